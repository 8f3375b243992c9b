"""What a partition's state is kept in: ordered bytes in families, written atomically.

Owns the interface, the batch that is written, and the store that lives in memory. It knows nothing of what the bytes
mean; that is in `formats`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Protocol

from foldlog.processors.store.errors import StoreClosedError
from sortedcontainers import SortedDict

SCAN_CHUNK = 100
FIRST_CHUNK = 4
"""Most scans are for a row or two."""


class WriteBatch:
    """Changes that are written together. The last one to a key counts."""

    __slots__ = ("families",)

    def __init__(self, families: Iterable[str]) -> None:
        self.families: dict[str, dict[bytes, bytes | None]] = {family: {} for family in families}
        """Per family, the new value of each key; None deletes it."""

    def __len__(self) -> int:
        return sum(map(len, self.families.values()))

    def put(self, family: str, key: bytes, value: bytes) -> None:
        """Set a key."""
        self.families[family][key] = value

    def delete(self, family: str, key: bytes) -> None:
        """Remove a key, whether it is there or not."""
        self.families[family][key] = None


class KeyValueStore(Protocol):
    """An ordered store of bytes. Used by one thread at a time, except for `close`."""

    def get(self, family: str, key: bytes) -> bytes | None:
        """The value of a key; None if it is not there.

        Raises:
            StoreClosedError: The store is closed.
            StoreCorruptedError, StoreError: It cannot be read.
        """

    def scan(self, family: str, prefix: bytes = b"", start: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """Keys and values in order of the keys' bytes.

        What is written while a scan is under way may be in it or not.

        Args:
            family: Where.
            prefix: What the keys begin with.
            start: The first key of interest, if that is above the prefix.

        Raises:
            StoreClosedError: The store is closed, or was closed before the scan ended.
        """

    def write(self, batch: WriteBatch) -> None:
        """Write all of a batch or nothing. It survives the end of this process, not that of the machine.

        Raises:
            StoreClosedError: The store is closed.
            StoreError: It was not written; the store may refuse all further writes.
        """

    def close(self) -> None:
        """Let go of all files and locks. Scans that are under way end with an error. Once closed, does nothing."""


def end_of(prefix: bytes) -> bytes | None:
    """The first key above all that begin with `prefix`; None if there is none."""
    stripped = prefix.rstrip(b"\xff")
    return stripped[:-1] + bytes((stripped[-1] + 1,)) if stripped else None


class MemoryStore:
    """A `KeyValueStore` without a disk, for tests and for environments that run in memory."""

    def __init__(self, families: Iterable[str]) -> None:
        self._families: dict[str, SortedDict[bytes, bytes]] | None = {family: SortedDict() for family in families}

    def get(self, family: str, key: bytes) -> bytes | None:
        """See `KeyValueStore.get`."""
        return self._open()[family].get(key)

    def scan(self, family: str, prefix: bytes = b"", start: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """See `KeyValueStore.scan`."""
        return self._rows(self._open()[family], max(prefix, start), end_of(prefix))

    def write(self, batch: WriteBatch) -> None:
        """See `KeyValueStore.write`."""
        families = self._open()
        for family, changes in batch.families.items():
            rows = families[family]
            for key, value in changes.items():
                if value is None:
                    rows.pop(key, None)
                else:
                    rows[key] = value

    def close(self) -> None:
        """See `KeyValueStore.close`. What was in it is gone."""
        self._families = None

    def _open(self) -> dict[str, SortedDict[bytes, bytes]]:
        if self._families is None:
            raise StoreClosedError("the store is closed")
        return self._families

    def _rows(self, rows: SortedDict[bytes, bytes], start: bytes, end: bytes | None) -> Iterator[tuple[bytes, bytes]]:
        # In chunks: a SortedDict must not change under its iterator, and a scan may stop long before the end.
        keys = list(islice(rows.irange(start, end, inclusive=(True, False)), FIRST_CHUNK))
        while keys:
            for key in keys:
                self._open()
                value = rows.get(key)
                if value is not None:
                    yield key, value
            self._open()
            keys = list(islice(rows.irange(keys[-1], end, inclusive=(False, False)), SCAN_CHUNK))
