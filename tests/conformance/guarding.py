"""Scenarios of what a worker says of workflow code that is slow, or leaves something behind."""

from __future__ import annotations

import asyncio
import threading
import warnings
from datetime import timedelta
from typing import Any

import pytest
from foldlog import workflow
from foldlog.client import WorkflowUpdateFailedError, WorkflowUpdateStage
from foldlog.exceptions import ApplicationError
from foldlog.workflow import (
    HandlerUnfinishedPolicy,
    UnfinishedSignalHandlersWarning,
    UnfinishedTasksWarning,
    UnfinishedUpdateHandlersWarning,
)

from tests.conformance.scenarios import Place, Scenario
from tests.conformance.workers import start, worker_of
from tests.until import until_asked

LIMIT = timedelta(seconds=0.2)
_HELD = threading.Lock()
_HELD.acquire()
slow: list[float] = []
"""For how many seconds the next steps block the thread; those after them do not."""


@workflow.defn(sandboxed=False)
class Blocks:
    """Blocks its thread at some steps."""

    def __init__(self) -> None:
        self.steps = 0

    @workflow.run
    async def run(self, steps: int) -> int:
        await workflow.wait_condition(lambda: self.steps >= steps)
        return self.steps

    @workflow.signal
    def step(self) -> None:
        self.steps += 1
        if slow:
            _HELD.acquire(timeout=slow.pop())

    @workflow.query
    def count(self) -> int:
        return self.steps


async def what_is_slow_in_replay_is_no_deadlock(here: Place) -> None:
    """A worker takes over from a quick one, and takes longer than the limit for each event that is told again."""
    slow.clear()
    options: dict[str, Any] = {"workflows": [Blocks], "max_cached_workflows": 0}
    async with worker_of(here, here.client, **options):
        run = await start(here.client, Blocks.run, arg=4)
        for _ in range(3):
            await run.signal(Blocks.step)
        assert await run.query(Blocks.count) == 3
    async with worker_of(here, here.client, deadlock_timeout=LIMIT, **options):
        slow.extend([2 * LIMIT.total_seconds()] * 3)
        assert await run.query(Blocks.count) == 3
        assert not slow
        assert (await run.describe()).stalled_error == ""
        # The same code, where it is news.
        slow.extend([2 * LIMIT.total_seconds(), 0, 0, 0])
        await run.signal(Blocks.step)

        async def stalled() -> bool:
            return (await run.describe()).stalled_error.startswith(
                "[deadlock] workflow code did not yield for 0.2 s at "
            )

        await until_asked(stalled, "it stalls")
        assert await run.result() == 4


async def _left() -> None:
    await asyncio.sleep(3600)


@workflow.defn
class Leaves:
    @workflow.run
    async def run(self) -> str:
        task = asyncio.create_task(_left(), name="the clock")
        workflow.execute_activity("forgotten", start_to_close_timeout=LIMIT)  # type: ignore[unused-coroutine]
        await asyncio.sleep(0)
        return "done" if not task.done() else ""


async def what_a_run_leaves_behind_is_named(here: Place) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        async with worker_of(here, here.client, workflows=[Leaves]):
            run = await start(here.client, Leaves.run)
            assert await run.result() == "done"
    messages = [str(each.message) for each in caught if each.category is UnfinishedTasksWarning]
    assert any("task: _left (the clock), started in Leaves.run" in message for message in messages), messages
    forgotten = "coroutine 'workflow.execute_activity' was never awaited"
    assert (forgotten, __file__) in {(str(each.message), each.filename) for each in caught}


@workflow.defn
class Unfinished:
    """Ends while handlers of each kind and policy wait."""

    def __init__(self) -> None:
        self.how = ""

    @workflow.run
    async def run(self) -> str:
        await workflow.wait_condition(lambda: bool(self.how))
        assert not workflow.all_handlers_finished()
        if self.how == "fail":
            raise ApplicationError("as told")
        if self.how == "continue as new":
            workflow.continue_as_new()
        return self.how

    @workflow.signal
    def end(self, how: str) -> None:
        self.how = how

    @workflow.signal(unfinished_policy=HandlerUnfinishedPolicy.WARN_AND_ABANDON)
    async def warned_signal(self) -> None:
        await workflow.wait_condition(lambda: False)

    @workflow.signal(unfinished_policy=HandlerUnfinishedPolicy.ABANDON)
    async def silent_signal(self) -> None:
        await workflow.wait_condition(lambda: False)

    @workflow.update
    async def warned_update(self) -> None:
        await workflow.wait_condition(lambda: False)

    @workflow.update(unfinished_policy=HandlerUnfinishedPolicy.ABANDON)
    async def silent_update(self) -> None:
        await workflow.wait_condition(lambda: False)


async def handlers_that_have_not_finished(here: Place) -> None:
    """Are told of however a run ends, unless they say otherwise."""
    async with worker_of(here, here.client, workflows=[Unfinished]):
        for how in ("complete", "cancel", "continue as new", "fail"):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                await _end_with_handlers(here, how)
            told = {
                each.category: str(each.message)
                for each in caught
                if issubclass(each.category, UnfinishedSignalHandlersWarning | UnfinishedUpdateHandlersWarning)
            }
            assert set(told) == {UnfinishedSignalHandlersWarning, UnfinishedUpdateHandlersWarning}, how
            assert "warned_signal" in told[UnfinishedSignalHandlersWarning]
            assert "warned_update" in told[UnfinishedUpdateHandlersWarning]
            assert "silent" not in str(told)


async def _end_with_handlers(here: Place, how: str) -> None:
    run = await start(here.client, Unfinished.run)
    await run.signal(Unfinished.warned_signal)
    await run.signal(Unfinished.silent_signal)
    options: dict[str, Any] = {"wait_for_stage": WorkflowUpdateStage.ACCEPTED}
    updates = [await run.start_update(name, **options) for name in ("warned_update", "silent_update")]
    await (run.cancel() if how == "cancel" else run.signal(Unfinished.end, how))
    for update in updates:
        with pytest.raises(WorkflowUpdateFailedError) as failed:
            await update.result()
        assert isinstance(failed.value.cause, ApplicationError)
        assert failed.value.cause.type == "AcceptedUpdateCompletedWorkflow"
    if how == "continue as new":
        await here.client.get_workflow_handle(run.id).terminate()


ALONE: list[Scenario] = [
    what_is_slow_in_replay_is_no_deadlock,
    what_a_run_leaves_behind_is_named,
    handlers_that_have_not_finished,
]
"""Scenarios that bring their own workers."""
