"""The scenarios of `tests.conformance` on a real broker."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
import pytest_asyncio
from foldlog.client import Client
from foldlog.testing import WorkflowEnvironment
from foldlog.transport.admin import create_topics
from foldlog.transport.config import KafkaConfig
from foldlog.transport.topics import Topics

from tests.conformance import catalog
from tests.conformance.scenarios import PATIENCE, QUEUE, REMOTE, Place, Scenario

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    config, namespace = KafkaConfig(bootstrap_servers=kafka), f"test-{uuid.uuid4().hex[:12]}"
    elsewhere = f"{namespace}-two"
    for name in (namespace, elsewhere):
        await asyncio.to_thread(create_topics, config, Topics(name), partitions=2, task_queues=[QUEUE, REMOTE])
    async with (
        await Client.connect(config, namespace=namespace, **PATIENCE) as client,
        await Client.connect(config, namespace=elsewhere, **PATIENCE) as other,
    ):
        folder = tmp_path_factory.mktemp("stores")
        environment = WorkflowEnvironment.from_client(client)
        yield Place(environment, folder, other, catalog.WORKFLOWS, catalog.ACTIVITIES)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def here(place: Place) -> AsyncIterator[Place]:
    place.since = datetime.now(UTC)
    async with place.workers(both_namespaces=True):
        yield place


@pytest.mark.parametrize("scenario", catalog.ALONE, ids=lambda scenario: str(scenario.__name__))
async def test_alone(place: Place, scenario: Scenario) -> None:
    place.since = datetime.now(UTC)  # what it leaves is replayed, with the code that its workers run
    await scenario(place)


@pytest.mark.parametrize("scenario", catalog.SHARED, ids=lambda scenario: str(scenario.__name__))
async def test_with_workers(here: Place, scenario: Scenario) -> None:
    await scenario(here)


async def test_what_all_of_them_left_replays(here: Place) -> None:
    """The last one: histories of each kind, as the broker has them. The others were replayed by their scenarios."""
    assert here.replayed > len(catalog.ALONE)
    assert await catalog.replay_all(here) > len(catalog.SHARED)
