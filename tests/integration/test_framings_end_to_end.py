"""Workflows whose records are in Confluent's wire format, in both framings, or of another version's schemas."""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import fastavro
import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Producer, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient
from foldlog import activity, workflow
from foldlog.client import Client
from foldlog.schemas.codec import Codec, ConfluentCodec, SingleObjectCodec
from foldlog.schemas.definitions import Definition, definition, schema_fingerprint
from foldlog.schemas.framing import MARKER
from foldlog.schemas.registry import registry_client
from foldlog.transport.admin import create_topics
from foldlog.transport.config import KafkaConfig
from foldlog.transport.topics import Topics
from foldlog.worker import Worker

QUEUE = "work"
PATIENCE = timedelta(seconds=60)


@activity.defn
async def greet(name: str) -> str:
    return f"Hello, {name}!"


@workflow.defn
class Greeting:
    """Greets through the task topic."""

    @workflow.run
    async def run(self, name: str) -> str:
        return await workflow.execute_activity(greet, name, start_to_close_timeout=PATIENCE)


@pytest.fixture
def topics(kafka: str, namespace: str) -> Topics:
    topics = Topics(namespace)
    create_topics(KafkaConfig(bootstrap_servers=kafka), topics, partitions=1, task_queues=[QUEUE])
    return topics


@pytest.fixture
def registry(schema_registry: str) -> Iterator[SchemaRegistryClient]:
    with registry_client({"url": schema_registry}) as client:
        yield client


async def connect(kafka: str, topics: Topics, codec: Codec | None = None) -> Client:
    return await Client.connect(
        kafka, namespace=topics.namespace, rpc_timeout=PATIENCE, connect_timeout=PATIENCE, codec=codec
    )


def worker(client: Client, folder: Path) -> Worker:
    return Worker(
        client,
        task_queue=QUEUE,
        workflows=[Greeting],
        activities=[greet],
        state_dir=folder,
        disable_eager_activity_execution=True,
    )


def values_of(kafka: str, topic: str) -> list[bytes]:
    """All values that a topic holds now."""
    settings: dict[str, Any] = {"group.id": "values-of", "isolation.level": "read_committed"}
    consumer = Consumer({"bootstrap.servers": kafka, "enable.partition.eof": True, **settings})
    found: list[bytes] = []
    try:
        open_partitions = set(consumer.list_topics(topic, timeout=60).topics[topic].partitions)
        consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in open_partitions])
        while open_partitions:
            message = consumer.poll(60)
            assert message is not None, f"{topic} is not read to its end in time"
            error = message.error()
            if error is not None:
                assert error.code() == KafkaError._PARTITION_EOF, error
                open_partitions.discard(message.partition())
            elif (value := message.value()) is not None:
                found.append(value)
    finally:
        consumer.close()
    return found


def framings(kafka: str, topic: str) -> set[int]:
    """The first bytes of a topic's values."""
    return {value[0] for value in values_of(kafka, topic)}


async def test_a_workflow_runs_on_confluents_wire_format(
    kafka: str, topics: Topics, registry: SchemaRegistryClient, tmp_path: Path
) -> None:
    async with (
        await connect(kafka, topics, ConfluentCodec(registry)) as client,
        worker(client, tmp_path),
    ):
        assert await client.execute_workflow(Greeting.run, "Ann", id="w", task_queue=QUEUE) == "Hello, Ann!"
        history = await client.get_workflow_handle("w").fetch_history()
        assert len(history.events) == 4
    for topic in (topics.commands, topics.events, topics.tasks(QUEUE), topics.replies, topics.visibility):
        assert framings(kafka, topic) == {0}, topic


async def test_both_framings_may_be_in_a_topic(
    kafka: str, topics: Topics, registry: SchemaRegistryClient, tmp_path: Path
) -> None:
    async with (
        await connect(kafka, topics, ConfluentCodec(registry)) as of_workers,
        await connect(kafka, topics, SingleObjectCodec(registry=registry)) as asking,
        worker(of_workers, tmp_path),
    ):
        for client, name in ((of_workers, "Ann"), (asking, "Bob")):
            assert await client.execute_workflow(Greeting.run, name, id=name, task_queue=QUEUE) == f"Hello, {name}!"
    assert framings(kafka, topics.commands) == {0x00, 0xC3}


def start_of_another_version(mood: str) -> Definition:
    """StartWorkflow as a version may have it that this one does not know."""
    schema = copy.deepcopy(definition("foldlog.command.StartWorkflow"))
    schema["fields"].insert(0, {"name": mood, "type": "string", "default": ""})
    return schema


def framed(schema: Definition, **fields: Any) -> bytes:
    body = BytesIO()
    fastavro.schemaless_writer(body, fastavro.parse_schema(copy.deepcopy(schema)), fields)
    return MARKER + schema_fingerprint(schema) + body.getvalue()


async def test_commands_of_another_version_are_understood_once_their_schema_is_published(
    kafka: str, topics: Topics, tmp_path: Path
) -> None:
    known, unknown = start_of_another_version("mood"), start_of_another_version("weather")
    args = [{"encoding": "json/plain", "data": json.dumps("Ann").encode()}]
    producer = Producer({"bootstrap.servers": kafka, "partitioner": "murmur2_random"})
    async with await connect(kafka, topics) as client, worker(client, tmp_path):
        # The worker runs before the schema is published: it has to look for it when it meets it.
        producer.produce(topics.schemas, key=schema_fingerprint(known).hex(), value=json.dumps(known))
        assert producer.flush(60) == 0
        for schema, workflow_id in ((unknown, "lost"), (known, "found")):
            frame = framed(schema, workflow_type="Greeting", task_queue=QUEUE, args=args)
            producer.produce(topics.commands, key=workflow_id, value=frame)
        assert producer.flush(60) == 0
        # Commands of a partition are handled in order, so this one ends after both.
        assert await client.execute_workflow(Greeting.run, "Bob", id="after", task_queue=QUEUE) == "Hello, Bob!"
        assert await client.get_workflow_handle("found").result() == "Hello, Ann!"
    letters = values_of(kafka, topics.dead_letters)
    assert Counter(letter[2:10] for letter in letters) == {schema_fingerprint(unknown): 1}
