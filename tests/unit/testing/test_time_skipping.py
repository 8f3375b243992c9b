"""Skipped time: what it skips, what it waits for, and that environments are apart from each other."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from foldlog import activity, workflow
from foldlog.client import (
    Client,
    WorkflowExecutionDescription,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowUpdateRPCTimeoutOrCancelledError,
    WorkflowUpdateStage,
)
from foldlog.common import RetryPolicy
from foldlog.exceptions import ActivityError, ApplicationError, ConfigurationError, TimeoutError
from foldlog.testing import WorkflowEnvironment
from foldlog.transport.errors import ConnectionClosedError
from foldlog.worker import Worker

from examples.interceptors.context import TenantInterceptor
from tests.until import until_asked

QUEUE = "q"
DAY = timedelta(days=1)
HOURLY = RetryPolicy(initial_interval=timedelta(hours=1), backoff_coefficient=1.0)
LIMIT = timedelta(seconds=30)

release = threading.Event()


@activity.defn
async def third_time(key: str) -> int:
    """Fails twice."""
    if activity.info().attempt < 3:
        raise ApplicationError("not yet")
    return activity.info().attempt


@activity.defn
async def slow() -> str:
    """Takes a moment of real time, in a thread."""
    await asyncio.to_thread(release.wait, 0.05)
    return "done"


@activity.defn
async def lazy() -> None:
    activity.raise_complete_async()


@activity.defn
async def ask(workflow_id: str) -> str:
    """Waits for the result of another workflow."""
    result: str = await activity.client().get_workflow_handle(workflow_id).result()
    return result


@activity.defn
async def halting() -> list[Any]:
    """Stops after a heartbeat; its next attempt says what that told."""
    if activity.info().attempt == 1:
        activity.heartbeat("so far")
        await asyncio.Event().wait()
    return list(activity.info().heartbeat_details)


@workflow.defn
class Halted:
    @workflow.run
    async def run(self) -> list[Any]:
        began = workflow.now()
        details = await workflow.execute_activity(
            halting,
            start_to_close_timeout=DAY,
            heartbeat_timeout=timedelta(seconds=0.3),
            retry_policy=RetryPolicy(initial_interval=DAY),
        )
        return [*details, round((workflow.now() - began) / DAY, 1)]


@workflow.defn
class Sleeper:
    @workflow.run
    async def run(self, days: float) -> str:
        began = workflow.now()
        await workflow.sleep(timedelta(days=days))
        return f"{(workflow.now() - began) / DAY:.1f}"


@workflow.defn
class Daily:
    """Counts days."""

    def __init__(self) -> None:
        self._days = 0

    @workflow.run
    async def run(self, days: int) -> int:
        while self._days < days:
            await workflow.sleep(DAY)
            self._days += 1
        return self._days

    @workflow.query
    def days(self) -> int:
        return self._days

    @workflow.update
    async def after_a_day(self) -> int:
        await workflow.wait_condition(lambda: self._days > 0)
        return self._days


@workflow.defn
class Race:
    """A timer of a day against an activity."""

    @workflow.run
    async def run(self, name: str, args: list[Any]) -> str:
        running = workflow.start_activity(name, args=args, start_to_close_timeout=timedelta(days=2))
        timer = asyncio.create_task(asyncio.sleep(DAY.total_seconds()))
        await workflow.wait([running, timer], return_when=asyncio.FIRST_COMPLETED)
        return str(await running) if running.done() else "timer"


@workflow.defn
class Retrying:
    @workflow.run
    async def run(self, local: bool) -> float:
        began = workflow.now()
        execute = workflow.execute_local_activity if local else workflow.execute_activity
        attempt = await execute(third_time, "", start_to_close_timeout=LIMIT, retry_policy=HOURLY)
        assert attempt == 3
        return (workflow.now() - began) / timedelta(hours=1)


@workflow.defn
class Unserved:
    @workflow.run
    async def run(self) -> None:
        await workflow.execute_activity(
            slow, task_queue="nobody", start_to_close_timeout=LIMIT, schedule_to_start_timeout=DAY
        )


@workflow.defn
class Mistaken:
    """Has a mistake that no later try mends; or lacks a local activity."""

    @workflow.run
    async def run(self, local: bool) -> str:
        if not local:
            raise KeyError("a mistake")
        return await workflow.execute_local_activity(slow, start_to_close_timeout=LIMIT)


@pytest.fixture
async def env() -> AsyncIterator[WorkflowEnvironment]:
    async with await WorkflowEnvironment.start_time_skipping() as started:
        yield started


@asynccontextmanager
async def worker(env: WorkflowEnvironment, **options: Any) -> AsyncIterator[Worker]:
    workflows = [Sleeper, Daily, Race, Retrying, Unserved]
    activities: list[Any] = [third_time, slow, lazy, ask]
    async with Worker(env.client, task_queue=QUEUE, workflows=workflows, activities=activities, **options) as running:
        yield running


async def start(env: WorkflowEnvironment, run: Any, *args: Any, id: str = "a", **options: Any) -> Any:
    handle: WorkflowHandle[Any, Any] = await env.client.start_workflow(
        run, args=args, id=id, task_queue=QUEUE, **options
    )
    return handle


async def test_a_month_is_skipped_while_the_result_is_awaited(env: WorkflowEnvironment) -> None:
    assert env.supports_time_skipping
    began = await env.get_current_time()
    assert abs(began - datetime.now(UTC)) < timedelta(minutes=1)
    async with worker(env):
        assert await (await start(env, Sleeper.run, 30.0)).result() == "30.0"
        assert await env.client.execute_workflow(Sleeper.run, 0.5, id="b", task_queue=QUEUE) == "0.5"
    assert DAY * 30.5 <= await env.get_current_time() - began < DAY * 30.6


async def test_a_sleep_ends_what_comes_due_meanwhile(env: WorkflowEnvironment) -> None:
    async with worker(env):
        handle = await start(env, Daily.run, 10)
        began = await env.get_current_time()
        await env.sleep(DAY * 3.5)
        assert await env.get_current_time() - began >= DAY * 3.5
        assert await handle.query(Daily.days) == 3
        await env.sleep(DAY.total_seconds())
        assert await handle.query(Daily.days) == 4
        assert await handle.result() == 10


async def test_no_more_than_250_years_are_skipped_at_once(env: WorkflowEnvironment) -> None:
    began = await env.get_current_time()
    await env.sleep(timedelta.max)
    assert DAY * 250 * 365 <= await env.get_current_time() - began < DAY * 251 * 365


async def test_nobody_waits_so_no_time_is_skipped(env: WorkflowEnvironment) -> None:
    async with worker(env):
        handle = await start(env, Daily.run, 1)
        await asyncio.to_thread(release.wait, 0.05)
        assert await handle.query(Daily.days) == 0
        assert await env.get_current_time() - datetime.now(UTC) < DAY


async def test_waiting_for_an_update_skips_no_time(env: WorkflowEnvironment) -> None:
    async with worker(env):
        handle = await start(env, Daily.run, 3)
        update = await handle.start_update(Daily.after_a_day, wait_for_stage=WorkflowUpdateStage.ACCEPTED)
        with pytest.raises(WorkflowUpdateRPCTimeoutOrCancelledError):
            await update.result(rpc_timeout=timedelta(milliseconds=50))
        assert await env.get_current_time() - datetime.now(UTC) < DAY
        await env.sleep(DAY * 1.5)
        assert await update.result() == 1
        assert await handle.result() == 3


async def test_skipping_can_be_switched_off(env: WorkflowEnvironment) -> None:
    async with worker(env):
        handle = await start(env, Daily.run, 2)
        with env.auto_time_skipping_disabled():
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(handle.result(), 0.05)
            assert await handle.query(Daily.days) == 0
            await env.sleep(DAY * 1.5)
            assert await handle.query(Daily.days) == 1
        assert await handle.result() == 2


async def test_what_comes_due_in_real_time_is_not_forgotten(env: WorkflowEnvironment) -> None:
    async with worker(env):
        handle = await start(env, Sleeper.run, 0.05 / 86_400)
        with env.auto_time_skipping_disabled():
            assert await handle.result() == "0.0"


@pytest.mark.parametrize("local", [False, True])
async def test_retries_are_skipped_to(env: WorkflowEnvironment, local: bool) -> None:
    async with worker(env):
        hours = await (await start(env, Retrying.run, local)).result()
    assert 2 <= hours < 2.1


async def test_heartbeats_are_of_the_environments_time(env: WorkflowEnvironment) -> None:
    await env.sleep(DAY * 30)
    async with Worker(env.client, task_queue=QUEUE, workflows=[Halted], activities=[halting]):
        handle = await start(env, Halted.run)

        async def last() -> datetime | None:
            return (await handle.describe()).pending_activities[0].last_heartbeat_time  # type: ignore[no-any-return]

        beat = await until_asked(last, "there is a heartbeat")
        assert abs(await env.get_current_time() - beat) < timedelta(hours=1)
        assert await handle.result() == ["so far", 1.0]


async def test_time_is_real_while_an_activity_runs(env: WorkflowEnvironment) -> None:
    for eager in (True, False):
        async with worker(env, disable_eager_activity_execution=not eager):
            assert await (await start(env, Race.run, "slow", [], id=f"{eager}")).result() == "done"


async def test_time_is_real_while_an_activity_is_to_be_completed_from_outside(env: WorkflowEnvironment) -> None:
    async with worker(env):
        handle = await start(env, Race.run, "lazy", [])
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(handle.result(), 0.05)
        await handle.terminate()


async def test_an_activity_that_waits_for_a_result_does_not_stop_the_clock(env: WorkflowEnvironment) -> None:
    async with worker(env):
        await start(env, Sleeper.run, 0.5, id="other")
        assert await (await start(env, Race.run, "ask", ["other"])).result() == "0.5"


async def test_a_timeout_of_a_task_that_nobody_takes(env: WorkflowEnvironment) -> None:
    async with worker(env):
        with pytest.raises(WorkflowFailureError) as failed:
            await (await start(env, Unserved.run)).result()
    assert isinstance(failed.value.cause, ActivityError)
    assert isinstance(failed.value.cause.cause, TimeoutError)


async def test_timeouts_of_workflows(env: WorkflowEnvironment) -> None:
    async with worker(env):
        with pytest.raises(WorkflowFailureError) as failed:
            await (await start(env, Sleeper.run, 1_000.0, execution_timeout=DAY * 365)).result()
    assert isinstance(failed.value.cause, TimeoutError)


async def test_timers_wait_for_the_next_worker(env: WorkflowEnvironment) -> None:
    async with worker(env):
        handle = await start(env, Daily.run, 3)
    await env.sleep(DAY * 1.5)
    async with worker(env):
        # The first timer came due while nobody was there, the others count from when it fired.
        assert await handle.result() == 3
        assert (await handle.describe()).close_time - (await handle.describe()).start_time >= DAY * 3.5


async def stalled(handle: WorkflowHandle[Any, Any]) -> WorkflowExecutionDescription:
    """What a workflow shows once it has stalled, and nothing more happens for a while."""
    while not (await handle.describe()).stalled_error:  # noqa: ASYNC110  # nobody tells
        await asyncio.sleep(0)
    for _ in range(1_000):
        await asyncio.sleep(0)
    return await handle.describe()


async def test_time_is_skipped_only_a_few_times_to_try_a_stalled_workflow_again(env: WorkflowEnvironment) -> None:
    async with Worker(env.client, task_queue=QUEUE, workflows=[Mistaken, Sleeper]):
        began = await env.get_current_time()
        handle = await env.client.start_workflow(Mistaken.run, False, id="m", task_queue=QUEUE)
        waiting = asyncio.create_task(handle.result())
        found = await stalled(handle)
        assert found.stalled_attempts < 20
        assert await env.get_current_time() - began < timedelta(hours=1)
        # But it is skipped to whatever else comes due.
        assert await env.client.execute_workflow(Sleeper.run, 1, id="s", task_queue=QUEUE) == "1.0"
        waiting.cancel()
        await handle.terminate()
        with pytest.raises(WorkflowFailureError) as failed:
            await env.client.execute_workflow(
                Mistaken.run, False, id="timeout", task_queue=QUEUE, execution_timeout=timedelta(days=365)
            )
        assert isinstance(failed.value.cause, TimeoutError)


@pytest.mark.parametrize("has", [[], [third_time]])
async def test_a_local_activity_that_the_worker_lacks_stalls_until_one_comes_that_has_it(
    env: WorkflowEnvironment, has: list[Any]
) -> None:
    async with Worker(env.client, task_queue=QUEUE, workflows=[Mistaken], activities=has):
        handle = await env.client.start_workflow(Mistaken.run, True, id="m", task_queue=QUEUE)
        known = "available activities: third_time" if has else "no available activities"
        message = f"Activity function slow is not registered on this worker, {known}; a worker with workflows needs"
        assert message in (await stalled(handle)).stalled_error
    async with Worker(env.client, task_queue=QUEUE, workflows=[Mistaken], activities=[slow]):
        assert await handle.result() == "done"


async def test_two_workers_take_turns(env: WorkflowEnvironment) -> None:
    async with worker(env) as first:
        async with worker(env) as second:
            assert await (await start(env, Daily.run, 3)).result() == 3
            assert second.is_running
            await first.shutdown()
            assert await (await start(env, Daily.run, 2, id="b")).result() == 2
            assert await (await start(env, Retrying.run, False, id="c")).result() >= 2


async def test_what_ended_is_known_for_ever(env: WorkflowEnvironment) -> None:
    async with worker(env):
        handle = await start(env, Daily.run, 1)
        assert await handle.result() == 1
        await env.sleep(DAY * 1_000)
        assert await handle.result() == 1
        assert await handle.query(Daily.days) == 1


async def pass_days(days: int) -> timedelta:
    """What has passed in an environment of its own when a workflow has slept for so many days."""
    async with await WorkflowEnvironment.start_time_skipping() as env:
        began = await env.get_current_time()
        async with worker(env):
            assert await (await start(env, Daily.run, days)).result() == days
        return await env.get_current_time() - began


async def test_environments_are_apart() -> None:
    for days, passed in enumerate(await asyncio.gather(*map(pass_days, range(20)))):
        assert days * DAY <= passed < (days + 0.5) * DAY


async def test_threads_have_environments_of_their_own() -> None:
    threads = [asyncio.to_thread(asyncio.run, pass_days(days)) for days in range(4)]
    for days, passed in enumerate(await asyncio.gather(*threads)):
        assert days * DAY <= passed < (days + 0.5) * DAY


async def test_namespaces_share_the_clock(env: WorkflowEnvironment) -> None:
    other: Client = await env.connect_client(namespace="other")
    async with worker(env), Worker(other, task_queue=QUEUE, workflows=[Daily]):
        handle = await start(env, Daily.run, 2)
        assert await other.execute_workflow(Daily.run, 3, id="a", task_queue=QUEUE) == 3
        assert await handle.query(Daily.days) == 2
        assert [row.workflow_type async for row in other.list_workflows()] == ["Daily"]
    await other.close()


async def test_clients_of_the_environment_are_asked_for_as_those_of_a_server(env: WorkflowEnvironment) -> None:
    async with await env.connect_client(lazy=True, rpc_metadata={"a": "b"}, identity="me") as other:
        assert (other.identity, other.namespace) == ("me", env.client.namespace)
    for options, message in (({"api_key": "k"}, "no API keys"), ({"colour": "red"}, "colour")):
        with pytest.raises((ConfigurationError, TypeError), match=message):
            await env.connect_client(**options)


async def test_all_workflows_have_one_clock(env: WorkflowEnvironment) -> None:
    assert (env.supports_time_skipping_v1, env.supports_time_skipping_v2) == (True, False)
    real = WorkflowEnvironment.from_client(env.client)
    assert (real.supports_time_skipping_v1, real.supports_time_skipping_v2) == (False, False)
    async with worker(env):
        handle = await start(env, Daily.run, 1)
        assert await handle.result() == 1
    assert await env.get_current_time(handle) - await env.get_current_time() < DAY
    assert (await real.get_current_time(handle)).tzinfo is UTC


async def test_nobody_sleeps_longer_than_the_environment_lives() -> None:
    environment = await WorkflowEnvironment.start_time_skipping()
    began = await environment.get_current_time()
    given_up = asyncio.create_task(environment.sleep(DAY))
    given_up.cancel()
    asleep = asyncio.create_task(environment.sleep(DAY))
    await asyncio.sleep(0)
    await environment.shutdown()
    for sleep in (asleep, environment.sleep(DAY)):
        with pytest.raises(ConnectionClosedError, match="the environment has ended"):
            await asyncio.wait_for(sleep, 60)
    assert await environment.get_current_time() - began < DAY


async def test_options_of_temporals_environments_are_taken() -> None:
    async with await WorkflowEnvironment.start_time_skipping(
        port=1,
        download_dest_dir="/tmp",
        test_server_download_ttl=DAY,
        namespace="shop",
        identity="me",
        interceptors=[TenantInterceptor()],
    ) as found:
        assert found.supports_time_skipping
        assert (found.client.namespace, found.client.identity) == ("shop", "me")
        assert [type(each) for each in found.client.config()["interceptors"]] == [TenantInterceptor]
    with pytest.raises(TypeError, match="no option nosuch"):
        await WorkflowEnvironment.start_time_skipping(nosuch=1)  # type: ignore[call-arg]


@workflow.defn
class Broken:
    """Stalls until it is mended, and counts how often it is tried."""

    tries = 0

    @workflow.run
    async def run(self, mended_at: int) -> int:
        Broken.tries += 1
        if Broken.tries < mended_at:
            raise RuntimeError("a bug")
        return Broken.tries


async def test_a_stalled_workflow_does_not_keep_the_processor_busy(
    time_skipping_environment: WorkflowEnvironment,
) -> None:
    client = time_skipping_environment.client
    async with Worker(client, task_queue="q", workflows=[Broken]):
        Broken.tries = 0
        with pytest.raises(WorkflowFailureError) as raised:
            await client.execute_workflow(
                Broken.run, 1_000_000, id="never", task_queue="q", run_timeout=timedelta(days=30)
            )
        assert isinstance(raised.value.cause, TimeoutError)
        assert 10 < Broken.tries < 20
        Broken.tries = 0
        assert await client.execute_workflow(Broken.run, 3, id="later", task_queue="q") == 3
