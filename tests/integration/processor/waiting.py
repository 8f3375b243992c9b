"""One process with workflows that wait, until it is killed. Prints `ready` once it does its work.

python -m tests.integration.processor.waiting BUILD --servers … --namespace … --folder …
"""

from __future__ import annotations

import argparse
import asyncio
import logging
from pathlib import Path

from foldlog.client import Client

from tests.conformance.scenarios import SOON
from tests.conformance.waiting import worker_before


async def serve(options: argparse.Namespace) -> None:
    """Run one worker for ever."""
    async with await Client.connect(options.servers, namespace=options.namespace, connect_timeout=SOON) as client:
        async with worker_before(client, options.folder / options.state) as worker:
            while not worker.ready:  # noqa: ASYNC110  # it tells nobody
                await asyncio.sleep(0.02)
            print("ready", flush=True)
            await asyncio.Event().wait()


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
