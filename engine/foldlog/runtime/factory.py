"""The workflow types of a process, and the deciders made for their runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from foldlog._metrics import MetricMeter
from foldlog.common import VersioningBehavior, WorkerDeploymentVersion
from foldlog.converter import DataConverter
from foldlog.core.decider import WorkflowTaskError
from foldlog.exceptions import DefinitionError
from foldlog.runtime import guard, scan
from foldlog.runtime.environment import SUGGESTED_HISTORY_BYTES, SUGGESTED_HISTORY_LENGTH, Environment
from foldlog.runtime.instance import WorkflowInstance
from foldlog.runtime.watchdog import Watchdog
from foldlog.runtime.watched import WatchedInstance
from foldlog.schemas import common as records
from foldlog.schemas.event import WorkflowExecutionStarted
from foldlog.workflow._definition import Definition


class WorkflowRuntime:
    """Runs workflows that are Python classes. Implements `foldlog.core.versioning.VersionedFactory`; thread-safe."""

    def __init__(
        self,
        workflows: Sequence[type],
        *,
        namespace: str,
        data_converter: DataConverter | None = None,
        failure_exception_types: Sequence[type[BaseException]] = (),
        disable_eager_activity_execution: bool = False,
        continue_as_new_suggested_events: int = SUGGESTED_HISTORY_LENGTH,
        continue_as_new_suggested_bytes: int = SUGGESTED_HISTORY_BYTES,
        metric_meter: MetricMeter = MetricMeter.noop,
        deadlock_timeout_seconds: float | None = None,
        version: WorkerDeploymentVersion | None = None,
        use_versioning: bool = False,
        default_versioning_behavior: VersioningBehavior = VersioningBehavior.UNSPECIFIED,
        earlier_versions: Mapping[WorkerDeploymentVersion, Sequence[type]] | None = None,
    ) -> None:
        """Register workflows, warn of what their code must not use, and install the guard in this process.

        Args:
            workflows: Classes with `@workflow.defn`.
            namespace: The namespace that their runs are in.
            data_converter: Converts arguments, results and failures; the default one if not given.
            failure_exception_types: Exceptions that fail any of them instead of stalling it.
            disable_eager_activity_execution: Whether all activity tasks go over their topic.
            continue_as_new_suggested_events: Length of a history from which on `is_continue_as_new_suggested` is true.
            continue_as_new_suggested_bytes: Size of one, in bytes, likewise.
            metric_meter: Takes what workflows measure.
            deadlock_timeout_seconds: How long code may run before it yields; None: as long as it likes.
            version: Which version of the code these are.
            use_versioning: Whether runs are bound to versions, as their workflows say.
            default_versioning_behavior: How those are bound that do not say.
            earlier_versions: Classes of other versions, for runs that are bound to them.

        Raises:
            DefinitionError: A class has no `@workflow.defn`, two of a version have the same name, type hints of a run
                method or handler cannot be resolved, or a workflow does not say how it is versioned.
        """
        converter = data_converter or DataConverter.default
        self._watchdog = None if deadlock_timeout_seconds is None else Watchdog(deadlock_timeout_seconds)
        self._failure_exception_types = failure_exception_types
        self._must_be_versioned = use_versioning
        self._default_behavior = default_versioning_behavior
        self._environment = partial(
            Environment,
            namespace=namespace,
            payload_converter=converter.payload_converter,
            failure_converter=converter.failure_converter,
            eager_activities=not disable_eager_activity_execution,
            suggested_history_length=continue_as_new_suggested_events,
            suggested_history_bytes=continue_as_new_suggested_bytes,
            metric_meter=metric_meter,
        )
        self._environments = self._registered(workflows, version)
        self._versions: dict[str, dict[str | None, Environment]] = {}
        if use_versioning and version is not None:
            self._versions[version.to_canonical_string()] = self._environments
        for earlier, classes in (earlier_versions or {}).items():
            self._versions[earlier.to_canonical_string()] = self._registered(classes, earlier)
        guard.install()

    def _registered(
        self, workflows: Iterable[type], version: WorkerDeploymentVersion | None
    ) -> dict[str | None, Environment]:
        environments: dict[str | None, Environment] = {}
        for cls in workflows:
            definition = Definition.must_from_class(cls)
            if definition.name in environments:
                other = environments[definition.name].definition.cls
                raise DefinitionError(
                    f"two workflows are named {definition.name or '<dynamic>'}: "
                    f"{other.__module__}.{other.__qualname__} and {cls.__module__}.{cls.__qualname__}"
                )
            definition.check_signatures()
            if definition.guarded:
                scan.warn_of(definition)
            environments[definition.name] = self._environment(
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
                f"workflow {definition.name or '<dynamic>'} must say how it is versioned: give @workflow.defn a "
                "versioning_behavior, or the worker's deployment_config a default_versioning_behavior"
            )
        return behavior

    @property
    def workflow_types(self) -> Mapping[str, type]:
        """The classes by name, without a dynamic one."""
        return {name: environment.definition.cls for name, environment in self._environments.items() if name}

    def create(self, workflow_id: str, started: WorkflowExecutionStarted) -> WorkflowInstance:
        """See `DeciderFactory.create`."""
        return self._instance(self._environments, workflow_id, started, "in this process")

    # ---- versions

    @property
    def hosted(self) -> Sequence[str]:
        """See `VersionedFactory.hosted`."""
        return tuple(self._versions)

    def behavior(self, workflow_type: str, version: str) -> records.VersioningBehavior:
        """See `VersionedFactory.behavior`."""
        environment = _find(self._versions[version], workflow_type) if version in self._versions else None
        return "UNSPECIFIED" if environment is None else environment.versioning_behavior.to_record()

    def create_version(self, workflow_id: str, started: WorkflowExecutionStarted, version: str) -> WorkflowInstance:
        """See `VersionedFactory.create_version`."""
        return self._instance(self._versions[version], workflow_id, started, f"in version {version!r}")

    def _instance(
        self,
        environments: Mapping[str | None, Environment],
        workflow_id: str,
        started: WorkflowExecutionStarted,
        where: str,
    ) -> WorkflowInstance:
        environment = _find(environments, started.workflow_type)
        if environment is None:
            known = ", ".join(sorted(filter(None, environments))) or "none"
            raise WorkflowTaskError(
                f"workflow type {started.workflow_type!r} is not registered {where}; registered: {known}"
            )
        if self._watchdog is not None:
            return WatchedInstance(environment, workflow_id, started, self._watchdog)
        return WorkflowInstance(environment, workflow_id, started)


def _find(environments: Mapping[str | None, Environment], workflow_type: str) -> Environment | None:
    return environments.get(workflow_type) or environments.get(None)
