"""One workflow with many children, or many parallel activities: `python -m benchmarks.fanout`.

Each is measured beside as many independent workflows that do the same work: Trivial beside a parent of Trivials, One
beside a workflow with that many activities at once. All in the same namespace and with the same processes, in turn, so
that the ratios hold while the machine's speed drifts. Broker, processor, worker and client share the machine.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import psutil
from foldlog.client import Client
from foldlog.connectors.embedded import broker_from_environment

from benchmarks.setting import Driver, console, fresh_namespace, processes, show, write
from benchmarks.workloads import ManyActivities, ManyChildren, One, Trivial

ROLES = ["workflows", "activities"]
MIB = 1 << 20
CASES: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "children": (ManyChildren.run, Trivial.run),
    "activities": (ManyActivities.run, One.run),
}
"""The workflow that fans out, and what as many independent workflows do."""


async def measure(folder: Path, servers: str, cases: tuple[str, ...], count: int, rounds: int) -> dict[str, Any]:
    """Seconds of both sides of each case."""
    namespace = fresh_namespace(servers)
    seconds: dict[str, list[float]] = defaultdict(list)
    with processes(folder, servers, namespace, ROLES) as pids:
        async with await Client.connect(servers, namespace=namespace) as client:
            driver = Driver(client)
            for case in cases:
                wide, independent = CASES[case]
                await driver.per_second(independent, min(count, 500), 100)
                await driver.one(wide, min(count, 200))
                for number in range(rounds):
                    console.print(f"{case}, round {number + 1} of {rounds}")
                    seconds[f"{case} independent"].append(count / await driver.per_second(independent, count, 500))
                    began = time.perf_counter()
                    await driver.one(wide, count)
                    seconds[case].append(time.perf_counter() - began)
        rss = psutil.Process(pids[0]).memory_info().rss / MIB
    found: dict[str, Any] = {"processor_rss_mib": round(rss)}
    for case in cases:
        fanned, alone = statistics.median(seconds[case]), statistics.median(seconds[f"{case} independent"])
        found[case] = {
            "count": count,
            "seconds": round(fanned, 2),
            "independent_seconds": round(alone, 2),
            "ratio": round(fanned / alone, 2),
        }
    return found


@click.command()
@click.option("--count", default=10_000, show_default=True, help="Children, activities, independent workflows.")
@click.option("--rounds", default=3, show_default=True)
@click.option("--case", "cases", multiple=True, type=click.Choice(list(CASES)), help="Only these.")
def main(count: int, rounds: int, cases: tuple[str, ...]) -> None:
    """Measure, print a table, and write benchmarks/results/fanout.json."""
    with tempfile.TemporaryDirectory(prefix="foldlog-bench-") as name, broker_from_environment() as servers:
        results = asyncio.run(measure(Path(name), servers, cases or tuple(CASES), count, rounds))
    rows = [
        [case, f"{found['count']:,}", f"{found['seconds']:.1f}", f"{found['independent_seconds']:.1f}", found["ratio"]]
        for case, found in results.items()
        if case in CASES
    ]
    columns = ["", "count", "in one workflow, s", "independent, s", "ratio"]
    show("Fan-out beside independent workflows", columns, [[str(cell) for cell in row] for row in rows])
    console.print(f"memory of the processor at the end: {results['processor_rss_mib']} MiB")
    if not cases:
        write("fanout", results)


if __name__ == "__main__":
    main()
