"""A scenario of durations that are longer than any time can be: people write `timedelta.max` for "no limit"."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

from foldlog import activity, workflow
from foldlog.common import RetryPolicy
from foldlog.exceptions import ApplicationError

from tests.conformance.scenarios import Place, Scenario, names
from tests.until import until_asked

EVER = timedelta.max
LONGEST = timedelta(days=250 * 365)


@activity.defn
async def swift() -> int:
    return activity.info().attempt


@activity.defn
async def put_off() -> None:
    raise ApplicationError("not now", next_retry_delay=EVER)


@workflow.defn
class Boundless:
    """Waits for ever in each way, until it is told to go on."""

    def __init__(self) -> None:
        self._told = False

    @workflow.run
    async def run(self, depth: int) -> list[int]:
        if workflow.info().continued_run_id is None and depth:
            workflow.continue_as_new(depth, run_timeout=EVER, task_timeout=EVER)
        waits = [
            asyncio.create_task(wait)
            for wait in (
                workflow.sleep(EVER),
                asyncio.sleep(EVER.total_seconds()),
                workflow.wait_condition(lambda: False, timeout=EVER),
                asyncio.wait_for(asyncio.Future(), 1e300),
                workflow.execute_activity(
                    put_off,
                    start_to_close_timeout=EVER,
                    retry_policy=RetryPolicy(initial_interval=EVER, maximum_interval=EVER),
                ),
            )
        ]
        limits: dict[str, Any] = {"start_to_close_timeout": EVER, "schedule_to_close_timeout": EVER}
        found = [
            await workflow.execute_activity(swift, schedule_to_start_timeout=EVER, heartbeat_timeout=EVER, **limits),
            await workflow.execute_local_activity(swift, **limits),
        ]
        if depth:
            ends: dict[str, Any] = {"execution_timeout": EVER, "run_timeout": EVER, "task_timeout": EVER}
            found += await workflow.execute_child_workflow(Boundless.run, depth - 1, **ends)
        await workflow.wait_condition(lambda: self._told or depth == 0, timeout=EVER)
        for wait in waits:
            wait.cancel()
            with suppress(asyncio.CancelledError, BaseException):
                await wait
        return found

    @workflow.signal
    def tell(self) -> None:
        self._told = True


async def durations_without_a_limit(here: Place) -> None:
    handle = await here.start(Boundless.run, 1, execution_timeout=EVER, run_timeout=EVER, task_timeout=EVER)

    async def waits() -> bool:
        return (await names(handle)).count("ChildWorkflowExecutionCompleted") == 1

    await until_asked(waits, "its child has ended")
    events: list[Any] = list((await handle.fetch_history()).events)
    timers = [found for found in events if type(found).__name__ == "TimerStarted"]
    assert {timedelta(milliseconds=timer.fire_ms - timer.time_ms) for timer in timers} == {LONGEST}
    described = await handle.describe()
    (waiting,) = described.pending_activities
    assert waiting.next_attempt_time is not None
    assert waiting.next_attempt_time > described.start_time + timedelta(days=3000)
    await handle.signal(Boundless.tell)
    assert await handle.result() == [1, 1, 1, 1]
    delayed = await here.start(Boundless.run, 0, start_delay=EVER)
    await delayed.signal(Boundless.tell)
    await delayed.terminate()


SHARED: Sequence[Scenario] = [durations_without_a_limit]
WORKFLOWS: Sequence[type] = [Boundless]
ACTIVITIES: Sequence[Callable[..., Any]] = [swift, put_off]
