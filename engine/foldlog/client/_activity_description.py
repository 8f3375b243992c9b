"""An activity without a workflow, as lists and `ActivityHandle.describe` give it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any, NamedTuple

from foldlog._times import later
from foldlog.client._activity_outcome import ActivityOutcome
from foldlog.client._description import (
    PendingActivity,
    PendingActivityState,
    WorkflowExecution,
    WorkflowExecutionDescription,
    WorkflowExecutionStatus,
)
from foldlog.client._pages import Pages
from foldlog.common import Priority, RetryPolicy, TypedSearchAttributes, WorkerDeploymentVersion
from foldlog.converter import DataConverter
from foldlog.core.retry import next_delay_ms
from foldlog.schemas.common import Payload
from foldlog.standalone.model import Described, Job, activity_workflow_id


class ActivityExecutionStatus(IntEnum):
    """How an activity stands. The numbers are Temporal's."""

    UNSPECIFIED = 0
    RUNNING = 1
    COMPLETED = 2
    FAILED = 3
    CANCELED = 4
    TERMINATED = 5
    TIMED_OUT = 6
    PAUSED = 7


@dataclass(frozen=True, eq=False, kw_only=True)
class ActivityExecution:
    """One run of an activity without a workflow."""

    activity_id: str
    activity_run_id: str | None
    activity_type: str
    close_time: datetime | None
    """When it ended; None: it has not."""
    execution_duration: timedelta | None
    """How long it took, from when it was scheduled."""
    execution_time: datetime | None
    """When its first attempt could begin."""
    namespace: str
    schedule_time: datetime
    status: ActivityExecutionStatus
    """In a list, one that timed out has FAILED, and one that is paused is RUNNING."""
    task_queue: str
    typed_search_attributes: TypedSearchAttributes


@dataclass(frozen=True, eq=False, kw_only=True)
class ActivityExecutionDescription(ActivityExecution):
    """One with all that is known of it."""

    attempt: int
    """The one that runs or comes next, and the last one once it has ended; 1 if it was terminated."""
    canceled_reason: str | None
    """Why its cancellation was asked for; None: it was not, or nobody said why."""
    current_retry_interval: timedelta | None
    """How long the wait for the next attempt is in all; None: it does not wait for one."""
    expiration_time: datetime | None
    """When `schedule_to_close_timeout` ends it; None: nothing does."""
    heartbeat_timeout: timedelta | None
    last_attempt_complete_time: datetime | None
    """When it ended; None before: when attempts end is not kept."""
    last_deployment_version: WorkerDeploymentVersion | None
    """Always None: activities are not bound to versions."""
    last_heartbeat_time: datetime | None
    last_started_time: datetime | None
    last_worker_identity: str | None
    """Who runs it or was the last to; None: nobody has said so."""
    next_attempt_schedule_time: datetime | None
    priority: Priority
    retry_policy: RetryPolicy | None
    run_state: PendingActivityState | None
    """What it is doing; None: it has ended."""
    schedule_to_close_timeout: timedelta | None
    schedule_to_start_timeout: timedelta | None
    start_to_close_timeout: timedelta | None
    start_delay: timedelta | None
    """How long its first attempt was held; None: not at all."""
    total_heartbeat_count: int
    """Always 0: heartbeats are not counted."""
    pending: PendingActivity | None = field(repr=False)
    data_converter: DataConverter = field(repr=False)
    raw_input: Sequence[Payload] | None = field(repr=False)
    """Its arguments; None: they were not asked for."""
    _outcome: ActivityOutcome | None = field(repr=False)
    _heartbeats: bool = field(repr=False)
    _failures: bool = field(repr=False)

    def has_heartbeat_details(self) -> bool:
        """Whether a heartbeat has said something, and that was asked for. False once it has ended."""
        return self._heartbeats and self.pending is not None and bool(self.pending._heartbeat_details)

    async def heartbeat_details(self, type_hints: Sequence[Any] | None = None) -> list[Any] | None:
        """What the last heartbeat said; None: nothing that is known.

        Args:
            type_hints: What it is to be converted to.
        """
        if self.pending is None or not self.has_heartbeat_details():
            return None
        return await self.data_converter.decode(self.pending._heartbeat_details, type_hints)

    def has_last_failure(self) -> bool:
        """Whether an attempt has failed, and its failure was asked for. False once it has ended."""
        return self._failures and self.pending is not None and self.pending._last_failure is not None

    async def last_failure(self) -> BaseException | None:
        """Why the attempt before failed; None: none that is known."""
        return await self.pending.last_failure() if self.pending is not None and self.has_last_failure() else None

    def has_input(self) -> bool:
        """Whether its arguments were asked for."""
        return self.raw_input is not None

    async def input(self, type_hints: Sequence[Any] | None = None) -> list[Any] | None:
        """Its arguments; None: they were not asked for.

        Args:
            type_hints: What they are to be converted to.
        """
        if self.raw_input is None:
            return None
        return self.data_converter.payload_converter.from_payloads(self.raw_input, type_hints)

    def has_result(self) -> bool:
        """Whether it has completed, and its result was asked for."""
        return self._outcome is not None and self._outcome.completed

    async def result(self, type_hint: Any = None) -> Any:
        """What it returned; None: it has not, or that was not asked for.

        Args:
            type_hint: What it is to be converted to.
        """
        return await self._outcome.result(type_hint) if self._outcome is not None and self.has_result() else None

    def has_outcome_failure(self) -> bool:
        """Whether it has ended without a result, and that was asked for."""
        return self._outcome is not None and not self._outcome.completed

    async def outcome_failure(self) -> BaseException | None:
        """Why it has no result; None: it has one, or has not ended, or that was not asked for."""
        if self._outcome is None or self._outcome.completed:
            return None
        return await self._outcome.failure(f"activity {self.activity_id!r}")


