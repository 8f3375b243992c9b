"""Whether two stores are equal, key by key."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from foldlog.processors.store import formats
from foldlog.processors.store.kv import KeyValueStore


def dump(kv: KeyValueStore) -> Iterator[tuple[str, bytes, bytes]]:
    """Family, key and value of every row that the log decides, in order: all but the topic's ID."""
    for family in formats.FAMILIES:
        for key, value in kv.scan(family):
            if (family, key) != (formats.META, formats.META_TOPIC):
                yield family, key, value


def digest(kv: KeyValueStore) -> str:
    """A hash of all rows: equal stores have equal ones."""
    total = hashlib.blake2b(digest_size=16)
    for family, key, value in dump(kv):
        total.update(f"{family}:{len(key)}:{len(value)}:".encode())
        total.update(key)
        total.update(value)
    return total.hexdigest()
