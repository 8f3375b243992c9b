"""What a run leaves behind when it ends is named, with the line that started it."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from foldlog import workflow
from foldlog.core.decider import WorkflowTaskError
from foldlog.exceptions import ApplicationError
from foldlog.interceptor import Interceptor, WorkflowInboundInterceptor, WorkflowInterceptorClassInput
from foldlog.runtime import leaks
from foldlog.workflow import UnfinishedTasksWarning

from tests.unit.runtime.driver import Driver

LIMIT = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def _each_place_once_a_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaks, "_shown", {})


async def outer() -> None:
    await asyncio.create_task(inner())


async def outer_gather() -> None:
    await asyncio.gather(inner(), asyncio.gather(inner()))


async def inner() -> None:
    await asyncio.sleep(100)


@workflow.defn
class Leaves:
    @workflow.run
    async def run(self, what: str) -> None:
        kept: list[Any] = []
        if what == "task":
            kept.append(asyncio.create_task(outer()))  # starts: task
        if what == "named":
            kept.append(asyncio.create_task(inner(), name="the clock"))  # starts: named
        if what == "activity":
            workflow.start_activity("slow", start_to_close_timeout=LIMIT)  # starts: activity
        if what == "gathered":
            asyncio.gather(inner(), asyncio.sleep(100))  # starts: gathered
        if what == "awaits gathered":
            kept.append(asyncio.create_task(outer_gather()))  # starts: awaits gathered
            await asyncio.sleep(0)
        if what == "awaited":
            kept.append(asyncio.create_task(asyncio.sleep(0)))
            await kept[0]
        if what == "first":
            either = [
                asyncio.create_task(workflow.sleep(100)),
                asyncio.create_task(workflow.wait_condition(lambda: what == "second")),
                asyncio.create_task(asyncio.sleep(0)),
            ]
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if what in ("cancelled", "failed"):
            kept.append(asyncio.create_task(inner()))
            await asyncio.sleep(0)
        if what == "cancelled":
            kept[0].cancel()
        if what == "failed":
            raise ApplicationError("failed")
        await asyncio.sleep(0)


@workflow.defn
class LeavesCalls:
    @workflow.run
    async def run(self, what: str) -> None:
        kept: list[Any] = []
        if what == "local activity":
            workflow.start_local_activity("slow", start_to_close_timeout=LIMIT)  # starts: local activity
        if what == "executed":
            executed = workflow.execute_activity("slow", start_to_close_timeout=LIMIT)
            kept.append(asyncio.create_task(executed))  # starts: executed
        if what == "executed locally":
            locally = workflow.execute_local_activity("slow", start_to_close_timeout=LIMIT)
            kept.append(asyncio.create_task(locally))  # starts: executed locally
            await asyncio.sleep(0)
        if what == "child":
            kept.append(asyncio.create_task(workflow.execute_child_workflow("Long", id="c")))  # starts: child
            await asyncio.sleep(0)
        if what == "signal":
            signal = workflow.get_external_workflow_handle("other").signal("s")
            kept.append(asyncio.create_task(signal))  # starts: signal
            await asyncio.sleep(0)
        await asyncio.sleep(0)


def _line(what: str) -> int:
    lines = Path(__file__).read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if line.endswith(f"# starts: {what}"))


@pytest.mark.parametrize(
    ("what", "name"),
    [
        ("task", "task: outer,"),
        ("named", "task: inner (the clock),"),
        ("activity", "awaited it: workflow.start_activity('slow'),"),
        ("local activity", "awaited it: workflow.start_local_activity('slow'),"),
        ("executed", "task: workflow.execute_activity('slow'),"),
        ("executed locally", "task: workflow.execute_local_activity('slow'),"),
        ("child", "task: workflow.execute_child_workflow('Long'),"),
        ("signal", "task: workflow.ExternalWorkflowHandle.signal,"),
        ("gathered", "task: inner,"),
        ("awaits gathered", "task: outer_gather,"),
    ],
)
def test_tasks_that_nobody_awaits_are_named_once_a_place(what: str, name: str) -> None:
    started_by = LeavesCalls if "workflow." in name and what != "activity" else Leaves
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        driver = Driver(started_by, what)
        Driver(started_by, what)
    (warning,) = caught
    assert warning.category is UnfinishedTasksWarning
    assert name in str(warning.message)
    assert f"started in {started_by.__name__}.run" in str(warning.message)
    assert (warning.filename, warning.lineno) == (__file__, _line(what))
    assert driver.end is not None


@pytest.mark.parametrize("what", ["awaited", "first", "cancelled", "failed", "nothing"])
def test_nothing_is_said_of_what_is_in_order(what: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Driver(Leaves, what).end is not None


def test_where_warnings_are_errors_the_run_stalls() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", UnfinishedTasksWarning)
        with pytest.raises(WorkflowTaskError, match="UnfinishedTasksWarning: workflow type Leaves"):
            Driver(Leaves, "task")


def test_nothing_is_said_in_replay() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        driver = Driver(Leaves, "task")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        driver.replay()


_CALLS: dict[str, Callable[[], Any]] = {
    "execute_activity": lambda: workflow.execute_activity("x", start_to_close_timeout=LIMIT),
    "execute_local_activity": lambda: workflow.execute_local_activity("x", start_to_close_timeout=LIMIT),
    "execute_child_workflow": lambda: workflow.execute_child_workflow("X", id="x"),
    "start_child_workflow": lambda: workflow.start_child_workflow("X", id="x"),
    "wait_condition": lambda: workflow.wait_condition(lambda: True),
    "sleep": lambda: workflow.sleep(0, summary="soon"),
    "ExternalWorkflowHandle.signal": lambda: workflow.get_external_workflow_handle("x").signal("s"),
    "ExternalWorkflowHandle.cancel": lambda: workflow.get_external_workflow_handle("x").cancel(),
}


@workflow.defn
class Forgets:
    @workflow.run
    async def run(self, what: str) -> None:
        _CALLS[what]()  # starts: coroutine


class Silent(Interceptor):
    """Only its being there matters: calls go another way then."""

    def workflow_interceptor_class(
        self, input: WorkflowInterceptorClassInput
    ) -> type[WorkflowInboundInterceptor] | None:
        return WorkflowInboundInterceptor


@pytest.mark.parametrize("intercepted", [False, True])
@pytest.mark.parametrize("what", list(_CALLS))
def test_a_coroutine_that_nobody_awaits_is_named_by_python_at_its_line(what: str, intercepted: bool) -> None:
    options: dict[str, Any] = {"interceptors": [Silent()]} if intercepted else {}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        Driver(Forgets, what, **options)
        gc.collect()
    (warning,) = [one for one in caught if one.category is RuntimeWarning]
    assert str(warning.message) == f"coroutine 'workflow.{what}' was never awaited"
    assert (warning.filename, warning.lineno) == (__file__, _line("coroutine"))
