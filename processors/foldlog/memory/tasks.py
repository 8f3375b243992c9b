"""Task queues in memory: tasks wait here until a worker has room for them.

Unlike on Kafka, a queue is not split into partitions: any worker of it may get any task. A task that a worker gives
back, because it stops, goes to the next one. One of a version that a worker does not have waits for one that has it.
"""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING

from foldlog.memory.topics import MemoryRecord, MemoryTopic
from foldlog.schemas.codec import Codec
from foldlog.schemas.framing import DecodeError
from foldlog.schemas.task import ActivityTask
from foldlog.transport.tasks import TaskRecord
from foldlog.worker.backend import TaskRunner
from foldlog.worker.taker import ReceivedTask

if TYPE_CHECKING:  # it imports this
    from foldlog.memory.broker import MemoryBroker

_log = logging.getLogger(__name__)


class MemoryTaskQueue:
    """One task queue."""

    def __init__(self, broker: MemoryBroker, topic: str) -> None:
        self.topic = topic
        self.sources: list[MemoryTaskSource] = []
        """Of the workers; the first one is asked first."""
        self._broker = broker
        self._waiting: deque[MemoryRecord] = deque()
        self._others: list[tuple[str, MemoryRecord]] = []
        """Tasks of versions that a worker did not have, by version."""
        self._scheduled = False
        broker.topics[topic] = MemoryTopic(topic, 1, self._added, keeps=False)

    @property
    def is_busy(self) -> bool:
        """Whether tasks are about to be handed out."""
        return self._scheduled

    @property
    def waiting(self) -> int:
        """How many tasks no worker has taken."""
        return len(self._waiting) + len(self._others)

    def not_hosted(self, version: str, record: MemoryRecord) -> None:
        """A task that was handed out is of a version that the worker does not have."""
        self._others.append((version, record))
        # For a worker that has it; and what waits behind may have the place that was kept for this one.
        self.hand_out_soon()

    def give_back(self, record: MemoryRecord) -> None:
        """A task that was handed out was not run."""
        self._waiting.appendleft(record)
        self.hand_out_soon()

    def hand_out_soon(self) -> None:
        """There may be a task, and there may be room for it."""
        if self.waiting and not self._scheduled:
            self._scheduled = True
            self._broker.loop.call_soon(self._hand_out)

    def _added(self, partition: int, record: MemoryRecord) -> None:
        self._waiting.append(record)
        self.hand_out_soon()

    def _hand_out(self) -> None:
        self._scheduled = False
        for _ in range(len(self.sources)):
            source = self.sources[0]
            self.sources.append(self.sources.pop(0))
            room = source.capacity
            if room > 0 and self.waiting:
                source.hand_over(self._take(source, room))
        self._broker.skipping.poke()

    def _take(self, source: MemoryTaskSource, room: int) -> list[MemoryRecord]:
        taken: list[MemoryRecord] = []
        if self._others:
            others, self._others = self._others, []
            for version, record in others:
                if len(taken) < room and source.hosts(version):
                    taken.append(record)
                else:
                    self._others.append((version, record))
        return taken + [self._waiting.popleft() for _ in range(min(room - len(taken), len(self._waiting)))]


class MemoryTaskSource:
    """Implements `foldlog.worker.backend.TaskSource`: one worker's end of a queue."""

    def __init__(self, broker: MemoryBroker, queue: MemoryTaskQueue, codec: Codec, taker: TaskRunner) -> None:
        self.joined = False
        self.turned_at = float("inf")
        self._broker = broker
        self._queue = queue
        self._decode = codec.decode
        self._taker = taker
        self._taking = False
        self._running: dict[int, MemoryRecord] = {}
        """By offset: tasks that were handed over and have not ended."""
        queue.sources.append(self)

    @property
    def capacity(self) -> int:
        """How many tasks the worker would take now."""
        return self._taker.capacity() if self._taking else 0

    @property
    def open_attempts(self) -> int:
        """See `TaskRunner.open_attempts`; with the tasks that wait for slots which are being asked for."""
        asked_for = self._queue.waiting if self._taking and self._taker.awaits_slots else 0
        return self._taker.open_attempts + asked_for

    def hosts(self, version: str) -> bool:
        """Whether the worker has the activities of a version."""
        return self._taker.hosts(version)

    def hand_over(self, records: list[MemoryRecord]) -> None:
        """These tasks are the worker's."""
        tasks = []
        for record in records:
            task = self._task(record)
            if task is None:
                continue
            version = task.task.deployment_version
            if version and not self._taker.hosts(version):
                self._queue.not_hosted(version, record)
                continue
            self._running[record.offset()] = record
            tasks.append(task)
        if tasks:
            self._taker.receive(tasks)

    def _task(self, record: MemoryRecord) -> ReceivedTask | None:
        offset, key = record.offset(), record.key() or b""
        try:
            task = self._decode(record.value())
            if not isinstance(task, ActivityTask):
                raise DecodeError(f"a task topic holds ActivityTask records, not {type(task).__name__}")
        except DecodeError as error:
            found = TaskRecord(0, offset, key, record.value(), record.headers() or ())
            self._taker.dead_letter(found, str(error))
            return None
        return ReceivedTask(0, offset, key.decode(), task)

    # ---- TaskSource

    def start(self) -> None:
        """See `TaskSource.start`."""
        self.joined = self._taking = True
        self._taker.assigned(1, 1)
        self._queue.hand_out_soon()

    def ended(self, partition: int, offset: int, *, finished: bool = True) -> None:
        """See `TaskSource.ended`."""
        self._broker.on_loop(self._ended, offset, finished)

    def _ended(self, offset: int, finished: bool) -> None:
        record = self._running.pop(offset, None)
        if record is not None and not finished:
            self._queue.give_back(record)

    def slots_freed(self) -> None:
        """See `TaskSource.slots_freed`."""
        self._broker.on_loop(self._freed)

    def _freed(self) -> None:
        self._queue.hand_out_soon()
        self._broker.skipping.attempts_ended()

    def local_attempt_over(self) -> None:
        """See `TaskSource.local_attempt_over`: time may have waited for it."""
        self._broker.skipping.attempts_ended()

    def stop_taking(self) -> None:
        """See `TaskSource.stop_taking`."""
        self._taking = False

    async def leave(self) -> None:
        """See `TaskSource.leave`."""
        self._taking = False
        if self in self._queue.sources:
            self._queue.sources.remove(self)
        for record in reversed(self._running.values()):
            self._queue.give_back(record)
        self._running.clear()
        self._broker.skipping.poke()
