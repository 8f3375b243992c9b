"""The modules of a project: each read once, found by what others import of it. Nothing is imported.

A module is one of the files that are checked, or one that can be found beside them: in the same package, below one of
the folders that imports begin at. The standard library and what is installed are none of the project's.
"""

from __future__ import annotations

import ast
import sys
import tokenize
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from foldlog.checker.names import FunctionNode, Imported, Names

_INSTALLED = frozenset(("site-packages", "dist-packages"))
_NOT_FOLLOWED = sys.stdlib_module_names | {"foldlog", "temporalio"}
_LONGEST_WAY = 20
"""Modules that a name may be handed through: those that import it from each other would not end."""


@dataclass(frozen=True, eq=False)
class Module:
    """One module that was read."""

    shown: str
    """What findings call it."""
    text: str
    tree: ast.Module
    names: Names
    file: Path | None = None
    """Where it is; None: nowhere, and what it imports is not looked at."""

    @cached_property
    def root(self) -> Path:
        """The folder that its package is in: where absolute imports begin."""
        assert self.file is not None
        return _package_root(self.file.parent)


@dataclass(frozen=True)
class Found:
    """What a name stands for, and the module that it is written in."""

    module: Module
    node: FunctionNode | ast.ClassDef | ast.expr
    """A function, a class, or the value of a global."""


@dataclass(frozen=True)
class Place:
    """A module or package that a name stands for: its path without the ending."""

    base: Path


class UnreadableError(Exception):
    """A file is no module; the message says why.

    Attributes:
        line: Where.
        column: From 1.
    """

    def __init__(self, message: str, line: int = 1, column: int = 1) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


def parse(text: str, shown: str, file: Path | None = None) -> Module:
    """A module from its source.

    Raises:
        UnreadableError: It is no Python.
    """
    try:
        tree = ast.parse(text, shown)
        return Module(shown, text, tree, Names(tree), file)
    except (SyntaxError, ValueError) as error:
        line, column = (getattr(error, "lineno", None) or 1, getattr(error, "offset", None) or 1)
        raise UnreadableError(f"this is no Python: {getattr(error, 'msg', error)}", line, column) from error
    except (RecursionError, MemoryError) as error:  # the latter is how Python's parser gives up
        raise UnreadableError(NESTED) from error


NESTED = "it cannot be read: its expressions are nested too deeply"


class Modules:
    """The modules of a project, as they are needed."""

    def __init__(
        self,
        shown: Callable[[Path], str] = str,
        roots: Sequence[Path] = (),
        passed_over: Callable[[Path], bool] = lambda file: False,
    ) -> None:
        """Make an object that knows of no module.

        Args:
            shown: What findings call a file.
            roots: Folders that absolute imports begin at, besides the one that the importing module's package is in.
            passed_over: Whether a file is not to be looked at, though others import it.
        """
        self._shown = shown
        self._roots = [root.resolve() for root in roots]
        self._passed_over = passed_over
        self._read: dict[Path, Module | None] = {}
        self._modules: dict[Path, bool] = {}
        """Whether there is a module or a folder, by its path without the ending."""

    def read(self, file: Path) -> Module:
        """The module of a file, whatever is said about it elsewhere.

        Raises:
            UnreadableError: It is none.
        """
        where = file.resolve()
        known = self._read.get(where)
        if known is not None:
            return known
        try:
            with tokenize.open(file) as source:  # as Python itself reads it: byte order mark, line with the encoding
                text = source.read()
        except (OSError, UnicodeDecodeError, SyntaxError) as error:
            raise UnreadableError(f"it cannot be read: {error}") from error
        module = self._read[where] = parse(text, self._shown(file), where)
        return module

    # ---- what names stand for

    def find(self, module: Module, expression: ast.expr | None, local: frozenset[str] = frozenset()) -> Found | None:
        """The function, class or value that an expression names; None: it is not known.

        Args:
            module: Where it is written.
            expression: A name, or attributes of one.
            local: Names that the function around it gives a meaning of its own.
        """
        parts: list[str] = []
        while isinstance(expression, ast.Attribute):
            parts.append(expression.attr)
            expression = expression.value
        if not isinstance(expression, ast.Name) or expression.id in local:
            return None
        found = self._named(module, expression.id, 0)
        for part in reversed(parts):
            if not isinstance(found, Place):
                return None
            found = self._member(found, part, 0)
        return found if isinstance(found, Found) else None

    def _named(self, module: Module, name: str, way: int) -> Found | Place | None:
        """What a global of a module stands for."""
        names = module.names
        node = names.functions.get(name) or names.classes.get(name) or names.values.get(name)
        if node is not None:
            return Found(module, node)
        imported = names.imports.get(name)
        if imported is None or way > _LONGEST_WAY:
            return None
        place = self._place(module, imported)
        if place is None or imported.name is None:
            return place
        return self._member(place, imported.name, way + 1)

    def _member(self, place: Place, name: str, way: int) -> Found | Place | None:
        """What a module has under a name, or the module of that name in a package."""
        module = self._at(place)
        found = None if module is None else self._named(module, name, way)
        if found is not None:
            return found
        inner = place.base / name
        return Place(inner) if self._is_module(inner) else None

    def _place(self, module: Module, imported: Imported) -> Place | None:
        """The module that an import names."""
        parts = imported.module.split(".") if imported.module else []
        if module.file is None or (not imported.level and parts[0] in _NOT_FOLLOWED):
            return None
        roots: Iterable[Path]
        if imported.level:
            above = module.file.parents
            roots = above[imported.level - 1 : imported.level]
        else:
            roots = (module.root, *self._roots)
        for root in roots:
            base = root.joinpath(*parts)
            if self._is_module(base):
                return Place(base)
        return None

    def _is_module(self, base: Path) -> bool:
        known = self._modules.get(base)
        if known is None:
            known = self._modules[base] = _with_ending(base).is_file() or base.is_dir()
        return known

    def _at(self, place: Place) -> Module | None:
        """The module at a place, if it is to be looked at and can be read."""
        file = place.base / "__init__.py"
        if not file.is_file():
            file = _with_ending(place.base)
            if not file.is_file():
                return None  # a package without a file of its own
        where = file.resolve()
        if where not in self._read:
            self._read[where] = None
            if not self._passed_over(where) and not _INSTALLED.intersection(where.parts):
                try:
                    self.read(where)
                except UnreadableError:
                    pass  # who checks that file is told
        return self._read[where]


def _with_ending(base: Path) -> Path:
    return base.parent / f"{base.name}.py"


def _package_root(folder: Path) -> Path:
    while (folder / "__init__.py").is_file():
        folder = folder.parent
    return folder
