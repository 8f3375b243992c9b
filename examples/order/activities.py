"""The steps of an order that touch the world: each may run twice, and its idempotency key makes it count once."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from foldlog import activity
from foldlog.exceptions import ApplicationError

from examples.order.ledger import Ledger
from examples.order.model import Order, chance

DECLINED = 0.05
UNSHIPPABLE = 0.02
FLAKY = 0.03
CRASHING = 0.002


class OrderActivities:
    """The activities, on a ledger."""

    def __init__(self, ledger: Ledger, crash_dir: Path | None = None) -> None:
        """Make them.

        Args:
            ledger: Stock and money.
            crash_dir: Where a worker notes that it has crashed for an order, so that it does so once; None: never.
        """
        self._ledger = ledger
        self._crash_dir = crash_dir

    @activity.defn(name="ValidateOrder")
    def validate_order(self, order: Order) -> None:
        """Refuse what cannot be an order."""
        if order.quantity < 1 or order.cents < 0:
            raise ApplicationError(f"order {order.order_id} makes no sense", type="InvalidOrder", non_retryable=True)

    @activity.defn(name="ReserveInventory")
    def reserve_inventory(self, order: Order) -> None:
        """Take the goods off the shelf."""
        self._ledger.reserve(activity.info().idempotency_key, order)
        self._perhaps_crash(order)

    @activity.defn(name="ReleaseInventory")
    def release_inventory(self, order: Order) -> None:
        """Put them back: undoes ReserveInventory."""
        self._ledger.release(activity.info().idempotency_key, order)

    @activity.defn(name="ProcessPayment")
    def process_payment(self, order: Order) -> str:
        """Take the money; returns the receipt."""
        if chance(order.order_id, "declined") < DECLINED:
            raise ApplicationError("the card was declined", type="CardDeclined", non_retryable=True)
        if activity.info().attempt == 1 and chance(order.order_id, "flaky") < FLAKY:
            raise ConnectionError("the payment provider did not answer")
        self._ledger.charge(activity.info().idempotency_key, order)
        return f"receipt-{order.order_id}"

    @activity.defn(name="RefundPayment")
    def refund_payment(self, order: Order) -> None:
        """Give the money back: undoes ProcessPayment."""
        self._ledger.refund(activity.info().idempotency_key, order)

    @activity.defn(name="CreateShipment")
    def create_shipment(self, order: Order) -> str:
        """Pack piece by piece, and say how far it got; returns the tracking number."""
        if chance(order.order_id, "unshippable") < UNSHIPPABLE:
            raise ApplicationError("no carrier goes there", type="Unshippable", non_retryable=True)
        packed: int = activity.info().heartbeat_details[0] if activity.info().heartbeat_details else 0
        for piece in range(packed, order.quantity):
            activity.heartbeat(piece + 1)
        self._ledger.ship(activity.info().idempotency_key, order)
        return f"track-{order.order_id}"

    @activity.defn(name="SendNotification")
    def send_notification(self, order: Order) -> None:
        """Tell the customer."""
        self._ledger.notify(activity.info().idempotency_key, order)

    def all(self) -> Sequence[Callable[..., Any]]:
        """All of them, for a worker."""
        return [
            self.validate_order,
            self.reserve_inventory,
            self.release_inventory,
            self.process_payment,
            self.refund_payment,
            self.create_shipment,
            self.send_notification,
        ]

    def _perhaps_crash(self, order: Order) -> None:
        """Die as a process does that runs out of memory: after the work, before anybody hears of it."""
        if self._crash_dir is None or chance(order.order_id, "crash") >= CRASHING:
            return
        try:
            (self._crash_dir / order.order_id).touch(exist_ok=False)
        except FileExistsError:
            return
        os._exit(1)
