"""The embedded schema registry, through the client that foldlog uses for any registry."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient, SchemaRegistryError
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from foldlog.connectors.embedded import EmbeddedRegistry
from foldlog.connectors.embedded.exceptions import FolderInUseError, PortInUseError
from foldlog.schemas.registry import registry_client


def record(**types: object) -> str:
    fields = [{"name": name, "type": kind} for name, kind in types.items()]
    return json.dumps({"type": "record", "name": "Order", "fields": fields})


@pytest.fixture
def client(schema_registry: str) -> Iterator[SchemaRegistryClient]:
    with registry_client({"url": schema_registry}) as client:
        yield client


def test_a_schema_registered_is_found_by_its_id_and_keeps_it(client: SchemaRegistryClient, namespace: str) -> None:
    schema = Schema(record(id="string"), "AVRO")
    schema_id = client.register_schema(namespace, schema)
    assert client.register_schema(namespace, schema) == schema_id
    found = client.get_schema(schema_id).schema_str
    assert found is not None
    assert json.loads(found) == json.loads(record(id="string"))


def test_an_incompatible_schema_is_refused(client: SchemaRegistryClient, namespace: str) -> None:
    client.register_schema(namespace, Schema(record(id="string"), "AVRO"))
    client.set_compatibility(namespace, "FULL_TRANSITIVE")
    with pytest.raises(SchemaRegistryError) as caught:
        client.register_schema(namespace, Schema(record(id="string", needed="int"), "AVRO"))
    assert caught.value.http_status_code == 409
    assert len(client.get_versions(namespace)) == 1


def test_a_record_goes_round_in_the_confluent_framing(client: SchemaRegistryClient, namespace: str) -> None:
    context = SerializationContext(namespace, MessageField.VALUE)
    data = AvroSerializer(client, record(id="string"))({"id": "7"}, context)
    assert data is not None
    assert data[0] == 0
    assert int.from_bytes(data[1:5], "big") == client.get_latest_version(f"{namespace}-value").schema_id
    assert AvroDeserializer(client)(data, context) == {"id": "7"}


def test_a_second_start_on_the_folder_finds_the_schemas_under_their_ids(tmp_path: Path) -> None:
    schema = Schema(record(id="string"), "AVRO")
    with EmbeddedRegistry(tmp_path / "registry") as first:
        jvm = psutil.Process(first.pid)
        with registry_client({"url": first.url}) as client:
            schema_id = client.register_schema("kept", schema)
    assert not jvm.is_running()
    with EmbeddedRegistry(tmp_path / "registry") as second:
        with registry_client({"url": second.url}) as client:
            assert client.get_subjects() == ["kept"]
            assert client.get_latest_version("kept").schema_id == schema_id
        with pytest.raises(FolderInUseError):
            EmbeddedRegistry(tmp_path / "registry").start()
        listening = {
            connection.laddr.ip.removeprefix("::ffff:")
            for connection in psutil.Process(second.pid).net_connections("inet")
            if connection.status == psutil.CONN_LISTEN
        }
        assert listening == {"127.0.0.1"}


def test_a_taken_port_is_named(schema_registry: str, tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortInUseError, match=f"port {port} "):
            EmbeddedRegistry(tmp_path / "registry", port=port).start()
