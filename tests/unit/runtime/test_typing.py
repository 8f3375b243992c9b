"""Type checkers know the results of activities, and find wrong calls: mypy says so of `typing_cases.py`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

CASES = Path(__file__).with_name("typing_cases.py")


def test_mypy_agrees_with_the_cases() -> None:
    root = CASES.parents[3]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", str(CASES)], capture_output=True, text=True, check=False, cwd=root
    )
    assert done.returncode == 0, done.stdout
    assert "type: ignore" in CASES.read_text()
