"""Work that goes on while a fault test does its harm, and how to tell that it does go on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from types import TracebackType
from typing import Any, Self

from foldlog.client import RPCError, WorkflowHandle
from foldlog.schemas import log
from foldlog.schemas.framing import decode

from tests.integration.processor.running import SOON, Place
from tests.integration.processor.workloads import Echoing, Local, Seen, Summing, Ticking
from tests.until import until, until_asked

LANES = 4
BRIEFLY = timedelta(seconds=15)
"""How long an answer is waited for before the same is asked again."""
ENOUGH = 8
"""So many results and signals say that the work goes on."""
LONG = 150.0
"""Bound on anything that comes after the loss of the broker; it only says that nothing hangs."""
AT_LAST = timedelta(seconds=LONG)


@dataclass
class Sent:
    """Signals that are sent all the time, and what must come of them."""

    numbers: dict[str, list[int]] = field(default_factory=dict)
    """By workflow ID."""


@asynccontextmanager
async def sending(here: Place, pause_seconds: float = 0.01) -> AsyncIterator[Sent]:
    """Signals to workflows in all partitions; at the end, each of them must have got its own, in order.

    They are plain records, each with a request ID: nobody sends one twice, so nobody makes up for a lost one.

    Args:
        here: Where.
        pause_seconds: After one signal to each of the workflows.
    """
    found = Sent({name: [] for name in here.ids("summing")})
    ticking = [await here.start(Ticking.run, 40, 0.25, id=f"tick-{name}") for name in found.numbers]
    handles = [await here.start(Summing.run, id=name) for name in found.numbers]
    over = asyncio.Event()

    async def send() -> None:
        number = 0
        while not over.is_set():
            number += 1
            for name, numbers in found.numbers.items():
                await here.tell(name, "add", number, request_id=f"{name}-{number}")
                numbers.append(number)
            here.producer.poll(0)
            await asyncio.sleep(pause_seconds)

    task = asyncio.create_task(send())
    try:
        yield found
    finally:
        over.set()
        await task
    await asyncio.to_thread(here.flush)
    for handle in handles:
        await handle.signal(Summing.end, rpc_timeout=AT_LAST)  # behind all that was sent
        seen: Seen = await handle.result(rpc_timeout=AT_LAST)
        assert seen.numbers == found.numbers[handle.id]
    assert [await handle.result(rpc_timeout=SOON) for handle in ticking] == [40] * len(ticking)


class Asking:
    """Workflows that are started, told things and awaited all the time, by somebody who does not give up.

    A context manager: at its end, all that was begun must end, and end well.

    Attributes:
        ended: How many short workflows have ended, by kind.
        added: What each Summing workflow was told; there is one in each partition.
    """

    def __init__(self, here: Place) -> None:
        self.ended = {"echo": 0, "local": 0}
        self.added: dict[str, list[int]] = {name: [] for name in here.ids("asked")}
        self._here = here
        self._over = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._task is not None
        self._over.set()
        if error is not None:
            self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=error is not None)

    async def going_on(self) -> None:
        """Wait until more has happened than now: of each kind, and in each partition."""
        ended, added = dict(self.ended), {name: len(numbers) for name, numbers in self.added.items()}

        def more() -> bool:
            assert self._task is not None
            if self._task.done():
                self._task.result()
            return all(self.ended[kind] > count + ENOUGH for kind, count in ended.items()) and all(
                len(self.added[name]) > count + ENOUGH for name, count in added.items()
            )

        await until(more, "workflows of each kind and in each partition go on", LONG)

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for name in self.added:
                group.create_task(self._sum(name))
            for lane in range(LANES):
                group.create_task(self._short(lane))

    async def _sum(self, name: str) -> None:
        handle: WorkflowHandle[Summing, Seen] = await self._insisting(
            partial(self._here.start, Summing.run, id=name), f"start-{name}"
        )
        ticking = await self._insisting(
            partial(self._here.start, Ticking.run, 10, 0.5, id=f"tick-{name}"), f"start-tick-{name}"
        )
        number = 0
        while not self._over.is_set():
            number += 1
            await self._insisting(partial(handle.signal, Summing.add, number), f"add-{number}")
            self.added[name].append(number)
        await handle.signal(Summing.end, rpc_timeout=AT_LAST)
        assert (await handle.result(rpc_timeout=AT_LAST)).numbers == self.added[name]
        assert await ticking.result(rpc_timeout=AT_LAST) == 10

    async def _short(self, lane: int) -> None:
        number = 0
        while not self._over.is_set():
            number += 1
            echo, local = f"echo-{lane}-{number}", f"local-{lane}-{number}"
            assert await self._result(echo, Echoing.run, echo) == echo
            self.ended["echo"] += 1
            assert await self._result(local, Local.run, 2) == ["0", "1"]
            self.ended["local"] += 1

    async def _result(self, name: str, workflow: Any, argument: Any) -> Any:
        handle = await self._insisting(partial(self._here.start, workflow, argument, id=name), name)
        while True:
            try:
                return await handle.result(rpc_timeout=BRIEFLY)
            except RPCError:
                await asyncio.sleep(0.1)

    async def _insisting(self, ask: Any, request_id: str) -> Any:
        """Ask with one request ID until there is an answer: it must count once all the same."""
        while True:
            try:
                return await ask(request_id=request_id, rpc_timeout=BRIEFLY)
            except RPCError:
                await asyncio.sleep(0.1)


async def _of_no_workflow(here: Place) -> list[tuple[int, Any]]:
    """What the events topic says of its partitions. Nothing else is without a key, and decoding the rest costs most."""
    records = await asyncio.to_thread(here.read, here.topics.events)
    return [(record.partition, decode(record.value)) for record in records if not record.key]


async def openings(here: Place) -> dict[int, list[str]]:
    """Who opened each partition, in order, as the log says."""
    found: dict[int, list[str]] = {number: [] for number in range(here.partitions)}
    for partition, read in await _of_no_workflow(here):
        if isinstance(read, log.PartitionOpened):
            found[partition].append(read.instance)
    return found


async def handled(here: Place) -> dict[int, int]:
    """Up to which offset the commands of each partition are handled."""
    found = dict.fromkeys(range(here.partitions), 0)
    for partition, read in await _of_no_workflow(here):
        if isinstance(read, log.BatchCommitted):
            found[partition] = read.commands_offset
    return found


async def handling(here: Place) -> None:
    """Wait until commands are handled that came after now, in each partition."""
    before = await handled(here)

    async def more() -> bool:
        now = await handled(here)
        return all(now[partition] > offset for partition, offset in before.items())

    await until_asked(more, "commands are handled in each partition")


async def all_handled(here: Place) -> None:
    """No command was left out, down to the last one.

    Raises:
        AssertionError: One was.
    """
    ends = dict.fromkeys(range(here.partitions), 0)
    for record in await asyncio.to_thread(here.read, here.topics.commands):
        ends[record.partition] = record.offset + 1
    assert await handled(here) == ends
