"""The example of a pipeline: everything is loaded once, and never is too much open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from foldlog.schemas import event
from foldlog.testing import WorkflowEnvironment
from foldlog.worker import Worker

from examples.pipeline import QUEUE, ROWS, Data, Pipeline, Plan, run


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
