"""What a processor refuses to start with, and that it says what to do about it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewPartitions  # type: ignore[attr-defined]  # no __all__
from foldlog.exceptions import ConfigurationError
from foldlog.processors.options import ProcessorOptions
from foldlog.processors.processor import WorkflowProcessor
from foldlog.processors.state_dir import StateDirectory
from foldlog.runtime import WorkflowRuntime
from foldlog.schemas.codec import SingleObjectCodec
from foldlog.transport.admin import TopicsUnfitError

from tests.integration.processor.running import Place, place
from tests.integration.processor.workloads import WORKFLOWS


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


async def test_topics_that_would_lose_something(here: Place) -> None:
    alter(here, here.topics.events, retention_ms="86400000")
    alter(here, here.topics.visibility, cleanup_policy="delete")
    alter(here, here.topics.commands, cleanup_policy="compact,delete")
    admin = AdminClient(here.config.admin())
    for future in admin.create_partitions([NewPartitions(here.topics.commands, 3)]).values():
        future.result(30)
    message = await refusal(here, TopicsUnfitError)
    for part in (
        f"{here.topics.events}: retention.ms is 86400000, but has to be -1",
        f"{here.topics.visibility}: cleanup.policy is delete, but has to be compact",
        f"{here.topics.commands}: cleanup.policy is",
        f"{here.topics.events}: partitions is 2, but has to be 3",
        "repair:",
    ):
        assert part in message, message


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
