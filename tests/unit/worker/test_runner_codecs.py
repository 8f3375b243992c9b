"""The runner with codecs that wait: what leaves has passed them, and nothing that comes meanwhile loses an attempt."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from foldlog import activity
from foldlog.converter import DataConverter, PayloadCodec
from foldlog.schemas.common import Payload
from foldlog.worker.attempt import HeartbeatIntervals
from foldlog.worker.outcome import Canceled, Completed, Failed, Interrupted, LeftOpen

from tests.until import until

from .harness import Bench, HandClock, Watched
from .samples import Gate, Order, echo, fail, open_end_noted, total


class Reverse(PayloadCodec):
    """Turns the bytes round, and takes a turn of the event loop for it."""

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        await asyncio.sleep(0)
        return [Payload(encoding="reversed/" + one.encoding, data=one.data[::-1]) for one in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        await asyncio.sleep(0)
        return [Payload(encoding=one.encoding.removeprefix("reversed/"), data=one.data[::-1]) for one in payloads]


async def test_a_codec_sees_everything_that_leaves() -> None:
    gate = Gate()
    bench = Bench([total, fail, gate.beat, gate.wait], converter=DataConverter(payload_codec=Reverse()))
    assert await bench.result("total", Order(1, ["a"]), 5) == 5
    outcome = await bench.run("fail", "application")
    assert isinstance(outcome, Failed)
    assert outcome.failure.details[0].encoding == "reversed/json/plain"
    watched = await bench.start("beat", 3, start_to_close_timeout_ms=200)
    outcome = await watched.outcome()
    assert isinstance(outcome, Failed)
    assert outcome.failure.kind == "TIMEOUT"
    assert [payload.encoding for payload in outcome.heartbeat_details] == ["reversed/json/plain"]
    assert await bench.values(outcome.heartbeat_details) == [2]
    assert await bench.values(watched.heartbeats[0]) == [2]
    gate.go_on.set()


class Held(PayloadCodec):
    """Holds what is to be encoded until the test lets it go."""

    def __init__(self) -> None:
        self.encoding = asyncio.Event()
        self.go_on = asyncio.Event()
        self.error: BaseException | None = None

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        self.encoding.set()
        await self.go_on.wait()
        if self.error is not None:
            raise self.error
        return list(payloads)

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return list(payloads)


async def held(codec: Held, name: str, arg: str) -> tuple[Bench, Watched]:
    """An attempt whose code has ended, and what it came to is being encoded."""
    bench = Bench([echo, fail], converter=DataConverter(payload_codec=codec))
    codec.go_on.set()
    args = await bench.conversion.encode_all([arg])
    codec.encoding.clear()
    codec.go_on.clear()
    watched = await bench.start(name, args=args)
    await asyncio.wait_for(codec.encoding.wait(), 60)
    return bench, watched


@pytest.mark.parametrize("reason", ["CANCEL_REQUESTED", "WORKER_SHUTDOWN", "PAUSED"])
@pytest.mark.parametrize(("name", "arg", "kind"), [("echo", "it", Completed), ("fail", "application", Failed)])
async def test_whose_code_has_ended_is_not_cancelled(name: str, arg: str, kind: type, reason: Any) -> None:
    codec = Held()
    bench, watched = await held(codec, name, arg)
    assert bench.runner.cancel(("run", 5, 1), reason)
    await asyncio.sleep(0)
    assert not watched.over.is_set()
    codec.go_on.set()
    assert type(await watched.outcome()) is kind
    assert bench.runner.attempts == []


@pytest.mark.parametrize(("name", "arg", "kind"), [("echo", "it", Interrupted), ("fail", "application", Failed)])
async def test_a_codec_that_never_comes_back_is_interrupted_in_the_end(name: str, arg: str, kind: type) -> None:
    codec = Held()
    bench, watched = await held(codec, name, arg)
    bench.runner.interrupt_codecs()
    await asyncio.sleep(0)
    assert not watched.over.is_set()  # nobody has asked it to stop
    bench.runner.cancel_all("WORKER_SHUTDOWN")
    bench.runner.interrupt_codecs()
    assert type(await watched.outcome()) is kind
    assert bench.runner.attempts == []


async def test_a_codec_whose_own_work_is_cancelled() -> None:
    codec = Held()
    codec.go_on.set()
    bench = Bench([fail], converter=DataConverter(payload_codec=codec))
    args = await bench.conversion.encode_all(["application"])
    codec.error = asyncio.CancelledError("in the codec")
    outcome = await (await bench.start("fail", args=args)).outcome()
    assert isinstance(outcome, Failed)
    assert "no stock (and the failure converter raised CancelledError('in the codec'))" in outcome.failure.message
    assert bench.runner.attempts == []


class Choosy(PayloadCodec):
    """Encodes what it is told to, in the order that the test wants."""

    def __init__(self) -> None:
        self.refused: set[bytes] = set()
        self.held: dict[bytes, asyncio.Event] = {}

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        for payload in payloads:
            if payload.data in self.held:
                await self.held[payload.data].wait()
            if payload.data in self.refused:
                raise OSError("the key service is away")
        return list(payloads)

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return list(payloads)


async def test_an_attempt_ends_as_it_does_although_its_details_cannot_be_encoded() -> None:
    gate, codec = Gate(), Choosy()
    bench = Bench([gate.beat, gate.wait, fail, open_end_noted], converter=DataConverter(payload_codec=codec))
    codec.refused = {b"2", b'"two"', b'"so far"'}
    before = await bench.conversion.encode_all(["before"])
    gate.go_on.set()
    outcome = await bench.run("beat", 3, heartbeat_details=before)
    assert isinstance(outcome, Failed)
    assert outcome.failure.message == "stopped"
    assert outcome.heartbeat_details == before
    outcome = await bench.run("open_end_noted", heartbeat_details=before)
    assert isinstance(outcome, LeftOpen)
    assert outcome.heartbeat_details == before
    assert await bench.run("fail", "own") == Canceled([])


@pytest.mark.parametrize(("reason", "kind"), [("WORKER_SHUTDOWN", Interrupted), ("PAUSED", Failed)])
async def test_a_stopped_attempt_is_one_although_its_details_cannot_be_encoded(reason: Any, kind: type) -> None:
    codec = Choosy()
    codec.refused = {b'"far"'}
    entered = asyncio.Event()

    @activity.defn
    async def beating() -> None:
        activity.heartbeat("far")
        entered.set()
        await asyncio.Event().wait()

    bench = Bench([beating], converter=DataConverter(payload_codec=codec))
    watched = await bench.start("beating")
    await asyncio.wait_for(entered.wait(), 60)
    bench.runner.cancel(("run", 5, 1), reason)
    outcome = await watched.outcome()
    assert type(outcome) is kind
    assert isinstance(outcome, Failed | Interrupted)
    assert outcome.failure.type == ("ActivityPause" if reason == "PAUSED" else "WorkerShutdown")


async def test_a_heartbeat_that_is_encoded_late_does_not_replace_a_newer_one() -> None:
    gate, clock, codec, second = Gate(), HandClock(), Choosy(), asyncio.Event()
    codec.held = {b"0": asyncio.Event()}

    @activity.defn
    async def beating() -> None:
        activity.heartbeat(0)
        gate.entered.set()
        await second.wait()
        activity.heartbeat(1)
        await asyncio.to_thread(gate.go_on.wait, 60)

    bench = Bench(
        [beating],
        converter=DataConverter(payload_codec=codec),
        intervals=HeartbeatIntervals(default=0.05),
        clock=clock,
    )
    watched = await bench.start("beating")
    attempt = watched.attempt
    assert attempt is not None
    await until(gate.entered.is_set, "it runs")
    clock.advance(0.05)
    await until(lambda: bench.runner._encoding, "the first heartbeat is being encoded")
    second.set()
    await until(lambda: attempt.new_details and attempt.new_details[0].data == b"1", "there is a second one")
    clock.advance(0.05)
    await until(lambda: watched.heartbeats, "the second one went out")
    late = list(bench.runner._encoding)
    assert len(late) == 1
    codec.held[b"0"].set()
    await asyncio.wait_for(late[0], 60)
    assert [await bench.values(details) for details in watched.heartbeats] == [[1]]
    gate.go_on.set()
    await watched.outcome()


async def test_details_are_given_up_sooner_than_how_it_ended() -> None:
    codec = Held()
    bench = Bench([open_end_noted], converter=DataConverter(payload_codec=codec))
    watched = await bench.start("open_end_noted")
    attempt = watched.attempt
    assert attempt is not None
    await until(lambda: attempt.new_details is not None and not attempt.inside, "its code has ended")
    bench.runner.cancel_all("WORKER_SHUTDOWN")
    bench.runner.interrupt_codecs()
    outcome = await watched.outcome()
    assert isinstance(outcome, LeftOpen)
    assert outcome.heartbeat_details == []
    codec.go_on.set()
