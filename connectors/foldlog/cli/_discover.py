"""What `foldlog worker run MODULE[:NAME]` runs: definitions found in modules, or a function that makes the worker."""

from __future__ import annotations

import importlib
import inspect
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
from foldlog.exceptions import ConfigurationError, FoldlogError
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
                raise CliError(
                    f"module {module_name} has no workflow and no activity definitions: there is no class with "
                    "@workflow.defn and no function with @activity.defn",
                    ExitCode.USAGE,
                )
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
                raise CliError(
                    f"{target} has {_shown(definition)}, which is no workflow and no activity", ExitCode.USAGE
                )
    elif callable(value):
        found.factory = value
    else:
        raise CliError(f"{target} is neither a definition, nor a list of them, nor a function", ExitCode.USAGE)


def name_of(factory: Callable[..., Any]) -> str:
    """The application's function as `MODULE:NAME`."""
    return f"{getattr(factory, '__module__', '')}:{getattr(factory, '__qualname__', repr(factory))}"


def _shown(value: Any) -> str:
    return name_of(value) if callable(value) else repr(value)


async def made_by(factory: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """What the application's function makes.

    Raises:
        CliError: It does not take what it is given, or raises. The message has its line if it was foldlog that refused
            something, else the application's traceback.
    """
    name = name_of(factory)
    try:
        inspect.signature(factory).bind(*arguments, **options)
    except TypeError as error:
        given = [type(each).__name__ for each in arguments] + [f"{each}=…" for each in options]
        raise CliError(f"{name} is called as ({', '.join(given)}), and cannot be: {error}", ExitCode.USAGE) from None
    except ValueError:  # functions in C may have no signature
        pass
    try:
        made = factory(*arguments, **options)
        return await made if inspect.isawaitable(made) else made
    except Exception as error:
        if isinstance(error, FoldlogError) and not isinstance(error, ConfigurationError):
            raise
        raise CliError(f"{name} fails: {_told(error)}", ExitCode.USAGE) from error


def _import(name: str) -> ModuleType:
    if not name or name.startswith(".") or os.sep in name:
        hint = f": write {_dotted(name)}" if name.strip("./") else ""
        raise CliError(f"{name!r} is no name of a module{hint}", ExitCode.USAGE)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(f"{error.name}.")):
            hint = f"; write {_dotted(name)}, without .py" if name.endswith(".py") else ""
            raise CliError(
                f"there is no module {name} in {os.getcwd()} or on the Python path{hint}", ExitCode.USAGE
            ) from None
        raise CliError(f"module {name} cannot be imported: {_told(error)}", ExitCode.USAGE) from error
    except SystemExit as error:
        raise CliError(
            f"module {name} ends the process when it is imported: {_place(error)}SystemExit({error.code!r}); put what "
            "is to run as a program behind `if __name__ == '__main__':`",
            ExitCode.USAGE,
        ) from error
    except Exception as error:  # whatever the application's module raises when it is imported
        raise CliError(f"module {name} cannot be imported: {_told(error)}", ExitCode.USAGE) from error


def _dotted(path: str) -> str:
    """The module that somebody means who writes the path of a file."""
    return ".".join(part for part in Path(path.removesuffix(".py")).parts if part != os.sep).lstrip(".")


def _place(error: BaseException) -> str:
    """File and line of the application's code that an error comes from, with a colon behind."""
    place = ""
    trace = error.__traceback__
    while trace is not None:
        module = str(trace.tb_frame.f_globals.get("__name__", ""))
        if module.partition(".")[0] not in ("foldlog", "importlib"):
            place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}: "
        trace = trace.tb_next
    return place


def _told(error: BaseException) -> str:
    """What was raised: its place and its words if foldlog refuses something, which say it all; else with its traceback.

    Such as a class that cannot be a workflow, or an option that a worker does not have.
    """
    if isinstance(error, ConfigurationError) or (isinstance(error, TypeError) and _is_ours(error)):
        return f"{_place(error)}{error}"
    return f"{type(error).__name__}: {error}\n{_own_trace()}"


def _is_ours(error: BaseException) -> bool:
    """Whether it was raised by code of foldlog, or by Python because of how that was called."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    return last is not None and str(last.tb_frame.f_globals.get("__name__", "")).partition(".")[0] == "foldlog"


def _own_trace() -> str:
    """The traceback of the error at hand, without the frames that lead to the application's code."""
    kind, error, trace = sys.exc_info()
    while trace is not None and trace.tb_frame.f_code.co_filename in (__file__, importlib.__file__):
        trace = trace.tb_next
    while trace is not None and "importlib._bootstrap" in trace.tb_frame.f_code.co_filename:
        trace = trace.tb_next
    return "".join(traceback.format_exception(kind, error, trace)).rstrip()
