"""Conversions of the records of `foldlog.command`.

Written by `python -m foldlog.schemas.generate` from avsc/command/*.avsc:
change those, not this.
"""

from __future__ import annotations

from typing import Any

from foldlog.schemas._conversions.common import (
    deployment_from_avro,
    deployment_to_avro,
    failure_from_avro,
    failure_to_avro,
    initiator_from_avro,
    initiator_to_avro,
    parent_execution_from_avro,
    parent_execution_to_avro,
    payload_from_avro,
    payload_to_avro,
    priority_from_avro,
    priority_to_avro,
    reply_to_from_avro,
    reply_to_to_avro,
    retry_policy_from_avro,
    retry_policy_to_avro,
    workflow_options_from_avro,
    workflow_options_to_avro,
)
from foldlog.schemas._conversions.types import NULL, Conversions, Usual
from foldlog.schemas.command import (
    ActivityStarted,
    AwaitResult,
    AwaitUpdate,
    CancelActivity,
    CancelWorkflow,
    ChildWorkflowClosed,
    ChildWorkflowStarted,
    CompleteActivity,
    DescribeDeployments,
    DescribeWorkflow,
    FailActivity,
    GetHistory,
    HeartbeatActivity,
    PauseActivity,
    QueryWorkflow,
    ResetActivity,
    ResolveExternalWorkflow,
    SetDeployment,
    SignalInput,
    SignalWorkflow,
    StartWorkflow,
    TerminateWorkflow,
    UnpauseActivity,
    UpdateActivityOptions,
    UpdateInput,
    UpdateWorkflow,
    UpdateWorkflowOptions,
)


def activity_started_to_avro(record: ActivityStarted) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "scheduled_event_id": record.scheduled_event_id,
        "attempt": record.attempt,
        "identity": record.identity,
        "reply_to": NULL if record.reply_to is None else ("foldlog.common.ReplyTo", reply_to_to_avro(record.reply_to)),
        "running_ms": record.running_ms,
    }


def activity_started_from_avro(values: dict[str, Any]) -> ActivityStarted:
    return ActivityStarted(
        run_id=values["run_id"],
        scheduled_event_id=values["scheduled_event_id"],
        attempt=values["attempt"],
        identity=values["identity"],
        reply_to=None if values["reply_to"] is None else reply_to_from_avro(values["reply_to"]),
        running_ms=values["running_ms"],
    )


def await_result_to_avro(record: AwaitResult) -> dict[str, Any]:
    return {
        "identity": record.identity,
        "reply_to": NULL if record.reply_to is None else ("foldlog.common.ReplyTo", reply_to_to_avro(record.reply_to)),
        "run_id": record.run_id,
        "follow_runs": record.follow_runs,
    }


def await_result_from_avro(values: dict[str, Any]) -> AwaitResult:
    return AwaitResult(
        identity=values["identity"],
        reply_to=None if values["reply_to"] is None else reply_to_from_avro(values["reply_to"]),
        run_id=values["run_id"],
        follow_runs=values["follow_runs"],
    )


def await_update_to_avro(record: AwaitUpdate) -> dict[str, Any]:
    return {
        "identity": record.identity,
        "reply_to": NULL if record.reply_to is None else ("foldlog.common.ReplyTo", reply_to_to_avro(record.reply_to)),
        "run_id": record.run_id,
        "update_id": record.update_id,
        "await_completed": record.await_completed,
    }


def await_update_from_avro(values: dict[str, Any]) -> AwaitUpdate:
    return AwaitUpdate(
        identity=values["identity"],
        reply_to=None if values["reply_to"] is None else reply_to_from_avro(values["reply_to"]),
        run_id=values["run_id"],
        update_id=values["update_id"],
        await_completed=values["await_completed"],
    )


def cancel_activity_to_avro(record: CancelActivity) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "scheduled_event_id": record.scheduled_event_id,
        "attempt": record.attempt,
        "identity": record.identity,
        "details": record.details and [payload_to_avro(item) for item in record.details],
        "activity_id": record.activity_id,
        "reply_to": NULL if record.reply_to is None else ("foldlog.common.ReplyTo", reply_to_to_avro(record.reply_to)),
    }


def cancel_activity_from_avro(values: dict[str, Any]) -> CancelActivity:
    return CancelActivity(
        run_id=values["run_id"],
        scheduled_event_id=values["scheduled_event_id"],
        attempt=values["attempt"],
        identity=values["identity"],
        details=values["details"] and [payload_from_avro(item) for item in values["details"]],
        activity_id=values["activity_id"],
        reply_to=None if values["reply_to"] is None else reply_to_from_avro(values["reply_to"]),
    )


