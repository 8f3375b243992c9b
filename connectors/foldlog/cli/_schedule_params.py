"""How schedules are written on the command line, and how they are shown as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import click
from foldlog.cli._output import as_text, iso
from foldlog.cli._params import duration, json_values, not_empty
from foldlog.client import (
    ScheduleActionExecution,
    ScheduleActionExecutionStartWorkflow,
    ScheduleActionResult,
    ScheduleActionStartWorkflow,
    ScheduleCalendarSpec,
    ScheduleDescription,
    ScheduleIntervalSpec,
    ScheduleListDescription,
    ScheduleOverlapPolicy,
    ScheduleRange,
    ScheduleSpec,
)
from foldlog.exceptions import PayloadConversionError
from foldlog.schedules.times import range_text

_FIELDS = {
    "second": (0, 59),
    "minute": (0, 59),
    "hour": (0, 23),
    "day_of_month": (1, 31),
    "month": (1, 12),
    "year": (1970, 2100),
    "day_of_week": (0, 6),
}
_RANGE = re.compile(r"(?P<start>\d+)(-(?P<end>\d+))?(/(?P<step>\d+))?")

OVERLAP = click.Choice([policy.name for policy in ScheduleOverlapPolicy], case_sensitive=False)


def time(ctx: click.Context, param: click.Parameter, value: str | None) -> datetime | None:
    """A time in ISO 8601; without a zone, in UTC."""
    if value is None:
        return None
    try:
        return datetime.fromisoformat(value)
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is no time: write it as in 2026-08-01T12:00:00+02:00") from error


def intervals(ctx: click.Context, param: click.Parameter, values: Sequence[str]) -> list[ScheduleIntervalSpec]:
    """`1h`, or `1h/5m` with an offset."""
    found = []
    for value in values:
        every, slash, offset = value.partition("/")
        period = duration(ctx, param, every)
        assert period is not None
        found.append(ScheduleIntervalSpec(period, duration(ctx, param, offset) if slash else None))
    return found


def calendars(ctx: click.Context, param: click.Parameter, values: Sequence[str]) -> list[ScheduleCalendarSpec]:
    """`{"hour": 9, "day_of_week": "1-5"}`: numbers, or texts such as `*`, `1-5`, `0-59/10` and `1,15`."""
    found = []
    for fields in json_values(ctx, param, values):
        if not isinstance(fields, dict):
            raise click.BadParameter(f"{json.dumps(fields)} is no JSON object")
        given: dict[str, Any] = {}
        for name, text in fields.items():
            if name == "comment":
                given[name] = str(text)
            elif name in _FIELDS:
                given[name] = _ranges(name, str(text))
            else:
                raise click.BadParameter(f"{name!r} is no field of a calendar: {', '.join(_FIELDS)}, comment")
        found.append(ScheduleCalendarSpec(**given))
    return found


def _ranges(name: str, text: str) -> list[ScheduleRange]:
    least, most = _FIELDS[name]
    found = []
    for part in text.split(","):
        match = _RANGE.fullmatch(part.strip().replace("*", f"{least}-{most}"))
        if match is None:
            raise click.BadParameter(f"{name}: {part!r} is no number, no range such as 1-5 or 0-59/10, and not *")
        start, step = int(match["start"]), int(match["step"] or 1)
        end = int(match["end"] or start)
        if not (least <= start <= end <= most and step):
            raise click.BadParameter(f"{name}: {part.strip()!r} is not within {least} to {most}, or no range")
        found.append(ScheduleRange(start, end, step))
    return found


_SPEC: dict[str, Any] = {
    "cron_expressions": [],
    "intervals": [],
    "calendars": [],
    "skip": [],
    "start_at": None,
    "end_at": None,
    "jitter": None,
    "time_zone_name": None,
}


def spec_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say when."""
    several: dict[str, Any] = {"multiple": True}
    options = [
        click.option(
            "--cron", "cron_expressions", metavar="TEXT", help="Five to seven fields, or @daily etc.", **several
        ),
        click.option(
            "--interval",
            "intervals",
            metavar="TIME[/OFFSET]",
            callback=intervals,
            help="1h/5m: at 5 minutes past each hour.",
            **several,
        ),
        click.option(
            "--calendar",
            "calendars",
            metavar="JSON",
            callback=calendars,
            help='{"hour": 9, "day_of_week": "1-5"}',
            **several,
        ),
        click.option(
            "--skip", metavar="JSON", callback=calendars, help="Times that are left out, likewise.", **several
        ),
        click.option(
            "--start-time", "start_at", metavar="TIME", callback=time, help="Nothing before 2026-08-01T12:00Z."
        ),
        click.option("--end-time", "end_at", metavar="TIME", callback=time, help="Nothing after."),
        click.option("--jitter", metavar="TIME", callback=duration, help="Be late by up to so much."),
        click.option(
            "--time-zone",
            "time_zone_name",
            metavar="NAME",
            callback=not_empty,
            help="Of calendars and cron.  [default: UTC]",
        ),
    ]
    for option in reversed(options):
        function = option(function)
    return function


