"""What a partition's store costs: `python -m benchmarks.store`. No broker; everything is in this process.

The live path is measured with few and with many open runs in the store, since it must not matter how many there are.
Restore is measured on a log of runs with five activities each, most of them closed. Times are CPU time of the thread
that calls, so that a busy machine does not blur them; RocksDB's own threads come on top, and only opening and closing,
which wait for the disk, are taken by the clock.
"""

from __future__ import annotations

import random
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import psutil
from foldlog.core.outcome import Outcome
from foldlog.core.state import Run
from foldlog.processors.store import PartitionStore, Restorer, RocksResources, RocksStore
from foldlog.schemas import event, log
from foldlog.schemas.codec import SingleObjectCodec
from foldlog.schemas.common import Payload, RetryPolicy

from benchmarks.setting import console, show, write

CODEC = SingleObjectCodec()
BATCH = 500
REPEATS = 2_000
ARGUMENT = Payload(encoding="json/plain", data=b'{"customer": 4711, "items": [{"sku": "A-1", "quantity": 2}]}')


class Log:
    """Makes transactions as a processor does, and applies them to a store."""

    def __init__(self, store: PartitionStore) -> None:
        self.store = store
        self.now_ms = 1_700_000_000_000
        self.offset = 0
        self.seconds = 0.0
        self.records = 0

    def begin(self) -> Outcome:
        self.now_ms += 3
        return Outcome(now_ms=self.now_ms, namespace="bench", encode=CODEC.encode)

    def commit(self, outcome: Outcome) -> list[tuple[bytes | None, bytes]]:
        """Apply a transaction; gives key and value of its records."""
        outcome.append_loose("", log.BatchCommitted(commands_offset=self.offset, time_ms=self.now_ms))
        began = time.thread_time()
        batch = self.store.stage()
        for entry in outcome.log:
            batch.add(entry.workflow_id, entry.record, entry.encoded, entry.run)
        self.offset += len(outcome.log)
        self.store.commit(batch, self.offset)
        self.store.next_due_ms()
        self.seconds += time.thread_time() - began
        self.records += len(outcome.log)
        return [(entry.workflow_id.encode() or None, entry.encoded) for entry in outcome.log]


def start(outcome: Outcome, workflow_id: str) -> Run:
    """A workflow that waits for its first activity and for a timer."""
    started = event.WorkflowExecutionStarted(
        workflow_type="Order", task_queue="orders", args=[ARGUMENT], request_id=str(uuid.uuid4()), identity="1@host"
    )
    run = outcome.begin(workflow_id, str(uuid.uuid4()), started)
    outcome.append(run, event.TimerStarted(timer_id=1, fire_ms=outcome.now_ms + 86_400_000))
    schedule(outcome, run)
    return run


def schedule(outcome: Outcome, run: Run) -> None:
    """The next activity."""
    scheduled = event.ActivityTaskScheduled(
        activity_id=str(run.last_event_id),
        activity_type="ReserveInventory",
        task_queue="orders",
        args=[ARGUMENT],
        schedule_to_close_timeout_ms=60_000,
        start_to_close_timeout_ms=10_000,
        retry_policy=RetryPolicy(),
    )
    outcome.append(run, scheduled)


def step(outcome: Outcome, run: Run, last: bool) -> None:
    """The activity completes; the next one follows, or the end."""
    scheduled_event_id = next(iter(run.activities))
    outcome.append(run, event.ActivityTaskCompleted(scheduled_event_id=scheduled_event_id, result=ARGUMENT))
    if last:
        outcome.append(run, event.WorkflowExecutionCompleted(result=ARGUMENT))
    else:
        schedule(outcome, run)


def open_runs(live: Log, first: int, last: int) -> None:
    """Start workflows that stay open."""
    for base in range(first, last, BATCH):
        outcome = live.begin()
        for number in range(base, min(base + BATCH, last)):
            start(outcome, f"order-{number:09d}")
        live.commit(outcome)


def each(what: Callable[[int], object], repeats: int = REPEATS) -> str:
    """Microseconds per call, as text."""
    began = time.thread_time()
    for number in range(repeats):
        what(number)
    return f"{(time.thread_time() - began) / repeats * 1e6:.1f} µs"


