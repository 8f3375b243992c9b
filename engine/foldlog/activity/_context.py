"""What surrounds the code of an activity while it runs. The worker fills it in; `foldlog.activity` reads it.

It is found through a context variable: tasks and coroutines inherit it by themselves. For a thread, the worker runs
the function in a copy of the context: `contextvars.copy_context().run`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar, Token
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from foldlog._metrics import MetricMeter
from foldlog.activity._info import Info
from foldlog.activity._latch import Latch
from foldlog.converter import PayloadConverter
from foldlog.exceptions import FoldlogError

if TYPE_CHECKING:
    from foldlog.client import Client


class NotInActivityError(FoldlogError, RuntimeError):
    """A function of `foldlog.activity` was called outside of an activity."""

    def __init__(self) -> None:
        super().__init__("Not in activity context")


class NoClientError(FoldlogError, RuntimeError):
    """An activity asked for a client that it has not."""


class CompleteAsyncError(BaseException):
    """Ends the code of an activity while the activity itself goes on. No Exception, so that code lets it through."""


@dataclass(frozen=True)
class ActivityCancellationDetails:
    """Why an attempt is to stop. More than one may be true."""

    not_found: bool = False
    """The attempt counts no longer: the activity has ended otherwise, or its workflow has."""
    cancel_requested: bool = False
    """The workflow asked for it."""
    paused: bool = False
    """The activity was paused."""
    timed_out: bool = False
    """A timeout of the activity passed."""
    worker_shutdown: bool = False
    """The worker stops, and the grace period is over."""
    reset: bool = False
    """The activity was reset."""


def _no_heartbeat(*_details: Any) -> None:
    """For activities that nobody listens to."""


class Context:
    """The surroundings of one attempt.

    Attributes:
        heartbeat: Takes a heartbeat's details; called from whatever thread the activity runs in.
        cancelled: Set when the attempt is to stop; see `cancel`.
        cancellation_details: Why; None as long as it is not to stop.
        worker_shutdown: Set when the worker begins to stop.
        shield_thread_cancel_exception: Makes the context manager that holds back exceptions raised in the thread.
        payload_converter: Converts raw values.
        client: Client of the worker; None where there is none.
        metric_meter: Takes metrics; None where they cannot be taken.
    """

    __slots__ = (
        "_info",
        "_make_info",
        "cancellation_details",
        "cancelled",
        "client",
        "heartbeat",
        "metric_meter",
        "payload_converter",
        "shield_thread_cancel_exception",
        "worker_shutdown",
    )

    def __init__(
        self,
        info: Info | Callable[[], Info],
        *,
        heartbeat: Callable[..., None] = _no_heartbeat,
        worker_shutdown: Latch | None = None,
        shield_thread_cancel_exception: Callable[[], AbstractContextManager[None]] = nullcontext,
        payload_converter: PayloadConverter = PayloadConverter.default,
        client: Client | None = None,
        metric_meter: MetricMeter | None = MetricMeter.noop,
    ) -> None:
        """Make one.

        Args:
            info: Facts about the attempt, or what makes them when they are first asked for.
            heartbeat: See the attributes.
            worker_shutdown: One for all attempts of a worker; None: it never stops.
            shield_thread_cancel_exception: See the attributes.
            payload_converter: See the attributes.
            client: See the attributes.
            metric_meter: See the attributes.
        """
        self._info: Info | None = info if isinstance(info, Info) else None
        self._make_info: Callable[[], Info] | None = None if isinstance(info, Info) else info
        self.heartbeat = heartbeat
        self.cancelled = Latch()
        self.cancellation_details: ActivityCancellationDetails | None = None
        self.worker_shutdown = Latch() if worker_shutdown is None else worker_shutdown
        self.shield_thread_cancel_exception = shield_thread_cancel_exception
        self.payload_converter = payload_converter
        self.client = client
        self.metric_meter = metric_meter

    @property
    def info(self) -> Info:
        """Facts about the attempt."""
        if self._info is None:
            assert self._make_info is not None
            self._info = self._make_info()
        return self._info

    def cancel(self, details: ActivityCancellationDetails) -> None:
        """Note that the attempt is to stop, and wake who waits for it. From any thread; the first call counts."""
        if self.cancellation_details is None:
            self.cancellation_details = details
        self.cancelled.set()

    @staticmethod
    def maybe_current() -> Context | None:
        """The context of the running activity; None outside of activities."""
        return _current.get()

    @staticmethod
    def current() -> Context:
        """The context of the running activity.

        Raises:
            NotInActivityError: None is running.
        """
        context = _current.get()
        if context is None:
            raise NotInActivityError
        return context

    @staticmethod
    def set(context: Context | None) -> Token[Context | None]:
        """Make it the current one for this task, or this thread."""
        return _current.set(context)

    @staticmethod
    def reset(token: Token[Context | None]) -> None:
        """Undo `set`."""
        _current.reset(token)


_current: ContextVar[Context | None] = ContextVar("foldlog_activity", default=None)
