"""Conversions of the records of `foldlog.command`.

Written by `python -m foldlog.schemas.generate` from avsc/command/*.avsc:
change those, not this.
"""

from __future__ import annotations

from typing import Any

from foldlog.schemas._conversions.common import (
    failure_from_avro,
    failure_to_avro,
    payload_from_avro,
    payload_to_avro,
    reply_to_from_avro,
    reply_to_to_avro,
)
from foldlog.schemas._conversions.types import Conversions
from foldlog.schemas.command import (
    ActivityStarted,
    AwaitResult,
    CancelActivity,
    CancelWorkflow,
    CompleteActivity,
    DescribeWorkflow,
    FailActivity,
    GetHistory,
    HeartbeatActivity,
    QueryWorkflow,
    SignalWorkflow,
    StartWorkflow,
    TerminateWorkflow,
)


def activity_started_to_avro(record: ActivityStarted) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "scheduled_event_id": record.scheduled_event_id,
        "attempt": record.attempt,
        "identity": record.identity,
        "reply_to": None if record.reply_to is None else ("foldlog.common.ReplyTo", reply_to_to_avro(record.reply_to)),
        "running_ms": record.running_ms,
    }


def activity_started_from_avro(values: dict[str, Any]) -> ActivityStarted:
    record = object.__new__(ActivityStarted)
    record.run_id = values["run_id"]
    record.scheduled_event_id = values["scheduled_event_id"]
    record.attempt = values["attempt"]
    record.identity = values["identity"]
    record.reply_to = None if values["reply_to"] is None else reply_to_from_avro(values["reply_to"])
    record.running_ms = values["running_ms"]
    return record


def await_result_to_avro(record: AwaitResult) -> dict[str, Any]:
    return {
        "identity": record.identity,
        "reply_to": None if record.reply_to is None else ("foldlog.common.ReplyTo", reply_to_to_avro(record.reply_to)),
        "run_id": record.run_id,
        "follow_runs": record.follow_runs,
    }


def await_result_from_avro(values: dict[str, Any]) -> AwaitResult:
    record = object.__new__(AwaitResult)
    record.identity = values["identity"]
    record.reply_to = None if values["reply_to"] is None else reply_to_from_avro(values["reply_to"])
    record.run_id = values["run_id"]
    record.follow_runs = values["follow_runs"]
    return record


def cancel_activity_to_avro(record: CancelActivity) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "scheduled_event_id": record.scheduled_event_id,
        "attempt": record.attempt,
        "identity": record.identity,
        "details": [payload_to_avro(item) for item in record.details],
    }


def cancel_activity_from_avro(values: dict[str, Any]) -> CancelActivity:
    record = object.__new__(CancelActivity)
    record.run_id = values["run_id"]
    record.scheduled_event_id = values["scheduled_event_id"]
    record.attempt = values["attempt"]
    record.identity = values["identity"]
    record.details = [payload_from_avro(item) for item in values["details"]]
    return record


def cancel_workflow_to_avro(record: CancelWorkflow) -> dict[str, Any]:
    return {
        "request_id": record.request_id,
        "identity": record.identity,
        "reply_to": None if record.reply_to is None else ("foldlog.common.ReplyTo", reply_to_to_avro(record.reply_to)),
        "run_id": record.run_id,
        "first_execution_run_id": record.first_execution_run_id,
        "reason": record.reason,
    }


def cancel_workflow_from_avro(values: dict[str, Any]) -> CancelWorkflow:
    record = object.__new__(CancelWorkflow)
    record.request_id = values["request_id"]
    record.identity = values["identity"]
    record.reply_to = None if values["reply_to"] is None else reply_to_from_avro(values["reply_to"])
    record.run_id = values["run_id"]
    record.first_execution_run_id = values["first_execution_run_id"]
    record.reason = values["reason"]
    return record


def complete_activity_to_avro(record: CompleteActivity) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "scheduled_event_id": record.scheduled_event_id,
        "attempt": record.attempt,
        "identity": record.identity,
        "result": payload_to_avro(record.result),
    }


def complete_activity_from_avro(values: dict[str, Any]) -> CompleteActivity:
    record = object.__new__(CompleteActivity)
    record.run_id = values["run_id"]
    record.scheduled_event_id = values["scheduled_event_id"]
    record.attempt = values["attempt"]
    record.identity = values["identity"]
    record.result = payload_from_avro(values["result"])
    return record


def describe_workflow_to_avro(record: DescribeWorkflow) -> dict[str, Any]:
    return {
        "identity": record.identity,
        "reply_to": None if record.reply_to is None else ("foldlog.common.ReplyTo", reply_to_to_avro(record.reply_to)),
        "run_id": record.run_id,
    }


