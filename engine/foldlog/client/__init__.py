"""Client of durable workflows: start them, ask them, tell them. Names follow Temporal's `temporalio.client`."""

from foldlog.client._async_activity import AsyncActivityHandle, AsyncActivityIDReference
from foldlog.client._client import RPC_TIMEOUT, Client
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
from foldlog.client._headers import HeaderCodecBehavior
from foldlog.client._history import HistoryFormatError, WorkflowHistory
from foldlog.client._interceptor import (
    CancelWorkflowInput,
    DescribeWorkflowInput,
    FetchWorkflowHistoryEventsInput,
    Interceptor,
    ListWorkflowsInput,
    OutboundInterceptor,
    QueryWorkflowInput,
    SignalWorkflowInput,
    StartWorkflowInput,
    StartWorkflowUpdateInput,
    StartWorkflowUpdateWithStartInput,
    TerminateWorkflowInput,
    UpdateWithStartStartWorkflowInput,
    UpdateWithStartUpdateWorkflowInput,
)
from foldlog.client._list import WorkflowExecutionAsyncIterator
from foldlog.client._plugin import ClientConfig, ConnectConfig, Plugin
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
    "CancelWorkflowInput",
    "Client",
    "ClientConfig",
    "ConnectConfig",
    "DeadlineExceededError",
    "DescribeWorkflowInput",
    "FetchWorkflowHistoryEventsInput",
    "HeaderCodecBehavior",
    "HistoryFormatError",
    "Interceptor",
    "ListWorkflowsInput",
    "NoAnswerError",
    "OutboundInterceptor",
    "PendingActivity",
    "PendingActivityState",
    "PendingChild",
    "PendingTimer",
    "Plugin",
    "QueryWorkflowInput",
    "RPCError",
    "RPCStatusCode",
    "RPCTimeoutOrCancelledError",
    "RecordTooLargeError",
    "SignalWorkflowInput",
    "StartOptions",
    "StartWorkflowInput",
    "StartWorkflowUpdateInput",
    "StartWorkflowUpdateWithStartInput",
    "TerminateWorkflowInput",
    "TopicMissingError",
    "UpdateWithStartStartWorkflowInput",
    "UpdateWithStartUpdateWorkflowInput",
    "WithStartWorkflowOperation",
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
