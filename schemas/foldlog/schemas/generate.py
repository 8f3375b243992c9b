"""Writes the Python record classes from the Avro schemas: `python -m foldlog.schemas.generate`.

The `.avsc` files are the source, because they are public API for programs in any language. This module owns
the translation to Python: one dataclass per record, and straight-line conversions between it and the dict
that fastavro takes, so that nothing has to be looked up per record. A test fails when the written modules are
not what this module would write. It knows nothing of framing or of Kafka.
"""

from __future__ import annotations

import json
import keyword
import sys
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import wrap
from typing import Any

HERE = Path(__file__).parent
AVSC = HERE / "avsc"
PRIMITIVES = {
    "string": "str",
    "long": "int",
    "int": "int",
    "boolean": "bool",
    "double": "float",
    "bytes": "bytes",
}


@dataclass
class Record:
    """One record class to write. `literals` are the named enums that its fields use."""

    schema: dict[str, Any]
    fullname: str
    literals: dict[str, list[str]] = field(default_factory=dict)


def module_of(fullname: str) -> str:
    """`foldlog.event.TimerFired` lives in the module `event`."""
    return fullname.rsplit(".", 2)[-2]


def short(fullname: str) -> str:
    return fullname.rsplit(".", 1)[-1]


class Module:
    """The text of one module: all records of one Avro namespace."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.imports: set[str] = set()
        self.records: list[Record] = []
        for path in sorted((AVSC / name).glob("*.avsc")):
            self._collect(json.loads(path.read_text()))
        self.records.sort(key=lambda record: record.fullname)

    def _collect(self, schema: dict[str, Any]) -> None:
        namespace = schema.get("namespace", f"foldlog.{self.name}")
        record = Record(schema, f"{namespace}.{schema['name']}")
        for entry in schema["fields"]:
            for part in _parts(entry["type"]):
                if isinstance(part, dict) and part.get("type") == "record":
                    self._collect({**part, "namespace": namespace})
                elif isinstance(part, dict) and part.get("type") == "enum":
                    record.literals[part["name"]] = part["symbols"]
        self.records.append(record)

    def _name(self, typ: Any) -> str | None:
        """The class for a record type, or None if the type is no record."""
        if isinstance(typ, dict) and typ.get("type") == "record":
            return str(typ["name"])
        if isinstance(typ, str) and typ.startswith("foldlog."):
            if module_of(typ) != self.name:
                self.imports.add(f"{module_of(typ)}.{short(typ)}")
            return short(typ)
        return None

    def hint(self, typ: Any) -> str:
        if isinstance(typ, list):
            return f"{self.hint(typ[1])} | None"
        if isinstance(typ, dict) and typ["type"] == "array":
            return f"list[{self.hint(typ['items'])}]"
        if isinstance(typ, dict) and typ["type"] == "map":
            return f"dict[str, {self.hint(typ['values'])}]"
        if isinstance(typ, dict) and typ["type"] == "enum":
            return str(typ["name"])
        name = self._name(typ)
        return name or PRIMITIVES[typ["type"] if isinstance(typ, dict) else typ]

    def encoder(self, typ: Any, value: str) -> str:
        """An expression that makes of `value` what fastavro writes."""
        if isinstance(typ, list):
            name = self._name(typ[1])
            # The tuple names the branch: without it fastavro validates the record against the union.
            return f"None if {value} is None else ({self._fullname(typ[1])!r}, {_to(name)}({value}))" if name else value
        if isinstance(typ, dict) and typ["type"] == "array" and (name := self._name(typ["items"])):
            return f"[{_to(name)}(item) for item in {value}]"
        if isinstance(typ, dict) and typ["type"] == "map" and (name := self._name(typ["values"])):
            return f"{{key: {_to(name)}(item) for key, item in {value}.items()}}"
        name = self._name(typ)
        return f"{_to(name)}({value})" if name else value

    def decoder(self, typ: Any, value: str) -> str | None:
        """An expression that makes of fastavro's `value` what the class holds; None: it is that already."""
        if isinstance(typ, list):
            name = self._name(typ[1])
            return f"None if {value} is None else {_from(name)}({value})" if name else None
        if isinstance(typ, dict) and typ["type"] == "array" and (name := self._name(typ["items"])):
            return f"[{_from(name)}(item) for item in {value}]"
        if isinstance(typ, dict) and typ["type"] == "map" and (name := self._name(typ["values"])):
            return f"{{key: {_from(name)}(item) for key, item in {value}.items()}}"
        name = self._name(typ)
        return f"{_from(name)}({value})" if name else None

    def _fullname(self, typ: Any) -> str:
        return typ if isinstance(typ, str) else f"foldlog.{self.name}.{typ['name']}"

    def text(self) -> str:
        body: list[str] = []
        literals: dict[str, list[str]] = {}
        for record in self.records:
            literals.update(record.literals)
        for name, symbols in sorted(literals.items()):
            body += [f"{name} = Literal[", *(f"    {symbol!r}," for symbol in symbols), "]"]
        for record in self.records:
            body += ["", "", *self._class(record)]
        for record in self.records:
            body += ["", "", *self._encode(record), "", "", *self._decode(record)]
        body += ["", "", "CODECS: Codecs = {"]
        body += [
            f"    {r.schema['name']}: ({r.fullname!r}, {_to(r.schema['name'])}, {_from(r.schema['name'])}),"
            for r in self.records
        ]
        body += ["}", '"""Record class to Avro name, to dict, from dict."""', ""]
        typing = ["Any", "Literal"] if literals else ["Any"]
        head = [
            f'"""Records of the namespace `foldlog.{self.name}`.',
            "",
            f"Written by `python -m foldlog.schemas.generate` from avsc/{self.name}/*.avsc:",
            "change those, not this.",
            '"""',
            "",
            "from __future__ import annotations",
            "",
            "from dataclasses import dataclass, field",
            f"from typing import {', '.join(typing)}",
            "",
        ]
        head.append("from foldlog.schemas.codecs import Codecs")
        for module in sorted({name.split(".")[0] for name in self.imports}):
            names = sorted(name.split(".")[1] for name in self.imports if name.startswith(module + "."))
            names += [helper for name in names for helper in (_to(name), _from(name))]
            head.append(f"from foldlog.schemas.{module} import {', '.join(sorted(names))}")
        return "\n".join([*head, "", *body])

    def _class(self, record: Record) -> list[str]:
        lines = ["@dataclass(slots=True, kw_only=True)", f"class {record.schema['name']}:"]
        doc = wrap(record.schema["doc"], 100)
        lines += (
            [f'    """{doc[0]}', *(f"    {line}" for line in doc[1:]), '    """']
            if len(doc) > 1
            else [f'    """{doc[0]}"""']
        )
        for entry in record.schema["fields"]:
            lines.append(f"    {_safe(entry['name'])}: {self.hint(entry['type'])}{_default(entry)}")
            doc = wrap(entry["doc"], 100)
            lines += (
                [f'    """{doc[0]}', *(f"    {line}" for line in doc[1:]), '    """']
                if len(doc) > 1
                else [f'    """{doc[0]}"""']
            )
        return lines

    def _encode(self, record: Record) -> list[str]:
        name = record.schema["name"]
        lines = [f"def {_to(name)}(record: {name}) -> dict[str, Any]:", "    return {"]
        for entry in record.schema["fields"]:
            lines.append(f"        {entry['name']!r}: {self.encoder(entry['type'], 'record.' + entry['name'])},")
        return [*lines, "    }"]

    def _decode(self, record: Record) -> list[str]:
        name = record.schema["name"]
        lines = [f"def {_from(name)}(values: dict[str, Any]) -> {name}:"]
        for entry in record.schema["fields"]:
            item = f"values[{entry['name']!r}]"
            if expression := self.decoder(entry["type"], item):
                lines.append(f"    {item} = {expression}")
        return [*lines, f"    return {name}(**values)"]


