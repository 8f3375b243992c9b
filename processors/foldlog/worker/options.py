"""Checks of the worker's options, and the options that have no meaning here."""

from __future__ import annotations

import logging
import math
import pickle
import warnings
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple, TypedDict

from foldlog._ignored import note_ignored
from foldlog.common import VersioningBehavior, WorkerDeploymentVersion
from foldlog.core.limits import HistoryLimits
from foldlog.core.versioning import MAXIMUM_NAME
from foldlog.exceptions import ConfigurationError
from foldlog.runtime import is_debugging
from foldlog.worker.permits import SlotSource
from foldlog.worker.registry import Registry
from foldlog.worker.slots import CustomSlotSupplier
from foldlog.worker.tuning import Places

_log = logging.getLogger(__name__)

DEADLOCK_TIMEOUT = timedelta(seconds=2)
"""How long workflow code may run before it yields, if nothing else is said."""


class OptionsWithoutMeaning(TypedDict, total=False):
    """Options of Temporal's worker that have nothing to act on here: accepted, so that code moves over, and ignored."""

    workflow_runner: Any
    """Workflow code runs in no sandbox; the guard watches it, unless this is an `UnsandboxedWorkflowRunner`."""
    unsandboxed_workflow_runner: Any
    workflow_task_executor: Any
    """Workflow code runs on the processor's thread."""
    max_concurrent_workflow_tasks: int | None
    """At least 1. A processor steps the workflows of its partitions one after another, so no number is exceeded; one
    above 1 makes nothing run side by side, and is warned of. More processes do."""
    max_concurrent_workflow_task_polls: int | None
    max_concurrent_activity_task_polls: int | None
    """There are no polls: tasks are read from topics."""
    nonsticky_to_sticky_poll_ratio: float
    sticky_queue_schedule_to_start_timeout: timedelta
    """Workflows live where their partition is."""
    max_eager_activity_reservations_per_workflow_task: int
    """At least 1."""
    workflow_task_poller_behavior: Any
    activity_task_poller_behavior: Any
    disable_safe_workflow_eviction: bool
    nexus_service_handlers: Sequence[Any]
    nexus_task_executor: Any
    max_concurrent_nexus_tasks: int | None
    nexus_task_poller_behavior: Any
    """There is no Nexus: handlers are refused."""
    plugin_shutdown_timeout: timedelta | None
    disable_payload_error_limit: bool
    max_workflow_task_external_storage_concurrency: int


def check_ignored(options: OptionsWithoutMeaning) -> None:
    """Log the options that are ignored; a warning, where that may be missed.

    Raises:
        TypeError: Temporal's worker has no such option either.
        ConfigurationError: It cannot be ignored.
    """
    if options.get("nexus_service_handlers"):
        raise ConfigurationError("there is no Nexus here", option="nexus_service_handlers")
    reservations = options.get("max_eager_activity_reservations_per_workflow_task")
    if reservations is not None and reservations < 1:
        # Whoever says 0 wants none, and would get them all the same.
        raise ConfigurationError(
            "max_eager_activity_reservations_per_workflow_task must be positive; use"
            " disable_eager_activity_execution=True to disable eager activity execution",
            option="max_eager_activity_reservations_per_workflow_task",
        )
    tasks = options.get("max_concurrent_workflow_tasks")
    if isinstance(tasks, int) and tasks > 1:
        _log.warning(
            "max_concurrent_workflow_tasks is %d, but a processor steps its workflows one after another: for more side"
            " by side, start more processes",
            tasks,
        )
    others = [name for name in options if name != "max_concurrent_workflow_tasks"]
    note_ignored("Worker", others, OptionsWithoutMeaning, _log)


@dataclass(frozen=True, kw_only=True)
class WorkerDeploymentConfig:
    """Which version of the code a worker has."""

    version: WorkerDeploymentVersion
    """The version of its workflows, and of all its code."""
    use_worker_versioning: bool
    """Whether runs of its workflows are bound to versions; if not, the version is only shown."""
    default_versioning_behavior: VersioningBehavior = VersioningBehavior.UNSPECIFIED
    """How those workflows are bound whose definitions do not say. Where it is not given, all of them must say."""


