"""Activities in a process pool: context, heartbeats and cancellation across the boundary."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.managers import SyncManager
from types import FrameType
from typing import Any

import pytest
from foldlog import activity
from foldlog.converter import PayloadConverter
from foldlog.exceptions import ApplicationError
from foldlog.worker import SharedStateManager
from foldlog.worker.outcome import Completed, Failed, LeftOpen
from foldlog.worker.processes import ProcessBridge

from tests.until import until

from .harness import Bench


@activity.defn
def where() -> tuple[int, str]:
    return os.getpid(), activity.info().activity_id


@activity.defn
def beat_until_cancelled() -> str:
    activity.heartbeat("half")
    assert activity.wait_for_cancelled_sync(60)
    details = activity.cancellation_details()
    assert details is not None
    return f"{activity.is_cancelled()} {details.cancel_requested} {activity.is_worker_shutdown()}"


@activity.defn
def refuse() -> None:
    raise ApplicationError("no", 1, type="No", non_retryable=True)


@activity.defn
def stop_iteration() -> None:
    raise StopIteration


@activity.defn
def beat_and_end(how: str) -> None:
    for number in range(20):
        activity.heartbeat(number)
    if how == "leave":
        activity.raise_complete_async()
    raise ApplicationError("no")


@activity.defn
def beat_while_garbage_is_collected() -> None:
    gc.disable()  # what the call before has left is still there

    def collect(frame: FrameType, event: str, arg: object) -> None:
        if event == "call" and frame.f_code.co_name == "_send":
            gc.collect()

    sys.setprofile(collect)
    try:
        activity.heartbeat()
    finally:
        sys.setprofile(None)
        gc.enable()


@pytest.fixture(scope="module")
def processes() -> Iterator[ProcessPoolExecutor]:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield pool


async def test_code_runs_elsewhere_with_its_context(processes: ProcessPoolExecutor) -> None:
    bench = Bench([where, refuse, stop_iteration], executor=processes)
    pid, activity_id = await bench.result("where")
    assert pid != os.getpid()
    assert activity_id == "7"
    outcome = await bench.run("refuse")
    assert isinstance(outcome, Failed)
    assert (outcome.failure.type, outcome.failure.non_retryable) == ("No", True)
    assert isinstance(await bench.run("stop_iteration"), Failed)
    bench.calls.close()


async def test_heartbeats_and_cancellation_cross_the_boundary(processes: ProcessPoolExecutor) -> None:
    bench = Bench([beat_until_cancelled], executor=processes)
    watched = await bench.start("beat_until_cancelled")
    await until(lambda: watched.heartbeats, "a heartbeat arrives")
    assert await bench.values(watched.heartbeats[0]) == ["half"]
    bench.runner.cancel_all("CANCEL_REQUESTED")
    outcome = await watched.outcome()
    assert isinstance(outcome, Completed), outcome
    assert await bench.values([outcome.result]) == ["True True False"]
    bench.calls.close()


@pytest.mark.parametrize(("how", "kind"), [("fail", Failed), ("leave", LeftOpen)])
async def test_the_newest_heartbeat_goes_along_with_the_end(
    processes: ProcessPoolExecutor, how: str, kind: type[Any]
) -> None:
    bench = Bench([beat_and_end], executor=processes)
    for _ in range(20):
        outcome = await bench.run("beat_and_end", how)
        assert isinstance(outcome, kind)
        assert await bench.values(outcome.heartbeat_details) == [19]
    bench.calls.close()


async def test_a_heartbeat_is_sent_also_while_the_garbage_of_calls_before_is_collected(
    processes: ProcessPoolExecutor,
) -> None:
    bench = Bench([beat_while_garbage_is_collected], executor=processes)
    for _ in range(4):
        outcome = await bench.run("beat_while_garbage_is_collected")
        assert isinstance(outcome, Completed), outcome
    bench.calls.close()


async def test_a_manager_is_started_once_however_many_wait_and_however_few_stay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun, starts = threading.Event(), []
    spawn = multiprocessing.get_context("spawn")

    def slow_manager() -> SyncManager:
        starts.append(1)
        assert begun.wait(60)
        return original()

    original = spawn.Manager
    monkeypatch.setattr(spawn, "Manager", slow_manager)
    bridge = ProcessBridge(type(PayloadConverter.default))
    impatient = asyncio.create_task(bridge.start())
    await until(lambda: starts, "it is being started")
    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    patient = asyncio.create_task(bridge.start())
    begun.set()
    await patient
    await bridge.start()
    await asyncio.to_thread(bridge.close)
    assert len(starts) == 1


async def test_the_manager_that_is_given_is_used_and_left_alone(processes: ProcessPoolExecutor) -> None:
    with multiprocessing.get_context("spawn").Manager() as manager:
        shared = SharedStateManager.create_from_multiprocessing(manager)
        bench = Bench([beat_until_cancelled], executor=processes, manager=shared.manager)
        watched = await bench.start("beat_until_cancelled")
        await until(lambda: watched.heartbeats, "a heartbeat arrives")
        bench.runner.cancel_all("CANCEL_REQUESTED")
        assert isinstance(await watched.outcome(), Completed)
        bench.calls.close()
        assert manager.list([1]) is not None
