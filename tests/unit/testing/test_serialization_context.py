"""Converters and codecs are told what each payload belongs to, and hear the same on both sides of the log.

Each of the three notes down its context in what it writes, and refuses to read what was written in another one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, Self

import pytest
from foldlog import activity, workflow
from foldlog.client import (
    AsyncActivityHandle,
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleSpec,
    WithStartWorkflowOperation,
    WorkflowFailureError,
    WorkflowUpdateFailedError,
)
from foldlog.common import RetryPolicy, WorkflowIDConflictPolicy
from foldlog.converter import (
    ActivitySerializationContext,
    CodecChain,
    CompositePayloadConverter,
    DataConverter,
    DefaultFailureConverter,
    DefaultPayloadConverter,
    EncodingPayloadConverter,
    JSONPlainPayloadConverter,
    PayloadCodec,
    PayloadConverter,
    SerializationContext,
    WithSerializationContext,
    WorkflowSerializationContext,
)
from foldlog.exceptions import ActivityError, ApplicationError, ChildWorkflowError, FailureError
from foldlog.schemas.common import Failure, Payload
from foldlog.testing import WorkflowEnvironment
from foldlog.worker import Worker
from msgspec.structs import replace

from tests.until import until_asked

SECOND = timedelta(seconds=1)
ONCE = RetryPolicy(maximum_attempts=1)
LIMIT = timedelta(seconds=60)


def told(context: SerializationContext | None) -> str:
    """A context as text, without what the other side cannot always know."""
    if isinstance(context, ActivitySerializationContext):
        kind = "local" if context.is_local else "activity"
        return f"{kind} {context.namespace} {context.workflow_id} {context.activity_id} {context.activity_type}"
    if isinstance(context, WorkflowSerializationContext):
        return f"workflow {context.namespace} {context.workflow_id}"
    return "nothing"


class Marking(EncodingPayloadConverter, WithSerializationContext):
    """JSON that says where it belongs."""

    def __init__(self) -> None:
        self.context: SerializationContext | None = None
        self._json = JSONPlainPayloadConverter()

    def with_context(self, context: SerializationContext) -> Self:
        made = type(self)()
        made.context = context
        return made

    @property
    def encoding(self) -> str:
        return "json/marked"

    def to_payload(self, value: Any) -> Payload | None:
        made = self._json.to_payload(value)
        if made is None:
            return None
        return replace(
            made, encoding=self.encoding, metadata={**made.metadata, "converter": told(self.context).encode()}
        )

    def from_payload(self, payload: Any, type_hint: Any = None) -> Any:
        written = payload.metadata["converter"].decode()
        assert written == told(self.context), f"converter: written for {written}, read for {told(self.context)}"
        return self._json.from_payload(Payload(encoding="json/plain", data=payload.data), type_hint)


class MarkingConverter(CompositePayloadConverter):
    def __init__(self) -> None:
        super().__init__(Marking())


class MarkingCodec(PayloadCodec, WithSerializationContext):
    may_wait = False

    def __init__(self, context: SerializationContext | None = None) -> None:
        self.context = context

    def with_context(self, context: SerializationContext) -> Self:
        return type(self)(context)

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        mark = told(self.context).encode()
        return [replace(each, metadata={**each.metadata, "codec": mark}) for each in map(plainly, payloads)]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [self._decoded(plainly(payload)) for payload in payloads]

    def _decoded(self, payload: Payload) -> Payload:
        metadata = dict(payload.metadata)
        written = bytes(metadata.pop("codec")).decode()
        assert written == told(self.context), f"codec: written for {written}, read for {told(self.context)}"
        return replace(payload, metadata=metadata)


class WaitingCodec(MarkingCodec):
    """One that is called on the event loop."""

    may_wait = True

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        await asyncio.sleep(0)
        return await super().encode(payloads)

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        await asyncio.sleep(0)
        return await super().decode(payloads)


def plainly(payload: Any) -> Payload:
    encoding = payload.encoding
    metadata = {name: bytes(value) for name, value in payload.metadata.items() if name != "encoding"}
    return Payload(encoding=encoding, data=payload.data, metadata=metadata)


class MarkingFailures(DefaultFailureConverter, WithSerializationContext):
    """Says in the message for whom it was written and read."""

    def __init__(self, context: SerializationContext | None = None) -> None:
        super().__init__()
        self.context = context

    def with_context(self, context: SerializationContext) -> Self:
        return type(self)(context)

    def to_failure(
        self, exception: BaseException, payload_converter: PayloadConverter, failure: Failure | None = None
    ) -> Failure:
        made = super().to_failure(exception, payload_converter, failure)
        if not isinstance(exception, FailureError) or exception.failure is None:
            made.message += f" [written for {told(self.context)}]"
        return made

    def from_failure(self, failure: Failure, payload_converter: PayloadConverter) -> BaseException:
        error = super().from_failure(failure, payload_converter)
        error.add_note(f"read for {told(self.context)}")
        return error


@activity.defn
async def double(value: str) -> str:
    activity.heartbeat(value)
    if activity.info().attempt == 1:
        raise ApplicationError("again", "detail of the first")
    details = str(activity.info().heartbeat_details[0])
    assert activity.payload_converter().to_payload(details).metadata["converter"].startswith(b"activity")
    return details + value


@activity.defn
def in_thread(value: str) -> str:
    activity.heartbeat(value)
    return value.upper()


@activity.defn
async def failing(value: str) -> str:
    raise ApplicationError("no", value, non_retryable=True)


@activity.defn
async def silent(value: str) -> str:
    activity.heartbeat(value)
    await asyncio.Event().wait()
    return value


@activity.defn
async def from_outside(value: str) -> str:
    activity.raise_complete_async()


@workflow.defn
class Child:
    def __init__(self) -> None:
        self.said: list[str] = []

    @workflow.run
    async def run(self, value: str) -> str:
        if value == "fail":
            raise ApplicationError("the child", value)
        await workflow.wait_condition(lambda: bool(self.said))
        return value + self.said[0]

    @workflow.signal
    def say(self, value: str) -> None:
        self.said.append(value)


@workflow.defn
class Parent:
    def __init__(self) -> None:
        self.said: list[str] = []

    @workflow.run
    async def run(self, round: int) -> list[str]:
        if round == 0:
            workflow.upsert_memo({"changed": "memo"})
            await workflow.wait_condition(lambda: bool(self.said))
            workflow.continue_as_new(1)
        assert workflow.memo() == {"given": "memo", "changed": "memo"}
        found = [
            await workflow.execute_activity(double, "a", start_to_close_timeout=LIMIT, summary="in short"),
            await workflow.execute_activity(in_thread, "b", start_to_close_timeout=LIMIT, activity_id="mine"),
            await workflow.execute_local_activity(in_thread, "c", start_to_close_timeout=LIMIT),
        ]
        child = await workflow.start_child_workflow(Child.run, "d", id="the-child", memo={"m": 1}, static_summary="s")
        await child.signal(Child.say, "e")
        found.append(await child)
        other = await workflow.start_child_workflow(Child.run, "f")
        await workflow.get_external_workflow_handle(other.id).signal(Child.say, "g")
        return [*found, await other, await self.failures()]

    async def failures(self) -> str:
        found = []
        calls: list[Callable[[], Awaitable[Any]]] = [
            lambda: workflow.execute_activity(failing, "x", start_to_close_timeout=LIMIT),
            lambda: workflow.execute_local_activity(failing, "x", start_to_close_timeout=LIMIT, retry_policy=ONCE),
            lambda: workflow.execute_child_workflow(Child.run, "fail", id="failed-child"),
            lambda: workflow.execute_activity(
                silent, "x", start_to_close_timeout=SECOND, heartbeat_timeout=SECOND / 2, retry_policy=ONCE
            ),
        ]
        for call in calls:
            try:
                await call()
            except (ActivityError, ApplicationError, ChildWorkflowError) as error:
                cause: Any = error if isinstance(error, ApplicationError) else error.cause
                details = getattr(cause, "details", None) or cause.last_heartbeat_details
                found.append(f"{cause.message} {details[0]} {cause.__notes__[0]}")
        return "\n".join(found)

    @workflow.signal
    def say(self, value: str) -> None:
        self.said.append(value)

    @workflow.query
    def heard(self, prefix: str) -> str:
        return prefix + ",".join(self.said)

    @workflow.update
    async def put(self, value: str) -> str:
        if not value:
            raise ApplicationError("empty", value)
        return value * 2

    @put.validator
    def check_put(self, value: str) -> None:
        if value == "refused":
            raise ApplicationError("refused", value)


@workflow.defn
class Waits:
    @workflow.run
    async def run(self) -> str:
        return await workflow.execute_activity(from_outside, "x", start_to_close_timeout=LIMIT, activity_id="1")


async def environment(codec: PayloadCodec | None) -> WorkflowEnvironment:
    return await WorkflowEnvironment.start_time_skipping(
        data_converter=DataConverter(
            payload_converter_class=MarkingConverter,
            payload_codec=codec,
            failure_converter_class=MarkingFailures,
        )
    )


def worker_of(client: Client, executor: ThreadPoolExecutor) -> Worker:
    return Worker(
        client,
        task_queue="q",
        workflows=[Parent, Child, Waits],
        activities=[double, in_thread, failing, silent, from_outside],
        activity_executor=executor,
    )


@pytest.mark.parametrize("codec", [None, CodecChain(MarkingCodec()), WaitingCodec()], ids=["none", "chain", "waiting"])
async def test_both_sides_are_told_the_same(codec: PayloadCodec | None) -> None:
    with ThreadPoolExecutor(2) as executor:
        async with await environment(codec) as env, worker_of(env.client, executor):
            client = env.client
            handle = await client.start_workflow(
                Parent.run, 0, id="parent", task_queue="q", memo={"given": "memo"}, static_summary="in short"
            )
            assert await handle.query(Parent.heard, ":") == ":"
            assert await handle.execute_update(Parent.put, "u") == "uu"
            for refused in ("refused", ""):
                with pytest.raises(WorkflowUpdateFailedError) as caught:
                    await handle.execute_update(Parent.put, refused)
                assert "workflow default parent" in str(caught.value.cause)
            found = await handle.describe()
            assert await found.memo() == {"given": "memo", "changed": "memo"}
            assert await found.static_summary() == "in short"
            await handle.signal(Parent.say, "go")
            *values, failures = await handle.result()
            assert values == ["aa", "B", "C", "de", "fg"]
            assert failures.splitlines() == [
                "no [written for activity default parent 4 failing] x read for activity default parent 4 failing",
                "no [written for local default parent 5 failing] x read for local default parent 5 failing",
                "the child [written for workflow default failed-child] fail read for workflow default failed-child",
                "activity heartbeat timeout x read for activity default parent 6 silent",
            ]
            rows = {row.id: row async for row in client.list_workflows()}
            assert await rows["the-child"].memo() == {"m": 1}
            with pytest.raises(WorkflowFailureError):
                await client.execute_workflow(Child.run, "fail", id="fails", task_queue="q")


async def test_starts_with_messages_and_schedules() -> None:
    with ThreadPoolExecutor(2) as executor:
        async with await environment(MarkingCodec()) as env, worker_of(env.client, executor):
            client = env.client
            started = await client.start_workflow(
                Child.run, "a", id="signaled", task_queue="q", start_signal="say", start_signal_args=["b"]
            )
            assert await started.result() == "ab"
            operation = WithStartWorkflowOperation(
                Parent.run, 0, id="updated", task_queue="q", id_conflict_policy=WorkflowIDConflictPolicy.FAIL
            )
            result = await client.execute_update_with_start_workflow(
                Parent.put, "u", start_workflow_operation=operation
            )
            assert result == "uu"
            await (await operation.workflow_handle()).terminate("for", "a reason")


async def test_schedules_with_a_codec_that_is_told() -> None:
    converter = DataConverter(payload_codec=MarkingCodec())
    async with await WorkflowEnvironment.start_time_skipping(data_converter=converter) as env:
        async with Worker(env.client, task_queue="q", workflows=[Child]):
            action = ScheduleActionStartWorkflow(
                Child.run, "a", id="scheduled", task_queue="q", memo={"m": 1}, static_summary="s"
            )
            handle = await env.client.create_schedule("s", Schedule(action, ScheduleSpec()), memo={"own": "memo"})
            await handle.trigger()

            async def begun() -> list[Any]:
                return list((await handle.describe()).info.recent_actions)

            (taken,) = await until_asked(begun, "an action")
            found = await handle.describe()
            assert await found.memo() == {"own": "memo"}
            shown: Any = found.schedule.action
            context = WorkflowSerializationContext("default", "scheduled")
            assert await converter.with_context(context).decode(shown.args) == ["a"]
            listed = [each async for each in await env.client.list_schedules()]
            assert await listed[0].memo() == {"own": "memo"}
            run = env.client.get_workflow_handle_for(Child.run, taken.action.workflow_id)
            await run.signal(Child.say, "b")
            assert await run.result() == "ab"
            assert await (await run.describe()).memo() == {"m": 1}


async def test_who_completes_an_activity_from_outside_says_what_it_is() -> None:
    with ThreadPoolExecutor(2) as executor:
        async with await environment(MarkingCodec()) as env, worker_of(env.client, executor):
            handle = await env.client.start_workflow(Waits.run, id="waits", task_queue="q")
            reference: dict[str, Any] = {"workflow_id": "waits", "run_id": None, "activity_id": "1"}
            outside = env.client.get_async_activity_handle(**reference)

            async def started() -> Any:
                return (await handle.describe()).pending_activities

            await until_asked(started, "an open activity")
            context = ActivitySerializationContext(
                namespace="default",
                activity_id="1",
                activity_type="from_outside",
                activity_task_queue="q",
                workflow_id="waits",
                workflow_type="Waits",
                is_local=False,
            )
            await outside.with_context(context).complete("done")
            assert await handle.result() == "done"


class Derived(AsyncActivityHandle):
    """Of an application."""


class WithConstructor(AsyncActivityHandle):
    def __init__(self, *args: Any) -> None:
        super().__init__(*args)


async def test_a_handle_of_ones_own_stays_one() -> None:
    async with await environment(None) as env:
        context = ActivitySerializationContext("default", "1", None, None, "w", None, False)
        derived = Derived(env.client, b"token")
        assert type(derived.with_context(context)) is Derived
        with pytest.raises(TypeError, match="you must override with_context"):
            WithConstructor(env.client, b"token").with_context(context)


def test_an_encoding_may_be_changed_among_the_metadata() -> None:
    class Mine(EncodingPayloadConverter):
        encoding = "json/mine"

        def to_payload(self, value: Any) -> Any:
            payload = JSONPlainPayloadConverter().to_payload(value)
            assert payload is not None
            payload.metadata["encoding"] = b"json/mine"
            return payload

        def from_payload(self, payload: Any, type_hint: Any = None) -> Any:
            return ["mine", JSONPlainPayloadConverter().from_payload(payload, type_hint)]

    converter = CompositePayloadConverter(Mine())
    payload = converter.to_payload("x")
    assert (payload.encoding, payload.metadata) == ("json/mine", {})
    assert converter.from_payload(payload) == ["mine", "x"]


def test_what_does_not_ask_is_left_alone() -> None:
    context = WorkflowSerializationContext("n", "w")
    for plain in (DataConverter.default, DataConverter(payload_codec=CodecChain())):
        assert not plain.wants_context
        assert plain.with_context(context) is plain
    default = DefaultPayloadConverter()
    assert default.with_context(context) is default


def test_encodings_of_a_default_converter_may_ask() -> None:
    class Mine(DefaultPayloadConverter):
        default_encoding_payload_converters = (
            *DefaultPayloadConverter.default_encoding_payload_converters[:-1],
            Marking(),
        )

    context = WorkflowSerializationContext("n", "w")
    converter = DataConverter(payload_converter_class=Mine)
    assert converter.wants_context
    told_of = converter.with_context(context).payload_converter
    assert told_of.to_payload("x").metadata["converter"] == b"workflow n w"
    assert told_of.to_payload(None).encoding == "binary/null"
    assert converter.payload_converter.to_payload("x").metadata["converter"] == b"nothing"


def test_a_converter_from_the_ground_up_may_ask() -> None:
    class Mine(PayloadConverter, WithSerializationContext):
        def __init__(self, context: SerializationContext | None = None) -> None:
            self.context = context

        def with_context(self, context: SerializationContext) -> Self:
            return type(self)(context)

        def to_payloads(self, values: Sequence[Any]) -> list[Payload]:
            return [Payload(encoding="mine", data=told(self.context).encode()) for _ in values]

        def from_payloads(self, payloads: Sequence[Payload], type_hints: Sequence[Any] | None = None) -> list[Any]:
            return [payload.data for payload in payloads]

    converter = DataConverter(payload_converter_class=Mine).with_context(WorkflowSerializationContext("n", "w"))
    assert converter.payload_converter.to_payload(1).data == b"workflow n w"


class Fussy(DefaultFailureConverter, WithSerializationContext):
    """Cannot be put into a context for as long as somebody is away."""

    away = True

    def with_context(self, context: SerializationContext) -> Self:
        if Fussy.away:
            raise LookupError("the tenant is away")
        return self


@workflow.defn
class One:
    @workflow.run
    async def run(self) -> int:
        return 1


async def test_a_workflow_stalls_while_its_context_cannot_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    async with await WorkflowEnvironment.start_time_skipping() as env:
        fussy = await env.connect_client(data_converter=DataConverter(failure_converter_class=Fussy))
        async with Worker(fussy, task_queue="q", workflows=[One]):
            handle = await env.client.start_workflow(One.run, id="one", task_queue="q", rpc_timeout=LIMIT)
            assert "LookupError: the tenant is away" in (await handle.describe()).stalled_error
            monkeypatch.setattr(Fussy, "away", False)
            assert await handle.result(rpc_timeout=LIMIT) == 1
