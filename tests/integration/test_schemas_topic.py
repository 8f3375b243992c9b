"""Publishing and fetching schemas through a real broker."""

from __future__ import annotations

import copy
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import fastavro
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from foldlog.connectors.embedded import EmbeddedKafka
from foldlog.schemas.codec import SchemaLookupError, SingleObjectCodec
from foldlog.schemas.definitions import Definition, definition, schema_fingerprint
from foldlog.schemas.event import TimerFired
from foldlog.schemas.framing import MARKER, RECORD_TYPES
from foldlog.schemas.published import own_schemas
from foldlog.transport.admin import create_topics
from foldlog.transport.config import KafkaConfig
from foldlog.transport.errors import BrokerUnreachableError, TopicMissingError
from foldlog.transport.schemas_topic import SchemasTopic
from foldlog.transport.topics import Topics

from tests.integration.processor.logs import settled


@pytest.fixture
def topics(config: KafkaConfig, namespace: str) -> Topics:
    topics = Topics(namespace)
    create_topics(config, topics, partitions=1)
    return topics


@pytest.fixture
def schemas(config: KafkaConfig, topics: Topics) -> Iterator[SchemasTopic]:
    with SchemasTopic(config, topics, fetch_timeout=60) as schemas:
        yield schemas


def end_of(kafka: str, topic: str) -> int:
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": "end-of-topic"})
    try:
        return int(consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=60)[1])
    finally:
        consumer.close()


def produce(kafka: str, topic: str, *records: tuple[bytes, bytes | None]) -> None:
    refused: list[object] = []
    producer = Producer({"bootstrap.servers": kafka})
    for key, value in records:
        producer.produce(topic, key=key, value=value, on_delivery=lambda error, _: refused.append(error))
    assert producer.flush(60) == 0
    assert set(refused) == {None}


def newer_schema() -> Definition:
    """TimerFired as a later version may have it."""
    schema = copy.deepcopy(definition("foldlog.event.TimerFired"))
    schema["fields"].append({"name": "mood", "type": "string", "default": "", "doc": "How it felt."})
    return schema


def published(schema: Definition) -> tuple[bytes, bytes]:
    return schema_fingerprint(schema).hex().encode(), json.dumps(schema).encode()


def test_only_what_is_missing_is_published(
    schemas: SchemasTopic, config: KafkaConfig, topics: Topics, kafka: str
) -> None:
    missing = dict(list(own_schemas().items())[:3])
    produce(kafka, topics.schemas, *missing.items())
    assert schemas.publish() == len(RECORD_TYPES) - 3
    assert schemas.publish() == 0
    with SchemasTopic(config, topics) as another_process:
        assert another_process.publish() == 0
    assert end_of(kafka, topics.schemas) == len(RECORD_TYPES)


def test_published_schemas_are_fetched(schemas: SchemasTopic, config: KafkaConfig, topics: Topics) -> None:
    with SchemasTopic(config, topics) as publisher:
        publisher.publish()
    for record_type in RECORD_TYPES:
        assert schemas.fetch(record_type.header[2:]) == definition(record_type.full_name)
    assert schemas.fetch(bytes(8)) is None


def test_a_record_of_a_newer_version_is_read_as_soon_as_its_schema_is_published(
    schemas: SchemasTopic, topics: Topics, kafka: str
) -> None:
    schemas.publish()
    schema = newer_schema()
    body = BytesIO()
    values = {"run_id": "r", "event_id": 1, "time_ms": 2, "chain": b"", "timer_id": 3, "started_event_id": 4}
    fastavro.schemaless_writer(body, fastavro.parse_schema(copy.deepcopy(schema)), {**values, "mood": "good"})
    frame = MARKER + schema_fingerprint(schema) + body.getvalue()
    produce(kafka, topics.schemas, published(schema))
    expected = TimerFired(run_id="r", event_id=1, time_ms=2, timer_id=3, started_event_id=4)
    assert SingleObjectCodec(schemas.fetch).decode(frame) == expected


