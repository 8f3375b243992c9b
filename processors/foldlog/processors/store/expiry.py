"""What the store drops some time after it came: answers to requests, and closed runs.

What is dropped follows from the log alone: each BatchCommitted drops what is due by its time, oldest first, up to a
budget of rows, so that no transaction pays for a week in which nobody ran.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from foldlog.processors.store import formats
from foldlog.processors.store.cursor import QueueCursor
from foldlog.processors.store.formats import ExpiryKind
from foldlog.processors.store.kv import KeyValueStore, WriteBatch

EXPIRY_BUDGET = 20_000
"""Rows that one BatchCommitted drops. The last run that it takes goes whole."""


class Expiry:
    """Drops rows of one store."""

    def __init__(self, kv: KeyValueStore, retention_ms: Mapping[ExpiryKind, int], budget: int = EXPIRY_BUDGET) -> None:
        """Make one.

        Args:
            kv: The store.
            retention_ms: How long each kind of row is kept, in milliseconds.
            budget: Rows to drop at a time.
        """
        self._kv = kv
        self._retention_ms = retention_ms
        self._budget = budget
        self._cursors = {kind: QueueCursor(kv, formats.EXPIRY, formats.expiry_prefix(kind)) for kind in retention_ms}
        self._first_ms: int | None = None
        """When the first row of the store is due, in Unix milliseconds; None: to be looked up."""

    def is_due(self, log_time_ms: int, oldest_ms: Mapping[ExpiryKind, int]) -> bool:
        """Whether anything is to be dropped at a time of the log.

        Args:
            log_time_ms: The time, in Unix milliseconds.
            oldest_ms: Since when the oldest rows wait that are not in the store yet.
        """
        if self._first_ms is None:
            self._first_ms = self._look_up()
        if self._first_ms <= log_time_ms:
            return True
        return any(since_ms + self._retention_ms[kind] <= log_time_ms for kind, since_ms in oldest_ms.items())

    def _look_up(self) -> int:
        first_ms = formats.LAST_MS
        for kind, cursor in self._cursors.items():
            first = cursor.first()
            if first is not None:
                first_ms = min(first_ms, formats.since_ms_of(first) + self._retention_ms[kind])
        return first_ms

    def drop(self, log_time_ms: int, rows: WriteBatch) -> int:
        """Add to a batch what drops the rows that are due, in the store and in the batch itself.

        Returns:
            How many runs are dropped.
        """
        left, runs = self._budget, 0
        for kind in self._cursors:
            for key in self._due(kind, log_time_ms, rows):
                if left <= 0:
                    return runs
                left -= 1
                rows.delete(formats.EXPIRY, key)
                what = formats.expired_key(key)
                if kind is ExpiryKind.REQUEST:
                    rows.delete(formats.REQUESTS, what)
                    left -= 1
                else:
                    left -= self._drop_run(what, rows)
                    runs += 1
        return runs

    def written(self, rows: WriteBatch) -> None:
        """Take note of a batch that was written."""
        changes = rows.families[formats.EXPIRY]
        if not changes:
            return
        self._first_ms = None
        removed = {key for key, value in changes.items() if value is None}
        for kind, cursor in self._cursors.items():
            cursor.written([key for key, value in changes.items() if key[0] == kind and value is not None], removed)

    def _due(self, kind: ExpiryKind, log_time_ms: int, rows: WriteBatch) -> Iterator[bytes]:
        """Keys of rows that are due, oldest first: those of the store, and among them those of the batch."""
        last_ms = log_time_ms - self._retention_ms[kind]
        own = sorted(
            key
            for key, value in rows.families[formats.EXPIRY].items()
            if value is not None and key[0] == kind and formats.since_ms_of(key) <= last_ms
        )
        own.reverse()
        if self._cursors[kind].first() is not None:
            for key, _ in self._cursors[kind].scan():
                if formats.since_ms_of(key) > last_ms:
                    break
                while own and own[-1] < key:
                    yield own.pop()
                if own and own[-1] == key:
                    own.pop()
                yield key
        while own:
            yield own.pop()

    def _drop_run(self, run: bytes, rows: WriteBatch) -> int:
        """Delete a closed run: history, head, and the pointer to it if it is still the current one."""
        head_value = _read(self._kv, rows, formats.RUNS, run)
        if head_value is None:
            return 0
        last_event_id = formats.unpack_head(head_value).last_event_id
        for event_id in range(1, last_event_id + 1):
            rows.delete(formats.HISTORY, run + formats.NUMBER.pack(event_id))
        rows.delete(formats.RUNS, run)
        workflow, run_id = formats.split_run_key(run)
        if _read(self._kv, rows, formats.WORKFLOWS, workflow) == run_id:
            rows.delete(formats.WORKFLOWS, workflow)
        return last_event_id + 2


def _read(kv: KeyValueStore, rows: WriteBatch, family: str, key: bytes) -> bytes | None:
    """A row as it will be once the batch is written."""
    changes = rows.families[family]
    return changes[key] if key in changes else kv.get(family, key)
