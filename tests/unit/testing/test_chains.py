"""Chains of runs on a virtual clock: years of a schedule, days of backoff, a month of delay, all within a moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from foldlog import workflow
from foldlog.client import WorkflowExecutionStatus, WorkflowFailureError
from foldlog.common import RetryPolicy, SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from foldlog.exceptions import ApplicationError, TimeoutError
from foldlog.testing import WorkflowEnvironment
from foldlog.worker import Worker

QUEUE = "q"
STEP = SearchAttributeKey.for_int("step")


@workflow.defn
class Years:
    """Sleeps for a year, and goes on as new."""

    @workflow.run
    async def run(self, left: int) -> str:
        workflow.upsert_search_attributes([STEP.value_set(left)])
        await workflow.sleep(timedelta(days=365))
        if left:
            workflow.continue_as_new(left - 1)
        return f"after {workflow.info().continued_run_id is not None}"


@workflow.defn
class Flaky:
    @workflow.run
    async def run(self, until: int) -> list[Any]:
        if workflow.info().attempt < until:
            await workflow.sleep(timedelta(hours=1))
            raise ApplicationError("not yet")
        return [workflow.info().attempt, str(workflow.get_last_failure())]


@workflow.defn
class Nightly:
    @workflow.run
    async def run(self) -> list[str]:
        before = workflow.get_last_completion_result(list[str]) or []
        if len(before) == 3:
            await asyncio.sleep(365 * 86_400)
        return [*before, workflow.now().strftime("%a %H:%M")]


@workflow.defn
class Delayed:
    @workflow.run
    async def run(self) -> float:
        return (workflow.info().start_time - workflow.info().workflow_start_time) / timedelta(days=1)

    @workflow.signal
    def hurry(self) -> None:
        pass

    @workflow.update
    def now(self, word: str) -> str:
        return f"{word}!"


@asynccontextmanager
async def place() -> AsyncIterator[WorkflowEnvironment]:
    async with await WorkflowEnvironment.start_time_skipping() as environment:
        async with Worker(environment.client, task_queue=QUEUE, workflows=[Years, Flaky, Nightly, Delayed]):
            yield environment


async def test_a_workflow_goes_on_for_ten_years() -> None:
    async with place() as environment:
        began = await environment.get_current_time()
        handle = await environment.client.start_workflow(
            Years.run,
            9,
            id="years",
            task_queue=QUEUE,
            search_attributes=TypedSearchAttributes([SearchAttributePair(STEP, 0)]),
        )
        assert await handle.result() == "after True"
        assert await environment.get_current_time() - began > timedelta(days=3649)
        rows = [row async for row in environment.client.list_workflows(id_prefix="years")]
        assert [row.status for row in rows].count(WorkflowExecutionStatus.CONTINUED_AS_NEW) == 9
        assert {row.typed_search_attributes[STEP] for row in rows} == set(range(10))


async def test_backoff_grows_until_the_attempts_or_the_time_are_over() -> None:
    async with place() as environment:
        policy = RetryPolicy(initial_interval=timedelta(hours=1), maximum_interval=timedelta(days=30))
        client = environment.client
        began = await environment.get_current_time()
        result = await client.execute_workflow(Flaky.run, 4, id="flaky", task_queue=QUEUE, retry_policy=policy)
        assert result == [4, "not yet"]
        # Three runs of an hour, and 1 + 2 + 4 hours between them; the log knows whole milliseconds only.
        took = await environment.get_current_time() - began
        assert timedelta(hours=10) - timedelta(milliseconds=10) <= took < timedelta(hours=11)
        with pytest.raises(WorkflowFailureError) as failed:
            await client.execute_workflow(
                Flaky.run,
                99,
                id="late",
                task_queue=QUEUE,
                retry_policy=policy,
                execution_timeout=timedelta(hours=3, minutes=30),
            )
        assert isinstance(failed.value.cause, TimeoutError | ApplicationError)
        runs = [row async for row in client.list_workflows(id_prefix="late")]
        assert len(runs) == 2


async def test_a_schedule_keeps_its_hour_in_its_time_zone() -> None:
    async with place() as environment:
        handle = await environment.client.start_workflow(
            Nightly.run, id="nightly", task_queue=QUEUE, cron_schedule="CRON_TZ=Asia/Kolkata 30 6 * * MON-FRI"
        )
        await environment.sleep(timedelta(days=10))
        shown = await handle.describe()
        assert shown.status is WorkflowExecutionStatus.RUNNING
        rows = [row async for row in environment.client.list_workflows(status=WorkflowExecutionStatus.COMPLETED)]
        last = max(rows, key=lambda row: row.start_time)
        times = await environment.client.get_workflow_handle("nightly", run_id=last.run_id).result(follow_runs=False)
        assert len(times) == 3
        assert all(time.endswith("01:00") and time[:3] not in ("Sat", "Sun") for time in times)
        await handle.terminate()


async def test_a_delay_of_a_month_and_those_that_a_start_with_a_signal_or_an_update_ends() -> None:
    async with place() as environment:
        client, month = environment.client, timedelta(days=30)
        assert await client.execute_workflow(Delayed.run, id="a", task_queue=QUEUE, start_delay=month) == 30
        handle = await client.start_workflow(Delayed.run, id="b", task_queue=QUEUE, start_delay=month)
        shown = await handle.describe()
        assert shown.execution_time == shown.start_time + month
        await handle.signal(Delayed.hurry)
        events = (await handle.fetch_history()).events
        assert [type(item).__name__ for item in events][1:] == ["WorkflowExecutionSignaled"]
        await client.start_workflow(Delayed.run, id="b", task_queue=QUEUE, start_signal="hurry")
        assert await handle.result() < 1
        # The code ends as soon as it begins, and yet the update is handled.
        handle = await client.start_workflow(Delayed.run, id="c", task_queue=QUEUE, start_delay=month)
        assert await handle.execute_update(Delayed.now, "go") == "go!"
        assert await handle.result() < 1
        assert shown.start_time > datetime(2000, 1, 1, tzinfo=UTC)
