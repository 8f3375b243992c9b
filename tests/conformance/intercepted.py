"""Scenarios of interceptors: each call of a client and each of a worker goes through them, and they may change it."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, NoReturn

import pytest
from foldlog import activity, client, worker, workflow
from foldlog.client import (
    Client,
    OutboundInterceptor,
    ScheduleBackfill,
    ScheduleUpdate,
    WithStartWorkflowOperation,
    WorkflowUpdateStage,
)
from foldlog.common import WorkflowIDConflictPolicy
from foldlog.exceptions import ActivityError, ApplicationError

from tests.conformance.accounts import Account
from tests.conformance.scenarios import QUEUE, Place, Scenario, names
from tests.conformance.schedules import HOURLY, action
from tests.conformance.workflows import Ledger, Outside
from tests.until import until, until_asked

BEGIN = datetime(2020, 1, 1, tzinfo=UTC)
CALLS = {name for name, call in vars(OutboundInterceptor).items() if not name.startswith("_") and callable(call)}


class Noting(client.Interceptor):
    """Notes each call, with its input, and passes it on."""

    def __init__(self) -> None:
        self.seen: dict[str, Any] = {}

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        noting = OutboundInterceptor(next)
        for name in CALLS:
            setattr(noting, name, self._noted(name, getattr(noting, name)))
        return noting

    def _noted(self, name: str, call: Any) -> Any:
        def noted(input: Any) -> Any:
            self.seen[name] = input
            return call(input)

        return noted


def watched(here: Place) -> tuple[Client, Noting]:
    """A client whose calls are noted."""
    noting = Noting()
    config = here.client.config()
    config["interceptors"] = [noting]
    return Client(**config), noting


async def each_call_of_a_client_is_intercepted(here: Place) -> None:
    watching, noting = watched(here)
    id = uuid.uuid4().hex
    operation = WithStartWorkflowOperation(
        Account.run, 10, id=id, task_queue=QUEUE, id_conflict_policy=WorkflowIDConflictPolicy.FAIL
    )
    assert (
        await watching.execute_update_with_start_workflow(Account.deposit, 5, start_workflow_operation=operation) == 15
    )
    handle = watching.get_workflow_handle_for(Account.run, id)
    update = await handle.start_update(Account.deposit, 1, wait_for_stage=WorkflowUpdateStage.ACCEPTED)
    assert await update.result() == 16
    await handle.signal(Account.note, "x")
    assert await handle.query(Account.current) == 16
    assert (await handle.describe()).id == id
    assert "WorkflowExecutionSignaled" in await names(handle)
    rows = [row.id async for row in watching.list_workflows(id_prefix=id)]
    assert set(rows) <= {id}  # lists may lag
    assert (await watching.count_workflows()).count >= len(rows)
    await handle.cancel()
    ledger = await watching.start_workflow(Ledger.run, id=f"{id}-2", task_queue=QUEUE)
    await ledger.terminate()
    await about_activities(watching, id)
    await activities_without_a_workflow(watching, id)
    await about_schedules(watching, id)
    assert set(noting.seen) == CALLS
    assert (noting.seen["signal_workflow"].id, noting.seen["signal_workflow"].signal) == (id, "note")
    assert noting.seen["start_workflow"].workflow in ("Ledger", "Outside")
    assert noting.seen["pause_activity"].activity_id == "open"


async def about_activities(watching: Client, id: str) -> None:
    handle = await watching.start_workflow(Outside.run, id=f"{id}-3", task_queue=QUEUE)
    outside = watching.get_async_activity_handle(workflow_id=handle.id, run_id=None, activity_id="open")

    async def attempt(number: int) -> None:
        async def there() -> bool:
            (found,) = (await handle.describe()).pending_activities
            return (found.state.name, found.attempt) == ("STARTED", number)

        await until_asked(there, f"attempt {number} has begun")

    await attempt(1)
    await outside.heartbeat("half")
    await handle.pause_activity("open")
    await handle.unpause_activity("open")
    await handle.update_activity_options("open", start_to_close_timeout=timedelta(minutes=5))
    await outside.fail(ApplicationError("again"), last_heartbeat_details=["two thirds"])
    await attempt(2)
    await outside.fail(ApplicationError("and again"))
    await attempt(3)
    await handle.reset_activity("open", reset_heartbeat=True)
    await outside.complete("done")
    assert await handle.result() == "done"
    canceled = await watching.start_workflow(Outside.run, id=f"{id}-4", task_queue=QUEUE)
    handle = canceled
    await attempt(1)
    await canceled.cancel()
    await watching.get_async_activity_handle(
        workflow_id=canceled.id, run_id=None, activity_id="open"
    ).report_cancellation("left")


async def activities_without_a_workflow(watching: Client, id: str) -> None:
    begin: dict[str, Any] = {"task_queue": QUEUE, "start_to_close_timeout": timedelta(seconds=60)}
    handles = [await watching.start_activity("leave_open", id=f"{id}-{number}", **begin) for number in (5, 6)]
    assert (await handles[0].describe()).status is client.ActivityExecutionStatus.RUNNING
    listed = [row async for row in watching.list_activities()]
    assert (await watching.count_activities()).count >= len(listed)
    await handles[0].cancel()
    for handle in handles:
        await handle.terminate(reason="enough")


async def about_schedules(watching: Client, id: str) -> None:
    schedule = client.Schedule(action("short"), HOURLY, state=client.ScheduleState(paused=True))
    handle = await watching.create_schedule(id, schedule)
    await handle.unpause()
    await handle.pause()
    await handle.trigger()
    await handle.backfill(ScheduleBackfill(BEGIN, BEGIN))
    await handle.update(lambda given: ScheduleUpdate(given.description.schedule))
    assert (await handle.describe()).schedule.state.paused
    found = [row.id async for row in await watching.list_schedules()]
    assert found == [] or isinstance(found[0], str)  # lists may lag
    await handle.delete()


@workflow.defn
class EndsAsTold:
    """Ends as it is told."""

    @workflow.run
    async def run(self, end: str) -> str:
        if end == "failed":
            raise ApplicationError("it failed", "details", type="Failing")
        if end == "continued":
            workflow.continue_as_new("completed")
        if end != "completed":
            await workflow.wait_condition(lambda: False)
        return "done"


async def results_come_by_way_of_interceptors(here: Place) -> None:
    """Each end of a workflow is to a client with interceptors what it is to one without."""
    watching, noting = watched(here)

    async def told(handle: client.WorkflowHandle[Any, str], follow_runs: bool) -> Any:
        try:
            return await handle.result(follow_runs=follow_runs)
        except client.WorkflowFailureError as error:
            cause: Any = error.cause
            return type(cause), str(cause), list(getattr(cause, "details", [])), getattr(cause, "type", None)
        except client.WorkflowContinuedAsNewError as error:
            return error.new_execution_run_id

    for end in ("completed", "failed", "continued", "canceled", "terminated", "timed out"):
        limit = timedelta(seconds=1) if end == "timed out" else None
        handle = await watching.start_workflow(
            EndsAsTold.run, end, id=uuid.uuid4().hex, task_queue=QUEUE, run_timeout=limit
        )
        if end == "canceled":
            await handle.cancel()
        elif end == "terminated":
            await handle.terminate("a detail", reason="enough")
        plain = here.client.get_workflow_handle(handle.id, run_id=handle.result_run_id, result_type=str)
        for follow_runs in (False, True):
            noting.seen.clear()
            assert await told(handle, follow_runs) == await told(plain, follow_runs)
            seen = noting.seen["fetch_workflow_history_events"]
            assert seen.event_filter_type is client.WorkflowHistoryEventFilterType.CLOSE_EVENT
        closing: dict[str, Any] = {
            "wait_new_event": True,
            "event_filter_type": client.WorkflowHistoryEventFilterType.CLOSE_EVENT,
        }
        mine = watching.get_workflow_handle(handle.id, run_id=handle.result_run_id)
        both = [[event async for event in each.fetch_history_events(**closing)] for each in (mine, plain)]
        assert both[0] == both[1], end


class Gate(worker.Interceptor):
    """Refuses, answers and changes calls, as their first argument wants it."""

    def intercept_activity(self, next: worker.ActivityInboundInterceptor) -> worker.ActivityInboundInterceptor:
        return GateOfActivities(next)

    def workflow_interceptor_class(
        self, input: worker.WorkflowInterceptorClassInput
    ) -> type[worker.WorkflowInboundInterceptor]:
        return GateOfWorkflows


class GateOfActivities(worker.ActivityInboundInterceptor):
    def init(self, outbound: worker.ActivityOutboundInterceptor) -> None:
        super().init(GateInside(outbound))

    async def execute_activity(self, input: worker.ExecuteActivityInput) -> Any:
        if input.args[0] == "refuse inside":
            raise ApplicationError("refused inside", non_retryable=True)
        if input.args[0] == "answer inside":
            return "answered inside"
        if input.args[0] == "wrap":
            code = input.fn

            async def wrapped(text: str) -> str:
                return f"<{await code(text)}>"

            input.fn = wrapped
        return await super().execute_activity(input)


class GateInside(worker.ActivityOutboundInterceptor):
    def info(self) -> activity.Info:
        return replace(super().info(), task_queue="the queue of an interceptor")


class GateOfWorkflows(worker.WorkflowInboundInterceptor):
    def init(self, outbound: worker.WorkflowOutboundInterceptor) -> None:
        super().init(GateOutside(outbound))

    async def execute_workflow(self, input: worker.ExecuteWorkflowInput) -> Any:
        if input.args[0] == "refuse inside":
            raise ApplicationError("refused to begin")
        return await super().execute_workflow(input)

    async def handle_signal(self, input: worker.HandleSignalInput) -> None:
        if input.args[0] == "refuse inside":
            raise ApplicationError("refused to hear")
        await super().handle_signal(input)

    async def handle_query(self, input: worker.HandleQueryInput) -> Any:
        if input.args[0] == "refuse inside":
            raise ApplicationError("refused to tell")
        return await super().handle_query(input)


class GateOutside(worker.WorkflowOutboundInterceptor):
    def _answer(self, call: str, input: Any) -> Any:
        """None: the call goes on."""
        wish = input.args[0] if input.args else ""
        if wish == "refuse":
            raise ApplicationError(f"refused {call}")
        if wish == "change":
            input.args = ["changed"]
            if call == "child":
                input.workflow = "Gated"
        if wish != "answer":
            return None
        answer = asyncio.get_running_loop().create_future()
        answer.set_result(f"answered {call}")
        return answer

    def start_activity(self, input: worker.StartActivityInput) -> Any:
        return self._answer("activity", input) or super().start_activity(input)

    def start_local_activity(self, input: worker.StartLocalActivityInput) -> Any:
        return self._answer("local activity", input) or super().start_local_activity(input)

    async def start_child_workflow(self, input: worker.StartChildWorkflowInput) -> Any:
        return self._answer("child", input) or await super().start_child_workflow(input)

    async def signal_child_workflow(self, input: worker.SignalChildWorkflowInput) -> None:
        if self._answer("signal to a child", input) is None:
            await super().signal_child_workflow(input)

    async def signal_external_workflow(self, input: worker.SignalExternalWorkflowInput) -> None:
        if self._answer("signal", input) is None:
            await super().signal_external_workflow(input)

    def continue_as_new(self, input: worker.ContinueAsNewInput) -> NoReturn:
        self._answer("next run", input)
        super().continue_as_new(input)


@workflow.defn
class Gated:
    """Calls whatever can be called, and says what became of it."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    @workflow.run
    async def run(self, wish: str) -> list[str]:
        if wish == "child":
            await workflow.wait_condition(lambda: "let through" in self.heard)
            return self.heard
        if wish == "changed":
            return [wish]
        if wish == "next run":
            workflow.continue_as_new("change")
        limit: Any = {"start_to_close_timeout": timedelta(seconds=60)}
        child = await workflow.start_child_workflow(Gated.run, "child")
        other = workflow.get_external_workflow_handle_for(Gated.run, child.id)
        said = []
        for wanted in ("refuse", "answer", "change", "wrap", "where", "refuse inside", "answer inside"):
            for call in (workflow.execute_activity, workflow.execute_local_activity):
                said.append(await _outcome(call("echo", wanted, **limit)))
        for wanted in ("refuse", "answer", "change"):
            name = "nobody" if wanted == "change" else "Gated"
            said.append(await _outcome(workflow.execute_child_workflow(name, wanted)))
            said.append(await _outcome(child.signal(Gated.hear, wanted)))
            said.append(await _outcome(other.signal(Gated.hear, wanted)))
        try:
            workflow.continue_as_new("refuse")
        except ApplicationError as error:
            said.append(error.message)
        await child.signal(Gated.hear, "let through")
        return [*said, *(await child)]

    @workflow.signal
    def hear(self, text: str) -> None:
        self.heard.append(text)

    @workflow.query
    def tell(self, wish: str) -> str:
        return wish


