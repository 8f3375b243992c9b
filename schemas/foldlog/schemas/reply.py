"""Records of the namespace `foldlog.reply`.

Written by `python -m foldlog.schemas.generate` from avsc/reply/*.avsc:
change those, not this.
"""

from __future__ import annotations

from typing import Literal

from foldlog.schemas.common import (
    ActivityOptions,
    Continuation,
    Deployment,
    Failure,
    ParentExecution,
    Payload,
    RetryPolicy,
    WorkflowOptions,
)
from msgspec import Struct, field

RejectionCode = Literal[
    "UNSPECIFIED",
    "NOT_FOUND",
    "ALREADY_STARTED",
    "ALREADY_CLOSED",
    "INVALID_ARGUMENT",
    "QUERY_REJECTED",
    "QUERY_FAILED",
    "FAILED_PRECONDITION",
    "PERMISSION_DENIED",
    "NOT_BEGUN",
    "RESOURCE_EXHAUSTED",
]


class Accepted(Struct, kw_only=True):
    """The command was handled."""

    correlation_id: int
    """The asker's number for the question."""
    run_id: str
    """The run that it was for."""
    started: bool = False
    """Start: true if this command started the run, false if it was running already."""
    notice: str = ""
    """Heartbeat of an activity: why the attempt is to stop, as in ActivityCancelRequested; empty: it is
    not.
    """


class ActivityCancelRequested(Struct, kw_only=True):
    """To the worker that runs an attempt: its cancellation was asked for, or it counts no longer."""

    run_id: str
    """The run."""
    scheduled_event_id: int
    """The ActivityTaskScheduled event."""
    attempt: int
    """The attempt."""
    reason: str
    """CANCEL_REQUESTED, TIMED_OUT, NOT_FOUND (it ended otherwise) or WORKFLOW_CLOSED."""


class Deployments(Struct, kw_only=True):
    """The deployments as one partition knows them, and the versions that its processor can run."""

    correlation_id: int
    """The asker's number for the question."""
    deployments: list[Deployment] = field(default_factory=list)
    """In order of their names."""
    hosted: list[str] = field(default_factory=list)
    """The versions that the partition's processor has the code of, as <deployment>.<build ID>, its own
    first.
    """


class Description(Struct, kw_only=True):
    """The state of a workflow."""

    correlation_id: int
    """The asker's number for the question."""
    run_id: str
    """The run."""
    workflow_type: str
    """Its type."""
    task_queue: str
    """Its task queue."""
    status: str
    """RUNNING, COMPLETED, FAILED, CANCELED, TERMINATED, TIMED_OUT or CONTINUED_AS_NEW."""
    start_ms: int
    """When it began."""
    close_ms: int = 0
    """When it closed; 0: open."""
    execution_expiration_ms: int = 0
    """When the chain of runs times out; 0: never."""
    history_length: int
    """Events so far."""
    history_size: int
    """Their bytes so far."""
    memo: dict[str, Payload] = field(default_factory=dict)
    """Notes."""
    first_execution_run_id: str = ""
    """The first run of the chain."""
    stalled_error: str = ""
    """Why it is stalled; empty: it is not."""
    stalled_stack: str = ""
    """Stack trace of that."""
    stalled_attempts: int = 0
    """How often it was tried."""
    deferred_commands: int = 0
    """Commands that wait until it is no longer stalled."""
    pending_activities: list[PendingActivity] = field(default_factory=list)
    """What it waits for."""
    pending_timers: list[PendingTimer] = field(default_factory=list)
    """Timers that it waits for."""
    options: WorkflowOptions | None = None
    """Its options, with search attributes as they are now; null: none."""
    parent: ParentExecution | None = None
    """The workflow whose child it is; null: none."""
    continuation: Continuation | None = None
    """What it has from the run before it; null: it is the first of its chain."""
    first_task_ms: int = 0
    """The code did or does not run before then; 0: it ran at once."""
    execution_start_ms: int = 0
    """When the chain of runs began."""
    deployment_version: str = ""
    """The version of the code that it runs on, as <deployment>.<build ID>; empty: whichever its processor
    has.
    """
    pending_children: list[PendingChild] = field(default_factory=list)
    """Children that have not ended."""
    pending_updates: list[str] = field(default_factory=list)
    """IDs of updates that were accepted and have not ended."""


class HistoryPage(Struct, kw_only=True):
    """One page of a run's history."""

    correlation_id: int
    """The asker's number for the question."""
    run_id: str
    """The run."""
    events: list[bytes]
    """Encoded events, in order."""
    next_event_id: int = 0
    """Ask from here for the next page; 0: there is no more."""


