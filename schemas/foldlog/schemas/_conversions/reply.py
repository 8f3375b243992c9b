"""Conversions of the records of `foldlog.reply`.

Written by `python -m foldlog.schemas.generate` from avsc/reply/*.avsc:
change those, not this.
"""

from __future__ import annotations

from typing import Any

from foldlog.schemas._conversions.common import (
    activity_options_from_avro,
    activity_options_to_avro,
    continuation_from_avro,
    continuation_to_avro,
    deployment_from_avro,
    deployment_to_avro,
    failure_from_avro,
    failure_to_avro,
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
from foldlog.schemas.reply import (
    Accepted,
    ActivityCancelRequested,
    Deployments,
    Description,
    HistoryPage,
    PartitionMoved,
    PendingActivity,
    PendingChild,
    PendingTimer,
    QueryAnswer,
    Rejected,
    UpdateReply,
    WorkflowResult,
)


def accepted_to_avro(record: Accepted) -> dict[str, Any]:
    return {
        "correlation_id": record.correlation_id,
        "run_id": record.run_id,
        "started": record.started,
        "notice": record.notice,
    }


def accepted_from_avro(values: dict[str, Any]) -> Accepted:
    return Accepted(
        correlation_id=values["correlation_id"],
        run_id=values["run_id"],
        started=values["started"],
        notice=values["notice"],
    )


def activity_cancel_requested_to_avro(record: ActivityCancelRequested) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "scheduled_event_id": record.scheduled_event_id,
        "attempt": record.attempt,
        "reason": record.reason,
    }


def activity_cancel_requested_from_avro(values: dict[str, Any]) -> ActivityCancelRequested:
    return ActivityCancelRequested(
        run_id=values["run_id"],
        scheduled_event_id=values["scheduled_event_id"],
        attempt=values["attempt"],
        reason=values["reason"],
    )


def deployments_to_avro(record: Deployments) -> dict[str, Any]:
    return {
        "correlation_id": record.correlation_id,
        "deployments": record.deployments and [deployment_to_avro(item) for item in record.deployments],
        "hosted": record.hosted,
    }


def deployments_from_avro(values: dict[str, Any]) -> Deployments:
    return Deployments(
        correlation_id=values["correlation_id"],
        deployments=values["deployments"] and [deployment_from_avro(item) for item in values["deployments"]],
        hosted=values["hosted"],
    )


def description_to_avro(record: Description) -> dict[str, Any]:
    return {
        "correlation_id": record.correlation_id,
        "run_id": record.run_id,
        "workflow_type": record.workflow_type,
        "task_queue": record.task_queue,
        "status": record.status,
        "start_ms": record.start_ms,
        "close_ms": record.close_ms,
        "execution_expiration_ms": record.execution_expiration_ms,
        "history_length": record.history_length,
        "history_size": record.history_size,
        "memo": record.memo and {key: payload_to_avro(item) for key, item in record.memo.items()},
        "first_execution_run_id": record.first_execution_run_id,
        "stalled_error": record.stalled_error,
        "stalled_stack": record.stalled_stack,
        "stalled_attempts": record.stalled_attempts,
        "deferred_commands": record.deferred_commands,
        "pending_activities": record.pending_activities
        and [pending_activity_to_avro(item) for item in record.pending_activities],
        "pending_timers": record.pending_timers and [pending_timer_to_avro(item) for item in record.pending_timers],
        "options": NULL
        if record.options is None
        else ("foldlog.common.WorkflowOptions", workflow_options_to_avro(record.options)),
        "parent": NULL
        if record.parent is None
        else ("foldlog.common.ParentExecution", parent_execution_to_avro(record.parent)),
        "continuation": NULL
        if record.continuation is None
        else ("foldlog.common.Continuation", continuation_to_avro(record.continuation)),
        "first_task_ms": record.first_task_ms,
        "execution_start_ms": record.execution_start_ms,
        "deployment_version": record.deployment_version,
        "pending_children": record.pending_children
        and [pending_child_to_avro(item) for item in record.pending_children],
        "pending_updates": record.pending_updates,
    }


