"""What `Client.connect` is told, as options of Kafka's client: the address, TLS, and what Temporal's client takes.

Owns which options have no meaning here and which are refused. Opens no connection.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypedDict

from foldlog._ignored import note_ignored
from foldlog.exceptions import ConfigurationError
from foldlog.service import TLSConfig, tls_options
from foldlog.transport import Namespaces, Transport
from foldlog.transport.config import KafkaConfig

if TYPE_CHECKING:
    from foldlog.client._headers import HeaderCodecBehavior
    from foldlog.client._interceptor import Interceptor
    from foldlog.client._plugin import Plugin
    from foldlog.common import QueryRejectCondition
    from foldlog.converter import DataConverter
    from foldlog.runtime import Runtime

_log = logging.getLogger(__name__)


class OptionsWithoutMeaning(TypedDict, total=False):
    """Options of Temporal's client that have nothing to act on here: accepted, so that code moves over."""

    rpc_metadata: Any
    retry_config: Any
    keep_alive_config: Any
    dns_load_balancing_config: Any
    grpc_compression: Any
    """Nothing here speaks gRPC."""
    payload_limits: Any
    """Large values are warned about at sizes of foldlog's own."""
    lazy: bool
    """A client connects at once."""
    api_key: str | None
    http_connect_proxy_config: Any
    """Refused, if they are given: what they ask for cannot be had."""


class ClientConnectConfig(OptionsWithoutMeaning, total=False):
    """Arguments of `Client.connect`, as a dictionary; `Client.connect(**config)`."""

    target_host: str
    namespace: str
    data_converter: DataConverter
    plugins: Sequence[Plugin]
    interceptors: Sequence[Interceptor]
    default_workflow_query_reject_condition: QueryRejectCondition | None
    tls: bool | TLSConfig | None
    connect_timeout: timedelta | None
    identity: str | None
    runtime: Runtime | None
    header_codec_behavior: HeaderCodecBehavior


_REFUSED = {
    "api_key": "Kafka knows no API keys: give kafka_options for SASL, such as sasl.mechanisms, sasl.username and"
    " sasl.password",
    "http_connect_proxy_config": "there is no way to Kafka through an HTTP proxy",
}


def check_options(options: OptionsWithoutMeaning) -> None:
    """Log the options that are ignored.

    Raises:
        ConfigurationError: One cannot be ignored.
        TypeError: Temporal's client has no such option either.
    """
    for name, value in options.items():
        if value and name in _REFUSED:
            raise ConfigurationError(f"{name}: {_REFUSED[name]}", option=name)
    note_ignored("Client.connect", options, OptionsWithoutMeaning, _log)


def transport_to(namespace: str | None, transport: Transport) -> Transport:
    """A transport of a namespace; the one that is given, if it is.

    Raises:
        ConfigurationError: None can be made.
    """
    if namespace is None or namespace == transport.namespace:
        return transport
    if not isinstance(namespace, str):
        raise ConfigurationError(f"namespace must be a str, not {namespace!r}", option="namespace")
    if not isinstance(transport, Namespaces):
        raise ConfigurationError(
            f"the transport is of namespace {transport.namespace}, not {namespace}", option="namespace"
        )
    return transport.of_namespace(namespace)


def address_of(
    target_host: str | KafkaConfig | None, bootstrap_servers: str | KafkaConfig | None
) -> str | KafkaConfig | None:
    """The address, under Temporal's name or Kafka's; None: that of the environment.

    Raises:
        ConfigurationError: There are two.
    """
    if target_host and bootstrap_servers:
        raise ConfigurationError("give either target_host or bootstrap_servers, not both", option="target_host")
    return target_host or bootstrap_servers


def kafka_of(
    address: str | KafkaConfig | None,
    options: Mapping[str, str] | Iterable[str],
    properties_file: str | os.PathLike[str] | None,
    tls: bool | TLSConfig | None,
) -> KafkaConfig:
    """How to reach Kafka.

    Raises:
        ConfigurationError: There is no address, an option cannot be, or they contradict each other.
    """
    if isinstance(address, KafkaConfig):
        if options or properties_file is not None or tls is not None:
            raise ConfigurationError("give either a KafkaConfig or options, not both")
        return address
    return with_tls(KafkaConfig.from_environment(address, options, properties_file), tls)


def with_tls(config: KafkaConfig, tls: bool | TLSConfig | None) -> KafkaConfig:
    """A configuration with a TLS setting.

    Raises:
        ConfigurationError: It asks for what Kafka's client cannot do.
    """
    if tls is None:
        return config
    merged = {**config.options, **tls_options(tls, config.options)}
    return KafkaConfig(bootstrap_servers=config.bootstrap_servers, options=merged)
