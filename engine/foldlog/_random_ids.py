"""IDs of 128 random bits, as 32 hexadecimal digits: of requests and of runs. A UUID would say no more.

Owns a stock of random bytes from the operating system. To ask for 16 bytes each time costs a system call, and the
interpreter's lock goes to another thread meanwhile; a stock is filled for hundreds of IDs at once.
"""

from __future__ import annotations

import os

_STOCK = 256
_ID_BYTES = 16
_ready: list[str] = []


def random_id() -> str:
    """A new ID. May be called on any thread."""
    try:
        return _ready.pop()
    except IndexError:
        fresh = os.urandom(_STOCK * _ID_BYTES).hex()
        digits = 2 * _ID_BYTES
        _ready.extend(fresh[at : at + digits] for at in range(digits, len(fresh), digits))
        return fresh[:digits]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_ready.clear)  # The parent gives out the same ones.
