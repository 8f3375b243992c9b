"""A run with interceptors around its code. Only made where a worker has some.

The chain ends in what a run without interceptors does. Handlers are called by way of `Inbound`, activities by way of
`Outbound`; each is the last of its chain.
"""

from __future__ import annotations

from collections.abc import Coroutine, Mapping, Sequence
from contextvars import Context
from dataclasses import dataclass, fields
from datetime import timedelta
from inspect import isawaitable
from typing import Any, NoReturn

from foldlog._random_ids import random_id
from foldlog.core.decider import WorkflowTaskError
from foldlog.interceptor import (
    ContinueAsNewInput,
    ExecuteWorkflowInput,
    HandleQueryInput,
    HandleSignalInput,
    HandleUpdateInput,
    SignalChildWorkflowInput,
    SignalExternalWorkflowInput,
    StartActivityInput,
    StartChildWorkflowInput,
    StartLocalActivityInput,
    WorkflowInboundInterceptor,
    WorkflowOutboundInterceptor,
)
from foldlog.runtime.called import under_name
from foldlog.runtime.child_options import uuid4_text
from foldlog.runtime.environment import Environment
from foldlog.runtime.handlers import at_once
from foldlog.runtime.instance import WorkflowInstance
from foldlog.schemas.common import Payload
from foldlog.schemas.event import WorkflowExecutionStarted, WorkflowExecutionUpdateAccepted
from foldlog.workflow._activity_types import ActivityHandle
from foldlog.workflow._chain import positive_milliseconds
from foldlog.workflow._chain_types import ContinueAsNewOptions, ContinueAsNewVersioningBehavior
from foldlog.workflow._child_types import ChildWorkflowHandle
from foldlog.workflow._definition import Definition
from foldlog.workflow._info import Info

_NO_OPTIONS = frozenset(
    {
        "activity",
        "workflow",
        "args",
        "headers",
        "ret_type",
        "arg_types",
        "given",
        "disable_eager_execution",
        "versioning_intent",
    }
)


