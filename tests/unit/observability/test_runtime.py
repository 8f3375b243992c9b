"""Where what is measured goes, as a `Runtime` says."""

from __future__ import annotations

import urllib.request
from datetime import timedelta

import pytest
from foldlog import activity, workflow
from foldlog.client import Client, ClientConfig
from foldlog.connectors.health import MonitoringAddressError
from foldlog.connectors.telemetry import ServedSensor
from foldlog.exceptions import ConfigurationError
from foldlog.memory import MemoryBroker, MemoryTransport
from foldlog.plugin import SimplePlugin
from foldlog.runtime import (
    BUFFERED_METRIC_KIND_COUNTER,
    BUFFERED_METRIC_KIND_HISTOGRAM,
    MetricBuffer,
    MetricBufferDurationFormat,
    OpenTelemetryConfig,
    PrometheusConfig,
    Runtime,
    TelemetryConfig,
)
from foldlog.worker import Worker


@activity.defn
async def charge(cents: int) -> None:
    activity.metric_meter().create_counter("charged", "so far", "cents").add(cents, {"currency": "EUR"})


@workflow.defn
class Charge:
    @workflow.run
    async def run(self, cents: int) -> None:
        await workflow.execute_activity(charge, cents, start_to_close_timeout=timedelta(seconds=30))


@pytest.fixture
def no_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Runtime, "_default", None)
    monkeypatch.setattr(Runtime, "_default_prevented", False)


async def run(runtime: Runtime | None, *plugins: SimplePlugin) -> None:
    broker = MemoryBroker()
    async with Client(MemoryTransport(broker, "shop"), runtime=runtime, plugins=plugins) as client:
        async with Worker(client, task_queue="q", workflows=[Charge], activities=[charge]):
            await client.execute_workflow(Charge.run, 7, id="charge", task_queue="q")
    broker.close()


def served(sensor: ServedSensor) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{sensor.server.port}/metrics", timeout=60) as answer:
        return str(answer.read().decode())


async def test_metrics_of_workers_are_served_and_those_of_the_process_beside_them() -> None:
    config = PrometheusConfig(bind_address="127.0.0.1:0", histogram_bucket_overrides={"waited": [1.0, 60.0]})
    runtime = Runtime(telemetry=TelemetryConfig(metrics=config, global_tags={"region": "eu"}))
    sensor = runtime.sensor
    assert isinstance(sensor, ServedSensor)
    try:
        await run(runtime)
        runtime.metric_meter.create_histogram_timedelta("waited").record(timedelta(seconds=9))
        text = served(sensor)
        labels = 'activity_type="charge",currency="EUR",namespace="shop",region="eu",task_queue="q"'
        assert f"charged_total{{{labels}}} 7.0" in text
        assert 'foldlog_workflows_started_total{workflow_type="Charge"} 1.0' in text
        assert [line for line in text.splitlines() if line.startswith("waited_bucket")] == [
            'waited_bucket{le="1.0",region="eu"} 0.0',
            'waited_bucket{le="60.0",region="eu"} 1.0',
            'waited_bucket{le="+Inf",region="eu"} 1.0',
        ]
        taken = PrometheusConfig(bind_address=f"127.0.0.1:{sensor.server.port}")
        with pytest.raises(MonitoringAddressError):
            Runtime(telemetry=TelemetryConfig(metrics=taken))
    finally:
        sensor.server.close()


