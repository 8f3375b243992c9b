"""Cancellation by Temporal's rules: of activities, timers and scopes, before the first decision, twice, swallowed."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from foldlog import workflow
from foldlog.core import decisions
from foldlog.exceptions import ActivityError, CancelledError
from foldlog.schemas import event
from foldlog.workflow import ActivityCancellationType

from tests.unit.runtime.driver import Driver

SOON = timedelta(seconds=10)
TRY = ActivityCancellationType.TRY_CANCEL
WAIT = ActivityCancellationType.WAIT_CANCELLATION_COMPLETED
ABANDON = ActivityCancellationType.ABANDON


def is_canceled(driver: Driver) -> bool:
    return isinstance(driver.end, event.WorkflowExecutionCanceled)


async def work(name: str = "work", **options: Any) -> Any:
    return await workflow.execute_activity(name, start_to_close_timeout=SOON, **options)


# ---- of the workflow


@workflow.defn
class Busy:
    """Waits for an activity, a timer and a child at once."""

    @workflow.run
    async def run(self) -> None:
        await asyncio.gather(work(), asyncio.sleep(100), workflow.execute_child_workflow("child", id="c"))


def test_everything_that_is_waited_for_is_cancelled() -> None:
    driver = Driver(Busy)
    driver.begin_child()
    made = driver.cancel("stop")
    assert [type(decision).__name__ for decision in made] == [
        "RequestCancelActivity",
        "CancelTimer",
        "RequestCancelExternalWorkflow",
        "CancelWorkflow",
    ]
    assert is_canceled(driver)
    driver.replay()


@workflow.defn
class CleansUp:
    """Cleans up with all that there is, after its cancellation."""

    def __init__(self) -> None:
        self.reason: str | None = None

    @workflow.run
    async def run(self, how: str) -> None:
        try:
            await (work() if how == "activity" else asyncio.sleep(1000))
        finally:
            self.reason = workflow.cancellation_reason()
            await work("release")
            await asyncio.sleep(5)
            await workflow.execute_child_workflow("child", id="c")
            async with asyncio.timeout(50):
                await work("last")
            async with asyncio.TaskGroup() as group:
                group.create_task(work("one"))
                group.create_task(work("two"))

    @workflow.query
    def why(self) -> str | None:
        return self.reason


@pytest.mark.parametrize("how", ["activity", "timer"])
def test_cleaning_up_may_take_activities_timers_and_children(how: str) -> None:
    driver = Driver(CleansUp, how)
    driver.cancel("because")
    assert driver.query("why") == "because"
    if how == "activity":
        driver.acknowledge_cancel("work")
    driver.complete("release")
    driver.fire()
    driver.begin_child()
    driver.end_child()
    driver.complete("last")
    driver.complete("one")
    assert driver.end is None
    driver.complete("two")
    assert is_canceled(driver)
    driver.replay()


@workflow.defn
class Swallows:
    @workflow.run
    async def run(self, again: bool) -> str:
        try:
            await asyncio.sleep(1000)
        except asyncio.CancelledError:
            if again:
                await work("fails")
        return "went on"


def test_a_workflow_may_swallow_its_cancellation_and_complete() -> None:
    driver = Driver(Swallows, False)
    driver.cancel()
    assert driver.result == "went on"
    driver.replay()


def test_after_a_swallowed_cancellation_a_cancelled_activity_still_ends_it_as_cancelled() -> None:
    """As in Temporal: that it was cancelled is a state, not an event."""
    driver = Driver(Swallows, True)
    driver.cancel()
    driver.fail("fails", CancelledError("itself"))
    assert is_canceled(driver)


@workflow.defn
class Explains:
    """Says how far it got when it is cancelled."""

    @workflow.run
    async def run(self, *details: Any) -> None:
        try:
            await asyncio.sleep(100)
        except asyncio.CancelledError:
            raise CancelledError("stopped", *details) from None


def test_what_a_cancelled_workflow_says_of_it_is_in_its_history() -> None:
    driver = Driver(Explains, "so far", 3)
    driver.cancel()
    end = driver.end
    assert isinstance(end, event.WorkflowExecutionCanceled)
    assert [payload.data for payload in end.details] == [b'"so far"', b"3"]
    driver.replay()


@workflow.defn
class Untouched:
    """Has no await that takes time."""

    @workflow.run
    async def run(self) -> str:
        await asyncio.sleep(0)
        return "done"


@workflow.defn
class Early:
    @workflow.run
    async def run(self) -> str | None:
        await workflow.wait_condition(lambda: workflow.cancellation_reason() is not None, timeout=1)
        return "not cancelled"


def test_cancelled_before_its_code_has_run() -> None:
    """The request is in the history before anything that the code decides: whatever first waits is cancelled."""
    driver = Driver(Early)
    driver.cancel("early")
    assert driver.kinds() == ["StartTimer", "CancelTimer", "CancelWorkflow"]
    assert is_canceled(driver)
    driver.replay()
    assert Driver(Untouched).result == "done"


@workflow.defn
class Twice:
    def __init__(self) -> None:
        self.reasons: list[str | None] = []

    @workflow.run
    async def run(self) -> list[str | None]:
        for _ in range(2):
            try:
                await asyncio.sleep(1000)
            except asyncio.CancelledError:
                self.reasons.append(workflow.cancellation_reason())
        return self.reasons


def test_the_reason_is_empty_if_none_was_given_and_none_before() -> None:
    driver = Driver(Twice)
    assert driver.decider.cancellation_reason() is None
    driver.cancel()
    assert driver.decider.cancellation_reason() == ""
    driver.fire()
    assert driver.result == [""]


# ---- scopes


@workflow.defn
class Shields:
    @workflow.run
    async def run(self) -> str:
        task = asyncio.create_task(work("kept"))
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            return f"kept: {await task}"
        return "not cancelled"


def test_shield_keeps_an_activity_from_the_cancellation() -> None:
    driver = Driver(Shields)
    assert driver.cancel() == []
    driver.complete("kept", 5)
    assert driver.result == "kept: 5"
    driver.replay()


@workflow.defn
class Scope:
    """Cancels a task with several things in it, not itself."""

    @workflow.run
    async def run(self) -> list[str]:
        async def scope() -> None:
            async with asyncio.TaskGroup() as group:
                group.create_task(work("one"))
                group.create_task(workflow.execute_child_workflow("child", id="c"))
                group.create_task(asyncio.sleep(50))

        task = asyncio.create_task(scope())
        await asyncio.sleep(1)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            return ["scope cancelled"]
        except BaseExceptionGroup as group:
            return sorted(type(error).__name__ for error in group.exceptions)
        return []


def test_cancelling_a_task_cancels_what_is_in_it_and_not_the_workflow() -> None:
    driver = Driver(Scope)
    driver.begin_child()
    driver.fire()
    assert sorted(type(made).__name__ for made in driver.decided[4:]) == [
        "CancelTimer",
        "RequestCancelActivity",
        "RequestCancelExternalWorkflow",
    ]
    assert driver.end is None  # the child is waited for
    driver.fail_child(CancelledError(), kind=event.ChildWorkflowExecutionCanceled)
    assert driver.result == ["ActivityError", "ChildWorkflowError"]
    driver.replay()


@workflow.defn
class TimesOut:
    @workflow.run
    async def run(self) -> str:
        try:
            async with asyncio.timeout(5):
                await work()
        except ActivityError as error:
            return type(error.cause).__name__
        except TimeoutError:
            return "timeout"
        return "done"


def test_a_timeout_around_an_activity_cancels_it() -> None:
    driver = Driver(TimesOut)
    driver.fire()
    assert driver.result == "CancelledError"
    driver.replay()


@workflow.defn
class Mixed:
    """An operation and a plain await, cancelled together; says in which order they tell the code."""

    @workflow.run
    async def run(self, kind: str, twice: bool) -> list[str]:
        told: list[str] = []
        cancelled = [False]

        async def told_by(name: str, waited: Any) -> None:
            try:
                await waited
            except BaseException as error:
                told.append(f"{name} {type(error).__name__}")
                cancelled[0] = True
                raise

        match kind:
            case "try" | "abandon":
                operation: Any = work(cancellation_type=TRY if kind == "try" else ABANDON)
            case "local":
                operation = workflow.execute_local_activity("work", start_to_close_timeout=SOON)
            case _:
                how = workflow.ChildWorkflowCancellationType.TRY_CANCEL
                operation = workflow.execute_child_workflow("child", id="c", cancellation_type=how)
        first = asyncio.create_task(told_by("operation", operation))
        both = asyncio.gather(first, told_by("timer", asyncio.sleep(100)))
        sees = asyncio.create_task(workflow.wait_condition(lambda: cancelled[0]))
        sees.add_done_callback(lambda _: told.append("condition"))
        try:
            await both
        except asyncio.CancelledError:
            told.append("gather")
            if twice:
                first.cancel()
                await asyncio.sleep(0)
        await asyncio.wait([first])
        return told


@pytest.mark.parametrize("twice", [False, True])
@pytest.mark.parametrize("kind", ["try", "abandon", "local", "child"])
def test_plain_awaits_are_told_of_a_cancellation_before_activities_and_children(kind: str, twice: bool) -> None:
    driver = Driver(Mixed, kind, twice)
    if kind == "child":
        driver.begin_child()
    driver.cancel()
    error = "ChildWorkflowError" if kind == "child" else "ActivityError"
    assert driver.result == ["timer CancelledError", "gather", "condition", f"operation {error}"]
    driver.replay()


@workflow.defn
class CountsCancellations:
    """A cancellation that became an activity error is done with: nothing raises it again."""

    @workflow.run
    async def run(self, cancellation_type: int) -> int:
        try:
            await work(cancellation_type=ActivityCancellationType(cancellation_type))
        except ActivityError:
            pass
        task = asyncio.current_task()
        assert task is not None
        return task.cancelling()


@pytest.mark.parametrize("cancellation_type", [TRY, WAIT, ABANDON])
def test_a_cancellation_that_became_an_activity_error_is_done_with(cancellation_type: Any) -> None:
    driver = Driver(CountsCancellations, int(cancellation_type))
    driver.cancel()
    if cancellation_type is WAIT:
        driver.acknowledge_cancel("work")
    assert driver.result == 0


# ---- activities


@workflow.defn
class CancelsActivity:
    @workflow.run
    async def run(self, cancellation_type: int, at_once: bool) -> str:
        # The number itself, as some programs have it.
        number: Any = cancellation_type
        handle = workflow.start_activity("work", start_to_close_timeout=SOON, cancellation_type=number)
        await asyncio.sleep(0 if at_once else 1)
        handle.cancel()
        try:
            return f"result {await handle}"
        except ActivityError as error:
            return type(error.cause).__name__


@pytest.mark.parametrize("cancellation_type", [TRY, WAIT, ABANDON])
def test_an_activity_that_is_cancelled_in_the_step_that_wants_it_leaves_nothing(cancellation_type: Any) -> None:
    driver = Driver(CancelsActivity, int(cancellation_type), True)
    assert driver.kinds() == ["CompleteWorkflow"]
    assert driver.result == "CancelledError"


@pytest.mark.parametrize(
    ("cancellation_type", "asks", "waits"), [(TRY, True, False), (WAIT, True, True), (ABANDON, False, False)]
)
def test_each_way_to_cancel_an_activity(cancellation_type: Any, asks: bool, waits: bool) -> None:
    driver = Driver(CancelsActivity, int(cancellation_type), False)
    driver.fire()
    assert ("RequestCancelActivity" in driver.kinds()) is asks
    assert (driver.end is None) is waits
    if waits:
        driver.complete("work", 7)
        assert driver.result == "result 7"
    else:
        assert driver.result == "CancelledError"
    driver.replay()


@workflow.defn
class CancelsTimer:
    @workflow.run
    async def run(self) -> str:
        timer = asyncio.create_task(asyncio.sleep(100))
        await asyncio.sleep(1)
        timer.cancel()
        try:
            await timer
        except asyncio.CancelledError:
            return "cancelled"
        return "fired"


def test_a_cancelled_timer_is_taken_back() -> None:
    driver = Driver(CancelsTimer)
    driver.fire()
    assert driver.result == "cancelled"
    assert isinstance(driver.decided[-2], decisions.CancelTimer)
    driver.replay()
