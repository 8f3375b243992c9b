"""A payment that is counted once, whatever gets lost: `foldlog dev --port 0 -- python examples/payment.py`.

The money is put on hold first, taken when the goods are shipped, and given back on demand. The bank gets the
idempotency key of each activity, so that a call that is repeated, its answer lost, books nothing twice.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from foldlog import activity, workflow
from foldlog.client import Client, WorkflowFailureError, WorkflowHandle
from foldlog.common import RetryPolicy, WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from foldlog.exceptions import ActivityError, ApplicationError, WorkflowAlreadyStartedError, WorkflowNotFoundError
from foldlog.worker import Worker

QUEUE = "payments"
RETRY = RetryPolicy(initial_interval=timedelta(seconds=1), non_retryable_error_types=["CardDeclined"])
CALL = workflow.ActivityConfig(
    start_to_close_timeout=timedelta(seconds=10),
    retry_policy=RETRY,
    # Also a cancelled workflow waits for the end of a call: nothing is undone before it is done.
    cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
)


@dataclass
class Payment:
    customer: str
    cents: int
    refundable: timedelta = timedelta(days=30)


class Bank:
    """Stands for a payment provider. The first answer to each capture gets lost, after it has been done."""

    def __init__(self) -> None:
        self.booked: dict[str, tuple[str, str, int]] = {}  # by idempotency key
        self.calls = 0

    @activity.defn
    async def authorize(self, payment: Payment) -> None:
        if payment.customer == "bob":
            raise ApplicationError("insufficient funds", type="CardDeclined")
        self._book("hold", payment.customer, 0)

    @activity.defn
    async def void(self, payment: Payment) -> None:
        taken = sum(cents for customer, _, cents in self.booked.values() if customer == payment.customer)
        self._book("void", payment.customer, -taken)

    @activity.defn
    async def capture(self, payment: Payment) -> None:
        self._book("capture", payment.customer, payment.cents)

    @activity.defn
    async def refund(self, payment: Payment, cents: int) -> None:
        self._book("refund", payment.customer, -cents)

    def _book(self, what: str, customer: str, cents: int) -> None:
        self.calls += 1
        key = activity.info().idempotency_key
        self.booked.setdefault(key, (customer, what, cents))
        if what == "capture" and activity.info().attempt == 1:
            raise ConnectionError("the bank has done it, but its answer was lost")


@workflow.defn
class CardPayment:
    def __init__(self) -> None:
        self._status = "authorizing"
        self._shipped = False
        self._refunds: list[int] = []

    @workflow.run
    async def run(self, payment: Payment) -> int:
        async with workflow.Saga() as saga:
            saga.add(self._void, payment)
            try:
                await self._call(Bank.authorize, payment)
            except ActivityError as error:
                if isinstance(error.cause, ApplicationError) and error.cause.type == "CardDeclined":
                    self._status = "declined"
                    saga.discard()  # certainly nothing is on hold
                raise
            self._status = "authorized"
            await workflow.wait_condition(lambda: self._shipped, timeout=timedelta(days=7))
            await self._call(Bank.capture, payment)
        self._status = "captured"
        return await self._refund(payment)

    async def _call(self, activity: Callable[..., Any], *args: Any) -> None:
        await workflow.execute_activity_method(activity, args=args, **CALL)
        if workflow.cancellation_reason() is not None:
            raise asyncio.CancelledError  # it came during the call, which has ended well

    async def _void(self, payment: Payment) -> None:
        await workflow.execute_activity_method(Bank.void, payment, **CALL)
        self._status = "voided"

    async def _refund(self, payment: Payment) -> int:
        """Give back what is asked for, until nothing is left or it is too late."""
        kept = payment.cents
        too_late = workflow.now() + payment.refundable
        while kept and workflow.now() < too_late:
            try:
                await workflow.wait_condition(lambda: bool(self._refunds), timeout=too_late - workflow.now())
            except TimeoutError:
                break
            cents = min(self._refunds.pop(0), kept)
            await self._call(Bank.refund, payment, cents)
            self._status, kept = "refunded", kept - cents
        return kept

    @workflow.signal
    def shipped(self) -> None:
        self._shipped = True

    @workflow.signal
    def give_back(self, cents: int) -> None:
        self._refunds.append(cents)

    @workflow.query
    def status(self) -> str:
        return self._status


async def pay(client: Client, payment: Payment) -> WorkflowHandle[CardPayment, int]:
    """Start a payment, once: whoever does so again, as he died meanwhile, finds it, also if it has ended."""
    id = f"payment-{payment.customer}"
    try:
        return await client.start_workflow(
            CardPayment.run,
            payment,
            id=id,
            task_queue=QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
        )
    except WorkflowAlreadyStartedError:
        return client.get_workflow_handle_for(CardPayment.run, id)


async def run(client: Client, bank: Bank) -> list[str]:
    """A payment that is kept, one that is given back, one that is cancelled, and one that is declined."""
    activities: list[Callable[..., Any]] = [bank.authorize, bank.void, bank.capture, bank.refund]
    lines = []
    async with Worker(client, task_queue=QUEUE, workflows=[CardPayment], activities=activities):
        for customer in ("ann", "ada", "abe", "bob"):
            handle = await pay(client, Payment(customer, 4200, timedelta(days=30 if customer == "ada" else 0)))
            with suppress(WorkflowNotFoundError):  # it has ended
                if customer == "abe":
                    await handle.cancel()
                elif customer != "bob":
                    await handle.signal(CardPayment.shipped)
                if customer == "ada":
                    await handle.signal(CardPayment.give_back, 5000)
            try:
                ended = f"{await handle.result()} cents kept"
            except WorkflowFailureError as error:
                ended = str(error.cause)
            lines.append(f"{customer}: {await handle.query(CardPayment.status)}, {ended}")
    return lines


async def main() -> None:
    bank = Bank()
    async with await Client.connect() as client:  # the Kafka that KAFKA_BOOTSTRAP_SERVERS names
        print(*await run(client, bank), sep="\n")
    print(f"{bank.calls} calls, {len(bank.booked)} bookings, {sum(entry[2] for entry in bank.booked.values())} cents")


if __name__ == "__main__":
    asyncio.run(main())
