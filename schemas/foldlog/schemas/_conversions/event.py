"""Conversions of the records of `foldlog.event`.

Written by `python -m foldlog.schemas.generate` from avsc/event/*.avsc:
change those, not this.
"""

from __future__ import annotations

from typing import Any

from foldlog.schemas._conversions.common import (
    activity_options_from_avro,
    activity_options_to_avro,
    continuation_from_avro,
    continuation_to_avro,
    failure_from_avro,
    failure_to_avro,
    initiator_from_avro,
    initiator_to_avro,
    parent_execution_from_avro,
    parent_execution_to_avro,
    payload_from_avro,
    payload_to_avro,
    retry_policy_from_avro,
    retry_policy_to_avro,
    workflow_options_from_avro,
    workflow_options_to_avro,
)
from foldlog.schemas._conversions.types import NULL, Conversions, Usual
from foldlog.schemas.event import (
    ActivityTaskCanceled,
    ActivityTaskCancelRequested,
    ActivityTaskCompleted,
    ActivityTaskFailed,
    ActivityTaskScheduled,
    ActivityTaskTimedOut,
    ChildWorkflowExecutionCanceled,
    ChildWorkflowExecutionCompleted,
    ChildWorkflowExecutionFailed,
    ChildWorkflowExecutionStarted,
    ChildWorkflowExecutionTerminated,
    ChildWorkflowExecutionTimedOut,
    ExternalWorkflowExecutionCancelRequested,
    ExternalWorkflowExecutionSignaled,
    LocalActivityCompleted,
    PatchRecorded,
    RequestCancelExternalWorkflowExecutionFailed,
    RequestCancelExternalWorkflowExecutionInitiated,
    SignalExternalWorkflowExecutionFailed,
    SignalExternalWorkflowExecutionInitiated,
    StartChildWorkflowExecutionFailed,
    StartChildWorkflowExecutionInitiated,
    TimerCanceled,
    TimerFired,
    TimerStarted,
    UpsertWorkflowSearchAttributes,
    WorkflowExecutionCanceled,
    WorkflowExecutionCancelRequested,
    WorkflowExecutionCompleted,
    WorkflowExecutionContinuedAsNew,
    WorkflowExecutionFailed,
    WorkflowExecutionSignaled,
    WorkflowExecutionStarted,
    WorkflowExecutionTerminated,
    WorkflowExecutionTimedOut,
    WorkflowExecutionUpdateAccepted,
    WorkflowExecutionUpdateCompleted,
    WorkflowPropertiesModified,
    WorkflowTaskScheduled,
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
    return ActivityTaskCancelRequested(
        run_id=values["run_id"],
        event_id=values["event_id"],
        time_ms=values["time_ms"],
        chain=values["chain"],
        scheduled_event_id=values["scheduled_event_id"],
    )


def activity_task_canceled_to_avro(record: ActivityTaskCanceled) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "event_id": record.event_id,
        "time_ms": record.time_ms,
        "chain": record.chain,
        "scheduled_event_id": record.scheduled_event_id,
        "attempt": record.attempt,
        "identity": record.identity,
        "details": record.details and [payload_to_avro(item) for item in record.details],
    }


def activity_task_canceled_from_avro(values: dict[str, Any]) -> ActivityTaskCanceled:
    return ActivityTaskCanceled(
        run_id=values["run_id"],
        event_id=values["event_id"],
        time_ms=values["time_ms"],
        chain=values["chain"],
        scheduled_event_id=values["scheduled_event_id"],
        attempt=values["attempt"],
        identity=values["identity"],
        details=values["details"] and [payload_from_avro(item) for item in values["details"]],
    )


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
    return ActivityTaskCompleted(
        run_id=values["run_id"],
        event_id=values["event_id"],
        time_ms=values["time_ms"],
        chain=values["chain"],
        scheduled_event_id=values["scheduled_event_id"],
        attempt=values["attempt"],
        identity=values["identity"],
        result=payload_from_avro(values["result"]),
    )


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
    return ActivityTaskFailed(
        run_id=values["run_id"],
        event_id=values["event_id"],
        time_ms=values["time_ms"],
        chain=values["chain"],
        scheduled_event_id=values["scheduled_event_id"],
        attempt=values["attempt"],
        identity=values["identity"],
        failure=failure_from_avro(values["failure"]),
        retry_state=values["retry_state"],
    )


def activity_task_scheduled_is_usual(record: ActivityTaskScheduled) -> bool:
    return (
        record.retry_policy is not None
        and record.retry_policy.initial_interval_ms == 1000
        and record.retry_policy.backoff_coefficient == 2.0
        and record.retry_policy.maximum_interval_ms == 0
        and record.retry_policy.maximum_attempts == 0
        and record.retry_policy.non_retryable_error_types == []
        and record.schedule_to_close_timeout_ms == 0
        and record.schedule_to_start_timeout_ms == 0
        and record.heartbeat_timeout_ms == 0
        and record.options is None
    )


def activity_task_scheduled_usual_to_avro(record: ActivityTaskScheduled) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "event_id": record.event_id,
        "time_ms": record.time_ms,
        "chain": record.chain,
        "activity_id": record.activity_id,
        "activity_type": record.activity_type,
        "task_queue": record.task_queue,
        "args": record.args and [payload_to_avro(item) for item in record.args],
        "start_to_close_timeout_ms": record.start_to_close_timeout_ms,
        "eager": record.eager,
    }


def activity_task_scheduled_to_avro(record: ActivityTaskScheduled) -> dict[str, Any]:
    values = activity_task_scheduled_usual_to_avro(record)
    values["retry_policy"] = (
        NULL
        if record.retry_policy is None
        else ("foldlog.common.RetryPolicy", retry_policy_to_avro(record.retry_policy))
    )
    values["schedule_to_close_timeout_ms"] = record.schedule_to_close_timeout_ms
    values["schedule_to_start_timeout_ms"] = record.schedule_to_start_timeout_ms
    values["heartbeat_timeout_ms"] = record.heartbeat_timeout_ms
    values["options"] = (
        NULL if record.options is None else ("foldlog.common.ActivityOptions", activity_options_to_avro(record.options))
    )
    return values


