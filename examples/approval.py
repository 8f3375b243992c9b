"""An expense that a person approves: `foldlog dev --port 0 -- python examples/approval.py`.

The decision is an update: its validator refuses who may not decide, and whoever decides hears at once what came of it.
The workflow reminds every two days and gives up after a week.
"""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from foldlog import activity, workflow
from foldlog.client import Client, WorkflowHandle, WorkflowUpdateFailedError
from foldlog.common import WorkflowIDConflictPolicy
from foldlog.exceptions import ActivityError, ApplicationError, WorkflowNotFoundError
from foldlog.worker import Worker

QUEUE = "approvals"
LIMIT = timedelta(seconds=10)
REMIND_EVERY = timedelta(days=2)
GIVE_UP_AFTER = timedelta(days=7)


@dataclass
class Expense:
    id: str
    employee: str
    cents: int
    approvers: list[str]


@dataclass
class Decision:
    approver: str
    approved: bool
    comment: str = ""


class Office:
    """Stands for the mails that are sent and the money that is paid."""

    def __init__(self) -> None:
        self.mails: list[str] = []
        self.paid: dict[str, int] = {}

    @activity.defn
    async def mail(self, to: list[str], text: str) -> None:
        self.mails.append(f"{', '.join(to)}: {text}")

    @activity.defn
    async def pay(self, expense: Expense) -> str:
        self.paid[expense.id] = expense.cents  # a second time changes nothing
        return f"transfer-{expense.id}"


@workflow.defn
class Approval:
    @workflow.init
    def __init__(self, expense: Expense) -> None:
        self._expense = expense
        self._decision: Decision | None = None

    @workflow.run
    async def run(self, expense: Expense) -> str:
        await self._mail(expense.approvers, f"{expense.employee} asks for {expense.cents} cents")
        reminding = asyncio.create_task(self._remind())
        try:
            await workflow.wait_condition(self._is_settled, timeout=GIVE_UP_AFTER)
        except TimeoutError:
            await workflow.wait_condition(workflow.all_handlers_finished)  # a late decision is being carried out
        finally:
            reminding.cancel()
        decision = self._decision = self._decision or Decision("nobody", False, "too late")
        outcome = "paid" if decision.approved else f"refused by {decision.approver}, {decision.comment}"
        await self._mail([expense.employee], f"{expense.id} is {outcome}")
        return outcome

    @workflow.update
    async def decide(self, decision: Decision) -> str:
        """Returns the number of the transfer, if there is one."""
        self._decision = decision  # before anything is awaited, so that the next decision is refused
        if not decision.approved:
            return ""
        try:
            return await workflow.execute_activity_method(Office.pay, self._expense, start_to_close_timeout=LIMIT)
        except ActivityError:
            self._decision = None  # it was not carried out: somebody may decide again
            raise

    def _is_settled(self) -> bool:
        """Somebody has decided, and it is carried out; the answer is on its way to whoever did."""
        return self._decision is not None and workflow.all_handlers_finished()

    @decide.validator
    def check_decision(self, decision: Decision) -> None:
        if self._decision is not None:
            raise ApplicationError(f"{self._decision.approver} has decided", type="Decided")
        if decision.approver not in self._expense.approvers or decision.approver == self._expense.employee:
            raise ApplicationError(f"{decision.approver} may not decide", type="NotAllowed")
        if not decision.approved and not decision.comment:
            raise ApplicationError("say why", type="NoReason")

    @workflow.query
    def status(self) -> str:
        if self._decision is None:
            return "pending"
        return "approved" if self._decision.approved else "refused"

    async def _remind(self) -> None:
        while True:
            await asyncio.sleep(REMIND_EVERY.total_seconds())
            if self._decision is None:
                await self._mail(self._expense.approvers, f"{self._expense.id} still waits for you")

    async def _mail(self, to: list[str], text: str) -> None:
        await workflow.execute_activity_method(Office.mail, args=[to, text], start_to_close_timeout=LIMIT)


def worker(client: Client, office: Office) -> Worker:
    return Worker(client, task_queue=QUEUE, workflows=[Approval], activities=[office.mail, office.pay])


async def decide(handle: WorkflowHandle[Approval, str], decision: Decision) -> str:
    """What a web page would do for the person."""
    try:
        return await handle.execute_update(Approval.decide, decision) or "no transfer"
    except WorkflowUpdateFailedError as error:
        return f"not taken: {error.cause}"
    except WorkflowNotFoundError:
        return "too late"


async def run(client: Client, office: Office) -> list[str]:
    expense = Expense("expense-1", "ann", 12_000, approvers=["ann", "bob", "eve"])
    async with worker(client, office):
        handle = await client.start_workflow(
            Approval.run,
            expense,
            id=expense.id,
            task_queue=QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        )
        answers = [
            await decide(handle, Decision("ann", True)),
            await decide(handle, Decision("bob", False)),
            await decide(handle, Decision("eve", True)),
        ]
        return [*answers, await handle.result()]


async def main() -> None:
    office = Office()
    async with await Client.connect() as client:  # the Kafka that KAFKA_BOOTSTRAP_SERVERS names
        print(*await run(client, office), *office.mails, sep="\n")


if __name__ == "__main__":
    asyncio.run(main())
