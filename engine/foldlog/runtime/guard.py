"""The guard: while workflow code runs, files, sockets, processes, threads and sleeping are refused.

A `sys.addaudithook` hook sees what the interpreter is about to do. It can neither be removed nor be set for one thread
only, so it has to cost next to nothing when no workflow runs: one look into a table. What this
Python has no audit event for though later ones do (in 3.11 `time.sleep` and threads) is found out when installing, and
wrapped to raise one; what is neither audited nor worth wrapping, such as reading the clock, is looked for in the code
when it is registered: see `scan`.
"""

from __future__ import annotations

import _thread
import asyncio
import atexit
import functools
import sys
import threading
import time
import zoneinfo
from collections.abc import Callable
from types import FrameType
from typing import Any

from foldlog.runtime.forbidden import EVENT_FAMILIES, EVENTS, Advice
from foldlog.workflow._exceptions import RestrictedWorkflowAccessError
from foldlog.workflow._runtime import LOOP_ATTRIBUTE
from foldlog.workflow._unsafe import UNRESTRICTED

_ALLOWED_MODULES = {
    "importlib",  # reads .py and .pyc files; top-level code of a module runs once per process, not per workflow
    "_frozen_importlib",
    "_frozen_importlib_external",
    "zipimport",
    "linecache",  # source lines for tracebacks
    "tokenize",
    "zoneinfo",
    "weakref",  # finalizers of other people's objects, run by the garbage collector
    "pdb",  # whoever debugs knows what they do
}
"""Modules that may do what workflow code may not, also when it calls them."""

_UNKNOWN: Any = object()
_advice: dict[str, Advice | None] = dict(EVENTS)
_alive = [True]
"""Empty once the interpreter shuts down."""
_probed: set[str] | None = None
"""While installing: events that were raised."""


def _advice_for(event: str) -> Advice | None:
    """What is refused about an event met for the first time; None if nothing is."""
    advice = next((advice for prefix, advice in EVENT_FAMILIES.items() if event.startswith(prefix)), None)
    _advice[event] = advice
    return advice


def _hook(
    event: str, args: tuple[Any, ...], known: Any = _advice.get, unknown: Any = _UNKNOWN, alive: Any = _alive
) -> None:
    # Globals are bound as defaults: the hook is called until the interpreter is gone, when there are none any more.
    advice = known(event, unknown)
    if advice is None or not alive:
        return
    if advice is unknown:
        advice = _advice_for(event)
        if advice is None:
            return
    if _probed is not None:
        _probed.add(event)
    if _watched() and not _is_time_zone(event, args) and not _allowed(sys._getframe(1)):
        what, instead = advice
        raise RestrictedWorkflowAccessError(
            f"a workflow cannot {what} (audit event {event}{_shown(args)}): {instead}. "
            "What does not affect the workflow may run under `with workflow.unsafe.sandbox_unrestricted():`."
        )


def _watched() -> bool:
    """Whether code that the guard watches runs on this thread."""
    runtime = getattr(asyncio._get_running_loop(), LOOP_ATTRIBUTE, None)
    return runtime is not None and runtime.guarded and not UNRESTRICTED.get()


def _allowed(frame: FrameType | None) -> bool:
    """Whether a module that may do such things does it, on behalf of the workflow or of the garbage collector."""
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module.partition(".")[0] in _ALLOWED_MODULES:
            return True
        function = frame.f_code.co_name
        if function == "__del__" or (function == "callHandlers" and module == "logging"):
            return True
        frame = frame.f_back
    return False


def _is_time_zone(event: str, args: tuple[Any, ...]) -> bool:
    """Whether time zone data is read: `zoneinfo` does it in C, where no frame tells."""
    return event == "open" and isinstance(args[0], str) and args[0].startswith(zoneinfo.TZPATH)


def _shown(args: tuple[Any, ...]) -> str:
    """The first argument of the event, such as a path."""
    if not args or not isinstance(args[0], (str, bytes, int, float)):
        return ""
    return f" {args[0]!r}"


# ---- installing

_installing = threading.Lock()
_installed = False


def install() -> None:
    """Install the guard in this process. Further calls do nothing."""
    global _installed
    with _installing:
        if not _installed:
            sys.addaudithook(_hook)
            atexit.register(_alive.clear)
            _wrap_unaudited()
            _installed = True


def _wrap_unaudited() -> None:
    """Make functions that this Python does not audit raise the event that later ones do."""
    global _probed
    _probed = set()
    time.sleep(0)
    _thread.start_new_thread(int, ())
    seen, _probed = _probed, None
    if "time.sleep" not in seen:
        time.sleep = _audited(time.sleep, "time.sleep")
    if "_thread.start_new_thread" not in seen:
        audited = _audited(_thread.start_new_thread, "_thread.start_new_thread")
        _thread.start_new_thread = audited
        threading._start_new_thread = audited  # type: ignore[attr-defined]  # what Thread.start calls


def _audited(function: Any, event: str) -> Any:
    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        sys.audit(event, *args)
        return function(*args, **kwargs)

    return call


def unguarded(fn: Callable[..., Any]) -> Callable[..., Any]:
    """A function that may do anything, also where workflow code calls it."""

    @functools.wraps(fn)
    def call(*args: Any, **kwargs: Any) -> Any:
        token = UNRESTRICTED.set(True)
        try:
            return fn(*args, **kwargs)
        finally:
            UNRESTRICTED.reset(token)

    return call
