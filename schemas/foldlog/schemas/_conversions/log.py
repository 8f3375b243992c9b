"""Conversions of the records of `foldlog.log`.

Written by `python -m foldlog.schemas.generate` from avsc/log/*.avsc:
change those, not this.
"""

from __future__ import annotations

from typing import Any

from foldlog.schemas._conversions.common import (
    deployment_from_avro,
    deployment_to_avro,
    failure_from_avro,
    failure_to_avro,
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
from foldlog.schemas.log import (
    ActivityAttempt,
    ActivityOptionsChanged,
    BatchBegun,
    BatchCommitted,
    CommandDeferred,
    DeploymentChanged,
    LocalActivityStarted,
    PartitionOpened,
    RequestRejected,
    WorkflowOptionsChanged,
    WorkflowResumed,
    WorkflowStalled,
)


def activity_attempt_to_avro(record: ActivityAttempt) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "scheduled_event_id": record.scheduled_event_id,
        "attempt": record.attempt,
        "phase": record.phase,
        "attempt_ms": record.attempt_ms,
        "started_ms": record.started_ms,
        "heartbeat_ms": record.heartbeat_ms,
        "worker": NULL if record.worker is None else ("foldlog.common.ReplyTo", reply_to_to_avro(record.worker)),
        "identity": record.identity,
        "last_failure": NULL
        if record.last_failure is None
        else ("foldlog.common.Failure", failure_to_avro(record.last_failure)),
        "heartbeat_details": record.heartbeat_details and [payload_to_avro(item) for item in record.heartbeat_details],
        "paused": record.paused,
        "paused_ms": record.paused_ms,
        "pause_reason": record.pause_reason,
        "paused_by": record.paused_by,
        "reset": record.reset,
        "reset_heartbeat": record.reset_heartbeat,
        "attempts_before_reset": record.attempts_before_reset,
    }


def activity_attempt_from_avro(values: dict[str, Any]) -> ActivityAttempt:
    return ActivityAttempt(
        run_id=values["run_id"],
        scheduled_event_id=values["scheduled_event_id"],
        attempt=values["attempt"],
        phase=values["phase"],
        attempt_ms=values["attempt_ms"],
        started_ms=values["started_ms"],
        heartbeat_ms=values["heartbeat_ms"],
        worker=None if values["worker"] is None else reply_to_from_avro(values["worker"]),
        identity=values["identity"],
        last_failure=None if values["last_failure"] is None else failure_from_avro(values["last_failure"]),
        heartbeat_details=values["heartbeat_details"]
        and [payload_from_avro(item) for item in values["heartbeat_details"]],
        paused=values["paused"],
        paused_ms=values["paused_ms"],
        pause_reason=values["pause_reason"],
        paused_by=values["paused_by"],
        reset=values["reset"],
        reset_heartbeat=values["reset_heartbeat"],
        attempts_before_reset=values["attempts_before_reset"],
    )


def activity_options_changed_to_avro(record: ActivityOptionsChanged) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "scheduled_event_id": record.scheduled_event_id,
        "task_queue": record.task_queue,
        "schedule_to_close_timeout_ms": record.schedule_to_close_timeout_ms,
        "schedule_to_start_timeout_ms": record.schedule_to_start_timeout_ms,
        "start_to_close_timeout_ms": record.start_to_close_timeout_ms,
        "heartbeat_timeout_ms": record.heartbeat_timeout_ms,
        "retry_policy": NULL
        if record.retry_policy is None
        else ("foldlog.common.RetryPolicy", retry_policy_to_avro(record.retry_policy)),
        "priority": NULL if record.priority is None else ("foldlog.common.Priority", priority_to_avro(record.priority)),
    }


