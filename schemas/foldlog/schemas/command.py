"""Records of the namespace `foldlog.command`.

Written by `python -m foldlog.schemas.generate` from avsc/command/*.avsc:
change those, not this.
"""

from __future__ import annotations

from typing import Literal

from foldlog.schemas.common import (
    Deployment,
    Failure,
    Initiator,
    ParentExecution,
    Payload,
    Priority,
    ReplyTo,
    RetryPolicy,
    WorkflowOptions,
)
from msgspec import Struct, field

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


class ActivityStarted(Struct, kw_only=True):
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


class AwaitResult(Struct, kw_only=True):
    """Wait for a run to close. A long poll: the waiter is kept in memory only and must ask again."""

    identity: str = ""
    """Who sent it, for people: usually pid@host."""
    reply_to: ReplyTo | None = None
    """Where the answer goes; null: nobody asks for one."""
    run_id: str = ""
    """The run; empty means the current run of this workflow ID."""
    follow_runs: bool = True
    """Follow the chain of runs to its end."""


class AwaitUpdate(Struct, kw_only=True):
    """Wait for an update that was sent before. A long poll: the waiter is kept in memory only and must ask
    again.
    """

    identity: str = ""
    """Who sent it, for people: usually pid@host."""
    reply_to: ReplyTo | None = None
    """Where the answer goes; null: nobody asks for one."""
    run_id: str = ""
    """The run; empty means the current run of this workflow ID."""
    update_id: str
    """Which."""
    await_completed: bool = False
    """True: answered when its handler has ended; false: when it is accepted or refused."""


class CancelActivity(Struct, kw_only=True):
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
    activity_id: str = ""
    """Names the activity instead of scheduled_event_id, which is 0 then; empty: that one counts."""
    reply_to: ReplyTo | None = None
    """Where the answer goes; null: nobody asks for one."""


class CancelWorkflow(Struct, kw_only=True):
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
    initiator: Initiator | None = None
    """The workflow that asks and is told what became of it; null: none does."""
    child_only: bool = False
    """Refuse unless the workflow is a child of the initiator."""


class ChildWorkflowClosed(Struct, kw_only=True):
    """To a parent: its child, and all runs that followed it, ended."""

    run_id: str
    """The parent's run."""
    initiated_event_id: int
    """The StartChildWorkflowExecutionInitiated event in its history."""
    child_run_id: str
    """The child's last run."""
    status: str
    """COMPLETED, FAILED, CANCELED, TERMINATED or TIMED_OUT."""
    result: Payload | None = None
    """COMPLETED: its result."""
    failure: Failure | None = None
    """Otherwise: why."""
    retry_state: str = "UNSPECIFIED"
    """Why there is no further run; see Failure.retry_state."""


class ChildWorkflowStarted(Struct, kw_only=True):
    """To a parent: its child has begun, or cannot begin."""

    run_id: str
    """The parent's run."""
    initiated_event_id: int
    """The StartChildWorkflowExecutionInitiated event in its history."""
    child_run_id: str = ""
    """The child's run; empty: it cannot begin."""
    failure: Failure | None = None
    """Why it cannot begin; null: it has begun."""


class CompleteActivity(Struct, kw_only=True):
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
    activity_id: str = ""
    """Names the activity instead of scheduled_event_id, which is 0 then; empty: that one counts."""
    reply_to: ReplyTo | None = None
    """Where the answer goes; null: nobody asks for one."""


class DescribeDeployments(Struct, kw_only=True):
    """Ask a partition for the deployments that it knows. The key is as for SetDeployment."""

    identity: str = ""
    """Who sent it, for people: usually pid@host."""
    reply_to: ReplyTo | None = None
    """Where the answer goes, a Deployments record; null: nobody asks for one."""


class DescribeWorkflow(Struct, kw_only=True):
    """Ask for the state of a workflow: status, times, pending activities, stall."""

    identity: str = ""
    """Who sent it, for people: usually pid@host."""
    reply_to: ReplyTo | None = None
    """Where the answer goes; null: nobody asks for one."""
    run_id: str = ""
    """The run; empty means the current run of this workflow ID."""


class FailActivity(Struct, kw_only=True):
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
    activity_id: str = ""
    """Names the activity instead of scheduled_event_id, which is 0 then; empty: that one counts."""
    reply_to: ReplyTo | None = None
    """Where the answer goes; null: nobody asks for one."""


class GetHistory(Struct, kw_only=True):
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


class HeartbeatActivity(Struct, kw_only=True):
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
    activity_id: str = ""
    """Names the activity instead of scheduled_event_id, which is 0 then; empty: that one counts."""


class PauseActivity(Struct, kw_only=True):
    """Start no further attempt of an open activity until it is unpaused; one that runs is told."""

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
    activity_id: str = ""
    """Which activity; empty: those of activity_type."""
    activity_type: str = ""
    """All open activities of this type; empty: that of activity_id."""
    reason: str = ""
    """Why, for people."""


class QueryWorkflow(Struct, kw_only=True):
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
    header: dict[str, Payload] = field(default_factory=dict)
    """What interceptors pass along with the call."""


class ResetActivity(Struct, kw_only=True):
    """Count an activity's attempts from 1 again, and schedule the next one at once."""

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
    activity_id: str = ""
    """Which activity; empty: those of activity_type."""
    activity_type: str = ""
    """All open activities of this type; empty: that of activity_id."""
    keep_paused: bool = False
    """A paused activity stays paused."""
    reset_heartbeat: bool = False
    """Forget the details of its last heartbeat."""
    restore_original_options: bool = False
    """Take the options back that UpdateActivityOptions has changed."""
    jitter_ms: int = 0
    """Begin at a random time up to so many milliseconds later."""


