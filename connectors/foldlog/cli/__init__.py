"""The command `foldlog`.

Owns what people and scripts type and read: options, exit codes, tables, JSON. Everything that it does, it does through
the packages that programs use too. Modules are imported when their command runs, so that `foldlog --help` is quick.
"""

from __future__ import annotations


def main() -> None:
    """Run the command line of this process and end the process with its exit code."""
    from foldlog.cli._root import cli

    cli(prog_name="foldlog")
