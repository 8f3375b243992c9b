"""Local activities and the host: retries in memory, timeouts, cancellation, and waiting in another thread."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from foldlog import activity
from foldlog.core.decisions import ScheduleLocalActivity
from foldlog.core.engine import LocalResult
from foldlog.core.outcome import LocalCall
from foldlog.exceptions import ApplicationError
from foldlog.schemas.common import RetryPolicy
from foldlog.schemas.reply import ActivityCancelRequested
from foldlog.schemas.task import ActivityTask
from foldlog.worker.host import Send, WorkerHost
from foldlog.worker.local import LocalActivities

from tests.until import until

from .harness import Bench


class Flaky:
    """Fails some times before it succeeds."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.attempts: list[int] = []

    @activity.defn
    async def flaky(self) -> int:
        self.attempts.append(activity.info().attempt)
        if len(self.attempts) <= self.failures:
            raise ApplicationError("not yet", type="NotYet")
        return len(self.attempts)


@activity.defn
async def hang() -> None:
    await asyncio.Event().wait()


@activity.defn
async def quick(number: int) -> int:
    assert activity.info().is_local
    return number + 1


@activity.defn
def quick_in_thread(number: int) -> int:
    return number + 1


@activity.defn
async def open_end() -> None:
    activity.raise_complete_async()


class NoEager:
    """Takes no eager tasks."""

    def cannot_run(self, activity_type: str, version: str) -> str:
        return ""

    def reserve(self, task_queue: str, activity_type: str, version: str) -> bool:
        return False

    def release(self, task_queue: str) -> None:
        raise AssertionError("nothing was reserved")

    def run_eager(self, workflow_id: str, task: ActivityTask, send: Send) -> None:
        raise AssertionError("nothing was reserved")

    def cancel(self, notice: ActivityCancelRequested) -> None:
        raise AssertionError("nothing was begun")


class Place:
    """A worker's local activities, seen from the processor."""

    def __init__(self, bench: Bench, maximum: int = 100) -> None:
        self.bench = bench
        self.host = WorkerHost(asyncio.get_running_loop(), NoEager())
        self.local = LocalActivities(bench.runner, "shop", maximum, self.host.paused, lambda: None)
        self.host.attach(self.local)
        self.results: queue.SimpleQueue[LocalResult] = queue.SimpleQueue()

    def begin(self, activity_id: str, activity_type: str, *args: Any, **fields: Any) -> None:
        payloads = self.bench.conversion.payload_converter.to_payloads(args)
        decision = ScheduleLocalActivity(activity_id=activity_id, activity_type=activity_type, args=payloads, **fields)
        self.host.run_local(LocalCall("wf", "run", "Order", decision, 1_000), self.results.put)

    async def result(self) -> LocalResult:
        await until(lambda: not self.results.empty(), "a local activity has ended")
        return self.results.get()


RETRY = RetryPolicy(initial_interval_ms=1, backoff_coefficient=1.0)


async def test_retried_in_memory_until_it_succeeds() -> None:
    flaky = Flaky(2)
    place = Place(Bench([flaky.flaky]))
    place.begin("1", "flaky", retry_policy=RETRY)
    result = await place.result()
    assert (result.attempt, result.failure, flaky.attempts) == (3, None, [1, 2, 3])
    assert result.result is not None
    assert await place.bench.values([result.result]) == [3]
    assert place.local.open == 0


@pytest.mark.parametrize(
    ("policy", "attempts"),
    [
        (None, 1),
        (RetryPolicy(initial_interval_ms=1, maximum_attempts=3), 3),
        (RetryPolicy(initial_interval_ms=1, non_retryable_error_types=["NotYet"]), 1),
    ],
)
async def test_retries_end_as_the_policy_says(policy: RetryPolicy | None, attempts: int) -> None:
    flaky = Flaky(100)
    place = Place(Bench([flaky.flaky]))
    place.begin("1", "flaky", retry_policy=policy)
    result = await place.result()
    assert (result.attempt, len(flaky.attempts)) == (attempts, attempts)
    assert result.failure is not None
    assert result.failure.type == "NotYet"


@pytest.mark.parametrize(
    ("field", "timeout_type"),
    [("start_to_close_timeout_ms", "START_TO_CLOSE"), ("schedule_to_close_timeout_ms", "SCHEDULE_TO_CLOSE")],
)
async def test_timeouts(field: str, timeout_type: str) -> None:
    place = Place(Bench([hang]))
    place.begin("1", "hang", **{field: 30})
    result = await place.result()
    assert result.failure is not None
    assert (result.failure.kind, result.failure.timeout_type) == ("TIMEOUT", timeout_type)
    await until(lambda: not place.bench.runner.attempts, "its code has ended")


async def test_schedule_to_close_covers_all_attempts() -> None:
    flaky = Flaky(10**9)
    place = Place(Bench([flaky.flaky]))
    policy = RetryPolicy(initial_interval_ms=5, backoff_coefficient=1.0)
    place.begin("1", "flaky", retry_policy=policy, schedule_to_close_timeout_ms=100)
    result = await place.result()
    assert result.failure is not None
    assert len(flaky.attempts) > 1


async def test_cancelled_without_a_result() -> None:
    place = Place(Bench([hang]))
    place.begin("1", "hang")
    await until(lambda: place.bench.runner.attempts, "it runs")
    place.host.cancel_local("run", "1")
    await until(lambda: not place.bench.runner.attempts, "it has ended")
    assert place.results.empty()
    assert place.local.open == 0


