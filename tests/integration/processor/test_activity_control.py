"""Activities that are ended from outside, paused, reset and changed, on a real broker, with processors that restart."""

from __future__ import annotations

import asyncio
import sys
import threading
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from foldlog import activity, workflow
from foldlog.client import AsyncActivityCancelledError, RPCError, RPCStatusCode, WorkflowFailureError
from foldlog.common import Priority, RetryPolicy
from foldlog.exceptions import ActivityError, ApplicationError, CancelledError, TimeoutError, TimeoutType

from tests.integration.processor import ending
from tests.integration.processor.processes import ROOT
from tests.integration.processor.running import Place, place
from tests.until import DEADLINE, until, until_asked

LIMIT = timedelta(seconds=120)
LONG = LIMIT.total_seconds()
"""As limits of activities that no test waits for: a busy machine must not come near it."""
tokens: dict[str, bytes] = {}
begun: list[tuple[str, int]] = []
stopped: list[Any] = []
broken = threading.Event()


@activity.defn
async def ask_outside() -> str:
    info = activity.info()
    begun.append((str(info.workflow_id), info.attempt))
    tokens[str(info.workflow_id)] = info.task_token
    activity.raise_complete_async()


@activity.defn
async def work() -> list[Any]:
    """Fails while `broken`, and else goes on for ever unless it is told to stop."""
    info = activity.info()
    begun.append((str(info.workflow_id), info.attempt))
    if broken.is_set():
        raise ApplicationError("broken")
    if info.attempt > 1 or info.heartbeat_details:
        return [info.attempt, *info.heartbeat_details]
    try:
        while True:
            activity.heartbeat("so far")
            await asyncio.sleep(0.02)
    except asyncio.CancelledError:
        stopped.append(activity.cancellation_details())
        raise


@workflow.defn
class One:
    """Runs one activity."""

    @workflow.run
    async def run(self, name: str, start_to_close: float, heartbeat: float | None, attempts: int) -> Any:
        return await workflow.execute_activity(
            name,
            activity_id="the one",
            summary="for people",
            priority=Priority(priority_key=2, fairness_key="tenant"),
            start_to_close_timeout=timedelta(seconds=start_to_close),
            heartbeat_timeout=None if heartbeat is None else timedelta(seconds=heartbeat),
            retry_policy=RetryPolicy(maximum_attempts=attempts, initial_interval=timedelta(milliseconds=20)),
            cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        )


@activity.defn
async def fail_twice() -> int:
    attempt = activity.info().attempt
    if attempt < 3:
        raise ApplicationError("not yet")
    return attempt


@workflow.defn
class NearAndFar:
    """Runs a local activity whose waits are timers."""

    @workflow.run
    async def run(self) -> int:
        return await workflow.execute_local_activity(
            fail_twice,
            start_to_close_timeout=LIMIT,
            retry_policy=RetryPolicy(initial_interval=timedelta(seconds=1.5), backoff_coefficient=1.0),
            local_retry_threshold=timedelta(milliseconds=10),
        )


@pytest.fixture(autouse=True)
def fresh() -> None:
    tokens.clear()
    begun.clear()
    stopped.clear()
    broken.clear()


@pytest.fixture
async def here(kafka: str, namespace: str, tmp_path: Path) -> AsyncIterator[Place]:
    async with place(kafka, namespace, tmp_path, partitions=1) as found:
        yield found


def worker(here: Place, **options: Any) -> Any:
    """One whose attempts hear soon of a pause or a reset, which they are told when they send a heartbeat."""
    options |= {"max_heartbeat_throttle_interval": timedelta(milliseconds=200)}
    return here.worker(workflows=[One, NearAndFar], activities=[ask_outside, work, fail_twice], **options)


async def pending(handle: Any) -> Any:
    """Its one open activity."""
    (found,) = (await handle.describe()).pending_activities
    return found


async def started(handle: Any) -> bool:
    return bool((await pending(handle)).state.name == "STARTED")


async def test_each_kind_of_wait_goes_on_after_a_restart(here: Place) -> None:
    async with worker(here, disable_eager_activity_execution=True, max_concurrent_activities=1) as first:
        outside = [await here.start(One.run, *("ask_outside", LONG, None, 1), id=name) for name in ("token", "id")]
        await until(lambda: len(tokens) == 2, "both have begun, though there is one slot")
        for handle in outside:
            await until_asked(partial(started, handle), "its start is reported")
        await until(lambda: first.running_activities == 0, "neither takes a slot")
        near = await here.start(NearAndFar.run, id="near")
        await until_asked(lambda: _has_timer(near), "it waits for its second attempt")
        paused = await _paused_while_it_runs(here)
    async with worker(here, state="another"):
        await _end_from_another_process(here, outside)
        await _unpaused(paused)
        assert await near.result() == 3
        names = [type(one).__name__ for one in (await near.fetch_history()).events]
        assert names.count("LocalActivityCompleted") == 3
        assert names.count("TimerFired") == 2
    await here.check("another")


async def _end_from_another_process(here: Place, handles: list[Any]) -> None:
    """One by its token and one by its ID: the process knows nothing else, and nothing of the worker."""
    command = [sys.executable, "-m", ending.__name__, here.config.bootstrap_servers, here.namespace]
    process = await asyncio.create_subprocess_exec(
        *command, tokens["token"].hex(), "id", "the one", cwd=ROOT, stdin=PIPE, stdout=PIPE
    )
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        assert await asyncio.wait_for(process.stdout.readline(), DEADLINE) == b"alive\n"
        assert await (await pending(handles[0])).heartbeat_details() == ["alive"]
        said, _ = await asyncio.wait_for(process.communicate(b"go on\n"), DEADLINE)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert (process.returncode, said) == (0, b"twice: NOT_FOUND\n")
    assert [await handle.result() for handle in handles] == [{"by": process.pid}, "id"]
    assert sorted(begun[:2]) == [("id", 1), ("token", 1)]


