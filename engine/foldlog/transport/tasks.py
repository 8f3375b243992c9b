"""Reads the activity tasks of one queue as a member of its consumer group.

Owns the Kafka consumer: joining, where reading begins, pausing, committing with metadata. What the metadata says and
which records are worth running is the listener's. One thread uses a consumer; the listener is called on that thread,
from within `read`, `commit` and `close`. No other thread may use it: some calls of the Kafka library hold
Python's lock while they wait for the one that polls, for ever.

Assignment is cooperative and sticky: a member that comes or goes moves as few partitions as possible, and so as few
running attempts as possible are repeated elsewhere.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition
from foldlog.transport._headers import headers_of
from foldlog.transport.clients import open_consumer
from foldlog.transport.config import KafkaConfig
from foldlog.transport.errors import TopicMissingError, TransportError

_log = logging.getLogger(__name__)

COMMITTED_TIMEOUT_SECONDS = 30.0
"""How long an assignment waits for the committed positions; far below `max.poll.interval.ms`."""

_ATTEMPT_SECONDS = 5.0
_FATAL = frozenset(
    {
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError._AUTHENTICATION,
        KafkaError.INVALID_SESSION_TIMEOUT,
        KafkaError.INCONSISTENT_GROUP_PROTOCOL,
        KafkaError._FATAL,
    }
)
"""What waiting does not mend."""


class TaskRecord(NamedTuple):
    """One record as found."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, Any]]


class Position(NamedTuple):
    """Where a partition stands."""

    offset: int
    """The lowest offset that is not done; -1 in what was read: nothing has been committed yet."""
    metadata: str


class CommitError(NamedTuple):
    """Why a position was not committed."""

    message: str
    too_large: bool
    """The broker allows less metadata (`offset.metadata.max.bytes`)."""


class TaskListener(Protocol):
    """Who keeps account of the partitions."""

    def assigned(self, positions: Mapping[int, Position]) -> None:
        """These partitions are ours from here on, and reading begins at their offsets."""

    def revoked(self, partitions: Sequence[int]) -> Mapping[int, Position]:
        """These partitions are given back in order.

        Returns:
            What is to be committed for them before they go.
        """

    def lost(self, partitions: Sequence[int]) -> None:
        """These partitions are ours no longer, and may be somebody else's already."""

    def commit_ended(self, failed: Mapping[int, CommitError]) -> None:
        """The broker has answered a commit, or never will. `failed`: for which partitions it did not get through."""


