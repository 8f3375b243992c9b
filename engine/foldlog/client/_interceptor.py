"""What may stand between a client's calls and the log: interceptors, and the inputs that they see and may change.

Names and meanings follow Temporal's `temporalio.client`. What an input has beyond that stands at its end.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from foldlog.client._activity_inputs import (
    CancelActivityInput,
    CompleteAsyncActivityInput,
    CountActivitiesInput,
    DescribeActivityInput,
    FailAsyncActivityInput,
    HeartbeatAsyncActivityInput,
    ListActivitiesInput,
    PauseActivityInput,
    ReportCancellationAsyncActivityInput,
    ResetActivityInput,
    StartActivityInput,
    TerminateActivityInput,
    UnpauseActivityInput,
    UpdateActivityOptionsInput,
)
from foldlog.client._interceptor_base import Input
from foldlog.client._pages import PAGE_SIZE
from foldlog.client._schedule_inputs import (
    BackfillScheduleInput,
    CreateScheduleInput,
    DeleteScheduleInput,
    DescribeScheduleInput,
    ListSchedulesInput,
    PauseScheduleInput,
    TriggerScheduleInput,
    UnpauseScheduleInput,
    UpdateScheduleInput,
)
from foldlog.common import (
    QueryRejectCondition,
    RetryPolicy,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from foldlog.schemas.common import Payload
from foldlog.schemas.records import Event

if TYPE_CHECKING:
    from foldlog.client._activity_description import (
        ActivityExecution,
        ActivityExecutionCount,
        ActivityExecutionDescription,
    )
    from foldlog.client._activity_handle import ActivityHandle
    from foldlog.client._activity_options import ActivityExecutionOptions
    from foldlog.client._description import (
        WorkflowExecution,
        WorkflowExecutionDescription,
        WorkflowExecutionStatus,
    )
    from foldlog.client._handle import WorkflowHandle
    from foldlog.client._list import WorkflowExecutionCount
    from foldlog.client._schedule_description import ScheduleDescription
    from foldlog.client._schedules import ScheduleAsyncIterator, ScheduleHandle
    from foldlog.client._updates import WorkflowUpdateHandle, WorkflowUpdateStage
    from foldlog.schemas.reply import UpdateReply

Headers = Mapping[str, Payload]
"""What is passed along with a call. Not encoded by a codec, unless the client's `header_codec_behavior` says so."""


@dataclass(kw_only=True)
class StartWorkflowInput(Input):
    """For `OutboundInterceptor.start_workflow`."""

    workflow: str
    args: Sequence[Any]
    id: str
    task_queue: str
    execution_timeout: timedelta | None = None
    run_timeout: timedelta | None = None
    task_timeout: timedelta | None = None
    id_reuse_policy: WorkflowIDReusePolicy = WorkflowIDReusePolicy.ALLOW_DUPLICATE
    id_conflict_policy: WorkflowIDConflictPolicy = WorkflowIDConflictPolicy.UNSPECIFIED
    retry_policy: RetryPolicy | None = None
    cron_schedule: str = ""
    memo: Mapping[str, Any] | None = None
    search_attributes: Any = None
    start_delay: timedelta | None = None
    headers: Headers = field(default_factory=dict)
    start_signal: str | None = None
    start_signal_args: Sequence[Any] = ()
    static_summary: str | None = None
    static_details: str | None = None
    ret_type: Any = None
    request_eager_start: bool = False
    priority: Any = None
    versioning_override: Any = None
    request_id: str | None = None
    given: frozenset[str] = frozenset()
    """Options that the caller gave. Those that were not, and are at their defaults, are not passed on."""


@dataclass(kw_only=True)
class CancelWorkflowInput(Input):
    """For `OutboundInterceptor.cancel_workflow`."""

    id: str
    run_id: str | None
    first_execution_run_id: str | None
    reason: str = ""


@dataclass(kw_only=True)
class DescribeWorkflowInput(Input):
    """For `OutboundInterceptor.describe_workflow`."""

    id: str
    run_id: str | None


