"""What a workflow may know about itself: `info()`, its memo and its state as seen by the runtime."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar, overload

from foldlog._metrics import MetricMeter
from foldlog.common import (
    Priority,
    RetryPolicy,
    SearchAttributes,
    TypedSearchAttributes,
    WorkerDeploymentVersion,
)
from foldlog.converter import PayloadConverter, decode_search_attributes, decode_typed_search_attributes
from foldlog.schemas.common import Payload
from foldlog.workflow._runtime import current, maybe_current

__all__ = [
    "Info",
    "ParentInfo",
    "RootInfo",
    "cancellation_reason",
    "extern_functions",
    "in_workflow",
    "info",
    "instance",
    "is_failure_exception",
    "memo",
    "memo_value",
    "payload_converter",
]

T = TypeVar("T")
_MISSING: Any = object()


@dataclass(frozen=True)
class ParentInfo:
    """The workflow whose child this one is."""

    namespace: str
    run_id: str
    workflow_id: str


@dataclass(frozen=True)
class RootInfo:
    """The topmost workflow above this one: the parent of its parent, and so on."""

    run_id: str
    workflow_id: str


@dataclass(frozen=True, kw_only=True)
class Info:
    """Facts about the running workflow. Made by `info()`; never make one yourself."""

    attempt: int
    """Which try of the workflow this run is, from 1, where a retry policy has failed runs followed by others."""
    continued_run_id: str | None
    """The run before this one in its chain, whatever led to this one; None: it is the first."""
    cron_schedule: str | None
    execution_timeout: timedelta | None
    """Limit on the whole chain of runs."""
    first_execution_run_id: str
    """The first run of the chain that this run belongs to."""
    headers: Mapping[str, Payload]
    """What came with the start, for interceptors: as in the log, and so encoded if headers go through the codec."""
    namespace: str
    parent: ParentInfo | None
    """The workflow whose child it is; None: it is no child."""
    priority: Priority
    raw_memo: Mapping[str, Payload]
    raw_search_attributes: Mapping[str, Payload]
    """As in the log; changes with `upsert_search_attributes`, as the memo does with `upsert_memo`."""
    retry_policy: RetryPolicy | None
    """When a failed run is followed by another."""
    root: RootInfo | None
    """The topmost workflow above it; None: it is no child."""
    run_id: str
    run_timeout: timedelta | None
    """Limit on this run."""
    start_time: datetime
    """When the code of the run began, in UTC."""
    task_queue: str
    """Where its activities go if they name no queue."""
    workflow_id: str
    workflow_start_time: datetime
    """When the run began, in UTC: before `start_time`, if it was held by a start delay, a backoff or a schedule."""
    workflow_type: str
    task_timeout: timedelta = timedelta(seconds=10)
    """Temporal's default; there are no workflow tasks here."""

    @property
    def original_execution_run_id(self) -> str:
        """The same as `run_id`: there are no resets yet."""
        return self.run_id

    @property
    def typed_search_attributes(self) -> TypedSearchAttributes:
        """The search attributes as they are now."""
        return decode_typed_search_attributes(self.raw_search_attributes)

    @property
    def search_attributes(self) -> SearchAttributes:
        """The same, each as a list of values. Deprecated: use `typed_search_attributes`."""
        return decode_search_attributes(self.raw_search_attributes)

    def get_current_build_id(self) -> str:
        """The build ID of the code that runs. Deprecated: use `get_current_deployment_version`."""
        version = current().deployment_version()
        return "" if version is None else version.build_id

    def get_current_deployment_version(self) -> WorkerDeploymentVersion | None:
        """The version of the code that runs; None: its worker has none. A worker's mere `build_id` is in no deployment.

        While the run is pinned, it is the same always, also in a `Replayer`. Otherwise it is that of today, also while
        history is told again, and None in a `Replayer`: never branch on it there, but on `patched`.
        """
        return current().deployment_version()

    def get_current_history_length(self) -> int:
        """Events in the history up to the one that the code runs for. In a query it may be out of date."""
        return current().history_length()

    def get_current_history_size(self) -> int:
        """Bytes of the events up to the one that the code runs for. In a query it may be out of date."""
        return current().history_bytes()

    def is_continue_as_new_suggested(self) -> bool:
        """Whether the history has grown so long that the workflow should continue as new. See the worker's options."""
        return current().is_continue_as_new_suggested()

    def is_target_worker_deployment_version_changed(self) -> bool:
        """Whether the run is pinned to a version, and new ones begin on another by now.

        So it is time to go on as new, with `ContinueAsNewVersioningBehavior.AUTO_UPGRADE`. It is false if an override
        pins the run; and once a run has gone on as new without moving, the next ones are not told of the same change
        again. What it says is recorded where it changes, and is the same in a replay. A query sees what the code was
        told last.
        """
        return current().is_target_version_changed()


def info() -> Info:
    """Facts about the running workflow.

    Raises:
        NotInWorkflowError: Not called by a workflow; so do all functions here, except `in_workflow`.
    """
    return current().info()


def in_workflow() -> bool:
    """Whether the calling code runs in a workflow."""
    return maybe_current() is not None


def instance() -> Any:
    """The object of the running workflow, of the class that has `@workflow.defn`."""
    return current().instance()


def extern_functions() -> Mapping[str, Callable[..., Any]]:
    """Functions by name that the worker's interceptors let workflow code call (`unsafe_extern_functions`).

    What they return must be the same in each replay.
    """
    return current().extern_functions()


def is_failure_exception(err: BaseException) -> bool:
    """Whether an exception, let through by the workflow, fails it. Any other stalls it until its code is mended."""
    return current().is_failure_exception(err)


def cancellation_reason() -> str | None:
    """The reason given with the request to cancel this workflow; None if there was no request."""
    return current().cancellation_reason()


def metric_meter() -> MetricMeter:
    """Makes metrics of the application's own, which go where the worker's go, and nowhere in a replay.

    They have the attributes `namespace`, `task_queue` and `workflow_type`.

    Raises:
        NotInWorkflowError: Not called from a workflow.
    """
    return current().metric_meter()


def payload_converter() -> PayloadConverter:
    """What converts the workflow's values, for use with raw values."""
    return current().payload_converter()


def memo() -> Mapping[str, Any]:
    """All memo values, converted without type hints."""
    runtime = current()
    return {key: runtime.memo_value(key, None) for key in runtime.info().raw_memo}


@overload
def memo_value(key: str, default: Any = ..., *, type_hint: None = None) -> Any: ...
@overload
def memo_value(key: str, *, type_hint: type[T]) -> T: ...
@overload
def memo_value(key: str, default: T, *, type_hint: type[T]) -> T: ...
def memo_value(key: str, default: Any = _MISSING, *, type_hint: type | None = None) -> Any:
    """One memo value.

    Args:
        key: Its key.
        default: What to return if there is no such key.
        type_hint: The type to convert it to.

    Raises:
        KeyError: There is no such key, and no default was given.
    """
    runtime = current()
    if key not in runtime.info().raw_memo:
        if default is _MISSING:
            raise KeyError(f"Memo does not have a value for key {key}")
        return default
    return runtime.memo_value(key, type_hint)
