"""Calls of child workflows. See `_activities` for why what they return is typed as it is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Concatenate, Unpack, overload

from foldlog.types import (
    UNSET,
    MethodAsyncNoParam,
    MethodAsyncSingleParam,
    MultiParamSpec,
    ParamType,
    ReturnType,
    SelfType,
)
from foldlog.workflow._child_types import ChildWorkflowConfig, ChildWorkflowHandle, resolve
from foldlog.workflow._runtime import current

__all__ = ["execute_child_workflow", "start_child_workflow"]


@overload
def start_child_workflow(
    workflow: MethodAsyncNoParam[SelfType, ReturnType], **options: Unpack[ChildWorkflowConfig]
) -> Coroutine[object, None, ChildWorkflowHandle[SelfType, ReturnType]]: ...
@overload
def start_child_workflow(
    workflow: MethodAsyncSingleParam[SelfType, ParamType, ReturnType],
    arg: ParamType,
    **options: Unpack[ChildWorkflowConfig],
) -> Coroutine[object, None, ChildWorkflowHandle[SelfType, ReturnType]]: ...
@overload
def start_child_workflow(
    workflow: Callable[Concatenate[SelfType, MultiParamSpec], Awaitable[ReturnType]],
    *,
    args: Sequence[Any],
    **options: Unpack[ChildWorkflowConfig],
) -> Coroutine[object, None, ChildWorkflowHandle[SelfType, ReturnType]]: ...
@overload
def start_child_workflow(
    workflow: str,
    arg: Any = ...,
    *,
    args: Sequence[Any] = ...,
    result_type: type[ReturnType],
    **options: Unpack[ChildWorkflowConfig],
) -> Coroutine[object, None, ChildWorkflowHandle[Any, ReturnType]]: ...
@overload
def start_child_workflow(
    workflow: str,
    arg: Any = ...,
    *,
    args: Sequence[Any] = ...,
    result_type: None = None,
    **options: Unpack[ChildWorkflowConfig],
) -> Coroutine[object, None, ChildWorkflowHandle[Any, Any]]: ...
def start_child_workflow(
    workflow: Any,
    arg: Any = UNSET,
    *,
    args: Sequence[Any] = (),
    result_type: Any = None,
    **options: Unpack[ChildWorkflowConfig],
) -> Coroutine[Any, Any, ChildWorkflowHandle[Any, Any]]:
    """Start a child, and wait until it has begun. It is asked for when this is first awaited.

    Args:
        workflow: The child's run method, or the name of its type.
        arg: Its argument, if it takes one.
        args: Its arguments, if it takes several. Not together with `arg`.
        result_type: Type of the result, for a workflow given by name.
        **options: See `ChildWorkflowConfig`.

    Returns:
        Once awaited, a task; cancelling it cancels the child as `cancellation_type` says.

    Raises:
        WorkflowAlreadyStartedError: Its ID is in use. Raised where it is awaited, as are the three below.
        InvalidVersioningOverrideError: There can be no such version.
        ChildWorkflowError: It could not begin otherwise, or whoever waits was cancelled before it began.
        asyncio.CancelledError: The workflow was cancelled while the child had not begun; the child is asked to cancel
            itself as `cancellation_type` says.
        DefinitionError: The method has no `@workflow.run`, or its workflow is dynamic.
        TypeError: An option is unknown or of the wrong type.
        ValueError: A timeout is negative.
        ReadOnlyContextError: A query handler called it.
    """
    return current().start_child_workflow(*resolve(workflow, arg, args, result_type), options)


@overload
def execute_child_workflow(
    workflow: MethodAsyncNoParam[SelfType, ReturnType], **options: Unpack[ChildWorkflowConfig]
) -> Coroutine[object, None, ReturnType]: ...
@overload
def execute_child_workflow(
    workflow: MethodAsyncSingleParam[SelfType, ParamType, ReturnType],
    arg: ParamType,
    **options: Unpack[ChildWorkflowConfig],
) -> Coroutine[object, None, ReturnType]: ...
@overload
def execute_child_workflow(
    workflow: Callable[Concatenate[SelfType, MultiParamSpec], Awaitable[ReturnType]],
    *,
    args: Sequence[Any],
    **options: Unpack[ChildWorkflowConfig],
) -> Coroutine[object, None, ReturnType]: ...
@overload
def execute_child_workflow(
    workflow: str,
    arg: Any = ...,
    *,
    args: Sequence[Any] = ...,
    result_type: type[ReturnType],
    **options: Unpack[ChildWorkflowConfig],
) -> Coroutine[object, None, ReturnType]: ...
@overload
def execute_child_workflow(
    workflow: str,
    arg: Any = ...,
    *,
    args: Sequence[Any] = ...,
    result_type: None = None,
    **options: Unpack[ChildWorkflowConfig],
) -> Coroutine[object, None, Any]: ...
def execute_child_workflow(
    workflow: Any,
    arg: Any = UNSET,
    *,
    args: Sequence[Any] = (),
    result_type: Any = None,
    **options: Unpack[ChildWorkflowConfig],
) -> Coroutine[Any, Any, Any]:
    """Start a child and wait for its result. Arguments as in `start_child_workflow`.

    Raises:
        ChildWorkflowError: It failed, timed out, was cancelled or terminated, or could not begin; its `cause` says why.
            Raised where it is awaited.
        WorkflowAlreadyStartedError: Its ID is in use.
        InvalidVersioningOverrideError: There can be no such version.
        DefinitionError: As in `start_child_workflow`, as for those below.
        TypeError: See there.
        ValueError: See there.
        ReadOnlyContextError: See there.
    """
    return current().execute_child_workflow(*resolve(workflow, arg, args, result_type), options)
