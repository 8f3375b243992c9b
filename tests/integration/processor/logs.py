"""What the log says once all is over: every invariant that must hold, whatever was killed.

Reads `<ns>.events` as any outsider would (committed records only), folds it, and compares the stores that processors
left behind with one that is rebuilt from the log alone.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from confluent_kafka import IsolationLevel, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]  # no __all__
from foldlog.core.fold import apply, begin, is_closing, is_event
from foldlog.core.state import Run
from foldlog.processors.options import ProcessorOptions
from foldlog.processors.store import MemoryStore, PartitionStore, Restorer, RocksResources, RocksStore
from foldlog.processors.store.formats import FAMILIES
from foldlog.processors.store.kv import KeyValueStore
from foldlog.processors.store.verify import dump
from foldlog.schemas import log
from foldlog.schemas.codec import SingleObjectCodec
from foldlog.schemas.event import WorkflowExecutionStarted
from foldlog.schemas.framing import decode
from foldlog.transport.admin import require_topics
from foldlog.transport.config import KafkaConfig
from foldlog.transport.topic_reader import TopicRecord, read_topic
from foldlog.transport.topics import Topics

CODEC = SingleObjectCodec()
OPTIONS = ProcessorOptions(namespace="any")


@dataclass
class Audit:
    """What the log of a namespace comes to."""

    topic_id: str
    """Kafka's ID of the events topic."""
    records: dict[int, list[TopicRecord]] = field(default_factory=dict)
    """By partition, in order."""
    openings: dict[int, list[log.PartitionOpened]] = field(default_factory=lambda: defaultdict(list))
    events: dict[tuple[str, str], list[Any]] = field(default_factory=lambda: defaultdict(list))
    """By workflow ID and run ID, in order."""
    requests: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How many records each request of each workflow has led to."""

    def of(self, workflow_id: str) -> list[Any]:
        """The events of a workflow that has one run."""
        runs = [run for run in self.events if run[0] == workflow_id]
        assert len(runs) == 1, f"{workflow_id} has {len(runs)} runs"
        return self.events[runs[0]]

    def kinds(self, workflow_id: str) -> list[str]:
        """The names of its events."""
        return [type(event).__name__ for event in self.of(workflow_id)]

    def closed(self) -> set[str]:
        """The workflow IDs of all closed runs."""
        return {workflow_id for (workflow_id, _), events in self.events.items() if is_closing(events[-1])}


def settled(config: KafkaConfig, topic: str, deadline: float = 60.0) -> None:
    """Wait until no transaction is open on a topic: only then is all of it to be seen.

    Raises:
        AssertionError: One stays open.
    """
    admin = AdminClient(config.admin())
    partitions = admin.list_topics(topic, timeout=60).topics[topic].partitions
    wanted = {TopicPartition(topic, number): OffsetSpec.latest() for number in partitions}  # type: ignore[no-untyped-call]
    end = time.monotonic() + deadline
    while True:
        stable, high = (
            {place.partition: future.result(60).offset for place, future in found.items()}
            for found in (
                admin.list_offsets(dict(wanted), isolation_level=IsolationLevel.READ_COMMITTED),
                admin.list_offsets(dict(wanted), isolation_level=IsolationLevel.READ_UNCOMMITTED),
            )
        )
        if stable == high:
            return
        assert time.monotonic() < end, f"a transaction stays open: stable to {stable}, written to {high}"
        time.sleep(0.1)


def audit(config: KafkaConfig, topics: Topics) -> Audit:
    """Read the log, and check all that must hold of any log.

    Raises:
        AssertionError: It does not hold.
        BrokenHistoryError: Likewise, within a run.
    """
    settled(config, topics.events)
    return checked(require_topics(config, topics).events_id, read_topic(config, topics.events))


def checked(topic_id: str, records: Iterable[TopicRecord]) -> Audit:
    """Check all that must hold of the records of a log; see `audit`."""
    found = Audit(topic_id=topic_id)
    for record in records:
        found.records.setdefault(record.partition, []).append(record)
    for partition, its_records in found.records.items():
        _check_partition(found, partition, its_records)
    for (workflow_id, run_id), events in found.events.items():
        _check_run(workflow_id, run_id, events)
    doubled = {request: count for request, count in found.requests.items() if count > 1}
    assert not doubled, f"requests that counted more than once: {doubled}"
    return found


def _check_partition(found: Audit, partition: int, records: list[TopicRecord]) -> None:
    handled = 0
    open_batch = 0
    runs: dict[tuple[str, str], Run] = {}
    for record in records:
        read = decode(record.value)
        workflow_id = (record.key or b"").decode()
        if isinstance(read, log.PartitionOpened):
            assert not open_batch, f"partition {partition}: opened amid a batch, at offset {record.offset}"
            found.openings[partition].append(read)
            continue
        assert found.openings[partition], f"partition {partition}: a record before any opening"
        open_batch += 1
        if isinstance(read, log.BatchCommitted):
            assert read.commands_offset >= handled, (
                f"partition {partition}, offset {record.offset}: commands up to {handled} were handled, and then a "
                f"batch ends at {read.commands_offset}"
            )
            handled, open_batch = read.commands_offset, 0
        elif not isinstance(read, (log.RequestRejected, log.DeploymentChanged, log.BatchBegun)):
            _fold(runs, workflow_id, read, record.value or b"")
            if is_event(read):
                found.events[workflow_id, read.run_id].append(read)
        request = getattr(read, "request_id", "")
        if request:
            found.requests[workflow_id, request] += 1
    assert not open_batch, f"partition {partition}: {open_batch} records after the last batch"


def _fold(runs: dict[tuple[str, str], Run], workflow_id: str, read: Any, encoded: bytes) -> None:
    """The fold itself: it raises where an event does not follow the one before, by number or by the hash chain."""
    name = (workflow_id, read.run_id)
    if isinstance(read, WorkflowExecutionStarted):
        assert name not in runs, f"{name} begins twice"
        runs[name] = begin(workflow_id, read, encoded)
    else:
        apply(runs[name], read, encoded)


def _check_run(workflow_id: str, run_id: str, events: list[Any]) -> None:
    numbers = [event.event_id for event in events]
    assert numbers == list(range(1, len(events) + 1)), f"{workflow_id}, run {run_id}: events {numbers}"
    closing = [event.event_id for event in events if is_closing(event)]
    assert len(closing) <= 1, f"{workflow_id}, run {run_id}: closed by events {closing}"


def rebuilt(topic_id: str, partition: int, records: Iterable[TopicRecord]) -> MemoryStore:
    """A store that has seen nothing but these records.

    Raises:
        RestoreError: They do not follow each other.
    """
    memory = MemoryStore(FAMILIES)
    restorer = Restorer(partition_store(memory, topic_id, partition), CODEC, epoch="")
    for record in records:
        restorer.feed(record.key, record.value, record.offset)
    restorer.settle()
    return memory


def partition_store(kv: KeyValueStore, topic_id: str, partition: int) -> PartitionStore:
    """A partition's state in a store, with the retention of default settings."""
    return PartitionStore(
        kv,
        CODEC,
        partition=partition,
        topic_id=topic_id,
        request_retention_ms=int(OPTIONS.request_retention_seconds * 1000),
        closed_retention_ms=int(OPTIONS.closed_retention_seconds * 1000),
    )


