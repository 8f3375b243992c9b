"""From the work of a transaction to the records that are produced: which topic, key, partition and bytes.

Owns the limits that a record must keep so that producing it cannot fail for what it is; a transaction that fails for
its content would fail again each time.
"""

from __future__ import annotations

import logging
from typing import Any, Protocol

from foldlog._texts import writable
from foldlog.core.outcome import MAXIMUM_RECORD_BYTES
from foldlog.core.views import visibility_row
from foldlog.processors.partition import DeadLetter, Work
from foldlog.processors.transaction import DeliveryCallback, Headers
from foldlog.schemas import reply
from foldlog.schemas.codec import Codec
from foldlog.schemas.common import ReplyTo
from foldlog.schemas.framing import EncodeError
from foldlog.schemas.log import BatchBegun, BatchCommitted
from foldlog.transport.dead_letters import dead_letter_headers, fitting
from foldlog.transport.topics import Topics

logger = logging.getLogger("foldlog.processor")

PRODUCER_LIMIT_BYTES = MAXIMUM_RECORD_BYTES + 40_000
"""`message.max.bytes` of the processor: an event's limit, and room for what is made of it. Below Kafka's default.
The client counts the key of a record too, and what frames it."""

FRAME_BYTES = 200
"""Room for the latter."""

MAXIMUM_CLIENT_ID_BYTES = 1_000
"""Bound on the name of who asks: it is the key of each answer, and no answer may be too large for its key."""


class Producer(Protocol):
    """Takes the records of a transaction. `TransactionalProducer` is the one on Kafka."""

    def produce(
        self,
        topic: str,
        value: bytes | None,
        key: bytes | None,
        partition: int = -1,
        headers: Headers | None = None,
        on_delivery: DeliveryCallback | None = None,
    ) -> None:
        """Add a record; a partition of -1 is chosen by the key."""


class Queues(Protocol):
    """Knows the topics of task queues. `TaskQueues` is the one on Kafka."""

    def topic(self, task_queue: str) -> str:
        """The topic of a queue, see `TaskQueues.topic`."""


class Output:
    """Produces the work of one transaction."""

    def __init__(
        self,
        topics: Topics,
        codec: Codec,
        reply_partitions: int,
        queues: Queues,
    ) -> None:
        """Make an output.

        Args:
            topics: The namespace's topics.
            codec: Writes the records.
            reply_partitions: How many `<ns>.replies` has; an address beyond them is nobody's.
            queues: The topics of tasks.
        """
        self._topics = topics
        self._codec = codec
        self._reply_partitions = reply_partitions
        self._queues = queues

    def begin(self, producer: Producer, partition: int, begun: BatchBegun) -> bytes:
        """Produce the first record of a transaction that is begun ahead. Gives its bytes."""
        encoded = self._codec.encode(begun)
        producer.produce(self._topics.events, encoded, None, partition)
        return encoded

    def produce(self, producer: Producer, partition: int, work: Work, on_last: DeliveryCallback) -> None:
        """Produce all that the work comes to, but for what was produced ahead.

        Args:
            producer: Has an open transaction.
            partition: Of commands and events.
            work: What to write.
            on_last: Called when the last record of `<ns>.events` is acknowledged, with its offset.
        """
        self._log(producer, partition, work, on_last)
        for entry in work.outcome.tasks:
            key = entry.workflow_id.encode()
            producer.produce(self._queues.topic(entry.task_queue), self._task(entry.task, key), key)
        for namespace, workflow_id, command, encoded in work.outcome.commands:
            producer.produce(self._commands(namespace), encoded or self._codec.encode(command), workflow_id.encode())
        for run in work.outcome.visible.values():
            row = self._codec.encode(visibility_row(run, partition))
            producer.produce(self._topics.visibility, row, f"{run.workflow_id}/{run.run_id}".encode())
        for reply_to, answer in work.outcome.replies:
            self._reply(producer, reply_to, answer)
        for letter in work.dead_letters:
            self._dead_letter(producer, partition, letter, work.outcome.now_ms)
        if work.moved is not None:
            encoded = self._codec.encode(work.moved)
            for reply_partition in range(self._reply_partitions):
                producer.produce(self._topics.replies, encoded, None, reply_partition)

    def _log(self, producer: Producer, partition: int, work: Work, on_last: DeliveryCallback) -> None:
        events = self._topics.events
        produce = producer.produce
        entries = work.outcome.log
        for workflow_id, record, encoded, _ in entries[work.produced :] if work.produced else entries:
            last = on_last if type(record) is BatchCommitted else None
            produce(events, encoded, workflow_id.encode() if workflow_id else None, partition, None, last)

    def _commands(self, namespace: str) -> str:
        return self._topics.commands if namespace == self._topics.namespace else Topics(namespace).commands

    def _task(self, task: Any, key: bytes) -> bytes:
        encoded = self._codec.encode(task)
        if len(encoded) + len(key) + FRAME_BYTES > PRODUCER_LIMIT_BYTES and task.heartbeat_details:
            logger.warning("activity %s: its last heartbeat is too large to hand on", task.activity_id)
            task.heartbeat_details = []
            encoded = self._codec.encode(task)
        return encoded

    def _reply(self, producer: Producer, reply_to: ReplyTo, answer: Any) -> None:
        if not 0 <= reply_to.partition < self._reply_partitions:
            logger.warning("an answer for %s has no partition %d to go to", reply_to.client_id, reply_to.partition)
            return
        key = reply_to.client_id.encode()
        if len(key) > MAXIMUM_CLIENT_ID_BYTES:
            logger.warning("an answer is for nobody: %s… has %d bytes", reply_to.client_id[:80], len(key))
            return
        try:
            encoded = self._codec.encode(answer)
        except EncodeError as error:
            # Such as what a failure converter made of a query's error. One bad answer must not hold up the partition.
            logger.warning("an answer for %s cannot be written: %s", reply_to.client_id, error)
            code = answer.code if isinstance(answer, reply.Rejected) else "FAILED_PRECONDITION"
            message = f"the answer cannot be written: {writable(error)[:1_000]}"
            answer = reply.Rejected(correlation_id=reply_to.correlation_id, code=code, message=message)
            encoded = self._codec.encode(answer)
        if len(encoded) + len(key) + FRAME_BYTES > PRODUCER_LIMIT_BYTES:
            message = f"the answer has {len(encoded)} bytes, and a record may have {PRODUCER_LIMIT_BYTES}"
            answer = reply.Rejected(correlation_id=reply_to.correlation_id, code="FAILED_PRECONDITION", message=message)
            encoded = self._codec.encode(answer)
        producer.produce(self._topics.replies, encoded, key, reply_to.partition)

    def _dead_letter(self, producer: Producer, partition: int, letter: DeadLetter, now_ms: int) -> None:
        own = dead_letter_headers(self._topics.commands, partition, letter.offset, letter.error[:4_000], now_ms)
        fits = fitting(letter.key, letter.value, letter.headers, own, PRODUCER_LIMIT_BYTES)
        producer.produce(self._topics.dead_letters, fits.value, fits.key, -1, fits.headers)
