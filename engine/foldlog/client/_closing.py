"""How a run ended, as the event that a client with interceptors waits for.

Temporal's clients wait for a result by fetching the closing event, which is how their interceptors see it. Here the
answer to a client says how a run ended; the event is made of that answer, and read again behind the interceptors.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from foldlog.client._asking import Asking
from foldlog.client._interceptor import (
    FetchWorkflowHistoryEventsInput,
    OutboundInterceptor,
    WorkflowHistoryEventFilterType,
)
from foldlog.client._types import RPCMetadata
from foldlog.converter import PayloadConverter
from foldlog.core.views import TIMEOUT_MESSAGES, result_of
from foldlog.exceptions import RPCError, RPCStatusCode, WorkflowNotFoundError
from foldlog.schemas import event
from foldlog.schemas.common import Failure
from foldlog.schemas.records import Event
from foldlog.schemas.reply import WorkflowResult

_TYPES: dict[str, Any] = {
    "COMPLETED": event.WorkflowExecutionCompleted,
    "FAILED": event.WorkflowExecutionFailed,
    "CANCELED": event.WorkflowExecutionCanceled,
    "TERMINATED": event.WorkflowExecutionTerminated,
    "TIMED_OUT": event.WorkflowExecutionTimedOut,
    "CONTINUED_AS_NEW": event.WorkflowExecutionContinuedAsNew,
}
_STATUSES = {cls: status for status, cls in _TYPES.items()}


@dataclass(kw_only=True)
class _ResultInput(FetchWorkflowHistoryEventsInput):
    """A wait for a result, and whether it is for that of the whole chain of runs."""

    follow_runs: bool


async def result_by_way_of(
    outbound: OutboundInterceptor,
    id: str,
    run_id: str | None,
    follow_runs: bool,
    rpc_metadata: RPCMetadata,
    rpc_timeout: timedelta | None,
) -> WorkflowResult:
    """How a workflow ended, once it has, as interceptors give it.

    Raises:
        RPCError: It is not known, the time is over, or the interceptors gave no closing event.
    """
    deadline = None if rpc_timeout is None else time.monotonic() + rpc_timeout.total_seconds()
    asked = _ResultInput(
        id=id,
        run_id=run_id,
        wait_new_event=True,
        event_filter_type=WorkflowHistoryEventFilterType.CLOSE_EVENT,
        skip_archival=True,
        rpc_metadata=rpc_metadata,
        rpc_timeout=rpc_timeout,
        follow_runs=follow_runs,
    )
    while True:
        result = await _first(outbound.fetch_workflow_history_events(asked))
        if not follow_runs or not result.new_run_id:
            return result
        left = None if deadline is None else timedelta(seconds=max(deadline - time.monotonic(), 0.0))
        asked = replace(asked, run_id=result.new_run_id, rpc_timeout=left)


async def closing_events(asking: Asking, input: FetchWorkflowHistoryEventsInput) -> AsyncIterator[Event]:
    """The event with which a run ends, once it does."""
    run_id = input.run_id or ""
    try:
        result = await asking.result_of_run(input.id, run_id, False, input.rpc_timeout)
    except WorkflowNotFoundError:
        if not getattr(input, "follow_runs", False):
            raise
        # Processors may still know the chain of a run that they have forgotten.
        result = await asking.result_of_run(input.id, run_id, True, input.rpc_timeout)
    yield _event(result)


async def _first(events: AsyncIterator[Event]) -> WorkflowResult:
    async for found in events:
        if (result := _result(found)) is not None:
            return result
    raise RPCError("an interceptor gave no event with which the workflow ends", RPCStatusCode.DATA_LOSS)


def _event(result: WorkflowResult) -> Event:
    failure = result.failure or Failure(message=f"the run ended as {result.status}, and nothing says why")
    known: dict[str, Any] = {
        "run_id": result.run_id,
        "new_run_id": result.new_run_id,
        "result": result.result or PayloadConverter.default.to_payload(None),
        "failure": failure,
        "retry_state": result.retry_state,
        "details": failure.details,
        "reason": failure.message,
        "workflow_type": "",
        "execution": failure.message == TIMEOUT_MESSAGES[True],
    }
    cls = _TYPES[result.status]
    closing: Event = cls(**{name: value for name, value in known.items() if name in cls.__struct_fields__})
    return closing


def _result(closing: Event) -> WorkflowResult | None:
    """None: this event closes no run."""
    status = _STATUSES.get(type(closing))
    return None if status is None else result_of(closing, closing.run_id, status)
