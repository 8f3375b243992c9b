"""The threads that activities run in which are not async, unless the worker is given an executor.

Owns the way to a thread and back, which is a good part of what a short activity costs. The standard pool makes a future
with a lock for each call, which asyncio watches by a second one, and both threads go on working after each has woken
the other, so that they wait for the interpreter's lock by turns. Here one object goes there and back, and to hand it
over is the last that either thread does. `benchmarks.activities` shows the difference.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Executor, Future
from contextvars import Context, copy_context
from queue import SimpleQueue
from typing import Any

_SHUT_DOWN = "the worker's threads are shut down"


class ThreadCall:
    """A call of a function in a thread, to be awaited once, on the event loop that made it.

    Does what a task asks of a future, see PEP 3156, but for one thing: the task goes on at once when the loop hears
    that the call is over, not a round of the loop later. All but `run` belongs to the loop's thread.
    """

    __slots__ = ("_asyncio_future_blocking", "_error", "_loop", "_over", "_result", "_unclaimed", "_waiter")

    def __init__(self, loop: asyncio.AbstractEventLoop, function: Callable[[], Any]) -> None:
        self._asyncio_future_blocking = False
        self._loop = loop
        self._unclaimed = [function]
        """Whoever pops it has it, which is one bytecode: a thread, to run it, or the loop, so that no thread does."""
        self._result: Any = None
        self._error: BaseException | None = None
        self._over = False
        self._waiter: tuple[Callable[[ThreadCall], object], Context] | None = None

    def run(self) -> bool:
        """Call the function, in this thread. False: it was taken back before."""
        try:
            function = self._unclaimed.pop()
        except IndexError:
            return False
        try:
            self._result = function()
        except BaseException as error:
            self._error = error
        return True

    def finish(self) -> None:
        """It is over: let the task go on."""
        if self._over:
            return  # Its task was cancelled meanwhile.
        self._over = True
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
        self._over = True
        self._error = asyncio.CancelledError(message) if message else asyncio.CancelledError()
        waiter, self._waiter = self._waiter, None
        if waiter is not None:
            callback, context = waiter
            self._loop.call_soon(callback, self, context=context)

    # ---- what a task asks of a future

    def __await__(self) -> Generator[ThreadCall, None, Any]:
        if not self._over:
            self._asyncio_future_blocking = True
            yield self
        return self.result()

    __iter__ = __await__

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """Where it was made."""
        return self._loop

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
        if self._over:
            return False
        self._unclaimed.clear()
        self._abandon(msg)
        return True


class ActivityThreads(Executor):
    """A pool of threads for one event loop. A thread is made when all others are busy, and stays.

    The threads do not keep a program from ending that never shuts its worker down.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, max_workers: int) -> None:
        """Make a pool.

        Args:
            loop: Makes the calls, in its thread.
            max_workers: How many threads there are at most.
        """
        self._loop = loop
        self._max_workers = max_workers
        self._threads: list[threading.Thread] = []
        self._calls: SimpleQueue[ThreadCall | None] = SimpleQueue()
        self._open = 0
        """Calls that the loop has not heard the end of."""
        self._over: deque[ThreadCall] = deque()
        """Those that are over, which the loop is to hear of."""
        self._told = False
        """Whether the loop has been told that there are some."""
        self._closed = False

    def call(self, function: Callable[[], Any]) -> ThreadCall:
        """Call a function in a thread.

        Raises:
            RuntimeError: The pool is shut down.
        """
        if self._closed:
            raise RuntimeError(_SHUT_DOWN)
        self._open += 1
        if self._open > len(self._threads) < self._max_workers:
            self._begin_thread()
        call = ThreadCall(self._loop, function)
        self._calls.put(call)
        return call

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """As of any executor, on any thread: for interceptors, which are given it as the activity's executor."""
        if self._closed:
            raise RuntimeError(_SHUT_DOWN)
        future: Future[Any] = Future()

        def run() -> None:
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(fn(*args, **kwargs))
                except BaseException as error:
                    future.set_exception(error)

        def begin() -> None:
            try:
                call = self.call(run)
            except RuntimeError as error:
                future.set_exception(error)
            else:
                # Changes nothing, unless the call was taken back.
                call.add_done_callback(lambda _: future.cancel(), context=copy_context())

        self._loop.call_soon_threadsafe(begin)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the threads, each after what it runs.

        Args:
            wait: Whether to wait for that.
            cancel_futures: Whether what has not begun is left out.
        """
        self._closed = True
        while cancel_futures and not self._calls.empty():
            if (call := self._calls.get_nowait()) is not None:
                self._loop.call_soon_threadsafe(call.take_back)
        for _ in self._threads:
            self._calls.put(None)
        if wait:
            for thread in self._threads:
                thread.join()

    def _begin_thread(self) -> None:
        name = f"foldlog-activity_{len(self._threads)}"
        thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            call.run()
            self._over.append(call)
            del call  # not kept while there is nothing to do
            if not self._told:
                self._told = True
                try:
                    self._loop.call_soon_threadsafe(self._hear)
                except RuntimeError:
                    return  # The loop has ended, and with it whoever waits.

    def _hear(self) -> None:
        # First: whatever is over from here on either is seen below or tells the loop again.
        self._told = False
        try:
            while self._over:
                self._open -= 1
                self._over.popleft().finish()
        finally:
            if self._over and not self._told:
                self._told = True
                self._loop.call_soon(self._hear)  # a task was told to exit
