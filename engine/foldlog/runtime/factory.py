"""The workflow types of a process, and the deciders made for their runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from foldlog._metrics import MetricMeter
from foldlog._texts import text_of
from foldlog.common import VersioningBehavior, WorkerDeploymentVersion
from foldlog.converter import DataConverter
from foldlog.core.decider import WorkflowTaskError
from foldlog.core.decisions import Decision
from foldlog.exceptions import ConfigurationError, DefinitionError
from foldlog.interceptor import Interceptor, WorkflowInboundInterceptor, WorkflowInterceptorClassInput
from foldlog.runtime import guard, scan
from foldlog.runtime.coded import CodedInstance
from foldlog.runtime.coder import Coder
from foldlog.runtime.environment import SUGGESTED_HISTORY_BYTES, SUGGESTED_HISTORY_LENGTH, Environment
from foldlog.runtime.instance import WorkflowInstance
from foldlog.runtime.kinds import instance_class
from foldlog.runtime.patches import PatchActivation
from foldlog.runtime.watchdog import Watchdog
from foldlog.schedules.action import ActionWorkflow
from foldlog.schedules.model import INTERNAL
from foldlog.schedules.workflow import ScheduleWorkflow
from foldlog.schemas import common as records
from foldlog.schemas.event import WorkflowExecutionStarted
from foldlog.standalone.workflow import ActivityWorkflow
from foldlog.workflow._definition import Definition

_BUILT_IN = (ScheduleWorkflow, ActionWorkflow, ActivityWorkflow)
"""Workflows that every process with workflows runs besides its own."""


class WorkflowRuntime:
    """Runs workflows that are Python classes. Implements `foldlog.core.versioning.VersionedFactory`; thread-safe."""

    versions_here: Callable[[], Mapping[str, Sequence[WorkflowRuntime]]] | None = None
    """Who in this process has the code of which version; None: nobody else."""

    def __init__(
        self,
        workflows: Sequence[type],
        *,
        namespace: str,
        data_converter: DataConverter | None = None,
        failure_exception_types: Sequence[type[BaseException]] = (),
        guarded: bool = True,
        disable_eager_activity_execution: bool = False,
        interceptors: Sequence[Interceptor] = (),
        headers_coded: bool = False,
        continue_as_new_suggested_events: int = SUGGESTED_HISTORY_LENGTH,
        continue_as_new_suggested_bytes: int = SUGGESTED_HISTORY_BYTES,
        metric_meter: MetricMeter = MetricMeter.noop,
        deadlock_timeout_seconds: float | None = None,
        patch_activation: PatchActivation | None = None,
        version: WorkerDeploymentVersion | None = None,
        use_versioning: bool = False,
        default_versioning_behavior: VersioningBehavior = VersioningBehavior.UNSPECIFIED,
        earlier_versions: Mapping[WorkerDeploymentVersion, Sequence[type]] | None = None,
        task_queue: str = "",
    ) -> None:
        """Register workflows, warn of what their code must not use, and install the guard in this process.

        Args:
            workflows: Classes with `@workflow.defn`.
            namespace: The namespace that their runs are in.
            data_converter: Converts arguments, results and failures; the default one if not given.
            failure_exception_types: Exceptions that fail any of them instead of stalling it.
            guarded: Whether the guard watches their code, unless their definitions say that it does not.
            disable_eager_activity_execution: Whether all activity tasks go over their topic.
            interceptors: Asked for classes that intercept runs, the first one first.
            headers_coded: Whether headers go through the payload codec.
            continue_as_new_suggested_events: Length of a history from which on `is_continue_as_new_suggested` is true.
            continue_as_new_suggested_bytes: Size of one, in bytes, likewise.
            metric_meter: Takes what workflows measure.
            deadlock_timeout_seconds: How long code may run before it yields; None: as long as it likes.
            patch_activation: Says whether runs that come to a patch for the first time take it; None: they do.
            version: Which version of the code these are.
            use_versioning: Whether runs are bound to versions, as their workflows say.
            default_versioning_behavior: How those are bound that do not say.
            earlier_versions: Classes of other versions, for runs that are bound to them.
            task_queue: Of which runs these are the workflows first of all; empty: of no special ones.

        Raises:
            DefinitionError: A class has no `@workflow.defn`, two of a version have the same name, type hints of a run
                method or handler cannot be resolved, or a workflow does not say how it is versioned.
        """
        converter = data_converter or DataConverter.default
        codec = converter.payload_codec
        self._coder = None if codec is None else Coder(codec, headers=headers_coded)
        inbound, extern_functions = _of_interceptors(interceptors)
        watchdog = None if deadlock_timeout_seconds is None else Watchdog(deadlock_timeout_seconds)
        self._instance_class = instance_class(
            coded=codec is not None, intercepted=bool(inbound), watched=watchdog is not None
        )
        self._guarded = guarded
        self._failure_exception_types = failure_exception_types
        self._must_be_versioned = use_versioning
        self._task_queue = task_queue
        self.colleagues: Callable[[str, str], WorkflowRuntime | None] | None = None
        """Who else in this process has workflows of a task queue and a type."""
        self._default_behavior = default_versioning_behavior
        shared = partial(
            Environment,
            namespace=namespace,
            eager_activities=not disable_eager_activity_execution,
            suggested_history_length=continue_as_new_suggested_events,
            suggested_history_bytes=continue_as_new_suggested_bytes,
            metric_meter=metric_meter,
            coder=self._coder,
            watchdog=watchdog,
            patch_activation=patch_activation,
            wants_context=converter.wants_context,
            extern_functions=extern_functions,
        )
        self._environment = partial(
            shared,
            payload_converter=converter.payload_converter,
            failure_converter=converter.failure_converter,
            interceptors=inbound,
        )
        self._environments = self._registered(workflows, version)
        self._versions: dict[str, dict[str | None, Environment]] = {}
        if use_versioning and version is not None:
            self._versions[version.to_canonical_string()] = self._environments
        for earlier, earlier_classes in (earlier_versions or {}).items():
            self._versions[earlier.to_canonical_string()] = self._registered(earlier_classes, earlier)
        self._built_in = _environments_of_own(shared)
        self._use_coder()
        guard.install()

    def _use_coder(self) -> None:
        self.seal: Callable[[Sequence[Decision], Any], list[Decision]] | None = None
        """See `DeciderFactory`."""
        self.foresee: Callable[[Iterable[Any]], None] | None = None
        """See `DeciderFactory`."""
        if self._coder is not None:
            self.seal = CodedInstance.sealed
            # What a payload belongs to is known to its run only.
            ahead = self._coder.foresees and not self._coder.wants_context
            self.foresee = self._coder.foresee if ahead else None

    def _registered(
        self, workflows: Iterable[type], version: WorkerDeploymentVersion | None
    ) -> dict[str | None, Environment]:
        environments: dict[str | None, Environment] = {}
        for cls in workflows:
            definition = _checked(cls, self._guarded)
            if definition.name in environments:
                other = environments[definition.name].definition.cls
                raise DefinitionError(
                    f"two workflows are named {definition.name or '<dynamic>'}: "
                    f"{other.__module__}.{other.__qualname__} and {cls.__module__}.{cls.__qualname__}"
                )
            environments[definition.name] = self._environment(
                origin=self,
                definition=definition,
                failure_exception_types=(*self._failure_exception_types, *definition.failure_exception_types),
                version=version,
                versioning_behavior=self._behavior_of(definition),
            )
        return environments

    def _behavior_of(self, definition: Definition) -> VersioningBehavior:
        behavior = definition.versioning_behavior or self._default_behavior
        if self._must_be_versioned and behavior is VersioningBehavior.UNSPECIFIED:
            raise DefinitionError(
                f"workflow {definition.name or '<dynamic>'} must specify a versioning behavior: give @workflow.defn a "
                "versioning_behavior, or the worker's deployment_config a default_versioning_behavior"
            )
        return behavior

    def use_loop(self, loop: asyncio.AbstractEventLoop, clock: Callable[[], float] | None = None) -> None:
        """Call the payload codec, if there is one, on this event loop: see `Coder.use_loop`."""
        if self._coder is not None:
            self._coder.use_loop(loop, clock)

    @property
    def workflow_types(self) -> Mapping[str, type]:
        """The classes by name, without a dynamic one."""
        return {name: environment.definition.cls for name, environment in self._environments.items() if name}

    def create(self, workflow_id: str, started: WorkflowExecutionStarted) -> WorkflowInstance:
        """See `DeciderFactory.create`. Runs of another task queue are first of all those of whoever is of that."""
        having: WorkflowRuntime | None = None
        if self.colleagues is not None and started.task_queue != self._task_queue:
            having = self.colleagues(started.task_queue, started.workflow_type)
        having = having or self
        return self._instance(having, having._environments, workflow_id, started, "in this process")

    def shares_with(self, other: WorkflowRuntime) -> bool:
        """Whether this one can run the workflows of another one: payloads of both go through one codec, or none."""
        if self._coder is None or other._coder is None:
            return self._coder is other._coder
        return self._coder.is_like(other._coder)

    def has(self, workflow_type: str) -> bool:
        """Whether there is a workflow for this type."""
        return _find(self._environments, workflow_type) is not None

    # ---- versions

    @property
    def hosted(self) -> Sequence[str]:
        """See `VersionedFactory.hosted`. Those of other workers of this process are among them."""
        own = tuple(self._versions)
        if not own or self.versions_here is None:
            return own
        deployment = own[0].partition(".")[0] + "."
        others = (version for version, having in self.versions_here().items() if any(map(self.shares_with, having)))
        return (*own, *(version for version in others if version not in own and version.startswith(deployment)))

    def code_here(self) -> object:
        """Another object whenever workers have come to this process or left it: stalled runs may go on then."""
        return None if self.versions_here is None else self.versions_here()

    @property
    def own_versions(self) -> Sequence[str]:
        """Those that this worker itself has."""
        return tuple(self._versions)

    def behavior(self, workflow_type: str, version: str) -> records.VersioningBehavior:
        """See `VersionedFactory.behavior`."""
        if workflow_type in self._built_in:
            return "UNSPECIFIED"
        environment = _find(self._having(version, workflow_type)._in(version), workflow_type)
        return "UNSPECIFIED" if environment is None else environment.versioning_behavior.to_record()

    def create_version(self, workflow_id: str, started: WorkflowExecutionStarted, version: str) -> WorkflowInstance:
        """See `VersionedFactory.create_version`."""
        having = self._having(version, started.workflow_type, started.task_queue)
        return self._instance(having, having._in(version), workflow_id, started, f"in version {version!r}")

    def _in(self, version: str) -> Mapping[str | None, Environment]:
        return self._versions.get(version, {})

    def _having(self, version: str, workflow_type: str, task_queue: str | None = None) -> WorkflowRuntime:
        """Who in this process has a type in a version: whoever is of the task queue, or else this one first."""
        if self.versions_here is None:
            return self
        here = self.versions_here().get(version, ())
        others = (other for other in here if other is not self and self.shares_with(other))
        found = [each for each in (self, *others) if _find(each._in(version), workflow_type) is not None]
        of_queue = [each for each in found if each._task_queue == task_queue]
        return (of_queue or found or [self])[0]

    def _instance(
        self,
        having: WorkflowRuntime,
        environments: Mapping[str | None, Environment],
        workflow_id: str,
        started: WorkflowExecutionStarted,
        where: str,
    ) -> WorkflowInstance:
        environment = self._built_in.get(started.workflow_type)
        if environment is not None:
            having = self
        else:
            environment = _find(environments, started.workflow_type)
        if environment is None:
            known = ", ".join(sorted(filter(None, environments))) or "none"
            raise WorkflowTaskError(
                f"workflow type {started.workflow_type} is not registered {where}; registered: {known}"
            )
        if having is not self and self._coder is not None:
            # A coder is called by one thread: that on which the run is, which is this one's.
            environment = replace(environment, coder=self._coder)
        try:
            environment = environment.of_workflow(environment.namespace, workflow_id)
        except Exception as error:  # `with_context` is the user's
            what = f"the data converter cannot be put into the context of the workflow: {type(error).__name__}"
            raise WorkflowTaskError(f"{what}: {text_of(error)}") from error
        return having._instance_class(environment, workflow_id, started)


def _environments_of_own(made: Callable[..., Environment]) -> dict[str | None, Environment]:
    """Those of foldlog's own workflows: whatever a worker's converters are, these have the default ones."""
    default = DataConverter.default
    return {
        definition.name: made(
            definition=definition,
            payload_converter=default.payload_converter,
            failure_converter=default.failure_converter,
            failure_exception_types=(),
        )
        for definition in map(Definition.must_from_class, _BUILT_IN)
    }


def _checked(cls: type, guarded: bool) -> Definition:
    definition = Definition.must_from_class(cls)
    if not guarded:
        definition = replace(definition, guarded=False)
    if definition.name is not None and definition.name.startswith(INTERNAL):
        raise DefinitionError(
            f"{cls.__module__}.{cls.__qualname__}: names that begin with {INTERNAL!r} are foldlog's own"
        )
    definition.check_signatures()
    if definition.guarded:
        scan.warn_of(definition)
    return definition


def _find(environments: Mapping[str | None, Environment], workflow_type: str) -> Environment | None:
    return environments.get(workflow_type) or environments.get(None)


def _of_interceptors(
    interceptors: Iterable[Interceptor],
) -> tuple[tuple[type[WorkflowInboundInterceptor], ...], dict[str, Callable[..., Any]]]:
    """Classes that intercept runs, and functions that their code may call by name.

    Raises:
        ConfigurationError: An interceptor gives something else.
    """
    wanted = WorkflowInterceptorClassInput()
    classes = []
    for interceptor in interceptors:
        cls = interceptor.workflow_interceptor_class(wanted)
        if cls is not None and not (isinstance(cls, type) and issubclass(cls, WorkflowInboundInterceptor)):
            raise ConfigurationError(
                f"workflow_interceptor_class of {interceptor!r} must return a class derived from "
                f"WorkflowInboundInterceptor, or None, not {cls!r}",
                option="interceptors",
            )
        classes.append(cls)
    functions = {name: guard.unguarded(fn) for name, fn in wanted.unsafe_extern_functions.items()}
    return tuple(cls for cls in classes if cls is not None), functions
