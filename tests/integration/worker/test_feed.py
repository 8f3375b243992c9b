"""The feed on a real broker: what is repeated after an end, what is held back, what goes to the dead letters."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient
from foldlog.connectors.embedded import EmbeddedKafka, KafkaOptions
from foldlog.schemas.framing import encode
from foldlog.transport.config import KafkaConfig
from foldlog.transport.errors import TopicMissingError, TransportError
from foldlog.transport.topics import Topics
from foldlog.worker.feed import PAUSE_AFTER_SECONDS
from foldlog.worker.finished import DEFAULT_LIMIT_BYTES

from tests.until import wait_until

from .taskfeed import QUEUE, Taker, activity_task, committed, prepare, read_all, send, send_tasks, unfinished

MakeTaker = Callable[..., Taker]
LITTLE_BYTES = 256


@pytest.fixture
def make_taker() -> Iterator[MakeTaker]:
    takers: list[Taker] = []

    def make(*args: Any, **options: Any) -> Taker:
        takers.append(Taker(*args, **options))
        return takers[-1]

    yield make
    for taker in takers:
        taker.close()


def test_next_owner_runs_only_what_had_not_ended(kafka: str, namespace: str, make_taker: MakeTaker) -> None:
    config, topics = prepare(kafka, namespace, partitions=1)
    send_tasks(config, topics, range(10))
    first = make_taker(config, topics)
    wait_until(lambda: len(first.begun) == 10, "all tasks are taken")
    first.end([3, 4, 9, 0])
    first.close()
    assert unfinished(*committed(config, topics), 10) == [1, 2, 5, 6, 7, 8]
    second = make_taker(config, topics)
    wait_until(lambda: len(second.begun) == 6, "the rest is taken")
    assert sorted(second.begun) == [1, 2, 5, 6, 7, 8]
    second.end(list(second.begun))
    wait_until(lambda: committed(config, topics) == (10, ""), "everything is committed")


def test_positions_are_committed_while_it_runs(kafka: str, namespace: str, make_taker: MakeTaker) -> None:
    config, topics = prepare(kafka, namespace, partitions=1)
    send_tasks(config, topics, range(6))
    taker = make_taker(config, topics)
    wait_until(lambda: len(taker.begun) == 6, "all tasks are taken")
    taker.end([5, 1])
    wait_until(lambda: unfinished(*committed(config, topics), 6) == [0, 2, 3, 4], "the ends are committed")


@pytest.mark.parametrize("limit", [DEFAULT_LIMIT_BYTES, 128])
def test_five_thousand_tasks_ending_out_of_order(kafka: str, namespace: str, make_taker: MakeTaker, limit: int) -> None:
    """With the broker's default all fit; with less, tasks are held back so that still nothing is repeated."""
    config, topics = prepare(kafka, namespace, partitions=1)
    send_tasks(config, topics, range(5000))
    first = make_taker(config, topics, metadata_limit_bytes=limit)
    shuffled = random.Random(3)
    ended: set[int] = set()
    if limit == DEFAULT_LIMIT_BYTES:
        wait_until(lambda: len(first.begun) == 5000, "all tasks are taken")
        assert first.holds == []
    else:
        wait_until(lambda: first.holds, "the partition is held")
    while len(ended) < 2500:
        running = wait_until(lambda: sorted(set(first.begun) - ended), "a task runs")
        # The lowest stays open for as long as there is another one, as a slow task would.
        chosen = shuffled.sample(running[1:], min(len(running) - 1, 100)) or running
        first.end(chosen)
        ended.update(chosen)
    first.close()
    offset, metadata = committed(config, topics)
    assert len(metadata) <= limit
    assert set(unfinished(offset, metadata, 5000)) == set(range(5000)) - ended
    second = make_taker(config, topics)
    wait_until(lambda: len(second.begun) == 5000 - len(ended), "the rest is taken")
    assert set(second.begun) == set(range(5000)) - ended


