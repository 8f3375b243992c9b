"""Taking a partition over: end what its last owner left open, and read its events back to the barrier.

Owns the steps between the group's word that a partition is ours and the first command that is handled. The barrier
is a PartitionOpened record that the processor commits to the partition: when that very record is read back, all that
was committed before it has been read too. No watermarks are compared, and the log keeps who owned what when.
"""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaException, Message, TopicPartition
from foldlog.exceptions import FoldlogError
from foldlog.processors.store import (
    PartitionStore,
    RestoreError,
    Restorer,
    StoreCorruptedError,
    StoreFormatError,
    StoreLockedError,
)
from foldlog.processors.transaction import (
    ProducerFenced,
    TransactionAborted,
    TransactionalProducer,
    passed_over,
    transactional_ids,
)
from foldlog.schemas.codec import Codec, DecodeError, UnknownSchemaError
from foldlog.transport.clients import open_admin, open_consumer, open_producer
from foldlog.transport.config import KafkaConfig

logger = logging.getLogger("foldlog.processor")

READ_AT_ONCE = 2_000
STALL_SECONDS = 60.0
"""A restore that reads nothing for so long, though its barrier is committed, has failed."""
LOCKED_SECONDS = 30.0
"""How long an earlier restore of the same partition, which was canceled, may take to let go of the store."""


class LogDamagedError(FoldlogError):
    """Each record of a partition's events can be read, but together they are not what a processor writes."""


class RestoreStalledError(FoldlogError):
    """What was committed does not come back from the broker."""


@dataclass(frozen=True, slots=True)
class LastOwner:
    """Who committed last for a partition, and whether it is still a member of the group."""

    partition: int
    instance_id: str
    alive: bool


def last_owners(config: KafkaConfig, group: str, topic: str, partitions: Iterable[int]) -> list[LastOwner]:
    """Who committed last for each partition, as the commits' metadata say.

    Raises:
        KafkaException: The broker does not answer.
    """
    admin = open_admin(config)
    request = ConsumerGroupTopicPartitions(group, [TopicPartition(topic, partition) for partition in partitions])
    offsets = admin.list_consumer_group_offsets([request])[group].result(10.0).topic_partitions or []
    members = admin.describe_consumer_groups([group])[group].result(10.0).members
    alive = {member.client_id for member in members}
    for entry in offsets:
        if entry.error is not None:
            raise KafkaException(entry.error)
    return [LastOwner(entry.partition, entry.metadata, entry.metadata in alive) for entry in offsets if entry.metadata]


def fence(config: KafkaConfig, namespace: str, instance_id: str, timeout_seconds: float) -> None:
    """Abort what a dead owner left open, and fence its producers for good, should the process only have been paused.

    Until that is done none of its partitions may be taken over: transactions that read no commands carry no offsets,
    so nothing but their transactional.id stops them.

    Raises:
        TransactionAborted: It cannot be done now.
    """
    settings = {"client.id": f"{instance_id}-fence", "error_cb": passed_over}
    ids = transactional_ids(namespace, instance_id)
    try:
        producers = [open_producer(config, **settings, **{"transactional.id": each}) for each in ids]
        fencing = TransactionalProducer(producers, timeout_seconds)
        fencing.take_over()
        fencing.close()
    except (ProducerFenced, TransactionAborted) as error:
        # Only the text is kept: see `WorkflowProcessor.run`.
        text = str(error)
    else:
        return
    raise TransactionAborted(
        f"the transactions of {instance_id}, the last owner, cannot be ended: {text}; a processor must be allowed to "
        "write the transactional IDs of all processors of its namespace"
    )


