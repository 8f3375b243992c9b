"""Kinds of wait of a schedule."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from foldlog.client import (
    Schedule,
    ScheduleActionExecutionStartWorkflow,
    ScheduleActionStartWorkflow,
    ScheduleBackfill,
    ScheduleDescription,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    ScheduleSpec,
    ScheduleState,
)

from tests.conformance.party import Party, Wait, nothing
from tests.conformance.scenarios import SOON
from tests.conformance.waiting_parts import QUEUE
from tests.until import until_asked

LONG = timedelta(days=1000)


def schedule_of(id: str, **options: Any) -> Schedule:
    action = ScheduleActionStartWorkflow("Kid", id=id, task_queue=QUEUE, **options)
    return Schedule(action, ScheduleSpec(intervals=[ScheduleIntervalSpec(LONG)]))


async def described(party: Party, id: str, condition: Callable[[ScheduleDescription], bool]) -> ScheduleDescription:
    async def ask() -> ScheduleDescription | None:
        found = await party.client.get_schedule_handle(id).describe(rpc_timeout=SOON)
        return found if condition(found) else None

    found: ScheduleDescription = await until_asked(ask, f"the schedule {id} gets there")
    return found


async def begin_schedule(party: Party, id: str) -> None:
    await party.client.create_schedule(id, schedule_of(id), trigger_immediately=True, rpc_timeout=SOON)


async def action_runs(party: Party, id: str) -> None:
    found = await described(party, id, lambda found: len(found.info.running_actions) == 1)
    await party.has(action_of(found), "WorkflowExecutionStarted")


def action_of(found: ScheduleDescription) -> str:
    action = found.info.recent_actions[-1].action
    assert isinstance(action, ScheduleActionExecutionStartWorkflow)
    return action.workflow_id


async def end_action(party: Party, id: str) -> Any:
    found = await described(party, id, lambda found: found.info.num_actions == 1)
    await party.tell(action_of(found), "told")
    await described(party, id, lambda found: not found.info.running_actions)
    await party.client.get_schedule_handle(id).delete(rpc_timeout=SOON)
    return await party.handle(action_of(found)).result()


async def begin_interval(party: Party, id: str) -> None:
    """Due again and again, also while nobody is there."""
    schedule = schedule_of(id, args=["at once"])
    schedule.spec = ScheduleSpec(intervals=[ScheduleIntervalSpec(timedelta(seconds=1))])
    schedule.state = ScheduleState(limited_actions=True, remaining_actions=2)
    await party.client.create_schedule(id, schedule, rpc_timeout=SOON)


async def end_interval(party: Party, id: str) -> Any:
    found = await described(party, id, lambda found: found.info.num_actions == 2 and not found.info.running_actions)
    await party.client.get_schedule_handle(id).delete(rpc_timeout=SOON)
    return [await party.handle(action_of(found)).result(), found.schedule.state.remaining_actions]


async def begin_paused(party: Party, id: str) -> None:
    """Due again and again, but nothing comes of it."""
    schedule = schedule_of(id, args=["at once"])
    schedule.spec = ScheduleSpec(intervals=[ScheduleIntervalSpec(timedelta(seconds=1))])
    schedule.state = ScheduleState(paused=True, note="not yet", limited_actions=True, remaining_actions=1)
    await party.client.create_schedule(id, schedule, rpc_timeout=SOON)


async def unpause(party: Party, id: str) -> None:
    found = await party.client.get_schedule_handle(id).describe(rpc_timeout=SOON)
    assert (found.schedule.state.paused, found.schedule.state.note, found.info.num_actions) == (True, "not yet", 0)
    await party.client.get_schedule_handle(id).unpause(note="now")


async def end_unpaused(party: Party, id: str) -> Any:
    found = await described(party, id, lambda found: found.info.num_actions == 1 and not found.info.running_actions)
    await party.client.get_schedule_handle(id).delete()
    # What was due while it was paused is neither taken nor missed.
    return [await party.handle(action_of(found)).result(), found.info.num_actions_missed_catchup_window]


async def backfill(party: Party, id: str) -> None:
    """Three times of the past, one after the other; the first of them is not over yet."""
    await party.client.create_schedule(id, schedule_of(id), rpc_timeout=SOON)
    since = datetime.fromtimestamp(0, UTC) + 17 * LONG
    period = ScheduleBackfill(since, since + 2 * LONG, ScheduleOverlapPolicy.BUFFER_ALL)
    await party.client.get_schedule_handle(id).backfill(period)


async def end_backfill(party: Party, id: str) -> list[str]:
    """The times for which it took actions, in their order."""
    for number in (1, 2, 3):
        found = await described(party, id, lambda found: found.info.num_actions == number)  # noqa: B023
        assert len(found.info.running_actions) == 1
        await party.tell(action_of(found), "told")
    found = await described(party, id, lambda found: not found.info.running_actions)
    await party.client.get_schedule_handle(id).delete()
    return [str((each.scheduled_at - datetime.fromtimestamp(0, UTC)) // LONG) for each in found.info.recent_actions]


WAITS = [
    Wait("schedule_with_an_action", action_runs, "told", begin=begin_schedule, outcome=end_action),
    Wait("schedule_that_is_due", nothing, ["at once", 0], begin=begin_interval, outcome=end_interval),
    Wait("schedule_that_is_paused", nothing, ["at once", 0], unpause, begin=begin_paused, outcome=end_unpaused),
    Wait("backfill", action_runs, ["17", "18", "19"], begin=backfill, outcome=end_backfill),
]