def cancel_workflow_to_avro(record: CancelWorkflow) -> dict[str, Any]:
    return {
        "request_id": record.request_id,
        "identity": record.identity,
        "reply_to": NULL if record.reply_to is None else ("foldlog.common.ReplyTo", reply_to_to_avro(record.reply_to)),
        "run_id": record.run_id,
        "first_execution_run_id": record.first_execution_run_id,
        "reason": record.reason,
        "initiator": NULL
        if record.initiator is None
        else ("foldlog.common.Initiator", initiator_to_avro(record.initiator)),
        "child_only": record.child_only,
    }


def cancel_workflow_from_avro(values: dict[str, Any]) -> CancelWorkflow:
    return CancelWorkflow(
        request_id=values["request_id"],
        identity=values["identity"],
        reply_to=None if values["reply_to"] is None else reply_to_from_avro(values["reply_to"]),
        run_id=values["run_id"],
        first_execution_run_id=values["first_execution_run_id"],
        reason=values["reason"],
        initiator=None if values["initiator"] is None else initiator_from_avro(values["initiator"]),
        child_only=values["child_only"],
    )


def child_workflow_closed_to_avro(record: ChildWorkflowClosed) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "initiated_event_id": record.initiated_event_id,
        "child_run_id": record.child_run_id,
        "status": record.status,
        "result": NULL if record.result is None else ("foldlog.common.Payload", payload_to_avro(record.result)),
        "failure": NULL if record.failure is None else ("foldlog.common.Failure", failure_to_avro(record.failure)),
        "retry_state": record.retry_state,
    }


def child_workflow_closed_from_avro(values: dict[str, Any]) -> ChildWorkflowClosed:
    return ChildWorkflowClosed(
        run_id=values["run_id"],
        initiated_event_id=values["initiated_event_id"],
        child_run_id=values["child_run_id"],
        status=values["status"],
        result=None if values["result"] is None else payload_from_avro(values["result"]),
        failure=None if values["failure"] is None else failure_from_avro(values["failure"]),
        retry_state=values["retry_state"],
    )


def child_workflow_started_to_avro(record: ChildWorkflowStarted) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "initiated_event_id": record.initiated_event_id,
        "child_run_id": record.child_run_id,
        "failure": NULL if record.failure is None else ("foldlog.common.Failure", failure_to_avro(record.failure)),
    }


def child_workflow_started_from_avro(values: dict[str, Any]) -> ChildWorkflowStarted:
    return ChildWorkflowStarted(
        run_id=values["run_id"],
        initiated_event_id=values["initiated_event_id"],
        child_run_id=values["child_run_id"],
        failure=None if values["failure"] is None else failure_from_avro(values["failure"]),
    )


def complete_activity_is_usual(record: CompleteActivity) -> bool:
    return record.activity_id == "" and record.reply_to is None


def complete_activity_usual_to_avro(record: CompleteActivity) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "scheduled_event_id": record.scheduled_event_id,
        "attempt": record.attempt,
        "identity": record.identity,
        "result": payload_to_avro(record.result),
    }


def complete_activity_to_avro(record: CompleteActivity) -> dict[str, Any]:
    values = complete_activity_usual_to_avro(record)
    values["activity_id"] = record.activity_id
    values["reply_to"] = (
        NULL if record.reply_to is None else ("foldlog.common.ReplyTo", reply_to_to_avro(record.reply_to))
    )
    return values


def complete_activity_usual_from_avro(values: dict[str, Any]) -> CompleteActivity:
    return CompleteActivity(
        run_id=values["run_id"],
        scheduled_event_id=values["scheduled_event_id"],
        attempt=values["attempt"],
        identity=values["identity"],
        result=payload_from_avro(values["result"]),
        activity_id="",
        reply_to=None,
    )


def complete_activity_from_avro(values: dict[str, Any]) -> CompleteActivity:
    record = complete_activity_usual_from_avro(values)
    record.activity_id = values["activity_id"]
    record.reply_to = None if values["reply_to"] is None else reply_to_from_avro(values["reply_to"])
    return record


def describe_deployments_to_avro(record: DescribeDeployments) -> dict[str, Any]:
    return {
        "identity": record.identity,
        "reply_to": NULL if record.reply_to is None else ("foldlog.common.ReplyTo", reply_to_to_avro(record.reply_to)),
    }


def describe_deployments_from_avro(values: dict[str, Any]) -> DescribeDeployments:
    return DescribeDeployments(
        identity=values["identity"],
        reply_to=None if values["reply_to"] is None else reply_to_from_avro(values["reply_to"]),
    )


