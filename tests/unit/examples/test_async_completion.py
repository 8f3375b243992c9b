"""The example of an activity that a person ends."""

from __future__ import annotations

import asyncio

import pytest
from foldlog.testing import WorkflowEnvironment
from foldlog.worker import Worker

from examples.async_completion import QUEUE, Desk, PayInvoice, answer, run


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
        state = None
        while state != "STARTED":
            await asyncio.sleep(0.005)
            state = (await handle.describe()).pending_activities[0].state.name
        await handle.cancel()
        # The workflow takes the cancellation of its activity for an answer, and does not wait for the report.
        assert (await handle.result()).startswith("invoice-1: nobody decides")
        await answer(env.client, invoice, token)
