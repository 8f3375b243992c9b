"""Tasks and futures whose hash comes out the same in each replay, so that sets of them have the same order."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from contextvars import Context
from types import CodeType
from typing import Any, TypeVar

T = TypeVar("T")


class OrderedTask(asyncio.Task[T]):
    """A task of a workflow.

    asyncio keeps tasks in sets (wait, TaskGroup), and the order of a set follows the hashes. By default that is the
    address in memory: tasks would be cancelled, and so decisions made, in another order in each replay.
    """

    __slots__ = ("_order", "made_at", "source")

    def __init__(
        self,
        coro: Generator[Any, None, T] | Coroutine[Any, Any, T],
        *,
        loop: asyncio.AbstractEventLoop,
        order: int,
        name: str,
        context: Context | None = None,
        **options: Any,
    ) -> None:
        self._order = order  # first, since asyncio hashes the task when it registers it
        self.made_at: tuple[CodeType, int] | None = None
        """Code and line that made it; None if foldlog did."""
        self.source = ""
        """Where it was made; kept only while replaying."""
        super().__init__(coro, loop=loop, name=name, context=context, **options)
        # A workflow that waits is dropped at any time, and goes on elsewhere: nothing that asyncio should warn of.
        self._log_destroy_pending = False

    def __hash__(self) -> int:
        return self._order


class OrderedFuture(asyncio.Future[T]):
    """A future of a workflow."""

    __slots__ = ("_order",)

    def __init__(self, *, loop: asyncio.AbstractEventLoop, order: int) -> None:
        self._order = order
        super().__init__(loop=loop)

    def __hash__(self) -> int:
        return self._order
