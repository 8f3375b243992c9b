"""Records of the namespace `foldlog.log`.

Written by `python -m foldlog.schemas.generate` from avsc/log/*.avsc:
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

AttemptPhase = Literal[
    "SCHEDULED",
    "STARTED",
    "BACKOFF",
]


@dataclass(slots=True, kw_only=True)
class ActivityAttempt:
    """The state of an activity between its scheduling and its end: the newest replaces the one before.
    Attempts that simply succeed never write one.
    """

    run_id: str
    """The run."""
    scheduled_event_id: int
    """The ActivityTaskScheduled event."""
    attempt: int
    """The attempt, from 1."""
    phase: AttemptPhase = "SCHEDULED"
    """SCHEDULED: its task is on the topic. STARTED: a worker says that it runs. BACKOFF: waiting for
    attempt_ms.
    """
    attempt_ms: int
    """When this attempt was or will be scheduled."""
    started_ms: int = 0
    """STARTED: when the worker began."""
    heartbeat_ms: int = 0
    """STARTED: the last heartbeat."""
    worker: ReplyTo | None = None
    """STARTED: where to send the request to cancel."""
    identity: str = ""
    """STARTED: the worker."""
    last_failure: Failure | None = None
    """Why the attempt before failed."""
    heartbeat_details: list[Payload] = field(default_factory=list)
    """What the last heartbeat said."""


@dataclass(slots=True, kw_only=True)
class BatchCommitted:
    """Ends each transaction: commands below this offset are handled. No key."""

    commands_offset: int
    """The next offset of <ns>.commands to handle."""
    time_ms: int
    """When."""


@dataclass(slots=True, kw_only=True)
class CommandDeferred:
    """A command for a stalled workflow, kept until its code runs again."""

    run_id: str
    """The run."""
    ordinal: int
    """Order among the deferred commands of the run, from 1."""
    command: bytes
    """The command as it was encoded."""


@dataclass(slots=True, kw_only=True)
class LocalActivityStarted:
    """A local activity was still running when the transaction ended that began it: whoever restores the
    partition runs it again.
    """

    run_id: str
    """The run."""
    activity_id: str
    """The activity's ID."""


@dataclass(slots=True, kw_only=True)
class PartitionOpened:
    """A processor took the partition over. The barrier that it restores up to, and the trace of who owned
    what when. No key.
    """

    instance: str
    """The processor's instance ID, also its transactional.id."""
    epoch: str
    """A fresh random ID of this opening."""
    partition_count: int
    """Partitions of <ns>.commands."""
    build_id: str = ""
    """Version of the workflow code."""
    time_ms: int
    """When."""


@dataclass(slots=True, kw_only=True)
class RequestRejected:
    """A refused command left no event; this keeps the answer for a repeated request ID."""

    request_id: str
    """The request."""
    answer: bytes
    """The encoded Rejected reply."""
    time_ms: int
    """When."""


@dataclass(slots=True, kw_only=True)
class WorkflowResumed:
    """A stalled workflow runs again, and its deferred commands up to this one are handled."""

    run_id: str
    """The run."""
    handled_ordinal: int
    """The last deferred command that is handled; 0: none."""


@dataclass(slots=True, kw_only=True)
class WorkflowStalled:
    """The workflow's code raised an unexpected error or does not replay. It keeps what it has and is tried
    again.
    """

    run_id: str
    """The run."""
    error: str
    """What was raised."""
    stack_trace: str
    """Where."""
    attempts: int
    """How often it was tried."""
    retry_ms: int
    """When it is tried again."""
    since_ms: int
    """When it first stalled."""
    build_id: str = ""
    """Version of the workflow code that stalled."""


def activity_attempt_to_avro(record: ActivityAttempt) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "scheduled_event_id": record.scheduled_event_id,
        "attempt": record.attempt,
        "phase": record.phase,
        "attempt_ms": record.attempt_ms,
        "started_ms": record.started_ms,
        "heartbeat_ms": record.heartbeat_ms,
        "worker": None if record.worker is None else ("foldlog.common.ReplyTo", reply_to_to_avro(record.worker)),
        "identity": record.identity,
        "last_failure": None
        if record.last_failure is None
        else ("foldlog.common.Failure", failure_to_avro(record.last_failure)),
        "heartbeat_details": [payload_to_avro(item) for item in record.heartbeat_details],
    }


def activity_attempt_from_avro(values: dict[str, Any]) -> ActivityAttempt:
    values["worker"] = None if values["worker"] is None else reply_to_from_avro(values["worker"])
    values["last_failure"] = None if values["last_failure"] is None else failure_from_avro(values["last_failure"])
    values["heartbeat_details"] = [payload_from_avro(item) for item in values["heartbeat_details"]]
    return ActivityAttempt(**values)


def batch_committed_to_avro(record: BatchCommitted) -> dict[str, Any]:
    return {
        "commands_offset": record.commands_offset,
        "time_ms": record.time_ms,
    }


def batch_committed_from_avro(values: dict[str, Any]) -> BatchCommitted:
    return BatchCommitted(**values)


def command_deferred_to_avro(record: CommandDeferred) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "ordinal": record.ordinal,
        "command": record.command,
    }


def command_deferred_from_avro(values: dict[str, Any]) -> CommandDeferred:
    return CommandDeferred(**values)


def local_activity_started_to_avro(record: LocalActivityStarted) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "activity_id": record.activity_id,
    }


def local_activity_started_from_avro(values: dict[str, Any]) -> LocalActivityStarted:
    return LocalActivityStarted(**values)


def partition_opened_to_avro(record: PartitionOpened) -> dict[str, Any]:
    return {
        "instance": record.instance,
        "epoch": record.epoch,
        "partition_count": record.partition_count,
        "build_id": record.build_id,
        "time_ms": record.time_ms,
    }


def partition_opened_from_avro(values: dict[str, Any]) -> PartitionOpened:
    return PartitionOpened(**values)


def request_rejected_to_avro(record: RequestRejected) -> dict[str, Any]:
    return {
        "request_id": record.request_id,
        "answer": record.answer,
        "time_ms": record.time_ms,
    }


def request_rejected_from_avro(values: dict[str, Any]) -> RequestRejected:
    return RequestRejected(**values)


def workflow_resumed_to_avro(record: WorkflowResumed) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "handled_ordinal": record.handled_ordinal,
    }


def workflow_resumed_from_avro(values: dict[str, Any]) -> WorkflowResumed:
    return WorkflowResumed(**values)


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
    return WorkflowStalled(**values)


CODECS: Codecs = {
    ActivityAttempt: ("foldlog.log.ActivityAttempt", activity_attempt_to_avro, activity_attempt_from_avro),
    BatchCommitted: ("foldlog.log.BatchCommitted", batch_committed_to_avro, batch_committed_from_avro),
    CommandDeferred: ("foldlog.log.CommandDeferred", command_deferred_to_avro, command_deferred_from_avro),
    LocalActivityStarted: (
        "foldlog.log.LocalActivityStarted",
        local_activity_started_to_avro,
        local_activity_started_from_avro,
    ),
    PartitionOpened: ("foldlog.log.PartitionOpened", partition_opened_to_avro, partition_opened_from_avro),
    RequestRejected: ("foldlog.log.RequestRejected", request_rejected_to_avro, request_rejected_from_avro),
    WorkflowResumed: ("foldlog.log.WorkflowResumed", workflow_resumed_to_avro, workflow_resumed_from_avro),
    WorkflowStalled: ("foldlog.log.WorkflowStalled", workflow_stalled_to_avro, workflow_stalled_from_avro),
}
"""Record class to Avro name, to dict, from dict."""
