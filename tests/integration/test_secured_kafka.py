"""Clusters that speak TLS and SASL: every kind of client gets there, with options in each of their forms."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from foldlog.client import Client
from foldlog.exceptions import ConfigurationError
from foldlog.service import TLSConfig
from foldlog.transport.admin import create_topics
from foldlog.transport.config import KafkaConfig
from foldlog.transport.errors import BrokerUnreachableError
from foldlog.transport.topics import Topics
from foldlog.worker import Worker

from examples.hello_world import Greeting, compose_greeting
from tests.integration.secured import OTHER_PASSWORD, OTHER_USER, PASSWORD, USER, Certificates, SecuredKafka
from tests.until import until

ROOT = Path(__file__).parents[2]
SECONDS = 60.0
SOON = timedelta(seconds=SECONDS)
SECOND = timedelta(seconds=1)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("secured") / "certificates")


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[SecuredKafka]:
    with SecuredKafka(tmp_path_factory.mktemp("secured-kafka"), certificates) as broker:
        yield broker


def as_options(broker: SecuredKafka) -> list[str]:
    return [word for name, value in broker.options.items() for word in ("--kafka-option", f"{name}={value}")]


def as_java_has_it(broker: SecuredKafka, folder: Path) -> list[str]:
    """A file of Kafka's own tools."""
    file = folder / "java.properties"
    module = "org.apache.kafka.common.security.plain.PlainLoginModule"
    lines = [
        "security.protocol=SASL_SSL",
        "sasl.mechanism=PLAIN",
        f'sasl.jaas.config={module} required username="{USER}" password="{PASSWORD}";',
        "ssl.truststore.type=PEM",
        f"ssl.truststore.location={broker.options['ssl.ca.location']}",
    ]
    file.write_text("\n".join(lines), encoding="ascii")
    return ["--kafka-config", str(file)]


def environment(broker: SecuredKafka, namespace: str, folder: Path) -> dict[str, str]:
    own = {"KAFKA_BOOTSTRAP_SERVERS": broker.bootstrap_servers, "FOLDLOG_NAMESPACE": namespace}
    return {**os.environ, **own, "FOLDLOG_STATE_DIR": str(folder / "state")}


def foldlog(words: Sequence[str], variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "foldlog.cli", *words]
    return subprocess.run(
        command, cwd=ROOT, env=variables, capture_output=True, text=True, timeout=2 * SECONDS, check=False
    )


@contextmanager
def worker(words: Sequence[str], variables: dict[str, str]) -> Iterator[None]:
    command = [sys.executable, "-m", "foldlog.cli", "worker", "run", "examples.hello_world", "-q", "hello", *words]
    with subprocess.Popen(command, cwd=ROOT, env=variables) as process:
        try:
            yield
        finally:
            process.terminate()
            code = process.wait(SECONDS)
    assert code == 0


def test_the_command_line_creates_runs_asks_and_lists(secured: SecuredKafka, namespace: str, tmp_path: Path) -> None:
    variables = environment(secured, namespace, tmp_path)
    options, given = as_options(secured), as_java_has_it(secured, tmp_path)
    made = foldlog(["topics", "create", "--partitions", "1", "-q", "hello", *options], variables)
    assert made.returncode == 0, made.stderr
    start = ["workflow", "start", "Greeting", "--id", "w", "-q", "hello", "--input", '"Ann"', "--wait", *given]
    with worker(options, variables):
        done = foldlog([*start, "--timeout", "60s"], variables)
        assert (done.returncode, done.stderr) == (0, "")
        assert "Hello, Ann!" in done.stdout
    listed = foldlog(["workflow", "list", "--json", *given], variables)
    assert [row["status"] for row in json.loads(listed.stdout)] == ["COMPLETED"], listed.stderr
    for words in (["topics", "check", *given], ["dead-letters", "list", *options], ["dev", *given, "--", "true"]):
        more = foldlog(words, variables)
        assert more.returncode == 0, more.stderr


async def greet(client: Client, folder: Path) -> str:
    options = {"task_queue": "hello", "workflows": [Greeting], "activities": [compose_greeting], "state_dir": folder}
    async with client, Worker(client, **options):  # type: ignore[arg-type]  # a mapping of several types
        return await client.execute_workflow(Greeting.run, "Ann", id="w", task_queue="hello", rpc_timeout=SOON)


