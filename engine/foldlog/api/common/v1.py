"""Payloads as Temporal's SDK shows them: the encoding is one of the metadata, and they can be written as protobuf.

A payload of the log (`foldlog.schemas.common.Payload`) has its encoding in a field of its own. Converters and codecs
that people wrote for Temporal's SDK make and read the other shape; it is given to them, and what they return is taken
in either. The bytes of `SerializeToString` are those of Temporal's message `temporal.api.common.v1.Payload`, so codec
servers and programs in other languages read what a codec wrote.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Self

from foldlog.api.common._protobuf import fields_of, length_delimited
from foldlog.schemas import common as records
from foldlog.schemas.names import show_payloads

__all__ = ["Payload", "Payloads", "plain", "shown"]


class Payload(records.Payload, kw_only=True):
    """One value as bytes, with metadata that say how it is encoded.

    Args:
        metadata: What is to be known of it, `encoding` among it; a mapping or None.
        data: The encoded value.
        encoding: The encoding, if it is not among the metadata; afterwards what they say.
    """

    encoding: str = ""

    def __post_init__(self) -> None:
        given = _encoding_field.__get__(self)
        self.metadata = dict(self.metadata or ())
        if given:
            self.metadata["encoding"] = given.encode()
            _encoding_field.__set__(self, "")

    def __repr__(self) -> str:
        return f"Payload(metadata={self.metadata!r}, data={self.data!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, records.Payload):
            return NotImplemented
        theirs = shown(other)
        return self.data == theirs.data and self.metadata == theirs.metadata

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # type: ignore[assignment]  # as that of the record

    def __reduce__(self) -> Any:
        return _rebuilt, (self.metadata, self.data)

    def __copy__(self) -> Payload:
        return Payload(metadata=self.metadata, data=self.data)

    def __deepcopy__(self, memo: Any = None) -> Payload:
        return Payload(metadata=self.metadata, data=self.data)

    # The names are those of protobuf's messages.

    def SerializeToString(self, *, deterministic: bool = True) -> bytes:
        """As a protobuf message; always the same bytes for equal payloads."""
        return b"".join(_written(self))

    @classmethod
    def FromString(cls, serialized: bytes) -> Self:
        """Read what `SerializeToString` wrote.

        Raises:
            ValueError: It is no such message.
        """
        read = cls()
        read.ParseFromString(serialized)
        return read

    def ParseFromString(self, serialized: bytes) -> int:
        """Become what `SerializeToString` wrote; how many bytes that were.

        Raises:
            ValueError: It is no such message.
        """
        metadata: dict[str, bytes] = {}
        data = b""
        for number, value in fields_of(serialized):
            if number == 1:
                entry = dict(fields_of(value))
                metadata[entry.get(1, b"").decode()] = entry.get(2, b"")
            elif number == 2:
                data = value
        self.metadata, self.data = metadata, data
        return len(serialized)

    def CopyFrom(self, other: records.Payload) -> None:
        """Become what another one is."""
        theirs = shown(other)
        self.metadata, self.data = dict(theirs.metadata), theirs.data


class Payloads:
    """Several payloads."""

    __slots__ = ("payloads",)

    def __init__(self, *, payloads: Iterable[records.Payload] = ()) -> None:
        """Make a list of payloads."""
        self.payloads: list[Payload] = [shown(payload) for payload in payloads]

    def __eq__(self, other: object) -> bool:
        return self.payloads == other.payloads if isinstance(other, Payloads) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # it can be changed

    def __repr__(self) -> str:
        return f"Payloads(payloads={self.payloads!r})"

    def SerializeToString(self, *, deterministic: bool = True) -> bytes:
        """As a protobuf message."""
        return b"".join(length_delimited(1, payload.SerializeToString()) for payload in self.payloads)

    @classmethod
    def FromString(cls, serialized: bytes) -> Self:
        """Read what `SerializeToString` wrote.

        Raises:
            ValueError: It is no such message.
        """
        read = cls()
        read.ParseFromString(serialized)
        return read

    def ParseFromString(self, serialized: bytes) -> int:
        """Become what `SerializeToString` wrote; how many bytes that were.

        Raises:
            ValueError: It is no such message.
        """
        self.payloads = [Payload.FromString(value) for number, value in fields_of(serialized) if number == 1]
        return len(serialized)


def shown(payload: records.Payload) -> Payload:
    """A payload as converters and codecs of Temporal's SDK expect it."""
    if isinstance(payload, Payload):
        return payload
    # A codec need not name an encoding, and then finds none on its way back.
    known = {"encoding": payload.encoding.encode(), **payload.metadata} if payload.encoding else payload.metadata
    return Payload(metadata=known, data=payload.data)


def plain(payload: records.Payload) -> records.Payload:
    """A payload as it is in the log.

    One of the log's own class may have got another encoding in Temporal's way: among the metadata.
    """
    if not isinstance(payload, Payload):
        if "encoding" not in payload.metadata:
            return payload
        payload = shown(payload)
    metadata = {name: value for name, value in payload.metadata.items() if name != "encoding"}
    return records.Payload(encoding=payload.encoding, data=payload.data, metadata=metadata)


def _encoding(payload: Payload) -> str:
    return payload.metadata.get("encoding", b"").decode(errors="replace")


def _set_encoding(payload: Payload, encoding: str) -> None:
    payload.metadata["encoding"] = encoding.encode()


# Only the constructor takes it as a field. From then on it is one of the metadata, and may be changed there.
_encoding_field: Any = Payload.encoding
Payload.encoding = property(_encoding, _set_encoding)  # type: ignore[assignment]


def _rebuilt(metadata: dict[str, bytes], data: bytes) -> Payload:
    return Payload(metadata=metadata, data=data)


def _written(payload: Payload) -> Iterator[bytes]:
    for name, value in sorted(payload.metadata.items()):
        yield length_delimited(1, length_delimited(1, name.encode()) + length_delimited(2, value))
    if payload.data:
        yield length_delimited(2, payload.data)


show_payloads(shown)
