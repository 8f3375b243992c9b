"""Processes that end at a moment that was chosen: nothing that is told then is lost, or counts twice."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from foldlog.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleHandle,
    ScheduleInfo,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    WorkflowExecution,
    WorkflowExecutionStatus,
)
from foldlog.converter import DataConverter
from foldlog.transport.admin import create_topics
from foldlog.transport.topics import Topics

from tests.integration.processor.fatal import Chore, Fatal, Helped, Kid, Parent, Told
from tests.integration.processor.logs import Audit, audit
from tests.integration.processor.processes import Fleet
from tests.integration.processor.running import SOON, Place, place
from tests.integration.processor.workloads import QUEUE
from tests.until import until, until_asked

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
async def here(kafka: str, namespace: str, tmp_path: Path) -> AsyncIterator[Place]:
    async with place(kafka, namespace, tmp_path) as found:
        await asyncio.to_thread(
            create_topics, found.config, Topics(f"{namespace}-two"), partitions=2, task_queues=[QUEUE]
        )
        yield found


@asynccontextmanager
async def restarted(here: Place, role: str, moments: list[str]) -> AsyncIterator[Callable[[], list[str]]]:
    """A process that ends at these moments, and is started again each time; gives what is still to come."""
    folder = here.folder / "moments"
    folder.mkdir()
    for moment in moments:
        (folder / moment).touch()
    with Fleet(
        here.config.bootstrap_servers, here.namespace, here.folder, "tests.integration.processor.fatal"
    ) as fleet:
        member = fleet.start("fatal", role, instance_id="fatal")
        await fleet.until_ready("fatal")

        async def start_again() -> None:
            while True:
                assert member.process is not None
                if (code := member.process.poll()) is not None:
                    assert code == -9, f"it ended with {code}: {fleet.tail('fatal')}"
                    fleet.start("fatal", role, instance_id="fatal")
                await asyncio.sleep(0.02)

        task = asyncio.create_task(start_again())
        try:
            yield lambda: [path.name for path in folder.iterdir()]
            if task.done():
                task.result()
        finally:
            task.cancel()
        await fleet.stop_all()


@asynccontextmanager
async def clients(here: Place) -> AsyncIterator[list[Client]]:
    """Of both namespaces."""
    options: dict[str, Any] = {"rpc_timeout": timedelta(seconds=120), "connect_timeout": SOON}
    converter = DataConverter(payload_codec=Fatal())
    async with (
        await Client.connect(here.config, namespace=here.namespace, data_converter=converter, **options) as one,
        await Client.connect(
            here.config, namespace=f"{here.namespace}-two", data_converter=converter, **options
        ) as two,
    ):
        yield [one, two]


EVERY = bool(os.environ.get("FOLDLOG_EVERY_MOMENT"))
"""Whether all moments are tried, which takes four minutes, and not only some of them."""


async def audited(here: Place) -> list[Audit]:
    """Both logs."""
    topics = [here.topics, Topics(f"{here.namespace}-two")]
    return [await asyncio.to_thread(audit, here.config, each) for each in topics]


CODED = ["decode the signal", "encode the memo", "encode far, passed on"]
"""A signal that is read, a decision, and the result of an activity."""
ALL_CODED = [
    *CODED,
    *("decode the start", "decode the update", "encode put the update", "encode far", "decode far"),
    *("decode far, passed on", "encode near", "encode near, passed on", "decode near, passed on"),
    *("encode the child", "decode the child", "encode the child [", "decode the child ["),
]


@pytest.mark.parametrize("role", ["eager", "remote"] if EVERY else ["remote"])
async def test_while_a_codec_waits(here: Place, role: str) -> None:
    async with clients(here) as (client, _), restarted(here, role, ALL_CODED if EVERY else CODED) as left:
        handle = await client.start_workflow(Told.run, "the start", id="told", task_queue=QUEUE)
        update = asyncio.create_task(handle.execute_update(Told.put, "the update", id="u"))
        await handle.signal(Told.hear, "the signal")
        text, *heard, far, near, child = await handle.result()
        assert await update == "put the update"
        assert (text, sorted(heard)) == ("the start", ["the signal", "the update"])
        assert (far, near, child) == ("far, passed on", "near, passed on", "the child []")
        assert left() == []
    kinds = Counter((await audited(here))[0].kinds("told"))
    assert max(kinds.values()) == 1, kinds
    assert kinds["LocalActivityCompleted"] == kinds["ActivityTaskCompleted"] == 1


STOPS = ["before StartWorkflow"]
ALL_STOPS = [*STOPS, "after StartWorkflow", "before WorkflowExecutionUpdateAccepted", "after ChildWorkflowClosed"]


@pytest.mark.parametrize("moment", ALL_STOPS if EVERY else STOPS)
async def test_suspended_until_others_have_taken_over(here: Place, moment: str) -> None:
    """In the middle of updates, whose children are about to start; whoever wakes up does no harm."""
    (here.folder / "moments").mkdir()
    (here.folder / "moments" / moment).write_text("stop")
    program = "tests.integration.processor.fatal"
    with Fleet(here.config.bootstrap_servers, here.namespace, here.folder, program) as fleet:
        fleet.start("first", "eager")
        await fleet.until_ready("first")
        async with clients(here) as (client, _):
            handle = await client.start_workflow(Helped.run, id="helped", task_queue=QUEUE)
            two = f"{here.namespace}-two"
            updates = [
                asyncio.create_task(handle.execute_update(Helped.delegate, args=[f"kid of {space}", space], id=space))
                for space in (here.namespace, two)
            ]
            await until(lambda: not list((here.folder / "moments").iterdir()), "it is suspended")
            fleet.start("second", "eager")
            assert [await update for update in updates] == ["help []"] * 2
            assert await handle.result() == 2
            fleet.signal("first", signal.SIGCONT)
            await until(lambda: "joins the group anew" in fleet.tail("first"), "the first one is told")
            again = await client.start_workflow(Kid.run, args=["again", 0], id="again", task_queue=QUEUE)
            assert await again.result() == "again []"
            fleet.check()
        await fleet.stop_all()
    own, other = await audited(here)
    kinds = Counter(own.kinds("helped"))
    assert {kind for kind, count in kinds.items() if count != 2} == {
        "WorkflowExecutionStarted",
        "WorkflowExecutionCompleted",
    }, kinds
    for found, space in ((own, here.namespace), (other, two)):
        assert found.kinds(f"kid of {space}") == ["WorkflowExecutionStarted", "WorkflowExecutionCompleted"]


LIVES = ["after StartWorkflow", "before ChildWorkflowStarted", "after ChildWorkflowClosed", "before CancelWorkflow"]
"""A child's start is sent, its parent is to be told that it runs, has been told that it closed, and closes itself."""
KINDS = [
    *("StartWorkflow", "StartChildWorkflowExecutionInitiated", "ChildWorkflowStarted", "ChildWorkflowExecutionStarted"),
    *("SignalWorkflow", "WorkflowExecutionSignaled", "ResolveExternalWorkflow", "WorkflowExecutionCompleted"),
    *("ChildWorkflowClosed", "ChildWorkflowExecutionCompleted", "CancelWorkflow", "WorkflowExecutionCancelRequested"),
    *("WorkflowExecutionCanceled", "ChildWorkflowExecutionCanceled", "WorkflowExecutionTerminated"),
]
ALL_LIVES = [f"{when} {kind}" for when in ("before", "after") for kind in KINDS]
POLICIES = {
    "TERMINATE": ("TERMINATED", ["WorkflowExecutionTerminated"]),
    "ABANDON": ("RUNNING", ["WorkflowExecutionSignaled", "WorkflowExecutionCompleted"]),
    "REQUEST_CANCEL": ("CANCELED", ["WorkflowExecutionCancelRequested", "WorkflowExecutionCanceled"]),
}