def describe_workflow_to_avro(record: DescribeWorkflow) -> dict[str, Any]:
    return {
        "identity": record.identity,
        "reply_to": NULL if record.reply_to is None else ("foldlog.common.ReplyTo", reply_to_to_avro(record.reply_to)),
        "run_id": record.run_id,
    }


def describe_workflow_from_avro(values: dict[str, Any]) -> DescribeWorkflow:
    return DescribeWorkflow(
        identity=values["identity"],
        reply_to=None if values["reply_to"] is None else reply_to_from_avro(values["reply_to"]),
        run_id=values["run_id"],
    )


def fail_activity_to_avro(record: FailActivity) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "scheduled_event_id": record.scheduled_event_id,
        "attempt": record.attempt,
        "identity": record.identity,
        "failure": failure_to_avro(record.failure),
        "heartbeat_details": record.heartbeat_details and [payload_to_avro(item) for item in record.heartbeat_details],
        "activity_id": record.activity_id,
        "reply_to": NULL if record.reply_to is None else ("foldlog.common.ReplyTo", reply_to_to_avro(record.reply_to)),
    }


def fail_activity_from_avro(values: dict[str, Any]) -> FailActivity:
    return FailActivity(
        run_id=values["run_id"],
        scheduled_event_id=values["scheduled_event_id"],
        attempt=values["attempt"],
        identity=values["identity"],
        failure=failure_from_avro(values["failure"]),
        heartbeat_details=values["heartbeat_details"]
        and [payload_from_avro(item) for item in values["heartbeat_details"]],
        activity_id=values["activity_id"],
        reply_to=None if values["reply_to"] is None else reply_to_from_avro(values["reply_to"]),
    )


def get_history_to_avro(record: GetHistory) -> dict[str, Any]:
    return {
        "identity": record.identity,
        "reply_to": NULL if record.reply_to is None else ("foldlog.common.ReplyTo", reply_to_to_avro(record.reply_to)),
        "run_id": record.run_id,
        "first_event_id": record.first_event_id,
        "maximum_bytes": record.maximum_bytes,
    }


def get_history_from_avro(values: dict[str, Any]) -> GetHistory:
    return GetHistory(
        identity=values["identity"],
        reply_to=None if values["reply_to"] is None else reply_to_from_avro(values["reply_to"]),
        run_id=values["run_id"],
        first_event_id=values["first_event_id"],
        maximum_bytes=values["maximum_bytes"],
    )


def heartbeat_activity_to_avro(record: HeartbeatActivity) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "scheduled_event_id": record.scheduled_event_id,
        "attempt": record.attempt,
        "identity": record.identity,
        "reply_to": NULL if record.reply_to is None else ("foldlog.common.ReplyTo", reply_to_to_avro(record.reply_to)),
        "details": record.details and [payload_to_avro(item) for item in record.details],
        "activity_id": record.activity_id,
    }


def heartbeat_activity_from_avro(values: dict[str, Any]) -> HeartbeatActivity:
    return HeartbeatActivity(
        run_id=values["run_id"],
        scheduled_event_id=values["scheduled_event_id"],
        attempt=values["attempt"],
        identity=values["identity"],
        reply_to=None if values["reply_to"] is None else reply_to_from_avro(values["reply_to"]),
        details=values["details"] and [payload_from_avro(item) for item in values["details"]],
        activity_id=values["activity_id"],
    )


def pause_activity_to_avro(record: PauseActivity) -> dict[str, Any]:
    return {
        "request_id": record.request_id,
        "identity": record.identity,
        "reply_to": NULL if record.reply_to is None else ("foldlog.common.ReplyTo", reply_to_to_avro(record.reply_to)),
        "run_id": record.run_id,
        "activity_id": record.activity_id,
        "activity_type": record.activity_type,
        "reason": record.reason,
    }


def pause_activity_from_avro(values: dict[str, Any]) -> PauseActivity:
    return PauseActivity(
        request_id=values["request_id"],
        identity=values["identity"],
        reply_to=None if values["reply_to"] is None else reply_to_from_avro(values["reply_to"]),
        run_id=values["run_id"],
        activity_id=values["activity_id"],
        activity_type=values["activity_type"],
        reason=values["reason"],
    )


