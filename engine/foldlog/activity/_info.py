"""Facts about an attempt of an activity, as its code sees them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from foldlog._times import utc
from foldlog.common import Priority, RetryPolicy
from foldlog.schemas.task import ActivityTask
from foldlog.standalone.model import is_standalone


@dataclass(frozen=True, kw_only=True)
class Info:
    """The running attempt. Times are in UTC, with a time zone."""

    activity_id: str
    """The activity, within its run."""
    activity_type: str
    """Its name."""
    attempt: int
    """Which attempt this is, from 1."""
    current_attempt_scheduled_time: datetime
    """When this attempt was scheduled."""
    heartbeat_details: Sequence[Any]
    """What the last heartbeat of the attempt before carried; empty if there was none."""
    heartbeat_timeout: timedelta | None
    """Limit between two heartbeats."""
    is_local: bool
    """Whether it is a local activity."""
    namespace: str
    """The namespace."""
    retry_policy: RetryPolicy | None
    """How failed attempts are repeated; None: not at all."""
    schedule_to_close_timeout: timedelta | None
    """Limit on all attempts together."""
    scheduled_time: datetime
    """When the activity was scheduled."""
    start_to_close_timeout: timedelta | None
    """Limit on one attempt."""
    started_time: datetime
    """When this attempt began."""
    task_queue: str
    """Where it came from."""
    task_token: bytes
    """Names this attempt, for its completion from another process."""
    workflow_id: str | None
    """The workflow; None: none asked for it. So for the next three."""
    workflow_namespace: str | None
    """The namespace of the workflow."""
    workflow_run_id: str | None
    """The run."""
    workflow_type: str | None
    """Its type."""
    priority: Priority = Priority.default
    """Its priority, with what it has from its workflow."""
    activity_run_id: str | None = None
    """Its own run, if no workflow asked for it."""

    @property
    def in_workflow(self) -> bool:
        """Whether a workflow asked for it."""
        return self.workflow_id is not None

    @property
    def idempotency_key(self) -> str:
        """Names this activity, the same in each attempt and never the same for another.

        An activity may run more than once, though only one completion counts: an attempt that timed out may still be
        running, and a worker that crashed may have been done but for saying so. Give this key to whatever the activity
        changes (as the idempotency key of a payment, or a unique column), so that the second time changes nothing.
        """
        if self.workflow_id is None:
            return f"{self.activity_id}/{self.activity_run_id}"
        return f"{self.workflow_id}/{self.workflow_run_id}/{self.activity_id}"


def info_from_task(
    workflow_id: str,
    task: ActivityTask,
    *,
    task_queue: str,
    started_time: datetime,
    task_token: bytes,
    heartbeat_details: Sequence[Any] = (),
    is_local: bool = False,
) -> Info:
    """What the code of an attempt is told.

    Args:
        workflow_id: The key of the task's record.
        task: The task.
        task_queue: Where it came from.
        started_time: When the attempt began.
        task_token: Names the attempt.
        heartbeat_details: The task's heartbeat details, converted.
        is_local: Whether it is a local activity.
    """
    alone = is_standalone(workflow_id)
    info: Info = object.__new__(Info)
    # A frozen dataclass sets each field by a call, which would take as long as all the rest.
    info.__dict__.update(
        activity_id=task.activity_id,
        activity_type=task.activity_type,
        attempt=task.attempt - task.attempts_before_reset,
        current_attempt_scheduled_time=_time(task.attempt_scheduled_ms),
        heartbeat_details=heartbeat_details,
        heartbeat_timeout=_timeout(task.heartbeat_timeout_ms),
        is_local=is_local,
        namespace=task.namespace,
        retry_policy=None if task.retry_policy is None else RetryPolicy.from_record(task.retry_policy),
        schedule_to_close_timeout=_timeout(task.schedule_to_close_timeout_ms),
        scheduled_time=_time(task.scheduled_ms),
        start_to_close_timeout=_timeout(task.start_to_close_timeout_ms),
        started_time=started_time,
        task_queue=task_queue,
        task_token=task_token,
        workflow_id=None if alone else workflow_id,
        workflow_namespace=None if alone else task.namespace,
        workflow_run_id=None if alone else task.run_id,
        workflow_type=None if alone else task.workflow_type,
        activity_run_id=task.run_id if alone else None,
        priority=Priority.default if task.options is None else Priority.from_record(task.options.priority),
    )
    return info


def _time(unix_ms: int) -> datetime:
    return utc(unix_ms)


def _timeout(milliseconds: int) -> timedelta | None:
    return timedelta(milliseconds=milliseconds) if milliseconds else None
