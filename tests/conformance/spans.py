"""Scenarios of OpenTelemetryPlugin: spans of workflow code that last over restarts and replays. Own workers."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import opentelemetry.trace
import pytest
from foldlog import activity, workflow
from foldlog.client import Client
from foldlog.contrib.opentelemetry import OpenTelemetryPlugin, create_tracer_provider
from foldlog.contrib.opentelemetry.workflow import completed_span
from foldlog.exceptions import ApplicationError
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode, get_tracer

from tests.conformance.scenarios import Place, Scenario
from tests.conformance.workers import start, worker_of
from tests.until import until, until_asked

LIMIT = timedelta(seconds=60)


@activity.defn
async def measured(fails: bool) -> int:
    with get_tracer("test").start_as_current_span("inside"):
        if fails and activity.info().attempt == 1:
            raise ApplicationError("the first attempt fails")
    return 1


@workflow.defn(name="SpansPart")
class Part:
    @workflow.run
    async def run(self) -> int:
        with get_tracer("test").start_as_current_span("part"):
            return await workflow.execute_local_activity(measured, False, start_to_close_timeout=LIMIT)


@workflow.defn(name="SpansWhole")
class Whole:
    """Its first span lasts from the first to the last step; in between, everything is dropped and told again."""

    stalls = True

    def __init__(self) -> None:
        self.words: list[str] = []

    @workflow.run
    async def run(self) -> list[str]:
        tracer = get_tracer("test")
        with tracer.start_as_current_span("whole") as span:
            span.set_attribute("of", "the run")
            completed_span("moment", attributes={"n": 1}, exception=ValueError("not well"))
            await workflow.execute_activity(measured, True, start_to_close_timeout=LIMIT)
            with tracer.start_as_current_span("waits"):
                await workflow.wait_condition(lambda: "go" in self.words)
            await workflow.execute_child_workflow(Part.run)
            if Whole.stalls:
                Whole.stalls = False
                with tracer.start_as_current_span("stalls"):
                    raise RuntimeError("once")
            with pytest.raises(ApplicationError), tracer.start_as_current_span("fails"):
                raise ApplicationError("it does")
        return self.words

    @workflow.signal
    async def say(self, word: str) -> None:
        with get_tracer("test").start_as_current_span("hears"):
            self.words.append(word)
            await workflow.sleep(0.001)

    @workflow.query
    def said(self) -> int:
        with get_tracer("test").start_as_current_span("asked"):
            return len(self.words)

    @workflow.update
    async def put(self, word: str) -> int:
        with get_tracer("test").start_as_current_span("puts"):
            self.words.append(word)
        return len(self.words)

    @put.validator
    def check_put(self, word: str) -> None:
        with get_tracer("test").start_as_current_span("checks"):
            assert word


CODE: dict[str, Any] = {"workflows": [Whole, Part], "activities": [measured], "max_cached_workflows": 0}


@contextmanager
def collected() -> Iterator[InMemorySpanExporter]:
    """Spans of the global provider, for as long as this lasts."""
    kept = InMemorySpanExporter()
    provider = create_tracer_provider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    before = opentelemetry.trace._TRACER_PROVIDER
    opentelemetry.trace._TRACER_PROVIDER = provider
    try:
        yield kept
    finally:
        opentelemetry.trace._TRACER_PROVIDER = before


def client_with(here: Place, **options: bool) -> Client:
    config = here.elsewhere.config()
    config["plugins"] = [OpenTelemetryPlugin(**options)]
    return Client(**config)


async def tell_all(here: Place, client: Client) -> None:
    Whole.stalls = True
    async with worker_of(here, client, **CODE):
        with get_tracer("test").start_as_current_span("program"):
            handle = await start(client, Whole.run)
        assert await handle.query(Whole.said) == 0
        assert await handle.execute_update(Whole.put, "first") == 1

        async def waits() -> bool:
            return not (await handle.describe()).pending_activities

        await until_asked(waits, "the activity has ended")
    async with worker_of(here, client, **CODE):
        await handle.signal(Whole.say, "go")
        assert await handle.result() == ["first", "go"]


def tree(spans: tuple[ReadableSpan, ...]) -> Counter[str]:
    """Each span with the names of those that it is in, and how often it is there."""
    by_id = {span.context.span_id: span for span in spans if span.context}

    def path(span: ReadableSpan) -> str:
        parent = by_id.get(span.parent.span_id) if span.parent else None
        return span.name if parent is None else f"{path(parent)}/{span.name}"

    return Counter(path(span) for span in spans)


async def spans_last_over_restarts(here: Place) -> None:
    """Those of the code alone: one each, in one trace, whatever was told again; what stalls the run is none."""
    with collected() as kept:
        client = client_with(here)
        await tell_all(here, client)
        await until(lambda: tree(kept.get_finished_spans())["program/whole"], "the first span has ended")
        spans = kept.get_finished_spans()
    assert tree(spans) == {
        "program": 1,
        "program/whole": 1,
        "program/whole/moment": 1,
        "program/whole/inside": 2,
        "program/whole/waits": 1,
        "program/whole/part": 1,
        "program/whole/part/inside": 1,
        "program/whole/fails": 1,
        "asked": 1,
        "checks": 1,
        "puts": 1,
        "hears": 1,
    }
    named = {span.name: span for span in spans}
    whole, moment, part = named["whole"], named["moment"], named["part"]
    assert dict(whole.attributes or {}) == {"of": "the run"}
    assert (moment.status.status_code, moment.events[0].name) == (StatusCode.ERROR, "exception")
    assert whole.start_time is not None
    assert whole.end_time is not None
    assert part.start_time is not None
    assert whole.start_time <= part.start_time
    assert len({span.context.span_id for span in spans if span.context}) == len(spans)


async def spans_of_calls_if_they_are_asked_for(here: Place) -> None:
    with collected() as kept:
        client = client_with(here, add_temporal_spans=True)
        await tell_all(here, client)
        run = "program/StartWorkflow:SpansWhole/RunWorkflow:SpansWhole"
        await until(lambda: tree(kept.get_finished_spans())[run], "the span of the run has ended")
        found = tree(kept.get_finished_spans())
    whole = f"{run}/whole"
    activity_span = f"{whole}/StartActivity:measured/RunActivity:measured"
    child = f"{whole}/StartChildWorkflow:SpansPart/RunWorkflow:SpansPart/part"
    expected = {
        whole: 1,
        activity_span: 2,
        f"{activity_span}/inside": 2,
        f"{child}/StartActivity:measured/RunActivity:measured/inside": 1,
        "SignalWorkflow:say/HandleSignal:say/hears": 1,
        "QueryWorkflow:said/HandleQuery:said/asked": 1,
        "StartWorkflowUpdate:put/ValidateUpdate:put/checks": 1,
        "StartWorkflowUpdate:put/HandleUpdate:put/puts": 1,
    }
    assert {path: found[path] for path in expected} == expected
    assert max(found.values()) == 2


async def without_such_a_provider_it_is_told(here: Place) -> None:
    client = client_with(here)
    before = opentelemetry.trace._TRACER_PROVIDER
    opentelemetry.trace._TRACER_PROVIDER = opentelemetry.trace.NoOpTracerProvider()
    try:
        with pytest.raises(ValueError, match="set_tracer_provider"):
            async with worker_of(here, client, **CODE):
                await asyncio.sleep(0)
    finally:
        opentelemetry.trace._TRACER_PROVIDER = before


ALONE: list[Scenario] = [
    spans_last_over_restarts,
    spans_of_calls_if_they_are_asked_for,
    without_such_a_provider_it_is_told,
]
