"""Workflows for the kinds of events that those of the examples do not come to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from foldlog import workflow
from foldlog.client import (
    ActivityFailureError,
    Client,
    PendingActivityState,
    Schedule,
    ScheduleActionExecutionStartWorkflow,
    ScheduleActionStartWorkflow,
    ScheduleBackfill,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleState,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from foldlog.exceptions import ApplicationError
from foldlog.schedules.model import ACTION_TYPE, SCHEDULE_TYPE
from foldlog.standalone.model import ACTIVITY_TYPE
from foldlog.workflow import ActivityCancellationType, ChildWorkflowCancellationType

from tests.conformance.kin import Ends, Kid, Strict
from tests.conformance.knowledge import Diary, Patching
from tests.conformance.schedules import BLUE, Report, shown
from tests.conformance.work import Stopping, linger
from tests.conformance.workflows import Chain, Family, Impatient, Member, double, double_in_thread, hang, refuse
from tests.histories.case import QUEUE, Case, Handle, these
from tests.until import until_asked


@workflow.defn
class ToNobody:
    """Speaks to a workflow that is not there."""

    @workflow.run
    async def run(self) -> list[str | None]:
        nobody = workflow.get_external_workflow_handle("nobody")
        found: list[str | None] = []
        for telling in (nobody.signal("hear", "x"), nobody.cancel()):
            try:
                await telling
            except ApplicationError as error:
                found.append(error.type)
        return found


async def cancel_its_activity(client: Client, handle: Handle) -> None:
    """Once that runs."""

    async def runs() -> bool:
        return [found.state.name for found in (await handle.describe()).pending_activities] == ["STARTED"]

    await until_asked(runs, "the activity runs")
    await handle.signal(Stopping.go)


async def terminate_its_child(client: Client, handle: Handle) -> None:
    """Behind its parent's back."""

    async def begun() -> bool:
        return [found.run_id for found in (await handle.describe()).pending_children] not in ([], [None])

    await until_asked(begun, "the child has begun")
    child: Handle = client.get_workflow_handle("child")
    await child.terminate(reason="test data")
    await handle.signal(Strict.go)


async def two_days(client: Client, handle: Handle) -> None:
    """Have its diary kept."""
    for _ in range(2):
        await handle.signal(Diary.day)


async def end(client: Client, handle: Handle) -> None:
    """Let it end."""
    await handle.signal(Patching.end)


HOUR = timedelta(hours=1)


@workflow.defn
class Hours:
    """Lets time go by."""

    @workflow.run
    async def run(self, hours: int) -> None:
        await workflow.sleep(hours * HOUR)


def report(kind: str) -> ScheduleActionStartWorkflow:
    return ScheduleActionStartWorkflow(
        Report.run, kind, id=f"report-{kind}", task_queue=QUEUE, memo={"of": "the action"}, static_summary="a report"
    )


async def keep_schedules(client: Client, handle: Handle) -> None:
    """One by hand, with all that can be said to it, and one by time, for the hours that the workflow takes."""
    by_time = await client.create_schedule(
        "by-time",
        Schedule(report("short"), ScheduleSpec(intervals=[ScheduleIntervalSpec(HOUR)], jitter=HOUR / 12)),
        search_attributes=BLUE,
    )
    state, policy = ScheduleState(note="by hand", paused=True), SchedulePolicy(ScheduleOverlapPolicy.BUFFER_ONE)
    hourly = ScheduleSpec(cron_expressions=["@hourly"])
    by_hand = await client.create_schedule(
        "by-hand", Schedule(report("long"), hourly, policy, state), trigger_immediately=True, memo={"owner": "ada"}
    )
    await shown(by_hand, lambda found: len(found.info.running_actions) == 1)
    await by_hand.trigger()
    for number, overlap in enumerate((ScheduleOverlapPolicy.TERMINATE_OTHER, ScheduleOverlapPolicy.CANCEL_OTHER), 2):
        await by_hand.trigger(overlap=overlap)
        await shown(by_hand, lambda found: found.info.num_actions == number)  # noqa: B023  # awaited here
    begin = datetime(2020, 1, 1, tzinfo=UTC)
    await by_hand.backfill(ScheduleBackfill(begin, begin + HOUR, ScheduleOverlapPolicy.ALLOW_ALL))
    found = await shown(by_hand, lambda found: len(found.info.running_actions) == 3)
    for running in found.info.running_actions:
        assert isinstance(running, ScheduleActionExecutionStartWorkflow)
        await client.get_workflow_handle(running.workflow_id).signal(Report.end)

    def flaky(given: ScheduleUpdateInput) -> ScheduleUpdate:
        schedule = given.description.schedule
        schedule.action, schedule.policy.pause_on_failure = report("flaky"), True
        return ScheduleUpdate(schedule, search_attributes=BLUE)

    await shown(by_hand, lambda found: not found.info.running_actions)
    await by_hand.update(flaky)
    await by_hand.unpause(note="again")
    for _ in range(2):
        await by_hand.trigger()
        await shown(by_hand, lambda found: not found.info.running_actions)
    await by_hand.pause()
    await handle.result()
    for each in (by_hand, by_time):
        await each.delete()


async def run_alone(client: Client, handle: Handle) -> None:
    """Activities without a workflow: one that ends well, one that fails, one that is cancelled."""
    options: dict[str, Any] = {"task_queue": QUEUE, "start_to_close_timeout": HOUR}
    assert await client.execute_activity(double, 4, id="ends", summary="twice", **options) == 8
    with pytest.raises(ActivityFailureError):
        await client.execute_activity(refuse, "no", id="fails", **options)
    options["heartbeat_timeout"] = HOUR
    lingers = await client.start_activity(linger, args=["alone", False], id="lingers", **options)

    async def runs() -> bool:
        return (await lingers.describe()).run_state is PendingActivityState.STARTED

    await until_asked(runs, "the activity runs")
    await lingers.cancel(reason="test data")
    with pytest.raises(ActivityFailureError):
        await lingers.result()


STOPPING: list[Any] = ["linger", ["lingers", False], int(ActivityCancellationType.WAIT_CANCELLATION_COMPLETED), False]
WAITING = int(ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED)
UNHEARD: list[Any] = ["", {"schedule_to_start_timeout": 60.0, "start_to_close_timeout": 60.0}, "nobody"]

KINDS = [  # sorted by name
    Case("activities-alone", Hours, [0], these(double, refuse, linger), run_alone, own=[ACTIVITY_TYPE]),
    Case("activity-cancelled", Stopping, STOPPING, these(linger), cancel_its_activity),
    Case("activity-timed-out", Impatient, UNHEARD, these(hang)),
    Case("child-not-started", Ends, [["first", "second"]], these(), others=[Kid]),
    Case("child-terminated", Strict, ["child", WAITING], these(), terminate_its_child, others=[Kid]),
    Case("children", Family, [], these(), others=[Member]),
    Case("diary", Diary, [], these(), two_days),
    Case("local-activities", Chain, [1, "local", QUEUE], these(double, double_in_thread)),
    Case("nobody-hears", ToNobody, [], these()),
    Case("patched", Patching, [], these(), end),
    Case("schedules", Hours, [3], these(), keep_schedules, others=[Report], own=[SCHEDULE_TYPE, ACTION_TYPE]),
]
