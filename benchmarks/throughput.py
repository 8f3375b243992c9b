"""Workflows per second and time from start to result, beside the bare loop: `python -m benchmarks.throughput`.

One and Five go through the task topic; FiveEager is Five with the activity worker in the processor's process; FiveLocal
uses local activities. The bare loop runs before and after each of them, on the same broker, so that the ratio holds
while the machine's speed drifts. Broker, processor, worker and client share the machine.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from foldlog.client import Client
from foldlog.connectors.embedded import broker_from_environment

from benchmarks.bare_loop import BareClient
from benchmarks.setting import (
    PARTITIONS,
    Driver,
    console,
    cpu_seconds,
    drop,
    fresh_namespace,
    milliseconds,
    processes,
    show,
    write,
)
from benchmarks.workloads import Five, FiveLocal, One

CASES: dict[str, tuple[Any, list[str], str]] = {
    "One": (One.run, ["workflows", "activities"], "One"),
    "Five": (Five.run, ["workflows", "activities"], "Five"),
    "FiveEager": (Five.run, ["both"], "Five"),
    "FiveLocal": (FiveLocal.run, ["both"], "Five"),
}
"""The workflow, the processes, and the bare loop's workflow to compare with."""


@dataclass
class Size:
    """How much is measured."""

    workflows: int
    at_once: int
    single: int


@dataclass
class Figures:
    """What was measured of one side of a case."""

    per_s: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    """For each workflow, of foldlog's own processes: neither the client nor the broker is in it."""


def measure_bare(folder: Path, servers: str, kind: str, size: Size, figures: Figures) -> None:
    """One round of the bare loop."""
    prefix = f"bare-{uuid.uuid4().hex[:8]}"
    names = [f"{prefix}.{name}" for name in ("commands", "events", "tasks", "replies")]
    admin = AdminClient({"bootstrap.servers": servers})
    for created in admin.create_topics([NewTopic(name, PARTITIONS, 1) for name in names]).values():
        created.result(30)
    with processes(folder, servers, prefix, ["bare-processor", "bare-worker"]):
        client = BareClient(servers, prefix)
        client.latencies(kind, 30)
        figures.seconds += client.latencies(kind, size.single)
        figures.per_s.append(client.per_second(kind, size.workflows, size.at_once))
        client.close()


async def measure(folder: Path, servers: str, case: str, size: Size, figures: Figures) -> None:
    """One round of foldlog."""
    workflow, roles, _ = CASES[case]
    namespace = fresh_namespace(servers)
    with processes(folder, servers, namespace, roles) as pids:
        async with await Client.connect(servers, namespace=namespace) as client:
            driver = Driver(client)
            await driver.latencies(workflow, 30)
            figures.seconds += await driver.latencies(workflow, size.single)
            used = cpu_seconds(pids)
            figures.per_s.append(await driver.per_second(workflow, size.workflows, size.at_once))
            figures.cpu_ms.append((cpu_seconds(pids) - used) * 1000 / size.workflows)
    drop(servers, namespace)


def result(ours: Figures, bare: Figures) -> dict[str, float]:
    """The figures of one case."""
    return {
        "per_s": round(statistics.median(ours.per_s), 1),
        "bare_per_s": round(statistics.median(bare.per_s), 1),
        "p50_ms": round(milliseconds(ours.seconds, 50), 2),
        "p99_ms": round(milliseconds(ours.seconds, 99), 2),
        "bare_p50_ms": round(milliseconds(bare.seconds, 50), 2),
    }


def print_results(results: dict[str, dict[str, float]]) -> None:
    """The table."""
    rows = [
        [
            case,
            f"{found['per_s']:,.0f}",
            f"{found['bare_per_s']:,.0f}",
            f"{found['per_s'] / found['bare_per_s']:.2f}",
            f"{found['p50_ms']:.1f}",
            f"{found['p99_ms']:.1f}",
            f"{found['bare_p50_ms']:.1f}",
            f"{found['p50_ms'] / found['bare_p50_ms']:.2f}",
        ]
        for case, found in results.items()
    ]
    columns = ["", "workflows/s", "bare", "ratio", "p50 ms", "p99 ms", "bare p50 ms", "ratio"]
    show("foldlog beside the bare loop", columns, rows)


@click.command()
@click.option("--workflows", default=5_000, show_default=True, help="Per round, for the throughput.")
@click.option("--at-once", default=500, show_default=True, help="Open at the same time, for the throughput.")
@click.option("--single", default=150, show_default=True, help="Per round, one at a time, for the latency.")
@click.option("--rounds", default=2, show_default=True, help="Rounds of each side.")
@click.option("--case", "cases", multiple=True, type=click.Choice(list(CASES)), help="Only these.")
def main(workflows: int, at_once: int, single: int, rounds: int, cases: tuple[str, ...]) -> None:
    """Measure, print a table, and write benchmarks/results/latest.json."""
    size = Size(workflows, at_once, single)
    results: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory(prefix="foldlog-bench-") as name, broker_from_environment() as servers:
        for case in cases or CASES:
            ours, bare = Figures(), Figures()
            for number in range(rounds):
                console.print(f"{case}, round {number + 1} of {rounds}")
                measure_bare(Path(name), servers, CASES[case][2], size, bare)
                asyncio.run(measure(Path(name), servers, case, size, ours))
            results[case] = result(ours, bare)
    print_results(results)
    if not cases:
        write("latest", results)


if __name__ == "__main__":
    main()