def query_workflow_to_avro(record: QueryWorkflow) -> dict[str, Any]:
    return {
        "identity": record.identity,
        "reply_to": NULL if record.reply_to is None else ("foldlog.common.ReplyTo", reply_to_to_avro(record.reply_to)),
        "run_id": record.run_id,
        "query_type": record.query_type,
        "args": record.args and [payload_to_avro(item) for item in record.args],
        "reject_condition": record.reject_condition,
        "header": record.header and {key: payload_to_avro(item) for key, item in record.header.items()},
    }


def query_workflow_from_avro(values: dict[str, Any]) -> QueryWorkflow:
    return QueryWorkflow(
        identity=values["identity"],
        reply_to=None if values["reply_to"] is None else reply_to_from_avro(values["reply_to"]),
        run_id=values["run_id"],
        query_type=values["query_type"],
        args=values["args"] and [payload_from_avro(item) for item in values["args"]],
        reject_condition=values["reject_condition"],
        header=values["header"] and {key: payload_from_avro(item) for key, item in values["header"].items()},
    )


def reset_activity_to_avro(record: ResetActivity) -> dict[str, Any]:
    return {
        "request_id": record.request_id,
        "identity": record.identity,
        "reply_to": NULL if record.reply_to is None else ("foldlog.common.ReplyTo", reply_to_to_avro(record.reply_to)),
        "run_id": record.run_id,
        "activity_id": record.activity_id,
        "activity_type": record.activity_type,
        "keep_paused": record.keep_paused,
        "reset_heartbeat": record.reset_heartbeat,
        "restore_original_options": record.restore_original_options,
        "jitter_ms": record.jitter_ms,
    }


def reset_activity_from_avro(values: dict[str, Any]) -> ResetActivity:
    return ResetActivity(
        request_id=values["request_id"],
        identity=values["identity"],
        reply_to=None if values["reply_to"] is None else reply_to_from_avro(values["reply_to"]),
        run_id=values["run_id"],
        activity_id=values["activity_id"],
        activity_type=values["activity_type"],
        keep_paused=values["keep_paused"],
        reset_heartbeat=values["reset_heartbeat"],
        restore_original_options=values["restore_original_options"],
        jitter_ms=values["jitter_ms"],
    )


def resolve_external_workflow_to_avro(record: ResolveExternalWorkflow) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "initiated_event_id": record.initiated_event_id,
        "failure": NULL if record.failure is None else ("foldlog.common.Failure", failure_to_avro(record.failure)),
        "target_run_id": record.target_run_id,
    }


def resolve_external_workflow_from_avro(values: dict[str, Any]) -> ResolveExternalWorkflow:
    return ResolveExternalWorkflow(
        run_id=values["run_id"],
        initiated_event_id=values["initiated_event_id"],
        failure=None if values["failure"] is None else failure_from_avro(values["failure"]),
        target_run_id=values["target_run_id"],
    )


def set_deployment_to_avro(record: SetDeployment) -> dict[str, Any]:
    return {
        "identity": record.identity,
        "reply_to": NULL if record.reply_to is None else ("foldlog.common.ReplyTo", reply_to_to_avro(record.reply_to)),
        "deployment": deployment_to_avro(record.deployment),
    }


def set_deployment_from_avro(values: dict[str, Any]) -> SetDeployment:
    return SetDeployment(
        identity=values["identity"],
        reply_to=None if values["reply_to"] is None else reply_to_from_avro(values["reply_to"]),
        deployment=deployment_from_avro(values["deployment"]),
    )


def signal_input_to_avro(record: SignalInput) -> dict[str, Any]:
    return {
        "signal_name": record.signal_name,
        "args": record.args and [payload_to_avro(item) for item in record.args],
        "header": record.header and {key: payload_to_avro(item) for key, item in record.header.items()},
    }


def signal_input_from_avro(values: dict[str, Any]) -> SignalInput:
    return SignalInput(
        signal_name=values["signal_name"],
        args=values["args"] and [payload_from_avro(item) for item in values["args"]],
        header=values["header"] and {key: payload_from_avro(item) for key, item in values["header"].items()},
    )


def signal_workflow_to_avro(record: SignalWorkflow) -> dict[str, Any]:
    return {
        "request_id": record.request_id,
        "identity": record.identity,
        "reply_to": NULL if record.reply_to is None else ("foldlog.common.ReplyTo", reply_to_to_avro(record.reply_to)),
        "run_id": record.run_id,
        "signal_name": record.signal_name,
        "args": record.args and [payload_to_avro(item) for item in record.args],
        "header": record.header and {key: payload_to_avro(item) for key, item in record.header.items()},
        "first_execution_run_id": record.first_execution_run_id,
        "initiator": NULL
        if record.initiator is None
        else ("foldlog.common.Initiator", initiator_to_avro(record.initiator)),
        "child_only": record.child_only,
    }


