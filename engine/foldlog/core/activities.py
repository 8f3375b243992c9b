"""Activities in the state machine: what workers report, what comes due, and what the run's code asks for.

As in `machine`, each function takes the state of one run and an outcome, appends the records that follow, and returns
the event that the run's code must be told of, if any.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from foldlog.core import decisions
from foldlog.core.decider import WorkflowTaskError
from foldlog.core.outcome import LocalCall, Outcome, TaskEntry
from foldlog.core.retry import next_delay_ms
from foldlog.core.state import Activity, DeadlineKind, Run
from foldlog.schemas import command, event, log, reply
from foldlog.schemas.common import Failure, Payload, ReplyTo, RetryState, TimeoutType
from foldlog.schemas.records import Event
from foldlog.schemas.task import ActivityTask
from msgspec.structs import replace

SURELY_SEEN_MS = 1_000
"""An attempt that has been running for so long has been reported as started: a worker says so after half of it."""
PAUSED_TYPE = "ActivityPause"
"""Type of the failure by which an attempt ends that was told of a pause and let itself be stopped."""
RESET_TYPE = "ActivityReset"
"""The same for a reset."""

# ---- commands about activities


def resolve(run: Run, wanted: Any) -> None:
    """Fill in which attempt a command is about that names its activity by ID: the current one, unless it says."""
    named = getattr(wanted, "activity_id", "")  # the report of a start has none
    event_id = run.activity_events.get(named)
    if event_id is not None:
        wanted.scheduled_event_id = event_id
        wanted.attempt = wanted.attempt or run.activities[event_id].attempt


def fitting(run: Run, wanted: Any) -> Activity | None:
    """The activity that a report is about, if that attempt still counts."""
    activity = run.activities.get(wanted.scheduled_event_id)
    if activity is None or activity.attempt != wanted.attempt:
        return None
    # Who ends an activity by its ID means the activity, whatever it is doing.
    return None if activity.phase == "BACKOFF" and not _ends_by_id(wanted) else activity


def _ends_by_id(wanted: Any) -> bool:
    return isinstance(wanted, command.CompleteActivity | command.FailActivity) and bool(wanted.activity_id)


def asks(wanted: Any) -> bool:
    """Whether somebody waits for an answer. A worker's address, without a number, is for notices only."""
    reply_to: ReplyTo | None = wanted.reply_to
    return reply_to is not None and reply_to.correlation_id != 0


def _accept(run: Run, wanted: Any, outcome: Outcome, notice: str = "") -> None:
    if asks(wanted):
        outcome.reply(wanted.reply_to, reply.Accepted, run_id=run.run_id, notice=notice)


def attempt_record(run: Run, activity: Activity, **changes: Any) -> log.ActivityAttempt:
    """The activity's state as a record, with changes."""
    pause = activity.pause
    state: dict[str, Any] = {
        "attempt": activity.attempt,
        "attempts_before_reset": activity.attempts_before_reset,
        "phase": activity.phase,
        "attempt_ms": activity.attempt_ms,
        "started_ms": activity.started_ms,
        "heartbeat_ms": activity.heartbeat_ms,
        "worker": activity.worker,
        "identity": activity.identity,
        "last_failure": activity.last_failure,
        "heartbeat_details": activity.heartbeat_details,
        "reset": activity.reset,
        "reset_heartbeat": activity.reset_heartbeat,
    }
    if pause is not None:
        state |= {"paused": True, "paused_ms": pause.since_ms, "pause_reason": pause.reason, "paused_by": pause.by}
    return log.ActivityAttempt(run_id=run.run_id, scheduled_event_id=activity.scheduled.event_id, **(state | changes))


def next_attempt_record(
    run: Run, activity: Activity, phase: log.AttemptPhase, attempt: int, attempt_ms: int, **changes: Any
) -> log.ActivityAttempt:
    """The record of an attempt that has not begun: nothing of how an attempt before it ran is left."""
    return attempt_record(
        run,
        activity,
        **{"phase": phase, "attempt": attempt, "attempt_ms": attempt_ms, "started_ms": 0, "heartbeat_ms": 0}
        | {"worker": None, "identity": "", "reset": False, "reset_heartbeat": False}
        | changes,
    )


def activity_started(run: Run, wanted: command.ActivityStarted, outcome: Outcome) -> None:
    """Note that an attempt is running; its start-to-close timeout counts from here on."""
    _attempt_lives(run, wanted, outcome, outcome.now_ms - max(wanted.running_ms, 0), None)


