"""What records of `<ns>.events` change in the store: the one place that knows, live and in restore.

A batch is filled from records alone and reads nothing. What depends on rows that are there already, it leaves to
`PartitionStore.commit`, which comes to batches one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, get_args

from foldlog.core.session import Answer
from foldlog.core.state import DeadlineChange, Run
from foldlog.processors.store import formats
from foldlog.processors.store.formats import ExpiryKind, PendingKind, RunHead
from foldlog.processors.store.kv import WriteBatch
from foldlog.processors.store.outline import EventHead, Outline
from foldlog.schemas import event, log
from foldlog.schemas.records import Event, LogRecord


class RunChanges:
    """What a batch does to one run."""

    __slots__ = (
        "before_event_id",
        "began",
        "closed",
        "ended",
        "first_event_id",
        "handled_ordinal",
        "key",
        "last_event_id",
        "pending",
        "run",
    )

    def __init__(self, key: bytes, run: Run | Outline) -> None:
        self.key = key
        self.run = run
        """The run after the records of this batch, until the batch is sealed."""
        self.before_event_id = 0
        """The last event before the batch; known once the batch is sealed."""
        self.first_event_id = 0
        """The first event of the batch; 0: it has none of this run."""
        self.last_event_id = 0
        """The last one so far."""
        self.began = False
        """The run began in this batch, so the store has no rows of it yet."""
        self.closed = False
        self.pending: dict[bytes, tuple[int, bytes]] = {}
        """Pending rows to write, by what follows the run key: the event that the record came after (0: the last one
        before the batch), and the record."""
        self.ended: set[bytes] = set()
        """Pending rows to delete if they are there, likewise."""
        self.handled_ordinal = 0
        """Deferred commands up to this one are handled; 0: no change."""

    def pending_rows(self) -> Iterator[tuple[bytes, bytes]]:
        """The pending rows to write: what follows the run key, and the value."""
        for row, (after_event_id, encoded) in self.pending.items():
            if row[0] == PendingKind.DEFERRED and formats.deferred_ordinal(row) <= self.handled_ordinal:
                continue
            yield row, formats.NUMBER.pack(after_event_id or self.before_event_id) + encoded

    @property
    def looks_back(self) -> bool:
        """Whether rows of earlier batches decide what is written."""
        return bool(self.pending or self.ended or self.closed or self.handled_ordinal)


class StoreBatch:
    """The changes of one transaction, or of some more in restore.

    Add the records in the order of the log, and seal the batch before a record that is not part of it is applied to
    one of its runs: what it writes of a run is taken from the run as it is then.
    """

    def __init__(self, log_time_ms: int, is_due: Callable[[int, dict[ExpiryKind, int]], bool]) -> None:
        """Begin one; see `PartitionStore.stage`.

        Args:
            log_time_ms: The time of the log before, in Unix milliseconds.
            is_due: Whether anything is dropped at a time, given the oldest rows that the batch itself adds.
        """
        self._is_due = is_due
        self.rows = WriteBatch(formats.FAMILIES)
        self._history = self.rows.families[formats.HISTORY]
        self.runs: dict[tuple[str, str], RunChanges] = {}
        self.timers_added: set[bytes] = set()
        self.timers_removed: set[bytes] = set()
        self.began = 0
        """Runs that begin."""
        self.commands_offset: int | None = None
        """Commands below this offset are handled; None: no change."""
        self.log_time_ms = log_time_ms
        """The time of the log after this batch, in Unix milliseconds."""
        self.oldest_ms: dict[ExpiryKind, int] = {}
        """Since when the oldest rows that the batch adds wait to be dropped."""
        self.full = False
        """Rows are dropped at the end of this batch, so it ends here: they would otherwise be dropped after what
        comes next, and what a store holds would depend on where batches end."""
        self.records = 0
        self.bytes = 0
        """Of the encoded records."""
        self._sealed = False

    def add(
        self, workflow_id: str, record: LogRecord | EventHead, encoded: bytes, run: Run | Outline | None = None
    ) -> None:
        """Take in the next record of the log.

        Args:
            workflow_id: Its key; empty if it has none.
            record: The record; in a restore, what was read of it.
            encoded: The same, as it stands in the topic.
            run: For events and records of a run, the run with this record applied. It may be further already, as
                long as all that was applied is added to this batch. In a restore, its outline.

        Raises:
            RuntimeError: The batch is sealed or full.
        """
        if self._sealed or self.full:
            raise RuntimeError("a batch that is sealed or full takes no more records")
        self.records += 1
        self.bytes += len(encoded)
        kind = type(record)
        if kind in _PARTITION_RECORDS:
            _PARTITION_RECORDS[kind](self, workflow_id, record, encoded)
            return
        if run is None:
            raise TypeError(f"a {kind.__name__} belongs to a run")
        changes = self._changes(workflow_id, run)
        if kind in _RUN_RECORDS:
            # What waits for a run goes with it.
            if run.status == "RUNNING":
                _RUN_RECORDS[kind](changes, record, encoded)
            return
        event_id: int = record.event_id  # type: ignore[union-attr]  # all others are events
        if not changes.first_event_id:
            changes.first_event_id = event_id
        changes.last_event_id = event_id
        self._history[changes.key + formats.NUMBER.pack(event_id)] = encoded
        if kind in _EVENTS:
            _EVENTS[kind](self, workflow_id, changes, record)
        if run.status != "RUNNING" and not changes.closed:
            changes.closed = True
            self._expire(ExpiryKind.RUN, _closed_ms(run), changes.key)
            if isinstance(run, Outline):
                self.rows.delete(formats.META, formats.META_UNSETTLED + changes.key)

    def unsettle(self, run: Outline) -> None:
        """Note that a run is stored by its outline from here on: its timers go, until it is settled."""
        changes = self._changes(run.workflow_id, run)
        self.rows.put(formats.META, formats.META_UNSETTLED + changes.key, b"")

    def settle(self, run: Run, stale: Iterable[bytes]) -> None:
        """Take in a run that was stored by its outline.

        Args:
            run: The run, folded from its rows.
            stale: Its pending rows that count no more, by what follows the run key.
        """
        changes = self._changes(run.workflow_id, run)
        changes.ended.update(stale)
        self.rows.delete(formats.META, formats.META_UNSETTLED + changes.key)
        run.deadline_changes = [DeadlineChange(due_ms, key, True) for key, due_ms in run.deadlines.items()]

    def _changes(self, workflow_id: str, run: Run | Outline) -> RunChanges:
        name = (workflow_id, run.run_id)
        changes = self.runs.get(name)
        if changes is None:
            changes = self.runs[name] = RunChanges(formats.run_key(workflow_id, run.run_id), run)
        else:
            changes.run = run
        return changes

    def seal(self) -> None:
        """Take what is written of the runs from the runs; no record can be added any more."""
        if self._sealed:
            return
        self._sealed = True
        heads = self.rows.families[formats.RUNS]
        for changes in self.runs.values():
            run = changes.run
            if run.deadline_changes is not None:
                self._take_deadlines(changes.key, run, run.deadline_changes)
                run.deadline_changes = None
            changes.before_event_id = changes.first_event_id - 1 if changes.first_event_id else run.last_event_id
            if changes.first_event_id:
                heads[changes.key] = formats.pack_head(_head(run))

    def _take_deadlines(self, key: bytes, run: Run | Outline, deadline_changes: list[DeadlineChange]) -> None:
        added, removed = self.timers_added, self.timers_removed
        for change in deadline_changes:
            timer = formats.timer_key(change.due_ms, key, change.key)
            # The same time can go and come within a batch; only what differs from before is written.
            if change.added:
                if timer in removed:
                    removed.discard(timer)
                else:
                    added.add(timer)
            elif timer in added:
                added.discard(timer)
            else:
                removed.add(timer)
        if run.status != "RUNNING" and isinstance(run, Run):
            # A closed run has nothing to come, whatever a record that came too late has set.
            late = {formats.timer_key(due_ms, key, name) for name, due_ms in run.deadlines.items()}
            added -= late
            removed |= late

    # ---- records of the partition

    def _batch_begun(self, workflow_id: str, record: log.BatchBegun, encoded: bytes) -> None:
        """Nothing follows from it."""

    def _batch_committed(self, workflow_id: str, record: log.BatchCommitted, encoded: bytes) -> None:
        self.commands_offset = record.commands_offset
        self.log_time_ms = max(self.log_time_ms, record.time_ms)
        self.full = self._is_due(self.log_time_ms, self.oldest_ms)

    def _partition_opened(self, workflow_id: str, record: log.PartitionOpened, encoded: bytes) -> None:
        self.rows.put(formats.META, formats.META_OPENED, encoded)

    def _deployment_changed(self, workflow_id: str, record: log.DeploymentChanged, encoded: bytes) -> None:
        name = record.deployment.deployment_name
        self.rows.put(formats.META, formats.META_DEPLOYMENT + name.encode(), encoded)

    def _request_rejected(self, workflow_id: str, record: log.RequestRejected, encoded: bytes) -> None:
        self._answer(workflow_id, record.request_id, record.time_ms, Answer(rejected=record.answer))

    def _answer(self, workflow_id: str, request_id: str, time_ms: int, answer: Answer) -> None:
        if request_id:
            key = formats.request_key(workflow_id, request_id)
            self.rows.put(formats.REQUESTS, key, formats.pack_answer(answer))
            self._expire(ExpiryKind.REQUEST, time_ms, key)

    def _expire(self, kind: ExpiryKind, since_ms: int, key: bytes) -> None:
        self.rows.put(formats.EXPIRY, formats.expiry_key(kind, since_ms, key), b"")
        self.oldest_ms[kind] = min(since_ms, self.oldest_ms.get(kind, since_ms))

    # ---- events that are more than a row of history

    def _started(self, workflow_id: str, changes: RunChanges, record: event.WorkflowExecutionStarted) -> None:
        changes.began = True
        self.began += 1
        self.rows.put(formats.WORKFLOWS, formats.text(workflow_id), record.run_id.encode())
        self._answer(workflow_id, record.request_id, record.time_ms, Answer(record.run_id, started=True))

    def _requested(self, workflow_id: str, changes: RunChanges, record: Any) -> None:
        self._answer(workflow_id, record.request_id, record.time_ms, Answer(record.run_id))

    def _activity_ended(self, workflow_id: str, changes: RunChanges, record: Any) -> None:
        # An activity of this very batch has no row in the store.
        if record.scheduled_event_id < changes.first_event_id:
            changes.ended.add(formats.pending_id(PendingKind.ATTEMPT, record.scheduled_event_id))
        if changes.pending:
            changes.pending.pop(formats.pending_id(PendingKind.ATTEMPT, record.scheduled_event_id), None)

    def _local_activity_ended(
        self, workflow_id: str, changes: RunChanges, record: event.LocalActivityCompleted
    ) -> None:
        _end(changes, formats.local_id(record.activity_id))


# ---- records of a run that are no events


def _attempt(changes: RunChanges, record: log.ActivityAttempt, encoded: bytes) -> None:
    _wait(changes, formats.pending_id(PendingKind.ATTEMPT, record.scheduled_event_id), encoded)


def _options_changed(changes: RunChanges, record: log.ActivityOptionsChanged, encoded: bytes) -> None:
    _wait(changes, formats.pending_id(PendingKind.OPTIONS, record.scheduled_event_id), encoded)


def _local_activity_started(changes: RunChanges, record: log.LocalActivityStarted, encoded: bytes) -> None:
    _wait(changes, formats.local_id(record.activity_id), encoded)


def _command_deferred(changes: RunChanges, record: log.CommandDeferred, encoded: bytes) -> None:
    _wait(changes, formats.pending_id(PendingKind.DEFERRED, record.ordinal), encoded)


def _stalled(changes: RunChanges, record: log.WorkflowStalled, encoded: bytes) -> None:
    _wait(changes, formats.pending_id(PendingKind.STALLED), encoded)


def _resumed(changes: RunChanges, record: log.WorkflowResumed, encoded: bytes) -> None:
    _end(changes, formats.pending_id(PendingKind.STALLED))
    _wait(changes, formats.pending_id(PendingKind.RESUMED), encoded)
    changes.handled_ordinal = max(changes.handled_ordinal, record.handled_ordinal)


def _versioning_changed(changes: RunChanges, record: log.WorkflowOptionsChanged, encoded: bytes) -> None:
    _wait(changes, formats.pending_id(PendingKind.VERSIONING), encoded)


def _wait(changes: RunChanges, row: bytes, encoded: bytes) -> None:
    changes.pending[row] = (changes.last_event_id, encoded)
    changes.ended.discard(row)


def _end(changes: RunChanges, row: bytes) -> None:
    changes.pending.pop(row, None)
    if not changes.began:
        changes.ended.add(row)


def _head(run: Run | Outline) -> RunHead:
    return RunHead(run.status, run.last_event_id, run.chain, run.history_size, _closed_ms(run))


def _closed_ms(run: Run | Outline) -> int:
    if isinstance(run, Outline):
        return run.closed_ms
    return run.closing.time_ms if run.closing is not None else 0


_PARTITION_RECORDS: dict[type, Callable[[StoreBatch, str, Any, bytes], None]] = {
    log.BatchBegun: StoreBatch._batch_begun,
    log.BatchCommitted: StoreBatch._batch_committed,
    log.PartitionOpened: StoreBatch._partition_opened,
    log.DeploymentChanged: StoreBatch._deployment_changed,
    log.RequestRejected: StoreBatch._request_rejected,
}
_RUN_RECORDS: dict[type, Callable[[RunChanges, Any, bytes], None]] = {
    log.ActivityAttempt: _attempt,
    log.ActivityOptionsChanged: _options_changed,
    log.LocalActivityStarted: _local_activity_started,
    log.CommandDeferred: _command_deferred,
    log.WorkflowStalled: _stalled,
    log.WorkflowResumed: _resumed,
    log.WorkflowOptionsChanged: _versioning_changed,
}
_EVENTS: dict[type, Callable[[StoreBatch, str, RunChanges, Any], None]] = {
    **{kind: StoreBatch._requested for kind in get_args(Event) if "request_id" in kind.__slots__},
    event.WorkflowExecutionStarted: StoreBatch._started,
    event.ActivityTaskCompleted: StoreBatch._activity_ended,
    event.ActivityTaskFailed: StoreBatch._activity_ended,
    event.ActivityTaskTimedOut: StoreBatch._activity_ended,
    event.ActivityTaskCanceled: StoreBatch._activity_ended,
    event.LocalActivityCompleted: StoreBatch._local_activity_ended,
}
"""Events that are more than a row of history. That an event closes its run shows in the run."""
