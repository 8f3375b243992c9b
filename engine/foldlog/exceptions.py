"""Exceptions of foldlog's public API.

Owns the root of all errors, the failures that cross from an activity or a workflow to whoever waits for it (names and
meanings follow Temporal's), and the errors of asking something of a workflow. Knows neither Kafka nor records' bytes;
`foldlog.converter` turns failures into records and back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from enum import IntEnum
from typing import Any

from foldlog.schemas.common import Failure

__all__ = [
    "ActivityAlreadyStartedError",
    "ActivityError",
    "ApplicationError",
    "ApplicationErrorCategory",
    "CancelledError",
    "ChildWorkflowError",
    "ConfigurationError",
    "DeadlineExceededError",
    "DefinitionError",
    "FailedPreconditionError",
    "FailureError",
    "FoldlogError",
    "InvalidArgumentError",
    "InvalidVersioningOverrideError",
    "PayloadConversionError",
    "RPCError",
    "RPCStatusCode",
    "RetryState",
    "ServerError",
    "TemporalError",
    "TerminatedError",
    "TimeoutError",
    "TimeoutType",
    "UnavailableError",
    "WorkflowAlreadyStartedError",
    "WorkflowNotFoundError",
    "is_cancelled_exception",
]


class FoldlogError(Exception):
    """Root of every error that foldlog raises on purpose."""

    @property
    def cause(self) -> BaseException | None:
        """What caused it, if anything did: `__cause__`."""
        return self.__cause__


TemporalError = FoldlogError
"""Its name in programs that come from Temporal."""


class ConfigurationError(FoldlogError, ValueError):
    """An option is missing, unknown or has a value that cannot work.

    The message names the option and says what to do.

    Attributes:
        option: Name of the option, as the user writes it; empty where no single one is to blame.
    """

    def __init__(self, message: str, *, option: str = "") -> None:
        super().__init__(message)
        self.option = option


class DefinitionError(ConfigurationError, TypeError):
    """A workflow or an activity is declared, or named, in a way that cannot work."""


class PayloadConversionError(FoldlogError, TypeError):
    """A value cannot be converted to a payload, or a payload to the type that is wanted.

    Attributes:
        where: The part that does not fit, such as `args[0].items[3].price`; empty: all of it.
        problem: What is wrong with it, such as `expected float, got str`.
    """

    def __init__(self, problem: str, where: str = "") -> None:
        super().__init__(f"{where}: {problem}" if where else problem)
        self.where = where
        self.problem = problem

    def within(self, outer: str) -> PayloadConversionError:
        """The same error, where the value is known to be a part of another.

        Args:
            outer: What the value is, such as `args[0]` or `result`.
        """
        return PayloadConversionError(self.problem, f"{outer}{self.where}")


# Failures: what crosses from an activity or a workflow to whoever waits for it.


class ApplicationErrorCategory(IntEnum):
    """How much an application error matters."""

    UNSPECIFIED = 0
    BENIGN = 1
    """Expected: neither logged nor counted as an error."""


class RetryState(IntEnum):
    """Why there was no further attempt. Names are the symbols in the log."""

    UNSPECIFIED = 0
    IN_PROGRESS = 1
    NON_RETRYABLE_FAILURE = 2
    TIMEOUT = 3
    MAXIMUM_ATTEMPTS_REACHED = 4
    RETRY_POLICY_NOT_SET = 5
    INTERNAL_SERVER_ERROR = 6
    CANCEL_REQUESTED = 7


class TimeoutType(IntEnum):
    """Which timeout passed. Names are the symbols in the log."""

    UNSPECIFIED = 0
    START_TO_CLOSE = 1
    SCHEDULE_TO_START = 2
    SCHEDULE_TO_CLOSE = 3
    HEARTBEAT = 4


class FailureError(FoldlogError):
    """Root of the failures of activities and workflows.

    Raised in workflow code, a failure fails the workflow; any other exception only stalls it.
    """

    def __init__(
        self, message: str, *, failure: Failure | None = None, exc_args: tuple[Any, ...] | None = None
    ) -> None:
        """Make one.

        Args:
            message: For people.
            failure: The record that it was read from, if it was.
            exc_args: `args` of the exception, where they are not just the message.
        """
        super().__init__(*(exc_args if exc_args is not None else (message,)))
        self._message = message
        self._failure = failure

    @property
    def message(self) -> str:
        """The message alone, without a type in front."""
        return self._message

    @property
    def failure(self) -> Failure | None:
        """The record that this was read from; None if it was raised in this process."""
        return self._failure

    def __reduce__(self) -> tuple[Any, ...]:
        # Keyword-only arguments defeat the default way, and an activity in a process pool raises through a pickle.
        return _unpickle, (type(self), self.args, self.__dict__.copy(), self.__cause__)


def _unpickle(
    cls: type[FailureError], args: tuple[Any, ...], attributes: dict[str, Any], cause: BaseException | None
) -> FailureError:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(attributes)
    error.__cause__ = cause
    return error


class ApplicationError(FailureError):
    """An error of the application: raise it in activities and workflows to say how it is to be treated."""

    def __init__(
        self,
        message: str,
        *details: Any,
        type: str | None = None,
        non_retryable: bool = False,
        next_retry_delay: timedelta | None = None,
        category: ApplicationErrorCategory = ApplicationErrorCategory.UNSPECIFIED,
    ) -> None:
        """Make one.

        Args:
            message: For people.
            *details: Values for whoever handles it; they are converted like results are.
            type: Name that `RetryPolicy.non_retryable_error_types` matches and that handlers look at.
            non_retryable: Whether the attempt must not be repeated, whatever the retry policy says.
            next_retry_delay: Wait before the next attempt, instead of what the retry policy says.
            category: How much it matters.
        """
        super().__init__(message, exc_args=(message if not type else f"{type}: {message}",))
        self._details = details
        self._type = type
        self._non_retryable = non_retryable
        self._next_retry_delay = next_retry_delay
        self._category = category

    @property
    def details(self) -> Sequence[Any]:
        """Details that it was made with."""
        return self._details

    @property
    def type(self) -> str | None:
        """Type that it was made with."""
        return self._type

    @property
    def non_retryable(self) -> bool:
        """Whether it was made so that it is never retried. The retry policy may forbid it as well."""
        return self._non_retryable

    @property
    def next_retry_delay(self) -> timedelta | None:
        """Wait before the next attempt; None: as the retry policy says."""
        return self._next_retry_delay

    @property
    def category(self) -> ApplicationErrorCategory:
        """How much it matters."""
        return self._category


class CancelledError(FailureError):
    """A workflow or an activity was cancelled.

    This is the failure, not `asyncio.CancelledError`, which cancels a task.
    """

    def __init__(self, message: str = "Cancelled", *details: Any) -> None:
        """Make one with details for whoever asked for the cancellation."""
        super().__init__(message)
        self._details = details

    @property
    def details(self) -> Sequence[Any]:
        """Details that it was made with."""
        return self._details


class TerminatedError(FailureError):
    """A workflow was terminated."""

    def __init__(self, message: str, *details: Any) -> None:
        """Make one with the details that were given on termination."""
        super().__init__(message)
        self._details = details

    @property
    def details(self) -> Sequence[Any]:
        """Details that were given on termination."""
        return self._details


class TimeoutError(FailureError):
    """An activity or a workflow ran out of time. Not the built-in of the same name."""

    def __init__(
        self, message: str, *, type: TimeoutType | None = None, last_heartbeat_details: Sequence[Any] = ()
    ) -> None:
        """Make one.

        Args:
            message: For people.
            type: Which timeout passed.
            last_heartbeat_details: What the activity's last heartbeat carried.
        """
        super().__init__(message)
        self._type = type
        self._last_heartbeat_details = last_heartbeat_details

    @property
    def type(self) -> TimeoutType | None:
        """Which timeout passed."""
        return self._type

    @property
    def last_heartbeat_details(self) -> Sequence[Any]:
        """What the activity's last heartbeat carried."""
        return self._last_heartbeat_details


