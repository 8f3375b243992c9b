"""Avro bodies of the records of `foldlog.schemas.reply`.

Written by `python -m foldlog.schemas.generate` from avsc/reply/*.avsc:
change those, or the generator, not this.
"""

from __future__ import annotations

from typing import get_args

from foldlog.schemas._wire.common import read_failure, read_payload, write_failure, write_payload
from foldlog.schemas._wire.primitives import (
    INT,
    LENGTHS,
    LONG,
    NUMBERS,
    Codecs,
    read_branch,
    read_bytes,
    read_count,
    read_length,
    read_number,
    read_string,
)
from foldlog.schemas.common import Payload
from foldlog.schemas.reply import (
    Accepted,
    ActivityCancelRequested,
    Description,
    HistoryPage,
    PartitionMoved,
    PendingActivity,
    PendingTimer,
    QueryAnswer,
    Rejected,
    RejectionCode,
    WorkflowResult,
)

REJECTION_CODE: tuple[RejectionCode, ...] = get_args(RejectionCode)
REJECTION_CODE_BYTES = {symbol: LONG[index] for index, symbol in enumerate(REJECTION_CODE)}


def write_accepted(record: Accepted, out: list[bytes]) -> None:
    run_id = record.run_id.encode()
    out += (LONG[record.correlation_id], LONG[len(run_id)], run_id, b"\1" if record.started else b"\0")


def read_accepted(buffer: bytes, at: int) -> tuple[Accepted, int]:
    record = object.__new__(Accepted)
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.correlation_id = number
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.run_id = buffer[at:end].decode()
    at = end
    record.started = buffer[at] != 0
    at += 1
    return record, at


def write_activity_cancel_requested(record: ActivityCancelRequested, out: list[bytes]) -> None:
    run_id = record.run_id.encode()
    reason = record.reason.encode()
    out += (LONG[len(run_id)], run_id, LONG[record.scheduled_event_id], INT[record.attempt], LONG[len(reason)], reason)


def read_activity_cancel_requested(buffer: bytes, at: int) -> tuple[ActivityCancelRequested, int]:
    record = object.__new__(ActivityCancelRequested)
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
    record.reason = buffer[at:end].decode()
    at = end
    return record, at


def write_description(record: Description, out: list[bytes]) -> None:
    run_id = record.run_id.encode()
    workflow_type = record.workflow_type.encode()
    task_queue = record.task_queue.encode()
    status = record.status.encode()
    out += (
        LONG[record.correlation_id],
        LONG[len(run_id)],
        run_id,
        LONG[len(workflow_type)],
        workflow_type,
        LONG[len(task_queue)],
        task_queue,
        LONG[len(status)],
        status,
        LONG[record.start_ms],
        LONG[record.close_ms],
        LONG[record.execution_expiration_ms],
        LONG[record.history_length],
        LONG[record.history_size],
    )
    if record.memo:
        out.append(LONG[len(record.memo)])
        for key, memo_item in record.memo.items():
            encoded = key.encode()
            out += (LONG[len(encoded)], encoded)
            write_payload(memo_item, out)
    first_execution_run_id = record.first_execution_run_id.encode()
    stalled_error = record.stalled_error.encode()
    stalled_stack = record.stalled_stack.encode()
    out += (
        b"\0",
        LONG[len(first_execution_run_id)],
        first_execution_run_id,
        LONG[len(stalled_error)],
        stalled_error,
        LONG[len(stalled_stack)],
        stalled_stack,
        LONG[record.stalled_attempts],
        LONG[record.deferred_commands],
    )
    if record.pending_activities:
        out.append(LONG[len(record.pending_activities)])
        for pending_activities_item in record.pending_activities:
            write_pending_activity(pending_activities_item, out)
    out.append(b"\0")
    if record.pending_timers:
        out.append(LONG[len(record.pending_timers)])
        for pending_timers_item in record.pending_timers:
            write_pending_timer(pending_timers_item, out)
    out.append(b"\0")


