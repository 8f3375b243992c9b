"""One process with workflows that wait, until it is killed. Prints `ready` once it does its work.

python -m tests.integration.processor.waiting BUILD --servers … --namespace … --folder …
"""

from __future__ import annotations

import argparse
import asyncio

from foldlog.client import Client

from tests.conformance.scenarios import SOON
from tests.conformance.waiting import worker_before
from tests.integration.processor.serving import run, work


async def serve(options: argparse.Namespace, stopped: asyncio.Event) -> None:
    """Run one worker for ever."""
    async with await Client.connect(options.servers, namespace=options.namespace, connect_timeout=SOON) as client:
        async with worker_before(client, options.folder / options.state) as worker:
            await work(worker, stopped)


if __name__ == "__main__":
    run(serve)
