"""Conversions of the records of `foldlog.event`.

Written by `python -m foldlog.schemas.generate` from avsc/event/*.avsc:
change those, not this.
"""

from __future__ import annotations

from typing import Any

from foldlog.schemas._conversions.common import (
    failure_from_avro,
    failure_to_avro,
    payload_from_avro,
    payload_to_avro,
    retry_policy_from_avro,
    retry_policy_to_avro,
)
from foldlog.schemas._conversions.types import Conversions
from foldlog.schemas.event import (
    ActivityTaskCanceled,
    ActivityTaskCancelRequested,
    ActivityTaskCompleted,
    ActivityTaskFailed,
    ActivityTaskScheduled,
    ActivityTaskTimedOut,
    LocalActivityCompleted,
    TimerCanceled,
    TimerFired,
    TimerStarted,
    WorkflowExecutionCanceled,
    WorkflowExecutionCancelRequested,
    WorkflowExecutionCompleted,
    WorkflowExecutionFailed,
    WorkflowExecutionSignaled,
    WorkflowExecutionStarted,
    WorkflowExecutionTerminated,
    WorkflowExecutionTimedOut,
)


def activity_task_cancel_requested_to_avro(record: ActivityTaskCancelRequested) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "event_id": record.event_id,
        "time_ms": record.time_ms,
        "chain": record.chain,
        "scheduled_event_id": record.scheduled_event_id,
    }


def activity_task_cancel_requested_from_avro(values: dict[str, Any]) -> ActivityTaskCancelRequested:
    record = object.__new__(ActivityTaskCancelRequested)
    record.run_id = values["run_id"]
    record.event_id = values["event_id"]
    record.time_ms = values["time_ms"]
    record.chain = values["chain"]
    record.scheduled_event_id = values["scheduled_event_id"]
    return record


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
    record = object.__new__(ActivityTaskCanceled)
    record.run_id = values["run_id"]
    record.event_id = values["event_id"]
    record.time_ms = values["time_ms"]
    record.chain = values["chain"]
    record.scheduled_event_id = values["scheduled_event_id"]
    record.attempt = values["attempt"]
    record.identity = values["identity"]
    record.details = [payload_from_avro(item) for item in values["details"]]
    return record


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
    record = object.__new__(ActivityTaskCompleted)
    record.run_id = values["run_id"]
    record.event_id = values["event_id"]
    record.time_ms = values["time_ms"]
    record.chain = values["chain"]
    record.scheduled_event_id = values["scheduled_event_id"]
    record.attempt = values["attempt"]
    record.identity = values["identity"]
    record.result = payload_from_avro(values["result"])
    return record


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
    record = object.__new__(ActivityTaskFailed)
    record.run_id = values["run_id"]
    record.event_id = values["event_id"]
    record.time_ms = values["time_ms"]
    record.chain = values["chain"]
    record.scheduled_event_id = values["scheduled_event_id"]
    record.attempt = values["attempt"]
    record.identity = values["identity"]
    record.failure = failure_from_avro(values["failure"])
    record.retry_state = values["retry_state"]
    return record


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
    record = object.__new__(ActivityTaskScheduled)
    record.run_id = values["run_id"]
    record.event_id = values["event_id"]
    record.time_ms = values["time_ms"]
    record.chain = values["chain"]
    record.activity_id = values["activity_id"]
    record.activity_type = values["activity_type"]
    record.task_queue = values["task_queue"]
    record.args = [payload_from_avro(item) for item in values["args"]]
    record.schedule_to_close_timeout_ms = values["schedule_to_close_timeout_ms"]
    record.schedule_to_start_timeout_ms = values["schedule_to_start_timeout_ms"]
    record.start_to_close_timeout_ms = values["start_to_close_timeout_ms"]
    record.heartbeat_timeout_ms = values["heartbeat_timeout_ms"]
    record.retry_policy = None if values["retry_policy"] is None else retry_policy_from_avro(values["retry_policy"])
    record.eager = values["eager"]
    return record


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
    record = object.__new__(ActivityTaskTimedOut)
    record.run_id = values["run_id"]
    record.event_id = values["event_id"]
    record.time_ms = values["time_ms"]
    record.chain = values["chain"]
    record.scheduled_event_id = values["scheduled_event_id"]
    record.attempt = values["attempt"]
    record.failure = failure_from_avro(values["failure"])
    record.retry_state = values["retry_state"]
    return record


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
    record = object.__new__(LocalActivityCompleted)
    record.run_id = values["run_id"]
    record.event_id = values["event_id"]
    record.time_ms = values["time_ms"]
    record.chain = values["chain"]
    record.activity_id = values["activity_id"]
    record.activity_type = values["activity_type"]
    record.attempt = values["attempt"]
    record.result = None if values["result"] is None else payload_from_avro(values["result"])
    record.failure = None if values["failure"] is None else failure_from_avro(values["failure"])
    return record


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
    record = object.__new__(TimerCanceled)
    record.run_id = values["run_id"]
    record.event_id = values["event_id"]
    record.time_ms = values["time_ms"]
    record.chain = values["chain"]
    record.timer_id = values["timer_id"]
    record.started_event_id = values["started_event_id"]
    return record


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
    record = object.__new__(TimerFired)
    record.run_id = values["run_id"]
    record.event_id = values["event_id"]
    record.time_ms = values["time_ms"]
    record.chain = values["chain"]
    record.timer_id = values["timer_id"]
    record.started_event_id = values["started_event_id"]
    return record


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
    record = object.__new__(TimerStarted)
    record.run_id = values["run_id"]
    record.event_id = values["event_id"]
    record.time_ms = values["time_ms"]
    record.chain = values["chain"]
    record.timer_id = values["timer_id"]
    record.fire_ms = values["fire_ms"]
    return record


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
    record = object.__new__(WorkflowExecutionCancelRequested)
    record.run_id = values["run_id"]
    record.event_id = values["event_id"]
    record.time_ms = values["time_ms"]
    record.chain = values["chain"]
    record.reason = values["reason"]
    record.request_id = values["request_id"]
    record.identity = values["identity"]
    return record


