"""Calls of activities that are methods or callable classes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Unpack, overload

from foldlog.types import UNSET
from foldlog.workflow._activity_types import (
    ActivityConfig,
    ActivityHandle,
    AsyncManyParams,
    AsyncNoParam,
    AsyncSingleParam,
    P,
    R,
    SyncManyParams,
    SyncNoParam,
    SyncSingleParam,
    resolve,
)
from foldlog.workflow._runtime import current

__all__ = ["execute_activity_class", "execute_activity_method", "start_activity_class", "start_activity_method"]


@overload
def execute_activity_class(
    activity: type[AsyncNoParam[R]], **options: Unpack[ActivityConfig]
) -> Coroutine[object, None, R]: ...
@overload
def execute_activity_class(
    activity: type[SyncNoParam[R]], **options: Unpack[ActivityConfig]
) -> Coroutine[object, None, R]: ...
@overload
def execute_activity_class(
    activity: type[AsyncSingleParam[P, R]], arg: P, **options: Unpack[ActivityConfig]
) -> Coroutine[object, None, R]: ...
@overload
def execute_activity_class(
    activity: type[SyncSingleParam[P, R]], arg: P, **options: Unpack[ActivityConfig]
) -> Coroutine[object, None, R]: ...
@overload
def execute_activity_class(
    activity: type[AsyncManyParams[R]], *, args: Sequence[Any], **options: Unpack[ActivityConfig]
) -> Coroutine[object, None, R]: ...
@overload
def execute_activity_class(
    activity: type[SyncManyParams[R]], *, args: Sequence[Any], **options: Unpack[ActivityConfig]
) -> Coroutine[object, None, R]: ...
def execute_activity_class(
    activity: Any, arg: Any = UNSET, *, args: Sequence[Any] = (), **options: Unpack[ActivityConfig]
) -> Coroutine[Any, Any, Any]:
    """As `execute_activity`, for an activity that is the `__call__` of a class, given as the class."""
    return current().execute_activity(*resolve(activity, arg, args, None), options)


@overload
def execute_activity_method(
    activity: Callable[[Any], Awaitable[R]], **options: Unpack[ActivityConfig]
) -> Coroutine[object, None, R]: ...
@overload
def execute_activity_method(
    activity: Callable[[Any], R], **options: Unpack[ActivityConfig]
) -> Coroutine[object, None, R]: ...
@overload
def execute_activity_method(
    activity: Callable[[Any, P], Awaitable[R]], arg: P, **options: Unpack[ActivityConfig]
) -> Coroutine[object, None, R]: ...
@overload
def execute_activity_method(
    activity: Callable[[Any, P], R], arg: P, **options: Unpack[ActivityConfig]
) -> Coroutine[object, None, R]: ...
@overload
def execute_activity_method(
    activity: Callable[..., Awaitable[R]], *, args: Sequence[Any], **options: Unpack[ActivityConfig]
) -> Coroutine[object, None, R]: ...
@overload
def execute_activity_method(
    activity: Callable[..., R], *, args: Sequence[Any], **options: Unpack[ActivityConfig]
) -> Coroutine[object, None, R]: ...
def execute_activity_method(
    activity: Any, arg: Any = UNSET, *, args: Sequence[Any] = (), **options: Unpack[ActivityConfig]
) -> Coroutine[Any, Any, Any]:
    """As `execute_activity`, for an activity that is a method, given as `Class.method`."""
    return current().execute_activity(*resolve(activity, arg, args, None), options)


@overload
def start_activity_class(activity: type[AsyncNoParam[R]], **options: Unpack[ActivityConfig]) -> ActivityHandle[R]: ...
@overload
def start_activity_class(activity: type[SyncNoParam[R]], **options: Unpack[ActivityConfig]) -> ActivityHandle[R]: ...
@overload
def start_activity_class(
    activity: type[AsyncSingleParam[P, R]], arg: P, **options: Unpack[ActivityConfig]
) -> ActivityHandle[R]: ...
@overload
def start_activity_class(
    activity: type[SyncSingleParam[P, R]], arg: P, **options: Unpack[ActivityConfig]
) -> ActivityHandle[R]: ...
@overload
def start_activity_class(
    activity: type[AsyncManyParams[R]], *, args: Sequence[Any], **options: Unpack[ActivityConfig]
) -> ActivityHandle[R]: ...
@overload
def start_activity_class(
    activity: type[SyncManyParams[R]], *, args: Sequence[Any], **options: Unpack[ActivityConfig]
) -> ActivityHandle[R]: ...
def start_activity_class(
    activity: Any, arg: Any = UNSET, *, args: Sequence[Any] = (), **options: Unpack[ActivityConfig]
) -> ActivityHandle[Any]:
    """As `start_activity`, for an activity that is the `__call__` of a class, given as the class."""
    return current().start_activity(*resolve(activity, arg, args, None), options)


@overload
def start_activity_method(
    activity: Callable[[Any], Awaitable[R]], **options: Unpack[ActivityConfig]
) -> ActivityHandle[R]: ...
@overload
def start_activity_method(activity: Callable[[Any], R], **options: Unpack[ActivityConfig]) -> ActivityHandle[R]: ...
@overload
def start_activity_method(
    activity: Callable[[Any, P], Awaitable[R]], arg: P, **options: Unpack[ActivityConfig]
) -> ActivityHandle[R]: ...
@overload
def start_activity_method(
    activity: Callable[[Any, P], R], arg: P, **options: Unpack[ActivityConfig]
) -> ActivityHandle[R]: ...
@overload
def start_activity_method(
    activity: Callable[..., Awaitable[R]], *, args: Sequence[Any], **options: Unpack[ActivityConfig]
) -> ActivityHandle[R]: ...
@overload
def start_activity_method(
    activity: Callable[..., R], *, args: Sequence[Any], **options: Unpack[ActivityConfig]
) -> ActivityHandle[R]: ...
def start_activity_method(
    activity: Any, arg: Any = UNSET, *, args: Sequence[Any] = (), **options: Unpack[ActivityConfig]
) -> ActivityHandle[Any]:
    """As `start_activity`, for an activity that is a method, given as `Class.method`."""
    return current().start_activity(*resolve(activity, arg, args, None), options)