def description_from_avro(values: dict[str, Any]) -> Description:
    return Description(
        correlation_id=values["correlation_id"],
        run_id=values["run_id"],
        workflow_type=values["workflow_type"],
        task_queue=values["task_queue"],
        status=values["status"],
        start_ms=values["start_ms"],
        close_ms=values["close_ms"],
        execution_expiration_ms=values["execution_expiration_ms"],
        history_length=values["history_length"],
        history_size=values["history_size"],
        memo=values["memo"] and {key: payload_from_avro(item) for key, item in values["memo"].items()},
        first_execution_run_id=values["first_execution_run_id"],
        stalled_error=values["stalled_error"],
        stalled_stack=values["stalled_stack"],
        stalled_attempts=values["stalled_attempts"],
        deferred_commands=values["deferred_commands"],
        pending_activities=values["pending_activities"]
        and [pending_activity_from_avro(item) for item in values["pending_activities"]],
        pending_timers=values["pending_timers"]
        and [pending_timer_from_avro(item) for item in values["pending_timers"]],
        options=None if values["options"] is None else workflow_options_from_avro(values["options"]),
        parent=None if values["parent"] is None else parent_execution_from_avro(values["parent"]),
        continuation=None if values["continuation"] is None else continuation_from_avro(values["continuation"]),
        first_task_ms=values["first_task_ms"],
        execution_start_ms=values["execution_start_ms"],
        deployment_version=values["deployment_version"],
        pending_children=values["pending_children"]
        and [pending_child_from_avro(item) for item in values["pending_children"]],
        pending_updates=values["pending_updates"],
    )


def history_page_to_avro(record: HistoryPage) -> dict[str, Any]:
    return {
        "correlation_id": record.correlation_id,
        "run_id": record.run_id,
        "events": record.events,
        "next_event_id": record.next_event_id,
    }


def history_page_from_avro(values: dict[str, Any]) -> HistoryPage:
    return HistoryPage(
        correlation_id=values["correlation_id"],
        run_id=values["run_id"],
        events=values["events"],
        next_event_id=values["next_event_id"],
    )


def partition_moved_to_avro(record: PartitionMoved) -> dict[str, Any]:
    return {
        "partition": record.partition,
        "instance": record.instance,
    }


def partition_moved_from_avro(values: dict[str, Any]) -> PartitionMoved:
    return PartitionMoved(
        partition=values["partition"],
        instance=values["instance"],
    )


def pending_activity_to_avro(record: PendingActivity) -> dict[str, Any]:
    return {
        "activity_id": record.activity_id,
        "activity_type": record.activity_type,
        "task_queue": record.task_queue,
        "state": record.state,
        "attempt": record.attempt,
        "scheduled_ms": record.scheduled_ms,
        "started_ms": record.started_ms,
        "heartbeat_ms": record.heartbeat_ms,
        "next_attempt_ms": record.next_attempt_ms,
        "identity": record.identity,
        "last_failure": NULL
        if record.last_failure is None
        else ("foldlog.common.Failure", failure_to_avro(record.last_failure)),
        "heartbeat_details": record.heartbeat_details and [payload_to_avro(item) for item in record.heartbeat_details],
        "paused": record.paused,
        "paused_ms": record.paused_ms,
        "pause_reason": record.pause_reason,
        "paused_by": record.paused_by,
        "options": NULL
        if record.options is None
        else ("foldlog.common.ActivityOptions", activity_options_to_avro(record.options)),
        "schedule_to_close_timeout_ms": record.schedule_to_close_timeout_ms,
        "schedule_to_start_timeout_ms": record.schedule_to_start_timeout_ms,
        "start_to_close_timeout_ms": record.start_to_close_timeout_ms,
        "heartbeat_timeout_ms": record.heartbeat_timeout_ms,
        "retry_policy": NULL
        if record.retry_policy is None
        else ("foldlog.common.RetryPolicy", retry_policy_to_avro(record.retry_policy)),
    }


