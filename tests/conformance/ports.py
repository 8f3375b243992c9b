"""Scenarios that tests written for Temporal's SDKs rely on. All bring their own workers."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from contextlib import AbstractAsyncContextManager, suppress
from datetime import timedelta
from typing import Any

import pytest
from foldlog import activity, workflow
from foldlog.client import WorkflowFailureError, WorkflowHandle, WorkflowHistoryEventFilterType
from foldlog.exceptions import ActivityError, RPCError, TimeoutError
from foldlog.worker import Worker

from tests.conformance.scenarios import QUEUE, Place, Scenario
from tests.conformance.workers import worker_of
from tests.until import until, until_asked

LIMIT = timedelta(seconds=60)
NOBODY = "conformance-nobody"

begun: Counter[str] = Counter()


@activity.defn
async def until_shutdown(key: str) -> str:
    begun[key] += 1
    await activity.wait_for_worker_shutdown()
    return key


@activity.defn
async def at_once(key: str) -> str:
    begun[key] += 1
    return key


@workflow.defn
class PortedWaiter:
    """Returns what its activity returns, or which timeout ended it."""

    @workflow.run
    async def run(self, activity: str, key: str, queue: str, limit: float) -> str:
        try:
            result: str = await workflow.execute_activity(
                activity, key, task_queue=queue, schedule_to_close_timeout=timedelta(seconds=limit)
            )
        except ActivityError as error:
            return error.cause.type.name if isinstance(error.cause, TimeoutError) and error.cause.type else str(error)
        return result


@workflow.defn
class PortedLocal:
    @workflow.run
    async def run(self, key: str) -> str:
        return await workflow.execute_local_activity(until_shutdown, key, start_to_close_timeout=LIMIT)


def worker(here: Place, **options: Any) -> AbstractAsyncContextManager[Worker]:
    return worker_of(here, here.client, workflows=WORKFLOWS, activities=[until_shutdown, at_once], **options)


async def what_ends_with_the_worker_is_recorded(here: Place) -> None:
    """Activities that end when their worker shuts down are not begun again by the next one, busy as it was."""
    keys = [uuid.uuid4().hex for _ in range(30)]

    async def ask(handle: WorkflowHandle[Any, Any]) -> None:
        with suppress(RPCError):  # until there is no worker
            while True:
                await handle.describe(rpc_timeout=timedelta(seconds=0.5))

    async with worker(here, graceful_shutdown_timeout=LIMIT):
        handles = [await here.start(PortedWaiter.run, "until_shutdown", key, QUEUE, 300.0) for key in keys]
        await until(lambda: all(begun[key] for key in keys), "all activities run")
        asking = [asyncio.create_task(ask(handle)) for handle in handles]
    for each in asking:
        each.cancel()
    await asyncio.gather(*asking, return_exceptions=True)
    async with worker(here):
        assert await asyncio.gather(*(handle.result() for handle in handles)) == keys
    assert [begun[key] for key in keys] == [1] * len(keys)


async def a_local_activity_ends_in_the_grace_period(here: Place) -> None:
    key = uuid.uuid4().hex
    async with worker(here, graceful_shutdown_timeout=LIMIT):
        handle = await here.start(PortedLocal.run, key)
        await until(lambda: begun[key], "the local activity runs")
    async with worker(here):
        assert await handle.result() == key
    assert begun[key] == 1


async def an_activity_that_nobody_takes(here: Place) -> None:
    """Its schedule-to-close timeout bounds the wait for a worker too, and then says so."""
    async with worker(here):
        assert await here.execute(PortedWaiter.run, "at_once", "", NOBODY, 1.1) == "SCHEDULE_TO_START"
        assert await here.execute(PortedWaiter.run, "until_shutdown", "", QUEUE, 6.0) == "SCHEDULE_TO_CLOSE"


async def an_activity_that_is_moved_to_where_it_is_taken(here: Place) -> None:
    key = uuid.uuid4().hex
    async with worker(here):
        handle = await here.start(PortedWaiter.run, "at_once", key, NOBODY, 60.0)

        async def scheduled() -> bool:
            return len((await handle.describe()).pending_activities) == 1

        await until_asked(scheduled, "it is scheduled")
        await handle.update_activity_options(activity_type="at_once", task_queue=QUEUE)
        assert await handle.result() == key
    assert begun[key] == 1


async def a_worker_without_remote_activities(here: Place) -> None:
    """It runs none eagerly either."""
    key = uuid.uuid4().hex
    async with worker(here, no_remote_activities=True):
        assert await here.execute(PortedWaiter.run, "at_once", key, QUEUE, 1.1) == "SCHEDULE_TO_START"
    assert begun[key] == 0


@workflow.defn
class PortedPoller:
    """Asks for news without end, with no time in between."""

    def __init__(self) -> None:
        self.news: list[str] = []

    @workflow.run
    async def run(self, enough: int) -> list[str]:
        assert workflow.info().headers == {}
        while len(self.news) < enough:
            await workflow.sleep(0)
        return self.news

    @workflow.signal
    def tell(self, news: str) -> None:
        self.news.append(news)


async def sleeping_for_no_time_takes_in_what_happens(here: Place) -> None:
    async with worker(here):
        handle = await here.start(PortedPoller.run, 2)
        await handle.signal(PortedPoller.tell, "a")
        await handle.signal(PortedPoller.tell, "b")
        assert await handle.result() == ["a", "b"]


async def histories_in_pages_and_as_they_come(here: Place) -> None:
    async with worker(here):
        handle = await here.start(PortedWaiter.run, "at_once", "unheard", NOBODY, 600.0)

        async def follow(kind: WorkflowHistoryEventFilterType) -> list[str]:
            events = handle.fetch_history_events(wait_new_event=True, event_filter_type=kind)
            return [type(event).__name__ async for event in events]

        kinds = WorkflowHistoryEventFilterType
        following = [asyncio.create_task(follow(kind)) for kind in (kinds.ALL_EVENT, kinds.CLOSE_EVENT)]

        async def scheduled() -> bool:
            return len((await handle.describe()).pending_activities) == 1

        await until_asked(scheduled, "it is scheduled")
        assert (await handle.fetch_history(event_filter_type=kinds.CLOSE_EVENT)).events == []
        assert not any(task.done() for task in following)
        await handle.terminate()
        with pytest.raises(WorkflowFailureError):
            await handle.result()
        all_events = [type(event).__name__ for event in (await handle.fetch_history()).events]
        assert await asyncio.gather(*following) == [all_events, all_events[-1:]]

        events = handle.fetch_history_events(page_size=2)
        await events.fetch_next_page()
        assert [event.event_id for event in events.current_page or ()] == [1, 2]
        rest = handle.fetch_history_events(next_page_token=events.next_page_token)
        assert [event.event_id async for event in rest] == list(range(3, len(all_events) + 1))
        assert rest.next_page_token is None


async def lists_in_pages(here: Place) -> None:
    prefix = uuid.uuid4().hex
    async with worker(here):
        handles = [await here.start(PortedPoller.run, 0, id=f"{prefix}-{number}") for number in range(5)]
        for handle in handles:
            await handle.result()

        async def listed() -> bool:
            return len([run async for run in here.client.list_workflows(id_prefix=prefix, page_size=2)]) == 5

        await until_asked(listed, "they are listed")
        token: bytes | None = None
        sizes: list[int] = []
        found: set[str] = set()
        while True:
            page = here.client.list_workflows(id_prefix=prefix, page_size=2, next_page_token=token)
            await page.fetch_next_page()
            sizes.append(len(page.current_page or ()))
            found.update(run.id for run in page.current_page or ())
            token = page.next_page_token
            if token is None:
                break
        assert (sizes, found) == ([2, 2, 1], {handle.id for handle in handles})


WORKFLOWS: list[type] = [PortedWaiter, PortedLocal, PortedPoller]
ALONE: list[Scenario] = [
    what_ends_with_the_worker_is_recorded,
    a_local_activity_ends_in_the_grace_period,
    an_activity_that_nobody_takes,
    an_activity_that_is_moved_to_where_it_is_taken,
    a_worker_without_remote_activities,
    sleeping_for_no_time_takes_in_what_happens,
    histories_in_pages_and_as_they_come,
    lists_in_pages,
]
