"""What files and variables say about connecting, and which of them wins."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
from foldlog.client import Client
from foldlog.envconfig import ClientConfig, ClientConfigProfile, ClientConfigTLS, ClientConnectConfig
from foldlog.exceptions import ConfigurationError
from foldlog.service import TLSConfig

FILE = """
[profile.default]
address = "kafka.example:9092"
namespace = "shop"

[profile.default.grpc_meta]
Trace_Id = "7"

[profile.prod]
address = "a.example:9093,b.example:9093"

[profile.prod.tls]
server_ca_cert_data = "CA"
client_cert_path = "%s"
client_key_data = "KEY"

[profile.prod.kafka_options]
"sasl.username" = "ann"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    certificate = tmp_path / "client.pem"
    certificate.write_text("CERT")
    path = tmp_path / "foldlog.toml"
    path.write_text(FILE % certificate.as_posix())
    return path


def test_nothing_said_is_nothing_given(tmp_path: Path) -> None:
    assert ClientConfig.load_client_connect_config(override_env_vars={"XDG_CONFIG_HOME": str(tmp_path)}) == {}


def test_the_default_profile_needs_no_name_and_need_not_be_there(file: Path, tmp_path: Path) -> None:
    found = ClientConfig.load_client_connect_config(config_file=str(file), override_env_vars={})
    assert found == {
        "target_host": "kafka.example:9092",
        "namespace": "shop",
        "rpc_metadata": {"trace-id": "7"},
    }
    assert ClientConfigProfile.load(config_source="", override_env_vars={}) == ClientConfigProfile()
    assert ClientConfig.load(config_source=tmp_path / "missing.toml").profiles == {}


def test_a_profile_reads_its_certificates_and_keeps_options_of_kafka(file: Path) -> None:
    found = ClientConfig.load_client_connect_config("prod", config_file=str(file), override_env_vars={})
    assert found == {
        "target_host": "a.example:9093,b.example:9093",
        "tls": TLSConfig(server_root_ca_cert=b"CA", client_cert=b"CERT", client_private_key=b"KEY"),
        "kafka_options": {"sasl.username": "ann"},
    }


def test_variables_win_over_the_file_and_can_be_left_out(file: Path) -> None:
    variables = {
        "FOLDLOG_CONFIG_FILE": str(file),
        "FOLDLOG_PROFILE": "prod",
        "KAFKA_BOOTSTRAP_SERVERS": "other.example:9092",
        "FOLDLOG_NAMESPACE": "test",
        "FOLDLOG_TLS": "false",
        "FOLDLOG_GRPC_META_X_Y": "z",
    }
    assert ClientConfig.load_client_connect_config(override_env_vars=variables) == {
        "target_host": "other.example:9092",
        "namespace": "test",
        "tls": False,
        "rpc_metadata": {"x-y": "z"},
        "kafka_options": {"sasl.username": "ann"},
    }
    without = ClientConfigProfile.load(config_source=file, disable_env=True)
    assert (without.address, without.namespace) == ("kafka.example:9092", "shop")
    assert ClientConfigProfile.load(disable_file=True, override_env_vars=variables) == ClientConfigProfile(
        address="other.example:9092", namespace="test", tls=ClientConfigTLS(disabled=True), grpc_meta={"x-y": "z"}
    )


def test_the_more_special_address_wins() -> None:
    variables = {"FOLDLOG_ADDRESS": "a:1", "KAFKA_BOOTSTRAP_SERVERS": "b:2"}
    assert ClientConfigProfile.load(config_source="", override_env_vars=variables).address == "a:1"


