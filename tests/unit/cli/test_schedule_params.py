"""How schedules are written on the command line, and that what is shown can be typed again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click
import pytest
from foldlog.cli._output import as_text
from foldlog.cli._schedule_params import calendars, intervals, spec, spec_text
from foldlog.cli.schedule import _text
from foldlog.client import ScheduleSpec

CONTEXT = click.Context(click.Command("test"))
PARAM = click.Option(["--test"])


def test_times_are_shown_as_they_are_typed() -> None:
    typed = [
        '{"minute": "0-59/15", "hour": "9", "day_of_week": "1-5"}',
        '{"year": "2027,2030", "comment": "a \\"note\\""}',
    ]
    shown = spec(
        ScheduleSpec(
            calendars=calendars(CONTEXT, PARAM, typed),
            intervals=intervals(CONTEXT, PARAM, ["1h/5m"]),
            cron_expressions=["0 9 * * *", "@daily"],
        )
    )
    assert _text(shown["calendar"]).splitlines() == typed
    assert calendars(CONTEXT, PARAM, _text(shown["calendar"]).splitlines()) == calendars(CONTEXT, PARAM, typed)
    assert _text(shown["cron"]) == "0 9 * * *\n@daily"
    assert intervals(CONTEXT, PARAM, [_text(shown["interval"])]) == intervals(CONTEXT, PARAM, ["1h/5m"])


def test_a_list_tells_a_skip_from_a_calendar() -> None:
    found = spec(
        ScheduleSpec(
            calendars=calendars(CONTEXT, PARAM, ['{"hour": 9}', '{"hour": 12}']),
            skip=calendars(CONTEXT, PARAM, ['{"hour": 9, "month": 1}']),
            jitter=timedelta(minutes=1),
            start_at=datetime(2026, 1, 2, tzinfo=UTC),
            time_zone_name="Europe/Berlin",
        )
    )
    assert spec_text(found) == (
        '{"hour": "9"}; {"hour": "12"}; skip {"hour": "9", "month": "1"}; start time 2026-01-02T00:00:00.000Z;'
        " jitter 60s; Europe/Berlin"
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"hour": 26}', "hour: '26' is not within 0 to 23"),
        ('{"hour": "5-2"}', "hour: '5-2' is not within"),
        ('{"minute": "0-90/5"}', "minute: '0-90/5' is not within 0 to 59"),
        ('{"second": "1/0"}', "second: '1/0' is not within"),
        ('{"day_of_month": 0}', "day_of_month: '0' is not within 1 to 31"),
        ('{"year": 26}', "year: '26' is not within 1970 to 2100"),
        ('{"hour": "noon"}', "'noon' is no number"),
    ],
)
def test_a_calendar_that_cannot_be_is_told_in_its_own_words(text: str, told: str) -> None:
    with pytest.raises(click.BadParameter, match=told):
        calendars(CONTEXT, PARAM, [text])


def test_values_are_shown_as_json_and_texts_as_they_are() -> None:
    assert [as_text(value) for value in ("a b", {"sku": None}, ["ü", True], False, 1.5)] == [
        "a b",
        '{"sku": null}',
        '["ü", true]',
        "false",
        "1.5",
    ]


@pytest.mark.parametrize("text", ["/5m", "1h/", "1h/5m/1m", ""])
def test_what_is_no_interval_says_how_a_time_is_written(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is no time span"):
        intervals(CONTEXT, PARAM, [text])
