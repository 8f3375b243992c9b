"""The workflow processor: the consume-process-produce loop over the partitions that its group gives it.

Owns the loop and its order: gather what there is, handle it, commit it in one transaction, apply it to the stores,
hand over what was waiting for the commit. What handling means is the partition's, how a transaction is made the
producer's, how a partition is taken over `takeover`'s. One thread runs all of it, except the reading back of events; it
is a new one for each membership, because one may have to be left behind (see `watch`).
"""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from foldlog.core.decider import DeciderFactory
from foldlog.processors.ahead import Ahead
from foldlog.processors.assignment import Assignment
from foldlog.processors.heap import keep_what_is_loaded
from foldlog.processors.host import ActivityHost
from foldlog.processors.measure import measured, tell_rare
from foldlog.processors.namesake import require_no_namesake
from foldlog.processors.namespaces import Namespaces
from foldlog.processors.options import ProcessorOptions
from foldlog.processors.output import PRODUCER_LIMIT_BYTES, Output
from foldlog.processors.partition import NotNow, Partition, PoisonedInput, StoreFailed
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
from foldlog.processors.turns import Turns, Unapplied, new_instance_id
from foldlog.processors.watch import StuckError, Watch
from foldlog.schemas.codec import Codec
from foldlog.schemas.registry import SchemaLookupError
from foldlog.sensor import Sensor
from foldlog.transport.admin import require_topics
from foldlog.transport.clients import open_consumer, open_producer
from foldlog.transport.config import KafkaConfig
from foldlog.transport.partition_count import require_first_count
from foldlog.transport.topics import Topics

logger = logging.getLogger("foldlog.processor")

