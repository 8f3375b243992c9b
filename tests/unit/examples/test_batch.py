"""The example of a batch: every record once, never more than the window, over several runs."""

from __future__ import annotations

import asyncio

import pytest
from foldlog import activity
from foldlog.client import WorkflowFailureError, WorkflowHandle
from foldlog.exceptions import ApplicationError
from foldlog.schemas.event import WorkflowExecutionContinuedAsNew
from foldlog.testing import WorkflowEnvironment
from foldlog.worker import Worker

from examples.batch import QUEUE, Batch, Records, RecordWorkflow, SlidingWindow, run
from tests.until import until_asked

QUICKLY = 0.002
"""Seconds for a record, or some times as many."""


class Spoilt(Records):
    @activity.defn
    async def process(self, record: int) -> None:
        if record % 10 == 7:
            raise ApplicationError("cannot be read", non_retryable=True)
        await super().process(record)


@pytest.mark.parametrize("batch", [Batch(60, window=7, page=20), Batch(61, window=30, page=10), Batch(0), Batch(1)])
async def test_each_record_is_processed_once(batch: Batch) -> None:
    records = Records(QUICKLY)
    async with await WorkflowEnvironment.start_time_skipping() as env:
        done = await run(env.client, records, batch)
    assert sorted(records.processed) == list(range(batch.records))
    assert records.most_open <= batch.window
    assert (done.done, done.next, done.running, done.failed) == (batch.records, batch.records, [], [])


async def test_records_that_fail_are_told_and_stop_nothing() -> None:
    async with await WorkflowEnvironment.start_time_skipping() as env:
        done = await run(env.client, Spoilt(QUICKLY), Batch(30, window=5, page=8))
    assert (done.done, sorted(done.failed)) == (30, [7, 17, 27])


async def test_histories_stay_short() -> None:
    async with await WorkflowEnvironment.start_time_skipping() as env:
        async with Worker(
            env.client,
            task_queue=QUEUE,
            workflows=[SlidingWindow, RecordWorkflow],
            activities=[Records(QUICKLY).process],
        ):
            handle = await env.client.start_workflow(SlidingWindow.run, Batch(45, page=10), id="b", task_queue=QUEUE)
            assert (await handle.result()).done == 45
            first = await env.client.get_workflow_handle("b", run_id=handle.result_run_id).fetch_history()
            rows = {row.run_id async for row in env.client.list_workflows() if row.id == "b"}
    assert isinstance(first.events[-1], WorkflowExecutionContinuedAsNew)
    assert len(rows) == 5


class Endless(Records):
    """Record 1 takes for ever."""

    @activity.defn
    async def process(self, record: int) -> None:
        while record == 1:
            activity.heartbeat()
            await asyncio.sleep(0.01)
        await super().process(record)


async def test_a_child_that_is_cancelled_or_terminated_does_not_hold_up_the_batch() -> None:
    records = Endless(QUICKLY)
    async with await WorkflowEnvironment.start_time_skipping() as env:
        async with Worker(
            env.client, task_queue=QUEUE, workflows=[SlidingWindow, RecordWorkflow], activities=[records.process]
        ):
            for how in ("cancel", "terminate"):
                handle = await env.client.start_workflow(SlidingWindow.run, Batch(3), id=how, task_queue=QUEUE)
                child = env.client.get_workflow_handle(f"{how}/1")

                async def only_it_is_left(handle: WorkflowHandle[SlidingWindow, Batch] = handle) -> bool:
                    return (await handle.query(SlidingWindow.progress)).done == 2

                await until_asked(only_it_is_left, "the others have ended")
                if how == "cancel":
                    await child.cancel()
                else:
                    await child.terminate()
                    await handle.signal(SlidingWindow.ended, args=[0, True])  # that one has told it itself
                    await handle.signal(SlidingWindow.ended, args=[1, False])
                done = await handle.result()
                assert (done.done, done.failed) == (3, [1])
                with pytest.raises(WorkflowFailureError):
                    await child.result()


class Gated(Records):
    """Processes when it may."""

    def __init__(self) -> None:
        super().__init__(QUICKLY)
        self.gate = asyncio.Event()

    @activity.defn
    async def process(self, record: int) -> None:
        await self.gate.wait()
        await super().process(record)


async def test_a_parent_that_was_terminated_is_followed_by_one_that_knows_what_runs() -> None:
    records = Gated()
    async with await WorkflowEnvironment.start_time_skipping() as env:
        async with Worker(
            env.client, task_queue=QUEUE, workflows=[SlidingWindow, RecordWorkflow], activities=[records.process]
        ):
            handle = await env.client.start_workflow(SlidingWindow.run, Batch(5, window=2), id="b", task_queue=QUEUE)

            async def both_run() -> Batch | None:
                now = await handle.query(SlidingWindow.progress)
                return now if now.running == [0, 1] else None

            known: Batch = await until_asked(both_run, "two records are being processed")
            await handle.terminate()
            again = await env.client.start_workflow(SlidingWindow.run, known, id="b", task_queue=QUEUE)
            records.gate.set()
            done = await again.result()
    assert (done.done, done.failed) == (5, [])
    assert sorted(records.processed) == [0, 1, 2, 3, 4]
