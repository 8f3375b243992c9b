"""The state machine: what a command, a deadline or a decision does to a run, as events and effects.

Each function takes the state of one run and an outcome, appends the records that follow, and returns the event that
the run's code must be told of, if any. It never runs workflow code and never looks beyond the one run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from foldlog.core import activities, children, decisions, external
from foldlog.core.decider import WorkflowTaskError
from foldlog.core.decisions import Decision
from foldlog.core.outcome import Outcome
from foldlog.core.state import DeadlineKey, DeadlineKind, Run
from foldlog.schemas import command, event
from foldlog.schemas.records import Event

# ---- commands to the run


def start(workflow_id: str, run_id: str, wanted: command.StartWorkflow, outcome: Outcome) -> Run:
    """Begin a run."""
    timeout_ms = wanted.execution_timeout_ms
    started = event.WorkflowExecutionStarted(
        workflow_type=wanted.workflow_type,
        task_queue=wanted.task_queue,
        args=wanted.args,
        execution_timeout_ms=timeout_ms,
        run_timeout_ms=wanted.run_timeout_ms,
        execution_expiration_ms=outcome.now_ms + timeout_ms if timeout_ms else 0,
        memo=wanted.memo,
        options=wanted.options,
        first_execution_run_id=run_id,
        request_id=wanted.request_id,
        identity=wanted.identity,
        parent=wanted.parent,
    )
    return outcome.begin(workflow_id, run_id, started)


def signal(run: Run, wanted: command.SignalWorkflow, outcome: Outcome) -> Event:
    """Record a signal."""
    signaled = event.WorkflowExecutionSignaled(
        signal_name=wanted.signal_name,
        args=wanted.args,
        request_id=wanted.request_id,
        identity=wanted.identity,
        initiator=wanted.initiator,
        header=wanted.header,
    )
    outcome.append(run, signaled)
    return signaled


def request_cancel(run: Run, wanted: command.CancelWorkflow, outcome: Outcome) -> Event | None:
    """Record a request to cancel. A second one changes nothing."""
    if run.cancel_requested:
        return None
    requested = event.WorkflowExecutionCancelRequested(
        reason=wanted.reason, request_id=wanted.request_id, identity=wanted.identity, initiator=wanted.initiator
    )
    outcome.append(run, requested)
    return requested


def terminate(run: Run, wanted: command.TerminateWorkflow, outcome: Outcome) -> None:
    """Close the run without asking its code."""
    activities.cancel_activities(run, outcome)
    outcome.append(
        run,
        event.WorkflowExecutionTerminated(
            reason=wanted.reason, details=wanted.details, request_id=wanted.request_id, identity=wanted.identity
        ),
    )


# ---- deadlines


def fire(run: Run, key: DeadlineKey, outcome: Outcome) -> Event | None:
    """Something came due. The caller has made sure that the run still has this deadline."""
    return _DUE[key[0]](run, key[1], outcome)


def _timer_fired(run: Run, timer_id: int, outcome: Outcome) -> Event:
    fired = event.TimerFired(timer_id=timer_id, started_event_id=run.timers[timer_id].started_event_id)
    outcome.append(run, fired)
    return fired


def _run_timed_out(execution: bool) -> Callable[[Run, int, Outcome], None]:
    def timed_out(run: Run, _: int, outcome: Outcome) -> None:
        activities.cancel_activities(run, outcome)
        outcome.append(run, event.WorkflowExecutionTimedOut(execution=execution))

    return timed_out


_DUE: dict[DeadlineKind, Callable[[Run, int, Outcome], Event | None]] = {
    DeadlineKind.RUN_TIMEOUT: _run_timed_out(execution=False),
    DeadlineKind.EXECUTION_TIMEOUT: _run_timed_out(execution=True),
    DeadlineKind.TIMER: _timer_fired,
    DeadlineKind.SCHEDULE_TO_START: activities.activity_timed_out("SCHEDULE_TO_START"),
    DeadlineKind.START_TO_CLOSE: activities.activity_timed_out("START_TO_CLOSE"),
    DeadlineKind.SCHEDULE_TO_CLOSE: activities.activity_timed_out("SCHEDULE_TO_CLOSE"),
    DeadlineKind.HEARTBEAT: activities.activity_timed_out("HEARTBEAT"),
    DeadlineKind.RETRY: activities.retry_due,
    DeadlineKind.CANCEL_GRACE: activities.cancel_grace_over,
}


# ---- decisions


def decide(run: Run, made: Iterable[Decision], outcome: Outcome, reserve: Callable[[str, str], bool]) -> list[Event]:
    """Make events of decisions.

    Args:
        run: The run that decided.
        made: Its decisions, in order.
        outcome: Takes the events and effects.
        reserve: Takes a free slot for an eager task, given task queue and activity type.

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
    outcome.append(run, event.TimerStarted(timer_id=decision.timer_id, fire_ms=decision.fire_ms))


def _cancel_timer(run: Run, decision: decisions.CancelTimer, outcome: Outcome) -> None:
    timer = run.timers.get(decision.timer_id)
    if timer is None:
        raise WorkflowTaskError(f"the workflow cancels timer {decision.timer_id}, which is not open")
    canceled = event.TimerCanceled(timer_id=decision.timer_id, started_event_id=timer.started_event_id)
    outcome.append(run, canceled)


def _complete(run: Run, decision: decisions.CompleteWorkflow, outcome: Outcome) -> None:
    activities.cancel_activities(run, outcome)
    outcome.append(run, event.WorkflowExecutionCompleted(result=decision.result))


def _fail(run: Run, decision: decisions.FailWorkflow, outcome: Outcome) -> None:
    activities.cancel_activities(run, outcome)
    outcome.append(run, event.WorkflowExecutionFailed(failure=decision.failure))


def _cancel(run: Run, decision: decisions.CancelWorkflow, outcome: Outcome) -> None:
    activities.cancel_activities(run, outcome)
    outcome.append(run, event.WorkflowExecutionCanceled(details=decision.details))


_DECISIONS: dict[type[Decision], Callable[[Run, Any, Outcome], None]] = {
    decisions.RequestCancelActivity: activities.request_cancel_activity,
    decisions.ScheduleLocalActivity: activities.schedule_local,
    decisions.CancelLocalActivity: activities.cancel_local,
    decisions.StartTimer: _start_timer,
    decisions.CancelTimer: _cancel_timer,
    decisions.StartChildWorkflow: children.start_child,
    decisions.SignalExternalWorkflow: external.signal_external,
    decisions.RequestCancelExternalWorkflow: external.cancel_external,
    decisions.CompleteWorkflow: _complete,
    decisions.FailWorkflow: _fail,
    decisions.CancelWorkflow: _cancel,
}
