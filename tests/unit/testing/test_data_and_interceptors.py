"""Codecs and interceptors in memory, on skipped time: the same code as on Kafka."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from foldlog import workflow
from foldlog.api.common.v1 import Payload
from foldlog.client import HeaderCodecBehavior
from foldlog.converter import DataConverter, DefaultFailureConverterWithEncodedAttributes, PayloadCodec
from foldlog.converter.encryption import AESGCMCodec
from foldlog.runtime.coder import Coder
from foldlog.testing import WorkflowEnvironment
from foldlog.worker import Worker

from examples.interceptors.context import TenantInterceptor, bill, tenant
from tests.conformance.data import Remote


@workflow.defn
class Monthly:
    """Bills each month, on behalf of whoever started it."""

    def __init__(self) -> None:
        self.paid = 0

    @workflow.run
    async def run(self, months: int) -> list[str]:
        bills = []
        for month in range(months):
            await workflow.sleep(timedelta(days=30))
            bills.append(await workflow.execute_activity(bill, month, start_to_close_timeout=timedelta(seconds=10)))
        await workflow.wait_condition(lambda: self.paid > 0)
        return [*bills, f"paid {self.paid}"]

    @workflow.signal
    def pay(self, amount: int) -> None:
        self.paid += amount

    @workflow.query
    def on_behalf_of(self) -> str:
        return str(tenant.get())


@pytest.mark.parametrize("codec", [None, AESGCMCodec({"k": b"k" * 32}), Remote()], ids=["none", "inline", "waits"])
@pytest.mark.parametrize("behavior", [HeaderCodecBehavior.NO_CODEC, HeaderCodecBehavior.CODEC])
async def test_a_tenant_goes_along_through_a_codec(codec: PayloadCodec | None, behavior: HeaderCodecBehavior) -> None:
    converter = DataConverter(payload_codec=codec, failure_converter_class=DefaultFailureConverterWithEncodedAttributes)
    async with await WorkflowEnvironment.start_time_skipping(
        data_converter=converter, interceptors=[TenantInterceptor()], header_codec_behavior=behavior
    ) as env:
        async with Worker(env.client, task_queue="q", workflows=[Monthly], activities=[bill], max_cached_workflows=1):
            tenant.set("acme")
            handle = await env.client.start_workflow(Monthly.run, 2, id="monthly", task_queue="q")
            await env.client.start_workflow(Monthly.run, 1, id="other", task_queue="q")  # evicts the first one
            assert await handle.query(Monthly.on_behalf_of) == "acme"
            await handle.signal(Monthly.pay, 5)
            assert await handle.result() == ["acme owes 0", "acme owes 1", "paid 5"]


@workflow.defn
class Listening:
    """Says on whose behalf it was started and told."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    @workflow.run
    async def run(self, signals: int) -> list[str]:
        started = str(tenant.get())
        await workflow.wait_condition(lambda: len(self.heard) == signals)
        return [started, *self.heard]

    @workflow.signal
    def hear(self) -> None:
        self.heard.append(str(tenant.get()))


@workflow.defn
class Family:
    """Starts children, and tells them and others."""

    @workflow.run
    async def run(self) -> list[list[str]]:
        tenant.set("parent")
        child = await workflow.start_child_workflow(Listening.run, 2, id="child")
        await child.signal(Listening.hear)
        tenant.set("other")
        await workflow.get_external_workflow_handle("child").signal(Listening.hear)
        return [await child, await workflow.execute_child_workflow(Listening.run, 0)]


@pytest.mark.parametrize("codec", [None, AESGCMCodec({"k": b"k" * 32}), Remote()], ids=["none", "inline", "waits"])
@pytest.mark.parametrize("behavior", [HeaderCodecBehavior.CODEC, HeaderCodecBehavior.WORKFLOW_ONLY_CODEC])
async def test_a_tenant_goes_along_to_children_and_other_workflows(
    codec: PayloadCodec | None, behavior: HeaderCodecBehavior
) -> None:
    """What a client has not encoded passes through the codec as it is."""
    async with await WorkflowEnvironment.start_time_skipping(
        data_converter=DataConverter(payload_codec=codec),
        interceptors=[TenantInterceptor()],
        header_codec_behavior=behavior,
    ) as env:
        async with Worker(env.client, task_queue="q", workflows=[Family, Listening], max_cached_workflows=1):
            tenant.set("client")
            told = await env.client.execute_workflow(Family.run, id="family", task_queue="q")
            assert told == [["parent", "parent", "other"], ["other"]]


class HangsOnce(PayloadCodec):
    """Another system, which at some moment does not answer, once."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.armed = False

    async def _answer(self, what: str) -> None:
        await asyncio.sleep(0)
        # On the event loop of the test it is the client's, which waits for as long as it likes.
        if self.armed and what == self.what and threading.current_thread() is not threading.main_thread():
            self.armed = False
            await asyncio.sleep(3600)

    async def encode(self, payloads: Sequence[Payload]) -> Any:
        await self._answer("encode")
        return list(payloads)

    async def decode(self, payloads: Sequence[Payload]) -> Any:
        await self._answer("decode")
        return list(payloads)


@pytest.mark.parametrize("what", ["encode", "decode"])
async def test_a_codec_that_hangs_once_stalls_its_run_for_a_moment(
    what: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    # How long a worker's codec is waited for: nobody should wait five seconds here.
    defaults = Coder.__init__.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "answer_seconds", 1.0)
    codec = HangsOnce(what)
    env = await WorkflowEnvironment.start_time_skipping(data_converter=DataConverter(payload_codec=codec))
    async with env, Worker(env.client, task_queue="q", workflows=[Monthly], activities=[bill]):
        handle = await env.client.start_workflow(Monthly.run, 3, id="w", task_queue="q")
        for number in range(5):
            await handle.signal(Monthly.pay, number)
        codec.armed = True
        await handle.signal(Monthly.pay, 5)
        async with asyncio.timeout(30):
            assert (await handle.result())[-1] == "paid 15"
    assert not codec.armed
    tries = [record.getMessage() for record in caplog.records if "cannot go on, attempt" in record.getMessage()]
    # The second one comes while the codec is left alone.
    assert 1 <= len(tries) <= 2
