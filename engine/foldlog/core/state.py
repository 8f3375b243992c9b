"""The state of a run: what the fold of its records comes to. Data only; `foldlog.core.fold` is the only writer.

A run is held in memory while it is live and is folded again from its records when it is needed later, so nothing
here is ever serialized. Whatever is in it follows from the records of `<ns>.events` alone. Many are held at once, so
what few runs have is None where it is not there: an empty dict takes 80 bytes, an empty set 232.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Literal

from foldlog.schemas import log
from foldlog.schemas.common import ActivityOptions, Failure, Payload, ReplyTo
from foldlog.schemas.event import ActivityTaskScheduled, ParentClosePolicy, WorkflowExecutionStarted
from foldlog.schemas.records import Event
from msgspec import Struct, field
from msgspec.structs import replace

Status = Literal["RUNNING", "COMPLETED", "FAILED", "CANCELED", "TERMINATED", "TIMED_OUT", "CONTINUED_AS_NEW"]


class DeadlineKind(IntEnum):
    """What is due. The numbers are part of the store's keys: never reuse one."""

    RUN_TIMEOUT = 1
    EXECUTION_TIMEOUT = 2
    TIMER = 3
    SCHEDULE_TO_START = 4
    START_TO_CLOSE = 5
    SCHEDULE_TO_CLOSE = 6
    HEARTBEAT = 7
    RETRY = 8
    """The next attempt of an activity."""
    CANCEL_GRACE = 9
    """An activity whose cancellation was asked for and that no worker has reported: it counts as never started."""
    STALL = 10
    """The next try of a stalled run."""
    EAGER = 11
    """An activity that was handed to a worker of the same process; due never, see `fold.UNFINISHED_MS`."""
    LOCAL = 12
    """Local activities that outlast their transaction; due never, likewise."""
    FIRST_TASK = 13
    """The code of a held run begins."""


DeadlineKey = tuple[DeadlineKind, int]
"""Kind, and the timer ID or scheduled event ID that it belongs to (0 where it belongs to the run)."""


class DeadlineChange(Struct):
    """A due time that came or went, for whoever keeps them in order of time."""

    due_ms: int
    key: DeadlineKey
    added: bool


class Pause(Struct, frozen=True):
    """Since when and why an activity is paused."""

    since_ms: int
    reason: str
    by: str


class Activity(Struct):
    """An activity that has not ended."""

    scheduled: ActivityTaskScheduled
    attempt: int = 1
    """Of all that there have been: so what is said about an attempt before a reset fits none after it."""
    attempts_before_reset: int = 0
    phase: log.AttemptPhase = "SCHEDULED"
    attempt_ms: int = 0
    started_ms: int = 0
    heartbeat_ms: int = 0
    worker: ReplyTo | None = None
    identity: str = ""
    last_failure: Failure | None = None
    heartbeat_details: list[Payload] = field(default_factory=list)
    cancel_requested: bool = False
    pause: Pause | None = None
    """None: it is not paused."""
    reset: bool = False
    """The attempt after this one counts from 1 again."""
    reset_heartbeat: bool = False
    """The attempt after this one knows no details of heartbeats."""
    changed: log.ActivityOptionsChanged | None = None
    """Its options, where they are no longer those that it was scheduled with."""

    @property
    def attempt_number(self) -> int:
        """The attempt as policies and people count it: from 1 again after a reset."""
        return self.attempt - self.attempts_before_reset

    @property
    def terms(self) -> ActivityTaskScheduled | log.ActivityOptionsChanged:
        """What has its task queue, timeouts and retry policy as they are now."""
        return self.changed or self.scheduled

    @property
    def options(self) -> ActivityOptions | None:
        """What few activities have, as it is now; None: nothing of it."""
        options, changed = self.scheduled.options, self.changed
        if changed is None or changed.priority == (options.priority if options else None):
            return options
        return replace(options or ActivityOptions(), priority=changed.priority)


RESERVED = "__foldlog_"
"""Names of messages that are foldlog's own begin with it: those of streams."""


class Update(Struct):
    """An update that was accepted."""

    accepted_event_id: int
    completed_event_id: int = 0
    """0: its handler has not ended. What came of it is in that event."""
    counts: bool = True
    """Whether it is one of those of which a run takes so many: not if it is foldlog's own."""


class Timer(Struct):
    """A timer that has not fired."""

    started_event_id: int
    fire_ms: int


class Child(Struct):
    """A child workflow that has not ended."""

    namespace: str
    workflow_id: str
    workflow_type: str
    parent_close_policy: ParentClosePolicy
    run_id: str = ""
    """Its first run; empty until it is known to have begun."""


_NO_PAYLOADS: dict[str, Payload] = {}


class Run(Struct):
    """One run of a workflow."""

    workflow_id: str
    run_id: str
    started: WorkflowExecutionStarted
    status: Status = "RUNNING"
    closing: Event | None = None
    """The event that closed it."""
    last_event_id: int = 0
    chain: bytes = b""
    """BLAKE2b-128 of the last event: what the next one carries."""
    history_size: int = 0
    """Bytes of all events."""
    first_task: int = 0
    """The event from which on its code runs: the first one, or the one that ends its hold; 0: it is held."""
    cancel_requested: bool = False
    memo: dict[str, Payload] = field(default_factory=dict)
    """As it is now. Never changed in place."""
    search_attributes: dict[str, Payload] = field(default_factory=lambda: _NO_PAYLOADS)
    """As they are now; likewise."""
    activities: dict[int, Activity] = field(default_factory=dict)
    """Open ones, by scheduled event ID."""
    activity_events: dict[str, int] = field(default_factory=dict)
    """Scheduled event ID of each open activity, by activity ID."""
    local_activities: set[str] | None = None
    """IDs of local activities that were open when their transaction ended; None: there are none."""
    timers: dict[int, Timer] = field(default_factory=dict)
    """Open ones, by timer ID."""
    children: dict[int, Child] = field(default_factory=dict)
    """Open ones, by the event ID of StartChildWorkflowExecutionInitiated. Those of a closed run are left as they were
    when it closed: what becomes of them follows from that."""
    external: dict[int, Literal["SIGNAL", "CANCEL"]] = field(default_factory=dict)
    """What was asked of other workflows and has no answer yet, by the event ID of what asked."""
    updates: dict[str, Update] = field(default_factory=dict)
    """All that were accepted, by update ID, also when the run is closed: a repeated ID gets the first answer."""
    counted_updates: int = 0
    """How many of them count."""
    open_updates: int = 0
    """How many of those that count have handlers that have not ended."""
    deadlines: dict[DeadlineKey, int] = field(default_factory=dict)
    """All that is due some time, in Unix milliseconds."""
    deadline_changes: list[DeadlineChange] | None = None
    """Changes since the store last took them; None: there are none."""
    stalled: log.WorkflowStalled | None = None
    """Why the run's code cannot go on; None: it can."""
    suspended: dict[DeadlineKey, int] | None = None
    """Deadlines that wait until the run is no longer stalled; None: it is not."""
    deferred_ordinal: int = 0
    """Ordinal of the last command that was deferred; those above `handled_ordinal` wait."""
    handled_ordinal: int = 0

    @property
    def is_open(self) -> bool:
        return self.status == "RUNNING"

    @property
    def pinned_version(self) -> str:
        """The version of the code that it is pinned to, as <deployment>.<build ID>; empty: none."""
        options = self.started.options
        return options.deployment_version if options is not None and options.versioning_behavior == "PINNED" else ""
