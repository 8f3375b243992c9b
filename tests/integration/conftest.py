"""Fixtures of the tests that need a real broker.

No broker means failure, never a skip: a suite that proves nothing must not look green. Where none is configured each
session starts one, so each process of a parallel run has its own; `make test` configures one for all.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient
from foldlog.connectors.embedded import EmbeddedKafka, EmbeddedRegistry, broker_from_environment
from foldlog.transport.config import KafkaConfig

_HERE = Path(__file__).parent
_SHARED = pytest.StashKey[ExitStack]()
_REACHABLE_TIMEOUT_S = 60.0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder needs a broker."""
    for item in items:
        if _HERE in item.path.parents:
            item.add_marker(pytest.mark.kafka)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Stops what the session shares.

    Not when the fixtures end: that is a part of the last test, whichever it is, and its timeout is no measure for a
    broker that writes its class cache.
    """
    _shared(session.config).close()


def _shared(config: pytest.Config) -> ExitStack:
    return config.stash.setdefault(_SHARED, ExitStack())


@pytest.fixture(scope="session", autouse=True)
def quick_jvms() -> Iterator[None]:
    """Has every JVM, those of other programs included, compile with its quick compiler only.

    None lives long enough for the other one to pay: it took a fifth of the processor time of 28 tests with one broker,
    pytest's own included, and a third of that of a broker that is started and stopped.
    The Kafka of `make test` is none of them: it is there before, and lives for all tests.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1", prepend=" ")
        yield


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> str:
    """Bootstrap servers of a broker that the whole session shares: embedded, or KAFKA_BOOTSTRAP_SERVERS.

    Tests must not stop it and must keep to topics of a namespace of their own (fixture ``namespace``).
    """
    folder = tmp_path_factory.mktemp("kafka")
    shared = _shared(pytestconfig)
    shared.callback(shutil.rmtree, folder / "data", ignore_errors=True)  # pytest keeps the folder; the logs are enough
    bootstrap_servers = shared.enter_context(broker_from_environment(folder))
    AdminClient({"bootstrap.servers": bootstrap_servers}).list_topics(timeout=_REACHABLE_TIMEOUT_S)
    return bootstrap_servers


@pytest.fixture
def config(kafka: str) -> KafkaConfig:
    """How the shared broker is reached."""
    return KafkaConfig(bootstrap_servers=kafka)


@pytest.fixture
def namespace() -> str:
    """A namespace that no other test, and no earlier run against the same broker, uses."""
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def private_kafka(tmp_path: Path) -> Iterator[EmbeddedKafka]:
    """A started broker of this test's own, to be stopped, killed or suspended as the test likes."""
    folder = tmp_path / "private-kafka"
    with EmbeddedKafka(folder) as broker:
        yield broker
    shutil.rmtree(folder / "data", ignore_errors=True)


@pytest.fixture(scope="session")
def schema_registry(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> str:
    """URL of a schema registry that the whole session shares, for confluent-kafka's SchemaRegistryClient.

    Subjects are shared: tests put their ``namespace`` into the names.
    """
    return _shared(pytestconfig).enter_context(EmbeddedRegistry(tmp_path_factory.mktemp("registry"))).url
