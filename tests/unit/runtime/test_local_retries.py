"""Local activities whose next attempt is far away: the workflow waits on a timer, and decides the same again."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from foldlog import workflow
from foldlog.core import decisions
from foldlog.exceptions import ActivityError, ApplicationError, CancelledError
from foldlog.workflow import ActivityCancellationType

from .driver import Driver

OPTIONS: workflow.LocalActivityConfig = {"start_to_close_timeout": timedelta(seconds=5)}


@workflow.defn
class Near:
    @workflow.run
    async def run(self, cancellation_type: int) -> str:
        try:
            return await workflow.execute_local_activity(
                "near",
                result_type=str,
                cancellation_type=ActivityCancellationType(cancellation_type),
                local_retry_threshold=timedelta(seconds=2),
                start_to_close_timeout=timedelta(seconds=5),
            )
        except ActivityError as error:
            return "cancelled" if isinstance(error.cause, CancelledError) else "failed"

    @workflow.query
    def nothing(self) -> None: ...


def near(driver: Driver) -> decisions.ScheduleLocalActivity:
    return driver.local["1"]


def test_the_wait_is_a_timer_and_the_next_attempt_follows_it() -> None:
    driver = Driver(Near, 0)
    assert (near(driver).attempt, near(driver).retry_threshold_ms) == (1, 2_000)
    first_scheduled = driver.now_ms
    driver.back_off_local("1", ApplicationError("no"), 60_000)
    assert driver.kinds() == ["ScheduleLocalActivity", "StartTimer"]
    driver.replay()
    driver.fire()
    assert (near(driver).attempt, near(driver).scheduled_ms) == (2, first_scheduled)
    driver.replay()
    driver.back_off_local("1", ApplicationError("no"), 120_000)
    driver.fire()
    assert near(driver).attempt == 3
    driver.complete_local("1", "done")
    assert driver.result == "done"
    driver.replay()


@pytest.mark.parametrize("cancellation_type", list(ActivityCancellationType))
def test_cancelled_in_the_backoff_it_ends_at_once(cancellation_type: ActivityCancellationType) -> None:
    driver = Driver(Near, int(cancellation_type))
    driver.back_off_local("1", ApplicationError("no"), 60_000)
    driver.cancel()
    assert driver.result == "cancelled"
    assert "CancelTimer" in driver.kinds()
    assert driver.local == {}
    driver.replay()


def test_whoever_waits_for_the_cancellation_gets_what_came_of_it() -> None:
    waiting = int(ActivityCancellationType.WAIT_CANCELLATION_COMPLETED)
    driver = Driver(Near, waiting)
    driver.cancel()
    assert driver.end is None
    assert isinstance(driver.decided[-1], decisions.CancelLocalActivity)
    assert driver.decided[-1].wait
    driver.replay()
    driver.complete_local("1", error=CancelledError("stopped"))
    assert driver.result == "cancelled"
    driver.replay()
    driver = Driver(Near, waiting)
    driver.cancel()
    driver.complete_local("1", "all the same")
    assert driver.result == "all the same"


def test_an_attempt_that_failed_while_it_was_asked_to_stop_is_not_repeated() -> None:
    driver = Driver(Near, int(ActivityCancellationType.WAIT_CANCELLATION_COMPLETED))
    driver.cancel()
    driver.back_off_local("1", ApplicationError("no"), 60_000)
    assert driver.result == "cancelled"
    assert "StartTimer" not in driver.kinds()
    driver.replay()


@workflow.defn
class Gathering:
    @workflow.run
    async def run(self) -> list[Any]:
        first = workflow.start_local_activity("a", **OPTIONS)
        second = workflow.start_local_activity("b", **OPTIONS)
        return list(await asyncio.gather(first, second))


def test_without_a_threshold_a_minute_is_waited_for_in_memory_and_others_go_on_meanwhile() -> None:
    driver = Driver(Gathering)
    assert {decision.retry_threshold_ms for decision in driver.local.values()} == {60_000}
    driver.back_off_local("1", ApplicationError("no"), 90_000)
    driver.complete_local("2", "b")
    driver.replay()
    driver.fire()
    driver.complete_local("1", "a")
    assert driver.result == ["a", "b"]
    driver.replay()
