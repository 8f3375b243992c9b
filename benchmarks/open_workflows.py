"""What open workflows cost: `python -m benchmarks.open_workflows`.

Measures the throughput of One with 1,000 and with 200,000 other workflows open in the store, in turn with nothing else
changed; the memory of the processor at both; and how fast an empty store is restored from the events of all of them.
"""

from __future__ import annotations

import asyncio
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import click
import psutil
from foldlog.client import Client
from foldlog.connectors.embedded import broker_from_environment

from benchmarks.setting import LIMIT, Driver, console, fresh_namespace, processes, show, write
from benchmarks.workloads import TASK_QUEUE, One, Waiting

ROLES = ["workflows", "activities"]
MIB = 1 << 20


async def open_until(client: Client, opened: int, wanted: int, at_once: int) -> None:
    """Start workflows that stay open, until there are so many."""
    numbers = iter(range(opened, wanted))

    async def lane() -> None:
        for number in numbers:
            await client.start_workflow(Waiting.run, id=f"open-{number}", task_queue=TASK_QUEUE, rpc_timeout=LIMIT)

    async with asyncio.TaskGroup() as lanes:
        for _ in range(at_once):
            lanes.create_task(lane())


async def measure(client: Client, pid: int, workflows: int, at_once: int, rounds: int) -> dict[str, float]:
    """Throughput and the processor's memory as things are."""
    driver = Driver(client)
    await driver.per_second(One.run, workflows // 4, at_once)
    per_s = [await driver.per_second(One.run, workflows, at_once) for _ in range(rounds)]
    return {"per_s": statistics.median(per_s), "rss_mib": psutil.Process(pid).memory_info().rss / MIB}


async def grow(
    folder: Path, servers: str, namespace: str, counts: list[int], options: dict[str, Any]
) -> dict[str, Any]:
    """The figures for each number of open workflows."""
    found: dict[str, Any] = {}
    with processes(folder, servers, namespace, ROLES, "--cached", str(options["cached"])) as pids:
        async with await Client.connect(servers, namespace=namespace) as client:
            opened = 0
            for count in counts:
                console.print(f"{count:,} open workflows")
                await open_until(client, opened, count, options["at_once"])
                opened = count
                found[str(count)] = await measure(
                    client, pids[0], options["workflows"], options["at_once"], options["rounds"]
                )
    return found


async def restore(folder: Path, servers: str, namespace: str, last: str) -> dict[str, float]:
    """How long a processor without a store takes until it answers about the last workflow."""
    shutil.rmtree(folder / "state")
    began = time.perf_counter()
    with processes(folder, servers, namespace, ["workflows"]):
        async with await Client.connect(servers, namespace=namespace) as client:
            description = await client.get_workflow_handle(last).describe(rpc_timeout=LIMIT)
            assert description.id == last
    return {"seconds": time.perf_counter() - began}


@click.command()
@click.option("--few", default=1_000, show_default=True)
@click.option("--many", default=200_000, show_default=True)
@click.option("--workflows", default=4_000, show_default=True, help="Per round.")
@click.option("--at-once", default=500, show_default=True)
@click.option("--rounds", default=3, show_default=True)
@click.option("--cached", default=10_000, show_default=True, help="Workflows that the processor keeps in memory.")
def main(few: int, many: int, workflows: int, at_once: int, rounds: int, cached: int) -> None:
    """Measure, print a table, and write benchmarks/results/open_workflows.json."""
    options = {"workflows": workflows, "at_once": at_once, "rounds": rounds, "cached": cached}
    with tempfile.TemporaryDirectory(prefix="foldlog-bench-") as name, broker_from_environment() as servers:
        namespace = fresh_namespace(servers)
        found = asyncio.run(grow(Path(name), servers, namespace, [few, many], options))
        restored = asyncio.run(restore(Path(name), servers, namespace, f"open-{many - 1}"))
    ratio = found[str(many)]["per_s"] / found[str(few)]["per_s"]
    per_100k = (found[str(many)]["rss_mib"] - found[str(few)]["rss_mib"]) / (many - few) * 100_000
    # Each open workflow has one event, each One four, and the first round of each number was a quarter.
    events = many + int(2 * (rounds + 0.25) * workflows) * 4
    rows = [[f"{int(count):,}", f"{f['per_s']:,.0f}", f"{f['rss_mib']:,.0f}"] for count, f in found.items()]
    show("One, beside open workflows", ["open", "workflows/s", "processor MiB"], rows)
    console.print(f"throughput with many / with few: {ratio:.2f}")
    console.print(f"memory per 100,000 open workflows: {per_100k:,.0f} MiB")
    console.print(
        f"restore of an empty store, process start included: {restored['seconds']:.1f} s, "
        f"{events / restored['seconds']:,.0f} events/s"
    )
    summary = {"ratio": ratio, "mib_per_100k": per_100k, "restore_s": restored["seconds"], "events": events}
    write("open_workflows", {"open": found, **summary})


if __name__ == "__main__":
    main()
