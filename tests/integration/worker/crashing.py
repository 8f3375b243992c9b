"""A worker process for tests that kill it: python crashing.py SERVERS NAMESPACE FOLDER.

Each attempt writes a line to FOLDER/begun. Tasks whose number is a multiple of six wait for the file FOLDER/go.
"""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import timedelta
from pathlib import Path

from foldlog import activity
from foldlog.client import Client
from foldlog.worker import Worker

QUEUE = "work"


async def main(servers: str, namespace: str, folder: Path) -> None:
    log = os.open(folder / "begun", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    @activity.defn
    async def greet() -> int:
        number = int(activity.info().activity_id)
        os.write(log, b"%d\n" % number)
        while number % 6 == 0 and not (folder / "go").exists():  # noqa: ASYNC110  # other processes set it
            await asyncio.sleep(0.01)
        return number

    async with await Client.connect(servers, namespace=namespace, connect_timeout=timedelta(seconds=60)) as client:
        await Worker(client, task_queue=QUEUE, activities=[greet]).run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
