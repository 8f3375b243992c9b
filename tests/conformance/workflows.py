"""The workflows and activities of the scenarios."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from foldlog import activity, workflow
from foldlog.common import RetryPolicy
from foldlog.exceptions import ActivityError, ApplicationError, CancelledError
from foldlog.exceptions import TimeoutError as ActivityTimeout

from tests.conformance.accounts import Account, Again, look_up

LIMIT = timedelta(seconds=60)
QUICKLY = RetryPolicy(initial_interval=timedelta(milliseconds=10), backoff_coefficient=1.0)
ONCE = RetryPolicy(maximum_attempts=1)

attempts: Counter[str] = Counter()
"""Attempts of `flaky`, by key."""
cancelled: dict[str, list[str]] = {}
"""How activities noticed their cancellation, by key."""


@activity.defn
async def double(number: int) -> int:
    return number * 2


@activity.defn
def double_in_thread(number: int) -> int:
    return number * 2


@activity.defn
async def flaky(key: str, failures: int) -> int:
    attempts[key] += 1
    if attempts[key] <= failures:
        raise ApplicationError(f"attempt {activity.info().attempt} failed", type="Flaky")
    return activity.info().attempt


@activity.defn
async def refuse(reason: str) -> None:
    raise ApplicationError(reason, 42, type="Refused", non_retryable=True)


@activity.defn
async def progress() -> list[int]:
    """Goes on from where the attempt before it stopped."""
    begun = list(activity.info().heartbeat_details)
    if not begun:
        activity.heartbeat(1)
        activity.heartbeat(2)
        raise ApplicationError("halfway")
    return begun


@activity.defn
async def hang(key: str) -> None:
    """Waits until it is cancelled, and notes how that came."""
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        details = activity.cancellation_details()
        assert details is not None
        cancelled.setdefault(key, []).extend(name for name, value in vars(details).items() if value)
        raise


@activity.defn
def hang_in_thread(key: str) -> None:
    """The same, in a thread."""
    try:
        while True:
            time.sleep(0.005)
    except CancelledError:
        details = activity.cancellation_details()
        assert details is not None
        cancelled.setdefault(key, []).extend(name for name, value in vars(details).items() if value)
        raise


@activity.defn
async def grow(size: int) -> str:
    return "x" * size


@workflow.defn
class Chain:
    """Runs activities one after another, in the way that is asked for."""

    @workflow.run
    async def run(self, number: int, how: str, queue: str) -> int:
        for name in ("double", "double_in_thread", "double"):
            if how == "local":
                number = await workflow.execute_local_activity(name, number, start_to_close_timeout=LIMIT)
            else:
                number = await workflow.execute_activity(name, number, task_queue=queue, start_to_close_timeout=LIMIT)
        return number


@workflow.defn
class Retried:
    """Runs an activity that fails some times."""

    @workflow.run
    async def run(self, key: str, how: str, queue: str) -> int:
        if how == "local":
            attempt: int = await workflow.execute_local_activity(
                flaky, args=[key, 2], start_to_close_timeout=LIMIT, retry_policy=QUICKLY
            )
            return attempt
        return await workflow.execute_activity(
            flaky, args=[key, 2], task_queue=queue, start_to_close_timeout=LIMIT, retry_policy=QUICKLY
        )


@workflow.defn
class Refused:
    """Fails with what its activity says."""

    @workflow.run
    async def run(self, reason: str) -> None:
        await workflow.execute_activity(refuse, reason, start_to_close_timeout=LIMIT)


@workflow.defn
class Resumed:
    """Runs an activity whose second attempt goes on from the first one's heartbeat."""

    @workflow.run
    async def run(self) -> list[int]:
        return await workflow.execute_activity(
            progress, start_to_close_timeout=LIMIT, heartbeat_timeout=LIMIT, retry_policy=QUICKLY
        )


