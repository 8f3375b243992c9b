"""A codec that was away and is well again: whatever needs it goes on at the next try."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import pytest
from foldlog.api.common.v1 import Payload
from foldlog.converter import PayloadCodec
from foldlog.core.decider import WorkflowTaskError
from foldlog.runtime.coder import Coder
from foldlog.schemas import common, event
from foldlog.schemas.records import Event


class Away(PayloadCodec):
    """Decodes, unless it is away; then it raises, or never answers."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.hangs = False
        self.calls = 0

    async def encode(self, payloads: Sequence[Payload]) -> Any:
        raise NotImplementedError  # these tests only read

    async def decode(self, payloads: Sequence[Payload]) -> Any:
        self.calls += 1
        await asyncio.sleep(3600 if self.hangs else 0)
        if self.error is not None:
            raise self.error
        return list(payloads)


def history(length: int) -> list[Event]:
    return [
        event.WorkflowExecutionSignaled(signal_name="s", args=[common.Payload(encoding="x", data=b"%d" % number)])
        for number in range(length)
    ]


def told(coder: Coder, events: list[Event]) -> list[bytes]:
    """What a replay decodes: all of it ahead, then each event."""
    coder.foresee(events)
    return [coder.decoded(each).args[0].data for each in events]


@pytest.mark.parametrize("how", ["raises", "hangs"])
def test_a_replay_that_failed_for_the_codec_succeeds_at_the_first_try_after_it_is_back(how: str) -> None:
    """Else each try would come one event further, and a history of hundreds would stall for hours."""
    now = 100.0
    codec = Away()
    # One that raises does answer, however busy the machine is.
    coder = Coder(codec, answer_seconds=60 if how == "raises" else 0.01)
    coder._clock = lambda: now
    events = history(20)
    codec.error, codec.hangs = (OSError("away"), False) if how == "raises" else (None, True)
    for _ in range(2):
        with pytest.raises(WorkflowTaskError, match="away" if how == "raises" else "did not decode payloads within"):
            told(coder, events)
    codec.error, codec.hangs = None, False
    coder._answer_seconds = 60
    now += 1
    assert told(coder, events) == [b"%d" % number for number in range(20)]


def test_what_could_not_be_foreseen_is_tried_again_where_nothing_is_foreseen() -> None:
    codec = Away()
    coder = Coder(codec)
    first, second = history(2)
    codec.error = OSError("away")
    coder.foresee([first, second])
    codec.error = None
    with pytest.raises(WorkflowTaskError, match="away"):
        coder.decoded(first)
    assert coder.decoded(first).args == first.args  # type: ignore[union-attr]  # signals have arguments


async def test_a_codec_is_left_alone_for_as_long_as_the_given_clock_says() -> None:
    now = 0.0
    codec = Away()
    coder = Coder(codec, answer_seconds=0.5)
    coder.use_loop(asyncio.get_running_loop(), lambda: now)
    codec.hangs = True
    payload = common.Payload(encoding="x")
    for expected in (1, 1, 2):
        with pytest.raises(WorkflowTaskError, match="did not decode"):
            coder.decode([payload])
        assert codec.calls == expected
        now += 0.6


def test_a_codec_that_never_answers_leaves_no_thread_behind() -> None:
    codec = Away()
    codec.hangs = True
    for _ in range(3):
        with pytest.raises(WorkflowTaskError, match="did not decode"):
            Coder(codec, answer_seconds=0.01).decode([common.Payload(encoding="x")])
    for thread in threading.enumerate():
        if thread.name == "foldlog-codec":
            thread.join(60)
            assert not thread.is_alive()
