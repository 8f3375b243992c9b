"""An activity without a workflow, as lists and `ActivityHandle.describe` give it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any

from foldlog.client._description import (
    PendingActivity,
    PendingActivityState,
    WorkflowExecution,
    WorkflowExecutionDescription,
    WorkflowExecutionStatus,
)
from foldlog.client._pages import Pages
from foldlog.common import Priority, RetryPolicy, TypedSearchAttributes
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
    heartbeat_timeout: timedelta | None
    last_heartbeat_time: datetime | None
    last_started_time: datetime | None
    last_worker_identity: str | None
    next_attempt_schedule_time: datetime | None
    priority: Priority
    retry_policy: RetryPolicy | None
    run_state: PendingActivityState | None
    """What it is doing; None: it has ended."""
    schedule_to_close_timeout: timedelta | None
    schedule_to_start_timeout: timedelta | None
    start_to_close_timeout: timedelta | None
    pending: PendingActivity | None = field(repr=False)

    async def heartbeat_details(self) -> Sequence[Any]:
        """What the last heartbeat said; empty also once it has ended."""
        return [] if self.pending is None else await self.pending.heartbeat_details()

    async def last_failure(self) -> BaseException | None:
        """Why the attempt before failed; None: none has, or it has ended."""
        return None if self.pending is None else await self.pending.last_failure()


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
    """Always empty: they are grouped by nothing."""


def execution(row: WorkflowExecution, job: Job) -> ActivityExecution:
    """What a list shows.

    Args:
        row: The row of its workflow.
        job: What its memo has for this.
    """
    return ActivityExecution(**_common(row, job.activity_type, job.task_queue))


def description(
    found: WorkflowExecutionDescription, described: Described, pending: PendingActivity | None
) -> ActivityExecutionDescription:
    """What `describe` gives.

    Args:
        found: Its workflow.
        described: What that says of it.
        pending: The activity, while it is open.
    """
    job = described.job
    common = _common(found, job.activity_type, job.task_queue if pending is None else pending.task_queue)
    if described.timed_out:
        common["status"] = ActivityExecutionStatus.TIMED_OUT
    elif pending is not None and pending.paused:
        common["status"] = ActivityExecutionStatus.PAUSED
    return ActivityExecutionDescription(
        **common,
        attempt=1 if pending is None else pending.attempt,
        last_heartbeat_time=None if pending is None else pending.last_heartbeat_time,
        last_started_time=None if pending is None else pending.started_time,
        last_worker_identity=None if pending is None else pending.identity or None,
        next_attempt_schedule_time=None if pending is None else pending.next_attempt_time,
        run_state=None if pending is None else _run_state(pending),
        **(_as_scheduled(job) if pending is None else {name: getattr(pending, name) for name in _OPTIONS}),
        pending=pending,
    )


_OPTIONS = (
    "heartbeat_timeout",
    "priority",
    "retry_policy",
    "schedule_to_close_timeout",
    "schedule_to_start_timeout",
    "start_to_close_timeout",
)
"""What can be changed while it is open."""


def _as_scheduled(job: Job) -> dict[str, Any]:
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
