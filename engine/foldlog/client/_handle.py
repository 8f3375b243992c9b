"""A handle of one workflow: what can be asked of it and done to it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, Concatenate, Generic, cast, overload

from foldlog._random_ids import random_id
from foldlog.client._activity_operations import ActivityOperations
from foldlog.client._asking import Asking
from foldlog.client._closing import result_by_way_of
from foldlog.client._convert import decode_one, encode_args, value_of
from foldlog.client._description import WorkflowExecutionDescription
from foldlog.client._handle_updates import HandleUpdates
from foldlog.client._history import WorkflowHistory
from foldlog.client._history_events import (
    WorkflowHistoryEventAsyncIterator,
    wanted_events,
)
from foldlog.client._intercepted import one_or_all
from foldlog.client._interceptor import (
    CancelWorkflowInput,
    DescribeWorkflowInput,
    FetchWorkflowHistoryEventsInput,
    QueryWorkflowInput,
    SignalWorkflowInput,
    TerminateWorkflowInput,
    WorkflowHistoryEventFilterType,
)
from foldlog.client._pages import PAGE_SIZE
from foldlog.client._types import (
    NO_METADATA,
    UNSET,
    LocalReturnType,
    MethodAsyncNoParam,
    MethodAsyncSingleParam,
    MethodSyncNoParam,
    MethodSyncOrAsyncNoParam,
    MethodSyncOrAsyncSingleParam,
    MethodSyncSingleParam,
    MultiParamSpec,
    ParamType,
    ReturnType,
    RPCMetadata,
    SelfType,
)
from foldlog.client._versioning_operations import VersioningOperations
from foldlog.common import QueryRejectCondition
from foldlog.schemas import command, reply
from foldlog.workflow._handlers import QueryDefinition, SignalDefinition


class WorkflowHandle(ActivityOperations, VersioningOperations, HandleUpdates[SelfType], Generic[SelfType, ReturnType]):
    """One workflow, by its ID and maybe a run. Made by the client; making one asks nobody anything."""

    def __init__(
        self,
        asking: Asking,
        id: str,
        *,
        run_id: str | None = None,
        result_run_id: str | None = None,
        first_execution_run_id: str | None = None,
        result_type: Any = None,
        eagerly_started: bool = False,
    ) -> None:
        """Private: use `Client.start_workflow` or `Client.get_workflow_handle`."""
        self._asking = asking.of_workflow(id)
        self._id = id
        self._run_id = run_id
        self._result_run_id = result_run_id
        self._first_execution_run_id = first_execution_run_id
        self._result_type = result_type
        # What programs for Temporal's SDK look at to see whether an eager start came about.
        setattr(self, "__temporal_eagerly_started", eagerly_started)

    def __repr__(self) -> str:
        run = f", run_id={self._run_id!r}" if self._run_id else ""
        return f"WorkflowHandle({self._id!r}{run})"

    @property
    def id(self) -> str:
        """The workflow ID."""
        return self._id

    @property
    def run_id(self) -> str | None:
        """The run that signals, queries, cancel, terminate and describe are for; None: the current one."""
        return self._run_id

    @property
    def result_run_id(self) -> str | None:
        """The run that `result` waits for; None: the one that is current when it is asked."""
        return self._result_run_id

    @property
    def first_execution_run_id(self) -> str | None:
        """The first run of the chain that updates, cancel and terminate are for; None: any."""
        return self._first_execution_run_id

    async def result(
        self, *, follow_runs: bool = True, rpc_metadata: RPCMetadata = NO_METADATA, rpc_timeout: timedelta | None = None
    ) -> ReturnType:
        """Waits until the workflow ends, however long that takes, and gives what it returned.

        Processors and brokers may come and go meanwhile.

        Args:
            follow_runs: Whether to wait for the end of the whole chain, where a run continues as new, is retried, or
                has a cron schedule.
            rpc_metadata: For interceptors only.
            rpc_timeout: How long to wait; None: without limit.

        Raises:
            WorkflowFailureError: It ended without a result; `cause` says how.
            WorkflowContinuedAsNewError: It continued as new, and `follow_runs` is false.
            WorkflowNotFoundError: There is no such workflow, or its retention is over.
            DeadlineExceededError: `rpc_timeout` is over.
        """
        run_id = self._result_run_id
        if (outbound := self._asking.outbound) is not None:
            closed = await result_by_way_of(outbound, self._id, run_id, follow_runs, rpc_metadata, rpc_timeout)
        else:
            closed = await self._asking.result_of_run(self._id, run_id or "", follow_runs, rpc_timeout)
        return cast(ReturnType, await value_of(self._asking.converter, closed, self._result_type))

    @overload
    async def signal(
        self,
        signal: MethodSyncOrAsyncNoParam[SelfType, None],
        *,
        request_id: str | None = None,
        rpc_metadata: RPCMetadata = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> None: ...
    @overload
    async def signal(
        self,
        signal: MethodSyncOrAsyncSingleParam[SelfType, ParamType, None],
        arg: ParamType,
        *,
        request_id: str | None = None,
        rpc_metadata: RPCMetadata = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> None: ...
    @overload
    async def signal(
        self,
        signal: Callable[Concatenate[SelfType, MultiParamSpec], Awaitable[None] | None],
        *,
        args: Sequence[Any],
        request_id: str | None = None,
        rpc_metadata: RPCMetadata = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> None: ...
    @overload
    async def signal(
        self,
        signal: str,
        arg: Any = ...,
        *,
        args: Sequence[Any] = ...,
        request_id: str | None = None,
        rpc_metadata: RPCMetadata = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> None: ...
    async def signal(
        self,
        signal: str | Callable[..., Any],
        arg: Any = UNSET,
        *,
        args: Sequence[Any] = (),
        request_id: str | None = None,
        rpc_metadata: RPCMetadata = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> None:
        """Sends a signal. When this returns, it is in the workflow's history, or kept for it if it is stalled.

        Args:
            signal: The signal's method, or its name.
            arg: Its one argument.
            args: Its arguments, if there are several.
            request_id: A second signal with the same one does nothing; None: a new one.
            rpc_metadata: For interceptors only.
            rpc_timeout: How long to wait for the answer.

        Raises:
            WorkflowNotFoundError: There is no such workflow, or it has ended.
            RPCError: There was no answer in time.
        """
        name = SignalDefinition.name_of(signal)
        if (outbound := self._asking.outbound) is not None:
            told = SignalWorkflowInput(
                id=self._id,
                run_id=self._run_id,
                signal=name,
                args=one_or_all(arg, args),
                request_id=request_id,
                rpc_metadata=rpc_metadata,
                rpc_timeout=rpc_timeout,
            )
            await outbound.signal_workflow(told)
            return
        wanted = command.SignalWorkflow(
            request_id=request_id or random_id(),
            identity=self._asking.identity,
            run_id=self._run_id or "",
            signal_name=name,
            args=await encode_args(self._asking.converter, arg, args),
        )
        await self._asking.ask(self._id, wanted, reply.Accepted, rpc_timeout)

    @overload
    async def query(
        self,
        query: MethodAsyncNoParam[SelfType, LocalReturnType],
        *,
        reject_condition: QueryRejectCondition | None = None,
        rpc_metadata: RPCMetadata = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> LocalReturnType: ...
    @overload
    async def query(
        self,
        query: MethodAsyncSingleParam[SelfType, ParamType, LocalReturnType],
        arg: ParamType,
        *,
        reject_condition: QueryRejectCondition | None = None,
        rpc_metadata: RPCMetadata = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> LocalReturnType: ...
    @overload
    async def query(
        self,
        query: Callable[Concatenate[SelfType, MultiParamSpec], Awaitable[LocalReturnType]],
        *,
        args: Sequence[Any],
        reject_condition: QueryRejectCondition | None = None,
        rpc_metadata: RPCMetadata = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> LocalReturnType: ...
    @overload
    async def query(
        self,
        query: MethodSyncNoParam[SelfType, LocalReturnType],
        *,
        reject_condition: QueryRejectCondition | None = None,
        rpc_metadata: RPCMetadata = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> LocalReturnType: ...
    @overload
    async def query(
        self,
        query: MethodSyncSingleParam[SelfType, ParamType, LocalReturnType],
        arg: ParamType,
        *,
        reject_condition: QueryRejectCondition | None = None,
        rpc_metadata: RPCMetadata = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> LocalReturnType: ...
    @overload
    async def query(
        self,
        query: Callable[Concatenate[SelfType, MultiParamSpec], LocalReturnType],
        *,
        args: Sequence[Any],
        reject_condition: QueryRejectCondition | None = None,
        rpc_metadata: RPCMetadata = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> LocalReturnType: ...
    @overload
    async def query(
        self,
        query: str,
        arg: Any = ...,
        *,
        args: Sequence[Any] = ...,
        result_type: Any = None,
        reject_condition: QueryRejectCondition | None = None,
        rpc_metadata: RPCMetadata = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> Any: ...
    async def query(
        self,
        query: str | Callable[..., Any],
        arg: Any = UNSET,
        *,
        args: Sequence[Any] = (),
        result_type: Any = None,
        reject_condition: QueryRejectCondition | None = None,
        rpc_metadata: RPCMetadata = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> Any:
        """Asks a query handler. A query sent after a signal sees that signal.

        Args:
            query: The query's method, or its name.
            arg: Its one argument.
            args: Its arguments, if there are several.
            result_type: The answer's type, where the query is given by name.
            reject_condition: In which states of the workflow it is refused; None: as the client says, or never.
            rpc_metadata: For interceptors only.
            rpc_timeout: How long to wait for the answer.

        Raises:
            WorkflowQueryFailedError: The handler raised, or there is none.
            WorkflowQueryRejectedError: `reject_condition` holds.
            WorkflowNotFoundError: There is no such workflow.
            RPCError: There was no answer in time, or the workflow is stalled.
        """
        definition = None if isinstance(query, str) else QueryDefinition.from_fn(query)
        if definition is not None and result_type is None:
            result_type = definition.signature.result_type
        reject_condition = reject_condition or self._asking.query_reject_condition
        if (outbound := self._asking.outbound) is not None:
            asked = QueryWorkflowInput(
                id=self._id,
                run_id=self._run_id,
                query=QueryDefinition.name_of(query),
                args=one_or_all(arg, args),
                reject_condition=reject_condition,
                ret_type=result_type,
                rpc_metadata=rpc_metadata,
                rpc_timeout=rpc_timeout,
            )
            return await outbound.query_workflow(asked)
        wanted = command.QueryWorkflow(
            identity=self._asking.identity,
            run_id=self._run_id or "",
            query_type=QueryDefinition.name_of(query),
            args=await encode_args(self._asking.converter, arg, args),
            reject_condition=cast(command.QueryRejectCondition, (reject_condition or QueryRejectCondition.NONE).name),
        )
        answer = await self._asking.ask(self._id, wanted, reply.QueryAnswer, rpc_timeout)
        return await decode_one(self._asking.converter, answer.result, result_type)

    async def cancel(
        self, *, reason: str = "", rpc_metadata: RPCMetadata = NO_METADATA, rpc_timeout: timedelta | None = None
    ) -> None:
        """Asks the workflow to cancel itself: `asyncio.CancelledError` is raised in its code, which may clean up.

        Args:
            reason: For people and for the history.
            rpc_metadata: For interceptors only.
            rpc_timeout: How long to wait for the answer.

        Does nothing if it has ended.

        Raises:
            WorkflowNotFoundError: There is no such workflow.
            RPCError: There was no answer in time.
        """
        if (outbound := self._asking.outbound) is not None:
            asked = CancelWorkflowInput(
                id=self._id,
                run_id=self._run_id,
                first_execution_run_id=self._first_execution_run_id,
                reason=reason,
                rpc_metadata=rpc_metadata,
                rpc_timeout=rpc_timeout,
            )
            await outbound.cancel_workflow(asked)
            return
        wanted = command.CancelWorkflow(
            request_id=random_id(),
            identity=self._asking.identity,
            run_id=self._run_id or "",
            first_execution_run_id=self._first_execution_run_id or "",
            reason=reason,
        )
        await self._asking.ask(self._id, wanted, reply.Accepted, rpc_timeout)

    async def terminate(
        self,
        *args: Any,
        reason: str = "",
        rpc_metadata: RPCMetadata = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> None:
        """Ends the workflow at once. Its code does not run again, and its activities count no longer.

        Args:
            *args: Details for the history.
            reason: For people and for the history.
            rpc_metadata: For interceptors only.
            rpc_timeout: How long to wait for the answer.

        Raises:
            WorkflowNotFoundError: There is no such workflow, or it has ended.
            RPCError: There was no answer in time.
        """
        if (outbound := self._asking.outbound) is not None:
            asked = TerminateWorkflowInput(
                id=self._id,
                run_id=self._run_id,
                first_execution_run_id=self._first_execution_run_id,
                args=args,
                reason=reason,
                rpc_metadata=rpc_metadata,
                rpc_timeout=rpc_timeout,
            )
            await outbound.terminate_workflow(asked)
            return
        wanted = command.TerminateWorkflow(
            request_id=random_id(),
            identity=self._asking.identity,
            run_id=self._run_id or "",
            first_execution_run_id=self._first_execution_run_id or "",
            reason=reason,
            details=await encode_args(self._asking.converter, UNSET, args),
        )
        await self._asking.ask(self._id, wanted, reply.Accepted, rpc_timeout)

    async def describe(
        self, *, rpc_metadata: RPCMetadata = NO_METADATA, rpc_timeout: timedelta | None = None
    ) -> WorkflowExecutionDescription:
        """The workflow as it is now: status, times, what it waits for, and why it is stalled, if it is.

        Raises:
            WorkflowNotFoundError: There is no such workflow.
            RPCError: There was no answer in time.
        """
        if (outbound := self._asking.outbound) is not None:
            asked = DescribeWorkflowInput(
                id=self._id, run_id=self._run_id, rpc_metadata=rpc_metadata, rpc_timeout=rpc_timeout
            )
            return await outbound.describe_workflow(asked)
        wanted = command.DescribeWorkflow(identity=self._asking.identity, run_id=self._run_id or "")
        found = await self._asking.ask(self._id, wanted, reply.Description, rpc_timeout)
        namespace = self._asking.transport.namespace
        return WorkflowExecutionDescription(self._id, found, self._asking.converter, namespace=namespace)

    async def fetch_history(
        self,
        *,
        event_filter_type: WorkflowHistoryEventFilterType = WorkflowHistoryEventFilterType.ALL_EVENT,
        skip_archival: bool = False,
        rpc_metadata: RPCMetadata = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> WorkflowHistory:
        """All events so far. Parameters and errors are those of `fetch_history_events`."""
        events = self.fetch_history_events(
            event_filter_type=event_filter_type,
            skip_archival=skip_archival,
            rpc_metadata=rpc_metadata,
            rpc_timeout=rpc_timeout,
        )
        return WorkflowHistory(workflow_id=self._id, events=[event async for event in events])

    def fetch_history_events(
        self,
        *,
        page_size: int | None = None,
        next_page_token: bytes | None = None,
        wait_new_event: bool = False,
        event_filter_type: WorkflowHistoryEventFilterType = WorkflowHistoryEventFilterType.ALL_EVENT,
        skip_archival: bool = False,
        rpc_metadata: RPCMetadata = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> WorkflowHistoryEventAsyncIterator:
        """All events so far, one by one. Errors are raised when the first one is asked for.

        Args:
            page_size: How many events `fetch_next_page` of the iterator fetches; None: a thousand.
            next_page_token: Where to go on, from the iterator of an earlier call.
            wait_new_event: Whether to wait for further events, until the run ends. They are asked for once a second.
            event_filter_type: All events, or only the one that has ended the run.
            skip_archival: Has no meaning: there are no archives.
            rpc_metadata: For interceptors only.
            rpc_timeout: How long to wait for one answer.

        Raises:
            WorkflowNotFoundError: There is no such workflow.
            RPCError: There was no answer in time.
            InvalidArgumentError: There can be no such page.
        """
        asked = FetchWorkflowHistoryEventsInput(
            id=self._id,
            run_id=self._run_id,
            page_size=page_size,
            next_page_token=next_page_token,
            wait_new_event=wait_new_event,
            event_filter_type=event_filter_type,
            skip_archival=skip_archival,
            rpc_metadata=rpc_metadata,
            rpc_timeout=rpc_timeout,
            as_recorded=True,
        )
        outbound = self._asking.outbound
        fetch = partial(wanted_events, self._asking) if outbound is None else outbound.fetch_workflow_history_events
        return WorkflowHistoryEventAsyncIterator(
            fetch(asked), page_size=asked.page_size or PAGE_SIZE, next_page_token=asked.next_page_token
        )
