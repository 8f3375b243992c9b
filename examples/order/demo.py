"""Thousands of real orders through durable workflows, while workers crash and a processor is killed.

    python -m examples.order.demo            # all 6,919 orders, then 2,000 more with a processor killed
    python -m examples.order.demo --orders 300 --kill-orders 200

Starts Kafka (or uses KAFKA_BOOTSTRAP_SERVERS), two workflow processors and two activity workers as processes of their
own, places the orders, and checks at the end that stock and money add up to the piece and to the cent.
"""

from __future__ import annotations

import asyncio
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import click
from foldlog.client import Client
from foldlog.connectors.embedded import broker_from_environment
from foldlog.schemas.event import (
    ActivityTaskCanceled,
    ActivityTaskCompleted,
    ActivityTaskFailed,
    ActivityTaskTimedOut,
)
from foldlog.schemas.framing import decode
from foldlog.transport.admin import create_topics
from foldlog.transport.config import KafkaConfig
from foldlog.transport.topic_reader import TopicRecord, read_topic
from foldlog.transport.topics import Topics
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from examples.order.ledger import Ledger, Totals
from examples.order.model import TASK_QUEUE, Order, Outcome, read_orders
from examples.order.workflow import OrderWorkflow

AT_ONCE = 400
"""Orders that are open at the same time, at most."""
ORDER_LIMIT = timedelta(minutes=5)
"""An order that takes longer than this is a failure of the demonstration."""
ENDS = ActivityTaskCompleted | ActivityTaskFailed | ActivityTaskCanceled | ActivityTaskTimedOut
"""The event that an activity ends with says which attempt it was."""

console = Console()


