"""`foldlog dead-letters`: records that nobody could decode or handle."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import click
from foldlog.cli._command import Group, Settings, pass_settings
from foldlog.cli._errors import CliError, ExitCode
from foldlog.cli._options import kafka_timeout_option
from foldlog.cli._output import as_text, iso, when, write_facts, write_json, write_table
from foldlog.cli._params import not_empty
from foldlog.cli._reaching import reached
from foldlog.connectors.dead_letters import DeadLetter, DeadLetterId, DeadLetters
from foldlog.schemas.codec import DecodeError, SchemaLookupError
from foldlog.schemas.framing import as_dict
from foldlog.transport.schemas_topic import SchemasTopic
from foldlog.transport.topics import Topics

_SHOWN_BYTES = 512
_NOWHERE = "not told"
"""Where a record was found that something else than foldlog wrote to the topic of dead letters."""


def _one_id(ctx: click.Context, param: click.Parameter, value: str) -> DeadLetterId:
    try:
        return DeadLetterId.parse(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def _ids(ctx: click.Context, param: click.Parameter, values: Sequence[str]) -> list[DeadLetterId]:
    return [_one_id(ctx, param, value) for value in values]


@click.group(cls=Group)
def dead_letters() -> None:
    """Look at records that nobody could handle, and send them again.

    An ID is partition:offset in the topic of dead letters; the partition may be left out when it is 0.
    """


_topic = click.option("--topic", metavar="NAME", callback=not_empty, help="Only records that were found in this topic.")


def _open(settings: Settings, timeout: timedelta) -> DeadLetters:
    return DeadLetters(reached(settings, timeout), Topics(settings.namespace), timeout=timeout.total_seconds())


@dead_letters.command("list")
@_topic
@click.option("--all", "everything", is_flag=True, help="Also those that were retried.")
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True, help="The newest so many.")
@kafka_timeout_option
@pass_settings
def list_letters(settings: Settings, topic: str | None, everything: bool, limit: int, timeout: timedelta) -> None:
    """List the letters, oldest first; without those that were retried."""
    letters = [
        letter
        for letter in _open(settings, timeout).read()
        if (topic is None or letter.topic == topic) and (everything or not letter.retried_ms)
    ]
    shown = letters[-limit:]
    if settings.json:
        write_json([_summary(letter) for letter in shown])
        return
    if not shown:
        click.echo("no dead letters")
        return
    rows = [
        (
            letter.id,
            when(letter.time_ms),
            f"{letter.topic}/{letter.partition}@{letter.offset}" if letter.topic else _NOWHERE,
            _key(letter),
            "null" if letter.value is None else len(letter.value),
            when(letter.retried_ms),
            letter.error.splitlines()[0] if letter.error else "",
        )
        for letter in shown
    ]
    write_table(["id", "time", "found in", "key", "bytes", "retried", "error"], rows)
    if len(letters) > limit:
        click.echo(f"{len(letters) - limit} older ones are not shown (--limit)", err=True)


@dead_letters.command()
@click.argument("letter_id", metavar="ID", callback=_one_id)
@click.option("--raw", is_flag=True, help="Write the value's bytes to stdout as they are, and nothing else.")
@kafka_timeout_option
@pass_settings
def show(settings: Settings, letter_id: DeadLetterId, raw: bool, timeout: timedelta) -> None:
    """Show one letter: where it was found, why, its headers and its bytes, decoded if they can be."""
    letter = next((one for one in _open(settings, timeout).read() if one.id == letter_id), None)
    if letter is None:
        raise CliError(f"there is no dead letter {letter_id}", ExitCode.NOT_FOUND)
    if raw:
        sys.stdout.buffer.write(letter.value or b"")
        return
    record = _decoded(settings, letter.value)
    if settings.json:
        write_json({**_summary(letter), "headers": _headers(letter), "value_hex": _hex(letter.value), "record": record})
        return
    write_facts(
        [
            ("id", letter.id),
            (
                "found in",
                f"{letter.topic} partition {letter.partition} offset {letter.offset}" if letter.topic else _NOWHERE,
            ),
            ("time", when(letter.time_ms)),
            ("retried", when(letter.retried_ms)),
            ("error", letter.error),
            ("key", _key(letter)),
            ("headers", "\n".join(f"{name}: {value}" for name, value in _headers(letter))),
            ("record", None if record is None else f"{record['type']} {as_text(record['fields'])}"),
        ]
    )
    click.echo(
        "value, null" if letter.value is None else f"value, {len(letter.value)} bytes" + ":" * bool(letter.value)
    )
    click.echo(_dump(letter.value or b""))


@dead_letters.command()
@click.argument("ids", metavar="[ID]...", nargs=-1, callback=_ids)
@click.option("--all", "everything", is_flag=True, help="All that can be sent and were not yet.")
@click.option("--again", is_flag=True, help="Also those that were retried before.")
@click.option("--dry-run", is_flag=True, help="Only say what would be sent.")
@kafka_timeout_option
@pass_settings
def retry(
    settings: Settings, ids: Sequence[DeadLetterId], everything: bool, again: bool, dry_run: bool, timeout: timedelta
) -> None:
    """Send letters to where they were found, with their original key, bytes and headers.

    All of them are sent or none. A letter is sent once, also when this is repeated: sending it and noting that it was
    sent is one transaction. Only records of commands and tasks can be sent. What cannot be handled again comes back as
    a new letter.
    """
    if bool(ids) == everything:
        raise click.UsageError("give one or more IDs, or --all")
    letters = _open(settings, timeout)
    try:
        sent = _would_send(letters, ids, again) if dry_run else letters.retry(ids or None, again=again)
    except KeyError as error:
        raise CliError(f"there is no dead letter {error.args[0]}", ExitCode.NOT_FOUND) from error
    if settings.json:
        write_json({"dry_run": dry_run, "retried": [_summary(letter) for letter in sent]})
        return
    for letter in sent:
        click.echo(f"{letter.id} {'would go' if dry_run else 'went'} to {letter.topic}")
    if not sent:
        click.echo("nothing to send: what was asked for was retried before (--again)")


def _would_send(letters: DeadLetters, ids: Sequence[DeadLetterId], again: bool) -> list[DeadLetter]:
    found = {letter.id: letter for letter in letters.read()}
    named = [found[one] for one in ids] if ids else list(found.values())
    return [letter for letter in named if not letters.why_not(letter) and (again or not letter.retried_ms)]


def _summary(letter: DeadLetter) -> dict[str, Any]:
    return {
        "id": str(letter.id),
        "topic": letter.topic,
        "partition": letter.partition,
        "offset": letter.offset,
        "time": iso(letter.time_ms),
        "error": letter.error,
        "key": _text(letter.key) if letter.key is not None else None,
        "bytes": None if letter.value is None else len(letter.value),
        "retried": iso(letter.retried_ms),
    }


def _headers(letter: DeadLetter) -> list[tuple[str, str]]:
    return [(name, _text(value.encode() if isinstance(value, str) else value)) for name, value in letter.headers]


def _decoded(settings: Settings, value: bytes | None) -> dict[str, Any] | None:
    """The record, if anybody can read it: many letters are here because nobody can."""
    try:
        with SchemasTopic(settings.kafka, Topics(settings.namespace)) as schemas:
            record = settings.codec(schemas.fetch).decode(value)
    except (DecodeError, SchemaLookupError):
        return None
    return {"type": type(record).__name__, "fields": as_dict(record)}


def _text(data: bytes | None) -> str:
    """Bytes as text if they are such, else in hexadecimal."""
    try:
        text = (data or b"").decode()
    except UnicodeDecodeError:
        return _hex(data) or ""
    return text if text.isprintable() else _hex(data) or ""


def _key(letter: DeadLetter) -> str:
    """The key for people, who tell one that is not there from an empty one."""
    return "null" if letter.key is None else _text(letter.key) or '""'


def _hex(data: bytes | None) -> str | None:
    return None if data is None else data.hex()


def _dump(data: bytes) -> str:
    """Bytes as `hexdump -C` shows them, the first few hundred."""
    lines = []
    for start in range(0, min(len(data), _SHOWN_BYTES), 16):
        row = data[start : start + 16]
        seen = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        lines.append(f"{start:08x}  {row.hex(' '):<47}  |{seen}|")
    if len(data) > _SHOWN_BYTES:
        lines.append(f"… {len(data) - _SHOWN_BYTES} more bytes (--raw)")
    return "\n".join(lines)
