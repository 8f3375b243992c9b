"""What a broker does besides carrying records, in memory: refusals, dead letters, and who gets which task."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from foldlog import activity, workflow
from foldlog.client import Client, NoAnswerError, RecordTooLargeError
from foldlog.exceptions import ConfigurationError
from foldlog.memory import MemoryBroker, MemoryTransport
from foldlog.schemas.codec import SingleObjectCodec
from foldlog.schemas.command import QueryWorkflow
from foldlog.transport.dead_letters import ERROR_HEADER
from foldlog.transport.errors import ConnectionClosedError
from foldlog.worker import Worker

LIMIT = timedelta(seconds=30)
running = 0
most = 0


@activity.defn
async def crowded() -> None:
    """Notes how many run at the same time."""
    global running, most
    running += 1
    most = max(most, running)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    running -= 1


@workflow.defn
class Crowd:
    @workflow.run
    async def run(self, size: int) -> int:
        await asyncio.gather(
            *(workflow.execute_activity(crowded, task_queue="crowd", start_to_close_timeout=LIMIT) for _ in range(size))
        )
        return size


@workflow.defn
class Echo:
    @workflow.run
    async def run(self, text: str) -> str:
        return text


@workflow.defn
class Mistaken:
    @workflow.run
    async def run(self) -> None:
        raise KeyError("city")


@pytest.fixture
async def broker() -> AsyncIterator[MemoryBroker]:
    made = MemoryBroker(partitions=2)
    yield made
    made.close()


@pytest.fixture
async def client(broker: MemoryBroker) -> AsyncIterator[Client]:
    async with Client(MemoryTransport(broker, "shop")) as made:
        yield made


async def test_no_worker_no_answer(client: Client) -> None:
    with pytest.raises(NoAnswerError, match=r"shop\.commands"):
        await client.get_workflow_handle("nobody").query("text", rpc_timeout=timedelta(milliseconds=10))
    # The command stays where it is: whoever comes later handles it.
    early = asyncio.create_task(client.execute_workflow(Echo.run, "x", id="a", task_queue="q"))
    async with Worker(client, task_queue="q", workflows=[Echo]):
        assert await asyncio.wait_for(early, 60) == "x"


async def test_what_is_too_large_is_refused(client: Client) -> None:
    with pytest.raises(RecordTooLargeError):
        await client.start_workflow(Echo.run, "x" * 2_000_000, id="a", task_queue="q")


async def test_a_closed_client_is_of_no_use(broker: MemoryBroker, client: Client) -> None:
    other = Client(MemoryTransport(broker, "shop"))
    waiting = asyncio.create_task(other.get_workflow_handle("a").result())
    await asyncio.sleep(0)
    await other.close()
    with pytest.raises(ConnectionClosedError):
        await waiting
    with pytest.raises(ConnectionClosedError):
        await other.get_workflow_handle("a").describe()


def test_names_are_those_of_topics() -> None:
    async def connect() -> None:
        MemoryTransport(MemoryBroker(), "no such name!")

    with pytest.raises(ConfigurationError):
        asyncio.run(connect())


async def test_another_event_loop_is_refused(client: Client) -> None:
    def elsewhere() -> None:
        async def ask() -> None:
            await client.get_workflow_handle("a").describe()

        asyncio.run(ask())

    with pytest.raises(RuntimeError, match=r"event loop .*asyncio_default_test_loop_scope"):
        await asyncio.to_thread(elsewhere)

    def work_elsewhere() -> None:
        asyncio.run(Worker(client, task_queue="q", workflows=[Echo]).run())

    with pytest.raises(RuntimeError, match=r"event loop .*asyncio_default_test_loop_scope"):
        await asyncio.to_thread(work_elsewhere)


async def test_garbage_goes_to_the_dead_letters(broker: MemoryBroker, client: Client) -> None:
    namespace = broker.namespace("shop")
    async with Worker(client, task_queue="q", workflows=[Echo], activities=[crowded]):
        broker.add("shop.commands", b"garbage", b"a")
        query = SingleObjectCodec().encode(QueryWorkflow(query_type="x"))
        broker.add("shop.commands", query, None)
        broker.add(namespace.topic("q"), b"no task", b"a")
        assert await client.execute_workflow(Echo.run, "x", id="a", task_queue="q") == "x"
    letters = namespace.dead_letters.partitions[0].read(0)
    assert {letter.value() for letter in letters} == {b"garbage", query, b"no task"}
    assert all(dict(letter.headers() or ()).get(ERROR_HEADER) for letter in letters)


async def test_no_worker_takes_more_than_it_has_slots_for(client: Client) -> None:
    global most
    most = 0
    async with Worker(client, task_queue="q", workflows=[Crowd]):
        async with (
            Worker(client, task_queue="crowd", activities=[crowded], max_concurrent_activities=3),
            Worker(client, task_queue="crowd", activities=[crowded], max_concurrent_activities=2),
        ):
            assert await client.execute_workflow(Crowd.run, 40, id="a", task_queue="q") == 40
    assert most == 5


async def test_a_worker_that_stops_leaves_its_tasks_to_the_next(client: Client) -> None:
    async with Worker(client, task_queue="q", workflows=[Crowd]):
        first = Worker(client, task_queue="crowd", activities=[crowded], max_concurrent_activities=1)
        async with first:
            handle = await client.start_workflow(Crowd.run, 20, id="a", task_queue="q")
        async with Worker(client, task_queue="crowd", activities=[crowded]):
            assert await handle.result(rpc_timeout=LIMIT) == 20


async def test_a_mistake_in_workflow_code_is_told_in_the_log(
    broker: MemoryBroker, caplog: pytest.LogCaptureFixture
) -> None:
    async with Client(MemoryTransport(broker, "shop")) as client:
        async with Worker(client, task_queue="q", workflows=[Mistaken]):
            handle = await client.start_workflow(Mistaken.run, id="m", task_queue="q")
            assert (await handle.describe()).stalled_error
            await handle.terminate()
    told = next(record for record in caplog.records if "cannot go on" in record.message)
    assert told.message.startswith("workflow 'm' (Mistaken) cannot go on, attempt 1: KeyError: 'city'\nTraceback")
    assert 'raise KeyError("city")' in told.message


async def test_of_a_type_that_no_worker_has_the_log_says_just_that(
    broker: MemoryBroker, caplog: pytest.LogCaptureFixture
) -> None:
    async with Client(MemoryTransport(broker, "shop")) as client:
        async with Worker(client, task_queue="q", workflows=[Mistaken]):
            handle = await client.start_workflow("Unheard", id="u", task_queue="q")
            assert (await handle.describe()).stalled_error
            await handle.terminate()
    told = next(record for record in caplog.records if "cannot go on" in record.message)
    assert told.message == (
        "workflow 'u' (Unheard) cannot go on, attempt 1: workflow type Unheard is not registered in this process;"
        " registered: Mistaken"
    )
