"""Which workflows histories are recorded of: each one of the examples, and what `kinds` adds.

A new one is a line in `EXAMPLES` here or in `KINDS` there, and then `python -m tests.histories.record`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import timedelta
from pathlib import Path

from foldlog import activity
from foldlog.client import Client

from examples import (
    approval,
    async_completion,
    batch,
    dsl,
    hello_world,
    mutex,
    payment,
    pipeline,
    polling,
    subscription,
)
from examples.interceptors import authorization, context, tracing
from examples.order.activities import DECLINED, FLAKY, UNSHIPPABLE, OrderActivities
from examples.order.ledger import Ledger
from examples.order.model import Order, chance, read_orders
from examples.order.workflow import OrderWorkflow
from tests.histories.case import Activities, Case, Handle, these
from tests.histories.kinds import KINDS


def methods(make: Callable[[], object], *names: str) -> Callable[[Path], AbstractContextManager[Activities]]:
    """Activities that are methods of an object, made anew for each run."""

    def activities(folder: Path) -> AbstractContextManager[Activities]:
        one = make()
        return nullcontext([getattr(one, name) for name in names])

    return activities


@contextmanager
def of_orders(folder: Path) -> Iterator[Activities]:
    """The activities of orders, on a ledger in the folder."""
    ledger = Ledger(folder / "ledger.db")
    try:
        yield OrderActivities(ledger).all()
    finally:
        ledger.close()


def order(luck: str) -> Order:
    """An order with this luck: `declined`, `unshippable`, `flaky`, or `good` for none of them."""
    limits = {"declined": DECLINED, "unshippable": UNSHIPPABLE, "flaky": FLAKY}
    for one in read_orders():
        bad = [what for what, limit in limits.items() if chance(one.order_id, what) < limit]
        if bad == ([] if luck == "good" else [luck]):
            return one
    raise LookupError(luck)


async def reserved(client: Client, handle: Handle) -> None:
    """Wait until there is something to undo."""
    while await handle.query(OrderWorkflow.status) in ("ValidateOrder", "ReserveInventory"):
        pass


async def regret(client: Client, handle: Handle) -> None:
    """The customer does not want it any more."""
    await reserved(client, handle)
    await handle.signal(OrderWorkflow.cancel_order, "changed my mind")


async def cancel(client: Client, handle: Handle) -> None:
    """Cancel the workflow."""
    await reserved(client, handle)
    await handle.cancel(reason="out of stock")


async def terminate(client: Client, handle: Handle) -> None:
    """Terminate the workflow."""
    await handle.terminate(reason="test data")


@activity.defn(name="ask_for_approval")
async def approves(invoice: str) -> bool:
    """Stands for a person who says yes at once: histories do not show where a completion came from."""
    return True


async def decide(client: Client, handle: Handle) -> None:
    """A person says yes."""
    await handle.execute_update(approval.Approval.decide, approval.Decision("bob", True))


async def ship(client: Client, handle: Handle) -> None:
    """What was paid for is on its way."""
    await handle.signal(payment.CardPayment.shipped)


async def ship_and_give_back(client: Client, handle: Handle) -> None:
    """And comes back, in two parts."""
    await ship(client, handle)
    await handle.signal(payment.CardPayment.give_back, 1000)
    await handle.signal(payment.CardPayment.give_back, 9000)


async def cancel_at_once(client: Client, handle: Handle) -> None:
    """Cancel the workflow, whatever it does."""
    await handle.cancel()


async def unsubscribe(client: Client, handle: Handle) -> None:
    """The customer has had enough."""
    await handle.signal(subscription.SubscriptionWorkflow.cancel)


async def open_it(client: Client, handle: Handle) -> None:
    """Its owner comes."""
    await handle.signal(authorization.Vault.open, "its owner")


class Insolvent(subscription.Billing):
    """Its customers pay for two periods."""

    @activity.defn
    async def charge(self, subscription: subscription.Subscription) -> int:
        if subscription.periods == 2:
            raise RuntimeError("cannot pay")
        return await super().charge(subscription)


def account_and_lock(folder: Path) -> AbstractContextManager[Activities]:
    """An account, and the activity that asks for its lock."""
    account = mutex.Account()
    return nullcontext([mutex.request_lock, account.read, account.write])


APPROVALS = methods(approval.Office, "mail", "pay")
EXPENSE = approval.Expense("expense-1", "ann", 12_000, ["bob", "eve"])
PAYMENTS = methods(payment.Bank, "authorize", "void", "capture", "refund")
POLLS = methods(lambda: polling.Service(5), "ask_often", "ask_once")
TRIAL = subscription.Subscription("ann", 990, trial=timedelta(days=14))


def paid(customer: str, days: int = 0) -> payment.Payment:
    """A payment that can be given back for so many days."""
    return payment.Payment(customer, 4200, timedelta(days=days))


EXAMPLES = [  # sorted by name
    Case("approval-approved", approval.Approval, [EXPENSE], APPROVALS, decide),
    Case("approval-expired", approval.Approval, [EXPENSE], APPROVALS),
    Case(
        "batch",
        batch.SlidingWindow,
        [batch.Batch(5, window=2, page=3)],
        methods(batch.Records, "process"),
        others=[batch.RecordWorkflow],
    ),
    Case("billing", tracing.Billing, [100], these(context.bill)),
    Case("dsl", dsl.Interpreter, [json.loads(dsl.DOCUMENT)], these(*dsl.ACTIVITIES)),
    Case("hello-world", hello_world.Greeting, ["Kafka"], these(hello_world.compose_greeting)),
    Case("hello-world-terminated", hello_world.Greeting, ["Kafka"], these(hello_world.compose_greeting), terminate),
    Case("invoice-approved", async_completion.PayInvoice, ["invoice-1"], these(approves)),
    Case("lock", mutex.Deposit, [100], account_and_lock, others=[mutex.Mutex]),
    Case("order-cancelled", OrderWorkflow, [order("good")], of_orders, cancel),
    Case("order-completed", OrderWorkflow, [order("good")], of_orders),
    Case("order-declined", OrderWorkflow, [order("declined")], of_orders),
    Case("order-regretted", OrderWorkflow, [order("good")], of_orders, regret),
    Case("order-retried", OrderWorkflow, [order("flaky")], of_orders),
    Case("order-unshippable", OrderWorkflow, [order("unshippable")], of_orders),
    Case("payment-captured", payment.CardPayment, [paid("ann")], PAYMENTS, ship),
    Case("payment-declined", payment.CardPayment, [paid("bob")], PAYMENTS),
    Case("payment-refunded", payment.CardPayment, [paid("ada", 30)], PAYMENTS, ship_and_give_back),
    Case("payment-voided", payment.CardPayment, [paid("abe")], PAYMENTS, cancel_at_once),
    Case("pipeline", pipeline.Pipeline, [pipeline.Plan(55, 8)], methods(pipeline.Data, "transform", "load")),
    Case("polling-often", polling.Often, ["job-1", 0.001], POLLS),
    Case("polling-regularly", polling.Regularly, ["job-3", 60.0], POLLS, others=[polling.Poller]),
    Case("polling-seldom", polling.Seldom, ["job-2", 60.0], POLLS),
    Case(
        "subscription-cancelled",
        subscription.SubscriptionWorkflow,
        [TRIAL],
        methods(subscription.Billing, "charge"),
        unsubscribe,
    ),
    Case("subscription-suspended", subscription.SubscriptionWorkflow, [TRIAL], methods(Insolvent, "charge")),
    Case("vault-opened", authorization.Vault, [], these(), open_it),
]

CASES = sorted([*EXAMPLES, *KINDS], key=lambda case: case.name)
