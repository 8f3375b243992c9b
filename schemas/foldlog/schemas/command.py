"""Records of the namespace `foldlog.command`.

Written by `python -m foldlog.schemas.generate` from avsc/command/*.avsc:
change those, not this.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from foldlog.schemas.common import Failure, Payload, ReplyTo

QueryRejectCondition = Literal[
    "NONE",
    "NOT_OPEN",
    "NOT_COMPLETED_CLEANLY",
]
WorkflowIdConflictPolicy = Literal[
    "UNSPECIFIED",
    "FAIL",
    "USE_EXISTING",
    "TERMINATE_EXISTING",
]
WorkflowIdReusePolicy = Literal[
    "ALLOW_DUPLICATE",
    "ALLOW_DUPLICATE_FAILED_ONLY",
    "REJECT_DUPLICATE",
    "TERMINATE_IF_RUNNING",
]


@dataclass(slots=True, kw_only=True)
class ActivityStarted:
    """An attempt is running and has not ended soon. Short attempts never send it."""

    run_id: str
    """The run that scheduled it."""
    scheduled_event_id: int
    """The ActivityTaskScheduled event."""
    attempt: int
    """The attempt, from 1."""
    identity: str = ""
    """Who sent it, for people: usually pid@host."""
    reply_to: ReplyTo | None = None
    """Where the answer goes; null: nobody asks for one."""
    running_ms: int = 0
    """For how long it has been running, in milliseconds: a duration, so that clocks need not agree."""


@dataclass(slots=True, kw_only=True)
class AwaitResult:
    """Wait for a run to close. A long poll: the waiter is kept in memory only and must ask again."""

    identity: str = ""
    """Who sent it, for people: usually pid@host."""
    reply_to: ReplyTo | None = None
    """Where the answer goes; null: nobody asks for one."""
    run_id: str = ""
    """The run; empty means the current run of this workflow ID."""
    follow_runs: bool = True
    """Follow the chain of runs to its end."""


@dataclass(slots=True, kw_only=True)
class CancelActivity:
    """An attempt ended because its cancellation was asked for."""

    run_id: str
    """The run that scheduled it."""
    scheduled_event_id: int
    """The ActivityTaskScheduled event."""
    attempt: int
    """The attempt, from 1."""
    identity: str = ""
    """Who sent it, for people: usually pid@host."""
    details: list[Payload] = field(default_factory=list)
    """What it says about that."""


@dataclass(slots=True, kw_only=True)
class CancelWorkflow:
    """Ask an open workflow to cancel itself: CancelledError is raised in its code."""

    request_id: str = ""
    """Makes the command idempotent: a repeated request ID gets the first answer again and changes nothing.
    Empty: not de-duplicated.
    """
    identity: str = ""
    """Who sent it, for people: usually pid@host."""
    reply_to: ReplyTo | None = None
    """Where the answer goes; null: nobody asks for one."""
    run_id: str = ""
    """The run; empty means the current run of this workflow ID."""
    first_execution_run_id: str = ""
    """Refuse unless the chain of runs began with this run; empty: any."""
    reason: str = ""
    """Why."""


@dataclass(slots=True, kw_only=True)
class CompleteActivity:
    """An attempt ended well."""

    run_id: str
    """The run that scheduled it."""
    scheduled_event_id: int
    """The ActivityTaskScheduled event."""
    attempt: int
    """The attempt, from 1."""
    identity: str = ""
    """Who sent it, for people: usually pid@host."""
    result: Payload
    """Its result."""


@dataclass(slots=True, kw_only=True)
class DescribeWorkflow:
    """Ask for the state of a workflow: status, times, pending activities, stall."""

    identity: str = ""
    """Who sent it, for people: usually pid@host."""
    reply_to: ReplyTo | None = None
    """Where the answer goes; null: nobody asks for one."""
    run_id: str = ""
    """The run; empty means the current run of this workflow ID."""


@dataclass(slots=True, kw_only=True)
class FailActivity:
    """An attempt failed."""

    run_id: str
    """The run that scheduled it."""
    scheduled_event_id: int
    """The ActivityTaskScheduled event."""
    attempt: int
    """The attempt, from 1."""
    identity: str = ""
    """Who sent it, for people: usually pid@host."""
    failure: Failure
    """Why."""
    heartbeat_details: list[Payload] = field(default_factory=list)
    """Details of the last heartbeat, if the throttle kept them back."""


@dataclass(slots=True, kw_only=True)
class GetHistory:
    """Ask for one page of a run's history."""

    identity: str = ""
    """Who sent it, for people: usually pid@host."""
    reply_to: ReplyTo | None = None
    """Where the answer goes; null: nobody asks for one."""
    run_id: str = ""
    """The run; empty means the current run of this workflow ID."""
    first_event_id: int = 1
    """First event wanted."""
    maximum_bytes: int = 500000
    """Stop the page after this many bytes of events."""


