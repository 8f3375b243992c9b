"""Activities that are started without a workflow: the client's part. A built-in workflow carries each of them out."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import timedelta
from functools import cache
from typing import Any, Required, TypedDict, TypeVar, Unpack, cast, get_type_hints, overload

from foldlog._option_types import check_option
from foldlog._random_ids import random_id
from foldlog.api.common.v1 import plain
from foldlog.client._activity_description import (
    ActivityExecution,
    ActivityExecutionAsyncIterator,
    ActivityExecutionCount,
    ActivityExecutionCountAggregationGroup,
    execution,
)
from foldlog.client._activity_filter import Filter, Listed, filter_of
from foldlog.client._activity_handle import ActivityHandle, context_of
from foldlog.client._activity_inputs import CountActivitiesInput, ListActivitiesInput, StartActivityInput
from foldlog.client._activity_methods import ActivityMethods
from foldlog.client._asking import Asking
from foldlog.client._convert import decode_one, encode_memo, milliseconds
from foldlog.client._description import shown
from foldlog.client._list import by_status, without_groups
from foldlog.client._pages import PAGE_SIZE
from foldlog.client._schedules import own_converter
from foldlog.client._start_options import check_id
from foldlog.client._types import NO_METADATA, UNSET, ParamType, RPCMetadata
from foldlog.common import (
    ActivityIDConflictPolicy,
    ActivityIDReusePolicy,
    Priority,
    RetryPolicy,
    TypedSearchAttributes,
)
from foldlog.converter import encode_search_attributes
from foldlog.exceptions import ActivityAlreadyStartedError, WorkflowAlreadyStartedError
from foldlog.schedules.model import BUILT_IN_QUEUE
from foldlog.schemas.command import StartWorkflow, WorkflowIdConflictPolicy, WorkflowIdReusePolicy
from foldlog.schemas.common import WorkflowOptions
from foldlog.schemas.reply import Accepted
from foldlog.schemas.visibility import WorkflowVisibility
from foldlog.standalone.model import ACTIVITY_TYPE, SHOWN, Job, activity_workflow_id
from foldlog.transport.topics import check_task_queue
from foldlog.workflow._activity_types import resolve
from msgspec.structs import replace

logger = logging.getLogger(__name__)

R = TypeVar("R")


class StartActivityOptions(TypedDict, total=False):
    """Options of an activity without a workflow."""

    id: Required[str]
    """Its ID, unique among the open ones of the namespace."""
    task_queue: Required[str]
    """Whose workers run it."""
    schedule_to_close_timeout: timedelta | None
    """Limit on all attempts together. There must be this one or the next."""
    start_to_close_timeout: timedelta | None
    """Limit on one attempt."""
    schedule_to_start_timeout: timedelta | None
    """Limit on waiting for a worker."""
    heartbeat_timeout: timedelta | None
    """Limit between two heartbeats."""
    id_reuse_policy: ActivityIDReusePolicy
    """What happens if one that has ended had this ID; ALLOW_DUPLICATE if not given."""
    id_conflict_policy: ActivityIDConflictPolicy
    """What happens if an open one has it; FAIL if not given."""
    retry_policy: RetryPolicy | None
    """How failed attempts are repeated."""
    search_attributes: TypedSearchAttributes | None
    """Typed fields by which it is found."""
    summary: str | None
    """One line for people."""
    priority: Priority
    """Which of several waiting tasks comes first."""
    start_delay: timedelta | None
    """Wait before the first attempt."""
    rpc_metadata: RPCMetadata
    """For interceptors only."""
    rpc_timeout: timedelta | None
    """How long to wait for the answer."""


@cache
def _hints() -> dict[str, Any]:
    """The types of the options."""
    return get_type_hints(StartActivityOptions)


class ClientActivities(ActivityMethods):
    """The part of a client that is about activities without a workflow."""

    _asking: Asking

    @overload
    async def start_activity(
        self, activity: Callable[[], Awaitable[R]], **options: Unpack[StartActivityOptions]
    ) -> ActivityHandle[R]: ...
    @overload
    async def start_activity(
        self, activity: Callable[[], R], **options: Unpack[StartActivityOptions]
    ) -> ActivityHandle[R]: ...
    @overload
    async def start_activity(
        self, activity: Callable[[ParamType], Awaitable[R]], arg: ParamType, **options: Unpack[StartActivityOptions]
    ) -> ActivityHandle[R]: ...
    @overload
    async def start_activity(
        self, activity: Callable[[ParamType], R], arg: ParamType, **options: Unpack[StartActivityOptions]
    ) -> ActivityHandle[R]: ...
    @overload
    async def start_activity(
        self,
        activity: Callable[..., Awaitable[R]],
        *,
        args: Sequence[Any],
        **options: Unpack[StartActivityOptions],
    ) -> ActivityHandle[R]: ...
    @overload
    async def start_activity(
        self, activity: Callable[..., R], *, args: Sequence[Any], **options: Unpack[StartActivityOptions]
    ) -> ActivityHandle[R]: ...
    @overload
    async def start_activity(
        self,
        activity: str,
        arg: Any = ...,
        *,
        args: Sequence[Any] = ...,
        result_type: type[R] | None = None,
        **options: Unpack[StartActivityOptions],
    ) -> ActivityHandle[R]: ...
    async def start_activity(
        self,
        activity: Any,
        arg: Any = UNSET,
        *,
        args: Sequence[Any] = (),
        result_type: Any = None,
        **options: Unpack[StartActivityOptions],
    ) -> ActivityHandle[Any]:
        """Starts an activity without a workflow. When this returns, it is scheduled, or waits for its start delay.

        Workers that run workflows see to it; workers with the activity run it.

        Args:
            activity: A function with `@activity.defn`, or the name of an activity.
            arg: Its one argument.
            args: Its arguments, if there are several.
            result_type: Type of the result, where the activity is given by name.
            **options: See `StartActivityOptions`.

        Raises:
            ActivityAlreadyStartedError: The ID is in use, and the policies refuse another one.
            ValueError: There is no timeout, or one cannot be.
            ConfigurationError: The task queue's name cannot be part of a topic's name, or an option has another type
                than it must have.
            InvalidArgumentError: The ID is too long.
            RPCError: There was no answer in time.
        """
        for option, given in options.items():
            if (hint := _hints().get(option)) is None:
                raise TypeError(f"start_activity has no option {option}")
            check_option(option, given, hint)
        name, values, known_type = resolve(activity, arg, args, result_type)
        asked = StartActivityInput(
            activity_type=name,
            args=values,
            result_type=known_type if result_type is None else result_type,
            **cast(Any, options),
        )
        if (outbound := self._asking.outbound) is not None:
            return await outbound.start_activity(asked)
        return await self._start_activity(asked)

    async def _start_activity(self, asked: StartActivityInput) -> ActivityHandle[Any]:
        """Past all interceptors."""
        if not asked.id:
            raise ValueError("an activity needs an ID")
        if not asked.start_to_close_timeout and not asked.schedule_to_close_timeout:
            raise ValueError("Activity must have start_to_close_timeout or schedule_to_close_timeout")
        if asked.start_delay is not None and asked.start_delay < timedelta():
            raise ValueError("start_delay must be non-negative")
        check_task_queue(asked.task_queue)
        check_id(activity_workflow_id(asked.id))
        asking = self._asking
        command = await self._activity_command(asked)
        try:
            accepted = await asking.ask(activity_workflow_id(asked.id), command, Accepted, asked.rpc_timeout)
        except WorkflowAlreadyStartedError as error:
            raise ActivityAlreadyStartedError(asked.id, asked.activity_type, run_id=error.run_id) from None
        return ActivityHandle(asking, asked.id, run_id=accepted.run_id, result_type=asked.result_type)

    async def _activity_command(self, asked: StartActivityInput) -> StartWorkflow:
        asking = self._asking
        context = context_of(asking, asked.id, asked.activity_type, asked.task_queue)
        values = asking.in_context(context).converter.payload_converter
        priority = asked.priority
        job = Job(
            activity_id=asked.id,
            activity_type=asked.activity_type,
            task_queue=asked.task_queue,
            args=list(map(plain, values.to_payloads(asked.args))) if asked.args else [],
            schedule_to_close_timeout_ms=milliseconds(asked.schedule_to_close_timeout, "schedule_to_close_timeout"),
            schedule_to_start_timeout_ms=milliseconds(asked.schedule_to_start_timeout, "schedule_to_start_timeout"),
            start_to_close_timeout_ms=milliseconds(asked.start_to_close_timeout, "start_to_close_timeout"),
            heartbeat_timeout_ms=milliseconds(asked.heartbeat_timeout, "heartbeat_timeout"),
            retry_policy=None if asked.retry_policy is None else asked.retry_policy.to_record(),
            summary=None if asked.summary is None else plain(values.to_payload(asked.summary)),
            priority=None if priority == Priority.default else priority.to_record(),
            header={name: plain(payload) for name, payload in asked.headers.items()},
        )
        converter = own_converter(asking.of_workflow(activity_workflow_id(asked.id)).converter)
        argument = await converter.encode([job])
        attributes = encode_search_attributes(asked.search_attributes)
        reuse = asked.id_reuse_policy or ActivityIDReusePolicy.ALLOW_DUPLICATE
        conflict = asked.id_conflict_policy or ActivityIDConflictPolicy.FAIL
        return StartWorkflow(
            request_id=random_id(),
            identity=asking.identity,
            workflow_type=ACTIVITY_TYPE,
            task_queue=BUILT_IN_QUEUE,
            args=argument,
            id_reuse_policy=cast(WorkflowIdReusePolicy, reuse.name),
            id_conflict_policy=cast(WorkflowIdConflictPolicy, conflict.name),
            memo=await encode_memo(converter, {SHOWN: replace(job, args=[], header={})}),
            options=WorkflowOptions(search_attributes=attributes) if attributes else None,
            start_delay_ms=milliseconds(asked.start_delay, "start_delay") if asked.start_delay else 0,
        )

    @overload
    async def execute_activity(
        self, activity: Callable[[], Awaitable[R]], **options: Unpack[StartActivityOptions]
    ) -> R: ...
    @overload
    async def execute_activity(self, activity: Callable[[], R], **options: Unpack[StartActivityOptions]) -> R: ...
    @overload
    async def execute_activity(
        self, activity: Callable[[ParamType], Awaitable[R]], arg: ParamType, **options: Unpack[StartActivityOptions]
    ) -> R: ...
    @overload
    async def execute_activity(
        self, activity: Callable[[ParamType], R], arg: ParamType, **options: Unpack[StartActivityOptions]
    ) -> R: ...
    @overload
    async def execute_activity(
        self,
        activity: Callable[..., Awaitable[R]],
        *,
        args: Sequence[Any],
        **options: Unpack[StartActivityOptions],
    ) -> R: ...
    @overload
    async def execute_activity(
        self, activity: Callable[..., R], *, args: Sequence[Any], **options: Unpack[StartActivityOptions]
    ) -> R: ...
    @overload
    async def execute_activity(
        self,
        activity: str,
        arg: Any = ...,
        *,
        args: Sequence[Any] = ...,
        result_type: type[R] | None = None,
        **options: Unpack[StartActivityOptions],
    ) -> R: ...
    async def execute_activity(
        self,
        activity: Any,
        arg: Any = UNSET,
        *,
        args: Sequence[Any] = (),
        result_type: Any = None,
        **options: Unpack[StartActivityOptions],
    ) -> Any:
        """Starts an activity without a workflow and waits for its result. Arguments as in `start_activity`.

        Raises:
            ActivityFailureError: It failed, was cancelled or terminated, or timed out; `cause` says which.
            ActivityAlreadyStartedError: The ID is in use, and the policies refuse another one.
        """
        handle = await self.start_activity(activity, arg, args=args, result_type=result_type, **options)
        return await handle.result()

    @overload
    def get_activity_handle(self, activity_id: str, *, run_id: str | None = None) -> ActivityHandle[Any]: ...
    @overload
    def get_activity_handle(
        self, activity_id: str, *, run_id: str | None = None, result_type: type[R]
    ) -> ActivityHandle[R]: ...
    def get_activity_handle(
        self, activity_id: str, *, run_id: str | None = None, result_type: Any = None
    ) -> ActivityHandle[Any]:
        """A handle of an activity without a workflow, by its ID. Asks nobody whether there is one.

        Args:
            activity_id: The ID.
            run_id: One run of it; None: the last one.
            result_type: Type of its result.
        """
        return ActivityHandle(self._asking, activity_id, run_id=run_id, result_type=result_type)

    def list_activities(
        self,
        query: str | None = None,
        *,
        limit: int | None = None,
        page_size: int = PAGE_SIZE,
        next_page_token: bytes | None = None,
        rpc_metadata: RPCMetadata = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> ActivityExecutionAsyncIterator:
        """The activities without a workflow, the newest first, for `async for`. Reads the whole visibility topic.

        Args:
            query: A list filter, as `list_workflows` has it: by `ActivityId`, `ActivityType`, `TaskQueue`, `RunId`,
                `ExecutionStatus`, the times, `ExecutionDuration`, and search attributes; None: all.
            limit: At most so many.
            page_size: How many activities `fetch_next_page` of the iterator fetches.
            next_page_token: Where to go on, from the iterator of an earlier call.
            rpc_metadata: For interceptors only.
            rpc_timeout: How long reading the list may take; None: as long as it does.

        Raises:
            InvalidArgumentError: The query cannot be understood, or there can be no such page.
        """
        asked = ListActivitiesInput(
            query=query,
            page_size=page_size,
            next_page_token=next_page_token,
            limit=limit,
            rpc_metadata=rpc_metadata,
            rpc_timeout=rpc_timeout,
        )
        outbound = self._asking.outbound
        return ActivityExecutionAsyncIterator(
            self._list_activities(asked) if outbound is None else outbound.list_activities(asked),
            page_size=asked.page_size,
            next_page_token=asked.next_page_token,
        )

    async def count_activities(
        self,
        query: str | None = None,
        *,
        rpc_metadata: RPCMetadata = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> ActivityExecutionCount:
        """How many activities without a workflow there are. Reads the whole visibility topic.

        Args:
            query: As in `list_activities`; at its end may be `GROUP BY ExecutionStatus`.
            rpc_metadata: For interceptors only.
            rpc_timeout: How long reading the list may take; None: as long as it does.

        Raises:
            InvalidArgumentError: The query cannot be understood.
        """
        asked = CountActivitiesInput(query=query, rpc_metadata=rpc_metadata, rpc_timeout=rpc_timeout)
        if (outbound := self._asking.outbound) is not None:
            return await outbound.count_activities(asked)
        return await self._count_activities(asked)

    async def _count_activities(self, asked: CountActivitiesInput) -> ActivityExecutionCount:
        """Past all interceptors."""
        filtered, grouped = without_groups(asked.query)
        rows = [listed.row for listed in await self._listed_activities(filter_of(filtered), asked.rpc_timeout)]
        groups = by_status(rows) if grouped else ()
        return ActivityExecutionCount(
            len(rows), [ActivityExecutionCountAggregationGroup(count, [name]) for name, count in groups]
        )

    def _list_activities(self, asked: ListActivitiesInput) -> AsyncIterator[ActivityExecution]:
        """Past all interceptors."""
        return self._executions(filter_of(asked.query), asked)

    async def _executions(self, wanted: Filter, asked: ListActivitiesInput) -> AsyncIterator[ActivityExecution]:
        asking = self._asking
        listed = await self._listed_activities(wanted, asked.rpc_timeout)
        listed.sort(key=lambda each: (each.row.start_ms, each.row.workflow_id), reverse=True)
        for row, job in listed[: asked.limit]:
            converter = own_converter(asking.of_workflow(row.workflow_id).converter)
            if (found := shown(row, converter, asking.transport.namespace)) is not None:
                yield execution(found, await self._job_of(row) if job is None else job)

    async def _listed_activities(self, wanted: Filter, rpc_timeout: timedelta | None) -> list[Listed]:
        """All that a filter gives. Their jobs are read only if it needs them."""
        found = []
        for row in await self._asking.rows(lambda row: row.workflow_type == ACTIVITY_TYPE, rpc_timeout):
            listed = Listed(row, await self._job_of(row) if wanted.reads_jobs else None)
            if wanted.wanted(listed) is True:
                found.append(listed)
        return found

    async def _job_of(self, row: WorkflowVisibility) -> Job:
        """What its memo has for lists; nothing, if that cannot be read, which must not hide the others."""
        converter = own_converter(self._asking.of_workflow(row.workflow_id).converter)
        try:
            job: Job = await decode_one(converter, row.memo[SHOWN], Job)
        except Exception as error:  # whatever another codec's bytes lead to
            logger.warning("activity %r: its type and task queue cannot be read: %s", row.workflow_id, error)
            return Job("", "", "")
        return job
