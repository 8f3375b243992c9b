"""Scenarios of activities: methods and classes, what they know, how they fail, and how they are cancelled."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, timedelta
from itertools import product
from typing import Any

import pytest
from foldlog import activity, workflow
from foldlog.client import AsyncActivityCancelledError, AsyncActivityHandle, RPCError, RPCStatusCode, WorkflowHandle
from foldlog.common import Priority, RetryPolicy
from foldlog.exceptions import (
    ActivityError,
    ApplicationError,
    ApplicationErrorCategory,
    CancelledError,
    TimeoutError,
)
from foldlog.workflow import ActivityCancellationType

from tests.conformance.scenarios import QUEUE, REMOTE, Place, Scenario, names
from tests.until import until, until_asked

LIMIT = timedelta(seconds=60)
QUICKLY = RetryPolicy(initial_interval=timedelta(milliseconds=10), backoff_coefficient=1.0, maximum_attempts=3)
BEGUN: set[str] = set()
"""Activities that are to be cancelled and have begun, by key."""
ENDS: dict[str, str] = {}
"""How activities ended that were to be cancelled, by key."""


TOKENS: dict[str, list[tuple[int, bytes]]] = {}
"""Numbers and task tokens of attempts that were left open, by key."""


class Calculator:
    """Activities that are methods."""

    def __init__(self, offset: int) -> None:
        self.offset = offset

    @activity.defn
    async def shift(self, number: int) -> int:
        return number + self.offset

    @activity.defn(name="shift-in-thread")
    def shift_in_thread(self, number: int) -> int:
        return number + self.offset


@activity.defn
class Halve:
    """An activity that is an object."""

    async def __call__(self, number: int) -> int:
        return number // 2


@activity.defn
async def leave_to_others(key: str) -> str:
    info = activity.info()
    TOKENS.setdefault(key, []).append((info.attempt, info.task_token))
    activity.raise_complete_async()


@workflow.defn
class Trusting:
    """Waits for what somebody outside makes of its activity."""

    @workflow.run
    async def run(self, key: str) -> list[Any]:
        result = await workflow.execute_activity(
            leave_to_others, key, activity_id="open", start_to_close_timeout=LIMIT, retry_policy=QUICKLY
        )
        return [result]


@activity.defn
async def tell() -> dict[str, Any]:
    """All that an activity knows of itself."""
    info = activity.info()
    activity.metric_meter().create_histogram("told").record(1)
    activity.logger.info("telling")
    return {
        "names": [info.activity_id, info.activity_type, info.task_queue],
        "workflow": [info.workflow_id, info.workflow_run_id, info.workflow_type, info.workflow_namespace],
        "attempt": info.attempt,
        "local": info.is_local,
        "limits": [str(info.schedule_to_close_timeout), str(info.start_to_close_timeout), str(info.heartbeat_timeout)],
        "priority": [info.priority.priority_key, info.priority.fairness_key, info.priority.fairness_weight],
        "policy": info.retry_policy is not None and info.retry_policy.maximum_attempts,
        "token": len(info.task_token) > 0,
        "key": info.idempotency_key,
        "utc": info.started_time.tzinfo == UTC,
        "order": info.scheduled_time <= info.current_attempt_scheduled_time <= info.started_time,
        "in": [activity.in_activity(), info.in_workflow, activity.is_cancelled(), activity.is_worker_shutdown()],
    }


@activity.defn
async def fail(how: str) -> str:
    attempt = activity.info().attempt
    if how == "delay":
        if attempt == 1:
            raise ApplicationError("later", next_retry_delay=timedelta(milliseconds=1))
        return f"attempt {attempt}"
    if how == "own task":
        current = asyncio.current_task()
        assert current is not None
        current.cancel()
        await asyncio.sleep(0)
    if how == "hang":
        activity.heartbeat("half", 2)
        await asyncio.sleep(60)
    category = ApplicationErrorCategory.BENIGN if how == "benign" else ApplicationErrorCategory.UNSPECIFIED
    raise ApplicationError("no", [1], {"a": 2}, type=how, category=category, non_retryable=how == "final")


@activity.defn
async def linger(key: str, swallow: bool) -> str:
    """Waits for its cancellation, cleans up, and lets it through or not."""
    BEGUN.add(key)
    try:
        while True:
            activity.heartbeat(key)
            await asyncio.sleep(0.01)
    except asyncio.CancelledError:
        await asyncio.sleep(0.05)
        ENDS[key] = "async"
        if swallow:
            return "swallowed"
        raise


@activity.defn(no_thread_cancel_exception=True)
def linger_in_thread(key: str) -> str:
    """Is told of its cancellation when it asks."""
    BEGUN.add(key)
    activity.heartbeat(key)
    activity.wait_for_cancelled_sync(LIMIT)
    ENDS[key] = f"asked: {activity.is_cancelled()}"
    raise CancelledError("asked")


@activity.defn
def linger_behind_a_shield(key: str) -> str:
    """Is left alone for as long as it does what must not be interrupted."""
    with activity.shield_thread_cancel_exception():
        activity.heartbeat(key)
        while not activity.is_cancelled():
            time.sleep(0.005)
        ENDS[key] = "shielded"
    try:
        while True:
            time.sleep(0.005)
    except CancelledError:
        ENDS[key] += ", and then raised"
        raise


@workflow.defn
class Working:
    """Runs activities in every form in which there are some."""

    @workflow.run
    async def run(self, number: int) -> list[int]:
        limit: dict[str, Any] = {"start_to_close_timeout": LIMIT}
        remote: dict[str, Any] = limit | {"task_queue": REMOTE}
        starts: list[Any] = [workflow.start_activity, workflow.start_local_activity]
        for first, second in product(starts, repeat=2):
            one = first("Halve", number, activity_id="same", **limit)
            with pytest.raises(ValueError, match="open activity with ID 'same' already"):
                second("Halve", number, activity_id="same", **limit)
            assert await one == number // 2
        return [
            await workflow.execute_activity_method(Calculator.shift, number, **limit),
            await workflow.start_activity_method(Calculator.shift_in_thread, number, **remote),
            await workflow.execute_activity_class(Halve, number, **limit),
            await workflow.start_activity_class(Halve, number, **remote),
            await workflow.execute_local_activity_method(Calculator.shift, number, **limit),
            await workflow.start_local_activity_method(Calculator.shift_in_thread, number, **limit),
            await workflow.execute_local_activity_class(Halve, number, **limit),
            await workflow.start_local_activity_class(Halve, number, **limit),
            await workflow.start_local_activity("Halve", number, result_type=int, activity_id="mine", **limit),
        ]


@workflow.defn
class Telling:
    """Passes on what its activities know."""

    @workflow.run
    async def run(self) -> list[dict[str, Any]]:
        here = await workflow.execute_activity(
            tell,
            activity_id="here",
            schedule_to_close_timeout=timedelta(minutes=5),
            start_to_close_timeout=LIMIT,
            heartbeat_timeout=LIMIT,
            retry_policy=QUICKLY,
            priority=Priority(priority_key=1, fairness_key="ada"),
            summary="what it knows",
        )
        there = await workflow.execute_activity(tell, task_queue=REMOTE, schedule_to_close_timeout=LIMIT)
        local = await workflow.execute_local_activity(
            tell, activity_id="near", start_to_close_timeout=LIMIT, summary="nearby"
        )
        return [here, there, local]


def told(error: BaseException | None) -> list[Any]:
    """What is known of a failure, and of what it is caused by."""
    if isinstance(error, ActivityError):
        state = error.retry_state.name if error.retry_state else None
        return [error.activity_type, error.activity_id, state, error.scheduled_event_id > 0, *told(error.cause)]
    if isinstance(error, ApplicationError):
        return [error.type, error.message, list(error.details), error.non_retryable, error.category.name]
    if isinstance(error, TimeoutError):
        return [error.type.name if error.type else None, list(error.last_heartbeat_details)]
    return [type(error).__name__]


@workflow.defn
class Failing:
    """Runs an activity that fails; tells all about it."""

    @workflow.run
    async def run(self, how: str, queue: str, local: bool) -> list[Any]:
        options: dict[str, Any] = {
            "retry_policy": RetryPolicy(
                initial_interval=timedelta(milliseconds=10), maximum_attempts=2, non_retryable_error_types=["listed"]
            ),
            "start_to_close_timeout": LIMIT,
            "activity_id": "failing",
        }
        try:
            if local and how == "hang":
                options["start_to_close_timeout"] = timedelta(milliseconds=50)
            if local:
                return [await workflow.execute_local_activity(fail, how, **options)]
            if how == "hang":
                options["heartbeat_timeout"] = timedelta(milliseconds=200)
            return [await workflow.execute_activity(fail, how, task_queue=queue, **options)]
        except (ActivityError, ApplicationError) as error:
            return told(error)


@workflow.defn
class Stopping:
    """Cancels its activity when told to, in the way it is told to; tells what came of it, and when."""

    def __init__(self) -> None:
        self.told = False

    @workflow.run
    async def run(self, name: str, args: list[Any], cancellation_type: int, local: bool) -> list[Any]:
        options: dict[str, Any] = {
            "start_to_close_timeout": LIMIT,
            "cancellation_type": ActivityCancellationType(cancellation_type),
            "retry_policy": RetryPolicy(maximum_attempts=1),
        }
        start: Any = workflow.start_local_activity if local else workflow.start_activity
        if not local:
            options["heartbeat_timeout"] = LIMIT
        handle = start(name, args=args, **options)
        await workflow.wait_condition(lambda: self.told)
        key = args[0]
        handle.cancel()
        try:
            found = ["result", await handle]
        except ActivityError as error:
            found = [type(error.cause).__name__, error.retry_state.name if error.retry_state else None]
        with workflow.unsafe.sandbox_unrestricted():
            return [*found, key]

    @workflow.signal
    def go(self) -> None:
        self.told = True


async def activities_of_each_form(here: Place) -> None:
    handle = await here.start(Working.run, 8)
    assert await handle.result() == [18, 18, 4, 4, 18, 18, 4, 4, 4]
    assert (await names(handle)).count("LocalActivityCompleted") == 5 + 2
    assert (await names(handle)).count("ActivityTaskCompleted") == 4 + 2


async def what_activities_know(here: Place) -> None:
    priority = Priority(priority_key=4, fairness_key="bob", fairness_weight=2.0)
    handle = await here.start(Telling.run, priority=priority)
    run_id = handle.result_run_id
    first, second, near = await handle.result()
    assert first["names"] == ["here", "tell", QUEUE]
    assert second["names"][1:] == ["tell", REMOTE]
    assert near["names"][:2] == ["near", "tell"]
    for found in (first, second, near):
        assert found["workflow"] == [handle.id, run_id, "Telling", here.client.namespace]
        assert found["utc"]
        assert found["order"]
        assert found["attempt"] == 1
        assert found["in"] == [True, True, False, False]
    assert len({found["key"] for found in (first, second, near)}) == 3
    assert [found["local"] for found in (first, second, near)] == [False, False, True]
    assert first["limits"] == ["0:05:00", "0:01:00", "0:01:00"]
    assert (first["policy"], first["token"], second["token"]) == (3, True, True)
    # What is not said of an activity, the workflow's priority says.
    assert (first["priority"], second["priority"]) == ([1, "ada", 2.0], [4, "bob", 2.0])


async def what_failures_tell(here: Place) -> None:
    details = [[1], {"a": 2}]
    for queue, local in ((QUEUE, False), (REMOTE, False), (QUEUE, True)):

        async def of(how: str, queue: str = queue, local: bool = local) -> list[Any]:
            found: list[Any] = await here.execute(Failing.run, how, queue, local)
            return found

        # What a local activity raises is raised as it is.
        spent, refused = [
            [] if local else ["fail", "failing", state, True]
            for state in ("MAXIMUM_ATTEMPTS_REACHED", "NON_RETRYABLE_FAILURE")
        ]
        normal, benign, final, listed, delayed, own = await asyncio.gather(
            *map(of, ["normal", "benign", "final", "listed", "delay", "own task"])
        )
        assert normal == [*spent, "normal", "no", details, False, "UNSPECIFIED"]
        assert benign == [*spent, "benign", "no", details, False, "BENIGN"]
        assert final == [*refused, "final", "no", details, True, "UNSPECIFIED"]
        assert listed == [*refused, "listed", "no", details, False, "UNSPECIFIED"]
        assert delayed == ["attempt 2"]
        assert own == [*spent, "CancelledError", "an awaited task was cancelled", [], False, "UNSPECIFIED"]
        timed_out = ["TIMEOUT", False, "START_TO_CLOSE"] if local else [*spent[2:], "HEARTBEAT"]
        assert (await of("hang"))[2:] == [*timed_out, ["half", 2]]


async def cancellation_types_of_activities(here: Place) -> None:
    types = ActivityCancellationType
    cases: list[tuple[str, list[Any], ActivityCancellationType, list[Any]]] = [
        ("linger", [False], types.TRY_CANCEL, ["CancelledError", "CANCEL_REQUESTED"]),
        ("linger", [False], types.WAIT_CANCELLATION_COMPLETED, ["CancelledError", "CANCEL_REQUESTED"]),
        ("linger", [True], types.WAIT_CANCELLATION_COMPLETED, ["result", "swallowed"]),
        ("linger", [False], types.ABANDON, ["CancelledError", "CANCEL_REQUESTED"]),
        ("linger_in_thread", [], types.WAIT_CANCELLATION_COMPLETED, ["CancelledError", "CANCEL_REQUESTED"]),
        ("linger_behind_a_shield", [], types.WAIT_CANCELLATION_COMPLETED, ["CancelledError", "CANCEL_REQUESTED"]),
    ]

    async def cancel(number: int) -> None:
        name, rest, how, expected = cases[number]
        key = f"{here.client.namespace}-{number}-{here.folder}"
        handle: WorkflowHandle[Any, Any] = await here.start(Stopping.run, name, [key, *rest], int(how), False)

        async def runs() -> bool:
            return any([found.state.name == "STARTED" for found in (await handle.describe()).pending_activities])

        await until_asked(runs, f"{name} runs")
        await handle.signal(Stopping.go)
        assert (await handle.result())[:2] == expected
        if how is types.WAIT_CANCELLATION_COMPLETED:
            assert key in ENDS
        await until(lambda: key in ENDS, f"{name} has stopped")
        kinds = await names(handle)
        assert ("ActivityTaskCancelRequested" in kinds) == (how is not types.ABANDON)
        # The workflow ends as soon as its code need not wait any more.
        ends = {"ActivityTaskCanceled", "ActivityTaskCompleted"}.intersection(kinds)
        assert bool(ends) == (how is types.WAIT_CANCELLATION_COMPLETED), (name, how)

    await asyncio.gather(*(cancel(number) for number in range(len(cases))))


async def a_task_token_is_of_one_attempt_also_after_a_reset(here: Place) -> None:
    """And an activity that is completed without a value returns None, whatever its type says."""
    key = uuid.uuid4().hex
    handle = await here.start(Trusting.run, key)
    tokens = TOKENS.setdefault(key, [])

    def outside(index: int) -> AsyncActivityHandle:
        return here.client.get_async_activity_handle(task_token=tokens[index][1])

    await until(lambda: len(tokens) == 1, "it begins")
    await until_asked(lambda: is_open(handle), "it is known to be left open")
    await handle.reset_activity("open")
    with pytest.raises(AsyncActivityCancelledError) as told:
        await outside(0).heartbeat()
    assert told.value.details is not None
    assert told.value.details.reset
    await outside(0).fail(ApplicationError("begins anew"))
    await until(lambda: len(tokens) == 2, "it begins anew")
    assert [number for number, _ in tokens] == [1, 1]
    for late in (outside(0).complete("late"), outside(0).fail(ApplicationError("late")), outside(0).heartbeat()):
        with pytest.raises(RPCError) as refused:
            await late
        assert refused.value.status is RPCStatusCode.NOT_FOUND
    await outside(1).complete()
    assert await handle.result() == [None]


async def is_open(handle: WorkflowHandle[Any, Any]) -> bool:
    """Whether a workflow has one open activity, which is known to have begun."""
    return [each.state.name for each in (await handle.describe()).pending_activities] == ["STARTED"]


async def cancellation_types_of_local_activities(here: Place) -> None:
    """Their processor tells them itself; in the history there is only how they ended."""
    types = ActivityCancellationType

    async def cancel(name: str, rest: list[Any], how: ActivityCancellationType, expected: list[Any]) -> None:
        key = uuid.uuid4().hex
        handle: WorkflowHandle[Any, Any] = await here.start(Stopping.run, name, [key, *rest], int(how), True)
        await until(lambda: key in BEGUN, f"{name} runs")
        await handle.signal(Stopping.go)
        assert (await handle.result())[:2] == expected, (name, how)
        if how is types.WAIT_CANCELLATION_COMPLETED:
            assert key in ENDS
        await until(lambda: key in ENDS, f"{name} has stopped")
        kinds = await names(handle)
        assert "ActivityTaskCancelRequested" not in kinds
        assert ("LocalActivityCompleted" in kinds) == (how is types.WAIT_CANCELLATION_COMPLETED), (name, how)

    canceled = ["CancelledError", "CANCEL_REQUESTED"]
    await asyncio.gather(
        cancel("linger", [False], types.TRY_CANCEL, canceled),
        cancel("linger", [False], types.WAIT_CANCELLATION_COMPLETED, canceled),
        cancel("linger", [True], types.WAIT_CANCELLATION_COMPLETED, ["result", "swallowed"]),
        cancel("linger", [False], types.ABANDON, canceled),
        cancel("linger_in_thread", [], types.WAIT_CANCELLATION_COMPLETED, canceled),
    )


SHARED: list[Scenario] = [
    a_task_token_is_of_one_attempt_also_after_a_reset,
    activities_of_each_form,
    what_activities_know,
    what_failures_tell,
    cancellation_types_of_activities,
    cancellation_types_of_local_activities,
]
"""As in `scenarios`."""

_calculator = Calculator(10)
WORKFLOWS: Sequence[type] = [Trusting, Working, Telling, Failing, Stopping]
ACTIVITIES: Sequence[Callable[..., Any]] = [
    leave_to_others,
    _calculator.shift,
    _calculator.shift_in_thread,
    Halve(),
    tell,
    fail,
    linger,
    linger_in_thread,
    linger_behind_a_shield,
]
