"""The one place that knows prometheus-client: what a `Sensor` hears, as metrics.

Owns the names, units and buckets of the metrics; docs/observability.md explains each. Serves nothing:
`foldlog.connectors.health` does. Metrics are made in a registry that the caller gives, so two workers in one process,
or two tests, do not meet.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace

from foldlog._metrics import RecordedMetric
from foldlog.connectors.own_metrics import OwnMetrics
from foldlog.sensor import AbortReason, CommittedBatch, EndedActivity, Sensor
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase

MAXIMUM_TYPES = 200
"""Workflow types that get a label of their own."""

BATCH_SECONDS = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""A commit takes about 3 ms and must end before `transaction.timeout.ms`, 10 s."""
BATCH_COMMANDS = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000)
DELAY_SECONDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 300.0, 3600.0)
"""Timers are late by milliseconds while a processor runs, and by hours after nobody did."""
ACTIVITY_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0)
RESTORE_SECONDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0)


class PrometheusSensor(Sensor):
    """Keeps foldlog's metrics in a registry.

    Example:
        >>> registry = CollectorRegistry()
        >>> sensor = PrometheusSensor(registry)
        >>> sensor.batch_committed(CommittedBatch(commands={"StartWorkflow": 2}, events=6))
        >>> registry.get_sample_value("foldlog_events_total")
        6.0
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        buckets: Mapping[str, Sequence[float]] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Registers every metric.

        Args:
            registry: Where the metrics live: `prometheus_client.REGISTRY`, or one of one's own.
            buckets: Upper bounds of the buckets of histograms that the application records, by their names.
            tags: Labels of all metrics that the application records.

        Raises:
            ValueError: The registry has foldlog's metrics already.
        """
        self._batches = _BatchMetrics(registry)
        self._workflows = _WorkflowMetrics(registry)
        self._partitions = _PartitionMetrics(registry)
        self._activities = _ActivityMetrics(registry)
        self._own = OwnMetrics(registry, buckets)
        self._tags = dict(tags or {})

    # Workflow processor

    def batch_committed(self, batch: CommittedBatch) -> None:
        self._batches.committed(batch)
        self._workflows.committed(batch)
        for activity_type, count in batch.retries.items():
            self._activities.retries.labels(activity_type).inc(count)

    def transaction_aborted(self, reason: AbortReason) -> None:
        self._batches.aborted.labels(reason).inc()

    def lag(self, partition: int, records: int) -> None:
        self._partitions.set(self._partitions.lag, partition, records)

    def live_workflows(self, count: int) -> None:
        self._workflows.live.set(count)

    def open_workflows(self, partition: int, count: int) -> None:
        self._partitions.set(self._partitions.open, partition, count)

    def stalled_workflows(self, partition: int, count: int) -> None:
        self._partitions.set(self._partitions.stalled, partition, count)

    def workflow_stalled(self, workflow_type: str) -> None:
        self._workflows.stalls.labels(self._workflows.known(workflow_type)).inc()

    def workflow_resumed(self, workflow_type: str) -> None:
        self._workflows.resumes.labels(self._workflows.known(workflow_type)).inc()

    def workflows_evicted(self, count: int) -> None:
        self._workflows.evicted.inc(count)

    def workflows_replayed(self, count: int, events: int) -> None:
        self._workflows.replays.inc(count)
        self._workflows.replayed_events.inc(events)

    def large_record(self, workflow_type: str, size: int) -> None:
        self._workflows.large_records.labels(self._workflows.known(workflow_type)).inc()

    def long_history(self, workflow_type: str, events: int, size: int) -> None:
        self._workflows.long_histories.labels(self._workflows.known(workflow_type)).inc()

    def history_limit_exceeded(self, workflow_type: str, events: int, size: int) -> None:
        self._workflows.limit_exceeded.labels(self._workflows.known(workflow_type)).inc()

    def dead_letter(self, topic: str) -> None:
        self._batches.dead_letters.labels(topic).inc()

    # Partitions

    def rebalanced(self, assigned: int) -> None:
        self._partitions.rebalances.inc()
        self._partitions.assigned.set(assigned)

    def partition_opened(self, partition: int) -> None:
        self._partitions.opened(partition)

    def restore_progress(self, partition: int, restored: int, total: int) -> None:
        self._partitions.set(self._partitions.restored, partition, restored)
        self._partitions.set(self._partitions.restore_target, partition, total)

    def partition_restored(self, partition: int, events: int, seconds: float) -> None:
        self.restore_progress(partition, events, events)
        self._partitions.restore_seconds.observe(seconds)
        self._partitions.restored_records.inc(events)

    def partition_closed(self, partition: int, *, lost: bool) -> None:
        self._partitions.closed(partition, lost=lost)

    # Activity worker

    def tasks_received(self, task_queue: str, count: int) -> None:
        self._activities.received.labels(task_queue).inc(count)

    def task_passed_on(self, task_queue: str) -> None:
        self._activities.passed_on.labels(task_queue).inc()

    def activities_ended(self, task_queue: str, ended: Sequence[EndedActivity]) -> None:
        for one in ended:
            self._activities.seconds.labels(task_queue, one.activity_type, one.outcome).observe(one.seconds)

    def activity_slots(self, task_queue: str, used: int, total: int) -> None:
        self._activities.slots_used.labels(task_queue).set(used)
        self._activities.slots.labels(task_queue).set(total)

    def task_partition_held(self, task_queue: str, partition: int, *, held: bool) -> None:
        if held:
            self._activities.held.labels(task_queue, str(partition)).set(1)
        else:
            _forget(self._activities.held, task_queue, str(partition))

    def metric_recorded(self, metric: RecordedMetric) -> None:
        if self._tags:
            metric = replace(metric, attributes={**self._tags, **metric.attributes})
        self._own.record(metric)

    def heartbeats_sent(self, task_queue: str, count: int) -> None:
        self._activities.heartbeats.labels(task_queue).inc(count)


