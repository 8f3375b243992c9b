"""How many attempts a worker runs at a time: from numbers, from a tuner, and what an executor has threads for."""

from __future__ import annotations

import asyncio
import warnings
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from foldlog import activity, workflow
from foldlog.exceptions import ConfigurationError
from foldlog.testing import WorkflowEnvironment
from foldlog.worker import (
    CustomSlotSupplier,
    FixedSizeSlotSupplier,
    ResourceBasedSlotConfig,
    ResourceBasedSlotSupplier,
    ResourceBasedTunerConfig,
    SlotMarkUsedContext,
    SlotPermit,
    SlotReleaseContext,
    SlotReserveContext,
    Worker,
    WorkerTuner,
)
from foldlog.worker.resources import ResourceSlots
from foldlog.worker.tuning import places

from tests.until import until

AT_A_TIME: list[int] = [0, 0]
"""How many attempts run, and how many ran at most."""


SECOND = timedelta(seconds=1)


class Own(CustomSlotSupplier):
    """A supplier of one's own, that gives once it may."""

    def __init__(self) -> None:
        self.may_give = asyncio.Event()

    async def reserve_slot(self, ctx: SlotReserveContext) -> SlotPermit:
        await self.may_give.wait()
        return SlotPermit()

    def try_reserve_slot(self, ctx: SlotReserveContext) -> SlotPermit | None:
        return None

    def mark_slot_used(self, ctx: SlotMarkUsedContext) -> None: ...

    def release_slot(self, ctx: SlotReleaseContext) -> None: ...


def by_resources(memory: float, cpu: float, **config: Any) -> WorkerTuner:
    return WorkerTuner.create_resource_based(
        target_memory_usage=memory, target_cpu_usage=cpu, activity_config=ResourceBasedSlotConfig(**config)
    )


@activity.defn
async def count() -> None:
    """Ends once two have run at a time."""
    AT_A_TIME[0] += 1
    AT_A_TIME[1] = max(AT_A_TIME)
    await until(lambda: AT_A_TIME[1] > 1, "two run at a time")
    AT_A_TIME[0] -= 1


@activity.defn
async def pass_by() -> None: ...


@activity.defn
def in_a_thread() -> None: ...


@workflow.defn
class Waits:
    @workflow.run
    async def run(self, local: bool) -> None:
        limits: dict[str, Any] = {"schedule_to_start_timeout": SECOND, "start_to_close_timeout": SECOND}
        if local:
            await workflow.execute_local_activity(pass_by, **limits)
        else:
            await workflow.execute_activity(pass_by, **limits)


@workflow.defn
class Fans:
    @workflow.run
    async def run(self) -> None:
        limit = timedelta(minutes=1)
        await asyncio.gather(*(workflow.execute_activity(count, start_to_close_timeout=limit) for _ in range(6)))


async def test_a_tuner_bounds_what_runs() -> None:
    AT_A_TIME[:] = 0, 0
    tuner = WorkerTuner.create_fixed(activity_slots=2)
    async with await WorkflowEnvironment.start_time_skipping() as env:
        async with Worker(env.client, task_queue="q", workflows=[Fans], activities=[count], tuner=tuner):
            await env.client.execute_workflow(Fans.run, id="fans", task_queue="q")
    assert AT_A_TIME == [0, 2]


def test_what_tuners_come_to() -> None:
    target = ResourceBasedTunerConfig(0.8, 0.9)
    few = ResourceBasedSlotConfig(maximum_slots=3)
    mixed = WorkerTuner.create_composite(
        workflow_supplier=FixedSizeSlotSupplier(1),
        activity_supplier=ResourceBasedSlotSupplier(few, target),
        local_activity_supplier=FixedSizeSlotSupplier(4),
        nexus_supplier=FixedSizeSlotSupplier(1),
    )
    found = places(mixed, None, None, None)
    assert (found.activities, found.local_activities, found.local_activity_supplier) == (3, 4, None)
    assert isinstance(found.activity_supplier, ResourceSlots)
    resources = WorkerTuner.create_resource_based(
        target_memory_usage=0.5, target_cpu_usage=0.5, local_activity_config=few
    )
    assert places(resources, None, None, None)[:2] == (500, 3)
    for fixed in (WorkerTuner.create_fixed(), None):
        assert places(fixed, None, None, None) == (100, 100, None, None)
    assert places(None, 7, 8, 9)[:2] == (7, 8)
    own = Own()
    found = places(WorkerTuner.create_composite(activity_supplier=own, local_activity_supplier=own), None, None, None)
    assert found == (500, 500, own, own)


