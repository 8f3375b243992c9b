"""A thousand activities, and never too many at once: `foldlog dev --port 0 -- python examples/pipeline.py`.

Files are transformed in parallel and loaded in batches. A semaphore bounds how many files are worked at, and a queue
how many wait to be loaded: when loading is slow, the queue is full, and no further file is begun. An activity that
starts again goes on where its last heartbeat was.
"""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from foldlog import activity, workflow
from foldlog.client import Client
from foldlog.common import RetryPolicy, WorkflowIDConflictPolicy
from foldlog.worker import Worker

QUEUE = "pipeline"
ROWS = 50
"""In each file."""
BATCH = 50
"""Files that are loaded together."""
RETRY = RetryPolicy(initial_interval=timedelta(milliseconds=100))


@dataclass
class Plan:
    files: int
    at_once: int
    """How many files may be worked at."""


class Data:
    """Stands for the files and for the warehouse that they are loaded into."""

    def __init__(self) -> None:
        self.open = self.most_open = self.rows_read = 0
        self.loaded: dict[int, int] = {}

    @activity.defn
    async def transform(self, file: int) -> int:
        """The sum of a file's rows. Every 500th breaks off once in the middle."""
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            row, total = activity.info().heartbeat_details or (0, 0)
            while row < ROWS:
                total += file * row
                row += 1
                self.rows_read += 1
                activity.heartbeat(row, total)
                if row == ROWS // 2 and file % 500 == 499 and activity.info().attempt == 1:
                    raise ConnectionError(f"lost the connection in file {file}")
            await asyncio.sleep(0)
            return total
        finally:
            self.open -= 1

    @activity.defn
    async def load(self, batch: dict[int, int]) -> None:
        """Loading a file twice replaces it, so that an attempt that is repeated changes nothing."""
        for file, total in batch.items():
            self.loaded[file] = total
            activity.heartbeat(file)


@workflow.defn
class Pipeline:
    def __init__(self) -> None:
        self._transformed = self._loaded = 0

    @workflow.run
    async def run(self, plan: Plan) -> int:
        """Returns the sum of all rows."""
        ready: asyncio.Queue[tuple[int, int] | None] = asyncio.Queue(maxsize=BATCH)
        async with asyncio.TaskGroup() as group:
            loading = group.create_task(self._load_all(ready))
            await self._transform_all(plan, ready)
            await ready.put(None)
        return loading.result()

    async def _transform_all(self, plan: Plan, ready: asyncio.Queue[tuple[int, int] | None]) -> None:
        slots = asyncio.Semaphore(plan.at_once)

        async def transform(file: int) -> None:
            try:
                total = await workflow.execute_activity_method(
                    Data.transform,
                    file,
                    start_to_close_timeout=timedelta(minutes=5),
                    heartbeat_timeout=timedelta(seconds=30),
                    retry_policy=RETRY,
                )
                self._transformed += 1
                await ready.put((file, total))
            finally:
                slots.release()

        async with asyncio.TaskGroup() as group:
            for file in range(plan.files):
                await slots.acquire()  # here, and not in the task: so there are never more tasks than slots
                group.create_task(transform(file))

    async def _load_all(self, ready: asyncio.Queue[tuple[int, int] | None]) -> int:
        total = 0
        more = True
        while more:
            batch: dict[int, int] = {}
            while len(batch) < BATCH and (item := await ready.get()) is not None:
                batch[item[0]] = item[1]
            more = len(batch) == BATCH
            if batch:
                await workflow.execute_activity_method(
                    Data.load,
                    batch,
                    start_to_close_timeout=timedelta(minutes=5),
                    heartbeat_timeout=timedelta(seconds=30),
                    retry_policy=RETRY,
                )
            self._loaded += len(batch)
            total += sum(batch.values())
        return total

    @workflow.query
    def progress(self) -> tuple[int, int]:
        """Files transformed, and files loaded."""
        return self._transformed, self._loaded


async def run(client: Client, data: Data, plan: Plan) -> int:
    worker = Worker(
        client,
        task_queue=QUEUE,
        workflows=[Pipeline],
        activities=[data.transform, data.load],
        max_concurrent_activities=50,  # what this process takes; the plan bounds what the workflow asks for
    )
    async with worker:
        return await client.execute_workflow(
            Pipeline.run,
            plan,
            id="pipeline-1",
            task_queue=QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        )


async def main() -> None:
    data = Data()
    async with await Client.connect() as client:  # the Kafka that KAFKA_BOOTSTRAP_SERVERS names
        total = await run(client, data, Plan(files=1000, at_once=100))
    print(f"{len(data.loaded)} files loaded, {total} in all, at most {data.most_open} at once")


if __name__ == "__main__":
    asyncio.run(main())
