"""The worked example of docs/schemas.md is true."""

from __future__ import annotations

import json
import re
from pathlib import Path

from foldlog.schemas.framing import decode, encode

from tests.unit.schemas.samples import from_json, to_json

PAGE = (Path(__file__).parents[3] / "docs" / "schemas.md").read_text(encoding="utf-8")


def test_the_example_frame_is_that_of_the_example_record() -> None:
    record = json.loads(re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)[0])
    lines = re.findall(r"```\n(c3 01 .*?)```", PAGE, re.DOTALL)[0].splitlines()
    frame = bytes.fromhex("".join(re.match(r"\s*((?:[0-9a-f]{2} )+)", line)[1] for line in lines))  # type: ignore[index]
    assert to_json(decode(frame)) == record
    assert encode(from_json("foldlog.command.SignalWorkflow", record)) == frame
