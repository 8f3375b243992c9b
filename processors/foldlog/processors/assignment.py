"""The partitions of one group membership: given, taken over, running, revoked, lost.

Owns the life of each partition from the group's word to its end, and the pausing and seeking that go with it. The
callbacks of the consumer come inside its poll, on the processor's thread and between transactions, so that nothing
is ever half done when a partition goes.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import Executor

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition
from foldlog.exceptions import FoldlogError
from foldlog.processors.options import ProcessorOptions
from foldlog.processors.partition import Partition
from foldlog.processors.store import PartitionStore, RestoreError
from foldlog.processors.stores import Stores
from foldlog.processors.takeover import LastOwner, LogDamagedError, Restore, RestoreStalledError, fence, last_owners
from foldlog.processors.transaction import TransactionAborted, TransactionalProducer
from foldlog.schemas.codec import Codec
from foldlog.schemas.log import PartitionOpened
from foldlog.schemas.reply import PartitionMoved
from foldlog.sensor import Sensor
from foldlog.transport.config import KafkaConfig
from foldlog.transport.topics import Topics

logger = logging.getLogger("foldlog.processor")

REPORT_SECONDS = 1.0
"""How often the sensor hears of lag and counts."""
KAFKA_SECONDS = 10.0
"""Bound on one question to the broker."""
RETRY_SECONDS = 1.0
"""Wait before a restore that the broker did not let happen is tried again."""
FENCE_SECONDS = 5.0
"""How long a dead owner's transactions may take to end, and the wait before that is tried again."""
DAMAGED_RETRY_SECONDS = 60.0
"""Likewise for one whose events cannot be folded: somebody has to do something about it."""


class CommandsLostError(FoldlogError):
    """The commands topic is another than the one whose commands have been handled."""


