"""Values to payloads and back."""

from __future__ import annotations

import math
import pickle
import re
import sys
from array import array
from collections import OrderedDict, UserList, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Annotated, Any, NewType, TypeVar

import pytest
from foldlog.common import RawValue
from foldlog.converter import (
    BinaryNullPayloadConverter,
    CompositePayloadConverter,
    DefaultPayloadConverter,
    EncodingPayloadConverter,
    JSONPlainPayloadConverter,
    JSONTypeConverter,
    PayloadConverter,
    _pydantic,
)
from foldlog.exceptions import PayloadConversionError
from foldlog.schemas.common import Payload
from hypothesis import given, settings

from tests.unit.converter.types import (
    Account,
    Box,
    Card,
    Color,
    Customer,
    Item,
    Mixed,
    Order,
    Payment,
    Percent,
    Sku,
    Transfer,
    typed_values,
)

CONVERTER = PayloadConverter.default
S = TypeVar("S")
UserId = NewType("UserId", str)


def round_trip(value: Any, hint: Any = None) -> Any:
    return CONVERTER.from_payload(CONVERTER.to_payload(value), hint)


def problem(payloads: Sequence[Payload], *hints: Any) -> str:
    with pytest.raises(PayloadConversionError) as caught:
        CONVERTER.from_payloads(payloads, hints)
    return str(caught.value)


def json(text: str) -> Payload:
    return Payload(encoding="json/plain", data=text.encode())


@settings(deadline=None)
@given(typed_values())
def test_what_goes_in_comes_out(typed: tuple[Any, Any]) -> None:
    hint, value = typed
    again = round_trip(value, hint)
    assert again == value
    assert type(again) is type(value)


@settings(deadline=None)
@given(typed_values())
def test_pydantic_reads_the_same_where_it_has_to(typed: tuple[Any, Any]) -> None:
    hint, value = typed
    payload = JSONPlainPayloadConverter().to_payload(value)
    assert payload is not None
    assert _pydantic.reader(hint, "")(payload.data) == value


@pytest.mark.parametrize(
    ("value", "encoding", "data"),
    [
        (None, "binary/null", b""),
        (b"\x00\xff", "binary/plain", b"\x00\xff"),
        (bytearray(b"x"), "binary/plain", b"x"),
        (memoryview(b"x"), "binary/plain", b"x"),
        ("ä", "json/plain", '"ä"'.encode()),
        (True, "json/plain", b"true"),
        ({"b": 1, "a": [None, 1.5]}, "json/plain", b'{"b":1,"a":[null,1.5]}'),
        (
            Order("o", [Item("s", 1.5)]),
            "json/plain",
            b'{"id":"o","items":[{"sku":"s","price":1.5,"quantity":1}],"note":null}',
        ),
        (Customer(name="n", years=1), "json/plain", b'{"name":"n","years":1,"address":null}'),
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "json/plain", b'"2026-01-02T03:04:05Z"'),
        (Decimal("1.10"), "json/plain", b'"1.10"'),
        ([b"\xfb\xff"], "json/plain", b'["+/8="]'),
    ],
)
def test_how_values_look_in_the_log(value: Any, encoding: str, data: bytes) -> None:
    assert CONVERTER.to_payload(value) == Payload(encoding=encoding, data=data)


