"""One process whose activity suspends it, with the next transaction begun ahead. Prints `ready` once it does its work.

python -m tests.integration.processor.suspending ROLE --servers … --namespace … --folder …
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
from datetime import timedelta
from pathlib import Path

from foldlog import activity, workflow
from foldlog.client import Client
from foldlog.processors import ahead
from foldlog.worker import Worker

from tests.integration.processor.serving import run, work
from tests.integration.processor.workloads import QUEUE, echo

LIMIT = timedelta(seconds=120)


@activity.defn
async def suspend(marker: str) -> str:
    """Suspends the process that it runs in, the first time."""
    try:
        Path(marker).touch(exist_ok=False)  # noqa: ASYNC240  # it is about to stop anyway
    except FileExistsError:
        return "run again"
    os.kill(os.getpid(), signal.SIGSTOP)
    return "woken up"


@workflow.defn
class Suspending:
    """Runs it amid others."""

    @workflow.run
    async def run(self, marker: str) -> list[str]:
        return [
            await workflow.execute_activity(echo, "before", start_to_close_timeout=LIMIT),
            await workflow.execute_activity(suspend, marker, start_to_close_timeout=LIMIT),
            await workflow.execute_activity(echo, "after", start_to_close_timeout=LIMIT),
        ]


async def serve(options: argparse.Namespace, stopped: asyncio.Event) -> None:
    """Run one worker until SIGTERM."""
    ahead.WAIT_SECONDS = 60.0  # so that a transaction is begun ahead on a slow machine as well
    async with await Client.connect(options.servers, namespace=options.namespace, connect_timeout=LIMIT) as client:
        worker = Worker(
            client,
            task_queue=QUEUE,
            workflows=[Suspending],
            activities=[echo, suspend],
            state_dir=options.folder / options.state,
            instance_id=options.instance_id,
        )
        async with worker:
            await work(worker, stopped)


if __name__ == "__main__":
    run(serve)
