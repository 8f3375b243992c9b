"""The lowest key of a queue of keys, known without reading it again and again.

Rows that are taken from the front of a queue leave RocksDB markers that they are gone, until a compaction. A scan from
the front walks over all of them, so it begins where the last one found something instead.
"""

from __future__ import annotations

from collections.abc import Container, Iterator

from foldlog.processors.store.kv import KeyValueStore


class QueueCursor:
    """Follows the front of the keys of a family that begin with a prefix."""

    def __init__(self, kv: KeyValueStore, family: str, prefix: bytes = b"") -> None:
        self._kv = kv
        self._family = family
        self._prefix = prefix
        self._from = prefix
        """No key is below."""
        self._first: bytes | None = None
        self._known = False

    def first(self) -> bytes | None:
        """The lowest key; None if there is none."""
        if not self._known:
            self._first = next((key for key, _ in self.scan()), None)
            self._known = True
            if self._first is not None:
                self._from = self._first
        return self._first

    def scan(self) -> Iterator[tuple[bytes, bytes]]:
        """The rows from the front on."""
        return self._kv.scan(self._family, self._prefix, self._from)

    def written(self, lowest: bytes | None, removed: Container[bytes]) -> None:
        """Take note of what was written to the store.

        Args:
            lowest: The lowest key that was added; None if there was none.
            removed: The keys that were removed.
        """
        if lowest is not None:
            if self._known and (self._first is None or lowest < self._first):
                self._first = self._from = lowest
            elif lowest < self._from:
                self._from = lowest
        if self._known and self._first is not None and self._first in removed:
            self._known = False
