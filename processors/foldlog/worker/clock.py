"""The clock of a worker: when an attempt is to report, times out, or is tried again.

Owns the interface, and the clock of an event loop. A clock that can be put forward, as tests have one, is the other.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Protocol


class Timer(Protocol):
    """A call that is to come."""

    def cancel(self) -> None:
        """Do not call."""


class Clock(Protocol):
    """Tells the time and calls when it has come. Belongs to one event loop."""

    def time(self) -> float:
        """Seconds since some moment; never goes back."""

    def wall(self) -> float:
        """Unix time in seconds."""

    def call_at(self, when: float, callback: Callable[..., Any], /, *args: Any) -> Timer:
        """Call on the event loop when `time` has come there."""

    def call_later(self, delay: float, callback: Callable[..., Any], /, *args: Any) -> Timer:
        """Call on the event loop after some seconds."""


class LoopClock:
    """The clock of an event loop, and that of the machine."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.time = loop.time
        self.wall = time.time
        self.call_at = loop.call_at
        self.call_later = loop.call_later
