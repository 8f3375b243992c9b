"""The state machine: what a command, a deadline or a decision does to a run, as events and effects.

Each function takes the state of one run and an outcome, appends the records that follow, and returns the event that
the run's code must be told of, if any. It never runs workflow code and never looks beyond the one run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from foldlog.core import activities, children, decisions, external, fields
from foldlog.core.decider import WorkflowTaskError
from foldlog.core.decisions import Decision
from foldlog.core.outcome import Outcome
from foldlog.core.start_options import check_start_options, first_task_ms
from foldlog.core.state import DeadlineKey, DeadlineKind, Run
from foldlog.schemas import command, event
from foldlog.schemas.records import Event

ENGINE = "foldlog"
"""Who does what nobody asked for."""

# ---- commands to the run


def check_start(wanted: command.StartWorkflow, outcome: Outcome) -> None:
    """Make sure that what comes with a start fits: it must not be found out after the start.

    Raises:
        WorkflowTaskError: It does not.
    """
    check_start_options(wanted)
    if wanted.signal is not None:
        if wanted.id_conflict_policy == "FAIL":
            raise WorkflowTaskError("signal-with-start: id_conflict_policy FAIL makes no sense with it")
        outcome.check_fits(signaled(signal_with_start(wanted, False)))
    if wanted.update is not None:
        if wanted.signal is not None:
            raise WorkflowTaskError("a start takes either a signal or an update with it")
        outcome.check_fits(update_accepted(update_with_start(wanted, "", False)))


def first_event(
    run_id: str, wanted: command.StartWorkflow, outcome: Outcome, *, without_code: bool = False
) -> event.WorkflowExecutionStarted:
    """What a run begins with that a start asks for; without code it is held until there is some.

    Raises:
        WorkflowTaskError: Its cron schedule never comes.
    """
    timeout_ms = wanted.execution_timeout_ms
    task_ms = first_task_ms(wanted, outcome.now_ms) or without_code * outcome.now_ms
    return event.WorkflowExecutionStarted(
        workflow_type=wanted.workflow_type,
        task_queue=wanted.task_queue,
        args=wanted.args,
        execution_timeout_ms=timeout_ms,
        run_timeout_ms=wanted.run_timeout_ms,
        execution_expiration_ms=outcome.now_ms + timeout_ms if timeout_ms else 0,
        memo=wanted.memo,
        first_execution_run_id=run_id,
        request_id=wanted.request_id,
        identity=wanted.identity,
        options=wanted.options,
        parent=wanted.parent,
        held=wanted.signal is not None or wanted.update is not None or task_ms > 0,
        first_task_ms=task_ms,
    )


def begin_code(run: Run, outcome: Outcome) -> Event:
    """End the hold of a run: its code begins with this event."""
    begun = event.WorkflowTaskScheduled()
    outcome.append(run, begun)
    return begun


def signal_with_start(wanted: command.StartWorkflow, started: bool) -> command.SignalWorkflow:
    """The signal that comes with a start, as a command of its own.

    Args:
        wanted: The start.
        started: Whether it started a run: then that run's first event remembers the request.
    """
    assert wanted.signal is not None
    return command.SignalWorkflow(
        request_id="" if started else wanted.request_id,
        identity=wanted.identity,
        signal_name=wanted.signal.signal_name,
        args=wanted.signal.args,
        header=wanted.signal.header,
    )


def update_with_start(wanted: command.StartWorkflow, run_id: str, started: bool) -> command.UpdateWorkflow:
    """The update that comes with a start, as a command of its own. Its answer is the answer to both.

    Args:
        wanted: The start.
        run_id: The run that is there, or was started.
        started: As for a signal.
    """
    assert wanted.update is not None
    return command.UpdateWorkflow(
        request_id="" if started else wanted.request_id,
        identity=wanted.identity,
        reply_to=wanted.reply_to,
        run_id=run_id,
        update_id=wanted.update.update_id,
        update_name=wanted.update.update_name,
        args=wanted.update.args,
        header=wanted.update.header,
        await_completed=wanted.update.await_completed,
    )


def update_accepted(wanted: command.UpdateWorkflow) -> event.WorkflowExecutionUpdateAccepted:
    """What is recorded of an update that is accepted; the code is asked about it before."""
    return event.WorkflowExecutionUpdateAccepted(
        update_id=wanted.update_id,
        update_name=wanted.update_name,
        args=wanted.args,
        header=wanted.header,
        identity=wanted.identity,
        request_id=wanted.request_id,
    )


def signal(run: Run, wanted: command.SignalWorkflow, outcome: Outcome) -> Event:
    """Record a signal."""
    happened = signaled(wanted)
    outcome.append(run, happened)
    return happened


def signaled(wanted: command.SignalWorkflow) -> event.WorkflowExecutionSignaled:
    """What is recorded of a signal."""
    return event.WorkflowExecutionSignaled(
        signal_name=wanted.signal_name,
        args=wanted.args,
        request_id=wanted.request_id,
        identity=wanted.identity,
        header=wanted.header,
        initiator=wanted.initiator,
    )


def request_cancel(run: Run, wanted: command.CancelWorkflow, outcome: Outcome) -> Event | None:
    """Record a request to cancel. A second one changes nothing."""
    if run.cancel_requested:
        return None
    requested = event.WorkflowExecutionCancelRequested(
        reason=wanted.reason, request_id=wanted.request_id, identity=wanted.identity, initiator=wanted.initiator
    )
    outcome.append(run, requested)
    return requested


def terminated(wanted: command.TerminateWorkflow) -> event.WorkflowExecutionTerminated:
    """What is recorded of a termination."""
    return event.WorkflowExecutionTerminated(
        reason=wanted.reason, details=wanted.details, request_id=wanted.request_id, identity=wanted.identity
    )


def terminated_for(reason: str) -> event.WorkflowExecutionTerminated:
    """What is recorded where a run must not go on, though nobody asked for its end."""
    return event.WorkflowExecutionTerminated(reason=reason, identity=ENGINE)


def execution_timed_out() -> event.WorkflowExecutionTimedOut:
    """What is recorded where all runs of a chain together have had their time."""
    return event.WorkflowExecutionTimedOut(execution=True, retry_state="TIMEOUT")


def close(run: Run, closing: Event, outcome: Outcome) -> None:
    """Close the run, whether its code has said so or is not asked.

    Raises:
        WorkflowTaskError: The event is too large. Nobody has been told of an end.
    """
    running = list(run.activities.items())
    outcome.append(run, closing)
    activities.tell_closed(run, running, outcome)


# ---- deadlines


def fire(run: Run, key: DeadlineKey, outcome: Outcome) -> Event | None:
    """Something came due. The caller has made sure that the run still has this deadline."""
    return _DUE[key[0]](run, key[1], outcome)


def _timer_fired(run: Run, timer_id: int, outcome: Outcome) -> Event:
    fired = event.TimerFired(timer_id=timer_id, started_event_id=run.timers[timer_id].started_event_id)
    outcome.append(run, fired)
    return fired


def _first_task_due(run: Run, _: int, outcome: Outcome) -> Event:
    return begin_code(run, outcome)


_DUE: dict[DeadlineKind, Callable[[Run, int, Outcome], Event | None]] = {
    DeadlineKind.TIMER: _timer_fired,
    DeadlineKind.SCHEDULE_TO_START: activities.activity_timed_out("SCHEDULE_TO_START"),
    DeadlineKind.START_TO_CLOSE: activities.activity_timed_out("START_TO_CLOSE"),
    DeadlineKind.SCHEDULE_TO_CLOSE: activities.activity_timed_out("SCHEDULE_TO_CLOSE"),
    DeadlineKind.HEARTBEAT: activities.activity_timed_out("HEARTBEAT"),
    DeadlineKind.RETRY: activities.retry_due,
    DeadlineKind.CANCEL_GRACE: activities.cancel_grace_over,
    DeadlineKind.FIRST_TASK: _first_task_due,
}


# ---- decisions


def decide(
    run: Run, made: Iterable[Decision], outcome: Outcome, reserve: Callable[[str, str, str], bool]
) -> list[Event]:
    """Make events of decisions.

    Args:
        run: The run that decided.
        made: Its decisions, in order.
        outcome: Takes the events and effects.
        reserve: See `Engine`.

    Returns:
        The events, one for each decision that leaves one.

    Raises:
        WorkflowTaskError: A decision does not fit the state; those before it are recorded.
    """
    first = len(outcome.log)
    for decision in made:
        if not run.is_open:
            raise WorkflowTaskError(f"the workflow decides {type(decision).__name__} after it has closed")
        if type(decision) is decisions.ScheduleActivity:
            activities.schedule(run, decision, outcome, reserve)
        else:
            _DECISIONS[type(decision)](run, decision, outcome)
    return [entry.record for entry in outcome.log[first:]]


def _start_timer(run: Run, decision: decisions.StartTimer, outcome: Outcome) -> None:
    outcome.append(
        run, event.TimerStarted(timer_id=decision.timer_id, fire_ms=decision.fire_ms, summary=decision.summary)
    )


def _cancel_timer(run: Run, decision: decisions.CancelTimer, outcome: Outcome) -> None:
    timer = run.timers.get(decision.timer_id)
    if timer is None:
        raise WorkflowTaskError(f"the workflow cancels timer {decision.timer_id}, which is not open")
    canceled = event.TimerCanceled(timer_id=decision.timer_id, started_event_id=timer.started_event_id)
    outcome.append(run, canceled)


def _record_patch(run: Run, decision: decisions.RecordPatch, outcome: Outcome) -> None:
    outcome.append(run, event.PatchRecorded(patch_id=decision.patch_id, deprecated=decision.deprecated))


def _upsert_search_attributes(run: Run, decision: decisions.UpsertSearchAttributes, outcome: Outcome) -> None:
    fields.check_search_attributes(fields.merged(run.search_attributes, decision.search_attributes))
    outcome.append(run, event.UpsertWorkflowSearchAttributes(search_attributes=decision.search_attributes))


def _modify_properties(run: Run, decision: decisions.ModifyProperties, outcome: Outcome) -> None:
    fields.check_memo(fields.merged(run.memo, decision.memo))
    outcome.append(run, event.WorkflowPropertiesModified(memo=decision.memo))


def _complete_update(run: Run, decision: decisions.CompleteUpdate, outcome: Outcome) -> None:
    update = run.updates.get(decision.update_id)
    if update is None or update.completed_event_id:
        raise WorkflowTaskError(f"the workflow completes update {decision.update_id!r}, which is not open")
    completed = event.WorkflowExecutionUpdateCompleted(
        update_id=decision.update_id,
        accepted_event_id=update.accepted_event_id,
        result=decision.result,
        failure=decision.failure,
    )
    outcome.append(run, completed)


def _complete(run: Run, decision: decisions.CompleteWorkflow, outcome: Outcome) -> None:
    close(run, event.WorkflowExecutionCompleted(result=decision.result, new_run_id=decision.new_run_id), outcome)


def _fail(run: Run, decision: decisions.FailWorkflow, outcome: Outcome) -> None:
    failed = event.WorkflowExecutionFailed(
        failure=decision.failure, new_run_id=decision.new_run_id, retry_state=decision.retry_state
    )
    close(run, failed, outcome)


def _continue_as_new(run: Run, decision: decisions.ContinueAsNew, outcome: Outcome) -> None:
    continued = event.WorkflowExecutionContinuedAsNew(
        new_run_id=decision.new_run_id,
        workflow_type=decision.workflow_type or run.started.workflow_type,
        args=decision.args,
    )
    close(run, continued, outcome)


def _cancel(run: Run, decision: decisions.CancelWorkflow, outcome: Outcome) -> None:
    close(run, event.WorkflowExecutionCanceled(details=decision.details), outcome)


_DECISIONS: dict[type[Decision], Callable[[Run, Any, Outcome], None]] = {
    decisions.RequestCancelActivity: activities.request_cancel_activity,
    decisions.ScheduleLocalActivity: activities.schedule_local,
    decisions.CancelLocalActivity: activities.cancel_local,
    decisions.StartTimer: _start_timer,
    decisions.CancelTimer: _cancel_timer,
    decisions.StartChildWorkflow: children.start_child,
    decisions.SignalExternalWorkflow: external.signal_external,
    decisions.RequestCancelExternalWorkflow: external.cancel_external,
    decisions.RecordPatch: _record_patch,
    decisions.UpsertSearchAttributes: _upsert_search_attributes,
    decisions.ModifyProperties: _modify_properties,
    decisions.CompleteUpdate: _complete_update,
    decisions.CompleteWorkflow: _complete,
    decisions.FailWorkflow: _fail,
    decisions.CancelWorkflow: _cancel,
    decisions.ContinueAsNew: _continue_as_new,
}
