"""Writes the golden bytes of record types that have none yet: `python -m tests.unit.schemas.write_golden`.

What is there stays as it is: bytes that were once written must be readable forever. A schema that changed
compatibly gets new entries beside the old ones, which from then on only have to be readable.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from foldlog.schemas.framing import BY_FULL_NAME, encode

from tests.unit.schemas.samples import FRAMED, full_record, least_record, to_json

GOLDEN = Path(__file__).parent / "golden"


def golden_files() -> list[Path]:
    return sorted(GOLDEN.glob("*.json"))


def main() -> int:
    """Returns the exit code."""
    GOLDEN.mkdir(exist_ok=True)
    for full_name in FRAMED:
        path = GOLDEN / f"{full_name}.json"
        entries: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
        header = BY_FULL_NAME[full_name].header.hex()
        if any(entry["frame"].startswith(header) for entry in entries):
            continue
        for record in (full_record(full_name), least_record(full_name)):
            entries.append({"record": to_json(record), "frame": encode(record).hex()})
        path.write_text(json.dumps(entries, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
