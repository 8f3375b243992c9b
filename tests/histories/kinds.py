"""Workflows for the kinds of events that those of the examples do not come to."""

from __future__ import annotations

from typing import Any

from foldlog import workflow
from foldlog.client import Client
from foldlog.exceptions import ApplicationError
from foldlog.workflow import ActivityCancellationType, ChildWorkflowCancellationType

from tests.conformance.kin import Ends, Kid, Strict
from tests.conformance.knowledge import Diary, Patching
from tests.conformance.work import Stopping, linger
from tests.conformance.workflows import Chain, Family, Impatient, Member, double, double_in_thread, hang
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


STOPPING: list[Any] = ["linger", ["lingers", False], int(ActivityCancellationType.WAIT_CANCELLATION_COMPLETED), False]
WAITING = int(ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED)
UNHEARD: list[Any] = ["", {"schedule_to_start_timeout": 60.0, "start_to_close_timeout": 60.0}, "nobody"]

KINDS = [  # sorted by name
    Case("activity-cancelled", Stopping, STOPPING, these(linger), cancel_its_activity),
    Case("activity-timed-out", Impatient, UNHEARD, these(hang)),
    Case("child-not-started", Ends, [["first", "second"]], these(), others=[Kid]),
    Case("child-terminated", Strict, ["child", WAITING], these(), terminate_its_child, others=[Kid]),
    Case("children", Family, [], these(), others=[Member]),
    Case("diary", Diary, [], these(), two_days),
    Case("local-activities", Chain, [1, "local", QUEUE], these(double, double_in_thread)),
    Case("nobody-hears", ToNobody, [], these()),
    Case("patched", Patching, [], these(), end),
]
