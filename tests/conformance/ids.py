"""Scenarios of workflow IDs that are in use: by runs that have ended in each way, and by starts at the same time."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from foldlog import workflow
from foldlog.client import Client, WorkflowExecutionStatus, WorkflowFailureError
from foldlog.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from foldlog.exceptions import ApplicationError, WorkflowAlreadyStartedError, WorkflowNotFoundError

from tests.conformance.scenarios import QUEUE, SOON, Place, Scenario
from tests.until import until_asked

AT_ONCE = 20
Status = WorkflowExecutionStatus
Conflict, Reuse = WorkflowIDConflictPolicy, WorkflowIDReusePolicy


@workflow.defn
class Ending:
    """Ends as it is told."""

    def __init__(self) -> None:
        self.over = False

    @workflow.run
    async def run(self, how: str) -> str:
        if how == "fails":
            raise ApplicationError("as told")
        await workflow.wait_condition(lambda: self.over or how == "completes")
        return how

    @workflow.signal
    def end(self) -> None:
        self.over = True


@workflow.defn
class Heir:
    """Starts a child whose ID may be in use."""

    @workflow.run
    async def run(self, child: str, elsewhere: str | None, policy: int) -> str:
        try:
            return await workflow.execute_child_workflow(
                Ending.run, "completes", id=child, namespace=elsewhere, id_reuse_policy=WorkflowIDReusePolicy(policy)
            )
        except WorkflowAlreadyStartedError as error:
            return f"{error.workflow_type} {error.workflow_id} was there"


@workflow.defn
class Mistaken:
    """Makes a child's ID of what cannot be one, until its code is mended."""

    mended = False

    def __init__(self) -> None:
        self.word = ""

    @workflow.run
    async def run(self) -> str:
        await workflow.wait_condition(lambda: bool(self.word))
        name = f"{workflow.info().workflow_id}-{self.word}" if Mistaken.mended else "\ud800"
        return await workflow.execute_child_workflow(Ending.run, "completes", id=name)

    @workflow.signal
    def tell(self, word: str) -> None:
        self.word = word


async def ids_that_cannot_be(here: Place) -> None:
    """Their run stalls, and what it came of is not lost."""
    Mistaken.mended = False
    handle = await here.start(Mistaken.run)
    await handle.signal(Mistaken.tell, "child")

    async def stalled() -> str:
        return (await handle.describe()).stalled_error

    assert "cannot be recorded" in await until_asked(stalled, "it stalls")
    Mistaken.mended = True
    assert await handle.result() == "completes"
    assert await here.client.get_workflow_handle(f"{handle.id}-child").result() == "completes"


async def ids_of_closed_runs(here: Place) -> None:
    """What may follow a run does not depend on the conflict policy, and is remembered by the last run of the ID."""
    for status in (Status.COMPLETED, Status.FAILED, Status.CANCELED, Status.TERMINATED, Status.TIMED_OUT):
        how = {Status.COMPLETED: "completes", Status.FAILED: "fails"}.get(status, "waits")
        options: dict[str, Any] = {"run_timeout": timedelta(milliseconds=50)} if status is Status.TIMED_OUT else {}
        first = await here.start(Ending.run, how, **options)
        if status is Status.CANCELED:
            await first.cancel()
        if status is Status.TERMINATED:
            await first.terminate()
        if status is Status.COMPLETED:
            assert await first.result() == how
        else:
            with pytest.raises(WorkflowFailureError):
                await first.result()
        assert (await first.describe()).status is status
        refused = [Reuse.REJECT_DUPLICATE]
        allowed = [Reuse.ALLOW_DUPLICATE]
        (refused if status is Status.COMPLETED else allowed).append(Reuse.ALLOW_DUPLICATE_FAILED_ONLY)
        for policy in refused:
            with pytest.raises(WorkflowAlreadyStartedError) as told:
                await here.start(Ending.run, "fails", id=first.id, id_reuse_policy=policy)
            assert told.value.run_id == first.result_run_id
        for policy in allowed:
            again = await here.start(
                Ending.run, "fails", id=first.id, id_reuse_policy=policy, id_conflict_policy=Conflict.USE_EXISTING
            )
            assert again.result_run_id != first.result_run_id
            with pytest.raises(WorkflowFailureError, match="as told"):
                await again.result()


