"""What the runs of one workflow type share: its definition, converters and rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from foldlog._metrics import MetricMeter
from foldlog._texts import text_of, writable
from foldlog.common import VersioningBehavior, WorkerDeploymentVersion
from foldlog.converter import (
    ActivitySerializationContext,
    FailureConverter,
    PayloadConverter,
    SerializationContext,
    WorkflowSerializationContext,
)
from foldlog.converter._context import in_context
from foldlog.converter._failure import failure_of
from foldlog.exceptions import FailureError, PayloadConversionError, is_cancelled_exception
from foldlog.interceptor import WorkflowInboundInterceptor
from foldlog.schemas.common import Failure, Payload
from foldlog.schemas.common import VersioningBehavior as VersioningSymbol
from foldlog.standalone.model import is_standalone
from foldlog.workflow._definition import Definition
from foldlog.workflow._signature import Signature

SUGGESTED_HISTORY_LENGTH = 4_096
SUGGESTED_HISTORY_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """One workflow type as a worker runs it."""

    definition: Definition
    namespace: str
    payload_converter: PayloadConverter
    failure_converter: FailureConverter
    failure_exception_types: tuple[type[BaseException], ...]
    """Exceptions that fail a workflow: those of the worker and those of the definition."""
    eager_activities: bool
    metric_meter: MetricMeter
    """Takes what workflows measure."""
    origin: object = None
    """Who has its code: the worker that this is of runs its local activities."""
    interceptors: tuple[type[WorkflowInboundInterceptor], ...] = ()
    """Classes that intercept each run, the first one first."""
    coder: Any = None
    """Calls the payload codec; None: there is none. A `foldlog.runtime.coder.Coder`."""
    watchdog: Any = None
    """Watches over code that does not yield; None: nobody does. A `foldlog.runtime.watchdog.Watchdog`."""
    patch_activation: Any = None
    """Says whether a new patch is taken; None: it is. A `foldlog.runtime.patches.PatchActivation`."""
    version: WorkerDeploymentVersion | None = None
    """Which version of the code it is; None: it has none."""
    versioning_behavior: VersioningBehavior = VersioningBehavior.UNSPECIFIED
    """When its runs move to another version."""
    configured_behavior: VersioningSymbol = "UNSPECIFIED"
    """The same, as the object of one run has said: see `configured`."""
    suggested_history_length: int = SUGGESTED_HISTORY_LENGTH
    """Events from which on a workflow is told that it should continue as new."""
    suggested_history_bytes: int = SUGGESTED_HISTORY_BYTES
    """Bytes of them, likewise."""
    wants_context: bool = False
    """Whether converters or the codec want to know what payloads belong to."""
    extern_functions: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    """What interceptors let workflow code call by name."""
    context_free: Any = None
    """An `Environment`: of this one without the context that its converters have; None: they have none."""

    def in_context(self, context: SerializationContext) -> Environment:
        """This one, with converters and coder in a context. Only where they want to be."""
        own: Environment = self.context_free or self
        return replace(
            own,
            payload_converter=in_context(own.payload_converter, context),
            failure_converter=in_context(own.failure_converter, context),
            coder=None if own.coder is None else own.coder.in_context(context),
            context_free=own,
        )

    def of_workflow(self, namespace: str, workflow_id: str) -> Environment:
        """For payloads of this workflow or another one."""
        if not self.wants_context:
            return self
        return self.in_context(WorkflowSerializationContext(namespace, workflow_id))

    def of_activity(
        self, activity_id: str, activity_type: str, task_queue: str, workflow_id: str, workflow_type: str, local: bool
    ) -> Environment:
        """For payloads of an activity."""
        if not self.wants_context:
            return self
        return self.in_context(
            ActivitySerializationContext(
                namespace=self.namespace,
                activity_id=activity_id,
                activity_type=activity_type,
                activity_task_queue=task_queue,
                workflow_id=None if is_standalone(workflow_id) else workflow_id,
                workflow_type=None if is_standalone(workflow_id) else workflow_type,
                is_local=local,
            )
        )

    def is_failure_exception(self, error: BaseException) -> bool:
        """Whether an exception fails the workflow rather than stalling it; a group, whether all in it do."""
        if isinstance(error, (FailureError, TimeoutError, *self.failure_exception_types)):
            return True
        if isinstance(error, PayloadConversionError) and self.failure_exception_types:
            # What pydantic, or a converter of the user's, raised.
            cause = error.__cause__
            while cause is not None and not isinstance(cause, self.failure_exception_types):
                cause = cause.__cause__
            return cause is not None
        return isinstance(error, BaseExceptionGroup) and all(map(self.is_failure_exception, error.exceptions))

    def values(self, payloads: Sequence[Payload], signature: Signature) -> list[Any]:
        """Arguments from payloads."""
        return self.payload_converter.from_payloads(payloads, signature.arg_types) if payloads else []

    def failure(self, error: BaseException) -> Failure:
        """An exception as data. A group says by its cause what the first one in it was."""
        failure = failure_of(self.failure_converter, error, self.payload_converter)
        if failure.cause is None and isinstance(error, BaseExceptionGroup):
            failure.cause = self.failure(error.exceptions[0])
        return failure

    def failure_to_tell(self, error: BaseException) -> Failure:
        """As `failure`, for an answer that is not in the history: who asked is told, whatever the converter does."""
        try:
            return self.failure(error)
        except Exception as problem:
            name = type(error).__name__
            text = f"{name}: {text_of(error)} (and the failure converter raised {writable(repr(problem))})"
            return Failure(message=text, type=name)

    def exception(self, failure: Failure) -> BaseException:
        """The exception that a failure stands for."""
        return self.failure_converter.from_failure(failure, self.payload_converter)


def misfit(error: PayloadConversionError, whose: str, id: str) -> PayloadConversionError:
    """The same error, where it is known whose result it is that does not fit its type."""
    return error.within(f"result of {whose} {id!r}{', ' if error.where else ''}")


def is_cancellation(error: BaseException) -> bool:
    """Whether an exception says that something was cancelled; a group, whether all in it do."""
    if isinstance(error, BaseExceptionGroup):
        return all(map(is_cancellation, error.exceptions))
    return is_cancelled_exception(error)
