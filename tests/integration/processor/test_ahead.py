"""Transactions that are begun before it is known what will be in them."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from foldlog import activity, workflow
from foldlog.processors import ahead, assignment
from foldlog.processors.partition import NotNow, Partition
from foldlog.processors.takeover import fence
from foldlog.processors.transaction import TransactionAborted
from foldlog.schemas import log
from foldlog.schemas.framing import decode
from foldlog.transport.clients import open_admin
from foldlog.transport.config import KafkaConfig
from foldlog.transport.topics import partition_of

from tests.integration.processor.processes import Fleet
from tests.integration.processor.running import SOON, Place, place
from tests.integration.processor.suspending import LIMIT, Suspending
from tests.integration.processor.workloads import Waiting, echo
from tests.until import until, until_asked

pytestmark = pytest.mark.timeout(240)

LATER_SECONDS = 0.2
"""How much later a timer comes due."""


@pytest.fixture
async def here(kafka: str, namespace: str, tmp_path: Path) -> AsyncIterator[Place]:
    async with place(kafka, namespace, tmp_path, 1) as found:
        yield found


class Held:
    """An activity that goes on until the test lets it end."""

    def __init__(self) -> None:
        self.over = asyncio.Event()

    @activity.defn
    async def hold(self) -> None:
        await self.over.wait()


@workflow.defn
class Echoes:
    """Activities, one after the other."""

    @workflow.run
    async def run(self, count: int) -> list[str]:
        return [
            await workflow.execute_activity(echo, str(number), start_to_close_timeout=LIMIT) for number in range(count)
        ]


@workflow.defn
class Holding:
    """Such ones, one after the other."""

    @workflow.run
    async def run(self, count: int) -> None:
        for _ in range(count):
            await workflow.execute_activity_method(Held.hold, start_to_close_timeout=LIMIT)


@workflow.defn
class Timing:
    """A timer that comes due while an activity runs; tells how much later it is by the workflow's clock."""

    @workflow.run
    async def run(self) -> float:
        running = workflow.start_activity_method(Held.hold, start_to_close_timeout=LIMIT)
        began = workflow.now()
        await asyncio.sleep(LATER_SECONDS)
        slept = (workflow.now() - began).total_seconds()
        await running
        return slept


async def batches(here: Place) -> list[list[Any]]:
    """What is in each transaction."""
    found: list[list[Any]] = [[]]
    for record in await asyncio.to_thread(here.read, here.topics.events):
        read = decode(record.value)
        found[-1].append(type(read).__name__)
        if isinstance(read, log.BatchCommitted):
            found.append([])
    return [batch for batch in found if batch]


def ahead_of(found: list[list[Any]]) -> list[list[Any]]:
    """Those that were begun ahead."""
    assert all("BatchBegun" not in batch[1:] for batch in found)
    return [batch for batch in found if batch[0] == "BatchBegun"]


async def test_the_end_of_a_quick_activity_is_in_a_transaction_that_was_begun_ahead(
    here: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ahead, "WAIT_SECONDS", 60.0)
    async with here.worker(workflows=[Echoes]):
        handle = await here.start(Echoes.run, 4, id="echoes")
        assert await handle.result(rpc_timeout=SOON) == ["0", "1", "2", "3"]
    found = ahead_of(await batches(here))
    assert len(found) == 4
    assert all(batch[1] == "ActivityTaskCompleted" for batch in found)
    await here.check()


async def test_a_slow_activity_is_not_waited_for(here: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "PAUSE_SECONDS", 3600.0)
    held = Held()
    async with here.worker(workflows=[Holding], activities=[held.hold]):
        handle = await here.start(Holding.run, 3, id="holding")

        async def given_up() -> bool:
            return ["BatchBegun", "BatchCommitted"] in await batches(here)

        await until_asked(given_up, "the transaction begun ahead has ended without the activity")
        held.over.set()
        await handle.result(rpc_timeout=SOON)
    assert ahead_of(await batches(here)) == [["BatchBegun", "BatchCommitted"]]
    await here.check()


async def test_what_comes_due_meanwhile_is_not_early(here: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "WAIT_SECONDS", 60.0)
    held = Held()
    async with here.worker(workflows=[Timing], activities=[held.hold]):
        handle = await here.start(Timing.run, id="timing")

        async def fired() -> bool:
            return any("TimerFired" in batch for batch in ahead_of(await batches(here)))

        await until_asked(fired, "the timer has fired in the transaction begun ahead")
        held.over.set()
        assert await handle.result(rpc_timeout=SOON) >= LATER_SECONDS
    await here.check()


