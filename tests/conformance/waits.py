"""The kinds of wait: how a workflow is brought to one before a restart, and how it ends after it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from foldlog.client import (
    Client,
    RPCError,
    WorkflowExecution,
    WorkflowFailureError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
    WorkflowUpdateStage,
)
from foldlog.exceptions import ApplicationError, TimeoutError
from foldlog.schedules.model import ACTION_TYPE, SCHEDULE_TYPE
from foldlog.standalone.model import ACTIVITY_TYPE
from foldlog.worker import Replayer

from tests.conformance import waits_alone, waits_for_others, waits_of_schedules
from tests.conformance.party import Party, Wait, attempts, canceled, nothing, tell
from tests.conformance.scenarios import SOON, names
from tests.conformance.waiting import DEPLOYMENT, WORKFLOWS, Waiter
from tests.conformance.waiting_kin import ONCE_MORE
from tests.conformance.waiting_parts import AWHILE, LATER, Gate, Pinned
from tests.until import until_asked

ACCEPTED = WorkflowUpdateStage.ACCEPTED
LIMIT = 10
"""So many updates of one run may be open."""


async def tell_and_hurry(party: Party, id: str) -> None:
    """A signal is kept until the code begins; a start that brings one lets it begin."""
    await party.tell(id, "told")
    assert (await names(party.handle(id)))[1:] == ["WorkflowExecutionSignaled"]
    await party.start(Waiter.run, "delay", id=id, start_signal="tell", start_signal_args=["hurry"])


async def handled(party: Party, id: str) -> None:
    await party.handle(id).signal("handle", "told")
    await party.has(id, "TimerStarted")


async def kept(party: Party, id: str) -> None:
    for number in range(3):
        await party.handle(id).signal("kept", f"{number}")


async def updated(party: Party, id: str) -> None:
    await party.handle(id).start_update(Waiter.double, 21, id="u", wait_for_stage=ACCEPTED)


async def one_too_many(party: Party, id: str, update: Any, arg: Any) -> None:
    """The run takes no more than it has."""

    async def taken() -> list[Any]:
        return [await names(party.handle(id)), (await party.handle(id).describe()).deferred_commands]

    before = await taken()
    # That it is refused, or that the time is over in which it is sent again.
    with pytest.raises((RPCError, WorkflowUpdateRPCTimeoutOrCancelledError)):
        await party.handle(id).start_update(
            update, arg, id="one too many", wait_for_stage=ACCEPTED, rpc_timeout=timedelta(seconds=1)
        )
    assert await taken() == before


async def as_many_as_may_be(party: Party, id: str) -> None:
    for number in range(LIMIT):
        await party.handle(id).start_update(Waiter.double, number, id=f"{number}", wait_for_stage=ACCEPTED)
    await one_too_many(party, id, Waiter.double, LIMIT)


async def one_more_update(party: Party, id: str) -> None:
    """It is held back until one of the others has ended."""
    await one_too_many(party, id, Waiter.double, LIMIT)
    held = party.handle(id).execute_update(Waiter.double, LIMIT, id="one too many", rpc_timeout=SOON)
    party.ask(id, held)
    await tell(party, id)


async def all_are_doubled(party: Party, id: str) -> Any:
    handles = [party.handle(id).get_update_handle(f"{number}", result_type=int) for number in range(LIMIT)]
    doubled = [*[await each.result() for each in handles], *await party.answers(id)]
    await party.tell(id, "end")
    return [*doubled, *await party.handle(id).result()]


async def ask_too_early(party: Party, id: str) -> None:
    """As many updates as may be wait for a handler that is set when there is code again."""
    for number in range(LIMIT):
        party.ask(id, party.handle(id).execute_update("note", f"{number}", id=f"{number}", rpc_timeout=SOON))

    async def are_kept() -> bool:
        return (await party.handle(id).describe()).deferred_commands == LIMIT

    await until_asked(are_kept, f"the updates of {id} are kept")
    await one_too_many(party, id, "note", "refused")


async def second_run_is_asked_too_early(party: Party, id: str) -> None:
    await attempts(party, id)
    await ask_too_early(party, id)


async def stalls_and_is_asked(party: Party, id: str) -> None:
    await stalls(party, id)
    await ask_too_early(party, id)


async def noted(party: Party, id: str) -> Any:
    words = await party.handle(id).result(rpc_timeout=SOON)
    return [*await party.answers(id), words]


NOTED = [*[f"noted {number}" for number in range(LIMIT)], [f"{number}" for number in range(LIMIT)]]


async def answered(party: Party, id: str) -> Any:
    number = await party.handle(id).get_update_handle("u", result_type=int).result(rpc_timeout=SOON)
    return [number, *await party.handle(id).result(rpc_timeout=SOON)]


async def stalls(party: Party, id: str) -> None:
    async def stalled() -> str:
        return (await party.handle(id).describe()).stalled_error

    await until_asked(stalled, f"{id} is stalled")


async def second_run(party: Party, id: str) -> None:
    await party.tell(id, "first")
    await attempts(party, id)


async def is_put_off_and_told(party: Party, id: str) -> None:
    await attempts(party, id)
    await tell(party, id)


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


async def change_it(party: Party, id: str) -> None:
    """It counts from its first attempt again, and goes to another queue, once it is let go."""
    await backs_off(party, id)
    handle = party.handle(id)
    await handle.pause_activity("open")
    await handle.update_activity_options("open", task_queue=LATER, heartbeat_timeout=AWHILE)
    await handle.reset_activity("open", keep_paused=True)


async def let_it_go(party: Party, id: str) -> None:
    (found,) = (await party.handle(id).describe(rpc_timeout=SOON)).pending_activities
    assert (found.paused, found.attempt, found.task_queue, found.heartbeat_timeout) == (True, 1, LATER, AWHILE)
    await party.handle(id).unpause_activity("open", rpc_timeout=SOON)


async def carry(party: Party, id: str) -> None:
    await kept(party, id)
    await second_run(party, id)


async def one_more(party: Party, id: str) -> None:
    await party.handle(id).signal("kept", "3", rpc_timeout=SOON)
    await party.tell(id, "second")


async def cancel_early(party: Party, id: str) -> None:
    """Before its code begins: it does so then."""
    await party.handle(id).cancel(rpc_timeout=SOON)
    await party.has(id, "WorkflowTaskScheduled")
    await tell(party, id)


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


async def compensates_at_once(party: Party, id: str) -> None:
    """All of them have begun, and some have ended."""
    await canceled(party, id)

    async def some_run() -> bool:
        found = await party.handle(id).describe()
        events = await names(party.handle(id))
        ended = events.count("ActivityTaskCompleted") == 1 and "ActivityTaskFailed" in events
        began = "ChildWorkflowExecutionStarted" in events
        return ended and began and [each.state.name for each in found.pending_activities] == ["STARTED"] * 2

    await until_asked(some_run, f"compensations of {id} run")


async def compensated(party: Party, id: str) -> list[str]:
    with pytest.raises(WorkflowFailureError) as failed:
        await party.handle(id).result(rpc_timeout=SOON)
    events = await names(party.handle(id))
    return [type(failed.value.cause).__name__, *(name for name in events if name.startswith("ActivityTaskC"))]


async def begin_pinned(party: Party, id: str) -> None:
    await party.start(Pinned.run, id=id)


WAITS = [
    Wait("timer", "TimerStarted", "slept"),
    Wait("condition", "WorkflowExecutionStarted", "told", tell),
    Wait("condition_with_timeout", "TimerStarted", "timeout"),
    Wait("update", updated, [42, "told"], tell, outcome=answered),
    Wait(
        "updates",
        as_many_as_may_be,
        [*[2 * number for number in range(LIMIT + 1)], "told", "end"],
        one_more_update,
        outcome=all_are_doubled,
    ),
    Wait("stalled_and_updated", stalls_and_is_asked, NOTED, outcome=noted),
    Wait(
        "retried_and_updated",
        second_run_is_asked_too_early,
        NOTED,
        outcome=noted,
        options={"retry_policy": ONCE_MORE},
    ),
    Wait("handler", handled, ["told"]),
    Wait("kept_signals", kept, ["0", "1", "2"], tell),
    Wait("cleanup", canceled, "cleaned up: told", tell),
    Wait("cleanup", nothing, "cleaned up: told", cancel_early, options={"start_delay": timedelta(hours=1)}),
    Wait("group", "TimerStarted", ["cancelled", "told"], tell),
    Wait("shielded", canceled, "slept in spite of it"),
    Wait("stalled", stalls, "mended"),
    Wait("stalled_and_told", stalls_and_is_told, ["first", "second"]),
    Wait("condition", refused, "told", refused_and_told),
    Wait("chain", second_run, "third in run 3", two_more_words, about=1),
    Wait("carried", carry, ["0", "1", "2", "3"], one_more, about=1),
    Wait("put_off", is_put_off_and_told, ["told"], about=1),
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
    Wait("changed_activity", change_it, [LATER, 1, str(AWHILE)], let_it_go),
    Wait("canceled_activity", cancel_it, "CancelledError", report_cancellation),
    Wait(
        "saga",
        compensates,
        ["CancelledError", "ActivityTaskCompleted", "ActivityTaskCompleted"],
        outcome=compensated,
    ),
    Wait("pinned", "WorkflowExecutionStarted", "1", tell, begin=begin_pinned),
    Wait(
        "parallel_saga",
        compensates_at_once,
        ["ApplicationError", *["ActivityTaskCompleted"] * 3],
        waits_for_others.tell_the_kid,
        outcome=compensated,
    ),
    *waits_alone.WAITS,
    *waits_for_others.WAITS,
    *waits_of_schedules.WAITS,
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
