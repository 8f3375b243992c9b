"""Activities in the state machine: what workers report, what comes due, and what the run's code asks for.

As in `machine`, each function takes the state of one run and an outcome, appends the records that follow, and returns
the event that the run's code must be told of, if any.
"""

from __future__ import annotations

from collections.abc import Callable
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

# ---- commands about activities


def _fitting(run: Run, wanted: Any) -> Activity | None:
    """The activity that a worker's command is about, if that attempt still counts."""
    activity = run.activities.get(wanted.scheduled_event_id)
    if activity is None or activity.attempt != wanted.attempt or activity.phase == "BACKOFF":
        return None
    return activity


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
    activity = _fitting(run, wanted)
    if activity is None:
        stale_attempt(run.run_id, wanted, outcome)
        return
    outcome.append(
        run,
        log.ActivityAttempt(
            run_id=run.run_id,
            scheduled_event_id=wanted.scheduled_event_id,
            attempt=activity.attempt,
            phase="STARTED",
            attempt_ms=activity.attempt_ms,
            started_ms=activity.started_ms or max(started_ms, activity.attempt_ms),
            heartbeat_ms=outcome.now_ms if beat else activity.heartbeat_ms,
            worker=wanted.reply_to or activity.worker,
            identity=wanted.identity,
            last_failure=activity.last_failure,
            heartbeat_details=beat.details if beat else activity.heartbeat_details,
        ),
    )
    if activity.cancel_requested:
        _notify(run, wanted.scheduled_event_id, activity, "CANCEL_REQUESTED", outcome)


def stale_attempt(run_id: str, wanted: Any, outcome: Outcome) -> None:
    """Tell a worker that the attempt it reports counts no longer."""
    reply_to: ReplyTo | None = getattr(wanted, "reply_to", None)
    if reply_to is not None:
        _send_notice(reply_to, run_id, wanted.scheduled_event_id, wanted.attempt, "NOT_FOUND", outcome)


def complete_activity(run: Run, wanted: command.CompleteActivity, outcome: Outcome) -> Event | None:
    """Take the first completion of an activity; any other is dropped."""
    if _fitting(run, wanted) is None:
        return None
    completed = event.ActivityTaskCompleted(
        scheduled_event_id=wanted.scheduled_event_id,
        attempt=wanted.attempt,
        identity=wanted.identity,
        result=wanted.result,
    )
    outcome.append(run, completed)
    return completed


def fail_activity(run: Run, wanted: command.FailActivity, outcome: Outcome) -> Event | None:
    """An attempt failed: plan the next one, or end the activity."""
    activity = _fitting(run, wanted)
    if activity is None:
        return None
    details = wanted.heartbeat_details or activity.heartbeat_details
    retry_state = _retry(run, activity, wanted.failure, details, outcome)
    if retry_state is None:
        return None
    failed = event.ActivityTaskFailed(
        scheduled_event_id=wanted.scheduled_event_id,
        attempt=wanted.attempt,
        identity=wanted.identity,
        failure=wanted.failure,
        retry_state=retry_state,
    )
    outcome.append(run, failed)
    return failed


def activity_canceled(run: Run, wanted: command.CancelActivity, outcome: Outcome) -> Event | None:
    """An attempt ended because it was asked to. Without such a request it is an ordinary failure."""
    activity = _fitting(run, wanted)
    if activity is None:
        return None
    if not activity.cancel_requested:
        failure = Failure(kind="CANCELED", message="activity canceled itself", details=wanted.details)
        failed = event.ActivityTaskFailed(
            scheduled_event_id=wanted.scheduled_event_id,
            attempt=wanted.attempt,
            identity=wanted.identity,
            failure=failure,
            retry_state="NON_RETRYABLE_FAILURE",
        )
        outcome.append(run, failed)
        return failed
    canceled = event.ActivityTaskCanceled(
        scheduled_event_id=wanted.scheduled_event_id,
        attempt=wanted.attempt,
        identity=wanted.identity,
        details=wanted.details,
    )
    outcome.append(run, canceled)
    return canceled


def refuse_report(run: Run, wanted: Any, why: str, outcome: Outcome) -> Event | None:
    """A worker's report cannot be recorded, for example because it is too large. An end fails its activity for good,
    since the next attempt would end likewise; a sign of life is dropped."""
    if isinstance(wanted, command.ActivityStarted | command.HeartbeatActivity) or _fitting(run, wanted) is None:
        return None
    failure = Failure(kind="APPLICATION", type="ReportRefused", message=why, non_retryable=True)
    refused = command.FailActivity(
        run_id=wanted.run_id,
        scheduled_event_id=wanted.scheduled_event_id,
        attempt=wanted.attempt,
        identity=wanted.identity,
        failure=failure,
    )
    return fail_activity(run, refused, outcome)


def _retry(
    run: Run, activity: Activity, failure: Failure, heartbeat_details: list[Payload], outcome: Outcome
) -> RetryState | None:
    """Plan the next attempt; otherwise the reason why there is none."""
    if activity.cancel_requested:
        return "CANCEL_REQUESTED"
    scheduled = activity.scheduled
    delay_ms, retry_state = next_delay_ms(
        scheduled.retry_policy,
        activity.attempt,
        failure,
        outcome.now_ms - scheduled.time_ms,
        scheduled.schedule_to_close_timeout_ms,
    )
    if delay_ms is None:
        return retry_state
    outcome.append(
        run,
        log.ActivityAttempt(
            run_id=run.run_id,
            scheduled_event_id=scheduled.event_id,
            attempt=activity.attempt + 1,
            phase="BACKOFF",
            attempt_ms=outcome.now_ms + delay_ms,
            last_failure=failure,
            heartbeat_details=heartbeat_details,
        ),
    )
    return None


