"""The scenarios of `tests.conformance` in memory, where stores outlive their processors and where they do not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from foldlog.client import Client
from foldlog.memory import MemoryBroker, MemoryTransport
from foldlog.testing import WorkflowEnvironment

from tests.conformance import data, messages, scenarios
from tests.conformance.scenarios import Place


@pytest.fixture(params=["one partition", "four partitions, read back"])
async def here(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    if request.param == "one partition":
        async with await WorkflowEnvironment.start_time_skipping() as environment:
            yield Place(environment, tmp_path)
        return
    broker = MemoryBroker(partitions=4, keep_stores=False)
    client = Client(MemoryTransport(broker, "default"))
    yield Place(WorkflowEnvironment.from_client(client), tmp_path)
    await client.close()
    broker.close()


@pytest.mark.parametrize("scenario", [*scenarios.SHARED, *messages.SHARED], ids=lambda scenario: str(scenario.__name__))
async def test_with_workers(here: Place, scenario: scenarios.Scenario) -> None:
    async with here.workers():
        await scenario(here)


@pytest.mark.parametrize("scenario", [*scenarios.ALONE, *data.ALONE], ids=lambda scenario: str(scenario.__name__))
async def test_alone(here: Place, scenario: scenarios.Scenario) -> None:
    await scenario(here)