def activity_options_changed_from_avro(values: dict[str, Any]) -> ActivityOptionsChanged:
    return ActivityOptionsChanged(
        run_id=values["run_id"],
        scheduled_event_id=values["scheduled_event_id"],
        task_queue=values["task_queue"],
        schedule_to_close_timeout_ms=values["schedule_to_close_timeout_ms"],
        schedule_to_start_timeout_ms=values["schedule_to_start_timeout_ms"],
        start_to_close_timeout_ms=values["start_to_close_timeout_ms"],
        heartbeat_timeout_ms=values["heartbeat_timeout_ms"],
        retry_policy=None if values["retry_policy"] is None else retry_policy_from_avro(values["retry_policy"]),
        priority=None if values["priority"] is None else priority_from_avro(values["priority"]),
    )


def batch_begun_to_avro(record: BatchBegun) -> dict[str, Any]:
    return {
        "time_ms": record.time_ms,
    }


def batch_begun_from_avro(values: dict[str, Any]) -> BatchBegun:
    return BatchBegun(
        time_ms=values["time_ms"],
    )


def batch_committed_to_avro(record: BatchCommitted) -> dict[str, Any]:
    return {
        "commands_offset": record.commands_offset,
        "time_ms": record.time_ms,
    }


def batch_committed_from_avro(values: dict[str, Any]) -> BatchCommitted:
    return BatchCommitted(
        commands_offset=values["commands_offset"],
        time_ms=values["time_ms"],
    )


def command_deferred_to_avro(record: CommandDeferred) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "ordinal": record.ordinal,
        "command": record.command,
    }


def command_deferred_from_avro(values: dict[str, Any]) -> CommandDeferred:
    return CommandDeferred(
        run_id=values["run_id"],
        ordinal=values["ordinal"],
        command=values["command"],
    )


def deployment_changed_to_avro(record: DeploymentChanged) -> dict[str, Any]:
    return {
        "deployment": deployment_to_avro(record.deployment),
        "time_ms": record.time_ms,
    }


def deployment_changed_from_avro(values: dict[str, Any]) -> DeploymentChanged:
    return DeploymentChanged(
        deployment=deployment_from_avro(values["deployment"]),
        time_ms=values["time_ms"],
    )


def local_activity_started_to_avro(record: LocalActivityStarted) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "activity_id": record.activity_id,
    }


def local_activity_started_from_avro(values: dict[str, Any]) -> LocalActivityStarted:
    return LocalActivityStarted(
        run_id=values["run_id"],
        activity_id=values["activity_id"],
    )


def partition_opened_to_avro(record: PartitionOpened) -> dict[str, Any]:
    return {
        "instance": record.instance,
        "epoch": record.epoch,
        "partition_count": record.partition_count,
        "build_id": record.build_id,
        "time_ms": record.time_ms,
    }


def partition_opened_from_avro(values: dict[str, Any]) -> PartitionOpened:
    return PartitionOpened(
        instance=values["instance"],
        epoch=values["epoch"],
        partition_count=values["partition_count"],
        build_id=values["build_id"],
        time_ms=values["time_ms"],
    )


def request_rejected_to_avro(record: RequestRejected) -> dict[str, Any]:
    return {
        "request_id": record.request_id,
        "answer": record.answer,
        "time_ms": record.time_ms,
    }


def request_rejected_from_avro(values: dict[str, Any]) -> RequestRejected:
    return RequestRejected(
        request_id=values["request_id"],
        answer=values["answer"],
        time_ms=values["time_ms"],
    )


def workflow_options_changed_to_avro(record: WorkflowOptionsChanged) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "versioning": workflow_options_to_avro(record.versioning),
        "time_ms": record.time_ms,
        "identity": record.identity,
    }


def workflow_options_changed_from_avro(values: dict[str, Any]) -> WorkflowOptionsChanged:
    return WorkflowOptionsChanged(
        run_id=values["run_id"],
        versioning=workflow_options_from_avro(values["versioning"]),
        time_ms=values["time_ms"],
        identity=values["identity"],
    )


def workflow_resumed_to_avro(record: WorkflowResumed) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "handled_ordinal": record.handled_ordinal,
    }


