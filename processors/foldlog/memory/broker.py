"""The broker in memory: topics of all namespaces, the members that read them, and the clock.

Owns who reads what: which processor has which partition, which worker gets which task, which client hears which reply.
A record that is added is in its topic at once; its reader runs in a later round of the event loop.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from foldlog.core.decider import WorkflowTaskError
from foldlog.memory.skipping import TimeSkipping
from foldlog.memory.tasks import MemoryTaskQueue
from foldlog.memory.topics import MemoryRecord, MemoryTopic
from foldlog.processors.store import MemoryStore
from foldlog.processors.store.formats import FAMILIES
from foldlog.schemas.codec import Codec, SingleObjectCodec
from foldlog.schemas.task import ActivityTask
from foldlog.transport.dead_letters import dead_letter_headers
from foldlog.transport.errors import ConfigurationError
from foldlog.transport.topics import Topics, partition_of

if TYPE_CHECKING:  # both import this
    from foldlog.memory.processor import MemoryProcessor
    from foldlog.memory.transport import MemoryTransport

_MS = 1_000_000


class KeptStore(MemoryStore):
    """The store of a partition between two owners: what a folder on disk is to processors on Kafka."""

    def close(self) -> None:
        """Keep what is in it for the next owner."""


class MemoryNamespace:
    """The topics of one namespace, and the group of its processors."""

    def __init__(self, broker: MemoryBroker, name: str) -> None:
        self.topics = Topics(name)
        self.members: list[MemoryProcessor] = []
        """The processors, in the order in which they came."""
        self.attendant: MemoryProcessor | None = None
        """Has all partitions while there is no member; see `foldlog.memory.attendant`."""
        self.held: list[tuple[str, bytes]] = []
        """Workflow ID and command of questions that wait for the next member."""
        self.owners: dict[int, MemoryProcessor] = {}
        """Who has a partition open."""
        self.stores: dict[int, KeptStore] = {}
        self.queues: dict[str, MemoryTaskQueue] = {}
        """Task queues, by their topic's name."""
        self._queue_topics: dict[str, str] = {}
        """The topics of those that were asked for, by the queue's name."""
        self.left_open: list[tuple[str, ActivityTask]] = []
        """Workflow ID and task of attempts that something outside completes."""
        self._broker = broker
        count = broker.partitions
        self.commands = MemoryTopic(self.topics.commands, count, self._command_added)
        self.events = MemoryTopic(self.topics.events, count)
        self.visibility: dict[bytes, bytes | None] = {}
        """The newest row of each key."""
        self.dead_letters = MemoryTopic(self.topics.dead_letters, 1)
        named = (
            self.commands,
            self.events,
            MemoryTopic(self.topics.replies, 1, broker.reply_added, keeps=False),
            MemoryTopic(self.topics.visibility, 1, self._row_added, keeps=False),
            self.dead_letters,
        )
        broker.topics.update({topic.name: topic for topic in named})

    # ---- processors

    def join(self, member: MemoryProcessor) -> None:
        """Add a processor to the group."""
        if member is not self.attendant:
            self.members.append(member)
            held, self.held = self.held, []
            for workflow_id, command in held:
                self._broker.add(self.commands.name, command, workflow_id.encode())
        self.wake()

    def leave(self, member: MemoryProcessor) -> None:
        """Remove a processor, which has closed its partitions."""
        if member in self.members:
            self.members.remove(member)
            self.wake()

    def wake(self) -> None:
        """Let all processors look whether they have other partitions now."""
        for member in self.processors:
            member.share_changed()

    @property
    def processors(self) -> list[MemoryProcessor]:
        """The members, and who stands in for them."""
        return self.members if self.attendant is None else [*self.members, self.attendant]

    @property
    def is_attended(self) -> bool:
        """Whether somebody stands in for members that are not there."""
        return self.attendant is not None and not self.members

    def share(self, member: MemoryProcessor) -> set[int]:
        """The partitions that a processor is to have."""
        if member is self.attendant and not self.members:
            return set(range(self._broker.partitions))
        if member not in self.members:
            return set()
        first, step = self.members.index(member), len(self.members)
        return set(range(first, self._broker.partitions, step))

    def store(self, partition: int) -> MemoryStore:
        """Where a partition's state is."""
        if not self._broker.keep_stores:
            return MemoryStore(FAMILIES)
        return self.stores.setdefault(partition, KeptStore(FAMILIES))

    @property
    def open_attempts(self) -> int:
        """Attempts that run in a worker of the namespace, or that something outside is to complete."""
        if self.left_open:
            self.left_open = [left for left in self.left_open if self._counts(*left)]
        count = len(self.left_open)
        for queue in self.queues.values():
            for source in queue.sources:
                count += source.open_attempts
        return count

    def _counts(self, workflow_id: str, task: ActivityTask) -> bool:
        owner = self.owners.get(partition_of(workflow_id, self._broker.partitions))
        return owner is not None and owner.has_attempt(workflow_id, task)

    def _command_added(self, partition: int, record: MemoryRecord) -> None:
        owner = self.owners.get(partition)
        if owner is not None:
            owner.wake()

    def _row_added(self, partition: int, record: MemoryRecord) -> None:
        self.visibility[record.key() or b""] = record.value()

    # ---- task queues, as `foldlog.processors.output.Queues`

    def topic(self, task_queue: str) -> str:
        """The topic of a queue, which is made if it is missing.

        Raises:
            WorkflowTaskError: The name cannot be that of a topic.
        """
        if (known := self._queue_topics.get(task_queue)) is not None:
            return known
        try:
            name = self.topics.tasks(task_queue)
        except ConfigurationError as error:
            raise WorkflowTaskError(f"task queue {task_queue!r} cannot be used: {error}") from error
        if name not in self.queues:
            self.queues[name] = MemoryTaskQueue(self._broker, name)
        self._queue_topics[task_queue] = name
        return name

    def require(self, task_queue: str) -> None:
        """See `topic`."""
        self.topic(task_queue)

    def queue(self, task_queue: str) -> MemoryTaskQueue:
        """A task queue by its name."""
        return self.queues[self.topic(task_queue)]


