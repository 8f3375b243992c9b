"""Avro bodies of the records of `foldlog.schemas.common`.

Written by `python -m foldlog.schemas.generate` from avsc/common/*.avsc:
change those, or the generator, not this.
"""

from __future__ import annotations

from typing import get_args

from foldlog.schemas._wire.primitives import (
    DOUBLE_BYTES,
    INT,
    LENGTHS,
    LONG,
    NUMBERS,
    Codecs,
    read_branch,
    read_bytes,
    read_count,
    read_double,
    read_length,
    read_number,
    read_string,
    write_double,
)
from foldlog.schemas.common import (
    Failure,
    FailureCategory,
    FailureKind,
    Payload,
    ReplyTo,
    RetryPolicy,
    RetryState,
    TimeoutType,
)

FAILURE_CATEGORY: tuple[FailureCategory, ...] = get_args(FailureCategory)
FAILURE_CATEGORY_BYTES = {symbol: LONG[index] for index, symbol in enumerate(FAILURE_CATEGORY)}
FAILURE_KIND: tuple[FailureKind, ...] = get_args(FailureKind)
FAILURE_KIND_BYTES = {symbol: LONG[index] for index, symbol in enumerate(FAILURE_KIND)}
RETRY_STATE: tuple[RetryState, ...] = get_args(RetryState)
RETRY_STATE_BYTES = {symbol: LONG[index] for index, symbol in enumerate(RETRY_STATE)}
TIMEOUT_TYPE: tuple[TimeoutType, ...] = get_args(TimeoutType)
TIMEOUT_TYPE_BYTES = {symbol: LONG[index] for index, symbol in enumerate(TIMEOUT_TYPE)}


def write_failure(record: Failure, out: list[bytes]) -> None:
    message = record.message.encode()
    stack_trace = record.stack_trace.encode()
    type = record.type.encode()
    out += (
        FAILURE_KIND_BYTES[record.kind],
        LONG[len(message)],
        message,
        LONG[len(stack_trace)],
        stack_trace,
        LONG[len(type)],
        type,
        b"\1" if record.non_retryable else b"\0",
        LONG[record.next_retry_delay_ms],
        FAILURE_CATEGORY_BYTES[record.category],
    )
    if record.details:
        out.append(LONG[len(record.details)])
        for details_item in record.details:
            write_payload(details_item, out)
    activity_id = record.activity_id.encode()
    activity_type = record.activity_type.encode()
    identity = record.identity.encode()
    workflow_id = record.workflow_id.encode()
    run_id = record.run_id.encode()
    workflow_type = record.workflow_type.encode()
    out += (
        b"\0",
        TIMEOUT_TYPE_BYTES[record.timeout_type],
        LONG[len(activity_id)],
        activity_id,
        LONG[len(activity_type)],
        activity_type,
        LONG[record.scheduled_event_id],
        LONG[len(identity)],
        identity,
        RETRY_STATE_BYTES[record.retry_state],
        LONG[len(workflow_id)],
        workflow_id,
        LONG[len(run_id)],
        run_id,
        LONG[len(workflow_type)],
        workflow_type,
    )
    if record.encoded_attributes is None:
        out.append(b"\0")
    else:
        out.append(b"\2")
        write_payload(record.encoded_attributes, out)
    if record.cause is None:
        out.append(b"\0")
    else:
        out.append(b"\2")
        write_failure(record.cause, out)


def read_failure(buffer: bytes, at: int) -> tuple[Failure, int]:
    record = object.__new__(Failure)
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    record.kind = FAILURE_KIND[size]
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.message = buffer[at:end].decode()
    at = end
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.stack_trace = buffer[at:end].decode()
    at = end
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.type = buffer[at:end].decode()
    at = end
    record.non_retryable = buffer[at] != 0
    at += 1
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.next_retry_delay_ms = number
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    record.category = FAILURE_CATEGORY[size]
    details: list[Payload] = []
    while buffer[at]:
        count, at = read_count(buffer, at)
        for _ in range(count):
            details_item, at = read_payload(buffer, at)
            details.append(details_item)
    at += 1
    record.details = details
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    record.timeout_type = TIMEOUT_TYPE[size]
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.activity_id = buffer[at:end].decode()
    at = end
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.activity_type = buffer[at:end].decode()
    at = end
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.scheduled_event_id = number
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.identity = buffer[at:end].decode()
    at = end
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    record.retry_state = RETRY_STATE[size]
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.workflow_id = buffer[at:end].decode()
    at = end
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.run_id = buffer[at:end].decode()
    at = end
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.workflow_type = buffer[at:end].decode()
    at = end
    if read_branch(buffer, at):
        at += 1
        record.encoded_attributes, at = read_payload(buffer, at)
    else:
        record.encoded_attributes = None
        at += 1
    if read_branch(buffer, at):
        at += 1
        record.cause, at = read_failure(buffer, at)
    else:
        record.cause = None
        at += 1
    return record, at


