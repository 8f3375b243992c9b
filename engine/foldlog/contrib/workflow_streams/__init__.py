"""Streams of workflows: a workflow publishes items, and whoever knows its ID reads them as they come, from any offset.

The items are in the workflow's state; what goes over the log are ordinary signals, updates and queries. Names follow
Temporal's `temporalio.contrib.workflow_streams`. docs/streams.md tells how it is used.
"""

from foldlog.contrib.workflow_streams._client import WorkflowStreamClient
from foldlog.contrib.workflow_streams._stream import WorkflowStream
from foldlog.contrib.workflow_streams._topics import TopicHandle, WorkflowTopicHandle
from foldlog.contrib.workflow_streams._types import (
    PollInput,
    PollResult,
    PublishEntry,
    PublisherState,
    PublishInput,
    WorkflowStreamItem,
    WorkflowStreamState,
)

__all__ = [
    "PollInput",
    "PollResult",
    "PublishEntry",
    "PublishInput",
    "PublisherState",
    "TopicHandle",
    "WorkflowStream",
    "WorkflowStreamClient",
    "WorkflowStreamItem",
    "WorkflowStreamState",
    "WorkflowTopicHandle",
]
