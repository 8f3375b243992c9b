"""Avro bodies of the records of `foldlog.schemas.log`.

Written by `python -m foldlog.schemas.generate` from avsc/log/*.avsc:
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
)
from foldlog.schemas.common import Payload
from foldlog.schemas.log import (
    ActivityAttempt,
    AttemptPhase,
    BatchCommitted,
    CommandDeferred,
    LocalActivityStarted,
    PartitionOpened,
    RequestRejected,
    WorkflowResumed,
    WorkflowStalled,
)

ATTEMPT_PHASE: tuple[AttemptPhase, ...] = get_args(AttemptPhase)
ATTEMPT_PHASE_BYTES = {symbol: LONG[index] for index, symbol in enumerate(ATTEMPT_PHASE)}


def write_activity_attempt(record: ActivityAttempt, out: list[bytes]) -> None:
    run_id = record.run_id.encode()
    out += (
        LONG[len(run_id)],
        run_id,
        LONG[record.scheduled_event_id],
        INT[record.attempt],
        ATTEMPT_PHASE_BYTES[record.phase],
        LONG[record.attempt_ms],
        LONG[record.started_ms],
        LONG[record.heartbeat_ms],
    )
    if record.worker is None:
        out.append(b"\0")
    else:
        out.append(b"\2")
        write_reply_to(record.worker, out)
    identity = record.identity.encode()
    out += (LONG[len(identity)], identity)
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


def read_activity_attempt(buffer: bytes, at: int) -> tuple[ActivityAttempt, int]:
    record = object.__new__(ActivityAttempt)
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
    record.phase = ATTEMPT_PHASE[size]
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.attempt_ms = number
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
    if read_branch(buffer, at):
        at += 1
        record.worker, at = read_reply_to(buffer, at)
    else:
        record.worker = None
        at += 1
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


def write_batch_committed(record: BatchCommitted, out: list[bytes]) -> None:
    out += (LONG[record.commands_offset], LONG[record.time_ms])


def read_batch_committed(buffer: bytes, at: int) -> tuple[BatchCommitted, int]:
    record = object.__new__(BatchCommitted)
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.commands_offset = number
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.time_ms = number
    return record, at


def write_command_deferred(record: CommandDeferred, out: list[bytes]) -> None:
    run_id = record.run_id.encode()
    command = record.command
    out += (LONG[len(run_id)], run_id, LONG[record.ordinal], LONG[len(command)], command)


def read_command_deferred(buffer: bytes, at: int) -> tuple[CommandDeferred, int]:
    record = object.__new__(CommandDeferred)
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
    record.ordinal = number
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.command = buffer[at:end]
    at = end
    return record, at


def write_local_activity_started(record: LocalActivityStarted, out: list[bytes]) -> None:
    run_id = record.run_id.encode()
    activity_id = record.activity_id.encode()
    out += (LONG[len(run_id)], run_id, LONG[len(activity_id)], activity_id)


def read_local_activity_started(buffer: bytes, at: int) -> tuple[LocalActivityStarted, int]:
    record = object.__new__(LocalActivityStarted)
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
    record.activity_id = buffer[at:end].decode()
    at = end
    return record, at


def write_partition_opened(record: PartitionOpened, out: list[bytes]) -> None:
    instance = record.instance.encode()
    epoch = record.epoch.encode()
    build_id = record.build_id.encode()
    out += (
        LONG[len(instance)],
        instance,
        LONG[len(epoch)],
        epoch,
        INT[record.partition_count],
        LONG[len(build_id)],
        build_id,
        LONG[record.time_ms],
    )


def read_partition_opened(buffer: bytes, at: int) -> tuple[PartitionOpened, int]:
    record = object.__new__(PartitionOpened)
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.instance = buffer[at:end].decode()
    at = end
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.epoch = buffer[at:end].decode()
    at = end
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.partition_count = number
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.build_id = buffer[at:end].decode()
    at = end
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.time_ms = number
    return record, at


def write_request_rejected(record: RequestRejected, out: list[bytes]) -> None:
    request_id = record.request_id.encode()
    answer = record.answer
    out += (LONG[len(request_id)], request_id, LONG[len(answer)], answer, LONG[record.time_ms])


def read_request_rejected(buffer: bytes, at: int) -> tuple[RequestRejected, int]:
    record = object.__new__(RequestRejected)
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
    record.answer = buffer[at:end]
    at = end
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.time_ms = number
    return record, at


def write_workflow_resumed(record: WorkflowResumed, out: list[bytes]) -> None:
    run_id = record.run_id.encode()
    out += (LONG[len(run_id)], run_id, LONG[record.handled_ordinal])


def read_workflow_resumed(buffer: bytes, at: int) -> tuple[WorkflowResumed, int]:
    record = object.__new__(WorkflowResumed)
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
    record.handled_ordinal = number
    return record, at


def write_workflow_stalled(record: WorkflowStalled, out: list[bytes]) -> None:
    run_id = record.run_id.encode()
    error = record.error.encode()
    stack_trace = record.stack_trace.encode()
    build_id = record.build_id.encode()
    out += (
        LONG[len(run_id)],
        run_id,
        LONG[len(error)],
        error,
        LONG[len(stack_trace)],
        stack_trace,
        INT[record.attempts],
        LONG[record.retry_ms],
        LONG[record.since_ms],
        LONG[len(build_id)],
        build_id,
    )


def read_workflow_stalled(buffer: bytes, at: int) -> tuple[WorkflowStalled, int]:
    record = object.__new__(WorkflowStalled)
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
    record.error = buffer[at:end].decode()
    at = end
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.stack_trace = buffer[at:end].decode()
    at = end
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.attempts = number
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.retry_ms = number
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.since_ms = number
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.build_id = buffer[at:end].decode()
    at = end
    return record, at


CODECS: Codecs = {
    ActivityAttempt: (
        "foldlog.log.ActivityAttempt",
        b"\xc3\x01\xf9x\xb6j\xb4\tz\x0c",
        write_activity_attempt,
        read_activity_attempt,
    ),
    BatchCommitted: (
        "foldlog.log.BatchCommitted",
        b"\xc3\x01\x8aQr?\x9ar\x01`",
        write_batch_committed,
        read_batch_committed,
    ),
    CommandDeferred: (
        "foldlog.log.CommandDeferred",
        b"\xc3\x01\xd1\xfacbp\xc4\xa5\x14",
        write_command_deferred,
        read_command_deferred,
    ),
    LocalActivityStarted: (
        "foldlog.log.LocalActivityStarted",
        b"\xc3\x01\x93^Di\xfa\xd8\xcen",
        write_local_activity_started,
        read_local_activity_started,
    ),
    PartitionOpened: (
        "foldlog.log.PartitionOpened",
        b"\xc3\x01;o\xd7\xcb.\x03u6",
        write_partition_opened,
        read_partition_opened,
    ),
    RequestRejected: (
        "foldlog.log.RequestRejected",
        b"\xc3\x01\xb5\xe0\xd7]@M\xd6\xe7",
        write_request_rejected,
        read_request_rejected,
    ),
    WorkflowResumed: (
        "foldlog.log.WorkflowResumed",
        b"\xc3\x01\xed\xb82\xc7y\x12\xd1-",
        write_workflow_resumed,
        read_workflow_resumed,
    ),
    WorkflowStalled: (
        "foldlog.log.WorkflowStalled",
        b"\xc3\x01\xe3\xf4\xc9\xda\x9d0\x1d\xb3",
        write_workflow_stalled,
        read_workflow_stalled,
    ),
}
"""What there is for each record class."""
