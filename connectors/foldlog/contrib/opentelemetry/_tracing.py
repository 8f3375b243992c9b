"""The interceptor that makes spans of clients' calls, of workflows and of activities.

Give `TracingInterceptor` to a client: its calls become spans, and so does what workers of that client run. The trace
goes along in headers, from the client to the workflow and on to its activities.

A workflow may run for months, in many processes one after another, so no span of its own lasts: each step of it is a
span without length, at the workflow's own time, and none is made when history is told again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn

from foldlog import activity, client, worker, workflow
from foldlog.converter import PayloadConverter
from foldlog.exceptions import ApplicationError, ApplicationErrorCategory
from foldlog.schemas.common import Payload

import opentelemetry.context
from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer
from opentelemetry.util.types import Attributes

__all__ = ["TracingInterceptor"]

HEADER = "_tracer-data"
"""Under which a trace goes along, as in Temporal's SDKs."""
INBOUND = opentelemetry.context.create_key("foldlog-inbound")
"""Under which a context has what makes spans of the run."""


class TracingInterceptor(client.Interceptor, worker.Interceptor):
    """Makes spans of a client's calls, and of workflows and activities."""

    header_key = HEADER

    def __init__(self, tracer: Tracer | None = None, *, always_create_workflow_spans: bool = False) -> None:
        """Make one.

        Args:
            tracer: Makes the spans; None: the global provider's.
            always_create_workflow_spans: Whether workflows have spans also if whoever started them had none.
        """
        self.tracer = tracer or trace.get_tracer(__name__)
        self.always = always_create_workflow_spans

    @property
    def propagator(self) -> TextMapPropagator:
        """Writes a trace into headers and reads it."""
        return propagate.get_global_textmap()

    def intercept_client(self, next: client.OutboundInterceptor) -> client.OutboundInterceptor:
        """See base class."""
        return _ClientOutbound(next, self)

    def intercept_activity(self, next: worker.ActivityInboundInterceptor) -> worker.ActivityInboundInterceptor:
        """See base class."""
        return _ActivityInbound(next, self)

    def workflow_interceptor_class(
        self, input: worker.WorkflowInterceptorClassInput
    ) -> type[worker.WorkflowInboundInterceptor]:
        """See base class."""
        return type("TracingWorkflowInbound", (WorkflowInbound,), {"tracing": self})

    @contextmanager
    def span(self, name: str, kind: SpanKind, attributes: Attributes) -> Iterator[None]:
        """A call outside of workflow code is a span; what it raises is its failure."""
        with (
            self.tracer.start_as_current_span(
                name, attributes=attributes, kind=kind, record_exception=False, set_status_on_exception=False
            ) as span,
            _failing(span),
        ):
            yield

    def put(self, headers: Mapping[str, Payload], context: Context | None = None) -> Mapping[str, Payload]:
        """Headers with a trace."""
        carrier: dict[str, str] = {}
        self.propagator.inject(carrier, context)
        return {**headers, self.header_key: PayloadConverter.default.to_payload(carrier)} if carrier else headers

    def found(self, headers: Mapping[str, Payload]) -> Context | None:
        """The trace in headers; None: there is none."""
        payload = headers.get(self.header_key)
        if payload is None:
            return None
        carrier = PayloadConverter.default.from_payload(payload, dict[str, str])
        return self.propagator.extract(carrier, Context())


@contextmanager
def _within(found: Context | None) -> Iterator[None]:
    """In the context that headers tell of, with all that is in it, such as baggage; in the current one if none."""
    if found is None:
        yield
        return
    token = opentelemetry.context.attach(found)
    try:
        yield
    finally:
        opentelemetry.context.detach(token)


@contextmanager
def _failing(span: trace.Span) -> Iterator[None]:
    """What is raised is the span's failure, unless it was expected."""
    try:
        yield
    except Exception as error:
        if not is_benign(error):
            span.record_exception(error)
            span.set_status(Status(StatusCode.ERROR, f"{type(error).__name__}: {error}"))
        raise


