"""Replay of histories as a test: what is the same, what differs, and what is no history."""

from __future__ import annotations

import asyncio
import itertools
import re
import threading
from collections.abc import AsyncIterator, Iterable
from datetime import timedelta
from typing import Any

import pytest
from foldlog import activity, workflow
from foldlog.client import (
    HeaderCodecBehavior,
    HistoryFormatError,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowHistory,
)
from foldlog.converter import DataConverter
from foldlog.converter.encryption import AESGCMCodec
from foldlog.exceptions import ConfigurationError
from foldlog.schemas import event
from foldlog.testing import WorkflowEnvironment
from foldlog.worker import Replayer, Worker, WorkflowReplayError
from foldlog.workflow import NondeterminismError
from msgspec.structs import replace

from examples.interceptors.context import TenantInterceptor, tenant
from tests.until import until_asked

TIMEOUT = timedelta(seconds=10)


@activity.defn
async def first() -> int:
    return 1


@activity.defn
async def second() -> int:
    return 2


@workflow.defn(name="Steps")
class Steps:
    def __init__(self) -> None:
        self._go = False

    @workflow.run
    async def run(self) -> int:
        one = await workflow.execute_activity(first, start_to_close_timeout=TIMEOUT)
        await workflow.wait_condition(lambda: self._go)
        return one

    @workflow.signal
    def go(self) -> None:
        self._go = True


@workflow.defn
class ForTenant:
    @workflow.run
    async def run(self) -> int:
        if tenant.get() is None:
            await workflow.sleep(1)
        return await workflow.execute_activity(first, start_to_close_timeout=TIMEOUT)


@workflow.defn(name="Steps")
class OtherActivity(Steps):
    @workflow.run
    async def run(self) -> int:
        return await workflow.execute_activity(second, start_to_close_timeout=TIMEOUT)


@workflow.defn(name="Steps")
class TwoActivities(Steps):
    @workflow.run
    async def run(self) -> int:
        pair = [workflow.execute_activity(each, start_to_close_timeout=TIMEOUT) for each in (first, second)]
        return sum(await asyncio.gather(*pair))


@workflow.defn(name="Steps")
class NoActivity(Steps):
    @workflow.run
    async def run(self) -> int:
        await workflow.wait_condition(lambda: self._go)
        return 1


@workflow.defn(name="Steps")
class Broken(Steps):
    @workflow.run
    async def run(self) -> int:
        raise KeyError("nobody")


@workflow.defn(name="Steps")
class Hurried(Steps):
    @workflow.run
    async def run(self) -> int:
        return await workflow.execute_activity(first, start_to_close_timeout=TIMEOUT)


async def recorded(*, ends: bool = True) -> WorkflowHistory:
    """The history of one run."""
    async with await WorkflowEnvironment.start_time_skipping() as environment:
        client = environment.client
        async with Worker(client, task_queue="q", workflows=[Steps], activities=[first, second]):
            handle = await client.start_workflow(Steps.run, id="steps", task_queue="q")
            await until_asked(lambda: three(handle), "the activity has ended")
            history = await handle.fetch_history()
            if ends:
                await handle.signal(Steps.go)
                assert await handle.result() == 1
                history = await handle.fetch_history()
            return history


async def three(handle: WorkflowHandle[Any, Any]) -> bool:
    return len((await handle.fetch_history()).events) == 3


async def failure(workflow_class: type, history: WorkflowHistory) -> str:
    with pytest.raises(NondeterminismError) as raised:
        await Replayer(workflows=[workflow_class]).replay_workflow(history)
    assert str(raised.value).startswith(f"workflow 'steps', run {history.run_id}: ")
    return str(raised.value)


async def test_the_code_that_was_recorded_replays_to_every_event() -> None:
    history = await recorded()
    replayer = Replayer(workflows=[Steps])
    whole = [*range(1, len(history.events) + 1)]
    for count in whole:
        part = WorkflowHistory(history.workflow_id, history.events[:count])
        assert (await replayer.replay_workflow(part)).replay_failure is None
    assert len(whole) >= 5


async def test_another_activity_is_told_with_its_line() -> None:
    told = await failure(OtherActivity, await recorded())
    assert "event 2 ActivityTaskScheduled(activity_type='first'" in told
    assert "now decides ScheduleActivity(activity_type='second'" in told
    assert f"{__file__}:" in told
    assert "in OtherActivity.run" in told


async def test_an_activity_that_is_gone_is_told_with_the_line_where_the_code_waits() -> None:
    told = await failure(NoActivity, await recorded())
    assert "no longer decides ScheduleActivity here; it waits here:" in told
    assert "in NoActivity.run" in told


