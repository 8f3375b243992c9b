"""Dozens of workflows, one in each kind of wait, whose processor ends: stopped, or killed and its store deleted.

What they wait for is `tests.conformance.waits`.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from foldlog.client import Client
from foldlog.transport.admin import create_topics
from foldlog.transport.config import KafkaConfig
from foldlog.transport.topics import Topics

from tests.conformance import waits
from tests.conformance.party import Party
from tests.conformance.scenarios import PATIENCE
from tests.conformance.waiting import worker_after, worker_before, workers_that_come_later
from tests.conformance.waiting_parts import LATER, NOBODY, QUEUE, Gate
from tests.until import until

from .logs import audit
from .processes import Fleet

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
async def party(kafka: str, namespace: str) -> AsyncIterator[Party]:
    config, elsewhere = KafkaConfig(bootstrap_servers=kafka), f"{namespace}-two"
    for name in (namespace, elsewhere):
        await asyncio.to_thread(create_topics, config, Topics(name), partitions=2, task_queues=[QUEUE, LATER, NOBODY])
    async with (
        await Client.connect(config, namespace=namespace, **PATIENCE) as client,
        await Client.connect(config, namespace=elsewhere, **PATIENCE) as other,
    ):
        Gate.open = False
        yield Party(client, other)


async def bring_about(party: Party) -> None:
    """All of them wait."""
    await asyncio.gather(*(wait.bring_about(party, id) for wait, id in zip(waits.WAITS, waits.ids(), strict=True)))


async def end(party: Party, folder: Path) -> None:
    """Another processor ends them all, with a new version of the code, and the histories are whole."""
    async with AsyncExitStack() as stack:
        workers = [
            worker_after(party.client, folder / "after"),
            *workers_that_come_later(party.client, party.elsewhere, folder / "elsewhere"),
        ]
        await asyncio.gather(*(stack.enter_async_context(worker) for worker in workers))
        await until(lambda: all(worker.ready for worker in workers), "the workers are ready")
        await waits.upgrade(party)
        await asyncio.gather(*(wait.end(party, id) for wait, id in zip(waits.WAITS, waits.ids(), strict=True)))
        assert await waits.replay_all(party) > len(waits.WAITS)


async def test_waits_outlast_a_processor_that_stops(kafka: str, party: Party, tmp_path: Path) -> None:
    async with worker_before(party.client, tmp_path / "before") as worker:
        await until(lambda: worker.ready, "the worker is ready")
        await bring_about(party)
    await end(party, tmp_path)
    await asyncio.to_thread(audit, KafkaConfig(bootstrap_servers=kafka), Topics(party.client.namespace))


async def test_waits_outlast_a_processor_that_is_killed_and_its_store(kafka: str, party: Party, tmp_path: Path) -> None:
    namespace = party.client.namespace
    with Fleet(kafka, namespace, tmp_path, program="tests.integration.processor.waiting") as fleet:
        fleet.start("before", "first")
        await fleet.until_ready("before")
        await bring_about(party)
        fleet.kill("before")
        shutil.rmtree(tmp_path / "before")
    await end(party, tmp_path)
    await asyncio.to_thread(audit, KafkaConfig(bootstrap_servers=kafka), Topics(namespace))
