"""The finished-set: what a commit says about tasks that end out of order."""

from __future__ import annotations

import itertools
import random

import pytest
from foldlog.worker.finished import DEFAULT_LIMIT_BYTES, FinishedSet, MetadataError, decode, encode
from hypothesis import given
from hypothesis import strategies as st


def test_nothing_taken_commits_where_it_began() -> None:
    finished = FinishedSet(7)
    assert (finished.low_water, finished.metadata()) == (7, "")


def test_in_order_leaves_no_metadata() -> None:
    finished = FinishedSet(0)
    for offset in range(10):
        assert finished.take(offset)
        finished.finish(offset)
    assert (finished.low_water, finished.metadata()) == (10, "")


def test_low_water_waits_for_the_slowest() -> None:
    finished = FinishedSet(0)
    for offset in range(5):
        finished.take(offset)
    for offset in (1, 2, 4):
        finished.finish(offset)
    assert finished.low_water == 0
    assert list(finished.runs()) == [(1, 3), (4, 5)]
    finished.finish(0)
    assert finished.low_water == 3


def test_offsets_that_never_come_count_as_finished() -> None:
    finished = FinishedSet(0)
    for offset in (3, 4, 9):
        finished.take(offset)
    assert finished.low_water == 3
    finished.finish(4)
    assert list(finished.runs()) == [(4, 9)]
    finished.finish(3)
    assert finished.low_water == 9


def test_taken_twice_runs_once() -> None:
    finished = FinishedSet(0)
    assert finished.take(0)
    assert not finished.take(0)
    finished.finish(0)
    assert not finished.take(0)


def test_next_owner_skips_what_has_ended() -> None:
    first = FinishedSet(0)
    for offset in range(6):
        first.take(offset)
    for offset in (1, 3, 4):
        first.finish(offset)
    second = FinishedSet(first.low_water, first.metadata())
    assert [second.take(offset) for offset in range(7)] == [True, False, True, False, False, True, True]


def test_next_owner_keeps_what_it_has_not_reached_yet() -> None:
    text, _ = encode(10, [(12, 14), (20, 30)])
    finished = FinishedSet(10, text)
    assert finished.take(10)
    finished.finish(10)
    assert finished.low_water == 11
    assert decode(11, finished.metadata()) == [(12, 14), (20, 30)]


def test_next_owner_jumps_over_a_run_that_begins_at_its_mark() -> None:
    text, _ = encode(10, [(11, 14)])
    finished = FinishedSet(10, text)
    finished.take(10)
    finished.finish(10)
    assert (finished.low_water, finished.metadata()) == (14, "")


@pytest.mark.parametrize("text", ["x", "f1r:", "f9z:AAAA", "f1r:%%", "f1r:AQ", "f1r:gA", "f1r:AQA", "f1r:" + "_" * 40])
def test_foreign_metadata_is_refused_or_empty(text: str) -> None:
    if text == "f1r:":
        assert decode(0, text) == []
    else:
        with pytest.raises(MetadataError):
            decode(0, text)


def runs_above(base: int, lengths: list[tuple[int, int]]) -> list[tuple[int, int]]:
    runs = []
    for gap, length in lengths:
        runs.append((base + gap, base + gap + length))
        base += gap + length
    return runs


LENGTHS = st.lists(st.tuples(st.integers(1, 10**6), st.integers(1, 10**6)), max_size=60)
SHORT_LENGTHS = st.lists(st.tuples(st.integers(1, 3), st.integers(1, 3)), max_size=200)


@given(base=st.integers(0, 2**62), lengths=st.one_of(LENGTHS, SHORT_LENGTHS))
def test_metadata_reads_back(base: int, lengths: list[tuple[int, int]]) -> None:
    runs = runs_above(base, lengths)
    text, dropped = encode(base, runs)
    assert dropped == 0
    assert decode(base, text) == runs


@given(lengths=st.one_of(LENGTHS, SHORT_LENGTHS), limit=st.integers(0, 200))
def test_metadata_keeps_the_lowest_that_fit(lengths: list[tuple[int, int]], limit: int) -> None:
    runs = runs_above(0, lengths)
    text, dropped = encode(0, runs, limit)
    assert len(text) <= limit
    kept = {offset for start, end in decode(0, text) for offset in (start, end - 1)}
    assert all(any(start <= offset < end for start, end in runs) for offset in kept)
    kept_count = sum(end - start for start, end in decode(0, text))
    assert kept_count + dropped == sum(end - start for start, end in runs)


STEPS = st.lists(st.tuples(st.booleans(), st.integers(0, 10**9)), max_size=80)


@given(
    gaps=st.lists(st.integers(1, 40), min_size=1, max_size=80),
    generations=st.lists(STEPS, min_size=1, max_size=4),
    limit=st.sampled_from([8, 16, 40, 100]),
)
def test_any_order_of_ending_loses_nothing(
    gaps: list[int], generations: list[list[tuple[bool, int]]], limit: int
) -> None:
    """A model with plain sets: after each crash exactly what had not ended is run again."""
    log = list(itertools.accumulate(gaps))
    ended: set[int] = set()
    low, text = 0, ""
    for steps in generations:
        finished = FinishedSet(low, text, limit_bytes=limit)
        incoming = [offset for offset in log if offset >= low]
        running: list[int] = []
        for take, which in steps:
            if take and incoming and finished.fits(incoming[0]):
                offset = incoming.pop(0)
                assert finished.take(offset) == (offset not in ended)
                running += [offset] if offset not in ended else []
            elif running:
                offset = running.pop(which % len(running))
                finished.finish(offset)
                ended.add(offset)
            low, text = finished.low_water, finished.metadata()
            assert finished.dropped == 0
            assert len(text) <= limit
            assert not [offset for offset in log if (offset < low or is_in(low, text, offset)) != (offset in ended)]


def is_in(low: int, text: str, offset: int) -> bool:
    return any(start <= offset < end for start, end in decode(low, text))


@pytest.mark.parametrize("order", ["every second", "random", "reverse", "all but the first"])
def test_five_thousand_tasks_out_of_order_fit(order: str) -> None:
    finished = FinishedSet(0)
    for offset in range(5000):
        assert finished.fits(offset)
        finished.take(offset)
    offsets = list(range(5000))
    if order == "random":
        random.Random(5).shuffle(offsets)
    ends = {"every second": offsets[1::2], "random": offsets[:2500], "reverse": offsets[2500:][::-1]}
    ended = set()
    for count, offset in enumerate(ends.get(order, offsets[1:])):
        finished.finish(offset)
        ended.add(offset)
        if count % 97 == 0:
            text = finished.metadata()
            assert len(text) <= DEFAULT_LIMIT_BYTES
            low = finished.low_water
            above = {offset for start, end in decode(low, text) for offset in range(start, end)}
            assert above | set(range(low)) == ended


def test_past_the_limit_the_overflow_is_counted() -> None:
    finished = FinishedSet(0, limit_bytes=24)
    for offset in range(1000):
        finished.take(offset)
    assert not finished.fits(1000)
    for offset in range(1, 1000, 2):
        finished.finish(offset)
    text = finished.metadata()
    assert len(text) <= 24
    assert finished.dropped == 500 - sum(end - start for start, end in decode(0, text)) > 0


def test_one_slow_task_does_not_stop_the_others() -> None:
    finished = FinishedSet(0)
    finished.take(0)
    for offset in range(1, 100_000):
        assert finished.fits(offset)
        finished.take(offset)
        finished.finish(offset)
    assert finished.low_water == 0
    assert len(finished.metadata()) < 20
