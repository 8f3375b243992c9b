"""`foldlog completion`: the scripts are click's."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class
from foldlog.cli._command import Command
from foldlog.cli._errors import CliError, ExitCode

VARIABLE = "_FOLDLOG_COMPLETE"


@click.command(cls=Command)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script that completes commands in your shell.

    \b
    bash: eval "$(foldlog completion bash)"          in ~/.bashrc
    zsh:  eval "$(foldlog completion zsh)"           in ~/.zshrc
    fish: foldlog completion fish | source           in ~/.config/fish/config.fish
    """
    from foldlog.cli._root import cli

    kind = get_completion_class(shell)
    assert kind is not None
    try:
        click.echo(kind(cli, {}, "foldlog", VARIABLE).source())
    except RuntimeError as error:  # click asks bash for its version
        raise CliError(str(error), ExitCode.FAILED) from error