class InterceptedInstance(WorkflowInstance):
    """The code of one run, with interceptors around it."""

    __slots__ = ("inbound", "outbound", "query_headers")

    def __init__(self, environment: Environment, workflow_id: str, started: WorkflowExecutionStarted) -> None:
        super().__init__(environment, workflow_id, started)
        self.query_headers: Mapping[str, Payload] = {}
        self.outbound: WorkflowOutboundInterceptor = _Outbound(self)
        self.inbound: WorkflowInboundInterceptor = _Inbound(self)
        outer = self.loop.enter()  # interceptors are workflow code
        try:
            for cls in reversed(environment.interceptors):
                self.inbound = cls(self.inbound)
            self.inbound.init(self.outbound)
        except Exception as error:
            raise WorkflowTaskError(f"an interceptor of workflows cannot be made: {error!r}") from error
        finally:
            self.loop.leave(outer)

    def close(self) -> None:
        """See base class."""
        super().close()
        self.inbound = self.outbound = None  # type: ignore[assignment]  # these cycles go at once, too

    # ---- inbound

    def run_body(self, args: list[Any]) -> Coroutine[Any, Any, Any]:
        """See base class."""
        options = self.started.options
        definition = self.environment.definition
        return self.inbound.execute_workflow(
            ExecuteWorkflowInput(
                type=definition.cls,
                run_fn=definition.run_fn,
                args=args,
                headers=options.header if options is not None else {},
            )
        )

    def call_signal_handler(self, name: str, handler: Any, args: Sequence[Any], header: Mapping[str, Payload]) -> Any:
        """See base class."""
        return self.inbound.handle_signal(_Signal(name, args, header, handler))

    def call_query_handler(self, name: str, handler: Any, args: Sequence[Any]) -> Any:
        """See base class."""
        asked = _Query(random_id(), name, args, self.query_headers, handler)
        return Context().run(at_once, self.inbound.handle_query(asked), name)

    def call_update_validator(
        self, update: WorkflowExecutionUpdateAccepted, validator: Any, args: Sequence[Any]
    ) -> None:
        """See base class."""
        self.inbound.handle_update_validator(_Update(update, args, validator))

    def call_update_handler(self, update: WorkflowExecutionUpdateAccepted, handler: Any, args: Sequence[Any]) -> Any:
        """See base class."""
        return self.inbound.handle_update_handler(_Update(update, args, handler))

    def query(self, query_type: str, args: Sequence[Payload], header: Mapping[str, Payload] | None = None) -> Payload:
        """See `Decider.query`."""
        self.query_headers = header or {}
        return super().query(query_type, args)

    # ---- outbound

    def info(self) -> Info:
        """See base class."""
        return self.outbound.info()

    def plain_info(self) -> Info:
        """The facts, past all interceptors."""
        return super().info()

    def start_plain_activity(self, input: Any, options: Mapping[str, Any], *, local: bool) -> ActivityHandle[Any]:
        """Start an activity, past all interceptors."""
        return self.activities.start(input.activity, input.args, input.ret_type, options, local, input.headers)

    def start_activity(
        self, activity_type: str, args: Sequence[Any], result_type: Any, options: Any
    ) -> ActivityHandle[Any]:
        """See base class."""
        known = {name: value for name, value in options.items() if name in _ACTIVITY_FIELDS}
        return self.outbound.start_activity(
            StartActivityInput(activity=activity_type, args=args, ret_type=result_type, given=options, **known)
        )

    def execute_activity(
        self, activity_type: str, args: Sequence[Any], result_type: Any, options: Any
    ) -> Coroutine[Any, Any, Any]:
        """See base class."""
        self.check_may_decide("run an activity")
        return _execute_activity(self.start_activity, activity_type, args, result_type, options)

    def start_child_workflow(
        self, workflow_type: str, args: Sequence[Any], result_type: Any, options: Any
    ) -> Coroutine[Any, Any, ChildWorkflowHandle[Any, Any]]:
        """See base class."""
        self.check_may_decide("start a child workflow")
        return self._start_child(workflow_type, args, result_type, options)

    async def _start_child(
        self, workflow_type: str, args: Sequence[Any], result_type: Any, options: Any
    ) -> ChildWorkflowHandle[Any, Any]:
        known = {name: value for name, value in options.items() if name in _CHILD_FIELDS}
        known["id"] = options.get("id") or uuid4_text(self.random())
        handle: ChildWorkflowHandle[Any, Any] = await self.outbound.start_child_workflow(
            StartChildWorkflowInput(workflow=workflow_type, args=args, ret_type=result_type, given=options, **known)
        )
        return handle

    def execute_child_workflow(
        self, workflow_type: str, args: Sequence[Any], result_type: Any, options: Any
    ) -> Coroutine[Any, Any, Any]:
        """See base class."""
        self.check_may_decide("start a child workflow")
        return self._execute_child(workflow_type, args, result_type, options)

    async def _execute_child(self, workflow_type: str, args: Sequence[Any], result_type: Any, options: Any) -> Any:
        return await (await self._start_child(workflow_type, args, result_type, options))

    def signal_external_workflow(
        self, namespace: str | None, workflow_id: str, run_id: str, child_only: bool, name: str, args: Sequence[Any]
    ) -> Coroutine[Any, Any, None]:
        """See base class."""
        self.check_may_decide("send a signal")
        home = namespace or self.environment.namespace
        if child_only:
            return self.outbound.signal_child_workflow(
                _SignalChild(signal=name, args=args, child_workflow_id=workflow_id, namespace=home)
            )
        return self.outbound.signal_external_workflow(
            SignalExternalWorkflowInput(
                signal=name, args=args, namespace=home, workflow_id=workflow_id, workflow_run_id=run_id or None
            )
        )

    def continue_as_new(
        self, args: Sequence[Any], options: ContinueAsNewOptions, header: Mapping[str, Payload] | None = None
    ) -> NoReturn:
        """See base class."""
        self.check_may_decide("continue as new")
        workflow = options.workflow
        self.outbound.continue_as_new(
            ContinueAsNewInput(
                workflow=None if workflow is None else Definition.name_and_result_type(workflow)[0],
                args=args,
                task_queue=options.task_queue,
                run_timeout=_duration(options.run_timeout_ms),
                backoff_start_interval=_duration(options.backoff_ms),
                retry_policy=options.retry_policy,
                memo=options.memo,
                search_attributes=options.search_attributes,
                headers=header or {},
                initial_versioning_behavior=options.versioning or None,
            )
        )
        raise RuntimeError("an interceptor returned from continue_as_new, which must raise")

    def continue_plainly_as_new(self, input: ContinueAsNewInput) -> NoReturn:
        """End the run and begin another, past all interceptors."""
        options = ContinueAsNewOptions(
            workflow=input.workflow,
            task_queue=input.task_queue,
            run_timeout_ms=None
            if input.run_timeout is None
            else positive_milliseconds(input.run_timeout, "run_timeout"),
            retry_policy=input.retry_policy,
            memo=input.memo,
            search_attributes=input.search_attributes,
            backoff_ms=positive_milliseconds(input.backoff_start_interval, "backoff_start_interval")
            if input.backoff_start_interval
            else 0,
            versioning=ContinueAsNewVersioningBehavior(input.initial_versioning_behavior or 0),
        )
        super().continue_as_new(input.args, options, input.headers)

    def start_local_activity(
        self, activity_type: str, args: Sequence[Any], result_type: Any, options: Any
    ) -> ActivityHandle[Any]:
        """See base class."""
        known = {name: value for name, value in options.items() if name in _LOCAL_FIELDS}
        return self.outbound.start_local_activity(
            StartLocalActivityInput(activity=activity_type, args=args, ret_type=result_type, given=options, **known)
        )

    def execute_local_activity(
        self, activity_type: str, args: Sequence[Any], result_type: Any, options: Any
    ) -> Coroutine[Any, Any, Any]:
        """See base class."""
        self.check_may_decide("run an activity")
        return _execute_local_activity(self.start_local_activity, activity_type, args, result_type, options)


