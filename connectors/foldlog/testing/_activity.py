"""One activity with made-up surroundings: what `foldlog.activity` says and does within it is the test's to choose.

There is no worker: what the code returns or raises comes back as it is, and nothing is converted or repeated.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any, ParamSpec, TypeVar

from foldlog.activity import ActivityCancellationDetails, Info
from foldlog.activity._context import Context
from foldlog.activity._definition import Definition
from foldlog.activity._latch import Latch
from foldlog.client import Client
from foldlog.common import MetricMeter
from foldlog.converter import PayloadConverter
from foldlog.exceptions import CancelledError
from foldlog.worker.threads import ThreadRaiser

Parameters = ParamSpec("Parameters")
Returned = TypeVar("Returned")

_CANCEL_REQUESTED = ActivityCancellationDetails(cancel_requested=True)


class ActivityEnvironment:
    """Runs activities, and anything else that calls `foldlog.activity`.

    Attributes:
        info: What `activity.info` gives; see `default_info`.
        on_heartbeat: Is called with the details of each heartbeat, in the thread of the activity.
        payload_converter: What `activity.payload_converter` gives. Set it before `run`.
        metric_meter: What `activity.metric_meter` gives. Set it before `run`.
    """

    def __init__(self, client: Client | None = None) -> None:
        """Make surroundings.

        Args:
            client: What `activity.client` gives to async activities; None: there is none.
        """
        self.info = ActivityEnvironment.default_info()
        self.on_heartbeat: Callable[..., None] = lambda *details: None
        self.payload_converter: PayloadConverter = PayloadConverter.default
        self.metric_meter: MetricMeter = MetricMeter.noop
        self._client = client
        self._cancellation: ActivityCancellationDetails | None = None
        self._shutdown = Latch()
        self._lock = threading.Lock()
        self._running: list[_Run] = []

    @staticmethod
    def default_info() -> Info:
        """Facts about an attempt that never was; change some of them with `dataclasses.replace`."""
        long_ago = datetime.fromtimestamp(0, UTC)
        return Info(
            activity_id="test",
            activity_type="unknown",
            attempt=1,
            current_attempt_scheduled_time=long_ago,
            heartbeat_details=[],
            heartbeat_timeout=None,
            is_local=False,
            namespace="default",
            retry_policy=None,
            schedule_to_close_timeout=timedelta(seconds=1),
            scheduled_time=long_ago,
            start_to_close_timeout=timedelta(seconds=1),
            started_time=long_ago,
            task_queue="test",
            task_token=b"test",
            workflow_id="test",
            workflow_namespace="default",
            workflow_run_id="test-run",
            workflow_type="test",
        )

    def cancel(self, cancellation_details: ActivityCancellationDetails = _CANCEL_REQUESTED) -> None:
        """Ask what runs here, and what is run here later, to stop. Any thread; only the first call counts.

        Args:
            cancellation_details: Why.
        """
        with self._lock:
            if self._cancellation is not None:
                return
            self._cancellation = cancellation_details
            running = list(self._running)
        for run in running:
            run.cancel(cancellation_details)

    def worker_shutdown(self) -> None:
        """Tell what runs here that the worker begins to stop. Any thread."""
        self._shutdown.set()

    def run(self, fn: Callable[Parameters, Returned], *args: Parameters.args, **kwargs: Parameters.kwargs) -> Returned:
        """Call a function as an activity.

        Args:
            fn: An activity, or any other function; of an async one the result is to be awaited.
            *args: Its arguments.
            **kwargs: Its arguments.

        Returns:
            What it returns.

        Raises:
            BaseException: What it raises.
        """
        definition = Definition.from_callable(fn)
        if (definition or Definition(None, fn)).is_async:
            coroutine: Any = self._run_async(fn, args, kwargs)
            result: Returned = coroutine
            return result
        interruptible = definition is None or not definition.no_thread_cancel_exception
        run = _Run(self, ThreadRaiser() if interruptible else None, None)
        with self._entered(run):
            if run.raiser is None:
                return fn(*args, **kwargs)
            with run.raiser.entered():
                return fn(*args, **kwargs)

    async def _run_async(self, fn: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        run = _Run(self, None, self._client)
        with self._entered(run):
            task = asyncio.ensure_future(fn(*args, **kwargs))
            run.watch(task)
            try:
                return await task
            finally:
                task.cancel()

    @contextmanager
    def _entered(self, run: _Run) -> Iterator[None]:
        with self._lock:
            self._running.append(run)
            cancellation = self._cancellation
        token = Context.set(run.context)
        try:
            if cancellation is not None:
                run.cancel(cancellation)
            yield
        finally:
            Context.reset(token)
            with self._lock:
                self._running.remove(run)


class _Run:
    """One call."""

    def __init__(self, environment: ActivityEnvironment, raiser: ThreadRaiser | None, client: Client | None) -> None:
        self.raiser = raiser
        self._cancelled = False
        self._task: asyncio.Future[Any] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.context = Context(
            lambda: environment.info,
            heartbeat=lambda *details: environment.on_heartbeat(*details),
            worker_shutdown=environment._shutdown,
            shield_thread_cancel_exception=nullcontext if raiser is None else raiser.shielded,
            payload_converter=environment.payload_converter,
            client=client,
            metric_meter=environment.metric_meter,
        )

    def watch(self, task: asyncio.Future[Any]) -> None:
        """Cancel this task when the call is to stop."""
        self._loop = asyncio.get_running_loop()
        self._task = task
        if self._cancelled:
            task.cancel()

    def cancel(self, details: ActivityCancellationDetails) -> None:
        """Ask it to stop. Any thread."""
        self._cancelled = True
        self.context.cancel(details)
        if self.raiser is not None:
            self.raiser.raise_in_thread(CancelledError)
        if self._loop is not None and self._task is not None:
            self._loop.call_soon_threadsafe(self._task.cancel)
