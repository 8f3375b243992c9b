"""What `foldlog.client` promises: a name that goes or comes is a decision, not an accident."""

from __future__ import annotations

import foldlog.client


def test_the_public_names() -> None:
    assert sorted(foldlog.client.__all__) == [
        "BrokerUnreachableError",
        "CancelWorkflowInput",
        "Client",
        "ClientConfig",
        "ConnectConfig",
        "DeadlineExceededError",
        "DescribeWorkflowInput",
        "FetchWorkflowHistoryEventsInput",
        "HeaderCodecBehavior",
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
        "RPC_TIMEOUT",
        "RecordTooLargeError",
        "SignalWorkflowInput",
        "StartOptions",
        "StartWorkflowInput",
        "StartWorkflowUpdateInput",
        "TerminateWorkflowInput",
        "TopicMissingError",
        "WithStartWorkflowOperation",
        "WorkflowAlreadyStartedError",
        "WorkflowContinuedAsNewError",
        "WorkflowExecution",
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
    assert all(hasattr(foldlog.client, name) for name in foldlog.client.__all__)
