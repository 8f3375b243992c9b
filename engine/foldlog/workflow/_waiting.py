"""`wait` and `as_completed` that keep the order of what they are given; asyncio's own return sets.

Tasks of a workflow have hashes that come out the same in each replay, so asyncio's functions can be used with tasks.
These two are for what cannot be given such a hash: coroutines, and the results of `asyncio.gather`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine, Generator, Iterable, Iterator
from typing import Any, TypeVar

__all__ = ["as_completed", "wait"]

T = TypeVar("T")
F = TypeVar("F", bound=asyncio.Future[Any])

_RETURN_WHEN = (asyncio.FIRST_COMPLETED, asyncio.FIRST_EXCEPTION, asyncio.ALL_COMPLETED)


async def wait(
    fs: Iterable[F], *, timeout: float | None = None, return_when: str = asyncio.ALL_COMPLETED
) -> tuple[list[F], list[F]]:
    """As `asyncio.wait`, but returns lists in the order of `fs`.

    Args:
        fs: Tasks or futures; not coroutines.
        timeout: Seconds after which to return what there is; a durable timer.
        return_when: asyncio.FIRST_COMPLETED, FIRST_EXCEPTION or ALL_COMPLETED.

    Returns:
        Those that are done, and those that are not.

    Raises:
        ValueError: There are none, or `return_when` is none of the three.
        TypeError: One of them is a coroutine.
    """
    futures = list(dict.fromkeys(_several(fs)))
    if not futures:
        raise ValueError("nothing to wait for: the list of tasks is empty")
    if return_when not in _RETURN_WHEN:
        raise ValueError(f"return_when is {return_when!r}; it must be one of {', '.join(_RETURN_WHEN)}")
    if any(asyncio.iscoroutine(future) for future in futures):
        raise TypeError("coroutines cannot be waited for: make tasks of them with asyncio.create_task")
    await _Waiter(futures, return_when).wait(timeout)
    return [future for future in futures if future.done()], [future for future in futures if not future.done()]


class _Waiter:
    """Wakes its task when enough of the futures are done."""

    def __init__(self, futures: list[Any], return_when: str) -> None:
        self._pending = [future for future in futures if not future.done()]
        self._count = len(self._pending)
        self._return_when = return_when
        self._enough = asyncio.get_running_loop().create_future()
        if self._count == 0 or any(self._ends(future) for future in futures if future.done()):
            self._enough.set_result(None)

    def _ends(self, future: asyncio.Future[Any]) -> bool:
        if self._return_when == asyncio.FIRST_COMPLETED:
            return True
        failed = not future.cancelled() and future.exception() is not None
        return self._return_when == asyncio.FIRST_EXCEPTION and failed

    def _on_done(self, future: asyncio.Future[Any]) -> None:
        self._count -= 1
        if self._count == 0 or self._ends(future):
            self._release()

    def _release(self) -> None:
        if not self._enough.done():
            self._enough.set_result(None)

    async def wait(self, timeout: float | None) -> None:
        if self._enough.done():
            return
        timer = None if timeout is None else asyncio.get_running_loop().call_later(timeout, self._release)
        for future in self._pending:
            future.add_done_callback(self._on_done)
        try:
            await self._enough
        finally:
            if timer is not None:
                timer.cancel()
            for future in self._pending:
                future.remove_done_callback(self._on_done)


def as_completed(fs: Iterable[Awaitable[T]], *, timeout: float | None = None) -> Iterator[Coroutine[object, None, T]]:
    """As `asyncio.as_completed`, but coroutines among `fs` start in their order.

    Args:
        fs: Awaitables.
        timeout: Seconds after which those still running raise TimeoutError; a durable timer.

    Yields:
        As many coroutines as there are awaitables; each gives the next result.
    """
    return _as_completed(_several(fs), timeout)


def _as_completed(fs: list[Awaitable[T]], timeout: float | None) -> Generator[Coroutine[object, None, T], None, None]:
    loop = asyncio.get_running_loop()
    done: asyncio.Queue[asyncio.Future[T] | None] = asyncio.Queue()
    pending: dict[asyncio.Future[T], None] = dict.fromkeys(asyncio.ensure_future(f, loop=loop) for f in fs)
    count = len(pending)

    def on_done(future: asyncio.Future[T]) -> None:
        del pending[future]
        done.put_nowait(future)
        if not pending and timer is not None:
            timer.cancel()

    def on_timeout() -> None:
        for future in pending:
            future.remove_done_callback(on_done)
            done.put_nowait(None)

    async def next_result() -> T:
        future = await done.get()
        if future is None:
            raise TimeoutError
        return future.result()

    timer = None if timeout is None or not pending else loop.call_later(timeout, on_timeout)
    for future in pending:
        future.add_done_callback(on_done)
    for _ in range(count):
        yield next_result()


def _several(fs: Iterable[T]) -> list[T]:
    if asyncio.isfuture(fs) or asyncio.iscoroutine(fs):
        raise TypeError(f"an iterable of awaitables is needed, not one {type(fs).__name__}")
    return list(fs)
