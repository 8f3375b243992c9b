"""A namespace of a test's own, and workers in the test's process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from confluent_kafka import Producer
from foldlog.client import Client
from foldlog.converter import DataConverter
from foldlog.schemas.command import SignalWorkflow, StartWorkflow
from foldlog.schemas.framing import encode
from foldlog.transport.admin import create_topics
from foldlog.transport.config import KafkaConfig
from foldlog.transport.topic_reader import TopicRecord, read_topic
from foldlog.transport.topics import Topics, partition_of
from foldlog.worker import Worker

from tests.integration.processor.logs import Audit, audit, stores_equal_log
from tests.integration.processor.workloads import QUEUE, WORKFLOWS, echo
from tests.until import DEADLINE, until

SOON = timedelta(seconds=DEADLINE)
"""How long an answer that does come may take on a busy machine."""
CONVERTER = DataConverter()


class Place:
    """A namespace, a client, and a folder for stores."""

    def __init__(self, config: KafkaConfig, topics: Topics, partitions: int, client: Client, folder: Path) -> None:
        self.config = config
        self.topics = topics
        self.partitions = partitions
        self.client = client
        self.folder = folder
        self.producer = Producer(config.producer())
        """Any program that writes commands."""

    @property
    def namespace(self) -> str:
        """The namespace."""
        return self.topics.namespace

    @asynccontextmanager
    async def worker(
        self, *, state: str = "state", workflows: Any = WORKFLOWS, ready: bool = True, **options: Any
    ) -> AsyncIterator[Worker]:
        """A worker in this process, once it does its work; at once where it is not to become ready."""
        options.setdefault("activities", [echo])
        worker = Worker(self.client, task_queue=QUEUE, workflows=workflows, state_dir=self.folder / state, **options)
        async with worker:
            if ready:
                await until(lambda: worker.ready, "the worker is ready")
            yield worker

    async def start(self, workflow: Any, *args: Any, id: str, **options: Any) -> Any:
        """Start a workflow; returns its handle."""
        options.setdefault("rpc_timeout", SOON)
        return await self.client.start_workflow(workflow, args=args, id=id, task_queue=QUEUE, **options)

    async def tell(self, workflow_id: str, signal: str, *args: Any, request_id: str = "") -> None:
        """Signal as any program could: a record that nobody waits for."""
        wanted = SignalWorkflow(request_id=request_id, signal_name=signal, args=await CONVERTER.encode(args))
        self.command(workflow_id, encode(wanted))

    async def begin(self, workflow_id: str, workflow_type: str, *args: Any, **fields: Any) -> None:
        """Start a workflow as any program could."""
        encoded = await CONVERTER.encode(args)
        self.command(
            workflow_id, encode(StartWorkflow(workflow_type=workflow_type, task_queue=QUEUE, args=encoded, **fields))
        )

    def command(self, key: str | bytes | None, value: bytes | None, **options: Any) -> None:
        """Write any record to the commands topic."""
        self.producer.produce(self.topics.commands, value, key, **options)

    def flush(self) -> None:
        """Wait until the broker has all that was written."""
        assert self.producer.flush(DEADLINE) == 0

    def ids(self, prefix: str, each: int = 1) -> list[str]:
        """Workflow IDs, as many as asked for in each partition."""
        found: dict[int, list[str]] = {number: [] for number in range(self.partitions)}
        number = 0
        while any(len(names) < each for names in found.values()):
            name = f"{prefix}-{number}"
            number += 1
            names = found[partition_of(name, self.partitions)]
            if len(names) < each:
                names.append(name)
        return [name for names in found.values() for name in names]

    def read(self, topic: str) -> list[TopicRecord]:
        """All committed records of a topic."""
        return list(read_topic(self.config, topic))

    async def audit(self) -> Audit:
        """See `logs.audit`."""
        return await asyncio.to_thread(audit, self.config, self.topics)

    async def check(self, *states: str) -> Audit:
        """All that must hold once no processor runs, the stores on disk included."""
        found = await self.audit()
        folders = [self.folder / state for state in states or ("state",)]
        assert await asyncio.to_thread(stores_equal_log, found, folders, self.namespace) > 0
        return found


@asynccontextmanager
async def place(servers: str, namespace: str, folder: Path, partitions: int = 2) -> AsyncIterator[Place]:
    """A namespace with its topics and a client."""
    config, topics = KafkaConfig(bootstrap_servers=servers), Topics(namespace)
    await asyncio.to_thread(create_topics, config, topics, partitions=partitions, task_queues=[QUEUE])
    async with await Client.connect(config, namespace=namespace, rpc_timeout=SOON, connect_timeout=SOON) as client:
        yield Place(config, topics, partitions, client, folder)
