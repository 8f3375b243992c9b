"""The schemas that versions of foldlog were released with.

Owns the folder `released/`: one JSON file for each version, named after it, with the schemas that were new or
different then. They say what this build must stay compatible with, and let it read old records without asking anyone
for their schemas. Files are written by `python -m foldlog.schemas.release` and never changed once released.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources

from foldlog.schemas.definitions import Definition

FOLDER = resources.files("foldlog.schemas") / "released"


@dataclass(frozen=True)
class ReleasedSchema:
    """A schema of one record in a released version."""

    version: str
    """The version that had it first."""
    full_name: str
    fingerprint: bytes
    definition: Definition


@cache
def released_schemas() -> tuple[ReleasedSchema, ...]:
    """The schemas of all released versions, oldest version first."""
    files = [entry for entry in FOLDER.iterdir() if entry.name.endswith(".json")] if FOLDER.is_dir() else []
    versions = sorted((entry.name.removesuffix(".json") for entry in files), key=version_key)
    return tuple(schema for version in versions for schema in _read(version))


@cache
def _by_fingerprint() -> dict[bytes, Definition]:
    return {schema.fingerprint: schema.definition for schema in released_schemas()}


def find_released(fingerprint: bytes) -> Definition | None:
    """The schema with this fingerprint, if a released version had it."""
    return _by_fingerprint().get(fingerprint)


def version_key(version: str) -> tuple[int, ...]:
    """What versions are ordered by.

    Raises:
        ValueError: It is not three numbers with dots between.
    """
    numbers = tuple(int(part) for part in version.split("."))
    if len(numbers) != 3:
        raise ValueError(f"a version is three numbers, not {version!r}")
    return numbers


def _read(version: str) -> list[ReleasedSchema]:
    entries = json.loads((FOLDER / f"{version}.json").read_text(encoding="utf-8"))
    return [
        ReleasedSchema(version, entry["name"], bytes.fromhex(entry["fingerprint"]), entry["schema"])
        for entry in entries
    ]
