"""Waiting for results: when it is asked again, for what, and when waiting ends."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from foldlog.client import Client
from foldlog.client._asking import FIRST_POLL_SECONDS, LONG_POLL_SECONDS, START_TRIES
from foldlog.common import WorkflowIDReusePolicy
from foldlog.exceptions import DeadlineExceededError
from foldlog.schemas import command, reply
from foldlog.schemas.common import Payload
from foldlog.schemas.records import Reply
from foldlog.transport.errors import BrokerUnreachableError, DeliveryError, NoAnswerError

from .scripted import ScriptedTransport

DONE = reply.WorkflowResult(
    correlation_id=0, run_id="run-1", status="COMPLETED", result=Payload(encoding="json/plain", data=b"5")
)
STARTED = reply.Accepted(correlation_id=0, run_id="run-1", started=True)
AWAY = BrokerUnreachableError("broker:1")
SILENCE = NoAnswerError("a", "n.commands", 0, 10)


def client_that_hears(*answers: Reply | Exception | None) -> tuple[Client, ScriptedTransport]:
    remaining: Iterator[Any] = iter(answers)
    transport = ScriptedTransport(lambda *_: next(remaining))
    return Client(transport), transport


async def test_a_result_is_asked_for_again_until_it_comes() -> None:
    client, transport = client_that_hears(None, None, DONE)
    assert await client.get_workflow_handle("a", run_id="run-1").result() == 5
    assert [(how, type(sent), sent.run_id) for how, _, sent in transport.asked] == [
        ("poll", command.AwaitResult, "run-1")
    ] * 3
    assert transport.waits == [LONG_POLL_SECONDS] * 3


async def test_a_start_that_takes_longer_is_asked_for_its_run_which_is_then_waited_for() -> None:
    client, transport = client_that_hears(None, STARTED, None, DONE)
    result = await client.execute_workflow(
        "x", id="a", task_queue="q", id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE
    )
    assert result == 5
    [first, second, third, fourth] = transport.asked
    assert (first[0], first[2].await_result, second[0], second[2].await_result) == ("poll", True, "ask", False)
    assert second[2].request_id == first[2].request_id
    assert second[2].id_reuse_policy == "REJECT_DUPLICATE"
    for how, _, sent in (third, fourth):
        assert (how, type(sent), sent.run_id) == ("poll", command.AwaitResult, "run-1")
    assert transport.waits[0] == FIRST_POLL_SECONDS


async def test_without_a_deadline_waiting_outlasts_brokers_and_processors(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "foldlog.client")
    client, _ = client_that_hears(AWAY, AWAY, SILENCE, STARTED, AWAY, DONE)
    assert await client.execute_workflow("x", id="a", task_queue="q") == 5
    warnings = [record.getMessage() for record in caplog.records]
    assert len(warnings) == 4
    assert "broker:1" in warnings[0]
    assert "no processor is running" in warnings[2]


async def test_the_deadline_is_for_all_of_it() -> None:
    client, transport = client_that_hears(*[None] * 100_000)
    with pytest.raises(DeadlineExceededError, match=r"'a' did not end within 0\.001 s"):
        await client.get_workflow_handle("a").result(rpc_timeout=timedelta(milliseconds=1))
    assert max(transport.waits) <= 0.001


async def test_the_last_trouble_is_told_at_the_deadline() -> None:
    client, _ = client_that_hears(AWAY)
    with pytest.raises(BrokerUnreachableError):
        await client.execute_workflow("x", id="a", task_queue="q", rpc_timeout=timedelta(microseconds=1))
    client, _ = client_that_hears(None, SILENCE)
    with pytest.raises(DeadlineExceededError):
        await client.execute_workflow("x", id="a", task_queue="q", rpc_timeout=timedelta(microseconds=1))


async def test_what_waiting_does_not_cure_ends_it() -> None:
    client, transport = client_that_hears(DeliveryError("not allowed"))
    with pytest.raises(DeliveryError, match="not allowed"):
        await client.execute_workflow("x", id="a", task_queue="q")
    assert len(transport.asked) == 1


async def test_a_start_waits_for_the_first_processor_and_is_one_start(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "foldlog.client")
    client, transport = client_that_hears(SILENCE, SILENCE, STARTED)
    handle = await client.start_workflow("x", id="a", task_queue="q")
    assert handle.result_run_id == "run-1"
    assert len({sent.request_id for _, _, sent in transport.asked}) == 1
    assert [record.getMessage()[:30] for record in caplog.records] == ["the start of workflow 'a' stil"] * 2


async def test_a_start_does_not_wait_for_ever() -> None:
    client, transport = client_that_hears(*[SILENCE] * START_TRIES)
    with pytest.raises(NoAnswerError):
        await client.start_workflow("x", id="a", task_queue="q")
    assert len(transport.asked) == START_TRIES


@pytest.mark.parametrize("trouble", [AWAY, DeliveryError("not allowed")])
async def test_a_start_waits_for_nothing_else_than_a_processor(trouble: Exception) -> None:
    client, _ = client_that_hears(SILENCE, trouble)
    with pytest.raises(type(trouble)):
        await client.start_workflow("x", id="a", task_queue="q")


async def test_a_start_with_a_limit_of_its_own_or_of_its_client_ends_with_it() -> None:
    client, _ = client_that_hears(SILENCE)
    with pytest.raises(NoAnswerError):
        await client.start_workflow("x", id="a", task_queue="q", rpc_timeout=timedelta(seconds=1))
    _, transport = client_that_hears(SILENCE)
    with pytest.raises(NoAnswerError):
        await Client(transport, rpc_timeout=timedelta(seconds=1)).start_workflow("x", id="a", task_queue="q")
