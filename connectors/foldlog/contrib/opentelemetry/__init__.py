"""Traces of workflows in OpenTelemetry: `pip install "foldlog[opentelemetry]"`.

Names follow Temporal's `temporalio.contrib.opentelemetry`; spans of one's own in workflow code are in its `workflow`.
"""

from foldlog.contrib.opentelemetry._tracing import TracingInterceptor

__all__ = ["TracingInterceptor"]