def read_description(buffer: bytes, at: int) -> tuple[Description, int]:
    record = object.__new__(Description)
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.correlation_id = number
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
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.task_queue = buffer[at:end].decode()
    at = end
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.status = buffer[at:end].decode()
    at = end
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.start_ms = number
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.close_ms = number
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.execution_expiration_ms = number
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.history_length = number
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.history_size = number
    memo: dict[str, Payload] = {}
    while buffer[at]:
        count, at = read_count(buffer, at)
        for _ in range(count):
            key, at = read_string(buffer, at)
            memo_item, at = read_payload(buffer, at)
            memo[key] = memo_item
    at += 1
    record.memo = memo
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
    record.stalled_error = buffer[at:end].decode()
    at = end
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.stalled_stack = buffer[at:end].decode()
    at = end
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.stalled_attempts = number
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.deferred_commands = number
    pending_activities: list[PendingActivity] = []
    while buffer[at]:
        count, at = read_count(buffer, at)
        for _ in range(count):
            pending_activities_item, at = read_pending_activity(buffer, at)
            pending_activities.append(pending_activities_item)
    at += 1
    record.pending_activities = pending_activities
    pending_timers: list[PendingTimer] = []
    while buffer[at]:
        count, at = read_count(buffer, at)
        for _ in range(count):
            pending_timers_item, at = read_pending_timer(buffer, at)
            pending_timers.append(pending_timers_item)
    at += 1
    record.pending_timers = pending_timers
    return record, at


def write_history_page(record: HistoryPage, out: list[bytes]) -> None:
    run_id = record.run_id.encode()
    out += (LONG[record.correlation_id], LONG[len(run_id)], run_id)
    if record.events:
        out.append(LONG[len(record.events)])
        for events_item in record.events:
            encoded = events_item
            out += (LONG[len(encoded)], encoded)
    out += (b"\0", LONG[record.next_event_id])


def read_history_page(buffer: bytes, at: int) -> tuple[HistoryPage, int]:
    record = object.__new__(HistoryPage)
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.correlation_id = number
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.run_id = buffer[at:end].decode()
    at = end
    events: list[bytes] = []
    while buffer[at]:
        count, at = read_count(buffer, at)
        for _ in range(count):
            events_item, at = read_bytes(buffer, at)
            events.append(events_item)
    at += 1
    record.events = events
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.next_event_id = number
    return record, at


def write_partition_moved(record: PartitionMoved, out: list[bytes]) -> None:
    instance = record.instance.encode()
    out += (INT[record.partition], LONG[len(instance)], instance)


def read_partition_moved(buffer: bytes, at: int) -> tuple[PartitionMoved, int]:
    record = object.__new__(PartitionMoved)
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.partition = number
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.instance = buffer[at:end].decode()
    at = end
    return record, at


def write_pending_activity(record: PendingActivity, out: list[bytes]) -> None:
    activity_id = record.activity_id.encode()
    activity_type = record.activity_type.encode()
    task_queue = record.task_queue.encode()
    state = record.state.encode()
    identity = record.identity.encode()
    out += (
        LONG[len(activity_id)],
        activity_id,
        LONG[len(activity_type)],
        activity_type,
        LONG[len(task_queue)],
        task_queue,
        LONG[len(state)],
        state,
        INT[record.attempt],
        LONG[record.scheduled_ms],
        LONG[record.started_ms],
        LONG[record.heartbeat_ms],
        LONG[record.next_attempt_ms],
        LONG[len(identity)],
        identity,
    )
    if record.last_failure is None:
        out.append(b"\0")
    else:
        out.append(b"\2")
        write_failure(record.last_failure, out)
    if record.heartbeat_details:
        out.append(LONG[len(record.heartbeat_details)])
        for heartbeat_details_item in record.heartbeat_details:
            write_payload(heartbeat_details_item, out)
    out.append(b"\0")


def read_pending_activity(buffer: bytes, at: int) -> tuple[PendingActivity, int]:
    record = object.__new__(PendingActivity)
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
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.task_queue = buffer[at:end].decode()
    at = end
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.state = buffer[at:end].decode()
    at = end
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.attempt = number
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.scheduled_ms = number
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.started_ms = number
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.heartbeat_ms = number
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.next_attempt_ms = number
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.identity = buffer[at:end].decode()
    at = end
    if read_branch(buffer, at):
        at += 1
        record.last_failure, at = read_failure(buffer, at)
    else:
        record.last_failure = None
        at += 1
    heartbeat_details: list[Payload] = []
    while buffer[at]:
        count, at = read_count(buffer, at)
        for _ in range(count):
            heartbeat_details_item, at = read_payload(buffer, at)
            heartbeat_details.append(heartbeat_details_item)
    at += 1
    record.heartbeat_details = heartbeat_details
    return record, at


def write_pending_timer(record: PendingTimer, out: list[bytes]) -> None:
    out += (LONG[record.timer_id], LONG[record.fire_ms])


def read_pending_timer(buffer: bytes, at: int) -> tuple[PendingTimer, int]:
    record = object.__new__(PendingTimer)
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.timer_id = number
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.fire_ms = number
    return record, at