async def test_at_each_step_of_the_lives_of_children(here: Place) -> None:
    """Of a parent and its children in two partitions and two namespaces."""
    async with clients(here) as (client, other), restarted(here, "eager", ALL_LIVES if EVERY else LIVES) as left:
        kids = [(id, each) for id in here.ids("kid") for each in (here.namespace, f"{here.namespace}-two")]
        owners = {here.namespace: client, f"{here.namespace}-two": other}
        handle = await client.start_workflow(Parent.run, kids, id="parent", task_queue=QUEUE)
        assert await handle.result() == [*[f"kid {id} [0, 1]" for id, _ in kids], "CancelledError"]

        async def settled() -> bool:
            return all(
                [
                    (await owners[each].get_workflow_handle(f"{id}-{policy}").describe()).status
                    is WorkflowExecutionStatus[status]
                    for id, each in kids
                    for policy, (status, _) in POLICIES.items()
                ]
            )

        await until_asked(settled, "all children have met their policies", 240)
        for id, each in kids:
            child = owners[each].get_workflow_handle(f"{id}-ABANDON")
            await child.signal(Kid.add, 7)
            assert await child.result() == "left [7]"
        assert left() == []
    audits = dict(zip(owners, await audited(here), strict=True))
    kinds = Counter(audits[here.namespace].kinds("parent"))
    assert kinds["StartChildWorkflowExecutionInitiated"] == kinds["ChildWorkflowExecutionStarted"] == 17
    assert kinds["SignalExternalWorkflowExecutionInitiated"] == kinds["ExternalWorkflowExecutionSignaled"] == 8
    assert (kinds["ChildWorkflowExecutionCompleted"], kinds["ChildWorkflowExecutionCanceled"]) == (4, 1)
    for id, each in kids:
        begun, *rest = audits[each].kinds(id)
        assert (begun, rest[-1]) == ("WorkflowExecutionStarted", "WorkflowExecutionCompleted")
        assert rest[:-1] == ["WorkflowExecutionSignaled"] * 2
        for policy, (_, events) in POLICIES.items():
            assert audits[each].kinds(f"{id}-{policy}") == ["WorkflowExecutionStarted", *events]