def measure_live(live: Log, count: int) -> dict[str, str]:
    """The costs with so many open runs."""
    store = live.store
    ids = [f"order-{random.randrange(count):09d}" for _ in range(REPEATS)]
    run_ids = [store.current_run_id(workflow_id) or "" for workflow_id in ids]

    def transactions(width: int) -> str:
        runs = [
            store.load_run(workflow_id, run_id) for workflow_id, run_id in dict(zip(ids, run_ids, strict=True)).items()
        ]
        live.seconds, live.records = 0.0, 0
        for base in range(0, len(runs), width):
            outcome = live.begin()
            for run in runs[base : base + width]:
                step(outcome, run, last=False)
            live.commit(outcome)
        return f"{live.seconds / live.records * 1e6:.1f} µs"

    return {
        "apply a record, 1 workflow per transaction": transactions(1),
        "apply a record, 200 workflows per transaction": transactions(200),
        "find the current run": each(lambda n: store.current_run_id(ids[n])),
        "head of a run": each(lambda n: store.head(ids[n], run_ids[n])),
        "a request ID that is new": each(lambda n: store.answer(ids[n], f"new {n}")),
        "load and fold a run": each(lambda n: store.load_run(ids[n], run_ids[n])),
        "is anything due": each(lambda n: store.due(live.now_ms, 100)),
        "100 due times": each(lambda n: store.due(1 << 61, 100), 100),
    }


def closing_log(live: Log, workflows: int) -> Iterator[tuple[bytes | None, bytes]]:
    """The records of workflows with five activities, a tenth of which stays open after two of them."""
    for base in range(0, workflows, 200):
        outcome = live.begin()
        runs = [start(outcome, f"closed-{number:09d}") for number in range(base, base + 200)]
        yield from live.commit(outcome)
        for number in range(5):
            outcome = live.begin()
            for position, run in enumerate(runs):
                if position % 10 or number < 2:
                    step(outcome, run, last=number == 4)
            yield from live.commit(outcome)


def measure_restore(folder: Path, resources: RocksResources, workflows: int) -> dict[str, str]:
    """How fast a log is folded into an empty store."""
    kv = RocksStore(folder / "written", resources)
    records = list(closing_log(Log(PartitionStore(kv, CODEC)), workflows))
    kv.close()
    kv = RocksStore(folder / "restored", resources)
    restorer = Restorer(PartitionStore(kv, CODEC), CODEC, epoch="none")
    began = time.thread_time()
    for offset, (key, value) in enumerate(records):
        restorer.feed(key, value, offset)
    restorer.flush()
    seconds = time.thread_time() - began
    kv.close()
    size = sum(len(value) for _, value in records)
    return {
        "records": f"{len(records):,} of {size / len(records):.0f} B",
        "records per second of CPU": f"{len(records) / seconds:,.0f}",
        "MB per second of CPU": f"{size / seconds / 1e6:.1f}",
    }


def on_disk(folder: Path) -> int:
    """Bytes of all files."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@click.command()
@click.option("--few", default=1_000, show_default=True, help="Open runs to compare with.")
@click.option("--many", default=200_000, show_default=True, help="Open runs.")
@click.option("--restore", default=20_000, show_default=True, help="Workflows in the log that is restored.")
def main(few: int, many: int, restore: int) -> None:
    """Measure the store of one partition."""
    resources = RocksResources()
    process = psutil.Process()
    with tempfile.TemporaryDirectory(prefix="foldlog-bench-") as name:
        folder = Path(name)
        kv = RocksStore(folder / "store", resources)
        live = Log(PartitionStore(kv, CODEC))
        open_runs(live, 0, few)
        with_few = measure_live(live, few)
        resident = process.memory_info().rss
        live.seconds, live.records = 0.0, 0
        open_runs(live, few, many)
        filling = f"{live.seconds / live.records * 1e6:.1f} µs"
        grown = process.memory_info().rss - resident
        kv.flush()
        size = on_disk(folder / "store")
        with_many = measure_live(live, many)
        used = resources.used_bytes
        began = time.perf_counter()
        kv.close()
        closing = time.perf_counter() - began
        began = time.perf_counter()
        kv = RocksStore(folder / "store", resources)
        store = PartitionStore(kv, CODEC)
        opening = time.perf_counter() - began
        console.print(f"open runs found again: {store.counts().open_runs:,}")
        kv.close()
        restored = measure_restore(folder, resources, restore)
    sizes = {
        f"apply a record while growing to {many:,} open runs": filling,
        "on disk per open run": f"{size / many:.0f} B",
        "memory of the process, grown": f"{grown / 1e6:.0f} MB",
        "memory of RocksDB, of 128 MiB": f"{used / 1e6:.0f} MB",
        "close": f"{closing * 1e3:.0f} ms",
        "open": f"{opening * 1e3:.0f} ms",
    }
    rows = [(what, with_few[what], with_many[what]) for what in with_few]
    show("One partition's store", ["", f"{few:,} open runs", f"{many:,} open runs"], rows)
    show("Size", ["", ""], list(sizes.items()))
    show("Restore", ["", ""], list(restored.items()))
    write("store", {f"{few} open": with_few, f"{many} open": with_many, "size": sizes, "restore": restored})


if __name__ == "__main__":
    main()
