"""Calls of a client that has interceptors: into their inputs, through the chain, and out at its end.

The end of the chain makes the same call on a client without interceptors, which puts the input's headers on whatever
command it sends. So calls themselves know nothing of interceptors but whether there are any.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import fields
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

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
from foldlog.client._closing import closing_events
from foldlog.client._history_events import wanted_events
from foldlog.client._interceptor import (
    CancelWorkflowInput,
    CountWorkflowsInput,
    DescribeWorkflowInput,
    FetchWorkflowHistoryEventsInput,
    Headers,
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
    WorkflowHistoryEventFilterType,
)
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
from foldlog.client._types import UNSET
from foldlog.exceptions import ConfigurationError
from foldlog.schemas.records import Event
from foldlog.workflow._definition import Definition

if TYPE_CHECKING:
    from foldlog.client._activity_description import (
        ActivityExecution,
        ActivityExecutionCount,
        ActivityExecutionDescription,
    )
    from foldlog.client._activity_handle import ActivityHandle
    from foldlog.client._async_activity import AsyncActivityHandle
    from foldlog.client._client import Client
    from foldlog.client._description import WorkflowExecution, WorkflowExecutionDescription
    from foldlog.client._handle import WorkflowHandle
    from foldlog.client._list import WorkflowExecutionCount
    from foldlog.client._schedule_description import ScheduleDescription
    from foldlog.client._schedules import ScheduleAsyncIterator, ScheduleHandle
    from foldlog.client._updates import WorkflowUpdateHandle

_START_FIELDS = {field.name: field for field in fields(StartWorkflowInput)}
WITH_START_FIELDS = {field.name: field for field in fields(UpdateWithStartStartWorkflowInput)}
_NO_OPTIONS = frozenset({"workflow", "args", "id", "task_queue", "headers", "ret_type", "rpc_metadata", "given"})


def chain(client: Client, interceptors: Sequence[Interceptor]) -> OutboundInterceptor | None:
    """The first of a client's interceptors, each with the next one behind it; None: it has none.

    Raises:
        ConfigurationError: One puts nothing before the next one: calls would pass by all of them.
    """
    if not interceptors:
        return None
    outbound: OutboundInterceptor = _Root(client)
    for interceptor in reversed(interceptors):
        outbound = interceptor.intercept_client(outbound)
        if not isinstance(outbound, OutboundInterceptor):
            raise ConfigurationError(
                f"intercept_client of {interceptor!r} must return an OutboundInterceptor, not {outbound!r}",
                option="interceptors",
            )
    return outbound


def one_or_all(arg: Any, args: Sequence[Any]) -> Sequence[Any]:
    """The arguments of a call.

    Raises:
        ValueError: One argument and several were given.
    """
    if arg is UNSET:
        return args
    if args:
        raise ValueError("give either one argument or args, not both")
    return [arg]


async def start_workflow(
    outbound: OutboundInterceptor,
    workflow: Any,
    args: Sequence[Any],
    id: str,
    task_queue: str,
    result_type: Any,
    options: Mapping[str, Any],
) -> WorkflowHandle[Any, Any]:
    """See `Client.start_workflow`."""
    name, known_type = Definition.name_and_result_type(workflow)
    signal = options.get("start_signal")
    known = {key: value for key, value in options.items() if key in _START_FIELDS}
    if signal is not None and not isinstance(signal, str):
        known["start_signal"] = _signal_name(signal)
    if len(known) < len(options):
        raise TypeError(f"unknown options: {', '.join(sorted(set(options) - set(known)))}")
    started = StartWorkflowInput(
        workflow=name,
        args=args,
        id=id,
        task_queue=task_queue,
        ret_type=known_type if result_type is None else result_type,
        given=frozenset(known),
        **known,
    )
    return await outbound.start_workflow(started)


def _signal_name(signal: Any) -> str:
    from foldlog.workflow._handlers import SignalDefinition

    return SignalDefinition.name_of(signal)


def _options(input: Any, known: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a start: those that were given, as they are now, and those that an interceptor has set."""
    return {
        name: getattr(input, name)
        for name, field in known.items()
        if name not in _NO_OPTIONS and (name in input.given or getattr(input, name) != field.default)
    }