@dataclass(slots=True, kw_only=True)
class HeartbeatActivity:
    """A running attempt lives, and how far it got."""

    run_id: str
    """The run that scheduled it."""
    scheduled_event_id: int
    """The ActivityTaskScheduled event."""
    attempt: int
    """The attempt, from 1."""
    identity: str = ""
    """Who sent it, for people: usually pid@host."""
    reply_to: ReplyTo | None = None
    """Where the answer goes; null: nobody asks for one."""
    details: list[Payload] = field(default_factory=list)
    """What the next attempt should know."""


@dataclass(slots=True, kw_only=True)
class QueryWorkflow:
    """Ask a workflow's query handler. Leaves no trace in history."""

    identity: str = ""
    """Who sent it, for people: usually pid@host."""
    reply_to: ReplyTo | None = None
    """Where the answer goes; null: nobody asks for one."""
    run_id: str = ""
    """The run; empty means the current run of this workflow ID."""
    query_type: str
    """Which query."""
    args: list[Payload] = field(default_factory=list)
    """Its arguments."""
    reject_condition: QueryRejectCondition = "NONE"
    """In which states of the workflow the query is refused."""


@dataclass(slots=True, kw_only=True)
class SignalWorkflow:
    """Send a signal to an open workflow."""

    request_id: str = ""
    """Makes the command idempotent: a repeated request ID gets the first answer again and changes nothing.
    Empty: not de-duplicated.
    """
    identity: str = ""
    """Who sent it, for people: usually pid@host."""
    reply_to: ReplyTo | None = None
    """Where the answer goes; null: nobody asks for one."""
    run_id: str = ""
    """The run; empty means the current run of this workflow ID."""
    signal_name: str
    """Which signal."""
    args: list[Payload] = field(default_factory=list)
    """Its arguments."""


@dataclass(slots=True, kw_only=True)
class StartWorkflow:
    """Start a workflow. The record's key is the workflow ID."""

    request_id: str = ""
    """Makes the command idempotent: a repeated request ID gets the first answer again and changes nothing.
    Empty: not de-duplicated.
    """
    identity: str = ""
    """Who sent it, for people: usually pid@host."""
    reply_to: ReplyTo | None = None
    """Where the answer goes; null: nobody asks for one."""
    workflow_type: str
    """Name of the workflow definition."""
    task_queue: str
    """Default task queue of the run's activities."""
    args: list[Payload] = field(default_factory=list)
    """Arguments of the run method."""
    id_reuse_policy: WorkflowIdReusePolicy = "ALLOW_DUPLICATE"
    """What happens if a closed run has this workflow ID."""
    id_conflict_policy: WorkflowIdConflictPolicy = "UNSPECIFIED"
    """What happens if an open run has this workflow ID; UNSPECIFIED means FAIL."""
    execution_timeout_ms: int = 0
    """Limit on the whole chain of runs, in milliseconds; 0: none."""
    run_timeout_ms: int = 0
    """Limit on this run, in milliseconds; 0: none."""
    memo: dict[str, Payload] = field(default_factory=dict)
    """Notes that are shown with the workflow and do nothing."""
    await_result: bool = False
    """True: the one reply is the result of the run (or the rejection), not the fact of its start."""


@dataclass(slots=True, kw_only=True)
class TerminateWorkflow:
    """End an open workflow at once; its code does not run again."""

    request_id: str = ""
    """Makes the command idempotent: a repeated request ID gets the first answer again and changes nothing.
    Empty: not de-duplicated.
    """
    identity: str = ""
    """Who sent it, for people: usually pid@host."""
    reply_to: ReplyTo | None = None
    """Where the answer goes; null: nobody asks for one."""
    run_id: str = ""
    """The run; empty means the current run of this workflow ID."""
    first_execution_run_id: str = ""
    """Refuse unless the chain of runs began with this run; empty: any."""
    reason: str = ""
    """Why."""
    details: list[Payload] = field(default_factory=list)
    """Details for the reader of the history."""
