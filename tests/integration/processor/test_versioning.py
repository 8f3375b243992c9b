"""A rolling deployment on a real broker: two processes with different versions of the code, under load."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from foldlog.client import WorkerDeploymentVersionStatus as Status

from tests.until import until_asked
from tests.versions import DEPLOYMENT, ONE, TWO, config, version

from .processes import Fleet
from .running import Place, place

EACH = 4


@pytest.fixture
async def here(kafka: str, namespace: str, tmp_path: Path) -> AsyncIterator[Place]:
    async with place(kafka, namespace, tmp_path) as found:
        yield found


class Load:
    """Starts orders, meters and parcels all the time, and ends each after a while."""

    def __init__(self, here: Place) -> None:
        self.results: dict[str, list[str]] = {}
        self._here = here
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        for number in range(10_000):
            names = [(name, f"load-{name.lower()}-{number}") for name in ("Order", "Meter", "Parcel")]
            handles = [await self._here.start(workflow, id=id) for workflow, id in names]
            for handle in handles:
                await handle.signal("say", "go")
                self.results[handle.id] = await handle.result()

    async def go_on(self) -> None:
        """Wait until some more have ended."""
        before = len(self.results)

        async def enough() -> bool:
            if self._task.done():
                self._task.result()
            return len(self.results) >= before + 9

        await until_asked(enough, "the load goes on")

    def parcels(self) -> set[tuple[str, ...]]:
        """Whose code ran, and whose activity."""
        return {tuple(result) for id, result in self.results.items() if id.startswith("load-parcel")}

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


async def builds(here: Place) -> dict[str, tuple[Status, int, int, int]]:
    """Status, pinned runs, moving runs and hosting partitions of each build."""
    found = await here.client.deployment(DEPLOYMENT).describe()
    return {
        each.version.build_id: (
            each.status,
            each.pinned_workflows,
            each.auto_upgrade_workflows,
            len(each.hosting_partitions),
        )
        for each in found.versions
    }


async def finished(handles: list[Any]) -> list[list[str]]:
    for handle in handles:
        await handle.signal("say", "go")
    return [await handle.result() for handle in handles]


async def nobody_has_the_code(here: Place, orders: list[Any]) -> None:
    """Runs are pinned to the first version, and nobody has its code: they stall and keep what they are told."""

    async def nobody() -> bool:
        return (await builds(here))["1"][3] == 0

    await until_asked(nobody, "nobody hosts the first version")
    for order in orders:
        await order.signal("say", "go")
    for order in orders:
        assert "is pinned to version 'shop.1'" in (await order.describe()).stalled_error
    assert await (await here.start("Order", id="later")).query("build") == "two"


async def drained(here: Place) -> bool:
    """Whether no run is pinned to the first version any more; ends those that the load has left."""
    async for run in here.client.list_workflows(id_prefix="load-order"):
        if run.close_time is None:
            await here.client.get_workflow_handle(run.id).signal("say", "go")
    return (await builds(here))["1"][0] is Status.DRAINED


async def test_a_rolling_deployment_of_two_code_versions(here: Place, kafka: str, tmp_path: Path) -> None:
    shop = here.client.deployment(DEPLOYMENT)
    with Fleet(kafka, here.namespace, tmp_path, program="tests.integration.processor.versioned") as fleet:
        fleet.start("old", "1")
        await fleet.until_ready("old")
        await shop.set_current_version("1")
        orders = [await here.start("Order", id=id) for id in here.ids("order", EACH)]
        meters = [await here.start("Meter", id=id) for id in here.ids("meter", EACH)]
        load = Load(here)
        await load.go_on()

        # Two code versions at once: new processes host both, and nothing moves before that is said.
        fleet.start("new", "2,1")
        await fleet.until_ready("new")

        async def shared() -> bool:
            return 0 < (await builds(here)).get("2", (Status.INACTIVE, 0, 0, 0))[3] < here.partitions

        await until_asked(shared, "both processes have partitions")
        await load.go_on()
        await fleet.stop("old")
        await load.go_on()
        assert {tuple(result[:1]) for result in load.results.values()} == {("one",)}
        assert load.parcels() == {("one", "packed by one")}

        described = await shop.set_current_version("2")
        assert not described.behind
        await load.go_on()
        await load.stop()
        assert {tuple(result[:1]) for result in load.results.values()} == {("one",), ("two",)}
        assert load.parcels() == {("one", "packed by one"), ("two", "packed by two")}
        assert await meters[0].query("build") == "two"
        assert await orders[0].query("build") == "one"
        found = await builds(here)
        assert found["1"][0] is Status.DRAINING
        assert found["1"][1] >= len(orders)
        half = len(orders) // 2
        assert await finished(orders[:half]) == [["one", "1"]] * half
        assert await finished(meters) == [["two", "began with one"]] * len(meters)

        # Too early: the next process comes without the first version.
        options: dict[str, Any] = {"workflows": TWO, "activities": [], "deployment_config": config("2")}
        async with here.worker(state="newest", ready=False, **options):
            await fleet.stop("new")
            await nobody_has_the_code(here, orders[half:])
    async with here.worker(state="helper", earlier_versions={"1": ONE}, **options):
        assert [await order.result() for order in orders[half:]] == [["one", "1"]] * (len(orders) - half)
        await until_asked(lambda: drained(here), "the first version is drained")
        assert (await shop.describe()).current_version == version("2")
    await here.check("helper")
