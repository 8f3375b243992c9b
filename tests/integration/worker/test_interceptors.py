"""Interceptors of clients and workers on a real broker: headers travel, calls are refused, traces hang together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from foldlog import activity, workflow
from foldlog.client import (
    CancelWorkflowInput,
    Client,
    HeaderCodecBehavior,
    Interceptor,
    OutboundInterceptor,
    WorkflowFailureError,
    WorkflowQueryFailedError,
)
from foldlog.common import RetryPolicy
from foldlog.contrib.opentelemetry import TracingInterceptor
from foldlog.converter import DataConverter
from foldlog.converter.encryption import AESGCMCodec
from foldlog.exceptions import ApplicationError
from foldlog.plugin import SimplePlugin
from foldlog.worker import (
    ActivityInboundInterceptor,
    ActivityOutboundInterceptor,
    ExecuteActivityInput,
    Worker,
)
from foldlog.worker import Interceptor as WorkerInterceptor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from examples.interceptors.authorization import AuthorizationInterceptor, SigningInterceptor
from examples.interceptors.context import TenantInterceptor, tenant
from tests.conformance.scenarios import PATIENCE
from tests.integration.processor.running import SOON, Place, place
from tests.integration.processor.workloads import QUEUE

LIMIT = timedelta(seconds=60)


@activity.defn
async def whose(text: str) -> str:
    activity.heartbeat(text)
    return f"{text} of {tenant.get()}"


@activity.defn
def whose_in_thread(text: str) -> str:
    activity.heartbeat(text)
    return f"{text} of {tenant.get()} on {activity.info().task_queue}"


@workflow.defn
class Caring:
    def __init__(self) -> None:
        self.heard: list[str] = []

    @workflow.run
    async def run(self, text: str) -> list[str]:
        said = [f"run of {tenant.get()}"]
        said.append(await workflow.execute_activity(whose, text, start_to_close_timeout=LIMIT))
        said.append(await workflow.execute_activity(whose_in_thread, text, start_to_close_timeout=LIMIT))
        said.append(await workflow.execute_local_activity(whose, "local", start_to_close_timeout=LIMIT))
        await workflow.wait_condition(lambda: bool(self.heard))
        return said + self.heard

    @workflow.signal
    def hear(self, text: str) -> None:
        self.heard.append(f"{text} of {tenant.get()}")

    @workflow.query
    def who(self) -> str:
        return str(tenant.get())


@pytest.fixture
async def here(kafka: str, namespace: str, tmp_path: Path) -> AsyncIterator[Place]:
    async with place(kafka, namespace, tmp_path) as found:
        yield found


async def client_of(here: Place, *interceptors: Any, **options: Any) -> Client:
    return await Client.connect(here.config, namespace=here.namespace, interceptors=interceptors, **PATIENCE, **options)


def worker_of(here: Place, client: Client, **options: Any) -> Worker:
    options.setdefault("workflows", [Caring])
    return Worker(
        client,
        task_queue=QUEUE,
        activities=[whose, whose_in_thread],
        state_dir=here.folder / "state",
        **options,
    )


async def told(client: Client, id: str = "caring") -> list[str]:
    """One workflow from beginning to end, started and signalled by two tenants."""
    tenant.set("ann")
    handle = await client.start_workflow(Caring.run, "x", id=id, task_queue=QUEUE, rpc_timeout=SOON)
    assert await handle.query(Caring.who, rpc_timeout=SOON) == "ann"
    tenant.set("bob")
    await handle.signal(Caring.hear, "signal", rpc_timeout=SOON)
    return await handle.result(rpc_timeout=SOON)


EXPECTED = ["run of ann", "x of ann", f"x of ann on {QUEUE}", "local of ann", "signal of bob"]


@pytest.mark.parametrize("eager", [True, False], ids=["eager", "over the topic"])
async def test_a_context_goes_along(here: Place, eager: bool) -> None:
    async with await client_of(here, TenantInterceptor()) as client:
        async with worker_of(here, client, disable_eager_activity_execution=not eager):
            assert await told(client) == EXPECTED
    await here.check()


@pytest.mark.parametrize("behavior", [HeaderCodecBehavior.CODEC, HeaderCodecBehavior.NO_CODEC])
async def test_headers_go_through_the_codec_if_asked_for(here: Place, behavior: HeaderCodecBehavior) -> None:
    converter = DataConverter(payload_codec=AESGCMCodec({"k": b"k" * 32}))
    coded = {"data_converter": converter, "header_codec_behavior": behavior}
    async with await client_of(here, TenantInterceptor(), **coded) as client:
        async with worker_of(here, client):
            assert await told(client) == EXPECTED
    records = [record.value or b"" for record in await asyncio.to_thread(here.read, here.topics.events)]
    assert any(b"tenant" in record for record in records)
    readable = [record for record in records if b'"ann"' in record or b'"bob"' in record]
    assert bool(readable) == (behavior is HeaderCodecBehavior.NO_CODEC)


async def test_strangers_are_refused(here: Place) -> None:
    keys = {"shop": b"s" * 32}
    async with (
        await client_of(here, SigningInterceptor("shop", b"s" * 32)) as shop,
        await client_of(here, SigningInterceptor("shop", b"x" * 32)) as forger,
        await client_of(here) as stranger,
    ):
        async with worker_of(here, stranger, interceptors=[AuthorizationInterceptor(keys, own="shop")]):
            for number, other in enumerate((forger, stranger)):
                with pytest.raises(WorkflowFailureError) as refused:
                    await other.execute_workflow(
                        Caring.run, "x", id=f"refused-{number}", task_queue=QUEUE, rpc_timeout=SOON
                    )
                assert isinstance(refused.value.cause, ApplicationError)
                assert refused.value.cause.type == "Unauthorized"
            handle = await shop.start_workflow(Caring.run, "x", id="mine", task_queue=QUEUE, rpc_timeout=SOON)
            for other in (forger, stranger):
                theirs = other.get_workflow_handle("mine")
                await theirs.signal("hear", "forged", rpc_timeout=SOON)
                with pytest.raises(WorkflowQueryFailedError, match="not allowed: query who"):
                    await theirs.query("who", rpc_timeout=SOON)
            assert await handle.query(Caring.who, rpc_timeout=SOON) == "None"
            await handle.signal(Caring.hear, "mine", rpc_timeout=SOON)
            assert (await handle.result(rpc_timeout=SOON))[-1] == "mine of None"


async def test_a_trace_hangs_together_and_has_no_span_of_a_replay(here: Place) -> None:
    spans = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    tracer = provider.get_tracer("test")
    async with await client_of(here, TracingInterceptor(tracer)) as client:
        with tracer.start_as_current_span("root"):
            async with worker_of(here, client):
                handle = await client.start_workflow(Caring.run, "x", id="traced", task_queue=QUEUE, rpc_timeout=SOON)
            async with worker_of(here, client):  # tells its history again
                assert await handle.query(Caring.who, rpc_timeout=SOON) == "None"
                await handle.signal(Caring.hear, "signal", rpc_timeout=SOON)
                await handle.result(rpc_timeout=SOON)
    found = spans.get_finished_spans()
    assert len({span.context.trace_id for span in found if span.context}) == 1
    names = {span.context.span_id: span.name for span in found if span.context}
    parents = {(span.name, names[span.parent.span_id]) for span in found if span.parent is not None}
    assert {
        ("StartWorkflow:Caring", "root"),
        ("RunWorkflow:Caring", "StartWorkflow:Caring"),
        ("StartActivity:whose", "StartWorkflow:Caring"),
        ("RunActivity:whose", "StartActivity:whose"),
        ("RunActivity:whose_in_thread", "StartActivity:whose_in_thread"),
        ("HandleQuery:who", "QueryWorkflow:who"),
        ("HandleSignal:hear", "SignalWorkflow:hear"),
        ("CompleteWorkflow:Caring", "StartWorkflow:Caring"),
    } <= parents
    assert [span.name for span in found].count("RunWorkflow:Caring") == 1
    assert [span.name for span in found].count("CompleteWorkflow:Caring") == 1


class Counting(Interceptor, WorkerInterceptor):
    """Sees all kinds of calls."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        return CountingClient(next, self.seen)

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return CountingActivity(next, self.seen)


