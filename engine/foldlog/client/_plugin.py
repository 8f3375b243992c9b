"""Plugins of clients: what changes a client's options, and how it connects."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, TypedDict, TypeVar, cast

from foldlog.client._connecting import OptionsWithoutMeaning, check_options, with_tls
from foldlog.client._headers import HeaderCodecBehavior
from foldlog.client._interceptor import Interceptor
from foldlog.common import QueryRejectCondition
from foldlog.converter import DataConverter
from foldlog.exceptions import ConfigurationError
from foldlog.service import ConnectConfig as ConnectConfig
from foldlog.transport import Elsewhere, Transport
from foldlog.transport.connection import Connection
from foldlog.transport.topics import Topics

if TYPE_CHECKING:  # a client only holds it, and need not load what runs workflows
    from foldlog.runtime import Runtime


class ClientConfig(TypedDict):
    """Options of a client, as `Client` takes them."""

    service_client: Transport
    namespace: str
    """The transport's; to be read only."""
    data_converter: DataConverter
    identity: str
    rpc_timeout: timedelta | None
    interceptors: Sequence[Interceptor]
    plugins: Sequence[Plugin]
    header_codec_behavior: HeaderCodecBehavior
    default_workflow_query_reject_condition: QueryRejectCondition | None
    runtime: Runtime | None


class Plugin(ABC):
    """Changes how clients are made. If it is a worker's plugin too, workers of the client take it as well."""

    def name(self) -> str:
        """What it is called, for people."""
        return f"{type(self).__module__}.{type(self).__qualname__}"

    @abstractmethod
    def configure_client(self, config: ClientConfig) -> ClientConfig:
        """Change the options of a client that is being made; what is returned counts."""

    @abstractmethod
    async def connect_service_client(
        self, config: ConnectConfig, next: Callable[[ConnectConfig], Awaitable[Transport]]
    ) -> Transport:
        """Change what a client connects to, or do something before and after.

        Args:
            config: What to connect to.
            next: Connects.
        """


Config = TypeVar("Config")


def changed_by(name: str, configure: Callable[[Config], Config], config: Config) -> Config:
    """Options as a plugin's method makes them.

    Raises:
        ConfigurationError: It returns none: that is easily forgotten where options are changed in place.
    """
    changed = configure(config)
    if changed is None:
        raise ConfigurationError(
            f"{configure.__name__} of plugin {name} must return the options, not None", option="plugins"
        )
    return changed


async def connected(config: ConnectConfig, plugins: Sequence[Plugin]) -> Transport:
    """A transport that is open, by way of all plugins, the first one first."""
    connect: Callable[[ConnectConfig], Awaitable[Transport]] = _connect
    for plugin in reversed(plugins):
        connect = partial(plugin.connect_service_client, next=connect)
    return await connect(config)


async def _connect(config: ConnectConfig) -> Transport:
    set_by_plugins = {name: getattr(config, name) for name in OptionsWithoutMeaning.__annotations__}
    check_options(cast("OptionsWithoutMeaning", {name: value for name, value in set_by_plugins.items() if value}))
    if isinstance(config.kafka.bootstrap_servers, Elsewhere):
        return config.kafka.bootstrap_servers.transport(config.namespace)
    return await Connection.open(
        with_tls(config.kafka, config.tls), Topics(config.namespace), codec=config.codec, timeout=config.timeout_seconds
    )
