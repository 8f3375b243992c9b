"""The checks of the fault tests find what they are there to find: each is given a log or a ledger that is wrong."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from foldlog.core.fold import BrokenHistoryError, digest
from foldlog.processors.store import RocksResources, RocksStore, WriteBatch, formats
from foldlog.schemas import log
from foldlog.schemas.event import WorkflowExecutionCompleted, WorkflowExecutionSignaled
from foldlog.schemas.framing import decode, encode
from foldlog.transport.topic_reader import TopicRecord
from msgspec import structs

from examples.order.ledger import Ledger
from examples.order.model import Order, Outcome
from tests.integration.processor.chaos import Load, check_ledger
from tests.integration.processor.logs import Audit, checked, stores_equal_log
from tests.integration.processor.running import SOON, Place, place
from tests.integration.processor.workloads import Summing

Records = list[TopicRecord]


@pytest.fixture
async def here(kafka: str, namespace: str, tmp_path: Path) -> AsyncIterator[Place]:
    async with place(kafka, namespace, tmp_path, partitions=1) as found:
        async with found.worker():
            handle = await found.start(Summing.run, id="summing")
            for number in range(3):
                await handle.signal(Summing.add, number, rpc_timeout=SOON)
            await handle.signal(Summing.end, rpc_timeout=SOON)
            await handle.result(rpc_timeout=SOON)
        yield found


def places(records: Records, kind: type) -> list[int]:
    """Where the records of a kind are."""
    return [at for at, record in enumerate(records) if isinstance(decode(record.value), kind)]


def changed(record: TopicRecord, **fields: Any) -> TopicRecord:
    return record._replace(value=encode(structs.replace(decode(record.value), **fields)))


def following(record: TopicRecord, after: TopicRecord) -> TopicRecord:
    """An event in the place behind another one, by number and by chain."""
    return changed(record, event_id=decode(after.value).event_id + 1, chain=digest(after.value or b""))


def committed(records: Records) -> TopicRecord:
    """The end of the last batch."""
    return records[places(records, log.BatchCommitted)[-1]]


def doubled_batch(records: Records) -> Records:
    """A batch is handled twice."""
    first = places(records, WorkflowExecutionSignaled)[0]
    end = next(at for at in places(records, log.BatchCommitted) if at > first) + 1
    return [*records[:end], *records[first:end], *records[end:]]


def doubled_command(records: Records) -> Records:
    """A signal counts twice, and the second time all that follows from it is right."""
    one, two, *_ = places(records, WorkflowExecutionSignaled)
    again = following(records[one], records[two])
    return [*records[: two + 1], again, committed(records)]


def gap(records: Records) -> Records:
    """An event is missing."""
    at = places(records, WorkflowExecutionSignaled)[1]
    return [*records[:at], *records[at + 1 :]]


def gap_in_numbers(records: Records) -> Records:
    """A number is left out, with a chain that holds."""
    at = places(records, WorkflowExecutionSignaled)[-1]
    number = decode(records[at].value).event_id
    return [*records[:at], changed(records[at], event_id=number + 1), committed(records)]


def altered(records: Records) -> Records:
    """An event says something else than it did."""
    at = places(records, WorkflowExecutionSignaled)[1]
    return [*records[:at], changed(records[at], signal_name="other"), *records[at + 1 :]]


def two_ends(records: Records) -> Records:
    """A run is closed twice."""
    (at,) = places(records, WorkflowExecutionCompleted)
    return [*records, following(records[at], records[at]), committed(records)]


def goes_on(records: Records) -> Records:
    """A closed run has another event."""
    (end,) = places(records, WorkflowExecutionCompleted)
    another = changed(records[places(records, WorkflowExecutionSignaled)[0]], request_id="another")
    return [*records, following(another, records[end]), committed(records)]


def commands_again(records: Records) -> Records:
    """A batch ends before the last one."""
    return [*records, changed(committed(records), commands_offset=1)]


def no_owner(records: Records) -> Records:
    """Nobody has opened the partition."""
    return [record for record in records if not isinstance(decode(record.value), log.PartitionOpened)]


def amid_a_batch(records: Records) -> Records:
    """The next owner comes before the last one has ended its batch."""
    at = places(records, WorkflowExecutionSignaled)[0] + 1
    (opened,) = places(records, log.PartitionOpened)
    return [*records[:at], records[opened], *records[at:]]


def without_end(records: Records) -> Records:
    """The last batch has no end."""
    return records[: places(records, WorkflowExecutionSignaled)[0] + 1]


WRONG: dict[Callable[[Records], Records], str] = {
    doubled_batch: "does not follow",
    doubled_command: "requests that counted more than once",
    gap: "does not follow",
    gap_in_numbers: "does not follow",
    altered: "chain",
    two_ends: "after the run was closed",
    goes_on: "after the run was closed",
    commands_again: "commands up to .* were handled, and then",
    no_owner: "before any opening",
    amid_a_batch: "opened amid a batch",
    without_end: "after the last batch",
}
"""What is said of each."""


async def test_what_is_wrong_in_a_log_is_found(here: Place) -> None:
    found = await here.check()
    records = found.records[0]
    assert checked(found.topic_id, records).closed() == {"summing"}
    for make, said in WRONG.items():
        wrong = make(records)
        with pytest.raises((AssertionError, BrokenHistoryError), match=said):
            checked(found.topic_id, wrong)
    (end,) = places(records, WorkflowExecutionCompleted)
    still_open = checked(found.topic_id, [*records[:end], committed(records)])
    assert still_open.closed() == set()
    _check_stores(here, found)


def _check_stores(here: Place, found: Audit) -> None:
    """A store that lacks records, and one with another row, are found."""
    (folder,) = (here.folder / "state" / here.namespace / "slot-0").glob("0")

    def equal(records: Records) -> int:
        return stores_equal_log(replace(found, records={0: records}), [here.folder / "state"], here.namespace)

    last = committed(found.records[0])
    with pytest.raises(AssertionError, match="no store has the last 1 records"):
        equal([*found.records[0], last._replace(offset=last.offset + 100)])
    with pytest.raises(AssertionError, match="rows differ"):
        equal(gap(found.records[0])[: places(found.records[0], WorkflowExecutionSignaled)[1]])
    store = RocksStore(folder, RocksResources())
    rows = WriteBatch(formats.FAMILIES)
    rows.put(formats.HISTORY, b"a key of nobody", b"")
    store.write(rows)
    store.close()
    with pytest.raises(AssertionError, match="1 rows differ"):
        equal(found.records[0])


@pytest.mark.parametrize(
    "mistake", ["charged twice", "not charged", "not refunded", "reserved for another", "entered once but moved twice"]
)
def test_what_is_wrong_in_a_ledger_is_found(tmp_path: Path, mistake: str) -> None:
    bought, undone = (Order(name, "7", "shelf-07", quantity=2, cents=995) for name in ("bought", "undone"))
    ledger = Ledger(tmp_path / "ledger.db")
    load = Load(
        orders={"bought": bought, "undone": undone},
        outcomes={"bought": Outcome("bought", "completed"), "undone": Outcome("undone", "compensated")},
    )
    ledger.reserve("1", bought)
    if mistake != "not charged":
        ledger.charge("2", bought)
    ledger.charge("3", undone)
    if mistake != "not refunded":
        ledger.refund("4", undone)
    if mistake == "charged twice":
        ledger.charge("5", bought)
    if mistake == "reserved for another":
        ledger.reserve("6", undone)
    if mistake == "entered once but moved twice":
        with closing(sqlite3.connect(tmp_path / "ledger.db")) as database:
            database.execute("UPDATE till SET cents = cents + ?", (bought.cents,))
            database.commit()
    with pytest.raises(AssertionError, match="the ledger has"):
        check_ledger(tmp_path / "ledger.db", load)
    ledger.close()


def test_a_ledger_that_is_right_is_taken_as_such(tmp_path: Path) -> None:
    order = Order("bought", "7", "shelf-07", quantity=2, cents=995)
    ledger = Ledger(tmp_path / "ledger.db")
    load = Load(orders={"bought": order}, outcomes={"bought": Outcome("bought", "completed")})
    for _ in range(2):
        ledger.reserve("1", order)
        ledger.charge("2", order)
    check_ledger(tmp_path / "ledger.db", load)
    ledger.close()
