"""What `Client.connect` makes of its options, Temporal's among them; nothing is connected."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from foldlog.client import Client
from foldlog.client._connecting import check_options, kafka_of
from foldlog.common import QueryRejectCondition
from foldlog.exceptions import ConfigurationError
from foldlog.schemas import reply
from foldlog.schemas.records import Reply
from foldlog.service import (
    HttpConnectProxyConfig,
    KeepAliveConfig,
    RetryConfig,
    RPCError,
    RPCStatusCode,
    TLSConfig,
)
from foldlog.transport.config import KafkaConfig

from .scripted import ScriptedTransport


def options_of(tls: bool | TLSConfig | None, **options: str) -> dict[str, str]:
    given = {name.replace("_", "."): value for name, value in options.items()}
    return dict(kafka_of("localhost:9092", given, None, tls).options)


def test_tls_is_spoken_when_it_is_asked_for() -> None:
    assert options_of(None) == {}
    assert options_of(True) == {"security.protocol": "ssl"}
    assert options_of(True, security_protocol="SASL_PLAINTEXT") == {"security.protocol": "sasl_ssl"}
    assert options_of(False, security_protocol="SSL") == {"security.protocol": "plaintext"}
    assert options_of(TLSConfig()) == {"security.protocol": "ssl"}


def test_certificates_are_given_to_kafka_as_they_are() -> None:
    tls = TLSConfig(server_root_ca_cert=b"CA", client_cert=b"CERT", client_private_key=b"KEY")
    assert options_of(tls) == {
        "security.protocol": "ssl",
        "ssl.ca.pem": "CA",
        "ssl.certificate.pem": "CERT",
        "ssl.key.pem": "KEY",
    }
    assert "KEY" not in repr(kafka_of("localhost:9092", (), None, tls))


@pytest.mark.parametrize(
    ("tls", "message"),
    [
        (TLSConfig(domain="other.example"), "leave out domain"),
        (TLSConfig(verification_server_name="other.example"), "leave out domain"),
        (TLSConfig(client_cert=b"CERT"), "client_cert and client_private_key"),
        (TLSConfig(server_root_ca_cert=b"\xff\xfe"), "must be PEM"),
    ],
)
def test_what_kafka_cannot_do_is_refused(tls: TLSConfig, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        kafka_of("localhost:9092", (), None, tls)


def test_a_whole_configuration_comes_alone() -> None:
    config = KafkaConfig(bootstrap_servers="localhost:9092")
    assert kafka_of(config, (), None, None) is config
    with pytest.raises(ConfigurationError, match="not both"):
        kafka_of(config, (), None, True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"api_key": "k"}, "Kafka knows no API keys"),
        ({"http_connect_proxy_config": HttpConnectProxyConfig("proxy:80")}, "HTTP proxy"),
    ],
)
async def test_what_cannot_be_had_is_refused_before_anything_is_connected(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        await Client.connect(target_host="localhost:1", **options)


def test_what_has_no_meaning_is_taken(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="foldlog.client"):
        check_options(
            {
                "rpc_metadata": {"a": "b"},
                "retry_config": RetryConfig(),
                "keep_alive_config": KeepAliveConfig.default,
                "api_key": None,
                "lazy": True,
            }
        )
    assert "rpc_metadata has no meaning" in caplog.text
    assert "lazy has no meaning" in caplog.text
    with pytest.raises(TypeError, match="no option colour"):
        check_options({"colour": "red"})  # type: ignore[typeddict-unknown-key] # what the test is about


async def test_an_address_has_one_name_at_a_time() -> None:
    with pytest.raises(ConfigurationError, match="either target_host or bootstrap_servers"):
        await Client.connect("one:9092", bootstrap_servers="two:9092")


async def test_queries_are_refused_as_the_client_says_unless_they_say_otherwise() -> None:
    def answer(workflow_id: str, wanted: Any) -> Reply:
        return reply.Rejected(correlation_id=0, code="NOT_FOUND", message="gone")

    transport = ScriptedTransport(answer)
    client = Client(transport, default_workflow_query_reject_condition=QueryRejectCondition.NOT_OPEN)
    again = Client(**client.config())
    for handle in (client.get_workflow_handle("w"), again.get_workflow_handle("w")):
        with pytest.raises(RPCError) as refused:
            await handle.query("q")
        assert refused.value.status is RPCStatusCode.NOT_FOUND
    with pytest.raises(RPCError):
        await client.get_workflow_handle("w").query("q", reject_condition=QueryRejectCondition.NOT_COMPLETED_CLEANLY)
    assert [asked.reject_condition for _, _, asked in transport.asked] == [
        "NOT_OPEN",
        "NOT_OPEN",
        "NOT_COMPLETED_CLEANLY",
    ]
