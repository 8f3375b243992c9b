"""The fold: `apply(run, record)` is the only way that a run's state changes, live and in replay.

Owns what each record of a run means for its state, its deadlines included. The same records give the same state,
always: nothing here reads a clock or looks at anything but its arguments.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from foldlog.core.fields import TARGET_CHANGED, merged, with_patch
from foldlog.core.state import (
    RESERVED,
    Activity,
    Child,
    DeadlineChange,
    DeadlineKey,
    DeadlineKind,
    Pause,
    Run,
    Status,
    Timer,
    Update,
)
from foldlog.schemas import event, log
from foldlog.schemas.common import WorkflowOptions
from foldlog.schemas.records import Event, RunRecord
from msgspec.structs import replace

CANCEL_GRACE_MS = 1000
"""How long a worker has to report an activity whose cancellation was asked for, before it counts as never started."""

UNFINISHED_MS = 1 << 62
"""The due time of work that only this process knows of: never due, and found at the end of the timers by whoever
restores the partition."""

ACTIVITY_DEADLINES = (
    DeadlineKind.SCHEDULE_TO_START,
    DeadlineKind.START_TO_CLOSE,
    DeadlineKind.SCHEDULE_TO_CLOSE,
    DeadlineKind.HEARTBEAT,
    DeadlineKind.RETRY,
    DeadlineKind.CANCEL_GRACE,
    DeadlineKind.EAGER,
)
_ATTEMPT_DEADLINES = (
    DeadlineKind.SCHEDULE_TO_START,
    DeadlineKind.START_TO_CLOSE,
    DeadlineKind.HEARTBEAT,
    DeadlineKind.RETRY,
)
NOT_SUSPENDED = (DeadlineKind.STALL, DeadlineKind.RUN_TIMEOUT, DeadlineKind.EXECUTION_TIMEOUT)
"""What comes due also while the run is stalled."""


class BrokenHistoryError(Exception):
    """The records of a run do not follow each other: one is missing, doubled or altered."""


def digest(encoded: bytes) -> bytes:
    """What the next event's `chain` must be."""
    return hashlib.blake2b(encoded, digest_size=16).digest()


def begin(workflow_id: str, started: event.WorkflowExecutionStarted, encoded: bytes) -> Run:
    """The state after the first event of a run.

    Raises:
        BrokenHistoryError: The event is not numbered 1, or continues a chain.
    """
    run = Run(workflow_id=workflow_id, run_id=started.run_id, started=started, memo=started.memo)
    if started.options is not None:
        run.search_attributes = started.options.search_attributes
    _link(run, started, encoded)
    if not started.held:
        run.first_task = 1
    elif started.first_task_ms:
        _set_deadline(run, DeadlineKind.FIRST_TASK, 0, started.first_task_ms)
    if started.run_timeout_ms:
        begins_ms = max(started.time_ms, started.first_task_ms)
        _set_deadline(run, DeadlineKind.RUN_TIMEOUT, 0, begins_ms + started.run_timeout_ms)
    if started.execution_expiration_ms:
        _set_deadline(run, DeadlineKind.EXECUTION_TIMEOUT, 0, started.execution_expiration_ms)
    return run


def apply(run: Run, record: Event | RunRecord, encoded: bytes) -> None:
    """Change `run` by one record.

    Args:
        run: The state before, and after.
        record: The next record of the run in `<ns>.events`.
        encoded: The same, as it stands in the topic.

    Raises:
        BrokenHistoryError: The record is an event that does not follow the one before.
    """
    kind = type(record)
    change = _EVENTS.get(kind)
    if change is not None:
        _link(run, record, encoded)
        change(run, record)
    elif (status := _CLOSING.get(kind)) is not None:
        _link(run, record, encoded)
        _close(run, record, status)
    else:
        _RUN_RECORDS[kind](run, record)


def is_closing(record: object) -> bool:
    """Whether the record closes its run."""
    return type(record) in _CLOSING


def closing_status(kind: type) -> Status | None:
    """The status of a run that an event of this class has closed; None if the class closes no run."""
    return _CLOSING.get(kind)


