"""Conversions of the records of `foldlog.common`.

Written by `python -m foldlog.schemas.generate` from avsc/common/*.avsc:
change those, not this.
"""

from __future__ import annotations

from typing import Any

from foldlog.schemas._conversions.types import Conversions
from foldlog.schemas.common import Failure, Payload, ReplyTo, RetryPolicy


def failure_to_avro(record: Failure) -> dict[str, Any]:
    return {
        "kind": record.kind,
        "message": record.message,
        "stack_trace": record.stack_trace,
        "type": record.type,
        "non_retryable": record.non_retryable,
        "next_retry_delay_ms": record.next_retry_delay_ms,
        "category": record.category,
        "details": [payload_to_avro(item) for item in record.details],
        "timeout_type": record.timeout_type,
        "activity_id": record.activity_id,
        "activity_type": record.activity_type,
        "scheduled_event_id": record.scheduled_event_id,
        "identity": record.identity,
        "retry_state": record.retry_state,
        "workflow_id": record.workflow_id,
        "run_id": record.run_id,
        "workflow_type": record.workflow_type,
        "encoded_attributes": None
        if record.encoded_attributes is None
        else ("foldlog.common.Payload", payload_to_avro(record.encoded_attributes)),
        "cause": None if record.cause is None else ("foldlog.common.Failure", failure_to_avro(record.cause)),
    }


def failure_from_avro(values: dict[str, Any]) -> Failure:
    record = object.__new__(Failure)
    record.kind = values["kind"]
    record.message = values["message"]
    record.stack_trace = values["stack_trace"]
    record.type = values["type"]
    record.non_retryable = values["non_retryable"]
    record.next_retry_delay_ms = values["next_retry_delay_ms"]
    record.category = values["category"]
    record.details = [payload_from_avro(item) for item in values["details"]]
    record.timeout_type = values["timeout_type"]
    record.activity_id = values["activity_id"]
    record.activity_type = values["activity_type"]
    record.scheduled_event_id = values["scheduled_event_id"]
    record.identity = values["identity"]
    record.retry_state = values["retry_state"]
    record.workflow_id = values["workflow_id"]
    record.run_id = values["run_id"]
    record.workflow_type = values["workflow_type"]
    record.encoded_attributes = (
        None if values["encoded_attributes"] is None else payload_from_avro(values["encoded_attributes"])
    )
    record.cause = None if values["cause"] is None else failure_from_avro(values["cause"])
    return record


def payload_to_avro(record: Payload) -> dict[str, Any]:
    return {
        "encoding": record.encoding,
        "data": record.data,
        "metadata": record.metadata,
    }


def payload_from_avro(values: dict[str, Any]) -> Payload:
    record = object.__new__(Payload)
    record.encoding = values["encoding"]
    record.data = values["data"]
    record.metadata = values["metadata"]
    return record


def reply_to_to_avro(record: ReplyTo) -> dict[str, Any]:
    return {
        "client_id": record.client_id,
        "partition": record.partition,
        "correlation_id": record.correlation_id,
    }


def reply_to_from_avro(values: dict[str, Any]) -> ReplyTo:
    record = object.__new__(ReplyTo)
    record.client_id = values["client_id"]
    record.partition = values["partition"]
    record.correlation_id = values["correlation_id"]
    return record


def retry_policy_to_avro(record: RetryPolicy) -> dict[str, Any]:
    return {
        "initial_interval_ms": record.initial_interval_ms,
        "backoff_coefficient": record.backoff_coefficient,
        "maximum_interval_ms": record.maximum_interval_ms,
        "maximum_attempts": record.maximum_attempts,
        "non_retryable_error_types": record.non_retryable_error_types,
    }


def retry_policy_from_avro(values: dict[str, Any]) -> RetryPolicy:
    record = object.__new__(RetryPolicy)
    record.initial_interval_ms = values["initial_interval_ms"]
    record.backoff_coefficient = values["backoff_coefficient"]
    record.maximum_interval_ms = values["maximum_interval_ms"]
    record.maximum_attempts = values["maximum_attempts"]
    record.non_retryable_error_types = values["non_retryable_error_types"]
    return record


CONVERSIONS: Conversions = {
    Failure: ("foldlog.common.Failure", b"\xc3\x01\x14o\x9b\x83\xe3}.\xd4", failure_to_avro, failure_from_avro),
    Payload: ("foldlog.common.Payload", b"\xc3\x01\x8cs\xa3-\xd7\xe6\xcd\xe9", payload_to_avro, payload_from_avro),
    ReplyTo: ("foldlog.common.ReplyTo", b"\xc3\x01\xedG\x90\x1c1\x98a\xbb", reply_to_to_avro, reply_to_from_avro),
    RetryPolicy: (
        "foldlog.common.RetryPolicy",
        b"\xc3\x01U\xad\xea\n\xed\x93<Z",
        retry_policy_to_avro,
        retry_policy_from_avro,
    ),
}