def test_what_is_no_schema_is_passed_over(schemas: SchemasTopic, topics: Topics, kafka: str) -> None:
    schema = newer_schema()
    garbage: list[tuple[bytes, bytes | None]] = [(b"", b"{"), (b"key", None), (b"\xff" * 16, b"\xff")]
    produce(kafka, topics.schemas, *garbage, published(schema))
    assert schemas.fetch(schema_fingerprint(schema)) == schema


def test_markers_of_transactions_at_the_end_do_not_keep_a_reader_waiting(
    schemas: SchemasTopic, topics: Topics, kafka: str
) -> None:
    producer = Producer({"bootstrap.servers": kafka, "transactional.id": topics.schemas})
    producer.init_transactions(60)
    producer.begin_transaction()
    key, value = published(newer_schema())
    producer.produce(topics.schemas, key=key, value=value)
    producer.commit_transaction(60)
    settled(KafkaConfig(bootstrap_servers=kafka), topics.schemas)
    assert schemas.fetch(schema_fingerprint(newer_schema())) == newer_schema()
    assert schemas.fetch(bytes(8)) is None


def test_many_threads_may_ask(schemas: SchemasTopic, config: KafkaConfig, topics: Topics) -> None:
    with SchemasTopic(config, topics) as publisher:
        publisher.publish()
    start = threading.Barrier(8)

    def ask(number: int) -> bool:
        start.wait(60)
        record_type = RECORD_TYPES[number]
        return schemas.fetch(record_type.header[2:]) == definition(record_type.full_name)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(8)))


def test_several_processes_may_publish_at_once(config: KafkaConfig, topics: Topics) -> None:
    def publish(_: int) -> None:
        with SchemasTopic(config, topics) as schemas:
            schemas.publish()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(publish, range(4)))
    with SchemasTopic(config, topics) as schemas:
        assert schemas.publish() == 0


def test_after_closing_it_reads_on(schemas: SchemasTopic, topics: Topics, kafka: str) -> None:
    schemas.publish()
    schemas.close()
    produce(kafka, topics.schemas, published(newer_schema()))
    assert schemas.fetch(schema_fingerprint(newer_schema())) == newer_schema()
    assert schemas.fetch(RECORD_TYPES[0].header[2:]) == definition(RECORD_TYPES[0].full_name)


def test_a_missing_topic_is_told(config: KafkaConfig, namespace: str) -> None:
    with SchemasTopic(config, Topics(namespace)) as schemas:
        with pytest.raises(TopicMissingError, match=rf"{namespace}\.schemas does not exist"):
            schemas.publish(timeout=60)
        with pytest.raises(SchemaLookupError, match="cannot be read"):
            schemas.fetch(bytes(8))


def test_without_a_broker_nobody_waits_longer_than_allowed(namespace: str) -> None:
    config = KafkaConfig(bootstrap_servers="127.0.0.1:1")
    with SchemasTopic(config, Topics(namespace), fetch_timeout=0.5) as schemas:
        with pytest.raises(SchemaLookupError):
            schemas.fetch(bytes(8))
        with pytest.raises(BrokerUnreachableError):
            schemas.publish(timeout=0.5)


def test_a_broker_that_was_away_is_asked_again(private_kafka: EmbeddedKafka) -> None:
    config = KafkaConfig(bootstrap_servers=private_kafka.bootstrap_servers)
    topics = Topics("away")
    create_topics(config, topics, partitions=1)
    with SchemasTopic(config, topics, fetch_timeout=0.5) as schemas:
        schemas.publish()
        private_kafka.stop()
        with pytest.raises(SchemaLookupError):
            schemas.fetch(bytes(8))
        private_kafka.start()
        produce(config.bootstrap_servers, topics.schemas, published(newer_schema()))
        assert fetched_in_time(schemas, schema_fingerprint(newer_schema())) == newer_schema()


def fetched_in_time(schemas: SchemasTopic, fingerprint: bytes) -> Definition | None:
    deadline = time.monotonic() + 60
    while True:
        try:
            return schemas.fetch(fingerprint)
        except SchemaLookupError:
            assert time.monotonic() < deadline
