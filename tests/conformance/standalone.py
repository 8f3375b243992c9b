"""Scenarios of activities without a workflow: started, ended, described, held back, changed and listed."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from foldlog import activity
from foldlog.client import (
    ActivityExecutionDescription,
    ActivityExecutionStatus,
    ActivityFailureError,
    ActivityHandle,
    ActivityOptionsKeys,
    PendingActivityState,
    RPCError,
    RPCStatusCode,
)
from foldlog.common import (
    ActivityIDConflictPolicy,
    ActivityIDReusePolicy,
    Priority,
    RetryPolicy,
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
)
from foldlog.exceptions import (
    ActivityAlreadyStartedError,
    ApplicationError,
    CancelledError,
    TerminatedError,
    TimeoutError,
    TimeoutType,
)

from tests.conformance.scenarios import QUEUE, REMOTE, SOON, Place, Scenario
from tests.until import until_asked

KEYS = ActivityOptionsKeys
STATUS = ActivityExecutionStatus
CITY = SearchAttributeKey.for_keyword("city")
BONN = TypedSearchAttributes([SearchAttributePair(CITY, "Bonn")])
DAILY = RetryPolicy(initial_interval=timedelta(days=1))


@activity.defn(name="join-alone")
async def join(left: str, right: str) -> str:
    return left + right


@activity.defn(name="about-alone")
def about() -> list[Any]:
    """In a thread: what it knows of itself."""
    info = activity.info()
    return [info.activity_id, info.activity_run_id, info.workflow_id, info.workflow_run_id, info.in_workflow]


@activity.defn(name="settle-alone")
async def settle(how: str) -> list[Any]:
    """Fails as it is told to, or says at its second attempt which options it has."""
    info = activity.info()
    if how == "fail":
        raise ApplicationError("no", how, type="No", non_retryable=True)
    if how == "linger":
        while True:
            activity.heartbeat("lingers", info.attempt)
            await asyncio.sleep(0.02)
    if info.attempt == 1:
        activity.heartbeat("half")
        raise ApplicationError("once")
    return [str(info.heartbeat_timeout), info.priority.priority_key, list(info.heartbeat_details)]


class Tools:
    @activity.defn(name="shout-alone")
    async def shout(self, text: str) -> str:
        return text.upper()


@activity.defn
class HumAlone:
    async def __call__(self, text: str) -> str:
        return f"hm, {text}"


def options(queue: str = QUEUE, **others: Any) -> dict[str, Any]:
    return {
        "id": uuid.uuid4().hex,
        "task_queue": queue,
        "start_to_close_timeout": SOON,
        "rpc_timeout": SOON,
        **others,
    }


async def activities_alone_of_each_form(here: Place) -> None:
    client = here.client
    for queue in (QUEUE, REMOTE):
        assert await client.execute_activity(join, args=["a", "b"], **options(queue)) == "ab"
        assert await client.execute_activity("shout-alone", "a", result_type=str, **options(queue)) == "A"
        assert await client.execute_activity_method(Tools.shout, "b", **options(queue)) == "B"
        assert await (await client.start_activity_method(Tools.shout, args=["c"], **options(queue))).result() == "C"
        assert await client.execute_activity_class(HumAlone, "d", **options(queue)) == "hm, d"
        assert await (await client.start_activity_class(HumAlone, args=["e"], **options(queue))).result() == "hm, e"
        handle = await client.start_activity(about, **options(queue, summary="says what it knows"))
        assert await handle.result() == [handle.id, handle.run_id, None, None, False]
    again = client.get_activity_handle(handle.id, run_id=handle.run_id, result_type=list[Any])
    assert await again.result() == await handle.result()


async def ends_of_activities_alone(here: Place) -> None:
    """Each way in which they end, as its handle tells and as it is described."""
    cancel, terminate = ("cancel", CancelledError, STATUS.CANCELED), ("terminate", TerminatedError, STATUS.TERMINATED)
    for how, error, status in (cancel, terminate):
        handle = await here.client.start_activity(settle, "linger", **options(REMOTE, heartbeat_timeout=SOON))
        found = await described(handle, lambda found: found.has_heartbeat_details())
        assert (found.status, found.run_state) == (STATUS.RUNNING, PendingActivityState.STARTED)
        assert (await found.heartbeat_details([str, int]), found.attempt) == (["lingers", 1], 1)
        assert (found.has_result(), found.has_outcome_failure(), found.has_last_failure()) == (False, False, False)
        assert found.last_heartbeat_time is not None
        assert not (await handle.describe()).has_heartbeat_details()
        await getattr(handle, how)(reason="enough")
        await fails(handle, error)
        closed = await handle.describe(include_outcome=True)
        assert (closed.status, closed.run_state, closed.close_time is None) == (status, None, False)
        assert isinstance(await closed.outcome_failure(), error)
        await handle.cancel()  # in vain
        with pytest.raises(RPCError) as refused:
            await handle.terminate()
        assert refused.value.status is RPCStatusCode.NOT_FOUND
    outside = await here.client.start_activity("leave_open", **options())
    await described(outside, lambda found: found.run_state is PendingActivityState.STARTED)
    await outside.cancel()
    told = here.client.get_async_activity_handle(activity_id=outside.id, run_id=None)
    await told.report_cancellation("as asked", 7)
    assert (await fails(outside, CancelledError)).details == ("as asked", 7)
    assert (await outside.describe()).status is STATUS.CANCELED
    failed = await here.client.start_activity(settle, "fail", **options())
    cause = await fails(failed, ApplicationError)
    assert (cause.message, cause.type, cause.details) == ("no", "No", ("fail",))
    found = await failed.describe(include_input=True, include_outcome=True)
    assert (found.status, await found.input([str]), await found.result()) == (STATUS.FAILED, ["fail"], None)
    assert str(await found.outcome_failure()) == "No: no"
    late = await here.client.start_activity(
        join, args=["a", "b"], **options("nobody-is-there", schedule_to_start_timeout=timedelta(seconds=0.2))
    )
    assert (await fails(late, TimeoutError)).type is TimeoutType.SCHEDULE_TO_START
    assert (await late.describe()).status is STATUS.TIMED_OUT
    with pytest.raises(ActivityFailureError):
        await here.client.execute_activity(
            "join-alone", "one too few", **options(retry_policy=RetryPolicy(maximum_attempts=1))
        )


async def fails(handle: ActivityHandle[Any], error: type[Any]) -> Any:
    """Why it failed."""
    with pytest.raises(ActivityFailureError) as failed:
        await handle.result(rpc_timeout=SOON)
    assert isinstance(failed.value.cause, error)
    return failed.value.cause


async def described(
    handle: ActivityHandle[Any], condition: Callable[[ActivityExecutionDescription], bool]
) -> ActivityExecutionDescription:
    async def ask() -> ActivityExecutionDescription | None:
        found = await handle.describe(
            include_input=True, include_outcome=True, include_heartbeat_details=True, include_last_failure=True
        )
        return found if condition(found) else None

    found: ActivityExecutionDescription = await until_asked(ask, "the activity gets there")
    return found


async def options_of_activities_alone(here: Place) -> None:
    """Changed while it waits for its second attempt, taken back, and what is described of it."""
    given = options(
        retry_policy=DAILY,
        heartbeat_timeout=SOON,
        schedule_to_close_timeout=timedelta(days=3),
        priority=Priority(priority_key=1),
    )
    changed, restored = [
        await here.client.start_activity(settle, "again", **(given | {"id": uuid.uuid4().hex})) for _ in range(2)
    ]
    for handle in (changed, restored):
        found = await described(handle, lambda found: found.next_attempt_schedule_time is not None)
        assert (found.run_state, found.attempt, found.start_delay) == (PendingActivityState.BACKOFF, 2, None)
        assert (str(await found.last_failure()), await found.heartbeat_details()) == (
            "once",
            ["half"],
        )
        assert (await found.input(), found.has_result()) == (["again"], False)
        assert found.expiration_time == found.schedule_time + timedelta(days=3)
        assert (found.retry_policy, found.priority) == (DAILY, Priority(priority_key=1))
    shown = await changed.update_options(
        [
            KEYS.task_queue.value_set("nobody-is-there"),
            KEYS.heartbeat_timeout.value_unset(),
            KEYS.retry_policy.value_unset(),
            KEYS.priority.value_set(Priority(priority_key=5)),
        ]
    )
    assert (shown.task_queue, shown.heartbeat_timeout, shown.retry_policy) == ("nobody-is-there", None, RetryPolicy())
    assert (await changed.describe()).task_queue == "nobody-is-there"
    assert (await changed.update_options([KEYS.task_queue.value_set(REMOTE)])).priority == Priority(priority_key=5)
    await restored.update_options([KEYS.priority.value_set(Priority(priority_key=4))])
    back = await restored.restore_original_options()
    assert (back.heartbeat_timeout, back.retry_policy, back.priority) == (SOON, DAILY, Priority(priority_key=1))
    with pytest.raises(TypeError):
        await restored.update_options([KEYS.priority.value_set(1)])  # type: ignore[arg-type]  # what is tested
    for handle, expected in ((restored, [str(SOON), 1, ["half"]]), (changed, ["None", 5, ["half"]])):
        await handle.pause(reason="later")
        paused = await handle.describe()
        assert (paused.status, paused.run_state) == (STATUS.PAUSED, PendingActivityState.PAUSED)
        await handle.unpause(reason="an attempt that waits begins at once")
        assert await handle.result() == expected
    done = await changed.describe(include_input=True, include_outcome=True)
    assert (await done.result(list[Any]), await done.input(), done.has_outcome_failure()) == (
        ["None", 5, ["half"]],
        ["again"],
        False,
    )
    with pytest.raises(RPCError) as refused:
        await restored.update_options([KEYS.heartbeat_timeout.value_set(SOON)])
    assert refused.value.status is RPCStatusCode.NOT_FOUND


async def activities_alone_that_wait(here: Place) -> None:
    """For a start delay, for somebody who takes them, and because they are paused."""
    held = await here.client.start_activity(join, args=["a", "b"], **options(start_delay=timedelta(hours=1)))
    found = await held.describe()
    assert (found.status, found.run_state, found.start_delay) == (STATUS.RUNNING, None, timedelta(hours=1))
    assert (found.activity_type, found.task_queue) == ("join-alone", QUEUE)
    with pytest.raises(RPCError):
        await held.pause()
    await held.terminate()
    waiting = await here.client.start_activity(join, args=["a", "b"], **options("nobody-is-there"))
    await waiting.pause(reason="wait")
    found = await waiting.describe()
    assert (found.status, found.run_state) == (STATUS.PAUSED, PendingActivityState.PAUSED)
    await waiting.unpause()
    found = await waiting.describe()
    assert (found.status, found.run_state) == (STATUS.RUNNING, PendingActivityState.SCHEDULED)
    await waiting.update_options([KEYS.task_queue.value_set(QUEUE)])
    assert await waiting.result() == "ab"
    runs = await here.client.start_activity("leave_open", **options())
    await described(runs, lambda found: found.run_state is PendingActivityState.STARTED)
    await runs.pause(reason="stop")
    assert (await runs.describe()).run_state is PendingActivityState.PAUSE_REQUESTED
    await runs.terminate()


async def ids_of_activities_alone(here: Place) -> None:
    client, given = here.client, options()
    first = await client.start_activity("leave_open", **given)
    with pytest.raises(ActivityAlreadyStartedError) as refused:
        await client.start_activity(about, **given)
    assert (refused.value.activity_id, refused.value.run_id) == (first.id, first.run_id)
    same = await client.start_activity(about, **given, id_conflict_policy=ActivityIDConflictPolicy.USE_EXISTING)
    assert same.run_id == first.run_id
    await client.get_async_activity_handle(activity_id=first.id, run_id=None).complete("done")
    assert await first.result() == "done"
    only_failed = ActivityIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY
    for policy in (ActivityIDReusePolicy.REJECT_DUPLICATE, only_failed):
        with pytest.raises(ActivityAlreadyStartedError):
            await client.start_activity(about, **given, id_reuse_policy=policy)
    with pytest.raises(ActivityFailureError):
        await client.execute_activity(settle, "fail", **given, id_reuse_policy=ActivityIDReusePolicy.ALLOW_DUPLICATE)
    assert await client.execute_activity(join, args=["a", "b"], **given, id_reuse_policy=only_failed) == "ab"
    with pytest.raises(RPCError) as unknown:
        await client.get_activity_handle("nobody").result()
    assert unknown.value.status is RPCStatusCode.NOT_FOUND


async def activities_alone_are_listed(here: Place) -> None:
    done, lasts = options(REMOTE, search_attributes=BONN), options()
    await here.client.execute_activity(join, args=["a", "b"], **done)
    handle = await here.client.start_activity("leave_open", **lasts)

    async def listed() -> Any:
        rows = {row.activity_id: row async for row in here.client.list_activities()}
        both = [rows.get(each["id"]) for each in (done, lasts)]
        return both if all(both) and both[0] and both[0].status is STATUS.COMPLETED else None

    first, second = await until_asked(listed, "both are listed")
    assert (first.activity_type, first.task_queue, first.namespace) == ("join-alone", REMOTE, here.client.namespace)
    assert (first.typed_search_attributes, second.status) == (BONN, STATUS.RUNNING)
    assert first.execution_duration == first.close_time - first.schedule_time
    assert second.activity_run_id == handle.run_id
    assert len([row async for row in here.client.list_activities(limit=1, page_size=1)]) == 1
    assert (await here.client.count_activities()).count >= 2
    assert lasts["id"] not in [row.id async for row in here.client.list_workflows()]
    assert (
        await here.client.count_activities(f"ActivityId = '{done['id']}' AND ActivityType = 'join-alone'")
    ).count == 1
    await handle.terminate()


SHARED: list[Scenario] = [
    activities_alone_of_each_form,
    ends_of_activities_alone,
    options_of_activities_alone,
    activities_alone_that_wait,
    ids_of_activities_alone,
    activities_alone_are_listed,
]
"""As in `scenarios`."""

ACTIVITIES: Sequence[Callable[..., Any]] = [join, about, settle, Tools().shout, HumAlone()]
