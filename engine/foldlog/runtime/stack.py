"""Where workflow code is: the line that makes a decision, and the lines that tasks wait at. For people only."""

from __future__ import annotations

import asyncio
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from types import CodeType, CoroutineType, FrameType
from typing import Any

from foldlog.core.decider import WorkflowTaskError
from foldlog.workflow._tasks import OrderedTask

_HERE = os.path.dirname(__file__) + os.sep
_INTERNAL = (
    _HERE,
    os.path.join(os.path.dirname(os.path.dirname(_HERE)), "workflow") + os.sep,
    os.path.dirname(asyncio.__file__) + os.sep,
)
"""Files whose frames tell users nothing."""


def is_internal(filename: str) -> bool:
    """Whether the frames of a file tell users nothing."""
    return filename.startswith(_INTERNAL)


def made_at(frame: FrameType | None) -> tuple[CodeType, int] | None:
    """Code and line of the user's that a call comes from: as little as can be kept of it.

    Args:
        frame: Where to begin to look.
    """
    while frame is not None and _is_internal_cached(frame.f_code.co_filename):
        frame = frame.f_back
    return None if frame is None else (frame.f_code, frame.f_lineno)


_is_internal_cached = lru_cache(maxsize=None)(is_internal)  # as many as there are files of code


def call_source(outermost: CodeType) -> str:
    """The line of the user's code that the running call comes from, as `file:line in function`.

    Args:
        outermost: Where to stop looking: the code that runs the workflow.
    """
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code is not outermost:
        if not frame.f_code.co_filename.startswith(_INTERNAL):
            return _place(frame.f_code, frame.f_lineno)
        frame = frame.f_back
    # A coroutine of foldlog or asyncio that was made a task of its own: who made the task knows more.
    task = asyncio.current_task()
    return task.source if isinstance(task, OrderedTask) else ""


def raised_at(error: BaseException) -> str:
    """The innermost line of the user's code that an exception came through, as `call_source`; empty if it did not."""
    place, trace = "", error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if not code.co_filename.startswith(_INTERNAL):
            place = _place(code, trace.tb_lineno)
        trace = trace.tb_next
    return place


def returned_at(function: Any, frame: FrameType | None) -> str:
    """The line at which a function of the user's returned, as `call_source`.

    Args:
        function: The function.
        frame: That of the coroutine that was run, got before it ended. If it is not the function's, since something
            stands around that, or there is none, the line is where the function begins.
    """
    code: CodeType | None = getattr(function, "__code__", None)
    if code is None:
        return ""
    return _place(code, frame.f_lineno if frame is not None and frame.f_code is code else code.co_firstlineno)


def _place(code: CodeType, line: int) -> str:
    return f"{code.co_filename}:{line} in {code.co_qualname}"


def format_tasks(tasks: Iterable[asyncio.Task[Any]], waits_for: Callable[[Any], str]) -> str:
    """Stacks of tasks that wait, as text.

    Args:
        tasks: The tasks.
        waits_for: Says in words what a future stands for; empty if it does not know.
    """
    return "\n\n".join(_format_task(task, waits_for) for task in tasks)


def task_frames(task: asyncio.Task[Any]) -> list[traceback.FrameSummary]:
    """The lines at which a task stands, outermost first: those of the user's code, if there are any."""
    frames = _await_chain(task.get_coro())
    return [frame for frame in frames if not frame.filename.startswith(_INTERNAL)] or frames


def _format_task(task: asyncio.Task[Any], waits_for: Callable[[Any], str]) -> str:
    lines = [f"Task {task.get_name()} (most recent call last):\n", *traceback.format_list(task_frames(task))]
    waiting = waits_for(getattr(task, "_fut_waiter", None))  # no public way to see it
    if waiting:
        lines.append(f"  waits for {waiting}\n")
    return "".join(lines).rstrip("\n")


def _await_chain(coroutine: Any) -> list[traceback.FrameSummary]:
    """The lines at which a coroutine and those that it awaits stand."""
    frames = []
    while isinstance(coroutine, CoroutineType):
        frame = coroutine.cr_frame
        if frame is not None:
            code = frame.f_code
            frames.append(traceback.FrameSummary(code.co_filename, frame.f_lineno, code.co_qualname))
        coroutine = coroutine.cr_await
    return frames


def format_error(error: BaseException) -> str:
    """An exception with its stack and its causes, as text: the user's lines, and the one that raised it.

    Empty if foldlog's own code refuses something and no line of the user's has led there: the error says it all.
    """
    told = traceback.TracebackException.from_exception(error)
    chain = list(_chain(told))
    if isinstance(error, WorkflowTaskError) and all(
        is_internal(frame.filename) for each in chain for frame in each.stack
    ):
        return ""
    for each in chain:
        frames = list(each.stack)
        shown = [frame for frame in frames[:-1] if not is_internal(frame.filename)]
        if shown or not is_internal(frames[-1].filename if frames else ""):
            each.stack = traceback.StackSummary.from_list([*shown, *frames[-1:]])
    return "".join(told.format())


def _chain(told: traceback.TracebackException) -> Iterator[traceback.TracebackException]:
    """An exception, and all that led to it or were raised while it was handled."""
    left = [told]
    while left:  # not by recursion: a chain may be longer than the stack is deep
        each = left.pop()
        yield each
        left += [other for other in (each.__cause__, each.__context__, *(each.exceptions or ())) if other is not None]
