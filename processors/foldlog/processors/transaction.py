"""The transactional producer: begin, produce, commit or abort, and what each error means.

Owns the order of the commit and the classification of librdkafka's errors. It knows nothing of what is produced.

The order is produce, send offsets, commit; the commit flushes. The offsets travel while librdkafka still waits to
register the partitions, so they cost no time of their own. The fence against a processor that has lost its partitions
is the consumer group's generation, sent with the offsets (KIP-447), and one without a generation is refused here. A
transaction that reads nothing moves no offsets: its fence is its transactional.id, which whoever takes over from a dead
owner takes over first (KIP-98, `takeover.fence`).

Two producers take turns. A broker goes on with a transaction after it has said that it is committed: it writes the
markers. Whoever begins another one with the same transactional.id meanwhile is told CONCURRENT_TRANSACTIONS and waits
20 ms in librdkafka, which is longer than several commits.
"""

from __future__ import annotations

import contextlib
import struct
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from enum import Enum

from confluent_kafka import KafkaError, KafkaException, Message, Producer, TopicPartition
from foldlog.exceptions import FoldlogError
from foldlog.processors.watch import Watch
from foldlog.sensor import AbortReason

Headers = list[tuple[str, str | bytes | None]]
DeliveryCallback = Callable[[KafkaError | None, Message], None]

RETRY_SECONDS = 0.02
"""Wait before a step is repeated: some errors come back at once."""
LEAST_SECONDS = 0.5
"""What a step gets although the steps before it took all the time there was."""
OVERDUE_SECONDS = 2.0
"""How much later than it should a call may come back."""

_OF_A_REBALANCE = (
    KafkaError.ILLEGAL_GENERATION,
    KafkaError.UNKNOWN_MEMBER_ID,
    KafkaError.REBALANCE_IN_PROGRESS,
)


REGISTRATION_SECONDS = 0.001
"""librdkafka registers a transaction's partitions so long after its first record, by a timer. Its main thread looks at
the timer after each call, and else only after whole milliseconds: a commit called now sets it off, one called earlier
may wait twice as long."""


def transactional_ids(namespace: str, instance_id: str) -> tuple[str, str]:
    """The IDs of an instance's two producers. Whoever takes over from it ends the transactions of both.

    They begin with the namespace, as its topics and groups do: so one prefixed ACL is for all of them, and processors
    of other namespaces may have the same names.
    """
    return f"{namespace}.processor.1/{instance_id}", f"{namespace}.processor.2/{instance_id}"


class TransactionAborted(FoldlogError):
    """The transaction did not happen. Its input must be handled again, or is another processor's by now.

    Attributes:
        reason: For the metrics.
    """

    def __init__(self, message: str, reason: AbortReason = "error") -> None:
        super().__init__(message)
        self.reason = reason


class ProducerFenced(FoldlogError):
    """These producers must not be used any more: make new ones, and join the group anew.

    Attributes:
        by_another: Whether somebody else goes by the same IDs, or did so for a moment.
    """

    def __init__(self, message: str, by_another: bool = False) -> None:
        super().__init__(message)
        self.by_another = by_another


class _OutOfTime(TransactionAborted):
    """A step could be repeated, but not in the time that there was."""


class Status(Enum):
    """Where a transaction stands."""

    IDLE = "no transaction is open"
    OPEN = "a transaction is open"
    FENCED = "a transaction is open, and its fence stands"
    DEAD = "the producer is of no use any more"


def passed_over(error: KafkaError) -> None:
    """For `error_cb` of all clients that can be fenced: the call that meets the error tells of it as well.

    Without one, confluent-kafka raises a fatal error from within whatever callback comes next; two of them at once,
    such as the delivery reports of a flush, end as a SystemError that says nothing.
    """


