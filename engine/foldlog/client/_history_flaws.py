"""What is wrong with an event in JSON: the library that reads it says neither which field nor what it wants there.

Slow, and asked only when reading has failed. Knows the JSON encoding of the Avro specification.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

_LONGEST = 60
_PRIMITIVES: dict[str, tuple[type | tuple[type, ...], str]] = {
    "null": (type(None), "null"),
    "boolean": (bool, "true or false"),
    "int": (int, "a whole number"),
    "long": (int, "a whole number"),
    "float": ((int, float), "a number"),
    "double": ((int, float), "a number"),
    "bytes": (str, "a string"),
    "string": (str, "a string"),
    "fixed": (str, "a string"),
}


def flaw_of(schema: Any, value: Any) -> str | None:
    """The first field that is not as the schema of a record wants it, and what is expected there.

    Args:
        schema: With what it refers to written out within it.
        value: As what `json` loads.

    Returns:
        Such as `options.attempt must be a whole number, not "x"`; None: there is nothing to be found.
    """
    names: dict[str, Any] = {}
    _collect(schema, names)
    return _flaw(schema, value, "", names)


def _collect(schema: Any, names: dict[str, Any]) -> None:
    """The named types in a schema: where one comes again, there is its name only."""
    if isinstance(schema, list):
        for branch in schema:
            _collect(branch, names)
    elif isinstance(schema, dict):
        if "name" in schema:
            names[schema["name"]] = schema
        for inner in (schema.get("items"), schema.get("values"), *(each["type"] for each in schema.get("fields", ()))):
            _collect(inner, names)


def _flaw(schema: Any, value: Any, path: str, names: dict[str, Any]) -> str | None:
    schema = names.get(schema, schema) if isinstance(schema, str) else schema
    if isinstance(schema, list):
        return _flaw_in_union(schema, value, path, names)
    kind = schema["type"] if isinstance(schema, dict) else schema
    if kind == "record":
        return _flaw_in_record(schema, value, path, names)
    if kind == "array":
        if not isinstance(value, list):
            return _must(path, "a list", value)
        return _first(_flaw(schema["items"], each, f"{path}[{index}]", names) for index, each in enumerate(value))
    if kind == "map":
        if not isinstance(value, dict):
            return _must(path, "an object", value)
        return _first(_flaw(schema["values"], each, _under(path, name), names) for name, each in value.items())
    if kind == "enum":
        return None if value in schema["symbols"] else _must(path, f"one of {', '.join(schema['symbols'])}", value)
    types, expected = _PRIMITIVES[kind]
    fits = isinstance(value, types) and (kind == "boolean" or not isinstance(value, bool))
    return None if fits else _must(path, expected, value)


def _flaw_in_record(schema: Any, value: Any, path: str, names: dict[str, Any]) -> str | None:
    if not isinstance(value, dict):
        return _must(path, "an object", value)
    for field in schema["fields"]:
        name = _under(path, field["name"])
        if field["name"] in value:
            if flaw := _flaw(field["type"], value[field["name"]], name, names):
                return flaw
        elif "default" not in field:
            return f"{name} is missing"
    return None


def _flaw_in_union(branches: list[Any], value: Any, path: str, names: dict[str, Any]) -> str | None:
    labels = {_label(branch): branch for branch in branches}
    if value is None and "null" in labels:
        return None
    if isinstance(value, dict) and len(value) == 1:
        [(label, inner)] = value.items()
        if label in labels and label != "null":
            return _flaw(labels[label], inner, path, names)
    wanted = " or ".join(f'{{"{label}": …}}' if label != "null" else label for label in labels)
    return _must(path, wanted, value)


def _label(branch: Any) -> str:
    if isinstance(branch, dict):
        return str(branch.get("name", branch["type"]))
    return str(branch)


def _first(flaws: Iterable[str | None]) -> str | None:
    return next((flaw for flaw in flaws if flaw), None)


def _under(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _must(path: str, expected: str, value: Any) -> str:
    shown = json.dumps(value, ensure_ascii=False, default=str)
    shown = shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…"
    return f"{path or 'the event'} must be {expected}, not {shown}"
