"""The outlet's producer fails for good: librdkafka offers no way to provoke that, so a stand-in fails for it."""

from __future__ import annotations

from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, Message
from foldlog.transport import _outlet
from foldlog.transport._outlet import Outlet
from foldlog.transport.config import KafkaConfig
from foldlog.transport.errors import BrokerUnreachableError, DeliveryError, RecordTooLargeError, TopicMissingError

CONFIG = KafkaConfig(bootstrap_servers="127.0.0.1:1", options={"message.max.bytes": "2000"})


class StandIn:
    """As much of a producer as the outlet uses."""

    def __init__(self, failure: KafkaError | None = None) -> None:
        self.failure = failure
        self.produced: list[tuple[str, bytes, bytes]] = []
        self.purged = False

    def produce(self, topic: str, value: bytes, key: bytes, on_delivery: Any) -> None:
        if self.failure is not None:
            raise KafkaException(self.failure)
        self.produced.append((topic, key, value))

    def poll(self, timeout: float) -> int:
        return 0

    def flush(self, timeout: float) -> int:
        return 0

    def purge(self) -> None:
        self.purged = True


def report(error: KafkaError | None, message: Message) -> None:
    raise AssertionError("nothing is ever delivered here")


@pytest.fixture
def producers(monkeypatch: pytest.MonkeyPatch) -> list[StandIn]:
    """The first fails for good, the second works."""
    made = [StandIn(KafkaError(KafkaError._FATAL)), StandIn()]
    remaining = iter(made)
    monkeypatch.setattr(_outlet, "open_producer", lambda *_, **__: next(remaining))
    return made


def test_a_producer_that_failed_for_good_is_replaced(producers: list[StandIn]) -> None:
    outlet = Outlet(CONFIG)
    outlet.produce("t", b"k", b"v", report)
    outlet.produce("t", b"k", b"w", report)
    assert producers[0].purged
    assert producers[1].produced == [("t", b"k", b"v"), ("t", b"k", b"w")]
    assert outlet.close(1) == 0


@pytest.mark.parametrize(
    ("code", "who", "error", "match"),
    [
        (KafkaError.MSG_SIZE_TOO_LARGE, "client", RecordTooLargeError, "2000 bytes"),
        (KafkaError.MSG_SIZE_TOO_LARGE, "broker", RecordTooLargeError, "max.message.bytes"),
        (KafkaError._UNKNOWN_TOPIC, "broker", TopicMissingError, "foldlog topics create"),
        (KafkaError.UNKNOWN_TOPIC_OR_PART, "broker", TopicMissingError, "t does not exist"),
        (KafkaError._MSG_TIMED_OUT, "broker", BrokerUnreachableError, "127.0.0.1:1"),
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, "broker", DeliveryError, "uthoriz"),
    ],
)
def test_errors_in_foldlogs_terms(code: int, who: str, error: type[Exception], match: str) -> None:
    outlet = Outlet(CONFIG)
    explained = outlet.explain(KafkaError(code), "t", 5000, who)
    assert type(explained) is error
    assert match in str(explained)
    outlet.close(0)