async def test_begun_again_after_an_abort_ends_once() -> None:
    place = Place(Bench([hang, quick]))
    place.begin("1", "hang")
    place.begin("1", "quick", 4)
    assert (await place.result()).activity_type == "quick"
    await until(lambda: not place.bench.runner.attempts, "the first one was stopped")
    assert place.results.empty()


async def test_only_so_many_at_a_time() -> None:
    place = Place(Bench([hang, quick]), maximum=1)
    place.begin("1", "hang", start_to_close_timeout_ms=50)
    place.begin("2", "quick", 1)
    assert [(await place.result()).activity_id, (await place.result()).activity_id] == ["1", "2"]


async def test_what_cannot_end_here_fails() -> None:
    place = Place(Bench([open_end]))
    place.begin("1", "open_end", retry_policy=RETRY)
    result = await place.result()
    assert result.failure is not None
    assert result.failure.type == "IllegalState"
    place.begin("2", "unknown")
    result = await place.result()
    assert result.failure is not None
    assert "open_end" in result.failure.message


@pytest.fixture
def processor() -> Iterator[Callable[..., Any]]:
    """Runs a function in a thread of its own, as the processor does."""
    with ThreadPoolExecutor(1) as pool:

        async def run(function: Callable[..., Any], *args: Any) -> Any:
            return await asyncio.get_running_loop().run_in_executor(pool, function, *args)

        yield run


async def test_a_processor_waits_for_what_it_began(processor: Callable[..., Any]) -> None:
    with ThreadPoolExecutor(2) as threads:
        place = Place(Bench([quick, quick_in_thread], executor=threads))

        def steps() -> list[int]:
            assert threading.current_thread() is not threading.main_thread()
            seen = []
            for name in ("quick", "quick_in_thread", "quick"):
                place.begin(name, name, 1)
                place.host.poll_local(20)
                seen.append(place.results.qsize())
            return seen

        assert await processor(steps) == [1, 2, 3]


async def test_a_processor_does_not_wait_for_the_slow_ones_again(processor: Callable[..., Any]) -> None:
    flaky = Flaky(10**9)
    place = Place(Bench([hang, quick, flaky.flaky]))

    def steps() -> list[float]:
        waited = []
        for activity_id, name in (("1", "hang"), ("2", "quick"), ("3", "flaky")):
            place.begin(activity_id, name, *([1] if name == "quick" else []), retry_policy=RetryPolicy())
            began = time.monotonic()
            place.host.poll_local(0.2 if name == "hang" else 20)
            waited.append(time.monotonic() - began)
        place.host.poll_local(20)
        return waited

    waited = await processor(steps)
    assert waited[0] >= 0.2
    assert max(waited[1:]) < 15
    place.local.close()
    await until(lambda: not place.bench.runner.attempts, "everything has ended")


async def test_past_the_threshold_it_ends_with_a_backoff() -> None:
    flaky = Flaky(100)
    place = Place(Bench([flaky.flaky]))
    policy = RetryPolicy(initial_interval_ms=1, backoff_coefficient=1_000_000, maximum_interval_ms=5_000)
    place.begin("1", "flaky", retry_policy=policy, retry_threshold_ms=2_000)
    result = await place.result()
    assert flaky.attempts == [1, 2]
    assert (result.attempt, result.backoff_ms, result.scheduled_ms) == (2, 5_000, 1_000)
    assert result.failure is not None
    assert place.local.open == 0


async def test_a_further_call_goes_on_with_the_attempt_and_the_time_of_the_first() -> None:
    flaky = Flaky(100)
    place = Place(Bench([flaky.flaky]))
    policy = RetryPolicy(initial_interval_ms=600, maximum_attempts=9)
    decision = ScheduleLocalActivity(
        activity_id="1",
        activity_type="flaky",
        retry_policy=policy,
        attempt=4,
        scheduled_ms=1_000,
        schedule_to_close_timeout_ms=10_000,
    )
    place.host.run_local(LocalCall("wf", "run", "Order", decision, 1_000, 9_900), place.results.put)
    result = await place.result()
    assert flaky.attempts == [4]
    assert (result.attempt, result.backoff_ms) == (4, 0)
    assert result.failure is not None


async def test_asked_to_stop_it_ends_as_cancelled_running_or_not() -> None:
    flaky = Flaky(100)
    place = Place(Bench([hang, flaky.flaky]))
    place.begin("running", "hang")
    place.begin("waiting", "flaky", retry_policy=RetryPolicy(initial_interval_ms=100_000))
    await until(lambda: flaky.attempts and place.bench.runner.running, "one runs, the other waits")
    await until(lambda: len(place.bench.runner.running) == 1, "the other waits")
    place.host.stop_local("run", "waiting")
    place.host.stop_local("run", "running")
    place.begin("late", "hang", cancel_requested=True)
    ended = [await place.result() for _ in range(3)]
    assert {result.activity_id for result in ended} == {"running", "waiting", "late"}
    assert [result.failure.kind for result in ended if result.failure] == ["CANCELED"] * 3


async def test_one_that_finds_no_place_in_time_times_out() -> None:
    place = Place(Bench([hang, quick]), maximum=1)
    place.begin("1", "hang")
    place.begin("2", "quick", 1, schedule_to_start_timeout_ms=20)
    result = await place.result()
    assert (result.activity_id, result.failure and result.failure.timeout_type) == ("2", "SCHEDULE_TO_START")
    place.local.close()
