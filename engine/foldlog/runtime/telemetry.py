"""`Runtime`: where what is measured goes, in the terms of Temporal's `temporalio.runtime`.

Owns the choice; a worker asks it for its sensor. It knows no metrics library: what serves Prometheus is a connector,
which is looked up by its name, as a plugin is, since nothing here may depend on connectors.
"""

from __future__ import annotations

import importlib
import logging
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from typing import ClassVar, NewType, Protocol

from foldlog._metrics import MetricAttributes, MetricKind, MetricMeter, RecordedMetric
from foldlog.exceptions import ConfigurationError
from foldlog.sensor import Sensor

_log = logging.getLogger(__name__)

PROMETHEUS_CONNECTOR = "foldlog.connectors.telemetry"
OTLP_CONNECTOR = "foldlog.connectors.otlp"

BufferedMetricKind = NewType("BufferedMetricKind", int)
"""What a buffered metric is."""
BUFFERED_METRIC_KIND_COUNTER = BufferedMetricKind(0)
BUFFERED_METRIC_KIND_GAUGE = BufferedMetricKind(1)
BUFFERED_METRIC_KIND_HISTOGRAM = BufferedMetricKind(2)
_KINDS: Mapping[MetricKind, BufferedMetricKind] = {
    "counter": BUFFERED_METRIC_KIND_COUNTER,
    "gauge": BUFFERED_METRIC_KIND_GAUGE,
    "histogram": BUFFERED_METRIC_KIND_HISTOGRAM,
}


@dataclass(frozen=True)
class TelemetryFilter:
    """Which lines Temporal's core logs. Has no meaning here: foldlog logs through `logging` alone."""

    core_level: str
    other_level: str

    def formatted(self) -> str:
        """As text."""
        return f"{self.other_level},{self.core_level}"


@dataclass
class LogForwardingConfig:
    """Where Temporal's core logs. Has no meaning here: there is no core, and `logging` has it all."""

    logger: logging.Logger
    append_target_to_name: bool = True
    prepend_target_on_message: bool = True
    overwrite_log_record_time: bool = True
    append_log_fields_to_message: bool = True


class LoggingFormat(Enum):
    """How Temporal's core writes lines. Has no meaning here: give a handler of `logging` a formatter."""

    COMPACT = "compact"
    PRETTY = "pretty"
    JSON = "json"


@dataclass(frozen=True)
class LoggingConfig:
    """How Temporal's core logs. Has no meaning here: set levels and handlers of the logger `foldlog`."""

    filter: TelemetryFilter | str
    forwarding: LogForwardingConfig | None = None
    format: LoggingFormat | None = None
    default: ClassVar[LoggingConfig]


LoggingConfig.default = LoggingConfig(TelemetryFilter("WARN", "ERROR"))


class OpenTelemetryMetricTemporality(Enum):
    """Whether values are sums since the start or since the last report."""

    CUMULATIVE = 1
    DELTA = 2


@dataclass(frozen=True)
class OpenTelemetryConfig:
    """Send all metrics to a collector, for as long as the process lives. Needs the extra `foldlog[otlp]`."""

    url: str
    """Such as `http://localhost:4317`, or with `http` the whole address: `http://localhost:4318/v1/metrics`."""
    headers: Mapping[str, str] | None = None
    metric_periodicity: timedelta | None = None
    """How often; None: once a second."""
    metric_temporality: OpenTelemetryMetricTemporality = OpenTelemetryMetricTemporality.CUMULATIVE
    durations_as_seconds: bool = False
    """Has no meaning: durations are in seconds always."""
    http: bool = False
    """Whether it is sent by HTTP; otherwise by gRPC."""
    histogram_bucket_overrides: Mapping[str, Sequence[float]] | None = None
    """Upper bounds of the buckets of histograms that the application records, by their names."""


