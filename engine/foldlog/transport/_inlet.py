"""Where answers come in: the thread that reads one partition of the replies topic.

Drops what is for others before it is decoded, and hands over the rest in batches.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import get_args

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition
from foldlog.schemas.codec import Codec, DecodeError, SchemaLookupError
from foldlog.schemas.records import Reply
from foldlog.transport.clients import Trouble, open_consumer
from foldlog.transport.config import KafkaConfig
from foldlog.transport.errors import BrokerUnreachableError, DeliveryError, TopicMissingError, TransportError

_POLL_SECONDS = 0.1
_BATCH = 1000
_LOOK_SECONDS = 1.0
"""How often a broker is asked for while all are away: librdkafka says when they go, not when one is back."""

_NOT_ALLOWED = (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.CLUSTER_AUTHORIZATION_FAILED)
_REPLIES = frozenset(get_args(Reply))

logger = logging.getLogger(__name__)


class Inlet:
    """Reads the replies to one client, from the end of the topic at the time of `open`.

    Args:
        config: How to reach Kafka.
        topic: The replies topic.
        client_id: Whose replies.
        codec: Reads them.
        deliver: Told each batch, in the inlet's thread.
        failed: Told, in that thread, that it ends because of an error: no answer will come any more.
    """

    def __init__(
        self,
        config: KafkaConfig,
        topic: str,
        client_id: str,
        codec: Codec,
        *,
        deliver: Callable[[list[Reply]], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self._config = config
        self._topic = topic
        self._key = client_id.encode()
        self._codec = codec
        self._deliver = deliver
        self._failed = failed
        self._trouble = Trouble()
        self._away = False
        # The group is never joined and nothing is committed; librdkafka wants a name all the same. If our position
        # has been deleted, what is left is read: an answer that is still there must not be lost.
        overrides = {"group.id": f"{topic}.readers", "auto.offset.reset": "earliest", "error_cb": self._note}
        # With one partition that never changes, a long fetch answers as fast (measured) and costs an idle client less.
        fetch_ms = overrides["fetch.wait.max.ms"] = config.options.get("fetch.wait.max.ms", "500")
        self._consumer: Consumer = open_consumer(config, **overrides)
        # A broker answers the requests of a connection one after another: a question waits until a fetch has ended.
        self._look_timeout = _LOOK_SECONDS + int(fetch_ms) / 1000
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._read, name="foldlog-inlet", daemon=True)

    @property
    def reachable(self) -> bool:
        """Whether Kafka is there, as far as is known. Any thread."""
        return not self._away

    @property
    def is_open(self) -> bool:
        """Whether it reads."""
        return self._thread.ident is not None

    def partitions(self, topic: str, timeout: float) -> int:
        """How many partitions a topic has. Blocks.

        Raises:
            TopicMissingError: It is not there.
            BrokerUnreachableError: Nobody answered in time.
        """
        try:
            metadata = self._consumer.list_topics(topic, timeout=timeout).topics[topic]
        except KafkaException as error:
            raise self._unreachable(error.args[0]) from error
        if metadata.error is None:
            return len(metadata.partitions)
        if metadata.error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
            raise TopicMissingError(topic)
        raise DeliveryError(f"the topic {topic} cannot be used: {metadata.error.str()}")

    def open(self, partition: int, timeout: float) -> None:
        """Finds the end of the partition and begins to read there, so that no later answer is missed. Blocks.

        Raises:
            BrokerUnreachableError: Nobody answered in time.
        """
        deadline = time.monotonic() + timeout
        position = TopicPartition(self._topic, partition)
        while True:
            try:
                _, end = self._consumer.get_watermark_offsets(position, timeout=max(deadline - time.monotonic(), 0.1))
                break
            except KafkaException as error:
                # A topic that has just been made may have no leader yet, or one that does not know it.
                if time.monotonic() > deadline or error.args[0].code() in _NOT_ALLOWED:
                    raise self._unreachable(error.args[0]) from error
                time.sleep(0.05)
        self._consumer.assign([TopicPartition(self._topic, partition, end)])
        self._thread.start()

    def close(self) -> None:
        """Ends the thread. Blocks for a moment."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        self._consumer.close()

    def _unreachable(self, error: KafkaError) -> TransportError:
        if error.code() in _NOT_ALLOWED:
            return DeliveryError(f"the topic {self._topic} may not be read: {error.str()}")
        self._consumer.poll(0)  # lets `_note` hear why
        return BrokerUnreachableError(self._config.bootstrap_servers, self._trouble.text or error.str())

    def _note(self, error: KafkaError) -> None:
        if error.code() == KafkaError._ALL_BROKERS_DOWN:
            self._away = True
        self._trouble.note(error)

    def _read(self) -> None:
        try:
            self._read_until_stopped()
        except Exception as error:
            logger.exception("answers are no longer read")
            self._failed(error)

    def _read_until_stopped(self) -> None:
        consumer = self._consumer
        look_at = 0.0
        while not self._stopping.is_set():
            first = consumer.poll(_POLL_SECONDS)
            if first is None:
                if self._away and time.monotonic() >= look_at:
                    self._look()
                    look_at = time.monotonic() + _LOOK_SECONDS
                continue
            replies: list[Reply] = []
            for message in (first, *consumer.consume(_BATCH, timeout=0)):
                self._take(message, replies)
            if replies:
                self._deliver(replies)

    def _look(self) -> None:
        """Ask whether Kafka is back."""
        try:
            self._consumer.list_topics(self._topic, timeout=self._look_timeout)
        except KafkaException:
            return
        self._away = False

    def _take(self, message: Message, replies: list[Reply]) -> None:
        error = message.error()
        if error is not None:
            # librdkafka goes on by itself; asks that this concerns end by their deadlines.
            logger.warning("reading %s: %s", self._topic, error.str())
            return
        key = message.key()
        if key is not None and key != self._key:
            return
        try:
            reply = self._codec.decode(message.value())
            if type(reply) not in _REPLIES:
                raise DecodeError(f"a {type(reply).__name__} is no answer")
            replies.append(reply)
        except (DecodeError, SchemaLookupError) as unreadable:
            where = f"{self._topic}[{message.partition()}] at offset {message.offset()}"
            logger.warning("an answer in %s is skipped: %s", where, unreadable)
