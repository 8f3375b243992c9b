"""Runs behind a codec: the code sees values, the log what the codec made of them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from datetime import timedelta
from typing import Any

import pytest
from foldlog import activity, workflow
from foldlog.api.common.v1 import Payload, Payloads
from foldlog.common import SearchAttributeKey
from foldlog.converter import DataConverter, DefaultFailureConverterWithEncodedAttributes, PayloadCodec
from foldlog.converter.encryption import AESGCMCodec
from foldlog.core import decisions
from foldlog.core.decider import QueryFailed, WorkflowTaskError
from foldlog.core.fields import REMOVED_ENCODING
from foldlog.core.replay import replay
from foldlog.exceptions import ApplicationError
from foldlog.runtime import WorkflowRuntime
from foldlog.runtime.coder import KEPT_BYTES, Coder
from foldlog.schemas import command, common, event, reply
from foldlog.schemas.framing import encode
from foldlog.schemas.records import Event
from msgspec.structs import replace

from tests.unit.runtime.chaining import ID, REPLY, Chain

SOON = timedelta(seconds=5)
KEYS = {"k": b"k" * 32}


class Elsewhere(PayloadCodec):
    """A codec that waits, and counts."""

    def __init__(self) -> None:
        self.inner = AESGCMCodec(KEYS)
        self.encodes = self.decodes = 0
        self.threads: set[int] = set()
        self.broken: BaseException | None = None
        self.broken_encoding: Exception | None = None
        self.hangs = False

    async def encode(self, payloads: Sequence[Payload]) -> Any:
        self.encodes += 1
        await self._wait()
        if self.broken_encoding is not None:
            raise self.broken_encoding
        return await self.inner.encode(payloads)

    async def decode(self, payloads: Sequence[Payload]) -> Any:
        self.decodes += 1
        await self._wait()
        return await self.inner.decode(payloads)

    async def _wait(self) -> None:
        self.threads.add(threading.get_ident())
        await asyncio.sleep(0)
        if self.broken is not None:
            raise self.broken
        if self.hangs:
            await asyncio.Event().wait()


@activity.defn
async def shout(text: str) -> str:
    return text.upper()


@workflow.defn
class Order:
    def __init__(self) -> None:
        self.heard: list[str] = []

    @workflow.run
    async def run(self, text: str) -> str:
        loud = await workflow.execute_activity(shout, text, start_to_close_timeout=SOON)
        await workflow.wait_condition(lambda: bool(self.heard))
        if self.heard[0] == "fail":
            raise ApplicationError("secret message", "secret detail")
        return f"{loud} {workflow.memo_value('note', type_hint=str)} {self.heard[0]}"

    @workflow.signal
    def hear(self, text: str) -> None:
        self.heard.append(text)

    @workflow.query
    def state(self, prefix: str) -> str:
        if prefix == "fail":
            raise ApplicationError("secret query", "secret detail")
        return f"{prefix} secret {len(self.heard)}"


class Told:
    """One run, told encoded events by a test; every event that it leads to is kept, encoded as in the log."""

    def __init__(self, codec: PayloadCodec, failures: Any = DefaultFailureConverterWithEncodedAttributes) -> None:
        self.converter = DataConverter(payload_codec=codec, failure_converter_class=failures)
        self.runtime = WorkflowRuntime([Order], namespace="test", data_converter=self.converter)
        self.history: list[Any] = []

    async def start(self, text: str) -> list[Any]:
        started = event.WorkflowExecutionStarted(
            run_id="r",
            workflow_type="Order",
            task_queue="q",
            args=await self.converter.encode([text]),
            memo={"note": (await self.converter.encode(["secret note"]))[0]},
            first_execution_run_id="r",
        )
        self.decider = self.runtime.create("w", started)
        return self.tell(started)

    def tell(self, happened: Any) -> list[Any]:
        self._append(happened)
        made = self.decider.activate(happened)
        seal = self.runtime.seal
        assert seal is not None
        made = seal(made, self.decider)
        for decision in made:
            if isinstance(decision, decisions.ScheduleActivity):
                self._append(
                    event.ActivityTaskScheduled(
                        activity_id=decision.activity_id,
                        activity_type=decision.activity_type,
                        task_queue="q",
                        args=decision.args,
                    )
                )
                self.decider.recorded(self.history[-1])
        return made

    def _append(self, happened: Any) -> None:
        happened.event_id = len(self.history) + 1
        self.history.append(happened)

    async def complete(self, result: str) -> list[Any]:
        (payload,) = await self.converter.encode([result])
        return self.tell(event.ActivityTaskCompleted(scheduled_event_id=2, attempt=1, identity="i", result=payload))

    async def signal(self, text: str) -> list[Any]:
        return self.tell(event.WorkflowExecutionSignaled(signal_name="hear", args=await self.converter.encode([text])))


@pytest.fixture
def loop_elsewhere() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop that runs on another thread, as a worker's does."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.mark.parametrize("codec", [AESGCMCodec(KEYS), Elsewhere()], ids=["never waits", "waits"])
async def test_the_code_sees_values_and_the_log_none(codec: PayloadCodec) -> None:
    told = Told(codec)
    (scheduled,) = await told.start("secret text")
    assert await told.converter.decode(scheduled.args) == ["secret text"]
    assert await told.complete("SECRET TEXT") == []
    query = told.decider.query("state", await told.converter.encode(["secret"]))
    assert await told.converter.decode([query]) == ["secret secret 0"]
    (completed,) = await told.signal("secret signal")
    assert await told.converter.decode([completed.result]) == ["SECRET TEXT secret note secret signal"]
    everything = [encode(happened) for happened in told.history] + [completed.result.data, query.data]
    assert not [found for found in everything if b"secret" in found.lower()]


async def test_failures_are_encoded_with_message_and_details() -> None:
    told = Told(AESGCMCodec(KEYS))
    await told.start("x")
    await told.complete("X")
    with pytest.raises(QueryFailed) as failed:
        told.decider.query("state", await told.converter.encode(["fail"]))
    (end,) = await told.signal("fail")
    for failure in (failed.value.failure, end.failure):
        assert b"secret" not in encode(event.WorkflowExecutionFailed(failure=failure))
    read = await told.converter.decode_failure(end.failure)
    assert isinstance(read, ApplicationError)
    assert (read.message, read.details) == ("secret message", ("secret detail",))


async def test_replay_does_not_mind_that_a_codec_never_writes_the_same_twice() -> None:
    codec = Elsewhere()
    told = Told(codec)
    await told.start("x")
    encodes = codec.encodes
    again = told.runtime.create("w", told.history[0])
    assert replay(again, told.history) == []
    assert codec.encodes == encodes  # what is only compared is not encoded
    await told.complete("X")
    lost = told.runtime.create("w", told.history[0])
    assert replay(lost, told.history) == []


async def test_a_codec_that_waits_is_called_on_the_workers_loop(loop_elsewhere: asyncio.AbstractEventLoop) -> None:
    codec = Elsewhere()
    told = Told(codec)
    told.runtime.use_loop(loop_elsewhere)
    encoded = await told.converter.encode(["x"])
    codec.threads.clear()
    made = Coder(codec)
    made.use_loop(loop_elsewhere)
    assert made.decode(encoded)[0].data == b'"x"'
    assert codec.threads
    assert threading.get_ident() not in codec.threads


async def test_foreseen_payloads_are_decoded_together_and_once(loop_elsewhere: asyncio.AbstractEventLoop) -> None:
    codec = Elsewhere()
    made = Coder(codec)
    made.use_loop(loop_elsewhere)
    converter = DataConverter(payload_codec=codec)
    events: list[Event] = [
        event.WorkflowExecutionSignaled(signal_name="s", args=await converter.encode([number, "x"]))
        for number in range(20)
    ]
    made.foresee(events)
    assert codec.decodes == 20  # one for the arguments of each
    for number, foreseen in enumerate(events):
        assert [payload.data for payload in made.decoded(foreseen).args] == [b"%d" % number, b'"x"']
    made.foresee(events)
    assert codec.decodes == 20


class Bundling(Elsewhere):
    """One payload of all that it is given, and all of it back."""

    async def encode(self, payloads: Sequence[Payload]) -> Any:
        self.encodes += 1
        await self._wait()
        return [Payload(encoding="bundled", data=Payloads(payloads=payloads).SerializeToString())]

    async def decode(self, payloads: Sequence[Payload]) -> Any:
        self.decodes += 1
        await self._wait()
        (payload,) = payloads
        return list(Payloads.FromString(payload.data).payloads)


class BundlingAtOnce(Bundling):
    may_wait = False

    async def _wait(self) -> None:
        pass


@pytest.mark.parametrize("codec", [Bundling(), BundlingAtOnce()], ids=["waits", "never waits"])
async def test_a_codec_may_make_one_payload_of_those_that_belong_together(codec: Bundling) -> None:
    one, two = (common.Payload(encoding="x", data=data) for data in (b"1", b"2"))
    started = event.WorkflowExecutionStarted(
        workflow_type="W",
        task_queue="q",
        args=[one, two],
        memo={"a": one, "gone": common.Payload(encoding=REMOVED_ENCODING), "b": two},
        options=common.WorkflowOptions(header={"h": one}, summary=two),
    )
    failed = event.WorkflowExecutionFailed(
        failure=common.Failure(details=[one, two], cause=common.Failure(details=[two, one], encoded_attributes=one))
    )
    fired = event.TimerFired(timer_id=1, started_event_id=2)
    coder = Coder(codec, headers=True)
    encoded = coder.encoded([started, fired, failed])
    assert len(encoded[0].args) == 1
    assert encoded[0].memo["gone"].encoding == REMOVED_ENCODING
    assert len(encoded[2].failure.cause.details) == 1
    assert [coder.decoded(each) for each in encoded] == [started, fired, failed]
    coder.foresee(encoded)
    assert [coder.decoded(each) for each in encoded] == [started, fired, failed]
    assert coder.decode_each(encoded[0].options.header) == {"h": one}


async def test_what_stands_alone_stays_one_payload() -> None:
    both = await DataConverter(payload_codec=Bundling()).encode([1, 2])
    completed = event.ActivityTaskCompleted(scheduled_event_id=2, attempt=1, identity="i", result=both[0])
    coder = Coder(Bundling())
    coder.foresee([completed])
    with pytest.raises(WorkflowTaskError, match=r"Bundling cannot decode a payload: .* 2 payloads came of one"):
        coder.decoded(completed)


async def test_what_cannot_be_decoded_fails_only_whoever_needs_it() -> None:
    codec = Elsewhere()
    made = Coder(codec)
    converter = DataConverter(payload_codec=codec)
    good, bad = [
        event.WorkflowExecutionSignaled(signal_name="s", args=await converter.encode([value])) for value in ("a", "b")
    ]
    bad.args[0].data = b"nonsense" * 10
    made.foresee([good, bad])
    assert made.decoded(good).args[0].data == b'"a"'
    for _ in range(2):
        with pytest.raises(WorkflowTaskError, match="Elsewhere cannot decode a payload: PayloadConversionError"):
            made.decoded(bad)


async def test_failures_to_decode_take_no_room_for_good() -> None:
    """Else nothing would be foreseen any more, once a codec has been away for a while."""
    codec = Elsewhere()
    made = Coder(codec)
    converter = DataConverter(payload_codec=codec)
    bad = event.WorkflowExecutionSignaled(signal_name="s", args=await converter.encode(["b"]))
    bad.args[0].data = b"nonsense" * (KEPT_BYTES // 64)
    for _ in range(20):
        made.foresee([bad])
        with pytest.raises(WorkflowTaskError):
            made.decoded(bad)
    good = event.WorkflowExecutionSignaled(signal_name="s", args=await converter.encode(["a" * 1000]))
    made.foresee([good])
    decodes = codec.decodes
    assert made.decoded(good).args[0].data == b'"' + b"a" * 1000 + b'"'
    assert codec.decodes == decodes


async def test_a_codec_that_raises_stalls_the_run() -> None:
    codec = Elsewhere()
    told = Told(codec)
    started = event.WorkflowExecutionStarted(args=[common.Payload(encoding="x")], workflow_type="Order", task_queue="q")
    codec.broken = OSError("the key service is away")
    with pytest.raises(WorkflowTaskError, match="cannot decode a payload: OSError: the key service is away"):
        told.runtime.create("w", started)
    codec.broken = None
    await told.start("x")
    codec.broken = OSError("the key service is away")
    with pytest.raises(QueryFailed, match="the key service is away"):
        told.decider.query("state", [common.Payload(encoding="x")])


@pytest.mark.parametrize("asked", ["fail", "answer"])
async def test_a_query_whose_answer_cannot_be_encoded_fails_alone(asked: str) -> None:
    codec = Elsewhere()
    told = Told(codec)
    await told.start("x")
    args = await told.converter.encode([asked])
    codec.broken_encoding = OSError("the key service is away")
    with pytest.raises(QueryFailed, match="Elsewhere cannot encode a payload: OSError: the key service is away"):
        told.decider.query("state", args)
    codec.broken_encoding = None
    with pytest.raises(QueryFailed) if asked == "fail" else nullcontext():
        told.decider.query("state", args)


async def test_a_codec_whose_own_work_is_cancelled_has_failed(loop_elsewhere: asyncio.AbstractEventLoop) -> None:
    codec = Elsewhere()
    codec.broken = asyncio.CancelledError("in the codec")
    made = Coder(codec, answer_seconds=60)
    for _ in range(2):  # without a loop to call it on, and with one
        with pytest.raises(WorkflowTaskError, match=r"cannot decode a payload: .*was cancelled"):
            made.decode([common.Payload(encoding="x")])
        made.use_loop(loop_elsewhere)


async def test_a_codec_that_hangs_is_given_up_and_left_alone(
    loop_elsewhere: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr("foldlog.runtime.coder.time.monotonic", lambda: now)
    codec = Elsewhere()
    made = Coder(codec, answer_seconds=0.01)
    made.use_loop(loop_elsewhere)
    codec.hangs = True
    payload = common.Payload(encoding="binary/encrypted")
    for _ in range(3):
        with pytest.raises(WorkflowTaskError, match=r"did not decode payloads within 0\.01 seconds"):
            made.decode([payload])
    assert codec.decodes == 1
    now = 2.0
    with pytest.raises(WorkflowTaskError, match="did not decode"):
        made.decode([payload])
    assert codec.decodes == 2


async def test_a_codec_that_waits_although_it_says_that_it_never_does() -> None:
    class Liar(Elsewhere):
        may_wait = False

    with pytest.raises(WorkflowTaskError, match="it says that it never does"):
        Coder(Liar()).decode([common.Payload(encoding="x")])


async def test_a_thread_safe_codec_is_called_here_until_it_waits(loop_elsewhere: asyncio.AbstractEventLoop) -> None:
    class Safe(Elsewhere):
        thread_safe = True

        async def _wait(self) -> None:
            self.threads.add(threading.get_ident())
            if self.hangs:
                await asyncio.sleep(0)

    codec = Safe()
    made = Coder(codec)
    made.use_loop(loop_elsewhere)
    payload = common.Payload(encoding="x")
    made.encode([payload])
    assert codec.threads == {threading.get_ident()}
    codec.hangs = True
    made.encode([payload])
    assert len(codec.threads) == 2


async def test_headers_and_search_attributes_stay_as_they_are() -> None:
    codec = AESGCMCodec(KEYS)
    payload = common.Payload(encoding="x", data=b"1")
    started = event.WorkflowExecutionStarted(
        workflow_type="W",
        task_queue="q",
        options=common.WorkflowOptions(search_attributes={"a": payload}, header={"h": payload}, summary=payload),
    )
    (coded,) = Coder(codec).encoded([started])
    assert coded.options.search_attributes == {"a": payload}
    assert coded.options.header == {"h": payload}
    assert coded.options.summary.encoding == "binary/encrypted"
    (with_headers,) = Coder(codec, headers=True).encoded([started])
    assert with_headers.options.header["h"].encoding == "binary/encrypted"
    assert started.options is not None
    assert started.options.summary == payload
    assert Coder(codec, headers=True).decoded(with_headers) == started


def test_a_runtime_without_a_codec_pays_nothing() -> None:
    runtime = WorkflowRuntime([Order], namespace="test")
    assert (runtime.seal, runtime.foresee) == (None, None)


# ---- updates, chains, held runs, properties

WITH_CODEC = DataConverter(
    payload_codec=AESGCMCodec(KEYS), failure_converter_class=DefaultFailureConverterWithEncodedAttributes
)
CITY = SearchAttributeKey.for_keyword("city")


@workflow.defn
class Account:
    """Uses what a run can say about itself, and goes on as new."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    @workflow.run
    async def run(self, left: int, begun_with: str) -> list[Any]:
        assert workflow.memo_value("gone", None) == (begun_with if left else None)
        workflow.upsert_memo({"note": f"secret note {left}", "gone": None})
        workflow.upsert_search_attributes([CITY.value_set("berlin")])
        await workflow.wait_condition(lambda: bool(self.notes))
        if left:
            workflow.continue_as_new(args=[left - 1, "secret args"], memo={"note": "secret memo"})
        note = workflow.memo_value("note", type_hint=str)
        return [begun_with, note, *self.notes, workflow.info().typed_search_attributes.get(CITY)]

    @workflow.update
    def put(self, text: str) -> str:
        if text == "secret failure":
            raise ApplicationError(text, "secret detail")
        self.notes.append(text)
        return f"{text} kept"

    @put.validator
    def check(self, text: str) -> None:
        if text == "secret refusal":
            raise ApplicationError(f"{text} of {text}", "secret detail")