@dataclass(frozen=True)
class PrometheusConfig:
    """Serve all metrics over HTTP, on the path `/metrics`, for as long as the process lives."""

    bind_address: str
    """`host:port`; port 0 takes a free one."""
    counters_total_suffix: bool = False
    """Has no meaning: names of counters end with `_total` always."""
    unit_suffix: bool = False
    """Has no meaning: foldlog's own names have their unit, and those of others are left as they are."""
    durations_as_seconds: bool = False
    """Has no meaning: durations are in seconds always."""
    histogram_bucket_overrides: Mapping[str, Sequence[float]] | None = None
    """Upper bounds of the buckets of histograms that the application records, by their names."""


class MetricBufferDurationFormat(Enum):
    """In what a buffer gives durations: whole milliseconds, or seconds."""

    MILLISECONDS = 1
    SECONDS = 2


class BufferedMetric(Protocol):
    """The metric that a buffered value is of."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def description(self) -> str | None:
        """What it is, for people."""

    @property
    def unit(self) -> str | None:
        """The unit of its values."""

    @property
    def kind(self) -> BufferedMetricKind:
        """What it is: values of counters are what was added."""


class BufferedMetricUpdate(Protocol):
    """A value that was recorded."""

    @property
    def metric(self) -> BufferedMetric:
        """Of which metric: the same object for all values of a metric, so it, or its `id`, may be a key."""

    @property
    def value(self) -> int | float:
        """The value."""

    @property
    def attributes(self) -> MetricAttributes:
        """What distinguishes it."""


@dataclass(frozen=True)
class _Metric:
    name: str
    description: str | None
    unit: str | None
    kind: BufferedMetricKind


@dataclass(frozen=True)
class _Update:
    metric: _Metric
    value: float
    attributes: MetricAttributes


class MetricBuffer(Sensor):
    """Keeps the values that activities and workflows record, until they are fetched. For tests and exporters.

    Attributes:
        tags: Attributes that all values get besides their own.
    """

    def __init__(
        self,
        buffer_size: int,
        duration_format: MetricBufferDurationFormat = MetricBufferDurationFormat.MILLISECONDS,
    ) -> None:
        """Make one.

        Args:
            buffer_size: How many values it keeps; what does not fit is left out, with a line in the log.
            duration_format: How it gives the values of `create_histogram_timedelta`.
        """
        self.tags: Mapping[str, str] = {}
        self._size = buffer_size
        self._in_milliseconds = duration_format is MetricBufferDurationFormat.MILLISECONDS
        self._updates: deque[BufferedMetricUpdate] = deque()
        self._metrics: dict[_Metric, _Metric] = {}
        self._lock = threading.Lock()

    def retrieve_updates(self) -> Sequence[BufferedMetricUpdate]:
        """The values since the last call, in their order."""
        with self._lock:
            updates, self._updates = self._updates, deque()
        return list(updates)

    def metric_recorded(self, metric: RecordedMetric) -> None:
        """Keep a value."""
        made = _Metric(metric.name, metric.description or None, metric.unit or None, _KINDS[metric.kind])
        value = metric.value
        if metric.is_duration and self._in_milliseconds:
            value = round(value * 1000)
        with self._lock:
            if len(self._updates) < self._size:
                same = self._metrics.setdefault(made, made)
                self._updates.append(_Update(same, value, {**self.tags, **metric.attributes}))
                return
        _log.error("the buffer of metrics is full; a value of %s is left out", metric.name)


@dataclass(frozen=True)
class TelemetryConfig:
    """What is measured, and where it goes."""

    logging: LoggingConfig | None = LoggingConfig.default
    """Has no meaning here."""
    metrics: OpenTelemetryConfig | PrometheusConfig | MetricBuffer | None = None
    """None: nothing is measured."""
    global_tags: Mapping[str, str] = field(default_factory=dict)
    """Labels of all metrics that the application records."""
    attach_service_name: bool = True
    """Has no meaning: a scraper names what it scrapes."""
    metric_prefix: str | None = None
    """Has no meaning: the names of foldlog's own metrics begin with `foldlog_`."""


