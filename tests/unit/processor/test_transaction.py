"""The time of a transaction: one for all of its steps, however they share it."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException
from foldlog.processors import transaction
from foldlog.processors.transaction import LEAST_SECONDS, ProducerFenced, TransactionalProducer

SECONDS = 10.0
MEMBER = b"CGMDv2:" + struct.pack("=i", 1)


class Clock:
    """Time that passes only in the calls of a producer."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Slow:
    """A producer whose broker lets it wait, as librdkafka does: up to the time limit, and then it may be repeated."""

    def __init__(self, clock: Clock, *, send: float = 0.0, commit: float = 0.0) -> None:
        self.limits: list[tuple[str, float]] = []
        """The time limit of each call that has one."""
        self._clock = clock
        self._needs = {"init": 0.0, "send": send, "commit": commit}

    def init_transactions(self, limit: float) -> None:
        self._wait("init", limit)

    def begin_transaction(self) -> None:
        pass

    def send_offsets_to_transaction(self, offsets: Any, member: bytes, limit: float) -> None:
        self._wait("send", limit)

    def commit_transaction(self, limit: float) -> None:
        self._wait("commit", limit)

    def _wait(self, what: str, limit: float) -> None:
        self.limits.append((what, round(limit, 3)))
        self._clock.now += min(self._needs[what], limit)
        if self._needs[what] > limit:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT, "late", False, True, False))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(transaction, "time", clock)
    return clock


def test_the_commit_has_what_the_offsets_have_left_of_the_time(clock: Clock) -> None:
    slow, other = Slow(clock, send=7.0, commit=2.0), Slow(clock)
    producer = TransactionalProducer([slow, other], SECONDS)  # type: ignore[list-item]  # all of Producer that is used
    producer.take_over()
    clock.now += 100.0
    producer.begin()
    producer.send_offsets([], MEMBER)
    producer.commit()
    assert slow.limits == [("init", 10.0), ("send", 10.0), ("commit", 3.0)]
    # And the next transaction has all of it.
    clock.now += 100.0
    producer.begin()
    producer.send_offsets([], MEMBER)
    assert other.limits == [("init", 10.0), ("send", 10.0)]


@pytest.mark.parametrize(("send", "commit"), [(999.0, 0.0), (4.0, 999.0), (9.9, 999.0)])
def test_a_transaction_whose_time_is_over_is_nobodys_guess(clock: Clock, send: float, commit: float) -> None:
    slow = Slow(clock, send=send, commit=commit)
    producer = TransactionalProducer([slow, Slow(clock)], SECONDS)  # type: ignore[list-item]  # as above
    producer.begin()
    began = clock.now

    def end() -> None:
        producer.send_offsets([], MEMBER)
        producer.commit()

    with pytest.raises(ProducerFenced, match="what became of the transaction is not known"):
        end()
    # A step that came too late for its share has a last try.
    assert clock.now - began <= SECONDS + 2 * LEAST_SECONDS
    with pytest.raises(AssertionError, match="the producer is of no use any more"):
        producer.begin()
