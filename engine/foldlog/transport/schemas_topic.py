"""The topic `<ns>.schemas`: this build's schemas for all readers, and the schemas of other builds for this one.

Owns reading and writing that topic; its format is `foldlog.schemas.published`. `SchemasTopic.fetch` is what a codec
is given to ask for schemas that it does not know. It reads only what it has not read before, so that asking costs one
request to the broker when nothing is new.
"""

from __future__ import annotations

import logging
import threading
import time
from types import TracebackType
from typing import Self

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition
from foldlog.schemas.definitions import Definition
from foldlog.schemas.published import own_schemas, read_published
from foldlog.schemas.registry import SchemaLookupError
from foldlog.transport.clients import open_consumer, open_producer
from foldlog.transport.config import KafkaConfig
from foldlog.transport.errors import BrokerUnreachableError, DeliveryError, TopicMissingError, TransportError
from foldlog.transport.topics import Topics

logger = logging.getLogger(__name__)

FETCH_TIMEOUT_SECONDS = 5.0
PUBLISH_TIMEOUT_SECONDS = 30.0
_POLL_SECONDS = 0.1
_NO_LEADER_YET = (KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE)
"""What a broker says for a moment after a topic was created."""
_UNKNOWN_TOPIC = (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION)


class SchemasTopic:
    """The published schemas of a namespace. Thread-safe; its calls block.

    A context manager that closes what it opened.

    Args:
        config: How to reach Kafka.
        topics: The topics of the namespace.
        fetch_timeout: How long `fetch` may take, in seconds.
    """

    def __init__(self, config: KafkaConfig, topics: Topics, *, fetch_timeout: float = FETCH_TIMEOUT_SECONDS) -> None:
        self._config = config
        self._topic = topics.schemas
        self._fetch_timeout = fetch_timeout
        self._lock = threading.Lock()
        self._consumer: Consumer | None = None
        self._next: dict[int, int] = {}  # partition to the offset below which all is read
        self._known: dict[bytes, Definition] = {}

    def publish(self, *, timeout: float = PUBLISH_TIMEOUT_SECONDS) -> int:
        """Publishes the schemas of this build that the topic lacks, and waits until the broker has them.

        Call it before writing records: a reader must find the schema of any record that it meets.

        Args:
            timeout: How long it may take, in seconds.

        Returns:
            How many were lacking.

        Raises:
            TopicMissingError: There is no such topic.
            BrokerUnreachableError: No broker answered in time.
            DeliveryError: The broker refuses the records.
        """
        deadline = time.monotonic() + timeout
        with self._lock:
            try:
                self._catch_up(deadline)
            except KafkaException as error:
                raise self._as_transport_error(error.args[0]) from error
            except TimeoutError as error:
                raise BrokerUnreachableError(self._config.bootstrap_servers, str(error)) from error
            known = {fingerprint.hex().encode() for fingerprint in self._known}
        missing = own_schemas(known)
        if missing:
            self._produce(missing, deadline)
        return len(missing)

    def fetch(self, fingerprint: bytes) -> Definition | None:
        """The schema with a fingerprint, or None when nobody has published it.

        Takes no longer than `fetch_timeout`.

        Raises:
            SchemaLookupError: The topic could not be read to its end in time.
        """
        with self._lock:
            if fingerprint not in self._known:
                try:
                    self._catch_up(time.monotonic() + self._fetch_timeout)
                except (KafkaException, TimeoutError) as error:
                    raise SchemaLookupError(f"the topic {self._topic} cannot be read: {error}") from error
            return self._known.get(fingerprint)

    def close(self) -> None:
        """Ends the connection to the broker. The next call opens a new one and reads on where it was."""
        with self._lock:
            if self._consumer is not None:
                self._consumer.close()
                self._consumer = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    # Reading

    def _catch_up(self, deadline: float) -> None:
        """Reads what was published since the last time.

        Raises:
            KafkaException: The topic is not there, or may not be read.
            TimeoutError: The deadline passed.
        """
        consumer = self._consumer or self._open(deadline)
        ends = {partition: self._end(consumer, partition, deadline) for partition in self._next}
        # An end below what was read: the topic was deleted and created again. What was read is true all the same.
        starts = {partition: at if at <= ends[partition] else 0 for partition, at in self._next.items()}
        self._next = starts
        if starts == ends:
            return
        # Assigned only for as long as there is something to read: a fetch that waits for records holds back all other
        # requests on its connection, such as the next one for the end.
        consumer.assign([TopicPartition(self._topic, part, at or OFFSET_BEGINNING) for part, at in starts.items()])
        try:
            self._read_to(ends, consumer, deadline)
        finally:
            consumer.unassign()

    def _read_to(self, ends: dict[int, int], consumer: Consumer, deadline: float) -> None:
        while any(self._next[partition] < end for partition, end in ends.items()):
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise TimeoutError(f"not read to its end in time: {self._next} of {ends}")
            message = consumer.poll(min(remaining, _POLL_SECONDS))
            if message is not None:
                self._take(message)

    def _open(self, deadline: float) -> Consumer:
        consumer = open_consumer(
            self._config,
            **{
                "group.id": f"{self._topic}-readers",  # the library wants one; nothing is ever committed
                "enable.partition.eof": "true",
                "auto.offset.reset": "earliest",  # a compacted topic loses nothing that is not there again
            },
        )
        try:
            found = consumer.list_topics(self._topic, timeout=_remaining(deadline)).topics[self._topic]
            if found.error is not None:
                raise KafkaException(found.error)
            self._next = {partition: self._next.get(partition, 0) for partition in found.partitions}
        except BaseException:
            consumer.close()
            raise
        self._consumer = consumer
        return consumer

    def _end(self, consumer: Consumer, partition: int, deadline: float) -> int:
        """The offset after the last record. A request to the broker."""
        while True:
            try:
                ends = consumer.get_watermark_offsets(
                    TopicPartition(self._topic, partition), timeout=_remaining(deadline)
                )
            except KafkaException as error:
                if error.args[0].code() not in _NO_LEADER_YET or time.monotonic() > deadline:
                    raise
                time.sleep(_POLL_SECONDS / 2)
                continue
            if ends is None:
                raise TimeoutError("the broker does not say where the topic ends")
            return int(ends[1])

    def _take(self, message: Message) -> None:
        error, partition, offset = message.error(), message.partition(), message.offset()
        if error is not None and error.code() != KafkaError._PARTITION_EOF:
            if error.retriable() or error.code() in (KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN):
                return  # the library goes on by itself; the deadline ends the wait
            raise KafkaException(error)
        if partition is None or offset is None:
            return
        if error is not None:  # the end, which may lie after markers of transactions that are no records
            self._next[partition] = max(self._next[partition], offset)
            return
        self._next[partition] = offset + 1
        try:
            fingerprint, schema = read_published(message.key(), message.value())
        except ValueError as unreadable:
            logger.warning("%s, partition %d, offset %d: %s", self._topic, partition, offset, unreadable)
        else:
            self._known[fingerprint] = schema

    # Writing

    def _produce(self, records: dict[bytes, bytes], deadline: float) -> None:
        failures: list[KafkaError] = []

        def delivered(error: KafkaError | None, _message: Message) -> None:
            if error is not None:
                failures.append(error)

        # Twice does no harm, so no time is spent on getting a producer ID.
        timeout_ms = str(int(_remaining(deadline) * 1000))
        producer = open_producer(self._config, **{"enable.idempotence": "false", "message.timeout.ms": timeout_ms})
        for key, value in records.items():
            try:
                producer.produce(self._topic, key=key, value=value, on_delivery=delivered)
            except BufferError as full:  # somebody has set a very short queue
                if producer.flush(_remaining(deadline)):
                    raise BrokerUnreachableError(self._config.bootstrap_servers, "the queue is full") from full
                producer.produce(self._topic, key=key, value=value, on_delivery=delivered)
        waiting = producer.flush(_remaining(deadline))
        if failures:
            raise self._as_transport_error(failures[0])
        if waiting:
            raise BrokerUnreachableError(self._config.bootstrap_servers, f"{waiting} schemas are not published")

    def _as_transport_error(self, error: KafkaError) -> TransportError:
        if error.code() in _UNKNOWN_TOPIC:
            return TopicMissingError(self._topic)
        if error.retriable() or error.code() in (
            KafkaError._TRANSPORT,
            KafkaError._ALL_BROKERS_DOWN,
            KafkaError._TIMED_OUT,
            KafkaError._MSG_TIMED_OUT,
        ):
            return BrokerUnreachableError(self._config.bootstrap_servers, error.str())
        return DeliveryError(f"the topic {self._topic} cannot be used: {error.str()}")


def _remaining(deadline: float) -> float:
    return max(deadline - time.monotonic(), 0.001)
