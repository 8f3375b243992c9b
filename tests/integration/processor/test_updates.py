"""Updates, and starts with signals and updates, against a real broker and processor, also when that is restarted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from foldlog import workflow
from foldlog.client import (
    WithStartWorkflowOperation,
    WorkflowHandle,
    WorkflowNotFoundError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
    WorkflowUpdateStage,
)
from foldlog.common import WorkflowIDConflictPolicy
from foldlog.exceptions import ApplicationError, WorkflowAlreadyStartedError

from tests.integration.processor.running import SOON, Place, place, until_asked
from tests.integration.processor.workloads import LIMIT, QUEUE, Waiting, echo

ACCEPTED = WorkflowUpdateStage.ACCEPTED
broken = False


@workflow.defn
class Account:
    """Takes deposits as updates; some of them wait for a signal."""

    @workflow.init
    def __init__(self, balance: int) -> None:
        self.balance = balance
        self.log: list[str] = []
        self.released = False
        self.closed = False

    @workflow.run
    async def run(self, balance: int) -> list[str]:
        self.log.append("run")
        await workflow.wait_condition(lambda: self.closed)
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self.log

    @workflow.update
    def deposit(self, amount: int) -> int:
        self.balance += amount
        self.log.append(f"deposit {amount}")
        return self.balance

    @deposit.validator
    def check_deposit(self, amount: int) -> None:
        if amount <= 0:
            raise ApplicationError(f"cannot deposit {amount}", type="NotPositive")

    @workflow.update
    async def deposit_when_released(self, amount: int) -> int:
        await workflow.wait_condition(lambda: self.released)
        await workflow.execute_activity(echo, str(amount), start_to_close_timeout=LIMIT)
        self.balance += amount
        return self.balance

    @workflow.update(unfinished_policy=workflow.HandlerUnfinishedPolicy.ABANDON)
    async def never(self) -> None:
        await asyncio.Event().wait()

    @workflow.update
    async def fragile(self) -> str:
        if broken:
            raise RuntimeError("a bug in a handler")
        return "mended"

    @workflow.signal
    def note(self, text: str) -> None:
        self.log.append(text)

    @workflow.signal
    def release(self) -> None:
        self.released = True

    @workflow.signal
    def close(self) -> None:
        self.closed = True

    @workflow.query
    def current(self) -> int:
        return self.balance


@pytest.fixture
async def here(kafka: str, namespace: str, tmp_path: Path) -> AsyncIterator[Place]:
    async with place(kafka, namespace, tmp_path) as found:
        yield found


WORKFLOWS = [Account, Waiting]


async def opened(here: Place, workflow_id: str = "ann") -> WorkflowHandle[Account, list[str]]:
    handle: WorkflowHandle[Account, list[str]] = await here.start(Account.run, 10, id=workflow_id)
    return handle


async def test_updates_are_answered_refused_and_repeated(here: Place) -> None:
    async with here.worker(workflows=WORKFLOWS):
        handle = await opened(here)
        assert await handle.execute_update(Account.deposit, 5, id="d1") == 15
        assert await handle.execute_update(Account.deposit, 5, id="d1") == 15
        assert await handle.query(Account.current) == 15
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await handle.execute_update(Account.deposit, -5)
        assert isinstance(refused.value.cause, ApplicationError)
        assert refused.value.cause.type == "NotPositive"
        results = await asyncio.gather(*(handle.execute_update(Account.deposit, 1) for _ in range(200)))
        assert sorted(results) == list(range(16, 216))
        unknown = await handle.start_update("unknown", wait_for_stage=ACCEPTED)
        with pytest.raises(WorkflowUpdateFailedError, match="expected but not found"):
            await unknown.result()
        with pytest.raises(WorkflowUpdateFailedError, match="takes 1 arguments"):
            await handle.execute_update("deposit")
        with pytest.raises(WorkflowNotFoundError):
            await handle.get_update_handle("nothing").result()
        await handle.signal(Account.close)
        assert len(await handle.result(rpc_timeout=SOON)) == 202
        with pytest.raises(WorkflowNotFoundError):
            await handle.execute_update(Account.deposit, 1)
        assert await handle.execute_update(Account.deposit, 5, id="d1") == 15
        assert await handle.get_update_handle_for(Account.deposit, "d1").result() == 15
    found = await here.check()
    assert found.kinds("ann").count("WorkflowExecutionUpdateAccepted") == 201


async def test_waiting_outlasts_a_restart_and_a_lost_store(here: Place) -> None:
    async with here.worker(workflows=WORKFLOWS):
        handle = await opened(here)
        update = await handle.start_update(Account.deposit_when_released, 5, id="slow", wait_for_stage=ACCEPTED)
        waiting = asyncio.create_task(handle.execute_update(Account.deposit_when_released, 7, id="slower"))
        result = asyncio.create_task(update.result())
        await until_asked(lambda: _pending(handle, 2), "both are accepted")
    async with here.worker(workflows=WORKFLOWS, state="elsewhere"):
        await handle.signal(Account.release, rpc_timeout=SOON)
        assert sorted([await result, await waiting]) in ([15, 22], [17, 22])
        assert await handle.query(Account.current) == 22
        await handle.signal(Account.close)
        await handle.result(rpc_timeout=SOON)
    await here.check("elsewhere")


async def _pending(handle: WorkflowHandle[Any, Any], count: int) -> bool:
    return len((await handle.describe(rpc_timeout=SOON)).pending_updates) == count


async def test_a_run_that_ends_fails_what_has_not_ended(here: Place) -> None:
    async with here.worker(workflows=WORKFLOWS):
        handle = await opened(here)
        update = await handle.start_update(Account.never, wait_for_stage=ACCEPTED)
        with pytest.raises(WorkflowUpdateRPCTimeoutOrCancelledError):
            await update.result(rpc_timeout=timedelta(milliseconds=200))
        waiting = asyncio.create_task(update.result())
        await handle.terminate(reason="enough")
        for ended in (waiting, handle.get_update_handle(update.id).result()):
            with pytest.raises(WorkflowUpdateFailedError) as failed:
                await ended
            assert isinstance(failed.value.cause, ApplicationError)
            assert failed.value.cause.type == "AcceptedUpdateCompletedWorkflow"
    await here.check()


async def test_updates_of_a_stalled_workflow_are_answered_when_it_runs_again(here: Place) -> None:
    global broken
    broken = True
    async with here.worker(workflows=WORKFLOWS):
        handle = await opened(here)
        fragile = asyncio.create_task(handle.execute_update(Account.fragile))
        await until_asked(lambda: _is_stalled(handle), "it is stalled")
        deposit = asyncio.create_task(handle.execute_update(Account.deposit, 5))
        await until_asked(lambda: _is_stalled(handle, 1), "the deposit is kept")
        broken = False
        assert await fragile == "mended"
        assert await deposit == 15
    await here.check()


async def _is_stalled(handle: WorkflowHandle[Any, Any], deferred: int = 0) -> bool:
    found = await handle.describe(rpc_timeout=SOON)
    return bool(found.stalled_error) and found.deferred_commands >= deferred


async def test_a_signal_that_comes_with_a_start_is_before_run(here: Place) -> None:
    async with here.worker(workflows=WORKFLOWS):
        handle = await here.start(Account.run, 10, id="ann", start_signal="note", start_signal_args=["first"])
        again = await here.start(Account.run, 99, id="ann", start_signal="note", start_signal_args=["second"])
        assert again.result_run_id == handle.result_run_id
        await handle.signal(Account.close)
        assert await handle.result(rpc_timeout=SOON) == ["first", "run", "second"]
    found = await here.check()
    assert found.kinds("ann")[:3] == [
        "WorkflowExecutionStarted",
        "WorkflowExecutionSignaled",
        "WorkflowTaskScheduled",
    ]


def start_of(workflow_id: str, policy: WorkflowIDConflictPolicy) -> WithStartWorkflowOperation[Account, list[str]]:
    return WithStartWorkflowOperation(Account.run, 10, id=workflow_id, task_queue=QUEUE, id_conflict_policy=policy)


async def test_an_update_comes_with_a_start(here: Place) -> None:
    async with here.worker(workflows=WORKFLOWS):
        first = start_of("ann", WorkflowIDConflictPolicy.FAIL)
        execute = here.client.execute_update_with_start_workflow
        assert await execute(Account.deposit, 5, start_workflow_operation=first, id="d1") == 15
        handle = await first.workflow_handle()
        again = start_of("ann", WorkflowIDConflictPolicy.USE_EXISTING)
        assert await execute(Account.deposit, 5, start_workflow_operation=again, id="d2") == 20
        assert (await again.workflow_handle()).result_run_id == handle.result_run_id
        third = start_of("ann", WorkflowIDConflictPolicy.FAIL)
        with pytest.raises(WorkflowAlreadyStartedError):
            await execute(Account.deposit, 5, start_workflow_operation=third)
        refused = start_of("bob", WorkflowIDConflictPolicy.USE_EXISTING)
        with pytest.raises(WorkflowUpdateFailedError):
            await execute(Account.deposit, -5, start_workflow_operation=refused)
        assert await (await refused.workflow_handle()).query(Account.current) == 10
        slow = start_of("cay", WorkflowIDConflictPolicy.FAIL)
        update = await here.client.start_update_with_start_workflow(
            Account.deposit_when_released, 5, start_workflow_operation=slow, wait_for_stage=ACCEPTED
        )
        await (await slow.workflow_handle()).signal(Account.release)
        assert await update.result() == 15
        await handle.signal(Account.close)
        assert await handle.result(rpc_timeout=SOON) == ["deposit 5", "run", "deposit 5"]
    await here.check()