def test_certificates_come_from_variables_too(tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    key.write_text("KEY")
    variables = {"FOLDLOG_TLS_CLIENT_CERT_DATA": "CERT", "FOLDLOG_TLS_CLIENT_KEY_PATH": str(key)}
    found = ClientConfigProfile.load(config_source="", override_env_vars=variables).to_client_connect_config()
    assert found == {"tls": TLSConfig(client_cert=b"CERT", client_private_key=b"KEY")}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"profile": "staging"}, "no profile 'staging'"),
        ({"override_env_vars": {"FOLDLOG_PROFILE": "staging"}}, "no profile 'staging'"),
        ({"config_source": "profile = 3"}, "cannot be understood"),
        ({"config_source": "[profile.default]\naddress = 3"}, r"cannot be understood: .*address"),
        ({"config_source": "[profile.a.tls]\nclient_key_path='x'\nclient_key_data='y'"}, "client_key has both"),
        ({"config_source": "[profile.default]\nadress = 'x'", "config_file_strict": True}, "adress"),
        ({"disable_file": True, "disable_env": True}, "either a file or the environment"),
        (
            {"override_env_vars": {"FOLDLOG_TLS_CLIENT_CERT_DATA": "a", "FOLDLOG_TLS_CLIENT_CERT_PATH": "b"}},
            "FOLDLOG_TLS_CLIENT_CERT has both",
        ),
    ],
)
def test_what_cannot_be_is_refused(arguments: dict[str, object], message: str) -> None:
    given: dict[str, object] = {"config_source": "[profile.other]\n", "override_env_vars": {}, **arguments}
    with pytest.raises(ConfigurationError, match=message):
        ClientConfigProfile.load(**given)  # type: ignore[arg-type] # they are put together


def test_a_certificate_that_is_not_there_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "missing.pem"
    with pytest.raises(ConfigurationError, match=r"missing\.pem cannot be read"):
        ClientConfigTLS(client_cert=missing).to_connect_tls_config()


def test_unknown_keys_are_passed_over_unless_it_is_strict() -> None:
    source = "[profile.default]\naddress = 'a:1'\ncolour = 'red'\n"
    assert ClientConfigProfile.load(config_source=source, override_env_vars={}).address == "a:1"


def test_profiles_are_plain_values_and_back(file: Path) -> None:
    config = ClientConfig.load(config_source=file)
    assert set(config.profiles) == {"default", "prod"}
    assert ClientConfig.from_dict(config.to_dict()) == config
    key = ClientConfigProfile(address="a:1", tls=ClientConfigTLS(disabled=True, client_private_key=b"K"))
    assert key.to_dict() == {"address": "a:1", "tls": {"disabled": True, "client_key": {"data": "K"}}}


def test_an_api_key_means_tls() -> None:
    assert ClientConfigProfile(api_key="k").to_client_connect_config() == {"api_key": "k", "tls": True}


def test_connect_takes_whatever_a_profile_says() -> None:
    known = set(inspect.signature(Client.connect).parameters) | {"api_key", "rpc_metadata"}
    assert set(ClientConnectConfig.__annotations__) <= known


CERTIFICATE = """
[profile.default]
address = "a:1"
[profile.default.tls]
client_cert_{kind} = "from the file"
"""


def test_certificates_as_text_are_bytes() -> None:
    tls = ClientConfigProfile.load(config_source=CERTIFICATE.format(kind="data"), override_env_vars={}).tls
    assert tls is not None
    assert tls.client_cert == b"from the file"


@pytest.mark.parametrize(("file", "variable"), [("path", "DATA"), ("data", "PATH")])
def test_a_certificate_has_one_source(file: str, variable: str) -> None:
    """Errors are what Temporal's users catch, too: `RuntimeError`."""
    variables = {f"FOLDLOG_TLS_CLIENT_CERT_{variable}": "x"}
    with pytest.raises(RuntimeError, match=f"FOLDLOG_TLS_CLIENT_CERT_{variable} is set"):
        ClientConfigProfile.load(config_source=CERTIFICATE.format(kind=file), override_env_vars=variables)
    same = {f"FOLDLOG_TLS_CLIENT_CERT_{file.upper()}": "from the environment"}
    tls = ClientConfigProfile.load(config_source=CERTIFICATE.format(kind=file), override_env_vars=same).tls
    assert tls is not None
    assert tls.client_cert == (Path("from the environment") if file == "path" else b"from the environment")
