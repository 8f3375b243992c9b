"""One attempt of an activity while it runs here: its times, heartbeats, and cancellation.

Owns the state of the attempt and what is due for it. Knows neither how the activity is called (`runner`) nor where
reports go (its listener). Lives on the event loop; only `heartbeat` comes from other threads too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, Literal, Protocol

from foldlog.activity._context import ActivityCancellationDetails, Context
from foldlog.exceptions import CancelledError
from foldlog.schemas.common import Failure, Payload
from foldlog.schemas.task import ActivityTask
from foldlog.worker.clock import Clock, Timer
from foldlog.worker.limits import HeartbeatThrottle
from foldlog.worker.outcome import Dropped, Failed, Outcome
from foldlog.worker.threads import ThreadRaiser
from msgspec import Struct

CancelReason = Literal[
    "CANCEL_REQUESTED", "TIMED_OUT", "NOT_FOUND", "WORKFLOW_CLOSED", "PAUSED", "RESET", "WORKER_SHUTDOWN"
]
"""Why an attempt is to stop. All but the last can come from the processor (`ActivityCancelRequested.reason`)."""

AttemptKey = tuple[str, int | str, int]
"""Run ID, scheduled event ID and attempt; of a local activity: run ID, activity ID and 0."""

WithDetails = Callable[["Attempt", Callable[[list[Payload]], None]], None]

REPORT_START_SECONDS = 0.5
"""An attempt that runs longer is reported as started; shorter ones never are."""

REPORT_WATCHED_SECONDS = 0.05
"""The same for an attempt with a heartbeat timeout, which is to be noticed soon if it does not live: but most of those
too have ended by then. Before, no heartbeat goes out either: how far a failed attempt got is told with its end."""

FOREVER = float("inf")


class AttemptListener(Protocol):
    """Where an attempt's reports go. Called on the event loop."""

    def started(self, attempt: Attempt, running_seconds: float) -> None:
        """It has been running for so long and goes on."""

    def heartbeat(self, attempt: Attempt, details: list[Payload]) -> None:
        """It lives, and says how far it got."""

    def ended(self, attempt: Attempt, outcome: Outcome) -> None:
        """What became of it. Called once; its code may still be running if it ignores its cancellation."""

    def released(self, attempt: Attempt) -> None:
        """Its code has ended. Called once, last."""


class HeartbeatIntervals(Struct, frozen=True, kw_only=True):
    """How heartbeats are throttled, in seconds."""

    default: float = 30.0
    """For attempts without a heartbeat timeout."""
    maximum: float = 60.0
    """No interval is longer."""


