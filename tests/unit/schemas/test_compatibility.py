"""Every schema is compatible, in both directions, with every version of it that was ever released.

Apache Avro's checker decides, the same rules that a schema registry applies under FULL_TRANSITIVE.
"""

from __future__ import annotations

import copy
import json
from typing import Any

import avro.schema
import pytest
from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType
from foldlog.schemas import release
from foldlog.schemas.definitions import definition, full_names, schema_fingerprint
from foldlog.schemas.framing import BY_FULL_NAME, MARKER
from foldlog.schemas.releases import ReleasedSchema, find_released, released_schemas, version_key


def faults(reader: Any, writer: Any) -> set[str]:
    """Why what `writer` wrote cannot be read with `reader`; empty: it can."""
    checker: Any = ReaderWriterCompatibilityChecker  # has no types
    result = checker().get_compatibility(*(avro.schema.parse(json.dumps(schema)) for schema in (reader, writer)))
    if result.compatibility is SchemaCompatibilityType.compatible:
        return set()
    return {f"{place}: {message}" for place in result.locations for message in result.messages}


@pytest.mark.parametrize("released", released_schemas(), ids=lambda r: f"{r.version}-{r.full_name}")
def test_the_present_schema_is_compatible_with_a_released_one(released: ReleasedSchema) -> None:
    """If this fails for a change that you want: give new fields defaults, and do not remove those without."""
    assert released.full_name in full_names(), "a released record type cannot be removed"
    present = definition(released.full_name)
    assert faults(reader=present, writer=released.definition) == set(), "old records could not be read"
    assert faults(reader=released.definition, writer=present) == set(), "old programs could not read new records"


@pytest.mark.parametrize("released", released_schemas(), ids=lambda r: f"{r.version}-{r.full_name}")
def test_a_released_schema_is_stored_under_its_fingerprint(released: ReleasedSchema) -> None:
    assert schema_fingerprint(released.definition) == released.fingerprint
    assert find_released(released.fingerprint) == released.definition


def example() -> dict[str, Any]:
    return copy.deepcopy(definition("foldlog.log.ActivityAttempt"))


def field(schema: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(entry for entry in schema["fields"] if entry["name"] == name)
    return found


def test_the_checker_sees_a_new_field_without_default() -> None:
    new = example()
    new["fields"].append({"name": "new", "type": "string"})
    assert faults(reader=new, writer=example())
    assert not faults(reader=example(), writer=new)
    new["fields"][-1]["default"] = ""
    assert not faults(reader=new, writer=example())


def test_the_checker_sees_that_a_field_without_default_has_gone() -> None:
    new = example()
    new["fields"].remove(field(new, "run_id"))
    assert faults(reader=example(), writer=new)


def test_the_checker_sees_a_change_of_type() -> None:
    new = example()
    field(new, "attempt")["type"] = "string"
    assert faults(reader=new, writer=example())


def test_the_checker_sees_a_change_that_only_one_direction_survives() -> None:
    new = example()
    field(new, "attempt")["type"] = "long"
    assert not faults(reader=new, writer=example())
    assert faults(reader=example(), writer=new)


def test_the_checker_lets_enums_with_a_default_grow() -> None:
    new = example()
    field(new, "phase")["type"]["symbols"].append("PAUSED")
    assert not faults(reader=example(), writer=new)
    del new["fields"]
    old = example()
    del field(old, "phase")["type"]["default"]
    grown = example()
    field(grown, "phase")["type"]["symbols"].append("PAUSED")
    assert faults(reader=old, writer=grown)


def test_a_release_has_the_schemas_that_no_earlier_one_had() -> None:
    released = {(schema.full_name, schema.fingerprint) for schema in released_schemas()}
    later = json.loads(release.frozen("99.0.0"))
    assert all((entry["name"], bytes.fromhex(entry["fingerprint"])) not in released for entry in later) or later == []
    for entry in later:
        assert MARKER + bytes.fromhex(entry["fingerprint"]) == BY_FULL_NAME[entry["name"]].header
    newest = {schema.full_name: schema.definition for schema in released_schemas()}
    newest |= {entry["name"]: entry["schema"] for entry in later}
    assert {name: newest[name] for name in full_names()} == {name: definition(name) for name in full_names()}


def test_versions_are_ordered_by_number() -> None:
    assert version_key("0.10.0") > version_key("0.9.12")
    with pytest.raises(ValueError, match="three numbers"):
        version_key("1.0")


def test_a_release_cannot_come_before_one_that_is_out() -> None:
    with pytest.raises(ValueError, match="is released already"):
        release.frozen("0.0.1")


@pytest.mark.parametrize("arguments", [[], ["0.0.1"], ["one"]])
def test_the_command_refuses_what_is_no_next_version(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert release.main(arguments) != 0
    assert capsys.readouterr().err