class ActivityExecutionAsyncIterator(Pages[ActivityExecution]):
    """Activities without a workflow, one by one. Nothing is read before the first one is asked for."""


@dataclass(frozen=True)
class ActivityExecutionCountAggregationGroup:
    """How many have the same value."""

    count: int
    group_values: Sequence[Any]


@dataclass(frozen=True)
class ActivityExecutionCount:
    """How many there are."""

    count: int
    groups: Sequence[ActivityExecutionCountAggregationGroup] = ()
    """The same by status, if that was asked for."""


def execution(row: WorkflowExecution, job: Job) -> ActivityExecution:
    """What a list shows.

    Args:
        row: The row of its workflow.
        job: What its memo has for this.
    """
    return ActivityExecution(**_common(row, job.activity_type, job.task_queue))


class Recorded(NamedTuple):
    """What the history of its workflow has, as far as it was looked into."""

    args: Sequence[Payload] = ()
    canceled_reason: str = ""
    attempt: int = 1
    """The last one, once it has ended."""
    identity: str = ""
    """Who told of its end."""


def description(
    found: WorkflowExecutionDescription,
    described: Described,
    pending: PendingActivity | None,
    *,
    data_converter: DataConverter,
    recorded: Recorded,
    with_input: bool,
    outcome: ActivityOutcome | None,
    heartbeats: bool,
    failures: bool,
) -> ActivityExecutionDescription:
    """What `describe` gives.

    Args:
        found: Its workflow.
        described: What that says of it.
        pending: The activity, while it is open.
        data_converter: Converts the activity's values.
        recorded: What its workflow's history says, if that was needed.
        with_input: Whether its arguments are given.
        outcome: How it has ended; None: it has not, or that was not asked for.
        heartbeats: Whether what heartbeats say is given.
        failures: Whether what ended attempts is.
    """
    job = described.job
    common = _common(found, job.activity_type, job.task_queue if pending is None else pending.task_queue)
    if described.timed_out:
        common["status"] = ActivityExecutionStatus.TIMED_OUT
    elif pending is not None and pending.paused:
        common["status"] = ActivityExecutionStatus.PAUSED
    options = as_scheduled(job) if pending is None else {name: getattr(pending, name) for name in _OPTIONS}
    begins: datetime = found.execution_time or found.start_time
    limit = options["schedule_to_close_timeout"]
    return ActivityExecutionDescription(
        **common,
        attempt=recorded.attempt if pending is None else pending.attempt,
        canceled_reason=recorded.canceled_reason or None,
        current_retry_interval=None if pending is None else _retry_interval(pending),
        expiration_time=None if limit is None else later(begins, limit),
        last_attempt_complete_time=found.close_time,
        last_deployment_version=None,
        start_delay=begins - found.start_time or None,
        total_heartbeat_count=0,
        last_heartbeat_time=None if pending is None else pending.last_heartbeat_time,
        last_started_time=None if pending is None else pending.started_time,
        last_worker_identity=(recorded.identity if pending is None else pending.identity) or None,
        next_attempt_schedule_time=None if pending is None else pending.next_attempt_time,
        run_state=None if pending is None else _run_state(pending),
        **options,
        pending=pending,
        data_converter=data_converter,
        raw_input=recorded.args if with_input else None,
        _outcome=outcome,
        _heartbeats=heartbeats,
        _failures=failures,
    )


