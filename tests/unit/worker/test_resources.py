"""Slots as long as the machine has room: when there is one, who waits, and what is measured."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest
from foldlog.exceptions import ConfigurationError
from foldlog.worker import SlotPermit, SlotReleaseContext
from foldlog.worker.permits import SlotSource
from foldlog.worker.resources import Bounds, Machine, ResourceSlots, Usage

from tests.until import until


class Clock:
    """A clock that goes on when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Bench:
    """A supplier whose clock and gauge are the test's."""

    def __init__(self, **bounds: Any) -> None:
        self.usage, self.clock = Usage(0.0, 0.0), Clock()
        given = {"minimum": 1, "maximum": 4, "ramp_seconds": 0.0, "target": Usage(0.8, 0.9), **bounds}
        self.slots = ResourceSlots(Bounds(**given), lambda: self.usage, self.clock)
        self.context = SlotSource(self.slots, "q", "me", "", None).context("activity")

    def take(self) -> bool:
        return self.slots.try_reserve_slot(self.context) is not None

    def give_back(self) -> None:
        self.slots.release_slot(SlotReleaseContext(None, SlotPermit()))


@pytest.mark.parametrize(
    ("usage", "given"),
    [
        (Usage(0.0, 0.0), 4),
        (Usage(0.79, 0.89), 4),
        (Usage(0.8, 0.0), 1),
        (Usage(0.0, 0.9), 1),
        (Usage(1.0, 1.0), 1),
    ],
)
def test_slots_end_where_usage_is_as_high_as_it_may_be(usage: Usage, given: int) -> None:
    bench = Bench()
    bench.usage = usage
    assert sum(bench.take() for _ in range(10)) == bench.slots.given == given


def test_usage_that_falls_makes_room() -> None:
    bench = Bench()
    bench.usage = Usage(0.9, 0.0)
    assert [bench.take(), bench.take()] == [True, False]
    bench.usage = Usage(0.1, 0.0)
    assert bench.take()


def test_beyond_the_minimum_slots_take_their_time() -> None:
    bench = Bench(minimum=2, ramp_seconds=0.5)
    assert [bench.take() for _ in range(3)] == [True, True, False]
    bench.clock.now += 0.5
    assert [bench.take() for _ in range(2)] == [True, False]
    bench.give_back()
    assert not bench.take()
    bench.clock.now += 0.5
    assert bench.take()


async def test_who_waits_while_all_are_taken_goes_on_when_one_comes_back() -> None:
    bench = Bench(minimum=0, maximum=1)
    assert bench.take()
    waiting = [asyncio.ensure_future(bench.slots.reserve_slot(bench.context)) for _ in range(3)]
    for left in (2, 1, 0):
        await asyncio.to_thread(bench.give_back)
        await until(lambda: sum(not each.done() for each in waiting) <= left, "one of them has it")  # noqa: B023
        assert bench.slots.given == 1


async def test_who_waits_for_usage_looks_again_and_who_gives_up_has_taken_nothing() -> None:
    bench = Bench(minimum=0)
    bench.usage = Usage(0.9, 0.0)
    given_up, waiting = [asyncio.ensure_future(bench.slots.reserve_slot(bench.context)) for _ in range(2)]
    await asyncio.sleep(0)
    given_up.cancel()
    with pytest.raises(asyncio.CancelledError):
        await given_up
    assert not waiting.done()
    bench.usage = Usage(0.1, 0.0)
    await asyncio.wait_for(waiting, 60)
    assert bench.slots.given == 1


def test_this_machine_is_measured(tmp_path: Path) -> None:
    clock = Clock()
    machine = Machine(tmp_path / "no-such-group", clock)
    first = machine()
    assert 0 < first.memory <= 1
    assert first.cpu == 0.0
    assert machine() is first
    clock.now += 1
    sum(range(3_000_000))  # so that some time of a processor has been counted
    assert 0 <= machine().cpu <= 1


def test_a_container_is_measured_by_its_own_limits(tmp_path: Path) -> None:
    clock = Clock()
    files = {"memory.max": "1000", "memory.current": "1500", "cpu.max": "50000 100000"}
    for name, text in files.items():
        (tmp_path / name).write_text(text + "\n")
    (tmp_path / "memory.stat").write_text("anon 900\ninactive_file 205\n")
    (tmp_path / "cpu.stat").write_text("usage_usec 7000000\nuser_usec 1\n")
    machine = Machine(tmp_path, clock)
    assert machine().memory == 1.295
    clock.now += 10
    (tmp_path / "cpu.stat").write_text("usage_usec 13000000\nuser_usec 1\n")
    assert machine().cpu == pytest.approx(
        1.2
    )  # 6 s of the 5 s that half a processor has: more than the machine could say
    for name in ("memory.max", "cpu.max"):
        (tmp_path / name).write_text("max\n")
    clock.now += 10
    assert machine().memory < 1.295


def test_without_psutil_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psutil", None)
    with pytest.raises(ConfigurationError, match=r"foldlog\[resources\]"):
        Machine()
