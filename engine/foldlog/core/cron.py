"""Cron schedules: whether they can be read, and when the next run of one begins.

Owns what Temporal's schedules have besides the five fields: seconds and years, `@daily` and the like, `@every 1h30m`, a
time zone in front and a comment behind. The fields themselves are cronsim's. The time that is worked out here goes into
an event, so replay never asks again, whatever has become of a time zone since.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from foldlog.core.decider import WorkflowTaskError

_DESCRIPTORS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_UNITS_MS = {
    "d": 86_400_000.0,
    "h": 3_600_000.0,
    "m": 60_000.0,
    "s": 1_000.0,
    "ms": 1.0,
    "us": 0.001,
    "µs": 0.001,
    "ns": 0.000001,
}
_LONGEST_MS = 100 * 365 * 86_400_000
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ms|us|µs|ns|d|h|m|s)")
_COMMENT = re.compile(r"\s#.*", re.DOTALL)  # without white space in front, it is cronsim's: MON#2 is the second Monday
_YEARS = range(2000, 2101)
_YEAR_PART = re.compile(r"(?:\*|(?P<start>\d{4})(?:-(?P<end>\d{4}))?)(?:/(?P<step>\d+))?")
_FIVE = "it needs five fields (minute, hour, day of month, month, day of week), or @daily etc."
_MORE = (
    "it needs 5 to 7 fields: minute, hour, day of month, month, day of week; a year behind them; with a year, a second "
    "in front; or @daily etc."
)


def check_cron(schedule: str) -> None:
    """Refuse what is no cron schedule of a workflow.

    Raises:
        WorkflowTaskError: It is none; the message says why.
    """
    next_cron_ms(schedule, 0, 0)


def next_cron_ms(schedule: str, start_ms: int, now_ms: int, *, full: bool = False) -> int:
    """When the next run of a schedule begins.

    Args:
        schedule: Five fields, or a descriptor such as `@daily`, maybe after `CRON_TZ=<zone>`; or `@every <duration>`.
        start_ms: When the run before began, in Unix milliseconds: `@every` counts from there.
        now_ms: Now, likewise. The next run begins later, so times that passed while a run was under way are skipped.
        full: Take what Temporal takes for schedules, but not as the cron schedule of a workflow: six fields, the last
            one of years, or seven, the first one of seconds; `@every <duration>/<phase>`.

    Raises:
        WorkflowTaskError: The schedule cannot be read, or it never comes again.
    """
    rest = _COMMENT.sub("", schedule).strip()
    if rest.startswith("@every"):
        every_ms, phase_ms = _every_ms(rest.removeprefix("@every").strip(), schedule, full)
        start_ms += phase_ms
        return start_ms + ((now_ms - start_ms) // every_ms + 1) * every_ms
    zone: tzinfo = UTC
    if rest.startswith(("CRON_TZ=", "TZ=")):
        name, _, rest = rest.partition("=")[2].partition(" ")
        try:
            zone = ZoneInfo(name)
        except (KeyError, OSError, ValueError) as error:
            raise _unfit(schedule, f"there is no time zone {name!r}") from error
    fields = _DESCRIPTORS.get(rest.strip().lower(), rest).replace("?", "*").split()
    if len(fields) not in ((5, 6, 7) if full else (5,)):
        raise _unfit(schedule, _MORE if full else _FIVE)
    years = _years(fields.pop(), schedule) if len(fields) > 5 else None
    try:
        following = _next_match(" ".join(fields), years, datetime.fromtimestamp(max(start_ms, now_ms) / 1000, zone))
    except CronSimError as error:
        raise _unfit(schedule, str(error)) from error
    if following is None:
        raise _unfit(schedule, "it never comes")
    return int(following.timestamp()) * 1000


def _next_match(fields: str, years: list[int] | None, after: datetime) -> datetime | None:
    """The first match later than a time, in one of some years, sorted, if it must be; None: there is none."""
    found = next(CronSim(fields, after), None)
    if years is None:
        return found
    for year in years:
        if found is None or found.year == year:
            return found
        if found.year < year:
            found = next(CronSim(fields, datetime(year - 1, 12, 31, 23, 59, 59, tzinfo=after.tzinfo)), None)
            if found is not None and found.year == year:
                return found
    return None


def _years(text: str, schedule: str) -> list[int]:
    """The years of a field, written as the other fields are, sorted."""
    found: set[int] = set()
    for part in text.split(","):
        match = _YEAR_PART.fullmatch(part)
        if match is None:
            raise _unfit(schedule, f"{text!r} is no year, no range such as 2026-2030, and not *")
        start = int(match["start"] or _YEARS[0])
        # As in the other fields, what begins at one and has a step goes on to the last one.
        end = int(match["end"] or (start if match["start"] and not match["step"] else _YEARS[-1]))
        step = int(match["step"] or 1)
        if not (_YEARS[0] <= start <= end <= _YEARS[-1] and step):
            raise _unfit(schedule, f"{text!r} is no year from {_YEARS[0]} to {_YEARS[-1]}")
        found.update(range(start, end + 1, step))
    return sorted(found)


def _every_ms(text: str, schedule: str, full: bool) -> tuple[int, int]:
    """Period and phase of `@every`."""
    every, slash, phase = text.partition("/")
    if slash and not full:
        raise _unfit(schedule, "only a schedule has a phase; a workflow's runs count from the one before")
    every_ms = _duration_ms(every, schedule)
    if not 1000 <= every_ms <= _LONGEST_MS:
        raise _unfit(schedule, "@every is at least 1 s and at most 100 years")
    phase_ms = _duration_ms(phase, schedule) if slash else 0
    if phase_ms >= every_ms:
        raise _unfit(schedule, "the phase must be less than the period")
    return every_ms, phase_ms


def _duration_ms(text: str, schedule: str) -> int:
    """A duration as Go writes it, and with days, in milliseconds, without parts of a second."""
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise _unfit(schedule, f"{text!r} is no duration such as 1h30m or 90s")
    found_ms = sum(float(number) * _UNITS_MS[unit] for number, unit in parts)
    # More than any clock takes, as digits may come to infinity.
    return int(min(found_ms, 2.0 * _LONGEST_MS) // 1000) * 1000


def _unfit(schedule: str, why: str) -> WorkflowTaskError:
    return WorkflowTaskError(f"cron schedule {schedule!r} cannot be used: {why}")
