"""Cron schedules: whether they can be read, and when the next run of one begins.

Owns what Temporal's schedules have besides the five fields: `@daily` and the like, `@every 1h30m`, and a time zone in
front. The fields themselves are cronsim's. The time that is worked out here goes into an event, so replay never asks
again, whatever has become of a time zone since.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
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
_UNITS_MS = {"h": 3_600_000.0, "m": 60_000.0, "s": 1_000.0, "ms": 1.0, "us": 0.001, "µs": 0.001, "ns": 0.000001}
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ms|us|µs|ns|h|m|s)")


def check_cron(schedule: str) -> None:
    """Refuse what is no cron schedule.

    Raises:
        WorkflowTaskError: It is none; the message says why.
    """
    next_cron_ms(schedule, 0, 0)


def next_cron_ms(schedule: str, start_ms: int, now_ms: int) -> int:
    """When the next run of a schedule begins.

    Args:
        schedule: Five fields, or a descriptor such as `@daily`, maybe after `CRON_TZ=<zone>`; or `@every <duration>`.
        start_ms: When the run before began, in Unix milliseconds: `@every` counts from there.
        now_ms: Now, likewise. The next run begins later, so times that passed while a run was under way are skipped.

    Raises:
        WorkflowTaskError: The schedule cannot be read, or it never comes again.
    """
    rest = schedule.strip()
    if rest.startswith("@every"):
        every_ms = _every_ms(rest.removeprefix("@every").strip(), schedule)
        return start_ms + ((now_ms - start_ms) // every_ms + 1) * every_ms
    zone = UTC
    if rest.startswith(("CRON_TZ=", "TZ=")):
        name, _, rest = rest.partition("=")[2].partition(" ")
        try:
            zone = ZoneInfo(name)  # type: ignore[assignment]  # both are tzinfo
        except (KeyError, OSError, ValueError) as error:
            raise _unfit(schedule, f"there is no time zone {name!r}") from error
    fields = _DESCRIPTORS.get(rest.strip().lower(), rest).replace("?", "*").split()
    if len(fields) != 5:
        raise _unfit(schedule, "it needs five fields (minute, hour, day of month, month, day of week), or @daily etc.")
    try:
        following = next(CronSim(" ".join(fields), datetime.fromtimestamp(max(start_ms, now_ms) / 1000, zone)))
    except CronSimError as error:
        raise _unfit(schedule, str(error)) from error
    except StopIteration:
        raise _unfit(schedule, "it never comes") from None
    return int(following.timestamp()) * 1000


def _every_ms(text: str, schedule: str) -> int:
    """A duration as Go writes it, in whole seconds and at least one, in milliseconds."""
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise _unfit(schedule, f"{text!r} is no duration such as 1h30m or 90s")
    total_ms = sum(float(number) * _UNITS_MS[unit] for number, unit in parts)
    return max(int(total_ms // 1000), 1) * 1000


def _unfit(schedule: str, why: str) -> WorkflowTaskError:
    return WorkflowTaskError(f"cron schedule {schedule!r} cannot be used: {why}")
