"""Assertions in workflow code under test: the test sees them, in place of waiting for a workflow that stalls."""

from __future__ import annotations

import pytest
from foldlog import workflow
from foldlog.client import Client, WorkflowFailureError
from foldlog.exceptions import ApplicationError
from foldlog.memory import MemoryBroker, MemoryTransport
from foldlog.testing import WorkflowEnvironment
from foldlog.worker import Worker


@workflow.defn
class Asserts:
    @workflow.run
    async def run(self, at_once: bool) -> None:
        assert not at_once, "in run"
        await workflow.wait_condition(lambda: False)

    @workflow.signal
    def check(self) -> None:
        raise AssertionError("in a signal handler")


async def seen(client: Client, at_once: bool) -> str:
    """What a test is told about an assertion that fails in a workflow."""
    async with Worker(client, task_queue="q", workflows=[Asserts]):
        handle = await client.start_workflow(Asserts.run, at_once, id="asserts", task_queue="q")
        if not at_once:
            await handle.signal(Asserts.check)
        with pytest.raises(WorkflowFailureError) as raised:
            await handle.result()
    assert isinstance(raised.value.cause, ApplicationError)
    assert raised.value.cause.type == "AssertionError"
    return raised.value.cause.message


async def test_a_failed_assertion_fails_the_workflow() -> None:
    async with await WorkflowEnvironment.start_time_skipping() as environment:
        assert "in run" in await seen(environment.client, at_once=True)
    async with await WorkflowEnvironment.start_time_skipping() as environment:
        assert await seen(environment.client, at_once=False) == "in a signal handler"


async def test_so_it_does_with_clients_made_of_the_environments_one() -> None:
    async with await WorkflowEnvironment.start_time_skipping() as environment:
        client = Client(**environment.client.config())
        assert "in run" in await seen(client, at_once=True)
        assert WorkflowEnvironment.from_client(client).client is client


async def test_and_around_a_client_that_is_there() -> None:
    broker = MemoryBroker()
    client = Client(MemoryTransport(broker, "default"))
    environment = WorkflowEnvironment.from_client(client)
    assert "in run" in await seen(environment.client, at_once=True)
    await client.close()
    broker.close()
