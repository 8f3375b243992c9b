"""The workflows of the fault tests: each makes one kind of mistake visible."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from foldlog import activity, workflow
from foldlog.common import RetryPolicy
from foldlog.exceptions import ActivityError, ApplicationError, ChildWorkflowError

QUEUE = "work"
LIMIT = timedelta(seconds=60)
AGAIN = RetryPolicy(initial_interval=timedelta(milliseconds=100), backoff_coefficient=1.0)
CHAPTER = 15
"""After so many numbers a Serial workflow continues as new."""


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


@workflow.defn
class Serial:
    """Adds up as Summing does, and continues as new again and again: a number lost between two runs shows."""

    @workflow.init
    def __init__(self, seen: Seen) -> None:
        self._seen = seen
        self._until = len(seen.numbers) + CHAPTER
        self._ended = False

    @workflow.run
    async def run(self, seen: Seen) -> Seen:
        await workflow.wait_condition(lambda: self._ended or len(self._seen.numbers) >= self._until)
        await workflow.wait_condition(workflow.all_handlers_finished)
        if not self._ended:
            workflow.continue_as_new(self._seen)
        return self._seen

    @workflow.signal
    def add(self, number: int) -> None:
        self._seen.numbers.append(number)

    @workflow.update
    async def put(self, number: int) -> int:
        self._seen.numbers.append(number)
        return len(self._seen.numbers) - 1

    @workflow.signal
    def end(self) -> None:
        self._ended = True


@workflow.defn
class Retried:
    """Fails until its third attempt."""

    @workflow.run
    async def run(self) -> int:
        attempt = workflow.info().attempt
        if attempt < 3:
            raise ApplicationError(f"attempt {attempt}")
        return attempt


@activity.defn
def later(attempt: int) -> int:
    """Succeeds at its third attempt."""
    if activity.info().attempt < attempt:
        raise ApplicationError("not yet")
    return activity.info().attempt


@workflow.defn
class LocalAgain:
    """A local activity whose next attempts are too far away to be waited for in memory."""

    @workflow.run
    async def run(self, attempts: int) -> int:
        return await workflow.execute_local_activity(
            later,
            attempts,
            start_to_close_timeout=LIMIT,
            retry_policy=AGAIN,
            local_retry_threshold=timedelta(milliseconds=1),
        )


@activity.defn
def from_outside() -> str:
    """Is completed by somebody else."""
    activity.raise_complete_async()


@workflow.defn
class Outside:
    """An activity that somebody else completes."""

    @workflow.run
    async def run(self) -> str:
        return await workflow.execute_activity(
            from_outside, activity_id="outside", start_to_close_timeout=timedelta(hours=1), retry_policy=AGAIN
        )


@activity.defn
async def count_to(end: int) -> int:
    """Counts, and says how far it is; another attempt goes on from there."""
    begin = activity.info().heartbeat_details[0] if activity.info().heartbeat_details else 0
    for number in range(begin, end):
        await asyncio.sleep(0.02)
        activity.heartbeat(number + 1)
    return end


@workflow.defn
class Counting:
    """An activity that heartbeats."""

    @workflow.run
    async def run(self, end: int) -> int:
        return await workflow.execute_activity(
            count_to, end, start_to_close_timeout=LIMIT, heartbeat_timeout=timedelta(seconds=2), retry_policy=AGAIN
        )


@activity.defn
async def endless() -> None:
    """Goes on until it is canceled."""
    while True:
        activity.heartbeat()
        await asyncio.sleep(0.05)


@workflow.defn
class Endless:
    """Goes on until it is canceled."""

    @workflow.run
    async def run(self) -> None:
        await asyncio.sleep(timedelta(days=1).total_seconds())


@workflow.defn
class Cleaning:
    """Waits for its activity and its child to stop when it is canceled, and cleans up."""

    def __init__(self) -> None:
        self._begun = False

    @workflow.run
    async def run(self) -> list[str]:
        own = workflow.info().workflow_id
        child = await workflow.start_child_workflow(Endless.run, id=f"{own}-child")
        running = workflow.start_activity(
            endless,
            start_to_close_timeout=timedelta(hours=1),
            heartbeat_timeout=timedelta(seconds=2),
            retry_policy=AGAIN,
            cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        )
        done = []
        self._begun = True
        try:
            await asyncio.gather(running, child)
        except (ActivityError, ChildWorkflowError, asyncio.CancelledError):  # whichever of the two is quicker
            for name, task in (("activity", running), ("child", child)):
                try:
                    task.cancel()
                    await task
                except (ActivityError, ChildWorkflowError, asyncio.CancelledError):
                    done.append(f"{name} stopped")
            done.append(await workflow.execute_activity(echo, "cleaned up", start_to_close_timeout=LIMIT))
        return done

    @workflow.update
    async def begun(self) -> None:
        """Ends once there is something to cancel."""
        await workflow.wait_condition(lambda: self._begun)


WORKFLOWS = [
    Summing,
    Ticking,
    Local,
    Echoing,
    Waiting,
    Parenting,
    Serial,
    Retried,
    LocalAgain,
    Outside,
    Counting,
    Endless,
    Cleaning,
]
LOCAL_ACTIVITIES: list[Callable[..., Any]] = [echo, later]
ACTIVITIES: list[Callable[..., Any]] = [echo, from_outside, count_to, endless]
