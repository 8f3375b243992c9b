"""What a test of the order workflow costs, in CPU: `python -m benchmarks.testing`.

Needs no broker. Beside it are the bare activities of the same order, called one after another: the same work without
anything that lasts. Both write to the ledger of the example, a SQLite database.

Whatever else uses the processor's caches and its other hyperthreads makes CPU time longer, never shorter, and on a
shared machine comes and goes within a second. So there are many short rounds, and the bare activities are measured
between them. A round is *undisturbed* if they took about their least just before and just after it: what a round costs
itself has no say in that. The median of the undisturbed rounds is what the code costs on this machine; the median of
all, what it cost today.

The activities run in threads, so two processors take turns, and the one that waits is idle. On a virtual machine,
others use it meanwhile, and it comes back with cold caches. Where tests run in parallel, one process for each
processor, none is ever idle. Both are measured.
"""

from __future__ import annotations

import asyncio
import logging
import os
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import click
from foldlog.testing import ActivityEnvironment, WorkflowEnvironment
from foldlog.worker import Worker

from benchmarks.setting import show, write
from examples.order.activities import DECLINED, UNSHIPPABLE, OrderActivities
from examples.order.ledger import Ledger
from examples.order.model import Order, chance, read_orders
from examples.order.workflow import OrderWorkflow

QUEUE = "orders"
UNDISTURBED_ROUNDS = 25
"""So many are wanted."""
MOST_ROUNDS = 250
"""No more are tried."""
SLOWER = 1.2
"""So many times their least may the bare activities take beside an undisturbed round."""


@dataclass
class Rounds:
    """What rounds took, in CPU milliseconds per order."""

    bare: list[float] = field(default_factory=list)
    """The bare activities, before the first round and after each."""
    each: list[float] = field(default_factory=list)

    def undisturbed(self) -> list[float]:
        """Those during which this machine was as fast as at any time."""
        most = min(self.bare) * SLOWER
        beside = zip(self.bare, self.bare[1:], strict=False)
        return [found for found, (before, after) in zip(self.each, beside, strict=True) if max(before, after) <= most]


async def measured(folder: Path, orders: list[Order], run: Callable[[Order, int], Awaitable[Any]]) -> Rounds:
    """Run all orders in each round, until enough rounds were undisturbed."""
    bare, rounds = BareActivities(folder / "bare.db", orders), Rounds()
    await per_order(orders, run, -1)
    bare.run_all()
    rounds.bare.append(bare.run_all())
    while len(rounds.each) < MOST_ROUNDS and len(rounds.undisturbed()) < UNDISTURBED_ROUNDS:
        rounds.each.append(await per_order(orders, run, len(rounds.each)))
        rounds.bare.append(bare.run_all())
    bare.close()
    return rounds


async def per_order(orders: list[Order], run: Callable[[Order, int], Awaitable[Any]], number: int) -> float:
    """CPU milliseconds for each of the orders of a round."""
    began = time.process_time()
    for order in orders:
        await run(order, number)
    return (time.process_time() - began) / len(orders) * 1000


class BareActivities:
    """The activities of orders that go through, without workflows."""

    def __init__(self, path: Path, orders: list[Order]) -> None:
        self._ledger, self._orders = Ledger(path), orders
        activities = OrderActivities(self._ledger)
        self._steps = (
            activities.validate_order,
            activities.reserve_inventory,
            activities.process_payment,
            activities.create_shipment,
            activities.send_notification,
        )
        self._numbers = iter(range(10**9))

    def run_all(self) -> float:
        """CPU milliseconds per order."""
        began = time.process_time()
        for order in self._orders:
            for step in self._steps:
                surroundings = ActivityEnvironment()
                surroundings.info = _numbered(surroundings.info, next(self._numbers))
                surroundings.run(step, order)
        return (time.process_time() - began) / len(self._orders) * 1000

    def close(self) -> None:
        """Close their ledger."""
        self._ledger.close()


def _numbered(info: Any, number: int) -> Any:
    """Facts with an idempotency key of their own."""
    return type(info)(**{**vars(info), "activity_id": str(number), "attempt": 2})


async def warm(folder: Path, orders: list[Order]) -> Rounds:
    """Workflows in an environment and with a worker that are there."""
    ledger = Ledger(folder / "warm.db")
    activities = OrderActivities(ledger).all()
    async with await WorkflowEnvironment.start_time_skipping() as env:
        async with Worker(env.client, task_queue=QUEUE, workflows=[OrderWorkflow], activities=activities):

            async def run(order: Order, number: int) -> None:
                workflow_id = f"{order.order_id}-{number}"
                await env.client.execute_workflow(OrderWorkflow.run, order, id=workflow_id, task_queue=QUEUE)

            found = await measured(folder, orders, run)
    ledger.close()
    return found


async def whole(folder: Path, orders: list[Order]) -> Rounds:
    """A new environment and worker for each order, as a test has them."""
    ledger = Ledger(folder / "whole.db")
    activities = OrderActivities(ledger).all()

    async def run(order: Order, number: int) -> None:
        async with await WorkflowEnvironment.start_time_skipping() as env:
            async with Worker(env.client, task_queue=QUEUE, workflows=[OrderWorkflow], activities=activities):
                await env.client.execute_workflow(OrderWorkflow.run, order, id=order.order_id, task_queue=QUEUE)

    found = await measured(folder, orders, run)
    ledger.close()
    return found


def alone(measure: Callable[[Path, list[Order]], Coroutine[Any, Any, Rounds]], count: int) -> Rounds:
    """What a measurement finds, with files of its own."""
    logging.disable(logging.WARNING)
    orders = [order for order in read_orders(count * 2) if _goes_through(order)][:count]
    with tempfile.TemporaryDirectory(prefix="foldlog-bench-") as name:
        return asyncio.run(measure(Path(name), orders))


def _goes_through(order: Order) -> bool:
    return chance(order.order_id, "declined") >= DECLINED and chance(order.order_id, "unshippable") >= UNSHIPPABLE


def in_parallel(count: int) -> list[Rounds]:
    """Warm workflows in one process for each processor, all at a time."""
    processes = os.cpu_count() or 1
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        return list(pool.map(alone, [warm] * processes, [count] * processes))


def row(what: str, found: list[Rounds]) -> tuple[str, ...]:
    """A line of the table."""
    each = [milliseconds for rounds in found for milliseconds in rounds.each]
    undisturbed = [milliseconds for rounds in found for milliseconds in rounds.undisturbed()]
    calm = f"{statistics.median(undisturbed):.2f} ms" if undisturbed else "unknown"
    return what, f"{min(each):.2f} ms", calm, f"{statistics.median(each):.2f} ms", f"{len(undisturbed)} of {len(each)}"


@click.command()
@click.option("--orders", default=20, show_default=True, help="Orders in each round.")
def main(orders: int) -> None:
    """Measure what a test of the order workflow costs."""
    alone_warm, alone_whole = alone(warm, orders), alone(whole, orders)
    bare = alone_warm.bare
    rows = [
        ("the bare activities", f"{min(bare):.2f} ms", "", f"{statistics.median(bare):.2f} ms", ""),
        row("a workflow, warm", [alone_warm]),
        row("a workflow with its environment and worker", [alone_whole]),
        row("a workflow, warm, in one process per CPU", in_parallel(orders)),
    ]
    headings = ["", "least", "median undisturbed", "median of all", "undisturbed"]
    show("CPU for one order in a time-skipping environment", headings, rows)
    write("testing", {what: dict(zip(headings[1:], figures, strict=True)) for what, *figures in rows})


if __name__ == "__main__":
    main()
