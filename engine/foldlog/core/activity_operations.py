"""What people do to an open activity: pause, unpause and reset it, change its options.

As in `activities`, it works on the state of one run and an outcome. Nothing here is told to the run's code or is part
of its history: it changes when attempts begin and how they are limited, which the code cannot see.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

from foldlog.core.activities import attempt_record, next_attempt_record, requeue
from foldlog.core.decider import WorkflowTaskError
from foldlog.core.outcome import Outcome
from foldlog.core.state import Activity, DeadlineKind, Run
from foldlog.schemas import command, log
from foldlog.schemas.reply import RejectionCode

MAXIMUM_REASON = 4_000
"""Characters of why an activity is paused."""

Refusal = tuple[RejectionCode, str]
RequireQueue = Callable[[str], None]


def operate(run: Run, wanted: Any, outcome: Outcome, require_queue: RequireQueue) -> Refusal | tuple[None, str]:
    """Do what a command says to the activities that it names.

    Args:
        run: An open run.
        wanted: One of `OPERATIONS`.
        outcome: Takes the records.
        require_queue: Makes sure that tasks can be sent to a task queue; raises WorkflowTaskError if they cannot.

    Returns:
        None and nothing, or why it is refused. Then nothing has changed.

    Raises:
        WorkflowTaskError: A value cannot be recorded.
    """
    if bool(wanted.activity_id) == bool(wanted.activity_type):
        return "INVALID_ARGUMENT", "name either the ID of an activity or a type of activities"
    found = [
        activity
        for activity in run.activities.values()
        if wanted.activity_id in ("", activity.scheduled.activity_id)
        and wanted.activity_type in ("", activity.scheduled.activity_type)
    ]
    what = f"ID {wanted.activity_id!r}" if wanted.activity_id else f"type {wanted.activity_type!r}"
    if not found:
        return "NOT_FOUND", f"workflow {run.workflow_id!r} has no open activity with {what}"
    open_ones = [activity for activity in found if not activity.cancel_requested]
    if not open_ones:
        return "FAILED_PRECONDITION", f"the cancellation of the activity with {what} was asked for: it is ending"
    if isinstance(wanted, command.UpdateActivityOptions):
        _check_options(wanted, open_ones, require_queue)
    for activity in open_ones:
        _OPERATIONS[type(wanted)](run, activity, wanted, outcome)
    return None, ""


# ---- pausing


def _pause(run: Run, activity: Activity, wanted: command.PauseActivity, outcome: Outcome) -> None:
    if activity.pause is None:
        paused = attempt_record(
            run,
            activity,
            paused=True,
            paused_ms=outcome.now_ms,
            pause_reason=wanted.reason[:MAXIMUM_REASON],
            paused_by=wanted.identity,
        )
        outcome.append(run, paused)


def _unpause(run: Run, activity: Activity, wanted: command.UnpauseActivity, outcome: Outcome) -> None:
    if activity.pause is None:
        return
    changes: dict[str, Any] = dict(_NOT_PAUSED)
    if wanted.reset_heartbeat:
        changes["heartbeat_details"] = []
    if activity.phase == "BACKOFF":
        changes["attempt_ms"] = _begin_ms(run, activity, wanted.jitter_ms, outcome)
        if wanted.reset_attempts:
            changes["attempts_before_reset"] = activity.attempt - 1
    else:
        changes["reset"] = activity.reset or wanted.reset_attempts
        changes["reset_heartbeat"] = activity.reset_heartbeat or wanted.reset_heartbeat
    outcome.append(run, attempt_record(run, activity, **changes))


# ---- beginning anew


def _reset(run: Run, activity: Activity, wanted: command.ResetActivity, outcome: Outcome) -> None:
    if wanted.restore_original_options and activity.changed is not None:
        _change_options(run, activity, _original(activity), outcome)
    changes: dict[str, Any] = {} if wanted.keep_paused else dict(_NOT_PAUSED)
    if wanted.reset_heartbeat:
        changes["heartbeat_details"] = []
    if activity.phase == "BACKOFF":
        begin_ms = _begin_ms(run, activity, wanted.jitter_ms, outcome)
        changes["attempts_before_reset"] = activity.attempt - 1
        outcome.append(run, next_attempt_record(run, activity, "BACKOFF", activity.attempt, begin_ms, **changes))
    else:
        # The attempt goes on until it hears of it, or ends: two at a time would be worse than one that is late.
        changes |= {"reset": True, "reset_heartbeat": activity.reset_heartbeat or wanted.reset_heartbeat}
        outcome.append(run, attempt_record(run, activity, **changes))


def _begin_ms(run: Run, activity: Activity, jitter_ms: int, outcome: Outcome) -> int:
    """A time from now on; which one, hangs on the activity, so that those of a thousand runs are spread."""
    if jitter_ms <= 0:
        return outcome.now_ms
    return outcome.now_ms + zlib.crc32(f"{run.run_id}/{activity.scheduled.event_id}".encode()) % (jitter_ms + 1)


_NOT_PAUSED = {"paused": False, "paused_ms": 0, "pause_reason": "", "paused_by": ""}


# ---- options


def _check_options(wanted: command.UpdateActivityOptions, found: list[Activity], require_queue: RequireQueue) -> None:
    for name in _TIMEOUTS:
        value = getattr(wanted, name)
        if value is not None and value < 0:
            raise WorkflowTaskError(f"{name} must not be negative: {value}")
    if wanted.task_queue == "":
        raise WorkflowTaskError("task_queue must not be empty")
    for activity in found:
        options = _changed_options(activity, wanted)
        if not options["start_to_close_timeout_ms"] and not options["schedule_to_close_timeout_ms"]:
            raise WorkflowTaskError("an activity must keep its start-to-close or its schedule-to-close timeout")
    if wanted.task_queue is not None:
        require_queue(wanted.task_queue)


def _changed_options(activity: Activity, wanted: command.UpdateActivityOptions) -> dict[str, Any]:
    options = _original(activity) if wanted.restore_original else _current(activity)
    return options | {name: getattr(wanted, name) for name in options if getattr(wanted, name) is not None}


def _update_options(run: Run, activity: Activity, wanted: command.UpdateActivityOptions, outcome: Outcome) -> None:
    _change_options(run, activity, _changed_options(activity, wanted), outcome)


def _change_options(run: Run, activity: Activity, options: dict[str, Any], outcome: Outcome) -> None:
    event_id, before = activity.scheduled.event_id, activity.terms.task_queue
    outcome.append(run, log.ActivityOptionsChanged(run_id=run.run_id, scheduled_event_id=event_id, **options))
    eager = (DeadlineKind.EAGER, event_id) in run.deadlines
    if activity.terms.task_queue != before and activity.phase == "SCHEDULED" and not eager:
        requeue(run, event_id, outcome)  # nobody may ever look at the topic where its task is


def _original(activity: Activity) -> dict[str, Any]:
    scheduled = activity.scheduled
    priority = scheduled.options.priority if scheduled.options else None
    return {"priority": priority} | {name: getattr(scheduled, name) for name in _OPTIONS}


def _current(activity: Activity) -> dict[str, Any]:
    changed = activity.changed
    if changed is None:
        return _original(activity)
    return {"priority": changed.priority} | {name: getattr(changed, name) for name in _OPTIONS}


_TIMEOUTS = (
    "schedule_to_close_timeout_ms",
    "schedule_to_start_timeout_ms",
    "start_to_close_timeout_ms",
    "heartbeat_timeout_ms",
)
_OPTIONS = ("task_queue", *_TIMEOUTS, "retry_policy")

_OPERATIONS: dict[type, Callable[[Run, Activity, Any, Outcome], None]] = {
    command.PauseActivity: _pause,
    command.UnpauseActivity: _unpause,
    command.ResetActivity: _reset,
    command.UpdateActivityOptions: _update_options,
}
OPERATIONS = tuple(_OPERATIONS)
"""The commands that `operate` takes."""