class ServerError(FailureError):
    """foldlog itself could not run an activity or a workflow."""

    def __init__(self, message: str, *, non_retryable: bool = False) -> None:
        """Make one."""
        super().__init__(message)
        self._non_retryable = non_retryable

    @property
    def non_retryable(self) -> bool:
        """Whether another attempt is pointless."""
        return self._non_retryable


class ActivityError(FailureError):
    """An activity ended without a result. `cause` says why: the failure of its last attempt."""

    def __init__(
        self,
        message: str,
        *,
        scheduled_event_id: int,
        started_event_id: int = 0,
        identity: str,
        activity_type: str,
        activity_id: str,
        retry_state: RetryState | None,
    ) -> None:
        """Make one; see the properties."""
        super().__init__(message)
        self._scheduled_event_id = scheduled_event_id
        self._started_event_id = started_event_id
        self._identity = identity
        self._activity_type = activity_type
        self._activity_id = activity_id
        self._retry_state = retry_state

    @property
    def scheduled_event_id(self) -> int:
        """ID of the event in the history that scheduled it; 0 for a local activity."""
        return self._scheduled_event_id

    @property
    def started_event_id(self) -> int:
        """What it was made with: 0 in those of foldlog, whose histories need not say when a short attempt began."""
        return self._started_event_id

    @property
    def identity(self) -> str:
        """The worker that ran the last attempt; empty if none did."""
        return self._identity

    @property
    def activity_type(self) -> str:
        """Name of the activity."""
        return self._activity_type

    @property
    def activity_id(self) -> str:
        """ID of the activity within its run."""
        return self._activity_id

    @property
    def retry_state(self) -> RetryState | None:
        """Why there was no further attempt."""
        return self._retry_state


