"""Scenarios of runs that are bound to versions in another way than their definition says, or go on as new elsewhere."""

from __future__ import annotations

from typing import Any

import pytest
from foldlog import workflow
from foldlog.client import WorkflowHandle
from foldlog.common import (
    AutoUpgradeVersioningOverride,
    OneTimeVersioningOverride,
    PinnedVersioningOverride,
    VersioningBehavior,
)
from foldlog.exceptions import FailedPreconditionError, InvalidArgumentError, WorkflowNotFoundError
from foldlog.workflow import ContinueAsNewVersioningBehavior

from tests.conformance.scenarios import SOON, Place, Scenario
from tests.conformance.workers import start, worker_of
from tests.until import until_asked
from tests.versions import DEPLOYMENT, PINNED, Waits, config, version

AUTO = VersioningBehavior.AUTO_UPGRADE
GoesOnBy = ContinueAsNewVersioningBehavior


class Goes(Waits):
    """Goes on as new once, in the way that it is told."""

    build = ""

    async def go_on(self, behavior: int) -> str:
        await self.until("go")
        if behavior >= 0:
            workflow.continue_as_new(-1, initial_versioning_behavior=GoesOnBy(behavior))
        return self.build

    @workflow.query
    def where(self) -> str:
        return self.build


@workflow.defn(name="Goes", versioning_behavior=PINNED)
class GoesOne(Goes):
    build = "one"

    @workflow.run
    async def run(self, behavior: int) -> str:
        return await self.go_on(behavior)


@workflow.defn(name="Goes", versioning_behavior=PINNED)
class GoesTwo(Goes):
    build = "two"

    @workflow.run
    async def run(self, behavior: int) -> str:
        return await self.go_on(behavior)


def both(here: Place) -> Any:
    options: dict[str, Any] = {"deployment_config": config("2"), "earlier_versions": {"1": [GoesOne]}}
    return worker_of(here, here.elsewhere, workflows=[GoesTwo], **options)


async def where(handle: WorkflowHandle[Any, Any]) -> tuple[str, str | None, VersioningBehavior | None]:
    """What its code says, and what is said of it."""
    said = await handle.query("where", rpc_timeout=SOON)
    found = await handle.describe(rpc_timeout=SOON)
    return said, found.deployment_version, found.versioning_behavior


async def open_runs_are_bound_otherwise(here: Place) -> None:
    """Over a restart, too. A version that cannot be is refused; one that nobody has stalls the run."""
    client = here.elsewhere
    shop = client.deployment(DEPLOYMENT)
    async with both(here):
        await shop.set_current_version("1", rpc_timeout=SOON)
        run = await start(client, "Goes", arg=-1)
        assert await where(run) == ("one", "shop.1", PINNED)
        await run.update_options(versioning_override=PinnedVersioningOverride(version("2")))
        assert await where(run) == ("two", "shop.2", PINNED)
    async with both(here):
        assert await where(run) == ("two", "shop.2", PINNED)
        await run.update_options(versioning_override=None)
        await run.update_options(versioning_override=AutoUpgradeVersioningOverride())
        assert await where(run) == ("one", "shop.1", AUTO)
        await run.update_options(versioning_override=OneTimeVersioningOverride(version("2")))
        assert await where(run) == ("two", "shop.2", PINNED)
        with pytest.raises(InvalidArgumentError, match="is no version"):
            await run.update_options(versioning_override=PinnedVersioningOverride(version("")))
        await run.update_options(versioning_override=PinnedVersioningOverride(version("0.9")))
        with pytest.raises(FailedPreconditionError):
            await run.query("where")
        assert "'shop.0.9'" in (await run.describe()).stalled_error
        await run.update_options(versioning_override=PinnedVersioningOverride(version("1")))
        await run.signal("say", "go")
        assert await run.result() == "one"
        with pytest.raises(WorkflowNotFoundError):
            await run.update_options(versioning_override=None)
        once = await start(client, "Goes", arg=-1, versioning_override=OneTimeVersioningOverride(version("2")))
        assert await where(once) == ("two", "shop.2", PINNED)
        await once.terminate()
        await shop.set_current_version(None)


async def a_version_that_comes_later(here: Place) -> None:
    """It becomes the current one before anybody has it, if that is allowed; what begins on it waits."""
    client = here.elsewhere
    shop = client.deployment(DEPLOYMENT)
    async with worker_of(here, client, workflows=[GoesTwo], deployment_config=config("2")):
        with pytest.raises(FailedPreconditionError, match="is not hosted by partitions"):
            await shop.set_current_version("1", rpc_timeout=SOON)
        with pytest.raises(FailedPreconditionError, match="is not hosted by partitions"):
            await shop.set_ramping_version("1", 100)
        await shop.set_ramping_version("1", 100, allow_missing=True)
        runs = [await start(client, "Goes", arg=-1)]
        await shop.set_current_version("1", allow_missing=True)
        runs.append(await start(client, "Goes", arg=-1))
        for run in runs:
            assert "'shop.1'" in (await run.describe()).stalled_error
            await run.signal("say", "go")
    async with both(here):
        assert [await run.result(rpc_timeout=SOON) for run in runs] == ["one", "one"]
        await shop.set_current_version(None)


async def pinned_runs_go_on_as_new_where_they_say(here: Place) -> None:
    client = here.elsewhere
    shop = client.deployment(DEPLOYMENT)
    async with both(here):
        await shop.set_current_version("1", rpc_timeout=SOON)
        free = [await start(client, "Goes", arg=int(behavior)) for behavior in GoesOnBy]
        bound = await start(
            client,
            "Goes",
            arg=int(GoesOnBy.USE_RAMPING_VERSION),
            versioning_override=PinnedVersioningOverride(version("1")),
        )
        # Hardly any new run begins there, but those that ask for it.
        await shop.set_ramping_version("2", 0.001)
    async with both(here):
        found = {}
        for behavior, run in zip([*GoesOnBy, "bound"], [*free, bound], strict=True):
            await run.signal("say", "go", rpc_timeout=SOON)
            current = client.get_workflow_handle(run.id)

            async def goes_on(current: WorkflowHandle[Any, Any] = current) -> bool:
                return (await current.describe()).continued_run_id is not None

            await until_asked(goes_on, "it goes on as new")
            found[behavior] = (await where(current))[0]
            await current.signal("say", "go")
            assert await run.result() == found[behavior]
        assert found == {
            GoesOnBy.UNSPECIFIED: "one",
            GoesOnBy.AUTO_UPGRADE: "one",
            GoesOnBy.USE_RAMPING_VERSION: "two",
            "bound": "one",
        }
        await shop.set_ramping_version(None, 0)
        await shop.set_current_version(None)


ALONE: list[Scenario] = [
    open_runs_are_bound_otherwise,
    a_version_that_comes_later,
    pinned_runs_go_on_as_new_where_they_say,
]
"""Scenarios that bring their own workers."""
