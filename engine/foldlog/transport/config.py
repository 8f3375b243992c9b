"""How to reach Kafka: one set of options for every producer, consumer and admin client of a process.

Owns our defaults, the options that nobody may change because correctness rests on them, and the translation of
Java clients' property files. Opens no connection and imports no Kafka library.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from weakref import WeakSet

from foldlog.transport._options import ALIASES, ONLY_CONSUMER, ONLY_PRODUCER, REFUSED
from foldlog.transport.errors import ConfigurationError

BOOTSTRAP_VARIABLE = "KAFKA_BOOTSTRAP_SERVERS"

MAXIMUM_RECORD_BYTES = 1_000_000
"""librdkafka's default, a little below the broker's."""

_COMMON: Mapping[str, str] = {
    "client.id": "foldlog",
    # A topic that a producer creates by accident has the wrong partition count, and workflows in two places.
    "allow.auto.create.topics": "false",
    # The default of 10 s keeps everybody waiting after a broker has come back.
    "reconnect.backoff.max.ms": "1000",
    # Brokers close idle connections; that is no news.
    "log.connection.close": "false",
}

_PRODUCER: Mapping[str, str] = {
    "enable.idempotence": "true",
    "request.required.acks": "all",
    "partitioner": "murmur2_random",
    "queue.buffering.max.ms": "0",
    "compression.codec": "lz4",
    # librdkafka waits this long on CONCURRENT_TRANSACTIONS; its default of 100 ms is longer than thirty commits.
    "retry.backoff.ms": "1",
}

_CONSUMER: Mapping[str, str] = {
    "isolation.level": "read_committed",
    "enable.auto.commit": "false",
    "enable.auto.offset.store": "false",
    # An offset that retention has overtaken is an error, never a silent jump.
    "auto.offset.reset": "error",
    # A fetch that waits is woken by records and by commit markers (measured), but not by a partition that is to be read
    # from elsewhere, or again after a pause: that one waits for it. Shorter ones keep an idle broker busy: at 20 ms
    # each idle worker took 6 % of a core of it, now 1 to 2.
    "fetch.wait.max.ms": "100",
    "fetch.error.backoff.ms": "5",
    "fetch.queue.backoff.ms": "5",
}

_JAVA_STORES = {
    "ssl.truststore.location": "ssl.ca.location",
    "ssl.keystore.location": "ssl.certificate.location and ssl.key.location",
}
_ADDRESS = re.compile(r"(?:(?P<scheme>\w+)://)?(?:\[[0-9a-fA-F:.%\w]+\]|[^\s:/\[\]]+)(?::(?P<port>\d{1,5}))?")
"""As librdkafka takes it: a protocol may stand before, and a port behind."""
_PROTOCOLS = ("plaintext", "ssl", "sasl_plaintext", "sasl_ssl")
_SECRET = re.compile(r"password|secret|\.pem$|jaas|token")
_JAAS_MODULE = re.compile(r"^\s*[\w.]*\.(?P<module>\w+)\s+required\b")
_JAAS_VALUE = re.compile(r"(?P<name>username|password)\s*=\s*(\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)')")


@dataclass(frozen=True, kw_only=True, repr=False)
class KafkaConfig:
    """Addresses and options, checked when made.

    Attributes:
        bootstrap_servers: `host:port`, several separated by commas.
        options: Any option of librdkafka, for all clients of this process. Those that are for producers only or
            for consumers only go where they belong. Second names (`linger.ms`) are stored under the first.

    Raises:
        ConfigurationError: On making one: no address, or an option that correctness rests on.
    """

    bootstrap_servers: str
    options: Mapping[str, str] = field(default_factory=dict)
    _opened: WeakSet[Any] = field(default_factory=WeakSet, init=False, compare=False)
    """Kafka's clients that were made with it and live; see `transport.clients`."""

    def __post_init__(self) -> None:
        options = normalized(self.options)
        address = options.pop("bootstrap.servers", None)
        if address is not None and address != self.bootstrap_servers:
            raise ConfigurationError(
                f"bootstrap.servers is {address} among the options but {self.bootstrap_servers} otherwise"
            )
        if not self.bootstrap_servers.strip():
            raise ConfigurationError(f"no Kafka address was given: pass it, or set {BOOTSTRAP_VARIABLE}")
        for entry in self.bootstrap_servers.split(","):
            _check_address(entry.strip(), options.get("security.protocol", "plaintext"))
        for name in options:
            if name in REFUSED:
                others = [f", also named {second}," for second, first in ALIASES.items() if first == name]
                raise ConfigurationError(f"the Kafka option {name}{''.join(others)} cannot be set: {REFUSED[name]}")
        object.__setattr__(self, "options", options)

    def __reduce__(self) -> tuple[Any, ...]:
        # A copy has opened nothing.
        return _made, (self.bootstrap_servers, dict(self.options))

    def __repr__(self) -> str:
        shown = {name: "***" if _SECRET.search(name) else value for name, value in self.options.items()}
        return f"KafkaConfig(bootstrap_servers={self.bootstrap_servers!r}, options={shown!r})"

    @classmethod
    def from_environment(
        cls,
        bootstrap_servers: str | None = None,
        options: Mapping[str, str] | Iterable[str] = (),
        properties_file: str | os.PathLike[str] | None = None,
    ) -> KafkaConfig:
        """The configuration of this process; what is named more closely wins.

        The address is the argument, else `bootstrap.servers` of the options, else that of the file, else the
        environment variable `KAFKA_BOOTSTRAP_SERVERS`. An option given here wins over the same one in the file.

        Args:
            bootstrap_servers: `host:port`, several separated by commas.
            options: Options of librdkafka, as a mapping or as `name=value` strings.
            properties_file: A file as Java clients and librdkafka's tools read it.

        Raises:
            ConfigurationError: No address, a string without `=`, an unreadable file, a refused option.
        """
        merged = read_properties(properties_file) if properties_file is not None else {}
        merged.update(normalized(options if isinstance(options, Mapping) else parse_options(options)))
        address = merged.pop("bootstrap.servers", None)
        address = bootstrap_servers or address or os.environ.get(BOOTSTRAP_VARIABLE) or ""
        return cls(bootstrap_servers=address, options=merged)

    @property
    def credentials(self) -> tuple[str, str] | None:
        """Name and password for SASL; None: there are none."""
        if "sasl.username" in self.options and "sasl.password" in self.options:
            return self.options["sasl.username"], self.options["sasl.password"]
        return None

    def differences(self, other: KafkaConfig) -> list[str]:
        """Names of the options in which another configuration differs, name and password aside if both have them."""
        own, others = ({**each.options, "bootstrap.servers": each.addresses} for each in (self, other))
        if self.credentials and other.credentials:
            for options in (own, others):
                del options["sasl.username"], options["sasl.password"]
        return sorted(name for name in own.keys() | others.keys() if own.get(name) != others.get(name))

    @property
    def target_host(self) -> str:
        """The addresses as they were written, under the name that `Client.connect` has for them."""
        return self.bootstrap_servers

    @property
    def addresses(self) -> str:
        """The addresses in order, however they were written."""
        return ",".join(sorted(entry.strip() for entry in self.bootstrap_servers.split(",")))

    @property
    def maximum_record_bytes(self) -> int:
        """The largest record that clients send, in bytes: `message.max.bytes`."""
        return int(self.options.get("message.max.bytes", MAXIMUM_RECORD_BYTES))

    def producer(self, **overrides: Any) -> dict[str, Any]:
        """Settings of a producer: idempotent, murmur2, no linger, lz4.

        Args:
            **overrides: Options that the calling code decides, the refused ones included.
        """
        return self._settings(_PRODUCER, ONLY_CONSUMER, overrides)

    def consumer(self, **overrides: Any) -> dict[str, Any]:
        """Settings of a consumer: committed records only, no automatic commit.

        Args:
            **overrides: Options that the calling code decides, `group.id` among them.
        """
        return self._settings(_CONSUMER, ONLY_PRODUCER, overrides)

    def admin(self, **overrides: Any) -> dict[str, Any]:
        """Settings of an admin client.

        Args:
            **overrides: Options that the calling code decides.
        """
        return self._settings({}, ONLY_CONSUMER | ONLY_PRODUCER, overrides)

    def _settings(
        self, defaults: Mapping[str, str], foreign: frozenset[str], overrides: Mapping[str, Any]
    ) -> dict[str, Any]:
        own = {name: value for name, value in self.options.items() if name not in foreign}
        code = {ALIASES.get(name, name): value for name, value in overrides.items()}
        return {"bootstrap.servers": self.bootstrap_servers, **_COMMON, **defaults, **own, **code}


