"""The worker's brakes, on a clock of the test's own."""

from __future__ import annotations

import threading

import pytest
from foldlog.worker.limits import HeartbeatThrottle, RateLimit, Slots
from hypothesis import given
from hypothesis import strategies as st


def test_slots_are_bounded() -> None:
    slots = Slots(2)
    assert slots.take()
    assert slots.take()
    assert not slots.take()
    assert (slots.free, slots.used) == (0, 2)
    slots.give_back()
    assert slots.take()


def test_a_slot_nobody_has_cannot_come_back() -> None:
    with pytest.raises(RuntimeError, match="nobody has"):
        Slots(1).give_back()


def test_slots_of_many_threads_never_exceed_the_total() -> None:
    slots, taken = Slots(50), []

    def take_some() -> None:
        for _ in range(1000):
            if slots.take():
                taken.append(1)

    threads = [threading.Thread(target=take_some) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 50


@pytest.mark.parametrize("total", [0, -1])
def test_no_slots_at_all_is_an_error(total: int) -> None:
    with pytest.raises(ValueError, match="at least one slot"):
        Slots(total)


@given(rate=st.floats(0.1, 1000), gaps=st.lists(st.floats(0, 0.5), min_size=1, max_size=300))
def test_rate_is_never_exceeded(rate: float, gaps: list[float]) -> None:
    limit, now, starts = RateLimit(rate), 100.0, []
    for gap in gaps:
        now += gap
        if limit.take(now):
            starts.append(now)
    burst = max(1.0, rate / 10)
    for first in range(0, len(starts), 7):
        for last in range(first, len(starts), 5):
            assert last - first + 1 <= (starts[last] - starts[first]) * rate + burst + 1e-6


def test_whoever_waits_as_told_may_start() -> None:
    limit, now = RateLimit(3.0), 50.0
    starts = 0
    while now < 60:
        if limit.take(now):
            starts += 1
        else:
            now += limit.wait(now) + 1e-9
    assert starts in (30, 31)


def test_a_share_of_nothing_lets_nothing_through_until_it_changes() -> None:
    limit = RateLimit(10)
    assert limit.take(0)
    limit.change(0, 1)
    assert not limit.take(5)
    assert limit.wait(5) == float("inf")
    limit.change(10, 6)
    assert limit.take(6.2)


def test_a_token_given_back_counts_again() -> None:
    limit = RateLimit(1)
    assert limit.take(0)
    limit.give_back()
    assert limit.take(0)
    assert not limit.take(0)


def test_heartbeats_go_out_once_in_an_interval_and_not_before_the_first_may() -> None:
    throttle = HeartbeatThrottle(10, default=30, maximum=60, first=0.5)
    sent = []
    for step in range(200):
        now = step * 0.1
        if throttle.beat(now) == 0 and throttle.send(now):
            sent.append(round(now, 1))
    assert sent == [0.5, 8.5, 16.5]
    assert throttle.pending


@pytest.mark.parametrize(("timeout", "interval"), [(0, 30), (10, 8), (1000, 60)])
def test_interval_follows_the_timeout(timeout: float, interval: float) -> None:
    assert HeartbeatThrottle(timeout, default=30, maximum=60, first=0).interval == interval


def test_what_was_held_back_goes_out_when_due() -> None:
    throttle = HeartbeatThrottle(10, default=30, maximum=60, first=0)
    assert throttle.send(0) is False
    throttle.beat(0)
    assert throttle.send(0)
    assert throttle.beat(1) == 7
    assert not throttle.send(7.9)
    assert throttle.send(8)
    assert not throttle.send(20)
