"""A run as others see it: results, descriptions, pages of history and visibility rows, as records."""

from __future__ import annotations

from collections.abc import Iterable

from foldlog.core.state import Activity, DeadlineKind, Run
from foldlog.schemas import event, reply
from foldlog.schemas.command import GetHistory
from foldlog.schemas.common import Failure, ReplyTo
from foldlog.schemas.visibility import WorkflowVisibility


def closing_result(reply_to: ReplyTo, run: Run) -> reply.WorkflowResult:
    """How a closed run ended."""
    result = reply.WorkflowResult(correlation_id=reply_to.correlation_id, run_id=run.run_id, status=run.status)
    closing = run.closing
    if isinstance(closing, event.WorkflowExecutionCompleted):
        result.result = closing.result
    elif isinstance(closing, event.WorkflowExecutionFailed):
        result.failure = closing.failure
    elif isinstance(closing, event.WorkflowExecutionCanceled):
        result.failure = Failure(kind="CANCELED", message="workflow canceled", details=closing.details)
    elif isinstance(closing, event.WorkflowExecutionTerminated):
        message = closing.reason or "workflow terminated"
        result.failure = Failure(kind="TERMINATED", message=message, details=closing.details)
    elif isinstance(closing, event.WorkflowExecutionTimedOut):
        which = "execution" if closing.execution else "run"
        result.failure = Failure(kind="TIMEOUT", message=f"workflow {which} timeout", timeout_type="START_TO_CLOSE")
    return result


def description(reply_to: ReplyTo, run: Run) -> reply.Description:
    """The state of a run."""
    stalled = run.stalled
    return reply.Description(
        correlation_id=reply_to.correlation_id,
        run_id=run.run_id,
        workflow_type=run.started.workflow_type,
        task_queue=run.started.task_queue,
        status=run.status,
        start_ms=run.started.time_ms,
        close_ms=_close_ms(run),
        execution_expiration_ms=run.started.execution_expiration_ms,
        history_length=run.last_event_id,
        history_size=run.history_size,
        memo=run.started.memo,
        first_execution_run_id=run.started.first_execution_run_id,
        stalled_error=stalled.error if stalled else "",
        stalled_stack=stalled.stack_trace if stalled else "",
        stalled_attempts=stalled.attempts if stalled else 0,
        deferred_commands=max(run.deferred_ordinal - run.handled_ordinal, 0),
        pending_activities=[_pending_activity(run, activity) for activity in run.activities.values()],
        pending_timers=[
            reply.PendingTimer(timer_id=timer_id, fire_ms=timer.fire_ms) for timer_id, timer in run.timers.items()
        ],
        pending_updates=[
            update_id for update_id, update in run.updates.items() if run.is_open and not update.completed_event_id
        ],
    )


def _close_ms(run: Run) -> int:
    return run.closing.time_ms if run.closing else 0


def _pending_activity(run: Run, activity: Activity) -> reply.PendingActivity:
    scheduled = activity.scheduled
    phase = activity.phase
    return reply.PendingActivity(
        activity_id=scheduled.activity_id,
        activity_type=scheduled.activity_type,
        task_queue=scheduled.task_queue,
        state="CANCEL_REQUESTED" if activity.cancel_requested else phase,
        attempt=activity.attempt,
        scheduled_ms=scheduled.time_ms,
        started_ms=activity.started_ms,
        heartbeat_ms=activity.heartbeat_ms,
        next_attempt_ms=run.deadlines.get((DeadlineKind.RETRY, scheduled.event_id), 0),
        identity=activity.identity,
        last_failure=activity.last_failure,
        heartbeat_details=activity.heartbeat_details,
    )


def history_page(reply_to: ReplyTo, run: Run, events: Iterable[bytes], wanted: GetHistory) -> reply.HistoryPage:
    """One page of a run's history: at least one event, if there is one, and then as many as fit."""
    page: list[bytes] = []
    size = 0
    following = 0
    for event_id, encoded in enumerate(events, start=1):
        if event_id < wanted.first_event_id:
            continue
        if page and size + len(encoded) > wanted.maximum_bytes:
            following = event_id
            break
        page.append(encoded)
        size += len(encoded)
    return reply.HistoryPage(
        correlation_id=reply_to.correlation_id, run_id=run.run_id, events=page, next_event_id=following
    )


def visibility_row(run: Run, partition: int) -> WorkflowVisibility:
    """The row of a run for lists."""
    return WorkflowVisibility(
        workflow_id=run.workflow_id,
        run_id=run.run_id,
        workflow_type=run.started.workflow_type,
        task_queue=run.started.task_queue,
        status=run.status,
        start_ms=run.started.time_ms,
        close_ms=_close_ms(run),
        history_length=run.last_event_id,
        memo=run.started.memo,
        stalled_error=run.stalled.error if run.stalled else "",
        partition=partition,
    )
