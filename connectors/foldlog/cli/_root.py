"""The root command: which commands there are, and where their modules are."""

from __future__ import annotations

import importlib
from typing import Any

import click
from click.shell_completion import CompletionItem
from foldlog.cli._command import global_options

COMMANDS = {
    "dev": ("dev:dev", "Run a Kafka with foldlog's topics on this machine."),
    "topics": ("topics:topics", "Create and check the topics of a namespace."),
    "worker": ("worker:worker", "Run workflows and activities."),
    "activity": ("activity:activity", "Pause, reset and end activities that are open."),
    "workflow": ("workflow:workflow", "Start, ask and steer workflows."),
    "replay": ("replay:replay", "Replay recorded histories with the workflow code of a module."),
    "check": ("check:check", "Find mistakes in workflow code by reading its source."),
    "schedule": ("schedule:schedule", "Start workflows again and again, at set times."),
    "deployment": ("deployment:deployment", "Look at versions of workflow code, and move to another one."),
    "dead-letters": ("dead_letters:dead_letters", "Look at records that nobody could handle, and send them again."),
    "completion": ("completion:completion", "Print the script that completes commands in your shell."),
}
"""Name to where it is defined (relative to this package) and its one line of help: help must not import them all."""

HELP = """Durable workflows for Python, folded from a Kafka log.

Global options may stand before or after the command's name.

\b
Exit codes: 0 done; 1 done, and the outcome is bad (the workflow failed, a check found
something); 2 wrong command line or setting; 3 not found; 4 broker or processor did not
answer in time; 5 refused in this state (exists already, is closed); 130 interrupted.
"""


class Root(click.Group):
    """A group whose commands are imported when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, attribute = COMMANDS[cmd_name][0].split(":")
        command: click.Command = getattr(importlib.import_module(f"foldlog.cli.{module}"), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        names: list[CompletionItem] = [
            CompletionItem(name, help=text) for name, (_, text) in COMMANDS.items() if name.startswith(incomplete)
        ]
        return [*names, *click.Command.shell_complete(self, ctx, incomplete)]


def _root(**_: Any) -> None:
    """The options note themselves."""


cli = Root(
    name="foldlog",
    help=HELP,
    callback=_root,
    params=list(global_options(with_environment=True)),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
cli = click.version_option(package_name="foldlog", prog_name="foldlog")(cli)