def _made(bootstrap_servers: str, options: Mapping[str, str]) -> KafkaConfig:
    return KafkaConfig(bootstrap_servers=bootstrap_servers, options=options)


def parse_options(options: Iterable[str]) -> dict[str, str]:
    """`name=value` strings, as they come from a command line, as a mapping.

    Raises:
        ConfigurationError: One of them has no `=`.
    """
    parsed: dict[str, str] = {}
    for option in options:
        name, separator, value = option.partition("=")
        if not separator or not name.strip():
            raise ConfigurationError(f"a Kafka option is written name=value, not {option!r}")
        parsed[name.strip()] = value.strip()
    return parsed


def read_properties(path: str | os.PathLike[str]) -> dict[str, str]:
    """The options in a Java properties file, under librdkafka's names.

    Raises:
        ConfigurationError: The file cannot be read, or holds what only Java can use, such as a JKS store.
    """
    import javaproperties  # with XML and HTTP in its wake: half of what a client that reads no file would import

    try:
        with Path(path).open(encoding="utf-8") as file:
            options = javaproperties.load(file)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"the Kafka options in {os.fspath(path)} cannot be read: {error}") from error
    return normalized(options)


def normalized(options: Mapping[str, str]) -> dict[str, str]:
    """The same options under their first names, those of Java clients translated.

    Raises:
        ConfigurationError: A Java option that has no counterpart in librdkafka.
    """
    result: dict[str, str] = {}
    for name, value in options.items():
        if name == "sasl.jaas.config":
            result.update(_from_jaas(value))
        elif name == "ssl.endpoint.identification.algorithm":
            result[name] = value or "none"  # Java turns it off with the empty value
        else:
            result[ALIASES.get(name, name)] = value
    return _without_java_stores(result)


