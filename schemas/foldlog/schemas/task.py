"""Records of the namespace `foldlog.task`.

Written by `python -m foldlog.schemas.generate` from avsc/task/*.avsc:
change those, not this.
"""

from __future__ import annotations

from foldlog.schemas.common import ActivityOptions, Payload, RetryPolicy
from msgspec import Struct, field


class ActivityTask(Struct, kw_only=True):
    """One attempt of an activity, for a worker. The record's key is the workflow ID."""

    namespace: str
    """The namespace of the workflow."""
    run_id: str
    """The run."""
    workflow_type: str
    """The workflow's type."""
    activity_id: str
    """The activity's ID."""
    activity_type: str
    """Name of the activity definition."""
    scheduled_event_id: int
    """The ActivityTaskScheduled event."""
    attempt: int
    """The attempt, from 1."""
    args: list[Payload] = field(default_factory=list)
    """Arguments."""
    scheduled_ms: int
    """When the activity was scheduled."""
    attempt_scheduled_ms: int
    """When this attempt was scheduled."""
    start_to_close_timeout_ms: int = 0
    """Limit on one attempt; 0: none."""
    retry_policy: RetryPolicy | None = None
    """How it is retried; null: not at all."""
    schedule_to_close_timeout_ms: int = 0
    """Limit on all attempts together; 0: none."""
    heartbeat_timeout_ms: int = 0
    """Limit between heartbeats; 0: none."""
    heartbeat_details: list[Payload] = field(default_factory=list)
    """Details of the last heartbeat of the attempt before."""
    options: ActivityOptions | None = None
    """What few activities have; null: nothing of it."""
    attempts_before_reset: int = 0
    """Attempts before the activity was last reset: the code is told a number that is so much less."""
    deployment_version: str = ""
    """The version of the code that the run is pinned to, as <deployment>.<build ID>: whose activity it is.
    Empty: none.
    """
    times_passed_on: int = 0
    """How many workers that do not have this version have passed the task on."""


class TaskToken(Struct, kw_only=True):
    """Names one attempt of one activity, for completion from another process."""

    namespace: str
    """The namespace."""
    workflow_id: str
    """The workflow."""
    run_id: str
    """The run."""
    activity_id: str
    """The activity's ID."""
    scheduled_event_id: int
    """The ActivityTaskScheduled event."""
    attempt: int
    """The attempt, from 1."""
