"""The same history leads to the same decisions: in replay, in other processes, with other hash seeds."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from foldlog import workflow
from foldlog.core.decider import NondeterminismError
from foldlog.core.replay import replay
from foldlog.exceptions import ApplicationError
from foldlog.interceptor import Interceptor, WorkflowInboundInterceptor, WorkflowInterceptorClassInput
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.runtime.driver import Driver
from tests.unit.runtime.scenarios import Busy, play, transcript

ROOT = Path(__file__).parents[3]


@given(seed=st.integers(0, 2**32), rounds=st.integers(1, 4))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_interleaving_replays_to_the_same_decisions(seed: int, rounds: int) -> None:
    driver = play(random.Random(seed), rounds)
    decider = driver.replay()
    assert decider.stack() == driver.decider.stack()
    assert decider.random().random() == driver.decider.random().random()


@given(seed=st.integers(0, 2**32), data=st.data())
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_run_goes_on_alike_after_replay_from_any_point(seed: int, data: st.DataObject) -> None:
    driver = play(random.Random(seed), 2)
    outside = [index for index, record in enumerate(driver.events) if type(record).__name__ in _OUTSIDE and index > 0]
    cut = data.draw(st.sampled_from(outside))
    decider = driver.runtime.create("workflow-1", driver.started)
    replay(decider, driver.events[:cut])
    made = []
    for record in driver.events[cut:]:
        if type(record).__name__ in _OUTSIDE:
            made += decider.activate(record)
        else:
            decider.recorded(record)
    assert made == driver.decided[-len(made) :]
    assert decider.stack() == driver.decider.stack()


_OUTSIDE = {
    "WorkflowExecutionSignaled",
    "WorkflowExecutionUpdateAccepted",
    "ActivityTaskCompleted",
    "ActivityTaskFailed",
    "ActivityTaskTimedOut",
    "ActivityTaskCanceled",
    "TimerFired",
    "LocalActivityCompleted",
}


def test_the_same_in_processes_with_other_hash_seeds() -> None:
    here = transcript(play(random.Random(7)))
    for hash_seed in ("0", "1", "4711"):
        done = subprocess.run(
            [sys.executable, "-m", "tests.unit.runtime.scenarios", "7"],
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
        )
        assert done.stdout.strip() == here


def test_runs_differ_by_their_ids() -> None:
    @workflow.defn
    class Random:
        @workflow.run
        async def run(self) -> list[str]:
            return [str(workflow.uuid4()), str(workflow.random().random()), str(workflow.new_random().random())]

    results = [Driver(Random, run_id=run_id).result for run_id in ("a", "b", "a")]
    assert results[0] == results[2]
    assert not set(results[0]) & set(results[1])


# ---- when the code has changed


@workflow.defn(name="Changing")
class Before:
    @workflow.run
    async def run(self) -> None:
        await workflow.execute_activity("first", start_to_close_timeout=timedelta(seconds=1))
        await asyncio.sleep(1)
        await asyncio.gather(asyncio.sleep(2), asyncio.sleep(3))


@workflow.defn(name="Changing")
class After:
    @workflow.run
    async def run(self) -> None:
        await workflow.execute_activity("first", start_to_close_timeout=timedelta(seconds=1))
        await workflow.execute_activity("new", start_to_close_timeout=timedelta(seconds=1))
        await asyncio.sleep(1)


@workflow.defn(name="Changing")
class Shorter:
    @workflow.run
    async def run(self) -> None:
        await workflow.execute_activity("first", start_to_close_timeout=timedelta(seconds=1))


@workflow.defn(name="Changing")
class InATask:
    @workflow.run
    async def run(self) -> None:
        await asyncio.gather(asyncio.sleep(5))


@pytest.mark.parametrize(
    ("changed", "line", "where"),
    [
        (After, 'workflow.execute_activity("new"', "After.run"),
        (InATask, "asyncio.gather(asyncio.sleep(5))", "InATask.run"),
    ],
)
def test_the_first_difference_is_named_with_its_line(changed: type, line: str, where: str) -> None:
    driver = Driver(Before, workflow_type="Changing")
    driver.complete("first")
    other = Driver(changed, workflow_type="Changing", start=False)
    with pytest.raises(NondeterminismError) as raised:
        other.replay(driver.events)
    number = next(n for n, text in enumerate(Path(__file__).read_text().splitlines(), 1) if line in text)
    assert f"test_determinism.py:{number} in {where}" in str(raised.value)


@workflow.defn(name="Ending")
class Waits:
    """Waits, in its handlers too."""

    @workflow.run
    async def run(self) -> None:
        await asyncio.sleep(1)
        await asyncio.sleep(2)

    @workflow.signal
    async def tell(self) -> None:
        await asyncio.sleep(3)

    @workflow.update
    async def ask(self) -> str:
        await asyncio.sleep(4)
        return "in time"


@workflow.defn(name="Ending")
class Returns(Waits):
    @workflow.run
    async def run(self) -> None:
        await asyncio.sleep(1)
        if self:
            return  # earlier


@workflow.defn(name="Ending")
class Raises(Waits):
    @workflow.run
    async def run(self) -> None:
        await asyncio.sleep(1)
        self.fail()

    def fail(self) -> None:
        raise ApplicationError("in a function")


@workflow.defn(name="Ending")
class SignalRaises(Waits):
    @workflow.run
    async def run(self) -> None:
        await Waits.run(self)

    @workflow.signal
    async def tell(self) -> None:
        raise ApplicationError("in a signal's handler")


@workflow.defn(name="Ending")
class UpdateReturns(SignalRaises):
    @workflow.run
    async def run(self) -> None:
        await Waits.run(self)

    @workflow.signal
    async def tell(self) -> None:
        await asyncio.sleep(3)

    @workflow.update
    async def ask(self) -> str:
        return "early"


@workflow.defn(name="Ending")
class UpdateRaises(UpdateReturns):
    @workflow.run
    async def run(self) -> None:
        await Waits.run(self)

    @workflow.update
    async def ask(self) -> str:
        raise ApplicationError("in an update's handler")


@workflow.defn(name="Ending")
class UpdateDoesNotWait(UpdateReturns):
    @workflow.run
    async def run(self) -> None:
        await Waits.run(self)

    @workflow.update
    def ask(self) -> str:  # type: ignore[override]  # where it begins is shown
        return "at once"


class Around(Interceptor):
    def workflow_interceptor_class(self, input: WorkflowInterceptorClassInput) -> type[WorkflowInboundInterceptor]:
        return WorkflowInboundInterceptor


@pytest.mark.parametrize(
    ("changed", "decision", "line", "where"),
    [
        (Returns, "CompleteWorkflow", "return  # earlier", "Returns.run"),
        (Raises, "FailWorkflow", 'raise ApplicationError("in a function")', "Raises.fail"),
        (SignalRaises, "FailWorkflow", 'raise ApplicationError("in a signal', "SignalRaises.tell"),
        (UpdateReturns, "CompleteUpdate", 'return "early"', "UpdateReturns.ask"),
        (UpdateRaises, "CompleteUpdate", 'raise ApplicationError("in an update', "UpdateRaises.ask"),
        (UpdateDoesNotWait, "CompleteUpdate", "# where it begins is shown", "UpdateDoesNotWait.ask"),
    ],
)
def test_an_end_that_differs_is_named_with_its_line(changed: type, decision: str, line: str, where: str) -> None:
    driver = Driver(Waits, workflow_type="Ending")
    driver.signal("tell")
    driver.update("ask")
    driver.fire()
    driver.replay()
    number = next(n for n, text in enumerate(Path(__file__).read_text().splitlines(), 1) if line in text)
    for interceptors in ((), [Around()]):
        other = Driver(changed, workflow_type="Ending", start=False, interceptors=interceptors)
        if changed is UpdateDoesNotWait:
            shown = number - 1  # its decorator
        elif interceptors and line.startswith("return"):
            shown = getattr(changed, where.partition(".")[2]).__code__.co_firstlineno
        else:
            shown = number
        with pytest.raises(NondeterminismError) as raised:
            other.replay(driver.events)
        assert f"decides {decision}" in str(raised.value)
        assert str(raised.value).endswith(f" at {__file__}:{shown} in {where}")


def test_code_that_decides_less_is_found_too() -> None:
    driver = Driver(Before, workflow_type="Changing")
    driver.complete("first")
    other = Driver(Shorter, workflow_type="Changing", start=False)
    with pytest.raises(NondeterminismError, match="TimerStarted"):
        other.replay(driver.events)


@workflow.defn(name="Cancelling")
class CancelsFirst:
    which = 0

    @workflow.run
    async def run(self) -> None:
        limit = timedelta(seconds=1)
        handles = [workflow.start_activity(name, start_to_close_timeout=limit) for name in ("first", "second")]
        await asyncio.sleep(1)
        handles[self.which].cancel()
        await asyncio.sleep(1)


@workflow.defn(name="Cancelling")
class CancelsSecond(CancelsFirst):
    which = 1

    @workflow.run
    async def run(self) -> None:
        await CancelsFirst.run(self)


def test_that_another_activity_is_cancelled_is_found_too() -> None:
    driver = Driver(CancelsFirst, workflow_type="Cancelling")
    driver.fire()
    driver.replay()
    other = Driver(CancelsSecond, workflow_type="Cancelling", start=False)
    expected = r"ActivityTaskCancelRequested\(activity_id='1'\) .* decides RequestCancelActivity\(activity_id='2'\)"
    with pytest.raises(NondeterminismError, match=expected):
        other.replay(driver.events)


def test_decisions_carry_their_source_only_in_replay() -> None:
    driver = Driver(Before, workflow_type="Changing")
    driver.complete("first")
    driver.fire()
    assert {decision.source for decision in driver.decided} == {""}
    decider = driver.runtime.create("workflow-1", driver.started)
    decider.replaying = True
    sources = []
    for record in driver.events:
        if type(record).__name__ in _OUTSIDE | {"WorkflowExecutionStarted"}:
            sources += [decision.source for decision in decider.activate(record)]
        else:
            decider.recorded(record)
    assert len(sources) == 4
    assert all("test_determinism.py:" in source and source.endswith("in Before.run") for source in sources)


def test_a_query_sees_the_same_after_replay() -> None:
    driver = play(random.Random(3))
    assert driver.replay().query("__stack_trace", []) == driver.decider.query("__stack_trace", [])
    assert Busy.__name__ == driver.started.workflow_type
