"""An activity goes on where it was when its worker process was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from foldlog import workflow
from foldlog.client import Client
from foldlog.worker import Worker

from tests.until import until_asked

from . import dying
from .taskfeed import DEADLINE, prepare

LIMIT = timedelta(seconds=1)


@workflow.defn
class Crawl:
    """Runs the activity of `dying`."""

    @workflow.run
    async def run(self) -> list[int]:
        return await workflow.execute_activity(
            dying.crawl, task_queue=dying.QUEUE, start_to_close_timeout=timedelta(hours=1), heartbeat_timeout=LIMIT
        )


def start(servers: str, namespace: str, *options: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "tests.integration.worker.dying", servers, namespace, *options])


async def heartbeat_details(handle: Any) -> list[Any]:
    pending = (await handle.describe()).pending_activities
    return list(await pending[0].heartbeat_details()) if pending else []


async def test_the_next_attempt_knows_what_the_killed_one_noted(kafka: str, namespace: str, tmp_path: Path) -> None:
    prepare(kafka, namespace, partitions=1)
    async with (
        await Client.connect(
            kafka,
            namespace=namespace,
            rpc_timeout=timedelta(seconds=DEADLINE),
            connect_timeout=timedelta(seconds=DEADLINE),
        ) as client,
        Worker(client, task_queue="processor", workflows=[Crawl], state_dir=tmp_path),
    ):
        handle = await client.start_workflow(Crawl.run, id="crawl", task_queue="processor")
        # Its attempts never end: on a busy machine, one may have timed out before its heartbeat is seen.
        first = start(kafka, namespace)
        try:

            async def noted() -> bool:
                return await heartbeat_details(handle) == [7]

            await until_asked(noted, "its heartbeat is known", DEADLINE)
        finally:
            os.kill(first.pid, signal.SIGKILL)
            first.wait()
        second = start(kafka, namespace, "ends")
        try:
            attempt, known = await handle.result(rpc_timeout=timedelta(seconds=DEADLINE))
        finally:
            second.terminate()
            second.wait(DEADLINE)
        assert attempt > 1
        assert known == 7
