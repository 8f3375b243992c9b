"""The activity worker on a real broker: crashes, lost brokers, shutdown, cancellation, limits."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.thread import BrokenThreadPool
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from foldlog import activity
from foldlog.client import Client
from foldlog.connectors.embedded import EmbeddedKafka
from foldlog.exceptions import ConfigurationError
from foldlog.schemas.command import ActivityStarted, CancelActivity, CompleteActivity, FailActivity, HeartbeatActivity
from foldlog.schemas.common import RetryPolicy
from foldlog.schemas.framing import decode, encode
from foldlog.schemas.reply import ActivityCancelRequested
from foldlog.transport.config import KafkaConfig
from foldlog.transport.topics import Topics
from foldlog.worker import Worker

from tests.until import until, wait_until

from . import crashing
from .taskfeed import DEADLINE, QUEUE, activity_task, committed, prepare, read_all, send, send_tasks, unfinished


class Commands:
    """What workers write to the commands topic, in the order of arrival."""

    def __init__(self, config: KafkaConfig, topics: Topics) -> None:
        self._consumer = Consumer(config.consumer(**{"group.id": "reader"}))
        partitions = self._consumer.list_topics(topics.commands, timeout=DEADLINE).topics[topics.commands].partitions
        self._consumer.assign([TopicPartition(topics.commands, number, 0) for number in partitions])
        self.seen: list[Any] = []

    async def until(self, condition: Callable[[list[Any]], Any], what: str) -> Any:
        """Read until a condition of all that was seen holds."""

        def holds() -> Any:
            messages = self._consumer.consume(500, 0.02)
            self.seen += [decode(one.value()) for one in messages if one.error() is None]
            return condition(self.seen)

        return await asyncio.to_thread(wait_until, holds, what)

    async def of(self, kind: type, count: int = 1) -> list[Any]:
        """The commands of a kind, once there are so many."""

        def found() -> list[Any]:
            return [one for one in self.seen if isinstance(one, kind)]

        await self.until(lambda _: len(found()) >= count, f"{count} of {kind.__name__}")
        return found()

    def close(self) -> None:
        self._consumer.close()


class Setting:
    """A namespace, a client, and what its workers write."""

    def __init__(self, config: KafkaConfig, topics: Topics, client: Client) -> None:
        self.config, self.topics, self.client = config, topics, client
        self.commands = Commands(config, topics)

    def worker(self, *activities: Callable[..., Any], **options: Any) -> Worker:
        return Worker(self.client, task_queue=QUEUE, activities=activities, **options)

    def send(self, *tasks: Any) -> None:
        send(self.config, self.topics.tasks(QUEUE), [encode(task) for task in tasks])

    async def committed(self, offset: int) -> None:
        await asyncio.to_thread(
            wait_until, lambda: committed(self.config, self.topics) == (offset, ""), f"{offset} is committed"
        )


@asynccontextmanager
async def _setting(servers: str, namespace: str, **options: str) -> Any:
    config, topics = prepare(servers, namespace, partitions=1)
    patience = timedelta(seconds=DEADLINE)
    async with await Client.connect(
        servers, namespace=namespace, kafka_options=options, rpc_timeout=patience, connect_timeout=patience
    ) as client:
        setting = Setting(config, topics, client)
        try:
            yield setting
        finally:
            setting.commands.close()


@pytest.fixture
def setting(kafka: str, namespace: str) -> AbstractAsyncContextManager[Setting]:
    found: AbstractAsyncContextManager[Setting] = _setting(kafka, namespace)
    return found


class Gate:
    """An activity that the test holds, on the loop and in a thread."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.go_on = threading.Event()
        self.ended_by: list[Any] = []

    @activity.defn(name="greet")
    async def hold(self) -> str:
        self.entered.set()
        try:
            while not self.go_on.is_set():  # noqa: ASYNC110  # threads set it as well
                await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            self.ended_by.append(activity.cancellation_details())
            raise
        return "held"

    @activity.defn(name="greet")
    def hold_thread(self) -> str:
        self.entered.set()
        while not self.go_on.wait(0.001):
            pass
        return "held"

    @activity.defn(name="greet")
    async def beat(self) -> None:
        activity.heartbeat("first")
        activity.heartbeat("second")
        self.entered.set()
        await asyncio.Event().wait()

    async def wait(self) -> None:
        assert await asyncio.to_thread(self.entered.wait, DEADLINE)


