"""What names in a module stand for, as far as its imports tell. It imports nothing."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator
from dataclasses import dataclass

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
_BUILTINS = frozenset(dir(builtins))
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_FIELDS = frozenset(
    (
        "dataclasses.field",
        "pydantic.Field",
        "pydantic.PrivateAttr",
        "pydantic.fields.Field",
        "attrs.field",
        "attr.field",
        "attr.ib",
        "msgspec.field",
    )
)
"""What gives a field of a class a default that a function makes."""


@dataclass(frozen=True)
class Imported:
    """What an import gives a name to."""

    module: str
    """Empty: the package itself, as in `from . import x`."""
    name: str | None = None
    """What of it; None: the module."""
    level: int = 0
    """How many dots stand before it."""

    @property
    def path(self) -> str:
        """As it would be written."""
        return "." * self.level + ".".join(part for part in (self.module, self.name) if part)


class Names:
    """The names of one module."""

    def __init__(self, tree: ast.Module) -> None:
        self.imports: dict[str, Imported] = {}
        self.every_function: list[FunctionNode] = []
        self.every_class: list[ast.ClassDef] = []
        """Both also within others. `functions` and `classes` are those that can be named anywhere in the module."""
        self.fillers: dict[ast.ClassDef, list[FunctionNode]] = {}
        """What makes the defaults of a class's fields, as functions that call it."""
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    name = alias.asname or alias.name.partition(".")[0]
                    self.imports[name] = Imported(alias.name if alias.asname else name)
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    imported = Imported(node.module or "", alias.name, node.level)
                    self.imports[alias.asname or alias.name] = imported
            elif isinstance(node, FunctionNode):
                self.every_function.append(node)
            elif isinstance(node, ast.ClassDef):
                self.every_class.append(node)
        self.functions: dict[str, FunctionNode] = {}
        self.classes: dict[str, ast.ClassDef] = {}
        self.values: dict[str, ast.expr] = {}
        """What global names are set to, at their last place."""
        for statement in _top_level(tree.body):
            self._define(statement)
        for cls in self.every_class:
            self.fillers[cls] = [filler for statement in cls.body for filler in self._fillers(statement)]
            self.every_function += self.fillers[cls]

    def _fillers(self, statement: ast.stmt) -> Iterator[FunctionNode]:
        """A function of its own for each `default_factory=…` of a field, as each object that is made calls it."""
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.Call(func=function, keywords=options)):
                pass
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=function, keywords=options)):
                pass
            case _:
                return
        if self.path(function) in _FIELDS:
            for option in options:
                if option.arg in ("default_factory", "factory"):
                    call = ast.copy_location(ast.Expr(ast.Call(option.value, [], [])), option.value)
                    ast.copy_location(call.value, option.value)
                    filler = ast.parse(f"def {name}(): ...").body[0]
                    assert isinstance(filler, ast.FunctionDef)
                    filler.body = [call]
                    yield ast.copy_location(filler, statement)

    def _define(self, statement: ast.stmt) -> None:
        if isinstance(statement, FunctionNode):
            self.functions[statement.name] = statement
        elif isinstance(statement, ast.ClassDef):
            self.classes[statement.name] = statement
        elif isinstance(statement, ast.Assign):
            for target in statement.targets:
                if isinstance(target, ast.Name):
                    self.values[target.id] = statement.value
        elif isinstance(statement, ast.AnnAssign) and statement.value and isinstance(statement.target, ast.Name):
            self.values[statement.target.id] = statement.value

    def path(self, expression: ast.expr, local: frozenset[str] = frozenset()) -> str:
        """The full name of what is imported or built in, such as `datetime.datetime.now`; empty for all else. That of
        what is imported from the same package begins with a dot.

        Args:
            expression: A name, or attributes of one.
            local: Names that the function gives a meaning of its own.
        """
        parts: list[str] = []
        while isinstance(expression, ast.Attribute):
            parts.append(expression.attr)
            expression = expression.value
        if not isinstance(expression, ast.Name) or expression.id in local:
            return ""
        name = expression.id
        imported = self.imports.get(name)
        if imported is not None:
            base = imported.path
        else:
            if name not in _BUILTINS or name in self.functions or name in self.classes or name in self.values:
                return ""
            base = name
        path = ".".join([base, *reversed(parts)])
        # Code on its way from Temporal is checked by the same rules.
        return path.replace("temporalio.", "foldlog.", 1) if path.startswith("temporalio.") else path

    def decorators(self, node: FunctionNode | ast.ClassDef) -> Iterator[tuple[str, ast.expr]]:
        """The full names of decorators, called or not."""
        for decorator in node.decorator_list:
            called = decorator.func if isinstance(decorator, ast.Call) else decorator
            yield self.path(called), decorator


def _top_level(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a module, those within `if`, `try` and `with` included."""
    for statement in body:
        yield statement
        if isinstance(statement, ast.If | ast.Try | ast.With):
            yield from _top_level(statement.body)
            yield from _top_level(getattr(statement, "orelse", []))
            for handler in getattr(statement, "handlers", []):
                yield from _top_level(handler.body)


def walk_own(nodes: list[ast.stmt] | ast.AST) -> Iterator[ast.AST]:
    """As `ast.walk`, without what is inside of functions and classes within."""
    waiting: list[ast.AST] = list(nodes) if isinstance(nodes, list) else list(ast.iter_child_nodes(nodes))
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, _SCOPES):
            waiting.extend(ast.iter_child_nodes(node))


def local_names(function: FunctionNode | ast.Lambda) -> frozenset[str]:
    """Names that are parameters or variables of a function."""
    arguments = function.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    names = {argument.arg for argument in every if argument is not None}
    shared: set[str] = set()
    for node in walk_own(function):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Global):
            shared.update(node.names)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.ExceptHandler) and node.name:
            names.add(node.name)
    return frozenset(names - shared)


def sets_variable(node: ast.AST, name: str) -> bool:
    """Whether a node gives a variable a value."""
    return isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store)


def sets_own(node: ast.AST, name: str) -> bool:
    """Whether a node gives an attribute of `self` a value."""
    return (
        isinstance(node, ast.Attribute)
        and node.attr == name
        and isinstance(node.ctx, ast.Store)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
    )
