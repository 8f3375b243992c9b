"""What a type checker makes of handles of workflows and updates, of update-with-start, children and continue-as-new.

mypy and pyright check this file, see `tests/unit/runtime/test_typing.py`. Each `type: ignore` is of a wrong call.
"""

from __future__ import annotations

from typing import Any, assert_type

from foldlog import workflow
from foldlog.client import (
    Client,
    ScheduleDescription,
    ScheduleListDescription,
    WithStartWorkflowOperation,
    WorkflowExecution,
    WorkflowHandle,
    WorkflowUpdateHandle,
    WorkflowUpdateStage,
)
from foldlog.common import WorkflowIDConflictPolicy
from foldlog.converter import PayloadConverter
from foldlog.workflow import ChildWorkflowHandle

from .workflows import NoParam, OneParam, Order, TwoParams

ORDER = Order("x", 1)
DONE = WorkflowUpdateStage.COMPLETED
FAIL = WorkflowIDConflictPolicy.FAIL


async def updates(handle: WorkflowHandle[OneParam, Order]) -> None:
    assert_type(await handle.execute_update(OneParam.close), int)
    assert_type(await handle.execute_update(OneParam.put, ORDER), list[Order])
    assert_type(await handle.execute_update(OneParam.exchange, args=["a", "b"]), str)
    none = await handle.start_update(OneParam.close, wait_for_stage=DONE)
    one = await handle.start_update(OneParam.put, ORDER, wait_for_stage=DONE)
    two = await handle.start_update(OneParam.exchange, args=["a", "b"], wait_for_stage=DONE)
    assert_type(none, WorkflowUpdateHandle[int])
    assert_type(one, WorkflowUpdateHandle[list[Order]])
    assert_type(two, WorkflowUpdateHandle[str])
    assert_type(await one.result(), list[Order])
    assert_type(handle.get_update_handle_for(OneParam.put, "id"), WorkflowUpdateHandle[list[Order]])
    await handle.start_update(OneParam.put, "no order", wait_for_stage=DONE)  # type: ignore[arg-type]
    await handle.execute_update(OneParam.put, "no order")  # type: ignore[arg-type]


async def queries(handle: WorkflowHandle[OneParam, Order]) -> None:
    assert_type(await handle.query(OneParam.status), str)
    assert_type(await handle.query(OneParam.item_at, 1), Order)
    assert_type(await handle.query(OneParam.between, args=[1, 2]), list[Order])


async def handles(client: Client) -> None:
    assert_type(client.get_workflow_handle_for(NoParam.run, "id"), WorkflowHandle[NoParam, int])
    assert_type(client.get_workflow_handle_for(OneParam.run, "id"), WorkflowHandle[OneParam, Order])
    assert_type(client.get_workflow_handle_for(TwoParams.run, "id"), WorkflowHandle[TwoParams, list[str]])
    await client.start_workflow(OneParam.run, 1, id="a", task_queue="q")  # type: ignore[misc]
    await client.execute_workflow(OneParam.run, 1, id="a", task_queue="q")  # type: ignore[misc]


async def with_start(client: Client) -> None:
    start = WithStartWorkflowOperation(OneParam.run, ORDER, id="a", task_queue="q", id_conflict_policy=FAIL)
    assert_type(start, WithStartWorkflowOperation[OneParam, Order])
    assert_type(await start.workflow_handle(), WorkflowHandle[OneParam, Order])
    WithStartWorkflowOperation(OneParam.run, 1, id="a", task_queue="q", id_conflict_policy=FAIL)  # type: ignore[misc]
    execute, begin = client.execute_update_with_start_workflow, client.start_update_with_start_workflow
    assert_type(await execute(OneParam.close, start_workflow_operation=start), int)
    assert_type(await execute(OneParam.put, ORDER, start_workflow_operation=start), list[Order])
    assert_type(await execute(OneParam.exchange, args=["a", "b"], start_workflow_operation=start), str)
    await execute(OneParam.put, 1, start_workflow_operation=start)  # type: ignore[arg-type]
    none = await begin(OneParam.close, wait_for_stage=DONE, start_workflow_operation=start)
    one = await begin(OneParam.put, ORDER, wait_for_stage=DONE, start_workflow_operation=start)
    two = await begin(OneParam.exchange, args=["a", "b"], wait_for_stage=DONE, start_workflow_operation=start)
    assert_type(none, WorkflowUpdateHandle[int])
    assert_type(one, WorkflowUpdateHandle[list[Order]])
    assert_type(two, WorkflowUpdateHandle[str])
    await begin(OneParam.put, 1, wait_for_stage=DONE, start_workflow_operation=start)  # type: ignore[arg-type]


async def children() -> None:
    assert_type(await workflow.start_child_workflow(NoParam.run), ChildWorkflowHandle[NoParam, int])
    assert_type(await workflow.start_child_workflow(OneParam.run, ORDER), ChildWorkflowHandle[OneParam, Order])
    two = await workflow.start_child_workflow(TwoParams.run, args=["x", 1])
    assert_type(two, ChildWorkflowHandle[TwoParams, list[str]])
    assert_type(await two, list[str])
    await workflow.start_child_workflow(OneParam.run, 1)  # type: ignore[misc]
    await workflow.execute_child_workflow(OneParam.run, 1)  # type: ignore[misc]


def goes_on() -> None:
    workflow.continue_as_new(1, workflow=OneParam.run)  # type: ignore[misc]


async def memos(one: WorkflowExecution | ScheduleDescription | ScheduleListDescription) -> None:
    assert_type(await one.memo_value("x"), Any)
    assert_type(await one.memo_value("x", type_hint=Order), Order)
    assert_type(await one.memo_value("x", None, type_hint=Order), Order | None)
    number: int = await one.memo_value("x", type_hint=Order)  # type: ignore[arg-type]
    print(number)


def converted(converter: PayloadConverter) -> None:
    payload = converter.to_payload(ORDER)
    assert_type(converter.from_payload(payload), Any)
    assert_type(converter.from_payload(payload, Order), Order)
    assert_type(converter.from_payload(payload, list[Order]), list[Order])
    assert_type(converter.from_payload(payload, None), Any)
    number: int = converter.from_payload(payload, Order)  # type: ignore[assignment]
    print(number)
