"""A program that ends activities which others began: `python -m … SERVERS NAMESPACE TOKEN WORKFLOW_ID ACTIVITY_ID`.

It keeps the first one alive by its token, given in hexadecimal digits, and waits for a line before it ends both.
"""

from __future__ import annotations

import asyncio
import os
import sys

from foldlog.client import Client, RPCError

from tests.integration.processor.running import SOON


async def main(servers: str, namespace: str, token: str, workflow_id: str, activity_id: str) -> None:
    async with await Client.connect(servers, namespace=namespace, rpc_timeout=SOON, connect_timeout=SOON) as client:
        by_token = client.get_async_activity_handle(task_token=bytes.fromhex(token))
        await by_token.heartbeat("alive")
        print("alive", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        await by_token.complete({"by": os.getpid()})
        by_id = client.get_async_activity_handle(workflow_id=workflow_id, run_id=None, activity_id=activity_id)
        await by_id.complete("id")
        try:
            await by_token.complete("twice")
        except RPCError as error:
            print(f"twice: {error.status.name}", flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