@pytest.mark.parametrize(
    ("value", "hint", "expected"),
    [
        (Card("4711"), Card | Transfer, Card("4711")),
        ([Transfer("DE")], list[Card | Transfer], [Transfer("DE")]),
        (Payment(Transfer("DE"), b"\xff\xfb"), Payment, Payment(Transfer("DE"), b"\xff\xfb")),
        (Mixed.TWO, Mixed, Mixed.TWO),
        (deque([1, 2]), deque[int], deque([1, 2])),
        (OrderedDict(b=1, a=2), OrderedDict[str, int], OrderedDict(b=1, a=2)),
        (Account(Customer(name="n", years=3), Decimal(2)), Account, Account(Customer(name="n", years=3), Decimal(2))),
        ({"value": 7.5}, Percent, Percent(7.5)),
        ([{"value": 7.5}], list[Percent], [Percent(7.5)]),
        (Customer(name="n", years=3), Customer | None, Customer(name="n", years=3)),
        (Customer(name="n", years=3), Customer | str, Customer(name="n", years=3)),
        (Sku("x"), Sku, Sku("x")),
        (PurePosixPath("/a/b"), PurePosixPath, PurePosixPath("/a/b")),
        (UserId("u"), UserId, "u"),
        ({1, 2}, Sequence[int], [1, 2]),
        (2**80, int, 2**80),
        (1, float, 1.0),
        (5, Annotated[int, ["not hashable"]], 5),
        (None, str | None, None),
        (None, S, None),
        (None, Annotated[str | None, "text"], None),
        (b"x", bytes | None, b"x"),
        (b"x", bytearray, bytearray(b"x")),
        (b"x", NewType("Blob", bytes), b"x"),
        (b"x", object, b"x"),
        (Box(1), Box[int], Box(1)),
        (Order("o", []), None, {"id": "o", "items": [], "note": None}),
        (Order("o", []), Any, {"id": "o", "items": [], "note": None}),
    ],
)
def test_types_that_need_care(value: Any, hint: Any, expected: Any) -> None:
    again = round_trip(value, hint)
    assert again == expected
    assert type(again) is type(expected)


def test_mappings_of_other_kinds_are_objects() -> None:
    class Settings(Mapping[str, int]):
        def __getitem__(self, key: str) -> int:
            return 1

        def __iter__(self) -> Any:
            return iter(["a"])

        def __len__(self) -> int:
            return 1

    assert round_trip(Settings()) == {"a": 1}


@pytest.mark.parametrize(
    ("value", "data"),
    [
        (range(3), b"[0,1,2]"),
        ({"a": {"b": 1}.keys(), "c": {"b": 1.5}.values()}, b'{"a":["b"],"c":[1.5]}'),
        ([{"a": 1}.items()], b'[[["a",1]]]'),
        (UserList([1, "x"]), b'[1,"x"]'),
        (deque([None]), b"[null]"),
        (array("d", [1.5]), b"[1.5]"),
    ],
)
def test_collections_of_other_kinds_are_arrays(value: Any, data: bytes) -> None:
    assert CONVERTER.to_payload(value).data == data


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ((number for number in [1]), "a value of type generator"),
        ([iter([1])], "[0]: a value of type list_iterator"),
        (array("d", [math.nan]), "JSON has no NaN"),
        ([{"a": math.inf}.values()], "[0]: JSON has no NaN"),
    ],
)
def test_what_can_be_gone_through_once_is_no_collection(value: Any, expected: str) -> None:
    with pytest.raises(PayloadConversionError) as caught:
        CONVERTER.to_payload(value)
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("text", "hint", "expected"),
    [
        ('{"id":"o","items":[{"sku":"s","price":"x"}]}', Order, "args[0].items[0].price: expected float, got str"),
        ('{"id":"o","items":[{"sku":"s"}]}', Order, "args[0].items[0]: object missing required field price"),
        ('"1"', int, "args[0]: expected int, got str"),
        ("1.5", int, "args[0]: expected int, got float"),
        ("[true]", list[int], "args[0][0]: expected int, got bool"),
        ("1", bool, "args[0]: expected bool, got int"),
        ('"green"', Color, "args[0]: invalid enum value 'green'"),
        ('{"x":1}', dict[int, int], "args[0]: key: expected int, got str"),
        ("[1", list[int], "args[0]: not JSON: Input data was truncated"),
        ("7", Sku, "args[0]: expected str, got int"),
        (
            '{"owner":{"name":"n","years":"old"},"balance":"1"}',
            Account,
            "args[0].owner.years: input should be a valid integer, unable to parse string as an integer, got str",
        ),
        (
            '{"way":{},"proof":""}',
            Payment,
            "args[0]: way.Card.number: field required; way.Transfer.iban: field required",
        ),
        ('{"value":101}', Percent, "args[0].value: input should be less than or equal to 100, got int"),
        ('{"way":5', Payment, "args[0]: invalid JSON"),
    ],
)
def test_what_does_not_fit_is_named(text: str, hint: Any, expected: str) -> None:
    assert problem([json(text)], hint).startswith(expected)


