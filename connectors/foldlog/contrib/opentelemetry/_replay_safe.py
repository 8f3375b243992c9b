"""A provider of tracers whose spans may last while workflow code waits, and are the same when it is replayed.

Owns the identity of spans in workflows, drawn from numbers of the run's own, and when they end: not while history is
told again, since they have ended then; not where a run is dropped from memory, since it goes on later; and not by an
exception that stalls the run. Needs OpenTelemetry's SDK, not only its interface.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from random import Random
from typing import Any
from weakref import WeakKeyDictionary

from foldlog import workflow
from foldlog.runtime.loop import DeterministicLoop, Mode

import opentelemetry.context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import (
    ConcurrentMultiSpanProcessor,
    SpanLimits,
    SpanProcessor,
    SynchronousMultiSpanProcessor,
    TracerProvider,
    sampling,
)
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, Status, StatusCode, Tracer
from opentelemetry.util._decorator import _agnosticcontextmanager  # what the interface's own method is made with
from opentelemetry.util.types import Attributes, AttributeValue

__all__ = ["ReplaySafeTracerProvider", "RunIdGenerator", "create_tracer_provider"]

_randoms: WeakKeyDictionary[asyncio.AbstractEventLoop, Random] = WeakKeyDictionary()
"""Of each run in memory, by its event loop: that is foldlog's own, and there before the workflow object is."""


class RunIdGenerator(IdGenerator):
    """IDs that are the same in each replay, in workflow code; elsewhere those of another generator."""

    def __init__(self, elsewhere: IdGenerator) -> None:
        """Make one.

        Args:
            elsewhere: Makes IDs outside of workflows, and in queries and validators, which are not replayed.
        """
        self._elsewhere = elsewhere

    def generate_span_id(self) -> int:
        """See base class."""
        random = _random_of_run()
        return self._elsewhere.generate_span_id() if random is None else random.randrange(1, 1 << 64)

    def generate_trace_id(self) -> int:
        """See base class."""
        random = _random_of_run()
        return self._elsewhere.generate_trace_id() if random is None else random.randrange(1, 1 << 128)


def _random_of_run() -> Random | None:
    if not workflow.in_workflow() or workflow.unsafe.is_read_only():
        return None
    loop = asyncio.get_running_loop()
    random = _randoms.get(loop)
    if random is None:
        # By a name: the numbers that the workflow itself draws stay as they are without spans.
        random = _randoms[loop] = workflow.new_random("foldlog.opentelemetry")
    return random


def _beyond_the_guard() -> AbstractContextManager[None]:
    """Whatever collects spans may lock, write, and look at the clock."""
    return workflow.unsafe.sandbox_unrestricted() if workflow.in_workflow() else nullcontext()


def _is_dropped() -> bool:
    """Whether the run whose code this is leaves memory: its coroutines are closed, and go on from history later."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return False
    return isinstance(loop, DeterministicLoop) and loop.mode is Mode.DROPPING


class _Span(Span):
    """A span of workflow code."""

    def __init__(self, span: Span) -> None:
        self._span = span
        self._error: BaseException | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._span, name)

    def end(self, end_time: int | None = None) -> None:
        if not workflow.in_workflow() or _is_dropped() or workflow.unsafe.is_replaying():
            return
        if self._error is not None and not workflow.is_failure_exception(self._error):
            return
        with _beyond_the_guard():
            self._span.end(end_time)

    def forgive(self) -> None:
        """Whatever was recorded does not stall the run."""
        self._error = None

    def get_span_context(self) -> SpanContext:
        return self._span.get_span_context()

    def set_attributes(self, attributes: Mapping[str, AttributeValue]) -> None:
        self._span.set_attributes(attributes)

    def set_attribute(self, key: str, value: AttributeValue) -> None:
        self._span.set_attribute(key, value)

    def add_event(self, name: str, attributes: Attributes = None, timestamp: int | None = None) -> None:
        with _beyond_the_guard():
            self._span.add_event(name, attributes, timestamp)

    def add_link(self, context: SpanContext, attributes: Attributes = None) -> None:
        self._span.add_link(context, attributes)

    def update_name(self, name: str) -> None:
        self._span.update_name(name)

    def is_recording(self) -> bool:
        return self._span.is_recording()

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        self._span.set_status(status, description)

    def record_exception(
        self,
        exception: BaseException,
        attributes: Attributes = None,
        timestamp: int | None = None,
        escaped: bool = False,
    ) -> None:
        self._error = exception
        with _beyond_the_guard():
            self._span.record_exception(exception, attributes, timestamp, escaped)


class _Tracer(Tracer):
    """A tracer that knows whether workflow code calls it."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def start_span(
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
    ) -> Span:
        options = (kind, attributes, links)
        errors = (record_exception, set_status_on_exception)
        if not workflow.in_workflow():
            return self._tracer.start_span(name, context, *options, start_time, *errors)
        if start_time is None and workflow.unsafe.is_replaying():
            start_time = workflow.time_ns()
        with _beyond_the_guard():
            return _Span(self._tracer.start_span(name, context, *options, start_time, *errors))

    @_agnosticcontextmanager
    def start_as_current_span(
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
        end_on_exit: bool = True,
    ) -> Iterator[Span]:
        errors = (record_exception, set_status_on_exception)
        span = self.start_span(name, context, kind, attributes, links, start_time, *errors)
        with _current(span):
            try:
                yield span
            except Exception as error:
                if record_exception:
                    span.record_exception(error)
                if set_status_on_exception:
                    span.set_status(Status(StatusCode.ERROR, f"{type(error).__name__}: {error}"))
                raise
            finally:
                if end_on_exit:
                    span.end()