class CountingClient(OutboundInterceptor):
    def __init__(self, next: OutboundInterceptor, seen: list[str]) -> None:
        super().__init__(next)
        self.seen = seen

    def __getattribute__(self, name: str) -> Any:
        if name.endswith(("_workflow", "_workflows", "_events")):
            self.seen.append(name)
        return super().__getattribute__(name)

    async def cancel_workflow(self, input: CancelWorkflowInput) -> None:
        input.reason = "changed"
        await super().cancel_workflow(input)


class CountingActivity(ActivityInboundInterceptor):
    def __init__(self, next: ActivityInboundInterceptor, seen: list[str]) -> None:
        super().__init__(next)
        self.seen = seen

    def init(self, outbound: ActivityOutboundInterceptor) -> None:
        super().init(CountingOutbound(outbound, self.seen))

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        self.seen.append(f"execute {activity.info().activity_type}")
        assert (input.executor is None) == (input.fn is whose)
        input.args = [f"{input.args[0]}!"]
        return await super().execute_activity(input)


class CountingOutbound(ActivityOutboundInterceptor):
    def __init__(self, next: ActivityOutboundInterceptor, seen: list[str]) -> None:
        super().__init__(next)
        self.seen = seen

    def heartbeat(self, *details: Any) -> None:
        self.seen.append(f"heartbeat {details[0]}")
        super().heartbeat(*details)