def test_true_is_an_int_where_python_takes_it_for_one() -> None:
    assert CONVERTER.from_payloads([json("true"), json("false")], [int, int]) == [True, False]


def test_what_does_not_fit_is_a_type_error() -> None:
    with pytest.raises(TypeError):
        CONVERTER.from_payloads([json('"text"')], [int])


def test_the_argument_is_named_by_its_place() -> None:
    assert problem([json("1"), json('"x"')], int, int) == "args[1]: expected int, got str"
    with pytest.raises(PayloadConversionError, match="value: expected int, got str") as caught:
        CONVERTER.from_payload(json('"x"'), int)
    assert str(caught.value.within("result of ")).startswith("result of value: ")
    assert (caught.value.where, caught.value.problem) == ("value", "expected int, got str")


@pytest.mark.parametrize("hint", [str, int, list[str], Order, Card | Transfer])
def test_bytes_fit_only_types_that_say_so_and_none_by_itself_any(hint: Any) -> None:
    assert "got bytes" in problem([CONVERTER.to_payload(b"x")], hint)
    assert CONVERTER.from_payloads(CONVERTER.to_payloads([None, None]), [hint, hint]) == [None, None]
    # Within something else, it is a value as any other.
    assert re.match(r"args\[0\](: )?\[0\]", problem([json("[null]")], list[hint]))


def test_fewer_hints_than_payloads_leave_the_rest_to_the_payload() -> None:
    assert CONVERTER.from_payloads([json("1"), json('{"a":1}')], [int]) == [1, {"a": 1}]


def test_added_fields_are_ignored_and_missing_ones_take_their_default() -> None:
    read = CONVERTER.from_payload(json('{"sku":"s","price":1,"color":"red"}'), Item)
    assert read == Item("s", 1.0, 1)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (math.nan, "args[1]: JSON has no NaN"),
        ([1.0, -math.inf], "args[1][1]: JSON has no NaN"),
        ({"a": Item("s", math.inf), "n": 2**80}, "args[1]['a'].price: JSON has no NaN"),
        (Account(Customer(name="n", years=1), Decimal(1)), ""),
        ([None, "\x7f\xff\xff\xcb", 1.5], ""),
        ([Item("s", object())], "args[1][0].price: a value of type object cannot be written as JSON"),  # type: ignore[arg-type]
        ({(1, 2): 3}, "args[1]: a key of type tuple cannot be written as JSON"),
        (["\ud800"], "args[1][0]: 'utf-8' codec can't encode"),
    ],
)
def test_values_that_json_cannot_have_are_refused(value: Any, expected: str) -> None:
    if not expected:
        CONVERTER.to_payloads([1, value])
        return
    with pytest.raises(PayloadConversionError) as caught:
        CONVERTER.to_payloads([1, value])
    assert str(caught.value).startswith(expected)


def test_a_value_that_contains_itself_is_refused() -> None:
    circle: list[Any] = []
    circle.append(circle)
    with pytest.raises(PayloadConversionError, match="contains itself"):
        CONVERTER.to_payload(circle)
    with pytest.raises(PayloadConversionError, match="Recursion"):
        CONVERTER.from_payload(json("[" * 100_000 + "]" * 100_000))


def test_types_that_nothing_reads_are_refused() -> None:
    class Foreign:
        pass

    @dataclass
    class Unresolved:
        x: Nowhere  # type: ignore[name-defined]  # noqa: F821

    assert "Foreign" in problem([json("{}")], Foreign)
    assert "Nowhere" in problem([json('{"x":1}')], Unresolved)
    assert "never" in problem([json("1")], "never").lower()


