"""What the guard cannot see: calls in workflow code whose results no replay repeats, found in its bytecode.

CPython raises no audit event for reading the clock, drawing random numbers or waiting for a lock. So when a workflow
is registered, the code of its class, and of functions of the project that it calls, is searched for names that stand
for such things. The standard library and what is installed are none of the project. That finds what is written down,
not what is called in a roundabout way; so it warns and does not refuse. What to look for is in `forbidden`; it runs
nothing of the workflow.
"""

from __future__ import annotations

import ast
import dis
import importlib
import inspect
import linecache
import sys
import warnings
import weakref
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any, NamedTuple

from foldlog.activity._definition import Definition as ActivityDefinition
from foldlog.runtime.forbidden import NAMES
from foldlog.workflow._definition import Definition
from foldlog.workflow._exceptions import NondeterminismWarning
from foldlog.workflow._unsafe import unsafe


def _by_owner(names: Mapping[str, str]) -> dict[Any, dict[str, str]]:
    """The names by the module or class that they are in."""
    by_owner: dict[Any, dict[str, str]] = {}
    for path, instead in names.items():
        module, *parts, name = path.split(".")
        owner: Any = importlib.import_module(module)
        for part in parts:
            owner = getattr(owner, part)
        by_owner.setdefault(owner, {})[name] = instead
    return by_owner


_NAMES = _by_owner(NAMES)
"""Module or class, and names in it with what to use instead."""


_UNRESTRICTED = unsafe.sandbox_unrestricted.__name__
_LIBRARIES = sys.stdlib_module_names | {"foldlog", "temporalio"}

_FOUND: weakref.WeakKeyDictionary[type, list[Finding]] = weakref.WeakKeyDictionary()
"""What was found in classes: tests make a worker for each test, and searching takes longer than a short test."""


class Finding(NamedTuple):
    """One place in workflow code that no replay repeats."""

    filename: str
    line: int
    function: str
    name: str
    instead: str
    caller: str = ""
    """The workflow that comes to it, if that is in another module."""

    def __str__(self) -> str:
        where = f"{self.function}, which workflow {self.caller} calls," if self.caller else self.function
        return f"{where} uses {self.name}, which comes out differently in replay: {self.instead}"


def warn_of(definition: Definition) -> None:
    """Warn of everything found in a workflow's code, with its line; `NondeterminismWarning` is the category."""
    known = _FOUND.get(definition.cls)
    if known is None:
        known = _FOUND[definition.cls] = findings(definition)
    for finding in known:
        warnings.warn_explicit(str(finding), NondeterminismWarning, finding.filename, finding.line)


def findings(definition: Definition) -> list[Finding]:
    """Everything that is found in a workflow's code, by line."""
    home = definition.cls.__module__
    queries = {query.fn for query in definition.queries.values()}
    waiting = [
        function
        for base in definition.cls.__mro__
        for function in map(_function, vars(base).values())
        if function is not None and function not in queries and not _is_activity(function)
    ]
    seen: set[FunctionType] = set()
    found: set[Finding] = set()
    while waiting:
        function = waiting.pop()
        if function in seen:
            continue
        seen.add(function)
        caller = "" if function.__module__ == home else definition.cls.__qualname__
        unwatched = _unwatched_lines(function)
        for code in _codes(function.__code__):
            for line, value, finding in _references(code, function.__globals__):
                if line in unwatched:
                    continue
                if finding is not None:
                    found.add(Finding(code.co_filename, line, code.co_qualname, *finding, caller))
                called = _function(value)
                if called is None or _is_activity(called):
                    continue
                if called.__module__ == home or _is_of_project(called.__module__, called.__code__.co_filename):
                    waiting.append(called)
    return sorted(found)


def _unwatched_lines(function: FunctionType) -> frozenset[int]:
    """The lines of blocks of a function that the guard does not watch, and perhaps such lines of others."""
    if not any(_UNRESTRICTED in code.co_names for code in _codes(function.__code__)):
        return frozenset()
    return _unwatched_blocks(function.__code__.co_filename)


@cache  # as many as there are files with such blocks
def _unwatched_blocks(filename: str) -> frozenset[int]:
    """Lines within such blocks of a file, by its source: bytecode does not say where one ends."""
    try:
        tree = ast.parse("".join(linecache.getlines(filename)))
    except (SyntaxError, ValueError):
        return frozenset()
    return frozenset(
        line
        for node in ast.walk(tree)
        if isinstance(node, ast.With) and any(_is_unrestricted(item.context_expr) for item in node.items)
        for line in range(node.body[0].lineno, (node.body[-1].end_lineno or node.body[-1].lineno) + 1)
    )


def _is_unrestricted(expression: ast.expr) -> bool:
    match expression:
        case ast.Call(func=ast.Attribute(attr=name)):
            return name == _UNRESTRICTED
    return False


@cache  # as many as there are files of code
def _is_of_project(module: str, filename: str) -> bool:
    if module.partition(".")[0] in _LIBRARIES:
        return False
    parts = Path(filename).parts
    return not filename.startswith("<") and "site-packages" not in parts and "dist-packages" not in parts


def _function(value: Any) -> FunctionType | None:
    value = getattr(value, "__func__", value) if isinstance(value, (staticmethod, classmethod)) else value
    value = inspect.unwrap(value) if isinstance(value, FunctionType) else value
    return value if isinstance(value, FunctionType) else None


def _is_activity(function: FunctionType) -> bool:
    return ActivityDefinition.from_callable(function) is not None


def _codes(code: CodeType) -> Iterator[CodeType]:
    """A function's code and that of functions within it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _references(code: CodeType, names: dict[str, Any]) -> Iterator[tuple[int, Any, tuple[str, str] | None]]:
    """Line, value and finding of each global that the code uses, and of attributes of modules and classes."""
    line = code.co_firstlineno
    value: Any = None
    for instruction in dis.get_instructions(code):
        if instruction.positions is not None and instruction.positions.lineno is not None:
            line = instruction.positions.lineno
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            value = names.get(instruction.argval)
            yield line, value, _found(value)
        elif instruction.opname in ("LOAD_ATTR", "LOAD_METHOD") and isinstance(value, (ModuleType, type)):
            owner, name = value, instruction.argval
            value = inspect.getattr_static(owner, name, None)
            yield line, value, _found_in(owner, name)
        elif instruction.opname not in ("PRECALL", "CACHE", "PUSH_NULL", "EXTENDED_ARG"):
            value = None


def _found_in(owner: Any, name: str) -> tuple[str, str] | None:
    """Whether a name in a module or class is one to warn of."""
    for known, wrong in _NAMES.items():
        inherited = isinstance(owner, type) and isinstance(known, type) and issubclass(owner, known)
        if (owner is known or inherited) and name in wrong:
            return f"{known.__name__}.{name}", wrong[name]
    return None


def _found(value: Any) -> tuple[str, str] | None:
    """Whether a global is something to warn of, imported by its own name."""
    if value is None or isinstance(value, (ModuleType, int, str)):
        return None
    for known, wrong in _NAMES.items():
        for name, instead in wrong.items():
            meant = vars(known).get(name)
            # The guard wraps time.sleep; a module may have imported it before.
            if value is meant or value is getattr(meant, "__wrapped__", meant):
                return f"{known.__name__}.{name}", instead
    return None
