"""What a processor does in one turn, apart from where its commands come from and where its records go.

Owns the handling order, the activities of the same process (eager tasks and local activities) and what follows from a
commit or an abort. It knows partitions and the activity host. Reading commands, taking partitions over and making a
transaction are the processor's: `processor` does so on Kafka, `foldlog.memory` in memory. One thread, or one event
loop, uses it.
"""

from __future__ import annotations

import logging
import queue
import time
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from foldlog.core.decider import DeciderFactory
from foldlog.core.engine import LocalResult
from foldlog.core.versioning import not_hosted
from foldlog.core.waiters import LONG_POLL_MS
from foldlog.processors.host import ActivityHost, missing_activity
from foldlog.processors.options import ProcessorOptions
from foldlog.processors.partition import Partition, PoisonedInput, Record, StoreFailed, Work
from foldlog.processors.store import PartitionStore
from foldlog.schemas import command
from foldlog.schemas.codec import Codec
from foldlog.schemas.reply import ActivityCancelRequested
from foldlog.transport.topics import partition_of
from msgspec import Struct

logger = logging.getLogger("foldlog.processor")

ENDS = (command.CompleteActivity, command.FailActivity, command.CancelActivity)


def unix_ms() -> int:
    """The time of this machine, in Unix milliseconds."""
    return time.time_ns() // 1_000_000


def new_instance_id(options: ProcessorOptions) -> str:
    """The name of a processor: that of the deployment, or a new one."""
    return options.instance_id or f"{options.identity}-{uuid.uuid4().hex[:12]}"


class FromMemory(Struct):
    """What an activity of this process says: an eager one's command, or a local one's end."""

    partition: int
    workflow_id: str
    said: Any
    poisoned: bool = False
    """It cannot be handled."""
    handled: bool = False
    """The open transaction has handled it, or tried to."""


class Unapplied(Exception):
    """A transaction is committed, but a store does not have it: only the log knows what is true.

    Attributes:
        failed: Which store, and why.
    """

    def __init__(self, failed: StoreFailed) -> None:
        super().__init__(str(failed))
        self.failed = failed


