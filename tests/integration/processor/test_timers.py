"""What is due while nobody runs happens once after the start: timers, timeouts, retries."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from foldlog import activity, workflow
from foldlog.client import PendingActivityState, WorkflowFailureError
from foldlog.common import RetryPolicy
from foldlog.exceptions import ActivityError, TimeoutError
from foldlog.schemas.command import ActivityStarted
from foldlog.schemas.framing import decode, encode
from foldlog.schemas.log import ActivityAttempt

from tests.integration.processor.running import SOON, Place, place
from tests.integration.processor.workloads import Ticking, Waiting
from tests.until import until, until_asked

SHORT = timedelta(milliseconds=300)
SEEN = timedelta(seconds=5)
"""Long enough for it to be seen that it has begun, before it is over, on a busy machine too."""


@pytest.fixture
async def here(kafka: str, namespace: str, tmp_path: Path) -> AsyncIterator[Place]:
    async with place(kafka, namespace, tmp_path) as found:
        yield found


ATTEMPTS: Counter[str] = Counter()


@activity.defn
async def failing(name: str) -> str:
    """Fails the first time."""
    ATTEMPTS[name] += 1
    if ATTEMPTS[name] == 1:
        raise ConnectionError("not yet")
    return f"{name} at attempt {activity.info().attempt}"


@workflow.defn
class Retrying:
    """One activity that fails once, and is repeated after a pause."""

    @workflow.run
    async def run(self, name: str, pause_ms: float) -> str:
        policy = RetryPolicy(initial_interval=timedelta(milliseconds=pause_ms))
        return await workflow.execute_activity(
            failing, name, start_to_close_timeout=timedelta(seconds=30), retry_policy=policy
        )


@workflow.defn
class Unattended:
    """One activity on a queue that nobody serves."""

    @workflow.run
    async def run(self) -> str:
        try:
            await workflow.execute_activity(
                failing,
                "never",
                task_queue="deserted",
                schedule_to_start_timeout=SHORT,
                schedule_to_close_timeout=SHORT * 9,
            )
        except ActivityError as error:
            cause = error.cause
            return cause.type.name if isinstance(cause, TimeoutError) and cause.type else repr(cause)
        return "it ran"


WORKFLOWS = [Ticking, Waiting, Retrying, Unattended]


async def passed(limit: timedelta) -> None:
    """Wait until what began before has come due."""
    end = time.monotonic() + limit.total_seconds()
    await until(lambda: time.monotonic() > end, "the time has passed")


async def test_what_comes_due_while_nobody_runs_happens_once_after_the_start(here: Place) -> None:
    ATTEMPTS.clear()
    async with here.worker(workflows=WORKFLOWS, activities=[failing]):
        ticking = [await here.start(Ticking.run, 1, 1.0, id=name) for name in here.ids("tick", each=5)]
        retrying = await here.start(Retrying.run, "again", SEEN / timedelta(milliseconds=1), id="retrying")
        unattended = await here.start(Unattended.run, id="unattended")
        run_timeout = await here.start(Waiting.run, id="run-timeout", run_timeout=SHORT * 4)
        execution_timeout = await here.start(Waiting.run, id="execution-timeout", execution_timeout=SHORT * 4)
        await until(lambda: ATTEMPTS["again"], "the activity has failed")

        async def backing_off() -> bool:
            pending = (await retrying.describe()).pending_activities
            return bool(pending) and pending[0].attempt == 2

        await until_asked(backing_off, "the failure is known")
    await passed(SEEN)
    async with here.worker(workflows=WORKFLOWS, activities=[failing]):
        assert [await handle.result(rpc_timeout=SOON) for handle in ticking] == [1] * len(ticking)
        assert await retrying.result(rpc_timeout=SOON) == "again at attempt 2"
        assert await unattended.result(rpc_timeout=SOON) == "SCHEDULE_TO_START"
        for handle in (run_timeout, execution_timeout):
            with pytest.raises(WorkflowFailureError) as failed:
                await handle.result(rpc_timeout=SOON)
            assert isinstance(failed.value.cause, TimeoutError)
    found = await here.check()
    for handle in ticking:
        assert found.kinds(handle.id).count("TimerFired") == 1
    assert ATTEMPTS["again"] == 2
    assert found.of("run-timeout")[-1].execution is False
    assert found.of("execution-timeout")[-1].execution is True


@activity.defn
async def hanging() -> str:
    """Never ends at its first attempt."""
    if activity.info().attempt == 1:
        await asyncio.Event().wait()
    return f"attempt {activity.info().attempt}"


@workflow.defn
class Hanging:
    """One activity with a start-to-close or a heartbeat timeout."""

    @workflow.run
    async def run(self, heartbeat: bool) -> str:
        return await workflow.execute_activity(
            hanging,
            start_to_close_timeout=SEEN * (20 if heartbeat else 1),
            heartbeat_timeout=SEEN if heartbeat else None,
            retry_policy=RetryPolicy(initial_interval=SHORT),
        )


@pytest.mark.parametrize("timeout_type", ["START_TO_CLOSE", "HEARTBEAT"])
async def test_an_attempt_whose_worker_vanished_times_out_after_a_restart(here: Place, timeout_type: str) -> None:
    async with here.worker(workflows=[Hanging], activities=[]):
        handle = await here.start(Hanging.run, timeout_type == "HEARTBEAT", id="hanging")
        # A worker that says that it has begun, and is never heard of again.
        begun = ActivityStarted(run_id=handle.result_run_id, scheduled_event_id=2, attempt=1)
        here.command("hanging", encode(begun))
        here.flush()

        async def running() -> bool:
            return [one.state for one in (await handle.describe()).pending_activities] == [PendingActivityState.STARTED]

        await until_asked(running, "the start is known")
    await passed(SEEN)
    async with here.worker(workflows=[Hanging], activities=[hanging]):
        assert await handle.result(rpc_timeout=SOON) == "attempt 2"
    found = await here.check()
    assert found.of("hanging")[2].attempt == 2
    read = [decode(record.value) for records in found.records.values() for record in records]
    attempts = [one for one in read if isinstance(one, ActivityAttempt)]
    # It timed out once, and was repeated once; its task, which was on the topic still, began in vain.
    planned = [one for one in attempts if one.phase != "STARTED"]
    assert [(one.attempt, one.phase) for one in planned] == [(2, "BACKOFF"), (2, "SCHEDULED")]
    assert planned[0].last_failure is not None
    assert planned[0].last_failure.timeout_type == timeout_type


async def test_a_repeated_request_gets_the_first_answer_across_restarts(here: Place) -> None:
    async with here.worker():
        first = await here.start(Waiting.run, id="once", request_id="start-1")
        await first.signal(Waiting.end, request_id="end-1")
        assert await first.result(rpc_timeout=SOON) == "ended"
    async with here.worker():
        again = await here.start(Waiting.run, id="once", request_id="start-1")
        assert again.result_run_id == first.result_run_id
        await first.signal(Waiting.end, request_id="end-1")  # would be refused: the workflow has ended
        other = await here.start(Waiting.run, id="once", request_id="start-2")
        assert other.result_run_id != first.result_run_id
        await other.signal(Waiting.end, request_id="end-2")
        await other.result(rpc_timeout=SOON)
    found = await here.check()
    assert found.requests == Counter({("once", request): 1 for request in ("start-1", "end-1", "start-2", "end-2")})
