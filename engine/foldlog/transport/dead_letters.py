"""Where records go that nobody can handle: as they were found, with where that was and why.

Owns the names of the headers, and what is kept of a record that is too large for them. Knows no records.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from confluent_kafka import KafkaError, KafkaException, Message, Producer
from foldlog._texts import writable
from foldlog.transport.clients import open_producer
from foldlog.transport.config import KafkaConfig
from foldlog.transport.errors import TransportError

TOPIC_HEADER = "foldlog-topic"
PARTITION_HEADER = "foldlog-partition"
OFFSET_HEADER = "foldlog-offset"
ERROR_HEADER = "foldlog-error"
TIME_HEADER = "foldlog-time"
CUT_HEADER = "foldlog-cut"
"""On a dead letter that was too large: bytes of the whole key and of the whole value."""
CUT_BYTES = 100_000
"""What such a letter keeps of each."""

Headers = list[tuple[str, str | bytes | None]]

logger = logging.getLogger(__name__)


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
        ERROR_HEADER: writable(error),  # it may quote what people's code has raised
        TIME_HEADER: str(now_ms),
    }
    return [(name, value.encode()) for name, value in values.items()]


class Letter(NamedTuple):
    """A dead letter as it is to be produced."""

    value: bytes | None
    key: bytes | None
    headers: Headers


def fitting(
    key: bytes | None,
    value: bytes | None,
    headers: Sequence[tuple[str, Any]],
    added: list[tuple[str, bytes]],
    limit_bytes: int,
) -> Letter:
    """The whole record with what is to be said of it; cut, if together they are too large.

    A record that its topic took may be too large once it has headers. The place where it was found stays known, and
    there it is until the topic's retention ends.

    Args:
        key: As found.
        value: As found.
        headers: As found.
        added: See `dead_letter_headers`.
        limit_bytes: What the producer takes.
    """
    around = sum(len(name) + len(content or b"") + 10 for name, content in [*headers, *added])
    size = len(key or b""), len(value or b"")
    if around + sum(size) <= limit_bytes:
        return Letter(value, key, [*headers, *added])
    where = {name: content.decode() for name, content in added}
    logger.error(
        "the record at offset %s of partition %s of %s is too large for the dead letters, which keep its beginning",
        where[OFFSET_HEADER],
        where[PARTITION_HEADER],
        where[TOPIC_HEADER],
    )
    cut = (CUT_HEADER, f"{size[0]} {size[1]}".encode())
    return Letter((value or b"")[:CUT_BYTES], (key or b"")[:CUT_BYTES], [*added, cut])


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
        letter = fitting(key, value, headers, added, self._config.maximum_record_bytes)
        try:
            self._producer.produce(self._topic, letter.value, letter.key, on_delivery=delivered, headers=letter.headers)
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