def signal_workflow_from_avro(values: dict[str, Any]) -> SignalWorkflow:
    return SignalWorkflow(
        request_id=values["request_id"],
        identity=values["identity"],
        reply_to=None if values["reply_to"] is None else reply_to_from_avro(values["reply_to"]),
        run_id=values["run_id"],
        signal_name=values["signal_name"],
        args=values["args"] and [payload_from_avro(item) for item in values["args"]],
        header=values["header"] and {key: payload_from_avro(item) for key, item in values["header"].items()},
        first_execution_run_id=values["first_execution_run_id"],
        initiator=None if values["initiator"] is None else initiator_from_avro(values["initiator"]),
        child_only=values["child_only"],
    )


def start_workflow_is_usual(record: StartWorkflow) -> bool:
    return (
        record.id_reuse_policy == "ALLOW_DUPLICATE"
        and record.id_conflict_policy == "UNSPECIFIED"
        and record.execution_timeout_ms == 0
        and record.run_timeout_ms == 0
        and record.memo == {}
        and record.options is None
        and record.start_delay_ms == 0
        and record.signal is None
        and record.update is None
    )


def start_workflow_usual_to_avro(record: StartWorkflow) -> dict[str, Any]:
    return {
        "request_id": record.request_id,
        "identity": record.identity,
        "reply_to": NULL if record.reply_to is None else ("foldlog.common.ReplyTo", reply_to_to_avro(record.reply_to)),
        "workflow_type": record.workflow_type,
        "task_queue": record.task_queue,
        "args": record.args and [payload_to_avro(item) for item in record.args],
        "await_result": record.await_result,
        "parent": NULL
        if record.parent is None
        else ("foldlog.common.ParentExecution", parent_execution_to_avro(record.parent)),
    }


def start_workflow_to_avro(record: StartWorkflow) -> dict[str, Any]:
    values = start_workflow_usual_to_avro(record)
    values["id_reuse_policy"] = record.id_reuse_policy
    values["id_conflict_policy"] = record.id_conflict_policy
    values["execution_timeout_ms"] = record.execution_timeout_ms
    values["run_timeout_ms"] = record.run_timeout_ms
    values["memo"] = record.memo and {key: payload_to_avro(item) for key, item in record.memo.items()}
    values["options"] = (
        NULL if record.options is None else ("foldlog.common.WorkflowOptions", workflow_options_to_avro(record.options))
    )
    values["start_delay_ms"] = record.start_delay_ms
    values["signal"] = (
        NULL if record.signal is None else ("foldlog.command.SignalInput", signal_input_to_avro(record.signal))
    )
    values["update"] = (
        NULL if record.update is None else ("foldlog.command.UpdateInput", update_input_to_avro(record.update))
    )
    return values


def start_workflow_usual_from_avro(values: dict[str, Any]) -> StartWorkflow:
    return StartWorkflow(
        request_id=values["request_id"],
        identity=values["identity"],
        reply_to=None if values["reply_to"] is None else reply_to_from_avro(values["reply_to"]),
        workflow_type=values["workflow_type"],
        task_queue=values["task_queue"],
        args=values["args"] and [payload_from_avro(item) for item in values["args"]],
        await_result=values["await_result"],
        parent=None if values["parent"] is None else parent_execution_from_avro(values["parent"]),
        id_reuse_policy="ALLOW_DUPLICATE",
        id_conflict_policy="UNSPECIFIED",
        execution_timeout_ms=0,
        run_timeout_ms=0,
        memo={},
        options=None,
        start_delay_ms=0,
        signal=None,
        update=None,
    )


def start_workflow_from_avro(values: dict[str, Any]) -> StartWorkflow:
    record = start_workflow_usual_from_avro(values)
    record.id_reuse_policy = values["id_reuse_policy"]
    record.id_conflict_policy = values["id_conflict_policy"]
    record.execution_timeout_ms = values["execution_timeout_ms"]
    record.run_timeout_ms = values["run_timeout_ms"]
    record.memo = values["memo"] and {key: payload_from_avro(item) for key, item in values["memo"].items()}
    record.options = None if values["options"] is None else workflow_options_from_avro(values["options"])
    record.start_delay_ms = values["start_delay_ms"]
    record.signal = None if values["signal"] is None else signal_input_from_avro(values["signal"])
    record.update = None if values["update"] is None else update_input_from_avro(values["update"])
    return record


