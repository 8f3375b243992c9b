"""Scenarios of workers of their own: versions of their code, options that matter to a run, what is heard of runs."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from datetime import timedelta
from typing import Any

import pytest
from foldlog import activity, workflow
from foldlog.client import Client, WorkerDeploymentVersionStatus, WorkflowFailureError, WorkflowHandle
from foldlog.common import (
    AutoUpgradeVersioningOverride,
    PinnedVersioningOverride,
    RetryPolicy,
    VersioningBehavior,
    WorkerDeploymentVersion,
)
from foldlog.exceptions import ApplicationError, FailedPreconditionError
from foldlog.sensor import Sensor
from foldlog.worker import PatchActivationInput, Worker

from tests.conformance.data import encrypted
from tests.conformance.scenarios import QUEUE, SOON, Place, Scenario
from tests.until import until, until_asked
from tests.versions import DEPLOYMENT, ONE, TWO, Parent, config, version

LIMIT = timedelta(seconds=60)
Status = WorkerDeploymentVersionStatus


@asynccontextmanager
async def worker_of(here: Place, client: Client, **options: Any) -> AsyncIterator[Worker]:
    """A worker of a scenario's own, once it does its work. What the scenario has left is replayed before it stops."""
    worker = Worker(client, **{"task_queue": QUEUE, "state_dir": here.folder / uuid.uuid4().hex, **options})
    async with worker:
        await until(lambda: worker.ready, "the worker is ready")
        yield worker
        await here.replay_with(worker)


async def start(client: Client, workflow: Any, **options: Any) -> WorkflowHandle[Any, Any]:
    return await client.start_workflow(workflow, id=uuid.uuid4().hex, task_queue=QUEUE, rpc_timeout=SOON, **options)


async def versions(here: Place) -> None:
    """Two versions in one worker: what begins where, what stays, what moves, and what is counted."""
    client = here.elsewhere
    shop = client.deployment(DEPLOYMENT)
    async with worker_of(here, client, workflows=TWO, deployment_config=config("2"), earlier_versions={"1": ONE}):
        await shop.set_current_version("1", rpc_timeout=SOON)
        assert await client.list_deployments() == [DEPLOYMENT]
        order, meter = await start(client, "Order"), await start(client, "Meter")
        shown = [await each.describe() for each in (order, meter)]
        assert [each.deployment_version for each in shown] == ["shop.1"] * 2
        read = [WorkerDeploymentVersion.from_canonical_string(each.deployment_version or "") for each in shown]
        assert read == [version("1")] * 2
        behaviors = [VersioningBehavior.PINNED, VersioningBehavior.AUTO_UPGRADE]
        assert [each.versioning_behavior for each in shown] == behaviors
        ramping = await shop.set_ramping_version("2", 100)
        assert (ramping.ramping_version, ramping.ramping_percentage) == (version("2"), 100)
        assert await counted(client) == {"1": (Status.CURRENT, 1, 0), "2": (Status.RAMPING, 0, 1)}
        later = await start(client, "Order")
        stays = await start(client, "Meter", versioning_override=PinnedVersioningOverride(version("1")))
        moves = await start(client, "Order", versioning_override=AutoUpgradeVersioningOverride())
        parents = {upgrade: await start(client, Parent.run, arg=upgrade) for upgrade in (True, False)}
        builds = [await each.query("build") for each in (order, meter, later, stays, moves)]
        assert builds == ["one", "two", "two", "one", "two"]
        nowhere = await start(client, "Order", versioning_override=PinnedVersioningOverride(version("0.9")))
        assert f"'{version('0.9').to_canonical_string()}'" in (await nowhere.describe()).stalled_error
        with pytest.raises(FailedPreconditionError):
            await nowhere.query("build")
        await nowhere.terminate()
        changed = await shop.set_current_version("2")
        assert (changed.current_version, changed.ramping_version) == (version("2"), None)
        assert (await counted(client))["1"] == (Status.DRAINING, 2, 0)
        await finished(client, parents)
        for each, expected in (
            (order, ["one", "1"]),
            (meter, ["two", "began with one"]),
            (later, ["two", "2"]),
            (stays, ["one"]),
            (moves, ["two", "2"]),
        ):
            await each.signal("say", "go")
            assert await each.result() == expected
        assert (await counted(client))["1"] == (Status.DRAINED, 0, 0)
        # Nothing of it concerns the scenarios that come after this one.
        unset = await shop.set_current_version(None)
        assert unset.current_version is None


