"""The transactional producers against a broker: what they commit, what they leave behind, and who ends it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.cimpl import NewTopic
from foldlog.processors.takeover import fence
from foldlog.processors.transaction import (
    ProducerFenced,
    TransactionAborted,
    TransactionalProducer,
    offsets_of,
    passed_over,
    transactional_ids,
)
from foldlog.transport.clients import open_admin, open_consumer, open_producer
from foldlog.transport.config import KafkaConfig
from foldlog.transport.topic_reader import read_topic

from tests.integration.processor.logs import settled

SECONDS = 60.0
SMALL_BYTES = 2_000
"""The largest batch that the topic of events takes."""


@dataclass
class Group:
    """A consumer group of one member, with a topic to consume and one to produce to."""

    config: KafkaConfig
    name: str
    consumer: Consumer
    commands: str
    events: str

    def producer(self, instance_id: str) -> TransactionalProducer:
        """The producers of an instance."""
        ids = transactional_ids(self.name, instance_id)
        settings = {"error_cb": passed_over}
        producers = [open_producer(self.config, **settings, **{"transactional.id": each}) for each in ids]
        made = TransactionalProducer(producers, SECONDS)
        made.take_over()
        return made

    def metadata(self) -> bytes:
        """The fence as it is now."""
        return bytes(self.consumer.consumer_group_metadata())

    def transaction(self, producer: TransactionalProducer, number: int, value: bytes = b"") -> None:
        """All of a transaction but its end."""
        producer.begin()
        producer.produce(self.events, value or str(number).encode(), None, 0)
        producer.send_offsets(offsets_of(self.commands, [(0, number)]), self.metadata())

    def read(self) -> list[int]:
        """The numbers that are committed; waits for transactions that are open."""
        settled(self.config, self.events)
        return [int(record.value or b"-1") for record in read_topic(self.config, self.events, timeout=SECONDS)]

    def committed(self, timeout: float = SECONDS) -> int:
        """The committed offset; waits for transactions that are open on it."""
        return self.consumer.committed([TopicPartition(self.commands, 0)], timeout)[0].offset


def join(consumer: Consumer) -> None:
    """Poll until the group has a generation of its own."""
    for _ in range(600):
        consumer.poll(0.1)
        if consumer.assignment():
            return
    raise AssertionError("the consumer has got no partition")


@pytest.fixture
def group(kafka: str, namespace: str) -> Iterator[Group]:
    config = KafkaConfig(bootstrap_servers=kafka)
    commands, events = f"{namespace}.commands", f"{namespace}.events"
    topics = [NewTopic(commands, 1, 1), NewTopic(events, 1, 1, config={"max.message.bytes": str(SMALL_BYTES)})]
    admin = open_admin(config)
    for created in admin.create_topics(topics).values():
        created.result(SECONDS)
    consumer = open_consumer(config, **{"group.id": namespace, "auto.offset.reset": "earliest"})
    consumer.subscribe([commands])
    join(consumer)
    yield Group(config, namespace, consumer, commands, events)
    consumer.close()


def test_transactions_back_to_back_are_committed_in_order(group: Group) -> None:
    """The markers of one may be written after those of the next, by another producer: the last offset must win."""
    producer = group.producer("mine")
    for number in range(1, 301):
        group.transaction(producer, number)
        producer.commit()
    assert group.committed() == 300
    assert group.read() == list(range(1, 301))
    producer.close()


def test_no_transaction_is_committed_without_its_fence(group: Group) -> None:
    producer = group.producer("mine")
    producer.begin()
    producer.produce(group.events, b"1", None, 0)
    with pytest.raises(AssertionError, match="its fence stands was expected"):
        producer.commit()
    loner = open_consumer(group.config, **{"group.id": group.name})  # a member of nothing
    with pytest.raises(TransactionAborted, match="not a member") as caught:
        producer.send_offsets(offsets_of(group.commands, [(0, 1)]), bytes(loner.consumer_group_metadata()))
    assert caught.value.reason == "rebalance"
    loner.close()
    producer.abort()
    assert group.read() == []
    producer.close()


@pytest.mark.parametrize("turn", [0, 1])
@pytest.mark.parametrize("begun", ["before", "after"])
def test_without_offsets_a_dead_owner_is_fenced_by_its_ids(group: Group, turn: int, begun: str) -> None:
    """Also one that was suspended before the broker had heard of the transaction."""
    dead = group.producer("dead")

    def transaction() -> None:
        dead.begin()
        dead.produce(group.events, b"666", None, 0)
        dead.keep_offsets()

    for number in range(1, turn + 1):
        group.transaction(dead, number)
        dead.commit()
    if begun == "before":
        transaction()
    fence(group.config, group.name, "dead", SECONDS)
    if begun == "after":
        transaction()
    with pytest.raises(ProducerFenced):
        dead.commit()
    assert group.read() == list(range(1, turn + 1))
    dead.close()


def test_who_cannot_be_fenced_is_not_succeeded() -> None:
    nowhere = KafkaConfig(bootstrap_servers="127.0.0.1:1")
    with pytest.raises(TransactionAborted, match="transactions of gone, the last owner, cannot be ended"):
        fence(nowhere, "shop", "gone", 0.1)


def test_a_processor_of_another_namespace_may_have_the_same_name(group: Group) -> None:
    producer = group.producer("same")
    group.transaction(producer, 1)
    fence(group.config, f"{group.name}-other", "same", SECONDS)
    producer.commit()
    assert group.read() == [1]
    producer.close()


def test_a_generation_that_is_over_is_refused_though_the_records_have_arrived(group: Group) -> None:
    producer = group.producer("mine")
    stale = group.metadata()
    group.consumer.unsubscribe()
    group.consumer.subscribe([group.commands])
    join(group.consumer)
    for _ in range(2):  # by each of the producers
        producer.begin()
        producer.produce(group.events, b"666", None, 0)
        with pytest.raises(TransactionAborted) as caught:
            producer.send_offsets(offsets_of(group.commands, [(0, 666)]), stale)
        assert caught.value.reason == "rebalance"
        producer.abort()
    group.transaction(producer, 1)
    producer.commit()
    assert (group.read(), group.committed()) == ([1], 1)
    producer.close()


def test_a_commit_that_fails_is_aborted_and_the_next_ones_go_on(group: Group) -> None:
    """Its offsets had been taken already, and do not count."""
    producer = group.producer("mine")
    for number in range(1, 5):
        group.transaction(producer, 666, os.urandom(2 * SMALL_BYTES))
        with pytest.raises(TransactionAborted):
            producer.commit()
        producer.abort()
        group.transaction(producer, number)
        producer.commit()
        assert group.committed() == number
    assert group.read() == [1, 2, 3, 4]
    producer.close()


@pytest.mark.parametrize("turn", [0, 1])
def test_what_either_producer_of_a_dead_owner_left_open_is_ended(group: Group, turn: int) -> None:
    dead = group.producer("dead")
    for number in range(1, turn + 1):
        group.transaction(dead, number)
        dead.commit()
    group.transaction(dead, 666)
    with pytest.raises(KafkaException):  # nobody knows what will become of it
        group.committed(0.5)
    fence(group.config, group.name, "dead", SECONDS)
    assert group.committed() == (turn or -1001)
    assert group.read() == list(range(1, turn + 1))
    # And whoever was thought dead can do nothing any more.
    with pytest.raises(ProducerFenced):
        dead.commit()
    dead.close()


@pytest.mark.parametrize("turn", [0, 1])
def test_a_restart_with_the_same_name_ends_what_was_left_open(group: Group, turn: int) -> None:
    before = group.producer("mine")
    for number in range(1, turn + 1):
        group.transaction(before, number)
        before.commit()
    group.transaction(before, 666)
    after = group.producer("mine")
    group.transaction(after, turn + 1)
    after.commit()
    assert group.committed() == turn + 1
    assert group.read() == list(range(1, turn + 2))
    with pytest.raises(ProducerFenced):
        before.commit()
    before.close()
    after.close()
