"""Which functions of a module are workflow code: methods of workflow classes, and functions of the module they call.

Queries are not, for they decide nothing; activities are not; classes with `sandboxed=False` are not.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass

from foldlog.checker.names import FunctionNode, Names, local_names

DEFN = "foldlog.workflow.defn"
QUERY = "foldlog.workflow.query"
ACTIVITY = "foldlog.activity.defn"


@dataclass(frozen=True)
class Owner:
    """The workflow class of a method, with the classes of the module that it inherits from."""

    node: ast.ClassDef
    methods: dict[str, FunctionNode]
    classes: tuple[ast.ClassDef, ...]


@dataclass(frozen=True)
class Code:
    """One function that workflows run."""

    function: FunctionNode
    name: str
    owner: Owner | None


def workflow_code(tree: ast.Module, names: Names) -> list[Code]:
    """Everything that workflows of this module run in it, each function once."""
    waiting: list[Code] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and _is_workflow(node, names):
            owner = _owner(node, names)
            waiting += [Code(method, f"{node.name}.{method.name}", owner) for method in owner.methods.values()]
    found: dict[FunctionNode, Code] = {}
    while waiting:
        code = waiting.pop()
        if code.function in found or _is_apart(code.function, names):
            continue
        found[code.function] = code
        local = local_names(code.function)
        for node in ast.walk(code.function):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id not in local:
                called = names.functions.get(node.func.id)
                if called is not None:
                    waiting.append(Code(called, called.name, None))
    return list(found.values())


def activities(tree: ast.Module, names: Names) -> list[FunctionNode]:
    """The functions and methods that are activities."""
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, FunctionNode) and any(path == ACTIVITY for path, _ in names.decorators(node))
    ]


def _is_workflow(node: ast.ClassDef, names: Names) -> bool:
    for path, decorator in names.decorators(node):
        if path == DEFN:
            options = decorator.keywords if isinstance(decorator, ast.Call) else []
            return not any(
                option.arg == "sandboxed" and isinstance(option.value, ast.Constant) and option.value.value is False
                for option in options
            )
    return False


def _is_apart(function: FunctionNode, names: Names) -> bool:
    return any(path in (QUERY, ACTIVITY) for path, _ in names.decorators(function))


def _owner(node: ast.ClassDef, names: Names) -> Owner:
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