def pending_activity_from_avro(values: dict[str, Any]) -> PendingActivity:
    return PendingActivity(
        activity_id=values["activity_id"],
        activity_type=values["activity_type"],
        task_queue=values["task_queue"],
        state=values["state"],
        attempt=values["attempt"],
        scheduled_ms=values["scheduled_ms"],
        started_ms=values["started_ms"],
        heartbeat_ms=values["heartbeat_ms"],
        next_attempt_ms=values["next_attempt_ms"],
        identity=values["identity"],
        last_failure=None if values["last_failure"] is None else failure_from_avro(values["last_failure"]),
        heartbeat_details=values["heartbeat_details"]
        and [payload_from_avro(item) for item in values["heartbeat_details"]],
        paused=values["paused"],
        paused_ms=values["paused_ms"],
        pause_reason=values["pause_reason"],
        paused_by=values["paused_by"],
        options=None if values["options"] is None else activity_options_from_avro(values["options"]),
        schedule_to_close_timeout_ms=values["schedule_to_close_timeout_ms"],
        schedule_to_start_timeout_ms=values["schedule_to_start_timeout_ms"],
        start_to_close_timeout_ms=values["start_to_close_timeout_ms"],
        heartbeat_timeout_ms=values["heartbeat_timeout_ms"],
        retry_policy=None if values["retry_policy"] is None else retry_policy_from_avro(values["retry_policy"]),
    )


def pending_child_to_avro(record: PendingChild) -> dict[str, Any]:
    return {
        "namespace": record.namespace,
        "workflow_id": record.workflow_id,
        "run_id": record.run_id,
        "workflow_type": record.workflow_type,
        "initiated_event_id": record.initiated_event_id,
        "parent_close_policy": record.parent_close_policy,
    }


def pending_child_from_avro(values: dict[str, Any]) -> PendingChild:
    return PendingChild(
        namespace=values["namespace"],
        workflow_id=values["workflow_id"],
        run_id=values["run_id"],
        workflow_type=values["workflow_type"],
        initiated_event_id=values["initiated_event_id"],
        parent_close_policy=values["parent_close_policy"],
    )


def pending_timer_to_avro(record: PendingTimer) -> dict[str, Any]:
    return {
        "timer_id": record.timer_id,
        "fire_ms": record.fire_ms,
    }


def pending_timer_from_avro(values: dict[str, Any]) -> PendingTimer:
    return PendingTimer(
        timer_id=values["timer_id"],
        fire_ms=values["fire_ms"],
    )


def query_answer_to_avro(record: QueryAnswer) -> dict[str, Any]:
    return {
        "correlation_id": record.correlation_id,
        "result": payload_to_avro(record.result),
    }


def query_answer_from_avro(values: dict[str, Any]) -> QueryAnswer:
    return QueryAnswer(
        correlation_id=values["correlation_id"],
        result=payload_from_avro(values["result"]),
    )


def rejected_to_avro(record: Rejected) -> dict[str, Any]:
    return {
        "correlation_id": record.correlation_id,
        "code": record.code,
        "message": record.message,
        "run_id": record.run_id,
        "status": record.status,
        "failure": NULL if record.failure is None else ("foldlog.common.Failure", failure_to_avro(record.failure)),
    }


def rejected_from_avro(values: dict[str, Any]) -> Rejected:
    return Rejected(
        correlation_id=values["correlation_id"],
        code=values["code"],
        message=values["message"],
        run_id=values["run_id"],
        status=values["status"],
        failure=None if values["failure"] is None else failure_from_avro(values["failure"]),
    )


def update_reply_to_avro(record: UpdateReply) -> dict[str, Any]:
    return {
        "correlation_id": record.correlation_id,
        "run_id": record.run_id,
        "update_id": record.update_id,
        "stage": record.stage,
        "result": NULL if record.result is None else ("foldlog.common.Payload", payload_to_avro(record.result)),
        "failure": NULL if record.failure is None else ("foldlog.common.Failure", failure_to_avro(record.failure)),
        "first_execution_run_id": record.first_execution_run_id,
    }


def update_reply_from_avro(values: dict[str, Any]) -> UpdateReply:
    return UpdateReply(
        correlation_id=values["correlation_id"],
        run_id=values["run_id"],
        update_id=values["update_id"],
        stage=values["stage"],
        result=None if values["result"] is None else payload_from_avro(values["result"]),
        failure=None if values["failure"] is None else failure_from_avro(values["failure"]),
        first_execution_run_id=values["first_execution_run_id"],
    )


