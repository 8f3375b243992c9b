"""What activity code may ask and do. All of it works in the activity itself, and in tasks and coroutines that it made.

In a thread that the activity started by itself it does not: run the thread's function in
`contextvars.copy_context().run`.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from foldlog._metrics import MetricMeter
from foldlog.activity._context import ActivityCancellationDetails, CompleteAsyncError, Context, NoClientError
from foldlog.activity._info import Info
from foldlog.converter import PayloadConverter
from foldlog.exceptions import FoldlogError

if TYPE_CHECKING:
    from foldlog.client import Client


def in_activity() -> bool:
    """Whether this code is run by an activity."""
    return Context.maybe_current() is not None


def info() -> Info:
    """Facts about the running attempt.

    Raises:
        NotInActivityError: Not called from an activity.
    """
    return Context.current().info


def heartbeat(*details: Any) -> None:
    """Tell that the activity is alive, and how far it is.

    The next attempt finds the details of the last heartbeat in `info().heartbeat_details`. Calls are cheap and may be
    frequent: only as many are sent as the heartbeat timeout needs. An activity learns of its cancellation whether it
    calls this or not, as long as it has a heartbeat timeout or runs for longer than half a second.

    Args:
        *details: What the next attempt needs to go on from here.

    Raises:
        NotInActivityError: Not called from an activity.
        PayloadConversionError: A detail cannot be converted.
    """
    Context.current().heartbeat(*details)


def is_cancelled() -> bool:
    """Whether this attempt is to stop.

    Raises:
        NotInActivityError: Not called from an activity.
    """
    return Context.current().cancelled.is_set()


async def wait_for_cancelled() -> None:
    """Wait until this attempt is to stop.

    Async activities are also cancelled as tasks are, so this is for those that shield themselves from it.

    Raises:
        NotInActivityError: Not called from an activity.
    """
    await Context.current().cancelled.wait()


def wait_for_cancelled_sync(timeout: timedelta | float | None = None) -> bool:
    """Block this thread until this attempt is to stop.

    Args:
        timeout: How long at most; a number counts seconds. None: no limit.

    Returns:
        Whether the attempt is to stop.

    Raises:
        NotInActivityError: Not called from an activity.
    """
    return Context.current().cancelled.wait_sync(_seconds(timeout))


def cancellation_details() -> ActivityCancellationDetails | None:
    """Why this attempt is to stop; None as long as it is not.

    Raises:
        NotInActivityError: Not called from an activity.
    """
    return Context.current().cancellation_details


def is_worker_shutdown() -> bool:
    """Whether the worker has begun to stop. It lets its activities go on for a grace period.

    Raises:
        NotInActivityError: Not called from an activity.
    """
    return Context.current().worker_shutdown.is_set()


async def wait_for_worker_shutdown() -> None:
    """Wait until the worker begins to stop.

    Raises:
        NotInActivityError: Not called from an activity.
    """
    await Context.current().worker_shutdown.wait()


def wait_for_worker_shutdown_sync(timeout: timedelta | float | None = None) -> bool:
    """Block this thread until the worker begins to stop.

    Args:
        timeout: How long at most; a number counts seconds. None: no limit.

    Returns:
        Whether the worker has begun to stop.

    Raises:
        NotInActivityError: Not called from an activity.
    """
    return Context.current().worker_shutdown.wait_sync(_seconds(timeout))


def raise_complete_async() -> NoReturn:
    """End this code but not the activity: something else completes it later, from whatever process.

    That takes `Client.get_async_activity_handle`, with `info().task_token` or with workflow ID and activity ID. The
    worker's place is free for another attempt, while the timeouts go on: an activity with a heartbeat timeout needs
    heartbeats from whoever completes it. Not for local activities.

    Raises:
        NotInActivityError: Not called from an activity.
        BaseException: Always; do not catch it.
    """
    Context.current()
    raise CompleteAsyncError


def shield_thread_cancel_exception() -> AbstractContextManager[None]:
    """Hold back cancellation while a block runs, in an activity that is not async.

    Cancellation raises `foldlog.exceptions.CancelledError` in the activity's thread, anywhere. Within this context
    manager it does not; it is raised at the end of the outermost one.

    Raises:
        NotInActivityError: Not called from an activity.
    """
    return Context.current().shield_thread_cancel_exception()


def payload_converter() -> PayloadConverter:
    """What converts the activity's values, such as the `RawValue`s of a dynamic one.

    Raises:
        NotInActivityError: Not called from an activity.
    """
    return Context.current().payload_converter


def metric_meter() -> MetricMeter:
    """Makes metrics of the application's own, which go where the worker's go.

    They have the attributes `namespace`, `task_queue` and `activity_type`.

    Raises:
        NotInActivityError: Not called from an activity.
        FoldlogError: The activity runs in a process pool.
    """
    context = Context.current()
    if context.metric_meter is None:
        raise FoldlogError("activities in a process pool have no metric meter")
    info = context.info
    return context.metric_meter.with_additional_attributes(
        {"namespace": info.namespace, "task_queue": info.task_queue, "activity_type": info.activity_type}
    )


def client() -> Client:
    """The client that the worker has.

    Use it in async activities only: it belongs to the worker's event loop.

    Raises:
        NotInActivityError: Not called from an activity.
        RuntimeError: There is none: the activity is not async.
    """
    found = Context.current().client
    if found is None:
        raise NoClientError("No client available: a worker gives one to async activities only")
    return found


def _seconds(timeout: timedelta | float | None) -> float | None:
    return timeout.total_seconds() if isinstance(timeout, timedelta) else timeout
