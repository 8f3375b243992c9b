"""Writes the Python modules for the Avro schemas: `python -m foldlog.schemas.generate`.

The `.avsc` files are the source, because they are public API for programs in any language. For each namespace there
are two modules: the record classes (this module writes them) and the conversions between them and fastavro's dicts
(`foldlog.schemas._generate_conversions`). A test fails when the written modules are not what these two would write.
Needs ruff, which lays the text out.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import wrap
from typing import Any

from foldlog.schemas._avsc import Record, is_record, module_names, module_of, primitive, records_of, short
from foldlog.schemas._generate_conversions import ConversionModule
from foldlog.schemas.definitions import definition, schema_fingerprint

HERE = Path(__file__).parent
MARKER = b"\xc3\x01"
HINTS = {
    "string": "str",
    "long": "int",
    "int": "int",
    "boolean": "bool",
    "double": "float",
    "bytes": "bytes",
}
BASES = {"event": "HistoryEvent", "common.Payload": "PayloadMessage"}
"""What the record classes of a namespace, or one of them, inherit from."""


@dataclass
class RecordModule:
    """The module of the record classes of one namespace."""

    name: str
    records: list[Record]
    used: dict[str, set[str]] = field(default_factory=dict)
    """What is imported, by module."""

    def text(self) -> str:
        enums = {enum["name"]: enum["symbols"] for record in self.records for enum in record.enums}
        body: list[str] = []
        for name, symbols in sorted(enums.items()):
            body += [f"{name} = Literal[", *(f"    {symbol!r}," for symbol in symbols), "]"]
        for record in self.records:
            body += ["", "", *self._class(record)]
        if any(entry.get("default") in ([], {}) for record in self.records for entry in record.fields):
            self.used.setdefault("msgspec", set()).add("field")
        head = [
            f'"""Records of the namespace `foldlog.{self.name}`.',
            "",
            f"Written by `python -m foldlog.schemas.generate` from avsc/{self.name}/*.avsc:",
            "change those, not this.",
            '"""',
            "",
            "from __future__ import annotations",
            "",
            *(["from typing import Literal", ""] if enums else []),
        ]
        for module in sorted(self.used):
            head.append(f"from {module} import {', '.join(sorted(self.used[module]))}")
        return "\n".join([*head, "", *body, ""])

    def _class(self, record: Record) -> list[str]:
        base = BASES.get(f"{self.name}.{record.name}", BASES.get(self.name, "Struct"))
        self.used.setdefault("msgspec" if base == "Struct" else "foldlog.schemas.names", set()).add(base)
        lines = [f"class {record.name}({base}, kw_only=True):", *_doc(record.doc)]
        for entry in record.fields:
            lines.append(f"    {entry['name']}: {self._hint(entry['type'])}{_default(entry)}")
            lines += _doc(entry["doc"])
        return lines

    def _hint(self, typ: Any) -> str:
        kind = primitive(typ)
        if is_record(typ):
            if module_of(typ) != self.name:
                self.used.setdefault(f"foldlog.schemas.{module_of(typ)}", set()).add(short(typ))
            return short(typ)
        if kind == "union":
            return f"{self._hint(typ[1])} | None"
        if kind == "array":
            return f"list[{self._hint(typ['items'])}]"
        if kind == "map":
            return f"dict[str, {self._hint(typ['values'])}]"
        return str(typ["name"]) if kind == "enum" else HINTS[kind]


def _doc(text: str) -> list[str]:
    lines = wrap(text, 100)
    if len(lines) == 1:
        return [f'    """{text}"""']
    return [f'    """{lines[0]}', *(f"    {line}" for line in lines[1:]), '    """']


def _default(entry: dict[str, Any]) -> str:
    if "default" not in entry:
        return ""
    default, typ = entry["default"], entry["type"]
    if default == [] or default == {}:
        return f" = field(default_factory={'list' if default == [] else 'dict'})"
    if typ == "bytes":
        return f" = {default.encode('latin-1')!r}"  # Avro writes them in JSON as code points up to 255
    return f" = {default!r}"


def headers(records: Iterable[Record]) -> dict[str, bytes]:
    """The frame header of each record that may stand in a frame of its own."""
    names = (record.fullname for record in records if record.framed)
    return {name: MARKER + schema_fingerprint(definition(name)) for name in names}


def modules() -> dict[Path, str]:
    """Each generated file and the text that belongs in it."""
    texts = {}
    for name in module_names():
        records = records_of(name)
        texts[HERE / f"{name}.py"] = RecordModule(name, records).text()
        texts[HERE / "_conversions" / f"{name}.py"] = ConversionModule(name, records, headers(records)).text()
    return {path: _laid_out(text, path) for path, text in texts.items()}


def _laid_out(text: str, path: Path) -> str:
    for command in (["check", "--fix", "--quiet", "--select", "I"], ["format", "--quiet"]):
        arguments = [sys.executable, "-m", "ruff", *command, "--stdin-filename", str(path), "-"]
        text = subprocess.run(arguments, input=text, capture_output=True, text=True, check=True).stdout
    return text


def main() -> int:
    """Writes all modules; returns the exit code."""
    for path, text in modules().items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
