"""Where the reports of attempts go: to the commands topic, or to a processor of this process.

Owns what each outcome leads to. A task of the topic is finished once its end is delivered; an eager one's end goes to
its processor's next transaction.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

from foldlog.schemas.common import Payload
from foldlog.schemas.records import Command
from foldlog.schemas.task import ActivityTask
from foldlog.worker.attempt import Attempt
from foldlog.worker.backend import TaskSource
from foldlog.worker.delivery import Delivery
from foldlog.worker.host import Send
from foldlog.worker.outcome import Interrupted, LeftOpen, Outcome
from foldlog.worker.reports import Reports
from foldlog.worker.taker import ReceivedTask

_log = logging.getLogger(__name__)

Over = Callable[[Attempt], None]
"""Is told of an attempt whose code has ended."""
Note = Callable[[Attempt, Outcome | None], None]
"""Is told of an attempt's outcome; None: it sent a heartbeat."""


class TopicReporting:
    """For tasks of the topic. Their origin is the `ReceivedTask`."""

    def __init__(self, reports: Reports, delivery: Delivery, feed: TaskSource, note: Note, over: Over) -> None:
        self._reports = reports
        self._delivery = delivery
        self._feed = feed
        self._note = note
        self._over = over

    def started(self, attempt: Attempt, running_seconds: float) -> None:
        self._delivery.mention(attempt.workflow_id, self._reports.started(attempt.task, running_seconds))

    def heartbeat(self, attempt: Attempt, details: list[Payload]) -> None:
        self._note(attempt, None)
        self._delivery.mention(attempt.workflow_id, self._reports.heartbeat(attempt.task, details))

    def ended(self, attempt: Attempt, outcome: Outcome) -> None:
        self._note(attempt, outcome)
        received: ReceivedTask = attempt.origin
        command = self._reports.ended(attempt.task, outcome)
        if command is None and isinstance(outcome, Interrupted):
            if not _resumes(attempt.task, outcome):
                # The next owner of the partition repeats the very attempt: none is used up.
                self._feed.ended(received.partition, received.offset, finished=False)
                return
            # The record that would be repeated does not know how far it got: a further attempt does.
            command = self._reports.failed(attempt.task, outcome.failure, outcome.heartbeat_details)
        if isinstance(outcome, LeftOpen):
            # Its timeouts count from its start, and nobody else will say that it has started.
            command = _left_open(self._reports, attempt, outcome)
        if command is None:
            self._feed.ended(received.partition, received.offset)
        else:
            finished = partial(self._feed.ended, received.partition, received.offset)
            self._delivery.send(attempt.workflow_id, command, finished)

    def released(self, attempt: Attempt) -> None:
        self._over(attempt)


class EagerReporting:
    """For eager tasks. Their origin is where their commands go."""

    def __init__(self, reports: Reports, note: Note, over: Over) -> None:
        self._reports = reports
        self._note = note
        self._over = over

    def started(self, attempt: Attempt, running_seconds: float) -> None:
        send: Send = attempt.origin
        send(attempt.workflow_id, self._reports.started(attempt.task, running_seconds))

    def heartbeat(self, attempt: Attempt, details: list[Payload]) -> None:
        self._note(attempt, None)
        send: Send = attempt.origin
        send(attempt.workflow_id, self._reports.heartbeat(attempt.task, details))

    def ended(self, attempt: Attempt, outcome: Outcome) -> None:
        self._note(attempt, outcome)
        command = self._reports.ended(attempt.task, outcome)
        if isinstance(outcome, Interrupted) and (attempt.reported_start or _resumes(attempt.task, outcome)):
            # It is on record as running, so nobody would put it on the topic; or what would be there does not know
            # how far it got.
            command = self._reports.failed(attempt.task, outcome.failure, outcome.heartbeat_details)
        elif isinstance(outcome, LeftOpen):
            # Else it would count as never begun, and whoever has the partition next would put it on its topic.
            command = _left_open(self._reports, attempt, outcome)
        if command is not None:
            send: Send = attempt.origin
            send(attempt.workflow_id, command)

    def released(self, attempt: Attempt) -> None:
        self._over(attempt)


def _left_open(reports: Reports, attempt: Attempt, outcome: LeftOpen) -> Command:
    """What says that an attempt goes on that ends nowhere here."""
    if outcome.heartbeat_details is not None:
        return reports.heartbeat(attempt.task, outcome.heartbeat_details)
    return reports.started(attempt.task, attempt.clock.time() - attempt.started_at)


def _resumes(task: ActivityTask, outcome: Interrupted) -> bool:
    """Whether it sent heartbeats, and the retry policy allows a further attempt, which goes on from there."""
    policy = task.retry_policy
    number = task.attempt - task.attempts_before_reset
    is_retried = policy is not None and (policy.maximum_attempts == 0 or number < policy.maximum_attempts)
    return is_retried and bool(outcome.heartbeat_details)