class Processes:
    """The processors and workers, started again when they die."""

    def __init__(self, folder: Path, environment: dict[str, str], namespace: str) -> None:
        self._folder = folder
        self._environment = environment
        self._namespace = namespace
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self.restarts: Counter[str] = Counter()

    def start(self, name: str) -> None:
        """Start a process: `workflows-1` and `workflows-2`, `activities-1` and `activities-2`."""
        role = name.partition("-")[0]
        command = [sys.executable, "-m", "examples.order.worker", role, "--namespace", self._namespace]
        command += ["--instance-id", name]
        if role == "workflows":
            command += ["--state-dir", str(self._folder / "state")]
        else:
            command += ["--ledger", str(self._folder / "ledger.db"), "--crash-dir", str(self._folder / "crashes")]
        with (self._folder / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(command, env=self._environment, stdout=log, stderr=log)

    def kill(self, name: str) -> None:
        """Kill a process as nothing can be killed more thoroughly; `keep` starts it again."""
        self._running[name].send_signal(signal.SIGKILL)

    async def keep(self) -> None:
        """Start again what has died, for ever."""
        while True:
            await asyncio.sleep(0.2)
            for name, process in list(self._running.items()):
                if process.poll() is not None:
                    self.restarts[name] += 1
                    self.start(name)

    def stop(self) -> None:
        """Ask all to end, and wait."""
        for process in self._running.values():
            process.terminate()
        for process in self._running.values():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@dataclass
class Run:
    """The figures of one run."""

    title: str
    outcomes: list[Outcome] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    """From the order to its outcome, for each."""
    took: float = 0.0


@contextmanager
def progress(title: str, total: int) -> Iterator[Callable[[str], None]]:
    """A live bar; call what it gives with the status of each order that ended."""
    counts: Counter[str] = Counter()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(title, total=total, note="")

        def ended(status: str) -> None:
            counts[status] += 1
            note = f"{counts['completed']} completed, {counts['compensated']} compensated"
            bar.update(task, advance=1, note=note)

        yield ended


async def place(client: Client, orders: list[Order], title: str, midway: Callable[[], None] | None = None) -> Run:
    """Put orders through their workflows.

    Args:
        client: Where.
        orders: Which.
        title: For people.
        midway: Called once, when half of them have ended.
    """
    run = Run(title)
    slots = asyncio.Semaphore(AT_ONCE)
    began = time.perf_counter()
    with progress(title, len(orders)) as ended:

        async def one(order: Order) -> None:
            async with slots:
                placed = time.perf_counter()
                outcome = await client.execute_workflow(
                    OrderWorkflow.run,
                    order,
                    id=f"order-{order.order_id}",
                    task_queue=TASK_QUEUE,
                    rpc_timeout=ORDER_LIMIT,
                )
                run.seconds.append(time.perf_counter() - placed)
                run.outcomes.append(outcome)
                ended(outcome.status)
                if midway is not None and len(run.outcomes) == len(orders) // 2:
                    midway()

        async with asyncio.TaskGroup() as group:
            for order in orders:
                group.create_task(one(order))
    run.took = time.perf_counter() - began
    return run


def expected(orders: list[Order], outcomes: list[Outcome]) -> tuple[int, int]:
    """Pieces and cents that must have moved, from the outcomes alone."""
    completed = {outcome.order_id for outcome in outcomes if outcome.status == "completed"}
    kept = [order for order in orders if order.order_id in completed]
    return sum(order.quantity for order in kept), sum(order.cents for order in kept)


@dataclass(frozen=True)
class Retried:
    """What the histories say of activities that did not succeed, or fail for good, at the first attempt."""

    orders: int
    """That had such an activity."""
    attempts: int
    """Beyond the first of each activity."""


def retried(records: Iterable[TopicRecord], run: Run) -> Retried:
    """Count the retries in the histories of a run's orders."""
    wanted = {f"order-{outcome.order_id}".encode() for outcome in run.outcomes}
    orders: set[bytes] = set()
    attempts = 0
    for record in records:
        if record.key in wanted and isinstance(event := decode(record.value), ENDS) and event.attempt > 1:
            orders.add(record.key)
            attempts += event.attempt - 1
    return Retried(len(orders), attempts)


def report(
    run: Run, retries: Retried, ledger: Totals, must: tuple[int, int], crashes: int, restarts: Counter[str]
) -> bool:
    """Print the table; returns whether stock and money add up."""
    statuses = Counter(outcome.status for outcome in run.outcomes)
    reasons = Counter(outcome.reason for outcome in run.outcomes if outcome.reason)
    cuts = statistics.quantiles(run.seconds, n=100)
    right = (ledger.taken, ledger.cents) == must
    table = Table(title=run.title, show_header=False)
    table.add_row("orders", f"{len(run.outcomes):,}")
    table.add_row("completed", f"{statuses['completed']:,}")
    why = ", ".join(f"{name} {count}" for name, count in reasons.most_common())
    table.add_row("compensated", f"{statuses['compensated']:,}  ({why})")
    table.add_row("retried", f"{retries.orders:,}  ({retries.attempts:,} further attempts of their activities)")
    table.add_row("activities that changed the ledger", f"{sum(ledger.by_kind.values()):,}")
    table.add_row("worker crashes so far", f"{crashes}")
    table.add_row(
        "processes started again so far", ", ".join(f"{k} {v}" for k, v in sorted(restarts.items())) or "none"
    )
    table.add_row("orders/s", f"{len(run.outcomes) / run.took:,.0f}")
    table.add_row("order to outcome, p50 / p99", f"{cuts[49]:.2f} s / {cuts[98]:.2f} s")
    table.add_row("pieces that left the shelves", f"{ledger.taken:,}, and must be {must[0]:,}")
    table.add_row("money in the till", f"${ledger.cents / 100:,.2f}, and must be ${must[1] / 100:,.2f}")
    table.add_row("adds up", "[green]yes[/green]" if right else "[red]NO[/red]")
    console.print(table)
    return right


def again(orders: list[Order], count: int) -> list[Order]:
    """The first orders once more, as new ones."""
    return [
        Order(f"again-{order.order_id}", order.customer, order.shelf, order.quantity, order.cents)
        for order in orders[:count]
    ]


async def demonstrate(folder: Path, servers: str, orders: list[Order], more: list[Order]) -> bool:
    """Both runs, on a broker that is there."""
    namespace = f"orders-{os.getpid()}"
    config, topics = KafkaConfig(bootstrap_servers=servers), Topics(namespace)
    create_topics(config, topics, task_queues=[TASK_QUEUE])

    async def retries_of(run: Run) -> Retried:
        return await asyncio.to_thread(lambda: retried(read_topic(config, topics.events), run))

    (folder / "crashes").mkdir()
    ledger = Ledger(folder / "ledger.db")
    processes = Processes(folder, {**os.environ, "KAFKA_BOOTSTRAP_SERVERS": servers}, namespace)
    for name in ("workflows-1", "workflows-2", "activities-1", "activities-2"):
        processes.start(name)
    keeper = asyncio.create_task(processes.keep())
    try:
        async with await Client.connect(servers, namespace=namespace) as client:
            first = await place(client, orders, "Orders, with declined cards and crashing workers")
            must = expected(orders, first.outcomes)
            crashes = len(list((folder / "crashes").iterdir()))
            right = report(first, await retries_of(first), ledger.totals(), must, crashes, processes.restarts)
            second = await place(
                client, more, "Once more, and a processor is killed halfway", lambda: processes.kill("workflows-1")
            )
            added = expected(more, second.outcomes)
            must = (must[0] + added[0], must[1] + added[1])
            crashes = len(list((folder / "crashes").iterdir()))
            retries = await retries_of(second)
            return report(second, retries, ledger.totals(), must, crashes, processes.restarts) and right
    finally:
        keeper.cancel()
        processes.stop()
        ledger.close()


@click.command()
@click.option("--orders", type=int, default=None, help="Only the first N of the 6,919 orders.")
@click.option("--kill-orders", default=2_000, show_default=True, help="Orders of the run with a killed processor.")
def main(orders: int | None, kill_orders: int) -> None:
    """Run the demonstration."""
    placed = list(read_orders(orders))
    with tempfile.TemporaryDirectory(prefix="foldlog-demo-") as folder, console.status("Kafka starts"):
        with broker_from_environment() as servers:
            console.print(f"Kafka at {servers}; logs in {folder}")
            right = asyncio.run(demonstrate(Path(folder), servers, placed, again(placed, kill_orders)))
    if not right:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