async def _paused_while_it_runs(here: Place) -> Any:
    """A workflow whose running attempt was told of the pause and has ended."""
    handle = await here.start(One.run, *("work", LONG, LONG, 1), id="paused")
    await until(lambda: ("paused", 1) in begun, "it has begun")
    await handle.pause_activity("the one", reason="bank is down")
    await until(lambda: stopped, "it was told")
    assert stopped[0].paused
    await until_asked(lambda: _waits(handle), "the attempt has ended")
    shown = await pending(handle)
    assert (shown.paused, shown.pause_reason, shown.attempt) == (True, "bank is down", 2)
    assert shown.priority == Priority(priority_key=2, fairness_key="tenant")
    assert await shown.summary() == "for people"
    return handle


async def _unpaused(handle: Any) -> None:
    assert (await pending(handle)).paused
    await handle.unpause_activity(activity_type="work")
    assert await handle.result() == [2, "so far"]


async def test_cancelled_from_the_workflow_and_reported_from_outside(here: Place) -> None:
    async with worker(here):
        handle = await here.start(One.run, *("ask_outside", LONG, None, 1), id="wf")
        await until(lambda: tokens, "it has begun")
        outside = here.client.get_async_activity_handle(
            workflow_id="wf", run_id=handle.result_run_id, activity_id="the one"
        )
        await until_asked(lambda: started(handle), "its start is reported")
        await outside.heartbeat()
        await handle.cancel()
        with pytest.raises(AsyncActivityCancelledError) as caught:
            await outside.heartbeat("half")
        assert caught.value.details is not None
        assert caught.value.details.cancel_requested
        await outside.report_cancellation("cleaned up")
        with pytest.raises(WorkflowFailureError) as failed:
            await handle.result()
        assert isinstance(failed.value.cause, CancelledError)


@pytest.mark.parametrize(("limits", "kind"), [((0.3, None), "START_TO_CLOSE"), ((LONG, 0.3), "HEARTBEAT")])
async def test_whoever_never_completes_runs_into_the_timeouts(here: Place, limits: Any, kind: str) -> None:
    async with worker(here):
        handle = await here.start(One.run, *("ask_outside", *limits, 2), id="wf")
        with pytest.raises(WorkflowFailureError) as caught:
            await handle.result()
        assert isinstance(caught.value.cause, ActivityError)
        assert isinstance(caught.value.cause.cause, TimeoutError)
        assert caught.value.cause.cause.type is TimeoutType[kind]
        assert begun == [("wf", 1), ("wf", 2)]
        with pytest.raises(RPCError) as late:
            await here.client.get_async_activity_handle(task_token=tokens["wf"]).complete()
        assert late.value.status == RPCStatusCode.NOT_FOUND


async def test_failed_from_outside_it_is_tried_again_and_fails_for_good(here: Place) -> None:
    async with worker(here):
        handle = await here.start(One.run, *("ask_outside", LONG, None, 0), id="wf")
        await until(lambda: tokens, "it has begun")
        await here.client.get_async_activity_handle(task_token=tokens["wf"]).fail(ApplicationError("later"))
        await until(lambda: len(begun) == 2, "the next attempt")
        final = ApplicationError("never", type="Never", non_retryable=True)
        await here.client.get_async_activity_handle(task_token=tokens["wf"]).fail(final)
        with pytest.raises(WorkflowFailureError) as caught:
            await handle.result()
        assert isinstance(caught.value.cause, ActivityError)
        assert isinstance(caught.value.cause.cause, ApplicationError)
        assert caught.value.cause.cause.type == "Never"


async def _waits(handle: Any) -> bool:
    return bool((await pending(handle)).state.name == "BACKOFF")


async def test_reset_begins_with_the_first_attempt_and_changed_options_hold(here: Place) -> None:
    broken.set()
    async with worker(here):
        handle = await here.start(One.run, *("work", LONG, LONG, 0), id="wf")
        await until(lambda: len(begun) >= 3, "it has failed some times")
        slow = RetryPolicy(initial_interval=timedelta(days=1), maximum_attempts=50)
        await handle.update_activity_options("the one", retry_policy=slow)
        await until_asked(lambda: _waits_long(handle), "it waits for a day")
        attempts = len(begun)
        await handle.reset_activity("the one", reset_heartbeat=True)
        await until(lambda: len(begun) == attempts + 1, "it has begun anew")
        assert begun[-1] == ("wf", 1)
        await until_asked(lambda: _waits_long(handle), "it waits for a day again")
        broken.clear()
        await handle.reset_activity("the one", restore_original_options=True)
        await until(lambda: len(begun) == attempts + 2, "it runs")
        await handle.reset_activity("the one")
        await until(lambda: stopped, "it was told")
        assert stopped[0].reset
        assert await handle.result() == [1, "so far"]


async def _waits_long(handle: Any) -> bool:
    shown = await pending(handle)
    return shown.next_attempt_time is not None and shown.next_attempt_time - shown.scheduled_time > timedelta(hours=1)


async def _has_timer(handle: Any) -> bool:
    """Whether one has begun: it may be over by the time that one asks."""
    return "TimerStarted" in [type(one).__name__ for one in (await handle.fetch_history()).events]
