"""The commands that say how an attempt is doing. Pure."""

from __future__ import annotations

from foldlog.schemas.command import (
    ActivityStarted,
    CancelActivity,
    CompleteActivity,
    FailActivity,
    HeartbeatActivity,
)
from foldlog.schemas.common import Failure, Payload, ReplyTo
from foldlog.schemas.records import Command
from foldlog.schemas.task import ActivityTask
from foldlog.worker.outcome import Canceled, Completed, Failed, Outcome


class Reports:
    """Makes commands in the name of one worker."""

    def __init__(self, identity: str, reply_to: ReplyTo | None) -> None:
        """Make the maker.

        Args:
            identity: Who this is, for people.
            reply_to: Where requests to cancel are to be sent.
        """
        self._identity = identity
        self._reply_to = reply_to

    def started(self, task: ActivityTask, running_seconds: float) -> Command:
        """It has been running for so long and goes on."""
        return ActivityStarted(
            run_id=task.run_id,
            scheduled_event_id=task.scheduled_event_id,
            attempt=task.attempt,
            identity=self._identity,
            reply_to=self._reply_to,
            running_ms=int(running_seconds * 1000),
        )

    def heartbeat(self, task: ActivityTask, details: list[Payload]) -> Command:
        """It lives."""
        return HeartbeatActivity(
            run_id=task.run_id,
            scheduled_event_id=task.scheduled_event_id,
            attempt=task.attempt,
            identity=self._identity,
            reply_to=self._reply_to,
            details=details,
        )

    def failed(self, task: ActivityTask, failure: Failure, heartbeat_details: list[Payload]) -> Command:
        """It failed."""
        return FailActivity(
            run_id=task.run_id,
            scheduled_event_id=task.scheduled_event_id,
            attempt=task.attempt,
            identity=self._identity,
            failure=failure,
            heartbeat_details=heartbeat_details,
        )

    def ended(self, task: ActivityTask, outcome: Outcome) -> Command | None:
        """How it ended; None: there is nothing to say."""
        if type(outcome) is Completed:
            return CompleteActivity(
                run_id=task.run_id,
                scheduled_event_id=task.scheduled_event_id,
                attempt=task.attempt,
                identity=self._identity,
                result=outcome.result,
            )
        if isinstance(outcome, Failed):
            return self.failed(task, outcome.failure, outcome.heartbeat_details)
        if isinstance(outcome, Canceled):
            return CancelActivity(
                run_id=task.run_id,
                scheduled_event_id=task.scheduled_event_id,
                attempt=task.attempt,
                identity=self._identity,
                details=outcome.details,
            )
        return None
