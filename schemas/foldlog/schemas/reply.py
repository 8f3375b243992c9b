"""Records of the namespace `foldlog.reply`.

Written by `python -m foldlog.schemas.generate` from avsc/reply/*.avsc:
change those, not this.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from foldlog.schemas.codecs import Codecs
from foldlog.schemas.common import (
    Failure,
    Payload,
    failure_from_avro,
    failure_to_avro,
    payload_from_avro,
    payload_to_avro,
)

RejectionCode = Literal[
    "UNSPECIFIED",
    "NOT_FOUND",
    "ALREADY_STARTED",
    "ALREADY_CLOSED",
    "INVALID_ARGUMENT",
    "QUERY_REJECTED",
    "QUERY_FAILED",
    "FAILED_PRECONDITION",
]


@dataclass(slots=True, kw_only=True)
class Accepted:
    """The command was handled."""

    correlation_id: int
    """The asker's number for the question."""
    run_id: str
    """The run that it was for."""
    started: bool = False
    """Start: true if this command started the run, false if it was running already."""


@dataclass(slots=True, kw_only=True)
class ActivityCancelRequested:
    """To the worker that runs an attempt: its cancellation was asked for, or it counts no longer."""

    run_id: str
    """The run."""
    scheduled_event_id: int
    """The ActivityTaskScheduled event."""
    attempt: int
    """The attempt."""
    reason: str
    """CANCEL_REQUESTED, TIMED_OUT, NOT_FOUND (it ended otherwise) or WORKFLOW_CLOSED."""


@dataclass(slots=True, kw_only=True)
class Description:
    """The state of a workflow."""

    correlation_id: int
    """The asker's number for the question."""
    run_id: str
    """The run."""
    workflow_type: str
    """Its type."""
    task_queue: str
    """Its task queue."""
    status: str
    """RUNNING, COMPLETED, FAILED, CANCELED, TERMINATED, TIMED_OUT or CONTINUED_AS_NEW."""
    start_ms: int
    """When it began."""
    close_ms: int = 0
    """When it closed; 0: open."""
    execution_expiration_ms: int = 0
    """When the chain of runs times out; 0: never."""
    history_length: int
    """Events so far."""
    history_size: int
    """Their bytes so far."""
    memo: dict[str, Payload] = field(default_factory=dict)
    """Notes."""
    first_execution_run_id: str = ""
    """The first run of the chain."""
    stalled_error: str = ""
    """Why it is stalled; empty: it is not."""
    stalled_stack: str = ""
    """Stack trace of that."""
    stalled_attempts: int = 0
    """How often it was tried."""
    deferred_commands: int = 0
    """Commands that wait until it is no longer stalled."""
    pending_activities: list[PendingActivity] = field(default_factory=list)
    """What it waits for."""
    pending_timers: list[PendingTimer] = field(default_factory=list)
    """Timers that it waits for."""


@dataclass(slots=True, kw_only=True)
class HistoryPage:
    """One page of a run's history."""

    correlation_id: int
    """The asker's number for the question."""
    run_id: str
    """The run."""
    events: list[bytes]
    """Encoded events, in order."""
    next_event_id: int = 0
    """Ask from here for the next page; 0: there is no more."""


@dataclass(slots=True, kw_only=True)
class PartitionMoved:
    """To every client: commands of this partition have a new processor; ask again for what you wait for."""

    partition: int
    """Partition of <ns>.commands."""
    instance: str
    """The processor."""


