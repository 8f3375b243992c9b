"""Exit codes, and which error means which.

Owns the one translation from exceptions to what the shell sees. Imports the packages that define them only when there
is an error.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import IO, Any

import click


class ExitCode(IntEnum):
    """Public: scripts rely on these, so a number never changes its meaning."""

    OK = 0
    FAILED = 1
    """It was done and the outcome is bad: the workflow failed, a check found problems, a query raised."""
    USAGE = 2
    """The command line or a setting is wrong; nothing was sent."""
    NOT_FOUND = 3
    """There is no such workflow, run, topic or record."""
    UNAVAILABLE = 4
    """Broker or processor did not answer in time; the command may still be carried out."""
    REFUSED = 5
    """The workflow is not in a state for this: it exists already, or is closed."""
    INTERRUPTED = 130
    """Ctrl-C, as shells count it."""


class CliError(click.ClickException):
    """An error for people: one message, no traceback.

    Attributes:
        code: What the process ends with.
        details: Further facts for `--json`.
        as_json: Whether it is shown as JSON.
    """

    def __init__(self, message: str, code: ExitCode, **details: Any) -> None:
        super().__init__(message)
        self.code = code
        self.details = details
        self.as_json = False
        vars(self)["exit_code"] = int(code)  # click reads it; its stubs have it for the class only

    def show(self, file: IO[Any] | None = None) -> None:
        """Writes it to stderr, as text or as one line of JSON."""
        target = file or sys.stderr
        if self.as_json:
            error = {"code": self.code.name, "message": self.message, **self.details}
            click.echo(json.dumps({"error": error}, ensure_ascii=False, default=str), file=target)
        else:
            click.echo(f"error: {self.message}", file=target)


def translated(
    error: BaseException, options: Mapping[str, str] = MappingProxyType({}), namespace: str | None = None
) -> CliError | None:
    """The error as people should see it; None for a defect, whose traceback is wanted.

    Args:
        error: What was raised.
        options: Options of the command as they are typed, by the name that the library has for them.
        namespace: Where the command looked. Whoever forgot to name another one sees it where something is not there.
    """
    if isinstance(error, CliError):
        return error
    if isinstance(error, KeyboardInterrupt):
        return CliError("interrupted", ExitCode.INTERRUPTED)
    from foldlog.exceptions import FoldlogError, WorkflowNotFoundError

    if not isinstance(error, FoldlogError):
        return None
    message, code = _message(error), _code(error)
    if code in (ExitCode.USAGE, ExitCode.REFUSED):  # others may tell what somebody's code has raised
        message = _as_typed(message, options)
    missing = isinstance(error, WorkflowNotFoundError) and not error.closed and namespace is not None
    return CliError(f"{message} (namespace {namespace!r})" if missing else message, code)


def _as_typed(message: str, options: Mapping[str, str]) -> str:
    """What is wrong with a call, with the names of options in place of those of the library's parameters."""
    names = "|".join(name for name in options if "_" in name)  # one without an underscore may be any word
    if not names:
        return message
    # What is in quotes is somebody's value, and so is what has the name of a parameter as a part.
    parameter = rf"""(?<![\w./\\"'-])(?:RetryPolicy\.|Priority\.|retry_policy: )?(?P<name>{names})(?![\w./\\"'-])"""
    return re.sub(
        f"{_QUOTED}|{parameter}", lambda found: options[found["name"]] if found["name"] else found[0], message
    )


_QUOTED = r"""(?<!\w)(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")(?!\w)"""


def _message(error: BaseException) -> str:
    """The error's own words, with commands in place of the library's calls; and where nobody has a Kafka on this
    machine yet, the command that starts one."""
    from foldlog.exceptions import DeadlineExceededError
    from foldlog.transport.errors import BrokerUnreachableError

    if isinstance(error, DeadlineExceededError):
        return str(error).replace("(describe() tells)", "(`foldlog workflow describe` tells)")
    here = isinstance(error, BrokerUnreachableError) and re.match(
        r"(localhost|127\.\d+\.\d+\.\d+)(:|$)", str(error.bootstrap_servers)
    )
    return f"{error}; `foldlog dev` runs a Kafka on this machine" if here else str(error)


def _code(error: BaseException) -> ExitCode:
    from foldlog import exceptions
    from foldlog.transport.errors import TopicMissingError

    for kind, code in (
        (TopicMissingError, ExitCode.NOT_FOUND),
        (exceptions.ConfigurationError, ExitCode.USAGE),
        (exceptions.WorkflowAlreadyStartedError, ExitCode.REFUSED),
    ):
        if isinstance(error, kind):
            return code
    if isinstance(error, exceptions.WorkflowNotFoundError) and error.closed:
        return ExitCode.REFUSED
    if isinstance(error, exceptions.RPCError):
        return _RPC_CODES.get(error.status.name, ExitCode.FAILED)
    return ExitCode.FAILED


_RPC_CODES = {
    "NOT_FOUND": ExitCode.NOT_FOUND,
    "INVALID_ARGUMENT": ExitCode.USAGE,
    "FAILED_PRECONDITION": ExitCode.REFUSED,
    "ALREADY_EXISTS": ExitCode.REFUSED,
    "DEADLINE_EXCEEDED": ExitCode.UNAVAILABLE,
    "UNAVAILABLE": ExitCode.UNAVAILABLE,
}
