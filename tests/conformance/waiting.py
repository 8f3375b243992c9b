"""Workflows that wait, one for each kind of wait, and what is done with each before and after a restart.

`waits` says which there are. tests/unit/testing/test_waits.py restarts processors in memory, on a broker
tests/integration/processor/test_waits.py does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from foldlog import workflow
from foldlog.client import Client
from foldlog.common import RetryPolicy, VersioningBehavior, WorkerDeploymentVersion
from foldlog.exceptions import ActivityError, ApplicationError
from foldlog.worker import Worker, WorkerDeploymentConfig
from foldlog.workflow import ActivityCancellationType, ActivityConfig

from tests.conformance.waiting_kin import WaitsForOthers
from tests.conformance.waiting_parts import (
    AWHILE,
    LATER,
    LIMIT,
    NOBODY,
    QUEUE,
    Gate,
    Kid,
    Pinned,
    fail_for_good,
    fail_once,
    leave_open,
    pass_gate,
    say_where,
    work,
)

GATED: ActivityConfig = {
    "start_to_close_timeout": LIMIT,
    "heartbeat_timeout": timedelta(seconds=1),
    "retry_policy": RetryPolicy(initial_interval=timedelta(milliseconds=10)),
}
"""Of an activity that waits for the gate: a later attempt finds it open."""


@workflow.defn
class Waiter(WaitsForOthers):
    """Waits in the way that its argument names."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.handled: list[str] = []
        self.begun = False

    @workflow.run
    async def run(self, kind: str, about: Any = None) -> Any:
        self.begun = True
        return await (getattr(self, kind)() if about is None else getattr(self, kind)(about))

    @workflow.signal
    def tell(self, word: str) -> None:
        self.words.append(word)

    @workflow.query
    def has_begun(self) -> bool:
        return self.begun

    @workflow.signal
    async def handle(self, word: str) -> None:
        await workflow.sleep(AWHILE)
        self.handled.append(word)

    @workflow.update
    async def double(self, number: int) -> int:
        await self.told()
        return 2 * number

    @workflow.update
    async def pick(self, number: int) -> int:
        return number

    @pick.validator
    def check_pick(self, number: int) -> None:
        if number < 0:
            raise ApplicationError("too few")

    # ---- time and messages

    async def timer(self) -> str:
        await workflow.sleep(AWHILE)
        return "slept"

    async def condition(self) -> str:
        return await self.told()

    async def failing(self) -> str:
        raise ApplicationError(await self.told())

    async def condition_with_timeout(self) -> str:
        try:
            await workflow.wait_condition(lambda: False, timeout=AWHILE)
        except TimeoutError:
            return "timeout"
        return "never"

    async def update(self) -> list[str]:
        await self.told()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self.words

    async def updates(self) -> list[str]:
        await self.told(2)
        return self.words

    async def handler(self) -> list[str]:
        await workflow.wait_condition(lambda: bool(self.handled) and workflow.all_handlers_finished())
        return self.handled

    async def kept_signals(self) -> list[str]:
        await self.told()
        kept: list[str] = []
        workflow.set_signal_handler("kept", kept.append)
        return kept

    async def cleanup(self) -> str:
        try:
            await workflow.sleep(timedelta(days=365))
        except asyncio.CancelledError:
            return f"cleaned up: {await self.told()}"
        return "never"

    async def shielded(self) -> str:
        async def slept() -> str:
            await workflow.sleep(AWHILE)
            return "slept"

        task = asyncio.create_task(slept())
        try:
            await asyncio.shield(asyncio.shield(task))
        except asyncio.CancelledError:
            return f"{await asyncio.shield(task)} in spite of it"
        return "never"

    async def group(self) -> list[str]:
        """One of a group fails, and what is left of it is cancelled."""
        found: list[str] = []

        async def sleep() -> None:
            try:
                await workflow.sleep(timedelta(days=365))
            except asyncio.CancelledError:
                found.append("cancelled")
                raise

        async def fail() -> None:
            raise ApplicationError(await self.told())

        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(sleep())
                group.create_task(fail())
        except* ApplicationError as errors:
            found += [str(error) for error in errors.exceptions]
        return found

    async def stalled(self) -> str:
        if not Gate.open:
            raise KeyError("wrong code")
        return "mended"

    async def stalled_and_updated(self) -> list[str]:
        """An update came before there is a handler."""
        if not Gate.open:
            raise KeyError("wrong code")
        workflow.set_update_handler("note", self.note)
        await self.told(10)
        return self.words

    def note(self, word: str) -> str:
        self.words.append(word)
        return f"noted {word}"

    async def stalled_and_told(self) -> list[str]:
        if not Gate.open:
            raise KeyError("wrong code")
        return self.words

    # ---- runs that follow each other

    async def chain(self, number: int) -> str:
        word = await self.told()
        if number < 3:
            workflow.continue_as_new(args=["chain", number + 1])
        return f"{word} in run {number}"

    async def carried(self, number: int) -> list[str]:
        await self.told()
        if number == 1:
            workflow.continue_as_new(args=["carried", 2])
        kept: list[str] = []
        workflow.set_signal_handler("kept", kept.append)
        return kept

    async def put_off(self, number: int) -> list[str]:
        if number == 1:
            workflow.continue_as_new(args=["put_off", 2], backoff_start_interval=AWHILE)
        return self.words

    async def retried_and_updated(self) -> list[str]:
        if workflow.info().attempt == 1:
            raise ApplicationError("once")
        workflow.set_update_handler("note", self.note)
        await self.told(10)
        return self.words

    async def retried(self) -> int:
        attempt = workflow.info().attempt
        if attempt == 1:
            raise ApplicationError("once")
        return attempt

    async def cron(self) -> bool:
        return workflow.info().cron_schedule is not None

    async def delay(self) -> list[str]:
        return self.words

    # ---- activities

    async def activity_in_its_queue(self) -> str:
        return await workflow.execute_activity(work, task_queue=LATER, start_to_close_timeout=LIMIT)

    async def activity_that_runs(self) -> str:
        return await workflow.execute_activity(pass_gate, False, **GATED)

    async def activity_in_backoff(self) -> int:
        return await workflow.execute_activity(
            fail_once, start_to_close_timeout=LIMIT, retry_policy=RetryPolicy(initial_interval=AWHILE)
        )

    async def activity_that_nobody_takes(self) -> str:
        try:
            await workflow.execute_activity(
                work, task_queue=NOBODY, schedule_to_start_timeout=AWHILE, start_to_close_timeout=LIMIT
            )
        except ActivityError as error:
            return str(error.cause)
        return "never"

    async def local_activity(self) -> str:
        return await workflow.execute_local_activity(pass_gate, True, start_to_close_timeout=LIMIT)

    async def local_activity_in_backoff(self) -> int:
        return await workflow.execute_local_activity(
            fail_once,
            start_to_close_timeout=LIMIT,
            retry_policy=RetryPolicy(initial_interval=AWHILE),
            local_retry_threshold=timedelta(milliseconds=1),
        )

    async def open_activity(self) -> str:
        return await workflow.execute_activity(
            leave_open,
            activity_id="open",
            start_to_close_timeout=LIMIT,
            retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=10)),
        )

    async def changed_activity(self) -> list[Any]:
        return await workflow.execute_activity(
            say_where,
            activity_id="open",
            start_to_close_timeout=LIMIT,
            retry_policy=RetryPolicy(initial_interval=AWHILE),
        )

    async def canceled_activity(self) -> str:
        task = workflow.start_activity(
            leave_open,
            activity_id="open",
            start_to_close_timeout=LIMIT,
            cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        )
        await self.told()
        task.cancel()
        try:
            return await task
        except ActivityError as error:
            return type(error.cause).__name__

    async def saga(self) -> str:
        async with workflow.Saga() as saga:
            saga.compensate(work, start_to_close_timeout=LIMIT)
            saga.compensate(pass_gate, False, **GATED)
            await workflow.sleep(timedelta(days=365))
        return "never"

    async def parallel_saga(self) -> str:
        async with workflow.Saga(parallel=True) as saga:
            saga.compensate(work, start_to_close_timeout=LIMIT)
            for _ in range(2):
                saga.compensate(pass_gate, False, **GATED)
            saga.compensate(fail_for_good, start_to_close_timeout=LIMIT)
            saga.compensate_child_workflow(Kid.run, id=f"{workflow.info().workflow_id}-kid")
            await workflow.sleep(timedelta(days=365))
        return "never"