def workflow_execution_canceled_to_avro(record: WorkflowExecutionCanceled) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "event_id": record.event_id,
        "time_ms": record.time_ms,
        "chain": record.chain,
        "details": [payload_to_avro(item) for item in record.details],
    }


def workflow_execution_canceled_from_avro(values: dict[str, Any]) -> WorkflowExecutionCanceled:
    record = object.__new__(WorkflowExecutionCanceled)
    record.run_id = values["run_id"]
    record.event_id = values["event_id"]
    record.time_ms = values["time_ms"]
    record.chain = values["chain"]
    record.details = [payload_from_avro(item) for item in values["details"]]
    return record


def workflow_execution_completed_to_avro(record: WorkflowExecutionCompleted) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "event_id": record.event_id,
        "time_ms": record.time_ms,
        "chain": record.chain,
        "result": payload_to_avro(record.result),
    }


def workflow_execution_completed_from_avro(values: dict[str, Any]) -> WorkflowExecutionCompleted:
    record = object.__new__(WorkflowExecutionCompleted)
    record.run_id = values["run_id"]
    record.event_id = values["event_id"]
    record.time_ms = values["time_ms"]
    record.chain = values["chain"]
    record.result = payload_from_avro(values["result"])
    return record


def workflow_execution_failed_to_avro(record: WorkflowExecutionFailed) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "event_id": record.event_id,
        "time_ms": record.time_ms,
        "chain": record.chain,
        "failure": failure_to_avro(record.failure),
    }


def workflow_execution_failed_from_avro(values: dict[str, Any]) -> WorkflowExecutionFailed:
    record = object.__new__(WorkflowExecutionFailed)
    record.run_id = values["run_id"]
    record.event_id = values["event_id"]
    record.time_ms = values["time_ms"]
    record.chain = values["chain"]
    record.failure = failure_from_avro(values["failure"])
    return record


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
    record = object.__new__(WorkflowExecutionSignaled)
    record.run_id = values["run_id"]
    record.event_id = values["event_id"]
    record.time_ms = values["time_ms"]
    record.chain = values["chain"]
    record.signal_name = values["signal_name"]
    record.args = [payload_from_avro(item) for item in values["args"]]
    record.request_id = values["request_id"]
    record.identity = values["identity"]
    return record


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
    record = object.__new__(WorkflowExecutionStarted)
    record.run_id = values["run_id"]
    record.event_id = values["event_id"]
    record.time_ms = values["time_ms"]
    record.chain = values["chain"]
    record.workflow_type = values["workflow_type"]
    record.task_queue = values["task_queue"]
    record.args = [payload_from_avro(item) for item in values["args"]]
    record.execution_timeout_ms = values["execution_timeout_ms"]
    record.run_timeout_ms = values["run_timeout_ms"]
    record.execution_expiration_ms = values["execution_expiration_ms"]
    record.memo = {key: payload_from_avro(item) for key, item in values["memo"].items()}
    record.first_execution_run_id = values["first_execution_run_id"]
    record.request_id = values["request_id"]
    record.identity = values["identity"]
    return record


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
    record = object.__new__(WorkflowExecutionTerminated)
    record.run_id = values["run_id"]
    record.event_id = values["event_id"]
    record.time_ms = values["time_ms"]
    record.chain = values["chain"]
    record.reason = values["reason"]
    record.details = [payload_from_avro(item) for item in values["details"]]
    record.request_id = values["request_id"]
    record.identity = values["identity"]
    return record


def workflow_execution_timed_out_to_avro(record: WorkflowExecutionTimedOut) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "event_id": record.event_id,
        "time_ms": record.time_ms,
        "chain": record.chain,
        "execution": record.execution,
    }


def workflow_execution_timed_out_from_avro(values: dict[str, Any]) -> WorkflowExecutionTimedOut:
    record = object.__new__(WorkflowExecutionTimedOut)
    record.run_id = values["run_id"]
    record.event_id = values["event_id"]
    record.time_ms = values["time_ms"]
    record.chain = values["chain"]
    record.execution = values["execution"]
    return record