@activity.defn
async def greet() -> str:
    return activity.info().activity_id


async def test_completions_name_run_activity_and_attempt(setting: AbstractAsyncContextManager[Setting]) -> None:
    async with setting as place, place.worker(greet, identity="me"):
        send_tasks(place.config, place.topics, range(50))
        done = await place.commands.of(CompleteActivity, 50)
        assert Counter(one.scheduled_event_id for one in done) == Counter(range(50))
        assert {(one.run_id, one.attempt, one.identity) for one in done} == {("run", 1, "me")}
        assert done[7].result.data == f'"{done[7].scheduled_event_id}"'.encode()
        await place.committed(50)
        # Short attempts report nothing else; on a busy machine not all of them are short.
        others = [one for one in place.commands.seen if not isinstance(one, CompleteActivity)]
        assert all(isinstance(one, ActivityStarted) and one.running_ms >= 500 for one in others)


async def test_a_killed_worker_repeats_only_what_was_running(
    setting: AbstractAsyncContextManager[Setting], kafka: str, namespace: str, tmp_path: Path
) -> None:
    count = 60
    running = {number for number in range(count) if number % 6 == 0}

    def begun() -> Counter[int]:
        return Counter(int(line) for line in (tmp_path / "begun").read_text().split())

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, crashing.__file__, kafka, namespace, str(tmp_path)])

    async with setting as place:
        send_tasks(place.config, place.topics, range(count))
        first = start()
        try:
            await place.commands.of(CompleteActivity, count - len(running))
            await asyncio.to_thread(
                wait_until,
                lambda: unfinished(*committed(place.config, place.topics), count) == sorted(running),
                "the ends are committed",
            )
        finally:
            os.kill(first.pid, signal.SIGKILL)
            first.wait()
        assert set(begun()) == set(range(count))
        (tmp_path / "go").touch()
        second = start()
        try:
            await place.commands.of(CompleteActivity, count)
            await place.committed(count)
        finally:
            second.terminate()
            second.wait()
    assert {number for number, times in begun().items() if times > 1} == running
    assert max(begun().values()) == 2


async def test_a_completion_outlives_the_loss_of_the_broker(private_kafka: EmbeddedKafka, namespace: str) -> None:
    gate = Gate()
    # However long the broker takes, the worker keeps its partition: else the task would rightly be repeated.
    setting = _setting(private_kafka.bootstrap_servers, namespace, **{"session.timeout.ms": "120000"})
    async with setting as place, place.worker(gate.hold) as worker:
        send_tasks(place.config, place.topics, [1])
        await gate.wait()
        await asyncio.to_thread(private_kafka.stop)
        gate.go_on.set()
        # The attempt has ended before the broker is back.
        await until(lambda: not worker.running_activities, "the attempt has ended")
        await until(lambda: not worker.ready, "it knows that the broker is away")
        assert worker.healthy()
        await asyncio.to_thread(private_kafka.start)
        [done] = await place.commands.of(CompleteActivity)
        assert done.scheduled_event_id == 1
        send_tasks(place.config, place.topics, [2])
        assert len(await place.commands.of(CompleteActivity, 2)) == 2
        await place.committed(2)
        await until(lambda: worker.ready, "it knows that the broker is back")


async def test_graceful_shutdown_lets_attempts_end(setting: AbstractAsyncContextManager[Setting]) -> None:
    gate = Gate()
    async with setting as place:
        worker = place.worker(gate.hold, graceful_shutdown_timeout=timedelta(seconds=60), max_concurrent_activities=1)
        running = asyncio.create_task(worker.run())
        send_tasks(place.config, place.topics, [1, 2])
        await gate.wait()
        stopping = asyncio.create_task(worker.shutdown())
        await asyncio.sleep(0)
        assert worker.is_running
        gate.go_on.set()
        await asyncio.gather(stopping, running)
        assert worker.is_shutdown
        [done] = await place.commands.of(CompleteActivity)
        assert done.scheduled_event_id == 1
        # The second task was not taken any more; it is the next worker's.
        assert committed(place.config, place.topics) == (1, "")
        async with place.worker(greet):
            await place.commands.of(CompleteActivity, 2)
            await place.committed(2)


