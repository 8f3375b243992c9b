"""Restore: the records of one partition of `<ns>.events`, folded into its store.

The barrier is a record: a processor that opens a partition writes a PartitionOpened with an epoch of its own, and what
it reads until that record comes back is all that any owner before it has committed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from foldlog.core import fold
from foldlog.core.state import Run
from foldlog.processors.store.errors import RestoreError
from foldlog.processors.store.partition import PartitionStore
from foldlog.schemas import log
from foldlog.schemas.codec import Codec
from foldlog.schemas.event import WorkflowExecutionStarted
from foldlog.schemas.framing import DecodeError

MIB = 1 << 20


class Restorer:
    """Folds consumed records into a store until the barrier."""

    def __init__(
        self,
        store: PartitionStore,
        codec: Codec,
        *,
        epoch: str,
        cached_runs: int = 20_000,
        batch_records: int = 10_000,
        batch_bytes: int = 4 * MIB,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        """Begin where the store ends: feed the records from `store.position.events_offset` on.

        Args:
            store: The store to bring up to date.
            codec: Reads the records.
            epoch: The epoch of the PartitionOpened to stop at; empty to go on for ever, as a standby does.
            cached_runs: Open runs to keep in memory between batches; others are loaded from the store again.
            batch_records: Write after so many records.
            batch_bytes: Write after so many bytes of records.
            progress: Called after each write with the number of records so far and the offset to read next.
        """
        self._store = store
        self._codec = codec
        self._epoch = epoch
        self._cached_runs = cached_runs
        self._batch_records = batch_records
        self._batch_bytes = batch_bytes
        self._progress = progress
        self._runs: dict[tuple[str, str], Run] = {}
        self._batch = store.stage()
        self._next_offset = store.position.events_offset
        self.records = 0
        """Records fed so far."""
        self.done = False
        """The barrier was reached."""

    def feed(self, key: bytes | None, value: bytes | None, offset: int) -> bool:
        """Take in the next record.

        Returns:
            True once the barrier is reached. All is written then, and nothing more must be fed.

        Raises:
            RestoreError: The record cannot be read, or does not follow from those before.
            StoreError: The store cannot be written.
        """
        encoded = value or b""
        try:
            record = self._codec.decode(value)
            workflow_id = key.decode() if key else ""
            run = self._fold(workflow_id, record, encoded)
        except (DecodeError, UnicodeDecodeError, KeyError, fold.BrokenHistoryError) as error:
            raise RestoreError(offset, f"{type(error).__name__}: {error}") from error
        batch = self._batch
        batch.add(workflow_id, record, encoded, run)
        self.records += 1
        self._next_offset = offset + 1
        if type(record) is log.PartitionOpened:
            self.done = record.epoch == self._epoch != ""
        if self.done or batch.full or batch.records >= self._batch_records or batch.bytes >= self._batch_bytes:
            self.flush()
        return self.done

    def flush(self) -> None:
        """Write what was fed so far."""
        batch = self._batch
        if batch.records:
            self._store.commit(batch, self._next_offset)
            self._batch = self._store.stage()
            if self._progress is not None:
                self._progress(self.records, self._next_offset)
        self._forget(list(batch.runs))

    def _fold(self, workflow_id: str, record: Any, encoded: bytes) -> Run | None:
        kind = type(record)
        if kind in _NOT_OF_A_RUN:
            return None
        run_id: str = record.run_id
        if kind is WorkflowExecutionStarted:
            run = fold.begin(workflow_id, record, encoded)
            self._runs[workflow_id, run_id] = run
            return run
        run_or_none = self._runs.get((workflow_id, run_id))
        if run_or_none is None:
            run_or_none = self._runs[workflow_id, run_id] = self._store.load_run(workflow_id, run_id)
        fold.apply(run_or_none, record, encoded)
        return run_or_none

    def _forget(self, touched: list[tuple[str, str]]) -> None:
        """Keep the runs that were touched last. Only between batches: a batch reads its runs when it is sealed, and
        the store does not have them before."""
        runs = self._runs
        for key in touched:
            run = runs.pop(key, None)
            if run is not None and run.is_open:
                runs[key] = run
        if len(runs) > self._cached_runs:
            for key in list(runs)[: len(runs) - self._cached_runs]:
                del runs[key]


_NOT_OF_A_RUN = (log.BatchCommitted, log.PartitionOpened, log.RequestRejected)
