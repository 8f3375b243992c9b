"""The example of polling: all ways find the result, and ask as often as they should."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from foldlog import activity
from foldlog.client import WorkflowFailureError
from foldlog.exceptions import is_cancelled_exception
from foldlog.testing import WorkflowEnvironment
from foldlog.worker import Worker

from examples.polling import QUEUE, WORKFLOWS, Often, Poller, Regularly, Seldom, Service, run
from tests.until import until_asked


async def test_all_three_ways_find_the_result() -> None:
    service = Service(ready_after=8)
    async with await WorkflowEnvironment.start_time_skipping() as env:
        began = await env.get_current_time()
        results = await run(env.client, service, often=0.001, seldom=3600)
        assert results == ["result of job-1", "result of job-2", "result of job-3"]
        assert service.asked == {"job-1": 8, "job-2": 8, "job-3": 8}
        assert timedelta(hours=7) <= await env.get_current_time() - began < timedelta(hours=8)
        async with Worker(env.client, task_queue=QUEUE, workflows=WORKFLOWS):
            rows = [row async for row in env.client.list_workflows() if row.workflow_type == Poller.__name__]
            last = await env.client.get_workflow_handle_for(Poller.run, "regularly-poller").fetch_history()
    assert len({row.run_id for row in rows}) == 3  # eight polls, three in each run
    assert len(last.events) < 15


class Hanging(Service):
    @activity.defn
    async def ask_once(self, job: str) -> str:
        self.asked[job] = 1
        while True:
            activity.heartbeat()
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("way", [Often, Seldom])
async def test_a_workflow_that_polls_and_is_cancelled_asks_no_more(way: Any) -> None:
    service = Service(ready_after=10**6)
    activities: list[Any] = [service.ask_often, service.ask_once]
    async with await WorkflowEnvironment.start_time_skipping() as env:
        async with Worker(env.client, task_queue=QUEUE, workflows=WORKFLOWS, activities=activities):
            handle = await env.client.start_workflow(way.run, args=["job", 0.001], id="w", task_queue=QUEUE)

            async def asked() -> bool:
                return service.asked != {}

            await until_asked(asked, "it asks")
            await handle.cancel()
            with pytest.raises(WorkflowFailureError) as failed:
                await handle.result()
            assert is_cancelled_exception(failed.value.cause)


async def test_a_poller_that_is_cancelled_asks_no_more() -> None:
    service = Hanging(ready_after=1)
    async with await WorkflowEnvironment.start_time_skipping() as env:
        async with Worker(env.client, task_queue=QUEUE, workflows=WORKFLOWS, activities=[service.ask_once]):
            handle = await env.client.start_workflow(Regularly.run, args=["job", 60.0], id="r", task_queue=QUEUE)

            async def asked() -> bool:
                return service.asked != {}

            await until_asked(asked, "it asks")
            await handle.cancel()
            for each in (handle, env.client.get_workflow_handle_for(Poller.run, "r-poller")):
                with pytest.raises(WorkflowFailureError) as failed:
                    await each.result()
                assert is_cancelled_exception(failed.value.cause)


class Unsteady(Service):
    """Breaks off the first time that it is asked for each job."""

    def ask(self, job: str) -> str | None:
        if job not in self.asked:
            self.asked[job] = 0
            raise ConnectionError("try again")
        return super().ask(job)


async def test_each_way_asks_again_if_the_service_fails() -> None:
    async with await WorkflowEnvironment.start_time_skipping() as env:
        results = await run(env.client, Unsteady(ready_after=2), often=0.001, seldom=60)
    assert results == ["result of job-1", "result of job-2", "result of job-3"]