async def starts_at_the_same_time(here: Place) -> None:
    """One of them starts the workflow; what the others come to is the policy's."""

    async def all_at_once(policy: WorkflowIDConflictPolicy) -> list[Any]:
        workflow_id = uuid.uuid4().hex
        starts = (here.start(Ending.run, "waits", id=workflow_id, id_conflict_policy=policy) for _ in range(AT_ONCE))
        return list(await asyncio.gather(*starts, return_exceptions=True))

    fail = await all_at_once(Conflict.FAIL)
    [winner] = [each for each in fail if not isinstance(each, WorkflowAlreadyStartedError)]
    assert {each.run_id for each in fail if each is not winner} == {winner.result_run_id}
    use = await all_at_once(Conflict.USE_EXISTING)
    assert len({each.result_run_id for each in use}) == 1
    assert sum(each.first_execution_run_id is not None for each in use) == 1
    terminate = await all_at_once(Conflict.TERMINATE_EXISTING)
    assert len({each.result_run_id for each in terminate}) == AT_ONCE
    seen = [
        (await here.client.get_workflow_handle(each.id, run_id=each.result_run_id).describe()).status
        for each in terminate
    ]
    assert sorted(seen, key=str) == sorted([Status.TERMINATED] * (AT_ONCE - 1) + [Status.RUNNING], key=str)
    # A handle is of the chain that it started, and not of what has the ID now.
    replaced = terminate[seen.index(Status.TERMINATED)]
    for say in (replaced.cancel(), replaced.terminate(), replaced.execute_update("anything")):
        with pytest.raises(WorkflowNotFoundError):
            await say
    for each in (winner, use[0], terminate[seen.index(Status.RUNNING)]):
        await each.signal(Ending.end)
        assert await each.result() == "waits"


async def ids_of_children(here: Place) -> None:
    """Those of workflows that nobody's children were, in this namespace and in another one."""
    befores = ("completes", "fails", "is cancelled", "is terminated", "is open")

    async def beget(before: str, policy: WorkflowIDReusePolicy, client: Client) -> None:
        name = uuid.uuid4().hex
        first = await client.start_workflow(Ending.run, before, id=name, task_queue=QUEUE, rpc_timeout=SOON)
        if before == "is cancelled":
            await first.cancel()
        if before == "is terminated":
            await first.terminate()
        if before == "completes":
            await first.result()
        elif before != "is open":
            with pytest.raises(WorkflowFailureError):
                await first.result()
        elsewhere = None if client is here.client else client.namespace
        found = await here.execute(Heir.run, name, elsewhere, int(policy))
        refused = {
            Reuse.ALLOW_DUPLICATE: ("is open",),
            Reuse.ALLOW_DUPLICATE_FAILED_ONLY: ("completes", "is open"),
            Reuse.REJECT_DUPLICATE: befores,
            Reuse.TERMINATE_IF_RUNNING: (),
        }
        assert found == (f"Ending {name} was there" if before in refused[policy] else "completes"), (before, policy)
        if before == "is open":
            status = Status.TERMINATED if policy is Reuse.TERMINATE_IF_RUNNING else Status.RUNNING
            one = client.get_workflow_handle(name, run_id=first.first_execution_run_id)
            assert (await one.describe()).status is status
            if status is Status.RUNNING:
                await one.signal(Ending.end)

    await asyncio.gather(*(beget(*case) for case in product(befores, Reuse, (here.client, here.elsewhere))))


WORKFLOWS: Sequence[type] = [Ending, Heir, Mistaken]
SHARED: list[Scenario] = [ids_of_closed_runs, starts_at_the_same_time, ids_of_children, ids_that_cannot_be]
