"""Something that happens once, and that threads and coroutines may wait for."""

from __future__ import annotations

import asyncio
import threading

_lock = threading.Lock()
"""One for all: it is held for moments, when something is cancelled or someone begins to wait."""


class Latch:
    """Like `threading.Event` and `asyncio.Event` in one, but it cannot be cleared, and costs nothing until waited for.

    Each activity has one, and hardly any activity waits for it.
    """

    __slots__ = ("_event", "_set", "_waiters")

    def __init__(self) -> None:
        self._set = False
        self._event: threading.Event | None = None
        self._waiters: list[asyncio.Future[None]] | None = None

    def is_set(self) -> bool:
        """Whether it has happened. From any thread."""
        return self._set

    def set(self) -> None:
        """It has happened: wake who waits. From any thread."""
        with _lock:
            self._set = True
            event, waiters = self._event, self._waiters
            self._waiters = None
        if event is not None:
            event.set()
        for waiter in waiters or ():
            loop = waiter.get_loop()
            if not loop.is_closed():
                loop.call_soon_threadsafe(_wake, waiter)

    async def wait(self) -> None:
        """Wait for it on the running event loop."""
        waiter = asyncio.get_running_loop().create_future()
        with _lock:
            if self._set:
                return
            if self._waiters is None:
                self._waiters = []
            self._waiters.append(waiter)
        try:
            await waiter
        finally:
            with _lock:
                if self._waiters is not None and waiter in self._waiters:
                    self._waiters.remove(waiter)

    def wait_sync(self, timeout: float | None = None) -> bool:
        """Block this thread until it has happened.

        Args:
            timeout: How long at most, in seconds; None: no limit.

        Returns:
            Whether it has happened.
        """
        with _lock:
            if self._set:
                return True
            if self._event is None:
                self._event = threading.Event()
            event = self._event
        return event.wait(timeout)


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