class Assignment:
    """What one member of the group has. Used by the processor's thread only."""

    def __init__(
        self,
        config: KafkaConfig,
        options: ProcessorOptions,
        instance_id: str,
        consumer: Consumer,
        stores: Stores,
        codec: Codec,
        restorers: Executor,
        open_partition: Callable[[int, PartitionStore], Partition],
        sensor: Sensor,
    ) -> None:
        """Make an assignment without partitions.

        Args:
            config: How to reach Kafka.
            options: The processor's settings.
            instance_id: The processor's name in the log.
            consumer: The group's member; not subscribed yet.
            stores: Opens stores.
            codec: Writes records.
            restorers: Reads events back.
            open_partition: Makes a running partition of a restored store.
            sensor: Hears what is worth measuring.
        """
        self.running: dict[int, Partition] = {}
        """The partitions whose commands are handled."""
        self._config = config
        self._options = options
        self._topics = Topics(options.namespace)
        self._instance_id = instance_id
        self._consumer = consumer
        self._stores = stores
        self._codec = codec
        self._restorers = restorers
        self._open_partition = open_partition
        self._sensor = sensor
        self._partition_count = 0
        self._given: set[int] = set()
        """Given by the group, but their barrier is not written yet."""
        self._restores: dict[int, Restore] = {}
        self._failed: dict[int, float] = {}
        """Partitions whose takeover or restore failed, and when it is tried again."""
        self._assigned_once = False
        self._reported = 0.0

    # ---- for the loop

    @property
    def opening(self) -> bool:
        """Whether partitions are being taken over, or the group has not spoken yet: it does so within a poll, and what
        it gives is taken over when that poll is over."""
        return not self._assigned_once or bool(self._given or self._restores)

    @property
    def settled(self) -> bool:
        """Whether the group has spoken and all that it gave takes commands."""
        return not self.opening and not self._failed

    def subscribe(self, partition_count: int) -> None:
        """Join the group."""
        self._partition_count = partition_count
        self._consumer.subscribe(
            [self._topics.commands], on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
        )

    def group_metadata(self) -> bytes:
        """Who this member is now: the fence of a commit. Never kept, since a rebalance changes it without a word."""
        return bytes(self._consumer.consumer_group_metadata())

    def idle_seconds(self, limit: float) -> float:
        """How long the loop may wait until something is due."""
        now_ms = time.time_ns() // 1_000_000
        for partition in self.running.values():
            due_ms = partition.store.next_due_ms()
            if due_ms is not None:
                limit = min(limit, max(due_ms - now_ms, 0) / 1000)
        return limit

    def advance(self, producer: TransactionalProducer) -> None:
        """Take over what was given, as far as that goes without waiting.

        Raises:
            TransactionAborted: The barriers could not be written; try again in the next turn.
            StoreError: A store cannot be opened or written.
        """
        now = time.monotonic()
        for number in [number for number, retry_at in self._failed.items() if retry_at < now]:
            del self._failed[number]
            self._given.add(number)
        if self._given:
            try:
                self._write_barriers(producer, sorted(self._given))
            except (KafkaException, TimeoutError) as error:
                raise TransactionAborted(
                    f"partitions {sorted(self._given)} cannot be taken over yet: {error}"
                ) from error
        for number in [number for number, restore in self._restores.items() if restore.done]:
            self._begin(self._restores.pop(number))
        if now - self._reported > REPORT_SECONDS:
            self._reported = now
            self._report()

    def rewind(self, partition: Partition) -> None:
        """The partition's open work did not happen: handle its commands again."""
        partition.aborted()
        self._consumer.seek(TopicPartition(self._topics.commands, partition.number, _offset(partition)))

    def reopen(self, number: int) -> None:
        """The partition's store is of no use any more: rebuild it, while the other partitions go on."""
        partition = self.running.pop(number)
        where = [TopicPartition(self._topics.commands, number)]
        self._consumer.pause(where)
        partition.close()
        self._stores.discard(number)
        self._given.add(number)

    def offset_gone(self, number: int) -> None:
        """The command that is to be read next is not in the topic.

        Raises:
            CommandsLostError: The topic ends before it.
        """
        partition = self.running.get(number)
        if partition is None:
            return
        topic = self._topics.commands
        begin, end = self._consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=KAFKA_SECONDS)
        if partition.next_offset > end:
            raise CommandsLostError(
                f"partition {number} of {topic} ends at offset {end}, but commands below {partition.next_offset} have "
                "been handled: the topic was deleted and created again, or the broker has lost records. What is in it "
                "now cannot be told from what was handled; start in a new namespace, or bring the topic back"
            )
        if partition.next_offset < begin:
            logger.error(
                "partition %d of %s: the commands from offset %d to %d were deleted by retention before they were "
                "handled, and are lost",
                number,
                topic,
                partition.next_offset,
                begin - 1,
            )
        self._consumer.seek(TopicPartition(topic, number, max(partition.next_offset, begin)))

    def close(self) -> None:
        """Let go of all partitions."""
        self._drop([*self.running, *self._restores, *self._given, *self._failed], lost=False)

    # ---- taking over

    def _write_barriers(self, producer: TransactionalProducer, numbers: list[int]) -> None:
        """Steps 1 to 4 of a takeover: end what dead owners left open, then commit the barrier."""
        began = time.monotonic()
        group = f"{self._options.namespace}.processor"
        numbers = self._without_unfenced(last_owners(self._config, group, self._topics.commands, numbers), numbers)
        committed = self._committed(numbers)
        if not committed:
            return
        epochs = {number: uuid.uuid4().hex for number in numbers}
        producer.begin()
        for number, epoch in epochs.items():
            opened = PartitionOpened(
                instance=self._instance_id,
                epoch=epoch,
                partition_count=self._partition_count,
                build_id=self._options.build_id,
                time_ms=time.time_ns() // 1_000_000,
            )
            producer.produce(self._topics.events, self._codec.encode(opened), None, number)
        offsets = [
            TopicPartition(entry.topic, entry.partition, max(entry.offset, 0), self._instance_id) for entry in committed
        ]
        producer.send_offsets(offsets, self.group_metadata())
        producer.commit()
        self._given.difference_update(numbers)
        for number, epoch in epochs.items():
            self._start_restore(number, epoch)
        logger.info("partitions %s are being restored (barrier after %.2f s)", numbers, time.monotonic() - began)

    def _without_unfenced(self, owners: list[LastOwner], numbers: list[int]) -> list[int]:
        """The partitions whose dead owners are fenced by now; the others are put off."""
        for dead in {owner.instance_id for owner in owners if not owner.alive} - {self._instance_id}:
            try:
                fence(self._config, self._options.namespace, dead, FENCE_SECONDS)
            except TransactionAborted as error:
                theirs = {owner.partition for owner in owners if owner.instance_id == dead}
                self._put_off(sorted(theirs), FENCE_SECONDS, str(error))
        return [number for number in numbers if number in self._given]

    def _committed(self, numbers: list[int]) -> list[TopicPartition]:
        """The group's offsets, once no transaction is open on them: then nothing that an earlier owner has read can be
        committed any more. None while one is: the partitions are put off."""
        where = [TopicPartition(self._topics.commands, number) for number in numbers]
        try:
            return self._consumer.committed(where, KAFKA_SECONDS) if where else []
        except KafkaException as error:
            if error.args[0].code() != KafkaError._TIMED_OUT:
                raise
        self._put_off(
            numbers,
            RETRY_SECONDS,
            "the broker does not answer, or a transaction is open on their offsets; if this does not end, see "
            "`Transactions that do not end` in docs/kafka.md",
        )
        return []

    def _put_off(self, numbers: list[int], seconds: float, why: str) -> None:
        """These partitions wait for their takeover, while the others go on."""
        logger.warning("partitions %s cannot be taken over yet: %s", numbers, why)
        self._given.difference_update(numbers)
        self._failed.update(dict.fromkeys(numbers, time.monotonic() + seconds))

    def _start_restore(self, number: int, epoch: str) -> None:
        self._sensor.partition_opened(number)
        restore = Restore(
            self._config,
            self._topics.events,
            number,
            epoch,
            self._codec,
            lambda: self._stores.open(number),
            self._stores.folder(number),
            self._sensor.restore_progress,
        )
        self._restores[number] = restore
        self._restorers.submit(restore.run)

    def _begin(self, restore: Restore) -> None:
        """The last step: from here on the partition's commands are handled."""
        if restore.error is not None:
            self._restore_failed(restore.partition, restore.error)
            return
        store = restore.store
        if store is None:
            return
        partition = self._open_partition(restore.partition, store)
        self.running[restore.partition] = partition
        where = TopicPartition(self._topics.commands, restore.partition, _offset(partition))
        self._consumer.seek(where)
        self._consumer.resume([where])
        self._sensor.partition_restored(restore.partition, restore.records, restore.seconds)
        logger.info(
            "partition %d takes commands from offset %d; %d events read back in %.2f s",
            restore.partition,
            partition.next_offset,
            restore.records,
            restore.seconds,
        )
        moved = PartitionMoved(partition=restore.partition, instance=self._instance_id)
        partition.opened(moved)

    def _restore_failed(self, number: int, error: BaseException) -> None:
        """Try again later; the other partitions go on."""
        if isinstance(error, RestoreError | LogDamagedError):
            logger.error(
                "partition %d of %s stays closed, and its workflows stand still: %s; tried again in %g s",
                number,
                self._topics.events,
                error,
                DAMAGED_RETRY_SECONDS,
            )
            self._failed[number] = time.monotonic() + DAMAGED_RETRY_SECONDS
        elif isinstance(error, KafkaException | RestoreStalledError):
            logger.warning("partition %d could not be restored, and is tried again: %s", number, error)
            self._failed[number] = time.monotonic() + RETRY_SECONDS
        else:
            raise error

    # ---- the group's word

    def _on_assign(self, consumer: Consumer, given: list[TopicPartition]) -> None:
        self._assigned_once = True
        where = [TopicPartition(entry.topic, entry.partition, OFFSET_BEGINNING) for entry in given]
        consumer.incremental_assign(where)
        if where:
            consumer.pause(where)
        self._given.update(entry.partition for entry in given)
        self._sensor.rebalanced(len(self.running) + len(self._given))

    def _on_revoke(self, consumer: Consumer, taken: list[TopicPartition]) -> None:
        self._drop((entry.partition for entry in taken), lost=False)
        consumer.incremental_unassign(taken)

    def _on_lost(self, consumer: Consumer, taken: list[TopicPartition]) -> None:
        # Somebody else may own them already: nothing may be written for them, and nothing is.
        self._drop((entry.partition for entry in taken), lost=True)
        consumer.incremental_unassign(taken)

    def _drop(self, numbers: Iterable[int], *, lost: bool) -> None:
        for number in list(numbers):
            self._given.discard(number)
            self._failed.pop(number, None)
            if (restore := self._restores.pop(number, None)) is not None:
                restore.cancel()
            if (partition := self.running.pop(number, None)) is not None:
                partition.close()
                logger.info("partition %d is %s", number, "lost" if lost else "given back")
            self._sensor.partition_closed(number, lost=lost)

    # ---- reporting

    def _report(self) -> None:
        for number, partition in self.running.items():
            _, end = self._consumer.get_watermark_offsets(TopicPartition(self._topics.commands, number), cached=True)
            if end >= 0:
                self._sensor.lag(number, max(end - partition.next_offset, 0))
            counts = partition.store.counts()
            self._sensor.open_workflows(number, counts.open_runs)
            self._sensor.stalled_workflows(number, counts.stalled_runs)
        self._sensor.live_workflows(sum(len(partition.sessions) for partition in self.running.values()))


def _offset(partition: Partition) -> int:
    """Where to read on: the beginning of the topic for a partition that has handled nothing yet."""
    return partition.next_offset or OFFSET_BEGINNING