class Attempt:
    """One attempt. Made by whoever has the task, run by a `Runner`."""

    __slots__ = (
        "_beat_scheduled",
        "_beats",
        "_intervals",
        "_last_details",
        "_quiet_until",
        "_report_at",
        "_reported_start",
        "_throttle",
        "_told",
        "_with_details",
        "cancel_reason",
        "clock",
        "context",
        "conversion",
        "deadline",
        "due",
        "ended",
        "inside",
        "is_local",
        "key",
        "listener",
        "loop",
        "on_cancel",
        "origin",
        "overstayed",
        "raiser",
        "started_at",
        "started_wall",
        "take_back",
        "task",
        "task_queue",
        "wake",
        "work",
        "workflow_id",
    )

    def __init__(
        self,
        key: AttemptKey,
        workflow_id: str,
        task: ActivityTask,
        listener: AttemptListener,
        origin: Any = None,
        *,
        is_local: bool = False,
    ) -> None:
        """Describe an attempt; nothing runs yet.

        Args:
            key: What cancellations name it by.
            workflow_id: Its workflow.
            task: What to run.
            listener: Where reports go.
            origin: Whatever the listener needs to know it by.
            is_local: Whether it is a local activity: those report no start.
        """
        self.key = key
        self.workflow_id = workflow_id
        self.task = task
        self.listener = listener
        self.origin = origin
        self.is_local = is_local
        self.conversion: Any = None
        """Converts its payloads: a `Conversion`, from where it is started on."""
        self.work: asyncio.Task[None] | None = None
        self.take_back: Callable[[], object] | None = None
        """Keeps an executor from running its code, unless that has begun; None: no executor has it."""
        self.raiser: ThreadRaiser | None = None
        self.on_cancel: Callable[[ActivityCancellationDetails], None] | None = None
        """Tells code in another process. Blocks for a moment."""
        self.context: Context | None = None
        self.cancel_reason: CancelReason | None = None
        self.ended = False
        self.inside = False
        """Whether it may be interrupted: from its first step until its own code has ended. What that came to is
        converted then."""
        self.overstayed = False
        """Whether its start-to-close timeout passed here."""
        self._last_details: list[Payload] | None = None
        self._throttle: HeartbeatThrottle | None = None
        self._beat_scheduled = False
        self._beats = self._told = 0
        """Heartbeats that were due, and the newest of them that was reported."""
        self._quiet_until = self._report_at = FOREVER
        self._reported_start = False

    def begin(
        self,
        loop: asyncio.AbstractEventLoop,
        clock: Clock,
        intervals: HeartbeatIntervals,
        wake: Callable[[Attempt], None],
        with_details: WithDetails,
    ) -> None:
        """Start its clocks.

        Args:
            loop: The event loop.
            clock: Times it.
            intervals: How heartbeats are throttled.
            wake: Is told when something is due earlier than before.
            with_details: Passes the newest heartbeat details on, ready to be sent.
        """
        task = self.task
        self.loop = loop
        self.clock = clock
        self.started_at = now = clock.time()
        self.started_wall = clock.wall()
        self._intervals = intervals
        self.wake = wake
        self._with_details = with_details
        self.deadline = now + task.start_to_close_timeout_ms / 1000 if task.start_to_close_timeout_ms else FOREVER
        self._quiet_until = now + REPORT_WATCHED_SECONDS
        if self.is_local:
            self._reported_start = True
        elif task.heartbeat_timeout_ms:
            # A quarter of the timeout, so that what is left of it when the processor hears of the start is most of it.
            self._quiet_until = min(self._quiet_until, now + task.heartbeat_timeout_ms / 4_000)
            self._report_at = self._quiet_until
        else:
            self._report_at = now + REPORT_START_SECONDS
        self._reckon()

    def act(self, now: float) -> None:
        """Do what is due."""
        if now >= self.deadline:
            self.deadline = FOREVER
            self._time_out()
        if self._beat_scheduled:
            self._send_beat(now)
        if not self._reported_start and now >= self._report_at:
            self._report_start(now)
        self._reckon()

    def end(self, outcome: Outcome) -> None:
        """Report how it ended, unless that has been said already."""
        if not self.ended:
            self.ended = True
            self.due = FOREVER
            self.listener.ended(self, outcome)

    @property
    def new_details(self) -> list[Payload] | None:
        """What its last heartbeat carried, before any codec; None: there was none."""
        return self._last_details

    def cancel(self, reason: CancelReason) -> None:
        """Ask its code to stop. Only the first call counts."""
        if self.cancel_reason is not None:
            return
        self.cancel_reason = reason
        self.interrupt()

    def interrupt(self) -> None:
        """Let its code know that it is to stop."""
        if self.cancel_reason is None:
            return
        details = cancellation_details(self.cancel_reason)
        if self.context is not None:
            self.context.cancel(details)
        if self.on_cancel is not None:
            self.loop.run_in_executor(None, self.on_cancel, details)
        if self.take_back is not None:
            # Code in a thread is interrupted there; only what has not begun is cancelled here.
            self.take_back()
            if self.raiser is not None:
                self.raiser.raise_in_thread(CancelledError)
        elif self.inside and self.work is not None:
            # Before its first step, the runner looks itself: a task that is cancelled then runs no code at all.
            # After it, what the code came to is still said, as it is of code in a thread.
            self.work.cancel("Activity cancelled")

    def heartbeat(self, details: list[Payload]) -> None:
        """Note that it lives. Any thread; cheap when called often."""
        self._last_details = details
        if self._beat_scheduled or self.ended:
            return
        self._beat_scheduled = True
        try:
            running = asyncio.get_running_loop()
        except RuntimeError:
            running = None
        if running is self.loop:
            self._beat()
        else:
            self.loop.call_soon_threadsafe(self._beat)

    @property
    def reported_start(self) -> bool:
        """Whether its listener has heard that it runs."""
        return self._reported_start

    def _beat(self) -> None:
        if self.ended:
            return
        if self._throttle is None:
            timeout = self.task.heartbeat_timeout_ms / 1000
            default, maximum = self._intervals.default, self._intervals.maximum
            self._throttle = HeartbeatThrottle(timeout, default, maximum, self._quiet_until)
        now = self.clock.time()
        wait = self._throttle.beat(now)
        if wait <= 0:
            self._send_beat(now)
        elif now + wait < self.due:
            self.due = now + wait
            self.wake(self)

    def _send_beat(self, now: float) -> None:
        if self._throttle is not None and self._throttle.send(now):
            self._beat_scheduled = False
            # A heartbeat says that it runs. Only how long it has done so already is worth a word of its own.
            if not self._reported_start:
                if now - self.started_at > 2 * REPORT_WATCHED_SECONDS:
                    self._report_start(now)
                self._reported_start = True
            self._beats += 1
            self._with_details(self, partial(self._beaten, self._beats))

    def _beaten(self, number: int, details: list[Payload]) -> None:
        # A codec that waits may be done with the later of two first: what is older must not replace it then.
        if not self.ended and number > self._told:
            self._told = number
            self.listener.heartbeat(self, details)

    def _report_start(self, now: float) -> None:
        self._reported_start = True
        self.listener.started(self, now - self.started_at)

    def _time_out(self) -> None:
        if self.cancel_reason in (None, "CANCEL_REQUESTED"):
            self.overstayed = True
            self._with_details(self, lambda details: self.end(timed_out(details)))
        else:
            self.end(Dropped())
        self.cancel("TIMED_OUT")

    def _reckon(self) -> None:
        """When the next thing is due."""
        due = self.deadline
        if not self._reported_start:
            due = min(due, self._report_at)
        if self._beat_scheduled and self._throttle is not None:
            due = min(due, self._throttle.due)
        self.due = FOREVER if self.ended else due


