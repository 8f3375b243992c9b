"""Classes whose values are converted by way of another type."""

from __future__ import annotations

import typing
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, Optional, TypeVar, cast

import pytest
from foldlog.api.common.v1 import Payload
from foldlog.converter import (
    CompositePayloadConverter,
    DataConverter,
    DefaultPayloadConverter,
    PayloadConverter,
    TransferTypeConverter,
    transfer_type_convertible,
)
from foldlog.converter._payload import not_given
from foldlog.exceptions import PayloadConversionError

T = TypeVar("T")


@dataclass
class Wire:
    text: str


class MoneyConverter(TransferTypeConverter["Money", Wire]):
    transfer_type = Wire

    def to_transfer_type(self, value: Money) -> Wire:
        return Wire(f"{value.cents} {value.unit}")

    def from_transfer_type(self, value: Wire, type_hint: type[Money]) -> Money:
        cents, unit = value.text.split()
        return type_hint(int(cents), unit)


@transfer_type_convertible(MoneyConverter)
class Money:
    """No converter knows what to do with it."""

    def __init__(self, cents: int, unit: str) -> None:
        self.cents, self.unit = cents, unit

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Money) and (self.cents, self.unit) == (other.cents, other.unit)


class PlainConverter(TransferTypeConverter["Plain", str]):
    """Without a transfer type: what is in the payload is read as what it looks like."""

    def to_transfer_type(self, value: Plain) -> str:
        return value.text

    def from_transfer_type(self, value: str, type_hint: type[Plain]) -> Plain:
        return Plain(value)


@transfer_type_convertible(PlainConverter)
@dataclass
class Plain:
    text: str


class NothingConverter(TransferTypeConverter["Nothing", None]):
    transfer_type = Wire

    def to_transfer_type(self, value: Nothing) -> None: ...

    def from_transfer_type(self, value: None, type_hint: type[Nothing]) -> Nothing:
        assert value is None
        return Nothing()


@transfer_type_convertible(NothingConverter)
@dataclass
class Nothing:
    """None stands for it."""


@dataclass
class Box(Generic[T]):
    value: T


class BoxConverter(TransferTypeConverter[Box[T], str]):
    transfer_type = str

    def to_transfer_type(self, value: Box[T]) -> str:
        return str(value.value)

    def from_transfer_type(self, value: str, type_hint: type[Box[T]]) -> Box[T]:
        return Box(cast(T, int(value) if typing.get_args(type_hint) == (int,) else value))


transfer_type_convertible(BoxConverter)(Box)


class Scratch(PayloadConverter):
    """A payload converter that somebody wrote from the ground up."""

    def to_payloads(self, values: Sequence[Any]) -> list[Any]:
        made = self._plain(values)
        return [Payload(metadata={"encoding": b"json/plain"}, data=payload.data or b"null") for payload in made]

    def _plain(self, values: Sequence[Any]) -> Any:
        return DefaultPayloadConverter().to_payloads(values)

    def from_payloads(self, payloads: Sequence[Any], type_hints: Sequence[Any] | None = None) -> list[Any]:
        return [
            PayloadConverter.default.from_payload(self._record(payload), hint)
            for payload, hint in zip(payloads, type_hints or [None] * len(payloads), strict=True)
        ]

    def _record(self, payload: Any) -> Any:
        return DefaultPayloadConverter().to_payload("x").__class__(encoding="json/plain", data=payload.data)


class Derived(CompositePayloadConverter):
    def __init__(self) -> None:
        super().__init__(*DefaultPayloadConverter.default_encoding_payload_converters)


@pytest.fixture(params=[DefaultPayloadConverter, Derived, Scratch])
def converter(request: pytest.FixtureRequest) -> PayloadConverter:
    return DataConverter(payload_converter_class=request.param).payload_converter


@pytest.mark.parametrize(
    ("value", "hint", "data"),
    [
        (Money(5, "EUR"), Money, b'{"text":"5 EUR"}'),
        (Plain("as it is"), Plain, b'"as it is"'),
        (Box("a"), Box[str], b'"a"'),
        (Box(7), Box[int], b'"7"'),
    ],
)
def test_values_go_by_way_of_their_transfer_type(
    converter: PayloadConverter, value: Any, hint: Any, data: bytes
) -> None:
    payloads = converter.to_payloads([1, value, "z"])
    assert payloads[1].data == data
    assert converter.from_payloads(payloads, [int, hint, str]) == [1, value, "z"]
    assert converter.from_payload(converter.to_payload(value), hint) == value
    assert converter.from_payloads(payloads)[::2] == [1, "z"]


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        (Money(5, "EUR"), Money | None),
        (Plain("as it is"), Optional[Plain]),  # noqa: UP045  # as older programs write it
        (Box(7), None | Box[int]),
        (Money(5, "EUR"), Annotated[Money | None, "what it costs"]),
    ],
)
def test_they_may_be_none_instead(converter: PayloadConverter, value: Any, hint: Any) -> None:
    payloads = converter.to_payloads([value, None])
    assert converter.from_payloads(payloads, [hint, hint]) == [value, None]
    assert [converter.from_payload(payload, hint) for payload in payloads] == [value, None]


def test_what_none_stands_for_is_said_by_the_transfer_type() -> None:
    converter = DefaultPayloadConverter()
    with pytest.raises(PayloadConversionError, match="Money cannot be made of its transfer type: AttributeError"):
        converter.from_payload(converter.to_payload(None), Money)
    assert converter.from_payload(converter.to_payload(Nothing()), Nothing) == Nothing()
    # A result that was not given is None to whoever reads it.
    assert [converter.from_payload(not_given(converter), hint) for hint in (Money, Nothing)] == [None, None]


def test_what_cannot_be_read_back_is_named(converter: PayloadConverter) -> None:
    payload = converter.to_payload(Wire("five EUR"))
    with pytest.raises(
        PayloadConversionError, match=r"Money cannot be made of its transfer type: ValueError: invalid lit"
    ):
        converter.from_payload(payload, Money)
    with pytest.raises(PayloadConversionError, match="object missing required field text"):
        converter.from_payload(converter.to_payload({"other": 1}), Money)


def test_a_class_has_one_converter_and_it_must_be_one() -> None:
    with pytest.raises(TypeError, match="class already has a transfer type converter"):
        transfer_type_convertible(PlainConverter)(Plain)
    for wrong in (PlainConverter(), str, None):
        with pytest.raises(TypeError, match="takes a class derived from TransferTypeConverter, not"):
            transfer_type_convertible(cast(Any, wrong))
