"""Writes the modules of `foldlog.schemas._wire`: for each record a function that writes its body and one that reads it.

Owns the translation of Avro types to straight-line Python. Knows only the shapes that the schemas use and refuses
others: unions are of null and one type, in this order; no array or map directly within another.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from foldlog.schemas._avsc import Record, is_record, module_of, primitive, short, snake

PRIMITIVES = "foldlog.schemas._wire.primitives"
# The variables of the written functions. A field of one of these names would hide one.
RESERVED = {"record", "out", "buffer", "at", "size", "end", "number", "count", "key", "encoded"}


def writer(name: str) -> str:
    return f"write_{snake(short(name))}"


def reader(name: str) -> str:
    return f"read_{snake(short(name))}"


def table(enum: str) -> str:
    return snake(enum).upper()


def indented(lines: Iterable[str]) -> list[str]:
    return [f"    {line}" for line in lines]


@dataclass
class Pieces:
    """Lines that append to `out`. Neighbouring pieces are appended as one tuple, which is the cheapest way."""

    lines: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)

    def add(self, *expressions: str) -> None:
        self.waiting += expressions

    def before(self, line: str) -> None:
        """A line that the pieces added next need; what already waits is none the worse for it."""
        self.lines.append(line)

    def then(self, lines: Iterable[str]) -> None:
        """Lines that append something themselves."""
        self.flush()
        self.lines += lines

    def flush(self) -> list[str]:
        if len(self.waiting) == 1:
            self.lines.append(f"out.append({self.waiting[0]})")
        elif self.waiting:
            self.lines.append(f"out += ({', '.join(self.waiting)})")
        self.waiting = []
        return self.lines


@dataclass
class WireModule:
    """One module of `_wire`."""

    name: str
    records: list[Record]
    headers: dict[str, bytes]
    """The frame header of each record that has one, by full name."""
    used: dict[str, set[str]] = field(default_factory=dict)
    """What is imported, by module."""

    def text(self) -> str:
        enums = sorted({enum["name"] for record in self.records for enum in record.enums})
        body = [line for enum in enums for line in self._enum(enum)]
        for record in self.records:
            body += ["", "", *self._write_function(record), "", "", *self._read_function(record)]
        body += ["", "", f"CODECS: {self._use('Codecs')} = {{"]
        body += [self._entry(record) for record in self.records]
        body += ["}", '"""What there is for each record class."""', ""]
        head = [
            f'"""Avro bodies of the records of `foldlog.schemas.{self.name}`.',
            "",
            f"Written by `python -m foldlog.schemas.generate` from avsc/{self.name}/*.avsc:",
            "change those, or the generator, not this.",
            '"""',
            "",
            "from __future__ import annotations",
            "",
            *(["from typing import get_args", ""] if enums else []),
        ]
        for module in sorted(self.used):
            head.append(f"from {module} import {', '.join(sorted(self.used[module]))}")
        return "\n".join([*head, "", *body])

    def _use(self, name: str, module: str = PRIMITIVES) -> str:
        self.used.setdefault(module, set()).add(name)
        return name

    def _class(self, fullname: str) -> str:
        return self._use(short(fullname), f"foldlog.schemas.{module_of(fullname)}")

    def _function(self, function: str, fullname: str) -> str:
        if module_of(fullname) != self.name:
            self._use(function, f"foldlog.schemas._wire.{module_of(fullname)}")
        return function

    def _enum(self, name: str) -> list[str]:
        self._use(name, f"foldlog.schemas.{self.name}")
        self._use("LONG")
        return [
            f"{table(name)}: tuple[{name}, ...] = get_args({name})",
            f"{table(name)}_BYTES = {{symbol: LONG[index] for index, symbol in enumerate({table(name)})}}",
        ]

    def _entry(self, record: Record) -> str:
        name = record.fullname
        parts = [repr(name), repr(self.headers.get(name, b"")), writer(name), reader(name)]
        return f"    {self._class(name)}: ({', '.join(parts)}),"

    # Writing

    def _write_function(self, record: Record) -> list[str]:
        head = f"def {writer(record.fullname)}(record: {self._class(record.fullname)}, out: list[bytes]) -> None:"
        pieces = Pieces()
        for entry in record.fields:
            if entry["name"] in RESERVED:
                raise ValueError(f"{record.fullname}: a field cannot be named {entry['name']}: see RESERVED")
            self._write(pieces, entry["type"], f"record.{entry['name']}", entry["name"])
        return [head, *indented(pieces.flush())]

    def _write(self, pieces: Pieces, typ: Any, value: str, name: str) -> None:
        """Adds what writes `value`; `name` is free for a variable."""
        kind = primitive(typ)
        if is_record(typ):
            pieces.then([f"{self._function(writer(typ), typ)}({value}, out)"])
        elif kind in ("long", "int"):
            pieces.add(f"{self._use(kind.upper())}[{value}]")
        elif kind in ("string", "bytes"):
            pieces.before(f"{name} = {value}{'.encode()' if kind == 'string' else ''}")
            pieces.add(f"{self._use('LONG')}[len({name})]", name)
        elif kind == "boolean":
            pieces.add(f'b"\\1" if {value} else b"\\0"')
        elif kind == "double":
            pieces.add(f"{self._use('write_double')}({value})")
        elif kind == "enum":
            pieces.add(f"{table(typ['name'])}_BYTES[{value}]")
        elif kind == "union":
            self._write_union(pieces, _nullable(typ), value, name)
        elif kind == "array":
            self._write_items(pieces, typ["items"], value, name)
        elif kind == "map":
            self._write_entries(pieces, typ["values"], value, name)
        else:
            raise ValueError(f"{kind} is not supported")

    def _write_union(self, pieces: Pieces, typ: Any, value: str, name: str) -> None:
        inner = Pieces()
        inner.add(r'b"\2"')
        self._write(inner, typ, value, name)
        pieces.then([f"if {value} is None:", r'    out.append(b"\0")', "else:", *indented(inner.flush())])

    def _write_items(self, pieces: Pieces, typ: Any, value: str, name: str) -> None:
        inner = Pieces()
        item = f"{name}_item"
        self._write(inner, _no_container(typ), item, "encoded")
        pieces.then(
            [
                f"if {value}:",
                f"    out.append({self._use('LONG')}[len({value})])",
                f"    for {item} in {value}:",
                *indented(indented(inner.flush())),
            ]
        )
        pieces.add(r'b"\0"')

    def _write_entries(self, pieces: Pieces, typ: Any, value: str, name: str) -> None:
        inner = Pieces()
        inner.before("encoded = key.encode()")
        inner.add("LONG[len(encoded)]", "encoded")
        item = f"{name}_item"
        self._write(inner, _no_container(typ), item, name)
        pieces.then(
            [
                f"if {value}:",
                f"    out.append({self._use('LONG')}[len({value})])",
                f"    for key, {item} in {value}.items():",
                *indented(indented(inner.flush())),
            ]
        )
        pieces.add(r'b"\0"')

    # Reading

    def _read_function(self, record: Record) -> list[str]:
        name = self._class(record.fullname)
        lines = [f"record = object.__new__({name})"]  # the class's __init__ would cost more than all the rest
        for entry in record.fields:
            lines += self._read(entry["type"], f"record.{entry['name']}", entry["name"])
        head = f"def {reader(record.fullname)}(buffer: bytes, at: int) -> tuple[{name}, int]:"
        return [head, *indented([*lines, "return record, at"])]

    def _read(self, typ: Any, target: str, name: str) -> list[str]:
        """What reads the value at `at` into `target` and moves `at` after it; `name` is free for a variable."""
        kind = primitive(typ)
        if is_record(typ):
            return [f"{target}, at = {self._function(reader(typ), typ)}(buffer, at)"]
        if kind in ("long", "int"):
            return [*self._first_byte("number", "NUMBERS", "read_number"), f"{target} = number"]
        if kind in ("string", "bytes"):
            decode = ".decode()" if kind == "string" else ""
            size = self._first_byte("size", "LENGTHS", "read_length")
            return [*size, "end = at + size", f"{target} = buffer[at:end]{decode}", "at = end"]
        if kind == "boolean":
            return [f"{target} = buffer[at] != 0", "at += 1"]
        if kind == "double":
            self._use("DOUBLE_BYTES")
            return [f"({target},) = {self._use('read_double')}(buffer, at)", "at += DOUBLE_BYTES"]
        if kind == "enum":
            size = self._first_byte("size", "LENGTHS", "read_length")
            return [*size, f"{target} = {table(typ['name'])}[size]"]
        if kind == "union":
            inner = ["at += 1", *self._read(_nullable(typ), target, name)]
            test = f"if {self._use('read_branch')}(buffer, at):"
            return [test, *indented(inner), "else:", f"    {target} = None", "    at += 1"]
        if kind == "array":
            return self._read_items(_no_container(typ["items"]), target, name)
        if kind == "map":
            return self._read_entries(_no_container(typ["values"]), target, name)
        raise ValueError(f"{kind} is not supported")

    def _first_byte(self, variable: str, known: str, function: str) -> list[str]:
        return [
            f"{variable} = {self._use(known)}[buffer[at]]",
            "at += 1",
            f"if {variable} is None:",
            f"    {variable}, at = {self._use(function)}(buffer, at)",
        ]

    def _read_items(self, typ: Any, target: str, name: str) -> list[str]:
        return [
            f"{name}: list[{self._hint(typ)}] = []",
            "while buffer[at]:",
            f"    count, at = {self._use('read_count')}(buffer, at)",
            "    for _ in range(count):",
            *indented(indented(self._read_item(typ, f"{name}_item"))),
            f"        {name}.append({name}_item)",
            "at += 1",
            f"{target} = {name}",
        ]

    def _read_entries(self, typ: Any, target: str, name: str) -> list[str]:
        return [
            f"{name}: dict[str, {self._hint(typ)}] = {{}}",
            "while buffer[at]:",
            f"    count, at = {self._use('read_count')}(buffer, at)",
            "    for _ in range(count):",
            f"        key, at = {self._use('read_string')}(buffer, at)",
            *indented(indented(self._read_item(typ, f"{name}_item"))),
            f"        {name}[key] = {name}_item",
            "at += 1",
            f"{target} = {name}",
        ]

    def _read_item(self, typ: Any, item: str) -> list[str]:
        if primitive(typ) in ("string", "bytes"):
            return [f"{item}, at = {self._use(f'read_{primitive(typ)}')}(buffer, at)"]
        return self._read(typ, item, item)

    def _hint(self, typ: Any) -> str:
        if is_record(typ):
            return self._class(typ)
        return {"string": "str", "bytes": "bytes", "long": "int", "int": "int", "double": "float"}[primitive(typ)]


def _nullable(union: list[Any]) -> Any:
    if len(union) != 2 or union[0] != "null":
        raise ValueError(f"a union is of null and one type, not {union}")
    return union[1]


def _no_container(typ: Any) -> Any:
    if primitive(typ) in ("array", "map", "union"):
        raise ValueError(f"an array or map cannot hold {typ}")
    return typ
