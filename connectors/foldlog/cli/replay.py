"""`foldlog replay`: does the workflow code still decide what recorded histories say?

Owns which files are read and what is printed. Replaying is `foldlog.worker.Replayer`'s. Needs no broker.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
from foldlog.cli._client import asynchronous
from foldlog.cli._command import Command, Settings, pass_settings
from foldlog.cli._discover import Found, discover, made_by, name_of
from foldlog.cli._errors import CliError, ExitCode
from foldlog.cli._output import write_json
from foldlog.client import HistoryFormatError, WorkflowHistory
from foldlog.worker import Replayer
from foldlog.workflow import NondeterminismError

STDIN = Path("-")


@click.command(cls=Command)
@click.argument("target", metavar="MODULE[:NAME]")
@click.argument(
    "files",
    metavar="FILE...",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, allow_dash=True, path_type=Path),
)
@pass_settings
@asynchronous
async def replay(settings: Settings, target: str, files: Sequence[Path]) -> None:
    """Replay recorded histories with the workflow code of a module.

    A FILE is what `foldlog workflow history --json` or WorkflowHistory.to_json wrote; a folder is all .json files in it
    and below, - is stdin. MODULE:NAME takes a workflow, a list of them, or a function without arguments that makes a
    foldlog.worker.Replayer, for a data converter of your own.

    Ends with 1 if the code decides otherwise in any of them, or if there are none.

    \b
    foldlog workflow history order-1 --json > histories/order-1.json
    foldlog replay shop.workflows histories
    """
    found = discover([target])
    if found.factory is None and not found.workflows:
        raise CliError(f"there are no workflows in {target}", ExitCode.USAGE)
    replayer = await _replayer(found)
    outcomes = [await _replayed(replayer, path) for path in _expanded(files)]
    if not outcomes:
        raise CliError(f"there is no .json file in {', '.join(str(file) for file in files)}", ExitCode.FAILED)
    failed = sum(1 for outcome in outcomes if outcome["error"])
    if settings.json:
        write_json(outcomes)
        click.get_current_context().exit(int(ExitCode.FAILED if failed else ExitCode.OK))
    for outcome in outcomes:
        click.echo(f"{outcome['file']}  {_told(outcome)}")
    if failed:
        raise CliError(f"{failed} of {len(outcomes)} histories do not replay", ExitCode.FAILED)


async def _replayer(found: Found) -> Replayer:
    if found.factory is None:
        return Replayer(workflows=found.workflows)
    made = await made_by(found.factory)
    if not isinstance(made, Replayer):
        raise CliError(f"{name_of(found.factory)} gave {made!r}, which is no foldlog.worker.Replayer", ExitCode.USAGE)
    return made


def _expanded(files: Sequence[Path]) -> Iterator[Path]:
    for file in files:
        if file.is_dir():
            yield from sorted(file.rglob("*.json"))
        else:
            yield file


async def _replayed(replayer: Replayer, path: Path) -> dict[str, Any]:
    """What became of one file, as `--json` shows it."""
    outcome: dict[str, Any] = {"file": str(path), "workflow_id": None, "run_id": None, "events": 0}
    outcome |= {"error": None, "nondeterminism": False, "stack": None}
    try:
        history = _read(path)
        outcome |= {"workflow_id": history.workflow_id, "run_id": history.run_id, "events": len(history.events)}
    except HistoryFormatError as error:
        return outcome | {"error": str(error)}
    failure = (await replayer.replay_workflow(history, raise_on_replay_failure=False)).replay_failure
    if failure is not None:
        outcome["error"] = str(failure)
        outcome["nondeterminism"] = isinstance(failure, NondeterminismError)
        outcome["stack"] = getattr(failure, "stack_trace", "") or None
    return outcome


def _read(path: Path) -> WorkflowHistory:
    try:
        text = sys.stdin.read() if path == STDIN else path.read_text(encoding="utf-8")
        values = json.loads(text)
    except (OSError, ValueError) as error:
        raise HistoryFormatError(f"this is no workflow history in JSON: {error}") from error
    workflow_id = values.get("workflow_id") if isinstance(values, dict) else None
    known = isinstance(workflow_id, str) and workflow_id
    # What is no object is for `from_json` to refuse, which takes a string to be JSON.
    return WorkflowHistory.from_json(known or path.stem, values if isinstance(values, dict) else text)


def _told(outcome: dict[str, Any]) -> str:
    if not outcome["error"]:
        return f"ok, {outcome['events']} events"
    stack = f"\n{outcome['stack'].rstrip()}" if outcome["stack"] and not outcome["nondeterminism"] else ""
    return f"FAILED\n  {(outcome['error'] + stack).replace(chr(10), chr(10) + '  ')}"
