"""Records of every type for the tests of the schemas: chosen ones, random ones, and their JSON form."""

from __future__ import annotations

from typing import Any

from foldlog.schemas._avsc import Record, is_record, module_names, primitive, records_of
from foldlog.schemas.framing import CLASSES
from hypothesis import strategies as st
from msgspec import Struct

RECORDS: dict[str, Record] = {record.fullname: record for name in module_names() for record in records_of(name)}
FRAMED = sorted(name for name, record in RECORDS.items() if record.framed)

_LONG = st.one_of(st.integers(-200, 200), st.integers(-(1 << 63), (1 << 63) - 1))
_INT = st.one_of(st.integers(-200, 200), st.integers(-(1 << 31), (1 << 31) - 1))
_TEXT = st.text(st.characters(codec="utf-8"), max_size=100)
_PRIMITIVES: dict[str, st.SearchStrategy[Any]] = {
    "long": _LONG,
    "int": _INT,
    "double": st.floats(allow_nan=False),
    "boolean": st.booleans(),
    "string": _TEXT,
    "bytes": st.binary(max_size=200),
}


def random_record(full_name: str) -> st.SearchStrategy[Any]:
    """Any record of a type."""
    return st.deferred(lambda: _built(full_name))


def _built(full_name: str) -> st.SearchStrategy[Any]:
    values = {entry["name"]: _values(entry["type"]) for entry in RECORDS[full_name].fields}
    return st.builds(CLASSES[full_name], **values)


def _values(typ: Any) -> st.SearchStrategy[Any]:
    kind = primitive(typ)
    if is_record(typ):
        return random_record(typ)
    if kind == "union":
        return st.none() | _values(typ[1])
    if kind == "array":
        return st.lists(_values(typ["items"]), max_size=3)
    if kind == "map":
        return st.dictionaries(_TEXT, _values(typ["values"]), max_size=3)
    if kind == "enum":
        return st.sampled_from(typ["symbols"])
    return _PRIMITIVES[kind]


def full_record(full_name: str) -> Any:
    """A record with every field set, each to something that tells it from the others."""
    return _full(full_name, depth=0)


def _full(full_name: str, depth: int) -> Any:
    entries = RECORDS[full_name].fields
    values = {
        entry["name"]: _full_value(entry["type"], entry["name"], number, depth) for number, entry in enumerate(entries)
    }
    return CLASSES[full_name](**values)


def _full_value(typ: Any, name: str, number: int, depth: int) -> Any:
    kind = primitive(typ)
    if is_record(typ):
        return _full(typ, depth + 1)
    if kind == "union":
        return None if depth > 1 else _full_value(typ[1], name, number, depth)  # a failure has a cause, once
    if kind == "array":
        return [_full_value(typ["items"], f"{name} {n}", number + n, depth) for n in (1, 2)]
    if kind == "map":
        return {f"{name} {n}": _full_value(typ["values"], f"{name} {n}", number + n, depth) for n in (1, 2)}
    if kind == "enum":
        return typ["symbols"][-1]
    if name.endswith("_ms") and "timeout" not in name:
        return 1_790_000_000_000 + number
    samples: dict[str, Any] = {
        "string": f"{name} → {number}",
        "bytes": f"{name} {number}".encode() + b"\x00\xff",
        "long": 1 << 40 | number,
        "int": -1_000 - number,
        "double": number + 0.5,
        "boolean": True,
    }
    return samples[kind]


def least_record(full_name: str) -> Any:
    """A record with only the fields that have no default."""
    entries = [entry for entry in RECORDS[full_name].fields if "default" not in entry]
    return CLASSES[full_name](**{entry["name"]: _least_value(entry["type"]) for entry in entries})


def _least_value(typ: Any) -> Any:
    if is_record(typ):
        return least_record(typ)
    empty: dict[str, Any] = {
        "string": "",
        "bytes": b"",
        "long": 0,
        "int": 0,
        "double": 0.0,
        "boolean": False,
        "union": None,
        "array": [],
        "map": {},
    }
    return empty[primitive(typ)]


def to_json(value: Any) -> Any:
    """A record as JSON, as Avro has it: bytes are text of the code points up to 255."""
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, list):
        return [to_json(item) for item in value]
    if isinstance(value, dict):
        return {key: to_json(item) for key, item in value.items()}
    if isinstance(value, Struct):
        return {name: to_json(getattr(value, name)) for name in value.__struct_fields__}
    return value


def from_json(typ: Any, value: Any) -> Any:
    """What `to_json` was given; `typ` is an Avro type with records by name."""
    kind = primitive(typ)
    if kind == "union":
        return None if value is None else from_json(typ[1], value)
    if is_record(typ):
        types = {entry["name"]: entry["type"] for entry in RECORDS[typ].fields}
        return CLASSES[typ](**{name: from_json(types[name], item) for name, item in value.items()})
    if kind == "bytes":
        return value.encode("latin-1")
    if kind == "array":
        return [from_json(typ["items"], item) for item in value]
    if kind == "map":
        return {key: from_json(typ["values"], item) for key, item in value.items()}
    return value
