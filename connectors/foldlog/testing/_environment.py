"""Environments that workflows are tested in: in memory with skipped time, a Kafka of its own, or any that is there.

Owns starting and ending them, and what they have in common. What happens in memory is `foldlog.memory`'s.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypedDict, Unpack, cast

from foldlog._durations import LONGEST
from foldlog._ignored import note_ignored
from foldlog.client import RPC_TIMEOUT, Client, HeaderCodecBehavior, Interceptor, Plugin, WorkflowHandle
from foldlog.client._connecting import OptionsWithoutMeaning as ClientOptions
from foldlog.client._connecting import check_options
from foldlog.common import QueryRejectCondition
from foldlog.converter import DataConverter
from foldlog.exceptions import ConfigurationError
from foldlog.memory import MemoryBroker, MemoryTransport
from foldlog.testing._assertions import with_failing_assertions
from foldlog.transport.admin import create_topics
from foldlog.transport.config import KafkaConfig
from foldlog.transport.connection import Connection
from foldlog.transport.topics import Topics

_log = logging.getLogger(__name__)

if TYPE_CHECKING:  # needs an extra, and only `start_local` does
    from foldlog.connectors.embedded import EmbeddedKafka
    from foldlog.runtime import Runtime


class OptionsWithoutMeaning(TypedDict, total=False):
    """Options of Temporal's environments that have nothing to act on here: accepted, so that tests move over."""

    search_attributes: Any
    """Search attributes need not be registered."""
    download_dest_dir: str | None
    dev_server_existing_path: str | None
    dev_server_download_version: str
    dev_server_extra_args: Any
    dev_server_download_ttl: timedelta | None
    dev_server_startup_timeout: timedelta | None
    test_server_existing_path: str | None
    test_server_download_version: str
    test_server_extra_args: Any
    test_server_download_ttl: timedelta | None
    test_server_startup_timeout: timedelta | None
    """There is no server to download, and none to start but Kafka."""
    dev_server_log_format: str | None
    dev_server_log_level: str | None
    ui: bool
    ui_port: int | None
    ip: str
    rpc_metadata: Any
    retry_config: Any
    tls: Any
    """Nothing here speaks gRPC."""


