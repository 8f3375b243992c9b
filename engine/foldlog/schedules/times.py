"""When a schedule is due: a function of what was said and of a time. Knows no clock.

A calendar is about the wall clock of its time zone, and as literal as Temporal's: a time that is skipped when summer
time begins does not match, and one that comes twice when it ends matches twice. Cron expressions are cronsim's:
without a `*` in minutes and hours, a skipped hour's jobs come right after it, and in one that comes twice once.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Protocol
from zoneinfo import ZoneInfo

from foldlog.core.cron import next_cron_ms
from foldlog.core.decider import WorkflowTaskError
from foldlog.schedules.model import Calendar, Range, Spec

LAST_YEAR = 2100
"""A calendar that does not come before its end never comes."""
_MOST_SKIPPED = 10_000
_FIELDS = (
    ("second", 0, 59),
    ("minute", 0, 59),
    ("hour", 0, 23),
    ("day_of_month", 1, 31),
    ("month", 1, 12),
    ("day_of_week", 0, 6),
)
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_MILLISECOND = timedelta(milliseconds=1)
_EPOCH = datetime(1970, 1, 1)


class Numbers(Protocol):
    """Numbers from `start` to `end`, of a schedule in the log or of a user's."""

    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def step(self) -> int: ...


def check_spec(spec: Spec) -> None:
    """Refuse what can never be worked out.

    Raises:
        ValueError: A time zone, a cron expression, a range or an interval cannot be; the message names it.
    """
    _zone(spec.time_zone)
    for calendar in (*spec.calendars, *spec.skip):
        for name, least, most in _FIELDS:
            for part in getattr(calendar, name):
                if not (least <= part.start <= part.end <= most and part.step >= 1):
                    raise ValueError(f"a calendar's {name} is from {least} to {most}, not {range_text(part)}")
    for interval in spec.intervals:
        if interval.every_ms < 1000:
            raise ValueError("an interval is at least 1 s")
        if not 0 <= interval.offset_ms < interval.every_ms:
            raise ValueError("an interval's offset is at least 0 and less than the interval")
    if spec.jitter_ms < 0:
        raise ValueError("jitter must not be negative")
    for cron in spec.crons:
        try:
            next_cron_ms(_zoned(cron, spec.time_zone), 0, 0, full=True)
        except WorkflowTaskError as error:
            raise ValueError(str(error)) from error


def range_text(part: Numbers) -> str:
    """Numbers as they are written in calendars: `9`, `1-5`, `0-59/15`."""
    text = str(part.start) if part.start == part.end else f"{part.start}-{part.end}"
    return text if part.step == 1 else f"{text}/{part.step}"


def next_time(spec: Spec, after_ms: int) -> int | None:
    """The first time later than `after_ms`, without jitter; None: there is none."""
    if spec.start_ms is not None:
        after_ms = max(after_ms, spec.start_ms - 1)
    for _ in range(_MOST_SKIPPED):
        found = _next_of_any(spec, after_ms)
        if found is None or (spec.end_ms is not None and found > spec.end_ms):
            return None
        skipped_until = _skipped_until(spec, found)
        if not skipped_until:
            return found
        after_ms = skipped_until
    return None


def following(spec: Spec, seed: str, after_ms: int, count: int) -> list[int]:
    """The first times later than `after_ms`, at most `count`, with jitter."""
    found: list[int] = []
    nominal_ms = next_time(spec, after_ms)
    while nominal_ms is not None and len(found) < count:
        found.append(with_jitter(spec, seed, nominal_ms))
        nominal_ms = next_time(spec, nominal_ms)
    return found


def with_jitter(spec: Spec, seed: str, nominal_ms: int) -> int:
    """When the action of a time is due: the same for a seed and a time, always, and before the time that follows."""
    if not spec.jitter_ms:
        return nominal_ms
    following = next_time(spec, nominal_ms)
    most = spec.jitter_ms if following is None else min(spec.jitter_ms, following - nominal_ms - 1)
    drawn = int.from_bytes(hashlib.blake2b(f"{seed}\0{nominal_ms}".encode(), digest_size=8).digest(), "big")
    return nominal_ms + (drawn * (most + 1) >> 64)


def _next_of_any(spec: Spec, after_ms: int) -> int | None:
    zone = _zone(spec.time_zone)
    found: list[int] = []
    for interval in spec.intervals:
        periods = (after_ms - interval.offset_ms) // interval.every_ms + 1
        found.append(periods * interval.every_ms + interval.offset_ms)
    for cron in spec.crons:
        try:
            found.append(next_cron_ms(_zoned(cron, spec.time_zone), 0, after_ms, full=True))
        except WorkflowTaskError:
            continue  # it could be read when the schedule was made; it does not come again
    for calendar in spec.calendars:
        matching = _compiled(calendar).next(after_ms, zone)
        if matching is not None:
            found.append(matching)
    return min(found, default=None)


def _skipped_until(spec: Spec, time_ms: int) -> int:
    """0: the time is not skipped; else the end of what is skipped with it, as far as that is easy to tell."""
    if not spec.skip:
        return 0
    local = datetime.fromtimestamp(time_ms / 1000, _zone(spec.time_zone))
    return max((_compiled(calendar).matches_until(local, time_ms) for calendar in spec.skip), default=0)