async def finished(client: Client, parents: dict[bool, WorkflowHandle[Any, Any]]) -> None:
    """Parents that go on as new: on their version, or on the current one if they say so."""
    for parent in parents.values():
        await parent.signal(Parent.say, "again")
        current = client.get_workflow_handle(parent.id)

        async def goes_on(current: WorkflowHandle[Any, Any] = current) -> bool:
            return (await current.describe()).continued_run_id is not None

        await until_asked(goes_on, "the parent goes on as new")
        await current.signal(Parent.say, "go")
        assert (await parent.result())[:2] == ["two", "2"]


async def counted(client: Client) -> dict[str, tuple[Status, int, int]]:
    """Status, pinned runs and moving runs of each version."""
    found = await client.deployment(DEPLOYMENT).describe()
    return {
        each.version.build_id: (each.status, each.pinned_workflows, each.auto_upgrade_workflows)
        for each in found.versions
    }


@workflow.defn
class Patched:
    """Asks for a patch as it begins, and again at its end, and goes on as new once."""

    def __init__(self) -> None:
        self.over = False

    @workflow.run
    async def run(self, before: list[bool]) -> list[bool]:
        found = [*before, workflow.patched("careful")]
        await workflow.wait_condition(lambda: self.over)
        found.append(workflow.patched("careful"))
        if not before:
            workflow.continue_as_new(found)
        return found

    @workflow.signal
    def end(self) -> None:
        self.over = True

    @workflow.update
    async def ask(self) -> bool:
        return workflow.patched("careful")


async def a_worker_says_whether_a_new_patch_is_taken(here: Place) -> None:
    """The first of the new workers say no, for old ones are still there; what a run has once decided stays."""
    asked: list[str] = []

    def refuse(about: PatchActivationInput) -> bool:
        asked.append(about.workflow_info.workflow_id)
        return False

    options: dict[str, Any] = {"workflows": [Patched], "max_cached_workflows": 0}
    async with worker_of(here, here.client, patch_activation_callback=refuse, **options):
        run = await start(here.client, Patched.run, arg=[])
        assert await run.execute_update(Patched.ask, rpc_timeout=SOON) is False
        assert set(asked) == {run.id}
    async with worker_of(here, here.client, **options):
        current = here.client.get_workflow_handle_for(Patched.run, run.id)
        assert await current.execute_update(Patched.ask, rpc_timeout=SOON) is False
        await current.signal(Patched.end)

        async def goes_on() -> bool:
            return (await current.describe()).continued_run_id is not None

        await until_asked(goes_on, "it goes on as new")
        assert await current.execute_update(Patched.ask, rpc_timeout=SOON) is True
    async with worker_of(here, here.client, patch_activation_callback=refuse, **options):
        await current.signal(Patched.end)
        assert await run.result() == [False, False, True, True]


class Mishap(Exception):
    """No failure by itself."""


NOTICED: list[str] = []


@activity.defn
async def until_shutdown(key: str) -> str:
    """Hears that its worker stops, and ends well before it must."""
    activity.heartbeat()
    await activity.wait_for_worker_shutdown()
    NOTICED.append(f"{key} {activity.is_worker_shutdown()}")
    return key


@activity.defn
def until_shutdown_in_thread(key: str) -> str:
    activity.heartbeat()
    activity.wait_for_worker_shutdown_sync(LIMIT)
    NOTICED.append(f"{key} {activity.is_worker_shutdown()}")
    return key


