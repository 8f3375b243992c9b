"""Reads what a topic holds now, from its beginning to its end, and no further.

Owns a consumer that belongs to no group and commits nothing. For lists and tools; a read model that follows a topic
needs a consumer of its own.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import NamedTuple

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition
from foldlog.transport._headers import headers_of
from foldlog.transport.clients import open_consumer
from foldlog.transport.config import KafkaConfig
from foldlog.transport.errors import BrokerUnreachableError, DeliveryError, TopicMissingError

_AT_ONCE = 1000
_POLL_SECONDS = 0.05


Headers = list[tuple[str, str | bytes | None]]
"""Names and values; what is read has bytes or None."""


class TopicRecord(NamedTuple):
    """One record as found."""

    partition: int
    offset: int
    timestamp_ms: int
    """When it was written, in Unix milliseconds; 0: unknown."""
    key: bytes | None
    value: bytes | None
    headers: Headers


def read_topic(config: KafkaConfig, topic: str, *, timeout: float = 30.0) -> Iterator[TopicRecord]:
    """Yields every committed record of a topic, in the order of its partition.

    A partition ends where its committed records end when it is reached; a transaction that is open there hides what
    comes after it.

    Args:
        config: How to reach Kafka.
        topic: The topic.
        timeout: Seconds without any progress after which it gives up.

    Raises:
        TopicMissingError: There is no such topic.
        BrokerUnreachableError: No broker answered, or nothing came, in time.
        DeliveryError: The broker refuses.
    """
    consumer = open_consumer(
        config, **{"group.id": "foldlog-reader", "enable.partition.eof": "true", "fetch.wait.max.ms": "100"}
    )
    try:
        open_partitions = set(partitions_of(consumer, config, topic, timeout))
        consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in open_partitions])
        heard = time.monotonic()
        while open_partitions:
            messages = consumer.consume(_AT_ONCE, timeout=_POLL_SECONDS)
            if messages:
                heard = time.monotonic()
            elif time.monotonic() - heard > timeout:
                unread = ", ".join(map(str, sorted(open_partitions)))
                detail = f"nothing came for {timeout:g} s; unread partitions of {topic}: {unread}"
                raise BrokerUnreachableError(config.bootstrap_servers, detail)
            for message in messages:
                if (error := message.error()) is None:
                    yield _record(message)
                elif error.code() == KafkaError._PARTITION_EOF:
                    open_partitions.discard(_known(message.partition()))
                elif not error.retriable():
                    raise DeliveryError(f"the topic {topic} cannot be read: {error.str()}")
    finally:
        consumer.close()


def partitions_of(consumer: Consumer, config: KafkaConfig, topic: str, timeout: float) -> list[int]:
    """The numbers of a topic's partitions.

    Raises:
        TopicMissingError, BrokerUnreachableError, DeliveryError: As `read_topic`.
    """
    try:
        metadata = consumer.list_topics(topic, timeout=timeout).topics[topic]
    except KafkaException as error:
        raise BrokerUnreachableError(config.bootstrap_servers, error.args[0].str()) from error
    if metadata.error is not None:
        if metadata.error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
            raise TopicMissingError(topic)
        raise DeliveryError(f"the topic {topic} cannot be read: {metadata.error.str()}")
    return list(metadata.partitions)


def _record(message: Message) -> TopicRecord:
    kind, timestamp = message.timestamp()
    return TopicRecord(
        _known(message.partition()),
        _known(message.offset()),
        timestamp if kind else 0,
        _bytes(message.key()),
        _bytes(message.value()),
        headers_of(message),
    )


def _known(number: int | None) -> int:
    assert number is not None  # records of a consumer have a partition and an offset
    return number


def _bytes(data: str | bytes | None) -> bytes | None:
    return data.encode() if isinstance(data, str) else data