def activity_task_scheduled_usual_from_avro(values: dict[str, Any]) -> ActivityTaskScheduled:
    return ActivityTaskScheduled(
        run_id=values["run_id"],
        event_id=values["event_id"],
        time_ms=values["time_ms"],
        chain=values["chain"],
        activity_id=values["activity_id"],
        activity_type=values["activity_type"],
        task_queue=values["task_queue"],
        args=values["args"] and [payload_from_avro(item) for item in values["args"]],
        start_to_close_timeout_ms=values["start_to_close_timeout_ms"],
        eager=values["eager"],
        retry_policy=retry_policy_from_avro(
            {
                "initial_interval_ms": 1000,
                "backoff_coefficient": 2.0,
                "maximum_interval_ms": 0,
                "maximum_attempts": 0,
                "non_retryable_error_types": [],
            }
        ),
        schedule_to_close_timeout_ms=0,
        schedule_to_start_timeout_ms=0,
        heartbeat_timeout_ms=0,
        options=None,
    )


def activity_task_scheduled_from_avro(values: dict[str, Any]) -> ActivityTaskScheduled:
    record = activity_task_scheduled_usual_from_avro(values)
    record.retry_policy = None if values["retry_policy"] is None else retry_policy_from_avro(values["retry_policy"])
    record.schedule_to_close_timeout_ms = values["schedule_to_close_timeout_ms"]
    record.schedule_to_start_timeout_ms = values["schedule_to_start_timeout_ms"]
    record.heartbeat_timeout_ms = values["heartbeat_timeout_ms"]
    record.options = None if values["options"] is None else activity_options_from_avro(values["options"])
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
    return ActivityTaskTimedOut(
        run_id=values["run_id"],
        event_id=values["event_id"],
        time_ms=values["time_ms"],
        chain=values["chain"],
        scheduled_event_id=values["scheduled_event_id"],
        attempt=values["attempt"],
        failure=failure_from_avro(values["failure"]),
        retry_state=values["retry_state"],
    )


def child_workflow_execution_canceled_to_avro(record: ChildWorkflowExecutionCanceled) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "event_id": record.event_id,
        "time_ms": record.time_ms,
        "chain": record.chain,
        "initiated_event_id": record.initiated_event_id,
        "child_run_id": record.child_run_id,
        "failure": failure_to_avro(record.failure),
        "retry_state": record.retry_state,
    }


def child_workflow_execution_canceled_from_avro(values: dict[str, Any]) -> ChildWorkflowExecutionCanceled:
    return ChildWorkflowExecutionCanceled(
        run_id=values["run_id"],
        event_id=values["event_id"],
        time_ms=values["time_ms"],
        chain=values["chain"],
        initiated_event_id=values["initiated_event_id"],
        child_run_id=values["child_run_id"],
        failure=failure_from_avro(values["failure"]),
        retry_state=values["retry_state"],
    )


def child_workflow_execution_completed_to_avro(record: ChildWorkflowExecutionCompleted) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "event_id": record.event_id,
        "time_ms": record.time_ms,
        "chain": record.chain,
        "initiated_event_id": record.initiated_event_id,
        "child_run_id": record.child_run_id,
        "result": payload_to_avro(record.result),
    }


def child_workflow_execution_completed_from_avro(values: dict[str, Any]) -> ChildWorkflowExecutionCompleted:
    return ChildWorkflowExecutionCompleted(
        run_id=values["run_id"],
        event_id=values["event_id"],
        time_ms=values["time_ms"],
        chain=values["chain"],
        initiated_event_id=values["initiated_event_id"],
        child_run_id=values["child_run_id"],
        result=payload_from_avro(values["result"]),
    )


def child_workflow_execution_failed_to_avro(record: ChildWorkflowExecutionFailed) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "event_id": record.event_id,
        "time_ms": record.time_ms,
        "chain": record.chain,
        "initiated_event_id": record.initiated_event_id,
        "child_run_id": record.child_run_id,
        "failure": failure_to_avro(record.failure),
        "retry_state": record.retry_state,
    }


def child_workflow_execution_failed_from_avro(values: dict[str, Any]) -> ChildWorkflowExecutionFailed:
    return ChildWorkflowExecutionFailed(
        run_id=values["run_id"],
        event_id=values["event_id"],
        time_ms=values["time_ms"],
        chain=values["chain"],
        initiated_event_id=values["initiated_event_id"],
        child_run_id=values["child_run_id"],
        failure=failure_from_avro(values["failure"]),
        retry_state=values["retry_state"],
    )


def child_workflow_execution_started_to_avro(record: ChildWorkflowExecutionStarted) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "event_id": record.event_id,
        "time_ms": record.time_ms,
        "chain": record.chain,
        "initiated_event_id": record.initiated_event_id,
        "child_run_id": record.child_run_id,
    }


def child_workflow_execution_started_from_avro(values: dict[str, Any]) -> ChildWorkflowExecutionStarted:
    return ChildWorkflowExecutionStarted(
        run_id=values["run_id"],
        event_id=values["event_id"],
        time_ms=values["time_ms"],
        chain=values["chain"],
        initiated_event_id=values["initiated_event_id"],
        child_run_id=values["child_run_id"],
    )


def child_workflow_execution_terminated_to_avro(record: ChildWorkflowExecutionTerminated) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "event_id": record.event_id,
        "time_ms": record.time_ms,
        "chain": record.chain,
        "initiated_event_id": record.initiated_event_id,
        "child_run_id": record.child_run_id,
        "failure": failure_to_avro(record.failure),
        "retry_state": record.retry_state,
    }


