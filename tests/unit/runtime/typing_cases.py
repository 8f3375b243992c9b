"""What type checkers know of calls of activities and child workflows. Never run: a test runs mypy and pyright on it.

`assert_type` says what must be known. Each `type: ignore` names an error that must be found: were it not, mypy would
report the comment as unused. Pyright, which is told to pass over these comments, must find an error in the same lines.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, assert_type

from foldlog import activity, workflow
from foldlog.common import RetryPolicy
from foldlog.core.decider import Decider, DeciderFactory
from foldlog.runtime import WorkflowRuntime
from foldlog.schemas.event import WorkflowExecutionStarted
from foldlog.workflow import (
    ActivityConfig,
    ActivityHandle,
    ChildWorkflowConfig,
    ChildWorkflowHandle,
    ExternalWorkflowHandle,
    LocalActivityConfig,
    ParentClosePolicy,
)

TIMEOUT = timedelta(seconds=1)


@dataclass
class Order:
    item: str


@activity.defn
async def a_none() -> int: ...  # type: ignore[empty-body]  # only its type matters here


@activity.defn
def s_none() -> str: ...  # type: ignore[empty-body]


@activity.defn
async def a_one(order: Order) -> list[Order]: ...  # type: ignore[empty-body]


@activity.defn
def s_one(order: Order) -> Order | None: ...


@activity.defn
async def a_two(order: Order, count: int) -> dict[str, int]: ...  # type: ignore[empty-body]


@activity.defn
def s_two(order: Order, count: int) -> bytes: ...  # type: ignore[empty-body]


@activity.defn
async def a_default(order: Order, count: int = 1) -> float: ...  # type: ignore[empty-body]


@activity.defn
async def a_nothing(order: Order) -> None: ...


class Methods:
    @activity.defn
    async def none(self) -> int: ...  # type: ignore[empty-body]

    @activity.defn
    def one(self, order: Order) -> str: ...  # type: ignore[empty-body]

    @activity.defn
    async def two(self, order: Order, count: int) -> bytes: ...  # type: ignore[empty-body]


@activity.defn
class Callable0:
    async def __call__(self) -> int: ...  # type: ignore[empty-body]


@activity.defn
class Callable1:
    def __call__(self, order: Order) -> str: ...  # type: ignore[empty-body]


async def functions(order: Order) -> None:
    assert_type(await workflow.execute_activity(a_none, start_to_close_timeout=TIMEOUT), int)
    assert_type(await workflow.execute_activity(s_none, start_to_close_timeout=TIMEOUT), str)
    assert_type(await workflow.execute_activity(a_one, order, start_to_close_timeout=TIMEOUT), list[Order])
    assert_type(await workflow.execute_activity(s_one, order, start_to_close_timeout=TIMEOUT), Order | None)
    assert_type(await workflow.execute_activity(a_default, order, start_to_close_timeout=TIMEOUT), float)
    assert_type(await workflow.execute_activity(a_two, args=[order, 1], start_to_close_timeout=TIMEOUT), dict[str, int])
    assert_type(await workflow.execute_activity(s_two, args=[order, 1], start_to_close_timeout=TIMEOUT), bytes)
    assert_type(workflow.start_activity(a_one, order, start_to_close_timeout=TIMEOUT), ActivityHandle[list[Order]])
    assert_type(await workflow.start_activity(s_two, args=[order, 1], start_to_close_timeout=TIMEOUT), bytes)
    await workflow.execute_activity(a_nothing, order, start_to_close_timeout=TIMEOUT)


async def wrong_calls(order: Order) -> None:
    await workflow.execute_activity(a_one, 1, start_to_close_timeout=TIMEOUT)  # type: ignore[arg-type]
    await workflow.execute_activity(a_one, start_to_close_timeout=TIMEOUT)  # type: ignore[arg-type]
    await workflow.execute_activity(a_none, order, start_to_close_timeout=TIMEOUT)  # type: ignore[arg-type]
    await workflow.execute_activity(a_two, order, start_to_close_timeout=TIMEOUT)  # type: ignore[arg-type]
    await workflow.execute_activity(a_none, start_to_close_timeout=5)  # type: ignore[call-overload]
    await workflow.execute_activity(a_none, retries=5)  # type: ignore[call-overload]
    workflow.start_activity(s_one, "text", start_to_close_timeout=TIMEOUT)  # type: ignore[arg-type]
    workflow.execute_activity(a_none, start_to_close_timeout=TIMEOUT)  # type: ignore[unused-coroutine]
    await workflow.execute_local_activity(s_one, 1, start_to_close_timeout=TIMEOUT)  # type: ignore[arg-type]
    await workflow.execute_local_activity(a_none, heartbeat_timeout=TIMEOUT)  # type: ignore[call-overload]


async def by_name(order: Order) -> None:
    assert_type(
        await workflow.execute_activity("x", order, result_type=Order, start_to_close_timeout=TIMEOUT),
        Order,
    )
    assert_type(await workflow.execute_activity("x", args=[1, 2], start_to_close_timeout=TIMEOUT), Any)
    assert_type(workflow.start_activity("x", result_type=int, start_to_close_timeout=TIMEOUT), ActivityHandle[int])


async def methods(order: Order) -> None:
    assert_type(await workflow.execute_activity_method(Methods.none, start_to_close_timeout=TIMEOUT), int)
    assert_type(await workflow.execute_activity_method(Methods.one, order, start_to_close_timeout=TIMEOUT), str)
    assert_type(
        await workflow.execute_activity_method(Methods.two, args=[order, 1], start_to_close_timeout=TIMEOUT), bytes
    )
    assert_type(workflow.start_activity_method(Methods.one, order, start_to_close_timeout=TIMEOUT), ActivityHandle[str])
    assert_type(await workflow.execute_local_activity_method(Methods.none, start_to_close_timeout=TIMEOUT), int)
    await workflow.execute_activity_method(Methods.one, 1, start_to_close_timeout=TIMEOUT)  # type: ignore[arg-type]


async def classes(order: Order) -> None:
    assert_type(await workflow.execute_activity_class(Callable0, start_to_close_timeout=TIMEOUT), int)
    assert_type(await workflow.execute_activity_class(Callable1, order, start_to_close_timeout=TIMEOUT), str)
    assert_type(workflow.start_local_activity_class(Callable0, start_to_close_timeout=TIMEOUT), ActivityHandle[int])


async def local(order: Order) -> None:
    assert_type(await workflow.execute_local_activity(a_none, start_to_close_timeout=TIMEOUT), int)
    assert_type(await workflow.execute_local_activity(s_one, order, start_to_close_timeout=TIMEOUT), Order | None)
    assert_type(await workflow.execute_local_activity(s_two, args=[order, 1], schedule_to_close_timeout=TIMEOUT), bytes)
    assert_type(
        workflow.start_local_activity("x", result_type=str, start_to_close_timeout=TIMEOUT), ActivityHandle[str]
    )


async def configs(order: Order) -> None:
    config: ActivityConfig = {"start_to_close_timeout": TIMEOUT, "retry_policy": RetryPolicy(maximum_attempts=2)}
    local_config: LocalActivityConfig = {"start_to_close_timeout": TIMEOUT}
    assert_type(await workflow.execute_activity(a_one, order, **config), list[Order])
    assert_type(await workflow.execute_local_activity(a_one, order, **local_config), list[Order])
    wrong: ActivityConfig = {"retries": 2}  # type: ignore[typeddict-unknown-key]
    del wrong


async def waiting(order: Order) -> None:
    one = workflow.start_activity(a_none, start_to_close_timeout=TIMEOUT)
    two = workflow.start_activity(a_none, start_to_close_timeout=TIMEOUT)
    done, pending = await workflow.wait([one, two])
    assert_type(done, list[ActivityHandle[int]])
    assert_type(pending, list[ActivityHandle[int]])
    for next_one in workflow.as_completed([one, two]):
        assert_type(await next_one, int)
    text = workflow.execute_activity(s_none, start_to_close_timeout=TIMEOUT)
    number = workflow.execute_activity(a_none, start_to_close_timeout=TIMEOUT)
    assert_type(await asyncio.gather(text, number), tuple[str, int])
    assert_type(workflow.memo_value("x", type_hint=Order), Order)
    assert_type(workflow.memo_value("x", None), Any)


@workflow.defn
class Typed:
    @workflow.run
    async def run(self, order: Order) -> str:
        return order.item

    @workflow.signal
    async def asynchronous(self, order: Order) -> None: ...

    @workflow.signal(name="other")
    def synchronous(self) -> None: ...

    @workflow.query
    def look(self, deep: bool) -> int:
        return 1


@workflow.defn
class Bare:
    @workflow.run
    async def run(self) -> int:
        return 1


@workflow.defn
class Double:
    @workflow.run
    async def run(self, order: Order, count: int) -> bytes:
        return b""

    @workflow.signal
    def pair(self, order: Order, count: int) -> None: ...


async def children(order: Order) -> None:
    assert_type(await workflow.execute_child_workflow(Bare.run), int)
    assert_type(await workflow.execute_child_workflow(Typed.run, order, id="x"), str)
    assert_type(await workflow.execute_child_workflow(Double.run, args=[order, 1]), bytes)
    assert_type(await workflow.execute_child_workflow("x", order, result_type=Order), Order)
    assert_type(await workflow.execute_child_workflow("x", args=[1, 2]), Any)
    handle = await workflow.start_child_workflow(Typed.run, order, namespace="elsewhere")
    assert_type(handle, ChildWorkflowHandle[Typed, str])
    assert_type(await handle, str)
    assert_type(await workflow.start_child_workflow("x", result_type=int), ChildWorkflowHandle[Any, int])
    await handle.signal(Typed.asynchronous, order)
    await handle.signal(Typed.synchronous)
    await handle.signal("any", 1)
    double = await workflow.start_child_workflow(Double.run, args=[order, 1])
    await double.signal(Double.pair, args=[order, 1])
    both = asyncio.gather(workflow.execute_child_workflow(Bare.run), workflow.execute_child_workflow("x"))
    assert_type(await both, tuple[int, Any])
    config: ChildWorkflowConfig = {"id": "x", "parent_close_policy": ParentClosePolicy.ABANDON}
    assert_type(await workflow.execute_child_workflow(Bare.run, **config), int)


async def wrong_children(order: Order) -> None:
    await workflow.execute_child_workflow(Typed.run, 1)  # type: ignore[misc]
    await workflow.execute_child_workflow(Typed.run)  # type: ignore[arg-type]
    await workflow.execute_child_workflow(Bare.run, order)  # type: ignore[arg-type]
    await workflow.execute_child_workflow(Bare.run, retries=1)  # type: ignore[call-overload]
    await workflow.execute_child_workflow(Bare.run, run_timeout=5)  # type: ignore[call-overload]
    workflow.execute_child_workflow(Bare.run)  # type: ignore[unused-coroutine]
    handle = await workflow.start_child_workflow(Typed.run, order)
    await handle.signal(Typed.asynchronous, 1)  # type: ignore[call-overload]
    await handle.signal(Double.pair, order)  # type: ignore[call-overload]


async def external(order: Order) -> None:
    assert_type(workflow.get_external_workflow_handle("x"), ExternalWorkflowHandle[Any])
    handle = workflow.get_external_workflow_handle_for(Typed.run, "x", run_id="r")
    assert_type(handle, ExternalWorkflowHandle[Typed])
    await handle.signal(Typed.asynchronous, order)
    await handle.signal("any", args=[1, 2])
    await handle.cancel(reason="enough")
    await handle.signal(Typed.asynchronous, "text")  # type: ignore[call-overload]
    handle.cancel()  # type: ignore[unused-coroutine]
    workflow.get_external_workflow_handle_for(Typed, "x")  # type: ignore[arg-type]


async def definitions(typed: Typed, order: Order) -> None:
    assert_type(await typed.run(order), str)
    assert_type(typed.look(True), int)
    typed.look("x")  # type: ignore[arg-type]
    await typed.asynchronous(order)
    typed.synchronous(1)  # type: ignore[call-arg]


def seam(runtime: WorkflowRuntime, started: WorkflowExecutionStarted) -> Decider:
    factory: DeciderFactory = runtime
    return factory.create("workflow-1", started)


@workflow.signal  # type: ignore[type-var]
def returns_something(self: Typed) -> int:
    return 1


@workflow.run  # type: ignore[type-var]
def not_async(self: Typed) -> int:
    return 1