class ResolveExternalWorkflow(Struct, kw_only=True):
    """To a workflow that sent a signal or a request to cancel to another one: what became of it."""

    run_id: str
    """The run that asked."""
    initiated_event_id: int
    """The event in its history that asked."""
    failure: Failure | None = None
    """Why it was refused; null: it was delivered."""
    target_run_id: str = ""
    """The run that it was delivered to."""


class SetDeployment(Struct, kw_only=True):
    """Change which versions new runs begin on. Sent to every partition, with a key that belongs there; the
    key means nothing else.
    """

    identity: str = ""
    """Who sent it, for people: usually pid@host."""
    reply_to: ReplyTo | None = None
    """Where the answer goes, a Deployments record; null: nobody asks for one."""
    deployment: Deployment
    """How it is to be."""


class SignalInput(Struct, kw_only=True):
    """A signal that comes with a start."""

    signal_name: str
    """Which."""
    args: list[Payload] = field(default_factory=list)
    """Its arguments."""
    header: dict[str, Payload] = field(default_factory=dict)
    """What interceptors pass along with the call."""


class SignalWorkflow(Struct, kw_only=True):
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
    header: dict[str, Payload] = field(default_factory=dict)
    """What interceptors pass along with the call."""
    first_execution_run_id: str = ""
    """Refuse unless the chain of runs began with this run; empty: any."""
    initiator: Initiator | None = None
    """The workflow that sends it and is told what became of it; null: none does."""
    child_only: bool = False
    """Refuse unless the workflow is a child of the initiator."""


class StartWorkflow(Struct, kw_only=True):
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
    await_result: bool = False
    """True: the one reply is the result of the run (or the rejection), not the fact of its start."""
    parent: ParentExecution | None = None
    """The workflow whose child it is; null: none."""
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
    options: WorkflowOptions | None = None
    """What few starts have; null: nothing of it."""
    start_delay_ms: int = 0
    """Wait before the code first runs, in milliseconds; a signal or an update ends the wait. Not together
    with cron_schedule.
    """
    signal: SignalInput | None = None
    """Signal-with-start: sent to the run that is there or is started, before the code of a new one first
    runs.
    """
    update: UpdateInput | None = None
    """Update-with-start: likewise an update. There is one reply: an UpdateReply, which names the run, or a
    Rejected for both.
    """


class TerminateWorkflow(Struct, kw_only=True):
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


class UnpauseActivity(Struct, kw_only=True):
    """Let a paused activity go on: its next attempt is scheduled at once."""

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
    activity_id: str = ""
    """Which activity; empty: those of activity_type."""
    activity_type: str = ""
    """All open activities of this type; empty: that of activity_id."""
    reset_attempts: bool = False
    """Count attempts from 1 again."""
    reset_heartbeat: bool = False
    """Forget the details of its last heartbeat."""
    jitter_ms: int = 0
    """Begin at a random time up to so many milliseconds later."""


class UpdateActivityOptions(Struct, kw_only=True):
    """Change options of an open activity. What is null stays as it is. Timeouts count at once; what a
    running attempt was told of them stays as it is.
    """

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
    activity_id: str = ""
    """Which activity; empty: those of activity_type."""
    activity_type: str = ""
    """All open activities of this type; empty: that of activity_id."""
    task_queue: str | None = None
    """Where its next attempts go."""
    schedule_to_close_timeout_ms: int | None = None
    """Limit on all attempts together; 0: none."""
    schedule_to_start_timeout_ms: int | None = None
    """Limit on waiting for a worker; 0: none."""
    start_to_close_timeout_ms: int | None = None
    """Limit on one attempt; 0: none."""
    heartbeat_timeout_ms: int | None = None
    """Limit between heartbeats; 0: none."""
    retry_policy: RetryPolicy | None = None
    """How it is retried."""
    restore_original: bool = False
    """Take the options back that it was scheduled with, before the others here are applied."""
    priority: Priority | None = None
    """Of its tasks."""


class UpdateInput(Struct, kw_only=True):
    """An update that comes with a start."""

    update_id: str
    """Unique within the run."""
    update_name: str
    """Which."""
    args: list[Payload] = field(default_factory=list)
    """Its arguments."""
    header: dict[str, Payload] = field(default_factory=dict)
    """What interceptors pass along with the call."""
    await_completed: bool = False
    """True: answered when its handler has ended; false: when it is accepted or refused."""


class UpdateWorkflow(Struct, kw_only=True):
    """Run an update handler of an open workflow and wait for it. An update that its validator refuses
    leaves no trace in history.
    """

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
    update_id: str
    """Unique within the run: a second one with this ID changes nothing and gets the answer of the first."""
    update_name: str
    """Which update."""
    args: list[Payload] = field(default_factory=list)
    """Its arguments."""
    header: dict[str, Payload] = field(default_factory=dict)
    """What interceptors pass along with the call."""
    await_completed: bool = False
    """True: answered when its handler has ended; false: when it is accepted or refused."""


class UpdateWorkflowOptions(Struct, kw_only=True):
    """Change which version of the code an open workflow runs on. Neither its history nor its code shows
    it.
    """

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
    versioning: WorkflowOptions
    """versioning_behavior and deployment_version count. A version without a behavior: it moves there, and
    goes on as its definition says. Neither: as its definition says, from where it is.
    """