def child_workflow_execution_terminated_from_avro(values: dict[str, Any]) -> ChildWorkflowExecutionTerminated:
    return ChildWorkflowExecutionTerminated(
        run_id=values["run_id"],
        event_id=values["event_id"],
        time_ms=values["time_ms"],
        chain=values["chain"],
        initiated_event_id=values["initiated_event_id"],
        child_run_id=values["child_run_id"],
        failure=failure_from_avro(values["failure"]),
        retry_state=values["retry_state"],
    )


def child_workflow_execution_timed_out_to_avro(record: ChildWorkflowExecutionTimedOut) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "event_id": record.event_id,
        "time_ms": record.time_ms,
        "chain": record.chain,
        "initiated_event_id": record.initiated_event_id,
        "child_run_id": record.child_run_id,
        "failure": failure_to_avro(record.failure),
        "retry_state": record.retry_state,
    }


def child_workflow_execution_timed_out_from_avro(values: dict[str, Any]) -> ChildWorkflowExecutionTimedOut:
    return ChildWorkflowExecutionTimedOut(
        run_id=values["run_id"],
        event_id=values["event_id"],
        time_ms=values["time_ms"],
        chain=values["chain"],
        initiated_event_id=values["initiated_event_id"],
        child_run_id=values["child_run_id"],
        failure=failure_from_avro(values["failure"]),
        retry_state=values["retry_state"],
    )


def external_workflow_execution_cancel_requested_to_avro(
    record: ExternalWorkflowExecutionCancelRequested,
) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "event_id": record.event_id,
        "time_ms": record.time_ms,
        "chain": record.chain,
        "initiated_event_id": record.initiated_event_id,
    }


def external_workflow_execution_cancel_requested_from_avro(
    values: dict[str, Any],
) -> ExternalWorkflowExecutionCancelRequested:
    return ExternalWorkflowExecutionCancelRequested(
        run_id=values["run_id"],
        event_id=values["event_id"],
        time_ms=values["time_ms"],
        chain=values["chain"],
        initiated_event_id=values["initiated_event_id"],
    )


def external_workflow_execution_signaled_to_avro(record: ExternalWorkflowExecutionSignaled) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "event_id": record.event_id,
        "time_ms": record.time_ms,
        "chain": record.chain,
        "initiated_event_id": record.initiated_event_id,
    }


def external_workflow_execution_signaled_from_avro(values: dict[str, Any]) -> ExternalWorkflowExecutionSignaled:
    return ExternalWorkflowExecutionSignaled(
        run_id=values["run_id"],
        event_id=values["event_id"],
        time_ms=values["time_ms"],
        chain=values["chain"],
        initiated_event_id=values["initiated_event_id"],
    )


def local_activity_completed_to_avro(record: LocalActivityCompleted) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "event_id": record.event_id,
        "time_ms": record.time_ms,
        "chain": record.chain,
        "activity_id": record.activity_id,
        "activity_type": record.activity_type,
        "attempt": record.attempt,
        "result": NULL if record.result is None else ("foldlog.common.Payload", payload_to_avro(record.result)),
        "failure": NULL if record.failure is None else ("foldlog.common.Failure", failure_to_avro(record.failure)),
        "scheduled_ms": record.scheduled_ms,
        "backoff_ms": record.backoff_ms,
        "summary": NULL if record.summary is None else ("foldlog.common.Payload", payload_to_avro(record.summary)),
    }


def local_activity_completed_from_avro(values: dict[str, Any]) -> LocalActivityCompleted:
    return LocalActivityCompleted(
        run_id=values["run_id"],
        event_id=values["event_id"],
        time_ms=values["time_ms"],
        chain=values["chain"],
        activity_id=values["activity_id"],
        activity_type=values["activity_type"],
        attempt=values["attempt"],
        result=None if values["result"] is None else payload_from_avro(values["result"]),
        failure=None if values["failure"] is None else failure_from_avro(values["failure"]),
        scheduled_ms=values["scheduled_ms"],
        backoff_ms=values["backoff_ms"],
        summary=None if values["summary"] is None else payload_from_avro(values["summary"]),
    )


def patch_recorded_to_avro(record: PatchRecorded) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "event_id": record.event_id,
        "time_ms": record.time_ms,
        "chain": record.chain,
        "patch_id": record.patch_id,
        "deprecated": record.deprecated,
    }


def patch_recorded_from_avro(values: dict[str, Any]) -> PatchRecorded:
    return PatchRecorded(
        run_id=values["run_id"],
        event_id=values["event_id"],
        time_ms=values["time_ms"],
        chain=values["chain"],
        patch_id=values["patch_id"],
        deprecated=values["deprecated"],
    )


def request_cancel_external_workflow_execution_failed_to_avro(
    record: RequestCancelExternalWorkflowExecutionFailed,
) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "event_id": record.event_id,
        "time_ms": record.time_ms,
        "chain": record.chain,
        "initiated_event_id": record.initiated_event_id,
        "failure": failure_to_avro(record.failure),
    }


def request_cancel_external_workflow_execution_failed_from_avro(
    values: dict[str, Any],
) -> RequestCancelExternalWorkflowExecutionFailed:
    return RequestCancelExternalWorkflowExecutionFailed(
        run_id=values["run_id"],
        event_id=values["event_id"],
        time_ms=values["time_ms"],
        chain=values["chain"],
        initiated_event_id=values["initiated_event_id"],
        failure=failure_from_avro(values["failure"]),
    )


