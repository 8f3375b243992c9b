"""What goes between a stream and its clients, and from one run to the next."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

from foldlog.api.common.v1 import Payload, shown
from foldlog.schemas import common as records

ItemType = TypeVar("ItemType")

PUBLISH = "__foldlog_stream_publish"
POLL = "__foldlog_stream_poll"
"""An update that waits for items, and a query that does not."""
OFFSET = "__foldlog_stream_offset"

DRAINING = "StreamDraining"
"""Type of the error with which a poll is refused while the run goes over into the next one."""
TRUNCATED = "TruncatedOffset"
"""Type of the error of a poll from an offset whose item is not kept any more."""


@dataclass
class WorkflowStreamItem(Generic[ItemType]):
    """One item."""

    topic: str
    data: ItemType
    offset: int = 0
    """Its number in the stream, over all topics."""


@dataclass
class PublishEntry:
    """An item on its way."""

    topic: str
    data: str
    """A payload, see `written`: converted once, by whoever published it."""


@dataclass
class StreamEntry:
    """An item on its way from the stream, with its number."""

    topic: str
    data: str
    offset: int = 0


@dataclass
class PublishInput:
    """Items of one publisher, all of which are taken, or none if they were before."""

    items: list[PublishEntry] = field(default_factory=list)
    publisher_id: str = ""
    sequence: int = 0


@dataclass
class PollInput:
    """What is asked for."""

    topics: list[str] = field(default_factory=list)
    """Empty: all."""
    from_offset: int = 0


@dataclass
class PollResult:
    """What there is."""

    items: list[StreamEntry] = field(default_factory=list)
    next_offset: int = 0
    more_ready: bool = False
    """Whether there is more than one answer holds."""


@dataclass
class PublisherState:
    """What has been taken of one publisher."""

    sequence: int
    last_seen: datetime


@dataclass
class WorkflowStreamState:
    """A stream, to go over to the next run. Type the field of the workflow's input as `WorkflowStreamState | None`."""

    log: list[StreamEntry] = field(default_factory=list)
    base_offset: int = 0
    publishers: dict[str, PublisherState] = field(default_factory=dict)


def written(payload: records.Payload) -> str:
    """A payload as text, so that it is what it is within values that are converted as a whole."""
    return base64.b64encode(shown(payload).SerializeToString()).decode("ascii")


def read(text: str) -> Payload:
    """The reverse of `written`."""
    return Payload.FromString(base64.b64decode(text))