def test_without_pydantic_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pydantic", None)
    converter = JSONPlainPayloadConverter()
    assert converter.from_payload(json('{"sku":"s","price":1.5}'), Item) == Item("s", 1.5)
    with pytest.raises(PayloadConversionError, match=r"Card \| Transfer .*install foldlog\[pydantic\]"):
        converter.from_payload(json('{"number":"1"}'), Card | Transfer)


def test_object_means_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pydantic", None)

    @dataclass
    class Note:
        body: object
        more: dict[str, object]

    assert CONVERTER.from_payloads([json('{"body":[1,null],"more":{"a":{"b":1.5}}}')], [Note]) == [
        Note([1, None], {"a": {"b": 1.5}})
    ]
    for value in ({"a": [1]}, "text", None, b"bytes"):
        assert round_trip(value, object) == value


def test_raw_values_pass_as_they_are() -> None:
    payload = Payload(encoding="acme/special", data=b"\x01")
    assert CONVERTER.to_payloads([RawValue(payload)]) == [payload]
    assert CONVERTER.from_payloads([payload], [RawValue]) == [RawValue(payload)]


def test_an_unknown_encoding_is_named() -> None:
    assert "unknown encoding 'acme/special'" in problem([Payload(encoding="acme/special")], str)


class Money:
    """A class that no library knows."""

    def __init__(self, cents: int) -> None:
        self.cents = cents


class MoneyReader(JSONTypeConverter):
    def to_typed_value(self, hint: type, value: Any) -> Any:
        return Money(value) if hint is Money else JSONTypeConverter.Unhandled


def write_money(value: Any) -> Any:
    if isinstance(value, Money):
        return value.cents
    raise TypeError


@dataclass
class Invoice:
    total: Money
    discount: Sku


def test_types_of_ones_own() -> None:
    json_converter = JSONPlainPayloadConverter(encode_unknown=write_money, custom_type_converters=[MoneyReader()])
    converter = CompositePayloadConverter(BinaryNullPayloadConverter(), json_converter)
    payload = converter.to_payload(Invoice(Money(995), Sku("x")))
    assert payload.data == b'{"total":995,"discount":"x"}'
    read = converter.from_payload(payload, Invoice)
    assert (read.total.cents, read.discount) == (995, Sku("x"))
    with pytest.raises(PayloadConversionError, match="no converter reads a complex"):
        converter.from_payload(json("1"), complex)


def test_converters_can_be_sent_to_other_processes() -> None:
    json_converter = JSONPlainPayloadConverter(encode_unknown=write_money, custom_type_converters=[MoneyReader()])
    for converter in (CompositePayloadConverter(json_converter), CONVERTER):
        converter.to_payload("used")
        again = pickle.loads(pickle.dumps(converter))
        assert again.from_payload(again.to_payload([1, "x"]), list[int | str]) == [1, "x"]
    sent = pickle.loads(pickle.dumps(CompositePayloadConverter(json_converter)))
    assert sent.from_payload(sent.to_payload({"a": Money(5)}), dict[str, Money])["a"].cents == 5


class PickyConverter(EncodingPayloadConverter):
    """Takes complex numbers."""

    @property
    def encoding(self) -> str:
        return "acme/complex"

    def to_payload(self, value: Any) -> Payload | None:
        return Payload(encoding=self.encoding, data=repr(value).encode()) if isinstance(value, complex) else None

    def from_payload(self, payload: Payload, type_hint: Any = None) -> Any:
        return complex(payload.data.decode())


def test_encodings_of_ones_own() -> None:
    converter = CompositePayloadConverter(
        PickyConverter(), *DefaultPayloadConverter.default_encoding_payload_converters
    )
    payloads = converter.to_payloads([1j, "x"])
    assert [payload.encoding for payload in payloads] == ["acme/complex", "json/plain"]
    assert converter.from_payloads(payloads, [complex, str]) == [1j, "x"]
    with pytest.raises(PayloadConversionError, match="no converter takes a str"):
        CompositePayloadConverter(PickyConverter()).to_payload("x")
    with pytest.raises(ValueError, match="same encoding"):
        CompositePayloadConverter(PickyConverter(), PickyConverter())
