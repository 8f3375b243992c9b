"""A run as others see it: results, descriptions, pages of history and visibility rows, as records."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from foldlog.core.fields import payload_bytes, size_of
from foldlog.core.outcome import MAXIMUM_RECORD_BYTES
from foldlog.core.state import Activity, Child, DeadlineKind, Run
from foldlog.schemas import event, reply
from foldlog.schemas.command import GetHistory
from foldlog.schemas.common import Failure, ParentExecution, ReplyTo, WorkflowOptions
from foldlog.schemas.visibility import WorkflowVisibility
from msgspec.structs import replace

PENDING_SHOWN = 1_000
"""A description names so many open activities, timers and children of each kind, the oldest: it is one record."""
_ROW_BYTES = 300
"""About what is said of each of them in any case."""

TIMEOUT_MESSAGES = {False: "workflow run timeout", True: "workflow execution timeout"}
"""By whether it is that of the whole chain."""


def following_run_id(run: Run) -> str:
    """The run that follows a closed one; empty: none does."""
    return getattr(run.closing, "new_run_id", "")


def closing_result(reply_to: ReplyTo, run: Run) -> reply.WorkflowResult:
    """How a closed run ended."""
    return result_of(run.closing, run.run_id, run.status, reply_to.correlation_id)


def result_of(closing: object, run_id: str, status: str, correlation_id: int = 0) -> reply.WorkflowResult:
    """How a run ended whose last event is this one."""
    new_run_id = getattr(closing, "new_run_id", "")
    result = reply.WorkflowResult(correlation_id=correlation_id, run_id=run_id, status=status, new_run_id=new_run_id)
    if isinstance(closing, event.WorkflowExecutionCompleted):
        result.result = closing.result
    elif isinstance(closing, event.WorkflowExecutionFailed):
        result.failure = closing.failure
        result.retry_state = closing.retry_state
    elif isinstance(closing, event.WorkflowExecutionCanceled):
        result.failure = Failure(kind="CANCELED", message="Workflow cancelled", details=closing.details)
    elif isinstance(closing, event.WorkflowExecutionTerminated):
        message = closing.reason or "Workflow terminated"
        result.failure = Failure(kind="TERMINATED", message=message, details=closing.details)
    elif isinstance(closing, event.WorkflowExecutionTimedOut):
        result.retry_state = closing.retry_state
        message = TIMEOUT_MESSAGES[closing.execution]
        result.failure = Failure(kind="TIMEOUT", message=message, timeout_type="START_TO_CLOSE")
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
        memo=run.memo,
        first_execution_run_id=run.started.first_execution_run_id,
        options=current_options(run),
        parent=run.started.parent,
        continuation=run.started.continuation,
        first_task_ms=run.started.first_task_ms,
        execution_start_ms=execution_start_ms(run),
        stalled_error=stalled.error if stalled else "",
        stalled_stack=stalled.stack_trace if stalled else "",
        stalled_attempts=stalled.attempts if stalled else 0,
        deferred_commands=max(run.deferred_ordinal - run.handled_ordinal, 0),
        pending_activities=_pending_activities(run),
        pending_timers=[
            reply.PendingTimer(timer_id=timer_id, fire_ms=timer.fire_ms)
            for timer_id, timer in islice(run.timers.items(), PENDING_SHOWN)
        ],
        pending_children=[
            _pending_child(event_id, child) for event_id, child in islice(run.children.items(), PENDING_SHOWN)
        ]
        if run.is_open
        else [],
        pending_updates=[
            update_id for update_id, update in run.updates.items() if run.is_open and not update.completed_event_id
        ],
    )


def current_options(run: Run) -> WorkflowOptions | None:
    """The options of a run, with its search attributes as they are now; None: all at their defaults."""
    options = run.started.options
    if not run.search_attributes and options is None:
        return None
    return replace(options or WorkflowOptions(), search_attributes=run.search_attributes)


def execution_start_ms(run: Run) -> int:
    """When the chain of runs began, in Unix milliseconds."""
    continuation = run.started.continuation
    return continuation.first_start_ms if continuation is not None else run.started.time_ms


def _ancestors(parent: ParentExecution | None) -> dict[str, str]:
    if parent is None:
        return {}
    return {
        "parent_namespace": parent.namespace,
        "parent_workflow_id": parent.workflow_id,
        "parent_run_id": parent.run_id,
        "root_workflow_id": parent.root_workflow_id or parent.workflow_id,
        "root_run_id": parent.root_run_id or parent.run_id,
    }


def _versioning(options: WorkflowOptions | None) -> dict[str, str]:
    if options is None or options.versioning_behavior == "UNSPECIFIED":
        return {}
    return {"versioning_behavior": options.versioning_behavior, "deployment_version": options.deployment_version}


def _close_ms(run: Run) -> int:
    return run.closing.time_ms if run.closing else 0


def _pending_child(event_id: int, child: Child) -> reply.PendingChild:
    return reply.PendingChild(
        namespace=child.namespace,
        workflow_id=child.workflow_id,
        run_id=child.run_id,
        workflow_type=child.workflow_type,
        initiated_event_id=event_id,
        parent_close_policy=child.parent_close_policy,
    )


def _pending_activities(run: Run) -> list[reply.PendingActivity]:
    """The open activities; the youngest without what they say of themselves, if all of it makes more than a record."""
    shown = [_pending_activity(run, activity) for activity in islice(run.activities.values(), PENDING_SHOWN)]
    rows = sum(min(len(each), PENDING_SHOWN) for each in (shown, run.timers, run.children))
    left = MAXIMUM_RECORD_BYTES - _ROW_BYTES * rows
    left -= size_of(run.memo) + size_of(run.search_attributes)
    for each in shown:
        left -= _weight(each)
        if left < 0:
            each.last_failure, each.heartbeat_details = None, []
            if each.options is not None:
                each.options = replace(each.options, summary=None)
    return shown


def _weight(shown: reply.PendingActivity) -> int:
    """Bytes of what an activity says of itself: its last failure with the causes, its heartbeat, its summary."""
    size = payload_bytes(shown.heartbeat_details)
    if shown.options is not None and shown.options.summary is not None:
        size += payload_bytes([shown.options.summary])
    failure = shown.last_failure
    while failure is not None:
        size += len(failure.message.encode()) + len(failure.stack_trace.encode()) + payload_bytes(failure.details)
        if failure.encoded_attributes is not None:
            size += payload_bytes([failure.encoded_attributes])
        failure = failure.cause
    return size


def _pending_activity(run: Run, activity: Activity) -> reply.PendingActivity:
    scheduled, terms = activity.scheduled, activity.terms
    phase = activity.phase
    pause = activity.pause
    return reply.PendingActivity(
        activity_id=scheduled.activity_id,
        activity_type=scheduled.activity_type,
        task_queue=terms.task_queue,
        state="CANCEL_REQUESTED" if activity.cancel_requested else phase,
        attempt=activity.attempt_number,
        scheduled_ms=scheduled.time_ms,
        started_ms=activity.started_ms,
        heartbeat_ms=activity.heartbeat_ms,
        next_attempt_ms=run.deadlines.get((DeadlineKind.RETRY, scheduled.event_id), 0),
        identity=activity.identity,
        last_failure=activity.last_failure,
        heartbeat_details=activity.heartbeat_details,
        paused=pause is not None,
        paused_ms=pause.since_ms if pause else 0,
        pause_reason=pause.reason if pause else "",
        paused_by=pause.by if pause else "",
        options=activity.options,
        schedule_to_close_timeout_ms=terms.schedule_to_close_timeout_ms,
        schedule_to_start_timeout_ms=terms.schedule_to_start_timeout_ms,
        start_to_close_timeout_ms=terms.start_to_close_timeout_ms,
        heartbeat_timeout_ms=terms.heartbeat_timeout_ms,
        retry_policy=terms.retry_policy,
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
        memo=run.memo,
        stalled_error=run.stalled.error if run.stalled else "",
        partition=partition,
        search_attributes=run.search_attributes,
        summary=run.started.options.summary if run.started.options is not None else None,
        execution_start_ms=execution_start_ms(run) if run.started.continuation is not None else 0,
        first_task_ms=run.started.first_task_ms,
        history_size=run.history_size,
        **_ancestors(run.started.parent),
        **_versioning(run.started.options),
    )
