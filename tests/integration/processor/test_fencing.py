"""Processors that come, go, and come back from the dead: one at a time writes to a partition, and nothing is lost."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from foldlog.schemas import log
from foldlog.schemas.framing import decode

from tests.integration.processor.processes import Fleet
from tests.integration.processor.running import SOON, Place, place, until, until_asked
from tests.integration.processor.workloads import Seen, Summing, Ticking

PARTITIONS = 4
pytestmark = pytest.mark.timeout(240)


@pytest.fixture
async def here(kafka: str, namespace: str, tmp_path: Path) -> AsyncIterator[Place]:
    async with place(kafka, namespace, tmp_path, PARTITIONS) as found:
        yield found


@dataclass
class Load:
    """Signals that are sent all the time, and what must come of them."""

    sent: dict[str, list[int]] = field(default_factory=dict)

    def total(self) -> int:
        """How many there are."""
        return sum(map(len, self.sent.values()))


@asynccontextmanager
async def load(here: Place) -> AsyncIterator[Load]:
    """Signals to workflows in all partitions; at the end, each of them must have got its own, in order.

    They are plain records, each with a request ID: nobody sends one twice, so nobody makes up for a lost one.
    """
    found = Load({name: [] for name in here.ids("summing")})
    ticking = [await here.start(Ticking.run, 40, 0.25, id=f"tick-{name}") for name in found.sent]
    handles = [await here.start(Summing.run, id=name) for name in found.sent]
    over = asyncio.Event()

    async def send() -> None:
        number = 0
        while not over.is_set():
            number += 1
            for name, numbers in found.sent.items():
                await here.tell(name, "add", number, request_id=f"{name}-{number}")
                numbers.append(number)
            here.producer.poll(0)
            await asyncio.sleep(0.002)

    sending = asyncio.create_task(send())
    try:
        yield found
    finally:
        over.set()
        await sending
    await asyncio.to_thread(here.flush)
    for handle in handles:
        await handle.signal(Summing.end, rpc_timeout=SOON)
        seen: Seen = await handle.result(rpc_timeout=SOON)
        assert seen.numbers == found.sent[handle.id]
    assert [await handle.result(rpc_timeout=SOON) for handle in ticking] == [40] * len(ticking)


async def openings(here: Place) -> dict[int, list[str]]:
    """Who opened each partition, in order, as the log says."""
    found: dict[int, list[str]] = {number: [] for number in range(here.partitions)}
    for record in await asyncio.to_thread(here.read, here.topics.events):
        read = decode(record.value)
        if isinstance(read, log.PartitionOpened):
            found[record.partition].append(read.instance)
    return found


async def handled(here: Place) -> int:
    """Commands that are handled, all partitions together."""
    found = dict.fromkeys(range(here.partitions), 0)
    for record in await asyncio.to_thread(here.read, here.topics.events):
        read = decode(record.value)
        if isinstance(read, log.BatchCommitted):
            found[record.partition] = read.commands_offset
    return sum(found.values())


async def going_on(here: Place) -> None:
    """Wait until commands are handled that came after now."""
    before = await handled(here)

    async def more() -> bool:
        return await handled(here) > before

    await until_asked(more, "commands are handled")


async def test_a_suspended_processor_is_fenced_and_does_no_harm(here: Place) -> None:
    with Fleet(here.config.bootstrap_servers, here.namespace, here.folder) as fleet:
        for name in ("first", "second"):
            fleet.start(name, "workflows", instance_id=name)
        for name in fleet.members:
            await fleet.until_ready(name)
        async with load(here):
            await going_on(here)
            before = await openings(here)
            mine = [partition for partition, who in before.items() if who[-1] == "first"]
            assert mine
            fleet.signal("first", signal.SIGSTOP)
            try:

                async def taken_over() -> bool:
                    now = await openings(here)
                    return all(now[partition][-1] == "second" for partition in mine)

                await until_asked(taken_over, "the other one has all partitions")
                await going_on(here)
            finally:
                fleet.signal("first", signal.SIGCONT)

            async def back() -> bool:
                now = await openings(here)
                return any(who[-1] == "first" and who != before[partition] for partition, who in now.items())

            await until_asked(back, "it takes part again")
            fleet.check()
        await fleet.stop_all()
    await here.check("first", "second")


async def test_partitions_move_under_load_and_back(here: Place) -> None:
    with Fleet(here.config.bootstrap_servers, here.namespace, here.folder) as fleet:
        fleet.start("first", "workflows")
        await fleet.until_ready("first")
        async with load(here):
            for name in ("second", "third"):
                fleet.start(name, "workflows")
                await fleet.until_ready(name)
                await going_on(here)
            owners = {who[-1] for who in (await openings(here)).values()}
            assert len(owners) == 3
            for name in ("first", "second"):
                await fleet.stop(name)
                await going_on(here)
            last = await openings(here)
            assert len({who[-1] for who in last.values()}) == 1
        await fleet.stop_all()
    found = await here.check("first", "second", "third")
    # A partition that stays where it is is not opened again: cooperative rebalances take away only what must go.
    assert sum(map(len, found.openings.values())) <= 3 * PARTITIONS


async def test_two_processors_with_one_name_are_told_apart(here: Place) -> None:
    """A second one with the same name takes the place of the first, which says so; nothing is handled twice."""
    with Fleet(here.config.bootstrap_servers, here.namespace, here.folder) as fleet:
        fleet.start("first", "workflows", instance_id="same")
        await fleet.until_ready("first")
        async with load(here):
            fleet.start("second", "workflows", instance_id="same")
            await until(lambda: "joins the group anew" in fleet.tail("first"), "the first one notices")
            fleet.check()
            fleet.kill("first")
            await going_on(here)
        await fleet.stop_all()
    await here.check("first", "second")
