"""Scenarios of activities that others interfere with: what their code is told, and what is done to those that wait."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from foldlog import activity, workflow
from foldlog.client import PendingActivity, WorkflowFailureError, WorkflowHandle
from foldlog.common import Priority, RetryPolicy
from foldlog.exceptions import ApplicationError, CancelledError, TerminatedError, WorkflowNotFoundError

from tests.conformance.scenarios import QUEUE, REMOTE, Place, Scenario
from tests.conformance.workers import worker_of
from tests.until import until, until_asked

LIMIT = timedelta(seconds=120)
OFTEN = timedelta(milliseconds=200)
"""How soon a heartbeat brings the news that somebody has paused or reset an activity."""

told: dict[str, list[str]] = defaultdict(list)
"""Why each attempt was cancelled, by key."""


def note(key: str) -> None:
    details = activity.cancellation_details()
    assert details is not None
    told[key].append("+".join(name for name, value in vars(details).items() if value))


@activity.defn
async def heed(key: str) -> list[Any]:
    """The first attempts go on until they are told to stop, by whoever it is."""
    info = activity.info()
    if info.heartbeat_details and info.heartbeat_details[0] == "once more":
        return [info.attempt, *info.heartbeat_details]
    beats = asyncio.create_task(_beat(["once more"] if told[key] else ["so far"]))
    try:
        await activity.wait_for_cancelled()
        await asyncio.sleep(0.01)  # waiting was told; this is interrupted
        return ["not interrupted"]
    except asyncio.CancelledError:
        note(key)
        raise
    finally:
        beats.cancel()


async def _beat(details: list[str]) -> None:
    while True:
        activity.heartbeat(*details)
        await asyncio.sleep(0.02)


@activity.defn
def heed_in_thread(key: str) -> list[Any]:
    info = activity.info()
    if info.heartbeat_details and info.heartbeat_details[0] == "once more":
        return [info.attempt, *info.heartbeat_details]
    try:
        while True:
            activity.heartbeat("once more" if told[key] else "so far")
            time.sleep(0.02)
    except CancelledError:
        note(key)
        raise


@activity.defn
async def fail_for_now(key: str) -> list[Any]:
    """Fails until it is told to end."""
    info = activity.info()
    if key not in told:
        activity.heartbeat("failed", info.attempt)
        raise ApplicationError(f"attempt {info.attempt}")
    return [info.attempt, list(info.heartbeat_details), str(info.heartbeat_timeout), info.priority.priority_key]


@workflow.defn
class Heeding:
    """Runs one activity, or several of them."""

    @workflow.run
    async def run(self, name: str, key: str, queue: str, days: int, count: int, attempts: int = 0) -> list[Any]:
        options: dict[str, Any] = {
            "start_to_close_timeout": LIMIT,
            "heartbeat_timeout": LIMIT,
            "retry_policy": RetryPolicy(
                initial_interval=timedelta(days=days) if days else timedelta(milliseconds=10),
                maximum_interval=timedelta(days=days) if days else timedelta(milliseconds=20),
                maximum_attempts=attempts,
            ),
            "cancellation_type": workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
            "task_queue": queue,
        }
        handles = [
            workflow.start_activity(name, key, result_type=list[Any], activity_id=f"a{number}", **options)
            for number in range(count)
        ]
        return [await handle for handle in handles]


async def pending(handle: WorkflowHandle[Any, Any]) -> PendingActivity:
    return (await handle.describe()).pending_activities[0]


async def why_attempts_are_cancelled(here: Place) -> None:
    """Each reason for which code is told to stop, with a heartbeat or at once."""
    options: dict[str, Any] = {"activities": [heed, heed_in_thread], "max_heartbeat_throttle_interval": OFTEN}

    async def one(name: str, why: str) -> None:
        key = uuid.uuid4().hex
        # A pause and a reset do not use up the only attempt.
        handle = await here.start(Heeding.run, name, key, QUEUE, 0, 1, int(why in ("pause", "reset")))

        async def stopped(reason: str) -> None:
            await until(lambda: told[key], f"{name} stops: {why}")
            assert told[key] == [reason]

        await until_asked(lambda: has_begun(handle), f"{name} runs: {why}")
        if why == "pause":
            await handle.pause_activity(activity_type=name, reason="later")
            await stopped("paused")

            async def waits() -> bool:
                return (await pending(handle)).state.name == "BACKOFF"

            await until_asked(waits, "it is held back")
            await handle.unpause_activity("a0")
            # Stopped once more by a reset, so that it ends.
            await until_asked(lambda: details_are(handle, ["once more"]), "it runs again")
            await handle.reset_activity("a0")
            assert await handle.result() == [[1, "once more"]]
        elif why == "reset":
            await handle.reset_activity("a0")
            await stopped("reset")
            await until_asked(lambda: details_are(handle, ["once more"]), "it runs again")
            await handle.reset_activity(activity_type=name)
            assert await handle.result() == [[1, "once more"]]
        elif why == "terminate":
            await handle.terminate()
            await stopped("not_found")
            with pytest.raises(WorkflowFailureError) as ended:
                await handle.result()
            assert isinstance(ended.value.cause, TerminatedError)
        else:
            await handle.cancel()
            await stopped("cancel_requested")
            with pytest.raises(WorkflowFailureError) as ended:
                await handle.result()
            assert isinstance(ended.value.cause, CancelledError)

    async with worker_of(here, here.client, workflows=[Heeding], **options):
        cases = [
            (name, why) for name in ("heed", "heed_in_thread") for why in ("pause", "reset", "terminate", "cancel")
        ]
        await asyncio.gather(*(one(*case) for case in cases))
    await _the_worker_stops(here, options)


async def has_begun(handle: WorkflowHandle[Any, Any]) -> bool:
    return (await pending(handle)).last_heartbeat_time is not None


async def details_are(handle: WorkflowHandle[Any, Any], details: list[str]) -> bool:
    return await (await pending(handle)).heartbeat_details() == details


async def _the_worker_stops(here: Place, options: dict[str, Any]) -> None:
    """Its attempts are told so, and go on elsewhere from where they were."""
    keys = {name: uuid.uuid4().hex for name in ("heed", "heed_in_thread")}
    async with worker_of(here, here.client, workflows=[Heeding], **options) as worker:
        handles = [await here.start(Heeding.run, name, key, QUEUE, 0, 1) for name, key in keys.items()]
        for handle in handles:
            await until_asked(lambda: has_begun(handle), "both run")  # noqa: B023
        assert worker.running_activities == 2
    assert [told[key] for key in keys.values()] == [["worker_shutdown"]] * 2
    async with worker_of(here, here.client, workflows=[Heeding], **options):
        for handle in handles:
            await until_asked(lambda: details_are(handle, ["once more"]), "it runs again")  # noqa: B023
            await handle.reset_activity("a0")
            assert await handle.result() == [[1, "once more"]]


async def what_is_done_to_activities_that_wait(here: Place) -> None:
    """Two at a time, that wait a day for their second attempts: they are paused, reset, changed and let go."""
    for queue in (QUEUE, REMOTE):
        key = uuid.uuid4().hex
        handle = await here.start(Heeding.run, "fail_for_now", key, queue, 1, 2)

        async def both(condition: Callable[[PendingActivity], Any], handle: Any = handle) -> Any:
            async def ask() -> list[PendingActivity] | None:
                found = (await handle.describe()).pending_activities
                return found if len(found) == 2 and all(condition(each) for each in found) else None

            return await until_asked(ask, "both get there")

        def waits(found: PendingActivity, attempt: int = 2) -> bool:
            return found.state.name == "BACKOFF" and found.attempt == attempt

        await both(waits)
        await handle.pause_activity(activity_type="fail_for_now", reason="not now")
        shown = await both(lambda found: found.paused)
        assert {(found.pause_reason, found.next_attempt_time) for found in shown} == {("not now", None)}
        assert {str(await found.last_failure()) for found in shown} == {"attempt 1"}
        # Counted anew, and held all the same.
        await handle.reset_activity("a0", keep_paused=True)
        found = (await handle.describe()).pending_activities
        assert [(each.attempt, each.paused) for each in found] == [(1, True), (2, True)]
        await handle.reset_activity("a0", jitter=timedelta(milliseconds=1))  # not kept, so that it runs, and fails
        await both(lambda found: waits(found) and found.paused is (found.activity_id == "a1"))
        await handle.update_activity_options(
            activity_type="fail_for_now",
            schedule_to_close_timeout=timedelta(days=9),
            schedule_to_start_timeout=timedelta(days=8),
            start_to_close_timeout=LIMIT * 2,
            heartbeat_timeout=LIMIT * 3,
            priority=Priority(priority_key=1),
        )
        for changed in await both(waits):
            limits = (changed.schedule_to_close_timeout, changed.schedule_to_start_timeout)
            assert limits == (timedelta(days=9), timedelta(days=8))
            assert (changed.start_to_close_timeout, changed.heartbeat_timeout) == (LIMIT * 2, LIMIT * 3)
        await handle.update_activity_options("a1", restore_original=True)
        told[key] = ["end"]
        await handle.unpause_activity("a1", reset_attempts=True, reset_heartbeat=True, jitter=timedelta(milliseconds=1))
        await handle.pause_activity("a0")
        await handle.unpause_activity("a0")
        assert await handle.result() == [
            [2, ["failed", 1], str(LIMIT * 3), 1],
            [1, [], str(LIMIT), None],
        ]
        for say in (handle.pause_activity("a0"), handle.update_activity_options("a0", heartbeat_timeout=LIMIT)):
            with pytest.raises(WorkflowNotFoundError):
                await say


async def activities_that_cannot_be_told(here: Place) -> None:
    """One that there is none of, and options that cannot be."""
    handle = await here.start(Heeding.run, "fail_for_now", uuid.uuid4().hex, QUEUE, 1, 1)
    calls: list[Callable[..., Awaitable[None]]] = [
        handle.pause_activity,
        handle.unpause_activity,
        handle.reset_activity,
        lambda *which: handle.update_activity_options(*which, heartbeat_timeout=LIMIT),
    ]
    for call in calls:
        with pytest.raises(WorkflowNotFoundError, match="no open activity with ID 'nobody'"):
            await call("nobody")
        with pytest.raises(ValueError, match="either an activity_id or an activity_type"):
            await call()
    with pytest.raises(ValueError, match="must not be negative"):
        await handle.update_activity_options("a0", start_to_close_timeout=-LIMIT)
    with pytest.raises(TypeError):
        await handle.update_activity_options("a0", retry_policy=3)  # type: ignore[arg-type]  # what is tested
    await handle.terminate()


SHARED: list[Scenario] = [what_is_done_to_activities_that_wait, activities_that_cannot_be_told]
"""As in `scenarios`."""

ALONE: list[Scenario] = [why_attempts_are_cancelled]
"""Scenarios that bring their own workers."""

WORKFLOWS: list[type] = [Heeding]
ACTIVITIES: list[Callable[..., Any]] = [fail_for_now]
