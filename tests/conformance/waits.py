"""The kinds of wait: how a workflow is brought to one before a restart, and how it ends after it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from foldlog.client import (
    AsyncActivityHandle,
    Client,
    Schedule,
    ScheduleActionExecutionStartWorkflow,
    ScheduleActionStartWorkflow,
    ScheduleDescription,
    ScheduleIntervalSpec,
    ScheduleSpec,
    ScheduleState,
    WorkflowExecution,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowUpdateFailedError,
    WorkflowUpdateStage,
)
from foldlog.common import RetryPolicy
from foldlog.exceptions import ApplicationError, TimeoutError
from foldlog.schedules.model import ACTION_TYPE, SCHEDULE_TYPE
from foldlog.standalone.model import ACTIVITY_TYPE
from foldlog.worker import Replayer

from tests.conformance.scenarios import SOON, names
from tests.conformance.waiting import AWHILE, DEPLOYMENT, QUEUE, WORKFLOWS, Gate, Pinned, Waiter, fail_once, leave_open
from tests.until import until_asked


@dataclass
class Party:
    """A namespace with workflows that wait, and another one that has no workers before the restart."""

    client: Client
    elsewhere: Client

    async def start(self, workflow: Any, *args: Any, id: str, **options: Any) -> None:
        await self.client.start_workflow(workflow, args=args, id=id, task_queue=QUEUE, rpc_timeout=SOON, **options)

    def handle(self, id: str) -> WorkflowHandle[Any, Any]:
        return self.client.get_workflow_handle(id)

    async def tell(self, id: str, word: str) -> None:
        await self.handle(id).signal("tell", word, rpc_timeout=SOON)

    def activity(self, id: str) -> AsyncActivityHandle:
        return self.client.get_async_activity_handle(workflow_id=id, run_id=None, activity_id="open")

    async def has(self, id: str, event: str) -> None:
        """Wait for an event in the history."""

        async def there() -> bool:
            return event in await names(self.handle(id))

        await until_asked(there, f"{id} has {event}")

    async def activity_is(self, id: str, state: str, attempt: int = 1) -> None:
        """Wait for a state of its one activity, in that attempt or in one after it."""

        async def there() -> bool:
            found = (await self.handle(id).describe()).pending_activities
            return [each.state.name for each in found if each.attempt >= attempt] == [state]

        await until_asked(there, f"the activity of {id} is {state}")


Step = Callable[[Party, str], Awaitable[Any]]


@dataclass(frozen=True)
class Wait:
    """One kind."""

    kind: str
    until: str | Step
    """How to know that it waits: an event of its history, or something that is done until it does."""
    result: Any
    then: Step | None = None
    """What ends the wait, unless time does, or the workers that come later."""
    about: Any = None
    options: dict[str, Any] = field(default_factory=dict)
    """Of its start."""
    begin: Step | None = None
    """How it is started, if not as a `Waiter`."""
    outcome: Step | None = None
    """What its result is, if it is not the workflow's."""

    async def bring_about(self, party: Party, id: str) -> None:
        """Before the restart: start it, and wait until it waits."""
        if self.begin is not None:
            await self.begin(party, id)
        else:
            about = [] if self.about is None else [self.about]
            about = [party.elsewhere.namespace] if self.about == "elsewhere" else about
            await party.start(Waiter.run, self.kind, *about, id=id, **self.options)
        if isinstance(self.until, str):
            await party.has(id, self.until)
        else:
            await self.until(party, id)

    async def end(self, party: Party, id: str) -> None:
        """After the restart: end the wait, and look at what came of it."""
        if self.then is not None:
            await self.then(party, id)
        found = await (self.outcome(party, id) if self.outcome else party.handle(id).result(rpc_timeout=SOON))
        assert found == self.result, f"{id}: {found}"


async def tell(party: Party, id: str) -> None:
    await party.tell(id, "told")


async def tell_and_hurry(party: Party, id: str) -> None:
    """A signal is kept until the code begins; a start that brings one lets it begin."""
    await party.tell(id, "told")
    assert (await names(party.handle(id)))[1:] == ["WorkflowExecutionSignaled"]
    await party.start(Waiter.run, "delay", id=id, start_signal="tell", start_signal_args=["hurry"])


async def nothing(party: Party, id: str) -> None:
    """It waits as soon as it is started."""


async def handled(party: Party, id: str) -> None:
    await party.handle(id).signal("handle", "told")
    await party.has(id, "TimerStarted")


async def kept(party: Party, id: str) -> None:
    for number in range(3):
        await party.handle(id).signal("kept", f"{number}")


