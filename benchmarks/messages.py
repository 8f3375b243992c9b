"""Messages to one workflow: `python -m benchmarks.messages`.

An update's round trip beside a query's, one at a time and in turns; then signals into one workflow as fast as a client
sends them, many on their way at once. Every signal must be in the history once and in order. Broker, processor and
client share the machine.
"""

from __future__ import annotations

import asyncio
import itertools
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

import click
from foldlog.client import Client, WorkflowHandle
from foldlog.connectors.embedded import broker_from_environment

from benchmarks.counting import Counting
from benchmarks.setting import LIMIT, console, fresh_namespace, milliseconds, processes, show, write
from benchmarks.workloads import TASK_QUEUE


async def open_workflow(client: Client) -> WorkflowHandle[Counting, int]:
    """A workflow that takes messages."""
    name = f"counting-{uuid.uuid4().hex[:8]}"
    return await client.start_workflow(Counting.run, id=name, task_queue=TASK_QUEUE, rpc_timeout=LIMIT)


async def round_trips(client: Client, count: int) -> dict[str, float]:
    """Seconds of queries and updates, in turns."""
    handle = await open_workflow(client)
    queries, updates = [], []
    for number in range(-30, count):
        before = time.perf_counter()
        assert await handle.query(Counting.look, abs(number)) == abs(number) + 1
        between = time.perf_counter()
        assert await handle.execute_update(Counting.bump, abs(number)) == abs(number) + 1
        after = time.perf_counter()
        if number >= 0:
            queries.append(between - before)
            updates.append(after - between)
    await handle.signal(Counting.end)
    await handle.result(rpc_timeout=LIMIT)
    query_p50, update_p50 = milliseconds(queries, 50), milliseconds(updates, 50)
    return {
        "query_p50_ms": round(query_p50, 2),
        "update_p50_ms": round(update_p50, 2),
        "query_p99_ms": round(milliseconds(queries, 99), 2),
        "update_p99_ms": round(milliseconds(updates, 99), 2),
        "update_per_query": round(update_p50 / query_p50, 3),
    }


async def signals(client: Client, count: int, at_once: int) -> dict[str, float]:
    """Signals per second into one workflow, from the first one sent to the last one in its history."""
    handle = await open_workflow(client)
    numbers = itertools.count()
    began = time.perf_counter()

    async def lane() -> None:
        while (number := next(numbers)) < count:
            await handle.signal(Counting.add, number, rpc_timeout=LIMIT)

    async with asyncio.TaskGroup() as lanes:
        for _ in range(at_once):
            lanes.create_task(lane())
    seconds = time.perf_counter() - began
    await handle.signal(Counting.end, rpc_timeout=LIMIT)
    assert await handle.result(rpc_timeout=LIMIT) == count, "signals were lost, doubled or out of order"
    length = (await handle.describe()).history_length
    assert length == count + 3, f"the history has {length} events"
    return {"signals": count, "at_once": at_once, "signals_per_s": round(count / seconds, 1)}


async def measure(folder: Path, servers: str, count: int, signal_count: int, at_once: int) -> dict[str, Any]:
    """All figures of one round."""
    namespace = fresh_namespace(servers)
    with processes(folder, servers, namespace, ["messages"]):
        async with await Client.connect(servers, namespace=namespace) as client:
            found: dict[str, Any] = await round_trips(client, count)
            await signals(client, signal_count // 10, at_once)
            return {**found, **await signals(client, signal_count, at_once)}


@click.command()
@click.option("--messages", "count", default=500, show_default=True, help="Queries, and updates, one at a time.")
@click.option("--signals", "signal_count", default=50_000, show_default=True, help="Into one workflow.")
@click.option("--at-once", default=1_000, show_default=True, help="Signals on their way at the same time.")
@click.option("--keep", is_flag=True, help="Write benchmarks/results/messages.json.")
def main(count: int, signal_count: int, at_once: int, keep: bool) -> None:
    """Measure, and print a table."""
    with tempfile.TemporaryDirectory(prefix="foldlog-bench-") as name, broker_from_environment() as servers:
        console.print("messages to one workflow")
        found = asyncio.run(measure(Path(name), servers, count, signal_count, at_once))
    rows = [[name.replace("_", " "), f"{value:,}"] for name, value in found.items()]
    show("messages to one workflow", ["", "figure"], rows)
    if keep:
        write("messages", found)


if __name__ == "__main__":
    main()
