"""Protobuf messages as payloads."""

from __future__ import annotations

import subprocess
import sys

import pytest
from foldlog.converter import BinaryProtoPayloadConverter, PayloadConverter
from foldlog.exceptions import PayloadConversionError
from foldlog.schemas.common import Payload
from google.protobuf.duration_pb2 import Duration
from google.protobuf.struct_pb2 import Struct
from msgspec.structs import replace

CONVERTER = PayloadConverter.default


def struct() -> Struct:
    made = Struct()
    made.update({"a": 1, "b": ["x"]})
    return made


def test_as_json_and_back_by_hint_and_by_name() -> None:
    payload = CONVERTER.to_payload(struct())
    assert payload.encoding == "json/protobuf"
    assert payload.metadata == {"messageType": b"google.protobuf.Struct"}
    assert payload.data == b'{"a":1.0,"b":["x"]}'
    assert CONVERTER.from_payload(payload, Struct) == struct()
    assert CONVERTER.from_payload(payload) == struct()


def test_as_bytes() -> None:
    payload = BinaryProtoPayloadConverter().to_payload(Duration(seconds=3))
    assert payload == Payload(
        encoding="binary/protobuf", data=b"\x08\x03", metadata={"messageType": b"google.protobuf.Duration"}
    )
    assert CONVERTER.from_payload(payload, Duration) == Duration(seconds=3)
    assert BinaryProtoPayloadConverter().to_payload("text") is None


def test_what_does_not_fit_is_refused() -> None:
    payload = CONVERTER.to_payload(struct())
    with pytest.raises(
        PayloadConversionError, match=r"expected Duration, got protobuf message 'google.protobuf.Struct'"
    ):
        CONVERTER.from_payload(payload, Duration)
    with pytest.raises(PayloadConversionError, match=r"'no\.Such' is not known here: import its module"):
        CONVERTER.from_payload(replace(payload, metadata={"messageType": b"no.Such"}))
    with pytest.raises(PayloadConversionError, match=r"no google\.protobuf\.Struct as JSON"):
        CONVERTER.from_payload(replace(payload, data=b"[}"))
    with pytest.raises(PayloadConversionError, match=r"no google\.protobuf\.Duration"):
        CONVERTER.from_payload(
            Payload(encoding="binary/protobuf", data=b"\xff", metadata={"messageType": b"google.protobuf.Duration"})
        )


def test_protobuf_is_not_imported_before_it_is_needed() -> None:
    code = (
        "import sys; from foldlog.converter import PayloadConverter as P; P.default.to_payload({'a': 1}); "
        "print('google.protobuf' in sys.modules)"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"
