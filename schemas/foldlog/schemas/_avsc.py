"""The `.avsc` files as the generator sees them: which records there are, and in which Python module each belongs.

Knows files and names, nothing of Python code, framing or fastavro.
"""

from __future__ import annotations

import json
import keyword
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

AVSC = Path(__file__).parent / "avsc"


@dataclass(frozen=True)
class Record:
    """One record schema: a file's own, or one that is written out within it."""

    fullname: str
    doc: str
    fields: list[dict[str, Any]]
    """The fields as in the file, except that records are given by their full names."""
    enums: list[dict[str, Any]]
    """The enums that its fields define."""
    framed: bool
    """Whether it is the record of a file, and so may stand in a frame of its own."""

    @property
    def name(self) -> str:
        return short(self.fullname)

    @property
    def varying(self) -> list[dict[str, Any]]:
        """The fields of which the schema does not say what they usually are."""
        return [entry for entry in self.fields if "usual" not in entry]

    @property
    def constant(self) -> list[dict[str, Any]]:
        """The fields of which it does, as they stand at the end."""
        return [entry for entry in self.fields if "usual" in entry]


def module_names() -> list[str]:
    """`command`, `common`, `event` …: one module for each Avro namespace `foldlog.…`."""
    return sorted(path.name for path in AVSC.iterdir() if path.is_dir())


def records_of(module: str) -> list[Record]:
    """The records of a namespace by name.

    Raises:
        ValueError: A field has a name that Python reserves, or comes after one that says what it usually is.
    """
    found: list[Record] = []
    for path in sorted((AVSC / module).glob("*.avsc")):
        schema = json.loads(path.read_text(encoding="utf-8"))
        found += _records(schema, f"foldlog.{module}", framed=True)
    return sorted(found, key=lambda record: record.fullname)


def _records(schema: dict[str, Any], namespace: str, framed: bool) -> Iterator[Record]:
    fields, enums = [], []
    for entry in schema["fields"]:
        if keyword.iskeyword(entry["name"]):
            raise ValueError(f"field name {entry['name']!r} is a Python keyword: choose another in the .avsc")
        for part in _parts(entry["type"]):
            if isinstance(part, dict) and part["type"] == "record":
                yield from _records(part, namespace, framed=False)
            elif isinstance(part, dict) and part["type"] == "enum":
                enums.append(part)
        fields.append({**entry, "type": _by_name(entry["type"], namespace)})
    _check_usual(fields)
    yield Record(f"{namespace}.{schema['name']}", schema["doc"], fields, enums, framed)


def _check_usual(fields: list[dict[str, Any]]) -> None:
    last = ""
    for entry in fields:
        if "usual" in entry:
            last = entry["name"]
        elif last:
            raise ValueError(f"field {entry['name']!r} comes after {last!r}, which has a usual value: those come last")


def _parts(typ: Any) -> list[Any]:
    """The type itself, or what it contains."""
    if isinstance(typ, list):
        return [part for option in typ for part in _parts(option)]
    if isinstance(typ, dict) and typ["type"] in ("array", "map"):
        return _parts(typ.get("items") or typ.get("values"))
    return [typ]


def _by_name(typ: Any, namespace: str) -> Any:
    if isinstance(typ, list):
        return [_by_name(option, namespace) for option in typ]
    if isinstance(typ, dict) and typ["type"] == "array":
        return {**typ, "items": _by_name(typ["items"], namespace)}
    if isinstance(typ, dict) and typ["type"] == "map":
        return {**typ, "values": _by_name(typ["values"], namespace)}
    if isinstance(typ, dict) and typ["type"] == "record":
        return f"{namespace}.{typ['name']}"
    return typ


def is_record(typ: Any) -> bool:
    return isinstance(typ, str) and typ.startswith("foldlog.")


def primitive(typ: Any) -> str:
    """`long` for `"long"` and for `{"type": "long", "logicalType": …}`; also `enum`, `array`, `map` and `union`."""
    if isinstance(typ, list):
        return "union"
    return str(typ["type"] if isinstance(typ, dict) else typ)


def module_of(fullname: str) -> str:
    """`foldlog.event.TimerFired` lives in the module `event`."""
    return fullname.rsplit(".", 2)[-2]


def short(fullname: str) -> str:
    return fullname.rsplit(".", 1)[-1]


def snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() and n else c.lower() for n, c in enumerate(name))
