"""Runs that a difference between their history and their code fails, where that is asked for."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from foldlog import workflow
from foldlog.client import WorkflowExecutionStatus, WorkflowFailureError
from foldlog.common import RawValue, RetryPolicy
from foldlog.converter import (
    DataConverter,
    DefaultFailureConverter,
    DefaultFailureConverterWithEncodedAttributes,
    PayloadCodec,
    PayloadConverter,
)
from foldlog.exceptions import ApplicationError
from foldlog.schemas.common import Failure, Payload
from foldlog.testing import WorkflowEnvironment
from foldlog.worker import Replayer, Worker

SOON = timedelta(seconds=5)


class Waiting:
    """Waits for a signal, which it need not have had before."""

    said: list[str]
    first: float

    async def steps(self) -> str:
        await asyncio.sleep(self.first)
        await workflow.wait_condition(lambda: bool(self.said))
        return ",".join(self.said)

    @workflow.signal
    def say(self, word: str) -> None:
        self.said.append(word)


def version(first: float, types: Sequence[type[BaseException]]) -> type:
    """A class that waits for a timer first, or, with 0, does not."""

    @workflow.defn(name="Changing", failure_exception_types=types)
    class Changing(Waiting):
        def __init__(self) -> None:
            self.said, self.first = [], first

        @workflow.run
        async def run(self) -> str:
            return await self.steps()

    return Changing


def dynamic(first: float, types: Sequence[type[BaseException]]) -> type:
    """The same, and only its object says what fails it."""

    @workflow.defn(dynamic=True)
    class Changing(Waiting):
        def __init__(self) -> None:
            self.said, self.first = [], first

        @workflow.dynamic_config
        def config(self) -> workflow.DynamicWorkflowConfig:
            return workflow.DynamicWorkflowConfig(failure_exception_types=types)

        @workflow.run
        async def run(self, args: Sequence[RawValue]) -> str:
            return await self.steps()

    return Changing


class Base64(PayloadCodec):
    """Makes of payloads what nobody reads who does not have it."""

    async def encode(self, payloads: Iterable[Payload]) -> list[Payload]:
        return [Payload(encoding="b64", data=base64.b64encode(each.data)) for each in payloads]

    async def decode(self, payloads: Iterable[Payload]) -> list[Payload]:
        return [Payload(encoding="json/plain", data=base64.b64decode(each.data)) for each in payloads]


class Lavish(DefaultFailureConverter):
    """Tells so much of a failure that no record can hold it."""

    def to_failure(
        self, exception: BaseException, payload_converter: PayloadConverter, failure: Failure | None = None
    ) -> Failure:
        made = super().to_failure(exception, payload_converter, failure)
        made.message += "x" * 1_100_000
        return made


LAVISH = DataConverter(failure_converter_class=Lavish)
CODED = DataConverter(payload_codec=Base64(), failure_converter_class=DefaultFailureConverterWithEncodedAttributes)


@pytest.mark.parametrize("make", [version, dynamic])
@pytest.mark.parametrize("converter", [None, CODED], ids=["plain", "coded"])
async def test_a_difference_fails_a_run_that_says_so(make: Any, converter: DataConverter | None) -> None:
    types = [workflow.NondeterminismError]
    async with await WorkflowEnvironment.start_time_skipping(data_converter=converter) as environment:
        client = environment.client
        async with Worker(client, task_queue="q", workflows=[make(100, types)]):
            handle = await client.start_workflow("Changing", id="w", task_queue="q", result_type=str)
        async with Worker(client, task_queue="q", workflows=[make(0, types)]):
            await handle.signal("say", "once")
            with pytest.raises(WorkflowFailureError) as failed:
                await handle.result(rpc_timeout=SOON)
            cause = failed.value.cause
            assert isinstance(cause, ApplicationError)
            assert cause.type == "NondeterminismError"
            assert "Nondeterminism error: event 2 TimerStarted" in cause.message
            history = await handle.fetch_history()
        replayer = Replayer(workflows=[make(0, types)], data_converter=converter or DataConverter.default)
        with pytest.raises(workflow.NondeterminismError):
            await replayer.replay_workflow(history)


async def test_types_of_the_worker_count_too_and_others_do_not() -> None:
    async with await WorkflowEnvironment.start_time_skipping() as environment:
        client = environment.client
        async with Worker(client, task_queue="q", workflows=[version(100, [])]):
            handle = await client.start_workflow("Changing", id="w", task_queue="q", result_type=str)
        async with Worker(client, task_queue="q", workflows=[version(0, [ValueError])]):
            await handle.signal("say", "once")
            found = await handle.describe()
            assert found.status is WorkflowExecutionStatus.RUNNING
            assert "no longer decides" in found.stalled_error
            await handle.signal("say", "kept")
        changed = version(0, [])
        async with Worker(client, task_queue="q", workflows=[changed], workflow_failure_exception_types=[Exception]):
            with pytest.raises(WorkflowFailureError, match="NondeterminismError"):
                await handle.result(rpc_timeout=SOON)
            history = await handle.fetch_history()
        assert [type(each).__name__ for each in history.events].count("WorkflowExecutionSignaled") == 2


async def test_a_run_that_follows_the_failed_one_is_of_the_new_code_and_has_what_waited() -> None:
    async with await WorkflowEnvironment.start_time_skipping() as environment:
        client = environment.client
        async with Worker(client, task_queue="q", workflows=[version(100, [])]):
            handle = await client.start_workflow(
                "Changing", id="w", task_queue="q", result_type=str, retry_policy=RetryPolicy(maximum_attempts=2)
            )
        async with Worker(client, task_queue="q", workflows=[version(0, [])]):
            await handle.signal("say", "told")
            await handle.signal("say", "kept")
        async with Worker(client, task_queue="q", workflows=[version(0, [workflow.NondeterminismError])]):
            assert await handle.result(rpc_timeout=SOON) == "kept"


@pytest.mark.parametrize("attempts", [1, 2])
@pytest.mark.parametrize("stalls_before", [False, True])
async def test_a_failure_that_no_record_can_hold_stalls_the_run(stalls_before: bool, attempts: int) -> None:
    retry = RetryPolicy(maximum_attempts=attempts)
    types = [workflow.NondeterminismError]
    async with await WorkflowEnvironment.start_time_skipping() as environment:
        client = environment.client
        async with Worker(client, task_queue="q", workflows=[version(100, types)]):
            handle = await client.start_workflow(
                "Changing", id="w", task_queue="q", result_type=str, retry_policy=retry
            )
        if stalls_before:
            async with Worker(client, task_queue="q", workflows=[version(0, [])]):
                await handle.signal("say", "kept")
                assert "no longer decides" in (await handle.describe()).stalled_error
        lavish = await environment.connect_client(data_converter=LAVISH)
        async with Worker(lavish, task_queue="q", workflows=[version(0, types)]):
            await handle.signal("say", "kept too")
            await environment.sleep(120)
            await handle.signal("say", "last")
            found = await handle.describe()
            assert found.status is WorkflowExecutionStatus.RUNNING
            assert "WorkflowExecutionFailed has 11" in found.stalled_error
        async with Worker(client, task_queue="q", workflows=[version(0, types)]):
            if attempts > 1:
                # A signal that was told before the failure is in the history of the run that failed.
                assert await handle.result(rpc_timeout=SOON) == ("kept too,last" if stalls_before else "last")
            else:
                with pytest.raises(WorkflowFailureError, match="NondeterminismError"):
                    await handle.result(rpc_timeout=SOON)
