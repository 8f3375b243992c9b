"""Connections to other namespaces, without a broker: one for each, which opens in the time that its questions have."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest
from foldlog.schemas.codec import SingleObjectCodec
from foldlog.transport.config import KafkaConfig
from foldlog.transport.connection import Connection
from foldlog.transport.errors import ConnectionClosedError
from foldlog.transport.topics import Topics

CONFIG = KafkaConfig(bootstrap_servers="127.0.0.1:1", options={"sasl.username": "one", "sasl.password": "first"})


@pytest.fixture
async def connection() -> AsyncIterator[Connection]:
    made = Connection(CONFIG, Topics("shop"), SingleObjectCodec(), "me", asyncio.get_running_loop())
    yield made
    await made.close(timeout=0)


def outlets() -> int:
    return sum(thread.name == "foldlog-outlet" for thread in threading.enumerate())


async def test_one_for_each_namespace_whoever_asks(connection: Connection) -> None:
    other = connection.of_namespace("other")
    threads = outlets()
    assert all(each.of_namespace("other") is other for each in (connection, other, connection))
    assert other.of_namespace("shop") is connection
    third = other.of_namespace("third")
    assert connection.of_namespace("third") is third
    assert outlets() == threads + 1


async def test_closing_one_leaves_it_to_others_and_closing_the_first_ends_all(connection: Connection) -> None:
    before = outlets()
    other = connection.of_namespace("other")
    third = other.of_namespace("third")
    await other.close(timeout=0)
    assert connection.of_namespace("other") is other
    assert outlets() == before + 2
    await connection.close(timeout=0)
    assert outlets() == before - 1
    for each in (connection, other, third):
        with pytest.raises(ConnectionClosedError):
            each.of_namespace("fourth")


async def test_one_that_has_failed_is_replaced_and_still_closed(connection: Connection) -> None:
    before = outlets()
    failed = connection.of_namespace("other")
    failed._break(RuntimeError("its thread has ended"))
    other = connection.of_namespace("other")
    assert other is not failed
    assert connection.of_namespace("other") is other
    await connection.close(timeout=0)
    assert outlets() == before - 1


async def test_another_password_goes_for_all(connection: Connection) -> None:
    other = connection.of_namespace("other")
    options = {"sasl.username": "two", "sasl.password": "second"}
    changed = KafkaConfig(bootstrap_servers="127.0.0.1:1", options=options)
    newer = Connection(changed, Topics("shop"), SingleObjectCodec(), "me", asyncio.get_running_loop())
    try:
        connection.follow(newer)
    finally:
        await newer.close(timeout=0)
    assert connection.of_namespace("other").config.credentials == ("two", "second") == other.config.credentials
