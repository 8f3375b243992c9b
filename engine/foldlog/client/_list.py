"""Listing workflows: which runs there are, one by one, and on request their histories; and how many there are."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from foldlog.client._description import WorkflowExecution, WorkflowExecutionStatus, shown
from foldlog.client._filter import parse
from foldlog.client._handle import WorkflowHandle
from foldlog.client._history import WorkflowHistory
from foldlog.client._interceptor import CountWorkflowsInput, ListWorkflowsInput, WorkflowHistoryEventFilterType
from foldlog.client._pages import PAGE_SIZE, Pages
from foldlog.client._types import NO_METADATA, RPCMetadata
from foldlog.exceptions import InvalidArgumentError
from foldlog.schedules.model import INTERNAL
from foldlog.schemas.visibility import WorkflowVisibility

if TYPE_CHECKING:
    from foldlog.client._asking import Asking

_GROUPED = re.compile(r"^(?P<filter>.*?)\s*\bGROUP\s+BY\s+(?P<field>\w+)\s*$", re.IGNORECASE | re.DOTALL)


def matcher(
    query: str | None,
    status: WorkflowExecutionStatus | None = None,
    workflow_type: str | None = None,
    id_prefix: str | None = None,
) -> Callable[[WorkflowVisibility], bool]:
    """Whether a row is listed. See `Client.list_workflows`.

    Raises:
        InvalidArgumentError: The query cannot be understood.
    """
    wanted = parse(query or "")

    def matches(row: WorkflowVisibility) -> bool:
        if workflow_type is None and row.workflow_type.startswith(INTERNAL):
            return False
        return (
            (status is None or row.status == status.name)
            and (workflow_type is None or row.workflow_type == workflow_type)
            and (id_prefix is None or row.workflow_id.startswith(id_prefix))
            and wanted(row) is True
        )

    return matches


def without_groups(query: str | None) -> tuple[str, bool]:
    """The filter of a count, and whether it is to be grouped by status.

    Raises:
        InvalidArgumentError: It is to be grouped by something else.
    """
    grouped = _GROUPED.match(query or "")
    if grouped is None:
        return query or "", False
    if grouped["field"] != "ExecutionStatus":
        raise InvalidArgumentError(f"runs are grouped by ExecutionStatus only, not by {grouped['field']}")
    return grouped["filter"], True


def by_status(rows: Iterable[WorkflowVisibility]) -> list[tuple[str, int]]:
    """How many there are of each status, under the names of Temporal."""
    names = {"CONTINUED_AS_NEW": "ContinuedAsNew", "TIMED_OUT": "TimedOut"}
    counts = Counter(row.status for row in rows)
    return [(names.get(status, status.capitalize()), count) for status, count in sorted(counts.items())]


class WorkflowExecutionAsyncIterator(Pages[WorkflowExecution]):
    """Runs, one by one. Nothing is read before the first one is asked for."""

    def __init__(
        self,
        runs: AsyncIterator[WorkflowExecution],
        handle: Callable[[WorkflowExecution], WorkflowHandle[Any, Any]],
        *,
        page_size: int = PAGE_SIZE,
        next_page_token: bytes | None = None,
    ) -> None:
        """Private: made by `Client.list_workflows`."""
        super().__init__(runs, page_size=page_size, next_page_token=next_page_token)
        self._handle = handle

    async def map_histories(
        self,
        *,
        event_filter_type: WorkflowHistoryEventFilterType = WorkflowHistoryEventFilterType.ALL_EVENT,
        skip_archival: bool = False,
        rpc_metadata: RPCMetadata = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> AsyncIterator[WorkflowHistory]:
        """The histories of the runs that have not been given yet, for example for `foldlog.worker.Replayer`.

        Args:
            event_filter_type: As for `WorkflowHandle.fetch_history`, as is the next one.
            skip_archival: Has no meaning.
            rpc_metadata: For interceptors only.
            rpc_timeout: How long to wait for one page of a history.

        Raises:
            WorkflowNotFoundError: The history of a run is not kept any more.
            RPCError: There was no answer in time.
        """
        async for run in self:
            yield await self._handle(run).fetch_history(
                event_filter_type=event_filter_type,
                skip_archival=skip_archival,
                rpc_metadata=rpc_metadata,
                rpc_timeout=rpc_timeout,
            )


@dataclass(frozen=True)
class WorkflowExecutionCountAggregationGroup:
    """How many runs have the same value."""

    count: int
    group_values: Sequence[Any]
    """The value, alone in a list: the name of a status."""


@dataclass(frozen=True)
class WorkflowExecutionCount:
    """How many runs there are."""

    count: int
    groups: Sequence[WorkflowExecutionCountAggregationGroup]
    """The same by status, if that was asked for."""


class ClientLists:
    """The part of `Client` that lists and counts runs."""

    _asking: Asking

    def list_workflows(
        self,
        query: str | None = None,
        *,
        status: WorkflowExecutionStatus | None = None,
        workflow_type: str | None = None,
        id_prefix: str | None = None,
        limit: int | None = None,
        page_size: int = PAGE_SIZE,
        next_page_token: bytes | None = None,
        rpc_metadata: RPCMetadata = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> WorkflowExecutionAsyncIterator:
        """The runs of the namespace, the newest first, for `async for`; `map_histories` gives their histories.

        Reads the whole visibility topic each time: for people and scripts, not for serving requests.

        Args:
            query: A list filter, as Temporal's: `WorkflowType = 'Order' AND ExecutionStatus = 'Running'`.
            status: Only runs of this status.
            workflow_type: Only runs of this type. Without it, workflows that schedules are made of are left out.
            id_prefix: Only workflow IDs that begin so.
            limit: At most so many.
            page_size: How many runs `fetch_next_page` of the iterator fetches.
            next_page_token: Where to go on, from the iterator of an earlier call.
            rpc_metadata: For interceptors only.
            rpc_timeout: How long reading the list may take; None: as long as it does.

        Raises:
            InvalidArgumentError: The query cannot be understood, or there can be no such page.
            TransportError: The visibility topic cannot be read; not here, but when the first run is asked for.
            DeadlineExceededError: It took too long; likewise.
        """
        asked = ListWorkflowsInput(
            query=query,
            page_size=page_size,
            next_page_token=next_page_token,
            limit=limit,
            status=status,
            workflow_type=workflow_type,
            id_prefix=id_prefix,
            rpc_metadata=rpc_metadata,
            rpc_timeout=rpc_timeout,
        )
        matches = matcher(query, status, workflow_type, id_prefix)
        outbound = self._asking.outbound
        return WorkflowExecutionAsyncIterator(
            self._listed(matches, limit, rpc_timeout) if outbound is None else outbound.list_workflows(asked),
            lambda run: WorkflowHandle(self._asking, run.id, run_id=run.run_id, result_run_id=run.run_id),
            page_size=asked.page_size,
            next_page_token=asked.next_page_token,
        )

    async def _listed(
        self, matches: Callable[[WorkflowVisibility], bool], limit: int | None, rpc_timeout: timedelta | None
    ) -> AsyncIterator[WorkflowExecution]:
        rows = await self._asking.rows(matches, rpc_timeout)
        rows.sort(key=lambda row: (row.start_ms, row.workflow_id), reverse=True)
        for row in rows[:limit]:
            converter = self._asking.of_workflow(row.workflow_id).converter
            if (found := shown(row, converter, self._asking.transport.namespace)) is not None:
                yield found

    async def count_workflows(
        self,
        query: str | None = None,
        *,
        rpc_metadata: RPCMetadata = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> WorkflowExecutionCount:
        """How many runs there are, without those of which schedules are made. Reads the whole visibility topic.

        Args:
            query: A list filter, see `list_workflows`; at its end may be `GROUP BY ExecutionStatus`.
            rpc_metadata: For interceptors only.
            rpc_timeout: How long reading the list may take; None: as long as it does.

        Raises:
            InvalidArgumentError: The query cannot be understood.
            TransportError: The visibility topic cannot be read.
            DeadlineExceededError: It took too long.
        """
        if (outbound := self._asking.outbound) is not None:
            return await outbound.count_workflows(
                CountWorkflowsInput(query=query, rpc_metadata=rpc_metadata, rpc_timeout=rpc_timeout)
            )
        filtered, grouped = without_groups(query)
        rows = await self._asking.rows(matcher(filtered), rpc_timeout)
        if not grouped:
            return WorkflowExecutionCount(len(rows), ())
        groups = [WorkflowExecutionCountAggregationGroup(count, [name]) for name, count in by_status(rows)]
        return WorkflowExecutionCount(len(rows), groups)
