"""Records of the namespace `foldlog.event`.

Written by `python -m foldlog.schemas.generate` from avsc/event/*.avsc:
change those, not this.
"""

from __future__ import annotations

from dataclasses import dataclass, field
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

ParentClosePolicy = Literal[
    "TERMINATE",
    "ABANDON",
    "REQUEST_CANCEL",
]


@dataclass(slots=True, kw_only=True)
class ActivityTaskCancelRequested(HistoryEvent):
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


@dataclass(slots=True, kw_only=True)
class ActivityTaskCanceled(HistoryEvent):
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


@dataclass(slots=True, kw_only=True)
class ActivityTaskCompleted(HistoryEvent):
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


@dataclass(slots=True, kw_only=True)
class ActivityTaskFailed(HistoryEvent):
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


@dataclass(slots=True, kw_only=True)
class ActivityTaskScheduled(HistoryEvent):
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


@dataclass(slots=True, kw_only=True)
class ActivityTaskTimedOut(HistoryEvent):
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


@dataclass(slots=True, kw_only=True)
class ChildWorkflowExecutionCanceled(HistoryEvent):
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


@dataclass(slots=True, kw_only=True)
class ChildWorkflowExecutionCompleted(HistoryEvent):
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


@dataclass(slots=True, kw_only=True)
class ChildWorkflowExecutionFailed(HistoryEvent):
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


@dataclass(slots=True, kw_only=True)
class ChildWorkflowExecutionStarted(HistoryEvent):
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


@dataclass(slots=True, kw_only=True)
class ChildWorkflowExecutionTerminated(HistoryEvent):
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


@dataclass(slots=True, kw_only=True)
class ChildWorkflowExecutionTimedOut(HistoryEvent):
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


@dataclass(slots=True, kw_only=True)
class ExternalWorkflowExecutionCancelRequested(HistoryEvent):
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


@dataclass(slots=True, kw_only=True)
class ExternalWorkflowExecutionSignaled(HistoryEvent):
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


@dataclass(slots=True, kw_only=True)
class LocalActivityCompleted(HistoryEvent):
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


@dataclass(slots=True, kw_only=True)
class PatchRecorded(HistoryEvent):
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


@dataclass(slots=True, kw_only=True)
class RequestCancelExternalWorkflowExecutionFailed(HistoryEvent):
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


@dataclass(slots=True, kw_only=True)
class RequestCancelExternalWorkflowExecutionInitiated(HistoryEvent):
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


@dataclass(slots=True, kw_only=True)
class SignalExternalWorkflowExecutionFailed(HistoryEvent):
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


@dataclass(slots=True, kw_only=True)
class SignalExternalWorkflowExecutionInitiated(HistoryEvent):
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


@dataclass(slots=True, kw_only=True)
class StartChildWorkflowExecutionFailed(HistoryEvent):
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


@dataclass(slots=True, kw_only=True)
class StartChildWorkflowExecutionInitiated(HistoryEvent):
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


@dataclass(slots=True, kw_only=True)
class TimerCanceled(HistoryEvent):
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


@dataclass(slots=True, kw_only=True)
class TimerFired(HistoryEvent):
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


@dataclass(slots=True, kw_only=True)
class TimerStarted(HistoryEvent):
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


@dataclass(slots=True, kw_only=True)
class UpsertWorkflowSearchAttributes(HistoryEvent):
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


@dataclass(slots=True, kw_only=True)
class WorkflowExecutionCancelRequested(HistoryEvent):
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


@dataclass(slots=True, kw_only=True)
class WorkflowExecutionCanceled(HistoryEvent):
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


@dataclass(slots=True, kw_only=True)
class WorkflowExecutionCompleted(HistoryEvent):
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


@dataclass(slots=True, kw_only=True)
class WorkflowExecutionContinuedAsNew(HistoryEvent):
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


@dataclass(slots=True, kw_only=True)
class WorkflowExecutionFailed(HistoryEvent):
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


@dataclass(slots=True, kw_only=True)
class WorkflowExecutionSignaled(HistoryEvent):
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


@dataclass(slots=True, kw_only=True)
class WorkflowExecutionStarted(HistoryEvent):
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
    parent: ParentExecution | None = None
    """The workflow whose child it is; null: none."""
    continuation: Continuation | None = None
    """What it has from the run before it; null: it is the first of its chain."""
    held: bool = False
    """True: the code first runs at the WorkflowTaskScheduled event."""
    first_task_ms: int = 0
    """Held until then (start delay, retry, cron); 0: until what came with the start is recorded."""


@dataclass(slots=True, kw_only=True)
class WorkflowExecutionTerminated(HistoryEvent):
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


@dataclass(slots=True, kw_only=True)
class WorkflowExecutionTimedOut(HistoryEvent):
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


@dataclass(slots=True, kw_only=True)
class WorkflowExecutionUpdateAccepted(HistoryEvent):
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


@dataclass(slots=True, kw_only=True)
class WorkflowExecutionUpdateCompleted(HistoryEvent):
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


@dataclass(slots=True, kw_only=True)
class WorkflowPropertiesModified(HistoryEvent):
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


@dataclass(slots=True, kw_only=True)
class WorkflowTaskScheduled(HistoryEvent):
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
