"""Schedules on a real broker: what is due while the processor is away is taken once when it is back."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from foldlog import workflow
from foldlog.client import (
    Schedule,
    ScheduleActionExecutionStartWorkflow,
    ScheduleActionStartWorkflow,
    ScheduleIntervalSpec,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from foldlog.schedules.model import ACTION_TYPE, SCHEDULE_TYPE

from tests.conformance.schedules import shown

from .running import SOON, place
from .workloads import QUEUE


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


async def test_over_a_restart_in_the_middle_of_an_action(kafka: str, namespace: str, tmp_path: Path) -> None:
    async with place(kafka, namespace, tmp_path) as here:
        options: dict[str, Any] = {"workflows": [Tick], "continue_as_new_suggested_events": 40}

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
            found = await shown(handle, lambda found: found.info.num_actions == 2, "the second action waits")
            running = found.info.running_actions[-1] if found.info.running_actions else None
            assert isinstance(running, ScheduleActionExecutionStartWorkflow)
            skipped = found.info.num_actions_skipped_overlap
        async with here.worker(**options):
            await shown(handle, lambda found: found.info.num_actions_skipped_overlap > skipped, "time goes on")
            assert (await handle.describe(rpc_timeout=SOON)).info.num_actions == 2
            await here.client.get_workflow_handle(running.workflow_id).signal("end", rpc_timeout=SOON)
            await shown(handle, lambda found: found.info.num_actions >= 4, "the actions after it are taken")

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