def request_cancel_external_workflow_execution_initiated_to_avro(
    record: RequestCancelExternalWorkflowExecutionInitiated,
) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "event_id": record.event_id,
        "time_ms": record.time_ms,
        "chain": record.chain,
        "namespace": record.namespace,
        "workflow_id": record.workflow_id,
        "target_run_id": record.target_run_id,
        "child_only": record.child_only,
        "reason": record.reason,
    }


def request_cancel_external_workflow_execution_initiated_from_avro(
    values: dict[str, Any],
) -> RequestCancelExternalWorkflowExecutionInitiated:
    return RequestCancelExternalWorkflowExecutionInitiated(
        run_id=values["run_id"],
        event_id=values["event_id"],
        time_ms=values["time_ms"],
        chain=values["chain"],
        namespace=values["namespace"],
        workflow_id=values["workflow_id"],
        target_run_id=values["target_run_id"],
        child_only=values["child_only"],
        reason=values["reason"],
    )


def signal_external_workflow_execution_failed_to_avro(record: SignalExternalWorkflowExecutionFailed) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "event_id": record.event_id,
        "time_ms": record.time_ms,
        "chain": record.chain,
        "initiated_event_id": record.initiated_event_id,
        "failure": failure_to_avro(record.failure),
    }


def signal_external_workflow_execution_failed_from_avro(
    values: dict[str, Any],
) -> SignalExternalWorkflowExecutionFailed:
    return SignalExternalWorkflowExecutionFailed(
        run_id=values["run_id"],
        event_id=values["event_id"],
        time_ms=values["time_ms"],
        chain=values["chain"],
        initiated_event_id=values["initiated_event_id"],
        failure=failure_from_avro(values["failure"]),
    )


def signal_external_workflow_execution_initiated_to_avro(
    record: SignalExternalWorkflowExecutionInitiated,
) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "event_id": record.event_id,
        "time_ms": record.time_ms,
        "chain": record.chain,
        "namespace": record.namespace,
        "workflow_id": record.workflow_id,
        "target_run_id": record.target_run_id,
        "child_only": record.child_only,
        "signal_name": record.signal_name,
        "args": record.args and [payload_to_avro(item) for item in record.args],
    }


def signal_external_workflow_execution_initiated_from_avro(
    values: dict[str, Any],
) -> SignalExternalWorkflowExecutionInitiated:
    return SignalExternalWorkflowExecutionInitiated(
        run_id=values["run_id"],
        event_id=values["event_id"],
        time_ms=values["time_ms"],
        chain=values["chain"],
        namespace=values["namespace"],
        workflow_id=values["workflow_id"],
        target_run_id=values["target_run_id"],
        child_only=values["child_only"],
        signal_name=values["signal_name"],
        args=values["args"] and [payload_from_avro(item) for item in values["args"]],
    )


def start_child_workflow_execution_failed_to_avro(record: StartChildWorkflowExecutionFailed) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "event_id": record.event_id,
        "time_ms": record.time_ms,
        "chain": record.chain,
        "initiated_event_id": record.initiated_event_id,
        "failure": failure_to_avro(record.failure),
    }


def start_child_workflow_execution_failed_from_avro(values: dict[str, Any]) -> StartChildWorkflowExecutionFailed:
    return StartChildWorkflowExecutionFailed(
        run_id=values["run_id"],
        event_id=values["event_id"],
        time_ms=values["time_ms"],
        chain=values["chain"],
        initiated_event_id=values["initiated_event_id"],
        failure=failure_from_avro(values["failure"]),
    )


def start_child_workflow_execution_initiated_to_avro(record: StartChildWorkflowExecutionInitiated) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "event_id": record.event_id,
        "time_ms": record.time_ms,
        "chain": record.chain,
        "namespace": record.namespace,
        "workflow_id": record.workflow_id,
        "workflow_type": record.workflow_type,
        "task_queue": record.task_queue,
        "args": record.args and [payload_to_avro(item) for item in record.args],
        "parent_close_policy": record.parent_close_policy,
    }


def start_child_workflow_execution_initiated_from_avro(values: dict[str, Any]) -> StartChildWorkflowExecutionInitiated:
    return StartChildWorkflowExecutionInitiated(
        run_id=values["run_id"],
        event_id=values["event_id"],
        time_ms=values["time_ms"],
        chain=values["chain"],
        namespace=values["namespace"],
        workflow_id=values["workflow_id"],
        workflow_type=values["workflow_type"],
        task_queue=values["task_queue"],
        args=values["args"] and [payload_from_avro(item) for item in values["args"]],
        parent_close_policy=values["parent_close_policy"],
    )


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
    return TimerCanceled(
        run_id=values["run_id"],
        event_id=values["event_id"],
        time_ms=values["time_ms"],
        chain=values["chain"],
        timer_id=values["timer_id"],
        started_event_id=values["started_event_id"],
    )


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
    return TimerFired(
        run_id=values["run_id"],
        event_id=values["event_id"],
        time_ms=values["time_ms"],
        chain=values["chain"],
        timer_id=values["timer_id"],
        started_event_id=values["started_event_id"],
    )


def timer_started_to_avro(record: TimerStarted) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "event_id": record.event_id,
        "time_ms": record.time_ms,
        "chain": record.chain,
        "timer_id": record.timer_id,
        "fire_ms": record.fire_ms,
        "summary": NULL if record.summary is None else ("foldlog.common.Payload", payload_to_avro(record.summary)),
    }


def timer_started_from_avro(values: dict[str, Any]) -> TimerStarted:
    return TimerStarted(
        run_id=values["run_id"],
        event_id=values["event_id"],
        time_ms=values["time_ms"],
        chain=values["chain"],
        timer_id=values["timer_id"],
        fire_ms=values["fire_ms"],
        summary=None if values["summary"] is None else payload_from_avro(values["summary"]),
    )


