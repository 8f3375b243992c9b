"""What is known of a workflow, in the words of its users: status, times, what it waits for."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from foldlog._times import utc
from foldlog.client._convert import decode_one
from foldlog.client._memo import WithMemo
from foldlog.client._status import WorkflowExecutionStatus as WorkflowExecutionStatus
from foldlog.common import Priority, RetryPolicy, SearchAttributes, TypedSearchAttributes, VersioningBehavior
from foldlog.converter import DataConverter, decode_search_attributes, decode_typed_search_attributes
from foldlog.schemas import reply
from foldlog.schemas.common import Payload
from foldlog.schemas.visibility import WorkflowVisibility

if TYPE_CHECKING:
    from foldlog.client._raw_description import RawDescription

logger = logging.getLogger(__name__)


class PendingActivityState(IntEnum):
    """What an activity that has not ended is doing. Numbers are Temporal's, but that of BACKOFF."""

    UNSPECIFIED = 0
    """Unused."""
    SCHEDULED = 1
    """It waits for a worker, or runs and has not reported so: short attempts never do."""
    STARTED = 2
    """A worker has reported that it runs."""
    CANCEL_REQUESTED = 3
    """The workflow asked for its cancellation."""
    PAUSED = 4
    """Nothing, until it is unpaused. That and the next one are of activities without a workflow; `PendingActivity` says
    `paused` besides."""
    PAUSE_REQUESTED = 5
    """It runs, and is paused when the attempt has ended."""
    BACKOFF = 6
    """It failed, and the next attempt waits for its time."""


class WorkflowExecution(WithMemo):
    """A run as lists show it. Lists lag a little behind; `describe` does not.

    Attributes:
        id: The workflow ID.
        run_id: The run.
        workflow_type: Its type.
        task_queue: Default task queue of its activities.
        status: Its status.
        start_time: When it began.
        close_time: When it ended; None: it is open.
        history_length: Events so far.
        stalled_error: Why its code cannot go on; empty: it can.
        namespace: The application.
        execution_time: When its code began, or will: later than `start_time`, if it is held by a start delay, a
            backoff or a schedule.
        parent_id: The workflow whose child it is; None: none.
        parent_run_id: The run of that.
        parent_namespace: The namespace of that.
        root_id: The topmost workflow above it, or the workflow itself, if there is none above it.
        root_run_id: The run of that.
        typed_search_attributes: Its search attributes.
        search_attributes: The same, each as a list of values. Deprecated: use `typed_search_attributes`.
        data_converter: Reads its values.
    """

    def __init__(
        self,
        workflow_id: str,
        row: WorkflowVisibility | reply.Description,
        converter: DataConverter,
        *,
        namespace: str = "",
    ) -> None:
        """Private: made by the client."""
        self.namespace = namespace
        self.id = workflow_id
        self.run_id = row.run_id
        self.workflow_type = row.workflow_type
        self.task_queue = row.task_queue
        self.status = WorkflowExecutionStatus[row.status]
        self.start_time = _required_time(row.start_ms)
        self.close_time = _time(row.close_ms)
        self.history_length = row.history_length
        self.stalled_error = row.stalled_error
        self.execution_time = _time(max(row.start_ms, row.first_task_ms))
        self.typed_search_attributes = TypedSearchAttributes.empty
        self.search_attributes: SearchAttributes = {}
        self._memo: Mapping[str, Payload] = row.memo
        self.data_converter = converter
        self._set_ancestors(row)
        if isinstance(row, WorkflowVisibility):
            self._set_search_attributes(row.search_attributes)

    def _set_ancestors(self, row: WorkflowVisibility | reply.Description) -> None:
        if isinstance(row, reply.Description):
            above = row.parent
            self.parent_id = above.workflow_id if above else None
            self.parent_run_id = above.run_id if above else None
            self.parent_namespace = above.namespace if above else None
            self.root_id = (above.root_workflow_id or above.workflow_id) if above else self.id
            self.root_run_id = (above.root_run_id or above.run_id) if above else self.run_id
        else:
            self.parent_id = row.parent_workflow_id or None
            self.parent_run_id = row.parent_run_id or None
            self.parent_namespace = row.parent_namespace or None
            self.root_id = row.root_workflow_id or self.id
            self.root_run_id = row.root_run_id or self.run_id

    def _set_search_attributes(self, attributes: Mapping[str, Payload]) -> None:
        if attributes:
            self.typed_search_attributes = decode_typed_search_attributes(attributes)
            self.search_attributes = decode_search_attributes(attributes)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(id={self.id!r}, run_id={self.run_id!r}, status={self.status.name})"


