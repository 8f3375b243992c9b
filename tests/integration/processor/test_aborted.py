"""Transactions that are aborted, and those that are open still, are seen by nobody."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from confluent_kafka import Producer
from foldlog import activity
from foldlog.connectors.dead_letters import DeadLetters
from foldlog.schemas.command import SignalWorkflow
from foldlog.schemas.common import Payload
from foldlog.schemas.event import WorkflowExecutionSignaled
from foldlog.schemas.framing import encode
from foldlog.schemas.log import BatchCommitted
from foldlog.schemas.reply import WorkflowResult
from foldlog.schemas.task import ActivityTask
from foldlog.schemas.visibility import WorkflowVisibility
from foldlog.transport.schemas_topic import SchemasTopic
from foldlog.transport.topics import partition_of

from tests.integration.processor.running import SOON, Place, place
from tests.integration.processor.workloads import QUEUE, Summing, Waiting

RAN: list[str] = []
FINGERPRINT = b"of ghost"


@activity.defn
async def haunt() -> None:
    """Must never be run."""
    RAN.append("haunt")


@pytest.fixture
async def here(kafka: str, namespace: str, tmp_path: Path) -> AsyncIterator[Place]:
    async with place(kafka, namespace, tmp_path) as found:
        yield found


def everywhere(here: Place, producer: Producer, run_id: str) -> None:
    """Records that would be believed, on every topic that anybody reads."""
    home = partition_of("summing", here.partitions)
    topics = here.topics
    add = SignalWorkflow(signal_name="add", args=[Payload(encoding="json/plain", data=b"666")])
    producer.produce(topics.commands, encode(add), "summing")
    signaled = WorkflowExecutionSignaled(
        run_id=run_id, event_id=3, time_ms=1, chain=b"", signal_name="add", args=add.args
    )
    producer.produce(topics.events, encode(signaled), "summing", home)
    producer.produce(topics.events, encode(BatchCommitted(commands_offset=10**6, time_ms=1)), None, home)
    row = WorkflowVisibility(
        workflow_id="ghost",
        run_id="r",
        workflow_type="Ghost",
        task_queue="q",
        status="RUNNING",
        partition=0,
        start_ms=1,
        history_length=1,
    )
    producer.produce(topics.visibility, encode(row), "ghost/r")
    task = ActivityTask(
        namespace=here.namespace,
        run_id=run_id,
        workflow_type="Summing",
        activity_id="1",
        activity_type="haunt",
        scheduled_event_id=3,
        attempt=1,
        scheduled_ms=1,
        attempt_scheduled_ms=1,
        start_to_close_timeout_ms=1_000,
    )
    for partition in range(here.partitions):
        producer.produce(topics.tasks(QUEUE), encode(task), "summing", partition)
    producer.produce(topics.dead_letters, b"ghost", "summing")
    producer.produce(topics.schemas, b'{"type": "record", "name": "Ghost", "fields": []}', FINGERPRINT.hex())
    answer_all(here, producer, run_id)


def answer_all(here: Place, producer: Producer, run_id: str) -> None:
    """An answer to whatever the client asks."""
    client = here.client.transport
    for partition in range(here.partitions):
        for correlation_id in range(1, 30):
            ended = WorkflowResult(correlation_id=correlation_id, run_id=run_id, status="COMPLETED")
            producer.produce(here.topics.replies, encode(ended), client.client_id, partition)
    assert producer.flush(30) == 0


async def test_an_aborted_transaction_is_seen_by_nobody(here: Place) -> None:
    """Nor is one that is open, at first; and what comes after it is not seen before it ends."""
    RAN.clear()
    producer = Producer(here.config.producer(**{"transactional.id": f"{here.namespace}-ghost"}))
    await asyncio.to_thread(producer.init_transactions, 30)
    async with here.worker(activities=[haunt]):
        handle = await here.start(Summing.run, id="summing")
        await handle.signal(Summing.add, 1)
    producer.begin_transaction()
    everywhere(here, producer, handle.result_run_id)
    await asyncio.to_thread(producer.abort_transaction, 30)
    async with here.worker(activities=[haunt]):  # restores over the aborted events
        await handle.signal(Summing.add, 2, rpc_timeout=SOON)
        producer.begin_transaction()
        everywhere(here, producer, handle.result_run_id)
        # Open: the commands behind it wait, as do restores; those of other partitions do not.
        other = next(name for name in here.ids("waiting") if partition_of(name, 2) != partition_of("summing", 2))
        waiting = here.client.get_workflow_handle_for(Waiting.run, other)
        late = asyncio.create_task(handle.signal(Summing.add, 3, rpc_timeout=SOON))
        assert not (await asyncio.wait([late], timeout=0.5))[0]
        answer_all(here, producer, handle.result_run_id)  # now that somebody waits for one
        assert not (await asyncio.wait([late], timeout=0.5))[0]
        await asyncio.to_thread(producer.abort_transaction, 30)
        await late
        await here.start(Waiting.run, id=other)
        await waiting.signal(Waiting.end)
        assert await waiting.result(rpc_timeout=SOON) == "ended"
        assert {row.id async for row in here.client.list_workflows()} == {"summing", other}
        await handle.signal(Summing.end)
        assert (await handle.result(rpc_timeout=SOON)).numbers == [1, 2, 3]
    assert not RAN
    assert not await asyncio.to_thread(DeadLetters(here.config, here.topics).read)
    with SchemasTopic(here.config, here.topics) as schemas:
        assert await asyncio.to_thread(schemas.fetch, FINGERPRINT) is None
    await here.check()
