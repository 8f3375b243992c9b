"""The checker: finds mistakes in workflow code by reading its source, without importing it.

Owns what `foldlog check` finds, and where its settings and exceptions are written. The command line prints it. What is
found is what is written down: false alarms are worse than misses, so whatever is not certain is not reported.
"""

from __future__ import annotations

import ast
import os
import tokenize
from collections.abc import Iterator, Sequence
from functools import partial
from importlib.machinery import PathFinder
from pathlib import Path

from foldlog.checker import analysis
from foldlog.checker.calls import workflow_code
from foldlog.checker.code import activities
from foldlog.checker.comments import apply, exceptions
from foldlog.checker.config import Config, load
from foldlog.checker.names import Names
from foldlog.checker.rules import RULES, Finding
from foldlog.checker.shared import shared_state
from foldlog.exceptions import ConfigurationError

__all__ = ["RULES", "Config", "Finding", "check_file", "check_source", "load", "python_files"]

_SKIPPED = frozenset(("__pycache__", "node_modules", "site-packages", "venv", "build", "dist"))


def check_source(text: str, path: str, config: Config) -> list[Finding]:
    """What is found in the source of a module, by line.

    Args:
        text: The source.
        path: What findings name.
        config: The project's settings.
    """
    try:
        return sorted(_found(ast.parse(text, path), text, path, config))
    except (SyntaxError, ValueError, tokenize.TokenError) as error:
        line, column = (getattr(error, "lineno", None) or 1, getattr(error, "offset", None) or 1)
        return [Finding(path, line, column, "FL099", f"this is no Python: {getattr(error, 'msg', error)}")]
    except (RecursionError, MemoryError):  # the latter is how Python's parser gives up
        return [Finding(path, 1, 1, "FL099", "it cannot be read: its expressions are nested too deeply")]


def _found(tree: ast.Module, text: str, path: str, config: Config) -> list[Finding]:
    found: set[Finding] = set()

    def report(code: str, node: ast.AST, rule: str, message: str) -> None:
        if rule not in config.disable:
            line, column = getattr(node, "lineno", 1), getattr(node, "col_offset", 0) + 1
            whole = isinstance(node, ast.expr | ast.Expr)
            end = (getattr(node, "end_lineno", None) or line) if whole else line
            found.add(Finding(path, line, column, rule, f"{message} [{code}]", end))

    names = Names(tree)
    codes = workflow_code(tree, names)
    for code in codes:
        analysis.check(code, names, config.forbidden, partial(report, code.name))
    for code, node, message in shared_state(names, codes, activities(tree, names)):
        report(code.name, node, "FL007", message)
    return apply(path, found, exceptions(text), config.disable)


def check_file(file: Path, shown: str, config: Config) -> list[Finding]:
    """As `check_source`, of a file.

    Args:
        file: Where it is.
        shown: What findings call it.
        config: The project's settings.
    """
    try:
        with tokenize.open(file) as source:  # as Python itself reads it: byte order mark, line that names the encoding
            return check_source(source.read(), shown, config)
    except (OSError, UnicodeDecodeError, SyntaxError) as error:
        return [Finding(shown, 1, 1, "FL099", f"it cannot be read: {error}")]


def python_files(target: str, config: Config, search: Sequence[str]) -> Iterator[Path]:
    """The files that a target means: a file, all that are in a folder, or those of a module or package.

    Args:
        target: Path or dotted name.
        config: Says what is passed over in folders.
        search: Where modules are looked for.

    Raises:
        ConfigurationError: There is no such thing.
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
    for folder, folders, files in os.walk(path):
        folders[:] = sorted(name for name in folders if name not in _SKIPPED and not name.startswith("."))
        for name in sorted(files):
            file = Path(folder, name)
            if file.suffix == ".py" and not config.excludes(file):
                yield file


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
