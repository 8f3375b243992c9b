"""How many partitions a namespace had when its first processor started: another number splits its workflows.

Kafka lets anybody add partitions to commands and to events, and where both have been given as many, nothing about the
topics shows it. The log does: no event is older than the note of the processor that first opened its partition.
"""

from __future__ import annotations

import time

from confluent_kafka import OFFSET_BEGINNING, KafkaError, TopicPartition
from foldlog.schemas.codec import Codec, SchemaLookupError
from foldlog.schemas.framing import DecodeError
from foldlog.schemas.log import PartitionOpened
from foldlog.transport.admin import TopicProblem, TopicsUnfitError
from foldlog.transport.clients import open_consumer
from foldlog.transport.config import KafkaConfig
from foldlog.transport.errors import BrokerUnreachableError, DeliveryError
from foldlog.transport.topic_reader import partitions_of
from foldlog.transport.topics import Topics

_LOOKED_AT = 100
"""Records at the beginning of a partition. What was written there by mistake is passed over, to a limit."""


def require_first_count(config: KafkaConfig, topics: Topics, codec: Codec, *, timeout: float = 30.0) -> None:
    """Makes sure that the topics have as many partitions as when the first processor started.

    Raises:
        TopicsUnfitError: They have more.
        BrokerUnreachableError, TopicMissingError, DeliveryError: As `read_topic`.
    """
    if problem := changed_count(config, topics, codec, timeout=timeout):
        raise TopicsUnfitError(topics.namespace, [problem])


def changed_count(config: KafkaConfig, topics: Topics, codec: Codec, *, timeout: float = 30.0) -> TopicProblem | None:
    """What is wrong with the number of partitions; None: nothing, or no processor has ever started.

    Args:
        config: How to reach Kafka.
        topics: The namespace.
        codec: Reads the log.
        timeout: In seconds.

    Raises:
        BrokerUnreachableError, TopicMissingError, DeliveryError: As `read_topic`.
    """
    first, partitions = _first_opening(config, topics.events, codec, timeout)
    if first is None or first.partition_count == partitions:
        return None
    return TopicProblem(
        topic=topics.events,
        setting="partitions",
        found=str(partitions),
        wanted=f"{first.partition_count}, as when the first processor started",
        repair="none: Kafka takes no partitions away, and workflows that were started before would not be found; "
        "take another namespace",
    )


def _first_opening(config: KafkaConfig, topic: str, codec: Codec, timeout: float) -> tuple[PartitionOpened | None, int]:
    """The first note of an opening in partition 0, which every number of partitions has, and how many there are now."""
    deadline = time.monotonic() + timeout
    # The beginning is wanted and no more, however long the topic is.
    little = {"fetch.message.max.bytes": "16384", "queued.min.messages": "1"}
    consumer = open_consumer(config, **{"group.id": "foldlog-reader", "enable.partition.eof": "true", **little})
    try:
        partitions = len(partitions_of(consumer, config, topic, timeout))
        consumer.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
        seen = 0
        while seen < _LOOKED_AT:
            message = consumer.poll(max(deadline - time.monotonic(), 0))
            if message is None:
                raise BrokerUnreachableError(config.bootstrap_servers, f"the beginning of {topic} could not be read")
            if (error := message.error()) is None:
                seen += 1
                if (opened := _opened(codec, message.value())) is not None:
                    return opened, partitions
            elif error.code() == KafkaError._PARTITION_EOF:
                return None, partitions
            elif not error.retriable() and error.code() not in (KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN):
                raise DeliveryError(f"the topic {topic} cannot be read: {error.str()}")
        return None, partitions
    finally:
        consumer.close()


def _opened(codec: Codec, value: bytes | str | None) -> PartitionOpened | None:
    if not isinstance(value, bytes):
        return None
    try:
        record = codec.decode(value)
    except (DecodeError, SchemaLookupError):  # whoever restores the partition will say so
        return None
    return record if isinstance(record, PartitionOpened) else None
