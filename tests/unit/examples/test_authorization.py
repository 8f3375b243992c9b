"""The example of signed calls: all that an owner calls is let through, and nothing that a stranger does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest
from foldlog import workflow
from foldlog.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowFailureError,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
)
from foldlog.common import RetryPolicy, WorkflowIDConflictPolicy
from foldlog.exceptions import ApplicationError
from foldlog.testing import WorkflowEnvironment
from foldlog.worker import Replayer, Worker

from examples.interceptors import authorization
from examples.interceptors.authorization import AuthorizationInterceptor, SigningInterceptor

KEYS = {"owner": b"o" * 32, "workers": b"w" * 32}


@workflow.defn
class Busy:
    """Goes on as new, fails once, has children, and tells them and others."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    @workflow.run
    async def run(self, runs: int, friend: str = "") -> list[str]:
        if workflow.info().attempt == 1 and runs == 0 and friend:
            raise ApplicationError("again")
        if runs > 0:
            await workflow.wait_condition(lambda: "go" in self.heard)
            workflow.continue_as_new(args=[runs - 1, friend])
        if not friend:
            await workflow.wait_condition(lambda: bool(self.heard))
            return self.heard
        child = await workflow.start_child_workflow(Busy.run, args=[0, ""], id=f"{friend}-child")
        await child.signal(Busy.hear, "from the parent")
        await workflow.get_external_workflow_handle(friend).signal("hear", "from a friend")
        return await child

    @workflow.signal
    def hear(self, text: str) -> None:
        self.heard.append(text)

    @workflow.query
    def all(self) -> list[str]:
        return self.heard

    @workflow.update
    def put(self, text: str) -> int:
        self.heard.append(text)
        return len(self.heard)

    @workflow.update
    def put_checked(self, text: str) -> int:
        return self.put(text)

    @put_checked.validator
    def check(self, text: str) -> None:
        pass


@pytest.fixture
async def env() -> AsyncIterator[WorkflowEnvironment]:
    async with await WorkflowEnvironment.start_time_skipping() as started:
        yield started


async def client_of(env: WorkflowEnvironment, *interceptors: Any) -> Client:
    config = env.client.config()
    config["interceptors"] = interceptors
    return Client(**config)


async def test_the_demonstration(env: WorkflowEnvironment) -> None:
    owner = await client_of(env, SigningInterceptor("owner", KEYS["owner"]))
    assert await authorization.run(owner, env.client, KEYS) == [
        "opened by its owner",
        "Unauthorized: not allowed: run Vault",
    ]


async def test_all_ways_to_call_are_signed(env: WorkflowEnvironment) -> None:
    owner = await client_of(env, SigningInterceptor("owner", KEYS["owner"]))
    authorizing = AuthorizationInterceptor(KEYS, own="workers")
    begin: dict[str, Any] = {"task_queue": "q"}
    async with Worker(env.client, task_queue="q", workflows=[Busy], interceptors=[authorizing], max_cached_workflows=1):
        friend = await owner.start_workflow(Busy.run, args=[0, ""], id="friend", **begin)
        with_start = WithStartWorkflowOperation(
            Busy.run,
            args=[1, "friend"],
            id="busy",
            id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
            retry_policy=RetryPolicy(initial_interval=timedelta(seconds=1)),
            **begin,
        )
        put = await owner.execute_update_with_start_workflow(Busy.put, "one", start_workflow_operation=with_start)
        assert put == 1
        busy = await with_start.workflow_handle()
        assert await busy.execute_update(Busy.put_checked, "two") == 2
        assert await busy.query(Busy.all) == ["one", "two"]
        await busy.signal(Busy.hear, "go")
        assert await busy.result() == ["from the parent"]
        assert await friend.result() == ["from a friend"]
        told: dict[str, Any] = {"start_signal": "hear", "start_signal_args": ["at the start"]}
        at_once = await owner.start_workflow(Busy.run, args=[0, ""], id="told", **told, **begin)
        assert await at_once.result() == ["at the start"]
        replayer = Replayer(workflows=[Busy], interceptors=[authorizing])
        async for row in env.client.list_workflows():
            history = await env.client.get_workflow_handle(row.id, run_id=row.run_id).fetch_history()
            await replayer.replay_workflow(history)


@pytest.mark.parametrize(
    "other",
    [
        lambda: (),
        lambda: (SigningInterceptor("owner", b"f" * 32),),
        lambda: (SigningInterceptor("nobody", KEYS["owner"]),),
    ],
    ids=["unsigned", "forged", "unknown"],
)
async def test_strangers_are_refused_whatever_they_call(
    env: WorkflowEnvironment, other: Callable[[], tuple[Any, ...]]
) -> None:
    owner = await client_of(env, SigningInterceptor("owner", KEYS["owner"]))
    stranger = await client_of(env, *other())
    authorizing = AuthorizationInterceptor(KEYS, own="workers")
    async with Worker(env.client, task_queue="q", workflows=[Busy], interceptors=[authorizing]):
        with pytest.raises(WorkflowFailureError) as failed:
            await stranger.execute_workflow(Busy.run, args=[0, ""], id="theirs", task_queue="q")
        assert isinstance(failed.value.cause, ApplicationError)
        assert failed.value.cause.type == "Unauthorized"
        mine = await owner.start_workflow(Busy.run, args=[0, ""], id="mine", task_queue="q")
        theirs = stranger.get_workflow_handle_for(Busy.run, "mine")
        with pytest.raises(WorkflowQueryFailedError, match="not allowed: query all"):
            await theirs.query(Busy.all)
        for update in (Busy.put, Busy.put_checked):
            with pytest.raises(WorkflowUpdateFailedError) as refused:
                await theirs.execute_update(update, "x")
            assert "not allowed: update put" in str(refused.value.cause)
        await theirs.signal(Busy.hear, "x")
        assert await mine.query(Busy.all) == []
        await mine.signal(Busy.hear, "mine")
        assert await mine.result() == ["mine"]
