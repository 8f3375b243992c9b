"""Metrics sent to an OpenTelemetry collector: a real one of a few lines, by HTTP and by gRPC."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc  # type: ignore[import-untyped]  # it ships no types
import pytest
from foldlog.client import Client
from foldlog.connectors.otlp import Reader, SentSensor
from foldlog.exceptions import ConfigurationError
from foldlog.memory import MemoryBroker, MemoryTransport
from foldlog.runtime import OpenTelemetryConfig, OpenTelemetryMetricTemporality, Runtime, TelemetryConfig
from foldlog.sensor import CommittedBatch
from foldlog.worker import Worker
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2, metrics_service_pb2_grpc
from opentelemetry.sdk.metrics.export import AggregationTemporality, Gauge, Histogram, Sum
from prometheus_client import CollectorRegistry, Counter, Info
from prometheus_client import Gauge as GaugeOf
from prometheus_client import Histogram as HistogramOf

from .test_runtime import Charge, charge

LIMIT = 60.0


class Collector:
    """What has been received."""

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
        self.url = ""
        self._metrics: dict[str, Any] = {}
        self._resources: dict[str, str] = {}
        self._news = threading.Condition()

    def take(self, request: Any, headers: dict[str, str]) -> None:
        with self._news:
            self.headers = {name.lower(): value for name, value in headers.items()}
            for each in request.resource_metrics:
                self._resources = {pair.key: pair.value.string_value for pair in each.resource.attributes}
                for metric in each.scope_metrics[0].metrics:
                    self._metrics[metric.name] = metric
            self._news.notify_all()

    def metric(self, name: str) -> Any:
        with self._news:
            assert self._news.wait_for(lambda: name in self._metrics, LIMIT), f"{name} was not sent"
            return self._metrics[name]

    @property
    def service(self) -> str:
        return self._resources["service.name"]


@pytest.fixture(params=["http", "grpc"])
def collector(request: pytest.FixtureRequest) -> Iterator[Collector]:
    found = Collector()
    if request.param == "http":

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                found.take(metrics_service_pb2.ExportMetricsServiceRequest.FromString(body), dict(self.headers))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
            thread = threading.Thread(target=http.serve_forever)
            thread.start()
            found.url = f"http://127.0.0.1:{http.server_address[1]}/v1/metrics"
            yield found
            http.shutdown()
            thread.join()
        return

    class Service(metrics_service_pb2_grpc.MetricsServiceServicer):
        def Export(self, request: Any, context: Any) -> Any:
            found.take(request, dict(context.invocation_metadata()))
            return metrics_service_pb2.ExportMetricsServiceResponse()

    with ThreadPoolExecutor(2) as threads:
        server = grpc.server(threads)
        add: Any = metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server
        add(Service(), server)
        found.url = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
        server.start()
        yield found
        server.stop(None).wait()


@pytest.fixture
def senders() -> Iterator[list[SentSensor]]:
    made: list[SentSensor] = []
    yield made
    for sensor in made:
        sensor.sender.stop()


async def test_what_workers_measure_reaches_the_collector(
    collector: Collector, senders: list[SentSensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OTEL_SERVICE_NAME", raising=False)
    config = OpenTelemetryConfig(
        url=collector.url,
        headers={"Tenant": "shop"},
        metric_periodicity=timedelta(milliseconds=20),
        http="/v1/" in collector.url,
    )
    runtime = Runtime(telemetry=TelemetryConfig(metrics=config, global_tags={"env": "test"}))
    assert isinstance(runtime.sensor, SentSensor)
    senders.append(runtime.sensor)
    async with Client(MemoryTransport(MemoryBroker(), "shop"), runtime=runtime) as client:
        async with Worker(client, task_queue="q", workflows=[Charge], activities=[charge]):
            await client.execute_workflow(Charge.run, 700, id="c", task_queue="q")
    charged = await asyncio.to_thread(collector.metric, "charged")
    assert charged.description == "so far (cents)"
    (point,) = charged.sum.data_points
    labels = {pair.key: pair.value.string_value for pair in point.attributes}
    assert (point.as_double, labels["currency"], labels["env"], labels["activity_type"]) == (
        700,
        "EUR",
        "test",
        "charge",
    )
    assert charged.sum.is_monotonic
    ended = await asyncio.to_thread(collector.metric, "foldlog_activity_seconds")
    (activity,) = ended.histogram.data_points
    assert activity.count == sum(activity.bucket_counts) == 1
    assert (collector.headers["tenant"], collector.service) == ("shop", "foldlog")


def test_what_was_measured_last_is_sent_at_the_end(collector: Collector) -> None:
    config = OpenTelemetryConfig(url=collector.url, metric_periodicity=timedelta(hours=1), http="/v1/" in collector.url)
    sensor = SentSensor(config, {})
    sensor.batch_committed(CommittedBatch(commands={"StartWorkflow": 2}, events=6))
    sensor.sender.stop()
    (point,) = collector.metric("foldlog_events").sum.data_points
    assert point.as_double == 6


def points(reader: Reader) -> dict[str, Any]:
    (resource,) = reader.read().resource_metrics
    return {metric.name: metric.data for metric in resource.scope_metrics[0].metrics}


def test_kinds_of_metrics() -> None:
    registry = CollectorRegistry()
    Counter("sold", "so many", ["city"], registry=registry).labels("Bonn").inc(2)
    GaugeOf("open_orders", "now", registry=registry).set(-3)
    Info("build", "not a number", registry=registry).info({"version": "1"})
    Counter("unused", "no values", ["city"], registry=registry)
    waits = HistogramOf("wait_seconds", "how long", ["city"], buckets=(1, 5), registry=registry)
    for value in (0.5, 0.7, 3, 99):
        waits.labels("Bonn").observe(value)
    found = points(Reader(registry, delta=False))
    assert sorted(found) == ["open_orders", "sold", "wait_seconds"]
    sold, now, wait = found["sold"], found["open_orders"], found["wait_seconds"]
    assert isinstance(sold, Sum)
    assert (sold.is_monotonic, sold.aggregation_temporality) == (True, AggregationTemporality.CUMULATIVE)
    assert [(point.value, point.attributes) for point in sold.data_points] == [(2, {"city": "Bonn"})]
    assert isinstance(now, Gauge)
    assert [point.value for point in now.data_points] == [-3]
    assert isinstance(wait, Histogram)
    (point,) = wait.data_points
    assert (point.count, point.sum, point.attributes) == (4, 103.2, {"city": "Bonn"})
    assert (point.explicit_bounds, point.bucket_counts) == ([1, 5], [2, 1, 1])


def test_deltas_are_what_came_since_the_last_time() -> None:
    registry = CollectorRegistry()
    sold = Counter("sold", "so many", registry=registry)
    waits = HistogramOf("wait_seconds", "how long", buckets=(1, 5), registry=registry)
    now = GaugeOf("open_orders", "now", registry=registry)
    reader = Reader(registry, delta=True)
    seen = []
    for amount in (2, 5):
        sold.inc(amount)
        now.inc(amount)
        waits.observe(amount)
        found = points(reader)
        assert found["sold"].aggregation_temporality is AggregationTemporality.DELTA
        (wait,) = found["wait_seconds"].data_points
        seen.append((found["sold"].data_points[0].value, wait.sum, wait.bucket_counts))
        assert found["open_orders"].data_points[0].value in (2, 7)
    assert seen == [(2, 2, [0, 1, 0]), (5, 5, [0, 1, 0])]
    (first,) = points(reader)["sold"].data_points
    assert first.start_time_unix_nano < first.time_unix_nano


def test_a_collector_that_is_not_there_is_logged_and_holds_nothing_up(caplog: pytest.LogCaptureFixture) -> None:
    config = OpenTelemetryConfig(
        url="http://127.0.0.1:1/v1/metrics",
        metric_periodicity=timedelta(hours=1),
        metric_temporality=OpenTelemetryMetricTemporality.DELTA,
        http=True,
    )
    sensor = SentSensor(config, {})
    with caplog.at_level(logging.WARNING):
        sensor.sender.stop()
    assert "metrics are not sent until the collector answers" in caplog.messages


@pytest.mark.parametrize("kind", ["http", "grpc"])
def test_without_the_extra_it_is_named(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, f"opentelemetry.exporter.otlp.proto.{kind}.metric_exporter", None)
    config = OpenTelemetryConfig(url="http://127.0.0.1:1", http=kind == "http")
    with pytest.raises(ConfigurationError, match=r"foldlog\[otlp\]"):
        Runtime(telemetry=TelemetryConfig(metrics=config))
