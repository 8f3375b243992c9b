"""Converters and codecs as people wrote them for Temporal's SDK work after a change of their imports."""

from __future__ import annotations

import dataclasses
import json
import os
import typing
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from foldlog.api.common.v1 import Payload, Payloads
from foldlog.client._convert import decode_memo, decode_one, encode_memo
from foldlog.client._headers import put
from foldlog.converter import (
    AdvancedJSONEncoder,
    CodecChain,
    CompositePayloadConverter,
    DataConverter,
    DefaultFailureConverter,
    DefaultPayloadConverter,
    EncodingPayloadConverter,
    JSONPlainPayloadConverter,
    JSONTypeConverter,
    PayloadCodec,
    PayloadConverter,
    default,
    value_to_type,
)
from foldlog.converter.encryption import AESGCMCodec
from foldlog.exceptions import ApplicationError, PayloadConversionError
from foldlog.schemas import command
from foldlog.schemas import common as records


class Celsius:
    def __init__(self, degrees: float) -> None:
        self.degrees = degrees


class CelsiusConverter(EncodingPayloadConverter):
    @property
    def encoding(self) -> str:
        return "text/celsius"

    def to_payload(self, value: Any) -> Payload | None:
        if not isinstance(value, Celsius):
            return None
        return Payload(metadata={"encoding": self.encoding.encode(), "unit": b"C"}, data=str(value.degrees).encode())

    def from_payload(self, payload: Payload, type_hint: type | None = None) -> Any:
        assert payload.metadata["encoding"] == b"text/celsius"
        assert payload.metadata["unit"] == b"C"
        return Celsius(float(payload.data.decode()))


class WithCelsius(CompositePayloadConverter):
    def __init__(self) -> None:
        super().__init__(CelsiusConverter(), *DefaultPayloadConverter.default_encoding_payload_converters)


class Enveloped(DefaultPayloadConverter):
    """Changes what is done for several values, which is all that Temporal's SDK asks."""

    def to_payloads(self, values: Sequence[Any]) -> list[records.Payload]:
        made = [Payload(metadata={"encoding": b"text/plain"}, data=str(value).encode()) for value in values]
        return list(made)

    def from_payloads(self, payloads: Sequence[records.Payload], type_hints: Sequence[Any] | None = None) -> list[Any]:
        read = []
        for index, payload in enumerate(payloads):
            if payload.metadata["encoding"] == b"text/plain":
                read.append(payload.data.decode())
            else:
                read += super().from_payloads([payload], type_hints and type_hints[index : index + 1])
        return read


class EnvelopedToo(Enveloped):
    """Inherits it."""


class Noting:
    """Stands beside a converter, to see what it is given."""

    def from_payloads(self, payloads: Sequence[records.Payload], type_hints: Sequence[Any] | None = None) -> list[Any]:
        assert all("encoding" in payload.metadata for payload in payloads)
        read: list[Any] = typing.cast("Any", super()).from_payloads(payloads, type_hints)
        return [*read]


class Noted(Noting, Enveloped):
    """Inherits from two that read."""


class NotedDefault(Noting, DefaultPayloadConverter):
    """Inherits from one that reads."""


class Encrypting(PayloadCodec):
    def __init__(self, key_id: str = "k", key: bytes = b"k" * 32) -> None:
        super().__init__()
        self.key_id = key_id
        self.cipher = AESGCM(key)

    async def encode(self, payloads: Iterable[Payload]) -> list[Payload]:
        made = []
        for payload in payloads:
            nonce = os.urandom(12)
            made.append(
                Payload(
                    metadata={"encoding": b"binary/encrypted", "encryption-key-id": self.key_id.encode()},
                    data=nonce + self.cipher.encrypt(nonce, payload.SerializeToString(), None),
                )
            )
        return made

    async def decode(self, payloads: Iterable[Payload]) -> list[Payload]:
        made = []
        for payload in payloads:
            if payload.metadata.get("encoding", b"").decode() != "binary/encrypted":
                made.append(payload)
                continue
            assert payload.metadata.get("encryption-key-id", b"").decode() == self.key_id
            made.append(Payload.FromString(self.cipher.decrypt(payload.data[:12], payload.data[12:], None)))
        return made


