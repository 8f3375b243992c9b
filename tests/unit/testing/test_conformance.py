"""The scenarios of `tests.conformance` in memory, where stores outlive their processors and where they do not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from foldlog.client import Client
from foldlog.memory import MemoryBroker, MemoryTransport
from foldlog.testing import WorkflowEnvironment

from tests.conformance import catalog
from tests.conformance.scenarios import Place, Scenario


@pytest.fixture(params=["one partition", "four partitions, read back"])
async def here(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    if request.param == "one partition":
        async with await WorkflowEnvironment.start_time_skipping() as environment:
            async with await environment.connect_client(namespace="elsewhere") as elsewhere:
                yield Place(environment, tmp_path, elsewhere, catalog.WORKFLOWS, catalog.ACTIVITIES)
        return
    broker = MemoryBroker(partitions=4, keep_stores=False)
    async with (
        Client(MemoryTransport(broker, "default")) as client,
        Client(MemoryTransport(broker, "elsewhere")) as elsewhere,
    ):
        environment = WorkflowEnvironment.from_client(client)
        yield Place(environment, tmp_path, elsewhere, catalog.WORKFLOWS, catalog.ACTIVITIES)
    broker.close()


@pytest.mark.parametrize("scenario", catalog.SHARED, ids=lambda scenario: str(scenario.__name__))
async def test_with_workers(here: Place, scenario: Scenario) -> None:
    async with here.workers(both_namespaces=True):
        await scenario(here)
        await catalog.replay_all(here)


@pytest.mark.parametrize("scenario", catalog.ALONE, ids=lambda scenario: str(scenario.__name__))
async def test_alone(here: Place, scenario: Scenario) -> None:
    await scenario(here)
    assert bool(here.replayed) == (scenario not in catalog.WITHOUT_RUNS)
