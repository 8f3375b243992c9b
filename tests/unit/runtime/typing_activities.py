"""What a type checker makes of activities that are called by reference: each way to call each kind of one.

mypy checks this file, see `test_typing.py`. Each `type: ignore` marks a call that must be refused.
"""

from __future__ import annotations

from datetime import timedelta
from typing import assert_type

from foldlog import workflow
from foldlog.client import ActivityHandle as ClientActivityHandle
from foldlog.client import Client
from foldlog.workflow import ActivityHandle

T = timedelta(seconds=1)


async def async_none() -> int: ...  # type: ignore[empty-body]
async def async_one(text: str) -> int: ...  # type: ignore[empty-body]
async def async_two(text: str, number: int) -> int: ...  # type: ignore[empty-body]
def sync_none() -> int: ...  # type: ignore[empty-body]
def sync_one(text: str) -> int: ...  # type: ignore[empty-body]
def sync_two(text: str, number: int) -> int: ...  # type: ignore[empty-body]


class Methods:
    async def async_none(self) -> int: ...  # type: ignore[empty-body]
    async def async_one(self, text: str) -> int: ...  # type: ignore[empty-body]
    async def async_two(self, text: str, number: int) -> int: ...  # type: ignore[empty-body]
    def sync_none(self) -> int: ...  # type: ignore[empty-body]
    def sync_one(self, text: str) -> int: ...  # type: ignore[empty-body]
    def sync_two(self, text: str, number: int) -> int: ...  # type: ignore[empty-body]


class AsyncNone:
    async def __call__(self) -> int: ...  # type: ignore[empty-body]


class AsyncOne:
    async def __call__(self, text: str) -> int: ...  # type: ignore[empty-body]


class AsyncTwo:
    async def __call__(self, text: str, number: int) -> int: ...  # type: ignore[empty-body]


class SyncNone:
    def __call__(self) -> int: ...  # type: ignore[empty-body]


class SyncOne:
    def __call__(self, text: str) -> int: ...  # type: ignore[empty-body]


class SyncTwo:
    def __call__(self, text: str, number: int) -> int: ...  # type: ignore[empty-body]


async def execute_activity() -> None:
    assert_type(await workflow.execute_activity(async_none, start_to_close_timeout=T), int)
    assert_type(await workflow.execute_activity(async_one, "x", start_to_close_timeout=T), int)
    assert_type(await workflow.execute_activity(async_two, args=["x", 1], start_to_close_timeout=T), int)
    await workflow.execute_activity(async_one, 5, start_to_close_timeout=T)  # type: ignore[arg-type]
    assert_type(await workflow.execute_activity(sync_none, start_to_close_timeout=T), int)
    assert_type(await workflow.execute_activity(sync_one, "x", start_to_close_timeout=T), int)
    assert_type(await workflow.execute_activity(sync_two, args=["x", 1], start_to_close_timeout=T), int)
    await workflow.execute_activity(sync_one, 5, start_to_close_timeout=T)  # type: ignore[arg-type]
    assert_type(await workflow.execute_activity("name", "x", result_type=int, start_to_close_timeout=T), int)


async def execute_activity_method() -> None:
    assert_type(await workflow.execute_activity_method(Methods.async_none, start_to_close_timeout=T), int)
    assert_type(await workflow.execute_activity_method(Methods.async_one, "x", start_to_close_timeout=T), int)
    assert_type(await workflow.execute_activity_method(Methods.async_two, args=["x", 1], start_to_close_timeout=T), int)
    await workflow.execute_activity_method(Methods.async_one, 5, start_to_close_timeout=T)  # type: ignore[arg-type]
    assert_type(await workflow.execute_activity_method(Methods.sync_none, start_to_close_timeout=T), int)
    assert_type(await workflow.execute_activity_method(Methods.sync_one, "x", start_to_close_timeout=T), int)
    assert_type(await workflow.execute_activity_method(Methods.sync_two, args=["x", 1], start_to_close_timeout=T), int)
    await workflow.execute_activity_method(Methods.sync_one, 5, start_to_close_timeout=T)  # type: ignore[arg-type]


