"""The history of a run: typed events, and a JSON form for files, in the JSON encoding of the Avro specification."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import fastavro
from foldlog.client._history_flaws import flaw_of
from foldlog.exceptions import FoldlogError
from foldlog.schemas import framing
from foldlog.schemas.codec import Codec, SingleObjectCodec
from foldlog.schemas.definitions import definition, parsed, schema_fingerprint
from foldlog.schemas.framing import DecodeError
from foldlog.schemas.records import Event
from foldlog.schemas.registry import SchemaLookupError

_EVENT_TYPES: dict[str, type] = {cls.__name__: cls for cls in get_args(Event)}


class HistoryFormatError(FoldlogError, ValueError):
    """Something is no history: its text or bytes cannot be read, or its events cannot be those of one run."""


@dataclass(frozen=True)
class WorkflowHistory:
    """The events of a run, from the first on.

    Attributes:
        workflow_id: The workflow.
        events: Its events, in order; `event_id` counts from 1 without a gap.
    """

    workflow_id: str
    events: Sequence[Event]

    @property
    def run_id(self) -> str:
        """The run.

        Raises:
            HistoryFormatError: There are no events.
        """
        if not self.events:
            raise HistoryFormatError(f"the history of workflow {self.workflow_id!r} has no events")
        return self.events[0].run_id

    def to_json(self) -> str:
        """As JSON text, for a file and for people. Bytes appear as Avro writes them: one character each, Latin-1."""
        return json.dumps(self.to_json_dict(), indent=2, ensure_ascii=False)

    def to_json_dict(self) -> dict[str, Any]:
        """As what `json` dumps."""
        events = [{"type": type(event).__name__, "event": event_to_json(event)} for event in self.events]
        run_id = self.events[0].run_id if self.events else ""
        return {"workflow_id": self.workflow_id, "run_id": run_id, "events": events}

    def to_encoded(self) -> list[bytes]:
        """The events as records, in Avro's single-object encoding."""
        return [framing.encode(event) for event in self.events]

    @classmethod
    def from_json(cls, workflow_id: str, history: str | dict[str, Any]) -> WorkflowHistory:
        """The history that `to_json`, `to_json_dict` or `foldlog workflow history --json` gave.

        Args:
            workflow_id: The workflow. Histories say it too, but it counts for nothing there: a workflow may have been
                renamed for a test.
            history: JSON as text, or as what `json` loads.

        Raises:
            HistoryFormatError: It is none; the message says where.
        """
        try:
            values = json.loads(history) if isinstance(history, str) else history
        except json.JSONDecodeError as error:
            raise HistoryFormatError(f"this is no JSON: {error}") from error
        entries = values.get("events", ...) if isinstance(values, dict) else ...
        if not isinstance(entries, list):
            what = f"this is {_kind(values)}" if not isinstance(values, dict) else "this one has none"
            raise HistoryFormatError(
                "this is no workflow history, which is a JSON object with a list of 'events', as `foldlog workflow "
                f"history --json` prints it: {what if entries is ... else f'its events are {_kind(entries)}'}"
            )
        events = [_event_from_json(number, entry) for number, entry in enumerate(entries, start=1)]
        return cls(workflow_id=workflow_id, events=events)

    @classmethod
    def from_encoded(cls, workflow_id: str, events: Iterable[bytes], *, codec: Codec | None = None) -> WorkflowHistory:
        """The history whose events are these records, as they are in the topic `<ns>.events`.

        Args:
            workflow_id: The workflow.
            events: The values of its records: events of one run, in order, and nothing else.
            codec: Reads them; None: one that knows Avro's single-object encoding with the schemas of any release.

        Raises:
            HistoryFormatError: One cannot be read, or is no event.
        """
        decode = (codec or SingleObjectCodec()).decode
        found: list[Any] = []
        for number, encoded in enumerate(events, start=1):
            try:
                event = decode(encoded)
            except (DecodeError, SchemaLookupError) as error:
                raise HistoryFormatError(f"event {number} cannot be read: {error}") from error
            if _EVENT_TYPES.get(type(event).__name__) is not type(event):
                raise HistoryFormatError(f"record {number} is a {type(event).__name__}, which is no history event")
            found.append(event)
        return cls(workflow_id=workflow_id, events=found)


def _full_name(event_type: str) -> str:
    return f"foldlog.event.{event_type}"


def event_to_json(event: Event) -> Any:
    """An event in the JSON encoding of the Avro specification, as what `json` dumps."""
    schema = parsed(_full_name(type(event).__name__))
    body = io.BytesIO(framing.encode(event)[framing.HEADER_BYTES :])
    text = io.StringIO()
    fastavro.json_writer(text, schema, [fastavro.schemaless_reader(body, schema, None)])
    return json.loads(text.getvalue())


def _kind(value: Any) -> str:
    """What a value is in JSON, in words."""
    for kind, name in ((dict, "an object"), (list, "a list"), (str, "a string"), (bool, "true or false")):
        if isinstance(value, kind):
            return name
    return "null" if value is None else "a number"


def _event_from_json(number: int, entry: Any) -> Event:
    if not isinstance(entry, dict):
        raise HistoryFormatError(f"event {number} is no JSON object but {_kind(entry)}")
    if "eventType" in entry:
        raise HistoryFormatError(
            "this is a history of Temporal, whose events are others: replay it there, or record the workflow here"
        )
    for name in ("type", "event"):
        if name not in entry:
            raise HistoryFormatError(f'event {number} has no {name!r}: it is {{"type": …, "event": …}}')
    event_type = entry["type"]
    if not isinstance(event_type, str) or event_type not in _EVENT_TYPES:
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
        flaw = flaw_of(schema, entry["event"]) or f"{type(error).__name__}: {error}"
        raise HistoryFormatError(f"event {number} is no {event_type}: {flaw}") from error
    return event
