"""Types that users could have, and a strategy that makes a type and a value of it."""

from __future__ import annotations

import enum
import uuid
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any, Generic, NamedTuple, NotRequired, TypeVar

from hypothesis import strategies as st
from pydantic import BaseModel, Field
from pydantic.dataclasses import dataclass as pydantic_dataclass
from typing_extensions import TypedDict

T = TypeVar("T")


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Mixed(enum.Enum):
    """Values of several types, which msgspec refuses."""

    ONE = 1
    TWO = "two"


@dataclass
class Item:
    sku: str
    price: float
    quantity: int = 1


@dataclass
class Order:
    id: str
    items: list[Item]
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Tree:
    """Contains itself."""

    label: Color
    children: tuple[Tree, ...] = ()


@dataclass
class Box(Generic[T]):
    content: T
    spare: list[T] = field(default_factory=list)


@dataclass
class Card:
    number: str


@dataclass
class Transfer:
    iban: str


@dataclass
class Payment:
    """A union of two dataclasses, which msgspec refuses."""

    way: Card | Transfer
    proof: bytes = b""


class Point(NamedTuple):
    x: int
    y: int = 0


class Address(TypedDict):  # pydantic insists on this one before Python 3.12
    street: str
    zip: NotRequired[str]


class Customer(BaseModel):
    name: str
    age: int = Field(alias="years")
    address: Address | None = None


@dataclass
class Account:
    """A dataclass with a model in it."""

    owner: Customer
    balance: Decimal


@pydantic_dataclass
class Percent:
    value: float = Field(ge=0, le=100)


class Sku(str):
    """A string of its own type."""


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
items = st.builds(Item, sku=text, price=st.floats(allow_nan=False, allow_infinity=False), quantity=st.integers())
trees = st.recursive(
    st.builds(Tree, st.sampled_from(Color)),
    lambda kids: st.builds(Tree, st.sampled_from(Color), st.lists(kids, max_size=3).map(tuple)),
    max_leaves=5,
)


def of(generic: Any, *parameters: Any) -> Any:
    """`generic[parameters]`, with parameters that are found at run time."""
    return generic[parameters if len(parameters) > 1 else parameters[0]]


Typed = tuple[Any, st.SearchStrategy[Any]]

HASHABLE: list[Typed] = [
    (bool, st.booleans()),
    (int, st.integers()),
    (str, text),
    (float, st.floats(allow_nan=False, allow_infinity=False)),
    (Decimal, st.decimals(allow_nan=False, allow_infinity=False)),
    (uuid.UUID, st.uuids()),
    (datetime, st.datetimes() | st.datetimes(timezones=zones)),
    (date, st.dates()),
    (time, st.times()),
    (timedelta, st.timedeltas()),
    (Color, st.sampled_from(Color)),
    (Level, st.sampled_from(Level)),
    (Tree, trees),
    (Point, st.builds(Point, st.integers(), st.integers())),
]

PLAIN: list[Typed] = [
    *HASHABLE,
    (type(None), st.none()),
    (bytes, st.binary()),
    (Item, items),
    (Order, st.builds(Order, id=text, items=st.lists(items, max_size=3), note=st.none() | text)),
    (Address, st.fixed_dictionaries({"street": text}, optional={"zip": text})),
    (Customer, st.builds(Customer, name=text, years=st.integers())),
    (Account, st.builds(Account, st.builds(Customer, name=text, years=st.integers()), st.just(Decimal("1.10")))),
]

KEYS: list[Typed] = [(str, text), (int, st.integers(-(2**60), 2**60)), (uuid.UUID, st.uuids())]


def _containers(inner: st.SearchStrategy[Typed]) -> st.SearchStrategy[Typed]:
    def around(typed: Typed) -> st.SearchStrategy[Typed]:
        hint, values = typed
        return st.sampled_from(
            [
                (of(list, hint), st.lists(values, max_size=3)),
                (of(tuple, hint, ...), st.lists(values, max_size=3).map(tuple)),
                (of(tuple, hint, int), st.tuples(values, st.integers())),
                (hint | None, st.none() | values),
                *((of(dict, key, hint), st.dictionaries(keys, values, max_size=3)) for key, keys in KEYS),
                (of(Box, hint), st.builds(Box, values, st.lists(values, max_size=2))),
            ]
        )

    return inner.flatmap(around)


types = st.recursive(
    st.sampled_from([*PLAIN, *((of(set, hint), st.sets(values, max_size=3)) for hint, values in HASHABLE)]),
    _containers,
    max_leaves=3,
)


@st.composite
def typed_values(draw: st.DrawFn) -> tuple[Any, Any]:
    """A type hint, and a value of that type."""
    hint, values = draw(types)
    return hint, draw(values)
