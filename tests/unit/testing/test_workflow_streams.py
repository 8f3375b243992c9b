"""Streams of workflows: who publishes, who reads, what is kept, and what goes over to the next run."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from foldlog import workflow
from foldlog.client import (
    Client,
    Interceptor,
    OutboundInterceptor,
    SignalWorkflowInput,
    WorkflowUpdateFailedError,
)
from foldlog.common import QueryRejectCondition, RawValue
from foldlog.contrib.workflow_streams import (
    PublishEntry,
    PublishInput,
    WorkflowStream,
    WorkflowStreamClient,
    _stream,
)
from foldlog.contrib.workflow_streams._types import POLL, PUBLISH, written
from foldlog.converter import DataConverter
from foldlog.core.state import RESERVED
from foldlog.core.updates import MAXIMUM_IN_FLIGHT
from foldlog.exceptions import PayloadConversionError, RPCError, RPCStatusCode, WorkflowNotFoundError
from foldlog.testing import WorkflowEnvironment
from foldlog.worker import Replayer, Worker

from tests.conformance.scenarios import names
from tests.conformance.streams import Begin, Tick, progress
from tests.unit.testing.test_serialization_context import MarkingConverter
from tests.until import until, until_asked

LIMIT = timedelta(seconds=30)
NO_WAIT = timedelta()


@workflow.defn
class Hub:
    @workflow.init
    def __init__(self, start: Begin) -> None:
        self.stream = WorkflowStream(prior_state=start.stream)
        self.ticks = self.stream.topic("ticks", type=Tick)
        self.closed = False
        self.again = False

    @workflow.run
    async def run(self, start: Begin) -> int:
        await workflow.wait_condition(lambda: self.closed or self.again)
        if self.again:
            await self.stream.continue_as_new(lambda state: [Begin(state, start.runs + 1)])
        return start.runs

    @workflow.signal
    def close(self) -> None:
        self.closed = True

    @workflow.signal
    def go_over(self) -> None:
        self.again = True

    @workflow.signal
    def tick(self, number: int) -> None:
        self.ticks.publish(Tick(number))

    @workflow.update
    def truncate(self, offset: int) -> None:
        self.stream.truncate(offset)

    @workflow.update
    async def work(self, steps: int) -> None:
        await workflow.execute_activity(progress, steps, start_to_close_timeout=LIMIT)

    @workflow.update
    def wrong(self, what: str) -> str:
        try:
            if what == "late":
                WorkflowStream()
            else:
                self.stream.topic("ticks", type=int)
        except RuntimeError as error:
            return str(error)
        return "nothing"


@workflow.defn
class Twice:
    def __init__(self) -> None:
        WorkflowStream()
        try:
            WorkflowStream()
        except RuntimeError as error:
            self.error = str(error)

    @workflow.run
    async def run(self) -> str:
        return self.error


class Outage(Interceptor):
    """While it lasts, no signal goes out."""

    def __init__(self) -> None:
        self.lasts = True

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        return OutageOutbound(next, self)


class OutageOutbound(OutboundInterceptor):
    def __init__(self, next: OutboundInterceptor, outage: Outage) -> None:
        super().__init__(next)
        self._outage = outage

    async def signal_workflow(self, input: SignalWorkflowInput) -> None:
        if self._outage.lasts:
            raise RPCError("an outage", RPCStatusCode.UNAVAILABLE)
        await super().signal_workflow(input)


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with await WorkflowEnvironment.start_time_skipping() as environment:
        with environment.auto_time_skipping_disabled():
            async with Worker(environment.client, task_queue="q", workflows=[Hub, Twice], activities=[progress]):
                yield environment.client


async def hub(client: Client) -> Any:
    return await client.start_workflow(Hub.run, Begin(), id="hub", task_queue="q")


async def publish_and_raise(stream: WorkflowStreamClient) -> None:
    async with stream:
        stream.topic("t").publish("kept")
        raise ZeroDivisionError


async def read(client: Client, topics: Any = None, start: int = 0, **options: Any) -> list[tuple[int, str, Any]]:
    """Everything to the end of the workflow."""
    stream = WorkflowStreamClient.create(client, "hub")
    items = stream.subscribe(topics, start, poll_cooldown=NO_WAIT, **options)
    return [(item.offset, item.topic, item.data) async for item in items]


async def test_workflow_activity_and_others_publish_and_readers_have_all_to_the_end(client: Client) -> None:
    handle = await hub(client)
    reader = asyncio.create_task(read(client))
    await handle.signal(Hub.tick, 1)
    await handle.execute_update(Hub.work, 2)
    async with WorkflowStreamClient.create(client, "hub") as outside:
        outside.topic("news").publish({"text": "rain"})
    assert await outside.get_offset() == 4
    await handle.signal(Hub.tick, 2)
    await handle.signal(Hub.close)
    expected = [
        (0, "ticks", {"number": 1}),
        (1, "progress", "step 0"),
        (2, "progress", "step 1"),
        (3, "news", {"text": "rain"}),
        (4, "ticks", {"number": 2}),
    ]
    assert await reader == expected
    # Whoever comes when it is over has them too.
    assert await read(client, start=3) == expected[3:]
    assert await read(client, ["ticks", "news"]) == [expected[0], *expected[3:]]
    assert await read(client, "ticks", result_type=Tick) == [(0, "ticks", Tick(1)), (4, "ticks", Tick(2))]
    ticks = WorkflowStreamClient.create(client, "hub").topic("ticks", type=Tick)
    assert (ticks.name, ticks.type) == ("ticks", Tick)
    assert [item.data async for item in ticks.subscribe(1)] == [Tick(2)]
    await Replayer(workflows=[Hub]).replay_workflow(await handle.fetch_history())


async def test_a_stream_goes_over_to_the_next_run_and_its_readers_with_it(client: Client) -> None:
    handle = await hub(client)
    reader = asyncio.create_task(read(client, "ticks", result_type=Tick))
    await handle.signal(Hub.tick, 1)
    entry = PublishEntry("ticks", written(DataConverter.default.payload_converter.to_payloads([Tick(2)])[0]))
    batch = PublishInput([entry], publisher_id="p", sequence=1)
    await handle.signal(PUBLISH, batch)
    await handle.signal(Hub.go_over)
    current = client.get_workflow_handle("hub")
    await current.signal(PUBLISH, batch)  # again, as after a lost answer: it counts once
    await current.signal(Hub.tick, 3)
    await current.signal(Hub.close)
    assert await handle.result(rpc_timeout=LIMIT) == 1
    assert await reader == [(0, "ticks", Tick(1)), (1, "ticks", Tick(2)), (2, "ticks", Tick(3))]


async def test_what_is_not_kept_is_passed_over(client: Client) -> None:
    handle = await hub(client)
    for number in range(5):
        await handle.signal(Hub.tick, number)
    await handle.execute_update(Hub.truncate, 3)
    await handle.execute_update(Hub.truncate, 1)  # does nothing
    with pytest.raises(WorkflowUpdateFailedError) as failed:
        await handle.execute_update(Hub.truncate, 6)
    assert "items from 3 to 5 are kept" in str(failed.value.cause)
    items = WorkflowStreamClient.create(client, "hub").subscribe(from_offset=1, poll_cooldown=NO_WAIT)
    assert [(await anext(items)).offset for _ in range(2)] == [3, 4]
    await handle.signal(Hub.close)
    await handle.result()
    assert [offset for offset, *_ in await read(client, start=1)] == [3, 4]


async def test_large_backlogs_come_in_several_answers(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_stream, "MAXIMUM_ANSWER", 100)
    handle = await hub(client)
    for number in range(5):
        await handle.signal(Hub.tick, number)
    items = WorkflowStreamClient.create(client, "hub").subscribe()
    assert [(await anext(items)).offset for _ in range(5)] == [0, 1, 2, 3, 4]
    await handle.signal(Hub.close)
    await handle.result()
    assert [offset for offset, *_ in await read(client)] == [0, 1, 2, 3, 4]


async def test_payloads_go_as_they_are(client: Client) -> None:
    handle = await hub(client)
    payload = DataConverter.default.payload_converter.to_payloads(["raw"])[0]
    async with WorkflowStreamClient.create(client, "hub") as outside:
        outside.topic("raw").publish(payload)
    await handle.signal(Hub.close)
    ((_, _, value),) = await read(client, result_type=RawValue)
    assert value.payload.data == b'"raw"'


async def test_batches_are_sent_when_they_are_large_enough_or_asked_for(client: Client) -> None:
    await hub(client)
    stream = WorkflowStreamClient.create(client, "hub", batch_interval=timedelta(hours=1), max_batch_size=2)
    items = WorkflowStreamClient.create(client, "hub").subscribe(poll_cooldown=NO_WAIT)
    async with stream:
        topic = stream.topic("t")
        topic.publish(1)
        topic.publish(2)
        assert [(await anext(items)).data for _ in range(2)] == [1, 2]
        topic.publish(3, force_flush=True)
        assert (await anext(items)).data == 3
        topic.publish(4)
        await stream.flush()
        assert await stream.get_offset() == 4


async def test_what_cannot_be_sent_is_kept_and_counts_once(client: Client) -> None:
    stream = WorkflowStreamClient.create(client, "hub")
    stream.topic("t").publish(1)
    for _ in range(2):
        with pytest.raises(WorkflowNotFoundError):
            await stream.flush()
    handle = await hub(client)
    stream.topic("t").publish(2)
    await stream.flush()
    await handle.signal(Hub.close)
    assert [(offset, data) for offset, _, data in await read(client)] == [(0, 1), (1, 2)]


async def test_what_cannot_be_sent_for_too_long_is_given_up(client: Client) -> None:
    stream = WorkflowStreamClient.create(client, "hub", max_retry_duration=timedelta(microseconds=1))
    stream.topic("t").publish("lost")
    with pytest.raises(WorkflowNotFoundError):
        await stream.flush()
    with pytest.raises(TimeoutError, match="given up"):
        await stream.flush()
    handle = await hub(client)
    stream.topic("t").publish("kept")
    await stream.flush()
    await handle.signal(Hub.close)
    assert [data for *_, data in await read(client)] == ["kept"]


async def test_the_flusher_goes_on_after_a_batch_that_is_given_up(client: Client, caplog: Any) -> None:
    handle = await hub(client)
    outage = Outage()
    config = client.config()
    config["interceptors"] = [outage]
    publisher = Client(**config)
    short = timedelta(milliseconds=1)
    items = WorkflowStreamClient.create(client, "hub").subscribe(poll_cooldown=NO_WAIT)
    stream = WorkflowStreamClient.create(publisher, "hub", batch_interval=short, max_retry_duration=short)

    async def publish() -> None:
        async with stream:
            topic = stream.topic("t")
            topic.publish("lost", force_flush=True)
            await until(lambda: "1 items for the stream of 'hub' are lost" in caplog.text, "it is given up")
            outage.lasts = False
            topic.publish("sent by the flusher", force_flush=True)
            assert (await anext(items)).data == "sent by the flusher"
            topic.publish("sent at the end")

    with pytest.raises(TimeoutError, match="given up"):
        await publish()
    await stream.flush()  # it has been told of
    await handle.signal(Hub.close)
    assert [data for *_, data in await read(client)] == ["sent by the flusher", "sent at the end"]


async def test_whoever_publishes_is_told_of_what_cannot_be_converted(client: Client) -> None:
    handle = await hub(client)
    async with WorkflowStreamClient.create(client, "hub", batch_interval=timedelta(milliseconds=1)) as stream:
        stream.topic("t").publish("before")
        with pytest.raises(PayloadConversionError):
            stream.topic("t").publish(object())
        stream.topic("t").publish("after")
    await handle.signal(Hub.close)
    assert [data for *_, data in await read(client)] == ["before", "after"]


async def test_the_rest_is_sent_when_the_block_raises(client: Client) -> None:
    handle = await hub(client)
    with pytest.raises(ZeroDivisionError):
        await publish_and_raise(WorkflowStreamClient.create(client, "hub", batch_interval=timedelta(hours=1)))
    await handle.signal(Hub.close)
    assert [data for *_, data in await read(client)] == ["kept"]


async def test_what_the_block_raises_is_not_replaced(client: Client, caplog: Any) -> None:
    with pytest.raises(ZeroDivisionError):
        await publish_and_raise(WorkflowStreamClient.create(client, "nobody"))
    assert "the rest could not be published to the stream of 'nobody'" in caplog.text


async def test_the_rest_is_sent_when_the_flusher_has_failed(client: Client) -> None:
    stream = WorkflowStreamClient.create(client, "hub", batch_interval=timedelta(milliseconds=1))

    async def publish() -> None:
        async with stream:
            stream.topic("t").publish("first", force_flush=True)
            await until(lambda: stream._flusher is not None and stream._flusher.done(), "the flusher has failed")
            await hub(client)
            stream.topic("t").publish("second")

    with pytest.raises(WorkflowNotFoundError):
        await publish()
    handle = client.get_workflow_handle_for(Hub.run, "hub")
    await handle.signal(Hub.close)
    assert [data for *_, data in await read(client)] == ["first", "second"]


async def test_there_may_be_many_readers_and_many_polls(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    assert POLL.startswith(RESERVED)
    monkeypatch.setattr("foldlog.core.updates.MAXIMUM_UPDATES", 1)
    handle = await hub(client)
    streams = [
        WorkflowStreamClient.create(client, "hub").subscribe(poll_cooldown=NO_WAIT)
        for _ in range(MAXIMUM_IN_FLIGHT + 1)
    ]
    for number in range(3):
        waiting = [asyncio.ensure_future(anext(items)) for items in streams]
        polls = (number + 1) * len(streams)

        async def taken() -> bool:
            return (await names(handle)).count("WorkflowExecutionUpdateAccepted") >= polls  # noqa: B023

        await until_asked(taken, "all readers wait")
        await handle.signal(Hub.tick, number)
        assert [(await item).data for item in waiting] == [{"number": number}] * len(streams)


async def test_a_client_that_rejects_queries_reads_streams_that_have_ended(client: Client) -> None:
    handle = await hub(client)
    await handle.signal(Hub.tick, 1)
    await handle.signal(Hub.close)
    await handle.result()
    config = client.config()
    config["default_workflow_query_reject_condition"] = QueryRejectCondition.NOT_OPEN
    strict = Client(**config)
    assert await read(strict) == [(0, "ticks", {"number": 1})]
    assert await WorkflowStreamClient.create(strict, "hub").get_offset() == 1


async def test_items_are_converted_in_the_context_of_the_workflow() -> None:
    converter = DataConverter(payload_converter_class=MarkingConverter)
    async with await WorkflowEnvironment.start_time_skipping(data_converter=converter) as environment:
        client = environment.client
        with environment.auto_time_skipping_disabled():
            async with Worker(client, task_queue="q", workflows=[Hub], activities=[progress]):
                handle = await hub(client)
                await handle.signal(Hub.tick, 1)
                await handle.execute_update(Hub.work, 1)
                async with WorkflowStreamClient.create(client, "hub") as outside:
                    outside.topic("news").publish("rain")
                await handle.signal(Hub.close)
                assert await read(client) == [
                    (0, "ticks", {"number": 1}),
                    (1, "progress", "step 0"),
                    (2, "news", "rain"),
                ]
                ((_, _, value),) = await read(client, "news", result_type=RawValue)
                assert value.payload.metadata["converter"] == b"workflow default hub"


async def test_the_flusher_ends_the_block_if_there_is_nobody(client: Client) -> None:
    with pytest.raises(WorkflowNotFoundError):
        async with WorkflowStreamClient.create(client, "nobody") as stream:
            stream.topic("t").publish(1)
    with pytest.raises(WorkflowNotFoundError):
        await anext(WorkflowStreamClient.create(client, "nobody").subscribe())


async def test_the_page_about_streams_is_code(monkeypatch: pytest.MonkeyPatch) -> None:
    page = ModuleType("docs_streams")
    monkeypatch.setitem(sys.modules, page.__name__, page)
    text = (Path(__file__).parents[3] / "docs" / "streams.md").read_text()
    (block,) = re.findall(r"```python\n(.*?)```", text, re.S)
    exec(compile(block, "docs/streams.md", "exec", dont_inherit=True), vars(page))
    async with await WorkflowEnvironment.start_time_skipping() as environment:
        client = environment.client
        async with Worker(client, task_queue="q", workflows=[page.Report], activities=[page.render]):
            await client.execute_workflow(page.Report.run, page.ReportInput("a"), id="report", task_queue="q")
            assert await page.watch(client, "report") == [
                "0 status: begun",
                "1 progress: page 1 of 3",
                "2 progress: page 2 of 3",
                "3 progress: page 3 of 3",
                "4 status: done",
            ]


async def test_what_is_wrong_is_named(client: Client) -> None:
    handle = await hub(client)
    assert "made in the workflow's __init__" in await handle.execute_update(Hub.wrong, "late")
    assert "has the type" in await handle.execute_update(Hub.wrong, "type")
    assert await client.execute_workflow(Twice.run, id="twice", task_queue="q") == (
        "the workflow has a WorkflowStream already"
    )
    stream = WorkflowStreamClient.create(client, "hub")
    payload_type: Any = type(DataConverter.default.payload_converter.to_payloads([1])[0])
    with pytest.raises(RuntimeError, match="cannot be of type Payload"):
        stream.topic("t", type=payload_type)
    with pytest.raises(RuntimeError, match="RawValue"):
        await anext(stream.subscribe(result_type=payload_type))
    stream.topic("t", type=int)
    with pytest.raises(RuntimeError, match="has the type"):
        stream.topic("t", type=str)
