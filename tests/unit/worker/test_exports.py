"""What `foldlog.worker` promises: a name that goes or comes is a decision, not an accident."""

from __future__ import annotations

import foldlog.worker


def test_the_public_names() -> None:
    assert sorted(foldlog.worker.__all__) == [
        "ActivityInboundInterceptor",
        "ActivityOutboundInterceptor",
        "ContinueAsNewInput",
        "ExecuteActivityInput",
        "ExecuteWorkflowInput",
        "HandleQueryInput",
        "HandleSignalInput",
        "HandleUpdateInput",
        "Interceptor",
        "PatchActivationInput",
        "Plugin",
        "PollerBehavior",
        "PollerBehaviorAutoscaling",
        "PollerBehaviorSimpleMaximum",
        "Replayer",
        "ReplayerConfig",
        "SharedStateManager",
        "SignalChildWorkflowInput",
        "SignalExternalWorkflowInput",
        "StartActivityInput",
        "StartChildWorkflowInput",
        "StartLocalActivityInput",
        "UnsandboxedWorkflowRunner",
        "Worker",
        "WorkerConfig",
        "WorkerDeploymentConfig",
        "WorkflowInboundInterceptor",
        "WorkflowInterceptorClassInput",
        "WorkflowOutboundInterceptor",
        "WorkflowReplayError",
        "WorkflowReplayResult",
        "WorkflowReplayResults",
        "WorkflowRunner",
    ]
