"""Connections to other namespaces, without a broker: one for each, which opens in the time that its questions have."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from foldlog.schemas import command
from foldlog.schemas.codec import SingleObjectCodec
from foldlog.transport.config import KafkaConfig
from foldlog.transport.connection import Connection
from foldlog.transport.errors import BrokerUnreachableError, ConnectionClosedError
from foldlog.transport.topics import Topics

from tests.until import until

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


class Openings:
    """Stands in for what opens a connection: it waits, in its thread, for as long as the test wants."""

    def __init__(self, connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun: list[float] = []
        """The seconds that each has."""
        self.running = self.most = 0
        self.gates: list[threading.Event] = []
        self.connection = connection
        monkeypatch.setattr(connection, "_open", self.open)

    def open(self, timeout: float) -> None:
        gate = threading.Event()
        self.gates.append(gate)
        self.running += 1
        self.most = max(self.most, self.running)
        self.begun.append(timeout)
        gate.wait(60)
        self.running -= 1
        raise BrokerUnreachableError("127.0.0.1:1")

    async def until_begun(self, number: int) -> None:
        await until(lambda: len(self.begun) == number, f"{number} have begun")

    def fail(self) -> None:
        for gate in self.gates:
            gate.set()


def describe() -> command.DescribeWorkflow:
    return command.DescribeWorkflow(identity="test")


Call = Callable[[Connection, float], Awaitable[Any]]


def ask(connection: Connection, seconds: float) -> Awaitable[Any]:
    return connection.ask("w", describe(), timeout=seconds)


def poll(connection: Connection, seconds: float) -> Awaitable[Any]:
    return connection.poll("w", describe(), wait=seconds)


@pytest.mark.parametrize("call", [ask, poll])
async def test_a_first_question_ends_at_its_own_deadline(
    connection: Connection, monkeypatch: pytest.MonkeyPatch, call: Call
) -> None:
    openings = Openings(connection, monkeypatch)
    with pytest.raises(BrokerUnreachableError):
        await asyncio.wait_for(call(connection, 0.02), 60)
    assert (openings.running, openings.begun[0] <= 0.02) == (1, True)
    openings.fail()


async def test_who_has_more_time_than_the_one_that_began_tries_again_and_never_two_at_once(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    openings = Openings(connection, monkeypatch)
    short = asyncio.create_task(connection.opened(5))
    await openings.until_begun(1)
    longer = [asyncio.create_task(connection.opened(60)) for _ in range(3)]
    canceled = longer.pop()
    await asyncio.sleep(0)
    canceled.cancel()
    for number in (2, 3):
        openings.fail()
        await openings.until_begun(number)
    openings.fail()
    results = await asyncio.gather(short, *longer, return_exceptions=True)
    assert [type(each) for each in results] == [BrokerUnreachableError] * 3
    assert (openings.most, len(openings.begun), canceled.cancelled()) == (1, 3, True)