def test_a_broker_that_allows_less_metadata(tmp_path: Path, namespace: str, make_taker: MakeTaker) -> None:
    """More has ended than it takes: positions are committed all the same, and what has no place there is repeated."""
    options = KafkaOptions(properties={"offset.metadata.max.bytes": str(LITTLE_BYTES)})
    with EmbeddedKafka(tmp_path / "kafka", options=options) as broker:
        config, topics = prepare(broker.bootstrap_servers, namespace, partitions=1)
        send_tasks(config, topics, range(5000))
        first = make_taker(config, topics)
        wait_until(lambda: len(first.begun) == 5000, "all tasks are taken")
        ended = set(random.Random(3).sample(range(1, 5000), 2500))
        first.end(ended)
        wait_until(lambda: committed(config, topics)[1], "as much is committed as the broker takes")
        offset, metadata = committed(config, topics)
        assert offset == 0
        assert len(metadata) <= LITTLE_BYTES
        left = set(unfinished(offset, metadata, 5000))
        assert set(range(5000)) - ended < left < set(range(5000))
        first.close()
        second = make_taker(config, topics)
        wait_until(lambda: set(second.begun) == left or second.holds, "what is not known to have ended is taken again")
        while len(second.begun) < len(left) or second.running:
            second.end([task.scheduled_event_id for task in list(second.running.values())])
            wait_until(lambda: second.running or len(second.begun) == len(left), "more is taken")
        assert sorted(second.begun) == sorted(left)
        wait_until(lambda: committed(config, topics) == (5000, ""), "all is committed")
        second.close()


def test_a_full_worker_stays_in_its_group(kafka: str, namespace: str, make_taker: MakeTaker) -> None:
    config, topics = prepare(kafka, namespace, partitions=1)
    send_tasks(config, topics, range(20))
    taker = make_taker(config, topics, slots=5)
    wait_until(lambda: len(taker.begun) >= 5, "the slots are taken")
    pauses: list[int] = []
    consumer = taker.consumer
    assert consumer is not None
    pause = consumer.pause

    def counted_pause() -> None:
        pauses.append(1)
        pause()

    consumer.pause = counted_pause  # type: ignore[method-assign]
    wait_until(lambda: len(pauses) > 5, f"it pauses after {PAUSE_AFTER_SECONDS} s and keeps polling")
    assert taker.begun == [0, 1, 2, 3, 4]
    while len(taker.begun) < 20 or taker.running:
        taker.end(list(taker.begun[-len(taker.running) :]))
        wait_until(lambda: taker.running or len(taker.begun) == 20, "the next ones are taken")
    assert taker.begun == list(range(20))
    wait_until(lambda: committed(config, topics) == (20, ""), "everything is committed")


def test_garbage_goes_to_the_dead_letters(kafka: str, namespace: str, make_taker: MakeTaker) -> None:
    config, topics = prepare(kafka, namespace, partitions=1)
    task = encode(activity_task(1))
    bad = [
        b"garbage",
        None,
        task[:-3],
        task + b"x",
        b"\xc3\x01" + b"12345678" + task[10:],
        encode(activity_task(1).retry_policy or _token()),
    ]
    send(config, topics.tasks(QUEUE), [*bad, task])
    taker = make_taker(config, topics)
    wait_until(lambda: taker.begun == [1], "the good task is taken")
    taker.end([1])
    wait_until(lambda: committed(config, topics) == (7, ""), "all are finished")
    letters = read_all(config, topics.dead_letters, len(bad))
    assert [letter.value() for letter in letters] == bad
    for offset, letter in enumerate(letters):
        headers = dict(letter.headers())
        assert headers["foldlog-topic"].decode() == topics.tasks(QUEUE)
        assert (headers["foldlog-partition"], headers["foldlog-offset"]) == (b"0", str(offset).encode())
        assert headers["foldlog-error"]
        assert letter.key() == f"wf-{offset}".encode()


def _token() -> Any:
    from foldlog.schemas.task import TaskToken

    return TaskToken(namespace="n", workflow_id="w", run_id="r", activity_id="a", scheduled_event_id=1, attempt=1)


def test_partitions_move_without_repeating_what_ended(kafka: str, namespace: str, make_taker: MakeTaker) -> None:
    config, topics = prepare(kafka, namespace, partitions=2)
    for partition in (0, 1):
        send_tasks(config, topics, range(partition * 100, partition * 100 + 10), partition)
    first = make_taker(config, topics)
    wait_until(lambda: len(first.begun) == 20, "all tasks are taken")
    first.end([0, 2, 4, 100, 102, 104])
    second = make_taker(config, topics)
    wait_until(lambda: second.partitions == 1, "one partition has moved")
    wait_until(lambda: len(second.begun) == 7, "the other worker has what had not ended there")
    assert not {0, 2, 4, 100, 102, 104} & set(second.begun)
    # What runs at the first one still ends there; it comes back after the second has left, and is not begun again.
    second.close()
    wait_until(lambda: first.partitions == 2, "the partition is back")
    send_tasks(config, topics, [500], 0)
    send_tasks(config, topics, [600], 1)
    wait_until(lambda: {500, 600} <= set(first.begun), "both partitions are read")
    assert len(first.begun) == len(set(first.begun)) == 22
    first.end(list(first.begun[20:]))
    first.end(sorted({task.scheduled_event_id for task in first.running.values()}))
    wait_until(lambda: [committed(config, topics, number) for number in (0, 1)] == [(11, "")] * 2, "all is committed")