class Restore:
    """Brings one partition's store up to the barrier, on a thread that is not the processor's."""

    def __init__(
        self,
        config: KafkaConfig,
        events_topic: str,
        partition: int,
        epoch: str,
        codec: Codec,
        open_store: Callable[[], PartitionStore],
        folder: Path,
        progress: Callable[[int, int, int], None],
    ) -> None:
        """Make a restore that has not begun.

        Args:
            config: How to reach Kafka.
            events_topic: `<ns>.events`.
            partition: Which partition.
            epoch: Of the PartitionOpened record that ends the restore.
            codec: Reads the events.
            open_store: Opens the partition's store.
            folder: Where that is; deleted and begun anew when it turns out damaged.
            progress: Told partition, records read and records in all, about once a second.
        """
        self.partition = partition
        self.store: PartitionStore | None = None
        self.error: BaseException | None = None
        self.records = 0
        self.seconds = 0.0
        self._config = config
        self._topic = events_topic
        self._epoch = epoch
        self._codec = codec
        self._open_store = open_store
        self._folder = folder
        self._progress = progress
        self._canceled = threading.Event()
        self._done = threading.Event()
        self._ending = threading.Lock()

    @property
    def done(self) -> bool:
        """Whether it ended; then `store` or `error` is set, unless it was canceled."""
        return self._done.is_set()

    def cancel(self) -> None:
        """The partition is not ours any more: stop soon, and close the store."""
        with self._ending:
            self._canceled.set()
            if self._done.is_set():
                self._close_store()

    def run(self) -> None:
        """Restore. Called once, on a thread of its own."""
        began = time.monotonic()
        try:
            self.store = self._restored()
        except BaseException as error:
            self.error = error
        finally:
            self.seconds = time.monotonic() - began
            with self._ending:
                if self._canceled.is_set():
                    self._close_store()
                self._done.set()

    def _close_store(self) -> None:
        if self.store is not None:
            self.store.close()
            self.store = None

    def _restored(self) -> PartitionStore | None:
        try:
            return self._read(self._opened())
        except StoreCorruptedError as error:
            # A store of another broker or build, as after each start of a broker for development, is no damage.
            level = logging.INFO if isinstance(error, StoreFormatError) else logging.WARNING
            logger.log(level, "partition %d: the store is rebuilt from the log: %s", self.partition, error)
        shutil.rmtree(self._folder, ignore_errors=True)
        try:
            return self._read(self._opened())
        except StoreCorruptedError as error:
            raise LogDamagedError(f"what the log says cannot be: {error}") from error

    def _opened(self) -> PartitionStore:
        """The store; a partition that came back while its canceled restore still ends waits for that."""
        deadline = time.monotonic() + LOCKED_SECONDS
        while True:
            try:
                return self._open_store()
            except StoreLockedError:
                if self._canceled.wait(0.05) or time.monotonic() > deadline:
                    raise

    def _read(self, store: PartitionStore) -> PartitionStore | None:
        """Read from the stored position to the barrier. None if canceled."""
        position = store.position.events_offset
        restorer = Restorer(store, self._codec, epoch=self._epoch)
        consumer = open_consumer(self._config, **{"group.id": f"{self._topic}.restore"})
        try:
            # Asked before the assignment, so that the leader is known by then: otherwise librdkafka waits 500 ms.
            begin, end = consumer.get_watermark_offsets(TopicPartition(self._topic, self.partition), timeout=10.0)
            if position > end:
                raise StoreCorruptedError(f"it is ahead of the log, which ends at {end}: its position is {position}")
            consumer.assign([TopicPartition(self._topic, self.partition, position or begin)])
            if self._feed(consumer, restorer, end - position):
                return store
        except BaseException:
            store.close()
            raise
        finally:
            consumer.close()
        store.close()
        return None

    def _feed(self, consumer: Consumer, restorer: Restorer, total: int) -> bool:
        """True when the barrier was read, false when canceled."""
        heard = told = time.monotonic()
        while not self._canceled.is_set():
            # `consume` waits until it has as many as it may have: so only for the first, and then for none.
            first = consumer.poll(0.2)
            messages = [] if first is None else [first, *consumer.consume(READ_AT_ONCE, timeout=0)]
            now = time.monotonic()
            if messages:
                heard = now
            elif now - heard > STALL_SECONDS:
                raise RestoreStalledError(
                    f"partition {self.partition} of {self._topic}: its last record was not read back within "
                    f"{STALL_SECONDS:g} s after it was committed"
                )
            for message in messages:
                if (error := message.error()) is not None:
                    if error.retriable():
                        continue
                    raise KafkaException(error)
                self.records += 1
                if self._fold(restorer, message):
                    self._progress(self.partition, self.records, self.records)
                    return True
            if now - told > 1.0:
                told = now
                self._progress(self.partition, self.records, max(total, self.records))
        return False

    def _fold(self, restorer: Restorer, message: Message) -> bool:
        """Fold one record; true if it was the barrier."""
        try:
            return restorer.feed(message.key(), message.value(), message.offset() or 0)
        except RestoreError as error:
            # What a processor writes can be read with the schema that it names, so this was written by somebody else.
            # Should it stand where a record of ours was, the next event of that run does not follow the one before.
            # An unknown schema, however, may be that of a newer build.
            cause = error.__cause__
            if not isinstance(cause, DecodeError | UnicodeDecodeError) or isinstance(cause, UnknownSchemaError):
                raise
            logger.error(
                "partition %d of %s: %s; it is none of ours and is passed over", self.partition, self._topic, error
            )
            return False
