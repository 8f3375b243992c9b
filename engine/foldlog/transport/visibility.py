"""Reads the visibility topic from its beginning to its end: the newest row of each run.

Simple and slow: each call reads everything that compaction has left. A read model is for those who ask often.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition
from foldlog.schemas.codec import Codec, DecodeError, SchemaLookupError
from foldlog.schemas.visibility import WorkflowVisibility
from foldlog.transport.clients import open_consumer
from foldlog.transport.config import KafkaConfig
from foldlog.transport.errors import BrokerUnreachableError, DeliveryError, TopicMissingError
from foldlog.transport.topics import Topics

STALL_SECONDS = 15.0
"""Reading fails if nothing comes for so long."""

logger = logging.getLogger(__name__)


def read_visibility(
    config: KafkaConfig, topics: Topics, codec: Codec, matches: Callable[[WorkflowVisibility], bool]
) -> list[WorkflowVisibility]:
    """The newest row of every run that matches. Blocks until the end of the topic, as it is now, has been read.

    Raises:
        TopicMissingError: There is no visibility topic.
        BrokerUnreachableError: Nobody answered.
        DeliveryError: The topic cannot be read.
    """
    overrides = {"group.id": f"{topics.visibility}.readers", "enable.partition.eof": True}
    consumer: Consumer = open_consumer(config, **overrides)
    try:
        partitions = _partitions(consumer, config, topics.visibility)
        consumer.assign([TopicPartition(topics.visibility, partition, OFFSET_BEGINNING) for partition in partitions])
        rows = _Rows(codec, matches)
        last_heard = time.monotonic()
        while partitions:
            for message in consumer.consume(1000, timeout=0.05):
                last_heard = time.monotonic()
                error = message.error()
                if error is None:
                    rows.take(message)
                elif error.code() == KafkaError._PARTITION_EOF:
                    partitions.discard(_partition(message))
                elif not error.retriable():
                    raise DeliveryError(f"the topic {topics.visibility} cannot be read: {error.str()}")
            if time.monotonic() - last_heard > STALL_SECONDS:
                raise BrokerUnreachableError(config.bootstrap_servers, f"nothing came for {STALL_SECONDS:g} s")
        return rows.newest()
    finally:
        consumer.close()


class _Rows:
    """The newest rows that match, by record key."""

    def __init__(self, codec: Codec, matches: Callable[[WorkflowVisibility], bool]) -> None:
        self._codec = codec
        self._matches = matches
        self._rows: dict[bytes, WorkflowVisibility] = {}

    def take(self, message: Message) -> None:
        key, value = message.key(), message.value()
        if key is None:
            return
        row = None
        if value is not None:
            try:
                row = self._codec.decode(value)
            except (DecodeError, SchemaLookupError) as unreadable:
                logger.warning("a row of %s at offset %s is skipped: %s", message.topic(), message.offset(), unreadable)
                return
        # A newer row that does not match takes the place of an older one that did.
        if isinstance(row, WorkflowVisibility) and self._matches(row):
            self._rows[key] = row
        else:
            self._rows.pop(key, None)

    def newest(self) -> list[WorkflowVisibility]:
        return list(self._rows.values())


def _partitions(consumer: Consumer, config: KafkaConfig, topic: str) -> set[int]:
    try:
        metadata = consumer.list_topics(topic, timeout=STALL_SECONDS).topics[topic]
    except KafkaException as error:
        raise BrokerUnreachableError(config.bootstrap_servers, error.args[0].str()) from error
    if metadata.error is None:
        return set(metadata.partitions)
    if metadata.error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
        raise TopicMissingError(topic)
    raise DeliveryError(f"the topic {topic} cannot be read: {metadata.error.str()}")


def _partition(message: Message) -> int:
    partition = message.partition()
    return -1 if partition is None else partition