async def updated(party: Party, id: str) -> None:
    await party.handle(id).start_update(Waiter.double, 21, id="u", wait_for_stage=WorkflowUpdateStage.ACCEPTED)


async def answered(party: Party, id: str) -> Any:
    number = await party.handle(id).get_update_handle("u", result_type=int).result(rpc_timeout=SOON)
    return [number, *await party.handle(id).result(rpc_timeout=SOON)]


async def canceled(party: Party, id: str) -> None:
    await party.handle(id).cancel()
    await party.has(id, "WorkflowExecutionCancelRequested")


async def stalls(party: Party, id: str) -> None:
    async def stalled() -> str:
        return (await party.handle(id).describe()).stalled_error

    await until_asked(stalled, f"{id} is stalled")


async def second_run(party: Party, id: str) -> None:
    await party.tell(id, "first")
    await attempts(party, id)


async def attempts(party: Party, id: str) -> None:
    """Wait until another run follows the first."""

    async def follows() -> bool:
        return (await party.handle(id).describe()).continued_run_id is not None

    await until_asked(follows, f"{id} has a second run")


async def two_more_words(party: Party, id: str) -> None:
    first = (await party.handle(id).describe(rpc_timeout=SOON)).run_id
    await party.tell(id, "second")

    async def follows() -> bool:
        return (await party.handle(id).describe()).run_id != first

    await until_asked(follows, f"{id} has a third run")
    await party.tell(id, "third")


async def one_run(party: Party, id: str) -> Any:
    """The result of the run that waited; its schedule is ended."""
    found = await party.handle(id).result(follow_runs=False, rpc_timeout=SOON)
    await party.handle(id).terminate(rpc_timeout=SOON)
    return found


async def timeout(party: Party, id: str) -> Any:
    with pytest.raises(WorkflowFailureError) as failed:
        await party.handle(id).result(rpc_timeout=SOON)
    return isinstance(failed.value.cause, TimeoutError)


async def begun(party: Party, id: str) -> None:
    async def has_begun() -> bool:
        return bool(await party.handle(id).query(Waiter.has_begun))

    await until_asked(has_begun, f"{id} has begun")


async def runs(party: Party, id: str) -> None:
    await party.activity_is(id, "STARTED")


async def backs_off(party: Party, id: str) -> None:
    await party.activity_is(id, "BACKOFF", 2)


async def complete(party: Party, id: str) -> None:
    await party.activity(id).complete("from outside", rpc_timeout=SOON)


async def cancel_it(party: Party, id: str) -> None:
    await runs(party, id)
    await party.tell(id, "told")
    await party.has(id, "ActivityTaskCancelRequested")


async def report_cancellation(party: Party, id: str) -> None:
    await party.activity(id).report_cancellation(rpc_timeout=SOON)


async def pause_it(party: Party, id: str) -> None:
    await runs(party, id)
    await party.handle(id).pause_activity("open")
    await party.activity(id).fail(ApplicationError("later"))
    await party.activity_is(id, "BACKOFF", 2)


async def unpause_it(party: Party, id: str) -> None:
    (found,) = (await party.handle(id).describe(rpc_timeout=SOON)).pending_activities
    assert found.paused
    await party.handle(id).unpause_activity("open", rpc_timeout=SOON)
    await party.activity_is(id, "STARTED", 2)
    await complete(party, id)


async def tell_the_kid(party: Party, id: str) -> None:
    await party.tell(f"{id}-kid", "told")


async def kid_is_canceled(party: Party, id: str) -> None:
    await party.has(id, "ChildWorkflowExecutionStarted")
    await party.has(f"{id}-kid", "WorkflowExecutionCancelRequested")


async def carry(party: Party, id: str) -> None:
    await kept(party, id)
    await second_run(party, id)


async def one_more(party: Party, id: str) -> None:
    await party.handle(id).signal("kept", "3", rpc_timeout=SOON)
    await party.tell(id, "second")


async def stalls_and_is_told(party: Party, id: str) -> None:
    await stalls(party, id)
    for word in ("first", "second"):
        await party.tell(id, word)
    assert (await party.handle(id).describe()).deferred_commands == 2


async def refused(party: Party, id: str) -> None:
    with pytest.raises(WorkflowUpdateFailedError) as failed:
        await party.handle(id).execute_update(Waiter.pick, -1, id="u", rpc_timeout=SOON)
    assert "too few" in str(failed.value.cause)
    assert await names(party.handle(id)) == ["WorkflowExecutionStarted"]


