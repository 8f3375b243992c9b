"""Delivery: ends of activities reach the broker, whatever it says first."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

from foldlog.schemas.command import CompleteActivity, FailActivity
from foldlog.schemas.common import Failure, Payload
from foldlog.schemas.records import Command
from foldlog.transport.errors import (
    BrokerUnreachableError,
    ConnectionClosedError,
    QueueFullError,
    RecordTooLargeError,
)
from foldlog.worker.delivery import Delivery


class Broker:
    """Refuses with the given errors, one for each record, before it takes what comes."""

    def __init__(self, *errors: Exception, at_once: bool = False) -> None:
        self.errors = list(errors)
        self.at_once = at_once
        self.taken: list[Command] = []

    def tell(self, workflow_id: str, command: Command, report: Callable[[Exception | None], None]) -> None:
        error = self.errors.pop(0) if self.errors else None
        if error is not None and self.at_once:
            raise error
        if error is None:
            self.taken.append(command)
        # As the connection does it: from a thread of its own.
        thread = threading.Thread(target=report, args=(error,))
        thread.start()
        thread.join()


def completed(data: bytes = b"1") -> CompleteActivity:
    return CompleteActivity(
        run_id="r", scheduled_event_id=5, attempt=2, result=Payload(encoding="json/plain", data=data)
    )


async def deliver(broker: Broker, command: Command) -> int:
    """Send one command; how often its delivery was told."""
    delivery, told = Delivery(broker.tell), []
    delivery.send("wf", command, lambda: told.append(1))
    assert await delivery.flush(60)
    return len(told)


async def test_sent_again_until_it_is_delivered() -> None:
    broker = Broker(BrokerUnreachableError("x:1"), BrokerUnreachableError("x:1"))
    assert await deliver(broker, completed()) == 1
    assert broker.taken == [completed()]


async def test_sent_again_when_the_queue_is_full() -> None:
    broker = Broker(QueueFullError("full"), at_once=True)
    assert await deliver(broker, completed()) == 1
    assert broker.taken == [completed()]


async def test_a_result_that_is_too_large_becomes_a_failure() -> None:
    for at_once in (False, True):
        broker = Broker(RecordTooLargeError("ns.commands", 2_000_000, 1_000_000), at_once=at_once)
        assert await deliver(broker, completed()) == 1
        [failed] = broker.taken
        assert isinstance(failed, FailActivity)
        assert (failed.run_id, failed.scheduled_event_id, failed.attempt) == ("r", 5, 2)
        assert (failed.failure.type, failed.failure.non_retryable) == ("ResultTooLarge", True)


async def test_a_failure_that_is_too_large_is_cut() -> None:
    failure = Failure(message="x" * 100_000, type="T", cause=Failure(message="y" * 100_000))
    command = FailActivity(run_id="r", scheduled_event_id=5, attempt=1, failure=failure)
    broker = Broker(RecordTooLargeError("ns.commands", 2_000_000, 1_000_000))
    assert await deliver(broker, command) == 1
    [failed] = broker.taken
    assert isinstance(failed, FailActivity)
    assert len(failed.failure.message) == 10_000
    assert (failed.failure.type, failed.failure.cause) == ("T", None)


async def test_flush_tells_what_is_left() -> None:
    held: list[Callable[[Exception | None], None]] = []
    delivery = Delivery(lambda workflow_id, command, report: held.append(report))
    delivery.send("wf", completed(), lambda: None)
    assert not await delivery.flush(0.01)
    assert delivery.outstanding == 1
    flushing = asyncio.create_task(delivery.flush(60))
    await asyncio.sleep(0)
    held[0](None)
    assert await flushing
    assert delivery.outstanding == 0


async def test_a_report_that_is_not_delivered_is_let_go() -> None:
    broker = Broker(BrokerUnreachableError("x:1"), at_once=True)
    delivery = Delivery(broker.tell)
    delivery.mention("wf", completed())
    assert (delivery.outstanding, broker.taken) == (0, [])


async def test_nothing_is_tried_again_when_the_connection_is_closed() -> None:
    broker = Broker(BrokerUnreachableError("x:1"), ConnectionClosedError("closed"), at_once=True)
    assert await deliver(broker, completed()) == 0
    assert (broker.taken, broker.errors) == ([], [])