def is_event(record: object) -> bool:
    """Whether the record is part of its run's history."""
    kind = type(record)
    return kind in _EVENTS or kind in _CLOSING or kind is event.WorkflowExecutionStarted


def _link(run: Run, record: Any, encoded: bytes) -> None:
    if run.closing is not None:
        raise BrokenHistoryError(
            f"workflow {run.workflow_id!r} run {run.run_id}: {type(record).__name__} with event ID {record.event_id} "
            f"comes after the run was closed by {type(run.closing).__name__}"
        )
    if record.event_id != run.last_event_id + 1 or record.chain != run.chain:
        raise BrokenHistoryError(
            f"workflow {run.workflow_id!r} run {run.run_id}: {type(record).__name__} with event ID {record.event_id} "
            f"does not follow event {run.last_event_id}"
            + ("" if record.chain == run.chain else ": the hash chain is broken")
        )
    run.last_event_id = record.event_id
    run.history_size += len(encoded)
    run.chain = digest(encoded)


# ---- deadlines


def _set_deadline(run: Run, kind: DeadlineKind, key_id: int, due_ms: int) -> None:
    key = (kind, key_id)
    if run.suspended is not None and kind not in NOT_SUSPENDED:
        run.suspended[key] = due_ms
        return
    old = run.deadlines.get(key)
    if old == due_ms:
        return
    if old is not None:
        _deadline_changed(run, old, key, False)
    run.deadlines[key] = due_ms
    _deadline_changed(run, due_ms, key, True)


def _clear_deadline(run: Run, kind: DeadlineKind, key_id: int) -> None:
    key = (kind, key_id)
    if run.suspended is not None:
        run.suspended.pop(key, None)
    due_ms = run.deadlines.pop(key, None)
    if due_ms is not None:
        _deadline_changed(run, due_ms, key, False)


def _deadline_changed(run: Run, due_ms: int, key: DeadlineKey, added: bool) -> None:
    change = DeadlineChange(due_ms, key, added)
    if run.deadline_changes is None:
        run.deadline_changes = [change]
    else:
        run.deadline_changes.append(change)


# ---- activities


def _activity_scheduled(run: Run, record: event.ActivityTaskScheduled) -> None:
    event_id = record.event_id
    run.activities[event_id] = Activity(scheduled=record, attempt_ms=record.time_ms)
    run.activity_events[record.activity_id] = event_id
    if record.schedule_to_start_timeout_ms:
        due_ms = record.time_ms + record.schedule_to_start_timeout_ms
        _set_deadline(run, DeadlineKind.SCHEDULE_TO_START, event_id, due_ms)
    if record.schedule_to_close_timeout_ms:
        due_ms = record.time_ms + record.schedule_to_close_timeout_ms
        _set_deadline(run, DeadlineKind.SCHEDULE_TO_CLOSE, event_id, due_ms)
    if record.eager:
        _set_deadline(run, DeadlineKind.EAGER, event_id, UNFINISHED_MS)


def _activity_ended(run: Run, record: Any) -> None:
    activity = run.activities.pop(record.scheduled_event_id)
    del run.activity_events[activity.scheduled.activity_id]
    if run.deadlines or run.suspended:
        event_id = record.scheduled_event_id
        for kind in ACTIVITY_DEADLINES:
            if run.suspended or (kind, event_id) in run.deadlines:
                _clear_deadline(run, kind, event_id)


def _activity_cancel_requested(run: Run, record: event.ActivityTaskCancelRequested) -> None:
    activity = run.activities[record.scheduled_event_id]
    activity.cancel_requested = True
    if activity.phase == "SCHEDULED":
        due_ms = record.time_ms + CANCEL_GRACE_MS
        _set_deadline(run, DeadlineKind.CANCEL_GRACE, record.scheduled_event_id, due_ms)
    elif activity.phase == "BACKOFF":
        _set_deadline(run, DeadlineKind.CANCEL_GRACE, record.scheduled_event_id, record.time_ms)


