"""What is remembered of other namespaces. Asking a broker is tested beside children, on a real one."""

from __future__ import annotations

import pytest
from foldlog.processors import namespaces
from foldlog.processors.namespaces import MISSING_SECONDS, THERE_SECONDS, Namespaces
from foldlog.processors.partition import NotNow
from foldlog.transport.config import KafkaConfig
from foldlog.transport.errors import BrokerUnreachableError, TransportError

CONFIG = KafkaConfig(bootstrap_servers="127.0.0.1:1")


class Broker:
    """Stands in for asking: counts how often it is asked, and answers or raises what it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[str] = []
        self.answer: str | Exception | None = None
        self.now = 1_000.0
        monkeypatch.setattr(namespaces, "why_unwritable", self.why_unwritable)
        self.known = Namespaces(CONFIG, clock=lambda: self.now)

    def why_unwritable(self, config: KafkaConfig, topic: str) -> str | None:
        self.asked.append(topic)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Broker:
    return Broker(monkeypatch)


def test_what_is_there_is_asked_for_once_a_minute(broker: Broker) -> None:
    for _ in range(3):
        assert broker.known.unreachable("one") is None
    assert broker.known.unreachable("two") is None
    assert broker.asked == ["one.commands", "two.commands"]
    broker.now += THERE_SECONDS
    broker.answer = "it was deleted"
    assert broker.known.unreachable("one") == "it was deleted"


def test_what_is_missing_is_soon_asked_for_again(broker: Broker) -> None:
    broker.answer = "there is no topic"
    for _ in range(3):
        assert broker.known.unreachable("one") == "there is no topic"
    assert len(broker.asked) == 1
    broker.now += MISSING_SECONDS
    broker.answer = None
    assert broker.known.unreachable("one") is None


def test_a_name_that_cannot_be_a_namespace_is_told_without_asking(broker: Broker) -> None:
    assert "may only have letters" in (broker.known.unreachable("no good") or "")
    assert "a part named 'tasks'" in (broker.known.unreachable("a.tasks") or "")
    assert broker.asked == []


def test_a_refusal_is_a_reason_and_a_broker_that_is_away_is_none(broker: Broker) -> None:
    broker.answer = TransportError("not allowed")
    assert broker.known.unreachable("one") == "namespace 'one' cannot be used: not allowed"
    broker.now += MISSING_SECONDS
    broker.answer = BrokerUnreachableError("127.0.0.1:1")
    with pytest.raises(NotNow, match="namespace 'one'"):
        broker.known.unreachable("one")
    broker.answer = None
    assert broker.known.unreachable("one") is None
