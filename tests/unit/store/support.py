"""Stores fed from simulated logs: what several tests here need."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from foldlog.core.state import Run
from foldlog.processors.store import KeyValueStore, MemoryStore, PartitionStore, Restorer, formats
from foldlog.schemas.codec import SingleObjectCodec

from tests.unit.store.simulation import Simulation, Transaction


def memory() -> MemoryStore:
    return MemoryStore(formats.FAMILIES)


def partition_store(kv: KeyValueStore, **options: Any) -> PartitionStore:
    return PartitionStore(kv, SingleObjectCodec(), **options)


def apply(store: PartitionStore, transaction: Transaction) -> None:
    """Apply a transaction as its processor does after the commit."""
    batch = store.stage()
    for entry in transaction.entries:
        batch.add(entry.workflow_id, entry.record, entry.encoded, entry.run)
    store.commit(batch, transaction.events_offset)


def records(transactions: Iterable[Transaction]) -> list[tuple[bytes | None, bytes, int]]:
    """Key, value and offset of each record, as a consumer gets them."""
    return [
        (entry.workflow_id.encode() or None, entry.encoded, transaction.first_offset + number)
        for transaction in transactions
        for number, entry in enumerate(transaction.entries)
    ]


def restore(store: PartitionStore, transactions: Iterable[Transaction], **options: Any) -> Restorer:
    """Feed what the store does not have yet, without a barrier."""
    restorer = Restorer(store, SingleObjectCodec(), epoch="", **options)
    for key, value, offset in records(transactions):
        if offset >= store.position.events_offset:
            restorer.feed(key, value, offset)
    restorer.settle()
    return restorer


def check(store: PartitionStore, kv: KeyValueStore, simulation: Simulation) -> None:
    """Compare what the store says with the runs that the simulation has in memory."""
    deadlines = []
    open_runs = set(store.open_runs())
    for workflow_id, run_id in open_runs:
        run = simulation.runs[workflow_id]
        assert run.run_id == run_id
        assert store.current_run_id(workflow_id) == run_id
        assert_equal(store.load_run(workflow_id, run_id), run)
        run_key = formats.run_key(workflow_id, run_id)
        deadlines += [formats.timer_key(due_ms, run_key, key) for key, due_ms in run.deadlines.items()]
    deadlines.sort()
    assert [key for key, _ in kv.scan(formats.TIMERS)] == deadlines
    assert [tuple(row) for row in store.due(formats.LAST_MS, 1 << 30)] == [
        formats.read_timer_key(key) for key in deadlines
    ]
    runs = simulation.runs.values()
    assert {run.workflow_id for run in runs if run.is_open} == {workflow_id for workflow_id, _ in open_runs}
    assert set(store.stalled_runs()) == {(run.workflow_id, run.run_id) for run in runs if run.stalled is not None}
    heads = sum(1 for _ in kv.scan(formats.RUNS))
    stalled = sum(run.stalled is not None for run in runs)
    assert store.counts() == (len(open_runs), stalled, heads - len(open_runs))


def assert_equal(loaded: Run, live: Run) -> None:
    """Compare field by field, so that a difference has a name."""
    assert loaded.deadline_changes is None
    for name in Run.__struct_fields__:
        # A live run may have changes that no store has taken yet.
        if name != "deadline_changes":
            assert getattr(loaded, name) == getattr(live, name), name
