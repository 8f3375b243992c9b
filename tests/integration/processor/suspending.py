"""One process whose activity suspends it, with the next transaction begun ahead. Prints `ready` once it does its work.

python -m tests.integration.processor.suspending ROLE --servers … --namespace … --folder …
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
from datetime import timedelta
from pathlib import Path

from foldlog import activity, workflow
from foldlog.client import Client
from foldlog.processors import ahead
from foldlog.worker import Worker

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


async def serve(options: argparse.Namespace) -> None:
    """Run one worker until SIGTERM."""
    ahead.WAIT_SECONDS = 60.0  # so that a transaction is begun ahead on a slow machine as well
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    async with await Client.connect(options.servers, namespace=options.namespace) as client:
        worker = Worker(
            client,
            task_queue=QUEUE,
            workflows=[Suspending],
            activities=[echo, suspend],
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
    parser.add_argument("role")
    parser.add_argument("--servers", required=True)
    parser.add_argument("--namespace", required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--state", default="state")
    parser.add_argument("--instance-id", default="")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
