"""Durations as records have them: whole milliseconds, and none so long that a time after it cannot be written."""

from __future__ import annotations

from datetime import timedelta

LONGEST = timedelta(days=250 * 365)
"""What any longer duration is cut to, `timedelta.max` among them, which people use for "no limit"."""
LONGEST_MS = LONGEST // timedelta(milliseconds=1)
_MILLISECOND = timedelta(milliseconds=1)


def in_milliseconds(duration: timedelta) -> int:
    """A duration in milliseconds, rounded up."""
    return -(-min(duration, LONGEST) // _MILLISECOND)
