"""Bodies are written as fastavro writes them, and garbage is refused rather than followed."""

from __future__ import annotations

from dataclasses import asdict
from io import BytesIO
from typing import Any

import fastavro
import pytest
from foldlog.schemas._wire.primitives import (
    INT,
    LONG,
    NUMBERS,
    WireError,
    read_count,
    read_length,
    read_number,
)
from foldlog.schemas.definitions import parsed
from foldlog.schemas.framing import BY_FULL_NAME, HEADER_BYTES, DecodeError, decode, encode
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.unit.schemas.samples import FRAMED, full_record, random_record

LONGS = st.integers(-(1 << 63), (1 << 63) - 1)


def fastavro_body(full_name: str, record: Any) -> bytes:
    body = BytesIO()
    fastavro.schemaless_writer(body, parsed(full_name), asdict(record))
    return body.getvalue()


def fastavro_long(number: int) -> bytes:
    body = BytesIO()
    fastavro.schemaless_writer(body, "long", number)
    return body.getvalue()


@pytest.mark.parametrize("full_name", FRAMED)
@given(data=st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_record_goes_round_and_its_bytes_are_those_of_fastavro(full_name: str, data: st.DataObject) -> None:
    record = data.draw(random_record(full_name))
    frame = encode(record)
    assert frame == BY_FULL_NAME[full_name].header + fastavro_body(full_name, record)
    assert decode(frame) == record


@given(LONGS)
@example(0)
@example(-1)
@example(63)
@example(64)
@example(-64)
@example(-65)
@example(8191)
@example(8192)
@example(1_790_000_000_000)
@example(-(1 << 63))
@example((1 << 63) - 1)
def test_numbers_are_those_of_fastavro(number: int) -> None:
    encoded = LONG[number]
    assert encoded == fastavro_long(number)
    first = NUMBERS[encoded[0]]
    assert (read_number(encoded + b"\xff\xff", 1)[0] if first is None else first) == number


@pytest.mark.parametrize("number", [1 << 63, -(1 << 63) - 1])
def test_a_long_has_64_bits(number: int) -> None:
    with pytest.raises(WireError, match="64 bits"):
        LONG[number]


@pytest.mark.parametrize("number", [1 << 31, -(1 << 31) - 1])
def test_an_int_has_32_bits(number: int) -> None:
    assert LONG[number]
    with pytest.raises(WireError, match="32 bits"):
        INT[number]


@pytest.mark.parametrize("encoded", [b"\x80" * 9 + b"\x02", b"\x80" * 10 + b"\x01", b"\x80" * 1_000_000 + b"\x01"])
def test_a_number_without_end_is_refused(encoded: bytes) -> None:
    with pytest.raises(WireError, match="64 bits"):
        read_number(encoded, 1)


@pytest.mark.parametrize("encoded", [LONG[-1], LONG[-65], LONG[-(1 << 63)]])
def test_a_negative_length_is_refused(encoded: bytes) -> None:
    with pytest.raises(WireError, match="negative"):
        read_length(encoded + b"\0", 1)


@pytest.mark.parametrize("size", [3, 300])
def test_blocks_that_give_their_size_are_read(size: int) -> None:
    """Other writers may say how many bytes a block of items has, with a negative count."""
    encoded = LONG[-5] + LONG[size]
    assert read_count(encoded + b"\xff", 0) == (5, len(encoded))


def test_items_in_several_blocks_are_read() -> None:
    record = full_record("foldlog.command.StartWorkflow")
    frame = encode(record)
    items = b"".join(fastavro_body("foldlog.common.Payload", item) for item in record.args)
    one_by_one = b"".join(
        LONG[-1] + LONG[len(body)] + body
        for body in (fastavro_body("foldlog.common.Payload", item) for item in record.args)
    )
    assert frame.count(LONG[2] + items) == 1
    assert decode(frame.replace(LONG[2] + items, one_by_one)) == record


@pytest.mark.parametrize("full_name", FRAMED)
def test_a_frame_that_was_cut_off_is_refused(full_name: str) -> None:
    frame = encode(full_record(full_name))
    for length in range(HEADER_BYTES, len(frame)):
        with pytest.raises(DecodeError):
            decode(frame[:length])


@pytest.mark.parametrize("full_name", FRAMED)
def test_a_frame_that_goes_on_is_refused(full_name: str) -> None:
    with pytest.raises(DecodeError, match="1 bytes follow"):
        decode(encode(full_record(full_name)) + b"\0")


@pytest.mark.parametrize("full_name", FRAMED)
@given(garbage=st.binary(max_size=300))
@settings(max_examples=40, deadline=None)
def test_garbage_is_a_record_or_refused(full_name: str, garbage: bytes) -> None:
    try:
        record = decode(BY_FULL_NAME[full_name].header + garbage)
    except DecodeError:
        return
    assert decode(encode(record)) == record


@pytest.mark.parametrize("full_name", FRAMED)
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_a_damaged_record_is_another_record_or_refused(full_name: str, data: st.DataObject) -> None:
    frame = bytearray(encode(full_record(full_name)))
    place = data.draw(st.integers(HEADER_BYTES, len(frame) - 1))
    frame[place] = data.draw(st.integers(0, 255))
    try:
        record = decode(bytes(frame))
    except DecodeError:
        return
    assert type(record) is BY_FULL_NAME[full_name].cls
