"""The workflow runtime: Python coroutines as deciders of the engine. Public to processors, not to applications.

`Runtime` and what it is made of are something else, and public to applications: the names are those of Temporal's
`temporalio.runtime`.

It may know the engine's decisions and events, and `foldlog.workflow`; it knows neither Kafka nor the store, and never
looks at a clock, at random numbers or at anything else outside of the history.
"""

from foldlog.runtime.factory import WorkflowRuntime
from foldlog.runtime.telemetry import (
    BUFFERED_METRIC_KIND_COUNTER,
    BUFFERED_METRIC_KIND_GAUGE,
    BUFFERED_METRIC_KIND_HISTOGRAM,
    BufferedMetric,
    BufferedMetricKind,
    BufferedMetricUpdate,
    LogForwardingConfig,
    LoggingConfig,
    LoggingFormat,
    MetricBuffer,
    MetricBufferDurationFormat,
    OpenTelemetryConfig,
    OpenTelemetryMetricTemporality,
    PrometheusConfig,
    Runtime,
    TelemetryConfig,
    TelemetryFilter,
)
from foldlog.runtime.watchdog import is_debugging

__all__ = [
    "BUFFERED_METRIC_KIND_COUNTER",
    "BUFFERED_METRIC_KIND_GAUGE",
    "BUFFERED_METRIC_KIND_HISTOGRAM",
    "BufferedMetric",
    "BufferedMetricKind",
    "BufferedMetricUpdate",
    "LogForwardingConfig",
    "LoggingConfig",
    "LoggingFormat",
    "MetricBuffer",
    "MetricBufferDurationFormat",
    "OpenTelemetryConfig",
    "OpenTelemetryMetricTemporality",
    "PrometheusConfig",
    "Runtime",
    "TelemetryConfig",
    "TelemetryFilter",
    "WorkflowRuntime",
    "is_debugging",
]
