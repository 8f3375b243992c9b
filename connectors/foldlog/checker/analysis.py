"""Finds in one function of workflow code what no replay repeats, what blocks, and what is forgotten.

What is forbidden, and what to use instead, is in `foldlog.runtime.forbidden`. Works on the source alone.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping

from foldlog.checker.code import Code, is_unrestricted
from foldlog.checker.modules import Modules
from foldlog.checker.names import local_names, walk_own
from foldlog.checker.objects import COROUTINES, METHODS, Objects
from foldlog.checker.sets import Sets
from foldlog.runtime import forbidden

Report = Callable[[ast.AST, str, str], None]
"""Takes where it is, the rule and the message."""

_AWAITED = frozenset(
    [
        *(
            f"foldlog.workflow.{name}"
            for name in [
                "execute_activity",
                "execute_activity_class",
                "execute_activity_method",
                "execute_local_activity",
                "execute_local_activity_class",
                "execute_local_activity_method",
                "execute_child_workflow",
                "start_child_workflow",
                "sleep",
                "wait",
                "wait_condition",
            ]
        ),
        *("asyncio.sleep", "asyncio.wait", "asyncio.wait_for"),
    ]
)
"""Functions whose results do nothing unless they are awaited."""
_STARTING = ("create_task", "ensure_future", "start_activity", "start_local_activity", "start_child_workflow")
_ANY_ORDER = frozenset(("sorted", "set", "frozenset", "sum", "min", "max", "any", "all", "len"))
_ANY_ORDER_OF = frozenset(("update", "wait", "union", "intersection", "difference"))
"""Methods to which it does not matter either."""
_IN_ORDER = frozenset(
    (
        *("list", "tuple", "iter", "enumerate", "map", "filter", "zip"),
        *("dict.fromkeys", "collections.deque", "itertools.chain", "itertools.product"),
    )
)
_REPLAY = "which comes out differently in replay"
_SWALLOWS = "swallows the cancellation of the workflow: catch Exception, or raise again"


def check(code: Code, modules: Modules, extra: Mapping[str, str], report: Report) -> None:
    """Report everything that is found in a function, and in functions within it.

    Args:
        code: The function.
        modules: Those of the project.
        extra: Names that the project forbids, with what to use instead.
        report: Takes what is found.
    """
    _Function(code, modules, extra, report).run()


class _Function(ast.NodeVisitor):
    def __init__(self, code: Code, modules: Modules, extra: Mapping[str, str], report: Report) -> None:
        self._code = code
        self._modules = modules
        self._names = code.module.names
        self._extra = extra
        self._report = report
        self._local = code.local
        self._objects = Objects(code)
        self._sets = Sets(code.function, _annotations(code), self._path)
        self._any_order: set[int] = set()
        """Comprehensions whose order does not matter."""
        self._coroutines = {node.name for node in ast.walk(code.function) if isinstance(node, ast.AsyncFunctionDef)} - {
            code.function.name
        }

    def run(self) -> None:
        for statement in self._code.function.body:
            self.visit(statement)

    def _path(self, expression: ast.expr) -> str:
        return self._names.path(expression, self._local)

    # ---- names

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self._look_up(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if not self._look_up(node):
            self.generic_visit(node)

    def _look_up(self, node: ast.Name | ast.Attribute) -> bool:
        """Whether it is a name that is reported wherever it stands."""
        path = self._path(node)
        if not path:
            return False
        for rule, table in _NAMED:
            if path in table:
                self._report(node, rule, f"{path}, {_REPLAY}: {table[path]}")
                return True
        if path in forbidden.THREADS:
            self._report(node, "FL005", f"{path} in workflow code: {forbidden.THREADS[path]}")
            return True
        if path in self._extra:
            self._report(node, "FL011", f"{path} is forbidden in workflow code: {self._extra[path]}")
            return True
        return False

    # ---- calls

    def visit_Call(self, node: ast.Call) -> None:
        path = self._path(node.func)
        if path:
            self._check_call(node, path)
        if isinstance(node.func, ast.Attribute):
            self._check_method(node, node.func)
        passes = path in _IN_ORDER and id(node) in self._any_order
        if passes or path in _ANY_ORDER or (isinstance(node.func, ast.Attribute) and node.func.attr in _ANY_ORDER_OF):
            for argument in node.args:
                self._let_pass(argument)
        elif path in _IN_ORDER:
            for argument in node.args:
                self._check_order(argument, f"{path}() of it")
        self.generic_visit(node)

    def _check_call(self, node: ast.Call, path: str) -> None:
        instead = forbidden.BLOCKING.get(path) or _of_family(path, forbidden.BLOCKING_FAMILIES)
        if instead:
            self._report(node, "FL006", f"{path}() blocks or reaches outside: {instead}")
        threads = _of_family(path, forbidden.THREAD_FAMILIES)
        if threads:
            self._report(node, "FL005", f"{path} in workflow code: {threads}")
        self._check_now(node, path)
        if path == "random.Random" and not node.args and not node.keywords:
            self._report(node, "FL002", f"random.Random() without a seed, {_REPLAY}: use workflow.new_random()")
        if path in ("id", "hash") and len(node.args) == 1:
            self._report(node, "FL003", f"{path}() differs from process to process: use a value of your own")
        if path == "asyncio.as_completed" and node.args and _makes_coroutines(node.args[0]):
            self._report(
                node,
                "FL004",
                "asyncio.as_completed starts coroutines in an order that differs: use workflow.as_completed",
            )

    def _check_now(self, node: ast.Call, path: str) -> None:
        """What means the present, or other numbers each time, unless it is given something."""
        given = len(node.args) + len(node.keywords)
        if path in forbidden.CLOCK_UNLESS_GIVEN and given < forbidden.CLOCK_UNLESS_GIVEN[path]:
            self._report(node, "FL001", f"{path}() of the present time, {_REPLAY}: give it workflow.time()")
        name = path.removeprefix("numpy.random.")
        if name != path and (name not in forbidden.NUMPY_SEEDED or not given):
            self._report(
                node,
                "FL002",
                f"{path}(), {_REPLAY}: use workflow.random(), or numpy.random.default_rng(workflow.random_seed())",
            )

    def _check_method(self, node: ast.Call, function: ast.Attribute) -> None:
        made = function.value
        if function.attr in forbidden.PATH_METHODS and self._objects.made_by(made) == "pathlib.Path":
            instead = forbidden.PATH_METHODS[function.attr]
            self._report(node, "FL006", f"Path.{function.attr}() blocks or reaches outside: {instead}")
        if function.attr == "run_in_executor":
            self._report(node, "FL005", "run_in_executor() in workflow code: run blocking code in an activity")
        if function.attr == "pop" and not node.args:
            self._check_order(function.value, "pop() of it")
        if (function.attr == "join" and isinstance(made, ast.Constant)) or function.attr == "extend":
            for argument in node.args:
                self._check_order(argument, f"{function.attr}() of it")

    # ---- order

    def _check_order(self, expression: ast.expr, how: str) -> None:
        if self._sets.has_no_order(expression):
            self._report(
                expression,
                "FL004",
                f"the order of a set differs from process to process, so {how} does: use a list, a dict, or sorted()",
            )

    def _let_pass(self, expression: ast.expr) -> None:
        """Say nothing of the order in an expression: it does not matter there."""
        self._any_order.add(id(expression))
        if isinstance(expression, ast.List | ast.Tuple | ast.Set):
            self._any_order.update(map(id, expression.elts))

    def visit_Starred(self, node: ast.Starred) -> None:
        if isinstance(node.ctx, ast.Load) and id(node) not in self._any_order:
            self._check_order(node.value, "unpacking it")
        self.generic_visit(node)

    def visit_Set(self, node: ast.Set) -> None:
        self._let_pass(node)
        self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        for operator, right in zip(node.ops, node.comparators, strict=True):
            if isinstance(operator, ast.In | ast.NotIn):
                self._let_pass(right)
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        if any(map(_takes_several, node.targets)):
            self._check_order(node.value, "unpacking it")
        self.generic_visit(node)

    def visit_For(self, node: ast.For) -> None:
        self._check_order(node.iter, "this loop")
        self.generic_visit(node)

    def visit_ListComp(self, node: ast.ListComp) -> None:
        self._check_comprehension(node)

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> None:
        self._check_comprehension(node)

    def visit_DictComp(self, node: ast.DictComp) -> None:
        self._check_comprehension(node)

    def _check_comprehension(self, node: ast.ListComp | ast.GeneratorExp | ast.DictComp) -> None:
        if id(node) not in self._any_order:
            for generator in node.generators:
                self._check_order(generator.iter, "this comprehension")
        self.generic_visit(node)

    # ---- statements

    def visit_With(self, node: ast.With) -> None:
        if is_unrestricted(node, self._names, self._local):
            return
        if _awaits(node.body):
            for item in node.items:
                self._check_suppressed(item.context_expr)
        self.generic_visit(node)

    def _check_suppressed(self, manager: ast.expr) -> None:
        if (
            isinstance(manager, ast.Call)
            and self._path(manager.func) == "contextlib.suppress"
            and any(self._path(kind) == "BaseException" for kind in manager.args)
        ):
            self._report(manager, "FL009", f"suppress(BaseException) {_SWALLOWS}")

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_arguments(self, node: ast.arguments) -> None:
        for default in (*node.defaults, *node.kw_defaults):
            if default is not None:
                self.visit(default)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._visit_within(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._visit_within(node)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        outer, self._local = self._local, self._local | local_names(node)
        self.generic_visit(node)
        self._local = outer

    def _visit_within(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        outer, self._local = self._local, self._local | local_names(node)
        self.visit(node.args)
        for statement in node.body:
            self.visit(statement)
        self._local = outer

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Call):
            name = self._coroutine(node.value.func)
            if name:
                self._report(node, "FL008", f"{name}() does nothing unless it is awaited: write `await`")
        self.generic_visit(node)

    def _coroutine(self, function: ast.expr) -> str:
        """The name of a function whose result must be awaited; empty if it is not known to be one."""
        path = self._path(function)
        if path in _AWAITED:
            return path.removeprefix("foldlog.")
        if isinstance(function, ast.Name) and function.id in self._local:
            return function.id if function.id in self._coroutines else ""
        known = self._modules.find(self._code.module, function, self._local)
        if known is not None and isinstance(known.node, ast.AsyncFunctionDef):
            # What a decorator makes of one of another module, whoever calls it cannot see.
            is_certain = known.module is self._code.module or not known.node.decorator_list
            return ast.unparse(function) if is_certain else ""
        if not isinstance(function, ast.Attribute):
            return ""
        if function.attr in METHODS and function.attr in COROUTINES.get(self._objects.made_by(function.value), ()):
            return ast.unparse(function)
        if isinstance(function.value, ast.Name) and function.value.id == "self":
            method = self._code.owner.methods.get(function.attr) if self._code.owner else None
            if method and isinstance(method.function, ast.AsyncFunctionDef) and not method.function.decorator_list:
                return f"self.{function.attr}"
        return ""

    def visit_Try(self, node: ast.Try | ast.TryStar) -> None:
        if _awaits(node.body):
            self._check_handlers(node.handlers)
        self.generic_visit(node)

    visit_TryStar = visit_Try

    def _check_handlers(self, handlers: list[ast.ExceptHandler]) -> None:
        for handler in handlers:
            caught = set(self._caught(handler))
            raises = any(isinstance(inner, ast.Raise) for inner in walk_own(handler.body))
            if "BaseException" in caught and not raises:
                what = "except BaseException" if handler.type is not None else "a bare except"
                self._report(handler, "FL009", f"{what} {_SWALLOWS}")
            if "asyncio.CancelledError" in caught and raises:
                return

    def _caught(self, handler: ast.ExceptHandler) -> Iterator[str]:
        if handler.type is None:
            yield "BaseException"
            return
        kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
        for kind in kinds:
            yield self._path(kind)

    def visit_While(self, node: ast.While) -> None:
        forever = isinstance(node.test, ast.Constant) and bool(node.test.value)
        idle = all(isinstance(statement, ast.Pass | ast.Continue) for statement in node.body)
        leaves = (ast.Await, ast.AsyncFor, ast.AsyncWith, ast.Yield, ast.YieldFrom, ast.Break, ast.Return, ast.Raise)
        if (forever or idle) and not any(isinstance(inner, leaves) for inner in walk_own(node)):
            self._report(
                node.test,
                "FL010",
                "this loop never yields, and holds up its partition: await workflow.wait_condition or workflow.sleep",
            )
        self.generic_visit(node)


_NAMED = (("FL001", forbidden.CLOCK), ("FL002", forbidden.RANDOM), ("FL003", forbidden.SURROUNDINGS))


def _of_family(path: str, families: Mapping[str, str]) -> str:
    return next((instead for prefix, instead in families.items() if path.startswith(prefix)), "")


def _takes_several(target: ast.expr) -> bool:
    """Whether it is given what an unpacked value has: a single name only takes the one that there is."""
    match target:
        case ast.Tuple(elts=[one]) | ast.List(elts=[one]):
            return isinstance(one, ast.Starred)
        case ast.Tuple() | ast.List():
            return True
    return False


def _awaits(body: list[ast.stmt]) -> bool:
    return any(isinstance(inner, ast.Await | ast.AsyncFor | ast.AsyncWith) for inner in walk_own(body))


def _makes_coroutines(argument: ast.expr) -> bool:
    """Whether it is written as a list of calls that start no task by themselves."""
    if isinstance(argument, ast.List | ast.Tuple | ast.Set):
        elements = argument.elts
    elif isinstance(argument, ast.ListComp | ast.GeneratorExp | ast.SetComp):
        elements = [argument.elt]
    else:
        return False
    calls = [element.func for element in elements if isinstance(element, ast.Call)]
    names = [call.attr if isinstance(call, ast.Attribute) else getattr(call, "id", "") for call in calls]
    return any(not name.startswith(_STARTING) for name in names)


def _annotations(code: Code) -> dict[str, ast.expr]:
    """Annotations of attributes of `self`."""
    if code.owner is None:
        return {}
    found: dict[str, ast.expr] = {}
    for cls in code.owner.classes:
        for node in ast.walk(cls.node):
            if not isinstance(node, ast.AnnAssign):
                continue
            target = node.target
            if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == "self":
                found[target.attr] = node.annotation
            elif isinstance(target, ast.Name) and node in cls.node.body:
                found[target.id] = node.annotation
    return found
