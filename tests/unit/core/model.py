"""What the state of a run must be, said once more and in another way than the fold does: from its whole log.

A fold that is wrong the same way live and in replay agrees with itself. This does not agree with it.
"""

from __future__ import annotations

from typing import Any

from foldlog.core.fold import UNFINISHED_MS
from foldlog.core.state import DeadlineKey, DeadlineKind, Run
from foldlog.schemas import event, log

ACTIVITY_ENDS = (
    event.ActivityTaskCompleted,
    event.ActivityTaskFailed,
    event.ActivityTaskTimedOut,
    event.ActivityTaskCanceled,
)


def check_state(run: Run, records: list[Any]) -> None:
    """Hold the state of a run against all records of it, in order.

    Raises:
        AssertionError: They say otherwise.
    """
    stalls = [found for found in records if isinstance(found, log.WorkflowStalled | log.WorkflowResumed)]
    assert (run.stalled is not None) == (run.is_open and bool(stalls) and isinstance(stalls[-1], log.WorkflowStalled))
    if not run.is_open:
        left = [run.timers, run.activities, run.external, run.local_activities, run.deadlines, run.suspended]
        assert not any(left)
        return
    timers = _open_timers(records)
    assert {timer_id: timer.fire_ms for timer_id, timer in run.timers.items()} == timers
    activities = _open_activities(records)
    assert set(run.activities) == set(activities)
    assert set(run.children) == _unanswered(
        records,
        event.StartChildWorkflowExecutionInitiated,
        "StartChildWorkflowExecutionFailed",
        "ChildWorkflowExecution",
    )
    updates = [found.update_id for found in records if isinstance(found, event.WorkflowExecutionUpdateAccepted)]
    ended = [found.update_id for found in records if isinstance(found, event.WorkflowExecutionUpdateCompleted)]
    assert (run.counted_updates, run.open_updates) == (len(updates), len(updates) - len(ended))
    due = {(DeadlineKind.TIMER, timer_id): fire_ms for timer_id, fire_ms in timers.items()}
    for event_id, about in activities.items():
        due |= _due_of_activity(event_id, about)
    whole = {DeadlineKind.STALL, DeadlineKind.RUN_TIMEOUT, DeadlineKind.EXECUTION_TIMEOUT}
    others = {DeadlineKind.LOCAL, DeadlineKind.FIRST_TASK}
    found = {key: at for key, at in (run.deadlines | (run.suspended or {})).items() if key[0] not in whole | others}
    assert found == due
    assert not set(run.deadlines) & set(run.suspended or ())
    assert not any(key[0] in whole for key in run.suspended or ())
    assert run.stalled is None or not any(key[0] not in whole for key in run.deadlines)
    assert (run.stalled is None) == (run.suspended is None)
    assert ((DeadlineKind.STALL, 0) in run.deadlines) == (run.stalled is not None)


def _open_timers(records: list[Any]) -> dict[int, int]:
    ended = {found.timer_id for found in records if isinstance(found, event.TimerFired | event.TimerCanceled)}
    started = [found for found in records if isinstance(found, event.TimerStarted) and found.timer_id not in ended]
    return {found.timer_id: found.fire_ms for found in started}


def _open_activities(records: list[Any]) -> dict[int, list[Any]]:
    """All records of each activity that has not ended, by the event that scheduled it, which comes first."""
    ended = {found.scheduled_event_id for found in records if isinstance(found, ACTIVITY_ENDS)}
    about: dict[int, list[Any]] = {
        found.event_id: [found]
        for found in records
        if isinstance(found, event.ActivityTaskScheduled) and found.event_id not in ended
    }
    kinds = (event.ActivityTaskCancelRequested, log.ActivityAttempt, log.ActivityOptionsChanged)
    for found in records:
        if isinstance(found, kinds) and found.scheduled_event_id in about:
            about[found.scheduled_event_id].append(found)
    return about


def _due_of_activity(event_id: int, about: list[Any]) -> dict[DeadlineKey, int]:
    scheduled = about[0]
    attempts = [found for found in about if isinstance(found, log.ActivityAttempt)]
    changes = [found for found in about if isinstance(found, log.ActivityOptionsChanged)]
    terms = changes[-1] if changes else scheduled
    due: dict[DeadlineKind, int] = {}
    if terms.schedule_to_close_timeout_ms:
        due[DeadlineKind.SCHEDULE_TO_CLOSE] = scheduled.time_ms + terms.schedule_to_close_timeout_ms
    last = attempts[-1] if attempts else None
    phase = last.phase if last else "SCHEDULED"
    since_ms = last.attempt_ms if last else scheduled.time_ms
    if phase == "SCHEDULED" and terms.schedule_to_start_timeout_ms:
        due[DeadlineKind.SCHEDULE_TO_START] = since_ms + terms.schedule_to_start_timeout_ms
    if phase == "BACKOFF" and last is not None and not last.paused:
        due[DeadlineKind.RETRY] = since_ms
    if phase == "STARTED" and last is not None:
        if terms.start_to_close_timeout_ms:
            due[DeadlineKind.START_TO_CLOSE] = last.started_ms + terms.start_to_close_timeout_ms
        if terms.heartbeat_timeout_ms:
            seen_ms = max(last.started_ms, last.heartbeat_ms)
            due[DeadlineKind.HEARTBEAT] = seen_ms + terms.heartbeat_timeout_ms
    if scheduled.eager and phase == "SCHEDULED" and since_ms == scheduled.time_ms:
        due[DeadlineKind.EAGER] = UNFINISHED_MS
    if isinstance(about[-1], event.ActivityTaskCancelRequested) or (
        changes and about[-1] is changes[-1] and isinstance(about[-2], event.ActivityTaskCancelRequested)
    ):
        # Whoever is asked again has the time anew.
        asked = next(found for found in reversed(about) if isinstance(found, event.ActivityTaskCancelRequested))
        if phase == "SCHEDULED":
            due[DeadlineKind.CANCEL_GRACE] = asked.time_ms + 1_000
        elif phase == "BACKOFF":
            due[DeadlineKind.CANCEL_GRACE] = asked.time_ms
    return {(kind, event_id): at for kind, at in due.items()}


def _unanswered(records: list[Any], asks: type[Any], refusal: str, answers: str) -> set[int]:
    """Event IDs of what was asked of others and has not ended."""
    open_ids = {found.event_id for found in records if isinstance(found, asks)}
    for found in records:
        name = type(found).__name__
        if name == refusal or (name.startswith(answers) and name != "ChildWorkflowExecutionStarted"):
            open_ids.discard(found.initiated_event_id)
    return open_ids