class MemoryBroker:
    """All of one environment. Make and use it on the event loop that it is to live on."""

    def __init__(self, *, partitions: int = 1, codec: Codec | None = None, keep_stores: bool = True) -> None:
        """Make an empty one.

        Args:
            partitions: Of each namespace's commands and events.
            codec: Writes and reads records; None: Avro single-object encoding, as on Kafka.
            keep_stores: Whether a partition's next owner finds the store of the last one; otherwise it reads all
                events back.
        """
        self.loop = asyncio.get_running_loop()
        self.thread = threading.get_ident()
        self.partitions = partitions
        self.codec = codec or SingleObjectCodec()
        self.keep_stores = keep_stores
        self.skipping = TimeSkipping(self.loop, self)
        self.clock = self.skipping.clock
        self.topics: dict[str, MemoryTopic] = {}
        self.transports: dict[str, MemoryTransport] = {}
        """Those that hear replies, by client ID."""
        self._namespaces: dict[str, MemoryNamespace] = {}

    def namespace(self, name: str) -> MemoryNamespace:
        """A namespace, which is made if it is missing.

        Raises:
            ConfigurationError: It cannot be the beginning of a topic's name.
        """
        found = self._namespaces.get(name)
        if found is None:
            found = self._namespaces[name] = MemoryNamespace(self, name)
        return found

    def unreachable(self, namespace: str) -> str | None:
        """Why no command can be sent to a namespace; None: it is there, since a client or a worker has asked for it."""
        return None if namespace in self._namespaces else f"there is no namespace {namespace!r} in this environment"

    def add(
        self,
        topic: str,
        value: bytes | None,
        key: bytes | None,
        partition: int = -1,
        headers: Sequence[tuple[str, Any]] | None = None,
    ) -> MemoryRecord:
        """Add a record to a topic; a partition of -1 is chosen by the key."""
        found = self.topics.get(topic)
        if found is None:
            # A command to a workflow of another namespace.
            self.namespace(topic.removesuffix(".commands"))
            found = self.topics[topic]
        return found.add(value, key, partition, headers)

    def dead_letter(self, topic: str, partition: int, record: MemoryRecord, error: str) -> None:
        """Put a record, as it was found in a topic, among the dead letters of its namespace."""
        namespace = topic.partition(".tasks.")[0]
        headers = dead_letter_headers(topic, partition, record.offset(), error, self.clock.unix_ms())
        letters = self.namespace(namespace).topics.dead_letters
        self.add(letters, record.value(), record.key(), -1, [*(record.headers() or ()), *headers])

    def reply_added(self, partition: int, record: MemoryRecord) -> None:
        """Tell the client that a reply is for; one without a key is for all."""
        key, value = record.key(), record.value() or b""
        if key is not None:
            transport = self.transports.get(key.decode())
            if transport is not None:
                transport.hear(value)
            return
        for transport in list(self.transports.values()):
            transport.hear(value)

    def require_its_loop(self) -> None:
        """Refuse whoever runs on another event loop.

        Raises:
            RuntimeError: It does. The message has what pytest needs, where fixtures of a session are often on a loop of
                their own.
        """
        if asyncio.get_running_loop() is not self.loop:
            raise RuntimeError(
                "an environment, its clients and its workers belong to the event loop that it was started on: start one"
                " per loop, or let the tests that share one run on its loop, as pytest-asyncio does with"
                ' asyncio_default_test_loop_scope = "session" for a fixture of scope "session"'
            )

    def on_loop(self, callback: Any, *args: Any) -> None:
        """Call something on the event loop, from any thread: at once if this is its thread."""
        if threading.get_ident() == self.thread:
            callback(*args)
        else:
            self.loop.call_soon_threadsafe(callback, *args)

    def failed(self, error: BaseException) -> None:
        """A processor that stands in for workers cannot go on: whoever asks waits in vain, and the log says why."""

    def close(self) -> None:
        """Stop the clock. Whoever still works here works no more."""
        self.skipping.close()
        for namespace in self._namespaces.values():
            if namespace.attendant is not None:
                namespace.attendant.abandon()

    # ---- for `TimeSkipping`

    def is_busy(self) -> bool:
        """See `Subject.is_busy`."""
        for namespace in self._namespaces.values():
            for member in namespace.processors:
                if member.is_busy:
                    return True
            for queue in namespace.queues.values():
                if queue.is_busy:
                    return True
        return False

    def open_attempts(self) -> int:
        """See `Subject.open_attempts`."""
        count = 0
        for namespace in self._namespaces.values():
            count += namespace.open_attempts
        return count

    def lacks_workers(self) -> bool:
        """See `Subject.lacks_workers`."""
        return any(namespace.is_attended for namespace in self._namespaces.values())

    def due_ns(self, *, tries: bool = True) -> int | None:
        """See `Subject.due_ns`."""
        first_ms: int | None = None
        for namespace in self._namespaces.values():
            for member in namespace.processors:
                due_ms = member.next_due_ms(tries=tries)
                if due_ms is not None and (first_ms is None or due_ms < first_ms):
                    first_ms = due_ms
        return None if first_ms is None else first_ms * _MS

    def fire(self) -> None:
        """See `Subject.fire`."""
        now_ms = self.clock.unix_ms()
        for namespace in self._namespaces.values():
            for member in namespace.processors:
                due_ms = member.next_due_ms()
                if due_ms is not None and due_ms <= now_ms:
                    member.wake()
