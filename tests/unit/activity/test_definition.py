"""What can be an activity, and what is read from it."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any
from unittest.mock import MagicMock

import pytest
from foldlog import activity
from foldlog.activity._definition import Definition
from foldlog.common import RawValue
from foldlog.exceptions import DefinitionError

if TYPE_CHECKING:
    from decimal import Decimal


@activity.defn
async def charge(order: Order, cents: Annotated[int, "positive"] = 0) -> str:
    return f"{order.id}: {cents}"


@dataclass
class Order:
    """Defined below its use."""

    id: str


@activity.defn(name="refund-order", no_thread_cancel_exception=True)
def refund(order, cents: int) -> None:  # type: ignore[no-untyped-def]
    pass


@activity.defn
class Ship:
    def __init__(self, carrier: str) -> None:
        self.carrier = carrier

    async def __call__(self, order: Order) -> bool:
        return bool(self.carrier)


class Ledger:
    @activity.defn
    def book(self, order: Order) -> int:
        return len(order.id)

    @staticmethod
    @activity.defn
    async def close() -> None: ...

    @classmethod
    @activity.defn
    def audit(cls, year: int) -> str:
        return f"{cls.__name__} {year}"


@activity.defn(dynamic=True)
async def anything(args: Sequence[RawValue]) -> int:
    return len(args)


@pytest.mark.parametrize(
    ("fn", "name", "is_async", "arg_types", "ret_type", "is_unbound"),
    [
        (charge, "charge", True, (Order, Annotated[int, "positive"]), str, False),
        (refund, "refund-order", False, (None, int), type(None), False),
        (Ship, "Ship", True, (Order,), bool, True),
        (Ship("post"), "Ship", True, (Order,), bool, False),
        (Ledger.book, "book", False, (Order,), int, True),
        (Ledger().book, "book", False, (Order,), int, False),
        (Ledger.close, "close", True, (), type(None), False),
        (Ledger.audit, "audit", False, (int,), str, False),
        (anything, None, True, (Sequence[RawValue],), int, False),
        (functools.partial(charge, cents=1), "charge", True, (Order,), str, False),
    ],
)
def test_what_is_read(
    fn: Callable[..., Any], name: str | None, is_async: bool, arg_types: Any, ret_type: Any, is_unbound: bool
) -> None:
    definition = Definition.must_from_callable(fn)
    assert definition.name == name
    assert definition.dynamic is (name is None)
    assert definition.is_async is is_async
    assert definition.arg_types == arg_types
    assert definition.ret_type == ret_type
    assert definition.is_unbound is is_unbound
    assert activity.is_definition(fn) is not is_unbound
    assert definition.fn == fn


def test_the_options_are_kept() -> None:
    assert Definition.must_from_callable(refund).no_thread_cancel_exception
    assert not Definition.must_from_callable(charge).no_thread_cancel_exception


async def test_a_decorated_function_is_still_the_function() -> None:
    assert await charge(Order("o"), 5) == "o: 5"
    assert await Ship("post")(Order("o")) is True
    assert Ledger().book(Order("abc")) == 3
    assert Ledger.audit(2026) == "Ledger 2026"
    assert Definition.must_from_callable(Ledger.audit).fn(2026) == "Ledger 2026"


async def test_a_decorator_above_it_counts() -> None:
    def twice(fn: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(fn)
        async def call(*args: Any) -> Any:
            return [await fn(*args), await fn(*args)]

        return call

    definition = Definition.must_from_callable(twice(charge))
    assert definition.name == "charge"
    assert definition.arg_types[0] is Order
    assert await definition.fn(Order("o"), 1) == ["o: 1", "o: 1"]


@pytest.mark.parametrize("value", [len, Order, "charge", 5, None, MagicMock(), lambda: None])
def test_what_is_none(value: Any) -> None:
    assert not activity.is_definition(value)
    if callable(value):
        with pytest.raises(DefinitionError, match=r"is not an activity: decorate it with @activity\.defn"):
            Definition.must_from_callable(value)


async def keyword_only(*, order: str) -> None: ...


async def many(args: Sequence[RawValue], more: int) -> None: ...


async def strings(args: Sequence[str]) -> None: ...


async def generator() -> AsyncIterator[int]:
    yield 1


class NotCallable:
    pass


@pytest.mark.parametrize(
    ("fn", "options", "message"),
    [
        (keyword_only, {}, "activity keyword_only: parameter order is keyword-only"),
        (many, {"dynamic": True}, "dynamic activity many must have one parameter"),
        (strings, {"dynamic": True}, "dynamic activity strings must have one parameter, of type Sequence"),
        (generator, {}, "activity generator is a generator"),
        (NotCallable, {}, "activity NotCallable: .* cannot be called"),
        (charge, {"name": "x", "dynamic": True}, "either a name or dynamic=True"),
        (charge, {"name": ""}, "must not be empty"),
        (lambda: None, {}, "has no name of its own"),
    ],
)
def test_what_cannot_be_an_activity(fn: Any, options: Any, message: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        activity.defn(**options)(fn)


def test_a_name_can_be_given_to_what_has_none() -> None:
    assert Definition.must_from_callable(activity.defn(name="x")(lambda: None)).name == "x"


def test_type_hints_that_cannot_be_found_are_told_of_when_they_are_needed() -> None:
    @activity.defn
    def pay(amount: Decimal) -> None: ...

    definition = Definition.must_from_callable(pay)
    assert definition.name == "pay"
    with pytest.raises(DefinitionError, match=r"type hints of .*pay cannot be resolved: name 'Decimal'"):
        assert definition.arg_types
