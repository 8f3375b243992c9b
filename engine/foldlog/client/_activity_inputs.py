"""What interceptors see of calls that are about activities: those ended from outside, and operations on open ones.

Names and meanings follow Temporal's `temporalio.client`. What an input has beyond that stands at its end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from foldlog.client._interceptor_base import Input
from foldlog.client._pages import PAGE_SIZE
from foldlog.common import (
    ActivityIDConflictPolicy,
    ActivityIDReusePolicy,
    Priority,
    RetryPolicy,
    TypedSearchAttributes,
)
from foldlog.schemas.common import Payload

if TYPE_CHECKING:
    from foldlog.client._activity_options import ActivityOptionsUpdate
    from foldlog.client._async_activity import AsyncActivityIDReference
    from foldlog.converter import DataConverter


@dataclass(kw_only=True)
class HeartbeatAsyncActivityInput(Input):
    """For `OutboundInterceptor.heartbeat_async_activity`."""

    id_or_token: AsyncActivityIDReference | bytes
    details: Sequence[Any]
    data_converter_override: DataConverter | None = None
    """In place of the client's."""


@dataclass(kw_only=True)
class CompleteAsyncActivityInput(Input):
    """For `OutboundInterceptor.complete_async_activity`."""

    id_or_token: AsyncActivityIDReference | bytes
    result: Any | None
    data_converter_override: DataConverter | None = None


@dataclass(kw_only=True)
class FailAsyncActivityInput(Input):
    """For `OutboundInterceptor.fail_async_activity`."""

    id_or_token: AsyncActivityIDReference | bytes
    error: Exception
    last_heartbeat_details: Sequence[Any]
    data_converter_override: DataConverter | None = None


@dataclass(kw_only=True)
class ReportCancellationAsyncActivityInput(Input):
    """For `OutboundInterceptor.report_cancellation_async_activity`."""

    id_or_token: AsyncActivityIDReference | bytes
    details: Sequence[Any]
    data_converter_override: DataConverter | None = None


@dataclass(kw_only=True)
class _OperationInput(Input):
    """What all operations on open activities have."""

    activity_id: str | None
    activity_type: str | None = None
    """All open activities of this type, instead of one."""
    activity_run_id: str | None = None
    """The run of an activity without a workflow."""
    id: str | None = None
    """The workflow; None: it is an activity without one."""
    run_id: str | None = None
    """The workflow's run."""


@dataclass(kw_only=True)
class PauseActivityInput(_OperationInput):
    """For `OutboundInterceptor.pause_activity`."""

    reason: str | None = None


@dataclass(kw_only=True)
class UnpauseActivityInput(_OperationInput):
    """For `OutboundInterceptor.unpause_activity`."""

    reason: str | None = None
    """Of activities without a workflow; goes no further than here."""
    jitter: timedelta | None = None
    reset_attempts: bool = False
    reset_heartbeat: bool = False


@dataclass(kw_only=True)
class ResetActivityInput(_OperationInput):
    """For `OutboundInterceptor.reset_activity`, which Temporal has not."""

    jitter: timedelta | None = None
    keep_paused: bool = False
    reset_heartbeat: bool = False
    restore_original_options: bool = False


@dataclass(kw_only=True)
class UpdateActivityOptionsInput(_OperationInput):
    """For `OutboundInterceptor.update_activity_options`."""

    updates: Sequence[ActivityOptionsUpdate[Any]] = ()
    """What changes, of an activity without a workflow."""
    restore_original: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    """What changes, of a workflow's, by the names of the arguments of `WorkflowHandle.update_activity_options`."""


@dataclass(kw_only=True)
class StartActivityInput(Input):
    """For `OutboundInterceptor.start_activity`."""

    activity_type: str
    args: Sequence[Any]
    id: str
    task_queue: str
    result_type: Any = None
    schedule_to_close_timeout: timedelta | None = None
    start_to_close_timeout: timedelta | None = None
    schedule_to_start_timeout: timedelta | None = None
    heartbeat_timeout: timedelta | None = None
    id_reuse_policy: ActivityIDReusePolicy = ActivityIDReusePolicy.ALLOW_DUPLICATE
    id_conflict_policy: ActivityIDConflictPolicy = ActivityIDConflictPolicy.FAIL
    retry_policy: RetryPolicy | None = None
    priority: Priority = Priority.default
    search_attributes: TypedSearchAttributes | None = None
    summary: str | None = None
    start_delay: timedelta | None = None
    headers: Mapping[str, Payload] = field(default_factory=dict)


@dataclass(kw_only=True)
class CancelActivityInput(Input):
    """For `OutboundInterceptor.cancel_activity`."""

    activity_id: str
    activity_run_id: str | None
    reason: str | None


@dataclass(kw_only=True)
class TerminateActivityInput(Input):
    """For `OutboundInterceptor.terminate_activity`."""

    activity_id: str
    activity_run_id: str | None
    reason: str | None


@dataclass(kw_only=True)
class DescribeActivityInput(Input):
    """For `OutboundInterceptor.describe_activity`."""

    activity_id: str
    activity_run_id: str | None
    include_input: bool = False
    include_outcome: bool = False
    include_heartbeat_details: bool = False
    include_last_failure: bool = False


@dataclass(kw_only=True)
class ListActivitiesInput(Input):
    """For `OutboundInterceptor.list_activities`."""

    query: str | None
    page_size: int = PAGE_SIZE
    next_page_token: bytes | None = None
    limit: int | None = None


@dataclass(kw_only=True)
class CountActivitiesInput(Input):
    """For `OutboundInterceptor.count_activities`."""

    query: str | None = None
