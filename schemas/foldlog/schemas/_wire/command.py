"""Avro bodies of the records of `foldlog.schemas.command`.

Written by `python -m foldlog.schemas.generate` from avsc/command/*.avsc:
change those, or the generator, not this.
"""

from __future__ import annotations

from typing import get_args

from foldlog.schemas._wire.common import (
    read_failure,
    read_payload,
    read_reply_to,
    write_failure,
    write_payload,
    write_reply_to,
)
from foldlog.schemas._wire.primitives import (
    INT,
    LENGTHS,
    LONG,
    NUMBERS,
    Codecs,
    read_branch,
    read_count,
    read_length,
    read_number,
    read_string,
)
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
    QueryRejectCondition,
    QueryWorkflow,
    SignalWorkflow,
    StartWorkflow,
    TerminateWorkflow,
    WorkflowIdConflictPolicy,
    WorkflowIdReusePolicy,
)
from foldlog.schemas.common import Payload

QUERY_REJECT_CONDITION: tuple[QueryRejectCondition, ...] = get_args(QueryRejectCondition)
QUERY_REJECT_CONDITION_BYTES = {symbol: LONG[index] for index, symbol in enumerate(QUERY_REJECT_CONDITION)}
WORKFLOW_ID_CONFLICT_POLICY: tuple[WorkflowIdConflictPolicy, ...] = get_args(WorkflowIdConflictPolicy)
WORKFLOW_ID_CONFLICT_POLICY_BYTES = {symbol: LONG[index] for index, symbol in enumerate(WORKFLOW_ID_CONFLICT_POLICY)}
WORKFLOW_ID_REUSE_POLICY: tuple[WorkflowIdReusePolicy, ...] = get_args(WorkflowIdReusePolicy)
WORKFLOW_ID_REUSE_POLICY_BYTES = {symbol: LONG[index] for index, symbol in enumerate(WORKFLOW_ID_REUSE_POLICY)}


def write_activity_started(record: ActivityStarted, out: list[bytes]) -> None:
    run_id = record.run_id.encode()
    identity = record.identity.encode()
    out += (
        LONG[len(run_id)],
        run_id,
        LONG[record.scheduled_event_id],
        INT[record.attempt],
        LONG[len(identity)],
        identity,
    )
    if record.reply_to is None:
        out.append(b"\0")
    else:
        out.append(b"\2")
        write_reply_to(record.reply_to, out)
    out.append(LONG[record.running_ms])


def read_activity_started(buffer: bytes, at: int) -> tuple[ActivityStarted, int]:
    record = object.__new__(ActivityStarted)
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.run_id = buffer[at:end].decode()
    at = end
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.scheduled_event_id = number
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.attempt = number
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.identity = buffer[at:end].decode()
    at = end
    if read_branch(buffer, at):
        at += 1
        record.reply_to, at = read_reply_to(buffer, at)
    else:
        record.reply_to = None
        at += 1
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.running_ms = number
    return record, at


def write_await_result(record: AwaitResult, out: list[bytes]) -> None:
    identity = record.identity.encode()
    out += (LONG[len(identity)], identity)
    if record.reply_to is None:
        out.append(b"\0")
    else:
        out.append(b"\2")
        write_reply_to(record.reply_to, out)
    run_id = record.run_id.encode()
    out += (LONG[len(run_id)], run_id, b"\1" if record.follow_runs else b"\0")


def read_await_result(buffer: bytes, at: int) -> tuple[AwaitResult, int]:
    record = object.__new__(AwaitResult)
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.identity = buffer[at:end].decode()
    at = end
    if read_branch(buffer, at):
        at += 1
        record.reply_to, at = read_reply_to(buffer, at)
    else:
        record.reply_to = None
        at += 1
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.run_id = buffer[at:end].decode()
    at = end
    record.follow_runs = buffer[at] != 0
    at += 1
    return record, at


def write_cancel_activity(record: CancelActivity, out: list[bytes]) -> None:
    run_id = record.run_id.encode()
    identity = record.identity.encode()
    out += (
        LONG[len(run_id)],
        run_id,
        LONG[record.scheduled_event_id],
        INT[record.attempt],
        LONG[len(identity)],
        identity,
    )
    if record.details:
        out.append(LONG[len(record.details)])
        for details_item in record.details:
            write_payload(details_item, out)
    out.append(b"\0")


