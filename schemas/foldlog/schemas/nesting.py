"""How deep records are within each other in an Avro body: looked at before fastavro reads it, and once it is written.

fastavro calls itself for each record within a record, in C, and knows no bound. A failure may have a cause, and that
one too: a record of 100 kB with 5,000 of them overflows the stack, which ends the process, and any program can write
one. What nobody could read must not get into the log: its partition could not be opened again. Knows bodies and
schemas, no framing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

MOST_NESTED = 500
"""So deep a record may be. What people's code raises is far from it."""
SHALLOW_BYTES = 20 * MOST_NESTED
"""What is not longer needs no look: a failure has at least 20 bytes."""


class TooDeepError(ValueError):
    """A body has records within each other that nobody can read."""


class Nesting:
    """Looks at bodies of one schema."""

    def __init__(self, schema: Any, *, shallow_bytes: int = SHALLOW_BYTES, passed_over: int = 0) -> None:
        """Make an object.

        Args:
            schema: Of a record, as fastavro has parsed it.
            shallow_bytes: A frame of no more bytes can be read.
            passed_over: So many of its first fields are not looked at: bodies begin behind them.
        """
        self._shallow_bytes = shallow_bytes
        self._named: dict[str, Any] = {}
        self._fields: dict[str, list[Any]] = {}
        """Schemas of the fields of each record."""
        self.is_bounded = not self._contains_itself(schema, ())
        """Whether the schema says how deep a body can be: then none needs a look."""
        self._looked_at = self._fields[schema["name"]][passed_over:]

    def _contains_itself(self, schema: Any, within: tuple[str, ...]) -> bool:
        """Note down what has a name, and see whether a record is in itself."""
        if isinstance(schema, str):
            return schema in within
        if isinstance(schema, list):
            return any([self._contains_itself(part, within) for part in schema])
        name = schema.get("name")
        if name is not None:
            self._named[name] = schema
            within = (*within, name)
        fields = [field["type"] for field in schema.get("fields", ())]
        if name is not None:
            self._fields[name] = fields
        parts = [*fields, *(schema[key] for key in ("items", "values") if key in schema)]
        if not isinstance(schema["type"], str):
            parts.append(schema["type"])
        return any([self._contains_itself(part, within) for part in parts])

    def check(self, data: bytes, start: int) -> None:
        """Make sure that a body can be read.

        Args:
            data: Its frame.
            start: Where the body begins.

        Raises:
            TooDeepError: It cannot.
            IndexError: It ends too early, or a number in it is out of range. fastavro may read it all the same, such as
                a number of more bytes than one can have, and then goes where nobody has looked.
        """
        if self.is_bounded or len(data) <= self._shallow_bytes:
            return
        cursor = _Cursor(data, start)
        opened: list[Iterator[Any]] = [iter(self._looked_at)]
        while opened:
            # The record itself is one more.
            if len(opened) >= MOST_NESTED:
                raise TooDeepError(f"there are more than {MOST_NESTED} records within each other")
            for schema in opened[-1]:
                parts = self._parts(schema, cursor)
                if parts is not None:
                    opened.append(parts)
                    break
            else:
                opened.pop()

    def _parts(self, schema: Any, cursor: _Cursor) -> Iterator[Any] | None:
        """The schemas of what comes next within a value; None: there is nothing in it, and the value is passed over."""
        if isinstance(schema, list):
            schema = schema[cursor.number()]
        if isinstance(schema, str):
            schema = self._named.get(schema, schema)
        kind = schema if isinstance(schema, str) else schema["type"]
        if not isinstance(kind, str):
            return iter((kind,))
        if kind in ("record", "error"):
            return iter(self._fields[schema["name"]])
        if kind == "array":
            return cursor.blocks((schema["items"],))
        if kind == "map":
            return cursor.blocks(("string", schema["values"]))
        if kind in ("string", "bytes"):
            cursor.skip(cursor.number())
        elif kind in ("int", "long", "enum"):
            cursor.number()
        else:
            cursor.skip(schema["size"] if kind == "fixed" else _SIZES[kind])
        return None


_SIZES = {"null": 0, "boolean": 1, "float": 4, "double": 8}


class _Cursor:
    """A place in a body. What is not there is an IndexError."""

    def __init__(self, body: bytes, position: int) -> None:
        self._body = body
        self._position = position

    def skip(self, size: int) -> None:
        if not 0 <= size <= len(self._body) - self._position:
            raise IndexError
        self._position += size

    def number(self) -> int:
        byte = self._body[self._position]
        self._position += 1
        if byte < 0x80:  # as nearly always
            return (byte >> 1) ^ -(byte & 1)
        found, shift = byte & 0x7F, 7
        while shift < 70:
            byte = self._body[self._position]
            self._position += 1
            found |= (byte & 0x7F) << shift
            if byte < 0x80:
                return (found >> 1) ^ -(found & 1)
            shift += 7
        raise IndexError

    def blocks(self, parts: Sequence[Any]) -> Iterator[Any]:
        """The parts of each item of an array or a map."""
        while count := self.number():
            if count < 0:
                count = -count
                self.number()  # how many bytes they have
            if count > len(self._body):
                raise IndexError
            for _ in range(count):
                yield from parts
