"""Records of the namespace `foldlog.command`.

Written by `python -m foldlog.schemas.generate` from avsc/command/*.avsc:
change those, not this.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from foldlog.schemas.codecs import Codecs
from foldlog.schemas.common import (
    Failure,
    Payload,
    ReplyTo,
    failure_from_avro,
    failure_to_avro,
    payload_from_avro,
    payload_to_avro,
    reply_to_from_avro,
    reply_to_to_avro,
)

QueryRejectCondition = Literal[
    "NONE",
    "NOT_OPEN",
    "NOT_COMPLETED_CLEANLY",
]
WorkflowIdConflictPolicy = Literal[
    "UNSPECIFIED",
    "FAIL",
    "USE_EXISTING",
    "TERMINATE_EXISTING",
]
WorkflowIdReusePolicy = Literal[
    "ALLOW_DUPLICATE",
    "ALLOW_DUPLICATE_FAILED_ONLY",
    "REJECT_DUPLICATE",
    "TERMINATE_IF_RUNNING",
]


@dataclass(slots=True, kw_only=True)
class ActivityStarted:
    """An attempt is running and has not ended soon. Short attempts never send it."""

    run_id: str
    """The run that scheduled it."""
    scheduled_event_id: int
    """The ActivityTaskScheduled event."""
    attempt: int
    """The attempt, from 1."""
    identity: str = ""
    """Who sent it, for people: usually pid@host."""
    reply_to: ReplyTo | None = None
    """Where the answer goes; null: nobody asks for one."""
    running_ms: int = 0
    """For how long it has been running, in milliseconds: a duration, so that clocks need not agree."""


@dataclass(slots=True, kw_only=True)
class AwaitResult:
    """Wait for a run to close. A long poll: the waiter is kept in memory only and must ask again."""

    identity: str = ""
    """Who sent it, for people: usually pid@host."""
    reply_to: ReplyTo | None = None
    """Where the answer goes; null: nobody asks for one."""
    run_id: str = ""
    """The run; empty means the current run of this workflow ID."""
    follow_runs: bool = True
    """Follow the chain of runs to its end."""


@dataclass(slots=True, kw_only=True)
class CancelActivity:
    """An attempt ended because its cancellation was asked for."""

    run_id: str
    """The run that scheduled it."""
    scheduled_event_id: int
    """The ActivityTaskScheduled event."""
    attempt: int
    """The attempt, from 1."""
    identity: str = ""
    """Who sent it, for people: usually pid@host."""
    details: list[Payload] = field(default_factory=list)
    """What it says about that."""


@dataclass(slots=True, kw_only=True)
class CancelWorkflow:
    """Ask an open workflow to cancel itself: CancelledError is raised in its code."""

    request_id: str = ""
    """Makes the command idempotent: a repeated request ID gets the first answer again and changes nothing.
    Empty: not de-duplicated.
    """
    identity: str = ""
    """Who sent it, for people: usually pid@host."""
    reply_to: ReplyTo | None = None
    """Where the answer goes; null: nobody asks for one."""
    run_id: str = ""
    """The run; empty means the current run of this workflow ID."""
    first_execution_run_id: str = ""
    """Refuse unless the chain of runs began with this run; empty: any."""
    reason: str = ""
    """Why."""


@dataclass(slots=True, kw_only=True)
class CompleteActivity:
    """An attempt ended well."""

    run_id: str
    """The run that scheduled it."""
    scheduled_event_id: int
    """The ActivityTaskScheduled event."""
    attempt: int
    """The attempt, from 1."""
    identity: str = ""
    """Who sent it, for people: usually pid@host."""
    result: Payload
    """Its result."""


@dataclass(slots=True, kw_only=True)
class DescribeWorkflow:
    """Ask for the state of a workflow: status, times, pending activities, stall."""

    identity: str = ""
    """Who sent it, for people: usually pid@host."""
    reply_to: ReplyTo | None = None
    """Where the answer goes; null: nobody asks for one."""
    run_id: str = ""
    """The run; empty means the current run of this workflow ID."""


@dataclass(slots=True, kw_only=True)
class FailActivity:
    """An attempt failed."""

    run_id: str
    """The run that scheduled it."""
    scheduled_event_id: int
    """The ActivityTaskScheduled event."""
    attempt: int
    """The attempt, from 1."""
    identity: str = ""
    """Who sent it, for people: usually pid@host."""
    failure: Failure
    """Why."""
    heartbeat_details: list[Payload] = field(default_factory=list)
    """Details of the last heartbeat, if the throttle kept them back."""


@dataclass(slots=True, kw_only=True)
class GetHistory:
    """Ask for one page of a run's history."""

    identity: str = ""
    """Who sent it, for people: usually pid@host."""
    reply_to: ReplyTo | None = None
    """Where the answer goes; null: nobody asks for one."""
    run_id: str = ""
    """The run; empty means the current run of this workflow ID."""
    first_event_id: int = 1
    """First event wanted."""
    maximum_bytes: int = 500000
    """Stop the page after this many bytes of events."""


