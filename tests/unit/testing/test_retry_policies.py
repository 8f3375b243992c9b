"""What a retry policy does to an activity, on a virtual clock: when attempts begin, and why no more do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from foldlog import activity, workflow
from foldlog.client import WorkflowFailureError
from foldlog.common import RetryPolicy
from foldlog.exceptions import ActivityError, ApplicationError, RetryState
from foldlog.testing import WorkflowEnvironment
from foldlog.worker import Worker

QUEUE = "q"
SECOND = timedelta(seconds=1)
WAYS = ("eager", "topic", "local")


class Failing:
    """An activity that never succeeds, and notes when its attempts begin."""

    def __init__(self, now: Callable[[], Any], raised: Callable[[int], BaseException]) -> None:
        self.now = now
        self.raised = raised
        self.began: list[datetime] = []

    @activity.defn
    async def fail(self) -> None:
        self.began.append(await self.now())
        raise self.raised(activity.info().attempt)

    @property
    def waits(self) -> list[float]:
        """Seconds between the beginnings of attempts."""
        return [(after - before) / SECOND for before, after in pairwise(self.began)]


@workflow.defn
class Once:
    """Runs the activity in one of the ways."""

    @workflow.run
    async def run(self, way: str, policy: dict[str, Any], limits: dict[str, float]) -> None:
        types = policy.pop("non_retryable_error_types", None)
        attempts = policy.pop("maximum_attempts", 0)
        coefficient = policy.pop("backoff_coefficient", 2.0)
        intervals = {name: seconds * SECOND for name, seconds in policy.items()}
        retry_policy = RetryPolicy(
            **intervals,
            backoff_coefficient=coefficient,
            maximum_attempts=attempts,
            non_retryable_error_types=types,
        )
        execute = workflow.execute_local_activity if way == "local" else workflow.execute_activity
        timeouts: Any = {name: seconds * SECOND for name, seconds in limits.items()}
        await execute(Failing.fail, retry_policy=retry_policy, **timeouts)


@pytest.fixture
async def env() -> AsyncIterator[WorkflowEnvironment]:
    async with await WorkflowEnvironment.start_time_skipping() as started:
        yield started


def plain(attempt: int) -> BaseException:
    return ApplicationError(f"attempt {attempt}", type="Plain")


async def fails(
    env: WorkflowEnvironment,
    way: str,
    policy: dict[str, Any],
    limits: dict[str, float] | None = None,
    raised: Callable[[int], BaseException] = plain,
) -> tuple[list[float], RetryState | None]:
    """Run the activity until it has failed for good: the waits between its attempts, and why there are no more."""
    failing = Failing(env.get_current_time, raised)
    options: Any = {"disable_eager_activity_execution": way == "topic"}
    async with Worker(env.client, task_queue=QUEUE, workflows=[Once], activities=[failing.fail], **options):
        with pytest.raises(WorkflowFailureError) as failed:
            await env.client.execute_workflow(
                Once.run, args=[way, policy, limits or {"start_to_close_timeout": 60}], id="w", task_queue=QUEUE
            )
    cause = failed.value.cause
    return failing.waits, cause.retry_state if isinstance(cause, ActivityError) else None


def like(waits: list[int]) -> list[Any]:
    """Those waits, each with a moment of real time besides, which the attempt takes; on a busy machine a long one."""
    return [pytest.approx(wait + 1.9, abs=2) for wait in waits]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("policy", "waits"),
    [
        ({"initial_interval": 10}, [10, 20, 40, 80]),
        ({"initial_interval": 10, "backoff_coefficient": 1.0}, [10, 10, 10, 10]),
        ({"initial_interval": 10, "backoff_coefficient": 3.0}, [10, 30, 90, 270]),
        ({"initial_interval": 10, "maximum_interval": 25}, [10, 20, 25, 25]),
    ],
    ids=lambda given: "-".join(given) if isinstance(given, dict) else None,
)
async def test_when_the_next_attempt_begins(
    env: WorkflowEnvironment, way: str, policy: dict[str, Any], waits: list[int]
) -> None:
    found, state = await fails(env, way, policy | {"maximum_attempts": 5})
    assert found == like(waits)
    assert state is (None if way == "local" else RetryState.MAXIMUM_ATTEMPTS_REACHED)


@pytest.mark.parametrize("way", WAYS)
async def test_without_an_interval_it_is_a_second_at_first_and_a_hundred_at_most(
    env: WorkflowEnvironment, way: str
) -> None:
    found, _ = await fails(env, way, {"maximum_attempts": 9})
    assert found == like([1, 2, 4, 8, 16, 32, 64, 100])


@pytest.mark.parametrize("way", WAYS)
async def test_an_error_whose_type_is_listed_is_not_retried(env: WorkflowEnvironment, way: str) -> None:
    def second_is_listed(attempt: int) -> BaseException:
        return ApplicationError("no", type="Listed" if attempt == 2 else "Other")

    found, state = await fails(env, way, {"non_retryable_error_types": ["Listed"]}, raised=second_is_listed)
    assert found == like([1])
    assert state is (None if way == "local" else RetryState.NON_RETRYABLE_FAILURE)


@pytest.mark.parametrize("way", WAYS)
async def test_an_error_may_say_that_it_is_not_to_be_retried(env: WorkflowEnvironment, way: str) -> None:
    found, _ = await fails(env, way, {}, raised=lambda attempt: ApplicationError("no", non_retryable=attempt == 3))
    assert found == like([1, 2])


@pytest.mark.parametrize("way", WAYS)
async def test_an_error_may_say_when_the_next_attempt_is_to_be(env: WorkflowEnvironment, way: str) -> None:
    def in_a_minute(attempt: int) -> BaseException:
        return ApplicationError("later", next_retry_delay=timedelta(minutes=1) if attempt == 1 else None)

    found, _ = await fails(env, way, {"maximum_attempts": 3}, raised=in_a_minute)
    assert found == like([60, 2])


@pytest.mark.parametrize("way", WAYS)
async def test_no_attempt_is_planned_for_after_the_schedule_to_close_timeout(
    env: WorkflowEnvironment, way: str
) -> None:
    found, state = await fails(env, way, {"initial_interval": 10}, {"schedule_to_close_timeout": 60})
    assert found == like([10, 20])  # the next would begin after 70 seconds
    assert state is (None if way == "local" else RetryState.TIMEOUT)
