"""The order workflow: five steps forward, and each one's undoing when a later one fails."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from foldlog import workflow
from foldlog.common import RetryPolicy
from foldlog.exceptions import ActivityError, ApplicationError, is_cancelled_exception

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
        self._undo: list[Callable[[], Awaitable[None]]] = []

    @workflow.run
    async def run(self, order: Order) -> Outcome:
        """Fulfil the order, or leave the world as if it had never been placed."""
        try:
            await self._fulfil(order)
        except BaseException as error:
            if not isinstance(error, ActivityError | ApplicationError) and not is_cancelled_exception(error):
                raise
            # The undoing must go on also when it is the workflow's own cancellation that is being handled.
            await asyncio.shield(self._compensate())
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
        self._undo.append(lambda: self._undone(OrderActivities.release_inventory, order))
        await self._do("ReserveInventory", OrderActivities.reserve_inventory, order)
        self._undo.append(lambda: self._undone(OrderActivities.refund_payment, order))
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
        await self._do("SendNotification", OrderActivities.send_notification, order)
        self._step = "completed"

    async def _pay(self, order: Order) -> None:
        try:
            await self._do("ProcessPayment", OrderActivities.process_payment, order)
        except ActivityError as error:
            if isinstance(error.cause, ApplicationError) and error.cause.type == "CardDeclined":
                self._undo.pop()  # Nothing was charged, so there is nothing to refund.
            raise

    async def _do(self, step: str, method: Callable[[OrderActivities, Order], object], order: Order) -> None:
        self._check_canceled()
        self._step = step
        await workflow.execute_activity_method(method, order, start_to_close_timeout=QUICK, retry_policy=RETRY)

    async def _undone(self, method: Callable[[OrderActivities, Order], None], order: Order) -> None:
        await workflow.execute_activity_method(method, order, start_to_close_timeout=QUICK)

    async def _compensate(self) -> None:
        """Undo what was done, the last step first."""
        self._step = "compensating"
        while self._undo:
            await self._undo.pop()()
        self._step = "compensated"

    def _check_canceled(self) -> None:
        if self._cancel_reason:
            raise ApplicationError(self._cancel_reason, type="OrderCanceled")


def _reason(error: BaseException) -> str:
    """What lies at the bottom of an activity's failure, in a word."""
    cause = error.cause if isinstance(error, ActivityError) else error
    return cause.type or type(cause).__name__ if isinstance(cause, ApplicationError) else type(cause).__name__
