"""The example of a lock between workflows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from foldlog import activity, workflow
from foldlog.client import WorkflowFailureError
from foldlog.schemas.event import WorkflowExecutionSignaled
from foldlog.testing import WorkflowEnvironment
from foldlog.worker import Worker

from examples.mutex import QUEUE, Account, Deposit, Locking, Mutex, Request, request_lock, run
from tests.until import until_asked


@workflow.defn
class Holder(Locking):
    """Holds the lock until it is told to let go."""

    def __init__(self) -> None:
        super().__init__()
        self._told = self._has = False

    @workflow.run
    async def run(self, lease: timedelta) -> str:
        async with self.locked("account", lease):
            self._has = True
            await workflow.wait_condition(lambda: self._told)
        return "let go"

    @workflow.signal
    def let_go(self) -> None:
        self._told = True

    @workflow.query
    def has(self) -> bool:
        return self._has


@pytest.fixture
async def env() -> AsyncIterator[WorkflowEnvironment]:
    async with await WorkflowEnvironment.start_time_skipping() as started:
        workflows = [Mutex, Holder, Deposit]
        async with Worker(started.client, task_queue=QUEUE, workflows=workflows, activities=[request_lock]):
            yield started


async def hold(env: WorkflowEnvironment, id: str, lease: timedelta = timedelta(days=1)) -> Any:
    return await env.client.start_workflow(Holder.run, lease, id=id, task_queue=QUEUE)


async def until_held(handle: Any) -> None:
    await until_asked(lambda: handle.query(Holder.has), "it has the lock")


async def until_waiting(env: WorkflowEnvironment, requests: int) -> None:
    """So many have asked for the lock since it is there."""
    mutex = env.client.get_workflow_handle("mutex-account")

    async def there() -> bool:
        events = (await mutex.fetch_history()).events
        return len([item for item in events if isinstance(item, WorkflowExecutionSignaled)]) == requests

    await until_asked(there, f"{requests} requests")


async def test_no_deposit_is_lost() -> None:
    account = Account()
    async with await WorkflowEnvironment.start_time_skipping() as env:
        after = await run(env.client, account, [10, 200, 3000])
        assert account.cents == max(after) == 3210
        assert len(set(after)) == 3
        assert await run(env.client, account, [10, 200, 3000]) == after  # as a process that was started again
    assert account.cents == 3210


async def test_one_after_the_other_in_the_order_in_which_they_asked(env: WorkflowEnvironment) -> None:
    first = await hold(env, "first")
    await until_held(first)
    second = await hold(env, "second")
    await until_waiting(env, 2)
    last = await hold(env, "last")
    await until_waiting(env, 3)
    mutex = env.client.get_workflow_handle_for(Mutex.run, "mutex-account")
    assert not await second.query(Holder.has)
    await first.signal(Holder.let_go)
    assert await first.result() == "let go"
    await until_held(second)
    assert not await last.query(Holder.has)
    await second.signal(Holder.let_go)
    assert await second.result() == "let go"
    await until_held(last)
    await last.signal(Holder.let_go)
    assert await last.result() == "let go"
    await mutex.result()  # nobody waits: it has ended
    third = await hold(env, "third")
    await until_held(third)  # and is there again


async def test_a_cancelled_holder_gives_it_back_and_a_cancelled_waiter_its_place(env: WorkflowEnvironment) -> None:
    handles = [await hold(env, f"h-{number}") for number in range(1)]
    await until_held(handles[0])
    handles += [await hold(env, "h-1"), await hold(env, "h-2")]
    for handle in (handles[1], handles[0]):
        await handle.cancel()
        with pytest.raises(WorkflowFailureError):
            await handle.result()
    await until_held(handles[2])
    assert not await handles[1].query(Holder.has)


async def test_a_holder_that_was_terminated_loses_it_when_its_lease_ends(env: WorkflowEnvironment) -> None:
    first = await hold(env, "first", lease=timedelta(minutes=5))
    await until_held(first)
    second = await hold(env, "second")
    await first.terminate()
    await env.sleep(timedelta(minutes=4))
    assert not await second.query(Holder.has)
    await env.sleep(timedelta(minutes=2))
    await until_held(second)


async def test_a_request_that_is_made_twice_counts_once() -> None:
    """Its first attempt asked for the lock and was lost: nobody may be told to hold it who has given it back."""
    asked: list[str] = []

    @activity.defn(name="request_lock")
    async def forgetful(resource: str, request: Request) -> None:
        await request_lock(resource, request)
        asked.append(request.id)
        if activity.info().attempt == 1:
            raise ConnectionError("it has asked, but its worker died")

    async with await WorkflowEnvironment.start_time_skipping() as env:
        async with Worker(env.client, task_queue=QUEUE, workflows=[Mutex, Holder], activities=[forgetful]):
            handle = await hold(env, "twice")
            await until_held(handle)
            mutex = env.client.get_workflow_handle_for(Mutex.run, "mutex-account")
            found = await mutex.fetch_history()
            await handle.signal(Holder.let_go)
            assert await handle.result() == "let go"
    assert len(asked) == 2
    assert len([item for item in found.events if isinstance(item, WorkflowExecutionSignaled)]) == 1


async def test_the_lock_of_a_resource_that_is_always_wanted_goes_on_in_new_runs() -> None:
    account = Account()
    activities: list[Any] = [request_lock, account.read, account.write]
    async with await WorkflowEnvironment.start_time_skipping() as env:
        async with Worker(
            env.client,
            task_queue=QUEUE,
            workflows=[Mutex, Deposit],
            activities=activities,
            continue_as_new_suggested_events=12,
        ):
            deposits = (
                env.client.execute_workflow(Deposit.run, 100, id=f"deposit-{number}", task_queue=QUEUE)
                for number in range(6)
            )
            assert sorted(await asyncio.gather(*deposits)) == [100, 200, 300, 400, 500, 600]
            runs = [row.status.name async for row in env.client.list_workflows(workflow_type="Mutex")]
    assert "CONTINUED_AS_NEW" in runs
