"""Checks modules together: what their workflows run in any module of the project, each function once."""

from __future__ import annotations

import ast
import tokenize
from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from foldlog.checker import analysis
from foldlog.checker.calls import workflow_code
from foldlog.checker.code import Code, is_activity, is_apart
from foldlog.checker.comments import apply, exceptions, wrong_exceptions
from foldlog.checker.config import Config
from foldlog.checker.modules import NESTED, Module, Modules
from foldlog.checker.rules import Finding
from foldlog.checker.shared import shared_state


def check_modules(checked: Sequence[Module], modules: Modules, config: Config) -> list[Finding]:
    """What is found in workflows of some modules, and in what these call in others.

    Args:
        checked: The modules.
        modules: Finds others.
        config: The project's settings.
    """
    codes: dict[Module, list[Code]] = {module: [] for module in checked}
    for code in workflow_code(codes, modules):
        codes.setdefault(code.module, []).append(code)
    left: list[Finding] = []
    for module, here in codes.items():
        try:
            made = exceptions(module.text)
        except (SyntaxError, tokenize.TokenError) as error:
            left.append(Finding(module.shown, 1, 1, "FL099", f"its comments cannot be read: {error}"))
            continue
        left += apply(_found(module, here, modules, config), made)
        if module in checked:
            left += wrong_exceptions(module.shown, made, config.disable, partial(_is_settled, module, here))
    return left


def _found(module: Module, codes: Iterable[Code], modules: Modules, config: Config) -> set[Finding]:
    """What is found in the functions of one module."""
    found: set[Finding] = set()

    def report(code: Code, node: ast.AST, rule: str, message: str) -> None:
        if rule not in config.disable:
            line, column = getattr(node, "lineno", 1), getattr(node, "col_offset", 0) + 1
            whole = isinstance(node, ast.expr | ast.Expr)
            end = (getattr(node, "end_lineno", None) or line) if whole else line
            found.add(Finding(module.shown, line, column, rule, f"{message} [{code.described}]", end))

    try:
        for code in codes:
            analysis.check(code, modules, config.forbidden, partial(report, code))
        activities = [function for function in module.names.every_function if is_activity(function, module.names)]
        for code, node, message in shared_state(module, codes, activities, modules):
            report(code, node, "FL007", message)
    except RecursionError:
        found.add(Finding(module.shown, 1, 1, "FL099", NESTED))
    return found


def _is_settled(module: Module, codes: Iterable[Code], line: int) -> bool:
    """Whether nothing more can be found in a line of a module, whoever else calls what is in it."""

    def within(some: Iterable[ast.FunctionDef | ast.AsyncFunctionDef]) -> Iterator[bool]:
        return (one.lineno <= line <= (one.end_lineno or one.lineno) for one in some)

    every = module.names.every_function
    apart = [function for function in every if is_apart(function, module.names)]
    return any(within(code.function for code in codes)) or any(within(apart)) or not any(within(every))
