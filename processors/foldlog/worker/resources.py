"""Slots as long as the machine has room: the supplier behind `ResourceBasedSlotSupplier`.

Owns when there is another slot, and how much of the machine is in use: as psutil tells it, and inside of a container as
its control group does, since a container is killed at its own limit and not at the machine's.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from foldlog.exceptions import ConfigurationError
from foldlog.worker.slots import CustomSlotSupplier, SlotPermit, SlotReleaseContext, SlotReserveContext
from foldlog.worker.slots import SlotMarkUsedContext as MarkUsed

_LOOK_SECONDS = 0.1
"""For so long what was measured counts; less would measure noise."""
_WAIT_SECONDS = 0.05
"""How often somebody who waits for room looks again."""
_CGROUP = Path("/sys/fs/cgroup")


class Usage(NamedTuple):
    """How much is in use, each from 0 to 1."""

    memory: float
    cpu: float


class Gauge(Protocol):
    """Measures."""

    def __call__(self) -> Usage:
        """How much is in use now. Any thread; called often."""


class Machine:
    """How much of this machine, or of the container that this runs in, is in use."""

    def __init__(self, cgroup: Path = _CGROUP, clock: Callable[[], float] = time.monotonic) -> None:
        """Look whether it can be measured.

        Args:
            cgroup: Where the control group of version 2 is mounted.
            clock: Seconds, for the time between two measurements.

        Raises:
            ConfigurationError: psutil is not installed.
        """
        try:
            import psutil
        except ImportError as error:
            message = "resource-based slots need psutil: install foldlog[resources]"
            raise ConfigurationError(message, option="tuner") from error
        self._psutil = psutil
        self._cgroup = cgroup
        self._lock = threading.Lock()
        self._measured = Usage(0.0, 0.0)
        self._clock = clock
        self._at = clock()
        self._cpu_time = self._used_cpu_seconds()
        self._times = self._machine_times()
        self._measured = Usage(self._memory(), 0.0)

    def __call__(self) -> Usage:
        """See `Gauge`."""
        with self._lock:
            now = self._clock()
            if now - self._at >= _LOOK_SECONDS:
                self._measured = Usage(self._memory(), self._cpu(now))
                self._at = now
            return self._measured

    def _memory(self) -> float:
        usage: float = self._psutil.virtual_memory().percent / 100
        limit = self._number("memory.max")
        used = self._number("memory.current")
        if limit and used is not None:
            # What files have in the page cache is given up when it is needed.
            usage = max(usage, (used - (self._stat("memory.stat", "inactive_file") or 0)) / limit)
        return usage

    def _cpu(self, now: float) -> float:
        # psutil's own percentage is of the time since the last call of the same thread.
        (idle_before, all_before), self._times = self._times, self._machine_times()
        idle, total = self._times
        usage = 1 - (idle - idle_before) / (total - all_before) if total > all_before else self._measured.cpu
        before, self._cpu_time = self._cpu_time, self._used_cpu_seconds()
        processors = self._allowed_processors()
        if processors and before is not None and self._cpu_time is not None:
            usage = max(usage, (self._cpu_time - before) / ((now - self._at) * processors))
        return usage

    def _machine_times(self) -> tuple[float, float]:
        """Seconds of all processors since the machine started: idle ones, and all."""
        times = self._psutil.cpu_times()
        idle = times.idle + getattr(times, "iowait", 0.0)
        # Linux counts what guests use as user's time as well.
        return idle, sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)

    def _used_cpu_seconds(self) -> float | None:
        used = self._stat("cpu.stat", "usage_usec")
        return None if used is None else used / 1e6

    def _allowed_processors(self) -> float | None:
        """How many the container may use; None: all."""
        quota, _, period = self._text("cpu.max").partition(" ")
        return int(quota) / int(period) if quota.isdigit() and period.isdigit() else None

    def _number(self, name: str) -> int | None:
        text = self._text(name)
        return int(text) if text.isdigit() else None

    def _stat(self, name: str, field: str) -> int | None:
        for line in self._text(name).splitlines():
            key, _, value = line.partition(" ")
            if key == field and value.isdigit():
                return int(value)
        return None

    def _text(self, name: str) -> str:
        try:
            return (self._cgroup / name).read_text().strip()
        except OSError:
            return ""


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """Between which bounds the number of slots changes, and for how much usage."""

    minimum: int
    """So many there are whatever is in use."""
    maximum: int
    ramp_seconds: float
    """Beyond the minimum, one slot in so many seconds at most: what it will use is seen only later."""
    target: Usage
    """Beyond the minimum, there is a slot only while less than this is in use."""


class ResourceSlots(CustomSlotSupplier):
    """Gives slots as long as little enough of the machine is in use."""

    def __init__(self, bounds: Bounds, gauge: Gauge, clock: Callable[[], float] = time.monotonic) -> None:
        """Make one.

        Args:
            bounds: When there is a slot.
            gauge: Tells what is in use.
            clock: Seconds, for the time between two slots.
        """
        self._bounds = bounds
        self._gauge = gauge
        self._clock = clock
        self._lock = threading.Lock()
        self._given = 0
        self._last = float("-inf")
        self._waiting: set[asyncio.Future[None]] = set()

    @property
    def given(self) -> int:
        """Slots that were given and have not come back."""
        return self._given

    async def reserve_slot(self, ctx: SlotReserveContext) -> SlotPermit:
        """See base class."""
        while (permit := self.try_reserve_slot(ctx)) is None:
            await self._room()
        return permit

    def try_reserve_slot(self, ctx: SlotReserveContext) -> SlotPermit | None:
        """See base class."""
        with self._lock:
            now = self._clock()
            if self._given >= self._bounds.minimum and not self._is_room(now):
                return None
            self._given += 1
            self._last = now
        return SlotPermit()

    def mark_slot_used(self, ctx: MarkUsed) -> None:
        """See base class."""

    def release_slot(self, ctx: SlotReleaseContext) -> None:
        """See base class."""
        with self._lock:
            self._given -= 1
            waiting, self._waiting = self._waiting, set()
        for future in waiting:
            try:
                future.get_loop().call_soon_threadsafe(_resolve, future)
            except RuntimeError:  # that event loop has ended, and whoever waited on it
                continue

    def _is_room(self, now: float) -> bool:
        bounds = self._bounds
        if self._given >= bounds.maximum or now - self._last < bounds.ramp_seconds:
            return False
        usage = self._gauge()
        return usage.memory < bounds.target.memory and usage.cpu < bounds.target.cpu

    async def _room(self) -> None:
        """Wait until there may be room."""
        future = asyncio.get_running_loop().create_future()
        with self._lock:
            full = self._given >= self._bounds.maximum
            self._waiting.add(future)
        try:
            # All are taken: nothing but a release helps. Otherwise it may be time, or usage, that changes.
            await asyncio.wait_for(future, None if full else max(_WAIT_SECONDS, self._bounds.ramp_seconds))
        except TimeoutError:
            pass
        finally:
            self._waiting.discard(future)


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
