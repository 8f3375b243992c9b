"""A claim-check store that raises for a while, over a restart of the worker: clear errors, and nothing lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import fsspec
import pytest
from foldlog import activity, workflow
from foldlog.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleSpec,
    ScheduleState,
    WorkflowHandle,
    WorkflowQueryFailedError,
)
from foldlog.common import RetryPolicy
from foldlog.connectors.claim_check import ClaimCheckCodec
from foldlog.converter import DataConverter
from foldlog.exceptions import PayloadConversionError
from foldlog.worker import Worker
from fsspec.implementations.memory import MemoryFileSystem

from tests.conformance.scenarios import PATIENCE
from tests.integration.processor.running import SOON, Place, place
from tests.integration.processor.workloads import QUEUE
from tests.until import until, until_asked

LARGE = 2_000
OFTEN = RetryPolicy(initial_interval=timedelta(milliseconds=50), maximum_interval=timedelta(milliseconds=200))
LIMIT = timedelta(seconds=120)


class Moody(MemoryFileSystem):
    """Raises whatever is wanted of it, while it is away."""

    protocol = "moody"
    cachable = False
    away = False
    refused = 0

    def _ask(self) -> None:
        if Moody.away:
            Moody.refused += 1
            raise PermissionError("the bucket says no")

    def cat_file(self, *args: Any, **options: Any) -> Any:
        self._ask()
        return super().cat_file(*args, **options)  # type: ignore[no-untyped-call]  # fsspec has no types

    def pipe_file(self, *args: Any, **options: Any) -> Any:
        self._ask()
        return super().pipe_file(*args, **options)  # type: ignore[no-untyped-call]  # fsspec has no types

    def exists(self, *args: Any, **options: Any) -> Any:
        self._ask()
        return super().exists(*args, **options)  # type: ignore[no-untyped-call]  # fsspec has no types


@activity.defn
async def enlarge(text: str) -> str:
    """Gives something large, and says something large on the way."""
    activity.heartbeat(f"{text} heartbeat" * LARGE)
    return text * LARGE


@activity.defn
async def measure(text: str) -> int:
    return len(text)


@workflow.defn
class Grown:
    @workflow.run
    async def run(self, text: str) -> str:
        return text[0] * LARGE


@workflow.defn
class Needy:
    """Waits for a signal with which it goes on to whatever needs the store."""

    def __init__(self) -> None:
        self.next = ""

    @workflow.run
    async def run(self, kind: str) -> str:
        if len(kind) >= LARGE:
            return kind
        await workflow.wait_condition(lambda: bool(self.next))
        options: dict[str, Any] = {"start_to_close_timeout": LIMIT, "retry_policy": OFTEN}
        if kind == "result":
            far: str = await workflow.execute_activity(enlarge, "r", **options)
            return far
        if kind == "argument":
            size: int = await workflow.execute_activity(measure, "x" * LARGE, **options)
            return "g" * size
        if kind == "local":
            near: str = await workflow.execute_local_activity(enlarge, "l", **options)
            return near
        if kind == "child":
            return await workflow.execute_child_workflow(Grown.run, "c" * LARGE)
        if kind == "new":
            workflow.continue_as_new("n" * LARGE)
        if kind == "memo":
            workflow.upsert_memo({"note": "m" * LARGE})
            return "m" * LARGE
        return self.next

    @workflow.signal
    def go(self, text: str) -> None:
        self.next = text

    @workflow.query
    def large(self) -> str:
        return "q" * LARGE

    @workflow.update
    def put(self, text: str) -> str:
        return text[0] * LARGE


KINDS = {"result": "r", "argument": "g", "local": "l", "child": "c", "new": "n", "memo": "m"}


@pytest.fixture
async def here(kafka: str, namespace: str, tmp_path: Path) -> AsyncIterator[Place]:
    fsspec.register_implementation("moody", Moody, clobber=True)  # type: ignore[no-untyped-call]  # as above
    Moody.away, Moody.refused = False, 0
    async with place(kafka, namespace, tmp_path) as found:
        yield found
    Moody.store.clear()


async def connected(here: Place) -> Client:
    """A client with a codec of its own, which knows nothing yet."""
    codec = ClaimCheckCodec("moody://payloads", threshold=1_000)
    return await Client.connect(
        here.config, namespace=here.namespace, data_converter=DataConverter(payload_codec=codec), **PATIENCE
    )


@asynccontextmanager
async def working(here: Place, *, eager: bool) -> AsyncIterator[Worker]:
    """A worker that begins with empty caches."""
    async with await connected(here) as client:
        worker = Worker(
            client,
            task_queue=QUEUE,
            workflows=[Needy, Grown],
            activities=[enlarge, measure],
            state_dir=here.folder / "state",
            disable_eager_activity_execution=not eager,
        )
        async with worker:
            await until(lambda: worker.ready, "the worker is ready")
            yield worker


async def refused(client: Client, handle: WorkflowHandle[Any, Any], done: WorkflowHandle[Any, Any]) -> None:
    """What clients ask for meanwhile: each is told what is wrong, and nothing has happened."""
    large = "x" * LARGE
    begin: dict[str, Any] = {"task_queue": QUEUE, "rpc_timeout": SOON}
    calls: list[Callable[[], Awaitable[Any]]] = [
        lambda: client.start_workflow(Needy.run, large, id="refused", **begin),
        lambda: client.start_workflow(Needy.run, "small", id="refused", memo={"note": large}, **begin),
        lambda: handle.signal(Needy.go, large),
        lambda: handle.query("large", large),
        lambda: handle.execute_update(Needy.put, large),
        lambda: done.result(),
    ]
    for call in calls:
        with pytest.raises(PayloadConversionError, match="the bucket says no"):
            await call()
    with pytest.raises(WorkflowQueryFailedError, match="the bucket says no"):
        await handle.query(Needy.large, rpc_timeout=SOON)


async def test_a_store_that_raises_for_a_while(here: Place) -> None:
    async with await connected(here) as client, await connected(here) as stranger:
        async with working(here, eager=True):
            handles: dict[str, Any] = {
                kind: await client.start_workflow(Needy.run, kind, id=kind, task_queue=QUEUE, rpc_timeout=SOON)
                for kind in (*KINDS, "told", "asked", "late")
            }
            done = await client.start_workflow(Needy.run, "d" * LARGE, id="done", task_queue=QUEUE)
            await done.result()
            action = ScheduleActionStartWorkflow(Grown.run, "s" * LARGE, id="planned", task_queue=QUEUE)
            schedule = await client.create_schedule(
                "schedule", Schedule(action, ScheduleSpec(), state=ScheduleState(paused=True))
            )
            await handles["told"].signal(Needy.go, "t" * LARGE)
            await handles["told"].result()
            Moody.away = True
            for kind in KINDS:
                await handles[kind].signal(Needy.go, "now")
            await refused(client, handles["asked"], stranger.get_workflow_handle("done"))
            asked = asyncio.create_task(handles["asked"].execute_update(Needy.put, "u"))
            triggered = asyncio.create_task(schedule.trigger(rpc_timeout=LIMIT))
            await until_asked(lambda: stalled(client, 3), "those that write stall, and say why")
        async with working(here, eager=False):
            # It knows nothing but what the log has, which is claims.
            waiting = asyncio.create_task(handles["late"].result())
            await handles["late"].signal(Needy.go, "after the restart", rpc_timeout=SOON)
            assert await waiting == "after the restart"
            await until_asked(lambda: stalled(client, 3), "those that write stall again")
            Moody.away = False
            for kind, text in KINDS.items():
                assert await handles[kind].result() == text * LARGE, kind
            assert await asked == "u" * LARGE
            await triggered
            assert await handles["asked"].query(Needy.large) == "q" * LARGE
            assert await stranger.get_workflow_handle("done").result() == "d" * LARGE
            assert await (await stranger.get_workflow_handle("memo").describe()).memo() == {"note": "m" * LARGE}

            async def planned() -> Any:
                return (await schedule.describe()).info.recent_actions

            (action_taken,) = await until_asked(planned, "the schedule has started its workflow")
            assert await stranger.get_workflow_handle(action_taken.action.workflow_id).result() == "s" * LARGE
    found = await here.check()
    assert not [run for run in found.events if run[0] == "refused"]
    assert Moody.refused > 10


async def stalled(client: Client, least: int) -> bool:
    """Whether so many workflows have stalled for want of the store."""
    rows = [row async for row in client.list_workflows()]
    why = [row.stalled_error for row in rows if row.stalled_error]
    assert all("the bucket says no" in each for each in why), why
    return len(why) >= least
