"""Which functions workflows run: methods of workflow classes, and whatever these call, in their module and in others.

Functions, methods of objects whose class is written down where they are called, and what decorators put around all of
these, as far as they are the project's. Where it is not certain what is called, nothing is.
"""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from foldlog.checker.code import Class, Code, Owner, is_apart, is_workflow, owner_of, walk_restricted
from foldlog.checker.modules import Found, Module, Modules
from foldlog.checker.names import FunctionNode, local_names, sets_own, sets_variable, walk_own

_CALLING = frozenset(("foldlog.workflow.wait_condition", "functools.partial", "map", "filter", "sorted", "min", "max"))
"""Functions that call what they are given."""
_MAKING = ("__new__", "__init__", "__post_init__")
_ENTERING = ("__enter__", "__exit__", "__aenter__", "__aexit__")
_ITERATING = ("__iter__", "__next__", "__aiter__", "__anext__")


def workflow_code(checked: Iterable[Module], modules: Modules) -> list[Code]:
    """Everything that the workflows of these modules run, each function once, with the shortest way to it."""
    waiting: deque[Code] = deque()
    for module in checked:
        for node in module.names.every_class:
            if is_workflow(node, module.names):
                owner = owner_of(Class(node, module), modules)
                begun = _methods(owner, owner.methods)
                waiting += (replace(code, workflow=module, way=(code.name,)) for code in begun)
    found: dict[FunctionNode, Code] = {}
    while waiting:
        code = waiting.popleft()
        if code.function not in found and not is_apart(code.function, code.module.names):
            found[code.function] = code
            called = _Calls(code, modules).all()
            waiting += (replace(one, workflow=code.workflow, way=(*code.way, one.name)) for one in called)
    return list(found.values())


class _Calls:
    """What one function calls."""

    def __init__(self, code: Code, modules: Modules) -> None:
        self._code = code
        self._modules = modules
        self._local = code.local

    def all(self) -> Iterator[Code]:
        """Everything that is known."""
        yield from self._wrappers()
        names = self._code.module.names
        for node in walk_restricted(self._code):
            yield from self._protocols(node)
            if not isinstance(node, ast.Call):
                continue
            called = self._find(node.func)
            if called is not None:
                yield from _function(called)
                if isinstance(called.node, ast.ClassDef):
                    yield from _making(owner_of(Class(called.node, called.module), self._modules))
            elif isinstance(node.func, ast.Attribute):
                yield from self._method(node.func)
            if names.path(node.func, self._local) in _CALLING:
                for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
                    yield from _function(self._find(argument))

    def _find(self, expression: ast.expr) -> Found | None:
        return self._modules.find(self._code.module, expression, self._local)

    # ---- methods

    def _protocols(self, node: ast.AST) -> Iterator[Code]:
        """What Python calls of an object by itself, for what a node does with it."""
        match node:
            case ast.With(items=items) | ast.AsyncWith(items=items):
                for item in items:
                    yield from self._of_object(item.context_expr, _ENTERING)
            case ast.For(iter=iterated) | ast.AsyncFor(iter=iterated) | ast.comprehension(iter=iterated):
                yield from self._of_object(iterated, _ITERATING)
            case ast.Call(func=ast.Name() | ast.Attribute() | ast.Call() as function):
                yield from self._of_object(function, ("__call__",))

    def _of_object(self, value: ast.expr, wanted: Iterable[str]) -> Iterator[Code]:
        cls = self._class_of(value, self._code.module)
        if cls is not None:
            yield from _methods(owner_of(cls, self._modules), wanted)

    def _method(self, called: ast.Attribute) -> Iterator[Code]:
        owner = self._code.owner
        match called.value:
            case ast.Name(id="self" | "cls") if owner is not None:
                yield from _methods(owner, (called.attr,))
            case ast.Call(func=ast.Name(id="super"), args=[]) if owner is not None:
                for base in owner.classes[1:]:
                    for statement in base.node.body:
                        if isinstance(statement, FunctionNode) and statement.name == called.attr:
                            yield Code(statement, f"{base.node.name}.{called.attr}", base.module, owner)
                            return
            case value:
                module = self._code.module
                cls = self._class(value, module)
                if cls is not None:
                    yield from _methods(owner_of(cls, self._modules), (called.attr,))
                else:
                    yield from self._of_object(value, (called.attr,))

    def _class(self, expression: ast.expr | None, module: Module) -> Class | None:
        """The class of the project that an expression in a module names."""
        local = self._local
        if isinstance(expression, ast.Constant) and isinstance(expression.value, str):
            try:
                expression = ast.parse(expression.value, mode="eval").body
            except SyntaxError:
                return None
            local = frozenset()
        found = self._modules.find(module, _without_none(expression), local)
        return Class(found.node, found.module) if found is not None and isinstance(found.node, ast.ClassDef) else None

    def _class_of(self, value: ast.expr, module: Module) -> Class | None:
        """The class of an object, if all that is written about it says the same."""
        match value:
            case ast.Call(func=made):
                return self._class(made, module)
            case ast.Name(id=name) if name in self._local:
                arguments = self._code.function.args
                every = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
                annotated = [argument.annotation for argument in every if argument.arg == name]
                return self._one_of([(self._code.function, module)], lambda one: sets_variable(one, name), annotated)
            case ast.Attribute(value=ast.Name(id="self"), attr=name) if self._code.owner is not None:
                classes = [(cls.node, cls.module) for cls in self._code.owner.classes]
                return self._one_of(classes, lambda one: sets_own(one, name), [])
            case _:
                found = self._modules.find(module, value, self._local)
                if found is not None and isinstance(found.node, ast.Call):
                    return self._class(found.node.func, found.module)
        return None

    def _one_of(
        self,
        within: Iterable[tuple[ast.AST, Module]],
        is_it: Callable[[ast.AST], bool],
        annotated: list[ast.expr | None],
    ) -> Class | None:
        found = [self._class(annotation, self._code.module) for annotation in annotated]
        count = len(found)
        for node, module in ((node, module) for part, module in within for node in ast.walk(part)):
            if is_it(node):
                count += 1
            elif isinstance(node, ast.Assign) and any(map(is_it, node.targets)):
                found.append(self._class_of(node.value, module) if isinstance(node.value, ast.Call) else None)
            elif isinstance(node, ast.AnnAssign) and is_it(node.target):
                found.append(self._class(node.annotation, module))
        # One that is set in any other way may be anything.
        return found[0] if len(found) == count and len(set(found)) == 1 else None

    # ---- decorators

    def _wrappers(self) -> Iterator[Code]:
        """What the project's own decorators have put around the function."""
        for decorator in self._code.function.decorator_list:
            made = isinstance(decorator, ast.Call)
            name = decorator.func if isinstance(decorator, ast.Call) else decorator
            found = self._modules.find(self._code.module, name)
            if found is not None and isinstance(found.node, FunctionNode):
                for inner, enclosing in _returned(found.node, 2 if made else 1):
                    yield Code(inner, f"{found.node.name}.{inner.name}", found.module, None, enclosing)


def _function(found: Found | None) -> Iterator[Code]:
    if found is not None and isinstance(found.node, FunctionNode):
        yield Code(found.node, found.node.name, found.module, None)


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


def _making(owner: Owner) -> Iterator[Code]:
    """What runs when an object of a class is made."""
    yield from _methods(owner, _MAKING)
    for cls in owner.classes:
        for filler in cls.module.names.fillers[cls.node]:
            yield Code(filler, f"{owner.name}.{filler.name}", cls.module, None)


def _methods(owner: Owner, wanted: Iterable[str]) -> Iterator[Code]:
    for name in wanted:
        method = owner.methods.get(name)
        if method is not None:
            yield Code(method.function, f"{owner.name}.{name}", method.cls.module, owner)


def _without_none(annotation: ast.expr | None) -> ast.expr | None:
    """The class of an annotation that allows None, too: what is called on it is called on an object."""
    match annotation:
        case ast.BinOp(left=one, op=ast.BitOr(), right=ast.Constant(value=None)):
            return one
        case ast.BinOp(left=ast.Constant(value=None), op=ast.BitOr(), right=one):
            return one
        case ast.Subscript(value=ast.Name(id="Optional") | ast.Attribute(attr="Optional"), slice=one):
            return one
    return annotation