async def _outcome(call: Awaitable[Any]) -> str:
    try:
        return str(await call)
    except ApplicationError as error:
        return error.message
    except ActivityError as error:
        return f"in the activity: {error.cause}"


@activity.defn
async def echo(text: str) -> str:
    return activity.info().task_queue if text == "where" else text


async def workers_interceptors_refuse_answer_and_change_calls(here: Place) -> None:
    state = here.folder / uuid.uuid4().hex
    gated = worker.Worker(
        here.client, task_queue=QUEUE, workflows=[Gated], activities=[echo], interceptors=[Gate()], state_dir=state
    )
    async with gated:
        await until(lambda: gated.ready, "the worker is ready")
        handle = await here.client.start_workflow(Gated.run, "", id=uuid.uuid4().hex, task_queue=QUEUE)
        assert await handle.result() == [
            *("refused activity", "refused local activity", "answered activity", "answered local activity"),
            *("changed", "changed", "<wrap>", "<wrap>"),
            *("the queue of an interceptor", "the queue of an interceptor"),
            *("in the activity: refused inside", "refused inside"),
            *("answered inside", "answered inside"),
            *("refused child", "refused signal to a child", "refused signal"),
            *("answered child", "None", "None"),
            *("['changed']", "None", "None"),
            *("refused next run", "changed", "changed", "let through"),
        ]
        await inbound_interceptors_refuse_calls(here)
        await here.replay_with(gated)


