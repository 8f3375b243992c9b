"""Plugins of workers and replayers: what changes their options, and what runs around them."""

from __future__ import annotations

import functools
import inspect
import warnings
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import Executor
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar, cast

from foldlog._option_types import check_arguments
from foldlog.client import Client, HeaderCodecBehavior, WorkflowHistory
from foldlog.client._plugin import changed_by
from foldlog.converter import DataConverter
from foldlog.exceptions import ConfigurationError
from foldlog.interceptor import Interceptor
from foldlog.runtime.patches import PatchActivation
from foldlog.sensor import Sensor
from foldlog.worker.options import EarlierVersions, OptionsWithoutMeaning, WorkerDeploymentConfig
from foldlog.worker.shared_state import SharedStateManager
from foldlog.worker.tuning import WorkerTuner
from foldlog.worker.workflow_sandbox import SandboxedWorkflowRunner

if TYPE_CHECKING:
    from foldlog.worker.replayer import Replayer, WorkflowReplayResult
    from foldlog.worker.worker import Worker


class WorkerConfig(OptionsWithoutMeaning, total=False):
    """Options of a worker, as `Worker` takes them; those without a meaning here only where they were given."""

    client: Client
    task_queue: str
    workflows: Sequence[type]
    activities: Sequence[Callable[..., Any]]
    activity_executor: Executor | None
    shared_state_manager: SharedStateManager | None
    max_concurrent_activities: int | None
    max_concurrent_local_activities: int | None
    tuner: WorkerTuner | None
    max_activities_per_second: float | None
    max_task_queue_activities_per_second: float | None
    max_cached_workflows: int
    continue_as_new_suggested_events: int
    continue_as_new_suggested_bytes: int
    max_history_events: int | None
    max_history_bytes: int | None
    graceful_shutdown_timeout: timedelta
    default_heartbeat_throttle_interval: timedelta
    max_heartbeat_throttle_interval: timedelta
    workflow_failure_exception_types: Sequence[type[BaseException]]
    deadlock_timeout: timedelta | None
    patch_activation_callback: PatchActivation | None
    debug_mode: bool
    disable_eager_activity_execution: bool
    no_remote_activities: bool
    on_fatal_error: Callable[[BaseException], Awaitable[None]] | None
    identity: str | None
    build_id: str | None
    use_worker_versioning: bool
    deployment_config: WorkerDeploymentConfig | None
    earlier_versions: EarlierVersions | None
    state_dir: str | Path
    instance_id: str
    sensor: Sensor | None
    interceptors: Sequence[Interceptor]
    plugins: Sequence[Plugin]


class ReplayerOptionsWithoutMeaning(TypedDict, total=False):
    """Options of Temporal's replayer that have nothing to act on here: accepted, so that code moves over."""

    workflow_task_executor: Any
    """Workflow code runs on the thread that replays."""
    workflow_runner: Any
    """The same as the workers': with an `UnsandboxedWorkflowRunner`, the guard does not watch workflow code."""
    unsandboxed_workflow_runner: Any
    build_id: str | None
    identity: str | None
    runtime: Any
    disable_safe_workflow_eviction: bool


class ReplayerConfig(ReplayerOptionsWithoutMeaning, total=False):
    """Options of a replayer, as `Replayer` takes them; those without a meaning here only where they were given."""

    workflows: Sequence[type]
    namespace: str
    data_converter: DataConverter
    interceptors: Sequence[Interceptor]
    workflow_failure_exception_types: Sequence[type[BaseException]]
    header_codec_behavior: HeaderCodecBehavior
    deadlock_timeout: timedelta | None
    debug_mode: bool


RunReplayer = Callable[
    ["Replayer", AsyncIterator[WorkflowHistory]], AbstractAsyncContextManager[AsyncIterator["WorkflowReplayResult"]]
]
"""Replays histories while its context is entered."""


