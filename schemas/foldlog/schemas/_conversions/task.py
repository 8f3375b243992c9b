"""Conversions of the records of `foldlog.task`.

Written by `python -m foldlog.schemas.generate` from avsc/task/*.avsc:
change those, not this.
"""

from __future__ import annotations

from typing import Any

from foldlog.schemas._conversions.common import (
    activity_options_from_avro,
    activity_options_to_avro,
    payload_from_avro,
    payload_to_avro,
    retry_policy_from_avro,
    retry_policy_to_avro,
)
from foldlog.schemas._conversions.types import NULL, Conversions, Usual
from foldlog.schemas.task import ActivityTask, TaskToken


def activity_task_is_usual(record: ActivityTask) -> bool:
    return (
        record.retry_policy is not None
        and record.retry_policy.initial_interval_ms == 1000
        and record.retry_policy.backoff_coefficient == 2.0
        and record.retry_policy.maximum_interval_ms == 0
        and record.retry_policy.maximum_attempts == 0
        and record.retry_policy.non_retryable_error_types == []
        and record.schedule_to_close_timeout_ms == 0
        and record.heartbeat_timeout_ms == 0
        and record.heartbeat_details == []
        and record.options is None
        and record.attempts_before_reset == 0
        and record.deployment_version == ""
        and record.times_passed_on == 0
    )


def activity_task_usual_to_avro(record: ActivityTask) -> dict[str, Any]:
    return {
        "namespace": record.namespace,
        "run_id": record.run_id,
        "workflow_type": record.workflow_type,
        "activity_id": record.activity_id,
        "activity_type": record.activity_type,
        "scheduled_event_id": record.scheduled_event_id,
        "attempt": record.attempt,
        "args": record.args and [payload_to_avro(item) for item in record.args],
        "scheduled_ms": record.scheduled_ms,
        "attempt_scheduled_ms": record.attempt_scheduled_ms,
        "start_to_close_timeout_ms": record.start_to_close_timeout_ms,
    }


def activity_task_to_avro(record: ActivityTask) -> dict[str, Any]:
    values = activity_task_usual_to_avro(record)
    values["retry_policy"] = (
        NULL
        if record.retry_policy is None
        else ("foldlog.common.RetryPolicy", retry_policy_to_avro(record.retry_policy))
    )
    values["schedule_to_close_timeout_ms"] = record.schedule_to_close_timeout_ms
    values["heartbeat_timeout_ms"] = record.heartbeat_timeout_ms
    values["heartbeat_details"] = record.heartbeat_details and [
        payload_to_avro(item) for item in record.heartbeat_details
    ]
    values["options"] = (
        NULL if record.options is None else ("foldlog.common.ActivityOptions", activity_options_to_avro(record.options))
    )
    values["attempts_before_reset"] = record.attempts_before_reset
    values["deployment_version"] = record.deployment_version
    values["times_passed_on"] = record.times_passed_on
    return values


def activity_task_usual_from_avro(values: dict[str, Any]) -> ActivityTask:
    return ActivityTask(
        namespace=values["namespace"],
        run_id=values["run_id"],
        workflow_type=values["workflow_type"],
        activity_id=values["activity_id"],
        activity_type=values["activity_type"],
        scheduled_event_id=values["scheduled_event_id"],
        attempt=values["attempt"],
        args=values["args"] and [payload_from_avro(item) for item in values["args"]],
        scheduled_ms=values["scheduled_ms"],
        attempt_scheduled_ms=values["attempt_scheduled_ms"],
        start_to_close_timeout_ms=values["start_to_close_timeout_ms"],
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
        heartbeat_timeout_ms=0,
        heartbeat_details=[],
        options=None,
        attempts_before_reset=0,
        deployment_version="",
        times_passed_on=0,
    )


def activity_task_from_avro(values: dict[str, Any]) -> ActivityTask:
    record = activity_task_usual_from_avro(values)
    record.retry_policy = None if values["retry_policy"] is None else retry_policy_from_avro(values["retry_policy"])
    record.schedule_to_close_timeout_ms = values["schedule_to_close_timeout_ms"]
    record.heartbeat_timeout_ms = values["heartbeat_timeout_ms"]
    record.heartbeat_details = values["heartbeat_details"] and [
        payload_from_avro(item) for item in values["heartbeat_details"]
    ]
    record.options = None if values["options"] is None else activity_options_from_avro(values["options"])
    record.attempts_before_reset = values["attempts_before_reset"]
    record.deployment_version = values["deployment_version"]
    record.times_passed_on = values["times_passed_on"]
    return record


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
    return TaskToken(
        namespace=values["namespace"],
        workflow_id=values["workflow_id"],
        run_id=values["run_id"],
        activity_id=values["activity_id"],
        scheduled_event_id=values["scheduled_event_id"],
        attempt=values["attempt"],
    )


CONVERSIONS: Conversions = {
    ActivityTask: (
        "foldlog.task.ActivityTask",
        b"\xc3\x014R\x0b\xc9s\x7f\xfa&",
        activity_task_to_avro,
        activity_task_from_avro,
    ),
    TaskToken: (
        "foldlog.task.TaskToken",
        b"\xc3\x01\xae\x8c\x89t\xf2\xa5\x89\xc6",
        task_token_to_avro,
        task_token_from_avro,
    ),
}

USUAL: Usual = {
    ActivityTask: (activity_task_is_usual, activity_task_usual_to_avro, activity_task_usual_from_avro),
}
