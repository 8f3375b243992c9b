"""Random programs, in memory: each step of a workflow is replayed, workers come and go, code breaks and is mended."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from foldlog.client import (
    Client,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
)
from foldlog.exceptions import RPCError
from foldlog.schemas.event import WorkflowExecutionSignaled
from foldlog.testing import WorkflowEnvironment
from foldlog.worker import Replayer, Worker

from tests.unit.testing import programs
from tests.unit.testing.programs import QUEUE, Interpreter, random_chain, random_program, work

PROGRAMS = 20
"""At the same time."""
LIMIT = timedelta(minutes=1)
"""So that one that hangs is named."""

pytestmark = pytest.mark.filterwarnings("ignore:workflow .* ended while", "ignore:.*still running")


def a_worker(client: Client) -> Worker:
    """One that remembers nothing: whatever happens to a workflow, its code is brought back for it."""
    return Worker(client, task_queue=QUEUE, workflows=[Interpreter], activities=[work], max_cached_workflows=0)


@pytest.fixture
async def client(caplog: pytest.LogCaptureFixture) -> AsyncIterator[Client]:
    caplog.set_level(logging.CRITICAL, "foldlog")
    async with await WorkflowEnvironment.start_time_skipping() as environment:
        await environment.client.start_workflow(
            Interpreter.run, args=[["wait", 1_000_000], []], id="listener", task_queue=QUEUE
        )
        yield environment.client
    programs.broken.clear()


class Caller:
    """Starts one program, and does to it what can be done to workflows."""

    def __init__(self, client: Client, seed: int, mistakes: tuple[int, ...] = ()) -> None:
        self.client = client
        self.some = Random(seed)
        self.id = f"program-{seed}"
        self.mistakes = mistakes
        self.taken: list[int] = []
        """Signals that were."""
        self.updates: list[asyncio.Task[Any]] = []

    @property
    def current(self) -> WorkflowHandle[Any, Any]:
        return self.client.get_workflow_handle(self.id)

    async def run(self) -> list[str] | None:
        """Have it run; what it returns."""
        handle: WorkflowHandle[Any, Any] = await self.client.start_workflow(
            Interpreter.run, args=[random_chain(self.some, self.mistakes), []], id=self.id, task_queue=QUEUE
        )
        for number in range(self.some.randrange(2, 8)):
            for _ in range(self.some.choice([0, 1, 10, 100])):
                await asyncio.sleep(0)
            with suppress(RPCError, WorkflowQueryFailedError):  # it has ended, or stalls
                await self.say(number)
            if self.mistakes:
                programs.broken.symmetric_difference_update({self.some.choice(self.mistakes)})
        return await self._ended(handle)

    async def say(self, number: int) -> None:
        what = self.some.random()
        program = random_program(self.some, 1, self.mistakes)
        if what < 0.5:
            await self.current.signal(Interpreter.hear, args=[number, program])
            self.taken.append(number)
        elif what < 0.75:
            self.updates.append(asyncio.create_task(self.current.execute_update(Interpreter.update, program)))
        elif what < 0.85:
            await self.current.cancel()
        else:
            await self.current.query(Interpreter.steps)

    async def _ended(self, handle: WorkflowHandle[Any, Any]) -> list[str] | None:
        programs.broken.clear()
        try:
            found: list[str] | None = await handle.result(rpc_timeout=LIMIT)
        except WorkflowFailureError:
            found = None
        for answer in await asyncio.gather(*self.updates, return_exceptions=True):
            assert isinstance(answer, int | WorkflowUpdateFailedError | RPCError), answer
        return found

    async def runs(self) -> list[WorkflowHandle[Any, Any]]:
        """Each of its runs."""
        listed = self.client.list_workflows(f"WorkflowId = '{self.id}'")
        return [self.client.get_workflow_handle(self.id, run_id=run.run_id) async for run in listed]


async def all_replay(client: Client) -> int:
    """Whether the histories of all runs do; how many there are."""
    replayer, count = Replayer(workflows=[Interpreter]), 0
    async with replayer.workflow_replay_iterator(client.list_workflows().map_histories()) as results:
        async for result in results:
            assert result.replay_failure is None
            count += 1
    return count


@pytest.mark.parametrize("seed", range(0, 3 * PROGRAMS, PROGRAMS))
async def test_they_end_and_replay(client: Client, seed: int) -> None:
    callers = [Caller(client, seed + number) for number in range(PROGRAMS)]
    async with a_worker(client):
        for caller, result in zip(callers, await asyncio.gather(*(caller.run() for caller in callers)), strict=True):
            if result is not None:
                steps = await caller.current.query(Interpreter.steps)
                assert steps[: len(result)] == result, "brought back, it has done the same"
        assert await all_replay(client) > PROGRAMS


@pytest.mark.parametrize("seed", range(1_000, 1_000 + 3 * PROGRAMS, PROGRAMS))
async def test_no_signal_is_lost_or_heard_twice_while_their_code_breaks_and_is_mended(
    client: Client, seed: int
) -> None:
    callers = [Caller(client, seed + number, programs.MISTAKES) for number in range(PROGRAMS)]
    async with a_worker(client):
        await asyncio.gather(*(caller.run() for caller in callers))
        for caller in callers:
            recorded: list[int] = []
            heard: list[int] = []
            for run in await caller.runs():
                async for happened in run.fetch_history_events():
                    if isinstance(happened, WorkflowExecutionSignaled):
                        (number,) = await client.data_converter.decode(happened.args[:1])
                        recorded.append(number)
                heard += await run.query(Interpreter.numbers, rpc_timeout=LIMIT)
            assert sorted(heard) == sorted(caller.taken), "each by the code of one run"
            assert set(recorded) == set(caller.taken)
        assert await all_replay(client) > PROGRAMS


async def test_they_go_on_when_workers_come_and_go(client: Client) -> None:
    callers = [Caller(client, seed) for seed in range(2_000, 2_000 + PROGRAMS)]
    waiting = asyncio.gather(*(caller.run() for caller in callers))
    while not waiting.done():
        async with a_worker(client):
            await asyncio.wait([waiting], timeout=0.2)
    await waiting
    async with a_worker(client):
        assert await all_replay(client) > PROGRAMS
