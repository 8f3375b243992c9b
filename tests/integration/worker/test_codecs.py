"""Encryption and claim checks on a real broker: what is told is told everywhere, and nobody else can read it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from foldlog import activity, workflow
from foldlog.api.common.v1 import Payload
from foldlog.client import Client, WorkflowFailureError, WorkflowQueryFailedError
from foldlog.common import RetryPolicy
from foldlog.connectors.claim_check import ClaimCheckCodec
from foldlog.converter import (
    CodecChain,
    DataConverter,
    DefaultFailureConverterWithEncodedAttributes,
    PayloadCodec,
)
from foldlog.converter.compression import ZstdCodec
from foldlog.converter.encryption import AESGCMCodec, EnvelopeCodec, LocalKeyProvider
from foldlog.exceptions import ActivityError, ApplicationError
from foldlog.worker import Worker

from tests.conformance.data import Remote
from tests.conformance.scenarios import PATIENCE
from tests.integration.processor.running import SOON, Place, place
from tests.integration.processor.workloads import QUEUE
from tests.until import until, until_asked

SECRET = "top-secret"
LIMIT = timedelta(seconds=60)
AGAIN = RetryPolicy(initial_interval=timedelta(milliseconds=20), maximum_attempts=3)


@activity.defn
async def progress(text: str) -> str:
    """Beats, fails, and goes on from where it was."""
    begun = activity.info().heartbeat_details
    if not begun:
        activity.heartbeat(f"{text} heartbeat")
        raise ApplicationError(f"{text[:40]} failure", f"{text} failure detail")
    return f"{text} result, after {begun[0]}"


@activity.defn
async def refuse(text: str) -> None:
    raise ApplicationError(f"{text[:40]} refused", f"{text} refusal detail", non_retryable=True)


@activity.defn
async def locally(text: str) -> str:
    return f"{text} local"


@workflow.defn
class Telling:
    """Uses every path that a value can take."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    @workflow.run
    async def run(self, text: str) -> str:
        assert workflow.memo_value("note", type_hint=str) == f"{SECRET} memo"
        said = await workflow.execute_activity(progress, text, start_to_close_timeout=LIMIT, retry_policy=AGAIN)
        said += await workflow.execute_local_activity(locally, text, start_to_close_timeout=LIMIT)
        with pytest.raises(ActivityError) as refused:
            await workflow.execute_activity(refuse, text, start_to_close_timeout=LIMIT)
        cause = refused.value.cause
        assert isinstance(cause, ApplicationError)
        assert (cause.message, cause.details) == (f"{text[:40]} refused", (f"{text} refusal detail",))
        await workflow.wait_condition(lambda: bool(self.heard))
        if self.heard[0].endswith("fail"):
            raise ApplicationError(f"{text[:40]} end", f"{text} end detail")
        return f"{said} {self.heard[0]}"

    @workflow.signal
    def hear(self, text: str) -> None:
        self.heard.append(text)

    @workflow.query
    def state(self, prefix: str) -> str:
        if prefix == "fail":
            raise ApplicationError(f"{SECRET} query")
        return f"{prefix} {SECRET} {len(self.heard)}"


class Away(Remote):
    """One that may be away when something is to be decoded."""

    def __init__(self) -> None:
        super().__init__()
        self.away = False
        self.refused = 0

    async def decode(self, payloads: Sequence[Payload]) -> Any:
        if self.away:
            self.refused += 1
            raise OSError("the key service is away")
        return await super().decode(payloads)


@pytest.fixture
async def here(kafka: str, namespace: str, tmp_path: Path) -> AsyncIterator[Place]:
    async with place(kafka, namespace, tmp_path) as found:
        yield found


def seen_by(codec: PayloadCodec) -> DataConverter:
    return DataConverter(payload_codec=codec, failure_converter_class=DefaultFailureConverterWithEncodedAttributes)


