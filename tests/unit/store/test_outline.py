"""The beginning of an event says the same as all of it."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from foldlog.core import fold
from foldlog.processors.store import RunHead
from foldlog.processors.store.outline import EventHead, Outline, peek
from foldlog.schemas import event, log
from foldlog.schemas.common import Failure, Payload
from foldlog.schemas.framing import encode
from foldlog.schemas.records import Event
from msgspec.structs import fields

VALUES: dict[str, Any] = {
    "result": Payload(encoding="json/plain", data=b"1"),
    "failure": Failure(message="no"),
    "run_id": "4f2d8f5c-1f5e-4d7e-8a54-0e7f0f6d9a51",
    "event_id": 300,
    "time_ms": 1_700_000_000_000,
    "chain": b"c" * 16,
}


def example(kind: type, **values: Any) -> Any:
    required = {
        part.name: VALUES.get(part.name, "text" if part.type is str else 1)
        for part in fields(kind)
        if part.name in VALUES or part.required
    }
    return kind(**(required | values))


@pytest.mark.parametrize("kind", get_args(Event))
def test_the_beginning_of_every_event(kind: type) -> None:
    record = example(kind)
    peeked = peek(encode(record))
    if hasattr(record, "request_id"):
        assert peeked is None, "its request ID is stored, so all of it must be read"
    else:
        assert peeked == (kind, EventHead(record.run_id, record.event_id, record.time_ms))


@pytest.mark.parametrize("run_id", ["", "r", "x" * 90, "x" * 95, "x" * 300, "\U0001f40d" * 30])
@pytest.mark.parametrize("number", [0, 1, -1, (1 << 63) - 1, -(1 << 63)])
def test_a_beginning_is_right_or_not_taken(run_id: str, number: int) -> None:
    peeked = peek(encode(example(event.TimerFired, run_id=run_id, event_id=number, time_ms=number)))
    assert peeked in (None, (event.TimerFired, EventHead(run_id, number, number)))
    assert peeked is not None or len(run_id.encode()) > 80


@pytest.mark.parametrize("kind", [log.ActivityAttempt, log.BatchCommitted, event.WorkflowExecutionStarted])
def test_other_records_are_read_whole(kind: type) -> None:
    assert peek(encode(example(kind))) is None


@pytest.mark.parametrize("cut", range(28))
def test_a_cut_off_event_is_read_whole(cut: int) -> None:
    assert peek(encode(example(event.TimerFired))[:cut]) is None


def test_an_outline_follows_its_run() -> None:
    started = example(event.WorkflowExecutionStarted, event_id=1, chain=b"", request_id="q")
    encoded = encode(started)
    run = fold.begin("w", started, encoded)
    outline = Outline("w", started.run_id)
    outline.append(type(started), started, encoded)
    for kind in (event.WorkflowExecutionSignaled, event.TimerStarted, event.WorkflowExecutionCompleted):
        record = example(kind, event_id=run.last_event_id + 1, chain=run.chain)
        encoded = encode(record)
        fold.apply(run, record, encoded)
        outline.append(kind, record, encoded)
        for name in ("status", "last_event_id", "history_size", "chain"):
            assert getattr(outline, name) == getattr(run, name)
    assert outline.closed_ms == VALUES["time_ms"]


def test_an_outline_goes_on_from_a_head() -> None:
    outline = Outline.of("w", "r", RunHead("RUNNING", 7, b"c" * 16, 1_000, 0))
    assert outline.chain == b"c" * 16
    outline.append(event.TimerFired, EventHead("r", 8, 5), b"12345")
    assert (outline.last_event_id, outline.history_size, outline.chain) == (8, 1_005, fold.digest(b"12345"))


@pytest.mark.parametrize("event_id", [7, 9, 0])
def test_an_event_that_does_not_follow_is_refused(event_id: int) -> None:
    outline = Outline.of("w", "r", RunHead("RUNNING", 7, b"c" * 16, 1_000, 0))
    with pytest.raises(fold.BrokenHistoryError, match="does not follow event 7"):
        outline.append(event.TimerFired, EventHead("r", event_id, 5), b"12345")


def test_a_closed_run_has_no_further_event() -> None:
    outline = Outline.of("w", "r", RunHead("FAILED", 7, b"c" * 16, 1_000, 5))
    with pytest.raises(fold.BrokenHistoryError, match="FAILED"):
        outline.append(event.TimerFired, EventHead("r", 8, 5), b"12345")