ACTIONS = ["after StartWorkflow", "before ChildWorkflowClosed", "before CancelWorkflow"]
"""An action is sent off, its end is to be told, and it is stopped for the next one."""
KINDS_OF_ACTIONS = [
    "StartWorkflow",
    "ChildWorkflowStarted",
    "ChildWorkflowClosed",
    "CancelWorkflow",
    "TerminateWorkflow",
]
KINDS_OF_ACTIONS += ["TimerStarted", "TimerFired", "WorkflowExecutionCompleted", "WorkflowExecutionCanceled"]
ALL_ACTIONS = [f"{when} {kind}" for when in ("before", "after") for kind in KINDS_OF_ACTIONS]
ENDS = {
    ScheduleOverlapPolicy.BUFFER_ALL: "COMPLETED",
    ScheduleOverlapPolicy.BUFFER_ONE: "COMPLETED",
    ScheduleOverlapPolicy.CANCEL_OTHER: "CANCELED",
    ScheduleOverlapPolicy.TERMINATE_OTHER: "TERMINATED",
}
"""How an action ends that is not the last one."""


SECOND = timedelta(seconds=1)


def listed(client: Client, name: str) -> AsyncIterator[WorkflowExecution]:
    """The workflows of a schedule."""
    return client.list_workflows(id_prefix=f"{name}-")


async def begun(client: Client, name: str) -> datetime | None:
    """When its first one was due."""
    times = [datetime.fromisoformat(run.id.removeprefix(f"{name}-")) async for run in listed(client, name)]
    return min(times, default=None)


async def test_in_the_middle_of_the_actions_of_schedules(here: Place) -> None:
    """Each time is taken, or counted as skipped, once, whatever the policy is."""
    async with clients(here) as (client, _), restarted(here, "eager", ALL_ACTIONS if EVERY else ACTIONS) as left:
        schedules = {}
        for policy, status in ENDS.items():
            # Its own time, which some ends of the process while it is created do not use up.
            end = (datetime.now(UTC) + timedelta(seconds=90 if EVERY else 15)).replace(microsecond=0)
            spec = ScheduleSpec(intervals=[ScheduleIntervalSpec(SECOND)], end_at=end)
            action = ScheduleActionStartWorkflow(Chore.run, status != "COMPLETED", id=policy.name, task_queue=QUEUE)
            schedule = Schedule(action, spec, SchedulePolicy(overlap=policy))
            schedules[policy] = await client.create_schedule(policy.name, schedule), end
        for policy, (handle, end) in schedules.items():
            await _over(client, handle, policy, end)
        assert left() == []
    for found in await audited(here):
        assert max(Counter(id for id, _ in found.events if id[-1:] == "Z").values(), default=1) == 1


async def _over(client: Client, schedule: ScheduleHandle, policy: ScheduleOverlapPolicy, end: datetime) -> None:
    """Wait for a schedule's last action, and see what came of all of them."""

    async def due() -> int:
        # Asked anew each time: an open transaction of a killed process may hide the first one behind later ones.
        first = await until_asked(lambda: begun(client, policy.name), "the first action is listed")
        return int((end - first) // SECOND) + 1

    def taken(info: ScheduleInfo) -> int:
        return info.num_actions + info.num_actions_skipped_overlap

    async def last_one_runs() -> ScheduleInfo | None:
        info = (await schedule.describe()).info
        patient = ENDS[policy] != "COMPLETED"
        return info if taken(info) >= await due() and len(info.running_actions) == patient else None

    info: ScheduleInfo = await until_asked(last_one_runs, f"{policy.name} is over", 300)

    async def all_listed() -> list[str] | None:
        found = sorted([run.id async for run in listed(client, policy.name)])
        return found if len(found) == info.num_actions else None

    names: list[str] = await until_asked(all_listed, f"so many workflows are there as {policy.name} had actions")
    assert taken(info) == await due(), policy
    if policy is ScheduleOverlapPolicy.BUFFER_ALL:
        assert info.num_actions == taken(info)
    if ENDS[policy] != "COMPLETED":
        await client.get_workflow_handle(names[-1]).signal(Chore.end)
        await client.get_workflow_handle(names[-1]).result()
    statuses = [(await client.get_workflow_handle(name).describe()).status for name in names]
    assert [status and status.name for status in statuses] == [ENDS[policy]] * (len(names) - 1) + ["COMPLETED"], policy
