"""Help for tests of task topics: topics, tasks, and a feed whose tasks the test itself ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from typing import Any

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from foldlog.schemas.framing import decode, encode
from foldlog.schemas.task import ActivityTask
from foldlog.transport.admin import create_topics, ensure_task_topic
from foldlog.transport.config import KafkaConfig
from foldlog.transport.dead_letters import DeadLetterWriter
from foldlog.transport.task_forwarder import TaskForwarder
from foldlog.transport.tasks import TaskConsumer, TaskListener, TaskRecord
from foldlog.transport.topics import Topics
from foldlog.worker.feed import TaskFeed
from foldlog.worker.finished import FinishedSet
from foldlog.worker.taker import ReceivedTask

DEADLINE = 60.0
QUEUE = "work"
Place = tuple[int, int]
"""Partition and offset."""


def prepare(bootstrap_servers: str, namespace: str, partitions: int = 2) -> tuple[KafkaConfig, Topics]:
    """The topics of a namespace with one task queue."""
    config, topics = KafkaConfig(bootstrap_servers=bootstrap_servers), Topics(namespace)
    create_topics(config, topics, partitions=partitions)
    ensure_task_topic(config, topics, QUEUE, partitions=partitions)
    return config, topics


def activity_task(number: int, activity_type: str = "greet", **fields: Any) -> ActivityTask:
    """A task; its scheduled event ID is the number."""
    given: dict[str, Any] = {
        "namespace": "n",
        "run_id": "run",
        "workflow_type": "Greeting",
        "activity_id": str(number),
        "activity_type": activity_type,
        "scheduled_event_id": number,
        "attempt": 1,
        "scheduled_ms": 1,
        "attempt_scheduled_ms": 1,
        "start_to_close_timeout_ms": 60_000,
    }
    return ActivityTask(**given | fields)


def send(config: KafkaConfig, topic: str, values: Iterable[bytes | None], partition: int = 0) -> None:
    """Write records to one partition, outside of transactions."""
    producer = Producer(config.producer())
    for number, value in enumerate(values):
        producer.produce(topic, value, f"wf-{number}", partition)
    assert producer.flush(DEADLINE) == 0


def send_tasks(config: KafkaConfig, topics: Topics, numbers: Iterable[int], partition: int = 0) -> None:
    """Write tasks with these numbers to one partition."""
    send(config, topics.tasks(QUEUE), (encode(activity_task(number)) for number in numbers), partition)


def committed(config: KafkaConfig, topics: Topics, partition: int = 0) -> tuple[int, str]:
    """What the group has committed: offset and metadata."""
    admin = AdminClient(config.admin())
    group = f"{topics.namespace}.{QUEUE}"
    wanted = ConsumerGroupTopicPartitions(group, [TopicPartition(topics.tasks(QUEUE), partition)])
    result = admin.list_consumer_group_offsets([wanted])[group].result(DEADLINE)
    found = result.topic_partitions[0]
    return found.offset, found.metadata or ""


def unfinished(offset: int, metadata: str, end: int) -> list[int]:
    """The offsets below `end` that a commit leaves to be run."""
    finished = FinishedSet(offset, metadata)
    return [number for number in range(offset, end) if finished.take(number)]


def read_all(config: KafkaConfig, topic: str, count: int, deadline: float = DEADLINE) -> list[Any]:
    """The first `count` records of a topic, as messages."""
    consumer = Consumer(config.consumer(**{"group.id": "reader"}))
    metadata = consumer.list_topics(topic, timeout=DEADLINE)
    consumer.assign([TopicPartition(topic, number, 0) for number in metadata.topics[topic].partitions])
    found: list[Any] = []
    end = time.monotonic() + deadline
    while len(found) < count and time.monotonic() < end:
        found += [message for message in consumer.consume(1000, 0.1) if message.error() is None]
    consumer.close()
    return found


class Taker:
    """A worker whose tasks end when the test says so."""

    def __init__(
        self, config: KafkaConfig, topics: Topics, *, slots: int = 10_000, instance_id: str = "", **options: Any
    ) -> None:
        self._config, self._topics, self._instance_id = config, topics, instance_id
        self.slots = slots
        self.running: dict[Place, ActivityTask] = {}
        self.begun: list[int] = []
        """Numbers of the tasks that came in, in order."""
        self.holds: list[tuple[int, bool]] = []
        self.partitions = 0
        self.failure: BaseException | None = None
        self.lock = threading.Lock()
        self.consumer: TaskConsumer | None = None
        self._letters = DeadLetterWriter(config, topics.dead_letters)
        self.versions = {""}
        """Those that it has."""
        self.passed = 0
        forwarder = TaskForwarder(config, topics.tasks(QUEUE))
        self.feed = TaskFeed(self._open, decode, self, name=QUEUE, forwarder=forwarder, encode=encode, **options)
        self.feed.start()

    def _open(self, listener: TaskListener) -> TaskConsumer:
        topic, group = self._topics.tasks(QUEUE), f"{self._topics.namespace}.{QUEUE}"
        self.consumer = TaskConsumer(
            self._config,
            topic=topic,
            group_id=group,
            listener=listener,
            session_timeout_seconds=30,
            instance_id=self._instance_id,
        )
        return self.consumer

    def capacity(self) -> int:
        return self.slots - len(self.running)

    def hosts(self, version: str) -> bool:
        return version in self.versions

    def passed_on(self) -> None:
        self.passed += 1

    def receive(self, tasks: list[ReceivedTask]) -> None:
        with self.lock:
            for received in tasks:
                self.running[received.partition, received.offset] = received.task
                self.begun.append(received.task.scheduled_event_id)

    def dead_letter(self, record: TaskRecord, error: str) -> None:
        topic = self._topics.tasks(QUEUE)
        place = (topic, record.partition, record.offset)
        self._letters.write(*place, key=record.key, value=record.value, headers=record.headers, error=error)

    def assigned(self, partitions: int, total: int) -> None:
        self.partitions = partitions

    def held(self, partition: int, *, held: bool) -> None:
        self.holds.append((partition, held))

    def feed_failed(self, error: BaseException) -> None:
        self.failure = error

    def end(self, numbers: Iterable[int]) -> None:
        """End the tasks with these numbers, in this order."""
        with self.lock:
            places = {task.scheduled_event_id: place for place, task in self.running.items()}
        for number in numbers:
            place = places[number]
            del self.running[place]
            self.feed.ended(*place)
        self.feed.slots_freed()

    def close(self) -> None:
        self.feed.close()
        self._letters.close()
