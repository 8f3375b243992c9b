"""Every `$ foldlog …` in the documents is a command that the command line takes, with options that it has."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest
from foldlog.cli._root import cli

ROOT = Path(__file__).parents[3]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")])
LINE = re.compile(r"^(?:\$ )?foldlog ((?:.*\\\n)*.*)$", re.MULTILINE)
BLOCK = re.compile(r"^```(?:console|sh|bash)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def documented() -> list[tuple[str, str]]:
    """File and arguments of each command in the shell blocks of the documents."""
    return [
        (str(path.relative_to(ROOT)), arguments.replace("\\\n", " "))
        for path in DOCUMENTS
        for block in BLOCK.findall(path.read_text(encoding="utf-8"))
        for arguments in LINE.findall(block)
    ]


def parse(arguments: str) -> None:
    """Lets click read a command line without running it; an option that does not exist is a UsageError."""
    words = shlex.split(arguments, comments=True)
    for stop in ("|", ">", "&", "&&", ";"):
        if stop in words:
            words = words[: words.index(stop)]
    context = cli.make_context("foldlog", words)
    command: click.Command = cli
    while isinstance(command, click.Group):
        name, found, rest = command.resolve_command(context, [*context._protected_args, *context.args])
        assert found is not None
        context = found.make_context(name, rest, parent=context)
        command = found


@pytest.mark.parametrize(("document", "arguments"), documented(), ids=lambda text: text[:60])
def test_a_documented_command_is_one(
    document: str, arguments: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secrets.properties").touch()
    (tmp_path / "histories").mkdir()
    try:
        parse(arguments)
    except click.UsageError as error:
        pytest.fail(f"{document}: foldlog {arguments}: {error.format_message()}")


def test_there_are_such_commands_and_a_wrong_one_is_noticed() -> None:
    assert len(documented()) > 20
    with pytest.raises(click.UsageError, match="--nosuch"):
        parse("workflow list --nosuch")
