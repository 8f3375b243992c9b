"""The workflow that carries out an activity which no workflow asked for, and ends as the activity does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from foldlog import workflow
from foldlog.common import Priority, RawValue, RetryPolicy
from foldlog.exceptions import ActivityError, CancelledError, TimeoutError
from foldlog.standalone.model import ACTIVITY_TYPE, Described, Job
from foldlog.workflow._activity_types import ActivityCancellationType
from foldlog.workflow._runtime import current


@workflow.defn(name=ACTIVITY_TYPE, sandboxed=False)
class ActivityWorkflow:
    """One activity."""

    @workflow.init
    def __init__(self, job: Job) -> None:
        """Nothing has come of it yet."""
        self._described = Described(job)

    @workflow.run
    async def run(self, job: Job) -> RawValue:
        """Have it run. A request to cancel is passed on, and its end is waited for."""
        options: Any = {
            "activity_id": job.activity_id,
            "task_queue": job.task_queue,
            "schedule_to_close_timeout": _duration(job.schedule_to_close_timeout_ms),
            "schedule_to_start_timeout": _duration(job.schedule_to_start_timeout_ms),
            "start_to_close_timeout": _duration(job.start_to_close_timeout_ms),
            "heartbeat_timeout": _duration(job.heartbeat_timeout_ms),
            "retry_policy": None if job.retry_policy is None else RetryPolicy.from_record(job.retry_policy),
            "cancellation_type": ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
            "summary": None if job.summary is None else RawValue(job.summary),
        }
        if job.priority is not None:
            options["priority"] = Priority.from_record(job.priority)
        args = [RawValue(payload) for payload in job.args]
        runtime: Any = current()
        try:
            result: RawValue = await runtime.start_activity_with_header(
                job.activity_type, args, RawValue, options, job.header
            )
        except ActivityError as error:
            self._described.timed_out = isinstance(error.cause, TimeoutError)
            if isinstance(error.cause, CancelledError):
                # A cancelled workflow ends without the error around it, and so would what the activity said.
                raise error.cause from None
            raise
        return result

    @workflow.query
    def describe(self) -> Described:
        """What it is."""
        return self._described


def _duration(ms: int) -> timedelta | None:
    return timedelta(milliseconds=ms) if ms else None