async def tell(here: Place, converter: DataConverter, text: str, **options: Any) -> None:
    """One workflow that ends well and one that fails, with a restart in between."""
    async with await Client.connect(
        here.config, namespace=here.namespace, data_converter=converter, **PATIENCE
    ) as client:

        def worker() -> Worker:
            return Worker(
                client,
                task_queue=QUEUE,
                workflows=[Telling],
                activities=[progress, refuse, locally],
                state_dir=here.folder / "state",
                **options,
            )

        memo = {"note": f"{SECRET} memo"}
        async with worker() as running:
            await until(lambda: running.ready, "the worker is ready")
            good, bad = [
                await client.start_workflow(Telling.run, text, id=name, task_queue=QUEUE, memo=memo, rpc_timeout=SOON)
                for name in ("good", "bad")
            ]
            assert await good.query(Telling.state, SECRET, rpc_timeout=SOON) == f"{SECRET} {SECRET} 0"
        async with worker():
            with pytest.raises(WorkflowQueryFailedError, match=f"{SECRET} query"):
                await bad.query(Telling.state, "fail", rpc_timeout=SOON)
            await good.signal(Telling.hear, f"{text} signal", rpc_timeout=SOON)
            await bad.signal(Telling.hear, f"{text} fail", rpc_timeout=SOON)
            expected = f"{text} result, after {text} heartbeat{text} local {text} signal"
            assert await good.result(rpc_timeout=SOON) == expected
            with pytest.raises(WorkflowFailureError) as failed:
                await bad.result(rpc_timeout=SOON)
            assert isinstance(failed.value.cause, ApplicationError)
            assert failed.value.cause.message == f"{text[:40]} end"
            assert failed.value.cause.details == (f"{text} end detail",)
            assert await (await good.describe(rpc_timeout=SOON)).memo() == memo
    await here.check()


def everything(here: Place) -> list[bytes]:
    """Every record of every topic of the namespace."""
    topics = here.topics
    names = (topics.commands, topics.events, topics.replies, topics.visibility, topics.tasks(QUEUE))
    return [bytes(record.value or b"") for name in names for record in here.read(name)]


async def test_nobody_without_the_key_can_read_any_of_it(here: Place) -> None:
    await tell(here, seen_by(EnvelopeCodec(LocalKeyProvider({"k": b"k" * 32}))), SECRET)
    records = await asyncio.to_thread(everything, here)
    assert len(records) > 40
    assert [record for record in records if SECRET.encode() in record] == []


async def test_large_values_are_in_the_store_whatever_path_they_take(here: Place) -> None:
    chain = CodecChain(
        ZstdCodec(threshold=10_000_000),
        AESGCMCodec({"k": b"k" * 32}),
        ClaimCheckCodec(f"file://{here.folder}/payloads", threshold=10_000),
    )
    await tell(here, seen_by(chain), SECRET * 30_000, disable_eager_activity_execution=True)
    records = await asyncio.to_thread(everything, here)
    assert max(map(len, records)) < 20_000
    assert [record for record in records if SECRET.encode() in record] == []


async def test_what_is_compressed_is_small_in_every_record(here: Place) -> None:
    chain = CodecChain(ZstdCodec(), AESGCMCodec({"k": b"k" * 32}))
    await tell(here, seen_by(chain), SECRET * 30_000, disable_eager_activity_execution=True)
    records = await asyncio.to_thread(everything, here)
    assert len(records) > 40
    assert max(map(len, records)) < 20_000  # of 300,000 bytes, and there is no store beside the topics
    assert [record for record in records if SECRET.encode() in record] == []


async def test_a_codec_that_waits_and_is_away_for_a_while(here: Place) -> None:
    codec = Away()
    await tell(here, seen_by(codec), SECRET)
    async with await Client.connect(
        here.config, namespace=here.namespace, data_converter=replace(seen_by(codec)), **PATIENCE
    ) as client:
        here.client = client
        async with here.worker(workflows=[Telling], activities=[progress, refuse, locally]):
            memo = {"note": f"{SECRET} memo"}
            handle = await client.start_workflow(
                Telling.run, SECRET, id="late", task_queue=QUEUE, memo=memo, rpc_timeout=SOON
            )
            codec.away = True
            await handle.signal(Telling.hear, "at last", rpc_timeout=SOON)

            async def stalled() -> bool:
                return "the key service is away" in (await handle.describe(rpc_timeout=SOON)).stalled_error

            await until_asked(stalled, "the workflow is stalled")
            codec.away = False
            assert (await handle.result(rpc_timeout=SOON)).endswith("at last")
