"""The order example: what is in its ledger in the end, whatever goes wrong on the way, and what counts once."""

from __future__ import annotations

import asyncio
import dataclasses
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from foldlog import activity
from foldlog.client import WorkflowHandle
from foldlog.testing import ActivityEnvironment, WorkflowEnvironment
from foldlog.worker import Worker

from examples.order.activities import OrderActivities
from examples.order.ledger import Ledger
from examples.order.model import TASK_QUEUE, Order, Outcome, read_orders
from examples.order.workflow import OrderWorkflow
from tests.histories.cases import order
from tests.until import until_asked

GOOD, DECLINED, UNSHIPPABLE, FLAKY = map(order, ("good", "declined", "unshippable", "flaky"))
DONE = {"reserve": 1, "charge": 1, "ship": 1, "notify": 1}
UNDONE = {"reserve": 1, "charge": 1, "refund": 1, "release": 1}


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    found = Ledger(tmp_path / "ledger.db")
    yield found
    found.close()


@asynccontextmanager
async def placed(one: Order, activities: OrderActivities) -> AsyncIterator[WorkflowHandle[Any, Outcome]]:
    """An order under way."""
    with ThreadPoolExecutor(4) as threads:
        async with (
            await WorkflowEnvironment.start_time_skipping() as env,
            Worker(
                env.client,
                task_queue=TASK_QUEUE,
                workflows=[OrderWorkflow],
                activities=activities.all(),
                activity_executor=threads,
                max_concurrent_activities=4,
            ),
        ):
            yield await env.client.start_workflow(OrderWorkflow.run, one, id="order", task_queue=TASK_QUEUE)


def moved(ledger: Ledger) -> tuple[int, int]:
    """Pieces and cents, after all."""
    totals = ledger.totals()
    return totals.taken, totals.cents


class Held(OrderActivities):
    """One of the steps is held by the test, after its work."""

    def __init__(self, ledger: Ledger, step: str) -> None:
        super().__init__(ledger)
        self._step = step
        self.let_go = threading.Event()

    def _hold(self, step: str) -> None:
        if step == self._step:
            assert self.let_go.wait(60)

    @activity.defn(name="ProcessPayment")
    def process_payment(self, order: Order) -> str:
        receipt = super().process_payment(order)
        self._hold("ProcessPayment")
        return receipt

    @activity.defn(name="CreateShipment")
    def create_shipment(self, order: Order) -> str:
        number = super().create_shipment(order)
        self._hold("CreateShipment")
        return number


