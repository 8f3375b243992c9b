"""The workflow that takes one action of a schedule: starts the workflow that is meant, and tells the schedule of it.

The workflow that is meant is its child and ends with it, which is how a schedule terminates one.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from foldlog import workflow
from foldlog.api.common.v1 import plain
from foldlog.common import (
    Priority,
    RawValue,
    RetryPolicy,
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
)
from foldlog.converter import DataConverter, decode_typed_search_attributes
from foldlog.exceptions import (
    ApplicationError,
    CancelledError,
    ChildWorkflowError,
    TerminatedError,
    TimeoutError,
    WorkflowAlreadyStartedError,
)
from foldlog.schedules.model import ACTION_TYPE, MOST_HANDED_ON, Ended, Job, Taken, schedule_workflow_id
from foldlog.schemas.common import Failure
from foldlog.workflow._child_types import ChildWorkflowHandle
from foldlog.workflow._runtime import current
from msgspec.json import encode
from msgspec.structs import replace

SCHEDULED_BY_ID = SearchAttributeKey.for_keyword("TemporalScheduledById")
"""The schedule that started a workflow."""
SCHEDULED_START_TIME = SearchAttributeKey.for_datetime("TemporalScheduledStartTime")
"""The time that it was started for."""


@workflow.defn(name=ACTION_TYPE, sandboxed=False)
class ActionWorkflow:
    """One action. Never fails; open for as long as the workflow that it started is."""

    def __init__(self) -> None:
        """Nobody has asked for anything."""
        self._cancel = False
        self._terminate = False

    @workflow.run
    async def run(self, job: Job) -> None:
        """Start it, and wait for its end."""
        self._schedule = workflow.get_external_workflow_handle(schedule_workflow_id(job.schedule_id))
        try:
            child = await self._start(job)
        except (WorkflowAlreadyStartedError, ChildWorkflowError):
            await self._tell("ended", Ended(job.workflow_id, "REFUSED"))
            return
        started_ms = workflow.time_ns() // 1_000_000
        run_id = child.first_execution_run_id or ""
        await self._tell("begun", Taken(job.due_ms, started_ms, job.workflow_id, run_id))
        await workflow.wait_condition(lambda: child.done() or self._cancel or self._terminate)
        if self._cancel and not child.done():
            child.cancel()
            await workflow.wait_condition(lambda: child.done() or self._terminate)
        ended = await _how(child, job.workflow_id) if child.done() else Ended(job.workflow_id, "TERMINATED")
        await self._tell("ended", _to_hand_on(ended))

    @workflow.signal
    def cancel(self) -> None:
        """The workflow is to cancel itself."""
        self._cancel = True

    @workflow.signal
    def terminate(self) -> None:
        """The workflow is to end now."""
        self._terminate = True

    @workflow.signal
    def hello(self) -> None:
        """Whoever sends it hears whether this is still open."""

    async def _start(self, job: Job) -> ChildWorkflowHandle[Any, Any]:
        action = job.action
        options: Any = {
            "id": job.workflow_id,
            "task_queue": action.task_queue,
            "execution_timeout": _duration(action.execution_timeout_ms),
            "run_timeout": _duration(action.run_timeout_ms),
            "retry_policy": None if action.retry_policy is None else RetryPolicy.from_record(action.retry_policy),
            "memo": {name: RawValue(payload) for name, payload in action.memo.items()},
            "search_attributes": _search_attributes(job),
            "static_summary": None if action.summary is None else RawValue(action.summary),
            "static_details": None if action.details is None else RawValue(action.details),
            "priority": Priority.from_record(action.priority),
            "last_result": job.last_result,
            "last_failure": job.last_failure,
        }
        args = [RawValue(payload) for payload in action.args]
        runtime: Any = current()
        child: ChildWorkflowHandle[Any, Any] = await runtime.start_child_with_header(
            action.workflow_type, args, RawValue, options, action.header
        )
        return child

    async def _tell(self, signal: str, what: Taken | Ended) -> None:
        try:
            await self._schedule.signal(signal, what)
        except ApplicationError:
            return  # the schedule was deleted


async def _how(child: ChildWorkflowHandle[Any, Any], workflow_id: str) -> Ended:
    """How a workflow that has ended did so."""
    try:
        result: RawValue = await child
    except asyncio.CancelledError:
        return Ended(workflow_id, "CANCELED")
    except ChildWorkflowError as error:
        cause = error.cause
        if isinstance(cause, CancelledError):
            return Ended(workflow_id, "CANCELED")
        if isinstance(cause, TerminatedError):
            return Ended(workflow_id, "TERMINATED")
        status = "TIMED_OUT" if isinstance(cause, TimeoutError) else "FAILED"
        return Ended(workflow_id, status, failure=_failure(cause or error))
    return Ended(workflow_id, "COMPLETED", result=plain(result.payload))


def _to_hand_on(ended: Ended) -> Ended:
    """How it ended, without what is too large for the next action: the schedule must hear of the end all the same."""
    if ended.result is not None and len(ended.result.data) > MOST_HANDED_ON:
        return Ended(ended.workflow_id, ended.status)
    failure = ended.failure
    if failure is not None and len(encode(failure)) > MOST_HANDED_ON:
        return Ended(ended.workflow_id, ended.status, failure=replace(failure, details=[], cause=None))
    return ended


def _failure(error: BaseException) -> Failure:
    converter = DataConverter.default
    return converter.failure_converter.to_failure(error, converter.payload_converter)


def _search_attributes(job: Job) -> TypedSearchAttributes:
    own = decode_typed_search_attributes(job.action.search_attributes)
    ours = (SCHEDULED_BY_ID, SCHEDULED_START_TIME)
    time = datetime.fromtimestamp(job.nominal_ms // 1000, UTC)
    return TypedSearchAttributes(
        [
            *(pair for pair in own if pair.key not in ours),
            SearchAttributePair(SCHEDULED_BY_ID, job.schedule_id),
            SearchAttributePair(SCHEDULED_START_TIME, time),
        ]
    )


def _duration(ms: int) -> timedelta | None:
    return timedelta(milliseconds=ms) if ms else None