@contextmanager
def _current(span: Span) -> Iterator[None]:
    """In a span, and back, unless that is in another context: code that is dropped ends wherever it is dropped."""
    token = opentelemetry.context.attach(trace.set_span_in_context(span))
    try:
        yield
    finally:
        if not _is_dropped():
            opentelemetry.context.detach(token)


def completed(tracer: Tracer, name: str, attributes: Attributes, exception: BaseException | None) -> None:
    """Make a span that has ended, whatever is recorded in it."""
    span = tracer.start_span(name, attributes=attributes)
    if exception is not None:
        span.record_exception(exception)
        span.set_status(Status(StatusCode.ERROR, f"{type(exception).__name__}: {exception}"))
    if isinstance(span, _Span):
        span.forgive()
    span.end()


class ReplaySafeTracerProvider(trace.TracerProvider):
    """A provider for programs with workflows; see `create_tracer_provider`."""

    def __init__(self, tracer_provider: TracerProvider, id_generator: RunIdGenerator) -> None:
        """Make one.

        Args:
            tracer_provider: Makes the spans.
            id_generator: The generator that it has.

        Raises:
            ValueError: It has another one, so that spans would be others in each replay.
        """
        if not isinstance(tracer_provider.id_generator, RunIdGenerator):
            raise ValueError(
                "the IDs of this TracerProvider would be others in each replay: make one by create_tracer_provider"
            )
        self._provider = tracer_provider
        self._id_generator = id_generator

    def add_span_processor(self, span_processor: SpanProcessor) -> None:
        """Have spans go to a processor as well."""
        self._provider.add_span_processor(span_processor)

    def shutdown(self) -> None:
        """End the processors."""
        self._provider.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Have the processors write what they hold; false if that takes longer than so many milliseconds."""
        return self._provider.force_flush(timeout_millis)

    def id_generator(self) -> RunIdGenerator:
        """What makes IDs."""
        return self._id_generator

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes | None = None,
    ) -> Tracer:
        """A tracer for workflow code and any other."""
        return _Tracer(
            self._provider.get_tracer(instrumenting_module_name, instrumenting_library_version, schema_url, attributes)
        )


def create_tracer_provider(
    sampler: sampling.Sampler | None = None,
    resource: Resource | None = None,
    shutdown_on_exit: bool = True,
    active_span_processor: SynchronousMultiSpanProcessor | ConcurrentMultiSpanProcessor | None = None,
    id_generator: IdGenerator | None = None,
    span_limits: SpanLimits | None = None,
) -> ReplaySafeTracerProvider:
    """A provider of tracers that workflow code may use: give it to `opentelemetry.trace.set_tracer_provider`.

    Args:
        sampler: As of the SDK's `TracerProvider`, as the others.
        resource: Likewise.
        shutdown_on_exit: Likewise.
        active_span_processor: Likewise.
        id_generator: Makes IDs outside of workflows; None: random ones.
        span_limits: Likewise.
    """
    generator = RunIdGenerator(id_generator or RandomIdGenerator())
    provider = TracerProvider(
        sampler=sampler,
        resource=resource,
        shutdown_on_exit=shutdown_on_exit,
        active_span_processor=active_span_processor,
        id_generator=generator,
        span_limits=span_limits,
    )
    return ReplaySafeTracerProvider(provider, generator)
