"""Which call has made an object, if all that is written about it says the same. Nothing is said of any other object.

By that it is known which of its methods must be awaited, and which block.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain

from foldlog.checker.code import Code
from foldlog.checker.names import Names, sets_own, sets_variable

_QUEUES = ("asyncio.Queue", "asyncio.LifoQueue", "asyncio.PriorityQueue")
_LOCKS = ("asyncio.Lock", "asyncio.Semaphore", "asyncio.BoundedSemaphore")
_WORKFLOWS = ("foldlog.workflow.get_external_workflow_handle", "foldlog.workflow.get_external_workflow_handle_for")
COROUTINES: dict[str, frozenset[str]] = {
    **dict.fromkeys(_QUEUES, frozenset(("get", "put", "join"))),
    **dict.fromkeys(_LOCKS, frozenset(("acquire",))),
    "asyncio.Event": frozenset(("wait",)),
    "asyncio.Condition": frozenset(("acquire", "wait", "wait_for")),
    "asyncio.Barrier": frozenset(("wait",)),
    **dict.fromkeys(_WORKFLOWS, frozenset(("signal", "cancel"))),
    "foldlog.workflow.start_child_workflow": frozenset(("signal",)),
    "foldlog.workflow.Saga": frozenset(("run_compensations",)),
}
"""Methods that do nothing unless they are awaited, by what has made their object."""
METHODS = frozenset().union(*COROUTINES.values())

_IsIt = Callable[[ast.AST], bool]


class Objects:
    """The objects that one function knows of."""

    def __init__(self, code: Code) -> None:
        self._code = code

    def made_by(self, value: ast.expr) -> str:
        """The full name of the function or class that was called for an object, awaited or not; empty: not known."""
        code = self._code
        match value:
            case ast.Name(id=name) if name in code.local:
                return _only(self._variable(name))
            case ast.Attribute(value=ast.Name(id="self"), attr=name) if code.owner is not None:
                is_it = partial(sets_own, name=name)
                of_classes = [_makers(cls.node, cls.module.names, frozenset(), is_it) for cls in code.owner.classes]
                return _only(chain.from_iterable(of_classes))
        return _maker(value, code.module.names, code.local)

    def _variable(self, name: str) -> Iterator[str]:
        """What makes a variable, once for each place that sets it."""
        code = self._code
        arguments = code.function.args
        for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
            if argument.arg == name:
                yield "" if argument.annotation is None else code.module.names.path(argument.annotation, code.local)
        yield from _makers(code.function, code.module.names, code.local, partial(sets_variable, name=name))


def _only(makers: Iterable[str]) -> str:
    """The one that all of them are."""
    found = set(makers)
    return found.pop() if len(found) == 1 else ""


def _makers(tree: ast.AST, names: Names, local: frozenset[str], is_it: _IsIt) -> Iterator[str]:
    """What makes an object, once for each place in a tree that sets it."""
    known: set[ast.AST] = set()
    every = list(ast.walk(tree))
    for node in every:
        match node:
            case ast.Assign(targets=targets, value=value):
                set_here = targets
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                set_here = [target]
            case ast.withitem(optional_vars=ast.expr() as target, context_expr=value):
                set_here = [target]
            case _:
                continue
        for target in filter(is_it, set_here):
            known.add(target)
            yield _maker(value, names, local)
    if any(is_it(node) and node not in known for node in every):
        yield ""  # it is set in some other way, too: it may be anything


def _maker(value: ast.expr, names: Names, local: frozenset[str]) -> str:
    match value:
        case ast.Await(value=awaited):
            return _maker(awaited, names, local)
        case ast.BinOp(left=left, op=ast.Div()):  # as paths are put together
            return _maker(left, names, local)
        case ast.Call(func=ast.Subscript(value=made)) | ast.Call(func=made):
            return names.path(made, local)
    return ""
