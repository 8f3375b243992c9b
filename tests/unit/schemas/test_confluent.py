"""Confluent's wire format. The client's own mock serves as registry; a real one is in tests/integration."""

from __future__ import annotations

import json
import socket
import struct
import sys
from typing import Any

import pytest
from confluent_kafka.schema_registry import Schema, SchemaReference, SchemaRegistryClient
from confluent_kafka.schema_registry.error import SchemaRegistryError
from foldlog.schemas import framing, registry
from foldlog.schemas.codec import ConfluentCodec, SchemaLookupError, SingleObjectCodec
from foldlog.schemas.common import Payload
from foldlog.schemas.definitions import definition, schema_fingerprint
from foldlog.schemas.event import TimerFired, WorkflowExecutionCompleted
from foldlog.schemas.framing import RECORD_TYPES, DecodeError, EncodeError, UnknownSchemaError
from foldlog.schemas.registry import registry_client

RECORD = TimerFired(run_id="r", event_id=3, time_ms=5, timer_id=1, started_event_id=2)


class CountingClient:
    """A registry's client that counts requests and can be cut off."""

    def __init__(self) -> None:
        self._client = SchemaRegistryClient.new_client({"url": "mock://"})
        self.requests: list[str] = []
        self.away = False

    def __getattr__(self, name: str) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            self.requests.append(name)
            if self.away:
                raise ConnectionError("connection refused")
            return getattr(self._client, name)(*args, **kwargs)

        return call


@pytest.fixture
def client() -> Any:
    return CountingClient()


def test_a_record_goes_round_and_its_body_is_the_same_in_both_framings(client: Any) -> None:
    codec = ConfluentCodec(client)
    frame = codec.encode(RECORD)
    number = client.register_schema("foldlog.event.TimerFired", schema_of(RECORD))
    assert struct.unpack_from(">bI", frame) == (0, number)
    assert frame[5:] == framing.encode(RECORD)[10:]
    assert codec.decode(frame) == RECORD


def schema_of(record: Any) -> Schema:
    return Schema(json.dumps(definition(framing.BY_CLASS[type(record)].full_name), ensure_ascii=False), "AVRO")


def test_a_schema_is_registered_once_and_read_once(client: Any) -> None:
    codec = ConfluentCodec(client)
    for _ in range(5):
        codec.decode(codec.encode(RECORD))
    assert client.requests == ["register_schema", "get_schema"]


def test_prepared_for_all_record_types(client: Any) -> None:
    codec = ConfluentCodec(client)
    codec.prepare()
    assert client.requests == ["register_schema"] * len(RECORD_TYPES)
    codec.encode(RECORD)
    assert len(client.requests) == len(RECORD_TYPES)


def test_both_codecs_read_both_framings(client: Any) -> None:
    confluent = ConfluentCodec(client)
    for codec in (confluent, SingleObjectCodec(registry=client)):
        assert codec.decode(framing.encode(RECORD)) == RECORD
        assert codec.decode(confluent.encode(RECORD)) == RECORD


def test_schemas_of_single_object_encoding_are_asked_for(client: Any) -> None:
    schema = {**definition("foldlog.event.TimerFired")}
    schema["fields"] = [{"name": "mood", "type": "string", "default": ""}, *schema["fields"]]
    frame = framing.MARKER + schema_fingerprint(schema) + b"\x08good" + framing.encode(RECORD)[10:]
    codec = ConfluentCodec(client)
    codec.encode(RECORD)
    with pytest.raises(UnknownSchemaError):
        codec.decode(frame)
    asking = codec.asking(lambda _: schema)
    assert asking.decode(frame) == RECORD
    assert asking.asking(lambda _: None) is asking
    asking.encode(RECORD)
    assert client.requests == ["register_schema"]


def test_a_schema_that_is_only_looked_up_must_be_there(client: Any) -> None:
    codec = ConfluentCodec(client, register=False)
    with pytest.raises(SchemaLookupError, match=r"no ID for foldlog\.event\.TimerFired"):
        codec.encode(RECORD)
    number = client.register_schema("foldlog.event.TimerFired", schema_of(RECORD))
    assert codec.encode(RECORD)[:5] == struct.pack(">bI", 0, number)


def test_an_id_that_the_registry_does_not_have_is_an_error_of_the_record(client: Any) -> None:
    with pytest.raises(DecodeError, match="no schema with ID 12345"):
        ConfluentCodec(client).decode(struct.pack(">bI", 0, 12345) + b"body")


def test_a_registry_that_is_away_is_no_error_of_the_record(client: Any) -> None:
    codec = ConfluentCodec(client)
    frame = codec.encode(RECORD)
    client.away = True
    with pytest.raises(SchemaLookupError, match="cannot be asked"):
        codec.decode(frame)
    with pytest.raises(SchemaLookupError):
        codec.encode(Payload(encoding="x"))
    client.away = False
    assert codec.decode(frame) == RECORD


def test_a_registry_that_refuses_is_no_error_of_the_record(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> Any:
        raise SchemaRegistryError(401, 40101, "who are you?")

    monkeypatch.setattr(client._client, "get_schema", refuse)
    with pytest.raises(SchemaLookupError, match="who are you"):
        ConfluentCodec(client).decode(struct.pack(">bI", 0, 1) + b"body")


@pytest.mark.parametrize("schema", [Schema('"string"', "AVRO"), Schema("{}", "JSON"), Schema("no json", "AVRO")])
def test_a_schema_that_is_no_record_of_ours_is_an_error_of_the_record(client: Any, schema: Schema) -> None:
    number = client.register_schema("other", schema)
    with pytest.raises(DecodeError, match="not one of a record"):
        ConfluentCodec(client).decode(struct.pack(">bI", 0, number) + b"body")


def test_a_writer_may_register_schemas_that_refer_to_others(client: Any) -> None:
    whole = definition("foldlog.event.WorkflowExecutionCompleted")
    fields = [
        {**entry, "type": "foldlog.common.Payload"} if entry["name"] == "result" else entry for entry in whole["fields"]
    ]
    client.register_schema("payload", Schema(json.dumps(definition("foldlog.common.Payload")), "AVRO"))
    reference = SchemaReference("foldlog.common.Payload", "payload", 1)
    schema = Schema(json.dumps({**whole, "fields": fields}), "AVRO", [reference])
    number = client.register_schema("theirs", schema)
    record = WorkflowExecutionCompleted(run_id="r", result=Payload(encoding="json/plain", data=b"1"))
    assert ConfluentCodec(client).decode(struct.pack(">bI", 0, number) + framing.encode(record)[10:]) == record


def test_a_value_that_does_not_fit_is_refused_by_name(client: Any) -> None:
    with pytest.raises(EncodeError, match="timer_id"):
        ConfluentCodec(client).encode(TimerFired(run_id="r", timer_id=1 << 63, started_event_id=2))


def test_what_is_no_record_is_a_key_error(client: Any) -> None:
    with pytest.raises(KeyError):
        ConfluentCodec(client).encode(object())


def test_a_missing_client_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "confluent_kafka.schema_registry", None)
    with pytest.raises(ImportError, match=r"pip install 'foldlog\[registry\]'"):
        registry_client({"url": "http://localhost:8081"})


def test_a_registry_that_does_not_answer_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "REQUEST_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with registry_client({"url": address, "max.retries": 0}) as client, pytest.raises(SchemaLookupError):
            ConfluentCodec(client).encode(TimerFired(run_id="r", timer_id=1, started_event_id=2))
