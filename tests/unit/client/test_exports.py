"""What `foldlog.client` promises: a name that goes or comes is a decision, not an accident."""

from __future__ import annotations

import foldlog.client


def test_the_public_names() -> None:
    assert sorted(foldlog.client.__all__) == [
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
        "RPC_TIMEOUT",
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
    assert all(hasattr(foldlog.client, name) for name in foldlog.client.__all__)