def heartbeat(run: Run, wanted: command.HeartbeatActivity, outcome: Outcome) -> None:
    """Note that an attempt lives."""
    _attempt_lives(run, wanted, outcome, outcome.now_ms, wanted)


def _attempt_lives(
    run: Run,
    wanted: command.ActivityStarted | command.HeartbeatActivity,
    outcome: Outcome,
    started_ms: int,
    beat: command.HeartbeatActivity | None,
) -> None:
    activity = fitting(run, wanted)
    if activity is None:
        stale_attempt(run.run_id, wanted, outcome)
        return
    asking = asks(wanted)
    changes: dict[str, Any] = {
        "phase": "STARTED",
        "started_ms": activity.started_ms or max(started_ms, activity.attempt_ms),
        "identity": wanted.identity,
    }
    if not asking and wanted.reply_to is not None:
        changes["worker"] = wanted.reply_to
    if beat is not None:
        changes |= {"heartbeat_ms": outcome.now_ms, "heartbeat_details": beat.details}
    _append_attempt(run, attempt_record(run, activity, **changes), outcome)
    notice = why_to_stop(activity, beat is not None)
    if asking:
        _accept(run, wanted, outcome, notice)
    elif notice:
        _notify(run, wanted.scheduled_event_id, activity, notice, outcome)


def why_to_stop(activity: Activity, beats: bool) -> str:
    """What a running attempt is to be told. Of a pause and of a reset it hears only when it sends a heartbeat: one
    that sends none could not go on where it stopped."""
    if activity.cancel_requested:
        return "CANCEL_REQUESTED"
    if beats and activity.pause is not None:
        return "PAUSED"
    return "RESET" if beats and activity.reset else ""


def stale_attempt(run_id: str, wanted: Any, outcome: Outcome) -> None:
    """Tell whoever reports an attempt that it counts no longer."""
    if asks(wanted):
        outcome.reply(wanted.reply_to, reply.Rejected, code="NOT_FOUND", message=not_open(wanted), run_id=run_id)
    elif wanted.reply_to is not None:
        _send_notice(wanted.reply_to, run_id, wanted.scheduled_event_id, wanted.attempt, "NOT_FOUND", outcome)


def not_open(wanted: Any) -> str:
    """Why a report does not count."""
    named = getattr(wanted, "activity_id", "")  # the report of a start has none
    activity = repr(named) if named else f"of event {wanted.scheduled_event_id}"
    return f"activity {activity} is not open, or the attempt counts no longer"


def not_asked(activity: Activity) -> str:
    """Why a report of a cancellation does not count."""
    return f"nobody has asked for the cancellation of activity {activity.scheduled.activity_id!r}"


def complete_activity(run: Run, wanted: command.CompleteActivity, outcome: Outcome) -> Event | None:
    """Take the first completion of an activity; any other is dropped."""
    activity = fitting(run, wanted)
    if activity is None:
        stale_attempt(run.run_id, wanted, outcome)
        return None
    completed = event.ActivityTaskCompleted(
        scheduled_event_id=wanted.scheduled_event_id,
        attempt=activity.attempt_number,
        identity=wanted.identity,
        result=wanted.result,
    )
    outcome.append(run, completed)
    _accept(run, wanted, outcome)
    return completed


def fail_activity(run: Run, wanted: command.FailActivity, outcome: Outcome) -> Event | None:
    """An attempt failed: plan the next one, or end the activity."""
    activity = fitting(run, wanted)
    if activity is None:
        stale_attempt(run.run_id, wanted, outcome)
        return None
    details = wanted.heartbeat_details or activity.heartbeat_details
    retry_state = _retry(run, activity, wanted.failure, details, outcome)
    if retry_state is None:
        _accept(run, wanted, outcome)
        return None
    failed = event.ActivityTaskFailed(
        scheduled_event_id=wanted.scheduled_event_id,
        attempt=activity.attempt_number,
        identity=wanted.identity,
        failure=wanted.failure,
        retry_state=retry_state,
    )
    outcome.append(run, failed)
    _accept(run, wanted, outcome)
    return failed


