"""Tasks of versions that this worker does not have: passed on to whoever has the next partition of the queue.

A queue is one topic for workers of all versions, so a task of a pinned run may come to a worker without that version.
It goes on to the partition after, and so round the queue until a worker has its version. When it has been all round,
nobody has: it waits before the next round, for longer each time, and is a dead letter after a day.

Owns what waits and what is on its way. Knows nothing of running tasks. Used on the poll thread of the feed alone.
"""

from __future__ import annotations

import heapq
import itertools
import logging
from collections.abc import Callable, Collection
from typing import Protocol

from foldlog.worker.taker import ReceivedTask
from msgspec.structs import replace

_log = logging.getLogger(__name__)

MAXIMUM_WAITING = 10_000
"""With so many, nothing more is taken from the topic."""

LONGEST_WAIT_SECONDS = 30.0
MAXIMUM_ROUNDS = 2_880
"""A day of the longest waits."""

_FAILED_SECONDS = 1.0
_TELL_AGAIN_SECONDS = 600.0


class Forwarder(Protocol):
    """Writes tasks back to their topic: `foldlog.transport.task_forwarder.TaskForwarder` on Kafka."""

    def send(self, partition: int, key: bytes, value: bytes, delivered: Callable[[str], None]) -> None:
        """Write a record to a partition. `delivered` is called by `serve`, or at once: an empty text is success."""

    def serve(self) -> None:
        """Report what became of records."""

    def close(self) -> None:
        """Deliver what is left, for a while."""


class PassingOn:
    """What one feed passes on."""

    def __init__(
        self,
        forwarder: Forwarder,
        encode: Callable[[object], bytes],
        *,
        finished: Callable[[ReceivedTask], None],
        too_long: Callable[[ReceivedTask, str], None],
    ) -> None:
        """Make one.

        Args:
            forwarder: Writes the records.
            encode: Makes a record's bytes.
            finished: Is told of a task that is in another partition now.
            too_long: Is told of one that has gone round for a day, and what to say of it. May raise: then it waits on.
        """
        self._forwarder = forwarder
        self._encode = encode
        self._finished = finished
        self._too_long = too_long
        self._waiting: list[tuple[float, int, ReceivedTask]] = []
        """A heap by when they go on."""
        self._sent: dict[int, ReceivedTask] = {}
        """Those on their way, by a number of each sending."""
        self._numbers = itertools.count()
        self._told: dict[tuple[str, bool], float] = {}
        """When that a version is missing was last said."""

    @property
    def is_full(self) -> bool:
        """Whether so many wait that no more should come."""
        return len(self._waiting) >= MAXIMUM_WAITING

    def add(self, received: ReceivedTask, partitions: int, now: float) -> None:
        """Take a task.

        Args:
            received: The task.
            partitions: How many the queue has.
            now: The time on the monotonic clock.
        """
        rounds, hops = divmod(received.task.times_passed_on, partitions)
        self._tell(received.task.deployment_version, now, nobody=rounds > 0)
        seconds = min(2.0 ** min(rounds - 1, 10), LONGEST_WAIT_SECONDS) if rounds and not hops else 0.0
        self._wait(received, now + seconds)

    def _wait(self, received: ReceivedTask, until: float) -> None:
        heapq.heappush(self._waiting, (until, next(self._numbers), received))

    def _tell(self, version: str, now: float, *, nobody: bool) -> None:
        told_at = self._told.get((version, nobody))
        if told_at is not None and now - told_at < _TELL_AGAIN_SECONDS:
            return
        self._told[version, nobody] = now
        if nobody:
            _log.warning("tasks of version %s wait: no worker of their queue has it", version)
        else:
            _log.info("tasks of version %s are passed on: this worker does not have it", version)

    def forget(self, partitions: Collection[int]) -> list[ReceivedTask]:
        """Let go of the tasks of partitions that this worker has no longer: whoever has them now has read them too, and
        to pass them on from here as well would double them.

        Returns:
            Them. Of those that are on their way nobody is told any more.
        """
        sent = {number: received for number, received in self._sent.items() if received.partition in partitions}
        for number in sent:
            del self._sent[number]
        gone = [received for _, _, received in self._waiting if received.partition in partitions]
        if gone:
            self._waiting = [entry for entry in self._waiting if entry[2].partition not in partitions]
            heapq.heapify(self._waiting)
        return gone + list(sent.values())

    def send_due(self, partitions: int, now: float) -> None:
        """Pass on the tasks whose time has come.

        Args:
            partitions: How many the queue has.
            now: The time on the monotonic clock.
        """
        while self._waiting and self._waiting[0][0] <= now:
            received = heapq.heappop(self._waiting)[2]
            if received.task.times_passed_on // partitions >= MAXIMUM_ROUNDS:
                self._give_up(received, now)
            else:
                self._send(received, (received.partition + 1) % partitions, now)
        self._forwarder.serve()

    def _send(self, received: ReceivedTask, partition: int, now: float) -> None:
        number = next(self._numbers)

        def delivered(problem: str) -> None:
            if self._sent.pop(number, None) is None:
                return
            if problem:
                _log.warning("a task of version %s cannot be passed on now: %s", task.deployment_version, problem)
                self._wait(received, now + _FAILED_SECONDS)
            else:
                self._finished(received)

        self._sent[number] = received
        task = replace(received.task, times_passed_on=received.task.times_passed_on + 1)
        self._forwarder.send(partition, received.workflow_id.encode(), self._encode(task), delivered)

    def _give_up(self, received: ReceivedTask, now: float) -> None:
        why = f"no worker of the queue has had version {received.task.deployment_version} for a day"
        try:
            self._too_long(received, why)
        except Exception:
            _log.exception("a task that nobody can run cannot be set aside now")
            self._wait(received, now + LONGEST_WAIT_SECONDS)

    def close(self) -> None:
        """Let go of what waits: whoever has the partitions next reads it again."""
        self._waiting.clear()
        self._forwarder.close()