class ChildWorkflowError(FailureError):
    """A child workflow ended without a result. `cause` says why."""

    def __init__(
        self,
        message: str,
        *,
        namespace: str,
        workflow_id: str,
        run_id: str,
        workflow_type: str,
        initiated_event_id: int,
        started_event_id: int,
        retry_state: RetryState | None,
    ) -> None:
        """Make one; see the properties."""
        super().__init__(message)
        self._namespace = namespace
        self._workflow_id = workflow_id
        self._run_id = run_id
        self._workflow_type = workflow_type
        self._initiated_event_id = initiated_event_id
        self._started_event_id = started_event_id
        self._retry_state = retry_state

    @property
    def namespace(self) -> str:
        """Namespace of the child."""
        return self._namespace

    @property
    def workflow_id(self) -> str:
        """Workflow ID of the child."""
        return self._workflow_id

    @property
    def run_id(self) -> str:
        """Run of the child."""
        return self._run_id

    @property
    def workflow_type(self) -> str:
        """Type of the child."""
        return self._workflow_type

    @property
    def initiated_event_id(self) -> int:
        """ID of the event in the history that asked for it."""
        return self._initiated_event_id

    @property
    def started_event_id(self) -> int:
        """ID of the event in the history that says that it began; 0 if it did not."""
        return self._started_event_id

    @property
    def retry_state(self) -> RetryState | None:
        """Why there was no further attempt."""
        return self._retry_state


