"""What calls of activities share: options, handles, and how a function stands for an activity."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from datetime import timedelta
from enum import IntEnum
from typing import Any, Protocol, TypedDict, TypeVar

from foldlog.activity._definition import Definition
from foldlog.common import Priority, RetryPolicy
from foldlog.exceptions import DefinitionError
from foldlog.types import UNSET
from foldlog.workflow._tasks import OrderedTask

__all__ = ["ActivityCancellationType", "ActivityConfig", "ActivityHandle", "LocalActivityConfig"]

P = TypeVar("P")
R = TypeVar("R")
P_contra = TypeVar("P_contra", contravariant=True)
R_co = TypeVar("R_co", covariant=True)


class ActivityHandle(OrderedTask[R]):
    """The task of an activity that was started. Awaiting it gives the result; cancelling it cancels the activity."""

    __slots__ = ()


class ActivityCancellationType(IntEnum):
    """What cancelling an activity from the workflow means."""

    TRY_CANCEL = 0
    """Ask for its cancellation, and go on at once as if it were cancelled."""
    WAIT_CANCELLATION_COMPLETED = 1
    """Ask for its cancellation, and wait for how it ends."""
    ABANDON = 2
    """Do not ask; go on at once as if it were cancelled."""


class ActivityConfig(TypedDict, total=False):
    """Options of an activity."""

    task_queue: str | None
    """Where its tasks go; the workflow's task queue if not given."""
    schedule_to_close_timeout: timedelta | None
    """Limit on all attempts together."""
    schedule_to_start_timeout: timedelta | None
    """Limit on waiting for a worker; not retried."""
    start_to_close_timeout: timedelta | None
    """Limit on one attempt."""
    heartbeat_timeout: timedelta | None
    """Limit between two heartbeats."""
    retry_policy: RetryPolicy | None
    """How failed attempts are repeated. If not given: after 1 s, each wait twice the one before, at most 100 s, without
    limit."""
    cancellation_type: ActivityCancellationType
    """What cancelling it means; TRY_CANCEL if not given."""
    activity_id: str | None
    """Unique among the run's open activities, local ones included; a number if not given."""
    summary: str | None
    """One line for people, in the history and where the activity is shown."""
    priority: Priority
    """Which of the tasks that a worker holds comes first; what is not given is as the workflow's."""
    versioning_intent: object
    """Has no meaning here: an activity is of the version that its run is pinned to, if it is. Taken for the sake of
    Temporal's signature."""


class LocalActivityConfig(TypedDict, total=False):
    """Options of a local activity."""

    schedule_to_close_timeout: timedelta | None
    """Limit on all attempts together."""
    schedule_to_start_timeout: timedelta | None
    """Limit on waiting for a place among the local activities that run; not retried."""
    start_to_close_timeout: timedelta | None
    """Limit on one attempt."""
    retry_policy: RetryPolicy | None
    """How failed attempts are repeated; as for other activities if not given."""
    local_retry_threshold: timedelta | None
    """Longer waits before an attempt are spent on a durable timer of the workflow, shorter ones in memory; 1 minute if
    not given."""
    cancellation_type: ActivityCancellationType
    """What cancelling it means; TRY_CANCEL if not given."""
    activity_id: str | None
    """Unique among the run's open activities; a number if not given."""
    summary: str | None
    """One line for people, in the history."""


class AsyncNoParam(Protocol[R_co]):
    """An object that is called without arguments and gives an awaitable."""

    def __call__(self) -> Awaitable[R_co]: ...


class SyncNoParam(Protocol[R_co]):
    """An object that is called without arguments."""

    def __call__(self) -> R_co: ...


class AsyncSingleParam(Protocol[P_contra, R_co]):
    """An object that is called with one argument and gives an awaitable."""

    def __call__(self, arg: P_contra, /) -> Awaitable[R_co]: ...


class SyncSingleParam(Protocol[P_contra, R_co]):
    """An object that is called with one argument."""

    def __call__(self, arg: P_contra, /) -> R_co: ...


class AsyncManyParams(Protocol[R_co]):
    """A class whose objects are called with any arguments, and awaited."""

    def __call__(self, *args: Any, **kwargs: Any) -> Awaitable[R_co]: ...


class SyncManyParams(Protocol[R_co]):
    """A class whose objects are called with any arguments."""

    def __call__(self, *args: Any, **kwargs: Any) -> R_co: ...


def resolve(activity: Any, arg: Any, args: Sequence[Any], result_type: Any) -> tuple[str, Sequence[Any], Any]:
    """Name, arguments and result type of an activity that is to be called.

    Raises:
        DefinitionError: The function has no `@activity.defn`, or is a dynamic activity.
        TypeError: Both `arg` and `args` were given, `args` is no list, or the activity is neither function nor name.
    """
    if arg is not UNSET:
        if args:
            raise TypeError("give either arg or args, not both")
        args = (arg,)
    elif isinstance(args, (str, bytes)) or not isinstance(args, Sequence):
        raise TypeError(f"args must be a list of arguments, not {type(args).__name__}")
    if isinstance(activity, str):
        return activity, args, result_type
    if not callable(activity):
        raise TypeError(f"an activity is a function or a name, not {type(activity).__name__}")
    definition = Definition.must_from_callable(activity)
    if definition.name is None:
        raise DefinitionError("a dynamic activity cannot be called by its function: give the activity's name")
    return definition.name, args, definition.ret_type