async def execute_activity_class() -> None:
    assert_type(await workflow.execute_activity_class(AsyncNone, start_to_close_timeout=T), int)
    assert_type(await workflow.execute_activity_class(AsyncOne, "x", start_to_close_timeout=T), int)
    assert_type(await workflow.execute_activity_class(AsyncTwo, args=["x", 1], start_to_close_timeout=T), int)
    await workflow.execute_activity_class(AsyncOne, 5, start_to_close_timeout=T)  # type: ignore[misc]
    assert_type(await workflow.execute_activity_class(SyncNone, start_to_close_timeout=T), int)
    assert_type(await workflow.execute_activity_class(SyncOne, "x", start_to_close_timeout=T), int)
    assert_type(await workflow.execute_activity_class(SyncTwo, args=["x", 1], start_to_close_timeout=T), int)
    await workflow.execute_activity_class(SyncOne, 5, start_to_close_timeout=T)  # type: ignore[misc]


async def start_activity() -> None:
    assert_type(workflow.start_activity(async_none, start_to_close_timeout=T), ActivityHandle[int])
    assert_type(workflow.start_activity(async_one, "x", start_to_close_timeout=T), ActivityHandle[int])
    assert_type(workflow.start_activity(async_two, args=["x", 1], start_to_close_timeout=T), ActivityHandle[int])
    workflow.start_activity(async_one, 5, start_to_close_timeout=T)  # type: ignore[arg-type]
    assert_type(workflow.start_activity(sync_none, start_to_close_timeout=T), ActivityHandle[int])
    assert_type(workflow.start_activity(sync_one, "x", start_to_close_timeout=T), ActivityHandle[int])
    assert_type(workflow.start_activity(sync_two, args=["x", 1], start_to_close_timeout=T), ActivityHandle[int])
    workflow.start_activity(sync_one, 5, start_to_close_timeout=T)  # type: ignore[arg-type]
    assert_type(workflow.start_activity("name", "x", result_type=int, start_to_close_timeout=T), ActivityHandle[int])


async def start_activity_method() -> None:
    assert_type(workflow.start_activity_method(Methods.async_none, start_to_close_timeout=T), ActivityHandle[int])
    assert_type(workflow.start_activity_method(Methods.async_one, "x", start_to_close_timeout=T), ActivityHandle[int])
    assert_type(
        workflow.start_activity_method(Methods.async_two, args=["x", 1], start_to_close_timeout=T), ActivityHandle[int]
    )
    workflow.start_activity_method(Methods.async_one, 5, start_to_close_timeout=T)  # type: ignore[arg-type]
    assert_type(workflow.start_activity_method(Methods.sync_none, start_to_close_timeout=T), ActivityHandle[int])
    assert_type(workflow.start_activity_method(Methods.sync_one, "x", start_to_close_timeout=T), ActivityHandle[int])
    assert_type(
        workflow.start_activity_method(Methods.sync_two, args=["x", 1], start_to_close_timeout=T), ActivityHandle[int]
    )
    workflow.start_activity_method(Methods.sync_one, 5, start_to_close_timeout=T)  # type: ignore[arg-type]


async def start_activity_class() -> None:
    assert_type(workflow.start_activity_class(AsyncNone, start_to_close_timeout=T), ActivityHandle[int])
    assert_type(workflow.start_activity_class(AsyncOne, "x", start_to_close_timeout=T), ActivityHandle[int])
    assert_type(workflow.start_activity_class(AsyncTwo, args=["x", 1], start_to_close_timeout=T), ActivityHandle[int])
    workflow.start_activity_class(AsyncOne, 5, start_to_close_timeout=T)  # type: ignore[misc]
    assert_type(workflow.start_activity_class(SyncNone, start_to_close_timeout=T), ActivityHandle[int])
    assert_type(workflow.start_activity_class(SyncOne, "x", start_to_close_timeout=T), ActivityHandle[int])
    assert_type(workflow.start_activity_class(SyncTwo, args=["x", 1], start_to_close_timeout=T), ActivityHandle[int])
    workflow.start_activity_class(SyncOne, 5, start_to_close_timeout=T)  # type: ignore[misc]


async def execute_local_activity() -> None:
    assert_type(await workflow.execute_local_activity(async_none, start_to_close_timeout=T), int)
    assert_type(await workflow.execute_local_activity(async_one, "x", start_to_close_timeout=T), int)
    assert_type(await workflow.execute_local_activity(async_two, args=["x", 1], start_to_close_timeout=T), int)
    await workflow.execute_local_activity(async_one, 5, start_to_close_timeout=T)  # type: ignore[arg-type]
    assert_type(await workflow.execute_local_activity(sync_none, start_to_close_timeout=T), int)
    assert_type(await workflow.execute_local_activity(sync_one, "x", start_to_close_timeout=T), int)
    assert_type(await workflow.execute_local_activity(sync_two, args=["x", 1], start_to_close_timeout=T), int)
    await workflow.execute_local_activity(sync_one, 5, start_to_close_timeout=T)  # type: ignore[arg-type]
    assert_type(await workflow.execute_local_activity("name", "x", result_type=int, start_to_close_timeout=T), int)