async def test_a_worker_stops_with_a_transaction_begun_ahead(here: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "WAIT_SECONDS", 0.5)
    wait, waits = ahead.Ahead.wait, threading.Event()

    def waiting(self: ahead.Ahead) -> None:
        waits.set()
        wait(self)

    monkeypatch.setattr(ahead.Ahead, "wait", waiting)
    held = Held()
    async with here.worker(workflows=[Holding], activities=[held.hold]):
        handle = await here.start(Holding.run, 1, id="holding")
        await until(waits.is_set, "the next transaction is begun")
    # Nobody had to end it in the place of the worker.
    assert len(ahead_of(await batches(here))) == 1
    held.over.set()
    async with here.worker(workflows=[Holding], activities=[held.hold]):
        await handle.result(rpc_timeout=SOON)
    await here.check()


async def test_quick_activities_one_after_the_other_do_not_keep_commands_waiting(
    here: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ahead, "WAIT_SECONDS", 60.0)
    async with here.worker(workflows=[Echoes]):
        handle = await here.start(Echoes.run, 300, id="echoes")
        assert len(await handle.result(rpc_timeout=SOON)) == 300
    longest = running = 0
    for batch in await batches(here):
        running = running + 1 if batch[0] == "BatchBegun" else 0
        longest = max(longest, running)
    assert longest == ahead.IN_A_ROW
    await here.check()


async def test_a_turn_begun_ahead_that_fails_is_handled_again(here: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "WAIT_SECONDS", 60.0)
    handle_local = Partition.handle_local
    failures = iter([True, False, True])

    def failing(self: Partition, *args: Any) -> None:
        handle_local(self, *args)
        if next(failures, False):
            raise NotNow("not now")

    monkeypatch.setattr(Partition, "handle_local", failing)
    async with here.worker(workflows=[Echoes]):
        handle = await here.start(Echoes.run, 4, id="echoes")
        assert await handle.result(rpc_timeout=SOON) == ["0", "1", "2", "3"]
    assert ahead_of(await batches(here))
    await here.check()


async def test_an_owner_that_cannot_be_fenced_keeps_only_its_own_partitions_waiting(
    kafka: str, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the broker refuses for want of rights is refused here by hand: the embedded one knows no ACLs."""
    refusing = True
    refused_by: list[str] = []

    def refuse(config: KafkaConfig, namespace: str, instance_id: str, timeout_seconds: float) -> None:
        refused_by.append(instance_id)
        if refusing:
            raise TransactionAborted(f"the transactions of {instance_id} cannot be ended")
        fence(config, namespace, instance_id, timeout_seconds)

    monkeypatch.setattr(assignment, "fence", refuse)
    monkeypatch.setattr(assignment, "FENCE_SECONDS", 0.5)
    async with place(kafka, namespace, tmp_path, 2) as here:
        theirs, ours = sorted(here.ids("waiting"), key=lambda name: partition_of(name, 2))
        group = f"{namespace}.processor"
        left = [TopicPartition(here.topics.commands, 0, 0, "gone")]
        admin = open_admin(here.config)
        altered = admin.alter_consumer_group_offsets([ConsumerGroupTopicPartitions(group, left)])
        await asyncio.to_thread(altered[group].result, 60)
        async with here.worker(ready=False) as worker:
            await here.start(Waiting.run, id=ours)
            assert not worker.ready
            assert set(refused_by) == {"gone"}
            await here.begin(theirs, "Waiting")
            refusing = False
            await until(lambda: worker.ready, "the partition is taken over")
            for name in (theirs, ours):
                handle = here.client.get_workflow_handle_for(Waiting.run, name)
                await handle.signal(Waiting.end, rpc_timeout=SOON)
                assert await handle.result(rpc_timeout=SOON) == "ended"
        await here.check()


async def test_a_processor_suspended_with_a_transaction_begun_ahead_is_fenced(here: Place) -> None:
    """The transaction sends no offsets, so the group's generation does not stop it: its ID must."""
    marker = here.folder / "suspended"
    program = "tests.integration.processor.suspending"
    with Fleet(here.config.bootstrap_servers, here.namespace, here.folder, program) as fleet:
        fleet.start("first", "both")
        await fleet.until_ready("first")
        handle = await here.start(Suspending.run, str(marker), id="suspending")
        await until(marker.exists, "the first one is suspended")
        fleet.start("second", "both")
        assert await handle.result(rpc_timeout=timedelta(seconds=60)) == ["before", "run again", "after"]
        fleet.signal("first", signal.SIGCONT)
        await until(lambda: "joins the group anew" in fleet.tail("first"), "the first one is told")
        fleet.check()
        await fleet.stop_all()
    await here.check("first", "second")
