"""Writes the modules of `foldlog.schemas._conversions`: from each record class to what fastavro takes, and back.

Owns the translation of Avro types to straight-line Python, so that nothing has to be looked up per record. Knows only
the shapes that the schemas use: unions are of null and one type, in this order.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from foldlog.schemas._avsc import Record, is_record, module_of, primitive, short, snake


def to_avro(name: str) -> str:
    return f"{snake(short(name))}_to_avro"


def from_avro(name: str) -> str:
    return f"{snake(short(name))}_from_avro"


def usual_to_avro(record: Record) -> str:
    return f"{snake(record.name)}_usual_to_avro"


def usual_from_avro(record: Record) -> str:
    return f"{snake(record.name)}_usual_from_avro"


def is_usual(record: Record) -> str:
    return f"{snake(record.name)}_is_usual"


@dataclass
class ConversionModule:
    """The module of the conversions of one namespace."""

    name: str
    records: list[Record]
    headers: dict[str, bytes]
    """The frame header of each record that may stand in a frame of its own."""
    used: dict[str, set[str]] = field(default_factory=dict)
    """What is imported from other modules of this kind."""

    def text(self) -> str:
        body: list[str] = []
        for record in self.records:
            parts = self._with_usual(record) if record.constant else (self._to_avro(record), self._from_avro(record))
            for lines in parts:
                body += ["", "", *lines]
        body += ["", "", "CONVERSIONS: Conversions = {"]
        for record in self.records:
            header = self.headers.get(record.fullname, b"")
            entry = f"({record.fullname!r}, {header!r}, {to_avro(record.name)}, {from_avro(record.name)})"
            body.append(f"    {record.name}: {entry},")
        body += ["}", "", "USUAL: Usual = {"]
        for record in self.records:
            if record.constant:
                names = f"{is_usual(record)}, {usual_to_avro(record)}, {usual_from_avro(record)}"
                body.append(f"    {record.name}: ({names}),")
        body.append("}")
        head = [
            f'"""Conversions of the records of `foldlog.{self.name}`.',
            "",
            f"Written by `python -m foldlog.schemas.generate` from avsc/{self.name}/*.avsc:",
            "change those, not this.",
            '"""',
            "",
            "from __future__ import annotations",
            "",
            "from typing import Any",
            "",
            "from foldlog.schemas._conversions.types import NULL, Conversions, Usual"
            if any("NULL" in line for line in body)
            else "from foldlog.schemas._conversions.types import Conversions, Usual",
            *(
                f"from foldlog.schemas._conversions.{module} import {', '.join(sorted(names))}"
                for module, names in sorted(self.used.items())
            ),
            f"from foldlog.schemas.{self.name} import {', '.join(record.name for record in self.records)}",
        ]
        return "\n".join([*head, *body, ""])

    def _to_avro(self, record: Record) -> list[str]:
        lines = [f"def {to_avro(record.name)}(record: {record.name}) -> dict[str, Any]:", "    return {"]
        for entry in record.fields:
            lines.append(f"        {entry['name']!r}: {self._encoder(entry['type'], 'record.' + entry['name'])},")
        return [*lines, "    }"]

    def _from_avro(self, record: Record) -> list[str]:
        return self._made(from_avro(record.name), record.name, self._read(record.fields))

    def _with_usual(self, record: Record) -> list[list[str]]:
        """The conversions of a record with usual values: of one that has them, and of any, by the same and more."""
        name, varying = record.name, Record(record.fullname, record.doc, record.varying, [], framed=False)
        same = " and ".join(_is(entry["usual"], "record." + entry["name"]) for entry in record.constant)
        to = [
            f"def {to_avro(name)}(record: {name}) -> dict[str, Any]:",
            f"    values = {usual_to_avro(record)}(record)",
        ]
        of = [
            f"def {from_avro(name)}(values: dict[str, Any]) -> {name}:",
            f"    record = {usual_from_avro(record)}(values)",
        ]
        for entry in record.constant:
            to.append(f"    values[{entry['name']!r}] = {self._encoder(entry['type'], 'record.' + entry['name'])}")
        of += [f"    record.{field} = {value}" for field, value in self._read(record.constant).items()]
        usual_to = self._to_avro(varying)
        usual_to[0] = usual_to[0].replace(to_avro(name), usual_to_avro(record))
        constants = {entry["name"]: self._constant(entry) for entry in record.constant}
        return [
            [f"def {is_usual(record)}(record: {name}) -> bool:", f"    return {same}"],
            usual_to,
            [*to, "    return values"],
            self._made(usual_from_avro(record), name, {**self._read(record.varying), **constants}),
            [*of, "    return record"],
        ]

    def _made(self, function: str, name: str, values: dict[str, str]) -> list[str]:
        """The function that makes a record of what fastavro has read, from an expression for each field."""
        given = (f"        {field}={value}," for field, value in values.items())
        return [f"def {function}(values: dict[str, Any]) -> {name}:", f"    return {name}(", *given, "    )"]

    def _read(self, fields: list[dict[str, Any]]) -> dict[str, str]:
        return {entry["name"]: self._decoder(entry["type"], f"values[{entry['name']!r}]") for entry in fields}

    def _constant(self, entry: dict[str, Any]) -> str:
        """An expression for a field's usual value. What can be changed is made anew each time."""
        usual, typ = entry["usual"], entry["type"]
        if not isinstance(usual, dict) or not usual:
            return repr(usual)
        record = typ[1] if primitive(typ) == "union" else typ
        return f"{self._named(record, from_avro(record))}({usual!r})"

    def _encoder(self, typ: Any, value: str) -> str:
        """An expression that makes of `value` what fastavro writes."""
        kind = primitive(typ)
        if is_record(typ):
            return f"{self._named(typ, to_avro(typ))}({value})"
        if kind == "union" and is_record(typ[1]):
            # The tuple names the branch: without it fastavro validates the record against the union each time.
            return f"NULL if {value} is None else ({typ[1]!r}, {self._encoder(typ[1], value)})"
        return self._each(kind, typ, value, self._encoder)

    def _decoder(self, typ: Any, value: str) -> str:
        """An expression that makes of fastavro's `value` what the class holds."""
        kind = primitive(typ)
        if is_record(typ):
            return f"{self._named(typ, from_avro(typ))}({value})"
        if kind == "union" and is_record(typ[1]):
            return f"None if {value} is None else {self._decoder(typ[1], value)}"
        return self._each(kind, typ, value, self._decoder)

    def _each(self, kind: str, typ: Any, value: str, convert: Any) -> str:
        if kind == "array" and is_record(typ["items"]):
            return f"{value} and [{convert(typ['items'], 'item')} for item in {value}]"
        if kind == "map" and is_record(typ["values"]):
            return f"{value} and {{key: {convert(typ['values'], 'item')} for key, item in {value}.items()}}"
        return value

    def _named(self, typ: str, function: str) -> str:
        if module_of(typ) != self.name:
            self.used.setdefault(module_of(typ), set()).add(function)
        return function


def _is(usual: Any, value: str) -> str:
    """An expression for whether `value` is what it usually is."""
    if isinstance(usual, dict) and usual:
        parts = (_is(part, f"{value}.{name}") for name, part in usual.items())
        return " and ".join([f"{value} is not None", *parts])
    # Compared and not merely falsy: a value of a wrong type has to be met by fastavro, which refuses it.
    return f"{value} is {usual!r}" if usual is None or isinstance(usual, bool) else f"{value} == {usual!r}"
