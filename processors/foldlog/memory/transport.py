"""The transport of clients in memory: it asks, tells, and hears notices, as `Connection` does on Kafka."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable
from typing import Any

from foldlog.memory.attendant import attend
from foldlog.memory.backend import MemoryBackend
from foldlog.memory.broker import MemoryBroker
from foldlog.schedules.model import INTERNAL
from foldlog.schemas.command import AwaitResult, QueryWorkflow, StartWorkflow
from foldlog.schemas.common import ReplyTo
from foldlog.schemas.records import Command, Reply
from foldlog.schemas.reply import ActivityCancelRequested, PartitionMoved
from foldlog.schemas.visibility import WorkflowVisibility
from foldlog.transport import Elsewhere, Transport
from foldlog.transport.config import MAXIMUM_RECORD_BYTES, KafkaConfig
from foldlog.transport.errors import ConnectionClosedError, NoAnswerError, RecordTooLargeError
from foldlog.transport.topics import partition_of
from foldlog.worker.backend import Backend

logger = logging.getLogger(__name__)


class _Question:
    """A command that waits for its answer."""

    __slots__ = ("answer", "is_poll", "timeout", "workflow_id")

    def __init__(self, workflow_id: str, timeout: float, is_poll: bool, answer: asyncio.Future[Reply | None]) -> None:
        self.workflow_id = workflow_id
        self.timeout = timeout
        self.is_poll = is_poll
        self.answer = answer


class _Address(Elsewhere):
    """Of a broker in memory."""

    __slots__ = ("_broker",)

    _broker: MemoryBroker

    @classmethod
    def of(cls, broker: MemoryBroker) -> _Address:
        made = cls(f"memory-{id(broker):x}")
        made._broker = broker
        return made

    def transport(self, namespace: str) -> Transport:
        return MemoryTransport(self._broker, namespace)


class MemoryTransport:
    """Implements `foldlog.transport.Transport`, and carries workers."""

    def __init__(self, broker: MemoryBroker, namespace: str) -> None:
        """Connect to a namespace, which is made if it is missing.

        Raises:
            ConfigurationError: It cannot be the beginning of a topic's name.
        """
        self.broker = broker
        self._namespace = broker.namespace(namespace)
        self.topics = self._namespace.topics
        self.codec = broker.codec
        self.client_id = uuid.uuid4().hex
        self.reply_partition = 0
        self._questions: dict[int, _Question] = {}
        self._next_number = 1
        self._notice_handlers: list[Callable[[Reply], None]] = []
        self._closed = False
        broker.transports[self.client_id] = self

    @property
    def namespace(self) -> str:
        """The namespace."""
        return self.topics.namespace

    @property
    def config(self) -> KafkaConfig:
        """What another client is connected to the same broker with."""
        return KafkaConfig(bootstrap_servers=_Address.of(self.broker))

    @property
    def partitions(self) -> int:
        """How many partitions the topic of commands has."""
        return self.broker.partitions

    def worker_backend(self) -> Backend:
        """See `foldlog.worker.backend.WorkerTransport`."""
        return MemoryBackend(self.broker, self)

    # ---- Namespaces

    def of_namespace(self, namespace: str) -> MemoryTransport:
        """See `Namespaces.of_namespace`."""
        return MemoryTransport(self.broker, namespace)

    async def opened(self, timeout: float = 10.0) -> None:
        """See `Namespaces.opened`: it always is."""

    # ---- Transport

    async def ask(self, workflow_id: str, command: Command, *, timeout: float) -> Reply:
        """See `Transport.ask`. The timeout is in real time: no processor is there, or it is busy."""
        attend(self.broker, self._namespace, command)
        reply = await self._exchange(workflow_id, command, timeout, is_poll=False)
        assert reply is not None  # only polls end without one
        return reply

    async def poll(self, workflow_id: str, command: Command, *, wait: float) -> Reply | None:
        """See `Transport.poll`. While it waits for a result, time may be skipped."""
        if not (isinstance(command, AwaitResult) or (isinstance(command, StartWorkflow) and command.await_result)):
            return await self._exchange(workflow_id, command, wait, is_poll=True)
        with self.broker.skipping.waiting():
            return await self._exchange(workflow_id, command, wait, is_poll=True)

    def tell(
        self, workflow_id: str, command: Command, on_delivery: Callable[[Exception | None], None] | None = None
    ) -> None:
        """See `Transport.tell`."""
        value = self._encode(command)
        self.broker.on_loop(self._add, workflow_id, value)
        if on_delivery is not None:
            on_delivery(None)

    def on_notice(self, handler: Callable[[Reply], None]) -> None:
        """See `Transport.on_notice`."""
        self._notice_handlers.append(handler)

    async def visibility(self, matches: Callable[[WorkflowVisibility], bool]) -> list[WorkflowVisibility]:
        """See `Transport.visibility`."""
        rows = self._namespace.visibility.values()
        return [row for encoded in rows if encoded is not None and matches(row := self.codec.decode(encoded))]

    async def close(self, *, timeout: float = 10.0) -> None:
        """See `Transport.close`."""
        self._closed = True
        self.broker.transports.pop(self.client_id, None)
        for question in self._questions.values():
            if not question.answer.done():
                question.answer.set_exception(ConnectionClosedError("the connection to the environment is closed"))

    # ---- questions and answers

    async def _exchange(self, workflow_id: str, command: Any, timeout: float, *, is_poll: bool) -> Reply | None:
        self.broker.require_its_loop()
        number = self._next_number
        self._next_number = number + 1
        command.reply_to = ReplyTo(client_id=self.client_id, partition=self.reply_partition, correlation_id=number)
        value = self._encode(command)
        question = _Question(workflow_id, timeout, is_poll, self.broker.loop.create_future())
        self._questions[number] = question
        timer = self.broker.loop.call_later(timeout, self._expire, question)
        try:
            own = workflow_id.startswith(INTERNAL)
            if isinstance(command, QueryWorkflow) and not self._namespace.members and not own:
                # Who stands in for workers has the code of foldlog's own workflows only.
                self._namespace.held.append((workflow_id, value))
            else:
                self._add(workflow_id, value)
            return await question.answer
        finally:
            timer.cancel()
            del self._questions[number]

    def _encode(self, command: Command) -> bytes:
        if self._closed:
            raise ConnectionClosedError("the connection to the environment is closed")
        value = self.codec.encode(command)
        if len(value) > MAXIMUM_RECORD_BYTES:
            raise RecordTooLargeError(self.topics.commands, len(value), MAXIMUM_RECORD_BYTES)
        return value

    def _add(self, workflow_id: str, value: bytes) -> None:
        self.broker.add(self.topics.commands, value, workflow_id.encode())

    def _expire(self, question: _Question) -> None:
        if question.answer.done():
            return
        if question.is_poll:
            question.answer.set_result(None)
            return
        partition = partition_of(question.workflow_id, self.broker.partitions)
        error = NoAnswerError(question.workflow_id, self.topics.commands, partition, question.timeout)
        question.answer.set_exception(error)

    def hear(self, value: bytes) -> None:
        """A reply has come."""
        reply = self.codec.decode(value)
        if isinstance(reply, PartitionMoved):
            self._ask_again(reply.partition)
        elif isinstance(reply, ActivityCancelRequested):
            for handler in self._notice_handlers:
                try:
                    handler(reply)
                except Exception:
                    logger.exception("a handler of notices failed")
        else:
            question = self._questions.get(reply.correlation_id)
            if question is not None and not question.answer.done():
                question.answer.set_result(reply)

    def _ask_again(self, partition: int) -> None:
        for question in self._questions.values():
            if (
                question.is_poll
                and not question.answer.done()
                and partition_of(question.workflow_id, self.broker.partitions) == partition
            ):
                question.answer.set_result(None)