def _activity_attempt(run: Run, record: log.ActivityAttempt) -> None:
    event_id = record.scheduled_event_id
    activity = run.activities[event_id]
    activity.attempt = record.attempt
    activity.attempts_before_reset = record.attempts_before_reset
    activity.phase = record.phase
    activity.attempt_ms = record.attempt_ms
    activity.started_ms = record.started_ms
    activity.heartbeat_ms = record.heartbeat_ms
    activity.worker = record.worker
    activity.identity = record.identity
    activity.last_failure = record.last_failure
    activity.heartbeat_details = record.heartbeat_details
    activity.pause = Pause(record.paused_ms, record.pause_reason, record.paused_by) if record.paused else None
    activity.reset = record.reset
    activity.reset_heartbeat = record.reset_heartbeat
    _clear_deadline(run, DeadlineKind.CANCEL_GRACE, event_id)
    if activity.scheduled.eager:
        if record.phase == "SCHEDULED" and record.attempt_ms == activity.scheduled.time_ms:
            # It still is the attempt that was handed over in memory; what has changed is that it is paused.
            _set_deadline(run, DeadlineKind.EAGER, event_id, UNFINISHED_MS)
        else:
            _clear_deadline(run, DeadlineKind.EAGER, event_id)
    _attempt_deadlines(run, event_id, activity)


def _attempt_deadlines(run: Run, event_id: int, activity: Activity) -> None:
    """What is due for the attempt, by the options as they are now.

    Works from nothing but the activity's state: after a restore, the last ActivityAttempt and the last
    ActivityOptionsChanged are folded, whichever of the two came first.
    """
    for kind in _ATTEMPT_DEADLINES:
        _clear_deadline(run, kind, event_id)
    terms = activity.terms
    if activity.phase == "BACKOFF":
        if activity.pause is None:
            _set_deadline(run, DeadlineKind.RETRY, event_id, activity.attempt_ms)
    elif activity.phase == "SCHEDULED":
        if terms.schedule_to_start_timeout_ms:
            due_ms = activity.attempt_ms + terms.schedule_to_start_timeout_ms
            _set_deadline(run, DeadlineKind.SCHEDULE_TO_START, event_id, due_ms)
    else:
        if terms.start_to_close_timeout_ms:
            due_ms = activity.started_ms + terms.start_to_close_timeout_ms
            _set_deadline(run, DeadlineKind.START_TO_CLOSE, event_id, due_ms)
        if terms.heartbeat_timeout_ms:
            due_ms = max(activity.started_ms, activity.heartbeat_ms) + terms.heartbeat_timeout_ms
            _set_deadline(run, DeadlineKind.HEARTBEAT, event_id, due_ms)


def _activity_options_changed(run: Run, record: log.ActivityOptionsChanged) -> None:
    event_id = record.scheduled_event_id
    activity = run.activities[event_id]
    activity.changed = record
    _clear_deadline(run, DeadlineKind.SCHEDULE_TO_CLOSE, event_id)
    if record.schedule_to_close_timeout_ms:
        due_ms = activity.scheduled.time_ms + record.schedule_to_close_timeout_ms
        _set_deadline(run, DeadlineKind.SCHEDULE_TO_CLOSE, event_id, due_ms)
    _attempt_deadlines(run, event_id, activity)


def _local_activity_started(run: Run, record: log.LocalActivityStarted) -> None:
    if run.local_activities is None:
        run.local_activities = set()
    run.local_activities.add(record.activity_id)
    _set_deadline(run, DeadlineKind.LOCAL, 0, UNFINISHED_MS)


def _local_activity_completed(run: Run, record: event.LocalActivityCompleted) -> None:
    if run.local_activities is not None:
        run.local_activities.discard(record.activity_id)
        if not run.local_activities:
            run.local_activities = None
            _clear_deadline(run, DeadlineKind.LOCAL, 0)


# ---- timers


