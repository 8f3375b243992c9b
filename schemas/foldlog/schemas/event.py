"""Records of the namespace `foldlog.event`.

Written by `python -m foldlog.schemas.generate` from avsc/event/*.avsc:
change those, not this.
"""

from __future__ import annotations

from typing import Literal

from foldlog.schemas.common import (
    ActivityOptions,
    Continuation,
    Failure,
    Initiator,
    ParentExecution,
    Payload,
    RetryPolicy,
    WorkflowOptions,
)
from foldlog.schemas.names import HistoryEvent
from msgspec import field

ParentClosePolicy = Literal[
    "TERMINATE",
    "ABANDON",
    "REQUEST_CANCEL",
]


class ActivityTaskCancelRequested(HistoryEvent, kw_only=True):
    """The workflow asked to cancel the activity."""

    run_id: str = ""
    """The run."""
    event_id: int = 0
    """Its number in the run's history: 1, 2, 3 …"""
    time_ms: int = 0
    """When the processor made it, in Unix milliseconds."""
    chain: bytes = b""
    """BLAKE2b-128 of the encoded event before it; empty in the first."""
    scheduled_event_id: int
    """The ActivityTaskScheduled event."""


class ActivityTaskCanceled(HistoryEvent, kw_only=True):
    """The activity ended by its cancellation."""

    run_id: str = ""
    """The run."""
    event_id: int = 0
    """Its number in the run's history: 1, 2, 3 …"""
    time_ms: int = 0
    """When the processor made it, in Unix milliseconds."""
    chain: bytes = b""
    """BLAKE2b-128 of the encoded event before it; empty in the first."""
    scheduled_event_id: int
    """The ActivityTaskScheduled event."""
    attempt: int = 1
    """The attempt that ended it, from 1."""
    identity: str = ""
    """Who sent it, for people: usually pid@host."""
    details: list[Payload] = field(default_factory=list)
    """What the activity says about it."""


class ActivityTaskCompleted(HistoryEvent, kw_only=True):
    """The activity ended well."""

    run_id: str = ""
    """The run."""
    event_id: int = 0
    """Its number in the run's history: 1, 2, 3 …"""
    time_ms: int = 0
    """When the processor made it, in Unix milliseconds."""
    chain: bytes = b""
    """BLAKE2b-128 of the encoded event before it; empty in the first."""
    scheduled_event_id: int
    """The ActivityTaskScheduled event."""
    attempt: int = 1
    """The attempt that ended it, from 1."""
    identity: str = ""
    """Who sent it, for people: usually pid@host."""
    result: Payload
    """Its result."""


class ActivityTaskFailed(HistoryEvent, kw_only=True):
    """The activity failed and is not retried."""

    run_id: str = ""
    """The run."""
    event_id: int = 0
    """Its number in the run's history: 1, 2, 3 …"""
    time_ms: int = 0
    """When the processor made it, in Unix milliseconds."""
    chain: bytes = b""
    """BLAKE2b-128 of the encoded event before it; empty in the first."""
    scheduled_event_id: int
    """The ActivityTaskScheduled event."""
    attempt: int = 1
    """The attempt that ended it, from 1."""
    identity: str = ""
    """Who sent it, for people: usually pid@host."""
    failure: Failure
    """The last attempt's failure."""
    retry_state: str = "UNSPECIFIED"
    """Why there is no further attempt; see Failure.retry_state."""


