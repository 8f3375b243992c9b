"""Keys sort as what they are made of does, and nothing is lost in them."""

from __future__ import annotations

import pytest
from foldlog.core.session import Answer
from foldlog.core.state import DeadlineKey, DeadlineKind
from foldlog.processors.store import RunHead, formats
from foldlog.processors.store.formats import ExpiryKind, PendingKind
from hypothesis import given
from hypothesis import strategies as st

nasty = st.text(st.sampled_from("\0\x01\x02a/ÿ\u07ff\uffff\U0010ffff"), max_size=5)
texts = nasty | st.text(st.characters(codec="utf-8"), max_size=20)
numbers = st.integers(0, (1 << 63) - 1)
times = st.integers(-(1 << 63), (1 << 63) - 1)
deadlines = st.tuples(st.sampled_from(DeadlineKind), numbers)


@given(first=texts, second=texts)
def test_texts_keep_their_order(first: str, second: str) -> None:
    assert (formats.text(first) < formats.text(second)) == (first.encode() < second.encode())
    if first != second:
        assert not formats.text(first).startswith(formats.text(second))


@given(first=st.tuples(texts, texts, numbers), second=st.tuples(texts, texts, numbers))
def test_history_keys_keep_their_order(first: tuple[str, str, int], second: tuple[str, str, int]) -> None:
    def key(row: tuple[str, str, int]) -> bytes:
        return formats.run_key(row[0], row[1]) + formats.NUMBER.pack(row[2])

    def parts(row: tuple[str, str, int]) -> tuple[bytes, bytes, int]:
        return row[0].encode(), row[1].encode(), row[2]

    assert (key(first) < key(second)) == (parts(first) < parts(second))
    assert key(first).startswith(formats.run_key(*second[:2])) == (first[:2] == second[:2])


@given(workflow_id=texts, run_id=texts, before=st.binary(max_size=9), after=st.binary(max_size=9))
def test_run_keys_are_read_back(workflow_id: str, run_id: str, before: bytes, after: bytes) -> None:
    key = formats.run_key(workflow_id, run_id)
    assert formats.read_run_key(before + key + after, len(before)) == (workflow_id, run_id, len(before + key))
    assert formats.split_run_key(key) == (formats.text(workflow_id), run_id.encode())


Timer = tuple[int, str, str, DeadlineKey]
timers: st.SearchStrategy[Timer] = st.tuples(times, texts, texts, deadlines)


@given(first=timers, second=timers)
def test_timers_are_in_order_of_time(first: Timer, second: Timer) -> None:
    keys = [formats.timer_key(due_ms, formats.run_key(w, r), key) for due_ms, w, r, key in (first, second)]
    assert formats.read_timer_key(keys[0]) == first
    if first[0] != second[0]:
        assert (keys[0] < keys[1]) == (first[0] < second[0])
    assert (keys[0] == keys[1]) == (first == second)


def test_an_absurd_due_time_is_never() -> None:
    key = formats.timer_key(1 << 70, formats.run_key("w", "r"), (DeadlineKind.TIMER, 1))
    assert formats.due_ms_of(key) == formats.LAST_MS


@given(kind=st.sampled_from(ExpiryKind), since_ms=times, what=st.binary(max_size=20))
def test_expiry_keys_are_read_back(kind: ExpiryKind, since_ms: int, what: bytes) -> None:
    key = formats.expiry_key(kind, since_ms, what)
    assert key.startswith(formats.expiry_prefix(kind))
    assert formats.since_ms_of(key) == since_ms
    assert formats.expired_key(key) == what


@given(workflow_id=texts, request_id=texts, other=st.tuples(texts, texts))
def test_request_keys_are_unambiguous(workflow_id: str, request_id: str, other: tuple[str, str]) -> None:
    same = formats.request_key(workflow_id, request_id) == formats.request_key(*other)
    assert same == ((workflow_id, request_id) == other)


@given(ordinal=numbers)
def test_deferred_ordinals_are_read_back(ordinal: int) -> None:
    assert formats.deferred_ordinal(formats.pending_id(PendingKind.DEFERRED, ordinal)) == ordinal


@given(
    head=st.builds(
        RunHead,
        status=st.sampled_from(["RUNNING", "COMPLETED", "FAILED", "CANCELED", "TERMINATED", "TIMED_OUT"]),
        last_event_id=numbers,
        chain=st.binary(min_size=16, max_size=16),
        history_size=numbers,
        closed_ms=numbers,
    )
)
def test_heads_are_read_back(head: RunHead) -> None:
    assert formats.unpack_head(formats.pack_head(head)) == head


@pytest.mark.parametrize(
    "answer", [Answer("run"), Answer("run", True), Answer("", False), Answer(rejected=b""), Answer(rejected=b"no")]
)
def test_answers_are_read_back(answer: Answer) -> None:
    assert formats.unpack_answer(formats.pack_answer(answer)) == answer


def test_the_layout_of_format_1_stays() -> None:
    """A change here is a new format: stores that are out there would be misread."""
    assert formats.FORMAT == 1
    run = formats.run_key("a\0b", "r")
    assert run == b"a\x00\xffb\x00\x01r\x00\x01"
    assert run + formats.NUMBER.pack(7) == run + b"\0\0\0\0\0\0\0\x07"
    timer = formats.timer_key(1, run, (DeadlineKind.TIMER, 5))
    assert timer == b"\x80\0\0\0\0\0\0\x01" + run + b"\x03\0\0\0\0\0\0\0\x05"
    assert formats.pending_id(PendingKind.STALLED) == b"\x05" + bytes(8)
    assert formats.local_id("x") == b"\x02x"
    assert formats.expiry_key(ExpiryKind.RUN, 2, run) == b"\x02\x80\0\0\0\0\0\0\x02" + run
    assert formats.request_key("w", "q") == b"w\x00\x01q"
    head = formats.pack_head(RunHead("FAILED", 3, b"c" * 16, 4, 5))
    assert head == b"\x02" + b"\0" * 7 + b"\x03" + b"c" * 16 + b"\0" * 7 + b"\x04" + b"\0" * 7 + b"\x05"
    assert formats.pack_answer(Answer("r", True)) == b"\x02r"
    assert formats.FAMILIES == ("workflows", "runs", "history", "pending", "timers", "requests", "expiry", "meta")
