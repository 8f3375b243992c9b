"""Deadlines of thousands of asks with one timer of the event loop.

Deadlines are rounded up to a tick, and those of the same tick share a bucket: adding and removing one costs a
dictionary access, where a timer each costs a heap operation and an object.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable

TICK_SECONDS = 0.05
"""Asks end up to this much later than asked for."""


class Deadlines:
    """Deadlines of things with a number, on one event loop.

    Args:
        loop: Whose clock and timers are used.
        expired: Told the numbers whose deadline has passed, on the loop.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, expired: Callable[[Iterable[int]], None]) -> None:
        self._loop = loop
        self._expired = expired
        self._buckets: dict[int, set[int]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._timer_tick = 0

    def add(self, number: int, seconds: float) -> int:
        """Begin to wait; the result is for `discard`."""
        tick = math.ceil((self._loop.time() + seconds) / TICK_SECONDS)
        bucket = self._buckets.get(tick)
        if bucket is None:
            self._buckets[tick] = {number}
            if self._timer is None or tick < self._timer_tick:
                self._set_timer(tick)
        else:
            bucket.add(number)
        return tick

    def discard(self, number: int, tick: int) -> None:
        """No longer wait."""
        bucket = self._buckets.get(tick)
        if bucket is not None:
            bucket.discard(number)

    def close(self) -> None:
        """Forget everything."""
        self._buckets.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set_timer(self, tick: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_tick = tick
        self._timer = self._loop.call_at(tick * TICK_SECONDS, self._ring)

    def _ring(self) -> None:
        self._timer = None
        now = self._loop.time() / TICK_SECONDS + 1e-6  # a timer may ring by the clock's resolution too early
        for tick in [tick for tick in self._buckets if tick <= now]:
            numbers = self._buckets.pop(tick)
            if numbers:
                self._expired(numbers)
        # Empty buckets are dropped here, so that no timer rings for asks that were answered long ago.
        for tick in [tick for tick, numbers in self._buckets.items() if not numbers]:
            del self._buckets[tick]
        if self._buckets:
            self._set_timer(min(self._buckets))
