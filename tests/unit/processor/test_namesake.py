"""What is asked of the group, where nobody answers; with a broker, see `tests.integration.processor.test_fencing`."""

from __future__ import annotations

import logging
import threading

import pytest
from confluent_kafka import Consumer
from foldlog.processors import namesake
from foldlog.transport.config import KafkaConfig


def test_a_broker_that_does_not_answer_ends_no_processor(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(namesake, "ANSWER_SECONDS", 0.05)
    nowhere = "127.0.0.1:1"
    consumer = Consumer({"bootstrap.servers": nowhere, "group.id": "g", "log_level": 0})
    config = KafkaConfig(bootstrap_servers=nowhere)
    with caplog.at_level(logging.WARNING):
        namesake.require_no_namesake(config, "g", "me", consumer, threading.Event())
    consumer.close()
    assert "cannot ask who is in g" in caplog.text
