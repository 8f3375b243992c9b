"""What a test of the order workflow costs, in CPU: `python -m benchmarks.testing`.

Needs no broker. Compared with the bare activities of the same order, called one after another: the same work without
anything that lasts. Both write to the ledger of the example, a SQLite database.

Whatever else uses the processor's caches and its other hyperthreads makes CPU time longer, never shorter. So there are
many short rounds: the least is what the code costs, the median what it cost here and today.

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
from collections.abc import Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor
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
ROUNDS = 25


async def measured(rounds: int, orders: list[Order], run: Callable[[Order, int], Awaitable[Any]]) -> list[float]:
    """CPU milliseconds per order, for each round."""
    found = []
    for number in range(rounds):
        began = time.process_time()
        for order in orders:
            await run(order, number)
        found.append((time.process_time() - began) / len(orders) * 1000)
    return found


async def bare(folder: Path, orders: list[Order]) -> list[float]:
    """The activities of orders that go through, without workflows."""
    ledger = Ledger(folder / "bare.db")
    activities = OrderActivities(ledger)
    steps = (
        activities.validate_order,
        activities.reserve_inventory,
        activities.process_payment,
        activities.create_shipment,
        activities.send_notification,
    )
    numbers = iter(range(10**9))

    async def run(order: Order, number: int) -> None:
        for step in steps:
            surroundings = ActivityEnvironment()
            surroundings.info = _numbered(surroundings.info, next(numbers))
            surroundings.run(step, order)

    found = await measured(ROUNDS, orders, run)
    ledger.close()
    return found


def warm_in_parallel(count: int) -> list[float]:
    """The same in one process for each processor, all at a time."""
    processes = os.cpu_count() or 1
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        return [milliseconds for found in pool.map(warm_alone, [count] * processes) for milliseconds in found]


def warm_alone(count: int) -> list[float]:
    """Workflows in an environment and with a worker that are there, in a process that does nothing else."""
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="foldlog-bench-") as name:
        return asyncio.run(warm(Path(name), some_orders(count)))


def _numbered(info: Any, number: int) -> Any:
    """Facts with an idempotency key of their own."""
    return type(info)(**{**vars(info), "activity_id": str(number), "attempt": 2})


def _goes_through(order: Order) -> bool:
    return chance(order.order_id, "declined") >= DECLINED and chance(order.order_id, "unshippable") >= UNSHIPPABLE


async def warm(folder: Path, orders: list[Order]) -> list[float]:
    """Workflows in an environment and with a worker that are there."""
    ledger = Ledger(folder / "warm.db")
    activities = OrderActivities(ledger).all()
    async with await WorkflowEnvironment.start_time_skipping() as env:
        async with Worker(env.client, task_queue=QUEUE, workflows=[OrderWorkflow], activities=activities):

            async def run(order: Order, number: int) -> None:
                workflow_id = f"{order.order_id}-{number}"
                await env.client.execute_workflow(OrderWorkflow.run, order, id=workflow_id, task_queue=QUEUE)

            await measured(1, orders, lambda order, _: run(order, -1))
            found = await measured(ROUNDS, orders, run)
    ledger.close()
    return found


async def whole(folder: Path, orders: list[Order]) -> list[float]:
    """A new environment and worker for each order, as a test has them."""
    ledger = Ledger(folder / "whole.db")
    activities = OrderActivities(ledger).all()

    async def run(order: Order, number: int) -> None:
        async with await WorkflowEnvironment.start_time_skipping() as env:
            async with Worker(env.client, task_queue=QUEUE, workflows=[OrderWorkflow], activities=activities):
                await env.client.execute_workflow(OrderWorkflow.run, order, id=order.order_id, task_queue=QUEUE)

    found = await measured(ROUNDS, orders, run)
    ledger.close()
    return found


def some_orders(count: int) -> list[Order]:
    """Orders that go through."""
    return [order for order in read_orders(count * 2) if _goes_through(order)][:count]


async def measure(count: int) -> dict[str, list[float]]:
    """All of it, in CPU milliseconds for one order, for each round."""
    orders = some_orders(count)
    with tempfile.TemporaryDirectory(prefix="foldlog-bench-") as name:
        folder = Path(name)
        return {
            "the bare activities": await bare(folder, orders),
            "a workflow, warm": await warm(folder, orders),
            "a workflow with its environment and worker": await whole(folder, orders),
        }


@click.command()
@click.option("--orders", default=40, show_default=True, help=f"Orders in each of {ROUNDS} rounds.")
def main(orders: int) -> None:
    """Measure what a test of the order workflow costs."""
    logging.disable(logging.WARNING)
    found = asyncio.run(measure(orders))
    found["a workflow, warm, in one process per CPU"] = warm_in_parallel(orders)
    bare_ms = min(found["the bare activities"])
    rows = [
        (what, f"{min(rounds):.2f} ms", f"{statistics.median(rounds):.2f} ms", f"{min(rounds) / bare_ms:.1f}")
        for what, rounds in found.items()
    ]
    show("CPU for one order in a time-skipping environment", ["", "least", "median", "ratio of the least"], rows)
    write("testing", {what: {"least": least, "median": median} for what, least, median, _ in rows})


if __name__ == "__main__":
    main()
