"""The code in docs/client.md runs, and does what the page says."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import ModuleType

import pytest
from foldlog.client import Client
from foldlog.transport.admin import create_topics
from foldlog.transport.config import BOOTSTRAP_VARIABLE, KafkaConfig
from foldlog.transport.topics import Topics
from foldlog.worker import Worker

PAGE = Path(__file__).parents[3] / "docs" / "client.md"
MODULE = "documented_client"


@pytest.fixture
def page(namespace: str) -> Iterator[ModuleType]:
    """All Python of the page as one module, with a namespace of its own."""
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 4
    module = ModuleType(MODULE)
    sys.modules[MODULE] = module
    exec(compile("\n".join(blocks).replace('"shop"', repr(namespace)), str(PAGE), "exec"), module.__dict__)
    yield module
    del sys.modules[MODULE]


async def test_the_page_does_what_it_says(
    page: ModuleType, kafka: str, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(BOOTSTRAP_VARIABLE, kafka)
    create_topics(KafkaConfig(bootstrap_servers=kafka), Topics(namespace), partitions=2)
    async with await Client.connect(
        namespace=namespace, rpc_timeout=timedelta(seconds=60), connect_timeout=timedelta(seconds=60)
    ) as client:
        async with Worker(client, task_queue="orders", workflows=[page.OrderWorkflow], state_dir=tmp_path):
            await page.serve_ann()
            await page.update_bob()
            await page.start_or_add(client)
            await page.look(client)
            for _ in range(2):
                await page.start_once(client, "order-8")
            starts = [run async for run in client.list_workflows(id_prefix="order-8")]
            assert len(starts) == 1
            await page.start_with_care(client)
