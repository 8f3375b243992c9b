"""How values are written on the command line: JSON, durations, `name=value`. Callbacks for click's options."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import click

_UNITS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<unit>ms|s|m|h|d|)")


def duration(ctx: click.Context, param: click.Parameter, value: str | None) -> timedelta | None:
    """A time span: a number of seconds, or with a unit (`500ms`, `90s`, `5m`, `2h`, `7d`)."""
    if value is None:
        return None
    match = _DURATION.fullmatch(value.strip())
    if match is None:
        raise click.BadParameter(f"{value!r} is no time span: write seconds, or a unit as in 500ms, 90s, 5m, 2h, 7d")
    try:
        return timedelta(seconds=float(match["number"]) * _UNITS[match["unit"]])
    except OverflowError:
        raise click.BadParameter(
            f"{value!r} is longer than any clock goes: leave the option out for no limit"
        ) from None


def not_empty(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """A name that is given is not empty, as one from an unset shell variable would be."""
    if value == "":
        raise click.BadParameter("it must not be empty")
    return value


def json_values(ctx: click.Context, param: click.Parameter, values: Sequence[str]) -> list[Any]:
    """JSON texts as plain values, in order."""
    return [_json(value) for value in values]


def json_by_name(ctx: click.Context, param: click.Parameter, values: Sequence[str]) -> dict[str, Any]:
    """`name=JSON` texts as a mapping."""
    result = {}
    for value in values:
        name, separator, text = value.partition("=")
        if not separator or not name:
            raise click.BadParameter(f"{value!r} is not written NAME=JSON")
        result[name] = _json(text)
    return result


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise click.BadParameter(
            f"{text!r} is no JSON ({error}); a string needs its quotes, in most shells '\"text\"'"
        ) from error
