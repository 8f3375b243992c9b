"""A plugin made of parts: converters, interceptors, workflows and activities that belong together.

Names and meanings follow Temporal's `temporalio.plugin`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Any, TypeAlias, TypeVar, cast

from foldlog import client as clients
from foldlog import worker as workers
from foldlog.client import ClientConfig, ConnectConfig, WorkflowHistory
from foldlog.converter import DataConverter
from foldlog.transport import Transport
from foldlog.worker import Replayer, ReplayerConfig, Worker, WorkerConfig, WorkflowReplayResult
from foldlog.worker.plugin import RunReplayer

__all__ = ["PluginParameter", "SimplePlugin"]

T = TypeVar("T")
PluginParameter: TypeAlias = T | Callable[[T | None], T | None] | None
"""None: leave as it is. A function: makes the value of the one that is there. Anything else: the value; lists are added
to those that are there."""


class SimplePlugin(clients.Plugin, workers.Plugin):
    """Adds to clients, workers and replayers what it was made with. Give it to the client: its workers take it too."""

    def __init__(
        self,
        name: str,
        *,
        data_converter: PluginParameter[DataConverter] = None,
        interceptors: PluginParameter[Sequence[clients.Interceptor | workers.Interceptor]] = None,
        activities: PluginParameter[Sequence[Callable[..., Any]]] = None,
        workflows: PluginParameter[Sequence[type]] = None,
        workflow_runner: PluginParameter[Any] = None,
        workflow_failure_exception_types: PluginParameter[Sequence[type[BaseException]]] = None,
        run_context: Callable[[], AbstractAsyncContextManager[None]] | None = None,
    ) -> None:
        """Make one.

        Args:
            name: What it is called, for people.
            data_converter: For clients and replayers.
            interceptors: For clients, workers and replayers, or both. One that is both is used once.
            activities: For workers.
            workflows: For workers and replayers.
            workflow_runner: For workers and replayers. With an `UnsandboxedWorkflowRunner` the guard does not watch
                workflow code; the restrictions of a sandbox have no meaning here.
            workflow_failure_exception_types: For workers and replayers.
            run_context: Makes a context manager in which each worker runs, and each replay.
        """
        self._name = name
        self.data_converter = data_converter
        self.interceptors = interceptors
        self.activities = activities
        self.workflows = workflows
        self.workflow_runner = workflow_runner
        self.workflow_failure_exception_types = workflow_failure_exception_types
        self.run_context = run_context

    def name(self) -> str:
        """See base class."""
        return self._name

    def configure_client(self, config: ClientConfig) -> ClientConfig:
        """See base class."""
        changed = config.copy()
        changed["data_converter"] = _value(config["data_converter"], self.data_converter) or config["data_converter"]
        interceptors = _extended(cast("Sequence[Any]", config["interceptors"]), self.interceptors)
        changed["interceptors"] = [each for each in interceptors or () if isinstance(each, clients.Interceptor)]
        return changed

    async def connect_service_client(
        self, config: ConnectConfig, next: Callable[[ConnectConfig], Awaitable[Transport]]
    ) -> Transport:
        """See base class."""
        return await next(config)

    def configure_worker(self, config: WorkerConfig) -> WorkerConfig:
        """See base class."""
        changed = cast("dict[str, Any]", config.copy())
        for name in ("activities", "workflows", "workflow_failure_exception_types"):
            extended = _extended(changed.get(name), getattr(self, name))
            if extended is not None:
                changed[name] = extended
        changed["workflow_runner"] = _value(changed.get("workflow_runner"), self.workflow_runner)
        of_client: Sequence[object] = config["client"].config(active_config=True)["interceptors"]
        interceptors = _extended(changed.get("interceptors"), self.interceptors)
        changed["interceptors"] = [
            each
            for each in interceptors or ()
            if isinstance(each, workers.Interceptor) and not any(each is other for other in of_client)
        ]
        return cast(WorkerConfig, changed)

    async def run_worker(self, worker: Worker, next: Callable[[Worker], Awaitable[None]]) -> None:
        """See base class."""
        if self.run_context is None:
            await next(worker)
            return
        async with self.run_context():
            await next(worker)

    def configure_replayer(self, config: ReplayerConfig) -> ReplayerConfig:
        """See base class."""
        changed = cast("dict[str, Any]", config.copy())
        for name in ("workflows", "workflow_failure_exception_types"):
            changed[name] = _extended(changed.get(name), getattr(self, name)) or ()
        changed["workflow_runner"] = _value(changed.get("workflow_runner"), self.workflow_runner)
        changed["data_converter"] = _value(config.get("data_converter"), self.data_converter) or DataConverter.default
        interceptors = _extended(changed.get("interceptors"), self.interceptors)
        changed["interceptors"] = [each for each in interceptors or () if isinstance(each, workers.Interceptor)]
        return cast(ReplayerConfig, changed)

    @asynccontextmanager
    async def run_replayer(
        self, replayer: Replayer, histories: AsyncIterator[WorkflowHistory], next: RunReplayer
    ) -> AsyncIterator[AsyncIterator[WorkflowReplayResult]]:
        """See base class."""
        context = self.run_context() if self.run_context is not None else nullcontext()
        async with context, next(replayer, histories) as results:
            yield results


def _value(there: T | None, parameter: PluginParameter[T]) -> T | None:
    if parameter is None:
        return there
    if callable(parameter):
        return parameter(there)
    return parameter


def _extended(there: Sequence[T] | None, parameter: PluginParameter[Sequence[T]]) -> Sequence[T] | None:
    if parameter is None:
        return there
    if callable(parameter):
        return parameter(there)
    return [*(there or ()), *parameter]
