"""Updates and what becomes of them when processors are restarted, stores are lost, or the workflow stalls.

What they do otherwise is in `tests.conformance.messages`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from foldlog import workflow
from foldlog.client import (
    WorkflowHandle,
    WorkflowNotFoundError,
    WorkflowUpdateFailedError,
    WorkflowUpdateStage,
)
from foldlog.exceptions import ApplicationError

from tests.conformance import accounts
from tests.integration.processor.running import SOON, Place, place
from tests.integration.processor.workloads import Waiting
from tests.until import until_asked

ACCEPTED = WorkflowUpdateStage.ACCEPTED
broken = False


@workflow.defn
class Account(accounts.Account):
    """One that has a bug now and then."""

    @workflow.init
    def __init__(self, balance: int) -> None:
        super().__init__(balance)

    @workflow.run
    async def run(self, balance: int) -> list[str]:
        return await super().run(balance)

    @workflow.update
    async def fragile(self) -> str:
        if broken:
            raise RuntimeError("a bug in a handler")
        return "mended"


@pytest.fixture
async def here(kafka: str, namespace: str, tmp_path: Path) -> AsyncIterator[Place]:
    async with place(kafka, namespace, tmp_path) as found:
        yield found


OPTIONS: dict[str, Any] = {"workflows": [Account, Waiting], "activities": [accounts.look_up]}


async def opened(here: Place, workflow_id: str = "ann") -> WorkflowHandle[Account, list[str]]:
    handle: WorkflowHandle[Account, list[str]] = await here.start(Account.run, 10, id=workflow_id)
    return handle


async def test_updates_are_answered_refused_and_repeated(here: Place) -> None:
    async with here.worker(**OPTIONS):
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
    async with here.worker(**OPTIONS):
        handle = await opened(here)
        update = await handle.start_update(Account.deposit_when_released, 5, id="slow", wait_for_stage=ACCEPTED)
        waiting = asyncio.create_task(handle.execute_update(Account.deposit_when_released, 7, id="slower"))
        result = asyncio.create_task(update.result())
        await until_asked(lambda: _pending(handle, 2), "both are accepted")
    async with here.worker(**OPTIONS, state="elsewhere"):
        await handle.signal(Account.release, rpc_timeout=SOON)
        assert sorted([await result, await waiting]) in ([15, 22], [17, 22])
        assert await handle.query(Account.current) == 22
        await handle.signal(Account.close)
        await handle.result(rpc_timeout=SOON)
    await here.check("elsewhere")


async def _pending(handle: WorkflowHandle[Any, Any], count: int) -> bool:
    return len((await handle.describe(rpc_timeout=SOON)).pending_updates) == count


async def test_updates_of_a_stalled_workflow_are_answered_when_it_runs_again(here: Place) -> None:
    global broken
    broken = True
    async with here.worker(**OPTIONS):
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