@workflow.defn
class Slow:
    """Runs both activities that wait for their worker's end, one of them nearby."""

    @workflow.run
    async def run(self, key: str) -> list[str]:
        options: dict[str, Any] = {"start_to_close_timeout": LIMIT, "heartbeat_timeout": LIMIT}
        both = [
            workflow.start_activity(until_shutdown, f"{key} async", **options),
            workflow.start_activity(until_shutdown_in_thread, f"{key} thread", **options),
        ]
        return list(await asyncio.gather(*both))


@workflow.defn
class Unlucky:
    @workflow.run
    async def run(self) -> None:
        raise Mishap("as it happens")


@workflow.defn(failure_exception_types=[LookupError])
class Careless:
    @workflow.run
    async def run(self) -> None:
        raise KeyError("as it happens")


class Slots(Sensor):
    """Hears how many places of a worker are taken, and how many heartbeats went out."""

    def __init__(self) -> None:
        self.used = self.total = self.heartbeats = 0

    def activity_slots(self, task_queue: str, used: int, total: int) -> None:
        self.used, self.total = used, total

    def heartbeats_sent(self, task_queue: str, count: int) -> None:
        self.heartbeats += count


async def a_worker_stops_in_its_own_time(here: Place) -> None:
    """And runs that its options say have failed, have failed. What runs is measured while it does."""
    heard = Slots()
    options: dict[str, Any] = {
        "workflows": [Slow, Unlucky, Careless],
        "activities": [until_shutdown, until_shutdown_in_thread],
        "workflow_failure_exception_types": [Mishap],
        "graceful_shutdown_timeout": LIMIT,
        "max_concurrent_activities": 5,
        "max_concurrent_local_activities": 5,
        "max_activities_per_second": 1000.0,
        "max_heartbeat_throttle_interval": timedelta(seconds=1),
        "identity": "a worker of its own",
        "build_id": "build-7",
    }
    key = uuid.uuid4().hex
    async with worker_of(here, here.client, sensor=heard, **options) as worker:
        assert (heard.used, heard.total) == (0, 5)
        for careless in (Unlucky, Careless):
            with pytest.raises(WorkflowFailureError) as failed:
                await (await start(here.client, careless.run)).result()
            assert isinstance(failed.value.cause, ApplicationError)
            assert failed.value.cause.type in ("Mishap", "KeyError")
        slow = await start(here.client, Slow.run, arg=key)
        await until(lambda: worker.running_activities == 2, "both activities run")
        await until(lambda: (heard.used, heard.total, heard.heartbeats) == (2, 5, 2), "it is told that they do")
    assert heard.used == 0
    assert sorted(NOTICED) == [f"{key} async True", f"{key} thread True"]
    NOTICED.clear()
    async with worker_of(here, here.client, **options):
        assert await slow.result() == [f"{key} async", f"{key} thread"]


@activity.defn
async def halves(key: str) -> list[Any]:
    """Does one half of its work in each of two attempts."""
    info = activity.info()
    if key in NOTICED:
        return [info.attempt, *info.heartbeat_details]
    activity.heartbeat(f"{key} half")
    NOTICED.append(key)
    await asyncio.sleep(LIMIT.total_seconds())
    return []


@workflow.defn
class Interrupted:
    @workflow.run
    async def run(self, key: str) -> list[Any]:
        policy = RetryPolicy(initial_interval=timedelta(milliseconds=1))
        return await workflow.execute_activity(halves, key, start_to_close_timeout=LIMIT, retry_policy=policy)


async def an_activity_goes_on_where_the_end_of_its_worker_interrupted_it(here: Place) -> None:
    """However soon that came after its beginning, nearby and not."""
    for remote in (False, True):
        options: dict[str, Any] = {
            "workflows": [Interrupted],
            "activities": [halves],
            "disable_eager_activity_execution": remote,
        }
        key = uuid.uuid4().hex
        async with worker_of(here, here.client, **options):
            interrupted = await start(here.client, Interrupted.run, arg=key)
            await until(lambda: NOTICED[-1:] == [key], "it has done a half")  # noqa: B023  # this very one
        async with worker_of(here, here.client, **options):
            assert await interrupted.result() == [2, f"{key} half"]
    NOTICED.clear()