class Coded:
    """Runs under the real engine behind a codec, asked as clients ask."""

    def __init__(self, *workflows: type) -> None:
        self.chain = Chain(*workflows, data_converter=WITH_CODEC)

    async def start(self, *args: Any, **fields: Any) -> None:
        started = command.StartWorkflow(
            workflow_type=self.chain.workflow_type, task_queue="q", args=await WITH_CODEC.encode(args), **fields
        )
        self.chain.world.handle(ID, started)

    async def signal(self, name: str, *args: Any) -> None:
        told = command.SignalWorkflow(signal_name=name, args=await WITH_CODEC.encode(args))
        self.chain.world.handle(ID, told)

    async def update(self, text: str) -> Any:
        offered = command.UpdateWorkflow(
            update_id=text,
            update_name="put",
            args=await WITH_CODEC.encode([text]),
            await_completed=True,
            reply_to=REPLY,
        )
        (answer,) = [told for _, told in self.chain.world.handle(ID, offered).replies]
        assert isinstance(answer, reply.UpdateReply)
        assert b"secret" not in encode(replace(answer, update_id=""))
        if answer.failure is not None:
            raise await WITH_CODEC.decode_failure(answer.failure)
        assert answer.result is not None
        return (await WITH_CODEC.decode([answer.result]))[0]

    async def result(self) -> Any:
        closing = self.chain.run.closing
        assert isinstance(closing, event.WorkflowExecutionCompleted), (closing, self.chain.run.stalled)
        return (await WITH_CODEC.decode([closing.result]))[0]

    def legible(self) -> list[Any]:
        """Records of the log in which a secret can be read."""
        return [entry.record for entry in self.chain.world.sessions.log if b"secret " in entry.encoded]


