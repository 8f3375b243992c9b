"""One process of a rolling deployment: a worker with certain versions, until SIGTERM. Prints `ready` once it works.

    python -m tests.integration.processor.versioned BUILDS --servers … --namespace … --folder …

BUILDS: its own build and the earlier ones that it hosts as well, such as `2,1`.
"""

from __future__ import annotations

import argparse
import asyncio
from datetime import timedelta

from foldlog.client import Client
from foldlog.worker import Worker

from tests.integration.processor.serving import run, work
from tests.integration.processor.workloads import QUEUE
from tests.versions import ONE, TWO, config, pack_one, pack_two

PATIENCE = timedelta(seconds=60)
CODE = {"1": ONE, "2": TWO}
ACTIVITIES = {"1": pack_one, "2": pack_two}


async def serve(options: argparse.Namespace, stopped: asyncio.Event) -> None:
    """Run one worker until SIGTERM."""
    own, *earlier = options.role.split(",")
    async with await Client.connect(options.servers, namespace=options.namespace, connect_timeout=PATIENCE) as client:
        worker = Worker(
            client,
            task_queue=QUEUE,
            workflows=CODE[own],
            activities=[ACTIVITIES[own]],
            deployment_config=config(own),
            earlier_versions={build: [*CODE[build], ACTIVITIES[build]] for build in earlier},
            disable_eager_activity_execution=True,
            state_dir=options.folder / options.state,
            instance_id=options.instance_id,
        )
        async with worker:
            await work(worker, stopped)


if __name__ == "__main__":
    run(serve)
