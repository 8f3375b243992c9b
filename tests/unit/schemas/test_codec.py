"""Records of other versions of foldlog, and schemas that nobody knows."""

from __future__ import annotations

import copy
from io import BytesIO
from typing import Any

import fastavro
import pytest
from foldlog.schemas.codec import SchemaLookupError, SingleObjectCodec
from foldlog.schemas.common import Payload
from foldlog.schemas.definitions import Definition, definition, schema_fingerprint
from foldlog.schemas.event import TimerFired, WorkflowExecutionCompleted
from foldlog.schemas.framing import MARKER, DecodeError, UnknownSchemaError, decode
from foldlog.schemas.log import ActivityAttempt
from foldlog.schemas.resolution import FORGET_UNKNOWN_SECONDS, UNKNOWN_PER_SECOND, ForeignSchemas

TIMER_FIRED: dict[str, Any] = {
    "run_id": "r",
    "event_id": 3,
    "time_ms": 5,
    "chain": b"c",
    "timer_id": 1,
    "started_event_id": 2,
}
PAYLOAD: dict[str, Any] = {"encoding": "json/plain", "data": b"1", "metadata": {}}


def changed(full_name: str, *, add: list[dict[str, Any]] | None = None, remove: str = "") -> Definition:
    """The schema of a record as another version may have it: new fields first, one field gone."""
    schema = copy.deepcopy(definition(full_name))
    fields = [entry for entry in schema["fields"] if entry["name"] != remove]
    return {**schema, "fields": [*(add or []), *fields]}


def written(schema: Definition, values: dict[str, Any]) -> bytes:
    """A frame as that version writes it."""
    body = BytesIO()
    fastavro.schemaless_writer(body, fastavro.parse_schema(copy.deepcopy(schema)), values)
    return MARKER + schema_fingerprint(schema) + body.getvalue()


class Publisher:
    """Gives the schemas it has, and counts how often it was asked."""

    def __init__(self, *schemas: Definition) -> None:
        self.schemas = {schema_fingerprint(schema): schema for schema in schemas}
        self.asked: list[bytes] = []

    def fetch(self, fingerprint: bytes) -> Definition | None:
        self.asked.append(fingerprint)
        return self.schemas.get(fingerprint)


def read_from(schema: Definition, values: dict[str, Any]) -> Any:
    """The record that this build makes of one that was written with another schema."""
    frame = written(schema, values)
    with pytest.raises(UnknownSchemaError):
        decode(frame)
    return SingleObjectCodec(Publisher(schema).fetch).decode(frame)


def test_a_field_that_only_the_writer_has_is_passed_over() -> None:
    schema = changed("foldlog.event.TimerFired", add=[{"name": "mood", "type": "string", "default": ""}])
    assert read_from(schema, {**TIMER_FIRED, "mood": "good"}) == TimerFired(**TIMER_FIRED)


def test_a_field_that_only_the_reader_has_gets_its_default() -> None:
    schema = changed("foldlog.event.TimerFired", remove="time_ms")
    assert read_from(schema, TIMER_FIRED) == TimerFired(**{**TIMER_FIRED, "time_ms": 0})


def test_a_default_of_bytes_is_bytes() -> None:
    """In JSON, and in what fastavro fills in, it is text."""
    record = read_from(changed("foldlog.event.TimerFired", remove="chain"), TIMER_FIRED)
    assert record == TimerFired(**{**TIMER_FIRED, "chain": b""})


def test_defaults_of_arrays_maps_and_records_are_filled_in() -> None:
    schema = copy.deepcopy(definition("foldlog.command.StartWorkflow"))
    schema["fields"] = [entry for entry in schema["fields"] if "default" not in entry]
    record = read_from(schema, {"workflow_type": "w", "task_queue": "q"})
    assert (record.args, record.memo, record.reply_to, record.id_reuse_policy) == ([], {}, None, "ALLOW_DUPLICATE")


def test_a_field_that_the_reader_needs_and_the_writer_lacks_is_an_error() -> None:
    with pytest.raises(DecodeError, match=r"no foldlog\.event\.TimerFired.*timer_id"):
        read_from(changed("foldlog.event.TimerFired", remove="timer_id"), TIMER_FIRED)


