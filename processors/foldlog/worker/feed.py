"""Takes activity tasks from their topic, and commits which of them have ended.

Owns the poll thread, the finished-sets of the partitions that this worker has, and what waits because it cannot be
taken yet. It decodes tasks and hands them over in batches; it never runs one. The poll thread never waits for a task:
a worker whose slots are all taken pauses its partitions and keeps polling, so that the group does not expel it.

Rules:
- A task is finished once its completion is in Kafka, not before. Until then, whoever has the partition repeats it.
- A task that is running here is not started again when its partition goes away and comes back.
- A record that cannot be decoded is finished once it is among the dead letters.
- A task of a version that this worker does not have is finished once it is in another partition.
- A partition is held while its finished-set could outgrow the commit's metadata, while a schema cannot be fetched, and
  while a dead letter cannot be written.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from foldlog.schemas.framing import DecodeError
from foldlog.schemas.task import ActivityTask
from foldlog.transport.tasks import CommitError, Position, TaskConsumer, TaskListener, TaskRecord
from foldlog.worker.finished import DEFAULT_LIMIT_BYTES, FinishedSet, MetadataError
from foldlog.worker.passing import Forwarder, PassingOn
from foldlog.worker.taker import ReceivedTask, TaskTaker
from msgspec import Struct, field
from msgspec.structs import replace

_log = logging.getLogger(__name__)

COMMIT_INTERVAL_SECONDS = 0.05
"""A crash repeats what was running, and what ended within this time before it."""

PAUSE_AFTER_SECONDS = 0.5
"""For so long a worker without a free slot just waits; pausing throws away what has been fetched already."""

COUNT_INTERVAL_SECONDS = 30.0
"""How often the topic is looked at: whether it is still there, and how many partitions it has."""

_RETRY_SECONDS = 1.0
_MINIMUM_LIMIT_BYTES = 64
_NOTHING = Position(-1, "")


class _Partition(Struct):
    """A partition that this worker has."""

    finished: FinishedSet
    committed: Position
    dirty: bool = False
    """Whether a task ended since the last commit was sent."""
    waiting: deque[TaskRecord] = field(default_factory=deque)
    """Records that were read and cannot be taken yet; while there are some, the partition is held."""
    retry_at: float = 0.0
    """Before this time there is no use in trying them again."""
    limit_bytes: int = DEFAULT_LIMIT_BYTES


class TaskFeed(TaskListener):
    """The poll thread of one task queue.

    Args:
        open_consumer: Makes the consumer; called on the poll thread.
        decode: Makes a record of bytes. Raises DecodeError for bytes that are none; anything else it raises is taken
            for a failure that passes, such as a registry that does not answer, and tried again.
        taker: Who runs the tasks.
        forwarder: Writes tasks that are for other workers.
        encode: Makes bytes of a task.
        metadata_limit_bytes: The broker's `offset.metadata.max.bytes`.
        commit_interval: Seconds between two commits.
        count_interval: Seconds between two looks at the topic.
    """

    def __init__(
        self,
        open_consumer: Callable[[TaskListener], TaskConsumer],
        decode: Callable[[bytes | None], object],
        taker: TaskTaker,
        *,
        forwarder: Forwarder,
        encode: Callable[[object], bytes],
        name: str,
        metadata_limit_bytes: int = DEFAULT_LIMIT_BYTES,
        commit_interval: float = COMMIT_INTERVAL_SECONDS,
        count_interval: float = COUNT_INTERVAL_SECONDS,
    ) -> None:
        self._open_consumer = open_consumer
        self._decode = decode
        self._taker = taker
        self._encode = encode
        self._passing = PassingOn(forwarder, encode, finished=self._passed_on, too_long=self._set_aside)
        self._limit_bytes = metadata_limit_bytes
        self._commit_interval = commit_interval
        self._count_interval = count_interval
        self._partitions: dict[int, _Partition] = {}
        self._running: dict[int, set[int]] = {}
        """Offsets that were handed over and have not ended, also of partitions that went away."""
        self._ended: deque[tuple[int, int, bool]] = deque()
        self._wake = threading.Event()
        self._taking = True
        self._closing = False
        self._full_since = 0.0
        self._commit_at = 0.0
        self._committing = False
        self._counted_at = float("-inf")
        self._total = 0
        self._batch: list[ReceivedTask] = []
        self.joined = False
        """Whether the group has given this worker its partitions, be it none."""
        self.turned_at = time.monotonic()
        """When the poll thread last went round, on the monotonic clock."""
        self._thread = threading.Thread(target=self._run, name=f"foldlog-tasks-{name}", daemon=True)

    def start(self) -> None:
        """Join the group and begin to take tasks."""
        self._thread.start()

    def ended(self, partition: int, offset: int, *, finished: bool = True) -> None:
        """A task that was handed over is no longer here. Any thread.

        Args:
            partition: Where it came from.
            offset: Where it came from.
            finished: It is done with, and its completion in Kafka. False: it was not run, or not to its end, and is
                for whoever has the partition next.
        """
        self._ended.append((partition, offset, finished))

    def slots_freed(self) -> None:
        """There may be room for another task. Any thread; called once for a batch."""
        if not self._wake.is_set():
            self._wake.set()

    def local_attempt_over(self) -> None:
        """See `TaskSource.local_attempt_over`: nothing here waits for that."""

    def stop_taking(self) -> None:
        """Hand over nothing more, but stay in the group, and go on to commit. Any thread."""
        self._taking = False
        self._wake.set()

    def close(self) -> None:
        """Commit and leave the group; returns when that is done or given up. Not from the poll thread."""
        self._taking = False
        self._closing = True
        self._wake.set()
        if self._thread.ident is not None:
            self._thread.join()

    async def leave(self) -> None:
        """As `close`, for whoever is on an event loop."""
        await asyncio.to_thread(self.close)

    # The poll thread

    def _run(self) -> None:
        consumer = None
        try:
            consumer = self._open_consumer(self)
            while not self._closing:
                self._round(consumer)
            self._note_ended(consumer)
        except Exception as error:
            _log.exception("the activity worker takes no more tasks")
            self._taker.feed_failed(error)
        finally:
            if consumer is not None:
                self._close(consumer)

    def _close(self, consumer: TaskConsumer) -> None:
        try:
            self._passing.close()
            consumer.close()
        except Exception:
            _log.exception("leaving the consumer group failed")

    def _round(self, consumer: TaskConsumer) -> None:
        """Account for what ended, then take what comes."""
        self.turned_at = time.monotonic()
        self._note_ended(consumer)
        now = time.monotonic()
        if now - self._counted_at > self._count_interval:
            self._counted_at = now
            self._total = consumer.partition_count()
            self._tell_assigned()
        if now >= self._commit_at:
            self._commit_at = now + self._commit_interval
            self._commit(consumer)
        if self._total:
            self._passing.send_due(self._total, now)
        capacity = self._taker.capacity() if self._taking and not self._passing.is_full else 0
        if capacity > 0:
            self._full_since = 0.0
            consumer.resume(held=self._held())
            for record in consumer.read(capacity, self._commit_interval):
                self._accept(consumer, record)
            self._hand_over()
            return
        self._wait_for_slot(consumer, now)

    def _commit(self, consumer: TaskConsumer) -> None:
        """Send a commit, unless one is under way: a retry inside the Kafka client could undo a later one."""
        if self._committing:
            return
        positions = self._positions(list(self._partitions))
        self._committing = bool(positions)
        consumer.commit(positions)

    def _wait_for_slot(self, consumer: TaskConsumer, now: float) -> None:
        self._full_since = self._full_since or now
        if not self._taking or now - self._full_since > PAUSE_AFTER_SECONDS:
            consumer.pause()
            for record in consumer.read(0, 0):
                self._accept(consumer, record)
            self._hand_over()
        if self._wake.wait(self._commit_interval):
            self._wake.clear()

    def _note_ended(self, consumer: TaskConsumer) -> None:
        touched: set[int] = set()
        while self._ended:
            number, offset, finished = self._ended.popleft()
            self._running.get(number, set()).discard(offset)
            partition = self._partitions.get(number)
            if partition is not None and finished:
                partition.finished.finish(offset)
                partition.dirty = True
                touched.add(number)
        now = time.monotonic()
        for number, partition in self._partitions.items():
            if partition.waiting and (number in touched or 0 < partition.retry_at <= now):
                self._retry_waiting(consumer, number, partition)
        self._hand_over()

    def _hand_over(self) -> None:
        if self._batch:
            batch, self._batch = self._batch, []
            self._taker.receive(batch)

    def _held(self) -> Iterable[int]:
        return [number for number, partition in self._partitions.items() if partition.waiting]

    # Records

    def _accept(self, consumer: TaskConsumer, record: TaskRecord) -> None:
        partition = self._partitions.get(record.partition)
        if partition is None:
            return
        if partition.waiting:
            partition.waiting.append(record)
        elif not self._take(partition, record):
            consumer.hold(record.partition)
            partition.waiting.append(record)
            self._taker.held(record.partition, held=True)

    def _retry_waiting(self, consumer: TaskConsumer, number: int, partition: _Partition) -> None:
        partition.retry_at = 0.0
        while partition.waiting and self._take(partition, partition.waiting[0]):
            partition.waiting.popleft()
        if not partition.waiting:
            consumer.release(number)
            self._taker.held(number, held=False)

    def _take(self, partition: _Partition, record: TaskRecord) -> bool:
        """Take a record, unless it must wait."""
        if not partition.finished.fits(record.offset):
            return False
        try:
            task = self._task(record)
        except Exception:
            _log.exception("a task cannot be decoded now; partition %d waits", record.partition)
            partition.retry_at = time.monotonic() + _RETRY_SECONDS
            return False
        running = self._running.setdefault(record.partition, set())
        if not partition.finished.take(record.offset) or record.offset in running:
            return True
        if task is None:
            partition.finished.finish(record.offset)
            partition.dirty = True
        else:
            running.add(record.offset)
            if task.task.deployment_version and not self._taker.hosts(task.task.deployment_version):
                self._passing.add(task, self._total or 1, time.monotonic())
            else:
                self._batch.append(task)
        return True

    def _task(self, record: TaskRecord) -> ReceivedTask | None:
        """The task in a record; None for a record that has none and is among the dead letters now."""
        try:
            workflow_id = (record.key or b"").decode()
            task = self._decode(record.value)
        except (DecodeError, UnicodeDecodeError) as error:
            self._taker.dead_letter(record, str(error))
            return None
        if not isinstance(task, ActivityTask):
            self._taker.dead_letter(record, f"a task topic holds ActivityTask records, not {type(task).__name__}")
            return None
        if not workflow_id:
            self._taker.dead_letter(record, "the record has no key: it must be the workflow ID")
            return None
        return ReceivedTask(record.partition, record.offset, workflow_id, task)

    # Tasks for others

    def _passed_on(self, received: ReceivedTask) -> None:
        self.ended(received.partition, received.offset)
        self._taker.passed_on()

    def _set_aside(self, received: ReceivedTask, why: str) -> None:
        # As it was before it went round, so that it does once more if it is sent again.
        task = replace(received.task, times_passed_on=0)
        key, value = received.workflow_id.encode(), self._encode(task)
        self._taker.dead_letter(TaskRecord(received.partition, received.offset, key, value, ()), why)
        self.ended(received.partition, received.offset)

    # Positions

    def _positions(self, numbers: Iterable[int]) -> dict[int, Position]:
        """What has changed since the last commit."""
        positions = {}
        for number in numbers:
            partition = self._partitions.get(number)
            if partition is not None and partition.dirty:
                partition.dirty = False
                position = Position(partition.finished.low_water, partition.finished.metadata())
                if position != partition.committed:
                    partition.committed = position
                    positions[number] = position
        return positions

    # TaskListener, on the poll thread

    def assigned(self, positions: Mapping[int, Position]) -> None:
        for number, position in positions.items():
            metadata = position.metadata
            low_water = max(position.offset, 0)
            try:
                finished = FinishedSet(low_water, metadata, limit_bytes=self._limit_bytes)
            except MetadataError as error:
                _log.error("partition %d: %s; tasks that ended above offset %d run again", number, error, low_water)
                finished = FinishedSet(low_water, limit_bytes=self._limit_bytes)
            self._partitions[number] = _Partition(finished, position, limit_bytes=self._limit_bytes)
        self.joined = True
        self._tell_assigned()

    def revoked(self, partitions: Sequence[int]) -> Mapping[int, Position]:
        self._note_ended_quietly()
        positions = self._positions(partitions)
        self._forget(partitions)
        return positions

    def lost(self, partitions: Sequence[int]) -> None:
        self._forget(partitions)

    def commit_ended(self, failed: Mapping[int, CommitError]) -> None:
        self._committing = False
        for number, error in failed.items():
            partition = self._partitions.get(number)
            if partition is None:
                continue
            partition.dirty = True
            partition.committed = _NOTHING
            self._commit_at = max(self._commit_at, time.monotonic() + _RETRY_SECONDS)
            if error.too_large and partition.limit_bytes > _MINIMUM_LIMIT_BYTES:
                partition.limit_bytes //= 2
                partition.finished.limit(partition.limit_bytes)
                _log.warning(
                    "partition %d: the broker allows less commit metadata (offset.metadata.max.bytes); trying %d bytes",
                    number,
                    partition.limit_bytes,
                )
            else:
                _log.warning("partition %d: the position could not be committed: %s", number, error.message)

    def _note_ended_quietly(self) -> None:
        """What ended, as far as it matters for the last commit of partitions that go."""
        for number, offset, finished in list(self._ended):
            partition = self._partitions.get(number)
            if partition is not None and finished:
                partition.finished.finish(offset)
                partition.dirty = True

    def _forget(self, partitions: Collection[int]) -> None:
        for number in partitions:
            partition = self._partitions.pop(number, None)
            if partition is not None and partition.waiting:
                self._taker.held(number, held=False)
        for received in self._passing.forget(partitions):
            self._running[received.partition].discard(received.offset)
        # What this batch has of them is run all the same: it is as good as started.
        self._tell_assigned()

    def _tell_assigned(self) -> None:
        self._taker.assigned(len(self._partitions), self._total)
