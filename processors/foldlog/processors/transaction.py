"""The transactional producer: begin, produce, commit or abort, and what each error means.

Owns the order of the commit and the classification of librdkafka's errors. It knows nothing of what is produced.

The order is produce, send offsets, commit; the commit flushes. The offsets travel while librdkafka still waits to
register the partitions, so they cost no time of their own. The fence against a processor that has lost its partitions
is the consumer group's generation, sent with the offsets (KIP-447); so every transaction sends offsets, and one without
a generation is refused here.

Two producers take turns. A broker goes on with a transaction after it has said that it is committed: it writes the
markers. Whoever begins another one with the same transactional.id meanwhile is told CONCURRENT_TRANSACTIONS and waits
20 ms in librdkafka, which is longer than several commits.
"""

from __future__ import annotations

import contextlib
import functools
import struct
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from enum import Enum

from confluent_kafka import KafkaError, KafkaException, Message, Producer, TopicPartition
from foldlog.exceptions import FoldlogError
from foldlog.sensor import AbortReason

Headers = list[tuple[str, str | bytes | None]]
DeliveryCallback = Callable[[KafkaError | None, Message], None]


_OF_A_REBALANCE = (
    KafkaError.ILLEGAL_GENERATION,
    KafkaError.UNKNOWN_MEMBER_ID,
    KafkaError.REBALANCE_IN_PROGRESS,
)


REGISTRATION_SECONDS = 0.001
"""librdkafka registers a transaction's partitions so long after its first record, by a timer. Its main thread looks at
the timer after each call, and else only after whole milliseconds: a commit called now sets it off, one called earlier
may wait twice as long."""


def transactional_ids(instance_id: str) -> tuple[str, str]:
    """The IDs of an instance's two producers. Whoever takes over from it ends the transactions of both."""
    return instance_id, f"{instance_id}/2"


class TransactionAborted(FoldlogError):
    """The transaction did not happen. Its input must be handled again, or is another processor's by now.

    Attributes:
        reason: For the metrics.
    """

    def __init__(self, message: str, reason: AbortReason = "error") -> None:
        super().__init__(message)
        self.reason = reason


class ProducerFenced(FoldlogError):
    """These producers must not be used any more: make new ones, and join the group anew."""


class Status(Enum):
    """Where a transaction stands."""

    IDLE = "no transaction is open"
    OPEN = "a transaction is open"
    FENCED = "a transaction is open, and its offsets are sent"
    DEAD = "the producer is of no use any more"


def passed_over(error: KafkaError) -> None:
    """For `error_cb` of all clients that can be fenced: the call that meets the error tells of it as well.

    Without one, confluent-kafka raises a fatal error from within whatever callback comes next; two of them at once,
    such as the delivery reports of a flush, end as a SystemError that says nothing.
    """


