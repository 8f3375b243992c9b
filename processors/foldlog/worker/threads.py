"""Cancellation of code that runs in a thread: an exception raised there from outside.

CPython alone offers this (`PyThreadState_SetAsyncExc`). The exception comes up between two bytecodes, so code that
waits in C sees it only afterwards.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_set_async_exception = ctypes.pythonapi.PyThreadState_SetAsyncExc
_set_async_exception.argtypes = [ctypes.c_ulong, ctypes.py_object]
_set_async_exception.restype = ctypes.c_int
_NOTHING = ctypes.py_object()
"""NULL: takes back an exception that has not come up yet."""


class ThreadRaiser:
    """Raises one exception in a thread while it is within `entered`, but not within `shielded`."""

    __slots__ = ("_lock", "_pending", "_raised", "_shields", "_thread_id")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread_id: int | None = None
        self._shields = 0
        self._pending: type[BaseException] | None = None
        self._raised = False

    @contextmanager
    def entered(self) -> Iterator[None]:
        """The calling thread may be interrupted within this block, and is never after it."""
        with self._lock:
            self._thread_id = threading.get_ident()
            self._raise_if_due()
        try:
            yield
        finally:
            with self._lock:
                if self._raised:
                    # It may not have come up yet; then it must not do so in the pool's next job.
                    _set_async_exception(threading.get_ident(), _NOTHING)
                self._thread_id = None

    @contextmanager
    def shielded(self) -> Iterator[None]:
        """The exception waits until this block is over."""
        with self._lock:
            self._shields += 1
        try:
            yield
        finally:
            with self._lock:
                self._shields -= 1
                self._raise_if_due()

    def raise_in_thread(self, exception: type[BaseException]) -> None:
        """Raise it in the thread, now or as soon as it may be. Only the first call counts. Any thread."""
        if self._raised:
            return
        with self._lock:
            if self._pending is None:
                self._pending = exception
                self._raise_if_due()

    def _raise_if_due(self) -> None:
        if self._pending is None or self._raised or self._shields or self._thread_id is None:
            return
        self._raised = True
        _set_async_exception(self._thread_id, self._pending)
