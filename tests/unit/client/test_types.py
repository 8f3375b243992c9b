"""What a type checker makes of calls by reference. mypy checks this file; running it only proves that it is importable.

Each `type: ignore` marks a call that must be refused: mypy's `warn_unused_ignores` fails if one is not.
"""

from __future__ import annotations

from typing import Any, assert_type

from foldlog.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowHandle,
    WorkflowUpdateHandle,
    WorkflowUpdateStage,
)
from foldlog.common import WorkflowIDConflictPolicy

from .workflows import NoParam, OneParam, Order, TwoParams


async def starts(client: Client) -> None:
    assert_type(await client.start_workflow(NoParam.run, id="a", task_queue="q"), WorkflowHandle[NoParam, int])
    one = await client.start_workflow(OneParam.run, Order("x", 1), id="a", task_queue="q")
    assert_type(one, WorkflowHandle[OneParam, Order])
    assert_type(await one.result(), Order)
    two = await client.start_workflow(TwoParams.run, args=["x", 2], id="a", task_queue="q")
    assert_type(await two.result(), list[str])
    named = await client.start_workflow("orders", 1, id="a", task_queue="q", result_type=int)
    assert_type(named, WorkflowHandle[Any, Any])


async def wrong_starts(client: Client) -> None:
    await client.start_workflow(OneParam.run, "no order", id="a", task_queue="q")  # type: ignore[misc]
    await client.start_workflow(NoParam.run, 1, id="a", task_queue="q")  # type: ignore[arg-type]
    await client.start_workflow(NoParam.run, id="a")  # type: ignore[call-overload]
    await client.start_workflow(NoParam.run, id="a", task_queue="q", memory={})  # type: ignore[call-overload]


async def executes(client: Client) -> None:
    assert_type(await client.execute_workflow(NoParam.run, id="a", task_queue="q"), int)
    assert_type(await client.execute_workflow(OneParam.run, Order("x", 1), id="a", task_queue="q"), Order)
    assert_type(await client.execute_workflow(TwoParams.run, args=["x", 2], id="a", task_queue="q"), list[str])
    assert_type(await client.execute_workflow("orders", id="a", task_queue="q"), Any)


async def handles(client: Client) -> None:
    assert_type(client.get_workflow_handle_for(NoParam.run, "a"), WorkflowHandle[NoParam, int])
    assert_type(client.get_workflow_handle_for(OneParam.run, "a"), WorkflowHandle[OneParam, Order])
    assert_type(client.get_workflow_handle_for(TwoParams.run, "a"), WorkflowHandle[TwoParams, list[str]])
    assert_type(client.get_workflow_handle("a"), WorkflowHandle[Any, Any])


async def signals_and_queries(handle: WorkflowHandle[OneParam, Order]) -> None:
    await handle.signal(OneParam.pause)
    await handle.signal(OneParam.add, 3)
    await handle.signal(OneParam.move, args=["a", "b"])
    await handle.signal("anything", 1)
    assert_type(await handle.query(OneParam.status), str)
    assert_type(await handle.query(OneParam.item_at, 1), Order)
    assert_type(await handle.query(OneParam.between, args=[1, 2]), list[Order])
    assert_type(await handle.query("status", result_type=str), Any)


async def wrong_signals_and_queries(
    handle: WorkflowHandle[OneParam, Order], other: WorkflowHandle[NoParam, int]
) -> None:
    await handle.signal(OneParam.add, "three")  # type: ignore[call-overload]
    await handle.query(OneParam.item_at, "one")  # type: ignore[arg-type]
    await other.signal(OneParam.pause)  # type: ignore[call-overload]


async def updates(handle: WorkflowHandle[OneParam, Order], client: Client) -> None:
    assert_type(await handle.execute_update(OneParam.close), int)
    assert_type(await handle.execute_update(OneParam.put, Order("x", 1)), list[Order])
    assert_type(await handle.execute_update(OneParam.exchange, args=["a", "b"]), str)
    assert_type(await handle.execute_update("close", result_type=int), Any)
    stage = WorkflowUpdateStage.ACCEPTED
    assert_type(await handle.start_update(OneParam.close, wait_for_stage=stage), WorkflowUpdateHandle[int])
    started = await handle.start_update(OneParam.put, Order("x", 1), wait_for_stage=stage)
    assert_type(started, WorkflowUpdateHandle[list[Order]])
    assert_type(await started.result(), list[Order])
    several = await handle.start_update(OneParam.exchange, args=["a", "b"], wait_for_stage=stage)
    assert_type(several, WorkflowUpdateHandle[str])
    assert_type(await handle.start_update("close", wait_for_stage=stage), WorkflowUpdateHandle[Any])
    assert_type(handle.get_update_handle_for(OneParam.put, "u"), WorkflowUpdateHandle[list[Order]])
    assert_type(handle.get_update_handle("u"), WorkflowUpdateHandle[Any])
    operation = WithStartWorkflowOperation(
        OneParam.run, Order("x", 1), id="a", task_queue="q", id_conflict_policy=WorkflowIDConflictPolicy.FAIL
    )
    assert_type(operation, WithStartWorkflowOperation[OneParam, Order])
    assert_type(await operation.workflow_handle(), WorkflowHandle[OneParam, Order])
    executed = await client.execute_update_with_start_workflow(
        OneParam.put, Order("x", 1), start_workflow_operation=operation
    )
    assert_type(executed, list[Order])
    sent = await client.start_update_with_start_workflow(
        OneParam.close, wait_for_stage=stage, start_workflow_operation=operation
    )
    assert_type(sent, WorkflowUpdateHandle[int])


async def wrong_updates(
    handle: WorkflowHandle[OneParam, Order], other: WorkflowHandle[NoParam, int], client: Client
) -> None:
    await handle.execute_update(OneParam.put, "no order")  # type: ignore[arg-type]
    await handle.execute_update(OneParam.close, 1)  # type: ignore[arg-type]
    await other.execute_update(OneParam.close)  # type: ignore[arg-type]
    await handle.start_update(OneParam.close)  # type: ignore[call-overload]
    await handle.execute_update(OneParam.pause)  # type: ignore[call-overload]
    WithStartWorkflowOperation(NoParam.run, id="a", task_queue="q")  # type: ignore[call-overload]


def test_this_file_is_for_the_type_checker() -> None:
    assert {starts, wrong_starts, executes, handles, signals_and_queries, wrong_signals_and_queries}
    assert {updates, wrong_updates}
