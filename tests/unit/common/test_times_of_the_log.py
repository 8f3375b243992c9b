"""Times of the log that datetimes, or those of other time zones, do not know."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from foldlog._times import later, utc

HOUR_MS = 3_600_000
FIRST_MS = round(datetime(1, 1, 1, tzinfo=UTC).timestamp()) * 1000
LAST_MS = round(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp()) * 1000
ZONES = [timezone(timedelta(hours=hours)) for hours in (-23, 9, 23)]


@pytest.mark.parametrize("unix_ms", [FIRST_MS - 1, FIRST_MS, FIRST_MS + HOUR_MS, LAST_MS - HOUR_MS, LAST_MS, 10**17])
def test_the_farthest_times_can_be_shown_in_any_time_zone(unix_ms: int) -> None:
    found = utc(unix_ms)
    assert [found.astimezone(zone) for zone in ZONES] == [found] * len(ZONES)
    assert abs(found.timestamp() * 1000 - min(max(unix_ms, FIRST_MS), LAST_MS)) <= 24 * HOUR_MS


def test_so_can_what_is_later() -> None:
    begin = utc(LAST_MS - 48 * HOUR_MS)
    for span in (timedelta(hours=47), timedelta(days=99)):
        found = later(begin, span)
        assert [found.astimezone(zone) for zone in ZONES] == [found] * len(ZONES)
    assert later(begin, timedelta(hours=1)) == begin + timedelta(hours=1)
