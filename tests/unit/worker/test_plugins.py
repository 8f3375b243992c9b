"""Plugins of workers and replayers: what they change, in which order, and what `config` says of it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from foldlog import workflow
from foldlog.client import Client, ClientConfig, OutboundInterceptor, WorkflowFailureError, WorkflowHistory
from foldlog.client import Interceptor as ClientInterceptor
from foldlog.converter import DataConverter
from foldlog.converter.encryption import AESGCMCodec
from foldlog.exceptions import ConfigurationError
from foldlog.plugin import SimplePlugin
from foldlog.testing import WorkflowEnvironment
from foldlog.worker import Interceptor as WorkerInterceptor
from foldlog.worker import (
    Plugin,
    Replayer,
    ReplayerConfig,
    UnsandboxedWorkflowRunner,
    Worker,
    WorkerConfig,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowReplayError,
    WorkflowReplayResult,
    WorkflowRunner,
)
from foldlog.worker.workflow_sandbox import RestrictedWorkflowAccessError, SandboxedWorkflowRunner

from examples.interceptors.context import TenantInterceptor

CODED = DataConverter(payload_codec=AESGCMCodec({"k": b"k" * 32}))


@workflow.defn
class Echo:
    @workflow.run
    async def run(self, said: str) -> str:
        return said


@workflow.defn
class Other:
    @workflow.run
    async def run(self) -> None: ...


async def test_twins_are_noticed() -> None:
    async with await WorkflowEnvironment.start_time_skipping(plugins=[SimplePlugin("a"), SimplePlugin("b")]) as env:
        with pytest.warns(UserWarning, match="same plugin type") as warned:
            Worker(env.client, task_queue="q", workflows=[Echo], plugins=[SimplePlugin("b"), SimplePlugin("c")])
    assert len(warned) == 1
    assert warned[0].filename == __file__


class Forgetful(SimplePlugin):
    """Changes options in place, and returns nothing."""

    def configure_client(self, config: ClientConfig) -> ClientConfig:
        return None  # type: ignore[return-value]  # that is the fault

    def configure_worker(self, config: WorkerConfig) -> WorkerConfig:
        return None  # type: ignore[return-value]

    def configure_replayer(self, config: ReplayerConfig) -> ReplayerConfig:
        return None  # type: ignore[return-value]


class Nothing(ClientInterceptor, WorkerInterceptor):
    """Puts nothing before what comes next."""

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        return None  # type: ignore[return-value]

    def workflow_interceptor_class(self, input: WorkflowInterceptorClassInput) -> Any:
        return WorkflowInboundInterceptor(next=self)  # type: ignore[arg-type]  # an object, not a class


async def test_plugins_and_interceptors_that_do_not_give_what_they_must_are_refused() -> None:
    forgetful, nothing = Forgetful("forgetful"), Nothing()
    async with await WorkflowEnvironment.start_time_skipping() as env:
        transport = env.client.service_client
        for wrong in ("plugins", "interceptors"):
            for value in ([Forgetful], [object()], forgetful):
                options: dict[str, Any] = {wrong: value}
                with pytest.raises(ConfigurationError, match=f"{wrong} must be a list, with an? "):
                    Client(transport, **options)
        with pytest.raises(ConfigurationError, match="configure_client of plugin forgetful must return the options"):
            Client(transport, plugins=[forgetful])
        with pytest.raises(ConfigurationError, match="must return an OutboundInterceptor, not None"):
            Client(transport, interceptors=[nothing])
        with pytest.raises(ConfigurationError, match="configure_worker of plugin forgetful must return the options"):
            Worker(env.client, task_queue="q", workflows=[Echo], plugins=[forgetful])
        with pytest.raises(ConfigurationError, match="must return a class derived from WorkflowInboundInterceptor"):
            Worker(env.client, task_queue="q", workflows=[Echo], interceptors=[nothing])
    with pytest.raises(ConfigurationError, match="configure_replayer of plugin forgetful must return the options"):
        Replayer(workflows=[Echo], plugins=[forgetful])


class Naming(Plugin):
    """Adds its name to the identity, and to a log of what it has run."""

    def __init__(self, name: str, log: list[str]) -> None:
        self._name = name
        self._log = log

    def configure_worker(self, config: WorkerConfig) -> WorkerConfig:
        config["identity"] = f"{config['identity'] or ''}{self._name}"
        return config

    async def run_worker(self, worker: Worker, next: Callable[[Worker], Awaitable[None]]) -> None:
        self._log.append(f"worker {self._name}")
        await next(worker)

    def configure_replayer(self, config: ReplayerConfig) -> ReplayerConfig:
        config["namespace"] = f"{config['namespace']}{self._name}"
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
        self._log.append(f"in {self._name}")
        async with next(replayer, histories) as results:
            yield results
        self._log.append(f"out {self._name}")


class Silent(Naming):
    """Has what every plugin of a worker must have, and nothing else."""

    configure_replayer = Plugin.configure_replayer
    run_replayer = Plugin.run_replayer  # type: ignore[assignment]  # no async generator, but what one becomes


async def coded_history() -> WorkflowHistory:
    async with await WorkflowEnvironment.start_time_skipping(data_converter=CODED) as env:
        async with Worker(env.client, task_queue="q", workflows=[Echo]):
            handle = await env.client.start_workflow(Echo.run, "x", id="echo", task_queue="q")
            assert await handle.result() == "x"
            return await handle.fetch_history()


async def test_plugins_change_and_run_replayers_in_their_order() -> None:
    log: list[str] = []
    replayer = Replayer(
        workflows=[Echo],
        namespace="n",
        data_converter=CODED,
        plugins=[Naming("a", log), Silent("silent", log), Naming("b", log)],
    )
    assert (replayer.config()["namespace"], replayer.config(active_config=True)["namespace"]) == ("n", "nab")
    await replayer.replay_workflow(await coded_history())
    assert log == ["in a", "in b", "out b", "out a"]


async def test_a_simple_plugin_is_for_replayers_too() -> None:
    entered: list[str] = []

    @asynccontextmanager
    async def context() -> AsyncIterator[None]:
        entered.append("in")
        yield
        entered.append("out")

    tenants = TenantInterceptor()
    plugin = SimplePlugin("p", data_converter=CODED, workflows=[Echo], interceptors=[tenants], run_context=context)
    history = await coded_history()
    replayer = Replayer(workflows=[], plugins=[plugin])
    await replayer.replay_workflow(history)
    assert entered == ["in", "out"]
    config = replayer.config(active_config=True)
    assert (config["workflows"], config["data_converter"], config["interceptors"]) == ([Echo], CODED, [tenants])
    assert replayer.config()["workflows"] == []
    with pytest.raises(WorkflowReplayError):
        await Replayer(workflows=[Echo], plugins=[SimplePlugin("nothing")]).replay_workflow(history)
    with pytest.raises(ConfigurationError, match="needs workflows"):
        Replayer(workflows=[Echo], plugins=[SimplePlugin("none", workflows=lambda given: [])])


async def test_a_plugin_that_replays_nothing_is_told_of() -> None:
    async def none() -> AsyncIterator[WorkflowHistory]:
        nothing: list[WorkflowHistory] = []
        for each in nothing:
            yield each

    class Withholding(Silent):
        @asynccontextmanager
        async def run_replayer(self, replayer, histories, next):  # type: ignore[no-untyped-def]
            async with next(replayer, none()) as results:
                yield results

    with pytest.raises(RuntimeError, match="replayed nothing"):
        await Replayer(workflows=[Echo], plugins=[Withholding("w", [])]).replay_workflow(WorkflowHistory("w", []))


async def test_the_config_of_a_worker_makes_another_one_like_it() -> None:
    async with await WorkflowEnvironment.start_time_skipping() as env:
        log: list[str] = []
        plugin = Naming("a", log)
        worker = Worker(
            env.client,
            task_queue="q",
            workflows=[Echo],
            max_cached_workflows=7,
            identity="me",
            plugins=[plugin],
            max_concurrent_workflow_tasks=3,
        )
        config = worker.config()
        assert (config["client"], config["task_queue"], config["plugins"]) == (env.client, "q", [plugin])
        assert (config["max_cached_workflows"], config["max_concurrent_workflow_tasks"]) == (7, 3)
        assert config["graceful_shutdown_timeout"] == timedelta()
        assert "sticky_queue_schedule_to_start_timeout" not in config
        assert (config["identity"], worker.config(active_config=True)["identity"]) == ("me", "mea")
        config["workflows"] = [*config["workflows"], Other]
        assert worker.config()["workflows"] == [Echo]
        again = Worker(**config)
        assert (again.config(), again.identity) == (config, "mea")
        async with again:
            assert log == ["worker a"]


def with_module(runner: WorkflowRunner | None) -> WorkflowRunner:
    """As plugins for Temporal's workers do it."""
    if runner is None:
        raise ValueError("No WorkflowRunner provided")
    if isinstance(runner, SandboxedWorkflowRunner):
        return replace(runner, restrictions=runner.restrictions.with_passthrough_modules("mine"))
    return runner


