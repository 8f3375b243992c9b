"""Scenarios of values that go through a codec, and of headers that go along with every call."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from foldlog import workflow
from foldlog.api.common.v1 import Payload
from foldlog.client import (
    Client,
    HeaderCodecBehavior,
    WithStartWorkflowOperation,
    WorkflowUpdateFailedError,
    WorkflowUpdateStage,
)
from foldlog.common import WorkflowIDConflictPolicy
from foldlog.converter import DataConverter, DefaultFailureConverterWithEncodedAttributes, PayloadCodec
from foldlog.converter.encryption import AESGCMCodec
from foldlog.exceptions import ApplicationError
from foldlog.schemas.framing import encode
from foldlog.worker import Worker

from examples.interceptors.context import TenantInterceptor, tenant
from tests.conformance.scenarios import DEADLINE, QUEUE, Place, Scenario, until

LIMIT = timedelta(seconds=DEADLINE)


class Remote(PayloadCodec):
    """Encrypts, and takes its time, on an event loop."""

    def __init__(self) -> None:
        self.inner = AESGCMCodec({"k": b"k" * 32})

    async def encode(self, payloads: Sequence[Payload]) -> Any:
        await asyncio.sleep(0)
        return await self.inner.encode(payloads)

    async def decode(self, payloads: Sequence[Payload]) -> Any:
        await asyncio.sleep(0)
        return await self.inner.decode(payloads)


def of_tenant(text: str) -> str:
    return f"{text} of {tenant.get()}"


@workflow.defn
class Ledger:
    """Keeps what it is told, and by whom; goes on as new once."""

    def __init__(self) -> None:
        self.kept: list[str] = []
        self.closed = False

    @workflow.run
    async def run(self, before: list[str]) -> list[str]:
        if not before:
            await workflow.wait_condition(lambda: self.closed)
            workflow.upsert_memo({"note": of_tenant("secret memo"), "gone": None})
            workflow.continue_as_new([*self.kept, of_tenant("secret first run")])
        workflow.set_signal_handler("late", self.tell)
        await workflow.wait_condition(lambda: self.closed)
        note = workflow.memo_value("note", type_hint=str)
        return [*before, note, "gone" if "gone" not in workflow.memo() else "still there", *self.kept]

    @workflow.signal
    def tell(self, text: str) -> None:
        self.kept.append(of_tenant(text))

    @workflow.update
    async def put(self, text: str) -> str:
        await workflow.sleep(0.01)
        if text == "secret failure":
            raise ApplicationError(of_tenant(text), "secret detail")
        self.kept.append(of_tenant(text))
        return f"{of_tenant(text)}, number {len(self.kept)}"

    @put.validator
    def check(self, text: str) -> None:
        if text == "secret refusal":
            raise ApplicationError(of_tenant(text))

    @workflow.update
    def close(self) -> None:
        self.closed = True


def coded_client(here: Place) -> Client:
    """The place's client, with a codec, and the tenant on everything."""
    config = here.client.config()
    config["data_converter"] = DataConverter(
        payload_codec=Remote(), failure_converter_class=DefaultFailureConverterWithEncodedAttributes
    )
    config["interceptors"] = [TenantInterceptor()]
    config["header_codec_behavior"] = HeaderCodecBehavior.CODEC
    return Client(**config)


async def told(handle: Any) -> None:
    """Everything that can be told to the first run."""
    tenant.set("put")
    assert await handle.execute_update(Ledger.put, "secret one", rpc_timeout=LIMIT) == "secret one of put, number 2"
    begun = await handle.start_update(Ledger.put, "secret two", wait_for_stage=WorkflowUpdateStage.ACCEPTED)
    assert await begun.result(rpc_timeout=LIMIT) == "secret two of put, number 3"
    for text in ("secret failure", "secret refusal"):
        with pytest.raises(WorkflowUpdateFailedError) as failed:
            await handle.execute_update(Ledger.put, text, rpc_timeout=LIMIT)
        assert isinstance(failed.value.cause, ApplicationError)
        assert failed.value.cause.message == f"{text} of put"
    tenant.set("late")
    await handle.signal("late", "secret late", rpc_timeout=LIMIT)


async def values_and_headers_on_every_path(here: Place) -> None:
    client, id = coded_client(here), uuid.uuid4().hex
    state = here.folder / uuid.uuid4().hex
    worker = Worker(client, task_queue=QUEUE, workflows=[Ledger], state_dir=state, max_cached_workflows=1)
    async with worker:
        await until(lambda: worker.ready, "the worker is ready")
        tenant.set("start")
        operation = WithStartWorkflowOperation(
            Ledger.run,
            [],
            id=id,
            task_queue=QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
            memo={"gone": "secret memo"},
            static_summary="secret summary",
        )
        first = await client.execute_update_with_start_workflow(
            Ledger.put, "secret start", start_workflow_operation=operation, rpc_timeout=LIMIT
        )
        assert first == "secret start of start, number 1"
        handle = await operation.workflow_handle()
        # With one workflow in the cache, this one is built anew from its history from time to time.
        options: dict[str, Any] = {"start_signal": "tell", "start_signal_args": ["secret signal"]}
        other = await client.start_workflow(Ledger.run, ["x"], id=f"{id}-2", task_queue=QUEUE, **options)
        await told(handle)
        run_id = (await handle.describe(rpc_timeout=LIMIT)).run_id
        current = client.get_workflow_handle_for(Ledger.run, id)
        assert await (await current.describe(rpc_timeout=LIMIT)).static_summary() == "secret summary"
        await current.execute_update(Ledger.close, rpc_timeout=LIMIT)
        await current.execute_update(Ledger.put, "secret end", rpc_timeout=LIMIT)
        await current.execute_update(Ledger.close, rpc_timeout=LIMIT)
        assert await handle.result(rpc_timeout=LIMIT) == [
            "secret start of start",
            "secret one of put",
            "secret two of put",
            "secret first run of start",
            "secret memo of start",
            "gone",
            "secret late of late",
            "secret end of late",
        ]
        await other.terminate(rpc_timeout=LIMIT)
        for each in (client.get_workflow_handle(id, run_id=run_id), current, other):
            history = await each.fetch_history(rpc_timeout=LIMIT)
            assert [found for found in history.events if b"secret" in encode(found)] == []


ALONE: list[Scenario] = [values_and_headers_on_every_path]
"""Scenarios that bring their own workers."""
