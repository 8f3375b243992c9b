"""Conversions of the records of `foldlog.common`.

Written by `python -m foldlog.schemas.generate` from avsc/common/*.avsc:
change those, not this.
"""

from __future__ import annotations

from typing import Any

from foldlog.schemas._conversions.types import NULL, Conversions, Usual
from foldlog.schemas.common import (
    ActivityOptions,
    Continuation,
    Deployment,
    Failure,
    Initiator,
    ParentExecution,
    Payload,
    Priority,
    ReplyTo,
    RetryPolicy,
    WorkflowOptions,
)


def activity_options_to_avro(record: ActivityOptions) -> dict[str, Any]:
    return {
        "summary": NULL if record.summary is None else ("foldlog.common.Payload", payload_to_avro(record.summary)),
        "priority": NULL if record.priority is None else ("foldlog.common.Priority", priority_to_avro(record.priority)),
        "header": record.header and {key: payload_to_avro(item) for key, item in record.header.items()},
    }


def activity_options_from_avro(values: dict[str, Any]) -> ActivityOptions:
    return ActivityOptions(
        summary=None if values["summary"] is None else payload_from_avro(values["summary"]),
        priority=None if values["priority"] is None else priority_from_avro(values["priority"]),
        header=values["header"] and {key: payload_from_avro(item) for key, item in values["header"].items()},
    )


def continuation_to_avro(record: Continuation) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "initiator": record.initiator,
        "attempt": record.attempt,
        "last_result": NULL
        if record.last_result is None
        else ("foldlog.common.Payload", payload_to_avro(record.last_result)),
        "last_failure": NULL
        if record.last_failure is None
        else ("foldlog.common.Failure", failure_to_avro(record.last_failure)),
        "first_start_ms": record.first_start_ms,
    }


def continuation_from_avro(values: dict[str, Any]) -> Continuation:
    return Continuation(
        run_id=values["run_id"],
        initiator=values["initiator"],
        attempt=values["attempt"],
        last_result=None if values["last_result"] is None else payload_from_avro(values["last_result"]),
        last_failure=None if values["last_failure"] is None else failure_from_avro(values["last_failure"]),
        first_start_ms=values["first_start_ms"],
    )


def deployment_to_avro(record: Deployment) -> dict[str, Any]:
    return {
        "deployment_name": record.deployment_name,
        "revision": record.revision,
        "change_id": record.change_id,
        "current_build_id": record.current_build_id,
        "ramping_build_id": record.ramping_build_id,
        "ramping_percentage": record.ramping_percentage,
        "earlier_build_ids": record.earlier_build_ids,
        "changed_ms": record.changed_ms,
        "identity": record.identity,
    }


def deployment_from_avro(values: dict[str, Any]) -> Deployment:
    return Deployment(
        deployment_name=values["deployment_name"],
        revision=values["revision"],
        change_id=values["change_id"],
        current_build_id=values["current_build_id"],
        ramping_build_id=values["ramping_build_id"],
        ramping_percentage=values["ramping_percentage"],
        earlier_build_ids=values["earlier_build_ids"],
        changed_ms=values["changed_ms"],
        identity=values["identity"],
    )


def failure_to_avro(record: Failure) -> dict[str, Any]:
    return {
        "kind": record.kind,
        "message": record.message,
        "stack_trace": record.stack_trace,
        "type": record.type,
        "non_retryable": record.non_retryable,
        "next_retry_delay_ms": record.next_retry_delay_ms,
        "category": record.category,
        "details": record.details and [payload_to_avro(item) for item in record.details],
        "timeout_type": record.timeout_type,
        "activity_id": record.activity_id,
        "activity_type": record.activity_type,
        "scheduled_event_id": record.scheduled_event_id,
        "identity": record.identity,
        "retry_state": record.retry_state,
        "workflow_id": record.workflow_id,
        "run_id": record.run_id,
        "workflow_type": record.workflow_type,
        "namespace": record.namespace,
        "started_event_id": record.started_event_id,
        "encoded_attributes": NULL
        if record.encoded_attributes is None
        else ("foldlog.common.Payload", payload_to_avro(record.encoded_attributes)),
        "cause": NULL if record.cause is None else ("foldlog.common.Failure", failure_to_avro(record.cause)),
    }


