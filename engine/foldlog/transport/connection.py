"""The connection of a process to the workflows of a namespace: it asks, tells, and hears notices.

Owns the pairing of answers with questions, deadlines, and repeating what the broker did not take. Knows commands and
replies as records; what they mean to a user is for `foldlog.client` and `foldlog.worker`.
"""

from __future__ import annotations

import asyncio
import logging
import math
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Any

from confluent_kafka import KafkaError
from foldlog.schemas.codec import Codec, ConfluentCodec, SingleObjectCodec
from foldlog.schemas.common import ReplyTo
from foldlog.schemas.records import Command, Reply
from foldlog.schemas.reply import ActivityCancelRequested, PartitionMoved
from foldlog.schemas.visibility import WorkflowVisibility
from foldlog.transport._deadlines import Deadlines
from foldlog.transport._forks import call_after_fork
from foldlog.transport._green import require_threads
from foldlog.transport._inlet import Inlet
from foldlog.transport._outbox import FULL_QUEUE_SECONDS, Outbox
from foldlog.transport._outgoing import Question, Statement
from foldlog.transport._outlet import Outlet
from foldlog.transport.clients import change_credentials
from foldlog.transport.config import KafkaConfig
from foldlog.transport.errors import (
    BrokerUnreachableError,
    ConfigurationError,
    ConnectionClosedError,
    DeliveryError,
    NoAnswerError,
    QueueFullError,
    RecordTooLargeError,
    TransportError,
)
from foldlog.transport.schemas_topic import SchemasTopic
from foldlog.transport.topics import Topics, partition_of
from foldlog.transport.visibility import read_visibility

TELL_TIMEOUT_SECONDS = 10.0
"""How long `tell` waits for room in the local queue."""
OPEN_TIMEOUT_SECONDS = 10.0
"""How long a broker is waited for by a connection that opens with its first question."""
PUBLISHED_SECONDS = 10.0
"""How long whoever has published schemas need not look whether they are still there."""
CLOSE_TIMEOUT_SECONDS = 10.0
"""How long `close` waits for records to be delivered."""
OUTBOX_RECORDS = 100_000
"""How many commands wait on the event loop, at most, while the producer's queue is full."""
_REPEAT_SECONDS = 0.1

logger = logging.getLogger(__name__)


