"""Durations as workflow code gives them, and as records have them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from foldlog._durations import LONGEST, LONGEST_MS


def milliseconds(name: str, value: Any) -> int:
    """A timeout in milliseconds, rounded up, and cut to `LONGEST`; 0 if there is none.

    Raises:
        TypeError: It is no timedelta.
        ValueError: It is negative.
    """
    if value is None:
        return 0
    if not isinstance(value, timedelta):
        raise TypeError(f"{name} must be a timedelta, not {type(value).__name__}")
    if value.days < 0:
        raise ValueError(f"{name} must not be negative: {value}")
    if value.days >= LONGEST.days:
        return LONGEST_MS
    return (value.days * 86_400 + value.seconds) * 1000 - (-value.microseconds // 1000)
