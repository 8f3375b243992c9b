"""Restoring: the barrier, bad records, and a process that dies on the way."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from foldlog.processors.store import (
    KeyValueStore,
    PartitionStore,
    RestoreError,
    Restorer,
    RocksResources,
    RocksStore,
    StoreCorruptedError,
)
from foldlog.processors.store.verify import digest, dump
from foldlog.schemas import command, event, log
from foldlog.schemas.codec import SingleObjectCodec
from foldlog.schemas.framing import encode

from tests.unit.store.conftest import OpenStore
from tests.unit.store.simulation import Simulation
from tests.unit.store.support import apply, check, memory, partition_store, records, restore

RETENTION: dict[str, Any] = {"request_retention_ms": 20_000, "closed_retention_ms": 30_000}


def simulated(seed: int, transactions: int, step_ms: int = 500) -> Simulation:
    simulation = Simulation(random.Random(seed), step_ms=step_ms)
    for _ in range(transactions):
        simulation.transaction(simulation.rng.randint(0, 20))
    return simulation


def test_the_barrier_ends_a_restore(kv: KeyValueStore) -> None:
    simulation = simulated(1, 20)
    simulation.open("ours")
    store = partition_store(kv)
    told: list[tuple[int, int]] = []
    restorer = Restorer(
        store, SingleObjectCodec(), epoch="ours", batch_records=50, progress=lambda *seen: told.append(seen)
    )
    feed = records(simulation.transactions)
    ends = [restorer.feed(*record) for record in feed]
    assert ends == [False] * (len(feed) - 1) + [True]
    assert restorer.done
    assert restorer.records == len(feed)
    assert store.position.events_offset == simulation.transactions[-1].events_offset
    assert store.opened is not None
    assert store.opened.epoch == "ours"
    assert told == sorted(told)
    assert len(told) > 3
    assert told[-1] == (len(feed), store.position.events_offset)
    check(store, kv, simulation)


def test_openings_of_others_are_no_barrier(kv: KeyValueStore) -> None:
    simulation = simulated(1, 3)
    simulation.open("theirs")
    simulation.transaction(5)
    restorer = Restorer(partition_store(kv), SingleObjectCodec(), epoch="ours")
    assert not any(restorer.feed(*record) for record in records(simulation.transactions))
    assert not restorer.done


def test_a_live_store_goes_on_where_a_restore_ended(open_kv: OpenStore) -> None:
    simulation = Simulation(random.Random(2), step_ms=2_000)
    moved_kv, live_kv = open_kv(), open_kv()
    live = partition_store(live_kv, **RETENTION)
    for _ in range(50):
        apply(live, simulation.transaction(10))
    restore(partition_store(moved_kv, **RETENTION), simulation.transactions)
    moved = partition_store(moved_kv, **RETENTION)
    # The new owner has its own runs, folded from its own rows.
    simulation.runs = {
        workflow_id: moved.load_run(workflow_id, run.run_id)
        for workflow_id, run in simulation.runs.items()
        if moved.head(workflow_id, run.run_id)
    }
    before = len(simulation.transactions)
    for _ in range(50):
        apply(moved, simulation.transaction(10))
    restore(live, simulation.transactions[before:])
    assert list(dump(live_kv)) == list(dump(moved_kv))
    check(moved, moved_kv, simulation)


def test_a_restore_goes_on_where_the_last_one_was_cut_off(open_kv: OpenStore) -> None:
    simulation = simulated(3, 100, step_ms=2_000)
    whole_kv, cut_kv = open_kv(), open_kv()
    restore(partition_store(whole_kv, **RETENTION), simulation.transactions)
    feed = records(simulation.transactions)
    rng = random.Random(3)
    position = 0
    while position < feed[-1][2] + 1:
        store = partition_store(cut_kv, **RETENTION)
        restorer = Restorer(store, SingleObjectCodec(), epoch="", batch_records=rng.randint(1, 100))
        for record in [record for record in feed if record[2] >= position][: rng.randint(1, 300)]:
            restorer.feed(*record)
        if rng.random() < 0.5:
            restorer.flush()
        last = position
        position = store.position.events_offset
        assert position >= last
    # The last one finds what those before it have left unsettled.
    restore(partition_store(cut_kv, **RETENTION), [])
    assert list(dump(cut_kv)) == list(dump(whole_kv))


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        (b"w", b"\xc3\x01garbage", "DecodeError"),
        (b"w", None, "DecodeError"),
        (b"w", b"", "DecodeError"),
        (b"w", encode(command.DescribeWorkflow()), "DescribeWorkflow"),
        (
            b"\xff",
            encode(event.WorkflowExecutionStarted(run_id="r", event_id=1, workflow_type="W", task_queue="q")),
            "UnicodeDecodeError",
        ),
        (b"w", encode(event.WorkflowExecutionTimedOut(run_id="unknown", event_id=2)), "unknown"),
        (b"w", encode(event.WorkflowExecutionTimedOut(run_id="r", event_id=3)), "does not follow"),
    ],
)
def test_a_record_that_cannot_be_folded_is_named(key: bytes, value: bytes | None, reason: str) -> None:
    restorer = Restorer(partition_store(memory()), SingleObjectCodec(), epoch="x")
    started = event.WorkflowExecutionStarted(run_id="r", event_id=1, workflow_type="W", task_queue="q")
    restorer.feed(b"w", encode(started), 40)
    with pytest.raises(RestoreError, match=reason) as caught:
        restorer.feed(key, value, 41)
    assert caught.value.offset == 41
    assert "41" in str(caught.value)


def test_a_run_that_cannot_be_folded_is_found_when_it_is_settled() -> None:
    store = partition_store(memory())
    restorer = Restorer(store, SingleObjectCodec(), epoch="")
    started = event.WorkflowExecutionStarted(run_id="r", event_id=1, workflow_type="W", task_queue="q")
    restorer.feed(b"w", encode(started), 0)
    restorer.feed(b"w", encode(log.ActivityAttempt(run_id="r", scheduled_event_id=9, attempt=1, attempt_ms=0)), 1)
    with pytest.raises(StoreCorruptedError, match="run r: KeyError: 9"):
        restorer.settle()


def test_a_run_is_not_settled_before_the_barrier(kv: KeyValueStore) -> None:
    simulation = Simulation(random.Random(5))
    live = partition_store(memory())
    while not live.counts().open_runs or live.next_due_ms() is None:
        apply(live, simulation.transaction(5))
    opened = simulation.open("e")
    store = partition_store(kv)
    restorer = Restorer(store, SingleObjectCodec(), epoch="e")
    for record in records(simulation.transactions[:-1]):
        restorer.feed(*record)
    restorer.flush()
    assert list(store.unsettled_runs()) == list(live.open_runs())
    assert store.next_due_ms() is None
    assert restorer.feed(*records([opened])[0])
    assert list(store.unsettled_runs()) == []
    assert store.next_due_ms() == live.next_due_ms()


KILLED = """
import os, random, signal, sys
from pathlib import Path
from foldlog.processors.store import PartitionStore, RocksResources, RocksStore
from tests.unit.store.simulation import Simulation
from foldlog.schemas.codec import SingleObjectCodec