class Connection:
    """One producer and one reader of replies, shared by the client and the workers of a process.

    Made by `open`. `ask` and `poll` belong to the event loop that it was opened on; `tell` may be called anywhere.

    Attributes:
        config: How Kafka is reached.
        topics: The namespace's topics.
        codec: Writes commands and reads replies.
        client_id: Who we are in `reply_to`; the key of our replies.
        reply_partition: The partition of the replies topic that we read.
    """

    def __init__(
        self, config: KafkaConfig, topics: Topics, codec: Codec, client_id: str, loop: asyncio.AbstractEventLoop
    ) -> None:
        """Private: use `open`."""
        # Our own: its credentials may change.
        self.config = config = replace(config)
        self.topics = topics
        self._given_codec = codec
        self._opening: asyncio.Task[None] | None = None
        self._others: list[Connection] = []
        """Those to other namespaces that were made from this one, and may be open: nobody else closes them."""
        self._made_from: Connection | None = None
        self._schemas: SchemasTopic | None = None
        self._published_at = -math.inf
        if isinstance(codec, SingleObjectCodec | ConfluentCodec):
            self._schemas = SchemasTopic(config, topics)
            codec = codec.asking(self._schemas.fetch)
        self.codec = codec
        self.client_id = client_id
        self.reply_partition = -1
        self._loop = loop
        self._loop_thread = threading.get_ident()
        self._command_partitions = 0
        self._questions: dict[int, Question] = {}
        self._next_number = 1
        self._deadlines = Deadlines(loop, self._expire)
        self._arrived: deque[list[Reply]] = deque()
        self._notice_handlers: list[Callable[[Reply], None]] = []
        self._closed = ""
        """Why it can be used no longer; empty: it can."""
        self._closing = False
        self._inlet = Inlet(
            config, topics.replies, client_id, codec, deliver=self._receive, failed=partial(self._on_loop, self._break)
        )
        self._outlet = Outlet(config)
        self._outbox = Outbox(loop, self._outlet, topics.commands)
        call_after_fork(self._forked)

    @classmethod
    async def open(
        cls,
        config: KafkaConfig,
        topics: Topics,
        *,
        codec: Codec,
        client_id: str | None = None,
        timeout: float = 10.0,
    ) -> Connection:
        """A connection that is ready: its place in the replies topic is fixed before anything is asked.

        Args:
            config: How to reach Kafka.
            topics: The namespace.
            codec: Writes commands and reads replies.
            client_id: Unique among all processes; None: a new one.
            timeout: In seconds.

        Raises:
            BrokerUnreachableError: Nobody answered in time.
            TopicMissingError: The namespace's topics are not there.
            DeliveryError: They may not be used.
            ConfigurationError: librdkafka does not know an option, or its value, or threads are not threads.
        """
        require_threads()
        connection = cls(config, topics, codec, client_id or uuid.uuid4().hex, asyncio.get_running_loop())
        try:
            await connection.opened(timeout)
        except BaseException:
            await connection.close(timeout=0)
            raise
        return connection

    def of_namespace(self, namespace: str) -> Connection:
        """The connection to another namespace of the same Kafka. Its first question opens it, and it closes with ours.

        There is one for each namespace, unless it has failed. `close` leaves it as it is: others may use it.

        Raises:
            ConfigurationError: The namespace cannot be the beginning of a topic's name.
            ConnectionClosedError: The connection is closed.
        """
        first = self._made_from or self
        if first._closing:
            raise ConnectionClosedError(first._closed)  # nobody would close one any more
        for known in (first, *first._others):
            if known.namespace == namespace and not known._closed:
                return known
        other = Connection(first.config, Topics(namespace), self._given_codec, uuid.uuid4().hex, self._loop)
        other._made_from = first
        first._others.append(other)
        return other

    async def opened(self, timeout: float = OPEN_TIMEOUT_SECONDS) -> None:
        """Open it, unless it is open. On its event loop.

        All who wait share one try. It has the time of whoever began it: others that have more try again.

        Args:
            timeout: In seconds.

        Raises:
            TransportError: As `open`.
        """
        deadline = self._loop.time() + timeout
        while True:
            opening = self._opening
            began = opening is None
            if opening is None:
                left = max(deadline - self._loop.time(), 0.0)
                opening = self._opening = self._loop.create_task(asyncio.to_thread(self._open, left))
                opening.add_done_callback(self._opening_ended)
            await asyncio.wait((opening,), timeout=max(deadline - self._loop.time(), 0.0))
            if not opening.done():
                raise self._outlet.unreachable("the connection did not open in time")
            try:
                return opening.result()
            except BrokerUnreachableError:
                if began or self._closed or self._loop.time() >= deadline:
                    raise

    def _opening_ended(self, opening: asyncio.Task[None]) -> None:
        # Before anybody who waited goes on; the next one begins anew.
        if opening.cancelled() or opening.exception() is not None:
            self._opening = None

    def follow(self, other: Connection) -> None:
        """Go on with the name and the password of another connection to the same namespace.

        Those to other namespaces that were made from this one do so too.

        Raises:
            ConfigurationError: Anything else is different: what is open cannot change it.
        """
        if other.namespace != self.namespace:
            raise ConfigurationError(f"the client is of namespace {other.namespace}, not {self.namespace}")
        names = self.config.differences(other.config)
        if names:
            raise ConfigurationError(
                "what is connected to Kafka can go on with another sasl.username and sasl.password, not with another"
                f" {', '.join(names)}: make another worker"
            )
        if other.config.credentials is not None:
            for each in (self, *self._others):
                change_credentials(each.config, *other.config.credentials)

    @property
    def namespace(self) -> str:
        """The namespace."""
        return self.topics.namespace

    @property
    def partitions(self) -> int:
        """How many partitions the topic of commands has."""
        return self._command_partitions

    @property
    def just_published(self) -> bool:
        """Whether it has seen to it a moment ago that readers find the schemas of all that this build writes."""
        return time.monotonic() - self._published_at < PUBLISHED_SECONDS

    @property
    def reachable(self) -> bool:
        """Whether Kafka is there, as far as is known. Any thread."""
        return self._inlet.reachable

    async def ask(self, workflow_id: str, command: Command, *, timeout: float) -> Reply:
        """Sends a command and waits for its answer, which may be a `Rejected`.

        What the broker does not take is repeated until the deadline. Commands with a request ID are idempotent; those
        without one only read.

        Args:
            workflow_id: Whom it is for.
            command: Any command with `reply_to`, which is set here.
            timeout: In seconds; deadlines are kept to 50 ms.

        Raises:
            NoAnswerError: No processor answered in time.
            BrokerUnreachableError: The broker did not take the command in time.
            TopicMissingError: There is no commands topic.
            RecordTooLargeError: The command is too large.
            QueueFullError: Too many records wait for the broker.
            ConnectionClosedError: The connection is closed.
        """
        reply = await self._exchange(workflow_id, command, timeout, is_poll=False)
        assert reply is not None  # only long polls end without one
        return reply

    async def poll(self, workflow_id: str, command: Command, *, wait: float) -> Reply | None:
        """Sends a command whose answer may take long, such as `AwaitResult`.

        Args:
            workflow_id: Whom it is for.
            command: Any command with `reply_to`, which is set here.
            wait: How long to wait for the answer, in seconds: less than the 60 s after which it is forgotten.

        Returns:
            None when it is time to ask again: `wait` is over, or the workflow's partition has a new processor, which
            knows of no waiters.

        Raises:
            TransportError: As `ask`, except `NoAnswerError`.
        """
        return await self._exchange(workflow_id, command, wait, is_poll=True)

    def tell(
        self, workflow_id: str, command: Command, on_delivery: Callable[[Exception | None], None] | None = None
    ) -> None:
        """Sends a command that nobody waits for an answer to. Thread-safe.

        Returns at once on the event loop; elsewhere it waits for room if the queue is full.

        Args:
            workflow_id: Whom it is for.
            command: The command.
            on_delivery: Told what became of it, in a thread of the connection: None, all in-sync replicas have it.
                Without one, a failure is logged.

        Raises:
            RecordTooLargeError: The command is too large.
            QueueFullError: Too many records wait for the broker; in other threads, for longer than 10 s.
            ConnectionClosedError: The connection is closed.
        """
        if self._closed:
            raise ConnectionClosedError(self._closed)
        statement = Statement(workflow_id, self.codec.encode(command), on_delivery, self._explain)
        if threading.get_ident() == self._loop_thread:
            self._tell_from_loop(statement)
        else:
            self._tell_from_thread(statement)

    def on_notice(self, handler: Callable[[Reply], None]) -> None:
        """Calls a handler, on the event loop, for each notice to this process, such as `ActivityCancelRequested`."""
        self._notice_handlers.append(handler)

    async def visibility(self, matches: Callable[[WorkflowVisibility], bool]) -> list[WorkflowVisibility]:
        """The newest row of every run that matches, read from the visibility topic's beginning to its end.

        Raises:
            TransportError: The topic is missing or cannot be read.
        """
        return await asyncio.to_thread(read_visibility, self.config, self.topics, self.codec, matches)

    async def close(self, *, timeout: float = CLOSE_TIMEOUT_SECONDS) -> None:
        """Delivers what has been told, ends the threads, and ends open asks with `ConnectionClosedError`.

        One that `of_namespace` made goes on until that which it was made from is closed.

        Args:
            timeout: How long to wait for the deliveries, in seconds.
        """
        if self._made_from is None:
            await self._end(timeout)

    async def _end(self, timeout: float) -> None:
        if self._closing:
            return
        self._closing = True
        self._closed = self._closed or "the connection to Kafka is closed"
        await asyncio.gather(*(other._end(timeout) for other in self._others))
        self._outbox.empty()
        undelivered = await asyncio.to_thread(self._close, timeout)
        if undelivered and timeout > 0:
            logger.error("%d commands could not be delivered within %g s and are lost", undelivered, timeout)
        self._end_questions()

    def _forked(self) -> None:
        """In a process that has neither the threads nor the event loop of the one that it was forked off."""
        self._closed = "this process was forked off the one that connected; connect in this one, or start it by spawn"
        self._closing = True

    def _break(self, error: Exception) -> None:
        self._closed = f"the connection to Kafka failed: {type(error).__name__}: {error}"
        self._end_questions()

    def _end_questions(self) -> None:
        self._deadlines.close()
        for question in self._questions.values():
            if not question.answer.done():
                question.answer.set_exception(ConnectionClosedError(self._closed))

    # Opening and closing, in a thread.

    def _open(self, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        replies = self._inlet.partitions(self.topics.replies, timeout)
        self._command_partitions = self._inlet.partitions(self.topics.commands, _left(deadline))
        partition = partition_of(self.client_id, replies)
        if not self._inlet.is_open:  # it is, where an earlier try came that far
            self._inlet.open(partition, _left(deadline))
        self._publish_schemas(_left(deadline))
        self.reply_partition = partition

    def _publish_schemas(self, timeout: float) -> None:
        """A processor of another version must find the schemas of our commands."""
        if self._schemas is None:
            return
        try:
            self._schemas.publish(timeout=timeout)
            self._published_at = time.monotonic()
        except DeliveryError as error:
            # Some may write commands but no schemas; then a worker of this version does it, or there is none to need.
            logger.warning("the schemas of this version are not published: %s", error)
        finally:
            self._schemas.close()

    def _close(self, timeout: float) -> int:
        undelivered = self._outlet.close(timeout)
        self._inlet.close()
        if self._schemas is not None:
            self._schemas.close()
        return undelivered

    # Asking, on the event loop.

    async def _exchange(self, workflow_id: str, command: Any, timeout: float, *, is_poll: bool) -> Reply | None:
        if self._closed:
            raise ConnectionClosedError(self._closed)
        if asyncio.get_running_loop() is not self._loop:
            raise RuntimeError("a client is used on the event loop that it was connected on; connect one per loop")
        left = timeout
        if self.reply_partition < 0:
            began = self._loop.time()
            await self.opened(min(timeout, OPEN_TIMEOUT_SECONDS))
            left = max(timeout - (self._loop.time() - began), 0.0)
            if self._closed:
                raise ConnectionClosedError(self._closed)
        number = self._next_number
        self._next_number = number + 1
        command.reply_to = ReplyTo(client_id=self.client_id, partition=self.reply_partition, correlation_id=number)
        answer: asyncio.Future[Reply | None] = self._loop.create_future()
        question = Question(workflow_id, self.codec.encode(command), timeout, is_poll, answer, self._undelivered_soon)
        self._questions[number] = question
        question.tick = self._deadlines.add(number, left)
        try:
            self._outbox.add(question)
            return await answer
        finally:
            del self._questions[number]
            self._deadlines.discard(number, question.tick)

    def _undelivered_soon(self, question: Question, error: KafkaError) -> None:
        """In a thread of the producer."""
        self._on_loop(self._undelivered, question, error)

    def _undelivered(self, question: Question, error: KafkaError) -> None:
        if question.answer.done():
            return
        if self._outlet.is_passing(error) and not self._closed:
            self._loop.call_later(_REPEAT_SECONDS, self._outbox.add, question)
        else:
            question.answer.set_exception(self._explain(error, len(question.value)))

    def _explain(self, error: KafkaError, size: int) -> TransportError:
        return self._outlet.explain(error, self.topics.commands, size)

    def _expire(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            question = self._questions.get(number)
            if question is None or question.answer.done():
                continue
            if not question.queued:
                question.answer.set_exception(self._queue_full(question.timeout))
            elif not question.delivered:
                question.answer.set_exception(self._outlet.unreachable("the command was not delivered in time"))
            elif question.is_poll:
                question.answer.set_result(None)
            else:
                question.answer.set_exception(self.no_answer(question.workflow_id, question.timeout))

    def no_answer(self, workflow_id: str, timeout: float) -> NoAnswerError:
        """The error that says that no processor answered, and where the command is."""
        partition = partition_of(workflow_id, self._command_partitions)
        return NoAnswerError(workflow_id, self.topics.commands, partition, timeout)

    def _queue_full(self, seconds: float | None = None) -> QueueFullError:
        since = "is full" if seconds is None else f"was full for {seconds:g} s"
        return QueueFullError(
            f"the queue of records that wait for {self.config.bootstrap_servers} {since}: the"
            " broker is slow or away, or more is sent than it takes (queue.buffering.max.messages, .max.kbytes)"
        )

    # Telling.

    def _tell_from_loop(self, statement: Statement) -> None:
        limit = self.config.maximum_record_bytes
        if len(statement.value) > limit:
            raise RecordTooLargeError(self.topics.commands, len(statement.value), limit)
        if len(self._outbox) >= OUTBOX_RECORDS:
            raise self._queue_full()
        self._outbox.add(statement)

    def _tell_from_thread(self, statement: Statement) -> None:
        deadline = time.monotonic() + TELL_TIMEOUT_SECONDS
        while True:
            try:
                self._outlet.produce(self.topics.commands, statement.key, statement.value, statement.report)
                return
            except BufferError:
                if time.monotonic() > deadline:
                    raise self._queue_full(TELL_TIMEOUT_SECONDS) from None
                time.sleep(FULL_QUEUE_SECONDS)

    # Answers.

    def _receive(self, replies: list[Reply]) -> None:
        """In the inlet's thread. One wake-up of the loop for all that arrives before it gets there."""
        self._arrived.append(replies)
        if len(self._arrived) == 1:
            self._on_loop(self._answer)

    def _answer(self) -> None:
        while self._arrived:
            for reply in self._arrived[0]:
                self._hand_over(reply)
            # Removed only now: until then, the inlet's thread need not wake us.
            self._arrived.popleft()

    def _hand_over(self, reply: Reply) -> None:
        if isinstance(reply, PartitionMoved):
            self._ask_again(reply.partition)
        elif isinstance(reply, ActivityCancelRequested):
            self._notify(reply)
        else:
            question = self._questions.get(reply.correlation_id)
            # Nobody: it came after the deadline, or the question was repeated and this is the second answer.
            if question is not None and not question.answer.done():
                question.answer.set_result(reply)

    def _notify(self, notice: Reply) -> None:
        for handler in self._notice_handlers:
            try:
                handler(notice)
            except Exception:
                # Somebody else's code must not cost the answers that come after it.
                logger.exception("a handler of notices failed")

    def _ask_again(self, partition: int) -> None:
        for question in self._questions.values():
            if (
                question.is_poll
                and not question.answer.done()
                and partition_of(question.workflow_id, self._command_partitions) == partition
            ):
                question.answer.set_result(None)

    def _on_loop(self, callback: Callable[..., Any], *arguments: Any) -> None:
        try:
            self._loop.call_soon_threadsafe(callback, *arguments)
        except RuntimeError:
            if not self._loop.is_closed():
                raise
            logger.debug("the event loop was closed before the connection")


def _left(deadline: float) -> float:
    return max(deadline - time.monotonic(), 0.1)
