"""The primitive types of the Avro encoding (Avro 1.11 specification, "Binary Encoding").

Knows bytes and numbers, no records. The tables answer for the values that are common in records, small numbers and
the lengths of short strings; the functions answer for the rest. Nothing here may be given a length that leads
backwards or a number without end: frames come from anybody.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import lru_cache
from typing import Any

Write = Callable[[Any, list[bytes]], None]
"""Appends the body of a record to a list of pieces."""
Read = Callable[[bytes, int], tuple[Any, int]]
"""The record whose body begins at the position, and the position after it."""
Codecs = dict[type, tuple[str, bytes, Write, Read]]
"""Record class to its full Avro name, frame header (empty: never framed), writer and reader."""

_LONG_BITS = 64
_INT_END = 1 << 31
_LONG_END = 1 << 63


class WireError(ValueError):
    """Bytes that cannot be what the schema says they are, or a number that the schema has no room for."""


@lru_cache(maxsize=4096)  # times of one batch are equal, and so are many timeouts
def _long(number: int) -> bytes:
    if not -_LONG_END <= number < _LONG_END:
        raise WireError(f"{number} has more than 64 bits")
    rest = (number << 1) ^ (number >> 63)
    encoded = bytearray()
    while rest > 0x7F:
        encoded.append(rest & 0x7F | 0x80)
        rest >>= 7
    encoded.append(rest)
    return bytes(encoded)


def _int(number: int) -> bytes:
    if not -_INT_END <= number < _INT_END:
        raise WireError(f"{number} has more than 32 bits")
    return _long(number)


class _Varints(dict[int, bytes]):
    """A number to its bytes. Holds the small ones; works the others out and forgets them."""

    def __init__(self, encode: Callable[[int], bytes]) -> None:
        super().__init__((number, encode(number)) for number in range(-64, 2048))
        self._encode = encode

    def __missing__(self, number: int) -> bytes:
        return self._encode(number)


LONG = _Varints(_long)
"""A long, or a length, to its bytes."""
INT = _Varints(_int)
"""An int to its bytes: one of 32 bits, as other languages have it."""
NUMBERS: tuple[int | None, ...] = tuple((byte >> 1) ^ -(byte & 1) if byte < 0x80 else None for byte in range(256))
"""The first byte of a number to that number; None: more bytes follow."""
LENGTHS: tuple[int | None, ...] = tuple(None if byte & 0x81 else byte >> 1 for byte in range(256))
"""The first byte of a length to that length; None: more bytes follow, or it is negative."""

write_double = struct.Struct("<d").pack
read_double = struct.Struct("<d").unpack_from
DOUBLE_BYTES = 8


def read_number(buffer: bytes, at: int) -> tuple[int, int]:
    """The number whose first byte is just before `at`, and the position after it."""
    second = buffer[at]
    if second < 0x80:
        number = buffer[at - 1] & 0x7F | second << 7
        return (number >> 1) ^ -(number & 1), at + 1
    third = buffer[at + 1]
    if third < 0x80:
        number = buffer[at - 1] & 0x7F | (second & 0x7F) << 7 | third << 14
        return (number >> 1) ^ -(number & 1), at + 2
    time = _six_bytes(buffer[at - 1 : at + 5])
    if time is not None:
        return time, at + 5
    return _read_long(buffer, at - 1)


@lru_cache(maxsize=4096)
def _six_bytes(encoded: bytes) -> int | None:
    """The number that has just these bytes: a Unix time in ms of our days, of which each batch has many of a few."""
    try:
        number, end = _read_long(encoded, 0)
    except IndexError:
        return None
    return number if end == 6 else None


def _read_long(buffer: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    byte = 0x80
    while byte > 0x7F:
        if shift >= _LONG_BITS:
            raise WireError("a number of more than 64 bits")
        byte = buffer[at]
        number |= (byte & 0x7F) << shift
        shift += 7
        at += 1
    if number >> _LONG_BITS:
        raise WireError("a number of more than 64 bits")
    return (number >> 1) ^ -(number & 1), at


def read_length(buffer: bytes, at: int) -> tuple[int, int]:
    """The length whose first byte is just before `at`, and the position after it."""
    length, at = read_number(buffer, at) if buffer[at - 1] > 0x7F else (-1, at)
    if length < 0:
        raise WireError("a negative length")
    return length, at


def read_count(buffer: bytes, at: int) -> tuple[int, int]:
    """How many items the block of an array or map has that begins at `at`, and where they begin."""
    count = NUMBERS[buffer[at]]
    at += 1
    if count is None:
        count, at = read_number(buffer, at)
    if count < 0:  # the block's size in bytes follows, for readers that skip it
        _, at = read_number(buffer, at + 1) if buffer[at] > 0x7F else (0, at + 1)
        count = -count
    if count == 0:
        raise WireError("a block of no items")
    return count, at


def read_string(buffer: bytes, at: int) -> tuple[str, int]:
    """The string that begins at `at`, and the position after it."""
    data, at = read_bytes(buffer, at)
    return data.decode(), at


def read_bytes(buffer: bytes, at: int) -> tuple[bytes, int]:
    """The bytes that begin at `at`, and the position after them. Too few are noticed at the end of the record."""
    length = LENGTHS[buffer[at]]
    at += 1
    if length is None:
        length, at = read_length(buffer, at)
    return buffer[at : at + length], at + length


def read_branch(buffer: bytes, at: int) -> bool:
    """Whether the union of null and something else that begins at `at` is something else."""
    branch = buffer[at]
    if branch == 0:
        return False
    if branch == 2:
        return True
    raise WireError(f"a union of two has no branch {branch}")