@pytest.mark.parametrize("evict", [False, True])
async def test_updates_properties_and_chains_go_through_the_codec(evict: bool) -> None:
    coded = Coded(Account)
    (gone,) = await WITH_CODEC.encode(["secret start"])
    await coded.start(1, "secret start", memo={"gone": gone})
    if evict:
        coded.chain.evict()
    for text in ("secret refusal", "secret failure"):
        with pytest.raises(ApplicationError) as failed:
            await coded.update(text)
        assert (failed.value.message[: len(text)], failed.value.details) == (text, ("secret detail",))
    assert set(coded.chain.run.memo) == {"note"}
    assert await coded.update("secret text") == "secret text kept"
    if evict:
        coded.chain.evict()
    first, second = coded.chain.started
    assert second.continuation is not None
    assert second.continuation.run_id == first.run_id
    assert await coded.update("secret end") == "secret end kept"
    assert await coded.result() == ["secret args", "secret note 0", "secret end", "berlin"]
    attributes = coded.chain.run.search_attributes
    assert attributes["city"].data == b'"berlin"'
    updates = {"WorkflowExecutionUpdateAccepted", "WorkflowExecutionUpdateCompleted"}  # whose IDs are the texts here
    assert {type(record).__name__ for record in coded.legible()} <= updates


