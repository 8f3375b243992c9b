"""A stand-in for the workflow processor, for tests of how the connection asks and what it does when nobody answers.

It takes commands from the real topic and answers as the test says, in real transactions. It runs no workflows.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Message, TopicPartition
from foldlog.schemas import framing
from foldlog.schemas.common import ReplyTo
from foldlog.transport.clients import open_consumer, open_producer
from foldlog.transport.config import KafkaConfig
from foldlog.transport.topics import Topics

Answer = Callable[[str, Any], Any]
"""Workflow ID and command to the answer; None: none."""


class Answering:
    """Answers all commands of a namespace while the block lasts.

    Attributes:
        seen: Every command with its workflow ID, in the order of each partition.
    """

    def __init__(self, config: KafkaConfig, topics: Topics, partitions: int, answer: Answer) -> None:
        self.seen: list[tuple[str, Any]] = []
        self._topics = topics
        self._answer = answer
        self._failure: BaseException | None = None
        self._stopping = threading.Event()
        self._consumer = open_consumer(config, **{"group.id": topics.namespace})
        self._consumer.assign([TopicPartition(topics.commands, p, OFFSET_BEGINNING) for p in range(partitions)])
        self._producer = open_producer(config, **{"transactional.id": f"{topics.namespace}.answering"})
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Answering:
        self._producer.init_transactions()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()
        self._consumer.close()
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                messages = [message for message in self._consumer.consume(500, timeout=0.02) if not message.error()]
                if messages:
                    self._producer.begin_transaction()
                    for message in messages:
                        self._handle(message)
                    self._producer.commit_transaction()
        except BaseException as error:
            self._failure = error

    def _handle(self, message: Message) -> None:
        key = message.key()
        assert key is not None
        command = framing.decode(message.value())
        self.seen.append((key.decode(), command))
        answer = self._answer(key.decode(), command)
        reply_to: ReplyTo | None = command.reply_to
        if answer is not None and reply_to is not None:
            answer.correlation_id = reply_to.correlation_id
            value = framing.encode(answer)
            self._producer.produce(self._topics.replies, value, reply_to.client_id, partition=reply_to.partition)