class PartitionMoved(Struct, kw_only=True):
    """To every client: commands of this partition have a new processor; ask again for what you wait for."""

    partition: int
    """Partition of <ns>.commands."""
    instance: str
    """The processor."""


class PendingActivity(Struct, kw_only=True):
    """An activity that has not ended."""

    activity_id: str
    """Its ID."""
    activity_type: str
    """Its type."""
    task_queue: str
    """Its task queue."""
    state: str
    """SCHEDULED, STARTED, BACKOFF or CANCEL_REQUESTED."""
    attempt: int
    """The attempt."""
    scheduled_ms: int
    """When it was scheduled."""
    started_ms: int = 0
    """When the attempt began, if reported."""
    heartbeat_ms: int = 0
    """Last heartbeat."""
    next_attempt_ms: int = 0
    """BACKOFF: when the next attempt is due."""
    identity: str = ""
    """The worker, if known."""
    last_failure: Failure | None = None
    """Why the attempt before failed."""
    heartbeat_details: list[Payload] = field(default_factory=list)
    """What its last heartbeat said."""
    paused: bool = False
    """No attempt is scheduled until it is unpaused."""
    paused_ms: int = 0
    """When it was paused."""
    pause_reason: str = ""
    """Why."""
    paused_by: str = ""
    """Who paused it."""
    options: ActivityOptions | None = None
    """What few activities have; null: nothing of it."""
    schedule_to_close_timeout_ms: int = 0
    """Limit on all attempts together; 0: none."""
    schedule_to_start_timeout_ms: int = 0
    """Limit on waiting for a worker; 0: none."""
    start_to_close_timeout_ms: int = 0
    """Limit on one attempt; 0: none."""
    heartbeat_timeout_ms: int = 0
    """Limit between heartbeats; 0: none."""
    retry_policy: RetryPolicy | None = None
    """How it is retried; null: not at all, or not said."""


class PendingChild(Struct, kw_only=True):
    """A child that has not ended."""

    namespace: str = ""
    """Its namespace; empty: this one."""
    workflow_id: str
    """Its ID."""
    run_id: str = ""
    """Its run; empty: it has not begun."""
    workflow_type: str
    """Its type."""
    initiated_event_id: int
    """The event that asked for it."""
    parent_close_policy: str = "TERMINATE"
    """What happens to it when this run closes."""


class PendingTimer(Struct, kw_only=True):
    """A timer that has not fired."""

    timer_id: int
    """Its number."""
    fire_ms: int
    """When it is due."""


class QueryAnswer(Struct, kw_only=True):
    """A query handler's answer."""

    correlation_id: int
    """The asker's number for the question."""
    result: Payload
    """What it returned."""


class Rejected(Struct, kw_only=True):
    """The command was refused; nothing changed."""

    correlation_id: int
    """The asker's number for the question."""
    code: RejectionCode = "UNSPECIFIED"
    """What kind of refusal."""
    message: str
    """For people."""
    run_id: str = ""
    """The run that stands in the way, if any."""
    status: str = ""
    """Its status, if any."""
    failure: Failure | None = None
    """QUERY_FAILED: what the handler raised."""


class UpdateReply(Struct, kw_only=True):
    """How far an update has come."""

    correlation_id: int
    """The asker's number for the question."""
    run_id: str
    """The run."""
    update_id: str
    """Which."""
    stage: str
    """ADMITTED, ACCEPTED or COMPLETED; a refused update is COMPLETED with a failure."""
    result: Payload | None = None
    """COMPLETED: what the handler returned."""
    failure: Failure | None = None
    """COMPLETED: what it raised, or why the update was refused."""
    first_execution_run_id: str = ""
    """The first run of its chain."""


class WorkflowResult(Struct, kw_only=True):
    """A run closed."""

    correlation_id: int
    """The asker's number for the question."""
    run_id: str
    """The run."""
    status: str
    """COMPLETED, FAILED, CANCELED, TERMINATED, TIMED_OUT or CONTINUED_AS_NEW."""
    result: Payload | None = None
    """COMPLETED: the result."""
    retry_state: str = "UNSPECIFIED"
    """Why there is no further run; see Failure.retry_state."""
    failure: Failure | None = None
    """Otherwise: why."""
    new_run_id: str = ""
    """CONTINUED_AS_NEW: the run that follows."""
