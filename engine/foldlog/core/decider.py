"""The seam between the state machine and whatever decides: workflow code in this process, or later elsewhere.

A decider stands for the code of one run. It is told what happened, one event at a time, and returns decisions. Each
event that comes from outside the code (a start, a signal, a completion, a timer) is one activation: the code runs
until it waits again, and the events of its decisions follow that event in the history at once, before any other.
So a history needs no markers of where the code ran, and replay is the same sequence of calls.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

from foldlog.core.decisions import Decision
from foldlog.schemas.common import Failure, Payload, VersioningBehavior
from foldlog.schemas.event import (
    WorkflowExecutionSignaled,
    WorkflowExecutionStarted,
    WorkflowExecutionUpdateAccepted,
)
from foldlog.schemas.records import Event


class Decider(Protocol):
    """The code of one run, waiting for what happens next. Used by one thread at a time."""

    replaying: bool
    """True while history is told again: logs are silent, and decisions carry their source."""
    history_size: int
    """Bytes of the run's events up to the one that is told next; set by the caller."""
    patches: Collection[str]
    """Patches that the history records as passed in the activation that comes next; set by the caller in replay."""
    target_changed: Callable[[], bool] | None
    """Whether new runs begin on another version than the one this is pinned to; None: it is on no version."""

    @property
    def versioning_behavior(self) -> VersioningBehavior:
        """How its code wants to be versioned, known once it has begun; UNSPECIFIED: as it is."""

    def activate(self, event: Event) -> list[Decision]:
        """Tell the code what happened and run it until it waits.

        Args:
            event: An event from outside the code: WorkflowExecutionStarted (always the first),
                WorkflowExecutionSignaled, WorkflowExecutionCancelRequested, ActivityTaskCompleted, -Failed,
                -TimedOut, -Canceled, TimerFired, LocalActivityCompleted, WorkflowExecutionUpdateAccepted,
                WorkflowTaskScheduled. If the first says
                that the run is held, what comes before WorkflowTaskScheduled is kept until then, and nothing is
                decided.

        Raises:
            WorkflowTaskError: The code raised something that is no workflow failure, or broke a rule. The decider
                must not be used any more.
        """

    def foretell(self, signals: Sequence[WorkflowExecutionSignaled]) -> None:
        """Hand over signals that are told in one step with the event that `activate` is given next, and before it."""

    def recorded(self, event: Event) -> None:
        """Tell the code which event became of its next decision: ActivityTaskScheduled, TimerStarted and so on.

        Called once for each decision that leaves an event, in the order in which they were made.
        """

    def unhandled_signals(self) -> Sequence[WorkflowExecutionSignaled]:
        """Signals that were told and that no handler has taken, in their order."""

    def takes_update(self, update_name: str) -> bool:
        """Whether there is a handler for an update now. One of a held run may come when its code begins."""

    def validate(self, update: WorkflowExecutionUpdateAccepted) -> Failure | None:
        """Ask the code whether it takes an update. It must decide nothing and change nothing.

        Args:
            update: What will be told by `activate` if it does, not numbered yet.

        Returns:
            Why the update is refused: there is no handler, the arguments do not fit, or its validator raised. None: it
            is taken.

        Raises:
            WorkflowTaskError: As `activate`.
        """

    def query(self, query_type: str, args: Sequence[Payload], header: Mapping[str, Payload] | None = None) -> Payload:
        """Run a query handler, which must decide nothing.

        Args:
            query_type: Which one.
            args: Its arguments.
            header: What interceptors passed along; None: nothing.

        Raises:
            QueryFailed: There is no such handler, the arguments do not fit, or the handler raised.
        """

    def failure_of(self, error: NondeterminismError) -> Failure | None:
        """What fails the run where a difference from its history is to end it; None: it stalls."""

    def stack(self) -> str:
        """Where each task of the workflow waits, for people."""

    def close(self) -> None:
        """Drop the code without running any more of it; also cleanup code of the workflow must not run."""


class DeciderFactory(Protocol):
    """Makes deciders for the workflow types that this process has.

    Where payloads in the log are not as the code sees them, it also has `seal`, which gets the decisions that are about
    to be recorded, and their decider, and returns them as they are for the log; and, if decoding takes its time,
    `foresee`, which gets commands and events that deciders will soon be told of. Either may be absent, or None.
    """

    def create(self, workflow_id: str, started: WorkflowExecutionStarted) -> Decider:
        """A decider for a run that has not been activated yet.

        Raises:
            WorkflowTaskError: Its workflow type is not registered.
        """


class WorkflowTaskError(Exception):
    """The code of a run could not be run on: the run stalls until it can.

    Attributes:
        stack_trace: The stack of what was raised, in the format of the code's language.
    """

    def __init__(self, message: str, stack_trace: str = "") -> None:
        super().__init__(message)
        self.stack_trace = stack_trace


class VersionNotHostedError(WorkflowTaskError):
    """The run belongs to a version of the code that this process does not have. Trying again here is of no use until
    the deployment is changed or another process has the partition; then all stalled runs are tried."""


class NondeterminismError(WorkflowTaskError):
    """The code decides otherwise than the history says. The message names the first difference.

    Attributes:
        failure: What it fails the run with, as it is recorded; None: the run stalls.
    """

    failure: Failure | None = None


class QueryFailed(Exception):
    """A query has no answer.

    Attributes:
        failure: What the handler raised, or why it was not called.
    """

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure
