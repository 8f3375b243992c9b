"""Scenarios of converters that find values which can be read, but are not valid."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from foldlog import activity, workflow
from foldlog.client import Client, WorkflowFailureError
from foldlog.converter import DataConverter, DefaultPayloadConverter, create_payload_validation_error
from foldlog.exceptions import ActivityError, ApplicationError
from foldlog.schemas.common import Payload
from foldlog.worker import Worker

from tests.conformance.scenarios import QUEUE, SOON, Place, Scenario
from tests.until import until

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
            await workflow.execute_activity(pay, -owed, start_to_close_timeout=SOON)
        except ActivityError as error:
            cause = error.cause
            return f"{cause.type}: {cause.details[0]['path']}" if isinstance(cause, ApplicationError) else "?"
        return "paid"


@workflow.defn
class Refunds:
    @workflow.run
    async def run(self) -> int:
        return await workflow.execute_activity(refund, start_to_close_timeout=SOON)


async def what_is_not_valid_fails_at_once_whoever_reads_it(here: Place) -> None:
    converter = replace(DataConverter.default, payload_converter_class=Strict)
    config: dict[str, Any] = {**here.client.config(), "data_converter": converter}
    client = Client(**config)
    folder = here.folder / uuid.uuid4().hex
    async with Worker(
        client, task_queue=QUEUE, workflows=[Pays, Refunds], activities=[pay, refund], state_dir=folder
    ) as worker:
        await until(lambda: worker.ready, "the worker is ready")

        def options() -> dict[str, Any]:
            return {"id": uuid.uuid4().hex, "task_queue": QUEUE, "rpc_timeout": SOON}

        told = await client.execute_workflow(Pays.run, 5, **options())
        assert told == "PayloadValidationError: amount"
        # What a workflow reads, its argument and the result of an activity, fails it, as with Temporal.
        for handle in (
            await client.start_workflow(Pays.run, -5, **options()),
            await client.start_workflow(Refunds.run, **options()),
        ):
            with pytest.raises(WorkflowFailureError) as failed:
                await handle.result(rpc_timeout=SOON)
            error = failed.value.cause
            assert isinstance(error, ApplicationError)
            assert (error.type, error.details) == ("PayloadValidationError", (VIOLATION,))
        await here.replay_with(worker)


ALONE: list[Scenario] = [what_is_not_valid_fails_at_once_whoever_reads_it]
"""Scenarios that bring their own workers."""
