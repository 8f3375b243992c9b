"""What a run leaves behind when it ends is named, with the line that started it."""

from __future__ import annotations

import asyncio
import gc
import warnings
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from foldlog import workflow
from foldlog.core.decider import WorkflowTaskError
from foldlog.exceptions import ApplicationError
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
        if what == "coroutine":
            # What the test is about: it is not awaited.
            workflow.execute_activity("x", start_to_close_timeout=LIMIT)  # type: ignore[unused-coroutine]  # starts: coroutine
        await asyncio.sleep(0)


def _line(what: str) -> int:
    lines = Path(__file__).read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if line.endswith(f"# starts: {what}"))


@pytest.mark.parametrize(
    ("what", "name"),
    [
        ("task", "task: outer,"),
        ("named", "task: inner (the clock),"),
        ("activity", "activity: slow,"),
        ("gathered", "task: inner,"),
        ("awaits gathered", "task: outer_gather,"),
    ],
)
def test_tasks_that_nobody_awaits_are_named_once_a_place(what: str, name: str) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        driver = Driver(Leaves, what)
        Driver(Leaves, what)
    (warning,) = caught
    assert warning.category is UnfinishedTasksWarning
    assert name in str(warning.message)
    assert "started in Leaves.run" in str(warning.message)
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


def test_a_coroutine_that_nobody_awaits_is_named_by_python_at_its_line() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        Driver(Leaves, "coroutine")
        gc.collect()
    (warning,) = [one for one in caught if one.category is RuntimeWarning]
    assert str(warning.message) == "coroutine 'workflow.execute_activity' was never awaited"
    assert (warning.filename, warning.lineno) == (__file__, _line("coroutine"))
