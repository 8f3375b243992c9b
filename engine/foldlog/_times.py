"""Times of the log as datetimes. A delay or a limit may lead to times that datetimes do not know.

The farthest stand for them, so that one workflow with such a limit does not hide all others from those who list them.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

__all__ = ["later", "utc"]

_DAY = timedelta(days=1)
# A day off both ends, so that they can be shown in any time zone.
_FIRST = datetime.min.replace(tzinfo=UTC) + _DAY
_LAST = datetime.max.replace(microsecond=0, tzinfo=UTC) - _DAY
_SURELY_MS = 200_000_000_000_000
"""From 1970 to here, in the year 8307, there is no doubt."""


def utc(unix_ms: int) -> datetime:
    """Unix milliseconds with UTC as their zone; what is too far away is the first or the last that there is."""
    if 0 <= unix_ms < _SURELY_MS:
        return datetime.fromtimestamp(unix_ms / 1000, UTC)
    try:
        return min(max(datetime.fromtimestamp(unix_ms / 1000, UTC), _FIRST), _LAST)
    except (ValueError, OverflowError, OSError):
        return _LAST if unix_ms > 0 else _FIRST


def later(time: datetime, span: timedelta) -> datetime:
    """So much later; likewise."""
    try:
        return min(time + span, _LAST)
    except OverflowError:
        return _LAST