async def execute_local_activity_method() -> None:
    assert_type(await workflow.execute_local_activity_method(Methods.async_none, start_to_close_timeout=T), int)
    assert_type(await workflow.execute_local_activity_method(Methods.async_one, "x", start_to_close_timeout=T), int)
    assert_type(
        await workflow.execute_local_activity_method(Methods.async_two, args=["x", 1], start_to_close_timeout=T), int
    )
    await workflow.execute_local_activity_method(Methods.async_one, 5, start_to_close_timeout=T)  # type: ignore[arg-type]
    assert_type(await workflow.execute_local_activity_method(Methods.sync_none, start_to_close_timeout=T), int)
    assert_type(await workflow.execute_local_activity_method(Methods.sync_one, "x", start_to_close_timeout=T), int)
    assert_type(
        await workflow.execute_local_activity_method(Methods.sync_two, args=["x", 1], start_to_close_timeout=T), int
    )
    await workflow.execute_local_activity_method(Methods.sync_one, 5, start_to_close_timeout=T)  # type: ignore[arg-type]


async def execute_local_activity_class() -> None:
    assert_type(await workflow.execute_local_activity_class(AsyncNone, start_to_close_timeout=T), int)
    assert_type(await workflow.execute_local_activity_class(AsyncOne, "x", start_to_close_timeout=T), int)
    assert_type(await workflow.execute_local_activity_class(AsyncTwo, args=["x", 1], start_to_close_timeout=T), int)
    await workflow.execute_local_activity_class(AsyncOne, 5, start_to_close_timeout=T)  # type: ignore[misc]
    assert_type(await workflow.execute_local_activity_class(SyncNone, start_to_close_timeout=T), int)
    assert_type(await workflow.execute_local_activity_class(SyncOne, "x", start_to_close_timeout=T), int)
    assert_type(await workflow.execute_local_activity_class(SyncTwo, args=["x", 1], start_to_close_timeout=T), int)
    await workflow.execute_local_activity_class(SyncOne, 5, start_to_close_timeout=T)  # type: ignore[misc]


async def start_local_activity() -> None:
    assert_type(workflow.start_local_activity(async_none, start_to_close_timeout=T), ActivityHandle[int])
    assert_type(workflow.start_local_activity(async_one, "x", start_to_close_timeout=T), ActivityHandle[int])
    assert_type(workflow.start_local_activity(async_two, args=["x", 1], start_to_close_timeout=T), ActivityHandle[int])
    workflow.start_local_activity(async_one, 5, start_to_close_timeout=T)  # type: ignore[arg-type]
    assert_type(workflow.start_local_activity(sync_none, start_to_close_timeout=T), ActivityHandle[int])
    assert_type(workflow.start_local_activity(sync_one, "x", start_to_close_timeout=T), ActivityHandle[int])
    assert_type(workflow.start_local_activity(sync_two, args=["x", 1], start_to_close_timeout=T), ActivityHandle[int])
    workflow.start_local_activity(sync_one, 5, start_to_close_timeout=T)  # type: ignore[arg-type]
    assert_type(
        workflow.start_local_activity("name", "x", result_type=int, start_to_close_timeout=T), ActivityHandle[int]
    )


async def start_local_activity_method() -> None:
    assert_type(workflow.start_local_activity_method(Methods.async_none, start_to_close_timeout=T), ActivityHandle[int])
    assert_type(
        workflow.start_local_activity_method(Methods.async_one, "x", start_to_close_timeout=T), ActivityHandle[int]
    )
    assert_type(
        workflow.start_local_activity_method(Methods.async_two, args=["x", 1], start_to_close_timeout=T),
        ActivityHandle[int],
    )
    workflow.start_local_activity_method(Methods.async_one, 5, start_to_close_timeout=T)  # type: ignore[arg-type]
    assert_type(workflow.start_local_activity_method(Methods.sync_none, start_to_close_timeout=T), ActivityHandle[int])
    assert_type(
        workflow.start_local_activity_method(Methods.sync_one, "x", start_to_close_timeout=T), ActivityHandle[int]
    )
    assert_type(
        workflow.start_local_activity_method(Methods.sync_two, args=["x", 1], start_to_close_timeout=T),
        ActivityHandle[int],
    )
    workflow.start_local_activity_method(Methods.sync_one, 5, start_to_close_timeout=T)  # type: ignore[arg-type]


