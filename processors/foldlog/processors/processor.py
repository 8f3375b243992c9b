"""The workflow processor: the consume-process-produce loop over the partitions that its group gives it.

Owns the loop and its order: gather what there is, handle it, commit it in one transaction, apply it to the stores,
hand over what was waiting for the commit. What handling means is the partition's, how a transaction is made the
producer's, how a partition is taken over `takeover`'s. One thread runs all of it, except the reading back of events.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from foldlog.core.decider import DeciderFactory
from foldlog.core.engine import LocalResult
from foldlog.processors.assignment import Assignment
from foldlog.processors.host import ActivityHost
from foldlog.processors.measure import measured, tell_rare
from foldlog.processors.options import ProcessorOptions
from foldlog.processors.output import PRODUCER_LIMIT_BYTES, Output
from foldlog.processors.partition import NotNow, Partition, PoisonedInput, StoreFailed, Work
from foldlog.processors.queues import TaskQueues
from foldlog.processors.store import StoreCorruptedError
from foldlog.processors.stores import Stores
from foldlog.processors.transaction import (
    ProducerFenced,
    TransactionAborted,
    TransactionalProducer,
    passed_over,
    transactional_ids,
)
from foldlog.schemas import command
from foldlog.schemas.codec import Codec
from foldlog.schemas.registry import SchemaLookupError
from foldlog.schemas.reply import ActivityCancelRequested
from foldlog.sensor import Sensor
from foldlog.transport.admin import require_topics
from foldlog.transport.clients import open_consumer, open_producer
from foldlog.transport.config import KafkaConfig
from foldlog.transport.topics import Topics, partition_of

logger = logging.getLogger("foldlog.processor")

MEMORY_BUSY_SECONDS = 1.0
"""How long after an activity of this process was last heard of the loop waits for it rather than for Kafka."""
IDLE_SECONDS = 0.25
"""How long the loop waits for a command at most, so that it notices a stop and what has come due."""
STEP_SECONDS = 30.0
"""Bound on each step of a commit."""
RESTORES_AT_ONCE = 4
"""A short restore is mostly waiting for the broker."""
REJOIN_SECONDS = 0.5
"""Wait before a processor that could not go on joins its group again."""
ABORT_SECONDS = 0.01
"""Wait after an aborted transaction, doubled with each further one in a row."""
ABORT_MAXIMUM_SECONDS = 1.0
ENDS = (command.CompleteActivity, command.FailActivity, command.CancelActivity)


@dataclass(slots=True)
class FromMemory:
    """What an activity of this process says: an eager one's command, or a local one's end."""

    partition: int
    workflow_id: str
    said: Any
    poisoned: bool = False
    """It cannot be handled."""


class Unapplied(Exception):
    """A transaction is committed, but a store does not have it: only the log knows what is true.

    Attributes:
        failed: Which store, and why.
    """

    def __init__(self, failed: StoreFailed) -> None:
        super().__init__(str(failed))
        self.failed = failed


class WorkflowProcessor:
    """Handles the commands of a namespace, together with the other processors of its group."""

    def __init__(
        self,
        config: KafkaConfig,
        options: ProcessorOptions,
        factory: DeciderFactory,
        codec: Codec,
        host: ActivityHost | None = None,
        sensor: Sensor | None = None,
    ) -> None:
        """Make a processor; nothing is opened before `run`.

        Args:
            config: How to reach Kafka.
            options: Its settings.
            factory: Makes the code of workflows.
            codec: Reads and writes records.
            host: Runs eager and local activities in this process; None: there are none.
            sensor: Hears what is worth measuring.
        """
        self.instance_id = options.instance_id or f"{options.identity}-{uuid.uuid4().hex[:12]}"
        self._config = config
        self._options = options
        self._factory = factory
        self._codec = codec
        self._host = host
        self._sensor = sensor or Sensor()
        self._topics = Topics(options.namespace)
        self._queues = TaskQueues(config, self._topics)
        self._partitions = 0
        self._stopping = threading.Event()
        self._inbox: queue.SimpleQueue[FromMemory] = queue.SimpleQueue()
        self._taken: list[FromMemory] = []
        """What the open transaction took from memory; it goes back if the transaction is aborted."""
        self._in_memory: set[tuple[str, str, int]] = set()
        """Run ID, activity and attempt of the eager and local activities that have not ended."""
        self._memory_heard = 0.0
        """When one of them was begun or last said something."""
        self._heartbeat = time.monotonic()
        self._aborts = 0
        """Transactions aborted one after the other."""
        self._assignment: Assignment | None = None

    # ---- for whoever runs it

    @property
    def ready(self) -> bool:
        """Whether the group has given it its partitions and all of them take commands."""
        return self._assignment is not None and self._assignment.settled

    def healthy(self, within_seconds: float = 60.0) -> bool:
        """Whether the loop has turned lately."""
        return time.monotonic() - self._heartbeat < within_seconds

    def stop(self) -> None:
        """Ask `run` to end after the transaction at hand. May be called from any thread."""
        self._stopping.set()

    def run(self) -> None:
        """Process until `stop`.

        Raises:
            TopicsUnfitError: The topics are not as they have to be.
            TransportError: Kafka cannot be used as configured.
        """
        topics = require_topics(self._config, self._topics)
        self._partitions = topics.partitions
        with (
            Stores(self._options, self._codec, topics.events_id) as stores,
            ThreadPoolExecutor(RESTORES_AT_ONCE, thread_name_prefix="foldlog-restore") as restorers,
        ):
            while not self._stopping.is_set():
                try:
                    self._run_as_member(stores, restorers)
                except (ProducerFenced, TransactionAborted, KafkaException) as error:
                    # Another processor took over while this one was paused, or the broker was away for too long to say
                    # what became of a transaction. Begin anew, as a new member, with what the log says.
                    logger.warning("processor %s joins the group anew: %s", self.instance_id, error)
                    self._sensor.transaction_aborted("fenced")
                    self._stopping.wait(REJOIN_SECONDS)
                except Unapplied as error:
                    logger.error("processor %s reads all its partitions back: %s", self.instance_id, error)
                    _require_damage(error.failed)
                    stores.discard(error.failed.partition)

    # ---- one membership

    def _run_as_member(self, stores: Stores, restorers: Executor) -> None:
        """Join the group and process until the end, or until this member is fenced."""
        self._heartbeat = time.monotonic()
        ids = transactional_ids(self.instance_id)
        producer = TransactionalProducer([self._open_producer(each) for each in ids], STEP_SECONDS)
        consumer = self._open_consumer()
        replies = consumer.list_topics(self._topics.replies, timeout=STEP_SECONDS).topics[self._topics.replies]
        output = Output(self._topics, self._codec, len(replies.partitions), self._queues)
        assignment = Assignment(
            self._config,
            self._options,
            self.instance_id,
            consumer,
            stores,
            self._codec,
            restorers,
            self._open_partition,
            self._sensor,
        )
        self._assignment = assignment
        try:
            assignment.subscribe(self._partitions)
            while not self._stopping.is_set():
                self._heartbeat = time.monotonic()
                self._step(consumer, producer, output, assignment)
        finally:
            self._assignment = None
            assignment.close()
            consumer.close()
            producer.close()

    def _open_producer(self, transactional_id: str) -> Producer:
        return open_producer(
            self._config,
            **{
                "transactional.id": transactional_id,
                "transaction.timeout.ms": int(self._options.transaction_timeout_seconds * 1000),
                "message.max.bytes": PRODUCER_LIMIT_BYTES,
                "queue.buffering.max.messages": 1_000_000,
                "client.id": self.instance_id,
                "error_cb": passed_over,
            },
        )

    def _open_consumer(self) -> Consumer:
        session_ms = int(self._options.session_timeout_seconds * 1000)
        settings: dict[str, Any] = {
            "group.id": f"{self._options.namespace}.processor",
            "client.id": self.instance_id,
            "error_cb": passed_over,
            "session.timeout.ms": session_ms,
            "heartbeat.interval.ms": max(session_ms // 8, 100),
            # A partition that stays spares its new owner the reading back of its events.
            "partition.assignment.strategy": "cooperative-sticky",
        }
        if self._options.instance_id:
            settings["group.instance.id"] = self._options.instance_id
        return open_consumer(self._config, **settings)

    def _open_partition(self, number: int, store: Any) -> Partition:
        return Partition(
            number,
            store,
            self._codec,
            self._factory,
            namespace=self._options.namespace,
            build_id=self._options.build_id,
            reserve=self._host.reserve if self._host else lambda task_queue, activity_type: False,
            release=self._release,
            require_queue=self._queues.require,
            local_activities=self._host is not None,
            partition_of=lambda workflow_id: partition_of(workflow_id, self._partitions),
        )

    def _release(self, task_queue: str) -> None:
        if self._host is not None:
            self._host.release(task_queue)

    # ---- one turn of the loop

    def _step(
        self, consumer: Consumer, producer: TransactionalProducer, output: Output, assignment: Assignment
    ) -> None:
        """Gather, handle, commit."""
        messages = self._gather(consumer, assignment)
        began = time.perf_counter()
        try:
            assignment.advance(producer)
            self._handle(messages, assignment)
            self._commit(producer, output, assignment, began)
        except (PoisonedInput, NotNow, StoreFailed, TransactionAborted, SchemaLookupError) as error:
            logger.warning("transaction aborted: %s", error)
            self._sensor.transaction_aborted(error.reason if isinstance(error, TransactionAborted) else "error")
            self._abort(producer, assignment, messages)
            if isinstance(error, StoreFailed):
                _require_damage(error)
                assignment.reopen(error.partition)
            self._aborts += 1
            self._stopping.wait(min(ABORT_SECONDS * 2 ** min(self._aborts, 10), ABORT_MAXIMUM_SECONDS))
        else:
            self._aborts = 0

    def _gather(self, consumer: Consumer, assignment: Assignment) -> dict[int, list[Message]]:
        """Wait for one command, then take what else is there."""
        # librdkafka's poll cannot be woken, so while activities of this process run, the loop waits for those instead.
        busy = bool(self._in_memory) and time.monotonic() - self._memory_heard < MEMORY_BUSY_SECONDS
        if busy:
            wait = 0.0
        elif self._in_memory or assignment.opening:
            wait = 0.01
        else:
            wait = assignment.idle_seconds(IDLE_SECONDS)
        message = consumer.poll(wait)
        if message is None:
            if busy:
                self._await_memory(0.002)
            return {}
        found: dict[int, list[Message]] = {}
        for item in (message, *consumer.consume(self._options.max_batch_commands - 1, timeout=0)):
            if (error := item.error()) is not None:
                self._check(error, item, assignment)
            else:
                found.setdefault(item.partition() or 0, []).append(item)
        return found

    def _check(self, error: KafkaError, item: Message, assignment: Assignment) -> None:
        """An error that the consumer reports instead of a record."""
        if error.code() == KafkaError._AUTO_OFFSET_RESET:
            assignment.offset_gone(item.partition() or 0)
        elif error.fatal():
            raise ProducerFenced(str(error))
        else:
            logger.warning("consumer: %s", error)

    def _await_memory(self, seconds: float) -> None:
        try:
            self._taken.append(self._inbox.get(timeout=seconds))
        except queue.Empty:
            return

    def _handle(self, messages: dict[int, list[Message]], assignment: Assignment) -> None:
        now_ms = time.time_ns() // 1_000_000
        for partition in assignment.running.values():
            partition.go_on(now_ms)
        for number, records in messages.items():
            if (owned := assignment.running.get(number)) is not None:
                owned.handle(records, now_ms)
        for partition in assignment.running.values():
            partition.fire_due(now_ms)
        while not self._inbox.empty():
            self._taken.append(self._inbox.get_nowait())
        for item in self._taken:
            self._handle_from_memory(item, assignment, now_ms)
        if self._host is not None:
            self._run_local(self._host, assignment)

    def _handle_from_memory(self, item: FromMemory, assignment: Assignment, now_ms: int) -> None:
        """What belongs to a partition that has moved is dropped: its new owner runs the activity again."""
        partition = assignment.running.get(item.partition)
        if partition is None or item.poisoned:
            return
        try:
            if isinstance(item.said, LocalResult):
                partition.local_ended(item.said, now_ms)
            else:
                partition.handle_local(item.workflow_id, item.said, now_ms)
        except PoisonedInput:
            item.poisoned = True  # Its timeouts end the activity.
            raise

    def _run_local(self, host: ActivityHost, assignment: Assignment) -> None:
        """Run the local activities that were decided, and those that follow from them, for a bounded time."""
        deadline = time.monotonic() + self._options.local_activity_wait_seconds
        begun: dict[int, int] = {}
        while True:
            calls = 0
            for number, partition in assignment.running.items():
                work = partition.open_work
                if work is None:
                    continue
                for run_id, activity_id in work.outcome.canceled_local:
                    self._in_memory.discard((run_id, activity_id, 0))
                    host.cancel_local(run_id, activity_id)
                work.outcome.canceled_local.clear()
                for call in work.outcome.local_calls[begun.get(number, 0) :]:
                    self._in_memory.add((call.run_id, call.decision.activity_id, 0))
                    calls += 1
                    host.run_local(call, self._local_ended(number, call.workflow_id))
                begun[number] = len(work.outcome.local_calls)
            if not calls:
                return
            self._memory_heard = time.monotonic()
            host.poll_local(max(deadline - time.monotonic(), 0.0))
            now_ms = time.time_ns() // 1_000_000
            while not self._inbox.empty():
                item = self._inbox.get_nowait()
                self._taken.append(item)
                self._handle_from_memory(item, assignment, now_ms)

    def _local_ended(self, partition: int, workflow_id: str) -> Callable[[LocalResult], None]:
        return lambda ended: self._inbox.put(FromMemory(partition, workflow_id, ended))

    # ---- the end of a turn

    def _commit(self, producer: TransactionalProducer, output: Output, assignment: Assignment, began: float) -> None:
        """Commit all open work in one transaction, then apply it."""
        works = [(partition, work) for partition in assignment.running.values() if (work := partition.take())]
        if not works:
            self._settle_memory()
            return
        handled = time.perf_counter()
        ends: dict[int, int] = {}

        def delivered(error: KafkaError | None, message: Message) -> None:
            if error is None:
                ends[message.partition() or 0] = (message.offset() or 0) + 1

        producer.begin()
        for partition, work in works:
            output.produce(producer, partition.number, work, delivered)
        offsets = [
            TopicPartition(self._topics.commands, partition.number, partition.next_offset, self.instance_id)
            for partition, _ in works
        ]
        producer.send_offsets(offsets, assignment.group_metadata())
        for partition, _ in works:  # While the records are on their way.
            partition.stage()
        producer.commit()
        committed = time.perf_counter()
        self._settle_memory()
        self._hand_over(works)  # Before the stores are written, so that the activities run meanwhile.
        evicted = self._apply(works, ends, assignment)
        if evicted:
            self._sensor.workflows_evicted(evicted)
        done = [work for _, work in works]
        self._sensor.batch_committed(measured(done, began, handled, committed, time.perf_counter()))
        tell_rare(done, self._topics.commands, self._sensor)

    def _apply(self, works: list[tuple[Partition, Work]], ends: dict[int, int], assignment: Assignment) -> int:
        """Put what is committed into the stores.

        Raises:
            Unapplied: One of them does not take it.
        """
        share = max(len(assignment.running), 1)
        workflows = max(self._options.max_cached_workflows // share, 1)
        history_bytes = self._options.max_cached_history_bytes // share
        try:
            return sum(partition.committed(ends[partition.number], workflows, history_bytes) for partition, _ in works)
        except StoreFailed as error:
            for _, work in works:
                for entry in work.outcome.eager:
                    self._release(entry.task_queue)
            raise Unapplied(error) from error

    def _hand_over(self, works: list[tuple[Partition, Work]]) -> None:
        """Give eager tasks to the workers of this process, now that they are committed."""
        host = self._host
        if host is None:
            return
        for partition, work in works:
            for entry in work.outcome.eager:
                self._in_memory.add((entry.task.run_id, str(entry.task.scheduled_event_id), entry.task.attempt))
                self._memory_heard = time.monotonic()
                host.run_eager(entry.workflow_id, entry.task, self._eager_says(partition.number))
            for run_id, event_id, attempt in work.outcome.canceled_eager:
                host.cancel(
                    ActivityCancelRequested(
                        run_id=run_id, scheduled_event_id=event_id, attempt=attempt, reason="CANCEL_REQUESTED"
                    )
                )

    def _eager_says(self, partition: int) -> Callable[[str, Any], None]:
        return lambda workflow_id, said: self._inbox.put(FromMemory(partition, workflow_id, said))

    def _settle_memory(self) -> None:
        """What was taken from memory is committed, or was nobody's."""
        if self._taken:
            self._memory_heard = time.monotonic()
            for item in self._taken:
                self._in_memory.discard(_ended(item.said))
            self._taken.clear()

    def _abort(
        self, producer: TransactionalProducer, assignment: Assignment, messages: dict[int, list[Message]]
    ) -> None:
        """Throw the open transaction away, and go back to where it began."""
        producer.abort()
        for item in self._taken:
            if isinstance(item.said, LocalResult):
                self._in_memory.discard(_ended(item.said))  # Its run is rebuilt and runs it again.
            else:
                self._inbox.put(item)
        self._taken.clear()
        for number, partition in assignment.running.items():
            # Also where nothing was handled yet: the consumer has given the commands away and goes on behind them.
            if partition.open_work is not None or number in messages:
                assignment.rewind(partition)


def _ended(said: Any) -> tuple[str, str, int]:
    """The activity that this is the end of; one that nobody has, if it is no end."""
    if isinstance(said, LocalResult):
        return said.run_id, said.activity_id, 0
    if isinstance(said, ENDS):
        return said.run_id, str(said.scheduled_event_id), said.attempt
    return "", "", 0


def _require_damage(failed: StoreFailed) -> None:
    """Go on only if deleting the store helps.

    Raises:
        StoreError: It does not.
    """
    if not isinstance(failed.error, StoreCorruptedError):
        raise failed.error
