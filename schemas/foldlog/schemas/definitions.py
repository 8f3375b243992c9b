"""The Avro schemas of this build, as fastavro and everybody outside of Python needs them.

Owns the reading of the `.avsc` files and the fingerprint that stands for a schema in a frame. Knows no record
classes and no framing.
"""

from __future__ import annotations

import json
import sys
from functools import cache
from importlib import resources
from typing import Any

import fastavro
from fastavro.repository.base import AbstractSchemaRepository, SchemaRepositoryError
from fastavro.schema import fingerprint, load_schema, to_parsing_canonical_form

Definition = dict[str, Any]
"""A self-contained schema as JSON, with its docs, defaults and logical types."""

_KEYS = ("name", "type", "logicalType", "doc", "symbols", "items", "values", "fields", "default")
"""The order in which a schema is printed."""

AVSC = resources.files("foldlog.schemas") / "avsc"
_TEXTS = {
    f"foldlog.{namespace.name}.{path.name.removesuffix('.avsc')}": path.read_text(encoding="utf-8")
    for namespace in sorted(AVSC.iterdir(), key=lambda entry: entry.name)
    for path in sorted(namespace.iterdir(), key=lambda entry: entry.name)
    if path.name.endswith(".avsc")
}
"""The `.avsc` files by full name, all read at once: when a schema is parsed, no file can be opened perhaps, or it is
another version's by then."""


class _PackageRepository(AbstractSchemaRepository):
    """Finds `foldlog.event.TimerFired` in avsc/event/TimerFired.avsc."""

    def load(self, name: str) -> Any:
        if name not in _TEXTS:
            raise SchemaRepositoryError(f"there is no schema named {name}")
        return json.loads(_TEXTS[name])


def full_names() -> tuple[str, ...]:
    """The full name of each record that has an `.avsc` file, and so may stand in a frame."""
    return tuple(_TEXTS)


@cache
def definition(full_name: str) -> Definition:
    """The schema of a record, what it refers to written out within it. Not to be changed by the caller.

    Raises:
        KeyError: This build has no such record.
    """
    if full_name not in _TEXTS:
        raise KeyError(full_name)
    plain: Definition = _plain(load_schema(full_name, repo=_PackageRepository(), _write_hint=False))
    return plain


@cache
def parsed(full_name: str) -> Any:
    """The schema of a record as fastavro takes it.

    Raises:
        KeyError: This build has no such record.
    """
    return parse(definition(full_name))


def parse(schema: Any) -> Any:
    """Any schema as fastavro takes it, without logical types, which stay numbers in the record classes."""
    return fastavro.parse_schema(_without_logical_types(schema))


def schema_fingerprint(schema: Any) -> bytes:
    """The 8 bytes that stand for a schema in a frame: CRC-64-AVRO of its canonical form, little endian."""
    # fastavro prints the number's bytes in the order in which the specification writes them to the frame.
    return bytes.fromhex(fingerprint(to_parsing_canonical_form(schema), "CRC-64-AVRO"))


def _plain(schema: Any) -> Any:
    """The schema without the marks of fastavro's parser, which also leaves the keys in no order."""
    if isinstance(schema, list):
        return [_plain(part) for part in schema]
    if isinstance(schema, dict):
        ours = [key for key in schema if not key.startswith("__")]
        return {key: _plain(schema[key]) for key in sorted(ours, key=_place)}
    return schema


def _place(key: str) -> tuple[int, str]:
    return (_KEYS.index(key) if key in _KEYS else len(_KEYS), key)


def _without_logical_types(schema: Any) -> Any:
    """The same schema with plain primitive types: equal on the wire and in canonical form.

    Its strings are interned, as those of Python code are: fastavro finds the fields of each record by them.
    """
    if isinstance(schema, list):
        return [_without_logical_types(part) for part in schema]
    if isinstance(schema, dict):
        plain = {
            sys.intern(key): _without_logical_types(value) for key, value in schema.items() if key != "logicalType"
        }
        # A name alone is quicker to write than an object with nothing but a name.
        return plain["type"] if plain.keys() == {"type"} and isinstance(plain["type"], str) else plain
    return sys.intern(schema) if isinstance(schema, str) else schema
