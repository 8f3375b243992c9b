"""Activities with made-up surroundings."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from foldlog import activity
from foldlog.activity import ActivityCancellationDetails
from foldlog.client import Client
from foldlog.common import MetricMeter
from foldlog.converter import CompositePayloadConverter, JSONPlainPayloadConverter
from foldlog.exceptions import CancelledError
from foldlog.memory import MemoryBroker, MemoryTransport
from foldlog.schemas.common import Payload
from foldlog.testing import ActivityEnvironment


@activity.defn
async def counts(upto: int) -> list[Any]:
    for number in range(upto):
        activity.heartbeat(number, "of", upto)
    return [activity.info().activity_type, *activity.info().heartbeat_details]


@activity.defn
def counts_in_this_thread(upto: int) -> str:
    activity.heartbeat(upto)
    return f"{activity.info().workflow_id} in {threading.current_thread().name}"


@activity.defn
async def hangs() -> ActivityCancellationDetails | None:
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        assert activity.is_cancelled()
        return activity.cancellation_details()
    return None


@activity.defn
def hangs_in_this_thread() -> str:
    try:
        while True:
            activity.wait_for_cancelled_sync(0.001)
    except CancelledError:
        return "interrupted"


@activity.defn(no_thread_cancel_exception=True)
def asks() -> bool:
    return activity.wait_for_cancelled_sync(10)


@activity.defn
async def drains() -> bool:
    await activity.wait_for_worker_shutdown()
    return activity.is_worker_shutdown()


@activity.defn
class Adds:
    """An activity that is an object."""

    async def __call__(self, number: int) -> int:
        activity.heartbeat(number)
        return number + 1


class Doubles:
    """Has activities that are methods, one of which is not async."""

    @activity.defn
    async def double(self, number: int) -> int:
        activity.heartbeat(number)
        return 2 * number

    @activity.defn
    def double_in_this_thread(self, number: int) -> int:
        activity.heartbeat(number)
        return 2 * number


@activity.defn
async def converts(value: object) -> Payload:
    return activity.payload_converter().to_payload(value)


@pytest.fixture
def env() -> Iterator[ActivityEnvironment]:
    yield ActivityEnvironment()
    assert not activity.in_activity()


async def test_info_and_heartbeats_of_an_async_one(env: ActivityEnvironment) -> None:
    beats: list[tuple[Any, ...]] = []
    env.on_heartbeat = lambda *details: beats.append(details)
    env.info = replace(ActivityEnvironment.default_info(), activity_type="Counts", heartbeat_details=[7])
    assert await env.run(counts, 2) == ["Counts", 7]
    assert beats == [(0, "of", 2), (1, "of", 2)]


def test_info_and_heartbeats_of_a_sync_one(env: ActivityEnvironment) -> None:
    beats: list[tuple[Any, ...]] = []
    env.on_heartbeat = lambda *details: beats.append(details)
    assert env.run(counts_in_this_thread, 3) == f"test in {threading.current_thread().name}"
    assert beats == [(3,)]


async def test_activities_of_each_form(env: ActivityEnvironment) -> None:
    beats: list[tuple[Any, ...]] = []
    env.on_heartbeat = lambda *details: beats.append(details)
    assert await env.run(Adds(), 1) == 2
    assert await env.run(Doubles().double, 2) == 4
    assert env.run(Doubles().double_in_this_thread, 3) == 6
    assert await env.run(partial(Doubles().double, 4)) == 8
    assert await env.run(asyncio.sleep, 0, result="no activity at all") == "no activity at all"
    assert beats == [(1,), (2,), (3,), (4,)]


async def test_the_converter_is_the_tests(env: ActivityEnvironment) -> None:
    assert (await env.run(converts, "a")).data == b'"a"'
    env.payload_converter = CompositePayloadConverter(JSONPlainPayloadConverter(encode_unknown=str))
    assert (await env.run(converts, object)).data.startswith(b'"<class')


async def test_what_it_raises_comes_back(env: ActivityEnvironment) -> None:
    async def fails() -> None:
        activity.heartbeat()
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await env.run(fails)


async def test_cancellation_of_an_async_one(env: ActivityEnvironment) -> None:
    running = asyncio.create_task(env.run(hangs))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    env.cancel()
    env.cancel(ActivityCancellationDetails(timed_out=True))  # too late
    assert await running == ActivityCancellationDetails(cancel_requested=True)


async def test_cancellation_beforehand(env: ActivityEnvironment) -> None:
    env.cancel(ActivityCancellationDetails(worker_shutdown=True))
    with pytest.raises(asyncio.CancelledError):
        await env.run(hangs)
    with pytest.raises(CancelledError):
        env.run(hangs_in_this_thread)
    assert env.run(asks)


async def test_cancellation_from_another_thread(env: ActivityEnvironment) -> None:
    entered = threading.Event()
    env.on_heartbeat = lambda *details: entered.set()

    def hangs() -> str:
        activity.heartbeat()
        return hangs_in_this_thread()

    running = asyncio.create_task(asyncio.to_thread(env.run, hangs))
    assert await asyncio.to_thread(entered.wait, 10)
    env.cancel()
    assert await running == "interrupted"


async def test_the_worker_begins_to_stop(env: ActivityEnvironment) -> None:
    running = asyncio.create_task(env.run(drains))
    await asyncio.sleep(0)
    env.worker_shutdown()
    assert await running


async def test_the_client_is_for_async_ones() -> None:
    client = Client(MemoryTransport(MemoryBroker(), "default"))
    env = ActivityEnvironment(client)

    async def asks_for_it() -> Client:
        return activity.client()

    assert await env.run(asks_for_it) is client
    with pytest.raises(RuntimeError, match="No client available"):
        env.run(activity.client)
    await client.close()


@activity.defn
async def measures() -> None:
    activity.metric_meter().create_counter("measured").add(1)


async def test_the_meter_is_the_tests(env: ActivityEnvironment) -> None:
    await env.run(measures)  # the one that is there takes no note
    measured: list[tuple[Any, ...]] = []
    env.metric_meter = MetricMeter(lambda *values: measured.append(values))
    await env.run(measures)
    assert len(measured) == 1
