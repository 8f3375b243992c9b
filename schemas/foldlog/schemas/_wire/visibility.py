"""Avro bodies of the records of `foldlog.schemas.visibility`.

Written by `python -m foldlog.schemas.generate` from avsc/visibility/*.avsc:
change those, or the generator, not this.
"""

from __future__ import annotations

from foldlog.schemas._wire.common import read_payload, write_payload
from foldlog.schemas._wire.primitives import (
    INT,
    LENGTHS,
    LONG,
    NUMBERS,
    Codecs,
    read_count,
    read_length,
    read_number,
    read_string,
)
from foldlog.schemas.common import Payload
from foldlog.schemas.visibility import WorkflowVisibility


def write_workflow_visibility(record: WorkflowVisibility, out: list[bytes]) -> None:
    workflow_id = record.workflow_id.encode()
    run_id = record.run_id.encode()
    workflow_type = record.workflow_type.encode()
    task_queue = record.task_queue.encode()
    status = record.status.encode()
    out += (
        LONG[len(workflow_id)],
        workflow_id,
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
        LONG[record.history_length],
    )
    if record.memo:
        out.append(LONG[len(record.memo)])
        for key, memo_item in record.memo.items():
            encoded = key.encode()
            out += (LONG[len(encoded)], encoded)
            write_payload(memo_item, out)
    stalled_error = record.stalled_error.encode()
    out += (b"\0", LONG[len(stalled_error)], stalled_error, INT[record.partition])


def read_workflow_visibility(buffer: bytes, at: int) -> tuple[WorkflowVisibility, int]:
    record = object.__new__(WorkflowVisibility)
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
    record.history_length = number
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
    record.stalled_error = buffer[at:end].decode()
    at = end
    number = NUMBERS[buffer[at]]
    at += 1
    if number is None:
        number, at = read_number(buffer, at)
    record.partition = number
    return record, at


CODECS: Codecs = {
    WorkflowVisibility: (
        "foldlog.visibility.WorkflowVisibility",
        b"\xc3\x01S\xb2h\xa1\xef;\\\xc3",
        write_workflow_visibility,
        read_workflow_visibility,
    ),
}
"""What there is for each record class."""
