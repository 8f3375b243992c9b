"""What type checkers know of a client's calls. Never run: see `tests.unit.runtime.typing_cases`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, assert_type

from foldlog import activity, workflow
from foldlog.client import ActivityExecutionOptions, ActivityHandle, ActivityOptionsKeys, Client, WorkflowHandle


@dataclass
class Order:
    item: str


@workflow.defn
class Shop:
    @workflow.run
    async def run(self, order: Order) -> str:
        return order.item

    @workflow.signal
    async def add(self, order: Order) -> None: ...

    @workflow.signal
    def stop(self) -> None: ...

    @workflow.query
    def count(self) -> int:
        return 1

    @workflow.query
    def find(self, item: str) -> Order | None: ...

    @workflow.query
    async def slowly(self) -> int:
        return 1

    @workflow.query
    async def slowly_find(self, item: str) -> Order | None: ...

    @workflow.query
    async def slowly_both(self, item: str, count: int) -> bytes:
        return b""

    @workflow.update
    async def change(self, order: Order) -> list[Order]:
        return [order]

    @workflow.update
    def clear(self) -> bool:
        return True

    @clear.validator
    def check_clear(self) -> None: ...

    @workflow.update(name="set-both", description="two at once")
    async def both(self, order: Order, count: int) -> int:
        assert_type(await self.change(order), list[Order])
        assert_type(self.clear(), bool)
        assert_type(self.count(), int)
        await self.add(order)
        self.stop()
        assert_type(await self.both(order, count), int)
        await self.change(1)  # type: ignore[arg-type]
        self.clear(order)  # type: ignore[call-arg]
        await self.clear()  # type: ignore[misc]
        return count

    @both.validator
    def check_both(self, order: Order, count: int) -> None:
        self.check_clear()


@workflow.defn
class Bare:
    @workflow.run
    async def run(self) -> int:
        return 1

    @workflow.signal
    def other(self) -> None: ...

    @workflow.query
    def seen(self) -> int:
        return 1


@workflow.defn
class Double:
    @workflow.run
    async def run(self, order: Order, count: int) -> bytes:
        return b""


async def starting(client: Client, order: Order) -> None:
    assert_type(await client.execute_workflow(Shop.run, order, id="x", task_queue="q"), str)
    assert_type(await client.execute_workflow(Bare.run, id="x", task_queue="q"), int)
    assert_type(await client.execute_workflow(Double.run, args=[order, 1], id="x", task_queue="q"), bytes)
    assert_type(await client.execute_workflow("Shop", order, id="x", task_queue="q"), Any)
    assert_type(await client.start_workflow(Shop.run, order, id="x", task_queue="q"), WorkflowHandle[Shop, str])
    assert_type(await client.start_workflow(Bare.run, id="x", task_queue="q"), WorkflowHandle[Bare, int])
    handle = await client.start_workflow(Double.run, args=[order, 1], id="x", task_queue="q")
    assert_type(await handle.result(), bytes)


@activity.defn
async def no_param() -> int:
    return 1


@activity.defn
def one_param(order: Order) -> str:
    return order.item


@activity.defn
async def two_params(order: Order, count: int) -> bytes:
    return b""


async def activities(client: Client, order: Order, limit: timedelta) -> None:
    no, one, two = no_param, one_param, two_params
    assert_type(await client.execute_activity(no, id="a", task_queue="q", start_to_close_timeout=limit), int)
    assert_type(await client.execute_activity(one, order, id="a", task_queue="q", start_to_close_timeout=limit), str)
    assert_type(await client.execute_activity(two, args=[order, 1], id="a", task_queue="q"), bytes)
    assert_type(await client.execute_activity("two", 1, id="a", task_queue="q", result_type=int), int)
    assert_type(await client.start_activity(no, id="a", task_queue="q"), ActivityHandle[int])
    handle = await client.start_activity(one, order, id="a", task_queue="q")
    assert_type(await handle.result(), str)
    assert_type(client.get_activity_handle("a", result_type=int), ActivityHandle[int])
    await client.execute_activity(one, 1, id="a", task_queue="q")  # type: ignore[arg-type]
    await client.execute_activity(no, id="a")  # type: ignore[call-overload]
    await client.start_activity(no, id="a", task_queue="q", retries=5)  # type: ignore[call-overload]


class Tools:
    @activity.defn
    async def one(self, order: Order) -> int:
        return 1

    @activity.defn
    def none(self) -> str:
        return ""

    @activity.defn
    async def two(self, order: Order, count: int) -> bytes:
        return b""


@activity.defn
class Callable:
    async def __call__(self, order: Order) -> bool:
        return True


@activity.defn
class Plain:
    def __call__(self) -> float:
        return 1.0


async def activities_of_classes(client: Client, order: Order) -> None:
    assert_type(await client.execute_activity_method(Tools.one, order, id="a", task_queue="q"), int)
    assert_type(await client.execute_activity_method(Tools.none, id="a", task_queue="q"), str)
    assert_type(await client.execute_activity_method(Tools.two, args=[order, 1], id="a", task_queue="q"), bytes)
    assert_type(await client.start_activity_method(Tools.one, order, id="a", task_queue="q"), ActivityHandle[int])
    assert_type(await client.execute_activity_class(Callable, order, id="a", task_queue="q"), bool)
    assert_type(await client.execute_activity_class(Plain, id="a", task_queue="q"), float)
    assert_type(await client.start_activity_class(Plain, id="a", task_queue="q"), ActivityHandle[float])
    await client.execute_activity_method(Tools.one, 1, id="a", task_queue="q")  # type: ignore[arg-type]
    await client.start_activity_method(Tools.none, order, id="a", task_queue="q")  # type: ignore[arg-type]
    await client.execute_activity_class(Callable, 1, id="a", task_queue="q")  # type: ignore[misc]
    await client.start_activity_class(Plain, id="a")  # type: ignore[call-overload]


async def activity_options(handle: ActivityHandle[int]) -> None:
    keys = ActivityOptionsKeys
    await handle.update_options([keys.heartbeat_timeout.value_set(timedelta(1)), keys.task_queue.value_set("q")])
    assert_type(await handle.restore_original_options(), ActivityExecutionOptions)
    keys.heartbeat_timeout.value_set(1)  # type: ignore[arg-type]


async def wrong_starts(client: Client, order: Order) -> None:
    await client.execute_workflow(Shop.run, 1, id="x", task_queue="q")  # type: ignore[misc]
    await client.execute_workflow(Shop.run, id="x", task_queue="q")  # type: ignore[arg-type]
    await client.execute_workflow(Bare.run, order, id="x", task_queue="q")  # type: ignore[arg-type]
    await client.start_workflow(Shop.run, order, task_queue="q")  # type: ignore[call-overload]
    await client.start_workflow(Shop.run, order, id="x", task_queue="q", run_timeout=5)  # type: ignore[call-overload]
    await client.start_workflow(Shop.run, order, id="x", task_queue="q", retries=5)  # type: ignore[call-overload]
    client.execute_workflow(Bare.run, id="x", task_queue="q")  # type: ignore[unused-coroutine]
    number: int = await client.execute_workflow(Shop.run, order, id="x", task_queue="q")  # type: ignore[arg-type]
    del number


async def handles(client: Client, order: Order) -> None:
    handle = client.get_workflow_handle_for(Shop.run, "x")
    assert_type(handle, WorkflowHandle[Shop, str])
    assert_type(client.get_workflow_handle("x"), WorkflowHandle[Any, Any])
    assert_type(await handle.result(), str)
    await handle.signal(Shop.add, order)
    await handle.signal(Shop.stop)
    await handle.signal("any", args=[1, 2])
    assert_type(await handle.query(Shop.count), int)
    assert_type(await handle.query(Shop.find, "x"), Order | None)
    assert_type(await handle.query(Shop.slowly), int)
    assert_type(await handle.query(Shop.slowly_find, "x"), Order | None)
    assert_type(await handle.query(Shop.slowly_both, args=["x", 1]), bytes)
    await handle.query(Shop.slowly_find, 1)  # type: ignore[misc]
    assert_type(await handle.query("any"), Any)
    assert_type(await handle.execute_update(Shop.change, order), list[Order])
    assert_type(await handle.execute_update(Shop.clear), bool)
    await handle.cancel(rpc_timeout=timedelta(seconds=1))


async def wrong_messages(client: Client, order: Order) -> None:
    handle = client.get_workflow_handle_for(Shop.run, "x")
    await handle.signal(Shop.add, 1)  # type: ignore[call-overload]
    await handle.signal(Shop.add)  # type: ignore[call-overload]
    await handle.signal(Shop.stop, order)  # type: ignore[call-overload]
    await handle.signal(Bare.other)  # type: ignore[call-overload]
    await handle.query(Shop.find, 1)  # type: ignore[arg-type]
    await handle.query(Shop.find)  # type: ignore[arg-type]
    await handle.query(Bare.seen)  # type: ignore[arg-type]
    await handle.execute_update(Shop.change, 1)  # type: ignore[arg-type]
    await handle.execute_update(Shop.clear, order)  # type: ignore[arg-type]
    handle.signal(Shop.stop)  # type: ignore[unused-coroutine]
    text: str = await handle.query(Shop.count)  # type: ignore[arg-type]
    updated: str = await handle.execute_update(Shop.clear)  # type: ignore[arg-type]
    del text, updated
