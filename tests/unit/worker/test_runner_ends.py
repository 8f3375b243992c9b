"""How attempts end that are not ended as usual: no place is lost, and whoever waits hears of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pytest
from foldlog import activity
from foldlog.converter import (
    DataConverter,
    DefaultPayloadConverter,
    PayloadCodec,
    SerializationContext,
    WithSerializationContext,
)
from foldlog.schemas.common import Payload
from foldlog.worker.attempt import Attempt
from foldlog.worker.outcome import Canceled, Failed, Interrupted, Outcome

from .harness import Bench, Watched


@activity.defn
async def echo(text: str) -> str:
    return text


@pytest.mark.parametrize(("reason", "kind"), [("CANCEL_REQUESTED", Canceled), ("WORKER_SHUTDOWN", Interrupted)])
async def test_cancelled_while_a_codec_decodes_its_arguments(reason: Any, kind: type) -> None:
    class Stuck(PayloadCodec):
        """Never comes to an end of decoding."""

        def __init__(self) -> None:
            self.decoding = asyncio.Event()

        async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
            return list(payloads)

        async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
            self.decoding.set()
            await asyncio.Event().wait()
            raise AssertionError

    codec = Stuck()
    bench = Bench([echo], converter=DataConverter(payload_codec=codec))
    watched = await bench.start("echo", "it")
    await asyncio.wait_for(codec.decoding.wait(), 60)
    bench.runner.cancel(("run", 5, 1), reason)
    assert type(await watched.outcome()) is kind
    assert bench.runner.attempts == []


class Contextless(DefaultPayloadConverter, WithSerializationContext):
    """Cannot be told what its payloads belong to."""

    def with_context(self, context: SerializationContext) -> Contextless:
        raise LookupError("no keys for this one")


async def test_a_converter_that_cannot_be_told_its_context_fails_the_attempt() -> None:
    bench = Bench([echo], converter=DataConverter(payload_converter_class=Contextless))
    outcome = await bench.run("echo", "it")
    assert isinstance(outcome, Failed)
    assert (outcome.failure.type, outcome.failure.message) == ("LookupError", "no keys for this one")
    assert bench.runner.attempts == []


@activity.defn
async def cancels_its_task(later: bool) -> str:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    if later:
        # As libraries do that know nothing of `uncancel`: then something else is cancelled that is waited for.
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(0)
        other = asyncio.create_task(asyncio.sleep(60))
        asyncio.get_running_loop().call_soon(other.cancel)
        await other
    await asyncio.sleep(0)
    return "not reached"


@activity.defn
async def closes() -> None:
    raise GeneratorExit


@pytest.mark.parametrize(
    ("name", "args", "type_"),
    [
        ("cancels_its_task", [False], "CancelledError"),
        ("cancels_its_task", [True], "CancelledError"),
        ("closes", [], "GeneratorExit"),
    ],
)
async def test_code_that_ends_its_own_task_has_failed(name: str, args: list[Any], type_: str) -> None:
    bench = Bench([cancels_its_task, closes])
    outcome = await bench.run(name, *args)
    assert isinstance(outcome, Failed)
    assert outcome.failure.type == type_
    assert bench.runner.attempts == []


def test_when_the_event_loop_ends_nothing_is_reported() -> None:
    watched: list[Watched] = []
    entered = asyncio.Event()

    @activity.defn
    async def hang() -> None:
        entered.set()
        await asyncio.Event().wait()

    async def begin() -> None:
        watched.append(await Bench([hang]).start("hang"))
        await asyncio.wait_for(entered.wait(), 60)

    asyncio.run(begin())
    [one] = watched
    assert (one.outcomes, one.over.is_set()) == ([], False)


async def test_its_place_is_free_though_its_report_failed() -> None:
    bench = Bench([echo])
    watched = await bench.start("echo", "it")

    def ended(attempt: Attempt, outcome: Outcome) -> None:
        raise RuntimeError("nobody listens")

    watched.ended = ended  # type: ignore[method-assign]
    assert watched.attempt is not None
    work = watched.attempt.work
    assert work is not None
    await asyncio.wait_for(watched.over.wait(), 60)
    with pytest.raises(RuntimeError, match="nobody listens"):
        await work
