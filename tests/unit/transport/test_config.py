"""Kafka options: where they come from, which ones are refused, and that librdkafka takes all that we set."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient
from foldlog.transport._options import REFUSED
from foldlog.transport.clients import change_credentials, open_admin, open_producer
from foldlog.transport.config import BOOTSTRAP_VARIABLE, KafkaConfig, parse_options
from foldlog.transport.errors import ConfigurationError

NOBODY = "127.0.0.1:1"


def test_address_comes_from_the_closest_source(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(BOOTSTRAP_VARIABLE, "environment:1")
    file = tmp_path / "kafka.properties"
    file.write_text("bootstrap.servers=file:1\n")
    options = {"bootstrap.servers": "options:1"}
    assert KafkaConfig.from_environment().bootstrap_servers == "environment:1"
    assert KafkaConfig.from_environment(properties_file=file).bootstrap_servers == "file:1"
    assert KafkaConfig.from_environment(options=options, properties_file=file).bootstrap_servers == "options:1"
    assert KafkaConfig.from_environment("argument:1", options, file).bootstrap_servers == "argument:1"


def test_no_address_at_all_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(BOOTSTRAP_VARIABLE, raising=False)
    with pytest.raises(ConfigurationError, match=BOOTSTRAP_VARIABLE):
        KafkaConfig.from_environment()


@pytest.mark.parametrize("address", ["a b", "kafka:0", "kafka:65536", "kafka:port", "kafka:1:2", "a:1,,b:1", "a:1,"])
def test_what_is_no_address_is_refused_and_named(address: str) -> None:
    with pytest.raises(ConfigurationError, match="host:port"):
        KafkaConfig(bootstrap_servers=address)


@pytest.mark.parametrize(
    "address", ["kafka", "kafka:65535", "a:1, b:2", "[::1]:9092", "PLAINTEXT://kafka.example:9093", "my_kafka-0.x:9092"]
)
def test_what_librdkafka_takes_as_an_address_is_taken(address: str) -> None:
    assert KafkaConfig(bootstrap_servers=address).bootstrap_servers == address
    Producer(KafkaConfig(bootstrap_servers=address).producer())


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("http://kafka:9092", "begins with http://, and Kafka speaks no such protocol: write kafka:9092"),
        ("a:1,SSL://kafka:9093", "but security.protocol is plaintext: write kafka:9093 and set security.protocol=SSL"),
    ],
)
def test_a_protocol_in_front_must_be_the_one_that_is_spoken(address: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        KafkaConfig(bootstrap_servers=address)
    options = {"security.protocol": "SSL"}
    assert KafkaConfig(bootstrap_servers="ssl://kafka:9093", options=options).bootstrap_servers == "ssl://kafka:9093"


def test_what_is_left_of_a_number_that_is_too_large_is_told_as_it_was_given() -> None:
    options = {"socket.timeout.ms": "99999999999"}
    with pytest.raises(ConfigurationError, match=r"socket.timeout.ms\" value 99999999999 is outside .*\d$"):
        open_admin(KafkaConfig(bootstrap_servers=NOBODY, options=options))


def test_two_addresses_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="other:1"):
        KafkaConfig(bootstrap_servers=NOBODY, options={"bootstrap.servers": "other:1"})


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_correctness_rests_on_is_refused_with_a_reason(name: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        KafkaConfig(bootstrap_servers=NOBODY, options={name: "1"})
    assert name in str(refused.value)
    assert REFUSED[name] in str(refused.value)


def test_second_names_are_refused_too() -> None:
    with pytest.raises(ConfigurationError, match=r"request\.required\.acks, also named acks, cannot be set"):
        KafkaConfig(bootstrap_servers=NOBODY, options={"acks": "1"})


def test_code_may_set_what_users_may_not() -> None:
    config = KafkaConfig(bootstrap_servers=NOBODY)
    assert config.producer(**{"transactional.id": "p"})["transactional.id"] == "p"
    assert config.consumer(**{"auto.offset.reset": "latest"})["auto.offset.reset"] == "latest"


def test_options_go_where_they_belong() -> None:
    options = {"linger.ms": "2", "fetch.max.bytes": "9", "security.protocol": "ssl"}
    config = KafkaConfig(bootstrap_servers=NOBODY, options=options)
    producer, consumer, admin = config.producer(), config.consumer(), config.admin()
    assert producer["queue.buffering.max.ms"] == "2"
    assert "linger.ms" not in producer
    assert "queue.buffering.max.ms" not in consumer
    assert consumer["fetch.max.bytes"] == "9"
    assert "fetch.max.bytes" not in producer
    assert {c["security.protocol"] for c in (producer, consumer, admin)} == {"ssl"}


def test_librdkafka_takes_our_settings_without_a_warning(capfd: pytest.CaptureFixture[str]) -> None:
    config = KafkaConfig(
        bootstrap_servers=NOBODY, options={"log_level": "5", "linger.ms": "1", "fetch.max.bytes": "2000000"}
    )
    Producer(config.producer())
    Consumer(config.consumer(**{"group.id": "g"})).close()
    AdminClient(config.admin())
    assert "CONFWARN" not in capfd.readouterr().err


def test_strings_of_a_command_line() -> None:
    assert parse_options(["a.b=c=d", " x = y "]) == {"a.b": "c=d", "x": "y"}
    with pytest.raises(ConfigurationError, match="name=value"):
        parse_options(["a.b"])


def test_java_properties_are_translated(tmp_path: Path) -> None:
    file = tmp_path / "client.properties"
    file.write_text(
        "# a comment\n"
        "bootstrap.servers = broker:9093\n"
        "security.protocol: SASL_SSL\n"
        "sasl.mechanism=SCRAM-SHA-512\n"
        "sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required \\\n"
        '    username="ann" password="a=b;c";\n'
        "ssl.truststore.type=PEM\n"
        "ssl.truststore.location=/etc/ca.pem\n"
        "ssl.endpoint.identification.algorithm=\n"
    )
    config = KafkaConfig.from_environment(properties_file=file)
    assert config.bootstrap_servers == "broker:9093"
    assert config.options == {
        "security.protocol": "SASL_SSL",
        "sasl.mechanisms": "SCRAM-SHA-512",
        "sasl.username": "ann",
        "sasl.password": "a=b;c",
        "ssl.ca.location": "/etc/ca.pem",
        "ssl.endpoint.identification.algorithm": "none",
    }


def test_a_store_that_only_java_reads_says_what_to_use(tmp_path: Path) -> None:
    file = tmp_path / "client.properties"
    file.write_text("ssl.truststore.location=/etc/trust.jks\n")
    with pytest.raises(ConfigurationError, match=r"ssl\.ca\.location"):
        KafkaConfig.from_environment(NOBODY, properties_file=file)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="nowhere"):
        KafkaConfig.from_environment(NOBODY, properties_file=tmp_path / "nowhere")


def test_secrets_are_not_printed() -> None:
    config = KafkaConfig(bootstrap_servers=NOBODY, options={"sasl.password": "hidden", "ssl.key.pem": "hidden"})
    assert "hidden" not in repr(config)


def test_what_differs_but_name_and_password_is_named() -> None:
    def config(address: str = "a:1, b:2", **options: str) -> KafkaConfig:
        names = {name.replace("_", "."): value for name, value in options.items()}
        return KafkaConfig(bootstrap_servers=address, options=names)

    ann, ben = (config(sasl_username=name, sasl_password=f"{name}'s") for name in ("ann", "ben"))
    assert (ann.credentials, config().credentials, config(sasl_username="ann").credentials) == (
        ("ann", "ann's"),
        None,
        None,
    )
    assert ann.differences(ben) == []
    assert ann.differences(config("b:2,a:1", sasl_username="x", sasl_password="y")) == []
    assert ann.differences(config("c:3", sasl_username="x", sasl_password="y", client_id="z")) == [
        "bootstrap.servers",
        "client.id",
    ]
    assert ann.differences(config()) == config().differences(ann) == ["sasl.password", "sasl.username"]


def test_a_copy_is_equal_and_has_opened_nothing() -> None:
    config = KafkaConfig(bootstrap_servers="127.0.0.1:1", options={"sasl.username": "ann", "sasl.password": "a"})
    producer = open_producer(config)
    for copied in (pickle.loads(pickle.dumps(config)), copy.deepcopy(config)):
        assert copied == config
        change_credentials(copied, "ben", "b")
        assert (copied.credentials, config.credentials) == (("ben", "b"), ("ann", "a"))
    assert list(config._opened) == [producer]
    change_credentials(config, "ben", "b")
    assert config.credentials == ("ben", "b")
