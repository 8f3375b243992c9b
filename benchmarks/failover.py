"""How long workflows stand still when a processor is killed: `python -m benchmarks.failover`.

Two processors share the partitions, and short workflows are started in every partition at a steady rate, whether or not
anybody answers. One processor is killed with SIGKILL. The gap of a partition is the longest time between two results
after another, as the client sees them, from just before the kill until all that was started has ended. Two cases:

- takeover: default settings, and nobody comes back. The other processor takes over.
- restart: the processor has a stable instance ID and is started again at once. Its own start is part of the gap.

The partitions of the other processor are looked at as well, as the client sees them and as the log has them: a
transaction that the killed one left open in a partition of replies may hold back the answers that come after it.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
from foldlog.client import Client
from foldlog.connectors.embedded import broker_from_environment
from foldlog.schemas.event import WorkflowExecutionCompleted
from foldlog.schemas.framing import decode
from foldlog.schemas.log import PartitionOpened
from foldlog.transport.config import KafkaConfig
from foldlog.transport.topic_reader import read_topic
from foldlog.transport.topics import Topics, partition_of

from benchmarks.setting import LIMIT, PARTITIONS, await_ready, console, end, fresh_namespace, launch, show, write
from benchmarks.workloads import TASK_QUEUE, One

CASES = ("takeover", "restart")
STABLE = "processor-to-be-killed"
BALANCED_SECONDS = 60.0
"""In which each of the two processors must own half of the partitions."""
BEFORE_SECONDS = 3.0
"""Steady load before the kill, and up to a second more, so that the kill falls anywhere between two heartbeats."""
AFTER_SECONDS = 3.0
"""Steady load after every partition has gone on, to see that none stops again."""


@dataclass
class Load:
    """Short workflows in every partition, started at a steady rate."""

    client: Client
    per_second: float
    """In each partition."""
    results: list[list[float]] = field(default_factory=lambda: [[] for _ in range(PARTITIONS)])
    """By partition, when each result came, in monotonic seconds."""
    newest_start: list[float] = field(default_factory=lambda: [0.0] * PARTITIONS)
    """By partition, the latest start among the workflows that have ended."""
    _ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, over: asyncio.Event) -> None:
        """Start workflows until it is over, then wait for the end of all of them."""
        names = [_names_in(partition) for partition in range(PARTITIONS)]
        began = time.monotonic()
        async with asyncio.TaskGroup() as workflows:
            for number in itertools.count():
                for partition in range(PARTITIONS):
                    workflows.create_task(self._one(partition, next(names[partition])))
                pause = began + (number + 1) / self.per_second - time.monotonic()
                if over.is_set():
                    return
                await asyncio.sleep(max(pause, 0.0))

    async def _one(self, partition: int, name: str) -> None:
        started = time.monotonic()
        await self.client.execute_workflow(One.run, "x", id=name, task_queue=TASK_QUEUE, rpc_timeout=LIMIT)
        self.results[partition].append(time.monotonic())
        self.newest_start[partition] = max(self.newest_start[partition], started)
        self._ended.set()

    async def gone_on_after(self, moment: float) -> None:
        """Wait until a workflow that was started after that moment has ended in every partition."""
        async with asyncio.timeout(LIMIT.total_seconds()):
            while min(self.newest_start) < moment:
                self._ended.clear()
                await self._ended.wait()


def longest(times: Sequence[float], killed: float) -> float:
    """The longest time between two moments, from the last one before the kill on."""
    last = max(index for index, moment in enumerate(times) if moment < killed)
    return max(later - earlier for earlier, later in itertools.pairwise(times[last:]))


def closings(servers: str, namespace: str) -> list[list[float]]:
    """By partition, when each workflow completed according to the log, in Unix seconds."""
    found: list[list[float]] = [[] for _ in range(PARTITIONS)]
    for record in read_topic(KafkaConfig(bootstrap_servers=servers), Topics(namespace).events):
        event = decode(record.value)
        if isinstance(event, WorkflowExecutionCompleted):
            found[record.partition].append(event.time_ms / 1000)
    return found


def _names_in(partition: int) -> Iterator[str]:
    """Workflow IDs that live in a partition."""
    return (name for name in map("short-{}".format, itertools.count()) if partition_of(name, PARTITIONS) == partition)


def owners(servers: str, namespace: str) -> dict[int, str]:
    """The instance that opened each partition last."""
    found: dict[int, str] = {}
    for record in read_topic(KafkaConfig(bootstrap_servers=servers), Topics(namespace).events):
        opened = decode(record.value)
        if isinstance(opened, PartitionOpened):
            found[record.partition] = opened.instance
    return found


async def balanced(servers: str, namespace: str, own: str) -> set[int]:
    """Wait until the processor whose instance begins with `own` has half of the partitions; returns which.

    Raises:
        TimeoutError: It never has.
    """
    async with asyncio.timeout(BALANCED_SECONDS):
        while True:
            found = await asyncio.to_thread(owners, servers, namespace)
            mine = {partition for partition, instance in found.items() if instance.startswith(own)}
            if len(found) == PARTITIONS and len(mine) == PARTITIONS // 2:
                return mine
            await asyncio.sleep(0.2)


@dataclass
class Round:
    """What one kill did, in seconds."""

    gaps: list[float]
    """Of the partitions of the killed processor."""
    others: list[float]
    """Of the partitions of the one that lived."""
    others_in_log: list[float]
    """The same, between the ends of workflows in the log."""
    started: float | None
    """From the kill until the new process had started, where there was one."""


async def measure(folder: Path, servers: str, case: str, per_second: float) -> Round:
    """One kill, in a namespace of its own."""
    namespace = fresh_namespace(servers)
    stable = ["--instance-id", STABLE] if case == "restart" else []
    running: list[subprocess.Popen[str]] = []
    try:
        victim = launch(folder, servers, namespace, "workflows", "victim", *stable)
        running.append(victim)
        for role in ("workflows", "activities"):
            running.append(launch(folder, servers, namespace, role, role))
        for process in running:
            await asyncio.to_thread(await_ready, process)
        mine = await balanced(servers, namespace, STABLE if stable else f"{victim.pid}@")
        async with await Client.connect(servers, namespace=namespace) as client, asyncio.TaskGroup() as tasks:
            over = asyncio.Event()
            load = Load(client, per_second)
            tasks.create_task(load.run(over))
            await load.gone_on_after(time.monotonic())
            await asyncio.sleep(BEFORE_SECONDS + random.random())
            killed, killed_at = time.monotonic(), time.time()
            victim.kill()
            await asyncio.to_thread(victim.wait)
            started: float | None = None
            if stable:
                running.append(launch(folder, servers, namespace, "workflows", "victim", *stable))
                await asyncio.to_thread(await_ready, running[-1])
                started = time.monotonic() - killed
            await load.gone_on_after(killed)
            await asyncio.sleep(AFTER_SECONDS)
            over.set()
        gaps = [longest(times, killed) for times in load.results]
        in_log = [longest(times, killed_at) for times in await asyncio.to_thread(closings, servers, namespace)]
    finally:
        await asyncio.to_thread(end, running)
    others = [partition for partition in range(PARTITIONS) if partition not in mine]
    return Round([gaps[p] for p in mine], [gaps[p] for p in others], [in_log[p] for p in others], started)


def result(rounds: list[Round]) -> dict[str, Any]:
    """The figures of one case."""
    gaps = [gap for found in rounds for gap in found.gaps]
    started = [found.started for found in rounds if found.started is not None]
    return {
        "kills": len(rounds),
        "p50_s": round(statistics.median(gaps), 2),
        "max_s": round(max(gaps), 2),
        "others_max_s": round(max(gap for found in rounds for gap in found.others), 2),
        "others_in_log_max_s": round(max(gap for found in rounds for gap in found.others_in_log), 2),
        "process_start_p50_s": round(statistics.median(started), 2) if started else None,
        "gaps_s": [round(gap, 2) for gap in gaps],
    }


@click.command()
@click.option("--rounds", default=5, show_default=True, help="Kills in each case.")
@click.option("--per-second", default=20.0, show_default=True, help="Workflows started per second in each partition.")
@click.option("--case", "cases", multiple=True, type=click.Choice(CASES), help="Only these.")
def main(rounds: int, per_second: float, cases: tuple[str, ...]) -> None:
    """Measure, print a table, and write benchmarks/results/failover.json."""
    results: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory(prefix="foldlog-bench-") as name, broker_from_environment() as servers:
        for case in cases or CASES:
            found = []
            for number in range(rounds):
                found.append(asyncio.run(measure(Path(name), servers, case, per_second)))
                gaps = ", ".join(f"{gap:.2f}" for gap in found[-1].gaps)
                console.print(f"{case}, kill {number + 1} of {rounds}: its partitions stood still for {gaps} s")
            results[case] = result(found)
    rows = [
        [
            case,
            str(found["kills"]),
            f"{found['p50_s']:.2f}",
            f"{found['max_s']:.2f}",
            f"{found['others_max_s']:.2f}",
            f"{found['others_in_log_max_s']:.2f}",
            "" if found["process_start_p50_s"] is None else f"{found['process_start_p50_s']:.2f}",
        ]
        for case, found in results.items()
    ]
    columns = ["", "kills", "gap p50 s", "gap max s", "others max s", "others in log", "process start s"]
    show("A processor is killed", columns, rows)
    if not cases:
        write("failover", {**results, "per_second_and_partition": per_second})


if __name__ == "__main__":
    main()
