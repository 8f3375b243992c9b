"""`foldlog check`: prints what the checker finds."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click
from foldlog.checker import RULES, Finding, check_files, load, python_files
from foldlog.cli._command import Command, Settings, pass_settings
from foldlog.cli._errors import ExitCode
from foldlog.cli._output import write_json, write_table


@click.command(cls=Command)
@click.argument("targets", nargs=-1, metavar="PATH|MODULE…")
@click.option("--github", is_flag=True, help="Write annotations for GitHub Actions.")
@click.option("--rules", is_flag=True, help="List the rules and end.")
@pass_settings
def check(settings: Settings, targets: tuple[str, ...], github: bool, rules: bool) -> None:
    """Find mistakes in workflow code by reading its source.

    Ends with 1 if there are any. Nothing is imported. Targets are files, folders or modules; what their workflows call
    in other modules of the project is checked too. Settings are in
    [tool.foldlog.check] of pyproject.toml; the comment
    `# foldlog: ignore[FL001] reason` makes an exception of a line. See docs/check.md for the rules.
    """
    if rules:
        write_table(["rule", "about"], RULES.items())
        return
    if not targets:
        raise click.UsageError("say what to check: files, folders or modules")
    config = load(Path.cwd())
    files = dict.fromkeys(file for target in targets for file in python_files(target, config, [os.getcwd(), *sys.path]))
    folders = [folder for target in targets if (folder := Path(target)).is_dir()]
    projects = [folder / inner for folder in (Path.cwd(), config.root) for inner in ("", "src")]
    findings = check_files(files, config, _shown, [*folders, *projects])
    if settings.json:
        write_json({"files": len(files), "findings": [_as_json(finding) for finding in findings]})
    else:
        for finding in findings:
            click.echo(_annotation(finding) if github else str(finding))
        if not findings and not github:
            click.echo(f"nothing was found in {len(files)} files")
    if findings:
        click.get_current_context().exit(int(ExitCode.FAILED))


def _shown(file: Path) -> str:
    """The path as people write it, relative where it is below the current folder."""
    path = file.resolve()
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(file)


def _as_json(finding: Finding) -> dict[str, object]:
    return {
        "path": finding.path,
        "line": finding.line,
        "column": finding.column,
        "rule": finding.rule,
        "message": finding.message,
    }


def _annotation(finding: Finding) -> str:
    """One workflow command of GitHub Actions; its escapes are those of GitHub's toolkit."""

    def escaped(text: str, more: str = "") -> str:
        for character in "%\r\n" + more:
            text = text.replace(character, f"%{ord(character):02X}")
        return text

    file, title = escaped(finding.path, ":,"), f"foldlog {finding.rule}"
    where = f"file={file},line={finding.line},col={finding.column},title={title}"
    return f"::error {where}::{escaped(finding.message)}"