def failure_from_avro(values: dict[str, Any]) -> Failure:
    return Failure(
        kind=values["kind"],
        message=values["message"],
        stack_trace=values["stack_trace"],
        type=values["type"],
        non_retryable=values["non_retryable"],
        next_retry_delay_ms=values["next_retry_delay_ms"],
        category=values["category"],
        details=values["details"] and [payload_from_avro(item) for item in values["details"]],
        timeout_type=values["timeout_type"],
        activity_id=values["activity_id"],
        activity_type=values["activity_type"],
        scheduled_event_id=values["scheduled_event_id"],
        identity=values["identity"],
        retry_state=values["retry_state"],
        workflow_id=values["workflow_id"],
        run_id=values["run_id"],
        workflow_type=values["workflow_type"],
        namespace=values["namespace"],
        started_event_id=values["started_event_id"],
        encoded_attributes=None
        if values["encoded_attributes"] is None
        else payload_from_avro(values["encoded_attributes"]),
        cause=None if values["cause"] is None else failure_from_avro(values["cause"]),
    )


def initiator_to_avro(record: Initiator) -> dict[str, Any]:
    return {
        "namespace": record.namespace,
        "workflow_id": record.workflow_id,
        "run_id": record.run_id,
        "initiated_event_id": record.initiated_event_id,
    }


def initiator_from_avro(values: dict[str, Any]) -> Initiator:
    return Initiator(
        namespace=values["namespace"],
        workflow_id=values["workflow_id"],
        run_id=values["run_id"],
        initiated_event_id=values["initiated_event_id"],
    )


def parent_execution_to_avro(record: ParentExecution) -> dict[str, Any]:
    return {
        "namespace": record.namespace,
        "workflow_id": record.workflow_id,
        "run_id": record.run_id,
        "initiated_event_id": record.initiated_event_id,
        "root_workflow_id": record.root_workflow_id,
        "root_run_id": record.root_run_id,
        "first_execution_run_id": record.first_execution_run_id,
    }


def parent_execution_from_avro(values: dict[str, Any]) -> ParentExecution:
    return ParentExecution(
        namespace=values["namespace"],
        workflow_id=values["workflow_id"],
        run_id=values["run_id"],
        initiated_event_id=values["initiated_event_id"],
        root_workflow_id=values["root_workflow_id"],
        root_run_id=values["root_run_id"],
        first_execution_run_id=values["first_execution_run_id"],
    )


def payload_to_avro(record: Payload) -> dict[str, Any]:
    return {
        "encoding": record.encoding,
        "data": record.data,
        "metadata": record.metadata,
    }


def payload_from_avro(values: dict[str, Any]) -> Payload:
    return Payload(
        encoding=values["encoding"],
        data=values["data"],
        metadata=values["metadata"],
    )


def priority_to_avro(record: Priority) -> dict[str, Any]:
    return {
        "priority_key": record.priority_key,
        "fairness_key": record.fairness_key,
        "fairness_weight": record.fairness_weight,
    }


def priority_from_avro(values: dict[str, Any]) -> Priority:
    return Priority(
        priority_key=values["priority_key"],
        fairness_key=values["fairness_key"],
        fairness_weight=values["fairness_weight"],
    )


def reply_to_to_avro(record: ReplyTo) -> dict[str, Any]:
    return {
        "client_id": record.client_id,
        "partition": record.partition,
        "correlation_id": record.correlation_id,
    }


def reply_to_from_avro(values: dict[str, Any]) -> ReplyTo:
    return ReplyTo(
        client_id=values["client_id"],
        partition=values["partition"],
        correlation_id=values["correlation_id"],
    )


def retry_policy_to_avro(record: RetryPolicy) -> dict[str, Any]:
    return {
        "initial_interval_ms": record.initial_interval_ms,
        "backoff_coefficient": record.backoff_coefficient,
        "maximum_interval_ms": record.maximum_interval_ms,
        "maximum_attempts": record.maximum_attempts,
        "non_retryable_error_types": record.non_retryable_error_types,
    }


def retry_policy_from_avro(values: dict[str, Any]) -> RetryPolicy:
    return RetryPolicy(
        initial_interval_ms=values["initial_interval_ms"],
        backoff_coefficient=values["backoff_coefficient"],
        maximum_interval_ms=values["maximum_interval_ms"],
        maximum_attempts=values["maximum_attempts"],
        non_retryable_error_types=values["non_retryable_error_types"],
    )