@dataclass(slots=True, kw_only=True)
class PendingActivity:
    """An activity that has not ended."""

    activity_id: str
    """Its ID."""
    activity_type: str
    """Its type."""
    task_queue: str
    """Its task queue."""
    state: str
    """SCHEDULED, STARTED, BACKOFF or CANCEL_REQUESTED."""
    attempt: int
    """The attempt."""
    scheduled_ms: int
    """When it was scheduled."""
    started_ms: int = 0
    """When the attempt began, if reported."""
    heartbeat_ms: int = 0
    """Last heartbeat."""
    next_attempt_ms: int = 0
    """BACKOFF: when the next attempt is due."""
    identity: str = ""
    """The worker, if known."""
    last_failure: Failure | None = None
    """Why the attempt before failed."""
    heartbeat_details: list[Payload] = field(default_factory=list)
    """What its last heartbeat said."""


@dataclass(slots=True, kw_only=True)
class PendingTimer:
    """A timer that has not fired."""

    timer_id: int
    """Its number."""
    fire_ms: int
    """When it is due."""


@dataclass(slots=True, kw_only=True)
class QueryAnswer:
    """A query handler's answer."""

    correlation_id: int
    """The asker's number for the question."""
    result: Payload
    """What it returned."""


@dataclass(slots=True, kw_only=True)
class Rejected:
    """The command was refused; nothing changed."""

    correlation_id: int
    """The asker's number for the question."""
    code: RejectionCode = "UNSPECIFIED"
    """What kind of refusal."""
    message: str
    """For people."""
    run_id: str = ""
    """The run that stands in the way, if any."""
    status: str = ""
    """Its status, if any."""
    failure: Failure | None = None
    """QUERY_FAILED: what the handler raised."""


@dataclass(slots=True, kw_only=True)
class WorkflowResult:
    """A run closed."""

    correlation_id: int
    """The asker's number for the question."""
    run_id: str
    """The run."""
    status: str
    """COMPLETED, FAILED, CANCELED, TERMINATED, TIMED_OUT or CONTINUED_AS_NEW."""
    result: Payload | None = None
    """COMPLETED: the result."""
    failure: Failure | None = None
    """Otherwise: why."""
    new_run_id: str = ""
    """CONTINUED_AS_NEW: the run that follows."""


def accepted_to_avro(record: Accepted) -> dict[str, Any]:
    return {
        "correlation_id": record.correlation_id,
        "run_id": record.run_id,
        "started": record.started,
    }


def accepted_from_avro(values: dict[str, Any]) -> Accepted:
    return Accepted(**values)


def activity_cancel_requested_to_avro(record: ActivityCancelRequested) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "scheduled_event_id": record.scheduled_event_id,
        "attempt": record.attempt,
        "reason": record.reason,
    }


def activity_cancel_requested_from_avro(values: dict[str, Any]) -> ActivityCancelRequested:
    return ActivityCancelRequested(**values)


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
        "memo": {key: payload_to_avro(item) for key, item in record.memo.items()},
        "first_execution_run_id": record.first_execution_run_id,
        "stalled_error": record.stalled_error,
        "stalled_stack": record.stalled_stack,
        "stalled_attempts": record.stalled_attempts,
        "deferred_commands": record.deferred_commands,
        "pending_activities": [pending_activity_to_avro(item) for item in record.pending_activities],
        "pending_timers": [pending_timer_to_avro(item) for item in record.pending_timers],
    }


def description_from_avro(values: dict[str, Any]) -> Description:
    values["memo"] = {key: payload_from_avro(item) for key, item in values["memo"].items()}
    values["pending_activities"] = [pending_activity_from_avro(item) for item in values["pending_activities"]]
    values["pending_timers"] = [pending_timer_from_avro(item) for item in values["pending_timers"]]
    return Description(**values)


def history_page_to_avro(record: HistoryPage) -> dict[str, Any]:
    return {
        "correlation_id": record.correlation_id,
        "run_id": record.run_id,
        "events": record.events,
        "next_event_id": record.next_event_id,
    }


def history_page_from_avro(values: dict[str, Any]) -> HistoryPage:
    return HistoryPage(**values)


def partition_moved_to_avro(record: PartitionMoved) -> dict[str, Any]:
    return {
        "partition": record.partition,
        "instance": record.instance,
    }


