"""One process of a fault test: a real worker, until SIGTERM. Prints `ready` once it does its work.

    python -m tests.integration.processor.program ROLE --servers … --namespace … --folder …

Roles: `workflows` with local activities, `activities`, and `both`, where activities are handed over in memory too.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

from foldlog.client import Client
from foldlog.worker import Worker

from examples.order.activities import OrderActivities
from examples.order.ledger import Ledger
from examples.order.workflow import OrderWorkflow
from tests.integration.processor.workloads import QUEUE, WORKFLOWS, echo

PATIENCE = timedelta(seconds=60)
ROLES = ("workflows", "activities", "both")


async def serve(options: argparse.Namespace) -> None:
    """Run one worker until SIGTERM."""
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    with ThreadPoolExecutor(8) as threads:
        async with await Client.connect(
            options.servers, namespace=options.namespace, connect_timeout=PATIENCE
        ) as client:
            ledger = OrderActivities(Ledger(options.folder / "ledger.db")).all()
            worker = Worker(
                client,
                task_queue=QUEUE,
                workflows=() if options.role == "activities" else [*WORKFLOWS, OrderWorkflow],
                activities=[echo] if options.role == "workflows" else [echo, *ledger],
                no_remote_activities=options.role == "workflows",
                activity_executor=threads,
                state_dir=options.folder / options.state,
                instance_id=options.instance_id,
            )
            async with worker:
                while not worker.ready and not stopped.is_set():  # noqa: ASYNC110  # it tells nobody
                    await asyncio.sleep(0.02)
                print("ready", flush=True)
                await stopped.wait()


def main() -> None:
    """Run as a program."""
    parser = argparse.ArgumentParser()
    parser.add_argument("role", choices=ROLES)
    parser.add_argument("--servers", required=True)
    parser.add_argument("--namespace", required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--state", default="state")
    parser.add_argument("--instance-id", default="")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