def read_cancel_activity(buffer: bytes, at: int) -> tuple[CancelActivity, int]:
    record = object.__new__(CancelActivity)
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.run_id = buffer[at:end].decode()
    at = end
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.scheduled_event_id = number
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.attempt = number
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.identity = buffer[at:end].decode()
    at = end
    details: list[Payload] = []
    while buffer[at]:
        count, at = read_count(buffer, at)
        for _ in range(count):
            details_item, at = read_payload(buffer, at)
            details.append(details_item)
    at += 1
    record.details = details
    return record, at


def write_cancel_workflow(record: CancelWorkflow, out: list[bytes]) -> None:
    request_id = record.request_id.encode()
    identity = record.identity.encode()
    out += (LONG[len(request_id)], request_id, LONG[len(identity)], identity)
    if record.reply_to is None:
        out.append(b"\0")
    else:
        out.append(b"\2")
        write_reply_to(record.reply_to, out)
    run_id = record.run_id.encode()
    first_execution_run_id = record.first_execution_run_id.encode()
    reason = record.reason.encode()
    out += (
        LONG[len(run_id)],
        run_id,
        LONG[len(first_execution_run_id)],
        first_execution_run_id,
        LONG[len(reason)],
        reason,
    )


def read_cancel_workflow(buffer: bytes, at: int) -> tuple[CancelWorkflow, int]:
    record = object.__new__(CancelWorkflow)
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.request_id = buffer[at:end].decode()
    at = end
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.identity = buffer[at:end].decode()
    at = end
    if read_branch(buffer, at):
        at += 1
        record.reply_to, at = read_reply_to(buffer, at)
    else:
        record.reply_to = None
        at += 1
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
    record.first_execution_run_id = buffer[at:end].decode()
    at = end
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.reason = buffer[at:end].decode()
    at = end
    return record, at


def write_complete_activity(record: CompleteActivity, out: list[bytes]) -> None:
    run_id = record.run_id.encode()
    identity = record.identity.encode()
    out += (
        LONG[len(run_id)],
        run_id,
        LONG[record.scheduled_event_id],
        INT[record.attempt],
        LONG[len(identity)],
        identity,
    )
    write_payload(record.result, out)


def read_complete_activity(buffer: bytes, at: int) -> tuple[CompleteActivity, int]:
    record = object.__new__(CompleteActivity)
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.run_id = buffer[at:end].decode()
    at = end
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.scheduled_event_id = number
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.attempt = number
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.identity = buffer[at:end].decode()
    at = end
    record.result, at = read_payload(buffer, at)
    return record, at


def write_describe_workflow(record: DescribeWorkflow, out: list[bytes]) -> None:
    identity = record.identity.encode()
    out += (LONG[len(identity)], identity)
    if record.reply_to is None:
        out.append(b"\0")
    else:
        out.append(b"\2")
        write_reply_to(record.reply_to, out)
    run_id = record.run_id.encode()
    out += (LONG[len(run_id)], run_id)


def read_describe_workflow(buffer: bytes, at: int) -> tuple[DescribeWorkflow, int]:
    record = object.__new__(DescribeWorkflow)
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.identity = buffer[at:end].decode()
    at = end
    if read_branch(buffer, at):
        at += 1
        record.reply_to, at = read_reply_to(buffer, at)
    else:
        record.reply_to = None
        at += 1
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.run_id = buffer[at:end].decode()
    at = end
    return record, at


def write_fail_activity(record: FailActivity, out: list[bytes]) -> None:
    run_id = record.run_id.encode()
    identity = record.identity.encode()
    out += (
        LONG[len(run_id)],
        run_id,
        LONG[record.scheduled_event_id],
        INT[record.attempt],
        LONG[len(identity)],
        identity,
    )
    write_failure(record.failure, out)
    if record.heartbeat_details:
        out.append(LONG[len(record.heartbeat_details)])
        for heartbeat_details_item in record.heartbeat_details:
            write_payload(heartbeat_details_item, out)
    out.append(b"\0")