DEPLOYMENT = "waits"
WORKFLOWS: Sequence[type] = [Waiter, Kid, Pinned]
ACTIVITIES: Sequence[Callable[..., Any]] = [pass_gate, fail_once, fail_for_good, leave_open, say_where, work]


def worker_before(client: Client, folder: Path, **options: Any) -> Worker:
    """The worker before the restart, with the first version of the code."""
    return _worker(client, "1", state_dir=folder, **options)


def worker_after(client: Client, folder: Path, **options: Any) -> Worker:
    """The one after it, with the second version, and the first for those that are pinned to it."""
    return _worker(client, "2", state_dir=folder, earlier_versions={"1": WORKFLOWS}, **options)


def _worker(client: Client, build_id: str, **options: Any) -> Worker:
    config = WorkerDeploymentConfig(
        version=WorkerDeploymentVersion(DEPLOYMENT, build_id),
        use_worker_versioning=True,
        default_versioning_behavior=VersioningBehavior.AUTO_UPGRADE,
    )
    return Worker(
        client, task_queue=QUEUE, workflows=WORKFLOWS, activities=ACTIVITIES, deployment_config=config, **options
    )


def workers_that_come_later(client: Client, elsewhere: Client, folder: Path) -> list[Worker]:
    """Those that are not there before the restart: of the other queue, and of the other namespace."""
    return [
        Worker(client, task_queue=LATER, activities=ACTIVITIES),
        Worker(elsewhere, task_queue=QUEUE, workflows=WORKFLOWS, state_dir=folder),
    ]
