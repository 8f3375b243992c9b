"""State that all runs of a process share: globals and class attributes that code changes (FL007)."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from foldlog.checker.code import Code, walk_restricted
from foldlog.checker.modules import Found, Module, Modules
from foldlog.checker.names import FunctionNode, local_names

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
    module: Module, codes: Iterable[Code], activities: Iterable[FunctionNode], modules: Modules
) -> Iterator[tuple[Code, ast.expr, str]]:
    """Where workflow code changes such state, or reads what it or an activity changes.

    Args:
        module: The module.
        codes: Its workflow code.
        activities: Its activities.
        modules: Those of the project, whose globals may be changed here, too.
    """
    codes = list(codes)
    mutable = {name for name, value in module.names.values.items() if _is_mutable(Found(module, value))}
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
        yield from _class_attributes(code, nodes[code.function], modules)
        yield from _of_others(code, nodes[code.function], modules)


def _is_mutable(found: Found) -> bool:
    value = found.node
    if isinstance(value, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp):
        return True
    return isinstance(value, ast.Call) and found.module.names.path(value.func) in _MUTABLE_TYPES


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
    """What a node changes in place, or changes something in."""
    match node:
        case ast.Subscript(value=value, ctx=ast.Store() | ast.Del()):
            pass
        case ast.Call(func=ast.Attribute(value=value, attr=method)) if method in _CHANGES:
            pass
        case _:
            return None
    while isinstance(value, ast.Subscript):
        value = value.value
    return value


def _set_attribute(node: ast.AST) -> ast.Attribute | None:
    """The attribute that a node sets or deletes."""
    return node if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store | ast.Del) else None


def _of_others(code: Code, nodes: Iterable[ast.AST], modules: Modules) -> Iterator[tuple[Code, ast.expr, str]]:
    """Changes of globals of other modules, and of attributes of objects that are globals."""
    nodes = list(nodes)
    inner = (node for node in nodes if isinstance(node, FunctionNode | ast.Lambda))
    local = code.local.union(*map(local_names, inner))

    def is_global(value: ast.expr) -> bool:
        """Whether an expression names a global that has a value: no function, no class."""
        found = modules.find(code.module, value, local)
        return found is not None and isinstance(found.node, ast.expr)

    for node in nodes:
        stored, value = _set_attribute(node), _changed_value(node)
        if value is not None:
            found = modules.find(code.module, value, local)
            if found is not None and found.module is not code.module and _is_mutable(found):
                yield code, value, f"{ast.unparse(value)} is a global that changes: {_INSTEAD}"
        elif stored is not None and is_global(stored):
            yield code, stored, f"{ast.unparse(stored)} is a global that changes: {_INSTEAD}"
        elif stored is not None and any(map(is_global, _within(stored))):
            yield code, stored, f"{ast.unparse(stored)} is part of a global: {_INSTEAD}"


def _within(attribute: ast.Attribute) -> Iterator[ast.expr]:
    """What an attribute is of, and what that is of, and so on."""
    value: ast.expr = attribute.value
    yield value
    while isinstance(value, ast.Attribute):
        value = value.value
        yield value


def _is_class(value: ast.expr, code: Code, modules: Modules) -> bool:
    """Whether an expression is a class of the project, or that of the object at hand."""
    match value:
        case ast.Attribute(value=ast.Name(id="self"), attr="__class__"):
            return True
        case ast.Call(func=ast.Name(id="type"), args=[ast.Name(id="self")]):
            return True
    found = modules.find(code.module, value, code.local)
    return found is not None and isinstance(found.node, ast.ClassDef)


def _class_attributes(code: Code, nodes: Iterable[ast.AST], modules: Modules) -> Iterator[tuple[Code, ast.expr, str]]:
    """Changes of attributes that are the class's, not the run's."""
    nodes = list(nodes)
    for node in nodes:
        stored = _set_attribute(node) or _changed_value(node)
        if isinstance(stored, ast.Attribute) and _is_class(stored.value, code, modules):
            yield code, stored, f"{ast.unparse(stored)} is an attribute of a class: {_INSTEAD}"
    if code.owner is None:
        return
    of_class = {
        target.id
        for cls in code.owner.classes
        for statement in cls.node.body
        if isinstance(statement, ast.Assign | ast.AnnAssign)
        and statement.value
        and _is_mutable(Found(cls.module, statement.value))
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
