"""A restart in the middle of each kind of wait, in memory; workflows are rebuilt for each step that they take."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from foldlog.client import Client
from foldlog.memory import MemoryBroker, MemoryTransport
from foldlog.processors.sessions import CachedSessions

from tests.conformance import waits
from tests.conformance.party import Party
from tests.conformance.waiting import worker_after, worker_before, workers_that_come_later
from tests.conformance.waiting_parts import Gate
from tests.until import until


@pytest.fixture
async def party() -> AsyncIterator[Party]:
    """Two partitions whose stores are gone when their processor is."""
    broker = MemoryBroker(partitions=2, keep_stores=False)
    async with (
        Client(MemoryTransport(broker, "default")) as client,
        Client(MemoryTransport(broker, "elsewhere")) as elsewhere,
    ):
        Gate.open = False
        yield Party(client, elsewhere)
    broker.close()


@pytest.fixture(autouse=True)
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing stays in memory from one transaction to the next, but for what runs local activities."""
    monkeypatch.setattr(CachedSessions, "_least_recent", lambda self, *bounds: list(self._current))


@pytest.mark.parametrize("number", range(len(waits.WAITS)), ids=waits.ids())
async def test_a_wait_goes_on_after_a_restart(party: Party, tmp_path: Path, number: int) -> None:
    wait, id = waits.WAITS[number], waits.ids()[number]
    async with worker_before(party.client, tmp_path / "before"):
        await wait.bring_about(party, id)
    async with AsyncExitStack() as stack:
        workers = [
            worker_after(party.client, tmp_path / "after"),
            *workers_that_come_later(party.client, party.elsewhere, tmp_path / "elsewhere"),
        ]
        for worker in workers:
            await stack.enter_async_context(worker)
        await until(lambda: all(worker.ready for worker in workers), "the workers are ready")
        await waits.upgrade(party)
        await wait.end(party, id)
        assert await waits.replay_all(party) > 0
