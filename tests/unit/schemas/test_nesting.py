"""Records too deep within each other, which any program can write: refused before they overflow a stack, and not
written by foldlog itself."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Iterator
from functools import partial
from io import BytesIO
from typing import Any

import pytest
from fastavro import schemaless_writer
from foldlog.schemas import command, common, event, reply
from foldlog.schemas.codec import SingleObjectCodec
from foldlog.schemas.definitions import definition, parsed, schema_fingerprint
from foldlog.schemas.framing import (
    BY_CLASS,
    HEADER_BYTES,
    MARKER,
    RECORD_TYPES,
    DecodeError,
    EncodeError,
    decode,
    encode,
)
from foldlog.schemas.nesting import MOST_NESTED, SHALLOW_BYTES, Nesting
from msgspec.structs import replace

from .samples import full_record

DEEP = MOST_NESTED + 1


@pytest.fixture(autouse=True)
def patient() -> Iterator[None]:
    """Python itself is not what refuses them here."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(20 * DEEP)
    yield
    sys.setrecursionlimit(before)


def caused(depth: int) -> common.Failure:
    """A failure with causes within each other, so many failures in all."""
    failure = common.Failure()
    for _ in range(depth - 1):
        failure = common.Failure(cause=failure)
    return failure


def written(record: Any) -> bytes:
    """The frame of a record as any program writes it that does not look how deep it is."""
    record_type, buffer = BY_CLASS[type(record)], BytesIO()
    buffer.write(record_type.header)
    schemaless_writer(buffer, parsed(record_type.full_name), record_type.to_avro(record))
    return buffer.getvalue()


def full_activity(failure: common.Failure) -> reply.PendingActivity:
    full: reply.PendingActivity = full_record("foldlog.reply.PendingActivity")
    return replace(full, last_failure=failure)


PLACES = [
    ("foldlog.command.FailActivity", lambda record, failure: replace(record, failure=failure)),
    (
        "foldlog.command.StartWorkflow",
        lambda record, failure: replace(record, options=replace(record.options, last_failure=failure)),
    ),
    (
        "foldlog.event.WorkflowExecutionStarted",
        lambda record, failure: replace(record, continuation=replace(record.continuation, last_failure=failure)),
    ),
    ("foldlog.log.ActivityAttempt", lambda record, failure: replace(record, last_failure=failure)),
    (
        "foldlog.reply.Description",
        lambda record, failure: replace(
            record, pending_activities=[*record.pending_activities, full_activity(failure)]
        ),
    ),
]


@pytest.mark.parametrize(("full_name", "put"), PLACES, ids=[name for name, _ in PLACES])
def test_what_is_too_deep_is_no_record_wherever_it_is(full_name: str, put: Callable[..., Any]) -> None:
    sound = written(put(full_record(full_name), caused(MOST_NESTED - 20)))
    assert encode(decode(sound)) == sound
    deep = put(full_record(full_name), caused(DEEP))
    for refused, error in ((partial(decode, written(deep)), DecodeError), (partial(encode, deep), EncodeError)):
        with pytest.raises(error, match=f"more than {MOST_NESTED} records within each other"):
            refused()


def test_what_is_written_can_be_read_however_deep_it_is() -> None:
    """A record of the log that nobody can read would keep its partition shut for ever."""
    refused = []
    for depth in range(MOST_NESTED - 5, MOST_NESTED + 5):
        failed = event.WorkflowExecutionFailed(run_id="r", failure=caused(depth))
        try:
            frame = encode(failed)
        except EncodeError:
            refused.append(depth)
            with pytest.raises(DecodeError):
                decode(written(failed))
        else:
            assert decode(frame) == failed
    assert refused == [*range(MOST_NESTED - 2, MOST_NESTED + 5)]


def test_no_number_is_passed_over_that_fastavro_reads() -> None:
    """One of more bytes than it can have: what comes behind it would be read, and not be looked at."""
    frame = written(command.FailActivity(run_id="r", scheduled_event_id=2, attempt=1, failure=caused(DEEP)))
    assert frame[HEADER_BYTES : HEADER_BYTES + 2] == b"\x02r"
    long = b"\x82" + 10 * b"\x80" + b"\x00"
    with pytest.raises(DecodeError, match="a number in it is out of range"):
        decode(frame[:HEADER_BYTES] + long + frame[HEADER_BYTES + 1 :])


def test_what_comes_before_rare_fields_is_never_deep() -> None:
    """It is not looked at."""
    before = [record_type.usual.schema for record_type in RECORD_TYPES if record_type.usual is not None]
    assert before
    assert all(Nesting(schema).is_bounded for schema in before)


def test_it_is_no_record_of_a_schema_that_was_fetched_either() -> None:
    schema = copy.deepcopy(definition("foldlog.command.FailActivity"))
    foreign = {**schema, "fields": [{"name": "note", "type": "string", "default": ""}, *schema["fields"]]}
    codec = SingleObjectCodec(lambda fingerprint: foreign)
    for depth in (100, DEEP):
        failed = command.FailActivity(run_id="r", scheduled_event_id=2, attempt=1, failure=caused(depth))
        frame = MARKER + schema_fingerprint(foreign) + b"\x02x" + written(failed)[HEADER_BYTES:]
        if depth < DEEP:
            assert codec.decode(frame) == failed
        else:
            with pytest.raises(DecodeError, match="within each other"):
                codec.decode(frame)


def test_what_is_cut_off_is_told_of_as_such() -> None:
    frame = encode(event.WorkflowExecutionFailed(run_id="r" * SHALLOW_BYTES, failure=caused(450)))
    for end in (20, SHALLOW_BYTES + 1_000, len(frame) - 1):
        with pytest.raises(DecodeError, match=r"it ends too early|bytes too early"):
            decode(frame[:end])
