"""Workflows that ask something of others: telling them what came of it.

The workflow that is asked calls this where a client would get its reply. The answer is a command to the one that
asked, which leaves with the transaction; nothing here looks at the other's state.
"""

from __future__ import annotations

from typing import Any

from foldlog.core.children import ALREADY_STARTED
from foldlog.core.decider import WorkflowTaskError
from foldlog.core.external import NOT_FOUND
from foldlog.core.outcome import MAXIMUM_WORKFLOW_ID_BYTES, CommandEntry, Outcome
from foldlog.core.session import Answer
from foldlog.core.versioning import INVALID_OVERRIDE, is_valid
from foldlog.schemas import command, reply
from foldlog.schemas.common import Failure, Initiator, ParentExecution


def tell_accepted(wanted: Any, run_id: str, outcome: Outcome) -> None:
    """What a workflow asked for is done, by this run."""
    initiator = getattr(wanted, "initiator", None)
    if initiator is not None:
        _tell(initiator, _resolve(initiator, target_run_id=run_id), outcome)
    elif (parent := getattr(wanted, "parent", None)) is not None:
        begun = command.ChildWorkflowStarted(
            run_id=parent.run_id, initiated_event_id=parent.initiated_event_id, child_run_id=run_id
        )
        if _is_reachable(parent, outcome):
            outcome.begun[run_id] = len(outcome.commands)
            # Not encoded yet: most often the word of its end takes this place.
            outcome.commands.append(CommandEntry(parent.namespace, parent.workflow_id, begun))


def tell_refused(wanted: Any, code: reply.RejectionCode, message: str, outcome: Outcome) -> None:
    """What a workflow asked for is refused."""
    initiator = getattr(wanted, "initiator", None)
    if initiator is not None:
        verb = "signal" if isinstance(wanted, command.SignalWorkflow) else "cancel"
        text = f"Unable to {verb} external workflow because it was not found: {message}"
        failure = Failure(kind="APPLICATION", type=_external_type(code), message=text)
        _tell(initiator, _resolve(initiator, failure=failure), outcome)
    elif (parent := getattr(wanted, "parent", None)) is not None:
        kind = ALREADY_STARTED if code == "ALREADY_STARTED" else _camel(code)
        if code == "INVALID_ARGUMENT" and not is_valid(wanted.options):
            kind = INVALID_OVERRIDE
        refused = command.ChildWorkflowStarted(
            run_id=parent.run_id,
            initiated_event_id=parent.initiated_event_id,
            failure=Failure(kind="APPLICATION", type=kind, message=message, non_retryable=True),
        )
        _tell(parent, refused, outcome)


def tell_again(wanted: Any, answer: Answer, rejected: reply.Rejected | None, outcome: Outcome) -> None:
    """The same was asked before: answer the same."""
    if rejected is None:
        tell_accepted(wanted, answer.run_id, outcome)
    else:
        tell_refused(wanted, rejected.code, rejected.message, outcome)


def tell_parent_of_end(parent: ParentExecution, closed: command.ChildWorkflowClosed, outcome: Outcome) -> None:
    """A child ended. If it began in the same transaction, this one word stands for both."""
    index = outcome.begun.pop(closed.child_run_id, None)
    _tell(parent, closed, outcome, index)


def _resolve(initiator: Initiator, **fields: Any) -> command.ResolveExternalWorkflow:
    return command.ResolveExternalWorkflow(
        run_id=initiator.run_id, initiated_event_id=initiator.initiated_event_id, **fields
    )


def _tell(whom: Initiator | ParentExecution, answer: Any, outcome: Outcome, instead_of: int | None = None) -> None:
    if not _is_reachable(whom, outcome):
        return
    try:
        entry = outcome.addressed(whom.namespace, whom.workflow_id, answer)
    except WorkflowTaskError:
        return  # No run can have asked so: the record does not come from a processor.
    if instead_of is None:
        outcome.commands.append(entry)
    else:
        outcome.commands[instead_of] = entry


def _is_reachable(whom: Initiator | ParentExecution, outcome: Outcome) -> bool:
    """Whether there can be a workflow that asked. Any program can write that there is."""
    if not 0 < len(whom.workflow_id.encode()) <= MAXIMUM_WORKFLOW_ID_BYTES:
        return False
    return whom.namespace == outcome.namespace or outcome.unreachable(whom.namespace) is None


def _external_type(code: reply.RejectionCode) -> str:
    return NOT_FOUND if code in ("NOT_FOUND", "ALREADY_CLOSED") else _camel(code)


def _camel(code: str) -> str:
    return "".join(part.capitalize() for part in code.split("_"))
