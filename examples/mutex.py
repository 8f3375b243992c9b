"""A lock between workflows: `foldlog dev --port 0 -- python examples/mutex.py`.

One workflow for each resource keeps who waits for it, and tells them by signals when it is their turn. Whoever wants
the lock starts that workflow with a signal, in one command, so that it is there exactly as long as somebody wants it. A
holder that does not give the lock back before its lease ends has lost it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from foldlog import activity, workflow
from foldlog.client import Client
from foldlog.exceptions import ApplicationError
from foldlog.worker import Worker

QUEUE = "mutex"
LIMIT = timedelta(seconds=10)
TO_ITS_END = workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED
"""For what changes something under a lock: it must have ended when the lock is given back, also by a cancellation."""


@dataclass
class Request:
    id: str
    workflow_id: str
    """Who wants the lock."""
    lease: timedelta
    """How long it may be held."""


@workflow.defn
class Mutex:
    """The lock of one resource."""

    @workflow.init
    def __init__(self, waiting: list[Request]) -> None:
        self._waiting = waiting

    @workflow.run
    async def run(self, waiting: list[Request]) -> None:
        while self._waiting:
            await self._grant(self._waiting[0])  # it stays there until it is given back
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(self._waiting)

    async def _grant(self, request: Request) -> None:
        holder = workflow.get_external_workflow_handle(request.workflow_id)
        try:
            await holder.signal("lock_granted", request.id)
            await workflow.wait_condition(lambda: request not in self._waiting, timeout=request.lease)
        except (ApplicationError, TimeoutError):
            workflow.logger.warning("%s is gone or too slow, and has lost the lock", request.workflow_id)
            self.release(request.id)

    @workflow.signal
    def request(self, request: Request) -> None:
        self._waiting.append(request)

    @workflow.signal
    def release(self, request_id: str) -> None:
        self._waiting = [request for request in self._waiting if request.id != request_id]


@activity.defn
async def request_lock(resource: str, request: Request) -> None:
    """Ask the resource's mutex for the lock, and start it if it is not there."""
    await activity.client().start_workflow(
        Mutex.run,
        [],
        id=f"mutex-{resource}",
        task_queue=QUEUE,
        start_signal="request",
        start_signal_args=[request],
        request_id=request.id,  # so that another attempt asks for nothing more
    )


class Locking:
    """For workflows that lock something. Derive from it."""

    def __init__(self) -> None:
        self._granted: set[str] = set()

    @workflow.signal
    def lock_granted(self, request_id: str) -> None:
        self._granted.add(request_id)

    @asynccontextmanager
    async def locked(self, resource: str, lease: timedelta = timedelta(minutes=5)) -> AsyncIterator[None]:
        """Hold the lock of a resource."""
        request = Request(str(workflow.uuid4()), workflow.info().workflow_id, lease)
        try:
            await workflow.execute_activity(request_lock, args=[resource, request], start_to_close_timeout=LIMIT)
            await workflow.wait_condition(lambda: request.id in self._granted)
            yield
        finally:  # also when the workflow is cancelled, whether it has the lock or waits for it
            try:
                await workflow.get_external_workflow_handle_for(Mutex.run, f"mutex-{resource}").signal(
                    Mutex.release, request.id
                )
            except ApplicationError:
                pass  # the lease ran out and nobody else waited, or the request never got there


class Account:
    """Stands for something that must not be changed by two at a time."""

    def __init__(self) -> None:
        self.cents = 0

    @activity.defn
    async def read(self) -> int:
        return self.cents

    @activity.defn
    async def write(self, cents: int) -> None:
        self.cents = cents


@workflow.defn
class Deposit(Locking):
    """Reads, thinks and writes: without the lock, one deposit would undo the other."""

    @workflow.run
    async def run(self, cents: int) -> int:
        async with self.locked("account"):
            before = await workflow.execute_activity_method(Account.read, start_to_close_timeout=LIMIT)
            await asyncio.sleep(0.05)
            await workflow.execute_activity_method(
                Account.write, before + cents, start_to_close_timeout=LIMIT, cancellation_type=TO_ITS_END
            )
        return before + cents


async def run(client: Client, account: Account, deposits: list[int]) -> list[int]:
    activities: list[Callable[..., Any]] = [request_lock, account.read, account.write]
    async with Worker(client, task_queue=QUEUE, workflows=[Mutex, Deposit], activities=activities):
        started = (
            # With a request ID a deposit is made once, also if this program dies and is started again.
            client.execute_workflow(
                Deposit.run, cents, id=f"deposit-{number}", task_queue=QUEUE, request_id=f"deposit-{number}"
            )
            for number, cents in enumerate(deposits)
        )
        return await asyncio.gather(*started)


async def main() -> None:
    account = Account()
    async with await Client.connect() as client:  # the Kafka that KAFKA_BOOTSTRAP_SERVERS names
        print("balance after each deposit:", sorted(await run(client, account, [100] * 10)))
    print("in the account:", account.cents)


if __name__ == "__main__":
    asyncio.run(main())