class ActivityTaskScheduled(HistoryEvent, kw_only=True):
    """The workflow asked for an activity."""

    run_id: str = ""
    """The run."""
    event_id: int = 0
    """Its number in the run's history: 1, 2, 3 …"""
    time_ms: int = 0
    """When the processor made it, in Unix milliseconds."""
    chain: bytes = b""
    """BLAKE2b-128 of the encoded event before it; empty in the first."""
    activity_id: str
    """The activity's ID, unique among the open ones of the run."""
    activity_type: str
    """Name of the activity definition."""
    task_queue: str
    """Where its tasks go."""
    args: list[Payload] = field(default_factory=list)
    """Arguments."""
    start_to_close_timeout_ms: int = 0
    """Limit on one attempt; 0: none."""
    eager: bool = False
    """True: the task was handed over in memory; whoever restores the partition puts it on the topic."""
    retry_policy: RetryPolicy | None = None
    """How it is retried; null: not at all."""
    schedule_to_close_timeout_ms: int = 0
    """Limit on all attempts together; 0: none."""
    schedule_to_start_timeout_ms: int = 0
    """Limit on waiting for a worker; 0: none."""
    heartbeat_timeout_ms: int = 0
    """Limit between heartbeats; 0: none."""
    options: ActivityOptions | None = None
    """What few activities have; null: nothing of it."""


class ActivityTaskTimedOut(HistoryEvent, kw_only=True):
    """The activity timed out and is not retried."""

    run_id: str = ""
    """The run."""
    event_id: int = 0
    """Its number in the run's history: 1, 2, 3 …"""
    time_ms: int = 0
    """When the processor made it, in Unix milliseconds."""
    chain: bytes = b""
    """BLAKE2b-128 of the encoded event before it; empty in the first."""
    scheduled_event_id: int
    """The ActivityTaskScheduled event."""
    attempt: int = 1
    """The attempt that ended it, from 1."""
    failure: Failure
    """A TIMEOUT failure; its cause is the failure of the attempt before, if any."""
    retry_state: str = "UNSPECIFIED"
    """Why there is no further attempt; see Failure.retry_state."""


class ChildWorkflowExecutionCanceled(HistoryEvent, kw_only=True):
    """A child ended by its cancellation."""

    run_id: str = ""
    """The run."""
    event_id: int = 0
    """Its number in the run's history: 1, 2, 3 …"""
    time_ms: int = 0
    """When the processor made it, in Unix milliseconds."""
    chain: bytes = b""
    """BLAKE2b-128 of the encoded event before it; empty in the first."""
    initiated_event_id: int
    """The StartChildWorkflowExecutionInitiated event."""
    child_run_id: str
    """Its last run."""
    failure: Failure
    """Why."""
    retry_state: str = "UNSPECIFIED"
    """Why there is no further run; see Failure.retry_state."""


class ChildWorkflowExecutionCompleted(HistoryEvent, kw_only=True):
    """A child ended well."""

    run_id: str = ""
    """The run."""
    event_id: int = 0
    """Its number in the run's history: 1, 2, 3 …"""
    time_ms: int = 0
    """When the processor made it, in Unix milliseconds."""
    chain: bytes = b""
    """BLAKE2b-128 of the encoded event before it; empty in the first."""
    initiated_event_id: int
    """The StartChildWorkflowExecutionInitiated event."""
    child_run_id: str
    """Its last run."""
    result: Payload
    """Its result."""


class ChildWorkflowExecutionFailed(HistoryEvent, kw_only=True):
    """A child failed."""

    run_id: str = ""
    """The run."""
    event_id: int = 0
    """Its number in the run's history: 1, 2, 3 …"""
    time_ms: int = 0
    """When the processor made it, in Unix milliseconds."""
    chain: bytes = b""
    """BLAKE2b-128 of the encoded event before it; empty in the first."""
    initiated_event_id: int
    """The StartChildWorkflowExecutionInitiated event."""
    child_run_id: str
    """Its last run."""
    failure: Failure
    """Why."""
    retry_state: str = "UNSPECIFIED"
    """Why there is no further run; see Failure.retry_state."""


class ChildWorkflowExecutionStarted(HistoryEvent, kw_only=True):
    """A child has begun."""

    run_id: str = ""
    """The run."""
    event_id: int = 0
    """Its number in the run's history: 1, 2, 3 …"""
    time_ms: int = 0
    """When the processor made it, in Unix milliseconds."""
    chain: bytes = b""
    """BLAKE2b-128 of the encoded event before it; empty in the first."""
    initiated_event_id: int
    """The StartChildWorkflowExecutionInitiated event."""
    child_run_id: str
    """Its first run."""