def test_fields_may_come_in_another_order() -> None:
    schema = copy.deepcopy(definition("foldlog.event.TimerFired"))
    schema["fields"].reverse()
    assert read_from(schema, TIMER_FIRED) == TimerFired(**TIMER_FIRED)


def test_an_int_is_read_as_a_long() -> None:
    schema = copy.deepcopy(definition("foldlog.event.TimerFired"))
    next(entry for entry in schema["fields"] if entry["name"] == "timer_id")["type"] = "int"
    assert read_from(schema, TIMER_FIRED) == TimerFired(**TIMER_FIRED)


def test_a_type_may_be_written_out_elsewhere_in_the_schema() -> None:
    """A new field of a type that the schema has already moves the type's definition to the first use of it."""
    own = definition("foldlog.event.WorkflowExecutionCompleted")
    payload = next(entry for entry in own["fields"] if entry["name"] == "result")["type"]
    new = {"name": "receipt", "type": ["null", payload], "default": None}
    schema = changed("foldlog.event.WorkflowExecutionCompleted", add=[new])
    next(entry for entry in schema["fields"] if entry["name"] == "result")["type"] = "foldlog.common.Payload"
    values = {"run_id": "r", "event_id": 1, "time_ms": 2, "chain": b"", "result": PAYLOAD, "receipt": PAYLOAD}
    expected = WorkflowExecutionCompleted(run_id="r", event_id=1, time_ms=2, result=Payload(**PAYLOAD))
    assert read_from(schema, values) == expected


@pytest.mark.parametrize("nullable", [False, True])
def test_a_symbol_that_the_reader_does_not_know_is_the_default(nullable: bool) -> None:
    """Also where the writer has made the field nullable, over which fastavro once fell (its issue 488)."""
    schema = copy.deepcopy(definition("foldlog.log.ActivityAttempt"))
    phase = next(entry for entry in schema["fields"] if entry["name"] == "phase")
    phase["type"]["symbols"].append("PAUSED")
    if nullable:
        phase["type"], phase["default"] = ["null", phase["type"]], None
    values: dict[str, Any] = {"run_id": "r", "scheduled_event_id": 1, "attempt": 2, "attempt_ms": 3}
    expected = ActivityAttempt(**values, phase="SCHEDULED")
    assert read_from(schema, {**values, "phase": "PAUSED"}) == expected
    assert read_from(schema, {**values, "phase": "BACKOFF"}).phase == "BACKOFF"


def test_null_for_what_cannot_be_null_here_is_an_error() -> None:
    schema = copy.deepcopy(definition("foldlog.log.ActivityAttempt"))
    phase = next(entry for entry in schema["fields"] if entry["name"] == "phase")
    phase["type"], phase["default"] = ["null", phase["type"]], None
    with pytest.raises(DecodeError, match="SchemaResolutionError"):
        read_from(schema, {"run_id": "r", "scheduled_event_id": 1, "attempt": 2, "attempt_ms": 3, "phase": None})


def test_a_schema_that_differs_in_words_only_needs_no_one() -> None:
    schema = {**definition("foldlog.event.TimerFired"), "doc": "in other words"}
    assert decode(written(schema, TIMER_FIRED)) == TimerFired(**TIMER_FIRED)


def test_a_record_type_that_this_build_does_not_have_is_an_error() -> None:
    schema = {"type": "record", "name": "foldlog.event.FromTheFuture", "fields": [{"name": "a", "type": "int"}]}
    publisher = Publisher(schema)
    codec = SingleObjectCodec(publisher.fetch)
    for _ in range(3):
        with pytest.raises(DecodeError, match=r"no record named foldlog\.event\.FromTheFuture"):
            codec.decode(written(schema, {"a": 1}))
    assert len(publisher.asked) == 1


