"""The inside of a process of a fault test: how it is called, and how it says that it works. `processes` is the outside.

    python -m tests.integration.processor.PROGRAM ROLE --servers … --namespace … --folder …

It runs until SIGTERM, and prints `ready` once it does its work.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

from foldlog.worker import Worker

Serve = Callable[[argparse.Namespace, asyncio.Event], Awaitable[None]]
"""What a program does, with its options, until it is stopped."""


async def work(worker: Worker, stopped: asyncio.Event) -> None:
    """Say when a worker that has been started does its work, and wait for the end."""
    while not worker.ready and not stopped.is_set():  # noqa: ASYNC110  # it tells nobody
        await asyncio.sleep(0.02)
    print("ready", flush=True)
    await stopped.wait()


def run(serve: Serve, roles: Iterable[str] | None = None) -> None:
    """Run as a program.

    Args:
        serve: What it does.
        roles: What it may be called with; None: anything.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("role", choices=roles)
    parser.add_argument("--servers", required=True)
    parser.add_argument("--namespace", required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--state", default="state")
    parser.add_argument("--instance-id", default="")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    asyncio.run(_run(serve, parser.parse_args()))


async def _run(serve: Serve, options: argparse.Namespace) -> None:
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    await serve(options, stopped)
