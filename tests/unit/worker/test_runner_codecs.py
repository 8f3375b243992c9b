"""The runner with codecs that wait: what leaves has passed them, and nothing that comes meanwhile loses an attempt."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from foldlog.converter import DataConverter, PayloadCodec
from foldlog.schemas.common import Payload
from foldlog.worker.outcome import Completed, Failed

from .harness import Bench
from .samples import Gate, Order, echo, fail, total


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


@pytest.mark.parametrize("reason", ["CANCEL_REQUESTED", "WORKER_SHUTDOWN", "PAUSED"])
@pytest.mark.parametrize(("name", "arg", "kind"), [("echo", "it", Completed), ("fail", "application", Failed)])
async def test_whose_code_has_ended_is_not_cancelled(name: str, arg: str, kind: type, reason: Any) -> None:
    codec = Held()
    bench = Bench([echo, fail], converter=DataConverter(payload_codec=codec))
    codec.go_on.set()
    args = await bench.conversion.encode_all([arg])
    codec.encoding.clear()
    codec.go_on.clear()
    watched = await bench.start(name, args=args)
    await asyncio.wait_for(codec.encoding.wait(), 60)
    assert bench.runner.cancel(("run", 5, 1), reason)
    await asyncio.sleep(0)
    assert not watched.over.is_set()
    codec.go_on.set()
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