class ChildWorkflowExecutionTerminated(HistoryEvent, kw_only=True):
    """A child was ended from outside."""

    run_id: str = ""
    """The run."""
    event_id: int = 0
    """Its number in the run's history: 1, 2, 3 …"""
    time_ms: int = 0
    """When the processor made it, in Unix milliseconds."""
    chain: bytes = b""
    """BLAKE2b-128 of the encoded event before it; empty in the first."""
    initiated_event_id: int
    """The StartChildWorkflowExecutionInitiated event."""
    child_run_id: str
    """Its last run."""
    failure: Failure
    """Why."""
    retry_state: str = "UNSPECIFIED"
    """Why there is no further run; see Failure.retry_state."""


class ChildWorkflowExecutionTimedOut(HistoryEvent, kw_only=True):
    """A child timed out."""

    run_id: str = ""
    """The run."""
    event_id: int = 0
    """Its number in the run's history: 1, 2, 3 …"""
    time_ms: int = 0
    """When the processor made it, in Unix milliseconds."""
    chain: bytes = b""
    """BLAKE2b-128 of the encoded event before it; empty in the first."""
    initiated_event_id: int
    """The StartChildWorkflowExecutionInitiated event."""
    child_run_id: str
    """Its last run."""
    failure: Failure
    """Why."""
    retry_state: str = "UNSPECIFIED"
    """Why there is no further run; see Failure.retry_state."""


class ExternalWorkflowExecutionCancelRequested(HistoryEvent, kw_only=True):
    """The other workflow has the request to cancel."""

    run_id: str = ""
    """The run."""
    event_id: int = 0
    """Its number in the run's history: 1, 2, 3 …"""
    time_ms: int = 0
    """When the processor made it, in Unix milliseconds."""
    chain: bytes = b""
    """BLAKE2b-128 of the encoded event before it; empty in the first."""
    initiated_event_id: int
    """The event that asked."""


class ExternalWorkflowExecutionSignaled(HistoryEvent, kw_only=True):
    """The other workflow has the signal."""

    run_id: str = ""
    """The run."""
    event_id: int = 0
    """Its number in the run's history: 1, 2, 3 …"""
    time_ms: int = 0
    """When the processor made it, in Unix milliseconds."""
    chain: bytes = b""
    """BLAKE2b-128 of the encoded event before it; empty in the first."""
    initiated_event_id: int
    """The event that asked."""


class LocalActivityCompleted(HistoryEvent, kw_only=True):
    """A local activity ended, well or not. Temporal keeps these as markers."""

    run_id: str = ""
    """The run."""
    event_id: int = 0
    """Its number in the run's history: 1, 2, 3 …"""
    time_ms: int = 0
    """When the processor made it, in Unix milliseconds."""
    chain: bytes = b""
    """BLAKE2b-128 of the encoded event before it; empty in the first."""
    activity_id: str
    """Its ID."""
    activity_type: str
    """Name of the activity definition."""
    attempt: int
    """Attempts made."""
    result: Payload | None = None
    """Its result, unless it failed."""
    failure: Failure | None = None
    """Why it failed, unless it ended well."""
    scheduled_ms: int = 0
    """When its first attempt was scheduled; 0: not said."""
    backoff_ms: int = 0
    """Not its end: the code waits so many milliseconds on a timer and then asks for it again; 0: its end."""
    summary: Payload | None = None
    """One line for people; null: none."""


class PatchRecorded(HistoryEvent, kw_only=True):
    """The workflow passed `patched` or `deprecate_patch` for the first time. Temporal keeps these as
    markers.
    """

    run_id: str = ""
    """The run."""
    event_id: int = 0
    """Its number in the run's history: 1, 2, 3 …"""
    time_ms: int = 0
    """When the processor made it, in Unix milliseconds."""
    chain: bytes = b""
    """BLAKE2b-128 of the encoded event before it; empty in the first."""
    patch_id: str
    """Which patch."""
    deprecated: bool = False
    """It was `deprecate_patch`."""


