"""Type checkers know what calls come to, and find wrong ones: mypy and pyright say the same of the files of cases."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
UNIT = ROOT / "tests" / "unit"
CASES = [
    UNIT / "client" / "typing_cases.py",
    UNIT / "client" / "typing_handles.py",
    UNIT / "runtime" / "typing_cases.py",
    UNIT / "runtime" / "typing_activities.py",
]
ONLY_MYPY = "[empty-body]"
"""An error that pyright has no counterpart of; no case is about it."""


def test_mypy_agrees_with_the_cases() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", *map(str, CASES)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stdout
    assert len(_expected()) > 90


def test_pyright_finds_errors_in_the_same_lines(tmp_path: Path) -> None:
    """`basedpyright` is pyright with its node in a wheel: nothing is downloaded."""
    settings = {
        "include": [str(path) for path in CASES],
        "typeCheckingMode": "standard",
        "enableTypeIgnoreComments": False,
        "reportUnusedCoroutine": "error",
    }
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
    done = subprocess.run(
        [sys.executable, "-m", "basedpyright", "-p", str(tmp_path), "--pythonpath", sys.executable, "--outputjson"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    report = json.loads(done.stdout)
    assert report["summary"]["filesAnalyzed"] == len(CASES), done.stderr
    found = {
        (_name(Path(one["file"])), one["range"]["start"]["line"] + 1): one["message"]
        for one in report["generalDiagnostics"]
        if one["severity"] == "error"
    }
    expected = _expected()
    assert {place: text for place, text in found.items() if place not in expected} == {}
    assert {place: line for place, line in expected.items() if place not in found} == {}


def _expected() -> dict[tuple[str, int], str]:
    """The lines in which something is wrong, by file and number."""
    return {
        (_name(path), number): line.strip()
        for path in CASES
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if "# type: ignore[" in line and ONLY_MYPY not in line
    }


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"
