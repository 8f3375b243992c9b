"""The tasks that came in and wait for a slot: the most urgent first, and those of different fairness keys in turn.

Owns their order and nothing else. Only what the worker holds can be ordered: Kafka hands tasks over in the order in
which they were written to each partition. As soon as one task says anything about its priority, the worker reads ahead,
by a bounded number of tasks.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from heapq import heappop, heappush

from foldlog.schemas.common import Priority
from foldlog.worker.taker import ReceivedTask

MINIMUM_READ_AHEAD = 100
MAXIMUM_READ_AHEAD = 1_000
"""Bounds on how many tasks a worker reads ahead; between them, it is as many as it may run at a time."""
DEFAULT_PRIORITY = 3
"""Of tasks that do not say."""
MINIMUM_WEIGHT = 0.001
MAXIMUM_WEIGHT = 1000.0


def read_ahead(slots: int) -> int:
    """How many tasks a worker with so many slots reads ahead, once priorities are in use."""
    return min(max(slots, MINIMUM_READ_AHEAD), MAXIMUM_READ_AHEAD)


class _Level:
    """The tasks of one priority: a queue for each fairness key, and whose turn it is.

    Each key has a place on a line, and the one that is least far has the next turn, which takes it on by the inverse of
    its weight. A key that comes back joins where the line is now: it has no claim to turns that it did not need.
    """

    __slots__ = ("_at", "_queues", "_turns")

    def __init__(self) -> None:
        self._queues: dict[str, deque[ReceivedTask]] = {}
        self._turns: list[tuple[float, str]] = []
        self._at = 0.0

    def __bool__(self) -> bool:
        return bool(self._queues)

    def append(self, key: str, weight: float, received: ReceivedTask) -> None:
        queue = self._queues.get(key)
        if queue is None:
            queue = self._queues[key] = deque()
            heappush(self._turns, (self._at + 1 / weight, key))
        queue.append(received)

    def popleft(self) -> ReceivedTask:
        self._at, key = heappop(self._turns)
        queue = self._queues[key]
        received = queue.popleft()
        if queue:
            heappush(self._turns, (self._at + 1 / _weight(_priority(queue[0])), key))
        else:
            del self._queues[key]
        return received


class WaitingTasks:
    """Tasks that came in and wait. Lives on the event loop; `ahead` may be asked from other threads."""

    def __init__(self, read_ahead: int) -> None:
        """Make an empty one.

        Args:
            read_ahead: How many tasks may wait beyond what there are slots for, once priorities are in use.
        """
        self._read_ahead = read_ahead
        self._plain: deque[ReceivedTask] = deque()
        """All of them, as long as none has said anything about its priority: most queues never do."""
        self._in_use = False
        self._levels: dict[int, _Level] = {}
        self._count = 0
        """Tasks in the levels."""

    def __len__(self) -> int:
        return len(self._plain) + self._count

    @property
    def ahead(self) -> int:
        """How many tasks may wait beyond what there are slots for: none as long as no task has said anything about its
        priority."""
        return self._read_ahead if self._in_use else 0

    def extend(self, tasks: Iterable[ReceivedTask]) -> None:
        """Take tasks in."""
        for received in tasks:
            priority = _priority(received)
            if self._in_use:
                self._insert(received, priority)
            elif priority is None:
                self._plain.append(received)
            else:
                self._in_use = True
                for earlier in self._plain:
                    self._insert(earlier, None)
                self._plain.clear()
                self._insert(received, priority)

    def popleft(self) -> ReceivedTask:
        """The task whose turn it is.

        Raises:
            IndexError: There is none.
        """
        if not self._count:
            return self._plain.popleft()
        number = min(self._levels)
        level = self._levels[number]
        received = level.popleft()
        self._count -= 1
        if not level:
            del self._levels[number]
        return received

    def _insert(self, received: ReceivedTask, priority: Priority | None) -> None:
        self._count += 1
        if priority is None:
            self._level(DEFAULT_PRIORITY).append("", 1.0, received)
        else:
            level = self._level(priority.priority_key or DEFAULT_PRIORITY)
            level.append(priority.fairness_key, _weight(priority), received)

    def _level(self, number: int) -> _Level:
        level = self._levels.get(number)
        if level is None:
            level = self._levels[number] = _Level()
        return level


def _priority(received: ReceivedTask) -> Priority | None:
    options = received.task.options
    return None if options is None else options.priority


def _weight(priority: Priority | None) -> float:
    if priority is None or not priority.fairness_weight > 0:
        return 1.0
    return min(max(priority.fairness_weight, MINIMUM_WEIGHT), MAXIMUM_WEIGHT)
