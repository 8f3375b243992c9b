"""A Confluent schema registry: IDs for this build's schemas, and schemas for the IDs in frames.

Owns the way to confluent-kafka's registry client (`foldlog[registry]`), which is imported only here and only when
somebody uses it. Knows schemas, no records and no frames.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fastavro.repository.base import AbstractSchemaRepository, SchemaRepositoryError
from fastavro.schema import load_schema
from foldlog.schemas.definitions import Definition, definition

if TYPE_CHECKING:
    from confluent_kafka.schema_registry import Schema, SchemaRegistryClient

_NOT_FOUND = 404


class SchemaLookupError(Exception):
    """The schema of a record could not be asked for just now: broker or registry away, too slow, or refusing.

    No DecodeError, because nothing is wrong with the record: try it again later.
    """


REQUEST_SECONDS = 10
"""How long a request may take, unless the settings say otherwise. The client itself waits for ever, and while it waits
nobody's records are read."""


def registry_client(config: Mapping[str, Any]) -> SchemaRegistryClient:
    """A client of a schema registry.

    Args:
        config: `url`, and whatever else confluent-kafka's SchemaRegistryClient takes, such as `basic.auth.user.info`;
            `timeout` is that of a request in seconds, 10 if it is not given.

    Raises:
        ImportError: foldlog was installed without the extra `registry`.
        ValueError: A setting is missing or unknown.
    """
    try:
        from confluent_kafka.schema_registry import SchemaRegistryClient
    except ImportError as error:
        raise ImportError(
            "the client of the schema registry is not installed: pip install 'foldlog[registry]'", name=error.name
        ) from error
    return SchemaRegistryClient({"timeout": REQUEST_SECONDS, **config})


class Registry:
    """What is asked of the registry, with errors that tell what cannot be had from what cannot be had now."""

    def __init__(self, client: SchemaRegistryClient) -> None:
        self._client = client

    def number(self, full_name: str, *, register: bool) -> int:
        """The ID of this build's schema of a record. Its subject is the record's full name.

        Args:
            full_name: The record.
            register: Whether to register the schema if it is not. False: only look it up.

        Raises:
            SchemaLookupError: The registry could not be asked, refuses the schema as incompatible, or lacks it.
        """
        from confluent_kafka.schema_registry import Schema

        schema = Schema(json.dumps(definition(full_name), ensure_ascii=False), "AVRO")
        try:
            if register:
                return int(self._client.register_schema(full_name, schema))
            found = self._client.lookup_schema(full_name, schema).schema_id
        except Exception as error:  # SchemaRegistryError, and what the HTTP client below raises
            raise SchemaLookupError(f"the schema registry has no ID for {full_name}: {error}") from error
        if found is None:
            raise SchemaLookupError(f"the schema registry gave no ID for {full_name}")
        return int(found)

    def find(self, number: int) -> Definition | None:
        """The schema with an ID; None: the registry has none.

        Raises:
            SchemaLookupError: The registry could not be asked.
        """
        from confluent_kafka.schema_registry.error import SchemaRegistryError

        try:
            schema = self._client.get_schema(number)
            return self._self_contained(schema)
        except SchemaRegistryError as error:
            if error.http_status_code == _NOT_FOUND:
                return None
            raise SchemaLookupError(f"the schema registry refuses: {error}") from error
        except Exception as error:  # what the HTTP client below raises when nobody answers
            raise SchemaLookupError(f"the schema registry cannot be asked: {error}") from error

    def _self_contained(self, schema: Schema) -> Definition:
        if schema.schema_type not in (None, "AVRO"):
            return {"type": str(schema.schema_type)}  # no Avro: whoever parses it says so
        whole = _json(schema)
        if schema.references:
            whole = load_schema("", repo=_Parts({"": whole, **self._references(schema)}), _write_hint=False)
        plain: Definition = whole
        return plain

    def _references(self, schema: Schema) -> dict[str, Any]:
        """The schemas that a schema refers to by name, by that name."""
        found: dict[str, Any] = {}
        for reference in schema.references or []:
            if reference.name and reference.subject and reference.version:
                registered = self._client.get_version(reference.subject, reference.version)
                found[reference.name] = _json(registered.schema)
                found |= self._references(registered.schema)
        return found


def _json(schema: Schema) -> Any:
    try:
        return json.loads(schema.schema_str or "") or {}
    except ValueError:
        return {}  # no schema: whoever parses it says so


class _Parts(AbstractSchemaRepository):
    """Schemas by name, for fastavro to put together."""

    def __init__(self, parts: Mapping[str, Any]) -> None:
        self._parts = parts

    def load(self, name: str) -> Any:
        if name not in self._parts:
            raise SchemaRepositoryError(f"there is no schema named {name}")
        return self._parts[name]
