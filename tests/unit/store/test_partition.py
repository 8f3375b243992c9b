"""The partition's state follows from the log alone: live, restored, in memory and on disk."""

from __future__ import annotations

import random
from typing import Any

from foldlog.core.state import Run
from foldlog.processors.store import MemoryStore, PartitionStore, Restorer, formats
from foldlog.processors.store.kv import KeyValueStore
from foldlog.processors.store.verify import digest, dump
from foldlog.schemas.framing import decode, encode
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.store.simulation import Simulation, Transaction


class Framing:
    """The codec of a namespace without a registry."""

    def encode(self, record: Any) -> bytes:
        return encode(record)

    def decode(self, data: bytes | None) -> Any:
        return decode(data)


RETENTION = {"request_retention_ms": 20_000, "closed_retention_ms": 30_000}


def memory() -> MemoryStore:
    return MemoryStore(formats.FAMILIES)


def apply(store: PartitionStore, transaction: Transaction) -> None:
    batch = store.stage()
    for entry in transaction.entries:
        batch.add(entry.workflow_id, entry.record, entry.encoded, entry.run)
    store.commit(batch, transaction.events_offset)


def restore(store: PartitionStore, transactions: list[Transaction], **options: Any) -> Restorer:
    restorer = Restorer(store, Framing(), epoch="", **options)
    for transaction in transactions:
        for number, entry in enumerate(transaction.entries):
            key = entry.workflow_id.encode() or None
            offset = transaction.events_offset - len(transaction.entries) + number
            restorer.feed(key, entry.encoded, offset)
    restorer.flush()
    return restorer


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    sizes=st.lists(st.integers(0, 30), min_size=1, max_size=40),
    batch_records=st.integers(1, 200),
    cached_runs=st.integers(0, 20),
    budget=st.sampled_from([1, 5, 20_000]),
    step_ms=st.sampled_from([0, 500, 5_000]),
)
def test_restored_store_equals_the_live_one(
    seed: int, sizes: list[int], batch_records: int, cached_runs: int, budget: int, step_ms: int
) -> None:
    options: dict[str, Any] = RETENTION | {"expiry_budget": budget}
    simulation = Simulation(random.Random(seed), step_ms=step_ms)
    live_kv, restored_kv = memory(), memory()
    live = PartitionStore(live_kv, Framing(), **options)
    for size in sizes:
        apply(live, simulation.transaction(size))
    restored = PartitionStore(restored_kv, Framing(), **options)
    restore(restored, simulation.transactions, batch_records=batch_records, cached_runs=cached_runs)
    assert list(dump(restored_kv)) == list(dump(live_kv))
    assert digest(restored_kv) == digest(live_kv)
    assert restored.counts() == live.counts()
    assert restored.position == live.position
    check_invariants(live, live_kv, simulation)


def check_invariants(store: PartitionStore, kv: KeyValueStore, simulation: Simulation) -> None:
    deadlines = set()
    open_runs = set(store.open_runs())
    for workflow_id, run_id in open_runs:
        run = simulation.runs[workflow_id]
        assert run.run_id == run_id
        assert store.current_run_id(workflow_id) == run_id
        loaded = store.load_run(workflow_id, run_id)
        assert_equal(loaded, run)
        deadlines |= {(min(due_ms, formats.LAST_MS), workflow_id, run_id, key) for key, due_ms in run.deadlines.items()}
    due = store.due(formats.LAST_MS, 1_000_000)
    assert [tuple(row) for row in due] == sorted(
        deadlines, key=lambda row: formats.timer_key(row[0], formats.run_key(row[1], row[2]), row[3])
    )
    assert {workflow_id for workflow_id, run in simulation.runs.items() if run.is_open} == {w for w, _ in open_runs}
    assert store.counts().open_runs == len(open_runs)
    assert store.counts().stalled_runs == sum(run.stalled is not None for run in simulation.runs.values())
    assert store.counts().closed_runs == sum(1 for _ in kv.scan(formats.RUNS)) - len(open_runs)


def assert_equal(loaded: Run, live: Run) -> None:
    for name in Run.__slots__:
        assert getattr(loaded, name) == getattr(live, name), name
