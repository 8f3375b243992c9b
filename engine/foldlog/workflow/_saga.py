"""Sagas: what undoes the steps of a workflow, kept while they are done and run when a later one fails.

Built on the public functions alone; nothing of it is in the history but the activities and children that it runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from enum import IntEnum
from functools import cache
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, Unpack, get_type_hints, overload

from foldlog import exceptions
from foldlog._option_types import check_option
from foldlog.types import UNSET, MethodAsyncNoParam, MethodAsyncSingleParam, MultiParamSpec, ParamType, SelfType
from foldlog.workflow import _child_types
from foldlog.workflow._activities import execute_activity
from foldlog.workflow._activity_types import ActivityConfig, P, resolve
from foldlog.workflow._child_types import ChildWorkflowConfig
from foldlog.workflow._children import execute_child_workflow
from foldlog.workflow._info import is_failure_exception

__all__ = ["CompensationError", "Saga"]

Params = ParamSpec("Params")


class CompensationError(ExceptionGroup[Exception], exceptions.FoldlogError):
    """Compensations of a saga failed. A group of their errors; its `__cause__` is why there was something to undo."""

    def derive(self, excs: Sequence[Exception]) -> CompensationError:  # type: ignore[override]  # never others
        """A group of some of the errors, for `except*`."""
        return CompensationError(self.message, excs)


class Saga:
    """The compensations of a workflow's steps, run in reverse order when a later step fails.

    As a context manager, it runs them when its block raises, then lets the exception through:

        async with workflow.Saga() as saga:
            saga.compensate(release, order, start_to_close_timeout=timedelta(minutes=1))
            await workflow.execute_activity(reserve, order, start_to_close_timeout=timedelta(minutes=1))
            await workflow.execute_activity(charge, order, start_to_close_timeout=timedelta(minutes=1))

    Register a compensation before its step: a step that timed out may have been done. Compensations run in tasks of
    their own, so that neither the cancellation of the workflow nor that of the task that waits for them stops them.
    """

    __slots__ = ("_compensations", "_continue_with_error", "_failures_only", "_parallel")

    def __init__(
        self, *, parallel: bool = False, continue_with_error: bool = True, failures_only: bool = False
    ) -> None:
        """Make one that has nothing to undo.

        Args:
            parallel: Run all compensations at once. Begun in reverse order; all of them run, whatever fails.
            continue_with_error: Run the remaining compensations after one that failed, and collect the errors. If
                false, the first error ends it, and they stay registered: for those that count on each other.
            failures_only: As a context manager, compensate only for what would fail or cancel the workflow (see
                `is_failure_exception`). An exception that is a mistake in the code, such as KeyError, then stalls the
                workflow before anything is undone, and it goes on once the code is mended.
        """
        self._parallel = parallel
        self._continue_with_error = continue_with_error
        self._failures_only = failures_only
        self._compensations: list[Callable[[], Awaitable[object]]] = []

    # ---- registering

    def add(
        self, compensation: Callable[Params, Awaitable[object]], *args: Params.args, **kwargs: Params.kwargs
    ) -> None:
        """Register an async function, to be called in the workflow.

        Args:
            compensation: Called when there is something to undo; what it gives is awaited.
            *args: Its arguments.
            **kwargs: Its arguments by name.

        Raises:
            TypeError: It cannot be called; a coroutine, for example.
        """
        if not callable(compensation):
            raise TypeError(f"a compensation is an async function, not {type(compensation).__name__}: give it uncalled")
        self._compensations.append(lambda: compensation(*args, **kwargs))

    def discard(self) -> None:
        """Forget the compensation that was registered last: its step is known not to have been done.

        Raises:
            IndexError: There is none.
        """
        self._compensations.pop()

    @overload
    def compensate(self, activity: Callable[[], Any], **options: Unpack[ActivityConfig]) -> None: ...
    @overload
    def compensate(self, activity: Callable[[P], Any], arg: P, **options: Unpack[ActivityConfig]) -> None: ...
    @overload
    def compensate(
        self, activity: Callable[..., Any], *, args: Sequence[Any], **options: Unpack[ActivityConfig]
    ) -> None: ...
    @overload
    def compensate(
        self, activity: str, arg: Any = ..., *, args: Sequence[Any] = ..., **options: Unpack[ActivityConfig]
    ) -> None: ...
    def compensate(
        self, activity: Any, arg: Any = UNSET, *, args: Sequence[Any] = (), **options: Unpack[ActivityConfig]
    ) -> None:
        """Register an activity. It is scheduled when there is something to undo; its result is dropped.

        Args:
            activity: A function with `@activity.defn`, or the name of an activity.
            arg: Its argument, if it takes one.
            args: Its arguments, if it takes several. Not together with `arg`.
            **options: See `ActivityConfig`. One of start_to_close_timeout and schedule_to_close_timeout must be there.

        Raises:
            ConfigurationError: An option is of the wrong type; the message names it.
            ValueError: There is no timeout, or one is negative.
            DefinitionError: The function has no `@activity.defn`.
            TypeError: An option is unknown, or an argument is of the wrong type.
        """
        self._register_activity(activity, arg, args, options)

    @overload
    def compensate_method(self, activity: Callable[[Any], Any], **options: Unpack[ActivityConfig]) -> None: ...
    @overload
    def compensate_method(
        self, activity: Callable[[Any, P], Any], arg: P, **options: Unpack[ActivityConfig]
    ) -> None: ...
    @overload
    def compensate_method(
        self, activity: Callable[..., Any], *, args: Sequence[Any], **options: Unpack[ActivityConfig]
    ) -> None: ...
    def compensate_method(
        self, activity: Any, arg: Any = UNSET, *, args: Sequence[Any] = (), **options: Unpack[ActivityConfig]
    ) -> None:
        """As `compensate`, for an activity that is a method, given as `Class.method`."""
        self._register_activity(activity, arg, args, options)

    @overload
    def compensate_child_workflow(
        self, workflow: MethodAsyncNoParam[SelfType, Any], **options: Unpack[ChildWorkflowConfig]
    ) -> None: ...
    @overload
    def compensate_child_workflow(
        self,
        workflow: MethodAsyncSingleParam[SelfType, ParamType, Any],
        arg: ParamType,
        **options: Unpack[ChildWorkflowConfig],
    ) -> None: ...
    @overload
    def compensate_child_workflow(
        self,
        workflow: Callable[Concatenate[SelfType, MultiParamSpec], Awaitable[Any]],
        *,
        args: Sequence[Any],
        **options: Unpack[ChildWorkflowConfig],
    ) -> None: ...
    @overload
    def compensate_child_workflow(
        self, workflow: str, arg: Any = ..., *, args: Sequence[Any] = ..., **options: Unpack[ChildWorkflowConfig]
    ) -> None: ...
    def compensate_child_workflow(
        self, workflow: Any, arg: Any = UNSET, *, args: Sequence[Any] = (), **options: Unpack[ChildWorkflowConfig]
    ) -> None:
        """Register a child workflow. It is started when there is something to undo, and waited for.

        Args:
            workflow: A run method, or the name of a workflow.
            arg: Its argument, if it takes one.
            args: Its arguments, if it takes several. Not together with `arg`.
            **options: See `ChildWorkflowConfig`.

        Raises:
            ConfigurationError: An option is of the wrong type; the message names it.
            ValueError: A timeout is negative.
            DefinitionError: The method has no `@workflow.run`.
            TypeError: An option is unknown, or an argument is of the wrong type.
        """
        _check_options(options, ChildWorkflowConfig, "child workflow")
        name, values, result_type = _child_types.resolve(workflow, arg, args, None)
        self.add(lambda: execute_child_workflow(name, args=values, result_type=result_type, **options))

    def _register_activity(self, activity: Any, arg: Any, args: Sequence[Any], options: ActivityConfig) -> None:
        name, values, result_type = resolve(activity, arg, args, None)
        _check_options(options, ActivityConfig, "activity")
        if not options.get("start_to_close_timeout") and not options.get("schedule_to_close_timeout"):
            raise ValueError(f"activity {name!r} must have start_to_close_timeout or schedule_to_close_timeout")
        self.add(lambda: execute_activity(name, args=values, result_type=result_type, **options))

    # ---- undoing

    async def run_compensations(self) -> None:
        """Run what is registered, and wait for its end. Each compensation is run once, however often this is called.

        A cancellation that comes meanwhile is raised when they have ended.

        Raises:
            CompensationError: Some failed.
            asyncio.CancelledError: Whoever waits was cancelled, and none failed.
        """
        await self._compensate(None)

    async def __aenter__(self) -> Self:
        """Gives the saga."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Runs the compensations if the block raised. What it raised goes on, unless one of them fails.

        Raises:
            CompensationError: Compensations failed; what the block raised is its cause.
            asyncio.CancelledError: The task was cancelled while they ran, and none failed.
        """
        if error is not None and self._is_to_undo(error):
            await self._compensate(error)

    def _is_to_undo(self, error: BaseException) -> bool:
        """Whether to compensate for what the block raised: not for GeneratorExit, if the run is dropped from memory."""
        if isinstance(error, asyncio.CancelledError):
            return True
        return isinstance(error, Exception) and (not self._failures_only or is_failure_exception(error))

    async def _compensate(self, why: BaseException | None) -> None:
        errors: list[Exception] = []
        if self._compensations:
            work = asyncio.create_task(self._at_once(errors) if self._parallel else self._in_turn(errors))
            cancelled = await _outlasting(work)
            work.result()  # raises only what is no Exception: it must not be lost
            if errors:
                message = f"compensation failed: {'; '.join(map(_in_words, errors))}"
                raise CompensationError(message, errors) from why
            if cancelled is not None:
                raise cancelled

    async def _in_turn(self, errors: list[Exception]) -> None:
        while self._compensations and (self._continue_with_error or not errors):
            await _undo(self._compensations.pop(), errors)

    async def _at_once(self, errors: list[Exception]) -> None:
        while self._compensations:  # one may register another
            begun = []
            while self._compensations:
                begun.append(asyncio.create_task(_undo(self._compensations.pop(), errors)))
            await asyncio.gather(*begun)


async def _undo(compensation: Callable[[], Awaitable[object]], errors: list[Exception]) -> None:
    """Run one compensation; keep its error."""
    try:
        await compensation()
    except asyncio.CancelledError as error:  # by its own doing: nobody else has its task
        errors.append(exceptions.CancelledError(str(error) or "Cancelled"))
    except Exception as error:
        errors.append(error)


async def _outlasting(work: asyncio.Task[None]) -> asyncio.CancelledError | None:
    """Wait for the end of a task, whatever is cancelled meanwhile; the last cancellation of whoever waits."""
    cancelled = None
    while not work.done():
        try:
            await asyncio.wait([work])
        except asyncio.CancelledError as error:
            cancelled = error
    return cancelled


def _in_words(error: Exception) -> str:
    """An error and its cause, for a message."""
    cause = error.__cause__
    if cause is None or not isinstance(error, exceptions.FailureError):
        return f"{type(error).__name__}: {error}"
    what = getattr(error, "activity_type", "") or getattr(error, "workflow_type", "")
    return f"{what or type(error).__name__}: {cause}"


def _check_options(options: Mapping[str, Any], config: type, what: str) -> None:
    """What a call would refuse is refused when it is registered: a mistake must not wait for a failure."""
    known = _types(config)
    if not known.keys() >= options.keys():
        unknown = ", ".join(sorted(options.keys() - known.keys()))
        raise TypeError(f"unknown {what} option: {unknown}; there are {', '.join(sorted(known))}")
    for name, value in options.items():
        if value is not None:
            hint = known[name]
            if isinstance(hint, type) and issubclass(hint, IntEnum):
                hint(value)  # a number, too, as in calls
            else:
                check_option(name, value, hint)
            if isinstance(value, timedelta) and value < timedelta():
                raise ValueError(f"{name} is negative: {value}")


@cache
def _types(config: type) -> Mapping[str, Any]:
    """The options of a call, and their types."""
    return get_type_hints(config)
