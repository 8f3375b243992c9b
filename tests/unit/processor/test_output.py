"""What is produced fits, as librdkafka counts: a transaction with a record that does not would fail each time."""

from __future__ import annotations

import pytest
from confluent_kafka import Producer
from foldlog.core.outcome import Outcome, TaskEntry
from foldlog.processors.output import PRODUCER_LIMIT_BYTES, Output
from foldlog.processors.partition import DeadLetter, Work
from foldlog.schemas.codec import SingleObjectCodec
from foldlog.schemas.common import Payload, ReplyTo
from foldlog.schemas.reply import Accepted, QueryAnswer
from foldlog.schemas.task import ActivityTask
from foldlog.transport.topics import Topics


class Queues:
    def topic(self, task_queue: str) -> str:
        return f"test.tasks.{task_queue}"


def produce(outcome: Outcome, *letters: DeadLetter) -> None:
    """Hand all records to librdkafka, which refuses what is too large at once, without a broker.

    Raises:
        KafkaException: One of them is too large.
    """
    producer = Producer({"bootstrap.servers": "127.0.0.1:1", "message.max.bytes": PRODUCER_LIMIT_BYTES, "log_level": 0})
    output = Output(Topics("test"), SingleObjectCodec(), 1, Queues())
    output.produce(producer, 0, Work(outcome, [*letters]), lambda error, message: None)  # type: ignore[arg-type]  # outside a transaction
    producer.purge()


def filled(empty: int, short: int) -> Payload:
    return Payload(encoding="json/plain", data=b"x" * (PRODUCER_LIMIT_BYTES - empty - short))


@pytest.mark.parametrize("short", [0, 99, 100, 150, 299, 300, 301, 5_000])
def test_answers_and_tasks_with_their_keys(short: int) -> None:
    codec = SingleObjectCodec()
    outcome = Outcome(now_ms=1, namespace="test", encode=codec.encode)
    reply_to = ReplyTo(client_id="c" * 100, partition=0, correlation_id=1)
    size = len(codec.encode(QueryAnswer(correlation_id=1, result=filled(1_000, 0)))) - (PRODUCER_LIMIT_BYTES - 1_000)
    outcome.reply(reply_to, QueryAnswer, result=filled(size, short))
    task = ActivityTask(
        namespace="test",
        run_id="r",
        workflow_type="t",
        activity_id="1",
        activity_type="a",
        scheduled_event_id=2,
        attempt=2,
        args=[],
        scheduled_ms=1,
        attempt_scheduled_ms=1,
        heartbeat_details=[filled(1_000, 0)],
    )
    size = len(codec.encode(task)) - (PRODUCER_LIMIT_BYTES - 1_000)
    task.heartbeat_details = [filled(size, short)]
    outcome.tasks.append(TaskEntry("w" * 100, "q", task))
    produce(outcome)


def test_a_dead_letter_whose_error_is_no_proper_text() -> None:
    outcome = Outcome(now_ms=1, namespace="test", encode=SingleObjectCodec().encode)
    produce(outcome, DeadLetter(b"w", b"?", [], 0, "StartWorkflow: ValueError: \ud800"))


@pytest.mark.parametrize("length", [1_000, PRODUCER_LIMIT_BYTES])
def test_an_answer_to_a_client_whose_name_no_record_has_room_for(length: int) -> None:
    outcome = Outcome(now_ms=1, namespace="test", encode=SingleObjectCodec().encode)
    outcome.reply(ReplyTo(client_id="x" * length, partition=0, correlation_id=1), Accepted, run_id="r")
    produce(outcome)
