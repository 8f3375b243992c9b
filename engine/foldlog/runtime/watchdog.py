"""The watchdog: interrupts workflow code that does not come to an await, so that its partition can go on.

Owns one thread per process that looks at the threads on which workflow code runs. It knows nothing of workflows but the
name that it is given. What it raises is raised only while a call that it watches is under way: see `_Slot`.

A Python thread can be interrupted between two bytecodes only. Code that blocks in C (a lock, a regular expression, a
large number) goes on until it comes back; then all there is is the log.

What a replay tells again has been quick enough once, so the limit is not for it: a machine that is slow or busy must
not stall what is right. But code that was changed, or reads what it must not, may hang there too. So it is watched
with far more patience.
"""

from __future__ import annotations

import ctypes
import gc
import logging
import os
import sys
import threading
import time
import traceback
import weakref
from asyncio import _get_running_loop, _set_running_loop
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeVar

from foldlog.core.decider import WorkflowTaskError
from foldlog.runtime.stack import is_internal

A = TypeVar("A")
R = TypeVar("R")
_Running = tuple[Callable[[], str], Any, bool]
"""Who runs, with what, and whether in replay."""

DEBUG_VARIABLE = "FOLDLOG_DEBUG"
_LOGGER = logging.getLogger("foldlog.workflow")
REPLAY_PATIENCE = 10
"""So many times the limit code may run in replay, for each event."""
_LOOKS = 8
"""How often a call is looked at, at least, before it is interrupted."""
_LONGEST_PAUSE = 0.25


class Interrupted(SystemExit):
    """Raised in code that does not yield. One of the two exceptions that asyncio's tasks do not keep to themselves."""


def is_debugging() -> bool:
    """Whether the environment asks not to interrupt workflow code, as somebody is stepping through it."""
    return os.environ.get(DEBUG_VARIABLE, "").lower() not in ("", "0", "false", "no")


class Watchdog:
    """Watches the calls of one worker, on whatever thread they are made."""

    def __init__(self, limit_seconds: float) -> None:
        """Make a watchdog.

        Args:
            limit_seconds: How long a call may take, unless it replays.
        """
        self._limit = limit_seconds
        self._local = threading.local()

    def call(self, name: Callable[[], str], function: Callable[[A], R], argument: A, replaying: bool = False) -> R:
        """Call a function that runs workflow code; calls from within such code are part of it.

        Args:
            name: Says whose code it is, for people.
            function: What to call.
            argument: Its argument.
            replaying: Whether it does what was done before.

        Raises:
            WorkflowTaskError: It took longer than the limit, and was interrupted. What it worked on cannot be trusted.
        """
        slot: _Slot = getattr(self._local, "slot", None) or self._new_slot()
        if slot.running is not None:
            return function(argument)
        outer = _get_running_loop()
        hooks = None if outer is None else sys.get_asyncgen_hooks()
        error: BaseException | None = None
        slot.running = (name, argument, replaying)  # one write: all that a call costs
        try:
            result = function(argument)
            slot.running = None
            if not slot.firing:
                return result
        except BaseException as raised:
            slot.running = None
            if not slot.firing:
                raise
            error = raised
        stuck = slot.settle()
        if stuck is not None:
            # It may have been interrupted while it left the loop.
            _set_running_loop(outer)
            if hooks is not None:
                sys.set_asyncgen_hooks(*hooks)
            raise stuck
        if error is not None:
            raise error
        return result

    def _new_slot(self) -> _Slot:
        slot = self._local.slot = _Slot(self._limit, threading.get_ident())
        _watcher.add(slot)
        return slot