def test_tasks_that_retention_took_do_not_stop_the_others(kafka: str, namespace: str, make_taker: MakeTaker) -> None:
    config, topics = prepare(kafka, namespace, partitions=1)
    send_tasks(config, topics, range(10))
    first = make_taker(config, topics)
    wait_until(lambda: len(first.begun) == 10, "all tasks are taken")
    first.end([0, 1])
    first.close()
    topic = TopicPartition(topics.tasks(QUEUE), 0, 6)
    admin = AdminClient(config.admin())
    admin.delete_records([topic])[topic].result(60)
    second = make_taker(config, topics)
    wait_until(lambda: len(second.begun) == 4, "what is left is taken")
    assert second.begun == [6, 7, 8, 9]
    second.end(second.begun)
    wait_until(lambda: committed(config, topics) == (10, ""), "everything is committed")


@pytest.mark.parametrize("joined", [False, True])
def test_a_missing_topic_ends_the_feed(kafka: str, namespace: str, make_taker: MakeTaker, joined: bool) -> None:
    config, topics = prepare(kafka, namespace, partitions=1)
    admin, topic = AdminClient(config.admin()), topics.tasks(QUEUE)
    if not joined:
        admin.delete_topics([topic])[topic].result(60)
    taker = make_taker(config, topics, count_interval=0.1)
    if joined:
        wait_until(lambda: taker.feed.joined, "it has partitions")
        admin.delete_topics([topic])[topic].result(60)
    wait_until(lambda: taker.failure is not None, "the feed says so")
    assert isinstance(taker.failure, TopicMissingError)
    assert topic in str(taker.failure)


def test_a_second_feed_of_the_same_name_ends_the_first(kafka: str, namespace: str, make_taker: MakeTaker) -> None:
    config, topics = prepare(kafka, namespace, partitions=1)
    first = make_taker(config, topics, instance_id="same")
    wait_until(lambda: first.feed.joined, "the first one has the partition")
    second = make_taker(config, topics, instance_id="same")
    wait_until(lambda: first.failure is not None, "the first one says so")
    assert isinstance(first.failure, TransportError)
    assert str(first.failure).endswith("; has another process the instance_id 'same' too?")
    send_tasks(config, topics, range(3))
    wait_until(lambda: len(second.begun) == 3, "the second one takes the tasks")
    assert second.failure is None


def test_tasks_of_other_versions_go_to_whoever_has_them(kafka: str, namespace: str, make_taker: MakeTaker) -> None:
    """Each of two workers has one partition and one version; both partitions have tasks of both."""
    config, topics = prepare(kafka, namespace, partitions=2)
    first, second = make_taker(config, topics), make_taker(config, topics)
    first.versions, second.versions = {"", "shop.1"}, {"", "shop.2"}
    wait_until(lambda: first.partitions == second.partitions == 1, "each has a partition")
    for partition in range(2):
        tasks = [
            activity_task(10 * partition + number, deployment_version=version)
            for number, version in enumerate(["", "shop.1", "shop.2"])
        ]
        send(config, topics.tasks(QUEUE), map(encode, tasks), partition)
    wait_until(lambda: len(first.begun) == len(second.begun) == 3, "each has its own")
    assert {1, 11} < set(first.begun)
    assert {2, 12} < set(second.begun)
    wait_until(lambda: first.passed == second.passed == 1, "each has passed one on")
    first.end(list(first.begun))
    second.end(list(second.begun))
    # In each partition, three that were there and one that was passed on.
    for partition in range(2):
        wait_until(partial(_all_committed, config, topics, partition, 4), "everything is committed")


def _all_committed(config: KafkaConfig, topics: Topics, partition: int, end: int) -> bool:
    return committed(config, topics, partition) == (end, "")


def test_a_task_that_nobody_has_waits_and_outlives_whoever_passed_it_on(
    kafka: str, namespace: str, make_taker: MakeTaker
) -> None:
    config, topics = prepare(kafka, namespace, partitions=2)
    first = make_taker(config, topics)
    send(config, topics.tasks(QUEUE), [encode(activity_task(7, deployment_version="shop.1"))])
    wait_until(lambda: first.passed == 2, "it has been all round")
    first.close()
    second = make_taker(config, topics)
    second.versions.add("shop.1")
    wait_until(lambda: second.begun == [7], "it is there")
    assert [task.times_passed_on for task in second.running.values()] == [2]
