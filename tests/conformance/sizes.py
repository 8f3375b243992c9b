"""Scenarios of what is larger than a record may be: it is refused where it comes from, and stops nobody else."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from foldlog import workflow
from foldlog.client import (
    RecordTooLargeError,
    RPCError,
    RPCStatusCode,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleSpec,
    ScheduleUpdate,
)
from foldlog.exceptions import ApplicationError, InvalidArgumentError, WorkflowNotFoundError

from tests.conformance.scenarios import QUEUE, SOON, Place, Scenario, names
from tests.conformance.schedules import ids, paused, shown, status
from tests.conformance.work import Trusting, is_open
from tests.until import until_asked

LARGE = "x" * 1_100_000
TOO_LONG = "x" * 1_001
MUCH = 800_000
"""Fits into a record, but not once more as JSON within JSON."""


@workflow.defn
class Boastful:
    """Answers with more than a record holds, when it is asked for that."""

    @workflow.run
    async def run(self, given: str) -> None:
        await workflow.wait_condition(lambda: False)

    @workflow.signal
    def tell(self, given: str) -> None: ...

    @workflow.query
    def ask(self, given: str) -> str:
        return LARGE if given == "much" else given

    @workflow.update
    def put(self, given: str) -> str:
        return given


@workflow.defn
class Profuse:
    """Ends with much, and says whether it knows how the one before it ended."""

    @workflow.run
    async def run(self, fails: bool) -> str:
        before = workflow.get_last_failure()
        if fails:
            raise ApplicationError("too much", "x" * MUCH, non_retryable=True)
        return f"{workflow.has_last_completion_result()}, {before} " + "x" * MUCH


async def what_is_too_large_is_refused_where_it_comes_from(here: Place) -> None:
    client, nobody = here.client, uuid.uuid4().hex
    handle, trusting = await here.start(Boastful.run, ""), await here.start(Trusting.run, nobody)
    begin: dict[str, Any] = {"id": nobody, "task_queue": QUEUE, "rpc_timeout": SOON}
    action = ScheduleActionStartWorkflow(Boastful.run, LARGE, id=nobody, task_queue=QUEUE)
    await until_asked(lambda: is_open(trusting), "its activity is open")
    outside = client.get_async_activity_handle(workflow_id=trusting.id, run_id=None, activity_id="open")
    calls: list[Callable[[], Awaitable[Any]]] = [
        lambda: client.start_workflow(Boastful.run, LARGE, **begin),
        lambda: client.execute_workflow(Boastful.run, LARGE, **begin),
        lambda: client.start_workflow(Boastful.run, "", start_signal="tell", start_signal_args=[LARGE], **begin),
        lambda: client.start_activity("pay", LARGE, start_to_close_timeout=SOON, **begin),
        lambda: client.create_schedule(nobody, Schedule(action, ScheduleSpec())),
        lambda: handle.signal(Boastful.tell, LARGE),
        lambda: handle.query(Boastful.ask, LARGE),
        lambda: handle.execute_update(Boastful.put, LARGE),
        lambda: handle.terminate(LARGE),
        lambda: outside.heartbeat(LARGE),
        lambda: outside.complete(LARGE),
        lambda: outside.fail(ApplicationError("no", LARGE)),
    ]
    for call in calls:
        with pytest.raises(RecordTooLargeError, match=r"has 1[14]\d{5} bytes, but the limit is 1000000 bytes"):
            await call()
    with pytest.raises(RPCError, match=r"the answer has 11\d{5} bytes") as refused:
        await handle.query(Boastful.ask, "much")
    assert refused.value.status is RPCStatusCode.FAILED_PRECONDITION
    # Nothing has come of any of it.
    assert await handle.query(Boastful.ask, "little") == "little"
    assert await names(handle) == ["WorkflowExecutionStarted"]
    for missing in (client.get_workflow_handle(nobody), client.get_schedule_handle(nobody)):
        with pytest.raises(WorkflowNotFoundError):
            await missing.describe()
    await outside.complete("enough")
    assert await trusting.result() == ["enough"]
    await handle.terminate()


async def ids_that_are_too_long(here: Place) -> None:
    """A record with such a key is a dead letter, and so nobody would answer."""
    client = here.client
    begin: dict[str, Any] = {"id": TOO_LONG, "task_queue": QUEUE, "rpc_timeout": SOON}
    action = ScheduleActionStartWorkflow(Boastful.run, "", id="x" * 500, task_queue=QUEUE)
    for refused in (
        client.start_workflow(Boastful.run, "", **begin),
        client.start_activity("pay", start_to_close_timeout=SOON, **begin),
        client.create_schedule("x" * 500, Schedule(action, ScheduleSpec())),
    ):
        with pytest.raises(InvalidArgumentError, match="a workflow ID may have 1 to 1000 bytes"):
            await refused


async def large_ends_do_not_stop_a_schedule(here: Place) -> None:
    """What is too large to be handed to the next action is not."""
    action = ScheduleActionStartWorkflow(Profuse.run, False, id=f"profuse-{uuid.uuid4().hex}", task_queue=QUEUE)
    handle = await paused(here, action)
    for number, fails in enumerate((False, True, False)):
        action.args = [fails]
        await handle.update(lambda given: _acting(given, action))
        await handle.trigger()
        found = await shown(
            handle,
            lambda found: found.info.num_actions == number + 1 and not found.info.running_actions,  # noqa: B023
        )
    assert [await status(here, each) for each in ids(found)] == ["COMPLETED", "FAILED", "COMPLETED"]
    last: str = await here.client.get_workflow_handle(ids(found)[-1]).result()
    assert (last[: -MUCH - 1], len(last) > MUCH) == ("False, too much", True)
    await handle.delete()


def _acting(given: Any, action: ScheduleActionStartWorkflow) -> ScheduleUpdate:
    given.description.schedule.action = action
    return ScheduleUpdate(given.description.schedule)


SHARED: Sequence[Scenario] = [
    what_is_too_large_is_refused_where_it_comes_from,
    ids_that_are_too_long,
    large_ends_do_not_stop_a_schedule,
]
"""As in `scenarios`."""

WORKFLOWS: Sequence[type] = [Boastful, Profuse]
