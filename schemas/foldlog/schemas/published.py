"""Schemas as the topic `<ns>.schemas` carries them, so that whoever reads records can find their writers' schemas.

Owns the format. Key: the fingerprint as 16 lower-case hex digits, in the order of the frame's bytes. Value: the schema
as JSON, self-contained, UTF-8. The topic is compacted, and equal keys have equal values, so that it does not matter
how often a schema was published. Knows no Kafka: `foldlog.transport.schemas_topic` reads and writes the topic.
"""

from __future__ import annotations

import json
from collections.abc import Container

from foldlog.schemas.definitions import Definition, definition
from foldlog.schemas.framing import MARKER, RECORD_TYPES

_FINGERPRINT_BYTES = 8


def own_schemas(known: Container[bytes] = ()) -> dict[bytes, bytes]:
    """Key and value for each schema that this build writes records with.

    Args:
        known: Keys to leave out. Mostly all are, so that a process starts without working out any schema.
    """
    keys = ((record_type.header[len(MARKER) :].hex().encode(), record_type.full_name) for record_type in RECORD_TYPES)
    return {
        key: json.dumps(definition(full_name), ensure_ascii=False, separators=(",", ":")).encode()
        for key, full_name in keys
        if key not in known
    }


def read_published(key: bytes | None, value: bytes | None) -> tuple[bytes, Definition]:
    """The fingerprint and the schema in a record of the topic.

    Raises:
        ValueError: It is not of this format. Whoever reads the topic passes over it.
    """
    try:
        fingerprint = bytes.fromhex((key or b"").decode("ascii"))
        schema = json.loads(value or b"")
    except (ValueError, RecursionError) as error:
        raise ValueError(f"no published schema: {error}") from error
    if len(fingerprint) != _FINGERPRINT_BYTES or not isinstance(schema, dict):
        raise ValueError("no published schema: the key is no fingerprint, or the value is no record's schema")
    return fingerprint, schema
