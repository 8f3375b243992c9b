"""Kills processors and workers at random moments under load, then checks every invariant.

    python -m tests.integration.processor.chaos --kills 200
    python -m tests.integration.processor.chaos --kills 15 --seed 4711      # the same choices again

The load is real: orders whose stock and money are in a ledger, workflows that add up signals, timers, local and eager
activities. What is killed, when, and how it comes back (with a stable name or a new one) is drawn from the seed; what
the machine makes of it is not, so a seed repeats the choices and not the run.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import secrets
import sqlite3
import tempfile
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fnmatch import fnmatch
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from confluent_kafka import Producer
from foldlog.client import Client, RPCError, WorkflowNotFoundError
from foldlog.connectors.embedded import broker_from_environment
from foldlog.converter import DataConverter
from foldlog.schemas.command import SignalWorkflow
from foldlog.schemas.event import (
    WorkflowExecutionCanceled,
    WorkflowExecutionCompleted,
    WorkflowExecutionContinuedAsNew,
    WorkflowExecutionFailed,
    WorkflowExecutionTerminated,
)
from foldlog.schemas.framing import decode, encode
from foldlog.transport.admin import create_topics
from foldlog.transport.config import KafkaConfig
from foldlog.transport.topic_reader import read_topic
from foldlog.transport.topics import Topics, partition_of

from examples.order.ledger import Ledger
from examples.order.model import Order, Outcome, read_orders
from examples.order.workflow import OrderWorkflow
from tests.integration.processor.lanes import LANES, Insistent
from tests.integration.processor.logs import Audit, audit, stores_equal_log
from tests.integration.processor.processes import Fleet
from tests.integration.processor.workloads import QUEUE, Seen, Summing

PARTITIONS = 4
ORDERS_AT_ONCE = 24
"""Orders that are open at the same time."""
CANCELED = 0.1
"""Share of the orders that are canceled while they run."""
SUMS = 6
WAYS = ("plain", "signal", "update")
"""How numbers are sent to them."""
PAUSES_SECONDS = ((0.1, 3.0), (0.1, 3.0), (7.0, 12.0))
"""Time between two kills, from one of these ranges: amid the recovery from the last one, or after it."""
DOWN_SECONDS = (0.0, 1.5)
"""How long what was killed stays away."""
PATIENCE = timedelta(seconds=60)
FINISH_SECONDS = 150.0
"""In which all that was begun must end, once nothing is killed any more."""
UPDATES = 1_900
"""How many a workflow is sent; what follows are signals. One run takes 2,000."""
CONVERTER = DataConverter()

END_STATUS: dict[type, str] = {
    WorkflowExecutionCompleted: "COMPLETED",
    WorkflowExecutionFailed: "FAILED",
    WorkflowExecutionCanceled: "CANCELED",
    WorkflowExecutionContinuedAsNew: "CONTINUED_AS_NEW",
    WorkflowExecutionTerminated: "TERMINATED",
}
"""What ends a run here, and what lists show then."""
OTHER_ENDS = {
    "canceled-*-child": WorkflowExecutionCanceled,
    "foldlog.schedule:*/*": WorkflowExecutionCompleted,
    "foldlog.schedule:*": WorkflowExecutionTerminated,
}
"""How workflows end that need not complete, by their IDs: the first pattern counts."""

Say = Callable[[str], None]


@dataclass
class Load:
    """What was put in, and what came of it."""

    orders: dict[str, Order] = field(default_factory=dict)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    added: dict[str, list[int]] = field(default_factory=dict)
    """By workflow, the numbers that were sent to it, in order."""
    seen: dict[str, Seen] = field(default_factory=dict)
    others: Counter[str] = field(default_factory=Counter)
    """By lane, the workflows that ended well."""


@dataclass
class Report:
    """How it went."""

    seed: int
    counts: Counter[str]
    """Kills by process, and asks that had to be repeated."""
    orders: int
    compensated: int
    signals: int
    others: dict[str, int]
    events: int
    openings: int
    rows: int
    """Of all stores, equal to those rebuilt from the log."""
    seconds: float = 0.0


class Chaos:
    """One run."""

    def __init__(self, servers: str, folder: Path, kills: int, seed: int, say: Say) -> None:
        """Prepare a run.

        Args:
            servers: A broker.
            folder: For stores, logs and the ledger; empty.
            kills: How many.
            seed: Of all that is drawn.
            say: Told how it goes.
        """
        self._config = KafkaConfig(bootstrap_servers=servers)
        self._namespace = f"chaos-{uuid.uuid4().hex[:8]}"
        self._topics = Topics(self._namespace)
        self._folder = folder
        self._kills = kills
        self._seed = seed
        self._random = random.Random(seed)
        self._say = say
        self._fleet = Fleet(servers, self._namespace, folder)
        self._load = Load()
        self._over = asyncio.Event()
        self._counts: Counter[str] = Counter()

    async def run(self) -> Report:
        """Do it, and check.

        Raises:
            AssertionError: An invariant does not hold.
        """
        began = time.monotonic()
        await asyncio.to_thread(create_topics, self._config, self._topics, partitions=PARTITIONS, task_queues=[QUEUE])
        Ledger(self._folder / "ledger.db").close()
        with self._fleet as fleet:
            # One with a stable name, one with a new name in each life, and one that runs activities in memory too.
            fleet.start("workflows-stable", "workflows", instance_id="stable")
            fleet.start("workflows-new", "workflows")
            fleet.start("both", "both", instance_id="both")
            fleet.start("activities", "activities")
            for name in fleet.members:
                await fleet.until_ready(name)
            async with await Client.connect(
                self._config, namespace=self._namespace, connect_timeout=PATIENCE
            ) as client:
                await self._under_load(client)
            await fleet.stop_all()
        report = await asyncio.to_thread(self._check, self._folder / "ledger.db")
        report.seconds = round(time.monotonic() - began, 1)
        return report

    # ---- the load

    async def _under_load(self, client: Client) -> None:
        orders, ask = _orders(), Insistent(client, self._counts)
        async with asyncio.TaskGroup() as load:
            for _ in range(ORDERS_AT_ONCE):
                load.create_task(self._order_lane(ask, orders))
            for number in range(SUMS):
                load.create_task(self._sum(ask, f"sum-{number}", WAYS[number % len(WAYS)]))
            work = [load.create_task(self._other_lane(ask, lane)) for lane in LANES]
            await self._kill_all()
            self._over.set()
            self._say(f"{len(self._load.outcomes)} orders have ended; what is open now must end too")
            end = time.monotonic() + FINISH_SECONDS
            while (unfinished := self._unfinished()) or not all(task.done() for task in work):
                self._fleet.check()
                if time.monotonic() > end:
                    raise AssertionError(f"not finished: {await self._described(client, unfinished)}")
                await asyncio.sleep(0.1)

    def _unfinished(self) -> list[str]:
        orders = sorted(self._load.orders.keys() - self._load.outcomes.keys())
        sums = sorted(self._load.added.keys() - self._load.seen.keys())
        return [*(f"order-{order_id}" for order_id in orders), *sums]

    async def _described(self, client: Client, unfinished: list[str]) -> str:
        """What hangs, and where it lives."""
        lines = [f"{len(unfinished)} workflows"]
        for workflow_id in unfinished[:20]:
            try:
                found = await client.get_workflow_handle(workflow_id).describe(rpc_timeout=timedelta(seconds=5))
                state = repr(found)
            except RPCError as error:
                state = repr(error)
            lines.append(f"{workflow_id} in partition {partition_of(workflow_id, PARTITIONS)}: {state}")
        return "\n".join(lines)

    async def _order_lane(self, ask: Insistent, orders: Iterator[Order]) -> None:
        while not self._over.is_set():
            order = next(orders)
            self._load.orders[order.order_id] = order
            handle = await ask.start(OrderWorkflow.run, [order], f"order-{order.order_id}")
            if self._random.random() < CANCELED:
                try:
                    await ask.insist(partial(handle.signal, OrderWorkflow.cancel_order, "changed my mind"))
                except WorkflowNotFoundError:
                    pass  # It has ended, which is as good.
            self._load.outcomes[order.order_id] = await handle.result()

    async def _sum(self, ask: Insistent, workflow_id: str, way: str) -> None:
        """Sends numbers, either as any Kafka program could or through the client, which asks until it is answered."""
        handle = await ask.start(Summing.run, [], workflow_id)
        numbers = self._load.added[workflow_id] = []
        producer = Producer(self._config.producer())
        while not self._over.is_set():
            number = len(numbers) + 1
            numbers.append(number)
            request_id = f"{workflow_id}-{number}"
            if way == "plain":
                payloads = await CONVERTER.encode([number])
                wanted = SignalWorkflow(request_id=request_id, signal_name="add", args=payloads)
                producer.produce(self._topics.commands, encode(wanted), workflow_id)
                producer.poll(0)
                await asyncio.sleep(0.005)
            elif way == "signal" or number > UPDATES:
                await ask.insist(partial(handle.signal, Summing.add, number))
            else:
                assert await handle.execute_update(Summing.put, number) == number - 1, "an update counts not once"
        assert await asyncio.to_thread(producer.flush, 60) == 0
        await ask.insist(partial(handle.signal, Summing.end))
        self._load.seen[workflow_id] = await handle.result()

    async def _other_lane(self, ask: Insistent, lane: str) -> None:
        number = 0
        while not self._over.is_set():
            number += 1
            await LANES[lane](ask, f"{lane}-{number}")
            self._load.others[lane] += 1

    # ---- the kills

    async def _kill_all(self) -> None:
        returning: list[asyncio.Task[None]] = []
        killed = 0
        while killed < self._kills:
            await asyncio.sleep(self._random.uniform(*self._random.choice(PAUSES_SECONDS)))
            self._fleet.check()
            alive = sorted(name for name, member in self._fleet.members.items() if not member.killed)
            count = min(self._random.choice((1, 1, 2)), len(alive), self._kills - killed)
            for name in self._random.sample(alive, count):
                self._fleet.kill(name)
                killed += 1
                self._counts[name] += 1
                returning.append(asyncio.create_task(self._return(name, self._random.uniform(*DOWN_SECONDS))))
                ended = len(self._load.outcomes)
                self._say(f"{datetime.now():%X} {killed}/{self._kills} killed {name}; {ended} orders have ended")
        await asyncio.gather(*returning)

    async def _return(self, name: str, after_seconds: float) -> None:
        await asyncio.sleep(after_seconds)
        self._fleet.start(name, self._fleet.members[name].role)

    # ---- the invariants

    def _check(self, ledger_path: Path) -> Report:
        load = self._load
        found = audit(self._config, self._topics)
        started = {workflow_id for workflow_id, _ in found.events}
        check_runs(found)
        assert {f"order-{order_id}" for order_id in load.orders} <= started
        for workflow_id, numbers in load.added.items():
            assert load.seen[workflow_id].numbers == numbers, f"{workflow_id} saw other signals than were sent"
            assert load.seen[workflow_id].total == sum(numbers)
        check_ledger(ledger_path, load)
        letters = [record.headers for record in read_topic(self._config, self._topics.dead_letters)]
        assert not letters, f"{len(letters)} dead letters: {letters[:3]}"
        rows = {}
        for record in read_topic(self._config, self._topics.visibility):
            rows[record.key] = decode(record.value)
        assert {(row.workflow_id, row.run_id) for row in rows.values()} == set(found.events)
        ends = {(row.workflow_id, row.run_id): row.status for row in rows.values()}
        wrong = [run for run, events in found.events.items() if ends[run] != END_STATUS.get(type(events[-1]))]
        assert not wrong, f"the list shows another status than the history: {wrong}"
        states = [self._folder / member.state for member in self._fleet.members.values() if member.role != "activities"]
        return Report(
            seed=self._seed,
            counts=self._counts,
            orders=len(load.orders),
            compensated=sum(outcome.status == "compensated" for outcome in load.outcomes.values()),
            signals=sum(map(len, load.added.values())),
            others=dict(load.others),
            events=sum(map(len, found.events.values())),
            openings=sum(map(len, found.openings.values())),
            rows=stores_equal_log(found, states, self._namespace),
        )


def _orders() -> Iterator[Order]:
    for round_number in count(1):
        for order in read_orders():
            order.order_id = f"{round_number}-{order.order_id}"
            yield order


def check_runs(found: Audit) -> None:
    """Each workflow has one run, or a chain of them in which each names the next, and all but the last hand over."""
    runs: dict[str, dict[str, list[Any]]] = defaultdict(dict)
    for (workflow_id, run_id), events in found.events.items():
        assert type(events[-1]) in END_STATUS, f"{workflow_id}, run {run_id}: not closed"
        runs[workflow_id][run_id] = events
    for workflow_id, chain in runs.items():
        following = {events[-1].new_run_id for events in chain.values() if getattr(events[-1], "new_run_id", "")}
        assert following <= chain.keys(), f"{workflow_id}: runs that never began: {following - chain.keys()}"
        assert len(following) == len(chain) - 1, f"{workflow_id} has {len(chain)} runs, and {len(following)} followed"
        ends = [type(events[-1]) for events in chain.values() if not getattr(events[-1], "new_run_id", "")]
        other = (end for pattern, end in OTHER_ENDS.items() if fnmatch(workflow_id, pattern))
        assert ends == [next(other, WorkflowExecutionCompleted)], f"{workflow_id} ended with {ends}"


def check_ledger(path: Path, load: Load) -> None:
    """Each order's pieces and cents, one by one: what is right in sum could still be wrong twice. Then the sum: what
    was entered once could have been moved twice."""
    with closing(sqlite3.connect(path)) as database:
        rows = database.execute("SELECT order_id, sum(quantity), sum(cents) FROM entries GROUP BY order_id").fetchall()
    moved = {order_id: (quantity, cents) for order_id, quantity, cents in rows}
    pieces, till = 0, 0
    for order_id, order in load.orders.items():
        completed = load.outcomes[order_id].status == "completed"
        wanted = (order.quantity, order.cents) if completed else (0, 0)
        is_now = moved.get(order_id, (0, 0))
        assert is_now == wanted, f"order {order_id}, {load.outcomes[order_id]}: the ledger has {is_now}, not {wanted}"
        pieces, till = pieces + wanted[0], till + wanted[1]
    with closing(Ledger(path)) as ledger:
        totals = ledger.totals()
    assert (totals.taken, totals.cents) == (pieces, till), f"the ledger has {totals} in all, not {(pieces, till)}"


async def run_chaos(servers: str, folder: Path, kills: int, seed: int, say: Say) -> Report:
    """One run of `Chaos`.

    Raises:
        AssertionError: An invariant does not hold.
    """
    return await Chaos(servers, folder, kills, seed, say).run()


def main() -> None:
    """Run as a program."""
    parser = argparse.ArgumentParser(description="Kill processes at random, and check every invariant.")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--keep", type=Path, help="An empty folder for stores and logs, which is kept.")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else secrets.randbelow(1_000_000)
    print(f"seed {seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="foldlog-chaos-") as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        with broker_from_environment() as servers:
            report = asyncio.run(run_chaos(servers, folder, options.kills, seed, partial(print, flush=True)))
    print(report)
    print("every invariant holds")


if __name__ == "__main__":
    main()