def activity_canceled(run: Run, wanted: command.CancelActivity, outcome: Outcome) -> Event | None:
    """An attempt ended because it was asked to. Without such a request it is an ordinary failure, unless somebody
    outside says so: that is refused."""
    activity = fitting(run, wanted)
    if activity is None:
        stale_attempt(run.run_id, wanted, outcome)
        return None
    if not activity.cancel_requested and asks(wanted):
        message = not_asked(activity)
        outcome.reply(wanted.reply_to, reply.Rejected, code="INVALID_ARGUMENT", message=message, run_id=run.run_id)
        return None
    if not activity.cancel_requested:
        failure = Failure(kind="CANCELED", message="activity canceled itself", details=wanted.details)
        failed = event.ActivityTaskFailed(
            scheduled_event_id=wanted.scheduled_event_id,
            attempt=activity.attempt_number,
            identity=wanted.identity,
            failure=failure,
            retry_state="NON_RETRYABLE_FAILURE",
        )
        outcome.append(run, failed)
        return failed
    canceled = event.ActivityTaskCanceled(
        scheduled_event_id=wanted.scheduled_event_id,
        attempt=activity.attempt_number,
        identity=wanted.identity,
        details=wanted.details,
    )
    outcome.append(run, canceled)
    _accept(run, wanted, outcome)
    return canceled


def refuse_report(run: Run, wanted: Any, why: str, outcome: Outcome) -> Event | None:
    """A report cannot be recorded, for example because it is too large. An end fails its activity for good."""
    failed = in_place_of(run, wanted, why, outcome)
    return None if failed is None else fail_activity(run, failed, outcome)


def in_place_of(run: Run, wanted: Any, why: str, outcome: Outcome) -> command.FailActivity | None:
    """What is taken for a report that cannot be recorded. Whoever waits for an answer is told, and that is all.
    Otherwise an end becomes a failure for good, since the next attempt would end likewise; a sign of life is dropped.
    """
    if asks(wanted):
        outcome.reply(wanted.reply_to, reply.Rejected, code="INVALID_ARGUMENT", message=why, run_id=run.run_id)
        return None
    if isinstance(wanted, command.ActivityStarted | command.HeartbeatActivity) or fitting(run, wanted) is None:
        return None
    return command.FailActivity(
        run_id=wanted.run_id,
        scheduled_event_id=wanted.scheduled_event_id,
        attempt=wanted.attempt,
        identity=wanted.identity,
        failure=_refused(why),
    )


def end_local(run: Run, ended: event.LocalActivityCompleted, outcome: Outcome) -> event.LocalActivityCompleted:
    """Record the end of a local activity. One that is too large fails it for good, as with other activities."""
    try:
        outcome.append(run, ended)
    except WorkflowTaskError as error:
        ended = event.LocalActivityCompleted(
            activity_id=ended.activity_id,
            activity_type=ended.activity_type,
            attempt=ended.attempt,
            failure=_refused(str(error)),
            summary=ended.summary,
        )
        outcome.append(run, ended)
    return ended


def _refused(why: str) -> Failure:
    return Failure(kind="APPLICATION", type="ReportRefused", message=why, non_retryable=True)


def _retry(
    run: Run, activity: Activity, failure: Failure, heartbeat_details: list[Payload], outcome: Outcome
) -> RetryState | None:
    """Plan the next attempt; otherwise the reason why there is none."""
    if activity.cancel_requested:
        return "CANCEL_REQUESTED"
    terms = activity.terms
    before = activity.attempt if activity.reset else activity.attempts_before_reset
    delay_ms, retry_state = next_delay_ms(
        terms.retry_policy,
        activity.attempt - before,
        failure,
        outcome.now_ms - activity.scheduled.time_ms,
        terms.schedule_to_close_timeout_ms,
    )
    if activity.reset and delay_ms is not None:
        delay_ms = 0
    if delay_ms is None:
        if retry_state != "MAXIMUM_ATTEMPTS_REACHED" or failure.type != PAUSED_TYPE or activity.pause is None:
            return retry_state
        # The pause ended it, not the activity: when it goes on, there is one attempt more.
        delay_ms = 0
    details = [] if activity.reset_heartbeat else heartbeat_details
    planned = next_attempt_record(
        run,
        activity,
        "BACKOFF",
        activity.attempt + 1,
        outcome.now_ms + delay_ms,
        attempts_before_reset=before,
        last_failure=failure,
        heartbeat_details=details,
    )
    _append_attempt(run, planned, outcome)
    return None


