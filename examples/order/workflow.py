"""The order workflow: five steps forward, and each one's undoing when a later one fails."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

from foldlog import workflow
from foldlog.common import RetryPolicy
from foldlog.exceptions import ActivityError, ApplicationError

from examples.order.activities import OrderActivities
from examples.order.model import Order, Outcome

QUICK = timedelta(seconds=10)
RETRY = RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_attempts=10)


@workflow.defn
class OrderWorkflow:
    """One order."""

    def __init__(self) -> None:
        self._step = "new"
        self._cancel_reason = ""
        self._saga = workflow.Saga()

    @workflow.run
    async def run(self, order: Order) -> Outcome:
        """Fulfil the order, or leave the world as if it had never been placed."""
        try:
            await self._fulfil(order)
        except (ActivityError, ApplicationError, asyncio.CancelledError) as error:
            self._step = "compensating"
            await self._saga.run_compensations()
            self._step = "compensated"
            return Outcome(order.order_id, "compensated", self._cancel_reason or _reason(error))
        return Outcome(order.order_id, "completed")

    @workflow.signal
    def cancel_order(self, reason: str) -> None:
        """The customer does not want it any more: counts until the goods are shipped."""
        self._cancel_reason = reason

    @workflow.query
    def status(self) -> str:
        """The step at hand."""
        return self._step

    async def _fulfil(self, order: Order) -> None:
        await self._do("ValidateOrder", OrderActivities.validate_order, order)
        # Before the step: one that timed out may have been done.
        self._saga.compensate_method(OrderActivities.release_inventory, order, start_to_close_timeout=QUICK)
        await self._do("ReserveInventory", OrderActivities.reserve_inventory, order)
        self._saga.compensate_method(OrderActivities.refund_payment, order, start_to_close_timeout=QUICK)
        await self._pay(order)
        self._check_canceled()
        self._step = "CreateShipment"
        await workflow.execute_activity_method(
            OrderActivities.create_shipment,
            order,
            start_to_close_timeout=QUICK,
            heartbeat_timeout=timedelta(seconds=5),
            retry_policy=RETRY,
        )
        # What is shipped is not undone any more, whoever asks for it now.
        self._step = "SendNotification"
        await workflow.execute_activity_method(
            OrderActivities.send_notification, order, start_to_close_timeout=QUICK, retry_policy=RETRY
        )
        self._step = "completed"

    async def _pay(self, order: Order) -> None:
        try:
            await self._do("ProcessPayment", OrderActivities.process_payment, order)
        except ActivityError as error:
            if isinstance(error.cause, ApplicationError) and error.cause.type == "CardDeclined":
                self._saga.discard()  # Nothing was charged, so there is nothing to refund.
            raise

    async def _do(self, step: str, method: Callable[[OrderActivities, Order], object], order: Order) -> None:
        self._check_canceled()
        self._step = step
        await workflow.execute_activity_method(method, order, start_to_close_timeout=QUICK, retry_policy=RETRY)

    def _check_canceled(self) -> None:
        if self._cancel_reason:
            raise ApplicationError(self._cancel_reason, type="OrderCanceled")


def _reason(error: BaseException) -> str:
    """What lies at the bottom of an activity's failure, in a word."""
    cause = error.cause if isinstance(error, ActivityError) else error
    return cause.type or type(cause).__name__ if isinstance(cause, ApplicationError) else type(cause).__name__
