"""Schedules on a real broker: what is due while the processor is away is taken once when it is back."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from foldlog import workflow
from foldlog.client import (
    Schedule,
    ScheduleActionExecutionStartWorkflow,
    ScheduleActionStartWorkflow,
    ScheduleDescription,
    ScheduleHandle,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from foldlog.exceptions import ApplicationError
from foldlog.schedules import model
from foldlog.schedules.model import ACTION_TYPE, SCHEDULE_TYPE

from tests.conformance.schedules import shown
from tests.until import until_asked

from .running import SOON, Place, place
from .workloads import QUEUE

SECOND = timedelta(seconds=1)
JITTER = timedelta(milliseconds=400)


@workflow.defn
class Tick:
    def __init__(self) -> None:
        self._ended = False

    @workflow.run
    async def run(self) -> int:
        number = (workflow.get_last_completion_result(int) or 0) + 1
        if number == 2:
            await workflow.wait_condition(lambda: self._ended)
        return number

    @workflow.signal
    def end(self) -> None:
        self._ended = True


@workflow.defn
class Tock:
    """Takes no time."""

    @workflow.run
    async def run(self) -> None: ...


@workflow.defn
class Trip:
    """Fails once it is told to."""

    def __init__(self) -> None:
        self._told = False

    @workflow.run
    async def run(self) -> None:
        await workflow.wait_condition(lambda: self._told)
        raise ApplicationError("as told")

    @workflow.signal
    def fall(self) -> None:
        self._told = True


async def trips(here: Place) -> ScheduleHandle:
    """A schedule whose first action runs, while the next one waits for its end."""
    handle = await here.client.create_schedule(
        "trips",
        Schedule(
            ScheduleActionStartWorkflow(Trip.run, id="trip", task_queue=QUEUE),
            ScheduleSpec(intervals=[ScheduleIntervalSpec(SECOND)]),
            SchedulePolicy(ScheduleOverlapPolicy.BUFFER_ONE, pause_on_failure=True),
        ),
        rpc_timeout=SOON,
    )
    return handle


def running_in(found: ScheduleDescription) -> str:
    """The workflow of the one action that runs."""
    (running,) = found.info.running_actions
    assert isinstance(running, ScheduleActionExecutionStartWorkflow)
    return running.workflow_id


async def check_trips(handle: ScheduleHandle) -> None:
    """The failure has paused it: what waits is over."""
    found = await shown(handle, lambda found: found.schedule.state.paused, "the failure pauses it")
    assert (found.info.num_actions, found.raw_description.buffer) == (1, [])
    await handle.delete(rpc_timeout=SOON)


async def tocks(here: Place) -> ScheduleHandle:
    """A schedule that takes its actions a little late, and leaves out those that are late by more than a second."""
    return await here.client.create_schedule(
        "tocks",
        Schedule(
            ScheduleActionStartWorkflow(Tock.run, id="tock", task_queue=QUEUE),
            ScheduleSpec(intervals=[ScheduleIntervalSpec(SECOND)], jitter=JITTER),
            SchedulePolicy(ScheduleOverlapPolicy.ALLOW_ALL, catchup_window=SECOND),
        ),
        rpc_timeout=SOON,
    )


async def check_tocks(here: Place, handle: ScheduleHandle) -> None:
    """Each second had an action, or is counted as missed; and each action came when jitter wanted it."""
    await handle.pause(rpc_timeout=SOON)

    async def settled() -> Any:
        found = await handle.describe(rpc_timeout=SOON)
        runs = [run.id async for run in here.client.list_workflows(workflow_type="Tock")]
        return (found.info, runs) if len(runs) == found.info.num_actions and not found.info.running_actions else None

    info, runs = await until_asked(settled, "all its actions have ended and are listed")
    missed = info.num_actions_missed_catchup_window
    assert missed >= 1
    assert info.num_actions_skipped_overlap == 0
    times = sorted(map(nominal, runs))
    assert len(set(times)) == len(times)
    # On a very busy machine the last ones may be missed as well.
    assert len(times) < (times[-1] - times[0]) // SECOND + 1 <= len(times) + missed
    late = []
    for taken in info.recent_actions:
        assert isinstance(taken.action, ScheduleActionExecutionStartWorkflow)
        late.append(taken.scheduled_at - nominal(taken.action.workflow_id))
        assert taken.started_at >= taken.scheduled_at
    assert timedelta(0) <= min(late) < max(late) <= JITTER
    await handle.delete(rpc_timeout=SOON)


def nominal(workflow_id: str) -> datetime:
    """The time of an action without jitter, which its workflow's ID ends with."""
    return datetime.fromisoformat(workflow_id.removeprefix("tock-"))