def workflow_resumed_from_avro(values: dict[str, Any]) -> WorkflowResumed:
    return WorkflowResumed(
        run_id=values["run_id"],
        handled_ordinal=values["handled_ordinal"],
    )


def workflow_stalled_to_avro(record: WorkflowStalled) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "error": record.error,
        "stack_trace": record.stack_trace,
        "attempts": record.attempts,
        "retry_ms": record.retry_ms,
        "since_ms": record.since_ms,
        "build_id": record.build_id,
    }


def workflow_stalled_from_avro(values: dict[str, Any]) -> WorkflowStalled:
    return WorkflowStalled(
        run_id=values["run_id"],
        error=values["error"],
        stack_trace=values["stack_trace"],
        attempts=values["attempts"],
        retry_ms=values["retry_ms"],
        since_ms=values["since_ms"],
        build_id=values["build_id"],
    )


CONVERSIONS: Conversions = {
    ActivityAttempt: (
        "foldlog.log.ActivityAttempt",
        b"\xc3\x01\xd6\x80\x086\xe39~\xd9",
        activity_attempt_to_avro,
        activity_attempt_from_avro,
    ),
    ActivityOptionsChanged: (
        "foldlog.log.ActivityOptionsChanged",
        b"\xc3\x01\x1c\x14q\x8c\xd49\xb2\x0f",
        activity_options_changed_to_avro,
        activity_options_changed_from_avro,
    ),
    BatchBegun: (
        "foldlog.log.BatchBegun",
        b"\xc3\x01\xa5\xfe\xc3\xa4AqX\xd1",
        batch_begun_to_avro,
        batch_begun_from_avro,
    ),
    BatchCommitted: (
        "foldlog.log.BatchCommitted",
        b"\xc3\x01\x8aQr?\x9ar\x01`",
        batch_committed_to_avro,
        batch_committed_from_avro,
    ),
    CommandDeferred: (
        "foldlog.log.CommandDeferred",
        b"\xc3\x01\xd1\xfacbp\xc4\xa5\x14",
        command_deferred_to_avro,
        command_deferred_from_avro,
    ),
    DeploymentChanged: (
        "foldlog.log.DeploymentChanged",
        b"\xc3\x01z\x9a\x07\xb2-u\x9f\xca",
        deployment_changed_to_avro,
        deployment_changed_from_avro,
    ),
    LocalActivityStarted: (
        "foldlog.log.LocalActivityStarted",
        b"\xc3\x01\x93^Di\xfa\xd8\xcen",
        local_activity_started_to_avro,
        local_activity_started_from_avro,
    ),
    PartitionOpened: (
        "foldlog.log.PartitionOpened",
        b"\xc3\x01;o\xd7\xcb.\x03u6",
        partition_opened_to_avro,
        partition_opened_from_avro,
    ),
    RequestRejected: (
        "foldlog.log.RequestRejected",
        b"\xc3\x01\xb5\xe0\xd7]@M\xd6\xe7",
        request_rejected_to_avro,
        request_rejected_from_avro,
    ),
    WorkflowOptionsChanged: (
        "foldlog.log.WorkflowOptionsChanged",
        b"\xc3\x01\xa0)\xd2>&\x14\x06\xb0",
        workflow_options_changed_to_avro,
        workflow_options_changed_from_avro,
    ),
    WorkflowResumed: (
        "foldlog.log.WorkflowResumed",
        b"\xc3\x01\xed\xb82\xc7y\x12\xd1-",
        workflow_resumed_to_avro,
        workflow_resumed_from_avro,
    ),
    WorkflowStalled: (
        "foldlog.log.WorkflowStalled",
        b"\xc3\x01\xe3\xf4\xc9\xda\x9d0\x1d\xb3",
        workflow_stalled_to_avro,
        workflow_stalled_from_avro,
    ),
}

USUAL: Usual = {}
