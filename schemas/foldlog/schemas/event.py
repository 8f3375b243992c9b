"""Records of the namespace `foldlog.event`.

Written by `python -m foldlog.schemas.generate` from avsc/event/*.avsc:
change those, not this.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from foldlog.schemas.codecs import Codecs
from foldlog.schemas.common import (
    Failure,
    Payload,
    RetryPolicy,
    failure_from_avro,
    failure_to_avro,
    payload_from_avro,
    payload_to_avro,
    retry_policy_from_avro,
    retry_policy_to_avro,
)


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


def activity_task_cancel_requested_to_avro(record: ActivityTaskCancelRequested) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "event_id": record.event_id,
        "time_ms": record.time_ms,
        "chain": record.chain,
        "scheduled_event_id": record.scheduled_event_id,
    }


def activity_task_cancel_requested_from_avro(values: dict[str, Any]) -> ActivityTaskCancelRequested:
    return ActivityTaskCancelRequested(**values)


def activity_task_canceled_to_avro(record: ActivityTaskCanceled) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "event_id": record.event_id,
        "time_ms": record.time_ms,
        "chain": record.chain,
        "scheduled_event_id": record.scheduled_event_id,
        "attempt": record.attempt,
        "identity": record.identity,
        "details": [payload_to_avro(item) for item in record.details],
    }


def activity_task_canceled_from_avro(values: dict[str, Any]) -> ActivityTaskCanceled:
    values["details"] = [payload_from_avro(item) for item in values["details"]]
    return ActivityTaskCanceled(**values)


def activity_task_completed_to_avro(record: ActivityTaskCompleted) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "event_id": record.event_id,
        "time_ms": record.time_ms,
        "chain": record.chain,
        "scheduled_event_id": record.scheduled_event_id,
        "attempt": record.attempt,
        "identity": record.identity,
        "result": payload_to_avro(record.result),
    }


def activity_task_completed_from_avro(values: dict[str, Any]) -> ActivityTaskCompleted:
    values["result"] = payload_from_avro(values["result"])
    return ActivityTaskCompleted(**values)


def activity_task_failed_to_avro(record: ActivityTaskFailed) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "event_id": record.event_id,
        "time_ms": record.time_ms,
        "chain": record.chain,
        "scheduled_event_id": record.scheduled_event_id,
        "attempt": record.attempt,
        "identity": record.identity,
        "failure": failure_to_avro(record.failure),
        "retry_state": record.retry_state,
    }


def activity_task_failed_from_avro(values: dict[str, Any]) -> ActivityTaskFailed:
    values["failure"] = failure_from_avro(values["failure"])
    return ActivityTaskFailed(**values)


def activity_task_scheduled_to_avro(record: ActivityTaskScheduled) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "event_id": record.event_id,
        "time_ms": record.time_ms,
        "chain": record.chain,
        "activity_id": record.activity_id,
        "activity_type": record.activity_type,
        "task_queue": record.task_queue,
        "args": [payload_to_avro(item) for item in record.args],
        "schedule_to_close_timeout_ms": record.schedule_to_close_timeout_ms,
        "schedule_to_start_timeout_ms": record.schedule_to_start_timeout_ms,
        "start_to_close_timeout_ms": record.start_to_close_timeout_ms,
        "heartbeat_timeout_ms": record.heartbeat_timeout_ms,
        "retry_policy": None
        if record.retry_policy is None
        else ("foldlog.common.RetryPolicy", retry_policy_to_avro(record.retry_policy)),
        "eager": record.eager,
    }


def activity_task_scheduled_from_avro(values: dict[str, Any]) -> ActivityTaskScheduled:
    values["args"] = [payload_from_avro(item) for item in values["args"]]
    values["retry_policy"] = None if values["retry_policy"] is None else retry_policy_from_avro(values["retry_policy"])
    return ActivityTaskScheduled(**values)


def activity_task_timed_out_to_avro(record: ActivityTaskTimedOut) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "event_id": record.event_id,
        "time_ms": record.time_ms,
        "chain": record.chain,
        "scheduled_event_id": record.scheduled_event_id,
        "attempt": record.attempt,
        "failure": failure_to_avro(record.failure),
        "retry_state": record.retry_state,
    }


def activity_task_timed_out_from_avro(values: dict[str, Any]) -> ActivityTaskTimedOut:
    values["failure"] = failure_from_avro(values["failure"])
    return ActivityTaskTimedOut(**values)


def local_activity_completed_to_avro(record: LocalActivityCompleted) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "event_id": record.event_id,
        "time_ms": record.time_ms,
        "chain": record.chain,
        "activity_id": record.activity_id,
        "activity_type": record.activity_type,
        "attempt": record.attempt,
        "result": None if record.result is None else ("foldlog.common.Payload", payload_to_avro(record.result)),
        "failure": None if record.failure is None else ("foldlog.common.Failure", failure_to_avro(record.failure)),
    }


def local_activity_completed_from_avro(values: dict[str, Any]) -> LocalActivityCompleted:
    values["result"] = None if values["result"] is None else payload_from_avro(values["result"])
    values["failure"] = None if values["failure"] is None else failure_from_avro(values["failure"])
    return LocalActivityCompleted(**values)


def timer_canceled_to_avro(record: TimerCanceled) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "event_id": record.event_id,
        "time_ms": record.time_ms,
        "chain": record.chain,
        "timer_id": record.timer_id,
        "started_event_id": record.started_event_id,
    }


def timer_canceled_from_avro(values: dict[str, Any]) -> TimerCanceled:
    return TimerCanceled(**values)


def timer_fired_to_avro(record: TimerFired) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "event_id": record.event_id,
        "time_ms": record.time_ms,
        "chain": record.chain,
        "timer_id": record.timer_id,
        "started_event_id": record.started_event_id,
    }


def timer_fired_from_avro(values: dict[str, Any]) -> TimerFired:
    return TimerFired(**values)


def timer_started_to_avro(record: TimerStarted) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "event_id": record.event_id,
        "time_ms": record.time_ms,
        "chain": record.chain,
        "timer_id": record.timer_id,
        "fire_ms": record.fire_ms,
    }


def timer_started_from_avro(values: dict[str, Any]) -> TimerStarted:
    return TimerStarted(**values)


def workflow_execution_cancel_requested_to_avro(record: WorkflowExecutionCancelRequested) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "event_id": record.event_id,
        "time_ms": record.time_ms,
        "chain": record.chain,
        "reason": record.reason,
        "request_id": record.request_id,
        "identity": record.identity,
    }


def workflow_execution_cancel_requested_from_avro(values: dict[str, Any]) -> WorkflowExecutionCancelRequested:
    return WorkflowExecutionCancelRequested(**values)


def workflow_execution_canceled_to_avro(record: WorkflowExecutionCanceled) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "event_id": record.event_id,
        "time_ms": record.time_ms,
        "chain": record.chain,
        "details": [payload_to_avro(item) for item in record.details],
    }


def workflow_execution_canceled_from_avro(values: dict[str, Any]) -> WorkflowExecutionCanceled:
    values["details"] = [payload_from_avro(item) for item in values["details"]]
    return WorkflowExecutionCanceled(**values)


def workflow_execution_completed_to_avro(record: WorkflowExecutionCompleted) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "event_id": record.event_id,
        "time_ms": record.time_ms,
        "chain": record.chain,
        "result": payload_to_avro(record.result),
    }


def workflow_execution_completed_from_avro(values: dict[str, Any]) -> WorkflowExecutionCompleted:
    values["result"] = payload_from_avro(values["result"])
    return WorkflowExecutionCompleted(**values)


def workflow_execution_failed_to_avro(record: WorkflowExecutionFailed) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "event_id": record.event_id,
        "time_ms": record.time_ms,
        "chain": record.chain,
        "failure": failure_to_avro(record.failure),
    }


def workflow_execution_failed_from_avro(values: dict[str, Any]) -> WorkflowExecutionFailed:
    values["failure"] = failure_from_avro(values["failure"])
    return WorkflowExecutionFailed(**values)


def workflow_execution_signaled_to_avro(record: WorkflowExecutionSignaled) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "event_id": record.event_id,
        "time_ms": record.time_ms,
        "chain": record.chain,
        "signal_name": record.signal_name,
        "args": [payload_to_avro(item) for item in record.args],
        "request_id": record.request_id,
        "identity": record.identity,
    }


def workflow_execution_signaled_from_avro(values: dict[str, Any]) -> WorkflowExecutionSignaled:
    values["args"] = [payload_from_avro(item) for item in values["args"]]
    return WorkflowExecutionSignaled(**values)


def workflow_execution_started_to_avro(record: WorkflowExecutionStarted) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "event_id": record.event_id,
        "time_ms": record.time_ms,
        "chain": record.chain,
        "workflow_type": record.workflow_type,
        "task_queue": record.task_queue,
        "args": [payload_to_avro(item) for item in record.args],
        "execution_timeout_ms": record.execution_timeout_ms,
        "run_timeout_ms": record.run_timeout_ms,
        "execution_expiration_ms": record.execution_expiration_ms,
        "memo": {key: payload_to_avro(item) for key, item in record.memo.items()},
        "first_execution_run_id": record.first_execution_run_id,
        "request_id": record.request_id,
        "identity": record.identity,
    }


def workflow_execution_started_from_avro(values: dict[str, Any]) -> WorkflowExecutionStarted:
    values["args"] = [payload_from_avro(item) for item in values["args"]]
    values["memo"] = {key: payload_from_avro(item) for key, item in values["memo"].items()}
    return WorkflowExecutionStarted(**values)


def workflow_execution_terminated_to_avro(record: WorkflowExecutionTerminated) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "event_id": record.event_id,
        "time_ms": record.time_ms,
        "chain": record.chain,
        "reason": record.reason,
        "details": [payload_to_avro(item) for item in record.details],
        "request_id": record.request_id,
        "identity": record.identity,
    }


def workflow_execution_terminated_from_avro(values: dict[str, Any]) -> WorkflowExecutionTerminated:
    values["details"] = [payload_from_avro(item) for item in values["details"]]
    return WorkflowExecutionTerminated(**values)


def workflow_execution_timed_out_to_avro(record: WorkflowExecutionTimedOut) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "event_id": record.event_id,
        "time_ms": record.time_ms,
        "chain": record.chain,
        "execution": record.execution,
    }


def workflow_execution_timed_out_from_avro(values: dict[str, Any]) -> WorkflowExecutionTimedOut:
    return WorkflowExecutionTimedOut(**values)


CODECS: Codecs = {
    ActivityTaskCancelRequested: (
        "foldlog.event.ActivityTaskCancelRequested",
        activity_task_cancel_requested_to_avro,
        activity_task_cancel_requested_from_avro,
    ),
    ActivityTaskCanceled: (
        "foldlog.event.ActivityTaskCanceled",
        activity_task_canceled_to_avro,
        activity_task_canceled_from_avro,
    ),
    ActivityTaskCompleted: (
        "foldlog.event.ActivityTaskCompleted",
        activity_task_completed_to_avro,
        activity_task_completed_from_avro,
    ),
    ActivityTaskFailed: (
        "foldlog.event.ActivityTaskFailed",
        activity_task_failed_to_avro,
        activity_task_failed_from_avro,
    ),
    ActivityTaskScheduled: (
        "foldlog.event.ActivityTaskScheduled",
        activity_task_scheduled_to_avro,
        activity_task_scheduled_from_avro,
    ),
    ActivityTaskTimedOut: (
        "foldlog.event.ActivityTaskTimedOut",
        activity_task_timed_out_to_avro,
        activity_task_timed_out_from_avro,
    ),
    LocalActivityCompleted: (
        "foldlog.event.LocalActivityCompleted",
        local_activity_completed_to_avro,
        local_activity_completed_from_avro,
    ),
    TimerCanceled: ("foldlog.event.TimerCanceled", timer_canceled_to_avro, timer_canceled_from_avro),
    TimerFired: ("foldlog.event.TimerFired", timer_fired_to_avro, timer_fired_from_avro),
    TimerStarted: ("foldlog.event.TimerStarted", timer_started_to_avro, timer_started_from_avro),
    WorkflowExecutionCancelRequested: (
        "foldlog.event.WorkflowExecutionCancelRequested",
        workflow_execution_cancel_requested_to_avro,
        workflow_execution_cancel_requested_from_avro,
    ),
    WorkflowExecutionCanceled: (
        "foldlog.event.WorkflowExecutionCanceled",
        workflow_execution_canceled_to_avro,
        workflow_execution_canceled_from_avro,
    ),
    WorkflowExecutionCompleted: (
        "foldlog.event.WorkflowExecutionCompleted",
        workflow_execution_completed_to_avro,
        workflow_execution_completed_from_avro,
    ),
    WorkflowExecutionFailed: (
        "foldlog.event.WorkflowExecutionFailed",
        workflow_execution_failed_to_avro,
        workflow_execution_failed_from_avro,
    ),
    WorkflowExecutionSignaled: (
        "foldlog.event.WorkflowExecutionSignaled",
        workflow_execution_signaled_to_avro,
        workflow_execution_signaled_from_avro,
    ),
    WorkflowExecutionStarted: (
        "foldlog.event.WorkflowExecutionStarted",
        workflow_execution_started_to_avro,
        workflow_execution_started_from_avro,
    ),
    WorkflowExecutionTerminated: (
        "foldlog.event.WorkflowExecutionTerminated",
        workflow_execution_terminated_to_avro,
        workflow_execution_terminated_from_avro,
    ),
    WorkflowExecutionTimedOut: (
        "foldlog.event.WorkflowExecutionTimedOut",
        workflow_execution_timed_out_to_avro,
        workflow_execution_timed_out_from_avro,
    ),
}
"""Record class to Avro name, to dict, from dict."""
