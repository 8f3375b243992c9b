"""Signals and requests to cancel from one workflow to another: asking, and what comes of it.

Owns both ends: what the run that asks records and sends, and what the one that is asked answers. As in `machine`, no
function looks beyond the one run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from foldlog.core import decisions
from foldlog.core.outcome import Outcome
from foldlog.core.state import Run
from foldlog.schemas import command, event
from foldlog.schemas.common import Failure, Initiator
from foldlog.schemas.records import Event

NOT_FOUND = "ExternalWorkflowExecutionNotFound"
"""Type of the failure where the other workflow is not there, is closed, or is no child."""
NAMESPACE_NOT_FOUND = "NamespaceNotFound"
"""Type of the failure where there is no such namespace, or nothing may be sent to it."""


# ---- decisions


def ask(run: Run, decision: Any, initiated: Event, wanted: Any, refusal: Any, outcome: Outcome) -> None:
    """Record that something is asked of another workflow, and ask it.

    Args:
        run: The run that asks.
        decision: Says whom.
        initiated: The event to record.
        wanted: The command to send.
        refusal: The answer, without its failure, if the other's namespace is not there.
        outcome: Takes all of it.

    Raises:
        WorkflowTaskError: It is too large, or there can be no such workflow. Nothing is recorded.
    """
    entry = outcome.addressed(decision.namespace, decision.workflow_id, wanted)
    outcome.append(run, initiated)
    why = None if decision.namespace == outcome.namespace else outcome.unreachable(decision.namespace)
    if why is not None:
        # As if it came from there, in a later transaction: all that the code decides now comes first.
        refusal.failure = Failure(kind="APPLICATION", type=NAMESPACE_NOT_FOUND, message=why, non_retryable=True)
        entry = outcome.addressed(outcome.namespace, run.workflow_id, refusal)
    outcome.commands.append(entry)


def signal_external(run: Run, decision: decisions.SignalExternalWorkflow, outcome: Outcome) -> None:
    """Record a signal to another workflow, and send it."""
    event_id = run.last_event_id + 1
    initiated = event.SignalExternalWorkflowExecutionInitiated(
        namespace="" if decision.namespace == outcome.namespace else decision.namespace,
        workflow_id=decision.workflow_id,
        target_run_id=decision.run_id,
        child_only=decision.child_only,
        signal_name=decision.signal_name,
        args=decision.args,
    )
    signal = command.SignalWorkflow(
        request_id=f"{run.run_id}/{event_id}",
        run_id=decision.run_id,
        signal_name=decision.signal_name,
        args=decision.args,
        header=decision.header,
        initiator=_initiator(run, event_id, outcome),
        child_only=decision.child_only,
    )
    ask(run, decision, initiated, signal, _refusal(run, event_id), outcome)


def cancel_external(run: Run, decision: decisions.RequestCancelExternalWorkflow, outcome: Outcome) -> None:
    """Record a request to cancel another workflow, and send it."""
    event_id = run.last_event_id + 1
    initiated = event.RequestCancelExternalWorkflowExecutionInitiated(
        namespace="" if decision.namespace == outcome.namespace else decision.namespace,
        workflow_id=decision.workflow_id,
        target_run_id=decision.run_id,
        child_only=decision.child_only,
        reason=decision.reason,
    )
    cancel = command.CancelWorkflow(
        request_id=f"{run.run_id}/{event_id}",
        run_id=decision.run_id,
        reason=decision.reason,
        initiator=_initiator(run, event_id, outcome),
        child_only=decision.child_only,
    )
    ask(run, decision, initiated, cancel, _refusal(run, event_id), outcome)


def _initiator(run: Run, event_id: int, outcome: Outcome) -> Initiator:
    return Initiator(
        namespace=outcome.namespace, workflow_id=run.workflow_id, run_id=run.run_id, initiated_event_id=event_id
    )


def _refusal(run: Run, event_id: int) -> command.ResolveExternalWorkflow:
    return command.ResolveExternalWorkflow(run_id=run.run_id, initiated_event_id=event_id)


# ---- the one that is asked


def is_childs_parent(run: Run, initiator: Initiator | None) -> bool:
    """Whether the run is a child of the one that asks."""
    parent = run.started.parent
    return (
        parent is not None
        and initiator is not None
        and (parent.namespace, parent.workflow_id, parent.run_id)
        == (initiator.namespace, initiator.workflow_id, initiator.run_id)
    )


# ---- answers


def resolved(run: Run, wanted: command.ResolveExternalWorkflow, outcome: Outcome) -> Event | None:
    """What became of a signal or a request to cancel. What nobody waits for changes nothing."""
    event_id = wanted.initiated_event_id
    asked = run.external.get(event_id)
    if asked is None:
        return None
    answer: Event
    if wanted.failure is None:
        answer = _DONE[asked](initiated_event_id=event_id)
    else:
        answer = _FAILED[asked](initiated_event_id=event_id, failure=wanted.failure)
    outcome.append(run, answer)
    return answer


_DONE: dict[str, Callable[..., Event]] = {
    "SIGNAL": event.ExternalWorkflowExecutionSignaled,
    "CANCEL": event.ExternalWorkflowExecutionCancelRequested,
}
_FAILED: dict[str, Callable[..., Event]] = {
    "SIGNAL": event.SignalExternalWorkflowExecutionFailed,
    "CANCEL": event.RequestCancelExternalWorkflowExecutionFailed,
}
