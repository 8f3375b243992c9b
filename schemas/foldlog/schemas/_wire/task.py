"""Avro bodies of the records of `foldlog.schemas.task`.

Written by `python -m foldlog.schemas.generate` from avsc/task/*.avsc:
change those, or the generator, not this.
"""

from __future__ import annotations

from foldlog.schemas._wire.common import read_payload, read_retry_policy, write_payload, write_retry_policy
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
from foldlog.schemas.task import ActivityTask, TaskToken


def write_activity_task(record: ActivityTask, out: list[bytes]) -> None:
    namespace = record.namespace.encode()
    run_id = record.run_id.encode()
    workflow_type = record.workflow_type.encode()
    activity_id = record.activity_id.encode()
    activity_type = record.activity_type.encode()
    out += (
        LONG[len(namespace)],
        namespace,
        LONG[len(run_id)],
        run_id,
        LONG[len(workflow_type)],
        workflow_type,
        LONG[len(activity_id)],
        activity_id,
        LONG[len(activity_type)],
        activity_type,
        LONG[record.scheduled_event_id],
        INT[record.attempt],
    )
    if record.args:
        out.append(LONG[len(record.args)])
        for args_item in record.args:
            write_payload(args_item, out)
    out += (
        b"\0",
        LONG[record.scheduled_ms],
        LONG[record.attempt_scheduled_ms],
        LONG[record.schedule_to_close_timeout_ms],
        LONG[record.start_to_close_timeout_ms],
        LONG[record.heartbeat_timeout_ms],
    )
    if record.retry_policy is None:
        out.append(b"\0")
    else:
        out.append(b"\2")
        write_retry_policy(record.retry_policy, out)
    if record.heartbeat_details:
        out.append(LONG[len(record.heartbeat_details)])
        for heartbeat_details_item in record.heartbeat_details:
            write_payload(heartbeat_details_item, out)
    out.append(b"\0")


def read_activity_task(buffer: bytes, at: int) -> tuple[ActivityTask, int]:
    record = object.__new__(ActivityTask)
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.namespace = buffer[at:end].decode()
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
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.attempt = number
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
    record.scheduled_ms = number
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.attempt_scheduled_ms = number
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.schedule_to_close_timeout_ms = number
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
    heartbeat_details: list[Payload] = []
    while buffer[at]:
        count, at = read_count(buffer, at)
        for _ in range(count):
            heartbeat_details_item, at = read_payload(buffer, at)
            heartbeat_details.append(heartbeat_details_item)
    at += 1
    record.heartbeat_details = heartbeat_details
    return record, at


def write_task_token(record: TaskToken, out: list[bytes]) -> None:
    namespace = record.namespace.encode()
    workflow_id = record.workflow_id.encode()
    run_id = record.run_id.encode()
    activity_id = record.activity_id.encode()
    out += (
        LONG[len(namespace)],
        namespace,
        LONG[len(workflow_id)],
        workflow_id,
        LONG[len(run_id)],
        run_id,
        LONG[len(activity_id)],
        activity_id,
        LONG[record.scheduled_event_id],
        INT[record.attempt],
    )


def read_task_token(buffer: bytes, at: int) -> tuple[TaskToken, int]:
    record = object.__new__(TaskToken)
    size = LENGTHS[buffer[at]]
    at += 1
    if size is None:
        size, at = read_length(buffer, at)
    end = at + size
    record.namespace = buffer[at:end].decode()
    at = end
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
    record.activity_id = buffer[at:end].decode()
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
    return record, at


CODECS: Codecs = {
    ActivityTask: (
        "foldlog.task.ActivityTask",
        b"\xc3\x01\xbd(\xb7[\xcbO\x95\x90",
        write_activity_task,
        read_activity_task,
    ),
    TaskToken: ("foldlog.task.TaskToken", b"\xc3\x01\xae\x8c\x89t\xf2\xa5\x89\xc6", write_task_token, read_task_token),
}
"""What there is for each record class."""
