"""Scenarios of versions of workflow code: which version the runs are on that follow a run, and its children."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from foldlog import workflow
from foldlog.client import Client, WorkflowHandle
from foldlog.common import (
    AutoUpgradeVersioningOverride,
    OneTimeVersioningOverride,
    PinnedVersioningOverride,
    RawValue,
    RetryPolicy,
    VersioningBehavior,
    VersioningOverride,
)
from foldlog.exceptions import ApplicationError, InvalidVersioningOverrideError
from foldlog.worker import Replayer

from tests.conformance.scenarios import SOON, Place, Scenario
from tests.conformance.workers import start, worker_of
from tests.until import until_asked
from tests.versions import DEPLOYMENT, Waits, config, version

PINNED, AUTO = VersioningBehavior.PINNED, VersioningBehavior.AUTO_UPGRADE
QUICKLY = RetryPolicy(initial_interval=timedelta(milliseconds=10), backoff_coefficient=1.0, maximum_attempts=2)
GIVEN: dict[str, VersioningOverride] = {
    "one": PinnedVersioningOverride(version("1")),
    "two": PinnedVersioningOverride(version("2")),
    "once": OneTimeVersioningOverride(version("1")),
    "moves": AutoUpgradeVersioningOverride(),
}
Found = list[list[Any]]


class Steps(Waits):
    """Does what it is told, one step after the other, and says at each which code it runs on."""

    build = ""

    @workflow.query
    def where(self) -> str:
        return self.build

    @workflow.query
    def told(self) -> bool:
        return workflow.info().is_target_worker_deployment_version_changed()

    async def go(self, steps: list[str], found: Found) -> Found:
        while steps:
            step, *steps = steps
            kind, _, what = step.partition(" ")
            if kind == "until" or (kind == "first" and workflow.info().attempt == 1):
                await self.until(what)
            elif kind == "fail" and workflow.info().attempt == 1:
                raise ApplicationError(self.build)
            elif kind == "told":
                await workflow.wait_condition(workflow.info().is_target_worker_deployment_version_changed)
                found.append([self.build, "told"])
            elif kind == "asks":
                found.append([self.build, workflow.info().is_target_worker_deployment_version_changed()])
            elif kind == "again":
                behavior = workflow.ContinueAsNewVersioningBehavior[what or "UNSPECIFIED"]
                workflow.continue_as_new(args=[steps, found], initial_versioning_behavior=behavior)
            elif kind == "child":
                found.append([self.build, await self.child(*what.split())])
        return [*found, [self.build]]

    async def child(self, name: str, given: str = "", namespace: str | None = None) -> Any:
        """The code that a child runs on, or why it does not."""
        override = GIVEN.get(given)
        if given == "bad":
            override = PinnedVersioningOverride(version(""))
        try:
            result = await workflow.execute_child_workflow(
                name,
                args=[{"fails": ["fail"], "again": ["again AUTO_UPGRADE"]}.get(given, []), []],
                versioning_override=override,
                namespace=namespace,
                retry_policy=QUICKLY if given == "fails" else None,
            )
        except InvalidVersioningOverrideError as error:
            return [str(error), "'shop.' is no version" in str(error.cause)]
        return result[-1][0]


def of_version(name: str, behavior: VersioningBehavior, number: str) -> type:
    """The same workflow in one version of the code."""

    @workflow.defn(name=name, versioning_behavior=behavior)
    class Made(Steps):
        build = number

        @workflow.run
        async def run(self, steps: list[str], found: Found) -> Found:
            return await self.go(steps, found)

    return Made


class AnyType(Steps):
    """Workflows of any type: how each is versioned is said by its object."""

    def said(self) -> workflow.DynamicWorkflowConfig:
        if workflow.info().workflow_type == "AnyMoves":
            return workflow.DynamicWorkflowConfig(versioning_behavior=AUTO)
        return workflow.DynamicWorkflowConfig()

    async def wait(self) -> str:
        await self.until("go")
        return self.build


def of_any_type(number: str) -> type:
    """Likewise, for workflows of any type."""

    @workflow.defn(dynamic=True, versioning_behavior=PINNED)
    class Made(AnyType):
        build = number

        @workflow.dynamic_config
        def config(self) -> workflow.DynamicWorkflowConfig:
            return self.said()

        @workflow.run
        async def run(self, args: Sequence[RawValue]) -> str:
            return await self.wait()

    return Made


FIRST, SECOND = (
    (of_version("Stays", PINNED, number), of_version("Moves", AUTO, number), of_any_type(number))
    for number in ("one", "two")
)


async def begin_with_one(client: Client) -> None:
    """New runs begin on the first version, all of them."""
    shop = client.deployment(DEPLOYMENT)
    await shop.set_ramping_version(None, 0, rpc_timeout=SOON)
    await shop.set_current_version("1")


async def begin(client: Client, name: str, *steps: str, **options: Any) -> WorkflowHandle[Any, Any]:
    return await start(client, name, args=[list(steps), []], **options)


async def told(handles: Sequence[WorkflowHandle[Any, Any]], word: str) -> list[Any]:
    """What they come to, once they have heard a word."""
    for each in handles:
        await each.signal("say", word)
    return [await each.result() for each in handles]


async def retried_and_scheduled_runs(client: Client) -> None:
    """A retry and the next run of a cron schedule begin anew, unless an override pins them."""
    shop = client.deployment(DEPLOYMENT)
    pinned: dict[str, Any] = {"versioning_override": GIVEN["one"]}
    moving: dict[str, Any] = {"versioning_override": GIVEN["moves"]}
    fails: dict[str, Any] = {"retry_policy": QUICKLY}
    await begin_with_one(client)
    steps = ("first go", "fail", "until end")
    retried = [await begin(client, "Stays", *steps, **fails, **more) for more in ({}, pinned, moving)]
    scheduled = [await begin(client, "Stays", cron_schedule="@every 1s", **more) for more in ({}, pinned)]
    # Which version new runs begin on changes by a ramp while they retry.
    await shop.set_ramping_version("2", 100)
    for each in retried:
        await each.signal("say", "go")
    current = [client.get_workflow_handle(each.id) for each in retried]
    for each in current:
        await until_follows(each)
    assert [await bound(each) for each in current] == [("shop.2", PINNED), ("shop.1", PINNED), ("shop.2", PINNED)]
    assert await told(current, "end") == [[["two"]], [["one"]], [["two"]]]
    free, kept = [client.get_workflow_handle(each.id) for each in scheduled]

    async def moved() -> bool:
        return await bound(free) == ("shop.2", PINNED)

    await until_asked(moved, "the schedule's next run is on the new version")
    await until_follows(kept)
    assert await bound(kept) == ("shop.1", PINNED)
    for each in (free, kept):
        await each.terminate()


async def until_follows(handle: WorkflowHandle[Any, Any]) -> None:
    """Wait until the newest run is not the first one."""

    async def follows() -> bool:
        return (await handle.describe()).continued_run_id is not None

    await until_asked(follows, "another run follows")


async def bound(handle: WorkflowHandle[Any, Any]) -> tuple[str | None, VersioningBehavior | None]:
    found = await handle.describe()
    return found.deployment_version, found.versioning_behavior


async def children_of_versioned_runs(client: Client, other: Client) -> None:
    """They are on the version of a pinned parent, but for those that say otherwise or are somewhere else."""
    shop = client.deployment(DEPLOYMENT)
    asked = {
        "child Stays": "one",
        "child Moves": "two",
        "child Stays two": "two",
        "child Moves one": "one",
        "child Stays moves": "two",
        "child Stays once": "one",
        "child Stays bad": ["Invalid versioning override", True],
        "child Stays fails": "one",
        "child Stays again": "two",
        f"child Stays - {other.namespace}": "two",
        f"child Stays one {other.namespace}": "one",
    }
    for each in (client, other):
        await begin_with_one(each)
    pinned = await begin(client, "Stays", "until go", *asked)
    overridden = await begin(
        client,
        "Moves",
        "until go",
        "child Stays",
        "child Moves",
        "child Moves moves",
        "child Stays again",
        versioning_override=GIVEN["one"],
    )
    moving = await begin(client, "Moves", "until go", "child Stays", "child Moves")
    await shop.set_current_version("2")
    await other.deployment(DEPLOYMENT).set_current_version("2")
    found = await told([pinned, overridden, moving], "go")
    assert dict(zip(asked, found[0], strict=False)) == {step: ["one", where] for step, where in asked.items()}
    assert found[0][-1] == ["one"]
    assert found[1] == [["one", "one"], ["one", "one"], ["one", "two"], ["one", "one"], ["one"]]
    assert found[2] == [["two", "two"], ["two", "two"], ["two"]]


async def a_pinned_run_is_told_that_it_may_move(client: Client) -> None:
    """Once for each change, until it goes on as new; and what it was told it is told again by a replay."""
    shop = client.deployment(DEPLOYMENT)
    first = ("asks", "until go", "told", "asks", "until again", "again")
    steps = (*first, "asks", "until more", "told", "again AUTO_UPGRADE", "asks")
    await begin_with_one(client)
    run = await begin(client, "Stays", *steps)
    kept = await begin(client, "Stays", "until go", "asks", versioning_override=GIVEN["one"])
    moves = await begin(client, "Moves", "until go", "asks")
    await shop.set_current_version("2")
    assert await run.query("told") is False, "its code has not asked since"
    assert await told([kept, moves], "go") == [[["one", False], ["one"]], [["two", False], ["two"]]]
    for word in ("go", "again"):
        await run.signal("say", word)
    current = client.get_workflow_handle(run.id)
    await until_follows(current)
    assert await current.query("told") is False
    assert (await current.query("where"), await bound(current)) == ("one", ("shop.1", PINNED))
    for build in ("1", "2"):
        await shop.set_current_version(build)
    await current.signal("say", "more")
    found = await run.result()
    assert found[:3] == [["one", False], ["one", "told"], ["one", True]]
    assert found[3:] == [["one", False], ["one", "told"], ["two", False], ["two"]]
    history = await client.get_workflow_handle(run.id, run_id=run.result_run_id).fetch_history()
    assert [type(each).__name__ for each in history.events].count("PatchRecorded") == 1
    await Replayer(workflows=[FIRST[0]], namespace=client.namespace).replay_workflow(history)


async def a_dynamic_workflow_says_how_it_is_versioned(client: Client) -> None:
    shop = client.deployment(DEPLOYMENT)
    await begin_with_one(client)
    moves, stays = await start(client, "AnyMoves"), await start(client, "AnyStays")
    given = await start(client, "AnyMoves", versioning_override=GIVEN["one"])
    held = await start(client, "AnyMoves", start_signal="say", start_signal_args=["nothing"])
    everything = (moves, stays, given, held)
    expected = [("shop.1", AUTO), ("shop.1", PINNED), ("shop.1", PINNED), ("shop.1", AUTO)]
    assert [await bound(each) for each in everything] == expected
    await shop.set_current_version("2")
    assert [await each.query("where") for each in everything] == ["two", "one", "one", "two"]
    assert await told(everything, "go") == ["two", "one", "one", "two"]


async def what_follows_versioned_runs(here: Place) -> None:
    """Each run is rebuilt from its history whenever something comes for it."""
    client, other = here.elsewhere, here.client
    options: dict[str, Any] = {
        "workflows": SECOND,
        "deployment_config": config("2"),
        "earlier_versions": {"1": FIRST},
        "max_cached_workflows": 0,
    }
    async with worker_of(here, client, **options), worker_of(here, other, **options):
        await retried_and_scheduled_runs(client)
        await children_of_versioned_runs(client, other)
        await a_pinned_run_is_told_that_it_may_move(client)
        await a_dynamic_workflow_says_how_it_is_versioned(client)
        # Nothing of it concerns the scenarios that come after this one.
        for each in (client, other):
            await each.deployment(DEPLOYMENT).set_current_version(None)


ALONE: list[Scenario] = [what_follows_versioned_runs]
"""Scenarios that bring their own workers."""
