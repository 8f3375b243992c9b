"""Activities in a process pool: what they are told, and what they tell, across the boundary.

Owns a manager process with a queue of heartbeats and the set of attempts that are to stop, unless the user gives one.
It is started with the worker, by `spawn`: a fork of a process with Kafka's threads in it may hang. The executor is the
user's.

Code in another process cannot be interrupted: it learns of its cancellation by `activity.is_cancelled()` or
`wait_for_cancelled_sync()`.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import multiprocessing
import pickle
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from foldlog.activity import Info
from foldlog.activity._context import ActivityCancellationDetails, Context
from foldlog.activity._latch import Latch
from foldlog.converter import PayloadConverter, SerializationContext
from foldlog.converter._context import in_context
from foldlog.schemas.common import Payload
from foldlog.worker.attempt import Attempt

if TYPE_CHECKING:  # few have a pool of processes, and all would import it
    from multiprocessing.managers import SyncManager

_log = logging.getLogger(__name__)

_POLL_SECONDS = 0.1
_SHUTDOWN = -1
"""Key of the worker's own shutdown among the attempts that are to stop."""


class ProcessBridge:
    """The worker's end."""

    def __init__(self, payload_converter_class: type[PayloadConverter], manager: SyncManager | None = None) -> None:
        """Make one.

        Args:
            payload_converter_class: Of the converter in the other processes.
            manager: Somebody else's, to be used in place of one of our own.
        """
        self._payload_converter_class = payload_converter_class
        self._given = manager
        self._manager: SyncManager | None = None
        self._closed = False
        self._lock = threading.Lock()
        self._heartbeats: Any = None
        self._stopped: Any = None
        self._shared = b""
        """Both of them, for other processes: see `_proxies`."""
        self._attempts: dict[int, Attempt] = {}
        self._ends: dict[int, Future[None]] = {}
        """Of calls that failed and whose heartbeats may be on their way."""
        self._reading = False
        self._numbers = itertools.count()
        self._reader: threading.Thread | None = None
        self._starting: asyncio.Future[None] | None = None

    def submit(
        self, executor: Executor, attempt: Attempt, info: Info, function: Callable[..., Any], args: list[Any]
    ) -> tuple[Future[Any], Future[None]]:
        """Have another process call a function. After `start`.

        Returns:
            What it comes to; and what ends once it has ended and, if it failed, all its heartbeats are here.
        """
        number = next(self._numbers)
        self._attempts[number] = attempt
        attempt.on_cancel = lambda details: self._stopped.update({number: details})
        future = executor.submit(
            _call_in_process,
            number,
            info,
            self._payload_converter_class,
            attempt.conversion.context,
            self._shared,
            function,
            args,
        )
        arrived: Future[None] = Future()
        future.add_done_callback(partial(self._ended, number, arrived))
        return future, arrived

    def notify_shutdown(self) -> None:
        """Tell the other processes that the worker begins to stop."""
        if self._stopped is not None:
            self._stopped.update({_SHUTDOWN: None})

    def close(self) -> None:
        """End the manager process, if it is ours."""
        with self._lock:
            self._closed = True
            manager, self._manager = self._manager, None
        if manager is not None and self._reader is not None:
            self._heartbeats.put(None)
            self._reader.join()
            if manager is not self._given:
                manager.shutdown()

    async def start(self) -> None:
        """Start the manager process, the first time. It goes on if whoever waits for it does not, as it is for all."""
        if self._starting is None or (self._starting.done() and self._starting.exception() is not None):
            self._starting = asyncio.ensure_future(asyncio.to_thread(self._start))
        await asyncio.shield(self._starting)

    def _start(self) -> None:
        manager = self._given or multiprocessing.get_context("spawn").Manager()
        heartbeats, stopped = manager.Queue(), manager.dict()
        with self._lock:
            if not self._closed:
                self._reading = True
                self._shared = pickle.dumps((heartbeats, stopped))
                self._manager, self._heartbeats, self._stopped = manager, heartbeats, stopped
                self._reader = threading.Thread(target=self._read, name="foldlog-process-heartbeats", daemon=True)
                self._reader.start()
                return
        if manager is not self._given:
            manager.shutdown()

    def _read(self) -> None:
        try:
            while item := self._next():
                number, details = item
                if details is None:
                    self._all_here(number)
                elif number in self._attempts:
                    self._attempts[number].heartbeat(details)
        finally:
            with self._lock:
                self._reading = False
            for number in list(self._ends):
                self._all_here(number)

    def _next(self) -> tuple[int, list[Payload] | None] | None:
        """The next heartbeat, or its call's end; None: there is nothing more."""
        try:
            item: tuple[int, list[Payload] | None] | None = self._heartbeats.get()
        except (EOFError, OSError):
            _log.warning("the manager process has ended: activities in other processes send no more heartbeats")
            return None
        return item

    def _ended(self, number: int, arrived: Future[None], future: Future[Any]) -> None:
        """A call has ended. A failure goes with the newest heartbeat, which may still be in the queue."""
        with self._lock:
            wait = self._reading and not future.cancelled() and future.exception() is not None
            self._ends[number] = arrived
        if wait:
            try:
                self._heartbeats.put((number, None))
            except (EOFError, OSError):
                wait = False  # The manager has ended.
        if not wait:
            self._all_here(number)

    def _all_here(self, number: int) -> None:
        self._forget(number)
        arrived = self._ends.pop(number, None)
        if arrived is not None:
            arrived.set_result(None)

    def _forget(self, number: int) -> None:
        attempt = self._attempts.pop(number, None)
        if attempt is not None and attempt.cancel_reason is not None:
            try:
                self._stopped.pop(number, None)
            except (EOFError, OSError):
                return  # The manager has ended, and its dictionary with it.


