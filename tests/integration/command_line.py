"""The command line, run in the process of a test."""

from __future__ import annotations

import json
from typing import Any

import click
from click.testing import CliRunner, Result
from foldlog.cli._root import cli

DEADLINE_SECONDS = 60.0


def patience() -> dict[str, Any]:
    """What click takes as defaults: commands that wait ten seconds for an answer wait a minute here."""
    found: dict[str, Any] = {}
    context = click.Context(cli)
    for group in ("workflow", "activity", "schedule", "deployment"):
        commands = cli.get_command(context, group)
        assert isinstance(commands, click.Group)
        for name in commands.list_commands(context):
            command = commands.get_command(context, name)
            assert command is not None
            if any(option.name == "timeout" and option.default == "10s" for option in command.params):
                found.setdefault(group, {})[name] = {"timeout": f"{DEADLINE_SECONDS:g}s"}
    return found


PATIENCE = patience()


def run(kafka: str, namespace: str, *arguments: str) -> Result:
    where = ["--bootstrap-servers", kafka, "-n", namespace]
    result: Result = CliRunner().invoke(cli, [*arguments, *where], default_map=PATIENCE)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def run_out_of_time(kafka: str, namespace: str, *arguments: str, saying: str) -> Result:
    """A command whose time is over; it gets more for as long as it had too little to find out what it is to say."""
    for limit in ("300ms", "3s", "20s", "60s"):
        result = run(kafka, namespace, *arguments, "--timeout", limit)
        if saying in result.stderr:
            break
    return result


def ask(kafka: str, namespace: str, *arguments: str) -> Any:
    """The JSON that a command prints."""
    result = run(kafka, namespace, *arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)
