"""Where records go that nobody can handle: as they were found, with where that was and why.

Owns the names of the headers. Knows no records.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, Producer
from foldlog.transport.clients import open_producer
from foldlog.transport.config import KafkaConfig
from foldlog.transport.errors import TransportError

TOPIC_HEADER = "foldlog-topic"
PARTITION_HEADER = "foldlog-partition"
OFFSET_HEADER = "foldlog-offset"
ERROR_HEADER = "foldlog-error"
TIME_HEADER = "foldlog-time"


def dead_letter_headers(topic: str, partition: int, offset: int, error: str, now_ms: int) -> list[tuple[str, bytes]]:
    """What is added to the headers of a record that becomes a dead letter.

    Args:
        topic: Where it was found.
        partition: Where it was found.
        offset: Where it was found.
        error: Why it cannot be handled.
        now_ms: When that was noticed, in Unix milliseconds.
    """
    values = {
        TOPIC_HEADER: topic,
        PARTITION_HEADER: str(partition),
        OFFSET_HEADER: str(offset),
        ERROR_HEADER: error,
        TIME_HEADER: str(now_ms),
    }
    return [(name, value.encode()) for name, value in values.items()]


class DeadLetterWriter:
    """Writes dead letters, outside of any transaction. The producer is opened with the first. One thread."""

    def __init__(self, config: KafkaConfig, dead_letters: str) -> None:
        """Make one.

        Args:
            config: How to reach Kafka.
            dead_letters: The topic.
        """
        self._config = config
        self._topic = dead_letters
        self._producer: Producer | None = None

    def write(
        self,
        topic: str,
        partition: int,
        offset: int,
        *,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, Any]],
        error: str,
        timeout: float = 10.0,
    ) -> None:
        """Write one; returns when the broker has it.

        Args:
            topic: Where it was found.
            partition: Where it was found.
            offset: Where it was found.
            key: As found.
            value: As found.
            headers: As found.
            error: Why it cannot be handled.
            timeout: In seconds.

        Raises:
            TransportError: The broker did not take it in time.
        """
        if self._producer is None:
            self._producer = open_producer(self._config)
        outcome: list[KafkaError | None] = []

        def delivered(problem: KafkaError | None, message: Message) -> None:
            outcome.append(problem)

        added = dead_letter_headers(topic, partition, offset, error, time.time_ns() // 1_000_000)
        try:
            self._producer.produce(self._topic, value, key, on_delivery=delivered, headers=[*headers, *added])
            self._producer.flush(timeout)
        except (KafkaException, BufferError) as problem:
            raise TransportError(f"a dead letter could not be written to {self._topic}: {problem}") from problem
        if not outcome or outcome[0] is not None:
            self._producer.purge()
            why = outcome[0].str() if outcome and outcome[0] is not None else f"no answer within {timeout:g} s"
            raise TransportError(f"a dead letter could not be written to {self._topic}: {why}")

    def close(self, timeout: float = 5.0) -> None:
        """Deliver what is left, for at most `timeout` seconds."""
        if self._producer is not None:
            self._producer.flush(timeout)