def _notify(run: Run, event_id: int, activity: Activity, reason: str, outcome: Outcome) -> None:
    """Ask whoever runs the attempt to stop, where that is known."""
    if activity.worker is not None:
        _send_notice(activity.worker, run.run_id, event_id, activity.attempt, reason, outcome)
    elif activity.scheduled.eager and activity.attempt == 1:
        outcome.canceled_eager.append((run.run_id, event_id, activity.attempt))


def _send_notice(worker: ReplyTo, run_id: str, event_id: int, attempt: int, reason: str, outcome: Outcome) -> None:
    notice = reply.ActivityCancelRequested(run_id=run_id, scheduled_event_id=event_id, attempt=attempt, reason=reason)
    outcome.replies.append((worker, notice))


def cancel_activities(run: Run, outcome: Outcome) -> None:
    """Tell the workers that run something for a run that closes; call it while the activities are still there."""
    for event_id, activity in run.activities.items():
        _notify(run, event_id, activity, "WORKFLOW_CLOSED", outcome)


# ---- deadlines


def retry_due(run: Run, event_id: int, outcome: Outcome) -> None:
    activity = run.activities[event_id]
    outcome.append(
        run,
        log.ActivityAttempt(
            run_id=run.run_id,
            scheduled_event_id=event_id,
            attempt=activity.attempt,
            phase="SCHEDULED",
            attempt_ms=outcome.now_ms,
            last_failure=activity.last_failure,
            heartbeat_details=activity.heartbeat_details,
        ),
    )
    _send_task(run, activity, outcome)


def cancel_grace_over(run: Run, event_id: int, outcome: Outcome) -> Event:
    canceled = event.ActivityTaskCanceled(scheduled_event_id=event_id, attempt=run.activities[event_id].attempt)
    outcome.append(run, canceled)
    return canceled


def activity_timed_out(timeout_type: TimeoutType) -> Callable[[Run, int, Outcome], Event | None]:
    retryable = timeout_type in ("START_TO_CLOSE", "HEARTBEAT")

    def timed_out(run: Run, event_id: int, outcome: Outcome) -> Event | None:
        activity = run.activities[event_id]
        failure = Failure(
            kind="TIMEOUT",
            message=f"activity {timeout_type.replace('_', '-').lower()} timeout",
            timeout_type=timeout_type,
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
            scheduled_event_id=event_id, attempt=activity.attempt, failure=failure, retry_state=retry_state
        )
        outcome.append(run, ended)
        return ended

    return timed_out


def requeue(run: Run, event_id: int, outcome: Outcome) -> None:
    """Put an eager activity, whose process is gone, on its topic."""
    retry_due(run, event_id, outcome)


# ---- decisions


def schedule(
    run: Run, decision: decisions.ScheduleActivity, outcome: Outcome, reserve: Callable[[str, str], bool]
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
        options=decision.options,
        eager=decision.eager and reserve(task_queue, decision.activity_type),
    )
    outcome.append(run, scheduled)
    _send_task(run, run.activities[scheduled.event_id], outcome)


def _send_task(run: Run, activity: Activity, outcome: Outcome) -> None:
    scheduled = activity.scheduled
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
        schedule_to_close_timeout_ms=scheduled.schedule_to_close_timeout_ms,
        start_to_close_timeout_ms=scheduled.start_to_close_timeout_ms,
        heartbeat_timeout_ms=scheduled.heartbeat_timeout_ms,
        retry_policy=scheduled.retry_policy,
        options=scheduled.options,
        heartbeat_details=activity.heartbeat_details,
    )
    eager = (
        scheduled.eager and activity.phase == "SCHEDULED" and (DeadlineKind.EAGER, scheduled.event_id) in run.deadlines
    )
    (outcome.eager if eager else outcome.tasks).append(TaskEntry(run.workflow_id, scheduled.task_queue, task))


def request_cancel_activity(run: Run, decision: decisions.RequestCancelActivity, outcome: Outcome) -> None:
    event_id = run.activity_events.get(decision.activity_id)
    if event_id is None:
        raise WorkflowTaskError(f"the workflow cancels activity {decision.activity_id!r}, which is not open")
    activity = run.activities[event_id]
    outcome.append(run, event.ActivityTaskCancelRequested(scheduled_event_id=event_id))
    _notify(run, event_id, activity, "CANCEL_REQUESTED", outcome)


def schedule_local(run: Run, decision: decisions.ScheduleLocalActivity, outcome: Outcome) -> None:
    call = LocalCall(run.workflow_id, run.run_id, run.started.workflow_type, decision, outcome.now_ms)
    outcome.local_calls.append(call)


def cancel_local(run: Run, decision: decisions.CancelLocalActivity, outcome: Outcome) -> None:
    outcome.canceled_local.append((run.run_id, decision.activity_id))
