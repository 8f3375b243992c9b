"""What follows for other workflows when a run closes: its children, by their policies, and its parent.

A run that another one follows tells its parent nothing: its parent hears of the end of the chain. Its children are not
those of the run that follows, so their policies apply all the same, as in Temporal.
"""

from __future__ import annotations

from foldlog.core import initiators
from foldlog.core.children import as_parent, first_run_id
from foldlog.core.outcome import Outcome
from foldlog.core.state import Child, Run
from foldlog.core.views import closing_result, following_run_id
from foldlog.schemas import command
from foldlog.schemas.common import ReplyTo

REASON = "by parent close policy"
_NOBODY = ReplyTo(client_id="", partition=0, correlation_id=0)


def follow_close(run: Run, outcome: Outcome) -> None:
    """Tell the children and the parent of a run that has just closed. Call it once."""
    for event_id, child in run.children.items():
        if child.parent_close_policy != "ABANDON":
            _end_child(run, event_id, child, outcome)
    parent = run.started.parent
    if parent is None or following_run_id(run):
        return
    ended = closing_result(_NOBODY, run)
    closed = command.ChildWorkflowClosed(
        run_id=parent.run_id,
        initiated_event_id=parent.initiated_event_id,
        child_run_id=run.run_id,
        status=run.status,
        result=ended.result,
        failure=ended.failure,
        retry_state=ended.retry_state,
    )
    initiators.tell_parent_of_end(parent, closed, outcome)


def _end_child(run: Run, event_id: int, child: Child, outcome: Outcome) -> None:
    namespace = child.namespace or outcome.namespace
    if namespace != outcome.namespace and outcome.unreachable(namespace) is not None:
        return
    # Also one that has not told of its beginning yet: what starts it is in its partition before this is.
    first = child.run_id or first_run_id(as_parent(run, event_id, outcome.namespace))
    wanted: command.TerminateWorkflow | command.CancelWorkflow
    if child.parent_close_policy == "TERMINATE":
        wanted = command.TerminateWorkflow(first_execution_run_id=first, reason=REASON)
    else:
        wanted = command.CancelWorkflow(first_execution_run_id=first, reason=REASON)
    outcome.commands.append(outcome.addressed(namespace, child.workflow_id, wanted))
