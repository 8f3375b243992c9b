"""As much of protobuf's wire format as a payload needs, so that protobuf need not be installed."""

from __future__ import annotations

from collections.abc import Iterator

_LENGTH_DELIMITED = 2


def length_delimited(number: int, value: bytes) -> bytes:
    """A field of bytes, text or a message."""
    return _varint(number << 3 | _LENGTH_DELIMITED) + _varint(len(value)) + value


def fields_of(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Number and bytes of each field of bytes, text or a message; fields of other kinds are passed over.

    Raises:
        ValueError: It is no protobuf message.
    """
    position = 0
    while position < len(data):
        key, position = _read_varint(data, position)
        kind = key & 7
        if kind == 0:
            _, position = _read_varint(data, position)
            continue
        if kind == _LENGTH_DELIMITED:
            length, position = _read_varint(data, position)
        elif kind in (1, 5):
            length = 8 if kind == 1 else 4
        else:
            raise ValueError(f"no protobuf message: a field of kind {kind}")
        if position + length > len(data):
            raise ValueError("no protobuf message: it ends within a field")
        if kind == _LENGTH_DELIMITED:
            yield key >> 3, data[position : position + length]
        position += length


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _read_varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while position < len(data) and shift < 64:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
    raise ValueError("no protobuf message: it ends within a number")
