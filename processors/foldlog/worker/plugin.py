"""Plugins of workers: what changes a worker's options, and what runs around it."""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar, cast

from foldlog.client import Client
from foldlog.exceptions import ConfigurationError
from foldlog.interceptor import Interceptor

if TYPE_CHECKING:
    from foldlog.worker.worker import Worker


class WorkerConfig(TypedDict, total=False):
    """Options of a worker that were given. There are more: see `Worker`."""

    client: Client
    task_queue: str
    workflows: Sequence[type]
    activities: Sequence[Callable[..., Any]]
    activity_executor: Executor | None
    interceptors: Sequence[Interceptor]
    workflow_failure_exception_types: Sequence[type[BaseException]]
    identity: str | None
    build_id: str | None
    max_cached_workflows: int
    max_concurrent_activities: int


class Plugin(ABC):
    """Changes how workers are made and run."""

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


Init = TypeVar("Init", bound=Callable[..., None])


def with_plugins(init: Init) -> Init:
    """Let plugins change the options of a worker before its `__init__` sees them."""

    @functools.wraps(init)
    def configured(self: Any, client: Client, **options: Any) -> None:
        config = cast(WorkerConfig, {"client": client, **options})
        for plugin in plugins_of(client, options.get("plugins", ())):
            config = plugin.configure_worker(config)
        init(self, **cast(Any, config))

    return cast(Init, configured)


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


def interceptors_of(client: Client, own: Sequence[Interceptor]) -> list[Interceptor]:
    """The client's interceptors that are workers' too, then the worker's own."""
    given = client.config(active_config=True)["interceptors"]
    return [*(each for each in given if isinstance(each, Interceptor)), *own]
