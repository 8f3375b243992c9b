"""Topics in memory: partitions are lists of records, and whoever reads is called."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from foldlog.transport.topics import partition_of


class MemoryRecord:
    """One record, with the methods that a Kafka client's messages have."""

    __slots__ = ("_headers", "_key", "_offset", "_value")

    def __init__(
        self, offset: int, key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, Any]] | None
    ) -> None:
        self._offset = offset
        self._key = key
        self._value = value
        self._headers = headers

    def key(self) -> bytes | None:
        """Its key."""
        return self._key

    def value(self) -> bytes | None:
        """Its value."""
        return self._value

    def headers(self) -> Sequence[tuple[str, Any]] | None:
        """Its headers."""
        return self._headers

    def offset(self) -> int:
        """Its place in the partition."""
        return self._offset


class MemoryPartition:
    """The records of one partition; the oldest may be dropped."""

    __slots__ = ("_begin", "_records")

    def __init__(self) -> None:
        self._begin = 0
        self._records: list[MemoryRecord] = []

    @property
    def end(self) -> int:
        """The offset of the next record."""
        return self._begin + len(self._records)

    def add(self, key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, Any]] | None) -> MemoryRecord:
        """Append a record."""
        record = MemoryRecord(self._begin + len(self._records), key, value, headers)
        self._records.append(record)
        return record

    def read(self, offset: int, limit: int | None = None) -> list[MemoryRecord]:
        """The records from an offset on, those that were dropped excepted."""
        first = max(offset - self._begin, 0)
        return self._records[first : None if limit is None else first + limit]

    def drop(self, offset: int) -> None:
        """Drop the records below an offset."""
        count = min(offset - self._begin, len(self._records))
        if count > 0:
            del self._records[:count]
            self._begin += count


class MemoryTopic:
    """A topic.

    Args:
        name: Its name.
        partitions: How many it has.
        added: Is called with the partition and each new record, at once.
        keeps: Whether records stay; otherwise they are only passed on.
    """

    __slots__ = ("added", "keeps", "name", "partitions")

    def __init__(
        self,
        name: str,
        partitions: int,
        added: Callable[[int, MemoryRecord], None] | None = None,
        *,
        keeps: bool = True,
    ) -> None:
        self.name = name
        self.partitions = [MemoryPartition() for _ in range(partitions)]
        self.added = added
        self.keeps = keeps

    def add(
        self,
        value: bytes | None,
        key: bytes | None,
        partition: int = -1,
        headers: Sequence[tuple[str, Any]] | None = None,
    ) -> MemoryRecord:
        """Append a record; a partition of -1 is chosen by the key."""
        count = len(self.partitions)
        if partition < 0:
            partition = 0 if count == 1 or key is None else partition_of(key.decode(), count)
        where = self.partitions[partition]
        record = where.add(key, value, headers)
        if not self.keeps:
            where.drop(where.end)
        if self.added is not None:
            self.added(partition, record)
        return record