async def start_local_activity_class() -> None:
    assert_type(workflow.start_local_activity_class(AsyncNone, start_to_close_timeout=T), ActivityHandle[int])
    assert_type(workflow.start_local_activity_class(AsyncOne, "x", start_to_close_timeout=T), ActivityHandle[int])
    assert_type(
        workflow.start_local_activity_class(AsyncTwo, args=["x", 1], start_to_close_timeout=T), ActivityHandle[int]
    )
    workflow.start_local_activity_class(AsyncOne, 5, start_to_close_timeout=T)  # type: ignore[misc]
    assert_type(workflow.start_local_activity_class(SyncNone, start_to_close_timeout=T), ActivityHandle[int])
    assert_type(workflow.start_local_activity_class(SyncOne, "x", start_to_close_timeout=T), ActivityHandle[int])
    assert_type(
        workflow.start_local_activity_class(SyncTwo, args=["x", 1], start_to_close_timeout=T), ActivityHandle[int]
    )
    workflow.start_local_activity_class(SyncOne, 5, start_to_close_timeout=T)  # type: ignore[misc]


async def client_execute_activity(client: Client) -> None:
    assert_type(await client.execute_activity(async_none, id="a", task_queue="q", start_to_close_timeout=T), int)
    assert_type(await client.execute_activity(async_one, "x", id="a", task_queue="q", start_to_close_timeout=T), int)
    assert_type(
        await client.execute_activity(async_two, args=["x", 1], id="a", task_queue="q", start_to_close_timeout=T), int
    )
    await client.execute_activity(async_one, 5, id="a", task_queue="q", start_to_close_timeout=T)  # type: ignore[arg-type]
    assert_type(await client.execute_activity(sync_none, id="a", task_queue="q", start_to_close_timeout=T), int)
    assert_type(await client.execute_activity(sync_one, "x", id="a", task_queue="q", start_to_close_timeout=T), int)
    assert_type(
        await client.execute_activity(sync_two, args=["x", 1], id="a", task_queue="q", start_to_close_timeout=T), int
    )
    await client.execute_activity(sync_one, 5, id="a", task_queue="q", start_to_close_timeout=T)  # type: ignore[arg-type]
    assert_type(
        await client.execute_activity("name", "x", result_type=int, id="a", task_queue="q", start_to_close_timeout=T),
        int,
    )


async def client_execute_activity_method(client: Client) -> None:
    assert_type(
        await client.execute_activity_method(Methods.async_none, id="a", task_queue="q", start_to_close_timeout=T), int
    )
    assert_type(
        await client.execute_activity_method(Methods.async_one, "x", id="a", task_queue="q", start_to_close_timeout=T),
        int,
    )
    assert_type(
        await client.execute_activity_method(
            Methods.async_two, args=["x", 1], id="a", task_queue="q", start_to_close_timeout=T
        ),
        int,
    )
    await client.execute_activity_method(Methods.async_one, 5, id="a", task_queue="q", start_to_close_timeout=T)  # type: ignore[arg-type]
    assert_type(
        await client.execute_activity_method(Methods.sync_none, id="a", task_queue="q", start_to_close_timeout=T), int
    )
    assert_type(
        await client.execute_activity_method(Methods.sync_one, "x", id="a", task_queue="q", start_to_close_timeout=T),
        int,
    )
    assert_type(
        await client.execute_activity_method(
            Methods.sync_two, args=["x", 1], id="a", task_queue="q", start_to_close_timeout=T
        ),
        int,
    )
    await client.execute_activity_method(Methods.sync_one, 5, id="a", task_queue="q", start_to_close_timeout=T)  # type: ignore[arg-type]


async def client_execute_activity_class(client: Client) -> None:
    assert_type(await client.execute_activity_class(AsyncNone, id="a", task_queue="q", start_to_close_timeout=T), int)
    assert_type(
        await client.execute_activity_class(AsyncOne, "x", id="a", task_queue="q", start_to_close_timeout=T), int
    )
    assert_type(
        await client.execute_activity_class(AsyncTwo, args=["x", 1], id="a", task_queue="q", start_to_close_timeout=T),
        int,
    )
    await client.execute_activity_class(AsyncOne, 5, id="a", task_queue="q", start_to_close_timeout=T)  # type: ignore[misc]
    assert_type(await client.execute_activity_class(SyncNone, id="a", task_queue="q", start_to_close_timeout=T), int)
    assert_type(
        await client.execute_activity_class(SyncOne, "x", id="a", task_queue="q", start_to_close_timeout=T), int
    )
    assert_type(
        await client.execute_activity_class(SyncTwo, args=["x", 1], id="a", task_queue="q", start_to_close_timeout=T),
        int,
    )
    await client.execute_activity_class(SyncOne, 5, id="a", task_queue="q", start_to_close_timeout=T)  # type: ignore[misc]