def _timer_started(run: Run, record: event.TimerStarted) -> None:
    run.timers[record.timer_id] = Timer(record.event_id, record.fire_ms)
    _set_deadline(run, DeadlineKind.TIMER, record.timer_id, record.fire_ms)


def _timer_ended(run: Run, record: event.TimerFired | event.TimerCanceled) -> None:
    del run.timers[record.timer_id]
    _clear_deadline(run, DeadlineKind.TIMER, record.timer_id)


# ---- other workflows


def _child_initiated(run: Run, record: event.StartChildWorkflowExecutionInitiated) -> None:
    run.children[record.event_id] = Child(
        record.namespace, record.workflow_id, record.workflow_type, record.parent_close_policy
    )


def _child_started(run: Run, record: event.ChildWorkflowExecutionStarted) -> None:
    run.children[record.initiated_event_id].run_id = record.child_run_id


def _child_ended(run: Run, record: Any) -> None:
    del run.children[record.initiated_event_id]


def _signal_initiated(run: Run, record: event.SignalExternalWorkflowExecutionInitiated) -> None:
    run.external[record.event_id] = "SIGNAL"


def _cancel_initiated(run: Run, record: event.RequestCancelExternalWorkflowExecutionInitiated) -> None:
    run.external[record.event_id] = "CANCEL"


def _external_answered(run: Run, record: Any) -> None:
    del run.external[record.initiated_event_id]


# ---- updates


def _update_accepted(run: Run, record: event.WorkflowExecutionUpdateAccepted) -> None:
    update = run.updates[record.update_id] = Update(record.event_id, counts=not record.update_name.startswith(RESERVED))
    run.counted_updates += update.counts
    run.open_updates += update.counts


def _update_completed(run: Run, record: event.WorkflowExecutionUpdateCompleted) -> None:
    update = run.updates[record.update_id]
    update.completed_event_id = record.event_id
    run.open_updates -= update.counts


# ---- the run


def _cancel_requested(run: Run, record: event.WorkflowExecutionCancelRequested) -> None:
    run.cancel_requested = True


def _first_task(run: Run, record: event.WorkflowTaskScheduled) -> None:
    if record.signals:
        return
    run.first_task = record.event_id
    _clear_deadline(run, DeadlineKind.FIRST_TASK, 0)


def _search_attributes_upserted(run: Run, record: event.UpsertWorkflowSearchAttributes) -> None:
    run.search_attributes = merged(run.search_attributes, record.search_attributes)


def _patch_recorded(run: Run, record: event.PatchRecorded) -> None:
    if record.patch_id != TARGET_CHANGED:
        run.search_attributes = with_patch(run.search_attributes, record.patch_id)


def _properties_modified(run: Run, record: event.WorkflowPropertiesModified) -> None:
    run.memo = merged(run.memo, record.memo)


def _nothing(run: Run, record: Event) -> None:
    """The event matters to the workflow's code only."""


def _close(run: Run, record: Any, status: Status) -> None:
    run.status = status
    run.closing = record
    run.stalled = None
    run.suspended = None
    for key, due_ms in run.deadlines.items():
        _deadline_changed(run, due_ms, key, False)
    run.deadlines.clear()
    run.activities.clear()
    run.activity_events.clear()
    run.local_activities = None
    run.timers.clear()
    run.external.clear()
    run.handled_ordinal = run.deferred_ordinal


def _stalled(run: Run, record: log.WorkflowStalled) -> None:
    if run.suspended is None:
        # What comes due while the code cannot run would come due again and again: it waits for the code instead.
        run.suspended = {key: due_ms for key, due_ms in run.deadlines.items() if key[0] not in NOT_SUSPENDED}
        for key, due_ms in run.suspended.items():
            del run.deadlines[key]
            _deadline_changed(run, due_ms, key, False)
    run.stalled = record
    _set_deadline(run, DeadlineKind.STALL, 0, record.retry_ms)


def _deferred(run: Run, record: log.CommandDeferred) -> None:
    run.deferred_ordinal = record.ordinal


