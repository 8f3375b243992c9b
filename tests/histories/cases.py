"""Which workflows histories are recorded of.

A new one is a line in `CASES`, and then `python -m tests.histories.record`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foldlog import activity
from foldlog.client import WorkflowHandle

from examples import async_completion, hello_world
from examples.interceptors import context, tracing
from examples.order.activities import DECLINED, FLAKY, UNSHIPPABLE, OrderActivities
from examples.order.ledger import Ledger
from examples.order.model import Order, chance, read_orders
from examples.order.workflow import OrderWorkflow

FOLDER = Path(__file__).parent
QUEUE = "histories"

Handle = WorkflowHandle[Any, Any]
Activities = Sequence[Callable[..., Any]]


async def nothing(handle: Handle) -> None:
    """Only wait for its end."""


@dataclass(frozen=True)
class Case:
    """A workflow that is run once in memory, from its start to its end."""

    name: str
    """Of the file, and the workflow ID."""
    workflow: type
    args: Sequence[Any]
    activities: Callable[[Path], AbstractContextManager[Activities]]
    """Its activities, given an empty folder."""
    then: Callable[[Handle], Awaitable[None]] = nothing
    """What is done with it once it has started."""
    others: Sequence[type] = ()
    """Further workflows that it needs; their runs are recorded too."""

    @property
    def workflows(self) -> Sequence[type]:
        """All workflows of a worker that runs it."""
        return (self.workflow, *self.others)

    def files(self) -> list[Path]:
        """Its histories: `name.json` of the workflow itself, then `name.2.json` and so on of others that it started."""
        return sorted(FOLDER.glob(f"{self.name}.*json"), key=lambda file: (len(file.name), file.name))


def these(*activities: Callable[..., Any]) -> Callable[[Path], AbstractContextManager[Activities]]:
    """Activities that need no folder."""
    return lambda folder: nullcontext(activities)


@contextmanager
def of_orders(folder: Path) -> Iterator[Activities]:
    """The activities of orders, on a ledger in the folder."""
    ledger = Ledger(folder / "ledger.db")
    try:
        yield OrderActivities(ledger).all()
    finally:
        ledger.close()


def order(luck: str) -> Order:
    """An order with this luck: `declined`, `unshippable`, `flaky`, or `good` for none of them."""
    limits = {"declined": DECLINED, "unshippable": UNSHIPPABLE, "flaky": FLAKY}
    for one in read_orders():
        bad = [what for what, limit in limits.items() if chance(one.order_id, what) < limit]
        if bad == ([] if luck == "good" else [luck]):
            return one
    raise LookupError(luck)


async def reserved(handle: Handle) -> None:
    """Wait until there is something to undo."""
    while await handle.query(OrderWorkflow.status) in ("ValidateOrder", "ReserveInventory"):
        pass


async def regret(handle: Handle) -> None:
    """The customer does not want it any more."""
    await reserved(handle)
    await handle.signal(OrderWorkflow.cancel_order, "changed my mind")


async def cancel(handle: Handle) -> None:
    """Cancel the workflow."""
    await reserved(handle)
    await handle.cancel(reason="out of stock")


async def terminate(handle: Handle) -> None:
    """Terminate the workflow."""
    await handle.terminate(reason="test data")


@activity.defn(name="ask_for_approval")
async def approves(invoice: str) -> bool:
    """Stands for a person who says yes at once: histories do not show where a completion came from."""
    return True


CASES = [  # sorted by name
    Case("billing", tracing.Billing, [100], these(context.bill)),
    Case("hello-world", hello_world.Greeting, ["Kafka"], these(hello_world.compose_greeting)),
    Case("hello-world-terminated", hello_world.Greeting, ["Kafka"], these(hello_world.compose_greeting), terminate),
    Case("invoice-approved", async_completion.PayInvoice, ["invoice-1"], these(approves)),
    Case("order-cancelled", OrderWorkflow, [order("good")], of_orders, cancel),
    Case("order-completed", OrderWorkflow, [order("good")], of_orders),
    Case("order-declined", OrderWorkflow, [order("declined")], of_orders),
    Case("order-regretted", OrderWorkflow, [order("good")], of_orders, regret),
    Case("order-retried", OrderWorkflow, [order("flaky")], of_orders),
    Case("order-unshippable", OrderWorkflow, [order("unshippable")], of_orders),
]
