"""Activities that take days: paused, and retried near by; and priorities, on the broker in memory."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta
from typing import Any

import pytest
from foldlog import activity, workflow
from foldlog.client import WorkflowFailureError
from foldlog.common import Priority, RetryPolicy
from foldlog.exceptions import ActivityError, ApplicationError
from foldlog.memory.processor import MemoryProcessor
from foldlog.processors.partition import PoisonedInput
from foldlog.testing import WorkflowEnvironment
from foldlog.worker import Worker

from tests.until import until, until_asked

QUEUE = "q"
DAY = timedelta(days=1)

ran: list[Any] = []
gate = asyncio.Event()


@pytest.fixture(autouse=True)
def fresh() -> None:
    ran.clear()
    gate.clear()


@activity.defn
async def flaky(successes_after: int) -> int:
    ran.append(activity.info().attempt)
    if len(ran) <= successes_after:
        raise ApplicationError("not yet")
    return activity.info().attempt


@activity.defn
async def note(name: str) -> None:
    info = activity.info()
    ran.append((name, info.priority))


@activity.defn
async def endless() -> None:
    ran.append("begun")
    try:
        await asyncio.Event().wait()
    finally:
        ran.append("stopped")


@activity.defn
async def pass_gate() -> str:
    await gate.wait()
    ran.append("gated")
    return "passed"


@workflow.defn
class Near:
    """Ends, or goes on as new, while a local activity runs."""

    def __init__(self) -> None:
        self.how = ""

    @workflow.run
    async def run(self, again: bool = False) -> None:
        if again:
            return
        task = workflow.start_local_activity(endless, start_to_close_timeout=DAY)
        await workflow.wait_condition(lambda: bool(self.how))
        assert not task.done()
        if self.how == "continue":
            workflow.continue_as_new(True)

    @workflow.signal
    def end(self, how: str) -> None:
        self.how = how


@workflow.defn
class Gated:
    def __init__(self) -> None:
        self.has_begun = False

    @workflow.run
    async def run(self) -> str:
        self.has_begun = True
        return await workflow.execute_local_activity(pass_gate, start_to_close_timeout=DAY)

    @workflow.query
    def begun(self) -> bool:
        return self.has_begun


@workflow.defn
class Flaky:
    @workflow.run
    async def run(self, local: bool, failures: int) -> list[Any]:
        began = workflow.now()
        policy = RetryPolicy(initial_interval=DAY, maximum_interval=10 * DAY)
        if local:
            attempt = await workflow.execute_local_activity(
                flaky, failures, start_to_close_timeout=DAY, schedule_to_close_timeout=20 * DAY, retry_policy=policy
            )
        else:
            attempt = await workflow.execute_activity(flaky, failures, start_to_close_timeout=DAY, retry_policy=policy)
        return [attempt, (workflow.now() - began) / DAY]


@workflow.defn
class Crowd:
    """Many activities at once, the urgent ones last."""

    @workflow.run
    async def run(self) -> None:
        limit = timedelta(hours=1)
        async with asyncio.TaskGroup() as group:
            for number in range(30):
                priority = Priority(fairness_key="big") if number % 2 else Priority.default
                group.create_task(
                    workflow.execute_activity(note, f"low {number}", start_to_close_timeout=limit, priority=priority)
                )
            for number in range(5):
                group.create_task(
                    workflow.execute_activity(
                        note, f"high {number}", start_to_close_timeout=limit, priority=Priority(priority_key=1)
                    )
                )


def worker(env: WorkflowEnvironment, **options: Any) -> Worker:
    return Worker(
        env.client,
        task_queue=QUEUE,
        workflows=[Flaky, Crowd, Near, Gated],
        activities=[flaky, note, endless, pass_gate],
        **options,
    )


async def test_a_local_activity_is_retried_over_days_and_keeps_its_limit_over_all_attempts() -> None:
    async with await WorkflowEnvironment.start_time_skipping() as env, worker(env):
        attempt, days = await env.client.execute_workflow(Flaky.run, args=[True, 3], id="1", task_queue=QUEUE)
        assert attempt == 4
        assert days == pytest.approx(1 + 2 + 4, abs=0.1)
        ran.clear()
        with pytest.raises(WorkflowFailureError) as caught:
            await env.client.execute_workflow(Flaky.run, args=[True, 100], id="2", task_queue=QUEUE)
        assert isinstance(caught.value.cause, ApplicationError)
        assert ran == [1, 2, 3, 4, 5]  # after 0, 1, 3, 7 and 15 days; the next one would be after 25


async def test_paused_for_a_month_and_then_at_once() -> None:
    async with await WorkflowEnvironment.start_time_skipping() as env, worker(env):
        handle = await env.client.start_workflow(Flaky.run, args=[False, 1], id="wf", task_queue=QUEUE)
        await until(lambda: ran, "it has run")

        async def in_backoff() -> bool:
            return (await handle.describe()).pending_activities[0].state.name == "BACKOFF"

        await until_asked(in_backoff, "it waits for its second attempt")
        await handle.pause_activity(activity_type="flaky")
        await env.sleep(30 * DAY)
        assert ran == [1]
        await handle.unpause_activity(activity_type="flaky")
        attempt, days = await handle.result()
        assert attempt == 2
        assert days == pytest.approx(30, abs=0.1)


async def test_the_urgent_ones_go_before_what_waits() -> None:
    async with (
        await WorkflowEnvironment.start_time_skipping() as env,
        worker(env, max_concurrent_activities=1, disable_eager_activity_execution=True),
    ):
        await env.client.execute_workflow(Crowd.run, id="wf", task_queue=QUEUE, execution_timeout=timedelta(days=1))
    names = [name for name, _ in ran]
    assert len(names) == 35
    urgent = [index for index, name in enumerate(names) if name.startswith("high")]
    # One task was fetched before any told of a priority, and some may run while the others are read.
    assert max(urgent) < 15
    assert dict(ran)["high 0"] == Priority(priority_key=1)
    assert dict(ran)["low 1"] == Priority(fairness_key="big")


@workflow.defn
class TooMuch:
    """Hands an activity more than a record can hold."""

    @workflow.run
    async def run(self) -> None:
        await workflow.execute_activity(note, "x" * 1_000_000, start_to_close_timeout=timedelta(seconds=10))


async def test_the_slot_of_an_activity_that_cannot_be_recorded_is_free_again() -> None:
    async with (
        await WorkflowEnvironment.start_time_skipping() as env,
        Worker(
            env.client,
            task_queue=QUEUE,
            workflows=[TooMuch, Flaky],
            activities=[note, flaky],
            max_concurrent_activities=1,
        ),
    ):
        handle = await env.client.start_workflow(TooMuch.run, id="large", task_queue=QUEUE)
        await env.sleep(10)
        assert "ActivityTaskScheduled has 1000" in (await handle.describe()).stalled_error
        await env.client.execute_workflow(
            Flaky.run, args=[False, 0], id="small", task_queue=QUEUE, rpc_timeout=timedelta(seconds=5)
        )


async def test_a_worker_stops_as_soon_as_its_local_activities_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("foldlog.worker.activities._STILL_RUNNING_SECONDS", 3600.0)  # nobody waits so long here
    async with await WorkflowEnvironment.start_time_skipping() as env:
        async with worker(env):
            await env.client.start_workflow(Near.run, id="near", task_queue=QUEUE)
            await until(lambda: ran == ["begun"], "it has begun")
        assert ran == ["begun", "stopped"]


async def test_a_run_that_closes_at_once_does_not_begin_them() -> None:
    async with await WorkflowEnvironment.start_time_skipping() as env, worker(env):
        options: dict[str, Any] = {"id": "near", "task_queue": QUEUE, "start_signal": "end"}
        for how in ("complete", "continue"):
            handle = await env.client.start_workflow(Near.run, start_signal_args=[how], **options)
            await handle.result()
        assert await env.client.execute_workflow(Flaky.run, args=[True, 0], id="f", task_queue=QUEUE) == [1, 0]
        assert ran == [1]


@activity.defn(no_thread_cancel_exception=True)
def stubborn() -> None:
    stubborn_begun.set()
    stubborn_may_end.wait(20)


stubborn_begun, stubborn_may_end = threading.Event(), threading.Event()


@workflow.defn
class GivesUp:
    """Cancels an activity that does not care, and goes on for a month."""

    @workflow.run
    async def run(self, local: bool) -> str:
        start = workflow.start_local_activity if local else workflow.start_activity
        handle = start(stubborn, start_to_close_timeout=10 * DAY)
        await workflow.wait_condition(lambda: self.given_up)
        handle.cancel()
        with pytest.raises(ActivityError):
            await handle
        await workflow.sleep(30 * DAY)
        return "done"

    def __init__(self) -> None:
        self.given_up = False

    @workflow.signal
    def give_up(self) -> None:
        self.given_up = True


@pytest.mark.parametrize("local", [True, False])
async def test_time_goes_on_when_an_activity_has_ended_that_nobody_waits_for(local: bool) -> None:
    stubborn_begun.clear()
    stubborn_may_end.clear()
    async with await WorkflowEnvironment.start_time_skipping() as env:
        async with Worker(env.client, task_queue=QUEUE, workflows=[GivesUp], activities=[stubborn]):
            handle = await env.client.start_workflow(GivesUp.run, local, id="w", task_queue=QUEUE)
            result = asyncio.create_task(handle.result())
            await until(stubborn_begun.is_set, "it runs")
            await handle.signal(GivesUp.give_up)
            for _ in range(50):
                await asyncio.sleep(0)
            assert not result.done()  # code that runs finds time as it is
            stubborn_may_end.set()
            assert await asyncio.wait_for(result, 10) == "done"


@pytest.mark.parametrize("end", ["terminate", "complete", "continue"])
async def test_a_run_that_closes_stops_its_local_activities(end: str) -> None:
    async with await WorkflowEnvironment.start_time_skipping() as env, worker(env):
        handle = await env.client.start_workflow(Near.run, id="near", task_queue=QUEUE)
        await until(lambda: ran == ["begun"], "it has begun")
        if end == "terminate":
            await handle.terminate()
        else:
            await handle.signal(Near.end, end)
        await until(lambda: ran == ["begun", "stopped"], "it has stopped")


async def test_a_local_activity_whose_end_was_in_an_aborted_transaction_runs_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    commit = MemoryProcessor._commit
    aborted: list[bool] = []

    def fails_once(self: MemoryProcessor, began: float) -> None:
        if ran == ["gated"] and self._turns._taken and not aborted:
            aborted.append(True)
            raise PoisonedInput("another command of the batch")
        commit(self, began)

    monkeypatch.setattr(MemoryProcessor, "_commit", fails_once)
    async with await WorkflowEnvironment.start_time_skipping() as env, worker(env):
        handle = await env.client.start_workflow(Gated.run, id="gated", task_queue=QUEUE)
        await until_started(handle)
        gate.set()
        assert await handle.result(rpc_timeout=timedelta(seconds=20)) == "passed"
        assert aborted
        assert ran == ["gated", "gated"]


async def until_started(handle: Any) -> None:
    """Wait until the transaction that began its local activity is committed, without its end."""
    await until_asked(lambda: handle.query(Gated.begun), "its local activity has begun")
    await handle.describe()