@dataclass(slots=True, kw_only=True)
class HeartbeatActivity:
    """A running attempt lives, and how far it got."""

    run_id: str
    """The run that scheduled it."""
    scheduled_event_id: int
    """The ActivityTaskScheduled event."""
    attempt: int
    """The attempt, from 1."""
    identity: str = ""
    """Who sent it, for people: usually pid@host."""
    reply_to: ReplyTo | None = None
    """Where the answer goes; null: nobody asks for one."""
    details: list[Payload] = field(default_factory=list)
    """What the next attempt should know."""


@dataclass(slots=True, kw_only=True)
class QueryWorkflow:
    """Ask a workflow's query handler. Leaves no trace in history."""

    identity: str = ""
    """Who sent it, for people: usually pid@host."""
    reply_to: ReplyTo | None = None
    """Where the answer goes; null: nobody asks for one."""
    run_id: str = ""
    """The run; empty means the current run of this workflow ID."""
    query_type: str
    """Which query."""
    args: list[Payload] = field(default_factory=list)
    """Its arguments."""
    reject_condition: QueryRejectCondition = "NONE"
    """In which states of the workflow the query is refused."""


@dataclass(slots=True, kw_only=True)
class SignalWorkflow:
    """Send a signal to an open workflow."""

    request_id: str = ""
    """Makes the command idempotent: a repeated request ID gets the first answer again and changes nothing.
    Empty: not de-duplicated.
    """
    identity: str = ""
    """Who sent it, for people: usually pid@host."""
    reply_to: ReplyTo | None = None
    """Where the answer goes; null: nobody asks for one."""
    run_id: str = ""
    """The run; empty means the current run of this workflow ID."""
    signal_name: str
    """Which signal."""
    args: list[Payload] = field(default_factory=list)
    """Its arguments."""


@dataclass(slots=True, kw_only=True)
class StartWorkflow:
    """Start a workflow. The record's key is the workflow ID."""

    request_id: str = ""
    """Makes the command idempotent: a repeated request ID gets the first answer again and changes nothing.
    Empty: not de-duplicated.
    """
    identity: str = ""
    """Who sent it, for people: usually pid@host."""
    reply_to: ReplyTo | None = None
    """Where the answer goes; null: nobody asks for one."""
    workflow_type: str
    """Name of the workflow definition."""
    task_queue: str
    """Default task queue of the run's activities."""
    args: list[Payload] = field(default_factory=list)
    """Arguments of the run method."""
    id_reuse_policy: WorkflowIdReusePolicy = "ALLOW_DUPLICATE"
    """What happens if a closed run has this workflow ID."""
    id_conflict_policy: WorkflowIdConflictPolicy = "UNSPECIFIED"
    """What happens if an open run has this workflow ID; UNSPECIFIED means FAIL."""
    execution_timeout_ms: int = 0
    """Limit on the whole chain of runs, in milliseconds; 0: none."""
    run_timeout_ms: int = 0
    """Limit on this run, in milliseconds; 0: none."""
    memo: dict[str, Payload] = field(default_factory=dict)
    """Notes that are shown with the workflow and do nothing."""
    await_result: bool = False
    """True: the one reply is the result of the run (or the rejection), not the fact of its start."""


@dataclass(slots=True, kw_only=True)
class TerminateWorkflow:
    """End an open workflow at once; its code does not run again."""

    request_id: str = ""
    """Makes the command idempotent: a repeated request ID gets the first answer again and changes nothing.
    Empty: not de-duplicated.
    """
    identity: str = ""
    """Who sent it, for people: usually pid@host."""
    reply_to: ReplyTo | None = None
    """Where the answer goes; null: nobody asks for one."""
    run_id: str = ""
    """The run; empty means the current run of this workflow ID."""
    first_execution_run_id: str = ""
    """Refuse unless the chain of runs began with this run; empty: any."""
    reason: str = ""
    """Why."""
    details: list[Payload] = field(default_factory=list)
    """Details for the reader of the history."""


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
    values["reply_to"] = None if values["reply_to"] is None else reply_to_from_avro(values["reply_to"])
    return ActivityStarted(**values)


def await_result_to_avro(record: AwaitResult) -> dict[str, Any]:
    return {
        "identity": record.identity,
        "reply_to": None if record.reply_to is None else ("foldlog.common.ReplyTo", reply_to_to_avro(record.reply_to)),
        "run_id": record.run_id,
        "follow_runs": record.follow_runs,
    }


def await_result_from_avro(values: dict[str, Any]) -> AwaitResult:
    values["reply_to"] = None if values["reply_to"] is None else reply_to_from_avro(values["reply_to"])
    return AwaitResult(**values)


def cancel_activity_to_avro(record: CancelActivity) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "scheduled_event_id": record.scheduled_event_id,
        "attempt": record.attempt,
        "identity": record.identity,
        "details": [payload_to_avro(item) for item in record.details],
    }


