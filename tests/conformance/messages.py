"""Scenarios of updates, and of starts that come with a message."""

from __future__ import annotations

import asyncio
import uuid
from datetime import timedelta
from typing import Any

import pytest
from foldlog.client import (
    WithStartWorkflowOperation,
    WorkflowHandle,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
    WorkflowUpdateStage,
)
from foldlog.common import RetryPolicy, WorkflowIDConflictPolicy
from foldlog.exceptions import ApplicationError, WorkflowAlreadyStartedError, WorkflowNotFoundError

from tests.conformance.accounts import Account, Again
from tests.conformance.scenarios import QUEUE, Place, Scenario, names
from tests.until import until_asked

ACCEPTED = WorkflowUpdateStage.ACCEPTED
FAIL, USE_EXISTING = WorkflowIDConflictPolicy.FAIL, WorkflowIDConflictPolicy.USE_EXISTING


async def opened(here: Place) -> WorkflowHandle[Account, list[str]]:
    handle: WorkflowHandle[Account, list[str]] = await here.start(Account.run, 10)
    return handle


async def ended(handle: WorkflowHandle[Account, list[str]]) -> list[str]:
    await handle.signal(Account.close)
    return await handle.result()


async def updates(here: Place) -> None:
    handle = await opened(here)
    assert await handle.execute_update(Account.deposit, 5, id="d1") == 15
    assert await handle.execute_update(Account.deposit, 5, id="d1") == 15
    assert await handle.query(Account.current) == 15
    results = await asyncio.gather(*(handle.execute_update(Account.deposit, 1) for _ in range(50)))
    assert sorted(results) == list(range(16, 66))
    assert (await names(handle)).count("WorkflowExecutionUpdateAccepted") == 51
    assert len(await ended(handle)) == 52
    with pytest.raises(WorkflowNotFoundError):
        await handle.execute_update(Account.deposit, 1)
    assert await handle.execute_update(Account.deposit, 5, id="d1") == 15
    assert await handle.get_update_handle_for(Account.deposit, "d1").result() == 15


async def updates_that_fail(here: Place) -> None:
    handle = await opened(here)
    with pytest.raises(WorkflowUpdateFailedError) as failed:
        await handle.execute_update(Account.fail, "no")
    cause = failed.value.cause
    assert isinstance(cause, ApplicationError)
    assert (cause.message, cause.type, cause.details) == ("no", "Failed", (42,))
    events = await names(handle)
    with pytest.raises(WorkflowUpdateFailedError, match="cannot deposit -5"):
        await handle.execute_update(Account.deposit, -5)
    unknown = await handle.start_update("unknown", wait_for_stage=ACCEPTED)
    with pytest.raises(WorkflowUpdateFailedError, match="expected but not found"):
        await unknown.result()
    with pytest.raises(WorkflowUpdateFailedError, match="takes 1 arguments"):
        await handle.execute_update("deposit")
    with pytest.raises(WorkflowNotFoundError):
        await handle.get_update_handle("nothing").result()
    assert await names(handle) == events
    await ended(handle)


async def updates_that_take_longer(here: Place) -> None:
    handle = await opened(here)
    update = await handle.start_update(Account.deposit_when_released, 5, wait_for_stage=ACCEPTED)
    assert await handle.query(Account.current) == 10
    waiting = asyncio.create_task(handle.execute_update(Account.deposit_after, args=[7, 0.2]))
    assert (await handle.describe()).pending_updates[0] == update.id
    await handle.signal(Account.release)
    assert sorted([await update.result(), await waiting]) in ([15, 22], [17, 22])
    assert (await handle.describe()).pending_updates == []
    await ended(handle)


async def updates_of_a_run_that_ends(here: Place) -> None:
    handle = await opened(here)
    update = await handle.start_update(Account.never, wait_for_stage=ACCEPTED)
    with pytest.raises(WorkflowUpdateRPCTimeoutOrCancelledError):
        await update.result(rpc_timeout=timedelta(milliseconds=100))
    waiting = asyncio.create_task(update.result())
    await handle.terminate(reason="enough")
    for outcome in (waiting, handle.get_update_handle(update.id).result()):
        with pytest.raises(WorkflowUpdateFailedError) as failed:
            await outcome
        assert isinstance(failed.value.cause, ApplicationError)
        assert failed.value.cause.type == "AcceptedUpdateCompletedWorkflow"


async def updates_wait_for_the_next_attempt(here: Place) -> None:
    retries = RetryPolicy(initial_interval=timedelta(seconds=1))
    handle = await here.start(Again.run, True, retry_policy=retries)
    current = here.client.get_workflow_handle(handle.id)

    async def is_held() -> bool:
        return (await current.describe()).attempt == 2

    await until_asked(is_held, "the second attempt is to come")
    update = asyncio.create_task(current.execute_update("say", "x", id="u", result_type=str))
    assert await handle.result() == ["x"]
    assert await update == "x, in attempt 2"
    events = (await current.fetch_history()).events
    assert [type(each).__name__ for each in events][:3] == [
        "WorkflowExecutionStarted",
        "WorkflowTaskScheduled",
        "WorkflowExecutionUpdateAccepted",
    ]


