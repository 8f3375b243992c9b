"""Which of the tasks that wait in a worker comes first."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from foldlog.schemas.common import ActivityOptions, Priority
from foldlog.schemas.task import ActivityTask
from foldlog.worker.priorities import WaitingTasks
from foldlog.worker.taker import ReceivedTask


def received(name: str, **priority: Any) -> ReceivedTask:
    options = ActivityOptions(priority=Priority(**priority)) if priority else None
    task = ActivityTask(
        namespace="shop",
        run_id="run",
        workflow_type="Order",
        activity_id=name,
        activity_type="work",
        scheduled_event_id=2,
        attempt=1,
        scheduled_ms=0,
        attempt_scheduled_ms=0,
        options=options,
    )
    return ReceivedTask(0, 0, "wf", task)


def waiting(*tasks: ReceivedTask) -> WaitingTasks:
    found = WaitingTasks(10)
    found.extend(tasks)
    return found


def order(tasks: WaitingTasks) -> list[str]:
    return [tasks.popleft().task.activity_id for _ in range(len(tasks))]


def test_without_priorities_they_come_as_they_came_and_nothing_is_read_ahead() -> None:
    tasks = waiting(*(received(str(number)) for number in range(5)))
    assert tasks.ahead == 0
    assert order(tasks) == ["0", "1", "2", "3", "4"]
    with pytest.raises(IndexError):
        tasks.popleft()


def test_the_most_urgent_first_and_three_where_nothing_is_said() -> None:
    tasks = waiting(
        received("none"),
        received("five", priority_key=5),
        received("three", priority_key=3),
        received("one", priority_key=1),
        received("weight only", fairness_weight=2.0),
    )
    assert tasks.ahead == 10
    assert order(tasks)[:1] == ["one"]
    tasks.extend([received("low", priority_key=4), received("high", priority_key=2)])
    assert order(tasks) == ["high", "low"]


def test_keys_take_turns_however_many_tasks_one_of_them_has() -> None:
    flood = [received(f"a{number}", fairness_key="a") for number in range(100)]
    tasks = waiting(*flood, *(received(f"b{number}", fairness_key="b") for number in range(3)))
    first = [name[0] for name in order(tasks)[:6]]
    assert Counter(first) == {"a": 3, "b": 3}


def test_a_key_with_three_times_the_weight_has_three_times_the_turns() -> None:
    tasks = waiting(
        *(received(f"a{number}", fairness_key="a", fairness_weight=3.0) for number in range(100)),
        *(received(f"b{number}", fairness_key="b", fairness_weight=1.0) for number in range(100)),
    )
    first = Counter(name[0] for name in order(tasks)[:80])
    assert 58 <= first["a"] <= 62


def test_a_key_that_was_away_gets_no_turns_for_that_time() -> None:
    tasks = waiting(*(received(f"a{number}", fairness_key="a") for number in range(60)))
    tasks.extend([received("b0", fairness_key="b")])
    for _ in range(50):
        tasks.popleft()
    tasks.extend(received(f"b{number}", fairness_key="b") for number in range(1, 9))
    first = Counter(name[0] for name in order(tasks)[:8])
    assert abs(first["a"] - first["b"]) <= 1


def test_within_a_key_they_come_as_they_came() -> None:
    tasks = waiting(*(received(str(number), fairness_key="a", fairness_weight=float(number)) for number in range(4)))
    assert order(tasks) == ["0", "1", "2", "3"]


def test_absurd_weights_are_cut() -> None:
    tasks = waiting(
        received("0", fairness_key="never", fairness_weight=1e-300),
        received("1", fairness_key="always", fairness_weight=float("inf")),
        received("2", fairness_key="broken", fairness_weight=float("nan")),
    )
    assert order(tasks) == ["1", "2", "0"]