class WorkflowEnvironment:
    """Where workflows run in a test: a client, and a time.

    Use it in `async with`, or call `shutdown` at the end, after the workers have ended. It belongs to the event loop
    that it was started on. Workers of its client fail a workflow by a failed assertion, in place of stalling it.
    """

    def __init__(self, client: Client) -> None:
        """Around a client that is there already; see `from_client`, `start_time_skipping` and `start_local`."""
        self._client = with_failing_assertions(client)

    @classmethod
    def from_client(cls, client: Client) -> WorkflowEnvironment:
        """An environment around a client: in real time, and nothing is shut down at its end.

        Args:
            client: Any client.
        """
        return cls(client)

    @classmethod
    async def start_time_skipping(
        cls,
        *,
        namespace: str = "default",
        data_converter: DataConverter | None = None,
        identity: str | None = None,
        rpc_timeout: timedelta = RPC_TIMEOUT,
        interceptors: Sequence[Interceptor] = (),
        plugins: Sequence[Plugin] = (),
        header_codec_behavior: HeaderCodecBehavior = HeaderCodecBehavior.NO_CODEC,
        default_workflow_query_reject_condition: QueryRejectCondition | None = None,
        runtime: Runtime | None = None,
        port: int | None = None,
        **ignored: Unpack[OptionsWithoutMeaning],
    ) -> WorkflowEnvironment:
        """foldlog in memory, without a broker, on a clock of its own.

        While the result of a workflow is awaited, and in `sleep`, time is skipped to what comes due next, as soon as
        nothing else can go on. While an activity runs, time is real.

        Args:
            namespace: The application; see `connect_client` for others.
            data_converter: Converts arguments and results; None: the default one.
            identity: Who the client is, for people.
            rpc_timeout: How long answers are awaited by default, in real time.
            interceptors: See the client's calls; see `Client.connect`, as for the next two.
            plugins: Change its options.
            header_codec_behavior: Whether headers go through the payload codec.
            default_workflow_query_reject_condition: When queries are refused that do not say so themselves.
            runtime: Where what its workers measure goes; None: as for any client.
            port: Has no meaning: nothing listens.
            **ignored: See `OptionsWithoutMeaning`.

        Raises:
            ConfigurationError: The namespace cannot be the beginning of a topic's name.
        """
        note_ignored("WorkflowEnvironment", ignored, OptionsWithoutMeaning, _log)
        broker = MemoryBroker()
        client = Client(
            MemoryTransport(broker, namespace),
            data_converter=data_converter,
            identity=identity,
            rpc_timeout=rpc_timeout,
            interceptors=interceptors,
            plugins=plugins,
            header_codec_behavior=header_codec_behavior,
            default_workflow_query_reject_condition=default_workflow_query_reject_condition,
            runtime=runtime,
        )
        return _TimeSkippingEnvironment(client, broker)

    @classmethod
    async def start_local(
        cls,
        *,
        namespace: str = "default",
        data_converter: DataConverter | None = None,
        identity: str | None = None,
        rpc_timeout: timedelta = RPC_TIMEOUT,
        interceptors: Sequence[Interceptor] = (),
        plugins: Sequence[Plugin] = (),
        header_codec_behavior: HeaderCodecBehavior = HeaderCodecBehavior.NO_CODEC,
        default_workflow_query_reject_condition: QueryRejectCondition | None = None,
        runtime: Runtime | None = None,
        port: int | None = None,
        partitions: int = 2,
        task_queues: Iterable[str] = (),
        data_dir: str | Path | None = None,
        dev_server_database_filename: str | None = None,
        **ignored: Unpack[OptionsWithoutMeaning],
    ) -> WorkflowEnvironment:
        """A Kafka of its own on 127.0.0.1, with the topics of a namespace. Needs the extra `foldlog[embedded]`.

        It takes seconds to start, so let tests share one.

        Args:
            namespace: The application; see `connect_client` for others.
            data_converter: Converts arguments and results; None: the default one.
            identity: Who the client is, for people.
            rpc_timeout: How long answers are awaited by default.
            interceptors: See the client's calls; see `Client.connect`, as for the next two.
            plugins: Change its options.
            header_codec_behavior: Whether headers go through the payload codec.
            default_workflow_query_reject_condition: When queries are refused that do not say so themselves.
            runtime: Where what its workers measure goes; None: as for any client.
            port: Where clients connect; None: a free one.
            partitions: Of the namespace's topics.
            task_queues: Whose topics are made at once; others are made when they are first used.
            data_dir: Where its data is, to be found again; None: a folder that is deleted at the end.
            dev_server_database_filename: The same, as Temporal's environment has it: the folder has this name, and
                `.kafka` behind it.
            **ignored: See `OptionsWithoutMeaning`.

        Raises:
            FoldlogError: Kafka could not be started.
        """
        from foldlog.connectors.embedded import EmbeddedKafka

        note_ignored("WorkflowEnvironment", ignored, OptionsWithoutMeaning, _log)
        if data_dir is None and dev_server_database_filename is not None:
            data_dir = f"{dev_server_database_filename}.kafka"
        kafka = EmbeddedKafka(data_dir, port=port or 0)
        await asyncio.to_thread(kafka.start)
        try:
            config, topics = KafkaConfig(bootstrap_servers=kafka.bootstrap_servers), Topics(namespace)
            queues = list(task_queues)
            await asyncio.to_thread(create_topics, config, topics, partitions=partitions, task_queues=queues)
            client = await Client.connect(
                config,
                namespace=namespace,
                data_converter=data_converter,
                identity=identity,
                rpc_timeout=rpc_timeout,
                interceptors=interceptors,
                plugins=plugins,
                header_codec_behavior=header_codec_behavior,
                default_workflow_query_reject_condition=default_workflow_query_reject_condition,
                runtime=runtime,
            )
        except BaseException:
            await asyncio.to_thread(kafka.stop)
            raise
        return _LocalEnvironment(client, kafka)

    @property
    def client(self) -> Client:
        """The client of the environment's namespace."""
        return self._client

    async def connect_client(self, *, namespace: str | None = None, **options: Any) -> Client:
        """Another client of the environment; close it at the end.

        Args:
            namespace: The application, whose topics are made if they are missing; None: the environment's own.
            **options: As of `Client.connect`; the data converter is that of the environment's client if none is given.

        Raises:
            ConfigurationError: It is not known how the environment's client is connected.
        """
        options.setdefault("data_converter", self._client.data_converter)
        name = namespace or self._client.namespace
        transport = self._client.transport
        if isinstance(transport, MemoryTransport):
            ignored = {name: options.pop(name) for name in list(options) if name in ClientOptions.__annotations__}
            check_options(cast(ClientOptions, ignored))
            return Client(MemoryTransport(transport.broker, name), **options)
        if isinstance(transport, Connection):
            await asyncio.to_thread(create_topics, transport.config, Topics(name))
            return await Client.connect(transport.config, namespace=name, **options)
        raise ConfigurationError("the environment's client has a transport of an unknown kind", option="namespace")

    async def shutdown(self) -> None:
        """End the environment. Its workers must have ended."""

    @property
    def supports_time_skipping(self) -> bool:
        """Whether time is skipped here."""
        return False

    @property
    def supports_time_skipping_v1(self) -> bool:
        """The same: all workflows share one clock, as in the first of Temporal's environments of that kind."""
        return self.supports_time_skipping

    @property
    def supports_time_skipping_v2(self) -> bool:
        """False: no workflow has a clock of its own."""
        return False

    async def sleep(self, duration: timedelta | float) -> None:
        """Sleep in the environment's time, which is skipped where that is supported.

        Args:
            duration: How long; a number is in seconds.

        Raises:
            ConnectionClosedError: Its time is skipped, and it has ended or ends meanwhile.
        """
        await asyncio.sleep(_seconds(duration))

    async def get_current_time(self, handle: WorkflowHandle[Any, Any] | None = None) -> datetime:
        """The environment's time, in UTC.

        Args:
            handle: Has no meaning: it is the time of all workflows.
        """
        return datetime.now(UTC)

    @contextmanager
    def auto_time_skipping_disabled(self) -> Iterator[None]:
        """While this context manager lasts, waiting for results skips no time; `sleep` still does."""
        yield

    async def __aenter__(self) -> Self:
        """Gives the environment itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Shuts it down."""
        await self.shutdown()