def stores_equal_log(found: Audit, state_dirs: Iterable[Path], namespace: str) -> int:
    """Compare each partition's newest store on disk with the log, key by key. No processor may run.

    Returns:
        How many rows were compared.

    Raises:
        AssertionError: They differ.
    """
    compared = 0
    for partition, records in found.records.items():
        folders = [
            folder / str(partition)
            for state_dir in state_dirs
            for folder in sorted((state_dir / namespace).glob("slot-*"))
            if (folder / str(partition)).exists()
        ]
        assert folders, f"partition {partition} has no store"
        compared += _newest_equals_log(found.topic_id, partition, records, folders)
    return compared


def _newest_equals_log(topic_id: str, partition: int, records: list[TopicRecord], folders: list[Path]) -> int:
    resources = RocksResources()
    stores = [RocksStore(folder, resources) for folder in folders]
    try:
        positions = [partition_store(store, topic_id, partition).position.events_offset for store in stores]
        newest = max(positions)
        left = [decode(record.value) for record in records if record.offset >= newest]
        missing = [type(read).__name__ for read in left if not isinstance(read, log.PartitionOpened)]
        assert not missing, f"partition {partition}: no store has the last {len(missing)} records: {missing[:10]}"
        expected = set(dump(rebuilt(topic_id, partition, (record for record in records if record.offset < newest))))
        actual = set(dump(stores[positions.index(newest)]))
        differing = sorted(expected ^ actual)
        assert not differing, f"partition {partition}: {len(differing)} rows differ: {differing[:4]}"
        return len(actual)
    finally:
        for store in stores:
            store.close()
