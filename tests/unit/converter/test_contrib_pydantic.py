"""The converter that leaves JSON to pydantic."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime
from ipaddress import IPv4Address
from typing import Any

import pytest
from foldlog.contrib.pydantic import (
    PydanticJSONPlainPayloadConverter,
    PydanticPayloadConverter,
    ToJsonOptions,
    pydantic_data_converter,
)
from foldlog.exceptions import PayloadConversionError
from pydantic import BaseModel, Field


class Host(BaseModel):
    address: IPv4Address
    seen: datetime
    name: str = Field(default="", alias="hostName")


HOST = Host(address=IPv4Address("10.0.0.1"), seen=datetime(2026, 1, 2, tzinfo=UTC), hostName="a")


async def test_models_and_all_else_come_back() -> None:
    values: list[Any] = [[HOST], {"a": (1, 2)}, None, b"\x00", IPv4Address("10.0.0.2")]
    hints: list[Any] = [list[Host], dict[str, tuple[int, int]], None, bytes, IPv4Address]
    payloads = await pydantic_data_converter.encode(values)
    assert [payload.encoding for payload in payloads[:4]] == ["json/plain", "json/plain", "binary/null", "binary/plain"]
    assert await pydantic_data_converter.decode(payloads, hints) == values


def test_it_reads_as_leniently_as_pydantic_and_refuses_the_rest() -> None:
    converter = PydanticPayloadConverter()
    assert converter.from_payload(converter.to_payload("12"), int) == 12
    with pytest.raises(PayloadConversionError, match="valid integer"):
        converter.from_payload(converter.to_payload("x"), int)
    with pytest.raises(PayloadConversionError, match="serialize"):
        converter.to_payload(object())


def test_options_and_pickling() -> None:
    converter = PydanticJSONPlainPayloadConverter(ToJsonOptions(exclude_unset=True), max_cached_type_adapters=1)
    bare = Host(address=IPv4Address("10.0.0.1"), seen=HOST.seen)
    for each in (converter, pickle.loads(pickle.dumps(converter))):
        payload = each.to_payload(bare)
        assert payload is not None
        assert b"name" not in payload.data.lower()
        assert each.from_payload(payload, Host) == bare
        assert each.from_payload(payload) == {"address": "10.0.0.1", "seen": "2026-01-02T00:00:00Z"}


@pytest.mark.parametrize("kind", [PydanticJSONPlainPayloadConverter, PydanticPayloadConverter])
def test_a_negative_number_of_readers_is_refused(kind: type[Any]) -> None:
    with pytest.raises(ValueError, match="max_cached_type_adapters"):
        kind(max_cached_type_adapters=-1)
