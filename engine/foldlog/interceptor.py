"""What may stand around the code of activities and workflows in a worker. Exported by `foldlog.worker`.

Names and meanings follow Temporal's `temporalio.worker`. Inbound interceptors see what comes to the code, outbound ones
what the code asks for. Those of workflows are workflow code: deterministic, and free to use `foldlog.workflow`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from foldlog.common import RetryPolicy, VersioningOverride
from foldlog.schemas.common import Payload
from foldlog.workflow._activity_types import ActivityCancellationType, ActivityHandle

if TYPE_CHECKING:
    from foldlog.activity import Info as ActivityInfo
    from foldlog.workflow import Info as WorkflowInfo

Headers = Mapping[str, Payload]


@dataclass(frozen=True)
class WorkflowInterceptorClassInput:
    """For `Interceptor.workflow_interceptor_class`."""

    unsafe_extern_functions: MutableMapping[str, Callable[..., Any]] = field(default_factory=dict)
    """Functions by name, for `workflow.extern_functions`. Interceptors add theirs; those that are not async may do
    anything, whatever the guard says."""


class Interceptor:
    """Intercepts what a worker runs. Derive from it and override what is wanted."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        """Put an interceptor before another one. Called for each attempt of an activity.

        Args:
            next: The one to hand calls on to.
        """
        return next

    def workflow_interceptor_class(
        self, input: WorkflowInterceptorClassInput
    ) -> type[WorkflowInboundInterceptor] | None:
        """The class that intercepts workflows; None: none does. Asked once per worker; one object is made per run."""
        return None


# ---- activities


@dataclass
class ExecuteActivityInput:
    """For `ActivityInboundInterceptor.execute_activity`."""

    fn: Callable[..., Any]
    args: Sequence[Any]
    executor: Executor | None
    """Runs `fn` if it is not async."""
    headers: Headers


class ActivityInboundInterceptor:
    """Sees attempts of activities before their code does."""

    def __init__(self, next: ActivityInboundInterceptor) -> None:
        """Make one that hands everything on."""
        self.next = next

    def init(self, outbound: ActivityOutboundInterceptor) -> None:
        """Called first. Hand on an outbound interceptor of your own, with this one behind it, to use one."""
        self.next.init(outbound)

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        """Run the code; what it returns or raises counts."""
        return await self.next.execute_activity(input)


class ActivityOutboundInterceptor:
    """Sees what the code of an activity asks for. Not in other processes."""

    def __init__(self, next: ActivityOutboundInterceptor) -> None:
        """Make one that hands everything on."""
        self.next = next

    def info(self) -> ActivityInfo:
        """`activity.info`."""
        return self.next.info()

    def heartbeat(self, *details: Any) -> None:
        """`activity.heartbeat`."""
        self.next.heartbeat(*details)


# ---- workflows, inbound


@dataclass
class ExecuteWorkflowInput:
    """For `WorkflowInboundInterceptor.execute_workflow`."""

    type: type
    run_fn: Callable[..., Awaitable[Any]]
    """The run method, not bound."""
    args: Sequence[Any]
    headers: Headers


@dataclass
class HandleSignalInput:
    """For `WorkflowInboundInterceptor.handle_signal`."""

    signal: str
    args: Sequence[Any]
    headers: Headers


@dataclass
class HandleQueryInput:
    """For `WorkflowInboundInterceptor.handle_query`."""

    id: str
    """Another one each time that somebody asks."""
    query: str
    args: Sequence[Any]
    headers: Headers


@dataclass
class HandleUpdateInput:
    """For `handle_update_validator` and `handle_update_handler` of `WorkflowInboundInterceptor`."""

    id: str
    update: str
    args: Sequence[Any]
    headers: Headers


class WorkflowInboundInterceptor:
    """Sees what comes to a run before its code does."""

    def __init__(self, next: WorkflowInboundInterceptor) -> None:
        """Make one that hands everything on."""
        self.next = next

    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        """Called first. Hand on an outbound interceptor of your own, with this one behind it, to use one."""
        self.next.init(outbound)

    async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:
        """Run the run method; what it returns or raises counts."""
        return await self.next.execute_workflow(input)

    async def handle_signal(self, input: HandleSignalInput) -> None:
        """Call the signal's handler."""
        await self.next.handle_signal(input)

    async def handle_query(self, input: HandleQueryInput) -> Any:
        """Call the query's handler; what it returns is the answer. It must not wait for anything."""
        return await self.next.handle_query(input)

    def handle_update_validator(self, input: HandleUpdateInput) -> None:
        """Call the update's validator; what it raises rejects the update."""
        self.next.handle_update_validator(input)

    async def handle_update_handler(self, input: HandleUpdateInput) -> Any:
        """Call the update's handler; what it returns or raises counts."""
        return await self.next.handle_update_handler(input)


# ---- workflows, outbound


