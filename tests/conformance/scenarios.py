"""The scenarios. Each takes a place and may be run in any order; none waits for a fixed time."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from foldlog.client import (
    ActivityExecutionStatus,
    AsyncActivityCancelledError,
    Client,
    RPCError,
    RPCStatusCode,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowQueryFailedError,
    WorkflowQueryRejectedError,
)
from foldlog.common import QueryRejectCondition, WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from foldlog.exceptions import (
    ActivityError,
    ApplicationError,
    CancelledError,
    TerminatedError,
    TimeoutError,
    WorkflowAlreadyStartedError,
    WorkflowNotFoundError,
)
from foldlog.schemas import event
from foldlog.testing import WorkflowEnvironment
from foldlog.worker import Replayer, Worker

from tests.conformance import workflows as w
from tests.conformance.accounts import look_up
from tests.conformance.replaying import replay_left, replay_with, types_of
from tests.until import DEADLINE, until, until_asked

QUEUE = "conformance"
REMOTE = "conformance-remote"
SOON = timedelta(seconds=DEADLINE)
PATIENCE: dict[str, Any] = {"rpc_timeout": SOON, "connect_timeout": SOON}
"""Of clients on a broker."""
EVER = datetime.min.replace(tzinfo=UTC)


@dataclass
class Place:
    """An environment, and a folder for stores. Each scenario makes workflow IDs of its own."""

    environment: WorkflowEnvironment
    folder: Path
    elsewhere: Client
    """Of another namespace of the same environment."""
    workflows: Sequence[type]
    activities: Sequence[Callable[..., Any]]
    """What `workers` run: see `catalog`."""
    since: datetime = EVER
    """When the scenario began, or when scenarios began to share workers."""
    replayed: int = 0
    """So many runs of scenarios were replayed."""

    @property
    def client(self) -> Client:
        return self.environment.client

    @asynccontextmanager
    async def workers(self, *, both_namespaces: bool = False, **options: Any) -> AsyncIterator[None]:
        """One worker with workflows and activities, and one with activities on another queue."""
        clients = [self.client, self.elsewhere] if both_namespaces else [self.client]
        everything: dict[str, Any] = {"workflows": self.workflows, "activities": self.activities, **options}
        everything.setdefault("continue_as_new_suggested_events", 200)
        everything.setdefault("max_history_bytes", 5 * 1024 * 1024)
        workers = [
            Worker(client, task_queue=QUEUE, state_dir=self.folder / uuid.uuid4().hex, **everything)
            for client in clients
        ]
        workers.append(Worker(self.client, task_queue=REMOTE, activities=self.activities))
        async with AsyncExitStack() as stack:
            await asyncio.gather(*(stack.enter_async_context(worker) for worker in workers))
            await until(lambda: all(worker.ready for worker in workers), "the workers are ready")
            yield

    async def replay_with(self, worker: Worker) -> None:
        """Replay what a scenario has left of what a worker of its own ran."""
        self.replayed += await replay_with(worker, self.since)

    async def replay(self, client: Client) -> int:
        """Replay what scenarios have left that `workers` ran; how many runs there were."""
        replayers = {"": Replayer(workflows=self.workflows)}
        count = await replay_left(client, types_of(self.workflows), replayers, self.since)
        self.replayed += count
        return count

    async def start(self, workflow: Any, *args: Any, id: str | None = None, **options: Any) -> WorkflowHandle[Any, Any]:
        options.setdefault("rpc_timeout", SOON)
        return await self.client.start_workflow(
            workflow, args=args, id=id or uuid.uuid4().hex, task_queue=QUEUE, **options
        )

    async def execute(self, workflow: Any, *args: Any, **options: Any) -> Any:
        options.setdefault("rpc_timeout", SOON)
        return await self.client.execute_workflow(workflow, args=args, id=uuid.uuid4().hex, task_queue=QUEUE, **options)


Scenario = Callable[[Place], Awaitable[None]]


async def names(handle: WorkflowHandle[Any, Any]) -> list[str]:
    """The types of the events so far."""
    return [type(item).__name__ for item in (await handle.fetch_history()).events]


async def noticed(key: str, how: str) -> None:
    """An activity has noticed its cancellation."""
    await until(lambda: key in w.cancelled, "the activity stops")
    assert w.cancelled[key] == [how]


# ---- activities


async def activities_in_this_process(here: Place) -> None:
    assert await here.execute(w.Chain.run, 1, "any", QUEUE) == 8


async def activities_over_their_topic(here: Place) -> None:
    assert await here.execute(w.Chain.run, 1, "any", REMOTE) == 8


async def local_activities(here: Place) -> None:
    handle = await here.start(w.Chain.run, 1, "local", QUEUE)
    assert await handle.result() == 8
    assert await names(handle) == [
        "WorkflowExecutionStarted",
        *["LocalActivityCompleted"] * 3,
        "WorkflowExecutionCompleted",
    ]


async def retries(here: Place) -> None:
    for how, queue in (("any", QUEUE), ("any", REMOTE), ("local", QUEUE)):
        key = uuid.uuid4().hex
        assert await here.execute(w.Retried.run, key, how, queue) == 3
        assert w.attempts[key] == 3


async def failures_come_with_their_causes(here: Place) -> None:
    with pytest.raises(WorkflowFailureError) as failed:
        await here.execute(w.Refused.run, "no")
    cause = failed.value.cause
    assert isinstance(cause, ActivityError)
    assert isinstance(cause.cause, ApplicationError)
    assert (cause.cause.type, cause.cause.message, cause.cause.details) == ("Refused", "no", (42,))


async def heartbeats_reach_the_next_attempt(here: Place) -> None:
    assert await here.execute(w.Resumed.run) == [2]


async def start_to_close_timeout(here: Place) -> None:
    for queue in (QUEUE, REMOTE):
        key = uuid.uuid4().hex
        assert await here.execute(w.Impatient.run, key, {"start_to_close_timeout": 0.2}, queue) == "START_TO_CLOSE"
        await noticed(key, "timed_out")


async def schedule_to_start_timeout(here: Place) -> None:
    limits = {"start_to_close_timeout": 30.0, "schedule_to_start_timeout": 0.2}
    assert await here.execute(w.Impatient.run, "", limits, "nobody-is-there") == "SCHEDULE_TO_START"


async def schedule_to_close_timeout(here: Place) -> None:
    for queue in (QUEUE, REMOTE):
        assert await here.execute(w.Impatient.run, "", {"schedule_to_close_timeout": 0.2}, queue) == "SCHEDULE_TO_CLOSE"


async def heartbeat_timeout(here: Place) -> None:
    for queue in (QUEUE, REMOTE):
        key = uuid.uuid4().hex
        limits = {"start_to_close_timeout": 30.0, "heartbeat_timeout": 0.3}
        assert await here.execute(w.Impatient.run, key, limits, queue) == "HEARTBEAT"
        await noticed(key, "timed_out")


async def cancellation_reaches_running_activities(here: Place) -> None:
    for activity in ("hang", "hang_in_thread"):
        for queue in (QUEUE, REMOTE):
            key = uuid.uuid4().hex
            handle = await here.start(w.Canceling.run, activity, key, queue)

            async def runs(handle: WorkflowHandle[Any, Any] = handle) -> bool:
                pending = (await handle.describe()).pending_activities
                return bool(pending) and pending[0].state.name == "STARTED"

            await until_asked(runs, "the activity runs")
            await handle.signal(w.Canceling.go)
            assert await handle.result() == "ActivityError"
            await noticed(key, "cancel_requested")


async def a_result_that_is_too_large(here: Place) -> None:
    for local in (False, True):
        assert await here.execute(w.Large.run, 500_000, local) == 500_000
        with pytest.raises(WorkflowFailureError) as failed:
            await here.execute(w.Large.run, 1_500_000, local)
        cause = failed.value.cause if local else failed.value.cause.__cause__
        assert isinstance(cause, ApplicationError)
        assert cause.type in ("ReportRefused", "ResultTooLarge")


# ---- messages


async def signals_keep_their_order(here: Place) -> None:
    handle = await here.start(w.Ledger.run)
    for number in range(20):
        await handle.signal(w.Ledger.add, number)
        assert await handle.query(w.Ledger.entries) == list(range(number + 1))
    await handle.signal(w.Ledger.add_doubled, 50)

    async def doubled() -> bool:
        return 100 in await handle.query(w.Ledger.entries)

    await until_asked(doubled, "the handler's activity ends")
    await handle.signal(w.Ledger.end)
    assert await handle.result() == [*range(20), 100]
    with pytest.raises(WorkflowNotFoundError):
        await handle.signal(w.Ledger.add, 1)


async def a_repeated_request_counts_once(here: Place) -> None:
    handle = await here.start(w.Ledger.run)
    for _ in range(3):
        await handle.signal(w.Ledger.add, 7, request_id="the same")
    assert await handle.query(w.Ledger.entries) == [7]
    await handle.terminate()


async def queries(here: Place) -> None:
    handle = await here.start(w.Ledger.run)
    with pytest.raises(WorkflowQueryFailedError, match="cannot tell"):
        await handle.query(w.Ledger.broken)
    with pytest.raises(WorkflowQueryFailedError, match="nothing"):
        await handle.query("nothing")
    await handle.signal(w.Ledger.end)
    assert await handle.result() == []
    assert await handle.query(w.Ledger.entries) == []
    with pytest.raises(WorkflowQueryRejectedError, match="COMPLETED"):
        await handle.query(w.Ledger.entries, reject_condition=QueryRejectCondition.NOT_OPEN)
    with pytest.raises(WorkflowNotFoundError):
        await here.client.get_workflow_handle("there is none").query("entries")


# ---- ends


async def cancellation_is_cleaned_up_after(here: Place) -> None:
    handle = await here.start(w.Cleaning.run)
    await handle.cancel(reason="stay")
    assert await handle.result() == "cleaned up: 42"
    handle = await here.start(w.Cleaning.run)
    await handle.cancel(reason="leave")
    with pytest.raises(WorkflowFailureError) as failed:
        await handle.result()
    assert isinstance(failed.value.cause, CancelledError)
    assert (await handle.describe()).status is WorkflowExecutionStatus.CANCELED


async def termination(here: Place) -> None:
    handle = await here.start(w.Ledger.run)
    await handle.terminate(reason="enough")
    with pytest.raises(WorkflowFailureError) as failed:
        await handle.result()
    assert isinstance(failed.value.cause, TerminatedError)
    assert "enough" in str(failed.value.cause)


async def workflow_timeouts(here: Place) -> None:
    for option in ("run_timeout", "execution_timeout"):
        with pytest.raises(WorkflowFailureError) as failed:
            await here.execute(w.Patient.run, 1_000.0, **{option: timedelta(milliseconds=200)})
        assert isinstance(failed.value.cause, TimeoutError)


async def id_policies(here: Place) -> None:
    first = await here.start(w.Ledger.run)
    with pytest.raises(WorkflowAlreadyStartedError):
        await here.start(w.Ledger.run, id=first.id)
    same = await here.start(w.Ledger.run, id=first.id, id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING)
    assert same.result_run_id == first.result_run_id
    other = await here.start(w.Ledger.run, id=first.id, id_conflict_policy=WorkflowIDConflictPolicy.TERMINATE_EXISTING)
    assert other.result_run_id != first.result_run_id
    with pytest.raises(WorkflowFailureError):
        await first.result()
    await other.signal(w.Ledger.end)
    assert await other.result() == []
    for policy in (WorkflowIDReusePolicy.REJECT_DUPLICATE, WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY):
        with pytest.raises(WorkflowAlreadyStartedError):
            await here.start(w.Ledger.run, id=first.id, id_reuse_policy=policy)
    again = await here.start(w.Ledger.run, id=first.id)
    await again.terminate()


# ---- time, and what is known


async def timers(here: Place) -> None:
    handle = await here.start(w.Timers.run)
    assert await handle.result() == ["0", "0.1", "0.2", "timeout"]
    assert "TimerCanceled" in await names(handle)


async def descriptions(here: Place) -> None:
    handle = await here.start(w.Patient.run, 1_000.0)
    found = await handle.describe()
    assert found.status is WorkflowExecutionStatus.RUNNING
    assert len(found.pending_timers) == 1
    async for row in here.client.list_workflows(id_prefix=handle.id):
        assert (row.id, row.run_id) == (handle.id, handle.result_run_id)
    await handle.terminate()
    listed = [row.status async for row in here.client.list_workflows(id_prefix=handle.id)]
    assert listed in ([WorkflowExecutionStatus.TERMINATED], [WorkflowExecutionStatus.RUNNING])  # lists may lag


async def histories(here: Place) -> None:
    handle = await here.start(w.Chain.run, 1, "any", QUEUE)
    await handle.result()
    history = await handle.fetch_history()
    assert [item.event_id for item in history.events] == list(range(1, len(history.events) + 1))
    times = [item.time_ms for item in history.events]
    assert times == sorted(times)
    assert isinstance(history.events[-1], event.WorkflowExecutionCompleted)
    assert type(history).from_json(history.workflow_id, history.to_json()) == history


async def children(here: Place) -> None:
    family = await here.start(w.Family.run)
    assert await family.result() == [family.id, "No: no", "workflow run timeout", "by its parent", "Workflow cancelled"]
    kinds = await names(family)
    assert kinds.count("ChildWorkflowExecutionStarted") == 5
    assert kinds.count("ExternalWorkflowExecutionSignaled") == 1
    assert kinds.count("ExternalWorkflowExecutionCancelRequested") == 1


async def wrong_code_stalls_and_goes_on_once_repaired(here: Place) -> None:
    w.Stuck.repaired = False
    handle = await here.start(w.Stuck.run)

    async def stalled() -> str:
        return (await handle.describe()).stalled_error

    assert "no such thing" in await until_asked(stalled, "the workflow is stalled")
    w.Stuck.repaired = True
    assert await handle.result() == "went on"


async def a_stalled_run_hears_what_it_has_accepted_before_it_ends(here: Place) -> None:
    w.Stuck.repaired = False
    handle = await here.start(w.Stuck.run)

    async def stalled() -> str:
        return (await handle.describe()).stalled_error

    await until_asked(stalled, "the workflow is stalled")
    for word in ("one", "two"):
        await handle.signal(w.Stuck.tell, word)
    w.Stuck.repaired = True
    assert await handle.result() == "went on, one, two"
    assert await names(handle) == [
        "WorkflowExecutionStarted",
        "WorkflowTaskScheduled",
        *["WorkflowExecutionSignaled"] * 2,
        "WorkflowExecutionCompleted",
    ]
    await Replayer(workflows=[w.Stuck]).replay_workflow(await handle.fetch_history())


async def a_restart_in_the_middle(here: Place) -> None:
    """Brings its own workers."""
    async with here.workers():
        half = await here.start(w.Halves.run, 1)

        async def waits() -> bool:
            return (await names(half)).count("TimerStarted") == 1

        await until_asked(waits, "half of the work is done")
    async with here.workers():
        assert await half.query(w.Halves.told, rpc_timeout=SOON) is False
        await half.signal(w.Halves.go)
        assert await half.result() == 8
        assert (await names(half)).count("ActivityTaskCompleted") == 2
        await here.replay(here.client)


async def _open_attempt(handle: WorkflowHandle[Any, Any]) -> int:
    """The attempt of its one activity, once its start is reported."""

    async def attempt() -> int:
        (found,) = (await handle.describe()).pending_activities
        return found.attempt if found.state.name == "STARTED" else 0

    number: int = await until_asked(attempt, "its activity has begun")
    return number


async def activities_ended_from_outside(here: Place) -> None:
    handle = await here.start(w.Outside.run)
    outside = here.client.get_async_activity_handle(workflow_id=handle.id, run_id=None, activity_id="open")
    assert await _open_attempt(handle) == 1
    await outside.heartbeat("read")
    await outside.fail(ApplicationError("later"))
    assert await _open_attempt(handle) == 2
    await outside.complete("done")
    assert await handle.result() == "done"
    with pytest.raises(RPCError) as caught:
        await outside.complete("twice")
    assert caught.value.status == RPCStatusCode.NOT_FOUND
    canceled = await here.start(w.Outside.run)
    outside = here.client.get_async_activity_handle(workflow_id=canceled.id, run_id=None, activity_id="open")
    await _open_attempt(canceled)
    await canceled.cancel()
    with pytest.raises(AsyncActivityCancelledError):
        await outside.heartbeat()
    await outside.report_cancellation()
    with pytest.raises(WorkflowFailureError) as failed:
        await canceled.result()
    assert isinstance(failed.value.cause, CancelledError)


async def activities_without_a_workflow(here: Place) -> None:
    options: dict[str, Any] = {"task_queue": QUEUE, "start_to_close_timeout": SOON}
    ids = [uuid.uuid4().hex for _ in range(5)]
    results = await asyncio.gather(
        *(here.client.execute_activity(look_up, number, id=id, **options) for number, id in enumerate(ids))
    )
    assert results == list(range(5))
    handle = await here.client.start_activity(w.leave_open, id=uuid.uuid4().hex, **options)
    assert (await handle.describe()).status is ActivityExecutionStatus.RUNNING
    listed = f"ActivityId = '{handle.id}' AND ActivityType = 'leave_open' AND ExecutionStatus = 'Running'"
    assert [each.activity_run_id async for each in here.client.list_activities(listed)] == [handle.run_id]
    await here.client.get_async_activity_handle(activity_id=handle.id, run_id=handle.run_id).complete("done")
    assert await here.client.get_activity_handle(handle.id, result_type=str).result() == "done"
    assert (await here.client.count_activities(listed)).count == 0
    told = await here.client.get_activity_handle(ids[4]).describe(include_input=True, include_outcome=True)
    assert (await told.input([int]), await told.result(int), told.has_last_failure()) == ([4], 4, False)


async def a_pause_holds_the_next_attempt(here: Place) -> None:
    handle = await here.start(w.Outside.run)
    outside = here.client.get_async_activity_handle(workflow_id=handle.id, run_id=None, activity_id="open")
    await _open_attempt(handle)
    await handle.pause_activity("open", reason="later")
    with pytest.raises(AsyncActivityCancelledError) as caught:
        await outside.heartbeat()
    assert caught.value.details is not None
    assert caught.value.details.paused
    await outside.fail(ApplicationError("stopped"))
    (shown,) = (await handle.describe()).pending_activities
    assert (shown.paused, shown.pause_reason, shown.state.name, shown.next_attempt_time) == (
        True,
        "later",
        "BACKOFF",
        None,
    )
    await handle.unpause_activity("open")
    assert await _open_attempt(handle) == 2
    await outside.complete("done")
    assert await handle.result() == "done"


async def code_that_does_not_yield_stalls_and_its_neighbours_go_on(here: Place) -> None:
    """Brings its own workers, which are not as patient as others."""
    w.Endless.repaired = False
    async with here.workers(deadlock_timeout=timedelta(seconds=0.3)):
        endless = [await here.start(w.Endless.run) for _ in range(3)]

        async def stalled() -> bool:
            return all([(await handle.describe()).stalled_error for handle in endless])

        # Enough of them that each partition has some.
        neighbours = [await here.start(w.Chain.run, 1, "eager", QUEUE) for _ in range(8)]
        for neighbour in neighbours:
            await neighbour.result()
        await until_asked(stalled, "the workflows are stalled")
        description = await endless[0].describe()
        assert description.stalled_error.startswith("[deadlock] workflow code did not yield for 0.3 s at ")
        assert "workflows.py" in description.stalled_error
        w.Endless.repaired = True
        for handle in endless:
            assert await handle.result() == "went on"
        await here.replay(here.client)


async def a_restart_while_a_cancelled_saga_is_undone(here: Place) -> None:
    """Brings its own workers."""
    async with here.workers():
        well, ill = [await here.start(w.Undone.run, refused) for refused in (False, True)]
        for handle in (well, ill):
            await handle.cancel()

            async def undoing(handle: WorkflowHandle[Any, Any] = handle) -> bool:
                return await handle.query(w.Undone.undoing)

            await until_asked(undoing, "its second step is being undone")
    async with here.workers():
        for handle in (well, ill):
            await handle.cancel()
            await handle.signal(w.Undone.go, rpc_timeout=SOON)
        with pytest.raises(WorkflowFailureError) as failed:
            await well.result()
        assert isinstance(failed.value.cause, CancelledError)
        with pytest.raises(WorkflowFailureError) as failed:
            await ill.result()
        assert isinstance(failed.value.cause, ApplicationError)
        assert failed.value.cause.type == "CompensationError"
        for handle in (well, ill):
            assert (await names(handle)).count("ActivityTaskCompleted") == 1
        await here.replay(here.client)


SHARED: list[Scenario] = [
    activities_in_this_process,
    activities_over_their_topic,
    local_activities,
    retries,
    failures_come_with_their_causes,
    heartbeats_reach_the_next_attempt,
    start_to_close_timeout,
    schedule_to_start_timeout,
    schedule_to_close_timeout,
    heartbeat_timeout,
    cancellation_reaches_running_activities,
    a_result_that_is_too_large,
    signals_keep_their_order,
    a_repeated_request_counts_once,
    queries,
    cancellation_is_cleaned_up_after,
    termination,
    workflow_timeouts,
    id_policies,
    timers,
    activities_ended_from_outside,
    activities_without_a_workflow,
    a_pause_holds_the_next_attempt,
    descriptions,
    histories,
    children,
    wrong_code_stalls_and_goes_on_once_repaired,
    a_stalled_run_hears_what_it_has_accepted_before_it_ends,
]
"""Scenarios for which workers are there, see `Place.workers`."""

ALONE: list[Scenario] = [
    a_restart_in_the_middle,
    a_restart_while_a_cancelled_saga_is_undone,
    code_that_does_not_yield_stalls_and_its_neighbours_go_on,
]
"""Scenarios that bring their own."""
