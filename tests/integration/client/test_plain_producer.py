"""The example that starts and signals a workflow without foldlog, run as a program against a real processor."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

from foldlog import workflow
from foldlog.client import Client
from foldlog.transport.admin import create_topics
from foldlog.transport.config import KafkaConfig
from foldlog.transport.topics import Topics
from foldlog.worker import Worker

PATIENCE = timedelta(seconds=60)
EXAMPLE = Path(__file__).parents[3] / "examples" / "plain_producer.py"


@workflow.defn
class Greeting:
    def __init__(self) -> None:
        self.approved = False

    @workflow.run
    async def run(self, name: str) -> str:
        await workflow.wait_condition(lambda: self.approved)
        return f"hello {name}"

    @workflow.signal
    def approve(self) -> None:
        self.approved = True


def run_example(*arguments: str) -> None:
    subprocess.run([sys.executable, str(EXAMPLE), *arguments], check=True, timeout=200)


async def test_it_starts_and_signals_a_workflow(kafka: str, namespace: str, tmp_path: Path) -> None:
    create_topics(KafkaConfig(bootstrap_servers=kafka), Topics(namespace), partitions=4)
    async with await Client.connect(
        kafka, namespace=namespace, rpc_timeout=PATIENCE, connect_timeout=PATIENCE
    ) as client:
        async with Worker(client, task_queue="q", workflows=[Greeting], state_dir=tmp_path):
            for _ in range(2):  # the second time, the request IDs are known and nothing happens
                await asyncio.to_thread(run_example, kafka, namespace, "order-7")
            handle = client.get_workflow_handle_for(Greeting.run, "order-7")
            # Commands are handled in order: what was written before this question is seen by it.
            assert (await handle.describe(rpc_timeout=PATIENCE)).workflow_type == "Greeting"
            assert await handle.result(rpc_timeout=PATIENCE) == "hello ann"
            history = await handle.fetch_history()
            assert [type(event).__name__ for event in history.events] == [
                "WorkflowExecutionStarted",
                "WorkflowExecutionSignaled",
                "WorkflowExecutionCompleted",
            ]


def test_without_arguments_it_says_which_it_needs() -> None:
    done = subprocess.run([sys.executable, str(EXAMPLE)], capture_output=True, text=True, timeout=200, check=False)
    assert (done.returncode, done.stderr) == (1, "usage: plain_producer.py BOOTSTRAP_SERVERS NAMESPACE WORKFLOW_ID\n")


def test_it_is_short_and_does_without_foldlog() -> None:
    text = EXAMPLE.read_text()
    code = [line for line in text.splitlines() if line.strip()]
    assert len(code) <= 30
    assert not re.search(r"^\s*(import|from) foldlog", text, re.MULTILINE)