class WorkflowHistoryEventFilterType(IntEnum):
    """Which events of a history are wanted."""

    ALL_EVENT = 1
    CLOSE_EVENT = 2
    """The one with which the run ends, once it does."""


@dataclass(kw_only=True)
class FetchWorkflowHistoryEventsInput(Input):
    """For `OutboundInterceptor.fetch_workflow_history_events`: of `fetch_history`, and of waiting for a result.

    Who waits for a result waits for the event that closes the run. It is made of the answer, and has nothing
    but what was answered: how the run ended, and which run follows.
    """

    id: str
    run_id: str | None
    page_size: int | None = None
    next_page_token: bytes | None = None
    wait_new_event: bool = False
    event_filter_type: WorkflowHistoryEventFilterType = WorkflowHistoryEventFilterType.ALL_EVENT
    skip_archival: bool = False
    as_recorded: bool = False
    """Whether the events are wanted as the history has them: not by who waits for a result."""


@dataclass(kw_only=True)
class ListWorkflowsInput(Input):
    """For `OutboundInterceptor.list_workflows`."""

    query: str | None = None
    page_size: int = PAGE_SIZE
    next_page_token: bytes | None = None
    limit: int | None = None
    status: WorkflowExecutionStatus | None = None
    workflow_type: str | None = None
    id_prefix: str | None = None


@dataclass(kw_only=True)
class CountWorkflowsInput(Input):
    """For `OutboundInterceptor.count_workflows`."""

    query: str | None = None


@dataclass(kw_only=True)
class QueryWorkflowInput(Input):
    """For `OutboundInterceptor.query_workflow`."""

    id: str
    run_id: str | None
    query: str
    args: Sequence[Any]
    reject_condition: QueryRejectCondition | None = None
    headers: Headers = field(default_factory=dict)
    ret_type: Any = None


@dataclass(kw_only=True)
class SignalWorkflowInput(Input):
    """For `OutboundInterceptor.signal_workflow`."""

    id: str
    run_id: str | None
    signal: str
    args: Sequence[Any]
    headers: Headers = field(default_factory=dict)
    request_id: str | None = None


@dataclass(kw_only=True)
class TerminateWorkflowInput(Input):
    """For `OutboundInterceptor.terminate_workflow`."""

    id: str
    run_id: str | None
    first_execution_run_id: str | None
    args: Sequence[Any]
    reason: str | None = None


@dataclass(kw_only=True)
class StartWorkflowUpdateInput(Input):
    """For `OutboundInterceptor.start_workflow_update`."""

    id: str
    run_id: str | None
    first_execution_run_id: str | None
    update_id: str | None
    update: str
    args: Sequence[Any]
    wait_for_stage: WorkflowUpdateStage
    headers: Headers = field(default_factory=dict)
    ret_type: Any = None


@dataclass(kw_only=True)
class UpdateWithStartUpdateWorkflowInput:
    """The update of a `StartWorkflowUpdateWithStartInput`."""

    update_id: str | None
    update: str
    args: Sequence[Any]
    wait_for_stage: WorkflowUpdateStage
    headers: Headers = field(default_factory=dict)
    ret_type: Any = None


@dataclass(kw_only=True)
class UpdateWithStartStartWorkflowInput:
    """The start of a `StartWorkflowUpdateWithStartInput`."""

    workflow: str
    args: Sequence[Any]
    id: str
    task_queue: str
    execution_timeout: timedelta | None = None
    run_timeout: timedelta | None = None
    task_timeout: timedelta | None = None
    id_reuse_policy: WorkflowIDReusePolicy = WorkflowIDReusePolicy.ALLOW_DUPLICATE
    id_conflict_policy: WorkflowIDConflictPolicy = WorkflowIDConflictPolicy.UNSPECIFIED
    retry_policy: RetryPolicy | None = None
    cron_schedule: str = ""
    memo: Mapping[str, Any] | None = None
    search_attributes: Any = None
    start_delay: timedelta | None = None
    headers: Headers = field(default_factory=dict)
    static_summary: str | None = None
    static_details: str | None = None
    ret_type: Any = None
    request_eager_start: bool = False
    priority: Any = None
    versioning_override: Any = None
    given: frozenset[str] = frozenset()
    """Options that the caller gave. Those that were not, and are at their defaults, are not passed on."""


