"""What a restore needs of a run as long as nobody runs it: its outline, which most events change without being read.

Reading an event costs more than all else that is done with it, and most runs of a log are closed by its end. So only
what stands at the beginning of an event is read; the runs that are open at the end are folded then.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any, NamedTuple, get_args

import fastavro
from foldlog.core import fold
from foldlog.core.state import DeadlineChange, Status
from foldlog.processors.store.formats import RunHead
from foldlog.schemas.framing import HEADER_BYTES, RECORD_TYPES
from foldlog.schemas.records import Event
from msgspec import Struct


class EventHead(NamedTuple):
    """The beginning of an event, which all events have in common."""

    run_id: str
    event_id: int
    time_ms: int


_BEGINNING: Any = fastavro.parse_schema(
    {
        "type": "record",
        "name": "EventHead",
        "fields": [
            {"name": "run_id", "type": "string"},
            {"name": "event_id", "type": "long"},
            {"name": "time_ms", "type": "long"},
        ],
    }
)
"""The encoding of an Avro record is that of its fields, one after the other: so this reads the first ones of any."""
_BEGINNING_BYTES = 120
"""More than they take: a run ID of 36 bytes and two numbers of up to ten. A longer run ID takes the slow way."""


def _peekable() -> dict[bytes, type]:
    """Event classes by frame header: those whose beginning is enough, because nothing else of them is stored."""
    names = EventHead._fields
    return {
        record_type.header: record_type.cls
        for record_type in RECORD_TYPES
        if record_type.cls in get_args(Event)
        and record_type.cls.__struct_fields__[: len(names)] == names
        and "request_id" not in record_type.cls.__struct_fields__
    }


_PEEKABLE = _peekable()


def peek(encoded: bytes) -> tuple[type, EventHead] | None:
    """The class and beginning of an event; None if all of the record must be read."""
    kind = _PEEKABLE.get(encoded[:HEADER_BYTES])
    if kind is None:
        return None
    try:
        values: Any = fastavro.schemaless_reader(BytesIO(encoded[HEADER_BYTES:_BEGINNING_BYTES]), _BEGINNING, None)
    except Exception:
        # Too long a run ID, or damage, which fastavro meets with any error: reading all of it will tell.
        return None
    return kind, EventHead(**values)


class Outline(Struct):
    """Stands in for a `Run` where its records are stored without being folded."""

    workflow_id: str
    run_id: str
    status: Status = "RUNNING"
    last_event_id: int = 0
    history_size: int = 0
    closed_ms: int = 0
    deadline_changes: list[DeadlineChange] | None = None
    _last: bytes = b""
    """The last event; empty: `_chain` is known instead."""
    _chain: bytes = b""

    @classmethod
    def of(cls, workflow_id: str, run_id: str, head: RunHead) -> Outline:
        """The outline of a stored run."""
        return cls(
            workflow_id, run_id, head.status, head.last_event_id, head.history_size, head.closed_ms, _chain=head.chain
        )

    @property
    def chain(self) -> bytes:
        """As in `Run`. Worked out when it is asked for: most events are not the last one of a batch."""
        return fold.digest(self._last) if self._last else self._chain

    def append(self, kind: type, event: EventHead | Event, encoded: bytes) -> None:
        """Change the outline by the next event.

        Raises:
            BrokenHistoryError: The event does not follow the one before, by its number. Its chain is not looked at.
        """
        if event.event_id != self.last_event_id + 1 or self.status != "RUNNING":
            raise fold.BrokenHistoryError(
                f"workflow {self.workflow_id!r} run {self.run_id}: {kind.__name__} with event ID {event.event_id} "
                f"does not follow event {self.last_event_id}, status {self.status}"
            )
        self.last_event_id = event.event_id
        self.history_size += len(encoded)
        self._last = encoded
        status = fold.closing_status(kind)
        if status is not None:
            self.status = status
            self.closed_ms = event.time_ms
