"""The plugin with which workflow code makes spans by OpenTelemetry itself, that last as long as what they are about.

Owns where a trace goes along, and the spans of foldlog's own calls, if they are asked for. The global provider makes
them; see `_replay_safe`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn

from foldlog import worker, workflow
from foldlog.contrib.opentelemetry._replay_safe import ReplaySafeTracerProvider
from foldlog.contrib.opentelemetry._tracing import TracingInterceptor, is_benign
from foldlog.plugin import SimplePlugin
from foldlog.schemas.common import Payload

import opentelemetry.context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer
from opentelemetry.util.types import Attributes

__all__ = ["OpenTelemetryInterceptor", "OpenTelemetryPlugin"]


class OpenTelemetryInterceptor(TracingInterceptor):
    """Takes traces along, from clients to workflows and on to activities, and makes spans of its own if it is told."""

    def __init__(self, add_temporal_spans: bool = False) -> None:
        """Make one.

        Args:
            add_temporal_spans: Whether calls of clients, runs, handlers, activities and what runs ask for are spans.
        """
        self.adds_spans = add_temporal_spans
        self.always = False

    @property
    def tracer(self) -> Tracer:  # type: ignore[override]  # the global provider's, whenever that is set
        """Makes the spans."""
        return trace.get_tracer(__name__)

    def workflow_interceptor_class(
        self, input: worker.WorkflowInterceptorClassInput
    ) -> type[worker.WorkflowInboundInterceptor]:
        """See base class.

        Raises:
            ValueError: The global provider does not know of replays.
        """
        if not isinstance(trace.get_tracer_provider(), ReplaySafeTracerProvider):
            raise ValueError(
                "the global tracer provider must be a ReplaySafeTracerProvider: "
                "opentelemetry.trace.set_tracer_provider(create_tracer_provider())"
            )
        return type("SpansInbound", (_Inbound,), {"tracing": self})

    @contextmanager
    def span(self, name: str, kind: SpanKind, attributes: Attributes) -> Iterator[None]:
        """See base class: only if spans are asked for."""
        if not self.adds_spans:
            yield
            return
        with self.tracer.start_as_current_span(
            name, kind=kind, attributes=attributes, set_status_on_exception=False
        ) as span:
            try:
                yield
            except Exception as error:
                if not is_benign(error):
                    span.set_status(Status(StatusCode.ERROR, f"{type(error).__name__}: {error}"))
                raise


class _Inbound(worker.WorkflowInboundInterceptor):
    """What comes to a run."""

    tracing: OpenTelemetryInterceptor

    def init(self, outbound: worker.WorkflowOutboundInterceptor) -> None:
        super().init(_Outbound(outbound, self.tracing))

    async def execute_workflow(self, input: worker.ExecuteWorkflowInput) -> Any:
        with self._within(f"RunWorkflow:{workflow.info().workflow_type}", input.headers):
            return await super().execute_workflow(input)

    async def handle_signal(self, input: worker.HandleSignalInput) -> None:
        with self._within(f"HandleSignal:{input.signal}", input.headers):
            await super().handle_signal(input)

    async def handle_query(self, input: worker.HandleQueryInput) -> Any:
        with self._within(f"HandleQuery:{input.query}", input.headers):
            return await super().handle_query(input)

    def handle_update_validator(self, input: worker.HandleUpdateInput) -> None:
        with self._within(f"ValidateUpdate:{input.update}", input.headers):
            super().handle_update_validator(input)

    async def handle_update_handler(self, input: worker.HandleUpdateInput) -> Any:
        with self._within(f"HandleUpdate:{input.update}", input.headers):
            return await super().handle_update_handler(input)

    @contextmanager
    def _within(self, name: str, headers: Mapping[str, Payload]) -> Iterator[None]:
        # Each call has a context of its own: there is no way back to go.
        opentelemetry.context.attach(self.tracing.found(headers) or Context())
        with _span(self.tracing, name, SpanKind.SERVER):
            yield


@contextmanager
def _span(tracing: OpenTelemetryInterceptor, name: str, kind: SpanKind) -> Iterator[None]:
    info = workflow.info()
    with tracing.span(name, kind, {"temporalWorkflowID": info.workflow_id, "temporalRunID": info.run_id}):
        yield


class _Outbound(worker.WorkflowOutboundInterceptor):
    """What a run asks for."""

    def __init__(self, next: worker.WorkflowOutboundInterceptor, tracing: OpenTelemetryInterceptor) -> None:
        super().__init__(next)
        self._tracing = tracing

    @contextmanager
    def _traced(self, name: str, input: Any, kind: SpanKind = SpanKind.CLIENT) -> Iterator[None]:
        with _span(self._tracing, name, kind):
            input.headers = self._tracing.put(input.headers)
            yield

    def start_activity(self, input: worker.StartActivityInput) -> Any:
        with self._traced(f"StartActivity:{input.activity}", input):
            return super().start_activity(input)

    def start_local_activity(self, input: worker.StartLocalActivityInput) -> Any:
        with self._traced(f"StartActivity:{input.activity}", input):
            return super().start_local_activity(input)

    async def start_child_workflow(self, input: worker.StartChildWorkflowInput) -> Any:
        with self._traced(f"StartChildWorkflow:{input.workflow}", input):
            return await super().start_child_workflow(input)

    async def signal_child_workflow(self, input: worker.SignalChildWorkflowInput) -> None:
        with self._traced(f"SignalChildWorkflow:{input.signal}", input, SpanKind.SERVER):
            await super().signal_child_workflow(input)

    async def signal_external_workflow(self, input: worker.SignalExternalWorkflowInput) -> None:
        with self._traced(f"SignalExternalWorkflow:{input.signal}", input):
            await super().signal_external_workflow(input)

    def continue_as_new(self, input: worker.ContinueAsNewInput) -> NoReturn:
        input.headers = self._tracing.put(input.headers)
        super().continue_as_new(input)


class OpenTelemetryPlugin(SimplePlugin):
    """Lets workflow code use OpenTelemetry itself: `trace.get_tracer(…)`, with spans that last over its awaits.

    The global provider must be one of `create_tracer_provider`.
    """

    def __init__(self, *, add_temporal_spans: bool = False) -> None:
        """Make one.

        Args:
            add_temporal_spans: See `OpenTelemetryInterceptor`.
        """
        super().__init__("OpenTelemetryPlugin", interceptors=[OpenTelemetryInterceptor(add_temporal_spans)])
