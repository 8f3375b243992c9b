"""Several workers with workflows in one process: each workflow is run by the code of its task queue."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from foldlog import activity, workflow
from foldlog.client import Client
from foldlog.common import PinnedVersioningOverride, VersioningBehavior, WorkerDeploymentVersion
from foldlog.converter import DataConverter, PayloadCodec
from foldlog.converter.encryption import AESGCMCodec
from foldlog.runtime import WorkflowRuntime
from foldlog.testing import WorkflowEnvironment
from foldlog.worker import Worker, WorkerDeploymentConfig

from tests.conformance.data import Remote

LIMIT = timedelta(seconds=30)
RUNS = 6
"""With two partitions, all in one are as good as impossible."""


@pytest.fixture(params=["plain", "inline", "waits"])
async def client(request: pytest.FixtureRequest, time_skipping_environment: WorkflowEnvironment) -> Client:
    """Without a codec, with one that is called in place, and with one that is waited for."""
    codec = {"plain": None, "inline": AESGCMCodec({"k": b"k" * 32}), "waits": Remote()}[request.param]
    config: Any = {**time_skipping_environment.client.config(), "data_converter": DataConverter(payload_codec=codec)}
    return Client(**config)


@activity.defn
async def weigh(thing: str) -> str:
    return f"{thing}: light"


@activity.defn(name="weigh")
async def weigh_more(thing: str) -> str:
    return f"{thing}: heavy"


@activity.defn
def call(thing: str) -> str:
    return f"{thing}!"


@workflow.defn(name="Weigh")
class Light:
    @workflow.run
    async def run(self, thing: str) -> str:
        return await workflow.execute_activity(weigh, thing, start_to_close_timeout=LIMIT)


@workflow.defn(name="Weigh")
class Heavy:
    @workflow.run
    async def run(self, thing: str) -> str:
        weighed: str = await workflow.execute_activity("weigh", thing, start_to_close_timeout=LIMIT, result_type=str)
        return await workflow.execute_local_activity(call, weighed, start_to_close_timeout=LIMIT)


@workflow.defn
class Other:
    @workflow.run
    async def run(self, thing: str) -> str:
        return await workflow.execute_child_workflow("Weigh", thing, task_queue="heavy", result_type=str)


async def results(client: Client, workflow_type: str, task_queue: str) -> set[str]:
    handles = [
        client.execute_workflow(
            workflow_type, "x", id=f"{workflow_type}-{task_queue}-{number}", task_queue=task_queue, result_type=str
        )
        for number in range(RUNS)
    ]
    return set(await asyncio.wait_for(asyncio.gather(*handles), 60))


def light(client: Client) -> Worker:
    return Worker(client, task_queue="light", workflows=[Light, Other], activities=[weigh])


def heavy(client: Client) -> Worker:
    return Worker(client, task_queue="heavy", workflows=[Heavy], activities=[weigh_more, call])


async def test_workflows_are_run_by_the_code_of_their_task_queue(client: Client) -> None:
    async with light(client), heavy(client):
        assert await results(client, "Weigh", "light") == {"x: light"}
        assert await results(client, "Weigh", "heavy") == {"x: heavy!"}
        assert await results(client, "Other", "light") == {"x: heavy!"}


async def test_a_type_that_only_one_has_is_run_by_that_one_whatever_its_queue(
    time_skipping_environment: WorkflowEnvironment,
) -> None:
    client = time_skipping_environment.client
    async with heavy(client), light(client):
        assert await results(client, "Other", "light") == {"x: heavy!"}


async def test_the_worker_that_came_last_is_the_one_of_its_queue(
    time_skipping_environment: WorkflowEnvironment,
) -> None:
    client = time_skipping_environment.client
    async with Worker(client, task_queue="idle", workflows=[Other], activities=[weigh]):
        async with heavy(client):
            assert await results(client, "Weigh", "heavy") == {"x: heavy!"}
        async with Worker(client, task_queue="heavy", workflows=[Light], activities=[weigh]):
            assert set(
                await asyncio.gather(
                    *(
                        client.execute_workflow("Weigh", "y", id=f"again-{number}", task_queue="heavy")
                        for number in range(RUNS)
                    )
                )
            ) == {"y: light"}


def caller(client: Client, task_queue: str, version: str = "") -> Worker:
    """A worker whose local activity and workflow say whose they are."""
    build = version or task_queue

    @activity.defn(name="sign")
    def sign(of: str) -> str:
        return f"{of} {build}"

    @workflow.defn(name="Sign", sandboxed=False)
    class Sign:
        @workflow.run
        async def run(self, thing: str) -> str:
            first = await workflow.execute_local_activity(sign, build, start_to_close_timeout=LIMIT)
            await workflow.sleep(1)
            return first + ", " + await workflow.execute_local_activity(sign, build, start_to_close_timeout=LIMIT)

    versions: Any = {}
    if version:
        versions["deployment_config"] = WorkerDeploymentConfig(
            version=WorkerDeploymentVersion("signs", version),
            use_worker_versioning=True,
            default_versioning_behavior=VersioningBehavior.PINNED,
        )
    return Worker(
        client, task_queue=task_queue, workflows=[Sign], activities=[sign], max_cached_workflows=0, **versions
    )


async def test_local_activities_of_one_name_are_those_of_the_workflows_worker(client: Client) -> None:
    async with caller(client, "left"), caller(client, "right"):
        assert await results(client, "Sign", "left") == {"left left, left left"}
        assert await results(client, "Sign", "right") == {"right right, right right"}


async def test_local_activities_of_a_pinned_workflow_are_those_of_its_version(client: Client) -> None:
    for_one = PinnedVersioningOverride(WorkerDeploymentVersion("signs", "1"))
    async with caller(client, "signs", "1"), caller(client, "signs", "2"):
        await client.deployment("signs").set_current_version("2")
        assert await results(client, "Sign", "signs") == {"2 2, 2 2"}
        pinned = [
            client.execute_workflow(
                "Sign", "x", id=f"pinned-{number}", task_queue="signs", result_type=str, versioning_override=for_one
            )
            for number in range(RUNS)
        ]
        assert set(await asyncio.gather(*pinned)) == {"1 1, 1 1"}


def test_workers_share_what_goes_through_the_same_codec() -> None:
    def runtime(codec: PayloadCodec | None, *, headers_coded: bool = False) -> WorkflowRuntime:
        converter = DataConverter(payload_codec=codec)
        return WorkflowRuntime([Light], namespace="n", data_converter=converter, headers_coded=headers_coded)

    one, two = Remote(), Remote()
    assert runtime(None).shares_with(runtime(None))
    assert runtime(one).shares_with(runtime(one))
    assert runtime(one, headers_coded=True).shares_with(runtime(one, headers_coded=True))
    assert not runtime(one).shares_with(runtime(None))
    assert not runtime(None).shares_with(runtime(one))
    assert not runtime(one).shares_with(runtime(two))
    assert not runtime(one).shares_with(runtime(one, headers_coded=True))


async def test_what_a_leaving_worker_ran_for_another_begins_anew(client: Client) -> None:
    began, hold = asyncio.Semaphore(0), asyncio.Event()
    begun: list[str] = []

    @activity.defn(name="call")
    async def slow(thing: str) -> str:
        begun.append(thing)
        began.release()
        await hold.wait()
        return f"{thing}?"

    leaving = Worker(client, task_queue="heavy", workflows=[Heavy], activities=[weigh_more, slow])
    async with light(client):
        async with leaving:
            handles = [
                await client.start_workflow("Weigh", "z", id=f"z-{number}", task_queue="heavy", result_type=str)
                for number in range(RUNS)
            ]
            for _ in range(RUNS):
                await asyncio.wait_for(began.acquire(), 60)
        hold.set()
        async with Worker(client, task_queue="heavy", workflows=[Heavy], activities=[weigh_more, slow]):
            ended = await asyncio.wait_for(asyncio.gather(*(handle.result() for handle in handles)), 60)
    assert set(ended) == {"z: heavy?"}
    assert len(begun) == 2 * RUNS


async def test_what_a_leaving_worker_ran_is_run_by_whoever_lent_it(client: Client) -> None:
    began, hold = asyncio.Semaphore(0), asyncio.Event()

    @activity.defn(name="call")
    async def slow(thing: str) -> str:
        began.release()
        await hold.wait()
        return f"{thing}?"

    staying = Worker(client, task_queue="light", workflows=[Heavy], activities=[weigh_more, call])
    async with staying:
        async with Worker(client, task_queue="heavy", workflows=[Heavy], activities=[weigh_more, slow]):
            handles = [
                await client.start_workflow("Weigh", "z", id=f"z-{number}", task_queue="heavy", result_type=str)
                for number in range(RUNS)
            ]
            for _ in range(RUNS):
                await asyncio.wait_for(began.acquire(), 60)
        ended = await asyncio.wait_for(asyncio.gather(*(handle.result() for handle in handles)), 60)
    assert set(ended) == {"z: heavy!"}