path, seed, commits = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
store = PartitionStore(RocksStore(path, RocksResources()), SingleObjectCodec(), closed_retention_ms=30_000)
simulation = Simulation(random.Random(seed), step_ms=2_000)
for number in range(1_000):
    transaction = simulation.transaction(20)
    batch = store.stage()
    for entry in transaction.entries:
        batch.add(*entry)
    if number == commits:
        os.kill(os.getpid(), signal.SIGKILL)
    store.commit(batch, transaction.events_offset)
"""


@pytest.mark.parametrize("commits", [1, 150])
def test_a_process_killed_between_commits_leaves_the_last_one(tmp_path: Path, commits: int) -> None:
    root = Path(__file__).parents[3]
    command = [sys.executable, "-c", KILLED, str(tmp_path / "store"), "7", str(commits)]
    assert subprocess.run(command, cwd=root, timeout=200).returncode == -signal.SIGKILL
    simulation = Simulation(random.Random(7), step_ms=2_000)
    expected_kv = memory()
    expected = partition_store(expected_kv, closed_retention_ms=30_000)
    for _ in range(commits):
        apply(expected, simulation.transaction(20))
    kv = RocksStore(tmp_path / "store", RocksResources())
    store = PartitionStore(kv, SingleObjectCodec(), closed_retention_ms=30_000)
    assert store.position == expected.position
    assert list(dump(kv)) == list(dump(expected_kv))
    # The events that came after the last write to the store are read back.
    apply(expected, simulation.transaction(20))
    restore(store, simulation.transactions)
    assert digest(kv) == digest(expected_kv)
    check(store, kv, simulation)
    store.close()
