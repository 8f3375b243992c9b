"""Traces of workflows in OpenTelemetry: `pip install "foldlog[opentelemetry]"`.

Names follow Temporal's `temporalio.contrib.opentelemetry`; spans of one's own in workflow code are in its `workflow`.
All but `TracingInterceptor` need OpenTelemetry's SDK, and load it when it is needed.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from foldlog.contrib.opentelemetry._tracing import TracingInterceptor

if TYPE_CHECKING:
    from foldlog.contrib.opentelemetry._plugin import OpenTelemetryInterceptor, OpenTelemetryPlugin
    from foldlog.contrib.opentelemetry._replay_safe import ReplaySafeTracerProvider, create_tracer_provider

__all__ = [
    "OpenTelemetryInterceptor",
    "OpenTelemetryPlugin",
    "ReplaySafeTracerProvider",
    "TracingInterceptor",
    "create_tracer_provider",
]

_LATER = {
    "OpenTelemetryInterceptor": "_plugin",
    "OpenTelemetryPlugin": "_plugin",
    "ReplaySafeTracerProvider": "_replay_safe",
    "create_tracer_provider": "_replay_safe",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
