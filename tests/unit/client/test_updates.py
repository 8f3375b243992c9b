"""Updates as the client sends them: commands, outcomes, waiting, and starts that come with a signal or an update."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from foldlog import converter
from foldlog.client import (
    Client,
    RPCTimeoutOrCancelledError,
    WithStartWorkflowOperation,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
    WorkflowUpdateStage,
)
from foldlog.client._asking import FIRST_POLL_SECONDS, LONG_POLL_SECONDS
from foldlog.common import WorkflowIDConflictPolicy
from foldlog.exceptions import (
    ApplicationError,
    DefinitionError,
    FailedPreconditionError,
    WorkflowAlreadyStartedError,
    WorkflowNotFoundError,
)
from foldlog.schemas import command, reply
from foldlog.schemas.common import Failure
from foldlog.schemas.records import Command, Reply

from .scripted import ScriptedTransport
from .workflows import NoParam, OneParam, Order

FAILURE = Failure(kind="APPLICATION", message="no", type="Refused")
REJECTED = reply.Rejected(correlation_id=0, code="ALREADY_STARTED", message="is in use", run_id="run-0")


def update_reply(stage: str, value: Any = None, failure: Failure | None = None) -> reply.UpdateReply:
    payload = None if failure or stage != "COMPLETED" else converter.PayloadConverter.default.to_payload(value)
    return reply.UpdateReply(
        correlation_id=0, run_id="run-1", update_id="u", stage=stage, result=payload, failure=failure
    )


def client_that_hears(*answers: Reply | Exception | None) -> tuple[Client, ScriptedTransport]:
    remaining: Iterator[Any] = iter(answers)
    transport = ScriptedTransport(lambda *_: next(remaining))
    return Client(transport, identity="me"), transport


def operation(**options: Any) -> WithStartWorkflowOperation[OneParam, Order]:
    options.setdefault("id_conflict_policy", WorkflowIDConflictPolicy.USE_EXISTING)
    return WithStartWorkflowOperation(OneParam.run, Order("book", 1), id="a", task_queue="q", **options)


async def test_an_update_is_one_command_and_one_answer() -> None:
    client, transport = client_that_hears(update_reply("COMPLETED", [{"item": "pen", "count": 2}]))
    handle = client.get_workflow_handle_for(OneParam.run, "a", run_id="run-1")
    assert await handle.execute_update(OneParam.put, Order("pen", 2), id="u") == [Order("pen", 2)]
    [(how, workflow_id, sent)] = transport.asked
    assert (how, workflow_id, sent.run_id, sent.identity) == ("poll", "a", "run-1", "me")
    assert (sent.update_name, sent.update_id, sent.await_completed) == ("put-item", "u", True)
    assert [one.data for one in sent.args] == [b'{"item":"pen","count":2}']


async def test_updates_without_an_id_get_one_of_their_own() -> None:
    client, transport = client_that_hears(update_reply("COMPLETED", 1), update_reply("COMPLETED", "ab"))
    handle = client.get_workflow_handle_for(OneParam.run, "a")
    await handle.execute_update(OneParam.close)
    await handle.execute_update(OneParam.exchange, args=["a", "b"])
    ids = [(sent.update_id, sent.request_id) for _, _, sent in transport.asked]
    assert len({*ids[0], *ids[1]}) == 2
    assert [len(sent.args) for _, _, sent in transport.asked] == [0, 2]


async def test_a_failure_has_its_cause() -> None:
    client, _ = client_that_hears(update_reply("COMPLETED", failure=FAILURE))
    with pytest.raises(WorkflowUpdateFailedError) as failed:
        await client.get_workflow_handle("a").execute_update("put-item")
    assert isinstance(failed.value.cause, ApplicationError)
    assert (failed.value.cause.message, failed.value.cause.type) == ("no", "Refused")


async def test_a_started_update_is_asked_for_later() -> None:
    client, transport = client_that_hears(update_reply("ACCEPTED"), None, update_reply("COMPLETED", 5))
    handle = client.get_workflow_handle_for(OneParam.run, "a")
    update = await handle.start_update(OneParam.close, wait_for_stage=WorkflowUpdateStage.ACCEPTED)
    assert (update.workflow_id, update.workflow_run_id, len(update.id)) == ("a", "run-1", 32)
    assert [await update.result(), await update.result()] == [5, 5]
    [(_, _, sent), *waiting] = transport.asked
    assert not sent.await_completed
    assert [(type(one), one.run_id, one.update_id) for _, _, one in waiting] == [
        (command.AwaitUpdate, "run-1", update.id)
    ] * 2
    assert transport.waits == [FIRST_POLL_SECONDS, FIRST_POLL_SECONDS, LONG_POLL_SECONDS]


async def test_an_outcome_that_came_at_once_is_not_asked_for() -> None:
    client, transport = client_that_hears(update_reply("COMPLETED", failure=FAILURE))
    handle = client.get_workflow_handle_for(OneParam.run, "a")
    update = await handle.start_update(OneParam.close, wait_for_stage=WorkflowUpdateStage.ACCEPTED)
    for _ in range(2):
        with pytest.raises(WorkflowUpdateFailedError):
            await update.result()
    assert len(transport.asked) == 1


@pytest.mark.parametrize("at_once", [True, False])
async def test_an_update_is_sent_until_it_is_accepted_and_its_run_asked_from_then_on(at_once: bool) -> None:
    later = [] if at_once else [update_reply("ACCEPTED"), None]
    client, transport = client_that_hears(None, None, *later, update_reply("COMPLETED", 5))
    assert await client.get_workflow_handle_for(OneParam.run, "a").execute_update(OneParam.close) == 5
    [first, *again] = [sent for _, _, sent in transport.asked if isinstance(sent, command.UpdateWorkflow)]
    assert (first.await_completed, [sent.await_completed for sent in again]) == (True, [False, False])
    assert {(sent.update_id, sent.request_id) for sent in again} == {(first.update_id, first.request_id)}
    waiting = [sent for _, _, sent in transport.asked if isinstance(sent, command.AwaitUpdate)]
    assert [(sent.update_id, sent.run_id) for sent in waiting] == [(first.update_id, "run-1")] * len(later)


async def test_a_handle_by_id_asks_about_its_run() -> None:
    client, transport = client_that_hears(update_reply("COMPLETED", 5), update_reply("COMPLETED", 6))
    handle = client.get_workflow_handle_for(OneParam.run, "a", run_id="run-7")
    assert await handle.get_update_handle_for(OneParam.close, "u1").result() == 5
    assert await handle.get_update_handle("u2", workflow_run_id="run-8", result_type=int).result() == 6
    assert [(sent.update_id, sent.run_id) for _, _, sent in transport.asked] == [("u1", "run-7"), ("u2", "run-8")]


async def test_a_deadline_ends_the_wait_but_not_the_update() -> None:
    client, _ = client_that_hears(None)
    with pytest.raises(WorkflowUpdateRPCTimeoutOrCancelledError) as late:
        await client.get_workflow_handle("a").execute_update("close", rpc_timeout=timedelta(0))
    assert isinstance(late.value, RPCTimeoutOrCancelledError)


async def test_cancelling_ends_the_wait_but_not_the_update() -> None:
    class Silent(ScriptedTransport):
        async def poll(self, workflow_id: str, command: Command, *, wait: float) -> Reply | None:
            await asyncio.Event().wait()
            raise AssertionError

    client = Client(Silent(lambda *_: None))
    task = asyncio.create_task(client.get_workflow_handle("a").execute_update("close"))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(WorkflowUpdateRPCTimeoutOrCancelledError):
        await task


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("NOT_FOUND", WorkflowNotFoundError),
        ("ALREADY_CLOSED", WorkflowNotFoundError),
        ("NOT_BEGUN", FailedPreconditionError),
    ],
)
async def test_refusals_are_errors(code: Any, error: type[Exception]) -> None:
    client, _ = client_that_hears(reply.Rejected(correlation_id=0, code=code, message="gone"))
    with pytest.raises(error, match="gone"):
        await client.get_workflow_handle("a").execute_update("close")


async def test_what_cannot_be_sent() -> None:
    client, transport = client_that_hears()
    handle = client.get_workflow_handle("a")
    with pytest.raises(ValueError, match="ADMITTED"):
        await handle.start_update("close", wait_for_stage=WorkflowUpdateStage.ADMITTED)
    with pytest.raises(ValueError, match="not both"):
        await handle.execute_update("close", 1, args=[2])
    with pytest.raises(DefinitionError, match=r"has no @workflow\.update"):
        await handle.execute_update(OneParam.pause)  # type: ignore[call-overload]  # what is refused here
    assert transport.asked == []


# ---- with a start


async def test_a_signal_comes_with_a_start() -> None:
    client, transport = client_that_hears(reply.Accepted(correlation_id=0, run_id="run-1", started=True))
    await client.start_workflow(
        NoParam.run, id="a", task_queue="q", start_signal="add-item", start_signal_args=[3, "three"]
    )
    [(_, _, sent)] = transport.asked
    assert sent.signal.signal_name == "add-item"
    assert [one.data for one in sent.signal.args] == [b"3", b'"three"']
    with pytest.raises(ValueError, match="start_signal_args"):
        await client.start_workflow(NoParam.run, id="a", task_queue="q", start_signal_args=[3])


async def test_an_update_comes_with_a_start() -> None:
    client, transport = client_that_hears(update_reply("COMPLETED", [{"item": "pen", "count": 2}]))
    start = operation(run_timeout=timedelta(seconds=5), memo={"why": "test"})
    result = await client.execute_update_with_start_workflow(
        OneParam.put, Order("pen", 2), start_workflow_operation=start, id="u"
    )
    assert result == [Order("pen", 2)]
    handle = await start.workflow_handle()
    assert (handle.id, handle.result_run_id) == ("a", "run-1")
    [(_, _, sent)] = transport.asked
    assert (type(sent), sent.workflow_type, sent.id_conflict_policy) == (
        command.StartWorkflow,
        "orders",
        "USE_EXISTING",
    )
    assert (sent.run_timeout_ms, list(sent.memo), len(sent.args)) == (5_000, ["why"], 1)
    assert (sent.update.update_id, sent.update.update_name, sent.update.await_completed) == ("u", "put-item", False)


async def test_the_handle_is_there_before_the_update_has_ended() -> None:
    client, transport = client_that_hears(update_reply("ACCEPTED"), update_reply("COMPLETED", 5))
    start = operation()
    waiting = asyncio.create_task(start.workflow_handle())
    update = await client.start_update_with_start_workflow(
        OneParam.close, wait_for_stage=WorkflowUpdateStage.ACCEPTED, start_workflow_operation=start
    )
    assert (await waiting).id == "a"
    assert await update.result() == 5
    assert [type(sent) for _, _, sent in transport.asked] == [command.StartWorkflow, command.AwaitUpdate]


async def test_waiting_for_the_end_of_a_longer_update() -> None:
    client, transport = client_that_hears(update_reply("ACCEPTED"), update_reply("COMPLETED", 5))
    update = await client.start_update_with_start_workflow(
        OneParam.close, wait_for_stage=WorkflowUpdateStage.COMPLETED, start_workflow_operation=operation()
    )
    assert len(transport.asked) == 2
    assert await update.result() == 5
    assert len(transport.asked) == 2


async def test_a_refused_start_fails_both() -> None:
    client, _ = client_that_hears(REJECTED)
    start = operation(id_conflict_policy=WorkflowIDConflictPolicy.FAIL)
    with pytest.raises(WorkflowAlreadyStartedError):
        await client.execute_update_with_start_workflow(OneParam.close, start_workflow_operation=start)
    with pytest.raises(WorkflowAlreadyStartedError):
        await start.workflow_handle()


async def test_a_refused_update_leaves_the_workflow() -> None:
    client, _ = client_that_hears(update_reply("COMPLETED", failure=FAILURE))
    start = operation()
    with pytest.raises(WorkflowUpdateFailedError):
        await client.execute_update_with_start_workflow(OneParam.close, start_workflow_operation=start)
    assert (await start.workflow_handle()).id == "a"


async def test_an_operation_is_used_once() -> None:
    client, _ = client_that_hears(update_reply("COMPLETED", 1))
    start = operation()
    await client.execute_update_with_start_workflow(OneParam.close, start_workflow_operation=start)
    with pytest.raises(RuntimeError, match="cannot be reused"):
        await client.execute_update_with_start_workflow(OneParam.close, start_workflow_operation=start)


def test_an_operation_needs_a_policy() -> None:
    with pytest.raises(ValueError, match="id_conflict_policy"):
        operation(id_conflict_policy=WorkflowIDConflictPolicy.UNSPECIFIED)
