"""What a connection sends: commands that wait for their answers, and commands that nobody waits for.

Each knows who is to hear of it, and whether it is still wanted. When it is sent, and again, is not its matter.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from confluent_kafka import KafkaError, Message
from foldlog.schemas.records import Reply
from foldlog.transport._outbox import Outgoing

_log = logging.getLogger(__name__)


class Question(Outgoing):
    """A command that waits for its answer."""

    __slots__ = ("_undelivered", "answer", "delivered", "is_poll", "tick", "timeout", "workflow_id")

    def __init__(
        self,
        workflow_id: str,
        value: bytes,
        timeout: float,
        is_poll: bool,
        answer: asyncio.Future[Reply | None],
        undelivered: Callable[[Question, KafkaError], None],
    ) -> None:
        """Make one.

        Args:
            workflow_id: Whom it is for.
            value: The command as it is sent.
            timeout: How long its answer is waited for, in seconds.
            is_poll: Whether it may end without one.
            answer: Where the answer goes.
            undelivered: Told, in a thread of the producer, that the broker did not take it.
        """
        super().__init__(workflow_id.encode(), value)
        self.workflow_id = workflow_id
        self.timeout = timeout
        self.is_poll = is_poll
        self.answer = answer
        self.delivered = False
        self.tick = 0
        self._undelivered = undelivered

    def is_wanted(self) -> bool:
        """See base class."""
        return not self.answer.done()

    def failed(self, error: Exception) -> None:
        """See base class."""
        self.answer.set_exception(error)

    def report(self, error: KafkaError | None, message: Message) -> None:
        """See base class."""
        if error is None:
            self.delivered = True
        else:
            self._undelivered(self, error)


class Statement(Outgoing):
    """A command that nobody waits for an answer to."""

    __slots__ = ("_explain", "_on_delivery", "workflow_id")

    def __init__(
        self,
        workflow_id: str,
        value: bytes,
        on_delivery: Callable[[Exception | None], None] | None,
        explain: Callable[[KafkaError, int], Exception],
    ) -> None:
        """Make one.

        Args:
            workflow_id: Whom it is for.
            value: The command as it is sent.
            on_delivery: Told what became of it, in a thread of the producer. Without one, a failure is logged.
            explain: Makes the error that says why a record of so many bytes was not taken.
        """
        super().__init__(workflow_id.encode(), value)
        self.workflow_id = workflow_id
        self._on_delivery = on_delivery
        self._explain = explain

    def is_wanted(self) -> bool:
        """See base class."""
        return True

    def failed(self, error: Exception | None) -> None:
        """See base class."""
        if self._on_delivery is not None:
            self._on_delivery(error)
        elif error is not None:
            _log.error("a command for workflow %r is lost: %s", self.workflow_id, error)

    def report(self, error: KafkaError | None, message: Message) -> None:
        """See base class."""
        self.failed(None if error is None else self._explain(error, len(self.value)))
