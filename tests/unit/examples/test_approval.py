"""The example of an approval: who may decide, reminders, and what happens if nobody does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from foldlog import activity
from foldlog.client import WorkflowHandle, WorkflowUpdateStage
from foldlog.exceptions import ApplicationError
from foldlog.testing import WorkflowEnvironment

from examples.approval import QUEUE, Approval, Decision, Expense, Office, decide, run, worker

DAY = timedelta(days=1)


@pytest.fixture
async def env() -> AsyncIterator[WorkflowEnvironment]:
    async with await WorkflowEnvironment.start_time_skipping() as started:
        yield started


async def ask(env: WorkflowEnvironment) -> WorkflowHandle[Approval, str]:
    expense = Expense("e-1", "ann", 500, ["bob", "eve"])
    return await env.client.start_workflow(Approval.run, expense, id="e-1", task_queue=QUEUE)


async def test_the_demonstration(env: WorkflowEnvironment) -> None:
    office = Office()
    assert await run(env.client, office) == [
        "not taken: NotAllowed: ann may not decide",
        "not taken: NoReason: say why",
        "transfer-expense-1",
        "paid",
    ]
    assert office.paid == {"expense-1": 12_000}
    assert office.mails[-1] == "ann: expense-1 is paid"


async def test_reminders_and_a_decision_after_days(env: WorkflowEnvironment) -> None:
    office = Office()
    async with worker(env.client, office):
        handle = await ask(env)
        await env.sleep(5 * DAY)
        assert await handle.query(Approval.status) == "pending"
        assert [mail for mail in office.mails if "still waits" in mail] == ["bob, eve: e-1 still waits for you"] * 2
        assert await decide(handle, Decision("bob", False, "too much")) == "no transfer"
        assert await handle.result() == "refused by bob, too much"
        assert await handle.query(Approval.status) == "refused"
        await env.sleep(5 * DAY)
    assert len([mail for mail in office.mails if "still waits" in mail]) == 2
    assert office.paid == {}


async def test_after_a_week_it_is_refused(env: WorkflowEnvironment) -> None:
    office = Office()
    async with worker(env.client, office):
        began = await env.get_current_time()
        handle = await ask(env)
        assert await handle.result() == "refused by nobody, too late"
        assert 7 * DAY <= await env.get_current_time() - began < 7.1 * DAY
        assert len([mail for mail in office.mails if "still waits" in mail]) == 3
        assert await decide(handle, Decision("bob", True)) == "too late"
    assert office.paid == {}


async def test_only_one_decision_counts(env: WorkflowEnvironment) -> None:
    office = Office()
    async with worker(env.client, office):
        handle = await ask(env)
        assert await decide(handle, Decision("mallory", True)) == "not taken: NotAllowed: mallory may not decide"
        first = await handle.start_update(
            Approval.decide, Decision("bob", True), id="u", wait_for_stage=WorkflowUpdateStage.ACCEPTED
        )
        assert await decide(handle, Decision("eve", False, "no")) in ("not taken: Decided: bob has decided", "too late")
        assert await first.result() == "transfer-e-1"
        assert await handle.result() == "paid"


class Poor(Office):
    """Cannot pay the first time."""

    def __init__(self) -> None:
        super().__init__()
        self.tries = 0

    @activity.defn
    async def pay(self, expense: Expense) -> str:
        self.tries += 1
        if self.tries == 1:
            raise ApplicationError("no money", non_retryable=True)
        return await super().pay(expense)


async def test_a_decision_that_could_not_be_carried_out_may_be_made_again(env: WorkflowEnvironment) -> None:
    office = Poor()
    async with worker(env.client, office):
        handle = await ask(env)
        assert await decide(handle, Decision("bob", True)) == "not taken: activity failed"
        assert await handle.query(Approval.status) == "pending"
        assert office.paid == {}
        assert await decide(handle, Decision("eve", True)) == "transfer-e-1"
        assert await handle.result() == "paid"


class Slow(Office):
    """Pays when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.paying, self.may_pay = asyncio.Event(), asyncio.Event()

    @activity.defn
    async def pay(self, expense: Expense) -> str:
        self.paying.set()
        await self.may_pay.wait()
        return await super().pay(expense)


async def test_what_is_being_paid_when_the_week_is_over_counts(env: WorkflowEnvironment) -> None:
    office = Slow()
    async with worker(env.client, office):
        handle = await ask(env)
        await env.sleep(7 * DAY - timedelta(seconds=1))
        decision = await handle.start_update(
            Approval.decide, Decision("bob", True), wait_for_stage=WorkflowUpdateStage.ACCEPTED
        )
        await office.paying.wait()
        await env.sleep(timedelta(seconds=1.5))  # longer than the week, shorter than the payment may take
        assert await decide(handle, Decision("eve", False, "no")) == "not taken: Decided: bob has decided"
        office.may_pay.set()
        assert await decision.result() == "transfer-e-1"
        assert await handle.result() == "paid"