@workflow.defn
class Deaf:
    """Hears in its second run only what the first one was told."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    @workflow.run
    async def run(self, again: bool) -> list[str]:
        if again:
            await workflow.sleep(1)
            workflow.continue_as_new(False)
        workflow.set_signal_handler("hear", self.heard.append)
        await workflow.wait_condition(lambda: len(self.heard) == 2)
        return self.heard


@pytest.mark.parametrize("held", [False, True])
async def test_signals_that_go_on_to_the_next_run_stay_encoded(held: bool) -> None:
    coded = Coded(Deaf)
    await coded.start(True, start_delay_ms=60_000 if held else 0)
    await coded.signal("hear", "secret one")
    await coded.signal("hear", "secret two")
    if held:
        coded.chain.sleep(60)
    coded.chain.sleep(2)
    assert await coded.result() == ["secret one", "secret two"]
    assert coded.legible() == []


@workflow.defn
class Nightly:
    """Says what it was left by the runs before."""

    @workflow.run
    async def run(self) -> str:
        last = workflow.get_last_completion_result(str)
        failure = workflow.get_last_failure()
        if last is not None and failure is None:
            raise ApplicationError("secret failure")
        cause = failure.message if isinstance(failure, ApplicationError) else "none"
        return f"secret, after {last} and {cause}"


async def test_what_earlier_runs_left_is_decoded() -> None:
    coded = Coded(Nightly)
    await coded.start(options=common.WorkflowOptions(cron_schedule="@every 1m"))
    coded.chain.sleep(3 * 60 + 10)
    ended = [found for found in coded.chain.events() if isinstance(found, event.WorkflowExecutionCompleted)]
    results = [(await WITH_CODEC.decode([found.result]))[0] for found in ended]
    assert results[:2] == [
        "secret, after None and none",
        "secret, after secret, after None and none and secret failure",
    ]
    assert coded.legible() == []


async def test_what_removes_a_field_is_not_encoded() -> None:
    removed, kept = common.Payload(encoding=REMOVED_ENCODING), common.Payload(encoding="x", data=b"1")
    codec = Coder(AESGCMCodec(KEYS))
    (coded,) = codec.encoded([decisions.ModifyProperties(memo={"a": kept, "b": removed, "c": kept})])
    assert coded.memo["b"] == removed
    assert {coded.memo[name].encoding for name in "ac"} == {"binary/encrypted"}
    assert codec.decoded(coded) == decisions.ModifyProperties(memo={"a": kept, "b": removed, "c": kept})
