"""Records too deep within each other, which any program can write: refused before they overflow a stack."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from foldlog.schemas import command, common, event, reply
from foldlog.schemas.codec import SingleObjectCodec
from foldlog.schemas.definitions import definition, schema_fingerprint
from foldlog.schemas.framing import HEADER_BYTES, MARKER, DecodeError, decode, encode
from foldlog.schemas.nesting import MOST_NESTED, SHALLOW_BYTES
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
    """A failure with causes within each other, so many failures in all, and so large that it is looked at."""
    failure = common.Failure(message="x" * SHALLOW_BYTES)
    for _ in range(depth - 1):
        failure = common.Failure(message="m", cause=failure)
    return failure


def deep(full_name: str, put: Callable[[Any, common.Failure], Any], depth: int) -> bytes:
    """A frame that holds everything that its record can, and so many failures."""
    return encode(put(full_record(full_name), caused(depth)))


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
    sound = deep(full_name, put, MOST_NESTED - 20)
    assert encode(decode(sound)) == sound
    with pytest.raises(DecodeError, match=f"more than {MOST_NESTED} records within each other"):
        decode(deep(full_name, put, DEEP))


def test_it_is_no_record_of_a_schema_that_was_fetched_either() -> None:
    schema = copy.deepcopy(definition("foldlog.command.FailActivity"))
    foreign = {**schema, "fields": [{"name": "note", "type": "string", "default": ""}, *schema["fields"]]}
    codec = SingleObjectCodec(lambda fingerprint: foreign)
    for depth in (100, DEEP):
        failed = command.FailActivity(run_id="r", scheduled_event_id=2, attempt=1, failure=caused(depth))
        frame = MARKER + schema_fingerprint(foreign) + b"\x02x" + encode(failed)[HEADER_BYTES:]
        if depth < DEEP:
            assert codec.decode(frame) == failed
        else:
            with pytest.raises(DecodeError, match="within each other"):
                codec.decode(frame)


def test_what_is_cut_off_is_told_of_as_such() -> None:
    frame = encode(event.WorkflowExecutionFailed(run_id="r", failure=caused(450)))
    for end in (20, SHALLOW_BYTES + 1_000, len(frame) - 1):
        with pytest.raises(DecodeError, match=r"it ends too early|bytes too early"):
            decode(frame[:end])