async def test_a_converter_of_payloads_with_metadata() -> None:
    converter = dataclasses.replace(default(), payload_converter_class=WithCelsius)
    (payload,) = await converter.encode([Celsius(21.5)])
    assert payload == records.Payload(encoding="text/celsius", data=b"21.5", metadata={"unit": b"C"})
    assert type(payload) is records.Payload
    (read,) = await converter.decode([payload], [Celsius])
    assert read.degrees == 21.5
    assert set(WithCelsius().converters) >= {b"text/celsius", b"json/plain", b"binary/null"}


async def test_an_encrypting_codec() -> None:
    converter = dataclasses.replace(default(), payload_converter_class=WithCelsius, payload_codec=Encrypting())
    payloads = await converter.encode(["secret", None, Celsius(1.0)])
    assert [payload.encoding for payload in payloads] == ["binary/encrypted"] * 3
    assert payloads[0].metadata == {"encryption-key-id": b"k"}
    text, nothing, celsius = await converter.decode(payloads, [str, None, Celsius])
    assert (text, nothing, celsius.degrees) == ("secret", None, 1.0)
    plain = await default().encode(["plain"])
    assert await converter.decode(plain) == ["plain"]
    wrapped = await converter.encode_wrapper(["a", 1])
    assert [payload.metadata["encoding"] for payload in wrapped.payloads] == [b"binary/encrypted"] * 2
    assert await converter.decode_wrapper(wrapped, [str, int]) == ["a", 1]
    assert await converter.decode_wrapper(None) == []


async def test_a_codec_changes_wrappers_and_failures_in_place() -> None:
    codec = Encrypting()
    wrapped = await default().encode_wrapper(["a"])
    await codec.encode_wrapper(wrapped)
    assert wrapped.payloads[0].encoding == "binary/encrypted"
    await codec.decode_wrapper(wrapped)
    assert await default().decode_wrapper(wrapped) == ["a"]
    failure = await default().encode_failure(ApplicationError("m", "detail"))
    await codec.encode_failure(failure)
    assert failure.details[0].encoding == "binary/encrypted"
    await codec.decode_failure(failure)
    assert failure.details[0].encoding == "json/plain"


async def test_a_failure_converter_that_fills_in_a_failure() -> None:
    class Tagging(DefaultFailureConverter):
        def to_failure(self, exception: BaseException, payload_converter: Any, failure: Any = None) -> Any:
            super().to_failure(exception, payload_converter, failure)
            failure.message = f"[tagged] {failure.message}"

    converter = dataclasses.replace(default(), failure_converter_class=Tagging)
    failure = await converter.encode_failure(ValueError("no"))
    assert failure.message == "[tagged] no"
    assert failure.type == "ValueError"
    try:
        try:
            raise KeyError("key")
        except KeyError as cause:
            raise ValueError("no") from cause
    except ValueError as error:
        caused = await converter.encode_failure(error)
    assert caused.cause is not None
    assert (caused.message, caused.cause.message) == ("[tagged] no", "[tagged] 'key'")
    mine = records.Failure()
    assert await converter.encode_failure(ValueError("no"), mine) is mine
    assert mine == failure


async def test_a_codec_that_loses_payloads_is_found_out() -> None:
    class Losing(PayloadCodec):
        async def encode(self, payloads: Any) -> list[Payload]:
            return []

        async def decode(self, payloads: Any) -> list[Payload]:
            return list(payloads)

    with pytest.raises(PayloadConversionError, match="Losing made 0 payloads of 2"):
        await DataConverter(payload_codec=Losing()).encode([1, 2])


class Bundling(PayloadCodec):
    """One payload of all, without an encoding, in a wrapper; it takes nothing else."""

    async def encode(self, payloads: Any) -> list[Payload]:
        return [Payload(metadata={"bundled": b"true"}, data=Payloads(payloads=payloads).SerializeToString())]

    async def decode(self, payloads: Any) -> list[Payload]:
        (payload,) = payloads
        assert payload.metadata == {"bundled": b"true"}
        return list(Payloads.FromString(payload.data).payloads)


