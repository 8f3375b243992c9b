"""Versions of workflow code, with workers of several versions in one namespace, in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import pytest
from foldlog import activity, workflow
from foldlog.client import Client, WorkerDeploymentDescription, WorkflowExecutionDescription, WorkflowHandle
from foldlog.client import WorkerDeploymentVersionStatus as Status
from foldlog.client._deployments import keys_of_partitions
from foldlog.common import (
    AutoUpgradeVersioningOverride,
    PinnedVersioningOverride,
    RetryPolicy,
    VersioningBehavior,
)
from foldlog.exceptions import (
    ConfigurationError,
    DefinitionError,
    FailedPreconditionError,
    InvalidArgumentError,
    RPCError,
    RPCStatusCode,
)
from foldlog.memory.broker import MemoryBroker
from foldlog.memory.transport import MemoryTransport
from foldlog.schemas.command import SetDeployment, SignalWorkflow
from foldlog.schemas.common import Deployment
from foldlog.worker import Replayer, Worker, WorkerDeploymentConfig

from tests.until import until, until_asked
from tests.versions import (
    DEPLOYMENT,
    ONE,
    TWO,
    MeterOne,
    MeterTwo,
    OrderOne,
    OrderTwo,
    Parent,
    config,
    version,
)

QUEUE = "q"


@workflow.defn
class Unsaid:
    """Does not say how it is versioned."""

    @workflow.run
    async def run(self) -> None:
        return


async def packed() -> str:
    return await workflow.execute_activity(
        "pack", task_queue="packing", result_type=str, start_to_close_timeout=timedelta(minutes=1)
    )


@workflow.defn(name="Packs", versioning_behavior=VersioningBehavior.PINNED)
class PacksOne:
    @workflow.run
    async def run(self) -> str:
        return await packed()


@workflow.defn(name="Packs", versioning_behavior=VersioningBehavior.PINNED)
class PacksTwo:
    @workflow.run
    async def run(self) -> str:
        return await packed()


@pytest.fixture
async def broker() -> AsyncIterator[MemoryBroker]:
    """With several partitions, so that workers share them."""
    broker = MemoryBroker(partitions=4, keep_stores=False)
    yield broker
    broker.close()


@pytest.fixture
async def client(broker: MemoryBroker) -> AsyncIterator[Client]:
    async with Client(MemoryTransport(broker, "default")) as connected:
        yield connected


@pytest.fixture
async def elsewhere(broker: MemoryBroker) -> AsyncIterator[Client]:
    """Of the same namespace. Its workers know nothing of the other client's, as if they were in another process."""
    async with Client(MemoryTransport(broker, "default")) as connected:
        yield connected


def one(client: Client) -> Worker:
    return Worker(client, task_queue=QUEUE, workflows=ONE, deployment_config=config("1"))


def both(client: Client) -> Worker:
    return Worker(client, task_queue=QUEUE, workflows=TWO, deployment_config=config("2"), earlier_versions={"1": ONE})


def two(client: Client) -> Worker:
    return Worker(client, task_queue=QUEUE, workflows=TWO, deployment_config=config("2"))


async def start(client: Client, workflow: str, id: str, **options: Any) -> WorkflowHandle[Any, Any]:
    return await client.start_workflow(workflow, id=id, task_queue=QUEUE, **options)


async def finish(handle: WorkflowHandle[Any, Any]) -> Any:
    await handle.signal("say", "go")
    return await handle.result()


async def open_runs(client: Client) -> dict[str, tuple[Status, int, int]]:
    found = await client.deployment(DEPLOYMENT).describe()
    return {
        each.version.build_id: (each.status, each.pinned_workflows, each.auto_upgrade_workflows)
        for each in found.versions
    }


@workflow.defn(versioning_behavior=VersioningBehavior.PINNED)
class Knows:
    """Says which version it is."""

    @workflow.run
    async def run(self) -> str:
        await workflow.sleep(0.01)
        known = workflow.info().get_current_deployment_version()
        return "no version" if known is None else known.build_id


