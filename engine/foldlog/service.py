"""How a client reaches its service, in the terms of programs that come from Temporal: TLS, and what gRPC calls errors.

Owns the translation of `TLSConfig` to librdkafka's options. The other classes are settings of a gRPC connection: they
can be made and given to `Client.connect`, and do nothing, since Kafka's client has its own (`kafka_options`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from typing import ClassVar, TypeAlias

from foldlog.exceptions import ConfigurationError, RPCError, RPCStatusCode
from foldlog.schemas.codec import Codec
from foldlog.transport import Transport
from foldlog.transport.config import KafkaConfig

__all__ = [
    "ConnectConfig",
    "DnsLoadBalancingConfig",
    "GrpcCompression",
    "HttpConnectProxyConfig",
    "KeepAliveConfig",
    "PayloadLimitsConfig",
    "RPCError",
    "RPCStatusCode",
    "RetryConfig",
    "ServiceClient",
    "TLSConfig",
]


@dataclass
class TLSConfig:
    """TLS on the way to the brokers. Certificates and keys are PEM."""

    server_root_ca_cert: bytes | None = None
    """Who must have signed the brokers' certificates; None: those whom this machine trusts."""
    domain: str | None = None
    """Another name than the address, to ask for and to verify. Kafka's client has no such thing: must be None."""
    client_cert: bytes | None = None
    """Our certificate, where the brokers ask for one; together with the key."""
    client_private_key: bytes | None = None
    """The key of our certificate."""
    verification_server_name: str | None = None
    """Another name to verify, as `domain`: must be None."""


@dataclass
class RetryConfig:
    """How gRPC calls are repeated. Has no meaning here: commands are repeated until their deadline."""

    initial_interval_millis: int = 100
    randomization_factor: float = 0.2
    multiplier: float = 1.5
    max_interval_millis: int = 5000
    max_elapsed_time_millis: int | None = 10000
    max_retries: int = 10


@dataclass(frozen=True)
class KeepAliveConfig:
    """How a gRPC connection is kept open. Has no meaning here: librdkafka has `socket.keepalive.enable`."""

    interval_millis: int = 30000
    timeout_millis: int = 15000
    default: ClassVar[KeepAliveConfig]


KeepAliveConfig.default = KeepAliveConfig()


@dataclass(frozen=True)
class HttpConnectProxyConfig:
    """An HTTP proxy on the way. There is none to Kafka: `Client.connect` refuses it."""

    target_host: str
    basic_auth: tuple[str, str] | None = None


@dataclass(frozen=True)
class DnsLoadBalancingConfig:
    """How a gRPC connection is spread over servers. Has no meaning here: Kafka's clients find all brokers."""

    resolution_interval_millis: int = 30000
    default: ClassVar[DnsLoadBalancingConfig]


DnsLoadBalancingConfig.default = DnsLoadBalancingConfig()


class GrpcCompression(Enum):
    """How gRPC calls are compressed. Has no meaning here: librdkafka has `compression.type`."""

    NONE = "none"
    GZIP = "gzip"


@dataclass(frozen=True)
class PayloadLimitsConfig:
    """When Temporal's client warns of large values. Has no meaning here: foldlog warns at sizes of its own."""

    payloads_warn_size: int = 512 * 1024
    memo_warn_size: int = 2 * 1024


@dataclass(kw_only=True)
class ConnectConfig:
    """What a client connects to. A plugin may change it, or make another."""

    kafka: KafkaConfig
    namespace: str
    codec: Codec
    timeout_seconds: float
    tls: bool | TLSConfig | None = None
    """Whether TLS is spoken, and with which certificates; None: as `kafka` says."""
    api_key: str | None = None
    http_connect_proxy_config: HttpConnectProxyConfig | None = None
    """Refused, if they are set, as by `Client.connect`."""
    rpc_metadata: Mapping[str, str | bytes] = field(default_factory=dict)
    retry_config: RetryConfig | None = None
    keep_alive_config: KeepAliveConfig | None = None
    dns_load_balancing_config: DnsLoadBalancingConfig | None = None
    grpc_compression: GrpcCompression | None = None
    payload_limits: PayloadLimitsConfig | None = None
    lazy: bool = False
    """Without meaning, as of `Client.connect`."""

    @property
    def target_host(self) -> str:
        """The address of Kafka; setting it keeps all other options of `kafka`."""
        return self.kafka.bootstrap_servers

    @target_host.setter
    def target_host(self, address: str) -> None:
        self.kafka = KafkaConfig(bootstrap_servers=address, options=self.kafka.options)

    @property
    def connect_timeout(self) -> timedelta:
        """How long a broker is waited for."""
        return timedelta(seconds=self.timeout_seconds)

    @connect_timeout.setter
    def connect_timeout(self, timeout: timedelta) -> None:
        self.timeout_seconds = timeout.total_seconds()


ServiceClient: TypeAlias = Transport
"""What plugins of clients return that see how one connects."""


def tls_options(tls: bool | TLSConfig | None, options: Mapping[str, str]) -> dict[str, str]:
    """librdkafka's options for a TLS setting.

    Args:
        tls: None: whatever the options say. True: TLS, trusting whom this machine trusts. False: no TLS.
        options: The options that there are, under librdkafka's names; whether they say SASL is kept.

    Raises:
        ConfigurationError: It asks for what Kafka's client cannot do, or is half a certificate.
    """
    if tls is None:
        return {}
    sasl = options.get("security.protocol", "").lower().startswith("sasl_")
    if tls is False:
        return {"security.protocol": "sasl_plaintext" if sasl else "plaintext"}
    found = {"security.protocol": "sasl_ssl" if sasl else "ssl"}
    if tls is True:
        return found
    if tls.domain or tls.verification_server_name:
        raise ConfigurationError(
            "Kafka's client verifies the names that brokers advertise, and no other ones: leave out domain and"
            " verification_server_name, or set ssl.endpoint.identification.algorithm=none in kafka_options",
            option="tls",
        )
    if bool(tls.client_cert) != bool(tls.client_private_key):
        raise ConfigurationError("a TLS client needs client_cert and client_private_key, or neither", option="tls")
    for name, pem in (
        ("ssl.ca.pem", tls.server_root_ca_cert),
        ("ssl.certificate.pem", tls.client_cert),
        ("ssl.key.pem", tls.client_private_key),
    ):
        if pem:
            found[name] = _text(pem)
    return found


def _text(pem: bytes) -> str:
    try:
        return pem.decode("ascii")
    except UnicodeDecodeError as error:
        raise ConfigurationError("certificates and keys must be PEM, which is text", option="tls") from error
