"""One process of a measurement, until SIGTERM: `python -m benchmarks.process ROLE ...`; prints `ready` when it is."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import click
from foldlog.client import Client
from foldlog.worker import Worker

from benchmarks import bare_loop
from benchmarks.workloads import TASK_QUEUE, WORKFLOWS, say

ROLES = ["bare-processor", "bare-worker", "workflows", "activities", "both", "messages"]


def served(role: str) -> tuple[Sequence[type], Sequence[Callable[..., Any]]]:
    """Workflows and activities of a role."""
    if role == "messages":
        from benchmarks.counting import Counting  # a foldlog of old, beside today's, cannot define it

        return [Counting], []
    return WORKFLOWS if role != "activities" else [], [say] if role != "workflows" else []


async def serve(role: str, servers: str, namespace: str, state_dir: Path, cached: int, instance_id: str) -> None:
    """Run a foldlog worker until SIGTERM."""
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    workflows, activities = served(role)
    more: dict[str, Any] = {"instance_id": instance_id} if instance_id else {}  # which a foldlog of old does not know
    async with await Client.connect(servers, namespace=namespace) as client:
        worker = Worker(
            client,
            task_queue=TASK_QUEUE,
            workflows=workflows,
            activities=activities,
            state_dir=state_dir,
            max_cached_workflows=cached,
            max_concurrent_activities=2_000,
            **more,
        )
        async with worker:
            print("ready", flush=True)
            await stopped.wait()


def bare(role: str, servers: str, namespace: str) -> None:
    """Run a half of the bare loop until SIGTERM."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    print("ready", flush=True)
    try:
        if role == "bare-worker":
            bare_loop.run_worker(servers, namespace)
        processor = bare_loop.Processor(servers, namespace)
        try:
            processor.run()
        finally:
            processor.close()
    except KeyboardInterrupt:
        sys.exit(0)


@click.command()
@click.argument("role", type=click.Choice(ROLES))
@click.option("--servers", required=True)
@click.option("--namespace", required=True)
@click.option("--state-dir", type=click.Path(path_type=Path), default=Path("state"))
@click.option("--cached", default=10_000)
@click.option("--instance-id", default="")
def main(role: str, servers: str, namespace: str, state_dir: Path, cached: int, instance_id: str) -> None:
    """Run one process of a measurement."""
    logging.basicConfig(level=logging.WARNING)
    if role.startswith("bare"):
        bare(role, servers, namespace)
    else:
        asyncio.run(serve(role, servers, namespace, state_dir, cached, instance_id))


if __name__ == "__main__":
    main()
