"""Bytes to records and back: Avro single-object encoding (Avro 1.11 specification, that section).

Owns the two functions of the hot path. A record is framed as `C3 01`, the CRC-64-AVRO fingerprint of its writer's
schema (8 bytes, little endian), and the Avro body. The fingerprint names the schema and so the record's type: no
union around a topic's records.

Knows the schemas of this build only. Others, and the Confluent wire format, are for `foldlog.schemas.codec`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from fastavro import schemaless_reader, schemaless_writer
from fastavro.validation import ValidationError, validate
from foldlog.schemas._conversions import command, common, event, log, reply, task, visibility
from foldlog.schemas._conversions.types import FromAvro, ToAvro
from foldlog.schemas.definitions import definition, parse, parsed
from foldlog.schemas.nesting import Nesting, TooDeepError
from msgspec import Struct

MARKER = b"\xc3\x01"
HEADER_BYTES = 10


class DecodeError(ValueError):
    """Bytes that are no record this build can read. The message says what is wrong with them."""


class UnknownSchemaError(DecodeError):
    """The frame is in order, but nobody knows the writer's schema.

    Attributes:
        fingerprint: What stands for that schema in the frame.
    """

    def __init__(self, fingerprint: bytes) -> None:
        super().__init__(f"no schema is known with CRC-64-AVRO fingerprint {fingerprint.hex()}")
        self.fingerprint = fingerprint


class EncodeError(ValueError):
    """A field of a record holds what its schema has no room for. The message names it."""


@dataclass(slots=True, frozen=True)
class UsualForm:
    """A record that ends as most of its type do: its last fields have the values that the schema calls usual.

    What these fields are encoded as is known then, and need not be written, nor read, field by field.
    """

    fits: Callable[[Any], bool]
    """Whether a record is one of these."""
    to_avro: ToAvro
    from_avro: FromAvro
    schema: Any
    """Of the fields before, as fastavro takes it."""
    end_schema: Any
    """Of the last ones."""
    end: bytes
    """What they are then."""


@dataclass(slots=True)
class RecordType:
    """All that is needed to write and read one record class."""

    cls: type[Struct]
    full_name: str
    """In Avro, such as `foldlog.event.TimerFired`."""
    header: bytes
    """What its frames begin with."""
    to_avro: ToAvro
    """The record as fastavro takes it."""
    from_avro: FromAvro
    """The record that fastavro's dict stands for."""
    _schema: Any = None
    """As fastavro takes it. None: not parsed yet, since a process needs few of all types, and is to start soon."""
    _usual: UsualForm | None = None
    _nesting: Nesting | None = None
    """Looks at what the usual form has not; None: no body of this type can be too deep."""

    @property
    def usual(self) -> UsualForm | None:
        """For records whose schema says what is usual."""
        if self._schema is None:
            self._parse()
        return self._usual

    def write(self, record: Any, buffer: BytesIO) -> None:
        """Write the body of a record."""
        if self._schema is None:
            self._parse()
        usual = self._usual
        if usual is not None and usual.fits(record):
            schemaless_writer(buffer, usual.schema, usual.to_avro(record))
            buffer.write(usual.end)
            return
        values = self.to_avro(record)
        if usual is None:
            start = buffer.tell()
            schemaless_writer(buffer, self._schema, values)
        else:
            schemaless_writer(buffer, usual.schema, values)
            start = buffer.tell()
            schemaless_writer(buffer, usual.end_schema, values)
        if self._nesting is not None:
            self._nesting.check(buffer.getvalue(), start)

    def read(self, buffer: BytesIO) -> Any:
        """The record whose body is all that comes."""
        if self._schema is None:
            self._parse()
        usual = self._usual
        values: Any
        if usual is None:
            if self._nesting is not None:
                self._nesting.check(buffer.getvalue(), buffer.tell())
            values = schemaless_reader(buffer, self._schema, None)
            return self.from_avro(values)
        values = schemaless_reader(buffer, usual.schema, None)
        place = buffer.tell()
        if buffer.read() == usual.end:
            return usual.from_avro(values)
        buffer.seek(place)
        if self._nesting is not None:
            self._nesting.check(buffer.getvalue(), place)
        end: Any = schemaless_reader(buffer, usual.end_schema, None)
        return self.from_avro(values | end)

    def _parse(self) -> None:
        # The schema last: another thread takes it as the sign that all is there.
        schema, usual = parsed(self.full_name), _usual_form(self.cls, self.full_name)
        # What comes before the rare fields of a record cannot be too deep: they are few and of simple types.
        nesting = Nesting(schema, passed_over=len(usual.schema["fields"]) if usual is not None else 0)
        self._nesting = None if nesting.is_bounded else nesting
        self._usual = usual
        self._schema = schema


def _usual_form(cls: type[Struct], full_name: str) -> UsualForm | None:
    if cls not in _USUAL:
        return None
    fits, to_avro, from_avro = _USUAL[cls]
    whole, schema = definition(full_name), parsed(full_name)
    usual = {entry["name"]: entry["usual"] for entry in whole["fields"] if "usual" in entry}
    end_schema, end = {**schema, "fields": schema["fields"][-len(usual) :]}, BytesIO()
    schemaless_writer(end, end_schema, usual)
    before = parse({**whole, "fields": whole["fields"][: -len(usual)]})
    return UsualForm(fits, to_avro, from_avro, before, end_schema, end.getvalue())


