"""What calls of child workflows share: options, policies, handles."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from enum import IntEnum
from typing import Any, Concatenate, Generic, TypedDict, overload

from foldlog.common import (
    Priority,
    RetryPolicy,
    SearchAttributes,
    TypedSearchAttributes,
    VersioningOverride,
    WorkflowIDReusePolicy,
)
from foldlog.types import (
    UNSET,
    MethodSyncOrAsyncNoParam,
    MethodSyncOrAsyncSingleParam,
    MultiParamSpec,
    ParamType,
    ReturnType,
    SelfType,
)
from foldlog.workflow._definition import Definition
from foldlog.workflow._external import arguments
from foldlog.workflow._tasks import OrderedTask

__all__ = ["ChildWorkflowCancellationType", "ChildWorkflowConfig", "ChildWorkflowHandle", "ParentClosePolicy"]


class ChildWorkflowHandle(OrderedTask[ReturnType], Generic[SelfType, ReturnType]):
    """The task of a child that was started. Awaiting it gives the result; cancelling it cancels the child.

    What it does is in `foldlog.runtime.children`: this is what workflow code sees of it.
    """

    __slots__ = ()

    @property
    def id(self) -> str:
        """Its workflow ID."""
        raise NotImplementedError

    @property
    def first_execution_run_id(self) -> str | None:
        """The run that it began with."""
        raise NotImplementedError

    @overload
    async def signal(self, signal: MethodSyncOrAsyncNoParam[SelfType, None]) -> None: ...
    @overload
    async def signal(self, signal: MethodSyncOrAsyncSingleParam[SelfType, ParamType, None], arg: ParamType) -> None: ...
    @overload
    async def signal(
        self,
        signal: Callable[Concatenate[SelfType, MultiParamSpec], Awaitable[None] | None],
        *,
        args: Sequence[Any],
    ) -> None: ...
    @overload
    async def signal(self, signal: str, arg: Any = ..., *, args: Sequence[Any] = ...) -> None: ...
    async def signal(self, signal: str | Callable[..., Any], arg: Any = UNSET, *, args: Sequence[Any] = ()) -> None:
        """Send it a signal, and wait until its history has it.

        Args:
            signal: The signal's method, or its name.
            arg: Its argument, if it takes one.
            args: Its arguments, if it takes several. Not together with `arg`.

        Raises:
            ApplicationError: It is closed, of type `ExternalWorkflowExecutionNotFound`.
            CancelledError: Whoever waits was cancelled in the step that sent it; then it is not sent.
            DefinitionError: The method has no `@workflow.signal`.
            ReadOnlyContextError: A query handler called it.
        """
        raise NotImplementedError


class ChildWorkflowCancellationType(IntEnum):
    """What cancelling a child from its parent means."""

    ABANDON = 0
    """Do not ask it; go on at once as if it were cancelled."""
    TRY_CANCEL = 1
    """Ask for its cancellation, and go on at once as if it were cancelled."""
    WAIT_CANCELLATION_COMPLETED = 2
    """Ask for its cancellation, and wait for how it ends."""
    WAIT_CANCELLATION_REQUESTED = 3
    """Ask for its cancellation, and wait until its history has that."""


class ParentClosePolicy(IntEnum):
    """What becomes of a child when the run that started it closes. Names are the symbols in the log."""

    UNSPECIFIED = 0
    """As `TERMINATE`."""
    TERMINATE = 1
    """It is terminated."""
    ABANDON = 2
    """It goes on."""
    REQUEST_CANCEL = 3
    """Its cancellation is asked for."""


class ChildWorkflowConfig(TypedDict, total=False):
    """Options of a child workflow."""

    id: str | None
    """Its workflow ID; a UUID if not given."""
    namespace: str | None
    """Where it runs, foldlog's own option; the parent's namespace if not given."""
    task_queue: str | None
    """Where its activities go if they name no queue; the parent's task queue if not given."""
    cancellation_type: ChildWorkflowCancellationType
    """What cancelling it means; WAIT_CANCELLATION_COMPLETED if not given."""
    parent_close_policy: ParentClosePolicy
    """What becomes of it when the parent's run closes; TERMINATE if not given."""
    execution_timeout: timedelta | None
    """Limit on the whole chain of its runs."""
    run_timeout: timedelta | None
    """Limit on one of its runs."""
    task_timeout: timedelta | None
    """Taken for the sake of Temporal's signature; foldlog has no workflow tasks."""
    id_reuse_policy: WorkflowIDReusePolicy
    """What happens if a closed workflow has this ID; ALLOW_DUPLICATE if not given."""
    retry_policy: RetryPolicy | None
    """When and how often a run that failed is followed by another; never if not given."""
    cron_schedule: str
    """Its runs follow each other at these times."""
    memo: Mapping[str, Any] | None
    """Notes that are shown with it and do nothing."""
    search_attributes: SearchAttributes | TypedSearchAttributes | None
    """Typed fields by which workflows are found."""
    versioning_intent: Any
    """Taken for the sake of Temporal's signature, where it is deprecated."""
    static_summary: str | None
    """One line for people; fixed at the start."""
    static_details: str | None
    """Several lines for people; fixed at the start."""
    priority: Priority
    """For its tasks, unless they say otherwise; the parent's if not given."""
    versioning_override: VersioningOverride | None
    """Its version, before that of a pinned parent and before what its definition says."""


def resolve(workflow: Any, arg: Any, args: Sequence[Any], result_type: Any) -> tuple[str, Sequence[Any], Any]:
    """Name, arguments and result type of a workflow that is to be started.

    Raises:
        DefinitionError: The method has no `@workflow.run`, or its workflow is dynamic.
        TypeError: Both `arg` and `args` were given, `args` is no list, or the workflow is neither method nor name.
    """
    values = arguments(arg, args)
    if not isinstance(workflow, str) and not callable(workflow):
        raise TypeError(f"a workflow is a run method or a name, not {type(workflow).__name__}")
    name, known_type = Definition.name_and_result_type(workflow)
    return name, values, result_type if known_type is None else known_type
