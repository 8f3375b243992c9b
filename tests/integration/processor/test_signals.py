"""Ten thousand signals to one workflow: each counts once, in the order in which they were sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from foldlog import workflow
from foldlog.client import WorkflowHandle

from tests.integration.processor.running import SOON, Place, place
from tests.integration.processor.workloads import LIMIT, Seen, Summing, Waiting, echo
from tests.until import until_asked

SIGNALS = 10_000


@pytest.fixture
async def here(kafka: str, namespace: str, tmp_path: Path) -> AsyncIterator[Place]:
    async with place(kafka, namespace, tmp_path) as found:
        yield found


async def send(here: Place, first: int, last: int) -> None:
    """Signals with these numbers, each with a request ID, and every tenth of them twice."""
    for number in range(first, last):
        for _ in range(2 if number % 10 == 0 else 1):
            await here.tell("summing", "add", number, request_id=f"add-{number}")
        if number % 1000 == 0:
            here.producer.poll(0)
    await asyncio.to_thread(here.flush)


async def test_ten_thousand_signals_count_once_in_order(here: Place) -> None:
    async with here.worker():
        handle = await here.start(Summing.run, id="summing")
        await send(here, 0, SIGNALS // 2)
    await send(here, SIGNALS // 2, SIGNALS)  # nobody runs
    async with here.worker():
        await handle.signal(Summing.end, rpc_timeout=SOON)
        assert (await handle.result(rpc_timeout=SOON)).numbers == list(range(SIGNALS))
    found = await here.check()
    assert found.kinds("summing").count("WorkflowExecutionSignaled") == SIGNALS + 1


@workflow.defn(name="Summing")
class Misfit:
    """Code that cannot follow a Summing run."""

    @workflow.run
    async def run(self) -> Seen:
        await workflow.execute_activity(echo, "the first difference", start_to_close_timeout=LIMIT)
        return Seen()


async def test_signals_to_a_stalled_workflow_wait_and_are_handled_in_order(here: Place) -> None:
    async with here.worker():
        handle = await here.start(Summing.run, id="summing")
        await send(here, 0, 10)
        await until_asked(lambda: _has_seen(handle, 10), "the first signals are there")
    async with here.worker(workflows=[Misfit, Waiting]):
        await send(here, 10, SIGNALS // 2)
        # A restart meanwhile: what waits is in the log.
        await until_asked(lambda: _waits_for(handle, 1), "it is stalled")
    async with here.worker(workflows=[Misfit, Waiting]):
        await send(here, SIGNALS // 2, SIGNALS)
        neighbour = await here.start(Waiting.run, id="neighbour")
        await neighbour.signal(Waiting.end)
        assert await neighbour.result(rpc_timeout=SOON) == "ended"
    async with here.worker():
        await handle.signal(Summing.end, rpc_timeout=SOON)
        assert (await handle.result(rpc_timeout=SOON)).numbers == list(range(SIGNALS))
    await here.check()


async def _has_seen(handle: WorkflowHandle[Summing, Seen], count: int) -> bool:
    return len((await handle.query(Summing.seen, rpc_timeout=SOON)).numbers) == count


async def _waits_for(handle: WorkflowHandle[Summing, Seen], count: int) -> bool:
    return (await handle.describe(rpc_timeout=SOON)).deferred_commands >= count