async def test_a_codec_may_make_one_payload_of_several() -> None:
    converter = DataConverter(payload_codec=Bundling())
    (encoded,) = await converter.encode([1, "two", None])
    assert (encoded.encoding, encoded.metadata) == ("", {"bundled": b"true"})
    assert await converter.decode([encoded], [int, str]) == [1, "two", None]
    assert await converter.encode([]) == []
    failure = await converter.encode_failure(ApplicationError("m", "one", 2))
    assert len(failure.details) == 1
    error = await converter.decode_failure(failure)
    assert isinstance(error, ApplicationError)
    assert error.details == ("one", 2)
    chained = DataConverter(payload_codec=CodecChain(Bundling(), AESGCMCodec({"k": b"k" * 32}), Bundling()))
    (encoded,) = await chained.encode([1, 2])
    assert await chained.decode([encoded]) == [1, 2]


async def test_values_that_stand_alone_are_encoded_each_by_itself() -> None:
    converter = DataConverter(payload_codec=Bundling())
    memo = await encode_memo(converter, {"a": 1, "b": 2})
    assert await decode_memo(converter, memo) == {"a": 1, "b": 2}
    assert await decode_one(converter, memo["b"], int) == 2
    start = command.StartWorkflow(workflow_type="W", task_queue="q")
    await put({"h": Payload(encoding="json/plain", data=b"3")}, start, converter, True)
    assert start.options is not None
    assert await decode_one(converter, start.options.header["h"], int) == 3
    (both,) = await converter.encode([1, 2])
    with pytest.raises(PayloadConversionError, match="Bundling made 2 payloads of a value that stands alone"):
        await decode_one(converter, both, int)


async def test_a_codec_may_not_make_more_payloads_than_it_was_given() -> None:
    class Doubling(Bundling):
        async def encode(self, payloads: Any) -> list[Payload]:
            return [*payloads, *payloads]

    with pytest.raises(PayloadConversionError, match="Doubling made 4 payloads of 2: a codec may merge payloads"):
        await DataConverter(payload_codec=Doubling()).encode([1, 2])


class Money:
    def __init__(self, cents: int) -> None:
        self.cents = cents


@dataclasses.dataclass
class Bill:
    total: Money
    tags: set[str] = dataclasses.field(default_factory=set)


class MoneyEncoder(AdvancedJSONEncoder):
    def default(self, o: Any) -> Any:
        return {"cents": o.cents} if isinstance(o, Money) else super().default(o)


class MoneyConverter(JSONTypeConverter):
    def to_typed_value(self, hint: type, value: Any) -> Any:
        return Money(value["cents"]) if hint is Money else JSONTypeConverter.Unhandled


def test_an_encoder_and_a_type_converter() -> None:
    converter = JSONPlainPayloadConverter(encoder=MoneyEncoder, custom_type_converters=[MoneyConverter()])
    payload = converter.to_payload(Bill(Money(5), {"a"}))
    assert payload is not None
    assert json.loads(payload.data) == {"total": {"cents": 5}, "tags": ["a"]}
    assert converter.from_payload(payload, Bill).total.cents == 5
    with pytest.raises(PayloadConversionError, match="MoneyEncoder"):
        converter.to_payload(object())


def test_a_decoder() -> None:
    class Upper(json.JSONDecoder):
        def decode(self, s: str, *args: Any) -> Any:
            return super().decode(s.upper(), *args)

    converter = JSONPlainPayloadConverter(decoder=Upper)
    assert converter.from_payload(records.Payload(encoding="json/plain", data=b'"a"'), str) == "A"


def test_value_to_type() -> None:
    assert value_to_type(list[int], [1, 2]) == [1, 2]
    assert value_to_type(Money, {"cents": 1}, [MoneyConverter()]).cents == 1
    with pytest.raises(TypeError, match=r"\[1\]: expected int, got str"):
        value_to_type(list[int], [1, "2"])


