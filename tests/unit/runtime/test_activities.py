"""Activities as workflow code sees them: what is decided, what comes back, and what cancelling means."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from foldlog import activity, workflow
from foldlog.common import Priority, RetryPolicy
from foldlog.core import decisions
from foldlog.core.decider import WorkflowTaskError
from foldlog.exceptions import (
    ActivityError,
    ApplicationError,
    CancelledError,
    FailureError,
    RetryState,
    TimeoutError,
    TimeoutType,
)
from foldlog.schemas.common import Priority as PriorityRecord
from foldlog.schemas.common import WorkflowOptions
from foldlog.workflow import ActivityCancellationType

from tests.unit.runtime.driver import CONVERTER, Driver

TIMEOUT = timedelta(seconds=10)


@dataclass
class Order:
    item: str
    count: int = 1


# Only their signatures count: the results come from the test, and none of these is ever called.


@activity.defn
async def price(order: Order) -> float:
    raise NotImplementedError


@activity.defn(name="renamed")
def plain() -> list[Order]:
    raise NotImplementedError


@activity.defn
async def two(first: int, second: str = "x") -> None:
    raise NotImplementedError


def undecorated() -> None:
    raise NotImplementedError


class Shop:
    @activity.defn
    async def sell(self, order: Order) -> Order:
        raise NotImplementedError


@activity.defn(name="counter")
class Counter:
    def __call__(self, step: int) -> int:
        raise NotImplementedError


@workflow.defn
class Buys:
    @workflow.run
    async def run(self) -> Any:
        order = Order("book", 2)
        first = await workflow.execute_activity(price, order, start_to_close_timeout=TIMEOUT)
        orders = await workflow.execute_activity(plain, schedule_to_close_timeout=TIMEOUT)
        await workflow.execute_activity(two, args=[1, "y"], start_to_close_timeout=TIMEOUT)
        sold = await workflow.execute_activity_method(Shop.sell, order, start_to_close_timeout=TIMEOUT)
        count = await workflow.execute_activity_class(Counter, 1, start_to_close_timeout=TIMEOUT)
        by_name = await workflow.execute_activity("price", order, result_type=Order, start_to_close_timeout=TIMEOUT)
        assert isinstance(orders[0], Order)
        assert isinstance(sold, Order)
        assert isinstance(by_name, Order)
        return [first, orders[0].item, sold.count, count, by_name.item]


def test_activities_are_called_by_function_method_class_and_name() -> None:
    answers = iter([9.5, [Order("pen")], None, Order("book", 7), 3, Order("by name")])
    driver = Driver(Buys)
    types = []
    while driver.activities:
        types.append(driver.decided[-1].activity_type)  # type: ignore[attr-defined]  # it is a ScheduleActivity
        driver.complete(None, next(answers))
    assert types == ["price", "renamed", "two", "sell", "counter", "price"]
    assert driver.result == [9.5, "pen", 7, 3, "by name"]
    driver.replay()


def scheduled(driver: Driver) -> decisions.ScheduleActivity:
    decision = driver.decided[-1]
    assert isinstance(decision, decisions.ScheduleActivity)
    return decision


def test_all_options_are_in_the_decision() -> None:
    @workflow.defn
    class Options:
        @workflow.run
        async def run(self) -> None:
            await workflow.execute_activity(
                two,
                args=[1, "y"],
                task_queue="special",
                schedule_to_close_timeout=timedelta(minutes=2),
                schedule_to_start_timeout=timedelta(milliseconds=1, microseconds=1),
                start_to_close_timeout=timedelta(days=1),
                heartbeat_timeout=timedelta(seconds=3),
                retry_policy=RetryPolicy(maximum_attempts=3, non_retryable_error_types=["Bad"]),
                activity_id="my-id",
                summary="for people",
            )

    decision = scheduled(Driver(Options))
    assert decision.activity_id == "my-id"
    assert decision.task_queue == "special"
    assert decision.schedule_to_close_timeout_ms == 120_000
    assert decision.schedule_to_start_timeout_ms == 2
    assert decision.start_to_close_timeout_ms == 86_400_000
    assert decision.heartbeat_timeout_ms == 3000
    assert decision.retry_policy is not None
    assert decision.retry_policy.maximum_attempts == 3
    assert decision.retry_policy.non_retryable_error_types == ["Bad"]
    assert CONVERTER.from_payloads(decision.args) == [1, "y"]
    assert decision.eager


def test_defaults() -> None:
    driver = Driver(Buys, disable_eager_activity_execution=True)
    decision = scheduled(driver)
    assert decision.task_queue == "default-queue"
    assert decision.retry_policy is not None
    assert decision.retry_policy.initial_interval_ms == 1000
    assert decision.retry_policy.backoff_coefficient == 2.0
    assert decision.retry_policy.maximum_interval_ms == 0
    assert decision.retry_policy.maximum_attempts == 0
    assert not decision.eager
    driver.complete(None, 1.0)
    assert scheduled(driver).activity_id == "2"


BAD_CALLS: dict[str, tuple[Any, dict[str, Any], str]] = {
    "no timeout": (price, {"args": [Order("x")]}, "must have start_to_close_timeout"),
    "zero timeout": (price, {"start_to_close_timeout": timedelta(0)}, "must have start_to_close_timeout"),
    "negative timeout": (price, {"start_to_close_timeout": timedelta(seconds=-1)}, "negative"),
    "number for a timeout": (price, {"start_to_close_timeout": 10}, "must be a timedelta, not int"),
    "number for a queue": (
        price,
        {"start_to_close_timeout": TIMEOUT, "task_queue": 5},
        "task_queue must be a str, not int",
    ),
    "number for an ID": (
        price,
        {"start_to_close_timeout": TIMEOUT, "activity_id": 5},
        "activity_id must be a str, not int",
    ),
    "no way to cancel": (
        price,
        {"start_to_close_timeout": TIMEOUT, "cancellation_type": "x"},
        "'x' is not a valid ActivityCancellationType",
    ),
    "unknown option": (price, {"start_to_close_timeout": TIMEOUT, "retries": 3}, "unknown activity option: retries"),
    "arg and args": (price, {"arg": 1, "args": [2], "start_to_close_timeout": TIMEOUT}, "not both"),
    "args is a string": (price, {"args": "abc", "start_to_close_timeout": TIMEOUT}, "args must be a list"),
    "not decorated": (undecorated, {"start_to_close_timeout": TIMEOUT}, "@activity.defn"),
    "not an activity": (17, {"start_to_close_timeout": TIMEOUT}, "a function or a name"),
    "unfit argument": (price, {"arg": object(), "start_to_close_timeout": TIMEOUT}, "object"),
}


@workflow.defn
class BadCall:
    @workflow.run
    async def run(self, case: str, how: str) -> str:
        function, options, _ = BAD_CALLS[case]
        try:
            if how == "start":
                workflow.start_activity(function, **options)
            else:
                await workflow.execute_activity(function, **options)
        except Exception as error:
            return str(error)
        return "no error"


@pytest.mark.parametrize("how", ["start", "execute"])
@pytest.mark.parametrize("case", BAD_CALLS)
def test_bad_calls_fail_where_they_are_made(case: str, how: str) -> None:
    driver = Driver(BadCall, case, how)
    assert BAD_CALLS[case][2] in driver.result
    assert driver.kinds() == ["CompleteWorkflow"]


# ---- failures


@workflow.defn
class Fails:
    @workflow.run
    async def run(self, local: bool = False) -> Any:
        try:
            if local:
                await workflow.execute_local_activity("x", start_to_close_timeout=TIMEOUT)
            else:
                await workflow.execute_activity("x", start_to_close_timeout=TIMEOUT)
        except FailureError as error:
            CAUGHT.append(error)
            return "caught"


CAUGHT: list[Any] = []


def test_a_failed_activity_raises_activity_error_with_its_cause() -> None:
    driver = Driver(Fails)
    driver.fail("x", ApplicationError("declined", {"code": 7}, type="Declined", non_retryable=True))
    assert driver.result == "caught"
    error = CAUGHT.pop()
    assert error.activity_type == "x"
    assert error.activity_id == "1"
    assert error.scheduled_event_id == 2
    assert error.identity == "worker-1"
    assert error.retry_state is RetryState.MAXIMUM_ATTEMPTS_REACHED
    assert isinstance(error.cause, ApplicationError)
    assert error.cause.type == "Declined"
    assert error.cause.details == [{"code": 7}] or error.cause.details == ({"code": 7},)
    driver.replay()
    assert isinstance(CAUGHT.pop().cause, ApplicationError)


def test_a_timed_out_activity_raises_activity_error_with_a_timeout() -> None:
    driver = Driver(Fails)
    driver.time_out("x")
    error = CAUGHT.pop()
    assert isinstance(error.cause, TimeoutError)
    assert error.cause.type is TimeoutType.START_TO_CLOSE
    assert error.retry_state is RetryState.TIMEOUT


def test_what_a_local_activity_raises_is_raised_as_it_is() -> None:
    driver = Driver(Fails, True)
    driver.complete_local("1", error=ValueError("no"))
    for _ in range(2):
        error = CAUGHT.pop()
        assert isinstance(error, ApplicationError)
        assert error.type == "ValueError"
        driver.replay()


@pytest.mark.parametrize("ended", [TimeoutError, CancelledError])
def test_what_ends_a_local_activity_from_outside_is_the_cause_of_an_activity_error(ended: type) -> None:
    driver = Driver(Fails, True)
    if ended is TimeoutError:
        cause = TimeoutError("too late", type=TimeoutType.START_TO_CLOSE, last_heartbeat_details=[])
        driver.complete_local("1", error=cause)
    else:
        driver.complete_local("1", error=CancelledError("Cancelled"))
    error = CAUGHT.pop()
    assert isinstance(error, ActivityError)
    assert (error.activity_type, error.activity_id) == ("x", "1")
    assert isinstance(error.cause, ended)
    assert error.retry_state is (RetryState.TIMEOUT if ended is TimeoutError else RetryState.CANCEL_REQUESTED)


def test_an_activity_error_that_is_not_caught_fails_the_workflow_with_all_causes() -> None:
    @workflow.defn
    class Lets:
        @workflow.run
        async def run(self) -> None:
            await workflow.execute_activity("x", start_to_close_timeout=TIMEOUT)

    driver = Driver(Lets)
    driver.fail("x", ApplicationError("declined", type="Declined"))
    with pytest.raises(ActivityError) as raised:
        _ = driver.result
    assert isinstance(raised.value.cause, ApplicationError)


def test_a_result_that_does_not_fit_stalls_the_workflow() -> None:
    driver = Driver(Buys)
    with pytest.raises(WorkflowTaskError, match="expected float") as raised:
        driver.complete("price", "not a number")
    assert "PayloadConversionError" in raised.value.stack_trace


# ---- local activities


def test_local_activities_leave_one_event_each() -> None:
    @workflow.defn
    class Local:
        @workflow.run
        async def run(self) -> Any:
            handle = workflow.start_local_activity(plain, start_to_close_timeout=TIMEOUT)
            other = await workflow.execute_local_activity(
                price, Order("x"), start_to_close_timeout=TIMEOUT, retry_policy=RetryPolicy(maximum_attempts=2)
            )
            method = await workflow.execute_local_activity_method(
                Shop.sell, Order("y"), schedule_to_close_timeout=TIMEOUT
            )
            assert isinstance(method, Order)
            return [len(await handle), other]

    driver = Driver(Local)
    first, second = driver.decided
    assert isinstance(first, decisions.ScheduleLocalActivity)
    assert isinstance(second, decisions.ScheduleLocalActivity)
    assert (first.activity_type, second.activity_type) == ("renamed", "price")
    assert second.retry_policy is not None
    assert second.retry_policy.maximum_attempts == 2
    driver.complete_local("2", 4.5)
    driver.complete_local("1", [])
    driver.complete_local("3", Order("z"))
    assert driver.result == [0, 4.5]
    driver.replay()


def test_a_cancelled_local_activity_is_no_longer_waited_for() -> None:
    @workflow.defn
    class CancelsLocal:
        @workflow.run
        async def run(self) -> str:
            handle = workflow.start_local_activity("slow", start_to_close_timeout=TIMEOUT)
            await asyncio.sleep(1)
            handle.cancel()
            try:
                await handle
            except ActivityError as error:
                return type(error.cause).__name__
            return "no error"

    driver = Driver(CancelsLocal)
    driver.fire()
    assert driver.result == "CancelledError"
    assert driver.kinds()[-2:] == ["CancelLocalActivity", "CompleteWorkflow"]
    driver.replay()


# ---- cancellation


@workflow.defn
class Cancels:
    @workflow.run
    async def run(self, kind: int, how: str) -> Any:
        options: workflow.ActivityConfig = {
            "start_to_close_timeout": TIMEOUT,
            "cancellation_type": ActivityCancellationType(kind),
        }
        if how == "handle":
            handle: asyncio.Task[Any] = workflow.start_activity("slow", **options)
        else:
            handle = asyncio.create_task(workflow.execute_activity("slow", **options))
        await asyncio.sleep(1)
        handle.cancel()
        outcome: Any
        try:
            outcome = await handle
        except ActivityError as error:
            if not isinstance(error.cause, CancelledError):
                raise TypeError("no cancellation") from error
            outcome = ["cancelled", *error.cause.details]
        await asyncio.sleep(5)
        return outcome


BOTH = pytest.mark.parametrize("how", ["handle", "task"])


@BOTH
def test_try_cancel_asks_and_goes_on_at_once(how: str) -> None:
    driver = Driver(Cancels, int(ActivityCancellationType.TRY_CANCEL), how)
    driver.fire()
    assert driver.kinds()[-2:] == ["RequestCancelActivity", "StartTimer"]
    driver.acknowledge_cancel("slow", "late")
    driver.fire()
    assert driver.result == ["cancelled"]
    driver.replay()


@BOTH
def test_abandon_does_not_ask(how: str) -> None:
    driver = Driver(Cancels, int(ActivityCancellationType.ABANDON), how)
    driver.fire()
    assert sorted(driver.kinds()) == ["ScheduleActivity", "StartTimer", "StartTimer"]
    driver.complete("slow", "late")
    driver.fire()
    assert driver.result == ["cancelled"]
    driver.replay()


@BOTH
@pytest.mark.parametrize("end", ["canceled", "completed", "failed"])
def test_wait_cancellation_completed_waits_for_how_it_ends(how: str, end: str) -> None:
    driver = Driver(Cancels, int(ActivityCancellationType.WAIT_CANCELLATION_COMPLETED), how)
    driver.fire()
    assert driver.kinds()[-1] == "RequestCancelActivity"
    if end == "canceled":
        driver.acknowledge_cancel("slow", "by choice")
        driver.fire()
        assert driver.result == ["cancelled", "by choice"]
    elif end == "completed":
        driver.complete("slow", "done all the same")
        driver.fire()
        assert driver.result == "done all the same"
    else:
        with pytest.raises(WorkflowTaskError, match="TypeError: no cancellation"):
            driver.fail("slow", ApplicationError("broke while cleaning up"))
        return
    driver.replay()


def test_a_second_cancel_asks_no_second_time() -> None:
    @workflow.defn
    class Twice:
        @workflow.run
        async def run(self) -> str:
            handle = workflow.start_activity(
                "slow",
                start_to_close_timeout=TIMEOUT,
                cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
            )
            for _ in range(3):
                await asyncio.sleep(1)
                handle.cancel()
            return str(await handle)

    driver = Driver(Twice)
    for _ in range(3):
        driver.fire()
    assert driver.kinds().count("RequestCancelActivity") == 1
    driver.complete("slow", "result")
    assert driver.result == "result"
    driver.replay()


def test_an_activity_cancelled_at_once_is_never_scheduled() -> None:
    @workflow.defn
    class AtOnce:
        @workflow.run
        async def run(self) -> list[str]:
            outcomes = []
            for wait in (False, True):
                for start in (workflow.start_activity, workflow.start_local_activity):
                    handle: Any = start("x", start_to_close_timeout=TIMEOUT)
                    if wait:
                        await asyncio.sleep(0)
                    handle.cancel()
                    try:
                        await handle
                    except (asyncio.CancelledError, ActivityError) as error:
                        outcomes.append(type(error).__name__)
            return outcomes

    driver = Driver(AtOnce)
    assert driver.kinds() == ["CompleteWorkflow"]
    assert driver.result == ["CancelledError", "CancelledError", "ActivityError", "ActivityError"]
    driver.replay()


def test_a_result_that_comes_with_the_cancellation_does_not_hide_it() -> None:
    @workflow.defn
    class Together:
        @workflow.run
        async def run(self) -> str:
            main = asyncio.current_task()
            handle = workflow.start_activity("x", start_to_close_timeout=TIMEOUT)
            handle.add_done_callback(lambda _: main.cancel() if main else None)
            try:
                await handle
            except asyncio.CancelledError:
                return f"cancelled, and {handle.result()}"
            return "completed"

    driver = Driver(Together)
    driver.complete("x", "done")
    assert driver.result == "cancelled, and done"


def test_timeouts_around_activities_cancel_them() -> None:
    @workflow.defn
    class Around:
        @workflow.run
        async def run(self) -> str:
            try:
                async with asyncio.timeout(3):
                    await workflow.execute_activity("slow", start_to_close_timeout=TIMEOUT)
            except ActivityError as error:
                return type(error.cause).__name__
            return "no error"

    driver = Driver(Around)
    driver.fire()
    assert driver.kinds() == ["StartTimer", "ScheduleActivity", "RequestCancelActivity", "CompleteWorkflow"]
    assert driver.result == "CancelledError"


def test_task_groups_cancel_their_activities_in_order() -> None:
    @workflow.defn
    class Group:
        @workflow.run
        async def run(self) -> str:
            async def fails() -> None:
                await asyncio.sleep(1)
                raise ApplicationError("no")

            errors = 0
            try:
                async with asyncio.TaskGroup() as group:
                    for number in range(30):
                        group.create_task(workflow.execute_activity(f"a{number}", start_to_close_timeout=TIMEOUT))
                    group.create_task(fails())
            except* Exception as failed:
                errors = len(failed.exceptions)
            return f"{errors} errors"

    driver = Driver(Group)
    driver.fire()
    cancelled = [d.activity_id for d in driver.decided if isinstance(d, decisions.RequestCancelActivity)]
    assert sorted(cancelled, key=int) == [str(number + 1) for number in range(30)]
    driver.replay()
    second = Driver(Group)
    second.fire()
    assert [d.activity_id for d in second.decided if isinstance(d, decisions.RequestCancelActivity)] == cancelled


def test_ten_thousand_activities_at_once() -> None:
    @workflow.defn
    class Many:
        @workflow.run
        async def run(self) -> int:
            calls = [workflow.execute_activity("a", n, start_to_close_timeout=TIMEOUT) for n in range(10_000)]
            return sum(await asyncio.gather(*calls))

    driver = Driver(Many)
    assert len(driver.activities) == 10_000
    assert driver.run({"a": lambda n: n}, limit=10_001).result == sum(range(10_000))


@workflow.defn
class OddPolicy:
    @workflow.run
    async def run(self) -> None:
        policy: Any = {"maximum_attempts": 2}
        await workflow.execute_activity("work", start_to_close_timeout=timedelta(seconds=1), retry_policy=policy)


def test_a_retry_policy_is_a_retry_policy() -> None:
    with pytest.raises(WorkflowTaskError, match="retry_policy must be a RetryPolicy, not dict"):
        Driver(OddPolicy)


@workflow.defn
class Urgent:
    @workflow.run
    async def run(self) -> None:
        await workflow.execute_activity("plain", start_to_close_timeout=TIMEOUT)
        await workflow.execute_activity(
            "said", summary="one line", priority=Priority(priority_key=1), start_to_close_timeout=TIMEOUT
        )


def test_summary_and_priority_are_in_the_decision_and_nothing_where_nothing_is_said() -> None:
    driver = Driver(Urgent)
    driver.complete("plain")
    plain, said = driver.decided
    assert isinstance(plain, decisions.ScheduleActivity)
    assert plain.options is None
    assert isinstance(said, decisions.ScheduleActivity)
    assert said.options is not None
    assert said.options.priority == PriorityRecord(priority_key=1)
    assert said.options.summary is not None
    assert said.options.summary.data == b'"one line"'


def test_what_an_activity_does_not_say_of_its_priority_its_workflow_says() -> None:
    inherited = PriorityRecord(priority_key=4, fairness_key="tenant", fairness_weight=2.0)
    driver = Driver(Urgent, start=False)
    driver.started.options = WorkflowOptions(priority=inherited)
    driver.tell(driver.started)
    driver.complete("plain")
    plain, said = driver.decided
    assert isinstance(plain, decisions.ScheduleActivity)
    assert plain.options is not None
    assert plain.options.priority == inherited
    assert isinstance(said, decisions.ScheduleActivity)
    assert said.options is not None
    assert said.options.priority == PriorityRecord(priority_key=1, fairness_key="tenant", fairness_weight=2.0)