def _resumed(run: Run, record: log.WorkflowResumed) -> None:
    run.handled_ordinal = record.handled_ordinal
    # A store keeps no handled commands: there, this record alone tells how far the ordinals had come.
    run.deferred_ordinal = max(run.deferred_ordinal, record.handled_ordinal)
    if run.suspended is not None:
        run.stalled = None
        _clear_deadline(run, DeadlineKind.STALL, 0)
        suspended, run.suspended = run.suspended, None
        for (kind, key_id), due_ms in suspended.items():
            _set_deadline(run, kind, key_id, due_ms)


def _options_changed(run: Run, record: log.WorkflowOptionsChanged) -> None:
    new = record.versioning
    options = replace(
        run.started.options or WorkflowOptions(),
        versioning_behavior=new.versioning_behavior,
        deployment_version=new.deployment_version,
        version_given=new.version_given,
        version_overridden=new.version_overridden,
        declined_revision=new.declined_revision,
    )
    # A copy: the event is what it was.
    run.started = replace(run.started, options=options)


_EVENTS: dict[type, Callable[[Run, Any], None]] = {
    event.WorkflowExecutionSignaled: _nothing,
    event.WorkflowExecutionCancelRequested: _cancel_requested,
    event.ActivityTaskScheduled: _activity_scheduled,
    event.ActivityTaskCompleted: _activity_ended,
    event.ActivityTaskFailed: _activity_ended,
    event.ActivityTaskTimedOut: _activity_ended,
    event.ActivityTaskCanceled: _activity_ended,
    event.ActivityTaskCancelRequested: _activity_cancel_requested,
    event.TimerStarted: _timer_started,
    event.TimerFired: _timer_ended,
    event.TimerCanceled: _timer_ended,
    event.LocalActivityCompleted: _local_activity_completed,
    event.StartChildWorkflowExecutionInitiated: _child_initiated,
    event.StartChildWorkflowExecutionFailed: _child_ended,
    event.ChildWorkflowExecutionStarted: _child_started,
    event.ChildWorkflowExecutionCompleted: _child_ended,
    event.ChildWorkflowExecutionFailed: _child_ended,
    event.ChildWorkflowExecutionCanceled: _child_ended,
    event.ChildWorkflowExecutionTimedOut: _child_ended,
    event.ChildWorkflowExecutionTerminated: _child_ended,
    event.SignalExternalWorkflowExecutionInitiated: _signal_initiated,
    event.SignalExternalWorkflowExecutionFailed: _external_answered,
    event.ExternalWorkflowExecutionSignaled: _external_answered,
    event.RequestCancelExternalWorkflowExecutionInitiated: _cancel_initiated,
    event.RequestCancelExternalWorkflowExecutionFailed: _external_answered,
    event.ExternalWorkflowExecutionCancelRequested: _external_answered,
    event.WorkflowExecutionUpdateAccepted: _update_accepted,
    event.WorkflowExecutionUpdateCompleted: _update_completed,
    event.WorkflowTaskScheduled: _first_task,
    event.PatchRecorded: _patch_recorded,
    event.UpsertWorkflowSearchAttributes: _search_attributes_upserted,
    event.WorkflowPropertiesModified: _properties_modified,
}
_CLOSING: dict[type, Status] = {
    event.WorkflowExecutionCompleted: "COMPLETED",
    event.WorkflowExecutionFailed: "FAILED",
    event.WorkflowExecutionCanceled: "CANCELED",
    event.WorkflowExecutionTerminated: "TERMINATED",
    event.WorkflowExecutionTimedOut: "TIMED_OUT",
    event.WorkflowExecutionContinuedAsNew: "CONTINUED_AS_NEW",
}
_RUN_RECORDS: dict[type, Callable[[Run, Any], None]] = {
    log.ActivityAttempt: _activity_attempt,
    log.ActivityOptionsChanged: _activity_options_changed,
    log.LocalActivityStarted: _local_activity_started,
    log.WorkflowStalled: _stalled,
    log.WorkflowOptionsChanged: _options_changed,
    log.CommandDeferred: _deferred,
    log.WorkflowResumed: _resumed,
}
