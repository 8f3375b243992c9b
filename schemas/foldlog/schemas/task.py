"""Records of the namespace `foldlog.task`.

Written by `python -m foldlog.schemas.generate` from avsc/task/*.avsc:
change those, not this.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from foldlog.schemas.codecs import Codecs
from foldlog.schemas.common import (
    Payload,
    RetryPolicy,
    payload_from_avro,
    payload_to_avro,
    retry_policy_from_avro,
    retry_policy_to_avro,
)


@dataclass(slots=True, kw_only=True)
class ActivityTask:
    """One attempt of an activity, for a worker. The record's key is the workflow ID."""

    namespace: str
    """The namespace of the workflow."""
    run_id: str
    """The run."""
    workflow_type: str
    """The workflow's type."""
    activity_id: str
    """The activity's ID."""
    activity_type: str
    """Name of the activity definition."""
    scheduled_event_id: int
    """The ActivityTaskScheduled event."""
    attempt: int
    """The attempt, from 1."""
    args: list[Payload] = field(default_factory=list)
    """Arguments."""
    scheduled_ms: int
    """When the activity was scheduled."""
    attempt_scheduled_ms: int
    """When this attempt was scheduled."""
    schedule_to_close_timeout_ms: int = 0
    """Limit on all attempts together; 0: none."""
    start_to_close_timeout_ms: int = 0
    """Limit on one attempt; 0: none."""
    heartbeat_timeout_ms: int = 0
    """Limit between heartbeats; 0: none."""
    retry_policy: RetryPolicy | None = None
    """How it is retried; null: not at all."""
    heartbeat_details: list[Payload] = field(default_factory=list)
    """Details of the last heartbeat of the attempt before."""


@dataclass(slots=True, kw_only=True)
class TaskToken:
    """Names one attempt of one activity, for completion from another process."""

    namespace: str
    """The namespace."""
    workflow_id: str
    """The workflow."""
    run_id: str
    """The run."""
    activity_id: str
    """The activity's ID."""
    scheduled_event_id: int
    """The ActivityTaskScheduled event."""
    attempt: int
    """The attempt, from 1."""


def activity_task_to_avro(record: ActivityTask) -> dict[str, Any]:
    return {
        "namespace": record.namespace,
        "run_id": record.run_id,
        "workflow_type": record.workflow_type,
        "activity_id": record.activity_id,
        "activity_type": record.activity_type,
        "scheduled_event_id": record.scheduled_event_id,
        "attempt": record.attempt,
        "args": [payload_to_avro(item) for item in record.args],
        "scheduled_ms": record.scheduled_ms,
        "attempt_scheduled_ms": record.attempt_scheduled_ms,
        "schedule_to_close_timeout_ms": record.schedule_to_close_timeout_ms,
        "start_to_close_timeout_ms": record.start_to_close_timeout_ms,
        "heartbeat_timeout_ms": record.heartbeat_timeout_ms,
        "retry_policy": None
        if record.retry_policy is None
        else ("foldlog.common.RetryPolicy", retry_policy_to_avro(record.retry_policy)),
        "heartbeat_details": [payload_to_avro(item) for item in record.heartbeat_details],
    }


def activity_task_from_avro(values: dict[str, Any]) -> ActivityTask:
    values["args"] = [payload_from_avro(item) for item in values["args"]]
    values["retry_policy"] = None if values["retry_policy"] is None else retry_policy_from_avro(values["retry_policy"])
    values["heartbeat_details"] = [payload_from_avro(item) for item in values["heartbeat_details"]]
    return ActivityTask(**values)


def task_token_to_avro(record: TaskToken) -> dict[str, Any]:
    return {
        "namespace": record.namespace,
        "workflow_id": record.workflow_id,
        "run_id": record.run_id,
        "activity_id": record.activity_id,
        "scheduled_event_id": record.scheduled_event_id,
        "attempt": record.attempt,
    }


def task_token_from_avro(values: dict[str, Any]) -> TaskToken:
    return TaskToken(**values)


CODECS: Codecs = {
    ActivityTask: ("foldlog.task.ActivityTask", activity_task_to_avro, activity_task_from_avro),
    TaskToken: ("foldlog.task.TaskToken", task_token_to_avro, task_token_from_avro),
}
"""Record class to Avro name, to dict, from dict."""
