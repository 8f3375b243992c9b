"""Tasks of versions that a worker does not have: when they go on, and where to."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from foldlog.schemas.framing import decode, encode
from foldlog.schemas.task import ActivityTask
from foldlog.worker import passing
from foldlog.worker.passing import LONGEST_WAIT_SECONDS, MAXIMUM_ROUNDS, PassingOn
from foldlog.worker.taker import ReceivedTask


def received(number: int, *, passed: int = 0, partition: int = 0, version: str = "shop.1") -> ReceivedTask:
    task = ActivityTask(
        namespace="n",
        run_id="run",
        workflow_type="Order",
        activity_id=str(number),
        activity_type="charge",
        scheduled_event_id=number,
        attempt=1,
        scheduled_ms=1,
        attempt_scheduled_ms=1,
        deployment_version=version,
        times_passed_on=passed,
    )
    return ReceivedTask(partition, number, f"order-{number}", task)


class Topic:
    """Where tasks are passed on to, and what is heard of them."""

    def __init__(self) -> None:
        self.records: list[tuple[int, bytes, ActivityTask]] = []
        self.problem = ""
        self.finished: list[int] = []
        self.dead: list[tuple[int, str]] = []
        self.dead_letters_fail = False
        self.reporting = True
        self._reports: list[Callable[[], None]] = []
        self.passing = PassingOn(
            self,
            encode,
            finished=lambda task: self.finished.append(task.offset),
            too_long=self._too_long,
        )

    def _too_long(self, task: ReceivedTask, why: str) -> None:
        if self.dead_letters_fail:
            raise RuntimeError("the broker is away")
        self.dead.append((task.offset, why))

    def send(self, partition: int, key: bytes, value: bytes, delivered: Callable[[str], None]) -> None:
        problem = self.problem
        if not problem:
            self.records.append((partition, key, decode(value)))
        self._reports.append(lambda: delivered(problem))

    def serve(self) -> None:
        if not self.reporting:
            return
        reports, self._reports = self._reports, []
        for report in reports:
            report()

    def close(self) -> None:
        self.serve()


def test_a_task_goes_to_the_next_partition_at_once_and_is_finished_when_it_is_there() -> None:
    topic = Topic()
    topic.passing.add(received(7, partition=1), 3, now=100.0)
    topic.passing.send_due(3, now=100.0)
    assert topic.finished == [7]
    [(partition, key, task)] = topic.records
    assert (partition, key, task.times_passed_on, task.activity_id) == (2, b"order-7", 1, "7")


def test_after_the_last_partition_comes_the_first() -> None:
    topic = Topic()
    topic.passing.add(received(7, passed=1, partition=2), 3, now=0.0)
    topic.passing.send_due(3, now=0.0)
    assert [(partition, task.times_passed_on) for partition, _, task in topic.records] == [(0, 2)]


@pytest.mark.parametrize(
    ("passed", "seconds"),
    [(2, 0.0), (3, 1.0), (4, 0.0), (5, 0.0), (6, 2.0), (8, 0.0), (9, 4.0), (30, LONGEST_WAIT_SECONDS)],
)
def test_what_has_been_all_round_waits_longer_before_each_round(passed: int, seconds: float) -> None:
    topic = Topic()
    topic.passing.add(received(1, passed=passed), 3, now=100.0)
    if seconds:
        topic.passing.send_due(3, now=100.0 + seconds - 0.001)
        assert topic.records == []
    topic.passing.send_due(3, now=100.0 + seconds)
    assert len(topic.records) == 1


def test_what_waits_or_is_on_its_way_is_let_go_of_when_its_partition_goes() -> None:
    topic = Topic()
    topic.passing.add(received(1, passed=3), 3, now=0.0)
    topic.passing.add(received(2, passed=3, partition=1), 3, now=0.0)
    topic.passing.add(received(3), 3, now=0.0)
    topic.reporting = False
    topic.passing.send_due(3, now=0.0)
    assert sorted(task.offset for task in topic.passing.forget({0, 2})) == [1, 3]
    topic.reporting = True
    topic.passing.send_due(3, now=1.0)
    assert topic.finished == [2], "of those of partitions that are gone nobody hears any more"
    assert [task.activity_id for _, _, task in topic.records] == ["3", "2"]


def test_what_the_broker_does_not_take_is_sent_again_until_it_does() -> None:
    topic = Topic()
    topic.problem = "the broker is away"
    topic.passing.add(received(1), 3, now=0.0)
    topic.passing.send_due(3, now=0.0)
    assert (topic.records, topic.finished) == ([], [])
    topic.problem = ""
    topic.passing.send_due(3, now=0.5)
    assert topic.records == []
    topic.passing.send_due(3, now=1.0)
    assert topic.finished == [1]


def test_what_nobody_has_for_a_day_is_a_dead_letter_once_that_can_be_written() -> None:
    topic = Topic()
    topic.dead_letters_fail = True
    topic.passing.add(received(1, passed=3 * MAXIMUM_ROUNDS), 3, now=0.0)
    topic.passing.send_due(3, now=LONGEST_WAIT_SECONDS)
    assert topic.dead == []
    topic.dead_letters_fail = False
    topic.passing.send_due(3, now=2 * LONGEST_WAIT_SECONDS)
    assert topic.dead == [(1, "no worker of the queue has had version shop.1 for a day")]
    assert topic.records == []


def test_there_is_a_limit_to_what_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passing, "MAXIMUM_WAITING", 2)
    topic = Topic()
    topic.passing.add(received(1), 3, now=0.0)
    full = [topic.passing.is_full]
    topic.passing.add(received(2), 3, now=0.0)
    full.append(topic.passing.is_full)
    topic.passing.send_due(3, now=0.0)
    full.append(topic.passing.is_full)
    assert full == [False, True, False]


def test_each_version_is_told_of_once_in_a_while(caplog: pytest.LogCaptureFixture) -> None:
    topic = Topic()
    with caplog.at_level("INFO"):
        for number in range(3):
            topic.passing.add(received(number), 2, now=0.0)
        topic.passing.add(received(4, passed=2), 2, now=0.0)
        topic.passing.add(received(5, passed=4), 2, now=599.0)
        topic.passing.add(received(5, passed=6), 2, now=600.0)
    assert [(record.levelname, record.message) for record in caplog.records] == [
        ("INFO", "tasks of version shop.1 are passed on: this worker does not have it"),
        *[("WARNING", "tasks of version shop.1 wait: no worker of their queue has it")] * 2,
    ]