class _BatchMetrics:
    """What the transactional loop does."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.commands = Counter("foldlog_commands", "Commands handled and committed.", ["type"], registry=registry)
        self.events = Counter("foldlog_events", "Records committed to <ns>.events.", registry=registry)
        self.tasks = Counter(
            "foldlog_activity_tasks",
            "Activity tasks given out: to the topic, to a worker of this process, or run inside the batch.",
            ["dispatch"],
            registry=registry,
        )
        self.replies = Counter("foldlog_replies", "Answers committed to <ns>.replies.", registry=registry)
        self.queries = Counter("foldlog_queries", "Queries answered or refused.", registry=registry)
        self.timers = Counter("foldlog_timers_fired", "Timers, timeouts and retries that came due.", registry=registry)
        self.timer_delay = Histogram(
            "foldlog_timer_delay_seconds",
            "How late the latest due time of a batch was acted upon.",
            buckets=DELAY_SECONDS,
            registry=registry,
        )
        self.size = Histogram(
            "foldlog_batch_commands", "Commands per transaction.", buckets=BATCH_COMMANDS, registry=registry
        )
        self.handling = self._seconds("handling", "Handling the commands of a transaction.", registry)
        self.committing = self._seconds("commit", "Flushing and committing a transaction.", registry)
        self.storing = self._seconds("store", "Applying a transaction to the local stores.", registry)
        self.aborted = Counter(
            "foldlog_transactions_aborted", "Transactions that were aborted.", ["reason"], registry=registry
        )
        self.dead_letters = Counter(
            "foldlog_dead_letters", "Records sent to <ns>.dead-letters.", ["topic"], registry=registry
        )

    @staticmethod
    def _seconds(step: str, documentation: str, registry: CollectorRegistry) -> Histogram:
        return Histogram(f"foldlog_batch_{step}_seconds", documentation, buckets=BATCH_SECONDS, registry=registry)

    def committed(self, batch: CommittedBatch) -> None:
        for command, count in batch.commands.items():
            self.commands.labels(command).inc(count)
        self.events.inc(batch.events)
        self.tasks.labels("topic").inc(batch.tasks)
        self.tasks.labels("eager").inc(batch.eager_tasks)
        self.tasks.labels("local").inc(batch.local_activities)
        self.replies.inc(batch.replies)
        self.queries.inc(batch.queries)
        if batch.timers_fired:
            self.timers.inc(batch.timers_fired)
            self.timer_delay.observe(batch.timer_delay_seconds)
        self.size.observe(sum(batch.commands.values()))
        self.handling.observe(batch.handling_seconds)
        self.committing.observe(batch.committing_seconds)
        self.storing.observe(batch.storing_seconds)


class _WorkflowMetrics:
    """What becomes of workflows."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._types: set[str] = set()
        kind = ["workflow_type"]
        self.started = Counter("foldlog_workflows_started", "Runs started.", kind, registry=registry)
        self.ended = Counter("foldlog_workflows_closed", "Runs closed.", [*kind, "status"], registry=registry)
        self.live = Gauge("foldlog_workflows_live", "Workflows whose coroutine is in memory.", registry=registry)
        self.stalls = Counter("foldlog_workflow_stalls", "Times that a workflow stalled.", kind, registry=registry)
        self.resumes = Counter("foldlog_workflow_resumes", "Stalled workflows that run again.", kind, registry=registry)
        self.evicted = Counter("foldlog_workflows_evicted", "Coroutines dropped from memory.", registry=registry)
        self.large_records = Counter("foldlog_large_records", "Records above 256 KiB.", kind, registry=registry)
        self.long_histories = Counter(
            "foldlog_long_histories",
            "Times that a history got another 10,000 events or 10 MiB, or another fifth of its limit.",
            kind,
            registry=registry,
        )
        self.limit_exceeded = Counter(
            "foldlog_history_limit_exceeded",
            "Workflows terminated because their history got over its limit.",
            kind,
            registry=registry,
        )
        self.replays = Counter("foldlog_workflow_replays", "Coroutines rebuilt from their history.", registry=registry)
        self.replayed_events = Counter("foldlog_replayed_events", "Events read for that.", registry=registry)

    def known(self, workflow_type: str) -> str:
        """The type as a label. Anybody may start a workflow of any name, and each name would be a series for good."""
        if workflow_type in self._types or len(self._types) < MAXIMUM_TYPES:
            self._types.add(workflow_type)
            return workflow_type
        return "other"

    def committed(self, batch: CommittedBatch) -> None:
        for workflow_type, count in batch.started.items():
            self.started.labels(self.known(workflow_type)).inc(count)
        for (workflow_type, status), count in batch.closed.items():
            self.ended.labels(self.known(workflow_type), status).inc(count)