def _append_attempt(run: Run, record: log.ActivityAttempt, outcome: Outcome) -> None:
    """Record an attempt. If it is too large, what the last failure carries is left out: heartbeats matter more, and
    a timeout's details are those of the last heartbeat once more.

    Raises:
        WorkflowTaskError: It is too large even so.
    """
    try:
        outcome.append(run, record)
    except WorkflowTaskError:
        failure = record.last_failure
        if failure is None or not (failure.details or failure.cause):
            raise
        record.last_failure = replace(failure, details=[], cause=None)
        outcome.append(run, record)


def _notify(run: Run, event_id: int, activity: Activity, reason: str, outcome: Outcome) -> None:
    """Ask whoever runs the attempt to stop, where that is known."""
    if activity.worker is not None:
        _send_notice(activity.worker, run.run_id, event_id, activity.attempt, reason, outcome)
    elif activity.scheduled.eager and activity.attempt == 1:
        outcome.canceled_eager.append((run.run_id, event_id, activity.attempt))


def _send_notice(worker: ReplyTo, run_id: str, event_id: int, attempt: int, reason: str, outcome: Outcome) -> None:
    notice = reply.ActivityCancelRequested(run_id=run_id, scheduled_event_id=event_id, attempt=attempt, reason=reason)
    outcome.replies.append((worker, notice))


def tell_closed(run: Run, running: Iterable[tuple[int, Activity]], outcome: Outcome) -> None:
    """Tell the workers that ran something for a run that has closed.

    Args:
        run: The run.
        running: The activities that it had, by the events that scheduled them.
        outcome: Takes the notices.
    """
    for event_id, activity in running:
        _notify(run, event_id, activity, "WORKFLOW_CLOSED", outcome)


# ---- deadlines


def retry_due(run: Run, event_id: int, outcome: Outcome) -> None:
    activity = run.activities[event_id]
    # Never the time at which it was scheduled: by that, the fold knows an attempt that was handed over in memory.
    now_ms = max(outcome.now_ms, activity.scheduled.time_ms + 1)
    outcome.append(run, next_attempt_record(run, activity, "SCHEDULED", activity.attempt, now_ms))
    _send_task(run, activity, outcome)


def cancel_grace_over(run: Run, event_id: int, outcome: Outcome) -> Event:
    canceled = event.ActivityTaskCanceled(scheduled_event_id=event_id, attempt=run.activities[event_id].attempt_number)
    outcome.append(run, canceled)
    return canceled


def activity_timed_out(timeout_type: TimeoutType) -> Callable[[Run, int, Outcome], Event | None]:
    retryable = timeout_type in ("START_TO_CLOSE", "HEARTBEAT")

    def timed_out(run: Run, event_id: int, outcome: Outcome) -> Event | None:
        activity = run.activities[event_id]
        kind: TimeoutType = timeout_type
        if timeout_type == "SCHEDULE_TO_CLOSE" and _nobody_took(run, activity):
            kind = "SCHEDULE_TO_START"
        failure = Failure(
            kind="TIMEOUT",
            message=f"activity {kind.replace('_', '-').lower()} timeout",
            timeout_type=kind,
            details=activity.heartbeat_details,
            cause=activity.last_failure,
        )
        _notify(run, event_id, activity, "TIMED_OUT", outcome)
        retry_state: RetryState = "TIMEOUT"
        if retryable:
            # The failure of the attempt before is not kept as a cause of each further one: the chain would grow.
            failure.cause = None
            state = _retry(run, activity, failure, activity.heartbeat_details, outcome)
            if state is None:
                return None
            retry_state = state
        ended = event.ActivityTaskTimedOut(
            scheduled_event_id=event_id, attempt=activity.attempt_number, failure=failure, retry_state=retry_state
        )
        try:
            outcome.append(run, ended)
        except WorkflowTaskError:
            # They fit into the record of the attempt; with what this event says besides, they may not.
            failure.details, failure.cause = [], None
            outcome.append(run, ended)
        return ended

    return timed_out


def _nobody_took(run: Run, activity: Activity) -> bool:
    """Whether all of the schedule-to-close timeout went by without a worker: it bounds the wait for one as well."""
    return (
        activity.attempt == 1
        and activity.phase == "SCHEDULED"
        and activity.pause is None
        and activity.terms.schedule_to_close_timeout_ms >= SURELY_SEEN_MS
        and (DeadlineKind.EAGER, activity.scheduled.event_id) not in run.deadlines
    )


