"""How a client connects, as files and environment variables say: profiles in TOML, variables that win over them.

Owns the names of variables and keys, and which of them wins. Names, the file's format and meanings follow Temporal's
`temporalio.envconfig`; the variables begin with FOLDLOG_, except for Kafka's address, and a profile may have options of
librdkafka. What the settings do is `Client.connect`'s matter.
"""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self, TypeAlias, TypedDict, cast

import msgspec
from foldlog.exceptions import ConfigurationError
from foldlog.service import TLSConfig

__all__ = [
    "ClientConfig",
    "ClientConfigError",
    "ClientConfigProfile",
    "ClientConfigProfileDict",
    "ClientConfigTLS",
    "ClientConfigTLSDict",
    "ClientConnectConfig",
    "DataSource",
]

DataSource: TypeAlias = Path | str | bytes
"""A file, or its content."""

DEFAULT_PROFILE = "default"
ADDRESS_VARIABLES = ("FOLDLOG_ADDRESS", "KAFKA_BOOTSTRAP_SERVERS")
"""The first one that is set counts."""
META_PREFIX = "FOLDLOG_GRPC_META_"
TLS_PREFIX = "FOLDLOG_TLS"
_FIELDS = {
    "client_cert": "client_cert",
    "client_key": "client_private_key",
    "server_ca_cert": "server_root_ca_cert",
}
_SOURCES = {"client_cert": "CLIENT_CERT", "client_key": "CLIENT_KEY", "server_ca_cert": "SERVER_CA_CERT"}


class ClientConfigError(ConfigurationError, RuntimeError):
    """A file or a variable that says how to connect cannot be read, or what it says cannot be."""


class ClientConfigTLSDict(TypedDict, total=False):
    """`ClientConfigTLS` as plain values."""

    disabled: bool | None
    server_name: str
    server_ca_cert: Mapping[str, str]
    client_cert: Mapping[str, str]
    client_key: Mapping[str, str]


class ClientConfigProfileDict(TypedDict, total=False):
    """`ClientConfigProfile` as plain values."""

    address: str
    namespace: str
    api_key: str
    tls: ClientConfigTLSDict
    grpc_meta: Mapping[str, str]
    kafka_options: Mapping[str, str]


class ClientConnectConfig(TypedDict, total=False):
    """Arguments of `Client.connect`: `await Client.connect(**config)`."""

    target_host: str
    namespace: str
    api_key: str
    tls: bool | TLSConfig
    rpc_metadata: Mapping[str, str]
    kafka_options: Mapping[str, str]


@dataclass(frozen=True)
class ClientConfigTLS:
    """TLS of a profile."""

    disabled: bool | None = None
    """True: no TLS. False: TLS. None: nothing was said, so TLS, since there is a section about it."""
    server_name: str | None = None
    """Another name than that of the address; Kafka's client refuses it."""
    server_root_ca_cert: DataSource | None = None
    """Who must have signed the brokers' certificates."""
    client_cert: DataSource | None = None
    """Our certificate."""
    client_private_key: DataSource | None = None
    """Its key."""

    def to_dict(self) -> ClientConfigTLSDict:
        """As plain values, without what was not said."""
        found: dict[str, Any] = {
            "disabled": self.disabled,
            "server_name": self.server_name,
            "server_ca_cert": _to_plain(self.server_root_ca_cert),
            "client_cert": _to_plain(self.client_cert),
            "client_key": _to_plain(self.client_private_key),
        }
        return cast(ClientConfigTLSDict, {name: value for name, value in found.items() if value is not None})

    def to_connect_tls_config(self) -> bool | TLSConfig:
        """What `Client.connect` takes as `tls`. Reads the files.

        Raises:
            ClientConfigError: A file cannot be read.
        """
        if self.disabled:
            return False
        return TLSConfig(
            domain=self.server_name,
            server_root_ca_cert=_content(self.server_root_ca_cert),
            client_cert=_content(self.client_cert),
            client_private_key=_content(self.client_private_key),
        )

    @classmethod
    def from_dict(cls, d: ClientConfigTLSDict | None) -> Self | None:
        """From plain values; None if there are none."""
        if not d:
            return None
        return cls(
            disabled=d.get("disabled"),
            server_name=d.get("server_name"),
            server_root_ca_cert=_from_plain(d.get("server_ca_cert")),
            client_cert=_from_plain(d.get("client_cert")),
            client_private_key=_from_plain(d.get("client_key")),
        )


