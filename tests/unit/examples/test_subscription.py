"""The example of a subscription, over months."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from foldlog import activity
from foldlog.client import WorkflowHandle
from foldlog.testing import WorkflowEnvironment

from examples.subscription import QUEUE, Billing, Subscription, SubscriptionWorkflow, run, worker
from tests.until import until_asked

DAY = timedelta(days=1)
Handle = WorkflowHandle[SubscriptionWorkflow, str]


@pytest.fixture
async def env() -> AsyncIterator[WorkflowEnvironment]:
    async with await WorkflowEnvironment.start_time_skipping() as started:
        yield started


async def subscribe(env: WorkflowEnvironment, subscription: Subscription) -> Handle:
    return await env.client.start_workflow(
        SubscriptionWorkflow.run, subscription, id=subscription.customer, task_queue=QUEUE
    )


async def until_charged(billing: Billing, times: int) -> None:
    for _ in range(times):
        await billing.charged.get()


async def until_over(handle: Handle, periods: int) -> Subscription:
    """What is known once so many periods are paid for."""

    async def over() -> Subscription | None:
        now = await handle.query(SubscriptionWorkflow.subscription)
        return now if now.periods >= periods else None

    found: Subscription = await until_asked(over, f"{periods} periods are paid for")
    return found


async def test_the_demonstration(env: WorkflowEnvironment) -> None:
    billing = Billing()
    ended = await run(env.client, billing, timedelta(milliseconds=20))
    periods = len(billing.charges)
    assert periods >= 3
    assert ended == f"cancelled after {periods} periods"
    assert set(billing.charges.values()) == {("ann", 990)}


async def test_a_year_with_a_trial_and_another_price(env: WorkflowEnvironment) -> None:
    billing = Billing()
    async with worker(env.client, billing):
        handle = await subscribe(env, Subscription("ann", 990, trial=14 * DAY))
        await env.sleep(13 * DAY)
        assert billing.charges == {}
        await env.sleep(2 * DAY)
        await until_charged(billing, 1)
        await handle.signal(SubscriptionWorkflow.change_price, 1290)
        await env.sleep(11 * 30 * DAY)
        await until_charged(billing, 11)
        now = await until_over(handle, 12)
        assert (now.paid, now.periods) == (990 + 11 * 1290, 12)
        history = await handle.fetch_history()
        assert len(history.events) < 10
        await handle.signal(SubscriptionWorkflow.cancel)
        assert await handle.result() == "cancelled after 12 periods"
    assert len(billing.charges) == 12


async def test_a_customer_who_cannot_pay_for_a_week_is_suspended(env: WorkflowEnvironment) -> None:
    billing = Billing()
    async with worker(env.client, billing):
        handle = await subscribe(env, Subscription("ann", 990))
        await until_charged(billing, 1)
        await until_over(handle, 1)
        billing.broke.add("ann")
        assert await handle.result() == "suspended after 1 periods"


async def test_a_customer_who_can_pay_again_goes_on(env: WorkflowEnvironment) -> None:
    billing = Billing()
    billing.broke.add("ann")
    async with worker(env.client, billing):
        handle = await subscribe(env, Subscription("ann", 990))
        await env.sleep(2 * DAY)
        assert billing.charges == {}
        billing.broke.clear()
        await env.sleep(DAY)
        await until_charged(billing, 1)
        assert (await until_over(handle, 1)).paid == 990


async def test_cancelled_before_the_first_charge(env: WorkflowEnvironment) -> None:
    billing = Billing()
    async with worker(env.client, billing):
        handle = await subscribe(env, Subscription("ann", 990, trial=30 * DAY))
        await handle.signal(SubscriptionWorkflow.cancel)
        assert await handle.result() == "cancelled after 0 periods"
    assert billing.charges == {}


async def test_whoever_comes_back_pays_again(env: WorkflowEnvironment) -> None:
    billing = Billing()
    async with worker(env.client, billing):
        for times in (1, 2):
            handle = await subscribe(env, Subscription("ann", 990))
            await until_charged(billing, 1)
            await handle.signal(SubscriptionWorkflow.cancel)
            assert await handle.result() == "cancelled after 1 periods"
            assert len(billing.charges) == times
            await env.sleep(DAY)


class Slow(Billing):
    """Charges when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.may_charge = asyncio.Event(), asyncio.Event()

    @activity.defn
    async def charge(self, subscription: Subscription) -> int:
        self.begun.set()
        await self.may_charge.wait()
        return await super().charge(subscription)


async def test_what_is_told_during_a_charge_counts_from_the_next_one_on(env: WorkflowEnvironment) -> None:
    billing = Slow()
    async with worker(env.client, billing):
        handle = await subscribe(env, Subscription("ann", 990))
        await billing.begun.wait()
        first = (await handle.query(SubscriptionWorkflow.subscription)).due
        await handle.signal(SubscriptionWorkflow.change_price, 1290)
        billing.may_charge.set()
        await until_charged(billing, 1)
        now = await until_over(handle, 1)
        assert (now.paid, now.cents) == (990, 1290)
        assert first is not None
        assert now.due == first + 30 * DAY  # however long the charge took
        await env.sleep(30 * DAY)
        await until_charged(billing, 1)
    assert [cents for _, cents in billing.charges.values()] == [990, 1290]


async def test_a_period_that_begins_while_nothing_runs_is_charged_later_and_its_due_date_stays(
    env: WorkflowEnvironment,
) -> None:
    billing = Billing()
    async with worker(env.client, billing):
        handle = await subscribe(env, Subscription("ann", 990))
        await until_charged(billing, 1)
        first = (await until_over(handle, 1)).due
    await env.sleep(40 * DAY)
    async with worker(env.client, billing):
        await until_charged(billing, 1)
        second = (await until_over(handle, 2)).due
    assert first is not None
    assert second == first + 30 * DAY
