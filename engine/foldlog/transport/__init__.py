"""The way to Kafka for clients and workers: configuration, topics, and a connection that asks and tells.

The only package of the engine's root that imports a Kafka library. It knows records and topics, and nothing of
workflow code, data converters or the processor's state. `Transport` is what it promises: whoever keeps that promise
otherwise, such as an engine in memory, can stand behind the same client.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:  # so that reading options and naming topics does not load Avro
    from foldlog.schemas.codec import Codec
    from foldlog.schemas.records import Command, Reply
    from foldlog.schemas.visibility import WorkflowVisibility
    from foldlog.transport.config import KafkaConfig

__all__ = ["Elsewhere", "Namespaces", "Transport"]


class Transport(Protocol):
    """What a client, and the completion side of a worker, need. `foldlog.transport.connection` is the one on Kafka.

    Attributes:
        client_id: Who we are in `reply_to`.
        reply_partition: Where our replies go.
        codec: Reads records that are within records, such as the events of a history.
    """

    client_id: str
    reply_partition: int
    codec: Codec

    @property
    def namespace(self) -> str:
        """The namespace that is reached."""
        ...

    @property
    def config(self) -> KafkaConfig:
        """What else is to reach the same log is connected with."""
        ...

    @property
    def partitions(self) -> int:
        """How many partitions the namespace's commands have."""
        ...

    async def ask(self, workflow_id: str, command: Command, *, timeout: float) -> Reply:
        """Sends a command and waits for its answer, a `Rejected` included; repeats it where delivery fails.

        Args:
            workflow_id: Whom it is for.
            command: Any command with `reply_to`, which is set here.
            timeout: In seconds.

        Raises:
            RPCError: There was no answer, in one of the ways of `foldlog.transport.errors`.
        """
        ...

    async def poll(self, workflow_id: str, command: Command, *, wait: float) -> Reply | None:
        """As `ask`, for answers that may take long: None after `wait` seconds, or when asking again makes sense."""
        ...

    def tell(
        self, workflow_id: str, command: Command, on_delivery: Callable[[Exception | None], None] | None = None
    ) -> None:
        """Sends a command without an answer. Thread-safe. `on_delivery` is told what became of it, in any thread."""
        ...

    def on_notice(self, handler: Callable[[Reply], None]) -> None:
        """Calls a handler, on the event loop, for each notice to this process, such as `ActivityCancelRequested`."""
        ...

    async def visibility(self, matches: Callable[[WorkflowVisibility], bool]) -> list[WorkflowVisibility]:
        """The newest row of every run that matches."""
        ...

    async def close(self, *, timeout: float = 10.0) -> None:
        """Delivers what has been told, for up to `timeout` seconds, and ends whatever still waits for an answer."""
        ...


class Elsewhere(str):
    """An address that is not Kafka's, such as that of an environment in memory: clients are connected by it."""

    __slots__ = ()

    def transport(self, namespace: str) -> Transport:
        """One to a namespace there."""
        raise NotImplementedError


@runtime_checkable
class Namespaces(Protocol):
    """A transport from which those to other namespaces can be made, which open when they are needed."""

    def of_namespace(self, namespace: str) -> Transport:
        """One to another namespace of the same log. It is closed with this one, and `close` may leave it to others.

        Raises:
            ConfigurationError: The namespace cannot be the beginning of a topic's name.
        """
        ...

    async def opened(self, timeout: float = 10.0) -> None:
        """Open it, unless it is open, in so many seconds; any question does so too.

        Raises:
            TransportError: It cannot be reached.
        """
        ...
