"""Writes activity tasks to another partition of their topic, outside of any transaction.

Owns the producer, which is opened with the first task. One thread: whoever forwards also serves the reports.
"""

from __future__ import annotations

from collections.abc import Callable

from confluent_kafka import KafkaError, KafkaException, Message, Producer
from foldlog.transport.clients import open_producer
from foldlog.transport.config import KafkaConfig

TASK_LIMIT_BYTES = 1_048_000
"""`message.max.bytes` of its producer: what the processor's takes, and a little more, below Kafka's default."""


class TaskForwarder:
    """Writes to one task topic."""

    def __init__(self, config: KafkaConfig, topic: str) -> None:
        """Make one.

        Args:
            config: How to reach Kafka.
            topic: The topic.
        """
        self._config = config
        self._topic = topic
        self._producer: Producer | None = None

    def send(self, partition: int, key: bytes, value: bytes, delivered: Callable[[str], None]) -> None:
        """Write a record, without waiting for it.

        Args:
            partition: Where to.
            key: Its key.
            value: The task.
            delivered: Is called by `serve` once it is known what became of it: with an empty text if the broker has
                it, else with why not.
        """

        def report(error: KafkaError | None, message: Message) -> None:
            delivered("" if error is None else error.str())

        if self._producer is None:
            self._producer = open_producer(self._config, **{"message.max.bytes": TASK_LIMIT_BYTES})
        try:
            self._producer.produce(self._topic, value, key, partition, on_delivery=report)
        except (KafkaException, BufferError) as error:
            delivered(str(error))

    def serve(self) -> None:
        """Call what `send` was given for the records whose fate is known. Does not wait."""
        if self._producer is not None:
            self._producer.poll(0)

    def close(self, timeout: float = 5.0) -> None:
        """Deliver what is left, for at most `timeout` seconds."""
        if self._producer is not None:
            self._producer.flush(timeout)
