"""What a partition's state is kept in: ordered bytes in families, written atomically.

Owns the interface, the batch that is written, and the store that lives in memory. It knows nothing of what the bytes
mean; that is in `formats`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Protocol

from foldlog.processors.store.errors import StoreClosedError
from sortedcontainers import SortedList

SCAN_CHUNK = 100
FIRST_CHUNK = 4
"""Most scans are for a row or two."""
UNSORTED = 1_000
"""Keys that a family may have to put in order, beyond twice those that it has."""


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


class _Rows:
    """One family of a `MemoryStore`. Most keys are never scanned: they are put in order when somebody does."""

    __slots__ = ("_keys", "_unsorted", "values")

    def __init__(self) -> None:
        self.values: dict[bytes, bytes] = {}
        self._keys: SortedList[bytes] = SortedList()
        self._unsorted: set[bytes] = set()
        """Keys that may have come or gone since they were last put in order."""

    def write(self, changes: dict[bytes, bytes | None]) -> None:
        self._unsorted.update(changes)
        values: dict[bytes, Any] = self.values
        values.update(changes)
        if None in changes.values():
            for key, value in changes.items():
                if value is None:
                    del values[key]
        # Keys that come and go would pile up where nobody scans.
        if len(self._unsorted) > 2 * len(values) + UNSORTED:
            self._sort()

    def keys(self, first: bytes, end: bytes | None, *, after: bool, limit: int) -> list[bytes]:
        """Keys in order, from the first one on or after it, and below the end."""
        if self._unsorted:
            self._sort()
        return list(islice(self._keys.irange(first, end, inclusive=(not after, False)), limit))

    def _sort(self) -> None:
        came: list[bytes] = []
        for key in self._unsorted:
            if key not in self.values:
                self._keys.discard(key)
            elif key not in self._keys:
                came.append(key)
        self._keys.update(came)
        self._unsorted.clear()


class MemoryStore:
    """A `KeyValueStore` without a disk, for tests and for environments that run in memory."""

    def __init__(self, families: Iterable[str]) -> None:
        self._families: dict[str, _Rows] | None = {family: _Rows() for family in families}

    def get(self, family: str, key: bytes) -> bytes | None:
        """See `KeyValueStore.get`."""
        return self._open()[family].values.get(key)

    def scan(self, family: str, prefix: bytes = b"", start: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """See `KeyValueStore.scan`."""
        return self._scan(self._open()[family], max(prefix, start), end_of(prefix))

    def write(self, batch: WriteBatch) -> None:
        """See `KeyValueStore.write`."""
        families = self._open()
        for family, changes in batch.families.items():
            if changes:
                families[family].write(changes)

    def close(self) -> None:
        """See `KeyValueStore.close`. What was in it is gone."""
        self._families = None

    def _open(self) -> dict[str, _Rows]:
        if self._families is None:
            raise StoreClosedError("the store is closed")
        return self._families

    def _scan(self, rows: _Rows, start: bytes, end: bytes | None) -> Iterator[tuple[bytes, bytes]]:
        # In chunks: the keys must not change under an iterator, and a scan may stop long before the end.
        keys = rows.keys(start, end, after=False, limit=FIRST_CHUNK)
        while keys:
            for key in keys:
                self._open()
                value = rows.values.get(key)
                if value is not None:
                    yield key, value
            self._open()
            keys = rows.keys(keys[-1], end, after=True, limit=SCAN_CHUNK)
