"""State that all runs of a process share: globals and class attributes that code changes (FL007)."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from foldlog.checker.code import Code, walk_restricted
from foldlog.checker.names import FunctionNode, Names, local_names

_MUTABLE_TYPES = frozenset(
    [
        "list",
        "dict",
        "set",
        "bytearray",
        "collections.defaultdict",
        "collections.deque",
        "collections.Counter",
        "collections.OrderedDict",
    ]
)
_CHANGES = frozenset(
    [
        "append",
        "appendleft",
        "add",
        "update",
        "pop",
        "popleft",
        "popitem",
        "clear",
        "extend",
        "insert",
        "remove",
        "discard",
        "setdefault",
        "sort",
        "reverse",
    ]
)
_INSTEAD = "runs share it, and replay does not bring it back: keep it in the workflow object"


def shared_state(
    names: Names, codes: Iterable[Code], activities: Iterable[FunctionNode]
) -> Iterator[tuple[Code, ast.expr, str]]:
    """Where workflow code changes such state, or reads what it or an activity changes."""
    codes = list(codes)
    mutable = {name for name, value in names.values.items() if _is_mutable(value, names)}
    changed: dict[str, int] = {}
    nodes = {code.function: list(walk_restricted(code)) for code in codes}
    for function in activities:
        for _, name in _changes(ast.walk(function), local_names(function), mutable):
            changed[name] = changed.get(name, 0) + 1
    found = {code.function: list(_changes(nodes[code.function], code.local, mutable)) for code in codes}
    for _, name in (one for each in found.values() for one in each):
        changed[name] = changed.get(name, 0) + 1
    for code in codes:
        local = code.local
        at = {id(node): (node, name) for node, name in found[code.function]}
        for changed_node, name in at.values():
            yield code, changed_node, f"{name} is a global that changes: {_INSTEAD}"
        for node in nodes[code.function]:
            if (
                isinstance(node, ast.Name)
                and isinstance(node.ctx, ast.Load)
                and node.id in changed
                and node.id not in local
                and id(node) not in at
            ):
                yield code, node, f"{node.id} is a global that changes: {_INSTEAD}"
        yield from _class_attributes(code, nodes[code.function], names)


def _is_mutable(value: ast.expr, names: Names) -> bool:
    if isinstance(value, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp):
        return True
    return isinstance(value, ast.Call) and names.path(value.func) in _MUTABLE_TYPES


def _changes(nodes: Iterable[ast.AST], local: frozenset[str], mutable: set[str]) -> Iterator[tuple[ast.expr, str]]:
    """Where a function of these nodes changes globals: the node that names the global, and the name."""
    nodes = list(nodes)
    declared = {name for node in nodes if isinstance(node, ast.Global) for name in node.names}
    for node in nodes:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store | ast.Del) and node.id in declared:
            yield node, node.id
            continue
        value = _changed_value(node)
        if isinstance(value, ast.Name) and value.id in mutable and value.id not in local:
            yield value, value.id


def _changed_value(node: ast.AST) -> ast.expr | None:
    """What a node changes in place."""
    match node:
        case ast.Subscript(value=value, ctx=ast.Store() | ast.Del()):
            return value
        case ast.Call(func=ast.Attribute(value=value, attr=method)) if method in _CHANGES:
            return value
    return None


def _is_class(value: ast.expr, names: Names) -> bool:
    """Whether an expression is a class of the module, or that of the object at hand."""
    match value:
        case ast.Name(id=name):
            return name in names.classes
        case ast.Attribute(value=ast.Name(id="self"), attr="__class__"):
            return True
        case ast.Call(func=ast.Name(id="type"), args=[ast.Name(id="self")]):
            return True
    return False


def _class_attributes(code: Code, nodes: Iterable[ast.AST], names: Names) -> Iterator[tuple[Code, ast.expr, str]]:
    """Changes of attributes that are the class's, not the run's."""
    nodes = list(nodes)
    for node in nodes:
        stored = node if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) else _changed_value(node)
        if isinstance(stored, ast.Attribute) and _is_class(stored.value, names):
            yield code, stored, f"{ast.unparse(stored)} is an attribute of a class: {_INSTEAD}"
    if code.owner is None:
        return
    of_class = {
        target.id
        for cls in code.owner.classes
        for statement in cls.node.body
        if isinstance(statement, ast.Assign | ast.AnnAssign)
        and statement.value
        and _is_mutable(statement.value, cls.module.names)
        for target in (statement.targets if isinstance(statement, ast.Assign) else [statement.target])
        if isinstance(target, ast.Name)
    }
    own = {
        node.attr
        for method in code.owner.methods.values()
        for node in ast.walk(method.function)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
    }
    for node in nodes:
        match _changed_value(node):
            case ast.Attribute(value=ast.Name(id="self"), attr=name) as value if name in of_class - own:
                yield code, value, f"{name} is an attribute of the class, not of the object: {_INSTEAD}"
