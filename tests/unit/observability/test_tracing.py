"""Spans of workflows, in memory: those of one's own, and of an update that comes with its start."""

from __future__ import annotations

from datetime import timedelta

import pytest
from foldlog import activity, workflow
from foldlog.client import Client, WithStartWorkflowOperation
from foldlog.common import WorkflowIDConflictPolicy
from foldlog.contrib.opentelemetry import TracingInterceptor
from foldlog.contrib.opentelemetry.workflow import completed_span
from foldlog.testing import WorkflowEnvironment
from foldlog.worker import Replayer, Worker
from opentelemetry import baggage, context
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode


@activity.defn
async def tenant() -> object:
    return baggage.get_baggage("tenant")


@workflow.defn
class Carries:
    """Stalls once, before it asks an activity for the baggage."""

    stalls = True

    @workflow.run
    async def run(self) -> object:
        if Carries.stalls:
            Carries.stalls = False
            raise RuntimeError("once")
        return await workflow.execute_activity(tenant, start_to_close_timeout=timedelta(minutes=1))


@workflow.defn
class Steps:
    def __init__(self) -> None:
        self._told = ""

    @workflow.run
    async def run(self) -> str:
        completed_span("begun", attributes={"steps": 2})
        await workflow.wait_condition(lambda: bool(self._told))
        completed_span("ended", exception=ValueError("not well"))
        return self._told

    @workflow.update
    def tell(self, what: str) -> str:
        self._told = what
        return f"told {what}"


class Traced:
    """A tracer whose spans are kept."""

    def __init__(self) -> None:
        self._kept = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self._kept))
        self.interceptor = TracingInterceptor(provider.get_tracer("test"))

    @property
    def names(self) -> list[str]:
        return [span.name for span in self._kept.get_finished_spans()]

    @property
    def spans(self) -> dict[str, ReadableSpan]:
        """By name; each name is there once."""
        found = self._kept.get_finished_spans()
        assert len(set(self.names)) == len(found), self.names
        return {span.name: span for span in found}


@pytest.fixture
def traced() -> Traced:
    return Traced()


async def start_and_tell(client: Client) -> None:
    start = WithStartWorkflowOperation(
        Steps.run, id="steps", task_queue="q", id_conflict_policy=WorkflowIDConflictPolicy.FAIL
    )
    answer = await client.execute_update_with_start_workflow(Steps.tell, "it", start_workflow_operation=start)
    assert answer == "told it"
    assert await (await start.workflow_handle()).result() == "it"


async def test_spans_of_ones_own_are_made_once(traced: Traced) -> None:
    async with await WorkflowEnvironment.start_time_skipping(interceptors=[traced.interceptor]) as env:
        async with Worker(env.client, task_queue="q", workflows=[Steps], max_cached_workflows=1):
            await start_and_tell(env.client)
        history = await env.client.get_workflow_handle("steps").fetch_history()
    spans = traced.spans
    begun, ended, asked = spans["begun"], spans["ended"], spans["StartUpdateWithStartWorkflow:Steps"]
    assert begun.attributes is not None
    assert (begun.attributes["steps"], begun.attributes["temporalWorkflowID"]) == (2, "steps")
    assert begun.parent is not None
    assert begun.parent.span_id == asked.context.span_id
    assert (ended.status.status_code, len(ended.events)) == (StatusCode.ERROR, 1)
    await Replayer(workflows=[Steps], interceptors=[traced.interceptor]).replay_workflow(history)
    assert len(traced.spans) == len(spans)


async def test_an_update_and_its_start_are_in_one_trace(traced: Traced) -> None:
    async with await WorkflowEnvironment.start_time_skipping(interceptors=[traced.interceptor]) as env:
        async with Worker(env.client, task_queue="q", workflows=[Steps]):
            await start_and_tell(env.client)
    asked = traced.spans["StartUpdateWithStartWorkflow:Steps"]
    for name in ("RunWorkflow:Steps", "HandleUpdate:tell"):
        parent = traced.spans[name].parent
        assert parent is not None
        assert parent.span_id == asked.context.span_id


async def test_baggage_comes_to_activities_and_a_stall_is_no_end(traced: Traced) -> None:
    Carries.stalls = True
    async with await WorkflowEnvironment.start_time_skipping(interceptors=[traced.interceptor]) as env:
        async with Worker(env.client, task_queue="q", workflows=[Carries], activities=[tenant]):
            token = context.attach(baggage.set_baggage("tenant", "ann"))
            try:
                assert await env.client.execute_workflow(Carries.run, id="carries", task_queue="q") == "ann"
            finally:
                context.detach(token)
    assert traced.names.count("CompleteWorkflow:Carries") == 1
    assert baggage.get_baggage("tenant") is None


async def test_an_activity_without_a_workflow_is_in_the_trace_of_its_start(traced: Traced) -> None:
    async with await WorkflowEnvironment.start_time_skipping(interceptors=[traced.interceptor]) as env:
        async with Worker(env.client, task_queue="q", workflows=[Steps], activities=[tenant]):
            limit = timedelta(minutes=1)
            assert (
                await env.client.execute_activity(tenant, id="alone", task_queue="q", start_to_close_timeout=limit)
                is None
            )
    started, ran = traced.spans["StartActivity:tenant"], traced.spans["RunActivity:tenant"]
    assert started.attributes == {"temporalActivityID": "alone", "temporalActivityType": "tenant"}
    assert ran.context.trace_id == started.context.trace_id
    assert ran.attributes is not None
    assert "temporalWorkflowID" not in ran.attributes


async def test_without_a_tracer_a_span_is_nothing() -> None:
    async with await WorkflowEnvironment.start_time_skipping() as env:
        async with Worker(env.client, task_queue="q", workflows=[Steps]):
            await start_and_tell(env.client)
