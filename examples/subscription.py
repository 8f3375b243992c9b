"""A subscription that runs for years: `foldlog dev --port 0 -- python examples/subscription.py`.

Each period is a run of its own: the workflow sleeps until the period begins or a signal comes, charges the customer,
and continues as new with what the next period must know. So its history stays short, however long it lives.
"""

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from foldlog import activity, workflow
from foldlog.client import Client
from foldlog.common import RetryPolicy, WorkflowIDConflictPolicy
from foldlog.exceptions import ActivityError
from foldlog.worker import Worker

QUEUE = "subscriptions"
GRACE = timedelta(days=7)
"""How long a payment is tried."""


@dataclass
class Subscription:
    customer: str
    cents: int
    """What a period costs."""
    period: timedelta = timedelta(days=30)
    trial: timedelta = timedelta(0)
    due: datetime | None = None
    """When the next period begins; None: not begun yet."""
    paid: int = 0
    """Cents so far."""
    periods: int = 0
    cancelled: bool = False


class Billing:
    """Stands for the payment provider. Customers who are broke cannot pay."""

    def __init__(self) -> None:
        self.charges: dict[str, tuple[str, int]] = {}
        """By customer and due date: a period is charged once over all runs, and a later subscription on its own."""
        self.broke: set[str] = set()
        self.charged: asyncio.Queue[str] = asyncio.Queue()

    @activity.defn
    async def charge(self, subscription: Subscription) -> int:
        if subscription.customer in self.broke:
            raise RuntimeError(f"{subscription.customer} cannot pay")
        key = f"{subscription.customer} {subscription.due}"
        _, cents = self.charges.setdefault(key, (subscription.customer, subscription.cents))
        await self.charged.put(key)
        return cents


@workflow.defn
class SubscriptionWorkflow:
    @workflow.init
    def __init__(self, subscription: Subscription) -> None:
        self._subscription = subscription

    @workflow.run
    async def run(self, subscription: Subscription) -> str:
        """One period. Returns why it ended."""
        due = self._subscription.due = subscription.due or workflow.now() + subscription.trial
        try:
            await workflow.wait_condition(lambda: self._subscription.cancelled, timeout=due - workflow.now())
        except TimeoutError:
            pass
        if self._subscription.cancelled:
            return f"cancelled after {self._subscription.periods} periods"
        try:
            charged = await workflow.execute_activity_method(
                Billing.charge,
                self._subscription,
                start_to_close_timeout=timedelta(seconds=10),
                schedule_to_close_timeout=GRACE,
                retry_policy=RetryPolicy(initial_interval=timedelta(hours=6), backoff_coefficient=1.0),
            )
        except ActivityError:
            return f"suspended after {self._subscription.periods} periods"
        now = self._subscription  # a signal may have changed it meanwhile
        workflow.continue_as_new(replace(now, due=due + now.period, paid=now.paid + charged, periods=now.periods + 1))

    @workflow.signal
    def cancel(self) -> None:
        """Counts from the next period on; what has been paid for is not given back."""
        self._subscription.cancelled = True

    @workflow.signal
    def change_price(self, cents: int) -> None:
        """Counts from the next charge on."""
        self._subscription.cents = cents

    @workflow.query
    def subscription(self) -> Subscription:
        return self._subscription


def worker(client: Client, billing: Billing) -> Worker:
    return Worker(client, task_queue=QUEUE, workflows=[SubscriptionWorkflow], activities=[billing.charge])


async def run(client: Client, billing: Billing, period: timedelta) -> str:
    """A subscription of three periods or more: the customer cancels after the third charge."""
    async with worker(client, billing):
        handle = await client.start_workflow(
            SubscriptionWorkflow.run,
            Subscription("ann", 990, period=period),
            id="subscription-ann",
            task_queue=QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        )
        for _ in range(3):
            await billing.charged.get()
        await handle.signal(SubscriptionWorkflow.cancel)
        return await handle.result()


async def main() -> None:
    billing = Billing()
    async with await Client.connect() as client:  # the Kafka that KAFKA_BOOTSTRAP_SERVERS names
        print(await run(client, billing, period=timedelta(seconds=1)))
    print(billing.charges)


if __name__ == "__main__":
    asyncio.run(main())