class Runtime:
    """Where what workers measure goes. A client has one, and its workers use it.

    Unlike Temporal's it has no threads of its own, except for serving metrics.
    """

    _default: ClassVar[Runtime | None] = None
    _default_prevented: ClassVar[bool] = False

    def __init__(
        self,
        *,
        telemetry: TelemetryConfig,
        worker_heartbeat_interval: timedelta | None = timedelta(seconds=60),
        disable_environment_info: bool = False,
    ) -> None:
        """Make one. With a `PrometheusConfig`, metrics are served from now on; with the other one, they are sent.

        Args:
            telemetry: What is measured, and where it goes.
            worker_heartbeat_interval: Has no meaning: Kafka knows which workers live.
            disable_environment_info: Has no meaning: nothing is told of the environment.

        Raises:
            ConfigurationError: The address is none, or what sends metrics is not installed.
            FoldlogError: The address cannot be listened on.
            ValueError: The interval is not positive.
        """
        if worker_heartbeat_interval is not None and worker_heartbeat_interval <= timedelta():
            raise ValueError("worker_heartbeat_interval must be positive")
        self._sensor = _sensor_of(telemetry)

    @classmethod
    def default(cls) -> Runtime:
        """The runtime of clients that are given none: as set, or one that measures nothing.

        Raises:
            RuntimeError: There is none, and `prevent_default` was called.
        """
        if Runtime._default is None:
            if Runtime._default_prevented:
                raise RuntimeError("there is no default runtime, and prevent_default was called: give a runtime")
            Runtime._default = Runtime(telemetry=TelemetryConfig())
        return Runtime._default

    @classmethod
    def prevent_default(cls) -> None:
        """From now on, `default` gives only what was set.

        Raises:
            RuntimeError: There is a default already.
        """
        if Runtime._default is not None:
            raise RuntimeError("prevent_default comes too late: there is a default runtime already")
        Runtime._default_prevented = True

    @staticmethod
    def set_default(runtime: Runtime, *, error_if_already_set: bool = True) -> None:
        """Set the runtime of clients that are given none, from now on.

        Args:
            runtime: The runtime.
            error_if_already_set: Whether there must be none yet.

        Raises:
            RuntimeError: There is one already.
        """
        if Runtime._default is not None and error_if_already_set:
            raise RuntimeError("the default runtime is set already")
        Runtime._default = runtime

    @property
    def metric_meter(self) -> MetricMeter:
        """Makes metrics of the application's own; one that records nothing, if nothing is measured."""
        return MetricMeter.noop if self._sensor.is_silent else MetricMeter(self._sensor.metric_recorded)

    @property
    def sensor(self) -> Sensor:
        """Hears what is measured; workers of a client have that of its runtime, unless they are given another."""
        return self._sensor


def _sensor_of(telemetry: TelemetryConfig) -> Sensor:
    metrics = telemetry.metrics
    if metrics is None:
        return Sensor()
    if isinstance(metrics, MetricBuffer):
        metrics.tags = telemetry.global_tags
        return metrics
    if isinstance(metrics, OpenTelemetryConfig):
        sent: Sensor = importlib.import_module(OTLP_CONNECTOR).send(metrics, telemetry.global_tags)
        return sent
    host, separator, port = metrics.bind_address.rpartition(":")
    if not separator or not port.isdecimal():
        raise ConfigurationError(
            f"bind_address is written host:port, not {metrics.bind_address!r}", option="bind_address"
        )
    serve = importlib.import_module(PROMETHEUS_CONNECTOR).serve
    buckets = metrics.histogram_bucket_overrides or {}
    sensor: Sensor = serve(host.strip("[]"), int(port), buckets=buckets, tags=telemetry.global_tags)
    return sensor
