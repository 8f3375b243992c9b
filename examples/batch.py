"""A batch of any size with a sliding window: `foldlog dev --port 0 -- python examples/batch.py`.

Each record is a child workflow. The parent keeps a number of them going, and begins the next one as soon as any ends:
it does not wait for the slowest of a page. After some records it continues as new, and its children go on meanwhile. So
they tell it by a signal when they end, which reaches whichever run is the current one.
"""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta

from foldlog import activity, workflow
from foldlog.client import Client
from foldlog.common import WorkflowIDConflictPolicy
from foldlog.exceptions import ActivityError, is_cancelled_exception
from foldlog.worker import Worker
from foldlog.workflow import ParentClosePolicy

QUEUE = "batch"


@dataclass
class Batch:
    records: int
    window: int = 10
    """How many are processed at a time."""
    page: int = 25
    """How many children one run begins."""
    next: int = 0
    running: list[int] = field(default_factory=list)
    done: int = 0
    failed: list[int] = field(default_factory=list)


@workflow.defn
class SlidingWindow:
    @workflow.init
    def __init__(self, batch: Batch) -> None:
        self._batch = batch

    @workflow.run
    async def run(self, batch: Batch) -> Batch:
        batch = self._batch  # signals may have changed it before this begins
        for _ in range(batch.page):
            await workflow.wait_condition(lambda: len(batch.running) < batch.window)
            if batch.next == batch.records:
                await workflow.wait_condition(lambda: not batch.running)
                return batch
            record = batch.next
            batch.next += 1
            batch.running.append(record)  # before it begins, since it may end at once
            await workflow.start_child_workflow(
                RecordWorkflow.run,
                record,
                id=f"{workflow.info().workflow_id}/{record}",
                parent_close_policy=ParentClosePolicy.ABANDON,
            )
        workflow.continue_as_new(batch)

    @workflow.signal
    def ended(self, record: int, well: bool) -> None:
        if record not in self._batch.running:
            return  # somebody has told it by hand already
        self._batch.running.remove(record)
        self._batch.done += 1
        if not well:
            self._batch.failed.append(record)

    @workflow.query
    def progress(self) -> Batch:
        return replace(self._batch)


@workflow.defn
class RecordWorkflow:
    @workflow.run
    async def run(self, record: int) -> None:
        try:
            await workflow.execute_activity_method(
                Records.process,
                record,
                start_to_close_timeout=timedelta(minutes=5),
                schedule_to_close_timeout=timedelta(hours=1),
            )
            failure = None
        except (ActivityError, asyncio.CancelledError) as error:
            workflow.logger.warning("record %d: %s", record, error.__cause__ or error)
            failure = error
        parent = workflow.info().parent
        assert parent is not None
        handle = workflow.get_external_workflow_handle_for(SlidingWindow.run, parent.workflow_id)
        await handle.signal(SlidingWindow.ended, args=[record, failure is None])
        if failure is not None and is_cancelled_exception(failure):
            raise failure  # now that the parent knows


class Records:
    """Stands for what is done with a record."""

    def __init__(self, seconds: float = 0.1) -> None:
        self.seconds = seconds
        self.processed: list[int] = []
        self.open = self.most_open = 0

    @activity.defn
    async def process(self, record: int) -> None:
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        await asyncio.sleep(self.seconds * (1 + record % 3))  # some take longer than others
        self.open -= 1
        self.processed.append(record)


async def run(client: Client, records: Records, batch: Batch) -> Batch:
    workflows = [SlidingWindow, RecordWorkflow]
    async with Worker(client, task_queue=QUEUE, workflows=workflows, activities=[records.process]):
        return await client.execute_workflow(
            SlidingWindow.run,
            batch,
            id="batch-1",
            task_queue=QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        )


async def main() -> None:
    records = Records()
    async with await Client.connect() as client:  # the Kafka that KAFKA_BOOTSTRAP_SERVERS names
        batch = await run(client, records, Batch(records=100))
    print(f"{batch.done} records, {len(batch.failed)} failed, at most {records.most_open} at once")


if __name__ == "__main__":
    asyncio.run(main())
