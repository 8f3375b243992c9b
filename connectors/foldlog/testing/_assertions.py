"""What a failed assertion in workflow code does to a workflow under test: it fails it, where elsewhere it stalls it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from foldlog import client as clients
from foldlog import worker as workers
from foldlog.client import Client, ClientConfig, ConnectConfig
from foldlog.transport import Transport
from foldlog.worker import Worker, WorkerConfig


class AssertionsFail(clients.Plugin, workers.Plugin):
    """Lets workers fail workflows by an `AssertionError`, so that a test sees it instead of waiting for the result."""

    def configure_client(self, config: ClientConfig) -> ClientConfig:
        """See base class."""
        return config

    async def connect_service_client(
        self, config: ConnectConfig, next: Callable[[ConnectConfig], Awaitable[Transport]]
    ) -> Transport:
        """See base class."""
        return await next(config)

    def configure_worker(self, config: WorkerConfig) -> WorkerConfig:
        """See base class."""
        changed = config.copy()
        types = changed.get("workflow_failure_exception_types") or ()
        changed["workflow_failure_exception_types"] = [*types, AssertionError]
        return changed

    async def run_worker(self, worker: Worker, next: Callable[[Worker], Awaitable[None]]) -> None:
        """See base class."""
        await next(worker)


def with_failing_assertions(client: Client) -> Client:
    """The client, such that assertions fail workflows of its workers; another one on the same transport if need be."""
    config = client.config()
    if any(isinstance(plugin, AssertionsFail) for plugin in config["plugins"]):
        return client
    config["plugins"] = [*config["plugins"], AssertionsFail()]
    return Client(**config)
