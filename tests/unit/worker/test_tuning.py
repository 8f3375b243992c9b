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
    FixedSizeSlotSupplier,
    ResourceBasedSlotConfig,
    ResourceBasedSlotSupplier,
    ResourceBasedTunerConfig,
    Worker,
    WorkerTuner,
)
from foldlog.worker.tuning import places

AT_A_TIME: list[int] = [0, 0]
"""How many attempts run, and how many ran at most."""


@activity.defn
async def count() -> None:
    AT_A_TIME[0] += 1
    AT_A_TIME[1] = max(AT_A_TIME)
    await asyncio.sleep(0.01)
    AT_A_TIME[0] -= 1


@activity.defn
def in_a_thread() -> None: ...


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
    assert places(mixed, None, None, None) == (3, 4)
    by_resources = WorkerTuner.create_resource_based(
        target_memory_usage=0.5, target_cpu_usage=0.5, local_activity_config=few
    )
    assert places(by_resources, None, None, None) == (500, 3)
    assert places(WorkerTuner.create_fixed(), None, None, None) == (100, 100)
    assert places(None, None, None, None) == (100, 100)
    assert places(None, 7, 8, 9) == (7, 8)


@pytest.mark.parametrize(
    ("numbers", "match"),
    [
        ((WorkerTuner.create_fixed(), 1, None, None), "max_concurrent_activities when also specifying tuner"),
        ((WorkerTuner.create_fixed(), None, None, 1), "max_concurrent_workflow_tasks when also specifying tuner"),
        ((WorkerTuner.create_fixed(activity_slots=-1), None, None, None), "tuner must be at least 1"),
        ((None, 0, None, None), "max_concurrent_activities must be at least 1"),
        ((None, None, None, 0), "max_concurrent_workflow_tasks must be at least 1"),
    ],
)
def test_what_cannot_be(numbers: Any, match: str) -> None:
    with pytest.raises(ConfigurationError, match=match):
        places(*numbers)


def test_a_supplier_of_ones_own_cannot_be() -> None:
    own: Any = object()
    with pytest.raises(ConfigurationError, match="of one's own"):
        places(WorkerTuner(own, FixedSizeSlotSupplier(1)), None, None, None)


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
