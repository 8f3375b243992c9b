"""A bare interceptor changes nothing: each call sends, waits for and gives what it does without one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from foldlog.client import (
    ActivityHandle,
    ActivityOptionsKeys,
    Client,
    Interceptor,
    OutboundInterceptor,
    RPCError,
    RPCStatusCode,
    WithStartWorkflowOperation,
    WorkflowExecutionStatus,
    WorkflowHandle,
    WorkflowUpdateHandle,
    WorkflowUpdateStage,
)
from foldlog.common import Priority, QueryRejectCondition, RetryPolicy, WorkflowIDConflictPolicy
from foldlog.converter import PayloadConverter
from foldlog.exceptions import ApplicationError
from foldlog.schemas import command, reply
from foldlog.schemas.records import Reply
from foldlog.schemas.visibility import WorkflowVisibility
from msgspec import Struct, structs

from .scripted import ScriptedTransport

SOON = timedelta(seconds=7)
OTHER = timedelta(seconds=3)
FIVE = PayloadConverter.default.to_payload(5)


def answer(workflow_id: str, wanted: Any) -> Reply | Exception:
    if isinstance(wanted, command.QueryWorkflow):
        return reply.QueryAnswer(correlation_id=0, result=FIVE)
    if isinstance(wanted, command.UpdateWorkflow):
        return reply.UpdateReply(correlation_id=0, run_id="run", update_id="i", stage="COMPLETED", result=FIVE)
    if isinstance(wanted, command.AwaitResult):
        return reply.WorkflowResult(correlation_id=0, run_id="run", status="COMPLETED", result=FIVE)
    if isinstance(wanted, command.StartWorkflow) and wanted.update is not None:
        return reply.UpdateReply(correlation_id=0, run_id="run", update_id="i", stage="COMPLETED", result=FIVE)
    if isinstance(wanted, command.StartWorkflow):
        return reply.Accepted(correlation_id=0, run_id="run", started=True)
    return RPCError("enough", RPCStatusCode.NOT_FOUND)


def row(number: int, **fields: Any) -> WorkflowVisibility:
    known: dict[str, Any] = {
        "workflow_id": f"w-{number}",
        "run_id": f"r-{number}",
        "workflow_type": "W",
        "task_queue": "q",
        "status": "RUNNING",
        "start_ms": number,
        "history_length": 1,
        "partition": 0,
    }
    return WorkflowVisibility(**{**known, **fields})


ROWS = [row(1), row(2), row(3, status="COMPLETED"), row(4, workflow_type="V"), row(5, workflow_id="v-5")]


class Bare(Interceptor):
    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        return OutboundInterceptor(next)


Call = Callable[[Client, WorkflowHandle[Any, Any]], Awaitable[Any]]


async def listed(found: Any) -> list[str]:
    return [run.id async for run in found]


async def started(client: Client, **options: Any) -> Any:
    handle = await client.start_workflow("W", id="w", task_queue="q", request_id="x", **options)
    return handle.id, handle.result_run_id, await handle.result()


CALLS: dict[str, Call] = {
    "start": lambda client, _: started(client, args=["a", 1], result_type=str, memo={"m": 1}, rpc_timeout=SOON),
    "result": lambda _, handle: handle.result(rpc_timeout=SOON),
    "describe": lambda _, handle: handle.describe(rpc_timeout=SOON),
    "history": lambda _, handle: handle.fetch_history(rpc_timeout=SOON),
    "cancel": lambda _, handle: handle.cancel(reason="why", rpc_timeout=SOON),
    "terminate": lambda _, handle: handle.terminate("a", 1, reason="why", rpc_timeout=SOON),
    "signal": lambda _, handle: handle.signal("s", args=["a", 1], request_id="x", rpc_timeout=SOON),
    "query": lambda _, handle: handle.query(
        "q", args=["a", 1], result_type=str, reject_condition=QueryRejectCondition.NOT_OPEN, rpc_timeout=SOON
    ),
    "query of a type": lambda _, handle: handle.query("q", result_type=float),
    "update": lambda _, handle: handle.execute_update("u", args=["a", 1], id="i", result_type=str, rpc_timeout=SOON),
    "update that is begun": lambda _, handle: handle.start_update(
        "u", "a", id="i", wait_for_stage=WorkflowUpdateStage.ACCEPTED, rpc_timeout=SOON
    ),
    "list by query": lambda client, _: listed(client.list_workflows("ExecutionStatus = 'Running'", rpc_timeout=SOON)),
    "list by fields": lambda client, _: listed(
        client.list_workflows(status=WorkflowExecutionStatus.RUNNING, workflow_type="W", id_prefix="w-")
    ),
    "list by type": lambda client, _: listed(client.list_workflows(workflow_type="V")),
    "list by status": lambda client, _: listed(client.list_workflows(status=WorkflowExecutionStatus.COMPLETED)),
    "list by prefix": lambda client, _: listed(client.list_workflows(id_prefix="v-")),
    "list a few": lambda client, _: listed(client.list_workflows(limit=2)),
    "count": lambda client, _: client.count_workflows("WorkflowType = 'V'", rpc_timeout=SOON),
    "pause": lambda _, handle: handle.pause_activity("7", reason="why", rpc_timeout=SOON),
    "pause of a type": lambda _, handle: handle.pause_activity(activity_type="A"),
    "unpause": lambda _, handle: handle.unpause_activity(
        "7", reset_attempts=True, reset_heartbeat=True, jitter=OTHER, rpc_timeout=SOON
    ),
    "reset": lambda _, handle: handle.reset_activity(
        "7", keep_paused=True, reset_heartbeat=True, restore_original_options=True, jitter=OTHER, rpc_timeout=SOON
    ),
    "options": lambda _, handle: handle.update_activity_options(
        "7",
        task_queue="other",
        heartbeat_timeout=OTHER,
        retry_policy=RetryPolicy(maximum_attempts=3),
        priority=Priority(priority_key=2),
        rpc_timeout=SOON,
    ),
    "original options": lambda _, handle: handle.update_activity_options(
        activity_type="A", restore_original=True, rpc_timeout=SOON
    ),
    "heartbeat": lambda client, _: outside(client).heartbeat("a", 1, rpc_timeout=SOON),
    "complete": lambda client, _: outside(client).complete("a", rpc_timeout=SOON),
    "fail": lambda client, _: outside(client).fail(
        ApplicationError("no"), last_heartbeat_details=["a", 1], rpc_timeout=SOON
    ),
    "start with an update": lambda client, _: begun_with_an_update(client),
    "start of an activity": lambda client, _: client.start_activity(
        "A", args=["a", 1], id="a", task_queue="q", start_to_close_timeout=OTHER, summary="s", rpc_timeout=SOON
    ),
    "cancel of an activity": lambda client, _: alone(client).cancel(reason="why", rpc_timeout=SOON),
    "terminate of an activity": lambda client, _: alone(client).terminate(reason="why", rpc_timeout=SOON),
    "describe of an activity": lambda client, _: alone(client).describe(rpc_timeout=SOON),
    "pause of an activity": lambda client, _: alone(client).pause(reason="why", rpc_timeout=SOON),
    "unpause of an activity": lambda client, _: alone(client).unpause(jitter=OTHER, rpc_timeout=SOON),
    "options of an activity": lambda client, _: alone(client).update_options(
        [ActivityOptionsKeys.task_queue.value_set("other")], rpc_timeout=SOON
    ),
    "original options of an activity": lambda client, _: alone(client).restore_original_options(rpc_timeout=SOON),
    "unpause of a type": lambda _, handle: handle.unpause_activity(activity_type="A"),
    "reset of a type": lambda _, handle: handle.reset_activity(activity_type="A"),
    "report": lambda client, _: outside(client).report_cancellation("a", 1, rpc_timeout=SOON),
}


def alone(client: Client) -> ActivityHandle[Any]:
    handle: ActivityHandle[Any] = client.get_activity_handle("a", run_id="r")
    return handle


async def begun_with_an_update(client: Client) -> Any:
    operation = WithStartWorkflowOperation[Any, Any](
        "W", id="w", task_queue="q", id_conflict_policy=WorkflowIDConflictPolicy.FAIL
    )
    begun = await client.start_update_with_start_workflow(
        "u",
        "a",
        id="i",
        start_workflow_operation=operation,
        wait_for_stage=WorkflowUpdateStage.ACCEPTED,
        result_type=float,
        rpc_timeout=SOON,
    )
    return repr(await begun.result())


def outside(client: Client) -> Any:
    return client.get_async_activity_handle(workflow_id="w", run_id="r", activity_id="7")


def comparable(sent: Any) -> Any:
    """A command without what is new in each; interceptors see each run of a chain, so they wait for each by itself."""
    is_new = getattr(sent, "request_id", "x") != "x"
    if isinstance(sent, command.AwaitResult):
        sent = structs.replace(sent, follow_runs=False)
    change = structs.replace if isinstance(sent, Struct) else replace
    return change(sent, reply_to=None, **({"request_id": ""} if is_new else {}))


@pytest.mark.parametrize("name", CALLS)
async def test_a_call_is_passed_on_as_it_is(name: str) -> None:
    found = []
    for interceptors in ([], [Bare()]):
        transport = ScriptedTransport(answer)
        transport.rows = ROWS
        client = Client(transport, identity="me", interceptors=interceptors)
        handle = client.get_workflow_handle("w", run_id="r", first_execution_run_id="f")
        try:
            came: Any = await CALLS[name](client, handle)
        except Exception as error:
            came = repr(error)
        asked = [(how, workflow_id, comparable(sent)) for how, workflow_id, sent in transport.asked]
        assert asked or name.startswith(("list", "count"))
        waits = [round(seconds) for seconds in transport.waits]
        found.append(
            (came if not isinstance(came, WorkflowUpdateHandle | ActivityHandle) else repr(came), asked, waits)
        )
    assert found[0] == found[1]
