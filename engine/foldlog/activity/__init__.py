"""Activities: functions that do what workflows must not, such as calling other systems. They may be run more than once.

Names and meanings follow Temporal's `temporalio.activity`; `Info.idempotency_key` is foldlog's own.
"""

from foldlog.activity._context import ActivityCancellationDetails, NotInActivityError
from foldlog.activity._definition import defn, is_definition
from foldlog.activity._functions import (
    cancellation_details,
    client,
    heartbeat,
    in_activity,
    info,
    is_cancelled,
    is_worker_shutdown,
    metric_meter,
    payload_converter,
    raise_complete_async,
    shield_thread_cancel_exception,
    wait_for_cancelled,
    wait_for_cancelled_sync,
    wait_for_worker_shutdown,
    wait_for_worker_shutdown_sync,
)
from foldlog.activity._info import Info
from foldlog.activity._logger import LoggerAdapter, logger

__all__ = [
    "ActivityCancellationDetails",
    "Info",
    "LoggerAdapter",
    "NotInActivityError",
    "cancellation_details",
    "client",
    "defn",
    "heartbeat",
    "in_activity",
    "info",
    "is_cancelled",
    "is_definition",
    "is_worker_shutdown",
    "logger",
    "metric_meter",
    "payload_converter",
    "raise_complete_async",
    "shield_thread_cancel_exception",
    "wait_for_cancelled",
    "wait_for_cancelled_sync",
    "wait_for_worker_shutdown",
    "wait_for_worker_shutdown_sync",
]