def upsert_workflow_search_attributes_to_avro(record: UpsertWorkflowSearchAttributes) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "event_id": record.event_id,
        "time_ms": record.time_ms,
        "chain": record.chain,
        "search_attributes": record.search_attributes
        and {key: payload_to_avro(item) for key, item in record.search_attributes.items()},
    }


def upsert_workflow_search_attributes_from_avro(values: dict[str, Any]) -> UpsertWorkflowSearchAttributes:
    return UpsertWorkflowSearchAttributes(
        run_id=values["run_id"],
        event_id=values["event_id"],
        time_ms=values["time_ms"],
        chain=values["chain"],
        search_attributes=values["search_attributes"]
        and {key: payload_from_avro(item) for key, item in values["search_attributes"].items()},
    )


def workflow_execution_cancel_requested_to_avro(record: WorkflowExecutionCancelRequested) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "event_id": record.event_id,
        "time_ms": record.time_ms,
        "chain": record.chain,
        "reason": record.reason,
        "request_id": record.request_id,
        "identity": record.identity,
        "initiator": NULL
        if record.initiator is None
        else ("foldlog.common.Initiator", initiator_to_avro(record.initiator)),
    }


def workflow_execution_cancel_requested_from_avro(values: dict[str, Any]) -> WorkflowExecutionCancelRequested:
    return WorkflowExecutionCancelRequested(
        run_id=values["run_id"],
        event_id=values["event_id"],
        time_ms=values["time_ms"],
        chain=values["chain"],
        reason=values["reason"],
        request_id=values["request_id"],
        identity=values["identity"],
        initiator=None if values["initiator"] is None else initiator_from_avro(values["initiator"]),
    )


def workflow_execution_canceled_to_avro(record: WorkflowExecutionCanceled) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "event_id": record.event_id,
        "time_ms": record.time_ms,
        "chain": record.chain,
        "details": record.details and [payload_to_avro(item) for item in record.details],
    }


def workflow_execution_canceled_from_avro(values: dict[str, Any]) -> WorkflowExecutionCanceled:
    return WorkflowExecutionCanceled(
        run_id=values["run_id"],
        event_id=values["event_id"],
        time_ms=values["time_ms"],
        chain=values["chain"],
        details=values["details"] and [payload_from_avro(item) for item in values["details"]],
    )


def workflow_execution_completed_to_avro(record: WorkflowExecutionCompleted) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "event_id": record.event_id,
        "time_ms": record.time_ms,
        "chain": record.chain,
        "result": payload_to_avro(record.result),
        "new_run_id": record.new_run_id,
    }


def workflow_execution_completed_from_avro(values: dict[str, Any]) -> WorkflowExecutionCompleted:
    return WorkflowExecutionCompleted(
        run_id=values["run_id"],
        event_id=values["event_id"],
        time_ms=values["time_ms"],
        chain=values["chain"],
        result=payload_from_avro(values["result"]),
        new_run_id=values["new_run_id"],
    )


def workflow_execution_continued_as_new_to_avro(record: WorkflowExecutionContinuedAsNew) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "event_id": record.event_id,
        "time_ms": record.time_ms,
        "chain": record.chain,
        "new_run_id": record.new_run_id,
        "workflow_type": record.workflow_type,
        "args": record.args and [payload_to_avro(item) for item in record.args],
    }


def workflow_execution_continued_as_new_from_avro(values: dict[str, Any]) -> WorkflowExecutionContinuedAsNew:
    return WorkflowExecutionContinuedAsNew(
        run_id=values["run_id"],
        event_id=values["event_id"],
        time_ms=values["time_ms"],
        chain=values["chain"],
        new_run_id=values["new_run_id"],
        workflow_type=values["workflow_type"],
        args=values["args"] and [payload_from_avro(item) for item in values["args"]],
    )


def workflow_execution_failed_to_avro(record: WorkflowExecutionFailed) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "event_id": record.event_id,
        "time_ms": record.time_ms,
        "chain": record.chain,
        "failure": failure_to_avro(record.failure),
        "new_run_id": record.new_run_id,
        "retry_state": record.retry_state,
    }


def workflow_execution_failed_from_avro(values: dict[str, Any]) -> WorkflowExecutionFailed:
    return WorkflowExecutionFailed(
        run_id=values["run_id"],
        event_id=values["event_id"],
        time_ms=values["time_ms"],
        chain=values["chain"],
        failure=failure_from_avro(values["failure"]),
        new_run_id=values["new_run_id"],
        retry_state=values["retry_state"],
    )


def workflow_execution_signaled_to_avro(record: WorkflowExecutionSignaled) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "event_id": record.event_id,
        "time_ms": record.time_ms,
        "chain": record.chain,
        "signal_name": record.signal_name,
        "args": record.args and [payload_to_avro(item) for item in record.args],
        "request_id": record.request_id,
        "identity": record.identity,
        "header": record.header and {key: payload_to_avro(item) for key, item in record.header.items()},
        "initiator": NULL
        if record.initiator is None
        else ("foldlog.common.Initiator", initiator_to_avro(record.initiator)),
    }


def workflow_execution_signaled_from_avro(values: dict[str, Any]) -> WorkflowExecutionSignaled:
    return WorkflowExecutionSignaled(
        run_id=values["run_id"],
        event_id=values["event_id"],
        time_ms=values["time_ms"],
        chain=values["chain"],
        signal_name=values["signal_name"],
        args=values["args"] and [payload_from_avro(item) for item in values["args"]],
        request_id=values["request_id"],
        identity=values["identity"],
        header=values["header"] and {key: payload_from_avro(item) for key, item in values["header"].items()},
        initiator=None if values["initiator"] is None else initiator_from_avro(values["initiator"]),
    )


def workflow_execution_started_is_usual(record: WorkflowExecutionStarted) -> bool:
    return (
        record.execution_timeout_ms == 0
        and record.run_timeout_ms == 0
        and record.execution_expiration_ms == 0
        and record.memo == {}
        and record.options is None
        and record.continuation is None
        and record.held is False
        and record.first_task_ms == 0
    )


