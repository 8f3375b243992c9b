"""What converting one value costs: `python -m benchmarks.converter`. Needs no broker."""

from __future__ import annotations

import timeit
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from foldlog.converter import FailureConverter, PayloadConverter
from foldlog.exceptions import ApplicationError
from pydantic import BaseModel

ROUNDS = 20_000
REPEATS = 7


@dataclass
class Item:
    sku: str
    price: float
    quantity: int = 1


@dataclass
class Order:
    id: str
    items: list[Item]
    placed: datetime
    total: Decimal
    note: str | None = None


@dataclass
class Card:
    number: str


class Model(BaseModel):
    sku: str
    price: float


ITEM = Item("sku-1", 9.95)
ORDER = Order("order-1", [ITEM] * 3, datetime(2026, 1, 2, tzinfo=UTC), Decimal("29.85"), "a note")
VALUES: list[tuple[str, Any, Any]] = [
    ("None", None, type(None)),
    ("str", "order-1", str),
    ("int", 42, int),
    ("1 KB of bytes", bytes(1000), bytes),
    ("dict, without a hint", {"id": "order-1", "items": [1, 2, 3]}, None),
    ("dataclass, 3 fields", ITEM, Item),
    ("dataclass with 3 dataclasses, Decimal, datetime", ORDER, Order),
    ("the same with a null in it", Order("order-1", [ITEM] * 3, ORDER.placed, ORDER.total), Order),
    ("1,000 dataclasses", [ITEM] * 1000, list[Item]),
    ("union of dataclasses, read by pydantic", ITEM, Item | Card),
    ("pydantic model", Model(sku="sku-1", price=9.95), Model),
]


def microseconds(call: Any) -> float:
    """Time of one call, of the fastest of some repeats."""
    once = timeit.timeit(call, number=10) / 10
    rounds = max(10, min(ROUNDS, int(0.05 / once)))
    return min(timeit.repeat(call, number=rounds, repeat=REPEATS)) / rounds * 1e6


def main() -> None:
    """Print the table."""
    converter = PayloadConverter.default
    print("| value | to payload | from payload |\n|---|--:|--:|")
    for name, value, hint in VALUES:
        payloads = converter.to_payloads([value])
        there = microseconds(lambda value=value: converter.to_payloads([value]))
        back = microseconds(lambda payloads=payloads, hint=hint: converter.from_payloads(payloads, [hint]))
        print(f"| {name} | {there:.1f} | {back:.1f} |")
    failures, error = FailureConverter.default, ApplicationError("declined", 4711, type="Declined")
    failure = failures.to_failure(error, converter)
    there = microseconds(lambda: failures.to_failure(error, converter))
    back = microseconds(lambda: failures.from_failure(failure, converter))
    print(f"| exception with a detail | {there:.1f} | {back:.1f} |")


if __name__ == "__main__":
    main()
