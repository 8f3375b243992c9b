"""What an order is, and where the orders come from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TASK_QUEUE = "orders"
DATA = Path(__file__).parent / "data" / "cdnow_sample.txt"
SHELVES = 40


@dataclass
class Order:
    """One purchase."""

    order_id: str
    customer: str
    shelf: str
    """Where the goods are taken from."""
    quantity: int
    cents: int
    """What it costs, in cents: money is never a float."""


@dataclass
class Outcome:
    """How an order ended."""

    order_id: str
    status: str
    """completed or compensated."""
    reason: str = ""


def read_orders(limit: int | None = None) -> Iterator[Order]:
    """The orders in the sample, in the order of its rows."""
    with DATA.open(encoding="ascii") as rows:
        for number, row in enumerate(rows):
            if limit is not None and number >= limit:
                return
            _, customer, date, quantity, dollars = row.split()
            whole, _, hundredths = dollars.partition(".")
            yield Order(
                order_id=f"{date}-{number:05d}",
                customer=customer,
                shelf=f"shelf-{int(customer) % SHELVES:02d}",
                quantity=int(quantity),
                cents=int(whole) * 100 + int(hundredths.ljust(2, "0")),
            )


def chance(order_id: str, what: str) -> float:
    """A number from 0 to 1 that is always the same for the same order: the example's bad luck can be repeated."""
    digest = hashlib.blake2b(f"{order_id}/{what}".encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") / 2**32
