"""What foldlog tells whoever measures it: a `Sensor` is called at the places worth a metric.

Owns the names and units of those calls. Knows no metrics library: `foldlog.connectors.prometheus` turns the calls into
Prometheus metrics, and a test may count them. The calls come once per batch or for rare events, never per record,
so an adapter may take its time to the microsecond. They come from several threads, and must neither block nor raise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from foldlog._metrics import RecordedMetric

AbortReason = Literal["error", "fenced", "rebalance", "timeout"]
"""Why a transaction was aborted: a bug or broker error, a newer owner, partitions taken away, a time limit."""

ActivityOutcome = Literal["completed", "failed", "canceled", "abandoned"]
"""How an attempt ended on its worker. Abandoned: the worker stopped, or the attempt counted no longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommittedBatch:
    """One committed transaction of a workflow processor."""

    commands: Mapping[str, int] = field(default_factory=dict)
    """Commands handled, by record type: `StartWorkflow`, `CompleteActivity`…"""
    events: int = 0
    """Records written to `<ns>.events`."""
    tasks: int = 0
    """Tasks written to `<ns>.tasks.*`; eager and local activities are not among them."""
    eager_tasks: int = 0
    """Activities handed to a worker of this process."""
    local_activities: int = 0
    """Local activities begun."""
    replies: int = 0
    """Answers written to `<ns>.replies`."""
    timers_fired: int = 0
    """Due times of any kind that were acted upon: timers, timeouts, retries."""
    timer_delay_seconds: float = 0.0
    """How late the latest of them was."""
    closed: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """Runs closed, by (workflow type, status); the status as in `Description`."""
    started: Mapping[str, int] = field(default_factory=dict)
    """Runs started, by workflow type."""
    retries: Mapping[str, int] = field(default_factory=dict)
    """Further attempts of activities that were scheduled, by activity type."""
    queries: int = 0
    """Queries answered or refused."""
    handling_seconds: float = 0.0
    """From the first command in hand to the begin of the commit."""
    committing_seconds: float = 0.0
    """Flush, send offsets and commit."""
    storing_seconds: float = 0.0
    """Applying the batch to the stores."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedActivity:
    """One attempt that ended on this worker."""

    activity_type: str
    outcome: ActivityOutcome
    seconds: float
    """For how long it ran."""


class Sensor:
    """Hears what happens and does nothing with it. Derive from it and override what is wanted."""

    @property
    def is_silent(self) -> bool:
        """Whether all that it is told comes to nothing, so that nothing needs to be counted for it."""
        return type(self) is Sensor

    # Workflow processor

    def batch_committed(self, batch: CommittedBatch) -> None:
        """A transaction is committed and applied to the stores."""

    def transaction_aborted(self, reason: AbortReason) -> None:
        """A transaction was aborted; its commands are handled again, here or elsewhere."""

    def lag(self, partition: int, records: int) -> None:
        """How many commands of a partition wait; told about once a second for each partition owned."""

    def live_workflows(self, count: int) -> None:
        """How many workflows have their coroutine in memory now."""

    def open_workflows(self, partition: int, count: int) -> None:
        """How many workflows of a partition are open."""

    def stalled_workflows(self, partition: int, count: int) -> None:
        """How many workflows of a partition are stalled."""

    def workflow_stalled(self, workflow_type: str) -> None:
        """A workflow's code raised an unexpected error or did not replay. Also told when a retry stalls again."""

    def workflow_resumed(self, workflow_type: str) -> None:
        """A stalled workflow runs again."""

    def workflows_evicted(self, count: int) -> None:
        """Coroutines were dropped from memory to keep its bound; they are rebuilt by replay when needed."""

    def workflows_replayed(self, count: int, events: int) -> None:
        """Coroutines were rebuilt from their histories: how many, and from how many events together."""

    def large_record(self, workflow_type: str, size: int) -> None:
        """A record in the log, of so many bytes, is more than a quarter of what is allowed."""

    def long_history(self, workflow_type: str, events: int, size: int) -> None:
        """A history got over another 10,000 events, or another 10 MiB, or another fifth of its limit if that is less:
        how many it has, and bytes."""

    def history_limit_exceeded(self, workflow_type: str, events: int, size: int) -> None:
        """A workflow was terminated, as its history had more events, or more bytes, than it may have."""

    def dead_letter(self, topic: str) -> None:
        """A record of this topic could not be decoded or handled and went to `<ns>.dead-letters`."""

    # Partitions

    def rebalanced(self, assigned: int) -> None:
        """The group gave this process its partitions anew: how many it has now."""

    def partition_opened(self, partition: int) -> None:
        """A partition is this process's and its restore begins."""

    def restore_progress(self, partition: int, restored: int, total: int) -> None:
        """Records of `<ns>.events` read back, of about how many; told about once a second."""

    def partition_restored(self, partition: int, events: int, seconds: float) -> None:
        """A partition takes commands: how many records were read back, in which time."""

    def partition_closed(self, partition: int, *, lost: bool) -> None:
        """A partition is no longer this process's: given back in order, or lost."""

    # Activity worker

    def tasks_received(self, task_queue: str, count: int) -> None:
        """Tasks came in from the topic or from a processor of this process."""

    def task_passed_on(self, task_queue: str) -> None:
        """A task of a version that this worker does not have went to another partition. From the poll thread."""

    def activities_ended(self, task_queue: str, ended: Sequence[EndedActivity]) -> None:
        """Attempts ended since the last call."""

    def activity_slots(self, task_queue: str, used: int, total: int) -> None:
        """Attempts that run now, of how many may run at a time."""

    def task_partition_held(self, task_queue: str, partition: int, *, held: bool) -> None:
        """A partition is not read further while `held`: what has ended in it out of order could outgrow the commit's
        metadata, or a record in it can neither be decoded nor set aside at the moment."""

    def metric_recorded(self, metric: RecordedMetric) -> None:
        """An activity or a workflow recorded a value of a metric of its own. This one comes for each value."""

    def heartbeats_sent(self, task_queue: str, count: int) -> None:
        """Heartbeats that went out, after throttling."""