class RequestCancelExternalWorkflowExecutionFailed(HistoryEvent, kw_only=True):
    """The other workflow could not be asked to cancel."""

    run_id: str = ""
    """The run."""
    event_id: int = 0
    """Its number in the run's history: 1, 2, 3 …"""
    time_ms: int = 0
    """When the processor made it, in Unix milliseconds."""
    chain: bytes = b""
    """BLAKE2b-128 of the encoded event before it; empty in the first."""
    initiated_event_id: int
    """The event that asked."""
    failure: Failure
    """Why."""


class RequestCancelExternalWorkflowExecutionInitiated(HistoryEvent, kw_only=True):
    """The workflow asks another one to cancel itself."""

    run_id: str = ""
    """The run."""
    event_id: int = 0
    """Its number in the run's history: 1, 2, 3 …"""
    time_ms: int = 0
    """When the processor made it, in Unix milliseconds."""
    chain: bytes = b""
    """BLAKE2b-128 of the encoded event before it; empty in the first."""
    namespace: str = ""
    """Namespace of the other workflow; empty: this one."""
    workflow_id: str
    """Its ID."""
    target_run_id: str = ""
    """The run; empty: the current one."""
    child_only: bool = False
    """Refused unless it is a child of this workflow."""
    reason: str = ""
    """Why."""


class SignalExternalWorkflowExecutionFailed(HistoryEvent, kw_only=True):
    """The other workflow could not be sent the signal."""

    run_id: str = ""
    """The run."""
    event_id: int = 0
    """Its number in the run's history: 1, 2, 3 …"""
    time_ms: int = 0
    """When the processor made it, in Unix milliseconds."""
    chain: bytes = b""
    """BLAKE2b-128 of the encoded event before it; empty in the first."""
    initiated_event_id: int
    """The event that asked."""
    failure: Failure
    """Why."""


class SignalExternalWorkflowExecutionInitiated(HistoryEvent, kw_only=True):
    """The workflow sends a signal to another one."""

    run_id: str = ""
    """The run."""
    event_id: int = 0
    """Its number in the run's history: 1, 2, 3 …"""
    time_ms: int = 0
    """When the processor made it, in Unix milliseconds."""
    chain: bytes = b""
    """BLAKE2b-128 of the encoded event before it; empty in the first."""
    namespace: str = ""
    """Namespace of the other workflow; empty: this one."""
    workflow_id: str
    """Its ID."""
    target_run_id: str = ""
    """The run; empty: the current one."""
    child_only: bool = False
    """Refused unless it is a child of this workflow."""
    signal_name: str
    """Which signal."""
    args: list[Payload] = field(default_factory=list)
    """Its arguments."""


class StartChildWorkflowExecutionFailed(HistoryEvent, kw_only=True):
    """A child could not begin."""

    run_id: str = ""
    """The run."""
    event_id: int = 0
    """Its number in the run's history: 1, 2, 3 …"""
    time_ms: int = 0
    """When the processor made it, in Unix milliseconds."""
    chain: bytes = b""
    """BLAKE2b-128 of the encoded event before it; empty in the first."""
    initiated_event_id: int
    """The StartChildWorkflowExecutionInitiated event."""
    failure: Failure
    """Why."""


class StartChildWorkflowExecutionInitiated(HistoryEvent, kw_only=True):
    """The workflow asked for a child."""

    run_id: str = ""
    """The run."""
    event_id: int = 0
    """Its number in the run's history: 1, 2, 3 …"""
    time_ms: int = 0
    """When the processor made it, in Unix milliseconds."""
    chain: bytes = b""
    """BLAKE2b-128 of the encoded event before it; empty in the first."""
    namespace: str = ""
    """The child's namespace; empty: this one."""
    workflow_id: str
    """The child's ID."""
    workflow_type: str
    """Its type."""
    task_queue: str
    """Default task queue of its activities."""
    args: list[Payload] = field(default_factory=list)
    """Its arguments."""
    parent_close_policy: ParentClosePolicy = "TERMINATE"
    """What happens to the child when this run closes."""