async def test_an_end_that_comes_earlier_is_told() -> None:
    told = await failure(Hurried, await recorded())
    assert "event 4 WorkflowExecutionSignaled(signal_name='go') comes next in the history" in told
    assert "before it the workflow code now decides CompleteWorkflow" in told


async def test_one_more_decision_at_the_end_is_told_too() -> None:
    history = await recorded(ends=False)
    started = WorkflowHistory(history.workflow_id, history.events[:2])
    told = await failure(TwoActivities, started)
    assert "the history ends after event 2 ActivityTaskScheduled(activity_type='first'" in told
    assert "now also decides ScheduleActivity(activity_type='second'" in told
    assert "the end of the history is missing" in told


async def test_a_history_that_ends_within_an_activation_is_told() -> None:
    history = await recorded(ends=False)
    scheduled = history.events[1]
    assert isinstance(scheduled, event.ActivityTaskScheduled)
    again = replace(scheduled, event_id=3, activity_id="2", activity_type="second")
    both = WorkflowHistory("steps", [*history.events[:2], again])
    assert (await Replayer(workflows=[TwoActivities]).replay_workflow(both)).replay_failure is None
    assert "the end of the history is missing" in await failure(
        TwoActivities, WorkflowHistory("steps", both.events[:2])
    )


async def test_code_that_raises_is_no_difference_but_a_failure() -> None:
    with pytest.raises(WorkflowReplayError, match="KeyError: 'nobody'") as raised:
        await Replayer(workflows=[Broken]).replay_workflow(await recorded())
    assert "in run" in raised.value.stack_trace
    assert isinstance(raised.value, RuntimeError)


async def test_failure_types_are_the_workers() -> None:
    async with await WorkflowEnvironment.start_time_skipping() as environment:
        client = environment.client
        worker = Worker(
            client, task_queue="q", workflows=[Broken], activities=[first], workflow_failure_exception_types=[KeyError]
        )
        async with worker:
            handle = await client.start_workflow(Broken.run, id="steps", task_queue="q")
            with pytest.raises(WorkflowFailureError):
                await handle.result()
            history = await handle.fetch_history()
    await Replayer(workflows=[Broken], workflow_failure_exception_types=[KeyError]).replay_workflow(history)
    with pytest.raises(WorkflowReplayError):
        await Replayer(workflows=[Broken]).replay_workflow(history)


async def test_a_type_that_is_not_registered_is_named() -> None:
    @workflow.defn
    class Elsewhere:
        @workflow.run
        async def run(self) -> None:
            pass

    with pytest.raises(WorkflowReplayError, match="Steps is not registered in this process; registered: Elsewhere"):
        await Replayer(workflows=[Elsewhere]).replay_workflow(await recorded())


async def test_what_cannot_be_a_history_is_said() -> None:
    history = await recorded()
    replayer = Replayer(workflows=[Steps])

    async def refused(events: Iterable[Any], match: str) -> None:
        with pytest.raises(HistoryFormatError, match=match):
            await replayer.replay_workflow(WorkflowHistory("steps", list(events)))

    await refused([], "has no events")
    await refused(history.events[1:], "begins with ActivityTaskScheduled")
    await refused([history.events[0], history.events[2]], "has event 3 where event 2 should be")
    stranger = replace(history.events[1], run_id="other")
    await refused([history.events[0], stranger], "events of two runs")


async def test_made_up_events_are_a_failure_and_no_crash() -> None:
    history = await recorded()
    made_up: Any = event.TimerStarted(run_id=history.run_id, event_id=2, timer_id=1, fire_ms=1)
    made_up.fire_ms = "soon"
    result = await Replayer(workflows=[Steps]).replay_workflow(
        WorkflowHistory("steps", [history.events[0], made_up]), raise_on_replay_failure=False
    )
    assert isinstance(result.replay_failure, WorkflowReplayError)
    assert "fire_ms" in str(result.replay_failure)


async def test_many_histories() -> None:
    history = await recorded()
    other = WorkflowHistory("other", [replace(each, run_id="other") for each in history.events])
    empty = WorkflowHistory("empty", [])

    async def corpus() -> AsyncIterator[WorkflowHistory]:
        for each in (history, other, empty):
            yield each

    results = await Replayer(workflows=[Steps]).replay_workflows(corpus(), raise_on_replay_failure=False)
    assert list(results.replay_failures) == [""]
    results = await Replayer(workflows=[NoActivity]).replay_workflows(corpus(), raise_on_replay_failure=False)
    assert list(results.replay_failures) == [history.run_id, "other", ""]
    with pytest.raises(NondeterminismError, match="workflow 'steps'"):
        await Replayer(workflows=[NoActivity]).replay_workflows(corpus())
    async with Replayer(workflows=[Steps]).workflow_replay_iterator(corpus()) as iterator:
        assert [result.replay_failure is None async for result in iterator] == [True, True, False]


