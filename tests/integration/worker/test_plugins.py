"""Plugins on a real connection: each hook is asked, in its order, and what it changes is what happens."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from foldlog import activity, client, worker, workflow
from foldlog.client import Client, ClientConfig, HeaderCodecBehavior, ServiceClient, WorkflowHistory
from foldlog.converter import DataConverter
from foldlog.converter.encryption import AESGCMCodec
from foldlog.service import ConnectConfig
from foldlog.worker import Replayer, ReplayerConfig, Worker, WorkerConfig, WorkflowReplayResult

from examples.interceptors.context import TenantInterceptor, tenant
from tests.conformance.scenarios import PATIENCE
from tests.integration.processor.running import SOON, place
from tests.integration.processor.workloads import QUEUE
from tests.until import until

LIMIT = timedelta(seconds=60)
CODED = DataConverter(payload_codec=AESGCMCodec({"k": b"k" * 32}))
TENANTS = TenantInterceptor()


@activity.defn
async def ask() -> str:
    return f"{activity.info().workflow_namespace} for {tenant.get()}"


@workflow.defn
class Asking:
    @workflow.run
    async def run(self) -> list[str]:
        asked = await workflow.execute_activity(ask, start_to_close_timeout=LIMIT)
        return [workflow.info().task_queue, asked, str(tenant.get())]


class Everything(client.Plugin, worker.Plugin):
    """Brings the address, the namespace, the codec, for headers too, and the code, and says what it stands around."""

    def __init__(self, name: str, servers: str, namespace: str, log: list[str]) -> None:
        self._name, self._servers, self._namespace, self._log = name, servers, namespace, log

    def configure_client(self, config: ClientConfig) -> ClientConfig:
        self._log.append(f"configure client {self._name}")
        config["data_converter"], config["interceptors"] = CODED, [TENANTS]
        config["header_codec_behavior"] = HeaderCodecBehavior.CODEC
        config["identity"] += self._name
        return config

    async def connect_service_client(
        self, config: ConnectConfig, next: Callable[[ConnectConfig], Awaitable[ServiceClient]]
    ) -> ServiceClient:
        self._log.append(f"connect {self._name} to {config.target_host}")
        config.target_host, config.namespace = self._servers, self._namespace
        config.connect_timeout = SOON
        connected = await next(config)
        self._log.append(f"connected {self._name} to {connected.namespace}")
        return connected

    def configure_worker(self, config: WorkerConfig) -> WorkerConfig:
        self._log.append(f"configure worker {self._name}")
        config["workflows"], config["activities"] = [Asking], [ask]
        config["identity"] = f"{config.get('identity') or ''}worker {self._name}"
        return config

    async def run_worker(self, worker: Worker, next: Callable[[Worker], Awaitable[None]]) -> None:
        self._log.append(f"run worker {self._name}")
        try:
            await next(worker)
        finally:
            self._log.append(f"worker {self._name} has run")

    def configure_replayer(self, config: ReplayerConfig) -> ReplayerConfig:
        self._log.append(f"configure replayer {self._name}")
        config["workflows"], config["data_converter"], config["interceptors"] = [Asking], CODED, [TENANTS]
        config["header_codec_behavior"] = HeaderCodecBehavior.CODEC
        return config

    @asynccontextmanager
    async def run_replayer(
        self,
        replayer: Replayer,
        histories: AsyncIterator[WorkflowHistory],
        next: Callable[
            [Replayer, AsyncIterator[WorkflowHistory]],
            AbstractAsyncContextManager[AsyncIterator[WorkflowReplayResult]],
        ],
    ) -> AsyncIterator[AsyncIterator[WorkflowReplayResult]]:
        self._log.append(f"run replayer {self._name}")
        async with next(replayer, histories) as results:
            yield results
        self._log.append(f"replayer {self._name} has run")


async def test_each_hook_is_at_work(kafka: str, namespace: str, tmp_path: Path) -> None:
    """What the program itself says is a place where nothing is: the plugins know better."""
    log: list[str] = []
    both = [Everything(name, kafka, namespace, log) for name in ("a", "b")]
    async with (
        place(kafka, namespace, tmp_path),
        await Client.connect("localhost:1", namespace="nothing", identity="me", plugins=both, **PATIENCE) as connected,
    ):
        assert log == [
            "connect a to localhost:1",
            f"connect b to {kafka}",
            f"connected b to {namespace}",
            f"connected a to {namespace}",
            "configure client a",
            "configure client b",
        ]
        assert (connected.namespace, connected.identity) == (namespace, "meab")
        log.clear()
        with pytest.warns(UserWarning, match="same plugin type"):
            worker = Worker(connected, task_queue=QUEUE, state_dir=tmp_path / "state")
        assert worker.identity == "worker aworker b"
        async with worker:
            await until(lambda: worker.ready, "the worker is ready")
            tenant.set("ann")
            handle = await connected.start_workflow(Asking.run, id="asking", task_queue=QUEUE, rpc_timeout=SOON)
            assert await handle.result(rpc_timeout=SOON) == [QUEUE, f"{namespace} for ann", "ann"]
            history = await handle.fetch_history(rpc_timeout=SOON)
            (found,) = [result async for result in replay(both, connected)]
        assert found.replay_failure is None
    replayed = [event for event in history.events if type(event).__name__ == "ActivityTaskCompleted"]
    assert replayed[0].result.encoding == "binary/encrypted"  # type: ignore[union-attr]
    options = getattr(history.events[0], "options", None)
    assert options is not None
    assert options.header["tenant"].encoding == "binary/encrypted"
    assert log == [
        *("configure worker a", "configure worker b", "run worker a", "run worker b"),
        *("configure replayer a", "configure replayer b", "run replayer a", "run replayer b"),
        *("replayer b has run", "replayer a has run", "worker b has run", "worker a has run"),
    ]


async def replay(plugins: list[Everything], connected: Client) -> AsyncIterator[WorkflowReplayResult]:
    """All that is listed, as it comes from the broker."""

    async def listed() -> AsyncIterator[WorkflowHistory]:
        yield await connected.get_workflow_handle("asking").fetch_history()

    async with Replayer(workflows=[], plugins=plugins).workflow_replay_iterator(listed()) as results:
        async for result in results:
            yield result
