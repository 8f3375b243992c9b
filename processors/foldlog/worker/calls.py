"""How the code of an activity is called: with its context, on the event loop, in a thread, or in another process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import nullcontext
from contextvars import copy_context
from datetime import UTC, datetime
from functools import partial
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any

from foldlog._metrics import MetricMeter
from foldlog.activity import Info
from foldlog.activity._context import Context
from foldlog.activity._info import info_from_task
from foldlog.activity._latch import Latch
from foldlog.interceptor import ActivityOutboundInterceptor, Interceptor
from foldlog.schemas.framing import encode
from foldlog.schemas.task import TaskToken
from foldlog.worker.attempt import Attempt
from foldlog.worker.conversion import Conversion
from foldlog.worker.pool import ActivityThreads, ThreadCall
from foldlog.worker.processes import ProcessBridge
from foldlog.worker.registry import Registered
from foldlog.worker.threads import ThreadRaiser

if TYPE_CHECKING:
    from multiprocessing.managers import SyncManager

    from foldlog.client import Client


class Calls:
    """Calls activities of one worker.

    Args:
        conversion: For values in heartbeats.
        task_queue: The worker's queue, as `Info` tells it.
        executor: Runs what is not async; None if there is nothing of the kind.
        client: For async activities.
        interceptors: See each call, the first one first.
        metric_meter: Takes what activities measure.
        manager: Serves other processes; None: one of our own, if it is needed.
    """

    def __init__(
        self,
        conversion: Conversion,
        *,
        task_queue: str,
        executor: Executor | None = None,
        client: Client | None = None,
        interceptors: Sequence[Interceptor] = (),
        metric_meter: MetricMeter = MetricMeter.noop,
        manager: SyncManager | None = None,
    ) -> None:
        self._metric_meter = metric_meter
        self.task_queue = task_queue
        self._executor = executor
        self._submit_waits = executor is not None and iscoroutinefunction(executor.submit)
        self.client = client
        """For async activities that begin from now on."""
        self.executor = executor
        self.interceptors = interceptors
        self.own_threads = executor if isinstance(executor, ActivityThreads) and not interceptors else None
        """Threads that an activity can be begun in without waiting for anything; None: there are none."""
        self._shutdown = Latch()
        self._processes: ProcessBridge | None = None
        if executor is not None and not isinstance(executor, ActivityThreads | ThreadPoolExecutor):
            self._processes = ProcessBridge(conversion.payload_converter_class, manager)

    def notify_shutdown(self) -> None:
        """Tell activities that the worker begins to stop."""
        self._shutdown.set()
        if self._processes is not None:
            self._processes.notify_shutdown()

    @property
    def closes(self) -> bool:
        """Whether `close` has anything to do."""
        return self._processes is not None

    async def prepare(self) -> None:
        """Begin what serves other processes, so that the first attempt need not wait for it."""
        if self._processes is not None:
            await self._processes.start()

    def close(self) -> None:
        """End what serves other processes. Blocks for a moment."""
        if self._processes is not None:
            self._processes.close()

    def enter(self, attempt: Attempt, details: list[Any], outbound: ActivityOutboundInterceptor | None = None) -> None:
        """Make this attempt the current one of the running task, before its async function is called there."""
        context = Context(
            partial(self.info, attempt, details) if outbound is None else outbound.info,
            heartbeat=partial(self.heartbeat, attempt) if outbound is None else outbound.heartbeat,
            worker_shutdown=self._shutdown,
            payload_converter=attempt.conversion.payload_converter,
            client=self.client,
            metric_meter=self._metric_meter,
        )
        attempt.context = context
        Context.set(context)

    async def in_executor(
        self,
        attempt: Attempt,
        activity: Registered,
        args: list[Any],
        details: list[Any],
        outbound: ActivityOutboundInterceptor | None = None,
    ) -> Any:
        """Call a function that is not async, and wait for it."""
        assert self._executor is not None  # there is one as soon as one activity is not async
        if self._processes is not None:
            await self._processes.start()
            future, arrived = self._processes.submit(
                self._executor, attempt, self.info(attempt, details), activity.function, args
            )
            attempt.take_back = future.cancel
            waiting: Awaitable[Any] = _with_heartbeats(future, arrived)
        else:
            waiting = self._in_thread(attempt, activity, args, details, outbound)
        if attempt.cancel_reason is not None:
            # It came while this was being set up.
            attempt.interrupt()
        return await waiting

    def _in_thread(
        self,
        attempt: Attempt,
        activity: Registered,
        args: list[Any],
        details: list[Any],
        outbound: ActivityOutboundInterceptor | None,
    ) -> Awaitable[Any]:
        assert self._executor is not None
        job = self._job(attempt, activity, args, details, outbound)
        if isinstance(self._executor, ActivityThreads):
            return _call_in(self._executor, attempt, job)
        if not self._submit_waits:
            future = self._executor.submit(job)
            attempt.take_back = future.cancel
            return asyncio.wrap_future(future)
        # An executor of another kind of event loop, such as Trio's, of which only that loop knows how it is used. What
        # it runs cannot be taken back.
        attempt.take_back = _too_late
        return asyncio.get_running_loop().run_in_executor(self._executor, job)

    def begin_in_own_thread(self, attempt: Attempt, activity: Registered, args: list[Any]) -> ThreadCall:
        """Call a function that is not async in one of `own_threads`."""
        assert self.own_threads is not None
        return _call_in(self.own_threads, attempt, self._job(attempt, activity, args, [], None))

    def _job(
        self,
        attempt: Attempt,
        activity: Registered,
        args: list[Any],
        details: list[Any],
        outbound: ActivityOutboundInterceptor | None,
    ) -> Callable[[], Any]:
        """What is to be done in a thread."""
        raiser = ThreadRaiser() if activity.interruptible else None
        context = Context(
            partial(self.info, attempt, details) if outbound is None else outbound.info,
            heartbeat=partial(self.heartbeat, attempt) if outbound is None else outbound.heartbeat,
            worker_shutdown=self._shutdown,
            shield_thread_cancel_exception=nullcontext if raiser is None else raiser.shielded,
            payload_converter=attempt.conversion.payload_converter,
            metric_meter=self._metric_meter,
        )
        attempt.context = context
        attempt.raiser = raiser
        return partial(copy_context().run, _call_in_thread, context, raiser, activity.function, args)

    def heartbeat(self, attempt: Attempt, *details: Any) -> None:
        """A sign of life, from any thread."""
        attempt.heartbeat(attempt.conversion.payload_converter.to_payloads(details))

    def info(self, attempt: Attempt, details: list[Any]) -> Info:
        """Facts about an attempt."""
        task = attempt.task
        token = TaskToken(
            namespace=task.namespace,
            workflow_id=attempt.workflow_id,
            run_id=task.run_id,
            activity_id=task.activity_id,
            scheduled_event_id=task.scheduled_event_id,
            attempt=task.attempt,
        )
        return info_from_task(
            attempt.workflow_id,
            task,
            task_queue=self.task_queue,
            started_time=datetime.fromtimestamp(attempt.started_wall, UTC),
            task_token=encode(token),
            heartbeat_details=details,
            is_local=attempt.is_local,
        )


def _call_in(threads: ActivityThreads, attempt: Attempt, job: Callable[[], Any]) -> ThreadCall:
    call = threads.call(job)
    attempt.take_back = call.take_back
    return call


def _too_late() -> None:
    """For `Attempt.take_back`."""


async def _with_heartbeats(future: Future[Any], arrived: Future[None]) -> Any:
    """What a call in another process comes to; a failure comes after the heartbeats that go along with it."""
    try:
        return await asyncio.wrap_future(future)
    except asyncio.CancelledError:
        raise
    except BaseException:
        await asyncio.wrap_future(arrived)
        raise


def _call_in_thread(
    context: Context, raiser: ThreadRaiser | None, function: Callable[..., Any], args: list[Any]
) -> Any:
    Context.set(context)
    try:
        if raiser is None:
            return function(*args)
        with raiser.entered():
            return function(*args)
    except StopIteration as error:
        # A future cannot carry it: whoever awaits would wait for ever.
        raise RuntimeError(f"the activity raised StopIteration: {error.value!r}") from error
    except GeneratorExit as error:
        # Whoever awaits would take it for the end of its own coroutine.
        raise RuntimeError("the activity raised GeneratorExit") from error
