"""Calls of local activities."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Unpack, overload

from foldlog.types import UNSET
from foldlog.workflow._activity_types import (
    ActivityHandle,
    AsyncManyParams,
    AsyncNoParam,
    AsyncSingleParam,
    LocalActivityConfig,
    P,
    R,
    SyncManyParams,
    SyncNoParam,
    SyncSingleParam,
    resolve,
)
from foldlog.workflow._runtime import current

__all__ = [
    "execute_local_activity",
    "execute_local_activity_class",
    "execute_local_activity_method",
    "start_local_activity",
    "start_local_activity_class",
    "start_local_activity_method",
]


@overload
def execute_local_activity(
    activity: Callable[[], Awaitable[R]], **options: Unpack[LocalActivityConfig]
) -> Coroutine[object, None, R]: ...
@overload
def execute_local_activity(
    activity: Callable[[], R], **options: Unpack[LocalActivityConfig]
) -> Coroutine[object, None, R]: ...
@overload
def execute_local_activity(
    activity: Callable[[P], Awaitable[R]], arg: P, **options: Unpack[LocalActivityConfig]
) -> Coroutine[object, None, R]: ...
@overload
def execute_local_activity(
    activity: Callable[[P], R], arg: P, **options: Unpack[LocalActivityConfig]
) -> Coroutine[object, None, R]: ...
@overload
def execute_local_activity(
    activity: Callable[..., Awaitable[R]], *, args: Sequence[Any], **options: Unpack[LocalActivityConfig]
) -> Coroutine[object, None, R]: ...
@overload
def execute_local_activity(
    activity: Callable[..., R], *, args: Sequence[Any], **options: Unpack[LocalActivityConfig]
) -> Coroutine[object, None, R]: ...
@overload
def execute_local_activity(
    activity: str,
    arg: Any = ...,
    *,
    args: Sequence[Any] = ...,
    result_type: type[R],
    **options: Unpack[LocalActivityConfig],
) -> Coroutine[object, None, R]: ...
@overload
def execute_local_activity(
    activity: str,
    arg: Any = ...,
    *,
    args: Sequence[Any] = ...,
    result_type: None = None,
    **options: Unpack[LocalActivityConfig],
) -> Coroutine[object, None, Any]: ...
def execute_local_activity(
    activity: Any,
    arg: Any = UNSET,
    *,
    args: Sequence[Any] = (),
    result_type: Any = None,
    **options: Unpack[LocalActivityConfig],
) -> Coroutine[Any, Any, Any]:
    """As `start_local_activity`, and wait for its result. It starts when first awaited.

    Raises:
        ActivityError: It timed out or was cancelled; its `cause` says which. Raised where it is awaited.
        ApplicationError: It failed; likewise.
        ValueError: There is no timeout, one is negative, or an open activity has its ID.
        DefinitionError: The function has no `@activity.defn`.
        TypeError: An option is unknown or of the wrong type.
        ReadOnlyContextError: A query handler called it.
    """
    return current().execute_local_activity(*resolve(activity, arg, args, result_type), options)


@overload
def execute_local_activity_class(
    activity: type[AsyncNoParam[R]], **options: Unpack[LocalActivityConfig]
) -> Coroutine[object, None, R]: ...
@overload
def execute_local_activity_class(
    activity: type[SyncNoParam[R]], **options: Unpack[LocalActivityConfig]
) -> Coroutine[object, None, R]: ...
@overload
def execute_local_activity_class(
    activity: type[AsyncSingleParam[P, R]], arg: P, **options: Unpack[LocalActivityConfig]
) -> Coroutine[object, None, R]: ...
@overload
def execute_local_activity_class(
    activity: type[SyncSingleParam[P, R]], arg: P, **options: Unpack[LocalActivityConfig]
) -> Coroutine[object, None, R]: ...
@overload
def execute_local_activity_class(
    activity: type[AsyncManyParams[R]], *, args: Sequence[Any], **options: Unpack[LocalActivityConfig]
) -> Coroutine[object, None, R]: ...
@overload
def execute_local_activity_class(
    activity: type[SyncManyParams[R]], *, args: Sequence[Any], **options: Unpack[LocalActivityConfig]
) -> Coroutine[object, None, R]: ...
def execute_local_activity_class(
    activity: Any, arg: Any = UNSET, *, args: Sequence[Any] = (), **options: Unpack[LocalActivityConfig]
) -> Coroutine[Any, Any, Any]:
    """As `execute_local_activity`, for an activity that is the `__call__` of a class, given as the class."""
    return current().execute_local_activity(*resolve(activity, arg, args, None), options)


@overload
def execute_local_activity_method(
    activity: Callable[[Any], Awaitable[R]], **options: Unpack[LocalActivityConfig]
) -> Coroutine[object, None, R]: ...
@overload
def execute_local_activity_method(
    activity: Callable[[Any], R], **options: Unpack[LocalActivityConfig]
) -> Coroutine[object, None, R]: ...
@overload
def execute_local_activity_method(
    activity: Callable[[Any, P], Awaitable[R]], arg: P, **options: Unpack[LocalActivityConfig]
) -> Coroutine[object, None, R]: ...
@overload
def execute_local_activity_method(
    activity: Callable[[Any, P], R], arg: P, **options: Unpack[LocalActivityConfig]
) -> Coroutine[object, None, R]: ...
@overload
def execute_local_activity_method(
    activity: Callable[..., Awaitable[R]], *, args: Sequence[Any], **options: Unpack[LocalActivityConfig]
) -> Coroutine[object, None, R]: ...
@overload
def execute_local_activity_method(
    activity: Callable[..., R], *, args: Sequence[Any], **options: Unpack[LocalActivityConfig]
) -> Coroutine[object, None, R]: ...
def execute_local_activity_method(
    activity: Any, arg: Any = UNSET, *, args: Sequence[Any] = (), **options: Unpack[LocalActivityConfig]
) -> Coroutine[Any, Any, Any]:
    """As `execute_local_activity`, for an activity that is a method, given as `Class.method`."""
    return current().execute_local_activity(*resolve(activity, arg, args, None), options)


@overload
def start_local_activity(
    activity: Callable[[], Awaitable[R]], **options: Unpack[LocalActivityConfig]
) -> ActivityHandle[R]: ...
@overload
def start_local_activity(activity: Callable[[], R], **options: Unpack[LocalActivityConfig]) -> ActivityHandle[R]: ...
@overload
def start_local_activity(
    activity: Callable[[P], Awaitable[R]], arg: P, **options: Unpack[LocalActivityConfig]
) -> ActivityHandle[R]: ...
@overload
def start_local_activity(
    activity: Callable[[P], R], arg: P, **options: Unpack[LocalActivityConfig]
) -> ActivityHandle[R]: ...
@overload
def start_local_activity(
    activity: Callable[..., Awaitable[R]], *, args: Sequence[Any], **options: Unpack[LocalActivityConfig]
) -> ActivityHandle[R]: ...
@overload
def start_local_activity(
    activity: Callable[..., R], *, args: Sequence[Any], **options: Unpack[LocalActivityConfig]
) -> ActivityHandle[R]: ...
@overload
def start_local_activity(
    activity: str,
    arg: Any = ...,
    *,
    args: Sequence[Any] = ...,
    result_type: type[R],
    **options: Unpack[LocalActivityConfig],
) -> ActivityHandle[R]: ...
@overload
def start_local_activity(
    activity: str,
    arg: Any = ...,
    *,
    args: Sequence[Any] = ...,
    result_type: None = None,
    **options: Unpack[LocalActivityConfig],
) -> ActivityHandle[Any]: ...
def start_local_activity(
    activity: Any,
    arg: Any = UNSET,
    *,
    args: Sequence[Any] = (),
    result_type: Any = None,
    **options: Unpack[LocalActivityConfig],
) -> ActivityHandle[Any]:
    """Run an activity in the process that runs the workflow, and go on; await the handle for its result.

    It costs no trip over a topic: only its end is recorded. Use it for what takes well under a second; if the process
    ends before it does, it runs again.

    Args:
        activity: A function with `@activity.defn`, or the name of an activity.
        arg: Its argument, if it takes one.
        args: Its arguments, if it takes several. Not together with `arg`.
        result_type: Type of the result, for an activity given by name.
        **options: See `LocalActivityConfig`. One of start_to_close_timeout and schedule_to_close_timeout must be there.

    Returns:
        A task; cancelling it cancels the activity as `cancellation_type` says.

    Raises:
        ValueError: There is no timeout, one is negative, or an open activity has its ID.
        DefinitionError: The function has no `@activity.defn`.
        TypeError: An option is unknown or of the wrong type.
        ReadOnlyContextError: A query handler called it.
    """
    return current().start_local_activity(*resolve(activity, arg, args, result_type), options)


@overload
def start_local_activity_class(
    activity: type[AsyncNoParam[R]], **options: Unpack[LocalActivityConfig]
) -> ActivityHandle[R]: ...
@overload
def start_local_activity_class(
    activity: type[SyncNoParam[R]], **options: Unpack[LocalActivityConfig]
) -> ActivityHandle[R]: ...
@overload
def start_local_activity_class(
    activity: type[AsyncSingleParam[P, R]], arg: P, **options: Unpack[LocalActivityConfig]
) -> ActivityHandle[R]: ...
@overload
def start_local_activity_class(
    activity: type[SyncSingleParam[P, R]], arg: P, **options: Unpack[LocalActivityConfig]
) -> ActivityHandle[R]: ...
@overload
def start_local_activity_class(
    activity: type[AsyncManyParams[R]], *, args: Sequence[Any], **options: Unpack[LocalActivityConfig]
) -> ActivityHandle[R]: ...
@overload
def start_local_activity_class(
    activity: type[SyncManyParams[R]], *, args: Sequence[Any], **options: Unpack[LocalActivityConfig]
) -> ActivityHandle[R]: ...
def start_local_activity_class(
    activity: Any, arg: Any = UNSET, *, args: Sequence[Any] = (), **options: Unpack[LocalActivityConfig]
) -> ActivityHandle[Any]:
    """As `start_local_activity`, for an activity that is the `__call__` of a class, given as the class."""
    return current().start_local_activity(*resolve(activity, arg, args, None), options)


@overload
def start_local_activity_method(
    activity: Callable[[Any], Awaitable[R]], **options: Unpack[LocalActivityConfig]
) -> ActivityHandle[R]: ...
@overload
def start_local_activity_method(
    activity: Callable[[Any], R], **options: Unpack[LocalActivityConfig]
) -> ActivityHandle[R]: ...
@overload
def start_local_activity_method(
    activity: Callable[[Any, P], Awaitable[R]], arg: P, **options: Unpack[LocalActivityConfig]
) -> ActivityHandle[R]: ...
@overload
def start_local_activity_method(
    activity: Callable[[Any, P], R], arg: P, **options: Unpack[LocalActivityConfig]
) -> ActivityHandle[R]: ...
@overload
def start_local_activity_method(
    activity: Callable[..., Awaitable[R]], *, args: Sequence[Any], **options: Unpack[LocalActivityConfig]
) -> ActivityHandle[R]: ...
@overload
def start_local_activity_method(
    activity: Callable[..., R], *, args: Sequence[Any], **options: Unpack[LocalActivityConfig]
) -> ActivityHandle[R]: ...
def start_local_activity_method(
    activity: Any, arg: Any = UNSET, *, args: Sequence[Any] = (), **options: Unpack[LocalActivityConfig]
) -> ActivityHandle[Any]:
    """As `start_local_activity`, for an activity that is a method, given as `Class.method`."""
    return current().start_local_activity(*resolve(activity, arg, args, None), options)
