"""When a schedule is due, in the words of its users. Names and defaults are those of `temporalio.client`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from foldlog._durations import LONGEST
from foldlog._option_types import check_option
from foldlog._times import utc
from foldlog.schedules import model

_MILLISECOND = timedelta(milliseconds=1)
_EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True)
class ScheduleRange:
    """Numbers that a field of a calendar may have."""

    start: int
    """The first."""
    end: int = 0
    """The last; if it is less than the first, the first."""
    step: int = 0
    """From one to the next; 0: 1."""

    def __post_init__(self) -> None:
        for name in ("start", "end", "step"):
            check_option(f"ScheduleRange.{name}", getattr(self, name), int)
        if self.end < self.start:
            object.__setattr__(self, "end", self.start)
        if self.step == 0:
            object.__setattr__(self, "step", 1)


@dataclass
class ScheduleCalendarSpec:
    """Times by the calendar: those that match a range of each field. No range of years matches every year."""

    second: Sequence[ScheduleRange] = (ScheduleRange(0),)
    """0 to 59; 0 if not given."""
    minute: Sequence[ScheduleRange] = (ScheduleRange(0),)
    """0 to 59; 0 if not given."""
    hour: Sequence[ScheduleRange] = (ScheduleRange(0),)
    """0 to 23; 0 if not given."""
    day_of_month: Sequence[ScheduleRange] = (ScheduleRange(1, 31),)
    """1 to 31; all if not given."""
    month: Sequence[ScheduleRange] = (ScheduleRange(1, 12),)
    """1 to 12; all if not given."""
    year: Sequence[ScheduleRange] = ()
    """All if not given."""
    day_of_week: Sequence[ScheduleRange] = (ScheduleRange(0, 6),)
    """0, Sunday, to 6; all if not given."""
    comment: str | None = None
    """For people."""


@dataclass
class ScheduleIntervalSpec:
    """Times at which the Unix epoch lies a whole number of periods back, the offset aside."""

    every: timedelta
    """The period, at least 1 s."""
    offset: timedelta | None = None
    """Less than the period."""


@dataclass
class ScheduleSpec:
    """When actions are due: the times of calendars, intervals and cron expressions, without those that are skipped."""

    calendars: Sequence[ScheduleCalendarSpec] = field(default_factory=list)
    """Times by the calendar."""
    intervals: Sequence[ScheduleIntervalSpec] = field(default_factory=list)
    """Times at an interval."""
    cron_expressions: Sequence[str] = field(default_factory=list)
    """Five fields; six, with a year behind; seven, with a second in front too; `@daily` and the like; `@every 1h/10m`,
    with or without a phase. `CRON_TZ=` in front gives it another time zone, and `#` after a space begins a comment."""
    skip: Sequence[ScheduleCalendarSpec] = field(default_factory=list)
    """Times that are left out."""
    start_at: datetime | None = None
    """No time before this one."""
    end_at: datetime | None = None
    """No time after this one."""
    jitter: timedelta | None = None
    """Each action is late by up to so much, but not until the time that follows."""
    time_zone_name: str | None = None
    """Whose wall clock calendars and cron expressions mean, such as `Europe/Berlin`; None: UTC."""


def spec_to_model(spec: ScheduleSpec) -> model.Spec:
    """As it is in the log."""
    return model.Spec(
        calendars=[_calendar_to_model(calendar) for calendar in spec.calendars],
        intervals=[
            model.Interval(_in_ms(interval.every), _in_ms(interval.offset or timedelta()))
            for interval in spec.intervals
        ],
        crons=list(spec.cron_expressions),
        skip=[_calendar_to_model(calendar) for calendar in spec.skip],
        start_ms=None if spec.start_at is None else to_ms(spec.start_at),
        end_ms=None if spec.end_at is None else to_ms(spec.end_at),
        jitter_ms=_in_ms(spec.jitter or timedelta()),
        time_zone=spec.time_zone_name or None,
    )


def spec_from_model(spec: model.Spec) -> ScheduleSpec:
    """As users see it."""
    return ScheduleSpec(
        calendars=[_calendar_from_model(calendar) for calendar in spec.calendars],
        intervals=[
            ScheduleIntervalSpec(interval.every_ms * _MILLISECOND, duration(interval.offset_ms))
            for interval in spec.intervals
        ],
        cron_expressions=list(spec.crons),
        skip=[_calendar_from_model(calendar) for calendar in spec.skip],
        start_at=None if spec.start_ms is None else from_ms(spec.start_ms),
        end_at=None if spec.end_ms is None else from_ms(spec.end_ms),
        jitter=duration(spec.jitter_ms),
        time_zone_name=spec.time_zone,
    )


def _in_ms(duration: timedelta) -> int:
    return min(duration, LONGEST) // _MILLISECOND


def to_ms(time: datetime) -> int:
    """Unix milliseconds; a time without a zone is in UTC, as in Temporal."""
    aware = time if time.tzinfo is not None else time.replace(tzinfo=UTC)
    return (aware - _EPOCH) // _MILLISECOND


def from_ms(unix_ms: int) -> datetime:
    """With UTC as its zone."""
    return utc(unix_ms)


def duration(ms: int) -> timedelta | None:
    """None for 0."""
    return ms * _MILLISECOND if ms else None


def _calendar_to_model(calendar: ScheduleCalendarSpec) -> model.Calendar:
    return model.Calendar(
        second=_ranges_to_model(calendar.second),
        minute=_ranges_to_model(calendar.minute),
        hour=_ranges_to_model(calendar.hour),
        day_of_month=_ranges_to_model(calendar.day_of_month),
        month=_ranges_to_model(calendar.month),
        year=_ranges_to_model(calendar.year),
        day_of_week=_ranges_to_model(calendar.day_of_week),
        comment=calendar.comment or None,
    )


def _calendar_from_model(calendar: model.Calendar) -> ScheduleCalendarSpec:
    return ScheduleCalendarSpec(
        second=_ranges_from_model(calendar.second),
        minute=_ranges_from_model(calendar.minute),
        hour=_ranges_from_model(calendar.hour),
        day_of_month=_ranges_from_model(calendar.day_of_month),
        month=_ranges_from_model(calendar.month),
        year=_ranges_from_model(calendar.year),
        day_of_week=_ranges_from_model(calendar.day_of_week),
        comment=calendar.comment,
    )


def _ranges_to_model(ranges: Sequence[ScheduleRange]) -> list[model.Range]:
    return [model.Range(part.start, part.end, part.step) for part in ranges]


def _ranges_from_model(ranges: Sequence[model.Range]) -> tuple[ScheduleRange, ...]:
    return tuple(ScheduleRange(part.start, part.end, part.step) for part in ranges)