def timed_out(details: list[Payload]) -> Failed:
    """The end of an attempt that overstays, given its last heartbeat's details."""
    failure = Failure(
        kind="TIMEOUT", message="activity start-to-close timeout", timeout_type="START_TO_CLOSE", details=details
    )
    return Failed(failure, details)


def cancellation_details(reason: CancelReason) -> ActivityCancellationDetails:
    """A reason as activities see it."""
    return ActivityCancellationDetails(
        cancel_requested=reason == "CANCEL_REQUESTED",
        paused=reason == "PAUSED",
        reset=reason == "RESET",
        timed_out=reason == "TIMED_OUT",
        not_found=reason in ("NOT_FOUND", "WORKFLOW_CLOSED"),
        worker_shutdown=reason == "WORKER_SHUTDOWN",
    )


class Watch:
    """Wakes attempts when something is due for them: one timer for all, set for the first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.attempts: set[Attempt] = set()
        """Those that it looks after."""
        self._at = FOREVER
        self._timer: Timer | None = None

    def add(self, attempt: Attempt) -> None:
        """Look after an attempt."""
        self.attempts.add(attempt)
        if attempt.due < self._at:
            self.sooner(attempt)

    def discard(self, attempt: Attempt) -> None:
        """Look after it no longer."""
        self.attempts.discard(attempt)

    def sooner(self, attempt: Attempt) -> None:
        """Something is due for it earlier than it was."""
        if attempt.due < self._at:
            self._set(attempt.due)

    def close(self) -> None:
        """Wake nobody any more."""
        self.attempts.clear()
        self._set(FOREVER)

    def _set(self, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._at = at
        self._timer = None if at == FOREVER else self._clock.call_at(at, self._sweep)

    def _sweep(self) -> None:
        now = self._clock.time()
        for attempt in list(self.attempts):
            if attempt.due <= now:
                attempt.act(now)
        self._set(min((attempt.due for attempt in self.attempts), default=FOREVER))