@workflow.defn
class Looking:
    """Does what the guard refuses."""

    @workflow.run
    async def run(self) -> bool:
        with open(os.devnull) as nothing:  # noqa: ASYNC230 - what the guard is about
            return nothing.read() != ""


async def test_plugins_change_the_runner_that_is_there() -> None:
    async with await WorkflowEnvironment.start_time_skipping() as env:
        plugin = SimplePlugin("module", workflow_runner=with_module)
        worker = Worker(env.client, task_queue="q", workflows=[Echo], plugins=[plugin])
        runner = worker.config(active_config=True)["workflow_runner"]
        assert "mine" in runner.restrictions.passthrough_modules
        assert "workflow_runner" not in worker.config()
        assert Replayer(workflows=[Echo], plugins=[plugin]).config(active_config=True)["workflow_runner"] == runner
        unwatched = SimplePlugin("unwatched", workflow_runner=UnsandboxedWorkflowRunner())
        async with Worker(env.client, task_queue="q", workflows=[Looking], plugins=[plugin, unwatched]):
            assert not await env.client.execute_workflow(Looking.run, id="unwatched", task_queue="q")
        async with Worker(
            env.client,
            task_queue="q",
            workflows=[Looking],
            plugins=[plugin],
            workflow_failure_exception_types=[RestrictedWorkflowAccessError],
        ):
            with pytest.raises(WorkflowFailureError):
                await env.client.execute_workflow(Looking.run, id="watched", task_queue="q")
