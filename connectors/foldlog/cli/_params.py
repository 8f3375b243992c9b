"""How values are written on the command line: JSON, durations, `name=value`. Callbacks for click's options."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import click
from foldlog._search_attributes import METADATA_TYPES, guessed_key
from foldlog.common import (
    RetryPolicy,
    SearchAttributeIndexedValueType,
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
)
from foldlog.converter import encode_search_attributes

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


def patience(ctx: click.Context, param: click.Parameter, value: str | None) -> timedelta | None:
    """A time span for which something is waited for, so not 0."""
    found = duration(ctx, param, value)
    if found == timedelta():
        raise click.BadParameter(f"{value!r} is no time to wait for anything")
    return found


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


def retry_policy(options: Mapping[str, Any]) -> RetryPolicy | None:
    """The policy that the options of retries make; None if none of them is given.

    Raises:
        ConfigurationError: There can be no such policy.
    """
    given = {name: value for name, value in options.items() if value is not None}
    return RetryPolicy(**given) if given else None


def search_attributes(ctx: click.Context, param: click.Parameter, values: Sequence[str]) -> TypedSearchAttributes:
    """`name=JSON` or `name:Type=JSON` texts as search attributes; without a type, that of the JSON."""
    pairs: list[SearchAttributePair[Any]] = []
    for name, value in json_by_name(ctx, param, values).items():
        name, _, type_name = name.partition(":")
        key = _attribute_key(name, type_name, value)
        if key.indexed_value_type is SearchAttributeIndexedValueType.DATETIME:
            value = _moment(value)
        pairs.append(SearchAttributePair(key, value))
    try:
        attributes = TypedSearchAttributes(pairs)
        encode_search_attributes(attributes)
    except (TypeError, ValueError) as error:
        raise click.BadParameter(str(error)) from error
    return attributes


def _attribute_key(name: str, type_name: str, value: Any) -> SearchAttributeKey[Any]:
    if not type_name:
        key = guessed_key(name, value if isinstance(value, list) else [value])
        if key is None:
            raise click.BadParameter(f"{name!r}: write the type too, as in NAME:Keyword=JSON")
        return SearchAttributeKey.for_keyword_list(name) if isinstance(value, list) else key
    for kind, known in METADATA_TYPES.items():
        if known.lower() == type_name.lower():
            return SearchAttributeKey(name, kind)
    raise click.BadParameter(f"{type_name!r} is no type of search attributes: {', '.join(METADATA_TYPES.values())}")


def _moment(value: Any) -> datetime:
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise click.BadParameter(f'{value!r} is no time: write it as in "2026-08-01T12:00:00+02:00"') from error


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise click.BadParameter(
            f"{text!r} is no JSON ({error}); a string needs its quotes, in most shells '\"text\"'"
        ) from error
