"""Every record type goes round, its conversions lose nothing, and what is damaged is refused or is another record."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import fastavro
import pytest
from foldlog.schemas.definitions import parsed
from foldlog.schemas.framing import BY_FULL_NAME, HEADER_BYTES, RECORD_TYPES, DecodeError, as_dict, decode, encode
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.unit.schemas.samples import FRAMED, RECORDS, from_json, full_record, least_record, random_record

WITH_USUAL_VALUES = sorted(record_type.full_name for record_type in RECORD_TYPES if record_type.usual)


def plain_body(full_name: str, record: Any) -> bytes:
    """The body without the generated conversions."""
    body = BytesIO()
    fastavro.schemaless_writer(body, parsed(full_name), as_dict(record))
    return body.getvalue()


def long(number: int) -> bytes:
    body = BytesIO()
    fastavro.schemaless_writer(body, "long", number)
    return body.getvalue()


@pytest.mark.parametrize("full_name", FRAMED)
@given(data=st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_record_goes_round(full_name: str, data: st.DataObject) -> None:
    record = data.draw(random_record(full_name))
    frame = encode(record)
    assert frame == BY_FULL_NAME[full_name].header + plain_body(full_name, record)
    assert decode(frame) == record


def usual_values(full_name: str) -> dict[str, Any]:
    return {entry["name"]: from_json(entry["type"], entry["usual"]) for entry in RECORDS[full_name].constant}


@pytest.mark.parametrize("full_name", WITH_USUAL_VALUES)
@given(data=st.data())
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_record_goes_round_with_some_of_its_usual_values_or_all(full_name: str, data: st.DataObject) -> None:
    usual = usual_values(full_name)
    chosen = data.draw(st.just(list(usual)) | st.lists(st.sampled_from(list(usual)), unique=True))
    record = replace(data.draw(random_record(full_name)), **{name: usual[name] for name in chosen})
    frame = encode(record)
    assert frame == BY_FULL_NAME[full_name].header + plain_body(full_name, record)
    assert decode(frame) == record


@pytest.mark.parametrize("full_name", WITH_USUAL_VALUES)
def test_a_record_with_all_usual_values_ends_as_is_usual(full_name: str) -> None:
    usual = usual_values(full_name)
    full = full_record(full_name)
    record = replace(full, **usual)
    form = BY_FULL_NAME[full_name].usual
    assert form is not None
    assert form.fits(record)
    assert encode(record).endswith(form.end)
    for name in usual:
        assert not form.fits(replace(record, **{name: getattr(full, name)})), name


def test_what_is_read_shares_nothing_with_what_was_read_before() -> None:
    frame = encode(least_record("foldlog.command.StartWorkflow"))
    decode(frame).memo["a"] = "b"
    assert decode(frame).memo == {}


def test_items_in_several_blocks_with_their_sizes_are_read() -> None:
    """Other writers may cut an array into blocks and say how many bytes each has, with a negative count."""
    record = full_record("foldlog.command.StartWorkflow")
    frame = encode(record)
    bodies = [plain_body("foldlog.common.Payload", item) for item in record.args]
    whole = long(len(bodies)) + b"".join(bodies)
    assert whole in frame
    one_by_one = b"".join(long(-1) + long(len(body)) + body for body in bodies)
    assert decode(frame.replace(whole, one_by_one)) == record


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


@pytest.mark.parametrize("number", [long(-1), long(-(1 << 63)), long((1 << 63) - 1), b"\x80" * 100_000 + b"\x01"])
@pytest.mark.parametrize("full_name", ["foldlog.common.Payload", "foldlog.reply.HistoryPage", "foldlog.common.Failure"])
def test_lengths_that_lead_nowhere_are_refused(full_name: str, number: bytes) -> None:
    with pytest.raises(DecodeError):
        decode(BY_FULL_NAME[full_name].header + number * 3)


@pytest.mark.parametrize("full_name", FRAMED)
@given(garbage=st.binary(max_size=300))
@settings(max_examples=40, deadline=None)
def test_garbage_is_a_record_or_refused(full_name: str, garbage: bytes) -> None:
    try:
        record = decode(BY_FULL_NAME[full_name].header + garbage)
    except DecodeError:
        return
    assert type(record) is BY_FULL_NAME[full_name].cls


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
