"""Restore: the records of one partition of `<ns>.events`, folded into its store.

The barrier is a record: a processor that opens a partition writes a PartitionOpened with an epoch of its own, and what
it reads until that record comes back is all that any owner before it has committed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

from foldlog.core import fold
from foldlog.core.state import DeadlineChange
from foldlog.processors.store.errors import RestoreError
from foldlog.processors.store.outline import Outline, peek
from foldlog.processors.store.partition import PartitionStore
from foldlog.schemas import log
from foldlog.schemas.codec import Codec
from foldlog.schemas.event import WorkflowExecutionStarted
from foldlog.schemas.framing import DecodeError
from foldlog.schemas.records import LogRecord, RunRecord

MIB = 1 << 20
SETTLED_AT_ONCE = 2_000
"""Runs that are settled in one write."""


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
            cached_runs: Outlines of open runs to keep in memory between batches; others are read from the store again.
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
        self._runs: dict[tuple[str, str], Outline] = {}
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
            RestoreError: The record cannot be read, or does not follow from those before. Of most events only the
                beginning is read here.
            StoreError: The store cannot be written.
        """
        encoded = value or b""
        try:
            workflow_id = key.decode() if key else ""
            peeked = peek(encoded)
            if peeked is None:
                record = self._codec.decode(value)
                kind = type(record)
                if kind not in _OF_THE_LOG:
                    raise DecodeError(f"a {kind.__name__} has no place in the events")
            else:
                kind, record = peeked
            run = None if kind in _NOT_OF_A_RUN else self._fitting(workflow_id, kind, record, encoded)
        except (DecodeError, UnicodeDecodeError, fold.BrokenHistoryError) as error:
            raise RestoreError(offset, f"{type(error).__name__}: {error}") from error
        batch = self._batch
        batch.add(workflow_id, record, encoded, run)
        self.records += 1
        self._next_offset = offset + 1
        if kind is log.PartitionOpened and record.epoch == self._epoch != "":
            self.settle()
            self.done = True
        elif batch.full or batch.records >= self._batch_records or batch.bytes >= self._batch_bytes:
            self.flush()
        return self.done

    def flush(self) -> None:
        """Write what was fed so far. The runs that it touched are not settled."""
        batch = self._batch
        if batch.records:
            self._store.commit(batch, self._next_offset)
            self._batch = self._store.stage()
            if self._progress is not None:
                self._progress(self.records, self._next_offset)
        self._forget(list(batch.runs))

    def settle(self) -> None:
        """Write what was fed so far, and fold the open runs that it touched: the store is as a live one then.

        Runs that an earlier restore touched, which did not come to its end, are settled too.

        Raises:
            StoreCorruptedError: The rows of a run cannot be folded.
        """
        self.flush()
        self._runs.clear()
        store = self._store
        batch = store.stage()
        for workflow_id, run_id in store.unsettled_runs():
            run = store.load_run(workflow_id, run_id)
            batch.settle(run, store.stale_rows(run))
            if len(batch.runs) >= SETTLED_AT_ONCE:
                store.commit(batch, self._next_offset)
                batch = store.stage()
        if batch.runs:
            store.commit(batch, self._next_offset)

    def _fitting(self, workflow_id: str, kind: type, record: Any, encoded: bytes) -> Outline:
        """The outline of a record's run, with the record.

        Raises:
            DecodeError: It has no place there because it is no record: only its beginning was read, and the rest, or
                its key, is not there.
            BrokenHistoryError: It does not follow the one before.
        """
        try:
            return self._outline(workflow_id, kind, record, encoded)
        except fold.BrokenHistoryError:
            self._codec.decode(encoded)
            if not workflow_id:
                raise DecodeError(f"a {kind.__name__} has no key: it must be the workflow ID") from None
            raise

    def _outline(self, workflow_id: str, kind: type, record: Any, encoded: bytes) -> Outline:
        """The outline of a record's run, with the record."""
        name = (workflow_id, record.run_id)
        run = self._runs.get(name)
        if run is None:
            run = self._runs[name] = self._find(workflow_id, kind, record)
        if kind not in _RUN_RECORDS:
            run.append(kind, record, encoded)
        return run

    def _find(self, workflow_id: str, kind: type, record: Any) -> Outline:
        run_id: str = record.run_id
        if kind is WorkflowExecutionStarted:
            run = Outline(workflow_id, run_id)
        else:
            head = self._store.head(workflow_id, run_id)
            if head is None:
                raise fold.BrokenHistoryError(f"workflow {workflow_id!r} has no run {run_id} yet")
            run = Outline.of(workflow_id, run_id, head)
            if run.status != "RUNNING" or not self._store.is_settled(workflow_id, run_id):
                return run
            deadlines = self._store.load_run(workflow_id, run_id).deadlines
            run.deadline_changes = [DeadlineChange(due_ms, key, False) for key, due_ms in deadlines.items()]
        self._batch.unsettle(run)
        return run

    def _forget(self, touched: list[tuple[str, str]]) -> None:
        """Keep the runs that were touched last. Only between batches: a batch reads its runs when it is sealed, and
        the store does not have them before."""
        runs = self._runs
        for key in touched:
            run = runs.pop(key, None)
            if run is not None and run.status == "RUNNING":
                runs[key] = run
        if len(runs) > self._cached_runs:
            for key in list(runs)[: len(runs) - self._cached_runs]:
                del runs[key]


_NOT_OF_A_RUN = frozenset(
    (log.BatchBegun, log.BatchCommitted, log.DeploymentChanged, log.PartitionOpened, log.RequestRejected)
)
_RUN_RECORDS = frozenset(get_args(RunRecord))
_OF_THE_LOG = frozenset(get_args(LogRecord))
