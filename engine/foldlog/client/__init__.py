"""Client of durable workflows: start them, ask them, tell them. Names follow Temporal's `temporalio.client`."""

from foldlog.client._async_activity import AsyncActivityHandle, AsyncActivityIDReference
from foldlog.client._client import RPC_TIMEOUT, Client
from foldlog.client._deployments import (
    DeploymentHandle,
    WorkerDeploymentDescription,
    WorkerDeploymentVersionDescription,
    WorkerDeploymentVersionStatus,
)
from foldlog.client._description import (
    PendingActivity,
    PendingActivityState,
    PendingChild,
    PendingTimer,
    WorkflowExecution,
    WorkflowExecutionDescription,
    WorkflowExecutionStatus,
)
from foldlog.client._errors import (
    AsyncActivityCancelledError,
    RPCTimeoutOrCancelledError,
    WorkflowContinuedAsNewError,
    WorkflowFailureError,
    WorkflowQueryFailedError,
    WorkflowQueryRejectedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from foldlog.client._handle import WorkflowHandle
from foldlog.client._history import HistoryFormatError, WorkflowHistory
from foldlog.client._list import WorkflowExecutionAsyncIterator
from foldlog.client._start_options import StartOptions
from foldlog.client._updates import WorkflowUpdateHandle, WorkflowUpdateStage
from foldlog.client._with_start import WithStartWorkflowOperation
from foldlog.exceptions import (
    DeadlineExceededError,
    RPCError,
    RPCStatusCode,
    WorkflowAlreadyStartedError,
    WorkflowNotFoundError,
)
from foldlog.transport.errors import BrokerUnreachableError, NoAnswerError, RecordTooLargeError, TopicMissingError

__all__ = [
    "RPC_TIMEOUT",
    "AsyncActivityCancelledError",
    "AsyncActivityHandle",
    "AsyncActivityIDReference",
    "BrokerUnreachableError",
    "Client",
    "DeadlineExceededError",
    "DeploymentHandle",
    "HistoryFormatError",
    "NoAnswerError",
    "PendingActivity",
    "PendingActivityState",
    "PendingChild",
    "PendingTimer",
    "RPCError",
    "RPCStatusCode",
    "RPCTimeoutOrCancelledError",
    "RecordTooLargeError",
    "StartOptions",
    "TopicMissingError",
    "WithStartWorkflowOperation",
    "WorkerDeploymentDescription",
    "WorkerDeploymentVersionDescription",
    "WorkerDeploymentVersionStatus",
    "WorkflowAlreadyStartedError",
    "WorkflowContinuedAsNewError",
    "WorkflowExecution",
    "WorkflowExecutionAsyncIterator",
    "WorkflowExecutionDescription",
    "WorkflowExecutionStatus",
    "WorkflowFailureError",
    "WorkflowHandle",
    "WorkflowHistory",
    "WorkflowNotFoundError",
    "WorkflowQueryFailedError",
    "WorkflowQueryRejectedError",
    "WorkflowUpdateFailedError",
    "WorkflowUpdateHandle",
    "WorkflowUpdateRPCTimeoutOrCancelledError",
    "WorkflowUpdateStage",
]
