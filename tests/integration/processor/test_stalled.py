"""Workflows whose code cannot go on: stalled and visible, never lost, and never in the way of others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from foldlog import workflow
from foldlog.client import WorkflowExecutionDescription, WorkflowExecutionStatus, WorkflowFailureError

from tests.integration.processor.running import SOON, Place, place
from tests.integration.processor.workloads import LIMIT, Summing, Waiting, echo
from tests.until import until_asked


@pytest.fixture
async def here(kafka: str, namespace: str, tmp_path: Path) -> AsyncIterator[Place]:
    async with place(kafka, namespace, tmp_path) as found:
        yield found


@workflow.defn(name="Changing")
class Before:
    """Waits for a signal, and for a timer."""

    def __init__(self) -> None:
        self._words: list[str] = []

    @workflow.run
    async def run(self) -> list[str]:
        await workflow.execute_activity(echo, "first", start_to_close_timeout=LIMIT)
        await workflow.wait_condition(lambda: "go" in self._words)
        await asyncio.sleep(0.01)
        return self._words

    @workflow.signal
    def say(self, word: str) -> None:
        self._words.append(word)


@workflow.defn(name="Changing")
class After:
    """The same with another beginning, which no run that has begun can follow."""

    def __init__(self) -> None:
        self._words: list[str] = []

    @workflow.run
    async def run(self) -> list[str]:
        await asyncio.sleep(0.01)  # the first difference
        return self._words

    @workflow.signal
    def say(self, word: str) -> None:
        self._words.append(word)


@workflow.defn(name="Strict", failure_exception_types=[workflow.NondeterminismError])
class StrictBefore(Before):
    """As that, but a difference is to end it."""

    @workflow.run
    async def run(self) -> list[str]:
        return await super().run()


@workflow.defn(name="Strict", failure_exception_types=[workflow.NondeterminismError])
class StrictAfter(After):
    @workflow.run
    async def run(self) -> list[str]:
        return await super().run()


def line_of_first_difference() -> int:
    lines = Path(__file__).read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if line.endswith("# the first difference"))


async def stalled(handle: Any) -> WorkflowExecutionDescription:
    """The description of a workflow, once it is stalled."""

    async def ask() -> WorkflowExecutionDescription | None:
        found: WorkflowExecutionDescription = await handle.describe(rpc_timeout=SOON)
        return found if found.stalled_error else None

    found: WorkflowExecutionDescription = await until_asked(ask, "the workflow is stalled")
    return found


async def test_changed_code_stalls_with_the_first_difference_and_fitting_code_resumes(here: Place) -> None:
    async with here.worker(workflows=[Before, Summing, StrictBefore]):
        handle = await here.start(Before.run, id="changing")
        await handle.signal(Before.say, "early")
        strict = await here.start(StrictBefore.run, id="strict")
        neighbour = await here.start(Summing.run, id="neighbour")
        await until_asked(lambda: _activity_is_done(handle), "the activity is done")
    async with here.worker(workflows=[After, Summing, StrictAfter]):
        await strict.signal("say", "meanwhile", rpc_timeout=SOON)
        with pytest.raises(WorkflowFailureError) as failed:
            await strict.result(rpc_timeout=SOON)
        assert "now decides StartTimer" in str(failed.value.cause)
        await handle.signal("say", "meanwhile", rpc_timeout=SOON)
        found = await stalled(handle)
        message = found.stalled_error
        place_of_difference = f"{Path(__file__).name}:{line_of_first_difference()}"
        for part in ("event 2 ActivityTaskScheduled", "echo", "StartTimer", place_of_difference):
            assert part in message, message
        await handle.signal("say", "go", rpc_timeout=SOON)
        assert (await handle.describe()).deferred_commands == 1  # the first one is in the history already
        # Neighbours in the same process and partition go on.
        await neighbour.signal(Summing.add, 3)
        assert (await neighbour.query(Summing.seen)).numbers == [3]
    async with here.worker(workflows=[Before, Summing]):
        assert await handle.result(rpc_timeout=SOON) == ["early", "meanwhile", "go"]
        await neighbour.signal(Summing.end)
        assert (await neighbour.result()).numbers == [3]
    found_log = await here.check()
    assert found_log.kinds("changing").count("WorkflowExecutionSignaled") == 3
    assert found_log.kinds("strict")[-2:] == ["WorkflowExecutionSignaled", "WorkflowExecutionFailed"]


async def _activity_is_done(handle: Any) -> bool:
    found: WorkflowExecutionDescription = await handle.describe()
    return found.history_length >= 4 and not found.pending_activities


async def test_a_type_that_nobody_has_waits_for_a_processor_that_has_it(here: Place) -> None:
    async with here.worker(workflows=[Summing]):
        handle = await here.start("Waiting", id="unknown", rpc_timeout=SOON)
        found = await stalled(handle)
        for part in ("Waiting", "Summing"):
            assert part in found.stalled_error, found.stalled_error
        rows = {row.id: row async for row in here.client.list_workflows()}
        assert rows["unknown"].stalled_error == found.stalled_error
        await handle.signal("end", rpc_timeout=SOON)
        other = await here.start(Summing.run, id="known")
        await other.signal(Summing.end)
        await other.result(rpc_timeout=SOON)
    async with here.worker(workflows=[Summing, Waiting]):
        assert await handle.result(rpc_timeout=SOON) == "ended"
    await here.check()


BROKEN = True


@workflow.defn
class Raising:
    """Fails as bugs do: with an exception that is no workflow failure."""

    @workflow.run
    async def run(self, how: str) -> str:
        if BROKEN:
            if how == "exit":
                raise SystemExit(3)
            if how == "endless":
                raise RuntimeError("x" * 2_000_000)
            raise ZeroDivisionError("the bug")
        return "repaired"


@pytest.mark.parametrize("how", ["error", "exit", "endless"])
async def test_an_unexpected_exception_stalls_until_the_code_is_repaired(here: Place, how: str) -> None:
    global BROKEN
    BROKEN = True
    async with here.worker(workflows=[Raising, Waiting]) as worker:
        handle = await here.start(Raising.run, how, id="raising")
        found = await stalled(handle)
        expected = {"error": "the bug", "exit": "SystemExit", "endless": "xxxx"}[how]
        assert expected in found.stalled_error + found.stalled_stack
        assert Path(__file__).name in found.stalled_stack
        other = await here.start(Waiting.run, id="other")
        await other.signal(Waiting.end)
        assert await other.result(rpc_timeout=SOON) == "ended"
        assert worker.healthy()
        # It is tried again by itself, with growing pauses.
        BROKEN = False
        assert await handle.result(rpc_timeout=SOON) == "repaired"
    await here.check()


async def test_a_stalled_workflow_can_be_terminated(here: Place) -> None:
    async with here.worker(workflows=[Summing]):
        handle = await here.start("Nowhere", id="hopeless", rpc_timeout=SOON)
        await stalled(handle)
        await handle.signal("anything", rpc_timeout=SOON)
        await handle.terminate(reason="enough")
        found = await handle.describe()
        assert found.status is WorkflowExecutionStatus.TERMINATED
    log = await here.check()
    assert log.kinds("hopeless") == [
        "WorkflowExecutionStarted",
        "WorkflowTaskScheduled",
        "WorkflowExecutionSignaled",
        "WorkflowExecutionTerminated",
    ]