class TransactionalProducer:
    """One transaction at a time, by producers that take turns."""

    def __init__(self, producers: Sequence[Producer], timeout_seconds: float, watch: Watch | None = None) -> None:
        """Of no use before `take_over`.

        Args:
            producers: Each with a `transactional.id` of its own.
            timeout_seconds: Bound on a transaction, on an abort, and on taking over; no less than what the broker
                allows for a transaction.
            watch: Runs the thread that commits, and leaves it behind if it must. None: somebody else may wait for ever.
        """
        self._timeout = timeout_seconds
        self._producers = deque(producers)
        """The first one has the open transaction, or the next."""
        self._watch = watch or Watch()
        self._status = Status.IDLE
        self._next_begun = False
        """The next transaction is begun already; nobody but librdkafka knows."""
        self._began = 0.0

    def take_over(self) -> None:
        """Fence whoever has these producers' transactional.ids, and abort what was left open under them.

        Raises:
            ProducerFenced: The broker refused it.
            TransactionAborted: The broker did not answer in time.
        """
        deadline = self._deadline()
        # All at once: where a transaction was left open, the broker has each of them ask again half a second later.
        with ThreadPoolExecutor(len(self._producers), thread_name_prefix="foldlog-takeover") as waiting:
            list(waiting.map(lambda producer: self._repeat(producer.init_transactions, deadline), self._producers))

    @property
    def is_open(self) -> bool:
        """Whether a transaction is open."""
        return self._status in (Status.OPEN, Status.FENCED)

    def begin(self) -> None:
        """Open a transaction. Nothing is sent to the broker yet."""
        self._expect(Status.IDLE)
        if not self._next_begun:
            self._begin(self._producers[0])
        self._next_begun = False
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
            # The local queue is full: let it drain, and try again.
            self._producers[0].flush(self._timeout)
            try:
                self._producers[0].produce(topic, value, key, partition, on_delivery=on_delivery, headers=headers)
            except (BufferError, KafkaException) as error:
                raise TransactionAborted(f"a record for {topic} was refused: {error}") from error
        except KafkaException as error:
            raise TransactionAborted(f"a record for {topic} was refused: {error}") from error

    def send_offsets(self, offsets: list[TopicPartition], group_metadata: bytes) -> None:
        """Put the input offsets into the open transaction, and with them the fence of the group's generation.

        Raises:
            TransactionAborted: They are refused; call `abort`.
            ProducerFenced: Likewise, and nothing more can be done with these producers.
        """
        self._expect(Status.OPEN)
        if generation(group_metadata) < 0:
            raise TransactionAborted("this processor is not a member of its group now", "rebalance")
        self._bounded(lambda seconds: self._send_offsets(offsets, group_metadata, seconds))
        self._status = Status.FENCED

    def keep_offsets(self) -> None:
        """The open transaction moves no input offsets, so it sends none: its fence is its transactional.id alone."""
        self._expect(Status.OPEN)
        self._status = Status.FENCED

    def commit(self) -> None:
        """Commit what was produced, together with the input offsets.

        Raises:
            TransactionAborted: It did not happen; call `abort`.
            ProducerFenced: Nothing can happen with these producers any more. Whether this transaction did, only the log
                says, and not before other producers with the same IDs have taken over.
        """
        self._expect(Status.FENCED)
        if not self._next_begun:
            self._begin(self._producers[1])
            self._next_begun = True
        time.sleep(max(self._began + REGISTRATION_SECONDS - time.monotonic(), 0.0))
        self._bounded(self._producers[0].commit_transaction)
        self._ended()

    def _send_offsets(self, offsets: list[TopicPartition], group_metadata: bytes, seconds: float) -> None:
        # librdkafka does not keep the time limit of this one call (its issue 5456): when the coordinator of the group
        # goes away at the wrong moment, the call comes back much later, or never, though the broker is there again.
        with self._watch.within(seconds + OVERDUE_SECONDS, "send_offsets_to_transaction"):
            self._producers[0].send_offsets_to_transaction(offsets, group_metadata, seconds)

    def abort(self) -> None:
        """Throw the open transaction away, if there is one.

        Raises:
            ProducerFenced: The producers are of no use any more.
        """
        if self.is_open:
            try:
                self._repeat(self._producers[0].abort_transaction, self._deadline())
            except TransactionAborted as error:
                # Whether it is open still, nobody knows: the next producer with this ID ends it.
                self._status = Status.DEAD
                raise ProducerFenced(f"the transaction could not be aborted: {error}") from error
            self._ended()

    def _begin(self, producer: Producer) -> None:
        self._repeat(lambda _: producer.begin_transaction(), self._deadline())

    def _bounded(self, step: Callable[[float], object]) -> None:
        """Run a step of the open transaction within the time that is left for the whole of it."""
        try:
            self._repeat(step, self._began + self._timeout)
        except _OutOfTime as error:
            # By now the broker has aborted the transaction, or it has committed it and could not say so. Either way it
            # does not take anything more from this producer.
            self._status = Status.DEAD
            raise ProducerFenced(f"what became of the transaction is not known: {error}") from error

    def _ended(self) -> None:
        self._producers.rotate(-1)
        self._status = Status.IDLE

    def close(self) -> None:
        """Drop the producers; an open transaction is aborted by whoever uses its ID next, or by the broker."""
        self._status = Status.DEAD
        for producer in self._producers:
            # Its own `close` would abort the transaction first, and wait for the broker without a limit to do so.
            producer.purge()
            with contextlib.suppress(KafkaException):  # raised for one that is fenced, which has been told
                producer.flush(0)

    def _expect(self, status: Status) -> None:
        if self._status is not status:
            raise AssertionError(f"{status.value} was expected, but {self._status.value}")

    def _deadline(self) -> float:
        return time.monotonic() + self._timeout

    def _repeat(self, step: Callable[[float], object], deadline: float) -> None:
        """Run a step; repeat it while the error says that the same call may be repeated.

        Args:
            step: Takes the seconds that it may last.
            deadline: When the last try begins, at the latest.
        """
        while True:
            try:
                step(max(deadline - time.monotonic(), LEAST_SECONDS))
                return
            except KafkaException as raised:
                error = raised.args[0]
                if error.retriable() and not error.fatal():
                    if time.monotonic() > deadline:
                        raise _OutOfTime(str(error), "timeout") from raised
                    time.sleep(RETRY_SECONDS)
                elif error.txn_requires_abort():
                    raise TransactionAborted(str(error), _reason(error)) from raised
                else:
                    self._status = Status.DEAD
                    raise ProducerFenced(str(error), error.code() == KafkaError._FENCED) from raised


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