class TimerCanceled(HistoryEvent, kw_only=True):
    """The workflow no longer waits for the timer."""

    run_id: str = ""
    """The run."""
    event_id: int = 0
    """Its number in the run's history: 1, 2, 3 …"""
    time_ms: int = 0
    """When the processor made it, in Unix milliseconds."""
    chain: bytes = b""
    """BLAKE2b-128 of the encoded event before it; empty in the first."""
    timer_id: int
    """Which."""
    started_event_id: int
    """The TimerStarted event."""


class TimerFired(HistoryEvent, kw_only=True):
    """A timer came due."""

    run_id: str = ""
    """The run."""
    event_id: int = 0
    """Its number in the run's history: 1, 2, 3 …"""
    time_ms: int = 0
    """When the processor made it, in Unix milliseconds."""
    chain: bytes = b""
    """BLAKE2b-128 of the encoded event before it; empty in the first."""
    timer_id: int
    """Which."""
    started_event_id: int
    """The TimerStarted event."""


class TimerStarted(HistoryEvent, kw_only=True):
    """The workflow set a timer."""

    run_id: str = ""
    """The run."""
    event_id: int = 0
    """Its number in the run's history: 1, 2, 3 …"""
    time_ms: int = 0
    """When the processor made it, in Unix milliseconds."""
    chain: bytes = b""
    """BLAKE2b-128 of the encoded event before it; empty in the first."""
    timer_id: int
    """The timer's number in the run."""
    fire_ms: int
    """When it is due, in Unix milliseconds."""
    summary: Payload | None = None
    """One line for people; null: none."""


class UpsertWorkflowSearchAttributes(HistoryEvent, kw_only=True):
    """The workflow changed its search attributes."""

    run_id: str = ""
    """The run."""
    event_id: int = 0
    """Its number in the run's history: 1, 2, 3 …"""
    time_ms: int = 0
    """When the processor made it, in Unix milliseconds."""
    chain: bytes = b""
    """BLAKE2b-128 of the encoded event before it; empty in the first."""
    search_attributes: dict[str, Payload] = field(default_factory=dict)
    """The new values; a payload with the encoding binary/null removes one."""


class WorkflowExecutionCancelRequested(HistoryEvent, kw_only=True):
    """Cancellation was asked for."""

    run_id: str = ""
    """The run."""
    event_id: int = 0
    """Its number in the run's history: 1, 2, 3 …"""
    time_ms: int = 0
    """When the processor made it, in Unix milliseconds."""
    chain: bytes = b""
    """BLAKE2b-128 of the encoded event before it; empty in the first."""
    reason: str = ""
    """Why."""
    request_id: str = ""
    """Makes the command idempotent: a repeated request ID gets the first answer again and changes nothing.
    Empty: not de-duplicated.
    """
    identity: str = ""
    """Who sent it, for people: usually pid@host."""
    initiator: Initiator | None = None
    """The workflow that asked; null: a client did."""


class WorkflowExecutionCanceled(HistoryEvent, kw_only=True):
    """The run ended by its cancellation. Closes the run."""

    run_id: str = ""
    """The run."""
    event_id: int = 0
    """Its number in the run's history: 1, 2, 3 …"""
    time_ms: int = 0
    """When the processor made it, in Unix milliseconds."""
    chain: bytes = b""
    """BLAKE2b-128 of the encoded event before it; empty in the first."""
    details: list[Payload] = field(default_factory=list)
    """Details of the cancellation."""


class WorkflowExecutionCompleted(HistoryEvent, kw_only=True):
    """The run method returned. Closes the run."""

    run_id: str = ""
    """The run."""
    event_id: int = 0
    """Its number in the run's history: 1, 2, 3 …"""
    time_ms: int = 0
    """When the processor made it, in Unix milliseconds."""
    chain: bytes = b""
    """BLAKE2b-128 of the encoded event before it; empty in the first."""
    result: Payload
    """What it returned."""
    new_run_id: str = ""
    """The run that follows; empty: none does."""


