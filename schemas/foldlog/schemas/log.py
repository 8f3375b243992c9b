"""Records of the namespace `foldlog.log`.

Written by `python -m foldlog.schemas.generate` from avsc/log/*.avsc:
change those, not this.
"""

from __future__ import annotations

from typing import Literal

from foldlog.schemas.common import Deployment, Failure, Payload, Priority, ReplyTo, RetryPolicy, WorkflowOptions
from msgspec import Struct, field

AttemptPhase = Literal[
    "SCHEDULED",
    "STARTED",
    "BACKOFF",
]


class ActivityAttempt(Struct, kw_only=True):
    """The state of an activity between its scheduling and its end: the newest replaces the one before.
    Attempts that simply succeed never write one.
    """

    run_id: str
    """The run."""
    scheduled_event_id: int
    """The ActivityTaskScheduled event."""
    attempt: int
    """The attempt, from 1."""
    phase: AttemptPhase = "SCHEDULED"
    """SCHEDULED: its task is on the topic. STARTED: a worker says that it runs. BACKOFF: waiting for
    attempt_ms.
    """
    attempt_ms: int
    """When this attempt was or will be scheduled."""
    started_ms: int = 0
    """STARTED: when the worker began."""
    heartbeat_ms: int = 0
    """STARTED: the last heartbeat."""
    worker: ReplyTo | None = None
    """STARTED: where to send the request to cancel."""
    identity: str = ""
    """STARTED: the worker."""
    last_failure: Failure | None = None
    """Why the attempt before failed."""
    heartbeat_details: list[Payload] = field(default_factory=list)
    """What the last heartbeat said."""
    paused: bool = False
    """No attempt is scheduled until it is unpaused."""
    paused_ms: int = 0
    """When it was paused."""
    pause_reason: str = ""
    """Why, for people."""
    paused_by: str = ""
    """Who paused it."""
    reset: bool = False
    """The attempt after this one counts from 1 again."""
    reset_heartbeat: bool = False
    """The attempt after this one knows no details of heartbeats."""
    attempts_before_reset: int = 0
    """Attempts before the activity was last reset. They are left out where attempts are counted, but no
    number is given twice.
    """


class ActivityOptionsChanged(Struct, kw_only=True):
    """Options of an open activity are others than its ActivityTaskScheduled event says: the newest
    replaces the one before.
    """

    run_id: str
    """The run."""
    scheduled_event_id: int
    """The ActivityTaskScheduled event."""
    task_queue: str
    """Where its next attempts go."""
    schedule_to_close_timeout_ms: int = 0
    """Limit on all attempts together; 0: none."""
    schedule_to_start_timeout_ms: int = 0
    """Limit on waiting for a worker; 0: none."""
    start_to_close_timeout_ms: int = 0
    """Limit on one attempt; 0: none."""
    heartbeat_timeout_ms: int = 0
    """Limit between heartbeats; 0: none."""
    retry_policy: RetryPolicy | None = None
    """How it is retried; null: not at all."""
    priority: Priority | None = None
    """Of its tasks."""


class BatchBegun(Struct, kw_only=True):
    """Begins a transaction before it is known what will be in it. No key; nothing follows from it."""

    time_ms: int
    """When."""


class BatchCommitted(Struct, kw_only=True):
    """Ends each transaction: commands below this offset are handled. No key."""

    commands_offset: int
    """The next offset of <ns>.commands to handle."""
    time_ms: int
    """When."""


class CommandDeferred(Struct, kw_only=True):
    """A command for a stalled workflow, kept until its code runs again."""

    run_id: str
    """The run."""
    ordinal: int
    """Order among the deferred commands of the run, from 1."""
    command: bytes
    """The command as it was encoded."""


class DeploymentChanged(Struct, kw_only=True):
    """Which versions new runs begin on, from here on in this partition. No key."""

    deployment: Deployment
    """The deployment as it is now."""
    time_ms: int
    """When it was handled."""


class LocalActivityStarted(Struct, kw_only=True):
    """A local activity was still running when the transaction ended that began it: whoever restores the
    partition runs it again.
    """

    run_id: str
    """The run."""
    activity_id: str
    """The activity's ID."""


class PartitionOpened(Struct, kw_only=True):
    """A processor took the partition over. The barrier that it restores up to, and the trace of who owned
    what when. No key.
    """

    instance: str
    """The processor's instance ID, also its transactional.id."""
    epoch: str
    """A fresh random ID of this opening."""
    partition_count: int
    """Partitions of <ns>.commands."""
    build_id: str = ""
    """Version of the workflow code."""
    time_ms: int
    """When."""


class RequestRejected(Struct, kw_only=True):
    """A refused command left no event; this keeps the answer for a repeated request ID."""

    request_id: str
    """The request."""
    answer: bytes
    """The encoded Rejected reply."""
    time_ms: int
    """When."""


class WorkflowOptionsChanged(Struct, kw_only=True):
    """An open workflow runs on another version of the code, or is bound to it in another way."""

    run_id: str
    """The run."""
    versioning: WorkflowOptions
    """versioning_behavior, deployment_version and version_given count."""
    time_ms: int
    """When."""
    identity: str = ""
    """By whom, for people."""


class WorkflowResumed(Struct, kw_only=True):
    """A stalled workflow runs again, and its deferred commands up to this one are handled."""

    run_id: str
    """The run."""
    handled_ordinal: int
    """The last deferred command that is handled; 0: none."""


class WorkflowStalled(Struct, kw_only=True):
    """The workflow's code raised an unexpected error or does not replay. It keeps what it has and is tried
    again.
    """

    run_id: str
    """The run."""
    error: str
    """What was raised."""
    stack_trace: str
    """Where."""
    attempts: int
    """How often it was tried."""
    retry_ms: int
    """When it is tried again."""
    since_ms: int
    """When it first stalled."""
    build_id: str = ""
    """Version of the workflow code that stalled."""