MEMORY_BUSY_SECONDS = 1.0
"""How long after an activity of this process was last heard of the loop waits for it rather than for Kafka."""
IDLE_SECONDS = 0.25
"""How long the loop waits for a command at most, so that it notices a stop and what has come due."""
LAST_WORDS_SECONDS = 5.0
"""How long a processor that is to stop goes on recording what activities of this process have said."""
KAFKA_SECONDS = 10.0
"""Bound on one question to the broker."""
POLL_INTERVAL_MS = 300_000
"""In which the loop must turn, if no other interval is set; librdkafka's default."""
RESTORES_AT_ONCE = 4
"""A short restore is mostly waiting for the broker."""
REJOIN_SECONDS = 0.5
"""Wait before a processor that could not go on joins its group again."""
ABORT_SECONDS = 0.01
"""Wait after an aborted transaction, doubled with each further one in a row."""
ABORT_MAXIMUM_SECONDS = 1.0


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
        self.instance_id = new_instance_id(options)
        self._config = config
        self._options = options
        self._codec = codec
        self._host = host
        self._sensor = sensor or Sensor()
        self._topics = Topics(options.namespace)
        self._group = f"{options.namespace}.processor"
        self._queues = TaskQueues(config, self._topics)
        self._namespaces = Namespaces(config)
        self._partitions = 0
        self._stopping = threading.Event()
        self._turns = Turns(
            options,
            codec,
            factory,
            host,
            require_queue=self._queues.require,
            unreachable=self._namespaces.unreachable,
        )
        self._heartbeat = time.monotonic()
        self._aborts = 0
        """Transactions aborted one after the other."""
        self._assignment: Assignment | None = None
        self._stop_by: float | None = None
        """When to stop in spite of what is still to be recorded, on the monotonic clock."""

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
            InstanceIdTakenError: Another process has the same instance ID.
        """
        topics = require_topics(self._config, self._topics)
        require_first_count(self._config, self._topics, self._codec)
        self._partitions = topics.partitions
        with (
            Stores(self._options, self._codec, topics.events_id) as stores,
            ThreadPoolExecutor(RESTORES_AT_ONCE, thread_name_prefix="foldlog-restore") as restorers,
        ):
            while not self._stopping.is_set():
                try:
                    self._run_as_member(stores, restorers)
                except (ProducerFenced, TransactionAborted, KafkaException, StuckError) as error:
                    # Another processor took over while this one was paused, or the broker was away for too long to say
                    # what became of a transaction. Begin anew, as a new member, with what the log says.
                    # Only the text is logged: whoever keeps the error keeps the producer in its traceback, which would
                    # go on to ask the broker for its ID, and fence the next one.
                    logger.warning("processor %s joins the group anew: %s", self.instance_id, str(error))
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
        watch = Watch()
        with ExitStack() as ending:
            ids = transactional_ids(self._options.namespace, self.instance_id)
            producers = [self._open_producer(each) for each in ids]
            producer = TransactionalProducer(producers, self._options.transaction_timeout_seconds, watch)
            ending.callback(producer.close)
            consumer = self._open_consumer()
            ending.callback(consumer.close)
            keep_what_is_loaded()
            # Before it is a member: to the others, whoever is one has fenced those who went by its name (`takeover`).
            producer.take_over()
            replies = consumer.list_topics(self._topics.replies, timeout=KAFKA_SECONDS).topics[self._topics.replies]
            output = Output(self._topics, self._codec, len(replies.partitions), self._queues)
            ahead = Ahead(producer, output, self._turns)
            assignment = self._assignment = Assignment(
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
            ending.callback(self._leave, assignment)

            def process() -> None:
                assignment.subscribe(self._partitions)
                while not self._stopping.is_set() or ahead.is_open or self._is_told_last_words():
                    self._heartbeat = time.monotonic()
                    self._step(consumer, producer, output, ahead, assignment)

            try:
                watch.run(process, "foldlog-loop")
            except ProducerFenced as error:
                # What it was raised from has the producer: see `run`.
                fenced = ProducerFenced(str(error), error.by_another)
            else:
                return
            if fenced.by_another and self._options.instance_id:
                require_no_namesake(self._config, self._group, self.instance_id, consumer, self._stopping)
            raise fenced

    def _is_told_last_words(self) -> bool:
        """Whether activities of this process have said what nobody else would hear. If it cannot be recorded soon, the
        next processor begins their attempts again."""
        if not self._turns.has_heard:
            return False
        if self._stop_by is None:
            self._stop_by = time.monotonic() + LAST_WORDS_SECONDS
        return time.monotonic() < self._stop_by

    def _leave(self, assignment: Assignment) -> None:
        self._assignment = None
        assignment.close()

    def _open_producer(self, transactional_id: str) -> Producer:
        return open_producer(
            self._config,
            **{
                "transactional.id": transactional_id,
                "transaction.timeout.ms": int(self._options.transaction_timeout_seconds * 1000),
                "message.max.bytes": PRODUCER_LIMIT_BYTES,
                "queue.buffering.max.messages": 1_000_000,
                # With `rebootstrap`, librdkafka forgets the brokers when all of them are away, and with them the
                # request that send_offsets_to_transaction waits for. A producer without a broker is replaced anyway.
                "metadata.recovery.strategy": "none",
                "client.id": self.instance_id,
                "error_cb": passed_over,
            },
        )

    def _open_consumer(self) -> Consumer:
        session_ms = int(self._options.session_timeout_seconds * 1000)
        poll_ms = int(self._config.options.get("max.poll.interval.ms", POLL_INTERVAL_MS))
        settings: dict[str, Any] = {
            # A static member that does not answer a rebalance leaves by the end of its session: that must come first,
            # or who takes over its partitions finds it alive, and does not fence it.
            "max.poll.interval.ms": max(poll_ms, 2 * session_ms),
            "group.id": self._group,
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
        return self._turns.open_partition(number, store, self._partitions)

    # ---- one turn of the loop

    def _step(
        self,
        consumer: Consumer,
        producer: TransactionalProducer,
        output: Output,
        ahead: Ahead,
        assignment: Assignment,
    ) -> None:
        """Gather, handle, commit."""
        messages: dict[int, list[Message]] = {}
        if begun_ahead := ahead.is_open:
            ahead.wait()
        else:
            messages = self._gather(consumer, assignment)
            ahead.polled()
        began = time.perf_counter()
        try:
            if not begun_ahead:
                assignment.advance(producer)
            self._handle(messages, assignment)
            self._commit(producer, output, ahead, assignment, began)
        except (PoisonedInput, NotNow, StoreFailed, TransactionAborted, SchemaLookupError) as error:
            reason = error.reason if isinstance(error, TransactionAborted) else "error"
            # Whenever workers come and go, a transaction may be in the way.
            level = logging.INFO if reason in ("fenced", "rebalance") else logging.WARNING
            logger.log(level, "transaction aborted: %s", str(error))
            self._sensor.transaction_aborted(reason)
            self._abort(producer, assignment, messages)
            if isinstance(error, StoreFailed):
                _require_damage(error)
                assignment.reopen(error.partition)
            self._aborts += 1
            pause = min(ABORT_SECONDS * 2 ** min(self._aborts, 10), ABORT_MAXIMUM_SECONDS)
            if self._stopping.wait(pause):
                time.sleep(pause)  # The last words are committed no sooner for being tried without a pause.
        else:
            self._aborts = 0

    def _gather(self, consumer: Consumer, assignment: Assignment) -> dict[int, list[Message]]:
        """Wait for one command, then take what else is there."""
        # librdkafka's poll cannot be woken, so while activities of this process run, the loop waits for those instead.
        turns = self._turns
        busy = turns.activities_open and time.monotonic() - turns.heard_at < MEMORY_BUSY_SECONDS
        if busy:
            wait = 0.0
        elif turns.activities_open or assignment.opening:
            wait = 0.01
        else:
            wait = assignment.idle_seconds(IDLE_SECONDS)
        message = consumer.poll(wait)
        if message is None:
            if busy:
                turns.await_memory(0.002)
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
        elif error.fatal() or error.code() == KafkaError._FATAL:
            raise ProducerFenced(str(error), by_another=True)
        else:
            logger.warning("consumer: %s", error)

    def _handle(self, messages: dict[int, list[Message]], assignment: Assignment) -> None:
        self._turns.handle(messages, assignment.running)
        if self._host is not None:
            self._run_local(self._host, assignment)

    def _run_local(self, host: ActivityHost, assignment: Assignment) -> None:
        """Run the local activities that were decided, and those that follow from them, for a bounded time."""
        deadline = time.monotonic() + self._options.local_activity_wait_seconds
        while self._turns.begin_local(assignment.running):
            host.poll_local(max(deadline - time.monotonic(), 0.0))
            self._turns.handle_heard(assignment.running)

    # ---- the end of a turn

    def _commit(
        self, producer: TransactionalProducer, output: Output, ahead: Ahead, assignment: Assignment, began: float
    ) -> None:
        """Commit all open work in one transaction, then apply it."""
        works = [(partition, work) for partition in assignment.running.values() if (work := partition.take())]
        begun_ahead = ahead.is_open
        if not works:
            assert not begun_ahead  # else nobody would end it
            self._turns.settle()
            return
        handled = time.perf_counter()
        ends: dict[int, int] = {}

        def delivered(error: KafkaError | None, message: Message) -> None:
            if error is None:
                ends[message.partition() or 0] = (message.offset() or 0) + 1

        if not begun_ahead:
            producer.begin()
        for partition, work in works:
            output.produce(producer, partition.number, work, delivered)
        if begun_ahead:
            producer.keep_offsets()  # No commands were read.
        else:
            offsets = [
                TopicPartition(self._topics.commands, partition.number, partition.next_offset, self.instance_id)
                for partition, _ in works
            ]
            producer.send_offsets(offsets, assignment.group_metadata())
        for partition, _ in works:  # While the records are on their way.
            partition.stage()
        producer.commit()
        committed = time.perf_counter()
        self._turns.settle()
        if not (assignment.opening or self._stopping.is_set()):
            ahead.begin(works)
        self._turns.hand_over(works)  # Before the stores are written, so that the activities run meanwhile.
        evicted = self._turns.apply(works, ends, assignment.running.values())
        ahead.applied()
        if evicted:
            self._sensor.workflows_evicted(evicted)
        done = [work for _, work in works]
        self._sensor.batch_committed(measured(done, began, handled, committed, time.perf_counter()))
        tell_rare(done, self._topics.commands, self._sensor)

    def _abort(
        self, producer: TransactionalProducer, assignment: Assignment, messages: dict[int, list[Message]]
    ) -> None:
        """Throw the open transaction away, and go back to where it began."""
        producer.abort()
        self._turns.aborted()
        for number, partition in assignment.running.items():
            # Also where nothing was handled yet: the consumer has given the commands away and goes on behind them.
            if partition.open_work is not None or number in messages:
                assignment.rewind(partition)


def _require_damage(failed: StoreFailed) -> None:
    """Go on only if deleting the store helps.

    Raises:
        StoreError: It does not.
    """
    if not isinstance(failed.error, StoreCorruptedError):
        raise failed.error