def given_spec(options: dict[str, Any]) -> dict[str, Any]:
    """Takes what was said of when out of the options."""
    found = {name: options.pop(name) for name in _SPEC}
    return {name: value for name, value in found.items() if value not in (None, (), [])}


async def shown(found: ScheduleDescription) -> dict[str, Any]:
    """A description as JSON."""
    schedule, info = found.schedule, found.info
    action = schedule.action
    assert isinstance(action, ScheduleActionStartWorkflow)
    return {
        "id": found.id,
        "workflow_type": action.workflow,
        "workflow_id": action.id,
        "task_queue": action.task_queue,
        "args": await _args(found, action),
        "spec": spec(schedule.spec),
        "overlap": schedule.policy.overlap.name,
        "catchup_window": None if schedule.policy.catchup_window is None else _span(schedule.policy.catchup_window),
        "pause_on_failure": schedule.policy.pause_on_failure,
        "note": schedule.state.note,
        "paused": schedule.state.paused,
        "remaining_actions": schedule.state.remaining_actions if schedule.state.limited_actions else None,
        "num_actions": info.num_actions,
        "num_actions_missed_catchup_window": info.num_actions_missed_catchup_window,
        "num_actions_skipped_overlap": info.num_actions_skipped_overlap,
        "running_actions": [_execution(one) for one in info.running_actions],
        "recent_actions": [_taken(one) for one in info.recent_actions],
        "next_action_times": [moment(time) for time in info.next_action_times],
        "created_at": moment(info.created_at),
        "last_updated_at": moment(info.last_updated_at),
        "memo": dict(await found.memo()),
        "search_attributes": {
            pair.key.name: moment(pair.value) if isinstance(pair.value, datetime) else pair.value
            for pair in found.typed_search_attributes
        },
    }


def listed(found: ScheduleListDescription) -> dict[str, Any]:
    """A row of a list as JSON."""
    schedule, info = found.schedule, found.info
    return {
        "id": found.id,
        "workflow_type": getattr(schedule.action, "workflow", None) if schedule else None,
        "spec": spec(schedule.spec) if schedule else None,
        "note": schedule.state.note if schedule else None,
        "paused": schedule.state.paused if schedule else False,
        "recent_actions": [_taken(one) for one in info.recent_actions] if info else [],
        "next_action_times": [moment(time) for time in info.next_action_times] if info else [],
    }


def spec(found: ScheduleSpec) -> dict[str, Any]:
    """When, without what was not said; ranges as they are written on the command line."""
    given = {
        "cron": list(found.cron_expressions),
        "interval": [_span(one.every) + (f"/{_span(one.offset)}" if one.offset else "") for one in found.intervals],
        "calendar": [_calendar(one) for one in found.calendars],
        "skip": [_calendar(one) for one in found.skip],
        "start_time": moment(found.start_at),
        "end_time": moment(found.end_at),
        "jitter": _span(found.jitter) if found.jitter else None,
        "time_zone": found.time_zone_name,
    }
    return {name: value for name, value in given.items() if value}


def texts(value: Any) -> list[str]:
    """What one field of a `spec` says, as it is typed."""
    return [as_text(one) for one in (value if isinstance(value, list) else [value])]


def spec_text(found: dict[str, Any]) -> str:
    """A `spec` on one line. What does not look like a time by itself has its name: a skip looks like a calendar."""
    plain = ("cron", "interval", "calendar", "time_zone")
    return "; ".join(
        text if name in plain else f"{name.replace('_', ' ')} {text}"
        for name, value in found.items()
        for text in texts(value)
    )


def moment(time: datetime | None) -> str | None:
    """A time as ISO 8601 in UTC."""
    return None if time is None else iso(int(time.timestamp() * 1000))


def _calendar(found: ScheduleCalendarSpec) -> dict[str, Any]:
    usual = ScheduleCalendarSpec()
    fields = {name: tuple(getattr(found, name)) for name in _FIELDS}
    texts = {
        name: ",".join(map(range_text, ranges)) for name, ranges in fields.items() if ranges != getattr(usual, name)
    }
    return {**texts, "comment": found.comment} if found.comment else texts


def _span(length: timedelta) -> str:
    return f"{length.total_seconds():.3f}".rstrip("0").rstrip(".") + "s"


def _execution(action: ScheduleActionExecution) -> dict[str, str]:
    assert isinstance(action, ScheduleActionExecutionStartWorkflow)
    return {"workflow_id": action.workflow_id, "run_id": action.first_execution_run_id}


def _taken(taken: ScheduleActionResult) -> dict[str, Any]:
    return {
        **_execution(taken.action),
        "scheduled_at": moment(taken.scheduled_at),
        "started_at": moment(taken.started_at),
    }


async def _args(found: ScheduleDescription, action: ScheduleActionStartWorkflow) -> list[Any]:
    try:
        return await found.data_converter.decode(action.args)
    except PayloadConversionError:
        return [payload.data.hex() for payload in action.args]