def describe_workflow_from_avro(values: dict[str, Any]) -> DescribeWorkflow:
    record = object.__new__(DescribeWorkflow)
    record.identity = values["identity"]
    record.reply_to = None if values["reply_to"] is None else reply_to_from_avro(values["reply_to"])
    record.run_id = values["run_id"]
    return record


def fail_activity_to_avro(record: FailActivity) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "scheduled_event_id": record.scheduled_event_id,
        "attempt": record.attempt,
        "identity": record.identity,
        "failure": failure_to_avro(record.failure),
        "heartbeat_details": [payload_to_avro(item) for item in record.heartbeat_details],
    }


def fail_activity_from_avro(values: dict[str, Any]) -> FailActivity:
    record = object.__new__(FailActivity)
    record.run_id = values["run_id"]
    record.scheduled_event_id = values["scheduled_event_id"]
    record.attempt = values["attempt"]
    record.identity = values["identity"]
    record.failure = failure_from_avro(values["failure"])
    record.heartbeat_details = [payload_from_avro(item) for item in values["heartbeat_details"]]
    return record


def get_history_to_avro(record: GetHistory) -> dict[str, Any]:
    return {
        "identity": record.identity,
        "reply_to": None if record.reply_to is None else ("foldlog.common.ReplyTo", reply_to_to_avro(record.reply_to)),
        "run_id": record.run_id,
        "first_event_id": record.first_event_id,
        "maximum_bytes": record.maximum_bytes,
    }


def get_history_from_avro(values: dict[str, Any]) -> GetHistory:
    record = object.__new__(GetHistory)
    record.identity = values["identity"]
    record.reply_to = None if values["reply_to"] is None else reply_to_from_avro(values["reply_to"])
    record.run_id = values["run_id"]
    record.first_event_id = values["first_event_id"]
    record.maximum_bytes = values["maximum_bytes"]
    return record


def heartbeat_activity_to_avro(record: HeartbeatActivity) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "scheduled_event_id": record.scheduled_event_id,
        "attempt": record.attempt,
        "identity": record.identity,
        "reply_to": None if record.reply_to is None else ("foldlog.common.ReplyTo", reply_to_to_avro(record.reply_to)),
        "details": [payload_to_avro(item) for item in record.details],
    }


def heartbeat_activity_from_avro(values: dict[str, Any]) -> HeartbeatActivity:
    record = object.__new__(HeartbeatActivity)
    record.run_id = values["run_id"]
    record.scheduled_event_id = values["scheduled_event_id"]
    record.attempt = values["attempt"]
    record.identity = values["identity"]
    record.reply_to = None if values["reply_to"] is None else reply_to_from_avro(values["reply_to"])
    record.details = [payload_from_avro(item) for item in values["details"]]
    return record


def query_workflow_to_avro(record: QueryWorkflow) -> dict[str, Any]:
    return {
        "identity": record.identity,
        "reply_to": None if record.reply_to is None else ("foldlog.common.ReplyTo", reply_to_to_avro(record.reply_to)),
        "run_id": record.run_id,
        "query_type": record.query_type,
        "args": [payload_to_avro(item) for item in record.args],
        "reject_condition": record.reject_condition,
    }


def query_workflow_from_avro(values: dict[str, Any]) -> QueryWorkflow:
    record = object.__new__(QueryWorkflow)
    record.identity = values["identity"]
    record.reply_to = None if values["reply_to"] is None else reply_to_from_avro(values["reply_to"])
    record.run_id = values["run_id"]
    record.query_type = values["query_type"]
    record.args = [payload_from_avro(item) for item in values["args"]]
    record.reject_condition = values["reject_condition"]
    return record


def signal_workflow_to_avro(record: SignalWorkflow) -> dict[str, Any]:
    return {
        "request_id": record.request_id,
        "identity": record.identity,
        "reply_to": None if record.reply_to is None else ("foldlog.common.ReplyTo", reply_to_to_avro(record.reply_to)),
        "run_id": record.run_id,
        "signal_name": record.signal_name,
        "args": [payload_to_avro(item) for item in record.args],
    }


def signal_workflow_from_avro(values: dict[str, Any]) -> SignalWorkflow:
    record = object.__new__(SignalWorkflow)
    record.request_id = values["request_id"]
    record.identity = values["identity"]
    record.reply_to = None if values["reply_to"] is None else reply_to_from_avro(values["reply_to"])
    record.run_id = values["run_id"]
    record.signal_name = values["signal_name"]
    record.args = [payload_from_avro(item) for item in values["args"]]
    return record


