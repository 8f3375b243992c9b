"""Records to bytes and back, whoever wrote them: the two framings, and schemas of other versions of foldlog.

Owns the choice of framing. `SingleObjectCodec` writes Avro's single-object encoding, `ConfluentCodec` the wire format
of Confluent's schema registry; each reads both, as far as it has whom to ask. Knows no topics. The schema registry's
client is imported only by whoever uses it (`foldlog[registry]`).
"""

from __future__ import annotations

import logging
import struct
from collections.abc import Callable
from io import BytesIO
from typing import TYPE_CHECKING, Any, Protocol

from foldlog.schemas import framing
from foldlog.schemas.definitions import Definition, schema_fingerprint
from foldlog.schemas.framing import (
    HEADER_BYTES,
    RECORD_TYPES,
    DecodeError,
    UnknownSchemaError,
    body_error,
    encode_error,
    length_error,
)
from foldlog.schemas.registry import Registry, SchemaLookupError
from foldlog.schemas.releases import find_released
from foldlog.schemas.resolution import ForeignSchemas, Reader

if TYPE_CHECKING:
    from confluent_kafka.schema_registry import SchemaRegistryClient

__all__ = [
    "Codec",
    "ConfluentCodec",
    "DecodeError",
    "FetchSchema",
    "SchemaLookupError",
    "SingleObjectCodec",
    "UnknownSchemaError",
]

logger = logging.getLogger(__name__)

FetchSchema = Callable[[bytes], Definition | None]
"""Gives the schema with a fingerprint, or None when it is not known. Returns within seconds, or raises
SchemaLookupError.
"""

CONFLUENT_MAGIC = b"\0"
CONFLUENT_HEADER = struct.Struct(">bI")
CONFLUENT_HEADER_BYTES = 5


class Codec(Protocol):
    """Writes and reads frames. Thread-safe."""

    def encode(self, record: Any, /) -> bytes:
        """The frame of a record.

        Raises:
            KeyError: `record` is not of a class of this package that may stand in a frame.
            EncodeError: A field holds what its schema has no room for.
            SchemaLookupError: The schema has to be registered first, and that failed.
        """

    def decode(self, data: bytes | None, /) -> Any:
        """The record in a frame of either framing.

        Raises:
            UnknownSchemaError: Nobody knows the writer's schema.
            DecodeError: Anything else is wrong with the bytes.
            SchemaLookupError: Whoever may know the schema could not be asked.
        """


class SingleObjectCodec:
    """Writes Avro's single-object encoding: `C3 01`, the schema's fingerprint (8 bytes), the body.

    Args:
        fetch: Where schemas are asked for that neither this build nor a released version has, usually
            `SchemasTopic.fetch`. Without it they are unknown.
        registry: Client of a schema registry, for reading Confluent's wire format. Without it such a record is
            refused.
    """

    encode = staticmethod(framing.encode)

    def __init__(self, fetch: FetchSchema | None = None, registry: SchemaRegistryClient | None = None) -> None:
        self._fetch = fetch
        self._registry = registry
        found = Registry(registry) if registry is not None else None
        self._by_fingerprint = ForeignSchemas(self._find)
        self._by_id = ForeignSchemas(lambda header: found.find(_schema_id(header))) if found else None

    def asking(self, fetch: FetchSchema) -> SingleObjectCodec:
        """This codec, if it has somebody to ask for schemas; else one like it that asks `fetch`."""
        return self if self._fetch is not None else SingleObjectCodec(fetch, self._registry)

    def decode(self, data: bytes | None, /) -> Any:
        """See `Codec.decode`."""
        try:
            return framing.decode(data)
        except UnknownSchemaError as error:
            reader = self._by_fingerprint.reader(error.fingerprint)
            if reader is None:
                raise
        except DecodeError:
            if data is None or data[:1] != CONFLUENT_MAGIC:
                raise
            return self.decode_confluent(data)
        assert data is not None  # an UnknownSchemaError says so
        return _read_with(reader, data, HEADER_BYTES)

    def decode_confluent(self, data: bytes) -> Any:
        """The record in a frame of Confluent's wire format. See `Codec.decode`."""
        if len(data) < CONFLUENT_HEADER_BYTES:
            raise DecodeError(
                f"the record ends after {len(data)} bytes, within the header of 5 (Confluent wire format)"
            )
        if self._by_id is None:
            raise DecodeError("the record is in Confluent's wire format, and no schema registry is configured")
        header = data[:CONFLUENT_HEADER_BYTES]
        reader = self._by_id.reader(header)
        if reader is None:
            raise DecodeError(f"the schema registry has no schema with ID {_schema_id(header)}")
        return _read_with(reader, data, CONFLUENT_HEADER_BYTES)

    def _find(self, fingerprint: bytes) -> Definition | None:
        found = find_released(fingerprint)
        if found is None and self._fetch is not None:
            found = self._fetch(fingerprint)
            if found is not None and not _has_fingerprint(found, fingerprint):
                logger.error("the schema stored under the fingerprint %s is another one, or none", fingerprint.hex())
                return None
        return found


