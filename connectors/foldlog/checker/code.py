"""What workflow code is made of: functions of modules, each with the class that it is of; and what is none of it.

Queries are not, for they decide nothing; activities are not; classes with `sandboxed=False` are not, nor are blocks
that the guard does not watch. Which functions workflows call is found in `calls`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from foldlog.checker.modules import Module, Modules
from foldlog.checker.names import FunctionNode, Names, local_names

DEFN = "foldlog.workflow.defn"
QUERY = "foldlog.workflow.query"
ACTIVITY = "foldlog.activity.defn"
UNRESTRICTED = "foldlog.workflow.unsafe.sandbox_unrestricted"


@dataclass(frozen=True)
class Class:
    """A class of the project."""

    node: ast.ClassDef
    module: Module


@dataclass(frozen=True)
class Method:
    """A method, and the class that it is written in."""

    function: FunctionNode
    cls: Class


@dataclass(frozen=True)
class Owner:
    """The class of a method, with the classes of the project that it inherits from, itself the first."""

    methods: dict[str, Method]
    classes: tuple[Class, ...]

    @property
    def name(self) -> str:
        return self.classes[0].node.name


@dataclass(frozen=True)
class Code:
    """One function that workflows run."""

    function: FunctionNode
    name: str
    module: Module
    owner: Owner | None
    enclosing: frozenset[str] = frozenset()
    """Variables of the functions around it."""
    workflow: Module | None = None
    """Where the workflow is that runs it."""
    way: tuple[str, ...] = ()
    """The functions by which that comes to it, itself the last."""

    @property
    def described(self) -> str:
        """What it is, for people; in a module without the workflow also how that comes to it."""
        if self.workflow is None or self.workflow is self.module:
            return self.name
        return f"{self.name}, which {self.workflow.shown} calls: {' > '.join(self.way)}"

    @property
    def local(self) -> frozenset[str]:
        """Names that have a meaning of their own in it."""
        return local_names(self.function) | self.enclosing


def is_activity(function: FunctionNode, names: Names) -> bool:
    """Whether a function or method is an activity."""
    return any(path == ACTIVITY for path, _ in names.decorators(function))


def is_workflow(node: ast.ClassDef, names: Names) -> bool:
    """Whether a class is a workflow that the guard watches."""
    for path, decorator in names.decorators(node):
        if path == DEFN:
            options = decorator.keywords if isinstance(decorator, ast.Call) else []
            return not any(
                option.arg == "sandboxed" and isinstance(option.value, ast.Constant) and option.value.value is False
                for option in options
            )
    return False


def is_apart(function: FunctionNode, names: Names) -> bool:
    """Whether a function is no workflow code, whoever calls it."""
    return any(path in (QUERY, ACTIVITY) for path, _ in names.decorators(function))


def is_unrestricted(node: ast.AST, names: Names, local: frozenset[str]) -> bool:
    """Whether it is a block that the guard does not watch."""
    return isinstance(node, ast.With) and any(
        isinstance(item.context_expr, ast.Call) and names.path(item.context_expr.func, local) == UNRESTRICTED
        for item in node.items
    )


def walk_restricted(code: Code) -> Iterator[ast.AST]:
    """All that a function does, without such blocks. Its decorators and defaults are not its own doing."""
    local = code.local
    waiting: list[ast.AST] = list(code.function.body)
    while waiting:
        node = waiting.pop()
        if not is_unrestricted(node, code.module.names, local):
            yield node
            waiting.extend(ast.iter_child_nodes(node))


def owner_of(cls: Class, modules: Modules) -> Owner:
    """A class as the owner of its methods."""
    classes: list[Class] = []
    waiting = [cls]
    while waiting:
        one = waiting.pop(0)
        if one in classes:
            continue
        classes.append(one)
        for base in one.node.bases:
            found = modules.find(one.module, base)
            if found is not None and isinstance(found.node, ast.ClassDef):
                waiting.append(Class(found.node, found.module))
    methods: dict[str, Method] = {}
    for one in classes:
        for statement in one.node.body:
            if isinstance(statement, FunctionNode):
                methods.setdefault(statement.name, Method(statement, one))
    return Owner(methods, tuple(classes))