def workflow_execution_started_usual_to_avro(record: WorkflowExecutionStarted) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "event_id": record.event_id,
        "time_ms": record.time_ms,
        "chain": record.chain,
        "workflow_type": record.workflow_type,
        "task_queue": record.task_queue,
        "args": record.args and [payload_to_avro(item) for item in record.args],
        "first_execution_run_id": record.first_execution_run_id,
        "request_id": record.request_id,
        "identity": record.identity,
        "parent": NULL
        if record.parent is None
        else ("foldlog.common.ParentExecution", parent_execution_to_avro(record.parent)),
    }


def workflow_execution_started_to_avro(record: WorkflowExecutionStarted) -> dict[str, Any]:
    values = workflow_execution_started_usual_to_avro(record)
    values["execution_timeout_ms"] = record.execution_timeout_ms
    values["run_timeout_ms"] = record.run_timeout_ms
    values["execution_expiration_ms"] = record.execution_expiration_ms
    values["memo"] = record.memo and {key: payload_to_avro(item) for key, item in record.memo.items()}
    values["options"] = (
        NULL if record.options is None else ("foldlog.common.WorkflowOptions", workflow_options_to_avro(record.options))
    )
    values["continuation"] = (
        NULL
        if record.continuation is None
        else ("foldlog.common.Continuation", continuation_to_avro(record.continuation))
    )
    values["held"] = record.held
    values["first_task_ms"] = record.first_task_ms
    return values


def workflow_execution_started_usual_from_avro(values: dict[str, Any]) -> WorkflowExecutionStarted:
    return WorkflowExecutionStarted(
        run_id=values["run_id"],
        event_id=values["event_id"],
        time_ms=values["time_ms"],
        chain=values["chain"],
        workflow_type=values["workflow_type"],
        task_queue=values["task_queue"],
        args=values["args"] and [payload_from_avro(item) for item in values["args"]],
        first_execution_run_id=values["first_execution_run_id"],
        request_id=values["request_id"],
        identity=values["identity"],
        parent=None if values["parent"] is None else parent_execution_from_avro(values["parent"]),
        execution_timeout_ms=0,
        run_timeout_ms=0,
        execution_expiration_ms=0,
        memo={},
        options=None,
        continuation=None,
        held=False,
        first_task_ms=0,
    )


def workflow_execution_started_from_avro(values: dict[str, Any]) -> WorkflowExecutionStarted:
    record = workflow_execution_started_usual_from_avro(values)
    record.execution_timeout_ms = values["execution_timeout_ms"]
    record.run_timeout_ms = values["run_timeout_ms"]
    record.execution_expiration_ms = values["execution_expiration_ms"]
    record.memo = values["memo"] and {key: payload_from_avro(item) for key, item in values["memo"].items()}
    record.options = None if values["options"] is None else workflow_options_from_avro(values["options"])
    record.continuation = None if values["continuation"] is None else continuation_from_avro(values["continuation"])
    record.held = values["held"]
    record.first_task_ms = values["first_task_ms"]
    return record


def workflow_execution_terminated_to_avro(record: WorkflowExecutionTerminated) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "event_id": record.event_id,
        "time_ms": record.time_ms,
        "chain": record.chain,
        "reason": record.reason,
        "details": record.details and [payload_to_avro(item) for item in record.details],
        "request_id": record.request_id,
        "identity": record.identity,
    }


def workflow_execution_terminated_from_avro(values: dict[str, Any]) -> WorkflowExecutionTerminated:
    return WorkflowExecutionTerminated(
        run_id=values["run_id"],
        event_id=values["event_id"],
        time_ms=values["time_ms"],
        chain=values["chain"],
        reason=values["reason"],
        details=values["details"] and [payload_from_avro(item) for item in values["details"]],
        request_id=values["request_id"],
        identity=values["identity"],
    )


def workflow_execution_timed_out_to_avro(record: WorkflowExecutionTimedOut) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "event_id": record.event_id,
        "time_ms": record.time_ms,
        "chain": record.chain,
        "execution": record.execution,
        "new_run_id": record.new_run_id,
        "retry_state": record.retry_state,
    }


def workflow_execution_timed_out_from_avro(values: dict[str, Any]) -> WorkflowExecutionTimedOut:
    return WorkflowExecutionTimedOut(
        run_id=values["run_id"],
        event_id=values["event_id"],
        time_ms=values["time_ms"],
        chain=values["chain"],
        execution=values["execution"],
        new_run_id=values["new_run_id"],
        retry_state=values["retry_state"],
    )


def workflow_execution_update_accepted_to_avro(record: WorkflowExecutionUpdateAccepted) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "event_id": record.event_id,
        "time_ms": record.time_ms,
        "chain": record.chain,
        "update_id": record.update_id,
        "update_name": record.update_name,
        "args": record.args and [payload_to_avro(item) for item in record.args],
        "header": record.header and {key: payload_to_avro(item) for key, item in record.header.items()},
        "identity": record.identity,
        "request_id": record.request_id,
    }


def workflow_execution_update_accepted_from_avro(values: dict[str, Any]) -> WorkflowExecutionUpdateAccepted:
    return WorkflowExecutionUpdateAccepted(
        run_id=values["run_id"],
        event_id=values["event_id"],
        time_ms=values["time_ms"],
        chain=values["chain"],
        update_id=values["update_id"],
        update_name=values["update_name"],
        args=values["args"] and [payload_from_avro(item) for item in values["args"]],
        header=values["header"] and {key: payload_from_avro(item) for key, item in values["header"].items()},
        identity=values["identity"],
        request_id=values["request_id"],
    )


