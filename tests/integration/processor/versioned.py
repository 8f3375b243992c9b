"""One process of a rolling deployment: a worker with certain versions, until SIGTERM. Prints `ready` once it works.

    python -m tests.integration.processor.versioned BUILDS --servers … --namespace … --folder …

BUILDS: its own build and the earlier ones that it hosts as well, such as `2,1`.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
from datetime import timedelta
from pathlib import Path

from foldlog.client import Client
from foldlog.worker import Worker

from tests.integration.processor.workloads import QUEUE
from tests.versions import ONE, TWO, config

PATIENCE = timedelta(seconds=60)
CODE = {"1": ONE, "2": TWO}


async def serve(options: argparse.Namespace) -> None:
    """Run one worker until SIGTERM."""
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    own, *earlier = options.builds.split(",")
    async with await Client.connect(options.servers, namespace=options.namespace, connect_timeout=PATIENCE) as client:
        worker = Worker(
            client,
            task_queue=QUEUE,
            workflows=CODE[own],
            deployment_config=config(own),
            earlier_versions={build: CODE[build] for build in earlier},
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
    parser.add_argument("builds")
    parser.add_argument("--servers", required=True)
    parser.add_argument("--namespace", required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--state", default="state")
    parser.add_argument("--instance-id", default="")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