@dataclass(frozen=True)
class PendingTimer:
    """A timer that has not fired."""

    timer_id: int
    fire_time: datetime


class PendingActivity:
    """An activity that has not ended.

    Attributes:
        activity_id: Its ID within the run.
        activity_type: Its type.
        task_queue: Where its tasks go.
        state: What it is doing.
        attempt: The attempt, from 1.
        scheduled_time: When it was scheduled.
        started_time: When the attempt began, if its worker has reported that.
        last_heartbeat_time: When the last heartbeat came, if one did.
        next_attempt_time: When the next attempt is due, in state BACKOFF.
        identity: The worker, if known.
        paused: Whether no attempt is scheduled until it is unpaused.
        paused_time: Since when.
        pause_reason: Why.
        paused_by: Who paused it.
        priority: Its priority.
        schedule_to_close_timeout: Limit on all attempts together; None: there is none, as with the next ones.
        schedule_to_start_timeout: Limit on waiting for a worker.
        start_to_close_timeout: Limit on one attempt.
        heartbeat_timeout: Limit between two heartbeats.
        retry_policy: How failed attempts are repeated.
    """

    def __init__(self, record: reply.PendingActivity, converter: DataConverter) -> None:
        """Private: made by `describe`."""
        self.activity_id = record.activity_id
        self.activity_type = record.activity_type
        self.task_queue = record.task_queue
        self.state = PendingActivityState[record.state]
        self.attempt = record.attempt
        self.scheduled_time = _required_time(record.scheduled_ms)
        self.started_time = _time(record.started_ms)
        self.last_heartbeat_time = _time(record.heartbeat_ms)
        self.next_attempt_time = _time(record.next_attempt_ms)
        self.identity = record.identity
        self.paused = record.paused
        self.paused_time = _time(record.paused_ms)
        self.pause_reason = record.pause_reason
        self.paused_by = record.paused_by
        self.priority = Priority.from_record(record.options.priority if record.options else None)
        self.schedule_to_close_timeout = _duration(record.schedule_to_close_timeout_ms)
        self.schedule_to_start_timeout = _duration(record.schedule_to_start_timeout_ms)
        self.start_to_close_timeout = _duration(record.start_to_close_timeout_ms)
        self.heartbeat_timeout = _duration(record.heartbeat_timeout_ms)
        self.retry_policy = None if record.retry_policy is None else RetryPolicy.from_record(record.retry_policy)
        self._summary = record.options.summary if record.options else None
        self._last_failure = record.last_failure
        self._heartbeat_details = record.heartbeat_details
        self._converter = converter

    def __repr__(self) -> str:
        return (
            f"PendingActivity({self.activity_id!r}, {self.activity_type!r}, {self.state.name}, attempt={self.attempt})"
        )

    async def summary(self) -> str | None:
        """The line for people that it was scheduled with; None: there is none."""
        return None if self._summary is None else await decode_one(self._converter, self._summary, str)

    async def last_failure(self) -> BaseException | None:
        """Why the attempt before failed; None: none has."""
        return None if self._last_failure is None else await self._converter.decode_failure(self._last_failure)

    async def heartbeat_details(self) -> Sequence[Any]:
        """What the last heartbeat said, as its values look without type hints."""
        return await self._converter.decode(self._heartbeat_details)


@dataclass(frozen=True)
class PendingChild:
    """A child workflow that has not ended."""

    namespace: str | None
    """None: the parent's."""
    workflow_id: str
    run_id: str | None
    """Its first run; None: it has not begun."""
    workflow_type: str
    initiated_event_id: int
    parent_close_policy: str
    """TERMINATE, ABANDON or REQUEST_CANCEL."""