class Twice(OrderActivities):
    """Each step fails after its work, the first time: nobody hears that it was done."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(ledger)
        self.keys: dict[str, list[str]] = {}

    def _perhaps_crash(self, order: Order) -> None:
        self._fail_once("ReserveInventory")

    def _fail_once(self, step: str) -> None:
        info = activity.info()
        self.keys.setdefault(step, []).append(info.idempotency_key)
        if info.attempt == 1:
            raise ConnectionError("nobody heard")

    @activity.defn(name="ReleaseInventory")
    def release_inventory(self, order: Order) -> None:
        super().release_inventory(order)
        self._fail_once("ReleaseInventory")

    @activity.defn(name="ProcessPayment")
    def process_payment(self, order: Order) -> str:
        receipt = super().process_payment(order)
        self._fail_once("ProcessPayment")
        return receipt

    @activity.defn(name="RefundPayment")
    def refund_payment(self, order: Order) -> None:
        super().refund_payment(order)
        self._fail_once("RefundPayment")

    @activity.defn(name="CreateShipment")
    def create_shipment(self, order: Order) -> str:
        number = super().create_shipment(order)
        self._fail_once("CreateShipment")
        return number

    @activity.defn(name="SendNotification")
    def send_notification(self, order: Order) -> None:
        super().send_notification(order)
        self._fail_once("SendNotification")


@pytest.mark.parametrize(
    ("one", "reason", "entries"),
    [
        (GOOD, "", DONE),
        (FLAKY, "", DONE),
        (DECLINED, "CardDeclined", {"reserve": 1, "release": 1}),
        (UNSHIPPABLE, "Unshippable", UNDONE),
        (dataclasses.replace(GOOD, quantity=0), "InvalidOrder", {}),
    ],
    ids=["good", "flaky", "declined", "unshippable", "invalid"],
)
async def test_an_order_is_fulfilled_or_undone(
    ledger: Ledger, one: Order, reason: str, entries: dict[str, int]
) -> None:
    async with placed(one, OrderActivities(ledger)) as handle:
        status = "compensated" if reason else "completed"
        assert await handle.result() == Outcome(one.order_id, status, reason)
        assert await handle.query(OrderWorkflow.status) == status
        steps = [event.activity_type async for event in _scheduled(handle)]
    assert ledger.totals().by_kind == entries
    assert moved(ledger) == ((0, 0) if reason else (one.quantity, one.cents))
    if one is UNSHIPPABLE:
        assert steps[-2:] == ["RefundPayment", "ReleaseInventory"]


async def _scheduled(handle: WorkflowHandle[Any, Any]) -> AsyncIterator[Any]:
    for event in (await handle.fetch_history()).events:
        if type(event).__name__ == "ActivityTaskScheduled":
            yield event


@pytest.mark.parametrize("how", ["signal", "cancel"])
async def test_an_order_can_be_canceled_until_it_is_shipped(ledger: Ledger, how: str) -> None:
    activities = Held(ledger, "ProcessPayment")
    async with placed(GOOD, activities) as handle:
        await until_asked(lambda: _is_at(handle, "ProcessPayment"), "it is at the payment")
        if how == "signal":
            await handle.signal(OrderWorkflow.cancel_order, "changed my mind")
        else:
            await handle.cancel()
        activities.let_go.set()
        outcome = await handle.result()
    assert (outcome.status, outcome.reason) == (
        "compensated",
        "changed my mind" if how == "signal" else "CancelledError",
    )
    assert moved(ledger) == (0, 0)
    assert ledger.orders("ship") == []


async def test_what_is_shipped_is_not_undone(ledger: Ledger) -> None:
    activities = Held(ledger, "CreateShipment")
    async with placed(GOOD, activities) as handle:
        await until_asked(lambda: _is_at(handle, "CreateShipment"), "it is being shipped")
        await handle.signal(OrderWorkflow.cancel_order, "too late")
        activities.let_go.set()
        assert (await handle.result()).status == "completed"
    assert ledger.totals().by_kind == DONE
    assert moved(ledger) == (GOOD.quantity, GOOD.cents)


async def _is_at(handle: WorkflowHandle[Any, Any], step: str) -> bool:
    return bool(await handle.query(OrderWorkflow.status) == step)


@pytest.mark.parametrize(("one", "entries"), [(GOOD, DONE), (UNSHIPPABLE, UNDONE)], ids=["good", "unshippable"])
async def test_what_runs_twice_counts_once(ledger: Ledger, one: Order, entries: dict[str, int]) -> None:
    activities = Twice(ledger)
    async with placed(one, activities) as handle:
        await handle.result()
    assert activities.keys
    for step, keys in activities.keys.items():
        assert len(keys) == 2, step
        assert len(set(keys)) == 1, step
    assert len({keys[0] for keys in activities.keys.values()}) == len(activities.keys)
    assert ledger.totals().by_kind == entries
    assert moved(ledger) == ((one.quantity, one.cents) if one is GOOD else (0, 0))


def test_an_attempt_that_comes_after_its_undoing_changes_nothing(ledger: Ledger) -> None:
    ledger.release("release-key", GOOD)
    ledger.refund("refund-key", GOOD)
    ledger.reserve("reserve-key", GOOD)
    ledger.charge("charge-key", GOOD)
    assert moved(ledger) == (0, 0)


def test_the_ledger_is_shared_by_processes_and_threads(tmp_path: Path) -> None:
    first, second = Ledger(tmp_path / "ledger.db"), Ledger(tmp_path / "ledger.db")
    with ThreadPoolExecutor(4) as threads:
        for number in range(100):
            for one in (first, second):
                threads.submit(one.reserve, f"key-{number}", GOOD)
                threads.submit(one.charge, f"till-{number}", GOOD)
    assert moved(first) == moved(second) == (100 * GOOD.quantity, 100 * GOOD.cents)
    first.close()
    second.close()


async def test_a_shipment_says_how_far_it_got_and_goes_on_there(ledger: Ledger) -> None:
    one = dataclasses.replace(GOOD, quantity=5)
    env = ActivityEnvironment()
    told: list[Any] = []
    env.on_heartbeat = lambda *details: told.append(details[0])
    await asyncio.to_thread(env.run, OrderActivities(ledger).create_shipment, one)
    assert told == [1, 2, 3, 4, 5]
    told.clear()
    env.info = dataclasses.replace(env.info, attempt=2, heartbeat_details=[3])
    await asyncio.to_thread(env.run, OrderActivities(ledger).create_shipment, one)
    assert told == [4, 5]


def test_the_orders_are_those_of_the_sample() -> None:
    orders = list(read_orders())
    assert len(orders) == len({one.order_id for one in orders}) == 6_919
    assert (sum(one.quantity for one in orders), sum(one.cents for one in orders)) == (16_479, 24_409_194)
    assert Counter(one.quantity > 0 for one in orders)[False] == 0
