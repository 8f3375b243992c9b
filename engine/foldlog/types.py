"""How workflow, signal and query methods look to a type checker, so that a reference to one carries its types.

The name is Temporal's. Used by the client and by workflow code, and by applications that wrap either of them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, ParamSpec, Protocol, TypeVar

SelfType = TypeVar("SelfType")
ParamType = TypeVar("ParamType")
ReturnType = TypeVar("ReturnType")
LocalReturnType = TypeVar("LocalReturnType")
MultiParamSpec = ParamSpec("MultiParamSpec")
AnyType = TypeVar("AnyType")
ClassType = TypeVar("ClassType", bound=type)
CallableType = TypeVar("CallableType", bound=Callable[..., Any])
CallableAsyncType = TypeVar("CallableAsyncType", bound=Callable[..., Awaitable[Any]])
CallableSyncOrAsyncType = TypeVar("CallableSyncOrAsyncType", bound=Callable[..., Any])
CallableSyncOrAsyncReturnNoneType = TypeVar(
    "CallableSyncOrAsyncReturnNoneType", bound=Callable[..., Awaitable[None] | None]
)

_Self_contra = TypeVar("_Self_contra", contravariant=True)
_Param_contra = TypeVar("_Param_contra", contravariant=True)
_Return_co = TypeVar("_Return_co", covariant=True)

UNSET: Any = object()
"""Stands for an argument that was not given; None is one that was."""


class CallableAsyncNoParam(Protocol[_Return_co]):
    """An async function without arguments."""

    def __call__(self) -> Awaitable[_Return_co]: ...


class CallableSyncNoParam(Protocol[_Return_co]):
    """A plain function without arguments."""

    def __call__(self) -> _Return_co: ...


class CallableAsyncSingleParam(Protocol[_Param_contra, _Return_co]):
    """An async function with one argument."""

    def __call__(self, __arg: _Param_contra) -> Awaitable[_Return_co]: ...


class CallableSyncSingleParam(Protocol[_Param_contra, _Return_co]):
    """A plain function with one argument."""

    def __call__(self, __arg: _Param_contra) -> _Return_co: ...


class MethodAsyncNoParam(Protocol[_Self_contra, _Return_co]):
    """An async method without arguments."""

    def __call__(self, __self: _Self_contra) -> Awaitable[_Return_co]: ...


class MethodAsyncSingleParam(Protocol[_Self_contra, _Param_contra, _Return_co]):
    """An async method with one argument."""

    def __call__(self, __self: _Self_contra, __arg: _Param_contra) -> Awaitable[_Return_co]: ...


class MethodSyncOrAsyncNoParam(Protocol[_Self_contra, _Return_co]):
    """A method without arguments, async or not."""

    def __call__(self, __self: _Self_contra) -> _Return_co | Awaitable[_Return_co]: ...


class MethodSyncOrAsyncSingleParam(Protocol[_Self_contra, _Param_contra, _Return_co]):
    """A method with one argument, async or not."""

    def __call__(self, __self: _Self_contra, __arg: _Param_contra) -> _Return_co | Awaitable[_Return_co]: ...


class MethodSyncNoParam(Protocol[_Self_contra, _Return_co]):
    """A plain method without arguments."""

    def __call__(self, __self: _Self_contra) -> _Return_co: ...


class MethodSyncSingleParam(Protocol[_Self_contra, _Param_contra, _Return_co]):
    """A plain method with one argument."""

    def __call__(self, __self: _Self_contra, __arg: _Param_contra) -> _Return_co: ...
