"""The example of workflows that are data."""

from __future__ import annotations

import json

import pytest
from foldlog.client import WorkflowFailureError
from foldlog.exceptions import ApplicationError
from foldlog.schemas import event
from foldlog.testing import WorkflowEnvironment
from foldlog.worker import Worker

from examples.dsl import DOCUMENT, QUEUE, Interpreter, run


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
