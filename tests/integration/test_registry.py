"""Confluent's wire format against a real schema registry (Apicurio), and against Confluent's own serializers."""

from __future__ import annotations

import copy
import json
import struct
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from confluent_kafka.schema_registry import Schema, SchemaReference, SchemaRegistryClient, record_subject_name_strategy
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from foldlog.schemas import framing
from foldlog.schemas.codec import ConfluentCodec, SchemaLookupError, SingleObjectCodec
from foldlog.schemas.command import StartWorkflow
from foldlog.schemas.common import Failure, Payload, ReplyTo
from foldlog.schemas.definitions import Definition, definition, schema_fingerprint
from foldlog.schemas.event import ActivityTaskFailed, TimerFired, WorkflowExecutionCompleted
from foldlog.schemas.framing import RECORD_TYPES, DecodeError, as_dict
from foldlog.schemas.registry import registry_client

CONTEXT = SerializationContext("orders.commands", MessageField.VALUE)
START = StartWorkflow(
    request_id="r-1",
    workflow_type="Order",
    task_queue="orders",
    args=[Payload(encoding="json/plain", data=b'{"id": 7}')],
    memo={"note": Payload(encoding="json/plain", data=b'"\xc3\xa4"')},
    reply_to=ReplyTo(client_id="c", partition=2, correlation_id=5),
    id_conflict_policy="USE_EXISTING",
)
FAILED = ActivityTaskFailed(
    run_id="run",
    event_id=7,
    time_ms=1_790_000_000_000,
    chain=b"\x00" * 16,
    scheduled_event_id=5,
    attempt=3,
    failure=Failure(message="no", kind="ACTIVITY", cause=Failure(message="deep", type="ValueError")),
)


@pytest.fixture
def client(schema_registry: str) -> Iterator[SchemaRegistryClient]:
    with registry_client({"url": schema_registry}) as client:
        yield client


def schema_of(record: Any) -> Definition:
    return definition(framing.BY_CLASS[type(record)].full_name)


def as_confluent_has_it(record: Any) -> dict[str, Any]:
    """Dicts, and times as datetimes, since the schema says that they are times."""
    values: dict[str, Any] = as_dict(record)
    if "time_ms" in values:
        values["time_ms"] = datetime.fromtimestamp(values["time_ms"] / 1000, tz=UTC)
    return values


def confluent_frame(number: int, record: Any) -> bytes:
    return struct.pack(">bI", 0, number) + framing.encode(record)[10:]


def test_every_schema_can_be_registered_and_keeps_its_id(client: SchemaRegistryClient, schema_registry: str) -> None:
    codec = ConfluentCodec(client)
    codec.prepare()
    with registry_client({"url": schema_registry}) as fresh:
        again = ConfluentCodec(fresh)
        again.prepare()
        for record_type in RECORD_TYPES:
            assert record_type.full_name in fresh.get_subjects()
        assert again.encode(START) == codec.encode(START)
        assert ConfluentCodec(fresh, register=False).encode(FAILED) == codec.encode(FAILED)


def test_the_registered_schema_has_all_that_the_definition_says(client: SchemaRegistryClient) -> None:
    ConfluentCodec(client).encode(START)
    registered = json.loads(client.get_latest_version("foldlog.command.StartWorkflow").schema.schema_str or "")
    own = definition("foldlog.command.StartWorkflow")
    assert schema_fingerprint(registered) == schema_fingerprint(own)
    for field, expected in zip(registered["fields"], own["fields"], strict=True):
        assert (field["doc"], field.get("default")) == (expected["doc"], expected.get("default"))


@pytest.mark.parametrize("record", [START, FAILED], ids=lambda record: type(record).__name__)
def test_a_record_goes_round(client: SchemaRegistryClient, schema_registry: str, record: Any) -> None:
    frame = ConfluentCodec(client).encode(record)
    assert frame[0] == 0
    with registry_client({"url": schema_registry}) as somebody_else:
        assert ConfluentCodec(somebody_else).decode(frame) == record
        assert SingleObjectCodec(registry=somebody_else).decode(frame) == record


@pytest.mark.parametrize("record", [START, FAILED], ids=lambda record: type(record).__name__)
def test_confluents_deserializer_reads_our_frames(client: SchemaRegistryClient, record: Any) -> None:
    frame = ConfluentCodec(client).encode(record)
    assert AvroDeserializer(client)(frame, CONTEXT) == as_confluent_has_it(record)


