"""Workflows, events and failures as plain values, for JSON and for tables.

The shapes are public: scripts read them. Payloads are shown as their values where the data converter can read them,
else as their encoding and bytes in base64.
"""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Any

from foldlog.cli._output import iso
from foldlog.client import PendingActivity, WorkflowExecution, WorkflowExecutionDescription
from foldlog.converter import DataConverter
from foldlog.exceptions import ApplicationError, CancelledError, TerminatedError, TimeoutError
from foldlog.schemas.common import Payload
from msgspec import Struct
from msgspec.structs import asdict


async def event(record: Any, converter: DataConverter) -> dict[str, Any]:
    """A history event: its number, type and time, then its fields without those that are empty."""
    fields: dict[str, Any] = {"event_id": record.event_id, "type": type(record).__name__, "time": iso(record.time_ms)}
    for name in record.__struct_fields__:
        value = getattr(record, name)
        if name not in ("event_id", "time_ms", "run_id") and value not in (None, "", 0, b"", [], {}, False):
            fields[name] = await _value(value, converter)
    return fields


async def _value(value: Any, converter: DataConverter) -> Any:
    if isinstance(value, Payload):
        return await payload(value, converter)
    if isinstance(value, list):
        if value and all(isinstance(item, Payload) for item in value):
            return await payloads(value, converter)
        return [await _value(item, converter) for item in value]
    if isinstance(value, dict):
        return {key: await _value(item, converter) for key, item in value.items()}
    if isinstance(value, Struct):
        return {
            name: await _value(item, converter)
            for name, item in asdict(value).items()
            if item not in (None, "", 0, b"", [], {}, False)
        }
    return value.hex() if isinstance(value, bytes) else value


async def payload(value: Payload, converter: DataConverter) -> Any:
    """The value in a payload, as it looks without type hints."""
    return (await payloads([value], converter))[0]


async def payloads(values: list[Payload], converter: DataConverter) -> list[Any]:
    """The values in payloads that belong together. A codec may have made one payload of several values."""
    try:
        return [_shown(plain) for plain in await converter.decode(values)]
    except Exception:  # a codec of the application's may raise anything, and the rest is worth showing still
        if len(values) > 1:
            return [await payload(value, converter) for value in values]
    (value,) = values
    return [{"encoding": value.encoding, "data": base64.b64encode(value.data).decode()}]


def _shown(plain: Any) -> Any:
    return base64.b64encode(plain).decode() if isinstance(plain, bytes) else plain


def failure(error: BaseException) -> dict[str, Any]:
    """A failure with its causes: type, message, details."""
    kind = error.type if isinstance(error, ApplicationError) and error.type else type(error).__name__
    shown: dict[str, Any] = {"type": kind, "message": getattr(error, "message", None) or str(error)}
    for name in ("activity_type", "activity_id", "workflow_id"):
        if value := getattr(error, name, None):
            shown[name] = value
    if details := getattr(error, "details", None):
        shown["details"] = list(details)
    if error.__cause__ is not None:
        shown["cause"] = failure(error.__cause__)
    return shown


def failure_text(shown: dict[str, Any] | None) -> str:
    """A failure and its causes, one line each; empty for None."""
    lines = []
    step = shown
    while step is not None:
        activity = f" ({step['activity_type']})" if "activity_type" in step else ""
        lines.append(f"{step['type']}{activity}: {step['message']}")
        step = step.get("cause")
    return "\n  caused by ".join(lines)


def status_of(cause: BaseException) -> str:
    """The status of a run that ended in this way."""
    for kind, status in ((CancelledError, "CANCELED"), (TerminatedError, "TERMINATED"), (TimeoutError, "TIMED_OUT")):
        if isinstance(cause, kind):
            return status
    return "FAILED"


def execution(found: WorkflowExecution) -> dict[str, Any]:
    """A row of the list."""
    return {
        "workflow_id": found.id,
        "run_id": found.run_id,
        "workflow_type": found.workflow_type,
        "task_queue": found.task_queue,
        "status": found.status.name,
        "start_time": time(found.start_time),
        "close_time": time(found.close_time),
        "history_length": found.history_length,
        "stalled_error": found.stalled_error or None,
        "search_attributes": {pair.key.name: _attribute(pair.value) for pair in found.typed_search_attributes},
    }


def _attribute(value: Any) -> Any:
    return time(value) if isinstance(value, datetime) else value


async def _activity(activity: PendingActivity) -> dict[str, Any]:
    """An activity that has not ended."""
    last = await activity.last_failure()
    return {
        "activity_id": activity.activity_id,
        "activity_type": activity.activity_type,
        "task_queue": activity.task_queue,
        "state": activity.state.name,
        "attempt": activity.attempt,
        "scheduled_time": time(activity.scheduled_time),
        "started_time": time(activity.started_time),
        "last_heartbeat_time": time(activity.last_heartbeat_time),
        "heartbeat_details": list(await activity.heartbeat_details()),
        "next_attempt_time": time(activity.next_attempt_time),
        "identity": activity.identity or None,
        "paused": activity.paused,
        "paused_time": time(activity.paused_time),
        "pause_reason": activity.pause_reason or None,
        "paused_by": activity.paused_by or None,
        "summary": await activity.summary(),
        "last_failure": failure(last) if last else None,
    }


async def description(found: WorkflowExecutionDescription) -> dict[str, Any]:
    """A workflow as `describe` knows it."""
    return {
        **execution(found),
        "execution_time": time(found.execution_time),
        "first_execution_run_id": found.first_execution_run_id,
        "continued_run_id": found.continued_run_id,
        "attempt": found.attempt,
        "cron_schedule": found.cron_schedule or None,
        "execution_start_time": time(found.execution_start_time),
        "parent_id": found.parent_id,
        "parent_run_id": found.parent_run_id,
        "root_id": found.root_id,
        "root_run_id": found.root_run_id,
        "static_summary": await found.static_summary(),
        "static_details": await found.static_details(),
        "execution_expiration_time": time(found.execution_expiration_time),
        "history_size": found.history_size,
        "memo": dict(await found.memo()),
        "parent": _parent(found),
        "pending_activities": [await _activity(activity) for activity in found.pending_activities],
        "pending_children": [
            {
                "workflow_id": child.workflow_id,
                "namespace": child.namespace,
                "run_id": child.run_id,
                "workflow_type": child.workflow_type,
                "parent_close_policy": child.parent_close_policy,
            }
            for child in found.pending_children
        ],
        "pending_timers": [
            {"timer_id": timer.timer_id, "fire_time": time(timer.fire_time)} for timer in found.pending_timers
        ],
        "pending_updates": found.pending_updates,
        "stalled_stack": found.stalled_stack or None,
        "stalled_attempts": found.stalled_attempts,
        "deployment_version": found.deployment_version,
        "versioning_behavior": found.versioning_behavior.name if found.versioning_behavior else None,
        "deferred_commands": found.deferred_commands,
    }


def _parent(found: WorkflowExecutionDescription) -> dict[str, Any] | None:
    if found.parent_id is None:
        return None
    return {"workflow_id": found.parent_id, "run_id": found.parent_run_id, "namespace": found.parent_namespace}


def time(moment: datetime | None) -> str | None:
    """A moment as ISO 8601 in UTC with milliseconds."""
    return None if moment is None else iso(round(moment.timestamp() * 1000))
