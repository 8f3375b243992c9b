"""What a source of tasks hands over, and to whom: see `foldlog.worker.backend.TaskSource`."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from foldlog.schemas.task import ActivityTask
from foldlog.transport.tasks import TaskRecord


class ReceivedTask(NamedTuple):
    """One task, and where it came from."""

    partition: int
    offset: int
    workflow_id: str
    task: ActivityTask


class TaskTaker(Protocol):
    """Who runs the tasks. Called on the poll thread; must not block."""

    def capacity(self) -> int:
        """How many tasks it would take now."""

    def hosts(self, version: str) -> bool:
        """Whether it has the activities of a version. Any other is not handed to it."""

    def receive(self, tasks: list[ReceivedTask]) -> None:
        """These are its own from here on; it calls `TaskSource.ended` for each."""

    def dead_letter(self, record: TaskRecord, error: str) -> None:
        """Put on record that this one cannot be run. May block for a while, and raise: it is tried again then."""

    def assigned(self, partitions: int, total: int) -> None:
        """How many partitions of how many this worker has now. The total is 0 if it is not known."""

    def held(self, partition: int, *, held: bool) -> None:
        """A partition is held, or goes on."""

    def passed_on(self) -> None:
        """A task of a version that it does not have is another partition's now."""

    def feed_failed(self, error: BaseException) -> None:
        """No more tasks will come."""
