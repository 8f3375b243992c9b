"""Bytes that were once written stay readable, and stay what is written as long as the schema is the same."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import avro.io
import avro.schema
import pytest
from foldlog.schemas.codec import SingleObjectCodec
from foldlog.schemas.definitions import definition
from foldlog.schemas.framing import BY_FULL_NAME, BY_HEADER, HEADER_BYTES, encode

from tests.unit.schemas.samples import FRAMED, RECORDS, from_json, to_json
from tests.unit.schemas.write_golden import golden_files


def entries(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return found


def is_current(frame: bytes) -> bool:
    return frame[:HEADER_BYTES] in BY_HEADER


def expected(full_name: str, record: dict[str, Any]) -> Any:
    """The record of today for the JSON of any time: fields that have gone are gone."""
    known = {entry["name"] for entry in RECORDS[full_name].fields}
    return from_json(full_name, {name: value for name, value in record.items() if name in known})


def test_every_record_type_has_golden_bytes_of_its_present_schema() -> None:
    """If this fails: `python -m tests.unit.schemas.write_golden`."""
    frames = {path.stem: [bytes.fromhex(entry["frame"]) for entry in entries(path)] for path in golden_files()}
    assert {name for name in frames if any(is_current(frame) for frame in frames[name])} == set(FRAMED)


@pytest.mark.parametrize("path", golden_files(), ids=lambda path: path.stem)
def test_golden_bytes_are_read(path: Path) -> None:
    codec = SingleObjectCodec()
    for entry in entries(path):
        assert codec.decode(bytes.fromhex(entry["frame"])) == expected(path.stem, entry["record"])


@pytest.mark.parametrize("path", golden_files(), ids=lambda path: path.stem)
def test_golden_bytes_are_written(path: Path) -> None:
    for entry in entries(path):
        frame = bytes.fromhex(entry["frame"])
        if is_current(frame):
            assert encode(expected(path.stem, entry["record"])).hex() == entry["frame"]


@pytest.mark.parametrize("path", golden_files(), ids=lambda path: path.stem)
def test_golden_bytes_are_what_apache_avro_reads(path: Path) -> None:
    """Apache's own library shares no code with ours or with fastavro."""
    schema = avro.schema.parse(json.dumps(without_logical_types(definition(path.stem))))
    for entry in entries(path):
        frame = bytes.fromhex(entry["frame"])
        if frame[:HEADER_BYTES] != BY_FULL_NAME[path.stem].header:
            continue
        stream = io.BytesIO(frame)
        stream.seek(HEADER_BYTES)
        values = avro.io.DatumReader(schema).read(avro.io.BinaryDecoder(stream))
        assert to_json(values) == entry["record"]
        assert stream.tell() == len(frame)


def without_logical_types(schema: Any) -> Any:
    """Else Apache's library makes datetimes of the times."""
    if isinstance(schema, list):
        return [without_logical_types(part) for part in schema]
    if isinstance(schema, dict):
        return {key: without_logical_types(part) for key, part in schema.items() if key != "logicalType"}
    return schema
