"""Schedules over weeks in skipped time: overlaps, pauses, downtime, limits, backfills, updates, failures."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from foldlog import workflow
from foldlog.client import (
    Schedule,
    ScheduleActionExecutionStartWorkflow,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleBackfill,
    ScheduleCalendarSpec,
    ScheduleDescription,
    ScheduleHandle,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleRange,
    ScheduleSpec,
    ScheduleState,
    ScheduleUpdate,
    ScheduleUpdateInput,
    WorkflowExecutionStatus,
)
from foldlog.common import RetryPolicy, SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from foldlog.exceptions import (
    ApplicationError,
    FailedPreconditionError,
    InvalidArgumentError,
    RPCError,
    RPCStatusCode,
)
from foldlog.testing import WorkflowEnvironment
from foldlog.worker import Worker

from tests.conformance.schedules import shown
from tests.until import until_asked

QUEUE = "q"
HOUR = timedelta(hours=1)
COLOR = SearchAttributeKey.for_keyword("color")
COUNT = SearchAttributeKey.for_int("count")


@workflow.defn
class Report:
    """Says which one it is, by what the one before it returned."""

    @workflow.run
    async def run(self, hours: float = 0) -> int:
        number = (workflow.get_last_completion_result(int) or 0) + 1
        await workflow.sleep(timedelta(hours=hours))
        return number


@workflow.defn
class Fails:
    @workflow.run
    async def run(self, hours: float = 0) -> str:
        await workflow.sleep(timedelta(hours=hours))
        failure = workflow.get_last_failure()
        if failure is not None:
            return f"after {failure}"
        raise ApplicationError("out of paper")


@dataclass
class Place:
    """An environment, and times that are far from those of its schedules."""

    environment: WorkflowEnvironment
    folder: Path
    hourly: ScheduleSpec

    def action(self, run: Any = Report.run, *args: Any, **options: Any) -> ScheduleActionStartWorkflow:
        return ScheduleActionStartWorkflow(run, args=args, id="report", task_queue=QUEUE, **options)

    async def create(self, schedule: Schedule, id: str = "s", **options: Any) -> ScheduleHandle:
        return await self.environment.client.create_schedule(id, schedule, **options)

    @asynccontextmanager
    async def worker(self, **options: Any) -> AsyncIterator[Worker]:
        async with Worker(
            self.environment.client, task_queue=QUEUE, workflows=[Report, Fails], state_dir=self.folder, **options
        ) as worker:
            yield worker

    async def sleep(self, hours: float) -> None:
        await self.environment.sleep(timedelta(hours=hours))

    async def statuses(self, description: ScheduleDescription) -> list[str]:
        found = []
        for taken in description.info.recent_actions:
            assert isinstance(taken.action, ScheduleActionExecutionStartWorkflow)
            handle = self.environment.client.get_workflow_handle(taken.action.workflow_id)
            status = (await handle.describe()).status
            assert status is not None
            found.append(status.name)
        return found


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Place]:
    async with await WorkflowEnvironment.start_time_skipping() as environment:
        now = await environment.get_current_time()
        half_past = timedelta(seconds=int(now.timestamp() + 1800) % 3600)
        yield Place(environment, tmp_path, ScheduleSpec(intervals=[ScheduleIntervalSpec(HOUR, half_past or None)]))


def taken(count: int) -> Callable[[ScheduleDescription], bool]:
    return lambda found: found.info.num_actions == count and not found.info.running_actions


@pytest.mark.parametrize("kept", [0, 10_000])
async def test_three_weeks_of_working_days(here: Place, kept: int) -> None:
    """Also where the schedule is rebuilt from its history for each action."""
    berlin = ZoneInfo("Europe/Berlin")
    hour = ((await here.environment.get_current_time()).astimezone(berlin).hour + 12) % 24
    spec = ScheduleSpec(
        calendars=[ScheduleCalendarSpec(hour=[ScheduleRange(hour)], day_of_week=[ScheduleRange(1, 5)])],
        time_zone_name="Europe/Berlin",
    )
    async with here.worker(max_cached_workflows=kept):
        handle = await here.create(Schedule(here.action(), spec))
        await here.sleep(21 * 24)
        found = await shown(handle, taken(15))
        assert len(found.info.recent_actions) == len(found.info.next_action_times) == 10
        days = [taken.scheduled_at.astimezone(berlin) for taken in found.info.recent_actions]
        assert {day.hour for day in days} == {hour}
        assert all(day.weekday() < 5 for day in days)
        assert all(taken.started_at - taken.scheduled_at < timedelta(minutes=1) for taken in found.info.recent_actions)
        last = found.info.recent_actions[-1]
        assert isinstance(last.action, ScheduleActionExecutionStartWorkflow)
        assert last.action.workflow_id == f"report-{last.scheduled_at.strftime('%Y-%m-%dT%H:%M:%SZ')}"
        assert await here.environment.client.get_workflow_handle(last.action.workflow_id).result() == 15


@pytest.mark.parametrize(
    ("policy", "expected", "skipped", "running"),
    [
        (ScheduleOverlapPolicy.SKIP, ["COMPLETED", "RUNNING"], 4, 1),
        (ScheduleOverlapPolicy.BUFFER_ONE, ["COMPLETED", "COMPLETED", "RUNNING"], 3, 1),
        (ScheduleOverlapPolicy.BUFFER_ALL, ["COMPLETED", "COMPLETED", "RUNNING"], 0, 1),
        (ScheduleOverlapPolicy.CANCEL_OTHER, ["CANCELED"] * 5 + ["RUNNING"], 0, 1),
        (ScheduleOverlapPolicy.TERMINATE_OTHER, ["TERMINATED"] * 5 + ["RUNNING"], 0, 1),
        (ScheduleOverlapPolicy.ALLOW_ALL, ["COMPLETED"] * 3 + ["RUNNING"] * 3, 0, 3),
    ],
)
@pytest.mark.parametrize("suggested", [10_000, 12])
async def test_an_overlap_policy(
    here: Place, policy: ScheduleOverlapPolicy, expected: list[str], skipped: int, running: int, suggested: int
) -> None:
    """Actions of 2.6 hours, each hour. With the second number of events, the schedule continues as new in between."""
    async with here.worker(continue_as_new_suggested_events=suggested):
        handle = await here.create(Schedule(here.action(Report.run, 2.6), here.hourly, SchedulePolicy(policy)))
        await here.sleep(6)
        found = await shown(
            handle,
            lambda found: (
                len(found.info.running_actions) == running
                and found.info.num_actions == len(expected)
                and found.info.num_actions_skipped_overlap == skipped
            ),
        )
        assert await here.statuses(found) == expected
        runs = [run async for run in here.environment.client.list_workflows(workflow_type="foldlog.schedule")]
        assert (len(runs) > 1) == (suggested < 100)


async def test_pause_trigger_and_unpause(here: Place) -> None:
    async with here.worker():
        handle = await here.create(Schedule(here.action(), here.hourly, state=ScheduleState("new", paused=True)))
        await here.sleep(3)
        found = await handle.describe()
        assert (found.info.num_actions, found.schedule.state.note) == (0, "new")
        await handle.trigger()
        await handle.trigger()
        found = await shown(handle, taken(2))
        await handle.unpause(note="go on")
        await here.sleep(2)
        found = await shown(handle, taken(4))
        assert found.schedule.state == ScheduleState("go on")
        await handle.pause()
        await here.sleep(2)
        found = await handle.describe()
        assert (found.info.num_actions, found.schedule.state.note) == (4, "Paused via Python SDK")
        assert found.schedule.state.paused
        # What came while it was paused is over.
        await handle.unpause()
        await here.sleep(1)
        found = await shown(handle, taken(5))
        assert found.schedule.state.note == "Unpaused via Python SDK"
        assert found.info.num_actions_missed_catchup_window == 0


async def test_a_trigger_that_overlaps(here: Place) -> None:
    async with here.worker():
        handle = await here.create(Schedule(here.action(Report.run, 1000), here.hourly), trigger_immediately=True)
        await shown(handle, lambda found: len(found.info.running_actions) == 1)
        await handle.trigger()
        await shown(handle, lambda found: found.info.num_actions_skipped_overlap == 1)
        await handle.trigger(overlap=ScheduleOverlapPolicy.ALLOW_ALL)
        await shown(handle, lambda found: len(found.info.running_actions) == 2)
        await handle.trigger(overlap=ScheduleOverlapPolicy.TERMINATE_OTHER)
        found = await shown(handle, lambda found: found.info.num_actions == 3 and len(found.info.running_actions) == 1)
        assert await here.statuses(found) == ["TERMINATED", "TERMINATED", "RUNNING"]


async def test_what_was_due_while_no_worker_was_there(here: Place) -> None:
    policy = SchedulePolicy(ScheduleOverlapPolicy.ALLOW_ALL, catchup_window=2 * HOUR)
    async with here.worker():
        handle = await here.create(Schedule(here.action(), here.hourly, policy))
        assert (await handle.describe()).schedule.policy == policy
    await here.sleep(5)
    async with here.worker():
        found = await shown(handle, taken(2))
        assert found.info.num_actions_missed_catchup_window == 3
        await here.sleep(1)
        await shown(handle, taken(3))


async def test_once_after_downtime_where_actions_must_not_overlap(here: Place) -> None:
    async with here.worker():
        handle = await here.create(Schedule(here.action(Report.run, 100), here.hourly))
    await here.sleep(5)
    async with here.worker():
        found = await shown(handle, lambda found: found.info.num_actions == 1)
        assert found.info.num_actions_skipped_overlap == 4


async def test_so_many_actions_and_no_more(here: Place) -> None:
    state = ScheduleState(limited_actions=True, remaining_actions=2)
    async with here.worker():
        handle = await here.create(Schedule(here.action(), here.hourly, state=state))
        await here.sleep(5)
        found = await shown(handle, taken(2))
        assert found.schedule.state.remaining_actions == 0
        itself = here.environment.client.get_workflow_handle("foldlog.schedule:s")
        length = (await itself.describe()).history_length
        await here.sleep(500)
        assert (await itself.describe()).history_length < length + 5  # it does not wake up any more
        await handle.trigger()  # somebody wants it all the same
        await shown(handle, taken(3))

        async def one_more(given: ScheduleUpdateInput) -> ScheduleUpdate:
            given.description.schedule.state.remaining_actions = 1
            return ScheduleUpdate(given.description.schedule)

        await handle.update(one_more)
        await shown(handle, taken(3))  # of the times that are over none is caught up with
        await here.sleep(3)
        found = await shown(handle, taken(4))
        assert found.info.num_actions_missed_catchup_window == 0
    for wrong in (ScheduleState(limited_actions=True), ScheduleState(remaining_actions=1)):
        with pytest.raises(ValueError, match="Must set limited actions"):
            await here.create(Schedule(here.action(), here.hourly, state=wrong), "t")


async def test_from_a_time_to_a_time(here: Place) -> None:
    now = await here.environment.get_current_time()
    here.hourly.start_at, here.hourly.end_at = now + 2 * HOUR, now + 5 * HOUR
    async with here.worker():
        handle = await here.create(Schedule(here.action(), here.hourly))
        assert len((await handle.describe()).info.next_action_times) == 3
        await here.sleep(9)
        found = await shown(handle, taken(3))
        assert found.info.next_action_times == []


async def test_backfills(here: Place) -> None:
    spec = ScheduleSpec(cron_expressions=["@hourly"])
    begin = datetime(2020, 1, 1, tzinfo=UTC)
    async with here.worker():
        handle = await here.create(
            Schedule(here.action(), spec, state=ScheduleState(paused=True)),
            backfill=[ScheduleBackfill(begin, begin + 2 * HOUR, ScheduleOverlapPolicy.ALLOW_ALL)],
        )
        found = await shown(handle, taken(3))
        assert [taken.scheduled_at for taken in found.info.recent_actions] == [
            begin,
            begin + HOUR,
            begin + 2 * HOUR,
        ]
        await handle.backfill(
            ScheduleBackfill(begin + timedelta(days=1, minutes=1), begin + timedelta(days=1, hours=2)),
            ScheduleBackfill(datetime(2020, 1, 5), datetime(2020, 1, 5, 0, 59), ScheduleOverlapPolicy.BUFFER_ALL),
        )
        # The first period has the policy of the schedule: its second action is skipped, as the first is running.
        found = await shown(handle, taken(5))
        assert found.info.num_actions_skipped_overlap == 1
        with pytest.raises(ValueError, match="backfill"):
            await handle.backfill()


async def test_a_backfill_of_more_than_can_wait(here: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("foldlog.schedules.workflow.MOST_BUFFERED", 10)
    begin = datetime(2020, 1, 1, tzinfo=UTC)
    async with here.worker(continue_as_new_suggested_events=50):
        handle = await here.create(
            Schedule(
                here.action(),
                ScheduleSpec(intervals=[ScheduleIntervalSpec(timedelta(minutes=1))]),
                SchedulePolicy(ScheduleOverlapPolicy.BUFFER_ALL),
                ScheduleState(paused=True),
            )
        )
        await handle.backfill(ScheduleBackfill(begin, begin + timedelta(minutes=44)))
        found = await shown(handle, taken(45))
        assert found.info.num_actions_skipped_overlap == 0


async def test_an_update(here: Place) -> None:
    blue = TypedSearchAttributes([SearchAttributePair(COLOR, "blue"), SearchAttributePair(COUNT, 3)])
    async with here.worker():
        handle = await here.create(
            Schedule(here.action(Report.run, 5.0, memo={"m": [1]}, static_summary="of the hour"), here.hourly),
            memo={"owner": {"name": "ada"}},
            search_attributes=blue,
        )
        found = await handle.describe()
        assert found.info.last_updated_at is None
        assert found.typed_search_attributes == blue
        assert await found.memo() == {"owner": {"name": "ada"}}
        assert await found.memo_value("owner") == {"name": "ada"}
        assert await found.memo_value("none", 1) == 1
        with pytest.raises(KeyError):
            await found.memo_value("none")

        red = TypedSearchAttributes([SearchAttributePair(COLOR, "red")])

        async def change(given: ScheduleUpdateInput) -> ScheduleUpdate:
            action = given.description.schedule.action
            assert isinstance(action, ScheduleActionStartWorkflow)
            assert await here.environment.client.data_converter.decode(action.args) == [5.0]
            action.args = [0]
            given.description.schedule.state.note = "quicker"
            return ScheduleUpdate(given.description.schedule, red)

        await handle.update(change)
        await here.sleep(3)
        found = await shown(handle, taken(3))
        assert found.info.last_updated_at is not None
        assert found.schedule.state.note == "quicker"
        assert found.typed_search_attributes == red
        await handle.update(lambda given: None)
        assert (await handle.describe()).schedule == found.schedule

        assert isinstance(found.info.recent_actions[0].action, ScheduleActionExecutionStartWorkflow)
        run = here.environment.client.get_workflow_handle(found.info.recent_actions[0].action.workflow_id)
        described = await run.describe()
        assert await described.memo() == {"m": [1]}
        assert await described.static_summary() == "of the hour"
        listed = [one async for one in await here.environment.client.list_schedules()]
        assert [(one.id, one.typed_search_attributes) for one in listed] == [("s", red)]


async def test_an_update_that_meets_another_begins_anew(here: Place) -> None:
    async with here.worker():
        handle = await here.create(Schedule(here.action(), here.hourly))
        notes: list[str | None] = []

        async def change(given: ScheduleUpdateInput) -> ScheduleUpdate:
            state = given.description.schedule.state
            notes.append(state.note)
            if len(notes) == 1:
                await handle.pause(note="theirs")
            state.note = "ours"
            return ScheduleUpdate(given.description.schedule)

        await handle.update(change)
        assert notes == [None, "theirs"]
        assert (await handle.describe()).schedule.state == ScheduleState("ours", paused=True)

        async def quarrel(given: ScheduleUpdateInput) -> ScheduleUpdate:
            await handle.pause(note="no")
            return ScheduleUpdate(given.description.schedule)

        with pytest.raises(FailedPreconditionError, match="changed by others"):
            await handle.update(quarrel)
        with pytest.raises(TypeError, match="ScheduleUpdate"):
            await handle.update(lambda given: 5)  # type: ignore[arg-type,return-value]  # as an untyped program may


async def test_new_times_count_from_the_update_on(here: Place) -> None:
    rarely = ScheduleSpec(intervals=[ScheduleIntervalSpec(timedelta(days=10_000))])
    async with here.worker():
        handle = await here.create(
            Schedule(here.action(), rarely, SchedulePolicy(overlap=ScheduleOverlapPolicy.ALLOW_ALL))
        )
        await here.sleep(12)

        def more_often(given: ScheduleUpdateInput) -> ScheduleUpdate:
            given.description.schedule.spec = here.hourly
            return ScheduleUpdate(given.description.schedule)

        await handle.update(more_often)
        updated = await here.environment.get_current_time()
        await here.sleep(2)
        found = await shown(handle, taken(2))
        assert all(action.scheduled_at >= updated for action in found.info.recent_actions)
        assert found.info.num_actions_missed_catchup_window == 0


async def test_what_is_late_by_jitter_is_taken_though_it_was_updated_meanwhile(here: Place) -> None:
    here.hourly.jitter = timedelta(minutes=59)
    async with here.worker():
        handle = await here.create(Schedule(here.action(), here.hourly))
        [first, *_] = (await handle.describe()).info.next_action_times
        now = await here.environment.get_current_time()
        [interval] = here.hourly.intervals
        assert interval.offset is not None
        nominal = first - (first - datetime.fromtimestamp(0, UTC) - interval.offset) % HOUR
        await here.environment.sleep((first - nominal) / 2 + (nominal - now))  # between the time and its jitter

        def change(given: ScheduleUpdateInput) -> ScheduleUpdate:
            given.description.schedule.state.note = "changed"
            return ScheduleUpdate(given.description.schedule)

        await handle.update(change)
        await here.environment.sleep(first - await here.environment.get_current_time())
        found = await shown(handle, taken(1))
        assert [action.scheduled_at for action in found.info.recent_actions] == [first]


async def test_a_failure_pauses_it_and_is_told_to_the_next(here: Place) -> None:
    async with here.worker():
        handle = await here.create(
            Schedule(
                here.action(Fails.run, retry_policy=RetryPolicy(maximum_attempts=1)),
                here.hourly,
                SchedulePolicy(pause_on_failure=True),
            )
        )
        await here.sleep(3)
        found = await shown(handle, lambda found: found.schedule.state.paused)
        assert found.info.num_actions == 1
        assert found.schedule.state.note is not None
        assert "out of paper" in found.schedule.state.note
        await handle.trigger()
        found = await shown(handle, taken(2))
        last = found.info.recent_actions[-1].action
        assert isinstance(last, ScheduleActionExecutionStartWorkflow)
        assert "out of paper" in await here.environment.client.get_workflow_handle(last.workflow_id).result()


async def test_what_waits_is_over_once_it_pauses(here: Place) -> None:
    """It was due while another one ran, which fails. What somebody asks for is taken all the same."""
    policy = SchedulePolicy(ScheduleOverlapPolicy.BUFFER_ALL, pause_on_failure=True)
    async with here.worker():
        handle = await here.create(Schedule(here.action(Fails.run, 2.6), here.hourly, policy))
        await here.sleep(3)
        assert len((await handle.describe()).raw_description.buffer) == 2
        await here.sleep(2)
        found = await shown(handle, lambda found: found.schedule.state.paused and not found.info.running_actions)
        assert (found.info.num_actions, found.raw_description.buffer) == (1, [])
        await handle.trigger()
        await handle.trigger()
        await here.sleep(6)
        found = await shown(handle, taken(3))
        assert await here.statuses(found) == ["FAILED", "COMPLETED", "FAILED"]


async def test_what_waits_outlasts_a_pause_during_which_nothing_ends(here: Place) -> None:
    async with here.worker():
        policy = SchedulePolicy(ScheduleOverlapPolicy.BUFFER_ALL)
        handle = await here.create(Schedule(here.action(Report.run, 2.6), here.hourly, policy))
        await here.sleep(3)
        await handle.pause()
        assert len((await handle.describe()).raw_description.buffer) == 2
        await handle.unpause()
        await here.sleep(1)
        found = await shown(handle, lambda found: found.info.num_actions == 2)
        assert len(found.raw_description.buffer) == 2, "one was taken, and one more has come"


async def test_what_waits_is_over_once_no_more_may_be_taken(here: Place) -> None:
    state = ScheduleState(limited_actions=True, remaining_actions=2)
    policy = SchedulePolicy(ScheduleOverlapPolicy.BUFFER_ALL)
    async with here.worker():
        handle = await here.create(Schedule(here.action(Report.run, 4.6), here.hourly, policy, state))
        await here.sleep(12)
        found = await shown(handle, taken(2))
        assert found.raw_description.buffer == []

        def one_more(given: ScheduleUpdateInput) -> ScheduleUpdate:
            given.description.schedule.state.remaining_actions = 1
            return ScheduleUpdate(given.description.schedule)

        now = await here.environment.get_current_time()
        await handle.update(one_more)
        await here.sleep(6)
        found = await shown(handle, taken(3))
        assert found.info.recent_actions[-1].scheduled_at > now


async def test_lists_names_and_ends(here: Place) -> None:
    client = here.environment.client
    async with here.worker():
        handle = await here.create(Schedule(here.action(Report.run, 1000), here.hourly), "b", trigger_immediately=True)
        await here.create(Schedule(here.action(), here.hourly, state=ScheduleState("off", paused=True)), "a")
        found = await shown(handle, lambda found: len(found.info.running_actions) == 1)
        with pytest.raises(ScheduleAlreadyRunningError):
            await here.create(Schedule(here.action(), here.hourly), "b")

        async def listed() -> list[Any]:
            rows = [one async for one in await client.list_schedules()]
            return rows if len(rows) == 2 and rows[1].info and rows[1].info.recent_actions else []

        first, second = await until_asked(listed, "both are listed")
        assert (first.id, first.schedule.state.note, first.schedule.state.paused) == ("a", "off", True)
        assert second.schedule.action.workflow == "Report"
        assert second.schedule.spec == here.hourly == found.schedule.spec
        assert second.info.recent_actions == found.info.recent_actions
        assert len(second.info.next_action_times) == 5

        # Only workflows of the application are listed as workflows; the schedule is among what their rows tell.
        [run] = [run async for run in client.list_workflows()]
        assert run.typed_search_attributes[SearchAttributeKey.for_keyword("TemporalScheduledById")] == "b"
        assert run.parent_id == f"foldlog.schedule:b/{run.id}"

        await handle.delete()
        for call in (handle.describe(), handle.pause(), handle.trigger(), handle.delete()):
            await expect_not_found(call)
        await expect_not_found(client.get_schedule_handle("never").describe())
        assert (await client.get_workflow_handle(run.id).describe()).status is WorkflowExecutionStatus.RUNNING
        with pytest.raises(ValueError, match="query"):
            await client.list_schedules("color = 'red'")

        # Its ID is free, and what still runs is not in the way.
        here_too = ScheduleActionStartWorkflow(Report.run, id="other", task_queue=QUEUE)
        again = await here.create(Schedule(here_too, here.hourly), "b", trigger_immediately=True)
        await shown(again, taken(1))


async def expect_not_found(call: Awaitable[Any]) -> None:
    with pytest.raises(RPCError) as error:
        await call
    assert error.value.status is RPCStatusCode.NOT_FOUND


async def test_an_action_that_somebody_else_ends(here: Place) -> None:
    client = here.environment.client
    async with here.worker():
        handle = await here.create(Schedule(here.action(Report.run, 1000), here.hourly), trigger_immediately=True)
        found = await shown(handle, lambda found: len(found.info.running_actions) == 1)
        [running] = found.info.running_actions
        assert isinstance(running, ScheduleActionExecutionStartWorkflow)
        await client.get_workflow_handle(f"foldlog.schedule:s/{running.workflow_id}").terminate()
        await shown(handle, taken(1))
        assert await here.statuses(found) == ["TERMINATED"]


async def test_an_id_that_is_in_use(here: Place) -> None:
    begin = datetime(2020, 1, 1, tzinfo=UTC)
    client = here.environment.client
    async with here.worker():
        await client.start_workflow(Report.run, 1000, id="report-2020-01-01T00:00:00Z", task_queue=QUEUE)
        handle = await here.create(
            Schedule(here.action(), ScheduleSpec(cron_expressions=["@hourly"]), state=ScheduleState(paused=True)),
            backfill=[ScheduleBackfill(begin, begin + HOUR, ScheduleOverlapPolicy.BUFFER_ALL)],
        )
        found = await shown(handle, taken(1))
        assert [taken.scheduled_at for taken in found.info.recent_actions] == [begin + HOUR]


async def test_what_cannot_be_a_schedule(here: Place) -> None:
    async with here.worker():
        with pytest.raises(InvalidArgumentError, match="Mars"):
            await here.create(Schedule(here.action(), ScheduleSpec(time_zone_name="Mars/Olympus")))
        with pytest.raises(ValueError, match="an ID"):
            await here.create(Schedule(here.action(), here.hourly), "")
        wrong: Any = 99
        with pytest.raises(ValueError, match="99"):
            await here.create(Schedule(here.action(), here.hourly, SchedulePolicy(overlap=wrong)))
        handle = await here.create(Schedule(here.action(), here.hourly))
        with pytest.raises(ValueError, match="99"):
            await handle.trigger(overlap=wrong)
        with pytest.raises(ValueError, match="99"):
            await handle.backfill(
                ScheduleBackfill(datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 1, 2, tzinfo=UTC), wrong)
            )
    with pytest.raises(ValueError, match="ID required"):
        ScheduleActionStartWorkflow(Report.run, id="", task_queue=QUEUE)
    with pytest.raises(ValueError, match="Task queue required"):
        ScheduleActionStartWorkflow(Report.run, id="x", task_queue="")