async def test_a_plugin_bundles_what_all_calls_go_by_way_of(here: Place) -> None:
    counting = Counting()
    entered: list[str] = []

    class Entered:
        async def __aenter__(self) -> None:
            entered.append("in")

        async def __aexit__(self, *_: Any) -> None:
            entered.append("out")

    plugin = SimplePlugin(
        "counting",
        interceptors=[counting],
        workflows=[Caring],
        data_converter=DataConverter(payload_codec=AESGCMCodec({"k": b"k" * 32})),
        run_context=Entered,
    )
    async with await client_of(here, plugins=[plugin]) as client:
        executor = ThreadPoolExecutor(2)
        async with worker_of(here, client, workflows=[], activity_executor=executor):
            assert entered == ["in"]
            tenant.set(None)
            handle = await client.start_workflow("Caring", "x", id="counted", task_queue=QUEUE, rpc_timeout=SOON)
            assert (await handle.describe(rpc_timeout=SOON)).workflow_type == "Caring"
            await handle.signal("hear", "y", rpc_timeout=SOON)
            assert (await handle.result(rpc_timeout=SOON))[1] == "x! of None"
            assert (await handle.fetch_history(rpc_timeout=SOON)).events
            assert [found.id async for found in client.list_workflows(id_prefix="counted")] == ["counted"]
            other = await client.start_workflow("Caring", "x", id="ended", task_queue=QUEUE, rpc_timeout=SOON)
            await other.cancel(reason="mine", rpc_timeout=SOON)
            with pytest.raises(WorkflowFailureError):
                await other.result(rpc_timeout=SOON)
            history = await other.fetch_history(rpc_timeout=SOON)
            assert "changed" in {getattr(event, "reason", "") for event in history.events}
            last = await client.start_workflow("Caring", "x", id="last", task_queue=QUEUE, rpc_timeout=SOON)
            await last.terminate(reason="over", rpc_timeout=SOON)
        executor.shutdown()
    assert entered == ["in", "out"]
    assert {
        "start_workflow",
        "describe_workflow",
        "signal_workflow",
        "fetch_workflow_history_events",
        "list_workflows",
        "cancel_workflow",
        "terminate_workflow",
        "execute whose",
        "execute whose_in_thread",
        "heartbeat x!",
    } <= set(counting.seen)
    assert counting.seen.count("heartbeat x!") >= 2


async def test_a_failed_activity_is_the_spans_failure(here: Place) -> None:
    spans = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    interceptor = TracingInterceptor(provider.get_tracer("test"), always_create_workflow_spans=True)

    @activity.defn
    async def broken() -> None:
        raise ApplicationError("out of order")

    @workflow.defn
    class Broken:
        @workflow.run
        async def run(self) -> None:
            await workflow.execute_activity(
                "broken", start_to_close_timeout=LIMIT, retry_policy=RetryPolicy(maximum_attempts=1)
            )

    async with await client_of(here, interceptor) as client:
        worker = Worker(
            client, task_queue=QUEUE, workflows=[Broken], activities=[broken], state_dir=here.folder / "state"
        )
        async with worker:
            with pytest.raises(WorkflowFailureError):
                await client.execute_workflow(Broken.run, id="broken", task_queue=QUEUE, rpc_timeout=SOON)
    failed = {span.name for span in spans.get_finished_spans() if not span.status.is_ok and span.events}
    assert failed == {"RunActivity:broken", "CompleteWorkflow:Broken"}