def terminate_workflow_to_avro(record: TerminateWorkflow) -> dict[str, Any]:
    return {
        "request_id": record.request_id,
        "identity": record.identity,
        "reply_to": NULL if record.reply_to is None else ("foldlog.common.ReplyTo", reply_to_to_avro(record.reply_to)),
        "run_id": record.run_id,
        "first_execution_run_id": record.first_execution_run_id,
        "reason": record.reason,
        "details": record.details and [payload_to_avro(item) for item in record.details],
    }


def terminate_workflow_from_avro(values: dict[str, Any]) -> TerminateWorkflow:
    return TerminateWorkflow(
        request_id=values["request_id"],
        identity=values["identity"],
        reply_to=None if values["reply_to"] is None else reply_to_from_avro(values["reply_to"]),
        run_id=values["run_id"],
        first_execution_run_id=values["first_execution_run_id"],
        reason=values["reason"],
        details=values["details"] and [payload_from_avro(item) for item in values["details"]],
    )


def unpause_activity_to_avro(record: UnpauseActivity) -> dict[str, Any]:
    return {
        "request_id": record.request_id,
        "identity": record.identity,
        "reply_to": NULL if record.reply_to is None else ("foldlog.common.ReplyTo", reply_to_to_avro(record.reply_to)),
        "run_id": record.run_id,
        "activity_id": record.activity_id,
        "activity_type": record.activity_type,
        "reset_attempts": record.reset_attempts,
        "reset_heartbeat": record.reset_heartbeat,
        "jitter_ms": record.jitter_ms,
    }


def unpause_activity_from_avro(values: dict[str, Any]) -> UnpauseActivity:
    return UnpauseActivity(
        request_id=values["request_id"],
        identity=values["identity"],
        reply_to=None if values["reply_to"] is None else reply_to_from_avro(values["reply_to"]),
        run_id=values["run_id"],
        activity_id=values["activity_id"],
        activity_type=values["activity_type"],
        reset_attempts=values["reset_attempts"],
        reset_heartbeat=values["reset_heartbeat"],
        jitter_ms=values["jitter_ms"],
    )


def update_activity_options_to_avro(record: UpdateActivityOptions) -> dict[str, Any]:
    return {
        "request_id": record.request_id,
        "identity": record.identity,
        "reply_to": NULL if record.reply_to is None else ("foldlog.common.ReplyTo", reply_to_to_avro(record.reply_to)),
        "run_id": record.run_id,
        "activity_id": record.activity_id,
        "activity_type": record.activity_type,
        "task_queue": record.task_queue,
        "schedule_to_close_timeout_ms": record.schedule_to_close_timeout_ms,
        "schedule_to_start_timeout_ms": record.schedule_to_start_timeout_ms,
        "start_to_close_timeout_ms": record.start_to_close_timeout_ms,
        "heartbeat_timeout_ms": record.heartbeat_timeout_ms,
        "retry_policy": NULL
        if record.retry_policy is None
        else ("foldlog.common.RetryPolicy", retry_policy_to_avro(record.retry_policy)),
        "restore_original": record.restore_original,
        "priority": NULL if record.priority is None else ("foldlog.common.Priority", priority_to_avro(record.priority)),
    }


def update_activity_options_from_avro(values: dict[str, Any]) -> UpdateActivityOptions:
    return UpdateActivityOptions(
        request_id=values["request_id"],
        identity=values["identity"],
        reply_to=None if values["reply_to"] is None else reply_to_from_avro(values["reply_to"]),
        run_id=values["run_id"],
        activity_id=values["activity_id"],
        activity_type=values["activity_type"],
        task_queue=values["task_queue"],
        schedule_to_close_timeout_ms=values["schedule_to_close_timeout_ms"],
        schedule_to_start_timeout_ms=values["schedule_to_start_timeout_ms"],
        start_to_close_timeout_ms=values["start_to_close_timeout_ms"],
        heartbeat_timeout_ms=values["heartbeat_timeout_ms"],
        retry_policy=None if values["retry_policy"] is None else retry_policy_from_avro(values["retry_policy"]),
        restore_original=values["restore_original"],
        priority=None if values["priority"] is None else priority_from_avro(values["priority"]),
    )


def update_input_to_avro(record: UpdateInput) -> dict[str, Any]:
    return {
        "update_id": record.update_id,
        "update_name": record.update_name,
        "args": record.args and [payload_to_avro(item) for item in record.args],
        "header": record.header and {key: payload_to_avro(item) for key, item in record.header.items()},
        "await_completed": record.await_completed,
    }