async def refused_and_told(party: Party, id: str) -> None:
    """An ID that was refused is free."""
    await refused(party, id)
    assert await party.handle(id).execute_update(Waiter.pick, 7, id="u") == 7
    await party.tell(id, "told")


async def compensates(party: Party, id: str) -> None:
    await canceled(party, id)
    await runs(party, id)


async def compensated(party: Party, id: str) -> list[str]:
    with pytest.raises(WorkflowFailureError) as failed:
        await party.handle(id).result(rpc_timeout=SOON)
    events = await names(party.handle(id))
    return [type(failed.value.cause).__name__, *(name for name in events if name.startswith("ActivityTaskC"))]


async def begin_alone(party: Party, id: str) -> None:
    await party.client.start_activity(
        leave_open, id=id, task_queue=QUEUE, start_to_close_timeout=AWHILE * 20, rpc_timeout=SOON
    )


async def begin_alone_and_fail(party: Party, id: str) -> None:
    again = RetryPolicy(initial_interval=AWHILE)
    await party.client.start_activity(
        fail_once, id=id, task_queue=QUEUE, start_to_close_timeout=AWHILE, retry_policy=again, rpc_timeout=SOON
    )


async def runs_alone(party: Party, id: str) -> None:
    await alone_is(party, id, "STARTED")


async def backs_off_alone(party: Party, id: str) -> None:
    await alone_is(party, id, "BACKOFF")


async def alone_is(party: Party, id: str, state: str) -> None:
    async def there() -> bool:
        found = (await party.client.get_activity_handle(id).describe()).run_state
        return found is not None and found.name == state

    await until_asked(there, f"the activity {id} is {state}")


async def complete_alone(party: Party, id: str) -> None:
    handle = party.client.get_async_activity_handle(activity_id=id, run_id=None)
    await handle.complete("from outside", rpc_timeout=SOON)


async def alone(party: Party, id: str) -> Any:
    return await party.client.get_activity_handle(id).result(rpc_timeout=SOON)


async def begin_pinned(party: Party, id: str) -> None:
    await party.start(Pinned.run, id=id)


# ---- schedules


def schedule_of(id: str, **options: Any) -> Schedule:
    action = ScheduleActionStartWorkflow("Kid", id=id, task_queue=QUEUE, **options)
    return Schedule(action, ScheduleSpec(intervals=[ScheduleIntervalSpec(timedelta(days=1000))]))


async def described(party: Party, id: str, condition: Callable[[ScheduleDescription], bool]) -> ScheduleDescription:
    async def ask() -> ScheduleDescription | None:
        found = await party.client.get_schedule_handle(id).describe(rpc_timeout=SOON)
        return found if condition(found) else None

    found: ScheduleDescription = await until_asked(ask, f"the schedule {id} gets there")
    return found


async def begin_schedule(party: Party, id: str) -> None:
    await party.client.create_schedule(id, schedule_of(id), trigger_immediately=True, rpc_timeout=SOON)


async def action_runs(party: Party, id: str) -> None:
    found = await described(party, id, lambda found: len(found.info.running_actions) == 1)
    await party.has(action_of(found), "WorkflowExecutionStarted")


def action_of(found: ScheduleDescription) -> str:
    action = found.info.recent_actions[-1].action
    assert isinstance(action, ScheduleActionExecutionStartWorkflow)
    return action.workflow_id


async def end_action(party: Party, id: str) -> Any:
    found = await described(party, id, lambda found: found.info.num_actions == 1)
    await party.tell(action_of(found), "told")
    await described(party, id, lambda found: not found.info.running_actions)
    await party.client.get_schedule_handle(id).delete(rpc_timeout=SOON)
    return await party.handle(action_of(found)).result()


async def begin_interval(party: Party, id: str) -> None:
    """Due again and again, also while nobody is there."""
    schedule = schedule_of(id, args=["at once"])
    schedule.spec = ScheduleSpec(intervals=[ScheduleIntervalSpec(timedelta(seconds=1))])
    schedule.state = ScheduleState(limited_actions=True, remaining_actions=2)
    await party.client.create_schedule(id, schedule, rpc_timeout=SOON)


async def end_interval(party: Party, id: str) -> Any:
    found = await described(party, id, lambda found: found.info.num_actions == 2 and not found.info.running_actions)
    await party.client.get_schedule_handle(id).delete(rpc_timeout=SOON)
    return [await party.handle(action_of(found)).result(), found.schedule.state.remaining_actions]


ONCE_MORE = RetryPolicy(initial_interval=AWHILE, maximum_attempts=2)