class _WorkflowsRoot(OutboundInterceptor):
    """The end of the chain, for what is about workflows."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def _handle(self, input: Any, headers: Headers | None = None) -> WorkflowHandle[Any, Any]:
        return self._client.without_interceptors(headers or {}).get_workflow_handle(
            input.id,
            run_id=input.run_id,
            first_execution_run_id=getattr(input, "first_execution_run_id", None),
        )

    async def start_workflow(self, input: StartWorkflowInput) -> WorkflowHandle[Any, Any]:
        options = _options(input, _START_FIELDS)
        handle = await self._client.without_interceptors(input.headers).start_workflow(
            input.workflow,
            args=input.args,
            id=input.id,
            task_queue=input.task_queue,
            result_type=input.ret_type,
            **cast(Any, options),
        )
        return self._client.adopt(handle)

    async def cancel_workflow(self, input: CancelWorkflowInput) -> None:
        await self._handle(input).cancel(reason=input.reason, rpc_timeout=input.rpc_timeout)

    async def describe_workflow(self, input: DescribeWorkflowInput) -> WorkflowExecutionDescription:
        return await self._handle(input).describe(rpc_timeout=input.rpc_timeout)

    def fetch_workflow_history_events(self, input: FetchWorkflowHistoryEventsInput) -> AsyncIterator[Event]:
        only_last = input.event_filter_type == WorkflowHistoryEventFilterType.CLOSE_EVENT
        if input.wait_new_event and only_last and not input.as_recorded:
            return closing_events(self._client.without_interceptors({})._asking.of_workflow(input.id), input)
        return wanted_events(self._handle(input)._asking, input)

    def list_workflows(self, input: ListWorkflowsInput) -> AsyncIterator[WorkflowExecution]:
        return self._client.without_interceptors({}).list_workflows(
            input.query,
            status=input.status,
            workflow_type=input.workflow_type,
            id_prefix=input.id_prefix,
            limit=input.limit,
            rpc_timeout=input.rpc_timeout,
        )

    async def count_workflows(self, input: CountWorkflowsInput) -> WorkflowExecutionCount:
        return await self._client.without_interceptors({}).count_workflows(input.query, rpc_timeout=input.rpc_timeout)

    async def query_workflow(self, input: QueryWorkflowInput) -> Any:
        return await self._handle(input, input.headers).query(
            input.query,
            args=input.args,
            result_type=input.ret_type,
            reject_condition=input.reject_condition,
            rpc_timeout=input.rpc_timeout,
        )

    async def signal_workflow(self, input: SignalWorkflowInput) -> None:
        await self._handle(input, input.headers).signal(
            input.signal, args=input.args, request_id=input.request_id, rpc_timeout=input.rpc_timeout
        )

    async def start_workflow_update(self, input: StartWorkflowUpdateInput) -> WorkflowUpdateHandle[Any]:
        handle = await self._handle(input, input.headers).start_update(
            input.update,
            args=input.args,
            wait_for_stage=input.wait_for_stage,
            id=input.update_id,
            result_type=input.ret_type,
            rpc_timeout=input.rpc_timeout,
        )
        return self._client.adopt(handle)

    async def start_update_with_start_workflow(
        self, input: StartWorkflowUpdateWithStartInput
    ) -> WorkflowUpdateHandle[Any]:
        from foldlog.client._with_start import WithStartWorkflowOperation

        start, update = input.start_workflow_input, input.update_workflow_input
        operation = WithStartWorkflowOperation[Any, Any](
            start.workflow,
            args=start.args,
            id=start.id,
            task_queue=start.task_queue,
            **cast(Any, _options(start, WITH_START_FIELDS)),
        )
        try:
            handle = await self._client.without_interceptors({})._send_update_with_start(
                operation,
                update.update,
                UNSET,
                update.args,
                update.wait_for_stage,
                update.update_id,
                update.ret_type,
                input.rpc_timeout,
                lambda _, found: input._on_start(found),
                start.headers,
                update.headers,
            )
        except BaseException as error:
            input._on_start_error(error)
            raise
        return self._client.adopt(handle)

    async def terminate_workflow(self, input: TerminateWorkflowInput) -> None:
        await self._handle(input).terminate(*input.args, reason=input.reason or "", rpc_timeout=input.rpc_timeout)


class _ActivitiesRoot(_WorkflowsRoot):
    """Likewise, for what is about activities."""

    def _activity(self, input: Any) -> ActivityHandle[Any]:
        handle: ActivityHandle[Any] = self._client.without_interceptors({}).get_activity_handle(
            input.activity_id, run_id=input.activity_run_id
        )
        return handle

    async def start_activity(self, input: StartActivityInput) -> ActivityHandle[Any]:
        started = await self._client.without_interceptors({})._start_activity(input)
        found: ActivityHandle[Any] = self._client.get_activity_handle(
            input.id, run_id=started.run_id, result_type=input.result_type
        )
        return found

    async def cancel_activity(self, input: CancelActivityInput) -> None:
        await self._activity(input).cancel(reason=input.reason, rpc_timeout=input.rpc_timeout)

    async def terminate_activity(self, input: TerminateActivityInput) -> None:
        await self._activity(input).terminate(reason=input.reason, rpc_timeout=input.rpc_timeout)

    async def describe_activity(self, input: DescribeActivityInput) -> ActivityExecutionDescription:
        return await self._activity(input).describe(
            include_input=input.include_input,
            include_outcome=input.include_outcome,
            include_heartbeat_details=input.include_heartbeat_details,
            include_last_failure=input.include_last_failure,
            rpc_timeout=input.rpc_timeout,
        )

    async def count_activities(self, input: CountActivitiesInput) -> ActivityExecutionCount:
        return await self._client.without_interceptors({})._count_activities(input)

    def list_activities(self, input: ListActivitiesInput) -> AsyncIterator[ActivityExecution]:
        return self._client.without_interceptors({})._list_activities(input)

    async def pause_activity(self, input: PauseActivityInput) -> None:
        if input.id is None:
            await self._activity(input).pause(reason=input.reason, rpc_timeout=input.rpc_timeout)
            return
        await self._handle(input).pause_activity(
            input.activity_id,
            activity_type=input.activity_type,
            reason=input.reason or "",
            rpc_timeout=input.rpc_timeout,
        )

    async def unpause_activity(self, input: UnpauseActivityInput) -> None:
        if input.id is None:
            await self._activity(input).unpause(jitter=input.jitter, rpc_timeout=input.rpc_timeout)
            return
        await self._handle(input).unpause_activity(
            input.activity_id,
            activity_type=input.activity_type,
            reset_attempts=input.reset_attempts,
            reset_heartbeat=input.reset_heartbeat,
            jitter=input.jitter or timedelta(),
            rpc_timeout=input.rpc_timeout,
        )

    async def reset_activity(self, input: ResetActivityInput) -> None:
        await self._handle(input).reset_activity(
            input.activity_id,
            activity_type=input.activity_type,
            keep_paused=input.keep_paused,
            reset_heartbeat=input.reset_heartbeat,
            restore_original_options=input.restore_original_options,
            jitter=input.jitter or timedelta(),
            rpc_timeout=input.rpc_timeout,
        )

    async def update_activity_options(self, input: UpdateActivityOptionsInput) -> Any:
        if input.id is None:
            return await self._activity(input).change_options(input.updates, input.restore_original, input.rpc_timeout)
        await self._handle(input).update_activity_options(
            input.activity_id,
            activity_type=input.activity_type,
            restore_original=input.restore_original,
            rpc_timeout=input.rpc_timeout,
            **input.options,
        )
        return None

    def _async_handle(self, input: Any) -> AsyncActivityHandle:
        from foldlog.client._async_activity import AsyncActivityHandle

        asking = self._client.without_interceptors({})._asking
        return AsyncActivityHandle(asking, input.id_or_token, input.data_converter_override)

    async def heartbeat_async_activity(self, input: HeartbeatAsyncActivityInput) -> None:
        await self._async_handle(input).heartbeat(*input.details, rpc_timeout=input.rpc_timeout)

    async def complete_async_activity(self, input: CompleteAsyncActivityInput) -> None:
        await self._async_handle(input).complete(input.result, rpc_timeout=input.rpc_timeout)

    async def fail_async_activity(self, input: FailAsyncActivityInput) -> None:
        await self._async_handle(input).fail(
            input.error, last_heartbeat_details=input.last_heartbeat_details, rpc_timeout=input.rpc_timeout
        )

    async def report_cancellation_async_activity(self, input: ReportCancellationAsyncActivityInput) -> None:
        await self._async_handle(input).report_cancellation(*input.details, rpc_timeout=input.rpc_timeout)


class _Root(_ActivitiesRoot):
    """Likewise, for what is about schedules, and so for all."""

    def _schedule(self, input: Any) -> ScheduleHandle:
        return self._client.without_interceptors({}).get_schedule_handle(input.id)

    async def create_schedule(self, input: CreateScheduleInput) -> ScheduleHandle:
        await self._client.without_interceptors({}).create_schedule(
            input.id,
            input.schedule,
            trigger_immediately=input.trigger_immediately,
            backfill=input.backfill,
            memo=input.memo,
            search_attributes=input.search_attributes,
            rpc_timeout=input.rpc_timeout,
        )
        return self._client.get_schedule_handle(input.id)

    def list_schedules(self, input: ListSchedulesInput) -> ScheduleAsyncIterator:
        return self._client.without_interceptors({})._schedules(input)

    async def backfill_schedule(self, input: BackfillScheduleInput) -> None:
        await self._schedule(input).backfill(*input.backfills, rpc_timeout=input.rpc_timeout)

    async def delete_schedule(self, input: DeleteScheduleInput) -> None:
        await self._schedule(input).delete(rpc_timeout=input.rpc_timeout)

    async def describe_schedule(self, input: DescribeScheduleInput) -> ScheduleDescription:
        return await self._schedule(input).describe(rpc_timeout=input.rpc_timeout)

    async def pause_schedule(self, input: PauseScheduleInput) -> None:
        await self._schedule(input).pause(note=input.note, rpc_timeout=input.rpc_timeout)

    async def trigger_schedule(self, input: TriggerScheduleInput) -> None:
        await self._schedule(input).trigger(overlap=input.overlap, rpc_timeout=input.rpc_timeout)

    async def unpause_schedule(self, input: UnpauseScheduleInput) -> None:
        await self._schedule(input).unpause(note=input.note, rpc_timeout=input.rpc_timeout)

    async def update_schedule(self, input: UpdateScheduleInput) -> None:
        await self._schedule(input).update(input.updater, rpc_timeout=input.rpc_timeout)