def update_input_from_avro(values: dict[str, Any]) -> UpdateInput:
    return UpdateInput(
        update_id=values["update_id"],
        update_name=values["update_name"],
        args=values["args"] and [payload_from_avro(item) for item in values["args"]],
        header=values["header"] and {key: payload_from_avro(item) for key, item in values["header"].items()},
        await_completed=values["await_completed"],
    )


def update_workflow_to_avro(record: UpdateWorkflow) -> dict[str, Any]:
    return {
        "request_id": record.request_id,
        "identity": record.identity,
        "reply_to": NULL if record.reply_to is None else ("foldlog.common.ReplyTo", reply_to_to_avro(record.reply_to)),
        "run_id": record.run_id,
        "first_execution_run_id": record.first_execution_run_id,
        "update_id": record.update_id,
        "update_name": record.update_name,
        "args": record.args and [payload_to_avro(item) for item in record.args],
        "header": record.header and {key: payload_to_avro(item) for key, item in record.header.items()},
        "await_completed": record.await_completed,
    }


def update_workflow_from_avro(values: dict[str, Any]) -> UpdateWorkflow:
    return UpdateWorkflow(
        request_id=values["request_id"],
        identity=values["identity"],
        reply_to=None if values["reply_to"] is None else reply_to_from_avro(values["reply_to"]),
        run_id=values["run_id"],
        first_execution_run_id=values["first_execution_run_id"],
        update_id=values["update_id"],
        update_name=values["update_name"],
        args=values["args"] and [payload_from_avro(item) for item in values["args"]],
        header=values["header"] and {key: payload_from_avro(item) for key, item in values["header"].items()},
        await_completed=values["await_completed"],
    )


def update_workflow_options_to_avro(record: UpdateWorkflowOptions) -> dict[str, Any]:
    return {
        "request_id": record.request_id,
        "identity": record.identity,
        "reply_to": NULL if record.reply_to is None else ("foldlog.common.ReplyTo", reply_to_to_avro(record.reply_to)),
        "run_id": record.run_id,
        "first_execution_run_id": record.first_execution_run_id,
        "versioning": workflow_options_to_avro(record.versioning),
    }


def update_workflow_options_from_avro(values: dict[str, Any]) -> UpdateWorkflowOptions:
    return UpdateWorkflowOptions(
        request_id=values["request_id"],
        identity=values["identity"],
        reply_to=None if values["reply_to"] is None else reply_to_from_avro(values["reply_to"]),
        run_id=values["run_id"],
        first_execution_run_id=values["first_execution_run_id"],
        versioning=workflow_options_from_avro(values["versioning"]),
    )


