"""Sagas: order, cancellation, errors, replay, and what is refused when a compensation is registered."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta
from typing import Any

import pytest
from foldlog import activity, workflow
from foldlog.core.decider import WorkflowTaskError
from foldlog.exceptions import (
    ActivityError,
    ApplicationError,
    ChildWorkflowError,
    ConfigurationError,
    DefinitionError,
)
from foldlog.schemas import event
from foldlog.workflow import CompensationError, Saga
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.runtime.chaining import Chain
from tests.unit.runtime.driver import Driver

SOON = timedelta(seconds=10)


async def step(name: str) -> Any:
    return await workflow.execute_activity(name, start_to_close_timeout=SOON)


def open_types(driver: Driver) -> list[str]:
    return [scheduled.activity_type for scheduled in driver.activities.values()]


def failure(driver: Driver) -> Any:
    """The failure that closed the run."""
    assert isinstance(driver.end, event.WorkflowExecutionFailed), driver.end
    return driver.end.failure


def is_canceled(driver: Driver) -> bool:
    return isinstance(driver.end, event.WorkflowExecutionCanceled)


@workflow.defn(failure_exception_types=[LookupError])
class Trip:
    """Three steps with their undoing; the last one fails in the way that is asked for."""

    def __init__(self) -> None:
        self.caught = ""

    @workflow.run
    async def run(self, options: dict[str, bool], how: str = "") -> str:
        async with Saga(**options) as saga:
            for name in ("car", "hotel", "flight"):
                saga.compensate(f"cancel-{name}", start_to_close_timeout=SOON)
                await step(name)
            if how == "mistake":
                raise RuntimeError("oops")
            if how == "no such key":
                raise KeyError("oops")
            if how:
                raise ApplicationError(how)
        return "booked"


def travelled(options: dict[str, bool], how: str = "") -> Driver:
    driver = Driver(Trip, options, how)
    for name in ("car", "hotel", "flight"):
        driver.complete(name)
    return driver


def test_nothing_is_undone_if_nothing_fails() -> None:
    driver = travelled({})
    assert driver.result == "booked"
    assert driver.kinds() == ["ScheduleActivity"] * 3 + ["CompleteWorkflow"]


def test_what_was_done_is_undone_last_step_first_and_the_error_goes_on() -> None:
    driver = Driver(Trip, {})
    driver.complete("car")
    driver.fail("hotel", ApplicationError("full"))
    assert open_types(driver) == ["cancel-hotel"]  # its step may have been done all the same
    driver.complete("cancel-hotel")
    assert open_types(driver) == ["cancel-car"]
    driver.complete("cancel-car")
    with pytest.raises(ActivityError) as raised:
        _ = driver.result
    assert "full" in str(raised.value.cause)
    driver.replay()


def test_all_at_once_begins_in_reverse_order() -> None:
    driver = travelled({"parallel": True}, "no visa")
    assert open_types(driver) == ["cancel-flight", "cancel-hotel", "cancel-car"]
    for name in ("car", "flight", "hotel"):
        assert driver.end is None
        driver.complete(f"cancel-{name}")
    assert failure(driver).message == "no visa"
    driver.replay()


# ---- cancellation


@pytest.mark.parametrize("parallel", [False, True])
def test_compensations_run_although_the_workflow_is_cancelled(parallel: bool) -> None:
    driver = Driver(Trip, {"parallel": parallel})
    driver.complete("car")
    driver.complete("hotel")
    driver.cancel("ill")
    driver.acknowledge_cancel("flight")
    driver.complete("cancel-flight")
    driver.complete("cancel-hotel")
    assert driver.end is None
    driver.complete("cancel-car")
    assert is_canceled(driver)
    assert driver.kinds().count("RequestCancelActivity") == 1  # of the step, and of no compensation
    driver.replay()


def test_a_cancellation_while_compensating_waits_for_the_end() -> None:
    driver = travelled({}, "no visa")
    driver.complete("cancel-flight")
    driver.cancel("ill")
    driver.cancel("still ill")
    driver.complete("cancel-hotel")
    assert driver.end is None
    driver.complete("cancel-car")
    assert is_canceled(driver)
    driver.replay()


@workflow.defn
class Limited:
    """Has less time than it takes."""

    @workflow.run
    async def run(self) -> str:
        try:
            async with asyncio.timeout(60), Saga() as saga:
                saga.compensate("undo", start_to_close_timeout=SOON)
                await workflow.wait_condition(lambda: False)
        except TimeoutError:
            return "late"
        return "never"


def test_a_timeout_around_a_saga_is_compensated_for() -> None:
    driver = Driver(Limited)
    driver.fire()
    driver.complete("undo")
    assert driver.result == "late"
    driver.replay()


# ---- errors of compensations


def test_the_first_error_ends_it_if_so_wanted_and_the_rest_stays_registered() -> None:
    driver = travelled({"continue_with_error": False}, "no visa")
    driver.fail("cancel-flight", ApplicationError("airline closed"))
    assert open_types(driver) == []
    end = failure(driver)
    assert (end.type, end.cause.message) == ("CompensationError", "no visa")
    assert end.message.startswith("compensation failed: cancel-flight: airline closed")
    driver.replay()


@pytest.mark.parametrize("options", [{}, {"parallel": True}, {"parallel": True, "continue_with_error": False}])
def test_all_errors_are_collected(options: dict[str, bool]) -> None:
    driver = travelled(options, "no visa")
    driver.fail("cancel-flight", ApplicationError("airline closed"))
    driver.complete("cancel-hotel")
    driver.time_out("cancel-car")
    end = failure(driver)
    assert end.type == "CompensationError"
    assert "cancel-flight: airline closed; cancel-car: activity start-to-close timeout" in end.message
    driver.replay()


def test_a_cancelled_workflow_whose_compensation_fails_has_failed() -> None:
    driver = Driver(Trip, {})
    driver.cancel()
    driver.fail("cancel-car", ApplicationError("lost"))
    assert failure(driver).type == "CompensationError"


def test_parts_of_the_group_can_be_caught() -> None:
    group = CompensationError("two", [ApplicationError("a"), ValueError("b")])
    failures, others = group.split(ApplicationError)
    assert isinstance(failures, CompensationError)
    assert isinstance(others, CompensationError)
    assert [str(error) for error in others.exceptions] == ["b"]


# ---- mistakes


def test_any_exception_is_compensated_for() -> None:
    driver = travelled({}, "no such key")
    for name in ("flight", "hotel", "car"):
        driver.complete(f"cancel-{name}")
    assert failure(driver).type == "KeyError"


def test_with_failures_only_a_mistake_stalls_before_anything_is_undone() -> None:
    driver = Driver(Trip, {"failures_only": True}, "mistake")
    driver.complete("car")
    driver.complete("hotel")
    with pytest.raises(WorkflowTaskError, match="RuntimeError: oops"):
        driver.complete("flight")


def test_with_failures_only_failures_and_cancellations_are_compensated_for() -> None:
    driver = travelled({"failures_only": True}, "no visa")
    assert open_types(driver) == ["cancel-flight"]
    driver = Driver(Trip, {"failures_only": True})
    driver.cancel()
    assert open_types(driver)[-1] == "cancel-car"


@workflow.defn
class Clumsy:
    """Its compensation has a mistake."""

    @workflow.run
    async def run(self) -> None:
        async with Saga() as saga:
            saga.compensate("undo", start_to_close_timeout=SOON)
            saga.add(self._wrong)
            raise ApplicationError("no")

    async def _wrong(self) -> None:
        raise KeyError("oops")


def test_a_mistake_in_a_compensation_stalls_the_workflow() -> None:
    driver = Driver(Clumsy)
    with pytest.raises(WorkflowTaskError, match="KeyError: 'oops'"):
        driver.complete("undo")


def test_dropping_a_run_undoes_nothing() -> None:
    driver = Driver(Trip, {})
    driver.decider.close()
    assert driver.kinds() == ["ScheduleActivity"]
    driver = travelled({}, "no visa")
    again = driver.replay()
    again.close()
    assert driver.kinds() == ["ScheduleActivity"] * 4


# ---- plain use, functions, children


@workflow.defn
class Plain:
    """Without a context manager, and with all kinds of compensations."""

    def __init__(self) -> None:
        self.undone: list[str] = []

    @workflow.run
    async def run(self) -> list[str]:
        saga = Saga()
        saga.add(self._undo, "first")
        saga.compensate_child_workflow("Undo", "second", id="undo-1")
        saga.add(self._undo, name="third")
        saga.add(self._undo, "never")
        saga.discard()
        await saga.run_compensations()
        await saga.run_compensations()  # each is run once
        return self.undone

    async def _undo(self, name: str) -> None:
        await asyncio.sleep(1)
        self.undone.append(name)


def test_functions_and_children() -> None:
    driver = Driver(Plain)
    driver.fire()
    driver.begin_child("undo-1")
    driver.end_child("undo-1")
    driver.fire()
    assert driver.result == ["third", "first"]
    driver.replay()


@workflow.defn
class Resumed:
    """Goes on with the compensations that one that failed has left."""

    @workflow.run
    async def run(self) -> list[str]:
        saga = Saga(continue_with_error=False)
        saga.add(self._more, saga)
        saga.compensate_child_workflow("Undo", id="undo-1")
        try:
            await saga.run_compensations()
        except CompensationError as error:
            await saga.run_compensations()
            return [type(one).__name__ for one in error.exceptions]
        return []

    async def _more(self, saga: Saga) -> None:
        saga.compensate("more", start_to_close_timeout=SOON)


def test_what_is_left_can_be_run_later_and_compensations_may_register_others() -> None:
    driver = Driver(Resumed)
    driver.begin_child("undo-1")
    driver.fail_child(ApplicationError("no"))
    driver.complete("more")
    assert driver.result == [ChildWorkflowError.__name__]
    driver.replay()


@workflow.defn
class Leaving:
    """A compensation that lets a cancellation of its own through."""

    @workflow.run
    async def run(self) -> None:
        saga = Saga()
        saga.add(self._leave)
        await saga.run_compensations()

    async def _leave(self) -> None:
        raise asyncio.CancelledError("left")


def test_a_cancellation_of_the_compensations_own_is_an_error_of_it() -> None:
    end = failure(Driver(Leaving))
    assert (end.type, end.message) == (
        "CompensationError",
        "compensation failed: CancelledError: left (1 sub-exception)",
    )


# ---- what is refused at once


@activity.defn
async def undo(order: str) -> None: ...


async def undefined(order: str) -> None: ...


class Methods:
    @activity.defn(name="undo-it")
    async def undo_it(self, order: str) -> None: ...


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({}, ValueError),
        ({"start_to_close_timeout": -SOON}, ValueError),
        ({"start_to_close_timeout": SOON, "retries": 5}, TypeError),
        ({"start_to_close_timeout": 10}, ConfigurationError),
        ({"start_to_close_timeout": SOON, "heartbeat_timeout": 10}, ConfigurationError),
        ({"start_to_close_timeout": SOON, "retry_policy": 3}, ConfigurationError),
        ({"start_to_close_timeout": SOON, "task_queue": 3}, ConfigurationError),
        ({"start_to_close_timeout": SOON, "priority": 3}, ConfigurationError),
    ],
)
def test_wrong_options_are_refused_when_registered(options: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        Saga().compensate(undo, "o", **options)
    with pytest.raises(error):
        Saga().compensate_method(Methods.undo_it, "o", **options)


@pytest.mark.parametrize("option", [{"run_timeout": 10}, {"run_timeout": -SOON}, {"id": 3}, {"memo": 3}])
def test_wrong_options_of_children_are_refused_when_registered(option: Any) -> None:
    with pytest.raises(ValueError, match=next(iter(option))):
        Saga().compensate_child_workflow("Undo", **option)


def test_every_option_may_be_none_where_calls_let_it_be() -> None:
    saga = Saga()
    options: Any = dict.fromkeys(workflow.ActivityConfig.__annotations__) | {"start_to_close_timeout": SOON}
    saga.compensate(undo, "o", **options)
    options = dict.fromkeys(workflow.ChildWorkflowConfig.__annotations__)
    saga.compensate_child_workflow("Undo", **options)


def test_numbers_stand_for_what_temporal_has_them_for() -> None:
    saga = Saga()
    number: Any = 1
    saga.compensate(undo, "o", start_to_close_timeout=SOON, cancellation_type=number)
    saga.compensate_child_workflow("Undo", cancellation_type=number, parent_close_policy=number, id_reuse_policy=number)
    wrong: Any = 99
    with pytest.raises(ValueError, match="99 is not a valid ActivityCancellationType"):
        saga.compensate(undo, "o", start_to_close_timeout=SOON, cancellation_type=wrong)
    with pytest.raises(ValueError, match="99 is not a valid ParentClosePolicy"):
        saga.compensate_child_workflow("Undo", parent_close_policy=wrong)


def test_wrong_compensations_are_refused_when_registered() -> None:
    saga = Saga()
    with pytest.raises(DefinitionError):
        saga.compensate(undefined, "o", start_to_close_timeout=SOON)
    with pytest.raises(TypeError):
        saga.compensate("undo", "o", args=["o"], start_to_close_timeout=SOON)
    with pytest.raises(TypeError, match="retries"):
        saga.compensate_child_workflow("Undo", retries=5)  # type: ignore[call-overload]
    with pytest.raises(DefinitionError):
        saga.compensate_child_workflow(Plain._undo, "x")
    coroutine = undefined("o")
    with pytest.raises(TypeError, match="uncalled"):
        saga.add(coroutine)  # type: ignore[arg-type]
    coroutine.close()
    with pytest.raises(IndexError):
        saga.discard()


@workflow.defn
class ByMethod:
    @workflow.run
    async def run(self) -> None:
        async with Saga() as saga:
            saga.compensate_method(Methods.undo_it, "o", start_to_close_timeout=SOON)
            saga.compensate(undo, "o", start_to_close_timeout=SOON)
            raise ApplicationError("no")


def test_activities_that_are_functions_and_methods() -> None:
    driver = Driver(ByMethod)
    driver.complete("undo")
    driver.complete("undo-it")
    assert failure(driver).message == "no"


@workflow.defn
class Rolling:
    """Goes on in a new run from within a saga."""

    @workflow.run
    async def run(self, left: int) -> str:
        async with Saga() as saga:
            saga.compensate("undo", start_to_close_timeout=SOON)
            await asyncio.sleep(1)
            if left:
                workflow.continue_as_new(left - 1)
        return "done"


def test_continuing_as_new_is_no_failure() -> None:
    chain = Chain(Rolling).start(2)
    chain.sleep(10)
    assert chain.result == "done"
    assert "ActivityTaskScheduled" not in chain.kinds()


# ---- whatever happens, in whatever order


@given(seed=st.integers(0, 2**32), parallel=st.booleans())
@settings(max_examples=80, deadline=None)
def test_whatever_happens_each_step_that_was_begun_is_undone_once_or_none_is(seed: int, parallel: bool) -> None:
    world = random.Random(seed)
    driver = Driver(Trip, {"parallel": parallel})
    while driver.end is None:
        event_id = world.choice(sorted(driver.activities))
        chance = world.random()
        if chance < 0.1:
            driver.cancel()
        elif chance < 0.8:
            driver.complete(event_id)
        elif chance < 0.9:
            driver.fail(event_id, ApplicationError("no"))
        else:
            driver.time_out(event_id)
    scheduled = [item.activity_type for item in driver.events if isinstance(item, event.ActivityTaskScheduled)]
    steps = [name for name in scheduled if not name.startswith("cancel-")]
    undone = [name.removeprefix("cancel-") for name in scheduled if name.startswith("cancel-")]
    if isinstance(driver.end, event.WorkflowExecutionCompleted):
        assert (steps, undone) == (["car", "hotel", "flight"], [])
    else:
        assert undone == steps[::-1]
    driver.replay()