def _zoned(cron: str, time_zone: str | None) -> str:
    if time_zone is None or cron.lstrip().startswith(("CRON_TZ=", "TZ=", "@every")):
        return cron
    return f"CRON_TZ={time_zone} {cron}"


def _zone(name: str | None) -> tzinfo:
    if not name or name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError) as error:
        raise ValueError(f"there is no time zone {name!r}") from error


class _Calendar:
    """The values of a calendar's fields, sorted."""

    def __init__(self, calendar: Calendar) -> None:
        self.seconds = _values(calendar.second)
        self.minutes = _values(calendar.minute)
        self.hours = _values(calendar.hour)
        self.days = frozenset(_values(calendar.day_of_month))
        self.months = _values(calendar.month)
        self.years = frozenset(_values(calendar.year)) if calendar.year else None
        self.weekdays = frozenset(_values(calendar.day_of_week))

    def next(self, after_ms: int, zone: tzinfo) -> int | None:
        """The first match later than a time."""
        if not (self.seconds and self.minutes and self.hours and self.days and self.months and self.weekdays):
            return None
        now = datetime.fromtimestamp(after_ms / 1000, zone).replace(microsecond=0, tzinfo=None, fold=0)
        day = now.replace(hour=0, minute=0, second=0)
        while day.year <= LAST_YEAR:
            if self._has_month(day):
                if self._has_day(day):
                    for offset, begin_ms, end_ms in _stretches(day, zone):
                        found = self._next_in(day, offset, max(begin_ms, after_ms + 1), end_ms)
                        if found is not None:
                            return found
                day += _DAY
            else:
                day = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
        return None

    def _next_in(self, day: datetime, offset: timedelta, begin_ms: int, end_ms: int) -> int | None:
        """The first match of a day from a time on and before another one, between which the clock is not changed."""
        least = max(_local(begin_ms, offset), day)
        if least >= day + _DAY:
            return None
        for local in self._times(day, least):
            found = _instant_ms(local, offset)
            if found >= begin_ms:
                return found if found < end_ms else None
        return None

    def matches_until(self, local: datetime, time_ms: int) -> int:
        """0 if a time does not match, else a time up to which all match."""
        if not (
            self._has_month(local)
            and self._has_day(local)
            and local.hour in self.hours
            and local.minute in self.minutes
            and local.second in self.seconds
        ):
            return 0
        if len(self.seconds) < 60 or len(self.minutes) < 60:
            return time_ms
        # Days are of 24 hours by the sun only, so of whole days only what surely belongs to them is passed over.
        left = _HOUR - timedelta(minutes=local.minute, seconds=local.second)
        if len(self.hours) == 24:
            left += timedelta(hours=max(20 - local.hour, 0))
        return time_ms - time_ms % 1000 + left // _MILLISECOND - 1

    def _has_month(self, local: datetime) -> bool:
        return local.month in self.months and (self.years is None or local.year in self.years)

    def _has_day(self, local: datetime) -> bool:
        return local.day in self.days and local.isoweekday() % 7 in self.weekdays

    def _times(self, day: datetime, least: datetime) -> Iterator[datetime]:
        """The times of one day from `least` on."""
        for hour in self.hours[bisect_left(self.hours, least.hour) :]:
            for minute in self.minutes:
                if (hour, minute) >= (least.hour, least.minute):
                    for second in self.seconds:
                        local = day.replace(hour=hour, minute=minute, second=second)
                        if local >= least:
                            yield local


def _stretches(day: datetime, zone: tzinfo) -> list[tuple[timedelta, int, int]]:
    """The parts of a day in which the clock runs on, each with its offset from UTC, its begin and its end.

    There are two of them on a day on which the clock is changed.
    """
    before, after = _offset(day, zone), _offset(day + _DAY, zone)
    begin_ms, end_ms = _instant_ms(day, before), _instant_ms(day + _DAY, after)
    if before == after:
        return [(before, begin_ms, end_ms)]
    low, high = begin_ms // 1000, end_ms // 1000
    while low < high:  # for the first second with the new offset
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == before:
            low = middle + 1
        else:
            high = middle
    return [(before, begin_ms, low * 1000), (after, low * 1000, end_ms)]


def _offset(local: datetime, zone: tzinfo) -> timedelta:
    return local.replace(tzinfo=zone).utcoffset() or timedelta()


def _local(time_ms: int, offset: timedelta) -> datetime:
    return (_EPOCH + timedelta(milliseconds=time_ms) + offset).replace(microsecond=0)


def _instant_ms(local: datetime, offset: timedelta) -> int:
    return (local - offset - _EPOCH) // _MILLISECOND


def _values(ranges: list[Range]) -> list[int]:
    return sorted({value for part in ranges for value in range(part.start, part.end + 1, part.step)})


def _compiled(calendar: Calendar) -> _Calendar:
    key = tuple(
        tuple((part.start, part.end, part.step) for part in ranges)
        for ranges in (
            calendar.second,
            calendar.minute,
            calendar.hour,
            calendar.day_of_month,
            calendar.month,
            calendar.year,
            calendar.day_of_week,
        )
    )
    return _of_key(key)


@lru_cache(maxsize=256)
def _of_key(key: tuple[tuple[tuple[int, int, int], ...], ...]) -> _Calendar:
    second, minute, hour, day_of_month, month, year, day_of_week = ([Range(*part) for part in ranges] for ranges in key)
    return _Calendar(Calendar(second, minute, hour, day_of_month, month, year, day_of_week))