async def test_the_library_takes_a_file_of_java(secured: SecuredKafka, namespace: str, tmp_path: Path) -> None:
    (_, file) = as_java_has_it(secured, tmp_path)
    config = KafkaConfig.from_environment(secured.bootstrap_servers, properties_file=file)
    create_topics(config, Topics(namespace), partitions=1)
    client = await Client.connect(secured.bootstrap_servers, namespace=namespace, kafka_properties_file=file)
    assert await greet(client, tmp_path) == "Hello, Ann!"


async def test_the_library_shows_a_certificate(
    secured: SecuredKafka, certificates: Certificates, namespace: str, tmp_path: Path
) -> None:
    create_topics(
        KafkaConfig(bootstrap_servers=secured.bootstrap_servers, options=secured.options),
        Topics(namespace),
        partitions=1,
    )
    key, certificate = certificates.signed("ann")
    authority = certificates.authority.read_bytes()
    tls = TLSConfig(server_root_ca_cert=authority, client_cert=certificate, client_private_key=key)
    client = await Client.connect(secured.for_certificates, namespace=namespace, tls=tls)
    assert await greet(client, tmp_path) == "Hello, Ann!"
    with pytest.raises(BrokerUnreachableError):  # the same without one
        await Client.connect(
            secured.for_certificates,
            namespace=namespace,
            tls=TLSConfig(server_root_ca_cert=authority),
            connect_timeout=timedelta(seconds=3),
        )


REFUSED = {
    "security settings": {"security.protocol": "PLAINTEXT"},
    "certificate verify failed": {"ssl.ca.location": ""},
    "Invalid username or password": {"sasl.password": "no secret"},
}
"""What is said to those whose options differ."""


async def test_whoever_is_not_let_in_is_told_the_address_and_why(secured: SecuredKafka, namespace: str) -> None:
    async def refusal(changed: dict[str, str]) -> str:
        options = {name: value for name, value in {**secured.options, **changed}.items() if value}
        with pytest.raises(BrokerUnreachableError) as refused:
            await Client.connect(
                secured.bootstrap_servers,
                namespace=namespace,
                kafka_options=options,
                connect_timeout=timedelta(seconds=5),
            )
        return str(refused.value)

    told = await asyncio.gather(*map(refusal, REFUSED.values()))
    assert [reason for reason, text in zip(REFUSED, told, strict=True) if reason not in text] == [], told
    assert all(secured.bootstrap_servers in text for text in told)
    assert not any("secret" in text for text in told)


async def test_a_running_worker_goes_on_with_another_name_and_password(
    secured: SecuredKafka, namespace: str, tmp_path: Path
) -> None:
    """The broker comes back and knows the first name no more: all that the worker has open must show the second."""
    address, options = secured.bootstrap_servers, secured.options
    create_topics(KafkaConfig(bootstrap_servers=address, options=options), Topics(namespace), partitions=1)
    changed = {**options, "sasl.username": OTHER_USER, "sasl.password": OTHER_PASSWORD}
    async with (
        await Client.connect(address, namespace=namespace, kafka_options=options) as first,
        await Client.connect(address, namespace=namespace, kafka_options=changed) as second,
        await Client.connect(address, namespace=namespace, kafka_options={**changed, "client.id": "x"}) as third,
        Worker(
            first, task_queue="hello", workflows=[Greeting], activities=[compose_greeting], state_dir=tmp_path
        ) as worker,
    ):
        greeting: dict[str, Any] = {"task_queue": "hello", "rpc_timeout": SOON}
        assert await first.execute_workflow(Greeting.run, "Ann", id="before", **greeting) == "Hello, Ann!"
        with pytest.raises(ConfigurationError, match=r"not with another client\.id: make another worker"):
            worker.client = third
        worker.client = second
        await asyncio.to_thread(secured.stop, keep_data=True)
        secured.users = {OTHER_USER: OTHER_PASSWORD}
        await asyncio.to_thread(secured.start)
        with pytest.raises(BrokerUnreachableError):
            await Client.connect(address, namespace=namespace, kafka_options=options, connect_timeout=SECOND)
        await until(lambda: worker.ready, "the worker is back")
        assert await second.execute_workflow(Greeting.run, "Ben", id="after", **greeting) == "Hello, Ben!"