def workflow_execution_update_completed_to_avro(record: WorkflowExecutionUpdateCompleted) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "event_id": record.event_id,
        "time_ms": record.time_ms,
        "chain": record.chain,
        "update_id": record.update_id,
        "accepted_event_id": record.accepted_event_id,
        "result": NULL if record.result is None else ("foldlog.common.Payload", payload_to_avro(record.result)),
        "failure": NULL if record.failure is None else ("foldlog.common.Failure", failure_to_avro(record.failure)),
    }


def workflow_execution_update_completed_from_avro(values: dict[str, Any]) -> WorkflowExecutionUpdateCompleted:
    return WorkflowExecutionUpdateCompleted(
        run_id=values["run_id"],
        event_id=values["event_id"],
        time_ms=values["time_ms"],
        chain=values["chain"],
        update_id=values["update_id"],
        accepted_event_id=values["accepted_event_id"],
        result=None if values["result"] is None else payload_from_avro(values["result"]),
        failure=None if values["failure"] is None else failure_from_avro(values["failure"]),
    )


def workflow_properties_modified_to_avro(record: WorkflowPropertiesModified) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "event_id": record.event_id,
        "time_ms": record.time_ms,
        "chain": record.chain,
        "memo": record.memo and {key: payload_to_avro(item) for key, item in record.memo.items()},
    }


def workflow_properties_modified_from_avro(values: dict[str, Any]) -> WorkflowPropertiesModified:
    return WorkflowPropertiesModified(
        run_id=values["run_id"],
        event_id=values["event_id"],
        time_ms=values["time_ms"],
        chain=values["chain"],
        memo=values["memo"] and {key: payload_from_avro(item) for key, item in values["memo"].items()},
    )


def workflow_task_scheduled_to_avro(record: WorkflowTaskScheduled) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "event_id": record.event_id,
        "time_ms": record.time_ms,
        "chain": record.chain,
        "signals": record.signals,
    }


