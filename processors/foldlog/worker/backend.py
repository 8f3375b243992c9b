"""What a worker stands on: topics to read and write, a processor to run, a clock.

Owns the interfaces only. `kafka` implements them on a client's connection to Kafka; whoever gives clients another
transport implements them there (`WorkerTransport`), and `Worker` works on it unchanged.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from foldlog.core.decider import DeciderFactory
from foldlog.processors.host import ActivityHost
from foldlog.processors.options import ProcessorOptions
from foldlog.schemas.codec import Codec
from foldlog.schemas.task import ActivityTask
from foldlog.sensor import Sensor
from foldlog.transport import Transport
from foldlog.transport.topics import Topics
from foldlog.worker.clock import Clock
from foldlog.worker.taker import TaskTaker

if TYPE_CHECKING:  # it imports this
    from foldlog.worker.activities import ActivityWorkerOptions


class TaskSource(Protocol):
    """Takes tasks of one queue from their topic and hands them to a `TaskTaker`. `TaskFeed` is the one on Kafka."""

    joined: bool
    """Whether it has its share of the queue, be it none."""
    turned_at: float
    """When it last went round, on the monotonic clock; infinity if it cannot hang."""

    def start(self) -> None:
        """Begin to take tasks."""

    def ended(self, partition: int, offset: int, *, finished: bool = True) -> None:
        """A task that was handed over is no longer here. Any thread. See `TaskFeed.ended`."""

    def slots_freed(self) -> None:
        """There may be room for another task. Any thread."""

    def local_attempt_over(self) -> None:
        """The code of a local activity's attempt has ended. On the event loop."""

    def stop_taking(self) -> None:
        """Hand over nothing more, but account for what ends."""

    async def leave(self) -> None:
        """Let go of the queue."""


class TaskRunner(TaskTaker, Protocol):
    """Who runs the tasks, and whatever other attempts a worker has."""

    @property
    def open_attempts(self) -> int:
        """How many attempts run that have not ended, and how many tasks wait to begin. On the event loop."""

    @property
    def awaits_slots(self) -> bool:
        """Whether it takes no task now because a supplier is being asked for the slot. On the event loop."""


class DeadLetters(Protocol):
    """Where records go that cannot be handled."""

    def write(
        self,
        topic: str,
        partition: int,
        offset: int,
        *,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, Any]],
        error: str,
    ) -> None:
        """Write one, as it was found; may block for a while, and raise."""


class RunningProcessor(Protocol):
    """A workflow processor that a worker runs."""

    @property
    def ready(self) -> bool:
        """Whether it has its partitions and all of them take commands. Any thread."""

    def healthy(self, within_seconds: float = 60.0) -> bool:
        """Whether it has gone round lately. Any thread."""

    def start(self, failed: Callable[[BaseException], None]) -> None:
        """Begin.

        Args:
            failed: Is told, on the event loop, why it cannot go on.
        """

    async def stop(self) -> None:
        """End after the transaction at hand."""


class Backend(Protocol):
    """Where one worker works."""

    @property
    def transport(self) -> Transport:
        """Takes reports, and tells of cancellations."""

    @property
    def topics(self) -> Topics:
        """The namespace's."""

    @property
    def reachable(self) -> bool:
        """Whether the log can be reached now, as far as is known. Any thread."""

    @property
    def clock(self) -> Clock:
        """Times attempts. To be asked on the event loop."""

    @property
    def dead_letters(self) -> DeadLetters:
        """For tasks that cannot be run."""

    def left_open(self, workflow_id: str, task: ActivityTask) -> None:
        """The code of an attempt has ended, and something outside completes it later."""

    async def prepare(self, task_queue: str) -> Codec:
        """Make sure that there is all that a worker needs, before anything is started.

        Returns:
            Reads commands, events and tasks.

        Raises:
            TransportError: There is not.
        """

    def task_source(self, options: ActivityWorkerOptions, codec: Codec, taker: TaskRunner) -> TaskSource:
        """The source of a queue's tasks; not started."""

    def processor(
        self,
        options: ProcessorOptions,
        factory: DeciderFactory,
        codec: Codec,
        host: ActivityHost | None,
        sensor: Sensor,
    ) -> RunningProcessor:
        """A workflow processor; not started."""

    def follow(self, transport: Transport) -> None:
        """Go on with what another client of the namespace brings: its name and password. On the event loop.

        Raises:
            ConfigurationError: It is connected elsewhere, or otherwise.
        """

    async def close(self) -> None:
        """Let go of what `prepare` and `dead_letters` have opened."""


@runtime_checkable
class WorkerTransport(Protocol):
    """A client's transport on which workers can work."""

    def worker_backend(self) -> Backend:
        """What one worker stands on; called when the worker is made."""
