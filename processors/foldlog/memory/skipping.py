"""When the clock is put forward, and to when: Temporal's rules of skipping time.

Time is skipped while somebody waits for a workflow's result, or sleeps in the environment, and only while nothing can
go on without it: no command is to be handled, and no activity runs, unless that activity itself waits so. Then the
clock is put forward to what comes due next: a deadline of a workflow, or a timer of the environment. At all other
times it runs as the real one does, and what comes due is done then.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from foldlog.activity._context import Context
from foldlog.memory.clock import NS, VirtualClock
from foldlog.transport.errors import ConnectionClosedError

_ENDED = "the environment has ended"

TRIES = 10
"""So many times in a row time is skipped only for stalled workflows to be tried again. They stall because of their
code, which time does not change: more tries would keep a processor busy until whoever waits gives up."""
PATIENCE = 3
"""Rounds of the event loop in which nothing happens before time is skipped: code that has just been woken, such as a
client that is to send a signal, gets its turn first."""


class Subject(Protocol):
    """What happens in an environment."""

    def is_busy(self) -> bool:
        """Whether anything is under way that pokes when it is done, activities not counted."""

    def open_attempts(self) -> int:
        """Activities that run, or are about to."""

    def lacks_workers(self) -> bool:
        """Whether workflows wait for a worker to come: a test that is to start one must find the time unchanged."""

    def due_ns(self, *, tries: bool = True) -> int | None:
        """When the next deadline of a workflow is, in Unix nanoseconds; None: there is none.

        Args:
            tries: Whether the next tries of stalled workflows count.
        """

    def fire(self) -> None:
        """That has come."""


class TimeSkipping:
    """Watches over one environment's clock."""

    def __init__(self, loop: asyncio.AbstractEventLoop, subject: Subject) -> None:
        """Watch.

        Args:
            loop: The environment's.
            subject: What happens in the environment.
        """
        self.clock = VirtualClock(self.poke)
        self._loop = loop
        self._subject = subject
        self._results = 0
        """How many wait for results."""
        self._sleepers = 0
        self._sleeping: set[asyncio.Future[None]] = set()
        self._inside: Counter[Context] = Counter()
        """The activities among those that wait."""
        self._disabled = 0
        self._scheduled = False
        self._quiet = 0
        """Rounds without a poke."""
        self._tries = 0
        """How often in a row, for those who wait now, time was skipped only for tries of stalled workflows."""
        self._timer: asyncio.TimerHandle | None = None
        self._armed_ns: int | None = None
        """What it is set to."""
        self._closed = False

    # ---- who waits

    @contextmanager
    def waiting(self, *, sleeps: bool = False) -> Iterator[None]:
        """While this lasts, somebody waits for a result, or sleeps.

        Args:
            sleeps: Whether it counts also while automatic skipping is off.
        """
        activity = Context.maybe_current()
        self._tries = 0
        self._results += not sleeps
        self._sleepers += sleeps
        if activity is not None:
            self._inside[activity] += 1
        self.poke()
        try:
            yield
        finally:
            self._results -= not sleeps
            self._sleepers -= sleeps
            if activity is not None:
                self._inside[activity] -= 1
                if not self._inside[activity]:
                    del self._inside[activity]

    @contextmanager
    def disabled(self) -> Iterator[None]:
        """While this lasts, waiting for results skips no time."""
        self._disabled += 1
        try:
            yield
        finally:
            self._disabled -= 1
            self.poke()

    async def sleep(self, seconds: float) -> None:
        """Sleep on this clock, and let it skip.

        Raises:
            ConnectionClosedError: The environment has ended, or does so meanwhile: its clock stands still.
        """
        if self._closed:
            raise ConnectionClosedError(_ENDED)
        over: asyncio.Future[None] = self._loop.create_future()
        self._sleeping.add(over)
        timer = self.clock.call_later(seconds, _resolve, over)
        try:
            with self.waiting(sleeps=True):
                await over
        finally:
            timer.cancel()
            self._sleeping.discard(over)

    # ---- looking

    def poke(self) -> None:
        """Something has happened, or has ended. Look, once things are quiet."""
        self._quiet = 0
        if not self._scheduled and not self._closed:
            self._scheduled = True
            self._loop.call_soon(self._look)

    def attempts_ended(self) -> None:
        """Activities have ended. Look, if it may have been them that time waited for."""
        if self._may_skip():
            self.poke()

    def close(self) -> None:
        """Look no more, and wake who sleeps."""
        self._closed = True
        for over in self._sleeping:
            if not over.done():
                over.set_exception(ConnectionClosedError(_ENDED))
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        self._scheduled = False
        if self._closed:
            return
        if self._subject.is_busy():
            return  # Whoever is busy pokes when it is done.
        may_skip = self._may_skip()
        if may_skip and self._quiet < PATIENCE:
            self._quiet += 1
            self._scheduled = True
            self._loop.call_soon(self._look)
            return
        due_ns = self._next_ns()
        if due_ns is None:
            self._arm(None)
        elif due_ns <= self.clock.time_ns():
            self._come()
        elif may_skip and (worth_ns := self._worth_skipping_to(due_ns)) is not None:
            self._arm(None)
            self.clock.forward_to(worth_ns)
            self._come()
        else:
            self._arm(due_ns)

    def _worth_skipping_to(self, due_ns: int) -> int | None:
        """To when time is skipped; None: it is not."""
        other_ns = self._next_ns(tries=False)
        if other_ns == due_ns:
            self._tries = 0
            return due_ns
        self._tries += 1
        return due_ns if self._tries <= TRIES else other_ns

    def _may_skip(self) -> bool:
        waiters = self._sleepers
        if self._results and not self._disabled and not self._subject.lacks_workers():
            waiters += self._results
        return waiters > 0 and self._subject.open_attempts() <= len(self._inside)

    def _next_ns(self, *, tries: bool = True) -> int | None:
        timer_ns, deadline_ns = self.clock.next_ns(), self._subject.due_ns(tries=tries)
        if timer_ns is None or deadline_ns is None:
            return deadline_ns if timer_ns is None else timer_ns
        return min(timer_ns, deadline_ns)

    def _come(self) -> None:
        """Something is due."""
        self.clock.fire()
        self._subject.fire()
        self.poke()

    def _arm(self, due_ns: int | None) -> None:
        """Look again when something comes due in real time."""
        if due_ns == self._armed_ns:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._armed_ns = due_ns
        if due_ns is not None:
            delay = max(due_ns - self.clock.time_ns(), 0) / NS
            self._timer = self._loop.call_later(delay, self._alarm)

    def _alarm(self) -> None:
        # Perhaps too early, by the loop's clock.
        self._timer = self._armed_ns = None
        self.poke()


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
