"""What is told of activities that a client started without a workflow, in memory, with and without a codec."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from foldlog.client import ActivityHandle, Client, DescribeActivityInput, Interceptor, OutboundInterceptor
from foldlog.common import RetryPolicy
from foldlog.exceptions import ApplicationError, CancelledError, ConfigurationError

from tests.unit.testing.test_standalone_activities import (
    LIMIT,
    SECOND,
    STATUS,
    broken,
    client,
    double,
    from_outside,
    join,
    options,
)
from tests.until import until_asked

__all__ = ["client"]
EVERYTHING: dict[str, Any] = {
    "include_input": True,
    "include_outcome": True,
    "include_heartbeat_details": True,
    "include_last_failure": True,
}


async def ended(handle: ActivityHandle[Any]) -> None:
    async def is_over() -> bool:
        return (await handle.describe()).close_time is not None

    await until_asked(is_over, "it ends")


async def test_what_is_asked_for_is_told_and_nothing_else(client: Client) -> None:
    handle = await client.start_activity(join, args=["a", "b"], **options("j", schedule_to_close_timeout=LIMIT))
    await ended(handle)
    plain, full = await handle.describe(), await handle.describe(**EVERYTHING)
    assert [plain.has_input(), plain.has_result(), plain.has_outcome_failure()] == [False] * 3
    assert [await plain.input(), await plain.result(), await plain.outcome_failure()] == [None] * 3
    assert (await full.input(), await full.input([str, str])) == (["a", "b"], ["a", "b"])
    assert (full.has_result(), await full.result(), await full.result(str)) == (True, "ab", "ab")
    assert (full.has_outcome_failure(), await full.outcome_failure()) == (False, None)
    assert full.expiration_time == full.schedule_time + LIMIT
    assert full.last_attempt_complete_time == full.close_time
    assert (full.start_delay, full.last_deployment_version, full.total_heartbeat_count) == (None, None, 0)
    assert (full.canceled_reason, full.current_retry_interval) == (None, None)
    assert (plain.attempt, plain.last_worker_identity) == (full.attempt, full.last_worker_identity)
    assert (full.attempt, full.last_worker_identity) == (1, client.identity)


async def test_how_it_failed(client: Client) -> None:
    policy = RetryPolicy(initial_interval=SECOND, maximum_attempts=2)
    handle = await client.start_activity(broken, "why", **options("f", retry_policy=policy))
    await ended(handle)
    found = await handle.describe(**EVERYTHING)
    failure = await found.outcome_failure()
    assert isinstance(failure, ApplicationError)
    assert (failure.message, failure.details, found.status) == ("no", ("why",), STATUS.FAILED)
    assert (found.has_outcome_failure(), found.has_result(), await found.result()) == (True, False, None)
    assert await found.input([str]) == ["why"]
    assert (found.attempt, found.last_worker_identity) == (2, client.identity)


async def test_one_that_waits_for_its_next_attempt(client: Client) -> None:
    policy = RetryPolicy(initial_interval=timedelta(hours=1), backoff_coefficient=3.0)
    handle = await client.start_activity(from_outside, **options("w", retry_policy=policy))
    outside = client.get_async_activity_handle(activity_id="w", run_id=None)

    async def left_open() -> bool:
        return (await handle.describe()).last_started_time is not None

    await until_asked(left_open, "it is known to be left open")
    await outside.heartbeat("half", 2)
    beating = await handle.describe(include_heartbeat_details=True)
    assert (beating.has_heartbeat_details(), await beating.heartbeat_details([str, int])) == (True, ["half", 2])
    assert not (await handle.describe()).has_heartbeat_details()
    await outside.fail(ApplicationError("not now"))
    plain, full = await handle.describe(), await handle.describe(**EVERYTHING)
    assert (full.current_retry_interval, full.attempt) == (timedelta(hours=1), 2)
    assert (plain.has_last_failure(), await plain.last_failure()) == (False, None)
    assert full.has_last_failure()
    assert str(await full.last_failure()) == "not now"
    assert (full.has_result(), full.has_outcome_failure(), await full.input()) == (False, False, [])
    await handle.cancel(reason="enough")
    assert (await handle.describe()).canceled_reason == "enough"
    await ended(handle)
    found = await handle.describe(include_outcome=True)
    assert isinstance(await found.outcome_failure(), CancelledError)
    assert found.canceled_reason == "enough"
    assert found.attempt == 2


async def test_one_that_is_held(client: Client) -> None:
    handle = await client.start_activity(
        double, 1, **options("h", start_delay=LIMIT, schedule_to_close_timeout=timedelta(hours=1))
    )
    found = await handle.describe()
    assert found.start_delay == LIMIT
    assert found.expiration_time == found.schedule_time + LIMIT + timedelta(hours=1)
    await handle.terminate()


class Asking(Interceptor):
    """Has everything told that is not asked for, and nothing that is."""

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        return AskingOutbound(next)


class AskingOutbound(OutboundInterceptor):
    async def describe_activity(self, input: DescribeActivityInput) -> Any:
        input.include_outcome, input.include_input = not input.include_outcome, not input.include_input
        return await super().describe_activity(input)


async def test_interceptors_see_what_is_asked_for(client: Client) -> None:
    assert await client.execute_activity(double, 2, **options("i")) == 4
    config = client.config()
    config["interceptors"] = [Asking()]
    handle = Client(**config).get_activity_handle("i")
    other, same = await handle.describe(), await handle.describe(**EVERYTHING)
    assert (other.has_result(), await other.input(), same.has_result(), same.has_input()) == (True, [2], False, False)


@pytest.mark.parametrize("name", EVERYTHING)
async def test_an_option_is_true_or_false(client: Client, name: str) -> None:
    wrong: Any = {name: 1}
    with pytest.raises(ConfigurationError, match=f"{name} must be True or False, not 1"):
        await client.get_activity_handle("x").describe(**wrong)
