"""The broker goes away and comes back under load: everything goes on, and counts once."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from foldlog.connectors.embedded import EmbeddedKafka

from tests.integration.processor.load import LONG, Asking, all_handled
from tests.integration.processor.running import Place, place
from tests.until import until

LONG_SECONDS = 14.0
"""Longer than a transaction may stay open, and than a member of a group may be silent."""
pytestmark = pytest.mark.timeout(600)


async def away(broker: EmbeddedKafka, going: AsyncExitStack) -> None:
    """Keep the broker away for long, and meanwhile stop a worker: it ends, though there is nobody to say goodbye to."""
    until_then = time.monotonic() + LONG_SECONDS
    await asyncio.to_thread(broker.kill)
    async with asyncio.timeout(LONG):
        await going.aclose()
    await until(lambda: time.monotonic() > until_then, "the time has passed")
    await asyncio.to_thread(broker.start)


async def harm(broker: EmbeddedKafka, here: Place, going: AsyncExitStack) -> None:
    """Stop the broker, kill it, and keep it away: after each, everything goes on."""
    async with Asking(here) as load:
        await load.going_on()
        await asyncio.to_thread(broker.stop, keep_data=True)
        await asyncio.to_thread(broker.start)
        await load.going_on()
        await asyncio.to_thread(broker.kill)
        await asyncio.to_thread(broker.start)
        await load.going_on()
        await away(broker, going)
        await load.going_on()


async def test_everything_goes_on_after_the_broker(
    private_kafka: EmbeddedKafka, namespace: str, tmp_path: Path
) -> None:
    async with place(private_kafka.bootstrap_servers, namespace, tmp_path, partitions=4) as here:
        async with here.worker(state="staying") as staying, AsyncExitStack() as going:
            await going.enter_async_context(here.worker(state="going"))
            await harm(private_kafka, here, going)
            assert staying.healthy()
        found = await here.check("staying", "going")
        await all_handled(here)
    assert found.closed() == {workflow_id for workflow_id, _ in found.events}