def _retry_interval(pending: PendingActivity) -> timedelta | None:
    """The wait that is going on, as the retry policy or the error has it."""
    policy, failure = pending.retry_policy, pending._last_failure
    if pending.state is not PendingActivityState.BACKOFF or pending.paused or policy is None or failure is None:
        return None
    delay_ms, _ = next_delay_ms(policy.to_record(), pending.attempt - 1, failure, 0, 0)
    return None if delay_ms is None else timedelta(milliseconds=delay_ms)


_OPTIONS = (
    "heartbeat_timeout",
    "priority",
    "retry_policy",
    "schedule_to_close_timeout",
    "schedule_to_start_timeout",
    "start_to_close_timeout",
)
"""What can be changed while it is open."""


def as_scheduled(job: Job) -> dict[str, Any]:
    """The options of an activity as it was started, by name."""
    return {
        "heartbeat_timeout": _duration(job.heartbeat_timeout_ms),
        "priority": Priority.from_record(job.priority),
        "retry_policy": None if job.retry_policy is None else RetryPolicy.from_record(job.retry_policy),
        "schedule_to_close_timeout": _duration(job.schedule_to_close_timeout_ms),
        "schedule_to_start_timeout": _duration(job.schedule_to_start_timeout_ms),
        "start_to_close_timeout": _duration(job.start_to_close_timeout_ms),
    }


def _common(row: WorkflowExecution, activity_type: str, task_queue: str) -> dict[str, Any]:
    return {
        "activity_id": row.id.removeprefix(activity_workflow_id("")),
        "activity_run_id": row.run_id,
        "activity_type": activity_type,
        "close_time": row.close_time,
        "execution_duration": None if row.close_time is None else row.close_time - row.start_time,
        "execution_time": row.execution_time,
        "namespace": row.namespace,
        "schedule_time": row.start_time,
        "status": _STATUS[row.status],
        "task_queue": task_queue,
        "typed_search_attributes": row.typed_search_attributes,
    }


_STATUS = {
    WorkflowExecutionStatus.RUNNING: ActivityExecutionStatus.RUNNING,
    WorkflowExecutionStatus.COMPLETED: ActivityExecutionStatus.COMPLETED,
    WorkflowExecutionStatus.FAILED: ActivityExecutionStatus.FAILED,
    WorkflowExecutionStatus.CANCELED: ActivityExecutionStatus.CANCELED,
    WorkflowExecutionStatus.TERMINATED: ActivityExecutionStatus.TERMINATED,
    WorkflowExecutionStatus.TIMED_OUT: ActivityExecutionStatus.TIMED_OUT,
    WorkflowExecutionStatus.CONTINUED_AS_NEW: ActivityExecutionStatus.RUNNING,
}


def _duration(ms: int) -> timedelta | None:
    return timedelta(milliseconds=ms) if ms else None


def _run_state(pending: PendingActivity) -> PendingActivityState:
    if not pending.paused or pending.state is PendingActivityState.CANCEL_REQUESTED:
        return pending.state
    runs = pending.state is PendingActivityState.STARTED
    return PendingActivityState.PAUSE_REQUESTED if runs else PendingActivityState.PAUSED