def read_fail_activity(buffer: bytes, at: int) -> tuple[FailActivity, int]:
    record = object.__new__(FailActivity)
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.run_id = buffer[at:end].decode()
    at = end
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.scheduled_event_id = number
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.attempt = number
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.identity = buffer[at:end].decode()
    at = end
    record.failure, at = read_failure(buffer, at)
    heartbeat_details: list[Payload] = []
    while buffer[at]:
        count, at = read_count(buffer, at)
        for _ in range(count):
            heartbeat_details_item, at = read_payload(buffer, at)
            heartbeat_details.append(heartbeat_details_item)
    at += 1
    record.heartbeat_details = heartbeat_details
    return record, at


def write_get_history(record: GetHistory, out: list[bytes]) -> None:
    identity = record.identity.encode()
    out += (LONG[len(identity)], identity)
    if record.reply_to is None:
        out.append(b"\0")
    else:
        out.append(b"\2")
        write_reply_to(record.reply_to, out)
    run_id = record.run_id.encode()
    out += (LONG[len(run_id)], run_id, LONG[record.first_event_id], LONG[record.maximum_bytes])


def read_get_history(buffer: bytes, at: int) -> tuple[GetHistory, int]:
    record = object.__new__(GetHistory)
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.identity = buffer[at:end].decode()
    at = end
    if read_branch(buffer, at):
        at += 1
        record.reply_to, at = read_reply_to(buffer, at)
    else:
        record.reply_to = None
        at += 1
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.run_id = buffer[at:end].decode()
    at = end
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.first_event_id = number
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.maximum_bytes = number
    return record, at


def write_heartbeat_activity(record: HeartbeatActivity, out: list[bytes]) -> None:
    run_id = record.run_id.encode()
    identity = record.identity.encode()
    out += (
        LONG[len(run_id)],
        run_id,
        LONG[record.scheduled_event_id],
        INT[record.attempt],
        LONG[len(identity)],
        identity,
    )
    if record.reply_to is None:
        out.append(b"\0")
    else:
        out.append(b"\2")
        write_reply_to(record.reply_to, out)
    if record.details:
        out.append(LONG[len(record.details)])
        for details_item in record.details:
            write_payload(details_item, out)
    out.append(b"\0")


def read_heartbeat_activity(buffer: bytes, at: int) -> tuple[HeartbeatActivity, int]:
    record = object.__new__(HeartbeatActivity)
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.run_id = buffer[at:end].decode()
    at = end
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.scheduled_event_id = number
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.attempt = number
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.identity = buffer[at:end].decode()
    at = end
    if read_branch(buffer, at):
        at += 1
        record.reply_to, at = read_reply_to(buffer, at)
    else:
        record.reply_to = None
        at += 1
    details: list[Payload] = []
    while buffer[at]:
        count, at = read_count(buffer, at)
        for _ in range(count):
            details_item, at = read_payload(buffer, at)
            details.append(details_item)
    at += 1
    record.details = details
    return record, at


def write_query_workflow(record: QueryWorkflow, out: list[bytes]) -> None:
    identity = record.identity.encode()
    out += (LONG[len(identity)], identity)
    if record.reply_to is None:
        out.append(b"\0")
    else:
        out.append(b"\2")
        write_reply_to(record.reply_to, out)
    run_id = record.run_id.encode()
    query_type = record.query_type.encode()
    out += (LONG[len(run_id)], run_id, LONG[len(query_type)], query_type)
    if record.args:
        out.append(LONG[len(record.args)])
        for args_item in record.args:
            write_payload(args_item, out)
    out += (b"\0", QUERY_REJECT_CONDITION_BYTES[record.reject_condition])


def read_query_workflow(buffer: bytes, at: int) -> tuple[QueryWorkflow, int]:
    record = object.__new__(QueryWorkflow)
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.identity = buffer[at:end].decode()
    at = end
    if read_branch(buffer, at):
        at += 1
        record.reply_to, at = read_reply_to(buffer, at)
    else:
        record.reply_to = None
        at += 1
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
    record.query_type = buffer[at:end].decode()
    at = end
    args: list[Payload] = []
    while buffer[at]:
        count, at = read_count(buffer, at)
        for _ in range(count):
            args_item, at = read_payload(buffer, at)
            args.append(args_item)
    at += 1
    record.args = args
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    record.reject_condition = QUERY_REJECT_CONDITION[size]
    return record, at


