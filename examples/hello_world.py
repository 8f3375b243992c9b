"""A greeting that survives the death of every process: `foldlog dev --port 0 -- python examples/hello_world.py`."""

import asyncio
from datetime import timedelta

from foldlog import activity, workflow
from foldlog.client import Client
from foldlog.common import WorkflowIDConflictPolicy
from foldlog.worker import Worker


@activity.defn
async def compose_greeting(name: str) -> str:
    return f"Hello, {name}!"


@workflow.defn
class Greeting:
    @workflow.run
    async def run(self, name: str) -> str:
        await asyncio.sleep(1)  # a durable timer: it fires also if no process lives to see it begin and end
        return await workflow.execute_activity(compose_greeting, name, start_to_close_timeout=timedelta(seconds=10))


async def main() -> None:
    client = await Client.connect()  # the Kafka that KAFKA_BOOTSTRAP_SERVERS names
    async with Worker(client, task_queue="hello", workflows=[Greeting], activities=[compose_greeting]):
        # Kill this program, and start it again: it goes on with the greeting that there is.
        again = WorkflowIDConflictPolicy.USE_EXISTING
        print(
            await client.execute_workflow(
                Greeting.run, "Kafka", id="greeting-1", task_queue="hello", id_conflict_policy=again
            )
        )


if __name__ == "__main__":
    asyncio.run(main())
