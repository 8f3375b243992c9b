"""The threads that activities run in which are not async, unless the worker is given an executor.

Owns the way to a thread and back, which is a good part of what a short activity costs. The standard pool makes a future
with a lock for each call, which asyncio watches by a second one, and both threads go on working after each has woken
the other, so that they wait for the interpreter's lock by turns. Here one object goes there and back, and to hand it
over is the last that either thread does. `benchmarks.activities` shows the difference.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import weakref
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Executor, Future
from contextvars import Context, copy_context
from functools import partial
from typing import Any

_SHUT_DOWN = "the worker's threads are shut down"


class ThreadCall:
    """A call of a function in a thread, to be awaited once, by a task of the event loop that made it.

    Does what a task asks of a future, see PEP 3156, but for one thing: the task goes on at once when the loop hears
    that the call is over, not a round of the loop later. Nothing else of a future: `asyncio.wait` and `shield` cannot
    take it. All but `run` belongs to the loop's thread.
    """

    __slots__ = ("_asyncio_future_blocking", "_error", "_is_over", "_pool", "_result", "_unclaimed", "_waiter")

    def __init__(self, pool: ActivityThreads, function: Callable[[], Any]) -> None:
        self._asyncio_future_blocking = False
        self._pool = pool
        self._unclaimed = [function]
        """Whoever pops it has it: a thread, to run it, or the loop, so that no thread does. `list.pop` is atomic."""
        self._result: Any = None
        self._error: BaseException | None = None
        self._is_over = False
        self._waiter: tuple[Callable[[ThreadCall], object], Context] | None = None

    def run(self) -> None:
        """Call the function, in this thread, unless it was taken back before; then tell the pool."""
        try:
            function = self._unclaimed.pop()
        except IndexError:
            pass
        else:
            try:
                self._result = function()
            except BaseException as error:
                self._error = error
            finally:
                del function  # the frames of an error's traceback lead to this one
        self._pool.ended(self)

    def finish(self) -> None:
        """It is over: let the task go on."""
        if self._is_over:
            return  # Its task was cancelled meanwhile.
        self._is_over = True
        waiter, self._waiter = self._waiter, None
        if waiter is not None:
            callback, context = waiter
            context.run(callback, self)

    def take_back(self) -> bool:
        """Do not call the function, unless that has begun; whoever awaits it is cancelled. False: it has begun."""
        try:
            self._unclaimed.pop()
        except IndexError:
            return False
        self._abandon("")
        return True

    def _abandon(self, message: Any) -> None:
        self._is_over = True
        self._error = asyncio.CancelledError(message) if message else asyncio.CancelledError()
        waiter, self._waiter = self._waiter, None
        if waiter is not None:
            callback, context = waiter
            self.get_loop().call_soon(callback, self, context=context)

    # ---- what a task asks of a future

    def __await__(self) -> Generator[ThreadCall, None, Any]:
        if not self._is_over:
            self._asyncio_future_blocking = True
            yield self
        return self.result()

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """Where it was made."""
        return self._pool.loop

    def result(self) -> Any:
        """What the function returned.

        Raises:
            BaseException: What it raised.
        """
        if self._error is not None:
            try:
                raise self._error
            finally:
                self._error = None  # its traceback has this frame
        return self._result

    def add_done_callback(self, callback: Callable[[ThreadCall], object], *, context: Context) -> None:
        """Call it when the call is over."""
        self._waiter = callback, context

    def cancel(self, msg: Any = None) -> bool:
        """Wait no longer, also if the function has begun; that goes on then."""
        if self._is_over:
            return False
        self._unclaimed.clear()
        self._abandon(msg)
        return True


class ActivityThreads(Executor):
    """A pool of threads for one event loop. A thread is made when all others are busy, and stays.

    The threads do not keep a program from ending that never shuts its worker down.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, max_workers: int) -> None:
        """Make a pool, in the loop's thread.

        Args:
            loop: Makes the calls.
            max_workers: How many threads there are at most.
        """
        self.loop = loop
        self._loops_thread = threading.get_ident()
        self._max_workers = max_workers
        self._threads: list[threading.Thread] = []
        self._calls: queue.SimpleQueue[ThreadCall | None] = queue.SimpleQueue()
        self._open = 0
        """Calls that the loop has not heard the end of."""
        self._ended: deque[ThreadCall] = deque()
        """Those that are over, which the loop is to hear of."""
        self._told = False
        """Whether the loop has been told that there are some."""
        self._closed = False
        # Of a pool that nobody shuts down, too.
        weakref.finalize(self, _end, self._calls, self._threads).atexit = False

    def call(self, function: Callable[[], Any]) -> ThreadCall:
        """Call a function in a thread. In the loop's thread.

        Raises:
            RuntimeError: The pool is shut down, or there is no thread and none can be made.
        """
        if self._closed:
            raise RuntimeError(_SHUT_DOWN)
        if self._open >= len(self._threads) < self._max_workers:
            self._begin_thread()
        self._open += 1
        call = ThreadCall(self, function)
        self._calls.put(call)
        return call

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """As of any executor, on any thread: for interceptors, which are given it as the activity's executor."""
        if self._closed:
            raise RuntimeError(_SHUT_DOWN)
        future: Future[Any] = Future()
        begin = partial(self._submitted, future, partial(fn, *args, **kwargs))
        if threading.get_ident() == self._loops_thread:
            begin()
        else:
            self.loop.call_soon_threadsafe(begin)
        return future

    def _submitted(self, future: Future[Any], function: Callable[[], Any]) -> None:
        try:
            call = self.call(partial(_fulfil, future, function))
        except RuntimeError as error:
            future.set_exception(error)
        else:
            # Changes nothing, unless the call was taken back.
            call.add_done_callback(lambda _: future.cancel(), context=copy_context())

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the threads, each after what it runs. In the loop's thread; only to wait once more, in any.

        Args:
            wait: Whether to wait for that.
            cancel_futures: Whether what has not begun is left out.
        """
        if not self._closed:
            self._closed = True
            if cancel_futures:
                self._take_back_all()
            _end(self._calls, self._threads)
        if wait:
            for thread in self._threads:
                thread.join()

    def _take_back_all(self) -> None:
        while True:
            try:
                call = self._calls.get_nowait()
            except queue.Empty:
                return
            if call is not None:
                call.take_back()

    def _begin_thread(self) -> None:
        name = f"foldlog-activity_{len(self._threads)}"
        thread = threading.Thread(target=_work, args=(self._calls,), name=name, daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the system has no more of them just now
            if not self._threads:
                raise
        else:
            self._threads.append(thread)

    def ended(self, call: ThreadCall) -> None:
        """A call is over. In its thread, for `ThreadCall.run`."""
        self._ended.append(call)
        if not self._told:
            self._told = True
            try:
                self.loop.call_soon_threadsafe(self._hear)
            except RuntimeError:
                return  # The loop has ended, and with it whoever waits.

    def _hear(self) -> None:
        # First: whatever is over from here on either is seen below or tells the loop again.
        self._told = False
        try:
            while self._ended:
                self._open -= 1
                self._ended.popleft().finish()
        finally:
            if self._ended and not self._told:
                self._told = True
                self.loop.call_soon(self._hear)  # a task was told to exit


def _work(calls: queue.SimpleQueue[ThreadCall | None]) -> None:
    """What a thread does. It keeps no pool alive while there is nothing to do."""
    while (call := calls.get()) is not None:
        call.run()
        del call


def _end(calls: queue.SimpleQueue[ThreadCall | None], threads: list[threading.Thread]) -> None:
    for _ in threads:
        calls.put(None)


def _fulfil(future: Future[Any], function: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = function()
    except BaseException as error:
        future.set_exception(error)
        del future  # the error's traceback has this frame
    else:
        future.set_result(result)
