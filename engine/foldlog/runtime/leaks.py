"""Handlers and tasks that a run leaves behind when it ends: what they do next is lost, as their author should know."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from foldlog.core import decisions
from foldlog.core.decisions import Decision
from foldlog.runtime.called import call_of
from foldlog.workflow._exceptions import (
    UnfinishedSignalHandlersWarning,
    UnfinishedTasksWarning,
    UnfinishedUpdateHandlersWarning,
)

if TYPE_CHECKING:
    from foldlog.runtime.handlers import Handlers
    from foldlog.runtime.instance import WorkflowInstance

_shown: dict[str, Any] = {}
"""What has been warned of, so that Python says it once a place and not once a run."""


def warn_of_abandoned(run: WorkflowInstance, handlers: Handlers) -> None:
    """Warn of handlers of signals and updates that are still running.

    Args:
        run: The run.
        handlers: Its handlers.
    """
    if run.replaying:
        return
    for what, names, category in (
        ("signals", handlers.abandoned(), UnfinishedSignalHandlersWarning),
        ("updates", handlers.updates.abandoned(), UnfinishedUpdateHandlersWarning),
    ):
        if names:
            warnings.warn(
                f"workflow {run.workflow_id} ended while handlers of these {what} were still running: "
                f"{', '.join(names)}. Before it returns, let it "
                "`await workflow.wait_condition(workflow.all_handlers_finished)`",
                category,
                stacklevel=3,
            )


def warn_of_unfinished(run: WorkflowInstance, made: Sequence[Decision | None]) -> None:
    """Warn of tasks that are not done, at the line that started them, if a run ended well.

    Of tasks that wait for each other the outermost is named. Those that are being cancelled are not, nor those that do
    nothing but wait for a time or a condition, nor those of foldlog, such as handlers of signals. A run that fails or
    is cancelled has had its say.

    Args:
        run: The run.
        made: What it has decided at its end.
    """
    tasks = [task for task in run.loop.unfinished_tasks() if task.made_at is not None and not task.cancelling()]
    if not tasks or run.replaying:
        return
    if not any(isinstance(decision, decisions.CompleteWorkflow | decisions.ContinueAsNew) for decision in made):
        return
    only_waiting = (asyncio.sleep.__code__, type(run)._wait_condition.__code__)
    for task in tasks:
        if _is_awaited(task) or getattr(task.get_coro(), "cr_code", None) in only_waiting:
            # One that only waits has nothing to lose: it is what `asyncio.wait` leaves behind when something else came
            # first.
            continue
        assert task.made_at is not None
        code, line = task.made_at
        name = getattr(task, "call", "")  # of an activity that was started, not only executed
        if not name:
            given = "" if task.get_name().startswith("Task-") else f" ({task.get_name()})"
            name = f"task: {call_of(task.get_coro())}{given}"
        warnings.warn_explicit(
            f"workflow type {run.started.workflow_type} ended while this was still running, and nobody awaited it: "
            f"{name}, started in {code.co_qualname}. Await it, or cancel it, before the workflow returns",
            UnfinishedTasksWarning,
            code.co_filename,
            line,
            registry=_shown.setdefault(code.co_filename, {}),
        )


def _is_awaited(task: Any) -> bool:
    """Whether anybody waits for a task. There is no public way to see that.

    That `asyncio.gather` does is not enough: somebody must wait for what it returned.
    """
    for callback, _ in task._callbacks or ():
        code = getattr(callback, "__code__", None)
        if code is None or code.co_filename != asyncio.gather.__code__.co_filename or "outer" not in code.co_freevars:
            return True
        gathered = callback.__closure__[code.co_freevars.index("outer")].cell_contents
        if gathered is None or gathered._callbacks:
            return True
    return False
