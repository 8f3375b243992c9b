"""What the garbage collector has no more to look at once a processor has started."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import gc
from foldlog.processors.heap import keep_what_is_loaded
keep_what_is_loaded()
kept = gc.get_freeze_count()
made = [[] for _ in range(1_000)]
keep_what_is_loaded()
print(kept > 0, gc.get_freeze_count() == kept)
"""


def test_what_is_loaded_is_kept_once() -> None:
    """What workflows make later stays collectable, also when another worker starts."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["True", "True"]