class Shouting(PayloadConverter):
    """Written from the ground up."""

    def to_payloads(self, values: Sequence[Any]) -> list[Any]:
        return [Payload(metadata={"encoding": b"text/loud"}, data=str(value).upper().encode()) for value in values]

    def from_payloads(self, payloads: Sequence[Any], type_hints: Sequence[Any] | None = None) -> list[Any]:
        assert type_hints is None or isinstance(type_hints, list)
        assert {payload.metadata["encoding"] for payload in payloads} == {b"text/loud"}
        return [payload.data.decode() for payload in payloads]


async def test_a_converter_from_the_ground_up() -> None:
    converter = dataclasses.replace(default(), payload_converter_class=Shouting)
    payloads = await converter.encode(["a"])
    assert payloads == [records.Payload(encoding="text/loud", data=b"A")]
    assert type(payloads[0]) is records.Payload
    assert await converter.decode(payloads, (str,)) == ["A"]
    assert converter.payload_converter.from_payload(payloads[0], str) == "A"


class FahrenheitConverter(EncodingPayloadConverter):
    """Lets foldlog's own converter write the JSON, and says afterwards whose it is."""

    @property
    def encoding(self) -> str:
        return "json/fahrenheit"

    def to_payload(self, value: Any) -> records.Payload | None:
        if not isinstance(value, Celsius):
            return None
        payload = JSONPlainPayloadConverter().to_payload(value.degrees * 1.8 + 32)
        assert payload is not None
        payload.metadata["encoding"] = self.encoding.encode()
        payload.metadata["unit"] = b"F"
        return payload

    def from_payload(self, payload: Payload, type_hint: type | None = None) -> Any:
        assert payload.metadata == {"encoding": b"json/fahrenheit", "unit": b"F"}
        return Celsius((JSONPlainPayloadConverter().from_payload(payload, float) - 32) / 1.8)


class WithFahrenheit(CompositePayloadConverter):
    def __init__(self) -> None:
        super().__init__(FahrenheitConverter(), *DefaultPayloadConverter.default_encoding_payload_converters)


async def test_a_converter_can_leave_the_json_to_foldlogs_own() -> None:
    converter = DataConverter(payload_converter_class=WithFahrenheit)
    (payload,) = await converter.encode([Celsius(100.0)])
    assert (payload.encoding, payload.data, payload.metadata) == ("json/fahrenheit", b"212.0", {"unit": b"F"})
    (read,) = await converter.decode([payload], [Celsius])
    assert read.degrees == 100.0


@pytest.mark.parametrize("hint", [Iterable[int], "typing"])
def test_an_iterable_can_be_gone_through_twice(hint: Any) -> None:
    wanted = typing.Iterable[int] if hint == "typing" else hint  # as older programs write it
    read = value_to_type(wanted, [1, 2])
    assert [*read, *read] == [1, 2, 1, 2]
    with pytest.raises(TypeError, match="expected int"):
        value_to_type(wanted, ["x"])


@pytest.mark.parametrize("kind", [Noted, NotedDefault])
def test_what_a_class_beside_the_converter_reads_has_temporals_shape(kind: type[CompositePayloadConverter]) -> None:
    made = PayloadConverter.default.to_payload(6)
    assert kind().from_payload(made, int) == 6
    assert kind().from_payloads([made], [int]) == [6]


@pytest.mark.parametrize("kind", [Enveloped, EnvelopedToo])
async def test_one_value_goes_the_way_of_several(kind: type[Enveloped]) -> None:
    data_converter = DataConverter(payload_converter_class=kind)
    converter = data_converter.payload_converter
    assert isinstance(converter, kind)
    made = converter.to_payload(5)
    assert type(made) is records.Payload
    assert made == records.Payload(encoding="text/plain", data=b"5")
    assert converter.from_payload(made, str) == "5"
    assert await data_converter.decode([made, PayloadConverter.default.to_payload(6)], [str, int]) == ["5", 6]
    assert converter.from_payload(PayloadConverter.default.to_payload(7), int) == 7
