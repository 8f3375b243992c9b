"""Open runs are moved to other versions of their code, and bound in other ways, in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from foldlog import workflow
from foldlog.client import Client, WorkflowHandle
from foldlog.client import WorkerDeploymentVersionStatus as Status
from foldlog.common import (
    AutoUpgradeVersioningOverride,
    OneTimeVersioningOverride,
    PinnedVersioningOverride,
    VersioningBehavior,
)
from foldlog.exceptions import InvalidArgumentError, WorkflowNotFoundError
from foldlog.memory.broker import MemoryBroker
from foldlog.memory.transport import MemoryTransport
from foldlog.worker import Worker

from tests.unit.testing.test_versioning import QUEUE, finish, open_runs, start
from tests.versions import DEPLOYMENT, ONE, TWO, Waits, config, version

PINNED, AUTO = VersioningBehavior.PINNED, VersioningBehavior.AUTO_UPGRADE


@workflow.defn(name="Still", versioning_behavior=PINNED)
class StillOne(Waits):
    """Pinned, and yet its versions fit each other."""

    @workflow.run
    async def run(self) -> list[str]:
        await self.until("go")
        return ["one"]

    @workflow.query
    def build(self) -> str:
        return "one"


@workflow.defn(name="Still", versioning_behavior=PINNED)
class StillTwo(Waits):
    @workflow.run
    async def run(self) -> list[str]:
        await self.until("go")
        return ["two"]

    @workflow.query
    def build(self) -> str:
        return "two"


class Goes(Waits):
    """Goes on as new once, in the way that it is told."""

    way = ""

    async def go_on(self, behavior: int | None) -> str:
        await self.until("go")
        if behavior is not None:
            workflow.continue_as_new(
                None, initial_versioning_behavior=workflow.ContinueAsNewVersioningBehavior(behavior)
            )
        return self.way

    @workflow.query
    def build(self) -> str:
        return self.way


@workflow.defn(name="Goes", versioning_behavior=PINNED)
class GoesOne(Goes):
    way = "one"

    @workflow.run
    async def run(self, behavior: int | None) -> str:
        return await self.go_on(behavior)


@workflow.defn(name="Goes", versioning_behavior=PINNED)
class GoesTwo(Goes):
    way = "two"

    @workflow.run
    async def run(self, behavior: int | None) -> str:
        return await self.go_on(behavior)


FIRST: Sequence[type] = [*ONE, StillOne, GoesOne]
SECOND: Sequence[type] = [*TWO, StillTwo, GoesTwo]


def both(client: Client) -> Worker:
    return Worker(
        client,
        task_queue=QUEUE,
        workflows=SECOND,
        deployment_config=config("2"),
        earlier_versions={"1": FIRST},
    )


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    """Its stores are read back from the log each time that a worker starts."""
    broker = MemoryBroker(partitions=2, keep_stores=False)
    async with Client(MemoryTransport(broker, "default")) as connected:
        yield connected
    broker.close()


async def where(handle: WorkflowHandle[Any, Any]) -> tuple[str, str | None, VersioningBehavior | None]:
    """What its code says, and what is said of it."""
    said = await handle.query("build")
    found = await handle.describe()
    return said, found.deployment_version, found.versioning_behavior


async def test_a_run_is_moved_and_bound_otherwise(client: Client) -> None:
    shop = client.deployment(DEPLOYMENT)
    async with both(client):
        await shop.set_current_version("1")
        order, meter = await start(client, "Still", "o"), await start(client, "Meter", "m")
        assert [await where(each) for each in (order, meter)] == [("one", "shop.1", PINNED), ("one", "shop.1", AUTO)]
        for each in (order, meter):
            await each.update_options(versioning_override=PinnedVersioningOverride(version("2")))
        assert [await where(each) for each in (order, meter)] == [("two", "shop.2", PINNED)] * 2
        assert await open_runs(client) == {"1": (Status.CURRENT, 0, 0), "2": (Status.DRAINING, 2, 0)}
    async with both(client):
        assert [await where(each) for each in (order, meter)] == [("two", "shop.2", PINNED)] * 2
        for each in (order, meter):
            await each.update_options(versioning_override=None)
        # As their definitions say, from where they are.
        assert [await where(each) for each in (order, meter)] == [("two", "shop.2", PINNED), ("one", "shop.1", AUTO)]
        await order.update_options(versioning_override=AutoUpgradeVersioningOverride())
        assert await where(order) == ("one", "shop.1", AUTO)
        await shop.set_current_version("2")
        assert await where(order) == ("two", "shop.2", AUTO)
        await order.update_options(versioning_override=OneTimeVersioningOverride(version("1")))
        assert await where(order) == ("one", "shop.1", PINNED)
        await order.signal("say", "go")
        await order.result()
        with pytest.raises(WorkflowNotFoundError):
            await order.update_options(versioning_override=None)


async def test_a_run_begins_once_on_a_version(client: Client) -> None:
    async with both(client):
        await client.deployment(DEPLOYMENT).set_current_version("2")
        once = OneTimeVersioningOverride(version("1"))
        order = await start(client, "Still", "o", versioning_override=once)
        meter = await start(client, "Meter", "m", versioning_override=once)
        assert [await where(each) for each in (order, meter)] == [("one", "shop.1", PINNED), ("two", "shop.2", AUTO)]
        with pytest.raises(InvalidArgumentError, match="is no version"):
            await start(client, "Still", "x", versioning_override=OneTimeVersioningOverride(version("")))


async def test_a_run_that_nobody_hosts_is_moved_to_a_version_that_somebody_does(client: Client) -> None:
    async with Worker(client, task_queue=QUEUE, workflows=FIRST, deployment_config=config("1")):
        order = await start(client, "Still", "o")
    async with Worker(client, task_queue=QUEUE, workflows=SECOND, deployment_config=config("2")):
        # Nothing has come for it since, so it has not stalled yet.
        await order.signal("say", "hello")
        assert "'shop.1'" in (await order.describe()).stalled_error
        await order.update_options(versioning_override=PinnedVersioningOverride(version("2")))
        assert await where(order) == ("two", "shop.2", PINNED)
        assert not (await order.describe()).stalled_error
        await order.update_options(versioning_override=PinnedVersioningOverride(version("0.9")))
        await order.signal("say", "hello")
        assert "'shop.0.9'" in (await order.describe()).stalled_error
        await order.update_options(versioning_override=PinnedVersioningOverride(version("2")))
        assert (await finish(order))[0] == "two"
        other = await start(client, "Still", "o2")
        with pytest.raises(InvalidArgumentError, match="is no version"):
            await other.update_options(versioning_override=PinnedVersioningOverride(version("")))


async def test_a_run_without_versions_gets_one(client: Client) -> None:
    async with Worker(client, task_queue=QUEUE, workflows=FIRST):
        order = await start(client, "Still", "o")
        await order.update_options(versioning_override=None)
        await order.update_options(versioning_override=OneTimeVersioningOverride(version("1")))
        assert (await order.describe()).deployment_version is None
    async with both(client):
        assert await order.query("build") == "two"
        await order.update_options(versioning_override=PinnedVersioningOverride(version("1")))
        assert await where(order) == ("one", "shop.1", PINNED)


BEHAVIOR = workflow.ContinueAsNewVersioningBehavior


@pytest.mark.parametrize("ramp", [0, 0.001, 100])
@pytest.mark.parametrize(
    ("behavior", "begins_on"),
    [(BEHAVIOR.UNSPECIFIED, "same"), (BEHAVIOR.AUTO_UPGRADE, "current"), (BEHAVIOR.USE_RAMPING_VERSION, "ramping")],
)
async def test_a_pinned_run_goes_on_as_new_on_the_version_that_it_asks_for(
    client: Client, behavior: workflow.ContinueAsNewVersioningBehavior, begins_on: str, ramp: float
) -> None:
    shop = client.deployment(DEPLOYMENT)
    async with both(client):
        await shop.set_current_version("1")
        free = await start(client, "Goes", "f", arg=int(behavior))
        # An override stays, whatever the code asks for, as with Temporal.
        bound = await start(
            client, "Goes", "b", arg=int(behavior), versioning_override=PinnedVersioningOverride(version("1"))
        )
        later = await start(client, "Goes", "l", arg=int(behavior))
        await later.update_options(versioning_override=PinnedVersioningOverride(version("1")))
        if ramp:
            await shop.set_ramping_version("2", ramp)
    async with both(client):
        for each in (free, bound, later):
            await each.signal("say", "go")
        goes_to = {"same": "one", "current": "two" if ramp == 100 else "one", "ramping": "two" if ramp else "one"}
        expected = goes_to[begins_on]
        current = [client.get_workflow_handle(each.id) for each in (free, bound, later)]
        for each in current:
            while (await each.describe()).continued_run_id is None:
                pass
        assert (await where(current[0]))[0] == expected
        assert [await where(each) for each in current[1:]] == [("one", "shop.1", PINNED)] * 2
        assert [await finish(each) for each in current] == [expected, "one", "one"]
