"""Waiting for what nobody tells: it is asked for again and again, until it is so or the deadline is over.

Knows nothing of foldlog. What somebody does tell, an event or a future, is awaited itself.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

DEADLINE = 60.0
"""In seconds. It only says that nothing hangs: a busy machine is slow."""
PAUSE = 0.005
LONGEST_PAUSE = 0.1
"""Whoever asks takes time from those who work."""


async def until(condition: Callable[[], Any], what: str, deadline: float = DEADLINE) -> Any:
    """Wait for a condition while the event loop goes on; its value, once that is true.

    Raises:
        AssertionError: It did not come true in time.
    """
    end = time.monotonic() + deadline
    while not (value := condition()):
        assert time.monotonic() < end, f"not in time: {what}"
        await asyncio.sleep(PAUSE)
    return value


async def until_asked(ask: Callable[[], Awaitable[Any]], what: str, deadline: float = DEADLINE) -> Any:
    """Ask again and again, ever less often, until the answer is true; that answer.

    Raises:
        AssertionError: It did not become true in time.
    """
    end, pause = time.monotonic() + deadline, PAUSE
    while not (answer := await ask()):
        assert time.monotonic() < end, f"not in time: {what}"
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE)
    return answer


def wait_until(condition: Callable[[], Any], what: str, deadline: float = DEADLINE) -> Any:
    """Wait for a condition, and hold this thread up; its value, once that is true.

    Raises:
        AssertionError: It did not come true in time.
    """
    end = time.monotonic() + deadline
    while not (value := condition()):
        assert time.monotonic() < end, f"not in time: {what}"
        time.sleep(PAUSE)
    return value