class TaskConsumer:
    """A consumer of one task topic.

    Args:
        config: How to reach Kafka.
        topic: The task topic.
        group_id: The consumer group; by convention `<namespace>.<task queue>`.
        listener: Is told of assignments and failed commits.
        session_timeout_seconds: A member that is silent for so long loses its partitions. Brokers allow 6 s and more.
            The option `session.timeout.ms` wins over it.

    Raises:
        TopicMissingError: From `read`: there is no such topic.
        TransportError: From `read`: the broker refuses the group or the topic for good.
    """

    def __init__(
        self,
        config: KafkaConfig,
        *,
        topic: str,
        group_id: str,
        listener: TaskListener,
        session_timeout_seconds: float = 8.0,
        instance_id: str = "",
    ) -> None:
        self.topic = topic
        self.group_id = group_id
        self._listener = listener
        self._paused = False
        self._missing = 0
        """How often in a row the broker has said that there is no such topic."""
        self._moved: set[int] = set()
        """Partitions that came or went while records were being read."""
        session_ms = int(session_timeout_seconds * 1000)
        defaults: dict[str, Any] = {
            "session.timeout.ms": session_ms,
            "heartbeat.interval.ms": max(session_ms // 6, 500),
            # Tasks that wait in this process could run in another one.
            "queued.min.messages": 1000,
        }
        settings: dict[str, Any] = {
            "group.id": group_id,
            "partition.assignment.strategy": "cooperative-sticky",
            "on_commit": self._on_commit,
            **{name: value for name, value in defaults.items() if name not in config.options},
        }
        self._instance_id = instance_id
        if instance_id:
            # A static member (KIP-345): a restart within the session gets its partitions back without a rebalance.
            settings["group.instance.id"] = instance_id
        self._consumer = open_consumer(config, **settings)
        self._consumer.subscribe([topic], on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost)

    def read(self, maximum: int, timeout: float) -> list[TaskRecord]:
        """What has come in; also where rebalances and finished commits are noticed.

        Args:
            maximum: Records at most; with 0 nothing is read, and callbacks are served.
            timeout: How long to wait for the first record, in seconds. The others are those that are there already.
        """
        if maximum <= 0:
            # A record could only come from a partition that was assigned during this very call.
            return self._records([self._consumer.poll(timeout)])
        first = self._consumer.poll(timeout)
        if first is None or maximum == 1:
            return self._records([first])
        self._moved.clear()
        messages = self._consumer.consume(maximum - 1, 0)
        if first.partition() in self._moved:
            # It was read under the assignment before this one, which begins anew at the committed position: whoever
            # takes the first record of an assignment may conclude that there is none below it.
            return self._records(messages)
        return self._records([first, *messages])

    def pause(self) -> None:
        """Read nothing until `resume`, also from partitions that are assigned in the meantime."""
        if not self._paused:
            self._paused = True
            self._consumer.pause(self._consumer.assignment())

    def resume(self, held: Iterable[int] = ()) -> None:
        """Read on, except from the partitions that are held back one by one."""
        if self._paused:
            self._paused = False
            kept = set(held)
            self._consumer.resume([item for item in self._consumer.assignment() if item.partition not in kept])

    def hold(self, partition: int) -> None:
        """Read nothing from one partition until `release`."""
        self._consumer.pause([TopicPartition(self.topic, partition)])

    def release(self, partition: int) -> None:
        """Read on from one partition."""
        if not self._paused:
            self._consumer.resume([TopicPartition(self.topic, partition)])

    def commit(self, positions: Mapping[int, Position], *, wait: bool = False) -> None:
        """Commit positions with their metadata.

        Args:
            positions: By partition; they must be assigned.
            wait: Wait for the broker's answer; otherwise it comes with a later `read`.
        """
        if not positions:
            return
        wanted = [
            TopicPartition(self.topic, partition, position.offset, position.metadata)
            for partition, position in positions.items()
        ]
        try:
            if wait:
                self._on_commit(None, self._consumer.commit(offsets=wanted, asynchronous=False))
            else:
                self._consumer.commit(offsets=wanted, asynchronous=True)
        except KafkaException as error:
            self._on_commit(error.args[0], wanted)

    def partition_count(self, timeout: float = _ATTEMPT_SECONDS) -> int:
        """How many partitions the topic has; 0 if it is not known.

        To be asked now and then: a consumer whose topic is deleted goes silent (librdkafka 2.16).

        Args:
            timeout: How long to wait for the broker, in seconds.

        Raises:
            TopicMissingError: The broker has said twice in a row that there is no such topic.
        """
        try:
            found = self._consumer.list_topics(self.topic, timeout=timeout).topics[self.topic]
        except KafkaException:
            return 0
        if found.error is None:
            self._missing = 0
            return len(found.partitions)
        if found.error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
            # Once is nothing: a broker may not have heard yet of a topic that is new.
            self._missing += 1
            if self._missing > 1:
                raise TopicMissingError(self.topic)
        return 0

    def close(self) -> None:
        """Leave the group. The listener's `revoked` is asked for the last positions."""
        self._consumer.close()

    def _records(self, messages: Iterable[Message | None]) -> list[TaskRecord]:
        records = []
        for message in messages:
            if message is None:
                continue
            error = message.error()
            if error is not None:
                self._on_error(error, message)
                continue
            partition, offset = message.partition() or 0, message.offset() or 0
            records.append(TaskRecord(partition, offset, message.key(), message.value(), headers_of(message)))
        return records

    def _on_error(self, error: KafkaError, message: Message) -> None:
        code = error.code()
        if code == KafkaError._AUTO_OFFSET_RESET:
            self._begin_again(message.partition() or 0)
        elif code in (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC):
            raise TopicMissingError(self.topic)
        elif code in _FATAL or error.fatal():
            name = self._instance_id
            hint = f"; has another process the instance_id {name!r} too?" if name and code == KafkaError._FATAL else ""
            raise TransportError(f"cannot read {self.topic} as group {self.group_id}: {error.str()}{hint}")
        else:
            _log.warning("reading %s: %s", self.topic, error.str())

    def _begin_again(self, partition: int) -> None:
        _log.error(
            "partition %d of %s: records were deleted before they were read (retention); the activities in them end by"
            " their timeouts; reading goes on at the first record that is there",
            partition,
            self.topic,
        )
        # Not by seeking: librdkafka has stopped fetching this partition.
        begin = [TopicPartition(self.topic, partition, OFFSET_BEGINNING)]
        self._consumer.incremental_unassign(begin)
        self._consumer.incremental_assign(begin)
        if self._paused:
            self._consumer.pause(begin)

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._moved.update(item.partition for item in partitions)
        committed = self._committed(partitions)
        self._listener.assigned(
            {item.partition: Position(max(item.offset, -1), item.metadata or "") for item in committed}
        )
        begin = [
            TopicPartition(self.topic, item.partition, item.offset if item.offset >= 0 else OFFSET_BEGINNING)
            for item in committed
        ]
        consumer.incremental_assign(begin)
        if self._paused and begin:
            consumer.pause(begin)

    def _committed(self, partitions: list[TopicPartition]) -> list[TopicPartition]:
        if not partitions:
            return []
        deadline = time.monotonic() + COMMITTED_TIMEOUT_SECONDS
        while True:
            try:
                committed = self._consumer.committed(partitions, timeout=_ATTEMPT_SECONDS)
                for item in committed:
                    if item.error is not None:
                        raise KafkaException(item.error)
                return committed
            except KafkaException as error:
                if time.monotonic() >= deadline:
                    # Reading without the positions would repeat all that has ended.
                    raise TransportError(
                        f"the committed positions of {self.topic} cannot be read: {error.args[0].str()}"
                    ) from error
                _log.warning("reading the committed positions of %s: %s", self.topic, error.args[0].str())

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._moved.update(item.partition for item in partitions)
        positions = self._listener.revoked([item.partition for item in partitions])
        self.commit(positions, wait=True)

    def _on_lost(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._moved.update(item.partition for item in partitions)
        self._listener.lost([item.partition for item in partitions])

    def _on_commit(self, error: KafkaError | None, partitions: list[TopicPartition] | None) -> None:
        failed = {}
        for item in partitions or []:
            reason = item.error or error
            if reason is not None and reason.code() != KafkaError._NO_OFFSET:
                too_large = reason.code() == KafkaError.OFFSET_METADATA_TOO_LARGE
                failed[item.partition] = CommitError(reason.str(), too_large)
        self._listener.commit_ended(failed)
