"""What of librdkafka's own messages gets through."""

from __future__ import annotations

import logging

import pytest
from foldlog.transport.clients import KAFKA_LOGGER

PASSING = [
    "GETPID [foldlog#producer-2] [thrd:main]: Failed to acquire idempotence PID from broker a:1/1: retrying",
    "TXNERR [foldlog#producer-7] [thrd:main]: Current transaction failed in state InTransaction (ILLEGAL_GENERATION)",
]


def test_what_passes_by_itself_is_no_warning(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, KAFKA_LOGGER.name):
        for message in PASSING:
            KAFKA_LOGGER.warning(message)
        KAFKA_LOGGER.warning("FAIL [foldlog#producer-2] [thrd:a:1/1]: Connect failed, test of what is let through")
    assert [record.getMessage()[:4] for record in caplog.records] == ["FAIL"]
    caplog.clear()
    with caplog.at_level(logging.INFO, KAFKA_LOGGER.name):
        for message in PASSING:
            KAFKA_LOGGER.error(message)
            KAFKA_LOGGER.error(message)
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [
        (logging.INFO, message) for message in PASSING
    ]
