"""Time, random numbers and waiting, as they come out the same in each replay."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

from foldlog.workflow._runtime import Runtime, current

__all__ = [
    "new_random",
    "now",
    "random",
    "random_seed",
    "register_random_seed_callback",
    "sleep",
    "time",
    "time_ns",
    "uuid4",
    "uuid7",
    "wait_condition",
]

_SHORTEST = 0.001
"""Seconds: timers are exact to the millisecond."""


def now() -> datetime:
    """The workflow's time in UTC: when the event happened that the code now runs for."""
    return datetime.fromtimestamp(current().time_ms() / 1000, UTC)


def time() -> float:
    """The workflow's time in Unix seconds, as `time.time()` elsewhere."""
    return current().time_ms() / 1000


def time_ns() -> int:
    """The workflow's time in Unix nanoseconds; it is exact to the millisecond."""
    return current().time_ms() * 1_000_000


def random() -> Random:
    """The run's own random numbers: seeded by the run ID, the same in each replay."""
    return current().random()


def random_seed() -> int:
    """A number that belongs to the run, to seed sources of random numbers with that are not Python's."""
    return current().random_seed()


def register_random_seed_callback(callback: Callable[[int], None]) -> None:
    """Be told when the seed changes. It never does, since there are no resets yet.

    Args:
        callback: Would be called with the new seed.
    """
    current().register_random_seed_callback(callback)


def new_random(name: str | None = None) -> Random:
    """A further source of random numbers.

    Args:
        name: Seeds it, together with the run's ID: the same name gives the same numbers, whatever else the run has
            drawn. None: it is seeded by a number drawn from `random()`.
    """
    return current().new_random(name)


def uuid4() -> UUID:
    """A UUID that is the same in each replay. Not for secrets: who knows the run ID can work it out."""
    return UUID(int=current().random().getrandbits(128), version=4)


def uuid7() -> UUID:
    """As `uuid4`, but one that begins with the workflow's time, so that later ones sort after earlier ones.

    Those of the same millisecond are in no order.
    """
    runtime = current()
    random = runtime.random()
    # RFC 9562: 48 bits of time, 4 of version, 12 random ones, 2 of variant, 62 random ones. Before Python 3.14, UUID
    # itself sets no version above 5.
    begin = (runtime.time_ms() << 80) | (7 << 76) | (random.getrandbits(12) << 64)
    return UUID(int=begin | (0b10 << 62) | random.getrandbits(62))


def sleep(duration: float | timedelta, *, summary: str | None = None) -> Coroutine[object, None, None]:
    """Wait for a time; a durable timer, as `asyncio.sleep` is in workflows.

    Args:
        duration: Seconds, or a timedelta. Zero is a timer too, the shortest that there is, so that the code gives way
            to what has come for the workflow meanwhile; `asyncio.sleep(0)` only lets its other tasks run.
        summary: One line for people, in the history's `TimerStarted`.

    Raises:
        RuntimeError: The duration is negative.
    """
    runtime = current()
    seconds = duration.total_seconds() if isinstance(duration, timedelta) else duration
    return asyncio.sleep(seconds) if summary is None and seconds > 0 else _sleep(runtime, seconds, summary)


async def _sleep(runtime: Runtime, seconds: float, summary: str | None) -> None:
    if seconds < 0:
        raise RuntimeError(f"workflow.sleep cannot wait for a negative time: {seconds:g} s")
    loop = asyncio.get_running_loop()
    over: asyncio.Future[None] = loop.create_future()
    timer = loop.call_later(seconds or _SHORTEST, _wake, over)
    try:
        if summary is not None:
            runtime.summarize_timer(timer, summary)
        await over
    finally:
        timer.cancel()


_sleep.__qualname__ = "workflow.sleep"  # what Python names when it warns that it was never awaited


def _wake(over: asyncio.Future[None]) -> None:
    if not over.done():
        over.set_result(None)


def wait_condition(
    fn: Callable[[], bool], *, timeout: timedelta | float | None = None, timeout_summary: str | None = None
) -> Coroutine[object, None, None]:
    """Wait until a condition holds.

    It is looked at when awaited and after each event that the workflow is told of, until nothing moves any more. It
    still holds when the caller goes on, whatever other tasks wait for it.

    Args:
        fn: The condition; it must be quick, must change nothing and cannot decide anything.
        timeout: Seconds, or a timedelta, after which to give up; None waits for ever. A timeout is a durable timer.
        timeout_summary: One line for people, in the `TimerStarted` of the timeout.

    Raises:
        TimeoutError: The time is over.
    """
    seconds = timeout.total_seconds() if isinstance(timeout, timedelta) else timeout
    return current().wait_condition(fn, seconds, timeout_summary)