async def test_a_replayer_tells_pinned_runs_the_version_that_they_were_on(client: Client) -> None:
    async with Worker(client, task_queue=QUEUE, workflows=[Knows], deployment_config=config("7")):
        handle = await start(client, "Knows", "knows")
        assert await handle.result() == "7"
        history = await handle.fetch_history()
    seen: list[str] = []

    @workflow.defn(name="Knows", sandboxed=False)
    class Tells(Knows):
        @workflow.run
        async def run(self) -> str:
            seen.append(await super().run())
            return seen[-1]

    await Replayer(workflows=[Tells]).replay_workflow(history)
    assert seen == ["7"]


async def test_a_worker_without_a_current_version_starts_on_its_own(client: Client) -> None:
    async with one(client):
        order, meter = await start(client, "Order", "o"), await start(client, "Meter", "m")
        found = await order.describe()
        assert (found.deployment_version, found.versioning_behavior) == ("shop.1", VersioningBehavior.PINNED)
        found = await meter.describe()
        assert (found.deployment_version, found.versioning_behavior) == ("shop.1", VersioningBehavior.AUTO_UPGRADE)
        assert await open_runs(client) == {"1": (Status.CURRENT, 1, 1)}
        assert await client.list_deployments() == [DEPLOYMENT]
        assert (await finish(order), await finish(meter)) == (["one", "1"], ["one"])
        assert await open_runs(client) == {"1": (Status.CURRENT, 0, 0)}


async def test_a_rolling_deployment(client: Client, elsewhere: Client) -> None:
    shop = client.deployment(DEPLOYMENT)
    async with one(client):
        await shop.set_current_version("1")
        order, meter = await start(client, "Order", "o"), await start(client, "Meter", "m")
        async with both(elsewhere):
            other = await start(client, "Order", "o2")
            assert await open_runs(client) == {"1": (Status.CURRENT, 2, 1), "2": (Status.INACTIVE, 0, 0)}
    async with both(client):
        described = await shop.set_current_version("2")
        assert described.current_version == version("2")
        assert not described.behind
        assert [each.hosting_partitions for each in described.versions] == [list(range(described.partitions))] * 2
        later, meter_two = await start(client, "Order", "o3"), await start(client, "Meter", "m2")
        assert await meter.query("build") == "two"
        assert await open_runs(client) == {"1": (Status.DRAINING, 2, 0), "2": (Status.CURRENT, 1, 2)}
        assert [await finish(each) for each in (order, other)] == [["one", "1"]] * 2
        assert await finish(later) == ["two", "2"]
        assert await finish(meter) == ["two", "began with one"]
        assert await finish(meter_two) == ["two", "began with two"]
        assert (await open_runs(client))["1"] == (Status.DRAINED, 0, 0)


async def test_a_cached_run_moves_when_the_version_changes_and_back(client: Client) -> None:
    shop = client.deployment(DEPLOYMENT)
    async with both(client):
        await shop.set_current_version("1")
        meter = await start(client, "Meter", "m")
        assert await meter.query("build") == "one"
        await shop.set_current_version("2")
        assert await meter.query("build") == "two"
        await meter.signal("say", "hello")
        await shop.set_current_version("1")
        assert await finish(meter) == ["one"]


async def test_a_run_pinned_to_a_version_that_nobody_runs_is_shown_and_goes_on_later(client: Client) -> None:
    async with one(client):
        order = await start(client, "Order", "o")
    async with two(client):
        early = await order.describe()
        assert "is pinned to version 'shop.1'" in early.stalled_error
        assert early.stalled_attempts == 0
        await order.signal("say", "go")
        found = await order.describe()
        assert found.stalled_attempts == 1
        assert "is pinned to version 'shop.1'" in found.stalled_error
        assert "has the versions 'shop.2'" in found.stalled_error
        with pytest.raises(FailedPreconditionError, match=r"pinned to version 'shop\.1'"):
            await order.query("build")
        described = await client.deployment(DEPLOYMENT).describe()
        stale = {each.version.build_id: each for each in described.versions}["1"]
        assert (stale.status, stale.pinned_workflows, stale.stalled_workflows) == (Status.DRAINING, 1, 1)
        assert stale.hosting_partitions == []
    async with both(client):
        assert await order.result() == ["one", "1"]
        assert (await order.describe()).stalled_error == ""


