"""A workflow that is data: `foldlog dev --port 0 -- python examples/dsl.py`.

One workflow type runs whatever a JSON document says: activities one after another, or beside each other, with results
that are arguments of later ones. YAML does as well: read it with a library for YAML, and pass what it gives.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import msgspec
from foldlog import activity, workflow
from foldlog.client import Client
from foldlog.common import WorkflowIDConflictPolicy
from foldlog.exceptions import ApplicationError
from foldlog.worker import Worker

QUEUE = "dsl"

DOCUMENT = """
{
  "variables": {"title": "Durable workflows", "words": 1200},
  "root": {"sequence": [
    {"activity": "draft", "arguments": ["title", "words"], "result": "text"},
    {"parallel": [
      {"activity": "translate", "arguments": ["text", "=de"], "result": "german"},
      {"sequence": [
        {"activity": "illustrate", "arguments": ["title"], "result": "picture"},
        {"activity": "shrink", "arguments": ["picture"], "result": "picture"}
      ]}
    ]},
    {"activity": "publish", "arguments": ["text", "german", "picture"], "result": "url"}
  ]},
  "result": "url"
}
"""


@dataclass
class Step:
    """One of three: an activity, steps in sequence, steps in parallel."""

    activity: str = ""
    arguments: list[str] = field(default_factory=list)
    """Names of variables; with = in front, the text itself."""
    result: str = ""
    """The variable that gets what the activity returns; empty: nothing does."""
    sequence: list["Step"] = field(default_factory=list)
    parallel: list["Step"] = field(default_factory=list)


@dataclass
class Document:
    root: Step
    variables: dict[str, Any] = field(default_factory=dict)
    result: str = ""
    """The variable that the workflow returns."""


@workflow.defn
class Interpreter:
    @workflow.init
    def __init__(self, document: Document) -> None:
        self._variables = document.variables

    @workflow.run
    async def run(self, document: Document) -> Any:
        await self._step(document.root)
        return self._value(document.result) if document.result else None

    async def _step(self, step: Step) -> None:
        if step.activity:
            result = await workflow.execute_activity(
                step.activity,
                args=[self._value(name) for name in step.arguments],
                start_to_close_timeout=timedelta(minutes=1),
            )
            if step.result:
                self._variables[step.result] = result
        for one in step.sequence:
            await self._step(one)
        async with asyncio.TaskGroup() as group:
            for one in step.parallel:
                group.create_task(self._step(one))

    def _value(self, name: str) -> Any:
        if name.startswith("="):
            return name[1:]
        if name not in self._variables:
            raise ApplicationError(f"no variable {name!r} at this point", type="UnknownVariable")
        return self._variables[name]

    @workflow.query
    def variables(self) -> dict[str, Any]:
        return self._variables


@activity.defn
async def draft(title: str, words: int) -> str:
    return f"{title}, in {words} words"


@activity.defn
async def translate(text: str, language: str) -> str:
    return f"{text} ({language})"


@activity.defn
async def illustrate(title: str) -> str:
    return f"{title}.png"


@activity.defn
async def shrink(picture: str) -> str:
    return f"small-{picture}"


@activity.defn
async def publish(text: str, german: str, picture: str) -> str:
    activity.logger.info("publishing %s, %s and %s", text, german, picture)
    return f"https://blog.example/{len(text) + len(german)}"


ACTIVITIES: Sequence[Callable[..., Any]] = [draft, translate, illustrate, shrink, publish]


async def run(client: Client, document: str) -> Any:
    async with Worker(client, task_queue=QUEUE, workflows=[Interpreter], activities=ACTIVITIES):
        return await client.execute_workflow(
            Interpreter.run,
            msgspec.json.decode(document, type=Document),
            id="dsl-1",
            task_queue=QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        )


async def main() -> None:
    async with await Client.connect() as client:  # the Kafka that KAFKA_BOOTSTRAP_SERVERS names
        print(await run(client, DOCUMENT))


if __name__ == "__main__":
    asyncio.run(main())
