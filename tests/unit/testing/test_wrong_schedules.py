"""What cannot be a schedule, or be said to one, is refused where it is said, by an error that names it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from foldlog import workflow
from foldlog.client import (
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleBackfill,
    ScheduleCalendarSpec,
    ScheduleDescription,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleRange,
    ScheduleSpec,
    ScheduleState,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from foldlog.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from foldlog.exceptions import ConfigurationError, InvalidArgumentError
from foldlog.testing import WorkflowEnvironment
from foldlog.worker import Worker

from tests.until import until_asked

HOUR = timedelta(hours=1)
NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
LIST: Any = "must be a list, with a"


@workflow.defn
class Report:
    @workflow.run
    async def run(self, dataclass: Any = None) -> None:
        return None


@pytest.fixture
async def environment() -> AsyncIterator[WorkflowEnvironment]:
    async with (
        await WorkflowEnvironment.start_time_skipping() as environment,
        Worker(environment.client, task_queue="q", workflows=[Report]),
    ):
        yield environment


def action(**options: Any) -> ScheduleActionStartWorkflow:
    return ScheduleActionStartWorkflow("Report", id="report", task_queue="q", **options)


def spec(**options: Any) -> Schedule:
    return Schedule(action(), ScheduleSpec(**options))


def calendar(**options: Any) -> Schedule:
    return spec(calendars=[ScheduleCalendarSpec(**options)])


def policy(**options: Any) -> Schedule:
    return Schedule(action(), ScheduleSpec(), SchedulePolicy(**options))


def state(**options: Any) -> Schedule:
    return Schedule(action(), ScheduleSpec(), state=ScheduleState(**options))


def acting(**options: Any) -> Schedule:
    return Schedule(action(**options), ScheduleSpec())


def anything(**options: Any) -> Any:
    made: dict[str, Any] = {"action": action(), "spec": ScheduleSpec()}
    return Schedule(**made | options)


WRONG: list[tuple[Callable[[], Any], str]] = [
    (lambda: "daily", "schedule must be a Schedule, not 'daily'"),
    (lambda: anything(spec="x"), "schedule.spec must be a ScheduleSpec, not 'x'"),
    (lambda: anything(policy=5), "schedule.policy must be a SchedulePolicy, not 5"),
    (lambda: anything(state="on"), "schedule.state must be a ScheduleState, not 'on'"),
    (lambda: anything(action=Report.run), "schedule.action must be a ScheduleAction, not"),
    (lambda: spec(calendars="x"), f"schedule.spec.calendars {LIST} ScheduleCalendarSpec"),
    (lambda: spec(intervals=ScheduleIntervalSpec(HOUR)), f"schedule.spec.intervals {LIST} ScheduleIntervalSpec"),
    (lambda: spec(intervals=[ScheduleIntervalSpec(5)]), "schedule.spec.intervals[0].every must be a timedelta"),  # type: ignore[arg-type]
    (lambda: spec(cron_expressions="0 9 * * *"), f"schedule.spec.cron_expressions {LIST} str for each element"),
    (lambda: spec(start_at="2026-01-01"), "schedule.spec.start_at must be a datetime or None"),
    (lambda: spec(end_at=date(2026, 1, 1)), "schedule.spec.end_at must be a datetime or None"),
    (lambda: spec(jitter=5), "schedule.spec.jitter must be a timedelta"),
    (lambda: spec(time_zone_name=UTC), "schedule.spec.time_zone_name must be a str or None"),
    (lambda: calendar(hour=3), f"schedule.spec.calendars[0].hour {LIST} ScheduleRange for each element, not 3"),
    (lambda: calendar(hour=[3]), f"schedule.spec.calendars[0].hour {LIST} ScheduleRange"),
    (lambda: calendar(comment=5), "schedule.spec.calendars[0].comment must be a str or None"),
    (lambda: policy(overlap="SKIP"), "schedule.policy.overlap must be one of ScheduleOverlapPolicy.SKIP, "),
    (lambda: policy(overlap=7), "schedule.policy.overlap must be one of ScheduleOverlapPolicy.SKIP, "),
    (lambda: policy(catchup_window=60), "schedule.policy.catchup_window must be a timedelta"),
    (lambda: policy(catchup_window=-HOUR), "catchup_window must not be negative"),
    (lambda: policy(pause_on_failure="no"), "schedule.policy.pause_on_failure must be True or False"),
    (lambda: state(note=5), "schedule.state.note must be a str or None"),
    (lambda: state(paused="no"), "schedule.state.paused must be True or False"),
    (lambda: state(limited_actions=True, remaining_actions="5"), "schedule.state.remaining_actions must be a whole"),
    (lambda: state(limited_actions=True, remaining_actions=-5), "remaining_actions must not be negative: -5"),
    (lambda: acting(run_timeout=5), "schedule.action.run_timeout must be a timedelta"),
    (lambda: acting(retry_policy=5), "schedule.action.retry_policy must be a RetryPolicy or None"),
    (lambda: acting(memo=[5]), "schedule.action.memo must be a mapping or None"),
    (lambda: acting(typed_search_attributes={}), "schedule.action.typed_search_attributes must be a TypedSearch"),
    (lambda: acting(static_summary=5), "schedule.action.static_summary must be a str or a Payload or None"),
    (lambda: acting(priority=5), "schedule.action.priority must be a Priority"),
    (lambda: acting(args="abc"), "args must be a list, not 'abc'"),
    (lambda: calendar(hour=[ScheduleRange("3")]), "ScheduleRange.start must be a whole number, not '3'"),  # type: ignore[arg-type]
]


async def test_a_part_of_a_schedule_that_cannot_be(environment: WorkflowEnvironment) -> None:
    handle = await environment.client.create_schedule("there", anything())
    before = (await handle.describe()).schedule
    for made, message in WRONG:
        with pytest.raises(ConfigurationError) as error:
            await environment.client.create_schedule("s", made())
        assert message in str(error.value)
        with pytest.raises(ConfigurationError) as error:
            await handle.update(lambda given, made=made: ScheduleUpdate(made()))  # type: ignore[misc]
        assert message in str(error.value)
    assert (await handle.describe()).schedule == before
    assert [listed.id async for listed in await environment.client.list_schedules()] == ["there"]


CITY = SearchAttributeKey.for_keyword("city")
NEVER_BEGINS: list[tuple[dict[str, Any], str]] = [
    ({"memo": {"m": "x" * 600_000}}, "memo: 600003 bytes, and 500000 may be in all"),
    ({"static_summary": "x" * 5_000}, "static_summary has 5002 bytes, and may have 4000"),
    (
        {"typed_search_attributes": TypedSearchAttributes([SearchAttributePair(CITY, "x" * 3_000)])},
        "search attribute 'city' has 3002 bytes, and a value may have 2048",
    ),
    ({"id": "r" * 960}, "a workflow ID may have 1 to 1000 bytes"),
]


async def test_an_action_that_could_never_begin(environment: WorkflowEnvironment) -> None:
    """Where it is taken, nobody would see why."""
    handle = await environment.client.create_schedule("there", anything())
    before = (await handle.describe()).schedule
    for options, message in NEVER_BEGINS:
        made = Schedule(
            ScheduleActionStartWorkflow("Report", **{"id": "report", "task_queue": "q"} | options), ScheduleSpec()
        )
        with pytest.raises(InvalidArgumentError) as error:
            await environment.client.create_schedule("s", made)
        assert str(error.value).startswith(f"schedule.action: {message}")
        with pytest.raises(InvalidArgumentError):
            await handle.update(lambda given, made=made: ScheduleUpdate(made))  # type: ignore[misc]
    assert (await handle.describe()).schedule == before


async def test_what_a_schedule_cannot_be_made_with(environment: WorkflowEnvironment) -> None:
    client: Any = environment.client
    for options, message in (
        ({"backfill": "x"}, f"backfill {LIST} ScheduleBackfill for each element, not 'x'"),
        ({"backfill": ScheduleBackfill(NOW, NOW)}, f"backfill {LIST} ScheduleBackfill"),
        ({"backfill": [ScheduleBackfill(NOW, NOW - HOUR)]}, "a backfill's end_at must not be before its start_at"),
        ({"memo": 5}, "memo must be a mapping or None"),
        ({"search_attributes": 5}, "search_attributes must be a TypedSearchAttributes"),
        ({"trigger_immediately": "no"}, "trigger_immediately must be True or False"),
        ({"rpc_timeout": 5}, "rpc_timeout must be a timedelta"),
        ({"id": 5}, "id must be a str, not 5"),
    ):
        with pytest.raises(ConfigurationError) as error:
            await client.create_schedule(**{"id": "s", "schedule": anything()} | options)
        assert message in str(error.value)
    with pytest.raises(ConfigurationError, match="id must be a str"):
        client.get_schedule_handle(5)


async def test_what_a_schedule_cannot_be_told(environment: WorkflowEnvironment) -> None:
    handle: Any = await environment.client.create_schedule("s", anything())
    told: list[tuple[Callable[[], Awaitable[Any]], str]] = [
        (lambda: handle.backfill("x"), f"backfill {LIST} ScheduleBackfill"),
        (lambda: handle.backfill([ScheduleBackfill(NOW, NOW)]), f"backfill {LIST} ScheduleBackfill"),
        (lambda: handle.backfill(ScheduleBackfill("a", NOW)), "backfill[0].start_at must be a datetime"),  # type: ignore[arg-type]
        (lambda: handle.backfill(ScheduleBackfill(NOW, NOW - HOUR)), "end_at must not be before its start_at"),
        (lambda: handle.backfill(ScheduleBackfill(NOW, NOW, 7)), "backfill[0].overlap must be one of"),  # type: ignore[arg-type]
        (lambda: handle.pause(note=5), "note must be a str or None, not 5"),
        (lambda: handle.unpause(note=5), "note must be a str or None, not 5"),
        (lambda: handle.trigger(overlap="SKIP"), "overlap must be one of"),
        (lambda: handle.trigger(rpc_timeout=5), "rpc_timeout must be a timedelta"),
        (lambda: handle.describe(rpc_timeout=5), "rpc_timeout must be a timedelta"),
        (lambda: handle.update(5), "updater must be a function"),
    ]
    for call, message in told:
        with pytest.raises(ConfigurationError) as error:
            await call()
        assert message in str(error.value)
    with pytest.raises(ConfigurationError, match="search_attributes must be a TypedSearchAttributes or None"):
        await handle.update(lambda given: ScheduleUpdate(given.description.schedule, {}))  # type: ignore[arg-type]
    assert (await handle.describe()).schedule.state == ScheduleState()


async def test_durations_without_a_limit_are_250_years(environment: WorkflowEnvironment) -> None:
    ever, longest = timedelta.max, timedelta(days=250 * 365)
    seldom = Schedule(
        action(execution_timeout=ever, run_timeout=ever, task_timeout=ever),
        ScheduleSpec(intervals=[ScheduleIntervalSpec(ever)], jitter=ever),
        SchedulePolicy(catchup_window=ever),
    )
    handle = await environment.client.create_schedule("s", seldom, trigger_immediately=True)

    async def begun() -> ScheduleDescription | None:
        found = await handle.describe()
        return found if found.info.num_actions == 1 and not found.info.running_actions else None

    found: ScheduleDescription = await until_asked(begun, "it has been triggered")
    assert (found.schedule.spec.intervals[0].every, found.schedule.spec.jitter) == (longest, longest)
    assert found.schedule.policy.catchup_window == longest
    assert found.info.next_action_times[0] > datetime.now(UTC)


async def test_what_looks_wrong_and_is_not(environment: WorkflowEnvironment) -> None:
    """Temporal's numbers for policies; a period that is a moment; values of users that look like parts of schedules."""
    six: Any = 6
    none: Any = None
    begun = action(args=[ScheduleRange(1)], memo={"m": ScheduleRange(2)}, priority=none)
    here = ScheduleSpec(calendars=(ScheduleCalendarSpec(hour=(ScheduleRange(3),)),), intervals=())
    three = datetime(2026, 1, 1, 3)
    handle = await environment.client.create_schedule(
        "s", Schedule(begun, here, SchedulePolicy(overlap=six)), backfill=(ScheduleBackfill(three, three, six),)
    )
    await handle.trigger(overlap=six)

    async def both() -> ScheduleDescription | None:
        found = await handle.describe()
        return found if found.info.num_actions == 2 else None

    found: ScheduleDescription = await until_asked(both, "both are begun")
    assert found.schedule.policy.overlap is ScheduleOverlapPolicy.ALLOW_ALL

    def same(given: ScheduleUpdateInput) -> ScheduleUpdate:
        return ScheduleUpdate(given.description.schedule)

    await handle.update(same)
    again = (await handle.describe()).schedule
    assert again.spec == found.schedule.spec
