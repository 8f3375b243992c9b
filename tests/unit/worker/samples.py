"""Activities for tests of the runner."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass
from typing import Any

from foldlog import activity
from foldlog.exceptions import ApplicationError, CancelledError


@dataclass
class Order:
    number: int
    lines: list[str]


@activity.defn
async def total(order: Order, factor: int) -> int:
    await asyncio.sleep(0)
    return len(order.lines) * factor


@activity.defn
def total_in_thread(order: Order, factor: int) -> int:
    return len(order.lines) * factor


@activity.defn
async def fail(kind: str) -> None:
    if kind == "application":
        raise ApplicationError("no stock", 3, type="OutOfStock", non_retryable=True)
    if kind == "exit":
        raise SystemExit(3)
    if kind == "stray":
        future = asyncio.get_running_loop().create_future()
        future.cancel()
        await future
    if kind == "own":
        raise CancelledError("enough", "so far")
    raise ValueError("broken") from KeyError("why")


@activity.defn
async def echo(text: str) -> str:
    return text


@activity.defn
def stop_iteration() -> None:
    raise StopIteration(4)


@activity.defn
async def open_end_noted() -> None:
    activity.heartbeat("one")
    activity.heartbeat("two")
    activity.raise_complete_async()


@activity.defn
async def open_end() -> None:
    activity.raise_complete_async()


class Gate:
    """Activities that the test holds."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.go_on = threading.Event()
        self.log: list[Any] = []

    def _left(self, error: BaseException) -> None:
        self.log.append((type(error), activity.is_cancelled(), activity.cancellation_details()))

    @activity.defn
    async def wait(self) -> str:
        self.entered.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError as error:
            self._left(error)
            raise
        return "never"

    @activity.defn
    async def stubborn(self) -> str:
        self.entered.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.to_thread(self.go_on.wait, 60)
        return "done all the same"

    @activity.defn
    def spin(self) -> str:
        self.entered.set()
        try:
            while not self.go_on.wait(0.001):
                pass
        except CancelledError as error:
            self._left(error)
            raise
        return "done"

    @activity.defn(no_thread_cancel_exception=True)
    def look(self) -> str:
        self.entered.set()
        assert activity.wait_for_cancelled_sync(60)
        return f"saw {activity.is_cancelled()}"

    @activity.defn
    def shielded(self) -> str:
        with activity.shield_thread_cancel_exception():
            self.entered.set()
            while not self.go_on.wait(0.001):
                pass
            self.log.append("shielded part done")
        while True:
            pass

    @activity.defn
    async def beat(self, times: int) -> None:
        for number in range(times):
            activity.heartbeat(number)
        self.entered.set()
        await asyncio.to_thread(self.go_on.wait, 60)
        raise ApplicationError("stopped")

    @activity.defn
    def beat_in_thread(self, times: int) -> None:
        for number in range(times):
            activity.heartbeat(number)
        self.entered.set()
        assert self.go_on.wait(60)
        raise ApplicationError("stopped")
