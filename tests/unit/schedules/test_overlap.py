"""Which of the actions that wait are taken."""

from __future__ import annotations

import pytest
from foldlog.schedules.model import (
    ALLOW_ALL,
    BUFFER_ALL,
    BUFFER_ONE,
    CANCEL_OTHER,
    SKIP,
    TERMINATE_OTHER,
    Start,
)
from foldlog.schedules.overlap import Resolved, resolve

A, B, C = (Start(time, time) for time in (1, 2, 3))


@pytest.mark.parametrize(
    ("policy", "running", "expected"),
    [
        (SKIP, False, Resolved(alone=A, skipped=2)),
        (SKIP, True, Resolved(skipped=3)),
        (BUFFER_ONE, False, Resolved(alone=A, waiting=[B], skipped=1)),
        (BUFFER_ONE, True, Resolved(waiting=[A], skipped=2)),
        (BUFFER_ALL, False, Resolved(alone=A, waiting=[B, C])),
        (BUFFER_ALL, True, Resolved(waiting=[A, B, C])),
        (CANCEL_OTHER, False, Resolved(alone=C, skipped=2)),
        (CANCEL_OTHER, True, Resolved(waiting=[C], skipped=2, ask=CANCEL_OTHER)),
        (TERMINATE_OTHER, True, Resolved(waiting=[C], skipped=2, ask=TERMINATE_OTHER)),
        (ALLOW_ALL, False, Resolved(beside=[A, B, C])),
        (ALLOW_ALL, True, Resolved(beside=[A, B, C])),
    ],
)
def test_a_policy(policy: int, running: bool, expected: Resolved) -> None:
    assert resolve([A, B, C], policy, running) == expected
    assert resolve([], policy, running) == Resolved()


def test_an_action_may_have_a_policy_of_its_own() -> None:
    beside, waits = Start(1, 1, ALLOW_ALL), Start(2, 2, BUFFER_ALL)
    assert resolve([beside, waits, A], SKIP, True) == Resolved(beside=[beside], waiting=[waits], skipped=1)
    assert resolve([beside, waits, A], SKIP, False) == Resolved(beside=[beside], alone=waits, skipped=1)
