"""The workflows of the fault tests: each makes one kind of mistake visible."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

from foldlog import activity, workflow
from foldlog.common import RetryPolicy

QUEUE = "work"
LIMIT = timedelta(seconds=60)
AGAIN = RetryPolicy(initial_interval=timedelta(milliseconds=100), backoff_coefficient=1.0)


@dataclass
class Seen:
    """What a Summing workflow was told."""

    total: int = 0
    numbers: list[int] = field(default_factory=list)


@workflow.defn
class Summing:
    """Adds up its signals and keeps their order: a signal that is lost, doubled or late shows in its result."""

    def __init__(self) -> None:
        self._seen = Seen()
        self._ended = False

    @workflow.run
    async def run(self) -> Seen:
        await workflow.wait_condition(lambda: self._ended)
        return self._seen

    @workflow.signal
    def add(self, number: int) -> None:
        self._seen.total += number
        self._seen.numbers.append(number)

    @workflow.update
    async def put(self, number: int) -> int:
        """The same as an update, which says how many there were before it."""
        before = len(self._seen.numbers)
        self._seen.total += number
        self._seen.numbers.append(number)
        return before

    @workflow.signal
    def end(self) -> None:
        self._ended = True

    @workflow.query
    def seen(self) -> Seen:
        return self._seen


@workflow.defn
class Ticking:
    """Sleeps again and again: a timer that fires twice, or never, breaks its history or keeps it open."""

    @workflow.run
    async def run(self, times: int, seconds: float) -> int:
        for _ in range(times):
            await asyncio.sleep(seconds)
        return times


@activity.defn
async def echo(text: str) -> str:
    """Gives back what it is given."""
    return text


@workflow.defn
class Local:
    """Local activities, one after the other."""

    @workflow.run
    async def run(self, count: int) -> list[str]:
        return [
            await workflow.execute_local_activity(echo, str(number), start_to_close_timeout=LIMIT)
            for number in range(count)
        ]


@workflow.defn
class Echoing:
    """One activity."""

    @workflow.run
    async def run(self, text: str) -> str:
        return await workflow.execute_activity(echo, text, start_to_close_timeout=LIMIT, retry_policy=AGAIN)


@workflow.defn
class Waiting:
    """Stays open until it is told to end, and says so."""

    def __init__(self) -> None:
        self._ended = False

    @workflow.run
    async def run(self) -> str:
        await workflow.wait_condition(lambda: self._ended)
        return "ended"

    @workflow.signal
    def end(self) -> None:
        self._ended = True


@workflow.defn
class Parenting:
    """Children that are told numbers: one that begins twice, or a signal that counts twice, shows in the result."""

    @workflow.run
    async def run(self, count: int) -> list[list[int]]:
        own = workflow.info().workflow_id
        handles = [await workflow.start_child_workflow(Summing.run, id=f"{own}-{number}") for number in range(count)]
        for handle in handles:
            for number in range(3):
                await handle.signal(Summing.add, number)
            await workflow.get_external_workflow_handle_for(Summing.run, handle.id).signal(Summing.end)
        return [(await handle).numbers for handle in handles]


WORKFLOWS = [Summing, Ticking, Local, Echoing, Waiting, Parenting]