def is_benign(error: BaseException) -> bool:
    return isinstance(error, ApplicationError) and error.category is ApplicationErrorCategory.BENIGN


class _ClientOutbound(client.OutboundInterceptor):
    """Each call of a client that has headers is a span."""

    def __init__(self, next: client.OutboundInterceptor, tracing: TracingInterceptor) -> None:
        super().__init__(next)
        self._tracing = tracing

    @contextmanager
    def _span(self, name: str, input: Any, of: str = "temporalWorkflowID") -> Iterator[None]:
        attributes = {of: input.id}
        if of == "temporalActivityID":
            attributes["temporalActivityType"] = input.activity_type
        with self._tracing.span(name, SpanKind.CLIENT, attributes):
            input.headers = self._tracing.put(input.headers)
            yield

    async def start_workflow(self, input: client.StartWorkflowInput) -> Any:
        prefix = "StartWorkflow" if not input.start_signal else "SignalWithStartWorkflow"
        with self._span(f"{prefix}:{input.workflow}", input):
            return await super().start_workflow(input)

    async def start_activity(self, input: client.StartActivityInput) -> Any:
        with self._span(f"StartActivity:{input.activity_type}", input, "temporalActivityID"):
            return await super().start_activity(input)

    async def query_workflow(self, input: client.QueryWorkflowInput) -> Any:
        with self._span(f"QueryWorkflow:{input.query}", input):
            return await super().query_workflow(input)

    async def signal_workflow(self, input: client.SignalWorkflowInput) -> None:
        with self._span(f"SignalWorkflow:{input.signal}", input):
            await super().signal_workflow(input)

    async def start_workflow_update(self, input: client.StartWorkflowUpdateInput) -> Any:
        with self._span(f"StartWorkflowUpdate:{input.update}", input):
            return await super().start_workflow_update(input)

    async def start_update_with_start_workflow(self, input: client.StartWorkflowUpdateWithStartInput) -> Any:
        start = input.start_workflow_input
        with self._span(f"StartUpdateWithStartWorkflow:{start.workflow}", start):
            update = input.update_workflow_input
            update.headers = self._tracing.put(update.headers)
            return await super().start_update_with_start_workflow(input)


class _ActivityInbound(worker.ActivityInboundInterceptor):
    """Each attempt of an activity is a span."""

    def __init__(self, next: worker.ActivityInboundInterceptor, tracing: TracingInterceptor) -> None:
        super().__init__(next)
        self._tracing = tracing

    async def execute_activity(self, input: worker.ExecuteActivityInput) -> Any:
        info = activity.info()
        attributes = {  # one without a workflow has no workflow's
            "temporalWorkflowID": info.workflow_id,
            "temporalRunID": info.workflow_run_id,
            "temporalActivityID": info.activity_id,
        }
        with (
            _within(self._tracing.found(input.headers)),
            self._tracing.span(
                f"RunActivity:{info.activity_type}",
                SpanKind.SERVER,
                {name: text for name, text in attributes.items() if text is not None},
            ),
        ):
            return await super().execute_activity(input)


