"""What the chaos test runs besides orders and sums: one lane for each kind of wait, each again and again.

A lane begins a workflow, sees it through, and fails unless everything in it has counted exactly once. Knows nothing of
who is killed: whoever asks asks again, with the same request ID, until there is an answer.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from foldlog.client import (
    Client,
    RPCError,
    RPCStatusCode,
    Schedule,
    ScheduleActionExecutionStartWorkflow,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleState,
    WithStartWorkflowOperation,
    WorkflowHandle,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from foldlog.common import WorkflowIDConflictPolicy

from tests.integration.processor.workloads import (
    AGAIN,
    CHAPTER,
    QUEUE,
    Cleaning,
    Counting,
    Local,
    LocalAgain,
    Outside,
    Parenting,
    Retried,
    Seen,
    Serial,
    Summing,
    Ticking,
)
from tests.until import until_asked

FIRST_PATIENCE_SECONDS = 3.0
MOST_PATIENCE_SECONDS = 30.0
"""An ask waits longer each time that it is repeated: a machine that always takes a little longer must not stop it."""

ACTIONS_SECONDS = 300.0
"""Bound on the actions of a schedule, while processors are killed; it only says that nothing hangs."""


@dataclass
class Insistent:
    """A client that does not give up."""

    client: Client
    counts: Counter[str] = field(default_factory=Counter)
    """Under `repeated asks`, how often something had to be asked again."""

    async def start(self, workflow: Any, args: list[Any], workflow_id: str, **options: Any) -> WorkflowHandle[Any, Any]:
        """Start a workflow."""
        begin = partial(self.client.start_workflow, workflow, args=args, id=workflow_id, task_queue=QUEUE, **options)
        handle: WorkflowHandle[Any, Any] = await self.insist(begin)
        return handle

    async def insist(self, ask: Callable[..., Awaitable[Any]]) -> Any:
        """Ask with one request ID until there is an answer: it must count once all the same."""
        return await self.repeat(partial(ask, request_id=uuid.uuid4().hex))

    async def repeat(self, ask: Callable[..., Awaitable[Any]], done: RPCStatusCode | None = None) -> Any:
        """Ask until there is an answer: for what takes no request ID, as asking twice changes nothing.

        Args:
            ask: Asks.
            done: What is answered once an earlier ask, whose answer did not come, has done it.
        """
        patience = FIRST_PATIENCE_SECONDS
        while True:
            try:
                return await ask(rpc_timeout=timedelta(seconds=patience))
            except RPCError as error:
                if error.status is done:
                    return None
                # Unavailable: what could not be delivered in time, on a busy machine.
                if error.status not in (RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.UNAVAILABLE):
                    raise
            except WorkflowUpdateRPCTimeoutOrCancelledError:
                pass
            self.counts["repeated asks"] += 1
            patience = min(2 * patience, MOST_PATIENCE_SECONDS)


async def ticking(ask: Insistent, workflow_id: str) -> None:
    """Timers."""
    handle = await ask.start(Ticking.run, [3, 0.2], workflow_id)
    assert await handle.result() == 3


async def local(ask: Insistent, workflow_id: str) -> None:
    """Local activities."""
    handle = await ask.start(Local.run, [4], workflow_id)
    assert await handle.result() == ["0", "1", "2", "3"]


async def local_again(ask: Insistent, workflow_id: str) -> None:
    """Local activities that fail, and wait for their next attempt on a timer of the history."""
    handle = await ask.start(LocalAgain.run, [3], workflow_id)
    assert await handle.result() == 3


async def parent(ask: Insistent, workflow_id: str) -> None:
    """Children, and signals to them from their parent and as to anybody."""
    handle = await ask.start(Parenting.run, [3], workflow_id)
    assert await handle.result() == [[0, 1, 2]] * 3


async def chain(ask: Insistent, workflow_id: str) -> None:
    """Signals and updates to a workflow that continues as new all the time: each run hands on what it was told."""
    handle = await ask.start(Serial.run, [Seen()], workflow_id)
    numbers = list(range(1, 3 * CHAPTER))
    for number in numbers:
        if number % 2:
            await ask.insist(partial(handle.signal, Serial.add, number))
        else:
            assert await handle.execute_update(Serial.put, number) == number - 1
    await ask.insist(partial(handle.signal, Serial.end))
    seen = await handle.result()
    assert seen.numbers == numbers, f"{workflow_id} saw {seen.numbers}"


async def chain_of_attempts(ask: Insistent, workflow_id: str) -> None:
    """A workflow that fails, and is begun again by its own retry policy."""
    handle = await ask.start(Retried.run, [], workflow_id, retry_policy=AGAIN)
    assert await handle.result() == 3


async def outside(ask: Insistent, workflow_id: str) -> None:
    """An activity that is completed from here, by its ID: whether its code has been called by then or not."""
    handle = await ask.start(Outside.run, [], workflow_id)
    activity = ask.client.get_async_activity_handle(workflow_id=workflow_id, run_id=None, activity_id="outside")
    await ask.repeat(partial(activity.complete, workflow_id), done=RPCStatusCode.NOT_FOUND)
    assert await handle.result() == workflow_id


async def heartbeats(ask: Insistent, workflow_id: str) -> None:
    """An activity that goes on from its last heartbeat when its worker is killed."""
    handle = await ask.start(Counting.run, [40], workflow_id)
    assert await handle.result() == 40


async def canceled(ask: Insistent, workflow_id: str) -> None:
    """A workflow that is canceled, with a child and an activity whose end it waits for, and that cleans up then."""
    handle = await ask.start(Cleaning.run, [], workflow_id)
    await handle.execute_update(Cleaning.begun)
    await ask.repeat(partial(handle.cancel))
    assert await handle.result() == ["activity stopped", "child stopped", "cleaned up"]


async def with_start(ask: Insistent, workflow_id: str) -> None:
    """A signal and an update that begin their workflow if it is not there."""
    client = ask.client
    await ask.insist(
        partial(
            client.start_workflow,
            Summing.run,
            id=workflow_id,
            task_queue=QUEUE,
            start_signal="add",
            start_signal_args=[1],
        )
    )

    async def put(rpc_timeout: timedelta) -> int:
        start: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(
            Summing.run, id=workflow_id, task_queue=QUEUE, id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING
        )
        before: int = await client.execute_update_with_start_workflow(
            Summing.put, 2, start_workflow_operation=start, id="two", rpc_timeout=rpc_timeout
        )
        return before

    assert await ask.repeat(put) == 1
    handle = client.get_workflow_handle_for(Summing.run, workflow_id)
    await ask.insist(partial(handle.signal, Summing.end))
    seen = await handle.result()
    assert seen.numbers == [1, 2], f"{workflow_id} saw {seen.numbers}"


async def schedule(ask: Insistent, workflow_id: str) -> None:
    """A schedule of a few actions, each of which is due once."""
    wanted = 4
    action = ScheduleActionStartWorkflow(Ticking.run, args=[1, 0.1], id=f"{workflow_id}-action", task_queue=QUEUE)
    due = Schedule(
        action=action,
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=timedelta(seconds=1))]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.ALLOW_ALL),
        state=ScheduleState(limited_actions=True, remaining_actions=wanted),
    )
    try:
        handle = await ask.repeat(partial(ask.client.create_schedule, workflow_id, due))
    except ScheduleAlreadyRunningError:
        handle = ask.client.get_schedule_handle(workflow_id)  # by the last ask, whose answer did not come

    async def finished() -> Any:
        info = (await ask.repeat(handle.describe)).info
        return info if info.num_actions >= wanted else None

    info = await until_asked(finished, f"{workflow_id} has taken its actions", ACTIONS_SECONDS)
    times = sorted(result.scheduled_at for result in info.recent_actions)
    assert times == [times[0] + timedelta(seconds=number) for number in range(wanted)], f"{workflow_id}: {times}"
    for result in info.recent_actions:
        assert isinstance(result.action, ScheduleActionExecutionStartWorkflow)
        assert await ask.client.get_workflow_handle(result.action.workflow_id).result() == 1
    await ask.repeat(handle.delete, done=RPCStatusCode.NOT_FOUND)


LANES: dict[str, Callable[[Insistent, str], Awaitable[None]]] = {
    "ticking": ticking,
    "local": local,
    "local-again": local_again,
    "parent": parent,
    "chain": chain,
    "chain-of-attempts": chain_of_attempts,
    "outside": outside,
    "heartbeats": heartbeats,
    "canceled": canceled,
    "with-start": with_start,
    "schedule": schedule,
}
"""By the first part of their workflows' IDs. Those of a chain may have several runs."""
