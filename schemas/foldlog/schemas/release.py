"""Freezes the schemas of a release: `python -m foldlog.schemas.release VERSION`.

Writes `released/VERSION.json` (see `foldlog.schemas.releases`). From then on a test fails when a schema changes in a
way that old readers or old records would not survive. A file may be written again as long as its version is the
newest, which is for a release that has not gone out yet.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from foldlog.schemas.definitions import definition, full_names, schema_fingerprint
from foldlog.schemas.releases import released_schemas, version_key

FOLDER = Path(__file__).parent / "released"


def frozen(version: str) -> str:
    """The text of the file for a version: the schemas that no earlier version had, as they are now.

    Raises:
        ValueError: A later version is released already, or `version` is none.
    """
    own = version_key(version)
    newest: dict[str, object] = {}
    for released in released_schemas():
        if version_key(released.version) > own:
            raise ValueError(f"{released.version} is released already: {version} cannot come after it")
        if version_key(released.version) < own:
            newest[released.full_name] = released.definition
    entries = [
        {"name": name, "fingerprint": schema_fingerprint(definition(name)).hex(), "schema": definition(name)}
        for name in full_names()
        if newest.get(name) != definition(name)
    ]
    return json.dumps(entries, ensure_ascii=False, indent=1) + "\n"


def main(arguments: list[str]) -> int:
    """Writes the file; returns the exit code."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m foldlog.schemas.release VERSION\n")
        return 2
    try:
        text = frozen(arguments[0])
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{arguments[0]}.json").write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