def workflow_result_is_usual(record: WorkflowResult) -> bool:
    return record.retry_state == "UNSPECIFIED" and record.failure is None and record.new_run_id == ""


def workflow_result_usual_to_avro(record: WorkflowResult) -> dict[str, Any]:
    return {
        "correlation_id": record.correlation_id,
        "run_id": record.run_id,
        "status": record.status,
        "result": NULL if record.result is None else ("foldlog.common.Payload", payload_to_avro(record.result)),
    }


def workflow_result_to_avro(record: WorkflowResult) -> dict[str, Any]:
    values = workflow_result_usual_to_avro(record)
    values["retry_state"] = record.retry_state
    values["failure"] = NULL if record.failure is None else ("foldlog.common.Failure", failure_to_avro(record.failure))
    values["new_run_id"] = record.new_run_id
    return values


def workflow_result_usual_from_avro(values: dict[str, Any]) -> WorkflowResult:
    return WorkflowResult(
        correlation_id=values["correlation_id"],
        run_id=values["run_id"],
        status=values["status"],
        result=None if values["result"] is None else payload_from_avro(values["result"]),
        retry_state="UNSPECIFIED",
        failure=None,
        new_run_id="",
    )


def workflow_result_from_avro(values: dict[str, Any]) -> WorkflowResult:
    record = workflow_result_usual_from_avro(values)
    record.retry_state = values["retry_state"]
    record.failure = None if values["failure"] is None else failure_from_avro(values["failure"])
    record.new_run_id = values["new_run_id"]
    return record


CONVERSIONS: Conversions = {
    Accepted: ("foldlog.reply.Accepted", b"\xc3\x01-]\x91\xb3|\xfeCq", accepted_to_avro, accepted_from_avro),
    ActivityCancelRequested: (
        "foldlog.reply.ActivityCancelRequested",
        b"\xc3\x01{\xff\xb2\xc6s\xadt2",
        activity_cancel_requested_to_avro,
        activity_cancel_requested_from_avro,
    ),
    Deployments: (
        "foldlog.reply.Deployments",
        b"\xc3\x01N\xf5\x8b\xff\xcc\xff\xfa0",
        deployments_to_avro,
        deployments_from_avro,
    ),
    Description: (
        "foldlog.reply.Description",
        b"\xc3\x01\xd2\xf2tK?\x17,5",
        description_to_avro,
        description_from_avro,
    ),
    HistoryPage: (
        "foldlog.reply.HistoryPage",
        b"\xc3\x01B\xcd\x1a\xd2\xfaN\xfa\x80",
        history_page_to_avro,
        history_page_from_avro,
    ),
    PartitionMoved: (
        "foldlog.reply.PartitionMoved",
        b"\xc3\x01\xba\x9f~c9\xc3\xae\xf0",
        partition_moved_to_avro,
        partition_moved_from_avro,
    ),
    PendingActivity: ("foldlog.reply.PendingActivity", b"", pending_activity_to_avro, pending_activity_from_avro),
    PendingChild: ("foldlog.reply.PendingChild", b"", pending_child_to_avro, pending_child_from_avro),
    PendingTimer: ("foldlog.reply.PendingTimer", b"", pending_timer_to_avro, pending_timer_from_avro),
    QueryAnswer: (
        "foldlog.reply.QueryAnswer",
        b"\xc3\x01\xde\xc9\x8aa'r\xe8z",
        query_answer_to_avro,
        query_answer_from_avro,
    ),
    Rejected: ("foldlog.reply.Rejected", b"\xc3\x01\xec<g.\xe6\xad\x0b\x8e", rejected_to_avro, rejected_from_avro),
    UpdateReply: (
        "foldlog.reply.UpdateReply",
        b"\xc3\x01\xfa3\x1e\xdc%\x9e\x8eu",
        update_reply_to_avro,
        update_reply_from_avro,
    ),
    WorkflowResult: (
        "foldlog.reply.WorkflowResult",
        b"\xc3\x015\x82\xbb\x94\xc6 ~n",
        workflow_result_to_avro,
        workflow_result_from_avro,
    ),
}

USUAL: Usual = {
    WorkflowResult: (workflow_result_is_usual, workflow_result_usual_to_avro, workflow_result_usual_from_avro),
}