@pytest.mark.parametrize("body", [b"", b"\x01r"])
def test_a_broken_body_of_another_schema_is_an_error(body: bytes) -> None:
    schema = changed("foldlog.event.TimerFired", remove="time_ms")
    codec = SingleObjectCodec(Publisher(schema).fetch)
    frame = written(schema, TIMER_FIRED)
    with pytest.raises(DecodeError, match=r"no foldlog\.event\.TimerFired"):
        codec.decode(frame[:10] + body)
    with pytest.raises(DecodeError, match="1 bytes follow"):
        codec.decode(frame + b"\0")


def test_a_schema_is_fetched_once() -> None:
    schema = changed("foldlog.event.TimerFired", remove="time_ms")
    publisher = Publisher(schema)
    codec = SingleObjectCodec(publisher.fetch)
    for _ in range(5):
        codec.decode(written(schema, TIMER_FIRED))
    assert publisher.asked == [schema_fingerprint(schema)]


def test_a_schema_that_is_stored_under_a_foreign_fingerprint_is_not_believed() -> None:
    right = changed("foldlog.event.TimerFired", remove="time_ms")
    frame = written(right, TIMER_FIRED)
    wrong = SingleObjectCodec(lambda _: changed("foldlog.event.TimerFired", remove="event_id"))
    with pytest.raises(UnknownSchemaError):
        wrong.decode(frame)


@pytest.mark.parametrize("stored", [{}, {"type": "nonsense"}, {"type": "record"}, {"type": 5}], ids=repr)
def test_what_is_stored_under_a_fingerprint_may_be_no_schema(stored: Definition) -> None:
    with pytest.raises(UnknownSchemaError):
        SingleObjectCodec(lambda _: stored).decode(MARKER + bytes(8) + b"body")


def test_without_anybody_to_ask_a_schema_is_unknown() -> None:
    with pytest.raises(UnknownSchemaError, match="0000000000000000"):
        SingleObjectCodec().decode(MARKER + bytes(8) + b"body")


def test_who_cannot_be_asked_is_asked_again() -> None:
    """The broker is away: that says nothing about the record."""
    schema = changed("foldlog.event.TimerFired", remove="time_ms")
    away = True

    def fetch(_: bytes) -> Definition:
        if away:
            raise SchemaLookupError("away")
        return schema

    codec = SingleObjectCodec(fetch)
    with pytest.raises(SchemaLookupError):
        codec.decode(written(schema, TIMER_FIRED))
    away = False
    assert codec.decode(written(schema, TIMER_FIRED)) == TimerFired(**{**TIMER_FIRED, "time_ms": 0})


class Clock:
    """A clock that stands still until it is set."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_an_unknown_schema_is_asked_for_again_after_a_while() -> None:
    schema = changed("foldlog.event.TimerFired", remove="time_ms")
    key = schema_fingerprint(schema)
    publisher, clock = Publisher(), Clock()
    schemas = ForeignSchemas(publisher.fetch, clock)
    assert [schemas.reader(key) for _ in range(3)] == [None, None, None]
    assert len(publisher.asked) == 1
    publisher.schemas[key] = schema
    clock.now += FORGET_UNKNOWN_SECONDS - 1
    assert schemas.reader(key) is None
    clock.now += 2
    reader = schemas.reader(key)
    assert reader is not None
    assert reader.full_name == "foldlog.event.TimerFired"
    assert len(publisher.asked) == 2


def test_garbage_that_names_ever_new_schemas_is_not_looked_up_record_by_record() -> None:
    publisher, clock = Publisher(), Clock()
    schemas = ForeignSchemas(publisher.fetch, clock)
    for number in range(1000):
        assert schemas.reader(number.to_bytes(8, "big")) is None
    assert len(publisher.asked) == UNKNOWN_PER_SECOND
    clock.now += 1.5
    schema = changed("foldlog.event.TimerFired", remove="time_ms")
    publisher.schemas[schema_fingerprint(schema)] = schema
    assert schemas.reader(schema_fingerprint(schema)) is not None


def test_confluent_frames_need_a_registry() -> None:
    with pytest.raises(DecodeError, match="no schema registry is configured"):
        SingleObjectCodec().decode(b"\0\0\0\0\x01body")
    with pytest.raises(DecodeError, match="within the header of 5"):
        SingleObjectCodec().decode(b"\0\0\0")
