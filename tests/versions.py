"""Two versions of an application's code, as two processes of a rolling deployment have them."""

from __future__ import annotations

from datetime import timedelta

from foldlog import activity, workflow
from foldlog.common import VersioningBehavior, WorkerDeploymentVersion
from foldlog.worker import WorkerDeploymentConfig

DEPLOYMENT = "shop"
PINNED, AUTO_UPGRADE = VersioningBehavior.PINNED, VersioningBehavior.AUTO_UPGRADE


def version(build_id: str) -> WorkerDeploymentVersion:
    return WorkerDeploymentVersion(DEPLOYMENT, build_id)


def config(build_id: str) -> WorkerDeploymentConfig:
    return WorkerDeploymentConfig(version=version(build_id), use_worker_versioning=True)


class Waits:
    """What all of them have in common."""

    def __init__(self) -> None:
        self.words: list[str] = []

    @workflow.signal
    def say(self, word: str) -> None:
        self.words.append(word)

    async def until(self, word: str) -> None:
        await workflow.wait_condition(lambda: word in self.words)


@workflow.defn(name="Order", versioning_behavior=PINNED)
class OrderOne(Waits):
    """Pinned: its versions need not fit each other."""

    @workflow.run
    async def run(self) -> list[str]:
        await self.until("go")
        return ["one", workflow.info().get_current_build_id()]

    @workflow.query
    def build(self) -> str:
        return "one"


@workflow.defn(name="Order", versioning_behavior=PINNED)
class OrderTwo(Waits):
    @workflow.run
    async def run(self) -> list[str]:
        await workflow.sleep(timedelta(milliseconds=1))
        await self.until("go")
        return ["two", workflow.info().get_current_build_id()]

    @workflow.query
    def build(self) -> str:
        return "two"


@workflow.defn(name="Meter", versioning_behavior=AUTO_UPGRADE)
class MeterOne(Waits):
    """Moves on: a patch keeps its histories valid."""

    @workflow.run
    async def run(self) -> list[str]:
        await workflow.sleep(timedelta(milliseconds=1))
        await self.until("go")
        return ["one"]

    @workflow.query
    def build(self) -> str:
        return "one"


@workflow.defn(name="Meter", versioning_behavior=AUTO_UPGRADE)
class MeterTwo(Waits):
    @workflow.run
    async def run(self) -> list[str]:
        began = "two" if workflow.patched("measured-twice") else "one"
        await workflow.sleep(timedelta(milliseconds=1))
        if began == "two":
            await workflow.sleep(timedelta(milliseconds=1))
        await self.until("go")
        return ["two", f"began with {began}"]

    @workflow.query
    def build(self) -> str:
        return "two"


@workflow.defn(name="Parent", versioning_behavior=PINNED)
class Parent(Waits):
    """Starts an order and a meter as children when it is told to, and goes on as new when it is told to."""

    @workflow.run
    async def run(self, upgrade: bool) -> list[str]:
        await workflow.wait_condition(lambda: bool(self.words))
        if "again" in self.words:
            behavior = workflow.ContinueAsNewVersioningBehavior
            workflow.continue_as_new(
                upgrade,
                initial_versioning_behavior=behavior.AUTO_UPGRADE if upgrade else behavior.UNSPECIFIED,
            )
        own = workflow.info().workflow_id
        order = await workflow.start_child_workflow("Order", id=f"{own}-order")
        meter = await workflow.start_child_workflow("Meter", id=f"{own}-meter")
        await order.signal("say", "go")
        await meter.signal("say", "go")
        return [*await order, *await meter]


@activity.defn(name="pack")
async def pack_one() -> str:
    return "packed by one"


@activity.defn(name="pack")
async def pack_two() -> str:
    return "packed by two"


@workflow.defn(name="Parcel", versioning_behavior=PINNED)
class ParcelOne(Waits):
    """Pinned, with an activity that the versions have by the same name."""

    @workflow.run
    async def run(self) -> list[str]:
        await self.until("go")
        return ["one", await packed()]


@workflow.defn(name="Parcel", versioning_behavior=PINNED)
class ParcelTwo(Waits):
    @workflow.run
    async def run(self) -> list[str]:
        await self.until("go")
        return ["two", await packed()]


async def packed() -> str:
    return await workflow.execute_activity("pack", result_type=str, start_to_close_timeout=timedelta(seconds=30))


ONE = (OrderOne, MeterOne, Parent, ParcelOne)
TWO = (OrderTwo, MeterTwo, Parent, ParcelTwo)