def _from_jaas(value: str) -> dict[str, str]:
    module = _JAAS_MODULE.match(value)
    found = {match["name"]: match["double"] or match["single"] or "" for match in _JAAS_VALUE.finditer(value)}
    if module is None or module["module"] not in ("PlainLoginModule", "ScramLoginModule") or len(found) != 2:
        raise ConfigurationError(
            "sasl.jaas.config is only understood for PlainLoginModule and ScramLoginModule with a username and a"
            " password: set librdkafka's sasl.* options instead"
        )
    return {"sasl.username": found["username"], "sasl.password": found["password"]}


def _without_java_stores(options: dict[str, str]) -> dict[str, str]:
    if options.get("ssl.truststore.type", "").upper() == "PEM" and "ssl.truststore.location" in options:
        options["ssl.ca.location"] = options.pop("ssl.truststore.location")
        del options["ssl.truststore.type"]
    for name, instead in _JAVA_STORES.items():
        if name in options:
            raise ConfigurationError(
                f"{name} names a store that only Java reads: export it as PEM files and set {instead}"
            )
    return options


def _check_address(text: str, protocol: str) -> None:
    """Librdkafka would try any text as a host, take a port modulo 65536, and leave out addresses of another protocol.

    Raises:
        ConfigurationError: It is no address.
    """
    match = _ADDRESS.fullmatch(text)
    if match is not None and match["scheme"] and match["scheme"].lower() != protocol.lower():
        known = match["scheme"].lower() in _PROTOCOLS
        raise ConfigurationError(
            f"the Kafka address {text!r} begins with {match['scheme']}://, "
            + (f"but security.protocol is {protocol}" if known else "and Kafka speaks no such protocol")
            + f": write {text.partition('://')[2]}"
            + (f" and set security.protocol={match['scheme']}" if known else ""),
            option="bootstrap.servers",
        )
    if match is None or not 0 < int(match["port"] or 9092) < 65536:
        raise ConfigurationError(
            f"the Kafka address {text!r} is not written host:port (several are separated by commas)",
            option="bootstrap.servers",
        )
