"""Reading what was written with another schema than this build's, by Avro's rules of schema resolution.

Owns the way from a writer's schema to a reader for one of this build's records, and the memory of such readers.
fastavro resolves. Knows no framing: where a schema comes from is `foldlog.schemas.codec`'s business.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import Any

import fastavro
from foldlog.schemas.definitions import Definition, definition, parse, schema_fingerprint
from foldlog.schemas.framing import BY_FULL_NAME, MARKER, DecodeError
from foldlog.schemas.nesting import Nesting

FORGET_UNKNOWN_SECONDS = 30.0
"""How long a schema that nobody knew is not asked for again."""

UNKNOWN_PER_SECOND = 5
"""How many different unknown schemas are asked for in a second. A healthy log has none."""

REMEMBERED_UNKNOWN = 10_000
"""How many unknown schemas are remembered at most: the frames of garbage may all name different ones."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads the bodies that were written with one schema."""

    full_name: str
    read: Callable[[BytesIO], Any]


def reader_for(writer: Definition) -> Reader:
    """A reader that makes this build's record of what was written with the schema `writer`.

    Raises:
        DecodeError: `writer` is no Avro schema, or is not of one of this build's records.
    """
    try:
        schema = parse(writer)
        full_name = schema["name"]
    except Exception as error:  # fastavro raises whatever a schema that is none leads to
        raise DecodeError(f"the writer's schema is not one of a record: {type(error).__name__}: {error}") from error
    record_type = BY_FULL_NAME.get(full_name)
    if record_type is None:
        raise DecodeError(f"this version of foldlog has no record named {full_name}")
    if MARKER + schema_fingerprint(writer) == record_type.header:
        return Reader(full_name, record_type.read)
    resolved, nesting = _reader_schema(full_name), Nesting(schema, shallow_bytes=0)

    def read(buffer: BytesIO) -> Any:
        nesting.check(buffer.getvalue(), buffer.tell())
        values: Any = fastavro.schemaless_reader(buffer, schema, resolved)
        return record_type.from_avro(values)

    return Reader(full_name, read)


@cache
def _reader_schema(full_name: str) -> Any:
    """The parsed schema with the defaults of bytes as bytes: in JSON, and in what fastavro fills in, they are text."""
    return _bytes_defaults(parse(definition(full_name)))


def _bytes_defaults(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_bytes_defaults(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    changed = {key: _bytes_defaults(value) for key, value in schema.items()}
    if changed.get("type") == "bytes" and isinstance(changed.get("default"), str):
        changed["default"] = changed["default"].encode("latin-1")
    return changed


class ForeignSchemas:
    """The readers for schemas that this build does not have, by what stands for them in a frame. Thread-safe.

    Each is looked for once. One that is not found is looked for again after a while, and garbage that names a new
    schema in each record cannot make each record cost a look-up.

    Args:
        find: Gives the schema, or None when nobody knows it. What it raises is passed on and nothing is remembered.
        clock: Seconds on a monotonic clock.
    """

    def __init__(self, find: Callable[[bytes], Definition | None], clock: Callable[[], float] = time.monotonic) -> None:
        self._find = find
        self._clock = clock
        self._lock = threading.Lock()
        self._readers: dict[bytes, Reader | DecodeError] = {}
        self._unknown: OrderedDict[bytes, float] = OrderedDict()
        self._misses: deque[float] = deque(maxlen=UNKNOWN_PER_SECOND)

    def reader(self, key: bytes) -> Reader | None:
        """The reader for the schema that `key` stands for; None: nobody knows it, or nobody may be asked just now.

        Raises:
            DecodeError: The schema is known, but is not one that this build can read.
        """
        known = self._readers.get(key)
        if known is None:
            with self._lock:
                known = self._readers.get(key) or self._look_for(key)
        if isinstance(known, DecodeError):
            raise DecodeError(str(known))
        return known

    def _look_for(self, key: bytes) -> Reader | DecodeError | None:
        if self._clock() < self._unknown.get(key, 0.0) or self._too_many_misses():
            return None
        found = self._find(key)
        if found is None:
            self._remember_unknown(key)
            return None
        reader: Reader | DecodeError
        try:
            reader = reader_for(found)
        except DecodeError as error:
            reader = error
        self._readers[key] = reader
        return reader

    def _too_many_misses(self) -> bool:
        return len(self._misses) == UNKNOWN_PER_SECOND and self._clock() - self._misses[0] < 1.0

    def _remember_unknown(self, key: bytes) -> None:
        now = self._clock()
        self._misses.append(now)
        self._unknown[key] = now + FORGET_UNKNOWN_SECONDS
        self._unknown.move_to_end(key)
        if len(self._unknown) > REMEMBERED_UNKNOWN:
            self._unknown.popitem(last=False)
