"""What a start may ask for besides its arguments: whether it can be, and when the code of its run begins."""

from __future__ import annotations

import math

from foldlog.core.cron import check_cron, next_cron_ms
from foldlog.core.decider import WorkflowTaskError
from foldlog.core.fields import check_memo, check_search_attributes, check_texts
from foldlog.core.versioning import check_options
from foldlog.schemas.command import StartWorkflow
from foldlog.schemas.common import RetryPolicy
from foldlog.schemas.event import WorkflowExecutionStarted

MAXIMUM_TYPE_BYTES = 1_000
"""Bound on the name of a workflow type in UTF-8, as in Temporal. It is in each task and each row of its runs, beside
what may be as large as a record."""


def check_start_options(wanted: StartWorkflow) -> None:
    """Refuse a start whose options cannot be. Any program can write one, so all is looked at that would fail later.

    Raises:
        WorkflowTaskError: An option cannot be; the message names it.
    """
    if len(wanted.workflow_type.encode()) > MAXIMUM_TYPE_BYTES:
        name = f"{wanted.workflow_type[:80]!r}…"
        raise WorkflowTaskError(f"the name of a workflow type may have {MAXIMUM_TYPE_BYTES} bytes, and {name} has more")
    if wanted.memo:
        check_memo(wanted.memo)
    if wanted.start_delay_ms < 0:
        raise WorkflowTaskError(f"start_delay must not be negative: {wanted.start_delay_ms} ms")
    options = wanted.options
    if options is None:
        return
    if options.retry_policy is not None:
        check_retry_policy(options.retry_policy)
    if options.cron_schedule:
        check_cron(options.cron_schedule)
        if wanted.start_delay_ms:
            raise WorkflowTaskError("start_delay and cron_schedule cannot be given together")
    check_options(options)
    check_search_attributes(options.search_attributes)
    check_texts(options.summary, options.details)


def check_retry_policy(policy: RetryPolicy) -> None:
    """Refuse a retry policy that cannot work.

    Raises:
        WorkflowTaskError: It cannot; the message names the field.
    """
    if policy.initial_interval_ms < 1:
        raise _bad("initial_interval", f"must be at least 1 ms, not {policy.initial_interval_ms}")
    if not (math.isfinite(policy.backoff_coefficient) and policy.backoff_coefficient >= 1):
        raise _bad("backoff_coefficient", f"must be a number of at least 1, not {policy.backoff_coefficient}")
    if policy.maximum_interval_ms and policy.maximum_interval_ms < policy.initial_interval_ms:
        raise _bad("maximum_interval", f"must not be less than initial_interval ({policy.initial_interval_ms} ms)")
    if policy.maximum_attempts < 0:
        raise _bad("maximum_attempts", f"must not be negative: {policy.maximum_attempts}")


def _bad(field: str, what: str) -> WorkflowTaskError:
    return WorkflowTaskError(f"retry_policy: {field} {what}")


def first_task_ms(wanted: StartWorkflow, now_ms: int) -> int:
    """When the code of the run begins, in Unix milliseconds; 0: it is not made to wait."""
    if wanted.start_delay_ms:
        return now_ms + wanted.start_delay_ms
    if wanted.options is not None and wanted.options.cron_schedule:
        return next_cron_ms(wanted.options.cron_schedule, now_ms, now_ms)
    return 0


def waits_for_start_delay(started: WorkflowExecutionStarted) -> bool:
    """Whether what holds a run is a start delay, which updates and starts with signals end, unlike a cron schedule."""
    return (
        started.first_task_ms > started.time_ms
        and started.continuation is None
        and not (started.options is not None and started.options.cron_schedule)
    )


def waits_for_code(started: WorkflowExecutionStarted) -> bool:
    """Whether what held a run was that nobody had any code: it begins once what has come meanwhile is known."""
    return 0 < started.first_task_ms <= started.time_ms
