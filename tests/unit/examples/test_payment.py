"""The example of a payment: what the bank has booked in the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from foldlog import activity
from foldlog.client import Client, WorkflowFailureError
from foldlog.exceptions import ActivityError, ApplicationError, CancelledError
from foldlog.testing import WorkflowEnvironment
from foldlog.worker import Worker

from examples.payment import QUEUE, Bank, CardPayment, Payment, run
from tests.conformance.scenarios import names


@pytest.fixture
async def env() -> AsyncIterator[WorkflowEnvironment]:
    async with await WorkflowEnvironment.start_time_skipping() as started:
        yield started


def worker(client: Client, bank: Bank) -> Worker:
    activities: list[Any] = [bank.authorize, bank.void, bank.capture, bank.refund]
    return Worker(client, task_queue=QUEUE, workflows=[CardPayment], activities=activities)


def booked(bank: Bank) -> list[tuple[str, str, int]]:
    return list(bank.booked.values())


async def test_the_demonstration_books_everything_once(env: WorkflowEnvironment) -> None:
    bank = Bank()
    assert await run(env.client, bank) == [
        "ann: captured, 4200 cents kept",
        "ada: refunded, 0 cents kept",
        "abe: voided, Workflow cancelled",
        "bob: declined, activity failed",
    ]
    of_all = booked(bank)
    assert [entry for entry in of_all if entry[0] == "ann"] == [("ann", "hold", 0), ("ann", "capture", 4200)]
    assert of_all.count(("ada", "capture", 4200)) == of_all.count(("ada", "refund", -4200)) == 1
    assert of_all.count(("abe", "void", 0)) == 1
    assert not [entry for entry in of_all if entry[0] == "bob"]
    assert bank.calls > len(of_all)


async def test_what_is_not_shipped_in_a_week_is_let_go(env: WorkflowEnvironment) -> None:
    bank = Bank()
    async with worker(env.client, bank):
        handle = await env.client.start_workflow(CardPayment.run, Payment("eve", 100), id="p", task_queue=QUEUE)
        with pytest.raises(WorkflowFailureError) as failed:
            await handle.result()
        assert isinstance(failed.value.cause, ApplicationError)
        assert failed.value.cause.type == "TimeoutError"
        assert await handle.query(CardPayment.status) == "voided"
    assert booked(bank) == [("eve", "hold", 0), ("eve", "void", 0)]


async def test_parts_can_be_given_back_within_a_month_and_not_more_than_all(env: WorkflowEnvironment) -> None:
    bank = Bank()
    async with worker(env.client, bank):
        handle = await env.client.start_workflow(CardPayment.run, Payment("eve", 100), id="p", task_queue=QUEUE)
        await handle.signal(CardPayment.shipped)
        await env.sleep(timedelta(days=10))
        assert await handle.query(CardPayment.status) == "captured"
        await handle.signal(CardPayment.give_back, 30)
        await env.sleep(timedelta(days=15))
        await handle.signal(CardPayment.give_back, 50)
        assert await handle.result() == 20
    assert sum(cents for _, _, cents in booked(bank)) == 20


async def test_what_is_started_again_charges_nothing_twice(env: WorkflowEnvironment) -> None:
    bank = Bank()
    first = await run(env.client, bank)
    calls, of_all = bank.calls, booked(bank)
    assert await run(env.client, bank) == first  # as a process does that died when it had nearly done it all
    assert (bank.calls, booked(bank)) == (calls, of_all)


class Slow(Bank):
    """Does what it is told to be slow at when it may."""

    def __init__(self, what: str) -> None:
        super().__init__()
        self.what = what
        self.begun, self.may_go_on = asyncio.Event(), asyncio.Event()

    async def wait(self, what: str) -> None:
        if what == self.what:
            self.begun.set()
            try:
                await self.may_go_on.wait()
            except asyncio.CancelledError:
                await self.may_go_on.wait()  # a call that is under way is not taken back

    @activity.defn
    async def authorize(self, payment: Payment) -> None:
        await self.wait("hold")
        await super().authorize(payment)

    @activity.defn
    async def capture(self, payment: Payment) -> None:
        await self.wait("capture")
        await super().capture(payment)


@pytest.mark.parametrize("during", ["hold", "capture"])
async def test_a_payment_that_is_cancelled_during_a_call_is_undone_after_it(
    env: WorkflowEnvironment, during: str
) -> None:
    bank = Slow(during)
    async with worker(env.client, bank):
        handle = await env.client.start_workflow(CardPayment.run, Payment("eve", 100), id="p", task_queue=QUEUE)
        await handle.signal(CardPayment.shipped)
        await bank.begun.wait()
        await handle.cancel()
        assert "ActivityTaskCancelRequested" in await names(handle)
        bank.may_go_on.set()
        with pytest.raises(WorkflowFailureError) as failed:
            await handle.result()
        # The answer of the capture gets lost, and what is cancelled is not tried again: that is a failure.
        assert isinstance(failed.value.cause, CancelledError if during == "hold" else ActivityError)
        assert await handle.query(CardPayment.status) == "voided"
    done = [what for _, what, _ in booked(bank)]
    assert done == (["hold", "void"] if during == "hold" else ["hold", "capture", "void"])
    assert sum(cents for _, _, cents in booked(bank)) == 0
