"""When schedules are due: calendars, intervals, cron expressions, time zones, what is skipped, jitter."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from foldlog.schedules.model import Calendar, Interval, Range, Spec
from foldlog.schedules.times import check_spec, following, next_time, with_jitter
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

ALL: dict[str, Any] = {
    "second": [Range(0, 59)],
    "minute": [Range(0, 59)],
    "hour": [Range(0, 23)],
    "day_of_month": [Range(1, 31)],
    "month": [Range(1, 12)],
    "year": [],
    "day_of_week": [Range(0, 6)],
}
HOUR_MS = 3_600_000


def calendar(**fields: Any) -> Calendar:
    """A calendar of the given numbers or ranges; of seconds, minutes and hours 0, of the rest all."""
    given = {"second": 0, "minute": 0, "hour": 0} | fields
    ranges = {name: [Range(value, value)] if isinstance(value, int) else value for name, value in given.items()}
    return Calendar(**{**ALL, **ranges})


def ms(text: str) -> int:
    """A time, in UTC unless it says otherwise."""
    time = datetime.fromisoformat(text)
    return int((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() * 1000)


def texts(times: list[int], zone: str = "UTC") -> list[str]:
    return [datetime.fromtimestamp(time / 1000, ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S%z") for time in times]


def test_an_interval_counts_from_the_epoch() -> None:
    spec = Spec(intervals=[Interval(HOUR_MS, 5 * 60_000)])
    assert texts(following(spec, "", ms("2026-11-26T17:05"), 2)) == [
        "2026-11-26 18:05:00+0000",
        "2026-11-26 19:05:00+0000",
    ]


def test_the_29th_of_february() -> None:
    spec = Spec(calendars=[calendar(day_of_month=29, month=2, hour=12)])
    assert texts(following(spec, "", ms("2026-01-01"), 2)) == ["2028-02-29 12:00:00+0000", "2032-02-29 12:00:00+0000"]


def test_a_day_that_never_comes() -> None:
    assert next_time(Spec(calendars=[calendar(day_of_month=30, month=2)]), ms("2026-01-01")) is None
    assert next_time(Spec(calendars=[calendar(year=[Range(2020, 2025)])]), ms("2026-01-01")) is None
    assert next_time(Spec(calendars=[calendar(hour=[])]), 0) is None
    assert next_time(Spec(), 0) is None


def test_years_weekdays_and_steps() -> None:
    spec = Spec(
        calendars=[calendar(year=2027, month=1, day_of_week=[Range(1, 5, 4)], hour=[Range(6, 22, 8)], minute=30)]
    )
    assert texts(following(spec, "", ms("2026-11-26"), 4)) == [
        "2027-01-01 06:30:00+0000",  # a Friday
        "2027-01-01 14:30:00+0000",
        "2027-01-01 22:30:00+0000",
        "2027-01-04 06:30:00+0000",  # a Monday
    ]


def test_a_time_that_summer_time_leaves_out_does_not_match() -> None:
    spec = Spec(calendars=[calendar(hour=2, minute=30)], time_zone="Europe/Berlin")
    assert texts(following(spec, "", ms("2026-03-28T00:00"), 2), "Europe/Berlin") == [
        "2026-03-28 02:30:00+0100",
        "2026-03-30 02:30:00+0200",
    ]


def test_a_time_that_comes_twice_matches_twice() -> None:
    spec = Spec(calendars=[calendar(hour=2, minute=[Range(0, 59, 30)])], time_zone="Europe/Berlin")
    after = ms("2026-10-24T12:00")
    assert texts(following(spec, "", after, 5), "Europe/Berlin") == [
        "2026-10-25 02:00:00+0200",
        "2026-10-25 02:30:00+0200",
        "2026-10-25 02:00:00+0100",
        "2026-10-25 02:30:00+0100",
        "2026-10-26 02:00:00+0100",
    ]
    # Asked in the second of the two hours, it is not gone back to the first.
    assert texts([next_time(spec, ms("2026-10-25T02:10+01:00")) or 0], "Europe/Berlin") == ["2026-10-25 02:30:00+0100"]


CHANGES = [
    ("Europe/Berlin", "2026-03-29"),
    ("Europe/Berlin", "2026-10-25"),
    ("America/New_York", "2026-11-01"),
    ("America/Havana", "2026-11-01"),  # from 1 o'clock back to midnight
    ("America/Sao_Paulo", "2018-11-04"),  # from midnight to 1 o'clock
    ("America/Sao_Paulo", "2018-02-18"),  # from midnight back into the day before
    ("Australia/Lord_Howe", "2026-04-05"),  # by half an hour
    ("Pacific/Apia", "2011-12-30"),  # a day that there was not
]


@pytest.mark.parametrize(("zone", "day"), CHANGES)
@pytest.mark.parametrize("minutes", [[Range(30, 30)], [Range(0, 59, 15)], [Range(0, 0), Range(45, 45)]])
@pytest.mark.parametrize("hours", [[Range(0, 23)], [Range(0, 3)], [Range(0, 0), Range(23, 23)]])
def test_each_minute_that_matches_where_the_clock_is_changed(
    zone: str, day: str, minutes: list[Range], hours: list[Range]
) -> None:
    """By comparison with going through all minutes and looking at the clock."""
    spec = Spec(calendars=[calendar(hour=hours, minute=minutes)], time_zone=zone)
    begin, end = (ms(day) + days * 24 * HOUR_MS for days in (-2, 3))
    at_hours = {hour for part in hours for hour in range(part.start, part.end + 1, part.step)}
    at_minutes = {minute for part in minutes for minute in range(part.start, part.end + 1, part.step)}
    clock = ((time, datetime.fromtimestamp(time / 1000, ZoneInfo(zone))) for time in range(begin, end, 60_000))
    expected = [time for time, shown in clock if shown.hour in at_hours and shown.minute in at_minutes]
    assert following(spec, "", begin - 1, len(expected)) == expected


def test_cron_in_the_zone_of_the_schedule_and_in_its_own() -> None:
    after = ms("2026-07-01T00:00")
    assert texts(following(Spec(crons=["0 12 * * MON"], time_zone="America/New_York"), "", after, 1)) == [
        "2026-07-06 16:00:00+0000"
    ]
    own = Spec(crons=["CRON_TZ=Asia/Tokyo 0 12 * * *"], time_zone="America/New_York")
    assert texts(following(own, "", after, 1)) == ["2026-07-01 03:00:00+0000"]
    assert texts(following(Spec(crons=["@every 90m"]), "", after, 1)) == ["2026-07-01 01:30:00+0000"]
    full = Spec(crons=["@every 90m/10m", "30 0 2 1 7 * 2026"], time_zone="Europe/Berlin")
    assert texts(following(full, "", after, 3)) == [
        "2026-07-01 00:00:30+0000",
        "2026-07-01 00:10:00+0000",
        "2026-07-01 01:40:00+0000",
    ]


def test_start_and_end_are_times_too() -> None:
    spec = Spec(intervals=[Interval(HOUR_MS)], start_ms=ms("2026-12-01T00:00"), end_ms=ms("2026-12-01T02:00"))
    assert texts(following(spec, "", ms("2026-11-26"), 9)) == [
        "2026-12-01 00:00:00+0000",
        "2026-12-01 01:00:00+0000",
        "2026-12-01 02:00:00+0000",
    ]


def test_what_matches_twice_comes_once() -> None:
    spec = Spec(intervals=[Interval(HOUR_MS)], crons=["0 * * * *"], calendars=[replace(calendar(), hour=ALL["hour"])])
    assert texts(following(spec, "", 0, 2)) == ["1970-01-01 01:00:00+0000", "1970-01-01 02:00:00+0000"]


def test_weekends_are_skipped_second_by_second_but_quickly() -> None:
    weekend = Calendar(**{**ALL, "day_of_week": [Range(0, 0), Range(6, 6)]})
    spec = Spec(intervals=[Interval(1_000)], skip=[weekend], time_zone="Europe/Berlin")
    assert texts(following(spec, "", ms("2026-10-23T23:59:58+02:00"), 2), "Europe/Berlin") == [
        "2026-10-23 23:59:59+0200",
        "2026-10-26 00:00:00+0100",
    ]


def test_a_schedule_that_skips_everything_never_comes() -> None:
    assert next_time(Spec(intervals=[Interval(86_400_000)], skip=[Calendar(**ALL)]), 0) is None


@pytest.mark.parametrize(
    ("spec", "what"),
    [
        (Spec(time_zone="Mars/Olympus"), "Mars/Olympus"),
        (Spec(time_zone="/etc/passwd"), "time zone"),
        (Spec(crons=["0 25 * * *"]), "0 25"),
        (Spec(crons=["often"]), "5 to 7 fields"),
        (Spec(crons=["@every 100ms"]), "at least 1 s"),
        (Spec(calendars=[calendar(hour=24)]), "hour is from 0 to 23, not 24$"),
        (Spec(calendars=[calendar(hour=[Range(5, 30, 2)])]), "not 5-30/2$"),
        (Spec(skip=[calendar(day_of_week=7)]), "day_of_week"),
        (Spec(calendars=[calendar(month=[Range(1, 12, 0)])]), "month"),
        (Spec(intervals=[Interval(999)]), "1 s"),
        (Spec(intervals=[Interval(2_000, 2_000)]), "offset"),
        (Spec(jitter_ms=-1), "jitter"),
    ],
)
def test_what_can_never_be_worked_out(spec: Spec, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        check_spec(spec)


numbers = {
    "second": (0, 59),
    "minute": (0, 59),
    "hour": (0, 23),
    "day_of_month": (1, 31),
    "month": (1, 12),
    "day_of_week": (0, 6),
}


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    fields: dict[str, Any] = {"year": []}
    for name, (least, most) in numbers.items():
        if draw(st.booleans()):
            fields[name] = ALL[name]
        else:
            start = draw(st.integers(least, most))
            fields[name] = [Range(start, draw(st.integers(start, most)), draw(st.integers(1, 7)))]
    return Calendar(**fields)


def matches(one: Calendar, local: datetime) -> bool:
    shown = {
        "second": local.second,
        "minute": local.minute,
        "hour": local.hour,
        "day_of_month": local.day,
        "month": local.month,
        "day_of_week": local.isoweekday() % 7,
    }
    return all(
        any(value in range(part.start, part.end + 1, part.step) for part in getattr(one, name))
        for name, value in shown.items()
    )


@settings(deadline=None)
@given(
    one=calendars(),
    after=st.integers(ms("2026-01-01") // 1000, ms("2027-01-01") // 1000),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]),
)
@example(one=Calendar(**ALL), after=ms("2026-10-25T00:59:59") // 1000, zone="Europe/Berlin")
def test_the_next_time_of_a_calendar_is_the_first_match(one: Calendar, after: int, zone: str) -> None:
    """As going through the seconds would find it, as far as that is quick."""
    found = next_time(Spec(calendars=[one], time_zone=zone), after * 1000)
    if found is not None:
        assert found > after * 1000
        assert matches(one, datetime.fromtimestamp(found // 1000, ZoneInfo(zone)))
    for second in range(after + 1, after + 200):
        if found is not None and second * 1000 >= found:
            break
        local = datetime.fromtimestamp(second, ZoneInfo(zone))
        assert local.fold == 1 or not matches(one, local)


@given(
    every=st.integers(1, 10**6),
    jitter=st.integers(0, 10**7),
    after=st.integers(0, 10**12),
    seed=st.text(max_size=5),
)
def test_jitter_keeps_the_order_and_is_always_the_same(every: int, jitter: int, after: int, seed: str) -> None:
    spec = Spec(intervals=[Interval(every * 1000)], jitter_ms=jitter)
    nominal = next_time(spec, after)
    assert nominal is not None
    due = with_jitter(spec, seed, nominal)
    assert nominal <= due <= nominal + min(jitter, every * 1000 - 1)
    assert due == with_jitter(spec, seed, nominal)


def test_jitter_is_spread() -> None:
    spec = Spec(intervals=[Interval(HOUR_MS)], jitter_ms=HOUR_MS)
    late = [with_jitter(spec, "s", hour * HOUR_MS) - hour * HOUR_MS for hour in range(1000)]
    assert min(late) < HOUR_MS * 0.05
    assert max(late) > HOUR_MS * 0.95
    assert timedelta(milliseconds=sum(late) / len(late)) > timedelta(minutes=27)