class ConfluentCodec:
    """Writes the wire format of Confluent's schema registry: `00`, the schema's ID (4 bytes), the body.

    The subject of a schema is the record's full name (Confluent's RecordNameStrategy), so that a topic can carry
    records of many types.

    Args:
        registry: Client of the schema registry; see `registry_client`.
        fetch: Where schemas of single-object encoding are asked for; see `SingleObjectCodec`.
        register: Whether schemas are registered. False: only looked up, for registries that programs may not change;
            `foldlog.schemas.definitions` has what to register there.
    """

    def __init__(
        self, registry: SchemaRegistryClient, fetch: FetchSchema | None = None, *, register: bool = True
    ) -> None:
        self._client = registry
        self._registry = Registry(registry)
        self._register = register
        self._headers: dict[type, bytes] = {}
        self._single_object = SingleObjectCodec(fetch, registry)

    def asking(self, fetch: FetchSchema) -> ConfluentCodec:
        """This codec, if it has somebody to ask for schemas of single-object encoding; else one like it."""
        if self._single_object.asking(fetch) is self._single_object:
            return self
        codec = ConfluentCodec(self._client, fetch, register=self._register)
        codec._headers = self._headers  # the IDs are the same
        return codec

    def prepare(self) -> None:
        """Gets the IDs of all schemas, so that no record has to wait for one later. Takes a request for each.

        Raises:
            SchemaLookupError: The registry could not be asked, or refuses a schema as incompatible.
        """
        for record_type in RECORD_TYPES:
            self._header(record_type.cls)

    def encode(self, record: Any, /) -> bytes:
        """See `Codec.encode`."""
        cls = type(record)
        buffer = BytesIO()
        buffer.write(self._headers.get(cls) or self._header(cls))
        try:
            framing.BY_CLASS[cls].write(record, buffer)
        except Exception as error:  # whatever a value of the wrong type leads to
            raise encode_error(record, error) from error
        return buffer.getvalue()

    def decode(self, data: bytes | None, /) -> Any:
        """See `Codec.decode`."""
        if data is not None and data[:1] == CONFLUENT_MAGIC:
            return self._single_object.decode_confluent(data)
        return self._single_object.decode(data)

    def _header(self, cls: type) -> bytes:
        header = self._headers.get(cls)
        if header is None:
            full_name = framing.BY_CLASS[cls].full_name
            number = self._registry.number(full_name, register=self._register)
            header = self._headers[cls] = CONFLUENT_HEADER.pack(0, number)
        return header


def _has_fingerprint(schema: Definition, fingerprint: bytes) -> bool:
    try:
        return schema_fingerprint(schema) == fingerprint
    except Exception:  # fastavro raises whatever a schema that is none leads to
        return False


def _schema_id(header: bytes) -> int:
    number: int = CONFLUENT_HEADER.unpack(header)[1]
    return number


def _read_with(reader: Reader, data: bytes, start: int) -> Any:
    buffer = BytesIO(data)
    buffer.seek(start)
    try:
        record = reader.read(buffer)
    except Exception as error:  # whatever garbage leads to
        raise body_error(reader.full_name, error) from error
    if buffer.tell() != len(data):
        raise length_error(reader.full_name, buffer.tell(), len(data))
    return record