class WorkflowAlreadyStartedError(FailureError):
    """A workflow of this ID exists, and the reuse or conflict policy refuses another.

    Attributes:
        workflow_id: The ID.
        workflow_type: The type that was to be started.
        run_id: The run that is in the way, if known.
        first_run_id: The first run of its chain, if known.
    """

    def __init__(
        self, workflow_id: str, workflow_type: str, *, run_id: str | None = None, first_run_id: str | None = None
    ) -> None:
        """Make one."""
        super().__init__(
            f"workflow {workflow_id!r} exists already: choose another ID, or set id_conflict_policy (it is running)"
            " or id_reuse_policy (it is closed)"
        )
        self.workflow_id = workflow_id
        self.workflow_type = workflow_type
        self.run_id = run_id
        self.first_run_id = first_run_id


class InvalidVersioningOverrideError(FailureError):
    """A child workflow cannot start, since there can be no such version as its `versioning_override` says.

    Raised in the workflow that wants to start it. `cause` says what is wrong with the version.
    """

    def __init__(self) -> None:
        """Make one."""
        super().__init__("Invalid versioning override")


class ActivityAlreadyStartedError(FailureError):
    """An activity of this ID exists that no workflow asked for, and the reuse or conflict policy refuses another.

    Attributes:
        activity_id: The ID.
        activity_type: The type that was to be started.
        run_id: The run that is in the way, if known.
    """

    def __init__(self, activity_id: str, activity_type: str, *, run_id: str | None = None) -> None:
        """Make one."""
        super().__init__(f"Activity execution already started: {activity_id!r}")
        self.activity_id = activity_id
        self.activity_type = activity_type
        self.run_id = run_id


def is_cancelled_exception(exception: BaseException) -> bool:
    """Whether this is a cancellation, in any of its forms.

    True for `asyncio.CancelledError`, `CancelledError`, and an `ActivityError` or `ChildWorkflowError` whose cause is
    a `CancelledError`.
    """
    if isinstance(exception, (asyncio.CancelledError, CancelledError)):
        return True
    return isinstance(exception, (ActivityError, ChildWorkflowError)) and isinstance(exception.cause, CancelledError)


# Asking something of a workflow.


class RPCStatusCode(IntEnum):
    """What became of a request. Names and numbers are gRPC's, since programs written for Temporal compare them."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


class RPCError(FoldlogError):
    """A request to a workflow was refused or got no answer. The subclasses say which; `status` does so in gRPC's terms.

    Nothing here speaks gRPC: the name is Temporal's, for programs that come from there.
    """

    status: RPCStatusCode = RPCStatusCode.UNKNOWN

    def __init__(self, message: str, status: RPCStatusCode | None = None, raw_grpc_status: bytes = b"") -> None:
        """Make one.

        Args:
            message: For people: what happened and what to do.
            status: What became of the request, if the class does not say so already.
            raw_grpc_status: Kept as it is.
        """
        super().__init__(message)
        self.raw_grpc_status = raw_grpc_status
        if status is not None:
            self.status = status

    @property
    def message(self) -> str:
        """What happened and what to do."""
        return str(self)


class WorkflowNotFoundError(RPCError):
    """There is no such workflow or run, or it is closed already and cannot take this any more.

    Attributes:
        closed: Whether it is known, and closed.
    """

    status = RPCStatusCode.NOT_FOUND

    def __init__(self, message: str, status: RPCStatusCode | None = None, *, closed: bool = False) -> None:
        """Make one.

        Args:
            message: For people.
            status: See `RPCError`.
            closed: Whether the workflow is known, and closed.
        """
        super().__init__(message, status)
        self.closed = closed


class InvalidArgumentError(RPCError):
    """The request cannot be carried out as it is."""

    status = RPCStatusCode.INVALID_ARGUMENT


class FailedPreconditionError(RPCError):
    """The workflow, or the deployment, is not in a state in which this can be done."""

    status = RPCStatusCode.FAILED_PRECONDITION


class UnavailableError(RPCError):
    """The other side cannot be reached: the broker is away."""

    status = RPCStatusCode.UNAVAILABLE


class DeadlineExceededError(RPCError):
    """Nobody answered in time. The request is in the log and may still be carried out."""

    status = RPCStatusCode.DEADLINE_EXCEEDED