def write_signal_workflow(record: SignalWorkflow, out: list[bytes]) -> None:
    request_id = record.request_id.encode()
    identity = record.identity.encode()
    out += (LONG[len(request_id)], request_id, LONG[len(identity)], identity)
    if record.reply_to is None:
        out.append(b"\0")
    else:
        out.append(b"\2")
        write_reply_to(record.reply_to, out)
    run_id = record.run_id.encode()
    signal_name = record.signal_name.encode()
    out += (LONG[len(run_id)], run_id, LONG[len(signal_name)], signal_name)
    if record.args:
        out.append(LONG[len(record.args)])
        for args_item in record.args:
            write_payload(args_item, out)
    out.append(b"\0")


def read_signal_workflow(buffer: bytes, at: int) -> tuple[SignalWorkflow, int]:
    record = object.__new__(SignalWorkflow)
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.request_id = buffer[at:end].decode()
    at = end
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.identity = buffer[at:end].decode()
    at = end
    if read_branch(buffer, at):
        at += 1
        record.reply_to, at = read_reply_to(buffer, at)
    else:
        record.reply_to = None
        at += 1
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
    record.signal_name = buffer[at:end].decode()
    at = end
    args: list[Payload] = []
    while buffer[at]:
        count, at = read_count(buffer, at)
        for _ in range(count):
            args_item, at = read_payload(buffer, at)
            args.append(args_item)
    at += 1
    record.args = args
    return record, at


def write_start_workflow(record: StartWorkflow, out: list[bytes]) -> None:
    request_id = record.request_id.encode()
    identity = record.identity.encode()
    out += (LONG[len(request_id)], request_id, LONG[len(identity)], identity)
    if record.reply_to is None:
        out.append(b"\0")
    else:
        out.append(b"\2")
        write_reply_to(record.reply_to, out)
    workflow_type = record.workflow_type.encode()
    task_queue = record.task_queue.encode()
    out += (LONG[len(workflow_type)], workflow_type, LONG[len(task_queue)], task_queue)
    if record.args:
        out.append(LONG[len(record.args)])
        for args_item in record.args:
            write_payload(args_item, out)
    out += (
        b"\0",
        WORKFLOW_ID_REUSE_POLICY_BYTES[record.id_reuse_policy],
        WORKFLOW_ID_CONFLICT_POLICY_BYTES[record.id_conflict_policy],
        LONG[record.execution_timeout_ms],
        LONG[record.run_timeout_ms],
    )
    if record.memo:
        out.append(LONG[len(record.memo)])
        for key, memo_item in record.memo.items():
            encoded = key.encode()
            out += (LONG[len(encoded)], encoded)
            write_payload(memo_item, out)
    out += (b"\0", b"\1" if record.await_result else b"\0")


def read_start_workflow(buffer: bytes, at: int) -> tuple[StartWorkflow, int]:
    record = object.__new__(StartWorkflow)
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.request_id = buffer[at:end].decode()
    at = end
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.identity = buffer[at:end].decode()
    at = end
    if read_branch(buffer, at):
        at += 1
        record.reply_to, at = read_reply_to(buffer, at)
    else:
        record.reply_to = None
        at += 1
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.workflow_type = buffer[at:end].decode()
    at = end
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.task_queue = buffer[at:end].decode()
    at = end
    args: list[Payload] = []
    while buffer[at]:
        count, at = read_count(buffer, at)
        for _ in range(count):
            args_item, at = read_payload(buffer, at)
            args.append(args_item)
    at += 1
    record.args = args
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    record.id_reuse_policy = WORKFLOW_ID_REUSE_POLICY[size]
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    record.id_conflict_policy = WORKFLOW_ID_CONFLICT_POLICY[size]
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.execution_timeout_ms = number
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.run_timeout_ms = number
    memo: dict[str, Payload] = {}
    while buffer[at]:
        count, at = read_count(buffer, at)
        for _ in range(count):
            key, at = read_string(buffer, at)
            memo_item, at = read_payload(buffer, at)
            memo[key] = memo_item
    at += 1
    record.memo = memo
    record.await_result = buffer[at] != 0
    at += 1
    return record, at