def start_workflow_to_avro(record: StartWorkflow) -> dict[str, Any]:
    return {
        "request_id": record.request_id,
        "identity": record.identity,
        "reply_to": None if record.reply_to is None else ("foldlog.common.ReplyTo", reply_to_to_avro(record.reply_to)),
        "workflow_type": record.workflow_type,
        "task_queue": record.task_queue,
        "args": [payload_to_avro(item) for item in record.args],
        "id_reuse_policy": record.id_reuse_policy,
        "id_conflict_policy": record.id_conflict_policy,
        "execution_timeout_ms": record.execution_timeout_ms,
        "run_timeout_ms": record.run_timeout_ms,
        "memo": {key: payload_to_avro(item) for key, item in record.memo.items()},
        "await_result": record.await_result,
    }


def start_workflow_from_avro(values: dict[str, Any]) -> StartWorkflow:
    record = object.__new__(StartWorkflow)
    record.request_id = values["request_id"]
    record.identity = values["identity"]
    record.reply_to = None if values["reply_to"] is None else reply_to_from_avro(values["reply_to"])
    record.workflow_type = values["workflow_type"]
    record.task_queue = values["task_queue"]
    record.args = [payload_from_avro(item) for item in values["args"]]
    record.id_reuse_policy = values["id_reuse_policy"]
    record.id_conflict_policy = values["id_conflict_policy"]
    record.execution_timeout_ms = values["execution_timeout_ms"]
    record.run_timeout_ms = values["run_timeout_ms"]
    record.memo = {key: payload_from_avro(item) for key, item in values["memo"].items()}
    record.await_result = values["await_result"]
    return record


def terminate_workflow_to_avro(record: TerminateWorkflow) -> dict[str, Any]:
    return {
        "request_id": record.request_id,
        "identity": record.identity,
        "reply_to": None if record.reply_to is None else ("foldlog.common.ReplyTo", reply_to_to_avro(record.reply_to)),
        "run_id": record.run_id,
        "first_execution_run_id": record.first_execution_run_id,
        "reason": record.reason,
        "details": [payload_to_avro(item) for item in record.details],
    }


def terminate_workflow_from_avro(values: dict[str, Any]) -> TerminateWorkflow:
    record = object.__new__(TerminateWorkflow)
    record.request_id = values["request_id"]
    record.identity = values["identity"]
    record.reply_to = None if values["reply_to"] is None else reply_to_from_avro(values["reply_to"])
    record.run_id = values["run_id"]
    record.first_execution_run_id = values["first_execution_run_id"]
    record.reason = values["reason"]
    record.details = [payload_from_avro(item) for item in values["details"]]
    return record


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
    CancelActivity: (
        "foldlog.command.CancelActivity",
        b"\xc3\x01\x8a\xa3\xe4h\xa98\xce\x98",
        cancel_activity_to_avro,
        cancel_activity_from_avro,
    ),
    CancelWorkflow: (
        "foldlog.command.CancelWorkflow",
        b"\xc3\x01\x1e\x0fZ^\xc7\x0f\x80\xb3",
        cancel_workflow_to_avro,
        cancel_workflow_from_avro,
    ),
    CompleteActivity: (
        "foldlog.command.CompleteActivity",
        b"\xc3\x01&\x96@O\x0f\xc9\xceW",
        complete_activity_to_avro,
        complete_activity_from_avro,
    ),
    DescribeWorkflow: (
        "foldlog.command.DescribeWorkflow",
        b"\xc3\x01\r\xee\xe1~\xde\x0f\x11d",
        describe_workflow_to_avro,
        describe_workflow_from_avro,
    ),
    FailActivity: (
        "foldlog.command.FailActivity",
        b"\xc3\x01\xf6j\x82\xd6\x0b\xd1i$",
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
        b"\xc3\x01\x7f\xcb\x10\xdc\xe1\xb84\xf1",
        heartbeat_activity_to_avro,
        heartbeat_activity_from_avro,
    ),
    QueryWorkflow: (
        "foldlog.command.QueryWorkflow",
        b"\xc3\x01\xc7>8\x04\xd2\xdfM\x92",
        query_workflow_to_avro,
        query_workflow_from_avro,
    ),
    SignalWorkflow: (
        "foldlog.command.SignalWorkflow",
        b"\xc3\x01\x85R\x1bU\x86\xba\x164",
        signal_workflow_to_avro,
        signal_workflow_from_avro,
    ),
    StartWorkflow: (
        "foldlog.command.StartWorkflow",
        b"\xc3\x01\x8d\x16\x9bFt\x8b\x15k",
        start_workflow_to_avro,
        start_workflow_from_avro,
    ),
    TerminateWorkflow: (
        "foldlog.command.TerminateWorkflow",
        b"\xc3\x01^\x9fB}\x9b\x07\xc7\xde",
        terminate_workflow_to_avro,
        terminate_workflow_from_avro,
    ),
}
