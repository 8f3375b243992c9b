"""Two versions on one log: whatever the one writes, the other one reads, and goes on with its workflows.

The later version differs from this one in its schemas: every record has a field more. It does not know the bytes that
this one writes, nor does this one know its, except by the schemas that both publish.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable
from pathlib import Path

import pytest
from confluent_kafka import Producer
from foldlog import workflow
from foldlog.client import Client
from foldlog.schemas import framing
from foldlog.schemas.codec import FetchSchema, SingleObjectCodec
from foldlog.schemas.definitions import Definition, definition, schema_fingerprint
from foldlog.transport.admin import create_topics
from foldlog.transport.config import KafkaConfig
from foldlog.transport.topic_reader import read_topic
from foldlog.transport.topics import Topics
from foldlog.worker import Worker

from tests.integration.processor.running import SOON
from tests.integration.processor.workloads import LIMIT, QUEUE, echo
from tests.until import until_asked


def later_schema(full_name: str) -> Definition:
    """The schema of a record as the later version has it: another field before all others."""
    schema = copy.deepcopy(definition(full_name))
    schema["fields"].insert(0, {"name": "mood", "type": "string", "default": ""})
    return schema


LATER = {record_type.full_name: later_schema(record_type.full_name) for record_type in framing.RECORD_TYPES}
HEADERS = {full_name: framing.MARKER + schema_fingerprint(schema) for full_name, schema in LATER.items()}


class LaterCodec(SingleObjectCodec):
    """How the later version writes."""

    @staticmethod
    def encode(record: object, /) -> bytes:
        header = HEADERS[framing.BY_CLASS[type(record)].full_name]
        return header + b"\x08good" + framing.encode(record)[framing.HEADER_BYTES :]

    def asking(self, fetch: FetchSchema) -> LaterCodec:
        return LaterCodec(fetch)


def publish(config: KafkaConfig, topics: Topics, schemas: Iterable[Definition]) -> None:
    producer = Producer(config.producer())
    for schema in schemas:
        producer.produce(topics.schemas, json.dumps(schema), schema_fingerprint(schema).hex())
    assert producer.flush(60) == 0


@workflow.defn
class Steps:
    """An activity, a signal and a timer, and another activity."""

    def __init__(self) -> None:
        self._done: list[str] = []
        self._told = ""

    @workflow.run
    async def run(self, text: str) -> list[str]:
        await self._echo(text)
        await workflow.wait_condition(lambda: bool(self._told))
        await workflow.sleep(0.01)
        await self._echo(self._told)
        return self._done

    async def _echo(self, text: str) -> None:
        self._done.append(await workflow.execute_activity(echo, text, start_to_close_timeout=LIMIT))

    @workflow.signal
    def go_on(self, text: str) -> None:
        self._told = text

    @workflow.query
    def done(self) -> list[str]:
        return self._done


def headers(config: KafkaConfig, topic: str) -> set[bytes]:
    return {record.value[: framing.HEADER_BYTES] for record in read_topic(config, topic) if record.value}


@pytest.mark.parametrize("store", ["taken over", "made anew"])
async def test_an_earlier_version_reads_and_goes_on_with_what_a_later_one_wrote(
    kafka: str, namespace: str, tmp_path: Path, store: str
) -> None:
    config, topics = KafkaConfig(bootstrap_servers=kafka), Topics(namespace)
    create_topics(config, topics, partitions=1, task_queues=[QUEUE])
    publish(config, topics, LATER.values())
    states = {"later": tmp_path / "later", "earlier": tmp_path / ("later" if store == "taken over" else "earlier")}
    async with await Client.connect(config, namespace=namespace, rpc_timeout=SOON, connect_timeout=SOON) as earlier:
        async with (
            await Client.connect(
                config, namespace=namespace, rpc_timeout=SOON, connect_timeout=SOON, codec=LaterCodec()
            ) as later,
            Worker(later, task_queue=QUEUE, workflows=[Steps], state_dir=states["later"]),
            Worker(earlier, task_queue=QUEUE, activities=[echo]),
        ):
            await later.start_workflow(Steps.run, "one", id="w", task_queue=QUEUE)
            handle = earlier.get_workflow_handle_for(Steps.run, "w")

            async def is_done() -> bool:
                return await handle.query(Steps.done) == ["one"]

            await until_asked(is_done, "the first activity has ended")
            assert [row.id async for row in earlier.list_workflows()] == ["w"]
            assert (await handle.describe()).history_length == len((await handle.fetch_history()).events) == 3
        for topic in (topics.commands, topics.events, topics.tasks(QUEUE), topics.replies, topics.visibility):
            assert headers(config, topic) & set(HEADERS.values()), topic
        assert headers(config, topics.events) <= set(HEADERS.values())
        async with Worker(earlier, task_queue=QUEUE, workflows=[Steps], activities=[echo], state_dir=states["earlier"]):
            await handle.signal(Steps.go_on, "two")
            assert await handle.result() == ["one", "two"]
    assert headers(config, topics.dead_letters) == set()
