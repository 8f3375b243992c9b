"""What `foldlog worker run MODULE[:NAME]` runs: definitions found in modules, or a function that makes the worker."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from foldlog.activity import is_definition as is_activity
from foldlog.cli._errors import CliError, ExitCode
from foldlog.workflow._definition import Definition


def is_workflow(value: Any) -> bool:
    """Whether it is a class with `@workflow.defn`."""
    return isinstance(value, type) and Definition.from_class(value) is not None


@dataclass
class Found:
    """What the targets come to."""

    workflows: list[type] = field(default_factory=list)
    activities: list[Callable[..., Any]] = field(default_factory=list)
    factory: Callable[..., Any] | None = None
    """Makes the worker; then there are no lists."""

    def add(self, definition: Any) -> bool:
        """Adds a definition, once; false if it is none."""
        for known, kind in ((self.workflows, is_workflow), (self.activities, is_activity)):
            if kind(definition):
                if definition not in known:
                    known.append(definition)
                return True
        return False


def discover(targets: Sequence[str]) -> Found:
    """Imports the targets, with the current folder first on the path, and collects what is in them.

    Args:
        targets: `module`, for every definition that is a global of it; `module:name`, for a definition, an iterable of
            them, or a function that makes the worker.

    Raises:
        CliError: A module cannot be imported, or there is nothing to run in a target.
    """
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    found = Found()
    for target in targets:
        module_name, _, name = target.partition(":")
        module = _import(module_name)
        if not name:
            if not sum(found.add(value) for value in list(vars(module).values())):
                raise CliError(f"module {module_name} has no workflow and no activity definitions", ExitCode.USAGE)
        else:
            _add_named(found, module, name)
    if found.factory and (len(targets) > 1):
        raise CliError("a function that makes the worker stands alone: give no further modules", ExitCode.USAGE)
    return found


def _add_named(found: Found, module: ModuleType, name: str) -> None:
    target = f"{module.__name__}:{name}"
    value: Any = module
    for part in name.split("."):
        if not hasattr(value, part):
            raise CliError(f"{target}: there is no {part!r} in {getattr(value, '__name__', value)}", ExitCode.USAGE)
        value = getattr(value, part)
    if found.add(value):
        return
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        for definition in value:
            if not found.add(definition):
                raise CliError(f"{target} has {definition!r}, which is no workflow and no activity", ExitCode.USAGE)
    elif callable(value):
        found.factory = value
    else:
        raise CliError(f"{target} is neither a definition, nor a list of them, nor a function", ExitCode.USAGE)


def _import(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(f"{error.name}.")):
            hint = f"; write {_dotted(name)}, without .py" if name.endswith(".py") or os.sep in name else ""
            raise CliError(
                f"there is no module {name} in {os.getcwd()} or on the Python path{hint}", ExitCode.USAGE
            ) from None
        raise CliError(_own_trace(name), ExitCode.USAGE) from error
    except Exception as error:  # whatever the application's module raises when it is imported
        raise CliError(_own_trace(name), ExitCode.USAGE) from error


def _dotted(name: str) -> str:
    return ".".join(Path(name).with_suffix("").parts)


def _own_trace(name: str) -> str:
    """The traceback of the error at hand, without the frames that lead to the application's module."""
    kind, error, trace = sys.exc_info()
    while trace is not None and trace.tb_frame.f_code.co_filename in (__file__, importlib.__file__):
        trace = trace.tb_next
    while trace is not None and "importlib._bootstrap" in trace.tb_frame.f_code.co_filename:
        trace = trace.tb_next
    text = "".join(traceback.format_exception(kind, error, trace)).rstrip()
    return f"module {name} cannot be imported:\n{text}"