_CHILD_FIELDS = {field.name: field for field in fields(StartChildWorkflowInput) if field.name not in _NO_OPTIONS}
_ACTIVITY_FIELDS = {field.name: field for field in fields(StartActivityInput) if field.name not in _NO_OPTIONS}
_LOCAL_FIELDS = {field.name: field for field in fields(StartLocalActivityInput) if field.name not in _NO_OPTIONS}


async def _execute_activity(start: Any, activity_type: str, args: Sequence[Any], result_type: Any, options: Any) -> Any:
    return await start(activity_type, args, result_type, options)


_execute_local_activity = under_name(_execute_activity, "workflow.execute_local_activity")
# What Python names when it warns that a coroutine was never awaited.
_execute_activity.__qualname__ = "workflow.execute_activity"
InterceptedInstance._start_child.__qualname__ = "workflow.start_child_workflow"
InterceptedInstance._execute_child.__qualname__ = "workflow.execute_child_workflow"


def _duration(ms: int | None) -> timedelta | None:
    return timedelta(milliseconds=ms) if ms else None


@dataclass(kw_only=True)
class _SignalChild(SignalChildWorkflowInput):
    """A signal to a child, and where that is."""

    namespace: str


class _Signal(HandleSignalInput):
    """A signal, and the handler that is there for it."""

    def __init__(self, signal: str, args: Sequence[Any], headers: Mapping[str, Payload], handler: Any) -> None:
        super().__init__(signal, args, headers)
        self.found = signal, handler


class _Query(HandleQueryInput):
    """A query, and the handler that is there for it."""

    def __init__(self, id: str, query: str, args: Sequence[Any], headers: Mapping[str, Payload], handler: Any) -> None:
        super().__init__(id, query, args, headers)
        self.found = query, handler


