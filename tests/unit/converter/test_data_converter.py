"""The whole way between values and the log, with a codec in it."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import replace

import pytest
from foldlog.converter import (
    DataConverter,
    DefaultFailureConverterWithEncodedAttributes,
    DefaultPayloadConverter,
    PayloadCodec,
    PayloadConverter,
    default,
)
from foldlog.exceptions import ApplicationError, PayloadConversionError
from foldlog.schemas.common import Failure, Payload

from tests.unit.converter.types import Item


class ZlibCodec(PayloadCodec):
    """Compresses, and remembers the encoding in the metadata."""

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [
            Payload(encoding="zlib", data=zlib.compress(p.data), metadata={"inner": p.encoding.encode()})
            for p in payloads
        ]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [
            Payload(encoding=p.metadata["inner"].decode(), data=zlib.decompress(p.data)) if p.encoding == "zlib" else p
            for p in payloads
        ]


CODED = DataConverter(payload_codec=ZlibCodec())


def parts(failure: Failure) -> list[Payload]:
    """All payloads of a failure."""
    own = [*failure.details, *([failure.encoded_attributes] if failure.encoded_attributes else [])]
    return own + (parts(failure.cause) if failure.cause else [])


@pytest.mark.parametrize("converter", [DataConverter.default, CODED])
async def test_values_come_back(converter: DataConverter) -> None:
    values = [None, b"\x00", "x" * 1000, Item("s", 1.0)]
    hints = [type(None), bytes, str, Item]
    assert await converter.decode(await converter.encode(values), hints) == values
    assert await converter.encode([]) == []


async def test_the_codec_changes_what_is_written_and_leaves_alone_what_it_did_not_write() -> None:
    (payload,) = await CODED.encode(["x" * 1000])
    assert payload.encoding == "zlib"
    assert len(payload.data) < 100
    assert await CODED.decode(await DataConverter.default.encode(["plain"]), [str]) == ["plain"]
    with pytest.raises(PayloadConversionError, match="unknown encoding 'zlib'"):
        await DataConverter.default.decode([payload], [str])


async def test_the_codec_reaches_every_payload_of_a_failure() -> None:
    converter = replace(CODED, failure_converter_class=DefaultFailureConverterWithEncodedAttributes)
    error = ApplicationError("outer", "detail", type="Outer")
    error.__cause__ = ApplicationError("inner", 1, 2)
    failure = await converter.encode_failure(error)
    assert [payload.encoding for payload in parts(failure)] == ["zlib"] * 5
    read = await converter.decode_failure(failure)
    assert isinstance(read, ApplicationError)
    assert (read.message, list(read.details), read.type) == ("outer", ["detail"], "Outer")
    assert isinstance(read.cause, ApplicationError)
    assert (read.cause.message, list(read.cause.details)) == ("inner", [1, 2])


async def test_failures_without_a_codec() -> None:
    failure = await DataConverter.default.encode_failure(ApplicationError("m", 1))
    read = await DataConverter.default.decode_failure(failure)
    assert isinstance(read, ApplicationError)
    assert read.details == (1,)


class ShoutingConverter(DefaultPayloadConverter):
    """A converter of someone's own."""

    def to_payload(self, value: object) -> Payload:
        return super().to_payload(value.upper() if isinstance(value, str) else value)


def test_classes_are_made_once_for_each_converter() -> None:
    converter = DataConverter(payload_converter_class=ShoutingConverter)
    assert isinstance(converter.payload_converter, ShoutingConverter)
    assert converter.payload_converter.to_payload("a").data == b'"A"'
    assert converter == DataConverter(payload_converter_class=ShoutingConverter)
    assert converter != DataConverter.default
    assert default() is DataConverter.default
    assert isinstance(PayloadConverter.default, DefaultPayloadConverter)