class _PartitionMetrics:
    """What this process owns. Gauges of a partition go when the partition goes: another process shows them then."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.lag = self._gauge("foldlog_command_lag_records", "Commands that wait to be handled.", registry)
        self.open = self._gauge("foldlog_workflows_open", "Workflows that are open.", registry)
        self.stalled = self._gauge("foldlog_workflows_stalled", "Workflows that are stalled.", registry)
        self.restored = self._gauge("foldlog_restore_records", "Records of <ns>.events read back.", registry)
        self.restore_target = self._gauge("foldlog_restore_target_records", "Of about how many.", registry)
        self.assigned = Gauge("foldlog_partitions_assigned", "Partitions of this process.", registry=registry)
        self.rebalances = Counter("foldlog_rebalances", "Times that partitions were assigned anew.", registry=registry)
        self.lost = Counter("foldlog_partitions_lost", "Partitions lost without giving them back.", registry=registry)
        self.restore_seconds = Histogram(
            "foldlog_restore_seconds",
            "From owning a partition to taking its commands.",
            buckets=RESTORE_SECONDS,
            registry=registry,
        )
        self.restored_records = Counter(
            "foldlog_restored_records", "Records of <ns>.events read back by finished restores.", registry=registry
        )
        self._open: set[int] = set()
        self._mutex = threading.Lock()

    @staticmethod
    def _gauge(name: str, documentation: str, registry: CollectorRegistry) -> Gauge:
        return Gauge(name, documentation, ["partition"], registry=registry)

    def set(self, gauge: Gauge, partition: int, value: float) -> None:
        """Sets the gauge of a partition, unless it is closed: a late report must not bring its gauges back."""
        with self._mutex:
            if partition in self._open:
                gauge.labels(str(partition)).set(value)

    def opened(self, partition: int) -> None:
        with self._mutex:
            self._open.add(partition)

    def closed(self, partition: int, *, lost: bool) -> None:
        if lost:
            self.lost.inc()
        with self._mutex:
            self._open.discard(partition)
            for gauge in (self.lag, self.open, self.stalled, self.restored, self.restore_target):
                _forget(gauge, str(partition))


class _ActivityMetrics:
    """What activity workers do, and what they are asked to do again."""

    def __init__(self, registry: CollectorRegistry) -> None:
        queue = ["task_queue"]
        self.received = Counter("foldlog_tasks_received", "Activity tasks taken by workers.", queue, registry=registry)
        self.passed_on = Counter(
            "foldlog_tasks_passed_on",
            "Activity tasks of versions that this worker does not have.",
            queue,
            registry=registry,
        )
        self.seconds = Histogram(
            "foldlog_activity_seconds",
            "How long attempts ran on the worker, by how they ended.",
            [*queue, "activity_type", "outcome"],
            buckets=ACTIVITY_SECONDS,
            registry=registry,
        )
        self.slots_used = Gauge("foldlog_activity_slots_used", "Attempts that run now.", queue, registry=registry)
        self.slots = Gauge("foldlog_activity_slots", "Attempts that may run at a time.", queue, registry=registry)
        self.held = Gauge(
            "foldlog_task_partition_held",
            "1 for a task partition that is not read further for now.",
            [*queue, "partition"],
            registry=registry,
        )
        self.heartbeats = Counter("foldlog_heartbeats", "Heartbeats sent, after throttling.", queue, registry=registry)
        self.retries = Counter(
            "foldlog_activity_retries", "Further attempts scheduled.", ["activity_type"], registry=registry
        )


def _forget(metric: MetricWrapperBase, *labels: str) -> None:
    try:
        metric.remove(*labels)
    except KeyError:
        return  # it was never set; newer versions of prometheus-client do not mind
