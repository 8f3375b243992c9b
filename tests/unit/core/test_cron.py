"""Cron schedules: when the next run begins, over changes of the clock too, and what is no schedule."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from foldlog.core.cron import check_cron, next_cron_ms
from foldlog.core.decider import WorkflowTaskError


def following(schedule: str, start: str, now: str | None = None) -> str:
    start_ms, now_ms = (int(datetime.fromisoformat(f"{at}+00:00").timestamp() * 1000) for at in (start, now or start))
    found = datetime.fromtimestamp(next_cron_ms(schedule, start_ms, now_ms) / 1000, UTC)
    return found.isoformat().removesuffix("+00:00")


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("* * * * *", "2026-03-27T10:21:00"),
        ("*/15 * * * *", "2026-03-27T10:30:00"),
        ("0 12 * * MON-FRI", "2026-03-27T12:00:00"),
        ("0 9 1 * ?", "2026-04-01T09:00:00"),
        ("30 8 * jan sun", "2027-01-03T08:30:00"),
        ("@hourly", "2026-03-27T11:00:00"),
        ("@daily", "2026-03-28T00:00:00"),
        ("@midnight", "2026-03-28T00:00:00"),
        ("@weekly", "2026-03-29T00:00:00"),
        ("@monthly", "2026-04-01T00:00:00"),
        ("@yearly", "2027-01-01T00:00:00"),
        ("@Annually", "2027-01-01T00:00:00"),
        ("@every 1h30m", "2026-03-27T11:50:30"),
        ("@every 90s", "2026-03-27T10:22:00"),
        ("@every 1s", "2026-03-27T10:20:31"),
        ("@every 1900ms", "2026-03-27T10:20:31"),
        ("@every 1d", "2026-03-28T10:20:30"),
        ("0 9 * * MON#2 # the second Monday", "2026-04-13T09:00:00"),
        ("CRON_TZ=America/New_York 0 9 * * *", "2026-03-27T13:00:00"),
        ("TZ=Asia/Kolkata  0 9 * * *", "2026-03-28T03:30:00"),
    ],
)
def test_when_the_next_run_begins(schedule: str, expected: str) -> None:
    assert following(schedule, "2026-03-27T10:20:30") == expected
    check_cron(schedule)


def test_it_is_later_than_now_also_if_the_run_took_long_or_began_at_the_tick() -> None:
    assert following("0 * * * *", "2026-03-27T10:00:00", "2026-03-27T10:00:00") == "2026-03-27T11:00:00"
    assert following("0 * * * *", "2026-03-27T10:00:00", "2026-03-27T13:30:00") == "2026-03-27T14:00:00"
    assert following("@every 10m", "2026-03-27T10:05:00", "2026-03-27T10:31:00") == "2026-03-27T10:35:00"
    assert following("@every 10m", "2026-03-27T10:05:00", "2026-03-27T10:35:00") == "2026-03-27T10:45:00"


def test_a_time_that_summer_time_leaves_out_comes_when_the_clock_jumps() -> None:
    # On 29 March 2026 there is no 02:30 in Berlin: the clock goes from 02:00 to 03:00, which is 01:00 in UTC.
    assert following("CRON_TZ=Europe/Berlin 30 2 * * *", "2026-03-28T12:00:00").startswith("2026-03-29T01:")
    assert following("CRON_TZ=Europe/Berlin 30 2 * * *", "2026-03-29T12:00:00") == "2026-03-30T00:30:00"


@pytest.mark.parametrize(
    "schedule",
    [
        "",
        "* * * *",
        "* * * * * *",
        "61 * * * *",
        "0 0 30 2 *",
        "@sometimes",
        "@every",
        "@every day",
        "@every 1h and more",
        "@every 0s",
        "@every 100ms",
        "@every 999999999h",
        f"@every {'9' * 400}h",
        "@every 1h/10m",
        "# nothing but a comment",
        "CRON_TZ=Mars/Base * * * * *",
        "CRON_TZ=../etc/passwd * * * * *",
        "CRON_TZ=Europe/Berlin",
    ],
)
def test_what_is_no_schedule(schedule: str) -> None:
    with pytest.raises(WorkflowTaskError, match="cron schedule"):
        check_cron(schedule)


def times(schedule: str, after: str, count: int) -> list[str]:
    """The times of a schedule, which takes more than a workflow does."""
    now_ms = int(datetime.fromisoformat(f"{after}+00:00").timestamp() * 1000)
    found = []
    for _ in range(count):
        now_ms = next_cron_ms(schedule, 0, now_ms, full=True)
        found.append(datetime.fromtimestamp(now_ms / 1000, UTC).isoformat().removesuffix("+00:00"))
    return found


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("0 9 * * *", ["2026-03-28T09:00:00", "2026-03-29T09:00:00"]),
        ("0 9 1 1 * 2028", ["2028-01-01T09:00:00"]),
        ("0 0 1 1 * 2027,2030", ["2027-01-01T00:00:00", "2030-01-01T00:00:00"]),
        ("0 0 1 1 * 2025-2040/5", ["2030-01-01T00:00:00", "2035-01-01T00:00:00", "2040-01-01T00:00:00"]),
        ("0 0 1 1 * 2098/2", ["2098-01-01T00:00:00", "2100-01-01T00:00:00"]),
        ("0 12 29 2 * 2030-2040", ["2032-02-29T12:00:00", "2036-02-29T12:00:00", "2040-02-29T12:00:00"]),
        ("*/20 20 10 * * * *", ["2026-03-27T10:20:40", "2026-03-28T10:20:00", "2026-03-28T10:20:20"]),
        ("5,15 0 0 31 DEC ? 2026/2", ["2026-12-31T00:00:05", "2026-12-31T00:00:15", "2028-12-31T00:00:05"]),
        ("CRON_TZ=Asia/Tokyo 0 0 1 1 * 2027", ["2026-12-31T15:00:00"]),
        ("@every 1h/10m", ["2026-03-27T11:10:00", "2026-03-27T12:10:00"]),
        ("@every 1d/9h30m # each morning", ["2026-03-28T09:30:00", "2026-03-29T09:30:00"]),
    ],
)
def test_seconds_years_and_phases_of_schedules(schedule: str, expected: list[str]) -> None:
    assert times(schedule, "2026-03-27T10:20:30", len(expected)) == expected


def test_no_time_comes_after_the_last_year() -> None:
    assert times("59 59 23 31 12 * 2026", "2026-03-27T10:20:30", 1) == ["2026-12-31T23:59:59"]
    with pytest.raises(WorkflowTaskError, match="never comes"):
        times("59 59 23 31 12 * 2026", "2026-03-27T10:20:30", 2)


@pytest.mark.parametrize(
    ("schedule", "why"),
    [
        ("* * * *", "5 to 7 fields"),
        ("* * * * * * * *", "5 to 7 fields"),
        ("0 0 9 * * MON", "'MON' is no year"),
        ("0 9 * * * 1999", "2000 to 2100"),
        ("0 9 * * * 2030-2026", "2000 to 2100"),
        ("0 9 * * * 2026/0", "2000 to 2100"),
        ("60 0 9 * * * *", "second"),
        ("@every 500ms", "at least 1 s"),
        ("@every 1h/", "no duration"),
        ("@every 1h/1h", "less than the period"),
    ],
)
def test_what_is_no_time_of_a_schedule(schedule: str, why: str) -> None:
    with pytest.raises(WorkflowTaskError, match=why):
        times(schedule, "2026-03-27T10:20:30", 1)
