"""Spans of one's own, in workflow code: `from foldlog.contrib.opentelemetry.workflow import completed_span`."""

from __future__ import annotations

import sys

from foldlog.contrib.opentelemetry._tracing import INBOUND, WorkflowInbound

import opentelemetry.context
from opentelemetry import trace
from opentelemetry.trace import SpanKind
from opentelemetry.util.types import Attributes

__all__ = ["completed_span"]


def completed_span(name: str, *, attributes: Attributes = None, exception: Exception | None = None) -> None:
    """Make a span that has ended, at the workflow's own time, and once: none is made when history is told again.

    Without a `TracingInterceptor` at the worker, and in workflows that whoever started them does not trace, nothing is
    done. With an `OpenTelemetryPlugin` it is a span of the global provider; use OpenTelemetry itself there.

    Args:
        name: Of the span.
        attributes: Besides the IDs of workflow and run.
        exception: To be recorded in it, as its failure.
    """
    inbound = opentelemetry.context.get_value(INBOUND)
    if isinstance(inbound, WorkflowInbound):
        inbound.step(name, SpanKind.INTERNAL, exception, attributes=attributes)
        return
    # Whoever has set such a provider has loaded it, and OpenTelemetry's SDK with it.
    replay_safe = sys.modules.get("foldlog.contrib.opentelemetry._replay_safe")
    if replay_safe is not None and isinstance(trace.get_tracer_provider(), replay_safe.ReplaySafeTracerProvider):
        replay_safe.completed(trace.get_tracer(__name__), name, attributes, exception)