CONVERSIONS: Conversions = {
    ActivityStarted: (
        "foldlog.command.ActivityStarted",
        b"\xc3\x01\x95\x10\xd0\xf6\xdabv*",
        activity_started_to_avro,
        activity_started_from_avro,
    ),
    AwaitResult: (
        "foldlog.command.AwaitResult",
        b"\xc3\x01\xe4\x9d5>\xfa\xd5a\xca",
        await_result_to_avro,
        await_result_from_avro,
    ),
    AwaitUpdate: (
        "foldlog.command.AwaitUpdate",
        b"\xc3\x01X\xb7\t2\xe15\xb4\x8f",
        await_update_to_avro,
        await_update_from_avro,
    ),
    CancelActivity: (
        "foldlog.command.CancelActivity",
        b"\xc3\x01\xcc\xfc\xb6\xdd]\x87\xddn",
        cancel_activity_to_avro,
        cancel_activity_from_avro,
    ),
    CancelWorkflow: (
        "foldlog.command.CancelWorkflow",
        b"\xc3\x01Y\x11\x91\xd7p\xc1\xbbY",
        cancel_workflow_to_avro,
        cancel_workflow_from_avro,
    ),
    ChildWorkflowClosed: (
        "foldlog.command.ChildWorkflowClosed",
        b"\xc3\x01\xa3^!\xe3\xeb\xdf\x03\x1b",
        child_workflow_closed_to_avro,
        child_workflow_closed_from_avro,
    ),
    ChildWorkflowStarted: (
        "foldlog.command.ChildWorkflowStarted",
        b"\xc3\x01\xf7\x99#}i[\xd9e",
        child_workflow_started_to_avro,
        child_workflow_started_from_avro,
    ),
    CompleteActivity: (
        "foldlog.command.CompleteActivity",
        b"\xc3\x01\xf7\x97\xb4&_\xac\x03\x9e",
        complete_activity_to_avro,
        complete_activity_from_avro,
    ),
    DescribeDeployments: (
        "foldlog.command.DescribeDeployments",
        b"\xc3\x01\xb3\xd7t\xa2\xb7\xa9\x97\xba",
        describe_deployments_to_avro,
        describe_deployments_from_avro,
    ),
    DescribeWorkflow: (
        "foldlog.command.DescribeWorkflow",
        b"\xc3\x01\r\xee\xe1~\xde\x0f\x11d",
        describe_workflow_to_avro,
        describe_workflow_from_avro,
    ),
    FailActivity: (
        "foldlog.command.FailActivity",
        b"\xc3\x01\xd5\xfa\xc0\xab\x1e\xa4R\xb0",
        fail_activity_to_avro,
        fail_activity_from_avro,
    ),
    GetHistory: (
        "foldlog.command.GetHistory",
        b"\xc3\x01\x902\xe8\xe2\x19\xa0\x13\x89",
        get_history_to_avro,
        get_history_from_avro,
    ),
    HeartbeatActivity: (
        "foldlog.command.HeartbeatActivity",
        b"\xc3\x01(\xb2\xd6\x84\xea\xd5\x83P",
        heartbeat_activity_to_avro,
        heartbeat_activity_from_avro,
    ),
    PauseActivity: (
        "foldlog.command.PauseActivity",
        b"\xc3\x01\x00\x8c\xeb>9\xc1\x7f\xb9",
        pause_activity_to_avro,
        pause_activity_from_avro,
    ),
    QueryWorkflow: (
        "foldlog.command.QueryWorkflow",
        b'\xc3\x01\xf4\xb5\xcaI\xcb\x0e"\xce',
        query_workflow_to_avro,
        query_workflow_from_avro,
    ),
    ResetActivity: (
        "foldlog.command.ResetActivity",
        b"\xc3\x01\x02<\x87\x82pcD\x9f",
        reset_activity_to_avro,
        reset_activity_from_avro,
    ),
    ResolveExternalWorkflow: (
        "foldlog.command.ResolveExternalWorkflow",
        b"\xc3\x01\x904\xd6\xeeW\xdf#1",
        resolve_external_workflow_to_avro,
        resolve_external_workflow_from_avro,
    ),
    SetDeployment: (
        "foldlog.command.SetDeployment",
        b"\xc3\x01^\xfe\xe5i`\xfc\xa7r",
        set_deployment_to_avro,
        set_deployment_from_avro,
    ),
    SignalInput: ("foldlog.command.SignalInput", b"", signal_input_to_avro, signal_input_from_avro),
    SignalWorkflow: (
        "foldlog.command.SignalWorkflow",
        b"\xc3\x01\x15\xf2'FA\xb5\x88\xcb",
        signal_workflow_to_avro,
        signal_workflow_from_avro,
    ),
    StartWorkflow: (
        "foldlog.command.StartWorkflow",
        b"\xc3\x01\x0ey4\xfb.\xda\xb6e",
        start_workflow_to_avro,
        start_workflow_from_avro,
    ),
    TerminateWorkflow: (
        "foldlog.command.TerminateWorkflow",
        b"\xc3\x01^\x9fB}\x9b\x07\xc7\xde",
        terminate_workflow_to_avro,
        terminate_workflow_from_avro,
    ),
    UnpauseActivity: (
        "foldlog.command.UnpauseActivity",
        b"\xc3\x01J\x17\xa4)\x85R\xc5Z",
        unpause_activity_to_avro,
        unpause_activity_from_avro,
    ),
    UpdateActivityOptions: (
        "foldlog.command.UpdateActivityOptions",
        b"\xc3\x01bxR\xcajF\x10\xd5",
        update_activity_options_to_avro,
        update_activity_options_from_avro,
    ),
    UpdateInput: ("foldlog.command.UpdateInput", b"", update_input_to_avro, update_input_from_avro),
    UpdateWorkflow: (
        "foldlog.command.UpdateWorkflow",
        b"\xc3\x01\xaa }\x16\xff\x8c\xdc\x12",
        update_workflow_to_avro,
        update_workflow_from_avro,
    ),
    UpdateWorkflowOptions: (
        "foldlog.command.UpdateWorkflowOptions",
        b"\xc3\x01R\t\xadF\x9f\xe1\xc9\xd6",
        update_workflow_options_to_avro,
        update_workflow_options_from_avro,
    ),
}

USUAL: Usual = {
    CompleteActivity: (complete_activity_is_usual, complete_activity_usual_to_avro, complete_activity_usual_from_avro),
    StartWorkflow: (start_workflow_is_usual, start_workflow_usual_to_avro, start_workflow_usual_from_avro),
}
