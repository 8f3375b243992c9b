"""The example of an activity that a person ends."""

from __future__ import annotations

from datetime import timedelta

import pytest
from foldlog.client import WorkflowFailureError
from foldlog.exceptions import CancelledError
from foldlog.testing import WorkflowEnvironment
from foldlog.worker import Worker

from examples import async_completion
from examples.async_completion import QUEUE, Desk, PayInvoice, answer, run
from tests.until import until_asked


async def test_each_invoice_ends_as_it_was_answered() -> None:
    async with await WorkflowEnvironment.start_time_skipping() as env:
        assert await run(env.client) == [
            "invoice-1: paid",
            "invoice-2: sent back",
            "invoice-3: nobody decides (the approver has left)",
        ]


async def test_an_answer_that_comes_twice_changes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    desk = Desk()
    async with (
        await WorkflowEnvironment.start_time_skipping() as env,
        Worker(env.client, task_queue=QUEUE, workflows=[PayInvoice], activities=[desk.ask_for_approval]),
    ):
        handle = await env.client.start_workflow(PayInvoice.run, "invoice-1", id="1", task_queue=QUEUE)
        invoice, token = await desk.questions.get()
        await answer(env.client, invoice, token)
        await answer(env.client, "invoice-2", token)
        assert await handle.result() == "invoice-1: paid"
    assert "invoice-2: too late" in capsys.readouterr().out


async def test_a_cancelled_workflow_is_reported_to_whoever_answers() -> None:
    desk = Desk()
    async with (
        await WorkflowEnvironment.start_time_skipping() as env,
        Worker(env.client, task_queue=QUEUE, workflows=[PayInvoice], activities=[desk.ask_for_approval]),
    ):
        handle = await env.client.start_workflow(PayInvoice.run, "invoice-1", id="1", task_queue=QUEUE)
        invoice, token = await desk.questions.get()

        async def started() -> bool:
            return (await handle.describe()).pending_activities[0].state.name == "STARTED"

        await until_asked(started, "it is known that the activity has begun")
        await handle.cancel()
        with pytest.raises(WorkflowFailureError) as failed:  # it does not wait for the report
            await handle.result()
        assert isinstance(failed.value.cause, CancelledError)
        await answer(env.client, invoice, token)


async def test_whoever_does_not_answer_is_asked_again(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Time is real while an activity is to be ended from outside.
    monkeypatch.setattr(async_completion, "ASK_AGAIN_AFTER", timedelta(milliseconds=100))
    desk = Desk()
    async with (
        await WorkflowEnvironment.start_time_skipping() as env,
        Worker(env.client, task_queue=QUEUE, workflows=[PayInvoice], activities=[desk.ask_for_approval]),
    ):
        handle = await env.client.start_workflow(PayInvoice.run, "invoice-1", id="1", task_queue=QUEUE)
        _, first = await desk.questions.get()
        _, second = await desk.questions.get()
        assert second != first
        await answer(env.client, "invoice-5", first)
        assert "invoice-5: too late" in capsys.readouterr().out
        await handle.cancel()


async def test_what_nobody_answers_is_given_up_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    # As above; a third attempt would come too late.
    monkeypatch.setattr(async_completion, "ASK_AGAIN_AFTER", timedelta(milliseconds=100))
    monkeypatch.setattr(async_completion, "GIVE_UP_AFTER", timedelta(seconds=3))
    desk = Desk()
    async with (
        await WorkflowEnvironment.start_time_skipping() as env,
        Worker(env.client, task_queue=QUEUE, workflows=[PayInvoice], activities=[desk.ask_for_approval]),
    ):
        told = await env.client.execute_workflow(PayInvoice.run, "invoice-1", id="1", task_queue=QUEUE)
    assert told == "invoice-1: nobody decides (activity start-to-close timeout)"
    assert desk.questions.qsize() == 2
