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
        "FixedSizeSlotSupplier",
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
        "ResourceBasedSlotConfig",
        "ResourceBasedSlotSupplier",
        "ResourceBasedTunerConfig",
        "SharedStateManager",
        "SignalChildWorkflowInput",
        "SignalExternalWorkflowInput",
        "SlotSupplier",
        "StartActivityInput",
        "StartChildWorkflowInput",
        "StartLocalActivityInput",
        "UnsandboxedWorkflowRunner",
        "Worker",
        "WorkerConfig",
        "WorkerDeploymentConfig",
        "WorkerDeploymentVersion",
        "WorkerTuner",
        "WorkflowInboundInterceptor",
        "WorkflowInterceptorClassInput",
        "WorkflowOutboundInterceptor",
        "WorkflowReplayError",
        "WorkflowReplayResult",
        "WorkflowReplayResults",
        "WorkflowRunner",
    ]
