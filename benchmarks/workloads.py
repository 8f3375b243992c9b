"""The workflows that are measured: sequential activities, each way that an activity can run, and fan-out.

Every foldlog can define them, also one of old that is measured beside today's (benchmarks.regression).
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

from foldlog import activity, workflow

TASK_QUEUE = "bench"
LIMIT = timedelta(seconds=30)


@activity.defn
async def say(name: str) -> str:
    """The least that an activity can do."""
    return f"hello {name}"


@workflow.defn
class One:
    """One activity, through the task topic."""

    @workflow.run
    async def run(self, name: str) -> str:
        return await workflow.execute_activity(say, name, start_to_close_timeout=LIMIT)


@workflow.defn
class Five:
    """Five activities, one after the other: through the task topic, or eagerly where the worker is in the process."""

    @workflow.run
    async def run(self, name: str) -> str:
        result = ""
        for _ in range(5):
            result = await workflow.execute_activity(say, name, start_to_close_timeout=LIMIT)
        return result


@workflow.defn
class FiveLocal:
    """Five local activities, one after the other."""

    @workflow.run
    async def run(self, name: str) -> str:
        result = ""
        for _ in range(5):
            result = await workflow.execute_local_activity(say, name, start_to_close_timeout=LIMIT)
        return result


@workflow.defn
class Waiting:
    """A workflow that stays open until it is told to end."""

    def __init__(self) -> None:
        self._ended = False

    @workflow.run
    async def run(self) -> None:
        await workflow.wait_condition(lambda: self._ended)

    @workflow.signal
    def end(self) -> None:
        self._ended = True


@workflow.defn
class Trivial:
    """The least that a workflow can do."""

    @workflow.run
    async def run(self, name: str) -> str:
        return name


@workflow.defn
class ManyChildren:
    """Children side by side."""

    @workflow.run
    async def run(self, count: int) -> int:
        return len(await asyncio.gather(*(workflow.execute_child_workflow(Trivial.run, "x") for _ in range(count))))


@workflow.defn
class ManyActivities:
    """Activities side by side."""

    @workflow.run
    async def run(self, count: int) -> int:
        calls = (workflow.execute_activity(say, "x", start_to_close_timeout=LIMIT) for _ in range(count))
        return len(await asyncio.gather(*calls))


WORKFLOWS = [One, Five, FiveLocal, Waiting, Trivial, ManyChildren, ManyActivities]