@workflow.defn
class Impatient:
    """Waits for an activity that never ends; gives the kind of timeout."""

    @workflow.run
    async def run(self, key: str, options: dict[str, float], queue: str) -> str:
        limits: Any = {name: timedelta(seconds=value) for name, value in options.items()}
        try:
            await workflow.execute_activity(hang, key, task_queue=queue, retry_policy=ONCE, **limits)
        except ActivityError as error:
            if isinstance(error.cause, ActivityTimeout) and error.cause.type is not None:
                return error.cause.type.name
        return "no timeout"


@workflow.defn
class Canceling:
    """Cancels its activity when told to."""

    def __init__(self) -> None:
        self._told = False

    @workflow.signal
    def go(self) -> None:
        self._told = True

    @workflow.run
    async def run(self, name: str, key: str, queue: str) -> str:
        handle: workflow.ActivityHandle[Any] = workflow.start_activity(
            name, key, task_queue=queue, start_to_close_timeout=LIMIT, heartbeat_timeout=LIMIT
        )
        await workflow.wait_condition(lambda: self._told)
        handle.cancel()
        try:
            await handle
        except (ActivityError, asyncio.CancelledError) as error:
            return type(error).__name__
        return "not cancelled"


@workflow.defn
class Cleaning:
    """Is cancelled, and cleans up with an activity."""

    @workflow.run
    async def run(self) -> str:
        try:
            await workflow.sleep(timedelta(days=365))
        except asyncio.CancelledError:
            doubled = await asyncio.shield(workflow.execute_activity(double, 21, start_to_close_timeout=LIMIT))
            if workflow.cancellation_reason() == "leave":
                raise
            return f"cleaned up: {doubled}"
        return "not cancelled"


@workflow.defn
class Ledger:
    """Keeps what it is told, in order, until it is told the end."""

    def __init__(self) -> None:
        self._entries: list[int] = []
        self._ended = False

    @workflow.run
    async def run(self) -> list[int]:
        await workflow.wait_condition(lambda: self._ended)
        return self._entries

    @workflow.signal
    def add(self, number: int) -> None:
        self._entries.append(number)

    @workflow.signal
    async def add_doubled(self, number: int) -> None:
        self._entries.append(await workflow.execute_activity(double, number, start_to_close_timeout=LIMIT))

    @workflow.signal
    def end(self) -> None:
        self._ended = True

    @workflow.query
    def entries(self) -> list[int]:
        return self._entries

    @workflow.query
    def broken(self) -> int:
        raise ValueError("cannot tell")


@workflow.defn
class Timers:
    """Waits in all ways that there are; gives the order in which things happened."""

    @workflow.run
    async def run(self) -> list[str]:
        seen: list[str] = []

        async def after(seconds: float) -> None:
            await asyncio.sleep(seconds)
            seen.append(f"{seconds:g}")

        await asyncio.gather(after(0.2), after(0.1), after(0))
        try:
            await workflow.wait_condition(lambda: False, timeout=timedelta(milliseconds=100))
        except TimeoutError:
            seen.append("timeout")
        never = asyncio.create_task(after(1_000))
        await asyncio.sleep(0.001)
        never.cancel()
        return seen


@workflow.defn
class Patient:
    """Sleeps for as long as it is told."""

    @workflow.run
    async def run(self, seconds: float) -> str:
        await asyncio.sleep(seconds)
        return "slept"


@workflow.defn
class Stuck:
    """Its code is wrong, until it is repaired."""

    repaired = False

    def __init__(self) -> None:
        self._told: list[str] = []

    @workflow.run
    async def run(self) -> str:
        if not Stuck.repaired:
            raise KeyError("no such thing")
        return ", ".join(["went on", *self._told])

    @workflow.signal
    async def tell(self, word: str) -> None:
        self._told.append(word)


@workflow.defn
class Large:
    """Its activity's result is too large for a record."""

    @workflow.run
    async def run(self, size: int, local: bool) -> int:
        execute = workflow.execute_local_activity if local else workflow.execute_activity
        return len(await execute(grow, size, start_to_close_timeout=LIMIT))


