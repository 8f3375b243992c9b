"""Spans of OpenTelemetry itself in workflows whose objects take no attributes, or are not there yet."""

from __future__ import annotations

from datetime import timedelta

import pytest
from foldlog import workflow
from foldlog.client import Client
from foldlog.contrib.opentelemetry import OpenTelemetryPlugin
from foldlog.testing import WorkflowEnvironment
from foldlog.worker import Worker
from opentelemetry.trace import get_tracer

from tests.conformance.spans import collected

LIMIT = timedelta(minutes=1)


@workflow.defn
class Slotted:
    __slots__ = ("ids",)

    @workflow.run
    async def run(self) -> list[int]:
        self.ids: list[int] = []
        for _ in range(2):
            with get_tracer("test").start_as_current_span("within") as span:
                self.ids.append(span.get_span_context().span_id)
                await workflow.sleep(1)
        return self.ids


@workflow.defn
class Begins:
    @workflow.init
    def __init__(self, name: str) -> None:
        with get_tracer("test").start_as_current_span(name) as span:
            self.ids = [span.get_span_context().span_id]

    @workflow.run
    async def run(self, name: str) -> list[int]:
        await workflow.sleep(1)
        with get_tracer("test").start_as_current_span(name) as span:
            return [*self.ids, span.get_span_context().span_id]


@pytest.mark.parametrize(("code", "args", "name"), [(Slotted, [], "within"), (Begins, ["begins"], "begins")])
async def test_spans_are_the_same_when_history_is_told_again(code: type, args: list[str], name: str) -> None:
    with collected() as kept:
        async with await WorkflowEnvironment.start_time_skipping() as env:
            config = env.client.config()
            config["plugins"] = [OpenTelemetryPlugin()]
            client = Client(**config)
            # No run is kept in memory: each step tells history again.
            async with Worker(client, task_queue="q", workflows=[code], max_cached_workflows=0):
                ids = await client.execute_workflow(
                    code.__name__, args=args, id="w", task_queue="q", run_timeout=LIMIT, result_type=list[int]
                )
        spans = {span.context.span_id: span.name for span in kept.get_finished_spans() if span.context}
    assert len(set(ids)) == 2
    assert spans == dict.fromkeys(ids, name)
