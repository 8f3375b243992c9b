"""What listing workflows gives: runs, one by one, and on request their histories."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

from foldlog.client._description import WorkflowExecution
from foldlog.client._handle import WorkflowHandle
from foldlog.client._history import WorkflowHistory
from foldlog.client._types import NO_METADATA, RPCMetadata


class WorkflowExecutionAsyncIterator:
    """Runs, one by one. Nothing is read before the first one is asked for."""

    def __init__(
        self,
        runs: AsyncIterator[WorkflowExecution],
        handle: Callable[[WorkflowExecution], WorkflowHandle[Any, Any]],
    ) -> None:
        """Private: made by `Client.list_workflows`."""
        self._runs = runs
        self._handle = handle

    def __aiter__(self) -> WorkflowExecutionAsyncIterator:
        """Gives the iterator itself."""
        return self

    async def __anext__(self) -> WorkflowExecution:
        """The next run.

        Raises:
            TransportError: The visibility topic cannot be read.
        """
        return await self._runs.__anext__()

    async def map_histories(
        self, *, rpc_metadata: RPCMetadata = NO_METADATA, rpc_timeout: timedelta | None = None
    ) -> AsyncIterator[WorkflowHistory]:
        """The histories of the runs that have not been given yet, for example for `foldlog.worker.Replayer`.

        Args:
            rpc_metadata: For interceptors only.
            rpc_timeout: How long to wait for one page of a history.

        Raises:
            WorkflowNotFoundError: The history of a run is not kept any more.
            RPCError: There was no answer in time.
        """
        async for run in self:
            yield await self._handle(run).fetch_history(rpc_metadata=rpc_metadata, rpc_timeout=rpc_timeout)
