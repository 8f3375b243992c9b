"""A worker process for a test that kills it: python dying.py SERVERS NAMESPACE [ends].

Its activity notes how far it is, and then goes on for ever. With `ends`, an attempt that knows how far the one before
it was says so and ends.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta

from foldlog import activity
from foldlog.client import Client
from foldlog.worker import Worker

QUEUE = "dying"


@activity.defn
async def crawl() -> list[int]:
    info = activity.info()
    if info.heartbeat_details and "ends" in sys.argv:
        return [info.attempt, *info.heartbeat_details]
    while True:
        activity.heartbeat(7)
        await asyncio.sleep(0.02)


async def main(servers: str, namespace: str) -> None:
    async with await Client.connect(servers, namespace=namespace, connect_timeout=timedelta(seconds=60)) as client:
        await Worker(client, task_queue=QUEUE, activities=[crawl]).run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
