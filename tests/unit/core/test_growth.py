"""What grows is told of before it is refused."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from foldlog.core import outcome as outcomes
from foldlog.core.decider import WorkflowTaskError
from foldlog.core.limits import HistoryLimits
from foldlog.core.outcome import Outcome
from foldlog.core.state import Run
from foldlog.processors.measure import STALLS_TOLD, tell_rare
from foldlog.processors.partition import Work
from foldlog.schemas import event, log
from foldlog.schemas.common import Payload
from foldlog.schemas.framing import encode
from foldlog.sensor import Sensor


class Heard(Sensor):
    def __init__(self) -> None:
        self.said: list[tuple[Any, ...]] = []

    def large_record(self, workflow_type: str, size: int) -> None:
        self.said.append(("large", workflow_type, size))

    def long_history(self, workflow_type: str, events: int, size: int) -> None:
        self.said.append(("long", workflow_type, events))


def begun(limits: HistoryLimits = HistoryLimits()) -> tuple[Outcome, Run]:  # noqa: B008  # it never changes
    outcome = Outcome(now_ms=1, namespace="n", encode=encode, limits=limits)
    started = event.WorkflowExecutionStarted(workflow_type="Order", task_queue="q", first_execution_run_id="r")
    return outcome, outcome.begin("order-1", "r", started)


def signal(size: int) -> event.WorkflowExecutionSignaled:
    return event.WorkflowExecutionSignaled(signal_name="add", args=[Payload(encoding="json/plain", data=b"x" * size)])


def test_a_large_record_is_named_and_a_larger_one_refused(caplog: pytest.LogCaptureFixture) -> None:
    outcome, run = begun()
    outcome.append(run, signal(outcomes.LARGE_RECORD_BYTES - 1_000))
    outcome.append(run, signal(outcomes.LARGE_RECORD_BYTES))
    with pytest.raises(WorkflowTaskError, match="a record may have 1000000: keep large data elsewhere"):
        outcome.append(run, signal(outcomes.MAXIMUM_RECORD_BYTES))
    sensor = Heard()
    with caplog.at_level(logging.WARNING):
        tell_rare([Work(outcome)], "n.commands", sensor)
    ((kind, workflow_type, size),) = sensor.said
    assert (kind, workflow_type) == ("large", "Order")
    assert size > outcomes.LARGE_RECORD_BYTES
    (message,) = caplog.messages
    assert "workflow 'order-1' (Order): event 3 WorkflowExecutionSignaled(signal_name='add')" in message
    assert "most of them in args; a record may have 1000000" in message


@pytest.mark.parametrize("limits", [HistoryLimits(events=50), HistoryLimits(bytes=50_000)])
def test_a_long_history_is_told_of_at_each_fifth_of_its_limit(limits: HistoryLimits) -> None:
    outcome, run = begun(limits)
    for _ in range(24):
        outcome.append(run, signal(1 if limits.events == 50 else 950))
        outcome.append(run, log.CommandDeferred(run_id="r", ordinal=1, command=b""))
    assert [growth.record_bytes for growth in outcome.grown] == [0, 0]
    sensor = Heard()
    tell_rare([Work(outcome)], "n.commands", sensor)
    assert [said[0] for said in sensor.said] == ["long", "long"]
    if limits.events == 50:
        assert [said[2] for said in sensor.said] == [10, 20]


@pytest.mark.parametrize(
    ("limits", "events_step", "bytes_step"),
    [
        (HistoryLimits(), 10_000, 10 * 1024 * 1024),
        (HistoryLimits(events=None, bytes=None), 10_000, 10 * 1024 * 1024),
        (HistoryLimits(events=1_000_000, bytes=2**40), 10_000, 10 * 1024 * 1024),
        (HistoryLimits(events=3, bytes=100), 1, 20),
    ],
)
def test_warnings_come_every_10000_events_or_more_often(
    limits: HistoryLimits, events_step: int, bytes_step: int
) -> None:
    assert (limits.events_step, limits.bytes_step) == (events_step, bytes_step)


def test_what_is_small_and_short_is_not_told_of() -> None:
    outcome, run = begun()
    for _ in range(100):
        outcome.append(run, signal(10))
    assert outcome.grown == []


def stalled(attempts: list[int]) -> Work:
    outcome, run = begun()
    for attempt in attempts:
        stall = log.WorkflowStalled(
            run_id="r", error="KeyError: 'city'", stack_trace="in run\n", attempts=attempt, retry_ms=2, since_ms=1
        )
        outcome.append(run, stall)
    return Work(outcome)


def test_stalled_workflows_are_told_of_with_their_stacks_some_of_many(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        tell_rare([stalled([1] * (STALLS_TOLD + 2))], "n.commands", Heard())
    assert caplog.messages[0] == "workflow 'order-1' (Order) cannot go on, attempt 1: KeyError: 'city'\nin run"
    assert caplog.messages[STALLS_TOLD:] == ["2 more workflows cannot go on: `foldlog workflow list --stalled`"]
    told = vars(caplog.records[0])
    assert (told["workflow_id"], told["run_id"], told["attempt"]) == ("order-1", "r", 1)
    assert told["__temporal_error_identifier"] == "WorkflowTaskFailure"


def test_of_many_attempts_fewer_and_fewer_are_told_of(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        tell_rare([stalled(list(range(1, 40)))], "n.commands", Heard())
    assert [vars(record)["attempt"] for record in caplog.records] == [1, 2, 3, 4, 8, 16, 32]
