"""What a type checker makes of calls by reference. mypy checks this file; running it only proves that it is importable.

Each `type: ignore` marks a call that must be refused: mypy's `warn_unused_ignores` fails if one is not.
"""

from __future__ import annotations

from typing import Any, assert_type

from foldlog.client import Client, WorkflowHandle

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
    await handle.query(OneParam.item_at, "one")  # type: ignore[call-overload]
    await other.signal(OneParam.pause)  # type: ignore[call-overload]


def test_this_file_is_for_the_type_checker() -> None:
    assert {starts, wrong_starts, executes, handles, signals_and_queries, wrong_signals_and_queries}
