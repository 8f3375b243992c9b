"""Bytes to records and back: Avro single-object encoding (Avro 1.11 specification, that section).

Owns the table of the schemas that this build knows, by fingerprint, and the two functions of the hot path. A
record is framed as `C3 01`, the CRC-64-AVRO fingerprint of its writer's schema (8 bytes, little endian), and
the Avro body. The fingerprint names the schema and so the record's type: no union around a topic's records.

Schemas that this build does not know, and the Confluent wire format, are for `foldlog.schemas.registry`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from io import BytesIO
from typing import Any

import fastavro
from fastavro.repository.base import AbstractSchemaRepository, SchemaRepositoryError
from fastavro.schema import fingerprint, load_schema, to_parsing_canonical_form
from foldlog.schemas import command, common, event, log, reply, task, visibility

AVSC = resources.files("foldlog.schemas") / "avsc"
MARKER = b"\xc3\x01"
HEADER_BYTES = 10


class DecodeError(ValueError):
    """Bytes that are no record this build can read. The message says what is wrong with them."""


class UnknownSchemaError(DecodeError):
    """The frame is in order, but nobody knows the writer's schema."""

    def __init__(self, schema_fingerprint: bytes) -> None:
        super().__init__(f"no schema is known with CRC-64-AVRO fingerprint {schema_fingerprint.hex()}")
        self.fingerprint = schema_fingerprint


@dataclass(slots=True, frozen=True)
class RecordType:
    """All that is needed to write and read one record class."""

    cls: type
    fullname: str
    schema: Any
    """Parsed by fastavro, without logical types, which cost more to convert than they are worth here."""
    definition: dict[str, Any]
    """The self-contained schema as published, with docs, defaults and logical types."""
    header: bytes
    to_avro: Callable[[Any], dict[str, Any]]
    from_avro: Callable[[dict[str, Any]], Any]


class _PackageRepository(AbstractSchemaRepository):
    """Finds `foldlog.event.TimerFired` in avsc/event/TimerFired.avsc."""

    def load(self, name: str) -> Any:
        _, namespace, short = name.split(".")
        path = AVSC / namespace / f"{short}.avsc"
        if not path.is_file():
            raise SchemaRepositoryError(f"there is no schema named {name}")
        return json.loads(path.read_text(encoding="utf-8"))


def without_logical_types(schema: Any) -> Any:
    """The same schema with plain primitive types: equal on the wire and in canonical form."""
    if isinstance(schema, list):
        return [without_logical_types(part) for part in schema]
    if isinstance(schema, dict):
        return {
            key: without_logical_types(value)
            for key, value in schema.items()
            if key != "logicalType" and not key.startswith("__")
        }
    return schema


def schema_fingerprint(definition: Any) -> bytes:
    """The 8 bytes that stand for a schema in a frame: CRC-64-AVRO of its canonical form, little endian."""
    # fastavro prints the number's bytes in the order in which the specification writes them to the frame.
    return bytes.fromhex(fingerprint(to_parsing_canonical_form(definition), "CRC-64-AVRO"))


def _record_types() -> list[RecordType]:
    types = []
    for module in (common, command, event, log, reply, task, visibility):
        for cls, (fullname, to_avro, from_avro) in module.CODECS.items():
            if fullname in ("foldlog.reply.PendingActivity", "foldlog.reply.PendingTimer"):
                continue
            definition: Any = load_schema(fullname, repo=_PackageRepository(), _write_hint=False)
            schema = fastavro.parse_schema(without_logical_types(definition))
            header = MARKER + schema_fingerprint(definition)
            types.append(RecordType(cls, fullname, schema, definition, header, to_avro, from_avro))
    return types


RECORD_TYPES: tuple[RecordType, ...] = tuple(_record_types())
BY_CLASS: dict[type, RecordType] = {record_type.cls: record_type for record_type in RECORD_TYPES}
BY_FINGERPRINT: dict[bytes, RecordType] = {record_type.header[2:]: record_type for record_type in RECORD_TYPES}


def encode(record: Any) -> bytes:
    """The frame of a record.

    Raises:
        KeyError: `record` is not of a class of this package.
        ValueError, TypeError: a field holds what its schema cannot; the message of fastavro names it.
    """
    record_type = BY_CLASS[type(record)]
    buffer = BytesIO()
    buffer.write(record_type.header)
    fastavro.schemaless_writer(buffer, record_type.schema, record_type.to_avro(record))
    return buffer.getvalue()


def decode(data: bytes | None) -> Any:
    """The record in a frame that was written with a schema of this build.

    Raises:
        UnknownSchemaError: The writer's schema is not among them.
        DecodeError: Anything else is wrong with the bytes.
    """
    if data is None or data[:2] != MARKER or len(data) < HEADER_BYTES:
        raise DecodeError(_what_is_wrong(data))
    record_type = BY_FINGERPRINT.get(data[2:HEADER_BYTES])
    if record_type is None:
        raise UnknownSchemaError(data[2:HEADER_BYTES])
    return read_body(data, HEADER_BYTES, record_type.schema, None, record_type)


def read_body(data: bytes, start: int, writer: Any, reader: Any, record_type: RecordType) -> Any:
    """The record whose Avro body begins at `start`, resolved from `writer` to `reader` (None: the same).

    Raises:
        DecodeError: The body does not fit its schema, is cut off, or is followed by other bytes.
    """
    buffer = BytesIO(data)
    buffer.seek(start)
    try:
        values: Any = fastavro.schemaless_reader(buffer, writer, reader)
        record = record_type.from_avro(values)
    except Exception as error:
        # fastavro raises whatever its C code met: EOFError, IndexError, UnicodeDecodeError, struct.error …
        raise DecodeError(f"the body is no {record_type.fullname}: {type(error).__name__}: {error}") from error
    if buffer.tell() != len(data):
        raise DecodeError(f"{len(data) - buffer.tell()} bytes follow the {record_type.fullname}")
    return record


def _what_is_wrong(data: bytes | None) -> str:
    if data is None:
        return "the record has no value"
    if data[:2] != MARKER:
        return f"the record begins with {data[:2].hex() or 'nothing'}, not with c301 (single-object encoding)"
    return f"the record ends after {len(data)} bytes, within the header of 10"
