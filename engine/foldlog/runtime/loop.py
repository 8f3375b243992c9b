"""The deterministic event loop: asyncio for one run of a workflow, with no clock, no sockets and no threads.

It owns the order in which callbacks run, the run's timers and its tasks. Timers become decisions of the host; time is
what the host says. Nothing runs here unless the host lets it, and all that is ready runs before control returns.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import math
import sys
import threading
from asyncio import _get_running_loop, _set_running_loop
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from contextvars import Context, copy_context
from enum import IntEnum
from typing import Any, NoReturn, Protocol, TypeVar, TypeVarTuple, Unpack

from foldlog._durations import LONGEST_MS
from foldlog.runtime.dropping import RunDropped, close_coroutine
from foldlog.runtime.refusals import RefusingLoop
from foldlog.runtime.stack import made_at
from foldlog.workflow._exceptions import ReadOnlyContextError, RestrictedWorkflowAccessError
from foldlog.workflow._tasks import OrderedFuture, OrderedTask

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
ErrorContext = dict[str, Any]
_Outer = tuple[asyncio.AbstractEventLoop, Any]
"""The loop that ran on the thread before, and its hooks for async generators."""

_LOGGER = logging.getLogger("foldlog.workflow")
_TASKS_KEPT = 16
"""Finished tasks are swept out of the list of tasks when it reaches this length, then at twice what is left."""
_DELAY_ERROR_MS = 1e-6
"""Delays in seconds as floats: what is over a whole millisecond by less than this is rounding."""
_TIME_ERROR_MS = 1e-2
"""The same for Unix seconds, which as floats are exact to about 0.0003 ms."""


class Mode(IntEnum):
    """What the code that runs may do."""

    NORMAL = 0
    READ_ONLY = 1
    DROPPING = 2
    """The run is being dropped: nothing it asks for is done."""


class Host(Protocol):
    """Whoever makes something of what happens on the loop."""

    replaying: bool

    def time_ms(self) -> int:
        """The workflow's time, in Unix milliseconds."""

    def start_timer(self, timer: DurableTimer, fire_ms: int) -> int:
        """Decide to start a timer; its ID."""

    def cancel_timer(self, timer: DurableTimer) -> None:
        """Decide to cancel a timer that has not fired."""

    def call_source(self) -> str:
        """Where in the user's code the running call comes from."""

    def log_extra(self) -> Any:
        """What each log record of the workflow carries."""


class ReadyHandle(asyncio.Handle):
    """A callback that runs as soon as those before it have run."""

    __slots__ = ("arguments", "callback", "context")

    def __init__(self, callback: Callable[..., object], arguments: tuple[Any, ...], context: Context) -> None:
        # The base class asks the loop for its debug mode on each call; none of what it sets is needed here.
        self.callback = callback
        self.arguments = arguments
        self.context = context
        self._cancelled = False

    def cancel(self) -> None:
        self._cancelled = True

    def get_context(self) -> Context:
        return self.context

    def _run(self) -> None:
        self.context.run(self.callback, *self.arguments)

    def __repr__(self) -> str:
        return f"<ReadyHandle {self.callback!r}{' cancelled' if self._cancelled else ''}>"


class DurableTimer(asyncio.TimerHandle):
    """A callback that runs when a timer of the history fires."""

    __slots__ = ("batch", "index", "timer_id")

    timer_id: int
    batch: int
    """The activation in which it was started."""
    index: int
    """The place of its decision among those of that activation."""


