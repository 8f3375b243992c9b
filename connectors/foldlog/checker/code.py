"""What workflow code is made of: functions of a module, each with the class that it is of; and what is none of it.

Queries are not, for they decide nothing; activities are not; classes with `sandboxed=False` are not, nor are blocks
that the guard does not watch. Which functions workflows call is found in `calls`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from foldlog.checker.names import FunctionNode, Names, local_names

DEFN = "foldlog.workflow.defn"
QUERY = "foldlog.workflow.query"
ACTIVITY = "foldlog.activity.defn"
UNRESTRICTED = "foldlog.workflow.unsafe.sandbox_unrestricted"


@dataclass(frozen=True)
class Owner:
    """The class of a method, with the classes of the module that it inherits from, itself the first."""

    node: ast.ClassDef
    methods: dict[str, FunctionNode]
    classes: tuple[ast.ClassDef, ...]


@dataclass(frozen=True)
class Code:
    """One function that workflows run."""

    function: FunctionNode
    name: str
    owner: Owner | None
    enclosing: frozenset[str] = frozenset()
    """Variables of the functions around it."""

    @property
    def local(self) -> frozenset[str]:
        """Names that have a meaning of their own in it."""
        return local_names(self.function) | self.enclosing


def activities(tree: ast.Module, names: Names) -> list[FunctionNode]:
    """The functions and methods that are activities."""
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, FunctionNode) and any(path == ACTIVITY for path, _ in names.decorators(node))
    ]


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


def walk_restricted(code: Code, names: Names) -> Iterator[ast.AST]:
    """All that a function does, without such blocks. Its decorators and defaults are not its own doing."""
    local = code.local
    waiting: list[ast.AST] = list(code.function.body)
    while waiting:
        node = waiting.pop()
        if not is_unrestricted(node, names, local):
            yield node
            waiting.extend(ast.iter_child_nodes(node))


def owner_of(node: ast.ClassDef, names: Names) -> Owner:
    """A class as the owner of its methods."""
    classes: list[ast.ClassDef] = []
    waiting = [node]
    while waiting:
        cls = waiting.pop(0)
        if cls not in classes:
            classes.append(cls)
            bases = [base.id for base in cls.bases if isinstance(base, ast.Name)]
            waiting += [names.classes[base] for base in bases if base in names.classes]
    methods: dict[str, FunctionNode] = {}
    for cls in classes:
        for statement in cls.body:
            if isinstance(statement, FunctionNode):
                methods.setdefault(statement.name, statement)
    return Owner(node, methods, tuple(classes))
