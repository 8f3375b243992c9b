"""Reads the visibility topic from its beginning to its end: the newest row of each run.

Simple and slow: each call reads everything that compaction has left. A read model is for those who ask often.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from foldlog.schemas.codec import Codec, DecodeError, SchemaLookupError
from foldlog.schemas.visibility import WorkflowVisibility
from foldlog.transport.config import KafkaConfig
from foldlog.transport.topic_reader import TopicRecord, read_topic
from foldlog.transport.topics import Topics

STALL_SECONDS = 15.0
"""Reading fails if nothing comes for so long."""

logger = logging.getLogger(__name__)


def read_visibility(
    config: KafkaConfig, topics: Topics, codec: Codec, matches: Callable[[WorkflowVisibility], bool]
) -> list[WorkflowVisibility]:
    """The newest row of every run that matches. Blocks until the end of the topic, as it is now, has been read.

    Raises:
        TopicMissingError: There is no visibility topic.
        BrokerUnreachableError: Nobody answered.
        DeliveryError: The topic cannot be read.
    """
    rows = _Rows(topics.visibility, codec, matches)
    for record in read_topic(config, topics.visibility, timeout=STALL_SECONDS):
        rows.take(record)
    return rows.newest()


class _Rows:
    """The newest rows that match, by record key."""

    def __init__(self, topic: str, codec: Codec, matches: Callable[[WorkflowVisibility], bool]) -> None:
        self._topic = topic
        self._codec = codec
        self._matches = matches
        self._rows: dict[bytes, WorkflowVisibility] = {}

    def take(self, record: TopicRecord) -> None:
        if record.key is None:
            return
        row = None
        if record.value is not None:
            try:
                row = self._codec.decode(record.value)
            except (DecodeError, SchemaLookupError) as unreadable:
                logger.warning("a row of %s at offset %d is skipped: %s", self._topic, record.offset, unreadable)
                return
        # A newer row that does not match takes the place of an older one that did.
        if isinstance(row, WorkflowVisibility) and self._matches(row):
            self._rows[record.key] = row
        else:
            self._rows.pop(record.key, None)

    def newest(self) -> list[WorkflowVisibility]:
        return list(self._rows.values())
