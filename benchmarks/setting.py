"""What measurements share: a broker, processes, a client that drives workflows, and tables of results."""

from __future__ import annotations

import asyncio
import json
import platform
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
from confluent_kafka.admin import AdminClient
from foldlog.client import Client
from foldlog.transport.admin import create_topics
from foldlog.transport.config import KafkaConfig
from foldlog.transport.topics import Topics
from rich.console import Console
from rich.table import Table

from benchmarks.workloads import TASK_QUEUE

RESULTS = Path(__file__).parent / "results"
PARTITIONS = 4
LIMIT = timedelta(seconds=120)
"""A workflow that takes longer than this is a failure of the measurement."""
console = Console()


def fresh_namespace(servers: str) -> str:
    """A namespace with its topics."""
    namespace = f"bench-{uuid.uuid4().hex[:8]}"
    topics = Topics(namespace)
    create_topics(KafkaConfig(bootstrap_servers=servers), topics, partitions=PARTITIONS, task_queues=[TASK_QUEUE])
    return namespace


def drop(servers: str, namespace: str) -> None:
    """Delete a namespace's topics, where many follow: a broker with thousands of partitions is another one."""
    admin = AdminClient({"bootstrap.servers": servers})
    topics = [name for name in admin.list_topics(timeout=30).topics if name.startswith(f"{namespace}.")]
    for deleted in admin.delete_topics(topics).values():
        deleted.result(30)


def launch(folder: Path, servers: str, namespace: str, role: str, name: str, *more: str) -> subprocess.Popen[str]:
    """Start a process; it says `ready` on its output once it is, and what it logs goes to a file of that name."""
    command = [sys.executable, "-m", "benchmarks.process", role, "--servers", servers, "--namespace", namespace]
    command += ["--state-dir", str(folder / "state"), *more]
    with (folder / f"{namespace}-{name}.log").open("a") as log:
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)


def await_ready(process: subprocess.Popen[str]) -> None:
    """Wait until a launched process has started.

    Raises:
        RuntimeError: It ended instead.
    """
    assert process.stdout is not None
    if process.stdout.readline().strip() != "ready":
        raise RuntimeError("a process did not start; see the logs in the measurement's folder")


def end(running: Sequence[subprocess.Popen[str]]) -> None:
    """Ask processes to end, and wait; some may have been killed before."""
    for process in running:
        process.terminate()
    for process in running:
        process.wait(30)
        assert process.stdout is not None
        process.stdout.close()


@contextmanager
def processes(folder: Path, servers: str, namespace: str, roles: Sequence[str], *more: str) -> Iterator[list[int]]:
    """Run processes for as long as the block does; gives their process IDs."""
    running: list[subprocess.Popen[str]] = []
    try:
        for number, role in enumerate(roles):
            running.append(launch(folder, servers, namespace, role, f"{role}-{number}", *more))
        for process in running:
            await_ready(process)
        yield [process.pid for process in running]
    finally:
        end(running)


def cpu_seconds(pids: Sequence[int]) -> float:
    """What processes have used of processors so far, in their own code and in the system's."""
    times = [psutil.Process(pid).cpu_times() for pid in pids]
    return sum(each.user + each.system for each in times)


class Driver:
    """Puts workflows through foldlog."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._tag = uuid.uuid4().hex[:8]
        self._started = 0

    async def one(self, workflow: Callable[..., Any], *args: Any) -> None:
        """One workflow, from start to result."""
        self._started += 1
        await self._client.execute_workflow(
            workflow, args=args, id=f"{self._tag}-{self._started}", task_queue=TASK_QUEUE, rpc_timeout=LIMIT
        )

    async def latencies(self, workflow: Callable[..., Any], count: int) -> list[float]:
        """Seconds from start to result, one workflow at a time."""
        seconds = []
        for _ in range(count):
            began = time.perf_counter()
            await self.one(workflow, "x")
            seconds.append(time.perf_counter() - began)
        return seconds

    async def per_second(self, workflow: Callable[..., Any], count: int, at_once: int) -> float:
        """Workflows per second, with so many open at a time."""
        left = count

        async def lane() -> None:
            nonlocal left
            while left > 0:
                left -= 1
                await self.one(workflow, "x")

        began = time.perf_counter()
        async with asyncio.TaskGroup() as lanes:
            for _ in range(at_once):
                lanes.create_task(lane())
        return count / (time.perf_counter() - began)


def milliseconds(seconds: Sequence[float], percentile: int) -> float:
    """A percentile of durations, in milliseconds."""
    return statistics.quantiles(seconds, n=100, method="inclusive")[percentile - 1] * 1000


def show(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table."""
    table = Table(title=title)
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 else "right")
    for row in rows:
        table.add_row(*row)
    console.print(table)


def write(name: str, results: dict[str, Any]) -> None:
    """Keep results as benchmarks/results/NAME.json."""
    RESULTS.mkdir(exist_ok=True)
    machine = {"python": platform.python_version(), "machine": platform.machine(), "system": platform.system()}
    text = json.dumps({**results, "measured_on": machine}, indent=2) + "\n"
    (RESULTS / f"{name}.json").write_text(text)