class _Slot:
    """What a thread says about its call, and what the watcher does about it.

    The two agree without a lock on the way of a call that is quick: the thread first writes that nothing runs, then
    reads whether it is being interrupted; the watcher first writes that it interrupts, then reads what runs. So at
    least one of them sees the other. If the thread does, it takes the lock, under which nothing is raised any more.
    """

    __slots__ = (
        "__weakref__",
        "_limit",
        "_lock",
        "_seen",
        "_stuck",
        "_thread_id",
        "_times",
        "_waited",
        "_warned",
        "firing",
        "running",
    )

    def __init__(self, limit_seconds: float, thread_id: int) -> None:
        self.running: _Running | None = None
        """The call that is under way: a new object for each."""
        self.firing = False
        """Whether the watcher interrupts, or has interrupted, a call."""
        self._limit = limit_seconds
        self._thread_id = thread_id
        self._lock = threading.Lock()
        self._stuck: WorkflowTaskError | None = None
        # The watcher's alone.
        self._seen: _Running | None = None
        self._waited = 0.0
        self._warned = False
        self._times = 0

    # ---- the thread that is watched

    def settle(self) -> WorkflowTaskError | None:
        """Make sure that nothing is raised in this thread any more. Nothing may be running.

        Returns:
            Why the call was interrupted, if it was.
        """
        while True:
            try:
                with self._lock:
                    _raise_in(self._thread_id, None)  # first: until then the exception may still arrive
                    stuck, self._stuck, self.firing = self._stuck, None, False
                    return stuck
            except Interrupted:
                continue

    # ---- the watcher

    @property
    def pause(self) -> float:
        """How long to wait before looking again, in seconds."""
        return min(self._limit / _LOOKS, _LONGEST_PAUSE)

    def look(self, elapsed: float) -> None:
        """See what runs.

        Args:
            elapsed: How much time has passed since the last look, in seconds.
        """
        running = self.running
        if running is None or running is not self._seen:
            self._seen, self._waited, self._warned, self._times = running, 0.0, False, 0
            return
        self._waited += elapsed
        replaying = running[2]
        limit = self._limit * REPLAY_PATIENCE if replaying else self._limit
        if self._waited >= limit:
            self._waited -= limit / 2  # if it is caught, again after half the time
            self._interrupt(running, f"{limit:g} s{' in replay' if replaying else ''}")
        elif not self._warned and self._waited >= (self._limit if replaying else limit / 2):
            self._warned = True
            place, stack = _where(self._thread_id)
            _LOGGER.warning(
                "%s has not yielded for %.3g s%s at %s; after %.3g s it is interrupted\n%s",
                running[0](),
                self._waited,
                " in replay" if replaying else "",
                place,
                limit,
                stack,
            )

    def _interrupt(self, running: _Running, after: str) -> None:
        place, stack = _where(self._thread_id)
        with self._lock:
            self.firing = True
            if self.running is not running:
                self.firing = self._stuck is not None
                return
            self._stuck = self._stuck or WorkflowTaskError(
                f"[deadlock] workflow code did not yield for {after} at {place}", stack
            )
            _raise_in(self._thread_id, Interrupted)
        self._times += 1
        if self._times > 1:
            _LOGGER.error(
                "%s was interrupted %d times and still does not yield at %s: it blocks outside of Python, or catches"
                " every exception. Its partition stands still until it returns\n%s",
                running[0](),
                self._times,
                place,
                stack,
            )


class _Watcher:
    """The thread that looks at all slots. It begins with the first one and ends with the process.

    It has no lock: the garbage collector may run code of a finalizer on this thread, at any place of this class.
    """

    def __init__(self) -> None:
        self._slots: list[weakref.ref[_Slot]] = []
        self._begun = False

    def add(self, slot: _Slot) -> None:
        """Look at one more, for as long as somebody else holds it."""
        self._slots.append(weakref.ref(slot))
        if not self._begun:
            self._begun = True
            threading.Thread(target=self._run, name="foldlog-watchdog", daemon=True).start()

    def forget_thread(self) -> None:
        """A forked process has no such thread, and its threads are others."""
        self._slots.clear()
        self._begun = False

    def _run(self) -> None:
        pause = 0.0
        while True:
            began = time.monotonic()
            time.sleep(pause)
            # If this thread was held up for longer, the others probably were too: the process was stopped.
            elapsed = min(time.monotonic() - began, 2 * pause)
            pause = _LONGEST_PAUSE
            for reference in self._slots[:]:
                slot = reference()
                if slot is None:
                    self._slots.remove(reference)
                else:
                    slot.look(elapsed)
                    pause = min(pause, slot.pause)


_watcher = _Watcher()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_watcher.forget_thread)


# Prototypes of our own: other libraries may give types to the function that `ctypes.pythonapi` shares among all.
_SET_ASYNC_EXC = ("PyThreadState_SetAsyncExc", ctypes.pythonapi)
_set_async_exc = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_ulong, ctypes.py_object)(_SET_ASYNC_EXC)
_clear_async_exc = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_ulong, ctypes.c_void_p)(_SET_ASYNC_EXC)


def _raise_in(thread_id: int, exception: type[BaseException] | None) -> None:
    """Have an exception raised in a thread when it next comes to a bytecode; None takes back what has not been yet."""
    if exception is None:
        _clear_async_exc(thread_id, None)
    else:
        _set_async_exc(thread_id, exception)


def _frame_of(thread_id: int) -> FrameType | None:
    """What a thread runs just now.

    In Python 3.11 the process stands still for ever if garbage is collected within this call, and a `threading.local`
    is in it: both take the lock of the list of threads (https://github.com/python/cpython/issues/106883).
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        return sys._current_frames().get(thread_id)
    finally:
        if collects:
            gc.enable()


def _where(thread_id: int) -> tuple[str, str]:
    """The line that a thread is at, and its stack below the watched call, as text."""
    frame = _frame_of(thread_id)
    frames: list[traceback.FrameSummary] = []
    while frame is not None and frame.f_code is not Watchdog.call.__code__:
        code = frame.f_code
        frames.append(traceback.FrameSummary(code.co_filename, frame.f_lineno, code.co_qualname))
        frame = frame.f_back
    shown = [frame for frame in frames if not is_internal(frame.filename)] or frames
    if not shown:
        return "an unknown line", ""
    stack = "".join(traceback.format_list(reversed(shown)))
    return f"{shown[0].filename}:{shown[0].lineno} in {shown[0].name}", f"Stack (most recent call last):\n{stack}"
