"""What a client may do in memory while there is no worker with workflows, and what becomes of it when one comes."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

import pytest
from foldlog import activity, workflow
from foldlog.client import (
    Client,
    RPCError,
    RPCStatusCode,
    WorkflowFailureError,
    WorkflowNotFoundError,
    WorkflowUpdateFailedError,
)
from foldlog.exceptions import CancelledError, TerminatedError, WorkflowAlreadyStartedError
from foldlog.memory import MemoryBroker, MemoryTransport
from foldlog.testing import WorkflowEnvironment
from foldlog.worker import Replayer, Worker

from tests.until import until

LIMIT = timedelta(seconds=30)


@activity.defn
async def double(number: int) -> int:
    return 2 * number


@workflow.defn
class Basket:
    def __init__(self) -> None:
        self._things: list[str] = []

    @workflow.run
    async def run(self, wanted: int) -> list[str]:
        await workflow.sleep(timedelta(days=1))
        await workflow.wait_condition(lambda: len(self._things) >= wanted)
        await workflow.execute_activity(double, wanted, start_to_close_timeout=LIMIT)
        return self._things

    @workflow.signal
    def put(self, thing: str) -> None:
        self._things.append(thing)

    @workflow.query
    def count(self) -> int:
        return len(self._things)


def worker(client: Client) -> Worker:
    return Worker(client, task_queue="q", workflows=[Basket], activities=[double])


async def test_a_workflow_is_started_and_signalled_before_there_is_a_worker(
    time_skipping_environment: WorkflowEnvironment,
) -> None:
    client = time_skipping_environment.client
    handle = await client.start_workflow(Basket.run, 2, id="basket", task_queue="q")
    with pytest.raises(WorkflowAlreadyStartedError):
        await client.start_workflow(Basket.run, 2, id="basket", task_queue="q")
    for thing in ("pear", "plum"):
        await handle.signal(Basket.put, thing)
    assert "no worker with workflows" in (await handle.describe()).stalled_error
    async with worker(client):
        assert await handle.result() == ["pear", "plum"]
        assert not (await handle.describe()).stalled_error
        names = [type(each).__name__ for each in (await handle.fetch_history()).events]
    assert names.count("WorkflowExecutionStarted") == 1
    assert names[-1] == "WorkflowExecutionCompleted"


async def test_waiting_for_a_result_without_a_worker_skips_no_time(
    time_skipping_environment: WorkflowEnvironment,
) -> None:
    client = time_skipping_environment.client
    began = await time_skipping_environment.get_current_time()
    handle = await client.start_workflow(Basket.run, 0, id="basket", task_queue="q")
    waiting = asyncio.create_task(handle.result())
    turns = 0

    def went_round() -> bool:
        nonlocal turns
        turns += 1
        return turns > 20

    real = time.monotonic()
    await until(went_round, "the environment has had time to skip some")
    now = await time_skipping_environment.get_current_time()
    assert (now - began).total_seconds() < time.monotonic() - real + 5.0
    assert not waiting.done()
    async with worker(client):
        assert await waiting == []
        assert await time_skipping_environment.get_current_time() - began >= timedelta(days=1)


async def test_a_query_waits_for_a_worker(time_skipping_environment: WorkflowEnvironment) -> None:
    client = time_skipping_environment.client
    async with worker(client):
        handle = await client.start_workflow(Basket.run, 1, id="basket", task_queue="q")
    asked = asyncio.create_task(handle.query(Basket.count))
    await asyncio.sleep(0)
    async with worker(client):
        assert await asked == 0


async def test_a_query_waits_for_a_worker_also_where_something_was_started_without_one(
    time_skipping_environment: WorkflowEnvironment,
) -> None:
    client = time_skipping_environment.client
    handle = await client.start_workflow(Basket.run, 1, id="basket", task_queue="q")
    with pytest.raises(RPCError) as raised:
        await handle.query(Basket.count, rpc_timeout=timedelta(milliseconds=50))
    assert raised.value.status is RPCStatusCode.DEADLINE_EXCEEDED
    asked = asyncio.create_task(handle.query(Basket.count))
    await asyncio.sleep(0)
    await handle.signal(Basket.put, "pear")
    async with worker(client):
        assert await asked == 1


async def test_between_two_workers(time_skipping_environment: WorkflowEnvironment) -> None:
    client = time_skipping_environment.client
    async with worker(client):
        handle = await client.start_workflow(Basket.run, 1, id="basket", task_queue="q")
    await handle.signal(Basket.put, "pear")
    other = await client.start_workflow(Basket.run, 0, id="other", task_queue="q")
    await other.terminate()
    async with worker(client):
        assert await handle.result() == ["pear"]
        with pytest.raises(WorkflowFailureError) as raised:
            await other.result()
        assert isinstance(raised.value.cause, TerminatedError)


async def test_partitions_without_stores_are_read_back() -> None:
    broker = MemoryBroker(partitions=4, keep_stores=False)
    async with Client(MemoryTransport(broker, "default")) as client:
        handles = [
            await client.start_workflow(Basket.run, 0, id=f"basket-{number}", task_queue="q") for number in range(8)
        ]
        async with worker(client), worker(client):
            assert await asyncio.gather(*(handle.result() for handle in handles)) == [[]] * 8
    broker.close()


@workflow.defn
class Greeted:
    """Ends in its first step with all that came before it."""

    def __init__(self) -> None:
        self._said: list[str] = []

    @workflow.run
    async def run(self) -> list[str]:
        self._said.append("run")
        if "wait" in self._said:
            await workflow.sleep(timedelta(days=1))
        return self._said

    @workflow.signal
    async def say(self, word: str) -> None:
        self._said.append(word)

    @workflow.update
    def ask(self, word: str) -> int:
        self._said.append(word)
        return len(self._said)

    @workflow.query
    def said(self) -> list[str]:
        return self._said


async def test_what_comes_before_there_is_a_worker_comes_before_the_code(
    time_skipping_environment: WorkflowEnvironment,
) -> None:
    client = time_skipping_environment.client
    handle = await client.start_workflow(Greeted.run, id="g", task_queue="q")
    await handle.signal(Greeted.say, "first")
    asking = asyncio.create_task(handle.execute_update(Greeted.ask, "third"))
    await handle.signal(Greeted.say, "second")
    refused = asyncio.create_task(handle.execute_update("nobody takes it"))
    for _ in range(10):
        await asyncio.sleep(0)  # the updates are on their way
    async with Worker(client, task_queue="q", workflows=[Greeted]):
        assert await handle.result() == ["first", "second", "third", "run"]
        assert await asking == 3
        with pytest.raises((WorkflowUpdateFailedError, WorkflowNotFoundError)):
            await refused
        history = await handle.fetch_history()
    assert [type(each).__name__ for each in history.events] == [
        "WorkflowExecutionStarted",
        "WorkflowExecutionSignaled",
        "WorkflowExecutionSignaled",
        "WorkflowExecutionUpdateAccepted",
        "WorkflowTaskScheduled",
        "WorkflowExecutionUpdateCompleted",
        "WorkflowExecutionCompleted",
    ]
    await Replayer(workflows=[Greeted]).replay_workflow(history)


async def test_a_request_to_cancel_that_comes_first_reaches_the_code_after_the_other_messages(
    time_skipping_environment: WorkflowEnvironment,
) -> None:
    client = time_skipping_environment.client
    handle = await client.start_workflow(Greeted.run, id="g", task_queue="q")
    await handle.cancel()
    await handle.signal(Greeted.say, "wait")
    asked = asyncio.create_task(handle.query(Greeted.said))
    async with Worker(client, task_queue="q", workflows=[Greeted]):
        assert await asked == ["wait", "run"]
        with pytest.raises(WorkflowFailureError) as failed:
            await handle.result()
        assert isinstance(failed.value.cause, CancelledError)
        assert failed.value.cause.message == "Workflow cancelled"
        await Replayer(workflows=[Greeted]).replay_workflow(await handle.fetch_history())
