"""The workflow types of a process, and the deciders made for their runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from foldlog._metrics import MetricMeter
from foldlog.converter import DataConverter
from foldlog.core.decider import WorkflowTaskError
from foldlog.core.decisions import Decision
from foldlog.exceptions import DefinitionError
from foldlog.interceptor import Interceptor, WorkflowInterceptorClassInput
from foldlog.runtime import guard, scan
from foldlog.runtime.coder import Coder
from foldlog.runtime.environment import SUGGESTED_HISTORY_BYTES, SUGGESTED_HISTORY_LENGTH, Environment
from foldlog.runtime.instance import WorkflowInstance
from foldlog.runtime.kinds import instance_class
from foldlog.runtime.watchdog import Watchdog
from foldlog.schedules.action import ActionWorkflow
from foldlog.schedules.model import INTERNAL
from foldlog.schedules.workflow import ScheduleWorkflow
from foldlog.schemas.event import WorkflowExecutionStarted
from foldlog.workflow._definition import Definition

_BUILT_IN = (ScheduleWorkflow, ActionWorkflow)
"""Workflows that every process with workflows runs besides its own."""


class WorkflowRuntime:
    """Runs workflows that are Python classes. Implements `foldlog.core.decider.DeciderFactory`; thread-safe."""

    def __init__(
        self,
        workflows: Sequence[type],
        *,
        namespace: str,
        data_converter: DataConverter | None = None,
        failure_exception_types: Sequence[type[BaseException]] = (),
        disable_eager_activity_execution: bool = False,
        interceptors: Sequence[Interceptor] = (),
        headers_coded: bool = False,
        continue_as_new_suggested_events: int = SUGGESTED_HISTORY_LENGTH,
        continue_as_new_suggested_bytes: int = SUGGESTED_HISTORY_BYTES,
        metric_meter: MetricMeter = MetricMeter.noop,
        deadlock_timeout_seconds: float | None = None,
    ) -> None:
        """Register workflows, warn of what their code must not use, and install the guard in this process.

        Args:
            workflows: Classes with `@workflow.defn`.
            namespace: The namespace that their runs are in.
            data_converter: Converts arguments, results and failures; the default one if not given.
            failure_exception_types: Exceptions that fail any of them instead of stalling it.
            disable_eager_activity_execution: Whether all activity tasks go over their topic.
            interceptors: Asked for classes that intercept runs, the first one first.
            headers_coded: Whether headers go through the payload codec.
            continue_as_new_suggested_events: Length of a history from which on `is_continue_as_new_suggested` is true.
            continue_as_new_suggested_bytes: Size of one, in bytes, likewise.
            metric_meter: Takes what workflows measure.
            deadlock_timeout_seconds: How long code may run before it yields; None: as long as it likes.

        Raises:
            DefinitionError: A class has no `@workflow.defn`, two have the same name, or type hints of a run method or
                handler cannot be resolved.
        """
        converter = data_converter or DataConverter.default
        codec = converter.payload_codec
        self._coder = None if codec is None else Coder(codec, headers=headers_coded)
        classes = (each.workflow_interceptor_class(WorkflowInterceptorClassInput()) for each in interceptors)
        inbound = tuple(cls for cls in classes if cls is not None)
        watchdog = None if deadlock_timeout_seconds is None else Watchdog(deadlock_timeout_seconds)
        self._instance_class = instance_class(
            coded=codec is not None, intercepted=bool(inbound), watched=watchdog is not None
        )
        self._environments: dict[str | None, Environment] = {}
        options: dict[str, Any] = {
            "namespace": namespace,
            "eager_activities": not disable_eager_activity_execution,
            "suggested_history_length": continue_as_new_suggested_events,
            "suggested_history_bytes": continue_as_new_suggested_bytes,
            "metric_meter": metric_meter,
            "coder": self._coder,
            "watchdog": watchdog,
        }
        for cls in workflows:
            definition = self._check(cls)
            self._environments[definition.name] = Environment(
                definition=definition,
                payload_converter=converter.payload_converter,
                failure_converter=converter.failure_converter,
                failure_exception_types=(*failure_exception_types, *definition.failure_exception_types),
                interceptors=inbound,
                **options,
            )
        default = DataConverter.default
        self._built_in = {
            definition.name: Environment(
                definition=definition,
                payload_converter=default.payload_converter,
                failure_converter=default.failure_converter,
                failure_exception_types=(),
                **options,
            )
            for definition in map(Definition.must_from_class, _BUILT_IN)
        }
        self.seal: Callable[[Sequence[Decision]], list[Decision]] | None = None
        """See `DeciderFactory`."""
        self.foresee: Callable[[Iterable[Any]], None] | None = None
        """See `DeciderFactory`."""
        if self._coder is not None:
            self.seal = self._coder.encoded
            self.foresee = self._coder.foresee if self._coder.foresees else None
        guard.install()

    def _check(self, cls: type) -> Definition:
        definition = Definition.must_from_class(cls)
        if definition.name in self._environments:
            other = self._environments[definition.name].definition.cls
            raise DefinitionError(
                f"two workflows are named {definition.name or '<dynamic>'}: "
                f"{other.__module__}.{other.__qualname__} and {cls.__module__}.{cls.__qualname__}"
            )
        if definition.name is not None and definition.name.startswith(INTERNAL):
            raise DefinitionError(
                f"{cls.__module__}.{cls.__qualname__}: names that begin with {INTERNAL!r} are foldlog's own"
            )
        definition.check_signatures()
        if definition.guarded:
            scan.warn_of(definition)
        return definition

    def use_loop(self, loop: asyncio.AbstractEventLoop) -> None:
        """Call the payload codec, if there is one, on this event loop, which runs on another thread."""
        if self._coder is not None:
            self._coder.use_loop(loop)

    @property
    def workflow_types(self) -> Mapping[str, type]:
        """The classes by name, without a dynamic one."""
        return {name: environment.definition.cls for name, environment in self._environments.items() if name}

    def create(self, workflow_id: str, started: WorkflowExecutionStarted) -> WorkflowInstance:
        """See `DeciderFactory.create`."""
        environment = (
            self._environments.get(started.workflow_type)
            or self._built_in.get(started.workflow_type)
            or self._environments.get(None)
        )
        if environment is None:
            known = ", ".join(sorted(self.workflow_types)) or "none"
            raise WorkflowTaskError(
                f"workflow type {started.workflow_type!r} is not registered in this process; registered: {known}"
            )
        return self._instance_class(environment, workflow_id, started)
