"""What commands write to stdout: JSON for scripts, tables for people. Owns the look of both."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click
from foldlog._times import utc


def write_json(data: Any) -> None:
    """Writes one JSON document on one line."""
    click.echo(json.dumps(data, ensure_ascii=False, default=_unknown))


def _unknown(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else str(value)


def as_text(value: Any) -> str:
    """A value for people: texts as they are, what JSON has as JSON, so that it can be typed again."""
    if value is None or isinstance(value, dict | list | bool):
        return json.dumps(value, ensure_ascii=False, default=_unknown)
    return str(value)


def write_done(as_json: bool, about: dict[str, str], text: str) -> None:
    """Writes that something is done: for scripts what it was done to, for people a sentence."""
    if as_json:
        write_json(about)
    else:
        click.echo(text)


def write_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Writes a table; outside a terminal without truncation, so that `grep` and `awk` see everything."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    wide = None if sys.stdout.isatty() else 10_000
    console = Console(file=sys.stdout, width=wide, highlight=False)
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().splitlines():
        click.echo(line.rstrip())


def write_facts(facts: Iterable[tuple[str, Any]], given: Iterable[tuple[str, Any]] = ()) -> None:
    """Writes names and values, one pair per line.

    Args:
        facts: Those that are empty are left out.
        given: What somebody has set, behind them: a false or a 0 says something there, and is shown.
    """
    shown = [(name, as_text(value)) for name, value in facts if value not in (None, "", 0, [], {})]
    shown += [(name, as_text(value)) for name, value in given]
    width = max((len(name) for name, _ in shown), default=0)
    for name, value in shown:
        lines = value.splitlines() or [""]
        click.echo(f"{name:<{width}}  {lines[0]}")
        for line in lines[1:]:
            click.echo(f"{'':<{width}}  {line}")


def attached(shown: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Memo and search attributes of something that is shown, as facts."""
    return [
        *((f"memo {name}", value) for name, value in shown["memo"].items()),
        *((f"search attribute {name}", value) for name, value in shown["search_attributes"].items()),
    ]


def when(ms: int) -> str:
    """Unix milliseconds as local time for people; empty for 0."""
    if not ms:
        return ""
    return utc(ms).astimezone().isoformat(sep=" ", timespec="milliseconds")


def iso(ms: int) -> str | None:
    """Unix milliseconds as ISO 8601 in UTC for JSON; None for 0."""
    if not ms:
        return None
    return utc(ms).isoformat(timespec="milliseconds").replace("+00:00", "Z")