def cancel_activity_from_avro(values: dict[str, Any]) -> CancelActivity:
    values["details"] = [payload_from_avro(item) for item in values["details"]]
    return CancelActivity(**values)


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
    values["reply_to"] = None if values["reply_to"] is None else reply_to_from_avro(values["reply_to"])
    return CancelWorkflow(**values)


def complete_activity_to_avro(record: CompleteActivity) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "scheduled_event_id": record.scheduled_event_id,
        "attempt": record.attempt,
        "identity": record.identity,
        "result": payload_to_avro(record.result),
    }


def complete_activity_from_avro(values: dict[str, Any]) -> CompleteActivity:
    values["result"] = payload_from_avro(values["result"])
    return CompleteActivity(**values)


def describe_workflow_to_avro(record: DescribeWorkflow) -> dict[str, Any]:
    return {
        "identity": record.identity,
        "reply_to": None if record.reply_to is None else ("foldlog.common.ReplyTo", reply_to_to_avro(record.reply_to)),
        "run_id": record.run_id,
    }


def describe_workflow_from_avro(values: dict[str, Any]) -> DescribeWorkflow:
    values["reply_to"] = None if values["reply_to"] is None else reply_to_from_avro(values["reply_to"])
    return DescribeWorkflow(**values)


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
    values["failure"] = failure_from_avro(values["failure"])
    values["heartbeat_details"] = [payload_from_avro(item) for item in values["heartbeat_details"]]
    return FailActivity(**values)


def get_history_to_avro(record: GetHistory) -> dict[str, Any]:
    return {
        "identity": record.identity,
        "reply_to": None if record.reply_to is None else ("foldlog.common.ReplyTo", reply_to_to_avro(record.reply_to)),
        "run_id": record.run_id,
        "first_event_id": record.first_event_id,
        "maximum_bytes": record.maximum_bytes,
    }


def get_history_from_avro(values: dict[str, Any]) -> GetHistory:
    values["reply_to"] = None if values["reply_to"] is None else reply_to_from_avro(values["reply_to"])
    return GetHistory(**values)


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
    values["reply_to"] = None if values["reply_to"] is None else reply_to_from_avro(values["reply_to"])
    values["details"] = [payload_from_avro(item) for item in values["details"]]
    return HeartbeatActivity(**values)


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
    values["reply_to"] = None if values["reply_to"] is None else reply_to_from_avro(values["reply_to"])
    values["args"] = [payload_from_avro(item) for item in values["args"]]
    return QueryWorkflow(**values)


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
    values["reply_to"] = None if values["reply_to"] is None else reply_to_from_avro(values["reply_to"])
    values["args"] = [payload_from_avro(item) for item in values["args"]]
    return SignalWorkflow(**values)


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
    values["reply_to"] = None if values["reply_to"] is None else reply_to_from_avro(values["reply_to"])
    values["args"] = [payload_from_avro(item) for item in values["args"]]
    values["memo"] = {key: payload_from_avro(item) for key, item in values["memo"].items()}
    return StartWorkflow(**values)


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
    values["reply_to"] = None if values["reply_to"] is None else reply_to_from_avro(values["reply_to"])
    values["details"] = [payload_from_avro(item) for item in values["details"]]
    return TerminateWorkflow(**values)


CODECS: Codecs = {
    ActivityStarted: ("foldlog.command.ActivityStarted", activity_started_to_avro, activity_started_from_avro),
    AwaitResult: ("foldlog.command.AwaitResult", await_result_to_avro, await_result_from_avro),
    CancelActivity: ("foldlog.command.CancelActivity", cancel_activity_to_avro, cancel_activity_from_avro),
    CancelWorkflow: ("foldlog.command.CancelWorkflow", cancel_workflow_to_avro, cancel_workflow_from_avro),
    CompleteActivity: ("foldlog.command.CompleteActivity", complete_activity_to_avro, complete_activity_from_avro),
    DescribeWorkflow: ("foldlog.command.DescribeWorkflow", describe_workflow_to_avro, describe_workflow_from_avro),
    FailActivity: ("foldlog.command.FailActivity", fail_activity_to_avro, fail_activity_from_avro),
    GetHistory: ("foldlog.command.GetHistory", get_history_to_avro, get_history_from_avro),
    HeartbeatActivity: ("foldlog.command.HeartbeatActivity", heartbeat_activity_to_avro, heartbeat_activity_from_avro),
    QueryWorkflow: ("foldlog.command.QueryWorkflow", query_workflow_to_avro, query_workflow_from_avro),
    SignalWorkflow: ("foldlog.command.SignalWorkflow", signal_workflow_to_avro, signal_workflow_from_avro),
    StartWorkflow: ("foldlog.command.StartWorkflow", start_workflow_to_avro, start_workflow_from_avro),
    TerminateWorkflow: ("foldlog.command.TerminateWorkflow", terminate_workflow_to_avro, terminate_workflow_from_avro),
}
"""Record class to Avro name, to dict, from dict."""
