"""The Prometheus adapter: each call of the sensor arrives under the documented name."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest
from foldlog.connectors.prometheus import PrometheusSensor
from foldlog.sensor import CommittedBatch, EndedActivity, Sensor
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

DOCUMENT = Path(__file__).parents[3] / "docs" / "observability.md"


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def sensor(registry: CollectorRegistry) -> PrometheusSensor:
    return PrometheusSensor(registry)


def test_a_batch_counts_commands_events_tasks_and_closed_runs(
    registry: CollectorRegistry, sensor: PrometheusSensor
) -> None:
    batch = CommittedBatch(
        commands={"StartWorkflow": 2, "CompleteActivity": 3},
        events=11,
        tasks=4,
        eager_tasks=1,
        local_activities=2,
        replies=5,
        started={"Order": 2},
        closed={("Order", "COMPLETED"): 1},
        retries={"charge": 1},
        queries=1,
        handling_seconds=0.004,
        committing_seconds=0.003,
        storing_seconds=0.0004,
    )
    sensor.batch_committed(batch)
    sensor.batch_committed(batch)

    value = registry.get_sample_value
    assert value("foldlog_commands_total", {"type": "StartWorkflow"}) == 4
    assert value("foldlog_commands_total", {"type": "CompleteActivity"}) == 6
    assert value("foldlog_events_total") == 22
    assert [value("foldlog_activity_tasks_total", {"dispatch": kind}) for kind in ("topic", "eager", "local")] == [
        8,
        2,
        4,
    ]
    assert value("foldlog_replies_total") == 10
    assert value("foldlog_queries_total") == 2
    assert value("foldlog_workflows_started_total", {"workflow_type": "Order"}) == 4
    assert value("foldlog_workflows_closed_total", {"workflow_type": "Order", "status": "COMPLETED"}) == 2
    assert value("foldlog_activity_retries_total", {"activity_type": "charge"}) == 2
    assert value("foldlog_batch_commands_sum") == 10
    assert value("foldlog_batch_commit_seconds_sum") == pytest.approx(0.006)
    assert value("foldlog_batch_commit_seconds_bucket", {"le": "0.002"}) == 0
    assert value("foldlog_batch_commit_seconds_bucket", {"le": "0.003"}) == 2


def test_timer_delay_is_observed_only_for_batches_with_timers(
    registry: CollectorRegistry, sensor: PrometheusSensor
) -> None:
    sensor.batch_committed(CommittedBatch())
    assert registry.get_sample_value("foldlog_timer_delay_seconds_count") == 0
    sensor.batch_committed(CommittedBatch(timers_fired=3, timer_delay_seconds=0.2))
    assert registry.get_sample_value("foldlog_timers_fired_total") == 3
    assert registry.get_sample_value("foldlog_timer_delay_seconds_sum") == pytest.approx(0.2)


def test_gauges_of_a_partition_go_with_it_and_late_reports_do_not_bring_them_back(
    registry: CollectorRegistry, sensor: PrometheusSensor
) -> None:
    sensor.partition_opened(3)
    sensor.restore_progress(3, 10, 40)
    sensor.lag(3, 7)
    labels = {"partition": "3"}
    assert registry.get_sample_value("foldlog_restore_records", labels) == 10
    assert registry.get_sample_value("foldlog_restore_target_records", labels) == 40
    assert registry.get_sample_value("foldlog_command_lag_records", labels) == 7

    sensor.partition_restored(3, 40, 1.5)
    assert registry.get_sample_value("foldlog_restore_records", labels) == 40
    assert registry.get_sample_value("foldlog_restored_records_total") == 40
    assert registry.get_sample_value("foldlog_restore_seconds_sum") == 1.5

    sensor.partition_closed(3, lost=True)
    sensor.lag(3, 9)
    assert registry.get_sample_value("foldlog_command_lag_records", labels) is None
    assert registry.get_sample_value("foldlog_partitions_lost_total") == 1


def test_activities_are_timed_by_how_they_ended(registry: CollectorRegistry, sensor: PrometheusSensor) -> None:
    sensor.activities_ended(
        "q",
        [
            EndedActivity(activity_type="charge", outcome="completed", seconds=0.2),
            EndedActivity(activity_type="charge", outcome="failed", seconds=2.0),
        ],
    )
    sensor.activity_slots("q", 3, 100)
    labels = {"task_queue": "q", "activity_type": "charge", "outcome": "failed"}
    assert registry.get_sample_value("foldlog_activity_seconds_count", labels) == 1
    assert registry.get_sample_value("foldlog_activity_seconds_sum", labels) == 2.0
    assert registry.get_sample_value("foldlog_activity_slots_used", {"task_queue": "q"}) == 3
    assert registry.get_sample_value("foldlog_activity_slots", {"task_queue": "q"}) == 100


def test_a_held_task_partition_is_shown_until_it_is_read_again(
    registry: CollectorRegistry, sensor: PrometheusSensor
) -> None:
    labels = {"task_queue": "q", "partition": "4"}
    sensor.task_partition_held("q", 4, held=True)
    assert registry.get_sample_value("foldlog_task_partition_held", labels) == 1
    sensor.task_partition_held("q", 4, held=False)
    assert registry.get_sample_value("foldlog_task_partition_held", labels) is None


def test_two_sensors_need_two_registries(registry: CollectorRegistry, sensor: PrometheusSensor) -> None:
    PrometheusSensor(CollectorRegistry())
    with pytest.raises(ValueError, match="Duplicated"):
        PrometheusSensor(registry)


def test_every_call_of_the_sensor_becomes_a_metric() -> None:
    calls = {name for name, _ in inspect.getmembers(Sensor, inspect.isfunction) if not name.startswith("_")}
    heard = {name for name in calls if name in vars(PrometheusSensor)}
    assert heard == calls


def test_names_follow_the_rules_and_are_all_documented(registry: CollectorRegistry, sensor: PrometheusSensor) -> None:
    families = list(text_string_to_metric_families(generate_latest(registry).decode()))
    names = {f"{f.name}_total" if f.type == "counter" else f.name for f in families if not f.name.endswith("_created")}
    assert names
    for name in names:
        assert re.fullmatch(r"foldlog(_[a-z]+)+", name), name
    documented = set(re.findall(r"^\| `(foldlog_[a-z_]+)`", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE))
    assert names == documented
