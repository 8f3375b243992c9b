"""The plugin for pytest: fixtures with environments to test workflows and activities in.

pytest loads it by itself (entry point `pytest11`) in every run of every project that has foldlog installed, so nothing
of foldlog is imported before a fixture is used. It works with pytest-asyncio in both of its modes.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

try:
    from pytest_asyncio import fixture as async_fixture
except ImportError:  # whoever runs async tests in another way takes async fixtures as that way does
    async_fixture = pytest.fixture  # type: ignore[assignment]

if TYPE_CHECKING:
    from foldlog.testing import ActivityEnvironment, WorkflowEnvironment

_OPTION = "--workflow-environment"


@pytest.hookimpl(hookwrapper=True)
def pytest_load_initial_conftests(parser: pytest.Parser) -> Iterator[None]:
    """Adds the plugin's option, once it is known that no conftest.py has one of that name.

    Those of projects that come from Temporal's SDK often have, as its samples do; pytest refuses a second one.
    """
    yield
    if not hasattr(parser.parse_known_args([]), _OPTION.removeprefix("--").replace("-", "_")):
        parser.getgroup("foldlog").addoption(
            _OPTION,
            choices=("time-skipping", "kafka", "local"),
            default="time-skipping",
            help="what the fixture workflow_environment is: in memory with skipped time (default), or, kafka or local, "
            "a namespace of its own on a real Kafka, KAFKA_BOOTSTRAP_SERVERS or an embedded one",
        )


@pytest.fixture(scope="session")
def kafka_bootstrap_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Kafka that all tests share: KAFKA_BOOTSTRAP_SERVERS, or an embedded one (needs `foldlog[embedded]`)."""
    from foldlog.connectors.embedded import broker_from_environment

    with broker_from_environment(tmp_path_factory.mktemp("kafka")) as servers:
        yield servers


@async_fixture
async def time_skipping_environment() -> AsyncIterator[WorkflowEnvironment]:
    """foldlog in memory, with a clock that skips time; the test's own."""
    from foldlog.testing import WorkflowEnvironment

    async with await WorkflowEnvironment.start_time_skipping() as environment:
        yield environment


@async_fixture
async def kafka_environment(kafka_bootstrap_servers: str) -> AsyncIterator[WorkflowEnvironment]:
    """A namespace of the test's own on a real Kafka, in real time."""
    async for environment in _on_kafka(kafka_bootstrap_servers):
        yield environment


@async_fixture
async def workflow_environment(request: pytest.FixtureRequest) -> AsyncIterator[WorkflowEnvironment]:
    """An environment of the test's own, of the kind that the option --workflow-environment names."""
    if request.config.getoption(_OPTION) in ("kafka", "local"):
        async for environment in _on_kafka(request.getfixturevalue("kafka_bootstrap_servers")):
            yield environment
        return
    from foldlog.testing import WorkflowEnvironment

    async with await WorkflowEnvironment.start_time_skipping() as environment:
        yield environment


@pytest.fixture
def activity_environment() -> ActivityEnvironment:
    """Surroundings for one activity; the test's own."""
    from foldlog.testing import ActivityEnvironment

    return ActivityEnvironment()


async def _on_kafka(servers: str) -> AsyncIterator[Any]:
    from foldlog.client import Client
    from foldlog.testing import WorkflowEnvironment
    from foldlog.transport.admin import create_topics
    from foldlog.transport.config import KafkaConfig
    from foldlog.transport.topics import Topics

    config, namespace = KafkaConfig(bootstrap_servers=servers), f"test-{uuid.uuid4().hex[:12]}"
    await asyncio.to_thread(create_topics, config, Topics(namespace), partitions=2)
    async with await Client.connect(config, namespace=namespace) as client:
        yield WorkflowEnvironment.from_client(client)
