"""An activity that a person ends: `foldlog dev --port 0 -- python examples/async_completion.py`.

The activity sends the question out and is done with its code, so that it takes up no place in its worker while the
person thinks. Whoever has the answer completes it, from any process, with the task token that went along with the
question. The activity's timeouts go on meanwhile, in the workflow's processor. Who does not answer within two days is
asked again, with another token: the one before is worth nothing then.
"""

import asyncio
from datetime import timedelta

from foldlog import activity, workflow
from foldlog.client import AsyncActivityCancelledError, Client, RPCError, RPCStatusCode
from foldlog.common import WorkflowIDConflictPolicy
from foldlog.exceptions import ActivityError, ApplicationError, is_cancelled_exception
from foldlog.worker import Worker

QUEUE = "approvals"
ASK_AGAIN_AFTER = timedelta(days=2)
GIVE_UP_AFTER = timedelta(days=14)


class Desk:
    """Stands for whatever reaches people: a table with a web page, mails with links."""

    def __init__(self) -> None:
        self.questions: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()

    @activity.defn
    async def ask_for_approval(self, invoice: str) -> bool:
        await self.questions.put((invoice, activity.info().task_token))
        activity.raise_complete_async()


@workflow.defn
class PayInvoice:
    @workflow.run
    async def run(self, invoice: str) -> str:
        try:
            approved = await workflow.execute_activity_method(
                Desk.ask_for_approval,
                invoice,
                start_to_close_timeout=ASK_AGAIN_AFTER,  # questions get lost
                schedule_to_close_timeout=GIVE_UP_AFTER,
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            return f"{invoice}: nobody decides ({error.cause})"
        return f"{invoice}: {'paid' if approved else 'sent back'}"


async def answer(client: Client, invoice: str, token: bytes) -> None:
    """What the web page does when somebody has decided, in a process of its own."""
    handle = client.get_async_activity_handle(task_token=token)
    try:
        await handle.heartbeat("somebody looks at it")
        if invoice == "invoice-3":
            await handle.fail(ApplicationError("the approver has left", non_retryable=True))
        else:
            await handle.complete(invoice != "invoice-2")
    except AsyncActivityCancelledError:
        await handle.report_cancellation()
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        print(f"{invoice}: too late, or answered before")


async def run(client: Client) -> list[str]:
    """Three invoices and their answers."""
    desk = Desk()
    async with Worker(client, task_queue=QUEUE, workflows=[PayInvoice], activities=[desk.ask_for_approval]):
        handles = [
            await client.start_workflow(
                PayInvoice.run,
                invoice,
                id=invoice,
                task_queue=QUEUE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            )
            for invoice in ("invoice-1", "invoice-2", "invoice-3")
        ]
        for _ in handles:
            await answer(client, *await desk.questions.get())
        return [await handle.result() for handle in handles]


async def main() -> None:
    async with await Client.connect() as client:  # the Kafka that KAFKA_BOOTSTRAP_SERVERS names
        print(*await run(client), sep="\n")


if __name__ == "__main__":
    asyncio.run(main())