@dataclass(frozen=True)
class ClientConfigProfile:
    """One way to connect."""

    address: str | None = None
    """Kafka's: `host:port`, several separated by commas."""
    namespace: str | None = None
    """The application."""
    api_key: str | None = None
    """Temporal Cloud's; `Client.connect` refuses it."""
    tls: ClientConfigTLS | None = None
    """None: nothing was said."""
    grpc_meta: Mapping[str, str] = field(default_factory=dict)
    """Headers of gRPC calls: taken, and without meaning."""
    kafka_options: Mapping[str, str] = field(default_factory=dict)
    """Options of librdkafka, such as those for SASL."""

    @classmethod
    def from_dict(cls, d: ClientConfigProfileDict) -> Self:
        """From plain values."""
        return cls(
            address=d.get("address"),
            namespace=d.get("namespace"),
            api_key=d.get("api_key"),
            tls=ClientConfigTLS.from_dict(d.get("tls")),
            grpc_meta=d.get("grpc_meta") or {},
            kafka_options=d.get("kafka_options") or {},
        )

    def to_dict(self) -> ClientConfigProfileDict:
        """As plain values, without what was not said."""
        found: dict[str, Any] = {
            "address": self.address,
            "namespace": self.namespace,
            "api_key": self.api_key,
            "tls": (self.tls.to_dict() if self.tls else None) or None,
            "grpc_meta": self.grpc_meta or None,
            "kafka_options": self.kafka_options or None,
        }
        return cast(ClientConfigProfileDict, {name: value for name, value in found.items() if value is not None})

    def to_client_connect_config(self) -> ClientConnectConfig:
        """The arguments of `Client.connect`, without what was not said. Reads the files of certificates.

        Raises:
            ClientConfigError: A file cannot be read.
        """
        config = ClientConnectConfig()
        if self.address:
            config["target_host"] = self.address
        if self.namespace is not None:
            config["namespace"] = self.namespace
        if self.api_key is not None:
            config["api_key"] = self.api_key
            config["tls"] = True
        if self.tls is not None:
            config["tls"] = self.tls.to_connect_tls_config()
        if self.grpc_meta:
            config["rpc_metadata"] = self.grpc_meta
        if self.kafka_options:
            config["kafka_options"] = self.kafka_options
        return config

    @staticmethod
    def load(
        profile: str | None = None,
        *,
        config_source: DataSource | None = None,
        disable_file: bool = False,
        disable_env: bool = False,
        config_file_strict: bool = False,
        override_env_vars: Mapping[str, str] | None = None,
    ) -> ClientConfigProfile:
        """One profile, as the file and then the environment have it.

        Args:
            profile: Its name; None: that of `FOLDLOG_PROFILE`, or `default`, which need not be there.
            config_source: A path, or the content of a file; None: the file that `FOLDLOG_CONFIG_FILE` names, or
                `foldlog/foldlog.toml` in the user's folder of settings.
            disable_file: Whether no file is read.
            disable_env: Whether no variable is read.
            config_file_strict: Whether keys that nobody knows are errors.
            override_env_vars: The variables, in place of those of this process.

        Raises:
            ClientConfigError: There is no such profile, the file cannot be read, or what it says cannot be.
        """
        if disable_file and disable_env:
            raise ClientConfigError("either a file or the environment must say how to connect", option="disable_env")
        variables = os.environ if override_env_vars is None else override_env_vars
        found = ClientConfigProfile()
        if not disable_file:
            profiles = _read_profiles(config_source, config_file_strict, variables)
            name = profile or ("" if disable_env else variables.get("FOLDLOG_PROFILE", ""))
            if name and name not in profiles:
                raise ClientConfigError(f"there is no profile {name!r}", option="profile")
            found = profiles.get(name or DEFAULT_PROFILE, found)
        return found if disable_env else _with_variables(found, variables)


