"""Priorities and fairness keys on a real broker: who begins first of many that wait, over a restart too."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from foldlog import activity, workflow
from foldlog.common import Priority
from foldlog.sensor import Sensor
from foldlog.worker import Worker

from tests.integration.processor.running import Place, place
from tests.until import until

LIMIT = timedelta(minutes=5)
REMOTE = "one-at-a-time"
HALF = 40
"""So many end before the restart."""
order: list[str] = []
"""Which attempts have begun."""


class Gate:
    """Holds the first attempt until all tasks are there, and one in the middle."""

    def __init__(self) -> None:
        self.all_there = asyncio.Event()
        self.go_on = asyncio.Event()


gate: Gate


@activity.defn
async def note(name: str) -> str:
    if name == "plug":
        await gate.all_there.wait()
    elif len(order) == HALF:
        await gate.go_on.wait()
    order.append(name)
    return name


@workflow.defn
class Crowd:
    """Starts all at once, in the order in which it is told to."""

    @workflow.run
    async def run(self, wanted: list[tuple[str, int | None, str | None, float | None]]) -> list[str]:
        handles = [
            workflow.start_activity(
                note,
                name,
                task_queue=REMOTE,
                start_to_close_timeout=LIMIT,
                priority=Priority(priority_key=key, fairness_key=fairness, fairness_weight=weight),
            )
            for name, key, fairness, weight in wanted
        ]
        return [await handle for handle in handles]


class Received(Sensor):
    """How many tasks have come in."""

    def __init__(self) -> None:
        self.count = 0

    def tasks_received(self, task_queue: str, count: int) -> None:
        self.count += count


@pytest.fixture
async def here(kafka: str, namespace: str, tmp_path: Path) -> AsyncIterator[Place]:
    global gate
    gate = Gate()
    order.clear()
    async with place(kafka, namespace, tmp_path, partitions=1) as found:
        yield found


@asynccontextmanager
async def one_at_a_time(here: Place, tasks: int) -> AsyncIterator[None]:
    """A worker with one slot, once so many tasks have come in, one of which holds all others back."""
    received = Received()
    worker = Worker(here.client, task_queue=REMOTE, activities=[note], max_concurrent_activities=1, sensor=received)
    async with worker:
        await until(lambda: received.count >= tasks, f"{tasks} tasks have come in")
        yield


async def test_the_urgent_first_and_keys_in_turn_over_a_restart(here: Place) -> None:
    """A full queue: one key has most of it, and came first."""
    crowd: list[Any] = [("plug", 1, None, None)]
    crowd += [("big", 3, "big", None)] * 40
    crowd += [("heavy", None, "heavy", 3.0)] * 12  # three is what nothing said comes to
    crowd += [(f"small {number}", 3, f"small {number}", None) for number in range(20)]
    crowd += [("plain", None, None, None)] * 2
    crowd += [("last", 5, "vip", 1000.0)] * 3
    crowd += [("urgent", 1, "late", None)] * 4
    async with here.worker(workflows=[Crowd], activities=[]):
        handle = await here.start(Crowd.run, crowd, id="crowd")
        async with one_at_a_time(here, len(crowd)):
            gate.all_there.set()
            await until(lambda: len(order) == HALF, "half of them have ended")
        begun = order[:HALF]
        assert begun[:5] == ["plug", *["urgent"] * 4]
        turns = begun[5:]
        # All small ones have had their turn by the time that the key with most of the tasks has had a few.
        assert {f"small {number}" for number in range(20)} <= set(turns), turns
        counts = Counter(turns)
        assert counts["plain"] <= 2
        assert counts["big"] <= 4, counts
        assert 2 * counts["big"] <= counts["heavy"] <= 4 * counts["big"], counts
        assert "last" not in turns
        left = Counter(name for name, *_ in crowd) - Counter(order)
        gate.go_on.set()
        async with one_at_a_time(here, sum(left.values())):
            assert sorted(await handle.result()) == sorted(name for name, *_ in crowd)
        rest = order[HALF:]
        assert Counter(rest) == left
        assert rest[-3:] == ["last"] * 3
