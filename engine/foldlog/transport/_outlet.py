"""Where records leave the process: one idempotent producer and the thread that serves its reports.

Knows no records: keys and values are bytes. Thread-safe.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from confluent_kafka import KafkaError, KafkaException, Message, Producer
from foldlog.transport.clients import Trouble, open_producer
from foldlog.transport.config import KafkaConfig
from foldlog.transport.errors import (
    BrokerUnreachableError,
    DeliveryError,
    RecordTooLargeError,
    TopicMissingError,
    TransportError,
)

_POLL_SECONDS = 0.1
_BATCH_SECONDS = 0.002
_PURGE_SECONDS = 5.0

_NO_TOPIC = (KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION, KafkaError.UNKNOWN_TOPIC_OR_PART)
_TOO_LARGE = (KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.RECORD_LIST_TOO_LARGE)
_PASSING = (
    KafkaError._MSG_TIMED_OUT,
    KafkaError._TIMED_OUT,
    KafkaError._TRANSPORT,
    KafkaError._ALL_BROKERS_DOWN,
    KafkaError._PURGE_QUEUE,
    KafkaError._PURGE_INFLIGHT,
    KafkaError._FATAL,
)

logger = logging.getLogger(__name__)

Report = Callable[[KafkaError | None, Message], None]
"""Told in the outlet's thread what became of a record: None, it is with all in-sync replicas."""


class Outlet:
    """Sends records, and replaces its producer if that has become unusable."""

    def __init__(self, config: KafkaConfig) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._trouble = Trouble()
        self._producer = self._new_producer()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="foldlog-outlet", daemon=True)
        self._thread.start()

    def produce(self, topic: str, key: bytes, value: bytes, report: Report) -> None:
        """Queues a record and returns at once.

        Raises:
            BufferError: The queue is full.
            RecordTooLargeError: The client does not take records of this size.
            TopicMissingError, DeliveryError: The producer knows already that it cannot be delivered.
        """
        producer = self._producer
        try:
            producer.produce(topic, value, key, on_delivery=report)
        except KafkaException as error:
            if error.args[0].code() != KafkaError._FATAL:
                raise self.explain(error.args[0], topic, len(value), "client") from error
            self._replace(producer)
            self._producer.produce(topic, value, key, on_delivery=report)

    def is_passing(self, error: KafkaError) -> bool:
        """Whether the same record may well be delivered when it is sent again."""
        return error.code() in _PASSING or error.retriable()

    def explain(self, error: KafkaError, topic: str, size: int, who: str = "broker") -> TransportError:
        """The error in foldlog's terms.

        Args:
            error: What librdkafka says.
            topic: Where the record was to go.
            size: Of its value, in bytes.
            who: `client` or `broker`, whichever refused it.
        """
        code = error.code()
        if code in _NO_TOPIC:
            return TopicMissingError(topic)
        if code in _TOO_LARGE:
            return RecordTooLargeError(topic, size, self._config.maximum_record_bytes if who == "client" else 0)
        if code in _PASSING:
            return self.unreachable(error.str())
        return DeliveryError(f"Kafka did not take a record for {topic}: {error.str()}")

    def unreachable(self, detail: str = "") -> BrokerUnreachableError:
        """The error that says that nobody takes our records."""
        return BrokerUnreachableError(self._config.bootstrap_servers, self._trouble.text or detail)

    def close(self, timeout: float) -> int:
        """Waits until everything is delivered, and ends the thread. Blocks.

        Args:
            timeout: For how long, in seconds.

        Returns:
            How many records were not delivered in time.
        """
        left = self._producer.flush(timeout)
        self._stopping.set()
        self._thread.join()
        if left:
            self._discard(self._producer)
        return left

    def _new_producer(self) -> Producer:
        return open_producer(self._config, error_cb=self._trouble.note)

    def _serve(self) -> None:
        while not self._stopping.is_set():
            if self._producer.poll(_POLL_SECONDS):
                # Let reports gather: each visit here takes the interpreter away from the event loop.
                self._stopping.wait(_BATCH_SECONDS)

    def _replace(self, dead: Producer) -> None:
        """An idempotent producer that met a fatal error takes no more records; a new one begins a new sequence."""
        with self._lock:
            if self._producer is not dead:
                return
            logger.warning("the Kafka producer failed for good and is replaced: %s", self._trouble.text)
            self._producer = self._new_producer()
        self._discard(dead)

    def _discard(self, producer: Producer) -> None:
        """Ends a producer; whoever waits for its records is told that they are lost."""
        producer.purge()
        producer.flush(_PURGE_SECONDS)
