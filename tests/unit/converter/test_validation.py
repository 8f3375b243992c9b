"""Converters that find values which can be read, but are not valid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from foldlog import activity, workflow
from foldlog.client import WorkflowFailureError
from foldlog.converter import DataConverter, DefaultPayloadConverter, create_payload_validation_error
from foldlog.exceptions import ActivityError, ApplicationError
from foldlog.schemas.common import Payload
from foldlog.testing import WorkflowEnvironment
from foldlog.worker import Worker

VIOLATION = {"path": "amount", "reason": "must not be negative"}


class Strict(DefaultPayloadConverter):
    """Takes no negative numbers for valid."""

    def from_payloads(self, payloads: Sequence[Payload], type_hints: Sequence[Any] | None = None) -> list[Any]:
        values = super().from_payloads(payloads, type_hints)
        if any(isinstance(value, int) and value < 0 for value in values):
            raise create_payload_validation_error(VIOLATION)
        return values


@activity.defn
async def pay(amount: int) -> int:
    return amount


@activity.defn
async def refund() -> int:
    return -1


@workflow.defn
class Pays:
    @workflow.run
    async def run(self, owed: int) -> str:
        try:
            await workflow.execute_activity(pay, -owed, start_to_close_timeout=timedelta(seconds=5))
        except ActivityError as error:
            cause = error.cause
            return f"{cause.type}: {cause.details[0]['path']}" if isinstance(cause, ApplicationError) else "?"
        return "paid"


@workflow.defn
class Refunds:
    @workflow.run
    async def run(self) -> int:
        return await workflow.execute_activity(refund, start_to_close_timeout=timedelta(seconds=5))


def test_what_the_error_says() -> None:
    error = create_payload_validation_error(VIOLATION)
    assert (error.message, error.type) == ("Payload validation failed", "PayloadValidationError")
    assert error.non_retryable
    assert error.details == (VIOLATION,)
    assert create_payload_validation_error(None).details == ()


async def test_what_is_not_valid_fails_at_once_whoever_reads_it() -> None:
    converter = replace(DataConverter.default, payload_converter_class=Strict)
    async with await WorkflowEnvironment.start_time_skipping(data_converter=converter) as env:
        client = env.client
        async with Worker(client, task_queue="q", workflows=[Pays, Refunds], activities=[pay, refund]):
            told = await client.execute_workflow(Pays.run, 5, id="pays", task_queue="q")
            assert told == "PayloadValidationError: amount"
            # What a workflow reads, its argument and the result of an activity, fails it, as with Temporal.
            for handle in (
                await client.start_workflow(Pays.run, -5, id="owes", task_queue="q"),
                await client.start_workflow(Refunds.run, id="refunds", task_queue="q"),
            ):
                with pytest.raises(WorkflowFailureError) as failed:
                    await handle.result()
                error = failed.value.cause
                assert isinstance(error, ApplicationError)
                assert (error.type, error.details) == ("PayloadValidationError", (VIOLATION,))