class WorkflowExecutionContinuedAsNew(HistoryEvent, kw_only=True):
    """The workflow asked for a new run with a fresh history. Closes the run."""

    run_id: str = ""
    """The run."""
    event_id: int = 0
    """Its number in the run's history: 1, 2, 3 …"""
    time_ms: int = 0
    """When the processor made it, in Unix milliseconds."""
    chain: bytes = b""
    """BLAKE2b-128 of the encoded event before it; empty in the first."""
    new_run_id: str
    """The run that follows."""
    workflow_type: str
    """Its type."""
    args: list[Payload] = field(default_factory=list)
    """Its arguments."""


class WorkflowExecutionFailed(HistoryEvent, kw_only=True):
    """The run method raised a workflow failure. Closes the run."""

    run_id: str = ""
    """The run."""
    event_id: int = 0
    """Its number in the run's history: 1, 2, 3 …"""
    time_ms: int = 0
    """When the processor made it, in Unix milliseconds."""
    chain: bytes = b""
    """BLAKE2b-128 of the encoded event before it; empty in the first."""
    failure: Failure
    """What it raised."""
    new_run_id: str = ""
    """The run that follows; empty: none does."""
    retry_state: str = "UNSPECIFIED"
    """Why there is no further run; see Failure.retry_state."""


class WorkflowExecutionSignaled(HistoryEvent, kw_only=True):
    """A signal arrived."""

    run_id: str = ""
    """The run."""
    event_id: int = 0
    """Its number in the run's history: 1, 2, 3 …"""
    time_ms: int = 0
    """When the processor made it, in Unix milliseconds."""
    chain: bytes = b""
    """BLAKE2b-128 of the encoded event before it; empty in the first."""
    signal_name: str
    """Which."""
    args: list[Payload] = field(default_factory=list)
    """Its arguments."""
    request_id: str = ""
    """Makes the command idempotent: a repeated request ID gets the first answer again and changes nothing.
    Empty: not de-duplicated.
    """
    identity: str = ""
    """Who sent it, for people: usually pid@host."""
    header: dict[str, Payload] = field(default_factory=dict)
    """What interceptors pass along with the call."""
    initiator: Initiator | None = None
    """The workflow that sent it; null: a client did."""


class WorkflowExecutionStarted(HistoryEvent, kw_only=True):
    """A run begins."""

    run_id: str = ""
    """The run."""
    event_id: int = 0
    """Its number in the run's history: 1, 2, 3 …"""
    time_ms: int = 0
    """When the processor made it, in Unix milliseconds."""
    chain: bytes = b""
    """BLAKE2b-128 of the encoded event before it; empty in the first."""
    workflow_type: str
    """Name of the workflow definition."""
    task_queue: str
    """Default task queue of its activities."""
    args: list[Payload] = field(default_factory=list)
    """Arguments of the run method."""
    first_execution_run_id: str = ""
    """The first run of the chain."""
    request_id: str = ""
    """Makes the command idempotent: a repeated request ID gets the first answer again and changes nothing.
    Empty: not de-duplicated.
    """
    identity: str = ""
    """Who sent it, for people: usually pid@host."""
    parent: ParentExecution | None = None
    """The workflow whose child it is; null: none."""
    execution_timeout_ms: int = 0
    """Limit on the whole chain of runs; 0: none."""
    run_timeout_ms: int = 0
    """Limit on this run; 0: none."""
    execution_expiration_ms: int = 0
    """When the chain of runs times out, in Unix milliseconds; 0: never."""
    memo: dict[str, Payload] = field(default_factory=dict)
    """Notes."""
    options: WorkflowOptions | None = None
    """What few starts have; null: nothing of it."""
    continuation: Continuation | None = None
    """What it has from the run before it; null: it is the first of its chain."""
    held: bool = False
    """True: the code first runs at the WorkflowTaskScheduled event."""
    first_task_ms: int = 0
    """Held until then (start delay, retry, cron); 0: until what came with the start is recorded."""


