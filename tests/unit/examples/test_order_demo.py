"""What the order demonstration counts in the histories."""

from __future__ import annotations

from typing import Any

from foldlog.schemas.common import Failure, Payload
from foldlog.schemas.event import ActivityTaskCompleted, ActivityTaskFailed, ActivityTaskTimedOut, TimerFired
from foldlog.schemas.framing import encode
from foldlog.schemas.log import PartitionOpened
from foldlog.transport.topic_reader import TopicRecord

from examples.order.demo import Retried, Run, retried
from examples.order.model import Outcome


def record(workflow_id: str | None, event: Any) -> TopicRecord:
    return TopicRecord(0, 0, 0, workflow_id.encode() if workflow_id else None, encode(event), [])


def completed(attempt: int) -> ActivityTaskCompleted:
    return ActivityTaskCompleted(
        scheduled_event_id=2, attempt=attempt, result=Payload(encoding="binary/null", data=b"")
    )


def run_of(*order_ids: str) -> Run:
    return Run("a run", [Outcome(order_id, "completed") for order_id in order_ids])


def test_orders_with_further_attempts_are_counted_once_and_their_attempts_all() -> None:
    failed = ActivityTaskFailed(scheduled_event_id=4, attempt=10, failure=Failure())
    timed_out = ActivityTaskTimedOut(scheduled_event_id=6, attempt=2, failure=Failure())
    records = [
        record(None, PartitionOpened(instance="p", epoch="e", partition_count=1, build_id="", time_ms=0)),
        record("order-1", completed(1)),
        record("order-2", completed(3)),
        record("order-2", failed),
        record("order-3", timed_out),
        record("order-3", TimerFired(started_event_id=1, timer_id=1)),
    ]
    assert retried(records, run_of("1", "2", "3")) == Retried(orders=2, attempts=2 + 9 + 1)


def test_orders_of_another_run_are_not_counted() -> None:
    assert retried([record("order-1", completed(5)), record("order-2", completed(2))], run_of("2")) == Retried(1, 1)


def test_an_order_whose_activities_succeeded_at_once_is_none() -> None:
    assert retried([record("order-1", completed(1))], run_of("1")) == Retried(0, 0)