def workflow_options_to_avro(record: WorkflowOptions) -> dict[str, Any]:
    return {
        "retry_policy": NULL
        if record.retry_policy is None
        else ("foldlog.common.RetryPolicy", retry_policy_to_avro(record.retry_policy)),
        "cron_schedule": record.cron_schedule,
        "search_attributes": record.search_attributes
        and {key: payload_to_avro(item) for key, item in record.search_attributes.items()},
        "summary": NULL if record.summary is None else ("foldlog.common.Payload", payload_to_avro(record.summary)),
        "details": NULL if record.details is None else ("foldlog.common.Payload", payload_to_avro(record.details)),
        "priority": NULL if record.priority is None else ("foldlog.common.Priority", priority_to_avro(record.priority)),
        "versioning_behavior": record.versioning_behavior,
        "deployment_version": record.deployment_version,
        "version_given": record.version_given,
        "version_overridden": record.version_overridden,
        "declined_revision": record.declined_revision,
        "header": record.header and {key: payload_to_avro(item) for key, item in record.header.items()},
        "last_result": NULL
        if record.last_result is None
        else ("foldlog.common.Payload", payload_to_avro(record.last_result)),
        "last_failure": NULL
        if record.last_failure is None
        else ("foldlog.common.Failure", failure_to_avro(record.last_failure)),
    }


def workflow_options_from_avro(values: dict[str, Any]) -> WorkflowOptions:
    return WorkflowOptions(
        retry_policy=None if values["retry_policy"] is None else retry_policy_from_avro(values["retry_policy"]),
        cron_schedule=values["cron_schedule"],
        search_attributes=values["search_attributes"]
        and {key: payload_from_avro(item) for key, item in values["search_attributes"].items()},
        summary=None if values["summary"] is None else payload_from_avro(values["summary"]),
        details=None if values["details"] is None else payload_from_avro(values["details"]),
        priority=None if values["priority"] is None else priority_from_avro(values["priority"]),
        versioning_behavior=values["versioning_behavior"],
        deployment_version=values["deployment_version"],
        version_given=values["version_given"],
        version_overridden=values["version_overridden"],
        declined_revision=values["declined_revision"],
        header=values["header"] and {key: payload_from_avro(item) for key, item in values["header"].items()},
        last_result=None if values["last_result"] is None else payload_from_avro(values["last_result"]),
        last_failure=None if values["last_failure"] is None else failure_from_avro(values["last_failure"]),
    )


CONVERSIONS: Conversions = {
    ActivityOptions: (
        "foldlog.common.ActivityOptions",
        b"\xc3\x01\xc1\xc4\xb4\xa1+\x8f@\xbf",
        activity_options_to_avro,
        activity_options_from_avro,
    ),
    Continuation: (
        "foldlog.common.Continuation",
        b"\xc3\x01\xe6\x91\x16<\xb5\x98\xb3O",
        continuation_to_avro,
        continuation_from_avro,
    ),
    Deployment: ("foldlog.common.Deployment", b'\xc3\x01|\x90A\xac\x02")$', deployment_to_avro, deployment_from_avro),
    Failure: ("foldlog.common.Failure", b"\xc3\x01V*Q?\xc9\x1d\xee\x17", failure_to_avro, failure_from_avro),
    Initiator: ("foldlog.common.Initiator", b'\xc3\x01^nhG.\x10\xc4"', initiator_to_avro, initiator_from_avro),
    ParentExecution: (
        "foldlog.common.ParentExecution",
        b"\xc3\x01\x98\xbd;\xd7\x16\xad8\xcc",
        parent_execution_to_avro,
        parent_execution_from_avro,
    ),
    Payload: ("foldlog.common.Payload", b"\xc3\x01\x8cs\xa3-\xd7\xe6\xcd\xe9", payload_to_avro, payload_from_avro),
    Priority: ("foldlog.common.Priority", b"\xc3\x01\x8e\xf3^\xa9\x074N\x8a", priority_to_avro, priority_from_avro),
    ReplyTo: ("foldlog.common.ReplyTo", b"\xc3\x01\xedG\x90\x1c1\x98a\xbb", reply_to_to_avro, reply_to_from_avro),
    RetryPolicy: (
        "foldlog.common.RetryPolicy",
        b"\xc3\x01U\xad\xea\n\xed\x93<Z",
        retry_policy_to_avro,
        retry_policy_from_avro,
    ),
    WorkflowOptions: (
        "foldlog.common.WorkflowOptions",
        b"\xc3\x01\x0fc\xa1v\xba\xf5\x86|",
        workflow_options_to_avro,
        workflow_options_from_avro,
    ),
}

USUAL: Usual = {}
