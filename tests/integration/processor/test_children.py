"""Children and other workflows on a real broker: two partitions, two namespaces, restarts amid each wait."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from foldlog import workflow
from foldlog.client import WorkflowExecutionStatus, WorkflowFailureError
from foldlog.exceptions import ApplicationError, ChildWorkflowError, WorkflowAlreadyStartedError
from foldlog.workflow import ParentClosePolicy

from tests.integration.processor.running import SOON, Place, place
from tests.until import until_asked


@workflow.defn
class Child:
    """Adds up what it is told until it is told to end."""

    def __init__(self) -> None:
        self.total = 0
        self.ended = False

    @workflow.run
    async def run(self, total: int) -> int:
        self.total += total
        await workflow.wait_condition(lambda: self.ended)
        if self.total < 0:
            raise ApplicationError("less than nothing")
        return self.total

    @workflow.signal
    def add(self, number: int) -> None:
        self.total += number

    @workflow.signal
    def end(self) -> None:
        self.ended = True

    @workflow.query
    def parent(self) -> str:
        above = workflow.info().parent
        return f"{above.namespace}/{above.workflow_id}" if above else ""


@workflow.defn
class Parent:
    """Runs children side by side in this namespace and in another one, adds to each, and waits for all."""

    def __init__(self) -> None:
        self.begun = 0
        self.may_go_on = False

    @workflow.run
    async def run(self, names: list[str], elsewhere: str) -> list[int]:
        handles = []
        for number, name in enumerate(names):
            for namespace in (None, elsewhere):
                handles.append(await workflow.start_child_workflow(Child.run, number, id=name, namespace=namespace))
                self.begun += 1
        await workflow.wait_condition(lambda: self.may_go_on)
        await asyncio.gather(*(handle.signal(Child.add, 100) for handle in handles))
        for name in names:
            await workflow.get_external_workflow_handle_for(Child.run, name).signal(Child.end)
            await workflow.get_external_workflow_handle(name, namespace=elsewhere).signal("end")
        return await asyncio.gather(*handles)

    @workflow.signal
    def go_on(self) -> None:
        self.may_go_on = True

    @workflow.query
    def count(self) -> int:
        return self.begun


@workflow.defn
class Refused:
    """What it is told of children and workflows that cannot be."""

    @workflow.run
    async def run(self, taken: str) -> list[str]:
        found = []
        try:
            await workflow.start_child_workflow(Child.run, 1, id=taken)
        except WorkflowAlreadyStartedError as error:
            found.append(error.workflow_id)
        try:
            await workflow.execute_child_workflow(Child.run, 1, id="c", namespace="there-is-none")
        except ChildWorkflowError as error:
            found.append(getattr(error.cause, "type", ""))
        for namespace in (None, "there-is-none"):
            try:
                await workflow.get_external_workflow_handle("nobody", namespace=namespace).signal("x")
            except ApplicationError as error:
                found.append(error.type or "")
        return found


@workflow.defn
class Leaves:
    """Returns while its children run."""

    @workflow.run
    async def run(self, names: list[str]) -> None:
        policies = [ParentClosePolicy.TERMINATE, ParentClosePolicy.ABANDON, ParentClosePolicy.REQUEST_CANCEL]
        for name, policy in zip(names, policies, strict=True):
            await workflow.start_child_workflow(Child.run, 0, id=name, parent_close_policy=policy)


@workflow.defn
class Newborn:
    """Says who it is, and ends."""

    @workflow.run
    async def run(self, number: int) -> int:
        return number


@workflow.defn
class Crowd:
    """Has children side by side, once it is told to."""

    def __init__(self) -> None:
        self.told = False

    @workflow.run
    async def run(self, count: int) -> int:
        await workflow.wait_condition(lambda: self.told)
        names = [f"newborn-{number}" for number in range(count)]
        children = (workflow.execute_child_workflow(Newborn.run, n, id=name) for n, name in enumerate(names))
        return sum(await asyncio.gather(*children))

    @workflow.signal
    def go(self) -> None:
        self.told = True


WORKFLOWS = [Child, Parent, Refused, Leaves, Newborn, Crowd]


@pytest.fixture
async def places(kafka: str, namespace: str, tmp_path: Path) -> AsyncIterator[tuple[Place, Place]]:
    async with (
        place(kafka, namespace, tmp_path / "here") as here,
        place(kafka, f"{namespace}-two", tmp_path / "there", partitions=3) as there,
    ):
        yield here, there


async def running(stack: AsyncExitStack, *places: Place) -> None:
    for each in places:
        await stack.enter_async_context(each.worker(workflows=WORKFLOWS))


async def test_children_across_partitions_and_namespaces_outlive_restarts(places: tuple[Place, Place]) -> None:
    here, there = places
    names = here.ids("child")
    async with AsyncExitStack() as stack:
        await running(stack, here)
        parent = await here.start(Parent.run, names, there.namespace, id="parent")
        # The second child is in the other namespace, where nobody runs yet.
        await until_asked(lambda: _counts(parent, 1), "the first child has begun")
    async with AsyncExitStack() as stack:
        await running(stack, there)
        child: Any = there.client.get_workflow_handle_for(Child.run, names[0])
        assert await child.query(Child.parent, rpc_timeout=SOON) == f"{here.namespace}/parent"
    async with AsyncExitStack() as stack:
        await running(stack, here, there)
        await until_asked(lambda: _counts(parent, 4), "all have begun")
        described = await parent.describe(rpc_timeout=SOON)
        assert {found.workflow_id for found in described.pending_children} == set(names)
        await parent.signal(Parent.go_on)
        assert await parent.result(rpc_timeout=SOON) == [100, 100, 101, 101]
    audit = await here.check()
    await there.check()
    assert audit.kinds("parent").count("ChildWorkflowExecutionCompleted") == 4
    assert audit.kinds("parent").count("ExternalWorkflowExecutionSignaled") == 8


async def _counts(parent: Any, count: int) -> bool:
    return bool(await parent.query(Parent.count, rpc_timeout=SOON) == count)


async def test_a_thousand_children_run_once_each_over_a_restart(kafka: str, namespace: str, tmp_path: Path) -> None:
    count = 1_000
    async with place(kafka, namespace, tmp_path) as here:
        async with here.worker(workflows=WORKFLOWS):
            parent = await here.start(Crowd.run, count, id="crowd")
            await parent.signal(Crowd.go)
        # They are on their way: its processor stops after the transaction at hand.
        assert (await here.audit()).kinds("crowd")[-1] != "WorkflowExecutionCompleted"
        async with here.worker(workflows=WORKFLOWS, state="another"):
            assert await parent.result(rpc_timeout=SOON) == sum(range(count))
        audit = await here.check("another")
    kinds = Counter(audit.kinds("crowd"))
    for kind in ("StartChildWorkflowExecutionInitiated", "ChildWorkflowExecutionCompleted"):
        assert kinds[kind] == count
    for number in range(count):
        assert audit.kinds(f"newborn-{number}") == ["WorkflowExecutionStarted", "WorkflowExecutionCompleted"]


async def test_what_cannot_be_is_an_error_and_no_transaction_fails(places: tuple[Place, Place]) -> None:
    here, _ = places
    async with here.worker(workflows=WORKFLOWS):
        await here.start(Child.run, 0, id="taken")
        handle = await here.start(Refused.run, "taken", id="refused")
        assert await handle.result(rpc_timeout=SOON) == [
            "taken",
            "NamespaceNotFound",
            "ExternalWorkflowExecutionNotFound",
            "NamespaceNotFound",
        ]
    await here.check()


async def test_parent_close_policies(places: tuple[Place, Place]) -> None:
    here, _ = places
    terminated, abandoned, cancelled = here.ids("child", 2)[:3]
    async with here.worker(workflows=WORKFLOWS):
        parent = await here.start(Leaves.run, [terminated, abandoned, cancelled], id="parent")
        await parent.result(rpc_timeout=SOON)
        for name, status in (
            (terminated, WorkflowExecutionStatus.TERMINATED),
            (cancelled, WorkflowExecutionStatus.CANCELED),
        ):
            child = here.client.get_workflow_handle(name)
            with pytest.raises(WorkflowFailureError):
                await child.result(rpc_timeout=SOON)
            assert (await child.describe(rpc_timeout=SOON)).status == status
        left: Any = here.client.get_workflow_handle_for(Child.run, abandoned)
        await left.signal(Child.end)
        assert await left.result(rpc_timeout=SOON) == 0
    found = await here.check()
    assert found.kinds("parent")[-1] == "WorkflowExecutionCompleted"
