"""What activity code may ask, and who hears of it."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from foldlog import activity
from foldlog.activity._context import CompleteAsyncError, Context
from foldlog.activity._info import Info, info_from_task
from foldlog.activity._latch import Latch
from foldlog.activity._logger import LoggerAdapter
from foldlog.common import RetryPolicy
from foldlog.converter import PayloadConverter
from foldlog.schemas.task import ActivityTask

SECOND = timedelta(seconds=1)
CANCELLED = activity.ActivityCancellationDetails(cancel_requested=True)


def make_task(**changes: Any) -> ActivityTask:
    values: dict[str, Any] = {
        "namespace": "shop",
        "run_id": "run-1",
        "workflow_type": "Order",
        "activity_id": "3",
        "activity_type": "charge",
        "scheduled_event_id": 7,
        "attempt": 2,
        "scheduled_ms": 1_000_500,
        "attempt_scheduled_ms": 1_002_000,
        "start_to_close_timeout_ms": 1_000,
        **changes,
    }
    return ActivityTask(**values)


def make_info(**changes: Any) -> Info:
    return info_from_task(
        "order/1",
        make_task(**changes),
        task_queue="orders",
        started_time=datetime(2026, 1, 1, tzinfo=UTC),
        task_token=b"token",
        heartbeat_details=[5],
    )


@contextmanager
def running(context: Context) -> Iterator[Context]:
    """Be the code of an activity."""
    token = Context.set(context)
    try:
        yield context
    finally:
        Context.reset(token)


def test_info_says_what_the_task_says() -> None:
    info = make_info(heartbeat_timeout_ms=250, retry_policy=RetryPolicy(maximum_attempts=3).to_record())
    assert info.activity_id == "3"
    assert info.attempt == 2
    assert info.scheduled_time == datetime(1970, 1, 1, 0, 16, 40, 500_000, UTC)
    assert info.current_attempt_scheduled_time - info.scheduled_time == 1.5 * SECOND
    assert (info.start_to_close_timeout, info.schedule_to_close_timeout) == (SECOND, None)
    assert info.heartbeat_timeout == SECOND / 4
    assert info.retry_policy == RetryPolicy(maximum_attempts=3)
    assert (info.namespace, info.workflow_namespace) == ("shop", "shop")
    assert (info.workflow_id, info.workflow_run_id, info.workflow_type) == ("order/1", "run-1", "Order")
    assert (info.task_queue, info.task_token, info.is_local) == ("orders", b"token", False)
    assert info.heartbeat_details == [5]
    assert make_info().retry_policy is None


def test_the_idempotency_key_is_the_activity_whatever_the_attempt() -> None:
    key = make_info().idempotency_key
    assert key == "order/1/run-1/3"
    assert make_info(attempt=9, attempt_scheduled_ms=5, scheduled_event_id=7).idempotency_key == key
    assert make_info(activity_id="4").idempotency_key != key
    assert make_info(run_id="run-2").idempotency_key != key


def test_info_is_made_when_it_is_first_asked_for() -> None:
    made: list[Info] = []

    def make() -> Info:
        made.append(make_info())
        return made[-1]

    with running(Context(make)):
        assert not made
        assert activity.info() is activity.info()
    assert len(made) == 1


OUTSIDE: list[Callable[[], Any]] = [
    activity.info,
    activity.heartbeat,
    activity.is_cancelled,
    activity.wait_for_cancelled_sync,
    activity.cancellation_details,
    activity.is_worker_shutdown,
    activity.wait_for_worker_shutdown_sync,
    activity.raise_complete_async,
    activity.shield_thread_cancel_exception,
    activity.payload_converter,
    activity.client,
]


@pytest.mark.parametrize("function", OUTSIDE, ids=lambda function: function.__name__)
def test_outside_of_activities_nothing_works(function: Callable[[], Any]) -> None:
    assert not activity.in_activity()
    with pytest.raises(activity.NotInActivityError):
        function()


async def test_outside_of_activities_there_is_nothing_to_wait_for() -> None:
    with pytest.raises(activity.NotInActivityError):
        await activity.wait_for_cancelled()
    with pytest.raises(activity.NotInActivityError):
        await activity.wait_for_worker_shutdown()


def test_heartbeats_and_the_rest_reach_the_worker() -> None:
    beats: list[tuple[Any, ...]] = []
    with running(Context(make_info(), heartbeat=lambda *details: beats.append(details))) as context:
        assert activity.in_activity()
        activity.heartbeat()
        activity.heartbeat(1, "two")
        assert activity.payload_converter() is PayloadConverter.default
        with activity.shield_thread_cancel_exception():
            pass
        with pytest.raises(RuntimeError, match="No client available"):
            activity.client()
        client: Any = object()
        context.client = client
        assert activity.client() is client
    assert beats == [(), (1, "two")]


def test_completing_elsewhere_passes_through_exception_handlers() -> None:
    def code() -> None:
        try:
            activity.raise_complete_async()
        except Exception:
            pytest.fail("was caught")

    with running(Context(make_info())):
        with pytest.raises(CompleteAsyncError):
            code()


async def test_cancellation_reaches_tasks_and_threads() -> None:
    context = Context(make_info())
    with running(context):
        assert activity.cancellation_details() is None
        assert not activity.is_cancelled()
        assert not activity.wait_for_cancelled_sync(timeout=0)
        waiting = asyncio.create_task(activity.wait_for_cancelled())
        with ThreadPoolExecutor(1) as pool:
            blocked = pool.submit(contextvars.copy_context().run, activity.wait_for_cancelled_sync)
            await asyncio.sleep(0)
            assert not waiting.done()
            pool_canceller = threading.Thread(target=context.cancel, args=(CANCELLED,))
            pool_canceller.start()
            await asyncio.wait_for(waiting, 60)
            assert await asyncio.wrap_future(blocked) is True
            pool_canceller.join()
        context.cancel(activity.ActivityCancellationDetails(worker_shutdown=True))
        assert activity.cancellation_details() == CANCELLED
        assert activity.is_cancelled()
        await activity.wait_for_cancelled()


async def test_worker_shutdown_is_one_for_all() -> None:
    shutdown = Latch()
    contexts = [Context(make_info(), worker_shutdown=shutdown) for _ in range(2)]
    shutdown.set()
    for context in contexts:
        with running(context):
            assert activity.is_worker_shutdown()
            assert activity.wait_for_worker_shutdown_sync(0)
            await activity.wait_for_worker_shutdown()
            assert not activity.is_cancelled()


async def test_contexts_belong_to_their_tasks() -> None:
    async def code(attempt: int) -> int:
        Context.set(Context(make_info(attempt=attempt)))
        await asyncio.sleep(0)
        return activity.info().attempt

    assert await asyncio.gather(*(code(attempt) for attempt in range(1, 5))) == [1, 2, 3, 4]
    assert not activity.in_activity()


async def test_a_wait_that_is_cancelled_leaves_nothing() -> None:
    latch = Latch()
    waiting = asyncio.create_task(latch.wait())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not latch._waiters
    latch.set()
    await latch.wait()


def test_a_latch_survives_the_loop_of_who_waited() -> None:
    latch = Latch()
    loop = asyncio.new_event_loop()
    waiting = loop.create_task(latch.wait())
    loop.run_until_complete(asyncio.sleep(0))
    loop.call_soon(waiting.cancel)
    loop.call_soon(loop.stop)
    # The task is never resumed: its loop is gone when the latch is set.
    loop.run_forever()
    loop.close()
    latch.set()
    assert latch.is_set()


def test_log_records_say_where_they_come_from(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "foldlog.activity"), running(Context(make_info())):
        activity.logger.info("charged", extra={"cents": 5})
    (record,) = caplog.records
    assert record.name == "foldlog.activity"
    assert record.getMessage().startswith("charged ({'activity_id': '")
    assert record.__dict__["temporal_activity"]["workflow_run_id"] == "run-1"
    facts = {name: getattr(record, name) for name in ("workflow_id", "run_id", "activity_type", "attempt", "cents")}
    assert facts == {
        "workflow_id": "order/1",
        "run_id": "run-1",
        "activity_type": "charge",
        "attempt": 2,
        "cents": 5,
    }


def test_what_log_records_say_can_be_chosen(caplog: pytest.LogCaptureFixture) -> None:
    logger = LoggerAdapter(logging.getLogger("foldlog.activity"), {"service": "shop"})
    assert logger.base_logger is logging.getLogger("foldlog.activity")
    logger.activity_info_on_extra = False
    logger.full_activity_info_on_extra = True
    with caplog.at_level(logging.INFO, "foldlog.activity"):
        with running(Context(make_info())):
            logger.info("inside")
        activity.logger.info("outside")
    inside, outside = caplog.records
    assert inside.getMessage().startswith("inside ({'activity_id': '")
    assert not hasattr(inside, "workflow_id")
    assert inside.__dict__["service"] == "shop"
    assert inside.__dict__["activity_info"] == make_info()
    assert outside.getMessage() == "outside"
    assert not hasattr(outside, "workflow_id")
