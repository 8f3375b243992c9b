"""Environments on a real Kafka: one of its own, and the fixtures of the plugin in a project of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from foldlog import workflow
from foldlog.client import Client, HeaderCodecBehavior
from foldlog.common import QueryRejectCondition
from foldlog.converter import DataConverter
from foldlog.converter.encryption import AESGCMCodec
from foldlog.exceptions import PayloadConversionError
from foldlog.testing import WorkflowEnvironment
from foldlog.worker import Worker

from examples.interceptors.context import TenantInterceptor, tenant

TESTS = """
from foldlog import workflow
from foldlog.worker import Worker
from foldlog.testing import WorkflowEnvironment

seen = []


@workflow.defn
class Hello:
    @workflow.run
    async def run(self, name: str) -> str:
        return f"hello {name}"


async def greet(environment, tmp_path):
    assert not environment.supports_time_skipping
    seen.append(environment.client.namespace)
    async with Worker(environment.client, task_queue="q", workflows=[Hello], state_dir=tmp_path):
        assert await environment.client.execute_workflow(Hello.run, "you", id="hello", task_queue="q") == "hello you"


async def test_kafka(kafka_environment, tmp_path):
    await greet(kafka_environment, tmp_path)


async def test_by_option(workflow_environment, tmp_path):
    await greet(workflow_environment, tmp_path)
    assert len(set(seen)) == 2  # each test has a namespace of its own
"""


@workflow.defn
class Nap:
    @workflow.run
    async def run(self) -> str:
        await workflow.sleep(timedelta(milliseconds=50))
        return f"{workflow.info().namespace} of {tenant.get()}"


CONVERTER = DataConverter(payload_codec=AESGCMCodec({"k": b"k" * 32}))


async def test_a_kafka_of_its_own(tmp_path: Path) -> None:
    data = tmp_path / "dev.db"
    async with await WorkflowEnvironment.start_local(
        namespace="naps",
        partitions=1,
        task_queues=["q"],
        dev_server_database_filename=str(data),
        identity="me",
        rpc_timeout=timedelta(seconds=59),
        data_converter=CONVERTER,
        interceptors=[TenantInterceptor()],
        header_codec_behavior=HeaderCodecBehavior.CODEC,
        default_workflow_query_reject_condition=QueryRejectCondition.NOT_OPEN,
    ) as environment:
        client = environment.client
        assert not environment.supports_time_skipping
        assert (client.identity, client.data_converter) == ("me", CONVERTER)
        given = client.config()
        assert given["default_workflow_query_reject_condition"] is QueryRejectCondition.NOT_OPEN
        assert given["header_codec_behavior"] is HeaderCodecBehavior.CODEC
        assert [type(each) for each in given["interceptors"]] == [TenantInterceptor]
        tenant.set("acme")
        began = await environment.get_current_time()
        async with Worker(client, task_queue="q", workflows=[Nap], state_dir=tmp_path / "a"):
            assert await client.execute_workflow(Nap.run, id="nap", task_queue="q") == "naps of acme"
            address = client.service_client.config.target_host
            async with await Client.connect(address, namespace="naps") as same:
                with pytest.raises(PayloadConversionError):  # its values are encrypted
                    await same.get_workflow_handle("nap").result()
        await environment.sleep(0.001)
        assert await environment.get_current_time() - began >= timedelta(milliseconds=50)
        async with await environment.connect_client(namespace="others") as other:
            async with Worker(other, task_queue="q", workflows=[Nap], state_dir=tmp_path / "b"):
                assert await other.execute_workflow(Nap.run, id="nap", task_queue="q") == "others of None"
    assert any(Path(f"{data}.kafka").rglob("naps.commands-0"))  # noqa: ASYNC240 - nothing else runs by now


def test_the_fixtures_of_the_plugin(kafka: str, tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(TESTS, encoding="utf-8")
    plugin = ("-p", "no:foldlog", "-p", "foldlog.pytest_plugin", "-p", "no:cacheprovider")
    command = [sys.executable, "-m", "pytest", *plugin, "-o", "asyncio_mode=auto", "--workflow-environment", "kafka"]
    done = subprocess.run(
        [*command, "--rootdir", str(tmp_path), str(tmp_path)],
        cwd=tmp_path,
        env={**os.environ, "KAFKA_BOOTSTRAP_SERVERS": kafka},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout
