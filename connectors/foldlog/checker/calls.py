"""Which functions of a module workflows run in it: methods of workflow classes, and whatever these call.

Functions of the module, methods of objects whose class is written down in the same place, and what decorators put
around all of these. Where it is not certain what is called, nothing is.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator

from foldlog.checker.code import Code, Owner, is_apart, is_workflow, owner_of, walk_restricted
from foldlog.checker.names import FunctionNode, Names, local_names, walk_own

_CALLING = frozenset(("foldlog.workflow.wait_condition", "functools.partial", "map", "filter", "sorted", "min", "max"))
"""Functions that call what they are given."""
_MAKING = ("__new__", "__init__", "__post_init__")


def workflow_code(tree: ast.Module, names: Names) -> list[Code]:
    """Everything that workflows of this module run in it, each function once."""
    waiting: list[Code] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and is_workflow(node, names):
            owner = owner_of(node, names)
            waiting += _methods(owner, owner.methods)
    found: dict[FunctionNode, Code] = {}
    while waiting:
        code = waiting.pop()
        if code.function not in found and not is_apart(code.function, names):
            found[code.function] = code
            waiting += _Calls(code, names).all()
    return list(found.values())


class _Calls:
    """What one function calls."""

    def __init__(self, code: Code, names: Names) -> None:
        self._code = code
        self._names = names
        self._local = code.local

    def all(self) -> Iterator[Code]:
        """Everything that is known."""
        yield from self._wrappers()
        for node in walk_restricted(self._code, self._names):
            if not isinstance(node, ast.Call):
                continue
            if isinstance(node.func, ast.Name):
                yield from self._function(node.func)
                made = self._class(node.func)
                if made is not None:
                    yield from _methods(owner_of(made, self._names), _MAKING)
            elif isinstance(node.func, ast.Attribute):
                yield from self._method(node.func)
            if self._names.path(node.func, self._local) in _CALLING:
                for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
                    yield from self._function(argument)

    def _function(self, called: ast.expr) -> Iterator[Code]:
        if isinstance(called, ast.Name) and called.id not in self._local and called.id in self._names.functions:
            yield Code(self._names.functions[called.id], called.id, None)

    # ---- methods

    def _method(self, called: ast.Attribute) -> Iterator[Code]:
        owner = self._code.owner
        match called.value:
            case ast.Name(id="self" | "cls") if owner is not None:
                yield from _methods(owner, (called.attr,))
            case ast.Call(func=ast.Name(id="super"), args=[]) if owner is not None:
                for base in owner.classes[1:]:
                    for statement in base.body:
                        if isinstance(statement, FunctionNode) and statement.name == called.attr:
                            yield Code(statement, f"{base.name}.{called.attr}", owner)
                            return
            case value:
                cls = self._class(value) or self._class_of(value)
                if cls is not None:
                    yield from _methods(owner_of(cls, self._names), (called.attr,))

    def _class(self, expression: ast.expr | None) -> ast.ClassDef | None:
        """The class of the module that it names."""
        if isinstance(expression, ast.Constant) and isinstance(expression.value, str):
            return self._names.classes.get(expression.value)
        if isinstance(expression, ast.Name) and expression.id not in self._local:
            return self._names.classes.get(expression.id)
        return None

    def _class_of(self, value: ast.expr) -> ast.ClassDef | None:
        """The class of an object, if all that is written about it says the same."""
        match value:
            case ast.Call(func=made):
                return self._class(made)
            case ast.Name(id=name) if name in self._local:
                arguments = self._code.function.args
                every = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
                annotated = [argument.annotation for argument in every if argument.arg == name]
                return self._one_of([self._code.function], lambda one: _is_name(one, name), annotated)
            case ast.Name(id=name) if name in self._names.values:
                return self._class_of(self._names.values[name])
            case ast.Attribute(value=ast.Name(id="self"), attr=name) if self._code.owner is not None:
                return self._one_of(self._code.owner.classes, lambda one: _is_own(one, name), [])
        return None

    def _one_of(
        self, within: Iterable[ast.AST], is_it: Callable[[ast.AST], bool], annotated: list[ast.expr | None]
    ) -> ast.ClassDef | None:
        found = [self._class(annotation) for annotation in annotated]
        count = len(found)
        for node in (node for part in within for node in ast.walk(part)):
            if is_it(node):
                count += 1
            elif isinstance(node, ast.Assign) and any(map(is_it, node.targets)):
                found.append(self._class_of(node.value) if isinstance(node.value, ast.Call) else None)
            elif isinstance(node, ast.AnnAssign) and is_it(node.target):
                found.append(self._class(node.annotation))
        # One that is set in any other way may be anything.
        return found[0] if len(found) == count and len({id(cls) for cls in found}) == 1 else None

    # ---- decorators

    def _wrappers(self) -> Iterator[Code]:
        """What the module's own decorators have put around the function."""
        for decorator in self._code.function.decorator_list:
            made = isinstance(decorator, ast.Call)
            name = decorator.func if isinstance(decorator, ast.Call) else decorator
            if isinstance(name, ast.Name) and name.id in self._names.functions:
                function = self._names.functions[name.id]
                for inner, enclosing in _returned(function, 2 if made else 1):
                    yield Code(inner, f"{name.id}.{inner.name}", None, enclosing)


def _returned(function: FunctionNode, depth: int) -> Iterator[tuple[FunctionNode, frozenset[str]]]:
    """The functions that a decorator returns, or that of one that makes a decorator; with variables around them."""
    around = local_names(function)
    names = {
        node.value.id
        for node in walk_own(function)
        if isinstance(node, ast.Return) and isinstance(node.value, ast.Name)
    }
    for node in walk_own(function):
        if isinstance(node, FunctionNode) and node.name in names:
            if depth == 1:
                yield node, around
            else:
                for inner, enclosing in _returned(node, depth - 1):
                    yield inner, enclosing | around


def _methods(owner: Owner, wanted: Iterable[str]) -> Iterator[Code]:
    for name in wanted:
        method = owner.methods.get(name)
        if method is not None:
            yield Code(method, f"{owner.node.name}.{name}", owner)


def _is_name(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store)


def _is_own(node: ast.AST, name: str) -> bool:
    return (
        isinstance(node, ast.Attribute)
        and node.attr == name
        and isinstance(node.ctx, ast.Store)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
    )