def requeue(run: Run, event_id: int, outcome: Outcome) -> None:
    """Put an activity on its topic, or let it wait if it is paused.

    It is an eager one whose process is gone, or one that goes to another task queue.
    """
    activity = run.activities[event_id]
    if activity.pause is None:
        retry_due(run, event_id, outcome)
    else:
        waiting = next_attempt_record(run, activity, "BACKOFF", activity.attempt, outcome.now_ms)
        outcome.append(run, waiting)


# ---- decisions


def schedule(
    run: Run, decision: decisions.ScheduleActivity, outcome: Outcome, reserve: Callable[[str, str, str], bool]
) -> None:
    task_queue = decision.task_queue or run.started.task_queue
    if decision.activity_id in run.activity_events:
        raise WorkflowTaskError(f"the workflow has an open activity with ID {decision.activity_id!r} already")
    scheduled = event.ActivityTaskScheduled(
        activity_id=decision.activity_id,
        activity_type=decision.activity_type,
        task_queue=task_queue,
        args=decision.args,
        schedule_to_close_timeout_ms=decision.schedule_to_close_timeout_ms,
        schedule_to_start_timeout_ms=decision.schedule_to_start_timeout_ms,
        start_to_close_timeout_ms=decision.start_to_close_timeout_ms,
        heartbeat_timeout_ms=decision.heartbeat_timeout_ms,
        retry_policy=decision.retry_policy,
        eager=decision.eager and reserve(task_queue, decision.activity_type, run.pinned_version),
        options=decision.options,
    )
    try:
        outcome.append(run, scheduled)
    except Exception:
        if scheduled.eager:
            outcome.unused_slots.append(task_queue)
        raise
    _send_task(run, run.activities[scheduled.event_id], outcome)


def _send_task(run: Run, activity: Activity, outcome: Outcome) -> None:
    scheduled = activity.scheduled
    terms = activity.terms
    task = ActivityTask(
        namespace=outcome.namespace,
        run_id=run.run_id,
        workflow_type=run.started.workflow_type,
        activity_id=scheduled.activity_id,
        activity_type=scheduled.activity_type,
        scheduled_event_id=scheduled.event_id,
        attempt=activity.attempt,
        args=scheduled.args,
        scheduled_ms=scheduled.time_ms,
        attempt_scheduled_ms=activity.attempt_ms,
        schedule_to_close_timeout_ms=terms.schedule_to_close_timeout_ms,
        start_to_close_timeout_ms=terms.start_to_close_timeout_ms,
        heartbeat_timeout_ms=terms.heartbeat_timeout_ms,
        retry_policy=terms.retry_policy,
        heartbeat_details=activity.heartbeat_details,
        options=activity.options,
        attempts_before_reset=activity.attempts_before_reset,
        deployment_version=run.pinned_version,
    )
    eager = (
        scheduled.eager and activity.phase == "SCHEDULED" and (DeadlineKind.EAGER, scheduled.event_id) in run.deadlines
    )
    (outcome.eager if eager else outcome.tasks).append(TaskEntry(run.workflow_id, terms.task_queue, task))


def request_cancel_activity(run: Run, decision: decisions.RequestCancelActivity, outcome: Outcome) -> None:
    event_id = run.activity_events.get(decision.activity_id)
    if event_id is None:
        raise WorkflowTaskError(f"the workflow cancels activity {decision.activity_id!r}, which is not open")
    activity = run.activities[event_id]
    outcome.append(run, event.ActivityTaskCancelRequested(scheduled_event_id=event_id))
    _notify(run, event_id, activity, "CANCEL_REQUESTED", outcome)


def schedule_local(run: Run, decision: decisions.ScheduleLocalActivity, outcome: Outcome) -> None:
    scheduled_ms = decision.scheduled_ms or outcome.now_ms
    elapsed_ms = max(outcome.now_ms - scheduled_ms, 0)
    call = LocalCall(
        run.workflow_id,
        run.run_id,
        run.started.workflow_type,
        decision,
        scheduled_ms,
        elapsed_ms,
        run.pinned_version,
    )
    outcome.local_calls.append(call)


def cancel_local(run: Run, decision: decisions.CancelLocalActivity, outcome: Outcome) -> None:
    canceled = outcome.stopped_local if decision.wait else outcome.canceled_local
    canceled.append((run.run_id, decision.activity_id))
