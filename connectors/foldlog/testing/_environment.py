"""Environments that workflows are tested in: one in memory that skips time, one with a real Kafka, or any that is there.

Owns starting and ending them, and what they have in common. What happens in memory is `foldlog.memory`'s.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from foldlog.client import RPC_TIMEOUT, Client
from foldlog.converter import DataConverter
from foldlog.memory import MemoryBroker, MemoryTransport

if TYPE_CHECKING:  # so that nobody who needs no Kafka loads it
    from foldlog.connectors.embedded import EmbeddedKafka


class WorkflowEnvironment(ABC):
    """Where workflows run in a test: a client, and time.

    Use `async with`, or call `shutdown` at the end. It belongs to the event loop that it was started on.
    """

    @staticmethod
    def from_client(client: Client) -> WorkflowEnvironment:
        """An environment around a client that is there already: real time, and nothing is shut down at its end.

        Args:
            client: Any client.
        """
        return _ClientEnvironment(client)

    @staticmethod
    async def start_time_skipping(
        *,
        namespace: str = "default",
        data_converter: DataConverter | None = None,
        identity: str | None = None,
        rpc_timeout: timedelta = RPC_TIMEOUT,
    ) -> WorkflowEnvironment:
        """foldlog in memory, with no broker, on a clock of its own.

        While a workflow's result is awaited, and in `sleep`, time is skipped up to what comes due next, as soon as
        nothing else can go on. While an activity runs, time is real.

        Args:
            namespace: The application. Clients of others: `Client(MemoryTransport(...))`, see `connect`.
            data_converter: Converts arguments and results; None: the default one.
            identity: Who the client is, for people.
            rpc_timeout: How long answers are awaited by default, in real time.

        Raises:
            ConfigurationError: The namespace cannot be the beginning of a topic's name.
        """
        broker = MemoryBroker()
        client = Client(
            MemoryTransport(broker, namespace),
            data_converter=data_converter,
            identity=identity,
            rpc_timeout=rpc_timeout,
        )
        return _TimeSkippingEnvironment(client, broker)

    @staticmethod
    async def start_local(
        *,
        namespace: str = "default",
        data_converter: DataConverter | None = None,
        identity: str | None = None,
        rpc_timeout: timedelta = RPC_TIMEOUT,
        ip: str = "127.0.0.1",
        port: int | None = None,
        partitions: int = 2,
        task_queues: Iterable[str] = (),
        data_dir: str | os.PathLike[str] | None = None,
    ) -> WorkflowEnvironment:
        """A Kafka of its own, with the topics of a namespace; needs the extra `foldlog[embedded]`.

        Starting it takes some seconds, so let tests share it.

        Args:
            namespace: The application.
            data_converter: Converts arguments and results; None: the default one.
            identity: Who the client is, for people.
            rpc_timeout: How long answers are awaited by default.
            ip: The address that it listens on.
            port: Its port; None: a free one.
            partitions: Of the namespace's topics.
            task_queues: Whose topics are made at once; others are made when they are first used.
            data_dir: Where its logs are, to be found again; None: a folder that is deleted at the end.

        Raises:
            FoldlogError: Kafka could not be started.
        """
        from foldlog.testing._local import start

        client, kafka, folder = await start(
            namespace=namespace,
            data_converter=data_converter,
            identity=identity,
            rpc_timeout=rpc_timeout,
            ip=ip,
            port=port,
            partitions=partitions,
            task_queues=task_queues,
            data_dir=data_dir,
        )
        return _LocalEnvironment(client, kafka, folder)

    @property
    @abstractmethod
    def client(self) -> Client:
        """The client of the environment's namespace."""

    @abstractmethod
    async def connect(self, namespace: str) -> Client:
        """A client of another namespace of the same environment, which is made if it is missing. Close it."""

    @abstractmethod
    async def shutdown(self) -> None:
        """End the environment. Its workers must have ended."""

    @property
    def supports_time_skipping(self) -> bool:
        """Whether time can be skipped here."""
        return False

    async def sleep(self, duration: timedelta | float) -> None:
        """Sleep in the environment's time, which is skipped where that is supported.

        Args:
            duration: How long; a number is in seconds.
        """
        await asyncio.sleep(_seconds(duration))

    async def get_current_time(self) -> datetime:
        """The environment's time, in UTC."""
        return datetime.now(UTC)

    @contextmanager
    def auto_time_skipping_disabled(self) -> Iterator[None]:
        """While this context manager lasts, waiting for results skips no time; `sleep` does."""
        with self._disabled():
            yield

    def _disabled(self) -> AbstractContextManager[None]:
        return nullcontext()

    async def __aenter__(self) -> WorkflowEnvironment:
        """Gives the environment itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Shuts it down."""
        await self.shutdown()


class _ClientEnvironment(WorkflowEnvironment):
    """Whatever a client is connected to."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @property
    def client(self) -> Client:
        return self._client

    async def connect(self, namespace: str) -> Client:
        raise NotImplementedError("an environment around a client knows of no other namespace than the client's")

    async def shutdown(self) -> None:
        pass


class _TimeSkippingEnvironment(WorkflowEnvironment):
    """foldlog in memory."""

    def __init__(self, client: Client, broker: MemoryBroker) -> None:
        self._client = client
        self._broker = broker

    @property
    def client(self) -> Client:
        return self._client

    async def connect(self, namespace: str) -> Client:
        return Client(MemoryTransport(self._broker, namespace), data_converter=self._client.data_converter)

    async def shutdown(self) -> None:
        await self._client.close()
        self._broker.close()

    @property
    def supports_time_skipping(self) -> bool:
        return True

    async def sleep(self, duration: timedelta | float) -> None:
        await self._broker.skipping.sleep(_seconds(duration))

    async def get_current_time(self) -> datetime:
        return datetime.fromtimestamp(self._broker.clock.time(), UTC)

    def _disabled(self) -> AbstractContextManager[None]:
        return self._broker.skipping.disabled()