def _parts(typ: Any) -> list[Any]:
    """The type itself and what it contains."""
    if isinstance(typ, list):
        return [part for option in typ for part in _parts(option)]
    if isinstance(typ, dict) and typ["type"] in ("array", "map"):
        return _parts(typ.get("items") or typ.get("values"))
    return [typ]


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() and n else c.lower() for n, c in enumerate(name))


def _to(name: str | None) -> str:
    return f"{_snake(name or '')}_to_avro"


def _from(name: str | None) -> str:
    return f"{_snake(name or '')}_from_avro"


def _safe(name: str) -> str:
    if keyword.iskeyword(name):
        raise ValueError(f"field name {name!r} is a Python keyword: choose another in the .avsc")
    return name


def _default(entry: dict[str, Any]) -> str:
    if "default" not in entry:
        return ""
    default, typ = entry["default"], entry["type"]
    if default == [] or default == {}:
        return f" = field(default_factory={'list' if default == [] else 'dict'})"
    if typ == "bytes":
        return f" = {default.encode('latin-1')!r}"
    return f" = {default!r}"


def modules() -> dict[Path, str]:
    """Each generated file and the text that belongs in it."""
    names = sorted(path.name for path in AVSC.iterdir() if path.is_dir())
    return {HERE / f"{name}.py": Module(name).text() for name in names}


def main() -> int:
    for path, text in modules().items():
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