CONVERSIONS: Conversions = {
    ActivityTaskCancelRequested: (
        "foldlog.event.ActivityTaskCancelRequested",
        b"\xc3\x01=\xc8\x7f\xb8\xd62U.",
        activity_task_cancel_requested_to_avro,
        activity_task_cancel_requested_from_avro,
    ),
    ActivityTaskCanceled: (
        "foldlog.event.ActivityTaskCanceled",
        b"\xc3\x01\xf6!1\x84\xb9\x92\x8e\xc1",
        activity_task_canceled_to_avro,
        activity_task_canceled_from_avro,
    ),
    ActivityTaskCompleted: (
        "foldlog.event.ActivityTaskCompleted",
        b'\xc3\x01\xc4&\x8d5"\x8e\xf8\xa3',
        activity_task_completed_to_avro,
        activity_task_completed_from_avro,
    ),
    ActivityTaskFailed: (
        "foldlog.event.ActivityTaskFailed",
        b"\xc3\x01\xf0\t\xb7KK\nN\xd5",
        activity_task_failed_to_avro,
        activity_task_failed_from_avro,
    ),
    ActivityTaskScheduled: (
        "foldlog.event.ActivityTaskScheduled",
        b"\xc3\x01)\x86\xdfI\xef\x9ds\xaa",
        activity_task_scheduled_to_avro,
        activity_task_scheduled_from_avro,
    ),
    ActivityTaskTimedOut: (
        "foldlog.event.ActivityTaskTimedOut",
        b"\xc3\x01V\xe8\xc2\xc4\xeaI\xc2#",
        activity_task_timed_out_to_avro,
        activity_task_timed_out_from_avro,
    ),
    LocalActivityCompleted: (
        "foldlog.event.LocalActivityCompleted",
        b"\xc3\x01?\xdby\xfe\xe1\x9c\xf8\xcc",
        local_activity_completed_to_avro,
        local_activity_completed_from_avro,
    ),
    TimerCanceled: (
        "foldlog.event.TimerCanceled",
        b"\xc3\x01\xbd\x9a\x1e\xb0\xd3\xcc\n%",
        timer_canceled_to_avro,
        timer_canceled_from_avro,
    ),
    TimerFired: (
        "foldlog.event.TimerFired",
        b"\xc3\x01\xe0\xfe\xfd\x94\x07^&[",
        timer_fired_to_avro,
        timer_fired_from_avro,
    ),
    TimerStarted: (
        "foldlog.event.TimerStarted",
        b"\xc3\x01>1\xe7\xdbhh\xeco",
        timer_started_to_avro,
        timer_started_from_avro,
    ),
    WorkflowExecutionCancelRequested: (
        "foldlog.event.WorkflowExecutionCancelRequested",
        b"\xc3\x01P\x96\x1d\x80\\^\xda\x7f",
        workflow_execution_cancel_requested_to_avro,
        workflow_execution_cancel_requested_from_avro,
    ),
    WorkflowExecutionCanceled: (
        "foldlog.event.WorkflowExecutionCanceled",
        b"\xc3\x01g)\x19\xc21\x19vF",
        workflow_execution_canceled_to_avro,
        workflow_execution_canceled_from_avro,
    ),
    WorkflowExecutionCompleted: (
        "foldlog.event.WorkflowExecutionCompleted",
        b"\xc3\x01\x81\xa2\x1e\xf72\x87\xf5r",
        workflow_execution_completed_to_avro,
        workflow_execution_completed_from_avro,
    ),
    WorkflowExecutionFailed: (
        "foldlog.event.WorkflowExecutionFailed",
        b"\xc3\x01\xa1\x92C\xf2\x92wk\xa5",
        workflow_execution_failed_to_avro,
        workflow_execution_failed_from_avro,
    ),
    WorkflowExecutionSignaled: (
        "foldlog.event.WorkflowExecutionSignaled",
        b"\xc3\x01\x04\xd8F\x08\xf5\x8f\x05\xc4",
        workflow_execution_signaled_to_avro,
        workflow_execution_signaled_from_avro,
    ),
    WorkflowExecutionStarted: (
        "foldlog.event.WorkflowExecutionStarted",
        b"\xc3\x01\x1cf\xfa\xad2=\xf2`",
        workflow_execution_started_to_avro,
        workflow_execution_started_from_avro,
    ),
    WorkflowExecutionTerminated: (
        "foldlog.event.WorkflowExecutionTerminated",
        b"\xc3\x01u\xab,\xce\x1f\x16z\xef",
        workflow_execution_terminated_to_avro,
        workflow_execution_terminated_from_avro,
    ),
    WorkflowExecutionTimedOut: (
        "foldlog.event.WorkflowExecutionTimedOut",
        b"\xc3\x015I\xc2\x05\xf9M2N",
        workflow_execution_timed_out_to_avro,
        workflow_execution_timed_out_from_avro,
    ),
}