class WorkflowInbound(worker.WorkflowInboundInterceptor):
    """What comes to a run, and its end."""

    tracing: TracingInterceptor

    def init(self, outbound: worker.WorkflowOutboundInterceptor) -> None:
        super().init(_WorkflowOutbound(outbound, self))

    async def execute_workflow(self, input: worker.ExecuteWorkflowInput) -> Any:
        name = workflow.info().workflow_type
        self._enter(f"RunWorkflow:{name}", input.headers)
        try:
            result = await super().execute_workflow(input)
        except Exception as error:
            if workflow.is_failure_exception(error):  # anything else stalls it, which is no end
                self.step(f"CompleteWorkflow:{name}", SpanKind.INTERNAL, error)
            raise
        self.step(f"CompleteWorkflow:{name}", SpanKind.INTERNAL)
        return result

    async def handle_signal(self, input: worker.HandleSignalInput) -> None:
        self._enter(f"HandleSignal:{input.signal}", input.headers)
        await super().handle_signal(input)

    async def handle_query(self, input: worker.HandleQueryInput) -> Any:
        # Answered at any time, and no part of what is told again.
        self._enter(f"HandleQuery:{input.query}", input.headers, told_again=True)
        return await super().handle_query(input)

    def handle_update_validator(self, input: worker.HandleUpdateInput) -> None:
        self._enter(f"ValidateUpdate:{input.update}", input.headers)
        super().handle_update_validator(input)

    async def handle_update_handler(self, input: worker.HandleUpdateInput) -> Any:
        self._enter(f"HandleUpdate:{input.update}", input.headers)
        return await super().handle_update_handler(input)

    def _enter(self, name: str, headers: Mapping[str, Payload], *, told_again: bool = False) -> None:
        """Go into the trace of headers, with a step that says so. Each call has a context of its own: no way back.

        What the run does is no part of that step, which is not made again where history is told again.
        """
        found = self.tracing.found(headers) or Context()
        opentelemetry.context.attach(opentelemetry.context.set_value(INBOUND, self, found))
        self.step(name, SpanKind.SERVER, told_again=told_again)

    def step(
        self,
        name: str,
        kind: SpanKind,
        error: BaseException | None = None,
        *,
        told_again: bool = False,
        attributes: Attributes = None,
    ) -> Context:
        """A span without length, now; the context in it. None is made in a replay, nor outside of a trace."""
        current = opentelemetry.context.get_current()
        traced = trace.get_current_span(current).get_span_context().is_valid
        if (workflow.unsafe.is_replaying() and not told_again) or not (traced or self.tracing.always):
            return current
        info = workflow.info()
        now = workflow.time_ns()
        with workflow.unsafe.sandbox_unrestricted():  # whatever collects spans may lock, and write
            span = self._ended_span(name, current, kind, error, info, now, attributes)
        return trace.set_span_in_context(span, current)

    def _ended_span(
        self,
        name: str,
        current: Context,
        kind: SpanKind,
        error: BaseException | None,
        info: workflow.Info,
        now: int,
        attributes: Attributes,
    ) -> trace.Span:
        span = self.tracing.tracer.start_span(
            name,
            current,
            kind=kind,
            attributes={**(attributes or {}), "temporalWorkflowID": info.workflow_id, "temporalRunID": info.run_id},
            start_time=now,
        )
        if error is not None and not is_benign(error):
            span.record_exception(error, timestamp=now)
            span.set_status(Status(StatusCode.ERROR, f"{type(error).__name__}: {error}"))
        span.end(now)
        return span


class _WorkflowOutbound(worker.WorkflowOutboundInterceptor):
    """What a run asks for."""

    def __init__(self, next: worker.WorkflowOutboundInterceptor, inbound: WorkflowInbound) -> None:
        super().__init__(next)
        self._inbound = inbound

    def _traced(self, name: str, input: Any) -> None:
        context = self._inbound.step(name, SpanKind.CLIENT)
        input.headers = self._inbound.tracing.put(input.headers, context)

    def start_activity(self, input: worker.StartActivityInput) -> Any:
        self._traced(f"StartActivity:{input.activity}", input)
        return super().start_activity(input)

    def start_local_activity(self, input: worker.StartLocalActivityInput) -> Any:
        self._traced(f"StartActivity:{input.activity}", input)
        return super().start_local_activity(input)

    async def start_child_workflow(self, input: worker.StartChildWorkflowInput) -> Any:
        self._traced(f"StartChildWorkflow:{input.workflow}", input)
        return await super().start_child_workflow(input)

    async def signal_child_workflow(self, input: worker.SignalChildWorkflowInput) -> None:
        self._traced(f"SignalChildWorkflow:{input.signal}", input)
        await super().signal_child_workflow(input)

    async def signal_external_workflow(self, input: worker.SignalExternalWorkflowInput) -> None:
        self._traced(f"SignalExternalWorkflow:{input.signal}", input)
        await super().signal_external_workflow(input)

    def continue_as_new(self, input: worker.ContinueAsNewInput) -> NoReturn:
        input.headers = self._inbound.tracing.put(input.headers)
        super().continue_as_new(input)
