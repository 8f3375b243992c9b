"""Brings what attempts report to the commands topic, and does not give up.

Owns the records that are on their way. A completion that is lost would leave its activity to time out, so it is sent
again until the broker has it: also when the broker is away for an hour, and also when it is too large, then as a
failure that says so. Knows neither tasks nor how they run.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

from foldlog.schemas.command import CompleteActivity, FailActivity
from foldlog.schemas.common import Failure
from foldlog.schemas.records import Command
from foldlog.transport.errors import ConnectionClosedError, RecordTooLargeError

_log = logging.getLogger(__name__)

Tell = Callable[[str, Command, Callable[[Exception | None], None]], None]
"""Sends a command to a workflow and reports, on any thread, what became of it (`Connection.tell`)."""

INITIAL_RETRY_SECONDS = 0.1
MAXIMUM_RETRY_SECONDS = 5.0
_MESSAGE_CHARACTERS = 10_000


class Delivery:
    """Sends commands until they are delivered. Used from the thread of one event loop."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._loop = asyncio.get_running_loop()
        self._open: set[_Pending] = set()
        self._emptied = asyncio.Event()
        self._flushing = False

    @property
    def outstanding(self) -> int:
        """Commands that are on their way."""
        return len(self._open)

    def send(self, workflow_id: str, command: Command, delivered: Callable[[], None]) -> None:
        """Send a command whose loss would matter.

        Args:
            workflow_id: Whom it is for.
            command: An activity's end.
            delivered: Is called on any thread once the broker has it.
        """
        pending = _Pending(self, workflow_id, command, delivered)
        self._open.add(pending)
        pending.send()

    def mention(self, workflow_id: str, command: Command) -> None:
        """Send a command that a later one makes up for: a start or a heartbeat. A failure is only logged."""
        try:
            self._tell(workflow_id, command, _log_failure)
        except Exception as error:
            _log_failure(error)

    async def flush(self, timeout: float) -> bool:
        """Wait until nothing is on its way. False: that took longer than `timeout` seconds."""
        deadline = time.monotonic() + timeout
        self._flushing = True
        while self._open and time.monotonic() < deadline:
            self._emptied.clear()
            if self._open:
                try:
                    await asyncio.wait_for(self._emptied.wait(), max(deadline - time.monotonic(), 0))
                except TimeoutError:
                    break
        return not self._open

    def ended(self, pending: _Pending) -> None:
        """A command is in the topic, or never will be. Any thread."""
        self._open.discard(pending)
        if self._flushing and not self._open:
            self._on_loop(self._emptied.set)

    def try_again(self, pending: _Pending, delay: float) -> None:
        """Send once more after a while. Any thread."""
        self._on_loop(self._loop.call_later, delay, pending.send)

    def tell(self, pending: _Pending) -> None:
        """Hand a command to the connection."""
        self._tell(pending.workflow_id, pending.command, pending)

    def _on_loop(self, function: Callable[..., Any], *args: Any) -> None:
        try:
            self._loop.call_soon_threadsafe(function, *args)
        except RuntimeError:
            # The loop is closed: whoever has the partition next repeats the attempt.
            _log.debug("a completion was not delivered before the end of the event loop")


class _Pending:
    """One command on its way; called with what became of it."""

    __slots__ = ("_attempts", "_delivered", "_delivery", "command", "workflow_id")

    def __init__(self, delivery: Delivery, workflow_id: str, command: Command, delivered: Callable[[], None]) -> None:
        self._delivery = delivery
        self.workflow_id = workflow_id
        self.command = command
        self._delivered = delivered
        self._attempts = 0

    def send(self) -> None:
        try:
            self._delivery.tell(self)
        except Exception as error:
            self(error)

    def __call__(self, error: Exception | None) -> None:
        if error is None:
            self._delivered()
            self._delivery.ended(self)
            return
        if isinstance(error, ConnectionClosedError):
            # No later try would do better: whoever has the partition next repeats the attempt.
            _log.warning(
                "%s for workflow %s was not delivered: %s", type(self.command).__name__, self.workflow_id, error
            )
            self._delivery.ended(self)
            return
        self._attempts += 1
        delay = min(INITIAL_RETRY_SECONDS * 2 ** min(self._attempts - 1, 20), MAXIMUM_RETRY_SECONDS)
        if isinstance(error, RecordTooLargeError):
            self.command = _smaller(self.command, error)
        _log.warning(
            "%s for workflow %s was not delivered (attempt %d), trying again in %.1f s: %s",
            type(self.command).__name__,
            self.workflow_id,
            self._attempts,
            delay,
            error,
        )
        self._delivery.try_again(self, delay)


def _smaller(command: Command, error: RecordTooLargeError) -> Command:
    """What to send instead of a completion that Kafka does not take."""
    if isinstance(command, CompleteActivity):
        failure = Failure(message=f"the activity's result cannot be recorded: {error}", type="ResultTooLarge")
        # Another attempt would most likely return as much.
        failure.non_retryable = True
        return FailActivity(
            run_id=command.run_id,
            scheduled_event_id=command.scheduled_event_id,
            attempt=command.attempt,
            identity=command.identity,
            failure=failure,
        )
    if isinstance(command, FailActivity):
        old = command.failure
        kept = Failure(
            kind=old.kind,
            type=old.type,
            message=old.message[:_MESSAGE_CHARACTERS],
            stack_trace=old.stack_trace[:_MESSAGE_CHARACTERS],
            non_retryable=old.non_retryable,
            timeout_type=old.timeout_type,
        )
        command.failure, command.heartbeat_details = kept, []
    elif hasattr(command, "details"):
        command.details = []
    return command


def _log_failure(error: Exception | None) -> None:
    if error is not None:
        _log.warning("a report of a running activity was not delivered: %s", error)