class Plugin(ABC):
    """Changes how workers and replayers are made and run."""

    def name(self) -> str:
        """What it is called, for people."""
        return f"{type(self).__module__}.{type(self).__qualname__}"

    @abstractmethod
    def configure_worker(self, config: WorkerConfig) -> WorkerConfig:
        """Change the options of a worker that is being made; what is returned counts."""

    @abstractmethod
    async def run_worker(self, worker: Worker, next: Callable[[Worker], Awaitable[None]]) -> None:
        """Run a worker, with something before and after.

        Args:
            worker: The worker.
            next: Runs it to its end.
        """

    def configure_replayer(self, config: ReplayerConfig) -> ReplayerConfig:
        """Change the options of a replayer that is being made; what is returned counts.

        Whatever makes workflow code of a worker decide as it does belongs here too: its interceptors, its converter.
        """
        return config

    def run_replayer(
        self, replayer: Replayer, histories: AsyncIterator[WorkflowHistory], next: RunReplayer
    ) -> AbstractAsyncContextManager[AsyncIterator[WorkflowReplayResult]]:
        """Run a replayer, with something before and after. May be an `@asynccontextmanager`.

        Args:
            replayer: The replayer.
            histories: What it replays.
            next: Replays them.
        """
        return next(replayer, histories)


Init = TypeVar("Init", bound=Callable[..., None])


def with_plugins(init: Init) -> Init:
    """Let plugins change the options of a worker before its `__init__` sees them. It keeps both, for `config`.

    Types are checked before and after: an option of another type is a ConfigurationError.
    """
    parameters = inspect.signature(init).parameters.values()
    defaults = {known.name: known.default for known in parameters if known.default is not known.empty}

    @functools.wraps(init)
    def configured(self: Any, client: Client, **options: Any) -> None:
        config = cast(WorkerConfig, {"client": client, **defaults, **options})
        check_arguments(init, config)
        self._given_config = config.copy()
        plugins = plugins_of(client, options.get("plugins", ()))
        _warn_of_twins(plugins)
        if plugins:
            with_runner(config)
        for plugin in plugins:
            config = changed_by(plugin.name(), plugin.configure_worker, config)
        if plugins:
            check_arguments(init, config)
        self._active_config = config.copy()
        init(self, **cast(Any, config))

    return cast(Init, configured)


def with_runner(config: WorkerConfig | ReplayerConfig) -> None:
    """Plugins for Temporal's workers change the runner that is there by default; some refuse to work without one."""
    if config.get("workflow_runner") is None:
        config["workflow_runner"] = SandboxedWorkflowRunner()


def plugins_of(client: Client, own: Sequence[Plugin]) -> list[Plugin]:
    """The client's plugins that are workers' too, then the worker's own.

    Raises:
        ConfigurationError: One is given twice: it would change everything twice.
    """
    given = client.config(active_config=True)["plugins"]
    plugins: list[Plugin] = [plugin for plugin in given if isinstance(plugin, Plugin)]
    for plugin in own:
        if plugin in plugins:
            raise ConfigurationError(
                f"plugin {plugin.name()} is given twice: a worker takes those of its client", option="plugins"
            )
        plugins.append(plugin)
    return plugins


def _warn_of_twins(plugins: Sequence[Plugin]) -> None:
    kinds = [(type(plugin), plugin.name()) for plugin in plugins]
    for kind, name in {each for each in kinds if kinds.count(each) > 1}:
        warnings.warn(
            f"The same plugin type is given twice, {kind.__qualname__} named {name}: a worker takes those of its "
            "client, and each of them does what it does",
            stacklevel=3,
        )


def interceptors_of(client: Client, own: Sequence[Interceptor]) -> list[Interceptor]:
    """The client's interceptors that are workers' too, then the worker's own."""
    given = client.config(active_config=True)["interceptors"]
    return [*(each for each in given if isinstance(each, Interceptor)), *own]