async def test_over_a_restart_in_the_middle_of_an_action(
    kafka: str, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model, "LEAST_CATCHUP_MS", 0)  # else no downtime of less than 10 s shows the window
    async with place(kafka, namespace, tmp_path) as here:
        options: dict[str, Any] = {"workflows": [Tick, Tock, Trip], "continue_as_new_suggested_events": 40}

        async with here.worker(**options):
            handle = await here.client.create_schedule(
                "ticks",
                Schedule(
                    ScheduleActionStartWorkflow(Tick.run, id="tick", task_queue=QUEUE),
                    ScheduleSpec(intervals=[ScheduleIntervalSpec(timedelta(seconds=1))]),
                    SchedulePolicy(catchup_window=timedelta(days=1)),
                ),
                rpc_timeout=SOON,
            )
            other, third = await tocks(here), await trips(here)
            found = await shown(handle, lambda found: found.info.num_actions == 2, "the second action waits")
            await shown(other, lambda found: found.info.num_actions >= 2, "the others are taken, too")
            trip = await shown(third, lambda found: len(found.raw_description.buffer) == 1, "an action waits")
            running = found.info.running_actions[-1] if found.info.running_actions else None
            assert isinstance(running, ScheduleActionExecutionStartWorkflow)
            skipped = found.info.num_actions_skipped_overlap
        await asyncio.sleep(2.5)  # more than the window and the jitter
        async with here.worker(**options):
            await shown(handle, lambda found: found.info.num_actions_skipped_overlap > skipped, "time goes on")
            assert (await handle.describe(rpc_timeout=SOON)).info.num_actions == 2
            await here.client.get_workflow_handle(running.workflow_id).signal("end", rpc_timeout=SOON)
            await here.client.get_workflow_handle(running_in(trip)).signal("fall")
            await shown(handle, lambda found: found.info.num_actions >= 4, "the actions after it are taken")
            await check_trips(third)
            await check_tocks(here, other)

            def halt(given: ScheduleUpdateInput) -> ScheduleUpdate:
                given.description.schedule.state.paused = True
                return ScheduleUpdate(given.description.schedule)

            await handle.update(halt, rpc_timeout=SOON)
            found = await shown(handle, lambda found: not found.info.running_actions, "nothing runs any more")
            # Each action was taken once, for a time of its own, and knew of the one before it.
            runs = [run async for run in here.client.list_workflows(workflow_type="Tick")]
            assert len(runs) == len({run.id for run in runs}) == found.info.num_actions
            last = found.info.recent_actions[-1].action
            assert isinstance(last, ScheduleActionExecutionStartWorkflow)
            assert await here.client.get_workflow_handle(last.workflow_id).result() == found.info.num_actions
            actions = [run async for run in here.client.list_workflows(workflow_type=ACTION_TYPE)]
            assert {run.status.name for run in actions if run.status} == {"COMPLETED"}
            assert [one.id async for one in await here.client.list_schedules()] == ["ticks"]
            await handle.delete(rpc_timeout=SOON)
            schedules = [run async for run in here.client.list_workflows(workflow_type=SCHEDULE_TYPE)]
            assert "RUNNING" not in {run.status.name for run in schedules if run.status}
