"""A client for the time of one command."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import update_wrapper
from typing import Any, ParamSpec, TypeVar

from foldlog.cli._command import Settings
from foldlog.client import Client

P = ParamSpec("P")
R = TypeVar("R")


_MOST_PATIENCE = timedelta(seconds=10)
"""How long a broker is waited for at most: one that is away for longer is told of, however long an answer may take."""


@asynccontextmanager
async def connected(settings: Settings, timeout: timedelta | None = None) -> AsyncIterator[Client]:
    """A client with the command's settings, closed at the end.

    Args:
        settings: Where Kafka is.
        timeout: How long the command waits for its answer, and so at most for a broker; None: without limit.

    Raises:
        BrokerUnreachableError: No broker answered in this time, or in 10 s.
        TopicMissingError: The namespace's topics are not there.
        ConfigurationError: An option is wrong or refused.
    """
    async with await Client.connect(
        settings.kafka,
        namespace=settings.namespace,
        codec=settings.codec(),
        connect_timeout=min(timeout or _MOST_PATIENCE, _MOST_PATIENCE),
    ) as client:
        yield client


def asynchronous(function: Callable[P, Coroutine[Any, Any, R]]) -> Callable[P, R]:
    """Let a command be an async function."""

    def command(*args: P.args, **kwargs: P.kwargs) -> R:
        return asyncio.run(function(*args, **kwargs))

    return update_wrapper(command, function)
