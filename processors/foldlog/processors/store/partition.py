"""The state of one partition: what the processor asks it, and how a batch of records is written to it.

Reads see what is committed, never what is staged. Whatever it writes follows from the records in their order, not from
where batches end: see `StoreBatch` for what a record changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from foldlog.core import fold
from foldlog.core.session import Answer
from foldlog.core.state import DeadlineKey, DeadlineKind, Run
from foldlog.processors.store import formats
from foldlog.processors.store.batch import RunChanges, StoreBatch
from foldlog.processors.store.cursor import QueueCursor
from foldlog.processors.store.errors import StoreCorruptedError, StoreFormatError
from foldlog.processors.store.expiry import EXPIRY_BUDGET, Expiry
from foldlog.processors.store.formats import ExpiryKind, PendingKind, RunHead
from foldlog.processors.store.kv import KeyValueStore, WriteBatch
from foldlog.schemas import log
from foldlog.schemas.codec import Codec
from foldlog.schemas.common import Deployment
from msgspec import Struct

HOUR_MS = 3_600_000


class Position(NamedTuple):
    """How far the store has come."""

    events_offset: int
    """The next offset of `<ns>.events` to apply."""
    commands_offset: int
    """The next offset of `<ns>.commands` to handle."""
    log_time_ms: int
    """The latest time of any BatchCommitted, in Unix milliseconds."""


class Counts(NamedTuple):
    """How many runs the store holds."""

    open_runs: int
    """Stalled ones included."""
    stalled_runs: int
    closed_runs: int


class Due(NamedTuple):
    """Something of a run that is due at a time."""

    due_ms: int
    workflow_id: str
    run_id: str
    key: DeadlineKey


class _Totals(Struct):
    open_runs: int = 0
    stalled_runs: int = 0
    closed_runs: int = 0


class PartitionStore:
    """A partition's state in a key-value store. Used by one thread at a time."""

    def __init__(
        self,
        kv: KeyValueStore,
        codec: Codec,
        *,
        partition: int = formats.ANY_PARTITION,
        topic_id: str = "",
        request_retention_ms: int = 24 * HOUR_MS,
        closed_retention_ms: int = 7 * 24 * HOUR_MS,
        expiry_budget: int = EXPIRY_BUDGET,
    ) -> None:
        """Open the state that is in `kv`, or begin with none.

        Args:
            kv: Where it is, with the families `formats.FAMILIES`.
            codec: Reads the records of the log.
            partition: The partition that this is for.
            topic_id: Kafka's ID of the topic of events: a topic that was deleted and made anew has another one, and
                nothing of the store is true of it. Empty: it does not matter.
            request_retention_ms: How long a request ID is answered as before, in milliseconds of the log's time.
            closed_retention_ms: How long a closed run is kept, likewise. All owners of a partition must agree on
                these two, or their stores differ in what they have dropped.
            expiry_budget: Rows that one transaction drops at most, but for one run more.

        Raises:
            StoreFormatError: It has another format, or is another partition's.
        """
        self._kv = kv
        self._codec = codec
        self._partition = partition
        self._topic_id = topic_id
        self._fresh = self._check_format()
        position = kv.get(formats.META, formats.META_POSITION)
        self._position = Position(*formats.POSITION.unpack(position)) if position else Position(0, 0, 0)
        counts = kv.get(formats.META, formats.META_COUNTS)
        self._totals = _Totals(*formats.COUNTS.unpack(counts)) if counts else _Totals()
        retention_ms = {ExpiryKind.REQUEST: request_retention_ms, ExpiryKind.RUN: closed_retention_ms}
        self._expiry = Expiry(kv, retention_ms, expiry_budget)
        self._timers = QueueCursor(kv, formats.TIMERS)

    def _check_format(self) -> bool:
        value = self._kv.get(formats.META, formats.META_FORMAT)
        if value is None:
            return True
        number, partition = formats.unpack_format(value)
        if number != formats.FORMAT:
            raise StoreFormatError(f"the store has format {number}, this build reads format {formats.FORMAT}")
        if formats.ANY_PARTITION not in (partition, self._partition) and partition != self._partition:
            raise StoreFormatError(f"the store is that of partition {partition}, not of {self._partition}")
        topic_id = (self._kv.get(formats.META, formats.META_TOPIC) or b"").decode()
        if topic_id and self._topic_id and topic_id != self._topic_id:
            raise StoreFormatError(f"the store is that of the topic with ID {topic_id}, not of {self._topic_id}")
        return False

    # ---- reading

    @property
    def position(self) -> Position:
        """How far the store has come; all zero for a fresh one."""
        return self._position

    @property
    def opened(self) -> log.PartitionOpened | None:
        """The last opening of the partition in the log so far."""
        encoded = self._kv.get(formats.META, formats.META_OPENED)
        opened: log.PartitionOpened | None = None if encoded is None else self._codec.decode(encoded)
        return opened

    def deployments(self) -> list[Deployment]:
        """The deployments that the log knows of."""
        rows = self._kv.scan(formats.META, formats.META_DEPLOYMENT)
        return [self._codec.decode(encoded).deployment for _, encoded in rows]

    def counts(self) -> Counts:
        """How many runs there are."""
        return Counts(self._totals.open_runs, self._totals.stalled_runs, self._totals.closed_runs)

    def current_run_id(self, workflow_id: str) -> str | None:
        """The newest run of a workflow ID, open or closed; None if none is known."""
        value = self._kv.get(formats.WORKFLOWS, formats.text(workflow_id))
        return None if value is None else value.decode()

    def head(self, workflow_id: str, run_id: str) -> RunHead | None:
        """The head of a run; None if it is not known."""
        value = self._kv.get(formats.RUNS, formats.run_key(workflow_id, run_id))
        return None if value is None else formats.unpack_head(value)

    def load_run(self, workflow_id: str, run_id: str) -> Run:
        """Fold a run from its rows: equal to the run that was in memory when they were written.

        Raises:
            KeyError: There is no such run.
            StoreCorruptedError: The rows are not those of a run.
        """
        key = formats.run_key(workflow_id, run_id)
        pending = sorted(self._pending(key), key=lambda row: row[0])
        pending.reverse()
        run: Run | None = None
        for encoded in self.history(workflow_id, run_id):
            try:
                event = self._codec.decode(encoded)
                if run is None:
                    run = fold.begin(workflow_id, event, encoded)
                else:
                    fold.apply(run, event, encoded)
                while pending and pending[-1][0] == run.last_event_id:
                    encoded = pending.pop()[1]
                    fold.apply(run, self._codec.decode(encoded), encoded)
            except (ValueError, KeyError, fold.BrokenHistoryError) as error:
                raise StoreCorruptedError(
                    f"workflow {workflow_id!r} run {run_id}: {type(error).__name__}: {error}"
                ) from error
        if run is None:
            raise KeyError(f"workflow {workflow_id!r} has no run {run_id}")
        if pending:
            raise StoreCorruptedError(f"workflow {workflow_id!r} run {run_id}: its history ends too early")
        run.deadline_changes = None
        return run

    def has_local_activities(self, workflow_id: str, run_id: str) -> bool:
        """Whether local activities of a run outlasted the transaction that began them, and have not ended."""
        rows = self._kv.scan(formats.PENDING, formats.run_key(workflow_id, run_id) + formats.local_id(""))
        return next(iter(rows), None) is not None

    def history(self, workflow_id: str, run_id: str, first_event_id: int = 1) -> Iterator[bytes]:
        """The encoded events of a run, in order."""
        key = formats.run_key(workflow_id, run_id)
        for _, encoded in self._kv.scan(formats.HISTORY, key, key + formats.NUMBER.pack(first_event_id)):
            yield encoded

    def event(self, workflow_id: str, run_id: str, event_id: int) -> bytes | None:
        """One encoded event of a run; None if there is none of that number."""
        return self._kv.get(formats.HISTORY, formats.run_key(workflow_id, run_id) + formats.NUMBER.pack(event_id))

    def answer(self, workflow_id: str, request_id: str) -> Answer | None:
        """What a request was answered; None if the request ID is not known."""
        value = self._kv.get(formats.REQUESTS, formats.request_key(workflow_id, request_id))
        return None if value is None else formats.unpack_answer(value)

    def deferred(self, workflow_id: str, run_id: str, after_ordinal: int = 0) -> Iterator[tuple[int, bytes]]:
        """Ordinal and encoded command of the commands that wait for a stalled run, in order."""
        key = formats.run_key(workflow_id, run_id)
        first = key + formats.pending_id(PendingKind.DEFERRED, after_ordinal + 1)
        for row, value in self._kv.scan(formats.PENDING, key + bytes((PendingKind.DEFERRED,)), first):
            record: log.CommandDeferred = self._codec.decode(value[formats.NUMBER.size :])
            yield formats.NUMBER.unpack_from(row, len(key) + 1)[0], record.command

    def due(self, now_ms: int, limit: int) -> list[Due]:
        """What is due, in order of time.

        Args:
            now_ms: Up to and including this time, in Unix milliseconds.
            limit: No more than this many.
        """
        first = self._timers.first()
        if first is None or formats.due_ms_of(first) > now_ms:
            return []
        found: list[Due] = []
        for key, _ in self._timers.scan():
            if len(found) == limit or formats.due_ms_of(key) > now_ms:
                break
            found.append(Due(*formats.read_timer_key(key)))
        return found

    def unfinished(self) -> Iterator[Due]:
        """The work that only the partition's last owner knew of, see `fold.UNFINISHED_MS`."""
        for key, _ in self._kv.scan(formats.TIMERS, formats.time(fold.UNFINISHED_MS)):
            yield Due(*formats.read_timer_key(key))

    def next_due_ms(self) -> int | None:
        """When the next thing is due, in Unix milliseconds; None if nothing ever is. Cheap, so ask at any time."""
        first = self._timers.first()
        if first is None:
            return None
        due_ms = formats.due_ms_of(first)
        return due_ms if due_ms < fold.UNFINISHED_MS else None

    def next_due_but_tries_ms(self) -> int | None:
        """The same, without the next tries of stalled runs."""
        for key, _ in self._timers.scan():
            due_ms, _, _, (kind, _) = formats.read_timer_key(key)
            if kind != DeadlineKind.STALL:
                return due_ms if due_ms < fold.UNFINISHED_MS else None
        return None

    def open_runs(self) -> Iterator[tuple[str, str]]:
        """Workflow ID and run ID of each open run, in order of the keys. Reads the heads of the closed ones too."""
        for key, value in self._kv.scan(formats.RUNS):
            if formats.unpack_head(value).status == "RUNNING":
                yield formats.read_run_key(key)[:2]

    def stalled_runs(self) -> Iterator[tuple[str, str]]:
        """Workflow ID and run ID of each stalled run. Reads the pending rows of all runs, if any is stalled."""
        if self._totals.stalled_runs:
            for key, _ in self._kv.scan(formats.PENDING):
                workflow_id, run_id, end = formats.read_run_key(key)
                if key[end] == PendingKind.STALLED:
                    yield workflow_id, run_id

    def close(self) -> None:
        """Close the store that the state is in; its files stay. Once closed, does nothing."""
        self._kv.close()

    # ---- for a restore

    def is_settled(self, workflow_id: str, run_id: str) -> bool:
        """Whether all rows of an open run are there, see `StoreBatch.unsettle`."""
        return self._kv.get(formats.META, formats.META_UNSETTLED + formats.run_key(workflow_id, run_id)) is None

    def unsettled_runs(self) -> Iterator[tuple[str, str]]:
        """Workflow ID and run ID of each run that is not settled, in order of the keys."""
        for key, _ in self._kv.scan(formats.META, formats.META_UNSETTLED):
            yield formats.read_run_key(key, len(formats.META_UNSETTLED))[:2]

    def stale_rows(self, run: Run) -> Iterator[bytes]:
        """The pending rows that count no more for a run that is folded from them: what follows the run key."""
        key = formats.run_key(run.workflow_id, run.run_id)
        count = {formats.pending_id(PendingKind.ATTEMPT, event_id) for event_id in run.activities}
        count.update(map(formats.local_id, run.local_activities or ()))
        for full, _ in self._kv.scan(formats.PENDING, key):
            row = full[len(key) :]
            if row[0] in (PendingKind.ATTEMPT, PendingKind.LOCAL) and row not in count:
                yield row

    # ---- writing

    def stage(self) -> StoreBatch:
        """A batch to fill. Several may be on their way; commit them in the order of the log, and forget those whose
        transaction was aborted."""
        return StoreBatch(self._position.log_time_ms, self._expiry.is_due)

    def commit(self, batch: StoreBatch, events_offset: int) -> None:
        """Write a batch and the position after it, all or nothing.

        Args:
            batch: The batch; it is sealed now, if it was not.
            events_offset: The offset in `<ns>.events` after its last record.

        Raises:
            StoreError: It is not certain what was written. Close the store, and open it again.
        """
        batch.seal()
        rows = batch.rows
        totals = _Totals(self._totals.open_runs + batch.began, self._totals.stalled_runs, self._totals.closed_runs)
        for changes in batch.runs.values():
            if changes.looks_back:
                self._resolve(changes, rows, totals)
        before = self._position
        position = Position(
            events_offset,
            before.commands_offset if batch.commands_offset is None else batch.commands_offset,
            max(before.log_time_ms, batch.log_time_ms),
        )
        if batch.commands_offset is not None and self._expiry.is_due(position.log_time_ms, batch.oldest_ms):
            totals.closed_runs -= self._expiry.drop(position.log_time_ms, rows)
        timers = rows.families[formats.TIMERS]
        for key in batch.timers_removed:
            timers[key] = None
        for key in batch.timers_added:
            timers[key] = b""
        self._put_meta(rows, position, totals)
        self._kv.write(rows)
        self._fresh = False
        self._position = position
        self._totals = totals
        self._timers.written(batch.timers_added, batch.timers_removed)
        self._expiry.written(rows)

    def _put_meta(self, rows: WriteBatch, position: Position, totals: _Totals) -> None:
        if self._fresh:
            rows.put(formats.META, formats.META_FORMAT, formats.pack_format(self._partition))
            if self._topic_id:
                rows.put(formats.META, formats.META_TOPIC, self._topic_id.encode())
        rows.put(formats.META, formats.META_POSITION, formats.POSITION.pack(*position))
        if self._fresh or totals != self._totals:
            counts = formats.COUNTS.pack(totals.open_runs, totals.stalled_runs, totals.closed_runs)
            rows.put(formats.META, formats.META_COUNTS, counts)

    def _resolve(self, changes: RunChanges, rows: WriteBatch, totals: _Totals) -> None:
        """Write the pending rows of a run, and delete those that are there and count no more."""
        stalled = formats.pending_id(PendingKind.STALLED)
        was_stalled = False
        if not changes.began and (changes.closed or stalled in changes.pending or stalled in changes.ended):
            was_stalled = self._kv.get(formats.PENDING, changes.key + stalled) is not None
        if changes.closed:
            totals.open_runs -= 1
            totals.closed_runs += 1
            totals.stalled_runs -= was_stalled
            if not changes.began:
                for key, _ in self._kv.scan(formats.PENDING, changes.key):
                    rows.delete(formats.PENDING, key)
            return
        for row in changes.ended:
            key = changes.key + row
            if self._kv.get(formats.PENDING, key) is not None:
                rows.delete(formats.PENDING, key)
        if changes.handled_ordinal and not changes.began:
            self._delete_handled(changes, rows)
        for row, encoded in changes.pending_rows():
            rows.put(formats.PENDING, changes.key + row, encoded)
        if stalled in changes.pending:
            totals.stalled_runs += not was_stalled
        elif stalled in changes.ended:
            totals.stalled_runs -= was_stalled

    def _delete_handled(self, changes: RunChanges, rows: WriteBatch) -> None:
        last = changes.key + formats.pending_id(PendingKind.DEFERRED, changes.handled_ordinal)
        for key, _ in self._kv.scan(formats.PENDING, changes.key + bytes((PendingKind.DEFERRED,))):
            if key > last:
                break
            rows.delete(formats.PENDING, key)

    def _pending(self, key: bytes) -> Iterator[tuple[int, bytes]]:
        for _, value in self._kv.scan(formats.PENDING, key):
            yield formats.NUMBER.unpack_from(value)[0], value[formats.NUMBER.size :]