async def test_a_buffer_keeps_what_is_recorded_until_it_is_fetched(caplog: pytest.LogCaptureFixture) -> None:
    buffer = MetricBuffer(2)
    runtime = Runtime(telemetry=TelemetryConfig(metrics=buffer, global_tags={"region": "eu"}))
    await run(runtime)
    (update,) = buffer.retrieve_updates()
    assert (update.metric.name, update.metric.kind, update.value) == ("charged", BUFFERED_METRIC_KIND_COUNTER, 7)
    assert (update.metric.description, update.metric.unit) == ("so far", "cents")
    assert (update.attributes["region"], update.attributes["currency"]) == ("eu", "EUR")
    histogram = runtime.metric_meter.create_histogram("size")
    for size in range(3):
        histogram.record(size)
    updates = buffer.retrieve_updates()
    assert [update.value for update in updates] == [0, 1]
    assert (updates[0].metric.kind, updates[0].metric.description) == (BUFFERED_METRIC_KIND_HISTOGRAM, None)
    assert updates[0].metric is updates[1].metric is not update.metric
    assert "a value of size is left out" in caplog.text
    assert buffer.retrieve_updates() == []
    histogram.with_additional_attributes({"unlike": 1}).record(4)
    assert buffer.retrieve_updates()[0].metric is updates[0].metric


class Measuring(SimplePlugin):
    """Brings a runtime."""

    def __init__(self, runtime: Runtime) -> None:
        super().__init__("measuring")
        self._runtime = runtime

    def configure_client(self, config: ClientConfig) -> ClientConfig:
        config["runtime"] = self._runtime
        return config


async def test_workers_have_the_runtime_that_a_plugin_gave_their_client() -> None:
    buffer = MetricBuffer(9)
    await run(None, Measuring(Runtime(telemetry=TelemetryConfig(metrics=buffer))))
    assert [update.metric.name for update in buffer.retrieve_updates()] == ["charged"]


@pytest.mark.parametrize(
    ("format", "value", "kind"),
    [
        (MetricBufferDurationFormat.MILLISECONDS, 90_004, int),
        (MetricBufferDurationFormat.SECONDS, 90.004, float),
    ],
)
def test_a_buffer_gives_durations_as_it_is_asked_to(
    format: MetricBufferDurationFormat, value: float, kind: type
) -> None:
    buffer = MetricBuffer(9, duration_format=format)
    meter = Runtime(telemetry=TelemetryConfig(metrics=buffer)).metric_meter
    meter.create_histogram_timedelta("took", unit="x").record(timedelta(seconds=90, milliseconds=4))
    meter.create_histogram_float("share").record(0.5)
    took, share = buffer.retrieve_updates()
    assert (took.value, type(took.value), took.metric.unit, share.value) == (value, kind, "x", 0.5)


@pytest.mark.usefixtures("no_default")
async def test_clients_without_a_runtime_have_the_default_one() -> None:
    buffer = MetricBuffer(9)
    runtime = Runtime(telemetry=TelemetryConfig(metrics=buffer))
    Runtime.set_default(runtime)
    await run(None)
    assert len(buffer.retrieve_updates()) == 1
    with pytest.raises(RuntimeError, match="set already"):
        Runtime.set_default(runtime)
    Runtime.set_default(Runtime(telemetry=TelemetryConfig()), error_if_already_set=False)
    assert Runtime.default() is not runtime


@pytest.mark.usefixtures("no_default")
def test_a_default_can_be_ruled_out_before_there_is_one() -> None:
    Runtime.prevent_default()
    with pytest.raises(RuntimeError, match="give a runtime"):
        Runtime.default()
    Runtime.set_default(Runtime(telemetry=TelemetryConfig()))
    Runtime.default().metric_meter.create_counter("nowhere").add(1)
    with pytest.raises(RuntimeError, match="too late"):
        Runtime.prevent_default()


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="host:port, not '9090'"):
        Runtime(telemetry=TelemetryConfig(metrics=PrometheusConfig(bind_address="9090")))
    config = OpenTelemetryConfig(url="http://localhost:4317", metric_periodicity=timedelta())
    with pytest.raises(ConfigurationError, match="metric_periodicity must be positive"):
        Runtime(telemetry=TelemetryConfig(metrics=config))
    with pytest.raises(ValueError, match="must be positive"):
        Runtime(telemetry=TelemetryConfig(), worker_heartbeat_interval=timedelta())