def slot_options(
    slots: Places, task_queue: str, identity: str, build_id: str, config: WorkerDeploymentConfig | None
) -> dict[str, Any]:
    """What an activity worker is told of its slots: how many there are at most, and who else says how many."""
    version = config.version if config is not None else None

    def source(supplier: CustomSlotSupplier | None) -> SlotSource | None:
        return None if supplier is None else SlotSource(supplier, task_queue, identity, build_id, version)

    return {
        "max_concurrent_activities": slots.activities,
        "max_concurrent_local_activities": slots.local_activities,
        "slot_source": source(slots.activity_supplier),
        "local_slot_source": source(slots.local_activity_supplier),
    }


EarlierVersions = Mapping[WorkerDeploymentVersion | str, Sequence[type | Callable[..., Any]]]
"""Workflows and activities of other versions of the code; a text is a build ID of the worker's own deployment."""


class Versioning(NamedTuple):
    """What a worker's options about versions come to."""

    build_id: str
    for_runtime: dict[str, Any]
    """Options of the workflow runtime."""
    for_registry: dict[str, Any]
    """Options of the registry of activities."""


def versioning_of(
    config: WorkerDeploymentConfig | None,
    build_id: str | None,
    earlier: EarlierVersions | None,
    use_worker_versioning: bool,
) -> Versioning:
    """The options about versions, checked.

    Raises:
        ConfigurationError: They do not fit together.
    """
    if use_worker_versioning:
        raise ConfigurationError("give a deployment_config instead", option="use_worker_versioning")
    versions = _earlier_versions(config, build_id, earlier)
    if config is None:
        # Runs are not bound to it, but their code may ask for it.
        return Versioning(build_id or "", {"version": WorkerDeploymentVersion("", build_id)} if build_id else {}, {})
    return Versioning(
        config.version.build_id,
        {
            "version": config.version,
            "use_versioning": config.use_worker_versioning,
            "default_versioning_behavior": config.default_versioning_behavior,
            "earlier_versions": {
                version: [each for each in code if isinstance(each, type)] for version, code in versions.items()
            },
        },
        {
            "version": config.version.to_canonical_string() if config.use_worker_versioning else "",
            "earlier": {
                version.to_canonical_string(): [each for each in code if not isinstance(each, type)]
                for version, code in versions.items()
            },
        },
    )


def _earlier_versions(
    config: WorkerDeploymentConfig | None, build_id: str | None, earlier: EarlierVersions | None
) -> dict[WorkerDeploymentVersion, Sequence[type | Callable[..., Any]]]:
    """The code of other versions, each version in full."""
    versioned = config is not None and config.use_worker_versioning
    if config is not None:
        if build_id is not None:
            raise ConfigurationError("deployment_config cannot be used with build_id", option="deployment_config")
        if not versioned and config.default_versioning_behavior is not VersioningBehavior.UNSPECIFIED:
            raise ConfigurationError(
                "default_versioning_behavior must be UNSPECIFIED when use_worker_versioning is False",
                option="deployment_config",
            )
        _check_version(config.version)
    if not earlier:
        return {}
    if config is None or not versioned:
        raise ConfigurationError(
            "earlier_versions needs a deployment_config with use_worker_versioning", option="earlier_versions"
        )
    found: dict[WorkerDeploymentVersion, Sequence[type | Callable[..., Any]]] = {}
    for name, code in earlier.items():
        version = WorkerDeploymentVersion(config.version.deployment_name, name) if isinstance(name, str) else name
        _check_version(version)
        if version == config.version or version in found:
            raise ConfigurationError(
                f"earlier_versions has {version.to_canonical_string()} twice", option="earlier_versions"
            )
        found[version] = code
    return found