class TransactionalProducer:
    """One transaction at a time, by producers that take turns."""

    def __init__(self, producers: Sequence[Producer], timeout_seconds: float) -> None:
        """Take producers over, and abort what their transactional.ids left open.

        Args:
            producers: Each with a `transactional.id` of its own.
            timeout_seconds: Bound on each step of a commit.

        Raises:
            ProducerFenced: The broker refused it.
        """
        self._timeout = timeout_seconds
        self._producers = deque(producers)
        """The first one has the open transaction, or the next."""
        self._status = Status.IDLE
        self._begun_ahead = False
        """The next transaction is begun already; nobody but librdkafka knows."""
        self._began = 0.0
        for producer in producers:
            self._repeat(functools.partial(producer.init_transactions, timeout_seconds))

    def begin(self) -> None:
        """Open a transaction. Nothing is sent to the broker yet."""
        self._expect(Status.IDLE)
        if not self._begun_ahead:
            self._repeat(self._producers[0].begin_transaction)
        self._begun_ahead = False
        self._status = Status.OPEN
        self._began = time.monotonic()

    def produce(
        self,
        topic: str,
        value: bytes | None,
        key: bytes | None,
        partition: int = -1,
        headers: Headers | None = None,
        on_delivery: DeliveryCallback | None = None,
    ) -> None:
        """Add a record to the open transaction.

        Raises:
            TransactionAborted: The record is refused at once, for example because it is too large.
        """
        try:
            if on_delivery is None and headers is None:
                self._producers[0].produce(topic, value, key, partition)
            else:
                self._producers[0].produce(topic, value, key, partition, on_delivery=on_delivery, headers=headers)
        except BufferError:
            # The local queue is full: let it drain, and try again within the same bound as any other step.
            self._producers[0].flush(self._timeout)
            try:
                self._producers[0].produce(topic, value, key, partition, on_delivery=on_delivery, headers=headers)
            except (BufferError, KafkaException) as error:
                raise TransactionAborted(f"a record for {topic} was refused: {error}") from error
        except KafkaException as error:
            raise TransactionAborted(f"a record for {topic} was refused: {error}") from error

    def send_offsets(self, offsets: list[TopicPartition], group_metadata: bytes) -> None:
        """Put the input offsets into the open transaction, and with them the fence. No transaction goes without.

        Raises:
            TransactionAborted: They are refused; call `abort`.
            ProducerFenced: Likewise, and nothing more can be done with these producers.
        """
        self._expect(Status.OPEN)
        if generation(group_metadata) < 0:
            raise TransactionAborted("this processor is not a member of its group now", "rebalance")
        producer = self._producers[0]
        self._repeat(lambda: producer.send_offsets_to_transaction(offsets, group_metadata, self._timeout))
        self._status = Status.FENCED

    def commit(self) -> None:
        """Commit what was produced, together with the input offsets.

        Raises:
            TransactionAborted: It did not happen; call `abort`.
            ProducerFenced: It did not happen, and nothing can with these producers.
        """
        self._expect(Status.FENCED)
        if not self._begun_ahead:
            self._repeat(self._producers[1].begin_transaction)
            self._begun_ahead = True
        time.sleep(max(self._began + REGISTRATION_SECONDS - time.monotonic(), 0.0))
        producer = self._producers[0]
        self._repeat(lambda: producer.commit_transaction(self._timeout))
        self._ended()

    def abort(self) -> None:
        """Throw the open transaction away, if there is one.

        Raises:
            ProducerFenced: The producers are of no use any more.
        """
        if self._status in (Status.OPEN, Status.FENCED):
            producer = self._producers[0]
            try:
                self._repeat(lambda: producer.abort_transaction(self._timeout))
            except TransactionAborted as error:
                # Whether it is open still, nobody knows: the next producer with this ID ends it.
                self._status = Status.DEAD
                raise ProducerFenced(f"the transaction could not be aborted: {error}") from error
            self._ended()

    def _ended(self) -> None:
        self._producers.rotate(-1)
        self._status = Status.IDLE

    def close(self) -> None:
        """Drop the producers; an open transaction is aborted by whoever uses its ID next, or by the broker."""
        self._status = Status.DEAD
        for producer in self._producers:
            producer.purge()
            with contextlib.suppress(KafkaException):  # raised for one that is fenced, which has been told
                producer.flush(0)

    def _expect(self, status: Status) -> None:
        if self._status is not status:
            raise AssertionError(f"{status.value} was expected, but {self._status.value}")

    def _repeat(self, step: Callable[[], object]) -> None:
        """Run a step; repeat it while the error says that the same call may be repeated."""
        deadline = time.monotonic() + self._timeout
        while True:
            try:
                step()
                return
            except KafkaException as raised:
                error = raised.args[0]
                if error.retriable() and time.monotonic() < deadline:
                    continue
                if error.txn_requires_abort() or (error.retriable() and not error.fatal()):
                    raise TransactionAborted(str(error), _reason(error)) from raised
                self._status = Status.DEAD
                raise ProducerFenced(str(error)) from raised


def _reason(error: KafkaError) -> AbortReason:
    if error.code() in _OF_A_REBALANCE:
        return "rebalance"
    return "timeout" if error.code() == KafkaError._TIMED_OUT else "error"


def generation(group_metadata: bytes) -> int:
    """The generation in librdkafka's opaque group metadata; negative when the consumer is in no generation.

    A commit with a negative generation is not checked by the broker when the group is empty, so it must not be sent.
    """
    if not group_metadata.startswith(b"CGMDv2:"):
        raise FoldlogError(f"this librdkafka writes group metadata of an unknown version: {group_metadata[:8]!r}")
    return int(struct.unpack_from("=i", group_metadata, 7)[0])


def offsets_of(topic: str, positions: Iterable[tuple[int, int]]) -> list[TopicPartition]:
    """Offsets as librdkafka takes them, from pairs of partition and next offset."""
    return [TopicPartition(topic, partition, offset) for partition, offset in positions]
