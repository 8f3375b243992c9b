"""The scenarios of `tests.conformance` on a real broker."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from foldlog.client import Client
from foldlog.testing import WorkflowEnvironment
from foldlog.transport.admin import create_topics
from foldlog.transport.config import KafkaConfig
from foldlog.transport.topics import Topics

from tests.conformance import data, messages, scenarios
from tests.conformance.scenarios import QUEUE, REMOTE, Place

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    config, namespace = KafkaConfig(bootstrap_servers=kafka), f"test-{uuid.uuid4().hex[:12]}"
    await asyncio.to_thread(create_topics, config, Topics(namespace), partitions=2, task_queues=[QUEUE, REMOTE])
    async with await Client.connect(config, namespace=namespace) as client:
        yield Place(WorkflowEnvironment.from_client(client), tmp_path_factory.mktemp("stores"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def here(place: Place) -> AsyncIterator[Place]:
    async with place.workers():
        yield place


@pytest.mark.parametrize("scenario", [*scenarios.ALONE, *data.ALONE], ids=lambda scenario: str(scenario.__name__))
async def test_alone(place: Place, scenario: scenarios.Scenario) -> None:
    await scenario(place)


@pytest.mark.parametrize("scenario", [*scenarios.SHARED, *messages.SHARED], ids=lambda scenario: str(scenario.__name__))
async def test_with_workers(here: Place, scenario: scenarios.Scenario) -> None:
    await scenario(here)
