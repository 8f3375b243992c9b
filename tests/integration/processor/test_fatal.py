"""Processes that end at a moment that was chosen: nothing that is told then is lost, or counts twice."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from foldlog.client import Client, WorkflowExecutionStatus
from foldlog.converter import DataConverter
from foldlog.transport.admin import create_topics
from foldlog.transport.topics import Topics

from tests.integration.processor.fatal import Fatal, Kid, Parent, Told
from tests.integration.processor.logs import Audit, audit
from tests.integration.processor.processes import Fleet
from tests.integration.processor.running import SOON, Place, place, until_asked
from tests.integration.processor.workloads import QUEUE

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
