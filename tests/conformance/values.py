"""Scenarios of arguments and results of each kind: dataclasses, pydantic models, what JSON has, None in their place."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

from foldlog import activity, workflow
from foldlog.client import WorkflowHandle
from foldlog.converter import TransferTypeConverter, transfer_type_convertible
from pydantic import BaseModel, Field

from tests.conformance.scenarios import QUEUE, REMOTE, Place, Scenario
from tests.conformance.work import is_open
from tests.until import until, until_asked

LIMIT = timedelta(seconds=30)


@dataclass
class Item:
    """One line of an order."""

    sku: str
    quantity: int = 1


@dataclass
class Order:
    """A dataclass with another in it."""

    items: list[Item]
    notes: dict[str, str | None] = field(default_factory=dict)


class Invoice(BaseModel):
    """A pydantic model, which checks what it is made of."""

    customer: str
    total: float = Field(ge=0)
    order: Order


class DistanceConverter(TransferTypeConverter["Distance", str]):
    transfer_type = str

    def to_transfer_type(self, value: Distance) -> str:
        return f"{value.metres} m"

    def from_transfer_type(self, value: str, type_hint: type[Distance]) -> Distance:
        return Distance(int(value.removesuffix(" m")))


@transfer_type_convertible(DistanceConverter)
class Distance:
    """Nothing that JSON has: it goes by way of text."""

    def __init__(self, metres: int) -> None:
        self.metres = metres


@activity.defn
async def there_and_back(way: Distance) -> Distance:
    return Distance(way.metres * 2)


@workflow.defn
class Walk:
    """Has such values come and go, each by itself."""

    def __init__(self) -> None:
        self.so_far = Distance(0)

    @workflow.run
    async def run(self, way: Distance) -> Distance:
        self.further(await workflow.execute_activity(there_and_back, way, start_to_close_timeout=LIMIT))
        await workflow.wait_condition(lambda: self.so_far.metres > 40)
        return self.so_far

    @workflow.update
    def further(self, way: Distance) -> Distance:
        self.so_far = Distance(self.so_far.metres + way.metres)
        return self.so_far


@activity.defn
async def bill(customer: str, order: Order) -> Invoice:
    """Gets a dataclass, gives a model; on the event loop."""
    assert isinstance(order.items[0], Item)
    return Invoice(customer=customer, total=sum(item.quantity for item in order.items) * 2.5, order=order)


@activity.defn
def book(invoice: Invoice, lines: int) -> dict[str, Any]:
    """Gets a model, gives plain JSON; in a thread."""
    assert isinstance(invoice, Invoice)
    return {"customer": invoice.customer, "total": invoice.total, "lines": [lines, None, True], "nested": {"deep": 1.5}}


@workflow.defn
class Billing:
    """Passes values of each kind on, and says what it got."""

    @workflow.run
    async def run(self, order: Order, known: Invoice | None, plain: list[Any], queue: str) -> Invoice:
        assert isinstance(order, Order)
        invoice = await workflow.execute_activity(
            bill, args=["Ada", order], task_queue=queue, start_to_close_timeout=LIMIT
        )
        booked = await workflow.execute_activity(
            book, args=[invoice, len(order.items)], task_queue=queue, start_to_close_timeout=LIMIT
        )
        assert isinstance(invoice, Invoice)
        assert booked == {"customer": "Ada", "total": 7.5, "lines": [2, None, True], "nested": {"deep": 1.5}}
        assert known is None or known == invoice
        assert plain == [None, True, 7, 0.25, "text", [1, [2]], {"key": {"deeper": None}}]
        return invoice


TOKENS: dict[str, bytes] = {}
"""Of activities that were left open, by key."""


def is_none(value: object) -> bool:
    """Whether a value is None, although its type says something else."""
    return value is None


@activity.defn
async def promise(number: int) -> int:
    """Gives nothing, whatever it says."""
    assert is_none(number)
    return number


@activity.defn
async def promise_later(key: str) -> Order:
    TOKENS[key] = activity.info().task_token
    activity.raise_complete_async()


@workflow.defn
class Promised:
    """A child that says it gives an invoice."""

    @workflow.run
    async def run(self, invoice: Invoice) -> Invoice:
        assert is_none(invoice)
        return invoice


@workflow.defn
class Promises:
    """Gets None where types say something else, on each way, and gives it."""

    def __init__(self) -> None:
        self.got: list[tuple[str, Any]] = []

    @workflow.run
    async def run(self, key: str, order: Order, number: int = 7) -> list[str]:
        self.got.append(("arguments", (order, number)))
        nothing = cast(int, None)
        for queue in (QUEUE, REMOTE):
            result = await workflow.execute_activity(promise, nothing, task_queue=queue, start_to_close_timeout=LIMIT)
            self.got.append((f"activity on {queue}", result))
        local = await workflow.execute_local_activity(promise, nothing, start_to_close_timeout=LIMIT)
        self.got.append(("local activity", local))
        self.got.append(
            ("left open", await workflow.execute_activity(promise_later, key, start_to_close_timeout=LIMIT))
        )
        child = await workflow.execute_child_workflow(Promised.run, cast(Invoice, None))
        self.got.append(("child", child))
        await workflow.wait_condition(lambda: {"signal", "update"} <= {way for way, _ in self.got})
        assert all(value in (None, (None, None)) for _, value in self.got), self.got
        return cast(list[str], None)

    @workflow.signal
    def tell(self, number: int) -> None:
        self.got.append(("signal", number))

    @workflow.update
    def change(self, invoice: Invoice) -> Invoice:
        self.got.append(("update", invoice))
        return invoice

    @change.validator
    def check_change(self, invoice: Invoice) -> None:
        assert is_none(invoice)

    @workflow.query
    def ask(self, number: int) -> int:
        assert is_none(number)
        return number


ORDER = Order([Item("a", 2), Item("b")], {"gift": None, "to": "Grace"})
PLAIN = [None, True, 7, 0.25, "text", [1, [2]], {"key": {"deeper": None}}]


async def values_of_each_kind(here: Place) -> None:
    invoice = Invoice(customer="Ada", total=7.5, order=ORDER)
    for queue in (QUEUE, REMOTE):
        for known in (None, invoice):
            handle: WorkflowHandle[Any, Any] = await here.start(Billing.run, ORDER, known, PLAIN, queue)
            assert await handle.result() == invoice
    by_name = await here.client.get_workflow_handle(handle.id).result()
    assert by_name == invoice.model_dump() | {"order": by_name["order"]}, "without a type it is what JSON has"


async def values_that_go_by_way_of_others(here: Place) -> None:
    handle = await here.start(Walk.run, Distance(8))
    assert (await handle.execute_update(Walk.further, Distance(5))).metres in (5, 21)
    found = await here.client.get_workflow_handle_for(Walk.run, handle.id).execute_update(Walk.further, Distance(20))
    assert isinstance(found, Distance)
    assert (await handle.result()).metres == 41


async def none_is_none_whatever_types_say(here: Place) -> None:
    """As with Temporal: what was promised is the code's own affair, and nothing stalls."""
    key = uuid.uuid4().hex
    handle = await here.start(Promises.run, key, None, None)
    await until(lambda: key in TOKENS, "its activity begins")
    await until_asked(lambda: is_open(handle), "it is known to be left open")
    await here.client.get_async_activity_handle(task_token=TOKENS[key]).complete(None)
    assert await handle.query(Promises.ask, cast(int, None)) is None
    await handle.signal(Promises.tell, cast(int, None))
    assert await handle.execute_update(Promises.change, cast(Invoice, None)) is None
    assert await handle.result() is None


SHARED: Sequence[Scenario] = [
    values_of_each_kind,
    values_that_go_by_way_of_others,
    none_is_none_whatever_types_say,
]
WORKFLOWS: Sequence[type] = [Billing, Walk, Promised, Promises]
ACTIVITIES: Sequence[Callable[..., Any]] = [bill, book, there_and_back, promise, promise_later]