def write_payload(record: Payload, out: list[bytes]) -> None:
    encoding = record.encoding.encode()
    data = record.data
    out += (LONG[len(encoding)], encoding, LONG[len(data)], data)
    if record.metadata:
        out.append(LONG[len(record.metadata)])
        for key, metadata_item in record.metadata.items():
            encoded = key.encode()
            metadata = metadata_item
            out += (LONG[len(encoded)], encoded, LONG[len(metadata)], metadata)
    out.append(b"\0")


def read_payload(buffer: bytes, at: int) -> tuple[Payload, int]:
    record = object.__new__(Payload)
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.encoding = buffer[at:end].decode()
    at = end
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.data = buffer[at:end]
    at = end
    metadata: dict[str, bytes] = {}
    while buffer[at]:
        count, at = read_count(buffer, at)
        for _ in range(count):
            key, at = read_string(buffer, at)
            metadata_item, at = read_bytes(buffer, at)
            metadata[key] = metadata_item
    at += 1
    record.metadata = metadata
    return record, at


def write_reply_to(record: ReplyTo, out: list[bytes]) -> None:
    client_id = record.client_id.encode()
    out += (LONG[len(client_id)], client_id, INT[record.partition], LONG[record.correlation_id])


def read_reply_to(buffer: bytes, at: int) -> tuple[ReplyTo, int]:
    record = object.__new__(ReplyTo)
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.client_id = buffer[at:end].decode()
    at = end
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.partition = number
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.correlation_id = number
    return record, at


def write_retry_policy(record: RetryPolicy, out: list[bytes]) -> None:
    out += (
        LONG[record.initial_interval_ms],
        write_double(record.backoff_coefficient),
        LONG[record.maximum_interval_ms],
        INT[record.maximum_attempts],
    )
    if record.non_retryable_error_types:
        out.append(LONG[len(record.non_retryable_error_types)])
        for non_retryable_error_types_item in record.non_retryable_error_types:
            encoded = non_retryable_error_types_item.encode()
            out += (LONG[len(encoded)], encoded)
    out.append(b"\0")


def read_retry_policy(buffer: bytes, at: int) -> tuple[RetryPolicy, int]:
    record = object.__new__(RetryPolicy)
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.initial_interval_ms = number
    (record.backoff_coefficient,) = read_double(buffer, at)
    at += DOUBLE_BYTES
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.maximum_interval_ms = number
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.maximum_attempts = number
    non_retryable_error_types: list[str] = []
    while buffer[at]:
        count, at = read_count(buffer, at)
        for _ in range(count):
            non_retryable_error_types_item, at = read_string(buffer, at)
            non_retryable_error_types.append(non_retryable_error_types_item)
    at += 1
    record.non_retryable_error_types = non_retryable_error_types
    return record, at


CODECS: Codecs = {
    Failure: ("foldlog.common.Failure", b"\xc3\x01\x14o\x9b\x83\xe3}.\xd4", write_failure, read_failure),
    Payload: ("foldlog.common.Payload", b"\xc3\x01\x8cs\xa3-\xd7\xe6\xcd\xe9", write_payload, read_payload),
    ReplyTo: ("foldlog.common.ReplyTo", b"\xc3\x01\xedG\x90\x1c1\x98a\xbb", write_reply_to, read_reply_to),
    RetryPolicy: (
        "foldlog.common.RetryPolicy",
        b"\xc3\x01U\xad\xea\n\xed\x93<Z",
        write_retry_policy,
        read_retry_policy,
    ),
}
"""What there is for each record class."""
