"""What a processor refuses to start with, and that it says what to do about it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewPartitions  # type: ignore[attr-defined]  # no __all__
from foldlog.cli._root import cli
from foldlog.exceptions import ConfigurationError
from foldlog.processors.options import ProcessorOptions
from foldlog.processors.processor import WorkflowProcessor
from foldlog.processors.state_dir import StateDirectory
from foldlog.runtime import WorkflowRuntime
from foldlog.schemas.codec import SingleObjectCodec
from foldlog.transport.admin import TopicsUnfitError

from tests.integration.processor.running import Place, place
from tests.integration.processor.workloads import WORKFLOWS
from tests.until import until


@pytest.fixture
async def here(kafka: str, namespace: str, tmp_path: Path) -> AsyncIterator[Place]:
    async with place(kafka, namespace, tmp_path) as found:
        yield found


async def refusal(here: Place, error: type[Exception], **options: Any) -> str:
    """What starting a processor says."""
    settings: dict[str, Any] = {"namespace": here.namespace, "state_dir": here.folder / "state", **options}
    processor = WorkflowProcessor(
        here.config,
        ProcessorOptions(**settings),
        WorkflowRuntime(WORKFLOWS, namespace=here.namespace),
        SingleObjectCodec(),
    )
    with pytest.raises(error) as refused:
        await asyncio.wait_for(asyncio.to_thread(processor.run), 60)
    return str(refused.value)


def alter(here: Place, topic: str, **settings: str) -> None:
    entries = [
        ConfigEntry(name.replace("_", "."), value, incremental_operation=AlterConfigOpType.SET)
        for name, value in settings.items()
    ]
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=entries)
    admin = AdminClient(here.config.admin())
    for future in admin.incremental_alter_configs([resource]).values():
        future.result(30)


async def repartition(here: Place, *topics: str) -> None:
    """Give topics three partitions. The broker answers before it shows them."""
    admin = AdminClient(here.config.admin())
    for future in admin.create_partitions([NewPartitions(topic, 3) for topic in topics]).values():
        future.result(30)

    def shown() -> bool:
        found = admin.list_topics(timeout=30).topics
        return all(len(found[topic].partitions) == 3 for topic in topics)

    await until(shown, "the partitions are there")


async def test_topics_that_would_lose_something(here: Place) -> None:
    alter(here, here.topics.events, retention_ms="86400000")
    alter(here, here.topics.visibility, cleanup_policy="delete")
    alter(here, here.topics.commands, cleanup_policy="compact,delete")
    await repartition(here, here.topics.commands)
    message = await refusal(here, TopicsUnfitError)
    for part in (
        f"{here.topics.events}: retention.ms is 86400000, but has to be -1",
        f"{here.topics.visibility}: cleanup.policy is delete, but has to be compact",
        f"{here.topics.commands}: cleanup.policy is",
        f"{here.topics.events}: partitions is 2, but has to be 3",
        "repair:",
    ):
        assert part in message, message


async def test_every_topic_of_the_namespace(here: Place) -> None:
    specs = here.topics.specs()
    for spec in specs:
        alter(here, spec.name, cleanup_policy="delete" if spec.cleanup_policy == "compact" else "compact")
    message = await refusal(here, TopicsUnfitError)
    assert [spec.name for spec in specs if f"{spec.name}: cleanup.policy is" not in message] == []
    deleted = [spec for spec in specs if spec.cleanup_policy == "delete"]
    for spec in deleted:
        alter(here, spec.name, cleanup_policy="delete", retention_ms="1000", retention_bytes="1")
    message = await refusal(here, TopicsUnfitError)
    for setting in ("retention.ms", "retention.bytes"):
        assert [spec.name for spec in deleted if f"{spec.name}: {setting} is 1" not in message] == []


async def test_a_namespace_without_topics(here: Place) -> None:
    namespace = f"{here.namespace}-empty"
    message = await refusal(here, TopicsUnfitError, namespace=namespace)
    assert f"foldlog topics create --namespace {namespace}" in message


async def test_a_state_folder_that_cannot_be_written(here: Place) -> None:
    blocked = here.folder / "file"
    blocked.write_text("not a folder")
    message = await refusal(here, ConfigurationError, state_dir=blocked / "state")
    assert "state_dir" in message
    assert str(blocked) in message


async def test_a_state_folder_that_another_process_uses(here: Place) -> None:
    """It takes the next slot of the folder instead: processors of one machine may share one."""
    with StateDirectory(here.folder / "state", here.namespace) as held:
        assert held.folder.name == "slot-0"
        async with here.worker():
            pass
        assert list((held.folder.parent / "slot-1").glob("[0-9]*"))
        assert not list(held.folder.glob("[0-9]*"))


async def test_more_partitions_than_when_the_first_processor_started(here: Place) -> None:
    """Commands and events agree, and still the workflows that were started would not be found any more."""
    async with here.worker():
        pass
    await repartition(here, here.topics.commands, here.topics.events)
    what = f"{here.topics.events}: partitions is 3, but has to be 2, as when the first processor started"
    for state in ("state", "another"):  # what is on the disk of this machine makes no difference
        message = await refusal(here, TopicsUnfitError, state_dir=here.folder / state)
        assert f"{what}; repair: none" in message
    for command in ("check", "create"):
        where = ["-n", here.namespace, "--bootstrap-servers", here.config.bootstrap_servers]
        shown = CliRunner().invoke(cli, ["topics", command, *where])
        assert shown.exit_code == 1
        assert what.replace(", but", ",") in shown.stdout