@dataclass
class ClientConfig:
    """All profiles of a file."""

    profiles: Mapping[str, ClientConfigProfile]
    """By name."""

    def to_dict(self) -> Mapping[str, ClientConfigProfileDict]:
        """As plain values."""
        return {name: profile.to_dict() for name, profile in self.profiles.items()}

    @classmethod
    def from_dict(cls, d: Mapping[str, Mapping[str, Any]]) -> Self:
        """From plain values."""
        return cls(
            {name: ClientConfigProfile.from_dict(cast(ClientConfigProfileDict, found)) for name, found in d.items()}
        )

    @staticmethod
    def load(
        *,
        config_source: DataSource | None = None,
        config_file_strict: bool = False,
        override_env_vars: Mapping[str, str] | None = None,
    ) -> ClientConfig:
        """All profiles as the file has them; variables change none of them. No file: no profiles.

        Args:
            config_source: See `ClientConfigProfile.load`.
            config_file_strict: Likewise.
            override_env_vars: Likewise; only `FOLDLOG_CONFIG_FILE` counts.

        Raises:
            ClientConfigError: The file cannot be read, or what it says cannot be.
        """
        variables = os.environ if override_env_vars is None else override_env_vars
        return ClientConfig(_read_profiles(config_source, config_file_strict, variables))

    @staticmethod
    def load_client_connect_config(
        profile: str | None = None,
        *,
        config_file: str | None = None,
        disable_file: bool = False,
        disable_env: bool = False,
        config_file_strict: bool = False,
        override_env_vars: Mapping[str, str] | None = None,
    ) -> ClientConnectConfig:
        """`ClientConfigProfile.load`, and then the arguments of `Client.connect`.

        Args:
            profile: See there.
            config_file: Path of a file.
            disable_file: See there.
            disable_env: See there.
            config_file_strict: See there.
            override_env_vars: See there.

        Raises:
            ClientConfigError: There is no such profile, a file cannot be read, or what it says cannot be.
        """
        found = ClientConfigProfile.load(
            profile,
            config_source=Path(config_file) if config_file and not disable_file else None,
            disable_file=disable_file,
            disable_env=disable_env,
            config_file_strict=config_file_strict,
            override_env_vars=override_env_vars,
        )
        return found.to_client_connect_config()


# Files.


class _TLS(msgspec.Struct, kw_only=True):
    disabled: bool | None = None
    server_name: str | None = None
    client_cert_path: str | None = None
    client_cert_data: str | None = None
    client_key_path: str | None = None
    client_key_data: str | None = None
    server_ca_cert_path: str | None = None
    server_ca_cert_data: str | None = None
    disable_host_verification: bool = False

    def load(self) -> ClientConfigTLS:
        return ClientConfigTLS(
            disabled=self.disabled,
            server_name=self.server_name,
            client_cert=_one_of("client_cert", self.client_cert_path, self.client_cert_data),
            client_private_key=_one_of("client_key", self.client_key_path, self.client_key_data),
            server_root_ca_cert=_one_of("server_ca_cert", self.server_ca_cert_path, self.server_ca_cert_data),
        )


class _Profile(msgspec.Struct, kw_only=True):
    address: str | None = None
    namespace: str | None = None
    api_key: str | None = None
    tls: _TLS | None = None
    codec: dict[str, str] | None = None
    """Temporal's command line has a server for payloads; nobody here does."""
    grpc_meta: dict[str, str] = {}
    kafka_options: dict[str, str] = {}

    def load(self) -> ClientConfigProfile:
        return ClientConfigProfile(
            address=self.address,
            namespace=self.namespace,
            api_key=self.api_key,
            tls=self.tls.load() if self.tls is not None else None,
            grpc_meta={_meta_name(name): value for name, value in self.grpc_meta.items()},
            kafka_options=self.kafka_options,
        )


class _File(msgspec.Struct, kw_only=True):
    profile: dict[str, _Profile] = {}


class _StrictTLS(_TLS, forbid_unknown_fields=True):
    pass


class _StrictProfile(_Profile, forbid_unknown_fields=True):
    tls: _StrictTLS | None = None


