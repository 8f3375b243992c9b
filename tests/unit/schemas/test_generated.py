"""The schemas are documented and can evolve, and the generated modules are what the generator writes from them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from foldlog.schemas import _avsc, generate
from foldlog.schemas._avsc import AVSC
from foldlog.schemas.definitions import definition, full_names, schema_fingerprint
from foldlog.schemas.framing import BY_FULL_NAME, MARKER, RECORD_TYPES


def parts(schema: Any) -> Iterator[dict[str, Any]]:
    """All named types and fields in a schema."""
    if isinstance(schema, list):
        for part in schema:
            yield from parts(part)
    elif isinstance(schema, dict):
        if "name" in schema:
            yield schema
        for key in ("type", "items", "values", "fields"):
            yield from parts(schema.get(key))


def avsc_files() -> list[Path]:
    return sorted(AVSC.glob("*/*.avsc"))


def test_the_generated_modules_are_up_to_date() -> None:
    """If this fails: `python -m foldlog.schemas.generate`."""
    assert [path for path, text in generate.modules().items() if path.read_text(encoding="utf-8") != text] == []


@pytest.mark.parametrize("path", avsc_files(), ids=lambda path: path.stem)
def test_every_record_enum_and_field_is_documented(path: Path) -> None:
    schema = json.loads(path.read_text(encoding="utf-8"))
    undocumented = [part["name"] for part in parts(schema) if not part.get("doc", "").strip()]
    assert undocumented == []


@pytest.mark.parametrize("path", avsc_files(), ids=lambda path: path.stem)
def test_every_enum_has_a_default_so_that_new_symbols_can_be_read(path: Path) -> None:
    enums = [part for part in parts(json.loads(path.read_text(encoding="utf-8"))) if part.get("type") == "enum"]
    assert [enum["name"] for enum in enums if enum.get("default") not in enum["symbols"]] == []


@pytest.mark.parametrize("path", avsc_files(), ids=lambda path: path.stem)
def test_a_file_is_named_after_its_record(path: Path) -> None:
    schema = json.loads(path.read_text(encoding="utf-8"))
    assert (schema["namespace"], schema["name"]) == (f"foldlog.{path.parent.name}", path.stem)


def test_every_file_has_a_class_and_the_header_of_its_schema() -> None:
    assert {record_type.full_name for record_type in RECORD_TYPES} == set(full_names())
    for full_name in full_names():
        assert BY_FULL_NAME[full_name].header == MARKER + schema_fingerprint(definition(full_name))


def test_no_two_schemas_have_the_same_fingerprint() -> None:
    assert len({record_type.header for record_type in RECORD_TYPES}) == len(RECORD_TYPES)


@pytest.mark.parametrize("path", avsc_files(), ids=lambda path: path.stem)
def test_a_definition_says_all_that_the_file_says(path: Path) -> None:
    """What programs in other languages get has the docs, the defaults and the logical types."""
    published = {entry["name"]: entry for entry in definition(f"foldlog.{path.parent.name}.{path.stem}")["fields"]}
    for entry in json.loads(path.read_text(encoding="utf-8"))["fields"]:
        found = published[entry["name"]]
        assert (found.get("doc"), found.get("default")) == (entry.get("doc"), entry.get("default"))
        if isinstance(entry["type"], dict) and "logicalType" in entry["type"]:
            assert found["type"] == entry["type"]


def test_usual_values_come_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    early = {"name": "early", "type": "string", "default": "", "usual": ""}
    late = {"name": "late", "type": "long"}
    (tmp_path / "event").mkdir()
    (tmp_path / "event" / "R.avsc").write_text(
        json.dumps({"name": "R", "doc": "A record.", "fields": [early, late]}), encoding="utf-8"
    )
    monkeypatch.setattr(_avsc, "AVSC", tmp_path)
    with pytest.raises(ValueError, match="'late' comes after 'early', which has a usual value"):
        _avsc.records_of("event")
