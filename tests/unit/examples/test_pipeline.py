"""The example of a pipeline: everything is loaded once, and never is too much open."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from foldlog import activity
from foldlog.client import WorkflowFailureError
from foldlog.exceptions import ApplicationError, FailureError
from foldlog.schemas import event
from foldlog.testing import WorkflowEnvironment
from foldlog.worker import Worker

from examples.pipeline import BATCH, QUEUE, ROWS, Data, Pipeline, Plan, run
from tests.until import until_asked


async def history(env: WorkflowEnvironment) -> Sequence[Any]:
    async with Worker(env.client, task_queue=QUEUE, workflows=[Pipeline]):  # the one of `run` has gone
        return (await env.client.get_workflow_handle("pipeline-1").fetch_history()).events


def total(files: int) -> int:
    return sum(range(files)) * sum(range(ROWS))


async def test_a_thousand_at_once() -> None:
    data = Data()
    async with await WorkflowEnvironment.start_time_skipping() as env:
        assert await run(env.client, data, Plan(files=1000, at_once=1000)) == total(1000)
        events = await history(env)
    assert sorted(data.loaded) == list(range(1000))
    assert data.rows_read == 1000 * ROWS  # those that broke off went on where they were
    assert all(isinstance(item, event.ActivityTaskScheduled) for item in events[1:1001])


async def test_no_more_are_scheduled_than_there_are_slots() -> None:
    data = Data()
    async with await WorkflowEnvironment.start_time_skipping() as env:
        assert await run(env.client, data, Plan(files=203, at_once=7)) == total(203)
        events = await history(env)
    is_open: set[int] = set()
    most = loads = 0
    for item in events:
        if isinstance(item, event.ActivityTaskScheduled) and item.activity_type == "transform":
            is_open.add(item.event_id)
        elif isinstance(item, event.ActivityTaskScheduled):
            loads += 1
        elif isinstance(item, event.ActivityTaskCompleted):
            is_open.discard(item.scheduled_event_id)
        most = max(most, len(is_open))
    assert (most, loads) == (7, 5)


async def test_nothing_to_do() -> None:
    async with await WorkflowEnvironment.start_time_skipping() as env:
        assert await run(env.client, Data(), Plan(files=0, at_once=7)) == 0


class Slow(Data):
    """Loads when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.may_load = asyncio.Event()

    @activity.defn
    async def load(self, batch: dict[int, int]) -> None:
        await self.may_load.wait()
        await super().load(batch)


async def test_while_loading_is_slow_no_further_file_is_begun() -> None:
    """One batch is being loaded, one waits in the queue, and each slot has a file that does not fit in."""
    data, plan = Slow(), Plan(files=400, at_once=7)
    most = 2 * BATCH + plan.at_once
    async with await WorkflowEnvironment.start_time_skipping() as env:
        with env.auto_time_skipping_disabled():
            running = asyncio.create_task(run(env.client, data, plan))

            async def full() -> bool:
                return data.rows_read >= most * ROWS

            await until_asked(full, "the queue is full")
            data.may_load.set()
            assert await running == total(400)
        events = await history(env)
    first_load = next(
        item.event_id
        for item in events
        if isinstance(item, event.ActivityTaskScheduled) and item.activity_type == "load"
    )
    completed = next(
        index
        for index, item in enumerate(events)
        if isinstance(item, event.ActivityTaskCompleted) and item.scheduled_event_id == first_load
    )
    before = [item for item in events[:completed] if isinstance(item, event.ActivityTaskScheduled)]
    assert len([item for item in before if item.activity_type == "transform"]) == most


class Incomplete(Data):
    """One of its files is not there."""

    @activity.defn
    async def transform(self, file: int) -> int:
        if file == 3:
            raise ApplicationError("it is not there", type="NoSuchFile", non_retryable=True)
        return await super().transform(file)


async def test_a_file_that_can_never_be_transformed_ends_it() -> None:
    async with await WorkflowEnvironment.start_time_skipping() as env:
        with pytest.raises(WorkflowFailureError) as failed:
            await run(env.client, Incomplete(), Plan(files=20, at_once=4))
    # Of both task groups and of the activity, the innermost one last.
    types: list[Any] = []
    error: BaseException | None = failed.value.cause
    while isinstance(error, FailureError):
        types.append(getattr(error, "type", type(error).__name__))
        error = error.cause
    assert types == ["ExceptionGroup", "ExceptionGroup", "ActivityError", "NoSuchFile"]
