"""Child workflows in the state machine: what the run's code asks for, and what its children answer.

As in `machine`, each function takes the state of one run and an outcome, appends the records that follow, and returns
the event that the run's code must be told of, if any. What becomes of children when the run closes is in `closing`.
"""

from __future__ import annotations

import hashlib
from typing import Any

from foldlog.core import decisions
from foldlog.core.decider import WorkflowTaskError
from foldlog.core.external import ask
from foldlog.core.outcome import Outcome
from foldlog.core.state import Run
from foldlog.schemas import command, event
from foldlog.schemas.common import Failure, ParentExecution, Payload
from foldlog.schemas.records import Event

ALREADY_STARTED = "WorkflowAlreadyStarted"
"""Type of the failure of a child whose workflow ID is in use."""


def first_run_id(parent: ParentExecution) -> str:
    """The run ID that a child begins with.

    It follows from the event that asked for the child. So a start that is repeated is known for what it is for as long
    as the run is, and the parent can name the child before it has heard of it.
    """
    asked = f"{parent.namespace}\0{parent.workflow_id}\0{parent.run_id}\0{parent.initiated_event_id}"
    return hashlib.blake2b(asked.encode(), digest_size=16).hexdigest()


def as_parent(run: Run, initiated_event_id: int, namespace: str) -> ParentExecution:
    """The run as the parent of a child.

    Args:
        run: The run.
        initiated_event_id: The event that asked for the child.
        namespace: The run's own.
    """
    above = run.started.parent
    return ParentExecution(
        namespace=namespace,
        workflow_id=run.workflow_id,
        run_id=run.run_id,
        initiated_event_id=initiated_event_id,
        root_workflow_id=(above.root_workflow_id or above.workflow_id) if above else "",
        root_run_id=(above.root_run_id or above.run_id) if above else "",
        first_execution_run_id=run.started.first_execution_run_id,
    )


# ---- decisions


def start_child(run: Run, decision: decisions.StartChildWorkflow, outcome: Outcome) -> None:
    """Record that the child is asked for, and send the start to where the child will live."""
    event_id = run.last_event_id + 1
    initiated = event.StartChildWorkflowExecutionInitiated(
        namespace="" if decision.namespace == outcome.namespace else decision.namespace,
        workflow_id=decision.workflow_id,
        workflow_type=decision.workflow_type,
        task_queue=decision.task_queue,
        args=decision.args,
        parent_close_policy=decision.parent_close_policy,
    )
    start = command.StartWorkflow(
        request_id=f"{run.run_id}/{event_id}",
        workflow_type=decision.workflow_type,
        task_queue=decision.task_queue,
        args=decision.args,
        id_reuse_policy=decision.id_reuse_policy,
        execution_timeout_ms=decision.execution_timeout_ms,
        run_timeout_ms=decision.run_timeout_ms,
        memo=decision.memo,
        options=decision.options,
        parent=as_parent(run, event_id, outcome.namespace),
    )
    refusal = command.ChildWorkflowStarted(run_id=run.run_id, initiated_event_id=event_id)
    ask(run, decision, initiated, start, refusal, outcome)


# ---- answers


def child_started(run: Run, wanted: command.ChildWorkflowStarted, outcome: Outcome) -> Event | None:
    """A child has begun, or cannot begin. What is known already changes nothing."""
    child = run.children.get(wanted.initiated_event_id)
    if child is None or child.run_id:
        return None
    answer: Event
    if wanted.failure is not None:
        answer = event.StartChildWorkflowExecutionFailed(
            initiated_event_id=wanted.initiated_event_id, failure=wanted.failure
        )
    else:
        answer = event.ChildWorkflowExecutionStarted(
            initiated_event_id=wanted.initiated_event_id, child_run_id=wanted.child_run_id
        )
    outcome.append(run, answer)
    return answer


def child_closed(run: Run, wanted: command.ChildWorkflowClosed, outcome: Outcome) -> Event | None:
    """A child ended. One that is not known to have begun is recorded as begun first; call it again then."""
    event_id = wanted.initiated_event_id
    child = run.children.get(event_id)
    if child is None:
        return None
    if not child.run_id:
        own = as_parent(run, event_id, outcome.namespace)
        began = event.ChildWorkflowExecutionStarted(initiated_event_id=event_id, child_run_id=first_run_id(own))
        outcome.append(run, began)
        return began
    ended = _ended(wanted)
    try:
        outcome.append(run, ended)
    except WorkflowTaskError as error:
        # Too large for this history: it would be so each time, and the child is over.
        failure = Failure(kind="APPLICATION", type="ResultRefused", message=str(error), non_retryable=True)
        ended = event.ChildWorkflowExecutionFailed(
            initiated_event_id=event_id, child_run_id=wanted.child_run_id, failure=failure
        )
        outcome.append(run, ended)
    return ended


def _ended(wanted: command.ChildWorkflowClosed) -> Event:
    about: dict[str, Any] = {"initiated_event_id": wanted.initiated_event_id, "child_run_id": wanted.child_run_id}
    if wanted.status == "COMPLETED":
        return event.ChildWorkflowExecutionCompleted(**about, result=wanted.result or Payload(encoding="binary/null"))
    failure = wanted.failure or Failure(message=f"the child ended as {wanted.status}, and nothing says why")
    kind = _UNHAPPY_ENDS.get(wanted.status, event.ChildWorkflowExecutionFailed)
    ended: Event = kind(**about, failure=failure, retry_state=wanted.retry_state)
    return ended


_UNHAPPY_ENDS: dict[str, Any] = {
    "FAILED": event.ChildWorkflowExecutionFailed,
    "CANCELED": event.ChildWorkflowExecutionCanceled,
    "TERMINATED": event.ChildWorkflowExecutionTerminated,
    "TIMED_OUT": event.ChildWorkflowExecutionTimedOut,
}