@pytest.mark.parametrize("record", [START, FAILED], ids=lambda record: type(record).__name__)
def test_we_read_what_confluents_serializer_writes(client: SchemaRegistryClient, record: Any) -> None:
    writer = AvroSerializer(
        client,
        json.dumps(schema_of(record)),
        conf={"subject.name.strategy": record_subject_name_strategy},
    )
    frame = writer(as_confluent_has_it(record), CONTEXT)
    assert frame == ConfluentCodec(client).encode(record)
    assert ConfluentCodec(client).decode(frame) == record


def test_a_writer_of_another_version_is_understood(client: SchemaRegistryClient, namespace: str) -> None:
    """Its serializer has registered a schema with a field more and one less, under a subject of its own."""
    schema = copy.deepcopy(definition("foldlog.command.StartWorkflow"))
    schema["fields"] = [entry for entry in schema["fields"] if entry["name"] != "identity"]
    schema["fields"].insert(0, {"name": "mood", "type": "string", "default": ""})
    strategy = {"subject.name.strategy": lambda _context, _record: namespace}
    values = {"mood": "good", "workflow_type": "Order", "task_queue": "q", "request_id": "1"}
    frame = AvroSerializer(client, json.dumps(schema), conf=strategy)(values, CONTEXT)
    expected = StartWorkflow(workflow_type="Order", task_queue="q", request_id="1")
    assert ConfluentCodec(client).decode(frame) == expected


def test_a_schema_that_refers_to_another_is_put_together(client: SchemaRegistryClient, namespace: str) -> None:
    whole = definition("foldlog.event.WorkflowExecutionCompleted")
    fields = [
        {**entry, "type": "foldlog.common.Payload"} if entry["name"] == "result" else entry for entry in whole["fields"]
    ]
    payload = f"{namespace}-payload"
    client.register_schema(payload, Schema(json.dumps(definition("foldlog.common.Payload")), "AVRO"))
    references = [SchemaReference("foldlog.common.Payload", payload, 1)]
    number = client.register_schema(namespace, Schema(json.dumps({**whole, "fields": fields}), "AVRO", references))
    record = WorkflowExecutionCompleted(run_id="r", result=Payload(encoding="json/plain", data=b"1"))
    assert ConfluentCodec(client).decode(confluent_frame(number, record)) == record


def test_an_incompatible_schema_is_refused_by_the_registry(client: SchemaRegistryClient) -> None:
    """What the unit tests check without a registry, the registry checks as well."""
    subject = "foldlog.event.TimerFired"
    ConfluentCodec(client).encode(TimerFired(timer_id=1, started_event_id=2))
    client.set_compatibility(subject, "FULL_TRANSITIVE")
    schema = copy.deepcopy(definition(subject))
    schema["fields"].append({"name": "needed", "type": "string"})
    assert not client.test_compatibility(subject, Schema(json.dumps(schema), "AVRO"))
    schema["fields"][-1]["default"] = ""
    assert client.test_compatibility(subject, Schema(json.dumps(schema), "AVRO"))


def test_a_registry_that_has_an_incompatible_schema_stops_the_writer(
    client: SchemaRegistryClient, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody has taken the subject for something else: nothing may be written that readers cannot read."""
    client.register_schema(
        namespace, Schema(json.dumps({**definition("foldlog.common.Payload"), "fields": []}), "AVRO")
    )
    client.set_compatibility(namespace, "FULL_TRANSITIVE")
    register = client.register_schema
    monkeypatch.setattr(client, "register_schema", lambda _subject, schema: register(namespace, schema))
    with pytest.raises(SchemaLookupError, match=r"no ID for foldlog\.common\.Payload"):
        ConfluentCodec(client).encode(Payload(encoding="x"))


def test_an_id_that_nobody_has_is_an_error_of_the_record(client: SchemaRegistryClient) -> None:
    with pytest.raises(DecodeError, match="no schema with ID 99999999"):
        ConfluentCodec(client).decode(struct.pack(">bI", 0, 99_999_999) + b"body")


def test_a_registry_that_is_away_is_no_error_of_the_record() -> None:
    with registry_client({"url": "http://127.0.0.1:1", "timeout": 5, "max.retries": 0}) as client:
        with pytest.raises(SchemaLookupError, match="cannot be asked"):
            ConfluentCodec(client).decode(confluent_frame(1, START))
        with pytest.raises(SchemaLookupError, match="no ID for"):
            ConfluentCodec(client).encode(START)
