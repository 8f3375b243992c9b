"""Deadlines of many asks with one timer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, cast

from foldlog.transport._deadlines import TICK_SECONDS, Deadlines


class Handle:
    def __init__(self, when: float, callback: Callable[[], None]) -> None:
        self.when = when
        self.callback = callback
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Clock:
    """As much of an event loop as deadlines use, with a clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.handles: list[Handle] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], None]) -> Handle:
        handle = Handle(when, callback)
        self.handles.append(handle)
        return handle

    def armed(self) -> list[Handle]:
        return [handle for handle in self.handles if not handle.cancelled]

    def advance(self, seconds: float) -> None:
        end = self.now + seconds
        while due := [handle for handle in self.armed() if handle.when <= end]:
            first = min(due, key=lambda handle: handle.when)
            self.handles.remove(first)
            self.now = max(self.now, first.when)
            first.callback()
        self.now = end


def make() -> tuple[Clock, Deadlines, list[int]]:
    clock = Clock()
    expired: list[int] = []

    def note(numbers: Iterable[int]) -> None:
        expired.extend(sorted(numbers))

    return clock, Deadlines(cast(asyncio.AbstractEventLoop, clock), note), expired


def test_each_expires_once_at_or_soon_after_its_time() -> None:
    clock, deadlines, expired = make()
    deadlines.add(1, 1.0)
    deadlines.add(2, 0.3)
    clock.advance(0.29)
    assert expired == []
    clock.advance(0.01 + TICK_SECONDS)
    assert expired == [2]
    clock.advance(5.0)
    assert expired == [2, 1]


def test_discarded_ones_do_not_expire_and_leave_no_timer() -> None:
    clock, deadlines, expired = make()
    ticks = {number: deadlines.add(number, 10.0 + number / 1000) for number in range(1000)}
    for number, tick in ticks.items():
        deadlines.discard(number, tick)
    clock.advance(20.0)
    assert expired == []
    assert clock.armed() == []


def test_thousands_share_a_timer() -> None:
    clock, deadlines, expired = make()
    for number in range(5000):
        deadlines.add(number, 10.0)
    assert len(clock.armed()) == 1
    clock.advance(10.0 + TICK_SECONDS)
    assert expired == list(range(5000))


def test_a_nearer_deadline_moves_the_timer() -> None:
    clock, deadlines, expired = make()
    deadlines.add(1, 100.0)
    deadlines.add(2, 1.0)
    assert len(clock.armed()) == 1
    clock.advance(1.0 + TICK_SECONDS)
    assert expired == [2]
    clock.advance(100.0)
    assert expired == [2, 1]


def test_closed_ones_never_expire() -> None:
    clock, deadlines, expired = make()
    deadlines.add(1, 1.0)
    deadlines.close()
    clock.advance(5.0)
    assert (expired, clock.armed()) == ([], [])


async def test_on_a_real_loop() -> None:
    done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    deadlines = Deadlines(asyncio.get_running_loop(), lambda numbers: done.set_result(set(numbers)))
    deadlines.add(7, 0.01)
    assert await asyncio.wait_for(done, 60) == {7}
