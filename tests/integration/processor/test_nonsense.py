"""Records that are well-formed and make no sense, about schedules, activities without a workflow, updates and lists."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from foldlog.client import Schedule, ScheduleActionStartWorkflow, ScheduleSpec, ScheduleState
from foldlog.schedules.model import ACTION_TYPE, SCHEDULE_TYPE, schedule_workflow_id
from foldlog.schemas.command import QueryWorkflow, SignalWorkflow, StartWorkflow, UpdateWorkflow
from foldlog.schemas.common import Payload
from foldlog.schemas.framing import encode
from foldlog.schemas.visibility import WorkflowVisibility
from foldlog.standalone.model import ACTIVITY_TYPE, activity_workflow_id
from msgspec.structs import replace

from tests.integration.processor.running import SOON, Place, place
from tests.integration.processor.workloads import QUEUE, Echoing, Waiting
from tests.until import until_asked

FAR = datetime(9999, 12, 30, 23, 59, 59, tzinfo=UTC)
BEGIN: dict[str, Any] = {"task_queue": QUEUE, "start_to_close_timeout": SOON, "result_type": str, "rpc_timeout": SOON}
BUILT_IN = (SCHEDULE_TYPE, ACTION_TYPE, ACTIVITY_TYPE)
TEXTS = (b"5", b"{}", b"null", b'{"schedule": 5}', b"\xff")


@pytest.fixture
async def here(kafka: str, namespace: str, tmp_path: Path) -> AsyncIterator[Place]:
    async with place(kafka, namespace, tmp_path) as found:
        yield found


async def planned(here: Place) -> Any:
    """A schedule that does nothing by itself."""
    action = ScheduleActionStartWorkflow(Echoing.run, "x", id="planned", task_queue=QUEUE)
    return await here.client.create_schedule(
        "real", Schedule(action, ScheduleSpec(), state=ScheduleState(paused=True)), rpc_timeout=SOON
    )


async def real(rows: AsyncIterator[Any]) -> set[str]:
    """The IDs of what is listed, but for what was made up."""
    ids = {found.activity_id if hasattr(found, "activity_id") else found.id async for found in rows}
    return {id for id in ids if not id.startswith("ghost")}


async def test_rows(here: Place) -> None:
    """Lists and filters show all others, and of these what can be shown."""
    garbage = {"k": Payload(encoding="json/plain", data=b"\xff"), SCHEDULE_TYPE: Payload(encoding="nope")}
    row = WorkflowVisibility(
        workflow_id="",
        run_id="r",
        workflow_type="",
        task_queue="q",
        status="RUNNING",
        partition=0,
        start_ms=1,
        history_length=1,
    )
    strange = [
        replace(row, status="NONSENSE"),
        replace(row, start_ms=2**62, close_ms=-(2**62), first_task_ms=2**62),
        replace(row, search_attributes=garbage, memo=garbage),
        replace(row, summary=garbage["k"], parent_workflow_id="x", history_length=-1, partition=10**6),
    ]
    for number, (each, kind) in enumerate(product(strange, ("Ghost", SCHEDULE_TYPE, ACTIVITY_TYPE))):
        made_up = replace(each, workflow_type=kind, workflow_id=f"ghost-{number}")
        here.producer.produce(here.topics.visibility, encode(made_up), f"ghost-{number}/r")
    here.flush()
    async with here.worker(workflows=[Waiting, Echoing]):
        await planned(here)
        await here.client.execute_activity("echo", "x", id="real", **BEGIN)
        # One that any program may start: the last time that there is stands for what comes later.
        await here.begin("far", "Waiting", start_delay_ms=2**62, execution_timeout_ms=2**60)
        here.flush()
        far = here.client.get_workflow_handle("far")

        async def all_listed() -> bool:
            return (
                await real(here.client.list_workflows()) == {"far"}
                and await real(await here.client.list_schedules()) == {"real"}
                and await real(here.client.list_activities()) == {"real"}
            )

        await until_asked(all_listed, "all that there is can be listed")
        for query, expected in (
            ("StartTime > '2020-01-01T00:00:00Z'", {"far"}),
            ("ExecutionTime > '2020-01-01T00:00:00Z'", {"far"}),
            ("CloseTime < '2020-01-01T00:00:00Z'", set()),
            ("k = 'x'", set()),
        ):
            assert await real(here.client.list_workflows(query)) == expected, query
        assert (await here.client.count_workflows("WorkflowId = 'far'")).count == 1
        found = await far.describe()
        assert (found.execution_time, found.execution_expiration_time) == (FAR, FAR)
    await here.check()


async def test_commands_to_what_is_built_in(here: Place) -> None:
    """They are refused, or what they start stalls; schedules and activities go on."""
    async with here.worker(workflows=[Waiting, Echoing]):
        schedule = await planned(here)
        lasting = await here.client.start_activity("echo", "x", id="real", **(BEGIN | {"task_queue": "nobody"}))
        targets = (schedule_workflow_id("real"), activity_workflow_id("real"))
        names = ("trigger", "update", "patch", "backfill", "pause", "unpause", "describe", "delete?", "")
        for number, data in enumerate(TEXTS):
            args = [Payload(encoding="json/plain", data=data)]
            for name, target in product(names, targets):
                update = UpdateWorkflow(update_id=f"{name}-{number}", update_name=name, args=args)
                for command in (
                    update,
                    SignalWorkflow(signal_name=name, args=args),
                    QueryWorkflow(query_type=name, args=args),
                ):
                    here.command(target, encode(command))
            for kind in BUILT_IN:
                start = StartWorkflow(workflow_type=kind, task_queue=QUEUE, args=args)
                here.command(f"{kind}:ghost-{number}", encode(start))
        here.flush()
        await schedule.trigger(rpc_timeout=SOON)

        async def triggered() -> bool:
            return bool((await schedule.describe(rpc_timeout=SOON)).info.num_actions == 1)

        await until_asked(triggered, "the schedule does what it should, once")
        assert (await schedule.describe()).schedule.state.paused
        assert (await lasting.describe()).close_time is None
        assert await here.client.execute_activity("echo", "x", id="again", **BEGIN) == "x"
        handles = [await here.start(Echoing.run, name, id=name) for name in here.ids("echo")]
        assert [await handle.result() for handle in handles] == [handle.id for handle in handles]
    async with here.worker(workflows=[Waiting, Echoing]):
        await schedule.trigger(rpc_timeout=SOON)
    await here.check()