@workflow.defn
class Halves:
    """Does half of its work, waits to be told, with a timer that may come due before or after, and does the rest."""

    def __init__(self) -> None:
        self._told = False

    @workflow.signal
    def go(self) -> None:
        self._told = True

    @workflow.query
    def told(self) -> bool:
        return self._told

    @workflow.run
    async def run(self, number: int) -> int:
        number = await workflow.execute_activity(double, number, start_to_close_timeout=LIMIT)
        number = await workflow.execute_local_activity(double, number, start_to_close_timeout=LIMIT)
        timer = asyncio.create_task(asyncio.sleep(0.2))
        await workflow.wait_condition(lambda: self._told)
        await timer
        return await workflow.execute_activity(double_in_thread, number, start_to_close_timeout=LIMIT)


@workflow.defn
class Undone:
    """Is cancelled, and undoes what it did once it is told to."""

    def __init__(self) -> None:
        self._told = False
        self._undoing = False

    @workflow.run
    async def run(self, refused: bool) -> None:
        async with workflow.Saga(continue_with_error=True) as saga:
            saga.compensate(double, 1, start_to_close_timeout=LIMIT)
            saga.add(self._wait)
            if refused:
                saga.compensate(refuse, "no refund", start_to_close_timeout=LIMIT)
            await workflow.sleep(timedelta(days=365))

    async def _wait(self) -> None:
        self._undoing = True
        await workflow.wait_condition(lambda: self._told)

    @workflow.signal
    def go(self) -> None:
        self._told = True

    @workflow.query
    def undoing(self) -> bool:
        return self._undoing


@workflow.defn
class Member:
    """A child: ends in one way or another, after a while."""

    def __init__(self) -> None:
        self._name = ""

    @workflow.run
    async def run(self, how: str) -> str:
        if how == "named":
            await workflow.wait_condition(lambda: bool(self._name))
            return self._name
        await asyncio.sleep(3600 if how == "long" else 0.05)
        if how == "fails":
            raise ApplicationError("no", type="No")
        above = workflow.info().parent
        assert above is not None
        return above.workflow_id

    @workflow.signal
    def name(self, name: str) -> None:
        self._name = name


@workflow.defn
class Family:
    """Has children that end in every way that they can."""

    @workflow.run
    async def run(self) -> list[str]:
        long = await workflow.start_child_workflow(Member.run, "long")
        named = await workflow.start_child_workflow(Member.run, "named")
        await named.signal(Member.name, "by its parent")
        timed = workflow.execute_child_workflow(Member.run, "long", run_timeout=timedelta(milliseconds=50))
        others = [workflow.execute_child_workflow(Member.run, how) for how in ("short", "fails")]
        found = await asyncio.gather(*others, timed, named, return_exceptions=True)
        await workflow.get_external_workflow_handle(long.id).cancel(reason="enough")
        found += await asyncio.gather(long, return_exceptions=True)
        return [str(one.__cause__ or one) if isinstance(one, BaseException) else one for one in found]


@workflow.defn
class Endless:
    """Does not come to an await until it is repaired."""

    repaired = False

    @workflow.run
    async def run(self) -> str:
        while not Endless.repaired:
            pass
        return "went on"


@activity.defn
async def leave_open() -> str:
    activity.raise_complete_async()


@workflow.defn
class Outside:
    """Waits for an activity that somebody outside ends."""

    @workflow.run
    async def run(self) -> str:
        return await workflow.execute_activity(
            leave_open,
            activity_id="open",
            start_to_close_timeout=timedelta(hours=1),
            retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=5)),
            cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        )


WORKFLOWS: Sequence[type] = [
    Account,
    Again,
    Canceling,
    Chain,
    Cleaning,
    Endless,
    Family,
    Halves,
    Impatient,
    Large,
    Ledger,
    Member,
    Outside,
    Patient,
    Refused,
    Resumed,
    Retried,
    Stuck,
    Timers,
    Undone,
]
ACTIVITIES: Sequence[Callable[..., Any]] = [
    double,
    double_in_thread,
    flaky,
    grow,
    hang,
    hang_in_thread,
    look_up,
    leave_open,
    progress,
    refuse,
]
