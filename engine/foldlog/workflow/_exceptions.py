"""Errors and warnings that workflow code meets. Knows nothing of how workflows are run."""

from __future__ import annotations

from foldlog.core.decider import NondeterminismError
from foldlog.exceptions import FoldlogError

__all__ = [
    "NondeterminismError",
    "NondeterminismWarning",
    "NotInWorkflowError",
    "ReadOnlyContextError",
    "RestrictedWorkflowAccessError",
    "UnfinishedSignalHandlersWarning",
    "UnfinishedTasksWarning",
    "UnfinishedUpdateHandlersWarning",
]


class NotInWorkflowError(FoldlogError):
    """A function of `foldlog.workflow` was called outside of a workflow."""

    def __init__(self) -> None:
        super().__init__("not in a workflow: this works only in code that a workflow runs")


class ReadOnlyContextError(FoldlogError):
    """A query handler, a validator of updates, or a condition, tried to decide something or to start a task."""


class RestrictedWorkflowAccessError(NondeterminismError):
    """Workflow code did what would come out differently in replay. The message says what to use instead."""


class NondeterminismWarning(RuntimeWarning):
    """Workflow code uses something that comes out differently in replay, such as the clock of the machine."""


class UnfinishedSignalHandlersWarning(RuntimeWarning):
    """The workflow ended while async signal handlers of it were still running."""


class UnfinishedTasksWarning(RuntimeWarning):
    """The workflow ended while tasks of it were still running that nobody awaited."""


class UnfinishedUpdateHandlersWarning(RuntimeWarning):
    """The workflow ended while update handlers of it were still running: who sent the updates gets an error."""