async def test_shutdown_without_grace_leaves_the_attempt_to_the_next_worker(
    setting: AbstractAsyncContextManager[Setting],
) -> None:
    gate = Gate()
    async with setting as place:
        async with place.worker(gate.hold):
            send_tasks(place.config, place.topics, [1, 2])
            await gate.wait()
        assert gate.ended_by[0].worker_shutdown
        async with place.worker(greet):
            done = await place.commands.of(CompleteActivity, 2)
        # The very attempt was repeated: none was used up.
        assert {(one.scheduled_event_id, one.attempt) for one in done} == {(1, 1), (2, 1)}
        assert not [one for one in place.commands.seen if isinstance(one, FailActivity | CancelActivity)]


async def test_shutdown_reports_how_far_an_attempt_got(setting: AbstractAsyncContextManager[Setting]) -> None:
    gate = Gate()
    async with setting as place:
        async with place.worker(gate.beat):
            place.send(activity_task(1, heartbeat_timeout_ms=60_000, retry_policy=RetryPolicy()))
            await gate.wait()
            [beat] = await place.commands.of(HeartbeatActivity)
            assert [payload.data for payload in beat.details] == [b'"second"']
        [failed] = await place.commands.of(FailActivity)
        assert failed.failure.type == "WorkerShutdown"
        assert [payload.data for payload in failed.heartbeat_details] == [b'"second"']
        await place.committed(1)


@pytest.mark.parametrize("name", ["hold", "hold_thread"])
async def test_a_notice_cancels_a_running_attempt(setting: AbstractAsyncContextManager[Setting], name: str) -> None:
    gate = Gate()
    async with setting as place, place.worker(getattr(gate, name)):
        send_tasks(place.config, place.topics, [1, 2])
        started = await place.commands.of(ActivityStarted, 2)
        assert all(one.running_ms >= 500 for one in started)
        reply_to = started[0].reply_to
        notice = ActivityCancelRequested(run_id="run", scheduled_event_id=1, attempt=1, reason="CANCEL_REQUESTED")
        producer = Producer(place.config.producer())
        producer.produce(place.topics.replies, encode(notice), reply_to.client_id, reply_to.partition)
        producer.flush(DEADLINE)
        [canceled] = await place.commands.of(CancelActivity)
        assert (canceled.run_id, canceled.scheduled_event_id, canceled.attempt) == ("run", 1, 1)
        gate.go_on.set()
        [done] = await place.commands.of(CompleteActivity)
        assert done.scheduled_event_id == 2


async def test_bad_records_and_unknown_activities_stop_nobody(setting: AbstractAsyncContextManager[Setting]) -> None:
    async with setting as place, place.worker(greet):
        good = encode(activity_task(3))
        send(place.config, place.topics.tasks(QUEUE), [b"garbage", encode(activity_task(2, "grete")), good])
        await place.commands.of(CompleteActivity)
        [failed] = await place.commands.of(FailActivity)
        assert "available activities: greet" in failed.failure.message
        assert not failed.failure.non_retryable
        [letter] = await asyncio.to_thread(read_all, place.config, place.topics.dead_letters, 1)
        assert letter.value() == b"garbage"
        await place.committed(3)


async def test_a_result_too_large_for_kafka_fails_the_activity(setting: AbstractAsyncContextManager[Setting]) -> None:
    @activity.defn(name="greet")
    async def large() -> str:
        return "x" * 30_000_000 if activity.info().activity_id == "1" else "small"

    async with setting as place, place.worker(large):
        send_tasks(place.config, place.topics, [1, 2])
        [failed] = await place.commands.of(FailActivity)
        assert (failed.scheduled_event_id, failed.failure.type) == (1, "ResultTooLarge")
        await place.commands.of(CompleteActivity)
        await place.committed(2)


