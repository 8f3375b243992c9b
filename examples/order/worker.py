"""One process of the demonstration: a workflow processor or an activity worker, until it is told to stop.

python -m examples.order.worker workflows --state-dir /tmp/a
python -m examples.order.worker activities --ledger /tmp/ledger.db

Or both in one process, by foldlog's own command, as docker/compose.yaml does:

foldlog worker run examples.order.worker:make --task-queue orders
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import click
from foldlog.client import Client
from foldlog.worker import Worker

from examples.order.activities import OrderActivities
from examples.order.ledger import Ledger
from examples.order.model import TASK_QUEUE
from examples.order.workflow import OrderWorkflow


async def run(worker: Worker) -> None:
    """Run until SIGTERM or SIGINT."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with worker:
        await stopped.wait()


def make(client: Client, **options: Any) -> Worker:
    """A worker of all of it; ORDER_LEDGER names the ledger's file."""
    ledger = Ledger(Path(os.environ.get("ORDER_LEDGER", "ledger.db")))
    return Worker(client, workflows=[OrderWorkflow], activities=OrderActivities(ledger).all(), **options)


@click.command()
@click.argument("role", type=click.Choice(["workflows", "activities"]))
@click.option("--namespace", default="orders", show_default=True)
@click.option("--ledger", type=click.Path(path_type=Path), default=Path("ledger.db"), show_default=True)
@click.option("--crash-dir", type=click.Path(path_type=Path, exists=True), help="Crash now and then, and note it here.")
@click.option("--state-dir", type=click.Path(path_type=Path), default=Path(".foldlog/state"), show_default=True)
@click.option("--instance-id", default="", help="A stable name of this process.")
def main(role: str, namespace: str, ledger: Path, crash_dir: Path | None, state_dir: Path, instance_id: str) -> None:
    """Run one worker of the order example; Kafka's address is in KAFKA_BOOTSTRAP_SERVERS."""
    logging.basicConfig(level=logging.WARNING)

    async def work() -> None:
        async with await Client.connect(namespace=namespace) as client:
            if role == "workflows":
                await run(
                    Worker(
                        client,
                        task_queue=TASK_QUEUE,
                        workflows=[OrderWorkflow],
                        state_dir=state_dir,
                        instance_id=instance_id,
                    )
                )
                return
            with ThreadPoolExecutor(16) as threads:
                activities = OrderActivities(Ledger(ledger), crash_dir).all()
                await run(
                    Worker(
                        client,
                        task_queue=TASK_QUEUE,
                        activities=activities,
                        activity_executor=threads,
                        instance_id=instance_id,
                    )
                )

    asyncio.run(work())


if __name__ == "__main__":
    main()
