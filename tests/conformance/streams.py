"""Scenarios of streams that workflows publish, with readers from outside, activities that publish, and a next run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from foldlog import activity, workflow
from foldlog.client import WorkflowUpdateFailedError
from foldlog.contrib.workflow_streams import WorkflowStream, WorkflowStreamClient, WorkflowStreamState
from foldlog.exceptions import WorkflowNotFoundError

from tests.conformance.scenarios import SOON, Place, Scenario

LIMIT = timedelta(seconds=60)


@dataclass
class Tick:
    number: int


@dataclass
class Begin:
    stream: WorkflowStreamState | None = None
    runs: int = 0


@activity.defn(name="publish-progress")
async def progress(steps: int) -> None:
    async with WorkflowStreamClient.from_within_activity(batch_interval=timedelta(milliseconds=1)) as client:
        topic = client.topic("progress", type=str)
        for step in range(steps):
            topic.publish(f"step {step}", force_flush=True)


@workflow.defn
class Station:
    """Publishes what it is told to, and goes on as new when it is told to."""

    @workflow.init
    def __init__(self, begin: Begin) -> None:
        self.stream = WorkflowStream(prior_state=begin.stream)
        self.ticks = self.stream.topic("ticks", type=Tick)
        self.word = ""

    @workflow.run
    async def run(self, begin: Begin) -> int:
        await workflow.wait_condition(lambda: bool(self.word))
        if self.word == "again":
            await self.stream.continue_as_new(lambda state: [Begin(state, begin.runs + 1)])
        self.stream.detach_pollers()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return begin.runs

    @workflow.signal
    def say(self, word: str) -> None:
        self.word = word

    @workflow.signal
    def tick(self, number: int) -> None:
        self.ticks.publish(Tick(number))

    @workflow.update
    def truncate(self, offset: int) -> None:
        self.stream.truncate(offset)

    @workflow.update
    async def work(self, steps: int) -> None:
        await workflow.execute_activity(progress, steps, start_to_close_timeout=LIMIT)


async def a_stream_is_read_by_many_over_its_runs(here: Place) -> None:
    handle = await here.start(Station.run, Begin())

    async def read(topics: Any = None, start: int = 0, **options: Any) -> list[tuple[int, str, Any]]:
        stream = WorkflowStreamClient.create(here.client, handle.id)
        items = stream.subscribe(topics, start, poll_cooldown=timedelta(milliseconds=1), **options)
        return [(item.offset, item.topic, item.data) async for item in items]

    everything = asyncio.create_task(read())
    await handle.signal(Station.tick, 1)
    await handle.execute_update(Station.work, 2)
    async with WorkflowStreamClient.create(here.client, handle.id) as outside:
        outside.topic("news").publish({"text": "rain"})
    assert await outside.get_offset() == 4
    await handle.signal(Station.say, "again")
    current = here.client.get_workflow_handle_for(Station.run, handle.id)
    await current.signal(Station.tick, 2)
    with pytest.raises(WorkflowUpdateFailedError):
        await current.execute_update(Station.truncate, 100)
    await current.execute_update(Station.truncate, 1)
    await current.signal(Station.say, "end")
    assert await handle.result(rpc_timeout=SOON) == 1
    expected = [
        (0, "ticks", {"number": 1}),
        (1, "progress", "step 0"),
        (2, "progress", "step 1"),
        (3, "news", {"text": "rain"}),
        (4, "ticks", {"number": 2}),
    ]
    assert await everything == expected
    # Whoever comes when it is over has what is kept.
    assert await read(["ticks", "news"]) == expected[3:]
    typed = WorkflowStreamClient.create(here.client, handle.id).topic("ticks", type=Tick)
    assert [item.data async for item in typed.subscribe(2)] == [Tick(2)]
    nowhere = WorkflowStreamClient.create(here.client, "there is none")
    nowhere.topic("t").publish(1)
    with pytest.raises(WorkflowNotFoundError):
        await nowhere.flush()


SHARED: list[Scenario] = [a_stream_is_read_by_many_over_its_runs]
"""As in `scenarios`."""

WORKFLOWS: list[type] = [Station]
ACTIVITIES: list[Callable[..., Any]] = [progress]
