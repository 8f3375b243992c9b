"""The lowest key of a queue of keys, known without reading it again and again.

Rows that are taken from the front of a queue leave RocksDB markers that they are gone, until a compaction. A scan from
the front walks over all of them, so it begins where the last one found something instead.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice

from foldlog.processors.store.kv import KeyValueStore

FRONT = 16
"""Keys that are read at once: rows come and go at the front, and each scan costs more than what it reads."""


class QueueCursor:
    """Follows the front of the keys of a family that begin with a prefix."""

    def __init__(self, kv: KeyValueStore, family: str, prefix: bytes = b"") -> None:
        self._kv = kv
        self._family = family
        self._prefix = prefix
        self._from = prefix
        """No key is below."""
        self._front: list[bytes] = []
        """The lowest keys, in order, as far as they are known."""
        self._whole = False
        """Whether these are all keys that there are."""

    def first(self) -> bytes | None:
        """The lowest key; None if there is none."""
        if not self._front and not self._whole:
            self._front = [key for key, _ in islice(self.scan(), FRONT)]
            self._whole = len(self._front) < FRONT
            if self._front:
                self._from = self._front[0]
        return self._front[0] if self._front else None

    def scan(self) -> Iterator[tuple[bytes, bytes]]:
        """The rows from the front on."""
        return self._kv.scan(self._family, self._prefix, self._from)

    def written(self, added: Collection[bytes], removed: Collection[bytes]) -> None:
        """Take note of what was written to the store.

        Args:
            added: The keys that were added.
            removed: The keys that were removed.
        """
        if not added and not removed:
            return
        if added:
            self._from = min(self._from, min(added))
            if self._whole:
                self._front.extend(added)
            elif self._front:
                # What lies behind the last one that is known may have others before it.
                last = self._front[-1]
                self._front.extend(key for key in added if key < last)
        self._front = sorted({key for key in self._front if key not in removed})
        if len(self._front) > FRONT:
            del self._front[FRONT:]
            self._whole = False
        if self._front:
            # Also while the front is known, or scans would walk over all that was removed since it was read.
            self._from = self._front[0]
