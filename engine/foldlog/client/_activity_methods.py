"""Starts of activities without a workflow that are methods or callable classes, typed as in workflow code."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Unpack, cast, overload

from foldlog.client._types import UNSET
from foldlog.workflow._activity_types import (
    AsyncManyParams,
    AsyncNoParam,
    AsyncSingleParam,
    P,
    R,
    SyncManyParams,
    SyncNoParam,
    SyncSingleParam,
)

if TYPE_CHECKING:
    from foldlog.client._activities import StartActivityOptions
    from foldlog.client._activity_handle import ActivityHandle


class ActivityMethods:
    """The part of a client that starts them."""

    @overload
    async def start_activity_class(
        self, activity: type[AsyncNoParam[R]], **options: Unpack[StartActivityOptions]
    ) -> ActivityHandle[R]: ...
    @overload
    async def start_activity_class(
        self, activity: type[SyncNoParam[R]], **options: Unpack[StartActivityOptions]
    ) -> ActivityHandle[R]: ...
    @overload
    async def start_activity_class(
        self, activity: type[AsyncSingleParam[P, R]], arg: P, **options: Unpack[StartActivityOptions]
    ) -> ActivityHandle[R]: ...
    @overload
    async def start_activity_class(
        self, activity: type[SyncSingleParam[P, R]], arg: P, **options: Unpack[StartActivityOptions]
    ) -> ActivityHandle[R]: ...
    @overload
    async def start_activity_class(
        self,
        activity: type[AsyncManyParams[R]],
        *,
        args: Sequence[Any],
        **options: Unpack[StartActivityOptions],
    ) -> ActivityHandle[R]: ...
    @overload
    async def start_activity_class(
        self, activity: type[SyncManyParams[R]], *, args: Sequence[Any], **options: Unpack[StartActivityOptions]
    ) -> ActivityHandle[R]: ...
    async def start_activity_class(
        self, activity: Any, arg: Any = UNSET, *, args: Sequence[Any] = (), **options: Unpack[StartActivityOptions]
    ) -> Any:
        """As `start_activity`, for a class with `@activity.defn` whose objects are called."""
        return await cast("Any", self).start_activity(activity, arg, args=args, **options)

    @overload
    async def execute_activity_class(
        self, activity: type[AsyncNoParam[R]], **options: Unpack[StartActivityOptions]
    ) -> R: ...
    @overload
    async def execute_activity_class(
        self, activity: type[SyncNoParam[R]], **options: Unpack[StartActivityOptions]
    ) -> R: ...
    @overload
    async def execute_activity_class(
        self, activity: type[AsyncSingleParam[P, R]], arg: P, **options: Unpack[StartActivityOptions]
    ) -> R: ...
    @overload
    async def execute_activity_class(
        self, activity: type[SyncSingleParam[P, R]], arg: P, **options: Unpack[StartActivityOptions]
    ) -> R: ...
    @overload
    async def execute_activity_class(
        self,
        activity: type[AsyncManyParams[R]],
        *,
        args: Sequence[Any],
        **options: Unpack[StartActivityOptions],
    ) -> R: ...
    @overload
    async def execute_activity_class(
        self, activity: type[SyncManyParams[R]], *, args: Sequence[Any], **options: Unpack[StartActivityOptions]
    ) -> R: ...
    async def execute_activity_class(
        self, activity: Any, arg: Any = UNSET, *, args: Sequence[Any] = (), **options: Unpack[StartActivityOptions]
    ) -> Any:
        """As `execute_activity`, for a class with `@activity.defn` whose objects are called."""
        return await cast("Any", self).execute_activity(activity, arg, args=args, **options)

    @overload
    async def start_activity_method(
        self, activity: Callable[[Any], Awaitable[R]], **options: Unpack[StartActivityOptions]
    ) -> ActivityHandle[R]: ...
    @overload
    async def start_activity_method(
        self, activity: Callable[[Any], R], **options: Unpack[StartActivityOptions]
    ) -> ActivityHandle[R]: ...
    @overload
    async def start_activity_method(
        self, activity: Callable[[Any, P], Awaitable[R]], arg: P, **options: Unpack[StartActivityOptions]
    ) -> ActivityHandle[R]: ...
    @overload
    async def start_activity_method(
        self, activity: Callable[[Any, P], R], arg: P, **options: Unpack[StartActivityOptions]
    ) -> ActivityHandle[R]: ...
    @overload
    async def start_activity_method(
        self, activity: Callable[..., Awaitable[R]], *, args: Sequence[Any], **options: Unpack[StartActivityOptions]
    ) -> ActivityHandle[R]: ...
    @overload
    async def start_activity_method(
        self, activity: Callable[..., R], *, args: Sequence[Any], **options: Unpack[StartActivityOptions]
    ) -> ActivityHandle[R]: ...
    async def start_activity_method(
        self, activity: Any, arg: Any = UNSET, *, args: Sequence[Any] = (), **options: Unpack[StartActivityOptions]
    ) -> Any:
        """As `start_activity`, for a method with `@activity.defn`, given as `Class.method`."""
        return await cast("Any", self).start_activity(activity, arg, args=args, **options)

    @overload
    async def execute_activity_method(
        self, activity: Callable[[Any], Awaitable[R]], **options: Unpack[StartActivityOptions]
    ) -> R: ...
    @overload
    async def execute_activity_method(
        self, activity: Callable[[Any], R], **options: Unpack[StartActivityOptions]
    ) -> R: ...
    @overload
    async def execute_activity_method(
        self, activity: Callable[[Any, P], Awaitable[R]], arg: P, **options: Unpack[StartActivityOptions]
    ) -> R: ...
    @overload
    async def execute_activity_method(
        self, activity: Callable[[Any, P], R], arg: P, **options: Unpack[StartActivityOptions]
    ) -> R: ...
    @overload
    async def execute_activity_method(
        self, activity: Callable[..., Awaitable[R]], *, args: Sequence[Any], **options: Unpack[StartActivityOptions]
    ) -> R: ...
    @overload
    async def execute_activity_method(
        self, activity: Callable[..., R], *, args: Sequence[Any], **options: Unpack[StartActivityOptions]
    ) -> R: ...
    async def execute_activity_method(
        self, activity: Any, arg: Any = UNSET, *, args: Sequence[Any] = (), **options: Unpack[StartActivityOptions]
    ) -> Any:
        """As `execute_activity`, for a method with `@activity.defn`, given as `Class.method`."""
        return await cast("Any", self).execute_activity(activity, arg, args=args, **options)
