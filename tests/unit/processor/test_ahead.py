"""Records that are produced before a transaction is complete: when they are, and that each is produced once."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from foldlog.core.outcome import Outcome
from foldlog.processors.ahead import SLOW_SHARE, Ahead, Pace
from foldlog.processors.output import Output
from foldlog.processors.partition import Work
from foldlog.processors.transaction import TransactionAborted, TransactionalProducer
from foldlog.schemas.codec import SingleObjectCodec
from foldlog.schemas.framing import decode, encode
from foldlog.schemas.log import BatchCommitted, RequestRejected
from foldlog.transport.topics import Topics

SECONDS = 10.0
MEMBER = b"CGMDv2:" + struct.pack("=i", 1)


class Clock:
    """Time that a test moves on."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


class Broker:
    """Two producers in one, and what they have committed."""

    def __init__(self) -> None:
        self.pending: list[bytes] = []
        self.committed: list[bytes] = []
        self.aborts = 0
        self.full = False

    def init_transactions(self, limit: float) -> None:
        pass

    def begin_transaction(self) -> None:
        pass

    def produce(self, topic: str, value: bytes, key: bytes | None, partition: int, **_: Any) -> None:
        if self.full:
            raise BufferError("queue full")
        self.pending.append(value)

    def flush(self, limit: float) -> int:
        return len(self.pending)

    def send_offsets_to_transaction(self, offsets: Any, member: bytes, limit: float) -> None:
        pass

    def commit_transaction(self, limit: float) -> None:
        self.committed += self.pending
        self.pending = []

    def abort_transaction(self, limit: float) -> None:
        self.aborts += 1
        self.pending = []


class Loop:
    """The turns of a processor, with what they decide given by the test."""

    def __init__(self, broker: Broker) -> None:
        self.pace = Pace()
        self.output = Output(Topics("test"), SingleObjectCodec(), 1, queues=None)  # type: ignore[arg-type]  # there are no tasks
        self.producer = TransactionalProducer([broker, broker], SECONDS)  # type: ignore[list-item]  # all that is used
        self.ahead = Ahead(self.producer, self.output, self.pace)
        self._first = self.ahead.first(0)

    def decide(self, requests: list[str], after: Any = lambda: None) -> Work:
        """Decide one record for each request."""
        work = Work(Outcome(now_ms=1, namespace="test", encode=encode, first=self._first))
        with self.ahead.deciding():
            for number, request in enumerate(requests):
                work.outcome.append_loose("w", rejected(request))
                if number == 0:
                    after()
        work.outcome.append_loose("", BatchCommitted(commands_offset=1, time_ms=1))
        return work

    def commit(self, work: Work) -> None:
        """Commit what was decided."""
        self.ahead.begin()
        self.output.produce(self.producer, 0, work, lambda error, message: None, self.ahead.produced(0))
        self.producer.send_offsets([], MEMBER)
        self.producer.commit()
        self.ahead.committed()
        self.ahead.ended()


def rejected(request: str) -> RequestRejected:
    return RequestRejected(request_id=request, answer=b"", time_ms=1)


def requests(records: list[bytes]) -> list[str]:
    decoded = [decode(record) for record in records]
    return [each.request_id for each in decoded if isinstance(each, RequestRejected)]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("foldlog.processors.ahead.time", clock)
    return clock


def test_the_first_record_goes_ahead_and_is_not_produced_again() -> None:
    broker = Broker()
    loop = Loop(broker)
    for turn in (["a", "b", "c"], ["d"], ["e", "f"]):
        sent: list[list[str]] = []
        work = loop.decide(turn, after=lambda seen=sent: seen.append(requests(broker.pending)))
        assert sent == [turn[:1]]
        loop.commit(work)
    assert requests(broker.committed) == ["a", "b", "c", "d", "e", "f"]
    assert len(broker.committed) == 9  # with the ends of the batches
    assert broker.aborts == 0


def test_nothing_goes_ahead_of_what_is_not_decided_in_a_turn() -> None:
    """After an abort a partition may have work at once; it belongs to the next turn."""
    broker = Broker()
    loop = Loop(broker)
    work = Work(Outcome(now_ms=1, namespace="test", encode=encode, first=loop.ahead.first(0)))
    work.outcome.append_loose("w", rejected("a"))
    assert not loop.producer.is_open
    assert broker.pending == []
    loop.commit(work)
    assert requests(broker.committed) == ["a"]


def test_a_transaction_that_waited_long_for_decisions_is_begun_anew(clock: Clock) -> None:
    broker = Broker()
    loop = Loop(broker)

    def think() -> None:
        clock.now += SECONDS * SLOW_SHARE + 0.1

    loop.commit(loop.decide(["a", "b"], after=think))
    assert (requests(broker.committed), broker.aborts) == (["a", "b"], 1)
    # What was slow once may be slow again, and a broker may not have waited: the next one is not begun ahead.
    with loop.ahead.deciding():
        pass  # a turn without input, as while a group is joined
    loop.ahead.ended()
    sent: list[list[bytes]] = []
    work = loop.decide(["c"], after=lambda: sent.append(list(broker.pending)))
    assert sent == [[]]
    loop.commit(work)
    assert loop.pace.slow is False
    loop.decide(["d"])
    assert requests(broker.pending) == ["d"]


def test_what_goes_wrong_ahead_is_told_when_the_transaction_is_to_be_committed() -> None:
    broker = Broker()
    loop = Loop(broker)
    broker.full = True
    work = loop.decide(["a", "b"])
    with pytest.raises(TransactionAborted, match="queue full"):
        loop.commit(work)
    loop.producer.abort()
    loop.ahead.ended()
    broker.full = False
    loop.commit(loop.decide(["a", "b"]))
    assert requests(broker.committed) == ["a", "b"]
