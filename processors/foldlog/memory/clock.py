"""A clock that runs as time does and can be put forward: one per environment."""

from __future__ import annotations

import heapq
import itertools
import math
import time
from collections.abc import Callable
from typing import Any

NS = 1_000_000_000
_MS = 1_000_000


class VirtualTimer:
    """A call that is to come."""

    __slots__ = ("args", "callback", "when_ns")

    def __init__(self, when_ns: int, callback: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self.when_ns = when_ns
        self.callback: Callable[..., Any] | None = callback
        self.args = args

    def cancel(self) -> None:
        """Do not call."""
        self.callback = None
        self.args = ()


class VirtualClock:
    """Implements `foldlog.worker.clock.Clock`. Its time is Unix time, from the real one at its beginning on.

    Whoever owns it calls `fire` when something has come due, see `next_ns`.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        """Begin now.

        Args:
            changed: Is called when something is to come that was not before: whoever adds it may have ended what
                kept time from being skipped.
        """
        self._changed = changed
        self._behind_ns = time.time_ns() - time.monotonic_ns()
        """By how much the monotonic clock is behind this one."""
        self._timers: list[tuple[int, int, VirtualTimer]] = []
        self._numbers = itertools.count()

    # ---- the time

    def time_ns(self) -> int:
        """In Unix nanoseconds. Never goes back."""
        return time.monotonic_ns() + self._behind_ns

    def unix_ms(self) -> int:
        """In Unix milliseconds."""
        return self.time_ns() // _MS

    def time(self) -> float:
        """In Unix seconds."""
        return self.time_ns() / NS

    wall = time

    def forward_to(self, when_ns: int) -> None:
        """Put the clock forward, unless it is there already."""
        self._behind_ns += max(when_ns - self.time_ns(), 0)

    # ---- what is to come

    def call_at(self, when: float, callback: Callable[..., Any], /, *args: Any) -> VirtualTimer:
        """Call something when `time` is there."""
        timer = VirtualTimer(math.ceil(when * NS), callback, args)
        heapq.heappush(self._timers, (timer.when_ns, next(self._numbers), timer))
        self._changed()
        return timer

    def call_later(self, delay: float, callback: Callable[..., Any], /, *args: Any) -> VirtualTimer:
        """Call something after some seconds."""
        return self.call_at(self.time() + delay, callback, *args)

    def next_ns(self) -> int | None:
        """When the next call is to come, in Unix nanoseconds; None: there is none."""
        while self._timers and self._timers[0][2].callback is None:
            heapq.heappop(self._timers)
        return self._timers[0][0] if self._timers else None

    def fire(self) -> None:
        """Call what has come due. What is added meanwhile waits for the next time."""
        now_ns = self.time_ns()
        due = []
        while self._timers and self._timers[0][0] <= now_ns:
            due.append(heapq.heappop(self._timers)[2])
        for timer in due:
            callback, args = timer.callback, timer.args
            if callback is not None:
                timer.cancel()
                callback(*args)
