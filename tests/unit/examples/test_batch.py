"""The example of a batch: every record once, never more than the window, over several runs."""

from __future__ import annotations

import pytest
from foldlog import activity
from foldlog.exceptions import ApplicationError
from foldlog.schemas.event import WorkflowExecutionContinuedAsNew
from foldlog.testing import WorkflowEnvironment
from foldlog.worker import Worker

from examples.batch import QUEUE, Batch, Records, RecordWorkflow, SlidingWindow, run


class Spoilt(Records):
    @activity.defn
    async def process(self, record: int) -> None:
        if record % 10 == 7:
            raise ApplicationError("cannot be read", non_retryable=True)
        await super().process(record)


@pytest.mark.parametrize("batch", [Batch(60, window=7, page=20), Batch(61, window=30, page=10), Batch(0), Batch(1)])
async def test_each_record_is_processed_once(batch: Batch) -> None:
    records = Records()
    async with await WorkflowEnvironment.start_time_skipping() as env:
        done = await run(env.client, records, batch)
    assert sorted(records.processed) == list(range(batch.records))
    assert records.most_open <= batch.window
    assert (done.done, done.next, done.running, done.failed) == (batch.records, batch.records, [], [])


async def test_records_that_fail_are_told_and_stop_nothing() -> None:
    async with await WorkflowEnvironment.start_time_skipping() as env:
        done = await run(env.client, Spoilt(), Batch(30, window=5, page=8))
    assert (done.done, sorted(done.failed)) == (30, [7, 17, 27])


async def test_histories_stay_short() -> None:
    async with await WorkflowEnvironment.start_time_skipping() as env:
        async with Worker(
            env.client, task_queue=QUEUE, workflows=[SlidingWindow, RecordWorkflow], activities=[Records().process]
        ):
            handle = await env.client.start_workflow(SlidingWindow.run, Batch(45, page=10), id="b", task_queue=QUEUE)
            assert (await handle.result()).done == 45
            first = await env.client.get_workflow_handle("b", run_id=handle.result_run_id).fetch_history()
            rows = {row.run_id async for row in env.client.list_workflows() if row.id == "b"}
    assert isinstance(first.events[-1], WorkflowExecutionContinuedAsNew)
    assert len(rows) == 5