class Turns:
    """The turns of one processor."""

    def __init__(
        self,
        options: ProcessorOptions,
        codec: Codec,
        factory: DeciderFactory,
        host: ActivityHost | None,
        *,
        require_queue: Callable[[str], None],
        unreachable: Callable[[str], str | None] = lambda namespace: None,
        clock_ms: Callable[[], int] = unix_ms,
        long_poll_ms: int = LONG_POLL_MS,
        heard: Callable[[], None] = lambda: None,
    ) -> None:
        """Make it; nothing happens yet.

        Args:
            options: The processor's settings.
            codec: Reads and writes records.
            factory: Makes the code of workflows.
            host: Runs eager and local activities in this process; None: there are none.
            require_queue: See `Engine`.
            unreachable: See `Outcome`.
            clock_ms: The time, in Unix milliseconds.
            long_poll_ms: After how long a waiter that has not asked again is forgotten, on that clock.
            heard: Is called, on any thread, when an activity of this process has said something.
        """
        self._options = options
        self._codec = codec
        self._factory = factory
        self._foresee: Callable[[Iterable[Any]], None] | None = getattr(factory, "foresee", None)
        self._host = host
        self._require_queue = require_queue
        self._unreachable = unreachable
        self._clock_ms = clock_ms
        self._long_poll_ms = long_poll_ms
        self._heard = heard
        self._inbox: queue.SimpleQueue[FromMemory] = queue.SimpleQueue()
        self._taken: list[FromMemory] = []
        """What the open transaction took from memory; it goes back if the transaction is aborted."""
        self._open: set[tuple[str, str, int]] = set()
        """Run ID, activity and attempt of the eager and local activities that have not ended."""
        self._begun: dict[int, int] = {}
        """How many local calls of the open transaction were begun, by partition."""
        self._told: set[str] = set()
        """What was said of versions that are not here, once for all partitions."""
        self.heard_at = 0.0
        """When an activity of this process was begun or last said something, on the monotonic clock."""

    def open_partition(self, number: int, store: PartitionStore, partition_count: int) -> Partition:
        """A running partition of a restored store."""
        host = self._host
        problem = not_hosted(self._factory, store.deployments())
        if problem and problem not in self._told:
            self._told.add(problem)
            logger.warning("%s", problem)
        return Partition(
            number,
            store,
            self._codec,
            self._factory,
            namespace=self._options.namespace,
            build_id=self._options.build_id,
            reserve=host.reserve if host else lambda task_queue, activity_type, version: False,
            release=self._release,
            require_queue=self._require_queue,
            unreachable=self._unreachable,
            cannot_run_local=host.cannot_run_local
            if host
            else lambda activity_type, version: missing_activity(activity_type),
            partition_of=lambda workflow_id: partition_of(workflow_id, partition_count),
            long_poll_ms=self._long_poll_ms,
            limits=self._options.history_limits,
        )

    def _release(self, task_queue: str) -> None:
        if self._host is not None:
            self._host.release(task_queue)

    # ---- activities of this process

    @property
    def activities_open(self) -> bool:
        """Whether eager or local activities have not ended."""
        return bool(self._open)

    @property
    def has_heard(self) -> bool:
        """Whether one of them has said something that was not handled yet."""
        return not self._inbox.empty() or bool(self._taken)

    def await_memory(self, seconds: float) -> None:
        """Wait, in this thread, until one of them says something."""
        try:
            self._taken.append(self._inbox.get(timeout=seconds))
        except queue.Empty:
            return

    def _put(self, item: FromMemory) -> None:
        self._inbox.put(item)
        self._heard()

    # ---- handling

    def handle(self, records: Mapping[int, Iterable[Record]], running: Mapping[int, Partition]) -> None:
        """Handle commands, what came due, and what activities of this process said; local activities not yet.

        Args:
            records: By partition, in their order.
            running: The partitions of this processor.

        Raises:
            PoisonedInput, NotNow, StoreFailed, SchemaLookupError: Nothing is handled; see `Partition`.
        """
        now_ms = self._clock_ms()
        self._begun.clear()
        for partition in running.values():
            partition.begin_turn(now_ms)
        for number, commands in records.items():
            if (owned := running.get(number)) is not None:
                owned.handle(commands, now_ms)
        for partition in running.values():
            partition.fire_due(now_ms)
        self.handle_heard(running, again=self._taken)

    def handle_heard(self, running: Mapping[int, Partition], again: Iterable[FromMemory] = ()) -> None:
        """Handle what activities of this process said.

        Args:
            running: The partitions of this processor.
            again: What was taken before and is still to be handled.
        """
        items = list(again)
        while not self._inbox.empty():
            item = self._inbox.get_nowait()
            self._taken.append(item)
            items.append(item)
        if items:
            if self._foresee is not None:
                self._foresee([item.said for item in items])
            now_ms = self._clock_ms()
            for item in items:
                self._handle_from_memory(item, running, now_ms)

    def _handle_from_memory(self, item: FromMemory, running: Mapping[int, Partition], now_ms: int) -> None:
        """What belongs to a partition that has moved is dropped: its new owner runs the activity again."""
        item.handled = True
        partition = running.get(item.partition)
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

    def begin_local(self, running: Mapping[int, Partition]) -> bool:
        """Begin the local activities that were decided since the last call, and cancel those not wanted any more.

        Returns:
            Whether any was begun.
        """
        host = self._host
        if host is None:
            return False
        calls = 0
        for number, partition in running.items():
            work = partition.open_work
            if work is None:
                continue
            outcome = work.outcome
            for run_id, activity_id in outcome.canceled_local:
                self._open.discard((run_id, activity_id, 0))
                host.cancel_local(run_id, activity_id)
            outcome.canceled_local.clear()
            for run_id, activity_id in outcome.stopped_local:
                host.stop_local(run_id, activity_id)
            outcome.stopped_local.clear()
            if not outcome.local_calls:
                continue
            for call in outcome.local_calls[self._begun.get(number, 0) :]:
                if not partition.waits_for(call):
                    continue
                self._open.add((call.run_id, call.decision.activity_id, 0))
                calls += 1
                host.run_local(call, self._local_ended(number, call.workflow_id))
            self._begun[number] = len(outcome.local_calls)
        if calls:
            self.heard_at = time.monotonic()
        return calls > 0

    def _local_ended(self, partition: int, workflow_id: str) -> Callable[[LocalResult], None]:
        return lambda ended: self._put(FromMemory(partition, workflow_id, ended))

    # ---- the end of a turn

    def settle(self) -> None:
        """What was taken from memory is committed, or was nobody's."""
        if self._taken:
            self.heard_at = time.monotonic()
            for item in self._taken:
                self._open.discard(_ended(item.said))
            self._taken.clear()

    def hand_over(self, works: Iterable[tuple[Partition, Work]]) -> None:
        """Give eager tasks to the workers of this process, now that they are committed: from here on their slots are
        the attempts', whatever becomes of the stores."""
        host = self._host
        if host is None:
            return
        for partition, work in works:
            for entry in work.outcome.eager:
                self._open.add((entry.task.run_id, str(entry.task.scheduled_event_id), entry.task.attempt))
                self.heard_at = time.monotonic()
                host.run_eager(entry.workflow_id, entry.task, self._eager_says(partition.number))
            for task_queue in work.outcome.unused_slots:
                host.release(task_queue)
            for run_id, event_id, attempt in work.outcome.canceled_eager:
                host.cancel(
                    ActivityCancelRequested(
                        run_id=run_id, scheduled_event_id=event_id, attempt=attempt, reason="CANCEL_REQUESTED"
                    )
                )

    def _eager_says(self, partition: int) -> Callable[[str, Any], None]:
        return lambda workflow_id, said: self._put(FromMemory(partition, workflow_id, said))

    def apply(
        self, works: list[tuple[Partition, Work]], ends: Mapping[int, int], running: Collection[Partition]
    ) -> int:
        """Put what is committed into the stores, and keep the cache within its bounds.

        Args:
            works: The work of each partition.
            ends: Next offset of `<ns>.events` by partition.
            running: All partitions of this processor, which share the bounds. Those without work are bounded too: one
                that was alone may have more than its share.

        Returns:
            How many cached workflows were dropped.

        Raises:
            Unapplied: One of the stores does not take it.
        """
        try:
            for partition, _ in works:
                partition.committed(ends[partition.number])
        except StoreFailed as error:
            for partition, _ in works:
                partition.unapplied()
            raise Unapplied(error) from error
        workflows = -(-self._options.max_cached_workflows // len(running))
        history_bytes = self._options.max_cached_history_bytes // len(running)
        return sum(partition.sessions.evict(workflows, history_bytes) for partition in running)

    def aborted(self) -> None:
        """The open transaction is thrown away: what it took from memory is handled again."""
        for item in self._taken:
            if item.handled and isinstance(item.said, LocalResult):
                self._open.discard(_ended(item.said))  # Its run is rebuilt and runs it again.
            else:
                item.handled = False
                self._put(item)
        self._taken.clear()


def _ended(said: Any) -> tuple[str, str, int]:
    """The activity that this is the end of; one that nobody has, if it is no end."""
    if isinstance(said, LocalResult):
        return said.run_id, said.activity_id, 0
    if isinstance(said, ENDS):
        return said.run_id, str(said.scheduled_event_id), said.attempt
    return "", "", 0