def write_terminate_workflow(record: TerminateWorkflow, out: list[bytes]) -> None:
    request_id = record.request_id.encode()
    identity = record.identity.encode()
    out += (LONG[len(request_id)], request_id, LONG[len(identity)], identity)
    if record.reply_to is None:
        out.append(b"\0")
    else:
        out.append(b"\2")
        write_reply_to(record.reply_to, out)
    run_id = record.run_id.encode()
    first_execution_run_id = record.first_execution_run_id.encode()
    reason = record.reason.encode()
    out += (
        LONG[len(run_id)],
        run_id,
        LONG[len(first_execution_run_id)],
        first_execution_run_id,
        LONG[len(reason)],
        reason,
    )
    if record.details:
        out.append(LONG[len(record.details)])
        for details_item in record.details:
            write_payload(details_item, out)
    out.append(b"\0")


def read_terminate_workflow(buffer: bytes, at: int) -> tuple[TerminateWorkflow, int]:
    record = object.__new__(TerminateWorkflow)
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.request_id = buffer[at:end].decode()
    at = end
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.identity = buffer[at:end].decode()
    at = end
    if read_branch(buffer, at):
        at += 1
        record.reply_to, at = read_reply_to(buffer, at)
    else:
        record.reply_to = None
        at += 1
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
    record.first_execution_run_id = buffer[at:end].decode()
    at = end
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.reason = buffer[at:end].decode()
    at = end
    details: list[Payload] = []
    while buffer[at]:
        count, at = read_count(buffer, at)
        for _ in range(count):
            details_item, at = read_payload(buffer, at)
            details.append(details_item)
    at += 1
    record.details = details
    return record, at


CODECS: Codecs = {
    ActivityStarted: (
        "foldlog.command.ActivityStarted",
        b"\xc3\x01\x95\x10\xd0\xf6\xdabv*",
        write_activity_started,
        read_activity_started,
    ),
    AwaitResult: (
        "foldlog.command.AwaitResult",
        b"\xc3\x01\xe4\x9d5>\xfa\xd5a\xca",
        write_await_result,
        read_await_result,
    ),
    CancelActivity: (
        "foldlog.command.CancelActivity",
        b"\xc3\x01\x8a\xa3\xe4h\xa98\xce\x98",
        write_cancel_activity,
        read_cancel_activity,
    ),
    CancelWorkflow: (
        "foldlog.command.CancelWorkflow",
        b"\xc3\x01\x1e\x0fZ^\xc7\x0f\x80\xb3",
        write_cancel_workflow,
        read_cancel_workflow,
    ),
    CompleteActivity: (
        "foldlog.command.CompleteActivity",
        b"\xc3\x01&\x96@O\x0f\xc9\xceW",
        write_complete_activity,
        read_complete_activity,
    ),
    DescribeWorkflow: (
        "foldlog.command.DescribeWorkflow",
        b"\xc3\x01\r\xee\xe1~\xde\x0f\x11d",
        write_describe_workflow,
        read_describe_workflow,
    ),
    FailActivity: (
        "foldlog.command.FailActivity",
        b"\xc3\x01\xf6j\x82\xd6\x0b\xd1i$",
        write_fail_activity,
        read_fail_activity,
    ),
    GetHistory: (
        "foldlog.command.GetHistory",
        b"\xc3\x01\x902\xe8\xe2\x19\xa0\x13\x89",
        write_get_history,
        read_get_history,
    ),
    HeartbeatActivity: (
        "foldlog.command.HeartbeatActivity",
        b"\xc3\x01\x7f\xcb\x10\xdc\xe1\xb84\xf1",
        write_heartbeat_activity,
        read_heartbeat_activity,
    ),
    QueryWorkflow: (
        "foldlog.command.QueryWorkflow",
        b"\xc3\x01\xc7>8\x04\xd2\xdfM\x92",
        write_query_workflow,
        read_query_workflow,
    ),
    SignalWorkflow: (
        "foldlog.command.SignalWorkflow",
        b"\xc3\x01\x85R\x1bU\x86\xba\x164",
        write_signal_workflow,
        read_signal_workflow,
    ),
    StartWorkflow: (
        "foldlog.command.StartWorkflow",
        b"\xc3\x01\x8d\x16\x9bFt\x8b\x15k",
        write_start_workflow,
        read_start_workflow,
    ),
    TerminateWorkflow: (
        "foldlog.command.TerminateWorkflow",
        b"\xc3\x01^\x9fB}\x9b\x07\xc7\xde",
        write_terminate_workflow,
        read_terminate_workflow,
    ),
}
"""What there is for each record class."""