async def test_no_more_run_at_a_time_than_allowed(setting: AbstractAsyncContextManager[Setting]) -> None:
    lock, running, most = threading.Lock(), 0, 0

    @activity.defn(name="greet")
    def count() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        threading.Event().wait(0.002)
        with lock:
            running -= 1

    with ThreadPoolExecutor(20) as threads:
        async with setting as place, place.worker(count, activity_executor=threads, max_concurrent_activities=3):
            send_tasks(place.config, place.topics, range(200))
            await place.commands.of(CompleteActivity, 200)
    assert most == 3


@pytest.mark.parametrize("limit", ["max_activities_per_second", "max_task_queue_activities_per_second"])
async def test_rate_limits_hold_back_and_lose_none(setting: AbstractAsyncContextManager[Setting], limit: str) -> None:
    async with setting as place:
        send_tasks(place.config, place.topics, range(10))
        # All ten are there before it begins, and the second one may begin after three hours.
        async with place.worker(greet, graceful_shutdown_timeout=timedelta(seconds=60), **{limit: 1e-4}):
            await place.commands.of(CompleteActivity)
        assert committed(place.config, place.topics)[0] == 1
        async with place.worker(greet, **{limit: 300}):
            done = await place.commands.of(CompleteActivity, 10)
            assert Counter(one.scheduled_event_id for one in done) == Counter(range(10))
            await place.committed(10)


async def test_workers_of_a_queue_share_its_rate_limit(kafka: str, namespace: str) -> None:
    config, _ = prepare(kafka, namespace, partitions=4)

    def shares(*workers: Worker) -> list[float]:
        found = [worker._state.activities._share for worker in workers if worker._state.activities is not None]
        return [share.per_second for share in found if share is not None]

    patience = timedelta(seconds=DEADLINE)
    async with await Client.connect(config, namespace=namespace, connect_timeout=patience) as client:
        first, second = (
            Worker(client, task_queue=QUEUE, activities=[greet], max_task_queue_activities_per_second=100)
            for _ in range(2)
        )
        async with first:
            await until(lambda: first.ready and shares(first) == [100], "one has all of it")
            async with second:
                await until(lambda: shares(first, second) == [50, 50], "each has half")
            await until(lambda: shares(first) == [100], "what is left has all of it again")


async def test_a_worker_that_cannot_go_on_says_so(setting: AbstractAsyncContextManager[Setting]) -> None:
    told: list[BaseException] = []

    async def note(error: BaseException) -> None:
        told.append(error)

    @activity.defn(name="greet")
    def never() -> None:
        raise AssertionError("no thread begins")

    threads = ThreadPoolExecutor(1, initializer=lambda: 1 / 0)
    async with setting as place:
        send_tasks(place.config, place.topics, [1])

        async def work() -> None:
            async with place.worker(never, activity_executor=threads, on_fatal_error=note):
                await asyncio.Event().wait()

        with pytest.raises(BrokenThreadPool):
            await work()
        assert isinstance(told[0], BrokenThreadPool)
        current = asyncio.current_task()
        assert current is not None
        assert current.cancelling() == 0
    threads.shutdown()


async def test_a_worker_runs_once(setting: AbstractAsyncContextManager[Setting]) -> None:
    async with setting as place:
        worker = place.worker(greet)
        assert not worker.ready
        async with worker:
            assert worker.is_running
            assert worker.healthy()
            await until(lambda: worker.ready, "it has joined its group")
            with pytest.raises(RuntimeError, match="only once"):
                await worker.run()
        assert worker.is_shutdown
        assert not worker.ready


async def test_options_are_checked(setting: AbstractAsyncContextManager[Setting]) -> None:
    async with setting as place:
        place.worker(greet, workflow_runner=object(), max_concurrent_workflow_task_polls=3, debug_mode=True)
        wrong: list[tuple[dict[str, Any], str]] = [
            ({"max_concurrent_activities": 0}, "max_concurrent_activities must be at least 1"),
            ({"max_activities_per_second": 0}, "max_activities_per_second must be more than 0"),
            ({"graceful_shutdown_timeout": timedelta(seconds=-1)}, "must not be negative"),
        ]
        for options, message in wrong:
            with pytest.raises(ConfigurationError, match=message):
                place.worker(greet, **options)
        with pytest.raises(ConfigurationError, match="needs workflows or activities"):
            place.worker()
        with pytest.raises(TypeError, match="no option max_concurent"):
            place.worker(greet, max_concurent=3)