class WorkflowExecutionTerminated(HistoryEvent, kw_only=True):
    """The run was ended from outside. Closes the run."""

    run_id: str = ""
    """The run."""
    event_id: int = 0
    """Its number in the run's history: 1, 2, 3 …"""
    time_ms: int = 0
    """When the processor made it, in Unix milliseconds."""
    chain: bytes = b""
    """BLAKE2b-128 of the encoded event before it; empty in the first."""
    reason: str = ""
    """Why."""
    details: list[Payload] = field(default_factory=list)
    """Details."""
    request_id: str = ""
    """Makes the command idempotent: a repeated request ID gets the first answer again and changes nothing.
    Empty: not de-duplicated.
    """
    identity: str = ""
    """Who sent it, for people: usually pid@host."""


class WorkflowExecutionTimedOut(HistoryEvent, kw_only=True):
    """The run or execution timeout passed. Closes the run."""

    run_id: str = ""
    """The run."""
    event_id: int = 0
    """Its number in the run's history: 1, 2, 3 …"""
    time_ms: int = 0
    """When the processor made it, in Unix milliseconds."""
    chain: bytes = b""
    """BLAKE2b-128 of the encoded event before it; empty in the first."""
    execution: bool = False
    """True: the timeout of the whole chain; false: that of this run."""
    new_run_id: str = ""
    """The run that follows; empty: none does."""
    retry_state: str = "UNSPECIFIED"
    """Why there is no further run; see Failure.retry_state."""


class WorkflowExecutionUpdateAccepted(HistoryEvent, kw_only=True):
    """An update passed its validator, and its handler begins."""

    run_id: str = ""
    """The run."""
    event_id: int = 0
    """Its number in the run's history: 1, 2, 3 …"""
    time_ms: int = 0
    """When the processor made it, in Unix milliseconds."""
    chain: bytes = b""
    """BLAKE2b-128 of the encoded event before it; empty in the first."""
    update_id: str
    """Unique within the run."""
    update_name: str
    """Which update."""
    args: list[Payload] = field(default_factory=list)
    """Its arguments."""
    header: dict[str, Payload] = field(default_factory=dict)
    """What interceptors pass along with the call."""
    identity: str = ""
    """Who sent it, for people: usually pid@host."""
    request_id: str = ""
    """Of the command."""


class WorkflowExecutionUpdateCompleted(HistoryEvent, kw_only=True):
    """An update's handler ended."""

    run_id: str = ""
    """The run."""
    event_id: int = 0
    """Its number in the run's history: 1, 2, 3 …"""
    time_ms: int = 0
    """When the processor made it, in Unix milliseconds."""
    chain: bytes = b""
    """BLAKE2b-128 of the encoded event before it; empty in the first."""
    update_id: str
    """Which."""
    accepted_event_id: int
    """The WorkflowExecutionUpdateAccepted event."""
    result: Payload | None = None
    """What the handler returned, unless it failed."""
    failure: Failure | None = None
    """What it raised, unless it returned."""


class WorkflowPropertiesModified(HistoryEvent, kw_only=True):
    """The workflow changed its memo."""

    run_id: str = ""
    """The run."""
    event_id: int = 0
    """Its number in the run's history: 1, 2, 3 …"""
    time_ms: int = 0
    """When the processor made it, in Unix milliseconds."""
    chain: bytes = b""
    """BLAKE2b-128 of the encoded event before it; empty in the first."""
    memo: dict[str, Payload] = field(default_factory=dict)
    """The new values; a payload with the encoding binary/null removes one."""


class WorkflowTaskScheduled(HistoryEvent, kw_only=True):
    """The code of a run that was held (by a start delay, a retry, a cron schedule, or for what came with
    its start) begins now. Or the code is told signals together with the event before.
    """

    run_id: str = ""
    """The run."""
    event_id: int = 0
    """Its number in the run's history: 1, 2, 3 …"""
    time_ms: int = 0
    """When the processor made it, in Unix milliseconds."""
    chain: bytes = b""
    """BLAKE2b-128 of the encoded event before it; empty in the first."""
    signals: int = 0
    """How many signals follow that the code is told before the event before this one, in one step with it:
    it had stalled there, and would have ended without them. Below 0: so many that nobody is told, as
    its code was over. 0: its code begins now.
    """
