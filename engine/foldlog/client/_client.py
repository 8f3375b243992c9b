"""The client of a namespace: starts workflows, and gives handles of those that are there.

Owns what a user says when starting, and how that becomes a command. How commands travel is the transport's matter.
"""

from __future__ import annotations

import copy
import os
import socket
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any, Concatenate, TypeVar, Unpack, overload

from foldlog import converter as converters
from foldlog._option_types import check_arguments
from foldlog.client._activities import ClientActivities
from foldlog.client._asking import Asking
from foldlog.client._async_activity import ClientAsyncActivities
from foldlog.client._connecting import OptionsWithoutMeaning, address_of, check_options, kafka_of, transport_to
from foldlog.client._convert import value_of
from foldlog.client._deployments import ClientDeployments
from foldlog.client._handle import WorkflowHandle
from foldlog.client._headers import HeaderCodecBehavior
from foldlog.client._intercepted import chain, one_or_all, start_workflow
from foldlog.client._interceptor import Interceptor
from foldlog.client._list import ClientLists
from foldlog.client._plugin import ClientConfig, ConnectConfig, Plugin, changed_by, connected
from foldlog.client._schedules import ClientSchedules
from foldlog.client._start_options import StartOptions, start_command
from foldlog.client._types import (
    NO_METADATA,
    UNSET,
    MethodAsyncNoParam,
    MethodAsyncSingleParam,
    MultiParamSpec,
    ParamType,
    ReturnType,
    SelfType,
)
from foldlog.client._updates import WorkflowUpdateHandle
from foldlog.client._with_start import ClientUpdatesWithStart
from foldlog.common import QueryRejectCondition
from foldlog.converter import DataConverter
from foldlog.schemas.codec import Codec, SingleObjectCodec
from foldlog.schemas.common import Payload
from foldlog.service import ServiceClient, TLSConfig
from foldlog.transport import Transport
from foldlog.transport.config import KafkaConfig
from foldlog.workflow._definition import Definition

if TYPE_CHECKING:  # a client only holds it, and need not load what runs workflows
    from foldlog.runtime import Runtime

RPC_TIMEOUT = timedelta(seconds=10)
"""How long an answer is awaited that does not wait for a workflow to end."""


_Handle = TypeVar("_Handle", WorkflowHandle[Any, Any], WorkflowUpdateHandle[Any])


