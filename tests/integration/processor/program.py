"""One process of a fault test: a real worker, until SIGTERM. Prints `ready` once it does its work.

    python -m tests.integration.processor.program ROLE --servers … --namespace … --folder …

Roles: `workflows` with local activities, `activities`, and `both`, where activities are handed over in memory too.
"""

from __future__ import annotations

import argparse
import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from foldlog.client import Client
from foldlog.worker import Worker

from examples.order.activities import OrderActivities
from examples.order.ledger import Ledger
from examples.order.workflow import OrderWorkflow
from tests.integration.processor.serving import run, work
from tests.integration.processor.workloads import ACTIVITIES, LOCAL_ACTIVITIES, QUEUE, WORKFLOWS

PATIENCE = timedelta(seconds=60)
ROLES = ("workflows", "activities", "both")


async def serve(options: argparse.Namespace, stopped: asyncio.Event) -> None:
    """Run one worker until SIGTERM."""
    with ThreadPoolExecutor(8) as threads:
        async with await Client.connect(
            options.servers, namespace=options.namespace, connect_timeout=PATIENCE
        ) as client:
            remote = [*ACTIVITIES, *OrderActivities(Ledger(options.folder / "ledger.db")).all()]
            activities = LOCAL_ACTIVITIES if options.role == "workflows" else [*LOCAL_ACTIVITIES[1:], *remote]
            worker = Worker(
                client,
                task_queue=QUEUE,
                workflows=() if options.role == "activities" else [*WORKFLOWS, OrderWorkflow],
                activities=activities,
                no_remote_activities=options.role == "workflows",
                activity_executor=threads,
                state_dir=options.folder / options.state,
                instance_id=options.instance_id,
            )
            async with worker:
                await work(worker, stopped)


if __name__ == "__main__":
    run(serve, ROLES)
