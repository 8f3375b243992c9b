"""Calls of activities that are functions or names.

What they return is typed `Coroutine[object, None, R]`: with Any in it, as usual, mypy could not tell the overloads of
`asyncio.gather` apart and would know nothing of its result.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Unpack, overload

from foldlog.types import UNSET
from foldlog.workflow._activity_types import ActivityConfig, ActivityHandle, P, R, resolve
from foldlog.workflow._runtime import current

__all__ = ["execute_activity", "start_activity"]


@overload
def execute_activity(
    activity: Callable[[], Awaitable[R]], **options: Unpack[ActivityConfig]
) -> Coroutine[object, None, R]: ...
@overload
def execute_activity(activity: Callable[[], R], **options: Unpack[ActivityConfig]) -> Coroutine[object, None, R]: ...
@overload
def execute_activity(
    activity: Callable[[P], Awaitable[R]], arg: P, **options: Unpack[ActivityConfig]
) -> Coroutine[object, None, R]: ...
@overload
def execute_activity(
    activity: Callable[[P], R], arg: P, **options: Unpack[ActivityConfig]
) -> Coroutine[object, None, R]: ...
@overload
def execute_activity(
    activity: Callable[..., Awaitable[R]], *, args: Sequence[Any], **options: Unpack[ActivityConfig]
) -> Coroutine[object, None, R]: ...
@overload
def execute_activity(
    activity: Callable[..., R], *, args: Sequence[Any], **options: Unpack[ActivityConfig]
) -> Coroutine[object, None, R]: ...
@overload
def execute_activity(
    activity: str, arg: Any = ..., *, args: Sequence[Any] = ..., result_type: type[R], **options: Unpack[ActivityConfig]
) -> Coroutine[object, None, R]: ...
@overload
def execute_activity(
    activity: str,
    arg: Any = ...,
    *,
    args: Sequence[Any] = ...,
    result_type: None = None,
    **options: Unpack[ActivityConfig],
) -> Coroutine[object, None, Any]: ...
def execute_activity(
    activity: Any,
    arg: Any = UNSET,
    *,
    args: Sequence[Any] = (),
    result_type: Any = None,
    **options: Unpack[ActivityConfig],
) -> Coroutine[Any, Any, Any]:
    """Run an activity and wait for its result. It is scheduled when first awaited. Arguments as in `start_activity`.

    Raises:
        ActivityError: It failed, timed out or was cancelled; its `cause` says which. Raised where it is awaited.
        ValueError: There is no timeout, one is negative, or an open activity has its ID.
        DefinitionError: The function has no `@activity.defn`.
        TypeError: An option is unknown or of the wrong type.
        ReadOnlyContextError: A query handler called it.
    """
    return current().execute_activity(*resolve(activity, arg, args, result_type), options)


@overload
def start_activity(activity: Callable[[], Awaitable[R]], **options: Unpack[ActivityConfig]) -> ActivityHandle[R]: ...
@overload
def start_activity(activity: Callable[[], R], **options: Unpack[ActivityConfig]) -> ActivityHandle[R]: ...
@overload
def start_activity(
    activity: Callable[[P], Awaitable[R]], arg: P, **options: Unpack[ActivityConfig]
) -> ActivityHandle[R]: ...
@overload
def start_activity(activity: Callable[[P], R], arg: P, **options: Unpack[ActivityConfig]) -> ActivityHandle[R]: ...
@overload
def start_activity(
    activity: Callable[..., Awaitable[R]], *, args: Sequence[Any], **options: Unpack[ActivityConfig]
) -> ActivityHandle[R]: ...
@overload
def start_activity(
    activity: Callable[..., R], *, args: Sequence[Any], **options: Unpack[ActivityConfig]
) -> ActivityHandle[R]: ...
@overload
def start_activity(
    activity: str, arg: Any = ..., *, args: Sequence[Any] = ..., result_type: type[R], **options: Unpack[ActivityConfig]
) -> ActivityHandle[R]: ...
@overload
def start_activity(
    activity: str,
    arg: Any = ...,
    *,
    args: Sequence[Any] = ...,
    result_type: None = None,
    **options: Unpack[ActivityConfig],
) -> ActivityHandle[Any]: ...
def start_activity(
    activity: Any,
    arg: Any = UNSET,
    *,
    args: Sequence[Any] = (),
    result_type: Any = None,
    **options: Unpack[ActivityConfig],
) -> ActivityHandle[Any]:
    """Schedule an activity and go on; await the handle for its result.

    Args:
        activity: A function with `@activity.defn`, or the name of an activity.
        arg: Its argument, if it takes one.
        args: Its arguments, if it takes several. Not together with `arg`.
        result_type: Type of the result, for an activity given by name.
        **options: See `ActivityConfig`. One of start_to_close_timeout and schedule_to_close_timeout must be there.

    Returns:
        A task; cancelling it cancels the activity as `cancellation_type` says.

    Raises:
        ValueError: There is no timeout, one is negative, or an open activity has its ID.
        DefinitionError: The function has no `@activity.defn`.
        TypeError: An option is unknown or of the wrong type.
        ReadOnlyContextError: A query handler called it.
    """
    return current().start_activity(*resolve(activity, arg, args, result_type), options)