class Client(
    ClientUpdatesWithStart, ClientSchedules, ClientActivities, ClientAsyncActivities, ClientDeployments, ClientLists
):
    """Starts workflows of one namespace, and asks and tells those that run.

    One client per process and namespace is enough for thousands of calls at once. It belongs to the event loop that
    it was connected on. Close it, or use it in `async with`.
    """

    def __init__(
        self,
        service_client: Transport,
        *,
        namespace: str | None = None,
        data_converter: DataConverter | None = None,
        identity: str | None = None,
        rpc_timeout: timedelta | None = None,
        interceptors: Sequence[Interceptor] = (),
        plugins: Sequence[Plugin] = (),
        header_codec_behavior: HeaderCodecBehavior = HeaderCodecBehavior.NO_CODEC,
        default_workflow_query_reject_condition: QueryRejectCondition | None = None,
        runtime: Runtime | None = None,
    ) -> None:
        """A client on a transport that is open already; `connect` opens one on Kafka.

        Args:
            service_client: The way to the processors, such as another client's `service_client`. `close` closes it.
            namespace: The transport's if not given. For another one, as in `Client(**{**client.config(),
                "namespace": "other"})`, there is another connection, opened by its first call. `close` leaves it.
            data_converter: Converts arguments and results; None: the default one.
            identity: Who we are, for people; None: `pid@host`.
            rpc_timeout: How long answers are awaited by default; None: 10 s, and by starts a minute.
            interceptors: See `connect`, as for the next three.
            plugins: Change these options.
            header_codec_behavior: Whether headers are encoded.
            default_workflow_query_reject_condition: When queries are refused.
            runtime: Where what its workers measure goes.

        Raises:
            ConfigurationError: An option is of the wrong type, or a plugin or interceptor does not give what it must.
        """
        given = {name: value for name, value in locals().items() if name != "self"}
        check_arguments(Client.__init__, given, Runtime="foldlog.runtime")
        config = ClientConfig(
            service_client=transport_to(namespace, service_client),
            namespace=namespace or service_client.namespace,
            data_converter=data_converter or converters.default(),
            identity=identity or f"{os.getpid()}@{socket.gethostname()}",
            rpc_timeout=rpc_timeout,
            interceptors=interceptors,
            plugins=plugins,
            header_codec_behavior=header_codec_behavior,
            default_workflow_query_reject_condition=default_workflow_query_reject_condition,
            runtime=runtime,
        )
        self._given = config.copy()
        for plugin in plugins:
            config = changed_by(plugin.name(), plugin.configure_client, config)
        self._config = config
        self._transport = transport_to(config["namespace"], config["service_client"])
        self._converter = config["data_converter"]
        self._identity = config["identity"]
        self._asking = Asking(
            self._transport,
            self._converter,
            self._identity,
            (config["rpc_timeout"] or RPC_TIMEOUT).total_seconds(),
            headers_coded=config["header_codec_behavior"] is HeaderCodecBehavior.CODEC,
            starts_wait=config["rpc_timeout"] is None,
            query_reject_condition=config["default_workflow_query_reject_condition"],
        )
        outbound = chain(self, config["interceptors"])
        if outbound is not None:
            self._asking = replace(self._asking, outbound=outbound)

    @classmethod
    async def connect(
        cls,
        target_host: str | KafkaConfig | None = None,
        *,
        bootstrap_servers: str | KafkaConfig | None = None,
        namespace: str | None = None,
        data_converter: DataConverter | None = None,
        tls: bool | TLSConfig | None = None,
        kafka_options: Mapping[str, str] | Iterable[str] = (),
        kafka_properties_file: str | os.PathLike[str] | None = None,
        identity: str | None = None,
        rpc_timeout: timedelta | None = None,
        connect_timeout: timedelta = timedelta(seconds=10),
        codec: Codec | None = None,
        interceptors: Sequence[Interceptor] = (),
        plugins: Sequence[Plugin] = (),
        header_codec_behavior: HeaderCodecBehavior = HeaderCodecBehavior.NO_CODEC,
        default_workflow_query_reject_condition: QueryRejectCondition | None = None,
        runtime: Runtime | None = None,
        **ignored: Unpack[OptionsWithoutMeaning],
    ) -> Client:
        """Connects to the Kafka of a namespace.

        Args:
            target_host: Kafka's: `host:port`, several separated by commas; None: from the options, the file or
                `KAFKA_BOOTSTRAP_SERVERS`. Or a whole `KafkaConfig`. Also as `bootstrap_servers`.
            bootstrap_servers: See `target_host`.
            namespace: The application; None: that of `FOLDLOG_NAMESPACE`, or `default`.
            data_converter: Converts arguments and results; None: the default one.
            tls: Whether TLS is spoken, and with which certificates; None: as the options say.
            kafka_options: Options of librdkafka, as a mapping or as `name=value` strings.
            kafka_properties_file: A file as Java clients and librdkafka's tools read it.
            identity: Who we are, for people; None: `pid@host`.
            rpc_timeout: How long answers are awaited by default; None: 10 s, and by starts a minute.
            connect_timeout: How long a broker is waited for.
            codec: Writes and reads records; None: Avro single-object encoding.
            interceptors: See each call, the first one first. Those that are workers' too are workers' as well.
            plugins: Change these options. Likewise.
            header_codec_behavior: Whether headers go through the payload codec.
            default_workflow_query_reject_condition: See `WorkflowHandle.query`, which may say otherwise.
            runtime: Where what its workers measure goes; None: `Runtime.default()`.
            **ignored: See `OptionsWithoutMeaning`.

        Raises:
            BrokerUnreachableError: No broker answered in time.
            TopicMissingError: The namespace's topics are not there.
            ConfigurationError: An option is missing, unknown or refused.
        """
        check_arguments(Client.connect, locals(), Runtime="foldlog.runtime")
        check_options(ignored)
        wanted = ConnectConfig(
            kafka=kafka_of(address_of(target_host, bootstrap_servers), kafka_options, kafka_properties_file, tls),
            namespace=namespace or os.environ.get("FOLDLOG_NAMESPACE") or "default",
            codec=codec or SingleObjectCodec(),
            timeout_seconds=connect_timeout.total_seconds(),
        )
        return cls(
            await connected(wanted, plugins),
            data_converter=data_converter,
            identity=identity,
            rpc_timeout=rpc_timeout,
            interceptors=interceptors,
            plugins=plugins,
            header_codec_behavior=header_codec_behavior,
            default_workflow_query_reject_condition=default_workflow_query_reject_condition,
            runtime=runtime,
        )

    async def __aenter__(self) -> Client:
        """Gives the client itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes it."""
        await self.close()

    async def close(self) -> None:
        """Ends the connection. Calls that still wait end with `ConnectionClosedError`."""
        await self._transport.close()

    @property
    def transport(self) -> Transport:
        """The way to the processors; workers of this process share it."""
        return self._transport

    @property
    def service_client(self) -> ServiceClient:
        """The same; `service_client.config.target_host` is what another client is connected to by."""
        return self._transport

    @property
    def namespace(self) -> str:
        """The application."""
        return self._transport.namespace

    @property
    def identity(self) -> str:
        """Who we are, for people."""
        return self._identity

    def config(self, *, active_config: bool = False) -> ClientConfig:
        """The options that it was made with, to make another one like it: `Client(**client.config())`.

        Args:
            active_config: As plugins have changed them; otherwise as they were given.
        """
        return (self._config if active_config else self._given).copy()

    def without_interceptors(self, headers: Mapping[str, Payload]) -> Client:
        """This client, past its interceptors, putting headers on what it sends. For interceptors only."""
        client = copy.copy(self)
        client._asking = replace(self._asking, outbound=None, headers=headers)
        return client

    def adopt(self, handle: _Handle) -> _Handle:
        """A handle that a client past its interceptors made becomes one of this client. For interceptors only."""
        handle._asking = replace(handle._asking, outbound=self._asking.outbound, headers=self._asking.headers)
        return handle

    @property
    def data_converter(self) -> DataConverter:
        """Converts arguments and results."""
        return self._converter

    @overload
    async def start_workflow(
        self,
        workflow: MethodAsyncNoParam[SelfType, ReturnType],
        *,
        id: str,
        task_queue: str,
        **options: Unpack[StartOptions],
    ) -> WorkflowHandle[SelfType, ReturnType]: ...
    @overload
    async def start_workflow(
        self,
        workflow: MethodAsyncSingleParam[SelfType, ParamType, ReturnType],
        arg: ParamType,
        *,
        id: str,
        task_queue: str,
        **options: Unpack[StartOptions],
    ) -> WorkflowHandle[SelfType, ReturnType]: ...
    @overload
    async def start_workflow(
        self,
        workflow: Callable[Concatenate[SelfType, MultiParamSpec], Awaitable[ReturnType]],
        *,
        args: Sequence[Any],
        id: str,
        task_queue: str,
        **options: Unpack[StartOptions],
    ) -> WorkflowHandle[SelfType, ReturnType]: ...
    @overload
    async def start_workflow(
        self,
        workflow: str,
        arg: Any = ...,
        *,
        args: Sequence[Any] = ...,
        id: str,
        task_queue: str,
        result_type: Any = None,
        **options: Unpack[StartOptions],
    ) -> WorkflowHandle[Any, Any]: ...
    async def start_workflow(
        self,
        workflow: str | Callable[..., Awaitable[Any]],
        arg: Any = UNSET,
        *,
        args: Sequence[Any] = (),
        id: str,
        task_queue: str,
        result_type: Any = None,
        **options: Unpack[StartOptions],
    ) -> WorkflowHandle[Any, Any]:
        """Starts a workflow. When this returns, it has begun.

        Args:
            workflow: Its run method, or its name.
            arg: Its one argument.
            args: Its arguments, if there are several.
            id: Its ID, unique among the open workflows of the namespace.
            task_queue: Where its activities' tasks go, unless they say otherwise.
            result_type: Type of the result, where the workflow is given by name.
            **options: See `StartOptions`. `rpc_timeout` is the client's if not given; if it has none, a minute.

        Raises:
            ConfigurationError: The task queue's name cannot be part of a topic's name.
            WorkflowAlreadyStartedError: The ID is in use, and the policies refuse another one.
            InvalidArgumentError: An option cannot be, such as a cron schedule.
            RPCError: There was no answer in time.
        """
        if (outbound := self._asking.outbound) is not None:
            args = one_or_all(arg, args)
            return await start_workflow(outbound, workflow, args, id, task_queue, result_type, options)
        rpc_timeout = options.get("rpc_timeout")
        name, known_type = Definition.name_and_result_type(workflow)
        command = await start_command(self._asking, name, arg, args, id, task_queue, options)
        accepted = await self._asking.of_workflow(id).start(id, command, rpc_timeout)
        return WorkflowHandle(
            self._asking,
            id,
            result_run_id=accepted.run_id,
            first_execution_run_id=accepted.run_id if accepted.started else None,
            result_type=known_type if result_type is None else result_type,
            eagerly_started=accepted.started
            and options.get("request_eager_start", False)
            and not command.start_delay_ms,
        )

    @overload
    async def execute_workflow(
        self,
        workflow: MethodAsyncNoParam[SelfType, ReturnType],
        *,
        id: str,
        task_queue: str,
        **options: Unpack[StartOptions],
    ) -> ReturnType: ...
    @overload
    async def execute_workflow(
        self,
        workflow: MethodAsyncSingleParam[SelfType, ParamType, ReturnType],
        arg: ParamType,
        *,
        id: str,
        task_queue: str,
        **options: Unpack[StartOptions],
    ) -> ReturnType: ...
    @overload
    async def execute_workflow(
        self,
        workflow: Callable[Concatenate[SelfType, MultiParamSpec], Awaitable[ReturnType]],
        *,
        args: Sequence[Any],
        id: str,
        task_queue: str,
        **options: Unpack[StartOptions],
    ) -> ReturnType: ...
    @overload
    async def execute_workflow(
        self,
        workflow: str,
        arg: Any = ...,
        *,
        args: Sequence[Any] = ...,
        id: str,
        task_queue: str,
        result_type: Any = None,
        **options: Unpack[StartOptions],
    ) -> Any: ...
    async def execute_workflow(
        self,
        workflow: str | Callable[..., Awaitable[Any]],
        arg: Any = UNSET,
        *,
        args: Sequence[Any] = (),
        id: str,
        task_queue: str,
        result_type: Any = None,
        **options: Unpack[StartOptions],
    ) -> Any:
        """Starts a workflow and waits for its end, however long that takes.

        Cheaper than `start_workflow` and then `result`: one command and one answer.

        Args:
            workflow: Its run method, or its name.
            arg: Its one argument.
            args: Its arguments, if there are several.
            id: Its ID, unique among the open workflows of the namespace.
            task_queue: Where its activities' tasks go, unless they say otherwise.
            result_type: Type of the result, where the workflow is given by name.
            **options: See `StartOptions`. `rpc_timeout` is for all of it here, without limit if not given.

        Raises:
            WorkflowFailureError: It ended without a result; `cause` says how.
            WorkflowAlreadyStartedError: The ID is in use, and the policies refuse another one.
            DeadlineExceededError: `rpc_timeout` is over.
        """
        rpc_timeout = options.get("rpc_timeout")
        if (outbound := self._asking.outbound) is not None:
            args = one_or_all(arg, args)
            handle = await start_workflow(outbound, workflow, args, id, task_queue, result_type, options)
            metadata = options.get("rpc_metadata", NO_METADATA)
            return await handle.result(rpc_metadata=metadata, rpc_timeout=rpc_timeout)
        name, known_type = Definition.name_and_result_type(workflow)
        command = await start_command(self._asking, name, arg, args, id, task_queue, options)
        command.await_result = True
        asking = self._asking.of_workflow(id)
        closed = await asking.result_of_start(id, command, rpc_timeout)
        return await value_of(asking.converter, closed, known_type if result_type is None else result_type)

    def get_workflow_handle(
        self,
        workflow_id: str,
        *,
        run_id: str | None = None,
        first_execution_run_id: str | None = None,
        result_type: Any = None,
    ) -> WorkflowHandle[Any, Any]:
        """A handle of a workflow by its ID. Asks nobody whether there is one.

        Args:
            workflow_id: The ID.
            run_id: One run of it; None: whichever is current.
            first_execution_run_id: Updates, cancel and terminate are refused unless the chain of runs began with this
                run.
            result_type: Type of its result.
        """
        return WorkflowHandle(
            self._asking,
            workflow_id,
            run_id=run_id,
            result_run_id=run_id,
            first_execution_run_id=first_execution_run_id,
            result_type=result_type,
        )

    @overload
    def get_workflow_handle_for(
        self,
        workflow: MethodAsyncNoParam[SelfType, ReturnType],
        workflow_id: str,
        *,
        run_id: str | None = None,
        first_execution_run_id: str | None = None,
    ) -> WorkflowHandle[SelfType, ReturnType]: ...
    @overload
    def get_workflow_handle_for(
        self,
        workflow: MethodAsyncSingleParam[SelfType, Any, ReturnType],
        workflow_id: str,
        *,
        run_id: str | None = None,
        first_execution_run_id: str | None = None,
    ) -> WorkflowHandle[SelfType, ReturnType]: ...
    @overload
    def get_workflow_handle_for(
        self,
        workflow: Callable[Concatenate[SelfType, ...], Awaitable[ReturnType]],
        workflow_id: str,
        *,
        run_id: str | None = None,
        first_execution_run_id: str | None = None,
    ) -> WorkflowHandle[SelfType, ReturnType]: ...
    def get_workflow_handle_for(
        self,
        workflow: Callable[..., Awaitable[Any]],
        workflow_id: str,
        *,
        run_id: str | None = None,
        first_execution_run_id: str | None = None,
    ) -> WorkflowHandle[Any, Any]:
        """As `get_workflow_handle`, with the types of a workflow's run method.

        Raises:
            ValueError: The function is no workflow's run method.
        """
        _, result_type = Definition.name_and_result_type(workflow)
        return self.get_workflow_handle(
            workflow_id, run_id=run_id, first_execution_run_id=first_execution_run_id, result_type=result_type
        )
