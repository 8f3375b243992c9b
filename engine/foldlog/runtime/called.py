"""What coroutines that foldlog makes for workflow code are called: by the function that the code called.

Python says it when one was never awaited, and a warning when a run ends while a task of one is still running.
"""

from __future__ import annotations

from collections.abc import Callable
from types import CoroutineType, FunctionType
from typing import Any, TypeVar

from foldlog.runtime.stack import is_internal

F = TypeVar("F", bound=Callable[..., Any])


def under_name(function: F, name: str) -> F:
    """The same function under another name: its coroutines take that over, so that no call has to give them one."""
    assert isinstance(function, FunctionType)
    copy: Any = FunctionType(function.__code__, function.__globals__, name, function.__defaults__, function.__closure__)
    copy.__kwdefaults__ = function.__kwdefaults__
    copy.__qualname__ = name
    result: F = copy
    return result


def call_of(coroutine: Any) -> str:
    """The call that made a coroutine, with the type of the activity or child that it is about, for people."""
    name: str = coroutine.__qualname__
    if not isinstance(coroutine, CoroutineType) or coroutine.cr_frame is None:
        return name
    if not is_internal(coroutine.cr_code.co_filename):
        return name
    known = coroutine.cr_frame.f_locals
    about = known.get("activity_type") or known.get("workflow_type")
    return f"{name}({about!r})" if about else name
