"""A ramp on a real broker: two processes that have two versions of the code, one of which is killed in the middle."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from foldlog.client import WorkerDeploymentVersionStatus as Status
from foldlog.common import PinnedVersioningOverride

from tests.until import until_asked
from tests.versions import DEPLOYMENT, Parent, version

from .processes import Fleet
from .running import Place, place

COUNT = 12


@pytest.fixture
async def here(kafka: str, namespace: str, tmp_path: Path) -> AsyncIterator[Place]:
    async with place(kafka, namespace, tmp_path) as found:
        yield found


async def on(handles: list[Any]) -> list[str]:
    """The build that each is on, as its description has it, which is the one that its code says."""
    words = {"one": "1", "two": "2"}
    found = []
    for handle in handles:
        described = await handle.describe()
        assert described.deployment_version is not None, handle.id
        build_id = described.deployment_version.partition(".")[2]
        assert words[await handle.query("build")] == build_id, handle.id
        found.append(build_id)
    return found


async def start(here: Place, workflow: str, prefix: str, **options: Any) -> list[Any]:
    ids = [f"{prefix}-{number}" for number in range(COUNT)]
    return await asyncio.gather(*(here.start(workflow, id=id, **options) for id in ids))


async def results(handles: list[Any]) -> list[Any]:
    await asyncio.gather(*(handle.signal("say", "go") for handle in handles))
    return await asyncio.gather(*(handle.result() for handle in handles))


async def test_a_ramp_survives_a_kill(here: Place, kafka: str, tmp_path: Path) -> None:
    shop = here.client.deployment(DEPLOYMENT)
    with Fleet(kafka, here.namespace, tmp_path, program="tests.integration.processor.versioned") as fleet:
        for name in ("first", "second"):
            fleet.start(name, "2,1", instance_id=name)  # known to the broker: the next life gets its partitions at once
        for name in ("first", "second"):
            await fleet.until_ready(name)
        await shop.set_current_version("1")
        parents = [await here.start("Parent", upgrade, id=f"parent-{upgrade}") for upgrade in (True, False)]
        before = await start(here, "Meter", "meter")
        described = await shop.set_ramping_version("2", 50)
        assert not described.behind
        orders = await start(here, "Order", "order")
        meters = await start(here, "Meter", "later-meter")
        bound = await start(here, "Order", "bound", versioning_override=PinnedVersioningOverride(version("1")))
        begun = await on(orders)
        assert set(begun) == {"1", "2"}
        assert set(await on(bound)) == {"1"}
        moved = await on([*before, *meters])

        fleet.kill("first")
        fleet.start("first", "2,1", instance_id="first")
        described = await shop.set_ramping_version("2", 80)
        assert await on(orders) == begun, "pinned runs stay"
        after = await on([*before, *meters])
        assert Counter(after)["2"] > Counter(moved)["2"]
        assert all(now == "2" for now, earlier in zip(after, moved, strict=True) if earlier == "2")
        counted = {each.version.build_id: each for each in (await shop.describe()).versions}
        assert counted["2"].status is Status.RAMPING
        assert counted["2"].pinned_workflows == begun.count("2")
        assert counted["2"].auto_upgrade_workflows == after.count("2")
        assert counted["1"].pinned_workflows == begun.count("1") + len(bound) + len(parents)

        await shop.set_current_version("2")
        for parent in parents:
            await parent.signal(Parent.say, "again")
            await until_asked(lambda id=parent.id: continued(here, id), "it went on as new")  # type: ignore[misc]
            await here.client.get_workflow_handle(parent.id).signal(Parent.say, "go")
        assert await parents[0].result() == ["two", "2", "two", "began with two"]
        assert await parents[1].result() == ["one", "1", "two", "began with two"]
        assert await results(orders) == [["one", "1"] if build == "1" else ["two", "2"] for build in begun]
        assert await results(bound) == [["one", "1"]] * COUNT
        assert {tuple(each) for each in await results(before)} == {("two", "began with one")}
        assert {tuple(each) for each in await results(meters)} == {("two", "began with one"), ("two", "began with two")}

        async def drained() -> bool:
            found = {each.version.build_id: each for each in (await shop.describe()).versions}
            return found["1"].status is Status.DRAINED and not found["1"].pinned_workflows

        await until_asked(drained, "the first version is drained")
        for name in ("first", "second"):
            await fleet.stop(name)
    await here.check("first", "second")


async def continued(here: Place, workflow_id: str) -> bool:
    found = await here.client.get_workflow_handle(workflow_id).describe()
    return bool(found.continued_run_id)