async def so_many_updates_at_a_time(here: Place) -> None:
    handle = await opened(here)
    waiting = [await handle.start_update(Account.deposit_when_released, 1, wait_for_stage=ACCEPTED) for _ in range(10)]
    one_more = asyncio.create_task(handle.execute_update(Account.deposit, 1))

    async def is_refused() -> Any:
        return len((await handle.describe()).pending_updates) == 10

    await until_asked(is_refused, "ten updates")
    await handle.signal(Account.release)
    assert sorted([*[await update.result() for update in waiting], await one_more]) == list(range(11, 22))
    await ended(handle)


async def a_start_with_a_signal(here: Place) -> None:
    workflow_id = uuid.uuid4().hex
    options: dict[str, Any] = {"id": workflow_id, "start_signal": "note"}
    handle = await here.start(Account.run, 10, start_signal_args=["first"], **options)
    again = await here.start(Account.run, 99, start_signal_args=["second"], **options)
    assert again.result_run_id == handle.result_run_id
    assert await ended(handle) == ["first", "run", "second"]
    assert (await names(handle))[:3] == [
        "WorkflowExecutionStarted",
        "WorkflowExecutionSignaled",
        "WorkflowTaskScheduled",
    ]


async def a_start_with_an_update_whose_handler_is_set_by_the_code(here: Place) -> None:
    start = WithStartWorkflowOperation(Again.run, False, id=uuid.uuid4().hex, task_queue=QUEUE, id_conflict_policy=FAIL)
    result = await here.client.execute_update_with_start_workflow(
        "say", "x", start_workflow_operation=start, result_type=str
    )
    assert result == "x, in attempt 1"
    assert await (await start.workflow_handle()).result() == ["x"]


async def a_start_with_an_update(here: Place) -> None:
    def start_of(workflow_id: str, policy: WorkflowIDConflictPolicy) -> WithStartWorkflowOperation[Account, list[str]]:
        return WithStartWorkflowOperation(Account.run, 10, id=workflow_id, task_queue=QUEUE, id_conflict_policy=policy)

    execute = here.client.execute_update_with_start_workflow
    name, other, third = (uuid.uuid4().hex for _ in range(3))
    first = start_of(name, FAIL)
    assert await execute(Account.deposit, 5, start_workflow_operation=first) == 15
    handle = await first.workflow_handle()
    again = start_of(name, USE_EXISTING)
    assert await execute(Account.deposit, 5, start_workflow_operation=again) == 20
    same = await again.workflow_handle()
    assert (same.result_run_id, same.first_execution_run_id) == (handle.result_run_id, handle.first_execution_run_id)
    assert handle.first_execution_run_id == handle.result_run_id
    with pytest.raises(WorkflowAlreadyStartedError):
        await execute(Account.deposit, 5, start_workflow_operation=start_of(name, FAIL))
    refused = start_of(other, USE_EXISTING)
    with pytest.raises(WorkflowUpdateFailedError):
        await execute(Account.deposit, -5, start_workflow_operation=refused)
    assert await (await refused.workflow_handle()).query(Account.current) == 10
    slow = start_of(third, FAIL)
    update = await here.client.start_update_with_start_workflow(
        Account.deposit_when_released, 5, start_workflow_operation=slow, wait_for_stage=ACCEPTED
    )
    slow_handle = await slow.workflow_handle()
    await slow_handle.signal(Account.release)
    assert await update.result() == 15
    assert await ended(handle) == ["deposit 5", "run", "deposit 5"]
    await ended(slow_handle)
    await ended(await refused.workflow_handle())


async def an_update_ends_a_start_delay(here: Place) -> None:
    """Its handler begins before the code does, and a refused one changes nothing."""
    handle = await here.start(Account.run, 10, start_delay=timedelta(hours=1))
    with pytest.raises(WorkflowUpdateFailedError):
        await handle.execute_update(Account.deposit, -5)
    assert await names(handle) == ["WorkflowExecutionStarted"]
    assert await handle.execute_update(Account.deposit, 5) == 15
    assert await ended(handle) == ["deposit 5", "run"]


SHARED: list[Scenario] = [
    updates,
    updates_that_fail,
    updates_that_take_longer,
    updates_of_a_run_that_ends,
    updates_wait_for_the_next_attempt,
    so_many_updates_at_a_time,
    a_start_with_a_signal,
    a_start_with_an_update,
    an_update_ends_a_start_delay,
    a_start_with_an_update_whose_handler_is_set_by_the_code,
]
"""As in `scenarios`."""