class _RemoteLatch(Latch):
    """Whether the worker has put a number among those that are to stop. Not for event loops."""

    __slots__ = ("_number", "_on_set", "_stopped")

    def __init__(self, stopped: Any, number: int, on_set: Callable[[Any], None] | None = None) -> None:
        super().__init__()
        self._stopped = stopped
        self._number = number
        self._on_set = on_set

    def is_set(self) -> bool:
        if not self._set and self._number in self._stopped:
            self._set = True
            if self._on_set is not None:
                self._on_set(self._stopped[self._number])
        return self._set

    def wait_sync(self, timeout: float | None = None) -> bool:
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self.is_set():
            left = _POLL_SECONDS if deadline is None else min(deadline - time.monotonic(), _POLL_SECONDS)
            if left <= 0:
                return False
            time.sleep(left)
        return True


@cache
def _payload_converter(payload_converter_class: type[PayloadConverter]) -> PayloadConverter:
    """The other process's own one: converters need not be picklable."""
    return payload_converter_class()


@cache
def _proxies(shared: bytes) -> tuple[Any, Any]:
    """The queue of heartbeats and those that are to stop, kept for as long as this process lives.

    Where a proxy goes, it may close the thread's connection although another one of the same object is just sending:
    heartbeats failed when the garbage collector found the proxies of an earlier call.
    """
    heartbeats, stopped = pickle.loads(shared)
    return heartbeats, stopped


def _call_in_process(
    number: int,
    info: Info,
    payload_converter_class: type[PayloadConverter],
    context_of_payloads: SerializationContext | None,
    shared: bytes,
    function: Callable[..., Any],
    args: list[Any],
) -> Any:
    heartbeats, stopped = _proxies(shared)
    payload_converter = _payload_converter(payload_converter_class)
    if context_of_payloads is not None:
        payload_converter = in_context(payload_converter, context_of_payloads)

    def heartbeat(*details: Any) -> None:
        heartbeats.put((number, payload_converter.to_payloads(details)))

    def cancelled(details: ActivityCancellationDetails) -> None:
        context.cancellation_details = details

    context = Context(
        info,
        heartbeat=heartbeat,
        worker_shutdown=_RemoteLatch(stopped, _SHUTDOWN),
        payload_converter=payload_converter,
        metric_meter=None,
    )
    context.cancelled = _RemoteLatch(stopped, number, cancelled)
    token = Context.set(context)
    try:
        return function(*args)
    except StopIteration as error:
        raise RuntimeError(f"the activity raised StopIteration: {error.value!r}") from error
    finally:
        Context.reset(token)
