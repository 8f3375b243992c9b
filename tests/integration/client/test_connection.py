"""Asking and telling over a real broker: answers, silence, trouble, and what a connection outlives."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from multiprocessing import Pipe, get_context
from typing import Any

import pytest
from confluent_kafka import KafkaError, Producer
from foldlog.connectors.embedded import EmbeddedKafka
from foldlog.schemas import command, framing, reply
from foldlog.schemas.codec import SingleObjectCodec
from foldlog.schemas.common import Payload
from foldlog.transport.admin import create_topics
from foldlog.transport.clients import open_producer
from foldlog.transport.config import KafkaConfig
from foldlog.transport.connection import Connection
from foldlog.transport.errors import (
    BrokerUnreachableError,
    ConnectionClosedError,
    NoAnswerError,
    QueueFullError,
    RecordTooLargeError,
    TopicMissingError,
)
from foldlog.transport.topics import Topics, partition_of

from tests.until import until

from .answering import Answering

PARTITIONS = 3


@pytest.fixture
def topics(config: KafkaConfig, namespace: str) -> Topics:
    made = Topics(namespace)
    create_topics(config, made, partitions=PARTITIONS)
    return made


@asynccontextmanager
async def connected(config: KafkaConfig, topics: Topics, **options: Any) -> AsyncIterator[Connection]:
    connection = await Connection.open(config, topics, codec=SingleObjectCodec(), **options)
    try:
        yield connection
    finally:
        await connection.close()


def describe() -> command.DescribeWorkflow:
    return command.DescribeWorkflow(identity="test")


def start(data: bytes = b"") -> command.StartWorkflow:
    args = [Payload(encoding="binary/plain", data=data)]
    return command.StartWorkflow(request_id="r", workflow_type="w", task_queue="q", args=args)


def same_id(workflow_id: str, asked: Any) -> reply.Accepted:
    """An answer from which one can see whose it is."""
    return reply.Accepted(correlation_id=0, run_id=workflow_id)


async def with_growing_timeouts(call: Callable[[float], Awaitable[Any]], reason: str = "") -> None:
    """Make a call that fails again, with more time, for as long as it fails because it had too little for its reason.

    Args:
        call: Given its timeout in seconds.
        reason: A word of the reason, if the wanted error is that the broker cannot be reached.
    """
    for timeout in (1.0, 3.0, 10.0, 60.0):
        try:
            await call(timeout)
        except BrokerUnreachableError as error:
            if timeout == 60.0 or (reason and reason in str(error)):
                raise


def connection_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name in ("foldlog-inlet", "foldlog-outlet")]


def write(config: KafkaConfig, topic: str, key: str | None, value: bytes | None, partition: int) -> None:
    producer: Producer = open_producer(config)
    producer.produce(topic, value, key, partition=partition)
    assert producer.flush(60) == 0


async def test_the_first_answer_is_never_missed(config: KafkaConfig, topics: Topics) -> None:
    with Answering(config, topics, PARTITIONS, same_id):
        for number in range(10):
            async with connected(config, topics) as connection:
                answer = await connection.ask(f"w-{number}", describe(), timeout=60)
                assert answer == reply.Accepted(correlation_id=1, run_id=f"w-{number}")


async def test_thousands_at_once_each_get_their_own_answer(config: KafkaConfig, topics: Topics) -> None:
    with Answering(config, topics, PARTITIONS, same_id):
        async with connected(config, topics) as connection:

            async def ask(workflow_id: str) -> str:
                answer = await connection.ask(workflow_id, describe(), timeout=60)
                assert isinstance(answer, reply.Accepted)
                return answer.run_id

            wanted = [f"w-{number}" for number in range(5000)]
            assert await asyncio.gather(*(ask(workflow_id) for workflow_id in wanted)) == wanted


async def test_clients_of_one_partition_hear_only_their_own(config: KafkaConfig, topics: Topics) -> None:
    ids = [f"client-{number}" for number in range(100)]
    first, second = [one for one in ids if partition_of(one, PARTITIONS) == 0][:2]
    with Answering(config, topics, PARTITIONS, same_id):
        async with (
            connected(config, topics, client_id=first) as one,
            connected(config, topics, client_id=second) as other,
        ):
            assert one.reply_partition == other.reply_partition == 0
            # Both have correlation ID 1 in use at the same time.
            answers = await asyncio.gather(one.ask("a", describe(), timeout=60), other.ask("b", describe(), timeout=60))
            assert [answer.run_id for answer in answers if isinstance(answer, reply.Accepted)] == ["a", "b"]


async def test_silence_names_the_partition_and_what_to_start(config: KafkaConfig, topics: Topics) -> None:
    async with connected(config, topics) as connection:
        with pytest.raises(NoAnswerError, match="no processor is running") as silence:
            await with_growing_timeouts(lambda timeout: connection.ask("lonely", describe(), timeout=timeout))
    assert silence.value.partition == partition_of("lonely", PARTITIONS)
    assert topics.commands in str(silence.value)
    assert "foldlog worker run" in str(silence.value)


async def test_nobody_at_the_address(namespace: str) -> None:
    config = KafkaConfig(bootstrap_servers="127.0.0.1:1", options={"log_level": "0"})

    def connect(timeout: float) -> Awaitable[Connection]:
        return Connection.open(config, Topics(namespace), codec=SingleObjectCodec(), timeout=timeout)

    with pytest.raises(BrokerUnreachableError, match=r"127\.0\.0\.1:1.*refused"):
        await with_growing_timeouts(connect, "refused")
    assert not connection_threads()


async def test_a_namespace_without_topics(config: KafkaConfig, namespace: str) -> None:
    with pytest.raises(TopicMissingError, match="foldlog topics create") as missing:
        await Connection.open(config, Topics(namespace), codec=SingleObjectCodec())
    assert missing.value.topic == f"{namespace}.replies"


async def test_a_record_that_the_client_refuses(config: KafkaConfig, topics: Topics) -> None:
    async with connected(config, topics) as connection:
        with pytest.raises(RecordTooLargeError) as refused:
            await connection.ask("w", start(bytes(1_000_001)), timeout=60)
        assert refused.value.size > 1_000_000
        assert refused.value.limit == 1_000_000
        with pytest.raises(RecordTooLargeError, match="1000000 bytes"):
            connection.tell("w", start(bytes(1_000_001)))


async def test_a_record_that_the_topic_refuses(kafka: str, topics: Topics) -> None:
    generous = KafkaConfig(
        bootstrap_servers=kafka, options={"message.max.bytes": "3000000", "compression.type": "none"}
    )
    async with connected(generous, topics) as connection:
        with pytest.raises(RecordTooLargeError, match=r"max\.message\.bytes") as refused:
            await connection.ask("w", start(bytes(2_000_000)), timeout=60)
        assert refused.value.size > 2_000_000
        reported: list[Exception | None] = []
        connection.tell("w", start(bytes(2_000_000)), reported.append)
        await until(lambda: reported, "it is told")
        assert isinstance(reported[0], RecordTooLargeError)


async def test_a_full_queue_slows_down_and_loses_nothing(config: KafkaConfig, topics: Topics) -> None:
    small = KafkaConfig(bootstrap_servers=config.bootstrap_servers, options={"queue.buffering.max.messages": "5"})
    with Answering(config, topics, PARTITIONS, same_id) as answering:
        async with connected(small, topics) as connection:
            asked = [connection.ask(f"w-{number}", describe(), timeout=60) for number in range(300)]
            assert len(await asyncio.gather(*asked)) == 300
            reported: list[Exception | None] = []

            def tell() -> None:
                for number in range(300):
                    connection.tell(f"t-{number}", start(), reported.append)

            await asyncio.to_thread(tell)
            tell()  # on the loop, where it must not wait
            await until(lambda: len(reported) == 600 and len(answering.seen) == 900, "all are told and seen")
            assert set(reported) == {None}


async def test_a_long_poll_ends_when_it_is_time_to_ask_again(config: KafkaConfig, topics: Topics) -> None:
    async with connected(config, topics) as connection:
        assert await connection.poll("w", command.AwaitResult(), wait=0.3) is None


async def test_a_long_poll_ends_when_its_partition_has_moved(config: KafkaConfig, topics: Topics) -> None:
    async with connected(config, topics) as connection:
        home = partition_of("w", PARTITIONS)
        elsewhere = next(f"x-{n}" for n in range(100) if partition_of(f"x-{n}", PARTITIONS) != home)
        polls = [
            asyncio.ensure_future(connection.poll(workflow_id, command.AwaitResult(), wait=100))
            for workflow_id in ("w", elsewhere)
        ]
        question = asyncio.ensure_future(connection.ask("w", describe(), timeout=100))
        moved = reply.PartitionMoved(partition=home, instance="p")
        await asyncio.to_thread(write, config, topics.replies, None, framing.encode(moved), connection.reply_partition)
        assert await asyncio.wait_for(polls[0], 60) is None
        # A question that does not wait for a workflow needs no repetition: its answer commits with its command.
        assert not polls[1].done()
        assert not question.done()
        for task in (polls[1], question):
            task.cancel()


async def test_notices_reach_the_handlers_of_their_client(config: KafkaConfig, topics: Topics) -> None:
    notice = reply.ActivityCancelRequested(run_id="r", scheduled_event_id=5, attempt=1, reason="CANCEL_REQUESTED")
    heard: list[Any] = []

    def fails(one: Any) -> None:
        raise RuntimeError("a handler of somebody else")

    with Answering(config, topics, PARTITIONS, same_id):
        async with connected(config, topics) as connection:
            connection.on_notice(fails)
            connection.on_notice(heard.append)
            for key in ("somebody else", connection.client_id):
                encoded = framing.encode(notice)
                await asyncio.to_thread(write, config, topics.replies, key, encoded, connection.reply_partition)
            await until(lambda: heard, "it is heard")
            assert await connection.ask("w", describe(), timeout=60)
            assert heard == [notice]


@pytest.mark.parametrize("own_key", [True, False])
async def test_garbage_among_the_replies_is_skipped(config: KafkaConfig, topics: Topics, own_key: bool) -> None:
    unknown = b"\xc3\x01" + bytes(8) + b"body"
    truncated = framing.encode(reply.PartitionMoved(partition=1, instance="somebody"))[:-3]
    no_reply = framing.encode(describe())
    with Answering(config, topics, PARTITIONS, same_id):
        async with connected(config, topics) as connection:
            for value in (b"", b"garbage", None, unknown, truncated, no_reply):
                key = connection.client_id if own_key else None
                await asyncio.to_thread(write, config, topics.replies, key, value, connection.reply_partition)
            assert await connection.ask("w", describe(), timeout=60)


async def test_answers_of_aborted_transactions_are_never_seen(config: KafkaConfig, topics: Topics) -> None:
    async with connected(config, topics) as connection:
        question = asyncio.ensure_future(connection.ask("w", describe(), timeout=100))

        def answer_twice() -> None:
            producer = open_producer(config, **{"transactional.id": f"{topics.namespace}.aborting"})
            producer.init_transactions()
            for run_id in ("aborted", "committed"):
                producer.begin_transaction()
                encoded = framing.encode(reply.Accepted(correlation_id=1, run_id=run_id))
                producer.produce(topics.replies, encoded, connection.client_id, partition=connection.reply_partition)
                producer.flush()
                if run_id == "aborted":
                    producer.abort_transaction()
                else:
                    producer.commit_transaction()

        await asyncio.to_thread(answer_twice)
        assert await asyncio.wait_for(question, 60) == reply.Accepted(correlation_id=1, run_id="committed")


async def test_closing_delivers_what_was_told_and_ends_what_is_asked(config: KafkaConfig, topics: Topics) -> None:
    connection = await Connection.open(config, topics, codec=SingleObjectCodec())
    question = asyncio.ensure_future(connection.ask("w", describe(), timeout=100))
    await asyncio.sleep(0)
    for number in range(100):
        connection.tell(f"w-{number}", start())
    await connection.close()
    with pytest.raises(ConnectionClosedError):
        await asyncio.wait_for(question, 60)
    with pytest.raises(ConnectionClosedError):
        await connection.ask("w", describe(), timeout=1)
    with pytest.raises(ConnectionClosedError):
        connection.tell("w", start())
    assert not connection_threads()
    with Answering(config, topics, PARTITIONS, lambda *_: None) as answering:
        await until(lambda: len(answering.seen) == 101, "all are seen")


async def test_a_cancelled_question_leaves_nothing_behind(config: KafkaConfig, topics: Topics) -> None:
    async with connected(config, topics) as connection:
        question = asyncio.ensure_future(connection.ask("w", describe(), timeout=100))
        await asyncio.sleep(0)
        question.cancel()
        with pytest.raises(asyncio.CancelledError):
            await question
        assert connection._questions == {}


async def test_another_event_loop_is_refused(config: KafkaConfig, topics: Topics) -> None:
    async with connected(config, topics) as connection:

        def elsewhere() -> None:
            asyncio.run(connection.ask("w", describe(), timeout=1))

        with pytest.raises(RuntimeError, match="one per loop"):
            await asyncio.to_thread(elsewhere)


async def test_a_process_that_was_forked_off_is_refused(config: KafkaConfig, topics: Topics) -> None:
    async with connected(config, topics) as connection:
        ours, theirs = Pipe()

        def in_child() -> None:
            try:
                asyncio.run(connection.ask("w", describe(), timeout=60))
            except ConnectionClosedError as error:
                asyncio.run(connection.close())
                theirs.send(str(error))

        child = get_context("fork").Process(target=in_child)
        child.start()
        try:
            assert await asyncio.to_thread(ours.poll, 30)
            assert "forked off the one that connected" in ours.recv()
            await asyncio.to_thread(child.join, 30)
            assert child.exitcode == 0
        finally:
            child.kill()
        with Answering(config, topics, PARTITIONS, same_id):
            assert await connection.ask("w", describe(), timeout=60) == reply.Accepted(correlation_id=1, run_id="w")


async def test_a_question_outlives_a_restart_of_the_broker(private_kafka: EmbeddedKafka, namespace: str) -> None:
    # Long fetches, behind which what asks for the broker has to wait.
    config = KafkaConfig(bootstrap_servers=private_kafka.bootstrap_servers, options={"fetch.wait.max.ms": "2000"})
    topics = Topics(namespace)
    await asyncio.to_thread(create_topics, config, topics, partitions=PARTITIONS)
    async with connected(config, topics) as connection:
        await asyncio.to_thread(private_kafka.stop)
        await until(lambda: not connection.reachable, "it knows that the broker is away")
        question = asyncio.ensure_future(connection.ask("w", describe(), timeout=200))
        poll = asyncio.ensure_future(connection.poll("v", command.AwaitResult(), wait=200))
        reported: list[Exception | None] = []
        connection.tell("t", start(), reported.append)
        with pytest.raises(BrokerUnreachableError, match=config.bootstrap_servers):
            await connection.ask("short", describe(), timeout=1)
        await asyncio.to_thread(private_kafka.start)
        with Answering(config, topics, PARTITIONS, same_id):
            answers = await asyncio.gather(question, poll)
            assert [answer.run_id for answer in answers if isinstance(answer, reply.Accepted)] == ["w", "v"]
            await until(lambda: reported == [None], "it is told")
            assert await connection.ask("later", describe(), timeout=60)
        await until(lambda: connection.reachable, "it knows that the broker is back", 20)
        connection._inlet._note(KafkaError(KafkaError._ALL_BROKERS_DOWN))  # as librdkafka may say late
        await until(lambda: connection.reachable, "it finds out that the broker is there", 20)


async def test_a_full_queue_without_a_broker_ends_at_the_deadline(private_kafka: EmbeddedKafka, namespace: str) -> None:
    options = {"queue.buffering.max.messages": "2", "log_level": "0", "message.timeout.ms": "600000"}
    config = KafkaConfig(bootstrap_servers=private_kafka.bootstrap_servers, options=options)
    topics = Topics(namespace)
    await asyncio.to_thread(create_topics, config, topics, partitions=PARTITIONS)
    connection = await Connection.open(config, topics, codec=SingleObjectCodec())
    await asyncio.to_thread(private_kafka.stop)
    asked = [connection.ask(f"w-{number}", describe(), timeout=1) for number in range(5)]
    errors = await asyncio.gather(*asked, return_exceptions=True)
    assert sorted(type(error).__name__ for error in errors) == ["BrokerUnreachableError"] * 2 + ["QueueFullError"] * 3
    assert any(isinstance(error, QueueFullError) and "queue.buffering" in str(error) for error in errors)
    await connection.close(timeout=0)