async def client_start_activity(client: Client) -> None:
    assert_type(
        await client.start_activity(async_none, id="a", task_queue="q", start_to_close_timeout=T),
        ClientActivityHandle[int],
    )
    assert_type(
        await client.start_activity(async_one, "x", id="a", task_queue="q", start_to_close_timeout=T),
        ClientActivityHandle[int],
    )
    assert_type(
        await client.start_activity(async_two, args=["x", 1], id="a", task_queue="q", start_to_close_timeout=T),
        ClientActivityHandle[int],
    )
    await client.start_activity(async_one, 5, id="a", task_queue="q", start_to_close_timeout=T)  # type: ignore[arg-type]
    assert_type(
        await client.start_activity(sync_none, id="a", task_queue="q", start_to_close_timeout=T),
        ClientActivityHandle[int],
    )
    assert_type(
        await client.start_activity(sync_one, "x", id="a", task_queue="q", start_to_close_timeout=T),
        ClientActivityHandle[int],
    )
    assert_type(
        await client.start_activity(sync_two, args=["x", 1], id="a", task_queue="q", start_to_close_timeout=T),
        ClientActivityHandle[int],
    )
    await client.start_activity(sync_one, 5, id="a", task_queue="q", start_to_close_timeout=T)  # type: ignore[arg-type]
    assert_type(
        await client.start_activity("name", "x", result_type=int, id="a", task_queue="q", start_to_close_timeout=T),
        ClientActivityHandle[int],
    )


async def client_start_activity_method(client: Client) -> None:
    assert_type(
        await client.start_activity_method(Methods.async_none, id="a", task_queue="q", start_to_close_timeout=T),
        ClientActivityHandle[int],
    )
    assert_type(
        await client.start_activity_method(Methods.async_one, "x", id="a", task_queue="q", start_to_close_timeout=T),
        ClientActivityHandle[int],
    )
    assert_type(
        await client.start_activity_method(
            Methods.async_two, args=["x", 1], id="a", task_queue="q", start_to_close_timeout=T
        ),
        ClientActivityHandle[int],
    )
    await client.start_activity_method(Methods.async_one, 5, id="a", task_queue="q", start_to_close_timeout=T)  # type: ignore[arg-type]
    assert_type(
        await client.start_activity_method(Methods.sync_none, id="a", task_queue="q", start_to_close_timeout=T),
        ClientActivityHandle[int],
    )
    assert_type(
        await client.start_activity_method(Methods.sync_one, "x", id="a", task_queue="q", start_to_close_timeout=T),
        ClientActivityHandle[int],
    )
    assert_type(
        await client.start_activity_method(
            Methods.sync_two, args=["x", 1], id="a", task_queue="q", start_to_close_timeout=T
        ),
        ClientActivityHandle[int],
    )
    await client.start_activity_method(Methods.sync_one, 5, id="a", task_queue="q", start_to_close_timeout=T)  # type: ignore[arg-type]


async def client_start_activity_class(client: Client) -> None:
    assert_type(
        await client.start_activity_class(AsyncNone, id="a", task_queue="q", start_to_close_timeout=T),
        ClientActivityHandle[int],
    )
    assert_type(
        await client.start_activity_class(AsyncOne, "x", id="a", task_queue="q", start_to_close_timeout=T),
        ClientActivityHandle[int],
    )
    assert_type(
        await client.start_activity_class(AsyncTwo, args=["x", 1], id="a", task_queue="q", start_to_close_timeout=T),
        ClientActivityHandle[int],
    )
    await client.start_activity_class(AsyncOne, 5, id="a", task_queue="q", start_to_close_timeout=T)  # type: ignore[misc]
    assert_type(
        await client.start_activity_class(SyncNone, id="a", task_queue="q", start_to_close_timeout=T),
        ClientActivityHandle[int],
    )
    assert_type(
        await client.start_activity_class(SyncOne, "x", id="a", task_queue="q", start_to_close_timeout=T),
        ClientActivityHandle[int],
    )
    assert_type(
        await client.start_activity_class(SyncTwo, args=["x", 1], id="a", task_queue="q", start_to_close_timeout=T),
        ClientActivityHandle[int],
    )
    await client.start_activity_class(SyncOne, 5, id="a", task_queue="q", start_to_close_timeout=T)  # type: ignore[misc]