async def test_a_version_that_not_all_workers_have_is_not_made_current_unawares(
    client: Client, elsewhere: Client
) -> None:
    shop = client.deployment(DEPLOYMENT)
    async with one(client):
        await shop.set_current_version("1")
        meter = await start(client, "Meter", "m")
        with pytest.raises(FailedPreconditionError, match="build '2' is not hosted by partitions 0, 1, 2, 3: roll out"):
            await shop.set_current_version("2")
        async with both(elsewhere):  # has some of them
            with pytest.raises(FailedPreconditionError, match=r"build '2' is not hosted by partitions \d"):
                await shop.set_ramping_version("2", 50)
        unchanged = await shop.describe()
        assert (unchanged.current_version, unchanged.ramping_version) == (version("1"), None)
        await shop.set_ramping_version("2", 50, allow_missing=True)
        await shop.set_ramping_version(None, 0)
        assert await finish(meter) == ["one"]


async def test_processes_that_have_one_version_each_never_run_the_other_one(
    client: Client, elsewhere: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """What works with Temporal: a worker for each version. Here it is said at once, and nothing runs on wrong code."""
    shop = client.deployment(DEPLOYMENT)
    async with one(client):
        await shop.set_current_version("1")
        runs = [await start(client, kind, f"{kind}{number}") for number in range(6) for kind in ("Order", "Meter")]
        async with two(elsewhere):
            said = [each.getMessage() for each in caplog.records if "earlier_versions" in each.getMessage()]
            assert len(said) == 1
            assert "are to be on version 'shop.1', and this worker has 'shop.2'" in said[0]
            with pytest.raises(FailedPreconditionError, match=r"build '2' is not hosted by partitions \d"):
                await shop.set_current_version("2")
            runs += [
                await start(client, kind, f"{kind}{number}") for number in range(6, 9) for kind in ("Order", "Meter")
            ]
            stalled = 0
            for each in runs:
                await each.signal("say", "hello")
                found = await each.describe()
                assert found.deployment_version == "shop.1"
                if found.stalled_error:
                    stalled += 1
                    assert "the worker that has its partition has the versions 'shop.2'" in found.stalled_error
                else:
                    assert await each.query("build") == "one"
            assert 0 < stalled < len(runs)
        async with both(elsewhere):
            assert [(await finish(each))[0] for each in runs] == ["one"] * len(runs)


async def test_workers_of_one_process_have_each_others_versions(client: Client) -> None:
    """As in Temporal's own tests: a worker for each version, and all of them in one process."""
    shop = client.deployment(DEPLOYMENT)
    async with one(client), two(client):
        for build in ("1", "2"):
            described = await shop.set_current_version(build)
            assert [len(each.hosting_partitions) for each in described.versions] == [described.partitions] * 2
            for number in range(6):
                await start(client, "Order", f"o{build}{number}")
                await start(client, "Meter", f"m{build}{number}")
        for build, expected in (("1", "one"), ("2", "two")):
            for number in range(6):
                order, meter = (client.get_workflow_handle(f"{kind}{build}{number}") for kind in "om")
                assert await finish(order) == [expected, build]
                assert await finish(meter) == ["two", f"began with {expected}"]


async def test_runs_go_on_when_a_worker_of_this_process_has_their_version(client: Client) -> None:
    async with one(client):
        orders = [await start(client, "Order", f"o{number}") for number in range(8)]
    async with two(client):
        for each in orders:
            await each.signal("say", "hello")
            assert (await each.describe()).stalled_error
        async with one(client):
            assert [await finish(each) for each in orders] == [["one", "1"]] * len(orders)


async def test_a_version_may_be_of_several_workers_of_one_process(client: Client) -> None:
    """One for each task queue, as applications have it."""
    kinds: dict[str, tuple[list[type], list[type]]] = {"q1": ([OrderOne], [OrderTwo]), "q2": ([MeterOne], [MeterTwo])}
    async with AsyncExitStack() as stack:
        for queue, versions in kinds.items():
            for build, workflows in zip("12", versions, strict=True):
                worker = Worker(client, task_queue=queue, workflows=workflows, deployment_config=config(build))
                await stack.enter_async_context(worker)
        await client.deployment(DEPLOYMENT).set_current_version("1")
        for number in range(8):
            order = await client.start_workflow("Order", id=f"o{number}", task_queue="q1")
            meter = await client.start_workflow("Meter", id=f"m{number}", task_queue="q2")
            assert (await finish(order), await finish(meter)) == (["one", "1"], ["one"])


async def test_runs_of_a_version_stall_on_a_worker_that_has_none(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    shop = client.deployment(DEPLOYMENT)
    async with one(client):
        await shop.set_current_version("1")
        runs = [await start(client, kind, kind) for kind in ("Order", "Meter")]
    async with Worker(client, task_queue=QUEUE, workflows=TWO):
        assert "are to be on version 'shop.1', and this worker is not versioned" in caplog.text
        for each in runs:
            await each.signal("say", "go")
            assert "has its partition is not versioned" in (await each.describe()).stalled_error
        await shop.set_current_version(None)
        assert await runs[1].result() == ["two", "began with one"], "nobody says where it belongs any more"
    async with one(client):
        assert await runs[0].result() == ["one", "1"]


async def test_a_version_that_is_made_current_too_early_stalls_and_rolls_back(client: Client) -> None:
    shop = client.deployment(DEPLOYMENT)
    async with one(client):
        meter = await start(client, "Meter", "m")
        await shop.set_current_version("2", allow_missing=True)
        await meter.signal("say", "go")
        assert "its deployment, which is at 'shop.2'" in (await meter.describe()).stalled_error
        await shop.set_current_version("1")
        assert await meter.result() == ["one"]


async def test_a_run_that_stalls_just_before_the_roll_back_goes_on_as_well(client: Client) -> None:
    shop = client.deployment(DEPLOYMENT)
    async with one(client):
        meter = await start(client, "Meter", "m")
        await shop.set_current_version("2", allow_missing=True)
        args = await client.data_converter.encode(["go"])
        back = Deployment(deployment_name=DEPLOYMENT, revision=9, change_id="back", current_build_id="1")
        # Sent without a wait between them, so that one transaction has both.
        client.transport.tell("m", SignalWorkflow(signal_name="say", args=args))
        for key in keys_of_partitions(client.transport.partitions):
            client.transport.tell(key, SetDeployment(deployment=back))
        assert (await shop.describe()).current_version == version("1")
        assert (await meter.describe()).stalled_error == ""
        assert await meter.result() == ["one"]


async def test_a_change_that_broke_off_is_shown_and_made_again(client: Client) -> None:
    shop = client.deployment(DEPLOYMENT)
    async with both(client):
        await shop.set_current_version("1")
        first, *others = keys_of_partitions(client.transport.partitions)
        half = Deployment(
            deployment_name=DEPLOYMENT, revision=2, change_id="half", current_build_id="2", earlier_build_ids=["1"]
        )
        client.transport.tell(first, SetDeployment(deployment=half))
        described = await shop.describe()
        # What it was to be is known, and who has not heard of it.
        assert (described.current_version, described.behind) == (version("2"), list(range(1, len(others) + 1)))
        described = await shop.set_current_version("2")
        assert (described.current_version, described.behind) == (version("2"), [])
        assert await open_runs(client) == {"1": (Status.DRAINED, 0, 0), "2": (Status.CURRENT, 0, 0)}


async def test_a_share_of_new_runs_begins_on_the_ramping_version(client: Client) -> None:
    shop = client.deployment(DEPLOYMENT)
    async with both(client):
        await shop.set_current_version("1")
        await shop.set_ramping_version("2", 30)
        for number in range(200):
            await start(client, "Order", f"o{number}")
            await start(client, "Meter", f"o{number}-m")
        found = await open_runs(client)
        assert 35 <= found["2"][1] <= 85
        assert found["1"][1] + found["2"][1] == found["1"][2] + found["2"][2] == 200
        assert (found["1"][0], found["2"][0]) == (Status.CURRENT, Status.RAMPING)
        ramped = found["2"][2]
        await shop.set_ramping_version("2", 60)
        after = await open_runs(client)
        assert after["2"][1] == found["2"][1], "pinned runs stay"
        assert after["2"][2] > ramped, "the others follow the ramp"
        described = await shop.set_current_version("2")
        assert (described.ramping_version, described.ramping_percentage) == (None, 0.0)
        assert (await open_runs(client))["2"][2] == 200


async def test_overrides_at_the_start(client: Client) -> None:
    async with both(client):
        pinned = PinnedVersioningOverride(version("1"))
        order = await start(client, "Order", "o", versioning_override=pinned)
        meter = await start(client, "Meter", "m", versioning_override=pinned)
        moving = await start(client, "Order", "a", versioning_override=AutoUpgradeVersioningOverride())
        assert [await each.query("build") for each in (order, meter, moving)] == ["one", "one", "two"]
        nowhere = await start(client, "Order", "n", versioning_override=PinnedVersioningOverride(version("0.9")))
        assert "'shop.0.9'" in (await nowhere.describe()).stalled_error
        bad = PinnedVersioningOverride(version(""))
        with pytest.raises(InvalidArgumentError, match="is no version"):
            await start(client, "Order", "x", versioning_override=bad)


async def test_children_and_later_runs_of_a_pinned_run_stay_on_its_version(client: Client) -> None:
    shop = client.deployment(DEPLOYMENT)
    async with both(client):
        await shop.set_current_version("1")
        parents = {upgrade: await start(client, "Parent", f"p{upgrade}", arg=upgrade) for upgrade in (True, False)}
        await shop.set_current_version("2")
        for upgrade, parent in parents.items():
            await parent.signal(Parent.say, "again")
            expected = "shop.2" if upgrade else "shop.1"
            await until_version(client, parent.id, expected)
            await client.get_workflow_handle(parent.id).signal(Parent.say, "go")
        assert await parents[False].result() == ["one", "1", "two", "began with two"]
        assert await parents[True].result() == ["two", "2", "two", "began with two"]


async def until_version(client: Client, workflow_id: str, expected: str) -> None:
    async def continued() -> WorkflowExecutionDescription | None:
        found = await client.get_workflow_handle(workflow_id).describe()
        return found if found.continued_run_id else None

    found = await until_asked(continued, f"{workflow_id} has continued")
    assert found.deployment_version == expected


async def test_a_retried_run_begins_on_the_new_version_unless_it_was_pinned_by_its_start(client: Client) -> None:
    shop = client.deployment(DEPLOYMENT)
    again = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_attempts=2)
    limit = timedelta(hours=1)
    async with both(client):
        await shop.set_current_version("1")
        free = await start(client, "Order", "f", retry_policy=again, run_timeout=limit)
        bound = await start(
            client,
            "Order",
            "b",
            retry_policy=again,
            run_timeout=limit,
            versioning_override=PinnedVersioningOverride(version("1")),
        )
        await shop.set_current_version("2")
        await asyncio.gather(free.result(), bound.result(), return_exceptions=True)
        found: dict[str, list[str | None]] = {}
        async for run in client.list_workflows():
            found.setdefault(run.id, []).append(
                (await client.get_workflow_handle(run.id, run_id=run.run_id).describe()).deployment_version
            )
        assert sorted(map(str, found["f"])) == ["shop.1", "shop.2"]
        assert found["b"] == ["shop.1", "shop.1"]


async def test_unversioned_runs_go_on_on_a_versioned_worker(client: Client) -> None:
    async with Worker(client, task_queue=QUEUE, workflows=ONE):
        order = await start(client, "Order", "o")
        assert (await order.describe()).deployment_version is None
    async with one(client):
        assert await finish(order) == ["one", "1"]


async def test_changes_of_a_deployment_that_cannot_be(client: Client) -> None:
    async with one(client):
        shop = client.deployment(DEPLOYMENT)
        for build_id, percentage in (("2", 101), ("2", -1), ("2", float("nan")), ("1", 5)):
            await shop.set_current_version("1")
            with pytest.raises(InvalidArgumentError):
                await shop.set_ramping_version(build_id, percentage)
        with pytest.raises(InvalidArgumentError, match="no dot"):
            await client.deployment("a.b").set_current_version("1")
        unset = await shop.set_current_version(None)
        assert unset.current_version is None


async def test_a_deployment_that_nobody_knows_is_not_made_by_asking_and_taking_back(client: Client) -> None:
    async with one(client):
        unknown = client.deployment("nosuch")
        for asked in (unknown.describe(), unknown.set_current_version(None), unknown.set_ramping_version(None, 0)):
            with pytest.raises(RPCError, match="there is no deployment 'nosuch'") as raised:
                await asked
            assert raised.value.status is RPCStatusCode.NOT_FOUND
        assert await client.list_deployments() == [DEPLOYMENT]
        unset = await client.deployment(DEPLOYMENT).set_current_version(None)  # known by its worker
        assert [each.version for each in unset.versions] == [version("1")]


async def test_a_deployment_outlives_its_processors(client: Client) -> None:
    async with both(client):
        set_by: WorkerDeploymentDescription = await client.deployment(DEPLOYMENT).set_current_version("1")
    async with both(client):
        found = await client.deployment(DEPLOYMENT).describe()
        assert (found.current_version, found.changed_time) == (version("1"), set_by.changed_time)
        assert await finish(await start(client, "Order", "o")) == ["one", "1"]


async def test_options_that_do_not_fit_together(client: Client) -> None:
    def refused(match: str, error: type[Exception] = ConfigurationError, **options: Any) -> None:
        with pytest.raises(error, match=match):
            Worker(client, task_queue=QUEUE, **{"workflows": ONE, **options})

    pinned = VersioningBehavior.PINNED
    unversioned = WorkerDeploymentConfig(version=version("1"), use_worker_versioning=False)
    refused("cannot be used with build_id", deployment_config=config("1"), build_id="1")
    refused(
        "must be UNSPECIFIED",
        deployment_config=WorkerDeploymentConfig(
            version=version("1"), use_worker_versioning=False, default_versioning_behavior=pinned
        ),
    )
    refused("needs a deployment_config", earlier_versions={"1": ONE})
    refused("needs a deployment_config", earlier_versions={"0": ONE}, deployment_config=unversioned)
    refused("twice", earlier_versions={"1": ONE}, deployment_config=config("1"))
    refused("without a dot", deployment_config=config(""))
    refused("must specify a versioning behavior", DefinitionError, workflows=[Unsaid], deployment_config=config("1"))
    refused("deployment_config instead", use_worker_versioning=True)


async def test_a_task_of_another_version_takes_nobodys_place(client: Client) -> None:
    """A worker has place for one task, which it has; behind that waits one that it may not run, and then one it may."""
    first_may_end = asyncio.Event()

    @activity.defn(name="pack")
    async def pack() -> str:
        await first_may_end.wait()
        return "packed by two"

    options: dict[str, Any] = {"activities": [pack], "deployment_config": config("2")}
    packer = Worker(client, task_queue="packing", max_concurrent_activities=1, **options)
    flows = Worker(client, task_queue=QUEUE, workflows=[PacksTwo], earlier_versions={"1": [PacksOne]}, **options)
    async with packer, flows:

        async def begin(build_id: str) -> WorkflowHandle[Any, Any]:
            override = PinnedVersioningOverride(version(build_id))
            return await client.start_workflow(
                "Packs", id=f"packs-{build_id}", task_queue=QUEUE, versioning_override=override
            )

        first = await begin("2")
        await until(lambda: packer.running_activities == 1, "its place is taken")
        await begin("1")
        last = await client.start_workflow(
            "Packs", id="last", task_queue=QUEUE, versioning_override=PinnedVersioningOverride(version("2"))
        )
        first_may_end.set()
        async with asyncio.timeout(30):
            assert [await first.result(), await last.result()] == ["packed by two"] * 2