class _StrictFile(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    profile: dict[str, _StrictProfile] = {}


def _read_profiles(
    source: DataSource | None, strict: bool, variables: Mapping[str, str]
) -> dict[str, ClientConfigProfile]:
    where: DataSource = source if source is not None else _default_file(variables)
    if isinstance(where, Path) and not where.exists():
        return {}
    name = str(where) if isinstance(where, Path) else "the configuration"
    try:
        parsed = tomllib.loads((_content(where) or b"").decode())
        wanted: type[_File] | type[_StrictFile] = _StrictFile if strict else _File
        file = msgspec.convert(parsed, wanted)
    except (ValueError, msgspec.ValidationError) as error:
        raise ClientConfigError(f"{name} cannot be understood: {error}", option="config_source") from error
    return {name: profile.load() for name, profile in file.profile.items()}


def _default_file(variables: Mapping[str, str]) -> Path:
    """Where settings of a user are on this system."""
    if named := variables.get("FOLDLOG_CONFIG_FILE"):
        return Path(named)
    if sys.platform == "darwin":
        folder = Path.home() / "Library" / "Application Support"
    elif sys.platform == "win32":
        folder = Path(variables.get("APPDATA") or Path.home() / "AppData" / "Roaming")
    else:
        folder = Path(variables.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return folder / "foldlog" / "foldlog.toml"


# Variables.


def _with_variables(profile: ClientConfigProfile, variables: Mapping[str, str]) -> ClientConfigProfile:
    address = next((variables[name] for name in ADDRESS_VARIABLES if variables.get(name)), profile.address)
    meta = dict(profile.grpc_meta)
    for name, value in variables.items():
        if name.startswith(META_PREFIX):
            meta[_meta_name(name.removeprefix(META_PREFIX))] = value
    return replace(
        profile,
        address=address,
        namespace=variables.get("FOLDLOG_NAMESPACE") or profile.namespace,
        tls=_tls_with_variables(profile.tls, variables),
        grpc_meta={name: value for name, value in meta.items() if value},
    )


def _tls_with_variables(tls: ClientConfigTLS | None, variables: Mapping[str, str]) -> ClientConfigTLS | None:
    if not any(name == TLS_PREFIX or name.startswith(f"{TLS_PREFIX}_") for name in variables):
        return tls
    tls = tls or ClientConfigTLS()
    for name, variable in _SOURCES.items():
        said = getattr(tls, _FIELDS[name])
        for kind, other in (("DATA", Path), ("PATH", bytes)):
            if variables.get(f"{TLS_PREFIX}_{variable}_{kind}") and isinstance(said, other):
                raise ClientConfigError(
                    f"{TLS_PREFIX}_{variable}_{kind} is set, but the profile has {name} of the other kind", option=name
                )
    switch = {"true": False, "1": False, "false": True, "0": True}.get(variables.get(TLS_PREFIX, "").lower())
    sources = {
        name: _one_of(
            f"{TLS_PREFIX}_{variable}",
            variables.get(f"{TLS_PREFIX}_{variable}_PATH"),
            variables.get(f"{TLS_PREFIX}_{variable}_DATA"),
        )
        for name, variable in _SOURCES.items()
    }
    return ClientConfigTLS(
        disabled=tls.disabled if switch is None else switch,
        server_name=variables.get(f"{TLS_PREFIX}_SERVER_NAME") or tls.server_name,
        server_root_ca_cert=sources["server_ca_cert"] or tls.server_root_ca_cert,
        client_cert=sources["client_cert"] or tls.client_cert,
        client_private_key=sources["client_key"] or tls.client_private_key,
    )


def _meta_name(name: str) -> str:
    return name.lower().replace("_", "-")


# Sources.


def _one_of(name: str, path: str | None, data: str | None) -> DataSource | None:
    if path and data:
        raise ClientConfigError(f"{name} has both a path and data; give one", option=name)
    if path:
        return Path(path)
    return data.encode() if data else None


def _content(source: DataSource | None) -> bytes | None:
    if isinstance(source, Path):
        try:
            return source.read_bytes()
        except OSError as error:
            raise ClientConfigError(f"{source} cannot be read: {error}") from error
    return source.encode() if isinstance(source, str) else source


def _to_plain(source: DataSource | None) -> Mapping[str, str] | None:
    if isinstance(source, Path):
        return {"path": str(source)}
    content = _content(source)
    return None if content is None else {"data": content.decode()}


def _from_plain(plain: Mapping[str, str] | None) -> DataSource | None:
    if not plain:
        return None
    return plain["data"].encode() if "data" in plain else Path(plain["path"])