def partition_moved_from_avro(values: dict[str, Any]) -> PartitionMoved:
    return PartitionMoved(**values)


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
        "last_failure": None
        if record.last_failure is None
        else ("foldlog.common.Failure", failure_to_avro(record.last_failure)),
        "heartbeat_details": [payload_to_avro(item) for item in record.heartbeat_details],
    }


def pending_activity_from_avro(values: dict[str, Any]) -> PendingActivity:
    values["last_failure"] = None if values["last_failure"] is None else failure_from_avro(values["last_failure"])
    values["heartbeat_details"] = [payload_from_avro(item) for item in values["heartbeat_details"]]
    return PendingActivity(**values)


def pending_timer_to_avro(record: PendingTimer) -> dict[str, Any]:
    return {
        "timer_id": record.timer_id,
        "fire_ms": record.fire_ms,
    }


def pending_timer_from_avro(values: dict[str, Any]) -> PendingTimer:
    return PendingTimer(**values)


def query_answer_to_avro(record: QueryAnswer) -> dict[str, Any]:
    return {
        "correlation_id": record.correlation_id,
        "result": payload_to_avro(record.result),
    }


def query_answer_from_avro(values: dict[str, Any]) -> QueryAnswer:
    values["result"] = payload_from_avro(values["result"])
    return QueryAnswer(**values)


def rejected_to_avro(record: Rejected) -> dict[str, Any]:
    return {
        "correlation_id": record.correlation_id,
        "code": record.code,
        "message": record.message,
        "run_id": record.run_id,
        "status": record.status,
        "failure": None if record.failure is None else ("foldlog.common.Failure", failure_to_avro(record.failure)),
    }


def rejected_from_avro(values: dict[str, Any]) -> Rejected:
    values["failure"] = None if values["failure"] is None else failure_from_avro(values["failure"])
    return Rejected(**values)


def workflow_result_to_avro(record: WorkflowResult) -> dict[str, Any]:
    return {
        "correlation_id": record.correlation_id,
        "run_id": record.run_id,
        "status": record.status,
        "result": None if record.result is None else ("foldlog.common.Payload", payload_to_avro(record.result)),
        "failure": None if record.failure is None else ("foldlog.common.Failure", failure_to_avro(record.failure)),
        "new_run_id": record.new_run_id,
    }


def workflow_result_from_avro(values: dict[str, Any]) -> WorkflowResult:
    values["result"] = None if values["result"] is None else payload_from_avro(values["result"])
    values["failure"] = None if values["failure"] is None else failure_from_avro(values["failure"])
    return WorkflowResult(**values)


CODECS: Codecs = {
    Accepted: ("foldlog.reply.Accepted", accepted_to_avro, accepted_from_avro),
    ActivityCancelRequested: (
        "foldlog.reply.ActivityCancelRequested",
        activity_cancel_requested_to_avro,
        activity_cancel_requested_from_avro,
    ),
    Description: ("foldlog.reply.Description", description_to_avro, description_from_avro),
    HistoryPage: ("foldlog.reply.HistoryPage", history_page_to_avro, history_page_from_avro),
    PartitionMoved: ("foldlog.reply.PartitionMoved", partition_moved_to_avro, partition_moved_from_avro),
    PendingActivity: ("foldlog.reply.PendingActivity", pending_activity_to_avro, pending_activity_from_avro),
    PendingTimer: ("foldlog.reply.PendingTimer", pending_timer_to_avro, pending_timer_from_avro),
    QueryAnswer: ("foldlog.reply.QueryAnswer", query_answer_to_avro, query_answer_from_avro),
    Rejected: ("foldlog.reply.Rejected", rejected_to_avro, rejected_from_avro),
    WorkflowResult: ("foldlog.reply.WorkflowResult", workflow_result_to_avro, workflow_result_from_avro),
}
"""Record class to Avro name, to dict, from dict."""