WAITS = [
    Wait("timer", "TimerStarted", "slept"),
    Wait("condition", "WorkflowExecutionStarted", "told", tell),
    Wait("condition_with_timeout", "TimerStarted", "timeout"),
    Wait("update", updated, [42, "told"], tell, outcome=answered),
    Wait("handler", handled, ["told"]),
    Wait("kept_signals", kept, ["0", "1", "2"], tell),
    Wait("cleanup", canceled, "cleaned up: told", tell),
    Wait("shielded", canceled, "slept in spite of it"),
    Wait("stalled", stalls, "mended"),
    Wait("stalled_and_told", stalls_and_is_told, ["first", "second"]),
    Wait("condition", refused, "told", refused_and_told),
    Wait("chain", second_run, "third in run 3", two_more_words, about=1),
    Wait("carried", carry, ["0", "1", "2", "3"], one_more, about=1),
    Wait("retried", attempts, 2, options={"retry_policy": ONCE_MORE}),
    Wait("cron", nothing, True, outcome=one_run, options={"cron_schedule": "@every 3s"}),
    Wait("delay", nothing, ["told", "hurry"], tell_and_hurry, options={"start_delay": timedelta(hours=1)}),
    Wait("delay", nothing, [], options={"start_delay": AWHILE}),
    Wait("condition", nothing, True, outcome=timeout, options={"run_timeout": AWHILE}),
    Wait("activity_in_its_queue", "ActivityTaskScheduled", "worked"),
    Wait("activity_that_runs", runs, "passed"),
    Wait("activity_in_backoff", backs_off, 2),
    Wait("activity_that_nobody_takes", "ActivityTaskScheduled", "activity schedule-to-start timeout"),
    Wait("local_activity", begun, "passed"),
    Wait("local_activity_in_backoff", "TimerStarted", 2),
    Wait("open_activity", runs, "from outside", complete),
    Wait("open_activity", pause_it, "from outside", unpause_it),
    Wait("canceled_activity", cancel_it, "CancelledError", report_cancellation),
    Wait(
        "saga",
        compensates,
        ["CancelledError", "ActivityTaskCompleted", "ActivityTaskCompleted"],
        outcome=compensated,
    ),
    Wait("activity_alone", runs_alone, "from outside", complete_alone, begin=begin_alone, outcome=alone),
    Wait("activity_alone", backs_off_alone, 2, begin=begin_alone_and_fail, outcome=alone),
    Wait("child", "ChildWorkflowExecutionStarted", "told", tell_the_kid),
    Wait("canceled_child", kid_is_canceled, "CancelledError", tell_the_kid),
    Wait("child_elsewhere", "StartChildWorkflowExecutionInitiated", "elsewhere", about="elsewhere"),
    Wait(
        "signal_elsewhere",
        "SignalExternalWorkflowExecutionInitiated",
        "ExternalWorkflowExecutionNotFound",
        about="elsewhere",
    ),
    Wait(
        "cancel_elsewhere",
        "RequestCancelExternalWorkflowExecutionInitiated",
        "ExternalWorkflowExecutionNotFound",
        about="elsewhere",
    ),
    Wait("pinned", "WorkflowExecutionStarted", "1", tell, begin=begin_pinned),
    Wait("schedule_with_an_action", action_runs, "told", begin=begin_schedule, outcome=end_action),
    Wait("schedule_that_is_due", nothing, ["at once", 0], begin=begin_interval, outcome=end_interval),
]
"""All kinds; some are there twice, with other options."""


def ids() -> list[str]:
    """A workflow ID for each."""
    return [f"{wait.kind}-{number}" for number, wait in enumerate(WAITS)]


async def upgrade(party: Party) -> None:
    """Make the second version the current one."""
    Gate.open = True
    await party.client.deployment(DEPLOYMENT).set_current_version("2", rpc_timeout=SOON)


async def replay_all(party: Party) -> int:
    """Replay all that was left; how many runs there were."""
    replayer = Replayer(workflows=WORKFLOWS)

    async def replay(client: Client, run: WorkflowExecution) -> None:
        handle = client.get_workflow_handle(run.id, run_id=run.run_id)
        await replayer.replay_workflow(await handle.fetch_history(rpc_timeout=SOON))

    internal = [(party.client, kind) for kind in (ACTION_TYPE, SCHEDULE_TYPE, ACTIVITY_TYPE)]
    listed = [(party.client, None), (party.elsewhere, None), *internal]
    found = [(client, run) for client, kind in listed async for run in client.list_workflows(workflow_type=kind)]
    await asyncio.gather(*(replay(client, run) for client, run in found))
    return len(found)
