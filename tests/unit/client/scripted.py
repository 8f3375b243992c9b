"""A transport without Kafka: the test decides what each command is answered with. It has no logic to be trusted."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from foldlog.schemas.codec import Codec, SingleObjectCodec
from foldlog.schemas.common import ReplyTo
from foldlog.schemas.records import Command, Reply
from foldlog.schemas.visibility import WorkflowVisibility
from foldlog.transport.config import KafkaConfig

Answer = Callable[[str, Any], Reply | Exception | None]


class ScriptedTransport:
    """Gives the answers of a function, and notes down what was asked.

    Attributes:
        asked: Each command with its workflow ID and how it was sent: `ask`, `poll` or `tell`.
        waits: How long each was to be waited for, in seconds.
    """

    namespace = "scripted"
    partitions = 3
    config = KafkaConfig(bootstrap_servers="scripted")

    def __init__(self, answer: Answer) -> None:
        self.client_id = "client"
        self.reply_partition = 0
        self.codec: Codec = SingleObjectCodec()
        self.asked: list[tuple[str, str, Any]] = []
        self.waits: list[float] = []
        self.rows: list[WorkflowVisibility] = []
        self.closed = False
        self._answer = answer

    async def ask(self, workflow_id: str, command: Command, *, timeout: float) -> Reply:
        reply = self._exchange("ask", workflow_id, command, timeout)
        assert reply is not None
        return reply

    async def poll(self, workflow_id: str, command: Command, *, wait: float) -> Reply | None:
        return self._exchange("poll", workflow_id, command, wait)

    def tell(
        self, workflow_id: str, command: Command, on_delivery: Callable[[Exception | None], None] | None = None
    ) -> None:
        self.asked.append(("tell", workflow_id, command))

    def on_notice(self, handler: Callable[[Reply], None]) -> None:
        raise AssertionError("clients wait for no notices")

    async def visibility(self, matches: Callable[[WorkflowVisibility], bool]) -> list[WorkflowVisibility]:
        return [row for row in self.rows if matches(row)]

    async def close(self, *, timeout: float = 10.0) -> None:
        self.closed = True

    def _exchange(self, how: str, workflow_id: str, command: Any, seconds: float) -> Reply | None:
        command.reply_to = ReplyTo(client_id=self.client_id, partition=0, correlation_id=len(self.asked))
        # What is sent must be what can be written and read.
        sent = self.codec.decode(self.codec.encode(copy.copy(command)))
        self.asked.append((how, workflow_id, sent))
        self.waits.append(seconds)
        reply = self._answer(workflow_id, sent)
        if isinstance(reply, Exception):
            raise reply
        return reply
