"""Records of the namespace `foldlog.event`.

Written by `python -m foldlog.schemas.generate` from avsc/event/*.avsc:
change those, not this.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from foldlog.schemas.common import Failure, Payload, RetryPolicy


@dataclass(slots=True, kw_only=True)
class ActivityTaskCancelRequested:
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
class ActivityTaskCanceled:
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
class ActivityTaskCompleted:
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
class ActivityTaskFailed:
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
class ActivityTaskScheduled:
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
    eager: bool = False
    """True: the task was handed over in memory; whoever restores the partition puts it on the topic."""


@dataclass(slots=True, kw_only=True)
class ActivityTaskTimedOut:
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
class LocalActivityCompleted:
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


@dataclass(slots=True, kw_only=True)
class TimerCanceled:
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
class TimerFired:
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
class TimerStarted:
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


@dataclass(slots=True, kw_only=True)
class WorkflowExecutionCancelRequested:
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


@dataclass(slots=True, kw_only=True)
class WorkflowExecutionCanceled:
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
class WorkflowExecutionCompleted:
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


@dataclass(slots=True, kw_only=True)
class WorkflowExecutionFailed:
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


@dataclass(slots=True, kw_only=True)
class WorkflowExecutionSignaled:
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


@dataclass(slots=True, kw_only=True)
class WorkflowExecutionStarted:
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
    execution_timeout_ms: int = 0
    """Limit on the whole chain of runs; 0: none."""
    run_timeout_ms: int = 0
    """Limit on this run; 0: none."""
    execution_expiration_ms: int = 0
    """When the chain of runs times out, in Unix milliseconds; 0: never."""
    memo: dict[str, Payload] = field(default_factory=dict)
    """Notes."""
    first_execution_run_id: str = ""
    """The first run of the chain."""
    request_id: str = ""
    """Makes the command idempotent: a repeated request ID gets the first answer again and changes nothing.
    Empty: not de-duplicated.
    """
    identity: str = ""
    """Who sent it, for people: usually pid@host."""


@dataclass(slots=True, kw_only=True)
class WorkflowExecutionTerminated:
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
class WorkflowExecutionTimedOut:
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