class _Update(HandleUpdateInput):
    """An update, and the validator or handler that is there for it."""

    def __init__(self, update: WorkflowExecutionUpdateAccepted, args: Sequence[Any], handler: Any) -> None:
        super().__init__(update.update_id, update.update_name, args, update.header)
        self.found = update.update_name, handler


def _found(input: Any, name: str) -> Any:
    """The validator or handler that is there for an input already; None: it goes by another name now, or is new."""
    found_as, handler = getattr(input, "found", ("", None))
    return handler if found_as == name else None


class _Inbound(WorkflowInboundInterceptor):
    """The end of the inbound chain: the code itself."""

    def __init__(self, host: InterceptedInstance) -> None:
        self._host = host

    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        self._host.outbound = outbound

    async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:
        return await input.run_fn(self._host.instance(), *input.args)

    async def handle_signal(self, input: HandleSignalInput) -> None:
        result = self._handler("signal", input, input.signal)(*input.args)
        if isawaitable(result):
            await result

    async def handle_query(self, input: HandleQueryInput) -> Any:
        result = self._handler("query", input, input.query)(*input.args)
        return await result if isawaitable(result) else result

    def handle_update_validator(self, input: HandleUpdateInput) -> None:
        validator = _found(input, input.update) or self._host.handlers.updates.validator(input.update)
        if validator is not None:
            validator(*input.args)

    async def handle_update_handler(self, input: HandleUpdateInput) -> Any:
        result = self._handler("update", input, input.update)(*input.args)
        return await result if isawaitable(result) else result

    def _handler(self, kind: str, input: Any, name: str) -> Any:
        """The handler that was found; of an input that an interceptor renamed or made anew, the one of that name."""
        handler = _found(input, name) or self._host.handler(kind, name) or self._host.handler(kind, None)
        if handler is None:
            raise LookupError(f"there is no handler of {kind} {name!r}")
        return handler


class _Outbound(WorkflowOutboundInterceptor):
    """The end of the outbound chain: what becomes a decision."""

    def __init__(self, host: InterceptedInstance) -> None:
        self._host = host

    def info(self) -> Info:
        return self._host.plain_info()

    async def start_child_workflow(self, input: StartChildWorkflowInput) -> ChildWorkflowHandle[Any, Any]:
        options = _options(input, _CHILD_FIELDS)
        return await self._host.children.start(input.workflow, input.args, input.ret_type, options, input.headers)

    async def signal_child_workflow(self, input: SignalChildWorkflowInput) -> None:
        namespace = getattr(input, "namespace", None)
        await self._host.external.signal(
            namespace, input.child_workflow_id, "", True, input.signal, input.args, input.headers
        )

    async def signal_external_workflow(self, input: SignalExternalWorkflowInput) -> None:
        run_id = input.workflow_run_id or ""
        await self._host.external.signal(
            input.namespace, input.workflow_id, run_id, False, input.signal, input.args, input.headers
        )

    def continue_as_new(self, input: ContinueAsNewInput) -> NoReturn:
        self._host.continue_plainly_as_new(input)

    def start_activity(self, input: StartActivityInput) -> ActivityHandle[Any]:
        return self._host.start_plain_activity(input, _options(input, _ACTIVITY_FIELDS), local=False)

    def start_local_activity(self, input: StartLocalActivityInput) -> ActivityHandle[Any]:
        return self._host.start_plain_activity(input, _options(input, _LOCAL_FIELDS), local=True)


_Outbound.signal_child_workflow.__qualname__ = "workflow.ChildWorkflowHandle.signal"
_Outbound.signal_external_workflow.__qualname__ = "workflow.ExternalWorkflowHandle.signal"


def _options(input: Any, known: Mapping[str, Any]) -> dict[str, Any]:
    """The options of an input: those that were given, as they are now, and those that an interceptor has set."""
    options = dict(input.given)
    for name, field in known.items():
        value = getattr(input, name)
        if name in options or value != field.default:
            options[name] = value
    return options
