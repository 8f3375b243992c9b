"""Handles of other workflows: those that were not started by this one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Concatenate, Generic, overload

from foldlog._option_types import check_option
from foldlog.types import (
    UNSET,
    MethodSyncOrAsyncNoParam,
    MethodSyncOrAsyncSingleParam,
    MultiParamSpec,
    ParamType,
    SelfType,
)
from foldlog.workflow._handlers import SignalDefinition
from foldlog.workflow._runtime import current

__all__ = ["ExternalWorkflowHandle", "get_external_workflow_handle", "get_external_workflow_handle_for"]


class ExternalWorkflowHandle(Generic[SelfType]):
    """A workflow that this one can signal and cancel. Made by `get_external_workflow_handle`."""

    __slots__ = ("_id", "_namespace", "_run_id")

    def __init__(self, workflow_id: str, run_id: str | None, namespace: str | None) -> None:
        """Private: made by `get_external_workflow_handle`."""
        self._id = workflow_id
        self._run_id = run_id
        self._namespace = namespace

    @property
    def id(self) -> str:
        """Its workflow ID."""
        return self._id

    @property
    def run_id(self) -> str | None:
        """The run that is meant; None: the current one."""
        return self._run_id

    @property
    def namespace(self) -> str | None:
        """Its namespace; None: that of this workflow. foldlog's own."""
        return self._namespace

    @overload
    def signal(self, signal: MethodSyncOrAsyncNoParam[SelfType, None]) -> Coroutine[object, None, None]: ...
    @overload
    def signal(
        self, signal: MethodSyncOrAsyncSingleParam[SelfType, ParamType, None], arg: ParamType
    ) -> Coroutine[object, None, None]: ...
    @overload
    def signal(
        self,
        signal: Callable[Concatenate[SelfType, MultiParamSpec], Awaitable[None] | None],
        *,
        args: Sequence[Any],
    ) -> Coroutine[object, None, None]: ...
    @overload
    def signal(self, signal: str, arg: Any = ..., *, args: Sequence[Any] = ...) -> Coroutine[object, None, None]: ...
    def signal(
        self, signal: str | Callable[..., Any], arg: Any = UNSET, *, args: Sequence[Any] = ()
    ) -> Coroutine[Any, Any, None]:
        """Send it a signal, and wait until its history has it.

        Args:
            signal: The signal's method, or its name.
            arg: Its argument, if it takes one.
            args: Its arguments, if it takes several. Not together with `arg`.

        Raises:
            ApplicationError: It is not there or closed (type `ExternalWorkflowExecutionNotFound`), or its namespace is
                not there (`NamespaceNotFound`). Raised where it is awaited.
            CancelledError: Whoever waits was cancelled in the step that sent it; then it is not sent.
            DefinitionError: The method has no `@workflow.signal`.
            ReadOnlyContextError: A query handler called it.
        """
        name = SignalDefinition.name_of(signal)
        values = arguments(arg, args)
        return current().signal_external_workflow(self._namespace, self._id, self._run_id or "", False, name, values)

    def cancel(self, *, reason: str = "") -> Coroutine[object, None, None]:
        """Ask it to cancel itself, and wait until its history has that.

        Args:
            reason: Why; `workflow.cancellation_reason()` gives it there.

        Raises:
            ApplicationError: As for `signal`.
            ReadOnlyContextError: A query handler called it.
        """
        return current().cancel_external_workflow(self._namespace, self._id, self._run_id or "", reason)


def arguments(arg: Any, args: Sequence[Any]) -> Sequence[Any]:
    """One argument, or several, or none.

    Raises:
        TypeError: Both were given, or `args` is no list.
    """
    if arg is not UNSET:
        if args:
            raise TypeError("give either arg or args, not both")
        return (arg,)
    if isinstance(args, (str, bytes)) or not isinstance(args, Sequence):
        raise TypeError(f"args must be a list of arguments, not {type(args).__name__}")
    return args


def get_external_workflow_handle(
    workflow_id: str, *, run_id: str | None = None, namespace: str | None = None
) -> ExternalWorkflowHandle[Any]:
    """A handle of a workflow that is there already. Nothing is asked of it yet.

    Args:
        workflow_id: Its ID.
        run_id: The run that is meant; None: the current one.
        namespace: Its namespace, foldlog's own option; None: that of this workflow.

    Raises:
        ConfigurationError: An ID or the namespace is no text.
        NotInWorkflowError: Not called by a workflow.
    """
    current()
    check_option("workflow_id", workflow_id, str)
    for name, value in (("run_id", run_id), ("namespace", namespace)):
        check_option(name, value, str | None)
    return ExternalWorkflowHandle(workflow_id, run_id, namespace)


def get_external_workflow_handle_for(
    workflow: Callable[Concatenate[SelfType, ...], Awaitable[Any]],
    workflow_id: str,
    *,
    run_id: str | None = None,
    namespace: str | None = None,
) -> ExternalWorkflowHandle[SelfType]:
    """As `get_external_workflow_handle`, for a workflow of a class: type checkers then know its signals.

    Args:
        workflow: Its run method. Whether it really is of that class is not looked at.
        workflow_id: See there, as for the rest.
        run_id: See there.
        namespace: See there.
    """
    del workflow
    return get_external_workflow_handle(workflow_id, run_id=run_id, namespace=namespace)
