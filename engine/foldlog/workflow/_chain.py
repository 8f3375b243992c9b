"""A workflow over several runs: ending as new, what earlier runs left, and changes of code while it runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Concatenate, NoReturn, ParamSpec, TypeVar, overload

from foldlog._durations import in_milliseconds
from foldlog._option_types import check_option
from foldlog._search_attributes import warn_of_untyped
from foldlog.common import RetryPolicy, SearchAttributes, SearchAttributeUpdate, TypedSearchAttributes
from foldlog.types import UNSET
from foldlog.workflow._chain_types import (
    ContinueAsNewOptions,
    ContinueAsNewVersioningBehavior,
    RunMethod,
    RunMethodWithArgument,
    VersioningIntent,
)
from foldlog.workflow._runtime import current

__all__ = [
    "continue_as_new",
    "deprecate_patch",
    "get_current_details",
    "get_last_completion_result",
    "get_last_failure",
    "has_last_completion_result",
    "patched",
    "set_current_details",
    "upsert_memo",
    "upsert_search_attributes",
]

SelfType = TypeVar("SelfType")
ParamType = TypeVar("ParamType")
MultiParamSpec = ParamSpec("MultiParamSpec")
T = TypeVar("T")


@overload
def continue_as_new(
    arg: Any = ...,
    *,
    args: Sequence[Any] = ...,
    task_queue: str | None = None,
    run_timeout: timedelta | None = None,
    task_timeout: timedelta | None = None,
    backoff_start_interval: timedelta | None = None,
    retry_policy: RetryPolicy | None = None,
    memo: Mapping[str, Any] | None = None,
    search_attributes: SearchAttributes | TypedSearchAttributes | None = None,
    versioning_intent: VersioningIntent | None = None,
    initial_versioning_behavior: ContinueAsNewVersioningBehavior | None = None,
) -> NoReturn: ...
@overload
def continue_as_new(
    *,
    workflow: RunMethod[SelfType],
    task_queue: str | None = None,
    run_timeout: timedelta | None = None,
    task_timeout: timedelta | None = None,
    backoff_start_interval: timedelta | None = None,
    retry_policy: RetryPolicy | None = None,
    memo: Mapping[str, Any] | None = None,
    search_attributes: SearchAttributes | TypedSearchAttributes | None = None,
    versioning_intent: VersioningIntent | None = None,
    initial_versioning_behavior: ContinueAsNewVersioningBehavior | None = None,
) -> NoReturn: ...
@overload
def continue_as_new(
    arg: ParamType,
    *,
    workflow: RunMethodWithArgument[SelfType, ParamType],
    task_queue: str | None = None,
    run_timeout: timedelta | None = None,
    task_timeout: timedelta | None = None,
    backoff_start_interval: timedelta | None = None,
    retry_policy: RetryPolicy | None = None,
    memo: Mapping[str, Any] | None = None,
    search_attributes: SearchAttributes | TypedSearchAttributes | None = None,
    versioning_intent: VersioningIntent | None = None,
    initial_versioning_behavior: ContinueAsNewVersioningBehavior | None = None,
) -> NoReturn: ...
@overload
def continue_as_new(
    *,
    workflow: Callable[Concatenate[SelfType, MultiParamSpec], Awaitable[Any]],
    args: Sequence[Any],
    task_queue: str | None = None,
    run_timeout: timedelta | None = None,
    task_timeout: timedelta | None = None,
    backoff_start_interval: timedelta | None = None,
    retry_policy: RetryPolicy | None = None,
    memo: Mapping[str, Any] | None = None,
    search_attributes: SearchAttributes | TypedSearchAttributes | None = None,
    versioning_intent: VersioningIntent | None = None,
    initial_versioning_behavior: ContinueAsNewVersioningBehavior | None = None,
) -> NoReturn: ...
@overload
def continue_as_new(
    arg: Any = ...,
    *,
    workflow: str,
    args: Sequence[Any] = ...,
    task_queue: str | None = None,
    run_timeout: timedelta | None = None,
    task_timeout: timedelta | None = None,
    backoff_start_interval: timedelta | None = None,
    retry_policy: RetryPolicy | None = None,
    memo: Mapping[str, Any] | None = None,
    search_attributes: SearchAttributes | TypedSearchAttributes | None = None,
    versioning_intent: VersioningIntent | None = None,
    initial_versioning_behavior: ContinueAsNewVersioningBehavior | None = None,
) -> NoReturn: ...
def continue_as_new(
    arg: Any = UNSET,
    *,
    args: Sequence[Any] = (),
    workflow: str | Callable[..., Any] | None = None,
    task_queue: str | None = None,
    run_timeout: timedelta | None = None,
    task_timeout: timedelta | None = None,
    backoff_start_interval: timedelta | None = None,
    retry_policy: RetryPolicy | None = None,
    memo: Mapping[str, Any] | None = None,
    search_attributes: SearchAttributes | TypedSearchAttributes | None = None,
    versioning_intent: VersioningIntent | None = None,
    initial_versioning_behavior: ContinueAsNewVersioningBehavior | None = None,
) -> NoReturn:
    """End this run at once, and go on in a new one of the same workflow ID with a fresh history.

    Signals that no handler has taken go over to the new run. Who waits for the result waits for that of the new run.

    Args:
        arg: The one argument of the new run.
        args: Its arguments, if there are several.
        workflow: What to run: a run method, or a name; None: the same.
        task_queue: Where its activities go; None: as now.
        run_timeout: Limit on the new run; None: as now. The execution timeout is for all runs together and goes on.
        task_timeout: Taken for the sake of Temporal's signature; there are no workflow tasks here.
        backoff_start_interval: Wait before the code of the new run begins; None: none.
        retry_policy: When a failed run is followed by another; None: as now.
        memo: The memo of the new run; None: as now.
        search_attributes: Its search attributes; None: as now.
        versioning_intent: Taken for the sake of Temporal's signature.
        initial_versioning_behavior: Which version of the code the new run begins on, where workers have versions; None:
            the one that this run is pinned to, if it is.

    Raises:
        ContinueAsNewError: Always; the workflow's code must let it through.
        ConfigurationError: An option is of the wrong type; the message names it.
        ValueError: Both `arg` and `args` were given, or a duration is not positive.
        ReadOnlyContextError: Called by a query handler or a condition.
    """
    del task_timeout, versioning_intent
    if arg is not UNSET:
        if args:
            raise ValueError("give either one argument or args, not both")
        args = [arg]
    if workflow is not None and not isinstance(workflow, str) and not callable(workflow):
        raise TypeError("workflow must be None, a name or a run method")
    for name, value, hint in (
        ("task_queue", task_queue, str),
        ("run_timeout", run_timeout, timedelta),
        ("backoff_start_interval", backoff_start_interval, timedelta),
        ("retry_policy", retry_policy, RetryPolicy),
        ("memo", memo, Mapping[str, Any]),
        ("search_attributes", search_attributes, TypedSearchAttributes | Mapping[str, Any]),
    ):
        if value is not None:
            check_option(name, value, hint)
    warn_of_untyped(search_attributes)
    options = ContinueAsNewOptions(
        workflow=workflow,
        task_queue=task_queue,
        run_timeout_ms=None if run_timeout is None else positive_milliseconds(run_timeout, "run_timeout"),
        retry_policy=retry_policy,
        memo=memo,
        search_attributes=search_attributes,
        backoff_ms=0
        if not backoff_start_interval
        else positive_milliseconds(backoff_start_interval, "backoff_start_interval"),
        versioning=ContinueAsNewVersioningBehavior(initial_versioning_behavior or 0),
    )
    current().continue_as_new(args, options)


def positive_milliseconds(duration: timedelta, name: str) -> int:
    """A duration in whole milliseconds, rounded up, 250 years at most.

    Raises:
        ValueError: It is not positive.
    """
    if duration <= timedelta(0):
        raise ValueError(f"{name} must be more than 0, not {duration}")
    return in_milliseconds(duration)


def has_last_completion_result() -> bool:
    """Whether an earlier run of this cron schedule has completed."""
    return current().last_completion_result() is not None


@overload
def get_last_completion_result() -> Any | None: ...
@overload
def get_last_completion_result(type_hint: type[T]) -> T | None: ...
def get_last_completion_result(type_hint: type | None = None) -> Any | None:
    """What the last run of this cron schedule that completed returned; None if none has, or if it returned None.

    Args:
        type_hint: The type to convert it to.
    """
    runtime = current()
    payload = runtime.last_completion_result()
    return None if payload is None else runtime.payload_converter().from_payload(payload, type_hint)


def get_last_failure() -> BaseException | None:
    """How the run before failed, where it is retried or runs on a cron schedule; None: it did not."""
    return current().last_failure()


def patched(id: str) -> bool:
    """Whether to take the new way where the code of running workflows has changed.

    True where the workflow comes here for the first time, and whenever it comes here again; false for one that has
    passed here with the code from before the change. What is answered is in the history, and stays so for the run.

    Args:
        id: A name for the change, not used for any other. It may be asked for at several places.

    Raises:
        ReadOnlyContextError: Called by a query handler or a condition.
    """
    return current().patch(id, False)


def deprecate_patch(id: str) -> None:
    """Note that the old way is gone: put it in the place of `patched` once no workflow is left that goes it.

    Histories with and without the patch replay. Remove it once no workflow is left that has recorded the patch with
    `patched`.

    Args:
        id: The name of the change.
    """
    current().patch(id, True)


def get_current_details() -> str:
    """The text that `set_current_details` set last; empty if it has not."""
    return current().current_details()


def set_current_details(description: str) -> None:
    """Say for people how things are, in several lines. Kept with the running code, not in the history.

    Raises:
        ConfigurationError: It is no text.
        ReadOnlyContextError: Called by a query handler or a condition.
    """
    current().set_current_details(description)


def upsert_memo(updates: Mapping[str, Any]) -> None:
    """Change the memo.

    Args:
        updates: New values by key; None removes what is there.

    Raises:
        ConfigurationError: It is no mapping.
        PayloadConversionError: A value cannot be converted; nothing has changed.
        ReadOnlyContextError: Called by a query handler or a condition.
    """
    current().upsert_memo(updates)


def upsert_search_attributes(attributes: SearchAttributes | Sequence[SearchAttributeUpdate[Any]]) -> None:
    """Change the search attributes.

    Args:
        attributes: Updates, made by `value_set` and `value_unset` of keys. The form of a dictionary of lists is
            deprecated; an empty list removes an attribute.

    Raises:
        ConfigurationError: They are neither a list nor a dictionary.
        TypeError: A value is not of its attribute's type; nothing has changed.
        ReadOnlyContextError: Called by a query handler or a condition.
    """
    if not attributes:
        return
    warn_of_untyped(attributes)
    current().upsert_search_attributes(attributes)
