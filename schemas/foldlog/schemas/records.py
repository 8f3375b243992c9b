"""Which records go where: the unions of the record classes, for type checking and dispatch."""

from __future__ import annotations

from foldlog.schemas import command, event, log, reply

Command = (
    command.StartWorkflow
    | command.SignalWorkflow
    | command.QueryWorkflow
    | command.CancelWorkflow
    | command.TerminateWorkflow
    | command.DescribeWorkflow
    | command.GetHistory
    | command.AwaitResult
    | command.ActivityStarted
    | command.HeartbeatActivity
    | command.CompleteActivity
    | command.FailActivity
    | command.CancelActivity
    | command.UpdateWorkflow
    | command.AwaitUpdate
    | command.ResolveExternalWorkflow
    | command.ChildWorkflowStarted
    | command.ChildWorkflowClosed
    | command.PauseActivity
    | command.UnpauseActivity
    | command.ResetActivity
    | command.UpdateActivityOptions
    | command.UpdateWorkflowOptions
    | command.SetDeployment
    | command.DescribeDeployments
)
"""What `<ns>.commands` carries."""

Event = (
    event.WorkflowExecutionStarted
    | event.WorkflowExecutionSignaled
    | event.WorkflowExecutionCancelRequested
    | event.WorkflowExecutionCompleted
    | event.WorkflowExecutionFailed
    | event.WorkflowExecutionCanceled
    | event.WorkflowExecutionTerminated
    | event.WorkflowExecutionTimedOut
    | event.ActivityTaskScheduled
    | event.ActivityTaskCompleted
    | event.ActivityTaskFailed
    | event.ActivityTaskTimedOut
    | event.ActivityTaskCancelRequested
    | event.ActivityTaskCanceled
    | event.TimerStarted
    | event.TimerFired
    | event.TimerCanceled
    | event.LocalActivityCompleted
    | event.WorkflowTaskScheduled
    | event.WorkflowExecutionContinuedAsNew
    | event.WorkflowExecutionUpdateAccepted
    | event.WorkflowExecutionUpdateCompleted
    | event.StartChildWorkflowExecutionInitiated
    | event.StartChildWorkflowExecutionFailed
    | event.ChildWorkflowExecutionStarted
    | event.ChildWorkflowExecutionCompleted
    | event.ChildWorkflowExecutionFailed
    | event.ChildWorkflowExecutionCanceled
    | event.ChildWorkflowExecutionTimedOut
    | event.ChildWorkflowExecutionTerminated
    | event.SignalExternalWorkflowExecutionInitiated
    | event.SignalExternalWorkflowExecutionFailed
    | event.ExternalWorkflowExecutionSignaled
    | event.RequestCancelExternalWorkflowExecutionInitiated
    | event.RequestCancelExternalWorkflowExecutionFailed
    | event.ExternalWorkflowExecutionCancelRequested
    | event.UpsertWorkflowSearchAttributes
    | event.WorkflowPropertiesModified
    | event.PatchRecorded
)
"""The history events that `<ns>.events` carries."""

RunRecord = (
    log.ActivityAttempt
    | log.ActivityOptionsChanged
    | log.WorkflowStalled
    | log.CommandDeferred
    | log.WorkflowResumed
    | log.WorkflowOptionsChanged
    | log.LocalActivityStarted
)
"""Records of `<ns>.events` that change a run's state without being part of its history."""

LogRecord = (
    Event
    | RunRecord
    | log.PartitionOpened
    | log.BatchBegun
    | log.BatchCommitted
    | log.RequestRejected
    | log.DeploymentChanged
)
"""All that `<ns>.events` carries."""

Reply = (
    reply.Accepted
    | reply.Rejected
    | reply.WorkflowResult
    | reply.QueryAnswer
    | reply.Description
    | reply.HistoryPage
    | reply.PartitionMoved
    | reply.ActivityCancelRequested
    | reply.UpdateReply
    | reply.Deployments
)
"""What `<ns>.replies` carries."""
