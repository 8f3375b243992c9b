"""Errors of asking something of a workflow, and which refusal becomes which of them."""

from __future__ import annotations

from foldlog.activity import ActivityCancellationDetails
from foldlog.client._status import WorkflowExecutionStatus
from foldlog.converter import DataConverter
from foldlog.exceptions import (
    FailedPreconditionError,
    FailureError,
    FoldlogError,
    InvalidArgumentError,
    RPCError,
    RPCStatusCode,
    WorkflowAlreadyStartedError,
    WorkflowNotFoundError,
)
from foldlog.schemas.records import Reply
from foldlog.schemas.reply import Rejected


class WorkflowFailureError(FoldlogError):
    """A workflow ended without a result. `cause` says how: it failed, was cancelled or terminated, or timed out."""

    def __init__(self, *, cause: BaseException) -> None:
        """Make one."""
        super().__init__(f"the workflow ended without a result: {type(cause).__name__}: {cause}")
        self.__cause__ = cause

    @property
    def cause(self) -> BaseException:
        """How it ended: `ApplicationError`, `ActivityError`, `CancelledError`, `TerminatedError` or `TimeoutError`."""
        assert self.__cause__ is not None
        return self.__cause__


class WorkflowContinuedAsNewError(FoldlogError):
    """The run continued as a new one, and `result` was asked not to follow.

    Attributes:
        new_execution_run_id: The new run.
    """

    def __init__(self, new_execution_run_id: str) -> None:
        """Make one."""
        super().__init__(f"the workflow continued as new run {new_execution_run_id}")
        self.new_execution_run_id = new_execution_run_id


class WorkflowQueryRejectedError(FoldlogError):
    """The workflow's status is one in which the query was not wanted (`reject_condition`).

    Attributes:
        status: That status.
    """

    def __init__(self, message: str, status: WorkflowExecutionStatus) -> None:
        """Make one."""
        super().__init__(message)
        self.status = status


class WorkflowQueryFailedError(FoldlogError):
    """The query handler raised, or there is no such handler. `__cause__` is what it raised, where known."""

    @property
    def message(self) -> str:
        """What the handler said."""
        return str(self)


class AsyncActivityCancelledError(FoldlogError):
    """The activity is to stop: its cancellation was asked for, or it was paused or reset.

    Attributes:
        details: Which of these.
    """

    def __init__(self, details: ActivityCancellationDetails | None = None) -> None:
        """Make one."""
        super().__init__("the activity is to stop")
        self.details = details


class ActivityFailureError(FoldlogError):
    """An activity without a workflow ended without a result."""

    def __init__(self, *, cause: BaseException) -> None:
        """Make one."""
        super().__init__(f"the activity did not complete: {type(cause).__name__}: {cause}")
        self.__cause__ = cause

    @property
    def cause(self) -> BaseException:
        """How it ended: ApplicationError, CancelledError, TerminatedError or TimeoutError."""
        assert self.__cause__ is not None
        return self.__cause__


class WorkflowUpdateFailedError(FoldlogError):
    """An update was refused, its handler failed, or the workflow ended before its handler did."""

    def __init__(self, cause: BaseException) -> None:
        """Make one."""
        super().__init__(f"the update failed: {type(cause).__name__}: {cause}")
        self.__cause__ = cause

    @property
    def cause(self) -> BaseException:
        """What the validator or the handler raised, usually an `ApplicationError`."""
        assert self.__cause__ is not None
        return self.__cause__


class RPCTimeoutOrCancelledError(FoldlogError):
    """Waiting for an answer took too long, or was cancelled. What was asked for may happen all the same."""


class WorkflowUpdateRPCTimeoutOrCancelledError(RPCTimeoutOrCancelledError):
    """Waiting for an update took too long, or was cancelled. The update itself goes on."""

    def __init__(self) -> None:
        """Make one."""
        super().__init__("waiting for the update timed out or was cancelled; the update itself may go on")


async def raise_rejected(
    rejected: Rejected, workflow_id: str, converter: DataConverter, workflow_type: str = ""
) -> None:
    """Raises what a refusal stands for."""
    match rejected.code:
        case "NOT_FOUND" | "ALREADY_CLOSED":
            raise WorkflowNotFoundError(rejected.message, closed=rejected.code == "ALREADY_CLOSED")
        case "ALREADY_STARTED":
            raise WorkflowAlreadyStartedError(workflow_id, workflow_type, run_id=rejected.run_id or None)
        case "INVALID_ARGUMENT":
            raise InvalidArgumentError(rejected.message)
        case "FAILED_PRECONDITION" | "NOT_BEGUN":
            raise FailedPreconditionError(rejected.message)
        case "RESOURCE_EXHAUSTED":
            raise RPCError(rejected.message, RPCStatusCode.RESOURCE_EXHAUSTED)
        case "QUERY_REJECTED":
            raise WorkflowQueryRejectedError(rejected.message, WorkflowExecutionStatus[rejected.status])
        case "QUERY_FAILED":
            cause = None if rejected.failure is None else await converter.decode_failure(rejected.failure)
            # The reply's own message may be what a failure converter left of it.
            message = cause.message if isinstance(cause, FailureError) else rejected.message
            raise WorkflowQueryFailedError(message) from cause
        case _:
            raise RPCError(rejected.message)


def unexpected(reply: Reply) -> RPCError:
    """The error for an answer that does not fit the question."""
    return RPCError(
        f"a {type(reply).__name__} is no answer to what was asked: do client and processor run the same version?",
        RPCStatusCode.INTERNAL,
    )
