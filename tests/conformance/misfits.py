"""Scenarios of arguments and results that do not fit, on each way between workflows and to them.

What is told to the code that is there is in `handlers`: signals, queries, updates, and the start by a client. As there,
a run whose own arguments do not fit stalls, unless it says that this is a failure; a signal is dropped.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from foldlog import workflow
from foldlog.client import (
    ActivityFailureError,
    RPCError,
    RPCStatusCode,
    ScheduleActionExecutionStartWorkflow,
    ScheduleActionStartWorkflow,
    WithStartWorkflowOperation,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowUpdateFailedError,
)
from foldlog.common import RetryPolicy, WorkflowIDConflictPolicy
from foldlog.exceptions import (
    ApplicationError,
    ChildWorkflowError,
    PayloadConversionError,
    TerminatedError,
    WorkflowNotFoundError,
)

from tests.conformance.handlers import Typed, repeat, stalled
from tests.conformance.scenarios import QUEUE, SOON, Place, Scenario, names
from tests.conformance.schedules import paused, shown
from tests.conformance.work import Trusting, is_open, leave_to_others
from tests.until import until_asked

LIMIT = timedelta(seconds=60)
ONCE = RetryPolicy(maximum_attempts=1)


@workflow.defn
class Careless:
    """Gives others what they do not take, and says what came of it."""

    @workflow.run
    async def run(self, name: str, wrong_child: str) -> list[Any]:
        found: list[Any] = []
        child = await workflow.start_child_workflow("Typed", 1, id=f"{name}-child")
        for other in (child, workflow.get_external_workflow_handle(f"{name}-other")):
            await other.signal("add", "no number")
            await other.signal("add", args=[1, 2])
            await other.signal("add")
            await other.signal("add", 7)
        found.append(await child)
        for wrong in (["word", "seven"], ["word"]):
            try:
                await workflow.execute_local_activity(
                    "repeat", args=wrong, start_to_close_timeout=LIMIT, retry_policy=ONCE
                )
            except ApplicationError as error:
                found.append([error.type, error.message])
        try:
            await workflow.execute_child_workflow(wrong_child, "many", id=f"{name}-wrong")
        except ChildWorkflowError as error:
            found.append([type(error.cause).__name__, error.workflow_id, str(error.cause)])
        return found


@workflow.defn(failure_exception_types=[PayloadConversionError])
class Careful:
    """Takes a number and no text, and fails rather than stall: it goes on as new, or trusts a result."""

    @workflow.run
    async def run(self, number: int) -> str:
        if number == 1:
            workflow.continue_as_new(args=["two"])
        if number == 3:
            return await workflow.execute_child_workflow("Typed", 0, id="gives-numbers", result_type=str)
        return await workflow.execute_activity(
            leave_to_others, "careful", activity_id="open", start_to_close_timeout=LIMIT
        )


@workflow.defn
class Renewed:
    """Goes on as new with what it does not take."""

    @workflow.run
    async def run(self, number: int) -> int:
        workflow.continue_as_new(args=["two"])


async def fails_with(handle: WorkflowHandle[Any, Any], cause: type[BaseException]) -> str:
    """How a workflow fails."""
    with pytest.raises(WorkflowFailureError) as failed:
        await handle.result(rpc_timeout=SOON)
    assert isinstance(failed.value.cause, cause), failed.value.cause
    return str(failed.value.cause)


async def stalls(handle: WorkflowHandle[Any, Any], why: str) -> None:
    """It is shown as stalled, and the message says why."""
    assert why in await until_asked(lambda: stalled(handle), f"{handle.id} stalls")


NO_NUMBER = "args[0]: expected int, got str"


async def what_does_not_fit_others(here: Place) -> None:
    """Children, signals to them and to workflows that others began, local activities; a child that is terminated."""

    async def send(wrong_child: str) -> list[Any]:
        name = uuid.uuid4().hex
        other = await here.start(Typed.run, 1, id=f"{name}-other")
        careless = await here.start(Careless.run, name, wrong_child)
        assert await other.result() == [7]
        wrong = here.client.get_workflow_handle(f"{name}-wrong")
        if wrong_child == "Typed":
            await until_asked(lambda: _has_begun(careless), "the child has begun")
            await stalls(wrong, NO_NUMBER)
            await wrong.terminate()
        found = await careless.result(rpc_timeout=SOON)
        kinds = await names(careless)
        assert kinds.count("ChildWorkflowExecutionTerminated") == (wrong_child == "Typed")
        assert (found[0], found[-1][1]) == ([7], f"{name}-wrong")
        return [*found[1:-1], [found[-1][0], found[-1][2]]]

    stalling, failing = await asyncio.gather(send("Typed"), send("Careful"))
    local = [
        ["PayloadConversionError", "args[1]: expected int, got str"],
        ["TypeError", "repeat() missing 1 required positional argument: 'times'"],
    ]
    assert stalling == [*local, ["TerminatedError", "Workflow terminated"]]
    assert failing == [*local, ["ApplicationError", f"PayloadConversionError: {NO_NUMBER}"]]


async def _has_begun(handle: WorkflowHandle[Any, Any]) -> bool:
    return (await names(handle)).count("ChildWorkflowExecutionStarted") == 2


async def what_does_not_fit_comes_with_a_start(here: Place) -> None:
    """A signal is dropped, an update refused; the workflow begins all the same."""
    for args in (["no number"], [1, 2], []):
        handle = await here.start(Typed.run, 1, start_signal="add", start_signal_args=args)
        await handle.signal(Typed.add, 7)
        assert await handle.result() == [7]

    def start(workflow_id: str, *args: Any) -> WithStartWorkflowOperation[Any, Any]:
        policy = WorkflowIDConflictPolicy.FAIL
        return WithStartWorkflowOperation(
            "Typed", args=args, id=workflow_id, task_queue=QUEUE, id_conflict_policy=policy
        )

    execute = here.client.execute_update_with_start_workflow
    for update_args, why in ((["no number"], NO_NUMBER), ([1, 2], "takes 1 arguments")):
        begun = start(uuid.uuid4().hex, 1)
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await execute("put", args=update_args, start_workflow_operation=begun)
        assert why in str(refused.value.cause)
        handle = await begun.workflow_handle()
        await handle.signal(Typed.add, 8)
        assert await handle.result() == [8]
    # An update waits for the code of a stalled run, and not for ever.
    handle = here.client.get_workflow_handle(uuid.uuid4().hex)
    asked = asyncio.create_task(execute("put", 1, start_workflow_operation=start(handle.id, "many"), rpc_timeout=SOON))
    await until_asked(lambda: _is_there(handle), "it is started")
    await stalls(handle, NO_NUMBER)
    await handle.terminate()
    with pytest.raises(RPCError) as closed:
        await asked
    assert closed.value.status is RPCStatusCode.NOT_FOUND


async def _is_there(handle: WorkflowHandle[Any, Any]) -> bool:
    try:
        await handle.describe()
    except WorkflowNotFoundError:
        return False
    return True


async def a_run_that_follows_with_wrong_arguments(here: Place) -> None:
    """It is the new run that stalls or fails: the one before has ended well."""
    renewed, careful = await here.start(Renewed.run, 1), await here.start(Careful.run, 1)
    assert NO_NUMBER in await fails_with(careful, ApplicationError)
    current = here.client.get_workflow_handle(renewed.id)
    await stalls(current, NO_NUMBER)
    assert (await current.describe()).run_id != renewed.result_run_id
    await current.terminate()
    await fails_with(renewed, TerminatedError)
    for handle in (renewed, careful):
        first = here.client.get_workflow_handle(handle.id, run_id=handle.result_run_id)
        assert (await names(first))[-1] == "WorkflowExecutionContinuedAsNew"


async def an_action_with_wrong_arguments(here: Place) -> None:
    """The schedule waits for it as for any other, and goes on when somebody has ended it."""
    wanted = ScheduleActionStartWorkflow("Typed", "many", id=f"wrong-{uuid.uuid4().hex}", task_queue=QUEUE)
    schedule = await paused(here, wanted)
    for number in (1, 2):
        await schedule.trigger()
        found = await shown(schedule, lambda found: found.info.num_actions == number)  # noqa: B023
        (running,) = found.info.running_actions
        assert isinstance(running, ScheduleActionExecutionStartWorkflow)
        action = here.client.get_workflow_handle(running.workflow_id)
        await stalls(action, NO_NUMBER)
        await action.terminate()
        await shown(schedule, lambda found: not found.info.running_actions)
    await schedule.delete()


async def results_of_the_wrong_type(here: Place) -> None:
    """What somebody gave is in the history: the workflow that waits stalls or fails, and whoever gave it is done."""
    for workflow_run, argument in ((Trusting.run, "trusting"), (Careful.run, 2)):
        handle = await here.start(workflow_run, argument)
        await until_asked(lambda: is_open(handle), "its activity is open")  # noqa: B023
        outside = here.client.get_async_activity_handle(workflow_id=handle.id, run_id=None, activity_id="open")
        await outside.complete({"no": "text"})
        if argument == 2:
            assert "result of leave_to_others 'open', value: expected str, got object" in await fails_with(
                handle, ApplicationError
            )
        else:
            await stalls(handle, "result of leave_to_others 'open', value: expected str, got object")
            await handle.terminate()
        with pytest.raises(RPCError) as twice:
            await outside.complete("text")
        assert twice.value.status is RPCStatusCode.NOT_FOUND
    of_child = await here.start(Careful.run, 3)
    assert "result of Typed 'gives-numbers', value: expected str, got array" in await fails_with(
        of_child, ApplicationError
    )
    alone = await here.client.start_activity(
        leave_to_others, "alone", id=uuid.uuid4().hex, task_queue=QUEUE, start_to_close_timeout=LIMIT
    )
    await here.client.get_async_activity_handle(activity_id=alone.id, run_id=None).complete(7)
    with pytest.raises(PayloadConversionError, match="expected str, got int"):
        await alone.result()
    assert await here.client.get_activity_handle(alone.id).result() == 7
    with pytest.raises(ActivityFailureError) as failed:
        await here.client.execute_activity(
            repeat,
            args=["word", "seven"],
            id=uuid.uuid4().hex,
            task_queue=QUEUE,
            start_to_close_timeout=LIMIT,
            retry_policy=ONCE,
        )
    assert "args[1]: expected int, got str" in str(failed.value.cause)


SHARED: Sequence[Scenario] = [
    what_does_not_fit_others,
    what_does_not_fit_comes_with_a_start,
    a_run_that_follows_with_wrong_arguments,
    an_action_with_wrong_arguments,
    results_of_the_wrong_type,
]
"""As in `scenarios`."""

WORKFLOWS: Sequence[type] = [Careless, Careful, Renewed]
