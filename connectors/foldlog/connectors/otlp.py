"""Metrics for a `foldlog.runtime.Runtime` that are sent to an OpenTelemetry collector: `pip install "foldlog[otlp]"`.

Owns the thread that sends them, and what a Prometheus registry holds in the terms of OpenTelemetry. The metrics are
those of `foldlog.connectors.prometheus`, under the same names; what ends with `_total` there is a counter here.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

from foldlog.connectors.prometheus import PrometheusSensor
from foldlog.exceptions import ConfigurationError
from foldlog.runtime import OpenTelemetryConfig, OpenTelemetryMetricTemporality
from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.samples import Sample

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import Metric, MetricExporter, MetricsData
    from opentelemetry.sdk.resources import Resource

_log = logging.getLogger(__name__)

EVERY_SECONDS = 1.0
"""How often metrics are sent, if nothing is said."""
TIMEOUT_SECONDS = 5.0
"""How long sending once may take."""
SCOPE = "foldlog"

_Key = tuple[str, tuple[tuple[str, str], ...]]


class SentSensor(PrometheusSensor):
    """A sensor whose metrics are sent, for as long as the process lives."""

    def __init__(self, config: OpenTelemetryConfig, tags: Mapping[str, str]) -> None:
        """Begin to send.

        Args:
            config: Where to, and how often.
            tags: Labels of all metrics that the application records.

        Raises:
            ConfigurationError: What sends is not installed, or the interval is not positive.
        """
        every = config.metric_periodicity
        if every is not None and every.total_seconds() <= 0:
            raise ConfigurationError(f"metric_periodicity must be positive, not {every}", option="metric_periodicity")
        registry = CollectorRegistry()
        super().__init__(registry, config.histogram_bucket_overrides, tags)
        self.sender = Sender(
            registry,
            _exporter(config),
            every_seconds=every.total_seconds() if every is not None else EVERY_SECONDS,
            delta=config.metric_temporality is OpenTelemetryMetricTemporality.DELTA,
        )


send = SentSensor
"""The name under which `Runtime` looks for it."""


class Sender:
    """A thread that sends what a registry holds, again and again."""

    def __init__(
        self, registry: CollectorRegistry, exporter: MetricExporter, *, every_seconds: float, delta: bool
    ) -> None:
        self._exporter = exporter
        self._every = every_seconds
        self._reader = Reader(registry, delta=delta)
        self._stopping = threading.Event()
        self._failing = False
        self._thread = threading.Thread(target=self._run, name="foldlog-metrics", daemon=True)
        self._thread.start()
        atexit.register(self.stop)

    def stop(self) -> None:
        """Send once more, and no longer."""
        atexit.unregister(self.stop)
        self._stopping.set()
        if self._failing:
            self._exporter.shutdown()  # what it waits for now, it need not wait for
        self._thread.join(self._every + TIMEOUT_SECONDS)
        if not self._failing:
            self._exporter.shutdown()

    def _run(self) -> None:
        while not self._stopping.wait(self._every):
            self._send()
        if not self._failing:
            # Where nobody listens, the end of the process does not wait for him.
            self._send()

    def _send(self) -> None:
        from opentelemetry.sdk.metrics.export import MetricExportResult

        try:
            sent = self._exporter.export(self._reader.read()) is MetricExportResult.SUCCESS
        except Exception:
            _log.exception("metrics cannot be sent")
            sent = False
        if sent is self._failing:
            # What went wrong was logged by the exporter.
            _log.warning("metrics are sent again" if sent else "metrics are not sent until the collector answers")
            self._failing = not sent


class Reader:
    """What a registry holds, in the terms of OpenTelemetry.

    Args:
        registry: The registry.
        delta: Whether counters and histograms are given since they were last read; otherwise since they were made.
    """

    def __init__(self, registry: CollectorRegistry, *, delta: bool) -> None:
        self._registry = registry
        self._delta = delta
        self._resource = _resource()
        self._started = self._read_at = time.time_ns()
        self._before: dict[_Key, tuple[float, ...]] = {}

    def read(self) -> MetricsData:
        """All metrics as they are now."""
        from opentelemetry.sdk.metrics.export import MetricsData, ResourceMetrics, ScopeMetrics
        from opentelemetry.sdk.util.instrumentation import InstrumentationScope

        now = time.time_ns()
        since = self._read_at if self._delta else self._started
        metrics = [made for family in self._registry.collect() for made in self._metrics(family, since, now)]
        self._read_at = now
        scope = ScopeMetrics(scope=InstrumentationScope(SCOPE), metrics=metrics, schema_url="")
        return MetricsData([ResourceMetrics(resource=self._resource, scope_metrics=[scope], schema_url="")])

    def _metrics(self, family: Family, since: int, now: int) -> Iterator[Metric]:
        from opentelemetry.sdk.metrics.export import (
            AggregationTemporality,
            Gauge,
            Histogram,
            Metric,
            NumberDataPoint,
            Sum,
        )

        temporality = AggregationTemporality.DELTA if self._delta else AggregationTemporality.CUMULATIVE
        data: Sum | Gauge | Histogram
        if family.type == "histogram":
            data = Histogram(list(self._histograms(family, since, now)), temporality)
        elif family.type in ("counter", "gauge"):
            counts = family.type == "counter"
            points = [
                NumberDataPoint(
                    dict(sample.labels),
                    since,
                    now,
                    self._since(sample, (sample.value,))[0] if counts else sample.value,
                )
                for sample in family.samples
                if not sample.name.endswith("_created")
            ]
            data = Sum(points, temporality, is_monotonic=True) if counts else Gauge(points)
        else:
            return
        if data.data_points:
            yield Metric(family.name, family.documentation, family.unit, data)

    def _histograms(self, family: Family, since: int, now: int) -> Iterator[Any]:
        from opentelemetry.sdk.metrics.export import HistogramDataPoint

        found: dict[tuple[tuple[str, str], ...], dict[str, Any]] = {}
        for sample in family.samples:
            labels = {name: value for name, value in sample.labels.items() if name != "le"}
            each = found.setdefault(tuple(sorted(labels.items())), {"bounds": [], "below": [], "labels": labels})
            if sample.name.endswith("_bucket"):
                each["bounds"].append(float(sample.labels["le"]))
                each["below"].append(sample.value)
            elif sample.name.endswith("_sum"):
                each["sum"] = sample
        for each in found.values():
            below = each["below"]
            counts = (b - a for a, b in zip([0.0, *below], below, strict=False))
            total, *buckets = self._since(each["sum"], (each["sum"].value, *counts))
            yield HistogramDataPoint(
                each["labels"],
                since,
                now,
                count=int(sum(buckets)),
                sum=total,
                bucket_counts=[int(count) for count in buckets],
                explicit_bounds=each["bounds"][:-1],  # the last one is infinite
                min=cast(float, None),  # a registry does not know
                max=cast(float, None),
            )

    def _since(self, sample: Sample, values: tuple[float, ...]) -> tuple[float, ...]:
        """Values as they are, or what they have grown by."""
        if not self._delta:
            return values
        key = sample.name, tuple(sorted(sample.labels.items()))
        before = self._before.get(key, (0.0,) * len(values))
        self._before[key] = values
        return tuple(value - was for value, was in zip(values, before, strict=True))


def _exporter(config: OpenTelemetryConfig) -> MetricExporter:
    headers = dict(config.headers or {})
    try:
        if config.http:
            from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as Http

            return Http(config.url, headers=headers, timeout=TIMEOUT_SECONDS)
        from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as Grpc

        names = {name.lower(): value for name, value in headers.items()}
        insecure = not config.url.startswith("https://")
        return Grpc(config.url, insecure=insecure, headers=names, timeout=TIMEOUT_SECONDS)
    except ImportError as error:
        raise ConfigurationError(
            f"metrics are sent to OpenTelemetry by foldlog[otlp], which is not installed ({error})", option="metrics"
        ) from error


def _resource() -> Resource:
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource

    named = "OTEL_SERVICE_NAME" in os.environ or SERVICE_NAME in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    return Resource.create({} if named else {SERVICE_NAME: "foldlog"})
