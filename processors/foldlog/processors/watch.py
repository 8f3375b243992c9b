"""A thread for work that can get stuck in a call that nothing interrupts.

Owns the thread and the one decision about it: when such a call is overdue, whoever waits for the work leaves the thread
behind and goes on without it. It knows nothing of the work. A thread that was left behind ends as soon as its call
comes back, and touches nothing more: what the work used belongs to whoever waited.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from foldlog.exceptions import FoldlogError

logger = logging.getLogger("foldlog.processor")

LOOK_SECONDS = 0.5
"""How often the work is looked after, so this is how late an overdue call may be noticed."""


class StuckError(FoldlogError):
    """A call did not come back in its time; the thread that made it was left behind."""


class LeftBehind(BaseException):
    """For the thread that was left behind: unwind, and touch nothing on the way."""


class Watch:
    """Runs one piece of work on a thread of its own, and looks after it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._what = ""
        self._due = math.inf
        """When the call that is under way must have come back, on the monotonic clock."""
        self._left_behind = False
        self._error: BaseException | None = None

    @contextmanager
    def within(self, seconds: float, what: str) -> Iterator[None]:
        """Around a call that nothing interrupts, on the thread of the work.

        Args:
            seconds: How long it may take, at most.
            what: Its name, for people.

        Raises:
            LeftBehind: It took longer, and nobody waits any more.
        """
        with self._lock:
            self._what, self._due = what, time.monotonic() + seconds
        try:
            yield
        finally:
            with self._lock:
                self._due = math.inf
                if self._left_behind:
                    raise LeftBehind

    def run(self, work: Callable[[], None], name: str) -> None:
        """Have the work done; returns when it has ended.

        Args:
            work: What to do.
            name: Of the thread.

        Raises:
            StuckError: One of its calls is overdue. The thread does nothing more from here on.
            Exception: What the work raised.
        """
        thread = threading.Thread(target=self._work, args=(work,), name=name, daemon=True)
        thread.start()
        while True:
            thread.join(LOOK_SECONDS)
            if not thread.is_alive():
                break
            self._look()
        error, self._error = self._error, None
        try:
            if error is not None:
                raise error
        finally:
            # Its traceback leads back here: what the work used would stay until the next garbage collection.
            del error

    def _work(self, work: Callable[[], None]) -> None:
        try:
            work()
        except LeftBehind:
            logger.info("%s came back after all", self._what)
        except BaseException as error:
            self._error = error

    def _look(self) -> None:
        with self._lock:
            if time.monotonic() > self._due:
                self._left_behind = True
                raise StuckError(f"{self._what} did not come back in its time")