@workflow.defn
class Talkative:
    """Logs all that its code does."""

    def __init__(self) -> None:
        self.said: list[str] = []

    @workflow.run
    async def run(self) -> int:
        workflow.logger.info("begins")
        await workflow.wait_condition(lambda: "end" in self.said)
        workflow.logger.info("ends")
        return len(self.said)

    @workflow.signal
    def say(self, word: str) -> None:
        workflow.logger.info("hears %s", word)
        self.said.append(word)

    @workflow.query
    def count(self) -> int:
        return len(self.said)


@contextmanager
def logged(name: str = "foldlog.workflow", level: int = logging.INFO) -> Iterator[list[logging.LogRecord]]:
    """What a logger hears meanwhile, from a level on; that of workflows if none is named."""
    records: list[logging.LogRecord] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(record)

    found, keep = logging.getLogger(name), Keep()
    before = found.level
    found.addHandler(keep)
    found.setLevel(level)
    try:
        yield records
    finally:
        found.removeHandler(keep)
        found.setLevel(before)


async def each_line_is_logged_once(here: Place) -> None:
    """However often a run is rebuilt from its history, by another worker too, and whatever for."""
    options: dict[str, Any] = {"workflows": [Talkative], "max_cached_workflows": 0}
    with logged() as records:
        async with worker_of(here, here.client, **options):
            runs = [
                await start(here.client, Talkative.run, **more)
                for more in ({}, {"start_delay": timedelta(milliseconds=1)})
            ]
            for run in runs:

                async def begun(run: WorkflowHandle[Any, Any] = run) -> bool:
                    return any(each.run_id == run.result_run_id for each in records)  # type: ignore[attr-defined]

                await until_asked(begun, "its code has begun")
                assert [await run.query(Talkative.count) for _ in range(2)] == [0, 0]
        async with worker_of(here, here.client, **options):
            for run in runs:
                assert await run.query(Talkative.count) == 0
                for word in ("this", "end"):
                    await run.signal(Talkative.say, word)
                assert await run.result() == 2
                assert await run.query(Talkative.count) == 2
    for run in runs:
        told = [each for each in records if each.run_id == run.result_run_id]  # type: ignore[attr-defined]
        words = [each.getMessage().partition(" (")[0] for each in told]
        assert words == ["begins", "hears this", "hears end", "ends"]
        assert {each.workflow_id for each in told} == {run.id}  # type: ignore[attr-defined]


def of_queue(here: Place, client: Client, task_queue: str) -> AbstractAsyncContextManager[Worker]:
    """A worker whose workflow and local activity are named as those of another queue."""

    @activity.defn(name="SignsFor")
    async def sign(text: str) -> str:
        return f"{text}, signed by {task_queue}"

    @workflow.defn(name="Signs", sandboxed=False)
    class Signs:
        @workflow.run
        async def run(self, text: str) -> str:
            return await workflow.execute_local_activity(
                sign, f"{text} for {task_queue}", start_to_close_timeout=timedelta(seconds=60)
            )

    return worker_of(here, client, task_queue=task_queue, workflows=[Signs], activities=[sign])


async def workers_of_one_process_share_what_is_encoded(here: Place) -> None:
    """One for each task queue: whichever has a partition, code and local activities are those of the queue's worker."""
    options: dict[str, Any] = {**here.client.config(), "data_converter": encrypted()}
    client = Client(**options)
    async with of_queue(here, client, "left"), of_queue(here, client, "right"):
        begun = [
            (queue, await client.start_workflow("Signs", "x", id=uuid.uuid4().hex, task_queue=queue, rpc_timeout=SOON))
            for queue in ("left", "right") * 6
        ]
        for queue, run in begun:
            assert await run.result(rpc_timeout=SOON) == f"x for {queue}, signed by {queue}"


ALONE: list[Scenario] = [
    versions,
    workers_of_one_process_share_what_is_encoded,
    a_worker_says_whether_a_new_patch_is_taken,
    a_worker_stops_in_its_own_time,
    an_activity_goes_on_where_the_end_of_its_worker_interrupted_it,
    each_line_is_logged_once,
]
"""Scenarios that bring their own workers."""
