"""The example of workflows that are data."""

from __future__ import annotations

import asyncio
import json

import msgspec
import pytest
from foldlog import activity
from foldlog.client import WorkflowFailureError
from foldlog.exceptions import ActivityError, ApplicationError
from foldlog.schemas import event
from foldlog.testing import WorkflowEnvironment
from foldlog.worker import Worker

from examples.dsl import DOCUMENT, QUEUE, Document, Interpreter, Step, draft, run, shrink
from tests.conformance.scenarios import names
from tests.until import until_asked


async def scheduled(env: WorkflowEnvironment) -> list[str]:
    """Activities, and where one of them ended."""
    found = []
    for item in (await env.client.get_workflow_handle("dsl-1").fetch_history()).events:
        if isinstance(item, event.ActivityTaskScheduled):
            found.append(item.activity_type)
        elif isinstance(item, event.ActivityTaskCompleted):
            found.append("")
    return found


async def test_the_document() -> None:
    async with await WorkflowEnvironment.start_time_skipping() as env:
        assert await run(env.client, DOCUMENT) == "https://blog.example/69"
        async with Worker(env.client, task_queue=QUEUE, workflows=[Interpreter]):  # the one of `run` has gone
            order = await scheduled(env)
            assert await env.client.get_workflow_handle("dsl-1").query("variables") == {
                "title": "Durable workflows",
                "words": 1200,
                "text": "Durable workflows, in 1200 words",
                "german": "Durable workflows, in 1200 words (de)",
                "picture": "small-Durable workflows.png",
                "url": "https://blog.example/69",
            }
    assert order[:4] == ["draft", "", "translate", "illustrate"]  # these two beside each other
    assert order[-2:] == ["publish", ""]
    assert order.index("shrink") > order.index("illustrate")


async def test_a_document_without_a_result() -> None:
    document = json.dumps({"root": {"activity": "draft", "arguments": ["=a", "n"]}, "variables": {"n": 1}})
    async with await WorkflowEnvironment.start_time_skipping() as env:
        assert await run(env.client, document) is None


async def test_a_variable_that_is_not_there() -> None:
    document = json.dumps({"root": {"parallel": [{"activity": "shrink", "arguments": ["nosuch"]}]}})
    async with await WorkflowEnvironment.start_time_skipping() as env:
        with pytest.raises(WorkflowFailureError) as failed:
            await run(env.client, document)
        cause = failed.value.cause.__cause__
        assert isinstance(cause, ApplicationError)
        assert cause.type == "UnknownVariable"


class Desk:
    """Waits until it is cancelled, and refuses what is beside it once that has begun."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()

    @activity.defn
    async def wait(self) -> None:
        self.begun.set()
        await asyncio.sleep(3600)

    @activity.defn
    async def refuse(self) -> None:
        await self.begun.wait()
        raise ApplicationError("it cannot be done", type="Refused", non_retryable=True)


async def test_what_runs_beside_a_step_that_fails_is_cancelled() -> None:
    desk = Desk()
    document = Document(Step(parallel=[Step("wait"), Step("refuse")]))
    async with await WorkflowEnvironment.start_time_skipping() as env:
        activities = [desk.wait, desk.refuse]
        async with Worker(env.client, task_queue=QUEUE, workflows=[Interpreter], activities=activities):
            handle = await env.client.start_workflow(Interpreter.run, document, id="d", task_queue=QUEUE)
            with pytest.raises(WorkflowFailureError) as failed:
                await handle.result()
            assert "ActivityTaskCancelRequested" in await names(handle)
    cause = failed.value.cause.__cause__
    assert isinstance(cause, ActivityError)
    assert isinstance(cause.cause, ApplicationError)
    assert cause.cause.type == "Refused"


async def test_an_activity_that_no_worker_knows_is_tried_until_one_does() -> None:
    document = Document(Step("shrink", ["=x"], "picture"), result="picture")
    async with await WorkflowEnvironment.start_time_skipping() as env:
        async with Worker(env.client, task_queue=QUEUE, workflows=[Interpreter], activities=[draft]):
            handle = await env.client.start_workflow(Interpreter.run, document, id="d", task_queue=QUEUE)

            async def refused() -> bool:
                return [each.attempt for each in (await handle.describe()).pending_activities] == [2]

            await until_asked(refused, "the first attempt has failed")
        async with Worker(env.client, task_queue=QUEUE, workflows=[Interpreter], activities=[shrink]):
            assert await handle.result() == "small-x"


async def test_a_document_that_makes_no_sense_starts_nothing() -> None:
    async with await WorkflowEnvironment.start_time_skipping() as env:
        with pytest.raises(msgspec.ValidationError):
            await run(env.client, '{"root": {"sequence": 3}}')
        assert [row async for row in env.client.list_workflows()] == []