@pytest.mark.parametrize(
    ("numbers", "match"),
    [
        ((WorkerTuner.create_fixed(), 1, None, None), "max_concurrent_activities when also specifying tuner"),
        ((WorkerTuner.create_fixed(), None, None, 1), "max_concurrent_workflow_tasks when also specifying tuner"),
        ((WorkerTuner.create_fixed(activity_slots=-1), None, None, None), "tuner must be at least 1"),
        ((None, 0, None, None), "max_concurrent_activities must be at least 1"),
        ((None, None, None, 0), "max_concurrent_workflow_tasks must be at least 1"),
        ((by_resources("much", 0.5), None, None, None), "target_memory_usage must be from 0 to 1, not 'much'"),  # type: ignore[arg-type]
        ((by_resources(0.5, 0.5, minimum_slots="1"), None, None, None), "minimum_slots must be from 0 to 500, not '1'"),
        ((by_resources(0.5, 0.5, ramp_throttle=1), None, None, None), "ramp_throttle must be a timedelta"),
        ((WorkerTuner.create_fixed(activity_slots="3"), None, None, None), "at least 1, not '3'"),  # type: ignore[arg-type]
        ((by_resources(1.1, 0.5), None, None, None), "target_memory_usage must be from 0 to 1, not 1.1"),
        ((by_resources(0.5, -1), None, None, None), "target_cpu_usage must be from 0 to 1, not -1"),
        ((by_resources(0.5, 0.5, maximum_slots=0), None, None, None), "maximum_slots must be at least 1"),
        ((by_resources(0.5, 0.5, minimum_slots=501), None, None, None), "minimum_slots must be from 0 to 500"),
        (
            (by_resources(0.5, 0.5, ramp_throttle=-SECOND), None, None, None),
            "ramp_throttle must be a timedelta, and not negative",
        ),
    ],
)
def test_what_cannot_be(numbers: Any, match: str) -> None:
    with pytest.raises(ConfigurationError, match=match):
        places(*numbers)


@pytest.mark.parametrize("local", [False, True])
async def test_no_time_is_skipped_while_a_supplier_makes_up_its_mind(local: bool) -> None:
    own = Own()
    tuner = WorkerTuner.create_composite(activity_supplier=own, local_activity_supplier=own)
    async with await WorkflowEnvironment.start_time_skipping() as env:
        async with Worker(env.client, task_queue="q", workflows=[Waits], activities=[pass_by], tuner=tuner):
            result = asyncio.ensure_future(env.client.execute_workflow(Waits.run, local, id="waits", task_queue="q"))
            for _ in range(1_000):
                await asyncio.sleep(0)
            assert not result.done()
            own.may_give.set()
            await result


def test_what_is_no_supplier() -> None:
    other: Any = object()
    with pytest.raises(ConfigurationError, match=r"one of foldlog\.worker, not <object"):
        places(WorkerTuner(other, FixedSizeSlotSupplier(1)), None, None, None)


async def test_a_worker_runs_what_the_machine_has_room_for() -> None:
    """No more of the memory is to be used than is in use: so the minimum it is, all of the time."""
    AT_A_TIME[:] = 0, 0
    tuner = by_resources(0.0, 0.0, minimum_slots=2)
    async with await WorkflowEnvironment.start_time_skipping() as env:
        async with Worker(env.client, task_queue="q", workflows=[Fans], activities=[count], tuner=tuner):
            await env.client.execute_workflow(Fans.run, id="fans", task_queue="q")
    assert AT_A_TIME == [0, 2]


async def test_an_executor_with_too_few_threads_is_noticed() -> None:
    async with await WorkflowEnvironment.start_time_skipping() as env:
        with ThreadPoolExecutor(2) as executor:
            with pytest.warns(UserWarning, match="max_workers is only 2") as warned:
                Worker(env.client, task_queue="q", activities=[in_a_thread], activity_executor=executor)
            assert warned[0].filename == __file__
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                Worker(
                    env.client,
                    task_queue="q",
                    activities=[in_a_thread],
                    activity_executor=executor,
                    max_concurrent_activities=2,
                )
                Worker(env.client, task_queue="q", activities=[count], activity_executor=executor)


async def test_nexus_handlers_are_refused() -> None:
    async with await WorkflowEnvironment.start_time_skipping() as env:
        Worker(env.client, task_queue="q", activities=[count], nexus_service_handlers=[])
        with pytest.raises(ConfigurationError, match="no Nexus"):
            Worker(env.client, task_queue="q", activities=[count], nexus_service_handlers=[object()])
