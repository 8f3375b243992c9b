"""The checker: finds mistakes in workflow code by reading its source, without importing it.

Owns what `foldlog check` finds, and where its settings and exceptions are written. The command line prints it. What is
found is what is written down: false alarms are worse than misses, so whatever is not certain is not reported.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.machinery import PathFinder
from pathlib import Path

from foldlog.checker.config import Config, load
from foldlog.checker.modules import Module, Modules, UnreadableError, parse
from foldlog.checker.project import check_modules
from foldlog.checker.rules import RULES, Finding
from foldlog.exceptions import ConfigurationError

__all__ = ["RULES", "Config", "Finding", "check_files", "check_source", "load", "python_files"]

_SKIPPED = frozenset(("__pycache__", "node_modules", "site-packages", "venv", "build", "dist"))


def check_source(text: str, path: str, config: Config) -> list[Finding]:
    """What is found in the source of one module by itself, by line.

    Args:
        text: The source.
        path: What findings name.
        config: The project's settings.
    """
    try:
        return sorted(check_modules([parse(text, path)], Modules(), config))
    except UnreadableError as error:
        return [_unreadable(path, error)]


def check_files(
    files: Iterable[Path], config: Config, shown: Callable[[Path], str] = str, roots: Sequence[Path] = ()
) -> list[Finding]:
    """What is found in files, and in what their workflows call in other modules of the project, by path and line.

    Args:
        files: Where they are.
        config: The project's settings.
        shown: What findings call a file.
        roots: Folders that imports begin at, besides those that the packages of the files are in.
    """
    modules = Modules(shown, roots, config.excludes)
    checked: list[Module] = []
    found: list[Finding] = []
    for file in files:
        try:
            checked.append(modules.read(file))
        except UnreadableError as error:
            found.append(_unreadable(shown(file), error))
    return sorted([*found, *check_modules(checked, modules, config)])


def _unreadable(path: str, error: UnreadableError) -> Finding:
    return Finding(path, error.line, error.column, "FL099", str(error))


def python_files(target: str, config: Config, search: Sequence[str]) -> Iterator[Path]:
    """The files that a target means: a file, all that are in a folder, or those of a module or package.

    Args:
        target: Path or dotted name.
        config: Says what is passed over in folders.
        search: Where modules are looked for.

    Raises:
        ConfigurationError: There is no such thing, or no file to check in it.
    """
    path = Path(target)
    if path.is_file():
        yield path
        return
    if not path.is_dir():
        path = _module(target, search)
        if path.is_file():
            yield path
            return
    empty = True
    for folder, folders, files in os.walk(path):
        folders[:] = sorted(name for name in folders if name not in _SKIPPED and not name.startswith("."))
        for name in sorted(files):
            file = Path(folder, name)
            if file.suffix == ".py" and not config.excludes(file):
                empty = False
                yield file
    if empty:
        raise ConfigurationError(
            f"there is nothing to check in {target}: no Python file, or none that is not excluded", option="target"
        )


def _module(name: str, search: Sequence[str]) -> Path:
    """The file or folder of a module, found without importing it or its parents."""
    places: Sequence[str] | None = search
    spec = None
    if all(part.isidentifier() for part in name.split(".")):
        for part in name.split("."):
            spec = PathFinder.find_spec(part, list(places)) if places else None
            if spec is None:
                break
            places = list(spec.submodule_search_locations or ())
    if spec is None:
        raise ConfigurationError(f"there is no file, folder or module {name}", option="target")
    if places:
        return Path(places[0])
    if not spec.origin or not spec.origin.endswith(".py"):
        raise ConfigurationError(f"module {name} has no source", option="target")
    return Path(spec.origin)
