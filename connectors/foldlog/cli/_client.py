"""A client for the time of one command."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import update_wrapper
from typing import Any, ParamSpec, TypeVar

from foldlog.cli._command import Settings
from foldlog.client import Client

P = ParamSpec("P")
R = TypeVar("R")


@asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[Client]:
    """A client with the command's settings, closed at the end."""
    async with await Client.connect(settings.kafka, namespace=settings.namespace, codec=settings.codec()) as client:
        yield client


def asynchronous(function: Callable[P, Coroutine[Any, Any, R]]) -> Callable[P, R]:
    """Let a command be an async function."""

    def command(*args: P.args, **kwargs: P.kwargs) -> R:
        return asyncio.run(function(*args, **kwargs))

    return update_wrapper(command, function)