@dataclass(kw_only=True)
class StartActivityInput:
    """For `WorkflowOutboundInterceptor.start_activity`."""

    activity: str
    args: Sequence[Any]
    activity_id: str | None = None
    task_queue: str | None = None
    schedule_to_close_timeout: timedelta | None = None
    schedule_to_start_timeout: timedelta | None = None
    start_to_close_timeout: timedelta | None = None
    heartbeat_timeout: timedelta | None = None
    retry_policy: RetryPolicy | None = None
    cancellation_type: ActivityCancellationType = ActivityCancellationType.TRY_CANCEL
    headers: Headers = field(default_factory=dict)
    disable_eager_execution: bool = False
    versioning_intent: Any = None
    """Of no effect, as in the other inputs."""
    summary: str | None = None
    priority: Any = None
    arg_types: list[Any] | None = None
    """Always None, here and in the other inputs: arguments are not converted by the types that they are given for."""
    ret_type: Any = None
    given: Mapping[str, Any] = field(default_factory=dict)
    """The options as the workflow gave them."""


@dataclass(kw_only=True)
class StartLocalActivityInput:
    """For `WorkflowOutboundInterceptor.start_local_activity`."""

    activity: str
    args: Sequence[Any]
    activity_id: str | None = None
    schedule_to_close_timeout: timedelta | None = None
    schedule_to_start_timeout: timedelta | None = None
    start_to_close_timeout: timedelta | None = None
    retry_policy: RetryPolicy | None = None
    local_retry_threshold: timedelta | None = None
    cancellation_type: ActivityCancellationType = ActivityCancellationType.TRY_CANCEL
    headers: Headers = field(default_factory=dict)
    summary: str | None = None
    arg_types: list[Any] | None = None
    ret_type: Any = None
    given: Mapping[str, Any] = field(default_factory=dict)
    """The options as the workflow gave them."""


@dataclass(kw_only=True)
class StartChildWorkflowInput:
    """For `WorkflowOutboundInterceptor.start_child_workflow`."""

    workflow: str
    args: Sequence[Any]
    id: str
    task_queue: str | None = None
    cancellation_type: Any = None
    parent_close_policy: Any = None
    execution_timeout: timedelta | None = None
    run_timeout: timedelta | None = None
    task_timeout: timedelta | None = None
    id_reuse_policy: Any = None
    retry_policy: RetryPolicy | None = None
    cron_schedule: str = ""
    memo: Mapping[str, Any] | None = None
    search_attributes: Any = None
    headers: Headers = field(default_factory=dict)
    versioning_intent: Any = None
    static_summary: str | None = None
    static_details: str | None = None
    priority: Any = None
    arg_types: list[Any] | None = None
    ret_type: Any = None
    versioning_override: VersioningOverride | None = None
    given: Mapping[str, Any] = field(default_factory=dict)
    """The options as the workflow gave them."""


@dataclass(kw_only=True)
class SignalChildWorkflowInput:
    """For `WorkflowOutboundInterceptor.signal_child_workflow`."""

    signal: str
    args: Sequence[Any]
    child_workflow_id: str
    headers: Headers = field(default_factory=dict)


@dataclass(kw_only=True)
class SignalExternalWorkflowInput:
    """For `WorkflowOutboundInterceptor.signal_external_workflow`."""

    signal: str
    args: Sequence[Any]
    namespace: str
    workflow_id: str
    workflow_run_id: str | None = None
    headers: Headers = field(default_factory=dict)


@dataclass(kw_only=True)
class ContinueAsNewInput:
    """For `WorkflowOutboundInterceptor.continue_as_new`."""

    workflow: str | None
    """None: the same as now, as for all that follows."""
    args: Sequence[Any]
    task_queue: str | None = None
    run_timeout: timedelta | None = None
    task_timeout: timedelta | None = None
    backoff_start_interval: timedelta | None = None
    retry_policy: RetryPolicy | None = None
    memo: Mapping[str, Any] | None = None
    search_attributes: Any = None
    headers: Headers = field(default_factory=dict)
    """Of the new run; those of this one are not passed on by themselves."""
    versioning_intent: Any = None
    initial_versioning_behavior: Any = None
    arg_types: list[Any] | None = None


class WorkflowOutboundInterceptor:
    """Sees what the code of a run asks for."""

    def __init__(self, next: WorkflowOutboundInterceptor) -> None:
        """Make one that hands everything on."""
        self.next = next

    def info(self) -> WorkflowInfo:
        """`workflow.info`."""
        return self.next.info()

    def start_activity(self, input: StartActivityInput) -> ActivityHandle[Any]:
        """`workflow.start_activity` and `execute_activity`."""
        return self.next.start_activity(input)

    def start_local_activity(self, input: StartLocalActivityInput) -> ActivityHandle[Any]:
        """`workflow.start_local_activity` and `execute_local_activity`."""
        return self.next.start_local_activity(input)

    async def start_child_workflow(self, input: StartChildWorkflowInput) -> Any:
        """`workflow.start_child_workflow` and `execute_child_workflow`."""
        return await self.next.start_child_workflow(input)

    async def signal_child_workflow(self, input: SignalChildWorkflowInput) -> None:
        """`ChildWorkflowHandle.signal`."""
        await self.next.signal_child_workflow(input)

    async def signal_external_workflow(self, input: SignalExternalWorkflowInput) -> None:
        """`ExternalWorkflowHandle.signal`."""
        await self.next.signal_external_workflow(input)

    def continue_as_new(self, input: ContinueAsNewInput) -> NoReturn:
        """`workflow.continue_as_new`. Never returns."""
        self.next.continue_as_new(input)
