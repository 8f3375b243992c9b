"""Workers with workflows: eager and local activities, retries, timeouts and cancellation, end to end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from foldlog import activity, workflow
from foldlog.client import Client, WorkflowFailureError
from foldlog.common import RetryPolicy
from foldlog.exceptions import ActivityError, CancelledError, TimeoutError, TimeoutType
from foldlog.schemas import event
from foldlog.worker import Worker

from tests.conformance.workflows import double, double_in_thread, flaky, progress
from tests.until import until

from .taskfeed import DEADLINE, QUEUE, prepare

LIMIT = timedelta(seconds=60)
entered = threading.Event()


@activity.defn
async def hang() -> None:
    entered.set()
    await asyncio.Event().wait()


@activity.defn
def spin() -> None:
    entered.set()
    while True:
        pass


ACTIVITIES: Sequence[Callable[..., Any]] = [double, double_in_thread, flaky, progress, hang, spin]


@workflow.defn
class Chain:
    """Runs activities one after another, in the way that is asked for."""

    @workflow.run
    async def run(self, how: str) -> int:
        number = 1
        for name in ("double", "double_in_thread", "double", "double_in_thread"):
            if how == "local":
                number = await workflow.execute_local_activity(name, number, start_to_close_timeout=LIMIT)
            else:
                number = await workflow.execute_activity(name, number, start_to_close_timeout=LIMIT)
        return number


@workflow.defn
class Retried:
    """Runs a flaky activity."""

    @workflow.run
    async def run(self, key: str, local: bool) -> int:
        policy = RetryPolicy(initial_interval=timedelta(milliseconds=10), backoff_coefficient=1.0)
        execute = workflow.execute_local_activity if local else workflow.execute_activity
        result: int = await execute(flaky, args=[key, 2], start_to_close_timeout=LIMIT, retry_policy=policy)
        return result


@workflow.defn
class Progress:
    """Runs an activity whose second attempt goes on from its first one's heartbeat."""

    @workflow.run
    async def run(self) -> list[int]:
        policy = RetryPolicy(initial_interval=timedelta(milliseconds=10), maximum_attempts=2)
        return await workflow.execute_activity(
            progress, start_to_close_timeout=LIMIT, heartbeat_timeout=LIMIT, retry_policy=policy
        )


@workflow.defn
class Impatient:
    """Waits for an activity that never ends."""

    @workflow.run
    async def run(self, limit: float, how: str) -> None:
        timeout, once = timedelta(seconds=limit), RetryPolicy(maximum_attempts=1)
        if how == "local":
            await workflow.execute_local_activity(hang, start_to_close_timeout=timeout, retry_policy=once)
        else:
            await workflow.execute_activity(how, start_to_close_timeout=timeout, retry_policy=once)


@pytest.fixture(autouse=True)
def fresh() -> None:
    entered.clear()


@pytest.fixture
async def client(kafka: str, namespace: str) -> AsyncIterator[Client]:
    prepare(kafka, namespace, partitions=2)
    async with await Client.connect(
        kafka, namespace=namespace, rpc_timeout=timedelta(seconds=DEADLINE), connect_timeout=timedelta(seconds=DEADLINE)
    ) as client:
        yield client


def worker(client: Client, state_dir: Path, *, eager: bool = True) -> Worker:
    return Worker(
        client,
        task_queue=QUEUE,
        workflows=[Chain, Retried, Progress, Impatient],
        activities=ACTIVITIES,
        state_dir=state_dir,
        disable_eager_activity_execution=not eager,
    )


async def events_of(client: Client, workflow_id: str, kind: type) -> list[object]:
    history = await client.get_workflow_handle(workflow_id).fetch_history()
    return [one for one in history.events if isinstance(one, kind)]


@pytest.mark.parametrize("how", ["eager", "topic", "local"])
async def test_activities_of_both_kinds_each_way(client: Client, tmp_path: Path, how: str) -> None:
    async with worker(client, tmp_path, eager=how == "eager"):
        assert await client.execute_workflow(Chain.run, how, id=how, task_queue=QUEUE) == 16
        scheduled = await events_of(client, how, event.ActivityTaskScheduled)
        assert [one.eager for one in scheduled] == [how == "eager"] * (0 if how == "local" else 4)  # type: ignore[attr-defined]
        assert len(await events_of(client, how, event.LocalActivityCompleted)) == (4 if how == "local" else 0)


@pytest.mark.parametrize("local", [False, True])
async def test_retries(client: Client, tmp_path: Path, local: bool) -> None:
    async with worker(client, tmp_path):
        key = f"retries-{local}-{client.namespace}"
        assert await client.execute_workflow(Retried.run, args=[key, local], id=key, task_queue=QUEUE) == 3


async def test_an_attempt_goes_on_from_the_heartbeat_of_the_one_before(client: Client, tmp_path: Path) -> None:
    async with worker(client, tmp_path):
        assert await client.execute_workflow(Progress.run, id="p", task_queue=QUEUE) == [2]


@pytest.mark.parametrize("how", ["hang", "spin", "local"])
@pytest.mark.parametrize("eager", [False, True])
async def test_start_to_close_timeout(client: Client, tmp_path: Path, how: str, eager: bool) -> None:
    async with worker(client, tmp_path, eager=eager):
        with pytest.raises(WorkflowFailureError) as caught:
            await client.execute_workflow(Impatient.run, args=[0.2, how], id="slow", task_queue=QUEUE)
        error = caught.value.cause
        assert isinstance(error, ActivityError)
        assert isinstance(error.cause, TimeoutError)
        assert error.cause.type == TimeoutType.START_TO_CLOSE


@pytest.mark.parametrize("how", ["hang", "spin", "local"])
@pytest.mark.parametrize("eager", [False, True])
async def test_cancelling_a_workflow_stops_its_activity(client: Client, tmp_path: Path, how: str, eager: bool) -> None:
    async with worker(client, tmp_path, eager=eager) as running:
        handle = await client.start_workflow(Impatient.run, args=[300.0, how], id="endless", task_queue=QUEUE)
        assert await asyncio.to_thread(entered.wait, DEADLINE)
        await handle.cancel()
        with pytest.raises(WorkflowFailureError) as caught:
            await handle.result()
        assert isinstance(caught.value.cause, CancelledError)
        await until(lambda: not running.running_activities, "it has ended")
