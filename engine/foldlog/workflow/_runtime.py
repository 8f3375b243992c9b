"""The seam between the functions of `foldlog.workflow` and whatever runs the workflow that calls them.

The event loop that a workflow runs on carries the runtime; so the functions find it without a global, in tasks and
handlers alike. Interceptors of outbound calls stand behind it (`foldlog.runtime.intercepted`).
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING, Any, NoReturn

from foldlog.workflow._exceptions import NotInWorkflowError

if TYPE_CHECKING:
    from foldlog._metrics import MetricMeter
    from foldlog.common import SearchAttributes, SearchAttributeUpdate, WorkerDeploymentVersion
    from foldlog.converter import PayloadConverter
    from foldlog.schemas.common import Payload
    from foldlog.workflow._activity_types import ActivityConfig, ActivityHandle, LocalActivityConfig
    from foldlog.workflow._chain_types import ContinueAsNewOptions
    from foldlog.workflow._child_types import ChildWorkflowConfig, ChildWorkflowHandle
    from foldlog.workflow._info import Info

LOOP_ATTRIBUTE = "foldlog_host"
"""Where a workflow's event loop keeps its runtime."""


class Runtime(ABC):
    """What runs one workflow, as its code sees it. Every method may be called only by that code."""

    __slots__ = ()

    @abstractmethod
    def info(self) -> Info:
        """Facts about the run."""

    @abstractmethod
    def instance(self) -> Any:
        """The workflow object."""

    @abstractmethod
    def time_ms(self) -> int:
        """The workflow's clock, in Unix milliseconds."""

    @abstractmethod
    def random(self) -> Random:
        """The run's own random numbers, the same in each replay."""

    @abstractmethod
    def random_seed(self) -> int:
        """A number that belongs to the run."""

    @abstractmethod
    def register_random_seed_callback(self, callback: Callable[[int], None]) -> None:
        """Be told when it changes."""

    @abstractmethod
    def new_random(self, name: str | None = None) -> Random:
        """A further source of random numbers; one with a name leaves `random` alone."""

    @abstractmethod
    def is_replaying(self) -> bool:
        """Whether history is told again."""

    @abstractmethod
    def is_read_only(self) -> bool:
        """Whether a query handler or a condition runs."""

    @abstractmethod
    def extern_functions(self) -> Mapping[str, Callable[..., Any]]:
        """Functions by name that interceptors have added."""

    @abstractmethod
    def is_failure_exception(self, error: BaseException) -> bool:
        """Whether an exception fails the workflow rather than stalling it."""

    @abstractmethod
    def cancellation_reason(self) -> str | None:
        """Why cancellation was asked for; None if it was not."""

    @abstractmethod
    def is_target_version_changed(self) -> bool:
        """Whether new runs begin on another version than the one that this run is pinned to."""

    @abstractmethod
    def deployment_version(self) -> WorkerDeploymentVersion | None:
        """The version of the code; None: it has none."""

    @abstractmethod
    def history_length(self) -> int:
        """Events so far."""

    @abstractmethod
    def history_bytes(self) -> int:
        """Bytes of the events so far."""

    @abstractmethod
    def payload_converter(self) -> PayloadConverter:
        """Converts the workflow's values."""

    @abstractmethod
    def metric_meter(self) -> MetricMeter:
        """Makes metrics that are silent while history is told again."""

    @abstractmethod
    def memo_value(self, key: str, type_hint: type | None) -> Any:
        """The memo value of a key that is there."""

    @abstractmethod
    def is_continue_as_new_suggested(self) -> bool:
        """Whether the history has grown so long that a fresh one would be better."""

    @abstractmethod
    def continue_as_new(self, args: Sequence[Any], options: ContinueAsNewOptions) -> NoReturn:
        """End the run and begin another."""

    @abstractmethod
    def last_completion_result(self) -> Payload | None:
        """What the last completed run of the chain returned."""

    @abstractmethod
    def last_failure(self) -> BaseException | None:
        """How the run before failed."""

    @abstractmethod
    def patch(self, patch_id: str, deprecated: bool) -> bool:
        """Whether a patch is active."""

    @abstractmethod
    def upsert_memo(self, updates: Mapping[str, Any]) -> None:
        """Change the memo."""

    @abstractmethod
    def upsert_search_attributes(self, updates: SearchAttributes | Sequence[SearchAttributeUpdate[Any]]) -> None:
        """Change search attributes."""

    @abstractmethod
    def current_details(self) -> str:
        """The text that was set last."""

    @abstractmethod
    def set_current_details(self, details: str) -> None:
        """Set the text that people are shown."""

    @abstractmethod
    def start_activity(
        self, activity_type: str, args: Sequence[Any], result_type: Any, options: ActivityConfig
    ) -> ActivityHandle[Any]:
        """Schedule an activity at once, as a task."""

    @abstractmethod
    def execute_activity(
        self, activity_type: str, args: Sequence[Any], result_type: Any, options: ActivityConfig
    ) -> Coroutine[Any, Any, Any]:
        """Schedule an activity when first awaited, and wait for its result."""

    @abstractmethod
    def start_local_activity(
        self, activity_type: str, args: Sequence[Any], result_type: Any, options: LocalActivityConfig
    ) -> ActivityHandle[Any]:
        """As `start_activity`, in the processor's own process."""

    @abstractmethod
    def execute_local_activity(
        self, activity_type: str, args: Sequence[Any], result_type: Any, options: LocalActivityConfig
    ) -> Coroutine[Any, Any, Any]:
        """As `execute_activity`, in the processor's own process."""

    @abstractmethod
    def start_child_workflow(
        self, workflow_type: str, args: Sequence[Any], result_type: Any, options: ChildWorkflowConfig
    ) -> Coroutine[Any, Any, ChildWorkflowHandle[Any, Any]]:
        """Start a child when first awaited, and wait until it has begun."""

    @abstractmethod
    def execute_child_workflow(
        self, workflow_type: str, args: Sequence[Any], result_type: Any, options: ChildWorkflowConfig
    ) -> Coroutine[Any, Any, Any]:
        """Start a child when first awaited, and wait for its result."""

    @abstractmethod
    def signal_external_workflow(
        self, namespace: str | None, workflow_id: str, run_id: str, child_only: bool, name: str, args: Sequence[Any]
    ) -> Coroutine[Any, Any, None]:
        """Send a signal to another workflow when first awaited, and wait until it is delivered."""

    @abstractmethod
    def cancel_external_workflow(
        self, namespace: str | None, workflow_id: str, run_id: str, reason: str
    ) -> Coroutine[Any, Any, None]:
        """Ask another workflow to cancel itself when first awaited, and wait until it is told."""

    @abstractmethod
    def wait_condition(
        self, condition: Callable[[], bool], timeout: float | None, summary: str | None = None
    ) -> Coroutine[Any, Any, None]:
        """Wait until a condition holds."""

    @abstractmethod
    def summarize_timer(self, timer: asyncio.TimerHandle, summary: str) -> None:
        """Say what a timer is for that was started just now."""

    @abstractmethod
    def handler(self, kind: str, name: str | None) -> Callable[..., Any] | None:
        """The handler of a signal, query or update; None as the name stands for the dynamic one."""

    @abstractmethod
    def set_handler(self, kind: str, name: str | None, handler: Callable[..., Any] | None) -> None:
        """Set or remove the handler of a signal or query."""

    @abstractmethod
    def set_update_handler(
        self, name: str | None, handler: Callable[..., Any] | None, validator: Callable[..., None] | None
    ) -> None:
        """Set or remove the handler of an update, and its validator with it."""

    @abstractmethod
    def all_handlers_finished(self) -> bool:
        """Whether no async handler is still running."""

    @abstractmethod
    def log_extra(self) -> Mapping[str, Any]:
        """What each log record of the workflow carries."""


def maybe_current() -> Runtime | None:
    """The runtime of the workflow whose code is running on this thread; None outside of workflows."""
    return getattr(asyncio._get_running_loop(), LOOP_ATTRIBUTE, None)


def current() -> Runtime:
    """The runtime of the workflow whose code is running on this thread.

    Raises:
        NotInWorkflowError: None is.
    """
    runtime = maybe_current()
    if runtime is None:
        raise NotInWorkflowError
    return runtime
