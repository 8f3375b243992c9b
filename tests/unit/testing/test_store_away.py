"""A store of claims that is away for a while: nothing is lost, each says what is wrong, and all go on by themselves."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from foldlog import activity, workflow
from foldlog.client import Client, WorkflowQueryFailedError
from foldlog.connectors.claim_check import ClaimCheckCodec
from foldlog.converter import DataConverter
from foldlog.exceptions import PayloadConversionError
from foldlog.testing import WorkflowEnvironment
from foldlog.worker import Worker

from tests.until import until_asked

QUEUE = "q"
LARGE = 2_000


@activity.defn
async def enlarge(text: str) -> str:
    return text * LARGE


@workflow.defn
class Child:
    @workflow.run
    async def run(self, text: str) -> str:
        return text * LARGE


@workflow.defn
class Parent:
    """Waits for a signal with which it goes on to whatever needs the store."""

    def __init__(self) -> None:
        self._next = ""

    @workflow.run
    async def run(self, kind: str) -> str:
        if len(kind) == LARGE:
            return kind
        await workflow.wait_condition(lambda: bool(self._next))
        if kind == "activity":
            return await workflow.execute_activity(enlarge, "a", start_to_close_timeout=timedelta(minutes=1))
        if kind == "local":
            return await workflow.execute_local_activity(enlarge, "l", start_to_close_timeout=timedelta(minutes=1))
        if kind == "child":
            return await workflow.execute_child_workflow(Child.run, "c")
        if kind == "new":
            workflow.continue_as_new(args=["n" * LARGE])
        return self._next

    @workflow.signal
    def go(self, text: str) -> None:
        self._next = text

    @workflow.query
    def large(self) -> str:
        return "q" * LARGE

    @workflow.update
    def put(self, text: str) -> str:
        return text * LARGE


def with_store(client: Client, folder: Path) -> Client:
    """A client with a codec, and so with a cache, of its own."""
    config: Any = client.config()
    config["data_converter"] = DataConverter(payload_codec=ClaimCheckCodec(f"file://{folder}", threshold=1_000))
    return Client(**config)


async def test_a_store_that_is_away_for_a_while(tmp_path: Path) -> None:
    """Without virtual time, as nothing may be missed by skipping. The client has a cache of its own, as elsewhere."""
    folder, away = tmp_path / "store", tmp_path / "away"
    async with await WorkflowEnvironment.start_time_skipping() as environment:
        outside, inside = (with_store(environment.client, folder) for _ in range(2))
        kinds = {"activity": "a", "local": "l", "child": "c", "new": "n"}
        with environment.auto_time_skipping_disabled():
            async with Worker(
                inside, task_queue=QUEUE, workflows=[Parent, Child], activities=[enlarge], state_dir=tmp_path / "state"
            ):
                for codec in (outside, inside):  # the folder is there, and each has seen it
                    await codec.data_converter.encode([f"{id(codec)}" * LARGE])
                handles: dict[str, Any] = {
                    kind: await outside.start_workflow(Parent.run, kind, id=kind, task_queue=QUEUE)
                    for kind in (*kinds, "signal", "asked")
                }
                await handles["signal"].signal(Parent.go, "s" * LARGE)
                folder.rename(away)
                for kind in kinds:
                    await handles[kind].signal(Parent.go, "now")
                with pytest.raises(PayloadConversionError, match="cannot be written to"):
                    await outside.start_workflow(Parent.run, "t" * LARGE, id="t", task_queue=QUEUE)
                with pytest.raises(WorkflowQueryFailedError, match="cannot be written to"):
                    await handles["asked"].query(Parent.large)
                asked = asyncio.create_task(handles["asked"].execute_update(Parent.put, "u"))
                await until_asked(lambda: stalls(outside), "a workflow stalls, and says so")
                assert not folder.exists()
                away.rename(folder)
                for kind, text in kinds.items():
                    assert await handles[kind].result() == text * LARGE
                assert await handles["signal"].result() == "s" * LARGE
                assert await asked == "u" * LARGE
                assert await handles["asked"].query(Parent.large) == "q" * LARGE


async def stalls(client: Client) -> bool:
    """Whether a workflow has stalled for want of the store: the child, which cannot write its result."""
    return any(["cannot be written" in run.stalled_error async for run in client.list_workflows(workflow_type="Child")])