class WorkflowExecutionDescription(WorkflowExecution):
    """A run as its processor sees it.

    Attributes:
        first_execution_run_id: The first run of the chain.
        continued_run_id: The run before it in the chain; None: it is the first.
        attempt: Which try it is, from 1, where a retry policy has failed runs followed by others.
        cron_schedule: Its schedule; empty: none.
        execution_start_time: When the first run of the chain began.
        execution_expiration_time: When the chain of runs times out; None: never.
        history_size: Bytes of all events so far.
        pending_activities: Activities that have not ended, the oldest 1,000 of them.
        pending_children: Children that have not ended, likewise.
        pending_timers: Timers that have not fired, likewise.
        pending_updates: IDs of updates that were accepted and have not ended.
        stalled_stack: Stack trace of `stalled_error`.
        stalled_attempts: How often its code was tried in vain.
        deployment_version: The version of its code, as `<deployment>.<build ID>`; None: whichever its processor has.
        versioning_behavior: Whether it stays on that version; UNSPECIFIED: it has none.
        deferred_commands: Signals and the like that wait until it is no longer stalled.
    """

    def __init__(
        self, workflow_id: str, found: reply.Description, converter: DataConverter, *, namespace: str = ""
    ) -> None:
        """Private: made by `describe`."""
        super().__init__(workflow_id, found, converter, namespace=namespace)
        options, continuation = found.options, found.continuation
        if options is not None:
            self._set_search_attributes(options.search_attributes)
        self.cron_schedule = "" if options is None else options.cron_schedule
        self.continued_run_id = None if continuation is None else continuation.run_id
        self.attempt = 1 if continuation is None else continuation.attempt
        self.execution_start_time = _required_time(found.execution_start_ms or found.start_ms)
        self._summary = None if options is None else options.summary
        self._details = None if options is None else options.details
        self.first_execution_run_id = found.first_execution_run_id
        self.execution_expiration_time = _time(found.execution_expiration_ms)
        self.history_size = found.history_size
        self.pending_children = [
            PendingChild(
                namespace=child.namespace or None,
                workflow_id=child.workflow_id,
                run_id=child.run_id or None,
                workflow_type=child.workflow_type,
                initiated_event_id=child.initiated_event_id,
                parent_close_policy=child.parent_close_policy,
            )
            for child in found.pending_children
        ]
        self.pending_activities = [PendingActivity(activity, converter) for activity in found.pending_activities]
        self.pending_timers = [
            PendingTimer(timer_id=timer.timer_id, fire_time=_required_time(timer.fire_ms))
            for timer in found.pending_timers
        ]
        self.pending_updates = list(found.pending_updates)
        self.stalled_stack = found.stalled_stack
        self.stalled_attempts = found.stalled_attempts
        self.deployment_version = found.deployment_version or None
        self.versioning_behavior = VersioningBehavior["UNSPECIFIED" if options is None else options.versioning_behavior]
        self.deferred_commands = found.deferred_commands

    @property
    def raw_description(self) -> RawDescription:
        """The same with the names and the nesting of Temporal's message, as far as it has them; without times."""
        from foldlog.client._raw_description import raw  # few need it, and its classes take their time to be made

        return raw(self)

    async def static_summary(self) -> str | None:
        """The line that the start gave it for people; None: none."""
        return None if self._summary is None else str(await decode_one(self.data_converter, self._summary, str))

    async def static_details(self) -> str | None:
        """The text that the start gave it for people; None: none."""
        return None if self._details is None else str(await decode_one(self.data_converter, self._details, str))


def shown(row: WorkflowVisibility, converter: DataConverter, namespace: str) -> WorkflowExecution | None:
    """What a list shows of a row; None: nothing can be made of it, which must not hide the others."""
    try:
        return WorkflowExecution(row.workflow_id, row, converter, namespace=namespace)
    except Exception as error:  # whatever others wrote
        logger.warning("the row of workflow %r cannot be shown: %r", row.workflow_id, error)
        return None


def _time(unix_ms: int) -> datetime | None:
    return _required_time(unix_ms) if unix_ms else None


def _required_time(unix_ms: int) -> datetime:
    return utc(unix_ms)


def _duration(ms: int) -> timedelta | None:
    return timedelta(milliseconds=ms) if ms else None
