"""Which expressions are sets whose order differs from process to process: those of strings and the like.

Sets of numbers have the same order everywhere, and so have foldlog's tasks. What a set holds is often not written down;
then nothing is said.
"""

from __future__ import annotations

import ast
from collections.abc import Callable

from foldlog.checker.names import FunctionNode, walk_own

_ORDERED_TYPES = frozenset(
    [
        "int",
        "float",
        "bool",
        "complex",
        "None",
        "Any",
        "object",
        "Task",
        "Future",
        "ActivityHandle",
        "ChildWorkflowHandle",
        "Awaitable",
        "Coroutine",
    ]
)
_SET_TYPES = frozenset(("set", "frozenset", "Set", "FrozenSet", "AbstractSet", "MutableSet"))
_OPERATIONS = frozenset(("union", "intersection", "difference", "symmetric_difference", "copy"))
_TASKS = ("task", "future", "handle", "pending", "coro")


class Sets:
    """The sets of one function."""

    def __init__(
        self, function: FunctionNode, attributes: dict[str, ast.expr], path: Callable[[ast.expr], str]
    ) -> None:
        """Look at what the function's variables are.

        Args:
            function: The function.
            attributes: Annotations of attributes of `self`.
            path: Says the full name of what is imported or built in.
        """
        self._path = path
        self._attributes = {name for name, annotation in attributes.items() if _is_set_type(annotation)}
        self._variables: dict[str, bool] = {
            argument.arg: _is_set_type(argument.annotation)
            for argument in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)
        }
        for node in walk_own(function):
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                self._variables[node.target.id] = _is_set_type(node.annotation)
        for node in walk_own(function):
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    if isinstance(target, ast.Name):
                        known = self._variables.get(target.id, True)
                        self._variables[target.id] = known and self.has_no_order(node.value)

    def has_no_order(self, expression: ast.expr) -> bool:
        """Whether it is such a set."""
        match expression:
            case ast.Set(elts=elements):
                return any(isinstance(one, ast.JoinedStr) or _is_text(one) for one in elements)
            case ast.SetComp(elt=element):
                return not isinstance(element, ast.Call | ast.Await | ast.BinOp)
            case ast.Call(func=ast.Attribute(value=value, attr=method)) if method in _OPERATIONS:
                return self.has_no_order(value)
            case ast.Call(func=function, args=[argument]) if self._path(function) in ("set", "frozenset"):
                return not _may_have_order(argument)
            case ast.BinOp(left=left, op=ast.BitOr() | ast.BitAnd() | ast.Sub() | ast.BitXor(), right=right):
                return self.has_no_order(left) or self.has_no_order(right)
            case ast.Name(id=name):
                return self._variables.get(name, False)
            case ast.Attribute(value=ast.Name(id="self"), attr=name):
                return name in self._attributes
        return False


def _is_text(expression: ast.expr) -> bool:
    return isinstance(expression, ast.Constant) and isinstance(expression.value, str | bytes)


def _may_have_order(argument: ast.expr) -> bool:
    """Whether a set of it may well be one of numbers or tasks."""
    if isinstance(argument, ast.List | ast.Tuple):
        return not any(map(_is_text, argument.elts))
    if isinstance(argument, ast.Call):
        return True
    if isinstance(argument, ast.GeneratorExp | ast.ListComp):
        return isinstance(argument.elt, ast.Call | ast.Await | ast.BinOp)
    name = argument.attr if isinstance(argument, ast.Attribute) else getattr(argument, "id", "")
    return any(part in name.lower() for part in _TASKS)


def _is_set_type(annotation: ast.expr | None) -> bool:
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        try:
            annotation = ast.parse(annotation.value, mode="eval").body
        except SyntaxError:
            return False
    if not isinstance(annotation, ast.Subscript) or _last(annotation.value) not in _SET_TYPES:
        return False
    inner = annotation.slice.value if isinstance(annotation.slice, ast.Subscript) else annotation.slice
    return bool(_last(inner)) and _last(inner) not in _ORDERED_TYPES


def _last(expression: ast.expr) -> str:
    return expression.attr if isinstance(expression, ast.Attribute) else getattr(expression, "id", "")
