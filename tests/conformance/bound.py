"""Scenarios of the activities of pinned runs: they are those of the run's version, wherever its tasks come."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from foldlog import activity, workflow
from foldlog.client import Client, WorkflowHandle
from foldlog.common import PinnedVersioningOverride, RawValue
from foldlog.worker import Worker

from tests.conformance.scenarios import QUEUE, SOON, Place, Scenario
from tests.conformance.workers import worker_of
from tests.until import until_asked
from tests.versions import AUTO_UPGRADE, PINNED, config, version

TIMEOUT = timedelta(seconds=30)


async def _charge(queue: str) -> list[str]:
    remote = await workflow.execute_activity(
        "charge", task_queue=queue, result_type=str, start_to_close_timeout=TIMEOUT
    )
    local = await workflow.execute_local_activity("charge", result_type=str, start_to_close_timeout=TIMEOUT)
    same = await workflow.execute_activity("same", task_queue=queue, result_type=str, start_to_close_timeout=TIMEOUT)
    return [remote, local, same]


@workflow.defn(name="Bound", versioning_behavior=PINNED)
class BoundOne:
    @workflow.run
    async def run(self, queue: str) -> list[str]:
        return ["one", *await _charge(queue)]


@workflow.defn(name="Bound", versioning_behavior=PINNED)
class BoundTwo:
    @workflow.run
    async def run(self, queue: str) -> list[str]:
        return ["two", *await _charge(queue)]


@workflow.defn(name="Moving", versioning_behavior=AUTO_UPGRADE)
class Moving:
    @workflow.run
    async def run(self, queue: str) -> str:
        return await workflow.execute_activity(
            "charge", task_queue=queue, result_type=str, start_to_close_timeout=TIMEOUT
        )


@activity.defn(name="charge")
async def charge_one() -> str:
    return "by one"


@activity.defn(name="charge")
def charge_two() -> str:
    return "by two"


@activity.defn
async def same() -> str:
    return "by either"


@activity.defn(dynamic=True)
async def whatever(args: Sequence[RawValue]) -> str:
    return f"{activity.info().activity_type} by a service without versions"


FIRST: dict[str, Any] = {"workflows": [BoundOne, Moving], "activities": [charge_one, same]}
SECOND: dict[str, Any] = {"workflows": [BoundTwo, Moving], "activities": [charge_two, same]}
BOTH: dict[str, Any] = {**SECOND, "deployment_config": config("2"), "earlier_versions": {"1": [BoundOne, charge_one]}}


async def begin(client: Client, build_id: str, queue: str = QUEUE) -> WorkflowHandle[Any, Any]:
    return await client.start_workflow(
        "Bound",
        queue,
        id=uuid.uuid4().hex,
        task_queue=QUEUE,
        versioning_override=PinnedVersioningOverride(version(build_id)),
        rpc_timeout=SOON,
    )


async def an_earlier_version_brings_its_activities(here: Place) -> None:
    """Eager, over the topic, and local ones. What is not listed with it is that of the worker."""
    client = here.elsewhere
    for eager in (True, False):
        async with worker_of(here, client, **BOTH, disable_eager_activity_execution=not eager):
            one, two = await begin(client, "1"), await begin(client, "2")
            assert await one.result(rpc_timeout=SOON) == ["one", "by one", "by one", "by either"]
            assert await two.result(rpc_timeout=SOON) == ["two", "by two", "by two", "by either"]


async def workers_of_a_queue_have_one_version_each(here: Place) -> None:
    """In one process, as two workers of Temporal are: a task that comes to the other one is passed on."""
    client = here.elsewhere
    folder = here.folder / uuid.uuid4().hex
    options: dict[str, Any] = {"task_queue": QUEUE, "disable_eager_activity_execution": True}
    async with (
        worker_of(here, client, deployment_config=config("1"), state_dir=folder / "1", **FIRST, **options),
        worker_of(here, client, deployment_config=config("2"), state_dir=folder / "2", **SECOND, **options),
    ):
        begun = [(number, await begin(client, number)) for number in ("1", "2") * 4]
        expected = {"1": ["one", "by one", "by one", "by either"], "2": ["two", "by two", "by two", "by either"]}
        for number, run in begun:
            assert await run.result(rpc_timeout=SOON) == expected[number]
        moving = await client.start_workflow(Moving.run, QUEUE, id=uuid.uuid4().hex, task_queue=QUEUE, rpc_timeout=SOON)
        assert await moving.result(rpc_timeout=SOON) in ("by one", "by two"), "it is bound to neither"


async def waits_for_its_first_attempt(run: WorkflowHandle[Any, Any]) -> bool:
    """Whether an activity is scheduled; then nobody has tried it."""
    pending = (await run.describe()).raw_description.pending_activities
    assert [found.attempt for found in pending] in ([], [1]), "nobody has tried it"
    return bool(pending)


async def activities_of_a_version_wait_for_a_worker_that_has_it(here: Place) -> None:
    """On a queue of their own, whose only worker has another version; then one comes that has it."""
    client = here.elsewhere
    queue = f"bound-{uuid.uuid4().hex[:8]}"
    async with (
        Worker(client, task_queue=queue, activities=[charge_two, same], deployment_config=config("2")),
        worker_of(here, client, **BOTH),
    ):
        one, two = await begin(client, "1", queue), await begin(client, "2", queue)
        assert await two.result(rpc_timeout=SOON) == ["two", "by two", "by two", "by either"]
        await until_asked(lambda: waits_for_its_first_attempt(one), "its activity is scheduled")
        async with Worker(client, task_queue=queue, activities=[charge_one, same], deployment_config=config("1")):
            assert await one.result(rpc_timeout=SOON) == ["one", "by one", "by one", "by either"]


async def workers_without_versions_take_tasks_of_any(here: Place) -> None:
    """As a service of its own, which knows nothing of the versions of those who call it."""
    client = here.elsewhere
    queue = f"service-{uuid.uuid4().hex[:8]}"
    async with Worker(client, task_queue=queue, activities=[whatever]), worker_of(here, client, **BOTH):
        for number, name in (("1", "one"), ("2", "two")):
            run = await begin(client, number, queue)
            service = "by a service without versions"
            assert await run.result(rpc_timeout=SOON) == [
                name, f"charge {service}", f"by {name}", f"same {service}"
            ]  # fmt: skip


ALONE: list[Scenario] = [
    an_earlier_version_brings_its_activities,
    workers_of_a_queue_have_one_version_each,
    activities_of_a_version_wait_for_a_worker_that_has_it,
    workers_without_versions_take_tasks_of_any,
]
"""Scenarios that bring their own workers."""
