"""Spans of one's own, in workflow code: `from foldlog.contrib.opentelemetry.workflow import completed_span`."""

from __future__ import annotations

from foldlog.contrib.opentelemetry._tracing import INBOUND, WorkflowInbound

import opentelemetry.context
from opentelemetry.trace import SpanKind
from opentelemetry.util.types import Attributes

__all__ = ["completed_span"]


def completed_span(name: str, *, attributes: Attributes = None, exception: Exception | None = None) -> None:
    """Make a span that has ended, at the workflow's own time, and once: none is made when history is told again.

    Without a `TracingInterceptor` at the worker, and in workflows that whoever started them does not trace, nothing is
    done.

    Args:
        name: Of the span.
        attributes: Besides the IDs of workflow and run.
        exception: To be recorded in it, as its failure.
    """
    inbound = opentelemetry.context.get_value(INBOUND)
    if isinstance(inbound, WorkflowInbound):
        inbound.step(name, SpanKind.INTERNAL, exception, attributes=attributes)
