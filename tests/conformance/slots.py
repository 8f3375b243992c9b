"""Scenarios of workers whose slots come from a supplier of one's own. They bring their own workers."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import pytest
from foldlog import activity, workflow
from foldlog.client import WorkflowFailureError
from foldlog.exceptions import CancelledError
from foldlog.worker import (
    CustomSlotSupplier,
    ResourceBasedSlotConfig,
    SlotMarkUsedContext,
    SlotPermit,
    SlotReleaseContext,
    SlotReserveContext,
    Worker,
    WorkerTuner,
)

from tests.conformance.scenarios import QUEUE, REMOTE, SOON, Place, Scenario
from tests.conformance.workers import start, worker_of
from tests.until import until

CAP = 3
EACH = 12
LIMIT = timedelta(seconds=60)
"""Also from the schedule to the start: no time is skipped while a supplier makes up its mind."""

running: Counter[str] = Counter()
most: Counter[str] = Counter()
"""Attempts that run now, and that ran at most, by who runs them."""


class Capped(CustomSlotSupplier):
    """Gives so many permits at most, and remembers what became of them. Fails or hangs where the test says."""

    def __init__(self, cap: int = CAP, *, failures: int = 0, lets_go: bool = True) -> None:
        self.cap, self.failures, self.lets_go = cap, failures, lets_go
        self.lock = threading.Lock()
        self.given = self.tried = 0
        self.out: set[SlotPermit] = set()
        self.most_out = 0
        self.used: Counter[str] = Counter()
        self.ended: Counter[str] = Counter()
        self.kinds: set[str] = set()

    async def reserve_slot(self, ctx: SlotReserveContext) -> SlotPermit:
        self.kinds.add(ctx.slot_type)
        if self.failures:
            self.failures -= 1
            raise RuntimeError("not now")
        while True:
            await asyncio.sleep(0.002)
            permit = self.give(self.cap)
            if permit is not None:
                return permit

    def try_reserve_slot(self, ctx: SlotReserveContext) -> SlotPermit | None:
        self.tried += 1
        return self.give(self.cap)

    def give(self, cap: int) -> SlotPermit | None:
        with self.lock:
            if len(self.out) >= cap:
                return None
            self.given += 1
            permit = SlotPermit()
            self.out.add(permit)
            self.most_out = max(self.most_out, len(self.out))
            return permit

    def mark_slot_used(self, ctx: SlotMarkUsedContext) -> None:
        assert ctx.permit in self.out
        self.used[getattr(ctx.slot_info, "activity_type", "")] += 1

    def release_slot(self, ctx: SlotReleaseContext) -> None:
        if ctx.slot_info is not None:
            self.ended[getattr(ctx.slot_info, "activity_type", "")] += 1
        with self.lock:
            self.out.remove(ctx.permit)
            if not self.lets_go:
                self.cap = 0
        if not self.lets_go:
            raise RuntimeError("release_slot fails")


@activity.defn
async def occupy(who: str, fails: bool) -> None:
    running[who] += 1
    most[who] = max(most[who], running[who])
    try:
        await asyncio.sleep(0.003)
        if fails and activity.info().attempt == 1:
            raise RuntimeError("the first attempt fails")
    finally:
        running[who] -= 1


@workflow.defn(name="SlotsFan")
class Fan:
    @workflow.run
    async def run(self, each: int, queue: str, local: bool) -> None:
        who = f"{workflow.info().workflow_id}-{queue}-{local}"
        limits: dict[str, Any] = {"start_to_close_timeout": LIMIT, "schedule_to_start_timeout": LIMIT}
        if local:
            calls = [workflow.execute_local_activity(occupy, args=[who, n == 0], **limits) for n in range(each)]
        else:
            limits["task_queue"] = queue
            calls = [workflow.execute_activity(occupy, args=[who, n == 0], **limits) for n in range(each)]
        await asyncio.gather(*calls)


def own(activities: CustomSlotSupplier, local: CustomSlotSupplier | None = None) -> WorkerTuner:
    return WorkerTuner.create_composite(
        workflow_supplier=activities,
        activity_supplier=activities,
        local_activity_supplier=local or activities,
        nexus_supplier=activities,
    )


async def at_most(here: Place, nearby: WorkerTuner, remote: WorkerTuner) -> list[int]:
    """How many attempts ran at a time: of eager activities, of those of a topic, and of local ones."""
    client = here.elsewhere
    code: dict[str, Any] = {"workflows": [Fan], "activities": [occupy]}
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(worker_of(here, client, tuner=nearby, **code))
        await stack.enter_async_context(Worker(client, task_queue=REMOTE, activities=[occupy], tuner=remote))
        fans = {
            (queue, is_local): await start(client, Fan.run, args=[EACH, queue, is_local])
            for queue, is_local in ((QUEUE, False), (REMOTE, False), (QUEUE, True))
        }
        for handle in fans.values():
            await handle.result()
    return [most[f"{handle.id}-{queue}-{is_local}"] for (queue, is_local), handle in fans.items()]


async def tuners_say_what_runs(here: Place) -> None:
    """By fixed numbers; and by what of the machine is in use, which here is too much for more than the minimum."""
    fixed = WorkerTuner.create_fixed(activity_slots=2, local_activity_slots=1)
    minimum = ResourceBasedSlotConfig(minimum_slots=3)
    resources = WorkerTuner.create_resource_based(
        target_memory_usage=0.0, target_cpu_usage=0.0, activity_config=minimum
    )
    eager, remote, local = await at_most(here, fixed, resources)
    assert 0 < eager <= 2
    assert 0 < remote <= 3
    assert local == 1


async def suppliers_say_what_runs(here: Place) -> None:
    """Eager activities, those of a topic and local ones, each with an attempt that fails."""
    suppliers = Capped(), Capped(), Capped()
    eager, local, remote = suppliers
    assert all(0 < number <= CAP for number in await at_most(here, own(eager, local), own(remote)))
    for supplier in suppliers:
        assert supplier.used == supplier.ended == {"occupy": EACH + 1}
        assert supplier.most_out <= CAP
        assert not supplier.out, "each permit came back, and none twice"
    assert (eager.kinds, local.kinds, remote.kinds) == ({"activity"}, {"local-activity"}, {"activity"})
    assert eager.tried > 0
    assert not local.tried


async def a_supplier_that_fails_and_gives_no_more_loses_no_task(here: Place) -> None:
    """It raises first, gives some slots, and then none at all: what it left waits for the next worker."""
    client = here.elsewhere
    supplier = Capped(failures=2, lets_go=False)
    async with worker_of(here, client, workflows=[Fan]):
        async with Worker(client, task_queue=REMOTE, activities=[occupy], tuner=own(supplier)):
            handle = await start(client, Fan.run, args=[EACH, REMOTE, False])
            await until(lambda: supplier.ended["occupy"] >= 1 and not supplier.out, "it gives no more")
        assert supplier.used == supplier.ended
        assert supplier.used["occupy"] < EACH
        async with Worker(client, task_queue=REMOTE, activities=[occupy]):
            await asyncio.wait_for(handle.result(), SOON.total_seconds())
    assert not supplier.out


async def local_activities_wait_for_their_supplier(here: Place) -> None:
    """One that gives nothing: they wait, their cancellation does not, and its worker ends; the next one runs them."""
    client = here.elsewhere
    nothing = Capped(0)
    code: dict[str, Any] = {"workflows": [Fan], "activities": [occupy]}
    async with worker_of(here, client, tuner=own(Capped(), nothing), **code):
        waits = await start(client, Fan.run, args=[EACH, QUEUE, True])
        canceled = await start(client, Fan.run, args=[1, QUEUE, True])
        await until(lambda: nothing.kinds, "it is asked")
        await canceled.cancel(rpc_timeout=SOON)
        with pytest.raises(WorkflowFailureError) as failed:
            await asyncio.wait_for(canceled.result(), SOON.total_seconds())
        assert isinstance(failed.value.cause, CancelledError)
    assert nothing.given == 0
    async with worker_of(here, client, **code):
        await asyncio.wait_for(waits.result(), SOON.total_seconds())


ALONE: list[Scenario] = [
    tuners_say_what_runs,
    suppliers_say_what_runs,
    a_supplier_that_fails_and_gives_no_more_loses_no_task,
    local_activities_wait_for_their_supplier,
]
