"""Permits of a supplier of one's own: each comes back once, whatever the supplier raises, and however long it takes."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from foldlog.worker import (
    CustomSlotSupplier,
    SlotMarkUsedContext,
    SlotPermit,
    SlotReleaseContext,
    SlotReserveContext,
    WorkerDeploymentVersion,
)
from foldlog.worker.permits import ASKED_AHEAD, Permits, SlotSource

from tests.until import until

VERSION = WorkerDeploymentVersion("shop", "2")


class Supplier(CustomSlotSupplier):
    """Counts what is asked of it, and does what the test says in between."""

    def __init__(self, before: Callable[[int], Awaitable[Any]] | None = None) -> None:
        self.before = before
        self.asked = 0
        self.contexts: list[SlotReserveContext] = []
        self.out: set[SlotPermit] = set()
        """Permits that it gave and that have not come back."""
        self.used: list[tuple[SlotPermit, str]] = []
        self.came: list[SlotReleaseContext] = []
        self.fails = False

    async def reserve_slot(self, ctx: SlotReserveContext) -> SlotPermit:
        self.contexts.append(ctx)
        self.asked += 1
        if self.before is not None:
            await self.before(self.asked)
        return self.give()

    def try_reserve_slot(self, ctx: SlotReserveContext) -> SlotPermit | None:
        if self.fails:
            raise asyncio.CancelledError("a cancellation of its own")
        return self.give()

    def give(self) -> SlotPermit:
        permit = SlotPermit()
        self.out.add(permit)
        return permit

    def mark_slot_used(self, ctx: SlotMarkUsedContext) -> None:
        self.used.append((ctx.permit, getattr(ctx.slot_info, "activity_type", "")))
        if self.fails:
            raise RuntimeError("mark_slot_used fails")

    def release_slot(self, ctx: SlotReleaseContext) -> None:
        self.out.remove(ctx.permit)  # a KeyError if it comes back twice
        self.came.append(ctx)
        if self.fails:
            raise RuntimeError("release_slot fails")


class Bench:
    """Permits of which so many are wanted."""

    def __init__(self, supplier: Supplier, wanted: int = ASKED_AHEAD) -> None:
        self.supplier, self.wanted, self.came = supplier, wanted, 0
        source = SlotSource(supplier, "q", "me", "2", VERSION)
        self.permits = Permits(source, "activity", wanted=lambda: self.wanted, freed=self._freed)
        self.permits.refill()

    def _freed(self) -> None:
        self.came += 1

    async def until_free(self, number: int) -> None:
        await until(lambda: self.permits.free == number, f"{number} are free")


async def test_a_few_are_asked_for_ahead_and_each_one_that_is_used_is_replaced() -> None:
    supplier = Supplier()
    bench = Bench(supplier)
    permits = bench.permits
    await bench.until_free(ASKED_AHEAD)
    assert (supplier.asked, bench.came, permits.used) == (ASKED_AHEAD, ASKED_AHEAD, 0)
    asks = supplier.contexts[0]
    assert (asks.slot_type, asks.task_queue, asks.worker_identity, asks.worker_build_id) == ("activity", "q", "me", "2")
    assert (asks.worker_deployment_version, asks.is_sticky) == (VERSION, False)
    for name in ("one", "two"):
        assert permits.take()
        permits.begin(name, f"type-{name}")
    await bench.until_free(ASKED_AHEAD)
    assert (permits.used, permits.total, len(supplier.out)) == (2, ASKED_AHEAD + 2, ASKED_AHEAD + 2)
    permits.end("one")
    first, second = supplier.used
    assert [each.permit for each in supplier.came] == [first[0]]
    assert getattr(supplier.came[0].slot_info, "activity_type", "") == first[1] == "type-one"
    assert second[1] == "type-two"
    await permits.closed()
    assert supplier.out == {second[0]}
    permits.end("two")
    assert not supplier.out
    assert supplier.asked == ASKED_AHEAD + 2


async def test_one_that_is_used_as_it_comes_is_replaced_in_full() -> None:
    supplier = Supplier()
    bench = Bench(supplier, wanted=0)
    permits = bench.permits

    def use_the_first() -> None:
        if not supplier.used and permits.take():
            permits.begin("one", "count")

    permits._freed = use_the_first
    bench.wanted = ASKED_AHEAD
    permits.refill()
    await until(lambda: not permits.asking, "all have come")
    assert (permits.free, permits.used) == (ASKED_AHEAD, 1)
    permits.end("one")
    await permits.closed()
    assert not supplier.out


async def test_one_that_is_taken_and_not_used_is_the_next() -> None:
    bench = Bench(Supplier(), wanted=1)
    await bench.until_free(1)
    assert bench.permits.take()
    assert not bench.permits.take()
    bench.permits.give_back()
    assert (bench.permits.free, bench.supplier.asked, bench.supplier.came) == (1, 1, [])
    await bench.permits.closed()
    assert not bench.supplier.out


async def test_what_nobody_wants_any_more_goes_back() -> None:
    gate = asyncio.Event()
    bench = Bench(Supplier(lambda asked: gate.wait()), wanted=3)
    await until(lambda: bench.supplier.asked == 3, "all are asked for")
    bench.wanted = 1
    gate.set()
    await until(lambda: not bench.permits.asking, "all have come")
    assert (bench.permits.free, len(bench.supplier.out), len(bench.supplier.came)) == (1, 1, 2)
    assert all(each.slot_info is None for each in bench.supplier.came)
    bench.wanted = 0
    bench.permits.refill()
    assert not bench.supplier.out


async def raises(asked: int) -> None:
    if asked == 1:
        raise RuntimeError("no slot")
    if asked == 2:
        raise asyncio.CancelledError("something else was cancelled")


async def test_a_supplier_that_raises_is_asked_again(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench(Supplier(raises), wanted=1)
    with caplog.at_level(logging.WARNING):
        await bench.until_free(1)
    assert [record.getMessage() for record in caplog.records] == [
        "reserve_slot of a slot supplier failed: it is asked again"
    ] * 2
    assert bench.supplier.asked == 3
    await bench.permits.closed()


class Wrong(Supplier):
    """Gives None, and forgets to be async."""

    async def reserve_slot(self, ctx: SlotReserveContext) -> Any:
        self.asked += 1
        return None if self.asked == 1 else self.give()


class NotAsync(Supplier):
    def reserve_slot(self, ctx: SlotReserveContext) -> Any:
        self.asked += 1
        return self.give()


async def test_none_is_no_permit(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench(Wrong(), wanted=1)
    await bench.until_free(1)
    assert "must return a permit, not None" in caplog.text
    await bench.permits.closed()
    assert not bench.supplier.out


async def test_a_supplier_that_is_not_async_is_told_so(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench(NotAsync(), wanted=1)
    await until(lambda: bench.supplier.asked == 1, "it is asked")
    await until(lambda: caplog.records, "it is told")
    assert "TypeError" in caplog.text
    await bench.permits.closed()
    assert not bench.permits.asking


async def test_errors_elsewhere_lose_no_permit(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench(Supplier(), wanted=1)
    permits, supplier = bench.permits, bench.supplier
    await bench.until_free(1)
    supplier.fails = True
    assert permits.take()
    permits.begin("one", "count")
    permits.end("one")
    assert not permits.take_eager()
    await permits.closed()
    assert (supplier.out, permits.total) == (set(), 0)
    for name in ("mark_slot_used", "release_slot", "try_reserve_slot"):
        assert f"{name} of a slot supplier failed" in caplog.text


async def test_eager_ones_are_asked_for_apart_and_from_another_thread() -> None:
    bench = Bench(Supplier(), wanted=0)
    permits, supplier = bench.permits, bench.supplier

    def eager() -> None:
        for _ in range(3):
            assert permits.take_eager()
        permits.give_back_eager()

    thread = threading.Thread(target=eager)
    thread.start()
    await asyncio.to_thread(thread.join)
    assert (permits.used, permits.free, len(supplier.out), supplier.asked) == (2, 0, 2, 0)
    permits.begin("one", "count", eager=True)
    permits.end("one")
    assert [each.slot_info is None for each in supplier.came] == [True, False]
    await permits.closed()
    assert not supplier.out, "the one whose task never came goes back at the end"


async def test_who_waits_is_cancelled_at_the_end() -> None:
    never = asyncio.Event()
    bench = Bench(Supplier(lambda asked: never.wait()))
    await until(lambda: bench.supplier.asked == ASKED_AHEAD, "all are asked for")
    await asyncio.wait_for(bench.permits.closed(), 60)
    assert not bench.permits.asking
    assert not bench.supplier.out


async def test_a_permit_that_comes_in_spite_of_the_cancellation_goes_back() -> None:
    async def stubborn(asked: int) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0)

    bench = Bench(Supplier(stubborn), wanted=2)
    await until(lambda: bench.supplier.asked == 2, "both are asked for")
    await bench.permits.closed()
    assert (bench.supplier.out, len(bench.supplier.came), bench.came) == (set(), 2, 0)


async def test_a_supplier_that_hangs_is_not_waited_for_and_what_it_gives_later_goes_back(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("foldlog.worker.permits._CANCELLATION_SECONDS", 0.01)
    gate = asyncio.Event()

    async def hangs(asked: int) -> None:
        while not gate.is_set():
            try:
                await gate.wait()
            except asyncio.CancelledError:
                continue

    bench = Bench(Supplier(hangs), wanted=1)
    await until(lambda: bench.supplier.asked == 1, "it is asked")
    await bench.permits.closed()
    assert "ignores its cancellation" in caplog.text
    gate.set()
    await until(lambda: bench.supplier.came, "it has given one, which goes back")
    assert not bench.supplier.out


async def test_one_that_comes_in_the_same_moment_as_the_end_is_not_lost() -> None:
    """The cancellation meets each of them at another step."""
    for steps in range(8):

        async def takes_its_time(asked: int, steps: int = steps) -> None:
            for _ in range(steps):
                await asyncio.sleep(0)

        bench = Bench(Supplier(takes_its_time), wanted=2)
        for _ in range(4):
            await asyncio.sleep(0)
        await bench.permits.closed()
        assert (bench.supplier.out, bench.permits.total) == (set(), 0), steps


class Limited(Supplier):
    """Has so many, and gives them in the order in which it is asked."""

    def __init__(self, slots: int) -> None:
        super().__init__()
        self.slots = asyncio.Semaphore(slots)

    async def reserve_slot(self, ctx: SlotReserveContext) -> SlotPermit:
        await self.slots.acquire()
        return self.give()

    def try_reserve_slot(self, ctx: SlotReserveContext) -> SlotPermit | None:
        return None

    def release_slot(self, ctx: SlotReleaseContext) -> None:
        super().release_slot(ctx)
        self.slots.release()


class Locals:
    """Local activities that share the supplier of a bench: each that waits begins when there is a permit."""

    def __init__(self, supplier: Supplier) -> None:
        self.waiting: list[str] = []
        self.begun: list[str] = []
        source = SlotSource(supplier, "q", "me", "2", VERSION)
        self.permits = Permits(source, "local-activity", wanted=lambda: len(self.waiting), freed=self._freed)

    def add(self, *names: str) -> None:
        self.waiting.extend(names)
        self.permits.refill()

    def _freed(self) -> None:
        while self.waiting and self.permits.take():
            name = self.waiting.pop(0)
            self.permits.begin(name, "count")
            self.begun.append(name)


def ahead_of(supplier: Supplier, waiting: Callable[[], int] = lambda: 0) -> Permits:
    """Permits of a worker that asks ahead."""
    source = SlotSource(supplier, "q", "me", "2", VERSION)
    made = Permits(source, "activity", wanted=lambda: ASKED_AHEAD, freed=lambda: None, needed=waiting)
    made.refill()
    return made


@pytest.mark.parametrize("slots", [1, 2, ASKED_AHEAD, ASKED_AHEAD + 1])
async def test_what_is_held_for_tasks_to_come_goes_back_for_local_ones_that_wait(slots: int) -> None:
    supplier = Limited(slots)
    ahead = ahead_of(supplier)
    await until(lambda: ahead.free == min(slots, ASKED_AHEAD), "they are held")
    local = Locals(supplier)
    names = [f"local-{number}" for number in range(slots + 3)]
    local.add(*names)
    at_once = max(slots - 1, 1)
    await until(lambda: len(local.begun) >= at_once, "all but one of them")
    for number in range(len(names)):
        await until(lambda number=number: len(local.begun) > number, "the next one begins")  # type: ignore[misc]
        local.permits.end(local.begun[number])
    assert local.begun == names
    await until(lambda: ahead.free == min(slots, ASKED_AHEAD), "they are held again")
    await local.permits.closed()
    await ahead.closed()
    assert not supplier.out, "each permit came back, and none twice"


async def test_local_ones_that_always_wait_leave_one_for_tasks_to_come() -> None:
    supplier = Limited(3)
    ahead = ahead_of(supplier)
    local = Locals(supplier)
    local.add(*(f"local-{number}" for number in range(100)))
    for number in range(20):
        await until(lambda number=number: len(local.begun) > number, "the next one begins")  # type: ignore[misc]
        local.permits.end(local.begun[number])
    await until(lambda: ahead.free == 1, "one is held")
    assert len(local.waiting) > 50
    local.waiting.clear()
    for name in local.begun[20:]:
        local.permits.end(name)
    await local.permits.closed()
    await ahead.closed()
    assert not supplier.out


async def test_an_eager_task_takes_what_is_held_for_tasks_to_come() -> None:
    supplier = Limited(2)
    ahead = ahead_of(supplier)
    await until(lambda: ahead.free == 2, "all are held")
    assert await asyncio.to_thread(lambda: [ahead.take_eager() for _ in range(3)]) == [True, True, False]
    assert (ahead.used, ahead.free, len(supplier.out)) == (2, 0, 2)
    ahead.begin("one", "count", eager=True)
    await asyncio.to_thread(ahead.give_back_eager)
    ahead.end("one")
    await ahead.closed()
    assert not supplier.out, "each permit came back, and none twice"
