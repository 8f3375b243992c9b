"""A description as Temporal's service answers it, for programs that read its message: names and nesting of
`DescribeWorkflowExecutionResponse`.

Owns which of its fields are there. Times are not: they are messages of their own there, and attributes of the
description here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

if TYPE_CHECKING:
    from foldlog.client._description import PendingActivity, PendingChild, WorkflowExecutionDescription

_ACTIVITY_STATES = {"SCHEDULED": 1, "BACKOFF": 1, "STARTED": 2, "CANCEL_REQUESTED": 3}
_PAUSED = 4
_CLOSE_POLICIES: dict[str, Literal[1, 2, 3]] = {"TERMINATE": 1, "ABANDON": 2, "REQUEST_CANCEL": 3}


class Named(Struct, frozen=True):
    """A type, or a task queue."""

    name: str


class Execution(Struct, frozen=True):
    """A run."""

    workflow_id: str
    run_id: str


class ExecutionConfig(Struct, frozen=True, kw_only=True):
    """What a run was started with."""

    task_queue: Named


class ExecutionInfo(Struct, frozen=True, kw_only=True):
    """What is known of a run."""

    execution: Execution
    type: Named
    status: int
    task_queue: str
    history_length: int
    history_size_bytes: int
    first_run_id: str
    parent_namespace_id: str
    parent_execution: Execution
    root_execution: Execution


class PendingActivityInfo(Struct, frozen=True, kw_only=True):
    """An activity that has not ended."""

    activity_id: str
    activity_type: Named
    state: int
    attempt: int
    paused: bool
    last_worker_identity: str


class PendingChildExecutionInfo(Struct, frozen=True, kw_only=True):
    """A child that has not ended."""

    workflow_id: str
    run_id: str
    workflow_type_name: str
    initiated_id: int
    parent_close_policy: int


class RawDescription(Struct, frozen=True, kw_only=True):
    """All of it."""

    execution_config: ExecutionConfig
    workflow_execution_info: ExecutionInfo
    pending_activities: Sequence[PendingActivityInfo]
    pending_children: Sequence[PendingChildExecutionInfo]


def raw(found: WorkflowExecutionDescription) -> RawDescription:
    """The message that a description would be."""
    return RawDescription(
        execution_config=ExecutionConfig(task_queue=Named(found.task_queue)),
        workflow_execution_info=ExecutionInfo(
            execution=Execution(found.id, found.run_id),
            type=Named(found.workflow_type),
            status=int(found.status),
            task_queue=found.task_queue,
            history_length=found.history_length,
            history_size_bytes=found.history_size,
            first_run_id=found.first_execution_run_id,
            parent_namespace_id=found.parent_namespace or "",
            parent_execution=Execution(found.parent_id or "", found.parent_run_id or ""),
            root_execution=Execution(found.root_id, found.root_run_id),
        ),
        pending_activities=[_activity(activity) for activity in found.pending_activities],
        pending_children=[_child(child) for child in found.pending_children],
    )


def _activity(activity: PendingActivity) -> PendingActivityInfo:
    return PendingActivityInfo(
        activity_id=activity.activity_id,
        activity_type=Named(activity.activity_type),
        state=_PAUSED if activity.paused else _ACTIVITY_STATES[activity.state.name],
        attempt=activity.attempt,
        paused=activity.paused,
        last_worker_identity=activity.identity,
    )


def _child(child: PendingChild) -> PendingChildExecutionInfo:
    return PendingChildExecutionInfo(
        workflow_id=child.workflow_id,
        run_id=child.run_id or "",
        workflow_type_name=child.workflow_type,
        initiated_id=child.initiated_event_id,
        parent_close_policy=_CLOSE_POLICIES[child.parent_close_policy],
    )