async def inbound_interceptors_refuse_calls(here: Place) -> None:
    """What is raised around the code of a workflow is as if that had raised it."""
    id = uuid.uuid4().hex
    start = partial(here.client.start_workflow, Gated.run, task_queue=QUEUE)
    assert await (await start("next run", id=id)).result() == ["changed"]
    refuses, waits = await start("refuse inside", id=id), await start("child", id=f"{id}-2")
    with pytest.raises(client.WorkflowQueryFailedError, match="refused to tell"):
        await waits.query(Gated.tell, "refuse inside")
    assert await waits.query(Gated.tell, "all") == "all"
    await waits.signal(Gated.hear, "refuse inside")
    for run, refused in ((refuses, "refused to begin"), (waits, "refused to hear")):
        with pytest.raises(client.WorkflowFailureError) as failed:
            await run.result()
        assert isinstance(failed.value.cause, ApplicationError)
        assert failed.value.cause.message == refused


@workflow.defn
class Trespasser:
    """Does what workflow code must not, once it is asked to, and what queries must not."""

    repaired = False

    def __init__(self) -> None:
        self.told = False

    @workflow.run
    async def run(self) -> str:
        await workflow.wait_condition(lambda: self.told)
        if not Trespasser.repaired:
            open("/etc/hostname").close()  # noqa: ASYNC230  # that is refused
        return "within bounds"

    @workflow.signal
    def go(self) -> None:
        self.told = True

    @workflow.query
    def schedules(self) -> str:
        workflow.start_activity("double", 1, start_to_close_timeout=timedelta(seconds=1))
        return "never"


async def what_workflow_code_must_not_do(here: Place) -> None:
    """And nobody else may call what is for workflows."""
    Trespasser.repaired = False
    handle = await here.start(Trespasser.run)
    events = await names(handle)
    with pytest.raises(client.WorkflowQueryFailedError, match="queries"):
        await handle.query(Trespasser.schedules)
    assert await names(handle) == events
    await handle.signal(Trespasser.go)

    async def stalled() -> str:
        return (await handle.describe()).stalled_error

    assert "cannot open a file" in await until_asked(stalled, "the workflow is stalled")
    Trespasser.repaired = True
    assert await handle.result() == "within bounds"
    assert not workflow.in_workflow()
    with pytest.raises(workflow.NotInWorkflowError):
        workflow.info()


ALONE: list[Scenario] = [workers_interceptors_refuse_answer_and_change_calls]
"""Scenarios that bring their own workers."""

SHARED: list[Scenario] = [
    each_call_of_a_client_is_intercepted,
    results_come_by_way_of_interceptors,
    what_workflow_code_must_not_do,
]
"""As in `scenarios`."""

WORKFLOWS: Sequence[type] = [EndsAsTold, Trespasser]