@dataclass(kw_only=True)
class StartWorkflowUpdateWithStartInput(Input):
    """For `OutboundInterceptor.start_update_with_start_workflow`."""

    start_workflow_input: UpdateWithStartStartWorkflowInput
    update_workflow_input: UpdateWithStartUpdateWorkflowInput
    _on_start: Callable[[UpdateReply], None]
    """Called as soon as the workflow is known to run."""
    _on_start_error: Callable[[BaseException], None]
    """Called if none does."""


class Interceptor:
    """Intercepts the calls of a client. If it is a worker's interceptor too, workers of the client take it as well."""

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        """Put an interceptor before another one. Called once per client.

        Args:
            next: The one to hand calls on to.
        """
        return next


class OutboundInterceptor:
    """Sees each call of a client before it goes to the log. Derive from it and override what is wanted."""

    def __init__(self, next: OutboundInterceptor) -> None:
        """Make one that hands everything on.

        Args:
            next: Where to.
        """
        self.next = next

    async def start_workflow(self, input: StartWorkflowInput) -> WorkflowHandle[Any, Any]:
        """`Client.start_workflow`, and the first half of `Client.execute_workflow`."""
        return await self.next.start_workflow(input)

    async def cancel_workflow(self, input: CancelWorkflowInput) -> None:
        """`WorkflowHandle.cancel`."""
        await self.next.cancel_workflow(input)

    async def describe_workflow(self, input: DescribeWorkflowInput) -> WorkflowExecutionDescription:
        """`WorkflowHandle.describe`."""
        return await self.next.describe_workflow(input)

    def fetch_workflow_history_events(self, input: FetchWorkflowHistoryEventsInput) -> AsyncIterator[Event]:
        """`WorkflowHandle.fetch_history_events` and `fetch_history`."""
        return self.next.fetch_workflow_history_events(input)

    def list_workflows(self, input: ListWorkflowsInput) -> AsyncIterator[WorkflowExecution]:
        """`Client.list_workflows`."""
        return self.next.list_workflows(input)

    async def count_workflows(self, input: CountWorkflowsInput) -> WorkflowExecutionCount:
        """`Client.count_workflows`."""
        return await self.next.count_workflows(input)

    async def query_workflow(self, input: QueryWorkflowInput) -> Any:
        """`WorkflowHandle.query`."""
        return await self.next.query_workflow(input)

    async def signal_workflow(self, input: SignalWorkflowInput) -> None:
        """`WorkflowHandle.signal`."""
        await self.next.signal_workflow(input)

    async def terminate_workflow(self, input: TerminateWorkflowInput) -> None:
        """`WorkflowHandle.terminate`."""
        await self.next.terminate_workflow(input)

    async def start_workflow_update(self, input: StartWorkflowUpdateInput) -> WorkflowUpdateHandle[Any]:
        """`WorkflowHandle.start_update` and `execute_update`."""
        return await self.next.start_workflow_update(input)

    async def start_update_with_start_workflow(
        self, input: StartWorkflowUpdateWithStartInput
    ) -> WorkflowUpdateHandle[Any]:
        """`Client.start_update_with_start_workflow` and `execute_update_with_start_workflow`."""
        return await self.next.start_update_with_start_workflow(input)

    async def start_activity(self, input: StartActivityInput) -> ActivityHandle[Any]:
        """`Client.start_activity` and the like, and the first half of `Client.execute_activity`."""
        return await self.next.start_activity(input)

    async def cancel_activity(self, input: CancelActivityInput) -> None:
        """`ActivityHandle.cancel`."""
        await self.next.cancel_activity(input)

    async def terminate_activity(self, input: TerminateActivityInput) -> None:
        """`ActivityHandle.terminate`."""
        await self.next.terminate_activity(input)

    async def describe_activity(self, input: DescribeActivityInput) -> ActivityExecutionDescription:
        """`ActivityHandle.describe`."""
        return await self.next.describe_activity(input)

    async def count_activities(self, input: CountActivitiesInput) -> ActivityExecutionCount:
        """`Client.count_activities`."""
        return await self.next.count_activities(input)

    def list_activities(self, input: ListActivitiesInput) -> AsyncIterator[ActivityExecution]:
        """`Client.list_activities`."""
        return self.next.list_activities(input)

    async def pause_activity(self, input: PauseActivityInput) -> None:
        """`WorkflowHandle.pause_activity` and `ActivityHandle.pause`."""
        await self.next.pause_activity(input)

    async def unpause_activity(self, input: UnpauseActivityInput) -> None:
        """`WorkflowHandle.unpause_activity` and `ActivityHandle.unpause`."""
        await self.next.unpause_activity(input)

    async def reset_activity(self, input: ResetActivityInput) -> None:
        """`WorkflowHandle.reset_activity`."""
        await self.next.reset_activity(input)

    async def update_activity_options(self, input: UpdateActivityOptionsInput) -> ActivityExecutionOptions:
        """`ActivityHandle.update_options` and `restore_original_options`, `WorkflowHandle.update_activity_options`.

        What comes back is for the first two; the third takes None as well.
        """
        return await self.next.update_activity_options(input)

    async def heartbeat_async_activity(self, input: HeartbeatAsyncActivityInput) -> None:
        """`AsyncActivityHandle.heartbeat`."""
        await self.next.heartbeat_async_activity(input)

    async def complete_async_activity(self, input: CompleteAsyncActivityInput) -> None:
        """`AsyncActivityHandle.complete`."""
        await self.next.complete_async_activity(input)

    async def fail_async_activity(self, input: FailAsyncActivityInput) -> None:
        """`AsyncActivityHandle.fail`."""
        await self.next.fail_async_activity(input)

    async def report_cancellation_async_activity(self, input: ReportCancellationAsyncActivityInput) -> None:
        """`AsyncActivityHandle.report_cancellation`."""
        await self.next.report_cancellation_async_activity(input)

    async def create_schedule(self, input: CreateScheduleInput) -> ScheduleHandle:
        """`Client.create_schedule`."""
        return await self.next.create_schedule(input)

    def list_schedules(self, input: ListSchedulesInput) -> ScheduleAsyncIterator:
        """`Client.list_schedules`."""
        return self.next.list_schedules(input)

    async def backfill_schedule(self, input: BackfillScheduleInput) -> None:
        """`ScheduleHandle.backfill`."""
        await self.next.backfill_schedule(input)

    async def delete_schedule(self, input: DeleteScheduleInput) -> None:
        """`ScheduleHandle.delete`."""
        await self.next.delete_schedule(input)

    async def describe_schedule(self, input: DescribeScheduleInput) -> ScheduleDescription:
        """`ScheduleHandle.describe`."""
        return await self.next.describe_schedule(input)

    async def pause_schedule(self, input: PauseScheduleInput) -> None:
        """`ScheduleHandle.pause`."""
        await self.next.pause_schedule(input)

    async def trigger_schedule(self, input: TriggerScheduleInput) -> None:
        """`ScheduleHandle.trigger`."""
        await self.next.trigger_schedule(input)

    async def unpause_schedule(self, input: UnpauseScheduleInput) -> None:
        """`ScheduleHandle.unpause`."""
        await self.next.unpause_schedule(input)

    async def update_schedule(self, input: UpdateScheduleInput) -> None:
        """`ScheduleHandle.update`. What it asks before it changes anything is not seen by `describe_schedule`."""
        await self.next.update_schedule(input)
