"""Three ways to wait for somebody else: `foldlog dev --port 0 -- python examples/polling.py`.

Often, every second or more: a loop in an activity, with heartbeats, so that another worker takes over if this one dies.
Seldom, every minute or less: an activity that fails while there is nothing, and a retry policy without backoff; between
two attempts nothing runs. Regularly, with steps of its own each time: a child workflow that loops, and begins a new run
before its history gets long.
"""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from foldlog import activity, workflow
from foldlog.client import Client
from foldlog.common import RetryPolicy, WorkflowIDConflictPolicy
from foldlog.exceptions import ActivityError, ApplicationError, ApplicationErrorCategory, is_cancelled_exception
from foldlog.worker import Worker

QUEUE = "polling"
LIMIT = timedelta(seconds=10)


class Service:
    """Stands for a service whose results take a while."""

    def __init__(self, ready_after: int) -> None:
        self.ready_after = ready_after
        self.asked: dict[str, int] = {}

    def ask(self, job: str) -> str | None:
        self.asked[job] = self.asked.get(job, 0) + 1
        return f"result of {job}" if self.asked[job] >= self.ready_after else None

    @activity.defn
    async def ask_often(self, job: str, seconds: float) -> str:
        while (result := self.ask(job)) is None:
            activity.heartbeat()
            await asyncio.sleep(seconds)
        return result

    @activity.defn
    async def ask_once(self, job: str) -> str:
        if (result := self.ask(job)) is None:
            raise ApplicationError("not ready", type="NotReady", category=ApplicationErrorCategory.BENIGN)
        return result


@workflow.defn
class Often:
    @workflow.run
    async def run(self, job: str, seconds: float) -> str:
        return await workflow.execute_activity_method(
            Service.ask_often,
            args=[job, seconds],
            start_to_close_timeout=timedelta(hours=1),
            heartbeat_timeout=timedelta(seconds=2 + 2 * seconds),
        )


@workflow.defn
class Seldom:
    @workflow.run
    async def run(self, job: str, seconds: float) -> str:
        return await workflow.execute_activity_method(
            Service.ask_once,
            job,
            start_to_close_timeout=LIMIT,
            retry_policy=RetryPolicy(initial_interval=timedelta(seconds=seconds), backoff_coefficient=1.0),
        )


@workflow.defn
class Poller:
    """The child of `Regularly`. Its parent waits for the last of its runs, however many there are."""

    @workflow.run
    async def run(self, job: str, seconds: float, polls: int) -> str:
        for _ in range(polls):
            try:
                return await workflow.execute_activity_method(
                    Service.ask_once, job, start_to_close_timeout=LIMIT, retry_policy=RetryPolicy(maximum_attempts=1)
                )
            except ActivityError as error:
                if is_cancelled_exception(error):
                    raise  # the workflow's own cancellation comes out of the activity that it waits for
                workflow.logger.debug("no result yet: %s", error.cause)
            await asyncio.sleep(seconds)
        workflow.continue_as_new(args=[job, seconds, polls])


@workflow.defn
class Regularly:
    @workflow.run
    async def run(self, job: str, seconds: float) -> str:
        return await workflow.execute_child_workflow(
            Poller.run, args=[job, seconds, 3], id=f"{workflow.info().workflow_id}-poller"
        )


WORKFLOWS = [Often, Seldom, Regularly, Poller]


async def run(client: Client, service: Service, often: float, seldom: float) -> list[str]:
    """Wait for three jobs, asking after so many seconds each."""
    activities: list[Callable[..., Any]] = [service.ask_often, service.ask_once]
    async with Worker(client, task_queue=QUEUE, workflows=WORKFLOWS, activities=activities):
        begin: Any = {"task_queue": QUEUE, "id_conflict_policy": WorkflowIDConflictPolicy.USE_EXISTING}
        results = await asyncio.gather(
            client.execute_workflow(Often.run, args=["job-1", often], id="often", **begin),
            client.execute_workflow(Seldom.run, args=["job-2", seldom], id="seldom", **begin),
            client.execute_workflow(Regularly.run, args=["job-3", seldom], id="regularly", **begin),
        )
        return list(results)


async def main() -> None:
    service = Service(ready_after=5)
    async with await Client.connect() as client:  # the Kafka that KAFKA_BOOTSTRAP_SERVERS names
        print(*await run(client, service, often=0.1, seldom=0.5), sep="\n")
    print("asked:", dict(sorted(service.asked.items())))


if __name__ == "__main__":
    asyncio.run(main())
