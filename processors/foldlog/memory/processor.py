"""The workflow processor in memory: the same turns as on Kafka, on the event loop of its environment.

A turn is one transaction here too: what it comes to is added to the topics at its end, all of it, or thrown away.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Callable
from typing import Any

from foldlog.core.decider import DeciderFactory
from foldlog.memory.broker import MemoryBroker, MemoryNamespace
from foldlog.processors.host import ActivityHost
from foldlog.processors.measure import measured, tell_rare
from foldlog.processors.options import ProcessorOptions
from foldlog.processors.output import Output
from foldlog.processors.partition import NotNow, Partition, PoisonedInput, Work
from foldlog.processors.store import PartitionStore, Restorer
from foldlog.processors.turns import Turns, new_instance_id
from foldlog.schemas.codec import Codec
from foldlog.schemas.log import PartitionOpened
from foldlog.schemas.registry import SchemaLookupError
from foldlog.schemas.reply import PartitionMoved
from foldlog.schemas.task import ActivityTask
from foldlog.sensor import Sensor
from foldlog.transport.topics import partition_of

logger = logging.getLogger("foldlog.processor")

_FOR_EVER_MS = 1 << 60


class _Records:
    """The records of one transaction, as `foldlog.processors.output.Producer`."""

    __slots__ = ("records",)

    def __init__(self) -> None:
        self.records: list[tuple[Any, ...]] = []

    def produce(
        self,
        topic: str,
        value: bytes | None,
        key: bytes | None,
        partition: int = -1,
        headers: Any = None,
        on_delivery: Any = None,
    ) -> None:
        """Add a record."""
        self.records.append((topic, value, key, partition, headers))


class MemoryProcessor:
    """Implements `foldlog.worker.backend.RunningProcessor`."""

    def __init__(
        self,
        broker: MemoryBroker,
        namespace: MemoryNamespace,
        options: ProcessorOptions,
        factory: DeciderFactory,
        codec: Codec,
        host: ActivityHost | None,
        sensor: Sensor,
    ) -> None:
        """Make a processor that has not begun; the arguments are those of `Backend.processor`."""
        self.instance_id = new_instance_id(options)
        self._broker = broker
        self._namespace = namespace
        self._options = options
        self._codec = codec
        self._host = host
        self._sensor = sensor
        self._output = Output(namespace.topics, codec, 1, namespace)
        self._turns = Turns(
            options,
            codec,
            factory,
            host,
            require_queue=namespace.require,
            unreachable=broker.unreachable,
            clock_ms=broker.clock.unix_ms,
            long_poll_ms=_FOR_EVER_MS,
            heard=lambda: broker.on_loop(self.wake),
        )
        self._running: dict[int, Partition] = {}
        self._task: asyncio.Task[None] | None = None
        self._woken = False
        self._sleeping: asyncio.Future[None] | None = None
        """What `_run` waits for until it is woken."""
        self._other_share = True
        """Whether its partitions may be others by now."""
        self._in_step = False
        self._stopping = False

    # ---- RunningProcessor

    @property
    def ready(self) -> bool:
        """See `RunningProcessor.ready`."""
        return self._task is not None and set(self._running) == self._namespace.share(self)

    def healthy(self, within_seconds: float = 60.0) -> bool:
        """See `RunningProcessor.healthy`. It cannot hang without its event loop."""
        return True

    def start(self, failed: Callable[[BaseException], None]) -> None:
        """See `RunningProcessor.start`."""
        self._namespace.join(self)
        self._task = self._broker.loop.create_task(self._run(failed), name="foldlog-processor")

    async def stop(self) -> None:
        """See `RunningProcessor.stop`."""
        self._stopping = True
        self.wake()
        if self._task is not None:
            await self._task

    def abandon(self) -> None:
        """Stop in the midst of anything: the environment ends."""
        if self._task is not None:
            self._task.cancel()

    # ---- for the broker

    def wake(self) -> None:
        """There is something to do."""
        self._woken = True
        if self._sleeping is not None and not self._sleeping.done():
            self._sleeping.set_result(None)
        # In the round of the event loop in which it is done, not in one more after it.
        self._broker.skipping.poke()

    def share_changed(self) -> None:
        """It may have other partitions now."""
        self._other_share = True
        self.wake()

    @property
    def is_busy(self) -> bool:
        """Whether a turn is under way, or about to begin."""
        return self._in_step or self._woken

    def next_due_ms(self, *, tries: bool = True) -> int | None:
        """When the next deadline is, in Unix milliseconds.

        Args:
            tries: Whether the next tries of stalled workflows count.
        """
        first_ms: int | None = None
        for owned in self._running.values():
            due_ms = owned.store.next_due_ms() if tries else owned.store.next_due_but_tries_ms()
            if due_ms is not None and (first_ms is None or due_ms < first_ms):
                first_ms = due_ms
        return first_ms

    def has_attempt(self, workflow_id: str, task: ActivityTask) -> bool:
        """Whether an attempt of an activity still counts, and has not ended."""
        owned = self._running.get(partition_of(workflow_id, self._broker.partitions))
        if owned is None or owned.store.head(workflow_id, task.run_id) is None:
            return False
        activity = owned.store.load_run(workflow_id, task.run_id).activities.get(task.scheduled_event_id)
        return activity is not None and activity.attempt == task.attempt and activity.phase != "BACKOFF"

    # ---- turns

    async def _run(self, failed: Callable[[BaseException], None]) -> None:
        try:
            # What activities have said is recorded first: nobody else would hear it.
            while not self._stopping or self._turns.has_heard:
                if not self._woken:
                    self._sleeping = self._broker.loop.create_future()
                    await self._sleeping
                self._woken = False
                self._in_step = True
                try:
                    if self._other_share:
                        self._take_share()
                    await self._step()
                finally:
                    self._in_step = False
                    self._broker.skipping.poke()
        except Exception as error:
            logger.exception("the workflow processor cannot go on")
            failed(error)
        finally:
            self._release(set(self._running))
            self._namespace.leave(self)
            self._broker.skipping.poke()

    async def _step(self) -> None:
        commands = self._namespace.commands.partitions
        records = {
            number: commands[number].read(owned.next_offset, self._options.max_batch_commands)
            for number, owned in self._running.items()
        }
        began = time.perf_counter()
        try:
            self._turns.handle(records, self._running)
            if self._host is not None:
                await self._run_local(self._host)
            self._commit(began)
        except (PoisonedInput, NotNow, SchemaLookupError) as error:
            logger.warning("transaction aborted: %s", error)
            self._sensor.transaction_aborted("error")
            self._abort()
            self.wake()
        else:
            if any(owned.next_offset < commands[number].end for number, owned in self._running.items()):
                self.wake()

    async def _run_local(self, host: ActivityHost) -> None:
        """Run the local activities that were decided, and those that follow from them, for a bounded time."""
        deadline = time.monotonic() + self._options.local_activity_wait_seconds
        while self._turns.begin_local(self._running):
            await host.local_paused(max(deadline - time.monotonic(), 0.0))
            self._turns.handle_heard(self._running)

    def _commit(self, began: float) -> None:
        works = [(owned, work) for owned in self._running.values() if (work := owned.take())]
        if not works:
            self._turns.settle()
            return
        handled = time.perf_counter()
        produced = _Records()
        for owned, work in works:
            self._output.produce(produced, owned.number, work, lambda error, message: None)
            owned.stage()
        add = self._broker.add
        for record in produced.records:
            add(*record)
        committed = time.perf_counter()
        self._turns.settle()
        try:
            self._apply(works)
            self._tell_sensor([work for _, work in works], began, handled, committed)
        finally:
            # Last: threads that are woken sooner only wait for this one.
            self._turns.hand_over(works)

    def _apply(self, works: list[tuple[Partition, Work]]) -> None:
        events, commands = self._namespace.events.partitions, self._namespace.commands.partitions
        ends = {owned.number: events[owned.number].end for owned, _ in works}
        evicted = self._turns.apply(works, ends, self._running.values())
        for owned, _ in works:
            commands[owned.number].drop(owned.next_offset)
        if evicted:
            self._sensor.workflows_evicted(evicted)

    def _tell_sensor(self, works: list[Work], began: float, handled: float, committed: float) -> None:
        tell_rare(works, self._namespace.topics.commands, self._sensor)
        if self._sensor.is_silent:
            return  # As in most tests: counting would take a twentieth of their time.
        self._sensor.batch_committed(measured(works, began, handled, committed, time.perf_counter()))

    def _abort(self) -> None:
        self._turns.aborted()
        for owned in self._running.values():
            owned.aborted()

    # ---- partitions

    def _take_share(self) -> None:
        """Let go of partitions that are another processor's now, and open those that are ours and free."""
        self._other_share = False
        namespace = self._namespace
        share = namespace.share(self)
        if share == set(self._running):
            return
        if gone := set(self._running) - share:
            self._release(gone)
            namespace.wake()
        for number in sorted(share - set(self._running)):
            if number not in namespace.owners:
                self._running[number] = self._open(number)
                namespace.owners[number] = self

    def _release(self, numbers: set[int]) -> None:
        for number in numbers:
            self._running.pop(number).close()
            self._namespace.owners.pop(number, None)
            self._sensor.partition_closed(number, lost=False)

    def _open(self, number: int) -> Partition:
        """Take a partition over: write the barrier, and read the events back to it."""
        began = time.monotonic()
        self._sensor.partition_opened(number)
        epoch = uuid.uuid4().hex
        opened = PartitionOpened(
            instance=self.instance_id,
            epoch=epoch,
            partition_count=self._broker.partitions,
            build_id=self._options.build_id,
            time_ms=self._broker.clock.unix_ms(),
        )
        events = self._namespace.events
        events.add(self._codec.encode(opened), None, number)
        store = PartitionStore(
            self._namespace.store(number),
            self._codec,
            partition=number,
            request_retention_ms=int(self._options.request_retention_seconds * 1000),
            closed_retention_ms=int(self._options.closed_retention_seconds * 1000),
        )
        restorer = Restorer(store, self._codec, epoch=epoch)
        for record in events.partitions[number].read(store.position.events_offset):
            restorer.feed(record.key(), record.value(), record.offset())
        partition = self._turns.open_partition(number, store, self._broker.partitions)
        partition.opened(PartitionMoved(partition=number, instance=self.instance_id))
        self._sensor.partition_restored(number, restorer.records, time.monotonic() - began)
        return partition