def _check_version(version: WorkerDeploymentVersion) -> None:
    name, build_id = version.deployment_name, version.build_id
    if not name or "." in name or not build_id or max(len(name), len(build_id)) > MAXIMUM_NAME:
        raise ConfigurationError(
            f"a version has a deployment name without a dot and a build ID, of 1 to {MAXIMUM_NAME} characters each: "
            f"{version}",
            option="deployment_config",
        )


def check_executor(registry: Registry, executor: Executor | None, attempts: int) -> None:
    """Whether an executor can run the activities that are not async, so many attempts at a time; a warning if not.

    Raises:
        ConfigurationError: A function cannot be sent to its processes.
    """
    workers = getattr(executor, "_max_workers", None)
    if registry.sync and isinstance(workers, int) and workers < attempts:
        warnings.warn(
            f"Worker max_concurrent_activities is {attempts} but activity_executor's max_workers is only {workers}:"
            " tasks will wait there, while their timeouts go on",
            stacklevel=5,
        )
    if not isinstance(executor, ProcessPoolExecutor):
        return
    context = executor._mp_context
    if context is not None and context.get_start_method() == "fork":
        _log.warning(
            "activity_executor forks its processes: with Kafka's threads in this one, they may hang; make it with"
            " mp_context=multiprocessing.get_context('spawn')"
        )
    for activity in registry.sync:
        try:
            pickle.dumps(activity.function)
        except Exception as error:
            raise ConfigurationError(
                f"activity {activity.name} cannot be sent to a process pool: {error}", option="activity_executor"
            ) from error


def positive(name: str, value: int) -> int:
    """A number, if it is at least 1.

    Raises:
        ConfigurationError: It is not.
    """
    if value < 1:
        raise ConfigurationError(f"{name} must be at least 1, not {value}", option=name)
    return value


class HistoryBounds(NamedTuple):
    """When workflows are told to continue as new, and when they are terminated because they have not."""

    for_runtime: dict[str, Any]
    limits: HistoryLimits


def history_bounds(
    suggested_events: int, suggested_bytes: int, max_events: int | None, max_bytes: int | None
) -> HistoryBounds:
    """The options of a worker about histories.

    Raises:
        ConfigurationError: One is not positive, or a maximum leaves no room to continue as new.
    """
    suggested = {
        "continue_as_new_suggested_events": suggested_events,
        "continue_as_new_suggested_bytes": suggested_bytes,
    }
    for (name, at), maximum in zip(suggested.items(), (max_events, max_bytes), strict=True):
        positive(name, at)
        if maximum is not None and maximum <= at:
            option = name.replace("continue_as_new_suggested", "max_history")
            raise ConfigurationError(
                f"{option} must be more than {at}, from where on workflows are told to continue as new, {name}, "
                f"not {maximum}",
                option=option,
            )
    return HistoryBounds(suggested, HistoryLimits(events=max_events, bytes=max_bytes))


def not_negative(name: str, value: int) -> int:
    """A number, if it is not negative.

    Raises:
        ConfigurationError: It is.
    """
    if value < 0:
        raise ConfigurationError(f"{name} must not be negative: {value}", option=name)
    return value


def rate(name: str, value: float | None) -> float | None:
    """A number a second, if it is more than 0, and finite, or None.

    Raises:
        ConfigurationError: It is not.
    """
    if value is not None and not 0 < value < math.inf:
        raise ConfigurationError(f"{name} must be more than 0, not {value} (None: no limit)", option=name)
    return value


def seconds(name: str, value: timedelta) -> float:
    """A duration in seconds, if it is not negative.

    Raises:
        ConfigurationError: It is.
    """
    if value < timedelta():
        raise ConfigurationError(f"{name} must not be negative: {value}", option=name)
    return value.total_seconds()


def deadlock_seconds(timeout: timedelta | None, debug_mode: bool) -> float | None:
    """How long workflow code may run before it yields, in seconds; None: as long as it likes.

    Raises:
        ConfigurationError: It is no time at all.
    """
    if timeout is None or debug_mode or is_debugging():
        return None
    if timeout <= timedelta():
        raise ConfigurationError(f"deadlock_timeout must be more than 0, not {timeout}", option="deadlock_timeout")
    return timeout.total_seconds()