class DeterministicLoop(RefusingLoop):
    """One run's event loop."""

    __slots__ = (
        "_order",
        "_ready",
        "_serial",
        "_sweep_at",
        "_task_number",
        "_tasks",
        "_timers",
        "foldlog_host",
        "idle",
        "mode",
    )

    _serials = itertools.count(1)

    def __init__(self, host: Host, seed: int) -> None:
        """Make a loop.

        Args:
            host: Makes decisions of timers.
            seed: Where the hashes of tasks start: the same in each replay of the run, different for different runs.
        """
        self.foldlog_host: Any = host
        self.mode = Mode.NORMAL
        self._ready: list[asyncio.Handle] = []
        self.idle: list[asyncio.Future[None]] | None = None
        """Who waits until nothing else can go on; None: nobody."""
        self._timers: dict[int, DurableTimer] = {}
        self._tasks: list[OrderedTask[Any]] = []
        self._sweep_at = _TASKS_KEPT
        self._order = seed
        self._task_number = 0
        self._serial = next(self._serials)

    # ---- for the host

    def enter(self) -> _Outer | None:
        """Become the running loop of this thread.

        Returns:
            What `leave` needs to restore what was before.
        """
        outer = _get_running_loop()
        _set_running_loop(self)
        if outer is not None:
            hooks = sys.get_asyncgen_hooks()
            _install_hooks()
            return outer, hooks
        if not getattr(_thread, "hooked", False):
            _install_hooks()
            _thread.hooked = True
        return None

    def leave(self, outer: _Outer | None) -> None:
        """Stop being the running loop of this thread."""
        if outer is None:
            _set_running_loop(None)
        else:
            _set_running_loop(outer[0])
            sys.set_asyncgen_hooks(*outer[1])

    def run_ready(self) -> None:
        """Run all that is ready, and what becomes ready thereby. Call it between `enter` and `leave`."""
        while self._ready:
            batch = self._ready
            self._ready = []
            for handle in batch:
                if handle._cancelled:
                    continue
                try:
                    if type(handle) is ReadyHandle:
                        handle.context.run(handle.callback, *handle.arguments)
                    else:
                        handle._run()
                except (SystemExit, KeyboardInterrupt):
                    raise
                except BaseException as error:
                    self.call_exception_handler({"message": "exception in a callback", "exception": error})

    def wake_idle(self) -> None:
        """Nothing can go on: those go on who wait for that."""
        waiting, self.idle = self.idle, None
        for future in waiting or ():
            if not future.done():
                future.set_result(None)

    async def until_idle(self) -> None:
        """Wait until nothing else can go on for the event that the code runs for; a cancellation changes nothing."""
        while True:
            idle: asyncio.Future[None] = asyncio.Future(loop=self)
            if self.idle is None:
                self.idle = []
            self.idle.append(idle)
            try:
                return await idle
            except asyncio.CancelledError:
                if not idle.cancelled():
                    raise  # it has just ended; the task is cancelled all the same
                uncancel()

    def fire_timer(self, timer_id: int) -> None:
        """A timer of the history came due. One that was cancelled in the meantime is passed over."""
        timer = self._timers.pop(timer_id, None)
        if timer is not None:
            self._ready.append(timer)

    @property
    def timers(self) -> dict[int, DurableTimer]:
        """Timers that have not fired, by ID."""
        return self._timers

    def unfinished_tasks(self) -> list[OrderedTask[Any]]:
        """Tasks that are not done, in the order in which they were made."""
        return [task for task in self._tasks if not task.done()]

    def drop(self) -> None:
        """End all tasks without letting any of them decide or wait any more."""
        self.mode = Mode.DROPPING
        unfinished = self.unfinished_tasks()
        if unfinished:
            self._end(unfinished)
        self._tasks.clear()
        self._timers.clear()
        self._ready.clear()
        self.idle = None
        self.foldlog_host = None

    def _end(self, tasks: list[OrderedTask[Any]]) -> None:
        outer = self.enter()
        try:
            for task in tasks:
                close_coroutine(task.get_coro())
                waiting_for = task._fut_waiter  # type: ignore[attr-defined]  # no public way to see it
                if waiting_for is not None:
                    waiting_for.cancel()  # breaks the cycle between the two, so that both go at once
        finally:
            self.leave(outer)

    # ---- asyncio's interface

    def call_soon(
        self, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """Run a callback after those that are ready already."""
        handle = ReadyHandle(callback, args, copy_context() if context is None else context)
        if self.mode is Mode.NORMAL:
            self._ready.append(handle)
        elif self.mode is Mode.READ_ONLY:
            self.refuse("start or wake tasks")
        return handle

    def call_later(
        self, delay: float, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Run a callback after a delay in seconds: a durable timer, unless the delay is zero or less."""
        if math.isnan(delay):
            raise ValueError("the delay is not a number (NaN)")
        return self._call_in(delay * 1000, _DELAY_ERROR_MS, callback, args, context)

    def call_at(
        self, when: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Run a callback at a time of the workflow's clock: a durable timer, unless the time is past."""
        if math.isnan(when):
            raise ValueError("the time is not a number (NaN)")
        delay_ms = when * 1000 - self.foldlog_host.time_ms()
        return self._call_in(0 if delay_ms < _TIME_ERROR_MS else delay_ms, _TIME_ERROR_MS, callback, args, context)

    def _call_in(
        self,
        delay_ms: float,
        error_ms: float,
        callback: Callable[..., object],
        args: tuple[Any, ...],
        context: Context | None,
    ) -> asyncio.TimerHandle:
        if self.mode:
            self.refuse("start a timer")
        now_ms = self.foldlog_host.time_ms()
        if delay_ms <= 0:
            soon = asyncio.TimerHandle(now_ms / 1000, callback, args, self, context)
            self._ready.append(soon)
            return soon
        if math.isinf(delay_ms):
            return asyncio.TimerHandle(math.inf, callback, args, self, context)
        fire_ms = now_ms + max(1, math.ceil(min(delay_ms, LONGEST_MS) - error_ms))
        timer = DurableTimer(fire_ms / 1000, callback, args, self, context)
        timer.timer_id = self.foldlog_host.start_timer(timer, fire_ms)
        self._timers[timer.timer_id] = timer
        return timer

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Called by asyncio's handles, also for those that have fired."""
        if isinstance(handle, DurableTimer) and self._timers.get(handle.timer_id) is handle:
            if self.mode is Mode.READ_ONLY:
                self.refuse("cancel a timer")
            del self._timers[handle.timer_id]
            if self.mode is Mode.NORMAL:
                self.foldlog_host.cancel_timer(handle)

    def time(self) -> float:
        """The workflow's clock, in Unix seconds."""
        seconds: float = self.foldlog_host.time_ms() / 1000
        return seconds

    def create_future(self) -> asyncio.Future[Any]:
        """A future of this run."""
        return OrderedFuture(loop=self, order=self.next_order())

    def create_task(
        self,
        coro: Generator[Any, None, T] | Coroutine[Any, Any, T],
        *,
        name: object = None,
        context: Context | None = None,
        **options: Any,
    ) -> asyncio.Task[T]:
        """A task of this run. Its name is the same in each replay."""
        caller = sys._getframe(1)
        if _in_as_completed(caller):
            raise RestrictedWorkflowAccessError(
                "asyncio.as_completed starts coroutines in an order that differs from replay to replay: "
                "use workflow.as_completed, or make tasks of the coroutines first"
            )
        task = self.start_task(coro, name, context, **options)
        task.made_at = made_at(caller)
        return task

    def start_task(
        self,
        coro: Generator[Any, None, T] | Coroutine[Any, Any, T],
        name: object = None,
        context: Context | None = None,
        **options: Any,
    ) -> OrderedTask[T]:
        """As `create_task`, for foldlog itself."""
        if self.mode:
            coro.close()  # it never will be awaited, and Python would say so
            self.refuse("start tasks")
        self._task_number += 1  # also for tasks with names: some versions of asyncio name them afterwards
        if name is None:
            name = f"Task-{self._task_number}"
        task = OrderedTask(coro, loop=self, order=self.next_order(), name=str(name), context=context, **options)
        self.add_task(task)
        return task

    def refuse(self, what: str) -> NoReturn:
        """Refuse what the mode does not allow.

        Raises:
            ReadOnlyContextError: A query handler runs.
            RunDropped: The run is being dropped.
        """
        if self.mode is Mode.READ_ONLY:
            raise ReadOnlyContextError(
                f"While in read-only function, action attempted: {what}. Handlers of queries and validators may only "
                "look and return."
            )
        raise RunDropped

    def next_order(self) -> int:
        """The hash of the next task or future."""
        self._order += 1
        return self._order

    def add_task(self, task: OrderedTask[Any]) -> None:
        """Keep a task alive: asyncio itself holds tasks only weakly."""
        if len(self._tasks) >= self._sweep_at:
            self._tasks = self.unfinished_tasks()
            self._sweep_at = max(_TASKS_KEPT, 2 * len(self._tasks))
        self._tasks.append(task)
        if self.foldlog_host.replaying:
            task.source = self.foldlog_host.call_source()

    def get_debug(self) -> bool:
        """Never: asyncio's debug mode looks at the real clock."""
        return False

    def is_running(self) -> bool:
        """Always, as far as code that can ask is concerned."""
        return True

    def is_closed(self) -> bool:
        """Never, as far as code that can ask is concerned."""
        return False

    def get_task_factory(self) -> None:
        """There is none."""

    def get_exception_handler(self) -> None:
        """There is none: see `call_exception_handler`."""

    def set_exception_handler(self, handler: Any) -> None:
        """Refused: the handler would be called when Python collects garbage, which no replay repeats."""
        raise RestrictedWorkflowAccessError("a workflow cannot set an exception handler: catch exceptions in its tasks")

    def default_exception_handler(self, context: ErrorContext) -> None:
        """Log an exception that nobody has taken, such as that of a task that nobody awaits."""
        error = context.get("exception")
        details = {key: value for key, value in context.items() if key not in ("message", "exception")}
        message = context.get("message", "unhandled exception")
        _LOGGER.error("%s: %s", message, details, exc_info=error, extra=self.foldlog_host.log_extra())

    def call_exception_handler(self, context: ErrorContext) -> None:
        """As `default_exception_handler`, but silent in replay and when the run is dropped."""
        if self.foldlog_host is not None and not self.foldlog_host.replaying and self.mode is not Mode.DROPPING:
            self.default_exception_handler(context)


_ASYNCIO_TASKS = asyncio.ensure_future.__code__.co_filename


def _in_as_completed(frame: Any) -> bool:
    """Whether a task is being made for a coroutine that was given to asyncio.as_completed."""
    while frame is not None and frame.f_code.co_filename == _ASYNCIO_TASKS:
        if frame.f_code.co_name == "as_completed":
            return True
        frame = frame.f_back
    return False


# ---- async generators
#
# An async generator that is left before its end has to be closed by the loop that ran it. Python tells whoever is
# registered on the thread when it begins, by a first call, and when it is thrown away, by a second one. The second may
# come from the garbage collector in the middle of another run, so it is noted down which loop each belongs to.

_thread = threading.local()
_asyncgen_loops: dict[int, int] = {}
"""Serial number of the loop that an async generator began on, by its id. What stays behind is overwritten on reuse."""


def _install_hooks() -> None:
    sys.set_asyncgen_hooks(firstiter=_on_asyncgen_begin, finalizer=_on_asyncgen_end)


def _on_asyncgen_begin(generator: AsyncGenerator[Any, Any]) -> None:
    loop = _get_running_loop()
    if isinstance(loop, DeterministicLoop):
        _asyncgen_loops[id(generator)] = loop._serial


def _on_asyncgen_end(generator: AsyncGenerator[Any, Any]) -> None:
    serial = _asyncgen_loops.pop(id(generator), 0)
    loop = _get_running_loop()
    if isinstance(loop, DeterministicLoop) and loop._serial == serial and loop.mode is Mode.NORMAL:
        loop.start_task(generator.aclose(), "close an async generator")


def uncancel() -> None:
    """A cancellation has been made something of: the next await must not raise it again."""
    task = asyncio.current_task()
    if task is not None:
        task.uncancel()