def workflow_task_scheduled_from_avro(values: dict[str, Any]) -> WorkflowTaskScheduled:
    return WorkflowTaskScheduled(
        run_id=values["run_id"],
        event_id=values["event_id"],
        time_ms=values["time_ms"],
        chain=values["chain"],
        signals=values["signals"],
    )


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
        b"\xc3\x01\n0\x0e\x83\xf1}G\xfb",
        activity_task_failed_to_avro,
        activity_task_failed_from_avro,
    ),
    ActivityTaskScheduled: (
        "foldlog.event.ActivityTaskScheduled",
        b"\xc3\x01\x1a\xf3\xc0'\xe2\xbf\xff\x1e",
        activity_task_scheduled_to_avro,
        activity_task_scheduled_from_avro,
    ),
    ActivityTaskTimedOut: (
        "foldlog.event.ActivityTaskTimedOut",
        b'\xc3\x01\x9d\xa2,")M\x93z',
        activity_task_timed_out_to_avro,
        activity_task_timed_out_from_avro,
    ),
    ChildWorkflowExecutionCanceled: (
        "foldlog.event.ChildWorkflowExecutionCanceled",
        b"\xc3\x01\xf7|\x84\x04\xfd<\x013",
        child_workflow_execution_canceled_to_avro,
        child_workflow_execution_canceled_from_avro,
    ),
    ChildWorkflowExecutionCompleted: (
        "foldlog.event.ChildWorkflowExecutionCompleted",
        b"\xc3\x01\xf9\xbc\xe4:\x1d1,\xea",
        child_workflow_execution_completed_to_avro,
        child_workflow_execution_completed_from_avro,
    ),
    ChildWorkflowExecutionFailed: (
        "foldlog.event.ChildWorkflowExecutionFailed",
        b"\xc3\x01\x86Oz\x105\xf5@\xc4",
        child_workflow_execution_failed_to_avro,
        child_workflow_execution_failed_from_avro,
    ),
    ChildWorkflowExecutionStarted: (
        "foldlog.event.ChildWorkflowExecutionStarted",
        b"\xc3\x01^\xee|\xd4\xcc6\xcf\x8b",
        child_workflow_execution_started_to_avro,
        child_workflow_execution_started_from_avro,
    ),
    ChildWorkflowExecutionTerminated: (
        "foldlog.event.ChildWorkflowExecutionTerminated",
        b"\xc3\x01\xf0\x1bpw\xf2\xd1Hy",
        child_workflow_execution_terminated_to_avro,
        child_workflow_execution_terminated_from_avro,
    ),
    ChildWorkflowExecutionTimedOut: (
        "foldlog.event.ChildWorkflowExecutionTimedOut",
        b"\xc3\x012T\n\x02\xa1\xab\xfc\xd9",
        child_workflow_execution_timed_out_to_avro,
        child_workflow_execution_timed_out_from_avro,
    ),
    ExternalWorkflowExecutionCancelRequested: (
        "foldlog.event.ExternalWorkflowExecutionCancelRequested",
        b"\xc3\x01\x84<?\xa8\x1e\x96O\xb2",
        external_workflow_execution_cancel_requested_to_avro,
        external_workflow_execution_cancel_requested_from_avro,
    ),
    ExternalWorkflowExecutionSignaled: (
        "foldlog.event.ExternalWorkflowExecutionSignaled",
        b"\xc3\x01\xb5\xe0p\x90\x98\x0en\xf3",
        external_workflow_execution_signaled_to_avro,
        external_workflow_execution_signaled_from_avro,
    ),
    LocalActivityCompleted: (
        "foldlog.event.LocalActivityCompleted",
        b"\xc3\x01\xa4\xc4\x7fKN%}\x81",
        local_activity_completed_to_avro,
        local_activity_completed_from_avro,
    ),
    PatchRecorded: (
        "foldlog.event.PatchRecorded",
        b"\xc3\x01P\xb7\xffu\xe1\xd5\xc6\x01",
        patch_recorded_to_avro,
        patch_recorded_from_avro,
    ),
    RequestCancelExternalWorkflowExecutionFailed: (
        "foldlog.event.RequestCancelExternalWorkflowExecutionFailed",
        b"\xc3\x01\xfc\x1e\xe5\x84\x88Z\xb9\xe0",
        request_cancel_external_workflow_execution_failed_to_avro,
        request_cancel_external_workflow_execution_failed_from_avro,
    ),
    RequestCancelExternalWorkflowExecutionInitiated: (
        "foldlog.event.RequestCancelExternalWorkflowExecutionInitiated",
        b"\xc3\x01\x11\xbb,z#\x10W\xdc",
        request_cancel_external_workflow_execution_initiated_to_avro,
        request_cancel_external_workflow_execution_initiated_from_avro,
    ),
    SignalExternalWorkflowExecutionFailed: (
        "foldlog.event.SignalExternalWorkflowExecutionFailed",
        b"\xc3\x01;\xb2\x10\xa7N\xc9Vr",
        signal_external_workflow_execution_failed_to_avro,
        signal_external_workflow_execution_failed_from_avro,
    ),
    SignalExternalWorkflowExecutionInitiated: (
        "foldlog.event.SignalExternalWorkflowExecutionInitiated",
        b"\xc3\x01\x95\x9ba>C\xf1\x9f\xa3",
        signal_external_workflow_execution_initiated_to_avro,
        signal_external_workflow_execution_initiated_from_avro,
    ),
    StartChildWorkflowExecutionFailed: (
        "foldlog.event.StartChildWorkflowExecutionFailed",
        b"\xc3\x01'\xac3u+`\xa2%",
        start_child_workflow_execution_failed_to_avro,
        start_child_workflow_execution_failed_from_avro,
    ),
    StartChildWorkflowExecutionInitiated: (
        "foldlog.event.StartChildWorkflowExecutionInitiated",
        b"\xc3\x01cu\xadq\x8b!#\xa8",
        start_child_workflow_execution_initiated_to_avro,
        start_child_workflow_execution_initiated_from_avro,
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
        b"\xc3\x01(\xf4K\xf0I\xf7\xac\xea",
        timer_started_to_avro,
        timer_started_from_avro,
    ),
    UpsertWorkflowSearchAttributes: (
        "foldlog.event.UpsertWorkflowSearchAttributes",
        b"\xc3\x01\x8b\x98\x85\x14*\xdd\x07\xb7",
        upsert_workflow_search_attributes_to_avro,
        upsert_workflow_search_attributes_from_avro,
    ),
    WorkflowExecutionCancelRequested: (
        "foldlog.event.WorkflowExecutionCancelRequested",
        b"\xc3\x01\x96\x17\x7f\x05\xfe\x87*?",
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
        b"\xc3\x01\xfd\xde\xf3\xaa\x01c\xfcF",
        workflow_execution_completed_to_avro,
        workflow_execution_completed_from_avro,
    ),
    WorkflowExecutionContinuedAsNew: (
        "foldlog.event.WorkflowExecutionContinuedAsNew",
        b"\xc3\x01z\x01\x86\x9e\xfb\xc1\xff\xe6",
        workflow_execution_continued_as_new_to_avro,
        workflow_execution_continued_as_new_from_avro,
    ),
    WorkflowExecutionFailed: (
        "foldlog.event.WorkflowExecutionFailed",
        b"\xc3\x01\x12P\x8e5\x0er\xd9\xb1",
        workflow_execution_failed_to_avro,
        workflow_execution_failed_from_avro,
    ),
    WorkflowExecutionSignaled: (
        "foldlog.event.WorkflowExecutionSignaled",
        b'\xc3\x01\xb3\x17\x19\xc4\x00h}"',
        workflow_execution_signaled_to_avro,
        workflow_execution_signaled_from_avro,
    ),
    WorkflowExecutionStarted: (
        "foldlog.event.WorkflowExecutionStarted",
        b"\xc3\x01\x1a&3\xfc\xaeO\xaf-",
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
        b"\xc3\x01C\xa9\x0fK\x18,\x9e\xcf",
        workflow_execution_timed_out_to_avro,
        workflow_execution_timed_out_from_avro,
    ),
    WorkflowExecutionUpdateAccepted: (
        "foldlog.event.WorkflowExecutionUpdateAccepted",
        b"\xc3\x01\xbcE\x07.\xe4\xdd\xeb\xaa",
        workflow_execution_update_accepted_to_avro,
        workflow_execution_update_accepted_from_avro,
    ),
    WorkflowExecutionUpdateCompleted: (
        "foldlog.event.WorkflowExecutionUpdateCompleted",
        b"\xc3\x01\xc8\x10\x0b\x93YJ~\xd0",
        workflow_execution_update_completed_to_avro,
        workflow_execution_update_completed_from_avro,
    ),
    WorkflowPropertiesModified: (
        "foldlog.event.WorkflowPropertiesModified",
        b"\xc3\x01\xdb\xc7]\xa98W\x10\xee",
        workflow_properties_modified_to_avro,
        workflow_properties_modified_from_avro,
    ),
    WorkflowTaskScheduled: (
        "foldlog.event.WorkflowTaskScheduled",
        b"\xc3\x01\x8e\x952.\xe1\xf2\xf1\xb9",
        workflow_task_scheduled_to_avro,
        workflow_task_scheduled_from_avro,
    ),
}

USUAL: Usual = {
    ActivityTaskScheduled: (
        activity_task_scheduled_is_usual,
        activity_task_scheduled_usual_to_avro,
        activity_task_scheduled_usual_from_avro,
    ),
    WorkflowExecutionStarted: (
        workflow_execution_started_is_usual,
        workflow_execution_started_usual_to_avro,
        workflow_execution_started_usual_from_avro,
    ),
}
