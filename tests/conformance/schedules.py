"""Scenarios of schedules. None waits for their times: they are triggered, and given times of the past."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from foldlog import workflow
from foldlog.client import (
    RPCError,
    RPCStatusCode,
    Schedule,
    ScheduleActionExecutionStartWorkflow,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleBackfill,
    ScheduleCalendarSpec,
    ScheduleDescription,
    ScheduleHandle,
    ScheduleIntervalSpec,
    ScheduleListActionStartWorkflow,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleRange,
    ScheduleSpec,
    ScheduleState,
    ScheduleUpdate,
    ScheduleUpdateInput,
    WorkflowExecutionStatus,
)
from foldlog.common import (
    Priority,
    RetryPolicy,
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
)
from foldlog.exceptions import ApplicationError, InvalidArgumentError

from tests.conformance.scenarios import QUEUE, SOON, Place, Scenario
from tests.until import until_asked

HOUR = timedelta(hours=1)
BEGIN = datetime(2020, 1, 1, tzinfo=UTC)
COLOR = SearchAttributeKey.for_keyword("color")
BLUE = TypedSearchAttributes([SearchAttributePair(COLOR, "blue")])
RED = TypedSearchAttributes([SearchAttributePair(COLOR, "red")])


@workflow.defn
class Report:
    """Says what it knows of the reports before it; one that is long waits for its end."""

    def __init__(self) -> None:
        self.over = False

    @workflow.run
    async def run(self, kind: str) -> list[Any]:
        if kind == "long":
            await workflow.wait_condition(lambda: self.over)
        before: list[Any] | None = workflow.get_last_completion_result(list[Any])
        failure = workflow.get_last_failure()
        if kind == "flaky" and failure is None:
            raise ApplicationError("out of paper", non_retryable=True)
        known = workflow.info().typed_search_attributes
        return [
            1 + (before[0] if before else 0),
            workflow.has_last_completion_result(),
            str(failure) if failure else None,
            known.get(COLOR),
            workflow.memo(),
            workflow.info().priority.priority_key,
        ]

    @workflow.signal
    def end(self) -> None:
        self.over = True


def action(kind: str, **options: Any) -> ScheduleActionStartWorkflow:
    return ScheduleActionStartWorkflow(Report.run, kind, id=f"report-{uuid.uuid4().hex}", task_queue=QUEUE, **options)


HOURLY = ScheduleSpec(cron_expressions=["@hourly"])


async def paused(here: Place, wanted: ScheduleActionStartWorkflow, **options: Any) -> ScheduleHandle:
    """A schedule that takes no action by time."""
    policy = options.pop("policy", SchedulePolicy())
    schedule = Schedule(wanted, options.pop("spec", HOURLY), policy, ScheduleState(note="not yet", paused=True))
    return await here.client.create_schedule(uuid.uuid4().hex, schedule, rpc_timeout=SOON, **options)


async def shown(
    handle: ScheduleHandle, condition: Callable[[ScheduleDescription], bool], what: str = "the schedule gets there"
) -> ScheduleDescription:
    """What a schedule shows, once that is as wanted."""

    async def ask() -> ScheduleDescription | None:
        found = await handle.describe(rpc_timeout=SOON)
        return found if condition(found) else None

    found: ScheduleDescription = await until_asked(ask, what)
    return found


def ids(found: ScheduleDescription) -> list[str]:
    """The workflows of the last actions, the oldest first."""
    taken = [each.action for each in found.info.recent_actions]
    return [each.workflow_id for each in taken if isinstance(each, ScheduleActionExecutionStartWorkflow)]


async def a_schedule_that_is_triggered(here: Place) -> None:
    """Created, described, triggered, changed, listed, deleted."""
    wanted = action(
        "short",
        memo={"of": "the action"},
        typed_search_attributes=BLUE,
        static_summary="a report",
        static_details="for **all**",
        priority=Priority(priority_key=2),
        retry_policy=RetryPolicy(maximum_attempts=2),
        run_timeout=HOUR,
        execution_timeout=2 * HOUR,
        task_timeout=timedelta(seconds=5),
    )
    handle = await paused(here, wanted, memo={"owner": "ada"}, search_attributes=BLUE, trigger_immediately=True)
    found = await shown(handle, lambda found: found.info.num_actions == 1 and not found.info.running_actions)
    assert (found.id, found.schedule.state.note, found.schedule.state.paused) == (handle.id, "not yet", True)
    assert (await found.memo(), await found.memo_value("owner")) == ({"owner": "ada"}, "ada")
    assert (found.typed_search_attributes, found.info.last_updated_at) == (BLUE, None)
    assert found.info.created_at <= found.info.recent_actions[0].started_at
    assert all(time.minute == 0 for time in found.info.next_action_times)
    assert isinstance(found.schedule.action, ScheduleActionStartWorkflow)
    assert await here.client.data_converter.decode(found.schedule.action.args) == ["short"]
    (report,) = ids(found)
    first = here.client.get_workflow_handle(report)
    assert await first.result() == [1, False, None, "blue", {"of": "the action"}, 2]
    described = await first.describe()
    assert (await described.static_summary(), await described.static_details()) == ("a report", "for **all**")
    assert described.search_attributes["TemporalScheduledById"] == [handle.id]
    await changed(handle)
    await handle.trigger()
    found = await shown(handle, lambda found: found.info.num_actions == 2 and not found.info.running_actions)
    assert (await here.client.get_workflow_handle(ids(found)[-1]).result())[:2] == [2, True]
    await listed_and_deleted(here, handle)


async def changed(handle: ScheduleHandle) -> None:
    async def change(given: ScheduleUpdateInput) -> ScheduleUpdate:
        schedule = given.description.schedule
        schedule.spec = ScheduleSpec(
            calendars=[ScheduleCalendarSpec(hour=[ScheduleRange(9, 17, 4)], day_of_week=[ScheduleRange(1, 5)])],
            intervals=[ScheduleIntervalSpec(every=timedelta(days=1), offset=HOUR)],
            skip=[ScheduleCalendarSpec(year=[ScheduleRange(2027)], month=[ScheduleRange(1)], comment="closed")],
            start_at=BEGIN,
            end_at=BEGIN + timedelta(days=36_500),
            jitter=timedelta(seconds=1),
            time_zone_name="Europe/Berlin",
        )
        schedule.policy = SchedulePolicy(
            overlap=ScheduleOverlapPolicy.BUFFER_ONE, catchup_window=HOUR, pause_on_failure=True
        )
        schedule.state.limited_actions, schedule.state.remaining_actions = True, 3
        return ScheduleUpdate(schedule, search_attributes=RED)

    await handle.update(change)
    found = await handle.describe()
    assert found.schedule.policy.catchup_window == HOUR
    assert list(found.schedule.spec.calendars[0].hour) == [ScheduleRange(9, 17, 4)]
    assert (found.schedule.spec.time_zone_name, found.schedule.spec.jitter) == ("Europe/Berlin", timedelta(seconds=1))
    assert (found.schedule.state.remaining_actions, found.typed_search_attributes) == (3, RED)
    assert found.info.last_updated_at is not None
    await handle.unpause(note="go on")
    assert not (await handle.describe()).schedule.state.paused
    await handle.pause(note="stop")
    found = await handle.describe()
    assert (found.schedule.state.paused, found.schedule.state.note) == (True, "stop")


async def listed_and_deleted(here: Place, handle: ScheduleHandle) -> None:
    async def listed() -> Any:
        rows = [row async for row in await here.client.list_schedules()]
        return next(
            (row for row in rows if row.id == handle.id and row.info and len(row.info.recent_actions) == 2), None
        )

    row = await until_asked(listed, "it is listed with its actions")
    assert isinstance(row.schedule.action, ScheduleListActionStartWorkflow)
    assert (row.schedule.action.workflow, row.schedule.state.note, row.schedule.state.paused) == (
        "Report",
        "stop",
        True,
    )
    assert (row.typed_search_attributes, await row.memo()) == (RED, {"owner": "ada"})
    same = here.client.get_schedule_handle(handle.id)
    with pytest.raises(ScheduleAlreadyRunningError):
        await here.client.create_schedule(handle.id, Schedule(action("short"), HOURLY))
    await same.delete()
    for say in (handle.describe(), handle.pause(), handle.trigger(), handle.delete()):
        with pytest.raises(RPCError) as caught:
            await say
        assert caught.value.status is RPCStatusCode.NOT_FOUND
    gone = [row.id async for row in await here.client.list_schedules()]
    assert handle.id not in gone or here.environment.supports_time_skipping is False  # lists may lag


async def overlap_policies(here: Place) -> None:
    """Four actions of a time that is past, each of which lasts until it is ended; then one more, by a trigger."""
    policies = ScheduleOverlapPolicy
    cases: list[tuple[ScheduleOverlapPolicy, int, int, list[str]]] = [
        # policy, actions begun at once, skipped, and what came of them after the trigger
        (policies.SKIP, 1, 3, ["RUNNING"]),
        (policies.BUFFER_ONE, 1, 2, ["COMPLETED", "RUNNING"]),
        (policies.BUFFER_ALL, 1, 0, ["COMPLETED"] * 4 + ["RUNNING"]),
        (policies.CANCEL_OTHER, 1, 3, ["CANCELED", "RUNNING"]),
        (policies.TERMINATE_OTHER, 1, 3, ["TERMINATED", "RUNNING"]),
        (policies.ALLOW_ALL, 4, 0, ["RUNNING"] * 5),
    ]

    async def one(policy: ScheduleOverlapPolicy, begun: int, skipped: int, after: list[str]) -> None:
        handle = await paused(
            here,
            action("long"),
            policy=SchedulePolicy(overlap=policy),
            backfill=[ScheduleBackfill(BEGIN, BEGIN + 3 * HOUR)],
        )

        def there(found: ScheduleDescription) -> bool:
            return (found.info.num_actions, found.info.num_actions_skipped_overlap) == (begun, skipped)

        await shown(handle, there, f"{policy.name} has begun its actions")
        await handle.trigger()
        for number, expected in enumerate(after, start=1):
            found = await shown(handle, lambda found: found.info.num_actions >= number, f"{policy.name}: {number}")  # noqa: B023
            if expected == "COMPLETED":
                await here.client.get_workflow_handle(ids(found)[number - 1]).signal(Report.end)
        found = await shown(handle, lambda found: len(found.info.running_actions) == after.count("RUNNING"))
        assert [await status(here, report) for report in ids(found)] == after
        await handle.delete()
        for report in ids(found):
            if await status(here, report) == "RUNNING":
                await here.client.get_workflow_handle(report).signal(Report.end)

    await asyncio.gather(*(one(*case) for case in cases))


async def status(here: Place, workflow_id: str) -> str:
    found = (await here.client.get_workflow_handle(workflow_id).describe()).status
    assert found is not None
    return found.name


async def a_trigger_with_a_policy_of_its_own(here: Place) -> None:
    handle = await paused(here, action("long"))
    await handle.trigger()
    await shown(handle, lambda found: len(found.info.running_actions) == 1)
    await handle.trigger()
    await shown(handle, lambda found: found.info.num_actions_skipped_overlap == 1)
    await handle.trigger(overlap=ScheduleOverlapPolicy.TERMINATE_OTHER)
    found = await shown(handle, lambda found: found.info.num_actions == 2 and len(found.info.running_actions) == 1)
    assert [await status(here, report) for report in ids(found)] == ["TERMINATED", "RUNNING"]
    # What a schedule started outlives it.
    await handle.delete()
    left = here.client.get_workflow_handle(ids(found)[-1])
    await left.signal("end")
    assert (await left.result())[0] == 1
    assert (await left.describe()).status is WorkflowExecutionStatus.COMPLETED


async def a_failure_pauses_and_is_told_to_the_next(here: Place) -> None:
    handle = await paused(here, action("flaky"), policy=SchedulePolicy(pause_on_failure=True))
    await handle.unpause()
    await handle.trigger()
    found = await shown(handle, lambda found: found.schedule.state.paused, "it pauses")
    assert "report-" in (found.schedule.state.note or "")
    await handle.backfill(
        ScheduleBackfill(BEGIN, BEGIN, ScheduleOverlapPolicy.ALLOW_ALL), ScheduleBackfill(BEGIN, BEGIN)
    )
    found = await shown(handle, lambda found: found.info.num_actions == 3 and not found.info.running_actions)
    results = [await status(here, report) for report in ids(found)]
    assert results[0] == "FAILED"
    await handle.delete()


async def schedules_that_cannot_be(here: Place) -> None:
    for spec in (
        ScheduleSpec(cron_expressions=["now and then"]),
        ScheduleSpec(intervals=[ScheduleIntervalSpec(every=timedelta(0))]),
        ScheduleSpec(calendars=[ScheduleCalendarSpec(hour=[ScheduleRange(25)])]),
        ScheduleSpec(cron_expressions=["@daily"], time_zone_name="Europe/Atlantis"),
    ):
        with pytest.raises((InvalidArgumentError, ValueError, RPCError)):
            await here.client.create_schedule(uuid.uuid4().hex, Schedule(action("short"), spec))
    handle = await paused(here, action("short"))
    with pytest.raises(ValueError, match="backfill"):
        await handle.backfill()

    def fails(given: ScheduleUpdateInput) -> ScheduleUpdate:
        raise LookupError("no such thing")

    with pytest.raises(LookupError):
        await handle.update(fails)
    await handle.update(lambda given: None)
    assert (await handle.describe()).info.last_updated_at is None
    await handle.delete()


async def specs_of_each_kind(here: Place) -> None:
    """When actions are due, by each way to say it; and what of it is listed, page by page."""
    later = datetime(datetime.now(UTC).year + 1, 1, 1, tzinfo=UTC)  # a new year, so that what is due is known
    day = timedelta(days=1)

    def calendar(**fields: Any) -> ScheduleSpec:
        return ScheduleSpec(calendars=[ScheduleCalendarSpec(**fields)], start_at=later)

    minutes = timedelta(minutes=20)
    cases: list[tuple[ScheduleSpec, list[timedelta]]] = [
        (calendar(comment="midnight"), [n * day for n in range(3)]),
        (
            calendar(second=[ScheduleRange(0, 40, 20)], minute=[ScheduleRange(5)], hour=[ScheduleRange(1)]),
            [timedelta(hours=1, minutes=5, seconds=n * 20) for n in range(3)],
        ),
        (calendar(day_of_month=[ScheduleRange(2, 6, 2)]), [n * day for n in (1, 3, 5)]),
        (ScheduleSpec(cron_expressions=["*/20 * * * *"], start_at=later), [n * minutes for n in range(3)]),
        (
            ScheduleSpec(intervals=[ScheduleIntervalSpec(every=day, offset=HOUR)], start_at=later),
            [n * day + HOUR for n in range(3)],
        ),
        (
            ScheduleSpec(intervals=[ScheduleIntervalSpec(every=HOUR)], start_at=later, end_at=later + HOUR),
            [0 * HOUR, HOUR],
        ),
        (
            ScheduleSpec(
                calendars=[ScheduleCalendarSpec(hour=[ScheduleRange(0, 6, 2)])],
                skip=[ScheduleCalendarSpec(hour=[ScheduleRange(2)])],
                start_at=later,
            ),
            [0 * HOUR, 4 * HOUR, 6 * HOUR],
        ),
        (
            ScheduleSpec(
                calendars=[ScheduleCalendarSpec(hour=[ScheduleRange(9)])], start_at=later, time_zone_name="Asia/Tokyo"
            ),
            [n * day for n in range(3)],  # 9 o'clock there is midnight here
        ),
    ]
    wanted = action("short")
    handles = [await paused(here, wanted, spec=spec, memo={"owner": "ada"}) for spec, _ in cases]
    for handle, (spec, due) in zip(handles, cases, strict=True):
        found = await handle.describe()
        assert found.info.next_action_times[:3] == [later + after for after in due], spec
        assert found.schedule.spec.start_at == later
        assert await found.memo_value("nothing", "default") == "default"

    async def listed() -> Any:
        rows = {row.id: row async for row in await here.client.list_schedules(page_size=2)}
        return rows if all(handle.id in rows for handle in handles) else None

    rows = await until_asked(listed, "all are listed")
    assert await rows[handles[0].id].memo_value("owner", type_hint=str) == "ada"
    pages = await here.client.list_schedules(page_size=2)
    await pages.fetch_next_page()
    first = [row.id for row in pages.current_page or ()]
    rest = await here.client.list_schedules(page_size=100, next_page_token=pages.next_page_token)
    assert len(first) == 2
    assert not set(first) & {row.id async for row in rest}
    for handle in handles:
        await handle.delete()


SHARED: list[Scenario] = [
    a_schedule_that_is_triggered,
    overlap_policies,
    a_trigger_with_a_policy_of_its_own,
    a_failure_pauses_and_is_told_to_the_next,
    schedules_that_cannot_be,
    specs_of_each_kind,
]
"""As in `scenarios`."""

WORKFLOWS: Sequence[type] = [Report]