class _TimeSkippingEnvironment(WorkflowEnvironment):
    """foldlog in memory."""

    def __init__(self, client: Client, broker: MemoryBroker) -> None:
        super().__init__(client)
        self._broker = broker

    async def shutdown(self) -> None:
        await self._client.close()
        self._broker.close()

    @property
    def supports_time_skipping(self) -> bool:
        return True

    async def sleep(self, duration: timedelta | float) -> None:
        await self._broker.skipping.sleep(_seconds(duration))

    async def get_current_time(self, handle: WorkflowHandle[Any, Any] | None = None) -> datetime:
        return datetime.fromtimestamp(self._broker.clock.time(), UTC)

    @contextmanager
    def auto_time_skipping_disabled(self) -> Iterator[None]:
        with self._broker.skipping.disabled():
            yield


class _LocalEnvironment(WorkflowEnvironment):
    """A Kafka of its own."""

    def __init__(self, client: Client, kafka: EmbeddedKafka) -> None:
        super().__init__(client)
        self._kafka = kafka

    async def shutdown(self) -> None:
        await self._client.close()
        await asyncio.to_thread(self._kafka.stop)


def _seconds(duration: timedelta | float) -> float:
    seconds = duration.total_seconds() if isinstance(duration, timedelta) else duration
    return min(seconds, LONGEST.total_seconds())