async def test_histories_of_the_runs_that_are_listed() -> None:
    async with await WorkflowEnvironment.start_time_skipping() as environment:
        client = environment.client
        async with Worker(client, task_queue="q", workflows=[Hurried], activities=[first]):
            for name in "ab":
                await client.execute_workflow(Hurried.run, id=name, task_queue="q")
            results = await Replayer(workflows=[Hurried]).replay_workflows(client.list_workflows().map_histories())
            assert results.replay_failures == {}
            found = [history.workflow_id async for history in client.list_workflows().map_histories()]
    assert sorted(found) == ["a", "b"]


async def test_options() -> None:
    with pytest.raises(ConfigurationError, match="needs workflows"):
        Replayer(workflows=[])
    with pytest.raises(TypeError, match="no option nosuch"):
        Replayer(workflows=[Steps], nosuch=1)  # type: ignore[call-arg]
    with pytest.raises(ConfigurationError, match="deadlock_timeout must be more than 0"):
        Replayer(workflows=[Steps], deadlock_timeout=timedelta())
    replayer = Replayer(workflows=[Steps], deadlock_timeout=timedelta(seconds=5), debug_mode=True, identity="me")
    assert Replayer(**replayer.config()).config() == replayer.config()
    assert replayer.config()["debug_mode"]


SPIN: list[Iterable[Any]] = []
"""How often the code of `Spinning` spins."""


@workflow.defn(name="Steps")
class Spinning:
    def __init__(self) -> None:
        self._go = False

    @workflow.run
    async def run(self) -> int:
        one = await workflow.execute_activity(first, start_to_close_timeout=TIMEOUT)
        _spin(SPIN[0])
        await workflow.wait_condition(lambda: self._go)
        return one

    @workflow.signal
    def go(self) -> None:
        self._go = True


def _spin(times: Iterable[Any]) -> None:
    for _ in times:
        pass


async def test_code_that_does_not_yield_fails_its_replay_and_no_other() -> None:
    history = await recorded()

    async def corpus() -> AsyncIterator[WorkflowHistory]:
        for times in (itertools.repeat(None), ()):
            SPIN[:] = [times]
            yield history

    replayer = Replayer(workflows=[Spinning], deadlock_timeout=timedelta(seconds=0.02))
    async with replayer.workflow_replay_iterator(corpus()) as iterator:
        hung, well = [result.replay_failure async for result in iterator]
    assert isinstance(hung, WorkflowReplayError)
    assert re.fullmatch(
        rf"workflow 'steps', run {history.run_id}: \[deadlock\] workflow code did not yield for 0.2 s in replay at "
        r".*test_replayer.py:\d+ in _spin",
        str(hung),
    )
    assert "in Spinning.run" in hung.stack_trace
    assert well is None


async def test_code_may_take_its_time_where_somebody_steps_through_it() -> None:
    history = await recorded()
    stepped = threading.Event()
    SPIN[:] = [iter(stepped.is_set, True)]
    threading.Timer(1, stepped.set).start()  # far more than is needed to interrupt it
    replayer = Replayer(workflows=[Spinning], deadlock_timeout=timedelta(seconds=0.01), debug_mode=True)
    await replayer.replay_workflow(history)


async def test_histories_with_codec_interceptors_and_headers_are_replayed() -> None:
    converter = DataConverter(payload_codec=AESGCMCodec({"k": b"k" * 32}))
    interceptors = [TenantInterceptor()]
    async with await WorkflowEnvironment.start_time_skipping(
        data_converter=converter, interceptors=interceptors, header_codec_behavior=HeaderCodecBehavior.CODEC
    ) as env:
        async with Worker(env.client, task_queue="q", workflows=[ForTenant], activities=[first]):
            tenant.set("acme")
            handle = await env.client.start_workflow(ForTenant.run, id="coded", task_queue="q")
            assert await handle.result() == 1
            history = await handle.fetch_history()
    same = Replayer(
        workflows=[ForTenant],
        data_converter=converter,
        interceptors=interceptors,
        header_codec_behavior=HeaderCodecBehavior.CODEC,
    )
    await same.replay_workflow(history)
    # Without the header, the code takes another way; without the codec, the header is no text.
    with pytest.raises(NondeterminismError):
        await Replayer(workflows=[ForTenant], data_converter=converter).replay_workflow(history)
    with pytest.raises(WorkflowReplayError):
        await Replayer(workflows=[ForTenant], interceptors=interceptors).replay_workflow(history)
