"""The history of a run: typed events, and a JSON form for files, in the JSON encoding of the Avro specification."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

import fastavro
from foldlog.exceptions import FoldlogError
from foldlog.schemas import framing
from foldlog.schemas.definitions import definition, parsed, schema_fingerprint
from foldlog.schemas.records import Event

_EVENT_TYPES: dict[str, type] = {cls.__name__: cls for cls in get_args(Event)}


class HistoryFormatError(FoldlogError, ValueError):
    """A text is no history in JSON."""


@dataclass(frozen=True)
class WorkflowHistory:
    """The events of a run, from the first on.

    Attributes:
        workflow_id: The workflow.
        run_id: The run.
        events: Its events, in order; `event_id` counts from 1 without a gap.
    """

    workflow_id: str
    run_id: str
    events: Sequence[Event]

    def to_json(self) -> str:
        """As JSON text, for a file and for people. Bytes appear as Avro writes them: one character each, Latin-1."""
        return json.dumps(self.to_json_dict(), indent=2, ensure_ascii=False)

    def to_json_dict(self) -> dict[str, Any]:
        """As what `json` dumps."""
        events = [{"type": type(event).__name__, "event": _event_to_json(event)} for event in self.events]
        return {"workflow_id": self.workflow_id, "run_id": self.run_id, "events": events}

    @classmethod
    def from_json(cls, history: str | dict[str, Any]) -> WorkflowHistory:
        """The history that `to_json` or `to_json_dict` gave.

        Raises:
            HistoryFormatError: It is none; the message says where.
        """
        try:
            values = json.loads(history) if isinstance(history, str) else history
            events = [_event_from_json(number, entry) for number, entry in enumerate(values["events"], start=1)]
            return cls(workflow_id=values["workflow_id"], run_id=values["run_id"], events=events)
        except (KeyError, TypeError, json.JSONDecodeError) as error:
            raise HistoryFormatError(f"this is no workflow history in JSON: {type(error).__name__}: {error}") from error


def _full_name(event_type: str) -> str:
    return f"foldlog.event.{event_type}"


def _event_to_json(event: Event) -> Any:
    schema = parsed(_full_name(type(event).__name__))
    body = io.BytesIO(framing.encode(event)[framing.HEADER_BYTES :])
    text = io.StringIO()
    fastavro.json_writer(text, schema, [fastavro.schemaless_reader(body, schema, None)])
    return json.loads(text.getvalue())


def _event_from_json(number: int, entry: Any) -> Event:
    event_type = entry["type"]
    if event_type not in _EVENT_TYPES:
        raise HistoryFormatError(f"event {number} is of type {event_type!r}, which this version does not know")
    full_name = _full_name(event_type)
    schema = parsed(full_name)
    frame = io.BytesIO()
    frame.write(framing.MARKER + schema_fingerprint(definition(full_name)))
    try:
        [values] = fastavro.json_reader(io.StringIO(json.dumps(entry["event"])), schema)
        fastavro.schemaless_writer(frame, schema, values)
        event: Event = framing.decode(frame.getvalue())
    except Exception as error:
        # fastavro raises whatever it met: KeyError, IndexError, TypeError, ValueError …
        raise HistoryFormatError(f"event {number} is no {event_type}: {type(error).__name__}: {error}") from error
    return event
