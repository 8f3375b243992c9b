"""Metrics that activities and workflows record: what a meter accepts, and what becomes of it in a registry."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from foldlog import activity, workflow
from foldlog._metrics import RecordedMetric
from foldlog.common import MetricMeter
from foldlog.connectors.prometheus import PrometheusSensor
from foldlog.testing import WorkflowEnvironment
from foldlog.worker import Worker
from prometheus_client import CollectorRegistry


@activity.defn
async def measure() -> None:
    activity.metric_meter().create_counter("measured", "how often", "times").add(2, {"colour": "red", "rush": True})


@activity.defn
def measure_in_thread() -> None:
    activity.metric_meter().create_gauge_float("level").set(0.5)


@workflow.defn
class Measuring:
    @workflow.run
    async def run(self) -> None:
        workflow.metric_meter().create_counter("begun").add(1)
        await workflow.execute_activity(measure, start_to_close_timeout=timedelta(seconds=30))
        await workflow.execute_local_activity(measure_in_thread, start_to_close_timeout=timedelta(seconds=30))
        workflow.metric_meter().create_histogram_timedelta("took").record(timedelta(milliseconds=1500))


async def test_activities_and_workflows_record_in_the_workers_registry_and_replays_do_not() -> None:
    registry = CollectorRegistry()
    async with (
        await WorkflowEnvironment.start_time_skipping() as env,
        Worker(
            env.client,
            task_queue="q",
            workflows=[Measuring],
            activities=[measure, measure_in_thread],
            sensor=PrometheusSensor(registry),
            max_cached_workflows=1,
        ),
    ):
        for number in range(3):
            await env.client.execute_workflow(Measuring.run, id=f"{number}", task_queue="q")
        # Its code is made anew for the question, and told all of its history again.
        await env.client.get_workflow_handle("0").query("__stack_trace")
    of_workflow = {"namespace": env.client.namespace, "task_queue": "q", "workflow_type": "Measuring"}
    of_activity = {"namespace": env.client.namespace, "task_queue": "q"}
    assert registry.get_sample_value("begun_total", of_workflow) == 3
    assert registry.get_sample_value("took_sum", of_workflow) == 4.5
    red = of_activity | {"activity_type": "measure", "colour": "red", "rush": "true"}
    assert registry.get_sample_value("measured_total", red) == 6
    assert registry.get_sample_value("level", of_activity | {"activity_type": "measure_in_thread"}) == 0.5


def test_what_does_not_fit_is_left_out_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    registry = CollectorRegistry()
    meter = MetricMeter(PrometheusSensor(registry).metric_recorded)
    counter = meter.create_counter("a.counter").with_additional_attributes({"x": 1})
    with caplog.at_level(logging.WARNING):
        counter.add(1)
        for _ in range(2):
            counter.add(1, {"y": True})
            meter.create_gauge("a.counter").set(7)
            meter.create_counter("foldlog_events").add(1)
    assert registry.get_sample_value("a_counter_total", {"x": "1"}) == 3
    assert len(caplog.records) == 3


def test_a_meter_refuses_negative_values_and_odd_attributes() -> None:
    taken: list[RecordedMetric] = []
    meter = MetricMeter(taken.append, {"base": "b"}).with_additional_attributes({"more": 1.5})
    with pytest.raises(ValueError, match="negative"):
        meter.create_histogram("h").record(-1)
    with pytest.raises(TypeError, match="list"):
        meter.create_counter("c").add(1, {"bad": []})  # type: ignore[dict-item]  # what the test is about
    with pytest.raises(TypeError):
        meter.with_additional_attributes({"bad": None})  # type: ignore[dict-item]
    assert taken == []
    meter.create_histogram_float("h", "d", "u").record(2.5, {"x": "y"})
    (one,) = taken
    assert (one.kind, one.description, one.unit, one.value) == ("histogram", "d", "u", 2.5)
    assert one.attributes == {"base": "b", "more": 1.5, "x": "y"}
    MetricMeter.noop.create_gauge("g").set(1)