def write_query_answer(record: QueryAnswer, out: list[bytes]) -> None:
    out.append(LONG[record.correlation_id])
    write_payload(record.result, out)


def read_query_answer(buffer: bytes, at: int) -> tuple[QueryAnswer, int]:
    record = object.__new__(QueryAnswer)
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.correlation_id = number
    record.result, at = read_payload(buffer, at)
    return record, at


def write_rejected(record: Rejected, out: list[bytes]) -> None:
    message = record.message.encode()
    run_id = record.run_id.encode()
    status = record.status.encode()
    out += (
        LONG[record.correlation_id],
        REJECTION_CODE_BYTES[record.code],
        LONG[len(message)],
        message,
        LONG[len(run_id)],
        run_id,
        LONG[len(status)],
        status,
    )
    if record.failure is None:
        out.append(b"\0")
    else:
        out.append(b"\2")
        write_failure(record.failure, out)


def read_rejected(buffer: bytes, at: int) -> tuple[Rejected, int]:
    record = object.__new__(Rejected)
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.correlation_id = number
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    record.code = REJECTION_CODE[size]
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
    record.run_id = buffer[at:end].decode()
    at = end
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.status = buffer[at:end].decode()
    at = end
    if read_branch(buffer, at):
        at += 1
        record.failure, at = read_failure(buffer, at)
    else:
        record.failure = None
        at += 1
    return record, at


def write_workflow_result(record: WorkflowResult, out: list[bytes]) -> None:
    run_id = record.run_id.encode()
    status = record.status.encode()
    out += (LONG[record.correlation_id], LONG[len(run_id)], run_id, LONG[len(status)], status)
    if record.result is None:
        out.append(b"\0")
    else:
        out.append(b"\2")
        write_payload(record.result, out)
    if record.failure is None:
        out.append(b"\0")
    else:
        out.append(b"\2")
        write_failure(record.failure, out)
    new_run_id = record.new_run_id.encode()
    out += (LONG[len(new_run_id)], new_run_id)


def read_workflow_result(buffer: bytes, at: int) -> tuple[WorkflowResult, int]:
    record = object.__new__(WorkflowResult)
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.correlation_id = number
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
    record.status = buffer[at:end].decode()
    at = end
    if read_branch(buffer, at):
        at += 1
        record.result, at = read_payload(buffer, at)
    else:
        record.result = None
        at += 1
    if read_branch(buffer, at):
        at += 1
        record.failure, at = read_failure(buffer, at)
    else:
        record.failure = None
        at += 1
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.new_run_id = buffer[at:end].decode()
    at = end
    return record, at


CODECS: Codecs = {
    Accepted: ("foldlog.reply.Accepted", b"\xc3\x01%\x7fh\xd9}c\xa7\xd5", write_accepted, read_accepted),
    ActivityCancelRequested: (
        "foldlog.reply.ActivityCancelRequested",
        b"\xc3\x01{\xff\xb2\xc6s\xadt2",
        write_activity_cancel_requested,
        read_activity_cancel_requested,
    ),
    Description: (
        "foldlog.reply.Description",
        b"\xc3\x01\x10\x1c\xa16\xb6b\x1e\x84",
        write_description,
        read_description,
    ),
    HistoryPage: (
        "foldlog.reply.HistoryPage",
        b"\xc3\x01B\xcd\x1a\xd2\xfaN\xfa\x80",
        write_history_page,
        read_history_page,
    ),
    PartitionMoved: (
        "foldlog.reply.PartitionMoved",
        b"\xc3\x01\xba\x9f~c9\xc3\xae\xf0",
        write_partition_moved,
        read_partition_moved,
    ),
    PendingActivity: ("foldlog.reply.PendingActivity", b"", write_pending_activity, read_pending_activity),
    PendingTimer: ("foldlog.reply.PendingTimer", b"", write_pending_timer, read_pending_timer),
    QueryAnswer: ("foldlog.reply.QueryAnswer", b"\xc3\x01\xde\xc9\x8aa'r\xe8z", write_query_answer, read_query_answer),
    Rejected: ("foldlog.reply.Rejected", b"\xc3\x01\xdd\xdecL\x8b7\xf2\xf1", write_rejected, read_rejected),
    WorkflowResult: (
        "foldlog.reply.WorkflowResult",
        b"\xc3\x01\xd8F\xe5U\x07F\x8e\xcb",
        write_workflow_result,
        read_workflow_result,
    ),
}
"""What there is for each record class."""
