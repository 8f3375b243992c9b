"""What a worker stands on where its client is one of an environment in memory: see `foldlog.worker.backend`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from foldlog.core.decider import DeciderFactory
from foldlog.exceptions import ConfigurationError
from foldlog.memory.attendant import FOR_EVER_SECONDS
from foldlog.memory.broker import MemoryBroker
from foldlog.memory.clock import VirtualClock
from foldlog.memory.processor import MemoryProcessor
from foldlog.memory.tasks import MemoryTaskSource
from foldlog.memory.topics import MemoryRecord
from foldlog.processors.host import ActivityHost
from foldlog.processors.options import ProcessorOptions
from foldlog.schemas.codec import Codec
from foldlog.schemas.task import ActivityTask
from foldlog.sensor import Sensor
from foldlog.transport import Transport
from foldlog.transport.topics import Topics
from foldlog.worker.activities import ActivityWorkerOptions
from foldlog.worker.backend import TaskRunner

if TYPE_CHECKING:  # it imports this
    from foldlog.memory.transport import MemoryTransport


class MemoryBackend:
    """Implements `Backend`."""

    def __init__(self, broker: MemoryBroker, transport: MemoryTransport) -> None:
        self._broker = broker
        self._transport = transport
        self._namespace = broker.namespace(transport.namespace)

    @property
    def transport(self) -> Transport:
        """The client's."""
        return self._transport

    @property
    def reachable(self) -> bool:
        """See `Backend.reachable`."""
        return True

    @property
    def topics(self) -> Topics:
        """The namespace's."""
        return self._transport.topics

    @property
    def clock(self) -> VirtualClock:
        """The environment's."""
        return self._broker.clock

    @property
    def dead_letters(self) -> MemoryDeadLetters:
        """The environment's."""
        return MemoryDeadLetters(self._broker)

    def left_open(self, workflow_id: str, task: ActivityTask) -> None:
        """See `Backend.left_open`."""
        self._namespace.left_open.append((workflow_id, task))

    async def prepare(self, task_queue: str) -> Codec:
        """See `Backend.prepare`."""
        self._broker.require_its_loop()
        self._namespace.require(task_queue)
        return self._broker.codec

    def task_source(self, options: ActivityWorkerOptions, codec: Codec, taker: TaskRunner) -> MemoryTaskSource:
        """See `Backend.task_source`."""
        return MemoryTaskSource(self._broker, self._namespace.queue(options.task_queue), codec, taker)

    def processor(
        self,
        options: ProcessorOptions,
        factory: DeciderFactory,
        codec: Codec,
        host: ActivityHost | None,
        sensor: Sensor,
    ) -> MemoryProcessor:
        """See `Backend.processor`."""
        options = replace(
            options, request_retention_seconds=FOR_EVER_SECONDS, closed_retention_seconds=FOR_EVER_SECONDS
        )
        return MemoryProcessor(self._broker, self._namespace, options, factory, codec, host, sensor)

    def follow(self, transport: Transport) -> None:
        """See `Backend.follow`: there are no names and passwords."""
        if getattr(transport, "broker", None) is not self._broker:
            raise ConfigurationError("the client is of another environment than the worker", option="client")

    async def close(self) -> None:
        """See `Backend.close`."""


class MemoryDeadLetters:
    """Implements `DeadLetters`."""

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker

    def write(
        self,
        topic: str,
        partition: int,
        offset: int,
        *,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, Any]],
        error: str,
    ) -> None:
        """See `DeadLetters.write`."""
        self._broker.dead_letter(topic, partition, MemoryRecord(offset, key, value, headers), error)