_MODULES = (common, command, event, log, reply, task, visibility)
_CONVERSIONS = [(cls, *entry) for module in _MODULES for cls, entry in module.CONVERSIONS.items()]
_USUAL = {cls: entry for module in _MODULES for cls, entry in module.USUAL.items()}
CLASSES: dict[str, type[Struct]] = {full_name: cls for cls, full_name, *_ in _CONVERSIONS}
"""Every record class by its full name in Avro."""

RECORD_TYPES: tuple[RecordType, ...] = tuple(
    RecordType(cls, full_name, header, to_avro, from_avro)
    for cls, full_name, header, to_avro, from_avro in _CONVERSIONS
    if header
)
"""The record types that can stand in a frame of their own: the others are always part of one."""

BY_CLASS: dict[type, RecordType] = {record_type.cls: record_type for record_type in RECORD_TYPES}
BY_FULL_NAME: dict[str, RecordType] = {record_type.full_name: record_type for record_type in RECORD_TYPES}
BY_HEADER: dict[bytes, RecordType] = {record_type.header: record_type for record_type in RECORD_TYPES}


def encode(record: Any) -> bytes:
    """The frame of a record.

    Raises:
        KeyError: `record` is not of a class of this package that may stand in a frame.
        EncodeError: A field holds what its schema has no room for.
    """
    record_type = BY_CLASS[type(record)]
    buffer = BytesIO()
    buffer.write(record_type.header)
    try:
        record_type.write(record, buffer)
    except Exception as error:  # whatever a value of the wrong type leads to
        raise encode_error(record, error) from error
    return buffer.getvalue()


def decode(data: bytes | None) -> Any:
    """The record in a frame that was written with a schema of this build.

    Raises:
        UnknownSchemaError: The writer's schema is not among them.
        DecodeError: Anything else is wrong with the bytes.
    """
    if data is None:
        raise DecodeError("the record has no value")
    record_type = BY_HEADER.get(data[:HEADER_BYTES])
    if record_type is None:
        raise _header_error(data)
    buffer = BytesIO(data)
    buffer.seek(HEADER_BYTES)
    try:
        record = record_type.read(buffer)
    except Exception as error:  # IndexError, UnicodeDecodeError, struct.error …: whatever garbage leads to
        raise body_error(record_type.full_name, error) from error
    if buffer.tell() != len(data):
        raise length_error(record_type.full_name, buffer.tell(), len(data))
    return record


def as_dict(value: Any) -> Any:
    """A record as a dict of its fields, and so the records within it; all else as it is."""
    if isinstance(value, Struct):
        return {name: as_dict(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, list):
        return [as_dict(item) for item in value]
    return {key: as_dict(item) for key, item in value.items()} if isinstance(value, dict) else value


def encode_error(record: Any, error: Exception) -> EncodeError:
    """The error to raise when writing `record` raised `error`: names the field, if it can be found."""
    name = BY_CLASS[type(record)].full_name
    if isinstance(error, TooDeepError):
        return EncodeError(f"a {name} cannot be written: {error}")  # no field is wrong, and a search takes minutes
    detail = f"{type(error).__name__}: {error}"
    try:
        validate(as_dict(record), parsed(name), raise_errors=True)
    except ValidationError as invalid:
        detail = "; ".join(_misfit(each.field, each.datum, each.schema) for each in invalid.errors)
    except RecursionError:
        pass  # a failure that is its own cause; `error` says so as well
    return EncodeError(f"a {name} cannot be written: {detail}")


def _misfit(field: str, value: Any, schema: Any) -> str:
    # Numbers and enums are told; texts, bytes and payloads are people's data, and may be long.
    kind, name = (schema["type"], schema.get("name")) if isinstance(schema, dict) else (schema, None)
    found = repr(value) if value is None or isinstance(value, int | float) else f"a {type(value).__name__}"
    if kind == "enum" and isinstance(value, str):
        found = repr(value[:60])
    return f"{field} is {found}, which is no {name or kind}"


def body_error(full_name: str, error: Exception) -> DecodeError:
    """The error to raise when reading the body of a frame raised `error`."""
    if isinstance(error, IndexError | EOFError):
        return DecodeError(f"the body is no {full_name}: it ends too early, or a number in it is out of range")
    return DecodeError(f"the body is no {full_name}: {type(error).__name__}: {error}")


def length_error(full_name: str, end: int, length: int) -> DecodeError:
    """The error to raise when a body did not end where its frame does."""
    if end > length:
        return DecodeError(f"the body is no {full_name}: it ends {end - length} bytes too early")
    return DecodeError(f"{length - end} bytes follow the {full_name}")


def _header_error(data: bytes) -> DecodeError:
    if data[:2] != MARKER:
        return DecodeError(
            f"the record begins with {data[:2].hex() or 'nothing'}, not with c301 (single-object encoding)"
        )
    if len(data) < HEADER_BYTES:
        return DecodeError(f"the record ends after {len(data)} bytes, within the header of {HEADER_BYTES}")
    return UnknownSchemaError(data[2:HEADER_BYTES])
