"""Avro bodies of the records of `foldlog.schemas.event`.

Written by `python -m foldlog.schemas.generate` from avsc/event/*.avsc:
change those, or the generator, not this.
"""

from __future__ import annotations

from foldlog.schemas._wire.common import (
    read_failure,
    read_payload,
    read_retry_policy,
    write_failure,
    write_payload,
    write_retry_policy,
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
from foldlog.schemas.common import Payload
from foldlog.schemas.event import (
    ActivityTaskCanceled,
    ActivityTaskCancelRequested,
    ActivityTaskCompleted,
    ActivityTaskFailed,
    ActivityTaskScheduled,
    ActivityTaskTimedOut,
    LocalActivityCompleted,
    TimerCanceled,
    TimerFired,
    TimerStarted,
    WorkflowExecutionCanceled,
    WorkflowExecutionCancelRequested,
    WorkflowExecutionCompleted,
    WorkflowExecutionFailed,
    WorkflowExecutionSignaled,
    WorkflowExecutionStarted,
    WorkflowExecutionTerminated,
    WorkflowExecutionTimedOut,
)


def write_activity_task_cancel_requested(record: ActivityTaskCancelRequested, out: list[bytes]) -> None:
    run_id = record.run_id.encode()
    chain = record.chain
    out += (
        LONG[len(run_id)],
        run_id,
        LONG[record.event_id],
        LONG[record.time_ms],
        LONG[len(chain)],
        chain,
        LONG[record.scheduled_event_id],
    )


def read_activity_task_cancel_requested(buffer: bytes, at: int) -> tuple[ActivityTaskCancelRequested, int]:
    record = object.__new__(ActivityTaskCancelRequested)
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
    record.event_id = number
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.time_ms = number
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.chain = buffer[at:end]
    at = end
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.scheduled_event_id = number
    return record, at


def write_activity_task_canceled(record: ActivityTaskCanceled, out: list[bytes]) -> None:
    run_id = record.run_id.encode()
    chain = record.chain
    identity = record.identity.encode()
    out += (
        LONG[len(run_id)],
        run_id,
        LONG[record.event_id],
        LONG[record.time_ms],
        LONG[len(chain)],
        chain,
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


def read_activity_task_canceled(buffer: bytes, at: int) -> tuple[ActivityTaskCanceled, int]:
    record = object.__new__(ActivityTaskCanceled)
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
    record.event_id = number
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.time_ms = number
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.chain = buffer[at:end]
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


def write_activity_task_completed(record: ActivityTaskCompleted, out: list[bytes]) -> None:
    run_id = record.run_id.encode()
    chain = record.chain
    identity = record.identity.encode()
    out += (
        LONG[len(run_id)],
        run_id,
        LONG[record.event_id],
        LONG[record.time_ms],
        LONG[len(chain)],
        chain,
        LONG[record.scheduled_event_id],
        INT[record.attempt],
        LONG[len(identity)],
        identity,
    )
    write_payload(record.result, out)


def read_activity_task_completed(buffer: bytes, at: int) -> tuple[ActivityTaskCompleted, int]:
    record = object.__new__(ActivityTaskCompleted)
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
    record.event_id = number
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.time_ms = number
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.chain = buffer[at:end]
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


def write_activity_task_failed(record: ActivityTaskFailed, out: list[bytes]) -> None:
    run_id = record.run_id.encode()
    chain = record.chain
    identity = record.identity.encode()
    out += (
        LONG[len(run_id)],
        run_id,
        LONG[record.event_id],
        LONG[record.time_ms],
        LONG[len(chain)],
        chain,
        LONG[record.scheduled_event_id],
        INT[record.attempt],
        LONG[len(identity)],
        identity,
    )
    write_failure(record.failure, out)
    retry_state = record.retry_state.encode()
    out += (LONG[len(retry_state)], retry_state)


def read_activity_task_failed(buffer: bytes, at: int) -> tuple[ActivityTaskFailed, int]:
    record = object.__new__(ActivityTaskFailed)
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
    record.event_id = number
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.time_ms = number
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.chain = buffer[at:end]
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
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.retry_state = buffer[at:end].decode()
    at = end
    return record, at


def write_activity_task_scheduled(record: ActivityTaskScheduled, out: list[bytes]) -> None:
    run_id = record.run_id.encode()
    chain = record.chain
    activity_id = record.activity_id.encode()
    activity_type = record.activity_type.encode()
    task_queue = record.task_queue.encode()
    out += (
        LONG[len(run_id)],
        run_id,
        LONG[record.event_id],
        LONG[record.time_ms],
        LONG[len(chain)],
        chain,
        LONG[len(activity_id)],
        activity_id,
        LONG[len(activity_type)],
        activity_type,
        LONG[len(task_queue)],
        task_queue,
    )
    if record.args:
        out.append(LONG[len(record.args)])
        for args_item in record.args:
            write_payload(args_item, out)
    out += (
        b"\0",
        LONG[record.schedule_to_close_timeout_ms],
        LONG[record.schedule_to_start_timeout_ms],
        LONG[record.start_to_close_timeout_ms],
        LONG[record.heartbeat_timeout_ms],
    )
    if record.retry_policy is None:
        out.append(b"\0")
    else:
        out.append(b"\2")
        write_retry_policy(record.retry_policy, out)
    out.append(b"\1" if record.eager else b"\0")


def read_activity_task_scheduled(buffer: bytes, at: int) -> tuple[ActivityTaskScheduled, int]:
    record = object.__new__(ActivityTaskScheduled)
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
    record.event_id = number
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.time_ms = number
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.chain = buffer[at:end]
    at = end
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
    args: list[Payload] = []
    while buffer[at]:
        count, at = read_count(buffer, at)
        for _ in range(count):
            args_item, at = read_payload(buffer, at)
            args.append(args_item)
    at += 1
    record.args = args
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.schedule_to_close_timeout_ms = number
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.schedule_to_start_timeout_ms = number
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.start_to_close_timeout_ms = number
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.heartbeat_timeout_ms = number
    if read_branch(buffer, at):
        at += 1
        record.retry_policy, at = read_retry_policy(buffer, at)
    else:
        record.retry_policy = None
        at += 1
    record.eager = buffer[at] != 0
    at += 1
    return record, at


def write_activity_task_timed_out(record: ActivityTaskTimedOut, out: list[bytes]) -> None:
    run_id = record.run_id.encode()
    chain = record.chain
    out += (
        LONG[len(run_id)],
        run_id,
        LONG[record.event_id],
        LONG[record.time_ms],
        LONG[len(chain)],
        chain,
        LONG[record.scheduled_event_id],
        INT[record.attempt],
    )
    write_failure(record.failure, out)
    retry_state = record.retry_state.encode()
    out += (LONG[len(retry_state)], retry_state)


def read_activity_task_timed_out(buffer: bytes, at: int) -> tuple[ActivityTaskTimedOut, int]:
    record = object.__new__(ActivityTaskTimedOut)
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
    record.event_id = number
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.time_ms = number
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.chain = buffer[at:end]
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
    record.failure, at = read_failure(buffer, at)
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.retry_state = buffer[at:end].decode()
    at = end
    return record, at


def write_local_activity_completed(record: LocalActivityCompleted, out: list[bytes]) -> None:
    run_id = record.run_id.encode()
    chain = record.chain
    activity_id = record.activity_id.encode()
    activity_type = record.activity_type.encode()
    out += (
        LONG[len(run_id)],
        run_id,
        LONG[record.event_id],
        LONG[record.time_ms],
        LONG[len(chain)],
        chain,
        LONG[len(activity_id)],
        activity_id,
        LONG[len(activity_type)],
        activity_type,
        INT[record.attempt],
    )
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


def read_local_activity_completed(buffer: bytes, at: int) -> tuple[LocalActivityCompleted, int]:
    record = object.__new__(LocalActivityCompleted)
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
    record.event_id = number
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.time_ms = number
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.chain = buffer[at:end]
    at = end
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
    record.attempt = number
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
    return record, at


def write_timer_canceled(record: TimerCanceled, out: list[bytes]) -> None:
    run_id = record.run_id.encode()
    chain = record.chain
    out += (
        LONG[len(run_id)],
        run_id,
        LONG[record.event_id],
        LONG[record.time_ms],
        LONG[len(chain)],
        chain,
        LONG[record.timer_id],
        LONG[record.started_event_id],
    )


def read_timer_canceled(buffer: bytes, at: int) -> tuple[TimerCanceled, int]:
    record = object.__new__(TimerCanceled)
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
    record.event_id = number
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.time_ms = number
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.chain = buffer[at:end]
    at = end
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.timer_id = number
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.started_event_id = number
    return record, at


def write_timer_fired(record: TimerFired, out: list[bytes]) -> None:
    run_id = record.run_id.encode()
    chain = record.chain
    out += (
        LONG[len(run_id)],
        run_id,
        LONG[record.event_id],
        LONG[record.time_ms],
        LONG[len(chain)],
        chain,
        LONG[record.timer_id],
        LONG[record.started_event_id],
    )


def read_timer_fired(buffer: bytes, at: int) -> tuple[TimerFired, int]:
    record = object.__new__(TimerFired)
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
    record.event_id = number
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.time_ms = number
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.chain = buffer[at:end]
    at = end
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.timer_id = number
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.started_event_id = number
    return record, at


def write_timer_started(record: TimerStarted, out: list[bytes]) -> None:
    run_id = record.run_id.encode()
    chain = record.chain
    out += (
        LONG[len(run_id)],
        run_id,
        LONG[record.event_id],
        LONG[record.time_ms],
        LONG[len(chain)],
        chain,
        LONG[record.timer_id],
        LONG[record.fire_ms],
    )


def read_timer_started(buffer: bytes, at: int) -> tuple[TimerStarted, int]:
    record = object.__new__(TimerStarted)
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
    record.event_id = number
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.time_ms = number
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.chain = buffer[at:end]
    at = end
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


def write_workflow_execution_cancel_requested(record: WorkflowExecutionCancelRequested, out: list[bytes]) -> None:
    run_id = record.run_id.encode()
    chain = record.chain
    reason = record.reason.encode()
    request_id = record.request_id.encode()
    identity = record.identity.encode()
    out += (
        LONG[len(run_id)],
        run_id,
        LONG[record.event_id],
        LONG[record.time_ms],
        LONG[len(chain)],
        chain,
        LONG[len(reason)],
        reason,
        LONG[len(request_id)],
        request_id,
        LONG[len(identity)],
        identity,
    )


def read_workflow_execution_cancel_requested(buffer: bytes, at: int) -> tuple[WorkflowExecutionCancelRequested, int]:
    record = object.__new__(WorkflowExecutionCancelRequested)
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
    record.event_id = number
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.time_ms = number
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.chain = buffer[at:end]
    at = end
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.reason = buffer[at:end].decode()
    at = end
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
    return record, at


def write_workflow_execution_canceled(record: WorkflowExecutionCanceled, out: list[bytes]) -> None:
    run_id = record.run_id.encode()
    chain = record.chain
    out += (LONG[len(run_id)], run_id, LONG[record.event_id], LONG[record.time_ms], LONG[len(chain)], chain)
    if record.details:
        out.append(LONG[len(record.details)])
        for details_item in record.details:
            write_payload(details_item, out)
    out.append(b"\0")


def read_workflow_execution_canceled(buffer: bytes, at: int) -> tuple[WorkflowExecutionCanceled, int]:
    record = object.__new__(WorkflowExecutionCanceled)
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
    record.event_id = number
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.time_ms = number
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.chain = buffer[at:end]
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


def write_workflow_execution_completed(record: WorkflowExecutionCompleted, out: list[bytes]) -> None:
    run_id = record.run_id.encode()
    chain = record.chain
    out += (LONG[len(run_id)], run_id, LONG[record.event_id], LONG[record.time_ms], LONG[len(chain)], chain)
    write_payload(record.result, out)


def read_workflow_execution_completed(buffer: bytes, at: int) -> tuple[WorkflowExecutionCompleted, int]:
    record = object.__new__(WorkflowExecutionCompleted)
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
    record.event_id = number
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.time_ms = number
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.chain = buffer[at:end]
    at = end
    record.result, at = read_payload(buffer, at)
    return record, at


def write_workflow_execution_failed(record: WorkflowExecutionFailed, out: list[bytes]) -> None:
    run_id = record.run_id.encode()
    chain = record.chain
    out += (LONG[len(run_id)], run_id, LONG[record.event_id], LONG[record.time_ms], LONG[len(chain)], chain)
    write_failure(record.failure, out)


def read_workflow_execution_failed(buffer: bytes, at: int) -> tuple[WorkflowExecutionFailed, int]:
    record = object.__new__(WorkflowExecutionFailed)
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
    record.event_id = number
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.time_ms = number
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.chain = buffer[at:end]
    at = end
    record.failure, at = read_failure(buffer, at)
    return record, at


def write_workflow_execution_signaled(record: WorkflowExecutionSignaled, out: list[bytes]) -> None:
    run_id = record.run_id.encode()
    chain = record.chain
    signal_name = record.signal_name.encode()
    out += (
        LONG[len(run_id)],
        run_id,
        LONG[record.event_id],
        LONG[record.time_ms],
        LONG[len(chain)],
        chain,
        LONG[len(signal_name)],
        signal_name,
    )
    if record.args:
        out.append(LONG[len(record.args)])
        for args_item in record.args:
            write_payload(args_item, out)
    request_id = record.request_id.encode()
    identity = record.identity.encode()
    out += (b"\0", LONG[len(request_id)], request_id, LONG[len(identity)], identity)


def read_workflow_execution_signaled(buffer: bytes, at: int) -> tuple[WorkflowExecutionSignaled, int]:
    record = object.__new__(WorkflowExecutionSignaled)
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
    record.event_id = number
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.time_ms = number
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.chain = buffer[at:end]
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
    return record, at


def write_workflow_execution_started(record: WorkflowExecutionStarted, out: list[bytes]) -> None:
    run_id = record.run_id.encode()
    chain = record.chain
    workflow_type = record.workflow_type.encode()
    task_queue = record.task_queue.encode()
    out += (
        LONG[len(run_id)],
        run_id,
        LONG[record.event_id],
        LONG[record.time_ms],
        LONG[len(chain)],
        chain,
        LONG[len(workflow_type)],
        workflow_type,
        LONG[len(task_queue)],
        task_queue,
    )
    if record.args:
        out.append(LONG[len(record.args)])
        for args_item in record.args:
            write_payload(args_item, out)
    out += (b"\0", LONG[record.execution_timeout_ms], LONG[record.run_timeout_ms], LONG[record.execution_expiration_ms])
    if record.memo:
        out.append(LONG[len(record.memo)])
        for key, memo_item in record.memo.items():
            encoded = key.encode()
            out += (LONG[len(encoded)], encoded)
            write_payload(memo_item, out)
    first_execution_run_id = record.first_execution_run_id.encode()
    request_id = record.request_id.encode()
    identity = record.identity.encode()
    out += (
        b"\0",
        LONG[len(first_execution_run_id)],
        first_execution_run_id,
        LONG[len(request_id)],
        request_id,
        LONG[len(identity)],
        identity,
    )


def read_workflow_execution_started(buffer: bytes, at: int) -> tuple[WorkflowExecutionStarted, int]:
    record = object.__new__(WorkflowExecutionStarted)
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
    record.event_id = number
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.time_ms = number
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.chain = buffer[at:end]
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
    args: list[Payload] = []
    while buffer[at]:
        count, at = read_count(buffer, at)
        for _ in range(count):
            args_item, at = read_payload(buffer, at)
            args.append(args_item)
    at += 1
    record.args = args
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
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.execution_expiration_ms = number
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
    record.request_id = buffer[at:end].decode()
    at = end
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.identity = buffer[at:end].decode()
    at = end
    return record, at


def write_workflow_execution_terminated(record: WorkflowExecutionTerminated, out: list[bytes]) -> None:
    run_id = record.run_id.encode()
    chain = record.chain
    reason = record.reason.encode()
    out += (
        LONG[len(run_id)],
        run_id,
        LONG[record.event_id],
        LONG[record.time_ms],
        LONG[len(chain)],
        chain,
        LONG[len(reason)],
        reason,
    )
    if record.details:
        out.append(LONG[len(record.details)])
        for details_item in record.details:
            write_payload(details_item, out)
    request_id = record.request_id.encode()
    identity = record.identity.encode()
    out += (b"\0", LONG[len(request_id)], request_id, LONG[len(identity)], identity)


def read_workflow_execution_terminated(buffer: bytes, at: int) -> tuple[WorkflowExecutionTerminated, int]:
    record = object.__new__(WorkflowExecutionTerminated)
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
    record.event_id = number
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.time_ms = number
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.chain = buffer[at:end]
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
    return record, at


def write_workflow_execution_timed_out(record: WorkflowExecutionTimedOut, out: list[bytes]) -> None:
    run_id = record.run_id.encode()
    chain = record.chain
    out += (
        LONG[len(run_id)],
        run_id,
        LONG[record.event_id],
        LONG[record.time_ms],
        LONG[len(chain)],
        chain,
        b"\1" if record.execution else b"\0",
    )


def read_workflow_execution_timed_out(buffer: bytes, at: int) -> tuple[WorkflowExecutionTimedOut, int]:
    record = object.__new__(WorkflowExecutionTimedOut)
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
    record.event_id = number
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.time_ms = number
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.chain = buffer[at:end]
    at = end
    record.execution = buffer[at] != 0
    at += 1
    return record, at


CODECS: Codecs = {
    ActivityTaskCancelRequested: (
        "foldlog.event.ActivityTaskCancelRequested",
        b"\xc3\x01=\xc8\x7f\xb8\xd62U.",
        write_activity_task_cancel_requested,
        read_activity_task_cancel_requested,
    ),
    ActivityTaskCanceled: (
        "foldlog.event.ActivityTaskCanceled",
        b"\xc3\x01\xf6!1\x84\xb9\x92\x8e\xc1",
        write_activity_task_canceled,
        read_activity_task_canceled,
    ),
    ActivityTaskCompleted: (
        "foldlog.event.ActivityTaskCompleted",
        b'\xc3\x01\xc4&\x8d5"\x8e\xf8\xa3',
        write_activity_task_completed,
        read_activity_task_completed,
    ),
    ActivityTaskFailed: (
        "foldlog.event.ActivityTaskFailed",
        b"\xc3\x01\xf0\t\xb7KK\nN\xd5",
        write_activity_task_failed,
        read_activity_task_failed,
    ),
    ActivityTaskScheduled: (
        "foldlog.event.ActivityTaskScheduled",
        b"\xc3\x01)\x86\xdfI\xef\x9ds\xaa",
        write_activity_task_scheduled,
        read_activity_task_scheduled,
    ),
    ActivityTaskTimedOut: (
        "foldlog.event.ActivityTaskTimedOut",
        b"\xc3\x01V\xe8\xc2\xc4\xeaI\xc2#",
        write_activity_task_timed_out,
        read_activity_task_timed_out,
    ),
    LocalActivityCompleted: (
        "foldlog.event.LocalActivityCompleted",
        b"\xc3\x01?\xdby\xfe\xe1\x9c\xf8\xcc",
        write_local_activity_completed,
        read_local_activity_completed,
    ),
    TimerCanceled: (
        "foldlog.event.TimerCanceled",
        b"\xc3\x01\xbd\x9a\x1e\xb0\xd3\xcc\n%",
        write_timer_canceled,
        read_timer_canceled,
    ),
    TimerFired: ("foldlog.event.TimerFired", b"\xc3\x01\xe0\xfe\xfd\x94\x07^&[", write_timer_fired, read_timer_fired),
    TimerStarted: ("foldlog.event.TimerStarted", b"\xc3\x01>1\xe7\xdbhh\xeco", write_timer_started, read_timer_started),
    WorkflowExecutionCancelRequested: (
        "foldlog.event.WorkflowExecutionCancelRequested",
        b"\xc3\x01P\x96\x1d\x80\\^\xda\x7f",
        write_workflow_execution_cancel_requested,
        read_workflow_execution_cancel_requested,
    ),
    WorkflowExecutionCanceled: (
        "foldlog.event.WorkflowExecutionCanceled",
        b"\xc3\x01g)\x19\xc21\x19vF",
        write_workflow_execution_canceled,
        read_workflow_execution_canceled,
    ),
    WorkflowExecutionCompleted: (
        "foldlog.event.WorkflowExecutionCompleted",
        b"\xc3\x01\x81\xa2\x1e\xf72\x87\xf5r",
        write_workflow_execution_completed,
        read_workflow_execution_completed,
    ),
    WorkflowExecutionFailed: (
        "foldlog.event.WorkflowExecutionFailed",
        b"\xc3\x01\xa1\x92C\xf2\x92wk\xa5",
        write_workflow_execution_failed,
        read_workflow_execution_failed,
    ),
    WorkflowExecutionSignaled: (
        "foldlog.event.WorkflowExecutionSignaled",
        b"\xc3\x01\x04\xd8F\x08\xf5\x8f\x05\xc4",
        write_workflow_execution_signaled,
        read_workflow_execution_signaled,
    ),
    WorkflowExecutionStarted: (
        "foldlog.event.WorkflowExecutionStarted",
        b"\xc3\x01\x1cf\xfa\xad2=\xf2`",
        write_workflow_execution_started,
        read_workflow_execution_started,
    ),
    WorkflowExecutionTerminated: (
        "foldlog.event.WorkflowExecutionTerminated",
        b"\xc3\x01u\xab,\xce\x1f\x16z\xef",
        write_workflow_execution_terminated,
        read_workflow_execution_terminated,
    ),
    WorkflowExecutionTimedOut: (
        "foldlog.event.WorkflowExecutionTimedOut",
        b"\xc3\x015I\xc2\x05\xf9M2N",
        write_workflow_execution_timed_out,
        read_workflow_execution_timed_out,
    ),
}
"""What there is for each record class."""
